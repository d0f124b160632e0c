/* array.c: types and shapes, of what a data file held and of tensors. */
#include <inttypes.h>
#include <string.h>

#include "../runtime.h"

int64_t array_size(const Array *a)
{
	int64_t size = 1;
	for (int i = 0; i < a->rank; i++)
		size *= a->dim[i];
	return size;
}

size_t type_bytes(const char *type)
{
	static const struct {
		const char *name;
		size_t bytes;
	} types[] = {{"u8", 1}, {"bool", 1}, {"bf16", 2}, {"i32", 4}, {"f32", 4}, {"f64", 8}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].bytes;
	return 0;
}

size_t array_row_bytes(const Array *a)
{
	size_t bytes = type_bytes(a->type);
	for (int i = 1; i < a->rank; i++)
		bytes *= (size_t)a->dim[i];
	return bytes;
}

void tensor_text(const char *type, int rank, const int64_t *dim, char text[TENSOR_TEXT])
{
	size_t used = (size_t)snprintf(text, TENSOR_TEXT, "%s[", type);
	for (int i = 0; i < rank && used < TENSOR_TEXT - 16; i++)
		used +=
		    (size_t)snprintf(text + used, TENSOR_TEXT - used, i ? ",%" PRId64 : "%" PRId64, dim[i]);
	if (used < TENSOR_TEXT - 1)
		snprintf(text + used, TENSOR_TEXT - used, "]");
}
