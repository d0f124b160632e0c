/* fuzz_safetensors.c: any bytes as a safetensors file. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	SafeFile file;
	char why[WHY];
	void *copy = malloc(size + 1);
	memcpy(copy, bytes, size);
	if (safe_parse(copy, size, &file, why))
		safe_close(&file);
	return 0;
}
