/* safetensors.c: the safetensors format (huggingface/safetensors, format.md): 8 bytes of header
 * length, a JSON header with name, dtype, shape and offsets of each tensor, then the data without
 * holes. Metadata is a map of texts. Ours begins with the CRC-32 of the whole file, taken with
 * zeros for its own digits; files of sslc before had one of the data alone, "crc32". */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <zlib.h>

#include "../runtime.h"

static const size_t LIMIT = (size_t)64 << 30;
/* How a file of ours begins, so that the digits have one place. */
#define CHECKED "{\"__metadata__\":{\"" CHECKSUM "\":\""
enum {
	MOST_TENSORS = 1 << 16,
	HEADER_LIMIT = 100 << 20,
	DIGITS_AT = sizeof CHECKED - 1,
	DIGITS = 8,
};

/* Those of models, and below them those that files of others have beside the weights. */
static const struct {
	const char *file, *type;
	size_t bytes;
} types[] = {
    {"F32", "f32", 4}, {"F64", "f64", 8},         {"BF16", "bf16", 2},       {"I32", "i32", 4},
    {"U8", "u8", 1},   {"BOOL", "bool", 1},       {"F16", "f16", 2},         {"I64", "i64", 8},
    {"U64", "u64", 8}, {"U32", "u32", 4},         {"I16", "i16", 2},         {"U16", "u16", 2},
    {"I8", "i8", 1},   {"F8_E4M3", "f8_e4m3", 1}, {"F8_E5M2", "f8_e5m2", 1},
};

/* NULL: not known. */
static const char *type_of_file(const char *file, size_t *bytes)
{
	for (size_t i = 0; file && i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].file, file) == 0) {
			*bytes = types[i].bytes;
			return types[i].type;
		}
	return NULL;
}

static const char *type_in_file(const char *type)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].file;
	return "U8";
}

/* -- Writing ----------------------------------------------------------------------------------- */

static cJSON *describe(const SafeTensor *t, size_t offset)
{
	cJSON *o = cJSON_CreateObject(), *shape, *offsets;
	cJSON_AddStringToObject(o, "dtype", type_in_file(t->type));
	shape = cJSON_AddArrayToObject(o, "shape");
	for (int i = 0; i < t->rank; i++)
		cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)t->dim[i]));
	offsets = cJSON_AddArrayToObject(o, "data_offsets");
	cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)offset));
	cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)(offset + t->bytes)));
	return o;
}

static char *make_header(const SafeTensor *tensor, size_t count, const SafeMeta *meta, size_t metas)
{
	cJSON *root = cJSON_CreateObject(), *map = cJSON_AddObjectToObject(root, "__metadata__");
	size_t offset = 0;
	cJSON_AddStringToObject(map, CHECKSUM, "00000000");
	for (size_t i = 0; i < metas; i++)
		cJSON_AddStringToObject(map, meta[i].key, meta[i].value);
	for (size_t i = 0; i < count; i++) {
		cJSON_AddItemToObject(root, tensor[i].name, describe(&tensor[i], offset));
		offset += tensor[i].bytes;
	}
	char *header = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	return header;
}

static void checksum_text(const void *const *parts, const size_t *sizes, size_t count,
                          char text[DIGITS + 1])
{
	uLong crc = crc32(0, NULL, 0);
	for (size_t i = 0; i < count; i++)
		if (sizes[i]) /* of NULL, crc32_z begins anew */
			crc = crc32_z(crc, parts[i], sizes[i]);
	snprintf(text, DIGITS + 1, "%08lx", crc & 0xffffffff);
}

bool safe_write(const char *path, const SafeTensor *tensor, size_t count, const SafeMeta *meta,
                size_t metas, char why[WHY])
{
	char *header = make_header(tensor, count, meta, metas);
	const void **parts = calloc(count + 3, sizeof *parts);
	size_t *sizes = calloc(count + 3, sizeof *sizes);
	bool good = header && parts && sizes;
	if (!good) {
		because(why, "no memory to write '%s'", path);
	} else {
		size_t length = strlen(header), padded = (length + 7) / 8 * 8;
		uint64_t size = padded;
		parts[0] = &size, sizes[0] = 8; /* little-endian, like every machine that this runs on */
		parts[1] = header, sizes[1] = length;
		parts[2] = "        ", sizes[2] = padded - length;
		for (size_t i = 0; i < count; i++)
			parts[i + 3] = tensor[i].at, sizes[i + 3] = tensor[i].bytes;
		char digits[DIGITS + 1];
		checksum_text(parts, sizes, count + 3, digits);
		memcpy(header + DIGITS_AT, digits, DIGITS);
		good = bytes_write(path, parts, sizes, count + 3, why);
	}
	cJSON_free(header);
	free(parts);
	free(sizes);
	return good;
}

