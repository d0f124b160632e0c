/* machine.c: the machine that was asked for, by the name of a processor of x86-64, of a target, or
 * none: the one that sslc runs on. */
#include "machine.h"

#include <string.h>

typedef struct Cpu {
	const char *name;
	unsigned bits;
	bool bf16;
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
#define CPU(name, bits, bf16, needs) {name, bits, bf16, needs},
#include "cpus.def"
#undef CPU
};

#define KIB(x) ((int64_t)(x) << 10)

typedef struct Target {
	const char *name;
	Machine machine;
} Target;

static const Target targets[] = {
#define TARGET(called, llvm, processor, has, call, pointer, bits, registers, floats, fused, whole, \
               small, l1, l2, l3, line, stack)                                                     \
	{called,                                                                                       \
	 {.triple = llvm,                                                                              \
	  .cpu = processor,                                                                            \
	  .features = has,                                                                             \
	  .abi = call,                                                                                 \
	  .pointer_bytes = pointer,                                                                    \
	  .vector_bits = bits,                                                                         \
	  .vector_registers = registers,                                                               \
	  .float_bits = floats,                                                                        \
	  .fma = fused,                                                                                \
	  .rounds = whole,                                                                             \
	  .bare = small,                                                                               \
	  .l1_bytes = KIB(l1),                                                                         \
	  .l2_bytes = KIB(l2),                                                                         \
	  .l3_bytes = KIB(l3),                                                                         \
	  .line_bytes = line,                                                                          \
	  .stack_bytes = stack}},
#include "targets.def"
#undef TARGET
};

/* Of every x86-64: half of a common second cache is 512 KiB. */
#define X86                                                                                        \
	.abi = "", .pointer_bytes = 8, .l1_bytes = KIB(48), .l2_bytes = KIB(1024),                     \
	.l3_bytes = KIB(4096), .line_bytes = 64, .stack_bytes = KIB(2048), .float_bits = 64

const Machine machine_default = {X86,
                                 .triple = "x86_64-unknown-linux-gnu",
                                 .cpu = "x86-64-v3",
                                 .features = "+avx2,+fma",
                                 .vector_bits = 256,
                                 .vector_registers = 16,
                                 .fma = true,
                                 .rounds = true};

/* -- Features ---------------------------------------------------------------------------------- */

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
	if (cpu->bf16)
		return "+avx2,+avx512f,+avx512vl,+avx512dq,+avx512bw,+avx512bf16,+fma";
	return cpu->bits == 512   ? "+avx2,+avx512f,+avx512vl,+avx512dq,+avx512bw,+fma"
	       : cpu->bits == 256 ? "+avx2,+fma"
	                          : "";
}

/* Copies the word at *list that ends with a comma or the text, and goes past it. */
static bool next_word(const char **list, char word[32])
{
	size_t size = strcspn(*list, ",");
	snprintf(word, 32, "%.*s", (int)size, *list);
	*list += size + ((*list)[size] == ',');
	return size > 0;
}

/* -- Names ------------------------------------------------------------------------------------- */

static const Cpu *find_cpu(const char *name)
{
	for (size_t i = 0; i < COUNT(cpus); i++)
		if (strcmp(cpus[i].name, name) == 0)
			return &cpus[i];
	return NULL;
}

static const Target *find_target(const char *name)
{
	for (size_t i = 0; i < COUNT(targets); i++)
		if (strcmp(targets[i].name, name) == 0)
			return &targets[i];
	return NULL;
}

static bool unknown(Compile *c, const char *what, const char *name, const char *const *names,
                    size_t count, const char *help)
{
	const char *near = suggest(name, names, count);
	diag_error(c->diags, (Span){0}, "unknown %s '%s'", what, name);
	if (near)
		diag_help(c->diags, "did you mean '%s'?", near);
	else
		diag_help(c->diags, "%s", help);
	return false;
}

static bool unknown_cpu(Compile *c)
{
	const char *names[COUNT(cpus)];
	for (size_t i = 0; i < COUNT(cpus); i++)
		names[i] = cpus[i].name;
	return unknown(c, "processor", c->cpu, names, COUNT(cpus),
	               "names are LLVM's, such as 'x86-64-v3'");
}

const char *const *machine_targets(void)
{
	static const char *const names[] = {
#define TARGET(name, ...) name,
#include "targets.def"
#undef TARGET
	    NULL,
	};
	return names;
}

