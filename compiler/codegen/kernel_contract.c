/* kernel_contract.c: a matrix product in registers, with what is fused before and after it.
 *
 * In: a kernel whose core is a dot in normal form. Out: code for tiles [begin, end), in the order
 * of schedule/tile.c. A tile is a block of rows by a block of columns. For each block of k: pack
 * what pays, then for each panel of columns (which stays in L1) and each panel of rows, a register
 * tile. Every element of the result is a sum of totals, each of some hundred steps of k, cut by
 * shape alone: no tiling of rows or columns, nor any split over threads, changes a bit. Goto and
 * van de Geijn 2008; Van Zee and van de Geijn 2015 (BLIS). */
#include "contract.h"
#include "nest.h"

#include <string.h>

static Run rows_of(const Contract *c)
{
	int64_t last = contract_last(c->axes->rows, c->t->tile_rows);
	return contract_run(c->row_count, c->t->tile_rows, last, c->p->block_rows);
}

static Run cols_of(const Contract *c)
{
	int64_t last = contract_last(c->axes->cols, c->t->tile_cols);
	return contract_run(c->col_count, c->t->tile_cols, last, c->p->block_cols);
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

/* Tile number `at` is the present one. */
static void go_to_tile(Contract *c, V at)
{
	const ContractAxes *r = c->axes;
	V col = digit(c, &at, c->t->col_blocks), row = digit(c, &at, c->t->row_blocks);
	V outer = digit(c, &at, c->t->outer_blocks);
	locate(c, row, c->t->tile_rows, c->axes->rows, &c->row0, &c->row_count);
	locate(c, col, c->t->tile_cols, c->axes->cols, &c->col0, &c->col_count);
	locate(c, outer, c->t->tile_outer, r->outer_size, &c->outer0, &c->outer_count);
	if (c->t->k_parts) {
		V part = digit(c, &at, c->t->k_parts);
		locate(c, part, c->p->k, c->p->k_all, &c->k0, &c->k_count);
		c->first = LLVMBuildICmp(c->e->b, LLVMIntEQ, part, contract_int(c, 0), "");
	}
	for (int i = r->batches - 1; i >= 0; i--)
		c->at[r->batch[i]] = digit(c, &at, c->dot->shape.dim[r->batch[i]]);
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
	unsigned wide = (unsigned)blocks_of(size, c->p->lanes);
	RegisterTile t = {.j = at, .panel = panel, .wide = wide, .valid = (unsigned)size % c->p->lanes};
	if (!c->axes->outers) {
		contract_each_panel(c, rows_of(c), c->p->high, row_panel, &t);
		return;
	}
	Loop loop;
	loop_begin(c->e, &loop, "outer", contract_int(c, 0), c->outer_count, contract_int(c, 1), NULL,
	           0);
	value_forget(c->ke);
	c->outer = loop.index;
	V rest = contract_add(c, c->outer0, loop.index);
	for (int i = c->axes->outers - 1; i > 0; i--)
		c->at[c->axes->outer[i]] = digit(c, &rest, c->dot->shape.dim[c->axes->outer[i]]);
	c->at[c->axes->outer[0]] = rest;
	contract_each_panel(c, rows_of(c), c->p->high, row_panel, &t);
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
}

/* What was copied during the block before this one is there. */
static void pack(Contract *c, Operand *o, Run run)
{
	When packs = when_begin(c, o->plan->prefetch == PREFETCH_COPY ? c->starts : NULL);
	contract_pack(c, o, run);
	when_end(c, packs);
}

static void block_of_k(Contract *c)
{
	if (c->p->k_blocks > 1)
		pack(c, &c->l, cols_of(c));
	pack(c, &c->r, rows_of(c));
	contract_each_panel(c, cols_of(c), c->p->wide * c->p->lanes, col_panel, NULL);
}

/* Blocks of k are packed in one half of an operand's part of scratch and in the other. */
static void take_turns(Contract *c, Operand *o, V pack, V number)
{
	if (o->plan->prefetch != PREFETCH_COPY)
		return;
	V half = contract_int(c, o->plan->bytes / 2);
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
	if (!c->p->next_tile)
		return;
	Contract other = *c;
	V after = contract_add(c, c->tile, contract_int(c, 1));
	go_to_tile(&other, after);
	n.row0 = l_select(c->e, c->last, other.row0, n.row0);
	n.col0 = l_select(c->e, c->last, other.col0, n.col0);
	n.k0 = l_select(c->e, c->last, contract_int(c, 0), n.k0);
	for (int i = 0; i < c->axes->batches; i++) {
		V *at = &n.at[c->axes->batch[i]];
		*at = l_select(c->e, c->last, other.at[c->axes->batch[i]], *at);
	}
	V is_first = LLVMBuildICmp(b, LLVMIntEQ, c->tile, c->begin, "");
	V is_last = LLVMBuildICmp(b, LLVMIntEQ, after, c->end, "");
	c->starts = LLVMBuildAnd(b, c->first, is_first, "");
	c->ends = LLVMBuildAnd(b, c->last, is_last, "");
	c->next = n;
}

/* Block number `at`: one value of each sum before the one that blocks cut, and a part of that. */
static void go_to_block(Contract *c, V at)
{
	const ContractPlan *p = c->p;
	int axis = p->block_axis;
	bool is_k = axis + 1 == c->axes->sums;
	int64_t whole = p->sum_size[axis], block = is_k ? p->block_k : p->block_sum;
	V part = digit(c, &at, blocks_of(whole, block));
	locate(c, part, block, whole, is_k ? &c->k0 : &c->sum0, is_k ? &c->k_count : &c->sum_count);
	for (int i = axis - 1; i >= 0; i--)
		c->sum[i] = digit(c, &at, p->sum_size[i]);
}

static void each_block_of_k(Contract *c)
{
	if (c->p->k_blocks == 1) {
		block_of_k(c);
		return;
	}
	Loop loop;
	bool hides = c->ke->kernel->hidden == HIDDEN_SUM;
	V blocks = contract_int(c, c->p->k_blocks), one = contract_int(c, 1), last;
	if (hides) {
		last = contract_add(c, c->hidden, contract_int(c, -1));
		last = LLVMBuildUDiv(c->e->b, last, contract_int(c, c->p->block_k), "");
		blocks = contract_add(c, last, one);
	} else {
		last = contract_int(c, c->p->k_blocks - 1);
	}
	loop_begin(c->e, &loop, "k.block", contract_int(c, 0), blocks, one, NULL, 0);
	value_forget(c->ke);
	c->first = LLVMBuildICmp(c->e->b, LLVMIntEQ, loop.index, contract_int(c, 0), "");
	c->last = LLVMBuildICmp(c->e->b, LLVMIntEQ, loop.index, last, "");
	go_to_block(c, loop.index);
	if (hides)
		c->k_count =
		    l_binary(c->e, "llvm.smin", c->k_count, LLVMBuildNSWSub(c->e->b, c->hidden, c->k0, ""));
	V rows = c->r.pack, cols = c->l.pack;
	V number = contract_add(c, loop.index, contract_scale(c, c->tile, c->p->k_blocks));
	if (contract_brings(&c->r) || contract_brings(&c->l))
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
	if (!c->t->k_parts)
		c->k0 = contract_int(c, 0), c->k_count = contract_int(c, c->p->k);
	if (c->ke->kernel->hidden == HIDDEN_SUM)
		c->k_count = l_binary(c->e, "llvm.smin", c->k_count, c->hidden);
	c->sum0 = contract_int(c, 0), c->sum_count = contract_int(c, c->p->sum_size[0]);
	if (c->p->k_blocks == 1)
		contract_pack(c, &c->l, cols_of(c));
	each_block(c, &c->row0, &c->row_count, c->t->tile_rows, c->p->block_rows, each_block_of_k);
}

/* -- Tiles --------------------------------------------------------------------------------- */

/* While a tile is computed, what the one after it reads is on its way. */
static void bring_next_tile(Contract *c)
{
	if (c->r.plan->prefetch != PREFETCH_UNIT && c->l.plan->prefetch != PREFETCH_UNIT)
		return;
	Contract other = *c;
	go_to_tile(&other, contract_add(c, c->tile, contract_int(c, 1)));
	c->next = (ContractNext){.row0 = other.row0, .col0 = other.col0};
	memcpy(c->next.at, other.at, sizeof other.at);
	contract_prefetch_unit(c);
}

/* Where the present tile leaves out what is behind a mask. Rows of a result that sums over those of the chain begin at the
 * first block that has them. */
static void find_hidden(Contract *c)
{
	Emit *e = c->e;
	bool rows = c->ke->kernel->hidden == HIDDEN_ROWS;
	int64_t columns = hidden_columns(c->ke->kernel->hidden, c->axes);
	c->hidden = hidden_from(c->ke, rows ? c->k0 : c->row0, columns);
	if (!rows)
		return;
	int64_t size = c->ke->kernel->grain;
	V grain = contract_int(c, size), before = contract_add(c, c->k0, contract_int(c, size - 1));
	before = LLVMBuildNSWMul(e->b, LLVMBuildUDiv(e->b, before, grain, ""), grain, "");
	c->first = LLVMBuildICmp(e->b, LLVMIntSGE, c->row0, before, "");
}

static void blocks_of_tile(Contract *c)
{
	each_block(c, &c->col0, &c->col_count, c->t->tile_cols, c->p->block_cols, block_of_cols);
}

/* What is left of it, if anything is. */
static void rest_of_tile(Contract *c)
{
	Emit *e = c->e;
	Hidden hidden = c->ke->kernel->hidden;
	V start = hidden == HIDDEN_ROWS ? c->row0 : c->col0;
	if (hidden == HIDDEN_SUM) {
		blocks_of_tile(c);
		return;
	}
	If some = if_begin(c->ke, LLVMBuildICmp(e->b, LLVMIntSLT, start, c->hidden, ""));
	if (hidden == HIDDEN_COLS)
		c->col_count =
		    l_binary(e, "llvm.smin", c->col_count, LLVMBuildNSWSub(e->b, c->hidden, c->col0, ""));
	blocks_of_tile(c);
	if_end(c->ke, some);
}

static void tile(Contract *c, V at)
{
	c->tile = at;
	go_to_tile(c, at);
	bring_next_tile(c);
	if (!c->ke->kernel->hidden) {
		blocks_of_tile(c);
		return;
	}
	find_hidden(c);
	rest_of_tile(c);
}

static Contract contract_of(KernelEmit *ke)
{
	const ContractPlan *p = ke->kernel->contract;
	Emit *e = ke->e;
	const Node *dot = node(e->k->graph, ke->kernel->core);
	T element = dot->type == DTYPE_f64 ? e->f64 : e->f32;
	return (Contract){.ke = ke,
	                  .e = e,
	                  .dot = dot,
	                  .p = p,
	                  .axes = &p->axes,
	                  .t = &ke->kernel->tiling,
	                  .r = {.axes = &p->axes.r, .plan = &p->r},
	                  .l = {.axes = &p->axes.l, .plan = &p->l},
	                  .element = element,
	                  .vector = l_vector(element, p->lanes)};
}

void kernel_contract(KernelEmit *ke, V begin, V end, V scratch)
{
	Contract c = contract_of(ke);
	c.begin = begin, c.end = end;
	contract_expect(&c);
	c.r.pack = c.l.pack = c.partial = c.edge = scratch;
	if (scratch) {
		int64_t rows = c.p->r.bytes, cols = c.p->l.bytes;
		c.l.pack = l_at(c.e, c.e->i8, scratch, contract_int(&c, rows));
		c.partial = l_at(c.e, c.e->i8, scratch, contract_int(&c, rows + cols));
		c.edge = l_at(c.e, c.e->i8, scratch, contract_int(&c, rows + cols + c.p->partial_bytes));
	}
	Loop loop;
	loop_begin(c.e, &loop, "tile", begin, end, contract_int(&c, 1), NULL, 0);
	value_forget(ke);
	tile(&c, loop.index);
	loop_end(c.e, &loop, NULL);
	value_forget(ke);
}
