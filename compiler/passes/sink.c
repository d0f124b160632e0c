/* sink.c: moves reshapes from the result of a product behind what is computed of it.
 *
 * Expects: dots in normal form, whose results are reshaped back to the shape that the model has.
 * Promises: the same values, bit for bit; no operation is computed twice. A bias, an activation, a
 * residual then end the product's kernel, while its result is in registers: f(reshape(dot), b)
 * becomes reshape(f(dot, b')). Not where f reads what depends on a reduction: that is for a row
 * kernel, in the model's shape. */
#include "passes.h"

#include <string.h>

/* Axes [from, from_end) of one shape hold the elements of axes [to, to_end) of another. */
typedef struct Group {
	int from, from_end, to, to_end;
} Group;

static Group next_group(Shape a, Shape b, int i, int j)
{
	Group g = {i, i, j, j};
	int64_t p = 1, q = 1;
	do {
		bool first = g.from_end < a.rank && (p <= q || g.to_end == b.rank);
		if (first)
			p *= a.dim[g.from_end++];
		else
			q *= b.dim[g.to_end++];
	} while (p != q);
	while (g.from_end < a.rank && a.dim[g.from_end] == 1)
		g.from_end++;
	while (g.to_end < b.rank && b.dim[g.to_end] == 1)
		g.to_end++;
	return g;
}

/* A stretched tensor in another shape is another tensor stretched, where every group of axes is
 * either all there or not at all; 0: it is not so. */
NodeId broadcast_as(Graph *out, const Graph *in, const Node *n, const NodeId *map, Shape to)
{
	Shape x = node(in, n->in[0])->shape, small = {0};
	Axes axes = {0};
	for (int i = 0, j = 0; i < n->shape.rank || j < to.rank;) {
		Group g = next_group(n->shape, to, i, j);
		bool all = true, none = true;
		for (int a = g.from; a < g.from_end; a++) {
			const uint8_t *at = memchr(n->attr.axes.at, a, n->attr.axes.count);
			bool there = at && x.dim[at - n->attr.axes.at] == n->shape.dim[a];
			all &= there || n->shape.dim[a] == 1;
			none &= !there || n->shape.dim[a] == 1;
		}
		if (!all && !none)
			return 0;
		for (int b = g.to; b < g.to_end && !none; b++) {
			small.dim[small.rank++] = to.dim[b];
			axes.at[axes.count++] = (uint8_t)b;
		}
		i = g.from_end, j = g.to_end;
	}
	NodeId from = map[n->in[0]];
	from = shape_equal(node(out, from)->shape, small) ? from : op_reshape(out, from, small);
	return op_broadcast(out, from, to, axes);
}

typedef struct Sink {
	Graph *out;
	const Graph *in;
	const NodeId *map;
	const uint32_t *uses;
	const NodeId
	    *flat; /* of a node whose copy is a reshape of a product, or of such: that; else 0 */
	Shape to;
} Sink;

/* Known before the step, or the same everywhere. */
static bool is_still(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	if (n->op == OP_broadcast)
		n = node(g, n->in[0]);
	return n->op == OP_constant || n->op == OP_input || n->op == OP_state;
}

static bool may_sink(const Sink *s, const Node *n)
{
	bool any = false, single = true, other = false;
	for (int i = 0; i < n->count; i++) {
		NodeId x = n->in[i];
		if (s->flat[x]) {
			any = true;
			single &= s->uses[x] == 1;
		} else if (!is_still(s->in, x)) {
			other = true;
			if (node(s->in, x)->op == OP_broadcast)
				return false;
		}
	}
	return any && (single || !other);
}

/* An operand in the product's shape; 0: it cannot be had so. */
static NodeId operand_as(const Sink *s, NodeId x)
{
	const Node *n = node(s->in, x);
	if (s->flat[x])
		return shape_equal(node(s->out, s->flat[x])->shape, s->to) ? s->flat[x] : 0;
	if (n->op == OP_broadcast)
		return broadcast_as(s->out, s->in, n, s->map, s->to);
	return op_reshape(s->out, s->map[x], s->to);
}

static NodeId sink(Sink *s, const Node *n)
{
	NodeId in[MAX_INS];
	if (op_info[n->op].kind != MAP || !may_sink(s, n))
		return 0;
	for (int i = 0; i < n->count; i++)
		if (s->flat[n->in[i]])
			s->to = node(s->out, s->flat[n->in[i]])->shape;
	for (int i = 0; i < n->count; i++)
		if (!(in[i] = operand_as(s, n->in[i])))
			return 0;
	s->out->origin = n->origin;
	return graph_add_node(s->out, n->op, in, n->count, n->type, SCALAR, n->attr);
}

Graph *pass_sink(Compile *c, const Graph *in)
{
	if (!in)
		return NULL;
	uint32_t *uses = count_uses(c, in);
	NodeId *map = new_array(c->arena, NodeId, in->count);
	NodeId *flat = new_array(c->arena, NodeId, in->count);
	Graph *out = graph_like(c, in);
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		Sink s = {out, in, map, uses, flat, SCALAR};
		flat[x] = sink(&s, n);
		if (n->op == OP_reshape && op_info[node(in, n->in[0])->op].kind == CONTRACT)
			flat[x] = map[n->in[0]];
		NodeId back = n->op == OP_reshape ? flat[n->in[0]] : 0; /* to the product's own shape? */
		if (back && shape_equal(node(out, back)->shape, n->shape))
			map[x] = back;
		else
			map[x] =
			    flat[x] ? op_reshape(out, flat[x], n->shape) : graph_copy_node(out, in, x, map);
		if (!map[x])
			return NULL;
	}
	return rebuilt(c, out, in, map);
}
