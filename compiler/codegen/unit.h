/* unit.h: private to codegen/: from kernels to a module, and from a module on. */
#ifndef SSLC_UNIT_H
#define SSLC_UNIT_H

#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#include "emit.h"

struct Codegen {
	Compile *c;
	LLVMTargetMachineRef machine;
	char *triple, *cpu, *features; /* LLVM's strings */
	unsigned vector_bits;
	LLVMOrcLLJITRef jit; /* opened by the first function */
	unsigned functions;  /* made so far: for symbols */
};

/* emit_open.c: an Emit for a new module in `context`; NULL-safe close, in reverse order. */
void emit_open(Emit *e, Codegen *cg, LLVMContextRef context, const Kernels *k, const Plan *p,
               const char *name);
void emit_close(
    Emit *e); /* what the module's owner does not take: the builder and the data layout */

/* target.c */
bool target_open(Codegen *cg);
LLVMTargetMachineRef target_machine(Codegen *cg);
void target_attributes(const Codegen *cg, Emit *e, V function);

/* step.c: every kernel, and the step function that calls them; its symbol is `name`. */
void emit_step(Emit *e, const Codegen *cg, const char *name);

/* unit.c: a module with one function, which `emit` makes, compiled: its address; NULL after an
 * error. */
typedef void (*EmitModule)(Emit *e, const Codegen *cg, const char *name);
void *codegen_module(Codegen *cg, const Kernels *k, const Plan *p, EmitModule emit,
                     StateOffset offset, void *states);

/* optimize.c: false after an error. */
bool optimize(Codegen *cg, Emit *e);
bool llvm_ok(Compile *c, LLVMErrorRef error, const char *what);

#endif
