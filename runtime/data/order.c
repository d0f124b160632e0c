/* order.c: a permutation of [0, n) that needs no memory: a Feistel network over the next even
 * number of bits, walked until it lands inside (Black & Rogaway 2002, "cycle walking"); the rounds
 * are Philox keyed by the seed. */
#include "../runtime.h"

enum { ROUNDS = 6 };

static uint32_t round_function(uint32_t half, int round, uint64_t seed, uint64_t epoch)
{
	uint32_t counter[4] = {half, (uint32_t)round, (uint32_t)epoch,
	                       0x6f726465u ^ (uint32_t)(epoch >> 32)},
	         out[4];
	uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	philox4x32(counter, key, out);
	return out[0];
}

int64_t order_at(int64_t i, int64_t n, uint64_t seed, uint64_t epoch)
{
	int bits = 1; /* of a half */
	while (bits < 31 && ((int64_t)1 << (2 * bits)) < n)
		bits++;
	uint64_t mask = ((uint64_t)1 << bits) - 1, at = (uint64_t)i;
	do {
		uint64_t left = at >> bits, right = at & mask;
		for (int round = 0; round < ROUNDS; round++) {
			uint64_t next = left ^ (round_function((uint32_t)right, round, seed, epoch) & mask);
			left = right;
			right = next;
		}
		at = left << bits | right;
	} while (at >= (uint64_t)n);
	return (int64_t)at;
}
