/* eval.c: expressions and bodies: what stands in a section or a definition -> its value. */
#include "elaborator.h"

#include <string.h>

/* -- Expressions ------------------------------------------------------------------------------- */

static Value eval_applied(Elab *b, const Expr *e, const Scope *scope, const Value *flow,
                          size_t flows, bool direct);

/* A first value lives in another graph than the step: of tensors of the step only those reach it that
 * follow from parameters and states, as they are at first. */
static Value bound_value(Elab *b, Span span, const Value *bound)
{
	if (!b->in_init || bound->in_init || bound->kind != VALUE_TENSOR)
		return *bound;
	NodeId first = state_first(b, bound->node);
	if (first)
		return value_tensor(first);
	elab_error(b, span,
	           "a first value is made before there is data, so it cannot depend on a tensor");
	diag_help(b->c->diags, "use numbers, shapes, random values and other parameters");
	return value_none();
}

enum { MOST_CLASSES = 1 << 20 }; /* of which some have no sample */

/* Labels can be numbers that count no classes: identifiers, times. */
static bool are_numbered(Elab *b, const Expr *e)
{
	const DataShape *data = &b->bundle->data;
	int64_t samples = data->train_count + data->test_count;
	if (data->classes <= MOST_CLASSES || data->classes <= samples)
		return true;
	elab_error(b, e->span, "'classes' is %lld: labels of %lld samples go up to %lld",
	           (long long)data->classes, (long long)samples, (long long)data->classes - 1);
	diag_help(b->c->diags, "number the classes from 0 on; a label that is a quantity is of floats");
	return false;
}

/* Of data without classes, or without integers, these are 0, which is no width of anything. */
static bool is_of_data(Elab *b, const Expr *e, const Value *v)
{
	bool classes = strcmp(e->text, "classes") == 0;
	if (v->kind != VALUE_NUMBER || (!classes && strcmp(e->text, "vocab") != 0))
		return true;
	if (v->number != 0)
		return !classes || are_numbered(b, e);
	elab_error(b, e->span,
	           classes ? "'classes' is not known: this data has no labels that are classes"
	                   : "'vocab' is not known: this data has no integers as x");
	diag_help(b->c->diags, classes ? "a class is one whole number a sample, from 0 on; sslc check "
	                                 "shows the label of the data"
	                               : "text and lines have them; sslc check shows the data");
	return false;
}

static Value eval_name(Elab *b, const Expr *e, const Scope *scope)
{
	const Value *bound = scope_find(scope, e->text);
	Value v;
	if (bound)
		return bound_value(b, e->span, bound);
	if (constant_find(b, e->text, &v))
		return is_of_data(b, e, &v) ? v : value_none();
	const Definition *d = definition_find(b, e->text, e->span);
	if (d && d->body->kind == BODY_BAD)
		return value_none();
	if (d && d->count == 0 && d->body->kind != BODY_CHAIN)
		return invoke(
		    b, &(Invoke){.span = e->span, .name_span = e->span, .name = e->text, .scope = scope});
	if (d || builtin_find(e->text) || is_map(e->text, &(int){0})) {
		elab_error(b, e->span, "'%s' is a layer, and a value is needed here", e->text);
		diag_help(b->c->diags, "call it: %s(x)", e->text);
		return value_none();
	}
	unknown_name(b, e->span, e->text, scope, "value");
	return value_none();
}

static Value eval_list(Elab *b, const Expr *e, const Scope *scope)
{
	Value *item = new_array(b->c->arena, Value, e->count + 1);
	for (size_t i = 0; i < e->count; i++)
		item[i] = eval(b, e->arg[i].value, scope);
	for (size_t i = 0; i < e->count; i++)
		if (item[i].kind == VALUE_NONE)
			return value_none();
	return value_list(b, item, e->count);
}

static Value eval_operator(Elab *b, const Expr *e, const Scope *scope)
{
	const BuiltinInfo *builtin = builtin_find(e->text); /* index, matmul */
	if (builtin)
		return invoke(b, &(Invoke){.span = e->span,
		                           .name_span = e->name_span,
		                           .name = e->text,
		                           .arg = e->arg,
		                           .count = e->count,
		                           .scope = scope});
	Value in[2] = {{0}};
	for (size_t i = 0; i < e->count; i++)
		in[i] = eval(b, e->arg[i].value, scope);
	b->g->origin = user_span(b, e->span);
	return call_map(b, e->span, e->text, in, (int)e->count);
}

