/* math.c: exp, log, log1p, tanh, erf on vectors: our own, inlined, branch-free.
 *
 * In: f32 or f64, any lanes. Out: the function, with the limits and NaN of C's libm; the sign of a
 * NaN is not kept. Errors in ulp: f32 over all 2^32 arguments against the double libm
 * (tools/check/ulp.c), f64 over samples against the long double one. Subnormal results are rounded
 * once, none is flushed. Without FMA hardware products are rounded (those with ln 2 are exact all
 * the same) and errors are up to an ulp larger. Coefficients: tools/check/minimax.py. Reductions
 * after Tang (1989) and Muller, Elementary Functions (2016). */
#include "math_parts.h"

#include <math.h>

/* -- Formats and bits ---------------------------------------------------------------------- */

Format math_format(Emit *e, V x)
{
	T type = LLVMTypeOf(x);
	unsigned lanes = l_lanes(x);
	T element = lanes > 1 ? LLVMGetElementType(type) : type;
	bool wide = element == e->f64;
	return (Format){.wide = wide,
	                .type = type,
	                .integer = l_vector(wide ? e->i64 : e->i32, lanes),
	                .lanes = lanes,
	                .mantissa = wide ? 52 : 23,
	                .bias = wide ? 1023 : 127,
	                .rounder = wide ? 0x1.8p52 : 0x1.8p23};
}

V math_int(Format f, int64_t x)
{
	T element = f.lanes > 1 ? LLVMGetElementType(f.integer) : f.integer;
	V one = LLVMConstInt(element, (uint64_t)x, true);
	return f.lanes > 1 ? l_splat_const(one, f.lanes) : one;
}

V math_bits(Emit *e, Format f, V x)
{
	return LLVMBuildBitCast(e->b, x, f.integer, "");
}

V math_value(Emit *e, Format f, V x)
{
	return LLVMBuildBitCast(e->b, x, f.type, "");
}

V math_test(Emit *e, LLVMRealPredicate p, V x, double bound)
{
	return LLVMBuildFCmp(e->b, p, x, l_float(e, LLVMTypeOf(x), bound), "");
}

V math_min(Emit *e, V x, double bound)
{
	return l_select(e, math_test(e, LLVMRealOGT, x, bound), l_float(e, LLVMTypeOf(x), bound), x);
}

V math_max(Emit *e, V x, double bound)
{
	return l_select(e, math_test(e, LLVMRealOLT, x, bound), l_float(e, LLVMTypeOf(x), bound), x);
}

V math_polynomial(Emit *e, V x, const double *c, unsigned count)
{
	V sum = l_float(e, LLVMTypeOf(x), c[0]);
	for (unsigned i = 1; i < count; i++)
		sum = l_muladd(e, sum, x, l_float(e, LLVMTypeOf(x), c[i]));
	return sum;
}

/* -- exp ----------------------------------------------------------------------------------- */

/* (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2; error 0.06 and 0.04 ulp of e^r. */
static const double EXP_F32[] = {0.0013814467294598596, 0.008368780792143555, 0.04166839424184043,
                                 0.1666652010368956, 0.499999934121477};
static const double EXP_F64[] = {
    2.4999960208336418e-08, 2.7630378228186743e-07, 2.7557587357531655e-06, 2.4801492763973955e-05,
    0.00019841269504751636, 0.0013888888943921454,  0.008333333333495627,   0.04166666666652919,
    0.1666666666666641,     0.5000000000000011};

Exp math_exp_parts(Emit *e, Format f, V x, V low)
{
	V rounder = l_float(e, f.type, f.rounder);
	V shifted = l_muladd(e, x, l_float(e, f.type, 0x1.71547652b82fep+0), rounder);
	V n = l_fsub(e, shifted, rounder);
	V r = l_muladd(e, n, l_float(e, f.type, -LN2_HI(f)), x);
	r = l_muladd(e, n, l_float(e, f.type, -LN2_LO(f)), r);
	if (low)
		r = l_fadd(e, r, low);
	V p = l_muladd(e, l_fmul(e, r, r), POLYNOMIAL(e, f, r, EXP), r);
	V bits = math_bits(e, f, shifted), zero = math_bits(e, f, rounder);
	V integer = LLVMBuildSub(e->b, bits, zero, "");
	return (Exp){.p = l_fadd(e, p, l_float(e, f.type, 1)), .n = integer, .whole = n};
}

