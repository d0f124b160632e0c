/* kernel_contract_edge.c: sums at the edge of an image that an infinite weight makes NaN.
 *
 * In: the sums of a register tile over the present block of k. Out: the same, but for those that are NaN:
 * these again, step by step, without the zeros of R's and L's paddings. They are no terms of a convolution, nor of
 * its gradients, but 0 times infinity is NaN. All that it costs where no sum is NaN is an addition of each.
 * Every sum is judged by itself: no tiling changes a bit. */
#include "contract.h"

typedef struct Again {
	const RegisterTile *t;
	V row; /* of the tile: a number of it */
} Again;

V edge_holds(Emit *e, V there, const Edge *edge, unsigned edges, const Index *index, unsigned lanes)
{
	for (unsigned i = 0; i < edges; i++, edge++) {
		int lane_axis = lanes > 1 ? index->lane_axis : -1;
		unsigned width = lane_axis >= 0 && edge->by[lane_axis] ? lanes : 1;
		V at = l_word(e, -edge->low);
		for (int j = 0; j < MAX_RANK; j++)
			if (edge->by[j]) {
				V past = LLVMBuildNSWMul(e->b, index->at[j], l_word(e, edge->by[j]), "");
				at = LLVMBuildNSWAdd(e->b, at, past, "");
			}
		if (width > 1) {
			V step = l_splat(e, l_word(e, edge->by[lane_axis] * index->lane_step), lanes);
			V past = LLVMBuildNSWMul(e->b, l_lane_ids(e, e->word, lanes), step, "");
			at = LLVMBuildNSWAdd(e->b, l_splat(e, at, lanes), past, "");
		}
		V end = l_splat(e, l_word(e, edge->high - edge->low), width);
		V good = LLVMBuildICmp(e->b, LLVMIntULT, at, end, "");
		if (edge->every > 1) {
			V rest = LLVMBuildSRem(e->b, at, l_splat(e, l_word(e, edge->every), width), "");
			V met = LLVMBuildICmp(e->b, LLVMIntEQ, rest, LLVMConstNull(LLVMTypeOf(rest)), "");
			good = LLVMBuildAnd(e->b, good, met, "");
		}
		unsigned wide = there && l_lanes(there) > width ? l_lanes(there) : width;
		there =
		    there ? LLVMBuildAnd(e->b, l_splat(e, there, wide), l_splat(e, good, wide), "") : good;
	}
	return there;
}

V edge_some_nan(Emit *e, V *sum, unsigned count)
{
	for (; count > 1; count = (count + 1) / 2)
		for (unsigned i = 0; i < count / 2; i++)
			sum[i] = l_fadd(e, sum[i], sum[count - 1 - i]);
	return l_any_lane(e, edge_is_nan(e, sum[0]));
}

V edge_is_nan(Emit *e, V x)
{
	return LLVMBuildFCmp(e->b, LLVMRealUNO, x, x, "");
}

/* Whether both elements that step k multiplies, of vector v, are there: element k of the sum, not pair k. */
static V both_there(Contract *c, const Again *a, V row, unsigned v, V k)
{
	unsigned lanes = c->p->lanes;
	V past = contract_add(c, a->t->j, contract_int(c, v * lanes)),
	  col = contract_add(c, c->col0, past);
	Index r = contract_index(c, &c->r, row, k, -1, lanes),
	      l = contract_index(c, &c->l, col, k, c->l.axes->free, lanes);
	V there = edge_holds(c->e, NULL, c->p->edge[0], c->p->edges[0], &r, lanes);
	return edge_holds(c->e, there, c->p->edge[1], c->p->edges[1], &l, lanes);
}

/* Of a pair each half is a term or not: those that are none become 0, of R and L. */
static V only_there(Contract *c, const Again *a, V row, unsigned v, V k, V pairs)
{
	T bits = l_vector(c->e->i32, c->p->lanes);
	V half[2], words = LLVMBuildBitCast(c->e->b, pairs, bits, "");
	for (int i = 0; i < 2; i++) {
		V at = contract_add(c, contract_scale(c, k, 2), contract_int(c, i));
		V there = both_there(c, a, row, v, at);
		V mask = l_splat_const(l_i32(c->e, (int32_t)(i ? 0xffff0000u : 0xffffu)), c->p->lanes);
		half[i] = l_select(c->e, there, mask, LLVMConstNull(bits));
	}
	V mask = LLVMBuildOr(c->e->b, half[0], half[1], "");
	return LLVMBuildBitCast(c->e->b, LLVMBuildAnd(c->e->b, words, mask, ""), c->vector, "");
}

