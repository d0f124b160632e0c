/* test_tap.c: convolutions with one element that is not finite, held to sums over the places that it meets.
 *
 * Zeros around the image, and around the adjoint of the result, are no terms: 0 times infinity is NaN, and a
 * weight that meets nothing else adds nothing. So the result and both gradients are closed forms (PyTorch
 * has them with oneDNN, but for one). Winograd's filtering mixes all weights of a window: there the places that a
 * window reaches over an edge for may be NaN in the channels of the infinite weight; all others, and all
 * other channels, are the closed form. */
#include <CUnit/CUnit.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "share.h"

typedef struct Layer {
	bool flat; /* along one axis */
	int64_t size, kernel, stride, pad, in, out, groups;
	bool winograd;
	int64_t batch, gap; /* 0: 1; gap: from one place of the kernel to the next */
	bool bf16;
} Layer;

/* Along each axis: a flat one has one place along the first. */
typedef struct Sizes {
	int64_t n, h, kh, ph, oh, w, ow, gap;
} Sizes;

static Sizes sizes_of(const Layer *l)
{
	int64_t gap = l->gap ? l->gap : 1;
	int64_t to = (l->size + 2 * l->pad - (l->kernel - 1) * gap - 1) / l->stride + 1;
	return (Sizes){l->batch ? l->batch : 1,
	               l->flat ? 1 : l->size,
	               l->flat ? 1 : l->kernel,
	               l->flat ? 0 : l->pad,
	               l->flat ? 1 : to,
	               l->size,
	               to,
	               gap};
}

typedef struct Sums {
	double *y, *dx, *dw;
	double *of_y, *of_dx, *of_dw; /* the same of magnitudes */
	bool *over;    /* [of x] the adjoint's window of that place reaches over an edge of it */
	bool *outside; /* [of y] the infinite weight meets what is around the image */
} Sums;

static void add(double *sum, double *size, int64_t at, double a, double b)
{
	sum[at] += a * b, size[at] += fabs(a * b);
}

static Sums sums(Arena *a, const Layer *l, int64_t tap, const double *x, const double *w,
                 const double *dy)
{
	Sizes s = sizes_of(l);
	int64_t each = l->in / l->groups, outs = l->out / l->groups;
	Sums to = {new_array(a, double, (size_t)(s.n * s.oh * s.ow * l->out)),
	           new_array(a, double, (size_t)(s.n * s.h * s.w * l->in)),
	           new_array(a, double, (size_t)(s.kh * l->kernel * each * l->out)),
	           new_array(a, double, (size_t)(s.n * s.oh * s.ow * l->out)),
	           new_array(a, double, (size_t)(s.n * s.h * s.w * l->in)),
	           new_array(a, double, (size_t)(s.kh * l->kernel * each * l->out)),
	           new_array(a, bool, (size_t)(s.n * s.h * s.w)),
	           new_array(a, bool, (size_t)(s.n * s.oh * s.ow))};
	for (int64_t p = 0; p < s.n * s.oh * s.ow; p++)
		for (int64_t k = 0; k < s.kh * l->kernel; k++) {
			int64_t i = p / s.ow % s.oh * l->stride + k / l->kernel - s.ph,
			        j = p % s.ow * l->stride + k % l->kernel * s.gap - l->pad;
			bool inside = i >= 0 && i < s.h && j >= 0 && j < s.w;
			to.outside[p] |= k == tap && !inside;
			for (int64_t c = 0; c < each * l->out; c++) {
				int64_t n = c % l->out, from = n / outs * each + c / l->out;
				int64_t at_w = (k * each + c / l->out) * l->out + n;
				int64_t at_x = ((p / (s.oh * s.ow) * s.h + i) * s.w + j) * l->in + from;
				if (!inside)
					continue;
				add(to.y, to.of_y, p * l->out + n, x[at_x], w[at_w]);
				add(to.dx, to.of_dx, at_x, dy[p * l->out + n], w[at_w]);
				add(to.dw, to.of_dw, at_w, dy[p * l->out + n], x[at_x]);
			}
		}
	for (int64_t i = 0; i < s.n * s.h * s.w; i++)
		for (int64_t k = 0; k < s.kh * l->kernel; k++) {
			int64_t p = i / s.w % s.h + s.ph - k / l->kernel, q = i % s.w + l->pad - k % l->kernel;
			bool met = p % l->stride == 0 && q % l->stride == 0;
			to.over[i] |= met && (p < 0 || q < 0 || p / l->stride >= s.oh || q / l->stride >= s.ow);
		}
	return to;
}

