/* cause.c: the first operation of a step whose result is not finite though its operands are.
 *
 * In: that the loss, or the next value of a state, is not finite, and a way to run functions on the
 * states and the batch of that step. Out: the operation, which cause_words.c puts into words. The
 * graph of the step is walked back from what is wrong, at each node to an operand that is wrong, to
 * NaN rather than to infinity, until there is none. What nodes hold is asked of functions that are
 * compiled for it, each the step up to some node with a number for each of the nodes before it: so
 * they compute what the step did, as fast as it did. Infinities that are constants are meant. */
#include "cause.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FLAGS = 256 }; /* of one function */

static bool is_float(const Graph *g, NodeId x)
{
	return type_info[node(g, x)->type].is_float;
}

/* The node that has the same elements. */
static NodeId behind_views(const Graph *g, NodeId x)
{
	for (;; x = node(g, x)->in[0])
		switch (node(g, x)->op) {
		case OP_broadcast:
		case OP_reshape:
		case OP_transpose:
		case OP_windows:
		case OP_stop_gradient:
			break;
		default:
			return x;
		}
}

/* [count] what y depends on, and y. */
static bool *reaching(const Graph *g, NodeId y)
{
	bool *reached = new_array(g->c->arena, bool, g->count);
	reached[y] = true;
	for (NodeId x = y; x > 0; x--)
		for (int i = 0; reached[x] && i < node(g, x)->count; i++)
			reached[node(g, x)->in[i]] = true;
	return reached;
}

/* -- Functions that answer --------------------------------------------------------------------- */

void *const *cause_run(const Search *s, Graph *g, sslc_code *code)
{
	if (!open_loader(s->p) || !codegen_runs_here(s->p->codegen))
		return NULL;
	Lowered l = lower_described(s->p, g, code);
	if (!l.plan)
		return NULL;
	PlannedFunction f = planned(s->p, l);
	LoadedFunction *loaded = load_begin(s->p->loader, &f);
	load_finish(s->p->loader);
	code->call = load_call(loaded);
	return code->call ? s->runner->run(s->runner->of, code) : NULL;
}

Graph *cause_graph(const Search *s, NodeId top, NodeId *map)
{
	Graph *f = graph_like(&s->p->c, s->g);
	f->name = "cause";
	for (NodeId x = 1; x <= top; x++)
		map[x] = graph_copy_node(f, s->g, x, map);
	return f;
}

static Axes all_axes(Shape s)
{
	Axes axes = {.count = s.rank};
	for (uint8_t i = 0; i < s.rank; i++)
		axes.at[i] = i;
	return axes;
}

/* 0, 1 or 2: the largest that any element of x is: finite, infinite, NaN. */
static NodeId flag(Graph *f, NodeId x)
{
	NodeId finite = op_less(f, op_abs(f, x), op_like(f, x, INFINITY));
	NodeId is_number = op_equal(f, x, x);
	NodeId wrong = op_select(f, is_number, op_like(f, x, 1), op_like(f, x, 2));
	NodeId each = op_cast(f, op_select(f, finite, op_like(f, x, 0), wrong), DTYPE_f32);
	Shape shape = node(f, x)->shape;
	return shape.rank ? op_reduce_max(f, each, all_axes(shape)) : each;
}

/* Finds what the node holds, and those before it that it depends on, nearest first. */
static bool ask(Search *s, NodeId top)
{
	NodeId *map = new_array(s->p->c.arena, NodeId, s->g->count);
	Graph *f = cause_graph(s, top, map);
	bool *needed = reaching(s->g, top);
	int flags = 0;
	for (NodeId x = top; x > 0 && flags < MOST_FLAGS; x--) {
		bool asked = needed[x] && s->varies[x] && s->found[x] == UNKNOWN && is_float(s->g, x) &&
		             behind_views(s->g, x) == x;
		if (!asked)
			continue;
		graph_output(f, arena_printf(s->p->c.arena, "%u", x), flag(f, map[x]));
		flags++;
	}
	sslc_code code = {0};
	void *const *output = cause_run(s, f, &code);
	for (size_t i = 0; output && i < code.output_count; i++) {
		float value = *(const float *)output[i];
		s->found[strtoul(code.output[i].name, NULL, 10)] = (Found)(FINITE + (int)value);
	}
	return output != NULL;
}