static void again_over_k(Contract *c, void *context, V *sum, unsigned count)
{
	const Again *a = context;
	V from = contract_int(c, 0), to = c->k_count;
	contract_bound(c, c->axes->sums - 1, &from, &to);
	Loop loop;
	loop_begin(c->e, &loop, "again", from, to, contract_int(c, 1), sum, count);
	value_forget(c->ke);
	V row = contract_add(c, c->row0, contract_add(c, a->t->i, a->row)),
	  k = contract_add(c, c->k0, loop.index);
	V element = l_splat(c->e, contract_read(c, &c->r, row, k, -1, c->p->lanes), c->p->lanes);
	for (unsigned v = 0; v < count; v++) {
		V col = contract_column(c, a->t, v, loop.index), x = element;
		if (c->p->pairs) {
			col = only_there(c, a, row, v, k, col), x = only_there(c, a, row, v, k, x);
			sum[v] = contract_multiply(c, x, col, loop.carry[v]);
			continue;
		}
		V more = contract_multiply(c, x, col, loop.carry[v]);
		sum[v] = l_select(c->e, both_there(c, a, row, v, k), more, loop.carry[v]);
	}
	loop_end(c->e, &loop, sum);
	value_forget(c->ke);
	for (unsigned v = 0; v < count; v++)
		sum[v] = loop.result[v];
}

static V place_of(Contract *c, const RegisterTile *t, V row, unsigned v)
{
	V number = contract_add(c, contract_scale(c, row, t->wide), contract_int(c, v));
	return l_at(c->e, c->element, c->edge, contract_scale(c, number, c->p->lanes));
}

/* Of all rows of the tile, whose sums wait in scratch. */
static void again(Contract *c, const RegisterTile *t, const V *sum, V *fresh)
{
	unsigned align = c->p->lanes * c->p->element_bytes;
	V number = c->number, now[MAX_CARRY];
	for (unsigned i = 0; i < t->high * t->wide; i++)
		l_store(c->e, sum[i], place_of(c, t, contract_int(c, i / t->wide), i % t->wide), align);
	Loop loop;
	loop_begin(c->e, &loop, "row", contract_int(c, 0), contract_int(c, t->high), contract_int(c, 1),
	           NULL, 0);
	value_forget(c->ke);
	Again a = {t, loop.index};
	for (unsigned v = 0; v < t->wide; v++)
		now[v] = l_float(c->e, c->vector, 0);
	c->number = NULL;
	contract_each_sum(c, again_over_k, &a, now, t->wide);
	c->number = number;
	for (unsigned v = 0; v < t->wide; v++) {
		V at = place_of(c, t, loop.index, v), was = l_load(c->e, c->vector, at, align);
		l_store(c->e, l_select(c->e, edge_is_nan(c->e, was), now[v], was), at, align);
	}
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
	for (unsigned i = 0; i < t->high * t->wide; i++) {
		V at = place_of(c, t, contract_int(c, i / t->wide), i % t->wide);
		fresh[i] = l_load(c->e, c->vector, at, align);
	}
}

/* Lanes beyond the last column hold anything. */
static V some_is_nan(Contract *c, const RegisterTile *t, const V *sum)
{
	V part[MAX_CARRY], mask = contract_mask(c, t->valid);
	unsigned count = t->high * t->wide;
	for (unsigned i = 0; i < count; i++) {
		bool last = mask && i % t->wide == t->wide - 1;
		part[i] = last ? l_select(c->e, mask, sum[i], l_float(c->e, c->vector, 0)) : sum[i];
	}
	return edge_some_nan(c->e, part, count);
}

void contract_edge(Contract *c, const RegisterTile *t, V *sum)
{
	V fresh[MAX_CARRY];
	if (!c->p->edges[0] && !c->p->edges[1])
		return;
	V some = some_is_nan(c, t, sum);
	LLVMBasicBlockRef from[2] = {LLVMGetInsertBlock(c->e->b)}, edge = l_block(c->e, "edge"),
	                  after = l_block(c->e, "inside");
	LLVMBuildCondBr(c->e->b, some, edge, after);
	LLVMPositionBuilderAtEnd(c->e->b, edge);
	value_forget(c->ke);
	again(c, t, sum, fresh);
	from[1] = LLVMGetInsertBlock(c->e->b);
	l_goto(c->e, after);
	value_forget(c->ke);
	l_meet(c->e, sum, fresh, from, t->high * t->wide);
}
