/* dataset.c: opens what "data" calls, and says which sample is where. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../plain.h"
#include "apart.h"
#include "series.h"

enum { ASKED_SEED = SPLIT_SEED + 1 };

struct Data {
	sslc_data shape;
	Found found;
	/* Of the samples that have a label: */
	int64_t whole; /* those of the train part before a share was held out; 0: none was */
	int64_t asked; /* those of the train split before data_hold_out; 0: it was not called */
	int64_t *row
	    [2]; /* of the part of a split: those with a label, then the others; NULL: all have one */
	bool listed; /* data_hold_out has made both of `row` anew: samples of the train part */
};

static const struct {
	const char *name, *parameters;
	Reader read;
} readers[] = {
#define READER(name, parameters, meaning) {#name, parameters, read_##name},
#include "readers.def"
#undef READER
};
enum { READERS = sizeof readers / sizeof *readers };

/* -- Opening ----------------------------------------------------------------------------------- */

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

static void describe_field(const Field *field, sslc_tensor *t)
{
	const Array *a = &field->array;
	*t = (sslc_tensor){
	    .name = field->name, .dtype = a->type, .rank = a->rank - 1, .bytes = type_bytes(a->type)};
	for (int i = 0; i < t->rank; i++) {
		t->dim[i] = a->dim[i + 1];
		t->bytes *= (size_t)t->dim[i];
	}
}

static const Array *labels_of(const Part *part)
{
	for (size_t f = 0; f < part->count; f++)
		if (strcmp(part->field[f].name, "label") == 0)
			return &part->field[f].array;
	return NULL;
}

/* Lists the rows of a part; how many have a label. */
static bool list_rows(Data *d, Split s, int64_t *labelled, char why[WHY])
{
	const Part *part = &d->found.part[s];
	int64_t n = part->count ? part->field[0].array.dim[0] : 0, have = 0, lack = 0;
	const Array *label = d->found.lacks_labels ? labels_of(part) : NULL;
	*labelled = n;
	if (!label)
		return true;
	for (int64_t i = 0; i < n; i++)
		have += found_has_label(label, i);
	*labelled = have;
	d->row[s] = malloc((size_t)n * sizeof *d->row[s]);
	for (int64_t i = 0; d->row[s] && i < n; i++) {
		bool has = found_has_label(label, i);
		d->row[s][has ? i - lack : have + lack] = i;
		lack += !has;
	}
	if (!d->row[s])
		return because(why, "no memory for %" PRId64 " samples", n);
	return have ||
	       because(why,
	               s == SPLIT_TEST
	                   ? "no test sample has a label, by which tasks are scored: give some of them "
	                     "one, or hold out other samples"
	                   : "no train sample has a label: give some of them one, or read no labels");
}

/* Samples without a label are trained on: none of them is held out or scored, and no task learns from them. */
static void note_unlabelled(Data *d, int64_t n, int64_t test_n)
{
	char *note = d->found.note;
	size_t used = strlen(note);
	int64_t of_test = test_n - d->shape.test_count;
	if (d->shape.unlabelled)
		used += (size_t)snprintf(note + used, WHY - used,
		                         "%s%" PRId64 " of %" PRId64
		                         " samples have no label: tasks leave them out",
		                         used ? "; " : "", d->shape.unlabelled, n);
	if (d->row[SPLIT_TEST] && of_test && used < WHY)
		snprintf(note + used, WHY - used,
		         "%s%" PRId64 " of %" PRId64 " test samples have no label, and are left out",
		         used ? "; " : "", of_test, test_n);
}

/* A held-out share lies where it lay: which samples are in it is a matter of their order. */
static bool describe(Data *d, char why[WHY])
{
	const Part *train = &d->found.part[SPLIT_TRAIN], *test = &d->found.part[SPLIT_TEST];
	int64_t labelled, tested;
	if (!list_rows(d, SPLIT_TRAIN, &labelled, why) || !list_rows(d, SPLIT_TEST, &tested, why))
		return false;
	int64_t n = train->field[0].array.dim[0],
	        held = test->count ? 0 : (int64_t)((double)labelled * d->found.held_out);
	for (; d->shape.count < train->count; d->shape.count++)
		describe_field(&train->field[d->shape.count], &d->shape.field[d->shape.count]);
	d->whole = held ? labelled : 0;
	d->shape.unlabelled = n - labelled;
	d->shape.train_count = n - held;
	d->shape.test_count = test->count ? tested : held;
	d->shape.vocab = train->field[d->found.tokens].below;
	d->shape.class_name = (const char *const *)d->found.class_name;
	note_unlabelled(d, n, test->count ? test->field[0].array.dim[0] : held);
	return true;
}

