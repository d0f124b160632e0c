/* value.c: the value of a node at an index: the heart of fusion.
 *
 * In: a node, and where (Index). A node with a buffer is loaded; another is computed from its
 * operands, whose indices follow from the view between them. So a kernel is emitted by asking for
 * its outs. What was emitted before in the same straight line of code is remembered (memo.c). */
#include "nest.h"
#include "spot.h"

#include <string.h>

static bool computed_here(const KernelEmit *ke, NodeId x)
{
	if (!ke->e->k->buffer_of[x] || x == ke->kernel->core)
		return true;
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		if (ke->kernel->out[i] == x)
			return true;
	return false;
}

/* -- Views: the operand's index ---------------------------------------------------------------- */

static Index index_empty(const Index *from)
{
	return (Index){.lane_axis = -1, .mask = from->mask};
}

static void take_axis(Index *to, int to_axis, const Index *from, int from_axis)
{
	to->at[to_axis] = from->at[from_axis];
	if (from->lane_axis == from_axis) {
		to->lane_axis = to_axis;
		to->lane_step = from->lane_step;
	}
}

static V value_broadcast(KernelEmit *ke, const Node *n, const Index *index)
{
	Shape from = node(ke->e->k->graph, n->in[0])->shape;
	Index to = index_empty(index);
	for (int i = 0; i < from.rank; i++) {
		if (from.dim[i] == 1 || index->flat) /* flat: x has one element */
			to.at[i] = l_word(ke->e, 0);
		else
			take_axis(&to, i, index, n->attr.axes.at[i]);
	}
	return value_at(ke, n->in[0], &to);
}

static V value_transpose(KernelEmit *ke, const Node *n, const Index *index)
{
	Index to = index_empty(index);
	for (int i = 0; i < n->shape.rank; i++)
		take_axis(&to, n->attr.axes.at[i], index, i);
	return value_at(ke, n->in[0], &to);
}

static V value_slice(KernelEmit *ke, const Node *n, const Index *index)
{
	Index to = *index;
	for (int i = 0; i < n->shape.rank; i++) {
		to.at[i] = index_add(ke->e, index_scale(ke->e, index->at[i], n->attr.slice.step[i]),
		                     l_word(ke->e, n->attr.slice.start[i]));
		if (i == to.lane_axis)
			to.lane_step *= n->attr.slice.step[i];
	}
	return value_at(ke, n->in[0], &to);
}

static V value_windows(KernelEmit *ke, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	int axis = (int)n->attr.window.axis, rank = n->shape.rank;
	int64_t stride = n->attr.window.stride, dilation = n->attr.window.dilation;
	Index to = index_empty(index);
	for (int i = 0; i < rank; i++)
		if (i != axis && i != axis + 1)
			take_axis(&to, i < axis ? i : i - 1, index, i);
	to.at[axis] = index_add(e, index_scale(e, index->at[axis], stride),
	                        index_scale(e, index->at[axis + 1], dilation));
	if (index->lane_axis == axis || index->lane_axis == axis + 1) {
		to.lane_axis = axis;
		to.lane_step = index->lane_step * (index->lane_axis == axis ? stride : dilation);
	}
	return value_at(ke, n->in[0], &to);
}

/* Each lane on its own, as scalars: what no vector form exists for. */
static V value_by_lane(KernelEmit *ke, NodeId x, const Index *index)
{
	Emit *e = ke->e;
	V v = LLVMConstNull(l_vector(l_type(e, node(e->k->graph, x)->type), ke->lanes));
	for (unsigned i = 0; i < ke->lanes; i++) {
		Index one = *index;
		int64_t last = (index->flat ? shape_size(node(e->k->graph, x)->shape)
		                            : node(e->k->graph, x)->shape.dim[index->lane_axis]) -
		               1;
		V at = index_add(e, index->at[index->lane_axis], l_word(e, (int64_t)i * index->lane_step));
		/* a lane that is masked off may lie outside: read something that is there */
		at = l_binary(e, "llvm.smax", l_binary(e, "llvm.smin", at, l_word(e, last)), l_word(e, 0));
		one.at[index->lane_axis] = at;
		one.lane_axis = -1;
		one.mask = NULL;
		v = LLVMBuildInsertElement(e->b, v, value_at(ke, x, &one), l_i32(e, (int32_t)i), "");
	}
	return v;
}

