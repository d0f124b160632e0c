/* feed.c: batches of the data into a call, by the names of the fields.
 *
 * A model that the compiler made is of the shapes of its data; one that was written down says what
 * it reads, and is held to it here, before the first batch. */
#include "train.h"

#include <string.h>

static const sslc_tensor *find_field(const Data *data, const char *name)
{
	const sslc_data *shape = data_shape(data);
	for (size_t i = 0; i < shape->count; i++)
		if (strcmp(shape->field[i].name, name) == 0)
			return &shape->field[i];
	return NULL;
}

/* A batch of the field is what the input reads. */
static bool fits(const sslc_tensor *input, const sslc_tensor *field, const PrefetchOrder *order,
                 const char *function, Failure *f)
{
	bool is_wide = order->f64 && strcmp(field->dtype, "f32") == 0;
	const char *type = is_wide ? "f64" : field->dtype;
	int64_t dim[SSLC_MAX_RANK] = {order->batch};
	int rank = field->rank + 1;
	memcpy(dim + 1, field->dim, (size_t)field->rank * sizeof *dim);
	if (strcmp(input->dtype, type) == 0 && input->rank == rank &&
	    memcmp(input->dim, dim, (size_t)rank * sizeof *dim) == 0)
		return true;
	char reads[TENSOR_TEXT], has[TENSOR_TEXT];
	tensor_text(input->dtype, input->rank, input->dim, reads);
	tensor_text(type, rank, dim, has);
	return fail(f, FAILURE_WRONG, "'%s' reads '%s' as %s, but a batch of the data is %s", function,
	            input->name, reads, has);
}

/* What was given already, such as "seed", is not of the data. */
static bool check_inputs(const Call *call, const Data *data, const PrefetchOrder *order, Failure *f)
{
	const sslc_code *code = call->code;
	for (size_t i = 0; i < code->input_count; i++) {
		const sslc_tensor *field = find_field(data, code->input[i].name);
		bool is_known = call->input[i] || strcmp(code->input[i].name, "sample_number") == 0;
		if (!field && !is_known)
			return fail(f, FAILURE_WRONG, "'%s' reads '%s', which the data does not have",
			            code->name, code->input[i].name);
		if (field && !fits(&code->input[i], field, order, code->name, f))
			return false;
	}
	return true;
}

bool feed_open(Feed *feed, const Call *call, const Data *data, PrefetchOrder order, Failure *f)
{
	char why[WHY];
	*feed = (Feed){.data = data};
	if (!check_inputs(call, data, &order, f))
		return false;
	feed->prefetch = prefetch_open(data, &order, why);
	return feed->prefetch || fail(f, FAILURE_SYSTEM, "%s", why);
}

bool feed_next(Feed *feed, Call *call, Failure *f)
{
	char why[WHY];
	double began = seconds_now();
	feed->field = prefetch_next(feed->prefetch, why);
	feed->waited += feed->batches++ ? seconds_now() - began : 0;
	if (!feed->field)
		return fail(f, FAILURE_SYSTEM, "no batch for '%s': %s", call->code->name, why);
	feed_repeat(feed, call);
	return true;
}

void feed_fields(Call *call, const Data *data, const Prefetch *p, const void *const *field)
{
	const sslc_data *shape = data_shape(data);
	for (size_t i = 0; i < shape->count; i++)
		call_input(call, shape->field[i].name, field[i]);
	call_input(call, "sample_number", prefetch_numbers(p));
}

void feed_repeat(const Feed *feed, Call *call)
{
	feed_fields(call, feed->data, feed->prefetch, feed->field);
}

void feed_close(Feed *feed)
{
	prefetch_close(feed->prefetch);
	*feed = (Feed){0};
}
