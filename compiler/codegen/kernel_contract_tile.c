/* kernel_contract_tile.c: one register tile: sums in registers over a block of k, then the
 * epilogue.
 *
 * In: operands packed or where they are, partial sums of earlier blocks of k. Out: partial sums, or
 * after the last block every out of the kernel, stored. The loop over k carries high x wide
 * vectors; a step loads `wide` vectors of L, spreads `high` elements of R and does high x wide
 * FMAs. */
#include "contract.h"

#include <string.h>

/* Address of R's element (row, k) or L's vector (k, v), from the start of the tile; k relative to
 * the block. */
static V row_element(Contract *c, const RegisterTile *t, unsigned row, V k)
{
	V i = contract_add(c, t->i, contract_int(c, row));
	if (c->r.plan->source == SOURCE_DIRECT) {
		V row_at = contract_add(c, c->row0, i), k_at = contract_add(c, c->k0, k);
		return contract_read(c, &c->r, row_at, k_at, -1, c->p->lanes);
	}
	V offset;
	if (c->r.plan->source == SOURCE_ALONG_K) {
		offset = contract_add(c, contract_scale(c, i, c->r.plan->stride), k);
	} else {
		V tiles = contract_int(c, c->r.plan->group / c->p->high);
		V panel = LLVMBuildUDiv(c->e->b, t->row_panel, tiles, "");
		V past = contract_scale(c, LLVMBuildURem(c->e->b, t->row_panel, tiles, ""), c->p->high);
		V step = contract_scale(c, k, c->r.plan->group);
		offset = contract_add(c, contract_scale(c, panel, c->r.plan->stride), past);
		offset = contract_add(c, contract_add(c, offset, step), contract_int(c, row));
	}
	return l_load(c->e, c->element, l_at(c->e, c->element, c->r.pack, offset), c->p->element_bytes);
}

/* Many rows in place are read from one address: each at its own would be more than there are registers
 * for, and kept on the stack. */
static void row_elements(Contract *c, const RegisterTile *t, V k, V row[])
{
	if (!c->p->row_step) {
		for (unsigned r = 0; r < t->high; r++)
			row[r] = row_element(c, t, r, k);
		return;
	}
	V row_at = contract_add(c, c->row0, t->i), k_at = contract_add(c, c->k0, k);
	Index index = contract_index(c, &c->r, row_at, k_at, -1, c->p->lanes);
	V first = value_address(c->ke, c->r.axes->node, &index);
	/* LLVM must not see that it is a sum: it would make a register of each row's again. */
	first = l_call(c->e, "llvm.launder.invariant.group", c->e->ptr, &c->e->ptr, 1, &first, 1);
	for (unsigned r = 0; r < t->high; r++) {
		V at = l_at(c->e, c->element, first, contract_int(c, r * c->p->row_step));
		row[r] = l_load(c->e, c->element, at, c->p->element_bytes);
	}
}

V contract_column(Contract *c, const RegisterTile *t, unsigned v, V k)
{
	V first = contract_int(c, v * c->p->lanes);
	if (c->l.plan->source == SOURCE_DIRECT) {
		V col = contract_add(c, c->col0, contract_add(c, t->j, first));
		unsigned valid = v + 1 == t->wide && t->valid ? t->valid : c->p->lanes;
		V k_at = contract_add(c, c->k0, k);
		return l_splat(c->e, contract_read(c, &c->l, col, k_at, c->l.axes->free, valid),
		               c->p->lanes);
	}
	k = c->axes->sums > 1 ? contract_add(c, c->skipped, k) : k;
	V panel = t->panel, step = contract_scale(c, k, t->wide * c->p->lanes);
	if (c->l.plan->prefetch == PREFETCH_COPY) {
		panel = contract_add(c, contract_scale(c, panel, c->p->wide), contract_int(c, v));
		step = contract_scale(c, k, c->p->lanes);
	} else {
		step = contract_add(c, step, first);
	}
	V offset = contract_add(c, contract_scale(c, panel, c->l.plan->stride), step);
	return l_load(c->e, c->vector, l_at(c->e, c->element, c->l.pack, offset),
	              c->p->lanes * c->p->element_bytes);
}

