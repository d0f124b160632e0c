/* test_data.c: NumPy and IDX files.
 *
 * Truth: files that NumPy and Python's struct and gzip wrote; tests/oracle/data/make.py states the
 * values in them. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"
#include "scratch.h"

typedef bool (*Read)(const char *path, Array *out, char why[WHY]);

static const char *data_path(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "data/%s", name);
	return oracle_path(path);
}

/* The file holds these values, bit for bit. */
static bool holds(Read read, const char *name, const char *type, int rank, const int64_t *dim,
                  const void *want)
{
	Array a;
	char why[WHY];
	if (!read(data_path(name), &a, why)) {
		fprintf(stderr, "\n    %s\n", why);
		return false;
	}
	bool good = strcmp(a.type, type) == 0 && a.rank == rank &&
	            memcmp(a.dim, dim, (size_t)rank * sizeof *dim) == 0 &&
	            memcmp(a.at, want, (size_t)array_size(&a) * type_bytes(type)) == 0;
	free(a.at);
	return good;
}

static bool refused(Read read, const char *name, const char *word)
{
	Array a;
	char why[WHY] = "";
	bool good = read(data_path(name), &a, why);
	if (good)
		free(a.at);
	if (good || !strstr(why, word))
		fprintf(stderr, "\n    %s: %s: %s\n", name, good ? "accepted" : "refused", why);
	return !good && strstr(why, word) && strstr(why, name);
}

/* -- npy --------------------------------------------------------------------------------------- */

static void every_type_of_numpy_is_read(void)
{
	static const int64_t two_three[] = {2, 3};
	uint8_t bytes[16];
	for (int i = 0; i < 16; i++)
		bytes[i] = (uint8_t)(17 * i);
	CU_ASSERT(
	    holds(npy_read, "i1.npy", "i32", 2, two_three, (int32_t[]){-1, 0, 1, 127, -128, 127}));
	CU_ASSERT(
	    holds(npy_read, "i2.npy", "i32", 2, two_three, (int32_t[]){-1, 0, 1, 127, -32768, 32767}));
	CU_ASSERT(holds(npy_read, "i4.npy", "i32", 2, two_three,
	                (int32_t[]){-1, 0, 1, 127, INT32_MIN, INT32_MAX}));
	CU_ASSERT(holds(npy_read, "i8.npy", "i32", 2, two_three,
	                (int32_t[]){-1, 0, 1, 127, INT32_MIN, INT32_MAX}));
	CU_ASSERT(holds(npy_read, "u1.npy", "u8", 4, (int64_t[]){2, 2, 2, 2}, bytes));
	CU_ASSERT(holds(npy_read, "b1.npy", "bool", 1, (int64_t[]){3}, "\1\0\1"));
	CU_ASSERT(holds(
	    npy_read, "f4.npy", "f32", 2, two_three,
	    (uint32_t[]){0x3f000000, 0x80000001, 0x7f61b1e6, 0x7fc00000, 0x7f800000, 0x80000000}));
	CU_ASSERT(
	    holds(npy_read, "f8.npy", "f32", 1, (int64_t[]){4}, (float[]){0.1f, -2.5f, INFINITY, 0}));
}

static void every_shape_and_version_is_read(void)
{
	static const int32_t count[] = {0, 1, 2, 3, 4, 5, 6, 7};
	CU_ASSERT(holds(npy_read, "scalar.npy", "f32", 0, (int64_t[]){0}, (float[]){7.75f}));
	CU_ASSERT(holds(npy_read, "rank8.npy", "i32", 8, (int64_t[]){2, 1, 1, 2, 1, 1, 1, 2}, count));
	CU_ASSERT(holds(npy_read, "version1.npy", "i32", 2, (int64_t[]){2, 3}, count));
	CU_ASSERT(holds(npy_read, "version2.npy", "i32", 2, (int64_t[]){2, 3}, count));
	CU_ASSERT(holds(npy_read, "version3.npy", "i32", 2, (int64_t[]){2, 3}, count));
}

