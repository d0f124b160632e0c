/* rules_contract.c: the gradient of a dot is a dot: dy with the other operand, contracted over the
 * other's free axes.
 *
 * A dot's result has the batch axes, then x's free axes, then y's. The adjoint of x therefore comes
 * out as the batch axes, x's free axes, then the contracted ones in the order in which y holds them
 * (y's free axes of that new dot), and one transpose brings it to x's own order; where that order
 * is x's already, none is made. To keep `dw` of x @ w from needing one, the adjoint of y has x
 * first: free axes of x-contracted, then those of dy. Where the operands are bf16, the result is
 * f32: the adjoint is rounded as they were, so that its products are of bf16, too. */
#include "rules.h"

#include <string.h>

typedef struct Side {
	Shape shape;
	uint8_t free[MAX_RANK], frees; /* axes that are neither batch nor contracted */
	const uint8_t *batch, *contract;
} Side;

static Side side_of(const Rule *r, int i)
{
	const DotAxes *d = &r->n->attr.dot;
	Side s = {.shape = node(r->g, r->n->in[i])->shape,
	          .batch = i ? d->y_batch : d->x_batch,
	          .contract = i ? d->y_contract : d->x_contract};
	for (uint8_t axis = 0; axis < s.shape.rank; axis++)
		if (!memchr(s.batch, axis, d->batch) && !memchr(s.contract, axis, d->contract))
			s.free[s.frees++] = axis;
	return s;
}

/* Transposes x, whose axis i is axis order[i] of the wanted tensor, into the wanted order. */
static NodeId arrange(Graph *g, NodeId x, const uint8_t *order, int rank)
{
	Axes at = {.count = (uint8_t)rank};
	bool same = true;
	for (int i = 0; i < rank; i++) {
		at.at[order[i]] = (uint8_t)i;
		same &= order[i] == i;
	}
	return same ? x : op_transpose(g, x, at);
}

/* The contracted axes of `mine` in the order in which `theirs` has them as free axes of the new
 * dot: increasing there. */
static int contracted_order(const DotAxes *d, const Side *mine, const Side *theirs, uint8_t *order)
{
	int count = 0;
	for (uint8_t axis = 0; axis < theirs->shape.rank; axis++)
		for (int i = 0; i < d->contract; i++)
			if (theirs->contract[i] == axis)
				order[count++] = mine->contract[i];
	return count;
}

/* dx = dot(dy, y) over y's free axes: [batch, x free, x contracted]. */
static NodeId adjoint_x(Rule *r, NodeId dy, const Side *x, const Side *y)
{
	const DotAxes *d = &r->n->attr.dot;
	DotAxes to = {.batch = d->batch, .contract = y->frees};
	uint8_t order[MAX_RANK] = {0};
	int count = 0;
	for (uint8_t i = 0; i < d->batch; i++) {
		to.x_batch[i] = i;
		to.y_batch[i] = d->y_batch[i];
		order[count++] = d->x_batch[i];
	}
	for (uint8_t i = 0; i < y->frees; i++) {
		to.x_contract[i] = (uint8_t)(d->batch + x->frees + i);
		to.y_contract[i] = y->free[i];
	}
	for (uint8_t i = 0; i < x->frees; i++)
		order[count++] = x->free[i];
	count += contracted_order(d, x, y, order + count);
	return arrange(r->g, op_dot(r->g, dy, r->n->in[1], to), order, count);
}

/* dy' = dot(x, dy) over x's free axes: [batch, y contracted, y free]. */
static NodeId adjoint_y(Rule *r, NodeId dy, const Side *x, const Side *y)
{
	const DotAxes *d = &r->n->attr.dot;
	DotAxes to = {.batch = d->batch, .contract = x->frees};
	uint8_t order[MAX_RANK] = {0};
	int count = 0;
	for (uint8_t i = 0; i < d->batch; i++) {
		to.x_batch[i] = d->x_batch[i];
		to.y_batch[i] = i;
		order[count++] = d->y_batch[i];
	}
	for (uint8_t i = 0; i < x->frees; i++) {
		to.x_contract[i] = x->free[i];
		to.y_contract[i] = (uint8_t)(d->batch + i);
	}
	count += contracted_order(d, y, x, order + count);
	for (uint8_t i = 0; i < y->frees; i++)
		order[count++] = y->free[i];
	return arrange(r->g, op_dot(r->g, r->n->in[0], dy, to), order, count);
}

void grad_dot(Rule *r)
{
	Side x = side_of(r, 0), y = side_of(r, 1);
	DType type = node(r->g, r->n->in[0])->type;
	NodeId dy = op_cast(r->g, r->dy, type);
	if (r->needed[0])
		r->dx[0] = op_cast(r->g, adjoint_x(r, dy, &x, &y), type);
	if (r->needed[1])
		r->dx[1] = op_cast(r->g, adjoint_y(r, dy, &x, &y), type);
}
