/* test_windows.c: products over windows: convolutions in one and two dimensions, with stride,
 * dilation, padding and groups, and their gradients.
 *
 * Truths: the loops that define a convolution; overlap_add in the interpreter, which the suite
 * `gradients` holds against finite differences. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "share.h"

typedef struct Conv {
	int64_t batch, size, inputs, outputs, kernel, stride, dilation, padding, groups;
	bool flat; /* one dimension of space */
} Conv;

static int64_t out_size(const Conv *v)
{
	return (v->size + 2 * v->padding - (v->kernel - 1) * v->dilation - 1) / v->stride + 1;
}

/* x [b, size, (size,) groups, inputs], w [kernel, (kernel,) groups, inputs, outputs] */
static NodeId conv_node(Graph *g, const Conv *v, NodeId x, NodeId w)
{
	int64_t low[MAX_RANK] = {0, v->padding, v->flat ? 0 : v->padding}, none[MAX_RANK] = {0};
	x = op_pad(g, x, low, low, none, 0);
	x = op_windows(g, x, 1, v->kernel, v->stride, v->dilation);
	if (v->flat) /* b o k g c; k g c n -> g b o n */
		return op_dot(g, x, w,
		              (DotAxes){.batch = 1,
		                        .contract = 2,
		                        .x_batch = {3},
		                        .y_batch = {1},
		                        .x_contract = {2, 4},
		                        .y_contract = {0, 2}});
	x = op_windows(g, x, 3, v->kernel, v->stride, v->dilation);
	return op_dot(g, x, w, /* b h i w j g c; i j g c n -> g b h w n */
	              (DotAxes){.batch = 1,
	                        .contract = 3,
	                        .x_batch = {5},
	                        .y_batch = {2},
	                        .x_contract = {2, 4, 6},
	                        .y_contract = {0, 1, 3}});
}

/* g b h (w) n -> b h (w) g n */
static NodeId groups_behind(Graph *g, NodeId y)
{
	Axes order = {.count = node(g, y)->shape.rank};
	for (uint8_t i = 0; i < order.count; i++)
		order.at[i] = (uint8_t)(i < order.count - 2 ? i + 1 : i == order.count - 2 ? 0 : i);
	return op_transpose(g, y, order);
}

/* -- By definition ----------------------------------------------------------------------------- */

typedef struct Point {
	int64_t b, h, w, g, n;
} Point;

static double conv_at(const Conv *v, const double *x, const double *w, const Point *p)
{
	int64_t wide = v->flat ? 1 : v->size, kernel_h = v->flat ? 1 : v->kernel;
	double sum = 0;
	for (int64_t i = 0; i < v->kernel; i++)
		for (int64_t j = 0; j < kernel_h; j++)
			for (int64_t c = 0; c < v->inputs; c++) {
				int64_t y = p->h * v->stride + i * v->dilation - v->padding;
				int64_t z = v->flat ? 0 : p->w * v->stride + j * v->dilation - v->padding;
				if (y < 0 || y >= v->size || z < 0 || z >= wide)
					continue;
				double at_x =
				    x[(((p->b * v->size + y) * wide + z) * v->groups + p->g) * v->inputs + c];
				double at_w =
				    w[(((i * kernel_h + j) * v->groups + p->g) * v->inputs + c) * v->outputs +
				      p->n];
				sum += at_x * at_w;
			}
	return sum;
}

static double worst_against_definition(const Conv *v, const double *got, const double *x,
                                       const double *w)
{
	double worst = 0;
	int64_t high = out_size(v), wide = v->flat ? 1 : high;
	Point p;
	for (p.g = 0; p.g < v->groups; p.g++)
		for (p.b = 0; p.b < v->batch; p.b++)
			for (p.h = 0; p.h < high; p.h++)
				for (p.w = 0; p.w < wide; p.w++)
					for (p.n = 0; p.n < v->outputs; p.n++)
						worst = fmax(worst, fabs(*got++ - conv_at(v, x, w, &p)));
	return worst;
}

/* -- The checks -------------------------------------------------------------------------------- */

