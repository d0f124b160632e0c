/* jit.h: for tests and tools of codegen/: one LLVM function, emitted by hand, as a C function.
 *
 *     Jit j;
 *     jit_open(&j, NULL);                         the Emit in j.e is ready; NULL: this machine's CPU
 *     jit_function(&j, "f", 3, 0);                void f(ptr, ptr, ptr); the builder stands in its entry
 *     ... emit into j.e ...
 *     void (*f)(void *, ...) = jit_finish(&j);    closes the function, optimizes, compiles
 *     jit_close(&j); */
#ifndef SSLC_TEST_JIT_H
#define SSLC_TEST_JIT_H

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/codegen/emit.h"

typedef struct Jit {
	Emit e;
	Arena *arena;
	LLVMOrcLLJITRef jit;
	const char *name;
} Jit;

typedef void (*JitFunction)(void *, void *, void *);

static inline void jit_ok(LLVMErrorRef error)
{
	if (!error)
		return;
	fprintf(stderr, "LLVM: %s\n", LLVMGetErrorMessage(error));
	abort();
}

/* What is known of a CPU: one of the common x86-64, or NULL: this machine's. */
static inline Machine jit_machine(const char *cpu)
{
	Machine m = machine_default;
	bool host512 = __builtin_cpu_supports("avx512f"), host256 = __builtin_cpu_supports("avx2");
	bool is512 = cpu ? strstr(cpu, "v4") != NULL : host512,
	     is256 = cpu ? strstr(cpu, "v3") != NULL : host256;
	m.vector_bits = is512 ? 512 : is256 ? 256 : 128;
	m.vector_registers = is512 ? 32 : 16;
	m.rounds = !cpu || strcmp(cpu, "x86-64") != 0;
	m.fma = cpu ? m.vector_bits > 128 : __builtin_cpu_supports("fma") != 0;
	m.scales = is512;
	m.bf16_pairs = !cpu && __builtin_cpu_supports("avx512bf16");
	return m;
}

static inline void jit_open(Jit *j, const char *cpu)
{
	*j = (Jit){0};
	LLVMInitializeNativeTarget();
	LLVMInitializeNativeAsmPrinter();
	char *triple = LLVMGetDefaultTargetTriple(), *error = NULL;
	char *host = LLVMGetHostCPUName(), *features = LLVMGetHostCPUFeatures();
	LLVMTargetRef target;
	if (LLVMGetTargetFromTriple(triple, &target, &error))
		abort();
	Emit *e = &j->e;
	e->machine =
	    LLVMCreateTargetMachine(target, triple, cpu ? cpu : host, cpu ? "" : features,
	                            LLVMCodeGenLevelDefault, LLVMRelocPIC, LLVMCodeModelDefault);
	e->layout = LLVMCreateTargetDataLayout(e->machine);
	LLVMContextRef c = e->context = LLVMContextCreate();
	e->module = LLVMModuleCreateWithNameInContext("test", c);
	LLVMSetTarget(e->module, triple);
	LLVMSetModuleDataLayout(e->module, e->layout);
	e->b = LLVMCreateBuilderInContext(c);
	j->arena = arena_open(1 << 20);
	if (!j->arena)
		abort();
	e->addresses = addresses_open(j->arena);
	e->ptr = LLVMPointerTypeInContext(c, 0);
	e->i1 = LLVMInt1TypeInContext(c), e->i8 = LLVMInt8TypeInContext(c);
	e->i16 = LLVMInt16TypeInContext(c), e->i32 = LLVMInt32TypeInContext(c);
	e->i64 = LLVMInt64TypeInContext(c), e->f32 = LLVMFloatTypeInContext(c);
	e->f64 = LLVMDoubleTypeInContext(c), e->bf16 = LLVMBFloatTypeInContext(c);
	e->voidt = LLVMVoidTypeInContext(c);
	e->word = LLVMIntPtrTypeInContext(c, e->layout), e->word_bytes = LLVMPointerSize(e->layout);
	e->vector_bits = jit_machine(cpu).vector_bits;
	e->float_bits = jit_machine(cpu).float_bits, e->rounds = jit_machine(cpu).rounds;
	e->fma = jit_machine(cpu).fma, e->scales = jit_machine(cpu).scales;
	LLVMDisposeMessage(triple), LLVMDisposeMessage(host), LLVMDisposeMessage(features);
}