/* 2^n for an integer n whose power is normal. */
static V power_of_two(Emit *e, Format f, V n)
{
	V biased = LLVMBuildAdd(e->b, n, math_int(f, f.bias), "");
	return math_value(e, f, LLVMBuildShl(e->b, biased, math_int(f, f.mantissa), ""));
}

/* p 2^whole, rounded once. */
static V scaled(Emit *e, Format f, Exp x)
{
	V mask = LLVMConstInt(f.wide ? e->i8 : e->i16, UINT64_MAX, false);
	V args[] = {x.p, x.whole, x.p, mask, l_i32(e, 4 /* rounds as all do */)};
	const char *name =
	    f.wide ? "llvm.x86.avx512.mask.scalef.pd.512" : "llvm.x86.avx512.mask.scalef.ps.512";
	return l_call(e, name, f.type, NULL, 0, args, 5);
}

V math_exp_scale(Emit *e, Format f, Exp x)
{
	if (x.whole && e->scales && f.lanes * (f.wide ? 64 : 32) == e->vector_bits)
		return scaled(e, f, x);
	V half = LLVMBuildAShr(e->b, x.n, math_int(f, 1), "");
	V rest = LLVMBuildSub(e->b, x.n, half, "");
	return l_fmul(e, l_fmul(e, x.p, power_of_two(e, f, half)), power_of_two(e, f, rest));
}

/* e^x where the result is known to be normal and x is no NaN. */
static V exp_normal(Emit *e, Format f, V x)
{
	Exp y = math_exp_parts(e, f, x, NULL);
	V exponent = LLVMBuildShl(e->b, y.n, math_int(f, f.mantissa), "");
	return math_value(e, f, LLVMBuildAdd(e->b, math_bits(e, f, y.p), exponent, ""));
}

/* f32 1.02 ulp, f64 1.02. Subnormal results are gradual; inf above 88.72 and 709.78. */
V math_exp(Emit *e, V x)
{
	Format f = math_format(e, x);
	V bounded = math_max(e, math_min(e, x, f.wide ? 710 : 89), f.wide ? -746 : -104);
	return math_exp_scale(e, f, math_exp_parts(e, f, bounded, NULL));
}

/* -- log, log1p ---------------------------------------------------------------------------- */

/* (log(1 + f) - f + f^2 / 2) / f^3; error 0.1 ulp. */
static const double LOG_F32[] = {-0.0763449782403769,  0.12761581823487814,  -0.13160184880905243,
                                 0.14201758190856514,  -0.16623357203185327, 0.20001226833626248,
                                 -0.25000821031747356, 0.33333331707998737};
/* (log((1 + s) / (1 - s)) / s - 2) / s^2 in s^2; error 0.02 ulp. */
static const double LOG_F64[] = {0.14796105287459915, 0.15314035898408324, 0.181835648617608,
                                 0.2222219856364367,  0.28571428742472477, 0.3999999999941434,
                                 0.6666666666666734};

Log math_log_parts(Emit *e, Format f, V x)
{
	V root = math_int(f, f.wide ? 0x3fe6a09e667f3bcd : 0x3f3504f3); /* bits of sqrt(1/2) */
	V from_root = LLVMBuildSub(e->b, math_bits(e, f, x), root, "");
	V k = LLVMBuildAShr(e->b, from_root, math_int(f, f.mantissa), "");
	V fraction = LLVMBuildAnd(e->b, from_root, math_int(f, (1LL << f.mantissa) - 1), "");
	V m = math_value(e, f, LLVMBuildAdd(e->b, fraction, root, ""));
	return (Log){k, l_fadd(e, m, l_float(e, f.type, -1))};
}