static bool no_window_is_stored(Compile *c, const Graph *g, int64_t most)
{
	Kernels *k = schedule(c, g);
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (shape_size(node(g, k->buffer[b].node)->shape) > most)
			return false;
	return true;
}

/* How far rounded operands take a sum from the exact one: three of their errors (2^-9 of at most 1)
 * in each of the terms that add up in one direction. */
static double bound_of(const Conv *v, DType dot)
{
	int64_t planes = v->flat ? v->size * v->batch : v->size * v->size * v->batch;
	return dot == DTYPE_bf16 ? 0x3p-9 * (double)(planes + 9 * v->inputs + 9 * v->outputs) : 1e-10;
}

/* dot: as c->dot_type; last: what follows has the groups behind space, as x */
static bool conv_into_is_right(DType dot, const Conv *v, bool last, const char *cpu, Hook hook)
{
	if (!case_runs())
		return true;
	Compile *c = compile_open();
	c->dot_type = (uint8_t)dot;
	Graph *g = graph_new(c, "conv");
	Shape xs = v->flat ? SHAPE(v->batch, v->size, v->groups, v->inputs)
	                   : SHAPE(v->batch, v->size, v->size, v->groups, v->inputs);
	Shape ws = v->flat ? SHAPE(v->kernel, v->groups, v->inputs, v->outputs)
	                   : SHAPE(v->kernel, v->kernel, v->groups, v->inputs, v->outputs);
	NodeId x = op_input(g, "x", DTYPE_f32, xs), w = op_input(g, "w", DTYPE_f32, ws);
	NodeId y = conv_node(g, v, x, w);
	graph_output(g, "y", y);
	Axes all = {.count = node(g, y)->shape.rank, .at = {0, 1, 2, 3, 4}};
	NodeId z = last ? groups_behind(g, y) : y;
	NodeId weights = op_input(g, "weights", DTYPE_f32, node(g, z)->shape);
	NodeId loss = op_sum(g, op_mul(g, z, weights), all);
	graph_output(g, "dx", op_gradient(g, loss, x));
	graph_output(g, "dw", op_gradient(g, loss, w));
	Feed feed[] = {{"x", test_numbers(c, DTYPE_f32, shape_size(xs), 1)},
	               {"w", test_numbers(c, DTYPE_f32, shape_size(ws), 2)},
	               {"weights", test_numbers(c, DTYPE_f32, shape_size(node(g, y)->shape), 3)}};
	Graph *raw = autodiff(c, g), *low = passes(c, raw, NULL);
	if (!raw || !low)
		return false;
	double **before = evaluate(c->arena, raw, feed, COUNT(feed));
	double **after = evaluate(c->arena, low, feed, COUNT(feed));
	bool good =
	    worst_against_definition(v, before[raw->out[0].value], feed[0].at, feed[1].at) < 1e-12;
	for (uint32_t o = 0; o < raw->out_count; o++)
		for (int64_t i = 0; i < shape_size(node(raw, raw->out[o].value)->shape); i++)
			good &=
			    fabs(before[raw->out[o].value][i] - after[low->out[o].value][i]) < bound_of(v, dot);
	int64_t sizes = shape_size(xs) + shape_size(ws) + shape_size(node(g, y)->shape);
	int64_t padded = v->size + 2 * (v->kernel * v->dilation + v->padding) + v->stride;
	int64_t plane = v->batch * v->groups * padded * (v->flat ? 1 : padded);
	good &= no_window_is_stored(c, low,
	                            sizes + plane * (v->inputs > v->outputs ? v->inputs : v->outputs));
	How how = {.cpu = cpu, .hook = hook};
	good &= graph_agrees(c, low, &how, feed, COUNT(feed), 2e-5);
	if (!good)
		fprintf(stderr,
		        "conv%s of %lld: in %lld, out %lld, kernel %lld, stride %lld, dilation %lld, "
		        "groups %lld\n",
		        v->flat ? " 1-D" : "", (long long)v->size, (long long)v->inputs,
		        (long long)v->outputs, (long long)v->kernel, (long long)v->stride,
		        (long long)v->dilation, (long long)v->groups);
	compile_close(c);
	return good;
}

