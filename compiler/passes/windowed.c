/* windowed.c: the form that the schedule expects of a product over windows (a convolution).
 *
 * Windows have no row-major order, so their axes cannot be merged: such a dot keeps several free
 * and contracted axes, none of length 1 where another is left. If one side has no free axis
 * (depth-wise: a channel meets its own weights only), lanes have to run along a batch axis: it
 * becomes a sum of products. */
#include "passes.h"

#include <string.h>

static bool is_windows(const Graph *g, NodeId x)
{
	return under_windows(g, x) != x;
}

bool dot_is_windowed(const Graph *g, const Node *dot)
{
	return is_windows(g, dot->in[0]) || is_windows(g, dot->in[1]);
}

/* -- Axes of length 1 -------------------------------------------------------------------------- */

static Shape without_ones(Shape from, int *to)
{
	Shape left = {0};
	for (int i = 0; i < from.rank; i++) {
		to[i] = from.dim[i] == 1 ? -1 : left.rank;
		if (from.dim[i] != 1)
			left.dim[left.rank++] = from.dim[i];
	}
	return left;
}

/* x without its axes of length 1; to[i]: where axis i went, or -1. Windows of what has none are windows
 * still, unless one of their own two axes goes. */
static NodeId squeeze(Graph *g, NodeId x, int *to)
{
	int image_to[MAX_RANK], depth = 0;
	NodeId under[MAX_RANK], image = x;
	Shape left = without_ones(node(g, x)->shape, to);
	if (left.rank == node(g, x)->shape.rank)
		return x;
	for (; node(g, image)->op == OP_windows && depth < MAX_RANK; image = node(g, image)->in[0]) {
		const Node *n = node(g, image);
		if (n->shape.dim[n->attr.window.axis] == 1 || n->shape.dim[n->attr.window.axis + 1] == 1)
			return op_reshape(g, x, left);
		under[depth++] = image;
	}
	Shape s = without_ones(node(g, image)->shape, image_to);
	NodeId y = op_reshape(g, image, s);
	while (depth > 0) {
		const Node *n = node(g, under[--depth]);
		int axis = 0;
		for (uint32_t i = 0; i < n->attr.window.axis; i++)
			axis += n->shape.dim[i] != 1;
		y = op_windows(g, y, axis, n->attr.window.size, n->attr.window.stride,
		               n->attr.window.dilation);
	}
	return y;
}

static NodeId one_more(Graph *g, NodeId x)
{
	Shape s = node(g, x)->shape;
	if (s.rank < MAX_RANK)
		s.dim[s.rank++] = 1;
	return op_reshape(g, x, s);
}

static int pairs(uint8_t *x, uint8_t *y, int count, const int *x_to, const int *y_to)
{
	int kept = 0;
	for (int i = 0; i < count; i++) {
		if (x_to[x[i]] < 0)
			continue;
		uint8_t p = (uint8_t)x_to[x[i]], q = (uint8_t)y_to[y[i]];
		x[kept] = p, y[kept++] = q;
	}
	memset(x + kept, 0, (size_t)(MAX_RANK - kept));
	memset(y + kept, 0, (size_t)(MAX_RANK - kept));
	return kept;
}

/* -- Depth-wise -------------------------------------------------------------------------------- */

static int long_frees(Shape s, const uint8_t *batch, int batches, const uint8_t *contract,
                      int contracts)
{
	int count = 0;
	for (uint8_t i = 0; i < s.rank; i++)
		count += s.dim[i] > 1 && !memchr(batch, i, (size_t)batches) &&
		         !memchr(contract, i, (size_t)contracts);
	return count;
}

/* Batch axes are long, and one side has nothing but them and what is summed. */
static bool meets_by_batch(const Graph *g, const Node *dot)
{
	const DotAxes *d = &dot->attr.dot;
	Shape x = node(g, dot->in[0])->shape, y = node(g, dot->in[1])->shape;
	bool batches = false;
	for (int i = 0; i < d->batch; i++)
		batches |= x.dim[d->x_batch[i]] > 1;
	return batches && (long_frees(x, d->x_batch, d->batch, d->x_contract, d->contract) == 0 ||
	                   long_frees(y, d->y_batch, d->batch, d->y_contract, d->contract) == 0);
}

