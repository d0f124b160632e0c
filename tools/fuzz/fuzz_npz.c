/* fuzz_npz.c: any bytes as an archive of arrays, of which one is read. */
#include <stdlib.h>

#include "../../runtime/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Array array = {0};
	char why[WHY] = "";
	bool good = npz_parse(bytes, size, "x", &array, why);
	if (good == !array.at || good == (*why != 0))
		abort();
	free(array.at);
	return 0;
}
