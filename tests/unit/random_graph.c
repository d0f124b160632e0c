/* random_graph.c: graphs drawn from a seed: views, maps, reductions, gathers, scatters and products
 * in any order, small enough for the interpreter. Few constants serve many uses, results and next
 * states among them; numbers follow from a scalar state; axes are often of length 1.
 *
 * Nothing jumps: a rounding error in front of a node stays one behind it. Values stay near 1. */
#include <string.h>

#include "compiled.h"

enum { MOST = 48, LARGEST = 3000 };

typedef struct Draw {
	Graph *g;
	uint64_t random;
	NodeId made[MOST + 8];
	int count, most;
} Draw;

static uint32_t below(Draw *d, uint32_t n)
{
	d->random = d->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(d->random >> 33) % n;
}

static NodeId any(Draw *d)
{
	uint32_t recent = below(d, 2) && d->count > 4 ? 4 : (uint32_t)d->count;
	return d->made[d->count - 1 - (int)below(d, recent)];
}

static Shape shape(Draw *d, NodeId x)
{
	return node(d->g, x)->shape;
}

static int64_t some_length(Draw *d)
{
	static const int64_t LENGTHS[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 33};
	return LENGTHS[below(d, COUNT(LENGTHS))];
}

static double some_constant(Draw *d)
{
	static const double CONSTANTS[] = {0, 0.5, 1, 2};
	return CONSTANTS[below(d, COUNT(CONSTANTS))];
}

/* -- One rule a function; 0: it does not fit --------------------------------------------------- */

static NodeId draw_unary(Draw *d, NodeId x)
{
	NodeId (*const rules[])(Graph *, NodeId) = {op_neg, op_abs, op_tanh, op_sin, op_cos, op_erf};
	return rules[below(d, COUNT(rules))](d->g, x);
}

static NodeId draw_binary(Draw *d, NodeId x)
{
	NodeId (*const rules[])(Graph *, NodeId, NodeId) = {op_add, op_sub, op_mul, op_max, op_min};
	NodeId y = op_full(d->g, DTYPE_f32, shape(d, x), some_constant(d));
	for (int i = 0; i < d->count; i++)
		if (shape_equal(shape(d, d->made[i]), shape(d, x)) && below(d, 3))
			y = d->made[i];
	return rules[below(d, COUNT(rules))](d->g, x, y);
}

static NodeId draw_constant(Draw *d, NodeId x)
{
	if (below(d, 4) == 0 && shape(d, x).rank)
		return op_iota(d->g, DTYPE_f32, shape(d, x), below(d, shape(d, x).rank));
	return op_full(d->g, DTYPE_f32, shape(d, x), some_constant(d));
}

/* A learning rate: a number, made of the last one, times x. */
static NodeId draw_rate(Draw *d, NodeId x)
{
	NodeId rate = 0;
	for (int i = 0; i < d->count; i++)
		if (shape(d, d->made[i]).rank == 0 && (!rate || below(d, 2)))
			rate = d->made[i];
	if (!rate)
		return 0;
	rate = op_tanh(d->g, op_add(d->g, rate, op_constant(d->g, DTYPE_f32, some_constant(d))));
	if (below(d, 2))
		d->made[d->count++] = rate;
	return op_mul(d->g, x, op_broadcast(d->g, rate, shape(d, x), (Axes){0}));
}

static NodeId draw_select(Draw *d, NodeId x)
{
	Shape s = shape(d, x);
	if (!s.rank)
		return 0;
	unsigned axis = below(d, s.rank);
	NodeId at = op_iota(d->g, DTYPE_i32, s, axis), odd = op_like(d->g, at, 3);
	odd = op_equal(d->g, op_rem(d->g, at, odd), op_like(d->g, at, 1));
	return op_select(d->g, odd, x, op_cast(d->g, at, DTYPE_f32));
}

static NodeId draw_transpose(Draw *d, NodeId x)
{
	Axes order = {.count = shape(d, x).rank};
	for (uint8_t i = 0; i < order.count; i++) {
		uint32_t j = below(d, i + 1u);
		order.at[i] = order.at[j];
		order.at[j] = i;
	}
	return op_transpose(d->g, x, order);
}

