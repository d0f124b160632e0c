/* past.c: which places of a sequence the elements of each node depend on, by abstract interpretation.
 *
 * Along one axis, place i depends on the places of the input up to i - lag. A product of two such has
 * two axes of places, and its elements depend on those up to the larger of both; a sum over one of them
 * looks ahead, but where the elements ahead are known: a mask made them -infinity, a softmax 0. So
 * values are followed, too, where they are the same whatever the input: those of constants, and those
 * of one side of the diagonal of a pair. They are as in ops.def for finite numbers: 0 x is 0. What is not
 * understood is `lost`, never guessed. One visit a node. */
#include "causal.h"

#include <math.h>
#include <string.h>

static const Past NOTHING = {.axis = NOWHERE,
                             .pair = {NOWHERE, NOWHERE},
                             .above = {NAN, NAN},
                             .index = NOWHERE,
                             .minus = NOWHERE};
static const Past LOST = {.varies = true,
                          .lost = true,
                          .axis = NOWHERE,
                          .pair = {NOWHERE, NOWHERE},
                          .above = {NAN, NAN},
                          .index = NOWHERE,
                          .minus = NOWHERE};

typedef struct Walk {
	const Graph *g;
	const char *input;
	Past *at; /* [g->count] */
} Walk;

static bool has_pair(const Past *p)
{
	return p->pair[0] != NOWHERE;
}

static Past all_equal(double value)
{
	Past p = NOTHING;
	p.above[0] = p.above[1] = value;
	return p;
}

/* -- Values ------------------------------------------------------------------------------------ */

/* What the operation gives of these; NAN: it is not known. */
static double value_of(const Node *n, const double *x)
{
	switch ((int)n->op) {
	case OP_stop_gradient:
		return x[0];
	case OP_cast:
		if (n->type == DTYPE_u8 || n->type == DTYPE_bf16)
			return NAN; /* it wraps, or is rounded */
		return n->type == DTYPE_bool && !isnan(x[0]) ? (double)(x[0] != 0) : x[0];
	case OP_neg:
		return -x[0];
	case OP_not:
		return n->type == DTYPE_bool ? 1 - x[0] : (double)NAN;
	case OP_exp:
		return exp(x[0]);
	case OP_add:
		return isinf(x[0]) && !isinf(x[1])   ? x[0]
		       : isinf(x[1]) && !isinf(x[0]) ? x[1]
		                                     : x[0] + x[1];
	case OP_sub:
		return isinf(x[0]) && !isinf(x[1])   ? x[0]
		       : isinf(x[1]) && !isinf(x[0]) ? -x[1]
		                                     : x[0] - x[1];
	case OP_mul:
		return x[0] == 0 || x[1] == 0 ? 0 : x[0] * x[1];
	case OP_div:
		return x[0] == 0 ? 0 : (double)NAN;
	case OP_and:
		return n->type != DTYPE_bool ? (double)NAN : x[0] == 0 || x[1] == 0 ? 0 : x[0] * x[1];
	case OP_or:
		return n->type != DTYPE_bool ? (double)NAN : x[0] == 1 || x[1] == 1 ? 1 : x[0] + x[1];
	case OP_select:
		return isnan(x[0]) ? (double)NAN : x[0] != 0 ? x[1] : x[2];
	default:
		return NAN;
	}
}

/* -- Rules by kind ----------------------------------------------------------------------------- */

static bool is_place(const Past *p)
{
	return p->index != NOWHERE && p->minus == NOWHERE;
}

/* a and b are axes of places: what is where the place along a is the larger one, and where that along b is. */
static Past of_order(int a, int b, double above_a, double above_b)
{
	Past to = NOTHING;
	to.pair[a > b] = a, to.pair[a < b] = b;
	to.above[a > b] = above_a, to.above[a < b] = above_b;
	return to;
}

