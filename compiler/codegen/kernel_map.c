/* kernel_map.c: a loop over elements. Flat: one loop over the row-major index. Else a nest of
 * loops, vectors along one axis: the innermost, unless it is short and another is long. */
#include "nest.h"

enum { SMALL_BODY = 24 };

static void flat_body(KernelEmit *ke, void *context, V at, V mask)
{
	(void)context;
	Index index = {.at = {at}, .lane_axis = 0, .lane_step = 1, .mask = mask, .flat = true};
	value_store_outs(ke, &index);
}

static bool divides(const KernelEmit *ke, int64_t count, unsigned unroll)
{
	int64_t round = (int64_t)ke->lanes * unroll;
	return count % round == 0 && (ke->kernel->tiles == 1 || ke->kernel->tile % round == 0);
}

static void map_flat(KernelEmit *ke, V begin, V end, int64_t size)
{
	V from, to;
	unsigned unroll = body_size(ke) <= SMALL_BODY && size >= 4 * ke->lanes ? 2 : 1;
	tile_range(ke, begin, end, size, &from, &to);
	vector_loop(ke, from, to, unroll, divides(ke, size, unroll), flat_body, NULL);
}

typedef struct Nest {
	Shape shape;
	int vector_axis;
	Index index;
	V begin, end;
} Nest;

static int choose_vector_axis(const KernelEmit *ke, Shape s)
{
	int last = s.rank - 1, best = last;
	if (s.dim[last] >= ke->lanes / 2 || s.dim[last] >= 8)
		return last;
	for (int i = last - 1; i >= 0; i--)
		if (s.dim[i] > s.dim[best] && s.dim[i] >= ke->lanes)
			best = i;
	return best;
}

static void nest_vector(KernelEmit *ke, void *context, V at, V mask)
{
	Nest *n = context;
	Index index = n->index;
	index.at[n->vector_axis] = at;
	index.lane_axis = n->vector_axis;
	index.lane_step = 1;
	index.mask = mask;
	value_store_outs(ke, &index);
}

/* Axis `axis` and all behind it, but the vector axis, which is innermost. */
static void nest_axis(KernelEmit *ke, Nest *n, int axis)
{
	V from, to;
	if (axis == n->vector_axis)
		axis++;
	bool innermost = axis >= n->shape.rank;
	int at = innermost ? n->vector_axis : axis;
	if (at == 0) {
		tile_range(ke, n->begin, n->end, n->shape.dim[0], &from, &to);
	} else {
		from = l_i64(ke->e, 0);
		to = l_i64(ke->e, n->shape.dim[at]);
	}
	if (innermost) {
		vector_loop(ke, from, to, 1,
		            n->shape.dim[at] % ke->lanes == 0 &&
		                divides(ke, at == 0 ? n->shape.dim[0] : ke->lanes, 1),
		            nest_vector, n);
		return;
	}
	Loop loop;
	loop_begin(ke->e, &loop, "axis", from, to, l_i64(ke->e, 1), NULL, 0);
	value_forget(ke);
	n->index.at[at] = loop.index;
	nest_axis(ke, n, axis + 1);
	loop_end(ke->e, &loop, NULL);
	value_forget(ke);
}

void kernel_map(KernelEmit *ke, V begin, V end, V scratch)
{
	(void)scratch;
	Shape s = node(ke->e->k->graph, ke->kernel->out[0])->shape;
	if (s.rank == 0) {
		value_store_outs(ke, &(Index){.lane_axis = -1});
	} else if (ke->kernel->flat) {
		map_flat(ke, begin, end, shape_size(s));
	} else {
		Nest n = {.shape = s,
		          .vector_axis = choose_vector_axis(ke, s),
		          .begin = begin,
		          .end = end,
		          .index = {.lane_axis = -1}};
		nest_axis(ke, &n, 0);
	}
}
