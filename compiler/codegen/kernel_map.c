/* kernel_map.c: a loop over elements. Flat: one loop over the row-major index. Else a nest of
 * loops, vectors along one axis: the innermost, unless it is short and another is long. Axes at the
 * end that nothing tells apart, as where a number for each sample meets images, are one axis. A
 * concatenation is a nest a part, or, if its parts have length 1, unrolled. */
#include "nest.h"
#include "spot.h"

enum {
	MOST_PHASES = 4,
	MOST_ROWS = 8,  /* that are done together, */
	DEEPEST = 8,    /* operations behind each other, of an index */
	LINE_ROWS = 16, /* where they are read from lines that they share */
	SMALL_BODY = 24,
	LARGE_BODY = 256,
	SMALL_STRETCH = 16, /* LARGE_BODY where code must be small */
};

/* The axis along which lanes run: none, if there is but one. */
static int lane_axis(const KernelEmit *ke, int axis)
{
	return ke->lanes > 1 ? axis : -1;
}

static void flat_body(KernelEmit *ke, void *context, V at, V mask)
{
	(void)context;
	Index index = {
	    .at = {at}, .lane_axis = lane_axis(ke, 0), .lane_step = 1, .mask = mask, .flat = true};
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
	bool random, aligned = ke->kernel->tiles == 1 || ke->kernel->tile % 64 == 0;
	unsigned body = body_size(ke, &random);
	unsigned unroll = body <= SMALL_BODY && ke->lanes > 1 && size >= 4 * ke->lanes ? 2 : 1;
	bool loops = ke->e->c->machine->bare; /* over blocks of a stretch: see vector_loop */
	unsigned at_once = loops ? STRETCH / STRETCH_BLOCKS : STRETCH / ke->lanes;
	if (random && aligned && size >= STRETCH &&
	    body * at_once <= (loops ? SMALL_STRETCH : LARGE_BODY))
		unroll = STRETCH / ke->lanes;
	tile_range(ke, begin, end, size, &from, &to);
	vector_loop(ke, from, to, unroll, divides(ke, size, unroll), flat_body, NULL);
}

typedef struct Nest {
	Shape shape; /* of the loops */
	int vector_axis;
	unsigned unrolled; /* a bit an axis: no loop, all places one after the other */
	int64_t channels;  /* of a pixel, if all are in memory behind each other; else 0 */
	int row_axis; /* rows along it are done together, as they share places, or lines; -1: none */
	unsigned most_rows;
	int64_t rows; /* so many, at present */
	int64_t phases[MAX_RANK];
	Index index;
	V begin, end;
	/* Of a concatenation that is stored: a part, which starts at `offset` of axis `axis`. */
	NodeId part;
	int axis;
	int64_t offset;
} Nest;

static bool is_unrolled(const Nest *n, int axis)
{
	return n->unrolled >> axis & 1;
}

/* Elements that a vector along an axis holds on average, for the time that it takes to bring them: far
 * lanes are loaded one by one, those on lines of their own from as many. */
static double lanes_worth(const KernelEmit *ke, Shape s, int axis)
{
	enum { LINE = 16 };
	int64_t step = 1;
	for (int i = axis + 1; i < s.rank; i++)
		step *= s.dim[i];
	double used = (double)s.dim[axis] / (double)blocks_of(s.dim[axis], ke->lanes);
	return used / (step == 1 ? 1 : step <= PIXEL ? 2 : step <= NEAR ? 4 : step < LINE ? 6 : 10);
}

/* The last axis, or of short rows the one before it that is worth most. */
static int choose_vector_axis(const KernelEmit *ke, Shape s)
{
	int last = shape_long_axis(s), best = last;
	if (s.dim[last] >= ke->lanes / 2 || s.dim[last] >= 8)
		return last;
	for (int i = last - 1; i >= 0; i--)
		if (s.dim[i] > s.dim[last] && !(ke->kernel->unrolled >> i & 1) &&
		    lanes_worth(ke, s, i) > lanes_worth(ke, s, best))
			best = i;
	return best;
}

