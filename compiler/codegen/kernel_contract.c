/* kernel_contract.c: a matrix product in registers, with what is fused before and after it.
 *
 * In: a kernel whose core is a dot in normal form. Out: code for tiles [begin, end), in the order
 * of schedule/tile.c. A tile is a block of rows by a block of columns. For each block of k: pack
 * what pays, then for each panel of columns (which stays in L1) and each panel of rows, a register
 * tile. Every element of the result is a sum of totals, each of some hundred steps of k, cut by
 * shape alone: no tiling of rows or columns, nor any split over threads, changes a bit. Goto and
 * van de Geijn 2008; Van Zee and van de Geijn 2015 (BLIS). */
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
	if (valid == 0 || valid >= c->lanes)
		return NULL;
	V lane[64];
	for (unsigned i = 0; i < c->lanes; i++)
		lane[i] = LLVMConstInt(c->e->i1, i < valid, false);
	return LLVMConstVector(lane, c->lanes);
}

Index contract_index(const Contract *c, const Operand *o, V free, V k, int lane_axis,
                     unsigned valid)
{
	Index index = {
	    .lane_axis = lane_axis, .lane_step = lane_axis >= 0, .mask = contract_mask(c, valid)};
	for (int i = 0; i < c->dot->shape.rank; i++)
		if (o->axis[i] >= 0 && i != c->axes.row && i != c->axes.col)
			index.at[o->axis[i]] = c->at[i];
	for (int i = 0; i + 1 < c->axes.sums; i++)
		index.at[o->sum[i]] = c->sum[i];
	if (o->free >= 0)
		index.at[o->free] = free;
	index.at[o->contract] = k;
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

/* The sizes of blocks in tiles of `tile` (the last of `last`) cut by `block`. */
static Run run_of(V count, int64_t tile, int64_t last, int64_t block)
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
	return run_of(c->k_count, c->k, c->k_rest, c->block_k);
}

static Run rows_of(const Contract *c)
{
	int64_t last = contract_last(c->rows, c->t.tile_rows);
	return run_of(c->row_count, c->t.tile_rows, last, c->block_rows);
}

static Run cols_of(const Contract *c)
{
	int64_t last = contract_last(c->cols, c->t.tile_cols);
	return run_of(c->col_count, c->t.tile_cols, last, c->block_cols);
}

/* -- Where tiles are ----------------------------------------------------------------------- */

/* Takes the remainder of *rest by `by` off. */
static V digit(Contract *c, V *rest, int64_t by)
{
	V size = contract_int(c, by), low = LLVMBuildURem(c->e->b, *rest, size, "");
	*rest = LLVMBuildUDiv(c->e->b, *rest, size, "");
	return low;
}

/* Number `at` of the tiles of `size` along an axis of `whole`: where it starts, how many there are. */
static void locate(Contract *c, V at, int64_t size, int64_t whole, V *start, V *count)
{
	*start = contract_int(c, 0), *count = contract_int(c, whole);
	if (whole <= size)
		return;
	*start = contract_scale(c, at, size);
	V rest = LLVMBuildNSWSub(c->e->b, contract_int(c, whole), *start, "");
	*count = contract_int(c, size);
	if (whole % size)
		*count = l_binary(c->e, "llvm.smin", *count, rest);
}

/* Where tile number `at` is. */
static void place(Contract *c, V at)
{
	const ContractAxes *r = &c->axes;
	V col = digit(c, &at, c->t.col_blocks), row = digit(c, &at, c->t.row_blocks);
	V outer = digit(c, &at, c->t.outer_blocks);
	locate(c, row, c->t.tile_rows, c->rows, &c->row0, &c->row_count);
	locate(c, col, c->t.tile_cols, c->cols, &c->col0, &c->col_count);
	locate(c, outer, c->t.tile_outer, r->outer_size, &c->outer0, &c->outer_count);
	if (c->adds) {
		V part = digit(c, &at, c->t.k_parts);
		locate(c, part, c->k, r->k, &c->k0, &c->k_count);
		c->first = LLVMBuildICmp(c->e->b, LLVMIntEQ, part, contract_int(c, 0), "");
	}
	for (int i = r->batches - 1; i >= 0; i--)
		c->at[r->batch[i]] = digit(c, &at, c->dot->shape.dim[r->batch[i]]);
}

/* -- Sums before k ------------------------------------------------------------------------- */

