/* evaluate.c: the reference interpreter: every node as an array of doubles. Slow and obviously
 * right: constants are folded by it, and generated code is held against it. It is never made
 * faster.
 *
 * Floats are not rounded to their type, but by a cast to bf16; integers wrap as theirs. */
#include "graph.h"

#include <math.h>
#include <string.h>

/* -- MAP: one element -------------------------------------------------------------------------- */

static int64_t whole(double x)
{
	return (int64_t)x;
}
static uint32_t bits32(double x)
{
	return (uint32_t)(int64_t)x;
}

/* An integer result, wrapped into the type. */
static double wrap(DType t, int64_t x)
{
	switch (t) {
	case DTYPE_i32:
		return (double)(int32_t)(uint32_t)x;
	case DTYPE_u8:
		return (double)(uint8_t)x;
	case DTYPE_bool:
		return (double)(x & 1);
	default:
		return (double)x;
	}
}

static unsigned width(DType t)
{
	return t == DTYPE_u8 ? 8 : 32;
}

typedef struct Element { /* of a MAP: the operands' type, the result's, the operands */
	DType from, to;
	double x, y, z;
} Element;

typedef double (*MapRule)(const Element *e);

#define WHOLE(t)   (type_info[t].is_int)
#define RULE(name) static double eval_##name(const Element *e)
#define ARITHMETIC(name, of_int, of_float)                                                         \
	RULE(name)                                                                                     \
	{                                                                                              \
		return WHOLE(e->from) ? wrap(e->from, of_int) : (of_float);                                \
	}

ARITHMETIC(neg, -whole(e->x), -e->x)
ARITHMETIC(abs, whole(e->x) < 0 ? -whole(e->x) : whole(e->x), fabs(e->x))
RULE(exp)
{
	return exp(e->x);
}
RULE(log)
{
	return log(e->x);
}
RULE(log1p)
{
	return log1p(e->x);
}
RULE(sqrt)
{
	return sqrt(e->x);
}
RULE(sin)
{
	return sin(e->x);
}
RULE(cos)
{
	return cos(e->x);
}
RULE(tanh)
{
	return tanh(e->x);
}
RULE(erf)
{
	return erf(e->x);
}
RULE(floor)
{
	return floor(e->x);
}
RULE(not )
{
	return e->from == DTYPE_bool ? e->x == 0 : wrap(e->from, ~whole(e->x));
}
RULE(stop_gradient)
{
	return e->x;
}

/* The nearest bf16, ties to even, by way of f32: what a register holds. */
static double round_bf16(double x)
{
	float f = (float)x;
	uint32_t bits;
	memcpy(&bits, &f, sizeof bits);
	if (isnan(f))
		return x;
	bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
	memcpy(&f, &bits, sizeof f);
	return (double)f;
}

RULE(cast)
{
	if (e->to == DTYPE_bf16)
		return round_bf16(e->x);
	if (type_info[e->to].is_float)
		return e->x;
	if (e->to == DTYPE_bool)
		return e->x != 0;
	if (WHOLE(e->from))
		return wrap(e->to, whole(e->x));
	double low = e->to == DTYPE_u8 ? 0 : -2147483648.0,
	       high = e->to == DTYPE_u8 ? 255 : 2147483647.0;
	return isnan(e->x) ? 0 : e->x < low ? low : e->x > high ? high : trunc(e->x);
}

