/* contract_axes.c: which axis of a product plays which part: what the tiling, the cost and the code
 * of a contraction agree on.
 *
 * C[outer][row][col] = sum over the sums of R[..][row][..] L[..][..][col]. Lanes run along the
 * column. R is the operand whose elements are spread over a vector: the one with windows, but x if
 * y's windows and x both lie across the sums (passes/windowed.c), else x, else y where y has no free
 * axis (then the lanes run along x's). */
#include "fuse.h"

#include <string.h>

enum { DEEP_K = 768, MANY_SAMPLES = 16, FEW_ROWS = 3 };

#define MANY_THERE 0.9 /* of the values of a sum, at all places of a row */

static bool is_windowed(const Graph *g, NodeId x)
{
	while (op_info[node(g, x)->op].kind == VIEW && node(g, x)->count == 1) {
		if (node(g, x)->op == OP_windows)
			return true;
		x = node(g, x)->in[0];
	}
	return false;
}

/* Where result axis `at` and on come from in one operand; returns the next. */
static int place_free(const Graph *g, const Node *dot, int side, int at, int8_t *axis)
{
	const DotAxes *d = &dot->attr.dot;
	const uint8_t *batch = side ? d->y_batch : d->x_batch;
	const uint8_t *contract = side ? d->y_contract : d->x_contract;
	Shape s = node(g, dot->in[side])->shape;
	for (int i = 0; i < s.rank; i++)
		if (!memchr(batch, i, d->batch) && !memchr(contract, i, d->contract))
			axis[at++] = (int8_t)i;
	return at;
}

/* Whether no sum is over the last axis of either operand. */
static bool lie_across(const Graph *g, const Node *dot)
{
	const DotAxes *d = &dot->attr.dot;
	Shape x = node(g, dot->in[0])->shape, y = node(g, dot->in[1])->shape;
	return d->contract > 1 && x.rank == d->batch + d->contract + 1 &&
	       !memchr(d->x_contract, x.rank - 1, d->contract) &&
	       !memchr(d->y_contract, y.rank - 1, d->contract);
}

static void swap(uint8_t *x, uint8_t *y)
{
	uint8_t old = *x;
	*x = *y, *y = old;
}

/* Sums by the axes of R, outermost first: the last is the one that is contiguous, if any is. */
static void order_sums(uint8_t *r, uint8_t *l, int sums)
{
	for (int i = 1; i < sums; i++)
		for (int j = i; j > 0 && r[j] < r[j - 1]; j--)
			swap(&r[j], &r[j - 1]), swap(&l[j], &l[j - 1]);
}

static void find_operand(OperandAxes *o, NodeId x, const int8_t *axis, const uint8_t *sum, int sums)
{
	o->node = x;
	memcpy(o->axis, axis, sizeof o->axis);
	memcpy(o->sum, sum, sizeof o->sum);
	o->contract = sum[sums - 1];
}

/* Rows that are places of an image hang over its border together, and multiply zeros. If these are many, or
 * such rows few, rows are instead the same place of many samples, along R's first axis. */
static void choose_row(const Graph *g, const Node *dot, ContractAxes *r, int first)
{
	bool along_sum = r->r.contract == node(g, r->r.node)->shape.rank - 1;
	if (r->sums == 1 || first >= r->row || !along_sum || dot->shape.dim[first] < MANY_SAMPLES)
		return;
	bool hangs = dot->shape.dim[r->row] <= FEW_ROWS, moves = false;
	for (int i = 0; i < r->sums; i++) {
		const SumBound *b = &r->bound[i];
		hangs |= b->share > 0 && b->axis == r->row && b->share < MANY_THERE;
		moves |= b->share > 0 && b->axis == first;
	}
	r->samples = hangs && !moves;
	r->row = r->samples ? first : r->row;
}

