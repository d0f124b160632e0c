/* page.c: the one HTML file: its frame, style and script are files of this folder (report.html,
 * report.css, report.js), compiled in, with the data as JSON between them.
 *
 * The JSON stands in a script element, which ends at "</script" wherever that is: so each < of it is
 * written \u003c, which JSON reads as the same. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page_files.h"

void json_numbers(FILE *out, const double *value, int64_t count, int64_t stride, int digits)
{
	fputc('[', out);
	for (int64_t i = 0; i < count; i++) {
		fputs(i ? "," : "", out);
		if (isfinite(value[i * stride]))
			fprintf(out, "%.*g", digits, value[i * stride]);
		else
			fputs("null", out);
	}
	fputc(']', out);
}

static void write_escaped(FILE *out, const char *text, size_t size, bool in_html)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] == '<')
			fputs(in_html ? "&lt;" : "\\u003c", out);
		else if (text[i] == '&' && in_html)
			fputs("&amp;", out);
		else
			fputc(text[i], out);
}

bool page_write(PageKind kind, const char *path, const char *title, const char *data, size_t size,
                size_t *written, char why[WHY])
{
	char *text = NULL;
	FILE *out = open_memstream(&text, written);
	if (!out)
		return because(why, "no memory for the page");
	for (const char *at = report_html; *at; at++) {
		const char *end = *at == '{' ? strchr(at, '}') : NULL;
		size_t length = end ? (size_t)(end + 1 - at) : 0;
		if (length == 7 && memcmp(at, "{TITLE}", 7) == 0)
			write_escaped(out, title, strlen(title), true);
		else if (length == 7 && memcmp(at, "{STYLE}", 7) == 0)
			fputs(report_css, out), fputs(kind == PAGE_EXPLAIN ? explain_css : "", out);
		else if (length == 8 && memcmp(at, "{SCRIPT}", 8) == 0)
			fputs(kind == PAGE_EXPLAIN ? explain_js : report_js, out);
		else if (length == 6 && memcmp(at, "{DATA}", 6) == 0)
			write_escaped(out, data, size, false);
		else
			length = 0;
		if (length)
			at = end;
		else
			fputc(*at, out);
	}
	if (fclose(out) != 0) {
		free(text);
		return because(why, "no memory for the page");
	}
	bool good = bytes_write(path, (const void *[]){text}, written, 1, why);
	free(text);
	return good;
}
