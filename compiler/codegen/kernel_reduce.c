/* kernel_reduce.c: a map folded over axes, then a map over what is left.
 *
 * Columns (the operand's last axis stays): lanes along it, a few vectors of sums in registers,
 * loops over the reduced axes inside. Rows (the last axis is reduced): lanes along it, a few
 * vectors of partial sums, folded by a fixed tree at the end. Long sums go in blocks (sum.c). The
 * order of the sums depends on shapes and the vector width alone.
 *
 * Columns of a stencil (products summed over windows: a depth-wise convolution and its gradients):
 * several places along the axis before are summed side by side, as windows next to each other share
 * most of what they read; what is read at the same address is loaded once (LLVM sees that). */
#include "nest.h"

/* Vectors along the columns; of sums. */
enum { MOST_VECTORS = 4, MOST = 8 };

typedef struct Fold {
	KernelEmit *ke;
	const Node *core;
	Shape from;
	bool gone[MAX_RANK];
	int axis_of[MAX_RANK];    /* of the result -> of the operand */
	Index index;              /* of the operand */
	unsigned vectors, sums;   /* sums: vectors, at each of the places */
	bool multiplies;          /* it is a sum of products that nobody stores */
	Edge edge[2][MAX_RANK];   /* of a product's operands: zeros around an image, so many; */
	unsigned edges[2], again; /* again: now they are left out */
	int side;                 /* of a stencil: the result's axis of the places; else -1 */
	unsigned places;
	V place;
	V column;     /* of columns: where the first vector starts; */
	V columns;    /* where they end, if that may be anywhere, else NULL; */
	int64_t last; /* lanes of the last vector, if these are not all */
	bool rows;
	V begin, end;
} Fold;

/* Both elements of a product are. */
static V both_there(Fold *f, const Index *index)
{
	V there = NULL;
	for (int i = 0; i < 2; i++)
		there = edge_holds(f->ke->e, there, f->edge[i], f->edges[i], index, f->ke->lanes);
	return there;
}

static V value_under(Fold *f, const Index *index, V mask)
{
	Emit *e = f->ke->e;
	Index masked = *index;
	masked.mask = mask;
	V v = value_vector(f->ke, f->core->in[0], &masked);
	if (f->ke->kepts)
		value_keep(f->ke, &masked);
	if (f->again)
		v = l_select(e, both_there(f, index), v, LLVMConstNull(LLVMTypeOf(v)));
	return mask ? l_select(e, mask, v, l_splat(e, fold_identity(e, f->core), f->ke->lanes)) : v;
}

static void fold_axes(Fold *f, int axis, V *sums);

/* -- Along a reduced last axis ----------------------------------------------------------------- */

/* Elements of a round: all vectors of sums, once. */
static int64_t round_of(const Fold *f)
{
	return (int64_t)f->ke->lanes * f->vectors;
}

static Index row_index(const Fold *f, V at)
{
	Index index = f->index;
	index.at[f->from.rank - 1] = at;
	index.lane_axis = f->from.rank - 1;
	index.lane_step = 1;
	return index;
}

static void row_round(Fold *f, V at, V *sums)
{
	Emit *e = f->ke->e;
	for (unsigned i = 0; i < f->vectors; i++) {
		V first = LLVMBuildNSWAdd(e->b, at, l_word(e, (int64_t)i * f->ke->lanes), "");
		Index index = row_index(f, first);
		sums[i] = fold_two(f->ke->e, f->core, sums[i], value_under(f, &index, NULL));
	}
}

/* What whole rounds leave. */
static void row_rest(Fold *f, V *sums)
{
	Emit *e = f->ke->e;
	int64_t length = f->from.dim[f->from.rank - 1], lanes = f->ke->lanes;
	int64_t from = length / round_of(f) * round_of(f);
	for (unsigned i = 0; from + i * lanes < length; i++) {
		int64_t at = from + i * lanes;
		bool whole = at + lanes <= length || lanes == 1;
		V mask = whole ? NULL : l_tail_mask(e, f->ke->lanes, l_word(e, length - at));
		if (f->ke->row_end) {
			V there = LLVMBuildICmp(e->b, LLVMIntEQ, f->ke->row_end, l_word(e, length), "");
			there = l_splat(e, there, f->ke->lanes);
			mask = mask ? LLVMBuildAnd(e->b, mask, there, "") : there;
		}
		Index index = row_index(f, l_word(e, at));
		sums[i % f->vectors] =
		    fold_two(f->ke->e, f->core, sums[i % f->vectors], value_under(f, &index, mask));
	}
}

