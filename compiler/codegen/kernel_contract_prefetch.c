/* kernel_contract_prefetch.c: brings the next block of k while this one is multiplied.
 *
 * In: what the plan says of each operand (schedule/contract_prefetch.c). Out: for every step of the
 * loop over k, one line of the next block, after a tile's last block that of the next tile.
 * The register tiles of a block share the work, in their order: each brings the lines of some steps
 * of k. Where panels are copied the tiles of a block do, in turn: bring R's first share, copy R's
 * shares while each brings the one after it, and the same for L. */
#include "contract.h"

#include <string.h>

/* -- Addresses ----------------------------------------------------------------------------- */

static V address_of(Contract *c, const Operand *o, V free, V k)
{
	int lane_axis = o->plan->prefetch == PREFETCH_ROWS ? o->axes->contract : o->axes->free;
	Index index = contract_index(c, o, free, k, lane_axis, c->p->lanes);
	return LLVMBuildPtrToInt(c->e->b, value_address(c->ke, o->axes->node, &index), c->e->word, "");
}

/* The step of a block at which share number `share` of o starts; the last one ends with the block. */
static V start_of(Contract *c, const Operand *o, V share)
{
	V last = contract_int(c, c->p->block_k - o->plan->share);
	return l_binary(c->e, "llvm.smin", contract_scale(c, share, o->plan->share), last);
}

/* In the batch of the next block of k. */
static V next_address_of(Contract *c, const Operand *o, V free, V k)
{
	V at[MAX_RANK];
	memcpy(at, c->at, sizeof at);
	memcpy(c->at, c->next.at, sizeof at);
	V found = address_of(c, o, free, k);
	memcpy(c->at, at, sizeof at);
	return found;
}

/* Share number `share` of the next block of o. */
static Stream stream_of(Contract *c, const Operand *o, V share)
{
	LLVMBuilderRef b = c->e->b;
	int64_t lines = o->plan->lines;
	V k = contract_add(c, c->next.k0, start_of(c, o, share));
	V free = o == &c->r ? c->next.row0 : c->next.col0;
	Stream a = {.at = next_address_of(c, o, free, k)};
	V after = next_address_of(c, o, free, contract_add(c, k, contract_int(c, 1)));
	a.line = contract_int(c, (int64_t)c->p->lanes * c->p->element_bytes);
	V last = contract_add(c, a.at, contract_scale(c, a.line, lines - 1));
	a.wrap = LLVMBuildSub(b, after, last, "");
	a.left = a.lines = contract_int(c, lines);
	return a;
}

/* -- What a tile brings or copies ---------------------------------------------------------- */

/* x of `a` where the condition holds, else of `b`. */
static Stream either(Contract *c, V condition, Stream a, Stream b)
{
	V *x = (V *)&a, *y = (V *)&b;
	for (size_t i = 0; i < sizeof a / sizeof *x; i++)
		x[i] = x[i] && y[i] ? l_select(c->e, condition, x[i], y[i]) : x[i] ? x[i] : y[i];
	return a;
}

static V less(Contract *c, V x, int64_t y)
{
	return LLVMBuildICmp(c->e->b, LLVMIntSLT, x, contract_int(c, y), "");
}

/* Shares of o that are brought, and not copied. */
static int64_t brought(const Operand *o)
{
	return o->plan->prefetch == PREFETCH_COPY ? 1 : o->plan->tiles;
}

/* Line after line of row after row: more than the next tile reads, where k is long. */
static Stream next_rows(Contract *c, const RegisterTile *t)
{
	int64_t line = (int64_t)c->p->lanes * c->p->element_bytes,
	        lines = blocks_of(c->p->block_k, c->p->lanes);
	V row = contract_add(c, contract_add(c, c->row0, t->i), contract_int(c, c->p->high));
	V after = contract_add(c, row, contract_int(c, 1));
	Stream a = {.at = address_of(c, &c->r, row, c->k0)};
	a.wrap = LLVMBuildSub(c->e->b, address_of(c, &c->r, after, c->k0), a.at, "");
	a.wrap = contract_add(c, a.wrap, contract_int(c, -(lines - 1) * line));
	a.line = contract_int(c, line);
	a.left = a.lines = contract_int(c, lines);
	return a;
}

