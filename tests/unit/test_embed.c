/* test_embed.c: the block of an emitted object: what is computed, and what is refused.
 *
 * Truths: functions in closed form (embedded.c); zlib's CRC-32 of what is saved; a block compared
 * byte by byte before and after what must not change it. */
#include <CUnit/CUnit.h>

#include <string.h>

#include <zlib.h>

#include "../../runtime/embed/inner.h"
#include "embedded.h"

/* -- What is computed -------------------------------------------------------------------------- */

static void a_seed_gives_the_states(void)
{
	Embedded e;
	embedded_open(&e, 5, 7);
	const EmbeddedStates *s = embedded_states(&e);
	for (int i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(s->w[i], 5 + i);
	CU_ASSERT(s->b[0] == 7 && s->b[2] == 7 && s->m[1] == 0 && s->probe == 0 && s->mask[1] == 0);
	CU_ASSERT_EQUAL(embed_steps(&embedded, e.block), 0);
	CU_ASSERT(embedded_is_intact(&e));
}

static void steps_add_up(void)
{
	Embedded e, other;
	static const float x[] = {1, 2, 3};
	float loss = 0, b[3] = {0};
	embedded_open(&e, 0, 7);
	embedded_open(&other, 0, 100);
	for (int i = 1; i <= 4; i++) {
		CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_step, (const void *const[]){x},
		                           (void *const[]){&loss, b}),
		                0);
		CU_ASSERT_EQUAL(embed_steps(&embedded, e.block), i);
		CU_ASSERT(loss == 6 && b[0] == 7 + i && b[1] == 7 + 2 * i && b[2] == 7 + 3 * i);
		CU_ASSERT_EQUAL(embedded_states(&e)->count, i);
	}
	CU_ASSERT_EQUAL(embedded_states(&other)->b[0], 100);
	CU_ASSERT_EQUAL(embed_steps(&embedded, other.block), 0);
	CU_ASSERT(embedded_is_intact(&e) && embedded_is_intact(&other));
}

static void what_is_not_asked_for_is_left_out(void)
{
	Embedded e;
	static const float x[] = {1, 2, 3};
	float b[3] = {0}, code[3] = {0};
	embedded_open(&e, 0, 7);
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_step, (const void *const[]){x},
	                           (void *const[]){NULL, b}),
	                0);
	CU_ASSERT(b[0] == 8 && b[1] == 9 && b[2] == 10);
	CU_ASSERT_EQUAL(embedded_train(&e), 0);
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_encode, (const void *const[]){x},
	                           (void *const[]){code}),
	                0);
	CU_ASSERT(code[0] == 10 && code[1] == 13 && code[2] == 16);
	CU_ASSERT_EQUAL(embed_steps(&embedded, e.block), 2); /* encoding is none */
	CU_ASSERT(embedded_is_intact(&e));
}

/* In reverse, and counted. */
static void run_tiles(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	while (tiles-- > 0) {
		task(args, tiles, tiles + 1);
		++*(int *)pool;
	}
}

static void tiles_run_by_the_hook(void)
{
	Embedded e;
	int run = 0;
	embedded_open(&e, 0, 7);
	CU_ASSERT_EQUAL(embed_parallel(&embedded, e.block, &run, run_tiles), 0);
	CU_ASSERT_EQUAL(embedded_train(&e), 0);
	CU_ASSERT_EQUAL(run, 3);
	CU_ASSERT_EQUAL(embedded_states(&e)->b[2], 10);
	CU_ASSERT_EQUAL(embed_parallel(&embedded, e.block, NULL, NULL), 0);
	CU_ASSERT_EQUAL(embedded_train(&e), 0);
	CU_ASSERT_EQUAL(run, 3);
	CU_ASSERT_EQUAL(embedded_states(&e)->b[2], 13);
}

static void embedded_weights_are_the_states(void)
{
	Embedded e;
	EmbeddedStates weights = {.w = {1, 2, 3, 4, 5, 6}, .count = 9, .probe = 0.5, .mask = {1, 2}};
	EmbedModel with = embedded;
	with.weights = &weights;
	CU_ASSERT_EQUAL(embed_init(&with, e.block, sizeof e.block, 0, 7), 0);
	CU_ASSERT_EQUAL(memcmp(embedded_states(&e), &weights, sizeof weights), 0);
}

/* -- Tensors ----------------------------------------------------------------------------------- */