/* -- Vectors of columns ------------------------------------------------------------------------ */

/* Of sum i; `side` is the axis of the places, `axis` that of the columns. */
static Index column_index(Fold *f, const Index *at, int axis, int side, unsigned i, V *mask)
{
	Emit *e = f->ke->e;
	Index index = *at;
	V first = l_word(e, (int64_t)(i % f->vectors) * f->ke->lanes);
	index.at[axis] = LLVMBuildNSWAdd(e->b, f->column, first, "");
	f->ke->aligned = f->core->shape.rank > 1 ? index.at[axis] : NULL; /* tiles cut the first axis */
	index.lane_axis = axis;
	index.lane_step = 1;
	if (side >= 0)
		index.at[side] = LLVMBuildNSWAdd(e->b, f->place, l_word(e, i / f->vectors), "");
	V left = f->columns ? LLVMBuildNSWSub(e->b, f->columns, index.at[axis], "") : NULL;
	if (f->last && i % f->vectors == f->vectors - 1)
		left = l_word(e, f->last);
	*mask = left ? l_tail_mask(e, f->ke->lanes, left) : NULL;
	return index;
}

/* As a product of matrices does it: with one rounding. */
static V add_product(Fold *f, const Index *index, V sum)
{
	Emit *e = f->ke->e;
	const Node *mul = node(e->k->graph, f->core->in[0]);
	V x = value_vector(f->ke, mul->in[0], index), y = value_vector(f->ke, mul->in[1], index);
	V next = l_muladd(e, x, y, sum);
	return f->again ? l_select(e, both_there(f, index), next, sum) : next;
}

static void fold_columns(Fold *f, V *sums)
{
	int side = f->side < 0 ? -1 : f->axis_of[f->side];
	for (unsigned i = 0; i < f->sums; i++) {
		V mask;
		Index index = column_index(f, &f->index, f->from.rank - 1, side, i, &mask);
		index.mask = mask; /* a lane outside is a sum of its own, that nobody stores */
		sums[i] = f->multiplies ? add_product(f, &index, sums[i])
		                        : fold_two(f->ke->e, f->core, sums[i],
		                                   value_vector(f->ke, f->core->in[0], &index));
	}
}

/* -- The nest of reduced axes ------------------------------------------------------------------ */

/* The first reduced axis from `axis` on, the last axis if there is none before it. */
static int reduced_axis(const Fold *f, int axis)
{
	while (axis < f->from.rank - 1 && !f->gone[axis])
		axis++;
	return axis;
}

/* How often something is added to a vector of sums, at one place along the axes before `axis`. */
static int64_t steps_of(const Fold *f, int axis)
{
	int last = f->from.rank - 1;
	int64_t steps = f->rows ? (f->from.dim[last] + round_of(f) - 1) / round_of(f) : 1;
	for (int i = axis; i < last; i++)
		steps *= f->gone[i] ? f->from.dim[i] : 1;
	return steps;
}

/* Steps of a stencil's last reduced axis in a line of code: they share what they read. */
static int64_t at_once(const Fold *f, int axis)
{
	enum { SHORT = 8 };
	int64_t steps = SHORT;
	if (f->side < 0 || f->again || reduced_axis(f, axis + 1) != f->from.rank - 1)
		return 1;
	while (f->from.dim[axis] % steps)
		steps--;
	return steps;
}

static void fold_unrolled(Fold *f, int axis, V from, V *sums);

