/* fold.c: what a reduction begins with, what it does of two values, and of the lanes of a vector. */
#include "emit.h"

#include <math.h>

V fold_identity(Emit *e, const Node *core)
{
	T t = l_type(e, core->type);
	if (core->op == OP_sum)
		return LLVMConstNull(t);
	if (type_info[core->type].is_float)
		return LLVMConstReal(t, -INFINITY);
	return LLVMConstInt(t, core->type == DTYPE_i32 ? (uint64_t)(int64_t)INT32_MIN : 0, true);
}

V fold_two(Emit *e, const Node *core, V x, V y)
{
	Node two = *core;
	two.op = core->op == OP_sum ? OP_add : OP_max;
	two.count = 2;
	return emit_map(e, &two, core->type, (V[]){x, y});
}

V fold_larger(Emit *e, const Node *core, V x, V y)
{
	(void)core;
	return l_select(e, LLVMBuildFCmp(e->b, LLVMRealOGT, x, y, ""), x, y);
}

bool fold_asks_nan(const Node *core)
{
	return core->op == OP_reduce_max && type_info[core->type].is_float;
}

/* A fixed tree: halves onto halves. */
static V fold_halves(Emit *e, const Node *core, V v, FoldTwo *two)
{
	for (unsigned lanes = l_lanes(v); lanes > 1; lanes /= 2) {
		V half[2], places[64];
		for (unsigned part = 0; part < 2; part++) {
			for (unsigned i = 0; i < lanes / 2; i++)
				places[i] = l_i32(e, (int32_t)(i + part * (lanes / 2)));
			half[part] = lanes == 2
			                 ? LLVMBuildExtractElement(e->b, v, places[0], "")
			                 : LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
			                                          LLVMConstVector(places, lanes / 2), "");
		}
		v = two(e, core, half[0], half[1]);
	}
	return v;
}

V fold_lanes(Emit *e, const Node *core, V v, V odd)
{
	if (!fold_asks_nan(core))
		return fold_halves(e, core, v, fold_two);
	odd = l_any_lane(e, odd ? odd : LLVMBuildFCmp(e->b, LLVMRealUNO, v, v, ""));
	v = fold_halves(e, core, v, fold_larger);
	return l_select(e, odd, l_float(e, LLVMTypeOf(v), NAN), v);
}