/* Nothing is summed: x scaled by y. */
bool dot_is_scaling(const Graph *g, const Node *dot)
{
	const DotAxes *d = &dot->attr.dot;
	Shape x = node(g, dot->in[0])->shape;
	for (int i = 0; i < d->contract; i++)
		if (x.dim[d->x_contract[i]] > 1)
			return false;
	return meets_by_batch(g, dot);
}

bool dot_is_depthwise(const Graph *g, const Node *dot)
{
	return dot_is_windowed(g, dot) && meets_by_batch(g, dot);
}

DotAxes dot_exchanged(const DotAxes *d)
{
	DotAxes to = {.batch = d->batch, .contract = d->contract};
	memcpy(to.x_batch, d->y_batch, MAX_RANK), memcpy(to.y_batch, d->x_batch, MAX_RANK);
	memcpy(to.x_contract, d->y_contract, MAX_RANK);
	memcpy(to.y_contract, d->x_contract, MAX_RANK);
	return to;
}

static int frees_of(Shape s, const DotAxes *d)
{
	return s.rank - d->batch - d->contract;
}

NodeId sum_of_products(Graph *g, NodeId x, NodeId y, const DotAxes *d)
{
	const uint8_t *x_batch = d->x_batch, *x_contract = d->x_contract;
	const uint8_t *y_batch = d->y_batch, *y_contract = d->y_contract;
	Shape s = node(g, x)->shape;
	Axes order = {0}, at = {0}, gone = {0}, back = {0};
	uint8_t left[MAX_RANK] = {0}, lefts = 0; /* axes of x that the sum keeps */
	for (uint8_t i = 0; i < s.rank; i++) {
		const uint8_t *batch = memchr(x_batch, i, d->batch);
		const uint8_t *contract = memchr(x_contract, i, d->contract);
		if (contract)
			gone.at[gone.count++] = i;
		else
			left[lefts++] = i;
		if (!batch && !contract)
			continue;
		order.at[order.count++] =
		    batch ? y_batch[batch - x_batch] : y_contract[contract - x_contract];
		at.at[at.count++] = i;
	}
	y = op_broadcast(g, op_transpose(g, y, order), s, at);
	DType wide = node(g, x)->type == DTYPE_bf16 ? DTYPE_f32 : node(g, x)->type;
	NodeId sum = op_mul(g, op_cast(g, x, wide), op_cast(g, y, wide)); /* as a dot of them */
	sum = gone.count ? op_sum(g, sum, gone) : sum;
	for (int i = 0; i < d->batch; i++)
		back.at[back.count++] = (uint8_t)((const uint8_t *)memchr(left, x_batch[i], lefts) - left);
	for (uint8_t i = 0; i < lefts; i++)
		if (!memchr(x_batch, left[i], d->batch))
			back.at[back.count++] = i;
	return op_transpose(g, sum, back);
}

/* -- Lanes along the channels of windows ---------------------------------------------------------- */

enum {
	LANES = 16,      /* of the widest vectors */
	LONG_SUM = 1024, /* steps beside which it is little to turn the result */
	MOST_CHAIN = 4,  /* windows of windows */
};

/* The share of the lanes of vectors along an axis that are used. */
static double used_lanes(int64_t size)
{
	int64_t vectors = (size + LANES - 1) / LANES;
	return (double)size / (double)(vectors * LANES);
}

/* Whether the only free axis of y, and one of x, is the last: both lie across the sums, as in a
 * gradient by weights. */
static bool both_lie_across(Shape x, Shape y, const DotAxes *d)
{
	return frees_of(y, d) == 1 && !memchr(d->x_contract, x.rank - 1, d->contract) &&
	       !memchr(d->y_contract, y.rank - 1, d->contract);
}

static bool is_free(const DotAxes *d, int axis)
{
	return !memchr(d->x_batch, axis, d->batch) && !memchr(d->x_contract, axis, d->contract);
}

/* The last two axes of x as one. */
static NodeId last_as_one(Graph *g, NodeId x)
{
	Shape s = node(g, x)->shape;
	s.rank--;
	s.dim[s.rank - 1] *= s.dim[s.rank];
	s.dim[s.rank] = 0;
	return op_reshape(g, x, s);
}

/* The same of zeros around an x, but for its channels: they are put around what is one axis there, so that sums
 * that are NaN leave them out (codegen/kernel_contract_edge.c). */
