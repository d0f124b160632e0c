/* kernel_contract_pack.c: copies a block of an operand into the order in which register tiles read
 * it.
 *
 * In: an operand behind value_at(), a run along its free axis and the present block of k. Out: R
 * where rows lie along k, as it lies, with a stride that spreads over L1; else R in panels
 * [k][group], L in panels [k][width]: the rows and the columns of a register tile (of the last
 * panel of L what it has). Reads are vectors along the contiguous axis; where that is k and panels
 * of L are wanted, squares are transposed in registers. Lanes beyond the matrix hold anything:
 * their sums are never stored. */
#include "contract.h"

/* What the loops below work on: a panel of L, or all of R. */
typedef struct Panel {
	Operand *o;
	V at, base; /* first index relative to the tile; address of its first element */
	int64_t size, width;
	Run run; /* along the free axis */
	V first; /* relative index of the first of the vector or square */
	unsigned valid;
} Panel;

static V start_of(const Contract *c, const Operand *o)
{
	return o == &c->r ? c->row0 : c->col0;
}

static void store_at(Contract *c, V base, V index, V value)
{
	l_store(c->e, value, l_at(c->e, c->element, base, index), c->p->element_bytes);
}

/* Reads lanes along `axis` (free or contracted) at (free, k), both relative. */
static V read(Contract *c, const Operand *o, V free, V k, int axis, unsigned valid)
{
	V free_at = contract_add(c, start_of(c, o), free), k_at = contract_add(c, c->k0, k);
	valid = valid < c->p->lanes ? valid : c->p->lanes;
	return l_splat(c->e, contract_read(c, o, free_at, k_at, axis, valid), c->p->lanes);
}

/* -- R ------------------------------------------------------------------------------------- */

static void row_piece(Contract *c, void *context, V k, V panel, int64_t size)
{
	Panel *p = context;
	(void)panel;
	V row = contract_scale(c, p->at, p->o->plan->stride);
	V value = read(c, p->o, p->at, k, p->o->axes->contract, (unsigned)size);
	store_at(c, p->base, contract_add(c, row, k), value);
}

static void pack_row(Contract *c, void *context, V at, V panel, int64_t size)
{
	Panel *p = context;
	(void)panel, (void)size;
	p->at = at;
	contract_each_panel(c, contract_steps_of_k(c), c->p->lanes, row_piece, p);
}

/* A step of a panel. The lanes that are too many fall on the next step, which comes after it. */
static void step_piece(Contract *c, void *context, V at, V panel, int64_t size)
{
	Panel *p = context;
	V step = contract_add(c, contract_scale(c, panel, p->o->plan->stride),
	                      contract_scale(c, p->at, p->o->plan->group));
	for (int64_t i = 0; i < size; i += c->p->lanes) {
		V offset = contract_int(c, i), first = contract_add(c, at, offset);
		V value = read(c, p->o, first, p->at, p->o->axes->free, (unsigned)(size - i));
		store_at(c, p->base, contract_add(c, step, offset), value);
	}
}

static void pack_step(Contract *c, void *context, V k, V panel, int64_t size)
{
	Panel *p = context;
	(void)panel, (void)size;
	p->at = k;
	contract_each_panel(c, p->run, p->o->plan->group, step_piece, p);
}

/* -- Panels of L along its free axis ------------------------------------------------------- */

static void panel_step(Contract *c, void *context, V k, V panel, int64_t size)
{
	Panel *p = context;
	(void)panel, (void)size;
	V step = contract_scale(c, k, p->width);
	for (int64_t i = 0; i < p->size; i += c->p->lanes) {
		V offset = contract_int(c, i), at = contract_add(c, p->at, offset);
		V value = read(c, p->o, at, k, p->o->axes->free, (unsigned)(p->size - i));
		store_at(c, p->base, contract_add(c, step, offset), value);
	}
}

/* -- Panels along k: squares of lanes x lanes ---------------------------------------------- */

enum { PIECE = 16 /* bytes of a vector in which elements move at no cost, on most machines */ };

/* Of each piece of x and of y one half, runs of `size` elements in turns. */
static V zip(Contract *c, V x, V y, unsigned piece, unsigned size, unsigned half)
{
	unsigned lanes = c->p->lanes;
	V place[64];
	for (unsigned i = 0; i < lanes; i++) {
		unsigned at = i % piece, run = at / size, of_y = run % 2;
		unsigned from = i / piece * piece + half * piece / 2 + run / 2 * size + at % size;
		place[i] = l_i32(c->e, (int32_t)(of_y * lanes + from));
	}
	return LLVMBuildShuffleVector(c->e->b, x, y, LLVMConstVector(place, lanes), "");
}

/* The even or odd pieces of x, then those of y. */
static V every_other(Contract *c, V x, V y, unsigned piece, unsigned odd)
{
	unsigned lanes = c->p->lanes;
	V place[64];
	for (unsigned i = 0; i < lanes; i++)
		place[i] = l_i32(c->e, (int32_t)((2 * (i / piece) + odd) * piece + i % piece));
	return LLVMBuildShuffleVector(c->e->b, x, y, LLVMConstVector(place, lanes), "");
}

