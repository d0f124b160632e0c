/* fuzz_cache.c: any bytes as a file of the cache of objects: as they are, and behind a head with
 * the right key and checksum. What parses prints as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "../../compiler/load/cache.h"

enum { MAGIC_AND_KEY = 24, UNHASHED = 32 };

static void check(const char *file, size_t size, CodeHash key)
{
	Objects objects = {0};
	Text again = {0};
	if (objects_parse(file, size, key, &objects)) {
		objects_print(&objects, key, &again);
		if (again.size != size || memcmp(again.data, file, size) != 0)
			abort();
	} else if (objects.count) {
		abort();
	}
	text_close(&again);
	objects_close(&objects);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const CodeHash key = {{1, 2}};
	Text file = {0};
	check((const char *)bytes, size, key);
	objects_print(&(Objects){0}, key, &file);
	uint64_t hash = hash_bytes(0, bytes, size);
	file.size = MAGIC_AND_KEY;
	text_add(&file, (const char *)&hash, sizeof hash);
	text_add(&file, (const char *)bytes, size);
	check(file.data, file.size, key);
	text_close(&file);
	return 0;
}
