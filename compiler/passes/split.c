/* split.c: a large reduction to few elements becomes two, so that the first can be spread over
 * threads; a scatter of many terms sums in f64.
 *
 * Expects: anything. Promises: keeps types and shapes; the order of a sum changes (rounding), by
 * shape alone, so the bits do not depend on threads. Applies where everything is reduced: [n] ->
 * [pieces, n / pieces] -> [pieces] -> []; and to a product over windows that sums over the samples
 * of a batch to a small result (the gradient of a convolution's weights): each piece reads its
 * samples once, where tiles of the result would read them all. The same where that product is a sum
 * (depth-wise): one for each sample, then one over the samples; and where a large operand is summed
 * to few columns (the statistics of a batch), of which there would be few tiles. Where what is summed
 * and what stays take turns up to a last axis of few elements (the mean of each 4 x 4 pixels of two
 * channels), which would fill a part of a vector: first the axes before the last that stays with others
 * behind it, of rows that hold all that follows; then the rest, of which there is less. A scatter adds one
 * term after the other to wherever the indices say, so there are no blocks to sum: where many may
 * meet in one element, the sums are of f64, as large as a sum of f32 and what rounding takes of it. */
#include "passes.h"

#include <string.h>

enum { LARGE = 1 << 15, MOST_PIECES = 64 };

/* The largest number of pieces that cuts n evenly into runs of at least LARGE / 8. */
static int64_t pieces_of(int64_t n)
{
	for (int64_t pieces = MOST_PIECES; pieces > 1; pieces--)
		if (n % pieces == 0 && n / pieces >= LARGE / 8)
			return pieces;
	return 1;
}

/* -- Products over windows --------------------------------------------------------------------- */

enum { PIECES = 8, FEW_PIECES = 4, LONG_SUM = 4096, SMALL_RESULT = 1 << 18 };

/* Equal pieces of so many samples: PIECES, or as near to it as they allow; 0: there are none. */
static int64_t pieces_of_samples(int64_t samples)
{
	for (int64_t more = PIECES, fewer = PIECES; more <= MOST_PIECES; more++, fewer--) {
		if (samples % more == 0)
			return more;
		if (fewer >= FEW_PIECES && samples % fewer == 0)
			return fewer;
	}
	return 0;
}

/* x with its axis 0 in two, [pieces, rest]; 0: windows are not to be had so. */
static NodeId split_first(Graph *g, NodeId x, int64_t pieces)
{
	Node n = *node(g, x);
	Shape to = {.rank = (uint8_t)(n.shape.rank + 1)};
	if (to.rank > MAX_RANK)
		return 0;
	to.dim[0] = pieces, to.dim[1] = n.shape.dim[0] / pieces;
	for (int i = 1; i < n.shape.rank; i++)
		to.dim[i + 1] = n.shape.dim[i];
	if (n.op == OP_windows && n.attr.window.axis > 0) {
		NodeId from = split_first(g, n.in[0], pieces);
		return from ? op_windows(g, from, (int)n.attr.window.axis + 1, n.attr.window.size,
		                         n.attr.window.stride, n.attr.window.dilation)
		            : 0;
	}
	if (n.op == OP_windows || n.op == OP_slice || n.op == OP_transpose)
		return 0;
	if (n.op == OP_reshape && node(g, n.in[0])->shape.dim[0] == n.shape.dim[0] &&
	    reshape_is_unit(g, &n)) {
		NodeId from = split_first(g, n.in[0], pieces);
		return from ? op_reshape(g, from, to) : 0;
	}
	return op_reshape(g, x, to);
}

static void shift(uint8_t *axes, int count)
{
	for (int i = 0; i < count && i < MAX_RANK; i++)
		axes[i]++;
}

/* dot(x, y), which sums over axis 0 of both, in so many products. */
static NodeId split_product(Graph *g, const Node *n, NodeId x, NodeId y, int64_t pieces)
{
	DotAxes d = n->attr.dot;
	NodeId in[2] = {split_first(g, x, pieces), split_first(g, y, pieces)};
	if (!in[0] || !in[1] || n->shape.rank == MAX_RANK)
		return 0;
	shift(d.x_contract, d.contract), shift(d.y_contract, d.contract);
	shift(d.x_batch, d.batch), shift(d.y_batch, d.batch);
	memmove(d.x_batch + 1, d.x_batch, d.batch), memmove(d.y_batch + 1, d.y_batch, d.batch);
	d.x_batch[0] = d.y_batch[0] = 0;
	d.batch++;
	return op_sum(g, op_dot(g, in[0], in[1], d), (Axes){.count = 1, .at = {0}});
}