static bool conv_of_is_right(DType dot, const Conv *v, const char *cpu, Hook hook)
{
	return conv_into_is_right(dot, v, false, cpu, hook) &&
	       (v->groups == 1 || conv_into_is_right(dot, v, true, cpu, hook));
}

static bool conv_is_right(const Conv *v, const char *cpu, Hook hook)
{
	return conv_of_is_right(DTYPE_none, v, cpu, hook);
}

/*                             batch size in out kernel stride dilation padding groups */
static const Conv PLANES[] = {
    {2, 9, 3, 17, 3, 1, 1, 1, 1, false},  {1, 8, 16, 32, 3, 2, 1, 1, 1, false},
    {2, 7, 5, 4, 1, 1, 1, 0, 1, false},   {2, 7, 5, 33, 1, 2, 1, 0, 1, false},
    {1, 11, 2, 3, 5, 3, 1, 2, 1, false},  {1, 12, 4, 16, 3, 1, 2, 2, 1, false},
    {2, 6, 4, 4, 3, 1, 1, 1, 3, false},   {2, 6, 1, 1, 3, 1, 1, 1, 16, false},
    {1, 9, 1, 1, 3, 2, 1, 1, 5, false},   {1, 6, 1, 1, 2, 2, 1, 0, 1, false},
    {3, 5, 1, 48, 3, 1, 1, 1, 1, false},  {1, 4, 64, 112, 3, 1, 1, 1, 1, false},
    {1, 13, 2, 16, 4, 2, 3, 1, 1, false},
};
static const Conv LINES[] = {
    {2, 40, 3, 17, 3, 1, 1, 1, 1, true},    {2, 100, 1, 64, 10, 5, 1, 0, 1, true},
    {1, 64, 16, 8, 8, 4, 1, 0, 1, true},    {2, 33, 4, 16, 4, 2, 1, 3, 1, true},
    {1, 50, 2, 5, 3, 1, 7, 7, 1, true},     {2, 30, 2, 3, 3, 2, 1, 1, 4, true},
    {1, 300, 1, 1, 25, 10, 1, 12, 1, true}, {2, 20, 1, 1, 3, 1, 1, 1, 33, true},
    {1, 29, 3, 4, 3, 4, 1, 0, 1, true},
};

/* A channel meets its own weights only: widths that are no multiple of a vector, as many places as
 * are summed side by side and a few more, sums of one block and of many. */
static const Conv DEPTHWISE[] = {
    {2, 11, 1, 1, 3, 1, 1, 1, 33, false},  {1, 13, 1, 1, 5, 1, 1, 2, 70, false},
    {3, 8, 1, 1, 7, 1, 1, 3, 17, false},   {2, 20, 1, 1, 3, 2, 1, 1, 64, false},
    {1, 12, 1, 1, 9, 1, 1, 4, 8, false},   {2, 10, 1, 1, 3, 1, 2, 2, 16, false},
    {1, 15, 1, 1, 5, 3, 1, 0, 130, false}, {2, 6, 1, 1, 2, 2, 1, 0, 40, false},
    {2, 14, 1, 1, 7, 1, 1, 3, 24, false},  {2, 19, 1, 1, 7, 4, 1, 3, 8, false},
    {4, 2, 1, 1, 3, 1, 1, 1, 48, false},   {2, 90, 1, 1, 9, 1, 1, 4, 20, true},
    {3, 31, 1, 1, 4, 2, 1, 1, 65, true},   {1, 40, 1, 1, 3, 1, 5, 5, 16, true},
};

/* Groups of few channels, whose outputs lie side by side in vectors: channels that fill these and not, more in a group
 * than outputs and fewer, strides, dilations, and outputs that no vector is a multiple of. */
