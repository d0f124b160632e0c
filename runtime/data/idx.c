/* idx.c: LeCun's IDX (http://yann.lecun.com/exdb/mnist): two zero bytes, a type, a rank, big-endian
 * 32-bit lengths, then the values, big-endian. Plain or gzip. Bytes stay u8, shorts and ints become
 * i32, floats f32. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "../runtime.h"

static const size_t LIMIT = (size_t)4 << 30;

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

bool idx_parse(const void *bytes, size_t size, Array *out, char why[WHY])
{
	const unsigned char *p = bytes;
	*out = (Array){0};
	if (size < 4 || p[0] || p[1] || !code_bytes(p[2]))
		return because(
		    why, "is no IDX file: it must begin with two zero bytes and a type from 08 to 0e");
	int code = p[2], rank = p[3];
	size_t element = code_bytes(code), header = 4 + 4 * (size_t)rank;
	if (rank < 1 || rank > SSLC_MAX_RANK)
		return because(why, "has %d axes, but must have 1 to %d", rank, SSLC_MAX_RANK);
	if (size < header)
		return because(why, "ends in its header: %zu bytes of %zu", size, header);
	out->rank = rank;
	out->type = code == 0x08 ? "u8" : code < 0x0D ? "i32" : "f32";
	uint64_t count = 1;
	for (int i = 0; i < rank; i++) {
		out->dim[i] = big32(p + 4 + 4 * i);
		if (out->dim[i] < 1 || __builtin_mul_overflow(count, (uint64_t)out->dim[i], &count) ||
		    count > LIMIT)
			return because(why, "has %lld elements along axis %d: none, or too many in all",
			               (long long)out->dim[i], i);
	}
	if (size - header != count * element)
		return because(why, "holds %zu bytes of values, but its header says %llu", size - header,
		               (unsigned long long)(count * element));
	out->at = malloc(count * type_bytes(out->type));
	if (!out->at)
		return because(why, "no memory for %llu values", (unsigned long long)count);
	if (code == 0x08)
		memcpy(out->at, p + header, count);
	else
		for (uint64_t i = 0; i < count; i++)
			convert(out, code, p + header + i * element, (int64_t)i);
	return true;
}

/* gzread also reads plain files as they are. */
static unsigned char *inflate_file(const char *path, size_t *size, char why[WHY])
{
	gzFile file = gzopen(path, "rb");
	size_t capacity = 1 << 20;
	unsigned char *bytes = file ? malloc(capacity) : NULL;
	*size = 0;
	while (bytes) {
		int got = gzread(file, bytes + *size,
		                 (unsigned)(capacity - *size < 1 << 20 ? capacity - *size : 1 << 20));
		if (got < 0) {
			int code;
			because(why, "'%s': %s: is the file whole?", path, gzerror(file, &code));
			break;
		}
		*size += (size_t)got;
		if (got == 0) {
			int code = gzclose(file);
			if (code == Z_OK)
				return bytes;
			because(why, "'%s' ends in the middle of its compressed data", path);
			free(bytes);
			return NULL;
		}
		if (*size == capacity) {
			unsigned char *more = capacity < LIMIT ? realloc(bytes, 2 * capacity) : NULL;
			if (!more) {
				because(why, "'%s' does not fit into memory", path);
				break;
			}
			bytes = more;
			capacity *= 2;
		}
	}
	if (!file)
		because(why, "cannot open '%s'", path);
	else
		gzclose(file);
	free(bytes);
	return NULL;
}

bool idx_read(const char *path, Array *out, char why[WHY])
{
	size_t size;
	char reason[WHY];
	/* for the words of the system: no such file, permission, a folder */
	FILE *there = fopen(path, "rb");
	unsigned char *bytes = NULL;
	*why = 0;
	if (!there || fseek(there, 0, SEEK_SET) != 0 || fgetc(there) == EOF) {
		free(bytes_read(path, 64, &size, why));
		if (there && !*why)
			because(why, "'%s' is empty", path);
		if (there)
			fclose(there);
		return false;
	}
	fclose(there);
	if (!(bytes = inflate_file(path, &size, why)))
		return false;
	bool good = idx_parse(bytes, size, out, reason);
	free(bytes);
	return good || because(why, "'%.200s' %.250s", path, reason);
}
