/* test_sums.c: long sums and products: how far from the sum of the same numbers in double; and scatters.
 *
 * Numbers repeat, so that few are fed and the truth is their sum in double, times how often each
 * comes: a cycle of them is stretched over the axis that is long. All hooks give the same bits. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <string.h>

#include "../../compiler/passes/passes.h"
#include "compiled.h"

typedef struct Long {
	int64_t times, cycle,
	    columns;           /* x [times, cycle, columns]: element i of a cycle, in all rows */
	uint8_t axis[3], axes; /* summed over */
	DType type;
	enum { CONSTANT, POSITIVE, ALTERNATING } kind;
	const char *cpu;
} Long;

static double *numbers(Compile *c, const Long *a)
{
	double *v = new_array(c->arena, double, (size_t)a->cycle);
	uint32_t r = 12345;
	for (int64_t i = 0; i < a->cycle; i++) {
		r = r * 1664525u + 1013904223u;
		double x = a->kind == CONSTANT ? 0.1 : 0.05 + r * 0x1p-32;
		v[i] = rounded(a->type, a->kind == ALTERNATING && i % 2 ? -x : x);
	}
	return v;
}

static bool close(const Long *a, const char *what, double got, double want, double scale,
                  double most)
{
	if (fabs(got - want) <= most * scale)
		return true;
	fprintf(stderr, "%s of [%lld,%lld,%lld], %u axes, kind %d: %.10g, not %.10g: off by %.2g\n",
	        what, (long long)a->times, (long long)a->cycle, (long long)a->columns, a->axes, a->kind,
	        got, want, fabs(got - want) / scale);
	return false;
}

/* The sum over the axes, and of a map after it. */
static bool sum_is_close(Long a, double most)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "sum");
	NodeId x = op_input(g, "x", a.type, SHAPE(a.cycle));
	NodeId all = op_broadcast(g, x, SHAPE(a.times, a.cycle, a.columns), (Axes){1, {1}});
	Axes axes = {.count = a.axes, .at = {a.axis[0], a.axis[1], a.axis[2]}};
	NodeId sum = op_sum(g, all, axes);
	graph_output(g, "sum", sum);
	const double *v = numbers(c, &a);
	Feed feed = {"x", v};
	Graph *low = passes(c, g, NULL);
	Ran *ran = run_graph(c, low, &(How){.hook = ALL_HOOKS, .cpu = a.cpu}, &feed, 1);
	long double want = 0; /* of doubles: more than they hold */
	double times = 1, scale = 0;
	bool over_cycle = false;
	for (int i = 0; i < a.axes; i++) {
		over_cycle |= a.axis[i] == 1;
		times *= a.axis[i] == 0 ? (double)a.times : a.axis[i] == 2 ? (double)a.columns : 1;
	}
	for (int64_t i = 0; i < a.cycle; i++)
		want += v[i] * times, scale += fabs(v[i]) * times;
	bool good = ran != NULL;
	int64_t size = shape_size(node(g, sum)->shape), columns = size % a.columns ? 1 : a.columns;
	for (int64_t i = 0; good && i < size; i++) {
		double one =
		    over_cycle ? want : v[i / (a.axis[a.axes - 1] == 2 ? 1 : columns) % a.cycle] * times;
		good = close(&a, "sum", ran->out[0][i], one, over_cycle ? scale : fabs(one), most);
	}
	compile_close(c);
	return good;
}

/* 2^24 is where a running sum of ones ends; 0.1 is rounded the same way again and again. */
static void cases_that_were_wrong(void)
{
	static const Long CASES[] = {
	    {20000000, 1, 2, {0}, 1, DTYPE_f32, CONSTANT, NULL},
	    {200704, 1, 64, {0}, 1, DTYPE_f32, CONSTANT, NULL},
	    {3, 13000000, 1, {1, 2}, 2, DTYPE_f32, CONSTANT, NULL},
	    {10000000, 1, 1, {0, 1, 2}, 3, DTYPE_f32, CONSTANT, NULL},
	};
	for (size_t i = 0; i < COUNT(CASES); i++)
		CU_ASSERT(sum_is_close(CASES[i], 2.5e-7));
}

