/* map.c: one element-wise operation on registers, scalars or vectors; named emit_<op> by ops.def,
 * so that an operation without its emission does not compile. The semantics are ops.def's. */
#include "emit.h"

typedef struct Lane { /* operands in registers */
	DType from, to;   /* of the operands, of the result */
	V x, y, z;
} Lane;

typedef V (*MapEmitter)(Emit *e, const Lane *n);

#define EMIT(name) static V emit_##name(Emit *e, const Lane *n)
static bool is_float(const Lane *n)
{
	return type_info[n->from].is_float;
}
static bool is_signed(const Lane *n)
{
	return n->from == DTYPE_i32;
}
static V zero(V like)
{
	return LLVMConstNull(LLVMTypeOf(like));
}

EMIT(neg)
{
	return is_float(n) ? l_fneg(e, n->x) : LLVMBuildNeg(e->b, n->x, "");
}

EMIT(abs)
{
	if (is_float(n))
		return l_unary(e, "llvm.fabs", n->x);
	if (!is_signed(n))
		return n->x;
	V negative = LLVMBuildICmp(e->b, LLVMIntSLT, n->x, zero(n->x), "");
	return l_select(e, negative, LLVMBuildNeg(e->b, n->x, ""), n->x);
}

EMIT(exp)
{
	return math_exp(e, n->x);
}
EMIT(log)
{
	return math_log(e, n->x);
}
EMIT(log1p)
{
	return math_log1p(e, n->x);
}
EMIT(sqrt)
{
	return l_sqrt(e, n->x);
}
EMIT(sin)
{
	return math_sin(e, n->x);
}
EMIT(cos)
{
	return math_cos(e, n->x);
}
EMIT(tanh)
{
	return math_tanh(e, n->x);
}
EMIT(erf)
{
	return math_erf(e, n->x);
}
EMIT(floor)
{
	return l_floor(e, n->x);
}
EMIT(not )
{
	return LLVMBuildNot(e->b, n->x, "");
}

EMIT(stop_gradient)
{
	(void)e;
	return n->x;
}

/* -- cast -------------------------------------------------------------------------------------- */

/* LLVM saturates lane by lane: here NaN is 0, then all is brought into range. The largest i32 is no
 * f32. */
static V saturated(Emit *e, const Lane *n, T to)
{
	V x = n->x, zero = LLVMConstNull(LLVMTypeOf(x));
	bool is_u8 = n->to == DTYPE_u8, is_f64 = n->from == DTYPE_f64;
	double limit = is_u8 ? 255 : is_f64 ? INT32_MAX : 2147483520;
	V low = l_float(e, LLVMTypeOf(x), is_u8 ? 0 : INT32_MIN),
	  high = l_float(e, LLVMTypeOf(x), limit),
	  above = LLVMBuildFCmp(e->b, LLVMRealOGT, x, high, "");
	V y = l_select(e, LLVMBuildFCmp(e->b, LLVMRealORD, x, x, ""), x, zero);
	y = l_select(e, LLVMBuildFCmp(e->b, LLVMRealOGT, y, low, ""), y, low);
	y = l_select(e, LLVMBuildFCmp(e->b, LLVMRealOLT, y, high, ""), y, high);
	V whole = LLVMBuildFPToSI(e->b, y, l_vector(e->i32, l_lanes(x)), "");
	if (is_u8)
		return LLVMBuildTrunc(e->b, whole, to, "");
	return l_select(e, above, l_splat_const(l_i32(e, INT32_MAX), l_lanes(x)), whole);
}

V emit_fitting(Emit *e, V x)
{
	V known = LLVMBuildFCmp(e->b, LLVMRealORD, x, x, "");
	x = l_select(e, known, x, LLVMConstNull(LLVMTypeOf(x)));
	return LLVMBuildFPToSI(e->b, x, l_vector(e->i32, l_lanes(x)), "");
}

