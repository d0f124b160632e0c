/* report_run.c: samples of the data as a trained model sees them: its features of them, and its views. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* -- Samples ----------------------------------------------------------------------------------- */

static int64_t elements(int rank, const int64_t *dim)
{
	int64_t size = 1;
	for (int i = 0; i < rank; i++)
		size *= dim[i];
	return size;
}

/* `count` numbers of a field as floats, as a model sees them. */
static void to_floats(const char *type, const void *from, int64_t count, float *to)
{
	for (int64_t i = 0; i < count; i++)
		to[i] = strcmp(type, "u8") == 0    ? ((const uint8_t *)from)[i] / 255.0f
		        : strcmp(type, "i32") == 0 ? (float)((const int32_t *)from)[i]
		                                   : ((const float *)from)[i];
}

static bool choose(Seen *s, const Data *data, int64_t samples)
{
	s->split = data_count(data, SPLIT_TEST) ? SPLIT_TEST : SPLIT_TRAIN;
	int64_t all = data_count(data, s->split);
	s->samples = samples < all ? samples : all;
	s->shown = s->samples < SHOWN ? s->samples : SHOWN;
	s->row = calloc((size_t)s->samples, sizeof *s->row);
	for (int64_t i = 0; s->row && i < s->samples; i++)
		s->row[i] = order_at(i, all, 0, 0);
	return s->row != NULL;
}

/* Place k of a batch, which is sample i. */
static void take_sample(Seen *s, const sslc_tensor *t, const void *batch, int64_t k, int64_t i)
{
	int64_t size = elements(t->rank, t->dim);
	float *to = i < s->shown ? s->x + i * size : s->spare;
	Picture sample;
	if (i < s->shown || s->thumb)
		to_floats(t->dtype, (const char *)batch + k * size * (int64_t)type_bytes(t->dtype), size,
		          to);
	if (s->thumb && picture_of_shape(t->rank, t->dim, &sample))
		picture_shrink(to, sample, s->cell,
		               s->thumb + i * s->cell.width * s->cell.height * s->cell.channels);
}

/* Takes the fields of one batch, of which `count` samples are new. */
static void take_fields(Seen *s, const Data *data, const void *const *field, int64_t first,
                        int64_t count)
{
	const sslc_data *shape = data_shape(data);
	for (size_t i = 0; i < shape->count; i++) {
		const sslc_tensor *t = &shape->field[i];
		if (strcmp(t->name, "x") == 0)
			for (int64_t k = 0; k < count; k++)
				take_sample(s, t, field[i], k, first + k);
		else if (s->label && strcmp(t->name, "label") == 0)
			memcpy(s->label + first, field[i], (size_t)count * sizeof *s->label);
	}
}

static bool make_room(Seen *s, const Data *data)
{
	const sslc_data *shape = data_shape(data);
	for (size_t i = 0; i < shape->count; i++) {
		const sslc_tensor *t = &shape->field[i];
		if (strcmp(t->name, "x") == 0)
			s->shape = *t;
		if (strcmp(t->name, "label") == 0 && t->rank == 0 && strcmp(t->dtype, "i32") == 0)
			s->label = calloc((size_t)s->samples, sizeof *s->label);
	}
	Picture sample;
	int64_t size = elements(s->shape.rank, s->shape.dim);
	s->x = calloc((size_t)((s->shown + 1) * size) + 1, sizeof *s->x);
	s->spare = s->x ? s->x + s->shown * size : NULL;
	if (!picture_of_shape(s->shape.rank, s->shape.dim, &sample))
		return s->x != NULL;
	s->cell = picture_fit(sample, MAP_SIDE);
	size_t pixels = (size_t)s->cell.width * (size_t)s->cell.height * (size_t)s->cell.channels;
	s->thumb = calloc((size_t)s->samples, pixels * sizeof *s->thumb);
	return s->x && s->thumb;
}

/* Batch after batch of the samples. Without a call, only their fields are taken. */
static bool run_batches(Seen *s, Call *call, const Data *data, int64_t batch, Failure *f)
{
	PrefetchOrder order = {.split = s->split,
	                       .batch = batch,
	                       .last_step = (s->samples + batch - 1) / batch,
	                       .chosen = s->row,
	                       .chosen_count = s->samples};
	char why[WHY];
	Prefetch *p = prefetch_open(data, &order, why);
	if (!p)
		return fail(f, FAILURE_SYSTEM, "%s", why);
	bool good = true;
	for (int64_t done = 0; good && done < s->samples; done += batch) {
		const void *const *field = prefetch_next(p, why);
		if (!field) {
			good = fail(f, FAILURE_WRONG, "%s", why);
			break;
		}
		int64_t count = s->samples - done < batch ? s->samples - done : batch;
		take_fields(s, data, field, done, count);
		if (call) {
			feed_fields(call, data, p, field);
			call_run(call);
		}
		if (call)
			memcpy(s->feature + done * s->width, call->output[0],
			       (size_t)(count * s->width) * sizeof *s->feature);
	}
	prefetch_close(p);
	return good;
}

