/* passes.h: graph to graph. One file a pass, one signature, one ordered list (passes.def). */
#ifndef SSLC_PASSES_H
#define SSLC_PASSES_H

#include "../graph/graph.h"

typedef struct Pass {
	const char *name;
	int level; /* 0: always; 1: unless switched off for debugging */
	Graph *(*run)(Compile *c, const Graph *in);
	const char *meaning;
} Pass;
extern const Pass pass_list[]; /* in order; ended by a NULL name */

#define PASS(name, level, meaning) Graph *pass_##name(Compile *c, const Graph *in);
#include "passes.def"
#undef PASS

/* run.c: runs the list up to and including the pass `last` (NULL: all), verifying after each. NULL
 * in, NULL out. */
Graph *passes(Compile *c, const Graph *in, const char *last);

/* rebuild.c: the walk that passes share. Visits what outputs and sets reach, in order; `rewrite`
 * returns the node of `out` that stands for x (operands in map[]), or 0 to copy it. Dead nodes
 * vanish, equal ones merge. */
typedef NodeId (*Rewrite)(Graph *out, const Graph *in, NodeId x, const NodeId *map);
Graph *rebuild(Compile *c, const Graph *in, Rewrite rewrite);
/* The same of a rewrite that changes nothing where no node is of op: then `in` itself, if all of it is reached. */
Graph *rebuild_of(Compile *c, const Graph *in, Op op, Rewrite rewrite);
/* The end of a pass that walks by itself: outputs and sets of `in`, by map[], and what they reach. */
Graph *rebuilt(Compile *c, Graph *out, const Graph *in, const NodeId *map);
/* How often each node is an operand. */
uint32_t *count_uses(Compile *c, const Graph *in);

/* sink.c: the broadcast n (of `in`, operands in map[]) in the shape `to` of as many elements; 0: it
 * is no broadcast there. */
NodeId broadcast_as(Graph *out, const Graph *in, const Node *n, const NodeId *map, Shape to);

/* overlap_sums.c: the overlap_add x (of `in`) as shifted sums. */
NodeId overlap_sums(Graph *out, const Graph *in, NodeId x, const NodeId *map);

/* simplify.c: true if the dot can read what `t`, its operand `side`, transposes, with its own result
 * as it is: then d has the axes of that. False, and d as it was, if t is no transpose. */
bool dot_through_transpose(const Node *t, int side, DotAxes *d);

/* simplify_slice.c: a rule of simplify.c. */
NodeId simplify_slice(Graph *g, const Node *n, const NodeId *in);

/* windowed.c: dots over windows, for the pass normalize */
bool dot_is_windowed(const Graph *g, const Node *dot);
bool dot_is_scaling(const Graph *g, const Node *dot);
bool dot_is_depthwise(const Graph *g, const Node *dot); /* to become a sum of products */
NodeId normalize_windowed(Graph *out, const Node *n, const NodeId *map); /* 0: as it is */
DotAxes dot_exchanged(const DotAxes *d);                                 /* of dot(y, x) */
/* sum(x y') over the contracted axes, y' stretched to x's axes, where y has no free axis; the result has the dot's
 * axes: batch, then x's free ones. */
NodeId sum_of_products(Graph *g, NodeId x, NodeId y, const DotAxes *d);

/* groups.c: a product over windows of groups with few channels as a sum of products; 0: it is none that this is worth
 * it for. */
NodeId normalize_groups(Graph *g, NodeId x, NodeId y, const DotAxes *d);

#endif