static V cast_to_int(Emit *e, const Lane *n, T to)
{
	V x = n->x;
	if (n->from == DTYPE_bool)
		return LLVMBuildZExt(e->b, x, to, "");
	if (is_float(n) && l_lanes(x) > 1)
		return saturated(e, n, to);
	if (is_float(n)) {
		T overload[] = {to, LLVMTypeOf(x)};
		return l_call(e, n->to == DTYPE_u8 ? "llvm.fptoui.sat" : "llvm.fptosi.sat", to, overload, 2,
		              &x, 1);
	}
	return n->to == DTYPE_u8 ? LLVMBuildTrunc(e->b, x, to, "") : LLVMBuildZExt(e->b, x, to, "");
}

EMIT(cast)
{
	V x = n->x;
	T to = l_vector(l_type(e, n->to), l_lanes(x));
	if (n->to == DTYPE_bf16 && n->from != DTYPE_bf16) {
		Lane wide = *n;
		wide.to = DTYPE_f32;
		return l_from_memory(e, DTYPE_bf16, l_to_memory(e, DTYPE_bf16, emit_cast(e, &wide)));
	}
	if (LLVMTypeOf(x) == to)
		return x; /* the same type, or bf16 and f32 in registers */
	if (n->to == DTYPE_bool)
		return is_float(n) ? LLVMBuildFCmp(e->b, LLVMRealUNE, x, zero(x), "")
		                   : LLVMBuildICmp(e->b, LLVMIntNE, x, zero(x), "");
	if (!type_info[n->to].is_float)
		return cast_to_int(e, n, to);
	if (n->from == DTYPE_bool && n->to == DTYPE_f32)
		return l_select(e, x, l_float(e, to, 1), LLVMConstNull(to));
	if (!is_float(n))
		return is_signed(n) ? LLVMBuildSIToFP(e->b, x, to, "") : LLVMBuildUIToFP(e->b, x, to, "");
	return n->to == DTYPE_f64 ? LLVMBuildFPExt(e->b, x, to, "") : LLVMBuildFPTrunc(e->b, x, to, "");
}

/* -- Arithmetic of two ------------------------------------------------------------------------- */

EMIT(add)
{
	return is_float(n) ? l_fadd(e, n->x, n->y) : LLVMBuildAdd(e->b, n->x, n->y, "");
}
EMIT(sub)
{
	return is_float(n) ? l_fsub(e, n->x, n->y) : LLVMBuildSub(e->b, n->x, n->y, "");
}
EMIT(mul)
{
	return is_float(n) ? l_fmul(e, n->x, n->y) : LLVMBuildMul(e->b, n->x, n->y, "");
}

static V one(Emit *e, V like)
{
	unsigned lanes = l_lanes(like);
	T t = LLVMTypeOf(like);
	(void)e;
	return l_splat_const(LLVMConstInt(lanes > 1 ? LLVMGetElementType(t) : t, 1, false), lanes);
}

/* What cannot be divided (by 0, and the one overflow) is divided by 1 instead. */
static V safe_divisor(Emit *e, const Lane *n, V *undefined)
{
	*undefined = LLVMBuildICmp(e->b, LLVMIntEQ, n->y, zero(n->y), "");
	V unsafe = *undefined;
	if (is_signed(n))
		unsafe = LLVMBuildOr(
		    e->b, unsafe,
		    LLVMBuildICmp(e->b, LLVMIntEQ, n->y, LLVMConstAllOnes(LLVMTypeOf(n->y)), ""), "");
	return l_select(e, unsafe, one(e, n->y), n->y);
}

EMIT(div)
{
	V undefined;
	if (is_float(n))
		return l_fdiv(e, n->x, n->y);
	V y = safe_divisor(e, n, &undefined);
	V q = is_signed(n) ? LLVMBuildSDiv(e->b, n->x, y, "") : LLVMBuildUDiv(e->b, n->x, y, "");
	if (is_signed(n)) { /* x / -1 = -x, wrapping */
		V minus_one = LLVMBuildICmp(e->b, LLVMIntEQ, n->y, LLVMConstAllOnes(LLVMTypeOf(n->y)), "");
		q = l_select(e, minus_one, LLVMBuildNeg(e->b, n->x, ""), q);
	}
	return l_select(e, undefined, zero(q), q);
}