static void every_order_of_numpy_is_read(void)
{
	static const int32_t count[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
	                                12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
	static const int64_t three[] = {3};
	CU_ASSERT(holds(npy_read, "big_endian.npy", "i32", 2, (int64_t[]){2, 3}, count));
	CU_ASSERT(holds(npy_read, "big_f8.npy", "f32", 1, three, (float[]){0.1f, -2.5f, 3e38f}));
	CU_ASSERT(holds(npy_read, "big_u2.npy", "i32", 1, three, (int32_t[]){1, 256, 65535}));
	CU_ASSERT(holds(npy_read, "fortran.npy", "i32", 3, (int64_t[]){2, 3, 4}, count));
	CU_ASSERT(holds(npy_read, "u2.npy", "i32", 1, three, (int32_t[]){0, 1, 65535}));
	CU_ASSERT(holds(npy_read, "u4.npy", "i32", 1, three, (int32_t[]){0, 1, INT32_MAX}));
	CU_ASSERT(holds(npy_read, "u8.npy", "i32", 1, three, (int32_t[]){0, 1, INT32_MAX}));
	CU_ASSERT(holds(npy_read, "f2.npy", "f32", 1, (int64_t[]){10},
	                (uint32_t[]){0, 0x80000000, 0x3f800000, 0xc0200000, 0x477fe000, 0x33800000,
	                             0x387fc000, 0x3dccc000, 0x7f800000, 0x7fc00000}));
}

static void numpy_files_that_would_lose_are_refused(void)
{
	CU_ASSERT(refused(npy_read, "i8_wide.npy", "2147483648 at index 1"));
	CU_ASSERT(refused(npy_read, "u4_wide.npy", "2147483648 at index 1"));
	CU_ASSERT(refused(npy_read, "u8_wide.npy", "at index 0, which is no 32-bit integer"));
	CU_ASSERT(refused(npy_read, "rank9.npy", "8 axes"));
	CU_ASSERT(refused(npy_read, "none.npy", "along axis 0"));
	CU_ASSERT(refused(npy_read, "object.npy", "|O"));
	CU_ASSERT(refused(npy_read, "c8.npy", "<c8"));
	CU_ASSERT(refused(npy_read, "text.npy", "<U1"));
	CU_ASSERT(refused(npy_read, "record.npy", "structured"));
	CU_ASSERT(refused(npy_read, "u1.idx", "numpy.save"));
	CU_ASSERT(refused(npy_read, "not there", "No such file"));
}

/* -- npz --------------------------------------------------------------------------------------- */

/* The array of the archive is that, bit for bit. */
static bool archived(const char *archive, const char *name, const Array *want)
{
	Array a;
	char why[WHY];
	if (!npz_read(data_path(archive), name, &a, why)) {
		fprintf(stderr, "\n    %s\n", why);
		return false;
	}
	bool good = strcmp(a.type, want->type) == 0 && a.rank == want->rank &&
	            memcmp(a.dim, want->dim, (size_t)a.rank * sizeof *a.dim) == 0 &&
	            memcmp(a.at, want->at, (size_t)array_size(&a) * type_bytes(a.type)) == 0;
	free(a.at);
	return good;
}

static void archives_of_numpy_are_read(void)
{
	static const char *const both[] = {"stored.npz", "deflated.npz"};
	float x[24], boxes[24];
	for (int i = 0; i < 24; i++) {
		x[i] = (float)i / 8;
		boxes[i] = (float)i - 5;
	}
	const Array of_x = {"f32", 3, {4, 2, 3}, x}, label = {"i32", 1, {4}, (int32_t[]){2, 0, 1, 2}};
	for (int i = 0; i < 2; i++) {
		CU_ASSERT(archived(both[i], "x", &of_x));
		CU_ASSERT(archived(both[i], "label", &label));
		CU_ASSERT(archived(both[i], "boxes", &(Array){"f32", 3, {4, 3, 2}, boxes}));
		CU_ASSERT(archived(both[i], "mask", &(Array){"bool", 1, {4}, "\1\0\0\1"}));
		CU_ASSERT(
		    archived(both[i], "half", &(Array){"f32", 1, {4}, (float[]){1.5f, -2, 0.25f, 3}}));
		CU_ASSERT(archived(both[i], "two.npy", &(Array){"i32", 1, {1}, (int32_t[]){7}}));
	}
	CU_ASSERT(archived("positional.npz", "arr_0", &of_x));
	CU_ASSERT(archived("positional.npz", "arr_1", &label));
}

static bool read_x(const char *path, Array *out, char why[WHY])
{
	return npz_read(path, "x", out, why);
}

static void other_archives_are_refused(void)
{
	CU_ASSERT(refused(read_x, "positional.npz", "holds no array named 'x', but arr_0, arr_1"));
	CU_ASSERT(refused(read_x, "none.npz", "holds no array: save them by name"));
	CU_ASSERT(refused(read_x, "others.npz", "holds no array"));
	CU_ASSERT(refused(read_x, "twice.npz", "holds 2 arrays named 'x'"));
	CU_ASSERT(refused(read_x, "bzip2.npz", "is compressed by method 12"));
	CU_ASSERT(refused(read_x, "object.npz", "an array 'x' that holds values of type '|O'"));
	CU_ASSERT(refused(read_x, "short.npz", "holds 92 bytes of values, but its header says 96"));
	CU_ASSERT(refused(read_x, "header.npz", "ends in its header"));
	CU_ASSERT(refused(read_x, "text.npz", "is no .npy file"));
	CU_ASSERT(refused(read_x, "bomb.npz", "holds more bytes of values than its header says"));
	CU_ASSERT(
	    refused(read_x, "claims.npz", "holds 4 bytes of values, but its header says 8000000000"));
	CU_ASSERT(refused(read_x, "crc.npz", "its checksum is another"));
	CU_ASSERT(refused(read_x, "f4.npy", "is no .npz archive"));
	CU_ASSERT(refused(read_x, "not there", "No such file"));
	Array a;
	char why[WHY] = "";
	CU_ASSERT_FALSE(npz_read(data_path("encrypted.npz"), "arr_0", &a, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "is encrypted"));
}

static bool parse_x(const void *bytes, size_t size, Array *out, char why[WHY])
{
	return npz_parse(bytes, size, "x", out, why);
}

/* -- npy, idx: whole files --------------------------------------------------------------------- */

/* No prefix of a file is taken, nor one with up to `more` bytes behind it, nor another version. */
static bool whole_only(const char *name, bool (*parse)(const void *, size_t, Array *, char *),
                       int more)
{
	size_t size;
	unsigned char *whole = file_get(data_path(name), &size);
	bool good = whole != NULL;
	for (size_t n = 0; whole && n <= size + (size_t)more; n++) {
		unsigned char *part = calloc(1, n + 1); /* on the heap for ASan to see its end */
		unsigned char *tight = malloc(n ? n : 1);
		Array a;
		char why[WHY] = "";
		memcpy(part, whole, n < size ? n : size);
		memcpy(tight, part, n);
		bool taken = parse(tight, n, &a, why);
		if (taken)
			free(a.at);
		good = good && taken == (n == size) && (taken || *why);
		free(part);
		free(tight);
	}
	free(whole);
	return good;
}

static void cut_files_are_refused(void)
{
	CU_ASSERT(whole_only("version1.npy", npy_parse, 1));
	CU_ASSERT(whole_only("version2.npy", npy_parse, 1));
	CU_ASSERT(whole_only("u1.idx", idx_parse, 1));
	CU_ASSERT(whole_only("f8.idx", idx_parse, 1));
	/* of the last three bytes of an archive minizip needs none */
	CU_ASSERT(whole_only("stored.npz", parse_x, -4));
	CU_ASSERT(whole_only("deflated.npz", parse_x, -4));
	Array a;
	char why[WHY];
	CU_ASSERT_FALSE(npy_parse("\x93NUMPY\x04\0\0\0\0\0", 12, &a, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "version 4"));
	CU_ASSERT_FALSE(npy_parse("\x93NUMPY\0\0\0\0\0\0", 12, &a, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "version 0"));
}

static bool writes(const char *name, const char *type, int rank, const int64_t *dim, const void *at)
{
	Scratch s;
	char why[WHY];
	size_t size;
	scratch_open(&s);
	unsigned char *want = file_get(data_path(name), &size);
	const char *path = scratch_path(&s, "x.npy");
	bool good = want && npy_write(path, type, rank, dim, at, why) && file_holds(path, want, size);
	free(want);
	scratch_close(&s);
	return good;
}

static void numpy_files_are_written_as_numpy_does(void)
{
	float quarters[12];
	uint8_t bytes[24];
	for (int i = 0; i < 12; i++)
		quarters[i] = (float)i / 4 - 1;
	for (int i = 0; i < 24; i++)
		bytes[i] = (uint8_t)i;
	CU_ASSERT(writes("write_f4.npy", "f32", 2, (int64_t[]){3, 4}, quarters));
	CU_ASSERT(writes("write_f8.npy", "f64", 1, (int64_t[]){2}, (double[]){0.1, -2.5}));
	CU_ASSERT(writes("write_i4.npy", "i32", 0, NULL, (int32_t[]){-5}));
	CU_ASSERT(writes("write_u1.npy", "u8", 8, (int64_t[]){1, 2, 1, 3, 1, 4, 1, 1}, bytes));
}

/* -- idx --------------------------------------------------------------------------------------- */

static void every_type_of_idx_is_read(void)
{
	static const uint8_t bytes[] = {0, 1, 127, 128, 254, 255};
	CU_ASSERT(holds(idx_read, "u1.idx", "u8", 2, (int64_t[]){2, 3}, bytes));
	CU_ASSERT(holds(idx_read, "u1.idx.gz", "u8", 2, (int64_t[]){2, 3}, bytes));
	CU_ASSERT(
	    holds(idx_read, "i1.idx", "i32", 1, (int64_t[]){6}, (int32_t[]){0, 1, 127, -128, -1, -2}));
	CU_ASSERT(holds(idx_read, "i2.idx", "i32", 2, (int64_t[]){3, 2},
	                (int32_t[]){0, 1, 256, 32767, -32768, -2}));
	CU_ASSERT(holds(idx_read, "i4.idx", "i32", 3, (int64_t[]){1, 2, 3},
	                (int32_t[]){0, 1, 65536, INT32_MAX, INT32_MIN, -2}));
	CU_ASSERT(holds(idx_read, "f4.idx", "f32", 2, (int64_t[]){2, 2},
	                (float[]){0.5f, -0.0f, 3e38f, -1.25f}));
	CU_ASSERT(
	    holds(idx_read, "f8.idx", "f32", 1, (int64_t[]){4}, (float[]){0.1f, -2.5f, INFINITY, 0}));
	uint8_t *large = malloc(1100000);
	for (uint64_t i = 0; i < 1100000; i++)
		large[i] = (uint8_t)(i * i % 251);
	CU_ASSERT(holds(idx_read, "large.idx.gz", "u8", 2, (int64_t[]){1100, 1000}, large));
	free(large);
}

static void wrong_idx_files_are_refused(void)
{
	static const char *const wrong[] = {
	    "\0\1\x08\1\0\0\0\1x",                                /* no zero bytes */
	    "\0\0\x07\1\0\0\0\1x", "\0\0\x0a\1\0\0\0\1x",         /* no such types */
	    "\0\0\x08\0\0\0\0\1x", "\0\0\x08\x09\0\0\0\1x",       /* axes */
	    "\0\0\x08\1\0\0\0\0x", "\0\0\x08\1\xff\xff\xff\xffx", /* elements */
	    "\0\0\x08\2\0\0\0\1x",                                /* ends in its header */
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		Array a;
		char why[WHY] = "";
		CU_ASSERT_FALSE(idx_parse(wrong[i], 9, &a, why));
		CU_ASSERT_NOT_EQUAL(why[0], 0);
	}
	CU_ASSERT(refused(idx_read, "cut.idx.gz", "compressed"));
	CU_ASSERT(refused(idx_read, "u1.npy", "IDX"));
	CU_ASSERT(refused(idx_read, "not there", "No such file"));
}

/* `why` is written whatever it held before. */
static void an_empty_file_has_its_own_reason(void)
{
	Scratch s;
	Array a;
	char why[WHY] = "an older reason";
	scratch_open(&s);
	const char *path = scratch_path(&s, "empty.idx");
	CU_ASSERT(file_put(path, "", 0));
	CU_ASSERT_FALSE(idx_read(path, &a, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "empty.idx' is empty"));
	CU_ASSERT_FALSE(idx_read(s.folder, &a, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "is a folder"));
	scratch_close(&s);
}

CU_TestInfo test_data[] = {
    {"every type of NumPy is read", every_type_of_numpy_is_read},
    {"every shape and version is read", every_shape_and_version_is_read},
    {"every order of NumPy is read", every_order_of_numpy_is_read},
    {"archives of NumPy are read", archives_of_numpy_are_read},
    {"other archives are refused", other_archives_are_refused},
    {"NumPy files that would lose are refused", numpy_files_that_would_lose_are_refused},
    {"cut files are refused", cut_files_are_refused},
    {"NumPy files are written as NumPy does", numpy_files_are_written_as_numpy_does},
    {"every type of IDX is read", every_type_of_idx_is_read},
    {"wrong IDX files are refused", wrong_idx_files_are_refused},
    {"an empty file has its own reason", an_empty_file_has_its_own_reason},
    CU_TEST_INFO_NULL,
};