/* The axis of rows that gather at the same places: found for one, they hold for others. */
static int shared_axis(const KernelEmit *ke, const Nest *n)
{
	const Kernels *k = ke->e->k;
	int axis = n->vector_axis - 1;
	bool found = false;
	while (axis > 0 && n->shape.dim[axis] == 1)
		axis--;
	if (axis < 0 || axis == ke->kernel->tile_axis || n->part || (n->unrolled >> axis & 1))
		return -1;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId x = 1; x < k->graph->count && !found; x++) {
		const Node *g = node(k->graph, x);
		found = computed[x] && g->op == OP_gather && g->attr.axis == 0 &&
		        shape_equal(g->shape, n->shape) &&
		        node(k->graph, g->in[1])->shape.rank > n->vector_axis &&
		        gather_is_near(ke, g->type, node(k->graph, g->in[0])->shape) &&
		        gather_row(k->graph, g, axis, n->vector_axis);
	}
	arena_reset(ke->e->c->arena, mark);
	return found ? axis : -1;
}

/* The axis along which lie the neighbours of what is read turned: a line has what as many rows want. */
static int turned_axis(const KernelEmit *ke, const Nest *n)
{
	const Kernels *k = ke->e->k;
	int axis = -1;
	if (n->part || ke->e->c->machine->bare || n->shape.dim[n->vector_axis] < LINE_ROWS)
		return -1;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId x = 1; x < k->graph->count && axis < 0; x++) {
		const Node *t = node(k->graph, x);
		if (!computed[x] || t->op != OP_transpose || !shape_equal(t->shape, n->shape) ||
		    !k->buffer_of[t->in[0]])
			continue;
		for (int i = 0; i < n->vector_axis; i++)
			if (t->attr.axes.at[i] + 1 == t->shape.rank && t->shape.dim[i] >= LINE_ROWS &&
			    !(n->unrolled >> i & 1))
				axis = i;
	}
	arena_reset(ke->e->c->arena, mark);
	return axis;
}

/* Nodes of the body where all places of the last axis are unrolled: what is the same for all, once. */
static unsigned unrolled_size(const KernelEmit *ke, Shape s, int last)
{
	const Kernels *k = ke->e->k;
	unsigned size = 0;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId x = 1; x < k->graph->count; x++) {
		Shape own = node(k->graph, x)->shape;
		bool one = own.rank <= last || own.dim[last] == 1;
		size += !computed[x] ? 0 : one ? 1 : (unsigned)s.dim[last];
	}
	arena_reset(ke->e->c->arena, mark);
	return size;
}

/* How the loops over n->shape run. Few places behind the lanes (channels of a pixel) are unrolled,
 * as they share what does not depend on them. */
static void choose_loops(const KernelEmit *ke, Nest *n)
{
	int last = shape_long_axis(n->shape);
	n->vector_axis = choose_vector_axis(ke, n->shape);
	/* of a part all other axes may be 1 long */
	n->unrolled = ke->kernel->unrolled & ~(1u << n->vector_axis);
	if (n->vector_axis == last - 1 && ke->kernel->tile_axis != last &&
	    n->shape.dim[last] <= PIXEL && !ke->e->c->machine->bare &&
	    unrolled_size(ke, n->shape, last) <= LARGE_BODY)
		n->unrolled |= 1u << last;
	bool channels = n->unrolled == 1u << last && last == n->shape.rank - 1 && !n->part;
	n->channels = channels && n->vector_axis == last - 1 ? n->shape.dim[last] : 0;
	n->row_axis = ke->lanes > 1 ? shared_axis(ke, n) : -1;
	n->most_rows = MOST_ROWS;
	if (ke->lanes > 1 && n->row_axis < 0)
		n->row_axis = turned_axis(ke, n), n->most_rows = LINE_ROWS;
	n->rows = 1;
}

static void nest_element(KernelEmit *ke, const Nest *n, const Index *index)
{
	if (!n->part) {
		value_store_outs(ke, index);
		return;
	}
	V v = value_at(ke, n->part, index), offset = l_word(ke->e, n->offset);
	Index whole = *index;
	whole.at[n->axis] = LLVMBuildNSWAdd(ke->e->b, index->at[n->axis], offset, "");
	value_store(ke, ke->kernel->to[0], &whole, v);
}

