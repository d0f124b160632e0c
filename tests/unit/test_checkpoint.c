/* test_checkpoint.c: safetensors, as a run writes and reads them.
 *
 * Truths: files that the safetensors library wrote (tests/oracle/checkpoint), headers written by
 * hand after its format.md, and CRC-32's published check value. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"
#include "scratch.h"

/* -- Reading what the library wrote ------------------------------------------------------------ */

static bool holds(const SafeFile *f, const char *name, const char *type, int rank,
                  const int64_t *dim, const void *want, size_t bytes)
{
	const SafeTensor *t = safe_tensor(f, name);
	return t && strcmp(t->type, type) == 0 && t->rank == rank && t->bytes == bytes &&
	       memcmp(t->dim, dim, (size_t)rank * sizeof *dim) == 0 && memcmp(t->at, want, bytes) == 0;
}

static void every_type_is_read(void)
{
	static const uint32_t single[] = {0x3fc00000, 0xc0100000, 0, 0x7f61b1e6, 1, 0x7f800000};
	static const double wide[] = {0.1, -1e300, 0x1p-1074};
	static const int32_t whole[] = {INT32_MIN, INT32_MAX};
	static const uint16_t brain[] = {0x3f80, 0xc020, 0, 0x4049};
	SafeFile f;
	char why[WHY];
	if (!safe_read(oracle_path("checkpoint/all_types.safetensors"), &f, why)) {
		CU_FAIL(why);
		return;
	}
	CU_ASSERT_EQUAL(f.count, 9);
	CU_ASSERT(holds(&f, "single", "f32", 2, (int64_t[]){2, 3}, single, 24));
	CU_ASSERT(holds(&f, "double", "f64", 1, (int64_t[]){3}, wide, 24));
	CU_ASSERT(holds(&f, "whole", "i32", 2, (int64_t[]){2, 1}, whole, 8));
	CU_ASSERT(holds(&f, "bytes", "u8", 1, (int64_t[]){5}, "\x00\x01\x7f\x80\xff", 5));
	CU_ASSERT(holds(&f, "flags", "bool", 1, (int64_t[]){3}, "\x01\x00\x01", 3));
	CU_ASSERT(holds(&f, "brain", "bf16", 1, (int64_t[]){4}, brain, 8));
	CU_ASSERT(holds(&f, "empty", "f32", 2, (int64_t[]){0, 3}, "", 0));
	CU_ASSERT(holds(&f, "scalar", "f32", 0, (int64_t[]){0}, (float[]){7.75f}, 4));
	CU_ASSERT(holds(&f, "größe.重み", "f32", 1, (int64_t[]){1}, (float[]){-0.5f}, 4));
	CU_ASSERT_PTR_NULL(safe_tensor(&f, "Single"));
	safe_close(&f);
	CU_ASSERT_PTR_NULL(f.bytes);
}

static void metadata_is_read(void)
{
	SafeFile f;
	char why[WHY];
	CU_ASSERT_FATAL(safe_read(oracle_path("checkpoint/all_types.safetensors"), &f, why));
	CU_ASSERT_EQUAL(f.metas, 2);
	CU_ASSERT_STRING_EQUAL(safe_meta(&f, "made by"), "torch");
	CU_ASSERT_STRING_EQUAL(safe_meta(&f, "Straße"), "☃ \"quoted\" \\ \n");
	CU_ASSERT_PTR_NULL(safe_meta(&f, "crc32"));
	safe_close(&f);
	CU_ASSERT_FATAL(safe_read(oracle_path("checkpoint/plain.safetensors"), &f, why));
	CU_ASSERT_EQUAL(f.metas, 0);
	CU_ASSERT(holds(&f, "w", "f32", 1, (int64_t[]){2}, (float[]){2.5f, -1}, 8));
	safe_close(&f);
	CU_ASSERT_FATAL(safe_read(oracle_path("checkpoint/bare.safetensors"), &f, why));
	CU_ASSERT_EQUAL(f.count, 0);
	safe_close(&f);
}

