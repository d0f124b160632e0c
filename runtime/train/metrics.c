/* metrics.c: one JSON object a line. On resume the lines after the resumed step are cut, so that
 * the file reads as if the run had never stopped. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The lines to keep, written whole to a file of its own: what a link points to stays as it is. */
static bool begin_file(const char *path, int64_t step, bool *missing, char why[WHY])
{
	size_t size = 0;
	unsigned char *text = NULL;
	*missing = step >= 0 && access(path, F_OK) != 0 && errno == ENOENT;
	if (step >= 0 && !*missing && !(text = bytes_read(path, LIMIT, &size, why)))
		return false;
	size_t keep = text ? kept_bytes((char *)text, size, step) : 0;
	bool good = bytes_write(path, (const void *[]){text}, &keep, 1, why);
	free(text);
	return good;
}

Metrics *metrics_open(const char *path, int64_t step, bool *missing, char why[WHY])
{
	if (!begin_file(path, step, missing, why))
		return NULL;
	int file = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	Metrics *m = calloc(1, sizeof *m);
	if (m && file >= 0 && (m->file = fdopen(file, "a")))
		return m;
	because(why, "cannot write '%s': %s", path, strerror(errno));
	if (file >= 0)
		close(file);
	free(m);
	return NULL;
}

void metrics_line(Metrics *m, int64_t step, int64_t epoch, const char *name, double value,
                  double seconds)
{
	char number[32];
	snprintf(number, sizeof number, isfinite(value) ? "%.9g" : "null", value);
	fprintf(m->file, "{\"step\": %lld, \"epoch\": %lld, \"%s\": %s, \"seconds\": %.3f}\n",
	        (long long)step, (long long)epoch, name, number, seconds);
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
