/* fuzz_model.c: any bytes as a model file: parsed, built for small data, optimized, scheduled;
 * never a crash. */
#include <stdint.h>
#include <stdio.h>

#include "../../compiler/sslc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	sslc_options options = {.memory_limit = (size_t)256 << 20};
	sslc_program *p = sslc_open_text("model.json", (const char *)bytes, size, &options);
	sslc_data data = {.count = 2, .train_count = 300, .test_count = 50, .classes = 10};
	data.field[0] = (sslc_tensor){.name = "x", .dtype = "f32", .rank = 1, .dim = {20}};
	data.field[1] = (sslc_tensor){.name = "label", .dtype = "i32"};
	sslc_cost cost;
	if (p && sslc_bind(p, &data))
		(void)sslc_function_cost(p, "step", &cost);
	FILE *nowhere = fopen("/dev/null", "w");
	if (p && nowhere)
		sslc_print_errors(p, nowhere, false);
	if (nowhere)
		fclose(nowhere);
	sslc_close(p);
	return 0;
}
