/* together.c: what an optimizer asks of all parameters that it moves: total(x), gradient_at(w),
 * loss_at(w).
 *
 * The optimizer is evaluated for one parameter after the other, but the answer to such a question
 * needs what all of them say at this place of its text. So it is evaluated in rounds: where an
 * answer is not known yet, an input stands in for it, and what was said is kept. Between two rounds
 * each question whose arguments contain no stand-in is answered. Numbers known now do not depend
 * on tensors, so every round comes to the same places; equal nodes are one, so that a round makes
 * again only what a stand-in was in. */
#include "elaborator.h"

#include <string.h>

enum { MOST_ROUNDS = 100 };

typedef enum Question { TOTAL, GRADIENT_AT, LOSS_AT } Question;

typedef struct Asked { /* at one place of the optimizer's text */
	Question question;
	NodeId loss; /* or the part of it that is asked about */
	Hash place;
	Span span;
	NodeId *said;   /* [parameters] in this round; 0: its optimizer did not come here */
	NodeId *answer; /* [parameters], for those that came; NULL: not known yet */
} Asked;

struct Together {
	NodeId loss, made;     /* made: the first node that the optimizer makes */
	const uint32_t *index; /* [count] the states that are moved */
	size_t count, at;      /* at: whose optimizer is evaluated */
	Asked *asked;
	size_t asks, capacity, known, rounds;
	uint32_t calls;  /* before the optimizer: each round may make as many */
	NodeId *pending; /* [states] before the optimizer */
	size_t states;
};

/* -- Questions --------------------------------------------------------------------------------- */

/* The same for all parameters: the calls that lead here, and the path below the parameter's own. */
static Hash place_of(Elab *b, const char *name, Span span)
{
	const char *here = arena_printf(b->c->arena, "%s@%u:%u", name, span.file, span.at);
	Hash h = hash_text(0, frame_component(b, here));
	for (const Frame *f = b->frame; f->outer; f = f->outer)
		h = hash_text(h, f->component);
	for (const Call *call = b->call; call; call = call->outer)
		h = hash_u64(hash_u64(h, call->span.file), call->span.at);
	return h;
}

static Asked *asked_at(Elab *b, Question question, const char *name, Span span, NodeId loss)
{
	Together *t = b->together;
	Hash place = place_of(b, name, span);
	for (size_t i = 0; i < t->asks; i++) {
		const Asked *a = &t->asked[i];
		if (a->place == place && a->question == question && a->loss == loss)
			return &t->asked[i];
	}
	if (t->asks == t->capacity) {
		t->capacity = t->capacity ? 2 * t->capacity : 8;
		Asked *more = new_array(b->c->arena, Asked, t->capacity);
		if (t->asks)
			memcpy(more, t->asked, t->asks * sizeof *more);
		t->asked = more;
	}
	Asked *a = &t->asked[t->asks++];
	*a = (Asked){.question = question,
	             .loss = loss,
	             .place = place,
	             .span = user_span(b, span),
	             .said = new_array(b->c->arena, NodeId, t->count)};
	return a;
}

/* What the parameter says, and the answer, or what stands in for it. */
static Value ask(Elab *b, Question question, const char *name, Span span, NodeId loss, NodeId said)
{
	Together *t = b->together;
	if (!said || !loss)
		return value_none();
	Asked *a = asked_at(b, question, name, span, loss);
	if (a->answer)
		return value_tensor(a->answer[t->at]);
	a->said[t->at] = said;
	const Node *n = node(b->g, said);
	const char *stand_in =
	    arena_printf(b->c->arena, "%s %zu of %zu", name, (size_t)(a - t->asked), t->at);
	return value_tensor(
	    op_input(b->g, stand_in, n->type, question == GRADIENT_AT ? n->shape : SCALAR));
}

static bool may_ask(Elab *b, Span span, const char *name, const Given *in)
{
	if (in->value.kind == VALUE_NONE)
		return false;
	if (!b->together || b->in_init) {
		elab_error(b, span, "'%s' is over all parameters that an optimizer moves, and here is none",
		           name);
		diag_help(b->c->diags, "it stands in a definition \"mine(w, g)\" that \"optimizer\" names");
		return false;
	}
	if (b->loop) {
		elab_error(b, span, "'%s' stands in a scan, whose steps come one after the other", name);
		diag_help(b->c->diags, "ask before the scan, or behind it");
		return false;
	}
	return true;
}

