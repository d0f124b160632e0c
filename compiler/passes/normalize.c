/* normalize.c: brings every dot to the form that the schedule expects: one contracted pair, at most
 * one free axis a side; products over windows to theirs (windowed.c); a matrix of long rows by a
 * vector becomes a sum.
 *
 * Expects: any dots. Promises: keeps types and values; the sums run in the same order. Several axes
 * of a group are first put next to each other (a transpose, if they are not), then merged by a
 * reshape; the result is reshaped back. No axis to contract: one of length 1 is added. Grows by a
 * few views a dot. */
#include "passes.h"

#include <string.h>

typedef struct Side {
	Shape shape;
	uint8_t free[MAX_RANK], frees;
	const uint8_t *batch, *contract;
} Side;

static Side side_of(const Node *operand, const uint8_t *batch, int batches, const uint8_t *contract,
                    int contracts)
{
	Side s = {.shape = operand->shape, .batch = batch, .contract = contract};
	for (uint8_t axis = 0; axis < s.shape.rank; axis++)
		if (!memchr(batch, axis, (size_t)batches) && !memchr(contract, axis, (size_t)contracts))
			s.free[s.frees++] = axis;
	return s;
}

static int64_t product(Shape s, const uint8_t *axes, int count)
{
	int64_t size = 1;
	for (int i = 0; i < count; i++)
		size *= s.dim[axes[i]];
	return size;
}

/* Axes that stand in a row already: a reshape alone merges them. */
static bool in_a_row(const uint8_t *axes, int count)
{
	for (int i = 1; i < count; i++)
		if (axes[i] != axes[i - 1] + 1)
			return false;
	return true;
}

/* Where each axis of the merged tensor is: batch[], free (-1: none), contract. */
typedef struct Merged {
	NodeId x;
	uint8_t batch[MAX_RANK];
	uint8_t contract;
} Merged;

/* Groups of axes in the order in which they are to stand. */
typedef struct Group {
	const uint8_t *axes;
	int count;
	int first; /* the axis that the group starts at */
} Group;

static Merged merge(Graph *g, NodeId x, const Side *s, int batches, int contracts)
{
	Group group[MAX_RANK + 2];
	int groups = 0;
	bool rows = in_a_row(s->free, s->frees) && in_a_row(s->contract, contracts);
	for (int i = 0; i < batches; i++)
		group[groups++] = (Group){&s->batch[i], 1, s->batch[i]};
	Group free = {s->free, s->frees, s->frees ? s->free[0] : 0},
	      contract = {s->contract, contracts, contracts ? s->contract[0] : MAX_RANK};
	/* the group with the last axis stays last: where axes have to move, whole rows do */
	bool free_last = s->frees && memchr(s->free, s->shape.rank - 1, s->frees);
	int contract_at = groups + (s->frees && !free_last);
	if (s->frees)
		group[groups + free_last] = free;
	group[contract_at] = contract;
	groups += s->frees ? 2 : 1;
	int place[MAX_RANK + 2]; /* of each group in the merged tensor */
	for (int i = 0; i < groups; i++) {
		place[i] = i;
		if (!rows)
			continue;
		place[i] = 0; /* keep the order that they have: no transpose */
		for (int j = 0; j < groups; j++)
			place[i] += group[j].first < group[i].first;
	}
	Merged m = {.x = x};
	Shape to = {.rank = (uint8_t)groups};
	for (int i = 0; i < groups; i++)
		to.dim[place[i]] = product(s->shape, group[i].axes, group[i].count);
	if (!rows) {
		Axes order = {0};
		for (int i = 0; i < groups; i++)
			for (int j = 0; j < group[i].count; j++)
				order.at[order.count++] = group[i].axes[j];
		m.x = op_transpose(g, m.x, order);
	}
	m.x = op_reshape(g, m.x, to);
	for (int i = 0; i < batches; i++)
		m.batch[i] = (uint8_t)place[i];
	m.contract = (uint8_t)place[contract_at];
	return m;
}

/* -- A matrix by a vector --------------------------------------------------------------------- */

enum { LONG_ROW = 64 }; /* elements, several vectors of them */

static bool leading(const uint8_t *axes, int count)
{
	for (int i = 0; i < count; i++)
		if (axes[i] != i)
			return false;
	return true;
}

/* Rows of a, along which the sum goes, by one vector b a batch: lanes run along the row in a
 * reduction, and nothing is transposed for them. */
static bool is_by_vector(const Node *n, const Side *a, const Side *b)
{
	const DotAxes *d = &n->attr.dot;
	return d->contract == 1 && n->type != DTYPE_bf16 && a->frees > 0 &&
	       a->contract[0] == a->shape.rank - 1 && a->shape.dim[a->contract[0]] >= LONG_ROW &&
	       product(a->shape, a->free, a->frees) > 1 && product(b->shape, b->free, b->frees) == 1 &&
	       leading(a->batch, d->batch) && leading(b->batch, d->batch) && d->batch < MAX_RANK;
}

static NodeId by_vector(Graph *g, const Node *n, const Side *a, NodeId x, NodeId vector)
{
	int batches = n->attr.dot.batch;
	uint8_t last = (uint8_t)(a->shape.rank - 1);
	Shape to = {.rank = (uint8_t)(batches + 1)};
	Axes axes = {.count = (uint8_t)(batches + 1)};
	for (int i = 0; i < batches; i++)
		to.dim[i] = a->shape.dim[i], axes.at[i] = (uint8_t)i;
	to.dim[batches] = a->shape.dim[last], axes.at[batches] = last;
	vector = op_broadcast(g, op_reshape(g, vector, to), a->shape, axes);
	NodeId y = op_sum(g, op_mul(g, x, vector), (Axes){.count = 1, .at = {last}});
	return op_reshape(g, y, n->shape);
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (n->op != OP_dot)
		return 0;
	if (dot_is_windowed(in, n) || dot_is_scaling(in, n))
		return normalize_windowed(out, n, map);
	const DotAxes *d = &n->attr.dot;
	Side p = side_of(node(in, n->in[0]), d->x_batch, d->batch, d->x_contract, d->contract);
	Side q = side_of(node(in, n->in[1]), d->y_batch, d->batch, d->y_contract, d->contract);
	bool floats = node(in, n->in[0])->type == n->type && node(in, n->in[1])->type == n->type;
	if (floats && is_by_vector(n, &p, &q))
		return by_vector(out, n, &p, map[n->in[0]], map[n->in[1]]);
	if (floats && is_by_vector(n, &q, &p))
		return by_vector(out, n, &q, map[n->in[1]], map[n->in[0]]);
	if (d->contract == 1 && p.frees <= 1 && q.frees <= 1)
		return 0;
	if (d->batch + 2 > MAX_RANK)
		return 0;
	Merged a = merge(out, map[n->in[0]], &p, d->batch, d->contract);
	Merged b = merge(out, map[n->in[1]], &q, d->batch, d->contract);
	DotAxes to = {
	    .batch = d->batch, .contract = 1, .x_contract = {a.contract}, .y_contract = {b.contract}};
	memcpy(to.x_batch, a.batch, d->batch);
	memcpy(to.y_batch, b.batch, d->batch);
	NodeId y = op_dot(out, a.x, b.x, to);
	return y && !shape_equal(node(out, y)->shape, n->shape) ? op_reshape(out, y, n->shape) : y;
}

Graph *pass_normalize(Compile *c, const Graph *in)
{
	return rebuild(c, in, rewrite);
}
