/* precision.c: products of f32 take their operands in bf16.
 *
 * Expects: nothing. Promises: types of all that is not between an operand and its product; results
 * are f32 as before, but rounded operands change them: this is the one pass that rounds, and only
 * where the model asks for it. Nothing else is touched: parameters, the optimizer's state, sums and
 * losses stay f32. The cast is put below the views of an operand, so that what is stored for it,
 * and kept for the backward pass, is the half as large bf16; a product, its gradients and windows
 * over it then share one cast. Depth-wise products are element-wise work, not the machine's kind of
 * product, and stay as they are. Micikevicius et al. 2018, "Mixed precision training"; Kalamkar et
 * al. 2019 for bf16, whose range is f32's: losses need no scaling. */
#include "passes.h"

static bool is_view(const Node *n)
{
	return op_only_moves(n->op) || (n->op == OP_pad && n->attr.pad.value == 0);
}

/* x in bf16: its views of a bf16 of what they view. */
static NodeId narrow(Graph *g, NodeId x)
{
	enum { DEEPEST = 16 };
	NodeId view[DEEPEST];
	int depth = 0;
	for (; depth < DEEPEST && is_view(node(g, x)); x = node(g, x)->in[0])
		view[depth++] = x;
	const Node *n = node(g, x);
	bool was_narrow = n->op == OP_cast && node(g, n->in[0])->type == DTYPE_bf16;
	x = was_narrow ? n->in[0] : op_cast(g, x, DTYPE_bf16);
	while (depth > 0) {
		Node v = *node(g, view[--depth]);
		x = graph_add_node(g, v.op, &x, 1, DTYPE_bf16, v.shape, v.attr);
	}
	return x;
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (n->op != OP_dot || node(in, n->in[0])->type != DTYPE_f32 || dot_is_depthwise(in, n))
		return 0;
	NodeId a = narrow(out, map[n->in[0]]), b = narrow(out, map[n->in[1]]);
	return op_dot(out, a, b, n->attr.dot);
}

Graph *pass_precision(Compile *c, const Graph *in)
{
	return c->dot_type == DTYPE_bf16 ? rebuild(c, in, rewrite) : (Graph *)in;
}
