/* buffers.c: homes become kernels, stored nodes get buffers, results go where they belong.
 *
 * All sets happen at once, at the end of the step: a reader of the old state must not see the new
 * one. A value is written in place if every reader of the old state runs earlier, or is the writing
 * kernel itself at the same element; else it goes to the arena and a copy kernel moves it last. A
 * state set to another state or an input is copied aside first. A constant has no buffer but what
 * it is the result of: outputs are filled with it, and states last. */
#include "fuse.h"

#include <string.h>

typedef struct Storing {
	Fuse *f;
	Compile *c;
	Kernels *k;
	uint32_t *kernel_of; /* [count] of a stored node: index of its kernel */
	int64_t *last_old;   /* [count] of a state: the last kernel that reads it; -1 none */
	bool *elsewhere;     /* [count] of a state: that last kernel reads it at other elements, too */
} Storing;

static BufferId add_buffer(Storing *p, NodeId x, Storage storage, uint32_t slot)
{
	const Node *n = node(p->f->g, x);
	Buffer *b = &p->k->buffer[p->k->buffer_count];
	*b = (Buffer){.node = x,
	              .storage = storage,
	              .slot = slot,
	              .bytes = (uint64_t)shape_size(n->shape) * type_info[n->type].size};
	return p->k->buffer_count++;
}

static void add_leaves(Storing *p)
{
	const Graph *g = p->f->g;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		if (n->op == OP_input) {
			p->k->input_name[p->k->input_count] = n->attr.name;
			p->k->buffer_of[x] = add_buffer(p, x, STORED_INPUT, p->k->input_count++);
		} else if (n->op == OP_state) {
			p->k->state_name[p->k->state_count] = n->attr.name;
			p->k->buffer_of[x] = add_buffer(p, x, STORED_STATE, p->k->state_count++);
		}
	}
}

static Kernel *add_kernel(Storing *p, KernelKind kind, NodeId core, uint32_t room)
{
	Kernel *kernel = &p->k->kernel[p->k->kernel_count++];
	*kernel = (Kernel){.kind = kind, .core = core};
	kernel->out = new_array(p->c->arena, NodeId, room);
	kernel->to = new_array(p->c->arena, BufferId, room);
	return kernel;
}

static void add_out(Kernel *kernel, NodeId x, BufferId to)
{
	kernel->out[kernel->out_count] = x;
	kernel->to[kernel->out_count++] = to;
}

/* One kernel a home; every out has an arena buffer for now. */
static void add_homes(Storing *p)
{
	for (uint32_t i = 0; i < p->f->home_count; i++) {
		const Home *h = &p->f->homes[i];
		Kernel *kernel = add_kernel(p, h->kind, h->core, h->outs);
		kernel->flat = h->kind == KERNEL_map && h->flat;
		kernel->fold = new_array(p->c->arena, NodeId, h->folds + 1);
		memcpy(kernel->fold, h->fold, h->folds * sizeof *h->fold);
		kernel->fold_count = h->folds;
		for (uint32_t o = 0; o < h->outs; o++) {
			p->kernel_of[h->out[o]] = p->k->kernel_count - 1;
			p->k->buffer_of[h->out[o]] = add_buffer(p, h->out[o], STORED_ARENA, 0);
			add_out(kernel, h->out[o], p->k->buffer_of[h->out[o]]);
		}
	}
}

/* An out that only its own kernel reads, and that is no result, is computed but not stored. */
static void drop_private(Storing *p)
{
	const Graph *g = p->f->g;
	Read *read = new_array(p->c->arena, Read, g->count);
	bool *wanted = new_array(p->c->arena, bool, g->count);
	for (uint32_t i = 0; i < p->k->kernel_count; i++) {
		uint32_t reads = kernel_reads(p->c, p->k, &p->k->kernel[i], read);
		for (uint32_t r = 0; r < reads; r++)
			wanted[read[r].node] = true;
	}
	for (uint32_t i = 0; i < p->k->kernel_count; i++) {
		Kernel *kernel = &p->k->kernel[i];
		uint32_t kept = 0;
		for (uint32_t o = 0; o < kernel->out_count; o++) {
			NodeId x = kernel->out[o];
			if (wanted[x] || p->f->must_store[x]) {
				kernel->out[kept] = x;
				kernel->to[kept++] = kernel->to[o];
				continue;
			}
			p->k->buffer[p->k->buffer_of[x]].bytes = 0;
			p->k->buffer_of[x] = 0;
		}
		kernel->out_count = kept;
	}
}

