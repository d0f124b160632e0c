/* verify.c: what must hold of kernels and of their memory. A breach is ours, not the user's: BUG.
 *
 * - What a kernel reads was written by one before it, an old state not yet; what is private to a
 *   chain is read there alone. All is written once, and every result is.
 * - A state is written over only by a kernel that reads it at the very elements, and in no chain,
 *   whose blocks come in turns; kernels of a wave touch nothing that another writes (waves.c).
 * - The plan of a product obeys the machine and the scratch that there is (contract_plan.c).
 * - Every buffer lies in the arena while it lives, aligned, and meets no other that lives then. */
#include "fuse.h"

#include <stdlib.h>

typedef struct Verify {
	const Kernels *k;
	const char *name;
	bool *written;              /* [buffer_count] */
	const Chain **writer_chain; /* [buffer_count] */
} Verify;

static void check_read(const Verify *v, uint32_t i, const Read *r)
{
	const Kernels *k = v->k;
	const Kernel *kernel = &k->kernel[i];
	BufferId b = k->buffer_of[r->node];
	if (k->buffer[b].storage == STORED_INPUT)
		return;
	if (k->buffer[b].storage == STORED_UNIT && v->writer_chain[b] != kernel->chain)
		BUG("kernel @%u of %s reads %%%u, which is private to another chain", i, v->name, r->node);
	if (node(k->graph, r->node)->op != OP_state) {
		if (!v->written[b])
			BUG("kernel @%u of %s reads %%%u before it is written", i, v->name, r->node);
		return;
	}
	if (v->written[b])
		BUG("kernel @%u of %s reads the old value of %s after the new one was written", i, v->name,
		    k->state_name[k->buffer[b].slot]);
	for (uint32_t o = 0; o < kernel->out_count; o++)
		if (kernel->to[o] == b && !r->same_element)
			BUG("kernel @%u of %s writes over elements of %s that it still reads", i, v->name,
			    k->state_name[k->buffer[b].slot]);
}

static void check_copy(const Verify *v, uint32_t i)
{
	const Buffer *from = &v->k->buffer[v->k->kernel[i].from];
	bool leaf = node_is_leaf(node(v->k->graph, from->node));
	if (!leaf && !v->written[v->k->kernel[i].from])
		BUG("kernel @%u of %s copies %%%u before it is written", i, v->name, from->node);
}

static void note_writes(const Verify *v, uint32_t i)
{
	const Kernel *kernel = &v->k->kernel[i];
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		BufferId to = kernel->to[o];
		Storage storage = v->k->buffer[to].storage;
		if (v->written[to] && storage != STORED_UNIT)
			BUG("kernel @%u of %s writes %%%u, which is written already", i, v->name,
			    kernel->out[o]);
		if (storage == STORED_INPUT || (storage == STORED_STATE && kernel->chain))
			BUG("kernel @%u of %s writes over %%%u", i, v->name, v->k->buffer[to].node);
		v->written[to] = true;
		v->writer_chain[to] = kernel->chain;
	}
}

static void check_results(const Verify *v)
{
	const Graph *g = v->k->graph;
	uint32_t outputs = 0;
	for (BufferId b = 1; b < v->k->buffer_count; b++)
		outputs += v->k->buffer[b].storage == STORED_OUTPUT && v->written[b];
	if (outputs != g->out_count)
		BUG("%u of %u outputs of %s are written", outputs, g->out_count, v->name);
	for (uint32_t i = 0; i < g->set_count; i++)
		if (g->set[i].state != g->set[i].value && !v->written[v->k->buffer_of[g->set[i].state]])
			BUG("the next %s of %s is not written", node(g, g->set[i].state)->attr.name, v->name);
}

static void check_operand(const Verify *v, uint32_t i, const ContractPlan *p, const OperandPlan *o)
{
	int64_t tiles = p->row_panels * p->col_panels;
	bool brings = o->prefetch == PREFETCH_BLOCK || o->prefetch == PREFETCH_COPY;
	if (brings && (p->k_blocks < 2 || o->share < 1))
		BUG("kernel @%u of %s brings a next block of k that there is not", i, v->name);
	if (o->prefetch == PREFETCH_COPY &&
	    (o->source != SOURCE_ALONG_FREE || o->tiles > tiles || p->lanes % p->high))
		BUG("kernel @%u of %s cannot copy a block in %lld register tiles", i, v->name,
		    (long long)tiles);
	if ((o->source == SOURCE_DIRECT) != (o->bytes == 0))
		BUG("kernel @%u of %s has scratch for what it reads in place, or none", i, v->name);
}

