/* kernel_contract_ahead.c: brings the next block of k while this one is multiplied.
 *
 * In: operands that lie across k, so that the machine does not see by itself what comes next. Out:
 * for every step of the loop over k, one line of the next block, after a tile's last block that of
 * the next tile: into the cache, or, if lines are whole, on into panels (the copy of a line that is
 * there costs nothing beside a step's FMAs).
 * The register tiles of a block share the work, in their order: each brings the lines of some steps
 * of k, one step after the other, for what is asked for in places far apart is forgotten. Where
 * panels are copied the tiles of a block do, in turn: bring R's first share, copy R's shares while
 * each brings the one after it, and the same for L. Where nothing is packed: the rows of the next
 * register tile, if they lie along k, or what is read some steps later, if they lie across. */
#include "contract.h"

#include <string.h>

/* -- How much each tile does --------------------------------------------------------------- */

static int64_t lines_of(const Contract *c, const Operand *o)
{
	return blocks_of(o == &c->r ? c->block_rows : c->block_cols, c->lanes);
}

/* Steps of k that a register tile brings. */
static int64_t share_of(const Contract *c, const Operand *o)
{
	return c->block_k / (lines_of(c, o) * c->every);
}

/* Register tiles that are needed for o: a copy follows what is brought by one. */
static int64_t tiles_for(const Contract *c, const Operand *o)
{
	if (!o->ahead)
		return 0;
	return blocks_of(c->block_k, share_of(c, o)) + (o->ahead == COPIED);
}

/* Whose address follows from the index alone, with neighbours along the axis. */
static bool follows(const Contract *c, const Operand *o, int axis)
{
	return c->axes.outers == 0 && c->axes.sums == 1 && !c->pairs && o->free >= 0 &&
	       contract_is_plain(c, o->node) && contiguous_axis(c->e->k, o->node) == axis;
}

static bool runs_ahead(const Contract *c, const Operand *o)
{
	return c->k_blocks > 1 && share_of(c, o) > 0 && follows(c, o, o->free);
}

/* Whether neighbours lie in memory as they are counted, and what follows lies behind. */
static bool lies_forward(const Contract *c, const Operand *o)
{
	const Kernels *k = c->e->k;
	for (NodeId x = o->node; k->buffer_of[x] == 0; x = node(k->graph, x)->in[0]) {
		const Node *n = node(k->graph, x);
		for (int i = 0; n->op == OP_slice && i < n->shape.rank; i++)
			if (n->attr.slice.step[i] != 1)
				return false;
	}
	return true;
}

/* Whether lines are whole, and the smallest block has enough register tiles. */
static bool is_copied(const Contract *c, const Operand *o)
{
	int64_t cols = contract_last(c->cols, c->t.tile_cols), rows = c->block_rows;
	int64_t tiles = blocks_of(cols, c->wide * c->lanes) * (rows / c->high);
	bool whole = c->lanes % c->high == 0 && rows % c->lanes == 0 && rows == c->t.tile_rows &&
	             c->rows % rows == 0 && c->block_cols == c->t.tile_cols;
	if (o == &c->l)
		whole &= c->cols % c->lanes == 0 && c->block_cols % c->lanes == 0;
	return whole && lies_forward(c, o) && tiles > tiles_for(c, &c->r) + tiles_for(c, &c->l);
}

enum {
	FEW_FMAS = 16,   /* of a step: fewer leave no time for more */
	NEAR = 48 << 10, /* bytes that stay in the first cache */
	STEPS = 16,      /* that memory has time for */
};

/* What lies across k and is read where it is: every step is on another line, often another page. */
static bool is_asked_soon(const Contract *c, const Operand *o)
{
	int64_t size = o == &c->r ? c->rows : c->cols;
	return size * c->k * c->size > NEAR && c->k > STEPS && o->source == DIRECT && !o->ahead &&
	       c->high * c->wide >= FEW_FMAS && follows(c, o, o->free);
}

/* Rows along k that are read where they are: each is a stream of its own, and a short one. */
static bool rows_follow(const Contract *c)
{
	bool far = c->rows * c->k * c->size > machine_far_bytes(c->e->c->machine) &&
	           c->high * c->wide >= FEW_FMAS;
	return far && c->r.source == DIRECT && follows(c, &c->r, c->r.contract);
}

