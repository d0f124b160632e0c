/* scan.c: the builtin scan: a layer that is applied at every place along time, as one node.
 *
 * The layer is evaluated once, in the graph around, on inputs that stand for the carries and for the
 * slices at a step. What depends on these becomes the body, with the views and constants that it
 * reads; all else, parameters above all, is computed once and given to every step. So a body sees what
 * any expression at its place sees, and what does not change from step to step is not in the loop. */
#include <string.h>

#include "elaborator.h"

struct LoopScope { /* a scan whose layer is being evaluated */
	const LoopScope *outer;
	NodeId time; /* the number of the step */
	int64_t length;
	int depth;
};

typedef struct Making { /* of a scan */
	Elab *b;
	Span span;
	NodeId operand[MOST_INS], inside[MOST_INS]; /* carries, sequences; what stands for them */
	uint32_t carries, sequences;
	int64_t length;
	NodeId first; /* of the nodes that were made for the step */
} Making;

/* -- What is given ----------------------------------------------------------------------------- */

/* Appends the tensors of v, a tensor, a number or a list of them, to those of the scan. */
static bool flatten(Making *m, const Value *v, Span span, const char *what)
{
	const Value *item = v->kind == VALUE_LIST ? v->item : v;
	size_t count = v->kind == VALUE_LIST ? v->count : 1;
	for (size_t i = 0; i < count; i++) {
		uint32_t at = m->carries + m->sequences;
		NodeId x = value_to_tensor(m->b, &item[i], (DType)m->b->c->float_type);
		if (!x) {
			elab_error(m->b, span, "%s is %s, but must be a tensor or a list of tensors", what,
			           value_text(m->b, &item[i]));
			return false;
		}
		if (at == MOST_RESULTS) {
			elab_error(m->b, span, "scan has more than %d carries and sequences", MOST_RESULTS);
			return false;
		}
		m->operand[at] = x;
		*(what[1] == 'f' ? &m->carries : &m->sequences) += 1;
	}
	return true;
}

static bool take_first(Making *m, const Given *in)
{
	return flatten(m, &in->value, in->span, "'first' of scan");
}

/* A number of steps, or what has a slice for each. */
static bool take_sequences(Making *m, const Given *in)
{
	Elab *b = m->b;
	size_t one;
	if (in->value.kind == VALUE_NUMBER)
		return value_to_ints(b, in->span, "the number of steps", &in->value, &m->length, 1, &one);
	if (!flatten(m, &in->value, in->span, "'x' of scan"))
		return false;
	for (uint32_t i = m->carries; i < m->carries + m->sequences; i++) {
		Shape s = node(b->g, m->operand[i])->shape;
		if (s.rank < 1) {
			elab_error(b, in->span, "'x' of scan is one number: it has no axis to step along");
			return false;
		}
		if (m->length && m->length != s.dim[0]) {
			elab_error(b, in->span,
			           "a sequence of scan has %lld steps along its first axis, another has %lld",
			           (long long)s.dim[0], (long long)m->length);
			return false;
		}
		m->length = s.dim[0];
	}
	if (!m->sequences)
		elab_error(b, in->span, "'x' of scan is an empty list: give a number of steps instead");
	return m->sequences != 0;
}

static NodeId stand_in(Making *m, const char *what, uint32_t i, DType type, Shape s)
{
	const char *name =
	    arena_printf(m->b->c->arena, "scan%u.%s%u", m->b->scans, what, i); /* of no other scan */
	return op_input(m->b->g, name, type, s);
}

static void make_stand_ins(Making *m)
{
	Graph *g = m->b->g;
	m->first = g->count;
	for (uint32_t i = 0; i < m->carries + m->sequences; i++) {
		const Node *n = node(g, m->operand[i]);
		bool carry = i < m->carries;
		DType type = n->type;
		Shape s = carry ? n->shape : shape_of(n->shape.rank - 1, n->shape.dim + 1);
		m->inside[i] =
		    carry ? stand_in(m, "carry", i, type, s) : stand_in(m, "each", i - m->carries, type, s);
	}
}

/* -- The body ---------------------------------------------------------------------------------- */

