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

enum { MOST_CONDITIONS = 16 };

typedef struct Dues {
	Compile *c;
	Kernels *k;
	BufferId condition[MOST_CONDITIONS]; /* each has two literals: bit 2 i + (it holds) */
	uint32_t conditions;
	uint32_t *writer; /* [buffer_count] 1 + its first kernel; 0: none */
	uint64_t *need;   /* [buffer_count] the literals without which no later kernel needs it */
	uint64_t *of;     /* [count] the same of a node of the present kernel, of each that is there */
} Dues;

#define ALWAYS 0
#define NEVER  UINT64_MAX

NodeId choice_of(const Graph *g, NodeId condition)
{
	const Node *n = node(g, condition);
	for (; n->op == OP_broadcast || n->op == OP_reshape; n = node(g, condition))
		condition = n->in[0];
	bool one = n->type == DTYPE_bool && shape_size(n->shape) == 1;
	return one && n->op != OP_constant ? condition : 0;
}

/* What must hold where x, one truth value, is `holds`, as far as it is stored. */
static uint64_t literals(Dues *d, NodeId x, bool holds)
{
	x = choice_of(d->k->graph, x);
	if (!x)
		return ALWAYS;
	const Node *n = node(d->k->graph, x);
	if (n->op == OP_not)
		return literals(d, n->in[0], !holds);
	uint64_t both = (n->op == OP_and && holds) || (n->op == OP_or && !holds)
	                    ? literals(d, n->in[0], holds) | literals(d, n->in[1], holds)
	                    : ALWAYS;
	BufferId b = d->k->buffer_of[x];
	if (!b || d->k->buffer[b].storage != STORED_ARENA)
		return both;
	uint32_t at = 0;
	while (at < d->conditions && d->condition[at] != b)
		at++;
	if (at == MOST_CONDITIONS)
		return both;
	d->condition[at] = b;
	d->conditions += at == d->conditions;
	return both | UINT64_C(1) << (2 * at + holds);
}

/* -- What a kernel needs ----------------------------------------------------------------------- */

bool takes_any_bits(const Node *n, int operand)
{
	bool whole = !type_info[n->type].is_float && (n->op == OP_div || n->op == OP_rem);
	bool index = (n->op == OP_gather || n->op == OP_scatter_add) && operand == 1;
	return !whole && !index && op_info[n->op].kind != LOOP;
}

/* Where out o need not be stored: nobody reads it, or it is what the state was. */
static uint64_t need_of_out(Dues *d, const Kernel *kernel, uint32_t o)
{
	const Graph *g = d->k->graph;
	const Buffer *b = &d->k->buffer[kernel->to[o]];
	const Node *n = node(g, kernel->out[o]);
	if (b->storage == STORED_STATE && n->op == OP_select)
		return n->in[2] == b->node   ? literals(d, n->in[0], true)
		       : n->in[1] == b->node ? literals(d, n->in[0], false)
		                             : ALWAYS;
	return b->storage == STORED_ARENA ? d->need[kernel->to[o]] : ALWAYS;
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
		d->of[visit[v].node] = NEVER;
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		bool arena = d->k->buffer[kernel->to[o]].storage == STORED_ARENA;
		d->of[kernel->out[o]] &= due | (arena ? d->need[kernel->to[o]] : 0);
	}
	for (uint32_t v = 0; v < count; v++) {
		NodeId x = visit[v].node;
		const Node *n = node(g, x);
		uint64_t here = d->of[x] == NEVER ? due : d->of[x];
		if (!visit[v].here)
			d->need[d->k->buffer_of[x]] &= here;
		for (int i = 0; visit[v].here && i < n->count; i++) {
			uint64_t more = n->op == OP_select && i > 0 ? literals(d, n->in[0], i == 1) : ALWAYS;
			d->of[n->in[i]] &= takes_any_bits(n, i) ? here | more : due;
		}
	}
	arena_reset(d->c->arena, mark);
}

