/* kernel_reduce.c: a map folded over axes, then a map over what is left.
 *
 * Columns (the operand's last axis stays): lanes along it, a few vectors of sums in registers,
 * loops over the reduced axes inside. Rows (the last axis is reduced): lanes along it, a few
 * vectors of partial sums, folded by a fixed tree at the end. The order of the sums depends on
 * shapes and the vector width alone. */
#include "nest.h"

#include <float.h>
#include <math.h>

enum { MOST = 4 }; /* vectors of sums */

typedef struct Fold {
	KernelEmit *ke;
	const Node *core;
	Shape from;
	bool gone[MAX_RANK];
	int axis_of[MAX_RANK]; /* of the result -> of the operand */
	Index index;           /* of the operand */
	unsigned vectors;
	V column, columns; /* of columns: where the first vector starts, where they end */
	bool masked;
	bool rows;
	V begin, end;
} Fold;

static V identity(Fold *f)
{
	Emit *e = f->ke->e;
	T t = l_type(e, f->core->type);
	if (f->core->op == OP_sum)
		return LLVMConstNull(t);
	if (type_info[f->core->type].is_float)
		return LLVMConstReal(t, -INFINITY);
	return LLVMConstInt(t, f->core->type == DTYPE_i32 ? (uint64_t)(int64_t)INT32_MIN : 0, true);
}

static V combine(Fold *f, V x, V y)
{
	Node two = *f->core;
	two.op = f->core->op == OP_sum ? OP_add : OP_max;
	two.count = 2;
	return emit_map(f->ke->e, &two, f->core->type, (V[]){x, y});
}

/* A fixed tree: halves onto halves. */
static V fold_lanes(Fold *f, V v)
{
	Emit *e = f->ke->e;
	for (unsigned lanes = l_lanes(v); lanes > 1; lanes /= 2) {
		V half[2], places[64];
		for (unsigned part = 0; part < 2; part++) {
			for (unsigned i = 0; i < lanes / 2; i++)
				places[i] = l_i32(e, (int32_t)(i + part * (lanes / 2)));
			half[part] = lanes == 2
			                 ? LLVMBuildExtractElement(e->b, v, places[0], "")
			                 : LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
			                                          LLVMConstVector(places, lanes / 2), "");
		}
		v = combine(f, half[0], half[1]);
	}
	return v;
}

static V value_under(Fold *f, const Index *index, V mask)
{
	Emit *e = f->ke->e;
	Index masked = *index;
	masked.mask = mask;
	V v = value_vector(f->ke, f->core->in[0], &masked);
	if (f->ke->kepts)
		value_keep(f->ke, &masked);
	return mask ? l_select(e, mask, v, l_splat(e, identity(f), f->ke->lanes)) : v;
}

static void fold_axes(Fold *f, int axis, V *sums);

/* -- The innermost loop over a reduced last axis ----------------------------------------------- */

static void fold_row(Fold *f, V *sums)
{
	Emit *e = f->ke->e;
	int last = f->from.rank - 1;
	int64_t length = f->from.dim[last], round = (int64_t)f->ke->lanes * f->vectors,
	        full = length / round * round;
	if (full) {
		Loop loop;
		loop_begin(e, &loop, "row", l_i64(e, 0), l_i64(e, full), l_i64(e, round), sums, f->vectors);
		value_forget(f->ke);
		for (unsigned i = 0; i < f->vectors; i++) {
			Index index = f->index;
			index.at[last] =
			    LLVMBuildNSWAdd(e->b, loop.index, l_i64(e, (int64_t)i * f->ke->lanes), "");
			index.lane_axis = last;
			index.lane_step = 1;
			sums[i] = combine(f, loop.carry[i], value_under(f, &index, NULL));
		}
		loop_end(e, &loop, sums);
		value_forget(f->ke);
	}
	for (unsigned i = 0; full + (int64_t)i * f->ke->lanes < length; i++) {
		int64_t at = full + (int64_t)i * f->ke->lanes;
		Index index = f->index;
		index.at[last] = l_i64(e, at);
		index.lane_axis = last;
		index.lane_step = 1;
		bool whole = at + f->ke->lanes <= length;
		V mask =
		    whole || f->ke->lanes == 1 ? NULL : l_tail_mask(e, f->ke->lanes, l_i64(e, length - at));
		sums[i % f->vectors] = combine(f, sums[i % f->vectors], value_under(f, &index, mask));
	}
}

/* -- Vectors of columns ------------------------------------------------------------------------ */

static Index column_index(Fold *f, const Index *at, int axis, unsigned i, V *mask)
{
	Emit *e = f->ke->e;
	Index index = *at;
	index.at[axis] = LLVMBuildNSWAdd(e->b, f->column, l_i64(e, (int64_t)i * f->ke->lanes), "");
	index.lane_axis = axis;
	index.lane_step = 1;
	*mask = f->masked ? l_tail_mask(e, f->ke->lanes,
	                                LLVMBuildNSWSub(e->b, f->columns, index.at[axis], ""))
	                  : NULL;
	return index;
}

static void fold_columns(Fold *f, V *sums)
{
	for (unsigned i = 0; i < f->vectors; i++) {
		V mask;
		Index index = column_index(f, &f->index, f->from.rank - 1, i, &mask);
		sums[i] = combine(f, sums[i], value_under(f, &index, mask));
	}
}