/* -- Reading ----------------------------------------------------------------------------------- */

static bool read_whole(const cJSON *item, double most, int64_t *to)
{
	if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > most ||
	    item->valuedouble != (double)(int64_t)item->valuedouble)
		return false;
	*to = (int64_t)item->valuedouble;
	return true;
}

static bool read_tensor(const cJSON *item, const unsigned char *data, size_t size, SafeTensor *t,
                        size_t *begin, char why[WHY])
{
	const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape"), *axis;
	const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
	const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
	int64_t from, to;
	size_t element = 0;
	*t = (SafeTensor){.name = item->string,
	                  .type = type_of_file(cJSON_GetStringValue(dtype), &element)};
	if (!t->type)
		return because(why, "has a tensor '%.100s' of dtype %.20s, which cannot be read",
		               item->string,
		               cJSON_GetStringValue(dtype) ? cJSON_GetStringValue(dtype) : "none");
	if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > SSLC_MAX_RANK ||
	    !cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
	    !read_whole(cJSON_GetArrayItem(offsets, 0), 9e15, &from) ||
	    !read_whole(cJSON_GetArrayItem(offsets, 1), 9e15, &to))
		return because(why, "has a tensor '%.100s' of a bad shape or bad offsets", item->string);
	uint64_t bytes = element;
	cJSON_ArrayForEach(axis, shape)
	{
		if (!read_whole(axis, 1e12, &t->dim[t->rank]) ||
		    __builtin_mul_overflow(bytes, (uint64_t)t->dim[t->rank], &bytes))
			return because(why, "has a tensor '%.100s' of a bad shape", item->string);
		t->rank++;
	}
	if (from > to || (uint64_t)to > size || (uint64_t)(to - from) != bytes)
		return because(
		    why, "has a tensor '%.100s' at bytes %lld to %lld of %zu, but its shape needs %llu",
		    item->string, (long long)from, (long long)to, size, (unsigned long long)bytes);
	t->at = data + from;
	t->bytes = (size_t)bytes;
	*begin = (size_t)from;
	return true;
}

static bool read_metadata(const cJSON *map, SafeFile *out, char why[WHY])
{
	const cJSON *item;
	if (!cJSON_IsObject(map))
		return because(why, "has a __metadata__ that is no object");
	out->meta = calloc((size_t)cJSON_GetArraySize(map) + 1, sizeof *out->meta);
	if (!out->meta)
		return because(why, "no memory");
	cJSON_ArrayForEach(item, map)
	{
		if (!cJSON_IsString(item))
			return because(why, "has metadata '%.60s' that are no text", item->string);
		out->meta[out->metas++] = (SafeMeta){item->string, item->valuestring};
	}
	return true;
}

/* Every byte belongs to one tensor; names are unique. */
static bool check_cover(const SafeFile *f, const size_t *begin, size_t size, char why[WHY])
{
	size_t sum = 0;
	for (size_t i = 0; i < f->count; i++) {
		sum += f->tensor[i].bytes;
		for (size_t j = 0; j < i; j++) {
			bool apart = begin[i] >= begin[j] + f->tensor[j].bytes ||
			             begin[j] >= begin[i] + f->tensor[i].bytes;
			if (!apart)
				return because(why, "has tensors '%.60s' and '%.60s' that overlap",
				               f->tensor[j].name, f->tensor[i].name);
			if (strcmp(f->tensor[i].name, f->tensor[j].name) == 0)
				return because(why, "has a tensor '%.100s' twice", f->tensor[i].name);
		}
	}
	return sum == size ||
	       because(why, "has %zu bytes of data, but its tensors take %zu: is the file whole?", size,
	               sum);
}

