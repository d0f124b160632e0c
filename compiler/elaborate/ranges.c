/* ranges.c: which values of the data's fields the graphs can tell apart as integers.
 *
 * In: the graphs of a bundle. Out: a Range wherever an input, as it is or seen through views, casts,
 * gathers and scans, is compared with the index along an axis (one_hot) or looks something up (gather):
 * values outside would be no error there, but a class that no sample has, or another row. What is
 * computed from the field first (label % 10, min(label, 9)) is not followed. */
#include "elaborate.h"

#include <string.h>

/* Of an axis: first, first + step, ..., count of them; step > 0. */
typedef struct Along {
	int64_t first, step, count;
} Along;

/* Elements of a node that its users tell apart, the values below which they do, and where. */
typedef struct Limit {
	Along along[MAX_RANK];
	int64_t below;
	Span origin;
	const struct Limit *next; /* other elements, or the same */
} Limit;

enum { MOST_LIMITS = 256 }; /* of a node; of more, all of it must be below the least */

static bool keeps_values(Op op)
{
	return op == OP_reshape || op == OP_broadcast || op == OP_transpose || op == OP_slice ||
	       op == OP_cast || op == OP_stop_gradient;
}

/* The node whose values x has. */
static NodeId source(const Graph *g, NodeId x)
{
	while (keeps_values(node(g, x)->op))
		x = node(g, x)->in[0];
	return x;
}

/* How many operands, from the first on, the elements of n are taken from; 0: they are computed. */
static int taken_from(const Node *n)
{
	if (n->op == OP_cast)
		return n->type == DTYPE_bool ? 0 : 1;
	if (n->op == OP_stop_gradient || op_info[n->op].kind == GATHER)
		return 1;
	return op_info[n->op].kind == VIEW ? n->count : 0;
}

/* The place among operands that is read by value, and the values that it can have; -1: none. */
static int ranged(const Graph *g, const Node *n, int64_t *below)
{
	if (n->op == OP_gather || n->op == OP_scatter_add) {
		*below = node(g, n->in[0])->shape.dim[n->attr.axis];
		return 1;
	}
	for (int i = 0; n->op == OP_equal && i < 2; i++) {
		const Node *index = node(g, source(g, n->in[1 - i]));
		if (index->op != OP_iota)
			continue;
		*below = index->shape.dim[index->attr.axis];
		return i;
	}
	return -1;
}

/* -- Which elements --------------------------------------------------------------------------- */

static void all_of(Shape s, Along *to)
{
	for (int a = 0; a < MAX_RANK; a++)
		to[a] = a < s.rank ? (Along){0, 1, s.dim[a]} : (Along){0};
}

static bool is_same(const Along *x, const Along *y)
{
	return memcmp(x, y, MAX_RANK * sizeof *x) == 0;
}

/* Those of x that lie in [shift, shift + length), from shift on; false: none. */
static bool cut(Along *x, int64_t shift, int64_t length)
{
	int64_t first = x->first - shift, skipped = first < 0 ? (-first + x->step - 1) / x->step : 0;
	first += skipped * x->step;
	int64_t left = x->count - skipped,
	        fit = first < length ? (length - 1 - first) / x->step + 1 : 0;
	*x = (Along){first, x->step, left < fit ? left : fit};
	if (x->count == 1)
		x->step = 1;
	return x->count > 0;
}

static Along sliced(Along x, int64_t start, int64_t step)
{
	int64_t from = start + x.first * step, by = x.step * step;
	if (by < 0)
		from += (x.count - 1) * by;
	return (Along){from, x.count == 1 ? 1 : by < 0 ? -by : by, x.count};
}

/* Of n's operand i the elements that `from` of n are, or more; false: none. */
static bool read_of(const Graph *g, const Node *n, int i, const Along *from, Along *to)
{
	const Attr *at = &n->attr;
	Shape s = node(g, n->in[i])->shape;
	bool some = true;
	all_of(s, to);
	if (n->op == OP_cast || n->op == OP_stop_gradient) {
		memcpy(to, from, MAX_RANK * sizeof *to);
		return true;
	}
	for (int a = 0; a < n->shape.rank; a++) {
		int of = operand_axis(g, n, i, a);
		if (n->op == OP_slice)
			to[a] = sliced(from[a], at->slice.start[a], at->slice.step[a]);
		else if (n->op == OP_pad && at->pad.inner[a] == 0)
			some &= cut(memcpy(&to[a], &from[a], sizeof *to), at->pad.low[a], s.dim[a]);
		else if (n->op == OP_concat && a == (int)at->axis)
			continue;
		else if (of >= 0 && s.dim[of] == n->shape.dim[a])
			to[of] = from[a];
	}
	if (n->op != OP_concat)
		return some;
	int64_t before = 0;
	for (int k = 0; k < i; k++)
		before += node(g, n->in[k])->shape.dim[at->axis];
	to[at->axis] = from[at->axis];
	return cut(&to[at->axis], before, s.dim[at->axis]);
}

