/* emit.c: the vocabulary over LLVM's C API: types, constants, memory, arithmetic, loops.
 *
 * Floating-point results are what the instructions say: no fast-math flag is set but where a fused
 * multiply-add is asked for by name, so the same graph gives the same bits at every optimization
 * level. */
#include "emit.h"

#include <string.h>

/* -- Types ------------------------------------------------------------------------------------- */

T l_type(Emit *e, DType t)
{
	switch (t) {
	case DTYPE_f32:
	case DTYPE_bf16: /* computed in f32 */
		return e->f32;
	case DTYPE_f64:
		return e->f64;
	case DTYPE_i32:
		return e->i32;
	case DTYPE_u8:
		return e->i8;
	case DTYPE_bool:
		return e->i1;
	case DTYPE_none:
	case DTYPE_COUNT:
		break;
	}
	BUG("no type");
}

T l_memory_type(Emit *e, DType t)
{
	return t == DTYPE_bool ? e->i8 : t == DTYPE_bf16 ? e->i16 : l_type(e, t);
}

T l_vector(T element, unsigned lanes)
{
	return lanes > 1 ? LLVMVectorType(element, lanes) : element;
}

unsigned l_lanes(V v)
{
	T t = LLVMTypeOf(v);
	return LLVMGetTypeKind(t) == LLVMVectorTypeKind ? LLVMGetVectorSize(t) : 1;
}

/* -- Constants --------------------------------------------------------------------------------- */

V l_i32(Emit *e, int32_t x)
{
	return LLVMConstInt(e->i32, (uint64_t)(int64_t)x, true);
}
V l_word(Emit *e, int64_t x)
{
	return LLVMConstInt(e->word, (uint64_t)x, true);
}

enum { MAX_LANES = 128 };

V l_splat_const(V scalar, unsigned lanes)
{
	V lane[MAX_LANES];
	if (lanes == 1)
		return scalar;
	for (unsigned i = 0; i < lanes; i++)
		lane[i] = scalar;
	return LLVMConstVector(lane, lanes);
}

V l_float(Emit *e, T like, double x)
{
	(void)e;
	if (LLVMGetTypeKind(like) != LLVMVectorTypeKind)
		return LLVMConstReal(like, x);
	return l_splat_const(LLVMConstReal(LLVMGetElementType(like), x), LLVMGetVectorSize(like));
}

V l_splat(Emit *e, V scalar, unsigned lanes)
{
	if (lanes == 1 || l_lanes(scalar) == lanes)
		return scalar;
	if (LLVMIsConstant(scalar))
		return l_splat_const(scalar, lanes);
	V poison = LLVMGetPoison(LLVMVectorType(LLVMTypeOf(scalar), lanes));
	V first = LLVMBuildInsertElement(e->b, poison, scalar, l_i32(e, 0), "");
	return LLVMBuildShuffleVector(e->b, first, poison, l_splat_const(l_i32(e, 0), lanes), "");
}

V l_lane_ids(Emit *e, T int_element, unsigned lanes)
{
	V lane[MAX_LANES];
	(void)e;
	for (unsigned i = 0; i < lanes; i++)
		lane[i] = LLVMConstInt(int_element, i, false);
	return lanes > 1 ? LLVMConstVector(lane, lanes) : lane[0];
}

/* -- Arithmetic -------------------------------------------------------------------------------- */

V l_fadd(Emit *e, V x, V y)
{
	return LLVMBuildFAdd(e->b, x, y, "");
}
V l_fsub(Emit *e, V x, V y)
{
	return LLVMBuildFSub(e->b, x, y, "");
}
V l_fmul(Emit *e, V x, V y)
{
	return LLVMBuildFMul(e->b, x, y, "");
}
V l_fdiv(Emit *e, V x, V y)
{
	return LLVMBuildFDiv(e->b, x, y, "");
}
V l_fneg(Emit *e, V x)
{
	return LLVMBuildFNeg(e->b, x, "");
}

V l_call(Emit *e, const char *intrinsic, T result, const T *overload, unsigned overloads, V *args,
         unsigned count)
{
	(void)result;
	unsigned id = LLVMLookupIntrinsicID(intrinsic, strlen(intrinsic));
	if (!id)
		BUG("no intrinsic %s", intrinsic);
	V f = LLVMGetIntrinsicDeclaration(e->module, id, (T *)overload, overloads);
	return LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->context, id, (T *)overload, overloads), f,
	                      args, count, "");
}

