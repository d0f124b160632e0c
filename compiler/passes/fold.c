/* fold.c: what depends on constants only is evaluated now.
 *
 * Expects: anything. Promises: shrinks; keeps types and shapes; the value is the interpreter's,
 * rounded to the type. A MAP of scalars becomes a constant; a MAP of broadcasts of scalars becomes
 * a broadcast of a MAP of the scalars, which then folds. Cost: one visit a node. */
#include "passes.h"

#include <math.h>

static bool is_constant(const Graph *g, NodeId x)
{
	return node(g, x)->op == OP_constant;
}

/* A broadcast of a scalar, or a scalar: the scalar; else 0. */
static NodeId scalar_of(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	if (n->shape.rank == 0)
		return x;
	return n->op == OP_broadcast && node(g, n->in[0])->shape.rank == 0 ? n->in[0] : 0;
}

static bool all_scalars(const Graph *g, const Node *n, const NodeId *map, NodeId *scalar)
{
	for (int i = 0; i < n->count; i++)
		if (!(scalar[i] = scalar_of(g, map[n->in[i]])))
			return false;
	return n->count > 0;
}

static NodeId evaluate_scalar(Graph *g, const Node *n, const NodeId *scalar)
{
	Graph *small = graph_new(g->c, "fold");
	NodeId in[MAX_INS];
	for (int i = 0; i < n->count; i++)
		in[i] = op_constant(small, node(g, scalar[i])->type, node(g, scalar[i])->attr.value);
	NodeId y = graph_add_node(small, n->op, in, n->count, n->type, SCALAR, n->attr);
	double value = evaluate(g->c->arena, small, NULL, 0)[y][0];
	return op_constant(g, n->type, value);
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	NodeId scalar[MAX_INS];
	if (op_info[n->op].kind != MAP || !all_scalars(out, n, map, scalar))
		return 0;
	bool known = true;
	for (int i = 0; i < n->count; i++)
		known &= is_constant(out, scalar[i]);
	if (!known && n->shape.rank == 0)
		return 0;
	NodeId y = known ? evaluate_scalar(out, n, scalar)
	                 : graph_add_node(out, n->op, scalar, n->count, n->type, SCALAR, n->attr);
	return y && n->shape.rank ? op_broadcast(out, y, n->shape, (Axes){0}) : y;
}

Graph *pass_fold(Compile *c, const Graph *in)
{
	return rebuild(c, in, rewrite);
}
