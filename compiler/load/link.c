/* link.c: the linker of LLVM's JIT, which is given whole object files and compiles nothing. */
#include "link.h"

#include <stdio.h>

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

struct Linker {
	Compile *c;
	LLVMOrcLLJITRef jit;
};

static bool llvm_ok(Compile *c, LLVMErrorRef error, const char *what)
{
	if (!error)
		return true;
	char *message = LLVMGetErrorMessage(error), why[256];
	snprintf(why, sizeof why, "%s", message);
	LLVMDisposeErrorMessage(message);
	diag_error(c->diags, (Span){0}, "LLVM cannot %s: %s", what, why);
	return false;
}

Linker *linker_open(Compile *c)
{
	Linker *l = new (c->arena, Linker);
	l->c = c;
	if (!llvm_ok(c, LLVMOrcCreateLLJIT(&l->jit, NULL), "open its JIT"))
		return NULL;
	LLVMOrcDefinitionGeneratorRef process = NULL; /* memcpy and memset */
	char prefix = LLVMOrcLLJITGetGlobalPrefix(l->jit);
	if (!llvm_ok(c,
	             LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, prefix, NULL, NULL),
	             "search this process")) {
		linker_close(l);
		return NULL;
	}
	LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(l->jit), process);
	return l;
}

void linker_close(Linker *l)
{
	if (l)
		(void)llvm_ok(l->c, LLVMOrcDisposeLLJIT(l->jit), "close its JIT");
}

bool linker_add(Linker *l, const Text *object)
{
	LLVMMemoryBufferRef bytes =
	    LLVMCreateMemoryBufferWithMemoryRangeCopy(object->data, object->size, "kernels");
	LLVMOrcJITDylibRef main = LLVMOrcLLJITGetMainJITDylib(l->jit);
	return llvm_ok(l->c, LLVMOrcLLJITAddObjectFile(l->jit, main, bytes), "take an object file");
}

void *linker_find(Linker *l, const char *symbol)
{
	LLVMOrcExecutorAddress address = 0;
	if (!llvm_ok(l->c, LLVMOrcLLJITLookup(l->jit, &address, symbol), "link a function"))
		return NULL;
	return (void *)(uintptr_t)address;
}