/* k ln(2) + log(1 + f). */
static V log_sum(Emit *e, Format f, V k, V x)
{
	V low; /* log(1 + f) - f */
	V square = l_fmul(e, x, x);
	V k_low = l_fmul(e, k, l_float(e, f.type, LN2_LO(f)));
	if (f.wide) { /* log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f): small terms last */
		V s = l_fdiv(e, x, l_fadd(e, x, l_float(e, f.type, 2)));
		V z = l_fmul(e, s, s), half = l_fmul(e, square, l_float(e, f.type, 0.5));
		V tail = l_fmul(e, z, math_polynomial(e, z, LOG_F64, COUNT(LOG_F64)));
		low = l_fsub(e, l_muladd(e, s, l_fadd(e, half, tail), k_low), half);
	} else {
		V tail = math_polynomial(e, x, LOG_F32, COUNT(LOG_F32));
		low = l_muladd(e, l_fmul(e, square, x), tail, k_low);
		low = l_muladd(e, square, l_float(e, f.type, -0.5), low);
	}
	return l_muladd(e, k, l_float(e, f.type, LN2_HI(f)), l_fadd(e, x, low));
}

/* f32 0.87 ulp, f64 0.83. log(0) = -inf, of negatives NaN. */
V math_log(Emit *e, V x)
{
	Format f = math_format(e, x);
	V tiny = math_test(e, LLVMRealOLT, x, f.wide ? 0x1p-1022 : 0x1p-126);
	V scale = l_select(e, tiny, l_float(e, f.type, 0x1p54), l_float(e, f.type, 1));
	Log y = math_log_parts(e, f, l_fmul(e, x, scale));
	V k = LLVMBuildSIToFP(e->b, y.k, f.type, "");
	k = l_fadd(e, k, l_select(e, tiny, l_float(e, f.type, -54), l_float(e, f.type, 0)));
	V result = log_sum(e, f, k, y.f);
	V limit = l_select(e, math_test(e, LLVMRealOEQ, x, 0), l_float(e, f.type, -INFINITY),
	                   l_float(e, f.type, NAN));
	result = l_select(e, math_test(e, LLVMRealOGT, x, 0), result, limit);
	return l_select(e, math_test(e, LLVMRealOEQ, x, INFINITY), x, result);
}

/* f32 1.44 ulp, f64 1.27. log1p(-1) = -inf, below NaN; log1p(-0) = -0. */
V math_log1p(Emit *e, V x)
{
	Format f = math_format(e, x);
	V one = l_float(e, f.type, 1), u = l_fadd(e, x, one);
	V big = l_fsub(e, u, one); /* Knuth's sum: u + rest = 1 + x exactly */
	V rest = l_fadd(e, l_fsub(e, one, l_fsub(e, u, big)), l_fsub(e, x, big));
	Log y = math_log_parts(e, f, u);
	V kept = l_binary(e, "llvm.smin", y.k,
	                  math_int(f, f.bias)); /* 2^-k is 0 there, and so is rest 2^-k */
	V biased = LLVMBuildSub(e->b, math_int(f, f.bias), kept, "");
	V scale = math_value(e, f, LLVMBuildShl(e->b, biased, math_int(f, f.mantissa), ""));
	V k = LLVMBuildSIToFP(e->b, y.k, f.type, "");
	V result = log_sum(e, f, k, l_muladd(e, rest, scale, y.f));
	V limit = l_select(e, math_test(e, LLVMRealOEQ, x, -1), l_float(e, f.type, -INFINITY),
	                   l_float(e, f.type, NAN));
	result = l_select(e, math_test(e, LLVMRealOGT, x, -1), result, limit);
	V itself = LLVMBuildOr(e->b, math_test(e, LLVMRealOEQ, x, INFINITY),
	                       math_test(e, LLVMRealOEQ, x, 0), "");
	return l_select(e, itself, x, result);
}

/* -- tanh, erf: odd; a polynomial near 0, 1 - small beyond --------------------------------- */

static V with_sign(Emit *e, V magnitude, V sign)
{
	return l_binary(e, "llvm.copysign", magnitude, sign);
}

