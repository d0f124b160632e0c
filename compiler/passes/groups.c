/* groups.c: a product over windows whose groups have few channels (a grouped convolution, and its gradients).
 *
 * As a product each group is a matrix of so few columns that most lanes are empty. But all groups lie side by side:
 * where each group's channel is spread over its outputs,
 *     y[place, group, out] = sum over window, part of x[place + window, group, part] w[window, part, group, out]
 * is a depth-wise convolution of group x out channels, summed over the parts, too: a sum of products, whose lanes run
 * along all of them. What is spread has no buffer (reshape_is_spread; codegen/spread.c). */
#include "machine/machine.h"
#include "passes.h"

#include <string.h>

enum { MOST_CHAIN = 4 /* windows of windows */ };

/* Where a product's operands have their axes: x over windows [..., group, part], y [..., group, out]. */
typedef struct Groups {
	DotAxes d;
	NodeId x, y;
	bool y_first; /* in the product */
	int64_t groups, outs;
	bool parts;                      /* x has an axis of parts */
	const Node *windows[MOST_CHAIN]; /* of x, outermost first; */
	int count;
	NodeId image; /* what they go over */
} Groups;

/* The windows that x is, on axes before those of the groups. */
static bool find_windows(const Graph *g, Groups *s)
{
	const Node *n = node(g, s->image = s->x);
	for (; n->op == OP_windows; n = node(g, s->image)) {
		int before = n->shape.rank - 1 - s->parts; /* of the group */
		if (s->count == MOST_CHAIN || (int)n->attr.window.axis + 1 >= before)
			return false;
		s->windows[s->count++] = n;
		s->image = n->in[0];
	}
	return s->count > 0;
}

/* The only axis of y that is neither a group's nor summed; -1: there is none, and a group has one output. */
static int free_axis(Shape y, const DotAxes *d)
{
	for (int i = 0; i < y.rank; i++)
		if (i != d->y_batch[0] && !memchr(d->y_contract, i, d->contract))
			return i;
	return -1;
}

/* Lanes of a group alone, and of all groups together, that are used. */
static bool is_worth_it(const Machine *m, const Groups *s, int64_t parts)
{
	enum { MOST_OUTS = 8, MOST_PARTS = 4 /* for an output: vectors that are loaded for one */ };
	int64_t lanes = m->vector_bits / 32, all = s->groups * s->outs;
	bool power = s->outs == 1 || s->outs == 2 || s->outs == 4 || s->outs == 8;
	return power && 2 * s->outs <= lanes && (all >= lanes || s->groups >= 3) &&
	       parts <= MOST_PARTS * s->outs;
}

static bool find_groups(const Graph *g, Groups *s)
{
	const DotAxes *d = &s->d;
	Shape x = node(g, s->x)->shape, y = node(g, s->y)->shape;
	int frees = y.rank - d->contract - 1;
	if (d->batch != 1 || frees < 0 || frees > 1 || node(g, s->x)->type != DTYPE_f32 ||
	    g->c->machine->bare)
		return false;
	int at = d->x_batch[0];
	s->parts = at == x.rank - 2;
	s->groups = x.dim[at], s->outs = frees ? y.dim[free_axis(y, d)] : 1;
	bool sums_parts = s->parts && memchr(d->x_contract, x.rank - 1, d->contract);
	return (s->parts || at == x.rank - 1) && (frees || sums_parts) && find_windows(g, s) &&
	       node(g, s->image)->shape.rank < MAX_RANK &&
	       is_worth_it(g->c->machine, s, s->parts ? x.dim[x.rank - 1] : 1);
}

/* Where the parts go in the image: before the last place, so that windows along it are what is summed innermost; but not
 * to be the first axis, which is taken for samples. */
static int parts_of(const Graph *g, const Groups *s)
{
	int group = node(g, s->image)->shape.rank - 1 - s->parts;
	return group > 1 ? group - 1 : group;
}

/* The image [..., place, group, part] as [..., part, place, group out], each channel of a group for all of its outputs. */
static NodeId spread_image(Graph *g, const Groups *s)
{
	NodeId x = s->image;
	Shape wide = node(g, x)->shape, merged;
	int last = wide.rank - 1, part = parts_of(g, s);
	Axes order = {.count = wide.rank}, all = {.count = wide.rank};
	for (int i = 0; i <= last; i++) {
		all.at[i] = (uint8_t)i;
		order.at[i] = (uint8_t)(i < part ? i : i == part ? last : i - 1);
	}
	x = s->parts ? op_transpose(g, x, order) : x;
	if (s->outs == 1)
		return x;
	wide = merged = node(g, x)->shape;
	wide.dim[wide.rank++] = s->outs;
	merged.dim[last] *= s->outs;
	return op_reshape(g, op_broadcast(g, x, wide, all), merged);
}

