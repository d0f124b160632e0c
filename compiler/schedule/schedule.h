/* schedule.h: optimized graph -> kernels -> memory. Decides what is stored, what is computed where,
 * in which order. */
#ifndef SSLC_SCHEDULE_H
#define SSLC_SCHEDULE_H

#include "../graph/graph.h"
#include "../machine/machine.h"

/* -- Buffers: nodes that are stored ------------------------------------------------------------ */

typedef uint32_t BufferId; /* 0: not stored: computed where it is used */

typedef enum Storage {
	STORED_ARENA,  /* scratch, planned */
	STORED_STATE,  /* the states block: `state` leaves, and values of sets written in place */
	STORED_INPUT,  /* given by the caller: block->inputs[slot] */
	STORED_OUTPUT, /* block->outputs[slot] */
	STORED_UNIT,   /* private to chains: a block of rows of it at a time, in a thread's scratch */
} Storage;

typedef struct Buffer {
	NodeId node; /* what it holds, row-major, contiguous */
	Storage storage;
	uint32_t slot; /* input or output number; STORED_STATE: index into state_name */
	uint64_t bytes;
	uint64_t offset;      /* STORED_ARENA: by plan(); STORED_STATE: not known here, see codegen.h */
	uint32_t first, last; /* kernels: of the wave that writes it, the first; of the last wave that
	                         reads it, the last (STORED_ARENA) */
} Buffer;

/* One of no bytes has become another, or is not wanted. */
static inline bool buffer_is_planned(const Buffer *b)
{
	return b->storage == STORED_ARENA && b->bytes;
}

/* -- Kernels ----------------------------------------------------------------------------------- */

/* kinds.def rows: KERNEL(name, meaning) */
typedef enum KernelKind {
#define KERNEL(name, meaning) KERNEL_##name,
#include "kinds.def"
#undef KERNEL
	KERNEL_COUNT
} KernelKind;

enum { MAX_KERNEL_OUTS = 32, MAX_FOLDS = 8, MAX_KEPT_ROWS = 4 };

/* The parts that the axes of a product play (contract_axes.c): C[batch][outer][row][col] is the sum
 * over all sums of R times L. Batch axes are of L (and perhaps R), outer axes of R alone. */
typedef struct OperandAxes {
	NodeId node;
	int8_t axis[MAX_RANK]; /* for each axis of the result: the operand's, or -1 */
	uint8_t sum[MAX_RANK]; /* its contracted axes; the last is k */
	int free, contract;    /* its row's or column's axis, -1: it has none; k's */
} OperandAxes;
/* Value s of a sum meets elements that are there, at place r along an axis of the result, where
 * low <= by_sum s + by_axis r < high; else zeros of a padding (contract_padding.c). */
typedef struct SumBound {
	double share; /* of all s and r; 0: every value does */
	int axis;     /* of the result; -1: none, r is 0 */
	int64_t by_sum, by_axis, low, high;
} SumBound;
/* The values [*from, *to) of a sum of `size` at a place. */
void sum_values(const SumBound *b, int64_t place, int64_t size, int64_t *from, int64_t *to);

/* An element of an operand is there where low <= at < high and at - low is a multiple of `every`, with at the sum
 * of by[i] times index i; else it is a padding's zero. */
typedef struct Edge {
	int64_t by[MAX_RANK], low, high, every;
} Edge;

typedef struct ContractAxes {
	OperandAxes r, l;
	bool swapped;                                              /* R is y */
	int row, col;                                              /* axes of the result; -1: none */
	uint8_t batch[MAX_RANK], batches, outer[MAX_RANK], outers; /* axes of the result */
	int sums;
	int64_t rows, cols, k, batch_size, outer_size;
	int64_t steps; /* of all sums together */
	bool samples;  /* rows are one place of many samples, so that whole windows are left out */
	SumBound bound[MAX_RANK]; /* of each sum */
} ContractAxes;
ContractAxes contract_axes(const Graph *g, const Node *dot);

