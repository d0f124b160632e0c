/* simplify.c: identities, one function an operation.
 *
 * Expects: a differentiated graph. Promises: never more nodes. Laws that each rule obeys:
 *   1. The type and the shape stay.
 *   2. The graph gets smaller or more canonical, never the reverse, so that it ends.
 *   3. No law of arithmetic that floats do not obey; the one exception is x + 0 = x, which loses
 * the sign of a zero. A rule is given the new graph with the operands in place, and returns the
 * node that stands for its node, or 0. */
#include "passes.h"

#include <math.h>
#include <string.h>

typedef NodeId (*Rule)(Graph *g, const Node *n, const NodeId *in);

/* -- What rules ask ---------------------------------------------------------------------------- */

/* x as one number everywhere. */
static bool is_number(const Graph *g, NodeId x, double *value)
{
	const Node *n = node(g, x);
	if (n->op == OP_broadcast)
		n = node(g, n->in[0]);
	if (n->op != OP_constant)
		return false;
	*value = n->attr.value;
	return true;
}

static bool is(const Graph *g, NodeId x, double value)
{
	double number = 0;
	return is_number(g, x, &number) && number == value;
}

/* The scalar that x repeats, or 0. */
static NodeId repeated(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	return n->op == OP_broadcast && node(g, n->in[0])->shape.rank == 0 ? n->in[0] : 0;
}

/* The place along an axis: whole numbers that no difference of two wraps, but of bytes. */
static bool is_place(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	while ((n->op == OP_broadcast || n->op == OP_cast) && n->type != DTYPE_u8)
		n = node(g, n->in[0]);
	return n->op == OP_iota && n->type != DTYPE_u8;
}

static bool same_shape(const Graph *g, NodeId x, const Node *n)
{
	return shape_equal(node(g, x)->shape, n->shape);
}

/* -- MAP --------------------------------------------------------------------------------------- */

static NodeId simplify_add(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	if (is(g, in[0], 0))
		return in[1];
	if (is(g, in[1], 0))
		return in[0];
	if (node(g, in[1])->op == OP_neg)
		return op_sub(g, in[0], node(g, in[1])->in[0]);
	if (node(g, in[0])->op == OP_neg)
		return op_sub(g, in[1], node(g, in[0])->in[0]);
	return 0;
}

static NodeId simplify_sub(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	if (is(g, in[1], 0))
		return in[0];
	return node(g, in[1])->op == OP_neg ? op_add(g, in[0], node(g, in[1])->in[0]) : 0;
}

static NodeId simplify_mul(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	if (is(g, in[0], 1))
		return in[1];
	if (is(g, in[1], 1))
		return in[0];
	if (is(g, in[0], -1))
		return op_neg(g, in[1]);
	return is(g, in[1], -1) ? op_neg(g, in[0]) : 0;
}

/* x / c = x (1 / c) without rounding when c is a power of two. */
static NodeId simplify_div(Graph *g, const Node *n, const NodeId *in)
{
	double c;
	int exponent;
	if (!is_number(g, in[1], &c))
		return 0;
	if (c == 1)
		return in[0];
	bool exact = type_info[n->type].is_float && fabs(frexp(c, &exponent)) == 0.5 &&
	             exponent > -100 && exponent < 100;
	return exact ? op_mul(g, in[0], op_like(g, in[1], 1 / c)) : 0;
}

static NodeId simplify_neg(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	const Node *x = node(g, in[0]);
	if (x->op == OP_neg)
		return x->in[0];
	return x->op == OP_sub && !type_info[x->type].is_float ? op_sub(g, x->in[1], x->in[0]) : 0;
}

static NodeId simplify_pow(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	if (is(g, in[1], 1))
		return in[0];
	return is(g, in[1], 2) ? op_mul(g, in[0], in[0]) : 0;
}

static NodeId simplify_max(Graph *g, const Node *n, const NodeId *in)
{
	(void)g, (void)n;
	return in[0] == in[1] ? in[0] : 0;
}

static NodeId simplify_not(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	return node(g, in[0])->op == OP_not ? node(g, in[0])->in[0] : 0;
}

