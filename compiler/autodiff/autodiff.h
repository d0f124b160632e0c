/* autodiff.h: graph to graph: replaces every `gradient` by primitives, in reverse mode. */
#ifndef SSLC_AUTODIFF_H
#define SSLC_AUTODIFF_H

#include "../graph/graph.h"

/* In: a graph that may hold gradient(y, x) nodes. Out: the same without them. NULL in, NULL out;
 * NULL after an error. */
Graph *autodiff(Compile *c, const Graph *in);

/* perturb.c: of "gradients", after autodiff: the loss as a function of one element of a parameter,
 * for finite differences. NULL in, NULL out. */
Graph *perturb(Compile *c, const Graph *in);

#endif
