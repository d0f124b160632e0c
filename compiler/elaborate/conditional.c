/* conditional.c: what happens at some steps alone, and to some parameters alone.
 *
 * Both sides of when() are in the graph, which has no branches. What its condition leaves out is a
 * matter of `select`, in values and in the next values of states; what of it a step need not compute,
 * the schedule finds (schedule/due.c). */
#include "elaborator.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* -- Some steps -------------------------------------------------------------------------------- */

NodeId when_due(Elab *b, NodeId next, NodeId otherwise)
{
	if (!b->due || !next || !otherwise)
		return next;
	return op_select(b->g, stretch(b, b->due, node(b->g, next)->shape), next, otherwise);
}

static Value eval_side(Elab *b, const Layer *l)
{
	return l->expr ? eval(b, l->expr, l->scope) : eval_body(b, l->body, l->scope, NULL);
}

/* Both conditions hold; 0: no condition. */
static NodeId both(Elab *b, NodeId outer, NodeId inner)
{
	return outer ? op_and(b->g, outer, inner) : inner;
}

/* x while `due` holds, counted in steps of the period, else y. */
static Value choose(Elab *b, Span span, NodeId due, double period, Given *x, Given *y)
{
	NodeId outer = b->due;
	double outer_period = b->period;
	b->due = both(b, outer, due);
	b->period *= period;
	Value side[2] = {eval_side(b, &x->value.layer)};
	b->period = outer_period;
	b->due = both(b, outer, op_not(b->g, due));
	side[1] = eval_side(b, &y->value.layer);
	b->due = outer;
	NodeId part[2];
	if (side[0].kind == VALUE_NONE || side[1].kind == VALUE_NONE ||
	    !values_unify(b, span, "the sides of 'when'", side, 2, part))
		return value_none();
	return value_tensor(
	    op_select(b->g, stretch(b, due, node(b->g, part[0])->shape), part[0], part[1]));
}

Value builtin_when(Elab *b, Span span, Given *in)
{
	const Value *c = &in[0].value;
	if (c->kind == VALUE_NUMBER)
		return eval_side(b, &in[c->number != 0 ? 1 : 2].value.layer);
	if (c->kind != VALUE_TENSOR || node(b->g, c->node)->shape.rank != 0 || b->in_init) {
		if (c->kind != VALUE_NONE) {
			elab_error(b, in[0].span, "the condition of 'when' is %s, but must be one truth value",
			           value_text(b, c));
			diag_help(b->c->diags, "choose element by element with select(condition, x, y)");
		}
		return value_none();
	}
	return choose(b, span, op_cast(b->g, c->node, DTYPE_bool), 1, &in[1], &in[2]);
}

Value builtin_every(Elab *b, Span span, Given *in)
{
	const Value *n = &in[0].value;
	if (n->kind == VALUE_NONE)
		return value_none();
	if (n->kind != VALUE_NUMBER || n->number < 1 || n->number > 1e6 ||
	    n->number != (double)(int64_t)n->number) {
		elab_error(b, in[0].span, "'every' counts whole steps, from 1 to 1000000, not %s",
		           value_text(b, n));
		return value_none();
	}
	if (b->in_init) {
		elab_error(b, span, "a first value is made once, not at every so many steps");
		return value_none();
	}
	if (n->number == 1)
		return eval_side(b, &in[1].value.layer);
	double whole = b->period * n->number; /* within another every(): of its steps */
	NodeId step = op_input(b->g, "step", DTYPE_i32, SCALAR),
	       at = op_rem(b->g, step, op_constant(b->g, DTYPE_i32, whole)),
	       due = op_equal(b->g, at, op_constant(b->g, DTYPE_i32, whole - 1));
	return choose(b, span, due, n->number, &in[1], &in[2]);
}

/* -- Some parameters --------------------------------------------------------------------------- */

/* Without the prefix of a task; NULL: not a parameter, reported. */
static const char *parameter_name(Elab *b, const Given *w, const char *what)
{
	const Node *n = w->value.kind == VALUE_TENSOR ? node(b->g, w->value.node) : NULL;
	if (n && n->op == OP_state) {
		const char *name = n->attr.name;
		size_t prefix = strlen(b->prefix);
		return strncmp(name, b->prefix, prefix) == 0 ? name + prefix : name;
	}
	if (w->value.kind != VALUE_NONE) {
		elab_error(b, w->span, "%s takes a parameter as it is, not %s", what,
		           value_text(b, &w->value));
		diag_help(b->c->diags,
		          "in an optimizer its first argument is one: \"mine(w, g)\": \"...\"");
	}
	return NULL;
}

Value builtin_is_named(Elab *b, Span span, Given *in)
{
	const char *name = parameter_name(b, &in[0], "is_named");
	(void)span;
	if (!name || in[1].value.kind == VALUE_NONE)
		return value_none();
	if (in[1].value.kind != VALUE_TEXT) {
		elab_error(b, in[1].span, "a pattern is a text in single quotes, such as 'encoder.*'");
		return value_none();
	}
	return value_number(fnmatch(in[1].value.text, name, 0) == 0);
}

/* The size of "encoder.0.3" in "encoder.0.3.linear.w": the network and the numbers behind it. */
static size_t layer_size(const char *name)
{
	size_t size = strcspn(name, ".");
	for (;;) {
		size_t digits = name[size] ? strspn(name + size + 1, "0123456789") : 0;
		char behind = digits ? name[size + 1 + digits] : 0;
		if (!digits || (behind && behind != '.'))
			return size;
		size += 1 + digits;
	}
}

/* Layers of the network of `name` that have parameters, in the order in which these were made; *at: its
 * own. The parameters of a layer are made one after the other. */
static int64_t count_layers(const Elab *b, const char *name, int64_t *at)
{
	size_t network = strcspn(name, "."), own = layer_size(name), last_size = 0;
	int64_t count = 0;
	const char *last = "";
	for (size_t i = 0; i < b->bundle->state_count; i++) {
		const State *s = &b->bundle->state[i];
		const char *other = s->name;
		size_t prefix = strlen(b->prefix);
		if (!s->is_param || (s->task && s->task != b->owner))
			continue;
		other += strncmp(other, b->prefix, prefix) == 0 ? prefix : 0;
		size_t size = layer_size(other);
		if (strcspn(other, ".") != network || strncmp(other, name, network) != 0)
			continue;
		if (size != last_size || strncmp(other, last, size) != 0)
			count++;
		last = other;
		last_size = size;
		if (size == own && strncmp(other, name, own) == 0)
			*at = count - 1;
	}
	return count;
}

Value builtin_layer_of(Elab *b, Span span, Given *in)
{
	const char *name = parameter_name(b, &in[0], "layer_of");
	int64_t at = 0;
	(void)span;
	if (!name)
		return value_none();
	(void)count_layers(b, name, &at);
	return value_number((double)at);
}

Value builtin_layers(Elab *b, Span span, Given *in)
{
	const char *name = parameter_name(b, &in[0], "layers");
	int64_t at;
	(void)span;
	return name ? value_number((double)count_layers(b, name, &at)) : value_none();
}
