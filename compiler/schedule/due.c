/* due.c: which kernels a step leaves out: what is asked for at each tenth step is computed at each tenth.
 *
 * A select whose condition is one truth value, stored before, asks for one of its sides. What is needed for
 * that side alone is needed where the condition holds; what two ask for, where both do. So each kernel, from
 * the last to the first, finds the conditions without which nobody needs what it stores: a state that is set
 * to what it was needs no kernel either. Where one of them does not hold the step function jumps over it,
 * and what it would have stored is whatever was there: the side that is not taken is computed of it, by
 * operations that take any bits, and left out by its select. An index, a divisor of whole numbers and a scan
 * are not among those: what they are made of is needed wherever they run. No value changes by a bit.
 * (Predicated execution of basic blocks: Allen et al. 1983, "Conversion of control dependence to data
 * dependence", read backwards.) */
#include "fuse.h"

#include <string.h>

typedef struct Dues {
	Compile *c;
	Kernels *k;
	Choices choices;  /* stored before they are asked for */
	uint32_t *writer; /* [buffer_count] 1 + its first kernel; 0: none */
	uint64_t *need;   /* [buffer_count] the literals without which no later kernel needs it */
	uint64_t *of;     /* [count] the same of a node of the present kernel, of each that is there */
} Dues;

static BufferId condition(const Dues *d, uint32_t i)
{
	return d->k->buffer_of[d->choices.of[i]];
}

/* -- What a kernel needs ----------------------------------------------------------------------- */

/* Where out o need not be stored: nobody reads it, or it is what the state was. */
static uint64_t need_of_out(Dues *d, const Kernel *kernel, uint32_t o)
{
	const Buffer *b = &d->k->buffer[kernel->to[o]];
	const Node *n = node(d->k->graph, kernel->out[o]);
	if (b->storage == STORED_STATE)
		return choice_of_set(&d->choices, n, b->node);
	return b->storage == STORED_ARENA ? d->need[kernel->to[o]] : NEEDED_ALWAYS;
}

/* The nodes of a kernel that runs where `due` holds, from the last to the first; what it reads is needed
 * where they are. */
static void note_reads(Dues *d, const Kernel *kernel, uint64_t due)
{
	const Graph *g = d->k->graph;
	if (kernel->kind == KERNEL_copy) {
		d->need[kernel->from] &= due;
		return;
	}
	ArenaMark mark = arena_mark(d->c->arena);
	uint32_t count;
	const Visit *visit = kernel_walk(d->c, d->k, kernel, &count);
	for (uint32_t v = 0; v < count; v++)
		d->of[visit[v].node] = NEEDED_NEVER;
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		bool arena = d->k->buffer[kernel->to[o]].storage == STORED_ARENA;
		d->of[kernel->out[o]] &= due | (arena ? d->need[kernel->to[o]] : 0);
	}
	for (uint32_t v = 0; v < count; v++) {
		NodeId x = visit[v].node;
		const Node *n = node(g, x);
		uint64_t here = d->of[x] == NEEDED_NEVER ? due : d->of[x];
		if (!visit[v].here)
			d->need[d->k->buffer_of[x]] &= here;
		for (int i = 0; visit[v].here && i < n->count; i++) {
			uint64_t side = choice_of_side(&d->choices, n, i);
			d->of[n->in[i]] &= takes_any_bits(n, i) ? here | side : due;
		}
	}
	arena_reset(d->c->arena, mark);
}

/* Literals whose conditions are there before kernel `first`, not two of one condition. */
static uint64_t known_before(const Dues *d, uint64_t due, uint32_t first)
{
	uint64_t left = NEEDED_ALWAYS;
	unsigned count = 0;
	for (uint32_t i = 0; i < d->choices.count && count < MAX_DUES; i++) {
		uint64_t both = due >> 2 * i & 3, writer = d->writer[condition(d, i)];
		if (both == 1 || both == 2)
			if (writer && writer - 1 < first)
				left |= both << 2 * i, count++;
	}
	return left;
}

static void give(const Dues *d, Kernel *kernel, uint64_t due)
{
	for (uint32_t i = 0; i < 2 * d->choices.count; i++) {
		if (!(due >> i & 1))
			continue;
		d->need[condition(d, i / 2)] = NEEDED_ALWAYS;
		kernel->due[kernel->dues++] = (Due){condition(d, i / 2), i % 2};
	}
}

