/* dataset.c: opens what "data" calls: arguments, the reader, checks, splits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

struct Data {
	sslc_data shape;
	Part part[2];  /* by Split */
	int64_t whole; /* samples before a share was held out; 0: none was */
};

enum { MOST = 8, HOLD_OUT_SEED = 0x5e1f };

static const struct {
	const char *name, *parameters;
	Reader read;
} readers[] = {
#define READER(name, parameters, meaning) {#name, parameters, read_##name},
#include "readers.def"
#undef READER
};
enum { READERS = sizeof readers / sizeof *readers };

/* -- Arguments --------------------------------------------------------------------------------- */

typedef struct Parameter {
	char name[32];
	char otherwise[128]; /* "": required */
} Parameter;

static int parse_parameters(const char *text, Parameter *p)
{
	int count = 0;
	while (*text && count < MOST) {
		size_t size = strcspn(text, ","), name = strcspn(text, "=,");
		p[count] = (Parameter){{0}, {0}};
		memcpy(p[count].name, text, name);
		if (name < size)
			memcpy(p[count].otherwise, text + name + 1, size - name - 1);
		count++;
		text += size;
		text += strspn(text, ", ");
	}
	return count;
}

static int find_parameter(const Parameter *p, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(p[i].name, name) == 0)
			return i;
	return -1;
}

/* Texts of defaults live in p. */
static bool match(const sslc_call *call, int reader, Parameter *p, Arguments *a, char why[WHY])
{
	int count = parse_parameters(readers[reader].parameters, p);
	bool given[MOST] = {0};
	for (size_t i = 0; i < call->count; i++) {
		const sslc_argument *arg = &call->argument[i];
		int at = arg->name ? find_parameter(p, count, arg->name) : (int)i;
		if (at < 0 || at >= count || given[at])
			return because(why, "'%s' has no place for %s%.60s; its parameters are %s", call->name,
			               arg->name ? "" : "argument ",
			               arg->name ? arg->name
			               : i < 9   ? (char[]){(char)('1' + i), 0}
			                         : "10",
			               readers[reader].parameters);
		given[at] = true;
		bool wants_text = p[at].otherwise[0] == '\'' ||
		                  (!p[at].otherwise[0] && strcmp(call->name, "normal") != 0);
		if (wants_text != (arg->text != NULL))
			return because(why, "'%s' of %s must be %s", p[at].name, call->name,
			               wants_text ? "a text in single quotes" : "a number");
		a->text[at] = arg->text;
		a->number[at] = arg->number;
	}
	for (int i = 0; i < count; i++) {
		if (given[i])
			continue;
		if (!p[i].otherwise[0])
			return because(why, "'%s' is not given its argument '%s'; its parameters are %s",
			               call->name, p[i].name, readers[reader].parameters);
		if (p[i].otherwise[0] == '\'') {
			p[i].otherwise[strlen(p[i].otherwise) - 1] = 0;
			a->text[i] = p[i].otherwise + 1;
		} else {
			a->number[i] = strtod(p[i].otherwise, NULL);
		}
	}
	return true;
}

static int find_reader(const char *name, char why[WHY])
{
	char list[256] = "";
	for (int i = 0; i < READERS; i++) {
		if (strcmp(readers[i].name, name) == 0)
			return i;
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "",
		         readers[i].name);
	}
	because(why, "no reader named '%.60s'; there are %s", name, list);
	return -1;
}

/* -- Checks ------------------------------------------------------------------------------------ */

static bool check_finite(const Array *x, const char *what, char why[WHY])
{
	if (strcmp(x->type, "f32") != 0)
		return true;
	int64_t size = array_size(x);
	for (int64_t i = 0; i < size; i++)
		if (!isfinite(((const float *)x->at)[i]))
			return because(why, "%s holds %s at index %lld; remove or replace such values", what,
			               isnan(((const float *)x->at)[i]) ? "NaN" : "infinity", (long long)i);
	return true;
}

