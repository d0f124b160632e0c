/* step.c: the step function: kernels in order, with the addresses of their buffers.
 *
 * A kernel is `void k(ptr a, ptr b, ..., word begin, word end)`: it knows no offsets, so kernels of
 * equal structure share one function. A task `void task(ptr args, word begin, word end)`, one for all
 * kernels of as many buffers, unpacks the kernel and its addresses. The step function fills the args
 * with base + constant offset, and gives a wave of kernels, be it one, to the parallel-for of the
 * caller's pool as one task (wave.c). No address is ever a constant in code. */
#include <string.h>

#include "../../runtime/step.h"
#include "module.h"

typedef struct Call { /* of a kernel */
	BufferId *buffer; /* [count] in the order of its parameters */
	V *arg;           /* [count + 3] */
	uint32_t count;
	V chain; /* the task of the chain that begins here; NULL: none does */
} Call;

typedef struct Step {
	Emit *e;
	const Codegen *cg;
	V block;
	V field[FIELD_COUNT];
	Call *call;     /* [kernel_count] */
	V args;         /* words for the args of a task */
	uint32_t words; /* so many */
	uint32_t marks; /* of a profile, made so far */
	V wave;         /* the task of all parallel kernels but chains; NULL: there are none */
	const char *prefix;
	const char *const *symbol; /* [kernel_count] of the kernels */
} Step;

/* -- The buffers of a kernel, in an order that depends on its structure alone ------------------ */

/* The list with b, if it is not there; its new length. */
static uint32_t with(BufferId *list, uint32_t count, BufferId b)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == b)
			return count;
	list[count] = b;
	return count + 1;
}

uint32_t step_touched(Compile *c, const Kernels *k, const Kernel *kernel, BufferId *out)
{
	ArenaMark mark = arena_mark(c->arena);
	uint32_t count = 0, reads = 0;
	if (kernel->kind == KERNEL_copy) {
		out[count++] = kernel->from;
	} else {
		const Read *read = kernel_loads(c, k, kernel, &reads);
		for (uint32_t i = reads; i > 0; i--) /* they come in decreasing order */
			count = with(out, count, k->buffer_of[read[i - 1].node]);
	}
	for (uint32_t i = 0; i < kernel->out_count; i++)
		count = with(out, count, kernel->to[i]);
	arena_reset(c->arena, mark);
	return count;
}

/* -- Kernels ----------------------------------------------------------------------------------- */

enum { FEW = 4096 }; /* elements that are soon done one by one */

/* What runs but once, over few elements, is scalar: vectors take LLVM longer. The bits are the
 * same. */
static unsigned lanes_of(const Emit *e, const Kernel *kernel)
{
	bool few = shape_size(node(e->k->graph, kernel->out[0])->shape) < FEW;
	return e->k->once && kernel->kind == KERNEL_map && few ? 1 : kernel->lanes;
}

static void noalias(Emit *e, V function, unsigned param)
{
	unsigned kind = LLVMGetEnumAttributeKindForName("noalias", 7);
	LLVMAddAttributeAtIndex(function, param + 1, LLVMCreateEnumAttribute(e->context, kind, 0));
}

/* Addresses, the first tile and the one behind the last; of a scan the block, too. */
static T kernel_type(Emit *e, const Kernel *kernel, uint32_t count)
{
	T *params = new_array(e->c->arena, T, count + 3);
	for (uint32_t i = 0; i < count; i++)
		params[i] = e->ptr;
	params[count] = params[count + 1] = e->word;
	params[count + 2] = e->ptr;
	return LLVMFunctionType(e->voidt, params, count + 2 + (kernel->loop != NULL), false);
}

/* The function of a kernel, perhaps of another module. */
static V declare(Emit *e, const char *symbol, T type)
{
	V f = LLVMGetNamedFunction(e->module, symbol);
	return f ? f : LLVMAddFunction(e->module, symbol, type);
}