static bool refuses(const char *header, const char *words);

static void other_types_are_known_or_refused_by_name(void)
{
	SafeFile f;
	char why[WHY];
	CU_ASSERT_FATAL(safe_read(oracle_path("checkpoint/half.safetensors"), &f, why));
	CU_ASSERT(holds(&f, "h", "f16", 1, (int64_t[]){1}, (uint16_t[]){0x3c00}, 2));
	safe_close(&f);
	CU_ASSERT(refuses("{\"h\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "'h'"));
	CU_ASSERT(refuses("{\"h\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "C64"));
	CU_ASSERT_FALSE(safe_read(oracle_path("checkpoint/no such file"), &f, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no such file"));
}

/* -- Reading what is wrong --------------------------------------------------------------------- */

/* A file of this header and data; its length field says `length`, or the truth if negative. */
static bool parses(const char *header, const void *data, size_t size, int64_t length, char *why)
{
	size_t text = strlen(header);
	uint64_t stated = length < 0 ? text : (uint64_t)length;
	unsigned char *bytes = malloc(8 + text + size);
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(stated >> (8 * i));
	memcpy(bytes + 8, header, text);
	memcpy(bytes + 8 + text, data, size);
	SafeFile f;
	why[0] = 0;
	bool good = safe_parse(bytes, 8 + text + size, &f, why);
	if (good)
		safe_close(&f);
	return good;
}

/* Refused, with `word` in the reason; the data is eight zero bytes. */
static bool refuses(const char *header, const char *word)
{
	char why[WHY];
	bool refused = !parses(header, "\0\0\0\0\0\0\0", 8, -1, why);
	if (!refused || !strstr(why, word))
		fprintf(stderr, "\n    %s\n    %s: %s\n", header, refused ? "refused" : "accepted", why);
	return refused && strstr(why, word);
}

#define TENSOR(name, dtype, shape, from, to)                                                       \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]" \
	"}"

static void good_headers_are_taken(void)
{
	char why[WHY];
	CU_ASSERT(parses("{" TENSOR("a", "F32", "[2]", "0", "8") "}", "abcdefgh", 8, -1, why));
	CU_ASSERT(parses("{" TENSOR("a", "F32", "[2]", "0", "8") "}   ", "abcdefgh", 8, -1, why));
	CU_ASSERT(
	    parses("{" TENSOR("b", "F32", "[1]", "4", "8") "," TENSOR("a", "F32", "[]", "0", "4") "}",
	           "abcdefgh", 8, -1, why));
	CU_ASSERT(
	    parses("{\"__metadata__\":{\"crc32\":\"cbf43926\"}," TENSOR("a", "U8", "[9]", "0", "9") "}",
	           "123456789", 9, -1, why)); /* the check value that every CRC-32 is known by */
}

static void wrong_offsets_are_refused(void)
{
	CU_ASSERT(
	    refuses("{" TENSOR("a", "U8", "[6]", "0", "6") "," TENSOR("b", "U8", "[4]", "4", "8") "}",
	            "overlap"));
	CU_ASSERT(
	    refuses("{" TENSOR("a", "U8", "[8]", "0", "8") "," TENSOR("b", "U8", "[8]", "0", "8") "}",
	            "overlap"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[9]", "0", "9") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "8", "16") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "8", "0") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "-8", "0") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "0", "8.5") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "0", "1e300") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[4]", "0", "4") "}", "whole"));
	CU_ASSERT(
	    refuses("{" TENSOR("a", "U8", "[3]", "0", "3") "," TENSOR("b", "U8", "[4]", "4", "8") "}",
	            "whole"));
	CU_ASSERT(refuses("{}", "whole"));
	CU_ASSERT(refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":{\"a\":0,\"b\":8}}}",
	                  "'a'"));
	CU_ASSERT(refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8,8]}}", "'a'"));
	CU_ASSERT(refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[8]}}", "'a'"));
}

static void wrong_shapes_are_refused(void)
{
	CU_ASSERT(refuses("{" TENSOR("a", "F32", "[3]", "0", "8") "}", "12"));
	CU_ASSERT(refuses("{" TENSOR("a", "F64", "[2]", "0", "8") "}", "16"));
	CU_ASSERT(refuses("{" TENSOR("a", "F32", "[]", "0", "8") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "F32", "[-2]", "0", "8") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "F32", "[\"2\"]", "0", "8") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "F32", "2", "0", "8") "}", "'a'"));
	/* 2^16 * 2^24 * 2^24 = 2^64: 0 in 64 bits */
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[65536,16777216,16777216]", "0", "0") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8,1,1,1,1,1,1,1,1]", "0", "8") "}", "'a'"));
	CU_ASSERT(refuses("{" TENSOR("a", "F8", "[8]", "0", "8") "}", "F8"));
	CU_ASSERT(refuses("{\"a\":{\"dtype\":7,\"shape\":[8],\"data_offsets\":[0,8]}}", "'a'"));
	CU_ASSERT(refuses("{\"a\":8}", "'a'"));
}

