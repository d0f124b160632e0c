/* kernel_contract.c: a matrix product in registers, with what is fused before and after it.
 *
 * In: a kernel whose core is a dot in normal form. Out: code for tiles [begin, end), in the order
 * of schedule/tile.c. A tile is a block of rows by a block of columns. For each block of k: pack
 * what pays, then for each panel of columns (which stays in L1) and each panel of rows, a register
 * tile. Every element of the result is one sum in the order of k, cut at blocks of k by shape
 * alone: no tiling of rows or columns, nor any split over threads, changes a bit. Goto and van de
 * Geijn 2008; Van Zee and van de Geijn 2015 (BLIS). */
#include "contract.h"

/* -- Small helpers ------------------------------------------------------------------------- */

V contract_int(Contract *c, int64_t x)
{
	return l_i64(c->e, x);
}

V contract_add(Contract *c, V x, V y)
{
	return LLVMBuildNSWAdd(c->e->b, x, y, "");
}

V contract_scale(Contract *c, V x, int64_t by)
{
	return by == 1 ? x : LLVMBuildNSWMul(c->e->b, x, l_i64(c->e, by), "");
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
	for (int i = 0; i < c->batches; i++)
		index.at[o->batch[i]] = c->batch[i];
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
	return run_of(c->k_count, c->k, c->k, c->block_k);
}

static Run rows_of(const Contract *c)
{
	int64_t last = contract_last(c->rows, c->tile_rows);
	return run_of(c->row_count, c->tile_rows, last, c->block_rows);
}

static Run cols_of(const Contract *c)
{
	int64_t last = contract_last(c->cols, c->tile_cols);
	return run_of(c->col_count, c->tile_cols, last, c->block_cols);
}

/* -- Blocks of a tile ---------------------------------------------------------------------- */

static void row_panel(Contract *c, void *context, V at, V panel, int64_t size)
{
	RegisterTile *t = context;
	t->i = at, t->high = (unsigned)size;
	(void)panel;
	contract_register_tile(c, t);
}

static void col_panel(Contract *c, void *context, V at, V panel, int64_t size)
{
	(void)context;
	unsigned wide = (unsigned)blocks_of(size, c->lanes);
	RegisterTile t = {.j = at, .panel = panel, .wide = wide, .valid = (unsigned)size % c->lanes};
	contract_each_panel(c, rows_of(c), c->high, row_panel, &t);
}

static void block_of_k(Contract *c)
{
	if (c->k_blocks > 1)
		contract_pack(c, &c->l, cols_of(c));
	contract_pack(c, &c->r, rows_of(c));
	contract_each_panel(c, cols_of(c), c->wide * c->lanes, col_panel, NULL);
}

static void each_block_of_k(Contract *c)
{
	if (c->k_blocks == 1) {
		block_of_k(c);
		return;
	}
	Loop loop;
	V size = contract_int(c, c->block_k), end = contract_int(c, c->k);
	loop_begin(c->e, &loop, "k.block", contract_int(c, 0), end, size, NULL, 0);
	value_forget(c->ke);
	c->k0 = loop.index;
	c->first = LLVMBuildICmp(c->e->b, LLVMIntEQ, c->k0, contract_int(c, 0), "");
	V start_of_last = contract_int(c, (c->k_blocks - 1) * c->block_k);
	c->last = LLVMBuildICmp(c->e->b, LLVMIntEQ, c->k0, start_of_last, "");
	c->k_count = l_binary(c->e, "llvm.smin", size, LLVMBuildNSWSub(c->e->b, end, c->k0, ""));
	block_of_k(c);
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
	c->k0 = contract_int(c, 0), c->k_count = contract_int(c, c->k);
	if (c->k_blocks == 1)
		contract_pack(c, &c->l, cols_of(c));
	each_block(c, &c->row0, &c->row_count, c->tile_rows, c->block_rows, each_block_of_k);
}

/* -- Tiles --------------------------------------------------------------------------------- */

/* Number `at` of the tiles of `size` along an axis of `whole`: where it starts, how many there are.
 */
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

/* Takes the remainder of *rest by `by` off. */
static V digit(Contract *c, V *rest, int64_t by)
{
	V size = contract_int(c, by), low = LLVMBuildURem(c->e->b, *rest, size, "");
	*rest = LLVMBuildUDiv(c->e->b, *rest, size, "");
	return low;
}

static void tile(Contract *c, V at)
{
	V inner = digit(c, &at, c->swapped ? c->row_blocks : c->col_blocks);
	V outer = digit(c, &at, c->swapped ? c->col_blocks : c->row_blocks);
	locate(c, c->swapped ? inner : outer, c->tile_rows, c->rows, &c->row0, &c->row_count);
	locate(c, c->swapped ? outer : inner, c->tile_cols, c->cols, &c->col0, &c->col_count);
	for (int i = c->batches - 1; i >= 0; i--)
		c->batch[i] = digit(c, &at, c->dot->shape.dim[i]);
	each_block(c, &c->col0, &c->col_count, c->tile_cols, c->block_cols, block_of_cols);
}

void kernel_contract(KernelEmit *ke, V begin, V end, V scratch)
{
	Contract c = contract_choose(ke);
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