/* Labels become i32 of one axis. */
static bool check_labels(Part *p, int64_t *classes, char why[WHY])
{
	Array *label = &p->label;
	if (!label->at)
		return true;
	if (label->rank == 2 && label->dim[1] == 1)
		label->rank = 1;
	if (label->rank != 1 || label->dim[0] != p->x.dim[0])
		return because(why, "there are %lld samples but %lld labels (of %d axes)",
		               (long long)p->x.dim[0], (long long)label->dim[0], label->rank);
	if (strcmp(label->type, "f32") == 0)
		return because(why, "the labels are floats; save them as integers from 0");
	int32_t *wide = malloc((size_t)label->dim[0] * sizeof *wide);
	if (!wide)
		return because(why, "no memory for the labels");
	for (int64_t i = 0; i < label->dim[0]; i++) {
		wide[i] =
		    strcmp(label->type, "u8") == 0 ? ((uint8_t *)label->at)[i] : ((int32_t *)label->at)[i];
		if (wide[i] < 0) {
			because(why, "label %lld is %d; labels are integers from 0", (long long)i, wide[i]);
			free(wide);
			return false;
		}
		*classes = wide[i] >= *classes ? (int64_t)wide[i] + 1 : *classes;
	}
	free(label->at);
	label->at = wide;
	label->type = "i32";
	return true;
}

static bool check_splits(Data *d, char why[WHY])
{
	Part *train = &d->part[SPLIT_TRAIN], *test = &d->part[SPLIT_TEST];
	if (!train->x.at)
		return because(why, "the name of the data's file is empty");
	if (train->x.rank < 1)
		return because(why, "the data is a single number, but samples lie along its first axis");
	for (int s = 0; s < 2; s++)
		if (d->part[s].x.at &&
		    (!check_finite(&d->part[s].x, s ? "the test data" : "the data", why) ||
		     !check_labels(&d->part[s], &d->shape.classes, why)))
			return false;
	if (train->x.rank > SSLC_MAX_RANK - 1)
		return because(why, "samples have %d axes, but at most %d can be read", train->x.rank - 1,
		               SSLC_MAX_RANK - 2);
	if (!test->x.at)
		return true;
	bool same = train->x.rank == test->x.rank && strcmp(train->x.type, test->x.type) == 0;
	for (int i = 1; same && i < train->x.rank; i++)
		same = train->x.dim[i] == test->x.dim[i];
	return same || because(why, "train and test samples differ in type or shape");
}

/* -- Splits ------------------------------------------------------------------------------------ */

static size_t row_bytes(const Array *a)
{
	return (size_t)(array_size(a) / a->dim[0]) * type_bytes(a->type);
}

/* Rows [from, to) of the held-out permutation. */
static bool take_rows(const Array *all, int64_t from, int64_t to, Array *out)
{
	size_t row = row_bytes(all);
	*out = *all;
	out->dim[0] = to - from;
	out->at = malloc(row * (size_t)(to - from));
	for (int64_t i = from; out->at && i < to; i++)
		memcpy((char *)out->at + row * (size_t)(i - from),
		       (const char *)all->at + row * (size_t)order_at(i, all->dim[0], HOLD_OUT_SEED, 0),
		       row);
	return out->at != NULL;
}

static bool hold_out(Data *d, double share, char why[WHY])
{
	Part *train = &d->part[SPLIT_TRAIN], *test = &d->part[SPLIT_TEST];
	int64_t n = train->x.dim[0], held = (int64_t)((double)n * share);
	if (test->x.at || held == 0)
		return true;
	d->whole = n;
	for (int field = 0; field < 2; field++) {
		Array *all = field ? &train->label : &train->x, kept, out;
		if (!all->at)
			continue;
		if (!take_rows(all, 0, n - held, &kept) || !take_rows(all, n - held, n, &out))
			return because(why, "no memory for the split");
		free(all->at);
		*all = kept;
		*(field ? &test->label : &test->x) = out;
	}
	return true;
}

