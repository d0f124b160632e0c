/* mark.c: a number that other data would hardly have, by which a run that goes on knows that it is
 * on the same samples.
 *
 * It is a CRC-32 of shapes, names of classes and values: of arrays longer than MOST_BYTES, of
 * samples evenly spaced. Of what is decoded from files when it is wanted, the files' names and sizes
 * stand for the values: to read them all would take longer than a run that goes on. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "listing.h"

enum { MOST_BYTES = 1 << 22 };

static uint32_t marked(uint32_t mark, const void *at, size_t bytes)
{
	return bytes ? (uint32_t)crc32_z(mark, at, bytes) : mark; /* of NULL, crc32_z begins anew */
}

static uint32_t marked_text(uint32_t mark, const char *text)
{
	return marked(mark, text, strlen(text) + 1);
}

/* From one sample of `bytes` to the next, so that all are MOST_BYTES or little more. */
static int64_t apart(int64_t samples, size_t bytes)
{
	return 1 + (int64_t)((double)samples * (double)bytes / MOST_BYTES);
}

static size_t sample_bytes(const Array *a)
{
	return (size_t)(array_size(a) / a->dim[0]) * type_bytes(a->type);
}

static uint32_t marked_array(uint32_t mark, const Array *a)
{
	size_t bytes = sample_bytes(a);
	int64_t step = apart(a->dim[0], bytes);
	for (int64_t i = 0; a->at && i < a->dim[0]; i += step)
		mark = marked(mark, (const unsigned char *)a->at + bytes * (size_t)i, bytes);
	return mark;
}

/* Samples that are put together from memory: windows, say. */
static uint32_t marked_samples(uint32_t mark, const Part *part)
{
	void *to[SSLC_MAX_FIELDS] = {NULL};
	size_t bytes[SSLC_MAX_FIELDS] = {0}, all = 0;
	bool good = true;
	char unsaid[WHY];
	for (size_t f = 0; f < part->count; f++) {
		if (part->field[f].array.at)
			continue;
		all += bytes[f] = sample_bytes(&part->field[f].array);
		to[f] = malloc(bytes[f] + 1);
		good &= to[f] != NULL;
	}
	int64_t count = part->field[0].array.dim[0], step = apart(count, all);
	for (int64_t i = 0; good && i < count; i += step)
		for (size_t f = 0; part->decode(part->source, i, to, unsaid) && f < part->count; f++)
			mark = marked(mark, to[f], bytes[f]);
	for (size_t f = 0; f < part->count; f++)
		free(to[f]);
	return mark;
}

uint32_t found_mark(const Found *found)
{
	uint32_t mark = found->mark;
	for (int64_t i = 0; i < found->class_count; i++)
		mark = marked_text(mark, found->class_name[i]);
	for (int s = 0; s < 2; s++) {
		const Part *part = &found->part[s];
		for (size_t f = 0; f < part->count; f++) {
			const Array *a = &part->field[f].array;
			mark = marked_text(marked(mark, a->dim, (size_t)a->rank * sizeof *a->dim), a->type);
			mark = marked_array(mark, a);
		}
		if (part->count && part->decode && !found->mark)
			mark = marked_samples(mark, part);
	}
	return mark;
}

uint32_t listing_mark(const Listing *l)
{
	uint32_t mark = (uint32_t)crc32(0, NULL, 0);
	for (int64_t i = 0; i < l->count; i++) {
		char path[2 * PATH];
		struct stat is;
		snprintf(path, sizeof path, "%s/%s", l->folder, l->file[i].path);
		int64_t size = stat(path, &is) == 0 ? (int64_t)is.st_size : -1;
		mark = marked(marked_text(mark, l->file[i].path), &size, sizeof size);
	}
	return mark | 1; /* 0: of no listing */
}
