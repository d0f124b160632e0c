/* fuzz_embed_load.c: any bytes as a safetensors file for an emitted object; the first says what is
 * asked of it. What is refused changes nothing; what is taken can be exported and taken again. */
#include <stdlib.h>
#include <string.h>

#include "../../tests/unit/embedded.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Embedded e, before;
	if (!size)
		return 0;
	const uint32_t what = bytes[0], with = what & (EMBED_WITH_OPTIMIZER | EMBED_WITH_TASKS);
	unsigned char *file = malloc(size), *exported = NULL;
	memcpy(file, bytes + 1, size - 1);
	embedded_open(&e, 5, 7);
	before = e;
	int32_t code = embed_load(&embedded, e.block, file, size - 1, what);
	if (code > 0 || (code < 0 && memcmp(&e, &before, sizeof e) != 0) || !embedded_is_intact(&e))
		abort();
	if (code == 0) {
		size_t length = embed_export_bytes(&embedded, with);
		exported = malloc(length);
		before = e;
		code = embed_export(&embedded, e.block, exported, length, with);
		if (code || (code = embed_load(&embedded, e.block, exported, length, with)) ||
		    memcmp(&e, &before, sizeof e) != 0)
			abort();
	}
	free(exported);
	free(file);
	return 0;
}
