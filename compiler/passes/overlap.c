/* overlap.c: the adjoint of windows becomes a product over windows again, or a few shifted sums.
 *
 * Expects: overlap_add of anything. Promises: none is left; a convolution's gradient by its input
 * never makes the tensor of all windows. With y the adjoint of a convolution's result,
 *   overlap_add(dot(y, w))[i] = sum over k of y[(i - k dilation) / stride] w[k],
 * which is a product of windows of the padded y with w turned round. A stride above 1 gives one
 * such product for each phase i mod stride, of those places of w that meet it (sub-pixel
 * convolution, Shi et al. 2016, read backwards); no zeros between are multiplied. Of those around y
 * some may be, but none is a term (codegen/kernel_contract_edge.c): an infinite w counts where it meets
 * y. Where there is no dot: overlap_sums.c. Grows by a few nodes a stride. */
#include "passes.h"

#include <string.h>

enum { MOST = 3 }; /* overlap_adds in a chain: one an axis of space */

/* One overlap_add of a chain, by axes of the dot and of its operands. */
typedef struct Step {
	int64_t stride, dilation, length, places, positions;
	int d_axis; /* of the chain's source: the positions; the places are the next */
	int y_axis; /* of the operand that has the positions */
	int w_axis; /* of the operand that has the places */
	int place;  /* in that operand after windows: the places */
	/* of the present phase: */
	int64_t phase, count, size;
} Step;

typedef struct Chain {
	Graph *out;
	Step step[MOST];
	int steps;
	Axes order;  /* axis i of the source is axis order.at[i] of the dot's result */
	NodeId y, w; /* in `out` */
	DotAxes dot; /* of the dot, in the axes of these */
	bool y_is_x; /* y is the dot's first operand */
} Chain;

/* -- Along one axis ---------------------------------------------------------------------------- */

static NodeId slice_axis(Graph *g, NodeId x, int axis, int64_t from, int64_t to, int64_t by)
{
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < node(g, x)->shape.rank; i++)
		stop[i] = node(g, x)->shape.dim[i], step[i] = 1;
	start[axis] = from, stop[axis] = to, step[axis] = by;
	return op_slice(g, x, start, stop, step);
}

static NodeId pad_axis(Graph *g, NodeId x, int axis, int64_t low, int64_t high, int64_t inner)
{
	int64_t lows[MAX_RANK] = {0}, highs[MAX_RANK] = {0}, inners[MAX_RANK] = {0};
	lows[axis] = low, highs[axis] = high, inners[axis] = inner;
	return op_pad(g, x, lows, highs, inners, 0);
}

/* -- Finding the product ----------------------------------------------------------------------- */

/* Where axis `axis` of a dot's result comes from: side 0 or 1, or -1 for a batch axis. */
static int side_of(const Graph *g, const Node *dot, int axis, int *operand_axis)
{
	const DotAxes *d = &dot->attr.dot;
	int at = d->batch;
	for (int side = 0; side < 2; side++) {
		const uint8_t *batch = side ? d->y_batch : d->x_batch;
		const uint8_t *contract = side ? d->y_contract : d->x_contract;
		Shape s = node(g, dot->in[side])->shape;
		for (int i = 0; i < s.rank; i++) {
			if (memchr(batch, i, d->batch) || memchr(contract, i, d->contract))
				continue;
			*operand_axis = i;
			if (at++ == axis)
				return side;
		}
	}
	return -1;
}

/* Takes y in the order in which it lies, where a transpose moved only axes that are not free: batch
 * axes to the front, say. So the channels of a depth-wise convolution stay innermost. */
static void look_through_transpose(Chain *c)
{
	const Node *t = node(c->out, c->y);
	if (!dot_through_transpose(t, c->y_is_x ? 0 : 1, &c->dot))
		return;
	for (int i = 0; i < c->steps; i++)
		c->step[i].y_axis = t->attr.axes.at[c->step[i].y_axis];
	c->y = t->in[0];
}

/* Follows overlap_adds, then at most one transpose, to a dot of which one side has all positions
 * and the other all places. */
