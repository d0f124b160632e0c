/* kernel_scan.c: the loop of a scan: a call of its body's function for each step, given where its
 * inputs are and its outputs go at that step (schedule/scan.c).
 *
 * The body is a step function as any other, in the same module; the block that it gets is a copy of
 * the caller's, with an arena, inputs and outputs of its own. So its waves run on the same threads. */
#include "module.h"

typedef struct ScanEmit {
	KernelEmit *ke;
	Emit *e;
	const LoopPlan *loop;
	V inputs, outputs; /* the arrays of the block */
	V own;             /* the scan's buffer */
	V step, at;        /* how many are done; the place along time */
} ScanEmit;

static V mul(Emit *e, V x, uint64_t by)
{
	return LLVMBuildNSWMul(e->b, x, l_word(e, (int64_t)by), "");
}

static V far(Emit *e, V base, V bytes)
{
	return LLVMBuildGEP2(e->b, e->i8, base, &bytes, 1, "");
}

static void put(ScanEmit *s, V array, uint32_t slot, V address)
{
	Emit *e = s->e;
	l_store(e, address, l_at(e, e->ptr, array, l_word(e, slot)), e->word_bytes);
}

/* -- The body ---------------------------------------------------------------------------------- */

/* Emitted behind what is current, which stays so. */
static V body_function(ScanEmit *s)
{
	Emit *e = s->e, inner = *e;
	Compile quiet = *e->c; /* a profile is of the loop as a whole */
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
	quiet.profile = false;
	inner.c = &quiet;
	inner.flushed = true;
	inner.k = s->loop->body;
	inner.plan = s->loop->plan;
	const char *name = arena_printf(e->c->arena, "%sbody", s->ke->symbol);
	emit_function(&inner, s->ke->cg, s->ke->symbol, name,
	              kernel_numbers(e->c, inner.k, s->ke->symbol));
	V f = LLVMGetNamedFunction(e->module, name);
	LLVMSetLinkage(f, LLVMInternalLinkage);
	LLVMPositionBuilderAtEnd(e->b, here);
	return f;
}

static V room(Emit *e, T type, uint32_t count)
{
	V at = LLVMBuildArrayAlloca(e->b, type, l_word(e, count ? count : 1), "");
	LLVMSetAlignment(at, 16);
	return at;
}

/* The body's block. */
static V make_block(ScanEmit *s)
{
	Emit *e = s->e;
	T field[FIELD_COUNT], type = step_block_type(e, field);
	V block = room(e, type, 1);
	s->inputs = room(e, e->ptr, s->loop->body->input_count);
	s->outputs = room(e, e->ptr, s->loop->body->output_count);
	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		unsigned align = LLVMABIAlignmentOfType(e->layout, field[i]);
		V value = i == FIELD_arena    ? s->own
		          : i == FIELD_inputs ? s->inputs
		          : i == FIELD_outputs
		              ? s->outputs
		              : l_load(e, field[i], step_field_address(e, s->ke->block, i), align);
		l_store(e, value, step_field_address(e, block, i), align);
	}
	return block;
}

/* -- Addresses --------------------------------------------------------------------------------- */

static V operand_address(ScanEmit *s, LoopOperand o)
{
	V base = s->ke->pointer[s->e->k->buffer_of[o.node]];
	return far(s->e, base, l_word(s->e, o.offset));
}

/* Where output `index` goes at that step and place. */
static V output_address(ScanEmit *s, uint32_t index, V step, V at)
{
	Emit *e = s->e;
	const LoopOutput *o = &s->loop->output[index];
	if (o->all)
		return far(e, s->ke->pointer[o->all], mul(e, at, o->bytes));
	V even = far(e, s->own, l_word(e, (int64_t)o->slot[0])),
	  odd = far(e, s->own, l_word(e, (int64_t)o->slot[1]));
	if (o->last)
		even = s->ke->pointer[o->last];
	V left = LLVMBuildSub(e->b, l_word(e, s->loop->region->length - 1), step, "");
	V last = LLVMBuildICmp(e->b, LLVMIntEQ, LLVMBuildAnd(e->b, left, l_word(e, 1), ""),
	                       l_word(e, 0), "");
	return LLVMBuildSelect(e->b, last, even, odd, "");
}

/* A carry: what the step before wrote, or its first value. */
static V carry_address(ScanEmit *s, uint32_t index, V first)
{
	Emit *e = s->e;
	int64_t back = s->loop->region->reverse ? 1 : -1;
	V before = LLVMBuildAdd(e->b, s->step, l_word(e, -1), ""),
	  place = LLVMBuildAdd(e->b, s->at, l_word(e, back), "");
	V begins = LLVMBuildICmp(e->b, LLVMIntEQ, s->step, l_word(e, 0), "");
	return LLVMBuildSelect(e->b, begins, first, output_address(s, index, before, place), "");
}

/* What does not move: written once; else, at every step. */
static void give_inputs(ScanEmit *s, bool moving)
{
	Emit *e = s->e;
	const Region *r = s->loop->region;
	const Kernels *body = s->loop->body;
	for (uint32_t slot = 0; slot < body->input_count; slot++) {
		int i = region_operand(r, s->loop->scan->count, body->input_name[slot]);
		bool carry = i < (int)r->carries, each = !carry && i < (int)(r->carries + r->sequences);
		if ((carry || each) != moving)
			continue;
		LoopOperand o = loop_operand(e->k, s->loop->scan, i);
		V at = operand_address(s, o);
		if (carry)
			at = carry_address(s, (uint32_t)i, at);
		else if (each)
			at = far(e, at, mul(e, s->at, (uint64_t)o.stride));
		put(s, s->inputs, slot, at);
	}
}

static void give_outputs(ScanEmit *s)
{
	for (uint32_t i = 0; i < s->loop->body->output_count; i++)
		put(s, s->outputs, i, output_address(s, i, s->step, s->at));
}

/* A carry of which all steps are wanted, too: they do not take turns. */
static void copy_last(ScanEmit *s)
{
	Emit *e = s->e;
	const Region *r = s->loop->region;
	for (uint32_t i = 0; i < r->body->out_count; i++) {
		const LoopOutput *o = &s->loop->output[i];
		if (!o->all || !o->last)
			continue;
		int64_t at = r->reverse ? 0 : r->length - 1;
		V from = far(e, s->ke->pointer[o->all], l_word(e, at * (int64_t)o->bytes));
		LLVMBuildMemCpy(e->b, s->ke->pointer[o->last], 1, from, 1, l_word(e, (int64_t)o->bytes));
	}
}

void kernel_scan(KernelEmit *ke, V begin, V end, V scratch)
{
	Emit *e = ke->e;
	ScanEmit s = {.ke = ke, .e = e, .loop = ke->kernel->loop};
	V function = e->function, body = body_function(&s);
	(void)begin, (void)end, (void)scratch; /* one tile */
	e->function = function;
	s.own = ke->pointer[e->k->buffer_of[ke->kernel->core]];
	V block = make_block(&s), length = l_word(e, s.loop->region->length);
	give_inputs(&s, false);
	Loop loop;
	loop_begin(e, &loop, "step", l_word(e, 0), length, l_word(e, 1), NULL, 0);
	s.step = s.at = loop.index;
	if (s.loop->region->reverse)
		s.at = LLVMBuildSub(e->b, l_word(e, s.loop->region->length - 1), s.step, "");
	give_inputs(&s, true);
	give_outputs(&s);
	LLVMBuildCall2(e->b, LLVMGlobalGetValueType(body), body, &block, 1, "");
	loop_end(e, &loop, NULL);
	copy_last(&s);
}
