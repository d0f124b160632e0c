/* short_rows.c: folds over rows of a few vectors, in one straight line of code, several rows side by side.
 *
 * In: a fold over the last axis, and rows. Out: of each its result, a scalar, with the order of sums that
 * each has by itself. */
#include "emit.h"

enum { MOST_SUMS = 4, MOST_BESIDE = 8 /* vectors of sums; rows */ };

bool reduce_is_short(const KernelEmit *ke, Shape row)
{
	return row_is_short(row, ke->lanes) && !ke->e->c->machine->bare;
}

/* Vector number i of a row; what is behind its end changes nothing. */
static V vector_of(KernelEmit *ke, const Node *core, const Index *row, unsigned i)
{
	Emit *e = ke->e;
	Shape from = node(e->k->graph, core->in[0])->shape;
	int64_t at = (int64_t)i * ke->lanes, length = from.dim[from.rank - 1];
	bool whole = at + ke->lanes <= length || ke->lanes == 1;
	Index index = *row;
	index.at[from.rank - 1] = l_word(e, at);
	index.lane_axis = from.rank - 1;
	index.lane_step = 1;
	index.mask = whole ? NULL : l_tail_mask(e, ke->lanes, l_word(e, length - at));
	V v = value_vector(ke, core->in[0], &index), none = fold_identity(e, core);
	return whole ? v : l_select(e, index.mask, v, l_splat(e, none, ke->lanes));
}

/* One vector is left. odd: where a NaN was. */
static V short_row(KernelEmit *ke, const Node *core, const Index *row, V *odd)
{
	Emit *e = ke->e;
	Shape from = node(e->k->graph, core->in[0])->shape;
	bool asks = fold_asks_nan(core);
	FoldTwo *two = asks ? fold_larger : fold_two;
	V start = l_splat(e, fold_identity(e, core), ke->lanes), sums[MOST_SUMS] = {NULL};
	for (unsigned i = 0; (int64_t)i * ke->lanes < from.dim[from.rank - 1]; i++) {
		V v = vector_of(ke, core, row, i), *sum = &sums[i % MOST_SUMS];
		if (asks) {
			V one = LLVMBuildFCmp(e->b, LLVMRealUNO, v, v, "");
			*odd = *odd ? LLVMBuildOr(e->b, *odd, one, "") : one;
		}
		*sum = *sum ? two(e, core, *sum, v) : i || asks ? v : fold_two(e, core, start, v);
	}
	for (unsigned i = 1; i < MOST_SUMS && sums[i]; i++)
		sums[0] = two(e, core, sums[0], sums[i]);
	return sums[0];
}

void reduce_short_rows(KernelEmit *ke, const Node *core, const Index *row, unsigned count, V *v)
{
	V odd[MOST_BESIDE] = {NULL};
	for (unsigned i = 0; i < count; i++)
		v[i] = short_row(ke, core, &row[i], &odd[i]);
	fold_lanes_beside(ke->e, core, v, odd, count);
}
