/* test_extremes.c: values and gradients at the ends of the range: zeros, infinities, NaN, ties.
 *
 * The library's text and the primitives under it, interpreted and compiled, against closed forms.
 * NaN must not vanish on its way, and what a selection leaves out must not come back as 0 inf. */
#include <CUnit/CUnit.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"

enum { COUNT_OF = 37 }; /* vectors and a tail of all machines */

/* -- Element-wise ------------------------------------------------------------------------------ */

typedef struct Row {
	double x, y, value, dx, dy;
} Row;

static bool is_near(double got, double want)
{
	if (isnan(want) || isinf(want))
		return isnan(want) ? (bool)isnan(got) : got == want;
	return fabs(got - want) <= 2e-6 * fabs(want);
}

static Graph *graph_of(Compile *c, const char *text, const DataField *inputs, size_t count)
{
	Graph *g = autodiff(c, build_expression(c, prelude_parse(c), NULL, expression_of(c, text),
	                                        inputs, count, NULL));
	diag_print(c->diags, stderr, false);
	return g;
}

static bool row_holds(const char *text, const Row *row, const double *got)
{
	bool good = is_near(got[0], row->value) && is_near(got[COUNT_OF], row->dx) &&
	            is_near(got[2 * COUNT_OF], row->dy);
	if (!good)
		fprintf(stderr, "%s at %g, %g is %g, by x %g, by y %g\n", text, row->x, row->y, got[0],
		        got[COUNT_OF], got[2 * COUNT_OF]);
	return good;
}

static bool holds(const char *text, const Row *row, size_t rows)
{
	Compile *c = compile_open();
	double x[COUNT_OF], y[COUNT_OF];
	for (size_t i = 0; i < COUNT_OF; i++)
		x[i] = row[i % rows].x, y[i] = row[i % rows].y;
	DataField inputs[] = {{"x", DTYPE_f32, SHAPE(COUNT_OF)}, {"y", DTYPE_f32, SHAPE(COUNT_OF)}};
	Feed feed[] = {{"x", x}, {"y", y}};
	const char *all = arena_printf(
	    c->arena, "concat([%s, grad(sum(%s), x), grad(sum(%s + 0 * y), y)])", text, text, text);
	Graph *raw = graph_of(c, all, inputs, 2);
	Graph *low = passes(c, raw, NULL);
	How how = {0};
	Ran *ran = low ? run_graph(c, low, &how, feed, 2) : NULL;
	bool good = ran != NULL;
	const double *slow = good ? evaluate(c->arena, raw, feed, 2)[raw->out[0].value] : NULL;
	for (size_t i = 0; good && i < COUNT_OF; i++)
		good = row_holds(text, &row[i % rows], slow + i) &&
		       row_holds(text, &row[i % rows], ran->out[0] + i);
	compile_close(c);
	return good;
}

#define HOLDS(text, ...)                                                                           \
	do {                                                                                           \
		static const Row ROWS[] = {__VA_ARGS__};                                                   \
		CU_ASSERT(holds(text, ROWS, COUNT(ROWS)));                                                 \
	} while (0)

static void nan_comes_out(void)
{
	HOLDS("relu(x)", {NAN, 0, NAN, 1, 0}, {-1, 0, 0, 0, 0}, {2, 0, 2, 1, 0}, {0, 0, 0, 0, 0},
	      {INFINITY, 0, INFINITY, 1, 0}, {-INFINITY, 0, 0, 0, 0});
	HOLDS("leaky_relu(x, 0.5)", {NAN, 0, NAN, 1, 0}, {-1, 0, -0.5, 0.5, 0}, {2, 0, 2, 1, 0},
	      {-INFINITY, 0, -INFINITY, 0.5, 0});
	HOLDS("abs(x)", {NAN, 0, NAN, 1, 0}, {-2, 0, 2, -1, 0}, {3, 0, 3, 1, 0}, {0, 0, 0, 0, 0},
	      {-INFINITY, 0, INFINITY, -1, 0});
	HOLDS("max(x, y)", {NAN, 1, NAN, 1, 1}, {1, NAN, NAN, 1, 1}, {1, 2, 2, 0, 1},
	      {INFINITY, 2, INFINITY, 1, 0}, {3, 3, 3, 0.5, 0.5});
	HOLDS("min(x, y)", {NAN, 1, NAN, 1, 1}, {1, NAN, NAN, 1, 1}, {1, 2, 1, 1, 0},
	      {-INFINITY, 2, -INFINITY, 1, 0}, {3, 3, 3, 0.5, 0.5});
}