/* The loop over [from, to) of a reduced axis, rounds of the last; the sums are carried through. */
static void fold_part(Fold *f, int axis, V from, V to, V *sums)
{
	Emit *e = f->ke->e;
	bool row = axis == f->from.rank - 1;
	Loop loop;
	int64_t by = row ? round_of(f) : at_once(f, axis);
	loop_begin(e, &loop, row ? "row" : "fold", from, to, l_word(e, by), sums, f->sums);
	value_forget(f->ke);
	for (unsigned i = 0; i < f->sums; i++)
		sums[i] = loop.carry[i];
	if (row)
		row_round(f, loop.index, sums);
	else if (by > 1)
		fold_unrolled(f, axis, loop.index, sums);
	else
		f->index.at[axis] = loop.index, fold_axes(f, axis + 1, sums);
	loop_end(e, &loop, sums);
	value_forget(f->ke);
	for (unsigned i = 0; i < f->sums; i++)
		sums[i] = loop.result[i];
}

/* Where whole rounds of the last axis end, or where another axis does. */
static int64_t end_of(const Fold *f, int axis)
{
	int64_t length = f->from.dim[axis];
	return axis < f->from.rank - 1 ? length : length / round_of(f) * round_of(f);
}

/* The same in this call, where what is behind a mask is left out. */
static V end_now(const Fold *f, int axis)
{
	V end = l_word(f->ke->e, end_of(f, axis));
	bool cut = axis == f->from.rank - 1 && f->rows && f->ke->row_end;
	return cut ? l_binary(f->ke->e, "llvm.smin", end, f->ke->row_end) : end;
}

/* The last of a stencil's reduced axes, if it is short, is no loop. */
static bool is_unrolled(const Fold *f, int axis)
{
	return f->side >= 0 && at_once(f, axis) == f->from.dim[axis];
}

static void fold_unrolled(Fold *f, int axis, V from, V *sums)
{
	Emit *e = f->ke->e;
	for (int64_t i = 0; i < at_once(f, axis); i++) {
		f->index.at[axis] = from ? LLVMBuildNSWAdd(e->b, from, l_word(e, i), "") : l_word(e, i);
		fold_columns(f, sums);
	}
}

/* Folds all of the reduced axes from `axis` on. */
static void fold_axes(Fold *f, int axis, V *sums)
{
	Emit *e = f->ke->e;
	axis = reduced_axis(f, axis);
	bool last = axis == f->from.rank - 1;
	if (last && !f->rows) {
		fold_columns(f, sums);
		return;
	}
	if (is_unrolled(f, axis)) {
		fold_unrolled(f, axis, NULL, sums);
		return;
	}
	if (end_of(f, axis) > 0)
		fold_part(f, axis, l_word(e, 0), end_now(f, axis), sums);
	if (last)
		row_rest(f, sums);
}

/* -- Long sums: in blocks (sum.c) -------------------------------------------------------------- */

/* A stencil is a convolution: its sums are as long as a product's are. */
static int64_t block_of(const Fold *f)
{
	enum { STENCIL_BLOCK = 128 };
	return f->side < 0 ? SUM_BLOCK : STENCIL_BLOCK;
}

static void start(Fold *f, V *sums)
{
	for (unsigned i = 0; i < f->sums; i++)
		sums[i] = l_splat(f->ke->e, fold_identity(f->ke->e, f->core), f->ke->lanes);
}

static void combine_vectors(Fold *f, V *sums)
{
	for (unsigned i = 1; i < f->vectors; i++)
		sums[0] = fold_two(f->ke->e, f->core, sums[0], sums[i]);
}

/* Of a row all vectors are of one sum. */
static unsigned sums_of(const Fold *f)
{
	return f->rows ? 1 : f->sums;
}

static void end_block(Fold *f, V *block, Sum *sums)
{
	if (f->rows)
		combine_vectors(f, block);
	for (unsigned i = 0; i < sums_of(f); i++)
		sum_add(f->ke->e, &sums[i], block[i]);
}

static void fold_long(Fold *f, int axis, Sum *sums);

/* A block: `to` minus `from` steps along an axis, with all inside; or, where a step is a block and
 * more by itself, that step. */