static void tensors_are_read_and_written(void)
{
	Embedded e;
	static const float b[] = {-1, -2, -3};
	unsigned char odd[1 + 24];
	float w[6];
	embedded_open(&e, 5, 7);
	CU_ASSERT_EQUAL(embed_find(&embedded, "encoder.0.w"), TENSOR_W);
	CU_ASSERT_EQUAL(embed_find(&embedded, "mask"), TENSOR_MASK);
	CU_ASSERT_EQUAL(embed_read(&embedded, e.block, TENSOR_W, odd + 1, 24), 0);
	memcpy(w, odd + 1, 24);
	CU_ASSERT(w[0] == 5 && w[5] == 10);
	CU_ASSERT_EQUAL(embed_write(&embedded, e.block, TENSOR_B, b, 12), 0);
	CU_ASSERT(embedded_states(&e)->b[0] == -1 && embedded_states(&e)->b[2] == -3);
	CU_ASSERT(embedded_states(&e)->w[5] == 10 && embedded_states(&e)->count == 0);
}

static void other_tensors_are_refused(void)
{
	Embedded e;
	unsigned char at[64];
	embedded_open(&e, 5, 7);
	CU_ASSERT_EQUAL(embed_find(&embedded, "encoder.0"), EMBED_TENSOR);
	CU_ASSERT_EQUAL(embed_find(&embedded, "encoder.0.w2"), EMBED_TENSOR);
	CU_ASSERT_EQUAL(embed_find(&embedded, ""), EMBED_TENSOR);
	CU_ASSERT_EQUAL(embed_find(&embedded, NULL), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_find(NULL, "mask"), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_tensor_bytes(&embedded, TENSOR_W), 6 * sizeof(float));
	CU_ASSERT_EQUAL(embed_tensor_bytes(&embedded, TENSORS), 0);
	CU_ASSERT_EQUAL(embed_tensor_bytes(NULL, 0), 0);
	CU_ASSERT_EQUAL(embed_block_bytes(&embedded), EMBEDDED_BYTES);
	CU_ASSERT_EQUAL(embed_block_bytes(NULL), 0);
	CU_ASSERT_EQUAL(embed_read(&embedded, e.block, TENSORS, at, 4), EMBED_TENSOR);
	CU_ASSERT_EQUAL(embed_write(&embedded, e.block, UINT32_MAX, at, 4), EMBED_TENSOR);
	CU_ASSERT_EQUAL(embed_read(&embedded, e.block, TENSOR_B, at, 11), EMBED_BYTES);
	CU_ASSERT_EQUAL(embed_write(&embedded, e.block, TENSOR_B, at, 16), EMBED_BYTES);
	CU_ASSERT_EQUAL(embed_read(&embedded, e.block, TENSOR_B, NULL, 12), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_write(&embedded, e.block, TENSOR_B, NULL, 12), EMBED_NULL);
}

/* -- What is refused --------------------------------------------------------------------------- */

/* Every function that takes a block gives `code`. */
static void refused_by_all(const EmbedModel *model, unsigned char *block, int32_t code)
{
	static const float x[] = {1, 2, 3};
	unsigned char at[1024] = {0};
	const void *const given[] = {x};
	CU_ASSERT_EQUAL(embed_call(model, block, &embedded_step, given, NULL), code);
	CU_ASSERT_EQUAL(embed_parallel(model, block, NULL, NULL), code);
	CU_ASSERT_EQUAL(embed_steps(model, block), code);
	CU_ASSERT_EQUAL(embed_read(model, block, 1, at, 12), code);
	CU_ASSERT_EQUAL(embed_write(model, block, 1, at, 12), code);
	CU_ASSERT_EQUAL(embed_save(model, block, at, sizeof at), code);
	CU_ASSERT_EQUAL(embed_restore(model, block, at, sizeof at), code);
	CU_ASSERT_EQUAL(embed_load(model, block, at, sizeof at, 0), code);
	CU_ASSERT_EQUAL(embed_export(model, block, at, sizeof at, 0), code);
}

static void wrong_blocks_are_refused_by_all(void)
{
	Embedded e;
	EmbedModel other = embedded;
	other.hash++;
	embedded_open(&e, 5, 7);
	refused_by_all(&embedded, NULL, EMBED_NULL);
	refused_by_all(NULL, e.block, EMBED_NULL);
	refused_by_all(&embedded, e.block + 32, EMBED_ALIGN);
	refused_by_all(&other, e.block, EMBED_OTHER_MODEL);
	memset(e.block, 0, 64);
	refused_by_all(&embedded, e.block, EMBED_NOT_OPEN);
	CU_ASSERT_EQUAL(embed_init(&embedded, NULL, EMBEDDED_BYTES, 0, 0), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_init(NULL, e.block, EMBEDDED_BYTES, 0, 0), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_init(&embedded, e.block + 8, EMBEDDED_BYTES, 0, 0), EMBED_ALIGN);
	CU_ASSERT_EQUAL(embed_init(&embedded, e.block, EMBEDDED_BYTES - 1, 0, 0), EMBED_SMALL);
	refused_by_all(&embedded, e.block, EMBED_NOT_OPEN);
}

