/* idx.c: LeCun's IDX (http://yann.lecun.com/exdb/mnist): two zero bytes, a type, a rank, big-endian
 * 32-bit lengths, then the values, big-endian. Plain or gzip. Bytes stay u8, shorts and ints become
 * i32, floats f32. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

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
typedef struct Header {
	int code, rank;
	size_t element, bytes; /* bytes: of the header itself */
	uint64_t count;        /* of values */
} Header;

enum { LONGEST_HEADER = 4 + 4 * SSLC_MAX_RANK };

/* size: the bytes that are there, of the header at least. */
static bool read_header(const unsigned char *p, size_t size, Header *h, Array *out, char why[WHY])
{
	*out = (Array){0};
	if (size < 4 || p[0] || p[1] || !code_bytes(p[2]))
		return because(
		    why, "is no IDX file: it must begin with two zero bytes and a type from 08 to 0e");
	*h = (Header){.code = p[2], .rank = p[3], .element = code_bytes(p[2]), .count = 1};
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
	Header h;
	if (!read_header(p, size, &h, out, why))
		return false;
	if (size - h.bytes != h.count * h.element)
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

/* What zlib says, without "<fd:3>: ", its name for the file. */
static const char *unpack_error(gzFile file)
{
	int code;
	const char *said = gzerror(file, &code), *colon = strstr(said, ">: ");
	return colon ? colon + 3 : said;
}

/* Adds up to `wanted` bytes to those that are there; gzread also reads plain files as they are. */
static bool inflate_more(gzFile file, unsigned char *to, size_t *size, size_t wanted, char why[WHY])
{
	while (wanted) {
		int got = gzread(file, to + *size, (unsigned)(wanted < 1 << 20 ? wanted : 1 << 20));
		if (got < 0)
			return because(why, "cannot be unpacked: %s; is the file whole?", unpack_error(file));
		if (got == 0)
			break;
		*size += (size_t)got;
		wanted -= (size_t)got;
	}
	return true;
}

/* A little compressed data can become very much: no more is read than the header says, and memory
 * grows with what has come. */
static unsigned char *inflate_values(gzFile file, size_t *size, char why[WHY])
{
	Header h;
	Array array;
	size_t room = LONGEST_HEADER;
	unsigned char *bytes = malloc(room);
	bool good = bytes || because(why, "does not fit into memory");
	*size = 0;
	good = good && inflate_more(file, bytes, size, room, why) &&
	       (*size || because(why, "is empty")) && read_header(bytes, *size, &h, &array, why);
	size_t end = good ? h.bytes + h.count * h.element + 1 : 0; /* one more would be too many */
	while (good && *size == room && room < end) {
		size_t more = room < 1 << 20 ? 1 << 20 : 2 * room;
		unsigned char *larger = realloc(bytes, more < end ? more : end);
		if (!larger) {
			good = because(why, "does not fit into memory");
			break;
		}
		bytes = larger;
		room = more < end ? more : end;
		good = inflate_more(file, bytes, size, room - *size, why);
	}
	if (good && *size == end)
		good = because(why, "holds more bytes of values than its header says: %zu",
		               (size_t)(h.count * h.element));
	if (good)
		return bytes;
	free(bytes);
	return NULL;
}

static unsigned char *inflate_file(const char *path, size_t *size, char why[WHY])
{
	char reason[WHY];
	int from = file_open(path, why);
	if (from < 0)
		return NULL;
	gzFile file = gzdopen(from, "rb");
	if (!file) {
		close(from);
		because(why, "no memory for '%s'", path);
		return NULL;
	}
	unsigned char *bytes = inflate_values(file, size, reason);
	int code = gzclose(file);
	if (code != Z_OK) { /* a header may have been cut off, too */
		because(reason, "ends in the middle of its compressed data");
		free(bytes);
		bytes = NULL;
	}
	if (!bytes)
		because(why, "'%.200s' %.250s", path, reason);
	return bytes;
}

bool idx_read(const char *path, Array *out, char why[WHY])
{
	size_t size;
	char reason[WHY];
	unsigned char *bytes = inflate_file(path, &size, why);
	if (!bytes)
		return false;
	bool good = idx_parse(bytes, size, out, reason);
	free(bytes);
	return good || because(why, "'%.200s' %.250s", path, reason);
}