static const Conv GROUPED[] = {
    {2, 9, 2, 2, 3, 1, 1, 1, 32, false},  {1, 11, 4, 4, 3, 1, 1, 1, 9, false},
    {2, 8, 8, 8, 3, 1, 1, 1, 5, false},   {1, 12, 4, 8, 3, 2, 1, 1, 4, false},
    {1, 10, 3, 2, 5, 1, 1, 2, 7, false},  {2, 7, 1, 2, 3, 1, 1, 1, 6, false},
    {1, 9, 5, 4, 3, 1, 2, 2, 4, false},   {2, 10, 2, 4, 4, 3, 1, 1, 5, false},
    {2, 17, 3, 3, 3, 1, 1, 1, 16, false}, {3, 31, 4, 2, 3, 2, 1, 0, 8, false},
    {2, 60, 4, 4, 9, 2, 1, 4, 12, true},  {1, 50, 16, 4, 3, 1, 1, 1, 4, true},
    {4, 33, 2, 8, 3, 1, 3, 3, 2, true},   {3, 700, 2, 4, 5, 1, 1, 2, 13, true},
    {1, 1, 4, 4, 3, 1, 1, 1, 8, false},   {1, 40, 17, 4, 2, 3, 1, 0, 8, true},
    {2, 12, 2, 1, 3, 2, 1, 1, 7, false},  {1, 30, 3, 1, 3, 1, 1, 1, 20, true},
};

static void grouped(void)
{
	for (size_t i = 0; i < COUNT(GROUPED); i++) {
		CU_ASSERT(conv_is_right(&GROUPED[i], NULL, i % 2 ? SERIAL : ALL_HOOKS));
		CU_ASSERT(conv_is_right(&GROUPED[i], i % 3 ? "x86-64-v3" : "x86-64", SERIAL));
	}
	CU_ASSERT(conv_of_is_right(DTYPE_bf16, &GROUPED[0], NULL, SERIAL));
}

/* Each element of the last axis several times, under windows: lanes that begin anywhere in what is repeated. */
typedef struct Spread {
	int64_t channels, times, from, to, step; /* of what is repeated, a part */
	bool along;                              /* windows go along it */
	bool most;                               /* the greatest of a window, not the sum */
	DType type;
} Spread;

static NodeId spread_node(Graph *g, NodeId x, int64_t times)
{
	Shape wide = node(g, x)->shape, merged = wide;
	wide.dim[wide.rank++] = times, merged.dim[2] *= times;
	x = op_broadcast(g, x, wide, (Axes){.count = 3, .at = {0, 1, 2}});
	return op_reshape(g, x, merged);
}

static bool spread_is_right(const Spread *v, const char *cpu, bool shows)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "spread");
	enum { BATCH = 2, LENGTH = 9, KERNEL = 3 };
	NodeId x = op_tanh(g, op_input(g, "x", v->type, SHAPE(BATCH, LENGTH, v->channels)));
	x = spread_node(g, x, v->times);
	if (shows)
		graph_output(g, "x", x);
	if (v->along) {
		x = op_transpose(g, op_windows(g, x, 2, KERNEL, 1, 1),
		                 (Axes){.count = 4, .at = {0, 1, 3, 2}});
	} else {
		int64_t start[MAX_RANK] = {0, 0, 0, v->from}, step[MAX_RANK] = {1, 1, 1, v->step},
		        stop[MAX_RANK] = {BATCH, LENGTH - KERNEL + 1, KERNEL, v->to};
		x = op_slice(g, op_windows(g, x, 1, KERNEL, 1, 1), start, stop, step);
	}
	Shape s = node(g, x)->shape;
	NodeId w = op_input(g, "w", v->type, SHAPE(KERNEL, s.dim[3]));
	x = op_mul(g, x, op_broadcast(g, w, s, (Axes){.count = 2, .at = {2, 3}}));
	Axes gone = {.count = 1, .at = {2}};
	graph_output(g, "y", v->most ? op_reduce_max(g, x, gone) : op_sum(g, x, gone));
	Feed feed[] = {{.name = "x", .at = test_numbers(c, v->type, BATCH * LENGTH * v->channels, 1)},
	               {.name = "w", .at = test_numbers(c, v->type, KERNEL * s.dim[3], 2)}};
	double error = v->type == DTYPE_bf16 ? 1e-2 : 1e-5;
	bool good = graph_agrees(c, passes(c, g, NULL), &(How){.hook = ALL_HOOKS, .cpu = cpu}, feed,
	                         COUNT(feed), error);
	compile_close(c);
	return good;
}

