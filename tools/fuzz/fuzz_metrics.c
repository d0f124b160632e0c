/* fuzz_metrics.c: any bytes as the metrics.jsonl of a run that goes on at a step, which the first
 * two bytes are. What is kept is the beginning of the file, of whole lines, and stays when it is
 * opened again; what is added follows it. */
#include "beside.h"

static unsigned char *open_and_read(int64_t step, size_t *size)
{
	char why[WHY];
	bool missing;
	Metrics *m = metrics_open(path, step, &missing, why);
	if (!m || missing)
		wrong();
	metrics_close(m);
	return read_again(size);
}

/* A line alone must be one of a step that is not later. */
static void check_lines(const char *text, size_t size, int64_t step)
{
	while (size) {
		const char *end = memchr(text, '\n', size);
		long long at;
		char line[64] = "";
		if (!end)
			wrong();
		memcpy(line, text, (size_t)(end - text) < 63 ? (size_t)(end - text) : 63);
		if (sscanf(line, "{\"step\": %lld", &at) != 1 || at > step)
			wrong();
		size -= (size_t)(end + 1 - text);
		text = end + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int64_t step = file_of(&bytes, &size);
	if (step < 0)
		return 0;
	size_t once, twice;
	unsigned char *a = open_and_read(step, &once), *b = open_and_read(step, &twice);
	if (once > size || memcmp(a, bytes, once) != 0 || twice != once || memcmp(a, b, once) != 0)
		wrong();
	check_lines((const char *)a, once, step);
	free(a);
	free(b);
	return 0;
}
