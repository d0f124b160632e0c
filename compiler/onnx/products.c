/* products.c: a dot as MatMul where its axes stand that way, else as Einsum. */
#include "writer.h"

#include <string.h>

static bool leads(const uint8_t *axis, int count)
{
	for (int i = 0; i < count; i++)
		if (axis[i] != i)
			return false;
	return true;
}

/* MatMul multiplies the last axis of x with the last but one of y, and the leading axes of y, if
 * there are any, are those of x: then free axes are one on each side. */
static bool is_matmul(const DotAxes *d, int x_rank, int y_rank)
{
	if (d->contract != 1 || d->x_contract[0] != x_rank - 1)
		return false;
	if (!d->batch)
		return y_rank == 2 && d->y_contract[0] == 0;
	return leads(d->x_batch, d->batch) && leads(d->y_batch, d->batch) && x_rank == d->batch + 2 &&
	       y_rank == d->batch + 2 && d->y_contract[0] == d->batch;
}

/* The same, but for the last two axes of y. */
static bool is_matmul_turned(const DotAxes *d, int x_rank, int y_rank)
{
	DotAxes turned = *d;
	if (d->contract != 1 || d->y_contract[0] != y_rank - 1)
		return false;
	turned.y_contract[0] = (uint8_t)(y_rank - 2);
	return y_rank >= 2 && is_matmul(&turned, x_rank, y_rank);
}

/* "abc,dc->abd" */
static const char *equation(Onnx *o, const DotAxes *d, int x_rank, int y_rank)
{
	char x[MAX_RANK + 1] = {0}, y[MAX_RANK + 1] = {0}, to[2 * MAX_RANK + 1] = {0};
	char letter = 'a';
	int count = 0;
	for (int i = 0; i < d->batch; i++)
		to[count++] = x[d->x_batch[i]] = y[d->y_batch[i]] = letter++;
	for (int i = 0; i < d->contract; i++)
		x[d->x_contract[i]] = y[d->y_contract[i]] = letter++;
	for (int i = 0; i < x_rank; i++)
		if (!x[i])
			to[count++] = x[i] = letter++;
	for (int i = 0; i < y_rank; i++)
		if (!y[i])
			to[count++] = y[i] = letter++;
	return arena_printf(o->c->arena, "%s,%s->%s", x, y, to);
}

Stored onnx_dot(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	const DotAxes *d = &n->attr.dot;
	const char *a = whole(o, n->in[0]), *b = whole(o, n->in[1]);
	int a_rank = node(o->g, n->in[0])->shape.rank, b_rank = node(o->g, n->in[1])->shape.rank;
	if (!onnx_type(n->type) || node(o->g, n->in[0])->type != n->type)
		return refuse(o, x, "its operands are no f32");
	if (is_matmul(d, a_rank, b_rank))
		return all_of(o, x, EMIT(o, "MatMul", a, b));
	if (is_matmul_turned(d, a_rank, b_rank)) {
		int64_t order[MAX_RANK];
		for (int i = 0; i < b_rank; i++)
			order[i] = i < b_rank - 2 ? i : 2 * b_rank - 3 - i;
		return all_of(o, x, EMIT(o, "MatMul", a, transposed(o, b, order, b_rank)));
	}
	attribute_text(o, "equation", equation(o, d, a_rank, b_rank));
	return all_of(o, x, EMIT(o, op, a, b));
}