/* Places compared, or how far two lie apart with a number: known but on the diagonal, and near it. */
static bool compare_places(const Node *n, const Past *x, const Past *y, Past *to)
{
	if (n->op != OP_less && n->op != OP_less_equal)
		return false;
	bool first = x->minus != NOWHERE;
	const Past *apart = first ? x : y, *number = first ? y : x;
	double than = number->above[0];
	if (is_place(x) && is_place(y) && x->index != y->index) {
		*to = of_order(x->index, y->index, 0, 1);
		return true;
	}
	if (apart->minus == NOWHERE || has_pair(number) || isnan(than))
		return false;
	/* apart is 1 or more above, -1 or less below; number < apart is not apart <= number */
	bool or_equal = (n->op == OP_less_equal) == first;
	*to = of_order(apart->index, apart->minus, (or_equal ? than < 1 : than <= 1) ? !first : NAN,
	               (or_equal ? than >= -1 : than > -1) ? first : NAN);
	return true;
}

/* What stays a place, or is how far two lie apart. */
static void keep_places(const Node *n, const Past *x, const Past *y, Past *to)
{
	if (n->type == DTYPE_u8 || n->type == DTYPE_bool || n->type == DTYPE_bf16)
		return; /* which wrap, or round */
	if (n->op == OP_cast || n->op == OP_stop_gradient)
		to->index = x->index, to->minus = x->minus;
	if (n->op == OP_sub && is_place(x) && is_place(y) && x->index != y->index)
		to->index = x->index, to->minus = y->index;
}

/* The places of operands that vary must be along the same axes. A pair of a constant, a mask, is kept
 * where it has such an axis. */
static bool join(Past *to, const Past *p)
{
	if (p->varies) {
		to->lag = to->varies && to->lag < p->lag ? to->lag : p->lag;
		to->varies = true;
	}
	if (has_pair(p)) {
		if (has_pair(to) && (to->pair[0] != p->pair[0] || to->pair[1] != p->pair[1]))
			return false;
		to->pair[0] = p->pair[0];
		to->pair[1] = p->pair[1];
	}
	if (p->varies && p->axis != NOWHERE) {
		if (to->axis != NOWHERE && to->axis != p->axis)
			return false;
		to->axis = p->axis;
	}
	return true;
}

static Past past_map(const Walk *w, const Node *n)
{
	Past to = NOTHING;
	bool same = true;
	for (int i = 0; i < n->count; i++)
		if (w->at[n->in[i]].lost)
			return LOST;
	if (n->count == 2 && compare_places(n, &w->at[n->in[0]], &w->at[n->in[1]], &to))
		return to;
	for (int i = 0; i < n->count; i++)
		same &= join(&to, &w->at[n->in[i]]);
	bool beside =
	    has_pair(&to) && to.axis != NOWHERE && to.axis != to.pair[0] && to.axis != to.pair[1];
	if (!same || beside)
		return to.varies ? LOST : NOTHING;
	for (int k = 0; k < 2; k++) {
		double x[3] = {NAN, NAN, NAN};
		for (int i = 0; i < n->count && i < 3; i++)
			x[i] = w->at[n->in[i]].above[k];
		to.above[k] = value_of(n, x);
	}
	if (has_pair(&to))
		to.axis = NOWHERE;
	keep_places(n, &w->at[n->in[0]], &w->at[n->in[n->count - 1]], &to);
	return to;
}

/* The axis of n that is `axis` of its operand i: as long, each place where it was. */
static int axis_behind(const Graph *g, const Node *n, int i, int axis)
{
	for (int a = 0; axis != NOWHERE && a < n->shape.rank; a++)
		if (operand_axis(g, n, i, a) == axis)
			return a;
	return NOWHERE;
}

/* The first places alone are those places. */
static bool is_prefix(const Node *n, int axis)
{
	return n->attr.slice.start[axis] == 0 && n->attr.slice.step[axis] == 1;
}

static int moved(const Graph *g, const Node *n, int axis)
{
	if (n->op == OP_slice)
		return axis != NOWHERE && is_prefix(n, axis) ? axis : NOWHERE;
	return axis_behind(g, n, 0, axis);
}

