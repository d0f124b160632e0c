/* gather.c: a load for each lane, at places that differ. Few elements that lie behind each other at a
 * place, the channels of a pixel, are loaded together and sorted by shuffles. */
#include "spot.h"

#include <string.h>

enum { WORD = 4 /* bytes: of an element, or of all bytes of a pixel */ };

/* Offsets are of 32 bits where those reach all of the buffer: as many in a vector as elements. */
static bool is_near(const Emit *e, Shape s)
{
	return e->word_bytes > 4 && shape_size(s) < INT32_MAX;
}

/* In the entry block, so that it is the same in every turn of a loop. */
static V slot_of(Emit *e, T type)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b), entry = LLVMGetEntryBasicBlock(e->function);
	V first = LLVMGetFirstInstruction(entry);
	if (first)
		LLVMPositionBuilderBefore(e->b, first);
	else
		LLVMPositionBuilderAtEnd(e->b, entry);
	V slot = LLVMBuildAlloca(e->b, type, "places");
	LLVMPositionBuilderAtEnd(e->b, here);
	return slot;
}

/* The elements at base[offset], as many as channels, in a vector of `wide`. */
static V load_pixel(Emit *e, T element, V base, V offset, int64_t channels, unsigned wide)
{
	T vector = l_vector(element, wide);
	V at = LLVMBuildGEP2(e->b, element, base, &offset, 1, ""), mask[PIXEL];
	if (channels == wide)
		return l_load(e, vector, at, WORD);
	for (int64_t i = 0; i < wide; i++)
		mask[i] = LLVMConstInt(e->i1, i < channels, false);
	return l_load_masked(e, vector, at, WORD, LLVMConstVector(mask, wide), LLVMConstNull(vector));
}

/* x's elements, then y's. */
static V joined(Emit *e, V x, V y)
{
	unsigned count = 2 * l_lanes(x);
	V places[64];
	for (unsigned i = 0; i < count; i++)
		places[i] = l_i32(e, (int32_t)i);
	return LLVMBuildShuffleVector(e->b, x, y, LLVMConstVector(places, count), "");
}

/* Of each pixel in part[], `wide` elements long, the one of a channel. */
static V channel_of(Emit *e, V *part, unsigned parts, unsigned wide, unsigned channel)
{
	V of[PIXEL], places[64];
	unsigned pixels = l_lanes(part[0]) / wide;
	for (unsigned p = 0; p < parts; p += 2) { /* of two parts at a time */
		for (unsigned i = 0; i < 2 * pixels; i++)
			places[i] = l_i32(e, (int32_t)(i * wide + channel));
		of[p / 2] = LLVMBuildShuffleVector(e->b, part[p], part[p + 1],
		                                   LLVMConstVector(places, 2 * pixels), "");
	}
	return parts > 2 ? joined(e, of[0], of[1]) : of[0];
}

bool gather_is_of_pixels(const KernelEmit *ke, DType t, int64_t places, int64_t channels)
{
	unsigned wide = channels > 2 ? 4 : 2;
	bool words = type_info[t].size == WORD && ke->lanes >= wide && ke->lanes % wide == 0;
	return channels >= 2 && channels <= PIXEL && !ke->e->c->machine->bare &&
	       (words || (t == DTYPE_u8 && places * channels >= WORD));
}

/* Of the pixel at each offset its bytes in a word, from the lowest on; above them anything. */
V gather_words(KernelEmit *ke, V base, V offsets, int64_t places, int64_t channels)
{
	Emit *e = ke->e;
	T integer = LLVMGetElementType(LLVMTypeOf(offsets)), words = l_vector(e->i32, ke->lanes);
	V last = LLVMConstInt(integer, (uint64_t)(places * channels - WORD), false);
	V first = l_binary(e, "llvm.smin", offsets, l_splat_const(last, ke->lanes));
	V behind = LLVMBuildSub(e->b, offsets, first, "");
	behind = LLVMBuildTruncOrBitCast(e->b, behind, words, "");
	V word = spot_gather_as(ke, e->i8, e->i32, 1, base, first, NULL);
	behind = LLVMBuildShl(e->b, behind, l_splat_const(l_i32(e, 3), ke->lanes), "");
	return LLVMBuildLShr(e->b, word, behind, "");
}

