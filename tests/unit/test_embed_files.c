/* test_embed_files.c: weights into and out of an emitted object as safetensors files.
 *
 * Truths: files that the safetensors library wrote (tests/oracle/checkpoint), what a run of sslc
 * writes and reads, and headers written by hand after format.md. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../compiler/sslc.h"
#include "../../runtime/embed/inner.h"
#include "../../runtime/train/train.h"
#include "embedded.h"
#include "scratch.h"

/* -- Written ----------------------------------------------------------------------------------- */

static bool has(const SafeFile *f, const char *name, const char *type, int rank, const int64_t *dim,
                const void *want, size_t bytes)
{
	const SafeTensor *t = safe_tensor(f, name);
	return t && strcmp(t->type, type) == 0 && t->rank == rank && t->bytes == bytes &&
	       memcmp(t->dim, dim, (size_t)rank * sizeof *dim) == 0 && memcmp(t->at, want, bytes) == 0;
}

static void sslc_reads_what_is_exported(void)
{
	Embedded e;
	SafeFile f;
	char why[WHY];
	embedded_open(&e, 5, 7);
	EmbeddedStates *s = embedded_states(&e);
	for (int i = 0; i < 123; i++)
		CU_ASSERT_EQUAL_FATAL(embedded_train(&e), 0);
	s->probe = 0.1, s->mask[1] = 255;
	for (uint32_t what = 0; what < 4; what++) {
		size_t size = embed_export_bytes(&embedded, what);
		unsigned char *file = malloc(size); /* exactly, so that ASan sees one byte more */
		CU_ASSERT_EQUAL(embed_export(&embedded, e.block, file, size - 1, what), EMBED_SMALL);
		CU_ASSERT_EQUAL(embed_export(&embedded, e.block, file, size, what), 0);
		CU_ASSERT_EQUAL(file[0] % 8, 0); /* of the header: the data is aligned in a file that is */
		CU_ASSERT_FATAL(safe_parse(file, size, &f, why));
		CU_ASSERT_EQUAL(f.count, 3 + (what & 1 ? 2 : 0) + (what & 2 ? 1 : 0));
		CU_ASSERT(has(&f, "encoder.0.w", "f32", 2, (int64_t[]){2, 3}, s->w, 24));
		CU_ASSERT(has(&f, "encoder.0.b", "f32", 1, (int64_t[]){3}, s->b, 12));
		CU_ASSERT(has(&f, "mask", "u8", 1, (int64_t[]){2}, s->mask, 2));
		CU_ASSERT_EQUAL(has(&f, "optimizer.count", "i32", 0, (int64_t[]){0}, &s->count, 4),
		                what & 1);
		CU_ASSERT_EQUAL(has(&f, "probe.w", "f64", 0, (int64_t[]){0}, &s->probe, 8), what >> 1);
		CU_ASSERT_STRING_EQUAL(safe_meta(&f, "name"), "by \"hand\"");
		CU_ASSERT_STRING_EQUAL(safe_meta(&f, "step"), "0000000123");
		CU_ASSERT_PTR_NOT_NULL(safe_meta(&f, CHECKSUM));
		safe_close(&f);
	}
	CU_ASSERT_EQUAL(embed_export_bytes(&embedded, 4), 0);
	CU_ASSERT_EQUAL(embed_export_bytes(NULL, 0), 0);
	CU_ASSERT_EQUAL(embed_export(&embedded, e.block, &e, 0, 4), EMBED_FLAGS);
	CU_ASSERT_EQUAL(embed_export(&embedded, e.block, NULL, 9999, 0), EMBED_NULL);
}

static void large_numbers_are_written_in_digits(void)
{
	static const EmbedTensor tensor = {
	    .name = "t", .dtype = "F32", .rank = 2, .dim = {UINT32_MAX, 1000000000}};
	EmbedModel large = embedded;
	Embedded e;
	char file[256] = {0};
	large.tensor = &tensor;
	large.tensor_count = 1;
	large.name = "\x01\\\x1f";
	embedded_open(&e, 5, 7);
	((Head *)(void *)e.block)->step = INT32_MAX;
	CU_ASSERT_EQUAL_FATAL(embed_export(&large, e.block, file, sizeof file - 1, 0), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(file + 8, "\"shape\":[4294967295,1000000000]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(file + 8, "\"data_offsets\":[0,0]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(file + 8, "\"name\":\"\\u0001\\\\\\u001f\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(file + 8, "\"step\":\"2147483647\""));
}