/* What the layer gave, as tensors; the first ones are the next carries. */
static bool take_results(Making *m, const Value *v, NodeId *out, uint32_t *outs)
{
	Elab *b = m->b;
	const Value *item = v->kind == VALUE_LIST ? v->item : v;
	size_t count = v->kind == VALUE_LIST ? v->count : 1;
	if (v->kind == VALUE_NONE)
		return false;
	if (count < m->carries || count < 1 || count > MOST_RESULTS) {
		elab_error(b, m->span,
		           "the layer of scan gives %s, but must give its %u carr%s first, and "
		           "at most %d tensors",
		           value_text(b, v), m->carries, m->carries == 1 ? "y" : "ies", MOST_RESULTS);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const Node *carry = i < m->carries ? node(b->g, m->operand[i]) : NULL;
		DType type = carry ? carry->type : (DType)b->c->float_type;
		NodeId x = value_to_tensor(b, &item[i], type);
		if (!x) {
			elab_error(b, m->span, "the layer of scan gives %s, but must give tensors",
			           value_text(b, &item[i]));
			return false;
		}
		x = carry && item[i].kind == VALUE_NUMBER ? stretch(b, x, carry->shape) : x;
		const Node *n = node(b->g, x);
		if (carry && (n->type != type || !shape_equal(n->shape, carry->shape))) {
			elab_error(b, m->span, "a carry of scan is %s first, and %s after a step",
			           shape_text(b->c->arena, type, carry->shape),
			           shape_text(b->c->arena, n->type, n->shape));
			diag_help(b->c->diags, "give a first value of that shape, such as zeros(shape)");
			return false;
		}
		out[i] = x;
	}
	*outs = (uint32_t)count;
	return true;
}

/* varies[x]: x depends on what stands for a carry or a slice, or on the number of the step. */
static bool *find_varying(const Making *m, NodeId time)
{
	const Graph *g = m->b->g;
	bool *varies = new_array(m->b->c->arena, bool, g->count);
	for (uint32_t i = 0; i < m->carries + m->sequences; i++)
		varies[m->inside[i]] = true;
	varies[time] = true;
	for (NodeId x = m->first; x < g->count; x++)
		for (int i = 0; i < node(g, x)->count; i++)
			varies[x] |= varies[node(g, x)->in[i]];
	return varies;
}

/* Made in the body though it is the same at every step: it costs nothing, or less than to store it. */
static bool is_copied(const Node *n)
{
	return n->op == OP_constant || n->op == OP_iota || op_only_moves(n->op);
}

typedef struct Cut { /* the body's part of the graph */
	const bool *varies;
	bool *needed;
	NodeId *map;
	NodeId of[MOST_INS]; /* the same at every step */
	uint32_t ofs;
	bool sees_time;
} Cut;

static NodeId body_input(Making *m, Cut *cut, Graph *body, NodeId x, NodeId time)
{
	Arena *a = m->b->c->arena;
	const Node *n = node(m->b->g, x);
	for (uint32_t i = 0; i < m->carries + m->sequences; i++)
		if (m->inside[i] == x)
			return op_input(body,
			                i < m->carries ? arena_printf(a, "carry%u", i)
			                               : arena_printf(a, "each%u", i - m->carries),
			                n->type, n->shape);
	if (x == time) {
		cut->sees_time = true;
		return op_input(body, arena_printf(a, "each%u", m->sequences), n->type, n->shape);
	}
	if (cut->ofs == MOST_INS - MOST_RESULTS - 1) {
		elab_error(m->b, m->span, "the layer of scan reads more than %d tensors from outside",
		           MOST_INS - MOST_RESULTS - 1);
		diag_help(m->b->c->diags, "put some of its weights side by side in one");
		return 0;
	}
	cut->of[cut->ofs] = x;
	return op_input(body, arena_printf(a, "of%u", cut->ofs++), n->type, n->shape);
}

static Graph *cut_body(Making *m, Cut *cut, const NodeId *out, uint32_t outs, NodeId time)
{
	Elab *b = m->b;
	const Graph *g = b->g;
	cut->varies = find_varying(m, time);
	cut->needed = new_array(b->c->arena, bool, g->count);
	cut->map = new_array(b->c->arena, NodeId, g->count);
	for (uint32_t i = 0; i < outs; i++)
		cut->needed[out[i]] = true;
	for (NodeId x = g->count - 1; x > 0; x--)
		for (int i = 0; cut->needed[x] && i < node(g, x)->count; i++)
			if (cut->varies[x] || is_copied(node(g, x)))
				cut->needed[node(g, x)->in[i]] = true;
	Graph *body = graph_new(b->c, "body");
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		bool inner = (cut->varies[x] && n->op != OP_input) || is_copied(n);
		if (!cut->needed[x])
			continue;
		if (n->op == OP_gradient && cut->varies[x]) {
			elab_error(b, m->span,
			           "the layer of scan takes a gradient of what varies from step to "
			           "step");
			diag_help(b->c->diags, "take the gradient of what the scan gives, outside of it");
			return NULL;
		}
		cut->map[x] =
		    inner ? graph_copy_node(body, g, x, cut->map) : body_input(m, cut, body, x, time);
		if (!cut->map[x])
			return NULL;
	}
	for (uint32_t i = 0; i < outs; i++)
		graph_output(body, arena_printf(b->c->arena, i < m->carries ? "carry%u" : "result%u", i),
		             cut->map[out[i]]);
	return body;
}