/* Each element of the operand several times along the last axis. */
static V value_spread(KernelEmit *ke, NodeId x, const Node *n, const Index *index)
{
	const Node *wide = node(ke->e->k->graph, n->in[0]);
	int last = n->shape.rank - 1;
	Index to = *index;
	V v = index->lane_axis == last ? spread_load(ke, n, index) : NULL;
	if (v || index->lane_axis == last)
		return v ? v : value_by_lane(ke, x, index);
	to.at[last] =
	    LLVMBuildSDiv(ke->e->b, index->at[last], l_word(ke->e, wide->shape.dim[last + 1]), "");
	return value_at(ke, wide->in[0], &to);
}

/* A stored operand is read by its row-major index; another has the same axes but for those of
 * length 1. */
static V value_reshape(KernelEmit *ke, NodeId x, const Node *n, const Index *index)
{
	const Node *from = node(ke->e->k->graph, n->in[0]);
	if (!index->flat && computed_here(ke, n->in[0]) && reshape_is_spread(ke->e->k->graph, n))
		return value_spread(ke, x, n, index);
	if (index->flat)
		return value_at(ke, n->in[0], index);
	if (!computed_here(ke, n->in[0]))
		return spot_load(ke, n->in[0], spot_of(ke->e, n->shape, index), index->mask);
	Index to = index_empty(index);
	int j = 0;
	for (int i = 0; i < from->shape.rank; i++) {
		to.at[i] = l_word(ke->e, 0);
		if (from->shape.dim[i] == 1)
			continue;
		while (n->shape.dim[j] == 1)
			j++;
		if (j >= n->shape.rank || n->shape.dim[j] != from->shape.dim[i])
			BUG("a reshape of a node that is not stored: %s", op_info[from->op].name);
		take_axis(&to, i, index, j++);
	}
	return value_at(ke, n->in[0], &to);
}

/* Whether coordinate `at` (with its lanes) is one that `from` has: low <= at < low + length. A
 * scalar or a vector. */
static V in_range(KernelEmit *ke, V at, bool lanes, int64_t lane_step, int64_t length)
{
	Emit *e = ke->e;
	V low = l_word(e, 0), high = l_word(e, length);
	if (lanes) {
		at = spot_lanes(ke, (Spot){.linear = at, .step = lane_step});
		low = l_splat_const(low, ke->lanes);
		high = l_splat_const(high, ke->lanes);
	}
	V above = LLVMBuildICmp(e->b, LLVMIntSGE, at, low, ""),
	  below = LLVMBuildICmp(e->b, LLVMIntSLT, at, high, "");
	return LLVMBuildAnd(e->b, above, below, "");
}

/* x and y as conditions, one of them perhaps a vector; NULL: true. */
static V both(KernelEmit *ke, V x, V y)
{
	if (!x || !y)
		return x ? x : y;
	unsigned lanes = l_lanes(x) > l_lanes(y) ? l_lanes(x) : l_lanes(y);
	return LLVMBuildAnd(ke->e->b, l_splat(ke->e, x, lanes), l_splat(ke->e, y, lanes), "");
}

/* x where the condition holds, else y; scalars are spread as needed. */
static V pick(KernelEmit *ke, V condition, V x, V y)
{
	unsigned lanes = l_lanes(condition);
	lanes = l_lanes(x) > lanes ? l_lanes(x) : lanes;
	lanes = l_lanes(y) > lanes ? l_lanes(y) : lanes;
	return l_select(ke->e, l_splat(ke->e, condition, lanes), l_splat(ke->e, x, lanes),
	                l_splat(ke->e, y, lanes));
}

static V constant_of(Emit *e, DType t, double value)
{
	T type = l_type(e, t);
	return type_info[t].is_float ? LLVMConstReal(type, value)
	                             : LLVMConstInt(type, (uint64_t)(int64_t)value, true);
}

/* What is left of a place that is divided by `by`, if the form of its sum tells. */
static bool rest_is_known(V at, int64_t by, int64_t *rest)
{
	int64_t sum = 0;
	while (!LLVMIsAConstantInt(at)) {
		V last =
		    LLVMIsAInstruction(at) && LLVMGetNumOperands(at) == 2 ? LLVMGetOperand(at, 1) : NULL;
		if (!last || !LLVMIsAConstantInt(last))
			return false;
		LLVMOpcode op = LLVMGetInstructionOpcode(at);
		int64_t number = LLVMConstIntGetSExtValue(last);
		if (op == LLVMMul && number % by == 0) {
			*rest = (sum % by + by) % by;
			return true;
		}
		if (op != LLVMAdd)
			return false;
		sum += number;
		at = LLVMGetOperand(at, 0);
	}
	*rest = ((sum + LLVMConstIntGetSExtValue(at)) % by + by) % by;
	return true;
}

