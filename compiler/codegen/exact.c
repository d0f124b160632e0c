/* exact.c: floor, trunc, sqrt, fma and rem, which some machines have no instruction for: LLVM would
 * call the C library. Everywhere the result is exact, or what rounding it once gives. */
#include "math_parts.h"

#include <math.h>

static bool is_in_hardware(const Emit *e, Format f)
{
	return e->float_bits >= (f.wide ? 64 : 32);
}

/* -- floor, trunc ------------------------------------------------------------------------------ */

/* To the nearest integer, by a sum that has no bits for the rest; x itself if it is one, NaN or
 * infinite. Its sign is x's. */
static V nearest(Emit *e, Format f, V x)
{
	V large = l_float(e, f.type, f.wide ? 0x1p52 : 0x1p23), a = l_unary(e, "llvm.fabs", x);
	V whole = l_fsub(e, l_fadd(e, a, large), large);
	V small = LLVMBuildFCmp(e->b, LLVMRealOLT, a, large, "");
	return l_select(e, small, l_binary(e, "llvm.copysign", whole, x), x);
}

V l_floor(Emit *e, V x)
{
	if (e->rounds)
		return l_unary(e, "llvm.floor", x);
	Format f = math_format(e, x);
	V near = nearest(e, f, x), one = l_float(e, f.type, 1);
	V above = LLVMBuildFCmp(e->b, LLVMRealOGT, near, x, "");
	return l_select(e, above, l_fsub(e, near, one), near);
}

V l_trunc(Emit *e, V x)
{
	if (e->rounds)
		return l_unary(e, "llvm.trunc", x);
	return l_binary(e, "llvm.copysign", l_floor(e, l_unary(e, "llvm.fabs", x)), x);
}

/* -- sqrt -------------------------------------------------------------------------------------- */

static V any_of(Emit *e, V x, V y)
{
	return LLVMBuildOr(e->b, x, y, "");
}

/* The square root of m 2^mantissa, m in [1, 4) times 2^mantissa, bit after bit, rounded. */
static V root_of_integer(Emit *e, Format f, V m)
{
	LLVMBuilderRef b = e->b;
	V zero = math_int(f, 0), one = math_int(f, 1);
	V carry[] = {LLVMBuildShl(b, m, one, ""), zero, zero, math_int(f, 2LL << f.mantissa)};
	Loop loop;
	loop_begin(e, &loop, "root", l_word(e, 0), l_word(e, f.mantissa + 2), l_word(e, 1), carry,
	           COUNT(carry));
	V rest = loop.carry[0], twice = loop.carry[1], root = loop.carry[2], bit = loop.carry[3];
	V t = LLVMBuildAdd(b, twice, bit, ""), fits = LLVMBuildICmp(b, LLVMIntSLE, t, rest, "");
	rest = l_select(e, fits, LLVMBuildSub(b, rest, t, ""), rest);
	carry[0] = LLVMBuildShl(b, rest, one, "");
	carry[1] = l_select(e, fits, LLVMBuildAdd(b, t, bit, ""), twice);
	carry[2] = l_select(e, fits, LLVMBuildAdd(b, root, bit, ""), root);
	carry[3] = LLVMBuildLShr(b, bit, one, "");
	loop_end(e, &loop, carry);
	root = loop.result[2]; /* one bit too long, and never just between two numbers */
	root = LLVMBuildAdd(b, root, LLVMBuildAnd(b, root, one, ""), "");
	return LLVMBuildLShr(b, root, one, "");
}

