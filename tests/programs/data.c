/* data.c: a program's files in a folder: the model, and the arrays that its reader asks for. */
#include "programs.h"

#include <stdlib.h>
#include <string.h>

static double next(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (double)(*random >> 40) / 0x1p24;
}

static void *make_values(const Program *p, int64_t count)
{
	uint64_t random = p->random;
	void *at = malloc((size_t)count * type_bytes(p->type) + 1);
	for (int64_t i = 0; at && i < count; i++) {
		double x = next(&random);
		if (strcmp(p->type, "u8") == 0)
			((uint8_t *)at)[i] = (uint8_t)(x * 256);
		else if (strcmp(p->type, "i32") == 0)
			((int32_t *)at)[i] = (int32_t)(x * (double)p->tokens);
		else
			((float *)at)[i] = (float)((x - 0.5) * 3);
	}
	return at;
}

/* IDX of bytes: two zeros, the type, the rank, lengths with the high byte first. */
static bool idx_write(const char *path, int rank, const int64_t *dim, const void *at, char why[WHY])
{
	unsigned char head[4 + 4 * 8] = {0, 0, 8, (unsigned char)rank};
	size_t size = 1, used = 4;
	for (int i = 0; i < rank; i++) {
		size *= (size_t)dim[i];
		for (int shift = 24; shift >= 0; shift -= 8)
			head[used++] = (unsigned char)(dim[i] >> shift);
	}
	return bytes_write(path, (const void *[]){head, at}, (size_t[]){used, size}, 2, why);
}

static bool write_array(const Program *p, const char *path, const char *type, int rank,
                        const int64_t *dim, const void *at, char why[WHY])
{
	if (!at)
		return because(why, "no memory");
	return strcmp(p->data, "idx") == 0 ? idx_write(path, rank, dim, at, why)
	                                   : npy_write(path, type, rank, dim, at, why);
}

bool program_write(const Program *p, const char *folder, const char *name, char why[WHY])
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s.json", folder, name);
	if (!bytes_write(path, (const void *[]){p->model.data}, (size_t[]){p->model.size}, 1, why))
		return false;
	if (!p->type[0])
		return true;
	int64_t count = 1;
	for (int i = 0; i < p->rank; i++)
		count *= p->dim[i];
	void *x = make_values(p, count), *label = malloc((size_t)p->dim[0] * 4);
	uint64_t random = p->random + 1;
	for (int64_t i = 0; label && i < p->dim[0]; i++) {
		int32_t of = i < p->classes ? (int32_t)i : (int32_t)(next(&random) * (double)p->classes);
		if (strcmp(p->data, "idx") == 0)
			((uint8_t *)label)[i] = (uint8_t)of;
		else
			((int32_t *)label)[i] = of;
	}
	snprintf(path, sizeof path, "%s/x.%s", folder, p->data);
	bool good = write_array(p, path, p->type, p->rank, p->dim, x, why);
	snprintf(path, sizeof path, "%s/label.%s", folder, p->data);
	good = good && write_array(p, path, "i32", 1, p->dim, label, why);
	free(x);
	free(label);
	return good;
}
