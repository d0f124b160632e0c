/* optimizer.c: which parameters a loss trains, and what the optimizer makes of each: its layer is called on the
 * parameter and its gradient, which is a question yet (autodiff answers it), and gives the next value; it sees what
 * the loss names. */
#include "elaborator.h"

#include <string.h>

bool *depended_on(const Graph *g, NodeId y)
{
	bool *reached = new_array(g->c->arena, bool, y + 1);
	reached[y] = true;
	for (NodeId n = y; n > 0; n--)
		for (int i = 0; reached[n] && i < node(g, n)->count; i++)
			reached[node(g, n)->in[i]] |= node(g, n)->op != OP_stop_gradient;
	return reached;
}

/* "encoder" of "encoder.0.w" */
static bool is_frozen(Elab *b, const Names *frozen, const char *state)
{
	size_t size = strcspn(state, ".");
	return frozen && state[size] && names_find(frozen, arena_copy(b->c->arena, state, size));
}

size_t trained_states(Elab *b, NodeId loss, const Names *frozen, uint32_t *index, NodeId *gradient)
{
	size_t count = 0;
	const bool *reached = depended_on(b->g, loss);
	for (uint32_t i = 0; i < b->bundle->state_count; i++) {
		const State *s = &b->bundle->state[i];
		if (!s->is_param || (s->task && s->task != b->owner) || is_frozen(b, frozen, s->name))
			continue;
		NodeId w = state_node(b, i);
		if (!w || w > loss || !reached[w])
			continue;
		index[count] = i;
		gradient[count++] = op_gradient(b->g, loss, w);
	}
	return count;
}

NodeId global_norm(Elab *b, const NodeId *gradient, size_t count)
{
	NodeId sum = 0;
	for (size_t i = 0; i < count; i++) {
		Axes all = {.count = node(b->g, gradient[i])->shape.rank};
		for (uint8_t j = 0; j < all.count; j++)
			all.at[j] = j;
		NodeId square = op_mul(b->g, gradient[i], gradient[i]);
		NodeId norm = all.count ? op_sum(b->g, square, all) : square;
		sum = sum ? op_add(b->g, sum, norm) : norm;
	}
	return sum ? op_sqrt(b->g, sum) : 0;
}

/* The next value of a parameter. */
static void move_parameter(Elab *b, const Expr *optimizer, uint32_t index, NodeId gradient)
{
	const char *name = b->bundle->state[index].name;
	Frame *outer = b->frame,
	      frame = {.component = arena_printf(b->c->arena, "%soptimizer.%s", b->prefix, name),
	               .use = hash_text(2, name)};
	NodeId w = state_node(b, index);
	Value flow[2] = {value_tensor(w), value_tensor(gradient)};
	b->frame = &frame;
	b->g->origin = optimizer->span;
	monitor_parameter(b, name, gradient);
	Value v = eval_layer(b, optimizer, NULL, flow, 2);
	if (v.kind == VALUE_TENSOR && !shape_equal(node(b->g, v.node)->shape, node(b->g, w)->shape)) {
		diag_error(b->c->diags, optimizer->span,
		           "the optimizer gives %s for the parameter '%s', which is %s", value_text(b, &v),
		           name, value_text(b, &flow[0]));
	} else if (v.kind == VALUE_TENSOR) {
		b->pending[index] = v.node;
	} else if (v.kind != VALUE_NONE) {
		diag_error(b->c->diags, optimizer->span, "the optimizer gives %s, not a tensor",
		           value_text(b, &v));
	}
	b->frame = outer;
}

void apply_optimizer(Elab *b, const Expr *optimizer, NodeId loss, Span of_loss, const Names *frozen)
{
	uint32_t *index = new_array(b->c->arena, uint32_t, b->bundle->state_count + 1);
	NodeId *gradient = new_array(b->c->arena, NodeId, b->bundle->state_count + 1);
	b->g->origin = optimizer->span;
	size_t count = loss ? trained_states(b, loss, frozen, index, gradient) : 0;
	size_t all = loss && !count && frozen ? trained_states(b, loss, NULL, index, gradient) : 0;
	if (loss && !count && !diag_count(b->c->diags)) { /* else it may follow from what is wrong */
		diag_error(b->c->diags, of_loss,
		           all ? "there is nothing to train: all networks of the loss are frozen"
		               : "there is nothing to train: the loss depends on no parameter");
		diag_help(b->c->diags,
		          all ? "call one in it that \"freeze\" does not name, such as a head"
		              : "call a network in the loss, such as mse(decoder(encoder(x)), x)");
	}
	b->grad_norm = global_norm(b, gradient, count);
	together_open(b, loss, index, count);
	size_t errors = diag_count(b->c->diags);
	do {
		monitor_parameters(b);
		for (size_t i = 0; i < count && diag_count(b->c->diags) == errors; i++) {
			together_turn(b, i); /* after an error every parameter would say the same */
			move_parameter(b, optimizer, index[i], gradient[i]);
		}
	} while (diag_count(b->c->diags) == errors && together_again(b));
	together_close(b);
	b->grad_norm = 0;
}

/* -- What the loss names ----------------------------------------------------------------------- */

static void not_of_loss(Elab *b, Span span, const char *name)
{
	size_t count = 0;
	for (const Scope *s = b->loss_scope; s; s = s->outer)
		count++;
	const char **names = new_array(b->c->arena, const char *, count + 1);
	count = 0;
	for (const Scope *s = b->loss_scope; s; s = s->outer)
		names[count++] = s->name;
	elab_error(b, span, "the loss of this optimizer names no '%s'", name);
	const char *near = suggest(name, names, count);
	if (near)
		diag_help(b->c->diags, "did you mean '%s'?", near);
	else
		diag_help(b->c->diags, "name it in the loss: \"loss\": {\"%s\": \"...\", \"all\": \"...\"}",
		          name);
}

Value builtin_of_loss(Elab *b, Span span, Given *in)
{
	const Value *name = &in[0].value;
	if (name->kind == VALUE_NONE)
		return value_none();
	if (!b->together || b->in_init) {
		elab_error(b, span,
		           "'of_loss' is for an optimizer, which sees the loss that it makes small");
		diag_help(b->c->diags, "a value has its name where it was given one");
		return value_none();
	}
	if (name->kind != VALUE_TEXT) {
		elab_error(b, in[0].span, "a name of the loss is a text in single quotes, not %s",
		           value_text(b, name));
		return value_none();
	}
	const Value *found = scope_find(b->loss_scope, name->text);
	if (!found) {
		not_of_loss(b, in[0].span, name->text);
		return value_none();
	}
	if (b->period > 1 && found->kind == VALUE_TENSOR) {
		elab_error(b, span,
		           "of_loss is of the batch of one step, not of those that 'every' gathers");
		diag_help(b->c->diags, "put every() inside: pcgrad('one', 'two', accumulate(4, sgd))");
		return value_none();
	}
	Value v = *found;
	v.state = 0; /* set by the loss alone */
	return v;
}
