/* utf8.c: UTF-8 (RFC 3629) and back. */
#include "text.h"

/* Bytes of a character that begins with this one; 0: none does. */
static size_t length_by(unsigned char first)
{
	return first < 0x80   ? 1
	       : first < 0xc2 ? 0
	       : first < 0xe0 ? 2
	       : first < 0xf0 ? 3
	       : first < 0xf5 ? 4
	                      : 0;
}

bool utf8_begins(const char *bytes, size_t size)
{
	const unsigned char *p = (const unsigned char *)bytes;
	if (size >= length_by(p[0]))
		return false;
	for (size_t i = 1; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	bool is_long = size > 1 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90));
	bool is_surrogate = size > 1 && p[0] == 0xed && p[1] >= 0xa0;
	return !is_long && !is_surrogate && !(size > 1 && p[0] == 0xf4 && p[1] >= 0x90);
}

size_t utf8_length(const char *bytes, size_t size)
{
	size_t length = size ? length_by((unsigned char)bytes[0]) : 0;
	if (!length || length > size || (length > 1 && !utf8_begins(bytes, length - 1)))
		return 0;
	return length == 1 || ((unsigned char)bytes[length - 1] & 0xc0) == 0x80 ? length : 0;
}

size_t utf8_check(const char *bytes, size_t size)
{
	for (size_t at = 0, length; at < size; at += length)
		if (!(length = utf8_length(bytes + at, size - at)))
			return at;
	return size;
}

uint32_t utf8_next(const char **at)
{
	const unsigned char *p = (const unsigned char *)*at;
	int more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	uint32_t character = more ? p[0] & (0x3fu >> more) : p[0];
	for (int i = 1; i <= more; i++)
		character = character << 6 | (p[i] & 0x3f);
	*at += more + 1;
	return character;
}

int utf8_put(uint32_t character, char bytes[4])
{
	if (character < 0x80) {
		bytes[0] = (char)character;
		return 1;
	}
	int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
	bytes[0] = (char)((0xff00u >> (more + 1) & 0xff) | character >> 6 * more);
	for (int i = 1; i <= more; i++)
		bytes[i] = (char)(0x80 | (character >> 6 * (more - i) & 0x3f));
	return more + 1;
}
