/* ulp.c: how wrong the functions of codegen/math*.c are, in units in the last place.
 *
 * f32: all 2^32 arguments of each unary function against the double libm (whose own error is below
 * 2^-28 of an f32 ulp); pow over samples. f64: samples of many scales against the long double libm.
 * Every function runs as generated machine code. Wrong limits, NaN where there is a number or the
 * reverse, and a lost sign of zero count as infinite.
 *
 *     ninja sslc_ulp && sslc_ulp [--cpu=NAME] [--step=N] [function ...]
 * tries every Nth f32 argument, of all (1): that takes minutes. */
#include "../../tests/unit/jit_math.h"

enum { BLOCK = 4096 };

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
	JitFunction f = jit_unary(&j, cpu, 64, r->emit, false, 0, BLOCK);
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
			note(&in, ulps(out[i], want, false), x[i], 0);
		}
	}
	print(r->name, "f32", "all", in);
	jit_close(&j);
}

/* All bit patterns, or near 1, or around 0 in a few scales. */
static double sample(uint64_t *state, bool wide)
{
	static const double LIMITS[] = {0.0,      -0.0,      1,         -1,       2,         -2,
	                                3,        0.5,       -0.5,      INFINITY, -INFINITY, NAN,
	                                0x1p-149, 0x1p-1074, 0x1p-1022, 88.7,     709.7};
	uint64_t choice = next_bits(state), bits = next_bits(state);
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
	JitFunction f = jit_unary(&j, cpu, 64, r->emit, true, 0, BLOCK);
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
			note(&in, ulps(out[i], r->truth_long(x[i]), true), x[i], 0);
	}
	print(r->name, "f64", r->bound == 0 ? "samples" : "|x| <= 2^21", in);
	jit_close(&j);
}

static void check_pow(const char *cpu, bool wide, int blocks)
{
	Jit j;
	JitFunction f = jit_unary(&j, cpu, 64, NULL, wide, 0, BLOCK);
	static double x[BLOCK], y[BLOCK], out[BLOCK];
	static float x4[BLOCK], y4[BLOCK], out4[BLOCK];
	Worst in = {0};
	uint64_t state = 2;
	for (int b = 0; b < blocks; b++) {
		for (int i = 0; i < BLOCK; i++) {
			x[i] = sample(&state, wide), y[i] = sample(&state, wide);
			if (next_bits(&state) % 4 == 0)
				y[i] = rint(y[i]);
			x4[i] = (float)x[i], y4[i] = (float)y[i];
		}
		if (wide)
			f(x, y, out);
		else
			f(x4, y4, out4);
		for (int i = 0; i < BLOCK; i++) {
			double error = wide ? ulps(out[i], powl(x[i], y[i]), true)
			                    : ulps(out4[i], pow(x4[i], y4[i]), false);
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