/* Of how far two places lie apart, compared with a number, as the places compared: a - b < 1 is a <= b. */
static NodeId simplify_order(Graph *g, const Node *n, const NodeId *in)
{
	for (int i = 0; i < 2; i++) {
		const Node *apart = node(g, in[i]);
		double than;
		if (apart->op != OP_sub || !is_number(g, in[!i], &than) || !is_place(g, apart->in[0]) ||
		    !is_place(g, apart->in[1]))
			continue;
		NodeId a = apart->in[i], b = apart->in[!i]; /* number < b - a is a - b < -number */
		double less = i ? -than : than;
		bool or_equal = n->op == OP_less_equal;
		if (less == (or_equal ? 0 : 1))
			return op_less_equal(g, a, b);
		if (less == (or_equal ? -1 : 0))
			return op_less(g, a, b);
	}
	return 0;
}

static NodeId simplify_stop_gradient(Graph *g, const Node *n, const NodeId *in)
{
	(void)g, (void)n;
	return in[0];
}

static NodeId simplify_cast(Graph *g, const Node *n, const NodeId *in)
{
	return node(g, in[0])->type == n->type ? in[0] : 0;
}

static NodeId simplify_select(Graph *g, const Node *n, const NodeId *in)
{
	(void)n;
	double condition;
	if (in[1] == in[2])
		return in[1];
	if (is_number(g, in[0], &condition))
		return condition != 0 ? in[1] : in[2];
	return node(g, in[0])->op == OP_not ? op_select(g, node(g, in[0])->in[0], in[2], in[1]) : 0;
}

/* -- VIEW -------------------------------------------------------------------------------------- */

/* Of what got axes of length 1 first. */
static NodeId broadcast_of_reshape(Graph *g, const Node *n, const Node *x)
{
	int behind[MAX_RANK];
	Axes axes = {.count = node(g, x->in[0])->shape.rank};
	if (!reshape_is_unit(g, x))
		return 0;
	reshape_unit_axes(g, x, behind);
	for (int i = 0; i < axes.count; i++) {
		if (behind[i] < 0)
			return 0;
		axes.at[i] = n->attr.axes.at[behind[i]];
	}
	return op_broadcast(g, x->in[0], n->shape, axes);
}

static NodeId simplify_broadcast(Graph *g, const Node *n, const NodeId *in)
{
	const Node *x = node(g, in[0]);
	if (same_shape(g, in[0], n))
		return in[0];
	if (x->op == OP_reshape)
		return broadcast_of_reshape(g, n, x);
	if (x->op != OP_broadcast)
		return 0;
	Axes axes = {.count = x->attr.axes.count};
	for (int i = 0; i < axes.count; i++)
		axes.at[i] = n->attr.axes.at[x->attr.axes.at[i]];
	return op_broadcast(g, x->in[0], n->shape, axes);
}

static NodeId simplify_reshape(Graph *g, const Node *n, const NodeId *in)
{
	if (same_shape(g, in[0], n))
		return in[0];
	if (node(g, in[0])->op == OP_reshape)
		return op_reshape(g, node(g, in[0])->in[0], n->shape);
	NodeId scalar = repeated(g, in[0]);
	return scalar ? (n->shape.rank ? op_broadcast(g, scalar, n->shape, (Axes){0}) : scalar) : 0;
}

/* The place of each axis that is longer than 1 among those. */
static int long_axes(const Node *n, uint8_t *axes)
{
	int count = 0;
	for (uint8_t i = 0; i < n->shape.rank; i++)
		if (n->shape.dim[i] != 1)
			axes[count++] = i;
	return count;
}

/* transpose(reshape(transpose(x))), where the reshape brings only axes of length 1 and the second
 * transpose takes back what the first did: all that is left are those axes. */
static NodeId transposed_back(Graph *g, const Node *n, const Node *reshape)
{
	const Node *first = node(g, reshape->in[0]);
	uint8_t outer[MAX_RANK], inner[MAX_RANK];
	int last = -1;
	if (first->op != OP_transpose || !reshape_is_unit(g, reshape))
		return 0;
	int count = long_axes(reshape, outer);
	long_axes(first, inner);
	for (int i = 0; i < n->shape.rank; i++) {
		const uint8_t *at = memchr(outer, n->attr.axes.at[i], (size_t)count);
		if (!at)
			continue;
		int from = first->attr.axes.at[inner[at - outer]];
		if (from < last)
			return 0;
		last = from;
	}
	return op_reshape(g, first->in[0], n->shape);
}

