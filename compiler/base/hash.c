/* hash.c: the one hash: FNV-1a's idea over 8-byte words with a strong finish (MurmurHash3's
 * fmix64). Not for enemies. */
#include "base.h"

#include <string.h>

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

Hash hash_bytes(Hash seed, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;
	uint64_t h = mix(seed ^ (0x9e3779b97f4a7c15ULL + size));
	for (; size >= 8; size -= 8, p += 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		h = (h ^ mix(word)) * 0x9fb21c651e98df25ULL;
	}
	uint64_t tail = 0;
	if (size)
		memcpy(&tail, p, size);
	return mix(h ^ mix(tail));
}

Hash hash_text(Hash seed, const char *text)
{
	return hash_bytes(seed, text, strlen(text));
}