static V value_pad(KernelEmit *ke, NodeId x, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	Shape from = node(e->k->graph, n->in[0])->shape;
	Index to = *index;
	V inside = NULL;
	if (index->lane_axis >= 0 && n->attr.pad.inner[index->lane_axis])
		return value_by_lane(ke, x, index);
	for (int i = 0; i < n->shape.rank; i++) {
		int64_t stride = n->attr.pad.inner[i] + 1;
		bool lanes = i == index->lane_axis;
		if (from.dim[i] == n->shape.dim[i] && !n->attr.pad.low[i]) /* nothing is around it */
			continue;
		V at = index_add(e, index->at[i], l_word(e, -n->attr.pad.low[i]));
		V good = in_range(ke, at, lanes, index->lane_step, (from.dim[i] - 1) * stride + 1);
		int64_t known = 0;
		bool meets = stride > 1 && !lanes && rest_is_known(at, stride, &known);
		if (meets && known) /* between two elements */
			return constant_of(e, n->type, n->attr.pad.value);
		if (meets) {
			at = LLVMBuildExactSDiv(e->b, at, l_word(e, stride), "");
		} else if (stride > 1) {
			V rest = LLVMBuildSRem(e->b, at, l_word(e, stride), "");
			good = LLVMBuildAnd(e->b, good, LLVMBuildICmp(e->b, LLVMIntEQ, rest, l_word(e, 0), ""),
			                    "");
			at = LLVMBuildSDiv(e->b, at, l_word(e, stride), "");
		}
		to.at[i] = lanes ? at : l_select(e, good, at, l_word(e, 0));
		inside = both(ke, inside, good);
	}
	if (inside && index->lane_axis >= 0)
		to.mask = both(ke, index->mask, l_splat(e, inside, ke->lanes));
	V v = value_at(ke, n->in[0], &to);
	return inside ? pick(ke, inside, v, constant_of(e, n->type, n->attr.pad.value)) : v;
}

static V value_concat(KernelEmit *ke, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	int axis = (int)n->attr.axis;
	bool lanes = index->lane_axis == axis, known = !lanes && LLVMIsAConstantInt(index->at[axis]);
	int64_t place = known ? LLVMConstIntGetSExtValue(index->at[axis]) : 0;
	V v = NULL;
	int64_t offset = 0;
	for (int i = 0; i < n->count; i++) {
		int64_t length = node(e->k->graph, n->in[i])->shape.dim[axis];
		Index to = *index;
		if (known && place < offset + length) {
			to.at[axis] = l_word(e, place - offset);
			return value_at(ke, n->in[i], &to);
		}
		V at = index_add(e, index->at[axis], l_word(e, -offset));
		V good = in_range(ke, at, lanes, index->lane_step, length);
		to.at[axis] = lanes ? at : l_select(e, good, at, l_word(e, 0));
		if (lanes)
			to.mask = both(ke, index->mask, good);
		V part = value_at(ke, n->in[i], &to);
		v = v ? pick(ke, good, part, v) : part;
		offset += length;
	}
	return v;
}

/* -- Leaves and gather ------------------------------------------------------------------------- */

static V value_iota(KernelEmit *ke, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	V at = index->at[n->attr.axis];
	if (index->lane_axis == (int)n->attr.axis)
		at = spot_lanes(ke, (Spot){.linear = at, .step = index->lane_step});
	T to = l_vector(l_type(e, n->type), l_lanes(at));
	return type_info[n->type].is_float ? LLVMBuildSIToFP(e->b, at, to, "")
	                                   : LLVMBuildTrunc(e->b, at, to, "");
}

/* Whether the vector of n is one of the present stretch: of a row, if rows are whole stretches. */
static bool is_in_stretch(const KernelEmit *ke, const Node *n, const Index *index)
{
	int last = n->shape.rank - 1;
	if (!ke->stretch.first || index->flat || last < 0)
		return ke->stretch.first && index->flat && index->at[0] == ke->stretch.at;
	return ke->stretch.in_rows && index->lane_axis == last && index->lane_step == 1 &&
	       index->at[last] == ke->stretch.at && n->shape.dim[last] % STRETCH == 0;
}