static void describe(Data *d)
{
	for (int field = 0; field < 2; field++) {
		const Array *a = field ? &d->part[0].label : &d->part[0].x;
		if (!a->at)
			continue;
		sslc_tensor *t = &d->shape.field[d->shape.count++];
		*t = (sslc_tensor){.name = field ? "label" : "x",
		                   .dtype = a->type,
		                   .rank = a->rank - 1,
		                   .bytes = row_bytes(a)};
		memcpy(t->dim, a->dim + 1, (size_t)(a->rank - 1) * sizeof *a->dim);
	}
	d->shape.train_count = d->part[0].x.dim[0];
	d->shape.test_count = d->part[1].x.at ? d->part[1].x.dim[0] : 0;
}

/* -- Opening ----------------------------------------------------------------------------------- */

Data *data_open(const sslc_call *call, const char *folder, char why[WHY])
{
	Parameter p[MOST];
	Arguments a = {.folder = folder};
	double share = 0;
	why[0] = 0;
	int reader = find_reader(call->name, why);
	if (reader < 0 || !match(call, reader, p, &a, why))
		return NULL;
	Data *d = calloc(1, sizeof *d);
	if (!d) {
		because(why, "no memory");
		return NULL;
	}
	if (readers[reader].read(&a, &d->part[SPLIT_TRAIN], &d->part[SPLIT_TEST], &share, why) &&
	    check_splits(d, why) && hold_out(d, share, why)) {
		describe(d);
		return d;
	}
	data_close(d);
	return NULL;
}

void data_close(Data *d)
{
	for (int s = 0; d && s < 2; s++) {
		free(d->part[s].x.at);
		free(d->part[s].label.at);
	}
	free(d);
}

const sslc_data *data_shape(const Data *d)
{
	return &d->shape;
}
int64_t data_count(const Data *d, Split s)
{
	return s == SPLIT_TRAIN ? d->shape.train_count : d->shape.test_count;
}
int64_t data_row(const Data *d, Split s, int64_t i)
{
	int64_t place = s == SPLIT_TRAIN ? i : d->shape.train_count + i;
	return d->whole ? order_at(place, d->whole, HOLD_OUT_SEED, 0) : i;
}

/* False names the first sample, by its place in its file, whose integer is not in [0, below). */
static bool in_range(const Data *d, size_t field, int64_t below, char why[WHY])
{
	const sslc_tensor *t = &d->shape.field[field];
	if (field >= d->shape.count || strcmp(t->dtype, "i32") != 0)
		return true;
	for (int s = 0; s < 2; s++) {
		const int32_t *value = data_field(d, (Split)s, field);
		int64_t width = (int64_t)(t->bytes / sizeof *value),
		        count = data_count(d, (Split)s) * width;
		for (int64_t i = 0; i < count; i++)
			if (value[i] < 0 || value[i] >= below)
				return because(why, "'%s' of sample %lld%s is %d", t->name,
				               (long long)data_row(d, (Split)s, i / width),
				               d->whole           ? ""
				               : s == SPLIT_TRAIN ? " of the train data"
				                                  : " of the test data",
				               value[i]);
	}
	return true;
}

bool data_in_ranges(const Data *d, const sslc_model *model, char why[WHY])
{
	for (size_t i = 0; i < model->range_count; i++) {
		const sslc_range *r = &model->range[i];
		char what[WHY];
		if (in_range(d, r->field, r->below, what))
			continue;
		return because(why, "%s, but %s knows only 0 to %lld there (%.200s:%u:%u)", what,
		               r->function, (long long)(r->below - 1), r->file ? r->file : "", r->line,
		               r->column);
	}
	return true;
}

const void *data_field(const Data *d, Split s, size_t field)
{
	return field ? d->part[s].label.at : d->part[s].x.at;
}
size_t data_sample_bytes(const Data *d, size_t field)
{
	return d->shape.field[field].bytes;
}
