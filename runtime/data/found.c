/* found.c: what a reader found, held to what a model can be given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

bool split_share(double share, char why[WHY])
{
	return (share >= 0 && share < 1) ||
	       because(why, "test=%g: the share that is held out must be at least 0 and below 1",
	               share);
}

Field *part_add(Part *part, const char *name)
{
	Field *field = &part->field[part->count++];
	*field = (Field){.name = name};
	return field;
}

const char *found_name(Found *found, size_t others, const char *name, char why[WHY])
{
	if (found->names + others >= SSLC_MAX_FIELDS) {
		because(why, "a sample has at most %d arrays; '%.60s' is one too many", SSLC_MAX_FIELDS,
		        name);
		return NULL;
	}
	char *own = found->field_name[found->names++] = strdup(name);
	if (!own)
		because(why, "no memory");
	return own;
}

/* -- Fields ------------------------------------------------------------------------------------ */

/* NaN in numbers that are a label is no value: their sample has none. */
static bool check_finite(Found *found, const Array *x, bool is_label, const char *what,
                         char why[WHY])
{
	if (!x->at || strcmp(x->type, "f32") != 0)
		return true;
	int64_t size = array_size(x);
	for (int64_t i = 0; i < size; i++)
		if (is_label && isnan(((const float *)x->at)[i]))
			found->lacks_labels = true;
		else if (!isfinite(((const float *)x->at)[i]))
			return because(why, "%s holds %s at index %lld; remove or replace such values", what,
			               isnan(((const float *)x->at)[i]) ? "NaN" : "infinity", (long long)i);
	return true;
}

/* Truth values become the numbers 0 and 1. */
static bool widen_bools(Array *a, char why[WHY])
{
	if (!a->at || strcmp(a->type, "bool") != 0)
		return true;
	int64_t size = array_size(a);
	float *wide = malloc((size_t)size * sizeof *wide);
	for (int64_t i = 0; wide && i < size; i++)
		wide[i] = ((const uint8_t *)a->at)[i];
	free(a->at);
	a->at = wide;
	a->type = "f32";
	return wide || because(why, "no memory for %lld values", (long long)size);
}

/* The label that says that there is none. False: there is no such one; -1 is, where a reader has put it there. */
static bool read_unlabelled(const Found *found, const Array *label, int64_t *none, char why[WHY])
{
	const char *text = found->unlabelled ? found->unlabelled : "";
	char *end;
	*none = found->lacks_labels ? -1 : INT64_MAX;
	if (found->class_name || !*text)
		return true;
	*none = strtoll(text, &end, 10);
	if (*end)
		return because(why, "unlabelled='%.60s': it is the integer of those without a label: '-1'",
		               text);
	return (label->rank == 1 && strcmp(label->type, "f32") != 0) ||
	       because(why, "unlabelled='%.60s' is of labels that are one integer a sample", text);
}

/* One integer a sample is its class. */
static bool check_class(Found *found, int32_t *label, int64_t i, int64_t none, int64_t *classes,
                        char why[WHY])
{
	if (*label == none) {
		*label = -1;
		found->lacks_labels = true;
		return true;
	}
	if (*label < 0)
		return because(
		    why, "label %lld is %d; labels are integers from 0%s", (long long)i, *label,
		    *label == -1 && !found->lacks_labels
		        ? ", and unlabelled='-1' says that this one is of samples without a label"
		        : "");
	*classes = *label >= *classes ? (int64_t)*label + 1 : *classes;
	return true;
}