V l_pairs(Emit *e, V x, V y, V z)
{
	T pairs = l_vector(e->bf16, 2 * l_lanes(z));
	V args[] = {z, LLVMBuildBitCast(e->b, x, pairs, ""), LLVMBuildBitCast(e->b, y, pairs, "")};
	return l_call(e, "llvm.x86.avx512bf16.dpbf16ps.512", LLVMTypeOf(z), NULL, 0, args, 3);
}

V l_unary(Emit *e, const char *intrinsic, V x)
{
	T t = LLVMTypeOf(x);
	return l_call(e, intrinsic, t, &t, 1, &x, 1);
}

V l_binary(Emit *e, const char *intrinsic, V x, V y)
{
	T t = LLVMTypeOf(x);
	return l_call(e, intrinsic, t, &t, 1, (V[]){x, y}, 2);
}

/* Of a value that is the same in all lanes, as l_splat() made it, that value; else NULL. */
static V splat_of(V v)
{
	V first = LLVMIsAShuffleVectorInst(v) ? LLVMGetOperand(v, 0) : NULL;
	if (!first || !LLVMIsAInsertElementInst(first) || !LLVMIsNull(LLVMGetOperand(first, 2)))
		return NULL;
	for (unsigned i = 0; i < LLVMGetNumMaskElements(v); i++)
		if (LLVMGetMaskValue(v, i) != 0)
			return NULL;
	return LLVMGetOperand(first, 1);
}

V l_select(Emit *e, V condition, V x, V y)
{
	V all = splat_of(condition); /* a branch: what the other side loads is not loaded */
	return LLVMBuildSelect(e->b, all ? all : condition, x, y, "");
}

/* -- Memory ------------------------------------------------------------------------------------ */

V l_at(Emit *e, T element, V base, V index)
{
	return LLVMIsAConstantInt(index) ? LLVMBuildInBoundsGEP2(e->b, element, base, &index, 1, "")
	                                 : l_address(e, element, base, index);
}

V l_load(Emit *e, T type, V address, unsigned align)
{
	V v = LLVMBuildLoad2(e->b, type, address, "");
	LLVMSetAlignment(v, align);
	return v;
}

void l_store(Emit *e, V value, V address, unsigned align)
{
	LLVMSetAlignment(LLVMBuildStore(e->b, value, address), align);
}

void l_store_past(Emit *e, V value, V address, unsigned align)
{
	static const char NAME[] = "nontemporal";
	V store = LLVMBuildStore(e->b, value, address);
	LLVMMetadataRef one = LLVMValueAsMetadata(l_i32(e, 1)),
	                node = LLVMMDNodeInContext2(e->context, &one, 1);
	LLVMSetAlignment(store, align);
	LLVMSetMetadata(store, LLVMGetMDKindIDInContext(e->context, NAME, sizeof NAME - 1),
	                LLVMMetadataAsValue(e->context, node));
}

void l_fence(Emit *e)
{
	LLVMBuildFence(e->b, LLVMAtomicOrderingSequentiallyConsistent, false, "");
}

void l_prefetch(Emit *e, V address, bool write)
{
	V args[] = {address, l_i32(e, write), l_i32(e, 3), l_i32(e, 1)}; /* into L1; data */
	l_call(e, "llvm.prefetch", e->voidt, &e->ptr, 1, args, 4);
}

V l_load_masked(Emit *e, T vector, V address, unsigned align, V mask, V otherwise)
{
	return l_call(e, "llvm.masked.load", vector, (T[]){vector, e->ptr}, 2,
	              (V[]){address, l_i32(e, (int32_t)align), mask, otherwise}, 4);
}

void l_store_masked(Emit *e, V value, V address, unsigned align, V mask)
{
	l_call(e, "llvm.masked.store", e->voidt, (T[]){LLVMTypeOf(value), e->ptr}, 2,
	       (V[]){value, address, l_i32(e, (int32_t)align), mask}, 4);
}

V l_tail_mask(Emit *e, unsigned lanes, V remaining)
{
	V ids = l_lane_ids(e, e->word, lanes);
	return LLVMBuildICmp(e->b, LLVMIntSLT, ids, l_splat(e, remaining, lanes), "");
}

/* -- Blocks and loops -------------------------------------------------------------------------- */

V l_any_lane(Emit *e, V condition)
{
	T t = LLVMTypeOf(condition);
	return l_lanes(condition) == 1
	           ? condition
	           : l_call(e, "llvm.vector.reduce.or", e->i1, &t, 1, &condition, 1);
}

LLVMBasicBlockRef l_block(Emit *e, const char *name)
{
	return LLVMAppendBasicBlockInContext(e->context, e->function, name);
}

