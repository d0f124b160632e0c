/* kernel_row.c: one row after the other: its folds in order, then what is as long as the row.
 *
 * In: a kernel whose folds reduce the last axis of one shape. Out: for every row, a loop a fold,
 * and one loop that stores the results. What the folds gave is known to all that comes after; a
 * value as long as the row that the schedule keeps (schedule/rows.c) waits in scratch. Memory is
 * read by the first loop; the others find the row in L1. */
#include "nest.h"

typedef struct Rows {
	KernelEmit *ke;
	const Graph *g;
	Shape row;
	Index index; /* the present row; the last axis is the loops' */
} Rows;

static bool is_long(const Rows *r, NodeId x)
{
	return shape_equal(node(r->g, x)->shape, r->row);
}

/* What the schedule keeps, one row behind the other. */
static void open_kept(Rows *r, V scratch)
{
	KernelEmit *ke = r->ke;
	int64_t room = row_kept_bytes(r->row.dim[r->row.rank - 1]);
	for (uint32_t i = 0; i < ke->kernel->kept_count; i++) {
		V base = l_at(ke->e, ke->e->i8, scratch, l_word(ke->e, (int64_t)i * room));
		ke->kept[ke->kepts++] = (Kept){.node = ke->kernel->kept[i], .base = base};
	}
}

/* -- A row ------------------------------------------------------------------------------------- */

static void store_vector(KernelEmit *ke, void *context, V at, V mask)
{
	const Rows *r = context;
	Index index = r->index;
	int last = r->row.rank - 1;
	index.at[last] = at;
	index.lane_axis = last;
	index.lane_step = 1;
	index.mask = mask;
	V v[MAX_KERNEL_OUTS];
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		v[i] = is_long(r, ke->kernel->out[i]) ? value_at(ke, ke->kernel->out[i], &index) : NULL;
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		if (v[i])
			value_store(ke, ke->kernel->to[i], &index, v[i]);
}

static void one_row(Rows *r)
{
	KernelEmit *ke = r->ke;
	const Kernel *kernel = ke->kernel;
	Index number = r->index;
	number.at[r->row.rank - 1] = l_word(ke->e, 0); /* of numbers that keep an axis of length 1 */
	for (uint32_t i = 0; i < kernel->fold_count; i++) {
		NodeId x = kernel->fold[i];
		V v = reduce_row(ke, node(r->g, x), &r->index);
		value_forget(ke);
		value_define(ke, x, &number, v);
		value_pin(ke);
		for (uint32_t j = 0; j < ke->kepts; j++)
			ke->kept[j].done = ke->kept[j].seen;
	}
	bool some = false;
	for (uint32_t i = 0; i < kernel->out_count; i++) {
		some |= is_long(r, kernel->out[i]);
		if (!is_long(r, kernel->out[i]))
			value_store(ke, kernel->to[i], &number, value_at(ke, kernel->out[i], &number));
	}
	value_pin(ke);
	int64_t length = r->row.dim[r->row.rank - 1];
	if (some)
		vector_loop(ke, l_word(ke->e, 0), l_word(ke->e, length), 1, length % ke->lanes == 0,
		            store_vector, r);
	value_unpin(ke);
	for (uint32_t j = 0; j < ke->kepts; j++)
		ke->kept[j].done = ke->kept[j].seen = false;
}

void kernel_row(KernelEmit *ke, V begin, V end, V scratch)
{
	Emit *e = ke->e;
	const Graph *g = e->k->graph;
	Rows r = {.ke = ke, .g = g, .index = {.lane_axis = -1}};
	r.row = node(g, node(g, ke->kernel->core)->in[0])->shape;
	open_kept(&r, scratch);
	V from, to;
	tile_range(ke, begin, end, shape_size(r.row) / r.row.dim[r.row.rank - 1], &from, &to);
	Loop loop;
	loop_begin(e, &loop, "row", from, to, l_word(e, 1), NULL, 0);
	value_forget(ke);
	V rest = loop.index;
	for (int i = r.row.rank - 2; i >= 0; i--) {
		V size = l_word(e, r.row.dim[i]);
		bool one = r.row.dim[i] == 1;
		r.index.at[i] = one ? l_word(e, 0) : i == 0 ? rest : LLVMBuildURem(e->b, rest, size, "");
		if (i > 0 && !one)
			rest = LLVMBuildUDiv(e->b, rest, size, "");
	}
	one_row(&r);
	loop_end(e, &loop, NULL);
	value_forget(ke);
}
