/* math_pow.c: x^y on vectors, with all special cases of C's pow.
 *
 * f32 goes through f64: e^(y log |x|) with the double functions of math.c, rounded once.
 * f64, and f32 where all numbers are, takes log |x| as an unevaluated sum of two (Dekker 1971;
 * products by FMA): the error of the exponent is that of the result, times up to 709. */
#include "math_parts.h"

#include <math.h>

Double math_sum_exact(Emit *e, V x, V y)
{ /* Knuth */
	V s = l_fadd(e, x, y), from_x = l_fsub(e, s, x);
	V lost = l_fadd(e, l_fsub(e, x, l_fsub(e, s, from_x)), l_fsub(e, y, from_x));
	return (Double){s, lost};
}

static Double product_exact(Emit *e, V x, V y)
{
	V p = l_fmul(e, x, y);
	return (Double){p, l_fma(e, x, y, l_fneg(e, p))};
}

static Double double_add(Emit *e, Double x, Double y)
{
	Double s = math_sum_exact(e, x.high, y.high);
	return math_sum_exact(e, s.high, l_fadd(e, s.low, l_fadd(e, x.low, y.low)));
}

static Double double_mul(Emit *e, Double x, Double y)
{
	Double p = product_exact(e, x.high, y.high);
	V cross = l_fma(e, x.high, y.low, l_fma(e, x.low, y.high, p.low));
	return math_sum_exact(e, p.high, cross);
}

/* (log((1 + s) / (1 - s)) / s - 2 - 2 s^2 / 3) / s^4 in s^2; error 2^-66 and 2^-34. */
static const double LOG_TAIL_F32[] = {0.18181784362838668, 0.22222222519974286, 0.28571428570099267,
                                      0.40000000000002256};
static const double LOG_TAIL_F64[] = {0.13196367445949866, 0.1325681346461966,  0.1538675752101768,
                                      0.18181784362838668, 0.22222222519974286, 0.28571428570099267,
                                      0.40000000000002256};

/* high + low, which of f32 are one double. */
static Double constant(Emit *e, Format f, double high, double low)
{
	double first = f.wide ? high : (double)(float)high, second = f.wide ? low : high - first;
	return (Double){l_float(e, f.type, first), l_float(e, f.type, second)};
}

/* log(x) of normal or subnormal x > 0 to about 2^-65, of f32 2^-33. */
static Double log_double(Emit *e, Format f, V x)
{
	int up = (int)f.mantissa + 2;
	V tiny = math_test(e, LLVMRealOLT, x, f.wide ? 0x1p-1022 : 0x1p-126);
	V scale = l_select(e, tiny, l_float(e, f.type, ldexp(1, up)), l_float(e, f.type, 1));
	Log y = math_log_parts(e, f, l_fmul(e, x, scale));
	V k = LLVMBuildSIToFP(e->b, y.k, f.type, "");
	k = l_fadd(e, k, l_select(e, tiny, l_float(e, f.type, -up), l_float(e, f.type, 0)));

	/* s = f / (2 + f), with the remainder of the division */
	Double below = math_sum_exact(e, l_float(e, f.type, 2), y.f);
	V quotient = l_fdiv(e, y.f, below.high);
	V left = l_fma(e, l_fneg(e, quotient), below.high, y.f);
	left = l_fma(e, l_fneg(e, quotient), below.low, left);
	Double s = {quotient, l_fdiv(e, left, below.high)};

	/* 2 s + 2/3 s^3 in two parts, s^5 and on in one */
	Double z = double_mul(e, s, s), cube = double_mul(e, z, s);
	Double two_thirds = constant(e, f, 0x1.5555555555555p-1, 0x1.5555555555555p-55);
	Double sum = double_mul(e, cube, two_thirds);
	V tail = POLYNOMIAL(e, f, z.high, LOG_TAIL);
	sum.low = l_fma(e, l_fmul(e, cube.high, z.high), tail, sum.low);
	Double twice = {l_fadd(e, s.high, s.high), l_fadd(e, s.low, s.low)};
	sum = double_add(e, twice, sum);
	Double ln2 = constant(e, f, 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56);
	Double power = product_exact(e, k, ln2.high);
	power.low = l_fma(e, k, ln2.low, power.low);
	return double_add(e, power, sum);
}

