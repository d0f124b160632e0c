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
/* Of another type, at offsets counted in elements. */
V spot_gather_as(KernelEmit *ke, T element, T loaded, unsigned size, V base, V offsets, V mask);
V spot_begin(KernelEmit *ke, NodeId x);                       /* of x, or a reshape of it */
V spot_address(KernelEmit *ke, NodeId x, const Index *index); /* of lane 0 */
V value_base(const KernelEmit *ke, NodeId x);                 /* where x's buffer begins */

/* -- gather.c: a load for each lane ------------------------------------------------------------ */

/* Places (i32) of `stride` elements in x, as offsets for spot_gather and gather_pixels. */
V gather_offsets(KernelEmit *ke, Shape from, V place, int64_t stride);
/* Whether so many elements at a place are loaded together. */
bool gather_is_of_pixels(const KernelEmit *ke, DType t, int64_t places, int64_t channels);
/* Pixels of bytes at these offsets from `base`, where there are so many: a word each. Nothing else is read. */
V gather_words(KernelEmit *ke, V base, V offsets, int64_t places, int64_t channels);
/* The same of two, which are often neighbours. */
bool gather_may_pair(const KernelEmit *ke, Shape from);
void gather_pairs(KernelEmit *ke, V base, const V offsets[2], int64_t places, int64_t channels,
                  V words[2]);
void gather_bytes(KernelEmit *ke, V words, int64_t channels, V *v); /* v[channel] of such words */
/* v[channel]: of the pixels at these offsets, of words. */
void gather_pixels(KernelEmit *ke, T element, V base, V offsets, int64_t channels, V *v);

/* Each lane on its own, of a list of elements of 4 bytes: where gather_is_near of their type and of its shape. */
bool gather_is_near(const KernelEmit *ke, DType t, Shape from);
V gather_near(KernelEmit *ke, T element, V base, V offsets, V mask);

/* Brings what is read behind `place` (a word, of lane 0) of x. */
void gather_ahead(KernelEmit *ke, NodeId x, V place, int64_t stride);

/* Words: x + y, x itself where y is 0; x times a number. */
V index_add(Emit *e, V x, V y);
V index_scale(Emit *e, V x, int64_t by);

#endif