Value builtin_total(Elab *b, Span span, Given *in)
{
	if (!may_ask(b, span, "total", &in[0]))
		return value_none();
	NodeId x = value_to_tensor(b, &in[0].value, (DType)b->c->float_type);
	if (!x || node(b->g, x)->shape.rank != 0) {
		elab_error(b, in[0].span, "'total' takes one number of each parameter, not %s",
		           value_text(b, &in[0].value));
		diag_help(b->c->diags, "sum(x) is that of all its elements");
		return value_none();
	}
	return ask(b, TOTAL, "total", span, b->together->loss,
	           op_cast(b->g, x, (DType)b->c->float_type));
}

/* Other weights in place of the parameter; 0: they are none, reported. */
static NodeId weights_given(Elab *b, Span span, const char *name, const Given *in)
{
	if (!may_ask(b, span, name, in))
		return 0;
	if (b->period > 1) {
		elab_error(b, span, "%s is of the batch of one step, not of those that 'every' gathers",
		           name);
		diag_help(b->c->diags, "put every() inside: sam(0.05, accumulate(4, sgd))");
		return 0;
	}
	uint32_t i = b->together->index[b->together->at];
	const Node *w = node(b->g, state_node(b, i));
	const Value *v = &in->value;
	if (v->kind != VALUE_TENSOR || !shape_equal(node(b->g, v->node)->shape, w->shape)) {
		elab_error(b, in->span, "'%s' is given %s for the parameter '%s', which is %s", name,
		           value_text(b, v), b->bundle->state[i].name,
		           shape_text(b->c->arena, w->type, w->shape));
		return 0;
	}
	return op_cast(b->g, v->node, w->type);
}

/* What gradients are while a layer is evaluated: those of `at`, which is itself evaluated with the outer ones. */
struct Gradients {
	const Gradients *outer;
	Layer at;
};

Value builtin_with_gradient(Elab *b, Span span, Given *in)
{
	if (!may_ask(b, span, "with_gradient", &in[0]))
		return value_none();
	Gradients here = {b->gradients, in[0].value.layer};
	const Layer *y = &in[1].value.layer;
	b->gradients = &here;
	Value v = y->expr ? eval(b, y->expr, y->scope) : eval_body(b, y->body, y->scope, NULL);
	b->gradients = here.outer;
	return v;
}

/* As with_gradient() around this place has it. */
static Value gradient_given(Elab *b, Span span, const Given *in)
{
	const Gradients *here = b->gradients;
	Value flow[2] = {in[0].value, in[1].value};
	if (flow[1].kind == VALUE_NONE)
		flow[1] = (Value){.kind = VALUE_TEXT, .text = ""};
	Call call = {b->call, span, "gradient_at"};
	b->gradients = here->outer, b->call = &call;
	Value v = layer_apply(b, &here->at, NULL, flow, 2);
	b->gradients = here, b->call = call.outer;
	return v;
}

/* The part of the loss that is named, '': all of it; 0: there is no such number, reported. */
static NodeId part_of_loss(Elab *b, Given *part)
{
	const Value *name = &part->value;
	if (name->kind == VALUE_NONE || (name->kind == VALUE_TEXT && !*name->text))
		return b->together->loss;
	Value v = builtin_of_loss(b, part->span, part);
	if (v.kind == VALUE_NONE)
		return 0;
	NodeId x = v.kind == VALUE_TENSOR ? v.node : 0;
	if (x && node(b->g, x)->shape.rank == 0 && type_info[node(b->g, x)->type].is_float)
		return x;
	elab_error(b, part->span, "the loss calls %s by the name '%s', not one number",
	           value_text(b, &v), name->text);
	return 0;
}

Value builtin_gradient_at(Elab *b, Span span, Given *in)
{
	if (b->gradients)
		return gradient_given(b, span, in);
	NodeId w = weights_given(b, span, "gradient_at", &in[0]);
	return w ? ask(b, GRADIENT_AT, "gradient_at", span, part_of_loss(b, &in[1]), w) : value_none();
}

Value builtin_loss_at(Elab *b, Span span, Given *in)
{
	NodeId w = weights_given(b, span, "loss_at", &in[0]);
	return w ? ask(b, LOSS_AT, "loss_at", span, b->together->loss, w) : value_none();
}

/* -- Answers ----------------------------------------------------------------------------------- */

/* The loss where map[w] stands in place of each parameter w: what depends on them is made again,
 * whatever stop_gradient holds constant, too. States that the loss sets have one next value, by the
 * parameters as they are. */
static NodeId loss_with(Elab *b, NodeId loss, NodeId *map)
{
	bool *used = new_array(b->c->arena, bool, loss + 1);
	used[loss] = true;
	for (NodeId x = loss; x > 0; x--)
		for (int i = 0; used[x] && i < node(b->g, x)->count; i++)
			used[node(b->g, x)->in[i]] = true;
	for (NodeId x = 1; x <= loss; x++) {
		const Node *n = node(b->g, x);
		bool moved = false;
		for (int i = 0; i < n->count; i++)
			moved |= map[n->in[i]] != n->in[i];
		if (!map[x])
			map[x] = used[x] && moved ? graph_copy_node(b->g, b->g, x, map) : x;
	}
	return map[loss];
}