static void wrong_calls_change_nothing(void)
{
	Embedded e, before;
	static const float x[4] = {1, 2, 3};
	float out[4];
	const void *const good[] = {x}, *const none[] = {NULL}, *const odd[] = {(const char *)x + 2};
	embedded_open(&e, 5, 7);
	before = e;
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, NULL, good, NULL), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_step, NULL, NULL), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_step, none, NULL), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_step, odd, NULL), EMBED_ALIGN);
	CU_ASSERT_EQUAL(embed_call(&embedded, e.block, &embedded_step, good,
	                           (void *const[]){NULL, (char *)out + 1}),
	                EMBED_ALIGN);
	((Head *)(void *)e.block)->step = INT32_MAX;
	CU_ASSERT_EQUAL(embedded_train(&e), EMBED_STEPS);
	((Head *)(void *)e.block)->step = 0;
	CU_ASSERT_EQUAL(memcmp(&e, &before, sizeof e), 0);
}

static void empty_states_are_not_used(void)
{
	Embedded e, full;
	EmbedModel bare = embedded;
	unsigned char saved[1024];
	bare.init = NULL;
	embedded_open(&full, 5, 7);
	CU_ASSERT_EQUAL(embed_init(&bare, e.block, sizeof e.block, 5, 7), 0);
	CU_ASSERT_EQUAL(embedded_train(&e), EMBED_EMPTY);
	CU_ASSERT_EQUAL(embed_save(&bare, e.block, saved, sizeof saved), EMBED_EMPTY);
	CU_ASSERT_EQUAL(embed_export(&bare, e.block, saved, sizeof saved, 0), EMBED_EMPTY);
	CU_ASSERT_EQUAL(embed_save(&embedded, full.block, saved, sizeof saved), 0);
	CU_ASSERT_EQUAL(embed_restore(&bare, e.block, saved, embed_save_bytes(&bare)), 0);
	CU_ASSERT_EQUAL(embedded_train(&e), 0);
}

