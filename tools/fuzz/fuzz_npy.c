/* fuzz_npy.c: any bytes as a file of this format. */
#include <stdlib.h>

#include "../../runtime/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Array array = {0};
	char why[WHY];
	if (npy_parse(bytes, size, &array, why))
		free(array.at);
	return 0;
}