static bool unknown_target(Compile *c)
{
	const char *list = "targets";
	for (size_t i = 0; i < COUNT(targets); i++)
		list = arena_printf(c->arena, "%s%s %s", list, i ? "," : ":", targets[i].name);
	return unknown(c, "target", c->target, machine_targets(), COUNT(targets), list);
}

/* -- The choice -------------------------------------------------------------------------------- */

bool machine_is_x86(const Machine *m)
{
	return strncmp(m->triple, "x86_64", 6) == 0;
}

unsigned machine_x86_level(const Machine *m)
{
	static const char *const names[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
	for (unsigned i = 0; i < COUNT(names); i++)
		if (strcmp(m->cpu, names[i]) == 0)
			return i + 1;
	return 0;
}

/* A host lists all that it has; what a name stands for is in cpus.def. */
static bool has_all(const Machine *m, const char *words)
{
	const Cpu *cpu = has(m->features, "sse2") ? NULL : find_cpu(m->cpu);
	for (char word[32]; next_word(&words, word);)
		if (!has(m->features, word) && (!cpu || !strstr(cpu->needs, word)))
			return false;
	return true;
}

unsigned machine_x86_needs(const Machine *m)
{
	static const char *const words[] = {V4, V3, V2};
	bool whole =
	    has(m->features, "sse2") && !(has(m->features, "sahf") && has(m->features, "cx16"));
	for (unsigned i = 0; i < COUNT(words) && machine_is_x86(m) && !whole; i++)
		if (has_all(m, words[i]))
			return COUNT(words) + 1 - i;
	return machine_is_x86(m) ? 1 : 0;
}

static void add_features(Compile *c, Machine *m)
{
	const char *comma = *m->features ? "," : "";
	if (c->features && *c->features)
		m->features = arena_printf(c->arena, "%s%s%s", m->features, comma, c->features);
}

/* What follows from the features of an x86-64. */
static void derive(Machine *m)
{
	m->vector_bits = vector_bits(m->features);
	m->vector_registers = m->vector_bits == 512 ? 32 : 16;
	m->scales = m->vector_bits == 512;
	m->bf16_pairs = m->vector_bits == 512 && has(m->features, "avx512bf16");
	m->fma = has(m->features, "fma");
	m->rounds = has(m->features, "sse4.1") || has(m->features, "avx2");
}

static bool choose_target(Compile *c, Machine *to)
{
	const Target *target = find_target(c->target);
	if (!target)
		return unknown_target(c);
	if (c->cpu) {
		diag_error(c->diags, (Span){0}, "the target '%s' has a processor of its own, '%s'",
		           target->name, target->machine.cpu);
		diag_help(c->diags, "leave out --cpu, which names processors of x86-64");
		return false;
	}
	*to = target->machine;
	add_features(c, to);
	return true;
}

bool machine_choose(Compile *c, const Machine *host, Machine *to)
{
	if (c->target && strcmp(c->target, "x86-64") != 0)
		return choose_target(c, to);
	bool x86 = machine_is_x86(host) || c->target;
	const Cpu *cpu = c->cpu && x86 ? find_cpu(c->cpu) : NULL;
	if (c->cpu && x86 && !cpu)
		return unknown_cpu(c);
	*to = (Machine){X86, .triple = host->triple, .cpu = host->cpu, .features = host->features};
	if (!machine_is_x86(host) && c->target)
		to->triple = machine_default.triple;
	if (c->cpu)
		to->cpu = c->cpu, to->features = cpu ? implied(cpu) : "";
	else if (c->target)
		to->cpu = "x86-64", to->features = "";
	add_features(c, to);
	derive(to);
	to->rounds |= cpu && strstr(cpu->needs, "sse4.1");
	if (!x86) /* a host of another kind: that its vectors are of 128 bits is likely */
		to->vector_registers = 32, to->fma = to->rounds = true;
	return true;
}

bool machine_lacks(const Compile *c, const char *host_features, char word[32])
{
	const Cpu *cpu = c->cpu ? find_cpu(c->cpu) : NULL;
	for (const char *list = cpu ? cpu->needs : ""; next_word(&list, word);)
		if (!has(host_features, word))
			return true;
	char signed_word[32];
	for (const char *list = c->features ? c->features : ""; next_word(&list, signed_word);)
		if (signed_word[0] == '+' && !has(host_features, strcpy(word, signed_word + 1)))
			return true;
	return false;
}