static void kernel_function(Emit *e, const Codegen *cg, uint32_t number, const char *symbol,
                            const BufferId *buffers, uint32_t count)
{
	const Kernel *kernel = &e->k->kernel[number];
	V f = declare(e, symbol, kernel_type(e, kernel, count));
	target_attributes(cg, e, f);
	KernelEmit ke = {.e = e, .kernel = kernel, .lanes = lanes_of(e, kernel)};
	if (kernel->loop) {
		ke.cg = cg;
		ke.symbol = arena_printf(e->c->arena, "%s_", symbol);
		ke.block = LLVMGetParam(f, count + 2);
	}
	ke.pointer = new_array(e->c->arena, V, e->k->buffer_count);
	for (uint32_t i = 0; i < count; i++) {
		ke.pointer[buffers[i]] = LLVMGetParam(f, i);
		noalias(e, f, i);
	}
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	V scratch = NULL;
	if (kernel->scratch) {
		scratch = LLVMBuildArrayAlloca(e->b, e->i8, l_word(e, (int64_t)kernel->scratch), "scratch");
		LLVMSetAlignment(scratch, 64);
	}
	static void (*const emitters[])(KernelEmit *, V, V, V) = {
#define KERNEL(kind, meaning) kernel_##kind,
#include "../schedule/kinds.def"
#undef KERNEL
	};
	emitters[kernel->kind](&ke, LLVMGetParam(f, count), LLVMGetParam(f, count + 1), scratch);
	LLVMBuildRetVoid(e->b);
}

static T task_type(Emit *e)
{
	T params[] = {e->ptr, e->word, e->word};
	return LLVMFunctionType(e->voidt, params, 3, false);
}

/* Of kernels of `count` buffers: its args are the kernel, then their addresses. */
static V task_function(Step *s, uint32_t count)
{
	Emit *e = s->e;
	const char *name = arena_printf(e->c->arena, "%stask%u", s->prefix, count);
	V f = LLVMGetNamedFunction(e->module, name);
	if (f)
		return f;
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
	V function = e->function;
	T *params = new_array(e->c->arena, T, count + 2);
	V *args = new_array(e->c->arena, V, count + 3);
	f = LLVMAddFunction(e->module, name, task_type(e));
	LLVMSetLinkage(f, LLVMInternalLinkage);
	target_attributes(s->cg, e, f);
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	for (uint32_t i = 0; i <= count; i++)
		args[i] =
		    l_load(e, e->ptr, l_at(e, e->ptr, LLVMGetParam(f, 0), l_word(e, i)), e->word_bytes);
	args[count + 1] = LLVMGetParam(f, 1);
	args[count + 2] = LLVMGetParam(f, 2);
	for (uint32_t i = 0; i < count + 2; i++)
		params[i] = LLVMTypeOf(args[i + 1]);
	T type = LLVMFunctionType(e->voidt, params, count + 2, false);
	LLVMBuildCall2(e->b, type, args[0], args + 1, count + 2, "");
	LLVMBuildRetVoid(e->b);
	e->function = function;
	LLVMPositionBuilderAtEnd(e->b, here);
	return f;
}

/* Words of args of a kernel that is called in a wave. */
static uint32_t words_of(const Emit *e, uint32_t number)
{
	ArenaMark mark = arena_mark(e->c->arena);
	BufferId *buffers = new_array(e->c->arena, BufferId, e->k->buffer_count);
	uint32_t count = step_touched(e->c, e->k, &e->k->kernel[number], buffers);
	arena_reset(e->c->arena, mark);
	return WAVE_WORDS + 1 + count;
}

/* One past the last kernel that is called together with `first`. A profile is of single kernels
 * and chains. Where there is little stack, a wave is cut whose args would take more than half. */
static uint32_t end_of(const Emit *e, uint32_t first)
{
	uint32_t end = e->c->profile ? chain_end(e->k, first) : wave_end(e->k, first);
	if (!e->c->machine->bare || e->k->kernel[first].chain)
		return end;
	uint32_t words = WAVE_HEAD, most = (uint32_t)e->c->machine->stack_bytes / 2 / e->word_bytes;
	for (uint32_t i = first; i < end; i++) {
		words += words_of(e, i);
		if (words > most && i > first)
			return i;
	}
	return end;
}

