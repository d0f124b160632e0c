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

typedef enum Source {
	DIRECT,   /* read where it is, at every use */
	ALONG_K,  /* packed by vectors along k: R as [row][k], L transposed into panels */
	ALONG_IT, /* packed by vectors along its free axis, into panels */
} Source;

typedef struct Operand {
	NodeId node;
	const int8_t *axis; /* for each axis of the result: the operand's, or -1 */
	const uint8_t *sum; /* the contracted axes, */
	int free, contract; /* of which the last; the row's or column's, -1: it has none */
	Source source;
	V pack; /* rows or panels of `stride` elements */
	int64_t stride;
	V next;        /* where the next block of k is packed meanwhile */
	int64_t group; /* elements of a step in a panel: those of one register tile or of several, or
	                  one vector of L's */
	/* Of its next block of k, meanwhile; or of the next register tile's rows. */
	enum { NOTHING, BROUGHT, COPIED, NEXT_ROWS } ahead;
	bool soon; /* read where it is: asked for some steps before */
} Operand;

/* The block of k after the present one: of the same tile, or the first of the next. */
typedef struct ContractNext {
	V row0, col0, k0, at[MAX_RANK];
} ContractNext;

typedef struct Contract {
	KernelEmit *ke;
	Emit *e;
	const Node *dot;
	Operand r, l;
	ContractAxes axes;
	ContractTiling t;
	int64_t rows, cols, k;                             /* whole */
	int64_t sum_size[MAX_RANK];                        /* of each sum; the last is k */
	int64_t block_rows, block_cols, block_k, k_blocks; /* what is packed at a time; blocks are of */
	int64_t block_sum;                                 /* the first sum, if there is one before k */
	int64_t block_steps;                               /* of all sums in a block */
	unsigned lanes, high, wide,
	    unroll,         /* register tile: high rows of wide vectors; steps of k in a round, */
	    every;          /* and from one line that is brought or copied to the next */
	Source l_source;    /* of L, unless it is copied */
	bool deep;          /* contract_is_deep */
	bool pairs;         /* a step of k is a pair of bf16; k, block_k, k0, .. count steps, */
	int64_t k_elements; /* this elements */
	T element, vector;
	unsigned size;   /* bytes of an element, of a pair */
	bool runs_on;    /* a part of k continues the sum of those before; else it adds its own */
	bool keeps_lost; /* what rounding takes between blocks of k, of which there are many */
	int cut_sum;     /* each value of this sum, if there are several, adds a total of its own; -1 */
	V partial;       /* sums between blocks of k, and rows on their way to a long epilogue */
	bool long_epilogue;
	bool adds;      /* a tile adds some steps of k to what is there: k is what a part has, */
	int64_t k_rest; /* but for the last, which has these */
	/* Of the tile, then block, being computed; first and last block of k: NULL when there is one. */
	V row0, col0, row_count, col_count, k0, k_count, first, last;
	V at[MAX_RANK];                            /* batch and outer axes of the result */
	V begin, end, tile;                        /* tiles of this call, the present one; */
	V starts, ends;                            /* first and last block of k of all of them */
	ContractNext next;                         /* what comes after the present block of k */
	V outer0, outer_count, outer;              /* outer: relative to the tile */
	V sum[MAX_RANK], sum0, sum_count, skipped; /* skipped: steps before, in the block */
} Contract;

static inline int64_t blocks_of(int64_t count, int64_t block)
{
	return (count + block - 1) / block;
}

/* The size of the last of the blocks of a whole. */
static inline int64_t contract_last(int64_t whole, int64_t block)
{
	return (whole - 1) % block + 1;
}

enum { CONTRACT_RUN = 1024 /* steps that are added one after the other, at most, about */ };

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

Run contract_steps_of_k(const Contract *c);

/* Calls f for the panels of a run: once in a loop over all full ones, once for each size that the
 * rest can have. */
typedef void (*ContractPanel)(Contract *c, void *context, V at, V panel, int64_t size);
void contract_each_panel(Contract *c, Run run, int64_t block, ContractPanel f, void *context);

/* Runs body once for every value of the sums before k in the present block. carry: MAX_CARRY values
 * or NULL, handed on from one to the next. */
typedef void (*ContractSum)(Contract *c, void *context, V *carry, unsigned carries);
void contract_each_sum(Contract *c, ContractSum body, void *context, V *carry, unsigned carries);

/* Where to read o: `free` along its own axis and `k`, both of the whole product. lane_axis: of the
 * operand, or -1. valid: lanes that exist; 0: all. */
Index contract_index(const Contract *c, const Operand *o, V free, V k, int lane_axis,
                     unsigned valid);
V contract_mask(const Contract *c, unsigned valid); /* NULL: all */

/* kernel_contract_read.c: what is there; a scalar or a vector. lane_axis: of the operand, its free
 * or its contracted one, or -1. valid: lanes that exist, at least 1; others may hold anything. */
V contract_read(Contract *c, const Operand *o, V free, V k, int lane_axis, unsigned valid);
/* sum + row col, or of the pairs row and col, their two products. */
V contract_multiply(Contract *c, V row, V col, V sum);

/* kernel_contract_choose.c */
int64_t contract_row_panels(const Contract *c); /* register tiles of a block along rows, columns */
int64_t contract_col_panels(const Contract *c);
void contract_choose(KernelEmit *ke, Contract *c); /* c keeps pointers into itself */
int64_t contract_row_bytes(const Contract *c); /* of scratch, for R, then L, then partial sums */
int64_t contract_col_bytes(const Contract *c);
int64_t contract_partial_bytes(const Contract *c);
bool contract_is_plain(const Contract *c, NodeId x); /* nothing is computed when it is read */

/* kernel_contract_pack.c: the present block of k of an operand; nothing if it is read where it is. */
void contract_pack(Contract *c, Operand *o, Run run);

/* kernel_contract_tile.c: rows [i, i + high) and vectors [0, wide) from column j on, relative to
 * the tile; of the last vector `valid` lanes exist, 0: all. row_panel, panel: their numbers. */
typedef struct RegisterTile {
	V i, j, row_panel, panel;
	unsigned high, wide, valid;
} RegisterTile;
void contract_register_tile(Contract *c, const RegisterTile *t);
V contract_tile_number(Contract *c, const RegisterTile *t); /* in its block; rows count fastest */

/* kernel_contract_ahead.c: to be carried through the loop over k: `at`, `left`, `to`. */
typedef struct Ahead {   /* nothing but Vs: they are selected one by one */
	V at, left;          /* the next line's address, NULL: none; lines left of this step of k */
	V to;                /* where it is copied to, NULL: it is only brought into the cache */
	V lines, line, wrap; /* of a whole step; bytes to the next line, to the next step */
	V to_line, to_wrap;  /* the same of `to` */
	V limit, soon;       /* the last line that there is; bytes from `at` to what is brought, */
	V again;             /* and to what is asked for once more, lest it was forgotten */
} Ahead;
void contract_choose_ahead(Contract *c);
Ahead contract_ahead(Contract *c, const RegisterTile *t);
/* Whether this register tile copies; NULL: none does. */
V contract_copies_now(Contract *c, const RegisterTile *t);
Ahead contract_copy(Contract *c, const RegisterTile *t);
void contract_ahead_step(Contract *c, Ahead *a);
/* At step k, relative: asks for what is read where it is some steps later. */
void contract_ask_soon(Contract *c, const RegisterTile *t, V k);

#endif