/* |x|^y, right where log |x| is finite and y is. */
static V pow_of_pairs(Emit *e, V x, V y)
{
	Format f = math_format(e, x);
	Double log = log_double(e, f, x);
	Double t = product_exact(e, log.high, y);
	t.low = l_fma(e, log.low, y, t.low);
	/* Beyond the range the bound decides alone. */
	V inside = math_test(e, LLVMRealOLT, l_unary(e, "llvm.fabs", t.high), f.wide ? 745 : 103);
	V low = l_select(e, inside, t.low, l_float(e, f.type, 0));
	V high = math_max(e, math_min(e, t.high, f.wide ? 710 : 89), f.wide ? -746 : -104);
	return math_exp_scale(e, f, math_exp_parts(e, f, high, low));
}

/* f32: 0.51 ulp, without doubles 1.2; f64: 1.15 ulp (samples). */
V math_pow(Emit *e, V x, V y)
{
	Format f = math_format(e, x);
	V a = l_unary(e, "llvm.fabs", x), zero = l_float(e, f.type, 0), one = l_float(e, f.type, 1);
	V power;
	if (f.wide || (e->float_bits == 32 && e->fma)) {
		power = pow_of_pairs(e, a, y);
	} else {
		T wide = l_vector(e->f64, f.lanes);
		V log = math_log(e, LLVMBuildFPExt(e->b, a, wide, ""));
		V exponent = l_fmul(e, log, LLVMBuildFPExt(e->b, y, wide, ""));
		power = LLVMBuildFPTrunc(e->b, math_exp(e, exponent), f.type, "");
	}
	V infinity = l_float(e, f.type, INFINITY);
	/* |x| = 0, 1, inf and |y| = inf: by the side of 1 on which |x| is, and the sign of y. */
	V up = LLVMBuildXor(e->b, math_test(e, LLVMRealOLT, a, 1), math_test(e, LLVMRealOLT, y, 0), "");
	up = LLVMBuildNot(e->b, up, "");
	V edge = LLVMBuildOr(e->b, math_test(e, LLVMRealOEQ, a, 0),
	                     math_test(e, LLVMRealOEQ, a, INFINITY), "");
	V y_edge = math_test(e, LLVMRealOEQ, l_unary(e, "llvm.fabs", y), INFINITY);
	edge = LLVMBuildOr(e->b, edge, y_edge, "");
	edge = LLVMBuildAnd(e->b, edge, LLVMBuildFCmp(e->b, LLVMRealORD, x, y, ""), "");
	power = l_select(e, edge, l_select(e, up, infinity, zero), power);
	V unit = LLVMBuildAnd(e->b, math_test(e, LLVMRealOEQ, a, 1),
	                      LLVMBuildFCmp(e->b, LLVMRealORD, y, y, ""), "");
	power = l_select(e, unit, one, power);

	/* Negative x: the sign of an odd power; NaN of a broken one (infinite powers are even). */
	V whole = LLVMBuildFCmp(e->b, LLVMRealOEQ, l_floor(e, y), y, "");
	V half = l_fmul(e, y, l_float(e, f.type, 0.5));
	V even = LLVMBuildFCmp(e->b, LLVMRealOEQ, l_floor(e, half), half, "");
	V odd = LLVMBuildAnd(e->b, whole, LLVMBuildNot(e->b, even, ""), "");
	power = l_select(e, odd, l_binary(e, "llvm.copysign", power, x), power);
	V broken =
	    LLVMBuildAnd(e->b, math_test(e, LLVMRealOLT, x, 0), LLVMBuildNot(e->b, whole, ""), "");
	broken = LLVMBuildAnd(e->b, broken, math_test(e, LLVMRealOGT, a, 0), "");
	broken = LLVMBuildAnd(e->b, broken, math_test(e, LLVMRealOLT, a, INFINITY), "");
	power = l_select(e, broken, l_float(e, f.type, NAN), power);
	V known = LLVMBuildFCmp(e->b, LLVMRealORD, x, y, "");
	power = l_select(e, known, power, l_fadd(e, x, y));
	V sure =
	    LLVMBuildOr(e->b, math_test(e, LLVMRealOEQ, y, 0), math_test(e, LLVMRealOEQ, x, 1), "");
	return l_select(e, sure, one, power);
}
