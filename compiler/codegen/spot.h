/* spot.h: private to codegen/: where the lanes of a vector are in a buffer. */
#ifndef SSLC_SPOT_H
#define SSLC_SPOT_H

#include "emit.h"

/* Where in a buffer: the row-major index of lane 0, and how far the next lane is. */
typedef struct Spot {
	V linear;
	int64_t step; /* 0: all lanes at one */
	V pixel; /* lanes are pixels, |step| channels each: where the first channel of lane 0 is; */
	int64_t channel;
} Spot;

Spot spot_of(Emit *e, Shape s, const Index *index);
V spot_lanes(KernelEmit *ke, Spot spot); /* where the lanes are, one by one: a vector of words */
V spot_load(KernelEmit *ke, NodeId x, Spot spot,
            V mask); /* x's elements, as they are in registers */
/* Each lane on its own, in the form in memory. */
V spot_gather(KernelEmit *ke, T element, unsigned size, V base, V offsets, V mask);
V value_base(const KernelEmit *ke, NodeId x); /* where x's buffer begins */

/* Words: x + y, x itself where y is 0; x times a number. */
V index_add(Emit *e, V x, V y);
V index_scale(Emit *e, V x, int64_t by);

#endif