/* Every choice of axes of a shape, odd and even lengths, short and long. */
static void every_place(void)
{
	static const int64_t SHAPES[][3] = {{1, 1, 1},     {7, 33, 1},   {2, 1009, 3}, {64, 17, 65},
	                                    {1, 40000, 2}, {31, 1, 130}, {5003, 7, 1}, {90, 300, 20}};
	static const char *const CPUS[] = {NULL, "x86-64-v3", "x86-64"};
	for (size_t i = 0; i < COUNT(SHAPES); i++)
		for (unsigned set = 1; set < 8; set++) {
			Long a = {SHAPES[i][0], SHAPES[i][1], SHAPES[i][2], {0}, 0, DTYPE_f32, 0, NULL};
			for (uint8_t axis = 0; axis < 3; axis++)
				if (set >> axis & 1)
					a.axis[a.axes++] = axis;
			a.kind = (i + set) % 3, a.cpu = CPUS[(i + set) % COUNT(CPUS)];
			CU_ASSERT(sum_is_close(a, 3.5e-7));
			a.type = DTYPE_f64, a.cpu = NULL;
			CU_ASSERT(i % 4 || sum_is_close(a, 1e-15));
		}
}

/* Whole numbers are exact; an infinity, or NaN, is what comes out, wherever it is. */
static void exact_and_special(void)
{
	static const double SPECIAL[] = {0, INFINITY, -INFINITY, NAN};
	enum { LENGTH = 9000 };
	for (size_t i = 0; i < COUNT(SPECIAL); i++)
		for (int at = 0; at < LENGTH; at += LENGTH / 3 - 1) {
			Compile *c = compile_open();
			Graph *g = graph_new(c, "special sums");
			NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(LENGTH, 1)),
			       n = op_input(g, "n", DTYPE_i32, SHAPE(LENGTH));
			NodeId row = op_reshape(g, x, SHAPE(1, LENGTH));
			graph_output(g, "column", op_sum(g, x, (Axes){1, {0}}));
			graph_output(g, "row", op_sum(g, row, (Axes){1, {1}}));
			graph_output(g, "count", op_sum(g, n, (Axes){1, {0}}));
			double *v = new_array(c->arena, double, LENGTH),
			       *m = new_array(c->arena, double, LENGTH);
			for (int j = 0; j < LENGTH; j++)
				v[j] = j % 7 - 3, m[j] = 400000 + j % 2;
			v[at] = SPECIAL[i];
			Feed feed[] = {{"x", v}, {"n", m}};
			CU_ASSERT(graph_agrees(c, g, &(How){.hook = ALL_HOOKS}, feed, 2, 0));
			compile_close(c);
		}
}

/* -- Axes that take turns ---------------------------------------------------------------------- */

/* x [B, R, K, S, C], squared, and its sum and maximum over R and S, as loops say; by windows side by side
 * in x [B, R', K', C]. */