/* Views that shift places along their axis. */
static Past past_shifted(const Node *n, Past x, int axis)
{
	if (n->op == OP_slice && n->attr.slice.step[axis] == 1)
		x.lag -= n->attr.slice.start[axis];
	else if (n->op == OP_pad && n->attr.pad.inner[axis] == 0)
		x.lag += n->attr.pad.low[axis];
	else if (n->op == OP_windows && n->attr.window.stride == 1)
		x.lag -= (n->attr.window.size - 1) * n->attr.window.dilation;
	else
		return LOST;
	return x;
}

static Past past_view(const Walk *w, const Node *n)
{
	Past x = w->at[n->in[0]], to = x;
	if (x.lost)
		return LOST;
	bool is_shift = n->op == OP_slice || n->op == OP_pad || n->op == OP_windows;
	bool keeps = n->op != OP_pad; /* values; the places of a pair, if each axis is found */
	to.index = n->op == OP_pad ? NOWHERE : moved(w->g, n, x.index);
	to.minus = n->op == OP_pad ? NOWHERE : moved(w->g, n, x.minus);
	if (x.minus != NOWHERE && (to.index == NOWHERE || to.minus == NOWHERE))
		to.index = to.minus = NOWHERE;
	for (int k = 0; k < 2; k++) {
		to.above[k] = keeps ? x.above[k] : (double)NAN;
		to.pair[k] = moved(w->g, n, x.pair[k]);
	}
	if (has_pair(&x) && (!has_pair(&to) || to.pair[1] == NOWHERE))
		return x.varies ? LOST : NOTHING;
	if (has_pair(&to) && to.pair[0] > to.pair[1]) {
		int axis = to.pair[0];
		double above = to.above[0];
		to.pair[0] = to.pair[1], to.pair[1] = axis;
		to.above[0] = to.above[1], to.above[1] = above;
	}
	if (x.axis == NOWHERE)
		return to;
	to.axis = moved(w->g, n, x.axis);
	if (to.axis != NOWHERE)
		return to;
	to.axis = x.axis; /* such views leave it where it is */
	return is_shift ? past_shifted(n, to, x.axis) : LOST;
}

/* Along the places one that varies may follow constants. */
static Past past_concat(const Walk *w, const Node *n)
{
	Past to = NOTHING;
	int64_t before = 0, shift = 0;
	int varying = 0;
	for (int i = 0; i < n->count; i++) {
		const Past *p = &w->at[n->in[i]];
		if (p->lost || (p->varies && p->axis == NOWHERE) || !join(&to, p))
			return LOST;
		if (p->varies && varying++ == 0)
			shift = before;
		before += node(w->g, n->in[i])->shape.dim[n->attr.axis];
	}
	to.pair[0] = to.pair[1] = NOWHERE;
	if (!to.varies)
		return NOTHING;
	if (to.axis != (int)n->attr.axis)
		return to;
	to.lag += shift;
	return varying == 1 ? to : LOST;
}

static int left_of(const Axes *gone, int axis, bool *is_gone)
{
	int less = 0;
	for (int i = 0; i < gone->count; i++) {
		*is_gone |= gone->at[i] == axis;
		less += gone->at[i] < axis;
	}
	return axis - less;
}

static Past past_reduce(const Walk *w, const Node *n)
{
	Past x = w->at[n->in[0]], to = NOTHING;
	if (!x.varies || x.lost)
		return x.lost ? LOST : NOTHING;
	bool gone[2] = {false, false};
	to.varies = true;
	to.lag = x.lag;
	if (!has_pair(&x)) {
		to.axis = left_of(&n->attr.axes, x.axis, &gone[0]);
		return gone[0] || x.axis == NOWHERE ? LOST : to;
	}
	for (int k = 0; k < 2; k++)
		to.pair[k] = left_of(&n->attr.axes, x.pair[k], &gone[k]);
	if (!gone[0] && !gone[1]) {
		for (int k = 0; k < 2; k++)
			to.above[k] = n->op == OP_reduce_max || x.above[k] == 0 ? x.above[k] : (double)NAN;
		return to;
	}
	int key = gone[0] ? 0 : 1;
	if ((gone[0] && gone[1]) || isnan(x.above[key]))
		return LOST; /* it looks ahead along the key */
	to.axis = to.pair[1 - key];
	to.pair[0] = to.pair[1] = NOWHERE;
	return to;
}

