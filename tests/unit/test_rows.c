/* test_rows.c: row kernels: softmax, layer norm and what else folds along the last axis, with their
 * gradients, through all passes and both schedules, against the interpreter. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "share.h"

typedef NodeId (*Model)(Graph *g, NodeId x, NodeId w);

static Axes last_axis(const Graph *g, NodeId x)
{
	return (Axes){.count = 1, .at = {(uint8_t)(node(g, x)->shape.rank - 1)}};
}

/* One number a row, as long as x again. */
static NodeId stretched(Graph *g, NodeId x, NodeId row)
{
	Axes front = {.count = node(g, row)->shape.rank};
	for (uint8_t i = 0; i < front.count; i++)
		front.at[i] = i;
	return op_broadcast(g, row, node(g, x)->shape, front);
}

static NodeId along_rows(Graph *g, NodeId x, NodeId w)
{
	return op_broadcast(g, w, node(g, x)->shape, last_axis(g, x));
}

static NodeId mean(Graph *g, NodeId x)
{
	Shape s = node(g, x)->shape;
	NodeId sum = op_sum(g, x, last_axis(g, x));
	return op_mul(g, sum, op_like(g, sum, 1.0 / (double)s.dim[s.rank - 1]));
}

static NodeId softmax(Graph *g, NodeId x, NodeId w)
{
	x = op_mul(g, x, along_rows(g, x, w));
	NodeId most = op_stop_gradient(g, op_reduce_max(g, x, last_axis(g, x)));
	NodeId e = op_exp(g, op_sub(g, x, stretched(g, x, most)));
	return op_div(g, e, stretched(g, x, op_sum(g, e, last_axis(g, x))));
}

static NodeId log_softmax(Graph *g, NodeId x, NodeId w)
{
	x = op_add(g, x, along_rows(g, x, w));
	NodeId sum = op_sum(g, op_exp(g, x), last_axis(g, x));
	return op_sub(g, x, stretched(g, x, op_log(g, sum)));
}

static NodeId layer_norm(Graph *g, NodeId x, NodeId w)
{
	NodeId centered = op_sub(g, x, stretched(g, x, mean(g, x)));
	NodeId variance = mean(g, op_mul(g, centered, centered));
	NodeId rate = op_sqrt(g, op_add(g, variance, op_like(g, variance, 1e-5)));
	NodeId y = op_div(g, centered, stretched(g, x, rate));
	return op_tanh(g, op_mul(g, y, along_rows(g, x, w)));
}

/* The axis that was folded stays, with length 1, as keep=1 writes it. */
static NodeId keeps_axis(Graph *g, NodeId x, NodeId w)
{
	Shape s = node(g, x)->shape, one = s;
	one.dim[one.rank - 1] = 1;
	Axes all = {.count = s.rank};
	for (uint8_t i = 0; i < s.rank; i++)
		all.at[i] = i;
	NodeId m = op_reshape(g, mean(g, op_mul(g, x, x)), one);
	NodeId rate = op_div(g, op_like(g, m, 1), op_sqrt(g, op_add(g, m, op_like(g, m, 0.5))));
	return op_mul(g, op_mul(g, x, op_broadcast(g, rate, s, all)), along_rows(g, x, w));
}

/* Folds of folds, of which some read nothing of the row kernel's. */
static NodeId many_folds(Graph *g, NodeId x, NodeId w)
{
	NodeId y = op_exp(g, op_mul(g, x, op_like(g, x, 0.3)));
	for (int i = 0; i < 12; i++) {
		NodeId sum = mean(g, i % 3 == 1 ? x : y);
		y = op_tanh(g, op_sub(g, i % 3 == 2 ? op_exp(g, op_neg(g, y)) : y, stretched(g, x, sum)));
	}
	return op_mul(g, y, along_rows(g, x, w));
}

/* A number for each place along the last two axes: rows are not alike in their number alone. */
static NodeId softmax_of_placed(Graph *g, NodeId x, NodeId w)
{
	Axes first = {.count = 1}, others = {.count = (uint8_t)(node(g, x)->shape.rank - 1)};
	for (uint8_t i = 0; i < others.count; i++)
		others.at[i] = i + 1;
	NodeId sums = op_sum(g, op_tanh(g, x), first);
	NodeId means = op_mul(g, sums, op_like(g, sums, 1.0 / (double)node(g, x)->shape.dim[0]));
	return softmax(g, op_add(g, x, op_broadcast(g, means, node(g, x)->shape, others)), w);
}