/* Loops over reduced axes from `axis` on; the sums are carried through them. */
static void fold_axes(Fold *f, int axis, V *sums)
{
	Emit *e = f->ke->e;
	int last = f->from.rank - 1;
	while (axis < last && !f->gone[axis])
		axis++;
	if (axis >= last) {
		if (f->rows)
			fold_row(f, sums);
		else
			fold_columns(f, sums);
		return;
	}
	Loop loop;
	loop_begin(e, &loop, "fold", l_i64(e, 0), l_i64(e, f->from.dim[axis]), l_i64(e, 1), sums,
	           f->vectors);
	value_forget(f->ke);
	f->index.at[axis] = loop.index;
	for (unsigned i = 0; i < f->vectors; i++)
		sums[i] = loop.carry[i];
	fold_axes(f, axis + 1, sums);
	loop_end(e, &loop, sums);
	value_forget(f->ke);
	for (unsigned i = 0; i < f->vectors; i++)
		sums[i] = loop.result[i];
}

/* -- One result, or one vector of them --------------------------------------------------------- */

static void start(Fold *f, V *sums)
{
	for (unsigned i = 0; i < f->vectors; i++)
		sums[i] = l_splat(f->ke->e, identity(f), f->ke->lanes);
}

static Index result_index(const Fold *f)
{
	Index index = {.lane_axis = -1};
	for (int i = 0; i < f->core->shape.rank; i++)
		index.at[i] = f->index.at[f->axis_of[i]];
	return index;
}

static void one_row(Fold *f)
{
	V sums[MOST];
	start(f, sums);
	fold_axes(f, 0, sums);
	for (unsigned i = 1; i < f->vectors; i++)
		sums[0] = combine(f, sums[0], sums[i]);
	value_forget(f->ke);
	Index index = result_index(f);
	value_define(f->ke, f->ke->kernel->core, &index, fold_lanes(f, sums[0]));
	value_store_outs(f->ke, &index);
}

static void columns_at(Fold *f, V column)
{
	V sums[MOST];
	f->column = column;
	start(f, sums);
	fold_axes(f, 0, sums);
	value_forget(f->ke);
	for (unsigned i = 0; i < f->vectors; i++) {
		V mask;
		f->index.at[f->from.rank - 1] = NULL;
		Index at = result_index(f), index = column_index(f, &at, f->core->shape.rank - 1, i, &mask);
		index.mask = mask;
		value_define(f->ke, f->ke->kernel->core, &index, sums[i]);
		value_store_outs(f->ke, &index);
	}
}

/* The columns of one row of results: [from, to). */
static void all_columns(Fold *f, V from, V to, int64_t length)
{
	Emit *e = f->ke->e;
	int64_t round = (int64_t)f->ke->lanes * f->vectors;
	bool tiled = f->core->shape.rank == 1 && f->ke->kernel->tiles > 1;
	f->masked = length % round != 0 || (tiled && f->ke->kernel->tile % round != 0);
	f->columns = to;
	Loop loop;
	loop_begin(e, &loop, "columns", from, to, l_i64(e, round), NULL, 0);
	value_forget(f->ke);
	columns_at(f, loop.index);
	loop_end(e, &loop, NULL);
	value_forget(f->ke);
}

/* Loops over the axes that stay; the first one is what tiles cut. */
static void each_result(Fold *f, int i)
{
	Emit *e = f->ke->e;
	int kept = f->core->shape.rank;
	V from = l_i64(e, 0), to = i < kept ? l_i64(e, f->core->shape.dim[i]) : NULL;
	if (i == 0 && kept > 0)
		tile_range(f->ke, f->begin, f->end, f->core->shape.dim[0], &from, &to);
	if (i == kept) {
		one_row(f);
		return;
	}
	if (!f->rows && i == kept - 1) {
		all_columns(f, from, to, f->core->shape.dim[i]);
		return;
	}
	Loop loop;
	loop_begin(e, &loop, "result", from, to, l_i64(e, 1), NULL, 0);
	value_forget(f->ke);
	f->index.at[f->axis_of[i]] = loop.index;
	each_result(f, i + 1);
	loop_end(e, &loop, NULL);
	value_forget(f->ke);
}

static unsigned vectors_of(const Fold *f)
{
	int64_t length = f->from.dim[f->from.rank - 1];
	int64_t vectors = (length + f->ke->lanes - 1) / f->ke->lanes;
	return vectors >= MOST ? MOST : vectors >= 2 ? 2 : 1;
}

V reduce_row(KernelEmit *ke, const Node *core, const Index *row)
{
	V sums[MOST];
	Fold f = {.ke = ke,
	          .core = core,
	          .from = node(ke->e->k->graph, core->in[0])->shape,
	          .index = *row,
	          .rows = true};
	f.vectors = vectors_of(&f);
	start(&f, sums);
	fold_row(&f, sums);
	for (unsigned i = 1; i < f.vectors; i++)
		sums[0] = combine(&f, sums[0], sums[i]);
	return fold_lanes(&f, sums[0]);
}

void kernel_reduce(KernelEmit *ke, V begin, V end, V scratch)
{
	(void)scratch;
	const Graph *g = ke->e->k->graph;
	const Node *core = node(g, ke->kernel->core);
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
	int last = f.from.rank - 1;
	f.rows = f.gone[last];
	f.vectors = vectors_of(&f);
	each_result(&f, 0);
}