static bool turns_are_close(const int64_t *dim, bool windows, DType type, double most)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "turns");
	int64_t b = dim[0], r = dim[1], k = dim[2], s = dim[3], columns = dim[4];
	NodeId x =
	    op_input(g, "x", type, windows ? SHAPE(b, r, k * s, columns) : SHAPE(b, r, k, s, columns));
	NodeId y = op_mul(g, x, x);
	y = windows ? op_windows(g, y, 2, s, s, 1) : y;
	graph_output(g, "sum", op_sum(g, y, (Axes){2, {1, 3}}));
	graph_output(g, "max", op_reduce_max(g, y, (Axes){2, {1, 3}}));
	const double *v = test_numbers(c, type, b * r * k * s * columns, 7);
	Feed feed = {"x", v};
	Ran *ran = run_graph(c, passes(c, g, NULL), &(How){.hook = ALL_HOOKS}, &feed, 1);
	bool good = ran != NULL;
	for (int64_t at = 0; good && at < b * k * columns; at++) {
		int64_t block = at / columns / k, place = at / columns % k;
		double sum = 0, max = 0;
		for (int64_t i = 0; i < r * s; i++) {
			double e = v[(((block * r + i / s) * k + place) * s + i % s) * columns + at % columns];
			sum += e * e;
			max = e * e > max ? e * e : max;
		}
		Long a = {b * r, k, columns, {0}, 0, type, POSITIVE, NULL};
		good = close(&a, "sum in turns", ran->out[0][at], sum, sum, most) &&
		       close(&a, "max in turns", ran->out[1][at], max, max, most);
	}
	compile_close(c);
	return good;
}

/* Of more elements than are summed at once, and fewer; of last axes from one element to NARROW. */
static void axes_that_take_turns(void)
{
	static const int64_t SHAPES[][5] = {{128, 4, 8, 4, 2}, {1, 97, 5, 31, 1},  {7, 2, 300, 2, 3},
	                                    {3, 50, 1, 11, 7}, {2, 1, 1500, 3, 1}, {5, 300, 3, 2, 8},
	                                    {1, 2, 2, 2, 2}};
	for (size_t i = 0; i < COUNT(SHAPES); i++)
		for (int windows = 0; windows < 2; windows++) {
			CU_ASSERT(turns_are_close(SHAPES[i], windows, DTYPE_f32, 1e-6));
			CU_ASSERT(turns_are_close(SHAPES[i], windows, DTYPE_f64, 1e-14));
		}
}

/* -- Scatters ---------------------------------------------------------------------------------- */

/* `times` cycles of numbers, scattered to ROWS rows by turns: of each row the sum of every ROWS-th
 * number, added to x; columns from narrow to wider than a vector. */
static bool scatter_is_close(int64_t times, int64_t columns, double most)
{
	enum { CYCLE = 1009, ROWS = 3 };
	Compile *c = compile_open();
	Graph *g = graph_new(c, "scatter");
	int64_t count = times * CYCLE;
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(ROWS, columns)),
	       v = op_input(g, "v", DTYPE_f32, SHAPE(CYCLE)),
	       at = op_input(g, "at", DTYPE_i32, SHAPE(count));
	NodeId y = op_broadcast(g, v, SHAPE(times, CYCLE, columns), (Axes){1, {1}});
	y = op_reshape(g, y, SHAPE(count, columns));
	graph_output(g, "scatter", op_scatter_add(g, x, at, y, 0));
	Long a = {times, CYCLE, columns, {0}, 0, DTYPE_f32, POSITIVE, NULL};
	const double *value = numbers(c, &a), *old = test_numbers(c, DTYPE_f32, ROWS * columns, 1);
	double *row = new_array(c->arena, double, count), want[ROWS] = {0};
	for (int64_t i = 0; i < count; i++) {
		row[i] = (double)(i % ROWS);
		want[i % ROWS] += value[i % CYCLE];
	}
	Feed feed[] = {{"x", old}, {"v", value}, {"at", row}};
	Ran *ran = run_graph(c, passes(c, g, NULL), &(How){.hook = ALL_HOOKS}, feed, 3);
	bool good = ran != NULL;
	for (int64_t i = 0; good && i < ROWS * columns; i++) {
		double whole = want[i / columns] + old[i];
		good = close(&a, "scatter", ran->out[0][i], whole, whole, most);
	}
	compile_close(c);
	return good;
}

static void long_scatters(void)
{
	CU_ASSERT(scatter_is_close(1000, 1, 1e-7));
	CU_ASSERT(scatter_is_close(40, 37, 1e-7));
	CU_ASSERT(scatter_is_close(1, 3, 1e-7));
}