/* What the node holds; UNKNOWN: it could not be found. */
static Found look_up(Search *s, NodeId x, NodeId top)
{
	if (s->found[x] == UNKNOWN && (!ask(s, top) || (s->found[x] == UNKNOWN && !ask(s, x))))
		return UNKNOWN;
	return s->found[x];
}

/* The operand with the worst value, through views; 0: none is wrong. `known`: all were found. */
static NodeId worst_operand(Search *s, NodeId x, bool *known)
{
	NodeId worst = 0;
	const Node *n = node(s->g, x);
	if (n->op == OP_result)
		n = node(s->g, n->in[0]);
	for (int i = 0; i < n->count; i++) {
		NodeId y = behind_views(s->g, n->in[i]);
		if (!is_float(s->g, y) || !s->varies[y])
			continue;
		Found found = look_up(s, y, x);
		*known &= found != UNKNOWN;
		if (found > FINITE && (!worst || found > s->found[worst]))
			worst = y;
	}
	return worst;
}

/* An infinity that was a constant, as in select(mask, x, -infinity). */
static bool is_meant(Search *s, NodeId x, bool *known)
{
	Op op = node(s->g, x)->op;
	bool moves = op == OP_select || op == OP_max || op == OP_min || op == OP_concat || op == OP_pad;
	return moves && s->found[x] == INFINITE && !worst_operand(s, x, known);
}

/* The first node with a wrong value and no wrong operand; 0: it was not found. */
static NodeId walk(Search *s, NodeId x)
{
	bool known = true;
	if (look_up(s, x, x) <= FINITE)
		return 0;
	for (;;) {
		NodeId next = worst_operand(s, x, &known);
		if (!known)
			return 0;
		if (!next || is_meant(s, next, &known))
			return x;
		x = next;
	}
}

/* -- The search -------------------------------------------------------------------------------- */

static NodeId root_of(const Graph *g, const char *state)
{
	for (uint32_t i = 0; state && i < g->set_count; i++)
		if (strcmp(node(g, g->set[i].state)->attr.name, state) == 0)
			return g->set[i].value;
	for (uint32_t i = 0; !state && i < g->out_count; i++)
		if (strcmp(g->out[i].name, "loss") == 0)
			return g->out[i].value;
	return 0;
}

bool find_cause(sslc_program *p, const char *function, const char *state, const sslc_runner *runner,
                sslc_cause *to)
{
	GUARD(p, false);
	*to = (sslc_cause){.where = "", .help = ""};
	Graph *step = p->bound ? bundle_graph(p->bundle, function) : NULL;
	const Graph *g = step ? lower(&p->c, step, "autodiff").graph : NULL;
	NodeId loss = g ? root_of(g, NULL) : 0, root = g ? root_of(g, state) : 0;
	if (!loss || !root)
		return false;
	Search s = {.p = p, .g = g, .runner = runner};
	s.found = new_array(p->c.arena, Found, g->count);
	s.varies = new_array(p->c.arena, bool, g->count);
	s.is_forward = reaching(g, loss);
	for (NodeId x = 1; x < g->count; x++) {
		s.varies[x] = node(g, x)->op == OP_input || node(g, x)->op == OP_state;
		for (int i = 0; i < node(g, x)->count; i++)
			s.varies[x] |= s.varies[node(g, x)->in[i]];
	}
	NodeId x = walk(&s, behind_views(g, root));
	if (x)
		cause_describe(&s, x, to);
	return x != 0;
}