/* R lies across its panels. L is as well read where it is, but for pieces of its rows. */
static void choose(Contract *c)
{
	c->r.ahead = c->r.source == ALONG_IT && runs_ahead(c, &c->r) ? BROUGHT : NOTHING;
	bool l_packed = c->deep || c->l.source == ALONG_IT;
	c->l.ahead = l_packed && runs_ahead(c, &c->l) ? BROUGHT : NOTHING;
	if (c->r.ahead && is_copied(c, &c->r))
		c->r.ahead = COPIED;
	if (c->r.ahead == COPIED && c->l.ahead && c->cols > c->t.tile_cols && is_copied(c, &c->l))
		c->l.ahead = COPIED;
	if (!c->r.ahead && !c->l.ahead && rows_follow(c))
		c->r.ahead = NEXT_ROWS;
	c->r.soon = is_asked_soon(c, &c->r), c->l.soon = c->r.soon && is_asked_soon(c, &c->l);
}

/* Lines that are copied in every second step, if there are tiles enough, leave the caches time. */
void contract_choose_ahead(Contract *c)
{
	c->every = 1;
	choose(c);
	if (c->r.ahead != COPIED || c->unroll > 1 || c->k % 2)
		return;
	Operand l = c->l;
	c->every = c->unroll = 2;
	choose(c);
	if (c->r.ahead == COPIED && c->l.ahead == l.ahead)
		return;
	c->every = c->unroll = 1;
	choose(c);
}

/* -- Addresses ----------------------------------------------------------------------------- */

static V address_of(Contract *c, const Operand *o, V free, V k)
{
	int lane_axis = o->ahead == NEXT_ROWS ? o->contract : o->free;
	Index index = contract_index(c, o, free, k, lane_axis, c->lanes);
	return LLVMBuildPtrToInt(c->e->b, value_address(c->ke, o->node, &index), c->e->word, "");
}

