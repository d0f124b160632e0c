/* fuzz_report.c: any bytes as a file of a run that a report reads: its curves, its results, its
 * profile, where it came from. What comes of them is no more than the file and some frame. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../runtime/report/report.h"

typedef bool (*Copy)(const char *path, size_t most, FILE *out, char why[WHY]);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const Copy copy[] = {metrics_to_json, json_copy, profile_to_json};
	char path[64], why[WHY];
	int file = memfd_create("fuzz_report", MFD_CLOEXEC);
	if (file < 0 || write(file, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	for (size_t i = 0; i < sizeof copy / sizeof *copy; i++) {
		char *text = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&text, &length);
		why[0] = 0;
		bool good = out && copy[i](path, 7, out, why);
		if (!out || fclose(out) != 0 || (good ? text[0] != '{' : !why[0]))
			abort();
		free(text);
	}
	free(json_text_of(path, "model"));
	close(file);
	return 0;
}