static NodeId simplify_transpose(Graph *g, const Node *n, const NodeId *in)
{
	Axes order = n->attr.axes;
	const Node *x = node(g, in[0]);
	NodeId from = in[0], scalar = repeated(g, in[0]);
	if (scalar)
		return op_broadcast(g, scalar, n->shape, (Axes){0});
	NodeId back = x->op == OP_reshape ? transposed_back(g, n, x) : 0;
	if (back)
		return back;
	if (x->op == OP_transpose) {
		for (int i = 0; i < order.count; i++)
			order.at[i] = x->attr.axes.at[n->attr.axes.at[i]];
		from = x->in[0];
	}
	bool identity = true, moves = false;
	for (int i = 0, last = -1; i < order.count; i++) {
		identity &= order.at[i] == i;
		if (n->shape.dim[i] == 1)
			continue;
		moves |= (int)order.at[i] < last; /* an axis that matters overtakes another */
		last = order.at[i];
	}
	if (identity)
		return from;
	if (!moves)
		return op_reshape(g, from, n->shape);
	return from != in[0] ? op_transpose(g, from, order) : 0;
}

/* Windows of one place are a slice; of all of an axis, that axis beside one of length 1. */
static NodeId simplify_windows(Graph *g, const Node *n, const NodeId *in)
{
	int64_t axis = n->attr.window.axis;
	NodeId scalar = repeated(g, in[0]);
	if (scalar)
		return op_broadcast(g, scalar, n->shape, (Axes){0});
	Shape from = node(g, in[0])->shape;
	if (n->shape.dim[axis + 1] == 1) {
		int64_t start[MAX_RANK] = {0}, step[MAX_RANK];
		for (int i = 0; i < from.rank; i++)
			step[i] = i == axis ? n->attr.window.stride : 1;
		Shape to = from;
		to.dim[axis] = (n->shape.dim[axis] - 1) * n->attr.window.stride + 1;
		NodeId kept = shape_equal(to, from) && n->attr.window.stride == 1
		                  ? in[0]
		                  : op_slice(g, in[0], start, to.dim, step);
		return op_reshape(g, kept, n->shape);
	}
	bool whole = n->shape.dim[axis] == 1 && n->shape.dim[axis + 1] == from.dim[axis];
	return whole ? op_reshape(g, in[0], n->shape) : 0;
}

/* Padding of padding with the same value is one, where neither cuts what the other made. */
static NodeId merge_pads(Graph *g, const Node *n, const Node *x)
{
	int64_t low[MAX_RANK], high[MAX_RANK], inner[MAX_RANK];
	if (x->op != OP_pad || x->attr.pad.value != n->attr.pad.value)
		return 0;
	for (int i = 0; i < n->shape.rank; i++) {
		int64_t a = x->attr.pad.low[i], b = x->attr.pad.high[i], c = x->attr.pad.inner[i];
		int64_t p = n->attr.pad.low[i], q = n->attr.pad.high[i], r = n->attr.pad.inner[i];
		bool first = a || b || c, second = p || q || r;
		if (first && second && (r || a < 0 || b < 0 || p < 0 || q < 0))
			return 0;
		low[i] = a + p, high[i] = b + q, inner[i] = c + r;
	}
	return op_pad(g, x->in[0], low, high, inner, n->attr.pad.value);
}

static NodeId simplify_pad(Graph *g, const Node *n, const NodeId *in)
{
	NodeId merged = merge_pads(g, n, node(g, in[0]));
	if (merged)
		return merged;
	for (int i = 0; i < n->shape.rank; i++)
		if (n->attr.pad.low[i] || n->attr.pad.high[i] ||
		    (n->attr.pad.inner[i] && node(g, in[0])->shape.dim[i] > 1))
			return 0;
	return in[0];
}

static NodeId simplify_concat(Graph *g, const Node *n, const NodeId *in)
{
	(void)g;
	return n->count == 1 ? in[0] : 0;
}

/* -- REDUCE, CONTRACT -------------------------------------------------------------------------- */

/* Without axes of length 1 behind all others, along which there is nothing for lanes. */
static NodeId without_last_axes(Graph *g, NodeId x)
{
	Shape s = node(g, x)->shape;
	int rank = s.rank;
	while (rank && s.dim[rank - 1] == 1)
		rank--;
	return rank == s.rank ? x : op_reshape(g, x, shape_of(rank, s.dim));
}

