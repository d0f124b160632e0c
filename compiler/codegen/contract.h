/* contract.h: private to kernel_contract*.c: one matrix product being emitted.
 *
 * C[row][col] = sum over k of R[row][k] L[k][col], for every batch index. Lanes of vectors run
 * along columns; one element of R is spread over a vector. Which operand of the dot is R: x, or y
 * when y has a single column (then the lanes run along x's free axis). Both are read through
 * value_at(), so that what was fused into them is computed while they are packed. */
#ifndef SSLC_CONTRACT_H
#define SSLC_CONTRACT_H

#include "emit.h"

typedef enum Source {
	DIRECT,   /* read where it is, at every use */
	ALONG_K,  /* packed by vectors along k: R as [row][k], L transposed into panels */
	ALONG_IT, /* packed by vectors along its free axis: R as [k][row], L into panels */
} Source;

typedef struct Operand {
	NodeId node;
	uint8_t batch[MAX_RANK];
	int free, contract; /* axes; free -1: it has none */
	Source source;
	V pack; /* rows, steps of k or panels of `stride` elements */
	int64_t stride;
} Operand;

typedef struct Contract {
	KernelEmit *ke;
	Emit *e;
	const Node *dot;
	Operand r, l;
	int batches, row_axis, col_axis;                   /* of the result; -1: it has none */
	int64_t rows, cols, k;                             /* whole */
	int64_t tile_rows, tile_cols;                      /* of a tile as scheduled, */
	int64_t row_blocks, col_blocks;                    /* of which there are so many */
	int64_t block_rows, block_cols, block_k, k_blocks; /* what is packed at a time */
	unsigned lanes, high, wide,
	    unroll; /* register tile: high rows of wide vectors; steps of k in a round */
	T element, vector;
	unsigned size; /* bytes of an element */
	V partial;     /* sums between blocks of k, and rows on their way to a long epilogue */
	int64_t partial_stride;
	bool long_epilogue, swapped; /* swapped: R is y */
	/* Of the tile, then block, being computed; first and last block of k: NULL when there is one.
	 */
	V batch[MAX_RANK], row0, col0, row_count, col_count, k0, k_count, first, last;
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

/* Where to read o: `free` along its own axis and `k`, both of the whole product. lane_axis: of the
 * operand, or -1. valid: lanes that exist; 0: all. */
Index contract_index(const Contract *c, const Operand *o, V free, V k, int lane_axis,
                     unsigned valid);
V contract_mask(const Contract *c, unsigned valid); /* NULL: all */

/* kernel_contract_choose.c */
Contract contract_choose(KernelEmit *ke);
int64_t contract_row_bytes(const Contract *c); /* of scratch, for R, then L, then partial sums */
int64_t contract_col_bytes(const Contract *c);

/* kernel_contract_pack.c: the present block of k of an operand; nothing if it is read where it is.
 */
void contract_pack(Contract *c, Operand *o, Run run);

/* kernel_contract_tile.c: rows [i, i + high) and vectors [0, wide) from column j on, relative to
 * the tile; of the last vector `valid` lanes exist, 0: all. panel: the number of the column panel.
 */
typedef struct RegisterTile {
	V i, j, panel;
	unsigned high, wide, valid;
} RegisterTile;
void contract_register_tile(Contract *c, const RegisterTile *t);

#endif
