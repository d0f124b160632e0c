/* wave.c: the task of a wave: the tiles of several kernels as one range.
 *
 * Its args are words, as large as pointers: the number of kernels, then of each its task, that task's args,
 * and one past its last tile, counted through the wave. One function serves all waves of a step. */
#include "module.h"

enum { TASK, ARGS, END };

static V word(Emit *e, T type, V args, V index)
{
	return l_load(e, type, l_at(e, e->word, args, index), e->word_bytes);
}

static V word_of(Emit *e, V member, int field)
{
	V at = LLVMBuildNSWMul(e->b, member, l_word(e, WAVE_WORDS), "");
	return LLVMBuildNSWAdd(e->b, at, l_word(e, WAVE_HEAD + field), "");
}

/* Runs the tiles [from, to) of the wave's range that are this member's. */
static void run_member(Emit *e, V args, V member, V first, V last, V from, V to)
{
	LLVMBasicBlockRef run = l_block(e, "run"), next = l_block(e, "next");
	V begin = l_binary(e, "llvm.smax", from, first), end = l_binary(e, "llvm.smin", to, last);
	LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, ""), run, next);
	LLVMPositionBuilderAtEnd(e->b, run);
	T params[] = {e->ptr, e->word, e->word};
	V given[] = {word(e, e->ptr, args, word_of(e, member, ARGS)),
	             LLVMBuildNSWSub(e->b, begin, first, ""), LLVMBuildNSWSub(e->b, end, first, "")};
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
	V args = LLVMGetParam(f, 0), zero = l_word(e, 0);
	Loop loop;
	loop_begin(e, &loop, "member", zero, word(e, e->word, args, zero), l_word(e, 1), &zero, 1);
	V last = word(e, e->word, args, word_of(e, loop.index, END));
	run_member(e, args, loop.index, loop.carry[0], last, LLVMGetParam(f, 1), LLVMGetParam(f, 2));
	loop_end(e, &loop, &last);
	task_end(e);
	return f;
}

/* One word of the args. */
static void put(Emit *e, V args, uint32_t index, V value)
{
	l_store(e, value, l_at(e, e->word, args, l_word(e, index)), e->word_bytes);
}

void wave_count(Emit *e, V args, uint32_t members)
{
	put(e, args, 0, l_word(e, members));
}

void wave_member(Emit *e, V args, uint32_t member, V task, V task_args, int64_t last)
{
	uint32_t at = WAVE_HEAD + member * WAVE_WORDS;
	put(e, args, at + TASK, task);
	put(e, args, at + ARGS, task_args);
	put(e, args, at + END, l_word(e, last));
}
