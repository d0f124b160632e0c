/* test_transforms.c: models/lib/transforms.json through the interpreter: each sample of a batch is
 * what a transform may make of it, on every rank, also where axes are equally long; and each
 * choice is as likely as it should be. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>

#include "../../compiler/elaborate/elaborate.h"
#include "compiled.h"

enum { DRAWS = 400, MOST = 256 };

/* A batch of n samples of h x w places (a series: 1 x w) with c channels; x[i] = i + 1. */
typedef struct Batch {
	const char *about;
	Shape shape;
	int space, n, h, w, c;
} Batch;

/* Whether one sample y is made of x; if so, which of the choices it is. */
typedef bool (*Made)(const Batch *b, const double *x, const double *y, int *choice);

static double at(const Batch *b, const double *x, int row, int column, int channel)
{
	bool inside = row >= 0 && row < b->h && column >= 0 && column < b->w;
	return inside ? x[(row * b->w + column) * b->c + channel] : 0;
}

static bool is_moved(const Batch *b, const double *x, const double *y, int down, int across,
                     bool mirrored)
{
	for (int i = 0; i < b->h; i++)
		for (int j = 0; j < b->w; j++)
			for (int k = 0; k < b->c; k++) {
				int column = mirrored ? b->w - 1 - j : j + across;
				if (at(b, y, i, j, k) != at(b, x, i + down, column, k))
					return false;
			}
	return true;
}

static bool flipped(const Batch *b, const double *x, const double *y, int *choice)
{
	for (*choice = 0; *choice < 2; ++*choice)
		if (is_moved(b, x, y, 0, 0, *choice))
			return true;
	return false;
}

/* By up to one place. */
static bool shifted(const Batch *b, const double *x, const double *y, int *choice)
{
	int choices = b->space == 1 ? 3 : 9;
	for (*choice = 0; *choice < choices; ++*choice)
		if (is_moved(b, x, y, b->space == 1 ? 0 : *choice / 3 - 1, *choice % 3 - 1, false))
			return true;
	return false;
}

/* A box of two places a side. */
static bool erased(const Batch *b, const double *x, const double *y, int *choice)
{
	int tops = b->space == 1 ? 1 : b->h - 1, lefts = b->w - 1;
	for (*choice = 0; *choice < tops * lefts; ++*choice) {
		int top = *choice / lefts, left = *choice % lefts;
		bool good = true;
		for (int i = 0; i < b->h; i++)
			for (int j = 0; j < b->w; j++)
				for (int k = 0; k < b->c; k++) {
					bool in = i >= top && i < top + 2 && j >= left && j < left + 2;
					good &= at(b, y, i, j, k) == (in ? 0 : at(b, x, i, j, k));
				}
		if (good)
			return true;
	}
	return false;
}

/* Patches of two places a side are there or not; the choice is of the last. */
static bool patched(const Batch *b, const double *x, const double *y, int *choice)
{
	for (int i = 0; i < b->h; i++)
		for (int j = 0; j < b->w; j++)
			for (int k = 0; k < b->c; k++) {
				*choice = at(b, y, b->space == 1 ? 0 : i / 2 * 2, j / 2 * 2, 0) != 0;
				if (at(b, y, i, j, k) != (*choice ? at(b, x, i, j, k) : 0))
					return false;
			}
	return true;
}

/* By one factor of [0.5, 1.5]: its quarter. */
static bool quarter(double factor, int *choice)
{
	*choice = (int)floor(4 * (factor - 0.5));
	return factor >= 0.5 && factor < 1.5;
}

static bool brighter(const Batch *b, const double *x, const double *y, int *choice)
{
	for (int i = 0; i < b->h * b->w * b->c; i++)
		if (fabs(y[i] / x[i] - y[0] / x[0]) > 1e-9)
			return false;
	return quarter(y[0] / x[0], choice);
}

/* The mean of a sample by one factor, what differs from it by another. */
static bool jittered(const Batch *b, const double *x, const double *y, int *choice)
{
	int size = b->h * b->w * b->c, of_mean;
	double slope = (y[1] - y[0]) / (x[1] - x[0]), mean = 0, wanted = 0;
	for (int i = 0; i < size; i++) {
		if (fabs(y[i] - y[0] - slope * (x[i] - x[0])) > 1e-9 * fabs(x[size - 1]))
			return false;
		mean += x[i] / size, wanted += y[i] / size;
	}
	return quarter(wanted / mean, &of_mean) && quarter(slope, choice);
}

static int of_flips(const Batch *b)
{
	(void)b;
	return 2;
}
static int of_shifts(const Batch *b)
{
	return b->space == 1 ? 3 : 9;
}
static int of_boxes(const Batch *b)
{
	return b->space == 1 ? b->w - 1 : (b->h - 1) * (b->w - 1);
}
static int of_quarters(const Batch *b)
{
	(void)b;
	return 4;
}