static void fold_block(Fold *f, int axis, V from, V to, bool one, Sum *sums)
{
	V block[MOST];
	if (one) {
		f->index.at[axis] = from;
		fold_long(f, axis + 1, sums);
		return;
	}
	start(f, block);
	fold_part(f, axis, from, to, block);
	end_block(f, block, sums);
}

static void fold_blocks(Fold *f, int axis, Sum *sums)
{
	Emit *e = f->ke->e;
	int64_t inside = axis < f->from.rank - 1 ? steps_of(f, axis + 1) : 1, end = end_of(f, axis);
	int64_t block = block_of(f), by = inside < block ? block / inside : 1, unit = at_once(f, axis);
	by = axis < f->from.rank - 1 ? (by + unit - 1) / unit * unit : by * round_of(f);
	V carry[2 * MOST], size = l_word(e, by), whole = end_now(f, axis);
	unsigned count = sums_of(f);
	for (unsigned i = 0; i < count; i++)
		carry[i] = sums[i].total, carry[count + i] = sums[i].lost;
	Loop loop;
	loop_begin(e, &loop, "block", l_word(e, 0), whole, size, carry, 2 * count);
	value_forget(f->ke);
	for (unsigned i = 0; i < count; i++)
		sums[i] = (Sum){loop.carry[i], loop.carry[count + i]};
	V to = LLVMBuildNSWAdd(e->b, loop.index, size, "");
	if (end % by || f->ke->row_end)
		to = l_binary(e, "llvm.smin", to, whole);
	fold_block(f, axis, loop.index, to, inside >= block, sums);
	for (unsigned i = 0; i < count; i++)
		carry[i] = sums[i].total, carry[count + i] = sums[i].lost;
	loop_end(e, &loop, carry);
	value_forget(f->ke);
	for (unsigned i = 0; i < count; i++)
		sums[i] = (Sum){loop.result[i], loop.result[count + i]};
}

/* As fold_axes. */
static void fold_long(Fold *f, int axis, Sum *sums)
{
	axis = reduced_axis(f, axis);
	bool last = axis == f->from.rank - 1;
	if (end_of(f, axis) > 0)
		fold_blocks(f, axis, sums);
	if (last && f->from.dim[axis] % round_of(f)) {
		V block[MOST];
		start(f, block);
		row_rest(f, block);
		end_block(f, block, sums);
	}
}

/* Few steps are one block; integers are exact in any order, and a maximum is. */
static void fold_all(Fold *f, int axis, V *result)
{
	bool rounds = f->core->op == OP_sum && type_info[f->core->type].is_float;
	start(f, result);
	if (!rounds || steps_of(f, axis) <= 2 * block_of(f)) {
		fold_axes(f, axis, result);
		if (f->rows)
			combine_vectors(f, result);
		return;
	}
	Sum sums[MOST];
	for (unsigned i = 0; i < sums_of(f); i++)
		sums[i] = (Sum){.total = result[i], .lost = result[i]};
	fold_long(f, axis, sums);
	for (unsigned i = 0; i < sums_of(f); i++)
		result[i] = sums[i].total;
}

/* -- One result, or one vector of them --------------------------------------------------------- */

static Index result_index(const Fold *f)
{
	Index index = {.lane_axis = -1};
	for (int i = 0; i < f->core->shape.rank; i++)
		index.at[i] = f->index.at[f->axis_of[i]];
	return index;
}

/* Sums that are NaN once more, without zeros around an image: 0 times an infinite weight is no term. */
static void leave_edges_out(Fold *f, V *sums)
{
	Emit *e = f->ke->e;
	V fresh[MOST], all[MOST], mask = NULL;
	unsigned count = sums_of(f);
	for (unsigned i = 0; i < count; i++) {
		if (!f->rows)
			column_index(f, &f->index, f->from.rank - 1, -1, i, &mask);
		all[i] = mask ? l_select(e, mask, sums[i], LLVMConstNull(LLVMTypeOf(sums[i]))) : sums[i];
	}
	LLVMBasicBlockRef from[2] = {LLVMGetInsertBlock(e->b)};
	If edge = if_begin(f->ke, edge_some_nan(e, all, count));
	f->again = true;
	fold_all(f, 0, fresh);
	f->again = false;
	for (unsigned i = 0; i < count; i++)
		fresh[i] = l_select(e, edge_is_nan(e, sums[i]), fresh[i], sums[i]);
	from[1] = LLVMGetInsertBlock(e->b);
	if_end(f->ke, edge);
	l_meet(e, sums, fresh, from, count);
}