static void step(Contract *c, const RegisterTile *t, V k, V *sum)
{
	V col[64], element[MAX_CARRY];
	for (unsigned v = 0; v < t->wide; v++)
		col[v] = contract_column(c, t, v, k);
	row_elements(c, t, k, element);
	for (unsigned r = 0; r < t->high; r++) {
		V row = l_splat(c->e, element[r], c->p->lanes);
		for (unsigned v = 0; v < t->wide; v++) {
			V *s = &sum[r * t->wide + v];
			*s = contract_multiply(c, row, col[v], *s);
		}
	}
}

static unsigned moves_of(const Stream *stream)
{
	return stream->to ? 3 : stream->at ? 2 : 0;
}

/* Steps [from, to) of the block of k, in rounds of `unroll`. Few sums would wait for each other: steps
 * take turns in several of each, the first of which goes on from `sum`. */
static void loop_over_k(Contract *c, const RegisterTile *t, V from, V to, Stream *stream, V *sum,
                        unsigned count)
{
	V by = contract_int(c, c->p->unroll), carry[MAX_CARRY],
	  *moving[] = {&stream->at, &stream->left, &stream->to};
	unsigned moves = moves_of(stream), sums = c->p->ways * count, carries = sums + moves;
	memcpy(carry, sum, count * sizeof *sum);
	for (unsigned i = count; i < sums; i++)
		carry[i] = l_float(c->e, c->vector, 0);
	for (unsigned i = 0; i < moves; i++)
		carry[sums + i] = *moving[i];
	Loop loop;
	loop_begin(c->e, &loop, "k", from, to, by, carry, carries);
	value_forget(c->ke);
	memcpy(carry, loop.carry, carries * sizeof *carry);
	for (unsigned i = 0; i < moves; i++)
		*moving[i] = carry[sums + i];
	for (unsigned u = 0; u < c->p->unroll; u++) {
		/* First the copy: behind a store loads wait for nothing, before it they would all have to
		 * be in registers. */
		if (u % c->p->every == 0)
			contract_prefetch_step(c, stream);
		V k = contract_add(c, loop.index, contract_int(c, u));
		contract_prefetch_soon(c, t, k);
		step(c, t, k, carry + u % c->p->ways * count);
	}
	for (unsigned i = 0; i < moves; i++)
		carry[sums + i] = *moving[i];
	loop_end(c->e, &loop, carry);
	value_forget(c->ke);
	for (unsigned way = 1; way < c->p->ways; way++)
		for (unsigned i = 0; i < count; i++)
			loop.result[i] = l_fadd(c->e, loop.result[i], loop.result[way * count + i]);
	memcpy(sum, loop.result, count * sizeof *sum);
}

/* Where vector v of a row is in the result. */
static Index result_index(Contract *c, const RegisterTile *t, V row, unsigned v)
{
	const ContractAxes *r = c->axes;
	Index index = {.lane_axis = r->col, .lane_step = 1};
	for (int i = 0; i < c->dot->shape.rank; i++)
		index.at[i] = c->at[i];
	if (r->row >= 0)
		index.at[r->row] = contract_add(c, c->row0, contract_add(c, t->i, row));
	if (r->col >= 0) {
		V col = contract_add(c, t->j, contract_int(c, v * c->p->lanes));
		index.at[r->col] = contract_add(c, c->col0, col);
		index.mask = contract_mask(c, v + 1 == t->wide ? t->valid : 0);
	}
	return index;
}

/* Asks for the lines of a row of the result, and of what is read beside it. */
static void expect_row(Contract *c, const RegisterTile *t, V row)
{
	for (unsigned v = 0; v < t->wide; v++) {
		Index index = result_index(c, t, row, v);
		value_prefetch_outs(c->ke, &index);
		for (unsigned i = 0; i < c->besides; i++)
			l_prefetch(c->e, value_address(c->ke, c->beside[i], &index), false);
	}
}

enum { IN_TIME = 2 /* rows' steps before the end, for the lines of the last row */ };

/* Steps of k after which the next row is asked for; 0: all are at once, before the first step. A loop is
 * left and begun again there, so it must go on with the same sums. */
static int64_t steps_of_row(const Contract *c, const RegisterTile *t)
{
	const ContractPlan *p = c->p;
	bool one = p->k_blocks == 1 && !c->t->k_parts && c->axes->sums == 1 && p->run >= p->block_k;
	if (!p->brings_result || !one || c->ke->kernel->hidden || p->ways > 1 ||
	    contract_brings(&c->r) || contract_brings(&c->l))
		return 0;
	return p->k / (t->high + IN_TIME) / p->unroll * p->unroll;
}