typedef struct Transform {
	const char *text; /* of x; %d is the axes of space */
	Made made;
	int (*choices)(const Batch *b);
} Transform;

static const Transform TRANSFORMS[] = {
    {"random_flip(x, %d)", flipped, of_flips},
    {"random_shift(x, 1, %d)", shifted, of_shifts},
    {"random_erase(x, 2, %d)", erased, of_boxes},
    {"mask_patches(x, 2, 0.5, %d)", patched, of_flips},
    {"brightness(x, 0.5) + %d * 0", brighter, of_quarters},
    {"jitter(x, 0.5) + %d * 0", jittered, of_quarters},
};

/* Pearson's statistic is beyond freedom + 5 sqrt(2 freedom) + 10 once in more than 10,000. */
static bool even(const int *count, int choices)
{
	double total = 0, sum = 0, freedom = choices - 1;
	for (int i = 0; i < choices; i++)
		total += count[i];
	for (int i = 0; i < choices; i++)
		sum += pow(count[i] - total / choices, 2) / (total / choices);
	return sum < freedom + 5 * sqrt(2 * freedom) + 10;
}

static bool transform_is_right(const Transform *t, const Batch *b)
{
	Compile *c = compile_open();
	c->float_type = DTYPE_f64;
	const char *text = arena_printf(c->arena, t->text, b->space);
	DataField field = {"x", DTYPE_f64, b->shape};
	Graph *g = build_expression(c, prelude_parse(c), NULL, expression_of(c, text), &field, 1, NULL);
	diag_print(c->diags, stderr, false);
	int size = b->h * b->w * b->c, count[64] = {0}, choices = t->choices(b), alike = 0;
	double x[MOST];
	for (int i = 0; i < b->n * size; i++)
		x[i] = i + 1;
	bool good = g;
	for (int draw = 0; draw < DRAWS && good; draw++) {
		Arena *a = arena_open(0);
		Feed feed[] = {{"x", x}, {"seed", (double[]){5, 6}}, {"step", (double[]){draw}}};
		const double *y = evaluate(a, g, feed, COUNT(feed))[g->out[0].value];
		int first = 0, choice = 0;
		for (int s = 0; s < b->n && good; s++) {
			good = t->made(b, x + s * size, y + s * size, &choice);
			if (!good)
				fprintf(stderr, "%s, %s: sample %d of draw %d is nothing it may be\n", text,
				        b->about, s, draw);
			else
				count[choice]++;
			alike += s > 0 && choice == first;
			first = s ? first : choice;
		}
		arena_close(a);
	}
	if (good && !even(count, choices)) {
		good = false;
		for (int i = 0; i < choices; i++)
			fprintf(stderr, "%s, %s: choice %d is taken %d times\n", text, b->about, i, count[i]);
	}
	if (good && alike > DRAWS * (b->n - 1) * 3 / 4) {
		good = false;
		fprintf(stderr, "%s, %s: samples of a batch share their choices\n", text, b->about);
	}
	compile_close(c);
	return good;
}

static void each_transform_of_each_batch(void)
{
	const Batch ALL[] = {
	    {"all axes alike", SHAPE(4, 4, 4, 4), 2, 4, 4, 4, 4},
	    {"batch as channels", SHAPE(3, 4, 6, 3), 2, 3, 4, 6, 3},
	    {"batch as rows", SHAPE(6, 6, 4, 1), 2, 6, 6, 4, 1},
	    {"no channels", SHAPE(4, 4, 4), 2, 4, 4, 4, 1},
	    {"two axes of channels", SHAPE(2, 4, 6, 2, 2), 2, 2, 4, 6, 4},
	    {"series", SHAPE(6, 6), 1, 6, 1, 6, 1},
	    {"series with channels", SHAPE(4, 4, 4), 1, 4, 1, 4, 4},
	};
	for (size_t t = 0; t < COUNT(TRANSFORMS); t++)
		for (size_t b = 0; b < COUNT(ALL); b++)
			CU_ASSERT(transform_is_right(&TRANSFORMS[t], &ALL[b]));
}

