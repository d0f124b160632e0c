/* json.c: values of JSON (RFC 8259) into a file. */
#include <math.h>
#include <stdlib.h>

#include "train.h"

void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < ' ')
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	fputc('"', out);
}

void json_value(FILE *out, double value)
{
	char text[32] = "null";
	for (int digits = 6; isfinite(value) && digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
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
