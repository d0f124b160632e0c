/* fuzz_csv.c: any bytes as a table that is read as samples; the first two choose how. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../runtime/runtime.h"

static void read_all(const Data *d)
{
	const sslc_data *shape = data_shape(d);
	void *to[SSLC_MAX_FIELDS];
	char why[WHY];
	for (size_t f = 0; f < shape->count; f++)
		to[f] = malloc(shape->field[f].bytes);
	for (int s = 0; s < 2; s++)
		for (int64_t i = 0; i < data_count(d, (Split)s); i++)
			if (!data_sample(d, (Split)s, i, to, why))
				abort();
	for (size_t f = 0; f < shape->count; f++)
		free(to[f]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 2)
		return 0;
	char path[64], why[WHY] = "";
	int file = memfd_create("table", 0);
	unsigned how = bytes[0], more = bytes[1];
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	if (file < 0 || write(file, bytes + 2, size - 2) != (ssize_t)size - 2)
		abort();
	sslc_argument argument[16] = {{.text = path}, {.name = "header", .number = how & 1}};
	size_t n = 2;
	if (how & 2)
		argument[n++] = (sslc_argument){.name = "missing", .text = how & 4 ? "skip" : "0.5"};
	if (how & 8)
		argument[n++] = (sslc_argument){.name = how & 16 ? "label" : "target", .text = "1"};
	if (how & 32)
		argument[n++] = (sslc_argument){.name = "group", .text = how & 64 ? "2" : "b, 1"};
	if (how & 128)
		argument[n++] = (sslc_argument){.name = "hold_out", .text = "1, u"};
	if (more & 1)
		argument[n++] = (sslc_argument){.name = "window", .number = 1 + (more >> 1 & 3)};
	if (more & 8)
		argument[n++] = (sslc_argument){.name = "stride", .number = more >> 4 & 1};
	if (more & 32)
		argument[n++] = (sslc_argument){.name = "text", .text = "3"};
	if (more & 64)
		argument[n++] = (sslc_argument){.name = "columns", .text = "2-3, a"};
	if (more & 128)
		argument[n++] = (sslc_argument){.name = "further", .text = "a, 2"};
	Data *d = data_open(&(sslc_call){"csv", argument, n}, NULL, why);
	if (!d && !*why)
		abort();
	if (d)
		read_all(d);
	data_close(d);
	close(file);
	return 0;
}