static bool find_chain(Chain *c, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	for (; n->op == OP_overlap_add; n = node(in, n->in[0])) {
		if (c->steps == MOST)
			return false;
		Shape from = node(in, n->in[0])->shape;
		int axis = (int)n->attr.window.axis;
		for (int i = 0; i < c->steps; i++) { /* the axes of the ones outside, seen from in here */
			if (c->step[i].d_axis == axis)
				return false;
			c->step[i].d_axis += c->step[i].d_axis > axis;
		}
		c->step[c->steps++] = (Step){.stride = n->attr.window.stride,
		                             .dilation = n->attr.window.dilation,
		                             .length = n->attr.window.length,
		                             .positions = from.dim[axis],
		                             .places = from.dim[axis + 1],
		                             .d_axis = axis};
		x = n->in[0];
	}
	c->order.count = n->shape.rank;
	for (uint8_t i = 0; i < n->shape.rank; i++)
		c->order.at[i] = n->op == OP_transpose ? n->attr.axes.at[i] : i;
	if (n->op == OP_transpose) {
		x = n->in[0];
		n = node(in, x);
	}
	if (n->op != OP_dot)
		return false;
	for (int i = 0; i < c->steps; i++) {
		Step *s = &c->step[i];
		int y = side_of(in, n, c->order.at[s->d_axis], &s->y_axis);
		int w = side_of(in, n, c->order.at[s->d_axis + 1], &s->w_axis);
		if (y < 0 || w != 1 - y || (i && c->y_is_x != (y == 0)))
			return false;
		c->y_is_x = y == 0;
	}
	c->dot = n->attr.dot;
	c->y = map[n->in[c->y_is_x ? 0 : 1]];
	c->w = map[n->in[c->y_is_x ? 1 : 0]];
	look_through_transpose(c);
	return node(in, n->in[c->y_is_x ? 0 : 1])->shape.rank + c->steps <= MAX_RANK;
}

/* -- The product of one phase ------------------------------------------------------------------ */

static bool has_phases(const Step *s)
{
	return s->stride > 1 && s->dilation == 1;
}

/* Pads y for the windows that meet this phase, and turns w round; false: no place of w meets it. */
static bool prepare(Chain *c, Step *s, NodeId *y, NodeId *w)
{
	Graph *g = c->out;
	if (!has_phases(s)) {
		int64_t reach = (s->places - 1) * s->dilation;
		*y = pad_axis(g, *y, s->y_axis, reach, s->length - 1 - (s->positions - 1) * s->stride,
		              s->stride - 1);
		*w = slice_axis(g, *w, s->w_axis, s->places - 1, -1, -1);
		s->count = s->length;
		s->size = s->places;
		return true;
	}
	if (s->phase >= s->places)
		return false;
	s->size = (s->places - s->phase + s->stride - 1) / s->stride;
	s->count = (s->length - s->phase + s->stride - 1) / s->stride;
	int64_t last = s->phase + s->stride * (s->size - 1);
	*w = slice_axis(g, *w, s->w_axis, last, s->phase - 1, -s->stride);
	*y = pad_axis(g, *y, s->y_axis, s->size - 1, s->count - s->positions, 0);
	return true;
}

/* All windows, those of the last axis first, so that earlier axes stay where they are. */
static bool make_windows(Chain *c, NodeId *y, NodeId *w, int *shift)
{
	memset(shift, 0, MAX_RANK * sizeof *shift);
	for (int i = 0; i < c->steps; i++)
		if (!prepare(c, &c->step[i], y, w))
			return false;
	bool done[MOST] = {false};
	for (int turn = 0; turn < c->steps; turn++) {
		int last = -1;
		for (int i = 0; i < c->steps; i++)
			if (!done[i] && (last < 0 || c->step[i].y_axis > c->step[last].y_axis))
				last = i;
		done[last] = true;
		Step *s = &c->step[last];
		*y = op_windows(c->out, *y, s->y_axis, s->size, 1, has_phases(s) ? 1 : s->dilation);
		s->place = s->y_axis + 1;
		for (int i = 0; i < c->steps; i++)
			if (c->step[i].y_axis > s->y_axis)
				c->step[i].place++;
		for (int i = s->y_axis + 1; i < MAX_RANK; i++)
			shift[i]++;
	}
	return true;
}

