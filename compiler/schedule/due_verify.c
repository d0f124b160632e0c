/* due_verify.c: what a step leaves out, verified the other way: it reaches nothing that is kept.
 *
 * For each condition that a kernel asks for, the step in which it is not so is gone through from the
 * first kernel to the last: what was not stored is any bits, and so is what is made of them, but by a
 * select that takes its other side. No such bits may be an index, or come to a state or an output. */
#include "fuse.h"

typedef struct Left { /* what a step leaves, in which one condition is what it is */
	Compile *c;
	const Kernels *k;
	NodeId choice;
	bool holds;
	bool *stale; /* [buffer_count] */
	bool *of;    /* [count] a node of the present kernel is made of such, or is any bits */
} Left;

/* Whether x, of a kernel that runs, is any bits. */
static bool is_any(const Left *l, uint32_t i, NodeId x)
{
	const Node *n = node(l->k->graph, x);
	int side = choice_side(l->k->graph, n, l->choice, l->holds);
	bool any = false;
	for (int j = 0; j < n->count; j++) {
		if (l->of[n->in[j]] && !takes_any_bits(n, j))
			BUG("kernel @%u of %s: %%%u is made of what a step leaves out", i, l->k->graph->name,
			    x);
		any |= (!side || j == 0 || j == side) && l->of[n->in[j]];
	}
	return any;
}

static void check_left_out(const Left *l, uint32_t i)
{
	const Kernel *kernel = &l->k->kernel[i];
	for (uint32_t o = 0; o < kernel->out_count; o++) {
		const Buffer *b = &l->k->buffer[kernel->to[o]];
		l->stale[kernel->to[o]] = b->storage == STORED_ARENA || b->storage == STORED_UNIT;
		if (l->stale[kernel->to[o]])
			continue;
		if (!choice_stays(l->k, kernel, o, l->choice, l->holds))
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
		if (kernel->due[n].condition == l->k->buffer_of[l->choice] &&
		    kernel->due[n].holds != l->holds)
			return true;
	return false;
}

/* Where this condition does not hold. */
static void check_without(Compile *c, const Kernels *k, Due due)
{
	ArenaMark mark = arena_mark(c->arena);
	Left l = {.c = c, .k = k, .choice = k->buffer[due.condition].node, .holds = !due.holds};
	l.stale = new_array(c->arena, bool, k->buffer_count);
	l.of = new_array(c->arena, bool, k->graph->count);
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (is_left_out(&l, &k->kernel[i]))
			check_left_out(&l, i);
		else
			check_run(&l, i);
	arena_reset(c->arena, mark);
}

/* Outs that a kernel stores at some steps alone. */
static void check_only(const Kernels *k, uint32_t i)
{
	const Kernel *kernel = &k->kernel[i];
	for (uint32_t o = 0; o < kernel->out_count; o++)
		for (unsigned holds = 0; holds < 2; holds++)
			if ((kernel->only[holds] >> o & 1) &&
			    !choice_stays(k, kernel, o, kernel->choice, !holds))
				BUG("kernel @%u of %s does not store what is kept", i, k->graph->name);
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
		check_only(k, i);
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