static void spread(void)
{
	static const Spread SPREAD[] = {
	    {32, 2, 1, 64, 1, false, false, DTYPE_f32},  {40, 4, 0, 0, 1, true, false, DTYPE_f32},
	    {32, 2, 0, 64, 1, false, false, DTYPE_f32},  {32, 4, 3, 127, 1, false, false, DTYPE_f32},
	    {20, 4, 2, 77, 2, false, false, DTYPE_f32},  {40, 2, 0, 0, 1, true, true, DTYPE_f64},
	    {40, 3, 0, 120, 1, false, false, DTYPE_f32}, {40, 2, 5, 75, 1, false, true, DTYPE_f64},
	    {40, 2, 0, 80, 1, false, false, DTYPE_bf16}, {64, 2, 79, 2, -1, false, false, DTYPE_f32},
	};
	static const char *const CPUS[] = {NULL, "x86-64-v3", "x86-64"};
	for (size_t i = 0; i < COUNT(SPREAD); i++)
		for (size_t j = 0; j < COUNT(CPUS); j++)
			CU_ASSERT(!case_runs() || spread_is_right(&SPREAD[i], CPUS[j], i % 2));
}

static void depthwise(void)
{
	static const char *const CPUS[] = {NULL, "x86-64-v3", "x86-64"};
	for (size_t i = 0; i < COUNT(DEPTHWISE); i++)
		CU_ASSERT(conv_is_right(&DEPTHWISE[i], CPUS[i % 3], i % 2 ? SERIAL : ALL_HOOKS));
}

static void planes(void)
{
	for (size_t i = 0; i < COUNT(PLANES); i++)
		CU_ASSERT(conv_is_right(&PLANES[i], NULL, i % 2 ? SERIAL : ALL_HOOKS));
}

static void lines(void)
{
	for (size_t i = 0; i < COUNT(LINES); i++)
		CU_ASSERT(conv_is_right(&LINES[i], NULL, i % 2 ? ALL_HOOKS : SERIAL));
}

static void other_processors(void)
{
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT(conv_is_right(&PLANES[i], "x86-64-v3", SERIAL));
		CU_ASSERT(conv_is_right(&LINES[i], "x86-64", SERIAL));
	}
}

/* So many steps that the sums are cut into blocks, and so many tiles that there are several. */
static void large(void)
{
	CU_ASSERT(conv_is_right(&(Conv){8, 24, 8, 16, 3, 1, 1, 1, 1, false}, NULL, ALL_HOOKS));
	CU_ASSERT(conv_is_right(&(Conv){3, 6, 300, 130, 3, 1, 1, 1, 1, false}, NULL, SERIAL));
	CU_ASSERT(conv_is_right(&(Conv){4, 1500, 3, 20, 9, 1, 1, 4, 1, true}, NULL, ALL_HOOKS));
}

/* Gradients by weights whose sums are cut within an image, within a line, and so often that what
 * rounding takes is kept; with fewer outputs than inputs; on two machines, for the tiles differ. */
static const Conv LONG_SUMS[] = {
    {2, 40, 16, 40, 3, 2, 1, 1, 1, false}, {1, 701, 16, 40, 5, 1, 1, 2, 1, true},
    {2, 20000, 2, 9, 3, 1, 1, 1, 1, true}, {1, 36, 40, 6, 3, 1, 1, 1, 1, false},
    {2, 1030, 33, 3, 4, 2, 1, 0, 1, true}, {13, 11, 70, 16, 5, 2, 1, 2, 1, false},
    {2, 40, 3, 6, 5, 1, 1, 2, 1, false},   {3, 41, 1, 3, 7, 2, 1, 3, 1, false},
    {1, 5000, 5, 2, 3, 1, 1, 0, 1, true},
};