void emit_kernel(Emit *e, const Codegen *cg, uint32_t number, const char *symbol)
{
	const Kernels *k = e->k;
	ArenaMark mark = arena_mark(e->c->arena);
	BufferId *buffers = new_array(e->c->arena, BufferId, k->buffer_count);
	uint32_t count = step_touched(e->c, k, &k->kernel[number], buffers);
	kernel_function(e, cg, number, symbol, buffers, count);
	arena_reset(e->c->arena, mark);
}

/* -- The step ---------------------------------------------------------------------------------- */

static V offset_from(Emit *e, V base, uint64_t bytes)
{
	return l_at(e, e->i8, base, l_word(e, (int64_t)bytes));
}

static V buffer_address(Step *s, BufferId id)
{
	Emit *e = s->e;
	const Buffer *b = &e->k->buffer[id];
	switch (b->storage) {
	case STORED_ARENA:
		return offset_from(e, s->field[FIELD_arena], b->offset);
	case STORED_STATE:
		return offset_from(e, s->field[FIELD_states],
		                   e->state_offset(e->states, e->k->state_name[b->slot]));
	case STORED_INPUT:
		return l_load(e, e->ptr, l_at(e, e->ptr, s->field[FIELD_inputs], l_word(e, b->slot)),
		              e->word_bytes);
	case STORED_OUTPUT:
		return l_load(e, e->ptr, l_at(e, e->ptr, s->field[FIELD_outputs], l_word(e, b->slot)),
		              e->word_bytes);
	case STORED_UNIT:
		return NULL; /* the task of its chain has it */
	}
	BUG("no such place");
}

static T kernel_type_of(Step *s, uint32_t number)
{
	return kernel_type(s->e, &s->e->k->kernel[number], s->call[number].count);
}

static void call_alone(Step *s, uint32_t number)
{
	Emit *e = s->e;
	Call *call = &s->call[number];
	call->arg[call->count] = l_word(e, 0);
	call->arg[call->count + 1] = l_word(e, e->k->kernel[number].tiles);
	call->arg[call->count + 2] = s->block;
	T type = kernel_type_of(s, number);
	V made = declare(e, s->symbol[number], type);
	LLVMBuildCall2(e->b, type, made, call->arg, LLVMCountParamTypes(type), "");
}

/* It and its addresses at `args`; its task. */
static V prepare_task(Step *s, uint32_t number, V args)
{
	Emit *e = s->e;
	const Call *call = &s->call[number];
	l_store(e, declare(e, s->symbol[number], kernel_type_of(s, number)), args, e->word_bytes);
	for (uint32_t i = 0; i < call->count; i++)
		l_store(e, call->arg[i], l_at(e, e->ptr, args, l_word(e, i + 1)), e->word_bytes);
	return task_function(s, call->count);
}

/* Tiles [0, tiles) of a task, on all threads. */
static void call_parallel(Step *s, V task, int64_t tiles)
{
	Emit *e = s->e;
	T params[] = {e->ptr, e->ptr, e->ptr, e->word};
	V given[] = {s->field[FIELD_pool], task, s->args, l_word(e, tiles)};
	LLVMBuildCall2(e->b, LLVMFunctionType(e->voidt, params, 4, false), s->field[FIELD_parallel],
	               given, 4, "");
}

static void call_together(Step *s, uint32_t first, uint32_t end)
{
	Emit *e = s->e;
	int64_t portions = wave_portions(e->k, first, end);
	V args = s->args;
	uint32_t at = WAVE_HEAD + (end - first) * WAVE_WORDS;
	wave_head(e, args, end - first, portions);
	for (uint32_t i = first; i < end; i++) {
		V own = l_at(e, e->ptr, args, l_word(e, at)), task = prepare_task(s, i, own);
		wave_member(e, args, i - first, task, own, e->k->kernel[i].tiles, portions,
		            wave_offset(e->k, first, end, i, portions));
		at += 1 + s->call[i].count;
	}
	call_parallel(s, s->wave, portions);
}

