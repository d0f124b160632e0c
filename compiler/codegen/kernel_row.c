/* kernel_row.c: one row after the other: its folds in order, then what is as long as the row.
 *
 * In: a kernel whose folds reduce the last axis of one shape. Out: for every row, a loop a fold,
 * and one loop that stores the results. What the folds gave is known to all that comes after; a
 * value as long as the row that the schedule keeps (schedule/rows.c) waits in scratch. Memory is
 * read by the first loop; the others find the row in L1.
 * Rows of a few vectors are no loops: all that is computed stays in registers. The end of a fold is
 * a line of steps that wait for each other, so several such rows go side by side, fold by fold, and
 * take these steps together; the first fold of the next ones is done before the others of these.
 * Rows of a few elements, which would leave most of a vector empty, are its lanes. */
#include "nest.h"

enum { NARROW_CODE = 400 }; /* of rows that are lanes: operations for all elements */
enum { SIDE = 4, SIDE_VECTORS = 16 /* of short rows side by side: rows, vectors of all of them */ };

typedef struct Rows {
	KernelEmit *ke;
	const Graph *g;
	Shape row;
	bool is_short;
	int numbered; /* the axis along which all rows are counted, whatever it is; -1: none */
	Index index[SIDE], *at; /* the present rows; one of them: the last axis is the loops' */
	unsigned count;
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
	for (uint32_t i = 0; i < ke->kernel->kept_count && !r->is_short; i++) {
		V base = l_at(ke->e, ke->e->i8, scratch, l_word(ke->e, (int64_t)i * room));
		ke->kept[ke->kepts++] = (Kept){.node = ke->kernel->kept[i], .base = base};
	}
}

/* -- A row ------------------------------------------------------------------------------------- */