void gather_bytes(KernelEmit *ke, V words, int64_t channels, V *v)
{
	Emit *e = ke->e;
	for (int64_t c = 0; c < channels; c++) {
		V by = l_splat_const(l_i32(e, 8 * (int32_t)c), ke->lanes);
		v[c] = LLVMBuildTrunc(e->b, LLVMBuildLShr(e->b, words, by, ""), l_vector(e->i8, ke->lanes),
		                      "");
	}
}

/* Lower and upper halves of the 8 bytes at each offset. */
static void load_doubles(KernelEmit *ke, V base, V offsets, V *low, V *high)
{
	Emit *e = ke->e;
	unsigned half = ke->lanes / 2;
	V slot = slot_of(e, LLVMTypeOf(offsets)), part[2], even[64], odd[64];
	l_store(e, offsets, slot, 4);
	for (unsigned i = 0; i < ke->lanes; i++) {
		V offset = l_load(e, e->i32, l_at(e, e->i32, slot, l_word(e, i)), 4);
		V at = LLVMBuildGEP2(e->b, e->i8, base, &offset, 1, "");
		V *to = &part[i / half];
		*to = i % half ? *to : LLVMGetPoison(l_vector(e->f64, half));
		*to = LLVMBuildInsertElement(e->b, *to, l_load(e, e->f64, at, 1),
		                             l_i32(e, (int32_t)(i % half)), "");
		even[i] = l_i32(e, 2 * (int32_t)i);
		odd[i] = l_i32(e, 2 * (int32_t)i + 1);
	}
	for (int i = 0; i < 2; i++)
		part[i] = LLVMBuildBitCast(e->b, part[i], l_vector(e->i32, ke->lanes), "");
	*low = LLVMBuildShuffleVector(e->b, part[0], part[1], LLVMConstVector(even, ke->lanes), "");
	*high = LLVMBuildShuffleVector(e->b, part[0], part[1], LLVMConstVector(odd, ke->lanes), "");
}

/* Fewer lanes are gathered sooner than loaded one by one. */
bool gather_may_pair(const KernelEmit *ke, Shape from)
{
	return ke->lanes == 16 && is_near(ke->e, from) && shape_size(from) >= 2 * WORD;
}

/* Neighbours, as an image is read between its pixels, lie in 8 bytes: a load for both. */
void gather_pairs(KernelEmit *ke, V base, const V offsets[2], int64_t places, int64_t channels,
                  V words[2])
{
	Emit *e = ke->e;
	int32_t bytes = (int32_t)channels;
	V first = l_binary(e, "llvm.smin", offsets[0], offsets[1]);
	V apart = LLVMBuildSub(e->b, l_binary(e, "llvm.smax", offsets[0], offsets[1]), first, "");
	V last = l_i32(e, (int32_t)(places * channels) - 2 * WORD);
	V far_apart =
	    LLVMBuildICmp(e->b, LLVMIntUGT, apart, l_splat_const(l_i32(e, bytes), ke->lanes), "");
	V behind = LLVMBuildICmp(e->b, LLVMIntSGT, first, l_splat_const(last, ke->lanes), "");
	V is_far = l_any_lane(e, LLVMBuildOr(e->b, far_apart, behind, ""));
	LLVMBasicBlockRef near = l_block(e, "near"), far = l_block(e, "far"),
	                  after = l_block(e, "after");
	V found[2], other[2], low, high;
	LLVMBuildCondBr(e->b, is_far, far, near);
	LLVMPositionBuilderAtEnd(e->b, near);
	load_doubles(ke, base, first, &low, &high);
	V next = high;
	if (bytes < WORD) {
		V down = LLVMBuildLShr(e->b, low, l_splat_const(l_i32(e, 8 * bytes), ke->lanes), "");
		V up = LLVMBuildShl(e->b, high, l_splat_const(l_i32(e, 32 - 8 * bytes), ke->lanes), "");
		next = LLVMBuildOr(e->b, down, up, "");
	}
	for (int i = 0; i < 2; i++)
		found[i] = l_select(e, LLVMBuildICmp(e->b, LLVMIntEQ, offsets[i], first, ""), low, next);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, far);
	for (int i = 0; i < 2; i++)
		other[i] = gather_words(ke, base, offsets[i], places, channels);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, after);
	l_meet(e, found, other, (LLVMBasicBlockRef[]){near, far}, 2);
	memcpy(words, found, sizeof found);
}