ARITHMETIC(add, whole(e->x) + whole(e->y), e->x + e->y)
ARITHMETIC(sub, whole(e->x) - whole(e->y), e->x - e->y)
ARITHMETIC(mul, whole(e->x) * whole(e->y), e->x * e->y)
ARITHMETIC(div, whole(e->y) == 0 ? 0 : whole(e->x) / whole(e->y), e->x / e->y)
ARITHMETIC(rem, whole(e->y) == 0 ? 0 : whole(e->x) % whole(e->y), fmod(e->x, e->y))
RULE(pow)
{
	return pow(e->x, e->y);
}
RULE(max)
{
	return isnan(e->x) || isnan(e->y) ? NAN : e->x > e->y ? e->x : e->y;
}
RULE(min)
{
	return isnan(e->x) || isnan(e->y) ? NAN : e->x < e->y ? e->x : e->y;
}
RULE(and)
{
	return wrap(e->from, whole(e->x) & whole(e->y));
}
RULE(or)
{
	return wrap(e->from, whole(e->x) | whole(e->y));
}
RULE(xor)
{
	return wrap(e->from, whole(e->x) ^ whole(e->y));
}
RULE(shift_left)
{
	return wrap(e->from, (int64_t)((uint64_t)bits32(e->x) << (bits32(e->y) % width(e->from))));
}
RULE(shift_right)
{
	uint32_t x = e->from == DTYPE_u8 ? (uint8_t)bits32(e->x) : bits32(e->x);
	return wrap(e->from, (int64_t)(x >> (bits32(e->y) % width(e->from))));
}
RULE(less)
{
	return e->x < e->y;
}
RULE(less_equal)
{
	return e->x <= e->y;
}
RULE(equal)
{
	return e->x == e->y;
}
RULE(select)
{
	return e->x != 0 ? e->y : e->z;
}

#define ROW_LEAF(name)
#define ROW_MAP(name) [OP_##name] = eval_##name,
#define ROW_VIEW(name)
#define ROW_REDUCE(name)
#define ROW_CONTRACT(name)
#define ROW_GATHER(name)
#define ROW_SCATTER(name)
#define ROW_LOOP(name)
#define ROW_META(name)
static const MapRule map_rule[OP_COUNT] = {
#define OP(name, ins, operands, kind, ...) ROW_##kind(name)
#include "ops.def"
#undef OP
};

/* -- Indices ----------------------------------------------------------------------------------- */

/* The row-major index of element `at` of s, and back. */
static int64_t to_linear(Shape s, const int64_t *at)
{
	int64_t linear = 0;
	for (int i = 0; i < s.rank; i++)
		linear = linear * s.dim[i] + at[i];
	return linear;
}

static void from_linear(Shape s, int64_t linear, int64_t *at)
{
	for (int i = s.rank - 1; i >= 0; i--) {
		at[i] = linear % s.dim[i];
		linear /= s.dim[i];
	}
}

typedef struct Eval {
	const Graph *g;
	double **value;
	const Node *n;
	double *out;
	int64_t size;
	Evaluated then;
	void *of;
} Eval;

static const Node *in(const Eval *e, int i)
{
	return node(e->g, e->n->in[i]);
}
static const double *value(const Eval *e, int i)
{
	return e->value[e->n->in[i]];
}

static void eval_map(Eval *e)
{
	const Node *n = e->n;
	Element x = {.from = in(e, n->op == OP_select ? 1 : 0)->type, .to = n->type};
	for (int64_t i = 0; i < e->size; i++) {
		x.x = value(e, 0)[i];
		x.y = n->count > 1 ? value(e, 1)[i] : 0;
		x.z = n->count > 2 ? value(e, 2)[i] : 0;
		e->out[i] = map_rule[n->op](&x);
	}
}

static void eval_leaf(Eval *e)
{
	const Node *n = e->n;
	for (int64_t i = 0; i < e->size; i++) {
		int64_t at[MAX_RANK];
		from_linear(n->shape, i, at);
		if (n->op == OP_constant) {
			e->out[i] = n->attr.value;
		} else if (n->op == OP_iota) {
			e->out[i] = type_info[n->type].is_int ? wrap(n->type, at[n->attr.axis])
			                                      : (double)at[n->attr.axis];
		} else {
			uint32_t counter[4] = {(uint32_t)(i / 64 * 16 + i % 16), n->attr.key,
			                       bits32(value(e, 1)[0]), 0},
			         word[4];
			uint32_t key[2] = {bits32(value(e, 0)[0]), bits32(value(e, 0)[1])};
			philox(counter, key, word);
			e->out[i] = (double)(int32_t)word[i / 16 % 4];
		}
	}
}