static NodeId rewrite_product(Graph *g, const Graph *in, const Node *n, const NodeId *map)
{
	const DotAxes *d = &n->attr.dot;
	int64_t steps = 1, pieces = pieces_of_samples(node(in, n->in[0])->shape.dim[0]);
	bool first = false;
	for (int i = 0; i < d->contract; i++) {
		steps *= node(in, n->in[0])->shape.dim[d->x_contract[i]];
		first |= d->x_contract[i] == 0 && d->y_contract[i] == 0;
	}
	if (!first || d->contract < 2 || !pieces || steps < LONG_SUM || d->batch ||
	    pieces * shape_size(n->shape) > PIECES * SMALL_RESULT)
		return 0;
	return split_product(g, n, map[n->in[0]], map[n->in[1]], pieces);
}

/* -- Scatters ---------------------------------------------------------------------------------- */

enum { SHORT_SUM = 16 }; /* terms whose running sum is as good as any other sum */

static NodeId widen_scatter(Graph *g, const Graph *in, const Node *n, const NodeId *map)
{
	if (n->type != DTYPE_f32 || shape_size(node(in, n->in[1])->shape) <= SHORT_SUM)
		return 0;
	NodeId x = op_cast(g, map[n->in[0]], DTYPE_f64);
	NodeId sum = op_scatter_add(g, x, map[n->in[1]], map[n->in[2]], n->attr.axis);
	return op_cast(g, sum, DTYPE_f32);
}

enum {
	FEW_COLUMNS = 256,       /* of which a tile has 64 at least (schedule/tile.c) */
	LARGE_COLUMNS = 1 << 18, /* elements, that are worth two kernels */
	MANY_ROWS = 16,          /* of a sample: what is stored between the sums is a fraction */
};

/* -- Sums over windows, and over the samples --------------------------------------------------- */

/* A depth-wise convolution's gradient by its weights: a sum for each sample, whose windows are read
 * from a cache, then one over the samples. */
static bool sums_windows_of_samples(const Graph *in, const Node *n)
{
	if (!sums_windows(in, n))
		return false;
	const Node *product = node(in, n->in[0]);
	return n->attr.axes.count > 1 && n->attr.axes.at[0] == 0 && product->shape.dim[0] > 1 &&
	       n->shape.rank < MAX_RANK &&
	       2 * shape_size(n->shape) * product->shape.dim[0] <= shape_size(product->shape);
}

/* A large sum over all axes but the last, of few columns: tiles of columns would be few. */
static bool sums_to_columns(const Graph *in, const Node *n)
{
	if (n->op != OP_sum || n->shape.rank != 1)
		return false;
	Shape from = node(in, n->in[0])->shape;
	if (from.rank < 3 || n->attr.axes.at[n->attr.axes.count - 1] != from.rank - 2)
		return false;
	int64_t samples = from.dim[0], columns = n->shape.dim[0];
	return columns <= FEW_COLUMNS && samples >= PIECES && shape_size(from) >= LARGE_COLUMNS &&
	       shape_size(from) >= MANY_ROWS * samples * columns;
}

static NodeId sum_each_sample(Graph *g, const Node *n, NodeId x)
{
	Axes inner = {.count = (uint8_t)(n->attr.axes.count - 1)}, first = {.count = 1};
	for (int i = 0; i < inner.count; i++)
		inner.at[i] = n->attr.axes.at[i + 1];
	return op_sum(g, op_sum(g, x, inner), first);
}

/* -- Axes that take turns ----------------------------------------------------------------------- */

enum {
	NARROW = 8, /* elements of a last axis: as much as a vector of the whole sum would hold */
	WORTH_TWO = 1 << 12, /* elements that are worth two sums */
	DEEPEST = 8,         /* operations behind a sum that are looked at */
};

/* x only cuts axes of its operand into windows side by side. */
static bool is_tiling(const Graph *g, const Node *x)
{
	int axis = x->attr.window.axis;
	int64_t size = x->attr.window.size;
	return x->op == OP_windows && x->attr.window.stride == size && x->attr.window.dilation == 1 &&
	       x->shape.dim[axis] * size == node(g, x->in[0])->shape.dim[axis];
}