/* may_end: [count / channels] where NaN is allowed instead, in that channel. */
static bool same(const char *what, const Layer *l, const double *got, const double *want,
                 const double *size, int64_t count, const bool *may_end, int64_t channels,
                 int64_t channel)
{
	for (int64_t i = 0; i < count; i++) {
		bool may = may_end && may_end[i / channels] && i % channels == channel;
		bool good = isnan(want[i]) ? isnan(got[i])
		            : isinf(want[i])
		                ? got[i] == want[i] || (l->winograd && !isfinite(got[i]))
		                : fabs(got[i] - want[i]) <= (l->bf16 ? 1e-2 : 1e-6) * fmax(1, size[i]);
		if (good || (may && isnan(got[i])))
			continue;
		fprintf(stderr,
		        "%s of %lld x %lld by %lld, stride %lld, padding %lld, %lld to %lld channels in "
		        "%lld groups: "
		        "at %lld it is %g, not %g\n",
		        what, (long long)l->size, (long long)(l->flat ? 1 : l->size), (long long)l->kernel,
		        (long long)l->stride, (long long)l->pad, (long long)l->in, (long long)l->out,
		        (long long)l->groups, (long long)i, got[i], want[i]);
		return false;
	}
	return true;
}

static const char *call_of(Arena *a, const Layer *l)
{
	if (l->gap)
		return arena_printf(a,
		                    "einsum('blkc,kcn->bln', windows(pad(x, 1, %lld, %lld), 1, %lld, %lld, "
		                    "dilation=%lld), w)",
		                    (long long)l->pad, (long long)l->pad, (long long)l->kernel,
		                    (long long)l->stride, (long long)l->gap);
	const char *name =
	    arena_printf(a, "%sconvolve_%dd", l->groups > 1 ? "grouped_" : "", l->flat ? 1 : 2);
	const char *last = l->groups > 1 ? arena_printf(a, ", %lld", (long long)l->groups) : "";
	return arena_printf(a, "%s(x, w, %lld, %lld%s)", name, (long long)l->stride, (long long)l->pad,
	                    last);
}

/* What is not finite: an element of the image, the weights or the adjoint of the result. */
typedef struct Spoilt {
	enum { PIXEL, WEIGHT, ADJOINT } of;
	int64_t at;
	double value;
} Spoilt;

static bool holds_with(const Layer *l, const Spoilt *spoilt, int64_t tap)
{
	Compile *c = compile_open();
	c->dot_type = l->bf16 ? DTYPE_bf16 : 0;
	Sizes s = sizes_of(l);
	int64_t each = l->in / l->groups;
	Shape of_x = l->flat ? SHAPE(s.n, s.w, l->in) : SHAPE(s.n, s.h, s.w, l->in);
	Shape of_w = l->flat ? SHAPE(l->kernel, each, l->out) : SHAPE(s.kh, l->kernel, each, l->out);
	Shape of_y = l->flat ? SHAPE(s.n, s.ow, l->out) : SHAPE(s.n, s.oh, s.ow, l->out);
	DataField inputs[] = {{"x", DTYPE_f32, of_x}, {"w", DTYPE_f32, of_w}, {"d", DTYPE_f32, of_y}};
	double *d = (double *)test_numbers(c, DTYPE_f32, shape_size(of_y), 3),
	       *x = (double *)test_numbers(c, DTYPE_f32, shape_size(of_x), 1),
	       *w = (double *)test_numbers(c, DTYPE_f32, shape_size(of_w), 2);
	int64_t in = each > 1 ? 1 : 0, out = l->out > 2 ? 2 : 0;
	(spoilt->of == PIXEL ? x : spoilt->of == WEIGHT ? w : d)[spoilt->at] = spoilt->value;
	Feed feed[] = {{"x", x}, {"w", w}, {"d", d}};
	const char *call = call_of(c->arena, l);
	Sums want = sums(c->arena, l, tap, x, w, d);
	static const char *const WHAT[] = {"the result", "the gradient by the image",
	                                   "the gradient by the weights"};
	const char *text[] = {call, arena_printf(c->arena, "grad(sum(%s * d), x)", call),
	                      arena_printf(c->arena, "grad(sum(%s * d), w)", call)};
	const double *values[] = {want.y, want.dx, want.dw},
	             *sizes[] = {want.of_y, want.of_dx, want.of_dw};
	bool good = true;
	for (int i = 0; i < 3; i++) {
		Graph *g = autodiff(c, build_expression(c, prelude_parse(c), NULL,
		                                        expression_of(c, text[i]), inputs, 3, NULL));
		How how = {0};
		Ran *ran = g ? run_graph(c, passes(c, g, NULL), &how, feed, 3) : NULL;
		int64_t count = shape_size(i == 0 ? of_y : i == 1 ? of_x : of_w);
		int64_t channel = l->groups > 1 ? out / (l->out / l->groups) * each + in : in;
		const bool *may_end[] = {l->winograd ? want.outside : NULL, l->winograd ? want.over : NULL,
		                         NULL};
		good &= ran && same(WHAT[i], l, ran->out[0], values[i], sizes[i], count, may_end[i],
		                    i == 0 ? l->out : l->in, i == 0 ? out : channel);
	}
	diag_print(c->diags, stderr, false);
	compile_close(c);
	return good;
}

