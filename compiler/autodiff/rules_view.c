/* rules_view.c: gradients of operations that move elements: the adjoint moves back, and adds up
 * where one element went to several places. */
#include "rules.h"

static Shape shape_in(const Rule *r, int i)
{
	return node(r->g, r->n->in[i])->shape;
}

/* The sum over all axes that were made or stretched. */
void grad_broadcast(Rule *r)
{
	Shape from = shape_in(r, 0), to = r->n->shape;
	const Axes *axes = &r->n->attr.axes;
	Axes gone = {0};
	for (int i = 0, next = 0; i < to.rank; i++) {
		bool kept = next < axes->count && axes->at[next] == i;
		if (!kept || (from.dim[next] == 1 && to.dim[i] != 1))
			gone.at[gone.count++] = (uint8_t)i;
		next += kept;
	}
	NodeId dx = gone.count ? op_sum(r->g, r->dy, gone) : r->dy;
	r->dx[0] = dx && !shape_equal(node(r->g, dx)->shape, from) ? op_reshape(r->g, dx, from) : dx;
}

void grad_reshape(Rule *r)
{
	r->dx[0] = op_reshape(r->g, r->dy, shape_in(r, 0));
}

void grad_transpose(Rule *r)
{
	const Axes *order = &r->n->attr.axes;
	Axes back = {.count = order->count};
	for (int i = 0; i < order->count; i++)
		back.at[order->at[i]] = (uint8_t)i;
	r->dx[0] = op_transpose(r->g, r->dy, back);
}

/* Element i of dy belongs at start + i step: |step| - 1 zeros between neighbours; what ran back is
 * turned round first. */
void grad_slice(Rule *r)
{
	Shape from = shape_in(r, 0), to = r->n->shape;
	int64_t low[MAX_RANK], high[MAX_RANK], inner[MAX_RANK];
	int64_t start[MAX_RANK], stop[MAX_RANK], turn[MAX_RANK];
	bool any = false;
	for (int i = 0; i < from.rank; i++) {
		int64_t step = r->n->attr.slice.step[i], last = to.dim[i] - 1;
		bool back = step < 0;
		any |= back;
		start[i] = back ? last : 0, stop[i] = back ? -1 : to.dim[i], turn[i] = back ? -1 : 1;
		low[i] = r->n->attr.slice.start[i] + (back ? last * step : 0);
		step = back ? -step : step;
		inner[i] = step - 1;
		high[i] = from.dim[i] - low[i] - (last * step + 1);
	}
	NodeId dy = any ? op_slice(r->g, r->dy, start, stop, turn) : r->dy;
	r->dx[0] = op_pad(r->g, dy, low, high, inner, 0);
}

void grad_windows(Rule *r)
{
	int axis = (int)r->n->attr.window.axis;
	r->dx[0] = op_overlap_add(r->g, r->dy, axis, r->n->attr.window.stride,
	                          r->n->attr.window.dilation, shape_in(r, 0).dim[axis]);
}

void grad_overlap_add(Rule *r)
{
	int axis = (int)r->n->attr.window.axis;
	r->dx[0] = op_windows(r->g, r->dy, axis, shape_in(r, 0).dim[axis + 1], r->n->attr.window.stride,
	                      r->n->attr.window.dilation);
}

/* Where x lies in the result: from low on, every (inner + 1)th; what negative padding cut gets 0. */
void grad_pad(Rule *r)
{
	Shape from = shape_in(r, 0), to = r->n->shape;
	int64_t start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK], before[MAX_RANK], after[MAX_RANK],
	    none[MAX_RANK] = {0};
	for (int i = 0; i < from.rank; i++) {
		int64_t low = r->n->attr.pad.low[i], stride = r->n->attr.pad.inner[i] + 1;
		before[i] = low < 0 ? (-low + stride - 1) / stride : 0;
		int64_t last = (to.dim[i] - 1 - low) /
		               stride; /* of x in the result; floor: the operand is not negative */
		if (to.dim[i] - 1 - low < 0 || before[i] > from.dim[i] - 1 ||
		    low + before[i] * stride >= to.dim[i]) {
			r->dx[0] = op_like(r->g, r->n->in[0], 0);
			return;
		}
		last = last < from.dim[i] - 1 ? last : from.dim[i] - 1;
		after[i] = from.dim[i] - 1 - last;
		start[i] = low + before[i] * stride;
		stop[i] = low + last * stride + 1;
		step[i] = stride;
	}
	NodeId kept = op_slice(r->g, r->dy, start, stop, step);
	r->dx[0] = op_pad(r->g, kept, before, after, none, 0);
}

void grad_concat(Rule *r)
{
	unsigned axis = r->n->attr.axis;
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < r->n->shape.rank; i++) {
		stop[i] = r->n->shape.dim[i];
		step[i] = 1;
	}
	stop[axis] = 0;
	for (int i = 0; i < r->n->count; i++) {
		start[axis] = stop[axis];
		stop[axis] += shape_in(r, i).dim[axis];
		if (r->needed[i])
			r->dx[i] = op_slice(r->g, r->dy, start, stop, step);
	}
}

void grad_gather(Rule *r)
{
	r->dx[0] =
	    op_scatter_add(r->g, op_like(r->g, r->n->in[0], 0), r->n->in[1], r->dy, r->n->attr.axis);
}

void grad_scatter_add(Rule *r)
{
	r->dx[0] = r->dy;
	if (r->needed[2])
		r->dx[2] = op_gather(r->g, r->dy, r->n->in[1], r->n->attr.axis);
}
