/* series.c: rows that follow each other in time, as windows. The rows are kept once, however much windows overlap; a
 * window is copied out of them when a batch wants it. */
#include "series.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1 << 20 };

bool series_window(double window, double stride, Found *found, char why[WHY])
{
	if (!(window >= 0 && window <= LONGEST && window == (double)(int64_t)window) ||
	    !(stride >= 0 && stride <= LONGEST && stride == (double)(int64_t)stride))
		return because(why, "window=%g, stride=%g: both are numbers of rows, from 0 to %d", window,
		               stride, LONGEST);
	if (window == 0 && stride > 0)
		return because(why, "stride=%g is of windows: say window, too", stride);
	found->window = (int64_t)window;
	found->stride = stride > 0 ? (int64_t)stride : found->window;
	return true;
}

/* -- Windows ----------------------------------------------------------------------------------- */

typedef struct Series {
	size_t window, *first;
	unsigned char *at[SSLC_MAX_FIELDS]; /* rows of the fields that are cut; NULL: of others */
	size_t bytes[SSLC_MAX_FIELDS];      /* of a row */
	size_t fields;
} Series;

static void copy(void *source, int64_t i, void *const to[])
{
	const Series *s = source;
	for (size_t f = 0; f < s->fields; f++)
		if (s->at[f] && to[f])
			memcpy(to[f], s->at[f] + s->first[i] * s->bytes[f], s->window * s->bytes[f]);
}

static bool decode(void *source, int64_t i, void *const to[], char why[WHY])
{
	(void)why;
	copy(source, i, to);
	return true;
}

static void close_series(void *source)
{
	Series *s = source;
	for (size_t f = 0; f < s->fields; f++)
		free(s->at[f]);
	free(s->first);
	free(s);
}

/* Where windows begin in rows of `stretch`; *longest: of those that follow each other. NULL: no memory. */
static size_t *find_windows(const uint32_t *stretch, size_t rows, size_t window, size_t stride,
                            size_t *count, size_t *longest)
{
	size_t *first = NULL, room = 0;
	*count = *longest = 0;
	for (size_t row = 0, end; row < rows; row = end) {
		for (end = row + 1; end < rows && stretch[end] == stretch[row];)
			end++;
		*longest = end - row > *longest ? end - row : *longest;
		for (size_t at = row; at + window <= end; at += stride) {
			size_t *more = memory_grow(first, &room, *count + 1, sizeof *more);
			if (!more) {
				free(first);
				return NULL;
			}
			first = more;
			first[(*count)++] = at;
		}
	}
	return first ? first : malloc(1);
}

/* The label and the group of a window are those of its last row. */
static bool pick_rows(Array *a, const Series *s, size_t count, char why[WHY])
{
	size_t bytes = array_row_bytes(a);
	unsigned char *to = malloc(count * bytes);
	if (!to)
		return because(why, "no memory for %zu windows", count);
	for (size_t i = 0; i < count; i++)
		memcpy(to + i * bytes, (unsigned char *)a->at + (s->first[i] + s->window - 1) * bytes,
		       bytes);
	free(a->at);
	a->at = to;
	a->dim[0] = (int64_t)count;
	return true;
}

static bool cut_field(Field *field, size_t f, Series *s, size_t count, bool picks, char why[WHY])
{
	Array *a = &field->array;
	if (picks)
		return pick_rows(a, s, count, why);
	if (a->rank + 1 >= SSLC_MAX_RANK)
		return because(why, "windows of '%.60s' have %d axes, but at most %d can be read",
		               field->name, a->rank, SSLC_MAX_RANK - 2);
	s->bytes[f] = array_row_bytes(a);
	s->at[f] = a->at;
	a->at = NULL;
	field->copied = true;
	memmove(a->dim + 2, a->dim + 1, (size_t)(a->rank - 1) * sizeof *a->dim);
	a->dim[0] = (int64_t)count;
	a->dim[1] = (int64_t)s->window;
	a->rank++;
	return true;
}

/* A window is of the unit of its last row. */
static bool pick_units(Found *found, Split split, const Series *s, size_t count, char why[WHY])
{
	found->in_order = true;
	found->overlap = (found->window - 1) / found->stride;
	if (!found->unit[split])
		return true;
	uint64_t *unit = malloc(count * sizeof *unit);
	if (!unit)
		return because(why, "no memory for %zu windows", count);
	for (size_t i = 0; i < count; i++)
		unit[i] = found->unit[split][s->first[i] + s->window - 1];
	free(found->unit[split]);
	found->unit[split] = unit;
	return true;
}

