/* test_library.c: models/lib at extreme inputs: value and gradient of the compiled text in f32,
 * against closed forms in double. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"

#define SMALLEST_NORMAL 1.17549435e-38

/* What the expression is, with the fields' values; NULL after an error. */
static double *value_of(Compile *c, const char *text, const DataField *field, const Feed *feed,
                        size_t fields)
{
	static const double ONES[8] = {1, 1, 1, 1, 1, 1, 1, 1}, ZEROS[8] = {0};
	Feed all[10] = {{"step", (double[]){0}}, {"seed", (double[]){3, 4}}};
	size_t count = 2;
	Bundle *states;
	Graph *g =
	    build_expression(c, prelude_parse(c), NULL, expression_of(c, text), field, fields, &states);
	g = passes(c, autodiff(c, g), NULL);
	for (size_t i = 0; i < fields; i++)
		all[count++] = feed[i];
	for (size_t i = 0; g && i < states->state_count; i++) /* of norms: scale and shift */
		all[count++] =
		    (Feed){states->state[i].name, strstr(states->state[i].name, "scale") ? ONES : ZEROS};
	Ran *ran = g ? run_graph(c, g, &(How){.once = true}, all, count) : NULL;
	diag_print(c->diags, stderr, false);
	if (!ran)
		fprintf(stderr, "%s was not computed\n", text);
	return ran ? ran->out[0] : NULL;
}

static bool near(double got, double want, double error)
{
	return got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= error;
}

static bool all_near(const char *what, const double *got, const double *want, int64_t count,
                     double error)
{
	for (int64_t i = 0; i < count; i++)
		if (!near(got[i], want[i], error)) {
			fprintf(stderr, "%s: element %lld is %.9g, but should be %.9g\n", what, (long long)i,
			        got[i], want[i]);
			return false;
		}
	return true;
}

/* -- Curves: relative error down to the smallest normal number --------------------------------- */

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}
static double sigmoid_slope(double x)
{
	return exp(-fabs(x)) / pow(1 + exp(-fabs(x)), 2);
}
static double silu(double x)
{
	return isinf(x) ? (x > 0 ? x : NAN) : x * sigmoid(x);
}
static double silu_slope(double x)
{
	return isinf(x) ? NAN : sigmoid(x) + x * sigmoid_slope(x);
}
static double softplus(double x)
{
	return fmax(x, 0) + log1p(exp(-fabs(x)));
}
static double log_sigmoid(double x)
{
	return -softplus(-x);
}
static double log_sigmoid_slope(double x)
{
	return sigmoid(-x);
}
static double elu(double x)
{
	return x > 0 ? x : expm1(x);
}
static double elu_slope(double x)
{
	return x > 0 ? 1 : exp(x);
}
static double huber(double x)
{
	return fabs(x) < 1 ? 0.5 * x * x : fabs(x) - 0.5;
}
static double huber_slope(double x)
{
	return x > 1 ? 1 : x < -1 ? -1 : x;
}
static double half_sign(double x)
{
	return (x > 0) - (x < 0);
}

static const double PLACES[] = {
    -INFINITY, -3e38, -1e5, -87,   -80,     -50, -30,    -18,  -17, -10,  -5,       -2, -1,
    -0.7,      -0.6,  -0.5, -1e-3, -2.9e-8, -0., 2.9e-8, 1e-3, 0.5, 0.6,  0.7,      1,  2,
    5,         10,    17,   18,    30,      50,  80,     87,   1e5, 3e38, INFINITY,
};

