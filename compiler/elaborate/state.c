/* state.c: what lives across steps: parameters and other states, shared by name, with their first
 * values (in the init graph) and their next ones (pending until the graph is finished); moving
 * averages; random streams. */
#include "elaborator.h"

#include <string.h>

static uint32_t state_find(const Bundle *bundle, const char *name)
{
	return names_find(&bundle->state_names, name);
}

NodeId state_node(Elab *b, uint32_t index)
{
	const State *s = &b->bundle->state[index];
	return op_state(b->g, s->name, s->type, s->shape);
}

/* The init layer applied to the shape, in the init graph; random streams there are keyed by the
 * state's name. */
static NodeId first_value(Elab *b, Span span, const char *name, Shape shape,
                          const Value *shape_value, const Layer *init)
{
	Graph *g = b->g;
	Frame *outer = b->frame, frame = {.component = name, .use = hash_text(0, name)};
	Value momentum = b->momentum;
	b->step_graph = g;
	b->g = b->init;
	b->g->origin = user_span(b, span);
	b->frame = &frame;
	b->in_init = true;
	b->momentum = value_none();
	Value v = layer_apply(b, init, NULL, shape_value, 1);
	NodeId x = v.kind == VALUE_NONE ? 0 : value_to_tensor(b, &v, (DType)b->c->float_type);
	if (x && v.kind == VALUE_NUMBER)
		x = stretch(b, x, shape);
	if (v.kind != VALUE_NONE && (!x || !shape_equal(node(b->g, x)->shape, shape))) {
		elab_error(b, span, "the first value of '%s' is %s, but its shape is %s", name,
		           value_text(b, &v), shape_text(b->c->arena, (DType)b->c->float_type, shape));
		x = 0;
	}
	b->momentum = momentum;
	b->in_init = false;
	b->frame = outer;
	b->g = g;
	return x;
}

/* The first value of the state that the node of `from` is. */
static NodeId first_of(const Elab *b, const Graph *from, NodeId state)
{
	for (uint32_t i = 0; i < b->init->set_count; i++)
		if (strcmp(node(b->init, b->init->set[i].state)->attr.name, node(from, state)->attr.name) ==
		    0)
			return b->init->set[i].value;
	return 0;
}

/* Whether a node can be computed before there is data, if its operands can. */
static bool can_be_first(const Elab *b, const Graph *from, NodeId x)
{
	const Node *n = node(from, x);
	if (n->op == OP_state)
		return first_of(b, from, x) != 0;
	return n->op != OP_input && op_info[n->op].kind != LOOP && op_info[n->op].kind != META;
}

NodeId state_first(Elab *b, NodeId x)
{
	const Graph *from = b->step_graph;
	bool *asked = new_array(b->c->arena, bool, x + 1);
	NodeId *map = new_array(b->c->arena, NodeId, x + 1);
	asked[x] = true;
	for (NodeId i = x; i > 0; i--) {
		const Node *n = node(from, i);
		if (asked[i] && !can_be_first(b, from, i))
			return 0;
		for (int k = 0; asked[i] && n->op != OP_state && k < n->count; k++)
			asked[n->in[k]] = true;
	}
	for (NodeId i = 1; i <= x; i++)
		if (asked[i])
			map[i] = node(from, i)->op == OP_state ? first_of(b, from, i)
			                                       : graph_copy_node(b->g, from, i, map);
	return map[x];
}

/* The random numbers of its first value are those of `drawn_as`: an average begins as what it follows. */
static uint32_t state_add(Elab *b, Span span, const char *name, const char *drawn_as, Shape shape,
                          const Value *shape_value, const Layer *init, bool is_param)
{
	Bundle *bundle = b->bundle;
	if (b->owner && strncmp(name, b->prefix, strlen(b->prefix)) != 0) {
		elab_error(b, span, "'%s' is used downstream but not in pre-training", name);
		diag_help(b->c->diags,
		          "a network that only a task uses stands in the task: \"head\": [...]");
		return 0;
	}
	NodeId x = first_value(b, span, drawn_as, shape, shape_value, init);
	if (!x)
		return 0;
	if (bundle->state_count == MAX_STATES) {
		elab_error(b, span, "the model has more than %d parameters and states", MAX_STATES);
		diag_help(b->c->diags, "a repeat makes those of its layer again and again, and an "
		                       "optimizer some for each parameter: use fewer layers");
		b->stopped = true;
		return 0;
	}
	if (bundle->state_count == bundle->state_capacity) {
		size_t capacity = bundle->state_capacity ? 2 * bundle->state_capacity : 64;
		State *more = new_array(b->c->arena, State, capacity);
		if (bundle->state_count)
			memcpy(more, bundle->state, bundle->state_count * sizeof *more);
		bundle->state = more;
		bundle->state_capacity = capacity;
	}
	State *s = &bundle->state[bundle->state_count++];
	(void)names_add(&bundle->state_names, b->c->arena, name, (uint32_t)bundle->state_count);
	*s = (State){.name = name,
	             .type = node(b->init, x)->type,
	             .shape = shape,
	             .is_param = is_param,
	             .task = b->owner,
	             .origin = user_span(b, span),
	             .offset = bundle->state_bytes};
	uint64_t bytes = (uint64_t)shape_size(shape) * type_info[s->type].size;
	bundle->state_bytes += (bytes + 63) / 64 * 64;
	graph_set(b->init, op_state(b->init, name, s->type, shape), x);
	return (uint32_t)bundle->state_count;
}

