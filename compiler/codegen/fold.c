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

/* The tree of fold_halves, of several vectors at once: of each half its halves go side by side, until all
 * are in one vector; there steps stay in their places. So a step is one for all. Lane i of what is left,
 * times lanes / 2^n, is of vector i. */
static V fold_beside(Emit *e, const Node *core, V *v, unsigned count, FoldTwo *two)
{
	unsigned lanes = l_lanes(v[0]),
	         group = lanes; /* lanes of a vector's elements, of one in v[i] */
	V places[64];
	for (; count > 1; count /= 2, group /= 2)
		for (unsigned i = 0; i < count; i += 2) {
			V half[2];
			for (unsigned part = 0; part < 2; part++) {
				for (unsigned j = 0; j < lanes; j++) /* of 2 lanes / group halves in two vectors */
					places[j] = l_i32(e, (int32_t)(j / (group / 2) * group + part * (group / 2) +
					                               j % (group / 2)));
				half[part] = LLVMBuildShuffleVector(e->b, v[i], v[i + 1],
				                                    LLVMConstVector(places, lanes), "");
			}
			v[i / 2] = two(e, core, half[0], half[1]);
		}
	for (; group > 1; group /= 2) {
		for (unsigned j = 0; j < lanes; j++)
			places[j] = l_i32(e, (int32_t)(j ^ group / 2));
		V other = LLVMBuildShuffleVector(e->b, v[0], LLVMGetPoison(LLVMTypeOf(v[0])),
		                                 LLVMConstVector(places, lanes), "");
		v[0] = two(e, core, v[0], other);
	}
	return v[0];
}

void fold_lanes_beside(Emit *e, const Node *core, V *v, const V *odd, unsigned count)
{
	unsigned lanes = l_lanes(v[0]), all = 1;
	V beside[64];
	while (all < count)
		all *= 2;
	if (count == 1 || all > lanes) {
		for (unsigned i = 0; i < count; i++)
			v[i] = fold_lanes(e, core, v[i], odd[i]);
		return;
	}
	for (unsigned i = 0; i < all; i++)
		beside[i] = i < count ? v[i] : LLVMGetPoison(LLVMTypeOf(v[0]));
	bool asks = fold_asks_nan(core);
	V sums = fold_beside(e, core, beside, all, asks ? fold_larger : fold_two);
	for (unsigned i = 0; i < count; i++) {
		V place = l_i32(e, (int32_t)(i * (lanes / all)));
		V one = LLVMBuildExtractElement(e->b, sums, place, "");
		V none = l_float(e, LLVMTypeOf(one), NAN);
		v[i] = asks ? l_select(e, l_any_lane(e, odd[i]), none, one) : one;
	}
}
