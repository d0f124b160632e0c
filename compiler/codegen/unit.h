/* unit.h: private to codegen/: from kernels to a module, and from a module on. */
#ifndef SSLC_UNIT_H
#define SSLC_UNIT_H

#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#include "emit.h"

typedef struct LoadedFunction {
	struct LoadedFunction *next;
	const char *name;
	StepFunction call;
} LoadedFunction;

struct Codegen {
	Compile *c;
	LLVMTargetMachineRef machine;
	char *triple, *cpu, *features; /* LLVM's strings */
	unsigned vector_bits;
	bool bf16_pairs;
	LLVMOrcLLJITRef jit; /* opened by the first function */
	unsigned functions;  /* made so far by codegen_module: for symbols */
	LoadedFunction *loaded;
	char cache[1024]; /* the folder of object files; empty: none */
};

/* unit.c: an Emit for a new module in `context`; NULL-safe close, in reverse order. */
void emit_open(Emit *e, Codegen *cg, LLVMContextRef context, const Kernels *k, const Plan *p,
               const char *name);
/* What the module's owner does not take: the builder and the data layout. */
void emit_close(Emit *e);
/* A module with one function, which `emit` makes, compiled: its address; NULL after an error. */
typedef void (*EmitModule)(Emit *e, const Codegen *cg, const char *name);
void *codegen_module(Codegen *cg, EmitModule emit);

/* target.c */
bool target_open(Codegen *cg);
LLVMTargetMachineRef target_machine(Codegen *cg, bool once);
void target_attributes(const Codegen *cg, Emit *e, V function);

/* step.c: kernel i is the symbol prefix + "k" + i; emit_kernels makes those that are wanted,
 * emit_step the step function, of symbol `name`, which calls them in this module or in another. */
void emit_kernels(Emit *e, const Codegen *cg, const char *prefix, const bool *wanted);
void emit_step(Emit *e, const Codegen *cg, const char *prefix, const char *name);
/* The first kernel of the same code: the one that is made. */
uint32_t step_first_equal(const Kernels *k, uint32_t number);
/* The buffers of a kernel in the order of its parameters; out has room for all. How many. */
uint32_t step_touched(Compile *c, const Kernels *k, const Kernel *kernel, BufferId *out);

/* wave.c: the task that runs the tiles of several kernels, and the words of its args. */
enum { WAVE_HEAD = 1, WAVE_WORDS = 3 };
V wave_task(Emit *e, const Codegen *cg, const char *symbol);
void wave_count(Emit *e, V args, uint32_t members);
/* `last`: one past its last tile, counted through the wave. */
void wave_member(Emit *e, V args, uint32_t member, V task, V task_args, int64_t last);

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
enum { WHY_LLVM = 256 };
bool optimize(LLVMTargetMachineRef machine, LLVMModuleRef module, char why[WHY_LLVM]);
/* BUG if it is no valid module. */
void verify_module(const Compile *c, LLVMModuleRef module, const char *name);
bool llvm_ok(Compile *c, LLVMErrorRef error, const char *what);

/* shards.c: a function's kernels as object files, compiled on all cores. */
typedef struct Objects {
	Text object[64];
	size_t count;
} Objects;
bool shards_compile(Codegen *cg, const Kernels *k, const Plan *p, StateOffset offset, void *states,
                    const char *prefix, const char *name, Objects *out);
void objects_close(Objects *o);

/* cache.c: objects on disk. The key is of all that the code depends on. */
typedef struct CacheKey {
	uint64_t word[2];
} CacheKey;
void cache_open(Codegen *cg);
/* False: a kernel's structure has no hash, so this function has no key. */
bool cache_key(const Codegen *cg, const Kernels *k, StateOffset offset, void *states, CacheKey *to);
bool cache_load(const Codegen *cg, CacheKey key, Objects *out); /* false: not there, or damaged */
void cache_store(const Codegen *cg, CacheKey key, const Objects *objects); /* best effort */

#endif