Stream contract_prefetch(Contract *c, const RegisterTile *t)
{
	LLVMBuilderRef b = c->e->b;
	if (!contract_brings(&c->r) && !contract_brings(&c->l))
		return (Stream){.at = NULL};
	if (c->r.plan->prefetch == PREFETCH_ROWS)
		return next_rows(c, t);
	V number = contract_tile_number(c, t),
	  past_r = contract_add(c, number, contract_int(c, -c->r.plan->tiles));
	V is_r = less(c, number, brought(&c->r)), is_l = less(c, past_r, brought(&c->l));
	is_l = LLVMBuildAnd(b, is_l, LLVMBuildNot(b, less(c, past_r, 0), ""), "");
	Stream a = {.at = NULL};
	if (c->r.plan->tiles)
		a = stream_of(c, &c->r, number);
	if (c->l.plan->tiles)
		a = either(c, is_r, a, stream_of(c, &c->l, past_r));
	/* Nothing to bring: the same address again and again. */
	V zero = contract_int(c, 0), brings = LLVMBuildOr(b, is_r, is_l, "");
	brings = LLVMBuildAnd(b, brings, LLVMBuildNot(b, c->ends, ""), "");
	V harmless = LLVMBuildPtrToInt(b, c->partial, c->e->word, "");
	a.at = l_select(c->e, brings, a.at, harmless);
	a.line = l_select(c->e, brings, a.line, zero);
	a.wrap = l_select(c->e, brings, a.wrap, zero);
	return a;
}

V contract_copies_now(Contract *c, const RegisterTile *t)
{
	LLVMBuilderRef b = c->e->b;
	if (c->r.plan->prefetch != PREFETCH_COPY)
		return NULL;
	int64_t r_tiles = c->r.plan->tiles,
	        l_tiles = c->l.plan->prefetch == PREFETCH_COPY ? c->l.plan->tiles : 0;
	V number = contract_tile_number(c, t), is_first = LLVMBuildNot(b, less(c, number, 1), "");
	V copies = LLVMBuildAnd(b, is_first, less(c, number, r_tiles + l_tiles), "");
	V first_of_l = LLVMBuildICmp(b, LLVMIntEQ, number, contract_int(c, r_tiles), "");
	copies = LLVMBuildAnd(b, copies, LLVMBuildNot(b, first_of_l, ""), "");
	return LLVMBuildAnd(b, copies, LLVMBuildNot(b, c->ends, ""), "");
}

static Stream copy_of(Contract *c, const Operand *o, V share)
{
	Emit *e = c->e;
	int64_t lines = o->plan->lines, whole = o == &c->r ? c->axes->rows : c->axes->cols;
	Stream a = stream_of(c, o, share);
	/* Nothing behind the operand's end is read: the last block may be shorter than others. */
	V end = contract_int(c, whole - c->p->lanes);
	a.limit = next_address_of(c, o, end, contract_int(c, c->p->k - 1));
	a.soon = stream_of(c, o, contract_add(c, share, contract_int(c, 1))).at;
	a.soon = LLVMBuildSub(e->b, a.soon, a.at, "");
	/* Bytes of a step; the first two have just been brought. */
	V step = contract_add(c, a.wrap, contract_scale(c, a.line, lines - 1));
	a.again = contract_scale(c, step, o->plan->distance);
	V to = contract_scale(c, start_of(c, o, share), o->plan->group);
	a.to = LLVMBuildPtrToInt(e->b, l_at(e, c->element, o->next, to), e->word, "");
	a.to_line = contract_int(c, o->plan->stride * c->p->element_bytes);
	a.to_wrap =
	    contract_int(c, (o->plan->group - (lines - 1) * o->plan->stride) * c->p->element_bytes);
	return a;
}

Stream contract_copy(Contract *c, const RegisterTile *t)
{
	V one = contract_int(c, 1),
	  share = LLVMBuildNSWSub(c->e->b, contract_tile_number(c, t), one, "");
	Stream r = copy_of(c, &c->r, share);
	if (c->l.plan->prefetch != PREFETCH_COPY)
		return r;
	V past_r = contract_add(c, share, contract_int(c, -c->r.plan->tiles));
	return either(c, less(c, past_r, 0), r, copy_of(c, &c->l, past_r));
}

static void ask(Contract *c, const Operand *o, V free, V k)
{
	V at = address_of(c, o, free, contract_add(c, k, contract_int(c, o->plan->distance)));
	l_prefetch(c->e, LLVMBuildIntToPtr(c->e->b, at, c->e->ptr, ""), false);
}