static void one_row(Fold *f)
{
	V sums[MOST];
	fold_all(f, 0, sums);
	if (f->edges[0] || f->edges[1])
		leave_edges_out(f, sums);
	value_forget(f->ke);
	Index index = result_index(f);
	value_define(f->ke, f->ke->kernel->core, &index, fold_lanes(f->ke->e, f->core, sums[0], NULL));
	value_store_outs(f->ke, &index);
}

static void columns_at(Fold *f, V column)
{
	V sums[MOST];
	f->column = column;
	fold_all(f, 0, sums);
	if (f->edges[0] || f->edges[1])
		leave_edges_out(f, sums);
	value_forget(f->ke);
	for (unsigned i = 0; i < f->sums; i++) {
		V mask;
		f->index.at[f->from.rank - 1] = NULL;
		Index at = result_index(f);
		Index index = column_index(f, &at, f->core->shape.rank - 1, f->side, i, &mask);
		index.mask = mask;
		value_define(f->ke, f->ke->kernel->core, &index, sums[i]);
		value_store_outs(f->ke, &index);
	}
}

/* The columns [from, to) of one row of results: rounds of whole vectors, then what is left at the end
 * of the row, where the last vector may need a mask, which is known. Tiles of any size (`cut`) end
 * anywhere. */
static void all_columns(Fold *f, V from, V to, int64_t length)
{
	Emit *e = f->ke->e;
	int64_t lanes = f->ke->lanes, round = lanes * f->vectors, rest = length % round;
	unsigned vectors = f->vectors, places = f->sums / vectors;
	bool cut = f->core->shape.rank == 1 && f->ke->kernel->tiles > 1 && f->ke->kernel->tile % round;
	V whole = cut ? to : l_binary(e, "llvm.smin", to, l_word(e, length - rest));
	f->columns = cut ? to : NULL;
	if (cut || rest < length) {
		If some = if_begin(f->ke, LLVMBuildICmp(e->b, LLVMIntSLT, from, whole, ""));
		Loop loop;
		loop_begin(e, &loop, "columns", from, whole, l_word(e, round), NULL, 0);
		value_forget(f->ke);
		columns_at(f, loop.index);
		loop_end(e, &loop, NULL);
		if_end(f->ke, some);
	}
	if (rest == 0 || cut)
		return;
	If some = if_begin(f->ke, LLVMBuildICmp(e->b, LLVMIntSLT, whole, to, ""));
	f->vectors = (unsigned)blocks_of(rest, lanes);
	f->sums = f->vectors * places;
	f->last = rest % lanes;
	columns_at(f, whole);
	f->vectors = vectors, f->sums = vectors * places, f->last = 0;
	if_end(f->ke, some);
}

/* The places of a stencil, so many side by side, then those that are left. */
static void each_places(Fold *f, int i)
{
	Emit *e = f->ke->e;
	int64_t length = f->core->shape.dim[i], columns = f->core->shape.dim[i + 1];
	unsigned most = f->places, rest = (unsigned)(length % most);
	Loop loop;
	loop_begin(e, &loop, "places", l_word(e, 0), l_word(e, length - rest), l_word(e, most), NULL,
	           0);
	value_forget(f->ke);
	f->place = loop.index;
	all_columns(f, l_word(e, 0), l_word(e, columns), columns);
	loop_end(e, &loop, NULL);
	value_forget(f->ke);
	if (rest == 0)
		return;
	f->place = l_word(e, length - rest);
	f->sums = f->vectors * rest;
	all_columns(f, l_word(e, 0), l_word(e, columns), columns);
	f->sums = f->vectors * most;
}