static bool cut_part(Found *found, Part *part, Split split, char why[WHY])
{
	size_t rows = (size_t)part->field[0].array.dim[0], count, longest;
	Series *s = calloc(1, sizeof *s);
	if (s)
		s->first = find_windows(found->stretch[split], rows, (size_t)found->window,
		                        (size_t)found->stride, &count, &longest);
	if (!s || !s->first) {
		free(s);
		return because(why, "no memory for windows");
	}
	s->window = (size_t)found->window;
	s->fields = part->count;
	part->source = s;
	part->close = close_series;
	part->decode = decode;
	part->copy = copy;
	if (!count)
		return because(why,
		               "no window of %lld rows fits into the %s rows: at most %zu of one group and "
		               "class follow each other%s",
		               (long long)found->window, split == SPLIT_TEST ? "test" : "train", longest,
		               split == SPLIT_TEST ? "; test=0 holds none out" : "");
	if (!pick_units(found, split, s, count, why))
		return false;
	for (size_t f = 0; f < part->count; f++) {
		const char *name = part->field[f].name;
		bool picks =
		    strcmp(name, "label") == 0 || (found->group && strcmp(name, found->group) == 0);
		if (!cut_field(&part->field[f], f, s, count, picks, why))
			return false;
	}
	return true;
}

bool series_cut(Found *found, char why[WHY])
{
	for (int s = 0; s < 2; s++)
		if (found->window && found->part[s].count &&
		    !cut_part(found, &found->part[s], (Split)s, why))
			return false;
	return true;
}

/* -- Rows of arrays ---------------------------------------------------------------------------- */

static const Field *find_field(const Part *part, const char *name)
{
	for (size_t f = 0; f < part->count; f++)
		if (strcmp(part->field[f].name, name) == 0)
			return &part->field[f];
	return NULL;
}

static bool same_row(const Array *a, size_t one, size_t other)
{
	size_t bytes = array_row_bytes(a);
	const unsigned char *at = a->at;
	return memcmp(at + one * bytes, at + other * bytes, bytes) == 0;
}

/* Rows that follow each other are of one stretch where their group and their class are the same. */
static uint32_t *find_stretches(const Part *part, const char *group_name)
{
	size_t rows = (size_t)part->field[0].array.dim[0];
	const Field *group = find_field(part, group_name), *label = find_field(part, "label");
	bool classes = label && array_row_bytes(&label->array) == type_bytes(label->array.type) &&
	               strcmp(label->array.type, "f32") != 0;
	uint32_t *stretch = calloc(rows, sizeof *stretch);
	for (size_t row = 1; stretch && row < rows; row++)
		stretch[row] = stretch[row - 1] + !((!group || same_row(&group->array, row - 1, row)) &&
		                                    (!classes || same_row(&label->array, row - 1, row)));
	return stretch;
}

size_t series_share(size_t groups, double share)
{
	size_t held = (size_t)((double)groups * share + 0.5);
	held = held == 0 && share > 0 ? 1 : held;
	return held < groups ? held : groups ? groups - 1 : 0;
}

static int by_group(const void *a, const void *b, void *group)
{
	const Array *g = group;
	size_t bytes = array_row_bytes(g), x = *(const size_t *)a, y = *(const size_t *)b;
	const unsigned char *at = g->at;
	int order = memcmp(at + x * bytes, at + y * bytes, bytes);
	return order ? order : (x > y) - (x < y);
}

/* Marks the rows of a share of the groups, at least one of several, the same in every run. */
static bool hold_groups(const Array *group, size_t rows, double share, bool *is_test, char why[WHY])
{
	size_t *row = malloc(rows * sizeof *row), *from = malloc((rows + 1) * sizeof *from), n = 0;
	bool good = (row && from) || because(why, "no memory for %zu rows", rows);
	for (size_t i = 0; good && i < rows; i++)
		row[i] = i;
	if (good)
		qsort_r(row, rows, sizeof *row, by_group, (void *)group);
	for (size_t i = 0; good && i < rows; i++)
		if (i == 0 || !same_row(group, row[i - 1], row[i]))
			from[n++] = i;
	if (good)
		from[n] = rows;
	size_t held = series_share(n, share);
	for (size_t k = 0; good && k < held; k++) {
		size_t g = (size_t)order_at((int64_t)k, (int64_t)n, SPLIT_SEED, 0);
		for (size_t i = from[g]; i < from[g + 1]; i++)
			is_test[row[i]] = true;
	}
	free(row);
	free(from);
	return good;
}