EMIT(rem)
{
	V undefined;
	if (is_float(n))
		return l_rem(e, n->x, n->y);
	V y = safe_divisor(e, n, &undefined);
	V r = is_signed(n) ? LLVMBuildSRem(e->b, n->x, y, "") : LLVMBuildURem(e->b, n->x, y, "");
	return l_select(e, undefined, zero(r), r);
}

EMIT(pow)
{
	return math_pow(e, n->x, n->y);
}

/* The first if the comparison holds or it is NaN, else the second, which then is the other or NaN. */
static V choose(Emit *e, const Lane *n, LLVMRealPredicate of_floats, LLVMIntPredicate of_signed,
                LLVMIntPredicate of_unsigned)
{
	if (!is_float(n))
		return l_select(e,
		                LLVMBuildICmp(e->b, is_signed(n) ? of_signed : of_unsigned, n->x, n->y, ""),
		                n->x, n->y);
	V first = LLVMBuildFCmp(e->b, of_floats, n->x, n->y, "");
	V nan = LLVMBuildFCmp(e->b, LLVMRealUNO, n->x, n->x, "");
	return l_select(e, nan, n->x, l_select(e, first, n->x, n->y));
}

EMIT(max)
{
	return choose(e, n, LLVMRealOGT, LLVMIntSGT, LLVMIntUGT);
}
EMIT(min)
{
	return choose(e, n, LLVMRealOLT, LLVMIntSLT, LLVMIntULT);
}
EMIT(and)
{
	return LLVMBuildAnd(e->b, n->x, n->y, "");
}
EMIT(or)
{
	return LLVMBuildOr(e->b, n->x, n->y, "");
}
EMIT(xor)
{
	return LLVMBuildXor(e->b, n->x, n->y, "");
}

static V shift_by(Emit *e, const Lane *n)
{
	T t = LLVMTypeOf(n->y), element = l_lanes(n->y) > 1 ? LLVMGetElementType(t) : t;
	V most = LLVMConstInt(element, type_info[n->from].size * 8 - 1, false);
	return LLVMBuildAnd(e->b, n->y, l_splat_const(most, l_lanes(n->y)), "");
}

EMIT(shift_left)
{
	return LLVMBuildShl(e->b, n->x, shift_by(e, n), "");
}
EMIT(shift_right)
{
	return LLVMBuildLShr(e->b, n->x, shift_by(e, n), "");
}

/* -- Comparisons ------------------------------------------------------------------------------- */

EMIT(less)
{
	if (is_float(n))
		return LLVMBuildFCmp(e->b, LLVMRealOLT, n->x, n->y, "");
	return LLVMBuildICmp(e->b, is_signed(n) ? LLVMIntSLT : LLVMIntULT, n->x, n->y, "");
}

EMIT(less_equal)
{
	if (is_float(n))
		return LLVMBuildFCmp(e->b, LLVMRealOLE, n->x, n->y, "");
	return LLVMBuildICmp(e->b, is_signed(n) ? LLVMIntSLE : LLVMIntULE, n->x, n->y, "");
}

EMIT(equal)
{
	return is_float(n) ? LLVMBuildFCmp(e->b, LLVMRealOEQ, n->x, n->y, "")
	                   : LLVMBuildICmp(e->b, LLVMIntEQ, n->x, n->y, "");
}

EMIT(select)
{
	return l_select(e, n->x, n->y, n->z);
}

#define ROW_LEAF(name)
#define ROW_LOOP(name)
#define ROW_MAP(name) [OP_##name] = emit_##name,
#define ROW_VIEW(name)
#define ROW_REDUCE(name)
#define ROW_CONTRACT(name)
#define ROW_GATHER(name)
#define ROW_SCATTER(name)
#define ROW_META(name)
static const MapEmitter emitters[OP_COUNT] = {
#define OP(name, ins, operands, kind, ...) ROW_##kind(name)
#include "../graph/ops.def"
#undef OP
};

V emit_map(Emit *e, const Node *n, DType operand_type, V *in)
{
	Lane lane = {.from = operand_type, .to = n->type, .x = in[0]};
	lane.y = n->count > 1 ? in[1] : NULL;
	lane.z = n->count > 2 ? in[2] : NULL;
	return emitters[n->op](e, &lane);
}