/* The words of a vector of the present stretch, made by the first that asks. */
static V word_in_stretch(KernelEmit *ke, const Node *n, const Index *index, V seed0, V seed1,
                         V step)
{
	Emit *e = ke->e;
	Stretch *s = &ke->stretch;
	Words fresh = {.node = n, .from = s->lane % 16};
	for (int i = 0; !index->flat && i + 1 < n->shape.rank; i++)
		fresh.row[i] = index->at[i];
	for (unsigned i = 0; i < s->count; i++)
		if (s->words[i].node == n && s->words[i].from == fresh.from &&
		    memcmp(s->words[i].row, fresh.row, sizeof fresh.row) == 0)
			return s->words[i].word[s->lane / 16 % 4];
	V ids = LLVMConstAdd(l_lane_ids(e, e->i32, ke->lanes),
	                     l_splat_const(l_i32(e, (int32_t)fresh.from), ke->lanes));
	Index begin = *index;
	if (!index->flat)
		begin.at[n->shape.rank - 1] = s->first;
	V first = index->flat ? s->first : spot_of(e, n->shape, &begin).linear;
	V block = LLVMBuildLShr(e->b, first, l_word(e, 2), "");
	block = s->block ? LLVMBuildAdd(e->b, block, s->block, "") : block;
	block = LLVMBuildTrunc(e->b, block, e->i32, "");
	block = LLVMBuildAdd(e->b, l_splat(e, block, ke->lanes), ids, "");
	random_words(e, block, seed0, seed1, n->attr.key, step, fresh.word);
	if (s->count < COUNT(s->words))
		s->words[s->count++] = fresh;
	return fresh.word[s->lane / 16 % 4];
}

static V value_random(KernelEmit *ke, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	Index none = {.lane_axis = -1}, first = {.lane_axis = -1, .at = {l_word(e, 0)}},
	      second = {.lane_axis = -1, .at = {l_word(e, 1)}};
	V seed0 = value_at(ke, n->in[0], &first), seed1 = value_at(ke, n->in[0], &second),
	  step = value_at(ke, n->in[1], &none);
	if (is_in_stretch(ke, n, index))
		return word_in_stretch(ke, n, index, seed0, seed1, step);
	Spot spot = spot_of(e, n->shape, index);
	V at = spot.step ? spot_lanes(ke, spot) : spot.linear;
	return random_bits(e, at, seed0, seed1, n->attr.key, step);
}

/* A place of n's for each lane: what is added to *row, which is the same for all; NULL: to nothing. */
static V value_places(KernelEmit *ke, const Node *n, const Index *at, V *row)
{
	const Kernels *k = ke->e->k;
	const Node *sum = node(k->graph, n->in[1]);
	*row = NULL;
	if (sum->op == OP_add && !k->buffer_of[n->in[1]]) {
		V x = value_at(ke, sum->in[0], at), y = value_at(ke, sum->in[1], at);
		if (l_lanes(x) != l_lanes(y)) {
			*row = l_lanes(x) == 1 ? x : y;
			return l_lanes(x) == 1 ? y : x;
		}
	}
	return value_at(ke, n->in[1], at);
}

/* In range; lanes that are masked off may be anywhere. */
static V clamped(KernelEmit *ke, const Node *n, V place, V mask)
{
	Emit *e = ke->e;
	unsigned lanes = l_lanes(place);
	if (gather_is_inside(e->k->graph, n) && !(mask && lanes > 1))
		return place;
	int32_t last = (int32_t)node(e->k->graph, n->in[0])->shape.dim[n->attr.axis] - 1;
	place = l_binary(e, "llvm.smax", place, LLVMConstNull(LLVMTypeOf(place)));
	return l_binary(e, "llvm.smin", place, l_splat_const(l_i32(e, last), lanes));
}

/* From now on channels of gather x, but the one that is asked for, are these of memory's form; that one. */
static V define_channels(KernelEmit *ke, NodeId x, const Index *index, V *v, unsigned asked)
{
	Emit *e = ke->e;
	const Node *n = node(e->k->graph, x), *from = node(e->k->graph, n->in[0]);
	int last = n->shape.rank - 1;
	for (unsigned c = 0; c < n->shape.dim[last]; c++) {
		Index other = *index;
		other.at[last] = l_word(e, c);
		v[c] = l_from_memory(e, from->type, v[c]);
		if (c != asked)
			value_define(ke, x, &other, v[c]);
	}
	return asked < n->shape.dim[last] ? v[asked] : NULL;
}

