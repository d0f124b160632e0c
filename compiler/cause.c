/* cause.c: the first operation of a step whose result is not finite though its operands are.
 *
 * In: that the loss, or the next value of a state, is not finite, and a way to run functions on the
 * states and the batch of that step. Out: the operation, in numbers and words, and its place. The
 * graph of the step is walked back from what is wrong, at each node to an operand that is wrong, to
 * NaN rather than to infinity, until there is none. What nodes hold is asked of functions that are
 * compiled for it, each the step up to some node with a number for each of the nodes before it: so
 * they compute what the step did, as fast as it did. Infinities that are constants are meant. */
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FLAGS = 256 };                          /* of one function */
static const int64_t MOST_SHOWN = (int64_t)1 << 26; /* elements of what is looked at in numbers */

typedef enum Found { UNKNOWN, FINITE, INFINITE, NOT_A_NUMBER } Found;

typedef struct Search {
	sslc_program *p;
	const Graph *g;
	const sslc_runner *runner;
	Found *found;     /* [count] */
	bool *varies;     /* [count] it is made of an input or a state */
	bool *is_forward; /* [count] the loss depends on it */
} Search;

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

/* Runs a graph; its outputs by number, NULL: it could not be made. */
static void *const *run(const Search *s, Graph *g, sslc_code *code)
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

/* A graph of the step up to node `top`, without outputs. */
static Graph *begin(const Search *s, NodeId top, NodeId *map)
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
	Graph *f = begin(s, top, map);
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
	void *const *output = run(s, f, &code);
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

/* -- In words ---------------------------------------------------------------------------------- */

typedef struct Seen {
	double result, operand[2]; /* at the first place that is wrong; of what is no MAP the largest */
} Seen;

static double largest(const float *x, int64_t count)
{
	double most = 0;
	for (int64_t i = 0; i < count; i++)
		most = fmax(most, fabs((double)x[i]));
	return most;
}

/* The first place where the result is wrong, of a MAP rather where its operands are not; -1: none. */
static int64_t first_wrong(const float *const at[3], int64_t count, bool is_map)
{
	int64_t first = -1;
	for (int64_t i = 0; at[0] && i < count; i++) {
		if (isfinite(at[0][i]))
			continue;
		if (!is_map || ((!at[1] || isfinite(at[1][i])) && (!at[2] || isfinite(at[2][i]))))
			return i;
		first = first < 0 ? i : first;
	}
	return first;
}

/* The numbers of the operation; false: they are too many, or there is none. */
static bool look(const Search *s, NodeId x, Seen *seen)
{
	const Node *n = node(s->g, x);
	int64_t size[3] = {shape_size(n->shape)}, all = size[0];
	for (int i = 0; i < n->count && i < 2; i++)
		all += size[1 + i] = shape_size(node(s->g, n->in[i])->shape);
	if (all > MOST_SHOWN)
		return false;
	NodeId *map = new_array(s->p->c.arena, NodeId, s->g->count);
	Graph *f = begin(s, x, map);
	graph_output(f, "0", op_cast(f, map[x], DTYPE_f32));
	for (int i = 0; i < n->count && i < 2; i++)
		graph_output(f, i ? "2" : "1", op_cast(f, map[n->in[i]], DTYPE_f32));
	sslc_code code = {0};
	void *const *output = run(s, f, &code);
	const float *at[3] = {NULL, NULL, NULL};
	for (size_t i = 0; output && i < code.output_count; i++)
		at[code.output[i].name[0] - '0'] = output[i];
	int64_t wrong = first_wrong(at, size[0], op_info[n->op].kind == MAP);
	if (wrong < 0)
		return false;
	seen->result = (double)at[0][wrong];
	for (int i = 0; i < 2; i++)
		seen->operand[i] = !at[1 + i]                   ? 0
		                   : op_info[n->op].kind == MAP ? (double)at[1 + i][wrong]
		                                                : largest(at[1 + i], size[1 + i]);
	for (int i = 0; i < 2; i++)
		seen->operand[i] = isnan(seen->operand[i]) ? (double)NAN : seen->operand[i]; /* no sign */
	return true;
}

