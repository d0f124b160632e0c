/* call.c: expressions, bodies and calls.
 *
 * A call is resolved in this order: a layer in scope, a network or definition of the task, model or
 * prelude, a builtin, an operation of the table. A layer is a call that still lacks its first
 * arguments: the flow. A definition sees its parameters and its own names, not its caller's. */
#include "elaborator.h"

#include <string.h>

typedef struct Invoke { /* what a call is made of */
	Span span;
	Span name_span;
	const char *name;
	const Arg *arg; /* unevaluated, in `scope` */
	size_t count;
	const Scope *scope;
	const Value *flow; /* given first */
	size_t flows;
	bool direct; /* the frame is the call's own: a link of a chain */
} Invoke;

static Value invoke(Elab *b, const Invoke *call);

/* -- Expressions ------------------------------------------------------------------------------- */

static Value eval_applied(Elab *b, const Expr *e, const Scope *scope, const Value *flow,
                          size_t flows, bool direct);

/* A first value lives in another graph than the step: tensors of the step do not reach it. */
static Value bound_value(Elab *b, Span span, const Value *bound)
{
	if (!b->in_init || bound->in_init || bound->kind != VALUE_TENSOR)
		return *bound;
	elab_error(b, span,
	           "a first value is made before there is data, so it cannot depend on a tensor");
	diag_help(b->c->diags, "use numbers, shapes and random values");
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

/* -- Arguments --------------------------------------------------------------------------------- */

typedef struct Formal {
	const char *name;
	bool is_layer, required;
} Formal;

static const char *signature(Elab *b, const char *name, const Formal *formal, size_t count)
{
	const char *text = arena_printf(b->c->arena, "%s(", name);
	for (size_t i = 0; i < count; i++)
		text = arena_printf(b->c->arena, "%s%s%s%s%s", text, i ? ", " : "", formal[i].name,
		                    formal[i].is_layer ? "()" : "", formal[i].required ? "" : "=...");
	return arena_printf(b->c->arena, "%s)", text);
}

static bool place_error(Elab *b, const Invoke *call, Span span, const Formal *formal, size_t count,
                        const char *text)
{
	elab_error(b, span, "%s", text);
	diag_help(b->c->diags, "its parameters are %s", signature(b, call->name, formal, count));
	return false;
}

/* slot[i]: which argument parameter i gets: 1 + index of flow, or -1 - index of arg; 0: none. */
static bool match_arguments(Elab *b, const Invoke *call, const Formal *formal, size_t count,
                            int *slot)
{
	size_t next = 0;
	Arena *a = b->c->arena;
	for (size_t i = 0; i < call->flows + call->count; i++) {
		const Arg *arg = i < call->flows ? NULL : &call->arg[i - call->flows];
		size_t at = next;
		if (arg && arg->name) {
			for (at = 0; at < count && strcmp(formal[at].name, arg->name) != 0;)
				at++;
			if (at == count) {
				const char *names[32];
				for (size_t j = 0; j < count && j < 32; j++)
					names[j] = formal[j].name;
				(void)place_error(
				    b, call, arg->name_span, formal, count,
				    arena_printf(a, "'%s' has no parameter '%s'", call->name, arg->name));
				const char *near = suggest(arg->name, names, count < 32 ? count : 32);
				if (near)
					diag_help(b->c->diags, "did you mean '%s'?", near);
				return false;
			}
		} else {
			next++;
		}
		if (at >= count) {
			(void)place_error(b, call, arg ? arg->value->span : call->span, formal, count,
			                  arena_printf(a, "'%s' is given too many arguments: it takes %zu",
			                               call->name, count));
			if (call->flows)
				diag_help(b->c->diags,
				          "in a list its first argument is what flows: leave it out there");
			return false;
		}
		if (slot[at])
			return place_error(
			    b, call, arg ? arg->value->span : call->span, formal, count,
			    arena_printf(a, "'%s' of '%s' is given twice", formal[at].name, call->name));
		slot[at] = arg ? -1 - (int)(i - call->flows) : 1 + (int)i;
	}
	for (size_t i = 0; i < count; i++)
		if (!slot[i] && formal[i].required)
			return place_error(
			    b, call, call->span, formal, count,
			    arena_printf(a, "'%s' is not given its argument '%s'", call->name, formal[i].name));
	return true;
}

/* The value of one matched argument; a layer parameter captures it. */
static Value argument(Elab *b, const Invoke *call, const Formal *formal, int slot)
{
	if (slot > 0)
		return call->flow[slot - 1];
	const Expr *e = call->arg[-1 - slot].value;
	if (formal->is_layer)
		return (Value){.kind = VALUE_LAYER, .layer = {.expr = e, .scope = call->scope}};
	return eval(b, e, call->scope);
}

/* -- Calls ------------------------------------------------------------------------------------- */

static bool is_frozen(const Elab *b, const char *name)
{
	return names_find(b->task ? &b->task->task->frozen : &b->model->frozen, name);
}

static Value call_body(Elab *b, const Invoke *call, const Definition *d, const Scope *scope,
                       const Value *flow)
{
	Frame *outer = b->frame, frame;
	bool training = b->training;
	if (d->is_network)
		frame = frame_network(b, d->name);
	else
		frame = call->direct ? *outer : frame_below(b, frame_component(b, d->name));
	if (d->is_network && (!b->task || b->task->freezes) && is_frozen(b, d->name))
		b->training = false;
	b->frame = &frame;
	Value v = eval_body(b, d->body, scope, flow);
	b->training = training;
	if (call->direct && !d->is_network)
		outer->used = frame.used;
	b->frame = outer;
	if (d->is_network) {
		view_note(b, d->name, &v, false);
		monitor_call(b, d->name, flow, &v);
	}
	return v;
}

static Value call_definition(Elab *b, const Invoke *call, const Definition *d)
{
	if (d->body->kind == BODY_BAD)
		return value_none();
	bool chain = d->body->kind == BODY_CHAIN;
	if (chain && b->task && b->task->is_raw && d->is_network && is_frozen(b, d->name))
		return invoke(b, &(Invoke){.span = call->span,
		                           .name_span = call->name_span,
		                           .name = "flatten",
		                           .arg = call->arg,
		                           .count = call->count,
		                           .scope = call->scope,
		                           .flow = call->flow,
		                           .flows = call->flows,
		                           .direct = call->direct});
	size_t count = d->count + chain;
	Formal *formal = new_array(b->c->arena, Formal, count + 1);
	int *slot = new_array(b->c->arena, int, count + 1);
	if (chain)
		formal[0] = (Formal){"x", false, true};
	for (size_t i = 0; i < d->count; i++)
		formal[i + chain] =
		    (Formal){d->param[i].name, d->param[i].is_layer, d->param[i].otherwise == NULL};
	if (!match_arguments(b, call, formal, count, slot))
		return value_none();
	const Scope *scope = NULL;
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		Value v;
		const Expr *otherwise = slot[i] ? NULL : d->param[i - chain].otherwise;
		if (slot[i])
			v = argument(b, call, &formal[i], slot[i]);
		else if (formal[i].is_layer)
			v = (Value){.kind = VALUE_LAYER, .layer = {.expr = otherwise, .scope = scope}};
		else
			v = eval(b, otherwise, scope);
		good &= v.kind != VALUE_NONE;
		monitor_argument(b, formal[i].name, &v);
		scope = scope_bind(b, scope, formal[i].name, v);
	}
	if (!good)
		return value_none();
	const Value *flow = chain ? scope_find(scope, "x") : NULL;
	Call here = {b->call, call->span, d->name};
	b->call = &here;
	Value v = call_body(b, call, d, scope, flow);
	b->call = here.outer;
	return v;
}