/* All places along the unrolled axes from `axis` on. */
static void nest_places(KernelEmit *ke, const Nest *n, Index *index, int axis)
{
	while (axis < n->shape.rank && !is_unrolled(n, axis))
		axis++;
	if (axis == n->shape.rank) {
		nest_element(ke, n, index);
		return;
	}
	for (int64_t i = 0; i < n->shape.dim[axis]; i++) {
		index->at[axis] = l_word(ke->e, i);
		nest_places(ke, n, index, axis + 1);
	}
}

static void nest_vector(KernelEmit *ke, void *context, V at, V mask)
{
	const Nest *n = context;
	Index index = n->index;
	index.at[n->vector_axis] = at;
	index.lane_axis = lane_axis(ke, n->vector_axis);
	index.lane_step = 1;
	index.mask = mask;
	for (int64_t i = 0; i < n->rows; i++) {
		if (n->rows > 1)
			index.at[n->row_axis] = index_add(ke->e, n->index.at[n->row_axis], l_word(ke->e, i));
		if (n->channels && ke->lanes > 1)
			value_store_channels(ke, &index, n->shape.rank - 1, n->channels);
		else
			nest_places(ke, n, &index, 0);
	}
}

/* What a loop over an axis does of it in this call: tiles cut one. */
static void axis_range(KernelEmit *ke, const Nest *n, int axis, V *from, V *to)
{
	Emit *e = ke->e;
	V zero = l_word(e, 0), offset = l_word(e, n->offset), length = l_word(e, n->shape.dim[axis]);
	*from = zero;
	*to = length;
	if (axis != ke->kernel->tile_axis)
		return;
	Shape whole = node(e->k->graph, ke->kernel->out[0])->shape;
	tile_range(ke, n->begin, n->end, whole.dim[axis], from, to);
	if (!n->part || n->axis != axis)
		return;
	*from = l_binary(e, "llvm.smax", LLVMBuildNSWSub(e->b, *from, offset, ""), zero);
	*to = l_binary(e, "llvm.smin", LLVMBuildNSWSub(e->b, *to, offset, ""), length);
}

/* Places of a loop over an axis that are each a body of their own: where what is computed has elements
 * at every so-manieth place, as the phases of a stride, a body knows which of them it is in. */
static void find_phases(const KernelEmit *ke, Nest *n)
{
	const Kernels *k = ke->e->k;
	for (int i = 0; i < n->shape.rank; i++)
		n->phases[i] = 1;
	if (n->part || ke->e->c->machine->bare)
		return;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId x = 1; x < k->graph->count; x++) {
		const Node *at = node(k->graph, x);
		for (int i = 0; computed[x] && at->op == OP_pad && i < n->shape.rank; i++) {
			int64_t by = at->attr.pad.inner[i] + 1;
			n->phases[i] = by > n->phases[i] ? by : n->phases[i];
		}
	}
	arena_reset(ke->e->c->arena, mark);
	for (int i = 0; i < n->shape.rank; i++)
		if (n->phases[i] > MOST_PHASES || n->phases[i] > n->shape.dim[i] ||
		    i == ke->kernel->tile_axis)
			n->phases[i] = 1;
}

static void nest_axis(KernelEmit *ke, Nest *n, int axis);

/* The loop over rows [from, to), so many at a time. */
static void nest_together(KernelEmit *ke, Nest *n, int axis, V from, V to, unsigned rows)
{
	Emit *e = ke->e;
	Loop loop;
	loop_begin(e, &loop, "rows", from, to, l_word(e, rows), NULL, 0);
	value_forget(ke);
	n->index.at[axis] = loop.index;
	n->rows = rows;
	nest_axis(ke, n, axis + 1);
	loop_end(e, &loop, NULL);
	value_forget(ke);
}