/* So a finite loss hands the gradient 0 to what is infinite, and 0 times an infinite weight is NaN: the NaN that a
 * direct convolution gives beside one where the weight does not reach is never the only one (models/README.md). */
static void what_is_finite_of_infinity_is_flat(void)
{
	HOLDS("tanh(x)", {INFINITY, 0, 1, 0, 0}, {-INFINITY, 0, -1, 0, 0});
	HOLDS("erf(x)", {INFINITY, 0, 1, 0, 0}, {-INFINITY, 0, -1, 0, 0});
	HOLDS("sigmoid(x)", {INFINITY, 0, 1, 0, 0}, {-INFINITY, 0, 0, 0, 0});
	HOLDS("exp(x)", {-INFINITY, 0, 0, 0, 0}, {INFINITY, 0, INFINITY, INFINITY, 0});
	HOLDS("1 / x", {INFINITY, 0, 0, 0, 0}, {-INFINITY, 0, 0, 0, 0});
	HOLDS("min(x, y)", {INFINITY, 2, 2, 0, 1});
	HOLDS("max(x, y)", {-INFINITY, 2, 2, 0, 1});
	HOLDS("min(relu(x), 6)", {INFINITY, 0, 6, 0, 0}, {-INFINITY, 0, 0, 0, 0});
	HOLDS("softplus(x)", {-INFINITY, 0, 0, 0, 0});
	HOLDS("log_sigmoid(x)", {INFINITY, 0, 0, 0, 0});
}

static void powers_are_closed_forms(void)
{
	HOLDS("x ^ y", {0, 0, 1, 0, 0}, {0, 1, 0, 1, 0}, {0, 2, 0, 0, 0}, {0, 0.5, 0, INFINITY, 0},
	      {0, -1, INFINITY, -INFINITY, -INFINITY}, {INFINITY, 2, INFINITY, INFINITY, INFINITY},
	      {INFINITY, 0.5, INFINITY, 0, INFINITY}, {INFINITY, -1, 0, 0, 0},
	      {INFINITY, 0, 1, 0, INFINITY}, {-2, 3, -8, 12, NAN}, {-2, 2, 4, -4, NAN},
	      {-INFINITY, 2, INFINITY, -INFINITY, NAN}, {NAN, 2, NAN, NAN, NAN},
	      {2, 10, 1024, 5120, 709.7827128933840});
	HOLDS("0 ^ x", {2, 0, 0, 0, 0}, {0.5, 0, 0, 0, 0}, {0, 0, 1, 0, 0},
	      {-1, 0, INFINITY, -INFINITY, 0}, {INFINITY, 0, 0, 0, 0});
	HOLDS("(x - y) ^ 2", {INFINITY, 1, INFINITY, INFINITY, -INFINITY}, {-3, 0, 9, -6, 6},
	      {1, INFINITY, INFINITY, -INFINITY, INFINITY}, {1, 1, 0, 0, 0}, {NAN, 1, NAN, NAN, NAN});
	HOLDS("x ^ 1", {0, 0, 0, 1, 0}, {-INFINITY, 0, -INFINITY, 1, 0});
	HOLDS("x ^ 0", {0, 0, 1, 0, 0}, {INFINITY, 0, 1, 0, 0}, {-2, 0, 1, 0, 0});
	HOLDS("x ^ 0.5", {0, 0, 0, INFINITY, 0}, {INFINITY, 0, INFINITY, 0, 0}, {4, 0, 2, 0.25, 0});
	HOLDS("x ^ -1", {0, 0, INFINITY, -INFINITY, 0}, {INFINITY, 0, 0, 0, 0},
	      {-2, 0, -0.5, -0.25, 0});
	HOLDS("x ^ 3", {-2, 0, -8, 12, 0}, {-INFINITY, 0, -INFINITY, INFINITY, 0});
}

