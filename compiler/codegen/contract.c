/* contract.c: what all files that emit a product stand on: indices of operands, runs of panels, the
 * loops over sums before k. */
#include "contract.h"

#include <string.h>

/* -- Small helpers ------------------------------------------------------------------------- */

V contract_int(Contract *c, int64_t x)
{
	return l_word(c->e, x);
}

V contract_add(Contract *c, V x, V y)
{
	return LLVMBuildNSWAdd(c->e->b, x, y, "");
}

V contract_scale(Contract *c, V x, int64_t by)
{
	return by == 1 ? x : LLVMBuildNSWMul(c->e->b, x, l_word(c->e, by), "");
}

When when_begin(Contract *c, V condition)
{
	if (!condition)
		return (When){NULL};
	LLVMBasicBlockRef then = l_block(c->e, "then"), after = l_block(c->e, "after");
	LLVMBuildCondBr(c->e->b, condition, then, after);
	LLVMPositionBuilderAtEnd(c->e->b, then);
	value_forget(c->ke);
	return (When){after};
}

void when_end(Contract *c, When w)
{
	if (w.after)
		l_goto(c->e, w.after);
	value_forget(c->ke);
}

V contract_mask(const Contract *c, unsigned valid)
{
	if (valid == 0 || valid >= c->p->lanes)
		return NULL;
	V lane[64];
	for (unsigned i = 0; i < c->p->lanes; i++)
		lane[i] = LLVMConstInt(c->e->i1, i < valid, false);
	return LLVMConstVector(lane, c->p->lanes);
}

Index contract_index(const Contract *c, const Operand *o, V free, V k, int lane_axis,
                     unsigned valid)
{
	Index index = {
	    .lane_axis = lane_axis, .lane_step = lane_axis >= 0, .mask = contract_mask(c, valid)};
	for (int i = 0; i < c->dot->shape.rank; i++)
		if (o->axes->axis[i] >= 0 && i != c->axes->row && i != c->axes->col)
			index.at[o->axes->axis[i]] = c->at[i];
	for (int i = 0; i + 1 < c->axes->sums; i++)
		index.at[o->axes->sum[i]] = c->sum[i];
	if (o->axes->free >= 0)
		index.at[o->axes->free] = free;
	index.at[o->axes->contract] = k;
	return index;
}

static void full_panels(Contract *c, Run run, int64_t block, ContractPanel f, void *context)
{
	bool some = false, always = true;
	for (int i = 0; i < run.sizes; i++)
		some |= run.size[i] >= block, always &= run.size[i] >= block;
	if (!some)
		return;
	V size = contract_int(c, block);
	V enough = LLVMBuildICmp(c->e->b, LLVMIntSGE, run.count, size, "");
	V to = LLVMBuildNSWSub(c->e->b, run.count, LLVMBuildURem(c->e->b, run.count, size, ""), "");
	When w = when_begin(c, always ? NULL : enough);
	Loop loop;
	loop_begin(c->e, &loop, "panel", contract_int(c, 0), to, size, NULL, 0);
	value_forget(c->ke);
	f(c, context, loop.index, LLVMBuildUDiv(c->e->b, loop.index, size, ""), block);
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
	when_end(c, w);
}

void contract_each_panel(Contract *c, Run run, int64_t block, ContractPanel f, void *context)
{
	full_panels(c, run, block, f, context);
	bool same = true;
	for (int i = 1; i < run.sizes; i++)
		same &= run.size[i] % block == run.size[0] % block;
	for (int i = 0; i < (same ? 1 : run.sizes); i++) {
		int64_t size = run.size[i] % block;
		for (int j = 0; j < i; j++)
			size = run.size[j] % block == size ? 0 : size; /* done */
		if (size == 0)
			continue;
		V tail = contract_int(c, size), by = contract_int(c, block);
		V left = LLVMBuildURem(c->e->b, run.count, by, "");
		When w = when_begin(c, same ? NULL : LLVMBuildICmp(c->e->b, LLVMIntEQ, left, tail, ""));
		V panel = LLVMBuildUDiv(c->e->b, run.count, by, "");
		f(c, context, LLVMBuildNSWSub(c->e->b, run.count, tail, ""), panel, size);
		when_end(c, w);
	}
}

Run contract_run(V count, int64_t tile, int64_t last, int64_t block)
{
	Run run = {.count = count};
	int64_t size[3] = {tile >= block || last >= block ? block : 0, tile % block, last % block};
	for (int i = 0; i < 3; i++)
		if (size[i] && !(run.sizes && run.size[run.sizes - 1] == size[i]))
			run.size[run.sizes++] = size[i];
	return run;
}

Run contract_steps_of_k(const Contract *c)
{
	return contract_run(c->k_count, c->p->k, c->p->k_rest, c->p->block_k);
}

/* -- Sums before k ------------------------------------------------------------------------- */

