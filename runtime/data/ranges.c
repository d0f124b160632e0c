/* ranges.c: holds every value that the model can be given to those that it tells apart. In: the ranges of the compiled
 * model. One pass over the samples, whatever the number of ranges. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

typedef struct Told {
	const sslc_range *range;
	size_t *at, count; /* elements of a sample that are told apart */
	bool of_task;
} Told;

/* Of a float what a cast to an integer makes of it, but NaN. */
static double whole_at(const sslc_tensor *t, const void *value, size_t k)
{
	return t->dtype[0] == 'f' ? trunc((double)((const float *)value)[k])
	                          : (double)((const int32_t *)value)[k];
}

/* The sample says that it has no such label. */
static bool lacks_label(const Data *d, Split s, const Field *f, int64_t i, int64_t row)
{
	bool own = strcmp(f->name, "label") == 0;
	return own ? data_shape(d)->unlabelled > 0 && !data_has_label(d, s, i)
	           : f->is_label && !found_has_label(&f->array, row);
}

/* Whether element k of a sample is one of those. */
static bool is_told(const sslc_tensor *t, const sslc_range *r, size_t k)
{
	for (int a = t->rank - 1; a >= 0; a--) {
		int64_t place = (int64_t)(k % (size_t)t->dim[a]) - r->first[a];
		if (r->count[a] && (place < 0 || place % r->step[a] || place / r->step[a] >= r->count[a]))
			return false;
		k /= (size_t)t->dim[a];
	}
	return true;
}

static bool told_open(Told *to, const sslc_tensor *t, const sslc_range *r)
{
	size_t width = t->bytes / sizeof(int32_t);
	*to = (Told){.range = r, .at = malloc((width + 1) * sizeof *to->at)};
	for (size_t k = 0; to->at && k < width; k++)
		if (is_told(t, r, k))
			to->at[to->count++] = k;
	return to->at != NULL;
}

/* " at [2, 0]", where only some elements are told apart. */
static void say_place(const sslc_tensor *t, const sslc_range *r, size_t k, char to[WHY])
{
	size_t behind = 1, used = 0;
	bool some = false;
	to[0] = '\0';
	for (int a = 0; a < t->rank; a++) {
		some |= r->count[a] != 0;
		behind *= (size_t)t->dim[a];
	}
	for (int a = 0; some && a < t->rank; a++) {
		behind /= (size_t)t->dim[a];
		used += (size_t)snprintf(to + used, WHY - used, "%s%zu%s", a ? ", " : " at [", k / behind,
		                         a == t->rank - 1 ? "]" : "");
		k %= behind;
	}
}

/* What, and where the model says so. */
static bool refuse(const sslc_range *r, const char *what, char why[WHY])
{
	return because(why,
	               "%s, but %s knows only 0 to %lld there (%.200s:%u:%u); where that is meant, "
	               "compute first, as in max(label, 0) or at - label == 0",
	               what, r->function, (long long)(r->below - 1), r->file ? r->file : "", r->line,
	               r->column);
}

static bool refuse_value(const Data *d, Split s, const Told *told, size_t k, const void *value,
                         int64_t row, char why[WHY])
{
	const sslc_tensor *t = &data_shape(d)->field[told->range->field];
	char what[WHY], place[WHY];
	say_place(t, told->range, k, place);
	because(what, "'%s'%s of sample %lld%s is %.9g", t->name, place, (long long)row,
	        data_is_shared(d)  ? ""
	        : s == SPLIT_TRAIN ? " of the train data"
	                           : " of the test data",
	        t->dtype[0] == 'f' ? (double)((const float *)value)[k] : whole_at(t, value, k));
	return refuse(told->range, what, why);
}

/* Of a sample; NULL: it is neither in memory nor copied. */
static const void *value_of(const Data *d, Split s, size_t field, int64_t row, void *const copy[])
{
	const unsigned char *at = data_part(d, s)->field[field].array.at;
	return at ? at + data_shape(d)->field[field].bytes * (size_t)row : copy[field];
}