static void wrong_headers_are_refused(void)
{
	char why[WHY];
	CU_ASSERT(
	    refuses("{" TENSOR("a", "U8", "[4]", "0", "4") "," TENSOR("a", "U8", "[4]", "4", "8") "}",
	            "twice"));
	CU_ASSERT(refuses(
	    "{\"__metadata__\":{\"crc32\":\"00000000\"}," TENSOR("a", "U8", "[8]", "0", "8") "}",
	    "damaged"));
	CU_ASSERT(refuses("{\"__metadata__\":{\"a\":\"\",\"sslc_crc32\":\"00000000\"}," TENSOR(
	                      "a", "U8", "[8]", "0", "8") "}",
	                  "where sslc writes it"));
	CU_ASSERT(refuses(
	    "{\"__metadata__\":{\"sslc_crc32\":\"00000000\"}," TENSOR("a", "U8", "[8]", "0", "8") "}",
	    "damaged"));
	CU_ASSERT(
	    refuses("{\"__metadata__\":{\"n\":1}," TENSOR("a", "U8", "[8]", "0", "8") "}", "'n'"));
	CU_ASSERT(
	    refuses("{\"__metadata__\":[]," TENSOR("a", "U8", "[8]", "0", "8") "}", "__metadata__"));
	CU_ASSERT(
	    refuses("{\"__metadata__\":{},\"__metadata__\":{}," TENSOR("a", "U8", "[8]", "0", "8") "}",
	            "__metadata__"));
	CU_ASSERT(refuses("[" TENSOR("a", "U8", "[8]", "0", "8") "]", "JSON"));
	CU_ASSERT(refuses("[]", "JSON"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "0", "8"), "JSON"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "0", "8") "} {}", "JSON"));
	CU_ASSERT(refuses("{" TENSOR("a", "U8", "[8]", "0", "8") "}garbage", "JSON"));
	CU_ASSERT(refuses("", "not whole"));
	/* a length past the end, past the limit of the format, and of all ones */
	CU_ASSERT_FALSE(parses("{}", "", 0, 3, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "header of 3"));
	CU_ASSERT_FALSE(parses("{}", "", 0, 100000001, why));
	CU_ASSERT_FALSE(parses("{}", "", 0, INT64_MAX, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "not whole"));
	enum { LIMIT = 100 << 20 };
	unsigned char *large = calloc(1, 8 + LIMIT + 1); /* never touched, so never there */
	SafeFile f;
	memcpy(large, (uint64_t[]){LIMIT + 1}, 8);
	CU_ASSERT_FALSE(safe_parse(large, 8 + LIMIT + 1, &f, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "header of 104857601"));
	for (size_t size = 0; size < 8; size++) {
		CU_ASSERT_FALSE(safe_parse(calloc(1, 8), size, &f, why));
		CU_ASSERT_PTR_NULL(f.bytes);
	}
}