static NodeId draw_slice(Draw *d, NodeId x)
{
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK] = {0}, step[MAX_RANK] = {0};
	for (int i = 0; i < shape(d, x).rank; i++) {
		int64_t length = shape(d, x).dim[i];
		start[i] = below(d, 2) ? 0 : below(d, (uint32_t)length);
		stop[i] = below(d, 2) ? length : start[i] + 1 + below(d, (uint32_t)(length - start[i]));
		step[i] = 1 + below(d, 3);
		if (below(d, 4) == 0) {
			int64_t last = stop[i] - 1;
			stop[i] = start[i] - 1;
			start[i] = last;
			step[i] = -step[i];
		}
	}
	return op_slice(d->g, x, start, stop, step);
}

static NodeId draw_pad(Draw *d, NodeId x)
{
	int64_t low[MAX_RANK] = {0}, high[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	for (int i = 0; i < shape(d, x).rank; i++) {
		inner[i] = below(d, 4) ? 0 : 1 + below(d, 2);
		low[i] = (int64_t)below(d, 5) - 1;
		high[i] = (int64_t)below(d, 5) - 1;
		if ((shape(d, x).dim[i] - 1) * (inner[i] + 1) + 1 + low[i] + high[i] < 1)
			low[i] = high[i] = 0;
	}
	return op_pad(d->g, x, low, high, inner, 0.5);
}

static NodeId draw_concat(Draw *d, NodeId x)
{
	Shape s = shape(d, x);
	NodeId parts[3] = {x, op_neg(d->g, x), x};
	if (!s.rank)
		return 0;
	unsigned axis = below(d, s.rank);
	for (int i = 0; i < d->count; i++) {
		Shape other = shape(d, d->made[i]);
		if (other.rank == s.rank)
			other.dim[axis] = s.dim[axis];
		if (shape_equal(other, s))
			parts[2] = d->made[i];
	}
	return op_concat(d->g, parts, 2 + (int)below(d, 2), axis);
}

/* Two neighbours become one axis, or one becomes two. */
static NodeId draw_reshape(Draw *d, NodeId x)
{
	Shape s = shape(d, x), to = {0};
	int at = s.rank ? (int)below(d, s.rank) : 0;
	bool merge = s.rank > 1 && at + 1 < s.rank && below(d, 2);
	if (!merge && s.rank == 3)
		return 0;
	int64_t by = s.rank && s.dim[at] % 2 == 0 && below(d, 2) ? 2 : 1;
	for (int i = 0; i < s.rank; i++) {
		if (!merge && i == at)
			to.dim[to.rank++] = by;
		to.dim[to.rank++] = !merge && i == at ? s.dim[i] / by : s.dim[i];
		if (merge && i == at)
			to.dim[to.rank - 1] *= s.dim[++i];
	}
	if (!s.rank)
		to.dim[to.rank++] = 1;
	return op_reshape(d->g, x, to);
}

static NodeId draw_broadcast(Draw *d, NodeId x)
{
	Shape s = shape(d, x), to = {0};
	Axes axes = {.count = s.rank};
	if (s.rank == 3)
		return 0;
	uint32_t at = below(d, s.rank + 1u);
	for (uint32_t i = 0; i <= s.rank; i++) {
		if (i == at)
			to.dim[to.rank++] = some_length(d);
		if (i == s.rank)
			break;
		axes.at[i] = to.rank;
		to.dim[to.rank++] = s.dim[i] == 1 ? some_length(d) : s.dim[i];
	}
	return op_broadcast(d->g, x, to, axes);
}

static NodeId draw_reduce(Draw *d, NodeId x)
{
	Axes axes = {0};
	for (uint8_t i = 0; i < shape(d, x).rank; i++)
		if (below(d, 2))
			axes.at[axes.count++] = i;
	if (!axes.count)
		return 0;
	if (below(d, 3) == 0)
		return op_reduce_max(d->g, x, axes);
	NodeId sum = op_sum(d->g, x, axes);
	return op_mul(d->g, sum, op_like(d->g, sum, 0.1));
}

static NodeId draw_gather(Draw *d, NodeId x)
{
	NodeId at = op_input(d->g, "at", DTYPE_i32, SHAPE(6));
	return shape(d, x).rank ? op_gather(d->g, x, at, below(d, shape(d, x).rank)) : 0;
}

static NodeId draw_scatter(Draw *d, NodeId x)
{
	NodeId at = op_input(d->g, "at", DTYPE_i32, SHAPE(6));
	if (!shape(d, x).rank)
		return 0;
	unsigned axis = below(d, shape(d, x).rank);
	return op_scatter_add(d->g, x, at, op_cos(d->g, op_gather(d->g, x, at, axis)), axis);
}

static NodeId draw_dot(Draw *d, NodeId x)
{
	DotAxes axes = {.contract = 1};
	if (shape(d, x).rank != 2)
		return 0;
	axes.x_contract[0] = axes.y_contract[0] = (uint8_t)below(d, 2);
	NodeId y = op_sin(d->g, x);
	for (int i = 0; i < d->count; i++) {
		Shape s = shape(d, d->made[i]);
		uint8_t at = axes.y_contract[0];
		if (s.rank == 2 && s.dim[at] == shape(d, x).dim[at] && below(d, 3) == 0)
			y = d->made[i];
	}
	NodeId dot = op_dot(d->g, x, y, axes);
	return op_mul(d->g, dot, op_like(d->g, dot, 0.1));
}

static NodeId draw_random(Draw *d, NodeId x)
{
	NodeId seed = op_input(d->g, "at", DTYPE_i32, SHAPE(6)), step = op_constant(d->g, DTYPE_i32, 7);
	seed = op_slice(d->g, seed, (int64_t[]){1}, (int64_t[]){3}, (int64_t[]){1});
	NodeId bits = op_random(d->g, seed, step, below(d, 3), shape(d, x));
	bits = op_shift_right(d->g, bits, op_like(d->g, bits, 8));
	NodeId uniform = op_cast(d->g, bits, DTYPE_f32);
	return op_add(d->g, x, op_mul(d->g, uniform, op_like(d->g, uniform, 0x1p-24)));
}

typedef NodeId (*Rule)(Draw *d, NodeId x);
static const Rule rules[] = {
    draw_unary,   draw_binary, draw_binary,   draw_select,    draw_transpose, draw_slice,
    draw_pad,     draw_concat, draw_reshape,  draw_broadcast, draw_reduce,    draw_gather,
    draw_scatter, draw_dot,    draw_random,   draw_reduce,    draw_broadcast, draw_unary,
    draw_rate,    draw_rate,   draw_constant,
};

/* The last of the state's shape, a constant, or another state. */
static void draw_set(Draw *d, NodeId state, NodeId other)
{
	NodeId next = state;
	for (int i = 0; i < d->count; i++)
		if (shape_equal(shape(d, d->made[i]), shape(d, state)))
			next = d->made[i];
	uint32_t kind = below(d, 6);
	next = kind == 0 ? op_like(d->g, state, some_constant(d)) : kind == 1 ? other : next;
	graph_set(d->g, state, next);
}

Graph *random_graph(Compile *c, uint32_t seed)
{
	Draw d = {.g = graph_new(c, arena_printf(c->arena, "random %u", seed)), .random = seed};
	int64_t rows = below(&d, 3) ? 5 : 1 + below(&d, 3), cols = below(&d, 3) ? 17 : 1 + below(&d, 3);
	NodeId w = op_state(d.g, "w", DTYPE_f32, SHAPE(cols)),
	       v = op_state(d.g, "v", DTYPE_f32, SHAPE(cols)),
	       n = op_state(d.g, "n", DTYPE_f32, SCALAR);
	d.most = below(&d, 4) ? MOST / 2 : MOST;
	d.made[d.count++] = op_input(d.g, "x", DTYPE_f32, SHAPE(rows, cols));
	d.made[d.count++] = op_input(d.g, "y", DTYPE_f32, SHAPE(rows, cols));
	d.made[d.count++] = v;
	d.made[d.count++] = n;
	d.made[d.count++] = w;
	op_input(d.g, "at", DTYPE_i32, SHAPE(6));
	for (int tries = 0; d.count < d.most && tries < 200; tries++) {
		NodeId x = rules[below(&d, COUNT(rules))](&d, any(&d));
		if (!x || shape_size(shape(&d, x)) > LARGEST)
			continue;
		d.made[d.count++] = x;
		if (below(&d, 5) == 0)
			graph_output(d.g, arena_printf(c->arena, "out%d", d.count), x);
	}
	for (int i = 0; i < 3 && below(&d, 2); i++)
		graph_output(d.g, arena_printf(c->arena, "constant%d", i),
		             op_constant(d.g, DTYPE_f32, some_constant(&d)));
	graph_output(d.g, "last", d.made[d.count - 1]);
	draw_set(&d, w, v);
	draw_set(&d, v, w);
	draw_set(&d, n, n);
	return d.g;
}