static void call_chain(Step *s, uint32_t first, uint32_t end)
{
	Emit *e = s->e;
	V task = s->call[first].chain;
	int64_t tiles = chain_tiles(e->k, first);
	uint32_t word = 0;
	for (uint32_t i = first; i < end; i++)
		for (uint32_t j = 0; j < s->call[i].count; j++, word++)
			if (s->call[i].arg[j])
				l_store(e, s->call[i].arg[j], l_at(e, e->ptr, s->args, l_word(e, word)),
				        e->word_bytes);
	V given[] = {s->args, l_word(e, 0), l_word(e, tiles)};
	if (!wave_is_parallel(e->k, first, end)) {
		LLVMBuildCall2(e->b, task_type(e), task, given, 3, "");
		return;
	}
	LLVMBasicBlockRef alone = l_block(e, "alone"), together = l_block(e, "together"),
	                  after = l_block(e, "after");
	LLVMBuildCondBr(e->b, LLVMBuildIsNull(e->b, s->field[FIELD_parallel], ""), alone, together);
	LLVMPositionBuilderAtEnd(e->b, alone);
	LLVMBuildCall2(e->b, task_type(e), task, given, 3, "");
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, together);
	call_parallel(s, task, tiles);
	l_goto(e, after);
}

static void call_wave(Step *s, uint32_t first, uint32_t end)
{
	Emit *e = s->e;
	for (uint32_t i = first; i < end; i++)
		for (uint32_t j = 0; j < s->call[i].count; j++)
			s->call[i].arg[j] = buffer_address(s, s->call[i].buffer[j]);
	if (s->call[first].chain) {
		call_chain(s, first, end);
		return;
	}
	bool parallel = wave_is_parallel(e->k, first, end);
	LLVMBasicBlockRef alone = NULL, together = NULL, after = NULL;
	if (parallel) {
		alone = l_block(e, "alone"), together = l_block(e, "together"), after = l_block(e, "after");
		V no_pool = LLVMBuildIsNull(e->b, s->field[FIELD_parallel], "");
		LLVMBuildCondBr(e->b, no_pool, alone, together);
		LLVMPositionBuilderAtEnd(e->b, alone);
	}
	for (uint32_t i = first; i < end; i++)
		call_alone(s, i);
	if (!parallel)
		return;
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, together);
	call_together(s, first, end);
	l_goto(e, after);
}

static void call_mark(Step *s, V number)
{
	Emit *e = s->e;
	T params[] = {e->ptr, e->i32};
	V given[] = {s->field[FIELD_marks], number};
	LLVMBuildCall2(e->b, LLVMFunctionType(e->voidt, params, 2, false), s->field[FIELD_mark], given,
	               2, "");
}

static V is_so(Step *s, BufferId condition, bool holds)
{
	Emit *e = s->e;
	V truth = l_load(e, e->i8, buffer_address(s, condition), 1);
	return LLVMBuildICmp(e->b, holds ? LLVMIntNE : LLVMIntEQ, truth, LLVMConstNull(e->i8), "");
}

/* Kernel number `number` has run: all of it, or what is stored where its choice does not hold. */
static void mark_run(Step *s, const Kernel *kernel, int32_t number)
{
	V mark = l_i32(s->e, number), fails = l_i32(s->e, number + STEP_MARK_FAILS);
	if (kernel->choice)
		mark = l_select(s->e, is_so(s, s->e->k->buffer_of[kernel->choice], true), mark, fails);
	call_mark(s, mark);
}

/* If all that the kernel asks for holds { ... } else; returns where the other side begins. */
static LLVMBasicBlockRef due_begin(Step *s, const Kernel *kernel)
{
	Emit *e = s->e;
	V all = LLVMConstInt(e->i1, 1, false);
	for (uint32_t i = 0; i < kernel->dues; i++)
		all = LLVMBuildAnd(e->b, all, is_so(s, kernel->due[i].condition, kernel->due[i].holds), "");
	LLVMBasicBlockRef due = l_block(e, "due"), left = l_block(e, "left_out");
	LLVMBuildCondBr(e->b, all, due, left);
	LLVMPositionBuilderAtEnd(e->b, due);
	return left;
}

/* Kernels [first, end), which some steps may leave out. */
static void call_due(Step *s, uint32_t first, uint32_t end)
{
	Emit *e = s->e;
	bool marks = e->c->profile;
	int32_t number = (int32_t)s->marks;
	s->marks += marks;
	LLVMBasicBlockRef left = e->k->kernel[first].dues ? due_begin(s, &e->k->kernel[first]) : NULL;
	call_wave(s, first, end);
	if (marks)
		mark_run(s, &e->k->kernel[first], number);
	if (!left)
		return;
	LLVMBasicBlockRef later = l_block(e, "later");
	LLVMBuildBr(e->b, later);
	LLVMPositionBuilderAtEnd(e->b, left);
	if (marks)
		call_mark(s, l_i32(e, -1 - number));
	l_goto(e, later);
}

