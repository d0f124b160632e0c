/* philox.c: Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011. */
#include "graph.h"

static uint32_t multiply(uint32_t x, uint32_t y, uint32_t *high)
{
	uint64_t product = (uint64_t)x * y;
	*high = (uint32_t)(product >> 32);
	return (uint32_t)product;
}

void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k[2] = {key[0], key[1]};
	for (int round = 0; round < 10; round++) {
		uint32_t high0, high2, low0 = multiply(c[0], 0xD2511F53, &high0),
		                       low2 = multiply(c[2], 0xCD9E8D57, &high2);
		c[0] = high2 ^ c[1] ^ k[0];
		c[1] = low2;
		c[2] = high0 ^ c[3] ^ k[1];
		c[3] = low0;
		k[0] += 0x9E3779B9;
		k[1] += 0xBB67AE85;
	}
	for (int i = 0; i < 4; i++)
		out[i] = c[i];
}