/* Integers of labels become i32. One a sample is a class; several, or floats, are what the model makes of them. */
static bool check_labels(Found *found, Array *label, int64_t samples, int64_t *classes,
                         char why[WHY])
{
	int64_t none;
	bool is_float = strcmp(label->type, "f32") == 0;
	if (!is_float && label->rank == 2 && label->dim[1] == 1) /* a column of classes */
		label->rank = 1;
	if (label->rank < 1 || label->dim[0] != samples)
		return because(why, "there are %lld samples but %lld labels", (long long)samples,
		               label->rank < 1 ? 1 : (long long)label->dim[0]);
	if (!read_unlabelled(found, label, &none, why))
		return false;
	if (is_float)
		return true;
	int64_t size = array_size(label);
	int32_t *wide = malloc((size_t)size * sizeof *wide);
	if (!wide)
		return because(why, "no memory for the labels");
	for (int64_t i = 0; i < size; i++)
		wide[i] =
		    type_bytes(label->type) == 1 ? ((uint8_t *)label->at)[i] : ((int32_t *)label->at)[i];
	free(label->at);
	label->at = wide;
	label->type = "i32";
	bool good = true;
	for (int64_t i = 0; good && label->rank == 1 && i < size; i++)
		good = check_class(found, &wide[i], i, none, classes, why);
	return good;
}

/* Above the largest integer of a field, where all are from 0 on. */
static int64_t above_all(const Array *a)
{
	int64_t size = array_size(a), below = 1;
	const int32_t *value = a->at;
	for (int64_t i = 0; i < size; i++) {
		if (value[i] < 0)
			return 0;
		below = value[i] >= below ? (int64_t)value[i] + 1 : below;
	}
	return below;
}

static bool check_field(Found *found, Field *field, int64_t samples, Split split, int64_t *classes,
                        char why[WHY])
{
	Array *a = &field->array;
	char what[80];
	snprintf(what, sizeof what, "'%.40s' of the %sdata", field->name,
	         split == SPLIT_TEST ? "test " : "");
	bool is_label = strcmp(field->name, "label") == 0;
	bool checked = field->is_label && !is_label; /* by its reader */
	if (!checked && !check_finite(found, a, is_label, what, why))
		return false;
	if (is_label && !check_labels(found, a, samples, classes, why))
		return false;
	if (!widen_bools(a, why))
		return false;
	if (a->rank < 1 || a->dim[0] != samples)
		return because(why, "there are %lld samples but %lld rows of '%s'", (long long)samples,
		               a->rank < 1 ? 1 : (long long)a->dim[0], field->name);
	if (a->at && strcmp(a->type, "i32") == 0 && !field->below)
		field->below = above_all(a);
	return a->rank < SSLC_MAX_RANK ||
	       because(why, "samples have %d axes, but at most %d can be read", a->rank - 1,
	               SSLC_MAX_RANK - 2);
}

/* -- Splits ------------------------------------------------------------------------------------ */

static bool same_array(const Field *train, const Field *test, char why[WHY])
{
	const Array *a = &train->array, *b = &test->array;
	char one[TENSOR_TEXT], other[TENSOR_TEXT];
	if (strcmp(a->type, b->type) == 0 && a->rank == b->rank &&
	    memcmp(a->dim + 1, b->dim + 1, (size_t)(a->rank - 1) * sizeof *a->dim) == 0)
		return true;
	tensor_text(a->type, a->rank - 1, a->dim + 1, one);
	tensor_text(b->type, b->rank - 1, b->dim + 1, other);
	return because(why,
	               "train and test samples differ in type or shape: '%s' is %s in the train data, "
	               "but %s in the test data",
	               train->name, one, other);
}

static bool same_fields(const Part *train, const Part *test, char why[WHY])
{
	if (train->count != test->count)
		return because(why, "train and test samples differ in the arrays that they have");
	for (size_t f = 0; f < train->count; f++)
		if (!same_array(&train->field[f], &test->field[f], why))
			return false;
	return true;
}

static bool check_part(Found *found, Split split, int64_t *classes, char why[WHY])
{
	Part *part = &found->part[split];
	if (part->count && part->field[0].array.rank < 1)
		return because(why, "the data is a single number, but samples lie along its first axis");
	for (size_t f = 0; f < part->count; f++)
		if (!check_field(found, &part->field[f], part->field[0].array.dim[0], split, classes, why))
			return false;
	return true;
}