static bool agrees_with_interpreter(Model model, DType t, Shape shape, bool always)
{
	if (!case_runs())
		return true;
	Compile *c = compile_open();
	c->float_type = t;
	Graph *g = graph_new(c, "rows");
	int64_t length = shape.dim[shape.rank - 1];
	NodeId x = op_input(g, "x", t, shape), w = op_input(g, "w", t, SHAPE(length));
	NodeId weights = op_input(g, "weights", t, shape);
	NodeId y = model(g, x, w);
	Axes all = {.count = shape.rank, .at = {0, 1, 2}};
	NodeId loss = op_sum(g, op_mul(g, y, weights), all);
	graph_output(g, "y", y);
	graph_output(g, "dx", op_gradient(g, loss, x));
	graph_output(g, "dw", op_gradient(g, loss, w));
	Graph *low = passes(c, autodiff(c, g), NULL);
	Feed feed[3] = {{.name = "x"}, {.name = "w"}, {.name = "weights"}};
	NodeId of[3] = {x, w, weights};
	for (int i = 0; i < 3; i++)
		feed[i].at = test_numbers(c, t, shape_size(node(g, of[i])->shape), (uint64_t)i);
	double error = t == DTYPE_f64 ? 1e-12 : 2e-5;
	bool good = low && (always ? graph_agrees_always(c, low, feed, 3, error)
	                           : graph_agrees(c, low, &(How){.hook = SERIAL}, feed, 3, error));
	if (!good)
		fprintf(stderr, "rows of %lld, %lld of them\n", (long long)length,
		        (long long)(shape_size(shape) / length));
	compile_close(c);
	return good;
}

static void every_length(Model model)
{
	static const int64_t LENGTHS[] = {2, 3, 7, 15, 16, 17, 31, 33, 64, 65, 100, 257};
	for (size_t i = 0; i < COUNT(LENGTHS); i++)
		CU_ASSERT(agrees_with_interpreter(model, DTYPE_f32, SHAPE(11, LENGTHS[i]), i % 6 == 5));
	CU_ASSERT(agrees_with_interpreter(model, DTYPE_f64, SHAPE(3, 5, 37), true));
	CU_ASSERT(agrees_with_interpreter(model, DTYPE_f32, SHAPE(1, 9, 64), false));
	CU_ASSERT(agrees_with_interpreter(model, DTYPE_f32, SHAPE(300, 1, 130), true));
	/* several short rows at once, as many and fewer; heads of odd numbers of places */
	const Shape ODD[] = {SHAPE(3, 7, 49), SHAPE(1, 2, 50), SHAPE(2, 9, 65), SHAPE(2, 4, 97),
	                     SHAPE(2, 3, 197)};
	for (size_t i = 0; i < COUNT(ODD); i++)
		CU_ASSERT(agrees_with_interpreter(model, DTYPE_f32, ODD[i], i == 0));
	/* as many that they are the lanes: whole vectors of them and not, in tiles that end anywhere */
	const Shape NARROW[] = {SHAPE(37, 3),    SHAPE(5, 19, 2), SHAPE(64, 8),      SHAPE(40, 1, 5),
	                        SHAPE(3, 48, 4), SHAPE(3000, 7),  SHAPE(700, 21, 3), SHAPE(2, 16, 7)};
	for (size_t i = 0; i < COUNT(NARROW); i++)
		CU_ASSERT(agrees_with_interpreter(model, DTYPE_f32, NARROW[i], i % 4 == 1));
	CU_ASSERT(agrees_with_interpreter(model, DTYPE_f64, SHAPE(21, 3), true));
}

static void softmax_rows(void)
{
	every_length(softmax);
}
static void log_softmax_rows(void)
{
	every_length(log_softmax);
}
static void layer_norm_rows(void)
{
	every_length(layer_norm);
}
static void rows_that_keep_an_axis(void)
{
	every_length(keeps_axis);
}
static void rows_of_a_place(void)
{
	every_length(softmax_of_placed);
}
static void more_folds_than_a_kernel_takes(void)
{
	every_length(many_folds);
}

static unsigned kernels_of(const Kernels *k, KernelKind kind)
{
	unsigned count = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		count += k->kernel[i].kind == kind;
	return count;
}

/* Softmax is one kernel: it reads x once and writes y once. */
static void softmax_is_one_kernel(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "softmax");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(32, 64)),
	       w = op_input(g, "w", DTYPE_f32, SHAPE(64));
	graph_output(g, "y", softmax(g, x, w));
	Kernels *k = schedule(c, passes(c, g, NULL));
	CU_ASSERT_EQUAL(k->kernel_count, 1);
	CU_ASSERT_EQUAL(kernels_of(k, KERNEL_row), 1);
	CU_ASSERT_EQUAL(k->kernel[0].out_count, 1);
	compile_close(c);
}