static void average_add(Elab *b, uint32_t state, uint32_t param, Span span)
{
	if (b->is_average[state])
		return;
	b->is_average[state] = true;
	NodeId momentum = value_to_tensor(b, &b->momentum, (DType)b->c->float_type);
	if (!momentum || node(b->g, momentum)->shape.rank != 0) {
		elab_error(b, span, "the momentum of an average is a number, not %s",
		           value_text(b, &b->momentum));
		return;
	}
	b->average[b->averages++] = (Average){state, param, momentum};
}

Value state_make(Elab *b, Span span, const Value *shape_value, const Layer *init, bool is_param)
{
	Shape shape;
	const char *binding = b->binding;
	b->binding = NULL;
	if (!value_to_shape(b, span, "the shape", shape_value, &shape))
		return value_none();
	if (b->in_init) {
		elab_error(b, span, "a first value cannot have parameters or states of its own");
		return value_none();
	}
	const char *name =
	    frame_path(b, binding ? binding : frame_component(b, is_param ? "param" : "state"));
	const char *followed = name;
	uint32_t param = 0;
	bool averaged = b->momentum.kind != VALUE_NONE;
	if (averaged && is_param && !(param = state_find(b->bundle, name)))
		param = state_add(b, span, name, name, shape, shape_value, init, true);
	if (averaged)
		name = arena_printf(b->c->arena, "%s.ema", name);
	uint32_t found = state_find(b->bundle, name);
	if (!found)
		found = state_add(b, span, name, followed, shape, shape_value, init, is_param && !averaged);
	if (!found)
		return value_none();
	const State *s = &b->bundle->state[found - 1];
	if (!shape_equal(s->shape, shape)) {
		elab_error(b, span, "'%s' would be %s here, but it already is %s", name,
		           shape_text(b->c->arena, s->type, shape),
		           shape_text(b->c->arena, s->type, s->shape));
		diag_note(b->c->diags, s->origin,
		          "its first use is here: a network keeps its weights, so its inputs must agree");
		return value_none();
	}
	if (averaged && is_param && param)
		average_add(b, found - 1, param - 1, span);
	NodeId next = b->pending[found - 1];
	if (next)
		value_is_of_state(b, next);
	Value v = value_tensor(next ? next : state_node(b, found - 1));
	v.state = found;
	return v;
}

Value random_bits_of(Elab *b, Shape shape)
{
	Hash h = hash_text(b->frame->use, frame_component(b, "random"));
	NodeId seed = op_input(b->g, "seed", DTYPE_i32, SHAPE(2));
	NodeId step = b->in_init ? op_constant(b->g, DTYPE_i32, 0) : random_step(b);
	return value_tensor(op_random(b->g, seed, step, (uint32_t)(h ^ (h >> 32)), shape));
}

void states_finish(Elab *b)
{
	Graph *g = b->g;
	for (size_t i = 0; i < b->averages && b->training; i++) {
		const Average *a = &b->average[i];
		NodeId old = state_node(b, a->state),
		       now = b->pending[a->param] ? b->pending[a->param] : state_node(b, a->param);
		if (!old || !now || !a->momentum)
			continue;
		/* old + (1 - momentum) (now - old) */
		NodeId rest = op_sub(g, op_constant(g, node(g, a->momentum)->type, 1), a->momentum);
		NodeId rate = stretch(b, rest, node(g, old)->shape);
		b->pending[a->state] = op_add(g, old, op_mul(g, rate, op_sub(g, now, old)));
	}
	for (size_t i = 0; i < b->bundle->state_count && b->training; i++)
		if (b->pending[i])
			graph_set(g, state_node(b, (uint32_t)i), b->pending[i]);
}
