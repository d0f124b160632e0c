/* x86.c: which level of x86-64 this processor has, for objects that hold code for several. */
#include "x86.h"

#ifdef __x86_64__

typedef struct Registers {
	uint32_t a, b, c, d;
} Registers;

static Registers cpuid(uint32_t leaf, uint32_t part)
{
	Registers r;
	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(part));
	return r;
}

/* Which registers the operating system keeps for a thread. */
static uint32_t kept(void)
{
	uint32_t low, high;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static bool all(uint32_t word, uint32_t bits)
{
	return (word & bits) == bits;
}

/* The bits are those of Intel's manual, volume 2, CPUID; the levels those of the psABI. */
uint32_t embed_x86_level(void)
{
	enum {
		V2 = 1 << 0 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 |
		     1 << 23, /* sse3 ssse3 cx16 sse4 popcnt */
		V3 = 1 << 12 | 1 << 22 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 29, /* fma movbe avx f16c */
		V3_BASIC = 1 << 3 | 1 << 5 | 1 << 8,                            /* bmi avx2 bmi2 */
		LAHF = 1 << 0,
		LZCNT = 1 << 5,
		YMM = 0x6,
		ZMM = 0xe6,
	};
	const uint32_t v4 = UINT32_C(1) << 16 | 1 << 17 | 1 << 28 | 1 << 30 | UINT32_C(1) << 31;
	uint32_t most = cpuid(0, 0).a, extended = cpuid(UINT32_C(0x80000000), 0).a;
	Registers one = cpuid(1, 0);
	uint32_t more = extended >= UINT32_C(0x80000001) ? cpuid(UINT32_C(0x80000001), 0).c : 0;
	if (!all(one.c, V2) || !all(more, LAHF))
		return 1;
	uint32_t seven = most >= 7 ? cpuid(7, 0).b : 0;
	if (!all(one.c, V3) || !all(more, LZCNT) || !all(seven, V3_BASIC) || !all(kept(), YMM))
		return 2;
	return all(seven, v4) && all(kept(), ZMM) ? 4 : 3;
}

#endif