static inline int64_t blocks_of(int64_t count, int64_t block)
{
	return (count + block - 1) / block;
}

/* The size of the last of the blocks of a whole. */
static inline int64_t contract_last(int64_t whole, int64_t block)
{
	return (whole - 1) % block + 1;
}

/* Kernels that run together, a block of rows of a unit at a time (chain.c, strip.c). */
typedef struct Chain {
	uint32_t count; /* kernels */
	int64_t units;  /* places along the leading axes that all agree on */
	int64_t rows;   /* of a unit: the length of the axis that follows */
	int64_t block;  /* rows that run at a time */
} Chain;

/* contract: a tile computes tile_outer x tile_rows x tile_cols of the result. Blocks of columns are
 * counted fastest, then of rows, then of outer, then batches. */
typedef struct ContractTiling {
	int64_t tile_outer, tile_rows, tile_cols;
	int64_t outer_blocks, row_blocks, col_blocks;
	int64_t k_part, k_parts; /* k_parts > 0: a tile adds k_part steps to what is there; these parts
	                            are counted before outer blocks */
} ContractTiling;

/* How an operand reaches the registers. */
typedef enum Source {
	SOURCE_DIRECT,     /* read where it is, at every use */
	SOURCE_ALONG_K,    /* packed by vectors along k: R as [row][k], L transposed into panels */
	SOURCE_ALONG_FREE, /* packed by vectors along its free axis, into panels */
} Source;

/* What is brought while an operand is multiplied. */
typedef enum PrefetchKind {
	PREFETCH_NONE,
	PREFETCH_BLOCK, /* its next block of k, into the cache; */
	PREFETCH_COPY,  /* and on into panels */
	PREFETCH_ROWS,  /* the next register tile's rows */
	PREFETCH_STEPS, /* what is read some steps later */
	PREFETCH_UNIT,  /* what the next tile reads, which is of the next unit of the chain */
	PREFETCH_VALUE, /* of a sum that blocks cut, or one in it, what the same value of the next
	                   block reads */
	PREFETCH_OUTER, /* what the next outer index reads, of windows */
} PrefetchKind;

typedef struct OperandPlan {
	Source source;
	PrefetchKind prefetch;
	int64_t stride; /* elements of a packed row or panel, and what keeps them apart */
	int64_t group;  /* elements of a step in a panel: those of one register tile or of several, or
	                   one vector of L's */
	int64_t bytes;  /* of scratch for what is packed; copied blocks take turns in its halves */
	int64_t lines;  /* vectors of a step of a block of k; of a value: lines that each register tile
	                     brings; */
	int64_t share;  /* steps of the next block that a register tile brings; */
	int64_t tiles;  /* register tiles that do; */
	int value;      /* the sum at whose values they are brought; */
	int64_t distance; /* steps from what is read to what is asked for; if copied: once more; of an
	                     outer index: elements */
} OperandPlan;

/* contract_plan.c: all that is decided about a product but its tiles, for one machine. A step of k
 * is an element of it, or a pair. */
