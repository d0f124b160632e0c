/* scatter_rows.c: a scatter into a table of rows whose result is not stored (schedule/scatter.c). What terms each row of
 * the tiles has is listed first, by counting: where a row's terms begin, and all terms in the order of their rows, in
 * scratch; terms of one row stay in their order, so the sums are those of additions one after the other, on any number of
 * threads. Then a row's vectors are summed in registers, and what ends the kernel is computed of them. */
#include "nest.h"

typedef struct Rows {
	const Node *n, *term; /* the result, y */
	V start, order; /* in scratch: where the terms of a row of the tiles begin, and terms by rows */
	V from, count;  /* of the tiles: the first row, and how many */
	V at, y;        /* where each term goes, and the terms */
	V row, first, behind; /* the present one, and its terms in the order */
	int64_t columns, places;
} Rows;

static V load_word(Emit *e, V base, V at)
{
	return LLVMBuildSExt(e->b, l_load(e, e->i32, l_at(e, e->i32, base, at), 4), e->word, "");
}

static void store_word(Emit *e, V base, V at, V v)
{
	l_store(e, LLVMBuildTrunc(e->b, v, e->i32, ""), l_at(e, e->i32, base, at), 4);
}

/* The row of a term, counted from the tiles' first; of others' rows: the one behind the last. */
static V row_of(Rows *r, Emit *e, V term)
{
	V place = l_load(e, e->i32, l_at(e, e->i32, r->at, term), 4);
	place = l_binary(e, "llvm.smin", l_binary(e, "llvm.smax", place, l_i32(e, 0)),
	                 l_i32(e, (int32_t)r->n->shape.dim[0] - 1));
	V row = LLVMBuildNSWSub(e->b, LLVMBuildSExt(e->b, place, e->word, ""), r->from, "");
	return l_select(e, LLVMBuildICmp(e->b, LLVMIntULT, row, r->count, ""), row, r->count);
}

static void clear_counts(Rows *r, KernelEmit *ke)
{
	enum { LANES = 16 };
	Emit *e = ke->e;
	T vector = l_vector(e->i32, LANES);
	Loop loop;
	loop_begin(e, &loop, "clear", l_word(e, 0), LLVMBuildNSWAdd(e->b, r->count, l_word(e, 2), ""),
	           l_word(e, LANES), NULL, 0);
	l_store(e, LLVMConstNull(vector), l_at(e, e->i32, r->start, loop.index), 4);
	loop_end(e, &loop, NULL);
}

/* How many terms each row has; then where they end; then, from the last term back, where they begin. */
static void list_terms(Rows *r, KernelEmit *ke)
{
	Emit *e = ke->e;
	V zero = l_word(e, 0), one = l_word(e, 1), places = l_word(e, r->places);
	Loop loop;
	clear_counts(r, ke);
	loop_begin(e, &loop, "count", zero, places, one, NULL, 0);
	V row = row_of(r, e, loop.index);
	store_word(e, r->start, row, LLVMBuildNSWAdd(e->b, load_word(e, r->start, row), one, ""));
	loop_end(e, &loop, NULL);
	loop_begin(e, &loop, "end", zero, LLVMBuildNSWAdd(e->b, r->count, one, ""), one, &zero, 1);
	V end = LLVMBuildNSWAdd(e->b, loop.carry[0], load_word(e, r->start, loop.index), "");
	store_word(e, r->start, loop.index, end);
	loop_end(e, &loop, &end);
	loop_begin(e, &loop, "order", zero, places, one, NULL, 0);
	V term = LLVMBuildNSWSub(e->b, l_word(e, r->places - 1), loop.index, "");
	row = row_of(r, e, term);
	V to = LLVMBuildNSWSub(e->b, load_word(e, r->start, row), one, "");
	store_word(e, r->start, row, to);
	store_word(e, r->order, to, term);
	loop_end(e, &loop, NULL);
}