/* Splits "x, axis=0, f()" into formals. */
static size_t formals_of(Elab *b, const BuiltinInfo *info, Formal *formal)
{
	size_t count = 0;
	for (const char *p = info->params; *p && count < MAX_BUILTIN_ARGS;) {
		size_t size = strcspn(p, ","), name = strcspn(p, "=(,");
		formal[count] = (Formal){.name = arena_copy(b->c->arena, p, name),
		                         .is_layer = p[name] == '(',
		                         .required = p[name] != '='};
		count++;
		p += size;
		p += strspn(p, ", ");
	}
	return count;
}

static Value call_builtin(Elab *b, const Invoke *call, const BuiltinInfo *info, const char *binding)
{
	Formal formal[MAX_BUILTIN_ARGS] = {{0}};
	Given given[MAX_BUILTIN_ARGS] = {{.span = {0}}};
	int slot[MAX_BUILTIN_ARGS] = {0};
	size_t count = formals_of(b, info, formal);
	if (!match_arguments(b, call, formal, count, slot))
		return value_none();
	for (size_t i = 0; i < count; i++) {
		given[i].span = slot[i] < 0 ? call->arg[-1 - slot[i]].value->span : call->span;
		if (!slot[i])
			continue;
		given[i].value = argument(b, call, &formal[i], slot[i]);
		if (given[i].value.kind == VALUE_NONE)
			return value_none();
	}
	b->g->origin = user_span(b, call->span);
	b->binding = binding;
	Value v = info->run(b, call->span, given);
	b->binding = NULL;
	return v;
}