Data *data_new(Found *found, char why[WHY])
{
	Data *d = calloc(1, sizeof *d);
	if (d && found_check(found, &d->shape.classes, why) && series_cut(found, why)) {
		d->found = *found;
		*found = (Found){0};
		if (describe(d, why))
			return d;
	}
	if (!d)
		because(why, "no memory");
	found_close(found);
	data_close(d);
	return NULL;
}

/* A name that is misspelt would make a class of those without a label. */
static bool check_unlabelled(const Found *found, char why[WHY])
{
	return !found->unlabelled || !found->class_count || found->names_none ||
	       because(why, "unlabelled='%.60s' is no label of the data; one of them is '%.60s'",
	               found->unlabelled, found->class_name[0]);
}

bool found_open(const sslc_call *call, const char *folder, bool keys, Found *found, char why[WHY])
{
	Arguments a = {.folder = folder, .keys = keys};
	*found = (Found){0};
	int reader = find_reader(call->name, why);
	if (reader < 0 || !arguments_match(call, readers[reader].parameters, &a, why))
		return false;
	if (arguments_have(&a, "unlabelled") && *argument_text(&a, "unlabelled"))
		found->unlabelled = argument_text(&a, "unlabelled");
	if (readers[reader].read(&a, found, why) && check_unlabelled(found, why))
		return true;
	found_close(found);
	return false;
}

Data *data_open(const sslc_call *call, const char *folder, char why[WHY])
{
	Found found;
	why[0] = 0;
	locale_t before = plain_begin(); /* of the numbers in files, too */
	Data *d = found_open(call, folder, false, &found, why) ? data_new(&found, why) : NULL;
	plain_end(before);
	return d;
}

void data_close(Data *d)
{
	if (d) {
		found_close(&d->found);
		free(d->row[SPLIT_TRAIN]);
		free(d->row[SPLIT_TEST]);
	}
	free(d);
}

/* By the sides of the train samples, whose rows these are, those with a label first. */
static bool list_sides(Data *d, const Asides *a, const uint8_t *side, char why[WHY])
{
	int64_t *row[2], count[2] = {0}, labelled = 0;
	for (int s = 0; s < 2; s++)
		row[s] = malloc((size_t)a->count * sizeof *row[s]);
	if (!row[0] || !row[1]) {
		free(row[0]);
		free(row[1]);
		return because(why, "no memory for %" PRId64 " samples", a->count);
	}
	for (int64_t i = 0; i < a->count; i++) {
		if (side[i] != SIDE_NONE)
			row[side[i] == SIDE_HELD][count[side[i] == SIDE_HELD]++] = a->row[i];
		labelled += i < a->labelled && side[i] == SIDE_TRAIN;
	}
	for (int s = 0; s < 2; s++) {
		free(d->row[s]);
		d->row[s] = row[s];
	}
	d->listed = true;
	d->shape.train_count = count[0];
	d->shape.test_count = count[1];
	d->shape.unlabelled = count[0] - labelled;
	return labelled > 0 ||
	       because(why,
	               "what is held out leaves no train sample that has a label: a smaller share");
}

static bool hold_apart(Data *d, int64_t held, char why[WHY])
{
	int64_t n = d->shape.train_count, *row = malloc((size_t)n * sizeof *row);
	uint8_t *side = calloc((size_t)n, sizeof *side);
	bool good = (row && side) || because(why, "no memory for %" PRId64 " samples", n);
	for (int64_t i = 0; good && i < n; i++)
		row[i] = data_row(d, SPLIT_TRAIN, i);
	Asides a = {row, n, n - d->shape.unlabelled, held, ASKED_SEED};
	good = good && apart_sides(&d->found, &a, side, why) && list_sides(d, &a, side, why);
	free(row);
	free(side);
	return good;
}

