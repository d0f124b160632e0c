/* call.c: calls.
 *
 * A call is resolved in this order: a layer in scope, a network or definition of the task, model or
 * prelude, a builtin, an operation of the table. A layer is a call that still lacks its first
 * arguments: the flow. A definition sees its parameters and its own names, not its caller's. */
#include "elaborator.h"

#include <string.h>

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

/* The place of the parameter that an argument names; `count`: an error, which is reported. */
static size_t named_place(Elab *b, const Invoke *call, const Arg *arg, const Formal *formal,
                          size_t count)
{
	const char *names[32];
	for (size_t at = 0; at < count; at++)
		if (strcmp(formal[at].name, arg->name) == 0)
			return at;
	for (size_t i = 0; i < count && i < COUNT(names); i++)
		names[i] = formal[i].name;
	(void)place_error(
	    b, call, arg->name_span, formal, count,
	    arena_printf(b->c->arena, "'%s' has no parameter '%s'", call->name, arg->name));
	const char *near = suggest(arg->name, names, count < COUNT(names) ? count : COUNT(names));
	if (near)
		diag_help(b->c->diags, "did you mean '%s'?", near);
	return count;
}

static bool too_many(Elab *b, const Invoke *call, Span span, const Formal *formal, size_t count)
{
	(void)place_error(b, call, span, formal, count,
	                  arena_printf(b->c->arena, "'%s' is given too many arguments: it takes %zu",
	                               call->name, count));
	if (call->flows)
		diag_help(b->c->diags, "in a list its first argument is what flows: leave it out there");
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
		Span span = arg ? arg->value->span : call->span;
		bool is_named = arg && arg->name;
		size_t at = is_named ? named_place(b, call, arg, formal, count) : next++;
		if (at >= count)
			return !is_named && too_many(b, call, span, formal, count);
		if (slot[at])
			return place_error(
			    b, call, span, formal, count,
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

/* A frozen network, which norms and dropout see as it is when it is used. */
static bool holds_still(const Elab *b, const Definition *d)
{
	return d->is_network && (!b->task || b->task->freezes) && is_frozen(b, d->name);
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
	b->training &= !holds_still(b, d);
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

/* A list takes the value that flows as x, which it may name itself: "augment(x)": [...]. */
static bool names_flow(const Definition *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (strcmp(d->param[i].name, "x") == 0 && !d->param[i].is_layer)
			return true;
	return false;
}

/* Of an argument that is not given. A network's is in it, so that its weights are the same in all uses. */
static Value eval_default(Elab *b, const Definition *d, const Param *p, const Scope *scope)
{
	if (!d->is_network)
		return eval(b, p->otherwise, scope);
	Frame *outer = b->frame, network = frame_network(b, d->name);
	bool training = b->training;
	b->frame = &network;
	b->training &= !holds_still(b, d);
	Frame own = frame_below(b, p->name);
	b->frame = &own;
	Value v = eval(b, p->otherwise, scope);
	b->frame = outer;
	b->training = training;
	return v;
}

static Value call_definition(Elab *b, const Invoke *call, const Definition *d)
{
	if (d->body->kind == BODY_BAD)
		return value_none();
	bool chain = d->body->kind == BODY_CHAIN;
	bool unnamed = chain && !names_flow(d);
	bool flattens = chain && b->task && b->task->is_raw && d->is_network && is_frozen(b, d->name);
	size_t count = d->count + unnamed;
	Formal *formal = new_array(b->c->arena, Formal, count + 1);
	int *slot = new_array(b->c->arena, int, count + 1);
	if (unnamed)
		formal[0] = (Formal){"x", false, true};
	for (size_t i = 0; i < d->count; i++)
		formal[i + unnamed] =
		    (Formal){d->param[i].name, d->param[i].is_layer, d->param[i].otherwise == NULL};
	if (!match_arguments(b, call, formal, count, slot))
		return value_none();
	const Scope *scope = NULL;
	bool good = true;
	for (size_t i = 0; i < count; i++) {
		Value v;
		const Expr *otherwise = slot[i] ? NULL : d->param[i - unnamed].otherwise;
		if (flattens && !slot[i] && strcmp(formal[i].name, "x") != 0)
			continue;
		if (slot[i])
			v = argument(b, call, &formal[i], slot[i]);
		else if (formal[i].is_layer)
			v = (Value){.kind = VALUE_LAYER, .layer = {.expr = otherwise, .scope = scope}};
		else
			v = eval_default(b, d, &d->param[i - unnamed], scope);
		good &= v.kind != VALUE_NONE;
		monitor_argument(b, formal[i].name, &v);
		scope = scope_bind(b, scope, formal[i].name, v);
	}
	if (!good)
		return value_none();
	const Value *flow = chain ? scope_find(scope, "x") : NULL;
	if (flattens)
		return invoke(b, &(Invoke){.span = call->span,
		                           .name_span = call->name_span,
		                           .name = "flatten",
		                           .flow = flow,
		                           .flows = 1,
		                           .direct = call->direct});
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
		return eval_choice(b, call);
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

Value invoke(Elab *b, const Invoke *call)
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