static void expect_result(Contract *c, const RegisterTile *t)
{
	if (!c->p->brings_result || steps_of_row(c, t))
		return;
	When w = when_begin(c, c->last);
	for (unsigned i = 0; i < t->high; i++)
		expect_row(c, t, contract_int(c, i));
	when_end(c, w);
}

/* Memory takes its time for the lines of a result: between rows of them are steps of k. */
static void k_and_result(Contract *c, const RegisterTile *t, Stream *stream, V *sum, unsigned count)
{
	Loop loop;
	V one = contract_int(c, 1), rows = contract_int(c, t->high);
	loop_begin(c->e, &loop, "expect", contract_int(c, 0), rows, one, sum, count);
	value_forget(c->ke);
	expect_row(c, t, loop.index);
	V next = contract_add(c, loop.index, one), part[MAX_CARRY];
	V from = contract_scale(c, loop.index, steps_of_row(c, t)),
	  to = contract_scale(c, next, steps_of_row(c, t));
	to = l_select(c->e, LLVMBuildICmp(c->e->b, LLVMIntEQ, next, rows, ""), c->k_count, to);
	memcpy(part, loop.carry, count * sizeof *part);
	loop_over_k(c, t, from, to, stream, part, count);
	loop_end(c->e, &loop, part);
	value_forget(c->ke);
	memcpy(sum, loop.result, count * sizeof *sum);
}

/* The block of k. One that is long is no block for the sums: these are cut here. */
static void all_of_k(Contract *c, const RegisterTile *t, Stream stream, V *sum, unsigned count)
{
	if (steps_of_row(c, t)) {
		k_and_result(c, t, &stream, sum, count);
		return;
	}
	if (c->p->run >= c->p->block_k) {
		V from = contract_int(c, 0), to = c->k_count;
		contract_bound(c, c->axes->sums - 1, &from, &to);
		loop_over_k(c, t, from, to, &stream, sum, count);
		return;
	}
	Loop loop;
	V size = contract_int(c, c->p->run), part[MAX_CARRY];
	loop_begin(c->e, &loop, "k.part", contract_int(c, 0), c->k_count, size, sum, count);
	value_forget(c->ke);
	V to = l_binary(c->e, "llvm.smin", contract_add(c, loop.index, size), c->k_count);
	for (unsigned i = 0; i < count; i++)
		part[i] = l_float(c->e, c->vector, 0);
	loop_over_k(c, t, loop.index, to, &stream, part, count);
	for (unsigned i = 0; i < count; i++)
		part[i] = l_fadd(c->e, loop.carry[i], part[i]);
	loop_end(c->e, &loop, part);
	value_forget(c->ke);
	memcpy(sum, loop.result, count * sizeof *sum);
}

static void rounds(Contract *c, void *context, V *sum, unsigned count)
{
	const RegisterTile *t = context;
	LLVMBuilderRef b = c->e->b;
	V copies = contract_copies_now(c, t), other[MAX_CARRY];
	if (!copies) {
		all_of_k(c, t, contract_prefetch(c, t), sum, count);
		return;
	}
	LLVMBasicBlockRef copy = l_block(c->e, "copy"), bring = l_block(c->e, "bring"),
	                  after = l_block(c->e, "after"), end[2];
	memcpy(other, sum, count * sizeof *sum);
	LLVMBuildCondBr(b, copies, copy, bring);
	LLVMPositionBuilderAtEnd(b, copy);
	value_forget(c->ke);
	all_of_k(c, t, contract_copy(c, t), sum, count);
	end[0] = LLVMGetInsertBlock(b);
	LLVMBuildBr(b, after);
	LLVMPositionBuilderAtEnd(b, bring);
	value_forget(c->ke);
	all_of_k(c, t, contract_prefetch(c, t), other, count);
	end[1] = LLVMGetInsertBlock(b);
	LLVMBuildBr(b, after);
	LLVMPositionBuilderAtEnd(b, after);
	value_forget(c->ke);
	l_meet(c->e, sum, other, end, count);
}

/* -- Partial sums -------------------------------------------------------------------------- */

/* Those of a register tile lie together. */
static V partials_of(Contract *c, const RegisterTile *t)
{
	if (c->p->k_blocks == 1)
		return c->partial;
	V offset = contract_scale(c, contract_tile_number(c, t), c->p->high * c->p->wide * c->p->lanes);
	return l_at(c->e, c->element, c->partial, offset);
}

