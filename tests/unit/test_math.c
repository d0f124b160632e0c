/* test_math.c: the functions of codegen/math*.c as machine code, against the C library in the next
 * wider type. */
#include <CUnit/CUnit.h>

#include "jit_math.h"

enum { SIZE = 1 << 16 };

typedef struct Function {
	Unary emit;
	double (*truth)(double);
	long double (*truth_long)(long double);
	double scale; /* of f64: arguments to try, up to here; 0: all numbers */
	double ulps;
} Function;

/* A machine that has no doubles, but FMA. */
static const char SINGLE[] = "x86-64-v3";

static JitFunction compile(Jit *j, const char *cpu, Unary unary, bool wide, unsigned lanes)
{
	return jit_unary(j, cpu, cpu == SINGLE ? 32 : 64, unary, wide, lanes, SIZE);
}

static const double LIMITS[] = {0.0,      -0.0,  1,     -1,     2,      -2,        3,
                                -3,       0.5,   -0.5,  1.5,    88.7,   -103.9,    709.7,
                                -745.1,   1e30,  -1e30, NAN,    1e-300, 0x1p-149,  -0x1p-149,
                                INFINITY, -1e-9, 1e-9,  0x1p24, 0x1p53, -INFINITY, 0x1p-1022,
                                -745.2,   -104,  88.8,  709.8,  100,    -100,      0x1.fffffep127};

static void fill(void *at, bool wide, double scale, uint64_t seed, unsigned turn)
{
	for (unsigned i = 0; i < SIZE; i++) {
		uint64_t bits = next_bits(&seed);
		double x = (double)(int64_t)bits * 0x1p-63 * (bits % 3 ? 1 : scale), any;
		float any4;
		if (scale == 0) {
			memcpy(&any, &bits, 8), memcpy(&any4, &bits, 4);
			x = wide ? any : any4;
		}
		if (i < COUNT(LIMITS) * COUNT(LIMITS)) /* all pairs, by the turn */
			x = LIMITS[turn ? i / COUNT(LIMITS) : i % COUNT(LIMITS)];
		if (wide)
			((double *)at)[i] = x;
		else
			((float *)at)[i] = (float)x;
	}
}

static double worst_of(const Function *t, const char *cpu, bool wide, unsigned lanes, double scale)
{
	static double x[SIZE], y[SIZE], out[SIZE];
	fill(x, wide, scale, 1, 0);
	fill(y, wide, scale, 2, 1);
	Jit j;
	compile(&j, cpu, t->emit, wide, lanes)(x, y, out);
	jit_close(&j);
	double worst = 0;
	for (int i = 0; i < SIZE; i++) {
		double a = wide ? x[i] : ((float *)x)[i], b = wide ? y[i] : ((float *)y)[i];
		if (wide && t->scale != 0 && isfinite(a) && fabs(a) > t->scale)
			continue;
		long double want = t->emit ? wide ? t->truth_long(a) : t->truth(a)
		                   : wide ? powl(a, b)
		                           : pow(a, b);
		double error = ulps(wide ? out[i] : ((float *)out)[i], want, wide);
		worst = error > worst ? error : worst;
	}
	return worst;
}

/* Any number of lanes, all machines with FMA. */
static void within(Function t, double ulps32, double ulps64)
{
	double scale = t.scale;
	CU_ASSERT(worst_of(&t, "x86-64-v3", false, 8, 0) <= ulps32);
	CU_ASSERT(worst_of(&t, "x86-64-v3", true, 4, scale) <= ulps64);
	CU_ASSERT(worst_of(&t, "x86-64-v3", false, 1, 10) <= ulps32);
	CU_ASSERT(worst_of(&t, "x86-64-v3", true, 16, 10) <= ulps64);
	CU_ASSERT(worst_of(&t, NULL, false, 16, 1e-3) <= ulps32);
	CU_ASSERT(worst_of(&t, NULL, false, 16, 0) <= ulps32);
	CU_ASSERT(worst_of(&t, NULL, true, 2, 700) <= ulps64);
	CU_ASSERT(worst_of(&t, NULL, true, 8, 700) <= ulps64);
}