/* Terms summed where a table's update needs them: rows with none, one and all of them, places beyond
 * both ends. Sums of eighths are exact; those in f64 are of thousandths. */
static bool update_is_right(DType sums, int64_t rows, int64_t columns, int64_t places, int one_row)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "update");
	DType terms = sums == DTYPE_f64 ? DTYPE_f32 : sums;
	NodeId w = op_state(g, "w", DTYPE_f32, SHAPE(rows, columns)),
	       at = op_input(g, "at", DTYPE_i32, SHAPE(places)),
	       y = op_input(g, "y", terms, SHAPE(places, columns));
	NodeId sum = op_scatter_add(g, op_full(g, sums, SHAPE(rows, columns), -0.5), at, y, 0);
	sum = sums == DTYPE_f32 ? sum : op_cast(g, sum, DTYPE_f32);
	NodeId next = op_sub(g, op_mul(g, w, op_full(g, DTYPE_f32, SHAPE(rows, columns), 0.5)), sum);
	graph_output(g, "change", op_abs(g, op_sub(g, w, next)));
	graph_set(g, w, next);
	double *place = new_array(c->arena, double, places),
	       *eighth = new_array(c->arena, double, (rows + places) * columns);
	for (int64_t i = 0; i < places; i++)
		place[i] = one_row >= 0 ? one_row : (double)(i * 7919 % (rows + rows / 2) - rows / 4);
	for (int64_t i = 0; i < (rows + places) * columns; i++)
		eighth[i] = (double)(i * 31 % 33 - 16) / 8;
	const double *thousandth = test_numbers(c, terms, places * columns, 2);
	Feed feed[] = {{"w", eighth + places * columns},
	               {"at", place},
	               {"y", sums == DTYPE_f64 ? thousandth : eighth}};
	Kernels *k = schedule(c, g);
	bool good = k->kernel_count == 1 && k->kernel[0].kind == KERNEL_scatter &&
	            !scatter_is_stored(&k->kernel[0]);
	good &= graph_agrees_always(c, g, feed, COUNT(feed), sums == DTYPE_f64 ? 1e-6 : 0);
	compile_close(c);
	return good;
}

/* Into numbers that are not the same in all columns of a row. */
static bool indices_are_right(int axis, int64_t rows, int64_t columns, int64_t places)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "indices");
	NodeId at = op_input(g, "at", DTYPE_i32, SHAPE(places)),
	       y = op_input(g, "y", DTYPE_i32, SHAPE(places, columns));
	NodeId x = op_iota(g, DTYPE_i32, SHAPE(rows, columns), (uint32_t)axis);
	NodeId sum = op_scatter_add(g, x, at, y, 0);
	graph_output(
	    g, "half",
	    op_mul(g, op_cast(g, sum, DTYPE_f32), op_full(g, DTYPE_f32, SHAPE(rows, columns), 0.5)));
	double *place = new_array(c->arena, double, places),
	       *term = new_array(c->arena, double, (size_t)(places * columns));
	for (int64_t i = 0; i < places; i++)
		place[i] = (double)(i * 7919 % rows);
	for (int64_t i = 0; i < places * columns; i++)
		term[i] = (double)(i * 31 % 33 - 16);
	Feed feed[] = {{"at", place}, {"y", term}};
	bool good = graph_agrees_always(c, g, feed, COUNT(feed), 0);
	compile_close(c);
	return good;
}

