/* math_trig.c: sin and cos on vectors, f32 and f64.
 *
 * x - n pi/2 by three parts of pi/2 (Cody and Waite 1980), the first two exact by FMA; then two
 * polynomials on [-pi/4, pi/4], one of which is taken by the quadrant. From 2^17 on the quotient n
 * of f32 outgrows the parts: a vector with such a lane takes 96 bits of 2/pi instead, in integers
 * (Payne and Hanek 1983), for those lanes alone, so that no lane depends on its neighbours. f64
 * has the parts only: beyond about 2^30 accuracy fades, the result stays within [-1, 1]. */
#include "math_parts.h"

#include <math.h>

/* (sin(r) / r - 1) / r^2 in r^2; error 0.07 and 0.04 ulp. */
static const double SIN_F32[] = {-0.00019514632137220805, 0.008332156055969799,
                                 -0.16666654536663109};
static const double SIN_F64[] = {1.5895904970586424e-10, -2.505074231292331e-08,
                                 2.755731358766045e-06,  -0.00019841269829495652,
                                 0.008333333333322005,   -0.1666666666666663};
/* (cos(r) - 1 + r^2 / 2) / r^4 in r^2; error 0.002 ulp. */
static const double COS_F32[] = {2.4432412236183065e-05, -0.001388730985936114,
                                 0.04166664555430045};
static const double COS_F64[] = {-1.13583104763117e-11,  2.087569657207771e-09,
                                 -2.755731414861744e-07, 2.4801587288748156e-05,
                                 -0.0013888888888872895, 0.041666666666666595};

static const double PI_HALF_F32[] = {0x1.921fb6p+0, -0x1.777a5cp-25, -0x1.ee59dap-50};
static const double PI_HALF_F64[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                     -0x1.f1976b7ed8fbcp-110};

/* a = n pi/2 + r: r in [-pi/4, pi/4], n an integer of which the low bits count. */
typedef struct Reduced {
	V r, n;
} Reduced;

static Reduced reduce_small(Emit *e, Format f, V a)
{
	V rounder = l_float(e, f.type, f.rounder);
	V shifted = l_fma(e, a, l_float(e, f.type, 0x1.45f306dc9c883p-1), rounder);
	V n = l_fsub(e, shifted, rounder), r = a;
	for (int i = 0; i < 3; i++) {
		double part = f.wide ? PI_HALF_F64[i] : PI_HALF_F32[i];
		r = l_fma(e, n, l_float(e, f.type, -part), r);
	}
	if (f.wide)
		r = math_min(e, math_max(e, r, -0.8), 0.8);
	return (Reduced){r, math_bits(e, f, shifted)}; /* the low bits of the rounder are 0 */
}

static const double LARGE = 0x1p17;
enum { WORDS = 3 };

/* 2/pi in words of 32 bits after the point, behind one of zeros. */
static const uint32_t TWO_OVER_PI[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                       0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};

static V widen(Emit *e, Format w, V x)
{
	return LLVMBuildZExt(e->b, x, w.integer, "");
}
static V shift_left(Emit *e, Format f, V x, int by)
{
	return LLVMBuildShl(e->b, x, math_int(f, by), "");
}
static V shift_right(Emit *e, Format f, V x, int by)
{
	return LLVMBuildLShr(e->b, x, math_int(f, by), "");
}

/* The words of 2/pi that count for an f32 m 2^e from LARGE on, in 64 bits: what stands before them
 * makes whole turns. place: the first bit, in TWO_OVER_PI; w: f in 64 bits. */
static void words_from(Emit *e, Format f, Format w, V place, V word[WORDS])
{
	V first = shift_right(e, f, place, 5);
	V shift = widen(e, w, LLVMBuildAnd(e->b, place, math_int(f, 31), ""));
	V whole[WORDS + 1];
	for (unsigned i = 0; i <= WORDS; i++) {
		V at = math_int(f, TWO_OVER_PI[i]);
		for (unsigned j = 1; j + WORDS < COUNT(TWO_OVER_PI); j++) {
			V here = LLVMBuildICmp(e->b, LLVMIntEQ, first, math_int(f, j), "");
			at = l_select(e, here, math_int(f, TWO_OVER_PI[i + j]), at);
		}
		whole[i] = widen(e, w, at);
	}
	for (unsigned i = 0; i < WORDS; i++) {
		V pair = LLVMBuildOr(e->b, shift_left(e, w, whole[i], 32), whole[i + 1], "");
		word[i] = shift_right(e, w, LLVMBuildShl(e->b, pair, shift, ""), 32);
	}
}

/* pi/2 times a fraction of 64 bits, where there are no doubles or no conversions of 64 bits: its
 * magnitude in parts of 24, 24 and 16 bits, which f32 holds. */
static V angle_of_parts(Emit *e, Format f, Format w, V fraction)
{
	V negative = LLVMBuildICmp(e->b, LLVMIntSLT, fraction, math_int(w, 0), ""), part[3];
	V size = l_select(e, negative, LLVMBuildNeg(e->b, fraction, ""), fraction);
	static const int shift[] = {40, 16, 0};
	for (int i = 0; i < 3; i++) {
		V bits = LLVMBuildTrunc(e->b, shift_right(e, w, size, shift[i]), f.integer, "");
		bits = LLVMBuildAnd(e->b, bits, math_int(f, i < 2 ? 0xffffff : 0xffff), "");
		V scale = l_float(e, f.type, ldexp(1, shift[i] - 64));
		part[i] = l_fmul(e, LLVMBuildSIToFP(e->b, bits, f.type, ""), scale);
	}
	V high = l_fadd(e, part[0], part[1]);
	V low = l_fadd(e, l_fsub(e, part[1], l_fsub(e, high, part[0])), part[2]);
	V r = l_fmul(e, low, l_float(e, f.type, PI_HALF_F32[0]));
	r = l_muladd(e, high, l_float(e, f.type, PI_HALF_F32[1]), r);
	r = l_muladd(e, high, l_float(e, f.type, PI_HALF_F32[0]), r);
	return l_select(e, negative, l_fneg(e, r), r);
}