/* Axes of length 1 need no reduction. */
static NodeId simplify_reduce(Graph *g, const Node *n, const NodeId *in)
{
	Shape from = node(g, in[0])->shape;
	NodeId x = sums_windows(g, n) ? in[0] : without_last_axes(g, in[0]);
	Axes left = {0};
	for (int i = 0; i < n->attr.axes.count; i++)
		if (from.dim[n->attr.axes.at[i]] != 1)
			left.at[left.count++] = n->attr.axes.at[i];
	if (left.count == n->attr.axes.count && x == in[0])
		return 0;
	NodeId y = left.count == 0   ? in[0]
	           : n->op == OP_sum ? op_sum(g, x, left)
	                             : op_reduce_max(g, x, left);
	return op_reshape(g, y, n->shape);
}

static void through(uint8_t *axes, int count, const Axes *order)
{
	for (int i = 0; i < count; i++)
		axes[i] = order->at[axes[i]];
}

/* Free axes keep their order through the transpose: else the result's axes would move. */
static bool keeps_order(const Node *t, const uint8_t *batch, int batches, const uint8_t *contract,
                        int contracts)
{
	int last = -1;
	for (uint8_t i = 0; i < t->shape.rank; i++) {
		if (memchr(batch, i, (size_t)batches) || memchr(contract, i, (size_t)contracts))
			continue;
		if ((int)t->attr.axes.at[i] < last)
			return false;
		last = t->attr.axes.at[i];
	}
	return true;
}

bool dot_through_transpose(const Node *t, int side, DotAxes *d)
{
	uint8_t *batch = side ? d->y_batch : d->x_batch,
	        *contract = side ? d->y_contract : d->x_contract;
	if (t->op != OP_transpose || !keeps_order(t, batch, d->batch, contract, d->contract))
		return false;
	through(batch, d->batch, &t->attr.axes);
	through(contract, d->contract, &t->attr.axes);
	return true;
}

/* A transposed operand is read by other axes instead. */
static NodeId simplify_dot(Graph *g, const Node *n, const NodeId *in)
{
	DotAxes d = n->attr.dot;
	NodeId side[2] = {in[0], in[1]};
	for (int i = 0; i < 2; i++)
		if (dot_through_transpose(node(g, in[i]), i, &d))
			side[i] = node(g, in[i])->in[0];
	return side[0] != in[0] || side[1] != in[1] ? op_dot(g, side[0], side[1], d) : 0;
}

static const Rule rules[OP_COUNT] = {
    [OP_add] = simplify_add,
    [OP_sub] = simplify_sub,
    [OP_mul] = simplify_mul,
    [OP_div] = simplify_div,
    [OP_neg] = simplify_neg,
    [OP_pow] = simplify_pow,
    [OP_max] = simplify_max,
    [OP_min] = simplify_max,
    [OP_not] = simplify_not,
    [OP_less] = simplify_order,
    [OP_less_equal] = simplify_order,
    [OP_stop_gradient] = simplify_stop_gradient,
    [OP_cast] = simplify_cast,
    [OP_select] = simplify_select,
    [OP_broadcast] = simplify_broadcast,
    [OP_reshape] = simplify_reshape,
    [OP_transpose] = simplify_transpose,
    [OP_slice] = simplify_slice,
    [OP_pad] = simplify_pad,
    [OP_windows] = simplify_windows,
    [OP_concat] = simplify_concat,
    [OP_sum] = simplify_reduce,
    [OP_reduce_max] = simplify_reduce,
    [OP_dot] = simplify_dot,
};

/* A rule's result may fall under another rule: once more, until none applies. */
static NodeId simplify(Graph *g, NodeId x)
{
	for (int i = 0; x && i < 8; i++) {
		Node n = *node(g, x); /* rules grow the graph */
		NodeId y = rules[n.op] ? rules[n.op](g, &n, n.in) : 0;
		if (!y || y == x)
			break;
		x = y;
	}
	return x;
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	return simplify(out, graph_copy_node(out, in, x, map));
}

Graph *pass_simplify(Compile *c, const Graph *in)
{
	return rebuild(c, in, rewrite);
}