/* A row kernel of one fold and nothing as long as the row is a reduction. */
static void plain_reductions(Storing *p)
{
	for (uint32_t i = 0; i < p->k->kernel_count; i++) {
		Kernel *kernel = &p->k->kernel[i];
		if (kernel->kind != KERNEL_row || kernel->fold_count != 1)
			continue;
		bool plain = true;
		for (uint32_t o = 0; o < kernel->out_count; o++)
			plain &= shape_equal(node(p->f->g, kernel->out[o])->shape,
			                     node(p->f->g, kernel->core)->shape);
		if (plain)
			kernel->kind = KERNEL_reduce;
	}
}

/* Chains repeat kernels: where each stored node's own kernel is now. */
static void make_chains(Storing *p)
{
	kernels_chain(p->c, p->k);
	kernels_strip(p->c, p->k);
	for (uint32_t i = 0; i < p->k->kernel_count; i++)
		for (uint32_t o = 0; o < p->k->kernel[i].out_count; o++)
			p->kernel_of[p->k->kernel[i].out[o]] = i;
}

static void find_readers(Storing *p)
{
	const Graph *g = p->f->g;
	Read *read = new_array(p->c->arena, Read, g->count);
	for (NodeId x = 1; x < g->count; x++)
		p->last_old[x] = -1;
	for (uint32_t i = 0; i < p->k->kernel_count; i++) {
		uint32_t reads = kernel_reads(p->c, p->k, &p->k->kernel[i], read);
		for (uint32_t r = 0; r < reads; r++)
			if (node(g, read[r].node)->op == OP_state) {
				p->last_old[read[r].node] = i;
				p->elsewhere[read[r].node] = !read[r].same_element;
			}
	}
}

static void redirect(Storing *p, NodeId x, BufferId to)
{
	Kernel *kernel = &p->k->kernel[p->kernel_of[x]];
	BufferId old = p->k->buffer_of[x];
	for (uint32_t o = 0; o < kernel->out_count; o++)
		if (kernel->out[o] == x)
			kernel->to[o] = to;
	p->k->buffer_of[x] = to;
	p->k->buffer[old].bytes = 0; /* unused now */
}

/* A result that nobody reads from there. */
static bool is_filled(const Storing *p, NodeId x)
{
	return !p->k->buffer_of[x] && node_is_filled(p->f->g, x);
}

static void fill(Storing *p, NodeId x, BufferId to)
{
	Kernel *kernel = add_kernel(p, KERNEL_map, 0, 1);
	kernel->flat = p->f->flat[x];
	add_out(kernel, x, to);
}

static bool is_arena(const Storing *p, NodeId x)
{
	return p->k->buffer_of[x] && p->k->buffer[p->k->buffer_of[x]].storage == STORED_ARENA;
}

static void store_sets(Storing *p, BufferId *aside)
{
	const Graph *g = p->f->g;
	for (uint32_t i = 0; i < g->set_count; i++) {
		NodeId state = g->set[i].state, value = g->set[i].value;
		BufferId home = p->k->buffer_of[state];
		if (state == value)
			continue;
		bool in_place =
		    is_arena(p, value) &&
		    (p->last_old[state] < (int64_t)p->kernel_of[value] ||
		     (p->last_old[state] == (int64_t)p->kernel_of[value] && !p->elsewhere[state]));
		if (in_place)
			redirect(p, value, home);
		else if (node_is_leaf(node(g, value)))
			aside[i] = add_buffer(p, value, STORED_ARENA, 0);
	}
}

static void copy(Storing *p, NodeId value, BufferId from, BufferId to)
{
	Kernel *kernel = add_kernel(p, KERNEL_copy, 0, 1);
	kernel->from = from;
	add_out(kernel, value, to);
}

static void store_copies(Storing *p, const BufferId *aside)
{
	const Graph *g = p->f->g;
	for (uint32_t i = 0; i < g->set_count; i++) {
		NodeId state = g->set[i].state, value = g->set[i].value;
		if (state == value || p->k->buffer_of[value] == p->k->buffer_of[state])
			continue;
		if (is_filled(p, value))
			fill(p, value, p->k->buffer_of[state]);
		else
			copy(p, value, aside[i] ? aside[i] : p->k->buffer_of[value], p->k->buffer_of[state]);
	}
}

