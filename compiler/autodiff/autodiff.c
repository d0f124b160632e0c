/* autodiff.c: the reverse sweep. Walks `in` in order and copies it; a gradient(y, x) becomes the
 * adjoint of x in a sweep back from y over the nodes copied so far, which are primitives only: so
 * gradients of gradients work by themselves.
 *
 * A sweep visits only nodes on which y depends and which depend on a wanted x. Rules emit
 * primitives (rules_*.c). Griewank & Walther, "Evaluating derivatives", 2nd ed. 2008, chapter 3. */
#include "rules.h"

#include <string.h>

#define grad_none NULL
static const GradientRule rule_of[OP_COUNT] = {
#define OP(name, ins, operands, kind, shape, gradient, ...) [OP_##name] = grad_##gradient,
#include "../graph/ops.def"
#undef OP
};

typedef struct Sweep {
	NodeId y;        /* in the new graph */
	NodeId *adjoint; /* [y + 1] */
} Sweep;

typedef struct Autodiff {
	Compile *c;
	Graph *out;
	const Graph *in;
	NodeId *map; /* [in->count] */
	Sweep *sweep;
	size_t sweeps;
} Autodiff;

/* Nodes up to y that depend on one of the variables of in's gradients of `y_in`. */
static bool *reached_from(Autodiff *a, NodeId y_in, NodeId y)
{
	bool *reached = new_array(a->c->arena, bool, y + 1);
	for (NodeId x = 1; x < a->in->count; x++) {
		const Node *n = node(a->in, x);
		NodeId wanted = n->op == OP_gradient && n->in[0] == y_in ? a->map[n->in[1]] : 0;
		if (wanted && wanted <= y)
			reached[wanted] = true;
	}
	reach_nodes(a->out, reached, y);
	return reached;
}

void reach_nodes(const Graph *g, bool *reached, NodeId top)
{
	for (NodeId x = 1; x <= top; x++)
		for (int i = 0; i < node(g, x)->count && op_info[node(g, x)->op].kind != LEAF; i++)
			reached[x] |= reached[node(g, x)->in[i]];
}

void add_adjoint(Graph *g, NodeId *adjoint, NodeId x, NodeId dx)
{
	if (dx && type_info[node(g, x)->type].is_float)
		adjoint[x] = adjoint[x] ? op_add(g, adjoint[x], dx) : dx;
}

static void visit(Graph *g, NodeId *adjoint, const bool *reached, NodeId x, NodeId top)
{
	Rule r = {.g = g, .y = x, .dy = adjoint[x], .adjoint = adjoint, .top = top};
	Node copy = *node(g, x); /* the rule grows the graph: pointers into it do not last */
	GradientRule rule = rule_of[copy.op];
	if (!rule)
		return;
	r.n = &copy;
	bool any = false;
	for (int i = 0; i < copy.count; i++)
		any |= r.needed[i] = reached[copy.in[i]] && type_info[node(g, copy.in[i])->type].is_float;
	if (copy.op == OP_result)
		adjoint[copy.in[0]] = adjoint[x]; /* a mark: the scan looks at its results' adjoints */
	if (!any)
		return;
	g->origin = copy.origin;
	rule(&r);
	for (int i = 0; i < copy.count; i++)
		if (r.needed[i])
			add_adjoint(g, adjoint, copy.in[i], r.dx[i]);
}

void sweep_nodes(Graph *g, NodeId *adjoint, const bool *reached, NodeId top)
{
	for (NodeId x = top; x > 0; x--)
		if (adjoint[x] && reached[x])
			visit(g, adjoint, reached, x, top);
}

static const Sweep *sweep_back(Autodiff *a, NodeId y_in)
{
	NodeId y = a->map[y_in];
	for (size_t i = 0; i < a->sweeps; i++)
		if (a->sweep[i].y == y)
			return &a->sweep[i];
	Sweep *s = &a->sweep[a->sweeps++];
	s->y = y;
	s->adjoint = new_array(a->c->arena, NodeId, y + 1);
	bool *reached = reached_from(a, y_in, y);
	s->adjoint[y] = op_like(a->out, y, 1);
	sweep_nodes(a->out, s->adjoint, reached, y);
	return s;
}

static NodeId differentiate(Autodiff *a, const Node *gradient)
{
	NodeId y = a->map[gradient->in[0]], x = a->map[gradient->in[1]];
	if (!y || !x)
		return 0;
	const Sweep *s = sweep_back(a, gradient->in[0]);
	a->out->origin = gradient->origin;
	return x <= y && s->adjoint[x] ? s->adjoint[x] : op_like(a->out, x, 0);
}

Graph *autodiff(Compile *c, const Graph *in)
{
	if (!in)
		return NULL;
	size_t errors = diag_count(c->diags), gradients = 0;
	for (NodeId x = 1; x < in->count; x++)
		gradients += node(in, x)->op == OP_gradient;
	Autodiff a = {.c = c, .in = in, .out = graph_like(c, in)};
	a.map = new_array(c->arena, NodeId, in->count);
	a.sweep = new_array(c->arena, Sweep, gradients + 1);
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		a.map[x] =
		    n->op == OP_gradient ? differentiate(&a, n) : graph_copy_node(a.out, in, x, a.map);
	}
	for (uint32_t i = 0; i < in->out_count; i++)
		graph_output(a.out, in->out[i].name, a.map[in->out[i].value]);
	for (uint32_t i = 0; i < in->set_count; i++)
		graph_set(a.out, a.map[in->set[i].state], a.map[in->set[i].value]);
	return diag_count(c->diags) == errors ? a.out : NULL;
}
