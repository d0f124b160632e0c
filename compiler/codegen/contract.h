/* contract.h: private to kernel_contract*.c: one matrix product being emitted.
 *
 * C[row][col] = sum over k of R[row][k] L[k][col], for every batch index. Lanes of vectors run
 * along columns; one element of R is spread over a vector. Which operand of the dot is R: x, or y
 * when y has a single column (then the lanes run along x's free axis). Both are read through
 * value_at(), so that what was fused into them is computed while they are packed.
 *
 * Where the machine multiplies pairs of bf16, a step of k is a pair of neighbours, in the bits of
 * one f32: the first in the lower half. Of an odd k the last is paired with zeros. */
#ifndef SSLC_CONTRACT_H
#define SSLC_CONTRACT_H

#include "emit.h"

typedef struct Operand {
	const OperandAxes *axes;
	const OperandPlan *plan;
	V pack; /* rows or panels of plan->stride elements */
	V next; /* where the next block of k is packed meanwhile */
} Operand;

/* The block of k after the present one: of the same tile, or the first of the next. */
typedef struct ContractNext {
	V row0, col0, k0, at[MAX_RANK];
} ContractNext;

typedef struct Contract {
	KernelEmit *ke;
	Emit *e;
	const Node *dot;
	const ContractPlan *p; /* what is done; */
	const ContractAxes *axes;
	const ContractTiling *t;
	Operand r, l;
	T element, vector; /* of a step of k; of lanes */
	V partial;         /* sums between blocks of k, and rows on their way to a long epilogue */
	V edge;            /* room for the sums of a register tile */
	/* Of the tile, then block, being computed; first and last block of k: NULL when there is one. */
	V row0, col0, row_count, col_count, k0, k_count, first, last;
	V at[MAX_RANK];   /* batch and outer axes of the result */
	NodeId beside[4]; /* what the epilogue reads where it writes, if it is brought: so many */
	unsigned besides;
	V begin, end, tile;                        /* tiles of this call, the present one; */
	V starts, ends;                            /* first and last block of k of all of them */
	ContractNext next;                         /* what comes after the present block of k */
	V outer0, outer_count, outer;              /* outer: relative to the tile */
	V sum[MAX_RANK], sum0, sum_count, skipped; /* skipped: steps before, in the block */
	V hidden;                                  /* of what is left out: where it begins; else NULL */
	bool bounded; /* steps of padding are left out: not of what is packed */
	V number;     /* of the register tile, if it brings values of sums; NULL: it does not */
} Contract;

/* Its next block of k, or the next rows, are brought line after line. */
static inline bool contract_brings(const Operand *o)
{
	return o->plan->tiles || o->plan->prefetch == PREFETCH_ROWS;
}

/* -- contract.c -------------------------------------------------------------------------------- */

V contract_int(Contract *c, int64_t x);
V contract_add(Contract *c, V x, V y);
V contract_scale(Contract *c, V x, int64_t by); /* x by */

/* if (condition) { ... }, nothing carried out; NULL: always. */
typedef struct When {
	LLVMBasicBlockRef after;
} When;
When when_begin(Contract *c, V condition);
void when_end(Contract *c, When w);

/* `count` steps, which is one of `size`. */
typedef struct Run {
	V count;
	int64_t size[3];
	int sizes;
} Run;

/* The sizes of blocks in tiles of `tile` (the last of `last`) cut by `block`. */
Run contract_run(V count, int64_t tile, int64_t last, int64_t block);
Run contract_steps_of_k(const Contract *c);

/* Calls f for the panels of a run: once in a loop over all full ones, once for each size that the
 * rest can have. */
typedef void (*ContractPanel)(Contract *c, void *context, V at, V panel, int64_t size);
void contract_each_panel(Contract *c, Run run, int64_t block, ContractPanel f, void *context);

/* Runs body once for every value of the sums before k in the present block. carry: MAX_CARRY values
 * or NULL, handed on from one to the next. */
typedef void (*ContractSum)(Contract *c, void *context, V *carry, unsigned carries);
/* Moves the ends of a part of sum i to those of its values that meet no padding. */
void contract_bound(Contract *c, int i, V *from, V *to);
void contract_each_sum(Contract *c, ContractSum body, void *context, V *carry, unsigned carries);

/* Where to read o: `free` along its own axis and `k`, both of the whole product. lane_axis: of the
 * operand, or -1. valid: lanes that exist; 0: all. */
Index contract_index(const Contract *c, const Operand *o, V free, V k, int lane_axis,
                     unsigned valid);
V contract_mask(const Contract *c, unsigned valid); /* NULL: all */

/* Rows [i, i + high) and vectors [0, wide) from column j on, relative to the tile; of the last
 * vector `valid` lanes exist, 0: all. row_panel, panel: their numbers. */
typedef struct RegisterTile {
	V i, j, row_panel, panel;
	unsigned high, wide, valid;
} RegisterTile;
V contract_tile_number(Contract *c, const RegisterTile *t); /* in its block; rows count fastest */

/* -- In this order; each calls those before it ------------------------------------------------- */

/* kernel_contract_read.c: what is there; a scalar or a vector. lane_axis: of the operand, its free
 * or its contracted one, or -1. valid: lanes that exist, at least 1; others may hold anything. */
V contract_read(Contract *c, const Operand *o, V free, V k, int lane_axis, unsigned valid);
/* sum + row col, or of the pairs row and col, their two products. */
V contract_multiply(Contract *c, V row, V col, V sum);

/* kernel_contract_pack.c: the present block of k of an operand; nothing if it is read where it is. */
void contract_pack(Contract *c, Operand *o, Run run);

/* kernel_contract_prefetch.c: to be carried through the loop over k: `at`, `left`, `to`. */
typedef struct Stream {  /* nothing but Vs: they are selected one by one */
	V at, left;          /* the next line's address, NULL: none; lines left of this step of k */
	V to;                /* where it is copied to, NULL: it is only brought into the cache */
	V lines, line, wrap; /* of a whole step; bytes to the next line, to the next step */
	V to_line, to_wrap;  /* the same of `to` */
	V limit, soon;       /* the last line that there is; bytes from `at` to what is brought, */
	V again;             /* and to what is asked for once more, lest it was forgotten */
} Stream;
Stream contract_prefetch(Contract *c, const RegisterTile *t);
/* Whether this register tile copies; NULL: none does. */
V contract_copies_now(Contract *c, const RegisterTile *t);
Stream contract_copy(Contract *c, const RegisterTile *t);
void contract_prefetch_step(Contract *c, Stream *a);
/* At step k, relative: asks for what is read where it is some steps later. */
void contract_prefetch_soon(Contract *c, const RegisterTile *t, V k);
/* At the present value of a sum: asks for its share of what the next block, or outer index, reads. */
void contract_prefetch_value(Contract *c, int sum);
/* Asks for what the tile c->next reads. */
void contract_prefetch_unit(Contract *c);
void contract_prefetch_unit_share(Contract *c); /* the share of the present register tile */

/* kernel_contract_edge.c: leaves zeros of R's and L's paddings out of those sums that are NaN, of all that the
 * present block of k adds; sum: [high wide]. */
void contract_edge(Contract *c, const RegisterTile *t, V *sum);

/* kernel_contract_tile.c: L's vector v of a register tile at step k, relative to the block. */
V contract_column(Contract *c, const RegisterTile *t, unsigned v, V k);
/* First, once: finds what is brought for epilogues. */
void contract_expect(Contract *c);
void contract_register_tile(Contract *c, const RegisterTile *t);

#endif