/* What lies in memory as x does. */
static NodeId under_tilings(const Graph *g, NodeId x)
{
	for (const Node *n = node(g, x); n->op == OP_reshape || is_tiling(g, n); n = node(g, x))
		x = n->in[0];
	return x;
}

/* Whether x is as well stored: it has as many elements as what it is made of. */
static bool stores_well(const Graph *g, NodeId x, int depth)
{
	const Node *n = node(g, x);
	if (n->op == OP_windows)
		return false;
	if (n->op == OP_broadcast)
		return shape_size(n->shape) < 2 * shape_size(node(g, n->in[0])->shape);
	if (op_info[n->op].kind != MAP || depth == 0)
		return true;
	bool windows = false, some = false;
	for (int i = 0; i < n->count; i++) {
		windows |= under_windows(g, n->in[i]) != n->in[i];
		some |= stores_well(g, n->in[i], depth - 1);
	}
	return some && !windows;
}

/* Of [.. K S C], where S is summed, C stays, and some axes before K are summed: the first axis of K;
 * 0: there are no such. There may be no C. */
static int turn_of(const Node *n, Shape from)
{
	bool gone[MAX_RANK] = {false};
	for (int i = 0; i < n->attr.axes.count; i++)
		gone[n->attr.axes.at[i]] = true;
	int at = from.rank;
	while (at > 0 && !gone[at - 1])
		at--;
	while (at > 0 && gone[at - 1])
		at--;
	while (at > 0 && !gone[at - 1])
		at--;
	return at;
}

static bool takes_turns(const Graph *in, const Node *n)
{
	if (op_info[n->op].kind != REDUCE || n->type == DTYPE_bf16)
		return false;
	Shape from = node(in, n->in[0])->shape;
	int turn = turn_of(n, from);
	return turn > 0 && from.dim[from.rank - 1] < NARROW && shape_size(from) >= WORTH_TWO &&
	       stores_well(in, under_tilings(in, n->in[0]), DEEPEST);
}

static NodeId fold(Graph *g, const Node *n, NodeId x, Axes axes)
{
	return n->op == OP_sum ? op_sum(g, x, axes) : op_reduce_max(g, x, axes);
}

/* Over the axes before the turn, of rows that are all that follows; then over the others. */
static NodeId fold_in_turn(Graph *g, const Node *n, Shape from, NodeId x)
{
	int turn = turn_of(n, from);
	Axes first = {.count = 0}, rest = {.count = 0};
	Shape rows = {.rank = (uint8_t)(turn + 1)}, left = {.rank = 0};
	rows.dim[turn] = 1;
	for (int i = 0, a = 0; i < from.rank; i++) {
		bool gone = a < n->attr.axes.count && n->attr.axes.at[a] == i;
		a += gone;
		if (i < turn)
			rows.dim[i] = from.dim[i];
		else
			rows.dim[turn] *= from.dim[i];
		if (gone && i < turn) {
			first.at[first.count++] = (uint8_t)i;
			continue;
		}
		if (gone)
			rest.at[rest.count++] = left.rank;
		left.dim[left.rank++] = from.dim[i];
	}
	NodeId folded = fold(g, n, op_reshape(g, x, rows), first);
	return fold(g, n, op_reshape(g, folded, left), rest);
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (n->op == OP_scatter_add)
		return widen_scatter(out, in, n, map);
	if (n->op == OP_dot && dot_is_windowed(in, n))
		return rewrite_product(out, in, n, map);
	if (sums_windows_of_samples(in, n) || sums_to_columns(in, n))
		return sum_each_sample(out, n, map[n->in[0]]);
	if (takes_turns(in, n))
		return fold_in_turn(out, n, node(in, n->in[0])->shape, map[under_tilings(in, n->in[0])]);
	if (op_info[n->op].kind != REDUCE || n->shape.rank != 0)
		return 0;
	NodeId from = map[n->in[0]];
	int64_t size = shape_size(node(out, from)->shape), pieces = pieces_of(size);
	if (size < LARGE || pieces == 1)
		return 0;
	NodeId rows = op_reshape(out, from, SHAPE(pieces, size / pieces));
	Axes last = {.count = 1, .at = {1}}, all = {.count = 1};
	if (n->op == OP_sum)
		return op_sum(out, op_sum(out, rows, last), all);
	return op_reduce_max(out, op_reduce_max(out, rows, last), all);
}

Graph *pass_split(Compile *c, const Graph *in)
{
	return rebuild(c, in, rewrite);
}