static void store_vector(KernelEmit *ke, void *context, V at, V mask)
{
	const Rows *r = context;
	Index index = *r->at;
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

static V place(const Rows *r, int64_t at)
{
	return l_word(r->ke->e, at);
}

/* The vectors of the present row, with the values that are as long as it. */
static void store_row(Rows *r)
{
	KernelEmit *ke = r->ke;
	int64_t length = r->row.dim[r->row.rank - 1], lanes = ke->lanes;
	if (!r->is_short) {
		V end = ke->row_end ? ke->row_end : place(r, length);
		vector_loop(ke, place(r, 0), end, 1, length % lanes == 0, store_vector, r);
		return;
	}
	for (int64_t at = 0; at < length; at += lanes) {
		bool whole = at + lanes <= length || lanes == 1;
		V mask = whole ? NULL : l_tail_mask(ke->e, ke->lanes, place(r, length - at));
		store_vector(ke, r, place(r, at), mask);
	}
}

/* Of numbers, one a row, that keep an axis of length 1. */
static Index number_of(const Rows *r, unsigned row)
{
	Index number = r->index[row];
	number.at[r->row.rank - 1] = place(r, 0);
	return number;
}

static void fold_rows(Rows *r, NodeId x)
{
	KernelEmit *ke = r->ke;
	V v[SIDE];
	if (r->is_short) {
		reduce_short_rows(ke, node(r->g, x), r->index, r->count, v);
	} else {
		v[0] = reduce_row(ke, node(r->g, x), r->index);
		value_forget(ke);
	}
	for (unsigned i = 0; i < r->count; i++) {
		Index number = number_of(r, i);
		value_define(ke, x, &number, v[i]);
	}
	if (!r->is_short)
		value_pin(ke);
	for (uint32_t j = 0; j < ke->kepts; j++)
		ke->kept[j].done = ke->kept[j].seen;
}

/* The folds from number `from` on, and what is stored. */
static void rows_at(Rows *r, uint32_t from)
{
	KernelEmit *ke = r->ke;
	const Kernel *kernel = ke->kernel;
	for (uint32_t i = from; i < kernel->fold_count; i++)
		fold_rows(r, kernel->fold[i]);
	bool some = false;
	for (unsigned j = 0; j < r->count; j++) {
		Index number = number_of(r, j);
		for (uint32_t i = 0; i < kernel->out_count; i++) {
			some |= is_long(r, kernel->out[i]);
			if (!is_long(r, kernel->out[i]))
				value_store(ke, kernel->to[i], &number, value_at(ke, kernel->out[i], &number));
		}
	}
	if (!r->is_short)
		value_pin(ke);
	for (unsigned j = 0; some && j < r->count; j++) {
		r->at = &r->index[j];
		store_row(r);
	}
	value_unpin(ke);
	for (uint32_t j = 0; j < ke->kepts; j++)
		ke->kept[j].done = ke->kept[j].seen = false;
}

/* Where row number `rest` is. */
static Index index_of(const Rows *r, V rest)
{
	Emit *e = r->ke->e;
	Index index = {.lane_axis = -1};
	for (int i = 0; r->numbered >= 0 && i < r->row.rank - 1; i++)
		index.at[i] = i == r->numbered ? rest : place(r, 0);
	for (int i = r->row.rank - 2; r->numbered < 0 && i >= 0; i--) {
		V size = place(r, r->row.dim[i]);
		bool one = r->row.dim[i] == 1;
		index.at[i] = one ? place(r, 0) : i == 0 ? rest : LLVMBuildURem(e->b, rest, size, "");
		if (i > 0 && !one)
			rest = LLVMBuildUDiv(e->b, rest, size, "");
	}
	return index;
}

static void go_to(Rows *r, V first, unsigned count)
{
	Emit *e = r->ke->e;
	r->count = count;
	for (unsigned i = 0; i < count; i++)
		r->index[i] = index_of(r, i ? LLVMBuildNSWAdd(e->b, first, place(r, i), "") : first);
}

/* Rows [from, to), which are none or a multiple of `count`. */
static void each_row(Rows *r, V from, V to, unsigned count)
{
	KernelEmit *ke = r->ke;
	Emit *e = ke->e;
	Loop loop;
	loop_begin(e, &loop, "row", from, to, place(r, count), NULL, 0);
	value_forget(ke);
	go_to(r, loop.index, count);
	rows_at(r, 0);
	loop_end(e, &loop, NULL);
	value_forget(ke);
}

static bool is_stored(const Rows *r, NodeId x)
{
	const KernelEmit *ke = r->ke;
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		if (ke->kernel->out[i] == x)
			return false;
	return ke->e->k->buffer_of[x] != 0;
}

/* Whether the first fold is of numbers in memory, or a step from there, and others wait for it: then it is
 * done a round before them, so that its end, a line of steps, has time. */
static bool folds_ahead(const Rows *r)
{
	enum { STEP = 4, FEW = 5 /* vectors, that are as well read twice */ };
	const Kernel *kernel = r->ke->kernel;
	NodeId x = node(r->g, kernel->fold[0])->in[0];
	const Node *n = node(r->g, x);
	bool near = op_info[n->op].kind == MAP && op_info[n->op].weight <= STEP &&
	            r->row.dim[r->row.rank - 1] <= (int64_t)FEW * r->ke->lanes;
	for (int i = 0; near && i < n->count; i++)
		near = is_stored(r, n->in[i]);
	return is_stored(r, x) || near;
}

/* As each_row, of some rows. */
static void each_row_ahead(Rows *r, V from, V to, unsigned count)
{
	KernelEmit *ke = r->ke;
	Emit *e = ke->e;
	const Node *first = node(r->g, ke->kernel->fold[0]);
	V v[SIDE], next[SIDE], step = place(r, count);
	go_to(r, from, count);
	reduce_short_rows(ke, first, r->index, count, v);
	Loop loop;
	loop_begin(e, &loop, "row", from, to, step, v, count);
	value_forget(ke);
	V last = LLVMBuildNSWSub(e->b, to, step, "");
	go_to(r, l_binary(e, "llvm.smin", LLVMBuildNSWAdd(e->b, loop.index, step, ""), last), count);
	reduce_short_rows(ke, first, r->index, count, next);
	value_forget(ke);
	go_to(r, loop.index, count);
	for (unsigned i = 0; i < count; i++) {
		Index number = number_of(r, i);
		value_define(ke, ke->kernel->fold[0], &number, loop.carry[i]);
	}
	rows_at(r, 1);
	loop_end(e, &loop, next);
	value_forget(ke);
}

/* -- Rows by their number ----------------------------------------------------------------------- */

/* The axis along which rows follow each other. */
static int rows_axis(const Rows *r)
{
	int axis = r->row.rank - 2;
	while (axis > 0 && r->row.dim[axis] == 1)
		axis--;
	return axis;
}

/* A number for each row, or as many as a row has for each. */
static bool is_of_rows(const Rows *r, Shape s)
{
	int64_t length = r->row.dim[r->row.rank - 1], rows = shape_size(r->row) / length;
	return shape_size(s) == rows || shape_size(s) == rows * length;
}

/* The axes of rows, in front: all as they are. */
static bool leads_with_rows(const Rows *r, Shape s)
{
	for (int i = 0; i + 1 < r->row.rank; i++)
		if (i >= s.rank || s.dim[i] != r->row.dim[i])
			return false;
	return is_of_rows(r, s);
}

/* The operand of a broadcast has all axes of rows, or none. */
static bool spreads_rows(const Rows *r, const Node *n)
{
	Shape from = node(r->g, n->in[0])->shape;
	bool same = leads_with_rows(r, from), none = true;
	for (int i = 0; i < from.rank; i++) {
		same &= n->attr.axes.at[i] == i;
		none &= from.dim[i] == 1 || n->attr.axes.at[i] + 1 == r->row.rank;
	}
	return same || none;
}

/* Whether x, of rows, is at the same row of its operands: one by one, or in memory. */
static bool stays_in_row(const Rows *r, NodeId x)
{
	const Node *n = node(r->g, x);
	Kind kind = op_info[n->op].kind;
	if (!leads_with_rows(r, n->shape))
		return false;
	if (n->op == OP_broadcast)
		return spreads_rows(r, n);
	if (n->op == OP_reshape)
		return leads_with_rows(r, node(r->g, n->in[0])->shape) && reshape_is_unit(r->g, n);
	return kind == MAP || kind == REDUCE || n->op == OP_constant;
}

/* Where nothing asks for a row but by its place among all, no index is divided: its number is enough. */
static int numbered_axis(const Rows *r)
{
	const KernelEmit *ke = r->ke;
	int axis = rows_axis(r);
	bool good = r->row.rank > 2;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId x = 1; good && x < r->g->count; x++) {
		const Node *n = node(r->g, x);
		if (computed[x] && is_of_rows(r, n->shape))
			good = stays_in_row(r, x);
		for (int i = 0; computed[x] && good && i < n->count; i++) {
			Shape s = node(r->g, n->in[i])->shape;
			good = !is_of_rows(r, s) || leads_with_rows(r, s);
		}
	}
	arena_reset(ke->e->c->arena, mark);
	return good ? axis : -1;
}

