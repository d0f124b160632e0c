/* kernel_contract_read.c: elements of an operand, or pairs of bf16, and their product.
 *
 * A pair is made of two reads, one for each half, unless lanes run along k: then pairs lie in
 * memory as they are wanted, and two vectors of elements are one of pairs. What is no element of
 * the matrix is zero in both operands: 0 times what lies behind it may be NaN. Sums of pairs are
 * the machine's: VDPBF16PS adds both products to the sum, rounding to nearest even, and takes
 * subnormal numbers as zeros. */
#include "contract.h"

/* Whether registers hold bf16 of it already, and not what was computed in f32. */
static bool is_rounded(const Kernels *k, NodeId x)
{
	for (;;) {
		const Node *n = node(k->graph, x);
		if (k->buffer_of[x] != 0 || n->op == OP_cast)
			return true;
		bool pads = n->op == OP_pad && n->attr.pad.value != 0;
		if (op_info[n->op].kind != VIEW || n->count != 1 || pads)
			return false;
		x = n->in[0];
	}
}

/* Bits whose upper half is the bf16, whose lower half is 0. */
static V upper_half(Contract *c, const Operand *o, V value)
{
	Emit *e = c->e;
	if (!is_rounded(e->k, o->axes->node))
		value = l_from_memory(e, DTYPE_bf16, l_to_memory(e, DTYPE_bf16, value));
	return LLVMBuildBitCast(e->b, value, l_vector(e->i32, l_lanes(value)), "");
}

static V read_at(Contract *c, const Operand *o, const Index *index)
{
	V value = value_at(c->ke, o->axes->node, index);
	return index->lane_axis < 0 ? value : l_splat(c->e, value, c->p->lanes);
}

/* Lanes along the free axis, or one pair: element 2 k and the one after it. */
static V read_across(Contract *c, const Operand *o, V free, V k, int lane_axis, unsigned valid)
{
	Emit *e = c->e;
	V first = contract_scale(c, k, 2), second = contract_add(c, first, contract_int(c, 1));
	bool odd = c->axes->k % 2;
	V end = contract_int(c, c->axes->k - 1);
	V exists = odd ? LLVMBuildICmp(e->b, LLVMIntSLE, second, end, "") : NULL;
	second = odd ? l_binary(e, "llvm.smin", second, end) : second;
	Index low_at = contract_index(c, o, free, first, lane_axis, valid),
	      high_at = contract_index(c, o, free, second, lane_axis, valid);
	high_at.mask = low_at.mask;
	V low = upper_half(c, o, read_at(c, o, &low_at)),
	  high = upper_half(c, o, read_at(c, o, &high_at));
	unsigned lanes = l_lanes(low);
	if (odd)
		high = l_select(e, exists, high, LLVMConstNull(LLVMTypeOf(high)));
	low = LLVMBuildLShr(e->b, low, l_splat_const(l_i32(e, 16), lanes), "");
	return LLVMBuildBitCast(e->b, LLVMBuildOr(e->b, low, high, ""), l_vector(e->f32, lanes), "");
}

/* A vector of elements from 2 k + part lanes on, of which `count` are wanted, as i16. */
static V read_part(Contract *c, const Operand *o, V free, V k, unsigned part, unsigned count)
{
	Emit *e = c->e;
	T halves = l_vector(e->i16, c->p->lanes);
	if (count == 0)
		return LLVMConstNull(halves);
	V at = contract_add(c, contract_scale(c, k, 2), contract_int(c, part * c->p->lanes));
	Index index = contract_index(c, o, free, at, o->axes->contract, count);
	if (c->axes->k % 2) {
		V left = LLVMBuildNSWSub(e->b, contract_int(c, c->axes->k), at, "");
		V mask = l_tail_mask(e, c->p->lanes, left);
		index.mask = index.mask ? LLVMBuildAnd(e->b, index.mask, mask, "") : mask;
	}
	V value = l_splat(e, value_at(c->ke, o->axes->node, &index), c->p->lanes);
	value = LLVMBuildBitCast(e->b, upper_half(c, o, value), l_vector(e->f32, c->p->lanes), "");
	V half = l_upper_half(e, value);
	return index.mask ? l_select(e, index.mask, half, LLVMConstNull(halves)) : half;
}

/* Lanes along k. */
static V read_along(Contract *c, const Operand *o, V free, V k, unsigned valid)
{
	Emit *e = c->e;
	unsigned lanes = c->p->lanes, first = 2 * valid < lanes ? 2 * valid : lanes;
	V part[2] = {read_part(c, o, free, k, 0, first),
	             read_part(c, o, free, k, 1, 2 * valid - first)};
	V both = LLVMBuildShuffleVector(e->b, part[0], part[1], l_lane_ids(e, e->i32, 2 * lanes), "");
	return LLVMBuildBitCast(e->b, both, c->vector, "");
}

V contract_read(Contract *c, const Operand *o, V free, V k, int lane_axis, unsigned valid)
{
	if (c->p->pairs && lane_axis == o->axes->contract)
		return read_along(c, o, free, k, valid);
	if (c->p->pairs)
		return read_across(c, o, free, k, lane_axis, valid);
	Index index = contract_index(c, o, free, k, lane_axis, valid);
	return read_at(c, o, &index);
}

V contract_multiply(Contract *c, V row, V col, V sum)
{
	if (c->p->pairs)
		return l_pairs(c->e, row, col, sum);
	return l_muladd(c->e, row, col, sum);
}
