/* module.h: private to codegen/: from kernels to a module of LLVM, and from a module to bytes. */
#ifndef SSLC_MODULE_H
#define SSLC_MODULE_H

#include "emit.h"

typedef struct Shard Shard;
typedef struct Shards Shards;

/* share.c: kernels by what they are, through all functions of a target: each is compiled once. */
typedef struct Made {
	const char *symbol;
	const FunctionCode *code; /* of the function that it was compiled for; */
	Shard *shard;             /* in this one */
	Hash text;                /* of its code, where it is proved; 0: not yet */
} Made;
typedef struct Shared {
	Made **made; /* [size], a power of two, by the hash of the symbol; NULL: free */
	size_t size, count;
} Shared;
/* The one of that symbol; `code` is NULL if it is new. */
Made *shared_kernel(Arena *a, Shared *all, const char *symbol);
/* The symbol of each kernel: its number, after `prefix`; or what it does, so that equal kernels of all
 * functions have one symbol and no others do. One whose structure has no hash is the function's `own`. */
const char *const *kernel_numbers(Compile *c, const Kernels *k, const char *prefix);
const char *const *kernel_contents(Compile *c, const Kernels *k, const char *prefix,
                                   const char *own);

/* prove.c: BUG if kernel `number` of f is another code than the first of its symbol. */
void prove_kernel(Codegen *cg, const PlannedFunction *f, uint32_t number, Made *made);

struct FunctionCode {
	FunctionCode *next;
	const char *symbol;
	PlannedFunction f; /* until it is finished */
	Shard *shard;      /* [shards] that are compiled for it */
	size_t shards;
	const Shard **needs; /* [need_count] those, and of functions before */
	size_t need_count;
};

struct Codegen {
	Compile *c;
	LLVMTargetMachineRef machine;
	const Machine *target; /* c->machine as it was opened */
	FunctionCode *code;    /* all of it, the last one first */
	Shared shared;         /* kernels that some of it has */
	KernelCounts counts;
	Shards *shards; /* while some are begun and not finished */
};

enum { WHY_LLVM = 256 };

/* module.c: an Emit for a new module in a context of its own. Until emit_close the arena holds all of
 * it. */
void emit_open(Emit *e, Codegen *cg, const Kernels *k, const Plan *p, const char *name);
/* What follows may use what this machine has. */
void emit_is_for(Emit *e, const Machine *m);
/* What the module's owner does not take: the builder and the data layout. The module and its
 * context are the caller's from now on. */
void emit_close(Emit *e);
/* Optimized, unless it is CODEGEN_LLVM that is asked for; false: reported. */
bool write_module(Codegen *cg, LLVMModuleRef module, CodegenText what, Text *out);
/* As it is, as machine code or its text; false: why. Any thread may. */
bool write_code(LLVMTargetMachineRef machine, LLVMModuleRef module, LLVMCodeGenFileType type,
                Text *out, char why[WHY_LLVM]);

/* flow.c: the control-flow graph of each function of a module's text, for Graphviz. */
void flow_dot(Arena *arena, const char *name, const char *text, bool is_assembly, Text *out);

/* target.c: NULL: why. Any thread may call it. once: for what runs but once: quick to compile. */
LLVMTargetMachineRef target_machine(const Codegen *cg, bool once, char why[WHY_LLVM]);
bool target_open(Codegen *cg); /* false: reported */
void target_attributes(const Codegen *cg, Emit *e, V function);

/* Field numbers of the block, from the same table as the struct. */
enum {
#define FIELD(name, type, letter, meaning) FIELD_##name,
#include "../../runtime/step.def"
#undef FIELD
	FIELD_COUNT
};

/* step.c: the block's fields, and its type. */
T step_block_type(Emit *e, T field[FIELD_COUNT]);
V step_field_address(Emit *e, V block, unsigned field);

/* step.c: of a function whose kernels have these symbols, kernel `number`; and the step function, of
 * symbol `name`, which calls them in this module or in another. Other symbols begin with `prefix`. The
 * tasks of its chains are made with it, or (`chains` false) where emit_chains is called. */
void emit_kernel(Emit *e, const Codegen *cg, uint32_t number, const char *symbol);
void emit_step(Emit *e, const Codegen *cg, const char *prefix, const char *name,
               const char *const *symbol, bool chains);
void emit_chains(Emit *e, const Codegen *cg, const char *prefix, const char *const *symbol);
/* The step function and all kernels that are not in this module yet, which are its own; how many. */
uint32_t emit_function(Emit *e, const Codegen *cg, const char *prefix, const char *name,
                       const char *const *symbol);
/* The buffers of a kernel in the order of its parameters; out has room for all. How many. */
uint32_t step_touched(Compile *c, const Kernels *k, const Kernel *kernel, BufferId *out);

/* flush.c: results too small to be normal are zero from here to flush_end, which is given how the
 * caller computes; NULL: this machine is left as it is. */
V flush_begin(Emit *e);
void flush_end(Emit *e, V was);

/* wave.c: the task that runs the tiles of several kernels, and the words of its args. */
enum { WAVE_HEAD = 2, WAVE_WORDS = 5 };
/* Of this module; in its entry. It flushes; task_end() ends it. */
V task_begin(Emit *e, const Codegen *cg, const char *symbol);
void task_end(Emit *e);
V wave_task(Emit *e, const Codegen *cg, const char *symbol);
/* Of kernels [first, end): how many portions; and where in them the tiles of a member begin. */
int64_t wave_portions(const Kernels *k, uint32_t first, uint32_t end);
int64_t wave_offset(const Kernels *k, uint32_t first, uint32_t end, uint32_t member,
                    int64_t portions);
void wave_head(Emit *e, V args, uint32_t members, int64_t portions);
void wave_member(Emit *e, V args, uint32_t member, V task, V task_args, int64_t tiles,
                 int64_t portions, int64_t offset);

/* chain.c: the task that runs the chain of kernels that begins with kernel `first`: for tiles of
 * chain_tiles(). Its args: the addresses of each member's buffers in turn. */
typedef struct ChainLink {
	const Kernel *kernel;
	V function;
	T type;
	const BufferId *buffer; /* [count] in the order of its parameters */
	uint32_t count;
} ChainLink;
V chain_task(Emit *e, const Codegen *cg, const char *symbol, uint32_t first, const ChainLink *link);

/* optimize.c: false: why. Any thread may, with a machine and a context of its own. */
bool optimize(LLVMTargetMachineRef machine, LLVMModuleRef module, char why[WHY_LLVM]);
/* BUG if it is no valid module. */
void verify_module(LLVMModuleRef module, const char *name);

/* shards.c: NULL-safe; waits for what is under way, drops the rest. */
void shards_close(Shards *all);
void shards_free(FunctionCode *code); /* its objects */

#endif