/* -- Limits from users back -------------------------------------------------------------------- */

static void add_limit(Arena *a, const Limit **list, Limit more)
{
	int count = 0;
	int64_t least = more.below;
	for (const Limit *l = *list; l; l = l->next, count++) {
		if (is_same(l->along, more.along) && l->below <= more.below)
			return;
		least = l->below < least ? l->below : least;
	}
	more.next = *list;
	if (count == MOST_LIMITS) { /* as if it were all of what is there */
		more.below = least;
		more.next = NULL;
	}
	Limit *kept = new (a, Limit);
	*kept = more;
	*list = kept;
}

static void find_limits(const Graph *g, const Limit **limit);

/* What the body of a scan tells apart of the scan's operands: of sequences, at every step. */
static void body_limits(const Graph *g, const Node *scan, const Limit **limit)
{
	const Region *r = scan->attr.region;
	const Limit **inner = arena_array(g->c->arena, r->body->count, sizeof *inner);
	find_limits(r->body, inner);
	for (NodeId x = 1; x < r->body->count; x++) {
		const Node *n = node(r->body, x);
		int i = n->op == OP_input ? region_operand(r, scan->count, n->attr.name) : -1;
		for (const Limit *l = i >= 0 ? inner[x] : NULL; l; l = l->next) {
			Limit of = {.below = l->below, .origin = l->origin};
			Shape s = node(g, scan->in[i])->shape;
			all_of(s, of.along);
			memcpy(of.along + (s.rank - n->shape.rank), l->along,
			       (size_t)n->shape.rank * sizeof *l->along);
			add_limit(g->c->arena, &limit[scan->in[i]], of);
		}
	}
}

/* From the last node to the first, so that a node's users have been seen. */
static void find_limits(const Graph *g, const Limit **limit)
{
	for (NodeId x = g->count - 1; x > 0; x--) {
		const Node *n = node(g, x);
		Limit of = {.origin = n->origin};
		int at = ranged(g, n, &of.below);
		if (at >= 0) {
			all_of(node(g, n->in[at])->shape, of.along);
			add_limit(g->c->arena, &limit[n->in[at]], of);
		}
		for (int i = 0; i < taken_from(n); i++)
			for (const Limit *l = limit[x]; l; l = l->next) {
				of = *l;
				if (read_of(g, n, i, l->along, of.along))
					add_limit(g->c->arena, &limit[n->in[i]], of);
			}
		if (n->op == OP_scan)
			body_limits(g, n, limit);
	}
}

/* -- Ranges of fields -------------------------------------------------------------------------- */

static void add_range(Bundle *b, Arena *a, Range r)
{
	for (size_t i = 0; i < b->range_count; i++) {
		const Range *old = &b->range[i];
		if (old->field == r.field && old->below <= r.below &&
		    memcmp(&old->part, &r.part, sizeof r.part) == 0)
			return;
	}
	if (b->range_count == b->range_capacity) {
		b->range_capacity = 2 * b->range_capacity + 8;
		Range *more = new_array(a, Range, b->range_capacity);
		for (size_t i = 0; i < b->range_count; i++)
			more[i] = b->range[i];
		b->range = more;
	}
	b->range[b->range_count++] = r;
}

/* Of a sample: without the axis of the batch. */
static RangePart part_of_sample(const Limit *l, Shape s)
{
	RangePart p = {0};
	for (int a = 1; a < s.rank; a++)
		if (l->along[a].count < s.dim[a]) {
			p.first[a - 1] = l->along[a].first;
			p.step[a - 1] = l->along[a].step;
			p.count[a - 1] = l->along[a].count;
		}
	return p;
}

static void graph_ranges(Bundle *b, const Graph *g)
{
	const Limit **limit = arena_array(g->c->arena, g->count, sizeof *limit);
	find_limits(g, limit);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		for (size_t i = 0; n->op == OP_input && i < b->data.count; i++) {
			if (b->data.field[i].type == DTYPE_u8 ||
			    strcmp(b->data.field[i].name, n->attr.name) != 0)
				continue;
			for (const Limit *l = limit[x]; l; l = l->next)
				add_range(b, g->c->arena,
				          (Range){i, g->name, l->below, l->origin, part_of_sample(l, n->shape)});
		}
	}
}

void find_ranges(Bundle *b)
{
	for (size_t i = 0; i < b->graph_count; i++)
		graph_ranges(b, b->graph[i]);
}
