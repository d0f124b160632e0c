/* metrics.c: one JSON object a line. On resume the lines after the resumed step are cut, so that
 * the file reads as if the run had never stopped. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../plain.h"
#include "../runtime.h"

static const size_t LIMIT = (size_t)4 << 30;

struct Metrics {
	FILE *file;
};

/* Bytes of the whole lines up to `step`; a 0 ends the text. */
static size_t kept_bytes(const char *text, size_t size, int64_t step)
{
	static const char begin[] = "{\"step\": ";
	size_t keep = 0;
	for (const char *end; (end = memchr(text + keep, '\n', size - keep));) {
		const char *digits = text + keep + sizeof begin - 1;
		if (strncmp(text + keep, begin, sizeof begin - 1) != 0 || *digits < '0' || *digits > '9' ||
		    strtoll(digits, NULL, 10) > step)
			break;
		keep = (size_t)(end - text) + 1;
	}
	return keep;
}

Metrics *metrics_open(const char *path, int64_t step, bool *missing, char why[WHY])
{
	size_t size = 0;
	unsigned char *text = NULL;
	*missing = step >= 0 && file_missing(path);
	if (step >= 0 && !*missing && !(text = bytes_read(path, LIMIT, &size, why)))
		return NULL;
	Metrics *m = calloc(1, sizeof *m);
	if (!m)
		because(why, "no memory for '%s'", path);
	else
		m->file = append_open(path, text, text ? kept_bytes((char *)text, size, step) : 0, why);
	free(text);
	if (m && m->file)
		return m;
	free(m);
	return NULL;
}

void metrics_line(Metrics *m, int64_t step, int64_t epoch, const char *name, double value,
                  double seconds)
{
	char number[32];
	locale_t before = plain_begin();
	snprintf(number, sizeof number, isfinite(value) ? "%.9g" : "null", value);
	fprintf(m->file, "{\"step\": %lld, \"epoch\": %lld, \"%s\": %s, \"seconds\": %.3f}\n",
	        (long long)step, (long long)epoch, name, number, seconds);
	plain_end(before);
}

bool metrics_flush(Metrics *m)
{
	return fflush(m->file) == 0 && !ferror(m->file);
}

void metrics_close(Metrics *m)
{
	if (m)
		fclose(m->file);
	free(m);
}
