/* emit.h: private to codegen/: the state of emission and the vocabulary of short helpers over the
 * LLVM C API. */
#ifndef SSLC_EMIT_H
#define SSLC_EMIT_H

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include "codegen.h"

typedef LLVMValueRef V;
typedef LLVMTypeRef T;

typedef struct Addresses Addresses;

/* Everything of LLVM for one module (one function of a model). Built and disposed in module.c. */
typedef struct Emit {
	Compile *c;
	const Kernels *k;
	const Plan *plan;
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMBuilderRef b;
	LLVMTargetMachineRef machine; /* borrowed from Codegen */
	LLVMTargetDataRef layout;
	struct Open *open; /* of the arena: what the next jump out of memory would pass over */
	T ptr, i1, i8, i16, i32, i64, f32, f64, bf16, voidt;
	T word; /* an integer of a pointer's size: of indices, offsets, numbers of tiles, args */
	unsigned word_bytes;
	unsigned vector_bits; /* 512, 256, 128 */
	unsigned float_bits;  /* as in machine.h, and so are these */
	bool fma, rounds, scales;
	V function;              /* being emitted */
	V was;                   /* how its caller computes: flush.c; NULL: as it does */
	bool flushed;            /* a step's caller is compiled code */
	const struct Loop *loop; /* the innermost that is open, of so many; */
	unsigned depth;
	Addresses *addresses; /* and what addresses the present block has made */
	bool names;           /* values get names: when the text is to be shown */
	StateOffset state_offset;
	void *states;
} Emit;

/* -- emit.c: types, constants, memory, arithmetic ---------------------------------------------- */

T l_type(Emit *e, DType t); /* in registers: bool is i8 in memory, i1 in registers */
T l_memory_type(Emit *e, DType t);
T l_vector(T element, unsigned lanes); /* lanes 1: the element type itself */
unsigned l_lanes(V v);                 /* 1 for scalars */
V l_i32(Emit *e, int32_t x);
V l_word(Emit *e, int64_t x);         /* for a machine that has room for it */
V l_float(Emit *e, T like, double x); /* constant of f32, f64 or a vector of them */
V l_splat_const(V scalar, unsigned lanes);
V l_splat(Emit *e, V scalar, unsigned lanes);
V l_lane_ids(Emit *e, T int_element, unsigned lanes); /* <0, 1, 2, ...> */
V l_fadd(Emit *e, V x, V y);
V l_fsub(Emit *e, V x, V y);
V l_fmul(Emit *e, V x, V y);
V l_fdiv(Emit *e, V x, V y);
V l_fneg(Emit *e, V x);
/* z plus both products of pairs of bf16, which are the bits of x and y; all 16 f32. */
V l_pairs(Emit *e, V x, V y, V z);
V l_call(Emit *e, const char *intrinsic, T result, const T *overload, unsigned overloads, V *args,
         unsigned count);
V l_unary(Emit *e, const char *intrinsic, V x); /* "llvm.floor" over x's type */
V l_binary(Emit *e, const char *intrinsic, V x, V y);
V l_select(Emit *e, V condition, V x, V y);
V l_at(Emit *e, T element, V base, V index); /* address of base[index], inbounds */
/* The same of any place near base; address.c: as a sum. */
V l_address(Emit *e, T element, V base, V index);
Addresses *addresses_open(Arena *a);
V l_load(Emit *e, T type, V address, unsigned align);
void l_store(Emit *e, V value, V address, unsigned align);
void l_store_past(Emit *e, V value, V address, unsigned align); /* the caches; l_fence after all */
void l_fence(Emit *e); /* other threads see what was stored before it */
/* Into all caches, to be read or written; any address will do. */
void l_prefetch(Emit *e, V address, bool write);
V l_load_masked(Emit *e, T vector, V address, unsigned align, V mask, V otherwise);
void l_store_masked(Emit *e, V value, V address, unsigned align, V mask);
V l_tail_mask(Emit *e, unsigned lanes, V remaining); /* lane < remaining (a word) */
V l_any_lane(Emit *e, V condition);                  /* true if it holds in any lane */
LLVMBasicBlockRef l_block(Emit *e, const char *name);
void l_goto(Emit *e, LLVMBasicBlockRef to); /* br; and to becomes current */
/* v is itself where control comes from the first block, other where from the second. */
void l_meet(Emit *e, V *v, const V *other, LLVMBasicBlockRef from[2], unsigned count);

