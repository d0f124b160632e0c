/* json.c: values of JSON (RFC 8259) into a file. */
#include <math.h>
#include <stdlib.h>

#include "../plain.h"
#include "train.h"

/* The bytes of a character of UTF-8 (RFC 3629); 0: it is none. */
static size_t character(const unsigned char *c)
{
	size_t more = c[0] < 0x80                   ? 0
	              : c[0] >= 0xc2 && c[0] < 0xe0 ? 1
	              : (c[0] & 0xf0) == 0xe0       ? 2
	              : c[0] >= 0xf0 && c[0] < 0xf5 ? 3
	                                            : 4;
	if (more == 4)
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	bool is_wrong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	                (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f);
	return is_wrong ? 0 : more + 1;
}

void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c;) {
		size_t size = character(c);
		if (!size)
			fputs("\\ufffd", out);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ' || *c == 127)
			fprintf(out, "\\u%04x", *c);
		else
			fwrite(c, 1, size, out);
		c += size ? size : 1;
	}
	fputc('"', out);
}

void json_value(FILE *out, double value)
{
	char text[32] = "null";
	locale_t before = plain_begin();
	for (int digits = 6; isfinite(value) && digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	plain_end(before);
	fputs(text, out);
}

void json_number(FILE *out, const char *key, double value)
{
	fprintf(out, ", \"%s\": ", key);
	json_value(out, value);
}

bool json_finish(FILE *out, char **text, const size_t *size, const char *path, Failure *f)
{
	char why[WHY];
	bool good = fclose(out) == 0 || fail(f, FAILURE_SYSTEM, "no memory for '%s'", path);
	good = good && (bytes_write(path, (const void *[]){*text}, size, 1, why) ||
	                fail(f, FAILURE_SYSTEM, "%s", why));
	free(*text);
	*text = NULL;
	return good;
}
