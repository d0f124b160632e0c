/* random.c: Philox 4x32-10 on vectors.
 *
 * In: element indices, a key and a step. Out: one word of 32 bits an element. graph.h says which:
 * word (i / 16) % 4 of block (i / 64) * 16 + i % 16. So 16 consecutive elements that begin at a
 * multiple of 16 are one word of 16 blocks, and the four vectors of 64 aligned elements share all
 * their rounds: value.c keeps the words where a loop does 64 elements at a time. Salmon, Moraes,
 * Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (2011). */
#include "emit.h"

#include <string.h>

enum { ROUNDS = 10 };

static V word(V like, uint32_t x)
{
	T type = LLVMTypeOf(like);
	unsigned lanes = l_lanes(like);
	V one = LLVMConstInt(lanes > 1 ? LLVMGetElementType(type) : type, x, false);
	return lanes > 1 ? l_splat_const(one, lanes) : one;
}

/* The halves of x factor. Products of 64 bits by the even and the odd lanes of x apart: two
 * multiplications of a vector's width, nothing widened. Words of one value for all lanes are
 * scalars, and LLVM moves them out of loops. */
static void multiply(Emit *e, V x, uint32_t factor, V *high, V *low)
{
	unsigned lanes = l_lanes(x);
	*low = LLVMBuildMul(e->b, x, word(x, factor), "");
	if (lanes % 2) {
		T wide = l_vector(e->i64, lanes);
		V product = LLVMBuildZExt(e->b, x, wide, "");
		product = LLVMBuildMul(e->b, product, word(product, factor), "");
		product = LLVMBuildLShr(e->b, product, word(product, 32), "");
		*high = LLVMBuildTrunc(e->b, product, l_vector(e->i32, lanes), "");
		return;
	}
	V pairs = LLVMBuildBitCast(e->b, x, l_vector(e->i64, lanes / 2), "");
	V even = LLVMBuildAnd(e->b, pairs, word(pairs, 0xffffffff), "");
	V odd = LLVMBuildLShr(e->b, pairs, word(pairs, 32), "");
	even = LLVMBuildMul(e->b, even, word(pairs, factor), "");
	odd = LLVMBuildMul(e->b, odd, word(pairs, factor), "");
	even = LLVMBuildBitCast(e->b, even, LLVMTypeOf(x), "");
	odd = LLVMBuildBitCast(e->b, odd, LLVMTypeOf(x), "");
	V order[64]; /* the high words of both: 1, lanes + 1, 3, lanes + 3, ... */
	for (unsigned i = 0; i < lanes; i += 2) {
		order[i] = l_i32(e, (int32_t)(i + 1));
		order[i + 1] = l_i32(e, (int32_t)(lanes + i + 1));
	}
	*high = LLVMBuildShuffleVector(e->b, even, odd, LLVMConstVector(order, lanes), "");
}

static V mix(Emit *e, V x, V y)
{
	unsigned lanes = l_lanes(x) > 1 ? l_lanes(x) : l_lanes(y);
	V left = l_lanes(x) == lanes ? x : l_splat(e, x, lanes);
	V right = l_lanes(y) == lanes ? y : l_splat(e, y, lanes);
	return LLVMBuildXor(e->b, left, right, "");
}

static void round_of(Emit *e, V c[4], V k[2])
{
	V high0, low0, high2, low2;
	multiply(e, c[0], 0xD2511F53, &high0, &low0);
	multiply(e, c[2], 0xCD9E8D57, &high2, &low2);
	/* The constants first, so that uniform words meet before a vector is touched. */
	V first = mix(e, mix(e, c[1], k[0]), high2), second = mix(e, mix(e, c[3], k[1]), high0);
	c[0] = first, c[1] = low2, c[2] = second, c[3] = low0;
	k[0] = LLVMBuildAdd(e->b, k[0], word(k[0], 0x9E3779B9), "");
	k[1] = LLVMBuildAdd(e->b, k[1], word(k[1], 0xBB67AE85), "");
}

/* Rounds in which words are uniform are written out, so that those move out of loops; the others
 * are a loop: all ten would be most of the code of a kernel, and of the time to compile it. */
void random_words(Emit *e, V block, V seed0, V seed1, uint32_t key, V step, V out[4])
{
	enum { WRITTEN_OUT = 2, AT_ONCE = 2 };
	V c[6] = {block, l_i32(e, (int32_t)key), step, l_i32(e, 0), seed0, seed1};
	for (int i = 0; i < WRITTEN_OUT; i++)
		round_of(e, c, c + 4);
	for (size_t i = 0; i < COUNT(c); i++)
		c[i] = l_lanes(c[i]) == l_lanes(block) ? c[i] : l_splat(e, c[i], l_lanes(block));
	Loop rounds;
	loop_begin(e, &rounds, "rounds", l_word(e, WRITTEN_OUT), l_word(e, ROUNDS), l_word(e, AT_ONCE),
	           c, COUNT(c));
	memcpy(c, rounds.carry, sizeof c);
	for (int i = 0; i < AT_ONCE; i++)
		round_of(e, c, c + 4);
	loop_end(e, &rounds, c);
	memcpy(out, rounds.result, 4 * sizeof *out);
}

V random_bits(Emit *e, V at, V seed0, V seed1, uint32_t key, V step)
{
	unsigned lanes = l_lanes(at);
	V c[4], block = LLVMBuildLShr(e->b, at, word(at, 6), "");
	block = LLVMBuildShl(e->b, block, word(at, 4), "");
	block = LLVMBuildOr(e->b, block, LLVMBuildAnd(e->b, at, word(at, 15), ""), "");
	block = LLVMBuildTrunc(e->b, block, l_vector(e->i32, lanes), "");
	random_words(e, block, seed0, seed1, key, step, c);
	T bit = l_vector(e->i1, lanes);
	V low = LLVMBuildTrunc(e->b, LLVMBuildLShr(e->b, at, word(at, 4), ""), bit, "");
	V high = LLVMBuildTrunc(e->b, LLVMBuildLShr(e->b, at, word(at, 5), ""), bit, "");
	return l_select(e, high, l_select(e, low, c[3], c[2]), l_select(e, low, c[1], c[0]));
}
