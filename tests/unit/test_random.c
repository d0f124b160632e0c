/* test_random.c: Philox 4x32-10 three times: of the runtime and of the interpreter against the
 * published vectors of Random123 (kat_vectors), and of generated code against the interpreter's. */
#include <CUnit/CUnit.h>

#include <string.h>

#include "../../runtime/runtime.h"
#include "compiled.h"
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

static bool words_agree(const char *cpu, unsigned lanes, int64_t first, int64_t stride)
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
	CU_ASSERT(words_agree(NULL, 16, 0, 1));
	CU_ASSERT(words_agree(NULL, 16, 37, 1));
	CU_ASSERT(words_agree(NULL, 16, 5, 3));
	CU_ASSERT(words_agree(NULL, 16, (int64_t)1 << 33, 1));
	CU_ASSERT(words_agree("x86-64-v3", 8, 24, 1));
	CU_ASSERT(words_agree("x86-64", 4, 8, 100));
	CU_ASSERT(words_agree("x86-64", 1, 3, 7));
	CU_ASSERT(words_agree(NULL, 2, 1, 1));
}

#define LIST(...)                                                                                  \
	(const int64_t[])                                                                              \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}

/* Kernels that are not flat: rows of whole stretches share words, and each row has its own; turned
 * ones, two draws, parts of rows, two rows of one draw, rows that are no whole stretches. */
static bool rows_agree(int64_t rows, int64_t columns)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "rows");
	NodeId seed = op_input(g, "seed", DTYPE_i32, SHAPE(2)),
	       step = op_input(g, "step", DTYPE_i32, SCALAR),
	       x = op_input(g, "x", DTYPE_i32, SHAPE(columns));
	Shape s = SHAPE(2, rows, columns);
	NodeId draw[8]; /* one of its own for each, or they would be stored */
	for (uint32_t i = 0; i < COUNT(draw); i++)
		draw[i] = op_random(g, seed, step, 5 + i, s);
	NodeId column = op_broadcast(g, x, s, (Axes){1, {2}});
	graph_output(g, "own", op_xor(g, draw[0], column));
	graph_output(g, "two", op_xor(g, op_add(g, draw[1], draw[2]), column));
	NodeId upper = op_slice(g, draw[3], LIST(0, 0, 0), LIST(2, rows - 1, columns), LIST(1, 1, 1)),
	       lower = op_slice(g, draw[3], LIST(0, 1, 0), LIST(2, rows, columns), LIST(1, 1, 1));
	NodeId less = op_broadcast(g, x, SHAPE(2, rows - 1, columns), (Axes){1, {2}});
	graph_output(g, "rows", op_add(g, op_mul(g, upper, less), lower));
	NodeId part = op_slice(g, draw[4], LIST(0, 0, 1), LIST(2, rows, columns), LIST(1, 1, 1));
	NodeId rest = op_slice(g, x, LIST(1), LIST(columns), LIST(1));
	graph_output(
	    g, "part",
	    op_xor(g, part, op_broadcast(g, rest, SHAPE(2, rows, columns - 1), (Axes){1, {2}})));
	graph_output(g, "turned",
	             op_add(g, op_transpose(g, draw[5], (Axes){3, {1, 0, 2}}),
	                    op_broadcast(g, x, SHAPE(rows, 2, columns), (Axes){1, {2}})));
	NodeId one = op_slice(g, draw[6], LIST(0, 1, 0), LIST(2, rows, columns), LIST(1, 1, 1));
	graph_output(g, "one", op_xor(g, one, less));
	graph_output(g, "doubled",
	             op_xor(g,
	                    op_broadcast(g, op_random(g, seed, step, 20, SHAPE(rows, columns)), s,
	                                 (Axes){2, {1, 2}}),
	                    op_mul(g, draw[7], column)));
	double *value = new_array(c->arena, double, columns);
	for (int64_t i = 0; i < columns; i++)
		value[i] = (double)(i * 37 % 101);
	Feed feed[] = {{"seed", (double[]){-5, 77}}, {"step", (double[]){123456}}, {"x", value}};
	bool good = graph_agrees_always(c, g, feed, COUNT(feed), 0);
	compile_close(c);
	return good;
}

static void rows_have_their_words(void)
{
	CU_ASSERT(rows_agree(3, 64));
	CU_ASSERT(rows_agree(5, 192));
	CU_ASSERT(rows_agree(2, 100));
	CU_ASSERT(rows_agree(4, 32));
}

/* Looked up in a list where random: several short axes are one. */
static void lists_are_looked_up(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "list");
	NodeId seed = op_input(g, "seed", DTYPE_i32, SHAPE(2)),
	       step = op_input(g, "step", DTYPE_i32, SCALAR),
	       x = op_input(g, "x", DTYPE_i32, SHAPE(48));
	NodeId bits = op_random(g, seed, step, 7, SHAPE(4, 9, 5));
	NodeId at =
	    op_shift_right(g, bits, op_full(g, DTYPE_i32, SHAPE(4, 9, 5), 26)); /* below 64: clamped */
	NodeId found = op_gather(g, x, at, 0);
	graph_output(g, "found", found);
	graph_output(
	    g, "beside",
	    op_add(g, op_gather(g, x, op_slice(g, at, LIST(0, 0, 1), LIST(4, 9, 3), LIST(1, 1, 1)), 0),
	           op_slice(g, found, LIST(0, 0, 0), LIST(4, 9, 2), LIST(1, 1, 1))));
	double value[48];
	for (int i = 0; i < 48; i++)
		value[i] = 1000 + i;
	Feed feed[] = {{"seed", (double[]){-5, 77}}, {"step", (double[]){9}}, {"x", value}};
	CU_ASSERT(graph_agrees_always(c, g, feed, COUNT(feed), 0));
	compile_close(c);
}

CU_TestInfo test_random[] = {
    {"the published vectors come out", the_published_vectors_come_out},
    {"zero gives the published words", zero_gives_the_published_words},
    {"every lane has its word", every_lane_has_its_word},
    {"rows have their words", rows_have_their_words},
    {"lists are looked up", lists_are_looked_up},
    CU_TEST_INFO_NULL,
};