typedef struct ContractPlan {
	ContractAxes axes;
	OperandPlan r, l;
	unsigned lanes, element_bytes; /* of a vector; of an element, of a pair */
	bool pairs;                    /* a step of k is a pair of bf16 */
	int64_t k, k_rest;             /* steps of k that a tile adds; that the last part of k has; */
	int64_t k_all;                 /* that there are */
	int64_t sum_size[MAX_RANK];    /* of each sum; the last is k */
	unsigned high, wide;           /* a register tile: high rows of wide vectors; */
	unsigned unroll;               /* steps of k in a round of its loop; */
	unsigned ways;                 /* sums of each place of it, in turns from step to step; */
	unsigned every;                /* from one line that is brought or copied to the next */
	int64_t row_step; /* elements from a row of R to the next, if many are read in place */
	int64_t block_rows, block_cols, block_k; /* what is packed at a time; */
	int block_axis;      /* the sum that blocks cut; of those before it a block has one value, */
	int64_t block_sum;   /* of it so many, unless it is k, */
	int64_t block_steps; /* and of all sums together */
	int64_t k_blocks;    /* of all sums */
	int64_t row_panels, col_panels; /* register tiles of a block along rows, columns */
	int64_t run; /* steps of k that are added one after the other; then a total begins anew */
	int cut_sum; /* each value of this sum, if there are several, adds a total of its own; -1 */
	unsigned bounded, may_be_empty; /* bit i: sum i is gone through from bound to bound, or not */
	/* Of R, then L, in a product over windows: whose zeros are multiplied, and left out of sums that an
	 * infinity makes NaN. */
	Edge edge[2][MAX_RANK];
	unsigned edges[2];
	int64_t edge_bytes;    /* of scratch for such sums */
	bool runs_on;          /* a part of k continues the sum of those before; else it adds its own */
	bool keeps_lost;       /* what rounding takes between blocks of k, of which there are many */
	bool next_tile;        /* after a tile's last block of k that of the next tile is brought */
	bool long_epilogue;    /* emitted once, in a loop over rows that wait in scratch */
	bool brings_result;    /* lines of the result are brought before they are written, and what the
	                         epilogue reads at the same places */
	int64_t partial_bytes; /* of scratch for sums between blocks of k, and rows that wait */
} ContractPlan;

/* Of scratch: the rows, the columns, the sums, then what is done again at an edge. */
static inline int64_t contract_bytes(const ContractPlan *p)
{
	return p->r.bytes + p->l.bytes + p->partial_bytes + p->edge_bytes;
}

/* scan.c: the body of a scan as a function of its own, whose arena lies in the buffer of the scan. Of
 * each output where it goes; `from` is not set if nobody reads all steps, `last` if nobody the last. */
typedef struct LoopOutput {
	BufferId all, last; /* 0: none */
	uint64_t
	    slot[2];    /* into the scan's buffer: where it goes, step by step in turns, if not there */
	uint64_t bytes; /* of a step */
} LoopOutput;
typedef struct LoopPlan {
	const struct Kernels *body;
	const struct Plan *plan;
	const Region *region;
	const Node *scan;
	LoopOutput *output; /* [body's out_count] */
	uint64_t bytes;     /* of the scan's buffer */
} LoopPlan;

/* Where an operand of a scan is: behind views that keep the order of a sequence's elements. */
typedef struct LoopOperand {
	NodeId node;
	int64_t offset, stride; /* bytes: to the first place; from one to the next */
} LoopOperand;

/* One truth value, which is stored, that must hold, or not. */
typedef struct Due {
	BufferId condition;
	bool holds;
} Due;
enum { MAX_DUES = 4 };

/* Computes `outs` (all of one shape: the loop space of a map, the result's of a reduce or contract;
 * of a row kernel each has the shape of the rows, or of one number a row) and stores each in its
 * buffer. A node that has no buffer is computed from its operands where it is needed; a node that
 * has one is loaded, unless it is an out of this very kernel (or the core), which is computed here. */
/* What a kernel of a chain leaves out: of pairs of places those whose column is behind the last row of a block, from a
 * whole number of grains on (hidden.c). */
typedef enum Hidden {
	HIDDEN_NOTHING,
	HIDDEN_COLS, /* contract: columns of its result; */
	HIDDEN_SUM,  /* steps of its sum; */
	HIDDEN_ROWS, /* rows of its result, which sums over those of the chain */
	HIDDEN_ROW,  /* row: the end of each row */
} Hidden;