/* A counted loop, bottom-tested: at least one iteration. `for (i = from; i < to; i += by)`. Carried
 * values are PHIs: give the initial ones to begin, use loop.carry[], give the next ones to end;
 * afterwards result[] holds the last. */
enum { MAX_CARRY = 64 };
typedef struct Loop {
	V index, to, by;
	LLVMBasicBlockRef head;
	const struct Loop *outer;
	V carry[MAX_CARRY], result[MAX_CARRY];
	unsigned carries;
} Loop;
void loop_begin(Emit *e, Loop *loop, const char *name, V from, V to, V by, const V *carry,
                unsigned carries);
void loop_end(Emit *e, Loop *loop, const V *next);

/* -- exact.c: what some machines have no instruction for ---------------------------------------- */

V l_floor(Emit *e, V x);
V l_trunc(Emit *e, V x);
V l_sqrt(Emit *e, V x);
V l_fma(Emit *e, V x, V y, V z);    /* x y + z, one rounding */
V l_muladd(Emit *e, V x, V y, V z); /* the same where that is quick, else two roundings */
V l_rem(Emit *e, V x, V y);

/* -- math.c: our own vector functions, f32 and f64, any lanes. Max error is stated above each. - */

V math_exp(Emit *e, V x);
V math_log(Emit *e, V x);
V math_log1p(Emit *e, V x);
V math_tanh(Emit *e, V x);
V math_erf(Emit *e, V x);
V math_sin(Emit *e, V x);
V math_cos(Emit *e, V x);
V math_pow(Emit *e, V x, V y);

/* -- sum.c: sums of many terms ----------------------------------------------------------------- */

enum { SUM_BLOCK = 16 }; /* terms that are added one after the other */
typedef struct Sum {
	V total, lost; /* lost: to be added yet; both begin at zero */
} Sum;
void sum_add(Emit *e, Sum *s, V block);

/* -- fold.c: of the reduction `core` ------------------------------------------------------------ */

typedef V FoldTwo(Emit *e, const Node *core, V x, V y);
V fold_identity(Emit *e, const Node *core); /* a scalar */
FoldTwo fold_two;                           /* sum or maximum; vectors or scalars */
FoldTwo fold_larger;                        /* of two that are no NaN, in one instruction */
bool fold_asks_nan(const Node *core);       /* a maximum of floats: a NaN anywhere is its result */
/* Of all lanes. Of floats' maximum `odd` says where a NaN was, and is NULL if v does: so no step of
 * the tree has to ask. */
V fold_lanes(Emit *e, const Node *core, V v, V odd);
/* The same of so many vectors at once, each by itself, to the same bits: v[i] becomes its result. */
void fold_lanes_beside(Emit *e, const Node *core, V *v, const V *odd, unsigned count);

/* -- random.c ---------------------------------------------------------------------------------- */

/* `lanes` random words (i32) of the stream: element indices `at` (words, a vector or one), as graph.h
 * lays them out. */
V random_bits(Emit *e, V at, V seed0, V seed1, uint32_t key, V step);
/* All four words of the blocks whose numbers (i32) are given. */
void random_words(Emit *e, V block, V seed0, V seed1, uint32_t key, V step, V word[4]);

/* -- value.c: the value of a node at an index; the heart of fusion ----------------------------- */

/* Where in a node's shape: one word an axis; lanes run along `lane_axis` with a constant
 * step. In a flat kernel all is one axis: at[0] is the row-major index and flat is true. */
typedef struct Index {
	V at[MAX_RANK];
	int lane_axis; /* -1: all lanes at the same place: the value is a scalar (uniform) */
	int64_t lane_step;
	V mask; /* NULL, or <lanes x i1>: lanes outside are not loaded and may hold anything */
	bool flat;
} Index;

