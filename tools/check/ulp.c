/* ulp.c: how wrong the functions of codegen/math*.c are, in units in the last place.
 *
 * f32: all 2^32 arguments of each unary function against the double libm (whose own error is below
 * 2^-28 of an f32 ulp); pow over samples. f64: samples of many scales against the long double libm.
 * Every function runs as generated machine code. Wrong limits, NaN where there is a number or the
 * reverse, and a lost sign of zero count as infinite. ulp [--cpu=NAME] [--step=N] [function ...]
 * every Nth f32 argument, default 1; takes minutes */
#include <math.h>

#include "../../tests/unit/jit.h"

enum { BLOCK = 4096 };

typedef V (*Unary)(Emit *e, V x);
typedef struct Row {
	const char *name;
	Unary emit;
	double (*truth)(double);
	long double (*truth_long)(long double);
	double bound; /* of |x| in f64, beyond which accuracy is not promised; 0: none */
} Row;

static const Row ROWS[] = {
    {"exp", math_exp, exp, expl, 0},         {"log", math_log, log, logl, 0},
    {"log1p", math_log1p, log1p, log1pl, 0}, {"tanh", math_tanh, tanh, tanhl, 0},
    {"erf", math_erf, erf, erfl, 0},         {"sin", math_sin, sin, sinl, 0x1p21},
    {"cos", math_cos, cos, cosl, 0x1p21},
};

/* void f(x, y, out): BLOCK elements, a vector at a time; y only for pow. */
static JitFunction compile(Jit *j, const char *cpu, Unary unary, bool wide)
{
	jit_open(j, cpu);
	jit_function(j, "f", 3, 0);
	Emit *e = &j->e;
	T element = wide ? e->f64 : e->f32;
	unsigned lanes = e->vector_bits / (wide ? 64 : 32);
	T type = l_vector(element, lanes);
	Loop loop;
	loop_begin(e, &loop, "elements", l_word(e, 0), l_word(e, BLOCK), l_word(e, lanes), NULL, 0);
	V at[3];
	for (unsigned i = 0; i < 3; i++)
		at[i] = l_at(e, element, LLVMGetParam(e->function, i), loop.index);
	V x = l_load(e, type, at[0], 4);
	V y = unary ? unary(e, x) : math_pow(e, x, l_load(e, type, at[1], 4));
	l_store(e, y, at[2], 4);
	loop_end(e, &loop, NULL);
	return (JitFunction)jit_finish(j);
}

/* |got - want| in ulp of a format with `mantissa` stored bits and least exponent `least`. */
static double ulps(long double got, long double want, int mantissa, int least, long double largest)
{
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got) ? 0 : INFINITY;
	if (want == 0 && got == 0)
		return signbit(want) == signbit(got) ? 0 : INFINITY;
	/* Infinity stands one step above the largest number. */
	long double step = ldexpl(1, ilogbl(largest) - mantissa);
	got = isinf(got) ? copysignl(largest + step, got) : got;
	want = fabsl(want) > largest + step ? copysignl(largest + step, want) : want;
	int exponent;
	frexpl(want, &exponent);
	exponent = exponent - 1 < least ? least : exponent - 1;
	return (double)(fabsl(got - want) / ldexpl(1, exponent - mantissa));
}

typedef struct Worst {
	double error, at, y;
} Worst;

static void note(Worst *w, double error, double x, double y)
{
	if (error > w->error || (w->error == 0 && w->at == 0))
		*w = (Worst){error, x, y};
}

static void print(const char *name, const char *type, const char *range, Worst w)
{
	printf("%-6s %-4s %-14s %8.3f ulp at %.9g (%a)", name, type, range, w.error, w.at, w.at);
	printf(w.y ? ", %a\n" : "\n", w.y);
	fflush(stdout);
}

static void check_f32(const Row *r, const char *cpu, uint64_t step)
{
	Jit j;
	JitFunction f = compile(&j, cpu, r->emit, false);
	static float x[BLOCK], out[BLOCK];
	Worst in = {0};
	for (uint64_t base = 0; base < (uint64_t)1 << 32; base += BLOCK * step) {
		for (uint32_t i = 0; i < BLOCK; i++) {
			uint32_t bits = (uint32_t)(base + i * step);
			memcpy(&x[i], &bits, 4);
		}
		f(x, NULL, out);
		for (int i = 0; i < BLOCK; i++) {
			double want = r->truth(x[i]);
			if ((float)want == out[i]) { /* the usual case, quickly; signs of zeros aside */
				if (want != 0)
					continue;
			}
			note(&in, ulps(out[i], want, 23, -126, 0x1.fffffep127L), x[i], 0);
		}
	}
	print(r->name, "f32", "all", in);
	jit_close(&j);
}