V l_sqrt(Emit *e, V x)
{
	Format f = math_format(e, x);
	LLVMBuilderRef b = e->b;
	if (is_in_hardware(e, f))
		return l_unary(e, "llvm.sqrt", x);
	int half = f.wide ? 27 : 12; /* subnormal numbers are made normal */
	V tiny = math_test(e, LLVMRealOLT, x, ldexp(1, (int)(1 - f.bias))), one = l_float(e, f.type, 1);
	V scale = l_select(e, tiny, l_float(e, f.type, ldexp(1, 2 * half)), one);
	V bits = math_bits(e, f, l_fmul(e, x, scale)), hidden = math_int(f, 1LL << f.mantissa);
	V m = LLVMBuildAnd(b, bits, math_int(f, (1LL << f.mantissa) - 1), "");
	m = LLVMBuildOr(b, m, hidden, "");
	V power = LLVMBuildLShr(b, bits, math_int(f, f.mantissa), "");
	power = LLVMBuildSub(b, power, math_int(f, f.bias), "");
	m = LLVMBuildShl(b, m, LLVMBuildAnd(b, power, math_int(f, 1), ""), "");
	power = LLVMBuildAShr(b, power, math_int(f, 1), "");
	power = LLVMBuildAdd(b, power, math_int(f, f.bias - 1), ""); /* the hidden bit makes one */
	power = LLVMBuildShl(b, power, math_int(f, f.mantissa), "");
	V root = math_value(e, f, LLVMBuildAdd(b, root_of_integer(e, f, m), power, ""));
	root = l_fmul(e, root, l_select(e, tiny, l_float(e, f.type, ldexp(1, -half)), one));
	V itself = any_of(e, math_test(e, LLVMRealUEQ, x, 0), math_test(e, LLVMRealOEQ, x, INFINITY));
	root = l_select(e, math_test(e, LLVMRealOLT, x, 0), l_float(e, f.type, NAN), root);
	return l_select(e, itself, x, root);
}

/* -- fma --------------------------------------------------------------------------------------- */

/* x in two halves of bits; NaN from 2^996 on. */
static Double halves_of(Emit *e, V x)
{
	V c = l_fmul(e, x, l_float(e, LLVMTypeOf(x), 0x1p27 + 1));
	V high = l_fsub(e, c, l_fsub(e, c, x));
	return (Double){high, l_fsub(e, x, high)};
}

static Double product_of(Emit *e, V x, V y)
{ /* Dekker */
	V product = l_fmul(e, x, y);
	Double a = halves_of(e, x), b = halves_of(e, y);
	V rest = l_fsub(e, l_fmul(e, a.high, b.high), product);
	rest = l_fadd(e, rest, l_fmul(e, a.high, b.low));
	rest = l_fadd(e, rest, l_fmul(e, a.low, b.high));
	return (Double){product, l_fadd(e, rest, l_fmul(e, a.low, b.low))};
}

/* x + y of f64, of which the last bit is odd if it is not exact: to round that once more is to
 * round once. */
static V odd_sum(Emit *e, V x, V y)
{
	LLVMBuilderRef b = e->b;
	Double s = math_sum_exact(e, x, y);
	Format f = math_format(e, x);
	V bits = math_bits(e, f, s.high), one = math_int(f, 1);
	V even = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, bits, one, ""), math_int(f, 0), "");
	V moves = LLVMBuildAnd(b, even, math_test(e, LLVMRealONE, s.low, 0), "");
	V signs = LLVMBuildXor(b, bits, math_bits(e, f, s.low), "");
	V inward = LLVMBuildICmp(b, LLVMIntSLT, signs, math_int(f, 0), "");
	V by = l_select(e, moves, l_select(e, inward, math_int(f, -1), one), math_int(f, 0));
	return math_value(e, f, LLVMBuildAdd(b, bits, by, ""));
}

/* Boldo, Melquiond: Emulation of FMA and correctly rounded sums (2008). Beyond 2^996, and where the
 * product's rest is below all numbers, it rounds twice. */
static V wide_fma(Emit *e, V x, V y, V z)
{
	Double product = product_of(e, x, y), rest = math_sum_exact(e, z, product.low),
	       whole = math_sum_exact(e, product.high, rest.high);
	V exact = l_fadd(e, whole.high, odd_sum(e, rest.low, whole.low));
	V lost = LLVMBuildFCmp(e->b, LLVMRealUNO, rest.low, whole.low, "");
	return l_select(e, lost, l_fadd(e, product.high, z), exact);
}

V l_fma(Emit *e, V x, V y, V z)
{
	Format f = math_format(e, x);
	if (e->fma && is_in_hardware(e, f)) {
		T t = f.type;
		return l_call(e, "llvm.fma", t, &t, 1, (V[]){x, y, z}, 3);
	}
	if (f.wide)
		return wide_fma(e, x, y, z);
	T wide = l_vector(e->f64, f.lanes);
	V product = l_fmul(e, LLVMBuildFPExt(e->b, x, wide, ""), LLVMBuildFPExt(e->b, y, wide, ""));
	V sum = odd_sum(e, product, LLVMBuildFPExt(e->b, z, wide, ""));
	return LLVMBuildFPTrunc(e->b, sum, f.type, "");
}