/* Never an end of the range, whatever the bits: what is multiplied and cut to an index is one. */
static void uniform_is_inside(void)
{
	static const double BITS[] = {0, 1, 511, 512, -1, -512, -2147483648.0, 2147483647};
	Compile *c = compile_open();
	Graph *g = build_expression(c, prelude_parse(c), NULL, expression_of(c, "uniform([8]) * 7"),
	                            NULL, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	Graph *given = graph_new(c, "given"); /* the same, of bits that are given */
	NodeId *map = new_array(c->arena, NodeId, g->count);
	for (NodeId x = 1; x < g->count; x++)
		map[x] = node(g, x)->op == OP_random ? op_input(given, "bits", DTYPE_i32, SHAPE(8))
		                                     : graph_copy_node(given, g, x, map);
	graph_output(given, "y", map[g->out[0].value]);
	Feed feed[] = {{"bits", BITS}, {"seed", (double[]){0, 0}}, {"step", (double[]){0}}};
	Ran *ran = run_graph(c, given, &(How){.once = true}, feed, COUNT(feed));
	CU_ASSERT_PTR_NOT_NULL_FATAL(ran);
	for (int i = 0; i < 8; i++)
		CU_ASSERT(ran->out[0][i] > 0 && ran->out[0][i] < 7);
	compile_close(c);
}

/* Of an image whose channels are its rows and columns, one sample's crop [16, 16, 2]: a square of
 * whole places inside of it, read at the middle, where no border is near. */
static bool crop_of(const double *y, double *height, double *top)
{
	const double *a = y + (7 * 16 + 7) * 2, *b = y + (8 * 16 + 8) * 2; /* places (7, 7), (8, 8) */
	*height = 16 * (b[0] - a[0]);
	*top = a[0] + 0.5 - 7.5 * *height / 16;
	double left = a[1] + 0.5 - 7.5 * *height / 16;
	return fabs(16 * (b[1] - a[1]) - *height) < 1e-9 && fabs(*height - round(*height)) < 1e-9 &&
	       fabs(*top - round(*top)) < 1e-9 && fabs(left - round(left)) < 1e-9 && *top > -1e-9 &&
	       *top + *height < 16 + 1e-9 && left > -1e-9 && left + *height < 16 + 1e-9;
}

/* Areas of a quarter to all of it, as likely, so 5/8 on average; places as likely, so half of the
 * way. Bounds are 4 deviations of 400 samples. */
static void crops_are_spread(void)
{
	enum { N = 400, SIZE = 16 * 16 * 2 };
	Compile *c = compile_open();
	c->float_type = DTYPE_f64;
	DataField field = {"x", DTYPE_f64, SHAPE(N, 16, 16, 2)};
	Graph *g =
	    build_expression(c, prelude_parse(c), NULL,
	                     expression_of(c, "random_resized_crop(x, 0.25, 1, 1)"), &field, 1, NULL);
	diag_print(c->diags, stderr, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	double *x = new_array(c->arena, double, N *SIZE);
	for (int i = 0; i < N * SIZE; i++)
		x[i] = i % 2 ? i / 2 % 16 : i / 32 % 16;
	Feed feed[] = {{"x", x}, {"seed", (double[]){5, 6}}, {"step", (double[]){0}}};
	const double *y = evaluate(c->arena, g, feed, COUNT(feed))[g->out[0].value];
	double area = 0, place = 0;
	int moved = 0;
	for (int i = 0; i < N; i++) {
		double height, top;
		CU_ASSERT_FATAL(crop_of(y + i * SIZE, &height, &top));
		CU_ASSERT(height > 7.9 && height < 16.1);
		area += height * height / 256 / N;
		place += height < 15.9 ? top / (16 - height) : 0;
		moved += height < 15.9;
	}
	CU_ASSERT(fabs(area - 0.625) < 0.05);
	CU_ASSERT(moved > N / 2 && fabs(place / moved - 0.5) < 0.09);
	compile_close(c);
}

/* Colours of four channels: the last is how much is seen, which light does not change. */
static void jitter_leaves_alpha(void)
{
	enum { N = 4, SIZE = 2 * 3 * 4 };
	Compile *c = compile_open();
	c->float_type = DTYPE_f64;
	DataField field = {"x", DTYPE_f64, SHAPE(N, 2, 3, 4)};
	Graph *g = build_expression(c, prelude_parse(c), NULL, expression_of(c, "color_jitter(x)"),
	                            &field, 1, NULL);
	diag_print(c->diags, stderr, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	double *x = new_array(c->arena, double, N *SIZE);
	for (int i = 0; i < N * SIZE; i++)
		x[i] = (i * 7 % 16 + 1) / 20.0;
	Feed feed[] = {{"x", x}, {"seed", (double[]){5, 6}}, {"step", (double[]){0}}};
	const double *y = evaluate(c->arena, g, feed, COUNT(feed))[g->out[0].value];
	int moved = 0;
	for (int i = 0; i < N * SIZE; i++) {
		CU_ASSERT(i % 4 != 3 || y[i] == x[i]);
		moved += i % 4 != 3 && y[i] != x[i];
	}
	CU_ASSERT(moved > N * SIZE / 2);
	compile_close(c);
}

CU_TestInfo test_transforms[] = {
    {"each transform of each batch", each_transform_of_each_batch},
    {"uniform is inside", uniform_is_inside},
    {"crops are spread", crops_are_spread},
    {"jitter leaves alpha", jitter_leaves_alpha},
    CU_TEST_INFO_NULL,
};
