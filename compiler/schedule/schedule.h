/* schedule.h: optimized graph -> kernels -> memory. Decides what is stored, what is computed where,
 * in which order. */
#ifndef SSLC_SCHEDULE_H
#define SSLC_SCHEDULE_H

#include "../graph/graph.h"

/* -- Buffers: nodes that are stored ---------------------------------------------------------------
 */

typedef uint32_t BufferId; /* 0: not stored: computed where it is used */

typedef enum Place {
	PLACE_ARENA,  /* scratch, planned */
	PLACE_STATE,  /* the states block: `state` leaves, and values of sets written in place */
	PLACE_INPUT,  /* given by the caller: block->inputs[slot] */
	PLACE_OUTPUT, /* block->outputs[slot] */
} Place;

typedef struct Buffer {
	NodeId node; /* what it holds, row-major, contiguous */
	Place place;
	uint32_t slot; /* input or output number; PLACE_STATE: index into state_name */
	uint64_t bytes;
	uint64_t offset; /* PLACE_ARENA: by plan(); PLACE_STATE: not known here, see codegen.h */
	uint32_t first,
	    last; /* kernels: the one that writes it, the last that reads it (PLACE_ARENA) */
} Buffer;

/* -- Kernels
 * ---------------------------------------------------------------------------------------- */

/* kinds.def rows: KERNEL(name, meaning) */
typedef enum KernelKind {
#define KERNEL(name, meaning) KERNEL_##name,
#include "kinds.def"
#undef KERNEL
	KERNEL_COUNT
} KernelKind;

enum { MAX_KERNEL_OUTS = 32 };

/* contract: the product is m x n, summed over k; a tile computes mc x nc of it and sums kc at a
 * time. Tile t is block (t / n_blocks) % m_blocks of rows and t % n_blocks of columns of batch t /
 * (m_blocks n_blocks). */
typedef struct ContractTiling {
	int64_t m, n, k;
	int64_t mc, nc, kc;
	int64_t m_blocks, n_blocks;
} ContractTiling;

/* Computes `outs` (all of one shape: the loop space of a map, the result's of a reduce or contract)
 * and stores each in its buffer. A node that has no buffer is computed from its operands where it
 * is needed; a node that has one is loaded, unless it is an out of this very kernel (or the core),
 * which is computed here. */
typedef struct Kernel {
	KernelKind kind;
	NodeId core; /* reduce: the sum or reduce_max; contract: the dot; scatter: the scatter_add; map:
	                0 */
	NodeId *out; /* [out_count] */
	BufferId *to; /* [out_count] where each is stored */
	uint32_t out_count;
	BufferId from; /* copy: what is copied */
	bool flat;     /* map: every node in it has the loop's row-major order (element-wise, reshape,
	                  scalars): one loop */
	int64_t tiles; /* independent pieces, in [0, tiles); by shape alone, never by the number of
	                  threads */
	int64_t tile;  /* iterations of the outermost loop(s) in a tile: see the kind's head comment in
	                  tile.c */
	uint64_t scratch; /* bytes of private memory a call needs (packing), at most 1 MiB: on the stack
	                     of its thread */
	ContractTiling tiling; /* contract */
	Hash hash;             /* equal hash: the same code with other pointers */
	double flops, bytes;   /* an estimate for the table; bytes: read and written from buffers */
} Kernel;

typedef struct Kernels {
	const Graph *graph;
	BufferId *buffer_of; /* [graph->count] */
	Buffer *buffer;      /* [buffer_count], buffer[0] unused */
	uint32_t buffer_count;
	Kernel *kernel; /* in the order of execution */
	uint32_t kernel_count;
	const char **input_name, **output_name, **state_name;
	uint32_t input_count, output_count, state_count;
} Kernels;

/* What a kernel loads; once a node. */
typedef struct Read {
	NodeId node;
	bool same_element; /* only at the very element that is computed: it may be overwritten in place
	                    */
} Read;

/* kernel.c: fills out[], which has room for graph->count; the number of reads. */
uint32_t kernel_reads(Compile *c, const Kernels *k, const Kernel *kernel, Read *out);

/* fuse.c and friends; `graph` has passed all passes. */
Kernels *schedule(Compile *c, const Graph *graph);
void kernels_verify(const Kernels *k); /* BUG if a promise above is broken */
void kernels_print(const Kernels *k, Text *out);
void kernels_dot(const Kernels *k, Text *out);

/* -- plan.c: memory: lifetimes, offsets, peak
 * -------------------------------------------------------- */

typedef struct Plan {
	uint64_t arena_bytes; /* peak; a multiple of 64 */
	uint64_t lower_bound; /* largest sum of buffers alive at once */
} Plan;
/* Gives every PLACE_ARENA buffer its offset. */
Plan *plan(Compile *c, Kernels *k);
void plan_print(const Kernels *k, const Plan *p,
                Text *out); /* buffer, bytes, offset, first use, last use; peak last */

#endif
