/* perturb.c: the loss as a function of one element of one parameter, for finite differences.
 *
 * In: the function "gradients" after autodiff: outputs "loss" and, for each parameter, "d NAME".
 * Out: the loss where one element of the parameter of one such output is larger by some amount:
 * inputs "moved parameter" (the number of the output), "moved element", "moved amount".
 *
 * Whatever differentiation holds constant is held: nodes are computed twice, from the states as
 * they are and from the moved ones, and an operation that passes no gradient on (a comparison, a
 * floor, stop_gradient) gives its value from the first. So are the branches of abs, max, min and
 * reduce_max, with the same shares at a tie. What is left is smooth wherever the model's operations
 * are, however many kinks lie near, and its slope is what the gradient says it is. */
#include "rules.h"

#include <string.h>

typedef struct Perturb {
	Compile *c;
	Graph *g; /* out */
	const Graph *in;
	NodeId *base, *moved; /* [in->count] equal where no parameter is behind */
	NodeId parameter, element, amount;
} Perturb;

/* The number of the output "d NAME" among those; -1: none. */
static int number_of(const Graph *in, const char *parameter)
{
	int number = 0;
	for (uint32_t i = 0; i < in->out_count; i++) {
		if (strncmp(in->out[i].name, "d ", 2) != 0)
			continue;
		if (strcmp(in->out[i].name + 2, parameter) == 0)
			return number;
		number++;
	}
	return -1;
}

/* w + amount where it is this parameter's turn, at that element. */
static NodeId move_state(Perturb *p, NodeId w, int number)
{
	Graph *g = p->g;
	Shape s = node(g, w)->shape;
	NodeId turn = op_equal(g, p->parameter, op_constant(g, DTYPE_i32, number));
	NodeId amount = op_select(g, turn, p->amount, op_like(g, p->amount, 0));
	if (s.rank == 0)
		return op_add(g, w, amount);
	NodeId at = op_reshape(g, op_iota(g, DTYPE_i32, SHAPE(shape_size(s)), 0), s);
	NodeId here = op_equal(g, at, op_broadcast(g, p->element, s, (Axes){0}));
	NodeId step = op_broadcast(g, amount, s, (Axes){0});
	return op_add(g, w, op_select(g, here, step, op_like(g, w, 0)));
}

/* a where x is chosen, b where y is, their mean where both are. */
static NodeId choose(Graph *g, NodeId x_wins, NodeId y_wins, NodeId a, NodeId b)
{
	NodeId mean = op_mul(g, op_like(g, a, 0.5), op_add(g, a, b));
	return op_select(g, x_wins, a, op_select(g, y_wins, b, mean));
}

/* The mean of those that are the largest from the unmoved states. */
static NodeId move_reduce_max(Perturb *p, const Node *n, NodeId x, NodeId moved, NodeId most)
{
	Graph *g = p->g;
	Axes gone = n->attr.axes;
	NodeId wins = op_equal(g, x, spread_over(g, most, node(g, x)->shape, gone)),
	       zero = op_like(g, moved, 0);
	NodeId sum = op_sum(g, op_select(g, wins, moved, zero), gone);
	NodeId count = op_sum(g, op_select(g, wins, op_like(g, moved, 1), zero), gone);
	return op_div(g, sum, count);
}

/* x - y trunc(x / y), whose whole number is held. */
static NodeId move_rem(Graph *g, NodeId x, NodeId y, NodeId moved_x, NodeId moved_y)
{
	NodeId q = op_div(g, x, y), down = op_floor(g, op_abs(g, q));
	NodeId whole = op_select(g, op_less(g, q, op_like(g, q, 0)), op_neg(g, down), down);
	return op_sub(g, moved_x, op_mul(g, moved_y, whole));
}

static bool is_held(const Node *n)
{
	const char *rule = op_info[n->op].gradient;
	if (op_info[n->op].kind == LOOP)
		return false; /* its body is computed from what is moved */
	return strcmp(rule, "none") == 0 || strcmp(rule, "zero") == 0 || !type_info[n->type].is_float;
}

static NodeId move(Perturb *p, NodeId at)
{
	Graph *g = p->g;
	const Node *n = node(p->in, at);
	int number = n->op == OP_state ? number_of(p->in, n->attr.name) : -1;
	if (number >= 0)
		return move_state(p, p->base[at], number);
	bool same = true;
	for (int i = 0; i < n->count; i++)
		same &= p->moved[n->in[i]] == p->base[n->in[i]];
	if (same || is_held(n))
		return p->base[at];
	NodeId x = p->base[n->in[0]], moved_x = p->moved[n->in[0]];
	NodeId y = n->count > 1 ? p->base[n->in[1]] : 0,
	       moved_y = n->count > 1 ? p->moved[n->in[1]] : 0;
	if (n->op == OP_abs) {
		NodeId zero = op_like(g, x, 0),
		       low = op_select(g, op_less(g, x, zero), op_neg(g, moved_x), zero);
		return op_select(g, op_less(g, zero, x), moved_x, low);
	}
	if (n->op == OP_max)
		return choose(g, op_less(g, y, x), op_less(g, x, y), moved_x, moved_y);
	if (n->op == OP_min)
		return choose(g, op_less(g, x, y), op_less(g, y, x), moved_x, moved_y);
	if (n->op == OP_reduce_max)
		return move_reduce_max(p, n, x, moved_x, p->base[at]);
	if (n->op == OP_rem)
		return move_rem(g, x, y, moved_x, moved_y);
	return graph_copy_node(g, p->in, at, p->moved);
}

Graph *perturb(Compile *c, const Graph *in)
{
	if (!in)
		return NULL;
	Perturb p = {.c = c, .g = graph_like(c, in), .in = in};
	p.base = new_array(c->arena, NodeId, in->count);
	p.moved = new_array(c->arena, NodeId, in->count);
	p.parameter = op_input(p.g, "moved parameter", DTYPE_i32, SCALAR);
	p.element = op_input(p.g, "moved element", DTYPE_i32, SCALAR);
	p.amount = op_input(p.g, "moved amount", (DType)c->float_type, SCALAR);
	for (NodeId x = 1; x < in->count; x++) {
		p.base[x] = graph_copy_node(p.g, in, x, p.base);
		p.moved[x] = move(&p, x);
		if (!p.base[x] || !p.moved[x])
			return NULL;
	}
	for (uint32_t i = 0; i < in->out_count; i++)
		if (strcmp(in->out[i].name, "loss") == 0)
			graph_output(p.g, "loss", p.moved[in->out[i].value]);
	return p.g;
}