Value eval(Elab *b, const Expr *e, const Scope *scope)
{
	if (!has_room(b, e->span))
		return value_none();
	switch (e->kind) {
	case EXPR_NUMBER:
		return value_number(e->number);
	case EXPR_TEXT:
		return (Value){.kind = VALUE_TEXT, .text = e->text};
	case EXPR_NAME:
		return eval_name(b, e, scope);
	case EXPR_LIST:
		return eval_list(b, e, scope);
	case EXPR_BAD:
		return value_none();
	case EXPR_CALL:
		break;
	}
	const char *binding = b->binding;
	b->binding = NULL;
	if (e->is_operator)
		return eval_operator(b, e, scope);
	if (e->callee->kind == EXPR_NAME) {
		b->binding = binding;
		return invoke(b, &(Invoke){.span = e->span,
		                           .name_span = e->name_span,
		                           .name = e->callee->text,
		                           .arg = e->arg,
		                           .count = e->count,
		                           .scope = scope});
	}
	return eval_applied(b, e, scope, NULL, 0, false); /* f(a)(x) */
}

/* A list of layers in an expression: [linear(64), relu]. */
static Value eval_links(Elab *b, const Expr *e, const Scope *scope, const Value *flow, size_t flows)
{
	Value v = flows ? flow[0] : value_none();
	Frame *outer = b->frame;
	for (size_t i = 0; i < e->count && v.kind != VALUE_NONE; i++) {
		Frame frame = frame_below(b, arena_printf(b->c->arena, "%zu", i));
		b->frame = &frame;
		v = i ? eval_layer(b, e->arg[i].value, scope, &v, 1)
		      : eval_layer(b, e->arg[i].value, scope, flow, flows);
		b->frame = outer;
	}
	return v;
}

/* direct: the layer is a link of a chain or a network, and its frame is there already; else it is
 * called inside an expression, where every call has a frame of its own. */
static Value eval_applied(Elab *b, const Expr *e, const Scope *scope, const Value *flow,
                          size_t flows, bool direct)
{
	b->binding = NULL;
	if (e->kind == EXPR_LIST)
		return eval_links(b, e, scope, flow, flows);
	const Value *bound = e->kind == EXPR_NAME ? scope_find(scope, e->text) : NULL;
	if (bound && bound->kind != VALUE_LAYER)
		return bound_value(b, e->span, bound);
	Invoke call = {.span = e->span,
	               .name_span = e->span,
	               .scope = scope,
	               .flow = flow,
	               .flows = flows,
	               .direct = direct};
	if (e->kind == EXPR_NAME && (bound || !constant_find(b, e->text, &(Value){0}))) {
		call.name = e->text;
		return invoke(b, &call);
	}
	if (e->kind != EXPR_CALL || e->is_operator)
		return eval(b, e, scope);
	if (e->callee->kind == EXPR_NAME) {
		call.name = e->callee->text;
		call.name_span = e->name_span;
		call.arg = e->arg;
		call.count = e->count;
		return invoke(b, &call);
	}
	/* f(a)(x): x joins the flow */
	Value *more = new_array(b->c->arena, Value, flows + e->count + 1);
	if (flows)
		memcpy(more, flow, flows * sizeof *more);
	for (size_t i = 0; i < e->count; i++)
		if ((more[flows + i] = eval(b, e->arg[i].value, scope)).kind == VALUE_NONE)
			return value_none();
	return eval_applied(b, e->callee, scope, more, flows + e->count, direct);
}

Value eval_layer(Elab *b, const Expr *e, const Scope *scope, const Value *flow, size_t flows)
{
	return eval_applied(b, e, scope, flow, flows, true);
}

