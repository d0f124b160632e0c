/* near.c: lanes a few elements apart in memory: channels of a pixel, a row read backwards. As many
 * vectors as there are elements from lane to lane, and shuffles, in place of one access a lane. Where
 * all channels of pixels are at hand, whole vectors are loaded and stored, once. */
#include "emit.h"

static V address(Emit *e, T element, V base, int64_t offset)
{
	V index = l_word(e, offset);
	return LLVMBuildGEP2(e->b, element, base, &index, 1, "");
}

bool near_loads(const KernelEmit *ke, int64_t step)
{
	return step != 1 && step >= -NEAR && step <= NEAR && !ke->e->c->machine->bare;
}

/* The last vector ends where the lanes end: nothing behind them is read. */
V near_load(KernelEmit *ke, T element, unsigned size, V at, int64_t step)
{
	Emit *e = ke->e;
	int64_t lanes = ke->lanes, by = step < 0 ? -step : step, span = (lanes - 1) * by + 1;
	T vector = l_vector(element, ke->lanes);
	V v = LLVMGetPoison(vector), places[64];
	V low = step < 0 ? address(e, element, at, (lanes - 1) * step) : at;
	for (int64_t k = 0; k < by; k++) {
		int64_t first = k * lanes < span - lanes ? k * lanes : span - lanes;
		V part = l_load(e, vector, address(e, element, low, first), size);
		for (int64_t i = 0; i < lanes; i++) { /* what earlier parts gave stays */
			int64_t from = (step < 0 ? lanes - 1 - i : i) * by;
			places[i] = l_i32(e, (int32_t)(from / lanes == k ? lanes + from - first : i));
		}
		v = LLVMBuildShuffleVector(e->b, v, part, LLVMConstVector(places, ke->lanes), "");
	}
	return v;
}

/* Elements between the runs, and those whose lanes are masked off, are not read. */
V near_load_runs(KernelEmit *ke, T element, unsigned size, V at, int64_t step, int64_t times,
                 V mask)
{
	Emit *e = ke->e;
	int64_t lanes = ke->lanes, span = (lanes / times - 1) * step + 1;
	T vector = l_vector(element, ke->lanes);
	V v = LLVMGetPoison(vector), places[64], read[64], from[64];
	for (int64_t k = 0; k * lanes < span; k++) {
		for (int64_t i = 0; i < lanes; i++) {
			int64_t to = k * lanes + i, run = i / times * step;
			bool there = to < span && to % step == 0;
			read[i] = LLVMConstInt(e->i1, there, false);
			from[i] = l_i32(e, (int32_t)(there ? to / step * times : 0));
			places[i] = l_i32(e, (int32_t)(run / lanes == k ? lanes + run % lanes : i));
		}
		V reads = LLVMConstVector(read, ke->lanes);
		if (mask) {
			V lane = LLVMBuildShuffleVector(e->b, mask, LLVMGetPoison(LLVMTypeOf(mask)),
			                                LLVMConstVector(from, ke->lanes), "");
			reads = LLVMBuildAnd(e->b, reads, lane, "");
		}
		V part = l_load_masked(e, vector, address(e, element, at, k * lanes), size, reads,
		                       LLVMConstNull(vector));
		v = LLVMBuildShuffleVector(e->b, v, part, LLVMConstVector(places, ke->lanes), "");
	}
	return v;
}

/* Of lanes that are pixels, those of vector k of their channels. */
static V mask_of(KernelEmit *ke, V mask, int64_t k, int64_t step)
{
	int64_t lanes = ke->lanes, by = step < 0 ? -step : step;
	V places[64];
	for (int64_t i = 0; i < lanes; i++) {
		int64_t pixel = (k * lanes + i) / by;
		places[i] = l_i32(ke->e, (int32_t)(step < 0 ? lanes - 1 - pixel : pixel));
	}
	return LLVMBuildShuffleVector(ke->e->b, mask, LLVMGetPoison(LLVMTypeOf(mask)),
	                              LLVMConstVector(places, ke->lanes), "");
}

/* Nothing is read but the pixels of the lanes. */
V near_load_channel(KernelEmit *ke, T element, unsigned size, V at, int64_t step, int64_t channel,
                    V mask)
{
	Emit *e = ke->e;
	int64_t lanes = ke->lanes, by = step < 0 ? -step : step;
	T vector = l_vector(element, ke->lanes);
	V v = LLVMGetPoison(vector), places[64];
	V low = step < 0 ? address(e, element, at, (lanes - 1) * step) : at;
	for (int64_t k = 0; k < by; k++) {
		V from_k = address(e, element, low, k * lanes);
		V part = mask ? l_load_masked(e, vector, from_k, size, mask_of(ke, mask, k, step),
		                              LLVMConstNull(vector))
		              : l_load(e, vector, from_k, size);
		for (int64_t i = 0; i < lanes; i++) {
			int64_t from = (step < 0 ? lanes - 1 - i : i) * by + channel;
			places[i] = l_i32(e, (int32_t)(from / lanes == k ? lanes + from % lanes : i));
		}
		v = LLVMBuildShuffleVector(e->b, v, part, LLVMConstVector(places, ke->lanes), "");
	}
	return v;
}

void near_store_channels(KernelEmit *ke, unsigned size, V at, int64_t channels, const V *v, V mask)
{
	Emit *e = ke->e;
	int64_t lanes = ke->lanes;
	T element = LLVMGetElementType(LLVMTypeOf(v[0]));
	V places[64];
	for (int64_t k = 0; k < channels; k++) {
		V all = LLVMGetPoison(LLVMTypeOf(v[0]));
		for (int64_t c = 0; c < channels; c++) {
			for (int64_t i = 0; i < lanes; i++) {
				int64_t to = k * lanes + i;
				places[i] = l_i32(e, (int32_t)(to % channels == c ? lanes + to / channels : i));
			}
			all = LLVMBuildShuffleVector(e->b, all, v[c], LLVMConstVector(places, ke->lanes), "");
		}
		V to_k = address(e, element, at, k * lanes);
		if (mask)
			l_store_masked(e, all, to_k, size, mask_of(ke, mask, k, channels));
		else
			l_store(e, all, to_k, size);
	}
}

bool near_masks(const KernelEmit *ke, unsigned size)
{
	const Machine *m = ke->e->c->machine;
	return machine_is_x86(m) && (m->vector_bits == 512 || (m->vector_bits == 256 && size >= 4));
}

/* A store that leaves lanes out is as quick as another (AVX-512). */
bool near_stores(const KernelEmit *ke, int64_t step)
{
	return step > 1 && step <= NEAR && machine_is_x86(ke->e->c->machine) &&
	       ke->e->c->machine->vector_bits == 512;
}

void near_store(KernelEmit *ke, T element, unsigned size, V at, int64_t step, V v)
{
	Emit *e = ke->e;
	int64_t lanes = ke->lanes;
	V places[64], masks[64];
	for (int64_t k = 0; k < step; k++) {
		for (int64_t i = 0; i < lanes; i++) {
			int64_t from = k * lanes + i;
			places[i] = l_i32(e, (int32_t)(from / step));
			masks[i] = LLVMConstInt(e->i1, from % step == 0, false);
		}
		V part = LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
		                                LLVMConstVector(places, ke->lanes), "");
		l_store_masked(e, part, address(e, element, at, k * lanes), size,
		               LLVMConstVector(masks, ke->lanes));
	}
}