/* -- A program of sslc, and the tables of what would be emitted of it -------------------------- */

static const char text[] = "{\n  \"name\": \"small\",\n  \"data\": \"normal(8, 2)\",\n"
                           "  \"encoder\": [\"linear(3)\"],\n  \"decoder\": [\"linear(2)\"],\n"
                           "  \"loss\": \"mse(decoder(encoder(x)), x)\",\n"
                           "  \"optimizer\": \"adam(lr=0.1)\",\n"
                           "  \"train\": {\"epochs\": 3, \"batch\": 4}\n}\n";

enum { MOST_STATES = 32 };
typedef struct Both {
	sslc_program *program;
	Data *data;
	Engine engine;
	Scratch scratch;
	EmbedTensor tensor[MOST_STATES];
	EmbedModel model;
	size_t bytes;
	unsigned char *block;
} Both;

static void tables_of(Both *b)
{
	size_t count;
	const sslc_state *state = sslc_states(b->program, &count);
	CU_ASSERT_FATAL(count > 4 && count <= MOST_STATES);
	for (size_t i = 0; i < count; i++) {
		const sslc_tensor *t = &state[i].tensor;
		bool is_optimizer = strncmp(t->name, "optimizer.", 10) == 0;
		b->tensor[i] = (EmbedTensor){
		    .name = t->name,
		    .dtype = strcmp(t->dtype, "i32") == 0 ? "I32" : "F32",
		    .offset = state[i].offset,
		    .bytes = t->bytes,
		    .rank = (uint32_t)t->rank,
		    .flags =
		        (is_optimizer ? EMBED_IS_OPTIMIZER : 0) | (state[i].is_param ? EMBED_IS_PARAM : 0),
		};
		for (int k = 0; k < t->rank; k++)
			b->tensor[i].dim[k] = (uint32_t)t->dim[k];
	}
	b->model = (EmbedModel){.name = sslc_name(b->program),
	                        .tensor = b->tensor,
	                        .hash = 1,
	                        .states_bytes = b->engine.states_bytes,
	                        .tensor_count = (uint32_t)count};
}

static void both_open(Both *b)
{
	char why[WHY];
	Failure f;
	*b = (Both){.program = sslc_open_text("small.json", text, sizeof text - 1, NULL)};
	b->data = data_open(sslc_reader(b->program), NULL, why);
	scratch_open(&b->scratch);
	CU_ASSERT_FATAL(b->data && sslc_bind(b->program, data_shape(b->data)));
	CU_ASSERT_FATAL(engine_open(&b->engine, sslc_describe(b->program), 1, &f));
	tables_of(b);
	b->bytes = EMBED_BLOCK_BYTES(b->model.states_bytes, 0, 0);
	b->block = memory_new(b->bytes);
	CU_ASSERT_EQUAL_FATAL(embed_init(&b->model, b->block, b->bytes, 5, 7), 0);
}

static void both_close(Both *b)
{
	engine_close(&b->engine);
	data_close(b->data);
	sslc_close(b->program);
	scratch_close(&b->scratch);
	free(b->block);
}

/* Words from `first` on, one after the other, in all tensors; what lies between them stays. */
static void fill(const Both *b, unsigned char *states, float first)
{
	for (size_t i = 0; i < b->model.tensor_count; i++)
		for (size_t k = 0; k < b->tensor[i].bytes / 4; k++, first++)
			memcpy(states + b->tensor[i].offset + 4 * k, &first, 4);
}

/* Whether the tensors that `what` takes are equal, and the others differ. */
static bool are_equal(const Both *b, uint32_t what)
{
	bool good = true;
	for (size_t i = 0; i < b->model.tensor_count; i++) {
		const EmbedTensor *t = &b->tensor[i];
		bool equal = memcmp(b->engine.states + t->offset, b->block + 64 + t->offset, t->bytes) == 0;
		good = good && equal == !(t->flags & EMBED_IS_OPTIMIZER & ~what);
	}
	return good;
}