static NodeId make_scan(Making *m, const NodeId *out, uint32_t outs, NodeId time, bool reverse)
{
	Graph *g = m->b->g;
	Cut cut = {0};
	NodeId in[2 * MOST_INS];
	uint32_t count = m->carries + m->sequences;
	Graph *body = cut_body(m, &cut, out, outs, time);
	if (!body)
		return 0;
	memcpy(in, m->operand, count * sizeof *in);
	if (cut.sees_time)
		in[count++] = op_iota(g, DTYPE_i32, SHAPE(m->length), 0);
	for (uint32_t i = 0; i < cut.ofs; i++)
		in[count++] = cut.of[i];
	if (!count) /* a scan has an operand */
		in[count++] = op_constant(g, DTYPE_i32, 0);
	Region r = {body, m->length, m->carries, m->sequences + cut.sees_time, reverse};
	return op_scan(g, in, (int)count, r);
}

/* -- The builtin ------------------------------------------------------------------------------- */

NodeId random_step(Elab *b)
{
	NodeId step = op_input(b->g, "step", DTYPE_i32, SCALAR);
	const LoopScope *loop[MOST_LOOPS];
	int depth = 0;
	for (const LoopScope *l = b->loop; l; l = l->outer)
		loop[depth++] = l;
	while (depth-- > 0) {
		NodeId length = op_constant(b->g, DTYPE_i32, (double)loop[depth]->length);
		step = op_add(b->g, op_mul(b->g, step, length), loop[depth]->time);
	}
	return step;
}

static bool may_loop(Elab *b, Span span)
{
	if (b->in_init) {
		elab_error(b, span, "a first value cannot be made by a scan");
		return false;
	}
	if (b->loop && b->loop->depth == MOST_LOOPS) {
		elab_error(b, span, "scans in scans: at most %d deep", MOST_LOOPS);
		return false;
	}
	return true;
}

Value builtin_scan(Elab *b, Span span, Given *in)
{
	Making m = {.b = b, .span = span};
	double reverse = in[3].value.kind == VALUE_NUMBER ? in[3].value.number : 0;
	if (!may_loop(b, span) || !take_first(&m, &in[1]) || !take_sequences(&m, &in[0]))
		return value_none();
	if (m.length < 1 || m.length > 1 << 24) {
		elab_error(b, in[0].span, "scan cannot take %lld steps: from 1 to %d", (long long)m.length,
		           1 << 24);
		return value_none();
	}
	b->scans++;
	make_stand_ins(&m);
	LoopScope loop = {b->loop, stand_in(&m, "time", 0, DTYPE_i32, SCALAR), m.length,
	                  b->loop ? b->loop->depth + 1 : 1};
	Value flow[MOST_INS];
	for (uint32_t i = 0; i < m.carries + m.sequences; i++)
		flow[i] = value_tensor(m.inside[i]);
	b->loop = &loop;
	Value v = layer_apply(b, &in[2].value.layer, frame_component(b, "scan"), flow,
	                      m.carries + m.sequences);
	b->loop = loop.outer;
	NodeId out[MOST_RESULTS];
	uint32_t outs;
	b->g->origin = user_span(b, span);
	if (!take_results(&m, &v, out, &outs))
		return value_none();
	NodeId scan = make_scan(&m, out, outs, loop.time, reverse != 0);
	if (!scan)
		return value_none();
	Value *item = new_array(b->c->arena, Value, outs + 1);
	for (uint32_t i = 0; i < outs; i++)
		item[i] = value_tensor(op_result(b->g, scan, i, false));
	return v.kind == VALUE_LIST ? value_list(b, item, outs) : item[0];
}
