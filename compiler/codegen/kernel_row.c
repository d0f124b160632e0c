/* kernel_row.c: one row after the other: its folds in order, then what is as long as the row.
 *
 * In: a kernel whose folds reduce the last axis of one shape. Out: for every row, a loop a fold,
 * and one loop that stores the results. What the folds gave is known to all that comes after; a
 * value as long as the row that is dear and used by more than one loop is kept in scratch. Memory
 * is read by the first loop; the others find the row in L1. */
#include "nest.h"

#include <string.h>

enum { DEAR = 4 /* as a division is */ };

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

static bool is_fold(const Rows *r, NodeId x)
{
	for (uint32_t i = 0; i < r->ke->kernel->fold_count; i++)
		if (r->ke->kernel->fold[i] == x)
			return true;
	return false;
}

static bool is_out(const Rows *r, NodeId x)
{
	for (uint32_t i = 0; i < r->ke->kernel->out_count; i++)
		if (r->ke->kernel->out[i] == x)
			return true;
	return false;
}

/* -- What is kept ------------------------------------------------------------------------------ */

/* Counts, for every node that a loop computes, the loops that do. */
static void count_loops(const Rows *r, NodeId x, uint8_t *loops, uint8_t *last, uint8_t loop)
{
	bool here = r->ke->e->k->buffer_of[x] == 0 || is_out(r, x);
	if (!here || is_fold(r, x) || last[x] == loop)
		return;
	last[x] = loop;
	loops[x]++;
	for (int i = 0; i < node(r->g, x)->count; i++)
		count_loops(r, node(r->g, x)->in[i], loops, last, loop);
}

/* Of a chain of dear values the last that several loops need is enough. */
static void choose_kept(Rows *r, V scratch)
{
	KernelEmit *ke = r->ke;
	const Kernel *kernel = ke->kernel;
	uint8_t *loops = new_array(ke->e->c->arena, uint8_t, r->g->count);
	uint8_t *last = new_array(ke->e->c->arena, uint8_t, r->g->count);
	for (uint32_t i = 0; i < kernel->fold_count; i++)
		count_loops(r, node(r->g, kernel->fold[i])->in[0], loops, last, (uint8_t)(i + 1));
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (is_long(r, kernel->out[i]))
			count_loops(r, kernel->out[i], loops, last, MAX_FOLDS + 1);
	int64_t length = r->row.dim[r->row.rank - 1], room = ((length + 63) / 64 * 64 + 64) * 8;
	uint32_t most = (uint32_t)((int64_t)kernel->scratch / room);
	for (NodeId x = r->g->count - 1; x > 0 && ke->kepts < most; x--) {
		const Node *n = node(r->g, x);
		DType t = n->type;
		if (loops[x] < 2 || !is_long(r, x) || (t != DTYPE_f32 && t != DTYPE_f64) ||
		    op_info[n->op].kind != MAP || op_info[n->op].weight < DEAR)
			continue;
		V base = l_at(ke->e, ke->e->i8, scratch, l_word(ke->e, (int64_t)ke->kepts * room));
		ke->kept[ke->kepts++] = (Kept){.node = x, .base = base};
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
	choose_kept(&r, scratch);
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