/* -- Products ---------------------------------------------------------------------------------- */

typedef struct Side { /* of a dot: axes of an operand to those of the result; NOWHERE: contracted */
	int to[MAX_RANK], with[MAX_RANK]; /* the axis of the other that it is contracted with */
} Side;

static void dot_sides(const Graph *g, const Node *n, Side side[2])
{
	const DotAxes *a = &n->attr.dot;
	const uint8_t *batch[2] = {a->x_batch, a->y_batch},
	              *contract[2] = {a->x_contract, a->y_contract};
	int next = a->batch;
	for (int s = 0; s < 2; s++) {
		int rank = node(g, n->in[s])->shape.rank;
		for (int j = 0; j < MAX_RANK; j++)
			side[s].to[j] = side[s].with[j] = j < rank ? MIXED : NOWHERE;
		for (int j = 0; j < a->batch; j++)
			side[s].to[batch[s][j]] = j;
		for (int j = 0; j < a->contract; j++) {
			side[s].to[contract[s][j]] = NOWHERE;
			side[s].with[contract[s][j]] = contract[1 - s][j];
		}
		for (int j = 0; j < rank; j++)
			side[s].to[j] = side[s].to[j] == MIXED ? next++ : side[s].to[j];
	}
}

/* The pair p meets, along one of its axes, the places of q: what is ahead of a row must be 0. */
static Past past_mixed(const Past *p, const Past *q, const Side *of_p)
{
	Past to = NOTHING;
	for (int key = 0; key < 2; key++) {
		int axis = p->pair[key], row = of_p->to[p->pair[1 - key]];
		if (of_p->to[axis] != NOWHERE || row == NOWHERE)
			continue;
		bool meets = !q->varies || of_p->with[axis] == q->axis;
		if (!meets || p->above[key] != 0)
			return LOST;
		to.varies = true;
		to.axis = row;
		to.lag = !p->varies ? q->lag : !q->varies || p->lag < q->lag ? p->lag : q->lag;
		return to;
	}
	return LOST;
}

static Past past_dot(const Walk *w, const Node *n)
{
	const Past *p[2] = {&w->at[n->in[0]], &w->at[n->in[1]]};
	if (p[0]->lost || p[1]->lost)
		return LOST;
	if (!p[0]->varies && !p[1]->varies)
		return NOTHING;
	Side side[2];
	dot_sides(w->g, n, side);
	Past to = NOTHING;
	to.varies = true;
	for (int s = 0; s < 2; s++) {
		const Past *a = p[s], *b = p[1 - s];
		if (!has_pair(a) || has_pair(b))
			continue;
		bool sums = side[s].to[a->pair[0]] == NOWHERE || side[s].to[a->pair[1]] == NOWHERE;
		if (sums && (a->varies || b->axis != NOWHERE))
			return past_mixed(a, b, &side[s]);
		if (a->varies && !b->varies) { /* every row of it alone */
			to.lag = a->lag;
			for (int k = 0; k < 2; k++) {
				to.pair[k] = side[s].to[a->pair[k]];
				to.above[k] = a->above[k] == 0 ? 0 : (double)NAN;
			}
			return to.pair[0] < to.pair[1] ? to : LOST;
		}
	}
	int found[2] = {NOWHERE, NOWHERE};
	for (int s = 0; s < 2; s++) {
		if (!p[s]->varies)
			continue;
		if (p[s]->axis == NOWHERE || (found[s] = side[s].to[p[s]->axis]) == NOWHERE)
			return LOST;
		to.lag = p[1 - s]->varies && p[1 - s]->lag < p[s]->lag ? p[1 - s]->lag : p[s]->lag;
	}
	if (found[0] == NOWHERE || found[1] == NOWHERE || found[0] == found[1]) {
		to.axis = found[0] == NOWHERE ? found[1] : found[0];
		return to;
	}
	to.pair[0] = found[0] < found[1] ? found[0] : found[1];
	to.pair[1] = found[0] < found[1] ? found[1] : found[0];
	return to;
}