static V partial_at(Contract *c, V partials, V row, unsigned v)
{
	V offset = contract_scale(c, row, c->p->wide * c->p->lanes);
	offset = contract_add(c, offset, contract_int(c, v * c->p->lanes));
	return l_at(c->e, c->element, partials, offset);
}

/* Vector number i of a register tile, of partial sums from `partials` on. */
static V part_at(Contract *c, const RegisterTile *t, V partials, unsigned i)
{
	return partial_at(c, partials, contract_int(c, i / t->wide), i % t->wide);
}

static V load_part(Contract *c, const RegisterTile *t, V partials, unsigned i)
{
	return l_load(c->e, c->vector, part_at(c, t, partials, i), c->p->lanes * c->p->element_bytes);
}

static void store_part(Contract *c, const RegisterTile *t, V partials, unsigned i, V v)
{
	l_store(c->e, v, part_at(c, t, partials, i), c->p->lanes * c->p->element_bytes);
}

static void store_partial(Contract *c, const RegisterTile *t, const V *sum)
{
	V partials = partials_of(c, t);
	for (unsigned i = 0; i < t->high * t->wide; i++)
		store_part(c, t, partials, i, sum[i]);
}

/* Of parts of k: the result holds the sum of those before. */
static V result_so_far(Contract *c, const RegisterTile *t, unsigned i)
{
	Index index = result_index(c, t, contract_int(c, i / t->wide), i % t->wide);
	return l_splat(c->e, value_load(c->ke, c->ke->kernel->core, &index), c->p->lanes);
}

/* Zeros; or the sums so far, where a part of k goes on with what is in the result. */
static void begin_sums(Contract *c, const RegisterTile *t, V *sum)
{
	Emit *e = c->e;
	unsigned count = t->high * t->wide;
	V kept[MAX_CARRY];
	for (unsigned i = 0; i < count; i++)
		sum[i] = l_float(e, c->vector, 0);
	if (!c->p->runs_on)
		return;
	LLVMBasicBlockRef from[2] = {LLVMGetInsertBlock(e->b)}, load = l_block(e, "load"),
	                  start = l_block(e, "start");
	LLVMBuildCondBr(e->b, c->first, start, load);
	LLVMPositionBuilderAtEnd(e->b, load);
	value_forget(c->ke);
	for (unsigned i = 0; i < count; i++)
		kept[i] = result_so_far(c, t, i);
	from[1] = LLVMGetInsertBlock(e->b);
	l_goto(e, start);
	value_forget(c->ke);
	l_meet(c->e, sum, kept, from, count);
}

/* Adds the sums of this block of k to what those before it left: its own total begins at zero, so
 * that rounding does not grow with k. What many blocks lose is kept beside their sums (sum.c). */
static void add_partial(Contract *c, const RegisterTile *t, V *sum)
{
	Emit *e = c->e;
	unsigned count = t->high * t->wide;
	if (c->t->k_parts ? c->p->runs_on : c->p->k_blocks == 1)
		return;
	V both[MAX_CARRY], partials = partials_of(c, t), lost = partials;
	if (c->p->keeps_lost)
		lost = l_at(e, e->i8, partials, contract_int(c, c->p->partial_bytes / 2));
	LLVMBasicBlockRef from[2], first = l_block(e, "first"), load = l_block(e, "load"),
	                           after = l_block(e, "added");
	LLVMBuildCondBr(e->b, c->first, first, load);
	LLVMPositionBuilderAtEnd(e->b, first);
	for (unsigned i = 0; c->p->keeps_lost && i < count; i++)
		store_part(c, t, lost, i, l_float(e, c->vector, 0));
	from[0] = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, load);
	value_forget(c->ke);
	for (unsigned i = 0; i < count; i++) {
		V before = c->t->k_parts ? result_so_far(c, t, i) : load_part(c, t, partials, i);
		Sum so_far = {.total = before};
		if (c->p->keeps_lost) {
			so_far.lost = load_part(c, t, lost, i);
			sum_add(e, &so_far, sum[i]);
			store_part(c, t, lost, i, so_far.lost);
		}
		both[i] = c->p->keeps_lost ? so_far.total : l_fadd(e, before, sum[i]);
	}
	from[1] = LLVMGetInsertBlock(e->b);
	l_goto(e, after);
	value_forget(c->ke);
	l_meet(c->e, sum, both, from, count);
}

/* -- The end: outs ------------------------------------------------------------------------- */

