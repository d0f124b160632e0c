/* causal.h: graph to graph: a function of a sequence, one place at a time.
 *
 * In: a function whose place i depends on the places 0 to i of its input alone, such as a causal
 * language model. Out: a function of one place, which reads what the function has found of the places
 * before, and gives what those behind will read of this one: of attention the keys and values, of a
 * recurrence what it carries, of a convolution its last inputs. Nothing of it is known by name.
 *
 *   past.c   what each node knows of: shows that no place looks ahead
 *   next.c   the function of one place */
#ifndef SSLC_CAUSAL_H
#define SSLC_CAUSAL_H

#include "../graph/graph.h"

/* What is known of a node's places. */
typedef struct Past {
	bool varies; /* with the input */
	bool lost;   /* in another way than is told here */
	int axis;    /* of the places: place i depends on the input's up to i - lag; NOWHERE */
	int64_t lag;
	int pair[2]; /* two axes of places, in order: an element depends on those up to the larger one -
	              * lag; NOWHERE */
	double above[2]; /* what is where the place along pair[k] is the larger one; NAN: not known. Of
	                  * what has no pair: what all elements are */
	int index;       /* the axis along which an element is its place; NOWHERE */
	int minus;       /* the axis along which a place is taken off that; NOWHERE */
} Past;

/* past.c: of each node [g->count], where the places of the input `input` lie along its axis 1. */
Past *past_of(Compile *c, const Graph *g, const char *input);

/* next.c: of `g`, the function from its input `input` [1,P] to its one output [1,places,...], places up
 * to P. Returns
 *   inputs    `input` [1,1], the token at a place; "place" i32[], which; "past.N", as below
 *   outputs   that of g at this place; "past.N" at this place: of length 1 along one axis
 * and gives g outputs "past.N": what is remembered, of all places. They may be fewer: a place beyond is
 * not remembered. A "past.N" may hold any numbers where no place was given yet. NULL: it is not shown
 * that no place looks ahead, and g is as it was. */
Graph *next_place(Compile *c, Graph *g, const char *name, const char *input);

#endif