static void long_sums(void)
{
	for (size_t i = 0; i < COUNT(LONG_SUMS); i++) {
		CU_ASSERT(conv_is_right(&LONG_SUMS[i], NULL, ALL_HOOKS));
		CU_ASSERT(conv_is_right(&LONG_SUMS[i], "x86-64-v3", SERIAL));
	}
	CU_ASSERT(conv_of_is_right(DTYPE_bf16, &LONG_SUMS[0], NULL, SERIAL));
	CU_ASSERT(conv_of_is_right(DTYPE_bf16, &LONG_SUMS[1], NULL, ALL_HOOKS));
	CU_ASSERT(conv_of_is_right(DTYPE_bf16, &LONG_SUMS[3], NULL, SERIAL));
}

/* Products of rounded operands, summed in f32 as others are: the same distance from the
 * interpreter. */
static void of_bf16(void)
{
	static const char *const CPUS[] = {NULL, "x86-64-v3", NULL, "x86-64"};
	for (size_t i = 0; i < COUNT(PLANES); i++)
		CU_ASSERT(
		    conv_of_is_right(DTYPE_bf16, &PLANES[i], CPUS[i % 4], i % 3 ? SERIAL : ALL_HOOKS));
	for (size_t i = 0; i < COUNT(LINES); i++)
		CU_ASSERT(conv_of_is_right(DTYPE_bf16, &LINES[i], CPUS[i % 4], i % 3 ? SERIAL : ALL_HOOKS));
	CU_ASSERT(
	    conv_of_is_right(DTYPE_bf16, &(Conv){8, 24, 8, 16, 3, 1, 1, 1, 1, false}, NULL, ALL_HOOKS));
}

/* Rows that are the same place of many samples; windows that hang over on both sides, or meet nothing but
 * padding; blocks of sums that do; gradients by weights that meet few places. */
static const Conv SMALL[] = {
    {16, 3, 9, 20, 3, 1, 1, 1, 1, false}, {33, 5, 6, 33, 3, 2, 1, 1, 1, false},
    {40, 2, 5, 17, 3, 1, 1, 1, 1, false}, {17, 3, 4, 16, 5, 1, 1, 2, 1, false},
    {20, 3, 3, 16, 3, 1, 1, 4, 1, false}, {16, 5, 2, 9, 3, 2, 1, 5, 1, false},
    {19, 4, 3, 16, 3, 1, 2, 2, 1, false}, {16, 3, 300, 40, 3, 1, 1, 1, 1, false},
    {18, 4, 5, 4, 3, 1, 1, 1, 2, false},  {16, 7, 8, 40, 5, 3, 1, 3, 1, false},
    {24, 3, 5, 18, 3, 1, 1, 1, 1, true},  {200, 3, 20, 40, 3, 1, 1, 1, 1, false},
};

static void small_images(void)
{
	for (size_t i = 0; i < COUNT(SMALL); i++) {
		CU_ASSERT(conv_is_right(&SMALL[i], NULL, i % 2 ? SERIAL : ALL_HOOKS));
		CU_ASSERT(conv_is_right(&SMALL[i], "x86-64-v3", i % 2 ? ALL_HOOKS : SERIAL));
	}
	CU_ASSERT(conv_of_is_right(DTYPE_bf16, &SMALL[0], NULL, ALL_HOOKS));
	CU_ASSERT(conv_of_is_right(DTYPE_bf16, &SMALL[1], "x86-64-v3", SERIAL));
}

/* Few outputs of more inputs: the gradient by weights is a product of windows on what comes back, along
 * one axis and two, of any padding; and where the border, a stride or a dilation speaks against it. */