/* Rows and columns of a register tile end together. */
static void keep_bounds(ContractAxes *r)
{
	for (int i = 0; i < r->sums; i++)
		if (r->bound[i].axis >= 0 && (r->bound[i].axis == r->row || r->bound[i].axis == r->col))
			r->bound[i] = (SumBound){0};
}

ContractAxes contract_axes(const Graph *g, const Node *dot)
{
	const DotAxes *d = &dot->attr.dot;
	int8_t axis[2][MAX_RANK];
	memset(axis, -1, sizeof axis);
	for (int i = 0; i < d->batch; i++)
		axis[0][i] = (int8_t)d->x_batch[i], axis[1][i] = (int8_t)d->y_batch[i];
	int x_end = place_free(g, dot, 0, d->batch, axis[0]);
	int y_end = place_free(g, dot, 1, x_end, axis[1]);
	bool windows[2] = {is_windowed(g, dot->in[0]), is_windowed(g, dot->in[1])};
	ContractAxes r = {.row = -1, .col = -1, .sums = d->contract};
	int64_t rows = x_end > d->batch ? dot->shape.dim[x_end - 1] : 1;
	int64_t cols = y_end > x_end ? dot->shape.dim[y_end - 1] : 1;
	r.swapped =
	    windows[0] == windows[1] ? cols == 1 && rows > 1 : windows[1] && !lie_across(g, dot);
	int row_end = r.swapped ? y_end : x_end, row_begin = r.swapped ? x_end : d->batch;
	int col_end = r.swapped ? x_end : y_end, col_begin = r.swapped ? d->batch : x_end;
	r.row = row_end > row_begin ? row_end - 1 : -1;
	r.col = col_end > col_begin ? col_end - 1 : -1;
	uint8_t sum[2][MAX_RANK];
	memcpy(sum[0], d->x_contract, sizeof sum[0]);
	memcpy(sum[1], d->y_contract, sizeof sum[1]);
	order_sums(sum[r.swapped], sum[!r.swapped], r.sums);
	find_operand(&r.r, dot->in[r.swapped], axis[r.swapped], sum[r.swapped], r.sums);
	find_operand(&r.l, dot->in[!r.swapped], axis[!r.swapped], sum[!r.swapped], r.sums);
	contract_find_bounds(g, dot, &r);
	choose_row(g, dot, &r, row_begin);
	keep_bounds(&r);
	r.r.free = r.row < 0 ? -1 : axis[r.swapped][r.row];
	r.l.free = r.col < 0 ? -1 : axis[!r.swapped][r.col];
	r.batch_size = r.outer_size = 1;
	for (int i = 0; i < dot->shape.rank; i++) {
		if (i == r.row || i == r.col)
			continue;
		bool only_r = i >= row_begin && i < row_end;
		if (only_r) {
			r.outer[r.outers++] = (uint8_t)i;
			r.outer_size *= dot->shape.dim[i];
		} else {
			r.batch[r.batches++] = (uint8_t)i;
			r.batch_size *= dot->shape.dim[i];
		}
	}
	Shape from = node(g, r.r.node)->shape;
	r.rows = r.row < 0 ? 1 : dot->shape.dim[r.row];
	r.cols = r.col < 0 ? 1 : dot->shape.dim[r.col];
	r.k = from.dim[r.r.contract];
	r.steps = r.k;
	for (int i = 0; i + 1 < r.sums; i++)
		r.steps *= from.dim[r.r.sum[i]];
	return r;
}

/* -- How operands lie ---------------------------------------------------------------------- */

/* The operand that a map reads at the same elements. */
static NodeId unstretched(const Graph *g, const Node *map)
{
	for (int i = 0; i < map->count; i++)
		if (node(g, map->in[i])->op != OP_broadcast)
			return map->in[i];
	return map->in[0];
}

/* What the elements of x, which is not stored, are taken from; 0: they are computed. back[]: for each axis
 * of x, then of that, the axis of what the walk began with. */