/* (tanh(x) / x - 1) / x^2 in x^2 for |x| <= 0.55; error 0.02 ulp. */
static const double TANH_F32[] = {-0.00627423775977971, 0.021071677889125385, -0.0538523096480144,
                                  0.13332586135987975, -0.3333331755955879};
static const double TANH_F64[] = {
    -1.949470464252983e-05, 8.331647615330396e-05, -0.00023338158595842198, 0.000588444494562749,
    -0.0014555428478394093, 0.0035920920307699325, -0.008863232601475377,   0.021869488385857963,
    -0.05396825396376068,   0.13333333333326622,   -0.333333333333333};

/* f32 1.47 ulp, f64 1.44. */
V math_tanh(Emit *e, V x)
{
	Format f = math_format(e, x);
	V a = l_unary(e, "llvm.fabs", x), z = l_fmul(e, x, x);
	V near = l_muladd(e, l_fmul(e, a, z), POLYNOMIAL(e, f, z, TANH), a);
	V bounded = math_min(e, a, f.wide ? 20 : 10); /* tanh is 1 there */
	V grown = exp_normal(e, f, l_fadd(e, bounded, bounded)), one = l_float(e, f.type, 1);
	V quotient = l_fdiv(e, l_float(e, f.type, 2), l_fadd(e, grown, one));
	/* Unordered: NaN goes the near way, where it stays NaN. */
	V is_near = math_test(e, LLVMRealULT, a, 0.55);
	return with_sign(e, l_select(e, is_near, near, l_fsub(e, one, quotient)), x);
}

/* erf(x) / x - 1 in x^2 for |x| <= 0.925 and 1; error 0.3 and 0.1 ulp. */
static const double ERF_F32[] = {-0.0005976586758640487, 0.004990412261099138,
                                 -0.026764754431376152,  0.1128176563700177,
                                 -0.37612488953441897,   0.12837914885876295};
static const double ERF_F64[] = {
    -7.779465729549996e-10, 1.37109789045861e-08,    -1.6206313408057644e-07,
    1.6447131524503547e-06, -1.4924712298094114e-05, 0.00012055293576686918,
    -0.0008548325929306829, 0.005223977606118296,    -0.02686617064311144,
    0.11283791670944185,    -0.3761263890318352,     0.12837916709551256};
/* log(erfc(t)) in t - 1 for 0.9 <= t <= 4, and 1 <= t <= 6; error 0.03 ulp of erf. */
static const double ERFC_F32[] = {
    0.00019821816087243894, -0.0018761676260800123, 0.009961051689932079, -0.04154333496690827,
    -0.843107449120549,     -2.6389677266123894,    -1.8496055097576989};
static const double ERFC_F64[] = {
    1.049596392280424e-12,   -2.9066542598515945e-11, 3.7095850187864677e-10,
    -2.8815512351133594e-09, 1.4987019952379523e-08,  -5.2268240158543225e-08,
    9.805895573203421e-08,   1.42033935692318e-07,    -2.0587399346947065e-06,
    9.607957089178232e-06,   -2.7158475055803302e-05, 2.627756186288175e-05,
    0.0002373225908118376,   -0.0019779025940556525,  0.01003382537846187,
    -0.04156109804218284,    -0.8431072563586589,     -2.6389675142347886,
    -1.8496055099332482};

/* f32 1.11 ulp, f64 1.16. */
V math_erf(Emit *e, V x)
{
	Format f = math_format(e, x);
	V a = l_unary(e, "llvm.fabs", x), z = l_fmul(e, x, x);
	V near = l_muladd(e, a, POLYNOMIAL(e, f, z, ERF), a);
	V bounded = math_min(e, a, f.wide ? 6 : 4); /* erf is 1 there */
	V one = l_float(e, f.type, 1), from_one = l_fsub(e, bounded, one);
	V complement = exp_normal(e, f, POLYNOMIAL(e, f, from_one, ERFC));
	V far = l_fsub(e, one, complement);
	V is_near = math_test(e, LLVMRealULT, a, f.wide ? 1 : 0.92);
	return with_sign(e, l_select(e, is_near, near, far), x);
}