void l_goto(Emit *e, LLVMBasicBlockRef to)
{
	LLVMBuildBr(e->b, to);
	LLVMPositionBuilderAtEnd(e->b, to);
}

void l_meet(Emit *e, V *v, const V *other, LLVMBasicBlockRef from[2], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		V either[] = {v[i], other[i]};
		v[i] = LLVMBuildPhi(e->b, LLVMTypeOf(v[i]), "");
		LLVMAddIncoming(v[i], either, from, 2);
	}
}

void loop_begin(Emit *e, Loop *loop, const char *name, V from, V to, V by, const V *carry,
                unsigned carries)
{
	LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b);
	if (carries > MAX_CARRY)
		BUG("a loop carries %u values", carries);
	loop->head = l_block(e, name);
	loop->outer = e->loop;
	e->loop = loop, e->depth++;
	loop->to = to;
	loop->by = by;
	loop->carries = carries;
	l_goto(e, loop->head);
	loop->index = LLVMBuildPhi(e->b, LLVMTypeOf(from), "i");
	LLVMAddIncoming(loop->index, &from, &before, 1);
	for (unsigned i = 0; i < carries; i++) {
		V initial = carry[i];
		loop->carry[i] = LLVMBuildPhi(e->b, LLVMTypeOf(initial), "");
		LLVMAddIncoming(loop->carry[i], &initial, &before, 1);
	}
}

void loop_end(Emit *e, Loop *loop, const V *next)
{
	V following = LLVMBuildNSWAdd(e->b, loop->index, loop->by, "");
	V more = LLVMBuildICmp(e->b, LLVMIntSLT, following, loop->to, "");
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b), after = l_block(e, "after");
	e->loop = loop->outer, e->depth--;
	LLVMBuildCondBr(e->b, more, loop->head, after);
	LLVMAddIncoming(loop->index, &following, &here, 1);
	for (unsigned i = 0; i < loop->carries; i++) {
		V value = next[i];
		LLVMAddIncoming(loop->carry[i], &value, &here, 1);
		loop->result[i] = value;
	}
	LLVMPositionBuilderAtEnd(e->b, after);
}

/* From the form in memory to the one in registers, and back. */
V l_from_memory(Emit *e, DType t, V v)
{
	unsigned lanes = l_lanes(v);
	if (t == DTYPE_bool)
		return LLVMBuildICmp(e->b, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
	if (t != DTYPE_bf16)
		return v;
	V wide = LLVMBuildZExt(e->b, v, l_vector(e->i32, lanes), "");
	V upper = LLVMBuildShl(e->b, wide, l_splat_const(l_i32(e, 16), lanes), "");
	return LLVMBuildBitCast(e->b, upper, l_vector(e->f32, lanes), "");
}

/* Of a value that is a bf16 already: loaded, or from a cast. */
V l_upper_half(Emit *e, V v)
{
	unsigned lanes = l_lanes(v);
	V bits = LLVMBuildBitCast(e->b, v, l_vector(e->i32, lanes), "");
	V upper = LLVMBuildLShr(e->b, bits, l_splat_const(l_i32(e, 16), lanes), "");
	return LLVMBuildTrunc(e->b, upper, l_vector(e->i16, lanes), "");
}

/* bf16 rounds to nearest, ties to even; NaN stays NaN. */
V l_to_memory(Emit *e, DType t, V v)
{
	unsigned lanes = l_lanes(v);
	if (t == DTYPE_bool)
		return LLVMBuildZExt(e->b, v, l_vector(e->i8, lanes), "");
	if (t != DTYPE_bf16)
		return v;
	V bits = LLVMBuildBitCast(e->b, v, l_vector(e->i32, lanes), ""),
	  by = l_splat_const(l_i32(e, 16), lanes);
	V odd = LLVMBuildAnd(e->b, LLVMBuildLShr(e->b, bits, by, ""), l_splat_const(l_i32(e, 1), lanes),
	                     "");
	V rounded = LLVMBuildAdd(
	    e->b, bits, LLVMBuildAdd(e->b, odd, l_splat_const(l_i32(e, 0x7FFF), lanes), ""), "");
	V nan = LLVMBuildFCmp(e->b, LLVMRealUNO, v, v, "");
	V quiet = LLVMBuildOr(e->b, bits, l_splat_const(l_i32(e, 0x400000), lanes), "");
	V upper = LLVMBuildLShr(e->b, l_select(e, nan, quiet, rounded), by, "");
	return LLVMBuildTrunc(e->b, upper, l_vector(e->i16, lanes), "");
}