/* The truth by pi to 400 bits. */
static void circles_go_on(void)
{
	HOLDS("sin(x)", {1e7, 0, 0.4205477931907825, -0.9072703861817396, 0},
	      {0x1p120, 0, 0.37782010936075183, -0.9258790228548379, 0},
	      {-0x1.fffffep127, 0, 0.5218765233336589, 0.853021039830304, 0},
	      {INFINITY, 0, NAN, NAN, 0}, {NAN, 0, NAN, NAN, 0}, {0, 0, 0, 1, 0});
}

/* -- Over axes --------------------------------------------------------------------------------- */

/* Of x of the shape: the text's value as `want`, interpreted and compiled. */
static bool gives(const char *text, Shape shape, const double *x, const double *want)
{
	Compile *c = compile_open();
	DataField input = {"x", DTYPE_f32, shape};
	Feed feed = {"x", x};
	Graph *raw = graph_of(c, text, &input, 1), *low = passes(c, raw, NULL);
	How how = {0};
	Ran *ran = low ? run_graph(c, low, &how, &feed, 1) : NULL;
	bool good = ran != NULL;
	NodeId y = good ? raw->out[0].value : 0;
	const double *slow = good ? evaluate(c->arena, raw, &feed, 1)[y] : NULL;
	for (int64_t i = 0; good && i < shape_size(node(raw, y)->shape); i++) {
		good = is_near(slow[i], want[i]) && is_near(ran->out[0][i], want[i]);
		if (!good)
			fprintf(stderr, "%s: element %lld is %g and %g, should be %g\n", text, (long long)i,
			        slow[i], ran->out[0][i], want[i]);
	}
	compile_close(c);
	return good;
}

static const double LINES[] = {
    1, NAN, 3, NAN, 2, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY,
    2, 5,   5, 1,   5, 0,         1,         INFINITY,  -INFINITY, 3};

static void largest_of_rows(void)
{
	Shape shape = SHAPE(4, 5);
	CU_ASSERT(gives("reduce_max(x, -1)", shape, LINES, (double[]){NAN, -INFINITY, 5, INFINITY}));
	CU_ASSERT(gives("cast(argmax(x), 'float')", shape, LINES, (double[]){1, 0, 1, 2}));
	const double third = 1.0 / 3, fifth = 0.2;
	CU_ASSERT(gives("grad(sum(reduce_max(x, -1)), x)", shape, LINES,
	                (double[]){fifth, fifth, fifth, fifth, fifth, fifth, fifth, fifth, fifth, fifth,
	                           0,     third, third, 0,     third, 0,     0,     1,     0,     0}));
	CU_ASSERT(gives("grad(sum(reduce_min(x, -1)), x)", shape, LINES,
	                (double[]){fifth, fifth, fifth, fifth, fifth, fifth, fifth, fifth, fifth, fifth,
	                           0,     0,     0,     1,     0,     0,     0,     0,     1,     0}));
	const double ends[] = {INT32_MIN, 0, 7, INT32_MIN, INT32_MAX, -1, 0, 200, 255};
	Shape square = SHAPE(3, 3); /* i32 and u8 have smallest numbers whose negative they have not */
	CU_ASSERT(gives("cast(reduce_min(cast(x, 'i32'), -1), 'float')", square, ends,
	                (double[]){INT32_MIN, INT32_MIN, 0}));
	CU_ASSERT(
	    gives("cast(reduce_min(cast(x, 'u8'), -1), 'float')", square, ends, (double[]){0, 0, 0}));
	CU_ASSERT(gives("cast(reduce_max(cast(x, 'i32'), -1), 'float')", square, ends,
	                (double[]){7, INT32_MAX, 255}));
	CU_ASSERT(gives("grad(sum(max_pool(reshape(x, [1, 2, 10, 1]))), x)", shape, LINES,
	                (double[]){0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0, 0,
	                           0.25, 0.25, 0.25, 0.25, 1, 0, 0, 1, 0, 1}));
}

/* -- Convolutions ------------------------------------------------------------------------------ */

enum { SIDE = 9, CHANNELS = 32, PLACES = SIDE * SIDE * CHANNELS };

typedef struct Image { /* 3 x 3, stride 1, as large as x */
	double *x;         /* [SIDE,SIDE,CHANNELS] */
	double *w;         /* [3,3,CHANNELS,CHANNELS] */
} Image;

