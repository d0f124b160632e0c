/* idx.c: LeCun's IDX (http://yann.lecun.com/exdb/mnist): two zero bytes, a type, a rank, big-endian
 * 32-bit lengths, then the values, big-endian. Plain or gzip. Bytes stay u8, shorts and ints become
 * i32, floats f32. */
#include <stdlib.h>
#include <string.h>

#include "../runtime.h"

static const size_t LIMIT = (size_t)4 << 30; /* bytes of values, in the file and in memory */

static uint32_t big32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t code_bytes(int code)
{
	return code == 0x08 || code == 0x09   ? 1
	       : code == 0x0B                 ? 2
	       : code == 0x0C || code == 0x0D ? 4
	       : code == 0x0E                 ? 8
	                                      : 0;
}

/* Element i of the file's type `code`, into the array. */
static void convert(Array *out, int code, const unsigned char *p, int64_t i)
{
	if (code == 0x08) {
		((uint8_t *)out->at)[i] = *p;
	} else if (code == 0x09) {
		((int32_t *)out->at)[i] = (int8_t)*p;
	} else if (code == 0x0B) {
		((int32_t *)out->at)[i] = (int16_t)(p[0] << 8 | p[1]);
	} else if (code == 0x0C) {
		((int32_t *)out->at)[i] = (int32_t)big32(p);
	} else if (code == 0x0D) {
		uint32_t bits = big32(p);
		memcpy((float *)out->at + i, &bits, sizeof bits);
	} else {
		uint64_t bits = (uint64_t)big32(p) << 32 | big32(p + 4);
		double wide;
		memcpy(&wide, &bits, sizeof wide);
		((float *)out->at)[i] = (float)wide;
	}
}

/* What the first bytes of a file say. */
typedef struct Head {
	int code, rank;
	size_t element, bytes; /* bytes: of the header itself */
	uint64_t count;        /* of values */
} Head;

enum { LONGEST_HEAD = 4 + 4 * SSLC_MAX_RANK };

/* size: the bytes that are there, of the header at least. */
static bool read_head(const unsigned char *p, size_t size, Head *h, Array *out, char why[WHY])
{
	*out = (Array){0};
	if (!size)
		return because(why, "is empty");
	if (size < 4 || p[0] || p[1] || !code_bytes(p[2]))
		return because(
		    why, "is no IDX file: it must begin with two zero bytes and a type from 08 to 0e");
	*h = (Head){.code = p[2], .rank = p[3], .element = code_bytes(p[2]), .count = 1};
	h->bytes = 4 + 4 * (size_t)h->rank;
	if (h->rank < 1 || h->rank > SSLC_MAX_RANK)
		return because(why, "has %d axes, but must have 1 to %d", h->rank, SSLC_MAX_RANK);
	if (size < h->bytes)
		return because(why, "ends in its header: %zu bytes of %zu", size, h->bytes);
	out->rank = h->rank;
	out->type = h->code == 0x08 ? "u8" : h->code < 0x0D ? "i32" : "f32";
	uint64_t most =
	    LIMIT / (h->element > type_bytes(out->type) ? h->element : type_bytes(out->type));
	for (int i = 0; i < h->rank; i++) {
		out->dim[i] = big32(p + 4 + 4 * i);
		if (out->dim[i] < 1 || __builtin_mul_overflow(h->count, (uint64_t)out->dim[i], &h->count) ||
		    h->count > most)
			return because(why, "has %lld elements along axis %d: none, or more than 4 GiB in all",
			               (long long)out->dim[i], i);
	}
	return true;
}

bool idx_parse(const void *bytes, size_t size, Array *out, char why[WHY])
{
	const unsigned char *p = bytes;
	Head h = {0};
	if (!read_head(p, size, &h, out, why))
		return false;
	if (size - h.bytes > h.count * h.element)
		return because(why, "holds more bytes of values than its header says: %llu",
		               (unsigned long long)(h.count * h.element));
	if (size - h.bytes < h.count * h.element)
		return because(why, "holds %zu bytes of values, but its header says %llu", size - h.bytes,
		               (unsigned long long)(h.count * h.element));
	out->at = malloc(h.count * type_bytes(out->type));
	if (!out->at)
		return because(why, "no memory for %llu values", (unsigned long long)h.count);
	if (h.code == 0x08)
		memcpy(out->at, p + h.bytes, h.count);
	else
		for (uint64_t i = 0; i < h.count; i++)
			convert(out, h.code, p + h.bytes + i * h.element, (int64_t)i);
	return true;
}

/* -- Files ------------------------------------------------------------------------------------- */

static size_t whole_file(const unsigned char *bytes, size_t size, char why[WHY])
{
	Head h = {0};
	Array array;
	return read_head(bytes, size, &h, &array, why) ? h.bytes + h.count * h.element : 0;
}

bool idx_read(const char *path, Array *out, char why[WHY])
{
	size_t size;
	char reason[WHY];
	const FileHeader header = {LONGEST_HEAD, whole_file};
	unsigned char *bytes = bytes_unpacked(path, LIMIT + LONGEST_HEAD, &header, &size, why);
	if (!bytes)
		return false;
	bool good = idx_parse(bytes, size, out, reason);
	free(bytes);
	return good || because(why, "'%.200s' %.250s", path, reason);
}
