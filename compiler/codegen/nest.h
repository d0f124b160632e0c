/* nest.h: private to codegen/: loops shared by kernel_*.c. */
#ifndef SSLC_NEST_H
#define SSLC_NEST_H

#include "emit.h"

/* if (condition) { ... } */
typedef struct If {
	LLVMBasicBlockRef after;
} If;
If if_begin(KernelEmit *ke, V condition);
void if_end(KernelEmit *ke, If block);

/* [begin tile, min(end tile, count)): what tiles begin to end stand for. */
void tile_range(KernelEmit *ke, V begin, V end, int64_t count, V *from, V *to);

/* The column from which the rows of the block of a chain leave columns out: `row`, of a unit, is one of them. */
V hidden_from(KernelEmit *ke, V row, int64_t columns);

/* One step of a vector loop at `at`; masks are given in index by the caller of body. */
typedef void (*VectorBody)(KernelEmit *ke, void *context, V at, V mask);
/* for at in [from, to): full vectors, `unroll` at a time, then the rest under a mask. exact: to -
 * from is known to be a multiple of lanes * unroll. Where unroll vectors are 64 elements, `from` is
 * a multiple of 64 and the kernel is flat, the body is in a Stretch. */
void vector_loop(KernelEmit *ke, V from, V to, unsigned unroll, bool exact, VectorBody body,
                 void *context);
/* Which nodes a body computes: the outs, and what they read that has no buffer; behind maps alone, or
 * behind all. On the arena. */
bool *find_computed(const KernelEmit *ke, bool behind_all);
/* What is computed in this kernel: nodes, and whether random bits are among them. */
unsigned body_size(const KernelEmit *ke, bool *random);

/* scatter_rows.c: of a scatter that is not stored. */
void scatter_rows(KernelEmit *ke, V begin, V end, V scratch);

#endif