bool data_hold_out(Data *d, double share, char why[WHY])
{
	int64_t all = d->shape.train_count, n = all - d->shape.unlabelled,
	        held = (int64_t)((double)n * share);
	if (held < 1 || held >= n)
		return because(why, "a share of %g of %" PRId64 " train samples leaves none %s", share, n,
		               held < 1 ? "to hold out" : "to train on");
	if (!d->found.unit[SPLIT_TRAIN] && !d->found.in_order) {
		d->shape.train_count -= held;
		d->shape.test_count = held;
	} else if (!hold_apart(d, held, why)) {
		return false;
	}
	size_t used = strlen(d->found.note);
	int64_t left_out = all - d->shape.train_count - d->shape.test_count;
	d->asked = n;
	used += (size_t)snprintf(d->found.note + used, sizeof d->found.note - used,
	                         "%s%" PRId64 " of the %" PRId64
	                         " train samples are held out, and scored in place of the test split",
	                         used ? "; " : "", d->shape.test_count, n);
	if (left_out && used < sizeof d->found.note)
		snprintf(d->found.note + used, sizeof d->found.note - used,
		         "; %" PRId64 " are left out, as they belong with these", left_out);
	return true;
}

const sslc_data *data_shape(const Data *d)
{
	return &d->shape;
}
const char *data_note(const Data *d)
{
	return d->found.note;
}
const char *data_tokenizer(const Data *d)
{
	return d->found.tokenizer;
}
uint32_t data_mark(const Data *d)
{
	return found_mark(&d->found);
}
int64_t data_count(const Data *d, Split s)
{
	return s == SPLIT_TRAIN ? d->shape.train_count : d->shape.test_count;
}

/* -- Samples ----------------------------------------------------------------------------------- */

bool data_is_shared(const Data *d)
{
	return d->whole || d->asked;
}

const Found *data_found(const Data *d)
{
	return &d->found;
}

const Part *data_part(const Data *d, Split s)
{
	return &d->found.part[data_is_shared(d) ? SPLIT_TRAIN : s];
}

/* Of the train part. */
static int64_t labelled_rows(const Data *d)
{
	return d->found.part[SPLIT_TRAIN].field[0].array.dim[0] - d->shape.unlabelled;
}

int64_t data_row(const Data *d, Split s, int64_t i)
{
	if (d->listed)
		return d->row[s][i];
	const int64_t *row = d->row[data_is_shared(d) ? SPLIT_TRAIN : s];
	int64_t labelled = d->shape.train_count - d->shape.unlabelled, place = i;
	if (!data_is_shared(d))
		return row && s == SPLIT_TEST ? row[i] : i;
	if (s == SPLIT_TRAIN && i >= labelled)
		return row[labelled_rows(d) + i - labelled];
	place += s == SPLIT_TEST ? labelled : 0;
	if (d->asked)
		place = order_at(place, d->asked, ASKED_SEED, 0);
	if (d->whole)
		place = order_at(place, d->whole, SPLIT_SEED, 0);
	return row ? row[place] : place;
}

const void *data_value(const Data *d, Split s, size_t field, int64_t i)
{
	const unsigned char *at = data_part(d, s)->field[field].array.at;
	return at ? at + d->shape.field[field].bytes * (size_t)data_row(d, s, i) : NULL;
}

static bool finite_field(const sslc_tensor *t, const void *value)
{
	if (strcmp(t->dtype, "f32") != 0)
		return true;
	for (size_t i = 0; i < t->bytes / sizeof(float); i++)
		if (!isfinite(((const float *)value)[i]))
			return false;
	return true;
}

/* The fields that are not in memory. */
static bool decode(const Data *d, const Part *part, int64_t row, void *const to[], char why[WHY])
{
	if (!part->decode(part->source, row, to, why))
		return false;
	for (size_t f = 0; f < part->count; f++)
		if (!part->field[f].array.at && !finite_field(&d->shape.field[f], to[f]))
			return because(why,
			               "'%s' of sample %" PRId64 " holds NaN or infinity; remove or replace it",
			               part->field[f].name, row);
	return true;
}

bool data_sample(const Data *d, Split s, int64_t i, void *const to[], char why[WHY])
{
	const Part *part = data_part(d, s);
	int64_t row = data_row(d, s, i);
	for (size_t f = 0; f < part->count; f++) {
		size_t bytes = d->shape.field[f].bytes;
		const unsigned char *at = part->field[f].array.at;
		if (at)
			memcpy(to[f], at + bytes * (size_t)row, bytes);
	}
	return !part->decode || decode(d, part, row, to, why);
}

bool data_has_label(const Data *d, Split s, int64_t i)
{
	const Array *label = labels_of(data_part(d, s));
	return label && found_has_label(label, data_row(d, s, i));
}
