/* spread.c: elements of a stored tensor, each repeated along the lanes: the channels of a group for all of its outputs
 * (passes/groups.c). Lanes begin at a multiple of the repeats, so that which lane takes what is known. */
#include "spot.h"

enum { MOST_VECTORS = 8 /* that are loaded for one */ };

static void move_axis(Index *to, int to_axis, const Index *from, int from_axis, int64_t step, V at)
{
	to->at[to_axis] = at;
	if (from_axis >= 0 && from->lane_axis == from_axis)
		to->lane_axis = to_axis, to->lane_step = from->lane_step * step;
}

/* Through a view; false: it is none. */
static bool look_through(Emit *e, const Node *n, Index *index)
{
	const Graph *g = e->k->graph;
	Index to = {.lane_axis = -1};
	int behind[MAX_RANK], rank = node(g, n->in[0])->shape.rank;
	if (n->op == OP_reshape && reshape_is_unit(g, n)) {
		reshape_unit_axes(g, n, behind);
		for (int i = 0; i < rank; i++)
			move_axis(&to, i, index, behind[i], 1,
			          behind[i] < 0 ? l_word(e, 0) : index->at[behind[i]]);
	} else if (n->op == OP_transpose) {
		for (int i = 0; i < rank; i++)
			move_axis(&to, n->attr.axes.at[i], index, i, 1, index->at[i]);
	} else if (n->op == OP_slice) {
		for (int i = 0; i < rank; i++) {
			int64_t step = n->attr.slice.step[i];
			V past = index_scale(e, index->at[i], step);
			move_axis(&to, i, index, i, step,
			          index_add(e, past, l_word(e, n->attr.slice.start[i])));
		}
	} else {
		return false;
	}
	*index = to;
	return true;
}

/* What is stored behind views; 0: it is behind something else. */
static NodeId find_stored(KernelEmit *ke, NodeId x, Index *index)
{
	const Kernels *k = ke->e->k;
	for (;; x = node(k->graph, x)->in[0]) {
		const Node *n = node(k->graph, x);
		if (k->buffer_of[x] || (n->op == OP_reshape && k->buffer_of[n->in[0]]))
			return x;
		if (!look_through(ke->e, n, index))
			return 0;
	}
}

V spread_load(KernelEmit *ke, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	const Node *wide = node(e->k->graph, n->in[0]);
	int last = n->shape.rank - 1;
	int64_t times = wide->shape.dim[last + 1];
	bool aligned = ke->aligned && index->at[last] == ke->aligned; /* and no view has moved it */
	if (!aligned || index->lane_step != 1 || ke->lanes % times || ke->lanes <= times)
		return NULL;
	Index to = *index;
	to.mask = NULL;
	to.at[last] = LLVMBuildExactSDiv(e->b, index->at[last], l_word(e, times), "");
	NodeId x = find_stored(ke, wide->in[0], &to);
	if (!x)
		return NULL;
	DType t = node(e->k->graph, x)->type;
	T element = l_memory_type(e, t);
	Spot spot = spot_of(e, node(e->k->graph, x)->shape, &to);
	int64_t lanes = ke->lanes, vectors = ((lanes / times - 1) * spot.step + lanes) / lanes;
	if (to.lane_axis < 0 || spot.step < 1 || vectors > MOST_VECTORS)
		return NULL;
	V at = l_address(e, element, spot_begin(ke, x), spot.linear);
	V v = near_load_runs(ke, element, type_info[t].size, at, spot.step, times, index->mask);
	return l_from_memory(e, t, v);
}