/* Adds a term to a vector of the row. */
static V add_term(Rows *r, KernelEmit *ke, V term, V at, V mask, V sum)
{
	Emit *e = ke->e;
	T element = l_memory_type(e, r->term->type), vector = l_vector(element, ke->lanes);
	unsigned size = type_info[r->term->type].size;
	V place = LLVMBuildNSWAdd(e->b, LLVMBuildNSWMul(e->b, term, l_word(e, r->columns), ""), at, "");
	V address = l_address(e, element, r->y, place);
	V v = mask ? l_load_masked(e, vector, address, size, mask, LLVMConstNull(vector))
	           : l_load(e, vector, address, size);
	v = l_from_memory(e, r->term->type, v);
	if (r->term->type != r->n->type)
		v = LLVMBuildFPExt(e->b, v, LLVMTypeOf(sum), "");
	Node two = *r->n;
	two.op = OP_add, two.count = 2;
	return emit_map(e, &two, r->n->type, (V[]){sum, v});
}

/* A vector of the row: its terms are added to `sum`, if there are any. */
static V add_terms(Rows *r, KernelEmit *ke, V at, V mask, V sum)
{
	Emit *e = ke->e;
	LLVMBasicBlockRef none = LLVMGetInsertBlock(e->b);
	If some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, r->first, r->behind, ""));
	Loop loop;
	loop_begin(e, &loop, "terms", r->first, r->behind, l_word(e, 1), &sum, 1);
	V next = add_term(r, ke, load_word(e, r->order, loop.index), at, mask, loop.carry[0]);
	loop_end(e, &loop, &next);
	LLVMBasicBlockRef added = LLVMGetInsertBlock(e->b);
	if_end(ke, some);
	l_meet(e, &sum, &next, (LLVMBasicBlockRef[]){none, added}, 1);
	return sum;
}

static void columns_body(KernelEmit *ke, void *context, V at, V mask)
{
	Rows *r = context;
	Emit *e = ke->e;
	Index index = {
	    .at = {r->row, at}, .lane_axis = ke->lanes > 1 ? 1 : -1, .lane_step = 1, .mask = mask};
	V sum = l_splat(e, value_at(ke, r->n->in[0], &(Index){.at = {r->row, at}, .lane_axis = -1}),
	                ke->lanes);
	sum = add_terms(r, ke, at, mask, sum);
	value_define(ke, ke->kernel->core, &index, sum);
	value_store_outs(ke, &index);
}

void scatter_rows(KernelEmit *ke, V begin, V end, V scratch)
{
	Emit *e = ke->e;
	const Kernels *k = e->k;
	const Node *n = node(k->graph, ke->kernel->core);
	Rows r = {.n = n, .term = node(k->graph, n->in[2]), .start = scratch};
	r.columns = n->shape.dim[1], r.places = shape_size(node(k->graph, n->in[1])->shape);
	r.order = l_at(e, e->i32, scratch, l_word(e, scatter_order_at(n)));
	r.at = ke->pointer[k->buffer_of[n->in[1]]], r.y = ke->pointer[k->buffer_of[n->in[2]]];
	V to, zero = l_word(e, 0);
	tile_range(ke, begin, end, n->shape.dim[0], &r.from, &to);
	r.count = LLVMBuildNSWSub(e->b, to, r.from, "");
	list_terms(&r, ke);
	unsigned lanes = ke->lanes;
	ke->lanes = r.columns < lanes / 2 ? 1 : lanes;
	Loop rows;
	loop_begin(e, &rows, "rows", zero, r.count, l_word(e, 1), NULL, 0);
	value_forget(ke);
	r.row = LLVMBuildNSWAdd(e->b, r.from, rows.index, "");
	r.first = load_word(e, r.start, rows.index);
	r.behind = load_word(e, r.start, LLVMBuildNSWAdd(e->b, rows.index, l_word(e, 1), ""));
	vector_loop(ke, zero, l_word(e, r.columns), 1, r.columns % ke->lanes == 0, columns_body, &r);
	loop_end(e, &rows, NULL);
	ke->lanes = lanes;
	value_forget(ke);
}
