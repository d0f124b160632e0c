/* wave.c: the task of a wave: the tiles of several kernels as one range.
 *
 * The range is of portions: portion p of P has of n tiles of a member those from (p n + o) / P on, so a
 * share of the range is the same share of each member: of a batch the same samples, which a thread has
 * in its caches. The offset o, below P, says in which portions the tiles of few are (wave_offset()).
 *
 * Its args are words, as large as pointers: the number of kernels and that of portions, then of each
 * kernel its task, that task's args, n / P, n mod P and its offset. Portions are so few that p (n mod P)
 * fits into a word of 32 bits, whatever n is. One function serves all waves of a step. */
#include "module.h"

enum { MEMBERS, PORTIONS };
enum { TASK, ARGS, WHOLE, REST, OFFSET };
enum { MOST_PORTIONS = 64 /* if no member has more tiles */, LARGEST = 1 << 15 };

int64_t wave_portions(const Kernels *k, uint32_t first, uint32_t end)
{
	int64_t most = 0, all = 0;
	for (uint32_t i = first; i < end; i++) {
		most = k->kernel[i].tiles > most ? k->kernel[i].tiles : most;
		all += k->kernel[i].tiles;
	}
	all = all < MOST_PORTIONS ? all : MOST_PORTIONS;
	most = most > all ? most : all;
	return most < LARGEST ? most : LARGEST;
}

/* Those of one tile are spread over all portions; of others, each tile is in the middle of its part. */
int64_t wave_offset(const Kernels *k, uint32_t first, uint32_t end, uint32_t member,
                    int64_t portions)
{
	int64_t singles = 0, before = 0;
	if (k->kernel[member].tiles != 1)
		return portions / 2;
	for (uint32_t i = first; i < end; i++) {
		singles += k->kernel[i].tiles == 1;
		before += i < member && k->kernel[i].tiles == 1;
	}
	return portions - 1 - before * portions / singles;
}

static V word(Emit *e, T type, V args, V index)
{
	return l_load(e, type, l_at(e, e->word, args, index), e->word_bytes);
}

static V word_of(Emit *e, V member, int field)
{
	V at = LLVMBuildNSWMul(e->b, member, l_word(e, WAVE_WORDS), "");
	return LLVMBuildNSWAdd(e->b, at, l_word(e, WAVE_HEAD + field), "");
}

/* The first tile of a member in a portion. */
static V tile_at(Emit *e, V args, V member, V portion)
{
	V whole = word(e, e->word, args, word_of(e, member, WHOLE)),
	  rest = word(e, e->word, args, word_of(e, member, REST)),
	  offset = word(e, e->word, args, word_of(e, member, OFFSET));
	V shares = LLVMBuildNSWAdd(e->b, LLVMBuildNSWMul(e->b, portion, rest, ""), offset, "");
	V more = LLVMBuildUDiv(e->b, shares, word(e, e->word, args, l_word(e, PORTIONS)), "");
	return LLVMBuildNSWAdd(e->b, LLVMBuildNSWMul(e->b, portion, whole, ""), more, "");
}

/* Runs the tiles of a member in the portions [from, to). */
static void run_member(Emit *e, V args, V member, V from, V to)
{
	LLVMBasicBlockRef run = l_block(e, "run"), next = l_block(e, "next");
	V begin = tile_at(e, args, member, from), end = tile_at(e, args, member, to);
	LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, ""), run, next);
	LLVMPositionBuilderAtEnd(e->b, run);
	T params[] = {e->ptr, e->word, e->word};
	V given[] = {word(e, e->ptr, args, word_of(e, member, ARGS)), begin, end};
	V task = word(e, e->ptr, args, word_of(e, member, TASK));
	LLVMBuildCall2(e->b, LLVMFunctionType(e->voidt, params, 3, false), task, given, 3, "");
	l_goto(e, next);
}

V task_begin(Emit *e, const Codegen *cg, const char *symbol)
{
	T params[] = {e->ptr, e->word, e->word};
	V f = LLVMAddFunction(e->module, symbol, LLVMFunctionType(e->voidt, params, 3, false));
	LLVMSetLinkage(f, LLVMInternalLinkage);
	target_attributes(cg, e, f);
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	e->was = flush_begin(e);
	return f;
}

void task_end(Emit *e)
{
	flush_end(e, e->was);
	LLVMBuildRetVoid(e->b);
}

V wave_task(Emit *e, const Codegen *cg, const char *symbol)
{
	V f = task_begin(e, cg, symbol);
	V args = LLVMGetParam(f, 0), members = word(e, e->word, args, l_word(e, MEMBERS));
	Loop loop;
	loop_begin(e, &loop, "member", l_word(e, 0), members, l_word(e, 1), NULL, 0);
	run_member(e, args, loop.index, LLVMGetParam(f, 1), LLVMGetParam(f, 2));
	loop_end(e, &loop, NULL);
	task_end(e);
	return f;
}

/* One word of the args. */
static void put(Emit *e, V args, uint32_t index, V value)
{
	l_store(e, value, l_at(e, e->word, args, l_word(e, index)), e->word_bytes);
}

void wave_head(Emit *e, V args, uint32_t members, int64_t portions)
{
	put(e, args, MEMBERS, l_word(e, members));
	put(e, args, PORTIONS, l_word(e, portions));
}

void wave_member(Emit *e, V args, uint32_t member, V task, V task_args, int64_t tiles,
                 int64_t portions, int64_t offset)
{
	uint32_t at = WAVE_HEAD + member * WAVE_WORDS;
	put(e, args, at + TASK, task);
	put(e, args, at + ARGS, task_args);
	put(e, args, at + WHOLE, l_word(e, tiles / portions));
	put(e, args, at + REST, l_word(e, tiles % portions));
	put(e, args, at + OFFSET, l_word(e, offset));
}