Value layer_apply(Elab *b, const Layer *l, const char *component, const Value *flow, size_t flows)
{
	Frame *outer = b->frame, frame = component ? frame_below(b, component) : *outer;
	if (component)
		b->frame = &frame;
	Value v = l->expr ? eval_layer(b, l->expr, l->scope, flow, flows)
	                  : eval_body(b, l->body, l->scope, flows ? flow : NULL);
	b->frame = outer;
	return v;
}

/* -- Bodies ------------------------------------------------------------------------------------ */

static Value eval_chain(Elab *b, const Body *body, const Scope *scope, const Value *flow)
{
	Value v = *flow;
	Frame *outer = b->frame;
	for (size_t i = 0; i < body->count && v.kind != VALUE_NONE; i++) {
		const Body *link = body->layer[i];
		Frame frame = frame_below(b, arena_printf(b->c->arena, "%zu", i));
		const Scope *inner = scope_bind(b, scope, "x", v);
		b->frame = &frame;
		if (link->kind == BODY_CHAIN)
			v = eval_chain(b, link, inner, &v);
		else
			v = link->kind == BODY_EXPR ? eval_layer(b, link->expr, inner, &v, 1) : value_none();
		b->frame = outer;
		if (v.kind != VALUE_NONE && v.kind != VALUE_TENSOR && v.kind != VALUE_NUMBER) {
			elab_error(b, link->span, "this layer gives %s, not a tensor", value_text(b, &v));
			return value_none();
		}
	}
	return v;
}

/* set name: the next value of a state that this body named. */
static void eval_set(Elab *b, const Named *n, const Scope *scope)
{
	const Value *bound = scope_find(scope, n->name);
	if (b->loop) {
		elab_error(b, n->span, "'%s' is set in a scan, whose steps come one after the other",
		           n->name);
		diag_help(b->c->diags, "make it a carry of the scan, and set it to the last one behind it");
		return;
	}
	Value v = eval_body(b, n->body, scope, NULL);
	if (!bound || !bound->state) {
		elab_error(b, n->span, "'%s' is not a state of this body", n->name);
		diag_help(b->c->diags, "name one first: \"%s\": \"state([4], 0)\"", n->name);
		return;
	}
	const Node *s = node(b->g, state_node(b, bound->state - 1));
	NodeId x = v.kind == VALUE_NONE ? 0 : value_to_tensor(b, &v, s->type);
	if (!x)
		return;
	Shape from = node(b->g, x)->shape, to = s->shape;
	bool fits = from.rank <= to.rank;
	for (int i = 1; fits && i <= from.rank; i++)
		fits = from.dim[from.rank - i] == to.dim[to.rank - i] || from.dim[from.rank - i] == 1;
	if (!fits) {
		elab_error(b, n->span, "the next value of '%s' is %s, but the state is %s", n->name,
		           value_text(b, &v), value_text(b, bound));
		return;
	}
	DType type = s->type;
	NodeId was = b->pending[bound->state - 1];
	if (!was)
		was = state_node(b, bound->state - 1);
	b->pending[bound->state - 1] = when_due(b, stretch(b, op_cast(b->g, x, type), to), was);
}

static Value eval_named(Elab *b, const Body *body, const Scope *scope)
{
	Value last = value_none();
	for (size_t i = 0; i < body->count; i++) {
		const Named *n = &body->named[i];
		if (n->is_set) {
			eval_set(b, n, scope);
			continue;
		}
		b->binding = n->name;
		last = eval_body(b, n->body, scope, NULL);
		b->binding = NULL;
		if (b->model && body == b->model->loss)
			view_note(b, n->name, &last, false);
		scope = scope_bind(b, scope, n->name, last);
	}
	if (body == b->loss_body)
		b->loss_scope = scope;
	return last;
}

Value eval_body(Elab *b, const Body *body, const Scope *scope, const Value *flow)
{
	if (body->kind == BODY_BAD)
		return value_none();
	if (body->kind == BODY_NAMED)
		return eval_named(b, body, scope);
	if (body->kind == BODY_EXPR)
		return eval(b, body->expr, scope);
	const Value *x = flow ? flow : scope_find(scope, "x");
	if (!x) {
		elab_error(b, body->span,
		           "a list of layers needs a value to start from, and there is no 'x' here");
		return value_none();
	}
	return eval_chain(b, body, scope, x);
}