V l_muladd(Emit *e, V x, V y, V z)
{
	T type = LLVMTypeOf(x);
	return l_call(e, "llvm.fmuladd", type, &type, 1, (V[]){x, y, z}, 3);
}

/* -- rem --------------------------------------------------------------------------------------- */

/* Takes y off |x| as often as it fits, up to 2^53 times in a round, until no lane has more. Each
 * round is exact: the quotient of doubles is off by one at most, which leaves a remainder of the
 * wrong sign, put right at the end. f32 in f64 needs 6 rounds at most, mostly one; f64 beyond
 * quotients of 2^1023 gives NaN. */
static V rem_by_division(Emit *e, V from_x, V from_y)
{
	T narrow = LLVMTypeOf(from_x), wide = l_vector(e->f64, l_lanes(from_x));
	V x = narrow == wide ? from_x : LLVMBuildFPExt(e->b, from_x, wide, "");
	V y = narrow == wide ? from_y : LLVMBuildFPExt(e->b, from_y, wide, "");
	V size = l_unary(e, "llvm.fabs", y);
	LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), round = l_block(e, "rem");
	l_goto(e, round);
	V rest = LLVMBuildPhi(e->b, wide, "");
	LLVMAddIncoming(rest, &x, &before, 1);
	V fits = LLVMBuildFCmp(e->b, LLVMRealOGE, l_unary(e, "llvm.fabs", rest), size, "");
	V q = l_trunc(e, l_fdiv(e, rest, size));
	V less = l_select(e, fits, l_fma(e, l_fneg(e, q), size, rest), rest);
	V more = LLVMBuildFCmp(e->b, LLVMRealOGE, l_unary(e, "llvm.fabs", less), size, "");
	LLVMBasicBlockRef after = l_block(e, "after");
	LLVMBuildCondBr(e->b, l_any_lane(e, more), round, after);
	LLVMAddIncoming(rest, &less, &round, 1);
	LLVMPositionBuilderAtEnd(e->b, after);
	V zero = LLVMConstNull(wide);
	V below = LLVMBuildFCmp(e->b, LLVMRealOLT, less, zero, "");
	V above = LLVMBuildFCmp(e->b, LLVMRealOGT, less, zero, "");
	V positive = LLVMBuildFCmp(e->b, LLVMRealOGT, x, zero, "");
	V wrong = l_select(e, positive, below, above);
	V back = l_fadd(e, less, l_binary(e, "llvm.copysign", size, x));
	V r = l_binary(e, "llvm.copysign", l_select(e, wrong, back, less), x);
	r = l_select(e, LLVMBuildFCmp(e->b, LLVMRealUNO, y, y, ""), y, r);
	return narrow == wide ? r : LLVMBuildFPTrunc(e->b, r, narrow, "");
}

/* Where no lane's quotient is large, one division: its rounded whole part is too large by one at most,
 * never too small, so that x less so many y is in [-y, y], a multiple of the last bit of one of them,
 * and exact. */
static V rem_of_few(Emit *e, V x, V y)
{
	T type = LLVMTypeOf(x);
	V size = l_unary(e, "llvm.fabs", y), zero = LLVMConstNull(type);
	V q = l_trunc(e, l_fdiv(e, x, size));
	V rest = l_fma(e, l_fneg(e, q), size, x);
	V below = LLVMBuildFCmp(e->b, LLVMRealOLT, rest, zero, "");
	V above = LLVMBuildFCmp(e->b, LLVMRealOGT, rest, zero, "");
	V wrong = l_select(e, LLVMBuildFCmp(e->b, LLVMRealOGT, x, zero, ""), below, above);
	V back = l_fadd(e, rest, l_binary(e, "llvm.copysign", size, x));
	V quick = l_binary(e, "llvm.copysign", l_select(e, wrong, back, rest), x);
	V many =
	    LLVMBuildFCmp(e->b, LLVMRealUGE, l_unary(e, "llvm.fabs", q), l_float(e, type, 0x1p23), "");
	V tiny = LLVMBuildFCmp(e->b, LLVMRealULT, size, l_float(e, type, 0x1p-100), "");
	V none = LLVMBuildFCmp(e->b, LLVMRealUNO, rest, rest, ""); /* y is infinite */
	many = any_of(e, many, any_of(e, tiny, none));
	LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), odd = l_block(e, "many"),
	                  after = l_block(e, "few");
	LLVMBuildCondBr(e->b, l_any_lane(e, many), odd, after);
	LLVMPositionBuilderAtEnd(e->b, odd);
	V slow = rem_by_division(e, x, y);
	LLVMBasicBlockRef end = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, after);
	V r = LLVMBuildPhi(e->b, type, "");
	LLVMAddIncoming(r, (V[]){quick, slow}, (LLVMBasicBlockRef[]){before, end}, 2);
	return r;
}