static T field_type(Emit *e, char letter)
{
	return letter == 'p' ? e->ptr : letter == 'i' ? e->i32 : e->i64;
}

T step_block_type(Emit *e, T field[FIELD_COUNT])
{
	T types[] = {
#define FIELD(name, type, letter, meaning) field_type(e, #letter[0]),
#include "../../runtime/step.def"
#undef FIELD
	};
	memcpy(field, types, sizeof types);
	return LLVMStructTypeInContext(e->context, types, FIELD_COUNT, false);
}

V step_field_address(Emit *e, V block, unsigned field)
{
	T types[FIELD_COUNT], type = step_block_type(e, types);
	return offset_from(e, block, LLVMOffsetOfElement(e->layout, type, field));
}

static void load_fields(Step *s)
{
	Emit *e = s->e;
	T types[FIELD_COUNT];
	(void)step_block_type(e, types);
	for (unsigned i = 0; i < FIELD_COUNT; i++)
		s->field[i] = l_load(e, types[i], step_field_address(e, s->block, i),
		                     LLVMABIAlignmentOfType(e->layout, types[i]));
}

/* Finds what every call needs; the most words of args, and whether there are waves. */
static uint32_t prepare_calls(Step *s, bool *waves)
{
	const Emit *e = s->e;
	uint32_t most = 0;
	s->call = new_array(e->c->arena, Call, e->k->kernel_count + 1);
	BufferId *buffers = new_array(e->c->arena, BufferId, e->k->buffer_count);
	for (uint32_t i = 0, end; i < e->k->kernel_count; i = end) {
		end = end_of(e, i);
		uint32_t words = WAVE_HEAD + (end - i) * (WAVE_WORDS + 1);
		for (uint32_t j = i; j < end; j++) {
			Call *call = &s->call[j];
			call->count = step_touched(e->c, e->k, &e->k->kernel[j], buffers);
			call->buffer = new_array(e->c->arena, BufferId, call->count);
			memcpy(call->buffer, buffers, call->count * sizeof *buffers);
			call->arg = new_array(e->c->arena, V, call->count + 3);
			words += call->count;
		}
		*waves |= !e->k->kernel[i].chain && wave_is_parallel(e->k, i, end);
		most = words > most ? words : most;
	}
	return most;
}

static const char *chain_symbol(const Step *s, uint32_t first)
{
	return arena_printf(s->e->c->arena, "%schain%u", s->prefix, first);
}

static void make_chain(Step *s, uint32_t first)
{
	Emit *e = s->e;
	uint32_t count = e->k->kernel[first].chain->count;
	ChainLink *link = new_array(e->c->arena, ChainLink, count);
	for (uint32_t i = 0; i < count; i++) {
		const Call *call = &s->call[first + i];
		T type = kernel_type_of(s, first + i);
		V made = declare(e, s->symbol[first + i], type);
		link[i] = (ChainLink){&e->k->kernel[first + i], made, type, call->buffer, call->count};
	}
	s->call[first].chain = chain_task(e, s->cg, chain_symbol(s, first), first, link);
}

/* -- Parts -------------------------------------------------------------------------------------
 *
 * LLVM takes more than twice as long for a function twice as long; above all for an alloca, all of
 * whose uses it goes through as often as one of them changes: a part is given its words. */

enum { MOST_AT_ONCE = 2048 /* buffers of what one function calls; of a longer step, each part */ };

/* A function of the block, or a part of it: of the block and the words for args; in its entry. */
static V step_function(Step *s, const char *name, bool is_part)
{
	Emit *e = s->e;
	T params[] = {e->ptr, e->ptr};
	T type = LLVMFunctionType(e->voidt, params, is_part ? 2 : 1, false);
	V f = LLVMAddFunction(e->module, name, type);
	LLVMSetLinkage(f, is_part ? LLVMInternalLinkage : LLVMExternalLinkage);
	target_attributes(s->cg, e, f);
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	e->was = is_part || e->flushed ? NULL : flush_begin(e);
	return f;
}