/* The weight that is infinite: of each place of the kernel, from channel 1 to channel 2; tap -1: none, but the
 * first pixel is, in channel 1. */
static bool holds_beside(const Layer *l, int64_t tap)
{
	int64_t each = l->in / l->groups, in = each > 1 ? 1 : 0, out = l->out > 2 ? 2 : 0;
	Spoilt weight = {WEIGHT, (tap * each + in) * l->out + out, INFINITY},
	       pixel = {PIXEL, in, INFINITY};
	return holds_with(l, tap < 0 ? &pixel : &weight, tap);
}

static void one_infinite_weight(void)
{
	static const Layer LAYERS[] = {
	    {false, 6, 3, 1, 1, 3, 4, 1, false, 0, 0, false},
	    {false, 7, 3, 2, 1, 3, 4, 1, false, 0, 0, false},
	    {false, 8, 5, 1, 2, 2, 17, 1, false, 0, 0, false},
	    {false, 9, 5, 3, 2, 2, 4, 1, false, 0, 0, false},
	    {false, 6, 3, 1, 0, 3, 4, 1, false, 0, 0, false},
	    {false, 5, 3, 1, 1, 4, 4, 4, false, 0, 0, false},
	    {false, 7, 3, 2, 1, 6, 4, 2, false, 0, 0, false},
	    {false, 6, 3, 1, 1, 12, 16, 4, false, 2, 0, false},
	    {false, 7, 3, 2, 1, 32, 32, 16, false, 0, 0, false},
	    {true, 13, 5, 1, 2, 16, 32, 8, false, 2, 0, false},
	    {true, 11, 3, 1, 1, 3, 4, 1, false, 0, 0, false},
	    {true, 11, 5, 2, 2, 3, 18, 1, false, 0, 0, false},
	    {true, 9, 3, 1, 1, 4, 4, 4, false, 0, 0, false},
	    {false, 8, 1, 1, 0, 3, 4, 1, false, 0, 0, false},
	    {false, 8, 3, 1, 1, 32, 32, 1, true, 0, 0, false},
	    {false, 16, 7, 2, 3, 3, 64, 1, false, 0, 0, false},
	    {false, 3, 3, 1, 1, 5, 6, 1, false, 33, 0, false},
	    {false, 7, 3, 1, 1, 8, 8, 1, false, 5, 0, false},
	    {false, 5, 3, 2, 1, 16, 16, 16, false, 3, 0, false},
	    {true, 13, 3, 1, 1, 1, 1, 1, false, 2, 0, false},
	    {true, 23, 3, 1, 2, 3, 5, 1, false, 2, 2, false},
	    {true, 23, 3, 2, 4, 2, 5, 1, false, 1, 3, false},
	    {true, 40, 9, 1, 4, 20, 24, 1, false, 2, 0, false},
	    {false, 2, 3, 1, 1, 4, 4, 1, false, 2, 0, false},
	    {false, 40, 3, 1, 1, 2, 9, 1, false, 1, 0, false},
	    {false, 6, 5, 1, 2, 40, 200, 1, false, 9, 0, false},
	    {false, 11, 3, 1, 1, 1, 7, 1, false, 2, 0, true},
	    {false, 9, 3, 1, 1, 4, 6, 1, false, 3, 0, true},
	    {true, 21, 5, 2, 2, 3, 18, 1, false, 2, 0, true},
	};
	for (size_t i = 0; i < COUNT(LAYERS); i++) {
		int64_t taps = (LAYERS[i].flat ? 1 : LAYERS[i].kernel) * LAYERS[i].kernel;
		for (int64_t tap = 0; tap < taps; tap++)
			if (tap == 0 || tap == taps / 2 || tap == taps - 1 || every_case_runs())
				CU_ASSERT(holds_beside(&LAYERS[i], tap));
	}
}

/* The gradient by the weights of few outputs may have its windows on the adjoint, among zeros; that of many
 * samples is summed in pieces of them (passes/split.c). */
