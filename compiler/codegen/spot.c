/* spot.c: where the lanes of a vector are in a buffer, and loads and stores there. */
#include "spot.h"

static bool is_zero(V x)
{
	return LLVMIsAConstantInt(x) && LLVMConstIntGetZExtValue(x) == 0;
}

/* x itself where y is 0: what was computed there before is found again (memo.c). */
V index_add(Emit *e, V x, V y)
{
	if (is_zero(x) || is_zero(y))
		return is_zero(x) ? y : x;
	return LLVMBuildNSWAdd(e->b, x, y, "");
}
V index_scale(Emit *e, V x, int64_t by)
{
	return by == 1 ? x : LLVMBuildNSWMul(e->b, x, l_word(e, by), "");
}

/* Not inbounds: the first lane of a masked access may lie outside. */
static V address(Emit *e, T element, V base, V index)
{
	return l_address(e, element, base, index);
}

/* Of lanes along an axis: whether one axis of a known index is behind it. */
static bool is_channel(Shape s, const Index *index, int axis)
{
	bool before = index->lane_axis >= 0 && index->lane_axis < axis;
	if (!before || index->lane_step * index->lane_step != 1 || !LLVMIsAConstantInt(index->at[axis]))
		return false;
	for (int i = index->lane_axis + 1; i < s.rank; i++)
		if (i != axis && s.dim[i] > 1)
			return false;
	return true;
}

Spot spot_of(Emit *e, Shape s, const Index *index)
{
	Spot spot = {.linear = l_word(e, 0)};
	if (index->flat)
		return (Spot){.linear = index->at[0], .step = index->lane_axis >= 0 ? index->lane_step : 0};
	int64_t stride = 1;
	for (int i = s.rank - 1; i >= 0; i--) {
		bool channel = s.dim[i] > 1 && is_channel(s, index, i);
		if (s.dim[i] > 1 && !channel)
			spot.linear = index_add(e, spot.linear, index_scale(e, index->at[i], stride));
		if (channel) {
			spot.pixel = index->at[i];
			spot.channel = LLVMConstIntGetSExtValue(index->at[i]);
		}
		if (i == index->lane_axis && s.dim[i] > 1)
			spot.step = stride * index->lane_step;
		stride *= s.dim[i];
	}
	if (spot.pixel) {
		V channel = spot.pixel;
		spot.pixel = spot.linear;
		spot.linear = index_add(e, spot.linear, channel);
	}
	return spot;
}

/* Where the lanes are, one by one: a vector of words. */
V spot_lanes(KernelEmit *ke, Spot spot)
{
	Emit *e = ke->e;
	V ids = LLVMBuildNSWMul(e->b, l_lane_ids(e, e->word, ke->lanes),
	                        l_splat_const(l_word(e, spot.step), ke->lanes), "");
	return LLVMBuildNSWAdd(e->b, l_splat(e, spot.linear, ke->lanes), ids, "");
}

static V all_lanes(KernelEmit *ke)
{
	return LLVMConstAllOnes(l_vector(ke->e->i1, ke->lanes));
}

V spot_gather(KernelEmit *ke, T element, unsigned size, V base, V offsets, V mask)
{
	return spot_gather_as(ke, element, element, size, base, offsets, mask);
}

V spot_gather_as(KernelEmit *ke, T element, T loaded, unsigned size, V base, V offsets, V mask)
{
	Emit *e = ke->e;
	V addresses = LLVMBuildGEP2(e->b, element, base, &offsets, 1, "");
	T vector = l_vector(loaded, ke->lanes),
	  overload[] = {vector, LLVMVectorType(e->ptr, ke->lanes)};
	V args[] = {addresses, l_i32(e, (int32_t)size), mask ? mask : all_lanes(ke),
	            LLVMConstNull(vector)};
	return l_call(e, "llvm.masked.gather", vector, overload, 2, args, 4);
}

V value_base(const KernelEmit *ke, NodeId x)
{
	V base = ke->pointer[ke->e->k->buffer_of[x]];
	if (!base)
		BUG("kernel loads %%%u, whose buffer it was not given", x);
	return base;
}

V spot_begin(KernelEmit *ke, NodeId x)
{
	const Node *n = node(ke->e->k->graph, x);
	bool behind = n->op == OP_reshape && !ke->e->k->buffer_of[x];
	return value_base(ke, behind ? n->in[0] : x);
}