static void a_checkpoint_is_loaded(void)
{
	Both b;
	Failure f;
	both_open(&b);
	for (uint32_t what = 0; what < 2; what++) {
		size_t size;
		fill(&b, b.engine.states, 1);
		fill(&b, b.block + 64, 1000);
		CU_ASSERT_FATAL(
		    checkpoint_save(&b.engine, b.data, b.scratch.folder,
		                    &(Position){.step = 4, .steps = 6, .epoch_steps = 2, .seed = 7}, &f));
		unsigned char *file = file_get(scratch_path(&b.scratch, CHECKPOINT), &size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(file);
		CU_ASSERT_EQUAL(embed_load(&b.model, b.block, file, size, what | EMBED_NEED_ALL), 0);
		CU_ASSERT(are_equal(&b, what));
		free(file);
	}
	both_close(&b);
}

static void a_run_begins_with_what_is_exported(void)
{
	Both b;
	Failure f;
	both_open(&b);
	fill(&b, b.block + 64, 1);
	((Head *)(void *)b.block)->is_ready = 1;
	for (uint32_t what = 0; what < 2; what++) {
		size_t size = embed_export_bytes(&b.model, what);
		unsigned char *file = malloc(size);
		fill(&b, b.engine.states, 1000);
		CU_ASSERT_EQUAL(embed_export(&b.model, b.block, file, size, what), 0);
		const char *path = scratch_path(&b.scratch, "device.safetensors");
		CU_ASSERT_FATAL(file_put(path, file, size));
		CU_ASSERT(weights_load(&b.engine, path, true, NULL, &f));
		CU_ASSERT(are_equal(&b, 0));
		free(file);
	}
	both_close(&b);
}

/* -- Of the safetensors library ---------------------------------------------------------------- */

static void the_librarys_file_is_loaded(void)
{
	EmbedTensor tensor[] = {
	    {"single", "F32", 0, 24, 2, 0, {2, 3}}, {"double", "F64", 64, 24, 1, 0, {3}},
	    {"whole", "I32", 128, 8, 2, 0, {2, 1}}, {"bytes", "U8", 192, 5, 1, 0, {5}},
	    {"flags", "BOOL", 256, 3, 1, 0, {3}},   {"brain", "BF16", 320, 8, 1, 0, {4}},
	    {"empty", "F32", 384, 0, 2, 0, {0, 3}}, {"scalar", "F32", 384, 4, 0, 0, {0}},
	};
	EmbedModel model = {.tensor = tensor, .hash = 1, .states_bytes = 448, .tensor_count = 8};
	_Alignas(64) unsigned char block[512];
	static const uint32_t single[] = {0x3fc00000, 0xc0100000, 0, 0x7f61b1e6, 1, 0x7f800000};
	static const int32_t whole[] = {INT32_MIN, INT32_MAX};
	static const uint16_t brain[] = {0x3f80, 0xc020, 0, 0x4049};
	size_t size;
	unsigned char *file = file_get(oracle_path("checkpoint/all_types.safetensors"), &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL_FATAL(embed_init(&model, block, sizeof block, 0, 0), 0);
	CU_ASSERT_EQUAL(embed_load(&model, block, file, size, EMBED_NEED_ALL | EMBED_NO_OTHERS),
	                EMBED_FOREIGN); /* a name that is not ASCII */
	tensor[0].flags = EMBED_IS_PARAM;
	CU_ASSERT_EQUAL(embed_load(&model, block, file, size, EMBED_NEED_ALL), EMBED_NOT_FINITE);
	CU_ASSERT_EQUAL(((Head *)(void *)block)->is_ready, 0);
	tensor[0].flags = 0;
	CU_ASSERT_EQUAL(embed_load(&model, block, file, size, 0), 0); /* some, for all that it says */
	CU_ASSERT_EQUAL(((Head *)(void *)block)->is_ready, 0);
	CU_ASSERT_EQUAL(embed_load(&model, block, file, size, EMBED_NEED_ALL), 0);
	CU_ASSERT_EQUAL(((Head *)(void *)block)->is_ready, 1);
	CU_ASSERT_EQUAL(memcmp(block + 64, single, 24), 0);
	CU_ASSERT_EQUAL(memcmp(block + 64 + 64, (double[]){0.1, -1e300, 0x1p-1074}, 24), 0);
	CU_ASSERT_EQUAL(memcmp(block + 64 + 128, whole, 8), 0);
	CU_ASSERT_EQUAL(memcmp(block + 64 + 192, "\x00\x01\x7f\x80\xff", 5), 0);
	CU_ASSERT_EQUAL(memcmp(block + 64 + 256, "\x01\x00\x01", 3), 0);
	CU_ASSERT_EQUAL(memcmp(block + 64 + 320, brain, 8), 0);
	CU_ASSERT_EQUAL(*(float *)(void *)(block + 64 + 384), 7.75f);
	free(file);
}

/* -- Refused ----------------------------------------------------------------------------------- */

/* What a load of this header and data gives; negative must leave the block as it was. */
static int32_t load(const char *header, const void *data, size_t bytes, uint32_t what)
{
	Embedded e, before;
	size_t length = strlen(header), size = 8 + length + bytes;
	unsigned char *file = malloc(size);
	embed_put64(file, length);
	memcpy(file + 8, header, length);
	if (bytes)
		memcpy(file + 8 + length, data, bytes);
	embedded_open(&e, 5, 7);
	before = e;
	int32_t code = embed_load(&embedded, e.block, file, size, what);
	CU_ASSERT(code == 0 || memcmp(&e, &before, sizeof e) == 0);
	CU_ASSERT(embedded_is_intact(&e));
	free(file);
	return code;
}

#define ENTRY(name, dtype, shape, from, to)                                                        \
	"\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]" \
	"}"
#define MASK         ENTRY("mask", "U8", "[2]", "0", "2")
#define LOAD(header) load(header, "abcdefghijkl", 2, 0)

static void good_headers_are_taken(void)
{
	CU_ASSERT_EQUAL(LOAD("{" MASK "}"), 0);
	CU_ASSERT_EQUAL(LOAD(" \t\r\n{ " MASK " }  \n"), 0);
	CU_ASSERT_EQUAL(LOAD("{\"__metadata__\":{}," MASK "}"), 0);
	CU_ASSERT_EQUAL(LOAD("{\"__metadata__\":{\"a\":\"\\\"\\\\\\u00e9\",\"b\":\"\"}," MASK "}"), 0);
	CU_ASSERT_EQUAL(LOAD("{" MASK ",\"__metadata__\":{}}"), 0);
	CU_ASSERT_EQUAL(LOAD("{" ENTRY("\\u006das\\u006B", "U8", "[2]", "0", "2") "}"), 0);
	CU_ASSERT_EQUAL(LOAD("{\"mask\":{\"data_offsets\":[0,2],\"shape\":[ 2 ] , \"dtype\":\"U8\"}}"),
	                0);
	CU_ASSERT_EQUAL(
	    load("{" ENTRY("x", "F16", "[5]", "2", "12") "," MASK "}", "abcdefghijkl", 12, 0), 0);
	CU_ASSERT_EQUAL(load("{" ENTRY("x", "F16", "[0]", "2", "2") "," MASK "}", "ab", 2, 0), 0);
}

static void bad_headers_are_refused(void)
{
	static const char *const header[] = {
	    "",
	    "{",
	    "[]",
	    "{}x",
	    "{" MASK,
	    "{" MASK ",}",
	    "{," MASK "}",
	    "{" MASK " " MASK "}",
	    "{\"mask\"}",
	    "{\"mask\":2}",
	    "{\"mask\":{}}",
	    "{\"mask\":[]}",
	    "{mask:{}}",
	    "{\"__metadata__\":{},\"__metadata__\":{}," MASK "}",
	    "{\"__metadata__\":{\"a\":1}," MASK "}",
	    "{\"__metadata__\":[]," MASK "}",
	    "{" ENTRY("mask", "U8", "[2]", "0", "2.0") "}",
	    "{" ENTRY("mask", "U8", "[2]", "0", "2e0") "}",
	    "{" ENTRY("mask", "U8", "[2]", "-0", "2") "}",
	    "{" ENTRY("mask", "U8", "[2]", "00", "2") "}",
	    "{" ENTRY("mask", "U8", "[2]", "", "2") "}",
	    "{" ENTRY("mask", "U8", "[2,]", "0", "2") "}",
	    "{" ENTRY("mask", "U8", "2", "0", "2") "}",
	    "{" ENTRY("mask", "U8", "[2]", "0,0", "2") "}",
	    "{" ENTRY("mask", "U8", "[18446744073709551616]", "0", "2") "}",
	    "{" ENTRY("mask", "U8", "[18446744073709551620]", "0", "2") "}",
	    "{" ENTRY("mask", "U8", "[99999999999999999999]", "0", "2") "}",
	    "{\"mask\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2],\"a\":1}}",
	    "{\"mask\":{\"dtype\":\"U8\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,2]}}",
	    "{\"mask\":{\"dtype\":\"U8\",\"shape\":[2]}}",
	    "{\"ma\nsk\":{}}",
	    "{\"mask\\",
	    "{\"mask\\q\":{}}",
	    "{\"mask\\u00g0\":{}}",
	    "{\"mask\\u00",
	};
	for (size_t i = 0; i < sizeof header / sizeof *header; i++)
		if (LOAD(header[i]) != EMBED_SAFETENSORS)
			CU_FAIL(header[i]);
	char *many = calloc(1, 5000 * 64);
	size_t used = 0;
	for (int i = 0; i < 5000; i++)
		used += (size_t)sprintf(many + used, "%c" ENTRY("t%d", "U8", "[0]", "0", "0"),
		                        i ? ',' : '{', i);
	sprintf(many + used, "}");
	CU_ASSERT_EQUAL(load(many, NULL, 0, 0), EMBED_SAFETENSORS);
	free(many);
}

static void wrong_offsets_are_refused(void)
{
	static const char *const header[] = {
	    "{}",
	    "{" ENTRY("mask", "U8", "[2]", "1", "3") "}",
	    "{" ENTRY("mask", "U8", "[2]", "2", "0") "}",
	    "{" ENTRY("mask", "U8", "[1]", "0", "1") "}",
	    "{" MASK "," ENTRY("x", "U8", "[1]", "1", "2") "}",
	    "{" ENTRY("a", "U8", "[1]", "0", "1") "," ENTRY("b", "U8", "[1]", "0", "1") "}",
	    "{" ENTRY("mask", "U8", "[2]", "0", "18446744073709551615") "}",
	    "{" MASK "," ENTRY("x", "U8", "[0]", "5", "5") "}",
	};
	for (size_t i = 0; i < sizeof header / sizeof *header; i++)
		if (LOAD(header[i]) != EMBED_OFFSETS)
			CU_FAIL(header[i]);
	CU_ASSERT_EQUAL(load("{" ENTRY("mask", "U8", "[2]", "0", "3") "}", "abc", 3, 0), EMBED_OFFSETS);
}

static void other_tensors_are_refused(void)
{
	const unsigned char *bytes = (const unsigned char *)"abcdefghijklmnopqrstuvwxyz";
	CU_ASSERT_EQUAL(LOAD("{" ENTRY("mask", "I8", "[2]", "0", "2") "}"), EMBED_TYPE);
	CU_ASSERT_EQUAL(LOAD("{" ENTRY("mask", "U8", "[1,2]", "0", "2") "}"), EMBED_SHAPE);
	CU_ASSERT_EQUAL(LOAD("{" ENTRY("mask", "U8", "[4294967298]", "0", "2") "}"), EMBED_SHAPE);
	CU_ASSERT_EQUAL(LOAD("{" ENTRY("mask", "U8", "[2,1,1,1,1,1,1,1,1,1]", "0", "2") "}"),
	                EMBED_SHAPE);
	CU_ASSERT_EQUAL(LOAD("{" ENTRY("masks", "U8", "[2]", "0", "2") "}"), EMBED_NOTHING);
	CU_ASSERT_EQUAL(load("{}", NULL, 0, 0), EMBED_NOTHING);
	CU_ASSERT_EQUAL(load("{" MASK "}", bytes, 2, EMBED_NEED_ALL), EMBED_MISSING);
	CU_ASSERT_EQUAL(load("{" MASK "}", bytes, 2, 16), EMBED_FLAGS);
	CU_ASSERT_EQUAL(
	    load("{" MASK "," ENTRY("x", "U8", "[2]", "2", "4") "}", bytes, 4, EMBED_NO_OTHERS),
	    EMBED_FOREIGN);
	CU_ASSERT_EQUAL(load("{" MASK "," ENTRY("mask", "U8", "[2]", "2", "4") "}", bytes, 4, 0),
	                EMBED_TWICE);
	const char *probe = "{" ENTRY("probe.w", "F64", "[]", "0", "8") "}";
	CU_ASSERT_EQUAL(load(probe, bytes, 8, 0), EMBED_NOTHING);
	CU_ASSERT_EQUAL(load(probe, bytes, 8, EMBED_WITH_TASKS), 0);
	const char *moment = "{" ENTRY("optimizer.m", "F32", "[3]", "0", "12") "}";
	CU_ASSERT_EQUAL(load(moment, bytes, 12, EMBED_NO_OTHERS), EMBED_NOTHING);
	CU_ASSERT_EQUAL(load(moment, bytes, 12, EMBED_WITH_OPTIMIZER), 0);
}

static void numbers_that_are_none_are_refused(void)
{
	static const float inf[] = {0, 1, -__builtin_inff()}, nan[] = {0, 1, -__builtin_nanf("")},
	                   most[] = {0, 1, -3.40282347e38f};
	static const double wide_inf = __builtin_inf(), wide_most = -1.7976931348623157e308;
	const char *b = "{" ENTRY("encoder.0.b", "F32", "[3]", "0", "12") "}";
	const char *m = "{" ENTRY("optimizer.m", "F32", "[3]", "0", "12") "}";
	const char *w = "{" ENTRY("probe.w", "F64", "[]", "0", "8") "}";
	CU_ASSERT_EQUAL(load(b, most, 12, 0), 0);
	CU_ASSERT_EQUAL(load(b, inf, 12, 0), EMBED_NOT_FINITE);
	CU_ASSERT_EQUAL(load(b, nan, 12, 0), EMBED_NOT_FINITE);
	CU_ASSERT_EQUAL(load(m, inf, 12, EMBED_WITH_OPTIMIZER), 0);
	CU_ASSERT_EQUAL(load(m, nan, 12, EMBED_WITH_OPTIMIZER), EMBED_NOT_FINITE);
	CU_ASSERT_EQUAL(load(w, &wide_most, 8, EMBED_WITH_TASKS), 0);
	CU_ASSERT_EQUAL(load(w, &wide_inf, 8, EMBED_WITH_TASKS), EMBED_NOT_FINITE);
}

/* A load of so many bytes of the file is refused, and the block stays as it was. */
static int32_t load_refused(const unsigned char *file, size_t bytes)
{
	Embedded e, before;
	unsigned char *exactly = malloc(bytes + !bytes); /* one byte more is seen by ASan */
	memcpy(exactly, file, bytes);
	embedded_open(&e, 1, 2);
	before = e;
	int32_t code =
	    embed_load(&embedded, e.block, exactly, bytes, EMBED_WITH_OPTIMIZER | EMBED_WITH_TASKS);
	CU_ASSERT(code < 0 && memcmp(&e, &before, sizeof e) == 0);
	free(exactly);
	return code;
}

static void damaged_files_are_refused(void)
{
	Embedded e;
	embedded_open(&e, 5, 7);
	size_t size = embed_export_bytes(&embedded, 3);
	unsigned char *file = malloc(size);
	CU_ASSERT_EQUAL_FATAL(embed_export(&embedded, e.block, file, size, 3), 0);
	for (size_t bytes = 0; bytes < size; bytes++) {
		int32_t code = load_refused(file, bytes);
		CU_ASSERT(bytes < 8 + embed_get64(file) ? code == EMBED_TRUNCATED : code == EMBED_OFFSETS);
	}
	for (size_t bit = 0; bit < 8 * size; bit++) {
		file[bit / 8] ^= (unsigned char)(1 << bit % 8);
		/* the name of the checksum is not there then, and the file states none */
		size_t at = bit / 8 - 8;
		if (at < sizeof "{\"__metadata__\":{\"" - 1 || at >= EMBED_DIGITS_AT - 8 - 3)
			CU_ASSERT(load_refused(file, size) != EMBED_NULL);
		file[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	CU_ASSERT_EQUAL(embed_load(&embedded, e.block, NULL, size, 0), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_load(&embedded, e.block, file, size, 0), 0);
	free(file);
	CU_ASSERT_EQUAL(LOAD("{" MASK ",\"__metadata__\":{\"sslc_crc32\":\"00000000\"}}"),
	                EMBED_DAMAGED);
	CU_ASSERT_EQUAL(LOAD("{\"__metadata__\":{\"sslc_crc32\":\"00000000\"}," MASK "}"),
	                EMBED_DAMAGED);
}

CU_TestInfo test_embed_files[] = {
    {"sslc reads what is exported", sslc_reads_what_is_exported},
    {"large numbers are written in digits", large_numbers_are_written_in_digits},
    {"a checkpoint is loaded", a_checkpoint_is_loaded},
    {"a run begins with what is exported", a_run_begins_with_what_is_exported},
    {"the library's file is loaded", the_librarys_file_is_loaded},
    {"good headers are taken", good_headers_are_taken},
    {"bad headers are refused", bad_headers_are_refused},
    {"wrong offsets are refused", wrong_offsets_are_refused},
    {"other tensors are refused", other_tensors_are_refused},
    {"numbers that are none are refused", numbers_that_are_none_are_refused},
    {"damaged files are refused", damaged_files_are_refused},
    CU_TEST_INFO_NULL,
};
