/* cause.c: the first operation of a step whose result is not finite though its operands are.
 *
 * In: that the loss, the next value of a state or a gradient is not finite, and a way to run functions on the
 * states and the batch of that step. Out: the operation, which cause_words.c puts into words. The
 * graph of the step is walked back from what is wrong, at each node to an operand that is wrong, to
 * NaN rather than to infinity, until there is none. If that is a scan, the walk goes on in its body,
 * from step to step along its carries. What nodes hold is asked of functions that are
 * compiled for it, each the step up to some node with a number for each of the nodes before it: so
 * they compute what the step did, as fast as it did. Infinities that are constants are meant. */
#include "cause.h"

#include <math.h>
#include <string.h>

enum { MOST_FLAGS = 256, MOST_STEPS = 1 << 17 }; /* of one function; of scans in scans */

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

static Frame *frame_new(const Search *s, const Graph *g, int64_t steps)
{
	Arena *a = s->p->c.arena;
	Frame *f = new (a, Frame);
	*f = (Frame){.g = g, .steps = steps};
	f->found = new_array(a, unsigned char, (size_t)g->count *(size_t)steps);
	f->varies = new_array(a, bool, g->count);
	for (NodeId x = 1; x < g->count; x++) {
		f->varies[x] = node(g, x)->op == OP_input || node(g, x)->op == OP_state;
		for (int i = 0; i < node(g, x)->count; i++)
			f->varies[x] |= f->varies[node(g, x)->in[i]];
	}
	return f;
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

/* The copy of a body has the numbers of the body. */
static NodeId copy_of(const Question *q, const Frame *frame, NodeId x)
{
	return frame->outer ? x : q->map[x];
}

static Graph *graph_of(const Question *q, const Frame *frame)
{
	if (!frame->outer)
		return q->g;
	const Graph *g = graph_of(q, frame->outer);
	return node(g, copy_of(q, frame->outer, frame->scan))->attr.region->body;
}

Question cause_ask(const Search *s, const Frame *frame, NodeId top)
{
	const Graph *step = s->step->g;
	for (const Frame *f = frame; f->outer; f = f->outer)
		top = f->scan;
	Question q = {.frame = frame, .map = new_array(s->p->c.arena, NodeId, step->count)};
	q.g = graph_like(&s->p->c, step);
	q.g->name = "cause";
	for (NodeId x = 1; x <= top; x++)
		q.map[x] = graph_copy_node(q.g, step, x, q.map);
	q.inner = graph_of(&q, frame);
	return q;
}

NodeId cause_asked(const Question *q, NodeId x)
{
	return copy_of(q, q->frame, x);
}

bool cause_answer(Question *q, const char *name, NodeId vector)
{
	for (const Frame *f = q->frame; f->outer; f = f->outer) {
		Graph *g = graph_of(q, f->outer);
		NodeId scan = copy_of(q, f->outer, f->scan);
		if (node(g, scan)->attr.region->body->out_count == MOST_RESULTS)
			return false;
		vector = op_result(g, scan, region_result(g, scan, vector), false);
	}
	graph_output(q->g, name, vector);
	return true;
}

static Axes all_axes(Shape s)
{
	Axes axes = {.count = s.rank};
	for (uint8_t i = 0; i < s.rank; i++)
		axes.at[i] = i;
	return axes;
}

/* [1] 0, 1 or 2: the largest that any element of x is: finite, infinite, NaN. */
static NodeId flag(Graph *f, NodeId x)
{
	NodeId finite = op_less(f, op_abs(f, x), op_like(f, x, INFINITY));
	NodeId is_number = op_equal(f, x, x);
	NodeId wrong = op_select(f, is_number, op_like(f, x, 1), op_like(f, x, 2));
	NodeId each = op_cast(f, op_select(f, finite, op_like(f, x, 0), wrong), DTYPE_f32);
	Shape shape = node(f, x)->shape;
	return op_reshape(f, shape.rank ? op_reduce_max(f, each, all_axes(shape)) : each, SHAPE(1));
}

/* One vector of many. */
static NodeId joined(Graph *f, NodeId *part, int count)
{
	while (count > 1) {
		int left = 0;
		for (int i = 0; i < count; i += MAX_INS) {
			int some = count - i < MAX_INS ? count - i : MAX_INS;
			part[left++] = some > 1 ? op_concat(f, &part[i], some, 0) : part[i];
		}
		count = left;
	}
	return part[0];
}

/* Finds what the node holds at all steps, and those before it that it depends on, nearest first. */
static bool ask(Search *s, Frame *frame, NodeId top)
{
	NodeId asked[MOST_FLAGS], part[MOST_FLAGS];
	Question q = cause_ask(s, frame, top);
	bool *needed = reaching(frame->g, top);
	int count = 0;
	for (NodeId x = top; x > 0 && count < MOST_FLAGS; x--) {
		bool is_asked = needed[x] && frame->varies[x] && found_at((Spot){frame, x, 0}) == UNKNOWN &&
		                is_float(frame->g, x) && behind_views(frame->g, x) == x;
		if (!is_asked)
			continue;
		part[count] = flag(q.inner, cause_asked(&q, x));
		asked[count++] = x;
	}
	if (!count || !cause_answer(&q, "0", joined(q.inner, part, count)))
		return false;
	sslc_code code = {0};
	void *const *output = cause_run(s, q.g, &code);
	for (int64_t t = 0; output && t < frame->steps; t++) {
		const float *flags = (const float *)output[0] + step_of_all((Spot){frame, 0, t}) * count;
		for (int i = 0; i < count; i++)
			frame->found[asked[i] * frame->steps + t] = (unsigned char)(FINITE + (int)flags[i]);
	}
	return output != NULL;
}

/* What the node holds; UNKNOWN: it could not be found. */
static Found look_up(Search *s, Spot at, NodeId top)
{
	if (found_at(at) == UNKNOWN &&
	    (!ask(s, at.frame, top) || (found_at(at) == UNKNOWN && !ask(s, at.frame, at.node))))
		return UNKNOWN;
	return found_at(at);
}

/* -- The search -------------------------------------------------------------------------------- */

static const Region *region_of(const Frame *frame)
{
	return frame->outer ? node(frame->outer->g, frame->scan)->attr.region : NULL;
}

/* Of a body's input the carry that the step before gave it; nothing at the first step, and of others. */
static Spot carried(Spot at)
{
	const Region *r = region_of(at.frame);
	const Node *n = node(at.frame->g, at.node), *scan;
	if (!r || n->op != OP_input)
		return (Spot){0};
	scan = node(at.frame->outer->g, at.frame->scan);
	int carry = region_operand(r, scan->count, n->attr.name);
	int64_t before = at.step + (r->reverse ? 1 : -1);
	if (carry < 0 || carry >= (int)r->carries || before < 0 || before >= r->length)
		return (Spot){0};
	return (Spot){at.frame, behind_views(r->body, r->body->out[carry].value), before};
}

/* The operand with the worst value, through views; nothing: none is wrong. `known`: all were found. */
static Spot worst_operand(Search *s, Spot at, bool *known)
{
	const Graph *g = at.frame->g;
	const Node *n = node(g, at.node);
	Spot worst = carried(at);
	if (worst.node) {
		Found found = look_up(s, worst, worst.node);
		*known &= found != UNKNOWN;
		return found > FINITE ? worst : (Spot){0};
	}
	if (n->op == OP_result)
		n = node(g, n->in[0]);
	for (int i = 0; i < n->count; i++) {
		Spot y = {at.frame, behind_views(g, n->in[i]), at.step};
		if (!is_float(g, y.node) || !at.frame->varies[y.node])
			continue;
		Found found = look_up(s, y, at.node);
		*known &= found != UNKNOWN;
		if (found > FINITE && (!worst.node || found > found_at(worst)))
			worst = y;
	}
	return worst;
}

/* An infinity that was a constant, as in select(mask, x, -infinity). */
static bool is_meant(Search *s, Spot at, bool *known)
{
	Op op = node(at.frame->g, at.node)->op;
	bool moves = op == OP_select || op == OP_max || op == OP_min || op == OP_concat || op == OP_pad;
	return moves && found_at(at) == INFINITE && !worst_operand(s, at, known).node;
}

/* Of a result of a scan: what its body gave, at the first step at which it was as wrong. */
static Spot entered(Search *s, Spot at)
{
	const Node *n = node(at.frame->g, at.node);
	if (n->op != OP_result)
		return (Spot){0};
	const Region *r = node(at.frame->g, n->in[0])->attr.region;
	int64_t steps = r->length;
	for (const Frame *f = at.frame; f && steps <= MOST_STEPS; f = f->outer)
		steps *= f->steps;
	if (steps > MOST_STEPS)
		return (Spot){0};
	Frame *body = frame_new(s, r->body, r->length);
	body->outer = at.frame, body->scan = n->in[0], body->during = at.step;
	NodeId y = behind_views(r->body, r->body->out[n->attr.result.index].value);
	for (int64_t i = n->attr.result.last ? r->length - 1 : 0; i < r->length; i++) {
		Spot in = {body, y, r->reverse ? r->length - 1 - i : i};
		Found found = look_up(s, in, y);
		if (found == UNKNOWN)
			break;
		if (found >= found_at(at))
			return in;
	}
	return (Spot){0};
}

/* The first node with a wrong value and no wrong operand; nothing: it was not found. What cannot be
 * found in a body is the scan's. */
static Spot walk(Search *s, Spot at)
{
	Spot outside = {0};
	if (look_up(s, at, at.node) <= FINITE)
		return outside;
	for (;;) {
		bool known = true;
		Spot next = worst_operand(s, at, &known);
		if (!known)
			return outside;
		if (next.node && !is_meant(s, next, &known)) {
			at = next;
			continue;
		}
		Spot inside = entered(s, at);
		if (!inside.node)
			return at.frame->outer && node(at.frame->g, at.node)->op == OP_input ? outside : at;
		outside = at, at = inside;
	}
}

/* The loss; of a state its next value or, in the function of gradients, the gradient by it. */
static NodeId root_of(const Graph *g, const char *state)
{
	for (uint32_t i = 0; state && i < g->set_count; i++)
		if (strcmp(node(g, g->set[i].state)->attr.name, state) == 0)
			return g->set[i].value;
	const char *name = state ? arena_printf(g->c->arena, "d %s", state) : "loss";
	for (uint32_t i = 0; i < g->out_count; i++)
		if (strcmp(g->out[i].name, name) == 0)
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
	Search s = {.p = p, .runner = runner};
	s.step = frame_new(&s, g, 1);
	s.is_forward = reaching(g, loss);
	Spot at = walk(&s, (Spot){s.step, behind_views(g, root), 0});
	if (at.node)
		cause_describe(&s, at, to);
	return at.node != 0;
}
