/* test_random.c: Philox 4x32-10 three times: of the runtime and of the interpreter against the
 * published vectors of Random123 (kat_vectors), and of generated code against the interpreter's. */
#include <CUnit/CUnit.h>

#include <string.h>

#include "../../runtime/runtime.h"
#include "jit.h"

enum { SIZE = 1024 };

typedef void (*Draw)(uint32_t *out, const int32_t *seed_step, int64_t first);

/* out[i] = word of element first + i * stride, for `size` elements. */
static Draw compile(Jit *j, const char *cpu, unsigned lanes, int64_t stride, uint32_t key)
{
	jit_open(j, cpu);
	jit_function(j, "f", 2, 1);
	Emit *e = &j->e;
	V word[3], given = LLVMGetParam(e->function, 1);
	for (int i = 0; i < 3; i++)
		word[i] = l_load(e, e->i32, l_at(e, e->i32, given, l_word(e, i)), 4);
	Loop loop;
	loop_begin(e, &loop, "elements", l_word(e, 0), l_word(e, SIZE), l_word(e, lanes), NULL, 0);
	V at = l_splat(e, loop.index, lanes);
	at = LLVMBuildAdd(e->b, at, l_lane_ids(e, e->word, lanes), "");
	at = LLVMBuildMul(e->b, at, l_splat(e, l_word(e, stride), lanes), "");
	at = LLVMBuildAdd(e->b, at, l_splat(e, LLVMGetParam(e->function, 2), lanes), "");
	V bits = random_bits(e, at, word[0], word[1], key, word[2]);
	l_store(e, bits, l_at(e, e->i32, LLVMGetParam(e->function, 0), loop.index), 4);
	loop_end(e, &loop, NULL);
	return (Draw)jit_finish(j);
}

static void the_published_vectors_come_out(void)
{
	static const struct {
		uint32_t counter[4], key[2], want[4];
	} vector[] = {
	    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
	     {0xffffffff, 0xffffffff},
	     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
	     {0xa4093822, 0x299f31d0},
	     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	};
	for (size_t i = 0; i < sizeof vector / sizeof *vector; i++) {
		uint32_t words[4] = {0};
		philox(vector[i].counter, vector[i].key, words);
		CU_ASSERT_EQUAL(memcmp(words, vector[i].want, sizeof words), 0);
		memset(words, 0, sizeof words);
		philox4x32(vector[i].counter, vector[i].key, words);
		CU_ASSERT_EQUAL(memcmp(words, vector[i].want, sizeof words), 0);
	}
}

/* The same by generated code: counter 0, key 0. */
static void zero_gives_the_published_words(void)
{
	static const uint32_t WANT[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
	Jit j;
	uint32_t out[SIZE];
	compile(&j, NULL, 16, 1, 0)(out, (int32_t[]){0, 0, 0}, 0);
	for (int word = 0; word < 4; word++)
		CU_ASSERT_EQUAL(out[16 * word], WANT[word]);
	jit_close(&j);
}

static bool agrees(const char *cpu, unsigned lanes, int64_t first, int64_t stride)
{
	int32_t seed_step[3] = {-123456789, 77, 41};
	uint32_t out[SIZE];
	Jit j;
	compile(&j, cpu, lanes, stride, 9)(out, seed_step, first);
	jit_close(&j);
	for (int64_t i = 0; i < SIZE; i++) {
		int64_t at = first + i * stride;
		uint32_t counter[4] = {(uint32_t)(at / 64 * 16 + at % 16), 9, (uint32_t)seed_step[2], 0},
		         want[4];
		philox(counter, (uint32_t[]){(uint32_t)seed_step[0], (uint32_t)seed_step[1]}, want);
		if (out[i] != want[at / 16 % 4])
			return false;
	}
	return true;
}

static void every_lane_has_its_word(void)
{
	CU_ASSERT(agrees(NULL, 16, 0, 1));
	CU_ASSERT(agrees(NULL, 16, 37, 1));
	CU_ASSERT(agrees(NULL, 16, 5, 3));
	CU_ASSERT(agrees(NULL, 16, (int64_t)1 << 33, 1));
	CU_ASSERT(agrees("x86-64-v3", 8, 24, 1));
	CU_ASSERT(agrees("x86-64", 4, 8, 100));
	CU_ASSERT(agrees("x86-64", 1, 3, 7));
	CU_ASSERT(agrees(NULL, 2, 1, 1));
}

CU_TestInfo test_random[] = {
    {"the published vectors come out", the_published_vectors_come_out},
    {"zero gives the published words", zero_gives_the_published_words},
    {"every lane has its word", every_lane_has_its_word},
    CU_TEST_INFO_NULL,
};
