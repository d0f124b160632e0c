/* axes.c: where an axis of a node is in its operands: one rule a function, named by ops.def. */
#include "graph.h"

typedef struct Ask {
	const Node *n;
	Shape from;  /* of the operand, */
	int operand; /* the so-manieth */
	int axis;    /* of n */
	int places;  /* of a gather: axes of where it reads */
} Ask;

static int along_mixed(const Ask *a)
{
	(void)a;
	return MIXED;
}

static int along_same(const Ask *a)
{
	return a->axis;
}

static int along_broadcast(const Ask *a)
{
	for (int j = 0; j < a->from.rank; j++)
		if (a->n->attr.axes.at[j] == a->axis)
			return a->from.dim[j] == a->n->shape.dim[a->axis] ? j : NOWHERE;
	return NOWHERE;
}

static int along_transpose(const Ask *a)
{
	return a->n->attr.axes.at[a->axis];
}

/* Of several axes of length 1 the one of the same number. */
static int along_reshape(const Ask *a)
{
	int64_t before = 1, at = 1;
	int found = MIXED;
	for (int i = 0; i < a->axis; i++)
		before *= a->n->shape.dim[i];
	for (int j = 0; j < a->from.rank; at *= a->from.dim[j++])
		if (at == before && a->from.dim[j] == a->n->shape.dim[a->axis])
			found = found < 0 || j == a->axis ? j : found;
	return found;
}

static int along_slice(const Ask *a)
{
	bool all = a->n->attr.slice.start[a->axis] == 0 && a->n->attr.slice.step[a->axis] == 1;
	return all && a->n->shape.dim[a->axis] == a->from.dim[a->axis] ? a->axis : MIXED;
}

static int along_pad(const Ask *a)
{
	bool same = a->n->attr.pad.low[a->axis] == 0 && a->n->attr.pad.inner[a->axis] == 0;
	return same && a->n->shape.dim[a->axis] == a->from.dim[a->axis] ? a->axis : MIXED;
}

static int along_concat(const Ask *a)
{
	return (int)a->n->attr.axis == a->axis ? MIXED : a->axis;
}

static int along_windows(const Ask *a)
{
	int w = (int)a->n->attr.window.axis;
	return a->axis < w ? a->axis : a->axis > w + 1 ? a->axis - 1 : MIXED;
}

/* What lies along the axes of `at` is read where that says. */
static int along_gather(const Ask *a)
{
	int first = (int)a->n->attr.axis, behind = first + a->places;
	if (a->axis >= first && a->axis < behind)
		return a->operand == 1 ? a->axis - first : MIXED;
	if (a->operand == 1)
		return NOWHERE;
	return a->axis < first ? a->axis : a->axis - a->places + 1;
}

static int (*const rules[OP_COUNT])(const Ask *) = {
#define OP(name, ins, operands, kind, shape, gradient, types, attr, flags, weight, along, meaning) \
	[OP_##name] = along_##along,
#include "../graph/ops.def"
#undef OP
};

int operand_axis(const Graph *g, const Node *n, int i, int axis)
{
	int places = n->op == OP_gather ? node(g, n->in[1])->shape.rank : 0;
	return axis < 0 ? axis : rules[n->op](&(Ask){n, node(g, n->in[i])->shape, i, axis, places});
}