/* |x| = m 2^(power - mantissa), m with its hidden bit, for x that is no infinity. */
typedef struct Parts {
	V m, power;
} Parts;

static Parts parts_of(Emit *e, Format f, V x)
{
	LLVMBuilderRef b = e->b;
	V tiny = math_test(e, LLVMRealOLT, x, ldexp(1, (int)(1 - f.bias)));
	int64_t up = f.mantissa + 1;
	V scaled = l_fmul(e, x, l_float(e, f.type, ldexp(1, (int)up)));
	V bits = math_bits(e, f, l_select(e, tiny, scaled, x));
	V m = LLVMBuildAnd(b, bits, math_int(f, (1LL << f.mantissa) - 1), "");
	V power = LLVMBuildLShr(b, bits, math_int(f, f.mantissa), "");
	V by = l_select(e, tiny, math_int(f, f.bias + up), math_int(f, f.bias));
	return (Parts){LLVMBuildOr(b, m, math_int(f, 1LL << f.mantissa), ""),
	               LLVMBuildSub(b, power, by, "")};
}

/* By long division, a bit a round: no arithmetic of more bits than x has. */
static V rem_by_bits(Emit *e, V x, V y)
{
	LLVMBuilderRef b = e->b;
	Format f = math_format(e, x);
	V a = l_unary(e, "llvm.fabs", x), size = l_unary(e, "llvm.fabs", y), zero = math_int(f, 0);
	Parts from = parts_of(e, f, a), by = parts_of(e, f, size);
	LLVMBasicBlockRef before = LLVMGetInsertBlock(b), round = l_block(e, "rem");
	V start[] = {from.m, LLVMBuildSub(b, from.power, by.power, "")};
	/* what is less than y, or has no remainder, takes no round */
	V less = LLVMBuildFCmp(b, LLVMRealULT, a, size, "");
	V none = any_of(e, math_test(e, LLVMRealOEQ, y, 0), math_test(e, LLVMRealOEQ, a, INFINITY));
	none = any_of(e, none, LLVMBuildFCmp(b, LLVMRealUNO, x, y, ""));
	start[1] = l_select(e, any_of(e, less, none), zero, start[1]);
	l_goto(e, round);
	V m = LLVMBuildPhi(b, f.integer, ""), left = LLVMBuildPhi(b, f.integer, "");
	LLVMAddIncoming(m, &start[0], &before, 1);
	LLVMAddIncoming(left, &start[1], &before, 1);
	V fits = LLVMBuildICmp(b, LLVMIntSGE, m, by.m, ""), next[2];
	V rest = l_select(e, fits, LLVMBuildSub(b, m, by.m, ""), m);
	V more = LLVMBuildICmp(b, LLVMIntSGT, left, zero, "");
	next[0] = l_select(e, more, LLVMBuildShl(b, rest, math_int(f, 1), ""), m);
	next[1] = l_select(e, more, LLVMBuildSub(b, left, math_int(f, 1), ""), zero);
	LLVMBasicBlockRef after = l_block(e, "after");
	LLVMBuildCondBr(b, l_any_lane(e, more), round, after);
	LLVMAddIncoming(m, &next[0], &round, 1);
	LLVMAddIncoming(left, &next[1], &round, 1);
	LLVMPositionBuilderAtEnd(b, after);
	V power = LLVMBuildSub(b, by.power, math_int(f, f.mantissa), "");
	V r = LLVMBuildSIToFP(b, rest, f.type, "");
	r = l_select(e, less, a, math_exp_scale(e, f, (Exp){.p = r, .n = power}));
	r = l_select(e, none, l_float(e, f.type, NAN), r);
	r = l_select(e, LLVMBuildFCmp(b, LLVMRealUNO, y, y, ""), y, l_binary(e, "llvm.copysign", r, x));
	return r;
}

/* C's fmod. */
V l_rem(Emit *e, V x, V y)
{
	bool wide = math_format(e, x).wide;
	if (!wide && e->float_bits < 64)
		return rem_by_bits(e, x, y);
	return !wide && e->fma ? rem_of_few(e, x, y) : rem_by_division(e, x, y);
}