/* x / by, rounded up; of an x that is at least `least`. */
static V divided_up(Contract *c, V x, int64_t least, int64_t by)
{
	if (by == 1)
		return x;
	int64_t more = least < 0 ? blocks_of(-least, by) : 0;
	x = contract_add(c, x, contract_int(c, by - 1 + more * by));
	return contract_add(c, LLVMBuildUDiv(c->e->b, x, contract_int(c, by), ""),
	                    contract_int(c, -more));
}

void contract_bound(Contract *c, int i, V *from, V *to)
{
	const SumBound *b = &c->axes->bound[i];
	if (!c->bounded || !(c->p->bounded >> i & 1))
		return;
	V past = b->axis < 0 ? contract_int(c, 0) : contract_scale(c, c->at[b->axis], -b->by_axis);
	int64_t last = b->axis < 0 ? 0 : -b->by_axis * (c->dot->shape.dim[b->axis] - 1);
	int64_t least = last < 0 ? last : 0;
	V low = contract_add(c, past, contract_int(c, b->low)),
	  high = contract_add(c, past, contract_int(c, b->high));
	low = divided_up(c, low, b->low + least, b->by_sum);
	high = divided_up(c, high, b->high + least, b->by_sum);
	*from = l_binary(c->e, "llvm.smax", *from, low);
	*to = l_binary(c->e, "llvm.smin", *to, high);
}

static void sum_from(Contract *c, int i, ContractSum body, void *context, V *carry,
                     unsigned carries);

/* The values [from, to) of sum i. */
static void sum_values_of(Contract *c, int i, V from, V to, ContractSum body, void *context,
                          V *carry, unsigned carries)
{
	Loop loop;
	V before = c->skipped;
	bool cut = i == c->p->block_axis;
	loop_begin(c->e, &loop, "sum", from, to, contract_int(c, 1), carry, carries);
	value_forget(c->ke);
	c->sum[i] = loop.index;
	if (c->bounded && c->number)
		contract_prefetch_value(c, i);
	int64_t steps = c->p->k;
	for (int j = i + 1; j + 1 < c->axes->sums; j++)
		steps *= c->p->sum_size[j];
	V past = cut ? LLVMBuildNSWSub(c->e->b, loop.index, c->sum0, "") : loop.index;
	c->skipped = contract_add(c, before, contract_scale(c, past, steps));
	V inner[MAX_CARRY];
	for (unsigned j = 0; j < carries; j++)
		inner[j] = i == c->p->cut_sum ? l_float(c->e, c->vector, 0) : loop.carry[j];
	sum_from(c, i + 1, body, context, inner, carries);
	for (unsigned j = 0; i == c->p->cut_sum && j < carries; j++)
		inner[j] = l_fadd(c->e, loop.carry[j], inner[j]);
	loop_end(c->e, &loop, inner);
	value_forget(c->ke);
	for (unsigned j = 0; j < carries; j++)
		carry[j] = loop.result[j];
	c->skipped = before;
}

static void sum_from(Contract *c, int i, ContractSum body, void *context, V *carry,
                     unsigned carries)
{
	if (i + 1 >= c->axes->sums) {
		body(c, context, carry, carries);
		return;
	}
	V from = contract_int(c, 0), to = contract_int(c, c->p->sum_size[i]), same[MAX_CARRY];
	if (i == c->p->block_axis)
		from = c->sum0, to = contract_add(c, c->sum0, c->sum_count);
	contract_bound(c, i, &from, &to);
	if (!c->bounded || !(c->p->may_be_empty >> i & 1)) {
		sum_values_of(c, i, from, to, body, context, carry, carries);
		return;
	}
	memcpy(same, carry, carries * sizeof *same);
	LLVMBasicBlockRef begin[2] = {LLVMGetInsertBlock(c->e->b)}, some = l_block(c->e, "some"),
	                  after = l_block(c->e, "none");
	LLVMBuildCondBr(c->e->b, LLVMBuildICmp(c->e->b, LLVMIntSLT, from, to, ""), some, after);
	LLVMPositionBuilderAtEnd(c->e->b, some);
	value_forget(c->ke);
	sum_values_of(c, i, from, to, body, context, carry, carries);
	begin[1] = LLVMGetInsertBlock(c->e->b);
	l_goto(c->e, after);
	value_forget(c->ke);
	l_meet(c->e, same, carry, begin, carries);
	memcpy(carry, same, carries * sizeof *same);
}

void contract_each_sum(Contract *c, ContractSum body, void *context, V *carry, unsigned carries)
{
	c->skipped = contract_int(c, 0);
	sum_from(c, c->p->block_axis, body, context, carry, carries);
}

/* -- Register tiles ---------------------------------------------------------------------------- */

/* In its block of columns and rows; rows count fastest. */
V contract_tile_number(Contract *c, const RegisterTile *t)
{
	int64_t high = c->p->row_panels;
	V number = contract_add(c, contract_scale(c, t->panel, high), t->row_panel);
	if (!c->axes->outers)
		return number;
	V before = contract_scale(c, c->outer, high * c->p->col_panels);
	return contract_add(c, before, number);
}
