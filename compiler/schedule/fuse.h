/* fuse.h: private to schedule/: what is being decided. */
#ifndef SSLC_FUSE_H
#define SSLC_FUSE_H

#include "schedule.h"

enum {
	MAX_SHARED = 64,
	MOST_BODY = 256,     /* code of a kernel, or of what is not stored: fuse.c */
	TILE_WORK = 1 << 16, /* element operations: about 10 us, worth waking a thread for */
};

static inline int64_t round_up(int64_t x, int64_t to)
{
	return blocks_of(x, to) * to;
}

typedef struct Home { /* a kernel in the making */
	KernelKind kind;
	NodeId core;
	Shape shape;
	bool flat, even;
	NodeId out[MAX_KERNEL_OUTS];
	uint32_t outs;
	NodeId fold[MAX_FOLDS]; /* row: reductions over the last axis of `shape` */
	uint32_t folds;
	NodeId load[MAX_SHARED]; /* some of what it loads: to find company for it */
	uint32_t loads;
	uint32_t body; /* size of its code */
} Home;

typedef struct Loader { /* a map kernel that loads a node */
	uint32_t home;
	const struct Loader *next;
} Loader;

typedef struct Fuse {
	Compile *c;
	const Graph *g;
	uint32_t *uses;   /* [count] operands and results that name a node */
	bool *must_store; /* must be stored, whoever uses it */
	bool *chooses;    /* a select asks it for its side; */
	bool *apart;      /* such a select, which is in no kernel of what is made before it */
	bool *alone;      /* a product whose kernel ends in nothing else: must_store.c */
	bool *once;  /* all its users are in the kernel of end[x], which computes it once: once.c */
	NodeId *end; /* where the uses of x meet: x, where they do not */
	uint32_t *inside; /* of the code of end[x], what is computed once */
	uint32_t *seen;   /* the last walk, of so many, that has met it: */
	uint32_t walks;
	bool *spread; /* stretched to a much larger tensor: what is dear in it is computed before */
	bool *stored;
	bool *in_place;   /* reshapes whose operand is not stored for them: must_store.c */
	bool *stage;      /* to be computed where a concatenation is made of it: unroll.c */
	bool *flat;       /* its unstored part has one row-major order; */
	bool *even;       /* or reads what is stored along its own axes, as parts of a row */
	bool *repeats;    /* has a home, but others compute it again rather than load it */
	uint32_t *home;   /* index + 1 of the kernel that computes it; 0: computed where it is used */
	uint32_t *latest; /* the latest home that its unstored part reads from */
	uint16_t *weight; /* operations of its unstored part, saturating */
	uint16_t *body;   /* size of its code, along every path, saturating: fuse.c */
	const Loader **loader; /* [count] of each node */
	Home *homes;
	uint32_t home_count;
} Fuse;

/* must_store.c: what must be stored whatever the kernels are. */
void fuse_must_store(Fuse *f);
void fuse_sides(Fuse *f);         /* sides.c */
bool node_is_leaf(const Node *n); /* input, state: always stored */
bool node_is_constant(const Node *n);
/* A constant or indices, perhaps repeated along axes; a constant, so that all elements are one number. */
bool node_is_filled(const Graph *g, NodeId x);
bool node_is_one_number(const Graph *g, NodeId x);

/* What is stored as output x: what lies behind its reshapes, but for a leaf. */
NodeId result_of(const Graph *g, NodeId x);

/* hidden.c: what is behind a causal mask is neither made nor read, in chains that can; kernels are planned. */
void kernels_hide(Compile *c, Kernels *k);
double hidden_share(const Kernels *k, const Kernel *kernel); /* of all columns, on average */

/* fuse.c: a new kernel around x; its index + 1. */
uint32_t fuse_open(Fuse *f, KernelKind kind, NodeId x);
uint32_t node_body(const Node *n); /* the size of its own code */
/* scalars.c: numbers known when the step begins: made first, stored. */
void fuse_scalars(Fuse *f);

void fuse_once(Fuse *f); /* once.c: once, end; must_store and uses are known */

/* unroll.c: whether it has a part for every place along its axis. */
bool concat_is_places(const Graph *g, const Node *n);
void fuse_stages(Fuse *f);
void kernel_unroll(Compile *c, const Kernels *k, Kernel *kernel); /* unrolled, streams */

/* repeat.c: whether x, computed in a kernel and needed by others, is better computed again there. */
bool fuse_repeats(const Fuse *f, NodeId x);
void fuse_repeat_late(Fuse *f); /* the same of all that is stored, in the end */

/* rows.c: whether x, a fold over rows or something as long as one, can be computed in the row
 * kernel `home`: all that it reads is stored by then, or is of the same row. */
bool row_takes(const Fuse *f, NodeId x, uint32_t home);
bool row_is_fold(const Fuse *f, NodeId x);       /* a reduction of a row kernel */
void row_keep(const Kernels *k, Kernel *kernel); /* kept, kept_count: once it has scratch */
uint32_t row_home_behind(const Fuse *f,
                         NodeId x); /* the row kernel that a view's operand is in; 0 */