/* Values that are known already: cores (accumulators) and values computed before. */
typedef struct Memo Memo;

/* 64 elements in a row, begun at a multiple of 64, of a flat kernel or of rows of so many: they share the
 * random words of 16 blocks, four each. All vectors are one straight line of code or, where code must be
 * small, those that share words, in a loop over blocks. `first` NULL: not so. */
enum { STRETCH = 64, STRETCH_BLOCKS = 16 };
typedef struct Words {
	const Node *node;
	unsigned from;   /* of the 16 blocks, those of a vector that starts here */
	V row[MAX_RANK]; /* where along the axes before the last; of a flat kernel nothing */
	V word[4];
} Words;
typedef struct Stretch {
	V first, at;   /* index of the first element, of the present vector */
	V block;       /* of a loop over blocks: the first of the present vectors; else NULL */
	unsigned lane; /* at - first - block */
	bool in_rows;  /* lanes run along the last axis of a kernel that is not flat */
	Words words[16];
	unsigned count;
} Stretch;

/* A value as long as the row of a row kernel, needed by more than one of its loops and dear: the
 * first leaves it in scratch. */
typedef struct Kept {
	NodeId node;
	V base;
	bool seen, done; /* the present loop stores it; a loop before has */
} Kept;

typedef struct KernelEmit {
	Emit *e;
	const Kernel *kernel;
	V *pointer;     /* [buffer_count]: base address of each buffer this kernel touches, else NULL */
	unsigned lanes; /* of this kernel's vectors */
	Memo *memo;     /* of (node, index) in the current straight line of code; value_forget() at
	                   block edges */
	Stretch stretch;
	NodeId ahead; /* what a gather has asked for ahead last, in that block */
	LLVMBasicBlockRef ahead_block;
	uint32_t pinned; /* the first so many known values hold in the whole row */
	Kept kept[MAX_KEPT_ROWS];
	uint32_t kepts;
	const struct Codegen *cg; /* scan: for the functions of its body, */
	const char *symbol;       /* whose symbols begin so; */
	V block;                  /* what the step was given: where its threads are */
	bool pairing; /* the place of a pair's other gather is made, which may follow from the first */
	V row_end; /* row: where rows end in this call (schedule/hidden.c); NULL: where they are whole */
	V aligned;      /* where lanes begin, if that is a multiple of their number; else NULL */
	V *found;       /* where value_address wants the next load's address; nothing is loaded */
	Decided chosen; /* in the code of a side: what the kernel's choice is there */
} KernelEmit;

/* The value of x: a scalar if it does not vary over the lanes, else a vector of ke->lanes. bool is
 * i1; bf16 is computed in f32, where only a cast rounds. */
V value_at(KernelEmit *ke, NodeId x, const Index *index);
V value_vector(KernelEmit *ke, NodeId x, const Index *index); /* the same, splat to a vector */
void value_define(KernelEmit *ke, NodeId x, const Index *index, V v); /* from now on x is v there */
void value_forget(KernelEmit *ke);
/* What is known now; and forgets what was found since, in a block that not all come through. */
typedef struct Known {
	uint32_t values;
	unsigned words;
} Known;
Known value_known(const KernelEmit *ke);
void value_forget_since(KernelEmit *ke, Known known);
V value_memo(const KernelEmit *ke, NodeId x, const Index *index); /* NULL: not emitted yet */
V value_kept(KernelEmit *ke, NodeId x, const Index *index); /* NULL: its row is not in scratch */
void value_pin(KernelEmit *ke); /* what is known now, and only that, outlives value_forget */
void value_unpin(KernelEmit *ke);
void value_keep(KernelEmit *ke, const Index *index); /* stores kept values that are known there */
/* The address at which value_at would load x, of which nothing is computed then. */
V value_address(KernelEmit *ke, NodeId x, const Index *index);
V value_load(KernelEmit *ke, NodeId x, const Index *index); /* from its buffer, even if made here */
/* Stores v as x's element(s) at index into the buffer. */
void value_store(KernelEmit *ke, BufferId to, const Index *index, V v);
/* Between the form in memory and the one in registers: bool i8, i1; bf16 i16, f32. */
V l_from_memory(Emit *e, DType t, V v);
V l_to_memory(Emit *e, DType t, V v);
V l_upper_half(Emit *e, V v); /* i16: l_to_memory of what is rounded to bf16 already */
/* Stores every out of the kernel at index: an epilogue ends so. */
void value_store_outs(KernelEmit *ke, const Index *index);
/* The same of those with so many places along `axis`, the last, all of these, of vectors along the
 * axis before it. */
