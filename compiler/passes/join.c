/* join.c: a sum of parts that were put into zeros side by side is their concatenation.
 *
 * Expects: a differentiated graph: what is cut by slices gets its gradient as such a sum.
 * Promises: values stay; no more nodes. Only one of the terms is not zero at any place, and x + 0
 * is x but for the sign of a zero, so that they may be added in any order: a part joins one that
 * was padded earlier in a chain of sums, and what it has joined its neighbours there. */
#include "passes.h"

/* The one axis along which the pads x and y differ, y's place beginning where x's ends; -1: none. */
static int meet(const Graph *g, const Node *x, const Node *y)
{
	int axis = -1;
	if (x->op != OP_pad || y->op != OP_pad || x->attr.pad.value != 0 || y->attr.pad.value != 0)
		return -1;
	Shape a = node(g, x->in[0])->shape, b = node(g, y->in[0])->shape;
	for (int i = 0; i < a.rank; i++) {
		const int64_t low[2] = {x->attr.pad.low[i], y->attr.pad.low[i]};
		if (x->attr.pad.inner[i] || y->attr.pad.inner[i])
			return -1;
		if (low[0] == low[1] && a.dim[i] == b.dim[i])
			continue;
		bool inside =
		    low[0] >= 0 && x->attr.pad.high[i] >= 0 && low[1] >= 0 && y->attr.pad.high[i] >= 0;
		if (axis >= 0 || !inside || low[0] + a.dim[i] != low[1])
			return -1;
		axis = i;
	}
	return axis;
}

/* x and y as parts of one, along an axis; concatenations of concatenations are one. */
static NodeId concat(Graph *g, NodeId x, NodeId y, int axis)
{
	NodeId part[MAX_INS];
	int count = 0;
	for (int side = 0; side < 2; side++) {
		const Node *n = node(g, side ? y : x);
		bool opens = n->op == OP_concat && (int)n->attr.axis == axis && count + n->count < MAX_INS;
		for (int i = 0; opens && i < n->count; i++)
			part[count++] = n->in[i];
		if (!opens)
			part[count++] = side ? y : x;
	}
	return op_concat(g, part, count, (unsigned)axis);
}

static NodeId join(Graph *g, NodeId x, NodeId y)
{
	int axis = meet(g, node(g, x), node(g, y));
	if (axis < 0) {
		NodeId other = x;
		x = y, y = other;
		axis = meet(g, node(g, x), node(g, y));
	}
	if (axis < 0)
		return 0;
	const Node *a = node(g, x), *b = node(g, y);
	int64_t low[MAX_RANK] = {0}, high[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	bool pads = false;
	for (int i = 0; i < a->shape.rank; i++) {
		low[i] = a->attr.pad.low[i];
		high[i] = i == axis ? b->attr.pad.high[i] : a->attr.pad.high[i];
		pads |= low[i] || high[i];
	}
	NodeId whole = concat(g, a->in[0], b->in[0], axis);
	return pads ? op_pad(g, whole, low, high, inner, 0) : whole;
}

/* The sum of x and a term, which may join one further up in x's chain of sums. */
static NodeId add_term(Graph *g, NodeId x, NodeId term, int depth)
{
	NodeId joined = join(g, x, term);
	if (joined || node(g, x)->op != OP_add || depth == 0)
		return joined;
	NodeId in[2] = {node(g, x)->in[0], node(g, x)->in[1]};
	for (int i = 1; i >= 0; i--) {
		NodeId sum = add_term(g, in[i], term, depth - 1), both = sum ? join(g, in[1 - i], sum) : 0;
		if (sum)
			return both ? both : op_add(g, in[1 - i], sum);
	}
	return 0;
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	enum { DEEPEST = 8 };
	const Node *n = node(in, x);
	if (n->op != OP_add || !type_info[n->type].is_float)
		return 0;
	for (int i = 1; i >= 0; i--)
		if (node(out, map[n->in[i]])->op == OP_pad) {
			NodeId sum = add_term(out, map[n->in[1 - i]], map[n->in[i]], DEEPEST);
			if (sum)
				return sum;
		}
	return 0;
}

Graph *pass_join(Compile *c, const Graph *in)
{
	return rebuild_of(c, in, OP_pad, rewrite);
}