static NodeId zeros_around_one(Graph *g, NodeId around)
{
	const Node *n = node(g, around);
	Attr a = n->attr;
	int last = n->shape.rank - 1;
	int64_t channels = n->shape.dim[last];
	if (n->op != OP_pad || a.pad.low[last] || a.pad.high[last] || a.pad.inner[last] ||
	    a.pad.inner[last - 1])
		return last_as_one(g, around);
	NodeId x = last_as_one(g, n->in[0]);
	a.pad.low[last - 1] *= channels, a.pad.high[last - 1] *= channels;
	return op_pad(g, x, a.pad.low, a.pad.high, a.pad.inner, a.pad.value);
}

typedef NodeId AsOne(Graph *g, NodeId x);

/* Windows whose places have few channels: places and channels, neighbours in memory, as one axis, the
 * last. So a gradient by weights has many rows to multiply what it reads with. */
static NodeId places_as_channels(Graph *g, NodeId x, const DotAxes *d, AsOne *as_one)
{
	const Node *windows[MOST_CHAIN], *n = node(g, x);
	int last = n->shape.rank - 1, count = 0;
	int64_t channels = n->shape.dim[last];
	if (n->op != OP_windows || (int)n->attr.window.axis != last - 2 || channels >= LANES ||
	    n->attr.window.dilation != 1 || !is_free(d, last) || !is_free(d, last - 1))
		return x;
	for (; n->op == OP_windows; n = node(g, n->in[0])) {
		bool before = (int)n->attr.window.axis < n->shape.rank - 3;
		if (count == MOST_CHAIN || (count > 0 && !before))
			return x;
		windows[count++] = n;
	}
	NodeId y = as_one(g, windows[count - 1]->in[0]);
	for (int i = count - 1; i >= 0; i--) {
		int64_t by = i == 0 ? channels : 1;
		const Node *w = windows[i];
		y = op_windows(g, y, (int)w->attr.window.axis, w->attr.window.size * by,
		               w->attr.window.stride * by, w->attr.window.dilation);
	}
	return y;
}

/* Few outputs beside more channels: lanes run along the channels if windows are the second operand
 * (schedule/contract_axes.c), and the result is turned. */
static bool is_turned(const Graph *g, NodeId x, NodeId y, const DotAxes *d)
{
	Shape from = node(g, x)->shape, to = node(g, y)->shape;
	int64_t steps = 1;
	for (int i = 0; i < d->contract; i++)
		steps *= from.dim[d->x_contract[i]];
	return d->batch == 0 && d->contract > 1 && steps >= LONG_SUM && is_windows(g, x) &&
	       !is_windows(g, y) && both_lie_across(from, to, d) &&
	       used_lanes(from.dim[from.rank - 1]) > 1.2 * used_lanes(to.dim[to.rank - 1]);
}

/* dot(x, y) as dot(y, x), whose first axis goes last. */
static NodeId turned(Graph *g, NodeId x, NodeId y, const DotAxes *d)
{
	NodeId z = op_dot(g, y, x, dot_exchanged(d));
	Axes order = {.count = z ? node(g, z)->shape.rank : 0};
	for (int i = 0; i < order.count; i++)
		order.at[i] = (uint8_t)((i + 1) % order.count);
	return op_transpose(g, z, order);
}

/* Of the places along an axis of an image, the most that a window's border may add, in parts of them. */
#define MOST_BORDER 0.125

/* The windows that x is, outermost first, with stride 1, on axes that are summed with those of y in
 * order; 0: it is not so. */
static int plain_windows(const Graph *g, NodeId x, const DotAxes *d,
                         const Node *windows[MOST_CHAIN])
{
	int count = 0;
	for (int i = 0; i < d->contract; i++)
		if (d->y_contract[i] != i || (i > 0 && d->x_contract[i] < d->x_contract[i - 1]))
			return 0;
	for (const Node *n = node(g, x); n->op == OP_windows; n = node(g, n->in[0])) {
		const uint8_t axis = (uint8_t)n->attr.window.axis;
		bool summed = memchr(d->x_contract, axis, d->contract) && is_free(d, axis + 1);
		bool before = count == 0 || axis < windows[count - 1]->attr.window.axis;
		if (count == MOST_CHAIN || n->attr.window.stride != 1 || n->attr.window.dilation != 1 ||
		    !summed || !before)
			return 0;
		windows[count++] = n;
	}
	return count;
}

/* dot(windows of x, y) as dot(windows of y, x), where y is padded so that each of its windows meets an
 * element of x: x is read once for all positions of the window, whose places and y's channels are rows.
 * 0: the zeros around y would be too many, or it is no such product. */