/* A NaN or an infinity, first or last in its row, is no other row's. */
static void special_rows(void)
{
	static const double SPECIAL[] = {NAN, INFINITY, -INFINITY};
	static const int64_t LENGTHS[] = {17, 49, 80, 100};
	enum { ROWS = 9 };
	for (size_t i = 0; i < COUNT(LENGTHS) * COUNT(SPECIAL); i++) {
		int64_t length = LENGTHS[i / COUNT(SPECIAL)];
		Compile *c = compile_open();
		Graph *g = graph_new(c, "special rows");
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(ROWS, length));
		NodeId most = op_reduce_max(g, x, last_axis(g, x));
		NodeId below = op_sub(g, x, stretched(g, x, most));
		graph_output(g, "most", most);
		graph_output(g, "least", op_reduce_max(g, op_neg(g, below), last_axis(g, x)));
		double *v = new_array(c->arena, double, ROWS *length);
		for (int64_t j = 0; j < ROWS * length; j++)
			v[j] = (double)(j * 7 % 23 - 11);
		v[length] = v[6 * length - 1] = v[ROWS * length - 1] = SPECIAL[i % COUNT(SPECIAL)];
		Feed feed = {"x", v};
		CU_ASSERT(graph_agrees_always(c, passes(c, g, NULL), &feed, 1, 0));
		compile_close(c);
	}
}

/* -- Matrices by vectors ----------------------------------------------------------------------- */

/* Which of x and y is the matrix, where the unit axes are, with and without batches: as the raw
 * product says, in a reduction. */
static void matrices_by_vectors(void)
{
	const struct {
		Shape x, y;
		DotAxes axes;
	} CASES[] = {
	    {SHAPE(7, 96), SHAPE(96), {.contract = 1, .x_contract = {1}}},
	    {SHAPE(7, 96), SHAPE(96, 1), {.contract = 1, .x_contract = {1}}},
	    {SHAPE(1, 70), SHAPE(33, 70), {.contract = 1, .x_contract = {1}, .y_contract = {1}}},
	    {SHAPE(3, 5, 64), SHAPE(1, 64, 1), {.contract = 1, .x_contract = {2}, .y_contract = {1}}},
	    {SHAPE(2, 3, 5, 65),
	     SHAPE(2, 65, 1),
	     {.batch = 1, .contract = 1, .x_contract = {3}, .y_contract = {1}}},
	    {SHAPE(4, 100),
	     SHAPE(4, 9, 100),
	     {.batch = 1, .contract = 1, .x_contract = {1}, .y_contract = {2}}},
	};
	for (size_t i = 0; i < 2 * COUNT(CASES); i++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, "product");
		DType t = i % 2 ? DTYPE_f64 : DTYPE_f32;
		Shape a = CASES[i / 2].x, b = CASES[i / 2].y;
		NodeId x = op_input(g, "x", t, a), y = op_input(g, "y", t, b);
		graph_output(g, "z", op_dot(g, x, y, CASES[i / 2].axes));
		Feed feed[] = {{"x", test_numbers(c, t, shape_size(a), 1)},
		               {"y", test_numbers(c, t, shape_size(b), 2)}};
		Graph *low = passes(c, g, NULL);
		NodeId before = g->out[0].value, after = low->out[0].value;
		CU_ASSERT(agrees(low, after, evaluate(c->arena, low, feed, 2)[after],
		                 evaluate(c->arena, g, feed, 2)[before], t == DTYPE_f64 ? 1e-13 : 1e-5));
		bool sums = false;
		for (NodeId n = 1; n < low->count; n++)
			sums |= node(low, n)->op == OP_sum;
		CU_ASSERT(sums);
		CU_ASSERT(graph_agrees_always(c, low, feed, 2, t == DTYPE_f64 ? 1e-13 : 1e-5));
		compile_close(c);
	}
}

CU_TestInfo test_rows[] = {
    {"softmax", softmax_rows},
    {"log softmax", log_softmax_rows},
    {"layer norm", layer_norm_rows},
    {"rows that keep an axis", rows_that_keep_an_axis},
    {"rows that know their place", rows_of_a_place},
    {"more folds than a kernel takes", more_folds_than_a_kernel_takes},
    {"softmax is one kernel", softmax_is_one_kernel},
    {"special rows", special_rows},
    {"matrices by vectors", matrices_by_vectors},
    CU_TEST_INFO_NULL,
};
