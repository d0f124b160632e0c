/* target.c: the machine that code is made for: this one, or one named by options. */
#include "unit.h"

#include <string.h>

#include <llvm-c/Target.h>

#include "llvm_version.h"

/* The processors that can be named on x86-64, where LLVM aborts on a name that it does not know,
 * and the width of vectors that each is good for. `needs` lists what code for it may use of
 * registers and instructions for vectors and bits, in LLVM's words: a machine that lacks one cannot
 * run it. */
typedef struct Cpu {
	const char *name;
	unsigned bits;
	bool bf16; /* multiplies pairs of it */
	const char *needs;
} Cpu;

#define V2     "sse3,ssse3,sse4.1,sse4.2,popcnt,"
#define V3     V2 "avx,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe,"
#define V4     V3 "avx512f,avx512cd,avx512bw,avx512dq,avx512vl,"
#define VBMI   "avx512vnni,avx512vbmi,avx512vbmi2,avx512ifma,avx512bitalg,avx512vpopcntdq,gfni,"
#define ICE    V4 "adx," VBMI
#define RAPIDS ICE "avxvnni,avx512bf16,avx512fp16,"
#define ALDER  V3 "adx,gfni,avxvnni,"
#define ARROW  ALDER "avxifma,avxneconvert,avxvnniint8,"
#define ZEN    V3 "adx,sse4a,"
#define ZEN4   V4 "adx,sse4a,avx512bf16," VBMI

static const Cpu cpus[] = {
    {"x86-64", 128, false, ""},
    {"x86-64-v2", 128, false, V2},
    {"x86-64-v3", 256, false, V3},
    {"x86-64-v4", 512, false, V4},
    {"nehalem", 128, false, V2},
    {"westmere", 128, false, V2},
    {"sandybridge", 128, false, V2 "avx,"},
    {"ivybridge", 128, false, V2 "avx,f16c,"},
    {"haswell", 256, false, V3},
    {"broadwell", 256, false, V3 "adx,"},
    {"skylake", 256, false, V3 "adx,"},
    {"skylake-avx512", 512, false, V4 "adx,"},
    {"cascadelake", 512, false, V4 "adx,avx512vnni,"},
    {"cooperlake", 512, true, V4 "adx,avx512vnni,avx512bf16,"},
    {"cannonlake", 512, false, V4 "adx,avx512vbmi,avx512ifma,"},
    {"icelake-client", 512, false, ICE},
    {"icelake-server", 512, false, ICE},
    {"tigerlake", 512, false, ICE "avx512vp2intersect,"},
    {"rocketlake", 512, false, ICE},
    {"sapphirerapids", 512, true, RAPIDS},
    {"emeraldrapids", 512, true, RAPIDS},
    {"graniterapids", 512, true, RAPIDS},
    {"alderlake", 256, false, ALDER},
    {"raptorlake", 256, false, ALDER},
    {"meteorlake", 256, false, ALDER},
    {"arrowlake", 256, false, ARROW},
    {"lunarlake", 256, false, ARROW "avxvnniint16,"},
    {"gracemont", 256, false, ALDER},
    {"sierraforest", 256, false, ARROW},
    {"silvermont", 128, false, V2 "movbe,"},
    {"goldmont", 128, false, V2 "movbe,"},
    {"tremont", 128, false, V2 "movbe,gfni,"},
    {"bdver4", 256, false, V3 "sse4a,xop,fma4,tbm,"},
    {"btver2", 128, false, V2 "avx,bmi,f16c,lzcnt,movbe,sse4a,"},
    {"znver1", 256, false, ZEN},
    {"znver2", 256, false, ZEN},
    {"znver3", 256, false, ZEN},
    {"znver4", 512, true, ZEN4},
    {"znver5", 512, true, ZEN4 "avxvnni,avx512vp2intersect,"},
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

static bool is_x86(const Codegen *cg)
{
	return strncmp(cg->triple, "x86_64", 6) == 0;
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
	const Cpu *cpu = c->cpu && is_x86(cg) ? find_cpu(c->cpu) : NULL;
	if (c->cpu && is_x86(cg) && !cpu) {
		report_unknown(c);
		return false;
	}
	cg->cpu = c->cpu ? own(c->cpu) : LLVMGetHostCPUName();
	cg->features = c->cpu ? own(implied(cpu)) : LLVMGetHostCPUFeatures();
	if (c->features && *c->features) {
		const char *comma = *cg->features ? "," : "",
		           *all = arena_printf(c->arena, "%s%s%s", cg->features, comma, c->features);
		LLVMDisposeMessage(cg->features);
		cg->features = own(all);
	}
	cg->vector_bits = vector_bits(cg->features);
	cg->bf16_pairs = cg->vector_bits == 512 && has(cg->features, "avx512bf16");
	char why[WHY_LLVM];
	cg->machine = target_machine(cg, false, why);
	if (!cg->machine)
		diag_error(c->diags, (Span){0}, "%s", why);
	return cg->machine != NULL;
}

/* Copies the word at *list that ends with a comma or the text, and goes past it. */
static bool next_word(const char **list, char word[32])
{
	size_t size = strcspn(*list, ",");
	snprintf(word, 32, "%.*s", (int)size, *list);
	*list += size + ((*list)[size] == ',');
	return size > 0;
}

/* The first feature of what was asked for that this machine lacks. */
static bool lacks(const Codegen *cg, const char *host, char word[32])
{
	const Cpu *cpu = cg->c->cpu ? find_cpu(cg->c->cpu) : NULL;
	for (const char *list = cpu ? cpu->needs : ""; next_word(&list, word);)
		if (!has(host, word))
			return true;
	char signed_word[32];
	for (const char *list = cg->c->features ? cg->c->features : ""; next_word(&list, signed_word);)
		if (signed_word[0] == '+' && !has(host, strcpy(word, signed_word + 1)))
			return true;
	return false;
}

bool target_runs_here(Codegen *cg)
{
	Compile *c = cg->c;
	if (!c->cpu && !c->features)
		return true;
	char *name = LLVMGetHostCPUName(), *host = LLVMGetHostCPUFeatures(), word[32] = "";
	bool other = c->cpu && strcmp(c->cpu, name) != 0;
	bool bad = other && !is_x86(cg) ? true : lacks(cg, host, word);
	char here[64];
	snprintf(here, sizeof here, "%s", name);
	LLVMDisposeMessage(name);
	LLVMDisposeMessage(host);
	if (!bad)
		return true;
	diag_error(c->diags, (Span){0}, "this machine (%s) cannot run code for '%s'%s%s", here, cg->cpu,
	           *word ? ": it has no " : "", word);
	diag_help(c->diags,
	          "sslc check and sslc dump look at code for any processor; to run, leave out --cpu");
	return false;
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