/* The rows that are marked, or those that are not. */
static void *take_rows(const void *from, size_t bytes, size_t rows, const bool *is_test, bool test)
{
	size_t count = 0;
	for (size_t i = 0; i < rows; i++)
		count += is_test[i] == test;
	unsigned char *to = malloc(count * bytes + 1);
	size_t used = 0;
	for (size_t i = 0; to && i < rows; i++)
		if (is_test[i] == test)
			memcpy(to + bytes * used++, (const unsigned char *)from + i * bytes, bytes);
	return to;
}

static bool split_rows(Found *found, const bool *is_test, char why[WHY])
{
	Part *train = &found->part[SPLIT_TRAIN], *test = &found->part[SPLIT_TEST];
	size_t rows = (size_t)train->field[0].array.dim[0], held = 0;
	for (size_t i = 0; i < rows; i++)
		held += is_test[i];
	if (!held)
		return true;
	void *stretch = take_rows(found->stretch[0], sizeof(uint32_t), rows, is_test, false);
	found->stretch[1] = take_rows(found->stretch[0], sizeof(uint32_t), rows, is_test, true);
	free(found->stretch[0]);
	found->stretch[0] = stretch;
	bool good = stretch && found->stretch[1];
	for (size_t f = 0; f < train->count; f++) {
		Array *a = &train->field[f].array, *b = &part_add(test, train->field[f].name)->array;
		*b = *a;
		b->dim[0] = (int64_t)held;
		b->at = take_rows(a->at, array_row_bytes(a), rows, is_test, true);
		void *rest = take_rows(a->at, array_row_bytes(a), rows, is_test, false);
		free(a->at);
		a->at = rest;
		a->dim[0] = (int64_t)(rows - held);
		good = good && rest && b->at;
	}
	return good || because(why, "no memory for the splits");
}

/* Every array has as many rows as the first: else found_check says what is wrong. */
static bool fits(const Found *found)
{
	for (int s = 0; s < 2; s++)
		for (size_t f = 0; f < found->part[s].count; f++) {
			const Array *a = &found->part[s].field[f].array, *x = &found->part[s].field[0].array;
			if (a->rank < 1 || a->dim[0] != x->dim[0])
				return false;
		}
	return true;
}

/* Rows of one group are a unit. */
static bool number_units(Found *found, const char *group, char why[WHY])
{
	for (int s = 0; s < 2 && found->part[s].count; s++) {
		const Array *g = &find_field(&found->part[s], group)->array;
		size_t bytes = array_row_bytes(g), rows = (size_t)g->dim[0];
		uint64_t *unit = found->unit[s] = malloc((rows + 1) * sizeof *unit);
		if (!unit)
			return because(why, "no memory for %zu rows", rows);
		for (size_t i = 0; i < rows; i++)
			unit[i] = bytes_hash((const unsigned char *)g->at + i * bytes, bytes);
	}
	return true;
}

bool series_rows(Found *found, const char *group, char why[WHY])
{
	Part *train = &found->part[SPLIT_TRAIN];
	const Field *g = find_field(train, group);
	if (!found->window)
		return !*group || because(why, "group='%.60s' is of series: say window, too", group);
	if (*group && !g)
		return because(why,
		               "no array is named '%.60s', which is to say what rows belong together: give "
		               "it as a further one",
		               group);
	if (g && (g->array.rank != 1 || strcmp(g->array.type, "f32") == 0))
		return because(why, "'%.60s' is no group: it is not a whole number a row", group);
	if (!fits(found))
		return true;
	for (int s = 0; s < 2; s++)
		if (found->part[s].count && !(found->stretch[s] = find_stretches(&found->part[s], group)))
			return because(why, "no memory for rows");
	found->group = g ? g->name : NULL;
	double share = found->held_out;
	found->held_out = 0;
	if (found->part[SPLIT_TEST].count)
		return !g || number_units(found, group, why);
	size_t rows = (size_t)train->field[0].array.dim[0];
	bool *is_test = calloc(rows, sizeof *is_test);
	bool good = is_test || because(why, "no memory for %zu rows", rows);
	if (good && g)
		good = hold_groups(&g->array, rows, share, is_test, why);
	for (size_t i = 0; good && !g && i < (size_t)((double)rows * share); i++)
		is_test[rows - 1 - i] = true;
	good = good && split_rows(found, is_test, why);
	free(is_test);
	return good && (!g || number_units(found, group, why));
}
