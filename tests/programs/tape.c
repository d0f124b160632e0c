/* tape.c: choices, drawn from a seed or given; and how a list of them is made smaller. */
#include "programs.h"

#include <string.h>

Tape tape_of_seed(uint64_t seed, uint32_t large)
{
	return (Tape){.random = hash_u64(1, seed), .draws = true, .large = large};
}

uint32_t pick(Tape *t, uint32_t n)
{
	uint32_t x = 0;
	if (t->used < t->count) {
		x = t->choice[t->used];
	} else if (t->draws) {
		t->random = t->random * 6364136223846793005u + 1442695040888963407u;
		x = (uint32_t)(t->random >> 33);
	}
	x %= n;
	if (t->used < TAPE_MOST)
		t->choice[t->used] = x;
	t->used++;
	return x;
}
