/* builtins.c: the builtins about state, randomness and networks, and calls of the operations of the
 * table by name. */
#include "elaborator.h"

#include <string.h>

const BuiltinInfo builtin_info[] = {
#define BUILTIN(name, params, meaning) {#name, params, meaning, builtin_##name},
#include "builtins.def"
#undef BUILTIN
    {0},
};

const BuiltinInfo *builtin_find(const char *name)
{
	for (const BuiltinInfo *i = builtin_info; i->name; i++)
		if (strcmp(i->name, name) == 0)
			return i;
	return NULL;
}

/* -- Operations by name ------------------------------------------------------------------------ */

/* Operators that the table spells otherwise: swapped operands, or a negation behind. */
static const struct Alias {
	const char *name, *op;
	bool swap, negate;
} aliases[] = {
    {"greater", "less", true, false},
    {"greater_equal", "less_equal", true, false},
    {"not_equal", "equal", false, true},
    {"mod", "rem", false, false},
};

static const struct Alias *alias_find(const char *name)
{
	for (size_t i = 0; i < COUNT(aliases); i++)
		if (strcmp(aliases[i].name, name) == 0)
			return &aliases[i];
	return NULL;
}

bool is_map(const char *name, int *ins)
{
	const struct Alias *alias = alias_find(name);
	Op op = op_by_name(alias ? alias->op : name);
	*ins = op_info[op].ins;
	return op != OP_NONE && op != OP_cast && op_info[op].kind == MAP;
}

static bool all_numbers(const Value *in, int count, double *x)
{
	for (int i = 0; i < count; i++) {
		if (in[i].kind != VALUE_NUMBER)
			return false;
		x[i] = in[i].number;
	}
	return true;
}

/* condition ? x : y, where the condition keeps a type of its own. */
static Value call_select(Elab *b, Span span, const Value *in)
{
	NodeId to[3];
	if (in[0].kind == VALUE_NUMBER)
		return in[0].number != 0 ? in[1] : in[2];
	/* unify all three for the shape, then the arms alone for the type */
	if (!values_unify(b, span, "select", in, 3, to))
		return value_none();
	Shape shape = to[0] ? node(b->g, to[0])->shape : SCALAR;
	NodeId condition = value_to_tensor(b, &in[0], DTYPE_bool), arm[2];
	if (!condition || !values_unify(b, span, "select", in + 1, 2, arm))
		return value_none();
	return value_tensor(op_select(b->g, stretch(b, op_cast(b->g, condition, DTYPE_bool), shape),
	                              stretch(b, arm[0], shape), stretch(b, arm[1], shape)));
}

Value call_map(Elab *b, Span span, const char *name, const Value *in, int count)
{
	double x[3];
	NodeId to[3];
	for (int i = 0; i < count; i++)
		if (in[i].kind == VALUE_NONE)
			return value_none();
	if (all_numbers(in, count, x)) {
		Value folded = fold_numbers(name, x, count);
		if (folded.kind != VALUE_NONE)
			return folded;
	}
	if (count == 2 && in[0].kind == VALUE_TEXT && in[1].kind == VALUE_TEXT) {
		bool same = strcmp(in[0].text, in[1].text) == 0;
		if (strcmp(name, "equal") == 0 || strcmp(name, "not_equal") == 0)
			return value_number(strcmp(name, "equal") == 0 ? same : !same);
	}
	if (strcmp(name, "select") == 0)
		return call_select(b, span, in);
	if (strcmp(name, "pow") == 0 && in[1].kind == VALUE_NUMBER && in[1].number == 2)
		return call_map(b, span, "mul", (Value[]){in[0], in[0]},
		                2); /* its gradient is simpler, too */
	const struct Alias *alias = alias_find(name);
	Op op = op_by_name(alias ? alias->op : name);
	if (!values_unify(b, span, name, in, count, to))
		return value_none();
	bool floats_only = strcmp(op_info[op].types, "FLOAT") == 0,
	     numbers = strcmp(op_info[op].types, "NUM") == 0;
	for (int i = 0; i < count; i++) {
		const Node *n = to[i] ? node(b->g, to[i]) : NULL;
		if (n &&
		    ((floats_only && !type_info[n->type].is_float) || (numbers && n->type == DTYPE_bool)))
			to[i] = op_cast(b->g, to[i], floats_only ? (DType)b->c->float_type : DTYPE_i32);
	}
	if (alias && alias->swap) {
		NodeId first = to[0];
		to[0] = to[1];
		to[1] = first;
	}
	Attr none;
	memset(&none, 0, sizeof none);
	NodeId y = graph_add_node(b->g, op, to, count, DTYPE_none, SCALAR, none);
	return value_tensor(y && alias && alias->negate ? op_not(b->g, y) : y);
}

/* -- State, randomness, networks --------------------------------------------------------------- */

Value builtin_param(Elab *b, Span span, Given *in)
{
	return state_make(b, span, &in[0].value, &in[1].value.layer, true);
}

Value builtin_state(Elab *b, Span span, Given *in)
{
	return state_make(b, span, &in[0].value, &in[1].value.layer, false);
}

Value builtin_random_bits(Elab *b, Span span, Given *in)
{
	Shape shape;
	(void)span;
	if (!value_to_shape(b, in[0].span, "the shape", &in[0].value, &shape))
		return value_none();
	return random_bits_of(b, shape);
}