V spot_address(KernelEmit *ke, NodeId x, const Index *index)
{
	const Node *n = node(ke->e->k->graph, x);
	V linear = spot_of(ke->e, n->shape, index).linear;
	return address(ke->e, l_memory_type(ke->e, n->type), spot_begin(ke, x), linear);
}

/* Many places of an unrolled kernel are as many streams, more than the machine follows by itself:
 * each is read two lines ahead. */
enum { AHEAD = 128 /* bytes */ };

V spot_load(KernelEmit *ke, NodeId x, Spot spot, V mask)
{
	Emit *e = ke->e;
	DType t = node(e->k->graph, x)->type;
	T element = l_memory_type(e, t), vector = l_vector(element, ke->lanes);
	unsigned size = type_info[t].size;
	V base = value_base(ke, x), at = address(e, element, base, spot.linear), v;
	if (ke->found) {
		*ke->found = at;
		return LLVMGetPoison(spot.step == 0 ? l_type(e, t) : l_vector(l_type(e, t), ke->lanes));
	}
	if (ke->kernel->unrolled && spot.step == 1)
		l_prefetch(e, address(e, element, at, l_word(e, AHEAD / size)), false);
	if (spot.step == 0 || ke->lanes == 1)
		v = l_load(e, element, at, size);
	else if (spot.pixel && near_loads(ke, spot.step))
		v = near_load_channel(ke, element, size, address(e, element, base, spot.pixel), spot.step,
		                      spot.channel, mask);
	else if (!mask && near_loads(ke, spot.step))
		v = near_load(ke, element, size, at, spot.step);
	else if (mask && spot.step > 1 && near_loads(ke, spot.step) && near_masks(ke, size))
		v = near_load_runs(ke, element, size, at, spot.step, 1, mask);
	else if (spot.step != 1)
		v = spot_gather(ke, element, size, base, spot_lanes(ke, spot), mask);
	else if (mask)
		v = l_load_masked(e, vector, at, size, mask, LLVMConstNull(vector));
	else
		v = l_load(e, vector, at, size);
	return l_from_memory(e, t, v);
}

/* -- Stores ------------------------------------------------------------------------------------ */

static void store_lanes(KernelEmit *ke, T element, unsigned size, V base, V offsets, V mask, V v)
{
	Emit *e = ke->e;
	V addresses = LLVMBuildGEP2(e->b, element, base, &offsets, 1, "");
	T overload[] = {LLVMTypeOf(v), LLVMVectorType(e->ptr, ke->lanes)};
	V args[] = {v, addresses, l_i32(e, (int32_t)size), mask ? mask : all_lanes(ke)};
	l_call(e, "llvm.masked.scatter", e->voidt, overload, 2, args, 4);
}

static V stored_form(Emit *e, const Node *n, V v)
{
	bool rounded = n->op == OP_cast && n->type == DTYPE_bf16;
	return rounded ? l_upper_half(e, v) : l_to_memory(e, n->type, v);
}

void value_store(KernelEmit *ke, BufferId to, const Index *index, V v)
{
	Emit *e = ke->e;
	const Node *n = node(e->k->graph, e->k->buffer[to].node);
	T element = l_memory_type(e, n->type);
	unsigned size = type_info[n->type].size;
	Spot spot = spot_of(e, n->shape, index);
	V base = ke->pointer[to];
	v = stored_form(e, n, v);
	if (spot.step == 0 || ke->lanes == 1) {
		if (l_lanes(v) > 1)
			v = LLVMBuildExtractElement(e->b, v, l_i32(e, 0), "");
		l_store(e, v, address(e, element, base, spot.linear), size);
		return;
	}
	v = l_splat(e, v, ke->lanes);
	if (!index->mask && near_stores(ke, spot.step))
		near_store(ke, element, size, address(e, element, base, spot.linear), spot.step, v);
	else if (spot.step != 1)
		store_lanes(ke, element, size, base, spot_lanes(ke, spot), index->mask, v);
	else if (index->mask)
		l_store_masked(e, v, address(e, element, base, spot.linear), size, index->mask);
	else if (ke->kernel->streams)
		l_store_past(e, v, address(e, element, base, spot.linear), ke->lanes * size);
	else
		l_store(e, v, address(e, element, base, spot.linear), size);
}

