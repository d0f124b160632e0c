/* ranges.c: which values of the data's fields the graphs can tell apart as integers.
 *
 * In: the graphs of a bundle. Out: a Range wherever an input, as it is or seen through views, casts,
 * gathers and scans, is compared with the index along an axis (one_hot) or looks something up (gather):
 * values outside would be no error there, but a class that no sample has, or another row. What is
 * computed from the field first (label % 10, min(label, 9)) is not followed. */
#include "elaborate.h"

#include <string.h>

/* What a node must be below, as its users tell it apart, and where they do; below 0: anything. */
typedef struct Limit {
	int64_t below;
	Span origin;
} Limit;

static bool keeps_values(Op op)
{
	return op == OP_reshape || op == OP_broadcast || op == OP_transpose || op == OP_slice ||
	       op == OP_cast || op == OP_stop_gradient;
}

/* The node whose values x has. */
static NodeId source(const Graph *g, NodeId x)
{
	while (keeps_values(node(g, x)->op))
		x = node(g, x)->in[0];
	return x;
}

/* How many operands, from the first on, the elements of n are taken from; 0: they are computed. */
static int taken_from(const Node *n)
{
	if (n->op == OP_cast)
		return n->type == DTYPE_bool ? 0 : 1;
	if (n->op == OP_stop_gradient || op_info[n->op].kind == GATHER)
		return 1;
	return op_info[n->op].kind == VIEW ? n->count : 0;
}

/* The place among operands that is read by value, and the values that it can have; -1: none. */
static int ranged(const Graph *g, const Node *n, int64_t *below)
{
	if (n->op == OP_gather || n->op == OP_scatter_add) {
		*below = node(g, n->in[0])->shape.dim[n->attr.axis];
		return 1;
	}
	for (int i = 0; n->op == OP_equal && i < 2; i++) {
		const Node *index = node(g, source(g, n->in[1 - i]));
		if (index->op != OP_iota)
			continue;
		*below = index->shape.dim[index->attr.axis];
		return i;
	}
	return -1;
}

static void add_range(Bundle *b, Arena *a, Range r)
{
	for (size_t i = 0; i < b->range_count; i++)
		if (b->range[i].field == r.field && b->range[i].below <= r.below)
			return;
	if (b->range_count == b->range_capacity) {
		b->range_capacity = 2 * b->range_capacity + 8;
		Range *more = new_array(a, Range, b->range_capacity);
		for (size_t i = 0; i < b->range_count; i++)
			more[i] = b->range[i];
		b->range = more;
	}
	b->range[b->range_count++] = r;
}

static void narrow_limit(Limit *of, Limit by)
{
	if (by.below && (!of->below || by.below < of->below))
		*of = by;
}

static void find_limits(const Graph *g, Limit *limit);

/* What the body of a scan tells apart of the scan's operands. */
static void body_limits(const Graph *g, const Node *scan, Limit *limit)
{
	const Region *r = scan->attr.region;
	Limit *inner = new_array(g->c->arena, Limit, r->body->count);
	find_limits(r->body, inner);
	for (NodeId x = 1; x < r->body->count; x++) {
		const Node *n = node(r->body, x);
		int i = n->op == OP_input ? region_operand(r, scan->count, n->attr.name) : -1;
		if (i >= 0)
			narrow_limit(&limit[scan->in[i]], inner[x]);
	}
}

/* From the last node to the first, so that a node's users have been seen. */
static void find_limits(const Graph *g, Limit *limit)
{
	for (NodeId x = g->count - 1; x > 0; x--) {
		const Node *n = node(g, x);
		int64_t below;
		int at = ranged(g, n, &below);
		if (at >= 0)
			narrow_limit(&limit[n->in[at]], (Limit){below, n->origin});
		for (int i = 0; i < taken_from(n); i++)
			narrow_limit(&limit[n->in[i]], limit[x]);
		if (n->op == OP_scan)
			body_limits(g, n, limit);
	}
}

static void graph_ranges(Bundle *b, const Graph *g)
{
	Limit *limit = new_array(g->c->arena, Limit, g->count);
	find_limits(g, limit);
	for (NodeId x = 1; x < g->count; x++)
		for (size_t i = 0; node(g, x)->op == OP_input && limit[x].below && i < b->data.count; i++)
			if (b->data.field[i].type != DTYPE_u8 &&
			    strcmp(b->data.field[i].name, node(g, x)->attr.name) == 0)
				add_range(b, g->c->arena, (Range){i, g->name, limit[x].below, limit[x].origin});
}

void find_ranges(Bundle *b)
{
	for (size_t i = 0; i < b->graph_count; i++)
		graph_ranges(b, b->graph[i]);
}