typedef struct Kernel {
	KernelKind kind;
	NodeId core; /* reduce: the sum or reduce_max; contract: the dot; scatter: the scatter_add; map:
	                0 */
	NodeId *out; /* [out_count] */
	BufferId *to; /* [out_count] where each is stored */
	uint32_t out_count;
	NodeId *fold; /* row: [fold_count] the reductions, in order; core is the first */
	uint32_t fold_count;
	NodeId
	    *kept; /* row: [kept_count] values as long as it that wait in scratch for the next loop */
	uint32_t kept_count;
	BufferId from; /* copy: what is copied */
	bool flat;     /* map: every node in it has the loop's row-major order (element-wise, reshape,
	                  scalars): one loop */
	const Chain *chain; /* that it is a member of; NULL: none */
	bool adds;          /* contract: sums over the rows of its chain, block by block */
	Hidden hidden;      /* what it leaves out behind a causal mask, */
	int64_t grain;      /* in so many columns at a time */
	bool beside;        /* runs at the same time as the kernel before it: waves.c */
	Due due[MAX_DUES];  /* due.c: [dues] it runs where all are so, and is left out elsewhere */
	uint32_t dues;
	NodeId choice; /* choice.c: a truth value that it loads: it has code for where that holds, and
	                  for where not; */
	uint32_t only[2];  /* outs (bits) that change where it does not hold alone, or does: else they
	                     stay */
	uint32_t unrolled; /* map: bit i: the indices along axis i are known as code is made; */
	bool streams;      /* unrolled: whole vectors are written past the caches */
	int tile_axis;     /* the axis that tiles cut, if it is not flat: the first loop */
	int64_t tiles;     /* independent pieces, in [0, tiles); by shape alone, never by the number of
	                       threads */
	int64_t tile;   /* iterations of the outermost loop(s) in a tile: see the kind's head comment in
	                 tile.c */
	unsigned lanes; /* elements of a vector */
	uint64_t
	    scratch; /* bytes of private memory that a call uses (packing), at most 1 MiB and what the
	                     machine allows: on the stack of its thread */
	ContractTiling tiling;        /* contract: its tiles, */
	const ContractPlan *contract; /* and how each is done */
	const LoopPlan *loop;         /* scan */
	Hash hash;                    /* equal hash: the same code with other pointers; */
	uint32_t same;                /* the first kernel of that hash */
	double flops, bytes; /* an estimate for the table; bytes: read and written from buffers */
	double only_flops[2], only_bytes[2]; /* of these, where its choice does not hold, or does */
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
	bool once;   /* it runs but once: quick to compile before quick to run */
	double wake; /* cycles for which a wave wakes the other threads */
} Kernels;

/* choice.c: what is known of condition x, and which operand select n takes (0: not known), where a
 * choice holds or does not. */
typedef enum Decided { NOT_KNOWN, IS_FALSE, IS_TRUE } Decided;
Decided choice_truth(const Graph *g, NodeId x, NodeId known, bool holds);
int choice_side(const Graph *g, const Node *n, NodeId known, bool holds);

/* Of a scatter: whether its result is stored, else it ends in maps (scatter.c). */
bool scatter_is_stored(const Kernel *kernel);
int64_t
scatter_order_at(const Node *n); /* words of scratch before its list of terms: a multiple of 16 */
/* Rows of so few vectors are no loops (codegen/short_rows.c). */
static inline bool row_is_short(Shape row, unsigned lanes)
{
	enum { SHORT_ROW = 16 };
	return row.dim[row.rank - 1] <= (int64_t)SHORT_ROW * lanes;
}

/* Bytes of scratch for a row of so many numbers, in whole vectors of any machine. */
static inline int64_t row_kept_bytes(int64_t length)
{
	return (blocks_of(length, 64) * 64 + 64) * 8;
}

/* contract_padding.c: where elements of x, one of two that are multiplied, of which one or both are windows, are a
 * padding's zeros. */
unsigned padding_edges(const Graph *g, NodeId x, Edge edge[MAX_RANK]);

/* contract_axes.c: the axis of x whose neighbours are neighbours in memory, as far as views and
 * element-wise ops show; -1: none. */
int contiguous_axis(const Kernels *k, NodeId x);
/* Elements from one place along an axis of x to the next, in the buffer that x is a view of; 0: x is
 * computed, or not every place is as far. */
int64_t axis_step(const Kernels *k, NodeId x, int axis);
/* scan.c: operand i of a scan. */
LoopOperand loop_operand(const Kernels *k, const Node *scan, int i);

