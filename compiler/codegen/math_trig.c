/* math_trig.c: sin and cos on vectors, f32 and f64, branch-free.
 *
 * x - n pi/2 by three parts of pi/2 (Cody and Waite 1980), the first two exact by FMA; then two
 * polynomials on
 * [-pi/4, pi/4], one of which is taken by the quadrant. For |x| beyond 2^17 (f32; f64: about 2^30)
 * the quotient n outgrows the parts: accuracy fades (a Payne-Hanek reduction would cost every
 * call); the result stays within [-1, 1]. */
#include "math_parts.h"

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

/* sin(|x| + turn pi/2), times the sign of x when turn is 0. */
static V sine(Emit *e, V x, int turn)
{
	Format f = math_format(e, x);
	V a = l_unary(e, "llvm.fabs", x), rounder = l_float(e, f.type, f.rounder);
	V shifted = l_fma(e, a, l_float(e, f.type, 0x1.45f306dc9c883p-1), rounder);
	V n = l_fsub(e, shifted, rounder), r = a;
	for (int i = 0; i < 3; i++) {
		double part = f.wide ? PI_HALF_F64[i] : PI_HALF_F32[i];
		r = l_fma(e, n, l_float(e, f.type, -part), r);
	}
	r = math_min(e, math_max(e, r, -0.8), 0.8);
	V z = l_fmul(e, r, r);
	V s = math_madd(e, l_fmul(e, r, z), POLYNOMIAL(e, f, z, SIN), r);
	V c = math_madd(e, z, POLYNOMIAL(e, f, z, COS), l_float(e, f.type, -0.5));
	c = math_madd(e, z, c, l_float(e, f.type, 1));

	V quadrant = math_bits(e, f, shifted); /* its low bits; those of the rounder are 0 */
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

/* f32 1.54 ulp for |x| <= 2^17, f64 1.46 for |x| <= 2^21. sin(-0) = -0; NaN of infinities. */
V math_sin(Emit *e, V x)
{
	return sine(e, x, 0);
}

/* f32 1.54 ulp for |x| <= 2^17, f64 1.46 for |x| <= 2^21. */
V math_cos(Emit *e, V x)
{
	return sine(e, x, 1);
}
