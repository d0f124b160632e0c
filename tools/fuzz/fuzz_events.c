/* fuzz_events.c: any bytes as the event file of a run that goes on at a step, which the first two
 * bytes are. What is kept is the beginning of the file, or else it begins anew; opened again, all of
 * that stays. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/runtime.h"

static char folder[] = "/dev/shm/fuzz_events.XXXXXX", path[64];

static void clean(void)
{
	unlink(path);
	rmdir(folder);
}

static void wrong(void)
{
	clean();
	abort();
}

static unsigned char *open_and_read(int64_t step, size_t *size)
{
	char why[WHY];
	Events *e = events_open(path, step, why);
	if (!e || !events_flush(e))
		wrong();
	events_close(e);
	unsigned char *kept = bytes_read(path, SIZE_MAX / 4, size, why);
	if (!kept)
		wrong();
	return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum { NEW_FILE = 40 }; /* bytes of a file of no scalars */
	char why[WHY];
	if (size < 2)
		return 0;
	if (!*path) {
		if (!mkdtemp(folder))
			abort();
		snprintf(path, sizeof path, "%s/events", folder);
		atexit(clean);
	}
	int64_t step = bytes[0] | bytes[1] << 8;
	bytes += 2, size -= 2;
	if (!bytes_write(path, (const void *[]){bytes}, &size, 1, why))
		wrong();
	size_t once, twice;
	unsigned char *a = open_and_read(step, &once), *b = open_and_read(step, &twice);
	bool begun_anew = once == NEW_FILE && a[0] == 24;
	if (!begun_anew && (once > size || memcmp(a, bytes, once) != 0))
		wrong();
	if (twice != once || memcmp(a, b, once) != 0)
		wrong();
	free(a);
	free(b);
	return 0;
}