/* From the new dot's result to the axes of the chain's: those of the source without the places. */
static NodeId arrange(const Chain *c, NodeId x)
{
	Axes order = {0};
	bool same = true;
	for (int i = 0; i < c->order.count; i++) {
		int at = c->order.at[i], gone = 0;
		bool is_place = false;
		for (int j = 0; j < c->steps; j++) {
			is_place |= i == c->step[j].d_axis + 1;
			gone += c->order.at[c->step[j].d_axis + 1] < at;
		}
		if (is_place)
			continue;
		same &= at - gone == order.count;
		order.at[order.count++] = (uint8_t)(at - gone);
	}
	return same ? x : op_transpose(c->out, x, order);
}

/* The axis that step i makes in the chain's result. */
static int result_axis(const Chain *c, int i)
{
	int axis = c->step[i].d_axis;
	for (int j = 0; j < c->steps; j++)
		axis -= c->step[j].d_axis < c->step[i].d_axis;
	return axis;
}

static NodeId product(Chain *c)
{
	Graph *g = c->out;
	NodeId y = c->y, w = c->w;
	int shift[MAX_RANK];
	if (!make_windows(c, &y, &w, shift))
		return 0;
	DotAxes from = c->dot, to = {.batch = from.batch};
	uint8_t *y_batch = c->y_is_x ? to.x_batch : to.y_batch;
	uint8_t *y_contract = c->y_is_x ? to.x_contract : to.y_contract;
	uint8_t *w_contract = c->y_is_x ? to.y_contract : to.x_contract;
	const uint8_t *old_batch = c->y_is_x ? from.x_batch : from.y_batch;
	const uint8_t *old_y = c->y_is_x ? from.x_contract : from.y_contract;
	const uint8_t *old_w = c->y_is_x ? from.y_contract : from.x_contract;
	memcpy(to.x_batch, from.x_batch, sizeof to.x_batch);
	memcpy(to.y_batch, from.y_batch, sizeof to.y_batch);
	for (int i = 0; i < from.batch; i++)
		y_batch[i] = (uint8_t)(old_batch[i] + shift[old_batch[i]]);
	for (int i = c->steps - 1; i >= 0; i--) {
		y_contract[to.contract] = (uint8_t)c->step[i].place;
		w_contract[to.contract++] = (uint8_t)c->step[i].w_axis;
	}
	for (int i = 0; i < from.contract; i++) {
		y_contract[to.contract] = (uint8_t)(old_y[i] + shift[old_y[i]]);
		w_contract[to.contract++] = old_w[i];
	}
	NodeId x = c->y_is_x ? op_dot(g, y, w, to) : op_dot(g, w, y, to);
	x = arrange(c, x);
	for (int i = 0; i < c->steps; i++) {
		const Step *s = &c->step[i];
		if (has_phases(s))
			x = pad_axis(g, x, result_axis(c, i), s->phase,
			             s->length - 1 - s->phase - (s->count - 1) * s->stride, s->stride - 1);
	}
	return x;
}

static int64_t phases(const Step *s)
{
	return has_phases(s) ? s->stride : 1;
}

/* The sum over all phases of all steps; those of the last step are counted fastest. */
static NodeId each_phase(Chain *c)
{
	NodeId sum = 0;
	int64_t count = 1;
	for (int i = 0; i < c->steps; i++)
		count *= phases(&c->step[i]);
	for (int64_t n = 0; n < count; n++) {
		int64_t rest = n;
		for (int i = c->steps - 1; i >= 0; i--) {
			c->step[i].phase = rest % phases(&c->step[i]);
			rest /= phases(&c->step[i]);
		}
		NodeId x = product(c);
		sum = sum && x ? op_add(c->out, sum, x) : sum ? sum : x;
	}
	return sum;
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (n->op != OP_overlap_add)
		return 0;
	Chain c = {.out = out};
	if (find_chain(&c, in, x, map))
		return each_phase(&c);
	return overlap_sums(out, in, x, map);
}

Graph *pass_overlap(Compile *c, const Graph *in)
{
	return rebuild_of(c, in, OP_overlap_add, rewrite);
}