/* Piece i of the row number j of `count`, `step` apart, becomes piece j of row i: first those of even i and
 * of odd i, each of half as many rows. */
static void transpose_pieces(Contract *c, V *row, unsigned step, unsigned count, unsigned piece)
{
	V half[2][32];
	for (unsigned odd = 0; count > 1 && odd < 2; odd++) {
		for (unsigned i = 0; i < count; i += 2)
			half[odd][i / 2] = every_other(c, row[i * step], row[(i + 1) * step], piece, odd);
		transpose_pieces(c, half[odd], 1, count / 2, piece);
	}
	for (unsigned i = 0; count > 1 && i < count; i++)
		row[i * step] = half[i % 2][i / 2];
}

/* Rows become columns: in squares of pieces, then the pieces. */
static void transpose(Contract *c, V *row)
{
	unsigned lanes = c->p->lanes, piece = PIECE / (unsigned)c->p->element_bytes;
	piece = piece < lanes ? piece : lanes;
	for (unsigned i = 0; piece == 4 && i < lanes; i += 4) {
		V low[2], high[2];
		for (unsigned j = 0; j < 2; j++) {
			low[j] = zip(c, row[i + 2 * j], row[i + 2 * j + 1], piece, 1, 0);
			high[j] = zip(c, row[i + 2 * j], row[i + 2 * j + 1], piece, 1, 1);
		}
		for (unsigned j = 0; j < 2; j++) {
			row[i + j] = zip(c, low[0], low[1], piece, 2, j);
			row[i + 2 + j] = zip(c, high[0], high[1], piece, 2, j);
		}
	}
	for (unsigned i = 0; piece == 2 && i < lanes; i += 2) {
		V low = zip(c, row[i], row[i + 1], piece, 1, 0);
		row[i + 1] = zip(c, row[i], row[i + 1], piece, 1, 1);
		row[i] = low;
	}
	for (unsigned j = 0; j < piece; j++)
		transpose_pieces(c, row + j, piece, lanes / piece, piece);
}

static void square(Contract *c, void *context, V k, V panel, int64_t size)
{
	Panel *p = context;
	(void)panel;
	V row[64];
	for (unsigned i = 0; i < c->p->lanes; i++) {
		V free = contract_add(c, p->first, contract_int(c, i));
		row[i] = i < p->valid ? read(c, p->o, free, k, p->o->axes->contract, (unsigned)size)
		                      : LLVMGetPoison(c->vector);
	}
	transpose(c, row);
	V column = LLVMBuildNSWSub(c->e->b, p->first, p->at, "");
	for (int64_t i = 0; i < size; i++) {
		V step = contract_scale(c, contract_add(c, k, contract_int(c, i)), p->width);
		store_at(c, p->base, contract_add(c, step, column), row[i]);
	}
}

static void squares(Contract *c, void *context, V at, V panel, int64_t size)
{
	Panel *p = context;
	(void)panel;
	p->first = contract_add(c, p->at, at), p->valid = (unsigned)size;
	contract_each_panel(c, contract_steps_of_k(c), c->p->lanes, square, p);
}

/* -- Both ---------------------------------------------------------------------------------- */

static void pack_steps(Contract *c, void *context, V *carry, unsigned carries)
{
	Panel here = *(const Panel *)context;
	(void)carry, (void)carries;
	if (c->axes->sums > 1)
		here.base = l_at(c->e, c->element, here.base, contract_scale(c, c->skipped, here.width));
	Run whole = {contract_int(c, here.size), {here.size}, 1};
	if (here.o->plan->source == SOURCE_ALONG_FREE)
		contract_each_panel(c, contract_steps_of_k(c), 1, panel_step, &here);
	else
		contract_each_panel(c, whole, c->p->lanes, squares, &here);
}

static void pack_panel(Contract *c, void *context, V at, V panel, int64_t size)
{
	Operand *l = context;
	Panel here = {
	    .o = l, .at = at, .size = size, .width = blocks_of(size, c->p->lanes) * c->p->lanes};
	here.base = l_at(c->e, c->element, l->pack, contract_scale(c, panel, l->plan->stride));
	contract_each_sum(c, pack_steps, &here, NULL, 0);
}

void contract_pack(Contract *c, Operand *o, Run run)
{
	Panel p = {.o = o, .base = o->pack, .run = run};
	if (o->plan->source == SOURCE_DIRECT)
		return;
	bool by_steps = o == &c->r || o->plan->prefetch == PREFETCH_COPY; /* not panel after panel */
	if (!by_steps)
		contract_each_panel(c, run, o->plan->group, pack_panel, o);
	else if (o->plan->source == SOURCE_ALONG_K)
		contract_each_panel(c, run, 1, pack_row, &p);
	else
		contract_each_panel(c, contract_steps_of_k(c), 1, pack_step, &p);
}