/* -- Narrow rows -------------------------------------------------------------------------------- */

static bool is_narrow(const Rows *r)
{
	const KernelEmit *ke = r->ke;
	int64_t length = r->row.dim[r->row.rank - 1];
	bool random;
	if (r->row.rank < 2 || ke->e->c->machine->bare || length > NEAR || ke->kernel->chain)
		return false;
	int64_t rows = r->row.dim[rows_axis(r)];
	return rows / blocks_of(rows, ke->lanes) > length &&
	       body_size(ke, &random) * (unsigned)length <= NARROW_CODE;
}

/* A vector of rows: all that is computed is in straight line, element by element. */
static void narrow_vector(KernelEmit *ke, void *context, V at, V mask)
{
	Rows *r = context;
	const Kernel *kernel = ke->kernel;
	int last = r->row.rank - 1, axis = rows_axis(r);
	Index number = number_of(r, 0);
	number.at[axis] = at;
	number.lane_axis = axis;
	number.lane_step = 1;
	number.mask = mask;
	for (uint32_t i = 0; i < kernel->fold_count; i++) {
		const Node *fold = node(r->g, kernel->fold[i]);
		V v = l_splat(ke->e, fold_identity(ke->e, fold), ke->lanes);
		for (int64_t j = 0; j < r->row.dim[last]; j++) {
			Index element = number;
			element.at[last] = place(r, j);
			v = fold_two(ke->e, fold, v, value_vector(ke, fold->in[0], &element));
		}
		value_define(ke, kernel->fold[i], &number, v);
	}
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (!is_long(r, kernel->out[i]))
			value_store(ke, kernel->to[i], &number, value_at(ke, kernel->out[i], &number));
	value_store_channels(ke, &number, last, r->row.dim[last]);
}