/* Whether an 'if' has all of its arguments, and what flows on top of them. */
static bool is_choice(const Invoke *call)
{
	return strcmp(call->name, "if") == 0 && call->flows && call->count == 3 && !call->arg[0].name &&
	       !call->arg[1].name && !call->arg[2].name;
}

static Value call_op(Elab *b, const Invoke *call, int ins)
{
	Value in[3] = {{0}};
	if (call->flows + call->count != (size_t)ins) {
		elab_error(b, call->span, "'%s' takes %d argument%s, but is given %zu", call->name, ins,
		           ins == 1 ? "" : "s", call->flows + call->count);
		return value_none();
	}
	for (size_t i = 0; i < (size_t)ins; i++) {
		const Arg *arg = i < call->flows ? NULL : &call->arg[i - call->flows];
		if (arg && arg->name) {
			elab_error(b, arg->name_span, "'%s' takes no named arguments", call->name);
			return value_none();
		}
		in[i] = arg ? eval(b, arg->value, call->scope) : call->flow[i];
	}
	b->g->origin = user_span(b, call->span);
	return call_map(b, call->span, call->name, in, ins);
}

static Value resolve(Elab *b, const Invoke *call, const char *binding)
{
	const Value *bound = scope_find(call->scope, call->name);
	if (bound && bound->kind == VALUE_LAYER) {
		Value *flow = new_array(b->c->arena, Value, call->flows + call->count + 1);
		for (size_t i = 0; i < call->flows; i++)
			flow[i] = call->flow[i];
		for (size_t i = 0; i < call->count; i++)
			if ((flow[call->flows + i] = eval(b, call->arg[i].value, call->scope)).kind ==
			    VALUE_NONE)
				return value_none();
		const char *component = call->direct ? NULL : frame_component(b, call->name);
		return layer_apply(b, &bound->layer, component, flow, call->flows + call->count);
	}
	int ins;
	const Definition *d = definition_find(b, call->name, call->name_span);
	if (d)
		return call_definition(b, call, d);
	const BuiltinInfo *info = builtin_find(call->name);
	if (info && is_choice(call))
		return eval_choice(b, call->arg, call->scope, call->flow, call->flows);
	if (info)
		return call_builtin(b, call, info, binding);
	if (is_map(call->name, &ins))
		return call_op(b, call, ins);
	if (bound && bound->kind != VALUE_NONE)
		elab_error(b, call->name_span, "'%s' is %s, not a layer: it cannot be called", call->name,
		           value_text(b, bound));
	else if (!bound)
		unknown_name(b, call->name_span, call->name, call->scope, "layer or function");
	return value_none();
}

static Value invoke(Elab *b, const Invoke *call)
{
	const char *binding = b->binding;
	b->binding = NULL;
	if (!may_call(b, call->span, call->name))
		return value_none();
	b->depth++, b->calls++;
	Value v = resolve(b, call, binding);
	b->depth--;
	return v;
}