/* No task sees a sample without a label. */
static bool sample_in_range(const Data *d, Split s, const Told *told, int64_t i, int64_t row,
                            const void *value, char why[WHY])
{
	const sslc_range *r = told->range;
	const sslc_tensor *t = &data_shape(d)->field[r->field];
	const Field *f = &data_part(d, s)->field[r->field];
	if (lacks_label(d, s, f, i, row)) {
		bool own = strcmp(t->name, "label") == 0;
		char what[WHY];
		if (own && told->of_task)
			return true;
		if (own)
			because(what, "sample %lld has no label", (long long)row);
		else
			because(what, "sample %lld has no '%s'", (long long)row, t->name);
		return refuse(r, what, why);
	}
	for (size_t j = 0; j < told->count; j++) {
		double x = whole_at(t, value, told->at[j]);
		if (!(x >= 0 && x < (double)r->below))
			return refuse_value(d, s, told, told->at[j], value, row, why);
	}
	return true;
}

/* Those that are in memory, or copies of what is. */
static bool split_in_range(const Data *d, Split s, const Told *told, size_t count,
                           void *const copy[], char why[WHY])
{
	const Part *part = data_part(d, s);
	for (int64_t i = 0; count && i < data_count(d, s); i++) {
		int64_t row = data_row(d, s, i);
		if (part->copy)
			part->copy(part->source, row, copy);
		for (size_t k = 0; k < count; k++) {
			const void *value = value_of(d, s, told[k].range->field, row, copy);
			if (value && !sample_in_range(d, s, &told[k], i, row, value, why))
				return false;
		}
	}
	return true;
}

/* Of what is not in memory the reader has said how far it goes. */
static bool rest_in_range(const Data *d, Split s, const sslc_range *r, char why[WHY])
{
	const sslc_tensor *t = &data_shape(d)->field[r->field];
	const Field *f = &data_part(d, s)->field[r->field];
	char what[WHY];
	if (f->array.at || f->copied || t->dtype[0] == 'f' || !data_count(d, s) ||
	    (f->below && f->below <= r->below))
		return true;
	because(what, "'%s' goes up to %" PRId64, t->name,
	        f->below ? f->below - 1 : (int64_t)INT32_MAX);
	return refuse(r, what, why);
}

/* "probe.step" is of the task probe. */
static bool is_of_task(const sslc_model *model, const char *function)
{
	for (size_t t = 0; t < model->task_count; t++) {
		size_t size = strlen(model->task[t].name);
		if (strncmp(function, model->task[t].name, size) == 0 && function[size] == '.')
			return true;
	}
	return false;
}

/* Room for a sample of a field, if that is copied. */
static bool copy_open(const Data *d, size_t field, void *copy[SSLC_MAX_FIELDS])
{
	if (!data_part(d, SPLIT_TRAIN)->field[field].copied || copy[field])
		return true;
	copy[field] = malloc(data_shape(d)->field[field].bytes + 1);
	return copy[field] != NULL;
}

/* False: there is no memory. Bytes are whatever the model tells apart. */
static bool open_all(const Data *d, const sslc_model *model, Told *told, size_t *count,
                     void *copy[SSLC_MAX_FIELDS])
{
	for (size_t i = 0; told && i < model->range_count; i++) {
		const sslc_range *r = &model->range[i];
		const sslc_tensor *t = &data_shape(d)->field[r->field];
		if (r->field >= data_shape(d)->count ||
		    (strcmp(t->dtype, "i32") != 0 && strcmp(t->dtype, "f32") != 0))
			continue;
		if (!copy_open(d, r->field, copy) || !told_open(&told[*count], t, r))
			return false;
		told[(*count)++].of_task = is_of_task(model, r->function);
	}
	return told != NULL;
}

bool data_in_ranges(const Data *d, const sslc_model *model, char why[WHY])
{
	void *copy[SSLC_MAX_FIELDS] = {0};
	Told *told = calloc(model->range_count + 1, sizeof *told);
	size_t count = 0;
	bool good = open_all(d, model, told, &count, copy) ||
	            because(why, "there is no memory to check the data");
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; good && i < count; i++)
			good = rest_in_range(d, (Split)s, told[i].range, why);
		good = good && split_in_range(d, (Split)s, told, count, copy, why);
	}
	for (size_t i = 0; i < count; i++)
		free(told[i].at);
	for (size_t f = 0; f < SSLC_MAX_FIELDS; f++)
		free(copy[f]);
	free(told);
	return good;
}