static void one_infinite_pixel(void)
{
	static const Layer LAYERS[] = {
	    {false, 17, 2, 1, 0, 64, 10, 1, false, 17, 0, false},
	    {false, 16, 3, 1, 1, 33, 3, 1, false, 17, 0, false},
	    {true, 80, 5, 1, 2, 40, 2, 1, false, 53, 0, false},
	    {false, 6, 3, 1, 1, 3, 4, 1, false, 0, 0, false},
	    {false, 18, 3, 1, 1, 64, 10, 1, false, 16, 0, false},
	    {false, 9, 3, 2, 1, 5, 40, 1, false, 16, 0, false},
	};
	for (size_t i = 0; i < COUNT(LAYERS); i++)
		CU_ASSERT(holds_beside(&LAYERS[i], -1));
}

/* Of the adjoint meets zeros around the image in the gradient by the weights alone. Those may be of either
 * operand, beside channels that are one axis with places, or in an image that is itself behind zeros. */
static void one_infinite_adjoint(void)
{
	static const struct {
		Layer layer;
		int64_t at;
		double value;
	} CASES[] = {
	    {{false, 3, 5, 1, 2, 5, 64, 1, false, 0, 0, false}, 0, -INFINITY},
	    {{false, 2, 7, 1, 3, 3, 64, 1, false, 4, 0, false}, 1001, -INFINITY},
	    {{false, 11, 3, 1, 1, 8, 3, 1, false, 8, 0, false}, 3, INFINITY},
	    {{true, 37, 3, 3, 1, 10, 8, 1, false, 24, 0, false}, 2491, NAN},
	    {{false, 20, 2, 1, 1, 64, 4, 1, false, 5, 0, true}, 18, INFINITY},
	    {{false, 18, 3, 1, 1, 64, 10, 1, false, 16, 0, false}, 5, INFINITY},
	};
	for (size_t i = 0; i < COUNT(CASES); i++) {
		Spoilt adjoint = {ADJOINT, CASES[i].at, CASES[i].value};
		CU_ASSERT(holds_with(&CASES[i].layer, &adjoint, -1));
	}
}

static int64_t below(uint64_t *state, int64_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)(*state >> 33) % n;
}

/* Any layer that is no exception (models/README.md, NaN and infinity), and anywhere one element of any kind
 * that is not finite. */
static void drawn_layer(uint64_t seed)
{
	static const int64_t CHANNELS[] = {1, 2, 3, 4, 5, 8, 10, 16, 17, 24, 31, 40, 64},
	                     SAMPLES[] = {1, 2, 3, 4, 5, 8, 12, 16, 17, 24, 32};
	uint64_t r = seed * 0x9E3779B97F4A7C15u;
	Layer l = {.flat = below(&r, 3) == 0, .kernel = 1 + below(&r, 7), .groups = 1};
	l.size = 1 + below(&r, l.flat ? 60 : 20);
	l.stride = below(&r, 3) ? 1 : 1 + below(&r, 3);
	l.pad = below(&r, 3) ? l.kernel / 2 : below(&r, l.kernel);
	l.batch = SAMPLES[below(&r, COUNT(SAMPLES))];
	l.in = CHANNELS[below(&r, COUNT(CHANNELS))], l.out = CHANNELS[below(&r, COUNT(CHANNELS))];
	int64_t kind = below(&r, 5);
	if (kind == 0)
		l.out = l.groups = l.in;
	if (kind == 1)
		l.groups = 2, l.in *= 2, l.out *= 2;
	l.gap = kind == 2 && l.flat && l.kernel > 1 ? 2 + below(&r, 2) : 0;
	l.bf16 = below(&r, 8) == 0;
	Sizes s = sizes_of(&l);
	int64_t of_w = s.kh * l.kernel * (l.in / l.groups) * l.out;
	int64_t count[] = {s.n * s.h * s.w * l.in, of_w, s.n * s.oh * s.ow * l.out};
	bool winograd = !l.flat && l.kernel == 3 && l.stride == 1 && l.in >= 32 && l.out >= 32;
	if (s.ow <= 1 || winograd || (double)of_w * (double)(s.n * s.oh * s.ow) > 6e7)
		return;
	Spoilt any = {.of = (int)below(&r, 3)};
	any.at = below(&r, count[any.of]);
	any.value = (const double[]){INFINITY, -INFINITY, NAN}[below(&r, 3)];
	bool holds = holds_with(&l, &any, -1);
	CU_ASSERT(holds);
	if (!holds)
		fprintf(stderr, "of seed %llu\n", (unsigned long long)seed);
}

static void drawn_layers(void)
{
	for (uint64_t seed = 1; seed <= (every_case_runs() ? 400 : 24); seed++)
		drawn_layer(seed);
}

CU_TestInfo test_tap[] = {
    {"drawn layers", drawn_layers},
    {"one infinite adjoint", one_infinite_adjoint},
    {"one infinite pixel", one_infinite_pixel},
    {"one infinite weight", one_infinite_weight},
    CU_TEST_INFO_NULL,
};