static bool is_known(Elab *b, Span span, const Value *condition)
{
	if (condition->kind == VALUE_NUMBER)
		return true;
	if (condition->kind == VALUE_NONE)
		return false;
	elab_error(b, span, "the condition of 'if' is %s, but must be a number known now",
	           value_text(b, condition));
	diag_help(b->c->diags, "choose by tensors with select(condition, x, y)");
	return false;
}

Value builtin_if(Elab *b, Span span, Given *in)
{
	(void)span;
	if (!is_known(b, in[0].span, &in[0].value))
		return value_none();
	const Layer *chosen = &in[in[0].value.number != 0 ? 1 : 2].value.layer;
	return chosen->expr ? eval(b, chosen->expr, chosen->scope)
	                    : eval_body(b, chosen->body, chosen->scope, NULL);
}

Value eval_choice(Elab *b, const Invoke *call)
{
	Value condition = eval(b, call->arg[0].value, call->scope);
	if (!is_known(b, call->arg[0].value->span, &condition))
		return value_none();
	Layer chosen = {.expr = call->arg[condition.number != 0 ? 1 : 2].value, .scope = call->scope};
	return layer_apply(b, &chosen, call->direct ? NULL : frame_component(b, "if"), call->flow,
	                   call->flows);
}

/* The text with {name} replaced by what the name is where x stands. */
static const char *filled_in(Elab *b, const char *text, const Scope *scope)
{
	const char *made = "";
	for (;;) {
		size_t before = strcspn(text, "{"), size = strcspn(text + before, "}");
		if (!text[before] || !text[before + size])
			return arena_printf(b->c->arena, "%s%s", made, text);
		const char *name = arena_copy(b->c->arena, text + before + 1, size - 1);
		const Value *v = scope_find(scope, name);
		Value constant;
		if (!v && constant_find(b, name, &constant))
			v = &constant;
		made = arena_printf(b->c->arena, v ? "%s%.*s%s" : "%s%.*s{%s}", made, (int)before, text,
		                    v && v->kind == VALUE_TEXT ? v->text
		                    : v                        ? value_text(b, v)
		                                               : name);
		text += before + size + 1;
	}
}

Value builtin_require(Elab *b, Span span, Given *in)
{
	const Layer *x = &in[2].value.layer;
	if (in[1].value.kind != VALUE_TEXT) {
		elab_error(b, in[1].span, "what 'require' says is a text in single quotes, not %s",
		           value_text(b, &in[1].value));
		return value_none();
	}
	if (in[0].value.kind != VALUE_NUMBER ||
	    in[0].value.number != 0) /* of tensors nothing is known */
		return x->expr ? eval(b, x->expr, x->scope) : eval_body(b, x->body, x->scope, NULL);
	Span at = b->call ? b->call->span : span;
	diag_error(b->c->diags, user_span(b, at), "%s", filled_in(b, in[1].value.text, x->scope));
	return value_none();
}

Value builtin_repeat(Elab *b, Span span, Given *in)
{
	int64_t times;
	size_t one;
	if (!value_to_ints(b, in[1].span, "the number of times", &in[1].value, &times, 1, &one))
		return value_none();
	if (times < 0 || times > 10000) {
		elab_error(b, in[1].span, "cannot repeat %lld times: from 0 to 10000", (long long)times);
		return value_none();
	}
	(void)span;
	const char *own = frame_component(b, "repeat"); /* of the first in its body: none */
	Value v = in[0].value;
	for (int64_t i = 0; i < times && v.kind != VALUE_NONE; i++) {
		const char *number = arena_printf(b->c->arena, "%lld", (long long)i);
		const char *component =
		    strcmp(own, "repeat") == 0 ? number : arena_printf(b->c->arena, "%s.%s", own, number);
		v = layer_apply(b, &in[2].value.layer, component, &v, 1);
	}
	return v;
}

Value builtin_ema(Elab *b, Span span, Given *in)
{
	Value outer = b->momentum;
	if (b->in_init || outer.kind != VALUE_NONE) {
		elab_error(b, span, "an average of an average has no meaning");
		return value_none();
	}
	b->momentum = in[2].value;
	Value v = layer_apply(b, &in[1].value.layer, frame_component(b, "ema"), &in[0].value, 1);
	b->momentum = outer;
	return v.kind == VALUE_TENSOR ? value_tensor(op_stop_gradient(b->g, v.node)) : v;
}

Value builtin_grad(Elab *b, Span span, Given *in)
{
	if (in[0].value.kind != VALUE_TENSOR || in[1].value.kind != VALUE_TENSOR) {
		elab_error(b, span, "grad takes two tensors, not %s and %s", value_text(b, &in[0].value),
		           value_text(b, &in[1].value));
		return value_none();
	}
	if (together_made(b, in[1].value.node) && !together_made(b, in[0].value.node)) {
		elab_error(b, span,
		           "what the loss has made does not depend on %s, which the optimizer makes",
		           value_text(b, &in[1].value));
		diag_help(b->c->diags,
		          "averaged(), for one, gives what stands in it another w than the parameter: "
		          "gradient_at(w, 'name') is of any");
		return value_none();
	}
	if (b->gradients && !together_made(b, in[0].value.node) &&
	    node(b->g, in[1].value.node)->op == OP_state) {
		elab_error(b, span,
		           "'grad' of the loss leaves out what stands around it (clipped, sam, ...)");
		diag_help(b->c->diags, "gradient_at(w, 'name') is that of a part of the loss with it");
		return value_none();
	}
	return value_tensor(op_gradient(b->g, in[0].value.node, in[1].value.node));
}