static void every_error_has_its_text(void)
{
	static const int32_t codes[] = {
#define ERROR(name, code, text) code,
#include "../../runtime/embed/errors.def"
#undef ERROR
	};
	enum { CODES = sizeof codes / sizeof *codes };
	CU_ASSERT_STRING_EQUAL(embed_message(0), "done");
	CU_ASSERT_STRING_EQUAL(embed_message(1), embed_message(-1000));
	for (int i = 0; i < CODES; i++) {
		CU_ASSERT(codes[i] < 0);
		CU_ASSERT(strlen(embed_message(codes[i])) > 10);
		CU_ASSERT_STRING_NOT_EQUAL(embed_message(codes[i]), embed_message(-1000));
		for (int k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(embed_message(codes[i]), embed_message(codes[k]));
	}
}

/* -- Save and restore -------------------------------------------------------------------------- */

enum { SAVED = 40 + sizeof(EmbeddedStates) };

static void a_restored_block_goes_on(void)
{
	Embedded e, other;
	unsigned char odd[1 + SAVED + 1], again[SAVED], *saved = odd + 1;
	embedded_open(&e, 5, 7);
	embedded_open(&other, 1, 2);
	CU_ASSERT_EQUAL(embedded_train(&e), 0);
	CU_ASSERT_EQUAL(embed_save_bytes(&embedded), SAVED);
	saved[SAVED] = 0x77;
	CU_ASSERT_EQUAL(embed_save(&embedded, e.block, saved, SAVED), 0);
	CU_ASSERT_EQUAL(saved[SAVED], 0x77);
	CU_ASSERT_EQUAL(embed_restore(&embedded, other.block, saved, SAVED), 0);
	CU_ASSERT_EQUAL(embed_steps(&embedded, other.block), 1);
	CU_ASSERT_EQUAL(embed_save(&embedded, other.block, again, SAVED), 0);
	CU_ASSERT_EQUAL(memcmp(saved, again, SAVED), 0);
	CU_ASSERT(embedded_train(&e) == 0 && embedded_train(&other) == 0);
	CU_ASSERT_EQUAL(memcmp(embedded_states(&e), embedded_states(&other), sizeof(EmbeddedStates)),
	                0);
	CU_ASSERT(embedded_is_intact(&e) && embedded_is_intact(&other));
}

static void the_checksum_is_zlibs(void)
{
	Embedded e;
	unsigned char saved[SAVED];
	CU_ASSERT_EQUAL(embed_crc(0, (const unsigned char *)"123456789", 9), 0xcbf43926);
	embedded_open(&e, 5, 7);
	CU_ASSERT_EQUAL(embed_save(&embedded, e.block, saved, SAVED), 0);
	uint32_t stated = embed_get32(saved + 36);
	memset(saved + 36, 0, 4);
	CU_ASSERT_EQUAL(stated, crc32(0, saved, SAVED));
}

/* Gives `code`, and the block stays as it was. */
static void restore_refused(const unsigned char *saved, size_t bytes, int32_t code)
{
	Embedded e, before;
	embedded_open(&e, 1, 2);
	before = e;
	int32_t got = embed_restore(&embedded, e.block, saved, bytes);
	CU_ASSERT(code ? got == code : got < 0);
	CU_ASSERT_EQUAL(memcmp(&e, &before, sizeof e), 0);
}

/* A task's, where the state `count` stands. */
static void wrong_counts_are_refused(void)
{
	Embedded e;
	EmbedModel model = embedded;
	unsigned char saved[SAVED];
	size_t at = offsetof(EmbeddedStates, count);
	model.counts_at = at;
	model.tasks = 1;
	embedded_open(&e, 5, 7);
	CU_ASSERT_EQUAL(embed_save(&model, e.block, saved, SAVED), 0);
	for (int wrong = 0; wrong < 2; wrong++) {
		embed_put32(saved + 40 + at, wrong ? 0x80000000 : INT32_MAX);
		embed_put32(saved + 36, 0);
		embed_put32(saved + 36, (uint32_t)crc32(0, saved, SAVED));
		CU_ASSERT_EQUAL(embed_restore(&model, e.block, saved, SAVED), wrong ? EMBED_DAMAGED : 0);
		CU_ASSERT_EQUAL(embed_steps(&model, e.block), INT32_MAX);
	}
}

static void wrong_states_are_refused(void)
{
	Embedded e;
	EmbedModel other = embedded;
	unsigned char saved[SAVED + 1] = {0}, foreign[SAVED];
	embedded_open(&e, 5, 7);
	CU_ASSERT_EQUAL(embed_save(&embedded, e.block, saved, SAVED - 1), EMBED_SMALL);
	CU_ASSERT_EQUAL(embed_save(&embedded, e.block, NULL, SAVED), EMBED_NULL);
	CU_ASSERT_EQUAL(embed_save_bytes(NULL), 0);
	CU_ASSERT_EQUAL(embed_save(&embedded, e.block, saved, SAVED), 0);
	restore_refused(NULL, SAVED, EMBED_NULL);
	for (size_t bytes = 0; bytes < SAVED; bytes++)
		restore_refused(saved, bytes, bytes < 8 ? EMBED_SAVED : EMBED_TRUNCATED);
	restore_refused(saved, SAVED + 1, EMBED_TRUNCATED);
	for (size_t bit = 0; bit < 8 * SAVED; bit++) {
		saved[bit / 8] ^= (unsigned char)(1 << bit % 8);
		restore_refused(saved, SAVED,
		                bit < 64       ? EMBED_SAVED
		                : bit < 3 * 64 ? EMBED_OTHER_MODEL
		                               : EMBED_DAMAGED);
		saved[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	embed_put32(saved + 32, 0x80000000); /* no number of steps, though the checksum is right */
	embed_put32(saved + 36, 0);
	embed_put32(saved + 36, (uint32_t)crc32(0, saved, SAVED));
	restore_refused(saved, SAVED, EMBED_DAMAGED);
	other.hash ^= 1;
	CU_ASSERT_EQUAL(embed_init(&other, e.block, sizeof e.block, 5, 7), 0);
	CU_ASSERT_EQUAL(embed_save(&other, e.block, foreign, SAVED), 0);
	restore_refused(foreign, SAVED, EMBED_OTHER_MODEL);
}

CU_TestInfo test_embed[] = {
    {"a seed gives the states", a_seed_gives_the_states},
    {"steps add up", steps_add_up},
    {"what is not asked for is left out", what_is_not_asked_for_is_left_out},
    {"tiles run by the hook", tiles_run_by_the_hook},
    {"embedded weights are the states", embedded_weights_are_the_states},
    {"tensors are read and written", tensors_are_read_and_written},
    {"other tensors are refused", other_tensors_are_refused},
    {"wrong blocks are refused by all", wrong_blocks_are_refused_by_all},
    {"wrong calls change nothing", wrong_calls_change_nothing},
    {"empty states are not used", empty_states_are_not_used},
    {"every error has its text", every_error_has_its_text},
    {"a restored block goes on", a_restored_block_goes_on},
    {"the checksum is zlib's", the_checksum_is_zlibs},
    {"wrong counts of steps are refused", wrong_counts_are_refused},
    {"wrong states are refused", wrong_states_are_refused},
    CU_TEST_INFO_NULL,
};