/* Parameters beyond 3 pointers: `ints` words follow. */
static inline void jit_function(Jit *j, const char *name, unsigned pointers, unsigned ints)
{
	Emit *e = &j->e;
	T parameter[16];
	for (unsigned i = 0; i < pointers + ints; i++)
		parameter[i] = i < pointers ? e->ptr : e->word;
	T type = LLVMFunctionType(e->voidt, parameter, pointers + ints, false);
	e->function = LLVMAddFunction(e->module, name, type);
	for (unsigned i = 0; i < pointers; i++) {
		unsigned kind = LLVMGetEnumAttributeKindForName("noalias", 7);
		LLVMAddAttributeAtIndex(e->function, i + 1, LLVMCreateEnumAttribute(e->context, kind, 0));
	}
	char vectors[8];
	snprintf(vectors, sizeof vectors, "%u", e->vector_bits);
	const char *const key = "prefer-vector-width";
	LLVMAddAttributeAtIndex(e->function, LLVMAttributeFunctionIndex,
	                        LLVMCreateStringAttribute(e->context, key, (unsigned)strlen(key),
	                                                  vectors, (unsigned)strlen(vectors)));
	LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->context, e->function, "entry"));
	j->name = name;
}

/* As optimize.c. */
#define JIT_PASSES                                                                                 \
	"function(early-cse<memssa>,loop-mssa(licm<no-allowspeculation>),instcombine<no-verify-"       \
	"fixpoint>,early-cse,simplifycfg),globaldce"

/* Ends the function and optimizes the module; the text of it can be looked at now. */
static inline void jit_optimize(Jit *j, const char *passes)
{
	Emit *e = &j->e;
	LLVMBuildRetVoid(e->b);
	LLVMVerifyModule(e->module, LLVMAbortProcessAction, NULL);
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	jit_ok(LLVMRunPasses(e->module, passes, e->machine, options));
	LLVMDisposePassBuilderOptions(options);
}

/* Writes the machine code as text, for reading. */
static inline void jit_assembly(Jit *j, const char *path)
{
	char *error = NULL;
	if (LLVMTargetMachineEmitToFile(j->e.machine, j->e.module, (char *)path, LLVMAssemblyFile,
	                                &error))
		abort();
}

static inline void *jit_compile(Jit *j)
{
	LLVMMemoryBufferRef object;
	char *error = NULL;
	if (LLVMTargetMachineEmitToMemoryBuffer(j->e.machine, j->e.module, LLVMObjectFile, &error,
	                                        &object))
		abort();
	jit_ok(LLVMOrcCreateLLJIT(&j->jit, NULL));
	LLVMOrcJITDylibRef library = LLVMOrcLLJITGetMainJITDylib(j->jit);
	LLVMOrcDefinitionGeneratorRef process; /* memset, memcpy */
	jit_ok(LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, 0, NULL, NULL));
	LLVMOrcJITDylibAddGenerator(library, process);
	jit_ok(LLVMOrcLLJITAddObjectFile(j->jit, library, object));
	LLVMOrcExecutorAddress address;
	jit_ok(LLVMOrcLLJITLookup(j->jit, &address, j->name));
	return (void *)(uintptr_t)address;
}

static inline void *jit_finish(Jit *j)
{
	jit_optimize(j, JIT_PASSES);
	return jit_compile(j);
}

static inline void jit_close(Jit *j)
{
	if (j->jit)
		jit_ok(LLVMOrcDisposeLLJIT(j->jit));
	LLVMDisposeBuilder(j->e.b);
	LLVMDisposeModule(j->e.module);
	LLVMContextDispose(j->e.context);
	LLVMDisposeTargetData(j->e.layout);
	LLVMDisposeTargetMachine(j->e.machine);
	arena_close(j->arena);
}

#endif