/* A gather of this kernel that reads the same at places of which one term is that of x's: a neighbour,
 * perhaps. 0: there is none. */
static NodeId other_of_pair(const KernelEmit *ke, NodeId x, const Index *index)
{
	const Graph *g = ke->e->k->graph;
	const Node *n = node(g, x), *at = node(g, n->in[1]);
	NodeId found = 0;
	if (ke->pairing || at->op != OP_add || !gather_may_pair(ke, node(g, n->in[0])->shape))
		return 0;
	ArenaMark mark = arena_mark(ke->e->c->arena);
	const bool *computed = find_computed(ke, true);
	for (NodeId y = 1; y < g->count && !found; y++) {
		const Node *o = node(g, y), *to = node(g, o->count == 2 ? o->in[1] : 0);
		if (!computed[y] || y == x || o->op != OP_gather || o->in[0] != n->in[0] ||
		    to->op != OP_add || o->attr.axis != n->attr.axis || !shape_equal(o->shape, n->shape))
			continue;
		for (int i = 0; i < 4; i++)
			found = at->in[i / 2] == to->in[i % 2] && !value_memo(ke, y, index) ? y : found;
	}
	arena_reset(ke->e->c->arena, mark);
	return found;
}

/* All channels of the pixels at such offsets from the first; the one asked for. */
static V value_of_pixels(KernelEmit *ke, NodeId x, const Index *index, const Index *at, V first,
                         V offsets)
{
	Emit *e = ke->e;
	const Node *n = node(e->k->graph, x), *from = node(e->k->graph, n->in[0]);
	int last = n->shape.rank - 1;
	int64_t channels = n->shape.dim[last], places = from->shape.dim[n->attr.axis];
	unsigned asked = (unsigned)LLVMConstIntGetZExtValue(index->at[last]);
	V v[PIXEL], words[2];
	NodeId y = from->type == DTYPE_u8 ? other_of_pair(ke, x, index) : 0;
	if (from->type != DTYPE_u8) {
		gather_pixels(ke, l_memory_type(e, from->type), first, offsets, channels, v);
		return define_channels(ke, x, index, v, asked);
	}
	if (y) {
		ke->pairing = true;
		V place = value_at(ke, node(e->k->graph, y)->in[1], at);
		ke->pairing = false;
		place = clamped(ke, node(e->k->graph, y), place, index->mask);
		V other = gather_offsets(ke, from->shape, l_splat(e, place, ke->lanes), channels);
		gather_pairs(ke, first, (V[]){offsets, other}, places, channels, words);
		gather_bytes(ke, words[1], channels, v);
		define_channels(ke, y, index, v, PIXEL);
	} else {
		words[0] = gather_words(ke, first, offsets, places, channels);
	}
	gather_bytes(ke, words[0], channels, v);
	return define_channels(ke, x, index, v, asked);
}

/* Indices are clamped into range; where they vary over the lanes, every lane loads on its own. */
static V value_gather(KernelEmit *ke, NodeId x, const Node *n, const Index *index)
{
	Emit *e = ke->e;
	const Node *source = node(e->k->graph, n->in[0]);
	Shape from = source->shape, places = node(e->k->graph, n->in[1])->shape;
	int axis = (int)n->attr.axis, last = n->shape.rank - 1;
	Index at = index_empty(index), to = index_empty(index);
	for (int i = 0; i < places.rank; i++)
		take_axis(&at, i, index, axis + i);
	for (int i = 0; i < from.rank; i++)
		if (i != axis)
			take_axis(&to, i, index, i < axis ? i : i + places.rank - 1);
	V row, place = value_places(ke, n, &at, &row);
	if (l_lanes(place) == 1) {
		place = clamped(ke, n, place, NULL);
		to.at[axis] = LLVMBuildSExtOrBitCast(e->b, place, e->word, "");
		return value_at(ke, n->in[0], &to);
	}
	to.at[axis] = l_word(e, 0);
	to.lane_axis = -1;
	int64_t stride = 1;
	for (int i = axis + 1; i < from.rank; i++)
		stride *= from.dim[i];
	V base = spot_address(ke, n->in[0], &to);
	T element = l_memory_type(e, source->type);
	if (row && axis == 0 && gather_is_near(ke, source->type, from) &&
	    gather_is_inside(e->k->graph, n)) {
		base = l_address(e, element, base, LLVMBuildSExt(e->b, row, e->word, ""));
		return gather_near(ke, element, base, place, index->mask);
	}
	if (shape_size(places) == from.dim[axis])
		gather_ahead(ke, n->in[0], spot_of(e, places, &at).linear, stride);
	if (row)
		place = LLVMBuildAdd(e->b, place, l_splat(e, row, ke->lanes), "");
	V offsets = gather_offsets(ke, from, clamped(ke, n, place, index->mask), stride);
	if (axis < from.rank - 1 && stride == from.dim[from.rank - 1] &&
	    LLVMIsAConstantInt(index->at[last]) &&
	    gather_is_of_pixels(ke, source->type, from.dim[axis], stride)) {
		to.at[from.rank - 1] = l_word(e, 0);
		return value_of_pixels(ke, x, index, &at, spot_address(ke, n->in[0], &to), offsets);
	}
	V v = spot_gather(ke, element, type_info[source->type].size, base, offsets, index->mask);
	return l_from_memory(e, source->type, v);
}