static uint64_t next(uint64_t *state)
{ /* splitmix64 */
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* All bit patterns, or near 1, or around 0 in a few scales. */
static double sample(uint64_t *state, bool wide)
{
	static const double LIMITS[] = {0.0,      -0.0,      1,         -1,       2,         -2,
	                                3,        0.5,       -0.5,      INFINITY, -INFINITY, NAN,
	                                0x1p-149, 0x1p-1074, 0x1p-1022, 88.7,     709.7};
	uint64_t choice = next(state), bits = next(state);
	double unit = (double)(bits >> 11) * 0x1p-53;
	if (choice % 64 == 0)
		return LIMITS[bits % COUNT(LIMITS)];
	if (choice % 4 == 0 && wide) {
		memcpy(&unit, &bits, 8);
		return unit;
	}
	static const double SCALES[] = {1, 1e-3, 10, 100, 700, 1e5};
	double sign = choice & 256 ? -1 : 1;
	return choice & 512 ? 1 + sign * unit * SCALES[choice % 2]
	                    : sign * unit * SCALES[(choice >> 10) % COUNT(SCALES)];
}

static void check_f64(const Row *r, const char *cpu, int blocks)
{
	Jit j;
	JitFunction f = compile(&j, cpu, r->emit, true);
	static double x[BLOCK], out[BLOCK];
	Worst in = {0};
	uint64_t state = 1;
	for (int b = 0; b < blocks; b++) {
		for (int i = 0; i < BLOCK; i++) {
			x[i] = sample(&state, true);
			if (r->bound != 0 && isfinite(x[i]))
				x[i] = fmod(x[i], r->bound);
		}
		f(x, NULL, out);
		for (int i = 0; i < BLOCK; i++)
			note(&in, ulps(out[i], r->truth_long(x[i]), 52, -1022, 0x1.fffffffffffffp1023L), x[i],
			     0);
	}
	print(r->name, "f64", r->bound == 0 ? "samples" : "|x| <= 2^21", in);
	jit_close(&j);
}

static void check_pow(const char *cpu, bool wide, int blocks)
{
	Jit j;
	JitFunction f = compile(&j, cpu, NULL, wide);
	static double x[BLOCK], y[BLOCK], out[BLOCK];
	static float x4[BLOCK], y4[BLOCK], out4[BLOCK];
	Worst in = {0};
	uint64_t state = 2;
	for (int b = 0; b < blocks; b++) {
		for (int i = 0; i < BLOCK; i++) {
			x[i] = sample(&state, wide), y[i] = sample(&state, wide);
			if (next(&state) % 4 == 0)
				y[i] = rint(y[i]);
			x4[i] = (float)x[i], y4[i] = (float)y[i];
		}
		if (wide)
			f(x, y, out);
		else
			f(x4, y4, out4);
		for (int i = 0; i < BLOCK; i++) {
			double error = wide ? ulps(out[i], powl(x[i], y[i]), 52, -1022, 0x1.fffffffffffffp1023L)
			                    : ulps(out4[i], pow(x4[i], y4[i]), 23, -126, 0x1.fffffep127L);
			note(&in, error, wide ? x[i] : x4[i], wide ? y[i] : y4[i]);
		}
	}
	print("pow", wide ? "f64" : "f32", "samples", in);
	jit_close(&j);
}

int main(int argc, char **argv)
{
	const char *cpu = NULL;
	uint64_t step = 1;
	int names = 0;
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--cpu=", 6) == 0)
			cpu = argv[i] + 6;
		else if (strncmp(argv[i], "--step=", 7) == 0)
			step = strtoull(argv[i] + 7, NULL, 10);
		else
			names++;
	}
	for (size_t r = 0; r <= COUNT(ROWS); r++) {
		const char *name = r < COUNT(ROWS) ? ROWS[r].name : "pow";
		bool wanted = names == 0;
		for (int i = 1; i < argc; i++)
			wanted |= strcmp(argv[i], name) == 0;
		if (!wanted)
			continue;
		if (r < COUNT(ROWS)) {
			check_f32(&ROWS[r], cpu, step ? step : 1);
			check_f64(&ROWS[r], cpu, 1000);
		} else {
			check_pow(cpu, false, 2000);
			check_pow(cpu, true, 1000);
		}
	}
	return 0;
}
