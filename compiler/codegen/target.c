/* target.c: the machine that code is made for: this one, or one named by options. */
#include "unit.h"

#include <string.h>

#include <llvm-c/Target.h>

#include "llvm_version.h"

static unsigned vector_bits(const char *features)
{
	if (strstr(features, "+avx512f") && strstr(features, "+avx512vl") &&
	    strstr(features, "+avx512dq") && strstr(features, "+avx512bw"))
		return 512;
	return strstr(features, "+avx2") ? 256 : 128;
}

/* CPU names imply features, which only LLVM knows; these four are the levels that people ask for.
 */
static const char *level_features(const char *cpu)
{
	if (strcmp(cpu, "x86-64-v4") == 0)
		return "+avx512f,+avx512vl,+avx512dq,+avx512bw,+avx2,+fma";
	if (strcmp(cpu, "x86-64-v3") == 0)
		return "+avx2,+fma";
	return "";
}

static char *own(const char *text)
{
	return LLVMCreateMessage(text);
}

bool target_open(Codegen *cg)
{
	Compile *c = cg->c;
	if (LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter() ||
	    LLVMInitializeNativeAsmParser()) {
		diag_error(c->diags, (Span){0}, "LLVM was built without this machine's target");
		return false;
	}
	cg->triple = LLVMGetDefaultTargetTriple();
	cg->cpu = c->cpu ? own(c->cpu) : LLVMGetHostCPUName();
	cg->features = c->features ? own(c->features)
	               : c->cpu    ? own(level_features(c->cpu))
	                           : LLVMGetHostCPUFeatures();
	cg->vector_bits = vector_bits(cg->features);
	cg->machine = target_machine(cg);
	return cg->machine != NULL;
}

/* A new one each time: the JIT consumes its own. */
LLVMTargetMachineRef target_machine(Codegen *cg)
{
	LLVMTargetRef target;
	char *message = NULL;
	if (LLVMGetTargetFromTriple(cg->triple, &target, &message)) {
		diag_error(cg->c->diags, (Span){0}, "LLVM has no target for '%s': %s", cg->triple, message);
		LLVMDisposeMessage(message);
		return NULL;
	}
	LLVMTargetMachineOptionsRef options = LLVMCreateTargetMachineOptions();
	LLVMTargetMachineOptionsSetCPU(options, cg->cpu);
	LLVMTargetMachineOptionsSetFeatures(options, cg->features);
	LLVMTargetMachineOptionsSetCodeGenOptLevel(options, LLVMCodeGenLevelDefault);
	LLVMTargetMachineOptionsSetRelocMode(options, LLVMRelocPIC);
	LLVMTargetMachineRef machine = LLVMCreateTargetMachineWithOptions(target, cg->triple, options);
	LLVMDisposeTargetMachineOptions(options);
	return machine;
}

static void add_attribute(Emit *e, V function, const char *key, const char *value)
{
	LLVMAttributeRef a = LLVMCreateStringAttribute(e->context, key, (unsigned)strlen(key), value,
	                                               (unsigned)strlen(value));
	LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
}

void target_attributes(const Codegen *cg, Emit *e, V function)
{
	char bits[16];
	snprintf(bits, sizeof bits, "%u", cg->vector_bits);
	add_attribute(e, function, "target-cpu", cg->cpu);
	add_attribute(e, function, "target-features", cg->features);
	add_attribute(e, function, "prefer-vector-width", bits);
	add_attribute(e, function, "min-legal-vector-width", bits);
	add_attribute(e, function, "frame-pointer", "none");
}

const char *codegen_cpu(const Codegen *cg)
{
	return cg->cpu;
}
unsigned codegen_lanes(const Codegen *cg)
{
	return cg->vector_bits / 32;
}