void contract_prefetch_soon(Contract *c, const RegisterTile *t, V k)
{
	if (c->r.plan->prefetch != PREFETCH_STEPS)
		return;
	k = contract_add(c, c->k0, k);
	/* The last row: the first often shares its line with the tile before. */
	V row = contract_add(c, contract_add(c, c->row0, t->i), contract_int(c, t->high - 1));
	V col = contract_add(c, c->col0, t->j);
	ask(c, &c->r, row, k);
	bool too = c->l.plan->prefetch == PREFETCH_STEPS;
	for (unsigned v = 0; too && v < t->wide; v++)
		ask(c, &c->l, contract_add(c, col, contract_int(c, v * c->p->lanes)), k);
}

/* -- Values of a sum ------------------------------------------------------------------------ */

/* The outer axes are where the tile of the next block begins. */
static void go_to_outer(Contract *c)
{
	const ContractAxes *r = c->axes;
	V outer = c->outer0;
	if (c->t->row_blocks * c->t->col_blocks == 1) {
		V after = contract_add(c, outer, contract_int(c, c->t->tile_outer));
		V more = LLVMBuildICmp(c->e->b, LLVMIntSLT, after, contract_int(c, r->outer_size), "");
		after = l_select(c->e, more, after, contract_int(c, 0));
		outer = l_select(c->e, c->last, after, outer);
	}
	for (int i = r->outers - 1; i >= 0; i--) {
		V size = contract_int(c, c->dot->shape.dim[r->outer[i]]);
		c->at[r->outer[i]] = LLVMBuildURem(c->e->b, outer, size, "");
		outer = LLVMBuildUDiv(c->e->b, outer, size, "");
	}
}

/* The share's lines of what o reads from `from` on. */
static void bring_lines(Contract *c, const Operand *o, V from, V share)
{
	int line = (int)c->e->c->machine->line_bytes;
	from = l_at(c->e, c->e->i8, from, contract_scale(c, share, o->plan->lines * line));
	for (int64_t i = 0; i < o->plan->lines; i++)
		l_prefetch(c->e, l_at(c->e, c->e->i8, from, contract_int(c, i * line)), false);
}

/* After the last block comes the first one of another tile: much of what this tile's read. */
static void bring_value(Contract *c, const Operand *o)
{
	Emit *e = c->e;
	V at[MAX_RANK], sum[MAX_RANK], zero = contract_int(c, 0);
	int i = c->p->block_axis;
	memcpy(at, c->at, sizeof at);
	memcpy(sum, c->sum, sizeof sum);
	go_to_outer(c);
	for (int j = o->plan->value + 1; j + 1 < c->axes->sums; j++)
		c->sum[j] = zero;
	V first = LLVMBuildNSWSub(e->b, sum[i], c->sum0, ""),
	  next = contract_add(c, sum[i], contract_int(c, c->p->block_sum));
	c->sum[i] = l_select(e, c->last, first, next);
	Index index = contract_index(c, o, o == &c->r ? c->row0 : c->col0, zero, -1, c->p->lanes);
	bring_lines(c, o, value_address(c->ke, o->axes->node, &index), c->number);
	memcpy(c->at, at, sizeof at);
	memcpy(c->sum, sum, sizeof sum);
}

/* Shares are counted by the values of the sums of a block, and then by register tiles of an outer index. */
static void bring_outer(Contract *c, const Operand *o)
{
	Emit *e = c->e;
	const ContractPlan *p = c->p;
	V sum[MAX_RANK], tiles = contract_int(c, p->row_panels * p->col_panels);
	V share = LLVMBuildURem(e->b, c->number, tiles, "");
	memcpy(sum, c->sum, sizeof sum);
	for (int i = p->block_axis; i <= o->plan->value; i++) {
		bool cut = i == p->block_axis && p->k_blocks > 1;
		V at = cut ? LLVMBuildNSWSub(e->b, sum[i], c->sum0, "") : sum[i];
		share = contract_scale(c, share, cut ? p->block_sum : p->sum_size[i]);
		share = contract_add(c, share, at);
		c->sum[i] = cut ? c->sum0 : contract_int(c, 0);
	}
	Index index = contract_index(c, o, c->row0, contract_int(c, 0), -1, p->lanes);
	V from = value_address(c->ke, o->axes->node, &index);
	bring_lines(c, o, l_at(e, c->element, from, contract_int(c, o->plan->distance)), share);
	memcpy(c->sum, sum, sizeof sum);
}