static V angle(Emit *e, Format f, Format w, V fraction)
{
	if (e->float_bits < 64 || e->word_bytes < 8)
		return angle_of_parts(e, f, w, fraction);
	T wide = l_vector(e->f64, f.lanes);
	V r = LLVMBuildSIToFP(e->b, fraction, wide, "");
	r = l_fmul(e, r, l_float(e, wide, 0x1.921fb54442d18p-64)); /* pi/2 2^-64 */
	return LLVMBuildFPTrunc(e->b, r, f.type, "");
}

/* Of f32 from LARGE on. a 2/pi modulo 4 is a fraction of 64 bits, two of them the quadrant: what is
 * left out is below 2^-70, r never below 2^-30. */
static Reduced reduce_large(Emit *e, Format f, V a)
{
	Format w = f;
	w.integer = l_vector(e->i64, f.lanes);
	V bits = math_bits(e, f, a), word[WORDS];
	V m = LLVMBuildAnd(e->b, bits, math_int(f, 0x7fffff), "");
	m = widen(e, w, LLVMBuildOr(e->b, m, math_int(f, 0x800000), ""));
	/* e is 150 less; 2/pi starts 32 bits in, and the two bits of the quadrant come first */
	V place =
	    LLVMBuildSub(e->b, shift_right(e, f, bits, f.mantissa), math_int(f, 150 - 32 + 2), "");
	words_from(e, f, w, place, word);
	V turns = shift_left(e, w, LLVMBuildMul(e->b, m, word[0], ""), 32);
	turns = LLVMBuildAdd(e->b, turns, LLVMBuildMul(e->b, m, word[1], ""), "");
	V last = shift_right(e, w, LLVMBuildMul(e->b, m, word[2], ""), 32);
	turns = LLVMBuildAdd(e->b, turns, last, "");

	V n = LLVMBuildAdd(e->b, turns, math_int(w, 1LL << 61), ""); /* to the nearest */
	n = LLVMBuildTrunc(e->b, shift_right(e, w, n, 62), f.integer, "");
	return (Reduced){angle(e, f, w, shift_left(e, w, turns, 2)), n};
}

/* By either way, lane by lane; the second is gone into only where some lane needs it. */
static Reduced reduce(Emit *e, Format f, V a)
{
	Reduced small = reduce_small(e, f, a);
	if (f.wide)
		return small;
	V large = LLVMBuildAnd(e->b, math_test(e, LLVMRealOGE, a, LARGE),
	                       math_test(e, LLVMRealOLT, a, INFINITY), "");
	LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), far = l_block(e, "far");
	LLVMBasicBlockRef after = l_block(e, "after");
	LLVMBuildCondBr(e->b, l_any_lane(e, large), far, after);
	LLVMPositionBuilderAtEnd(e->b, far);
	Reduced other = reduce_large(e, f, a);
	V r = l_select(e, large, other.r, small.r), n = l_select(e, large, other.n, small.n);
	l_goto(e, after);
	V both[2] = {small.r, r}, counts[2] = {small.n, n};
	LLVMBasicBlockRef from[2] = {before, far};
	Reduced x = {LLVMBuildPhi(e->b, f.type, ""), LLVMBuildPhi(e->b, f.integer, "")};
	LLVMAddIncoming(x.r, both, from, 2);
	LLVMAddIncoming(x.n, counts, from, 2);
	return x;
}

/* sin(|x| + turn pi/2), times the sign of x when turn is 0. */
static V sine(Emit *e, V x, int turn)
{
	Format f = math_format(e, x);
	V a = l_unary(e, "llvm.fabs", x);
	Reduced y_of = reduce(e, f, a);
	V r = y_of.r, quadrant = y_of.n;
	V z = l_fmul(e, r, r);
	V s = l_muladd(e, l_fmul(e, r, z), POLYNOMIAL(e, f, z, SIN), r);
	V c = l_muladd(e, z, POLYNOMIAL(e, f, z, COS), l_float(e, f.type, -0.5));
	c = l_muladd(e, z, c, l_float(e, f.type, 1));

	if (turn)
		quadrant = LLVMBuildAdd(e->b, quadrant, math_int(f, turn), "");
	V odd = LLVMBuildTrunc(e->b, quadrant, l_vector(e->i1, f.lanes), "");
	V y = math_bits(e, f, l_select(e, odd, c, s));
	unsigned top = f.wide ? 63 : 31;
	V sign = LLVMBuildAnd(e->b, quadrant, math_int(f, 2), "");
	sign = LLVMBuildShl(e->b, sign, math_int(f, top - 1), "");
	if (!turn) {
		V own = math_bits(e, f, LLVMBuildXor(e->b, math_bits(e, f, x), math_bits(e, f, a), ""));
		sign = LLVMBuildXor(e->b, sign, own, "");
	}
	return math_value(e, f, LLVMBuildXor(e->b, y, sign, ""));
}

/* f32 1.56 ulp, f64 1.46 for |x| <= 2^21. sin(-0) = -0; NaN of infinities. */
V math_sin(Emit *e, V x)
{
	return sine(e, x, 0);
}

/* f32 1.56 ulp, f64 1.46 for |x| <= 2^21. */
V math_cos(Emit *e, V x)
{
	return sine(e, x, 1);
}