/* Loops over the axes that stay; the first one is what tiles cut. */
static void each_result(Fold *f, int i)
{
	Emit *e = f->ke->e;
	int kept = f->core->shape.rank;
	V from = l_word(e, 0), to = i < kept ? l_word(e, f->core->shape.dim[i]) : NULL;
	if (i == 0 && kept > 0)
		tile_range(f->ke, f->begin, f->end, f->core->shape.dim[0], &from, &to);
	if (i == kept) {
		one_row(f);
		return;
	}
	if (f->side == i) {
		each_places(f, i);
		return;
	}
	if (!f->rows && i == kept - 1) {
		all_columns(f, from, to, f->core->shape.dim[i]);
		return;
	}
	Loop loop;
	loop_begin(e, &loop, "result", from, to, l_word(e, 1), NULL, 0);
	value_forget(f->ke);
	f->index.at[f->axis_of[i]] = loop.index;
	each_result(f, i + 1);
	loop_end(e, &loop, NULL);
	value_forget(f->ke);
}

static unsigned vectors_of(const Fold *f)
{
	int64_t vectors = blocks_of(f->from.dim[f->from.rank - 1], f->ke->lanes);
	if (!f->rows && vectors <= MOST)
		return (unsigned)vectors;
	return vectors >= MOST_VECTORS ? MOST_VECTORS : vectors >= 2 ? 2 : 1;
}

static bool is_stencil(const Fold *f)
{
	return sums_windows(f->ke->e->k->graph, f->core) && !f->rows && !f->ke->e->c->machine->bare;
}

/* As many as divide the axis, if they are not few. */
static unsigned places_along(int64_t length)
{
	for (unsigned places = MOST; places > MOST / 2; places--)
		if (length % places == 0)
			return places;
	return length < MOST ? (unsigned)length : MOST;
}

static void choose_places(Fold *f)
{
	f->side = -1;
	f->vectors = vectors_of(f);
	int before = f->core->shape.rank - 2; /* the axis before the columns; tiles cut the first */
	if (is_stencil(f) && before > 0 && f->core->shape.dim[before] > 1) {
		f->side = before;
		f->places = places_along(f->core->shape.dim[before]);
		unsigned fit = MOST / f->places;
		f->vectors = f->vectors < fit ? f->vectors : fit;
	}
	f->sums = f->vectors * (f->side < 0 ? 1 : f->places);
}

V reduce_row(KernelEmit *ke, const Node *core, const Index *row)
{
	V sums[MOST];
	Fold f = {.ke = ke,
	          .core = core,
	          .from = node(ke->e->k->graph, core->in[0])->shape,
	          .index = *row,
	          .rows = true,
	          .side = -1};
	f.vectors = f.sums = vectors_of(&f);
	fold_all(&f, f.from.rank - 1, sums);
	return fold_lanes(ke->e, core, sums[0], NULL);
}

void kernel_reduce(KernelEmit *ke, V begin, V end, V scratch)
{
	(void)scratch;
	const Graph *g = ke->e->k->graph;
	const Node *core = node(g, ke->kernel->core), *of = node(g, core->in[0]);
	Fold f = {.ke = ke,
	          .core = core,
	          .from = node(g, core->in[0])->shape,
	          .begin = begin,
	          .end = end,
	          .index = {.lane_axis = -1}};
	for (int i = 0; i < core->attr.axes.count; i++)
		f.gone[core->attr.axes.at[i]] = true;
	for (int i = 0, kept = 0; i < f.from.rank; i++)
		if (!f.gone[i])
			f.axis_of[kept++] = i;
	f.rows = f.gone[f.from.rank - 1];
	bool inside = !ke->e->k->buffer_of[core->in[0]] && type_info[core->type].is_float;
	f.multiplies = core->op == OP_sum && of->op == OP_mul && inside;
	choose_places(&f);
	bool windows = sums_windows(g, core) && !g->c->machine->bare;
	for (int i = 0; f.multiplies && windows && i < 2; i++)
		f.edges[i] = padding_edges(g, of->in[i], f.edge[i]);
	each_result(&f, 0);
}