/* -- Outs, by the kernel's choice ---------------------------------------------------------------- */

/* Runs body in the code of each side. What was known before is known in both. */
static void on_each_side(KernelEmit *ke, const Index *index,
                         void (*body)(KernelEmit *, const Index *))
{
	Emit *e = ke->e;
	if (!ke->kernel->choice) {
		body(ke, index);
		return;
	}
	Index one = {.lane_axis = -1};
	for (int i = 0; i < MAX_RANK; i++)
		one.at[i] = l_word(e, 0);
	V choice = value_at(ke, ke->kernel->choice, &one);
	LLVMBasicBlockRef holds = l_block(e, "holds"), fails = l_block(e, "fails"),
	                  after = l_block(e, "chosen");
	LLVMBuildCondBr(e->b, choice, holds, fails);
	Known known = value_known(ke);
	for (int i = 0; i < 2; i++) {
		LLVMPositionBuilderAtEnd(e->b, i ? fails : holds);
		ke->chosen = i ? IS_FALSE : IS_TRUE;
		body(ke, index);
		LLVMBuildBr(e->b, after);
		value_forget_since(ke, known);
	}
	LLVMPositionBuilderAtEnd(e->b, after);
	ke->chosen = NOT_KNOWN;
}

static bool stays(const KernelEmit *ke, uint32_t o)
{
	return ke->chosen != NOT_KNOWN && ke->kernel->only[ke->chosen == IS_FALSE] >> o & 1;
}

/* All values first, then all stores: a state is read before its next value is written over it. */
static void store_outs(KernelEmit *ke, const Index *index)
{
	V v[MAX_KERNEL_OUTS];
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		v[i] = stays(ke, i) ? NULL : value_at(ke, ke->kernel->out[i], index);
	for (uint32_t i = 0; i < ke->kernel->out_count; i++)
		if (v[i])
			value_store(ke, ke->kernel->to[i], index, v[i]);
}

void value_store_outs(KernelEmit *ke, const Index *index)
{
	on_each_side(ke, index, store_outs);
}

static bool has_places(const KernelEmit *ke, uint32_t out, int axis, int64_t places)
{
	Shape s = node(ke->e->k->graph, ke->kernel->out[out])->shape;
	return s.rank == axis + 1 && s.dim[axis] == places;
}

void value_store_channels(KernelEmit *ke, const Index *index, int axis, int64_t channels)
{
	Emit *e = ke->e;
	V v[MAX_KERNEL_OUTS][NEAR];
	Index place = *index;
	for (int64_t c = 0; c < channels; c++) {
		place.at[axis] = l_word(e, c);
		for (uint32_t i = 0; i < ke->kernel->out_count; i++)
			if (has_places(ke, i, axis, channels))
				v[i][c] = value_at(ke, ke->kernel->out[i], &place);
	}
	place.at[axis] = l_word(e, 0);
	for (uint32_t i = 0; i < ke->kernel->out_count; i++) {
		if (!has_places(ke, i, axis, channels))
			continue;
		BufferId to = ke->kernel->to[i];
		const Node *n = node(e->k->graph, e->k->buffer[to].node);
		T element = l_memory_type(e, n->type);
		for (int64_t c = 0; c < channels; c++)
			v[i][c] = l_splat(e, stored_form(e, n, v[i][c]), ke->lanes);
		V linear = spot_of(e, n->shape, &place).linear;
		near_store_channels(ke, type_info[n->type].size,
		                    address(e, element, ke->pointer[to], linear), channels, v[i],
		                    index->mask);
	}
}

static void prefetch_outs(KernelEmit *ke, const Index *index)
{
	Emit *e = ke->e;
	for (uint32_t i = 0; i < ke->kernel->out_count; i++) {
		if (stays(ke, i))
			continue;
		BufferId to = ke->kernel->to[i];
		const Node *n = node(e->k->graph, e->k->buffer[to].node);
		V linear = spot_of(e, n->shape, index).linear;
		l_prefetch(e, address(e, l_memory_type(e, n->type), ke->pointer[to], linear), true);
	}
}

void value_prefetch_outs(KernelEmit *ke, const Index *index)
{
	on_each_side(ke, index, prefetch_outs);
}