/* Every file that is cut off anywhere is refused. */
static void cut_files_are_refused(void)
{
	size_t size, taken = 0;
	unsigned char *whole = file_get(oracle_path("checkpoint/all_types.safetensors"), &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	for (size_t n = 0; n < size; n++) {
		unsigned char *part = malloc(n + 1);
		SafeFile f;
		char why[WHY];
		memcpy(part, whole, n);
		taken += safe_parse(part, n, &f, why);
	}
	CU_ASSERT_EQUAL(taken, 0);
	free(whole);
}

/* -- Writing safetensors ----------------------------------------------------------------------- */

/* What the header says of a tensor, found by hand. */
typedef struct Said {
	char dtype[8], shape[64];
	size_t from, to;
} Said;

static Said said(const char *header, const char *name)
{
	Said s = {.to = SIZE_MAX};
	char quoted[64], part[256] = "";
	snprintf(quoted, sizeof quoted, "\"%s\":{", name);
	const char *at = strstr(header, quoted);
	if (!at)
		return s;
	at += strlen(quoted);
	snprintf(part, sizeof part, "%.*s", (int)strcspn(at, "}"), at);
	if ((at = strstr(part, "\"dtype\":\"")))
		sscanf(at + 9, "%7[A-Z0-9]", s.dtype);
	if ((at = strstr(part, "\"shape\":")))
		snprintf(s.shape, sizeof s.shape, "%.*s", (int)strcspn(at + 8, "]") + 1, at + 8);
	if ((at = strstr(part, "\"data_offsets\":")))
		sscanf(at + 15, "[%zu,%zu]", &s.from, &s.to);
	return s;
}

static bool says(const char *header, const char *name, const char *dtype, const char *shape,
                 size_t from, size_t to)
{
	Said s = said(header, name);
	return strcmp(s.dtype, dtype) == 0 && strcmp(s.shape, shape) == 0 && s.from == from &&
	       s.to == to;
}

static const SafeTensor written[] = {
    {.name = "a", .type = "u8", .rank = 1, .dim = {4}, .at = "1234", .bytes = 4},
    {.name = "none", .type = "f64", .rank = 2, .dim = {3, 0}, .at = NULL, .bytes = 0},
    {.name = "ü b", .type = "f32", .rank = 0, .at = "5678", .bytes = 4},
    {.name = "last", .type = "bool", .rank = 3, .dim = {1, 1, 1}, .at = "9", .bytes = 1},
};

static void written_files_follow_the_format(void)
{
	static const SafeMeta meta[] = {{"step", "12"}, {"text", "\"x\" = {\n\té"}};
	Scratch s;
	char why[WHY];
	size_t size;
	scratch_open(&s);
	const char *path = scratch_path(&s, "w.safetensors");
	CU_ASSERT_FATAL(safe_write(path, written, 4, meta, 2, why));
	unsigned char *bytes = file_get(path, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	uint64_t length = 0;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | bytes[i];
	CU_ASSERT_EQUAL_FATAL(8 + length + 9, size);
	CU_ASSERT_EQUAL(length % 8, 0); /* so that the data is aligned */
	CU_ASSERT_EQUAL(memcmp(bytes + 8 + length, "123456789", 9), 0);
	bytes[8 + length] = 0;
	const char *header = (char *)bytes + 8;
	CU_ASSERT_EQUAL(header[0], '{'); /* the format asks for it */
	size_t end = length;
	while (end && header[end - 1] == ' ')
		end--;
	CU_ASSERT_EQUAL(header[end - 1], '}');
	CU_ASSERT(says(header, "a", "U8", "[4]", 0, 4));
	CU_ASSERT(says(header, "none", "F64", "[3,0]", 4, 4));
	CU_ASSERT(says(header, "ü b", "F32", "[]", 4, 8));
	CU_ASSERT(says(header, "last", "BOOL", "[1,1,1]", 8, 9));
	CU_ASSERT_PTR_NOT_NULL(strstr(header, "\"__metadata__\":{"));
	CU_ASSERT_PTR_NOT_NULL(strstr(header, "\"step\":\"12\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(header, "\"text\":\"\\\"x\\\" = {\\n\\té\""));
	free(bytes);
	CU_ASSERT_EQUAL(scratch_count(&s), 1);
	scratch_close(&s);
}

/* CRC-32 bit by bit, as its polynomial says. */
static uint32_t crc_of(const unsigned char *bytes, size_t size)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < 8 * size; i++) {
		uint32_t bit = (crc ^ (uint32_t)(bytes[i / 8] >> i % 8)) & 1;
		crc = crc >> 1 ^ (bit ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void the_checksum_is_of_the_whole_file(void)
{
	Scratch s;
	char why[WHY], want[9];
	size_t size;
	CU_ASSERT_EQUAL(crc_of((const unsigned char *)"123456789", 9), 0xcbf43926);
	scratch_open(&s);
	const char *path = scratch_path(&s, "w.safetensors");
	CU_ASSERT_FATAL(safe_write(path, written, 4, NULL, 0, why));
	char *bytes = (char *)file_get(path, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	char *digits = bytes + 8 + strlen("{\"__metadata__\":{\"sslc_crc32\":\""), found[9] = "";
	memcpy(found, digits, 8);
	memcpy(digits, "00000000", 8);
	snprintf(want, sizeof want, "%08x", crc_of((unsigned char *)bytes, size));
	CU_ASSERT_STRING_EQUAL(found, want);
	free(bytes);
	scratch_close(&s);
}

static bool holds_written(const SafeFile *f)
{
	bool same = f->count == 4;
	for (int i = 0; same && i < 4; i++)
		same = holds(f, written[i].name, written[i].type, written[i].rank, written[i].dim,
		             written[i].at ? written[i].at : "", written[i].bytes);
	return same;
}

/* A file of ours is read back. With any one bit turned over it is refused, or, if the bit was of
 * the checksum's name, has the same tensors and states no checksum. */
static void no_bit_is_turned_unseen(void)
{
	static const SafeMeta meta[] = {{"format", "1"}, {"step", "12"}, {"seed", "7"}};
	Scratch s;
	char why[WHY];
	size_t size, unseen = 0, nameless = 0;
	SafeFile f;
	scratch_open(&s);
	const char *path = scratch_path(&s, "w.safetensors");
	CU_ASSERT_FATAL(safe_write(path, written, 4, meta, 3, why));
	CU_ASSERT_FATAL(safe_read(path, &f, why));
	CU_ASSERT(holds_written(&f) && safe_meta(&f, CHECKSUM));
	safe_close(&f);
	unsigned char *bytes = file_get(path, &size);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		unsigned char *copy = malloc(size + 1);
		memcpy(copy, bytes, size + 1);
		copy[bit / 8] ^= (unsigned char)(1 << bit % 8);
		if (!safe_parse(copy, size, &f, why))
			continue;
		nameless++;
		unseen += safe_meta(&f, CHECKSUM) || !holds_written(&f);
		safe_close(&f);
	}
	CU_ASSERT_EQUAL(unseen, 0);
	CU_ASSERT(nameless <= 8 * strlen(CHECKSUM));
	free(bytes);
	scratch_close(&s);
}

CU_TestInfo test_checkpoint[] = {
    {"every type is read", every_type_is_read},
    {"metadata is read", metadata_is_read},
    {"other types are known, or refused by name", other_types_are_known_or_refused_by_name},
    {"good headers are taken", good_headers_are_taken},
    {"wrong offsets are refused", wrong_offsets_are_refused},
    {"wrong shapes are refused", wrong_shapes_are_refused},
    {"wrong headers are refused", wrong_headers_are_refused},
    {"cut files are refused", cut_files_are_refused},
    {"written files follow the format", written_files_follow_the_format},
    {"the checksum is of the whole file", the_checksum_is_of_the_whole_file},
    {"no bit is turned unseen", no_bit_is_turned_unseen},
    CU_TEST_INFO_NULL,
};