/* Blanks the digits in `bytes`, which the metadata has a copy of. */
static bool check_sum(const SafeFile *f, unsigned char *bytes, size_t size, char why[WHY])
{
	uint64_t length;
	memcpy(&length, bytes, 8);
	const char *whole = safe_meta(f, CHECKSUM), *stated = whole ? whole : safe_meta(f, "crc32");
	const void *part = bytes;
	char found[DIGITS + 1];
	if (!stated)
		return true;
	if (whole && (length < DIGITS_AT + DIGITS || memcmp(bytes + 8, CHECKED, DIGITS_AT) != 0))
		return because(why,
		               "is damaged: its checksum is not where sslc writes it (a program that "
		               "changes the file must leave out its metadata '%s')",
		               CHECKSUM);
	if (whole)
		memset(bytes + 8 + DIGITS_AT, '0', DIGITS);
	else
		part = bytes + 8 + length, size -= 8 + (size_t)length;
	checksum_text(&part, &size, 1, found);
	return strcmp(stated, found) == 0 ||
	       because(why, "is damaged: its bytes have another checksum than it states");
}

static bool read_header(const cJSON *root, const unsigned char *data, size_t size, SafeFile *out,
                        char why[WHY])
{
	int members = cJSON_GetArraySize(root);
	const cJSON *item;
	if (!cJSON_IsObject(root) || members > MOST_TENSORS)
		return because(why, "has a header that is no JSON object, or too large");
	out->tensor = calloc((size_t)members + 1, sizeof *out->tensor);
	size_t *begin = calloc((size_t)members + 1, sizeof *begin);
	bool good = out->tensor && begin;
	cJSON_ArrayForEach(item, root)
	{
		if (!good)
			break;
		if (strcmp(item->string, "__metadata__") == 0)
			good = !out->meta ? read_metadata(item, out, why)
			                  : because(why, "it has two __metadata__");
		else if ((good = read_tensor(item, data, size, &out->tensor[out->count], &begin[out->count],
		                             why)))
			out->count++;
	}
	good = good && check_cover(out, begin, size, why);
	free(begin);
	return good;
}

/* cJSON stops where the object ends: only the spaces that pad a header may follow. */
static cJSON *parse_header(const char *text, size_t length)
{
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(text, length, &end, 0);
	while (root && end < text + length && strchr(" \t\r\n", *end) && *end)
		end++;
	if (!root || end == text + length)
		return root;
	cJSON_Delete(root);
	return NULL;
}

bool safe_parse(void *bytes, size_t size, SafeFile *out, char why[WHY])
{
	*out = (SafeFile){.bytes = bytes};
	uint64_t length = 0;
	bool good = size >= 8;
	if (good)
		memcpy(&length, bytes, 8);
	if (!good || length > size - 8 || length > HEADER_LIMIT || length < 2) {
		because(why, "is no safetensors file, or not whole: %zu bytes, header of %llu", size,
		        (unsigned long long)length);
		safe_close(out);
		return false;
	}
	because(why, "has a header that is no valid JSON");
	cJSON *root = parse_header((const char *)bytes + 8, (size_t)length);
	out->header = root;
	if (root &&
	    read_header(root, (const unsigned char *)bytes + 8 + length, size - 8 - (size_t)length, out,
	                why) &&
	    check_sum(out, bytes, size, why))
		return true;
	safe_close(out);
	return false;
}

bool safe_read(const char *path, SafeFile *out, char why[WHY])
{
	size_t size;
	char reason[WHY];
	*out = (SafeFile){0};
	unsigned char *bytes = bytes_read(path, LIMIT, &size, why);
	if (!bytes)
		return false;
	return safe_parse(bytes, size, out, reason) || because(why, "'%.200s' %.280s", path, reason);
}

void safe_close(SafeFile *f)
{
	cJSON_Delete(f->header);
	free(f->tensor);
	free(f->meta);
	free(f->bytes);
	*f = (SafeFile){0};
}

const char *safe_meta(const SafeFile *f, const char *key)
{
	for (size_t i = 0; i < f->metas; i++)
		if (strcmp(f->meta[i].key, key) == 0)
			return f->meta[i].value;
	return NULL;
}

const SafeTensor *safe_tensor(const SafeFile *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->tensor[i].name, name) == 0)
			return &f->tensor[i];
	return NULL;
}
