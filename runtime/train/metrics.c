/* metrics.c: one JSON object a line. On resume the lines after the resumed step are cut, so that
 * the file reads as if the run had never stopped. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../runtime.h"

struct Metrics {
	FILE *file;
};

/* Keeps whole lines up to `step`; the file ends there. */
static bool cut_after(FILE *file, int64_t step)
{
	char line[512];
	long keep = 0;
	while (fgets(line, sizeof line, file)) {
		long long at;
		size_t size = strlen(line);
		if (!size || line[size - 1] != '\n' || sscanf(line, "{\"step\": %lld", &at) != 1 ||
		    at > step)
			break;
		keep = ftell(file);
	}
	return fseek(file, keep, SEEK_SET) == 0 && ftruncate(fileno(file), keep) == 0;
}

Metrics *metrics_open(const char *path, int64_t step, char why[WHY])
{
	Metrics *m = calloc(1, sizeof *m);
	FILE *file = m ? fopen(path, step < 0 ? "w" : "r+") : NULL;
	if (m && !file && step >= 0 && errno == ENOENT)
		file = fopen(path, "w");
	if (file && (step < 0 || cut_after(file, step))) {
		m->file = file;
		return m;
	}
	because(why, "cannot write '%s': %s", path, strerror(errno));
	if (file)
		fclose(file);
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
