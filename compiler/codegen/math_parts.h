/* math_parts.h: private to math*.c: the format of a value, bits of it, polynomials, and the cores
 * they share. */
#ifndef SSLC_MATH_PARTS_H
#define SSLC_MATH_PARTS_H

#include "emit.h"

/* The format of f32 or f64, scalar or vector: what the bit tricks below need to know. */
typedef struct Format {
	bool wide; /* f64 */
	T type, integer;
	unsigned lanes, mantissa; /* stored bits: 23, 52 */
	int64_t bias;
	double rounder; /* 1.5 2^mantissa: adding it rounds to an integer, left in the low bits */
} Format;

Format math_format(Emit *e, V x);
V math_int(Format f, int64_t x);
V math_bits(Emit *e, Format f, V x);  /* float -> integer, same bits */
V math_value(Emit *e, Format f, V x); /* and back */
V math_test(Emit *e, LLVMRealPredicate p, V x, double bound);
V math_min(Emit *e, V x, double bound); /* NaN stays NaN */
V math_max(Emit *e, V x, double bound);

/* c[0] x^(count - 1) + ... + c[count - 1], by Horner's rule. */
V math_polynomial(Emit *e, V x, const double *c, unsigned count);
#define POLYNOMIAL(e, f, x, name)                                                                  \
	math_polynomial(e, x, (f).wide ? name##_F64 : name##_F32,                                      \
	                (f).wide ? COUNT(name##_F64) : COUNT(name##_F32))

/* e^(x + low) = p 2^n: p in [0.7, 1.5], n an integer vector. low may be NULL. */
typedef struct Exp {
	V p, n, whole; /* whole: n as floats; NULL: not known */
} Exp;
Exp math_exp_parts(Emit *e, Format f, V x, V low);
V math_exp_scale(Emit *e, Format f, Exp x); /* p 2^n, one rounding when it is subnormal */

/* x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for normal x > 0; k an integer vector. */
typedef struct Log {
	V k, f;
} Log;
Log math_log_parts(Emit *e, Format f, V x);

/* A value as an unevaluated sum of two, the second far below the first. */
typedef struct Double {
	V high, low;
} Double;
Double math_sum_exact(Emit *e, V x, V y); /* math_pow.c: x + y, of any two */

/* ln 2 in two parts: `hi` ends in zeros, so that k hi is exact. */
#define LN2_HI(f) ((f).wide ? 0x1.62e42feep-1 : 0x1.62e4p-1)
#define LN2_LO(f) ((f).wide ? 0x1.a39ef35793c76p-33 : 0x1.7f7d1cp-20)

#endif