/* A load for each lane. */
static void gather_each(KernelEmit *ke, T element, V base, V offsets, int64_t channels, V *v)
{
	Emit *e = ke->e;
	unsigned wide = channels > 2 ? 4 : 2, each = ke->lanes / wide;
	T integer = LLVMGetElementType(LLVMTypeOf(offsets));
	unsigned bytes = integer == e->i32 ? 4 : e->word_bytes;
	V slot = slot_of(e, LLVMTypeOf(offsets)), part[PIXEL], pixel[64];
	l_store(e, offsets, slot, bytes);
	for (unsigned i = 0; i < ke->lanes; i++) {
		V offset = l_load(e, integer, l_at(e, integer, slot, l_word(e, i)), bytes);
		pixel[i] = load_pixel(e, element, base, offset, channels, wide);
	}
	for (unsigned p = 0; p < wide; p++) {
		for (unsigned count = each; count > 1; count /= 2)
			for (unsigned i = 0; i < count / 2; i++)
				pixel[p * each + i] =
				    joined(e, pixel[p * each + 2 * i], pixel[p * each + 2 * i + 1]);
		part[p] = pixel[p * each];
	}
	for (unsigned c = 0; c < channels; c++)
		v[c] = channel_of(e, part, wide, wide, c);
}

/* -- Pixels that lie behind each other --------------------------------------------------------- */

/* A window of so many vectors, from the pixel of the first lane on. */
enum { WINDOW = 4 };

/* There is an instruction that takes each lane from any place of two vectors (AVX-512). */
static bool may_slide(const KernelEmit *ke, T integer)
{
	return ke->lanes == 16 && integer == ke->e->i32 && machine_is_x86(ke->e->c->machine) &&
	       ke->e->c->machine->vector_bits == 512;
}

/* Lane i is element at[i] of x, for which it is below ke->lanes, and y. */
static V from_two(Emit *e, V x, V at, V y)
{
	bool is_float = LLVMGetElementType(LLVMTypeOf(x)) == e->f32;
	T type = LLVMTypeOf(x);
	unsigned lanes = l_lanes(x);
	if (lanes == 16)
		return l_call(
		    e, is_float ? "llvm.x86.avx512.vpermi2var.ps.512" : "llvm.x86.avx512.vpermi2var.d.512",
		    type, NULL, 0, (V[]){x, at, y}, 3);
	const char *name = is_float ? "llvm.x86.avx2.permps" : "llvm.x86.avx2.permd";
	V low = l_call(e, name, type, NULL, 0, (V[]){x, at}, 2);
	V high = l_call(e, name, type, NULL, 0, (V[]){y, at}, 2);
	V first = l_splat_const(l_i32(e, (int32_t)lanes), lanes);
	return l_select(e, LLVMBuildICmp(e->b, LLVMIntULT, at, first, ""), low, high);
}

