/* beside.h: for targets whose bytes are a file that a run appends to: the first two bytes are the
 * step at which it goes on, the rest is the file, in a folder that goes with the process. */
#ifndef SSLC_FUZZ_BESIDE_H
#define SSLC_FUZZ_BESIDE_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/runtime.h"

static char folder[] = "/dev/shm/fuzz_beside.XXXXXX", path[64];

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

/* Writes the file; returns the step, or -1 where the bytes are too few. */
static int64_t file_of(const uint8_t **bytes, size_t *size)
{
	char why[WHY];
	if (*size < 2)
		return -1;
	if (!*path) {
		if (!mkdtemp(folder))
			abort();
		snprintf(path, sizeof path, "%s/file", folder);
		atexit(clean);
	}
	int64_t step = (*bytes)[0] | (*bytes)[1] << 8;
	*bytes += 2, *size -= 2;
	if (!bytes_write(path, (const void *[]){*bytes}, size, 1, why))
		wrong();
	return step;
}

/* What the file holds now; to be freed. */
static unsigned char *read_again(size_t *size)
{
	char why[WHY];
	unsigned char *kept = bytes_read(path, SIZE_MAX / 4, size, why);
	if (!kept)
		wrong();
	return kept;
}

#endif