static void check_contract(const Verify *v, uint32_t i)
{
	const Kernel *kernel = &v->k->kernel[i];
	const ContractPlan *p = kernel->contract;
	const Machine *m = v->k->graph->c->machine;
	if (kernel->kept_count > MAX_KEPT_ROWS || (kernel->kept_count && kernel->kind != KERNEL_row))
		BUG("kernel @%u of %s keeps %u rows", i, v->name, kernel->kept_count);
	if ((kernel->kind == KERNEL_contract) != (p != NULL))
		BUG("kernel @%u of %s has no plan, or needs none", i, v->name);
	if (!p)
		return;
	unsigned registers = p->high * p->wide + p->wide + 1;
	if (!p->high || !p->wide || p->lanes != kernel->lanes ||
	    (registers >= m->vector_registers && p->high * p->wide > 1))
		BUG("kernel @%u of %s has register tiles of %u x %u", i, v->name, p->high, p->wide);
	bool in_blocks = p->k_blocks > 1 && p->block_axis + 1 == p->axes.sums;
	if (p->k % p->unroll || p->k_rest % p->unroll || (in_blocks && p->block_k % p->unroll))
		BUG("kernel @%u of %s has rounds of %u steps", i, v->name, p->unroll);
	if (kernel->tiling.k_parts && p->k_blocks > 1)
		BUG("kernel @%u of %s has blocks of k in a part of k", i, v->name);
	if (contract_bytes(p) > (int64_t)kernel->scratch)
		BUG("kernel @%u of %s has no scratch for its plan", i, v->name);
	check_operand(v, i, p, &p->r);
	check_operand(v, i, p, &p->l);
}

void kernels_verify(const Kernels *k)
{
	Compile *c = k->graph->c;
	ArenaMark mark = arena_mark(c->arena);
	Verify v = {.k = k, .name = k->graph->name};
	v.written = new_array(c->arena, bool, k->buffer_count);
	v.writer_chain = new_array(c->arena, const Chain *, k->buffer_count);
	Read *read = new_array(c->arena, Read, k->graph->count);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		if (!kernel->out_count || kernel->tiles < 1)
			BUG("kernel @%u of %s does nothing", i, v.name);
		check_contract(&v, i);
		if ((kernel->kind == KERNEL_scan) != (kernel->loop != NULL) ||
		    (kernel->loop && (kernel->beside || wave_end(k, i) != i + 1)))
			BUG("kernel @%u of %s has no body, or does not run alone", i, v.name);
		if (kernel->loop)
			kernels_verify(kernel->loop->body);
		if (kernel->kind == KERNEL_copy)
			check_copy(&v, i);
		uint32_t reads = kernel_reads(c, k, kernel, read);
		for (uint32_t r = 0; r < reads; r++)
			check_read(&v, i, &read[r]);
		note_writes(&v, i);
	}
	check_results(&v);
	waves_verify(k);
	dues_verify(k);
	arena_reset(c->arena, mark);
}

/* -- Memory ------------------------------------------------------------------------------------ */

/* It lives while kernel i runs, and all that run beside it. */
static void check_life(const Kernels *k, uint32_t i, uint32_t end, BufferId id)
{
	const Buffer *b = &k->buffer[id];
	if (b->storage != STORED_ARENA)
		return;
	if (!b->bytes)
		BUG("kernel @%u of %s touches b%u, which is nowhere", i, k->graph->name, id);
	if (b->first > i || b->last + 1 < end)
		BUG("kernel @%u of %s touches b%u, which lives from @%u to @%u", i, k->graph->name, id,
		    b->first, b->last);
}

static void check_lives(const Kernels *k)
{
	Compile *c = k->graph->c;
	Read *read = new_array(c->arena, Read, k->graph->count);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		uint32_t end = wave_end(k, i);
		uint32_t reads = kernel_reads(c, k, kernel, read);
		for (uint32_t r = 0; r < reads; r++)
			check_life(k, i, end, k->buffer_of[read[r].node]);
		if (kernel->kind == KERNEL_copy)
			check_life(k, i, end, kernel->from);
		for (uint32_t n = 0; n < kernel->dues; n++)
			check_life(k, i, end, kernel->due[n].condition);
		for (uint32_t o = 0; o < kernel->out_count; o++)
			check_life(k, i, end, kernel->to[o]);
	}
}

static int by_offset(const void *x, const void *y)
{
	const Buffer *a = *(Buffer *const *)x, *b = *(Buffer *const *)y;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

void plan_verify(const Kernels *k, const Plan *p)
{
	Compile *c = k->graph->c;
	ArenaMark mark = arena_mark(c->arena);
	const Buffer **buffer = new_array(c->arena, const Buffer *, k->buffer_count);
	uint32_t count = 0;
	check_lives(k);
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (k->kernel[i].loop)
			plan_verify(k->kernel[i].loop->body, k->kernel[i].loop->plan);
	for (BufferId id = 1; id < k->buffer_count; id++) {
		const Buffer *b = &k->buffer[id];
		if (!buffer_is_planned(b))
			continue;
		if (b->offset % ARENA_ALIGN || b->bytes > p->arena_bytes ||
		    b->offset > p->arena_bytes - b->bytes)
			BUG("b%u of %s is not in the arena", id, k->graph->name);
		buffer[count++] = b;
	}
	qsort(buffer, count, sizeof *buffer, by_offset);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = i + 1;
		     j < count && buffer[j]->offset - buffer[i]->offset < buffer[i]->bytes; j++)
			if (buffer[i]->first <= buffer[j]->last && buffer[j]->first <= buffer[i]->last)
				BUG("b%u and b%u of %s meet in the arena", (unsigned)(buffer[i] - k->buffer),
				    (unsigned)(buffer[j] - k->buffer), k->graph->name);
	arena_reset(c->arena, mark);
}