/* What one output is; scale: the largest |x| and the largest |w| of its window. turned: the
 * adjoint. */
static double convolved(const Image *m, int64_t linear, bool turned, double *scale)
{
	int64_t n = linear % CHANNELS, at[2] = {linear / CHANNELS / SIDE, linear / CHANNELS % SIDE};
	double sum = 0, x = 0, w = 0;
	for (int64_t i = 0; i < 9 * CHANNELS; i++) {
		int64_t k[2] = {i / CHANNELS / 3, i / CHANNELS % 3}, c = i % CHANNELS;
		int64_t h = at[0] + (turned ? 1 - k[0] : k[0] - 1),
		        v = at[1] + (turned ? 1 - k[1] : k[1] - 1);
		if (h < 0 || h >= SIDE || v < 0 || v >= SIDE)
			continue;
		int64_t from = turned ? n * CHANNELS + c : c * CHANNELS + n;
		double of_x = m->x[(h * SIDE + v) * CHANNELS + c];
		double of_w = m->w[(k[0] * 3 + k[1]) * CHANNELS * CHANNELS + from];
		sum += of_x * of_w;
		x = fmax(x, fabs(of_x)), w = fmax(w, fabs(of_w));
	}
	*scale = x * w;
	return sum;
}

/* Of the scale of its own window, how far off any output is that no infinity reaches; where one
 * does, the result has to be none that a loss could bear. */
static double worst_share(const Image *m, const double *got, bool turned)
{
	double worst = 0;
	for (int64_t i = 0; i < PLACES; i++) {
		double scale, want = convolved(m, i, turned, &scale);
		double share = isfinite(want) ? fabs(got[i] - want) / scale : isfinite(got[i]) ? NAN : 0;
		worst = share <= worst ? worst : share;
	}
	return worst;
}

/* A convolution of an image with one pixel of this size, and its adjoint. */
static bool is_local(const char *text, double pixel, bool turned, double bound)
{
	Compile *c = compile_open();
	Shape shape = SHAPE(1, SIDE, SIDE, CHANNELS), weights = SHAPE(3, 3, CHANNELS, CHANNELS);
	DataField inputs[] = {
	    {"x", DTYPE_f32, shape}, {"w", DTYPE_f32, weights}, {"v", DTYPE_f32, shape}};
	Image m = {new_array(c->arena, double, PLACES), NULL};
	memcpy(m.x, test_numbers(c, DTYPE_f32, PLACES, 1), PLACES * sizeof *m.x);
	m.w = (double *)test_numbers(c, DTYPE_f32, shape_size(weights), 2);
	m.x[(4 * SIDE + 4) * CHANNELS + 7] = pixel;
	Feed feed[] = {{"x", m.x}, {"w", m.w}, {"v", m.w}};
	Graph *low = passes(c, graph_of(c, text, inputs, 3), NULL);
	How how = {0};
	Ran *ran = low ? run_graph(c, low, &how, feed, 3) : NULL;
	double worst = ran ? worst_share(&m, ran->out[0], turned) : INFINITY;
	if (!(worst <= bound))
		fprintf(stderr, "%s, a pixel of %g: %g of the scale\n", text, pixel, worst);
	compile_close(c);
	return worst <= bound;
}

static void convolutions_are_local(void)
{
	static const char *const FORTH = "convolve_2d(x, w, 1, 1)";
	static const char *const BACK = "grad(sum(convolve_2d(v, w, 1, 1) * x), v)";
	static const double PIXELS[] = {1, 1e6, -1e30, INFINITY, NAN};
	for (size_t i = 0; i < COUNT(PIXELS); i++) {
		CU_ASSERT(is_local(FORTH, PIXELS[i], false, 1e-5));
		CU_ASSERT(is_local(BACK, PIXELS[i], true, 1e-5));
	}
}

CU_TestInfo test_extremes[] = {
    {"NaN comes out", nan_comes_out},
    {"what is finite of infinity is flat", what_is_finite_of_infinity_is_flat},
    {"powers are the closed forms", powers_are_closed_forms},
    {"sin and cos far away", circles_go_on},
    {"the largest of rows", largest_of_rows},
    {"convolutions are local", convolutions_are_local},
    CU_TEST_INFO_NULL,
};
