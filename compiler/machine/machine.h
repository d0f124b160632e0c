/* machine.h: what code is made for: all that is known of a processor below the schedule, which
 * decides by it, and the code generator, which obeys it. A server and a microcontroller are two of
 * its values. Knows no LLVM. */
#ifndef SSLC_MACHINE_H
#define SSLC_MACHINE_H

#include "../base/base.h"

typedef struct Machine {
	const char *triple, *cpu, *features; /* in LLVM's words */
	const char *abi;                     /* "": the triple's own */
	unsigned pointer_bytes;
	unsigned vector_bits;      /* of a register; 32: there are no vectors, all is done one by one */
	unsigned vector_registers; /* of that size, or of f32 where there are no vectors */
	unsigned
	    float_bits;  /* of the widest numbers that it adds: 64, 32, 0: all is done in integers */
	bool fma;        /* x y + z of them with one rounding is one instruction, */
	bool rounds;     /* and so is floor, */
	bool scales;     /* and x 2^y of a whole register, by AVX-512 */
	bool bf16_pairs; /* multiplies pairs of bf16 and adds them in f32, 16 at a time */
	bool bare;       /* neither an operating system nor much memory: small code before quick code */
	/* Bytes: of a core's first and second cache, its share of the last one, and a line; 0: none. */
	int64_t l1_bytes, l2_bytes, l3_bytes, line_bytes;
	int64_t stack_bytes; /* of the stack that a task may use for scratch */
} Machine;

/* A common x86-64: what stages are tested with. */
extern const Machine machine_default;

/* Bytes that do not stay in a core's own caches: half of them, since more is read than that; where
 * there are none, nothing is far. */
static inline int64_t machine_far_bytes(const Machine *m)
{
	return m->l2_bytes ? m->l2_bytes / 2 : INT64_MAX / 8;
}

/* Finds what c->cpu, c->features and c->target ask for, or `host`, of which the names are given;
 * false: reported. */
MUST_USE bool machine_choose(Compile *c, const Machine *host, Machine *to);
bool machine_is_x86(const Machine *m);
/* 1 to 4 for x86-64 to x86-64-v4, by its name; 0: it is none of these. */
unsigned machine_x86_level(const Machine *m);
/* The level that all processors have on which its code can run; 0: it is no x86-64. */
unsigned machine_x86_needs(const Machine *m);
/* The first feature of what was asked for that the host lacks; false: it lacks none. */
bool machine_lacks(const Compile *c, const char *host_features, char word[32]);
/* The names that `target` may have, ended by NULL. */
const char *const *machine_targets(void);

#endif
