/* strip.c: maps that run together, some rows of the batch at a time.
 *
 * In: kernels in order, not yet tiled. Out: some maps in chains (chain.c) of one unit, whose rows
 * are the places along one axis, the batch. A map follows another into its chain if of all that it
 * reads there it needs, for a row, that row alone. So what the first writes is in the cache when
 * the next one reads it; and what only members read has room for a block of rows in the scratch of
 * the thread, and never exists as a whole. Kernels between members run after the chain. Sums and
 * values are those of the kernels alone. */
#include "fuse.h"

#include <string.h>

enum {
	BLOCKS = 8,       /* of a batch, at least */
	FEWEST_LANES = 8, /* along the last axes */
	MOST_PASSED = 6,  /* kernels between members */
	MOST_MEMBERS = 8,
	MOST_LOOKED = MOST_MEMBERS * (MOST_PASSED + 1) + 1,
};

enum {
	UNSEEN = -3, /* no user of a node has said where its rows are */
	LISTED = -4, /* those of a row are in a list of all samples' parts, that part alone is read */
};

typedef struct Strip { /* a chain in the making: kernels [first, end) */
	uint32_t first, end;
	int64_t rows;
	uint64_t shared; /* bytes that members read of what others write */
} Strip;

typedef struct Stripping {
	Compile *c;
	Kernels *k;
	uint32_t *writer;   /* [buffer_count] 1 + kernel */
	uint32_t *readers;  /* [buffer_count] kernels that read it; */
	uint32_t *inside;   /* [buffer_count] of the strip at hand */
	Kernel *before;     /* [MOST_LOOKED] to go back to */
	Read *read;         /* [count] what a kernel loads */
	int8_t *rows_of;    /* [buffer_count] the axis of rows of what a member writes */
	bool *result, *set; /* [count] an output; the value of a set */
	int8_t *axis;       /* [count] of the kernel at hand */
} Stripping;

/* Tests ask for little room, and have small sizes. */
static bool is_test(const Compile *c)
{
	return c->chain_room != 0;
}

/* -- Rows -------------------------------------------------------------------------------------- */

/* axis[] of what the kernel computes and loads. */
static const Visit *find_axes(Stripping *s, const Kernel *kernel, int axis, uint32_t *count)
{
	const Graph *g = s->k->graph;
	const Visit *visit = kernel_walk(s->c, s->k, kernel, count);
	for (uint32_t v = 0; v < *count; v++)
		s->axis[visit[v].node] = UNSEEN;
	for (uint32_t o = 0; o < kernel->out_count; o++)
		s->axis[kernel->out[o]] = (int8_t)axis;
	for (uint32_t v = 0; v < *count; v++) { /* users first */
		const Node *n = node(g, visit[v].node);
		for (int i = 0; visit[v].here && i < n->count; i++) {
			int8_t *of = &s->axis[n->in[i]];
			int here = s->axis[visit[v].node];
			int a = here == LISTED && n->op == OP_reshape ? 0
			        : i == 0 && gather_stays(g, n, here)  ? LISTED
			                                              : operand_axis(g, n, i, here);
			*of = (int8_t)(*of == UNSEEN || *of == a ? a : MIXED);
		}
	}
	return visit;
}

/* -- Members ----------------------------------------------------------------------------------- */

/* The axis that tiles of the kernel cut, if it can be a member; else NOWHERE. */
static int axis_of(const Stripping *s, Kernel *kernel)
{
	Shape shape = node(s->k->graph, kernel->out[0])->shape;
	int64_t lanes = is_test(s->c) ? 1 : FEWEST_LANES, rows = is_test(s->c) ? 2 : BLOCKS;
	if (kernel->kind != KERNEL_map || kernel->chain || shape.rank < 2)
		return NOWHERE;
	for (uint32_t o = 0; o < kernel->out_count; o++)
		if (s->set[kernel->out[o]])
			return NOWHERE; /* it may be written over a state that another block still reads */
	kernel_unroll(s->c, s->k, kernel);
	int axis = kernel->flat ? 0 : map_tile_axis(kernel, shape);
	int64_t behind = 1; /* few channels share their vectors with what is before them */
	for (int i = axis + 1; i < shape.rank; i++)
		behind *= shape.dim[i];
	return behind >= lanes && shape.dim[axis] >= rows ? axis : NOWHERE;
}

