/* apart.c: what of the samples belongs together: units, such as a subject, a recording, a document.
 *
 * Which of the samples that are trained on are held out: whole units, drawn in an order that is the same in every run;
 * each that still fits into the share, else the smallest. Of one unit whose samples follow each other, it is the end, and
 * those before it that overlap it are left out.
 *
 * Which values are no evidence of their own where an interval is drawn: those of a unit; of one unit whose samples follow
 * each other, those of a stretch of it (Schmeiser 1982: 10 to 30 batches), long beside what neighbours have in common. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apart.h"

typedef struct Place {
	uint64_t unit;
	int64_t at;
} Place;

/* Places [from, to) of the sorted ones; so many of them have a label. */
typedef struct Unit {
	int64_t from, to, labelled;
} Unit;

static int by_unit(const void *a, const void *b)
{
	const Place *x = a, *y = b;
	return x->unit != y->unit ? (x->unit > y->unit ? 1 : -1) : (x->at > y->at) - (x->at < y->at);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* The units of the samples that have a label, of all places sorted by unit. */
static int64_t find_units(const Place *place, const Asides *a, Unit *unit)
{
	int64_t units = 0;
	for (int64_t from = 0, to; from < a->count; from = to) {
		Unit u = {.from = from};
		for (to = from; to < a->count && place[to].unit == place[from].unit; to++)
			u.labelled += place[to].at < a->labelled;
		u.to = to;
		if (u.labelled)
			unit[units++] = u;
	}
	return units;
}

static int64_t hold(const Place *place, const Unit *u, const Asides *a, uint8_t *side)
{
	for (int64_t i = u->from; i < u->to; i++)
		side[place[i].at] = place[i].at < a->labelled ? SIDE_HELD : SIDE_NONE;
	return u->labelled;
}

static void hold_units(const Place *place, const Unit *unit, int64_t units, const Asides *a,
                       uint8_t *side)
{
	int64_t held = 0;
	const Unit *least = NULL;
	for (int64_t k = 0; k < units; k++) {
		const Unit *u = &unit[order_at(k, units, a->seed, 0)];
		least = !least || u->labelled < least->labelled ? u : least;
		if (held + u->labelled <= a->wanted)
			held += hold(place, u, a, side);
	}
	if (!held)
		(void)hold(place, least, a, side);
}

/* From the row on behind which `wanted` samples with a label lie. */
static bool hold_end(const Asides *a, int64_t overlap, uint8_t *side)
{
	int64_t *row = malloc((size_t)a->labelled * sizeof *row);
	if (!row)
		return false;
	memcpy(row, a->row, (size_t)a->labelled * sizeof *row);
	qsort(row, (size_t)a->labelled, sizeof *row, by_number);
	int64_t first = row[a->labelled - a->wanted];
	free(row);
	for (int64_t i = 0; i < a->count; i++)
		if (a->row[i] >= first)
			side[i] = i < a->labelled ? SIDE_HELD : SIDE_NONE;
		else if (a->row[i] >= first - overlap)
			side[i] = SIDE_NONE;
	return true;
}

bool apart_sides(const Found *found, const Asides *a, uint8_t *side, char why[WHY])
{
	const uint64_t *unit_of = found->unit[SPLIT_TRAIN];
	Place *place = malloc((size_t)a->count * sizeof *place);
	Unit *unit = malloc((size_t)a->count * sizeof *unit);
	bool good = place && unit;
	int64_t units = 0;
	for (int64_t i = 0; good && i < a->count; i++)
		place[i] = (Place){unit_of ? unit_of[a->row[i]] : 0, i};
	if (good) {
		qsort(place, (size_t)a->count, sizeof *place, by_unit);
		units = find_units(place, a, unit);
	}
	if (units > 1)
		hold_units(place, unit, units, a, side);
	else if (good && found->in_order)
		good = hold_end(a, found->overlap, side);
	free(place);
	free(unit);
	if (!good)
		return because(why, "no memory for %" PRId64 " samples", a->count);
	return units > 1 || found->in_order ||
	       because(why,
	               "all %" PRId64
	               " train samples that have a label are of one group, and nothing of it "
	               "can be held out apart from the rest",
	               a->labelled);
}

/* -- Groups ------------------------------------------------------------------------------------ */

/* A stretch is as long as so many windows that do not overlap, at least. */
enum { MOST_STRETCHES = 30, WINDOWS = 4 };

/* Of root[values], where the first value of a group is its own. */
static int64_t find_root(int64_t *root, int64_t v)
{
	while (root[v] != v)
		v = root[v] = root[root[v]];
	return v;
}

/* Values that have a sample of the same unit are of one group. */
static void join_units(const Place *place, int64_t n, int64_t batch, int64_t *root)
{
	for (int64_t i = 1; i < n; i++) {
		if (place[i].unit != place[i - 1].unit)
			continue;
		int64_t a = find_root(root, place[i - 1].at / batch),
		        b = find_root(root, place[i].at / batch);
		root[a < b ? b : a] = a < b ? a : b;
	}
}

/* Stretches of equal length, to one value, and of `least` at least where there are so many. */
static void cut_stretches(int64_t values, int64_t least, int64_t *root)
{
	int64_t count = values / least;
	count = count > MOST_STRETCHES ? MOST_STRETCHES : count < 1 ? 1 : count;
	for (int64_t v = 0; v < values; v++)
		root[v] = v && v * count / values == (v - 1) * count / values ? root[v - 1] : v;
}

/* place[values] is room. */
static void list_groups(int64_t *root, int64_t values, Place *place, Groups *g)
{
	for (int64_t v = 0; v < values; v++)
		place[v] = (Place){(uint64_t)find_root(root, v), v};
	qsort(place, (size_t)values, sizeof *place, by_unit);
	for (int64_t v = 0; v < values; v++) {
		g->at[v] = place[v].at;
		if (v == 0 || place[v].unit != place[v - 1].unit)
			g->first[g->count++] = v;
	}
	g->first[g->count] = values;
}

/* Of a split whose units, or their order, are known. place[n], root[values] are room. */
static void group_values(const Data *d, Split s, int64_t batch, Place *place, int64_t *root,
                         Groups *g)
{
	const Found *found = data_found(d);
	const uint64_t *unit = found->unit[data_is_shared(d) ? SPLIT_TRAIN : s];
	int64_t n = data_count(d, s), values = (n + batch - 1) / batch;
	for (int64_t v = 0; v < values; v++)
		root[v] = v;
	for (int64_t i = 0; i < n; i++)
		place[i] = (Place){unit ? unit[data_row(d, s, i)] : 0, i};
	qsort(place, (size_t)n, sizeof *place, by_unit);
	bool one = n > 0 && place[0].unit == place[n - 1].unit;
	if (!one)
		join_units(place, n, batch, root);
	else if (found->in_order)
		cut_stretches(values, (WINDOWS * (found->overlap + 1) + batch - 1) / batch, root);
	g->of_one = one && !found->in_order;
	g->of_series = one && found->in_order;
	list_groups(root, values, place, g);
}

bool data_groups(const Data *d, Split s, int64_t batch, Groups *g, char why[WHY])
{
	const Found *found = data_found(d);
	size_t n = (size_t)data_count(d, s) + 1;
	*g = (Groups){0};
	if (!found->unit[SPLIT_TRAIN] && !found->in_order)
		return true;
	Place *place = malloc(n * sizeof *place);
	int64_t *root = malloc(n * sizeof *root);
	g->at = malloc(n * sizeof *g->at);
	g->first = malloc(n * sizeof *g->first);
	bool good = (place && root && g->at && g->first) ||
	            because(why, "no memory for the groups of %zu samples", n - 1);
	if (good)
		group_values(d, s, batch, place, root, g);
	free(place);
	free(root);
	return good;
}

void groups_close(Groups *g)
{
	free(g->at);
	free(g->first);
	*g = (Groups){0};
}