static void step_end(Emit *e)
{
	flush_end(e, e->was);
	LLVMBuildRetVoid(e->b);
}

/* Waves and chains stay whole. */
static uint32_t part_end(const Step *s, uint32_t first)
{
	uint32_t to = first, buffers = 0;
	while (to < s->e->k->kernel_count) {
		uint32_t end = end_of(s->e, to);
		for (uint32_t i = to; i < end; i++)
			buffers += s->call[i].count;
		if (buffers > MOST_AT_ONCE && to > first)
			break;
		to = end;
	}
	return to;
}

static V args_room(const Step *s)
{
	return LLVMBuildArrayAlloca(s->e->b, s->e->word, l_word(s->e, s->words), "args");
}

/* Calls kernels [from, to) in `function`, whose entry is current. */
static void emit_calls(Step *s, V function, V args, uint32_t from, uint32_t to)
{
	Emit *e = s->e;
	s->block = LLVMGetParam(function, 0);
	s->args = args;
	load_fields(s);
	for (uint32_t i = from, end; i < to; i = end) {
		end = end_of(e, i);
		call_due(s, i, end);
	}
	step_end(e);
}

void emit_chains(Emit *e, const Codegen *cg, const char *prefix, const char *const *symbol)
{
	Step s = {.e = e, .cg = cg, .prefix = prefix, .symbol = symbol};
	bool waves = false;
	(void)prepare_calls(&s, &waves);
	for (uint32_t i = 0; i < e->k->kernel_count; i = chain_end(e->k, i)) {
		if (!e->k->kernel[i].chain)
			continue;
		make_chain(&s, i);
		LLVMSetLinkage(s.call[i].chain, LLVMExternalLinkage);
	}
}

void emit_step(Emit *e, const Codegen *cg, const char *prefix, const char *name,
               const char *const *symbol, bool chains)
{
	Step s = {.e = e, .cg = cg, .prefix = prefix, .symbol = symbol};
	const Kernels *k = e->k;
	bool waves = false;
	uint32_t words = prepare_calls(&s, &waves);
	if (waves)
		s.wave = wave_task(e, cg, arena_printf(e->c->arena, "%swave", prefix));
	for (uint32_t i = 0; i < k->kernel_count; i = chain_end(k, i))
		if (k->kernel[i].chain && chains)
			make_chain(&s, i);
		else if (k->kernel[i].chain)
			s.call[i].chain = declare(e, chain_symbol(&s, i), task_type(e));
	s.words = words;
	if (part_end(&s, 0) == k->kernel_count) {
		V f = step_function(&s, name, false);
		emit_calls(&s, f, args_room(&s), 0, k->kernel_count);
		return;
	}
	uint32_t parts = 0;
	V *part = new_array(e->c->arena, V, k->kernel_count);
	for (uint32_t i = 0, end; i < k->kernel_count; i = end) {
		end = part_end(&s, i);
		V f = step_function(&s, arena_printf(e->c->arena, "%spart%u", prefix, i), true);
		emit_calls(&s, f, LLVMGetParam(f, 1), i, end);
		part[parts++] = f;
	}
	V whole = step_function(&s, name, false), given[] = {LLVMGetParam(whole, 0), args_room(&s)};
	for (uint32_t i = 0; i < parts; i++)
		LLVMBuildCall2(e->b, LLVMGlobalGetValueType(part[i]), part[i], given, 2, "");
	step_end(e);
}

uint32_t emit_function(Emit *e, const Codegen *cg, const char *prefix, const char *name,
                       const char *const *symbol)
{
	uint32_t made = 0;
	for (uint32_t i = 0; i < e->k->kernel_count; i++) {
		if (LLVMGetNamedFunction(e->module, symbol[i]))
			continue;
		emit_kernel(e, cg, i, symbol[i]);
		LLVMSetLinkage(LLVMGetNamedFunction(e->module, symbol[i]), LLVMInternalLinkage);
		made++;
	}
	emit_step(e, cg, prefix, name, symbol, true);
	return made;
}