/* Some rows at a time, then half as many of those that are left; of a tile's, then one. */
static void nest_rows(KernelEmit *ke, Nest *n, int axis, V from, V to)
{
	Emit *e = ke->e;
	bool random, tiled = axis == ke->kernel->tile_axis;
	unsigned body = body_size(ke, &random), most = n->most_rows;
	int64_t length = n->shape.dim[axis], done = 0;
	while (most > 1 && body * most > LARGE_BODY)
		most /= 2;
	V count = LLVMBuildNSWSub(e->b, to, from, ""), size = l_word(e, most);
	V whole = LLVMBuildNSWSub(e->b, count, LLVMBuildSRem(e->b, count, size, ""), "");
	V middle = LLVMBuildNSWAdd(e->b, from, whole, "");
	for (unsigned rows = most; !tiled && rows > 0; rows /= 2) {
		int64_t end = length / rows * rows;
		if (end == done)
			continue;
		nest_together(ke, n, axis, l_word(e, done), l_word(e, end), rows);
		done = end;
	}
	If some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, from, middle, ""));
	if (tiled)
		nest_together(ke, n, axis, from, middle, most);
	if_end(ke, some);
	some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, middle, to, ""));
	if (tiled)
		nest_together(ke, n, axis, middle, to, 1);
	if_end(ke, some);
	n->rows = 1;
}

/* The loop over [from, to) of an axis, so many places at a time; those that are left have no loop. */
static void nest_loop(KernelEmit *ke, Nest *n, int axis, V from, V to, int64_t phases)
{
	Emit *e = ke->e;
	int64_t rounds = n->shape.dim[axis] / phases, rest = n->shape.dim[axis] % phases;
	Loop loop;
	if (phases > 1)
		from = l_word(e, 0), to = l_word(e, rounds);
	If some = if_begin(ke, LLVMBuildICmp(e->b, LLVMIntSLT, from, to, ""));
	loop_begin(e, &loop, "axis", from, to, l_word(e, 1), NULL, 0);
	value_forget(ke);
	V first = index_scale(e, loop.index, phases);
	for (int64_t i = 0; i < phases; i++) {
		n->index.at[axis] = index_add(e, first, l_word(e, i));
		nest_axis(ke, n, axis + 1);
	}
	loop_end(e, &loop, NULL);
	if_end(ke, some);
	for (int64_t i = 0; phases > 1 && i < rest; i++) {
		n->index.at[axis] = l_word(e, rounds * phases + i);
		nest_axis(ke, n, axis + 1);
	}
}

/* Vectors at a time along rows that are whole stretches, where these share random words; else 1. */
static unsigned stretch_of_rows(const KernelEmit *ke, const Nest *n)
{
	int last = n->shape.rank - 1;
	bool random, places = n->unrolled || n->rows > 1 || n->part || ke->e->c->machine->bare;
	if (places || n->vector_axis != last || last == ke->kernel->tile_axis ||
	    n->shape.dim[last] % STRETCH || ke->lanes < 2)
		return 1;
	unsigned most = STRETCH / ke->lanes, body = body_size(ke, &random);
	return random && body * most <= LARGE_BODY ? most : 1;
}

/* Axis `axis` and all behind it, but the vector axis, which is innermost. */
static void nest_axis(KernelEmit *ke, Nest *n, int axis)
{
	V from, to;
	while (axis < n->shape.rank && (axis == n->vector_axis || is_unrolled(n, axis)))
		axis++;
	bool innermost = axis >= n->shape.rank;
	int at = innermost ? n->vector_axis : axis;
	axis_range(ke, n, at, &from, &to);
	if (innermost) {
		unsigned unroll = stretch_of_rows(ke, n);
		ke->stretch.in_rows = unroll > 1;
		vector_loop(
		    ke, from, to, unroll,
		    n->shape.dim[at] % ke->lanes == 0 &&
		        (at != ke->kernel->tile_axis || (!n->part && divides(ke, n->shape.dim[at], 1))),
		    nest_vector, n);
		ke->stretch.in_rows = false;
		return;
	}
	if (at == n->row_axis)
		nest_rows(ke, n, at, from, to);
	else
		nest_loop(ke, n, at, from, to, n->phases[at]);
}

/* -- Axes that are one ------------------------------------------------------------------------- */

static int one_behind(const KernelEmit *ke, NodeId x, int depth);

/* The axis from which on x, computed here, takes all as one; its rank if that cannot be. Behind it
 * the index of an element is its row-major one, as that of whatever lies in memory. */
