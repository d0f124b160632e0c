/* target.c: the machine that code is made for: this one, or one named by options. */
#include "unit.h"

#include <string.h>

#include <llvm-c/Target.h>

#include "llvm_version.h"

/* The processors that can be named on x86-64, where LLVM aborts on a name that it does not know,
 * and the width of vectors that each is good for. */
typedef struct Cpu {
	const char *name;
	unsigned bits;
	bool bf16; /* multiplies pairs of it */
} Cpu;

static const Cpu cpus[] = {
    {"x86-64", 128, false},         {"x86-64-v2", 128, false},      {"x86-64-v3", 256, false},
    {"x86-64-v4", 512, false},      {"nehalem", 128, false},        {"westmere", 128, false},
    {"sandybridge", 128, false},    {"ivybridge", 128, false},      {"haswell", 256, false},
    {"broadwell", 256, false},      {"skylake", 256, false},        {"skylake-avx512", 512, false},
    {"cascadelake", 512, false},    {"cooperlake", 512, true},      {"cannonlake", 512, false},
    {"icelake-client", 512, false}, {"icelake-server", 512, false}, {"tigerlake", 512, false},
    {"rocketlake", 512, false},     {"sapphirerapids", 512, true},  {"emeraldrapids", 512, true},
    {"graniterapids", 512, true},   {"alderlake", 256, false},      {"raptorlake", 256, false},
    {"meteorlake", 256, false},     {"arrowlake", 256, false},      {"lunarlake", 256, false},
    {"gracemont", 256, false},      {"sierraforest", 256, false},   {"silvermont", 128, false},
    {"goldmont", 128, false},       {"tremont", 128, false},        {"bdver4", 256, false},
    {"btver2", 128, false},         {"znver1", 256, false},         {"znver2", 256, false},
    {"znver3", 256, false},         {"znver4", 512, true},          {"znver5", 512, true},
};

static const Cpu *find_cpu(const char *name)
{
	for (size_t i = 0; i < COUNT(cpus); i++)
		if (strcmp(cpus[i].name, name) == 0)
			return &cpus[i];
	return NULL;
}

static void report_unknown(Compile *c)
{
	const char *names[COUNT(cpus)];
	for (size_t i = 0; i < COUNT(cpus); i++)
		names[i] = cpus[i].name;
	const char *near = suggest(c->cpu, names, COUNT(cpus));
	diag_error(c->diags, (Span){0}, "unknown processor '%s'", c->cpu);
	diag_help(c->diags, near ? "did you mean '%s'?" : "names are LLVM's, such as '%s'",
	          near ? near : "x86-64-v3");
}

/* Whether a list such as "+avx2,-fma" ends with the feature on. */
static bool has(const char *features, const char *name)
{
	bool on = false;
	size_t length = strlen(name);
	for (const char *at = features; (at = strstr(at, name)); at += length)
		if (at > features && (at[length] == ',' || at[length] == 0))
			on = at[-1] == '+' || (at[-1] != '-' && on);
	return on;
}

static unsigned vector_bits(const char *features)
{
	if (!has(features, "avx2"))
		return 128;
	bool wide = has(features, "avx512f") && has(features, "avx512vl") &&
	            has(features, "avx512dq") && has(features, "avx512bw");
	return wide ? 512 : 256;
}

/* What the name of a processor implies of the features that are asked for here. */
static const char *implied(const Cpu *cpu)
{
	unsigned bits = cpu ? cpu->bits : 128;
	if (cpu && cpu->bf16)
		return "+avx2,+avx512f,+avx512vl,+avx512dq,+avx512bw,+avx512bf16,+fma";
	return bits == 512   ? "+avx2,+avx512f,+avx512vl,+avx512dq,+avx512bw,+fma"
	       : bits == 256 ? "+avx2,+fma"
	                     : "";
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
	bool x86 = strncmp(cg->triple, "x86_64", 6) == 0;
	const Cpu *cpu = c->cpu && x86 ? find_cpu(c->cpu) : NULL;
	if (c->cpu && x86 && !cpu) {
		report_unknown(c);
		return false;
	}
	cg->cpu = c->cpu ? own(c->cpu) : LLVMGetHostCPUName();
	char *host = c->cpu ? own(implied(cpu)) : LLVMGetHostCPUFeatures();
	const char *more = c->features ? c->features : "";
	cg->features = own(arena_printf(c->arena, "%s%s%s", host, *host && *more ? "," : "", more));
	LLVMDisposeMessage(host);
	cg->vector_bits = vector_bits(cg->features);
	cg->bf16_pairs = cg->vector_bits == 512 && has(cg->features, "avx512bf16");
	char why[WHY_LLVM];
	cg->machine = target_machine(cg, false, why);
	if (!cg->machine)
		diag_error(c->diags, (Span){0}, "%s", why);
	return cg->machine != NULL;
}

/* A new one each time: the JIT consumes its own. */
LLVMTargetMachineRef target_machine(const Codegen *cg, bool once, char why[WHY_LLVM])
{
	LLVMTargetRef target;
	char *message = NULL;
	if (LLVMGetTargetFromTriple(cg->triple, &target, &message)) {
		snprintf(why, WHY_LLVM, "LLVM has no target for '%s': %s", cg->triple, message);
		LLVMDisposeMessage(message);
		return NULL;
	}
	LLVMTargetMachineOptionsRef options = LLVMCreateTargetMachineOptions();
	LLVMTargetMachineOptionsSetCPU(options, cg->cpu);
	LLVMTargetMachineOptionsSetFeatures(options, cg->features);
	LLVMTargetMachineOptionsSetCodeGenOptLevel(options, once ? LLVMCodeGenLevelNone
	                                                         : LLVMCodeGenLevelDefault);
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