/* The step of a block at which share number `share` of o starts; the last one ends with the block. */
static V start_of(Contract *c, const Operand *o, V share)
{
	V last = contract_int(c, c->block_k - share_of(c, o));
	return l_binary(c->e, "llvm.smin", contract_scale(c, share, share_of(c, o)), last);
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
static Ahead stream_of(Contract *c, const Operand *o, V share)
{
	LLVMBuilderRef b = c->e->b;
	int64_t lines = lines_of(c, o);
	V k = contract_add(c, c->next.k0, start_of(c, o, share));
	V free = o == &c->r ? c->next.row0 : c->next.col0;
	Ahead a = {.at = next_address_of(c, o, free, k)};
	V after = next_address_of(c, o, free, contract_add(c, k, contract_int(c, 1)));
	a.line = contract_int(c, (int64_t)c->lanes * c->size);
	V last = contract_add(c, a.at, contract_scale(c, a.line, lines - 1));
	a.wrap = LLVMBuildSub(b, after, last, "");
	a.left = a.lines = contract_int(c, lines);
	return a;
}

/* -- What a tile brings or copies ---------------------------------------------------------- */

/* x of `a` where the condition holds, else of `b`. */
static Ahead either(Contract *c, V condition, Ahead a, Ahead b)
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
static int64_t brought(const Contract *c, const Operand *o)
{
	return o->ahead == COPIED ? 1 : tiles_for(c, o);
}

/* Line after line of row after row: more than the next tile reads, where k is long. */
static Ahead next_rows(Contract *c, const RegisterTile *t)
{
	int64_t line = (int64_t)c->lanes * c->size, lines = blocks_of(c->block_k, c->lanes);
	V row = contract_add(c, contract_add(c, c->row0, t->i), contract_int(c, c->high));
	V after = contract_add(c, row, contract_int(c, 1));
	Ahead a = {.at = address_of(c, &c->r, row, c->k0)};
	a.wrap = LLVMBuildSub(c->e->b, address_of(c, &c->r, after, c->k0), a.at, "");
	a.wrap = contract_add(c, a.wrap, contract_int(c, -(lines - 1) * line));
	a.line = contract_int(c, line);
	a.left = a.lines = contract_int(c, lines);
	return a;
}

Ahead contract_ahead(Contract *c, const RegisterTile *t)
{
	LLVMBuilderRef b = c->e->b;
	if (!c->r.ahead && !c->l.ahead)
		return (Ahead){.at = NULL};
	if (c->r.ahead == NEXT_ROWS)
		return next_rows(c, t);
	V number = contract_tile_number(c, t),
	  past_r = contract_add(c, number, contract_int(c, -tiles_for(c, &c->r)));
	V is_r = less(c, number, brought(c, &c->r)), is_l = less(c, past_r, brought(c, &c->l));
	is_l = LLVMBuildAnd(b, is_l, LLVMBuildNot(b, less(c, past_r, 0), ""), "");
	Ahead a = {.at = NULL};
	if (c->r.ahead)
		a = stream_of(c, &c->r, number);
	if (c->l.ahead)
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
	if (c->r.ahead != COPIED)
		return NULL;
	int64_t r_tiles = tiles_for(c, &c->r), l_tiles = c->l.ahead == COPIED ? tiles_for(c, &c->l) : 0;
	V number = contract_tile_number(c, t), is_first = LLVMBuildNot(b, less(c, number, 1), "");
	V copies = LLVMBuildAnd(b, is_first, less(c, number, r_tiles + l_tiles), "");
	V first_of_l = LLVMBuildICmp(b, LLVMIntEQ, number, contract_int(c, r_tiles), "");
	copies = LLVMBuildAnd(b, copies, LLVMBuildNot(b, first_of_l, ""), "");
	return LLVMBuildAnd(b, copies, LLVMBuildNot(b, c->ends, ""), "");
}

enum { AGAIN = 2 }; /* steps */

static Ahead copy_of(Contract *c, const Operand *o, V share)
{
	Emit *e = c->e;
	int64_t lines = lines_of(c, o), whole = o == &c->r ? c->rows : c->cols;
	Ahead a = stream_of(c, o, share);
	/* Nothing behind the operand's end is read: the last block may be shorter than others. */
	V end = contract_int(c, whole - c->lanes);
	a.limit = next_address_of(c, o, end, contract_int(c, c->k - 1));
	a.soon = stream_of(c, o, contract_add(c, share, contract_int(c, 1))).at;
	a.soon = LLVMBuildSub(e->b, a.soon, a.at, "");
	/* Bytes of a step; the first two have just been brought. */
	V step = contract_add(c, a.wrap, contract_scale(c, a.line, lines - 1));
	a.again = contract_scale(c, step, AGAIN);
	V to = contract_scale(c, start_of(c, o, share), o->group);
	a.to = LLVMBuildPtrToInt(e->b, l_at(e, c->element, o->next, to), e->word, "");
	a.to_line = contract_int(c, o->stride * c->size);
	a.to_wrap = contract_int(c, (o->group - (lines - 1) * o->stride) * c->size);
	return a;
}

Ahead contract_copy(Contract *c, const RegisterTile *t)
{
	V one = contract_int(c, 1),
	  share = LLVMBuildNSWSub(c->e->b, contract_tile_number(c, t), one, "");
	Ahead r = copy_of(c, &c->r, share);
	if (c->l.ahead != COPIED)
		return r;
	V past_r = contract_add(c, share, contract_int(c, -tiles_for(c, &c->r)));
	return either(c, less(c, past_r, 0), r, copy_of(c, &c->l, past_r));
}

static void ask(Contract *c, const Operand *o, V free, V k)
{
	V at = address_of(c, o, free, contract_add(c, k, contract_int(c, STEPS)));
	l_prefetch(c->e, LLVMBuildIntToPtr(c->e->b, at, c->e->ptr, ""), false);
}

void contract_ask_soon(Contract *c, const RegisterTile *t, V k)
{
	if (!c->r.soon)
		return;
	k = contract_add(c, c->k0, k);
	/* The last row: the first often shares its line with the tile before. */
	V row = contract_add(c, contract_add(c, c->row0, t->i), contract_int(c, t->high - 1));
	V col = contract_add(c, c->col0, t->j);
	ask(c, &c->r, row, k);
	for (unsigned v = 0; c->l.soon && v < t->wide; v++)
		ask(c, &c->l, contract_add(c, col, contract_int(c, v * c->lanes)), k);
}

/* -- A step -------------------------------------------------------------------------------- */

void contract_ahead_step(Contract *c, Ahead *a)
{
	Emit *e = c->e;
	if (!a->at)
		return;
	V end = LLVMBuildICmp(e->b, LLVMIntEQ, a->left, contract_int(c, 1), "");
	if (a->to) {
		unsigned align = c->lanes * c->size;
		V from = l_binary(e, "llvm.umin", a->at, a->limit);
		V line = l_load(e, c->vector, LLVMBuildIntToPtr(e->b, from, e->ptr, ""), c->size);
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
