/* array.c: what a data file held: type, shape, values. */
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