/* -- The value --------------------------------------------------------------------------------- */

/* The operand that select n takes in the code of a side; 0: it chooses element by element. */
static int side_taken(const KernelEmit *ke, const Node *n)
{
	return ke->chosen == NOT_KNOWN
	           ? 0
	           : choice_side(ke->e->k->graph, n, ke->kernel->choice, ke->chosen == IS_TRUE);
}

static V value_map(KernelEmit *ke, const Node *n, const Index *index)
{
	V in[MAX_INS];
	unsigned lanes = 1;
	int side = side_taken(ke, n);
	if (side)
		return value_at(ke, n->in[side], index);
	for (int i = 0; i < n->count; i++) {
		in[i] = value_at(ke, n->in[i], index);
		lanes = l_lanes(in[i]) > lanes ? l_lanes(in[i]) : lanes;
	}
	/* of one number LLVM saturates as quickly */
	if (n->op == OP_cast && n->type == DTYPE_i32 && lanes > 1 && cast_fits(ke->e->k->graph, n))
		return emit_fitting(ke->e, in[0]);
	for (int i = 0; i < n->count; i++)
		in[i] = l_splat(ke->e, in[i], lanes);
	return emit_map(ke->e, n, node(ke->e->k->graph, n->in[n->op == OP_select ? 1 : 0])->type, in);
}

static V compute(KernelEmit *ke, NodeId x, const Index *index)
{
	const Node *n = node(ke->e->k->graph, x);
	switch (n->op) {
	case OP_constant:
		return constant_of(ke->e, n->type, n->attr.value);
	case OP_iota:
		return value_iota(ke, n, index);
	case OP_random:
		return value_random(ke, n, index);
	case OP_broadcast:
		return value_broadcast(ke, n, index);
	case OP_reshape:
		return value_reshape(ke, x, n, index);
	case OP_transpose:
		return value_transpose(ke, n, index);
	case OP_slice:
		return value_slice(ke, n, index);
	case OP_windows:
		return value_windows(ke, n, index);
	case OP_pad:
		return value_pad(ke, x, n, index);
	case OP_concat:
		return value_concat(ke, n, index);
	case OP_gather:
		return value_gather(ke, x, n, index);
	default:
		if (op_info[n->op].kind != MAP)
			BUG("%s (%%%u of %s) is neither stored nor the core of its kernel", op_info[n->op].name,
			    x, ke->e->k->graph->name);
		return value_map(ke, n, index);
	}
}

V value_at(KernelEmit *ke, NodeId x, const Index *index)
{
	V v = value_memo(ke, x, index);
	if (v)
		return v;
	v = value_kept(ke, x, index);
	if (v) {
		value_define(ke, x, index, v);
		return v;
	}
	v = computed_here(ke, x) ? compute(ke, x, index) : value_load(ke, x, index);
	value_define(ke, x, index, v);
	return v;
}

V value_load(KernelEmit *ke, NodeId x, const Index *index)
{
	return spot_load(ke, x, spot_of(ke->e, node(ke->e->k->graph, x)->shape, index), index->mask);
}

V value_address(KernelEmit *ke, NodeId x, const Index *index)
{
	V at = NULL;
	value_forget(ke);
	ke->found = &at;
	value_at(ke, x, index);
	ke->found = NULL;
	value_forget(ke);
	return at;
}

V value_vector(KernelEmit *ke, NodeId x, const Index *index)
{
	return l_splat(ke->e, value_at(ke, x, index), ke->lanes);
}
