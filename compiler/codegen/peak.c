/* peak.c: the ceiling of computing: a loop of fused multiply-adds that depend on nothing but
 * themselves, of pairs of bf16 where products are made of them. Twelve chains of vectors hide a
 * latency of four cycles of two units, or of six. */
#include "module.h"

enum { CHAINS = 12, ROUNDS = 1 << 14 };

static bool in_pairs(const Codegen *cg)
{
	return cg->target->bf16_pairs && cg->c->dot_type == DTYPE_bf16;
}

static void emit_peak(Emit *e, const Codegen *cg, const char *name)
{
	unsigned lanes = cg->target->vector_bits / 32;
	T vector = l_vector(e->f32, lanes), params[] = {e->ptr, e->word, e->word};
	V f = LLVMAddFunction(e->module, name, LLVMFunctionType(e->voidt, params, 3, false));
	target_attributes(cg, e, f);
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	V args = LLVMGetParam(f, 0), start[CHAINS], next[CHAINS];
	V factor = l_load(e, vector, args, 4);
	for (int i = 0; i < CHAINS; i++)
		start[i] = factor;
	V tiles = LLVMBuildNSWSub(e->b, LLVMGetParam(f, 2), LLVMGetParam(f, 1), "");
	Loop loop;
	loop_begin(e, &loop, "peak", l_word(e, 0), LLVMBuildNSWMul(e->b, tiles, l_word(e, ROUNDS), ""),
	           l_word(e, 1), start, CHAINS);
	for (int i = 0; i < CHAINS; i++)
		next[i] = in_pairs(cg) ? l_pairs(e, factor, factor, loop.carry[i])
		                       : l_fma(e, loop.carry[i], factor, factor);
	loop_end(e, &loop, next);
	V sum = loop.result[0];
	for (int i = 1; i < CHAINS; i++)
		sum = l_fadd(e, sum, loop.result[i]);
	/* used, so that the loop stays; not stored, so that threads share nothing */
	V lane = LLVMBuildExtractElement(e->b, sum, l_i32(e, 0), "");
	V never = LLVMBuildFCmp(e->b, LLVMRealOEQ, lane, l_float(e, e->f32, 12345.678), "");
	LLVMBasicBlockRef store = l_block(e, "store"), end = l_block(e, "end");
	LLVMBuildCondBr(e->b, never, store, end);
	LLVMPositionBuilderAtEnd(e->b, store);
	l_store(e, lane, args, 4);
	l_goto(e, end);
	LLVMBuildRetVoid(e->b);
}

bool codegen_peak(Codegen *cg, const char *symbol, double *flops_per_tile, Text *object)
{
	*flops_per_tile = (in_pairs(cg) ? 4.0 : 2.0) * CHAINS * ROUNDS * (cg->target->vector_bits / 32);
	Emit e;
	emit_open(&e, cg, NULL, NULL, symbol);
	emit_peak(&e, cg, symbol);
	verify_module(e.module, symbol);
	bool good = write_module(cg, e.module, CODEGEN_OBJECT, object);
	arena_release(cg->c->arena); /* all of it */
	return good;
}
