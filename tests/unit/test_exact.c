/* test_exact.c: what codegen/exact.c does for machines that lack an instruction, on this machine:
 * bit for bit what the C library gives. */
#include <CUnit/CUnit.h>

#include "jit_math.h"

enum { SIZE = 1 << 15 };

typedef struct Lack { /* that the machine has */
	unsigned float_bits;
	bool fma, rounds;
} Lack;

typedef V (*Emitter)(Emit *e, V x, V y, V z);

static V emit_floor(Emit *e, V x, V y, V z)
{
	(void)y, (void)z;
	return l_floor(e, x);
}
static V emit_trunc(Emit *e, V x, V y, V z)
{
	(void)y, (void)z;
	return l_trunc(e, x);
}
static V emit_sqrt(Emit *e, V x, V y, V z)
{
	(void)y, (void)z;
	return l_sqrt(e, x);
}
static V emit_rem(Emit *e, V x, V y, V z)
{
	(void)z;
	return l_rem(e, x, y);
}

/* void f(x, y, z, out): SIZE elements. */
static void *compile(Jit *j, Lack lack, Emitter emit, bool wide, unsigned lanes)
{
	jit_open(j, NULL);
	jit_function(j, "f", 4, 0);
	Emit *e = &j->e;
	e->float_bits = lack.float_bits, e->fma &= lack.fma, e->rounds &= lack.rounds;
	T element = wide ? e->f64 : e->f32, type = l_vector(element, lanes);
	Loop loop;
	loop_begin(e, &loop, "elements", l_word(e, 0), l_word(e, SIZE), l_word(e, lanes), NULL, 0);
	V in[3], out = l_at(e, element, LLVMGetParam(e->function, 3), loop.index);
	for (unsigned i = 0; i < 3; i++)
		in[i] = l_load(e, type, l_at(e, element, LLVMGetParam(e->function, i), loop.index), 4);
	l_store(e, emit(e, in[0], in[1], in[2]), out, 4);
	loop_end(e, &loop, NULL);
	return jit_finish(j);
}

static const double LIMITS[] = {0.0,       -0.0,   1,        -1,        0.5,       -0.5,
                                1.5,       2.5,    -3.5,     0x1p-149,  -0x1p-149, 0x1p-126,
                                0x1p-127,  NAN,    INFINITY, -INFINITY, 0x1p23,    0x1p22,
                                8388607.5, 0x1p52, -7,       0x1.8p51,  3,         0.99999994,
                                1e30,      -1e-30, 4,        1e-42};

/* Limits in all pairs, then any bits, then numbers near each other. */
static double any_number(bool wide, unsigned i, unsigned which, uint64_t *seed)
{
	uint64_t bits = next_bits(seed);
	double x;
	float narrow;
	if (i < COUNT(LIMITS) * COUNT(LIMITS))
		return LIMITS[which ? i / COUNT(LIMITS) : i % COUNT(LIMITS)];
	memcpy(&x, &bits, sizeof x), memcpy(&narrow, &bits, sizeof narrow);
	if (i % 2)
		return wide ? x : narrow;
	return ldexp((double)(int64_t)bits, (int)(bits % 40) - 63);
}

typedef struct Numbers {
	double wide[3][SIZE];
	float narrow[3][SIZE];
} Numbers;

static void fill(Numbers *n)
{
	uint64_t seed = 7;
	for (unsigned i = 0; i < SIZE; i++)
		for (unsigned which = 0; which < 2; which++) {
			n->wide[which][i] = any_number(true, i, which, &seed);
			n->narrow[which][i] = (float)any_number(false, i, which, &seed);
		}
	for (unsigned i = COUNT(LIMITS) * COUNT(LIMITS); i < SIZE; i += 3) { /* beside a multiple */
		int power;
		float y = i % 2 ? frexpf(n->narrow[1][i], &power) : n->narrow[1][i];
		float x = y * (float)(next_bits(&seed) % (1 << i % 24));
		n->narrow[1][i] = y;
		n->narrow[0][i] = i % 5 ? nextafterf(x, i % 5 > 2 ? INFINITY : -INFINITY) : x;
	}
	for (unsigned i = 0; i < SIZE; i++) { /* sums that cancel, and ones that do not */
		uint64_t bits = next_bits(&seed);
		double x = n->wide[0][i], y = n->wide[1][i], part = ldexp(1, -(int)(bits % 60));
		n->wide[2][i] = i % 3 ? -x * y * (1 + (i % 3 - 1) * part) : x + y;
		float a = n->narrow[0][i], b = n->narrow[1][i];
		n->narrow[2][i] = i % 3 ? (float)(-(double)a * b * (1 + (i % 3 - 1) * part)) : a + b;
	}
}

