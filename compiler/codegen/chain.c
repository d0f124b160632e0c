/* chain.c: the task of a chain: its members one after the other, for each unit and block of rows.
 *
 * Its args are the addresses of the members' buffers, in order; those of private buffers are not
 * filled in. A private buffer has room for one block: members are given an address so far before
 * it that the block's own rows, which they find by their place in the whole, fall there. */
#include "module.h"

typedef struct ChainEmit {
	Emit *e;
	const ChainLink *link;
	uint32_t links;
	const Chain *chain;
	uint64_t *offset; /* [buffer_count] 1 + offset of a private buffer in scratch; 0: it has none */
	V scratch, args;
} ChainEmit;

/* A private buffer in scratch: [offset, offset + bytes), of use to members [first, last]. */
typedef struct Room {
	BufferId buffer;
	uint64_t offset, bytes;
	uint32_t first, last;
} Room;

/* As low as those of use at the same time, which have their place, allow. */
static void place(Room *r, const Room *placed, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const Room *o = &placed[i];
		bool both = o->first <= r->last && r->first <= o->last;
		if (both && o->offset < r->offset + r->bytes && r->offset < o->offset + o->bytes) {
			r->offset = o->offset + o->bytes;
			i = UINT32_MAX; /* it may meet one that it did not before */
		}
	}
}

/* Members after the last that reads it have its room: so much more of a block stays in the first cache. */
static uint64_t offsets_of_private(ChainEmit *c)
{
	const Kernels *k = c->e->k;
	uint64_t size = 0;
	uint32_t count = 0, all = 0;
	for (uint32_t i = 0; i < c->links; i++)
		all += c->link[i].count;
	Room *room = new_array(c->e->c->arena, Room, all + 1);
	for (uint32_t i = 0; i < c->links; i++)
		for (uint32_t j = 0; j < c->link[i].count; j++) {
			BufferId b = c->link[i].buffer[j];
			uint32_t r = 0;
			while (r < count && room[r].buffer != b)
				r++;
			if (k->buffer[b].storage != STORED_UNIT)
				continue;
			if (r == count)
				room[count++] = (Room){.buffer = b, .first = i};
			room[r].last = i;
		}
	for (uint32_t r = 0; r < count; r++) {
		uint64_t bytes = chain_row_bytes(k, c->chain, room[r].buffer) * (uint64_t)c->chain->block;
		room[r].bytes = (bytes + 63) / 64 * 64;
		place(&room[r], room, r);
		c->offset[room[r].buffer] = 1 + room[r].offset;
		uint64_t end = room[r].offset + room[r].bytes;
		size = end > size ? end : size;
	}
	return size;
}

static V mul(Emit *e, V x, int64_t by)
{
	return LLVMBuildNSWMul(e->b, x, l_word(e, by), "");
}

static V address(ChainEmit *c, BufferId b, uint32_t word, V row)
{
	Emit *e = c->e;
	if (!c->offset[b])
		return l_load(e, e->ptr, l_at(e, e->ptr, c->args, l_word(e, word)), e->word_bytes);
	V skipped = mul(e, row, (int64_t)chain_row_bytes(e->k, c->chain, b));
	V offset = LLVMBuildNSWSub(e->b, l_word(e, (int64_t)c->offset[b] - 1), skipped, "");
	return LLVMBuildGEP2(e->b, e->i8, c->scratch, &offset, 1, "");
}

/* All members, at block `block` of a unit. */
static void run_block(ChainEmit *c, V unit, V block)
{
	Emit *e = c->e;
	int64_t blocks = chain_blocks(c->chain);
	V first = mul(e, block, c->chain->block);
	V rows = l_word(e, c->chain->block);
	if (c->chain->rows % c->chain->block) {
		V left = LLVMBuildNSWSub(e->b, l_word(e, c->chain->rows), first, "");
		rows = l_binary(e, "llvm.smin", rows, left);
	}
	V item = LLVMBuildNSWAdd(e->b, mul(e, unit, blocks), block, "");
	V row = LLVMBuildNSWAdd(e->b, mul(e, unit, c->chain->rows), first, "");
	uint32_t word = 0;
	for (uint32_t i = 0; i < c->links; i++) {
		const ChainLink *l = &c->link[i];
		V *args = new_array(e->c->arena, V, l->count + 2);
		for (uint32_t j = 0; j < l->count; j++)
			args[j] = address(c, l->buffer[j], word++, row);
		V begin = row, end = LLVMBuildNSWAdd(e->b, row, rows, "");
		if (l->kernel->kind == KERNEL_contract) {
			int64_t tiles = l->kernel->tiles / (c->chain->units * blocks);
			begin = mul(e, item, tiles);
			end = LLVMBuildNSWAdd(e->b, begin, l_word(e, tiles), "");
		}
		args[l->count] = begin, args[l->count + 1] = end;
		LLVMBuildCall2(e->b, l->type, l->function, args, l->count + 2, "");
	}
}

V chain_task(Emit *e, const Codegen *cg, const char *symbol, uint32_t first, const ChainLink *link)
{
	const Chain *chain = e->k->kernel[first].chain;
	V f = task_begin(e, cg, symbol);
	ChainEmit c = {.e = e, .link = link, .links = chain->count, .chain = chain};
	c.offset = new_array(e->c->arena, uint64_t, e->k->buffer_count);
	c.args = LLVMGetParam(f, 0);
	V size = l_word(e, (int64_t)offsets_of_private(&c)), one = l_word(e, 1);
	c.scratch = LLVMBuildArrayAlloca(e->b, e->i8, size, "scratch");
	LLVMSetAlignment(c.scratch, 64);
	V blocks = l_word(e, chain_blocks(chain));
	Loop items, inner;
	loop_begin(e, &items, "item", LLVMGetParam(f, 1), LLVMGetParam(f, 2), one, NULL, 0);
	if (chain_adds(e->k, first)) {
		loop_begin(e, &inner, "block", l_word(e, 0), blocks, one, NULL, 0);
		run_block(&c, items.index, inner.index);
		loop_end(e, &inner, NULL);
	} else {
		V block = LLVMBuildURem(e->b, items.index, blocks, "");
		run_block(&c, LLVMBuildUDiv(e->b, items.index, blocks, ""), block);
	}
	loop_end(e, &items, NULL);
	task_end(e);
	return f;
}