static void exp_is_near(void)
{
	within((Function){math_exp, exp, expl, 0, 0}, 1.02, 1.05);
}
static void log_is_near(void)
{
	within((Function){math_log, log, logl, 0, 0}, 0.87, 0.9);
}
static void log1p_is_near(void)
{
	within((Function){math_log1p, log1p, log1pl, 0, 0}, 1.5, 1.4);
}
static void tanh_is_near(void)
{
	within((Function){math_tanh, tanh, tanhl, 0, 0}, 1.6, 1.6);
}
static void erf_is_near(void)
{
	within((Function){math_erf, erf, erfl, 0, 0}, 1.2, 1.3);
}
static void sin_is_near(void)
{
	within((Function){math_sin, sin, sinl, 0x1p21, 0}, 1.6, 1.6);
}
static void cos_is_near(void)
{
	within((Function){math_cos, cos, cosl, 0x1p21, 0}, 1.6, 1.6);
}
static void pow_is_near(void)
{
	within((Function){NULL, NULL, NULL, 0, 0}, 0.51, 1.3);
}

/* Beyond the range of f64's reduction the result is a number of [-1, 1]. */
static void far_sine_is_bounded(void)
{
	static double x[SIZE], out[SIZE];
	for (int i = 0; i < SIZE; i++)
		x[i] = ldexp(1 + (double)i / SIZE, 31 + i % 900);
	Jit j;
	compile(&j, NULL, math_sin, true, 8)(x, x, out);
	int outside = 0;
	for (int i = 0; i < SIZE; i++)
		outside += !(fabs(out[i]) <= 1);
	CU_ASSERT_EQUAL(outside, 0);
	jit_close(&j);
}

/* Near or far, a lane is what it would be alone: the bits depend on no neighbour. */
static void lanes_are_alone(void)
{
	static float x[SIZE], together[SIZE], alone[SIZE];
	fill(x, false, 0, 3, 0);
	Jit j;
	compile(&j, NULL, math_cos, false, 16)(x, x, together);
	jit_close(&j);
	compile(&j, NULL, math_cos, false, 1)(x, x, alone);
	jit_close(&j);
	int others = 0;
	for (int i = 0; i < SIZE; i++)
		others += together[i] != alone[i] && !(isnan(together[i]) && isnan(alone[i]));
	CU_ASSERT_EQUAL(others, 0);
}

static void machines_without_doubles_are_near(void)
{
	static const Function ALL[] = {
	    {math_sin, sin, sinl, 0, 1.6}, {math_cos, cos, cosl, 0, 1.6}, {NULL, NULL, NULL, 0, 1.2}};
	for (size_t i = 0; i < COUNT(ALL); i++) {
		CU_ASSERT(worst_of(&ALL[i], SINGLE, false, 1, 10) <= ALL[i].ulps);
		CU_ASSERT(worst_of(&ALL[i], SINGLE, false, 8, 0) <= ALL[i].ulps);
	}
}

static void machines_without_fma_are_near(void)
{
	static const Function ALL[] = {
	    {math_exp, exp, expl, 0, 2},         {math_log, log, logl, 0, 2},
	    {math_log1p, log1p, log1pl, 0, 2.5}, {math_tanh, tanh, tanhl, 0, 2.5},
	    {math_erf, erf, erfl, 0, 2.5},       {math_sin, sin, sinl, 0x1p21, 2.5},
	    {math_cos, cos, cosl, 0x1p21, 2.5},  {NULL, NULL, NULL, 0, 2},
	};
	for (size_t i = 0; i < COUNT(ALL); i++) {
		CU_ASSERT(worst_of(&ALL[i], "x86-64", false, 4, 10) <= ALL[i].ulps);
		CU_ASSERT(worst_of(&ALL[i], "x86-64", false, 4, 0) <= ALL[i].ulps);
		CU_ASSERT(worst_of(&ALL[i], "x86-64", true, 2, 10) <= ALL[i].ulps);
	}
}

CU_TestInfo test_math[] = {
    {"exp is near the truth", exp_is_near},
    {"log is near the truth", log_is_near},
    {"log1p is near the truth", log1p_is_near},
    {"tanh is near the truth", tanh_is_near},
    {"erf is near the truth", erf_is_near},
    {"sin is near the truth", sin_is_near},
    {"cos is near the truth", cos_is_near},
    {"pow is near the truth", pow_is_near},
    {"sin of the very large is bounded", far_sine_is_bounded},
    {"lanes depend on no neighbour", lanes_are_alone},
    {"machines without doubles are near the truth", machines_without_doubles_are_near},
    {"machines without FMA are near the truth", machines_without_fma_are_near},
    CU_TEST_INFO_NULL,
};
