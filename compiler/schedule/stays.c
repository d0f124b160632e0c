/* stays.c: whether what a gather reads for a sample lies in that sample's own part of what it reads;
 * and whether all its places exist.
 *
 * A batch of images is gathered from as one long list of rows or pixels: index = sample * many +
 * place. The index is taken apart into a multiple of the sample's number and bounds of the rest,
 * which follow from iotas, constants, and clamps. What is not understood has no bounds. */
#include "fuse.h"

#include <math.h>

enum { DEEPEST = 32, MOST_STEPS = 512 /* of a walk: along each path */ };

typedef struct Form { /* by * sample + a rest in [low, high] */
	double by, low, high;
} Form;

static const Form UNKNOWN = {0, -INFINITY, INFINITY};

static Form within(double low, double high)
{
	return (Form){0, low, high};
}

/* Of what n computes, where x is the exact result: floats are rounded, at most to the next one; integers
 * wrap. */
static Form computed(const Node *n, Form x)
{
	if (!type_info[n->type].is_float)
		return x.by == 0 && (x.low < INT32_MIN || x.high > INT32_MAX) ? UNKNOWN : x;
	return (Form){x.by, nextafterf((float)x.low, -INFINITY), nextafterf((float)x.high, INFINITY)};
}

/* A constant, as the kernel has it. */
static Form number(const Node *n)
{
	double v = n->type == DTYPE_f32 ? (float)n->attr.value : n->attr.value;
	return within(v, v);
}

static Form scaled(Form x, Form y)
{
	if (y.by != 0 || y.low != y.high)
		return UNKNOWN;
	double a = x.low * y.low, b = x.high * y.low;
	return y.low == 0 ? within(0, 0) : (Form){x.by * y.low, fmin(a, b), fmax(a, b)};
}

/* An integer of what is between; of NaN it is 0. */
static Form whole(Form x)
{
	return x.by == 0 ? within(fmin(trunc(x.low), 0), fmax(trunc(x.high), 0)) : UNKNOWN;
}

/* Of x, whose samples lie along `axis`; NOWHERE: it is the same for all, MIXED: it is not known where
 * they lie. */
static Form form_of(const Graph *g, NodeId x, int axis, int depth, int *steps)
{
	const Node *n = node(g, x);
	if (depth == DEEPEST || --*steps < 0)
		return UNKNOWN;
	if (n->op == OP_constant)
		return number(n);
	if (n->op == OP_iota)
		return (int)n->attr.axis == axis ? (Form){1, 0, 0}
		                                 : within(0, (double)n->shape.dim[n->attr.axis] - 1);
	bool view = op_only_moves(n->op);
	if (!view && n->op != OP_add && n->op != OP_mul && n->op != OP_max && n->op != OP_min &&
	    n->op != OP_cast)
		return UNKNOWN;
	Form of[2] = {UNKNOWN, UNKNOWN};
	for (int i = 0; i < n->count && i < 2; i++)
		of[i] = form_of(g, n->in[i], operand_axis(g, n, i, axis), depth + 1, steps);
	if (view)
		return of[0];
	if (n->op == OP_cast)
		return type_info[n->type].is_int && type_info[node(g, n->in[0])->type].is_float
		           ? whole(of[0])
		           : UNKNOWN;
	if (n->op == OP_add)
		return computed(
		    n, (Form){of[0].by + of[1].by, of[0].low + of[1].low, of[0].high + of[1].high});
	if (n->op == OP_mul)
		return computed(n, of[1].low == of[1].high ? scaled(of[0], of[1]) : scaled(of[1], of[0]));
	if (of[0].by != 0 || of[1].by != 0)
		return UNKNOWN;
	return n->op == OP_max ? within(fmax(of[0].low, of[1].low), fmax(of[0].high, of[1].high))
	                       : within(fmin(of[0].low, of[1].low), fmin(of[0].high, of[1].high));
}

bool gather_stays(const Graph *g, const Node *n, int axis)
{
	const Node *list = node(g, n->in[0]);
	if (n->op != OP_gather || n->attr.axis != 0 || list->op != OP_reshape || axis < 0 ||
	    axis >= node(g, n->in[1])->shape.rank)
		return false;
	Shape whole_list = list->shape, samples = node(g, list->in[0])->shape;
	int64_t count = n->shape.dim[axis];
	if (!samples.rank || samples.dim[0] != count || whole_list.dim[0] % count ||
	    whole_list.dim[0] > INT32_MAX) /* an index would wrap */
		return false;
	double many = (double)(whole_list.dim[0] / count);
	int steps = MOST_STEPS;
	Form at = form_of(g, n->in[1], axis, 0, &steps);
	return at.by == many && at.low >= 0 && at.high < many;
}

bool cast_fits(const Graph *g, const Node *n)
{
	int steps = MOST_STEPS;
	Form x = form_of(g, n->in[0], NOWHERE, 0, &steps);
	return node(g, n->in[0])->type == DTYPE_f32 && x.low >= INT32_MIN && x.high < INT32_MAX;
}

bool gather_is_inside(const Graph *g, const Node *n)
{
	int steps = MOST_STEPS;
	Form at = form_of(g, n->in[1], NOWHERE, 0, &steps);
	return at.low >= 0 && at.high < (double)node(g, n->in[0])->shape.dim[n->attr.axis];
}

/* Whether elements of x differ along an axis. */
static bool varies(const Graph *g, NodeId x, int axis, int *steps)
{
	const Node *n = node(g, x);
	if (axis == NOWHERE || n->op == OP_constant)
		return false;
	if (axis == MIXED || n->op == OP_random || --*steps < 0)
		return true;
	if (n->shape.dim[axis] == 1)
		return false;
	if (n->op == OP_iota)
		return (int)n->attr.axis == axis;
	bool differ = n->count == 0;
	for (int i = 0; i < n->count && !differ; i++)
		differ = varies(g, n->in[i], operand_axis(g, n, i, axis), steps);
	return differ;
}

NodeId gather_row(const Graph *g, const Node *n, int axis, int lanes)
{
	const Node *sum = node(g, n->in[1]);
	for (int i = 0; i < 2 && sum->op == OP_add && gather_is_inside(g, n); i++) {
		int steps = MOST_STEPS;
		NodeId begin = sum->in[i], place = sum->in[1 - i];
		if (!varies(g, begin, lanes, &steps) && !varies(g, place, axis, &steps))
			return begin;
	}
	return 0;
}