/* The terms are the table's own rows, which the update writes. */
static bool own_rows_are_right(DType sums)
{
	enum { ROWS = 64, COLUMNS = 48 };
	Compile *c = compile_open();
	Graph *g = graph_new(c, "own");
	Shape shape = SHAPE(ROWS, COLUMNS);
	NodeId w = op_state(g, "w", DTYPE_f32, shape), at = op_input(g, "at", DTYPE_i32, SHAPE(ROWS));
	NodeId sum = op_scatter_add(g, op_full(g, sums, shape, 0), at, w, 0);
	NodeId next = op_sub(g, w, sums == DTYPE_f32 ? sum : op_cast(g, sum, DTYPE_f32));
	graph_output(g, "change", op_abs(g, next));
	graph_set(g, w, next);
	double *place = new_array(c->arena, double, ROWS),
	       *eighth = new_array(c->arena, double, ROWS *COLUMNS);
	for (int64_t i = 0; i < ROWS; i++)
		place[i] = (double)((i * 37 + 11) % ROWS);
	for (int64_t i = 0; i < ROWS * COLUMNS; i++)
		eighth[i] = (double)(i * 31 % 33 - 16) / 8;
	Feed feed[] = {{"w", eighth}, {"at", place}};
	Kernels *k = schedule(c, g);
	bool good = k->kernel[0].kind == KERNEL_scatter && !scatter_is_stored(&k->kernel[0]);
	good &= graph_agrees_always(c, g, feed, COUNT(feed), 0);
	compile_close(c);
	return good;
}

static void updates_of_few_rows(void)
{
	static const int64_t COLUMNS[] = {1, 2, 7, 8, 15, 16, 17, 33, 100};
	for (size_t i = 0; i < COUNT(COLUMNS); i++) {
		CU_ASSERT(update_is_right(DTYPE_f64, 640, COLUMNS[i], 40 * COLUMNS[i], -1));
		CU_ASSERT(update_is_right(DTYPE_f32, 331, COLUMNS[i], 20 * COLUMNS[i], -1));
	}
	CU_ASSERT(update_is_right(DTYPE_f64, 101, 64, 1, -1));
	CU_ASSERT(update_is_right(DTYPE_f32, 1, 600, 30, 0));
	CU_ASSERT(own_rows_are_right(DTYPE_f32));
	CU_ASSERT(own_rows_are_right(DTYPE_f64));
	CU_ASSERT(update_is_right(DTYPE_f64, 1, 64, 4, 0));
	CU_ASSERT(update_is_right(DTYPE_f32, 257, 12, 190, 256));
	CU_ASSERT(update_is_right(DTYPE_f64, 2000, 64, 3000, 0));
	CU_ASSERT(indices_are_right(0, 100, 33, 20));
	CU_ASSERT(indices_are_right(1, 100, 33, 20));
}

/* -- Products ---------------------------------------------------------------------------------- */

/* Rows and columns of one cycle again and again: their dot is its squares' sum. */
static bool product_is_close(int64_t times, int64_t cycle, int64_t rows, int64_t cols, double most)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "product");
	NodeId v = op_input(g, "v", DTYPE_f32, SHAPE(cycle));
	NodeId x = op_broadcast(g, v, SHAPE(times, cycle, rows), (Axes){1, {1}}),
	       y = op_broadcast(g, v, SHAPE(times, cycle, cols), (Axes){1, {1}});
	DotAxes both = {.contract = 2, .x_contract = {0, 1}, .y_contract = {0, 1}};
	graph_output(g, "dot", op_dot(g, x, y, both));
	Long a = {times, cycle, rows, {0, 1}, 2, DTYPE_f32, POSITIVE, NULL};
	const double *value = numbers(c, &a);
	Feed feed = {"v", value};
	double want = 0;
	for (int64_t i = 0; i < cycle; i++)
		want += value[i] * value[i] * (double)times;
	Ran *ran = run_graph(c, passes(c, g, NULL), &(How){.hook = ALL_HOOKS}, &feed, 1);
	bool good = ran != NULL;
	for (int64_t i = 0; good && i < rows * cols; i++)
		good = close(&a, "dot", ran->out[0][i], want, want, most);
	compile_close(c);
	return good;
}

