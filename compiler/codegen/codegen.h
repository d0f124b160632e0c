/* codegen.h: kernels -> machine code, through LLVM: as bytes of object files, or as text. What becomes
 * of it is another folder's matter. This door does not show LLVM. */
#ifndef SSLC_CODEGEN_H
#define SSLC_CODEGEN_H

#include "../machine/machine.h"
#include "../schedule/schedule.h"

/* Of one target; serves many functions. */
typedef struct Codegen Codegen;

/* Fills c->machine in, by c->cpu, c->features and c->target; false: reported. */
MUST_USE bool codegen_machine(Compile *c);
/* For that machine, which it asks for. */
MUST_USE Codegen *codegen_open(Compile *c); /* NULL: reported (unknown CPU, no such target) */
void codegen_close(Codegen *cg);            /* NULL-safe */

/* Where a state lives: bytes into the states block. `states` is the caller's. */
typedef uint64_t (*StateOffset)(void *states, const char *name);

/* A planned function, and where its states live. */
typedef struct PlannedFunction {
	const Kernels *k;
	const Plan *p;
	StateOffset offset;
	void *states;
} PlannedFunction;

/* -- shards.c, code_hash.c: functions as object files, compiled on all cores ------------------- */

typedef struct Objects {
	Text *object; /* [count] */
	size_t count;
} Objects;
void objects_add(Objects *o, const char *bytes, size_t size); /* a copy */
void objects_close(Objects *o);

/* The code of a function, on its way. */
typedef struct FunctionCode FunctionCode;
/* Begins to compile it, on other threads than the caller's; NULL if it has no kernels or no plan.
 * It becomes the global `symbol`. Its kernels are weak symbols that name what they do, so that objects of
 * several functions can have the same; all other symbols are an object's own. */
FunctionCode *codegen_begin(Codegen *cg, const PlannedFunction *f, const char *symbol);
void codegen_finish(Codegen *cg); /* helps until all that was begun is done */
/* After that, adds all objects that it needs: those of functions before whose kernels it runs, too.
 * False: reported. */
MUST_USE bool codegen_take(Codegen *cg, const FunctionCode *code, Objects *out);

/* Kernels of all functions that were begun: compiled for them, or run by the code of an equal one. */
typedef struct KernelCounts {
	size_t compiled, reused;
} KernelCounts;
KernelCounts codegen_counts(const Codegen *cg);

/* Of all that the code depends on. False: a kernel's structure has no hash, so there is none. */
typedef struct CodeHash {
	uint64_t word[2];
} CodeHash;
MUST_USE bool codegen_hash(const Codegen *cg, const PlannedFunction *f, CodeHash *to);

/* -- codegen.c: functions as text -------------------------------------------------------------- */

typedef enum CodegenText {
	CODEGEN_LLVM,
	CODEGEN_LLVM_OPTIMIZED,
	CODEGEN_ASM,
	CODEGEN_OBJECT,
} CodegenText;
MUST_USE bool codegen_text(Codegen *cg, const PlannedFunction *f, CodegenText what, Text *out);
/* The same, but no object, as basic blocks and the branches between them, for Graphviz. */
MUST_USE bool codegen_flow(Codegen *cg, const PlannedFunction *f, CodegenText what, Text *out);

/* -- object.c: functions as an object file of other programs ----------------------------------- */

typedef struct ObjectFunction {
	const Kernels *k;
	const Plan *p;
	const char *name;  /* it is exported as prefix_name; NULL: the one that sets all states */
	bool counts;       /* a step: one more is done after it */
	uint32_t training; /* whose steps: 0, of pre-training; i, of the i-th task that has a step */
} ObjectFunction;

typedef struct ObjectTensor { /* of the states */
	const char *name, *dtype; /* in the words of safetensors: "F32" */
	Shape shape;
	uint64_t offset, bytes;
	unsigned flags; /* EMBED_IS_... */
} ObjectTensor;

/* Bytes are those of runtime/embed/embed.h. */
typedef struct ObjectPlan {
	const char *name, *prefix;
	const ObjectFunction *function; /* [variants][count], at least one */
	size_t count;
	const Machine *const *machine; /* [variants] that they are made for, the least able first: */
	size_t variants;               /* one, or levels of x86-64 */
	const Machine *common;         /* what runs before a variant is chosen is made for */
	const ObjectTensor *tensor;
	size_t tensor_count;
	uint64_t hash, states_bytes, spare_bytes, arena_bytes, counts_at;
	uint32_t tasks;      /* steps done of each are counted at counts_at in the states */
	const char *weights; /* [states_bytes] the states to begin with; NULL: they are computed */
	StateOffset offset;
	void *states;
} ObjectPlan;
typedef struct ObjectSizes { /* bytes */
	size_t code, constants;
} ObjectSizes;
MUST_USE bool codegen_object_sizes(Codegen *cg, const Text *object, ObjectSizes *to);
/* Where an input of that name comes from: EMBED_FROM_... */
unsigned object_input_from(const char *name);
MUST_USE bool codegen_object(Codegen *cg, const ObjectPlan *plan, CodegenText what, Text *out);

/* peak.c: a task of fused multiply-adds alone, as an object with this symbol; false: reported. */
MUST_USE bool codegen_peak(Codegen *cg, const char *symbol, double *flops_per_tile, Text *object);

/* -- target.c ---------------------------------------------------------------------------------- */

const char *codegen_cpu(const Codegen *cg); /* "znver4", for reports */
unsigned codegen_lanes(const Codegen *cg);  /* f32 in a vector register: 16, 8, 4 */
/* Whether this machine can run code for the target; false: reported. */
MUST_USE bool codegen_runs_here(Codegen *cg);

#endif