/* Rows [from, to) of all: those of one place along the axes before that of the rows, then the next. */
static void narrow_rows(Rows *r, V from, V to)
{
	KernelEmit *ke = r->ke;
	Emit *e = ke->e;
	int64_t rows = r->row.dim[rows_axis(r)], tile = ke->kernel->tile;
	V size = place(r, rows), past = LLVMBuildNSWAdd(e->b, to, place(r, rows - 1), "");
	If some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, from, to, ""));
	Loop loop;
	loop_begin(e, &loop, "rows", LLVMBuildUDiv(e->b, from, size, ""),
	           LLVMBuildUDiv(e->b, past, size, ""), place(r, 1), NULL, 0);
	value_forget(ke);
	V first = LLVMBuildNSWMul(e->b, loop.index, size, "");
	r->index[0] = index_of(r, first);
	V low = l_binary(e, "llvm.smax", LLVMBuildNSWSub(e->b, from, first, ""), place(r, 0)),
	  high = l_binary(e, "llvm.smin", LLVMBuildNSWSub(e->b, to, first, ""), size);
	bool exact = rows % ke->lanes == 0 && (ke->kernel->tiles == 1 || tile % ke->lanes == 0);
	vector_loop(ke, low, high, 1, exact, narrow_vector, r);
	loop_end(e, &loop, NULL);
	if_end(ke, some);
}

void kernel_row(KernelEmit *ke, V begin, V end, V scratch)
{
	Emit *e = ke->e;
	const Graph *g = e->k->graph;
	Rows r = {.ke = ke, .g = g, .numbered = -1};
	r.row = node(g, node(g, ke->kernel->core)->in[0])->shape;
	r.is_short = reduce_is_short(ke, r.row) && !ke->kernel->hidden; /* else rows end anywhere */
	open_kept(&r, scratch);
	V from, to;
	tile_range(ke, begin, end, shape_size(r.row) / r.row.dim[r.row.rank - 1], &from, &to);
	if (is_narrow(&r)) {
		narrow_rows(&r, from, to);
		return;
	}
	r.numbered = numbered_axis(&r);
	if (ke->kernel->hidden) {
		V rows = l_word(e, ke->kernel->chain->rows), first = LLVMBuildURem(e->b, from, rows, "");
		ke->row_end = hidden_from(ke, first, r.row.dim[r.row.rank - 1]);
	}
	if (!r.is_short) {
		each_row(&r, from, to, 1);
		return;
	}
	int64_t side = SIDE_VECTORS / blocks_of(r.row.dim[r.row.rank - 1], ke->lanes);
	side = side > SIDE ? SIDE : side;
	V count = LLVMBuildNSWSub(e->b, to, from, "");
	V rest = LLVMBuildURem(e->b, count, place(&r, side), "");
	V middle = LLVMBuildNSWSub(e->b, to, rest, "");
	If some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, from, middle, ""));
	if (folds_ahead(&r))
		each_row_ahead(&r, from, middle, (unsigned)side);
	else
		each_row(&r, from, middle, (unsigned)side);
	if_end(ke, some);
	some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, middle, to, ""));
	each_row(&r, middle, to, 1);
	if_end(ke, some);
}