static NodeId taken_from(const Kernels *k, NodeId x, int back[MAX_RANK])
{
	const Graph *g = k->graph;
	const Node *n = node(g, x);
	int from[MAX_RANK];
	memcpy(from, back, sizeof from);
	if (k->buffer_of[x] != 0 || n->count == 0)
		return 0;
	if (op_info[n->op].kind == MAP)
		return unstretched(g, n);
	int rank = node(g, n->in[0])->shape.rank;
	if (n->op == OP_transpose) {
		for (int i = 0; i < rank; i++)
			back[n->attr.axes.at[i]] = from[i];
	} else if (n->op == OP_broadcast) {
		for (int i = 0; i < rank; i++)
			back[i] = from[n->attr.axes.at[i]];
	} else if (n->op == OP_windows) {
		int axis = (int)n->attr.window.axis;
		for (int i = axis + 1; i < rank; i++)
			back[i] = from[i + 1];
		bool places = n->attr.window.dilation == 1 && n->shape.dim[axis + 1] > 1;
		back[axis] = places ? from[axis + 1] : n->attr.window.stride == 1 ? from[axis] : -1;
	} else if (n->op == OP_reshape && reshape_is_unit(g, n)) {
		int behind[MAX_RANK];
		reshape_unit_axes(g, n, behind);
		for (int i = 0; i < rank; i++)
			back[i] = behind[i] < 0 ? -1 : from[behind[i]];
	} else if (n->op != OP_slice && n->op != OP_pad && n->op != OP_concat) {
		return 0;
	}
	return n->in[0];
}

int contiguous_axis(const Kernels *k, NodeId x)
{
	int back[MAX_RANK];
	for (int i = 0; i < MAX_RANK; i++)
		back[i] = i;
	for (NodeId from; (from = taken_from(k, x, back)) != 0;)
		x = from;
	Shape s = node(k->graph, x)->shape;
	for (int i = s.rank - 1; i >= 0; i--)
		if (s.dim[i] > 1)
			return back[i];
	return -1;
}

int64_t axis_step(const Kernels *k, NodeId x, int axis)
{
	int64_t step = 1;
	const Node *n = node(k->graph, x);
	for (; k->buffer_of[x] == 0; n = node(k->graph, x)) {
		int behind[MAX_RANK], from = axis;
		if (n->op == OP_transpose) {
			axis = n->attr.axes.at[axis];
		} else if (n->op == OP_slice) {
			step *= n->attr.slice.step[axis];
		} else if (n->op == OP_windows) {
			int place = (int)n->attr.window.axis;
			step *= axis == place       ? n->attr.window.stride
			        : axis == place + 1 ? n->attr.window.dilation
			                            : 1;
			axis -= axis > place;
		} else if (n->op == OP_reshape && reshape_is_unit(k->graph, n)) {
			reshape_unit_axes(k->graph, n, behind);
			for (axis = 0; axis < MAX_RANK && behind[axis] != from; axis++)
				;
			if (axis >= node(k->graph, n->in[0])->shape.rank)
				return 0;
		} else if (n->op == OP_reshape && k->buffer_of[n->in[0]] != 0) {
			break;
		} else {
			return 0;
		}
		x = n->in[0];
	}
	for (int i = axis + 1; i < n->shape.rank; i++)
		step *= n->shape.dim[i];
	return step;
}

bool contract_lies_across(const Kernels *k, const ContractAxes *r)
{
	return r->sums > 1 && r->r.free >= 0 && contiguous_axis(k, r->r.node) == r->r.free;
}

bool contract_is_deep(const Kernels *k, const Node *dot)
{
	ContractAxes r = contract_axes(k->graph, dot);
	if (r.outers > 0 || r.sums > 1 || r.row < 0 || r.k < DEEP_K)
		return false;
	int64_t bytes = r.rows * r.k * type_info[node(k->graph, r.r.node)->type].size;
	return bytes > machine_far_bytes(k->graph->c->machine) &&
	       contiguous_axis(k, r.r.node) == r.r.free;
}