static void long_products(void)
{
	CU_ASSERT(product_is_close(991, 1009, 3, 5, 4e-7));
	CU_ASSERT(product_is_close(29, 1009, 40, 50, 4e-7));
	CU_ASSERT(product_is_close(9901, 1009, 2, 4, 4e-7));
	CU_ASSERT(product_is_close(991, 1009, 1, 7, 4e-7)); /* a vector by a matrix: a sum */
}

/* The gradient of a convolution's weights: sums over samples and places, along one axis or two. */
static bool windows_are_close(int64_t batch, int64_t height, int64_t width, double most)
{
	enum { KERNEL = 3, OUT = 2 };
	Compile *c = compile_open();
	Graph *g = graph_new(c, "windows");
	int64_t tall = height + KERNEL - 1, wide = width + KERNEL - 1;
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(batch, tall, wide, 1)),
	       y = op_input(g, "y", DTYPE_f32, SHAPE(batch, height, width, OUT));
	NodeId w = op_windows(g, op_windows(g, x, 1, KERNEL, 1, 1), 3, KERNEL, 1, 1);
	DotAxes places = {.contract = 3, .x_contract = {0, 1, 3}, .y_contract = {0, 1, 2}};
	graph_output(g, "gradient", op_dot(g, w, y, places)); /* i j 1 n */
	Long ax = {1, batch * tall * wide, 1, {0}, 0, DTYPE_f32, POSITIVE, NULL},
	     ay = {1, batch * height * width * OUT, 1, {0}, 0, DTYPE_f32, POSITIVE, NULL};
	const double *vx = numbers(c, &ax), *vy = numbers(c, &ay);
	Feed feed[] = {{"x", vx}, {"y", vy}};
	Ran *ran = run_graph(c, passes(c, g, NULL), &(How){.hook = ALL_HOOKS}, feed, 2);
	bool good = ran != NULL;
	for (int64_t at = 0; good && at < KERNEL * KERNEL * OUT; at++) {
		int64_t i = at / OUT / KERNEL, j = at / OUT % KERNEL;
		double want = 0;
		for (int64_t place = 0; place < batch * height * width; place++) {
			int64_t b = place / (height * width), h = place / width % height, l = place % width;
			want += vx[(b * tall + h + i) * wide + l + j] * vy[place * OUT + at % OUT];
		}
		good = close(&ay, "gradient", ran->out[0][at], want, want, most);
	}
	compile_close(c);
	return good;
}

static void long_windows(void)
{
	CU_ASSERT(windows_are_close(1, 1, 200000, 5e-7));
	CU_ASSERT(windows_are_close(1, 400, 500, 5e-7));
	CU_ASSERT(windows_are_close(3, 300, 90, 5e-7));
}

/* Of an axis of length 1 there is one place, whatever its loop calls it: what follows a sum finds it by
 * way of reshapes that drop the axis and add another. */
static void of_one_sample(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "one");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(1, 45, 3)),
	       sum = op_sum(g, x, (Axes){.count = 1, .at = {2}}),
	       turned = op_tanh(g, op_reshape(g, sum, SHAPE(1, 45, 1)));
	graph_output(g, "both", op_add(g, sum, op_reshape(g, turned, SHAPE(1, 45))));
	graph_output(g, "turned", op_exp(g, op_reshape(g, turned, SHAPE(1, 45))));
	Feed feed = {.name = "x", .at = test_numbers(c, DTYPE_f32, 135, 1)};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, 1e-6));
	compile_close(c);
}

CU_TestInfo test_sums[] = {
    {"cases that were wrong", cases_that_were_wrong},
    {"every place of the axes", every_place},
    {"exact and special", exact_and_special},
    {"axes that take turns", axes_that_take_turns},
    {"long scatters", long_scatters},
    {"updates of few rows", updates_of_few_rows},
    {"long products", long_products},
    {"long windows", long_windows},
    {"of one sample", of_one_sample},
    CU_TEST_INFO_NULL,
};