/* Operations and bytes that are as soon done as left out, with the wave that this cuts. */
enum { A_JUMP = 1 << 14 };

static bool is_condition(const Dues *d, BufferId b)
{
	for (uint32_t i = 0; i < d->choices.count; i++)
		if (condition(d, i) == b)
			return true;
	return false;
}

/* Kernels that take no time, and read nothing that could be left out with them. */
static bool is_no_matter(const Dues *d, uint32_t first, uint32_t end)
{
	double work = 0;
	for (uint32_t i = first; i < end; i++)
		work += d->k->kernel[i].flops + d->k->kernel[i].bytes;
	if (work > A_JUMP || d->c->chain_room)
		return false;
	bool there = true;
	for (uint32_t i = first; i < end; i++) {
		ArenaMark mark = arena_mark(d->c->arena);
		const Kernel *kernel = &d->k->kernel[i];
		uint32_t reads = 0;
		const Read *read =
		    kernel->kind == KERNEL_copy ? NULL : kernel_loads(d->c, d->k, kernel, &reads);
		for (uint32_t r = 0; r < reads; r++) {
			BufferId b = d->k->buffer_of[read[r].node];
			Storage storage = d->k->buffer[b].storage;
			there &= storage == STORED_INPUT || storage == STORED_STATE ||
			         d->need[b] == NEEDED_ALWAYS || is_condition(d, b);
		}
		there &= kernel->kind != KERNEL_copy || d->need[kernel->from] == NEEDED_ALWAYS;
		arena_reset(d->c->arena, mark);
	}
	return there;
}

/* A chain runs as a whole, or not at all. */
static void find_due(Dues *d, uint32_t first, uint32_t end)
{
	uint64_t due = NEEDED_NEVER;
	bool some = false;
	for (uint32_t i = first; i < end; i++)
		for (uint32_t o = 0; o < d->k->kernel[i].out_count; o++)
			if (d->k->buffer[d->k->kernel[i].to[o]].storage != STORED_UNIT)
				due &= need_of_out(d, &d->k->kernel[i], o), some = true;
	due = some && due != NEEDED_NEVER ? known_before(d, due, first) : NEEDED_ALWAYS;
	due = due != NEEDED_ALWAYS && is_no_matter(d, first, end) ? NEEDED_ALWAYS : due;
	for (uint32_t i = end; i-- > first;) {
		give(d, &d->k->kernel[i], due);
		note_reads(d, &d->k->kernel[i], due);
	}
}

static bool some_choose(const Kernels *k)
{
	for (NodeId x = 1; x < k->graph->count; x++) {
		const Node *n = node(k->graph, x);
		if (n->op == OP_select && choice_of(k->graph, n->in[0]))
			return true;
	}
	return false;
}

void kernels_due(Compile *c, Kernels *k)
{
	if (!some_choose(k))
		return;
	ArenaMark mark = arena_mark(c->arena);
	Dues d = {.c = c, .k = k, .choices = {.g = k->graph, .k = k}};
	d.writer = new_array(c->arena, uint32_t, k->buffer_count);
	d.need = new_array(c->arena, uint64_t, k->buffer_count);
	d.of = new_array(c->arena, uint64_t, k->graph->count);
	memset(d.need, 0xff, k->buffer_count * sizeof *d.need);
	for (uint32_t i = k->kernel_count; i-- > 0;)
		for (uint32_t o = 0; o < k->kernel[i].out_count; o++)
			d.writer[k->kernel[i].to[o]] = i + 1;
	for (uint32_t end = k->kernel_count, first; end > 0; end = first) {
		first = end - 1;
		while (first > 0 && k->kernel[first].chain &&
		       k->kernel[first - 1].chain == k->kernel[first].chain)
			first--;
		find_due(&d, first, end);
	}
	arena_reset(c->arena, mark);
}

bool same_dues(const Kernel *a, const Kernel *b)
{
	bool same = a->dues == b->dues;
	for (uint32_t i = 0; same && i < a->dues; i++)
		same = a->due[i].condition == b->due[i].condition && a->due[i].holds == b->due[i].holds;
	return same;
}