/* Channels of pixels that are at[i] elements behind `from`, of which no element is behind `end`. */
static void slide(KernelEmit *ke, T element, V from, V at, V end, int64_t channels, V *v)
{
	Emit *e = ke->e;
	T vector = l_vector(element, ke->lanes);
	V part[WINDOW], ids = l_lane_ids(e, e->i32, ke->lanes), ends = l_splat(e, end, ke->lanes);
	for (int32_t k = 0; k < WINDOW; k++) {
		V first = l_i32(e, k * (int32_t)ke->lanes);
		V here = LLVMBuildAdd(e->b, ids, l_splat_const(first, ke->lanes), "");
		V mask = LLVMBuildICmp(e->b, LLVMIntULT, here, ends, "");
		part[k] = l_load_masked(e, vector, l_at(e, element, from, first), WORD, mask,
		                        LLVMConstNull(vector));
	}
	V half = l_splat_const(l_i32(e, 2 * (int32_t)ke->lanes), ke->lanes);
	for (int64_t c = 0; c < channels; c++) {
		V place = LLVMBuildAdd(e->b, at, l_splat_const(l_i32(e, (int32_t)c), ke->lanes), "");
		V low = from_two(e, part[0], place, part[1]), high = from_two(e, part[2], place, part[3]);
		v[c] = l_select(e, LLVMBuildICmp(e->b, LLVMIntULT, place, half, ""), low, high);
	}
}

/* Where places rise slowly, as those of an image that is resized do, the pixels of all lanes lie in a
 * few vectors. */
void gather_pixels(KernelEmit *ke, T element, V base, V offsets, int64_t channels, V *v)
{
	Emit *e = ke->e;
	if (!may_slide(ke, LLVMGetElementType(LLVMTypeOf(offsets)))) {
		gather_each(ke, element, base, offsets, channels, v);
		return;
	}
	V first = LLVMBuildExtractElement(e->b, offsets, l_i32(e, 0), "");
	V at = LLVMBuildSub(e->b, offsets, l_splat(e, first, ke->lanes), "");
	T type = LLVMTypeOf(at);
	V most = l_call(e, "llvm.vector.reduce.umax", e->i32, &type, 1, &at, 1);
	V room = l_i32(e, WINDOW * (int32_t)ke->lanes - (int32_t)channels);
	V is_near = LLVMBuildICmp(e->b, LLVMIntULE, most, room, "");
	LLVMBasicBlockRef near = l_block(e, "near"), far = l_block(e, "far"),
	                  after = l_block(e, "after");
	LLVMBuildCondBr(e->b, is_near, near, far);
	LLVMPositionBuilderAtEnd(e->b, near);
	V found[NEAR], other[NEAR];
	V end = LLVMBuildAdd(e->b, most, l_i32(e, (int32_t)channels), "");
	slide(ke, element, LLVMBuildGEP2(e->b, element, base, &first, 1, ""), at, end, channels, found);
	near = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, far);
	gather_each(ke, element, base, offsets, channels, other);
	far = LLVMGetInsertBlock(e->b);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, after);
	l_meet(e, found, other, (LLVMBasicBlockRef[]){near, far}, (unsigned)channels);
	memcpy(v, found, (size_t)channels * sizeof *v);
}

V gather_offsets(KernelEmit *ke, Shape from, V place, int64_t stride)
{
	Emit *e = ke->e;
	unsigned lanes = l_lanes(place);
	T integer = is_near(e, from) ? e->i32 : e->word;
	place = LLVMBuildSExtOrBitCast(e->b, place, l_vector(integer, lanes), "");
	return LLVMBuildNSWMul(e->b, place,
	                       l_splat_const(LLVMConstInt(integer, (uint64_t)stride, true), lanes), "");
}

/* As many places as there are to read: an image that is turned, say, is read about in order, but in
 * steps that the machine does not follow by itself. Of long rows behind each place most is not read. */