/* x as a node that nothing else reads, so that its adjoint is by this use alone: two parameters may
 * be given the same weights. */
static NodeId apart(Graph *g, NodeId x)
{
	Shape same = node(g, x)->shape;
	NodeId before = g->count, y = op_reshape(g, x, same);
	while (y && y < before)
		y = op_reshape(g, y, same);
	return y;
}

static void answer_at(Elab *b, Asked *a)
{
	const Together *t = b->together;
	Graph *g = b->g;
	NodeId *map = new_array(b->c->arena, NodeId, t->made),
	       *w = new_array(b->c->arena, NodeId, t->count);
	for (size_t i = 0; i < t->count; i++) {
		NodeId own = w[i] = state_node(b, t->index[i]);
		if (a->said[i] && a->said[i] != own)
			w[i] = a->question == LOSS_AT ? a->said[i] : apart(g, a->said[i]);
		map[own] = w[i];
	}
	NodeId loss = loss_with(b, a->loss, map);
	for (size_t i = 0; i < t->count; i++)
		if (a->said[i])
			a->answer[i] = a->question == LOSS_AT ? loss : op_gradient(g, loss, w[i]);
}

static void answer(Elab *b, Asked *a)
{
	const Together *t = b->together;
	a->answer = new_array(b->c->arena, NodeId, t->count);
	b->g->origin = a->span;
	if (a->question != TOTAL) {
		answer_at(b, a);
		return;
	}
	NodeId sum = 0;
	for (size_t i = 0; i < t->count; i++)
		if (a->said[i])
			sum = sum ? op_add(b->g, sum, a->said[i]) : a->said[i];
	for (size_t i = 0; i < t->count; i++)
		a->answer[i] = sum;
}

/* [nodes]: whether a stand-in, whose name has a space, is in it. */
static bool *with_stand_ins(Elab *b)
{
	bool *in = new_array(b->c->arena, bool, b->g->count);
	for (NodeId x = 1; x < b->g->count; x++) {
		const Node *n = node(b->g, x);
		in[x] = n->op == OP_input && strchr(n->attr.name, ' ');
		for (int i = 0; i < n->count; i++)
			in[x] |= in[n->in[i]];
	}
	return in;
}

static bool is_waiting(const Together *t, const Asked *a, const bool *stands_in)
{
	for (size_t i = 0; i < t->count; i++)
		if (stands_in[a->said[i]])
			return true;
	return false;
}

static void stuck(Elab *b, const Asked *a, bool late)
{
	diag_error(b->c->diags, a->span, "what is asked of all parameters here depends on %s",
	           late ? "too many other answers, one on the other" : "its own answer");
}

void together_open(Elab *b, NodeId loss, const uint32_t *index, size_t count)
{
	Together *t = b->together = new (b->c->arena, Together);
	*t = (Together){.loss = loss,
	                .made = b->g->count,
	                .index = index,
	                .count = count,
	                .states = b->bundle->state_count,
	                .calls = b->calls};
	t->pending = new_array(b->c->arena, NodeId, t->states + 1);
	memcpy(t->pending, b->pending, t->states * sizeof *t->pending);
}

void together_turn(Elab *b, size_t parameter)
{
	b->together->at = parameter;
}

bool together_again(Elab *b)
{
	Together *t = b->together;
	size_t known = 0, before = t->known;
	if (t->known == t->asks)
		return false;
	const bool *stands_in = with_stand_ins(b);
	for (size_t i = 0; i < t->asks; i++)
		if (!t->asked[i].answer && !is_waiting(t, &t->asked[i], stands_in))
			answer(b, &t->asked[i]);
	for (size_t i = 0; i < t->asks; i++)
		known += t->asked[i].answer != NULL;
	t->known = known;
	bool late = ++t->rounds == MOST_ROUNDS;
	for (size_t i = 0; i < t->asks && (late || known == before); i++)
		if (!t->asked[i].answer) {
			stuck(b, &t->asked[i], late);
			return false;
		}
	b->calls = t->calls;
	memset(b->pending, 0, b->bundle->state_count * sizeof *b->pending);
	memcpy(b->pending, t->pending, t->states * sizeof *t->pending);
	b->stand_ins = true;
	return true;
}

bool together_made(const Elab *b, NodeId x)
{
	return b->together && x >= b->together->made;
}

void together_close(Elab *b)
{
	b->together = NULL;
}