/* -- VIEW: where element `at` of the result comes from ----------------------------------------- */

static double eval_concat(const Eval *e, int64_t *at)
{
	unsigned axis = e->n->attr.axis;
	for (int i = 0; i < e->n->count; i++) {
		int64_t length = in(e, i)->shape.dim[axis];
		if (at[axis] < length)
			return value(e, i)[to_linear(in(e, i)->shape, at)];
		at[axis] -= length;
	}
	BUG("concat is shorter than its result");
}

static double eval_pad(const Eval *e, int64_t *at)
{
	for (int i = 0; i < e->n->shape.rank; i++) {
		int64_t stride = e->n->attr.pad.inner[i] + 1, from = at[i] - e->n->attr.pad.low[i];
		if (from < 0 || from % stride != 0 || from / stride >= in(e, 0)->shape.dim[i])
			return e->n->attr.pad.value;
		at[i] = from / stride;
	}
	return value(e, 0)[to_linear(in(e, 0)->shape, at)];
}

static double eval_view_at(const Eval *e, int64_t linear)
{
	const Node *n = e->n;
	Shape from = in(e, 0)->shape;
	int64_t at[MAX_RANK] = {0}, of[MAX_RANK] = {0};
	from_linear(n->shape, linear, at);
	switch (n->op) {
	case OP_broadcast:
		for (int i = 0; i < from.rank; i++)
			of[i] = from.dim[i] == 1 ? 0 : at[n->attr.axes.at[i]];
		break;
	case OP_reshape:
		return value(e, 0)[linear];
	case OP_transpose:
		for (int i = 0; i < from.rank; i++)
			of[n->attr.axes.at[i]] = at[i];
		break;
	case OP_slice:
		for (int i = 0; i < from.rank; i++)
			of[i] = n->attr.slice.start[i] + at[i] * n->attr.slice.step[i];
		break;
	case OP_windows:
		for (int i = 0, axis = (int)n->attr.window.axis; i < from.rank; i++)
			of[i] = i < axis ? at[i]
			        : i == axis
			            ? at[i] * n->attr.window.stride + at[i + 1] * n->attr.window.dilation
			            : at[i + 1];
		break;
	case OP_pad:
		return eval_pad(e, at);
	case OP_concat:
		return eval_concat(e, at);
	default:
		BUG("%s is no view", op_info[n->op].name);
	}
	return value(e, 0)[to_linear(from, of)];
}

/* -- REDUCE, CONTRACT, GATHER, SCATTER --------------------------------------------------------- */

static void eval_reduce(Eval *e)
{
	const Axes *axes = &e->n->attr.axes;
	Shape from = in(e, 0)->shape;
	bool is_sum = e->n->op == OP_sum;
	for (int64_t i = 0; i < e->size; i++)
		e->out[i] = is_sum ? 0 : -INFINITY;
	for (int64_t i = 0; i < shape_size(from); i++) {
		int64_t at[MAX_RANK], to[MAX_RANK];
		int rank = 0;
		from_linear(from, i, at);
		for (int j = 0, next = 0; j < from.rank; j++) {
			if (next < axes->count && axes->at[next] == j)
				next++;
			else
				to[rank++] = at[j];
		}
		double *o = &e->out[to_linear(e->n->shape, to)], x = value(e, 0)[i];
		*o = is_sum ? *o + x : isnan(*o) || isnan(x) ? NAN : *o > x ? *o : x;
	}
	for (int64_t i = 0; is_sum && type_info[e->n->type].is_int && i < e->size; i++)
		e->out[i] = wrap(e->n->type, whole(e->out[i]));
}

/* Fills at[] of one side from the index of the result: batch axes, then this side's free axes from
 * `from` on. */
static int place_side(Shape s, int batch, const uint8_t *batch_axis, int contract,
                      const uint8_t *contract_axis, const int64_t *result, int from, int64_t *at)
{
	unsigned used = 0;
	for (int i = 0; i < batch; i++) {
		at[batch_axis[i]] = result[i];
		used |= 1u << batch_axis[i];
	}
	for (int i = 0; i < contract; i++)
		used |= 1u << contract_axis[i];
	for (int i = 0; i < s.rank; i++)
		if (!(used >> i & 1))
			at[i] = result[from++];
	return from;
}