/* Literals whose conditions are there before kernel `first`, not two of one condition. */
static uint64_t known_before(const Dues *d, uint64_t due, uint32_t first)
{
	uint64_t left = ALWAYS;
	unsigned count = 0;
	for (uint32_t i = 0; i < d->conditions && count < MAX_DUES; i++) {
		uint64_t both = due >> 2 * i & 3, writer = d->writer[d->condition[i]];
		if (both == 1 || both == 2)
			if (writer && writer - 1 < first)
				left |= both << 2 * i, count++;
	}
	return left;
}

static void give(const Dues *d, Kernel *kernel, uint64_t due)
{
	for (uint32_t i = 0; i < 2 * d->conditions; i++) {
		if (!(due >> i & 1))
			continue;
		d->need[d->condition[i / 2]] = ALWAYS;
		kernel->due[kernel->dues++] = (Due){d->condition[i / 2], i % 2};
	}
}

/* Operations and bytes that are as soon done as left out, with the wave that this cuts. */
enum { A_JUMP = 1 << 14 };

static bool is_condition(const Dues *d, BufferId b)
{
	for (uint32_t i = 0; i < d->conditions; i++)
		if (d->condition[i] == b)
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
			there &= storage == STORED_INPUT || storage == STORED_STATE || d->need[b] == ALWAYS ||
			         is_condition(d, b);
		}
		there &= kernel->kind != KERNEL_copy || d->need[kernel->from] == ALWAYS;
		arena_reset(d->c->arena, mark);
	}
	return there;
}

/* A chain runs as a whole, or not at all. */
static void find_due(Dues *d, uint32_t first, uint32_t end)
{
	uint64_t due = NEVER;
	bool some = false;
	for (uint32_t i = first; i < end; i++)
		for (uint32_t o = 0; o < d->k->kernel[i].out_count; o++)
			if (d->k->buffer[d->k->kernel[i].to[o]].storage != STORED_UNIT)
				due &= need_of_out(d, &d->k->kernel[i], o), some = true;
	due = some && due != NEVER ? known_before(d, due, first) : ALWAYS;
	due = due != ALWAYS && is_no_matter(d, first, end) ? ALWAYS : due;
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
	Dues d = {.c = c, .k = k};
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

/* -- Verified the other way: what is not computed reaches nothing that is kept -------------------- */

typedef struct Left { /* what a step leaves, in which one condition is what it is */
	Compile *c;
	const Kernels *k;
	Due known;
	bool *stale; /* [buffer_count] */
	bool *of;    /* [count] a node of the present kernel is made of such, or is any bits */
} Left;

typedef enum Truth { IS_FALSE, IS_TRUE, UNKNOWN } Truth;

static Truth truth_of(const Left *l, NodeId x)
{
	x = choice_of(l->k->graph, x);
	const Node *n = x ? node(l->k->graph, x) : NULL;
	if (!n)
		return UNKNOWN;
	if (l->k->buffer_of[x] == l->known.condition)
		return l->known.holds ? IS_TRUE : IS_FALSE;
	if (n->op != OP_not && n->op != OP_and && n->op != OP_or)
		return UNKNOWN;
	Truth a = truth_of(l, n->in[0]), b = n->op == OP_not ? a : truth_of(l, n->in[1]);
	if (n->op == OP_not)
		return a == UNKNOWN ? a : a == IS_TRUE ? IS_FALSE : IS_TRUE;
	Truth decides = n->op == OP_and ? IS_FALSE : IS_TRUE;
	return a == decides || b == decides ? decides : a == b ? a : UNKNOWN;
}

/* Whether x, of a kernel that runs, is any bits. */
static bool is_any(const Left *l, uint32_t i, NodeId x)
{
	const Node *n = node(l->k->graph, x);
	Truth side = n->op == OP_select ? truth_of(l, n->in[0]) : UNKNOWN;
	bool any = false;
	for (int j = 0; j < n->count; j++) {
		if (l->of[n->in[j]] && !takes_any_bits(n, j))
			BUG("kernel @%u of %s: %%%u is made of what a step leaves out", i, l->k->graph->name,
			    x);
		bool taken = side == UNKNOWN || j == 0 || (side == IS_TRUE) == (j == 1);
		any |= taken && l->of[n->in[j]];
	}
	return any;
}

static void check_left_out(const Left *l, uint32_t i)
{
	const Kernel *kernel = &l->k->kernel[i];
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		const Buffer *b = &l->k->buffer[kernel->to[o]];
		const Node *n = node(l->k->graph, kernel->out[o]);
		l->stale[kernel->to[o]] = b->storage == STORED_ARENA || b->storage == STORED_UNIT;
		if (l->stale[kernel->to[o]])
			continue;
		Truth side = n->op == OP_select ? truth_of(l, n->in[0]) : UNKNOWN;
		bool stays = b->storage == STORED_STATE && side != UNKNOWN &&
		             n->in[side == IS_TRUE ? 1 : 2] == b->node;
		if (!stays)
			BUG("kernel @%u of %s is left out, but what it stores is kept", i, l->k->graph->name);
	}
}

