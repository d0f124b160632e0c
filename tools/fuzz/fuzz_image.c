/* fuzz_image.c: any bytes as a picture, decoded and made a sample of each shape. */
#include <stdlib.h>

#include "../../runtime/data/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const ImageShape shapes[] = {{.height = 5, .width = 7, .channels = 1, .crop = true},
	                                    {.height = 8, .width = 3, .channels = 3, .background = 9},
	                                    {.height = 1, .width = 64, .channels = 4, .crop = true}};
	uint8_t out[1 * 64 * 4];
	char why[WHY] = "";
	const ImageShape *shape = &shapes[size ? bytes[size - 1] % 3 : 0];
	if (!image_sample(bytes, size, shape, out, why) && !*why)
		abort();
	return 0;
}