static void sum_from(Contract *c, int i, ContractSum body, void *context, V *carry,
                     unsigned carries)
{
	if (i + 1 >= c->axes.sums) {
		body(c, context, carry, carries);
		return;
	}
	Loop loop;
	V before = c->skipped, from = contract_int(c, 0), to = contract_int(c, c->sum_size[i]);
	if (i == 0)
		from = c->sum0, to = contract_add(c, c->sum0, c->sum_count);
	loop_begin(c->e, &loop, "sum", from, to, contract_int(c, 1), carry, carries);
	value_forget(c->ke);
	c->sum[i] = loop.index;
	int64_t steps = c->k;
	for (int j = i + 1; j + 1 < c->axes.sums; j++)
		steps *= c->sum_size[j];
	V past = i == 0 ? LLVMBuildNSWSub(c->e->b, loop.index, c->sum0, "") : loop.index;
	c->skipped = contract_add(c, before, contract_scale(c, past, steps));
	V inner[MAX_CARRY];
	for (unsigned j = 0; j < carries; j++)
		inner[j] = i == c->cut_sum ? l_float(c->e, c->vector, 0) : loop.carry[j];
	sum_from(c, i + 1, body, context, inner, carries);
	for (unsigned j = 0; i == c->cut_sum && j < carries; j++)
		inner[j] = l_fadd(c->e, loop.carry[j], inner[j]);
	loop_end(c->e, &loop, inner);
	value_forget(c->ke);
	for (unsigned j = 0; j < carries; j++)
		carry[j] = loop.result[j];
	c->skipped = before;
}

void contract_each_sum(Contract *c, ContractSum body, void *context, V *carry, unsigned carries)
{
	c->skipped = contract_int(c, 0);
	sum_from(c, 0, body, context, carry, carries);
}

/* -- Blocks of a tile ---------------------------------------------------------------------- */

static void row_panel(Contract *c, void *context, V at, V panel, int64_t size)
{
	RegisterTile *t = context;
	t->i = at, t->row_panel = panel, t->high = (unsigned)size;
	contract_register_tile(c, t);
}

static void col_panel(Contract *c, void *context, V at, V panel, int64_t size)
{
	(void)context;
	unsigned wide = (unsigned)blocks_of(size, c->lanes);
	RegisterTile t = {.j = at, .panel = panel, .wide = wide, .valid = (unsigned)size % c->lanes};
	if (!c->axes.outers) {
		contract_each_panel(c, rows_of(c), c->high, row_panel, &t);
		return;
	}
	Loop loop;
	loop_begin(c->e, &loop, "outer", contract_int(c, 0), c->outer_count, contract_int(c, 1), NULL,
	           0);
	value_forget(c->ke);
	c->outer = loop.index;
	V rest = contract_add(c, c->outer0, loop.index);
	for (int i = c->axes.outers - 1; i > 0; i--)
		c->at[c->axes.outer[i]] = digit(c, &rest, c->dot->shape.dim[c->axes.outer[i]]);
	c->at[c->axes.outer[0]] = rest;
	contract_each_panel(c, rows_of(c), c->high, row_panel, &t);
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
}

/* What was copied during the block before this one is there. */
static void pack(Contract *c, Operand *o, Run run)
{
	When packs = when_begin(c, o->ahead == COPIED ? c->starts : NULL);
	contract_pack(c, o, run);
	when_end(c, packs);
}

static void block_of_k(Contract *c)
{
	if (c->k_blocks > 1)
		pack(c, &c->l, cols_of(c));
	pack(c, &c->r, rows_of(c));
	contract_each_panel(c, cols_of(c), c->wide * c->lanes, col_panel, NULL);
}

/* Blocks of k are packed in one half of an operand's part of scratch and in the other. */
static void take_turns(Contract *c, Operand *o, V pack, V number)
{
	if (o->ahead != COPIED)
		return;
	V half = contract_int(c, (o == &c->r ? contract_row_bytes(c) : contract_col_bytes(c)) / 2);
	V odd = LLVMBuildAnd(c->e->b, number, contract_int(c, 1), "");
	V here = LLVMBuildMul(c->e->b, odd, half, "");
	o->pack = l_at(c->e, c->e->i8, pack, here);
	o->next = l_at(c->e, c->e->i8, pack, LLVMBuildSub(c->e->b, half, here, ""));
}

/* What follows the present block of k; where all blocks are alike, after a tile's last one that of
 * the next tile. */