/* kernel.c: the nodes that a kernel computes and loads, in decreasing order; how many. */
typedef struct Visit {
	NodeId node;
	bool here;         /* computed; else loaded */
	bool same_element; /* needed only at the very element of the outs */
} Visit;
Visit *kernel_walk(Compile *c, const Kernels *k, const Kernel *kernel, uint32_t *count);
/* Of a node, among those in increasing order, from 1. */
uint32_t visit_number(const Visit *visit, uint32_t count, NodeId x);
/* Of a node, among those of the kernel in increasing order, from 1. */
uint32_t visit_number(const Visit *visit, uint32_t count, NodeId x);

/* buffers.c: homes -> kernels with buffers */
Kernels *fuse_buffers(Fuse *f, Compile *c);

/* chain.c: before kernels are tiled */
void kernels_chain(Compile *c, Kernels *k);
size_t kernels_at_most(uint32_t count); /* that it makes of so many, in room that k has for them */

/* strip.c: after them */
void kernels_strip(Compile *c, Kernels *k);
/* stays.c: a gather n from a list of all samples' parts, whose samples lie along `axis` of the result, reads for each
 * that sample's part alone. */
bool gather_stays(const Graph *g, const Node *n, int axis);

/* choice.c: the truth value that a condition repeats; 0: it is not one alone, or a constant. */
NodeId choice_of(const Graph *g, NodeId condition);
/* Whether out o of the kernel is a state that stays what it was, where a known choice holds or does not. */
bool choice_stays(const Kernels *k, const Kernel *kernel, uint32_t o, NodeId known, bool holds);
/* Literals: bit 2 i of choice i, where it does not hold, bit 2 i + 1, where it does. */
enum { MOST_CHOICES = 31 };
#define NEEDED_ALWAYS UINT64_C(0)
#define NEEDED_NEVER  UINT64_MAX
typedef struct Choices {
	const Graph *g;
	const Kernels *k; /* if set, what their arena stores counts alone */
	NodeId of[MOST_CHOICES];
	uint32_t count;
} Choices;
/* What must hold where condition x does (`holds`), or does not. */
uint64_t choice_literals(Choices *s, NodeId x, bool holds);
/* The same where a select takes operand i of n, and where a state changes that is set to `value`. */
uint64_t choice_of_side(Choices *s, const Node *n, int operand);
uint64_t choice_of_set(Choices *s, const Node *value, NodeId state);
/* Whether an operand of n may be anything, where what comes out is left out. */
bool takes_any_bits(const Node *n, int operand);
void kernel_choice(Compile *c, const Kernels *k, Kernel *kernel); /* choice, only */

/* due.c: which a step may leave out. */
void kernels_due(Compile *c, Kernels *k);
bool same_dues(const Kernel *a, const Kernel *b);
/* due_verify.c: BUG if what a step leaves out reaches a result. */
void dues_verify(const Kernels *k);

/* waves.c: which run beside which; and BUG if two of a wave depend on each other. */
void kernels_wave(Compile *c, Kernels *k);
void waves_verify(const Kernels *k);

/* scan.c */
NodeId loop_base(const Graph *g, NodeId x); /* what must be stored for an operand of a scan */
/* Schedules the body of a scan, and gives the kernel's buffer its size; false: reported. */
bool kernel_loop(Compile *c, Kernels *k, Kernel *kernel);
Hash loop_hash(Compile *c, const LoopPlan *loop, Hash h);
/* Operations of all steps; adds the bytes that steps but the first bring again. */
double loop_cost(Compile *c, const Kernels *k, const LoopPlan *loop, double *bytes);

/* tile.c */
void kernel_tile(const Kernels *k, Kernel *kernel);
int map_tile_axis(const Kernel *kernel, Shape s); /* of one that is not flat, once unrolled */
/* contract_padding.c: which steps are left out, by all axes of the result. */
void contract_find_bounds(const Graph *g, const Node *dot, ContractAxes *r);
/* Where zeros of R's padding are multiplied; before the bounds are chosen: may be. */
void contract_find_edges(const Graph *g, ContractPlan *p, const ContractTiling *t);
void contract_choose_bounds(ContractPlan *p, const ContractTiling *t, Shape result);
/* contract_plan.c: once it is tiled and has lanes. */
const ContractPlan *contract_plan(const Kernels *k, const Kernel *kernel);
const char *contract_plan_text(Arena *a, const Kernel *kernel); /* tiles and plan, in a line */
/* scatter.c: whether maps of its shape may end the scatter n, which is then never stored; and of what its kernel needs
 * scratch for. */
bool scatter_ends_in_maps(const Graph *g, const Node *n);
int64_t scatter_list_bytes(const Graph *g, const Node *n);

/* vectors.c: once it is tiled. */
void kernel_vectors(const Kernels *k, Kernel *kernel);
/* cost.c */
double node_flops(const Node *n); /* of a node that is no core */
void kernel_cost(Compile *c, const Kernels *k, Kernel *kernel);
/* kernel.c */
Hash kernel_hash(Compile *c, const Kernels *k, const Kernel *kernel);

#endif