static int one_from(const KernelEmit *ke, NodeId x)
{
	const Kernels *k = ke->e->k;
	const Node *n = node(k->graph, x);
	int from = 0;
	if (op_info[n->op].kind == MAP || n->op == OP_constant || n->op == OP_random)
		return 0;
	if (n->op == OP_gather && node(k->graph, n->in[0])->shape.rank == 1)
		return one_behind(ke, n->in[1], DEEPEST); /* as a map of its index */
	if (n->op == OP_iota)
		return (int)n->attr.axis + 1;
	if (n->op != OP_broadcast)
		return n->shape.rank;
	Shape s = node(k->graph, n->in[0])->shape;
	for (int i = 0; i < s.rank; i++)
		if (s.dim[i] != 1)
			from = n->attr.axes.at[i] + 1;
	return from;
}

/* The same of an index, and of what it is made of here. */
static int one_behind(const KernelEmit *ke, NodeId x, int depth)
{
	const Kernels *k = ke->e->k;
	const Node *n = node(k->graph, x);
	if (k->buffer_of[x])
		return 0;
	if (!depth)
		return n->shape.rank;
	int from = one_from(ke, x);
	for (int i = 0; op_info[n->op].kind == MAP && i < n->count; i++) {
		int own = one_behind(ke, n->in[i], depth - 1);
		from = own > from ? own : from;
	}
	return from;
}

/* Makes one axis of as many at the end as can be, in the shape of the loops. */
static void merge_axes(KernelEmit *ke, Nest *n)
{
	const Kernels *k = ke->e->k;
	int last = n->shape.rank - 1, from = ke->kernel->tile_axis + 1;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, false);
	for (NodeId x = 1; x < k->graph->count; x++) {
		if (!computed[x])
			continue;
		int own = shape_equal(node(k->graph, x)->shape, n->shape) ? one_from(ke, x) : last + 1;
		from = own > from ? own : from;
	}
	arena_reset(ke->e->c->arena, mark);
	for (int i = from; i <= last; i++)
		if (ke->kernel->unrolled >> i & 1)
			return;
	while (last > from && n->shape.dim[last] == 1) /* its index is 0 wherever it is read */
		last--;
	for (int i = from; i < last; i++) {
		n->shape.dim[last] *= n->shape.dim[i];
		n->shape.dim[i] = 1;
	}
}

/* Part after part, so that no element asks which one it is in; concatenations of concatenations
 * along the same axis are one. */
static void nest_parts(KernelEmit *ke, Nest *n, NodeId concat)
{
	const Kernels *k = ke->e->k;
	for (int i = 0; i < node(k->graph, concat)->count; i++) {
		NodeId part = node(k->graph, concat)->in[i];
		const Node *p = node(k->graph, part);
		if (p->op == OP_concat && (int)p->attr.axis == n->axis && !k->buffer_of[part]) {
			nest_parts(ke, n, part);
			continue;
		}
		n->part = part;
		n->shape = p->shape;
		choose_loops(ke, n);
		find_phases(ke, n);
		nest_axis(ke, n, 0);
		n->offset += p->shape.dim[n->axis];
	}
}

/* Few channels are unrolled, as all their places are known where code is made. */
static bool is_in_parts(const KernelEmit *ke, const Nest *n, const Node *out)
{
	Nest whole = *n;
	if (ke->kernel->out_count > 1 || out->op != OP_concat || ke->kernel->unrolled >> n->axis & 1)
		return false;
	choose_loops(ke, &whole);
	return !whole.channels || n->axis < n->shape.rank - 1;
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
		const Node *out = node(ke->e->k->graph, ke->kernel->out[0]);
		Nest n = {.shape = s, .begin = begin, .end = end, .index = {.lane_axis = -1}};
		n.axis = (int)out->attr.axis;
		if (is_in_parts(ke, &n, out)) {
			nest_parts(ke, &n, ke->kernel->out[0]);
		} else {
			merge_axes(ke, &n);
			choose_loops(ke, &n);
			find_phases(ke, &n);
			nest_axis(ke, &n, 0);
		}
		if (ke->kernel->streams)
			l_fence(ke->e);
	}
}