static void check_run(const Left *l, uint32_t i)
{
	const Kernel *kernel = &l->k->kernel[i];
	ArenaMark mark = arena_mark(l->c->arena);
	uint32_t count = 0;
	const Visit *visit =
	    kernel->kind == KERNEL_copy ? NULL : kernel_walk(l->c, l->k, kernel, &count);
	for (uint32_t v = count; v > 0; v--) {
		NodeId x = visit[v - 1].node;
		l->of[x] = visit[v - 1].here ? is_any(l, i, x) : l->stale[l->k->buffer_of[x]];
	}
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		Storage storage = l->k->buffer[kernel->to[o]].storage;
		bool any = kernel->kind == KERNEL_copy ? l->stale[kernel->from] : l->of[kernel->out[o]];
		l->stale[kernel->to[o]] = any;
		if (any && storage != STORED_ARENA && storage != STORED_UNIT)
			BUG("kernel @%u of %s keeps what a step leaves out", i, l->k->graph->name);
	}
	for (uint32_t n = 0; n < kernel->dues; n++)
		if (l->stale[kernel->due[n].condition])
			BUG("kernel @%u of %s asks for what a step leaves out", i, l->k->graph->name);
	arena_reset(l->c->arena, mark);
}

static bool is_left_out(const Left *l, const Kernel *kernel)
{
	for (uint32_t n = 0; n < kernel->dues; n++)
		if (kernel->due[n].condition == l->known.condition &&
		    kernel->due[n].holds != l->known.holds)
			return true;
	return false;
}

/* Where this condition does not hold. */
static void check_without(Compile *c, const Kernels *k, Due due)
{
	ArenaMark mark = arena_mark(c->arena);
	Left l = {.c = c, .k = k, .known = {due.condition, !due.holds}};
	l.stale = new_array(c->arena, bool, k->buffer_count);
	l.of = new_array(c->arena, bool, k->graph->count);
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (is_left_out(&l, &k->kernel[i]))
			check_left_out(&l, i);
		else
			check_run(&l, i);
	arena_reset(c->arena, mark);
}

void dues_verify(const Kernels *k)
{
	Compile *c = k->graph->c;
	ArenaMark mark = arena_mark(c->arena);
	bool *seen[2] = {new_array(c->arena, bool, k->buffer_count),
	                 new_array(c->arena, bool, k->buffer_count)};
	uint32_t *writer = new_array(c->arena, uint32_t, k->buffer_count);
	for (uint32_t i = 0, first = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		first = kernel->beside ? first : i;
		for (uint32_t n = 0; n < kernel->dues; n++) {
			Due due = kernel->due[n];
			if (!writer[due.condition] || writer[due.condition] - 1 >= first)
				BUG("kernel @%u of %s depends on b%u, which is not known yet", i, k->graph->name,
				    due.condition);
			if (!seen[due.holds][due.condition])
				check_without(c, k, due);
			seen[due.holds][due.condition] = true;
		}
		if (kernel->beside && !same_dues(kernel, &k->kernel[i - 1]))
			BUG("kernel @%u of %s runs beside one that may be left out", i, k->graph->name);
		for (uint32_t o = 0; o < kernel->out_count; o++)
			writer[kernel->to[o]] = writer[kernel->to[o]] ? writer[kernel->to[o]] : i + 1;
	}
	arena_reset(c->arena, mark);
}