static void find_next(Contract *c)
{
	LLVMBuilderRef b = c->e->b;
	ContractNext n = {.row0 = c->row0, .col0 = c->col0};
	n.k0 = contract_add(c, c->k0, c->k_count);
	memcpy(n.at, c->at, sizeof n.at);
	c->starts = c->first, c->ends = c->last, c->next = n;
	bool cut = c->block_rows < c->t.tile_rows || c->block_cols < c->t.tile_cols;
	if (cut || c->axes.outers || c->k % c->block_k) /* in a shorter block not all is copied */
		return;
	Contract other = *c;
	V after = contract_add(c, c->tile, contract_int(c, 1));
	place(&other, after);
	n.row0 = l_select(c->e, c->last, other.row0, n.row0);
	n.col0 = l_select(c->e, c->last, other.col0, n.col0);
	n.k0 = l_select(c->e, c->last, contract_int(c, 0), n.k0);
	for (int i = 0; i < c->axes.batches; i++) {
		V *at = &n.at[c->axes.batch[i]];
		*at = l_select(c->e, c->last, other.at[c->axes.batch[i]], *at);
	}
	V is_first = LLVMBuildICmp(b, LLVMIntEQ, c->tile, c->begin, "");
	V is_last = LLVMBuildICmp(b, LLVMIntEQ, after, c->end, "");
	c->starts = LLVMBuildAnd(b, c->first, is_first, "");
	c->ends = LLVMBuildAnd(b, c->last, is_last, "");
	c->next = n;
}

static void each_block_of_k(Contract *c)
{
	if (c->k_blocks == 1) {
		block_of_k(c);
		return;
	}
	Loop loop;
	bool outside = c->axes.sums > 1; /* blocks are of a sum outside of k */
	int64_t block = outside ? c->block_sum : c->block_k, whole = outside ? c->sum_size[0] : c->k;
	V size = contract_int(c, block), end = contract_int(c, whole);
	loop_begin(c->e, &loop, "k.block", contract_int(c, 0), end, size, NULL, 0);
	value_forget(c->ke);
	V start_of_last = contract_int(c, (c->k_blocks - 1) * block);
	c->first = LLVMBuildICmp(c->e->b, LLVMIntEQ, loop.index, contract_int(c, 0), "");
	c->last = LLVMBuildICmp(c->e->b, LLVMIntEQ, loop.index, start_of_last, "");
	V count = l_binary(c->e, "llvm.smin", size, LLVMBuildNSWSub(c->e->b, end, loop.index, ""));
	if (outside)
		c->sum0 = loop.index, c->sum_count = count;
	else
		c->k0 = loop.index, c->k_count = count;
	V rows = c->r.pack, cols = c->l.pack;
	V number = contract_add(c, LLVMBuildUDiv(c->e->b, loop.index, size, ""),
	                        contract_scale(c, c->tile, c->k_blocks));
	if (c->r.ahead || c->l.ahead)
		find_next(c);
	take_turns(c, &c->r, rows, number);
	take_turns(c, &c->l, cols, number);
	block_of_k(c);
	c->r.pack = rows, c->l.pack = cols;
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
}

/* Runs body with *start and *count of each block of a tile in turn. */
static void each_block(Contract *c, V *start, V *count, int64_t tile, int64_t block,
                       void (*body)(Contract *))
{
	if (tile <= block) {
		body(c);
		return;
	}
	V whole = *count, origin = *start, size = contract_int(c, block);
	Loop loop;
	loop_begin(c->e, &loop, "block", contract_int(c, 0), whole, size, NULL, 0);
	value_forget(c->ke);
	*start = contract_add(c, origin, loop.index);
	*count = l_binary(c->e, "llvm.smin", size, LLVMBuildNSWSub(c->e->b, whole, loop.index, ""));
	body(c);
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
	*start = origin, *count = whole;
}

static void block_of_cols(Contract *c)
{
	if (!c->adds)
		c->k0 = contract_int(c, 0), c->k_count = contract_int(c, c->k);
	c->sum0 = contract_int(c, 0), c->sum_count = contract_int(c, c->sum_size[0]);
	if (c->k_blocks == 1)
		contract_pack(c, &c->l, cols_of(c));
	each_block(c, &c->row0, &c->row_count, c->t.tile_rows, c->block_rows, each_block_of_k);
}

/* -- Tiles --------------------------------------------------------------------------------- */

static void tile(Contract *c, V at)
{
	c->tile = at;
	place(c, at);
	each_block(c, &c->col0, &c->col_count, c->t.tile_cols, c->block_cols, block_of_cols);
}

void kernel_contract(KernelEmit *ke, V begin, V end, V scratch)
{
	Contract c;
	contract_choose(ke, &c);
	c.begin = begin, c.end = end;
	c.r.pack = c.l.pack = c.partial = scratch;
	if (scratch) {
		int64_t rows = contract_row_bytes(&c), cols = contract_col_bytes(&c);
		c.l.pack = l_at(c.e, c.e->i8, scratch, contract_int(&c, rows));
		c.partial = l_at(c.e, c.e->i8, scratch, contract_int(&c, rows + cols));
	}
	Loop loop;
	loop_begin(c.e, &loop, "tile", begin, end, contract_int(&c, 1), NULL, 0);
	value_forget(ke);
	tile(&c, loop.index);
	loop_end(c.e, &loop, NULL);
	value_forget(ke);
}