/* One vector of the result and all that follows from it. */
static void finish(Contract *c, const RegisterTile *t, V row, unsigned v, V sum)
{
	Index index = result_index(c, t, row, v);
	if (c->axes->col < 0 && c->p->lanes > 1)
		sum = LLVMBuildExtractElement(c->e->b, sum, l_i32(c->e, 0), "");
	value_define(c->ke, c->ke->kernel->core, &index, sum);
	value_store_outs(c->ke, &index);
}

static void finish_all(Contract *c, const RegisterTile *t, const V *sum)
{
	if (!c->p->long_epilogue) {
		for (unsigned i = 0; i < t->high * t->wide; i++)
			finish(c, t, contract_int(c, i / t->wide), i % t->wide, sum[i]);
		return;
	}
	V partials = partials_of(c, t);
	store_partial(c, t, sum);
	Loop loop;
	loop_begin(c->e, &loop, "row", contract_int(c, 0), contract_int(c, t->high), contract_int(c, 1),
	           NULL, 0);
	value_forget(c->ke);
	for (unsigned v = 0; v < t->wide; v++) {
		V at = partial_at(c, partials, loop.index, v);
		finish(c, t, loop.index, v, l_load(c->e, c->vector, at, c->p->lanes * c->p->element_bytes));
	}
	loop_end(c->e, &loop, NULL);
	value_forget(c->ke);
}

/* Whether the epilogue loads x at the element that it computes, of a buffer that it does not write. */
static bool is_beside(const Contract *c, NodeId x)
{
	const Kernels *k = c->e->k;
	const Kernel *kernel = c->ke->kernel;
	if (!shape_equal(node(k->graph, x)->shape, c->dot->shape))
		return false;
	if (!k->buffer_of[x] && node(k->graph, x)->op == OP_reshape)
		x = node(k->graph, x)->in[0];
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (kernel->out[i] == x || kernel->to[i] == k->buffer_of[x])
			return false;
	return k->buffer_of[x] && x != kernel->core;
}

/* Residuals, and what the gradient of an activation needs. */
static void find_beside(Contract *c)
{
	const Kernels *k = c->e->k;
	const Graph *g = k->graph;
	ArenaMark mark = arena_mark(c->e->c->arena);
	bool *seen = new_array(c->e->c->arena, bool, g->count);
	for (uint32_t i = 0; i < c->ke->kernel->out_count; i++)
		seen[c->ke->kernel->out[i]] = true;
	for (NodeId x = g->count - 1; x > 0; x--) {
		const Node *n = node(g, x);
		if (!seen[x] || x == c->ke->kernel->core)
			continue;
		if (is_beside(c, x)) {
			if (c->besides < COUNT(c->beside))
				c->beside[c->besides++] = x;
			continue;
		}
		bool out = false;
		for (uint32_t i = 0; i < c->ke->kernel->out_count; i++)
			out |= c->ke->kernel->out[i] == x;
		for (int i = 0; (out || !k->buffer_of[x]) && op_info[n->op].kind == MAP && i < n->count;
		     i++)
			seen[n->in[i]] = true;
	}
	arena_reset(c->e->c->arena, mark);
}

void contract_expect(Contract *c)
{
	if (c->p->brings_result)
		find_beside(c);
}

void contract_register_tile(Contract *c, const RegisterTile *t)
{
	V sum[MAX_CARRY];
	expect_result(c, t);
	begin_sums(c, t, sum);
	c->bounded = true;
	c->number = contract_tile_number(c, t);
	contract_prefetch_unit_share(c);
	contract_each_sum(c, rounds, (void *)t, sum, t->high * t->wide);
	contract_edge(c, t, sum);
	c->bounded = false;
	add_partial(c, t, sum);
	LLVMBasicBlockRef more = NULL, end = NULL;
	if (c->last) {
		LLVMBasicBlockRef last = l_block(c->e, "last");
		more = l_block(c->e, "more"), end = l_block(c->e, "end");
		LLVMBuildCondBr(c->e->b, c->last, last, more);
		LLVMPositionBuilderAtEnd(c->e->b, more);
		store_partial(c, t, sum);
		LLVMBuildBr(c->e->b, end);
		LLVMPositionBuilderAtEnd(c->e->b, last);
		value_forget(c->ke);
	}
	finish_all(c, t, sum);
	if (end)
		l_goto(c->e, end);
	value_forget(c->ke);
}