static const char *sign_of(Op op)
{
	return op == OP_add   ? "+"
	       : op == OP_sub ? "-"
	       : op == OP_mul ? "*"
	       : op == OP_div ? "/"
	       : op == OP_pow ? "^"
	                      : NULL;
}

static const char *result_text(double x)
{
	return isnan(x) ? "NaN" : x > 0 ? "infinity" : "-infinity";
}

static void describe_operation(const Search *s, NodeId x, Seen *seen, sslc_cause *to)
{
	const Node *n = node(s->g, x);
	const char *name = op_info[n->op].name, *sign = sign_of(n->op);
	if (n->op == OP_input || n->op == OP_state)
		snprintf(to->what, sizeof to->what, "'%.128s' holds a number that is not finite",
		         n->attr.name);
	else if (op_info[n->op].kind == LOOP)
		snprintf(to->what, sizeof to->what, "a step of a scan gives %s",
		         s->found[x] == INFINITE ? "infinity" : "NaN");
	else if (!look(s, x, seen))
		snprintf(to->what, sizeof to->what, "a result of '%s' is %s", name,
		         s->found[x] == INFINITE ? "infinite" : "NaN");
	else if (sign)
		snprintf(to->what, sizeof to->what, "%.6g %s %.6g is %s", seen->operand[0], sign,
		         seen->operand[1], result_text(seen->result));
	else if (op_info[n->op].kind == MAP && n->count == 1)
		snprintf(to->what, sizeof to->what, "%s(%.6g) is %s", name, seen->operand[0],
		         result_text(seen->result));
	else if (n->op == OP_dot)
		snprintf(to->what, sizeof to->what,
		         "a sum of products of numbers up to %.3g and %.3g is %s", seen->operand[0],
		         seen->operand[1], result_text(seen->result));
	else
		snprintf(to->what, sizeof to->what, "'%s' of numbers up to %.3g is %s", name,
		         seen->operand[0], result_text(seen->result));
}

/* A gradient has the place of what is differentiated; what else is behind the loss updates states. */
static bool is_gradient(const Search *s, NodeId x)
{
	const Span at = node(s->g, x)->origin;
	for (NodeId y = 1; y < s->g->count; y++) {
		const Span of = node(s->g, y)->origin;
		if (s->is_forward[y] && of.file == at.file && of.at == at.at && of.end == at.end)
			return !s->is_forward[x];
	}
	return false;
}

static const char *help_of(const Search *s, NodeId x, const Seen *seen)
{
	const Node *n = node(s->g, x);
	bool backward = is_gradient(s, x);
	if (!isfinite(seen->operand[0]) || !isfinite(seen->operand[1])) /* of no operation before it */
		return "a constant of the model is not finite: look for what makes it, such as log(0)";
	switch (n->op) {
	case OP_input:
		return "look for numbers that are not finite in the data";
	case OP_log:
	case OP_log1p:
		return "keep it from 0 and below: log(max(x, 1e-6)); of probabilities take log_softmax or "
		       "bce";
	case OP_exp:
		return "keep it below 88: subtract the largest, as log_softmax and log_sum_exp do, or "
		       "lower "
		       "the learning rate";
	case OP_sqrt:
		return "keep it from below 0: sqrt(max(x, 0))";
	case OP_pow:
		if (!backward)
			return "keep what is raised above 0: max(x, 1e-6)^y";
		/* fall through */
	case OP_div:
	case OP_rem:
		return backward ? "keep what is differentiated there from where its slope is infinite, as "
		                  "sqrt(x + 1e-12) and log(max(x, 1e-6)) do"
		                : "keep the divisor from 0: add a small number";
	default:
		return "numbers grew until they had no place in f32: lower the learning rate, or clip the "
		       "gradients: clipped(1, ...)";
	}
}

static void describe(const Search *s, NodeId x, sslc_cause *to)
{
	const Span origin = node(s->g, x)->origin;
	Seen seen = {0};
	describe_operation(s, x, &seen, to);
	to->where = is_gradient(s, x) ? ", in the gradient" : "";
	to->help = help_of(s, x, &seen);
	if (!origin.file)
		return;
	uint32_t line, column;
	diags_place(s->p->c.diags, origin, &line, &column);
	to->file = diags_name(s->p->c.diags, origin.file);
	to->line = line, to->column = column;
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
		describe(&s, x, to);
	return x != 0;
}
