/* apart.h: private to data/: what is held out of the samples that are trained on. */
#ifndef SSLC_APART_H
#define SSLC_APART_H

#include "data.h"

/* Of whom a share is to be held out: rows of the train part [count], those that have a label first. */
typedef struct Asides {
	const int64_t *row;
	int64_t count, labelled;
	int64_t wanted; /* so many with a label, in [1, labelled) */
	uint64_t seed;
} Asides;

/* SIDE_NONE: left out, as it belongs with what is held out. */
enum { SIDE_TRAIN, SIDE_HELD, SIDE_NONE };

/* side[count], zeroed: where each goes. Held out is about `wanted`, at least one, and not all. */
MUST_CHECK bool apart_sides(const Found *found, const Asides *a, uint8_t *side, char why[WHY]);

#endif
