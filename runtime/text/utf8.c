/* utf8.c: UTF-8 (RFC 3629) and back. */
#include "text.h"

#include <string.h>

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

/* The line, from 1 on, in which the byte at `at` stands. */
static size_t line_of(const char *bytes, size_t at)
{
	size_t line = 1;
	for (size_t i = 0; i < at; i++)
		line += bytes[i] == '\n';
	return line;
}

bool text_check(const char *name, const char *bytes, size_t size, char why[WHY])
{
	const char *nul = size ? memchr(bytes, 0, size) : NULL;
	size_t good = utf8_check(bytes, size);
	bool wide =
	         size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0),
	     wider = size >= 4 &&
	             (memcmp(bytes, "\xff\xfe\0\0", 4) == 0 || memcmp(bytes, "\0\0\xfe\xff", 4) == 0);
	if (size >= 6 && (memcmp(bytes, "PAR1", 4) == 0 || memcmp(bytes, "ARROW1", 6) == 0))
		return because(
		    why, "'%.200s' is %s, which is not read: make it .npz or CSV, by Python's pyarrow, say",
		    name, *bytes == 'P' ? "Parquet" : "Arrow");
	if (size >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
		return because(why, "'%.200s' is compressed: unpack it by gunzip", name);
	if (size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0)
		return because(
		    why, "'%.200s' is a zip archive, as spreadsheets are: save it as CSV, or unpack it",
		    name);
	if (wide || wider)
		return because(why, "'%.200s' is UTF-%d; make it UTF-8: iconv -f utf-%d -t utf-8", name,
		               wider ? 32 : 16, wider ? 32 : 16);
	if (nul && (size_t)(nul - bytes) < good)
		return because(why, "'%.200s' is no text: the byte at offset %zu is 0", name,
		               (size_t)(nul - bytes));
	if (good < size)
		return because(
		    why,
		    "'%.200s' is not UTF-8: the byte at offset %zu, in line %zu, is 0x%02x; if the "
		    "file is Latin-1: iconv -f latin1 -t utf-8",
		    name, good, line_of(bytes, good), (unsigned char)bytes[good]);
	return true;
}

size_t text_mark(const char *bytes, size_t size)
{
	return size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}