static NodeId windows_exchanged(Graph *g, NodeId x, NodeId y, const DotAxes *d)
{
	const Node *windows[MOST_CHAIN];
	int count = plain_windows(g, x, d, windows), rank = node(g, y)->shape.rank;
	int64_t low[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	if (count == 0 || windows[0]->attr.window.size < 2)
		return 0;
	NodeId image = windows[count - 1]->in[0];
	Shape from = node(g, image)->shape, back = node(g, y)->shape;
	int64_t rows = windows[0]->attr.window.size * back.dim[rank - 1];
	bool again = used_lanes(rows) > 1.2 * used_lanes(from.dim[rank - 1]); /* it would be turned */
	if (from.rank != rank || again)
		return 0;
	for (int i = 0; i < rank - 1; i++)
		low[i] = from.dim[i] - back.dim[i];
	if ((double)low[rank - 2] > MOST_BORDER * (double)back.dim[rank - 2])
		return 0;
	NodeId around = op_pad(g, y, low, low, inner, 0);
	for (int i = count - 1; i >= 0; i--)
		around = op_windows(g, around, (int)windows[i]->attr.window.axis,
		                    windows[i]->attr.window.size, 1, 1);
	DotAxes axes = {.contract = d->contract};
	memcpy(axes.x_contract, d->x_contract, MAX_RANK);
	memcpy(axes.y_contract, d->y_contract, MAX_RANK);
	NodeId z = op_dot(g, places_as_channels(g, around, &axes, zeros_around_one), image, axes);
	/* [positions, y's channels, x's channels], positions from the last to the first */
	Shape s = {.rank = (uint8_t)(count + 2)};
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < count; i++)
		s.dim[i] = windows[count - 1 - i]->attr.window.size;
	s.dim[count] = back.dim[rank - 1];
	s.dim[count + 1] = from.dim[rank - 1];
	for (int i = 0; i < s.rank; i++) {
		start[i] = i < count ? s.dim[i] - 1 : 0, stop[i] = i < count ? -1 : s.dim[i];
		step[i] = i < count ? -1 : 1;
	}
	z = op_slice(g, op_reshape(g, z, s), start, stop, step);
	Axes order = {.count = s.rank};
	for (int i = 0; i < count; i++)
		order.at[i] = (uint8_t)i;
	order.at[count] = (uint8_t)(count + 1), order.at[count + 1] = (uint8_t)count;
	return op_transpose(g, z, order);
}

NodeId normalize_windowed(Graph *out, const Node *n, const NodeId *map)
{
	DotAxes d = n->attr.dot;
	int x_to[MAX_RANK], y_to[MAX_RANK];
	NodeId x = squeeze(out, map[n->in[0]], x_to), y = squeeze(out, map[n->in[1]], y_to);
	d.batch = (uint8_t)pairs(d.x_batch, d.y_batch, d.batch, x_to, y_to);
	d.contract = (uint8_t)pairs(d.x_contract, d.y_contract, d.contract, x_to, y_to);
	int x_frees = frees_of(node(out, x)->shape, &d), y_frees = frees_of(node(out, y)->shape, &d);
	bool scales = d.batch && (x_frees == 0 || y_frees == 0);
	if (d.contract == 0 && !scales) { /* an outer product */
		d.contract = 1;
		d.x_contract[0] = node(out, x)->shape.rank, d.y_contract[0] = node(out, y)->shape.rank;
		x = one_more(out, x), y = one_more(out, y);
	}
	DotAxes other = dot_exchanged(&d);
	NodeId z = d.batch ? normalize_groups(out, x, y, &d) : 0;
	if (!z && d.batch && y_frees == 0)
		z = sum_of_products(out, x, y, &d);
	else if (!z && d.batch && x_frees == 0)
		z = sum_of_products(out, y, x, &other);
	if (!z) {
		if (both_lie_across(node(out, x)->shape, node(out, y)->shape, &d))
			x = places_as_channels(out, x, &d, last_as_one);
		bool turns = is_turned(out, x, y, &d);
		z = turns ? windows_exchanged(out, x, y, &d) : 0;
		if (!z)
			z = turns ? turned(out, x, y, &d) : op_dot(out, x, y, d);
	}
	return z && shape_equal(node(out, z)->shape, n->shape) ? z : op_reshape(out, z, n->shape);
}