/* The windows over that; where each of x's axes is in them. */
static NodeId spread_windows(Graph *g, const Groups *s, uint8_t to[MAX_RANK])
{
	NodeId x = spread_image(g, s);
	int last = node(g, s->x)->shape.rank - 1, part = parts_of(g, s);
	for (int i = s->count - 1; i >= 0; i--) {
		const Node *w = s->windows[i];
		int axis = (int)w->attr.window.axis;
		bool behind = axis >= part;
		part += !behind;
		x = op_windows(g, x, axis + (s->parts && behind), w->attr.window.size,
		               w->attr.window.stride, w->attr.window.dilation);
	}
	for (int i = 0; i < last; i++)
		to[i] = (uint8_t)(i + (s->parts && i >= part));
	to[last] = (uint8_t)(s->parts ? part : last);
	return x;
}

/* y [..., group, out] with its last two axes as one, behind those that are summed, in their order; where these are. */
static NodeId merged_outs(Graph *g, const Groups *s, uint8_t contract[MAX_RANK])
{
	const DotAxes *d = &s->d;
	Shape y = node(g, s->y)->shape, to = {0};
	Axes order = {0};
	int out = free_axis(y, d);
	for (uint8_t i = 0; i < y.rank; i++) {
		const uint8_t *at = memchr(d->y_contract, i, d->contract);
		if (!at)
			continue;
		contract[at - d->y_contract] = order.count;
		to.dim[to.rank++] = y.dim[i];
		order.at[order.count++] = i;
	}
	order.at[order.count++] = d->y_batch[0];
	if (out >= 0)
		order.at[order.count++] = (uint8_t)out;
	to.dim[to.rank++] = s->groups * s->outs;
	return op_reshape(g, op_transpose(g, s->y, order), to);
}

/* [group out, x's free axes as they are in the windows] as the product has them. What is summed has its last axis first
 * there, so that these transposes are one. */
static NodeId as_product(Graph *g, const Groups *s, NodeId z, const uint8_t to[MAX_RANK])
{
	Shape split = {0};
	Axes order = {0}, frees = {0}, back = {.count = node(g, z)->shape.rank};
	int rank = node(g, s->x)->shape.rank, last = back.count - 1;
	for (uint8_t i = 0; i <= last; i++)
		back.at[i] = (uint8_t)((i + 1) % (last + 1));
	z = op_transpose(g, z, back);
	split = node(g, z)->shape;
	split.dim[last] = s->groups;
	if (s->outs > 1)
		split.dim[split.rank++] = s->outs;
	for (uint8_t i = 0; i < rank; i++)
		if (i != s->d.x_batch[0] && !memchr(s->d.x_contract, i, s->d.contract))
			frees.at[frees.count++] = to[i];
	order.at[order.count++] = (uint8_t)last;
	if (s->outs > 1 && s->y_first)
		order.at[order.count++] = (uint8_t)(last + 1);
	for (int i = 0; i < frees.count; i++) {
		uint8_t before = 0;
		for (int j = 0; j < frees.count; j++)
			before += frees.at[j] < frees.at[i];
		order.at[order.count++] = before;
	}
	if (s->outs > 1 && !s->y_first)
		order.at[order.count++] = (uint8_t)(last + 1);
	return op_transpose(g, op_reshape(g, z, split), order);
}

NodeId normalize_groups(Graph *g, NodeId x, NodeId y, const DotAxes *d)
{
	Groups s = {.d = *d, .x = x, .y = y};
	if (!find_groups(g, &s)) {
		s = (Groups){.d = dot_exchanged(d), .x = y, .y = x, .y_first = true};
		if (!find_groups(g, &s))
			return 0;
	}
	uint8_t to[MAX_RANK] = {0};
	DotAxes all = {.batch = 1, .contract = s.d.contract};
	NodeId windows = spread_windows(g, &s, to);
	NodeId outs = merged_outs(g, &s, all.y_contract);
	for (int i = 0; i < all.contract; i++)
		all.x_contract[i] = to[s.d.x_contract[i]];
	all.x_batch[0] = to[s.d.x_batch[0]];
	all.y_batch[0] = (uint8_t)(node(g, outs)->shape.rank - 1);
	return as_product(g, &s, sum_of_products(g, windows, outs, &all), to);
}
