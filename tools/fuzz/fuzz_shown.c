/* fuzz_shown.c: any text as it is put on a terminal: nothing of it controls the terminal, it is whole UTF-8, and what is
 * neither long nor strange is as it was. */
#include <stdlib.h>
#include <string.h>

#include "../../compiler/base/base.h"

/* One character of RFC 3629 that is no control; moves *at behind it. */
static bool is_printed(const char *text, size_t length, size_t *at)
{
	static const uint32_t least[] = {0, ' ', 0xA0, 0x800, 0x10000};
	unsigned char first = (unsigned char)text[*at];
	size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	uint32_t code = size == 1 ? first : first & (0x7FU >> size);
	if (size > length - *at || (size > 1 && first < 0xC0) || first > 0xF7)
		return false;
	for (size_t i = 1; i < size; i++) {
		if (((unsigned char)text[*at + i] & 0xC0) != 0x80)
			return false;
		code = code << 6 | ((unsigned char)text[*at + i] & 0x3FU);
	}
	*at += size;
	return code >= least[size] && code != 0x7F && (code & ~0x7FFU) != 0xD800 && code <= 0x10FFFF;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1), *shown = NULL;
	size_t length = 0;
	memcpy(text, bytes, size);
	text[size] = 0;
	FILE *out = open_memstream(&shown, &length);
	put_shown(out, text);
	fclose(out);
	bool plain = strlen(text) <= 2000;
	for (size_t i = 0; i < strlen(text); i++)
		plain = plain && text[i] >= ' ' && text[i] <= '~';
	if (control_in(shown, false) || (plain && strcmp(shown, text) != 0))
		abort();
	for (size_t at = 0; at < length;)
		if (!is_printed(shown, length, &at))
			abort();
	free(shown);
	free(text);
	return 0;
}