/* Whether kernel i can be the next member, and is worth it: it reads something of the chain. */
static bool takes(Stripping *s, Strip *d, uint32_t i, int axis)
{
	uint32_t count;
	const Visit *visit = find_axes(s, &s->k->kernel[i], axis, &count);
	uint64_t shared = 0;
	for (uint32_t v = 0; v < count; v++) {
		BufferId b = s->k->buffer_of[visit[v].node];
		uint32_t writer = visit[v].here ? 0 : s->writer[b];
		if (writer <= d->first)
			continue;
		if (writer > d->end || s->axis[visit[v].node] != s->rows_of[b])
			return false;
		shared += s->k->buffer[b].bytes;
	}
	d->shared += shared;
	return shared > 0;
}

static void note_writer(Stripping *s, uint32_t kernel)
{
	for (uint32_t o = 0; o < s->k->kernel[kernel].out_count; o++)
		s->writer[s->k->kernel[kernel].to[o]] = kernel + 1;
}

/* Kernel `from`, which reads nothing that those in [to, from) write, runs before them. */
static void move(Stripping *s, uint32_t from, uint32_t to)
{
	Kernel kernel = s->k->kernel[from];
	memmove(&s->k->kernel[to + 1], &s->k->kernel[to], (from - to) * sizeof kernel);
	s->k->kernel[to] = kernel;
	for (uint32_t i = to; i <= from; i++)
		note_writer(s, i);
}

static void add(Stripping *s, Strip *d, uint32_t i, int axis)
{
	move(s, i, d->end);
	const Kernel *kernel = &s->k->kernel[d->end++];
	for (uint32_t o = 0; o < kernel->out_count; o++)
		s->rows_of[kernel->to[o]] = (int8_t)axis;
}

/* Kernel i is no member, but the next one may read it, say a number for each sample: it runs before the
 * chain if it reads nothing of those that would follow it. */
static void put_first(Stripping *s, Strip *d, uint32_t i)
{
	const Kernel *kernel = &s->k->kernel[i];
	uint32_t count = kernel_reads(s->c, s->k, kernel, s->read);
	bool free = (kernel->kind == KERNEL_map || kernel->kind == KERNEL_reduce) && !kernel->chain;
	for (uint32_t r = 0; r < count; r++)
		free &= s->writer[s->k->buffer_of[s->read[r].node]] <= d->first;
	for (uint32_t o = 0; o < kernel->out_count; o++)
		free &= !s->set[kernel->out[o]];
	if (!free)
		return;
	move(s, i, d->first++);
	d->end++;
}

/* -- Chains ------------------------------------------------------------------------------------ */

/* inside[] of what members read. */
static void count_inside(Stripping *s, const Strip *d)
{
	memset(s->inside, 0, s->k->buffer_count * sizeof *s->inside);
	for (uint32_t i = d->first; i < d->end; i++) {
		uint32_t count = kernel_reads(s->c, s->k, &s->k->kernel[i], s->read);
		for (uint32_t r = 0; r < count; r++)
			s->inside[s->k->buffer_of[s->read[r].node]]++;
	}
}

/* Written by rows, one after the other, and read by members only. */
static bool is_private(const Stripping *s, BufferId b)
{
	const Buffer *buffer = &s->k->buffer[b];
	return buffer->storage == STORED_ARENA && !s->result[buffer->node] && s->rows_of[b] == 0 &&
	       s->inside[b] == s->readers[b];
}