void contract_prefetch_value(Contract *c, int sum)
{
	if (c->r.plan->prefetch == PREFETCH_OUTER && c->r.plan->value == sum)
		bring_outer(c, &c->r);
	if (c->r.plan->prefetch == PREFETCH_VALUE && c->r.plan->value == sum)
		bring_value(c, &c->r);
	if (c->l.plan->prefetch == PREFETCH_VALUE && c->l.plan->value == sum)
		bring_value(c, &c->l);
}

/* -- The next unit of a chain -------------------------------------------------------------- */

/* Register tiles of a tile, if they share the work; else 1: a tile is of several blocks. */
static int64_t sharers(const Contract *c)
{
	bool one = c->p->block_rows == c->t->tile_rows && c->p->block_cols == c->t->tile_cols &&
	           c->p->k_blocks == 1 && !c->axes->outers;
	return one ? c->p->row_panels * c->p->col_panels : 1;
}

/* Of the rows that a tile reads of o from c->next on, or steps of k if they lie across, line after line,
 * share number c->number. Shares are as large, and meet at the end. */
static void bring_rows(Contract *c, const Operand *o)
{
	Emit *e = c->e;
	bool is_r = o == &c->r, along_k = contiguous_axis(e->k, o->axes->node) == o->axes->contract;
	int64_t size = is_r ? c->t->tile_rows : c->t->tile_cols, k = c->p->k;
	int64_t count = along_k ? size : k, share = blocks_of(count, sharers(c));
	V free = is_r ? c->next.row0 : c->next.col0, first = contract_int(c, 0);
	if (sharers(c) > 1)
		first = l_binary(e, "llvm.smin", contract_scale(c, c->number, share),
		                 contract_int(c, count - share));
	Loop loop;
	loop_begin(e, &loop, "unit", contract_int(c, 0), contract_int(c, share), contract_int(c, 1),
	           NULL, 0);
	value_forget(c->ke);
	V row = contract_add(c, first, loop.index);
	for (int64_t i = 0; i < (along_k ? k : size); i += c->p->lanes) {
		V line = contract_int(c, i);
		V at = next_address_of(c, o, contract_add(c, free, along_k ? row : line),
		                       along_k ? line : row);
		l_prefetch(e, LLVMBuildIntToPtr(e->b, at, e->ptr, ""), false);
	}
	loop_end(e, &loop, NULL);
	value_forget(c->ke);
}

static void bring_unit(Contract *c)
{
	if (c->r.plan->prefetch == PREFETCH_UNIT)
		bring_rows(c, &c->r);
	if (c->l.plan->prefetch == PREFETCH_UNIT)
		bring_rows(c, &c->l);
}

void contract_prefetch_unit(Contract *c)
{
	if (sharers(c) == 1)
		bring_unit(c);
}

void contract_prefetch_unit_share(Contract *c)
{
	if (sharers(c) > 1)
		bring_unit(c);
}

/* -- A step -------------------------------------------------------------------------------- */

void contract_prefetch_step(Contract *c, Stream *a)
{
	Emit *e = c->e;
	if (!a->at)
		return;
	V end = LLVMBuildICmp(e->b, LLVMIntEQ, a->left, contract_int(c, 1), "");
	if (a->to) {
		unsigned align = c->p->lanes * c->p->element_bytes;
		V from = l_binary(e, "llvm.umin", a->at, a->limit);
		V line =
		    l_load(e, c->vector, LLVMBuildIntToPtr(e->b, from, e->ptr, ""), c->p->element_bytes);
		l_store(e, line, LLVMBuildIntToPtr(e->b, a->to, e->ptr, ""), align);
		a->to = LLVMBuildAdd(e->b, a->to, l_select(e, end, a->to_wrap, a->to_line), "");
		V again = LLVMBuildAdd(e->b, a->at, a->again, "");
		l_prefetch(e, LLVMBuildIntToPtr(e->b, again, e->ptr, ""), false);
	}
	V soon = a->to ? LLVMBuildAdd(e->b, a->at, a->soon, "") : a->at;
	l_prefetch(e, LLVMBuildIntToPtr(e->b, soon, e->ptr, ""), false);
	V left = LLVMBuildNSWSub(e->b, a->left, contract_int(c, 1), "");
	a->at = LLVMBuildAdd(e->b, a->at, l_select(e, end, a->wrap, a->line), "");
	a->left = l_select(e, end, a->lines, left);
}