static const Conv FEW_OUTPUTS[] = {
    {5, 17, 32, 5, 3, 1, 1, 1, 1, false},  {3, 21, 33, 7, 2, 1, 1, 0, 1, false},
    {2, 35, 31, 1, 5, 1, 1, 2, 1, false},  {3, 500, 40, 6, 7, 1, 1, 3, 1, true},
    {9, 131, 64, 3, 4, 1, 1, 5, 1, true},  {5, 16, 32, 5, 4, 1, 1, 1, 1, false},
    {4, 34, 32, 5, 3, 2, 1, 1, 1, false},  {4, 20, 32, 5, 3, 1, 2, 2, 1, false},
    {1100, 1, 32, 5, 3, 1, 1, 1, 1, true}, {6, 18, 48, 12, 3, 1, 1, 1, 2, false},
    {1, 40, 33, 6, 3, 1, 1, 1, 1, false},
};

static void few_outputs(void)
{
	for (size_t i = 0; i < COUNT(FEW_OUTPUTS); i++) {
		CU_ASSERT(conv_is_right(&FEW_OUTPUTS[i], i % 2 ? "x86-64-v3" : NULL, ALL_HOOKS));
		if (i < 4)
			CU_ASSERT(conv_of_is_right(DTYPE_bf16, &FEW_OUTPUTS[i], NULL, ALL_HOOKS));
	}
}

/* Multiplications of elements that are there, two operations each. */
static double products_by_definition(const Conv *v)
{
	double along = 0;
	for (int64_t p = 0; p < out_size(v); p++)
		for (int64_t i = 0; i < v->kernel; i++) {
			int64_t at = p * v->stride + i * v->dilation - v->padding;
			along += at >= 0 && at < v->size;
		}
	return 2 * along * along * (double)(v->batch * v->inputs * v->outputs);
}

/* Neither a convolution nor its gradients multiply what pads the image. */
static void padding_is_left_out(void)
{
	static const Conv v = {64, 3, 32, 48, 3, 1, 1, 1, 1, false};
	Compile *c = compile_open();
	Graph *g = graph_new(c, "conv");
	int64_t low[MAX_RANK] = {0, v.padding, v.padding}, none[MAX_RANK] = {0};
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(v.batch, v.size, v.size, v.inputs)),
	       w = op_input(g, "w", DTYPE_f32, SHAPE(v.kernel, v.kernel, v.inputs, v.outputs)),
	       windows = op_windows(g, op_pad(g, x, low, low, none, 0), 1, v.kernel, v.stride, 1);
	windows = op_windows(g, windows, 3, v.kernel, v.stride, 1);
	NodeId y = op_dot(g, windows, w,
	                  (DotAxes){.contract = 3, .x_contract = {2, 4, 5}, .y_contract = {0, 1, 2}});
	NodeId of = op_input(g, "of", DTYPE_f32, node(g, y)->shape);
	Axes all = {.count = 4, .at = {0, 1, 2, 3}};
	NodeId loss = op_sum(g, op_mul(g, y, of), all);
	graph_output(g, "y", y);
	graph_output(g, "dx", op_gradient(g, loss, x));
	graph_output(g, "dw", op_gradient(g, loss, w));
	const Kernels *k = schedule(c, passes(c, autodiff(c, g), NULL));
	int products = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (k->kernel[i].kind == KERNEL_contract) {
			CU_ASSERT_DOUBLE_EQUAL(k->kernel[i].flops, products_by_definition(&v), 1);
			products++;
		}
	CU_ASSERT_EQUAL(products, 3);
	compile_close(c);
}

/* A gradient by weights that is too large for the second cache: both operands are asked for a block
 * before, also of the last images, behind which nothing is. A stride of 3 and tiles of one line of
 * the window: of every third line, as it is read. */
