/* subset.c: which samples a task may learn from, where it is to have few labels.
 *
 * In a random order that the seed gives, each class takes samples until it has its share. Shares in
 * proportion to the classes are whole numbers by largest remainders (Hamilton's method), so that
 * their sum is what was asked for. Another seed is another choice of the same shares. */
#include <stdlib.h>
#include <string.h>

#include "data.h"

enum { CHOICE = -1 }; /* an "epoch" that training never has: its order is one of its own */

/* The field of labels; the count of fields: there is none. */
static size_t find_labels(const sslc_data *shape)
{
	size_t f = 0;
	while (f < shape->count && strcmp(shape->field[f].name, "label") != 0)
		f++;
	return f;
}

static bool is_class(const sslc_tensor *label)
{
	return label->rank == 0 && strcmp(label->dtype, "i32") == 0;
}

/* The class of a sample; -1: the data has none, or this sample. */
static int32_t class_of(const Data *d, Split split, int64_t sample)
{
	const sslc_data *shape = data_shape(d);
	size_t f = find_labels(shape);
	return f < shape->count && is_class(&shape->field[f])
	           ? *(const int32_t *)data_value(d, split, f, sample)
	           : -1;
}

static int32_t label_of(const Data *d, int64_t sample)
{
	return class_of(d, SPLIT_TRAIN, sample);
}

/* Labels that are no classes: any of the n samples that have one. */
static bool choose_any(const Data *d, int64_t count, int64_t n, uint64_t seed, int64_t **chosen,
                       char why[WHY])
{
	int64_t *at = *chosen = malloc((size_t)count * sizeof *at);
	for (int64_t i = 0, k = 0; at && k < count; i++) {
		int64_t sample = order_at(i, n, seed, (uint64_t)CHOICE);
		if (data_has_label(d, SPLIT_TRAIN, sample))
			at[k++] = sample;
	}
	return at || because(why, "no memory for a choice of samples");
}

static void count_classes(const Data *d, int64_t *have)
{
	for (int64_t i = 0; i < data_count(d, SPLIT_TRAIN); i++) {
		int32_t class = label_of(d, i);
		if (class >= 0)
			have[class]++;
	}
}

/* want[c] = have[c] count / n, rounded so that they add up to `count`. */
static void proportions(const int64_t *have, int64_t classes, int64_t n, int64_t count,
                        int64_t *want)
{
	int64_t left = count;
	for (int64_t c = 0; c < classes; c++)
		left -= want[c] = (int64_t)((__int128)have[c] * count / n);
	for (; left > 0; left--) {
		int64_t best = -1, most = -1;
		for (int64_t c = 0; c < classes; c++) {
			int64_t remainder = (int64_t)((__int128)have[c] * count - (__int128)want[c] * n);
			if (remainder > most) {
				best = c;
				most = remainder;
			}
		}
		want[best]++;
	}
}

static bool enough(const int64_t *have, int64_t classes, int64_t per_class, int64_t *want,
                   char why[WHY])
{
	for (int64_t c = 0; c < classes; c++) {
		want[c] = per_class;
		if (have[c] < per_class)
			return because(why, "%lld samples of each class are asked for, but class %lld has %lld",
			               (long long)per_class, (long long)c, (long long)have[c]);
	}
	return true;
}

/* Takes want[c] samples of each class c of the n to train on, and leaves 0 there. */
static void take(const Data *d, int64_t n, uint64_t seed, int64_t *want, int64_t *chosen)
{
	int64_t count = 0;
	for (int64_t i = 0; i < n; i++) {
		int64_t at = order_at(i, n, seed, (uint64_t)CHOICE);
		int32_t label = label_of(d, at);
		if (label < 0 || want[label] == 0)
			continue;
		want[label]--;
		chosen[count++] = at;
	}
}

/* All samples that have a label, in their order. */
static bool choose_labelled(const Data *d, int64_t count, int64_t **chosen, char why[WHY])
{
	int64_t *at = *chosen = malloc((size_t)count * sizeof *at);
	for (int64_t i = 0, k = 0; at && k < count; i++)
		if (data_has_label(d, SPLIT_TRAIN, i))
			at[k++] = i;
	return at || because(why, "no memory for a choice of samples");
}

bool data_choose(const Data *d, int64_t count, int64_t per_class, uint64_t seed, int64_t **chosen,
                 char why[WHY])
{
	const sslc_data *shape = data_shape(d);
	int64_t all = data_count(d, SPLIT_TRAIN), n = all - shape->unlabelled, classes = shape->classes;
	size_t f = find_labels(shape);
	*chosen = NULL;
	if (count == n && per_class == 0)
		return n == all || choose_labelled(d, n, chosen, why);
	bool labelled = f < shape->count, classed = labelled && is_class(&shape->field[f]);
	if (labelled && !classed && per_class)
		return because(why,
		               "%lld samples of each class are asked for, but the labels are no classes",
		               (long long)per_class);
	if (labelled && !classed && count >= 1 && count <= n)
		return choose_any(d, count, all, seed, chosen, why);
	if (!labelled || count < 1 || count > n)
		return because(why, "a task learns from %lld samples with labels, but the data has %lld",
		               (long long)count, labelled ? (long long)n : 0);
	int64_t *have = calloc((size_t)classes, sizeof *have);
	int64_t *want = calloc((size_t)classes, sizeof *want);
	*chosen = malloc((size_t)count * sizeof **chosen);
	bool good = (have && want && *chosen) || because(why, "no memory for a choice of samples");
	if (good) {
		count_classes(d, have);
		if (per_class)
			good = enough(have, classes, per_class, want, why);
		else
			proportions(have, classes, n, count, want);
	}
	if (good)
		take(d, all, seed, want, *chosen);
	if (!good) {
		free(*chosen);
		*chosen = NULL;
	}
	free(want);
	free(have);
	return good;
}

double data_commonest(const Data *d, Split split)
{
	const sslc_data *shape = data_shape(d);
	size_t f = find_labels(shape);
	int64_t count = data_count(d, split), right = 0, classes = shape->classes, best = 0;
	bool classed = f < shape->count && is_class(&shape->field[f]);
	int64_t *have = count && classed ? calloc((size_t)classes, sizeof *have) : NULL;
	if (!have)
		return 0;
	count_classes(d, have);
	for (int64_t c = 1; c < classes; c++)
		best = have[c] > have[best] ? c : best;
	for (int64_t i = 0; i < count; i++)
		right += class_of(d, split, i) == best;
	free(have);
	return (double)right / (double)count;
}