static void curves(void)
{
	static const struct {
		const char *text;
		double (*value)(double), (*slope)(double);
	} ROWS[] = {
	    {"sigmoid(x)", sigmoid, sigmoid_slope},
	    {"silu(x)", silu, silu_slope},
	    {"softplus(x)", softplus, sigmoid},
	    {"log_sigmoid(x)", log_sigmoid, log_sigmoid_slope},
	    {"elu(x)", elu, elu_slope},
	    {"expm1(x)", expm1, exp},
	    {"size(x) * huber(x, 0)", huber, huber_slope},
	    {"size(x) * l1(x, 0)", fabs, half_sign},
	};
	enum { N = COUNT(PLACES) };
	for (size_t r = 0; r < COUNT(ROWS); r++) {
		Compile *c = compile_open();
		double x[N];
		for (size_t i = 0; i < N; i++)
			x[i] = (float)PLACES[i];
		DataField field = {"x", DTYPE_f32, SHAPE(N)};
		bool sums = ROWS[r].text[1] == 'i' && ROWS[r].text[2] == 'z';
		const char *text = arena_printf(c->arena, "concat([%s, grad(sum(%s), x)])",
		                                sums ? "0 * x" : ROWS[r].text, ROWS[r].text);
		double *got = value_of(c, text, &field, &(Feed){"x", x}, 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(got);
		for (size_t i = 0; i < 2 * N; i++) {
			double at = x[i % N], want = i < N ? ROWS[r].value(at) : ROWS[r].slope(at);
			if (sums && i < N)
				continue; /* a mean has one value; below */
			if (fabs(want) > 3.4028235e38)
				want = want > 0 ? INFINITY : -INFINITY;
			if (fabs(want) < SMALLEST_NORMAL)
				want = 0;
			bool good = near(got[i], want, 1e-6 * fabs(want) + SMALLEST_NORMAL);
			if (!good)
				fprintf(stderr, "%s of %s at %.9g is %.9g, but should be %.9g\n",
				        i < N ? "the value" : "the slope", ROWS[r].text, at, got[i], want);
			CU_ASSERT(good);
		}
		compile_close(c);
	}
}

/* -- Rows: error of the result's scale --------------------------------------------------------- */

enum { ROWS = 7, LONG = 6 };

typedef struct Row {
	const char *text; /* of x [ROWS, LONG]: something as long as a row, or one number of each */
	bool one;         /* one number of a row */
	void (*value)(const double *x, int row, double *y);
	/* of sum(y * (1 + column)), or of sum(y) for one number */
	void (*slope)(const double *x, int row, double *dx);
	double x[ROWS][LONG];
} Row;

static double largest(const double *x)
{
	double m = -INFINITY;
	for (int i = 0; i < LONG; i++)
		m = fmax(m, x[i]);
	return m;
}
static double exponentials(const double *x, double m)
{
	double s = 0;
	for (int i = 0; i < LONG; i++)
		s += exp(x[i] - m);
	return s;
}
static void log_softmax(const double *x, int row, double *y)
{
	(void)row;
	double m = largest(x), s = log(exponentials(x, m));
	for (int i = 0; i < LONG; i++)
		y[i] = x[i] - m - s;
}
static void softmax(const double *x, int row, double *y)
{
	log_softmax(x, row, y);
	for (int i = 0; i < LONG; i++)
		y[i] = exp(y[i]);
}
static void log_softmax_slope(const double *x, int row, double *dx)
{
	double p[LONG];
	softmax(x, row, p);
	for (int i = 0; i < LONG; i++)
		dx[i] = (i + 1) - p[i] * LONG * (LONG + 1) / 2;
}
static void log_sum_exp(const double *x, int row, double *y)
{
	(void)row;
	double m = largest(x);
	*y = log(exponentials(x, m)) + m;
}
/* The label is the number of the row. */
static void cross_entropy(const double *x, int row, double *y)
{
	double p[LONG];
	log_softmax(x, row, p);
	*y = -p[row % LONG];
}
static void cross_entropy_slope(const double *x, int row, double *dx)
{
	softmax(x, row, dx);
	dx[row % LONG] -= 1;
}
static double length(const double *x)
{
	double m = 0, s = 0;
	for (int i = 0; i < LONG; i++)
		m = fmax(m, fabs(x[i]));
	for (int i = 0; i < LONG && m > 0; i++)
		s += x[i] / m * (x[i] / m);
	return m * sqrt(s);
}
static void norm(const double *x, int row, double *y)
{
	(void)row;
	*y = length(x);
}
static void normalize(const double *x, int row, double *y)
{
	(void)row;
	double n = length(x);
	for (int i = 0; i < LONG; i++)
		y[i] = n > 0 ? x[i] / n : 0;
}
/* At zero there is no slope: that it is finite is all that is asked. */
static void normalize_slope(const double *x, int row, double *dx)
{
	double y[LONG], along = 0, n = length(x);
	normalize(x, row, y);
	for (int i = 0; i < LONG; i++)
		along += y[i] * (i + 1);
	for (int i = 0; i < LONG; i++)
		dx[i] = n > 0 ? ((i + 1) - along * y[i]) / n : i + 1;
}

#define OFFSETS                                                                                    \
	{                                                                                              \
		{0, 1, -2, 3, -1, -40}, {1e3, 1001, 998, 1003, 999, 960},                                  \
		    {1e5, 1e5 + 1, 1e5 - 2, 1e5 + 3, 1e5 - 1, 1e5 - 40},                                   \
		    {1e7, 1e7 + 1, 1e7 - 2, 1e7 + 3, 1e7 - 1, 1e7 - 40},                                   \
		    {-1e7, -1e7 + 1, -1e7 - 2, -1e7 + 3, -1e7 - 1, -1e7 - 40},                             \
		    {-INFINITY, 0.5, -INFINITY, 1, 2, -3},                                                 \
		{                                                                                          \
			3e38, -3e38, 0, 1, 2, -INFINITY                                                        \
		}                                                                                          \
	}
#define LENGTHS(tiny)                                                                              \
	{                                                                                              \
		{0, 0, 0, 0, 0, 0}, {tiny, 0, 2 * tiny, 0, 0, 4 * tiny},                                   \
		    {0x1p-120, -0x1p-121, 0, 0x1p-119, 0, 0}, {0x1p-40, 0x1p-41, -0x1p-40, 0, 0, 0x1p-42}, \
		    {1, -2, 3, -4, 5, -6}, {0x1p100, 0x1p101, 0, -0x1p99, 0, 0},                           \
		{                                                                                          \
			-0x1p120, 0x1p120, 0x1p121, 0, 1, 0                                                    \
		}                                                                                          \
	}

static bool row_agrees(const Row *t)
{
	Compile *c = compile_open();
	DataField field = {"x", DTYPE_f32, SHAPE(ROWS, LONG)};
	const char *weights = t->one ? "1" : "cast(iota(shape(x), 1) + 1, 'float')";
	const char *text =
	    arena_printf(c->arena, "concat([reshape(%s, [%d, -1]), grad(sum(%s * (%s)), x)], 1)",
	                 t->text, ROWS, weights, t->text);
	double *got = value_of(c, text, &field, &(Feed){"x", t->x[0]}, 1);
	bool good = got;
	for (int r = 0; r < ROWS && got; r++) {
		double value[LONG] = {0}, slope[LONG];
		int width = t->one ? 1 : LONG;
		t->value(t->x[r], r, value);
		t->slope(t->x[r], r, slope);
		for (int part = 0; part < 2; part++) {
			const double *want = part ? slope : value,
			             *at = got + r * (width + LONG) + part * width;
			double scale = 0;
			for (int i = 0; i < (part ? LONG : width); i++)
				scale = isfinite(want[i]) ? fmax(scale, fabs(want[i])) : scale;
			for (int i = 0; i < (part ? LONG : width); i++) {
				bool overflows = fabs(want[i]) > 3.4028235e38;
				good &= overflows ? true : near(at[i], want[i], 1e-6 * scale + 0x1p-149);
				if (!overflows && !near(at[i], want[i], 1e-6 * scale + 0x1p-149))
					fprintf(stderr, "%s of %s: element %d of row %d is %.9g, but should be %.9g\n",
					        part ? "the slope" : "the value", t->text, i, r, at[i], want[i]);
			}
		}
	}
	compile_close(c);
	return good;
}

static void rows(void)
{
	static const Row CASES[] = {
	    {"log_softmax(x)", false, log_softmax, log_softmax_slope, OFFSETS},
	    {"log_sum_exp(x)", true, log_sum_exp, softmax, OFFSETS},
	    {"normalize(x)", false, normalize, normalize_slope, LENGTHS(0x1p-149)},
	    {"norm(x)", true, norm, normalize, LENGTHS(0x1p-126)},
	};
	for (size_t i = 0; i < COUNT(CASES); i++)
		CU_ASSERT(row_agrees(&CASES[i]));
}

/* A mean over rows: the slope times their number is that of each. */
static void cross_entropies(void)
{
	static const double X[ROWS][LONG] = OFFSETS;
	Compile *c = compile_open();
	DataField field[] = {{"x", DTYPE_f32, SHAPE(ROWS, LONG)}, {"label", DTYPE_i32, SHAPE(ROWS)}};
	double label[ROWS], want[1 + ROWS * LONG] = {0};
	for (int r = 0; r < ROWS; r++) {
		double loss;
		label[r] = r % LONG;
		cross_entropy(X[r], r, &loss);
		want[0] += loss / ROWS;
		cross_entropy_slope(X[r], r, want + 1 + r * LONG);
	}
	Feed feed[] = {{"x", X[0]}, {"label", label}};
	const char *text = "concat([reshape(cross_entropy(x, label), [1]), 7 * "
	                   "reshape(grad(cross_entropy(x, label), x), [-1])])";
	double *got = value_of(c, text, field, feed, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT(all_near("cross_entropy", got, want, 1 + ROWS * LONG, 1e-6 * want[0]));
	compile_close(c);
}

/* -- Cases ------------------------------------------------------------------------------------- */

/* Chen et al. 2020, equation 1, of a and b [rows, 3] at a temperature. */
static double nt_xent(const double *a, const double *b, int rows, double temperature)
{
	double z[16][3], total = 0;
	for (int i = 0; i < 2 * rows; i++) {
		const double *x = i < rows ? a + 3 * i : b + 3 * (i - rows);
		for (int k = 0; k < 3; k++)
			z[i][k] = x[k] / sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
	}
	for (int i = 0; i < 2 * rows; i++) {
		double s[16], m = -INFINITY, sum = 0;
		for (int j = 0; j < 2 * rows; j++) {
			s[j] = (z[i][0] * z[j][0] + z[i][1] * z[j][1] + z[i][2] * z[j][2]) / temperature;
			m = j == i ? m : fmax(m, s[j]);
		}
		for (int j = 0; j < 2 * rows; j++)
			sum += j == i ? 0 : exp(s[j] - m);
		total += log(sum) + m - s[(i + rows) % (2 * rows)];
	}
	return total / (2 * rows);
}

/* The mask of what is like itself holds at any temperature. */
static void contrast(void)
{
	static const double A[] = {1, 2, -1, 0.5, 0, 3, -2, 1, 1}, B[] = {2, 1, 0, 1, 1, 1, -1, 0, 3};
	static const struct {
		int rows;
		double temperature;
	} ROW[] = {{3, 0.5}, {3, 1e-3}, {3, 1e-9}, {1, 0.5}, {1, 1e-9}};
	for (size_t i = 0; i < COUNT(ROW); i++) {
		Compile *c = compile_open();
		Shape shape = SHAPE(ROW[i].rows, 3);
		DataField field[] = {{"a", DTYPE_f32, shape}, {"b", DTYPE_f32, shape}};
		const char *text = arena_printf(c->arena, "nt_xent(a, b, %g)", ROW[i].temperature);
		double *got = value_of(c, text, field, (Feed[]){{"a", A}, {"b", B}}, 2);
		CU_ASSERT_PTR_NOT_NULL_FATAL(got);
		double want = nt_xent(A, B, ROW[i].rows, ROW[i].temperature);
		CU_ASSERT(all_near(text, got, &want, 1, 1e-6 * fmax(1, 1 / ROW[i].temperature)));
		compile_close(c);
	}
}

/* Of two pairs at right angles, of which one has a label: ln(2 + e) for each of that, none of the other. */
static void no_label_is_no_class(void)
{
	static const double X[] = {1, 0, 0, 1, 1, 0, 0, 1}, LABEL[] = {0, 0, -1, -1};
	Compile *c = compile_open();
	DataField field[] = {{"x", DTYPE_f32, SHAPE(4, 2)}, {"label", DTYPE_i32, SHAPE(4)}};
	const char *text = "supcon_loss(x, label, 1)";
	double *got = value_of(c, text, field, (Feed[]){{"x", X}, {"label", LABEL}}, 2);
	double want = log(2 + exp(1)) / 2;
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT(all_near(text, got, &want, 1, 1e-6));
	compile_close(c);
}

/* Each is a list of numbers made of x [8]. */
static void cases(void)
{
	static const struct {
		const char *text;
		double x[8], want[8];
	} CASES[] = {
	    /* the logits' slope, by what is wrong about them: sigmoid(x) - y */
	    {"8 * grad(bce(x, 1), x)",
	     {0, 1, -1, 80, -80, 1e30, INFINITY, -INFINITY},
	     {-0.5, -0.26894142, -0.73105858, -1.8e-35, -1, 0, 0, -1}},
	    {"8 * grad(bce(x, 0), x)",
	     {0, 1, -1, 80, -80, 1e30, -1e30, -INFINITY},
	     {0.5, 0.73105858, 0.26894142, 1, 1.8e-35, 1, 0, 0}},
	    {"full([8], bce(x, 1))",
	     {20, 30, 40, 50, 60, 1e30, 3e38, INFINITY},
	     {2.57655897e-10, 2.57655897e-10, 2.57655897e-10, 2.57655897e-10, 2.57655897e-10,
	      2.57655897e-10, 2.57655897e-10, 2.57655897e-10}},
	    /* what is near the target: no digits lost in x - x y */
	    {"full([8], bce(x, 0.9999999))",
	     {1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5},
	     {0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01}},
	    {"full([8], huber(x, 0))",
	     {INFINITY, 0, 0, 0, 0, 0, 0, 0},
	     {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY}},
	    {"full([8], huber(x, 0))",
	     {1e30, 0, 0, 0, 0, 0, 0, 0},
	     {1.25e29, 1.25e29, 1.25e29, 1.25e29, 1.25e29, 1.25e29, 1.25e29, 1.25e29}},
	    {"reshape(broadcast_to(log_sum_exp(reshape(x, [4, 2])), [4, 2]), [8])",
	     {-INFINITY, -INFINITY, INFINITY, 1, -INFINITY, 2, 3e38, 3e38},
	     {-INFINITY, -INFINITY, INFINITY, INFINITY, 2, 2, 3e38, 3e38}},
	    {"dropout(x, 0)", {1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 8}},
	    {"dropout(x, 1)", {1, 2, 3, 4, 5, 6, 7, 8}, {0}},
	    {"grad(sum(dropout(x, 1)), x)", {1, 2, 3, 4, 5, 6, 7, 8}, {0}},
	    {"layer_norm(x)", {7, 7, 7, 7, 7, 7, 7, 7}, {0}},
	    {"grad(sum(layer_norm(x)), x)", {7, 7, 7, 7, 7, 7, 7, 7}, {0}},
	    {"batch_norm(reshape(x, [1, 8]))", {1, -2, 3, 1e6, 5, 6, 7, 8}, {0}},
	    {"layer_norm(x)", /* the mean is no f32 */
	     {1e7, 1e7 + 1, 1e7 + 2, 1e7 + 3, 1e7 + 4, 1e7 + 5, 1e7 + 6, 1e7 + 7},
	     {-1.52752378, -1.09108841, -0.654653047, -0.218217682, 0.218217682, 0.654653047,
	      1.09108841, 1.52752378}},
	    {"rms_norm(x)", {0}, {0}},
	    {"reshape(cosine_similarity(reshape(x, [2, 4]), -reshape(x, [2, 4])), [2, 1]) * ones([2, "
	     "4])",
	     {0x1p-140, 0, 0, 0x1p-140, 0x1p120, 0x1p120, 0, 0},
	     {-1, -1, -1, -1, -1, -1, -1, -1}},
	    {"grad(sum(standardize(reshape(x, [8, 1]))), x)", {3, 3, 3, 3, 3, 3, 3, 3}, {0}},
	};
	for (size_t i = 0; i < COUNT(CASES); i++) {
		Compile *c = compile_open();
		DataField field = {"x", DTYPE_f32, SHAPE(8)};
		double x[8], scale = 0;
		for (int k = 0; k < 8; k++) {
			x[k] = (float)CASES[i].x[k];
			scale = isfinite(CASES[i].want[k]) ? fmax(scale, fabs(CASES[i].want[k])) : scale;
		}
		double *got = value_of(c, CASES[i].text, &field, &(Feed){"x", x}, 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(got);
		CU_ASSERT(all_near(CASES[i].text, got, CASES[i].want, 8, 1e-5 * scale));
		compile_close(c);
	}
}

/* A spread of 1 around a million, whose mean f32 knows to a sixteenth only; returns it. */
static double spread(double *x, int count)
{
	double mean = 0;
	uint32_t r = 7;
	for (int i = 0; i < count; i++) {
		double sum = 0;
		for (int k = 0; k < 12; k++, r = r * 1664525u + 1013904223u)
			sum += r * 0x1p-32;
		x[i] = (float)(1e6 + sum - 6);
		mean += x[i] / count;
	}
	return mean;
}

/* Indices that count evenly are a slice, if none has to be clamped: the definition holds for both. */
static void gathers_along_counts(void)
{
	enum { LENGTH = 7 };
	static const struct {
		const char *text;
		int start, step, count;
	} CASES[] = {
	    {"gather(x, iota([7]))", 0, 1, 7},
	    {"gather(x, 6 - iota([7]))", 6, -1, 7},
	    {"gather(x, iota([3]) + 2)", 2, 1, 3},
	    {"gather(x, (iota([3]) - 1) + 2)", 1, 1, 3},
	    {"gather(x, 5 - (iota([4]) + 1))", 4, -1, 4},
	    {"gather(x, iota([9]))", 0, 1, 9},
	    {"gather(x, 2 - iota([5]))", 2, -1, 5},
	    {"gather(x, iota([4]) - 2)", -2, 1, 4},
	    {"gather(x, iota([1]))", 0, 1, 1},
	};
	static const double x[LENGTH] = {3, 1, 4, 1.5, 9, 2, 6};
	for (size_t i = 0; i < COUNT(CASES); i++) {
		Compile *c = compile_open();
		DataField field = {"x", DTYPE_f32, SHAPE(LENGTH)};
		Feed feed = {"x", x};
		double *y = value_of(c, CASES[i].text, &field, &feed, 1), want[LENGTH] = {0};
		const char *loss = arena_printf(c->arena, "grad(sum(%s), x)", CASES[i].text);
		double *slope = value_of(c, loss, &field, &feed, 1);
		CU_ASSERT_FATAL(y != NULL && slope != NULL);
		for (int j = 0; j < CASES[i].count; j++) {
			int at = CASES[i].start + CASES[i].step * j;
			at = at < 0 ? 0 : at >= LENGTH ? LENGTH - 1 : at;
			CU_ASSERT_EQUAL(y[j], x[at]);
			want[at]++;
		}
		for (int j = 0; j < LENGTH; j++)
			CU_ASSERT_EQUAL(slope[j], want[j]);
		compile_close(c);
	}
}

static void spread_far_from_zero(void)
{
	enum { COUNT_OF_ALL = 1000 };
	static const char *const TEXTS[] = {"variance(x)", "variance(x, 0)", "variance(x, [0], keep=1)",
	                                    "variance(reshape(x, [1, 10, 100]), [1, 2])",
	                                    "std(reshape(x, [1, -1]), 1)^2"};
	double x[COUNT_OF_ALL], slope[COUNT_OF_ALL], normal[COUNT_OF_ALL];
	double mean = spread(x, COUNT_OF_ALL), variance = 0;
	for (int i = 0; i < COUNT_OF_ALL; i++)
		variance += (x[i] - mean) * (x[i] - mean) / COUNT_OF_ALL;
	for (int i = 0; i < COUNT_OF_ALL; i++) {
		slope[i] = 2 * (x[i] - mean);
		normal[i] = (x[i] - mean) / sqrt(variance);
	}
	DataField field = {"x", DTYPE_f32, SHAPE(COUNT_OF_ALL)};
	Feed feed = {"x", x};
	Compile *c = compile_open();
	for (size_t i = 0; i < COUNT(TEXTS); i++) {
		const double *got = value_of(c, TEXTS[i], &field, &feed, 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(got);
		CU_ASSERT(all_near(TEXTS[i], got, &variance, 1, 1e-5 * variance));
	}
	const char *of_x = "1000 * grad(variance(x), x)", *norm = "standardize(reshape(x, [1000, 1]))",
	           *twice = "grad(sum((1000 * grad(variance(x), x))^2), x) / 4";
	CU_ASSERT(all_near(of_x, value_of(c, of_x, &field, &feed, 1), slope, COUNT_OF_ALL, 1e-5));
	CU_ASSERT(all_near(twice, value_of(c, twice, &field, &feed, 1), slope, COUNT_OF_ALL, 1e-5));
	CU_ASSERT(all_near(norm, value_of(c, norm, &field, &feed, 1), normal, COUNT_OF_ALL, 1e-5));
	compile_close(c);
}

/* Batch norm of the same, with two samples of five hundred places: value, gradient, statistics. */
static void batch_norm_far_from_zero(void)
{
	enum { COUNT_OF_ALL = 1000 };
	double x[COUNT_OF_ALL], normal[COUNT_OF_ALL], slope[COUNT_OF_ALL];
	double mean = spread(x, COUNT_OF_ALL), variance = 0, weight = 0, along = 0;
	for (int i = 0; i < COUNT_OF_ALL; i++)
		variance += (x[i] - mean) * (x[i] - mean) / COUNT_OF_ALL;
	double deviation = sqrt(variance + 1e-5);
	for (int i = 0; i < COUNT_OF_ALL; i++) {
		normal[i] = (x[i] - mean) / deviation;
		weight += i % 7 / (double)COUNT_OF_ALL;
		along += i % 7 * normal[i] / COUNT_OF_ALL;
	}
	for (int i = 0; i < COUNT_OF_ALL; i++)
		slope[i] = (i % 7 - weight - normal[i] * along) / deviation;
	DataField field = {"x", DTYPE_f32, SHAPE(COUNT_OF_ALL)};
	Feed feed = {"x", x};
	Compile *c = compile_open();
	const char *value = "batch_norm(reshape(x, [2, 500, 1]))",
	           *back = "grad(sum(reshape(batch_norm(reshape(x, [2, 500, 1])), [1000]) * "
	                   "(iota([1000]) % 7)), x)";
	CU_ASSERT(all_near(value, value_of(c, value, &field, &feed, 1), normal, COUNT_OF_ALL, 1e-5));
	CU_ASSERT(all_near(back, value_of(c, back, &field, &feed, 1), slope, COUNT_OF_ALL, 1e-5));
	compile_close(c);
}

CU_TestInfo test_library[] = {
    {"curves", curves},
    {"rows", rows},
    {"cross entropy", cross_entropies},
    {"contrast", contrast},
    {"no label is no class", no_label_is_no_class},
    {"cases", cases},
    {"spread far from zero", spread_far_from_zero},
    {"batch norm far from zero", batch_norm_far_from_zero},
    {"gathers along counts", gathers_along_counts},
    CU_TEST_INFO_NULL,
};
