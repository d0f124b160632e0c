/* target.c: LLVM's side of the machine that code is made for. */
#include "module.h"

#include <string.h>

#include <llvm-c/Target.h>

#include "llvm_version.h"

/* Registers all that LLVM must know of a kind of processor. */
#define INITIALIZE(Arch)                                                                           \
	do {                                                                                           \
		LLVMInitialize##Arch##TargetInfo();                                                        \
		LLVMInitialize##Arch##Target();                                                            \
		LLVMInitialize##Arch##TargetMC();                                                          \
		LLVMInitialize##Arch##AsmPrinter();                                                        \
	} while (0)

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool initialize(Compile *c, const char *triple)
{
	if (LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter() ||
	    LLVMInitializeNativeAsmParser()) {
		diag_error(c->diags, (Span){0}, "LLVM was built without this machine's target");
		return false;
	}
	if (starts(triple, "aarch64"))
		INITIALIZE(AArch64);
	else if (starts(triple, "riscv"))
		INITIALIZE(RISCV);
	else if (starts(triple, "arm") || starts(triple, "thumb"))
		INITIALIZE(ARM);
	else if (starts(triple, "wasm"))
		INITIALIZE(WebAssembly);
	else if (starts(triple, "x86_64"))
		INITIALIZE(X86);
	return true;
}

/* A copy in the arena of a text of LLVM's. */
static const char *owned(Compile *c, char *text)
{
	const char *copy = arena_copy(c->arena, text, strlen(text));
	LLVMDisposeMessage(text);
	return copy;
}

bool codegen_machine(Compile *c)
{
	Machine host = {.triple = owned(c, LLVMGetDefaultTargetTriple()),
	                .cpu = owned(c, LLVMGetHostCPUName()),
	                .features = owned(c, LLVMGetHostCPUFeatures())};
	Machine *to = new (c->arena, Machine);
	c->machine = NULL;
	if (!machine_choose(c, &host, to) || !initialize(c, to->triple))
		return false;
	c->machine = to;
	return true;
}

bool target_open(Codegen *cg)
{
	Compile *c = cg->c;
	if (!codegen_machine(c))
		return false;
	char why[WHY_LLVM];
	cg->target = c->machine;
	cg->machine = target_machine(cg, false, why);
	if (!cg->machine)
		diag_error(c->diags, (Span){0}, "%s", why);
	return cg->machine != NULL;
}

bool codegen_runs_here(Codegen *cg)
{
	Compile *c = cg->c;
	if (!c->cpu && !c->features && !c->target)
		return true;
	char *name = LLVMGetHostCPUName(), *host = LLVMGetHostCPUFeatures(),
	     *triple = LLVMGetDefaultTargetTriple(), word[32] = "";
	bool other = strncmp(cg->target->triple, triple, strcspn(triple, "-")) != 0 ||
	             (c->cpu && strcmp(c->cpu, name) != 0 && !machine_is_x86(cg->target));
	bool bad = other || machine_lacks(c, host, word);
	char here[64];
	snprintf(here, sizeof here, "%s", name);
	LLVMDisposeMessage(name);
	LLVMDisposeMessage(host);
	LLVMDisposeMessage(triple);
	if (!bad)
		return true;
	diag_error(c->diags, (Span){0}, "this machine (%s) cannot run code for '%s'%s%s", here,
	           cg->target->cpu, *word ? ": it has no " : "", word);
	diag_help(c->diags, "sslc check and sslc dump look at code for any processor; to run, leave "
	                    "out --cpu and --target");
	return false;
}

/* A new one each time: a thread needs its own. */
LLVMTargetMachineRef target_machine(const Codegen *cg, bool once, char why[WHY_LLVM])
{
	const Machine *m = cg->target;
	LLVMTargetRef target;
	char *message = NULL;
	if (LLVMGetTargetFromTriple(m->triple, &target, &message)) {
		snprintf(why, WHY_LLVM, "LLVM has no target for '%s': %s", m->triple, message);
		LLVMDisposeMessage(message);
		return NULL;
	}
	LLVMTargetMachineOptionsRef options = LLVMCreateTargetMachineOptions();
	LLVMTargetMachineOptionsSetCPU(options, m->cpu);
	LLVMTargetMachineOptionsSetFeatures(options, m->features);
	if (*m->abi)
		LLVMTargetMachineOptionsSetABI(options, m->abi);
	LLVMTargetMachineOptionsSetCodeGenOptLevel(options, once ? LLVMCodeGenLevelNone
	                                                         : LLVMCodeGenLevelDefault);
	bool fixed = m->bare || starts(m->triple, "wasm"); /* nothing moves it when it is loaded */
	LLVMTargetMachineOptionsSetRelocMode(options, fixed ? LLVMRelocStatic : LLVMRelocPIC);
	LLVMTargetMachineRef machine = LLVMCreateTargetMachineWithOptions(target, m->triple, options);
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
	snprintf(bits, sizeof bits, "%u", cg->target->vector_bits);
	add_attribute(e, function, "target-cpu", cg->target->cpu);
	add_attribute(e, function, "target-features", cg->target->features);
	if (machine_is_x86(cg->target)) {
		add_attribute(e, function, "prefer-vector-width", bits);
		add_attribute(e, function, "min-legal-vector-width", bits);
	}
	add_attribute(e, function, "frame-pointer", "none");
	if (!machine_is_x86(cg->target)) { /* no tables for who would unwind the stack */
		unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
		LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
		                        LLVMCreateEnumAttribute(e->context, nounwind, 0));
	}
}

const char *codegen_cpu(const Codegen *cg)
{
	return cg->target->cpu;
}
unsigned codegen_lanes(const Codegen *cg)
{
	return cg->target->vector_bits / 32;
}
