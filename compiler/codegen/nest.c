/* nest.c: loops that kernels share: a range of tiles, vectors with a masked rest. */
#include "nest.h"

If if_begin(KernelEmit *ke, V condition)
{
	Emit *e = ke->e;
	LLVMBasicBlockRef then = l_block(e, "then"), after = l_block(e, "after");
	LLVMBuildCondBr(e->b, condition, then, after);
	LLVMPositionBuilderAtEnd(e->b, then);
	value_forget(ke);
	return (If){after};
}

void if_end(KernelEmit *ke, If block)
{
	l_goto(ke->e, block.after);
	value_forget(ke);
}

void tile_range(KernelEmit *ke, V begin, V end, int64_t count, V *from, V *to)
{
	Emit *e = ke->e;
	V tile = l_word(e, ke->kernel->tile);
	if (ke->kernel->tiles == 1) {
		*from = l_word(e, 0);
		*to = l_word(e, count);
		return;
	}
	*from = LLVMBuildNSWMul(e->b, begin, tile, "from");
	*to = LLVMBuildNSWMul(e->b, end, tile, "to");
	if (count % ke->kernel->tile)
		*to = l_binary(e, "llvm.smin", *to, l_word(e, count));
}

V hidden_from(KernelEmit *ke, V row, int64_t columns)
{
	Emit *e = ke->e;
	V block = l_word(e, ke->kernel->chain->block), grain = l_word(e, ke->kernel->grain);
	V after = LLVMBuildAdd(e->b, LLVMBuildUDiv(e->b, row, block, ""), l_word(e, 1), "");
	after = LLVMBuildNSWMul(e->b, after, block, "");
	V up = LLVMBuildAdd(e->b, after, l_word(e, ke->kernel->grain - 1), "");
	V end = LLVMBuildNSWMul(e->b, LLVMBuildUDiv(e->b, up, grain, ""), grain, "");
	return l_binary(e, "llvm.smin", end, l_word(e, columns));
}

bool *find_computed(const KernelEmit *ke, bool behind_all)
{
	const Kernels *k = ke->e->k;
	bool *computed = new_array(ke->e->c->arena, bool, k->graph->count);
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		computed[ke->kernel->out[i]] = true;
	for (NodeId x = k->graph->count - 1; x > 0; x--) {
		const Node *at = node(k->graph, x);
		bool goes_on = computed[x] && (behind_all || op_info[at->op].kind == MAP);
		for (int i = 0; goes_on && i < at->count; i++)
			computed[at->in[i]] |= k->buffer_of[at->in[i]] == 0;
	}
	return computed;
}

unsigned body_size(const KernelEmit *ke, bool *random)
{
	const Kernels *k = ke->e->k;
	unsigned size = 0;
	*random = false;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId x = 1; x < k->graph->count; x++) {
		size += computed[x];
		*random |= computed[x] && node(k->graph, x)->op == OP_random;
	}
	arena_reset(ke->e->c->arena, mark);
	return size;
}

/* `unroll` vectors from `first` on. */
static void vectors(KernelEmit *ke, V first, unsigned unroll, VectorBody body, void *context)
{
	Emit *e = ke->e;
	bool stretch = (ke->kernel->flat || ke->stretch.in_rows) && unroll * ke->lanes == STRETCH;
	for (unsigned i = 0; i < unroll; i++) {
		V at = LLVMBuildNSWAdd(e->b, first, l_word(e, (int64_t)i * ke->lanes), "");
		if (stretch)
			ke->stretch.first = first, ke->stretch.at = at, ke->stretch.lane = i * ke->lanes;
		body(ke, context, at, NULL);
	}
	ke->stretch.first = NULL;
}

/* A stretch where code must be small: a loop over its blocks of random words, each of the vectors that
 * share them. */
static void blocks(KernelEmit *ke, V first, VectorBody body, void *context)
{
	Emit *e = ke->e;
	Loop loop;
	loop_begin(e, &loop, "blocks", l_word(e, 0), l_word(e, STRETCH_BLOCKS), l_word(e, ke->lanes),
	           NULL, 0);
	value_forget(ke);
	V begin = LLVMBuildNSWAdd(e->b, first, loop.index, "");
	for (unsigned i = 0; i < STRETCH; i += STRETCH_BLOCKS) {
		V at = LLVMBuildNSWAdd(e->b, begin, l_word(e, i), "");
		ke->stretch.first = first, ke->stretch.block = loop.index;
		ke->stretch.at = at, ke->stretch.lane = i;
		body(ke, context, at, NULL);
	}
	ke->stretch.first = ke->stretch.block = NULL;
	loop_end(e, &loop, NULL);
}

void vector_loop(KernelEmit *ke, V from, V to, unsigned unroll, bool exact, VectorBody body,
                 void *context)
{
	Emit *e = ke->e;
	V lanes = l_word(e, ke->lanes), round = l_word(e, (int64_t)ke->lanes * unroll);
	V count = LLVMBuildNSWSub(e->b, to, from, ""),
	  full =
	      exact ? count : LLVMBuildNSWSub(e->b, count, LLVMBuildSRem(e->b, count, round, ""), "");
	V middle = exact ? to : LLVMBuildNSWAdd(e->b, from, full, "middle");
	If some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, from, middle, ""));
	Loop loop;
	loop_begin(e, &loop, "vectors", from, middle, round, NULL, 0);
	value_forget(ke);
	if (e->c->machine->bare && ke->kernel->flat && unroll * ke->lanes == STRETCH)
		blocks(ke, loop.index, body, context);
	else
		vectors(ke, loop.index, unroll, body, context);
	loop_end(e, &loop, NULL);
	if_end(ke, some);
	if (exact)
		return;
	some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, middle, to, ""));
	loop_begin(e, &loop, "rest", middle, to, lanes, NULL, 0);
	value_forget(ke);
	V mask =
	    ke->lanes > 1 ? l_tail_mask(e, ke->lanes, LLVMBuildNSWSub(e->b, to, loop.index, "")) : NULL;
	body(ke, context, loop.index, mask);
	loop_end(e, &loop, NULL);
	if_end(ke, some);
}