static void next_block_is_asked_for(int64_t size, int64_t stride, int sum_of_rows)
{
	const Conv v = {128, size, 24, 48, 3, stride, 1, 1, 1, false};
	int64_t padded = size + 2, places = 5;
	Compile *c = compile_open();
	Graph *g = graph_new(c, "gradient");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(v.batch, padded, padded, v.inputs)),
	       dy = op_input(g, "dy", DTYPE_f32, SHAPE(v.batch, places, places, v.outputs)),
	       windows = op_windows(g, op_windows(g, x, 1, 3, stride, 1), 3, 3, stride, 1);
	graph_output(
	    g, "dw",
	    op_dot(g, windows, dy,
	           (DotAxes){.contract = 3, .x_contract = {0, 1, 3}, .y_contract = {0, 1, 2}}));
	const Kernels *k = schedule(c, passes(c, g, NULL));
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (k->kernel[i].kind == KERNEL_contract) {
			const ContractPlan *p = k->kernel[i].contract;
			CU_ASSERT_EQUAL(p->r.prefetch, PREFETCH_VALUE);
			CU_ASSERT_EQUAL(p->l.prefetch, PREFETCH_VALUE);
			CU_ASSERT_EQUAL(p->r.value, sum_of_rows);
			CU_ASSERT_EQUAL(p->l.value, 0);
		}
	CU_ASSERT_EQUAL(k->kernel_count, 1);
	compile_close(c);
	CU_ASSERT(conv_is_right(&v, NULL, ALL_HOOKS));
}

/* Parts of a batch, of which each alone would stay in the second cache, come from afar one by one. */
static void next_block_of_a_part(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "gradient");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(8, 16, 9, 9, 24)),
	       dy = op_input(g, "dy", DTYPE_f32, SHAPE(8, 16, 7, 7, 48)),
	       windows = op_windows(g, op_windows(g, x, 2, 3, 1, 1), 4, 3, 1, 1);
	DotAxes axes = {.batch = 1, .contract = 3, .x_contract = {1, 2, 4}, .y_contract = {1, 2, 3}};
	graph_output(g, "dw", op_dot(g, windows, dy, axes));
	const Kernels *k = schedule(c, passes(c, g, NULL));
	CU_ASSERT_EQUAL(k->kernel_count, 1);
	CU_ASSERT_EQUAL(k->kernel[0].contract->r.prefetch, PREFETCH_VALUE);
	CU_ASSERT_EQUAL(k->kernel[0].contract->l.prefetch, PREFETCH_VALUE);
	compile_close(c);
}

/* A convolution of images from afar asks for the next lines of an image. */
static void next_lines_are_asked_for(void)
{
	static const Conv v = {5, 31, 32, 24, 3, 2, 1, 1, 1, false};
	Compile *c = compile_open();
	Graph *g = graph_new(c, "forward");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(v.batch, 33, 33, v.inputs)),
	       w = op_input(g, "w", DTYPE_f32, SHAPE(3, 3, v.inputs, v.outputs)),
	       windows = op_windows(g, op_windows(g, x, 1, 3, 2, 1), 3, 3, 2, 1);
	graph_output(
	    g, "y",
	    op_dot(g, windows, w,
	           (DotAxes){.contract = 3, .x_contract = {2, 4, 5}, .y_contract = {0, 1, 2}}));
	const Kernels *k = schedule(c, passes(c, g, NULL));
	CU_ASSERT_EQUAL(k->kernel_count, 1);
	const ContractPlan *p = k->kernel[0].contract;
	CU_ASSERT_EQUAL(p->r.prefetch, PREFETCH_OUTER);
	CU_ASSERT_EQUAL(p->r.value, 1);
	CU_ASSERT_EQUAL(p->r.distance, 3 * 33 * v.inputs);
	CU_ASSERT(p->r.lines * 16 * 9 * p->row_panels * p->col_panels >= 2 * 33 * v.inputs);
	compile_close(c);
	CU_ASSERT(conv_is_right(&v, NULL, ALL_HOOKS));
}

static void next_block(void)
{
	next_block_is_asked_for(5, 1, 0);
	next_block_is_asked_for(15, 3, 1);
	next_block_of_a_part();
}

CU_TestInfo test_windows[] = {
    {"planes", planes},
    {"lines", lines},
    {"depth-wise", depthwise},
    {"grouped", grouped},
    {"spread", spread},
    {"other processors", other_processors},
    {"large", large},
    {"long sums", long_sums},
    {"of bf16", of_bf16},
    {"small images", small_images},
    {"few outputs", few_outputs},
    {"no padding", padding_is_left_out},
    {"next block", next_block},
    {"next lines", next_lines_are_asked_for},
    CU_TEST_INFO_NULL,
};
