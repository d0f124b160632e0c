/* plan.c: every buffer of the arena gets a fixed offset.
 *
 * In: kernels in order. Out: offsets such that no two buffers that live at the same time overlap.
 * Largest first, each at the lowest offset that is free over its life (Pisarchyk & Lee 2020, "greedy
 * by size"); deterministic. */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

static void find_lives(Compile *c, Kernels *k)
{
	Read *read = new_array(c->arena, Read, k->graph->count);
	bool *begun = new_array(c->arena, bool, k->buffer_count);
	uint32_t first = 0; /* of the wave of i */
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		uint32_t last = wave_end(k, i) - 1;
		first = kernel->beside ? first : i;
		uint32_t reads = kernel_reads(c, k, kernel, read);
		if (kernel->kind == KERNEL_copy)
			k->buffer[kernel->from].last = last;
		for (uint32_t n = 0; n < kernel->dues; n++)
			k->buffer[kernel->due[n].condition].last = last;
		for (uint32_t r = 0; r < reads; r++)
			k->buffer[k->buffer_of[read[r].node]].last = last;
		for (uint32_t o = 0; o < kernel->out_count; o++) {
			Buffer *b = &k->buffer[kernel->to[o]];
			if (!begun[kernel->to[o]])
				b->first = first;
			begun[kernel->to[o]] = true;
			b->last = last;
		}
	}
}

typedef struct Placed { /* a buffer that has its offset: side by side, as all are looked at often */
	uint32_t first, last;
	uint64_t offset, end;
} Placed;

/* The lowest offset at which `b` meets none of the placed buffers that live when it does. placed[]
 * is by offset. */
static uint64_t lowest(const Buffer *b, const Placed *placed, uint32_t count)
{
	uint64_t offset = 0, bytes = aligned(b->bytes);
	for (uint32_t i = 0; i < count; i++) {
		const Placed *p = &placed[i];
		if (p->first > b->last || b->first > p->last)
			continue;
		if (p->offset >= offset + bytes)
			break;
		offset = p->end > offset ? p->end : offset;
	}
	return offset;
}

static void insert_by_offset(Placed *placed, uint32_t count, const Buffer *b)
{
	uint32_t at = count;
	while (at > 0 && placed[at - 1].offset > b->offset)
		at--;
	memmove(placed + at + 1, placed + at, (count - at) * sizeof *placed);
	placed[at] = (Placed){b->first, b->last, b->offset, b->offset + aligned(b->bytes)};
}

static int larger_first(const void *x, const void *y)
{
	const Buffer *a = *(Buffer *const *)x, *b = *(Buffer *const *)y;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a < b ? -1 : a > b; /* both in one array: by id */
}

static uint64_t most_alive(Compile *c, const Kernels *k)
{
	uint64_t *begun = new_array(c->arena, uint64_t, k->kernel_count + 1), /* bytes, at a kernel */
	    *ended = new_array(c->arena, uint64_t, k->kernel_count + 1);      /* behind it */
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (buffer_is_planned(&k->buffer[b])) {
			begun[k->buffer[b].first] += aligned(k->buffer[b].bytes);
			ended[k->buffer[b].last] += aligned(k->buffer[b].bytes);
		}
	uint64_t most = 0, alive = 0;
	for (uint32_t i = 0; i < k->kernel_count; alive -= ended[i++]) {
		alive += begun[i];
		most = alive > most ? alive : most;
	}
	return most;
}

/* -- What pointers reach ----------------------------------------------------------------------- */

static bool too_far(Compile *c, Span origin, const char *what, uint64_t count, const char *of)
{
	diag_error(c->diags, origin, "%s has %llu %s, more than pointers of %u bits reach", what,
	           (unsigned long long)count, of, c->machine->pointer_bytes * 8);
	diag_help(c->diags, "make the batch or the model smaller, or choose a target of 64 bits");
	return false;
}

/* Indices are signed numbers of a pointer's size; false: reported. */
static bool is_in_reach(Compile *c, const Kernels *k, const Plan *p)
{
	const Graph *g = k->graph;
	uint64_t most = c->machine->pointer_bytes == 4 ? INT32_MAX : INT64_MAX, all = p->arena_bytes;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		uint64_t elements = (uint64_t)shape_size(n->shape), size = type_info[n->type].size;
		if (elements <= (k->buffer_of[x] ? most / size : most))
			continue;
		const char *text = shape_text(c->arena, n->type, n->shape);
		return too_far(c, n->origin, text, elements, "elements");
	}
	for (BufferId b = 1; b < k->buffer_count; b++)
		all += k->buffer[b].storage == STORED_STATE ? k->buffer[b].bytes : 0;
	const char *name = arena_printf(c->arena, "the memory of '%s'", g->name);
	return all <= most || too_far(c, (Span){0}, name, all, "bytes");
}

Plan *plan(Compile *c, Kernels *k)
{
	if (!k)
		return NULL;
	Plan *p = new (c->arena, Plan);
	Buffer **order = new_array(c->arena, Buffer *, k->buffer_count);
	Placed *placed = new_array(c->arena, Placed, k->buffer_count);
	uint32_t count = 0;
	find_lives(c, k);
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (buffer_is_planned(&k->buffer[b]))
			order[count++] = &k->buffer[b];
	qsort(order, count, sizeof *order, larger_first);
	for (uint32_t i = 0; i < count; i++) {
		order[i]->offset = lowest(order[i], placed, i);
		insert_by_offset(placed, i, order[i]);
		uint64_t end = order[i]->offset + aligned(order[i]->bytes);
		p->arena_bytes = end > p->arena_bytes ? end : p->arena_bytes;
	}
	p->lower_bound = most_alive(c, k);
	return is_in_reach(c, k, p) ? p : NULL;
}

void plan_print(const Kernels *k, const Plan *p, Text *out)
{
	text_printf(out, "plan of %s\n  %-8s %-18s %12s %12s %6s %6s\n", k->graph->name, "buffer",
	            "holds", "bytes", "offset", "first", "last");
	for (BufferId b = 1; b < k->buffer_count; b++) {
		const Buffer *buffer = &k->buffer[b];
		if (!buffer_is_planned(buffer))
			continue;
		const Node *n = node(k->graph, buffer->node);
		char name[16];
		snprintf(name, sizeof name, "b%u", b);
		text_printf(out, "  %-8s %-18s %12llu %12llu %6u %6u\n", name,
		            shape_text(k->graph->c->arena, n->type, n->shape),
		            (unsigned long long)buffer->bytes, (unsigned long long)buffer->offset,
		            buffer->first, buffer->last);
	}
	text_printf(out, "  peak %llu bytes, lower bound %llu\n", (unsigned long long)p->arena_bytes,
	            (unsigned long long)p->lower_bound);
}