/* Several sums over rows that lie across them: a convolution's gradient by its weights. */
bool contract_lies_across(const Kernels *k, const ContractAxes *r);

/* A long sum over rows that lie across it and come from memory: a gradient by weights. */
bool contract_is_deep(const Kernels *k, const Node *dot);

/* What a kernel loads; once a node. */
typedef struct Read {
	NodeId node;
	bool
	    same_element; /* only at the very element that is computed: it may be overwritten in place */
} Read;

/* kernel.c: fills out[], which has room for graph->count; the number of reads: none of a copy, which
 * moves what is in `from`. */
uint32_t kernel_reads(Compile *c, const Kernels *k, const Kernel *kernel, Read *out);
/* The same in memory of its own. */
const Read *kernel_loads(Compile *c, const Kernels *k, const Kernel *kernel, uint32_t *reads);

/* fuse.c and friends; `graph` has passed all passes. */
Kernels *schedule(Compile *c, const Graph *graph);
void kernels_print(const Kernels *k, Text *out);
const char *kernel_text(const Kernels *k, const Kernel *kernel); /* "contract" is in kind_name */
NodeId kernels_input(const Kernels *k, uint32_t slot);           /* the node of an input */
const char *kernel_kind(const Kernel *kernel);
Span kernel_origin(const Kernels *k,
                   const Kernel *kernel);       /* of its core or first out; file 0: none */
void kernels_dot(const Kernels *k, Text *out);  /* dot.c */
void kernels_json(const Kernels *k, Text *out); /* json.c */

/* chain.c: one past the last kernel that runs together with `first`, the first of its chain. */
uint32_t chain_end(const Kernels *k, uint32_t first);
int64_t chain_blocks(const Chain *chain);
/* hidden.c: how many a product of that part would go over, were none left out. */
int64_t hidden_columns(Hidden part, const ContractAxes *r);
bool chain_adds(const Kernels *k, uint32_t first); /* its blocks must be in order */
/* Units, or blocks of all units if none must wait for another. */
int64_t chain_tiles(const Kernels *k, uint32_t first);
uint64_t chain_row_bytes(const Kernels *k, const Chain *chain, BufferId b);

/* stays.c: whether what is cast from f32 fits, but for NaN. */
bool cast_fits(const Graph *g, const Node *n);
/* Whether all places of a gather are in range. */
bool gather_is_inside(const Graph *g, const Node *n);
/* The term of its places that is the same along the axis `lanes` of these, where those are in range and what
 * is left of them is the same along `axis`; 0: there is none. */
NodeId gather_row(const Graph *g, const Node *n, int axis, int lanes);

/* waves.c: a wave is a kernel that is not `beside` another, and those after it that are. */
uint32_t wave_end(const Kernels *k, uint32_t first); /* one past its last kernel */
/* Whether the kernels [first, end) are worth more than one thread. */
bool wave_is_parallel(const Kernels *k, uint32_t first, uint32_t end);

/* -- plan.c: memory: lifetimes, offsets, peak -------------------------------------------------- */

typedef struct Plan {
	uint64_t arena_bytes; /* peak; a multiple of 64 */
	uint64_t lower_bound; /* largest sum of buffers alive at once */
} Plan;
enum { ARENA_ALIGN = 64 };
/* Gives every STORED_ARENA buffer its offset; NULL: reported: it is more than pointers reach. */
Plan *plan(Compile *c, Kernels *k);
void plan_print(const Kernels *k, const Plan *p,
                Text *out); /* buffer, bytes, offset, first use, last use; peak last */

void plan_dot(const Kernels *k, const Plan *p, Text *out);  /* dot.c */
void plan_json(const Kernels *k, const Plan *p, Text *out); /* json.c */

/* -- verify.c: BUG if a promise above is broken ------------------------------------------------ */

void kernels_verify(const Kernels *k);
void plan_verify(const Kernels *k, const Plan *p);

#endif
