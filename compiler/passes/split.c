/* split.c: a large reduction to few elements becomes two, so that the first can be spread over
 * threads.
 *
 * Expects: anything. Promises: keeps types and shapes; the order of a sum changes (rounding), by
 * shape alone, so the bits do not depend on threads. Applies where everything is reduced: [n] ->
 * [pieces, n / pieces] -> [pieces] -> []. */
#include "passes.h"

enum { LARGE = 1 << 15, MOST_PIECES = 64 };

/* The largest number of pieces that cuts n evenly into runs of at least LARGE / 8. */
static int64_t pieces_of(int64_t n)
{
	for (int64_t pieces = MOST_PIECES; pieces > 1; pieces--)
		if (n % pieces == 0 && n / pieces >= LARGE / 8)
			return pieces;
	return 1;
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (op_info[n->op].kind != REDUCE || n->shape.rank != 0)
		return 0;
	NodeId from = map[n->in[0]];
	int64_t size = shape_size(node(out, from)->shape), pieces = pieces_of(size);
	if (size < LARGE || pieces == 1)
		return 0;
	NodeId rows = op_reshape(out, from, SHAPE(pieces, size / pieces));
	Axes last = {.count = 1, .at = {1}}, all = {.count = 1};
	if (n->op == OP_sum)
		return op_sum(out, op_sum(out, rows, last), all);
	return op_reduce_max(out, op_reduce_max(out, rows, last), all);
}

Graph *pass_split(Compile *c, const Graph *in)
{
	return rebuild(c, in, rewrite);
}