/* -- The rest ---------------------------------------------------------------------------------- */

static Past past_gather(const Walk *w, const Node *n)
{
	const Past *x = &w->at[n->in[0]], *at = &w->at[n->in[1]];
	int axis = (int)n->attr.axis, rank = node(w->g, n->in[1])->shape.rank;
	if (!x->varies && !at->varies)
		return NOTHING;
	Past to = NOTHING;
	to.varies = true;
	const Past *from = x->varies ? x : at;
	bool good = !x->lost && !at->lost && x->varies != at->varies && from->axis != NOWHERE;
	if (!good || (x->varies && x->axis == axis))
		return LOST;
	to.lag = from->lag;
	to.axis = at->varies ? axis + at->axis : x->axis < axis ? x->axis : x->axis + rank - 1;
	return to;
}

/* A loop over places that begins with what does not vary. */
static Past past_scan(const Walk *w, const Node *n)
{
	const Region *r = n->attr.region;
	Past to = NOTHING;
	for (int i = 0; i < n->count; i++) {
		const Past *p = &w->at[n->in[i]];
		bool is_sequence = (uint32_t)i >= r->carries && (uint32_t)i < r->carries + r->sequences;
		if (p->lost || (p->varies && (!is_sequence || p->axis != 0)) || (p->varies && r->reverse) ||
		    !join(&to, p))
			return LOST;
	}
	to.pair[0] = to.pair[1] = NOWHERE;
	return to;
}

static Past past_leaf(const Walk *w, const Node *n)
{
	Past to = NOTHING;
	if (n->op == OP_constant)
		return all_equal(n->type == DTYPE_bf16 ? (double)NAN : n->attr.value);
	if (n->op == OP_iota)
		to.index = (int)n->attr.axis;
	if (n->op != OP_input)
		return to;
	bool known = strcmp(n->attr.name, w->input) == 0 && n->shape.rank == 2;
	to.axis = 1;
	to.varies = true;
	return known ? to : LOST;
}

static Past past_at(const Walk *w, NodeId at)
{
	const Node *n = node(w->g, at);
	bool lost = false, varies = false;
	for (int i = 0; i < n->count; i++) {
		lost |= w->at[n->in[i]].lost;
		varies |= w->at[n->in[i]].varies;
	}
	if (n->op == OP_scan)
		return past_scan(w, n);
	if (n->op == OP_result)
		return lost || (varies && n->attr.result.last) ? LOST : w->at[n->in[0]];
	if (n->op == OP_concat)
		return past_concat(w, n);
	switch (op_info[n->op].kind) {
	case LEAF:
		return n->op == OP_random ? LOST : past_leaf(w, n);
	case MAP:
		return past_map(w, n);
	case VIEW:
		return past_view(w, n);
	case REDUCE:
		return past_reduce(w, n);
	case CONTRACT:
		return past_dot(w, n);
	case GATHER:
		return past_gather(w, n);
	case SCATTER:
	case LOOP:
	case META:
		break;
	}
	return lost || varies ? LOST : NOTHING;
}

Past *past_of(Compile *c, const Graph *g, const char *input)
{
	Walk w = {g, input, new_array(c->arena, Past, g->count)};
	for (NodeId x = 1; x < g->count; x++)
		w.at[x] = past_at(&w, x);
	return w.at;
}
