/* data.c: a program's files in a folder: the model, and the arrays that its reader asks for. */
#include "programs.h"

#include <stdlib.h>
#include <string.h>

static double next(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (double)(*random >> 40) / 0x1p24;
}

static void *make_values(const char *type, int64_t count, int64_t below, uint64_t random)
{
	void *at = malloc((size_t)count * type_bytes(type) + 1);
	for (int64_t i = 0; at && i < count; i++) {
		double x = next(&random);
		if (strcmp(type, "u8") == 0)
			((uint8_t *)at)[i] = (uint8_t)(x * (double)below);
		else if (strcmp(type, "i32") == 0)
			((int32_t *)at)[i] = (int32_t)(x * (double)below);
		else
			((float *)at)[i] = (float)((x - 0.5) * 3);
	}
	return at;
}

/* Every class is there, if there are as many numbers. */
static void *make_labels(const Program *p, const char *type, int64_t count)
{
	void *at = make_values(type, count, p->classes, p->random + 1);
	for (int64_t i = 0; at && i < count && i < p->classes; i++)
		if (strcmp(type, "u8") == 0)
			((uint8_t *)at)[i] = (uint8_t)i;
		else if (strcmp(type, "i32") == 0)
			((int32_t *)at)[i] = (int32_t)i;
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

/* The shape of an array with all samples; gives the number of its elements. */
static int64_t rows_of(const Program *p, const Beside *a, int64_t dim[4])
{
	int64_t count = dim[0] = p->dim[0];
	for (int i = 1; i < a->rank; i++)
		count *= dim[i] = a->dim[i - 1];
	return count;
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
	bool bytes = strcmp(p->data, "idx") == 0;
	void *x = make_values(p->type, count, p->tokens ? p->tokens : 256, p->random);
	snprintf(path, sizeof path, "%s/x.%s", folder, p->data);
	bool good = write_array(p, path, p->type, p->rank, p->dim, x, why);
	free(x);
	const char *type = bytes ? "u8" : p->label.type;
	int64_t dim[4];
	void *label = make_labels(p, type, rows_of(p, &p->label, dim));
	snprintf(path, sizeof path, "%s/label.%s", folder, p->data);
	good = good && write_array(p, path, type, p->label.rank, dim, label, why);
	free(label);
	if (!p->side.type[0])
		return good;
	void *side = make_values(p->side.type, rows_of(p, &p->side, dim), SIDE_BELOW, p->random + 2);
	snprintf(path, sizeof path, "%s/side.npy", folder);
	good = good && write_array(p, path, p->side.type, p->side.rank, dim, side, why);
	free(side);
	return good;
}