/* -- Features ---------------------------------------------------------------------------------- */

static bool read_features(Seen *s, Engine *e, const Data *data, Failure *f)
{
	Call call = {0};
	if (!engine_function(e, "features")) {
		because(s->no_features,
		        "The model has no features: no \"features\", and no network named encoder.");
		return run_batches(s, NULL, data, 64, f);
	}
	bool good = call_open(&call, e, "features", f);
	const sslc_tensor *t = good ? &call.code->output[0] : NULL;
	s->width = good ? elements(t->rank, t->dim) / t->dim[0] : 0;
	s->feature = good ? calloc((size_t)(s->samples * s->width) + 1, sizeof *s->feature) : NULL;
	if (good && !s->feature)
		good = fail(f, FAILURE_SYSTEM, "no memory for the features");
	good = good && run_batches(s, &call, data, t->dim[0], f);
	call_close(&call);
	return good;
}

/* -- Views ------------------------------------------------------------------------------------- */

static bool add_view(Seen *s, const char *name, int rank, const int64_t *dim, const float *at)
{
	if (s->views == VIEWS)
		return true;
	View *v = &s->view[s->views++];
	*v = (View){.name = name, .rank = rank};
	memcpy(v->dim, dim, (size_t)rank * sizeof *dim);
	size_t bytes = (size_t)(s->shown * elements(rank, dim)) * sizeof *at;
	v->at = malloc(bytes + 1);
	if (v->at)
		memcpy(v->at, at, bytes);
	return v->at != NULL;
}

/* A row of what is one picture in the data is that picture. */
static bool add_output(Seen *s, const sslc_tensor *t, const float *at)
{
	int64_t size = elements(s->shape.rank, s->shape.dim);
	if (t->rank == 2 && t->dim[1] == size && s->shape.rank > 1)
		return add_view(s, t->name, s->shape.rank, s->shape.dim, at);
	return add_view(s, t->name, t->rank - 1, t->dim + 1, at);
}

static bool run_views(Seen *s, Engine *e, const Data *data, Failure *f)
{
	Call call = {0};
	char why[WHY];
	bool good = call_open(&call, e, "views", f);
	int64_t batch = good ? call_batch(&call) : 0;
	PrefetchOrder order = {.split = s->split,
	                       .batch = batch,
	                       .last_step = 1,
	                       .chosen = s->row,
	                       .chosen_count = s->samples};
	Prefetch *p = good ? prefetch_open(data, &order, why) : NULL;
	if (good && !p)
		good = fail(f, FAILURE_SYSTEM, "%s", why);
	const void *const *field = p ? prefetch_next(p, why) : NULL;
	if (field) {
		feed_fields(&call, data, p, field);
		call_run(&call);
	} else if (p)
		good = fail(f, FAILURE_WRONG, "%s", why);
	s->shown = s->shown < batch ? s->shown : batch;
	good = good && add_view(s, "x", s->shape.rank, s->shape.dim, s->x);
	for (size_t i = 0; good && i < call.code->output_count; i++)
		good = add_output(s, &call.code->output[i], call.output[i]);
	if (!good && !f->text[0] && field)
		fail(f, FAILURE_SYSTEM, "no memory for the views");
	prefetch_close(p);
	call_close(&call);
	return good;
}

bool seen_open(Seen *s, Session *session, Engine *e, int64_t samples, Failure *f)
{
	*s = (Seen){0};
	if (!choose(s, session->data, samples) || !make_room(s, session->data))
		return fail(f, FAILURE_SYSTEM, "no memory for the samples");
	if (!read_features(s, e, session->data, f))
		return false;
	if (engine_function(e, "views"))
		return run_views(s, e, session->data, f);
	because(s->no_views,
	        "The model names nothing to look at: it has no \"pretext\", and nothing that a "
	        "network gives in its loss is as large as its data.");
	return add_view(s, "x", s->shape.rank, s->shape.dim, s->x) ||
	       fail(f, FAILURE_SYSTEM, "no memory for the samples");
}

void seen_close(Seen *s)
{
	for (size_t i = 0; i < s->views; i++)
		free(s->view[i].at);
	free(s->row);
	free(s->feature);
	free(s->x);
	free(s->thumb);
	free(s->label);
	*s = (Seen){0};
}
