/* simplify_slice.c: the rule of slices: of what is sliced no more is computed than is kept.
 *
 * A slice moves towards leaves as far as it can, in one go: of padding, windows, a product over them
 * and a sum of what is padded only a part is made. */
#include "passes.h"

#include <string.h>

static NodeId simple_slice(Graph *g, NodeId x, const int64_t *start, const int64_t *stop,
                           const int64_t *step)
{
	NodeId slice = op_slice(g, x, start, stop, step);
	const Node *n = node(g, slice);
	NodeId simple = n->op == OP_slice ? simplify_slice(g, n, n->in) : 0;
	return simple ? simple : slice;
}

static NodeId slice_of_slice(Graph *g, const Node *n, const Node *x)
{
	int64_t start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < n->shape.rank; i++) {
		step[i] = x->attr.slice.step[i] * n->attr.slice.step[i];
		start[i] = x->attr.slice.start[i] + n->attr.slice.start[i] * x->attr.slice.step[i];
		stop[i] = start[i] + (n->shape.dim[i] - 1) * step[i] + (step[i] > 0 ? 1 : -1);
	}
	return simple_slice(g, x->in[0], start, stop, step);
}

/* Along an axis of padding: the elements that a slice keeps, and what is left around them. */
typedef struct Cut {
	int64_t first, end, low, high;
} Cut;

/* Which elements of x are left along an axis of the padding p of it, and what is left around them;
 * false: none. */
static bool cut_padding(const Node *n, const Node *p, int64_t size, int i, Cut *cut)
{
	int64_t by = p->attr.pad.inner[i] + 1, low = p->attr.pad.low[i];
	int64_t start = n->attr.slice.start[i], last = n->attr.slice.stop[i] - 1;
	int64_t first = start > low ? (start - low + by - 1) / by : 0;
	int64_t end = last < low ? 0 : (last - low) / by + 1;
	if (by == 1) /* the padding may cut by itself */
		first = 0, end = size;
	end = end < size ? end : size;
	*cut = (Cut){first, end, low + first * by - start, last - low - (end - 1) * by};
	return first < end;
}

/* Less padding; of what is spread along an axis only the elements that are kept. */
static NodeId slice_of_pad(Graph *g, const Node *n, const Node *x)
{
	int64_t low[MAX_RANK], high[MAX_RANK], start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK];
	Shape from = node(g, x->in[0])->shape;
	for (int i = 0; i < n->shape.rank; i++) {
		bool all = n->shape.dim[i] == x->shape.dim[i] && n->attr.slice.step[i] > 0;
		Cut cut = {0, from.dim[i], x->attr.pad.low[i], x->attr.pad.high[i]};
		if (!all && (n->attr.slice.step[i] != 1 || !cut_padding(n, x, from.dim[i], i, &cut)))
			return 0;
		start[i] = cut.first, stop[i] = cut.end, step[i] = 1;
		low[i] = cut.low, high[i] = cut.high;
		if (low[i] + from.dim[i] < 1 || high[i] + from.dim[i] < 1)
			return 0; /* nothing but padding is left */
	}
	NodeId kept = simple_slice(g, x->in[0], start, stop, step);
	return op_pad(g, kept, low, high, x->attr.pad.inner, x->attr.pad.value);
}

/* What pads are summed to, as the phases of a stride are: the sum of what is left of each. */
static NodeId slice_of_sum(Graph *g, const Node *n, const Node *x)
{
	NodeId part[2];
	for (int i = 0; i < 2; i++) {
		const Node *y = node(g, x->in[i]);
		if (y->op != OP_pad && y->op != OP_add)
			return 0;
		part[i] = y->op == OP_add ? slice_of_sum(g, n, y) : slice_of_pad(g, n, y);
		if (!part[i])
			return 0;
	}
	return op_add(g, part[0], part[1]);
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
	NodeId part = simple_slice(g, x->in[0], start, stop, step);
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
		in[side] = simple_slice(g, in[side], start, stop, step);
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
	NodeId part = simple_slice(g, x->in[0], start, stop, step);
	return node(g, part)->op == OP_dot ? op_transpose(g, part, x->attr.axes) : 0;
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
			return simple_slice(g, x->in[i], start, stop, step);
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
	case OP_add:
		return slice_of_sum(g, n, x);
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