bool found_check(Found *found, int64_t *classes, char why[WHY])
{
	Part *train = &found->part[SPLIT_TRAIN], *test = &found->part[SPLIT_TEST];
	*classes = found->class_count;
	return check_part(found, SPLIT_TRAIN, classes, why) &&
	       check_part(found, SPLIT_TEST, classes, why) &&
	       (test->count == 0 || same_fields(train, test, why));
}

/* -- Classes ----------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool found_unlabelled(const Found *found, const char *label, size_t size)
{
	const char *none = found->unlabelled ? found->unlabelled : "";
	return size == 0 || (strlen(none) == size && memcmp(none, label, size) == 0);
}

bool found_has_label(const Array *label, int64_t row)
{
	if (strcmp(label->type, "f32") != 0)
		return label->rank > 1 || ((const int32_t *)label->at)[row] >= 0;
	size_t width = array_row_bytes(label) / sizeof(float);
	const float *value = (const float *)label->at + (size_t)row * width;
	for (size_t i = 0; i < width; i++)
		if (isnan(value[i]))
			return false;
	return true;
}

bool found_classes(Found *found, char **label, int64_t count, char why[WHY])
{
	int64_t labelled = 0;
	found->class_name = label;
	found->class_count = 0;
	if (!label)
		return because(why, "no memory for the names of classes");
	for (int64_t i = 0; i < count; i++)
		if (!found_unlabelled(found, label[i], strlen(label[i])))
			label[labelled++] = label[i];
	count = labelled;
	qsort(label, (size_t)count, sizeof *label, by_bytes);
	for (int64_t i = 0; i < count; i++)
		if (i == 0 || strcmp(label[i], label[found->class_count - 1]) != 0)
			label[found->class_count++] = label[i];
	bool good = true;
	for (int64_t i = 0; i < found->class_count; i++)
		good &= (label[i] = strdup(label[i])) != NULL;
	return good || because(why, "no memory for the names of classes");
}

int32_t found_class(Found *found, const char *label)
{
	if (found_unlabelled(found, label, strlen(label))) {
		found->lacks_labels = true;
		found->names_none |= *label != 0;
		return -1;
	}
	char **at =
	    bsearch(&label, found->class_name, (size_t)found->class_count, sizeof *at, by_bytes);
	return (int32_t)(at - found->class_name);
}

/* -- The end ----------------------------------------------------------------------------------- */

bool found_key(Found *found, Split s, int64_t i, const char *name, bool is_path, char why[WHY])
{
	int64_t n = found->part[s].field[0].array.dim[0];
	char **key = found->key[s] = found->key[s] ? found->key[s] : calloc((size_t)n, sizeof *key);
	const char *dot = is_path ? strrchr(name, '.') : NULL;
	if (key)
		key[i] = dot && !strchr(dot, '/') ? strndup(name, (size_t)(dot - name)) : strdup(name);
	return (key && key[i]) || because(why, "no memory for the keys of %lld samples", (long long)n);
}

static void close_keys(Found *found, int s)
{
	int64_t n = found->key[s] ? found->part[s].field[0].array.dim[0] : 0;
	for (int64_t i = 0; i < n; i++)
		free(found->key[s][i]);
	free(found->key[s]);
}

void found_close(Found *found)
{
	for (int s = 0; s < 2; s++) {
		Part *part = &found->part[s];
		close_keys(found, s);
		for (size_t f = 0; f < part->count; f++)
			free(part->field[f].array.at);
		if (part->source)
			part->close(part->source);
	}
	for (int64_t i = 0; found->class_name && i < found->class_count; i++)
		free(found->class_name[i]);
	free(found->class_name);
	free(found->stretch[0]);
	free(found->stretch[1]);
	free(found->unit[0]);
	free(found->unit[1]);
	for (size_t f = 0; f < SSLC_MAX_FIELDS; f++)
		free(found->field_name[f]);
	free(found->tokenizer);
	*found = (Found){0};
}