static void make_chain(Stripping *s, const Strip *d)
{
	Kernels *k = s->k;
	uint64_t bytes = 1, room = (uint64_t)s->c->machine->stack_bytes;
	count_inside(s, d);
	for (uint32_t i = d->first; i < d->end; i++)
		for (uint32_t o = 0; o < k->kernel[i].out_count; o++)
			bytes += k->buffer[k->kernel[i].to[o]].bytes / (uint64_t)d->rows;
	Chain *chain = new (s->c->arena, Chain);
	int64_t block = (int64_t)((uint64_t)s->c->machine->l2_bytes / 2 / bytes),
	        most = d->rows / BLOCKS;
	block = block > most ? most : block;
	*chain = (Chain){.count = d->end - d->first, .units = 1, .rows = d->rows};
	chain->block = block < 1 ? 1 : block;
	for (uint32_t i = d->first; i < d->end; i++) {
		k->kernel[i].chain = chain;
		for (uint32_t o = 0; o < k->kernel[i].out_count; o++) {
			Buffer *b = &k->buffer[k->kernel[i].to[o]];
			uint64_t part = b->bytes / (uint64_t)d->rows * (uint64_t)chain->block;
			if (part > room || !is_private(s, k->kernel[i].to[o]))
				continue;
			b->storage = STORED_UNIT;
			room -= part;
		}
	}
}

/* A strip begins with any map; it goes on while maps fit, past a few kernels that do not. Returns
 * the next kernel to look at. */
static uint32_t strip(Stripping *s, uint32_t first)
{
	Kernels *k = s->k;
	int axis = axis_of(s, &k->kernel[first]);
	if (axis < 0)
		return first + 1;
	uint32_t looked = k->kernel_count - first;
	looked = looked < MOST_LOOKED ? looked : MOST_LOOKED;
	Kernel *before = s->before;
	memcpy(before, &k->kernel[first], looked * sizeof *before);
	Strip d = {.first = first, .end = first};
	d.rows = node(k->graph, k->kernel[first].out[0])->shape.dim[axis];
	add(s, &d, first, axis);
	for (uint32_t i = first + 1; i < first + looked && i <= d.end + MOST_PASSED; i++) {
		if (d.end - d.first == MOST_MEMBERS)
			break;
		axis = axis_of(s, &k->kernel[i]);
		bool as_long = axis >= 0 && node(k->graph, k->kernel[i].out[0])->shape.dim[axis] == d.rows;
		if (as_long && takes(s, &d, i, axis))
			add(s, &d, i, axis);
		else
			put_first(s, &d, i);
	}
	if (d.end - d.first < 2 ||
	    (d.shared < 4 * (uint64_t)machine_far_bytes(s->c->machine) && !is_test(s->c))) {
		memcpy(&k->kernel[first], before, looked * sizeof *before);
		for (uint32_t i = first; i < first + looked; i++)
			note_writer(s, i);
		return first + 1;
	}
	make_chain(s, &d);
	return d.end;
}

void kernels_strip(Compile *c, Kernels *k)
{
	const Graph *g = k->graph;
	Stripping s = {.c = c, .k = k};
	if (!c->machine->l2_bytes)
		return; /* no cache to hand rows on in */
	s.writer = new_array(c->arena, uint32_t, k->buffer_count);
	s.readers = new_array(c->arena, uint32_t, k->buffer_count);
	s.inside = new_array(c->arena, uint32_t, k->buffer_count);
	s.rows_of = new_array(c->arena, int8_t, k->buffer_count);
	s.result = new_array(c->arena, bool, g->count);
	s.set = new_array(c->arena, bool, g->count);
	s.axis = new_array(c->arena, int8_t, g->count);
	s.before = new_array(c->arena, Kernel, MOST_LOOKED);
	s.read = new_array(c->arena, Read, g->count);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		uint32_t count = kernel_reads(c, k, &k->kernel[i], s.read);
		for (uint32_t r = 0; r < count; r++)
			s.readers[k->buffer_of[s.read[r].node]]++;
		note_writer(&s, i);
	}
	for (uint32_t i = 0; i < g->out_count; i++)
		s.result[result_of(g, g->out[i].value)] = true;
	for (uint32_t i = 0; i < g->set_count; i++)
		s.set[g->set[i].value] = true;
	for (uint32_t i = 0; i < k->kernel_count;)
		i = strip(&s, i);
}
