/* fuzz_reader.c: any text as the "data" of a model: parsed, its arguments matched, its files (those
 * of tests/oracle/data) opened, the model bound. */
#include <stdlib.h>
#include <string.h>

#include "../../compiler/sslc.h"
#include "../../runtime/runtime.h"

/* Numbers that normal() would take long to draw. */
static bool is_large(const sslc_call *call)
{
	double size = 1;
	for (size_t i = 0; i < call->count; i++) {
		const sslc_argument *a = &call->argument[i];
		size *= a->number > 1 ? a->number : 1;
		if (a->call && is_large(a->call))
			return true;
	}
	return strcmp(call->name, "normal") == 0 && size > 1e5;
}

/* Pictures of elsewhere, or made so large that it takes long. */
static bool is_elsewhere(const sslc_call *call)
{
	bool elsewhere = false;
	for (size_t i = 0; i < call->count; i++) {
		const sslc_argument *a = &call->argument[i];
		elsewhere |= a->text ? *a->text == '/' || strstr(a->text, "..") : a->number > 256;
		if (a->call && is_elsewhere(a->call))
			return true;
	}
	return strcmp(call->name, "images") == 0 && elsewhere;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > 4096 || memchr(bytes, '"', size) || memchr(bytes, '\\', size))
		return 0;
	char text[8192], why[WHY] = "";
	int length = snprintf(text, sizeof text,
	                      "{\"data\": \"%.*s\", \"e\": [\"linear(2)\"], \"loss\": \"mean(e(x))\"}",
	                      (int)size, (const char *)bytes);
	sslc_program *p = sslc_open_text("model.json", text, (size_t)length, NULL);
	const sslc_call *call = sslc_reader(p);
	if (!call && !sslc_error_count(p))
		abort();
	Data *data = NULL;
	if (call && !is_large(call) && !is_elsewhere(call) &&
	    !(data = data_open(call, SSLC_SOURCE "/tests/oracle/data", why))) {
		if (!*why)
			abort();
		sslc_data_error(p, why);
	}
	if (data && !sslc_bind(p, data_shape(data)) && !sslc_error_count(p))
		abort();
	FILE *nowhere = fopen("/dev/null", "w");
	sslc_print_errors(p, nowhere, false);
	fclose(nowhere);
	data_close(data);
	sslc_close(p);
	return 0;
}
