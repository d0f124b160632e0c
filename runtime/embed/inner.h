/* inner.h: what the files of this folder share: the head of a block, and bytes. */
#ifndef SSLC_EMBED_INNER_H
#define SSLC_EMBED_INNER_H

#include "embed.h"

#ifdef __BYTE_ORDER__
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files hold the states as they are");
#endif

#define EMBED_MAGIC UINT32_C(0x314d4553) /* "SEM1" */

typedef struct Head {
	uint64_t hash;
	uint32_t magic;
	int32_t step; /* steps done */
	uint32_t seed[2];
	uint32_t is_ready; /* the states hold something */
	uint32_t unused;
	void *pool;
	StepParallel parallel;
} Head;
_Static_assert(sizeof(Head) <= EMBED_HEAD, "the states begin behind it");

/* 0: an initialised block of this model. */
int32_t embed_check(const EmbedModel *model, const void *block);
unsigned char *embed_states(void *block);
const unsigned char *embed_states_const(const void *block);

void embed_copy(void *to, const void *from, size_t bytes);
uint32_t embed_get32(const unsigned char *at); /* little-endian, any alignment */
uint64_t embed_get64(const unsigned char *at);
void embed_put32(unsigned char *at, uint32_t value);
void embed_put64(unsigned char *at, uint64_t value);

/* CRC-32 of ISO-HDLC (zlib's), of bytes behind those of `crc`; of none, 0. */
uint32_t embed_crc(uint32_t crc, const unsigned char *at, size_t bytes);

#endif
