/* bytes.c: bytes and words at any alignment, and their checksum. The loops stay loops: what is
 * emitted for a bare machine has no memcpy to call, and some of these machines cannot load a word
 * that is not aligned. */
#include "inner.h"

void embed_copy(void *to, const void *from, size_t bytes)
{
	unsigned char *out = to;
	const unsigned char *in = from;
	for (size_t i = 0; i < bytes; i++)
		out[i] = in[i];
}

uint32_t embed_get32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t embed_get64(const unsigned char *at)
{
	return (uint64_t)embed_get32(at) | (uint64_t)embed_get32(at + 4) << 32;
}

void embed_put32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++, value >>= 8)
		at[i] = (unsigned char)value;
}

void embed_put64(unsigned char *at, uint64_t value)
{
	embed_put32(at, (uint32_t)value);
	embed_put32(at + 4, (uint32_t)(value >> 32));
}

/* Four bits at a time: a table of 64 bytes, where one of whole bytes would take 1 KiB of flash. */
uint32_t embed_crc(uint32_t crc, const unsigned char *at, size_t bytes)
{
	static const uint32_t table[16] = {
	    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
	    0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	crc = ~crc;
	for (size_t i = 0; i < bytes; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

void embed_digits(const unsigned char *file, size_t bytes, char digits[EMBED_DIGITS])
{
	static const unsigned char zeros[] = "00000000";
	uint32_t crc = embed_crc(0, file, EMBED_DIGITS_AT);
	crc = embed_crc(crc, zeros, EMBED_DIGITS);
	crc = embed_crc(crc, file + EMBED_DIGITS_AT + EMBED_DIGITS,
	                bytes - EMBED_DIGITS_AT - EMBED_DIGITS);
	for (int i = 0; i < EMBED_DIGITS; i++, crc <<= 4)
		digits[i] = "0123456789abcdef"[crc >> 28];
}