static void eval_dot(Eval *e)
{
	const DotAxes *d = &e->n->attr.dot;
	Shape x = in(e, 0)->shape, y = in(e, 1)->shape, inner = {.rank = d->contract};
	for (int i = 0; i < d->contract; i++)
		inner.dim[i] = x.dim[d->x_contract[i]];
	for (int64_t o = 0; o < e->size; o++) {
		int64_t result[MAX_RANK], at_x[MAX_RANK], at_y[MAX_RANK], k[MAX_RANK];
		from_linear(e->n->shape, o, result);
		int from =
		    place_side(x, d->batch, d->x_batch, d->contract, d->x_contract, result, d->batch, at_x);
		place_side(y, d->batch, d->y_batch, d->contract, d->y_contract, result, from, at_y);
		double sum = 0;
		for (int64_t i = 0; i < shape_size(inner); i++) {
			from_linear(inner, i, k);
			for (int j = 0; j < d->contract; j++) {
				at_x[d->x_contract[j]] = k[j];
				at_y[d->y_contract[j]] = k[j];
			}
			sum += value(e, 0)[to_linear(x, at_x)] * value(e, 1)[to_linear(y, at_y)];
		}
		e->out[o] = sum;
	}
}

/* Where element `linear` of the gathered shape lies in x: the axes of `at` become one clamped
 * index. */
static int64_t gathered_from(const Eval *e, Shape gathered, int64_t linear)
{
	Shape x = in(e, 0)->shape, indices = in(e, 1)->shape;
	int axis = (int)e->n->attr.axis;
	int64_t at[MAX_RANK], of[MAX_RANK];
	from_linear(gathered, linear, at);
	for (int i = 0; i < x.rank; i++)
		of[i] = i < axis ? at[i] : i > axis ? at[i + indices.rank - 1] : 0;
	int64_t index = whole(value(e, 1)[to_linear(indices, at + axis)]);
	of[axis] = index < 0 ? 0 : index >= x.dim[axis] ? x.dim[axis] - 1 : index;
	return to_linear(x, of);
}

static void eval_scatter(Eval *e)
{
	Shape gathered = in(e, 2)->shape;
	memcpy(e->out, value(e, 0), (size_t)e->size * sizeof *e->out);
	for (int64_t i = 0; i < shape_size(gathered); i++)
		e->out[gathered_from(e, gathered, i)] += value(e, 2)[i];
	for (int64_t i = 0; type_info[e->n->type].is_int && i < e->size; i++)
		e->out[i] = wrap(e->n->type, whole(e->out[i]));
}

static void eval_overlap_add(Eval *e)
{
	Shape from = in(e, 0)->shape;
	int axis = (int)e->n->attr.window.axis;
	for (int64_t i = 0; i < shape_size(from); i++) {
		int64_t at[MAX_RANK];
		from_linear(from, i, at);
		at[axis] = at[axis] * e->n->attr.window.stride + at[axis + 1] * e->n->attr.window.dilation;
		for (int j = axis + 1; j + 1 < from.rank; j++)
			at[j] = at[j + 1];
		e->out[to_linear(e->n->shape, at)] += value(e, 0)[i];
	}
	for (int64_t i = 0; type_info[e->n->type].is_int && i < e->size; i++)
		e->out[i] = wrap(e->n->type, whole(e->out[i]));
}

