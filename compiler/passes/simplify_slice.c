/* simplify_slice.c: the rule of slices: of what is sliced no more is computed than is kept. */
#include "passes.h"

#include <string.h>

static NodeId slice_of_slice(Graph *g, const Node *n, const Node *x)
{
	int64_t start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < n->shape.rank; i++) {
		step[i] = x->attr.slice.step[i] * n->attr.slice.step[i];
		start[i] = x->attr.slice.start[i] + n->attr.slice.start[i] * x->attr.slice.step[i];
		stop[i] = start[i] + (n->shape.dim[i] - 1) * step[i] + (step[i] > 0 ? 1 : -1);
	}
	return op_slice(g, x->in[0], start, stop, step);
}

/* Less padding, if whole ends are cut off. */
static NodeId slice_of_pad(Graph *g, const Node *n, const Node *x)
{
	int64_t low[MAX_RANK], high[MAX_RANK], inner[MAX_RANK];
	for (int i = 0; i < n->shape.rank; i++) {
		bool all = n->shape.dim[i] == x->shape.dim[i] && n->attr.slice.step[i] > 0;
		if (!all && (n->attr.slice.step[i] != 1 || x->attr.pad.inner[i]))
			return 0;
		int64_t before = all ? 0 : n->attr.slice.start[i];
		int64_t after = all ? 0 : x->shape.dim[i] - n->attr.slice.stop[i];
		low[i] = x->attr.pad.low[i] - before;
		high[i] = x->attr.pad.high[i] - after;
		inner[i] = x->attr.pad.inner[i];
		if (low[i] + node(g, x->in[0])->shape.dim[i] < 1 ||
		    high[i] + node(g, x->in[0])->shape.dim[i] < 1)
			return 0; /* nothing but padding is left */
	}
	return op_pad(g, x->in[0], low, high, inner, x->attr.pad.value);
}

/* Fewer windows need less of what they are windows of. */
static NodeId slice_of_windows(Graph *g, const Node *n, const Node *x)
{
	int axis = (int)x->attr.window.axis;
	Shape from = node(g, x->in[0])->shape;
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	if (n->shape.dim[axis + 1] != x->shape.dim[axis + 1] || n->attr.slice.step[axis] != 1 ||
	    n->attr.slice.step[axis + 1] < 1)
		return 0;
	for (int i = 0; i < from.rank; i++) {
		int j = i <= axis ? i : i + 1;
		start[i] = n->attr.slice.start[j];
		stop[i] = n->attr.slice.stop[j];
		step[i] = n->attr.slice.step[j];
	}
	int64_t reach = (x->attr.window.size - 1) * x->attr.window.dilation;
	start[axis] *= x->attr.window.stride;
	stop[axis] = (stop[axis] - 1) * x->attr.window.stride + reach + 1;
	NodeId part = op_slice(g, x->in[0], start, stop, step);
	return op_windows(g, part, axis, x->attr.window.size, x->attr.window.stride,
	                  x->attr.window.dilation);
}

/* Along some axis all of x comes back in the other order. */
static bool is_reversed(const Node *n, const Node *x)
{
	for (int i = 0; i < n->shape.rank; i++)
		if (n->attr.slice.step[i] < 0 && n->shape.dim[i] > 1 && n->shape.dim[i] == x->shape.dim[i])
			return true;
	return false;
}

/* Of a product over windows only those windows are needed that the result keeps. */
static NodeId slice_of_product(Graph *g, const Node *n, const Node *x)
{
	DotAxes d = x->attr.dot;
	int at = d.batch;
	if (is_reversed(n, x))
		return 0;
	for (int side = 0; side < 2; side++) {
		const Node *operand = node(g, x->in[side]);
		Shape s = operand->shape;
		const uint8_t *batch = side ? d.y_batch : d.x_batch;
		const uint8_t *contract = side ? d.y_contract : d.x_contract;
		int64_t start[MAX_RANK] = {0}, step[MAX_RANK], *stop = s.dim;
		bool fewer = false;
		for (int i = 0; i < s.rank; i++) {
			step[i] = 1;
			if (memchr(batch, i, d.batch) || memchr(contract, i, d.contract))
				continue;
			if (n->shape.dim[at] != x->shape.dim[at]) {
				fewer = true;
				start[i] = n->attr.slice.start[at];
				stop[i] = n->attr.slice.stop[at];
				step[i] = n->attr.slice.step[at];
			}
			at++;
		}
		if (operand->op == OP_slice) /* along another axis */
			operand = node(g, operand->in[0]);
		if (!fewer || operand->op != OP_windows)
			continue;
		NodeId in[2] = {x->in[0], x->in[1]};
		in[side] = op_slice(g, in[side], start, stop, step);
		NodeId y = op_dot(g, in[0], in[1], d);
		return shape_equal(node(g, y)->shape, n->shape) ? y : 0;
	}
	return 0;
}

/* Of a product whose axes are moved, as those of a convolution by groups are. */
static NodeId slice_of_moved_product(Graph *g, const Node *n, const Node *x)
{
	const Node *dot = node(g, x->in[0]);
	int64_t start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK];
	if (dot->op != OP_dot)
		return 0;
	for (int i = 0; i < n->shape.rank; i++) {
		int from = x->attr.axes.at[i];
		start[from] = n->attr.slice.start[i];
		stop[from] = n->attr.slice.stop[i];
		step[from] = n->attr.slice.step[i];
	}
	const Node *part = node(g, op_slice(g, x->in[0], start, stop, step));
	NodeId y = slice_of_product(g, part, dot);
	return y ? op_transpose(g, y, x->attr.axes) : 0;
}

/* Within one part: a slice of that. */
static NodeId slice_of_concat(Graph *g, const Node *n, const Node *x)
{
	int axis = (int)x->attr.axis;
	int64_t start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK], before = 0;
	for (int i = 0; i < n->shape.rank; i++) {
		start[i] = n->attr.slice.start[i];
		stop[i] = n->attr.slice.stop[i];
		step[i] = n->attr.slice.step[i];
	}
	for (int i = 0; step[axis] > 0 && i < x->count; i++) {
		int64_t end = before + node(g, x->in[i])->shape.dim[axis];
		if (before <= start[axis] && stop[axis] <= end) {
			start[axis] -= before, stop[axis] -= before;
			return op_slice(g, x->in[i], start, stop, step);
		}
		before = end;
	}
	return 0;
}

NodeId simplify_slice(Graph *g, const Node *n, const NodeId *in)
{
	const Node *x = node(g, in[0]);
	bool forth = true;
	for (int i = 0; i < n->shape.rank; i++)
		forth &= n->attr.slice.step[i] > 0 || n->shape.dim[i] == 1;
	if (forth && shape_equal(x->shape, n->shape))
		return in[0];
	if (x->op == OP_broadcast && node(g, x->in[0])->shape.rank == 0)
		return op_broadcast(g, x->in[0], n->shape, (Axes){0});
	switch (x->op) {
	case OP_slice:
		return slice_of_slice(g, n, x);
	case OP_pad:
		return slice_of_pad(g, n, x);
	case OP_windows:
		return slice_of_windows(g, n, x);
	case OP_concat:
		return slice_of_concat(g, n, x);
	case OP_dot:
		return slice_of_product(g, n, x);
	case OP_transpose:
		return slice_of_moved_product(g, n, x);
	default:
		return 0;
	}
}