static bool same(double x, double y)
{
	return (isnan(x) && isnan(y)) || (x == y && signbit(x) == signbit(y));
}

typedef double (*Truth)(double x, double y, double z);

/* How many differ; `skip` says which are beyond what is promised. */
static int wrong(Emitter emit, Lack lack, bool wide, unsigned lanes, Truth truth,
                 bool (*skip)(double, double, double))
{
	static Numbers n;
	static double out[SIZE];
	fill(&n);
	Jit j;
	void *in[3];
	for (int i = 0; i < 3; i++)
		in[i] = wide ? (void *)n.wide[i] : (void *)n.narrow[i];
	void (*f)(void *, void *, void *, void *) = compile(&j, lack, emit, wide, lanes);
	f(in[0], in[1], in[2], out);
	jit_close(&j);
	int count = 0;
	for (int i = 0; i < SIZE; i++) {
		double a[3];
		for (int k = 0; k < 3; k++)
			a[k] = wide ? n.wide[k][i] : (double)n.narrow[k][i];
		double got = wide ? out[i] : (double)((float *)out)[i];
		count += !(skip && skip(a[0], a[1], a[2])) && !same(got, truth(a[0], a[1], a[2]));
	}
	return count;
}

static double true_floor(double x, double y, double z)
{
	(void)y, (void)z;
	return floor(x);
}
static double true_trunc(double x, double y, double z)
{
	(void)y, (void)z;
	return trunc(x);
}
static double true_sqrt(double x, double y, double z)
{
	(void)y, (void)z;
	return sqrt(x);
}
static double true_sqrtf(double x, double y, double z)
{
	(void)y, (void)z;
	return (double)sqrtf((float)x);
}
static double true_rem(double x, double y, double z)
{
	(void)z;
	return fmod(x, y);
}
static double true_fmaf(double x, double y, double z)
{
	return (double)fmaf((float)x, (float)y, (float)z);
}

/* Of f64 the product's rest must be a number, and no half of an operand's infinite. */
static bool is_far(double x, double y, double z)
{
	double product = fabs(x * y);
	bool large = fabs(x) > 0x1p995 || fabs(y) > 0x1p995 || fabs(z) > 0x1p1022;
	return large || product > 0x1p1022 || (product < 0x1p-900 && x != 0 && y != 0);
}

static const Lack FEW = {0, false, false};

static void rounding_is_exact(void)
{
	CU_ASSERT_EQUAL(wrong(emit_floor, FEW, false, 4, true_floor, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_floor, FEW, true, 2, true_floor, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_trunc, FEW, false, 1, true_trunc, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_trunc, FEW, true, 4, true_trunc, NULL), 0);
}

static void root_is_exact(void)
{
	CU_ASSERT_EQUAL(wrong(emit_sqrt, FEW, false, 1, true_sqrtf, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_sqrt, FEW, false, 8, true_sqrtf, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_sqrt, FEW, true, 1, true_sqrt, NULL), 0);
}

static void fused_is_exact(void)
{
	CU_ASSERT_EQUAL(wrong(l_fma, FEW, false, 1, true_fmaf, NULL), 0);
	CU_ASSERT_EQUAL(wrong(l_fma, FEW, false, 4, true_fmaf, NULL), 0);
	CU_ASSERT_EQUAL(wrong(l_fma, FEW, true, 2, fma, is_far), 0);
}

static void remainder_is_exact(void)
{
	CU_ASSERT_EQUAL(wrong(emit_rem, FEW, false, 1, true_rem, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_rem, FEW, false, 4, true_rem, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_rem, (Lack){64, false, false}, false, 4, true_rem, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_rem, (Lack){64, true, true}, false, 1, true_rem, NULL), 0);
	CU_ASSERT_EQUAL(wrong(emit_rem, (Lack){64, true, true}, false, 8, true_rem, NULL), 0);
}

CU_TestInfo test_exact[] = {
    {"floor and trunc", rounding_is_exact},
    {"square root", root_is_exact},
    {"fused", fused_is_exact},
    {"remainder", remainder_is_exact},
    CU_TEST_INFO_NULL,
};