/* All outputs of all steps, one after the other, as they lie in results. */
static void eval_scan(Eval *e, Arena *a)
{
	const Region *r = e->n->attr.region;
	const Graph *body = r->body;
	Feed *feed = new_array(a, Feed, e->n->count);
	double **result = new_array(a, double *, body->out_count);
	for (int i = 0; i < e->n->count; i++)
		feed[i] = (Feed){region_input(a, r, i), value(e, i)};
	double *to = e->out;
	for (uint32_t i = 0; i < body->out_count; i++) {
		result[i] = to;
		to += shape_size(node(body, body->out[i].value)->shape) * r->length;
	}
	ArenaMark mark = arena_mark(a);
	for (int64_t step = 0; step < r->length; step++) {
		int64_t t = r->reverse ? r->length - 1 - step : step;
		for (uint32_t i = r->carries; i < r->carries + r->sequences; i++) {
			Shape s = region_input_shape(r, (int)i, in(e, (int)i)->shape);
			feed[i].at = value(e, (int)i) + t * shape_size(s);
		}
		double **now = evaluate_each(a, body, feed, e->n->count, e->then, e->of);
		for (uint32_t i = 0; i < body->out_count; i++) {
			int64_t size = shape_size(node(body, body->out[i].value)->shape);
			double *at = result[i] + t * size;
			memcpy(at, now[body->out[i].value], (size_t)size * sizeof *at);
			if (i < r->carries)
				feed[i].at = at;
		}
		arena_reset(a, mark);
	}
}

static void eval_result(Eval *e)
{
	const Region *r = in(e, 0)->attr.region;
	const double *from = value(e, 0);
	for (uint32_t i = 0; i < e->n->attr.result.index; i++)
		from += shape_size(node(r->body, r->body->out[i].value)->shape) * r->length;
	if (e->n->attr.result.last && !r->reverse)
		from += (r->length - 1) * e->size;
	memcpy(e->out, from, (size_t)e->size * sizeof *from);
}

/* Elements of a node's value: of a scan, of all its outputs. */
static int64_t value_size(const Node *n)
{
	if (n->op != OP_scan)
		return shape_size(n->shape);
	const Region *r = n->attr.region;
	int64_t size = 0;
	for (uint32_t i = 0; i < r->body->out_count; i++)
		size += shape_size(node(r->body, r->body->out[i].value)->shape) * r->length;
	return size;
}

static void eval_node(Eval *e, Arena *a)
{
	switch (op_info[e->n->op].kind) {
	case LEAF:
		eval_leaf(e);
		break;
	case MAP:
		eval_map(e);
		break;
	case VIEW:
		for (int64_t i = 0; i < e->size; i++)
			e->out[i] = eval_view_at(e, i);
		break;
	case REDUCE:
		eval_reduce(e);
		break;
	case CONTRACT:
		eval_dot(e);
		break;
	case GATHER:
		for (int64_t i = 0; i < e->size; i++)
			e->out[i] = value(e, 0)[gathered_from(e, e->n->shape, i)];
		break;
	case SCATTER:
		eval_scatter(e);
		break;
	case LOOP:
		if (e->n->op == OP_scan)
			eval_scan(e, a);
		else
			eval_result(e);
		break;
	case META:
		if (e->n->op == OP_overlap_add) {
			eval_overlap_add(e);
			break;
		}
		BUG("gradient cannot be evaluated: differentiate first");
	}
}

double **evaluate(Arena *a, const Graph *g, const Feed *feed, size_t feed_count)
{
	return evaluate_each(a, g, feed, feed_count, NULL, NULL);
}

double **evaluate_each(Arena *a, const Graph *g, const Feed *feed, size_t feed_count,
                       Evaluated then, void *of)
{
	double **values = new_array(a, double *, g->count);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		Eval e = {.g = g, .value = values, .n = n, .size = value_size(n), .then = then, .of = of};
		values[x] = e.out = new_array(a, double, (size_t)e.size);
		if (n->op != OP_input && n->op != OP_state) {
			eval_node(&e, a);
			if (then)
				then(of, g, x, values);
			continue;
		}
		const double *given = NULL;
		for (size_t i = 0; i < feed_count; i++)
			if (strcmp(feed[i].name, n->attr.name) == 0)
				given = feed[i].at;
		if (!given)
			BUG("no value was given for '%s'", n->attr.name);
		memcpy(e.out, given, (size_t)e.size * sizeof *given);
	}
	return values;
}
