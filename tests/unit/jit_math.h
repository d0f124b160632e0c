/* jit_math.h: for tests and tools of codegen/math*.c: one of its functions over an array, and how wrong it is. */
#ifndef SSLC_TEST_JIT_MATH_H
#define SSLC_TEST_JIT_MATH_H

#include <math.h>

#include "jit.h"

typedef V (*Unary)(Emit *e, V x);

/* void f(x, y, out): `size` elements, `lanes` at a time (0: a vector). unary NULL: pow, the only one that reads y.
 * float_bits: of the widest float that the machine has. */
static inline JitFunction jit_unary(Jit *j, const char *cpu, unsigned float_bits, Unary unary,
                                    bool wide, unsigned lanes, unsigned size)
{
	jit_open(j, cpu);
	jit_function(j, "f", 3, 0);
	Emit *e = &j->e;
	e->float_bits = float_bits;
	lanes = lanes ? lanes : e->vector_bits / (wide ? 64 : 32);
	T element = wide ? e->f64 : e->f32, type = l_vector(element, lanes);
	Loop loop;
	loop_begin(e, &loop, "elements", l_word(e, 0), l_word(e, size), l_word(e, lanes), NULL, 0);
	V at[3];
	for (unsigned i = 0; i < 3; i++)
		at[i] = l_at(e, element, LLVMGetParam(e->function, i), loop.index);
	V x = l_load(e, type, at[0], 4);
	l_store(e, unary ? unary(e, x) : math_pow(e, x, l_load(e, type, at[1], 4)), at[2], 4);
	loop_end(e, &loop, NULL);
	return (JitFunction)jit_finish(j);
}

/* |got - want| in ulp; infinity one step above the largest number; wrong NaN or sign of zero:
 * infinite. */
static inline double ulps(long double got, long double want, bool wide)
{
	int mantissa = wide ? 52 : 23, least = wide ? -1022 : -126, most = wide ? 1024 : 128;
	if (isnan(want) || isnan(got))
		return isnan(want) && isnan(got) ? 0 : INFINITY;
	if (want == 0 && got == 0)
		return signbit(want) == signbit(got) ? 0 : INFINITY;
	long double end = ldexpl(1, most);
	got = isinf(got) ? copysignl(end, got) : got;
	want = fabsl(want) > end ? copysignl(end, want) : want;
	int exponent;
	frexpl(want, &exponent);
	exponent = exponent - 1 < least ? least : exponent - 1;
	return (double)(fabsl(got - want) / ldexpl(1, exponent - mantissa));
}

/* Bits at random: splitmix64 (Steele, Lea and Flood, 2014). */
static inline uint64_t next_bits(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

#endif
