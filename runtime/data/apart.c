/* apart.c: which of the samples that are trained on are held out, so that what belongs together is on one side.
 *
 * Whole units are: of a subject, a recording, a document, drawn in an order that is the same in every run; each that
 * still fits into the share, else the smallest. Of one unit whose samples follow each other, it is the end, and those
 * before it that overlap it are left out. */
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
	Place *place = malloc((size_t)a->count * sizeof *place);
	Unit *unit = malloc((size_t)a->count * sizeof *unit);
	bool good = place && unit;
	int64_t units = 0;
	for (int64_t i = 0; good && i < a->count; i++)
		place[i] = (Place){found->unit ? found->unit[a->row[i]] : 0, i};
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
