/* inner.h: what the files of this folder share: the head of a block, and bytes. */
#ifndef SSLC_EMBED_INNER_H
#define SSLC_EMBED_INNER_H

#include <stdbool.h>

#include "embed.h"

#ifdef __BYTE_ORDER__
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files hold the states as they are");
#endif

#define EMBED_MAGIC UINT32_C(0x314d4553) /* "SEM1" */

typedef struct Head {
	uint64_t hash;
	uint32_t magic;
	int32_t step; /* steps done of pre-training */
	uint32_t seed[2];
	uint32_t is_ready; /* the states hold something */
	uint32_t variant;  /* of each function */
	void *pool;
	StepParallel parallel;
} Head;
_Static_assert(sizeof(Head) <= EMBED_HEAD, "the states begin behind it");

/* 0: an initialised block of this model. */
int32_t embed_check(const EmbedModel *model, const void *block);
unsigned char *embed_states(void *block);
const unsigned char *embed_states_const(const void *block);

/* Whether `what` of a load or an export takes the tensor. */
bool embed_is_wanted(const EmbedTensor *tensor, uint32_t what);

/* How a safetensors file of sslc begins behind its first 8 bytes; then 8 digits of CRC-32 of the
 * whole file, with zeros in their place. */
#define EMBED_CHECKSUM "sslc_crc32"
#define EMBED_CHECKED  "{\"__metadata__\":{\"" EMBED_CHECKSUM "\":\""
enum { EMBED_DIGITS_AT = 8 + sizeof EMBED_CHECKED - 1, EMBED_DIGITS = 8 };
/* The digits that the file should have, which has at least so many bytes. */
void embed_digits(const unsigned char *file, size_t bytes, char digits[EMBED_DIGITS]);

void embed_copy(void *to, const void *from, size_t bytes);
uint32_t embed_get32(const unsigned char *at); /* little-endian, any alignment */
uint64_t embed_get64(const unsigned char *at);
void embed_put32(unsigned char *at, uint32_t value);
void embed_put64(unsigned char *at, uint64_t value);

/* CRC-32 of ISO-HDLC (zlib's), of bytes behind those of `crc`; of none, 0. */
uint32_t embed_crc(uint32_t crc, const unsigned char *at, size_t bytes);

#endif