static void store_outputs(Storing *p, bool *copied)
{
	const Graph *g = p->f->g;
	for (uint32_t i = 0; i < g->out_count; i++) {
		p->k->output_name[i] = g->out[i].name;
		NodeId x = result_of(g, g->out[i].value);
		BufferId b = add_buffer(p, x, STORED_OUTPUT, i);
		if (is_filled(p, x))
			fill(p, x, b);
		else if (is_arena(p, x))
			redirect(p, x, b);
		else
			copied[i] = true;
		p->k->buffer[b].node = x;
	}
	p->k->output_count = g->out_count;
}

/* Copies that must see old values run before everything else. */
static void copies_first(Kernels *k, uint32_t from)
{
	for (uint32_t i = from, to = 0; i < k->kernel_count; i++, to++) {
		Kernel first = k->kernel[i];
		memmove(&k->kernel[to + 1], &k->kernel[to], (i - to) * sizeof first);
		k->kernel[to] = first;
	}
}

static BufferId output_buffer(const Kernels *k, uint32_t slot)
{
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (k->buffer[b].storage == STORED_OUTPUT && k->buffer[b].slot == slot)
			return b;
	BUG("output %u has no buffer", slot);
}

static void copy_output(Storing *p, uint32_t slot)
{
	NodeId x = result_of(p->f->g, p->f->g->out[slot].value);
	copy(p, x, p->k->buffer_of[x], output_buffer(p->k, slot));
}

/* The first kernel of each hash, by a table of 1 + kernel. */
static void find_same(Compile *c, Kernels *k)
{
	uint32_t size = 16;
	while (size < 2 * k->kernel_count)
		size *= 2;
	ArenaMark mark = arena_mark(c->arena);
	uint32_t *table = new_array(c->arena, uint32_t, size);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		uint32_t at = (uint32_t)k->kernel[i].hash & (size - 1);
		while (table[at] && k->kernel[table[at] - 1].hash != k->kernel[i].hash)
			at = (at + 1) & (size - 1);
		table[at] = table[at] ? table[at] : i + 1;
		k->kernel[i].same = table[at] - 1;
	}
	arena_reset(c->arena, mark);
}

Kernels *fuse_buffers(Fuse *f, Compile *c)
{
	const Graph *g = f->g;
	Kernels *k = new (c->arena, Kernels);
	size_t results = 2 * (size_t)g->out_count + 2 * (size_t)g->set_count + 2;
	k->graph = g;
	k->buffer_of = new_array(c->arena, BufferId, g->count);
	k->buffer = new_array(c->arena, Buffer, g->count + results);
	k->buffer_count = 1;
	k->kernel = new_array(c->arena, Kernel, kernels_at_most(f->home_count) + results);
	k->input_name = new_array(c->arena, const char *, g->count);
	k->state_name = new_array(c->arena, const char *, g->count);
	k->output_name = new_array(c->arena, const char *, g->out_count + 1);
	Storing p = {.f = f, .c = c, .k = k};
	p.kernel_of = new_array(c->arena, uint32_t, g->count);
	p.last_old = new_array(c->arena, int64_t, g->count);
	p.elsewhere = new_array(c->arena, bool, g->count);
	BufferId *aside = new_array(c->arena, BufferId, g->set_count + 1);
	bool *copied = new_array(c->arena, bool, g->out_count + 1);
	add_leaves(&p);
	add_homes(&p);
	drop_private(&p);
	plain_reductions(&p);
	make_chains(&p);
	find_readers(&p);
	store_sets(&p, aside);
	store_outputs(&p, copied);
	uint32_t bodies = k->kernel_count;
	for (uint32_t i = 0; i < g->out_count; i++) /* a leaf as output: its old value */
		if (copied[i] && node_is_leaf(node(g, g->out[i].value)))
			copy_output(&p, i);
	for (uint32_t i = 0; i < g->set_count; i++)
		if (aside[i])
			copy(&p, g->set[i].value, k->buffer_of[g->set[i].value], aside[i]);
	copies_first(k, bodies);
	store_copies(&p, aside);
	for (uint32_t i = 0; i < g->out_count; i++)
		if (copied[i] && !node_is_leaf(node(g, g->out[i].value)))
			copy_output(&p, i);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		if (!kernel_loop(c, k, &k->kernel[i]))
			return NULL;
		kernel_unroll(c, k, &k->kernel[i]);
		kernel_tile(k, &k->kernel[i]);
		kernel_vectors(k, &k->kernel[i]);
		kernel_choice(c, k, &k->kernel[i]);
	}
	kernels_hide(c, k);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		kernel_cost(c, k, &k->kernel[i]);
		k->kernel[i].hash = kernel_hash(c, k, &k->kernel[i]);
	}
	find_same(c, k);
	kernels_due(c, k);
	kernels_wave(c, k);
	return k;
}
