/* visible.c: text as a terminal may be given it: what would control it is spelled out. */
#include "text.h"

#include <string.h>

/* Of a whole character: C0 but tab and new line, DEL, C1 (ECMA-48), and what turns the direction of
 * writing (Unicode's Bidi_Control), by which text shows as another text. */
static bool is_control(uint32_t c)
{
	bool turns = c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	             (c >= 0x2066 && c <= 0x2069);
	return (c < ' ' && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0) || turns;
}

static void spell(const Visible *v, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "\\x%02x", (unsigned char)v->held[i]);
}

/* Takes a character, or a byte that is none, from the front; false: more bytes may make one. */
static bool put_one(Visible *v, bool more, FILE *out)
{
	size_t length = utf8_length(v->held, v->count);
	if (!length && more && utf8_begins(v->held, v->count))
		return false;
	const char *at = v->held;
	if (length && !is_control(utf8_next(&at)))
		fwrite(v->held, 1, length, out);
	else
		spell(v, length ? length : 1, out);
	length = length ? length : 1;
	v->count -= length;
	memmove(v->held, v->held + length, v->count);
	return true;
}

void visible_put(Visible *v, const char *bytes, size_t size, FILE *out)
{
	for (size_t i = 0; i < size; i++) {
		v->held[v->count++] = bytes[i];
		while (v->count && put_one(v, true, out))
			continue;
	}
}

void visible_end(Visible *v, FILE *out)
{
	while (v->count)
		(void)put_one(v, false, out);
}