void gather_ahead(KernelEmit *ke, NodeId x, V place, int64_t stride)
{
	enum { AHEAD = 8192, LINE = 64 /* bytes */, MOST_LINES = 16 };
	Emit *e = ke->e;
	const Node *n = node(e->k->graph, x);
	int64_t size = type_info[n->type].size, span = ke->lanes * stride * size;
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
	bool done = ke->ahead == x && ke->ahead_block == here;
	if (done || span > MOST_LINES * LINE ||
	    shape_size(n->shape) * size <= e->c->machine->l2_bytes || !e->c->machine->l2_bytes)
		return;
	ke->ahead = x, ke->ahead_block = here;
	V at = LLVMBuildNSWMul(e->b, place, l_word(e, stride * size), "");
	for (int64_t i = 0; i < span; i += LINE) {
		V behind = LLVMBuildNSWAdd(e->b, at, l_word(e, AHEAD + i), "");
		V address = LLVMBuildGEP2(e->b, e->i8, spot_begin(ke, x), &behind, 1, "");
		l_prefetch(e, address, false);
	}
}

/* -- Elements that lie behind each other -------------------------------------------------------- */

bool gather_is_near(const KernelEmit *ke, DType t, Shape from)
{
	const Machine *m = ke->e->c->machine;
	bool has = machine_is_x86(m) && (m->vector_bits == 512 || m->vector_bits == 256);
	return has && type_info[t].size == WORD && shape_size(from) == from.dim[0] &&
	       is_near(ke->e, from) && ke->lanes == m->vector_bits / 32;
}

/* Of two vectors from `from` on, lane i is element at[i], of which none is above `most`. */
static V pick(KernelEmit *ke, T element, V from, V at, V most)
{
	Emit *e = ke->e;
	V part[2], ids = l_lane_ids(e, e->i32, ke->lanes), last = l_splat(e, most, ke->lanes);
	for (int32_t k = 0; k < 2; k++) {
		V first = l_i32(e, k * (int32_t)ke->lanes);
		V here = LLVMBuildAdd(e->b, ids, l_splat_const(first, ke->lanes), "");
		part[k] = l_load_masked(e, l_vector(element, ke->lanes), l_at(e, element, from, first),
		                        WORD, LLVMBuildICmp(e->b, LLVMIntULE, here, last, ""),
		                        LLVMConstNull(l_vector(element, ke->lanes)));
	}
	return from_two(e, part[0], at, part[1]);
}

/* Places that are near each other lie in two vectors. What asks for it does not depend on base, so that
 * rows of the same places ask once. */
V gather_near(KernelEmit *ke, T element, V base, V offsets, V mask)
{
	Emit *e = ke->e;
	T type = LLVMTypeOf(offsets);
	V low = offsets, high = offsets;
	if (mask) { /* lanes that are left out may hold anything; without any other, none is near */
		low = l_select(e, mask, offsets, l_splat_const(l_i32(e, -1), ke->lanes));
		high = l_select(e, mask, offsets, LLVMConstNull(type));
	}
	V first = l_call(e, "llvm.vector.reduce.umin", e->i32, &type, 1, &low, 1);
	V last = l_call(e, "llvm.vector.reduce.umax", e->i32, &type, 1, &high, 1);
	V most = LLVMBuildSub(e->b, last, first, "");
	V at = LLVMBuildSub(e->b, offsets, l_splat(e, first, ke->lanes), "");
	V is_near = LLVMBuildICmp(e->b, LLVMIntULT, most, l_i32(e, 2 * (int32_t)ke->lanes), "");
	if (mask)
		is_near = LLVMBuildAnd(e->b, is_near, LLVMBuildICmp(e->b, LLVMIntULE, first, last, ""), "");
	LLVMBasicBlockRef near = l_block(e, "near"), far = l_block(e, "far"),
	                  after = l_block(e, "after");
	LLVMBuildCondBr(e->b, is_near, near, far);
	LLVMPositionBuilderAtEnd(e->b, near);
	V found = pick(ke, element, LLVMBuildGEP2(e->b, element, base, &first, 1, ""), at, most);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, far);
	V other = spot_gather(ke, element, WORD, base, offsets, mask);
	LLVMBuildBr(e->b, after);
	LLVMPositionBuilderAtEnd(e->b, after);
	l_meet(e, &found, &other, (LLVMBasicBlockRef[]){near, far}, 1);
	return found;
}
