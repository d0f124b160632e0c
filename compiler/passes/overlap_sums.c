/* overlap_sums.c: overlap_add of anything but a product: a few shifted sums.
 *
 * Places [g stride, (g + 1) stride) of all windows lie side by side, those of the next g one window
 * further on. So the sum is made of blocks of `stride` places, [positions + groups - 1, stride],
 * and merged in the end. A chain of overlap_adds (one an axis of space) is one sum over all groups
 * of all axes: one kernel. Dilated windows: every place is shifted by itself. */
#include "passes.h"

enum { MOST = 3, MOST_TERMS = 16 /* of a chain; more are fewer axis by axis */ };

typedef struct Fold { /* one overlap_add of a chain */
	int axis;         /* of the source: the positions; the places are the next */
	int64_t stride, places, positions, length, groups;
} Fold;

typedef struct Chain {
	Graph *g;
	NodeId source;
	Fold fold[MOST];
	int folds;
} Chain;

/* -- Dilated windows --------------------------------------------------------------------------- */

static NodeId place_of(Graph *g, NodeId x, const Node *n, int64_t place)
{
	int axis = (int)n->attr.window.axis;
	int64_t stride = n->attr.window.stride, dilation = n->attr.window.dilation;
	Shape s = node(g, x)->shape, to = {.rank = (uint8_t)(s.rank - 1)};
	int64_t start[MAX_RANK] = {0}, step[MAX_RANK];
	int64_t low[MAX_RANK] = {0}, high[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	for (int i = 0; i < s.rank; i++)
		step[i] = 1;
	for (int i = 0; i < to.rank; i++)
		to.dim[i] = s.dim[i <= axis ? i : i + 1];
	start[axis + 1] = place, s.dim[axis + 1] = place + 1;
	low[axis] = place * dilation, inner[axis] = stride - 1;
	high[axis] = n->attr.window.length - low[axis] - (to.dim[axis] - 1) * stride - 1;
	return op_pad(g, op_reshape(g, op_slice(g, x, start, s.dim, step), to), low, high, inner, 0);
}

static NodeId sum_of_places(Graph *g, NodeId x, const Node *n)
{
	int64_t places = node(g, x)->shape.dim[n->attr.window.axis + 1];
	NodeId sum = place_of(g, x, n, 0);
	for (int64_t i = 1; i < places; i++)
		sum = op_add(g, sum, place_of(g, x, n, i));
	return sum;
}

/* -- Blocks ------------------------------------------------------------------------------------ */

/* Takes n into the chain, whose axes are then those of n's operand; false: it must stand alone. */
static bool take(Chain *c, const Graph *in, const Node *n)
{
	int axis = (int)n->attr.window.axis;
	if (n->op != OP_overlap_add || n->attr.window.dilation != 1 || c->folds == MOST)
		return false;
	Shape from = node(in, n->in[0])->shape;
	int64_t stride = n->attr.window.stride;
	int64_t groups = (from.dim[axis + 1] + stride - 1) / stride, terms = groups;
	for (int i = 0; i < c->folds; i++) {
		terms *= c->fold[i].groups;
		if (c->fold[i].axis == axis || c->fold[i].axis + 1 == axis || terms > MOST_TERMS)
			return false;
	}
	for (int i = 0; i < c->folds; i++)
		c->fold[i].axis += c->fold[i].axis > axis;
	c->fold[c->folds++] = (Fold){.axis = axis,
	                             .groups = groups,
	                             .stride = stride,
	                             .places = from.dim[axis + 1],
	                             .positions = from.dim[axis],
	                             .length = n->attr.window.length};
	return true;
}

/* The places of one group of every axis, where they belong among the blocks. */
static NodeId shifted(Chain *c, const int64_t *group)
{
	Shape stop = node(c->g, c->source)->shape;
	int64_t start[MAX_RANK] = {0}, step[MAX_RANK];
	int64_t low[MAX_RANK] = {0}, high[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	for (int i = 0; i < stop.rank; i++)
		step[i] = 1;
	for (int i = 0; i < c->folds; i++) {
		const Fold *f = &c->fold[i];
		int64_t from = group[i] * f->stride, to = from + f->stride;
		to = to < f->places ? to : f->places;
		start[f->axis + 1] = from, stop.dim[f->axis + 1] = to;
		high[f->axis + 1] = f->stride - (to - from);
		low[f->axis] = group[i], high[f->axis] = f->groups - 1 - group[i];
	}
	NodeId part = op_slice(c->g, c->source, start, stop.dim, step);
	return op_pad(c->g, part, low, high, inner, 0);
}

static NodeId sum_of_groups(Chain *c)
{
	int64_t group[MOST] = {0};
	NodeId sum = 0;
	for (;;) {
		NodeId part = shifted(c, group);
		sum = sum ? op_add(c->g, sum, part) : part;
		int i = 0;
		while (i < c->folds && ++group[i] == c->fold[i].groups)
			group[i++] = 0;
		if (i == c->folds)
			return sum;
	}
}

/* [.., blocks, stride, ..] -> [.., length, ..] */
static NodeId merge(Chain *c, NodeId x)
{
	Shape from = node(c->g, x)->shape, to = {.rank = 0};
	int64_t start[MAX_RANK] = {0}, step[MAX_RANK], stop[MAX_RANK];
	int64_t low[MAX_RANK] = {0}, high[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	for (int i = 0; i < from.rank; i++) {
		const Fold *f = NULL;
		for (int j = 0; j < c->folds; j++)
			f = c->fold[j].axis == i ? &c->fold[j] : f;
		int at = to.rank++;
		int64_t size = f ? from.dim[i] * from.dim[i + 1] : from.dim[i],
		        length = f ? f->length : size;
		to.dim[at] = size;
		step[at] = 1, stop[at] = length < size ? length : size;
		high[at] = length - stop[at];
		i += f != NULL;
	}
	x = op_reshape(c->g, x, to);
	return op_pad(c->g, op_slice(c->g, x, start, stop, step), low, high, inner, 0);
}

NodeId overlap_sums(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (n->attr.window.dilation != 1)
		return sum_of_places(out, map[n->in[0]], n);
	Chain c = {.g = out};
	NodeId source = x;
	while (take(&c, in, node(in, source)))
		source = node(in, source)->in[0];
	c.source = map[source];
	return merge(&c, sum_of_groups(&c));
}