void value_store_channels(KernelEmit *ke, const Index *index, int axis, int64_t channels);
/* Brings the lines where that will be, to be written. */
void value_prefetch_outs(KernelEmit *ke, const Index *index);

/* -- near.c: lanes that lie `step` elements apart, the first at `at` ----------------------------- */

enum { NEAR = 8, PIXEL = 4 };                        /* the longest step, of pixels */
bool near_loads(const KernelEmit *ke, int64_t step); /* whether near_load takes such a step */
bool near_stores(const KernelEmit *ke, int64_t step);
bool near_masks(const KernelEmit *ke, unsigned size); /* loads that leave lanes out are quick */
V near_load(KernelEmit *ke, T element, unsigned size, V at, int64_t step);
/* The same of one channel of pixels, of |step| channels each, the first at `at`: all channels load the
 * same vectors. `mask` is NULL, or of pixels. */
V near_load_channel(KernelEmit *ke, T element, unsigned size, V at, int64_t step, int64_t channel,
                    V mask);
/* Of lanes that lie so in runs of `times`: those of a run are one element. */
V near_load_runs(KernelEmit *ke, T element, unsigned size, V at, int64_t step, int64_t times,
                 V mask);
void near_store(KernelEmit *ke, T element, unsigned size, V at, int64_t step, V v);
/* All channels of as many pixels as there are lanes: v[c][lane]. */
void near_store_channels(KernelEmit *ke, unsigned size, V at, int64_t channels, const V *v, V mask);

/* -- spread.c: reshape_is_spread, of what is stored; lanes along the last axis ---------------------- */

V spread_load(KernelEmit *ke, const Node *n, const Index *index); /* NULL: each lane by itself */

/* -- kernel_contract_edge.c: zeros that pad what windows go over ---------------------------------- */

/* Whether an element is no such zero, and `there` is true (NULL: it is); i1, or of each of so many lanes if
 * that is not the same for all. NULL: all are. */
V edge_holds(Emit *e, V there, const Edge *edge, unsigned edges, const Index *index,
             unsigned lanes);
/* Whether one of the sums is NaN, or some are infinities of both signs; they are lost. */
V edge_some_nan(Emit *e, V *sum, unsigned count);
V edge_is_nan(Emit *e, V x);

/* -- map.c: one MAP op on registers, named emit_<op> by ops.def -------------------------------- */

V emit_map(Emit *e, const Node *n, DType operand_type,
           V *in); /* operands all scalar or all of equal lanes */

V emit_fitting(Emit *e, V x); /* floats that are known to fit, or NaN, as i32 */

/* kernel_reduce.c: a fold over the last axis at the other axes of `row`: a scalar. The row is read
 * in vectors; kept values are stored on the way. */
V reduce_row(KernelEmit *ke, const Node *core, const Index *row);
/* short_rows.c: the same of rows of a few vectors, which are no loops: the scalars v[i] of row[i]. */
bool reduce_is_short(const KernelEmit *ke, Shape row);
void reduce_short_rows(KernelEmit *ke, const Node *core, const Index *row, unsigned count, V *v);

/* -- kernel_<kind>.c: emits the body of a kernel: tiles [begin, end) --------------------------- */

/* ke->e's builder stands in the entry block of the kernel's function; begin, end are words; scratch
 * is kernel->scratch bytes on the stack, aligned to 64 (NULL if 0). Returns with the builder at a
 * block without terminator. */
#define KERNEL(name, meaning) void kernel_##name(KernelEmit *ke, V begin, V end, V scratch);
#include "../schedule/kinds.def"
#undef KERNEL

#endif
