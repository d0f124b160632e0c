/* philox.c: Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011. A copy of its own beside the compiler's: an emitted program has no compiler behind
 * it, and both are held to the same vectors. */
#include "runtime.h"

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)c[0] * 0xD2511F53u, p2 = (uint64_t)c[2] * 0xCD9E8D57u;
		uint32_t first = (uint32_t)(p2 >> 32) ^ c[1] ^ k[0],
		         third = (uint32_t)(p0 >> 32) ^ c[3] ^ k[1];
		c[0] = first;
		c[1] = (uint32_t)p2;
		c[2] = third;
		c[3] = (uint32_t)p0;
		k[0] += 0x9E3779B9u;
		k[1] += 0xBB67AE85u;
	}
	for (int i = 0; i < 4; i++)
		out[i] = c[i];
}
