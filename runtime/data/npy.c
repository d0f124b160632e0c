/* npy.c: NumPy's .npy (numpy.lib.format, versions 1 to 3): a magic, a header that is a Python
 * dictionary, the values.
 *
 * Floats of 16, 32 and 64 bits become f32, integers i32, but u1 u8, b1 bool; big-endian and Fortran order are put in
 * order. What would lose values is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

static const size_t LIMIT = (size_t)8 << 30;

enum { LONGEST_HEADER = 1 << 20 };

typedef struct Header {
	char kind; /* f i u b */
	size_t bytes;
	int64_t count;
	bool big_endian, fortran;
} Header;

/* The text behind 'key': in the dictionary. */
static const char *entry(const char *header, const char *key)
{
	char quoted[32];
	snprintf(quoted, sizeof quoted, "'%s'", key);
	const char *at = strstr(header, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	at += strspn(at, " ");
	if (*at++ != ':')
		return NULL;
	return at + strspn(at, " ");
}

static bool read_descr(const char *descr, Header *h, char why[WHY])
{
	if (!descr || descr[0] != '\'' || strlen(descr) < 4)
		return because(
		    why, "has no plain 'descr': structured and object arrays cannot be read; save numbers");
	char order = descr[1];
	h->kind = descr[2];
	h->bytes = (size_t)(descr[3] - '0');
	bool known =
	    descr[4] == '\'' && strchr("<>|=", order) &&
	    ((h->kind == 'f' && strchr("248", descr[3])) ||
	     (strchr("iu", h->kind) && strchr("1248", descr[3])) || (h->kind == 'b' && h->bytes == 1));
	if (!known && strchr("SU", h->kind))
		return because(why,
		               "holds texts, of type %.*s; as classes they are numbered by "
		               "numpy.unique(x, return_inverse=True)[1]",
		               (int)strcspn(descr + 1, "'") + 2, descr);
	if (!known)
		return because(
		    why,
		    "holds values of type %.*s; save them as float32, int32 or uint8 (x.astype('float32'))",
		    (int)strcspn(descr + 1, "'") + 2, descr);
	h->big_endian = order == '>';
	return true;
}

static bool read_shape(const char *shape, Array *out, Header *h, char why[WHY])
{
	if (!shape || *shape++ != '(')
		return because(why, "has no 'shape'");
	h->count = 1;
	for (;;) {
		shape += strspn(shape, " ");
		if (*shape == ')')
			return true;
		char *end;
		long long length = strtoll(shape, &end, 10);
		if (end == shape)
			return because(why, "has a bad 'shape'");
		if (out->rank == SSLC_MAX_RANK)
			return because(why, "has more than %d axes", SSLC_MAX_RANK);
		if (length < 1 || __builtin_mul_overflow(h->count, (int64_t)length, &h->count) ||
		    h->count > (int64_t)LIMIT)
			return because(why, "has %lld elements along axis %d: none, or too many in all", length,
			               out->rank);
		out->dim[out->rank++] = length;
		shape = end + strspn(end, " ");
		if (*shape == ',')
			shape++;
	}
}

/* IEEE 754's binary16. */
static double half(uint16_t bits)
{
	int exponent = bits >> 10 & 31, fraction = bits & 1023;
	double x = exponent == 31  ? (fraction ? NAN : INFINITY)
	           : exponent == 0 ? ldexp(fraction, -24)
	                           : ldexp(1024 + fraction, exponent - 25);
	return bits >> 15 ? -x : x;
}

static double element(const Header *h, const unsigned char *p)
{
	union {
		unsigned char byte[8];
		float f32;
		double f64;
		int8_t i8;
		int16_t i16;
		int32_t i32;
		int64_t i64;
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} v;
	for (size_t i = 0; i < h->bytes; i++)
		v.byte[h->big_endian ? h->bytes - 1 - i : i] = p[i];
	if (h->kind == 'f')
		return h->bytes == 2 ? half(v.u16) : h->bytes == 4 ? (double)v.f32 : v.f64;
	if (h->kind == 'i')
		return h->bytes == 1 ? v.i8 : h->bytes == 2 ? v.i16 : h->bytes == 4 ? v.i32 : (double)v.i64;
	return h->bytes == 1 ? v.u8 : h->bytes == 2 ? v.u16 : h->bytes == 4 ? v.u32 : (double)v.u64;
}

/* Where element i, of the order in which the last axis runs first, lies where the first one does. */
static int64_t fortran_place(const Array *a, int64_t i)
{
	int64_t place = 0;
	for (int k = a->rank - 1; k >= 0; k--) {
		int64_t stride = 1;
		for (int j = 0; j < k; j++)
			stride *= a->dim[j];
		place += i % a->dim[k] * stride;
		i /= a->dim[k];
	}
	return place;
}

static bool convert(Array *out, const Header *h, const unsigned char *p, char why[WHY])
{
	bool same_type = h->kind == 'u' ? h->bytes == 1 : h->kind != 'b' && h->bytes == 4;
	if (same_type && !h->big_endian && !h->fortran) {
		memcpy(out->at, p, (size_t)h->count * h->bytes); /* as they are */
		return true;
	}
	for (int64_t i = 0; i < h->count; i++) {
		int64_t place = h->fortran ? fortran_place(out, i) : i;
		double x = element(h, p + (size_t)place * h->bytes);
		if (h->kind == 'f') {
			((float *)out->at)[i] = (float)x;
		} else if (strcmp(out->type, "i32") == 0) {
			if (x < INT32_MIN || x > INT32_MAX)
				return because(why, "holds %.0f at index %lld, which is no 32-bit integer", x,
				               (long long)i);
			((int32_t *)out->at)[i] = (int32_t)x;
		} else {
			if (h->kind == 'b' && x > 1)
				return because(why, "holds a truth value of %.0f at index %lld", x, (long long)i);
			((uint8_t *)out->at)[i] = (uint8_t)x;
		}
	}
	return true;
}

/* Where the header begins and how long it is; false: this is no .npy file. */
static bool header_place(const unsigned char *p, size_t size, size_t *at, size_t *length,
                         char why[WHY])
{
	*at = *length = 0;
	if (size < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
		return because(why, "is no .npy file: save it with numpy.save");
	if (p[6] < 1 || p[6] > 3)
		return because(why, "has version %d of the format; 1 to 3 can be read", p[6]);
	*at = p[6] == 1 ? 10 : NPY_BEGIN;
	if (size < *at)
		return because(why, "ends in its header");
	*length = p[8] | (size_t)p[9] << 8;
	if (p[6] > 1)
		*length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
	return *length <= LONGEST_HEADER ||
	       because(why, "has a header of %zu bytes, but at most %d are read", *length,
	               LONGEST_HEADER);
}

/* *data: where the values begin. */
static bool read_header(const unsigned char *p, size_t size, Header *h, Array *out, size_t *data,
                        char why[WHY])
{
	size_t at, length;
	if (!header_place(p, size, &at, &length, why))
		return false;
	*data = at + length;
	if (size < *data)
		return because(why, "ends in its header");
	char *header = strndup((const char *)p + at, length);
	if (!header)
		return because(why, "no memory");
	const char *order = entry(header, "fortran_order");
	h->fortran = order && strncmp(order, "True", 4) == 0;
	bool good = read_descr(entry(header, "descr"), h, why) &&
	            read_shape(entry(header, "shape"), out, h, why);
	if (good && !h->fortran && (!order || strncmp(order, "False", 5) != 0))
		good = because(why, "has no 'fortran_order'");
	free(header);
	if (good && (uint64_t)h->count * h->bytes > LIMIT)
		good = because(why, "has values of more than %zu bytes", LIMIT);
	out->type = h->kind == 'f'                    ? "f32"
	            : h->kind == 'b'                  ? "bool"
	            : h->kind == 'u' && h->bytes == 1 ? "u8"
	                                              : "i32";
	return good;
}

bool npy_extent(const void *begin, size_t size, size_t *whole, char why[WHY])
{
	Header h = {0};
	Array array = {0};
	size_t at, length, data;
	if (!header_place(begin, size, &at, &length, why))
		return false;
	*whole = at + length;
	if (size < *whole)
		return true;
	if (!read_header(begin, size, &h, &array, &data, why))
		return false;
	*whole = data + (size_t)h.count * h.bytes;
	return true;
}

bool npy_parse(const void *bytes, size_t size, Array *out, char why[WHY])
{
	Header h = {0};
	size_t data;
	*out = (Array){0};
	if (!read_header(bytes, size, &h, out, &data, why))
		return false;
	if ((uint64_t)(size - data) != (uint64_t)h.count * h.bytes)
		return because(why, "holds %zu bytes of values, but its header says %llu", size - data,
		               (unsigned long long)h.count * h.bytes);
	out->at = malloc((size_t)h.count * type_bytes(out->type));
	if (!out->at)
		return because(why, "no memory for %lld values", (long long)h.count);
	if (convert(out, &h, (const unsigned char *)bytes + data, why))
		return true;
	free(out->at);
	out->at = NULL;
	return false;
}

bool npy_read(const char *path, Array *out, char why[WHY])
{
	size_t size;
	char reason[WHY];
	unsigned char *bytes = bytes_read(path, LIMIT, &size, why);
	if (!bytes)
		return false;
	bool good = npy_parse(bytes, size, out, reason);
	free(bytes);
	return good || because(why, "'%.200s' %.250s", path, reason);
}

bool npy_write(const char *path, const char *type, int rank, const int64_t *dim, const void *at,
               char why[WHY])
{
	const char *descr = strcmp(type, "f32") == 0   ? "<f4"
	                    : strcmp(type, "f64") == 0 ? "<f8"
	                    : strcmp(type, "i32") == 0 ? "<i4"
	                                               : "|u1";
	char text[320], shape[192] = "";
	size_t used = 0, count = 1;
	for (int i = 0; i < rank; i++) {
		used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", i ? ", " : "",
		                         (long long)dim[i]);
		count *= (size_t)dim[i];
	}
	/* Byte for byte as numpy.save: room for the first axis to grow to 21 digits, then to 64. */
	int room = rank ? 21 - (int)strcspn(shape, ",") : 0;
	int length =
	    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }%*s",
	             descr, shape, rank == 1 ? "," : "", room, "");
	size_t total = (10 + (size_t)length + 1 + 63) / 64 * 64, padded = total - 10;
	unsigned char header[512] = "\x93NUMPY\x01";
	header[8] = (unsigned char)padded;
	header[9] = (unsigned char)(padded >> 8);
	memcpy(header + 10, text, (size_t)length);
	memset(header + 10 + length, ' ', padded - (size_t)length - 1);
	header[total - 1] = '\n';
	const void *parts[] = {header, at};
	return bytes_write(path, parts, (size_t[]){total, count * type_bytes(type)}, 2, why);
}
