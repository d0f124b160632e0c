/* kernel.c: what a kernel is: what it reads, its structural hash, its text. */
#include "fuse.h"

#include <string.h>

/* -- The nodes of a kernel --------------------------------------------------------------------- */

static bool kernel_computes(const Kernels *k, const Kernel *kernel, NodeId x)
{
	if (x == kernel->core)
		return true;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (kernel->out[i] == x)
			return kernel->kind != KERNEL_copy;
	return k->buffer_of[x] == 0;
}

typedef struct Waiting { /* to be visited, in increasing order: the last is next */
	Visit *visit;
	uint32_t count, room;
} Waiting;

static void reach(Arena *a, Waiting *w, NodeId x, bool same)
{
	uint32_t at = w->count;
	while (at > 0 && w->visit[at - 1].node > x)
		at--;
	if (at > 0 && w->visit[at - 1].node == x) {
		w->visit[at - 1].same_element &= same;
		return;
	}
	if (w->count == w->room) {
		Visit *more = new_array(a, Visit, 2 * (size_t)w->room);
		memcpy(more, w->visit, w->count * sizeof *more);
		w->visit = more, w->room *= 2;
	}
	memmove(&w->visit[at + 1], &w->visit[at], (w->count++ - at) * sizeof *w->visit);
	w->visit[at] = (Visit){.node = x, .same_element = same};
}

/* A kernel has few of the graph's nodes: it costs their number, not the graph's. */
Visit *kernel_walk(Compile *c, const Kernels *k, const Kernel *kernel, uint32_t *count)
{
	enum { ROOM = 64 };
	uint32_t room = ROOM;
	Waiting w = {.visit = new_array(c->arena, Visit, ROOM), .room = ROOM};
	Visit *out = new_array(c->arena, Visit, room);
	*count = 0;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		reach(c->arena, &w, kernel->out[i], true);
	/* a chain may make only outs again that need no core, but it is emitted */
	if (kernel->core)
		reach(c->arena, &w, kernel->core, false);
	for (uint32_t i = 0; i < kernel->fold_count; i++)
		reach(c->arena, &w, kernel->fold[i], false);
	while (w.count) {
		Visit v = w.visit[--w.count];
		const Node *n = node(k->graph, v.node);
		v.here = kernel_computes(k, kernel, v.node);
		if (*count == room) {
			Visit *more = new_array(c->arena, Visit, 2 * (size_t)room);
			memcpy(more, out, room * sizeof *more);
			out = more, room *= 2;
		}
		out[(*count)++] = v;
		bool same = v.same_element && v.node != kernel->core &&
		            (op_info[n->op].kind == MAP || (n->op == OP_reshape && kernel->flat));
		for (int i = 0; v.here && i < n->count; i++)
			reach(c->arena, &w, n->in[i], same);
	}
	return out;
}

const Read *kernel_loads(Compile *c, const Kernels *k, const Kernel *kernel, uint32_t *reads)
{
	uint32_t count;
	const Visit *visit = kernel_walk(c, k, kernel, &count);
	Read *read = new_array(c->arena, Read, count + 1);
	*reads = 0;
	for (uint32_t i = 0; i < count; i++)
		if (!visit[i].here)
			read[(*reads)++] = (Read){visit[i].node, visit[i].same_element};
	return read;
}

uint32_t kernel_reads(Compile *c, const Kernels *k, const Kernel *kernel, Read *out)
{
	if (kernel->kind == KERNEL_copy)
		return 0;
	ArenaMark mark = arena_mark(c->arena);
	uint32_t reads;
	const Read *read = kernel_loads(c, k, kernel, &reads);
	memcpy(out, read, reads * sizeof *out);
	arena_reset(c->arena, mark);
	return reads;
}

/* -- Structural hash --------------------------------------------------------------------------- */

/* Two kernels of equal hash are the same code with other pointers: buffers are numbered in the
 * order of first use. */
typedef struct Numbering {
	BufferId *buffer; /* [size], a power of two, hashed; 0: free */
	uint32_t *number; /* [size] from 1 */
	uint32_t size, buffers;
} Numbering;

static Numbering numbering_for(Arena *a, uint32_t buffers)
{
	Numbering m = {.size = 16};
	while (m.size < 2 * buffers)
		m.size *= 2;
	m.buffer = new_array(a, BufferId, m.size);
	m.number = new_array(a, uint32_t, m.size);
	return m;
}

static uint32_t buffer_number(Numbering *m, BufferId b)
{
	uint32_t i = b & (m->size - 1);
	while (m->number[i] && m->buffer[i] != b)
		i = (i + 1) & (m->size - 1);
	if (!m->number[i]) {
		m->buffer[i] = b;
		m->number[i] = ++m->buffers;
	}
	return m->number[i];
}

uint32_t visit_number(const Visit *visit, uint32_t count, NodeId x)
{
	uint32_t from = 0, to = count; /* visits are in decreasing order */
	while (from + 1 < to) {
		uint32_t middle = (from + to) / 2;
		if (visit[middle].node >= x)
			from = middle;
		else
			to = middle;
	}
	return count - from;
}

/* Code that goes over its elements in one loop depends on their number alone. */
static Hash hash_shape(const Kernel *kernel, Shape s, Hash h)
{
	return kernel->flat || kernel->kind == KERNEL_copy
	           ? hash_u64(h, (uint64_t)shape_size(s) * 2 + (s.rank > 0))
	           : hash_bytes(h, &s, sizeof s);
}

static Hash hash_node(const Kernel *kernel, const Node *n, Hash h)
{
	if (n->op == OP_scan)
		return hash_u64(h, (uint64_t)n->op); /* the rest: loop_hash */
	h = hash_u64(h, (uint64_t)n->op * 64 + (uint64_t)n->type);
	h = hash_shape(kernel, n->shape, h);
	return n->op == OP_input || n->op == OP_state ? h : hash_bytes(h, &n->attr, sizeof n->attr);
}

/* The padding that a sum of products leaves out may be stored: none of the kernel's nodes says where it is. */
static Hash hash_edges(const Graph *g, const Kernel *kernel, Hash h)
{
	Edge edge[MAX_RANK];
	const Node *product = node(g, node(g, kernel->core)->in[0]);
	for (int i = 0; sums_windows(g, node(g, kernel->core)) && i < 2; i++) {
		unsigned edges = padding_edges(g, product->in[i], edge);
		h = hash_bytes(hash_u64(h, edges), edge, edges * sizeof *edge);
	}
	return h;
}

Hash kernel_hash(Compile *c, const Kernels *k, const Kernel *kernel)
{
	ArenaMark mark = arena_mark(c->arena);
	uint32_t count;
	const Visit *visit = kernel_walk(c, k, kernel, &count);
	Numbering m = numbering_for(c->arena, count + kernel->out_count);
	Hash h = hash_u64((uint64_t)kernel->kind * 2 + kernel->flat, kernel->out_count);
	h = hash_u64(hash_u64(h, (uint64_t)kernel->tile), (uint64_t)kernel->tiles);
	h = hash_u64(h, kernel->lanes);
	if (kernel->hidden) {
		h = hash_u64(hash_u64(h, kernel->hidden), (uint64_t)kernel->grain);
		h = hash_u64(hash_u64(h, (uint64_t)kernel->chain->rows), (uint64_t)kernel->chain->block);
	}
	if (kernel->loop)
		h = loop_hash(c, kernel->loop, h);
	if (kernel->contract)
		h = hash_text(h, contract_plan_text(c->arena, kernel));
	if (kernel->kind == KERNEL_reduce)
		h = hash_edges(k->graph, kernel, h);
	h = hash_u64(hash_u64(h, kernel->scratch), kernel->unrolled * 2 + kernel->streams);
	if (kernel->kind == KERNEL_copy)
		h = hash_u64(h, kernel->from == kernel->to[0]);
	for (uint32_t v = count; v > 0; v--) {
		NodeId x = visit[v - 1].node;
		const Node *n = node(k->graph, x);
		h = hash_node(kernel, n, h);
		if (!visit[v - 1].here) {
			h = hash_u64(h, 1000 + buffer_number(&m, k->buffer_of[x]));
			continue;
		}
		for (int i = 0; i < n->count; i++)
			h = hash_u64(h, visit_number(visit, count, n->in[i]));
		h = hash_u64(h, x == kernel->core);
	}
	for (uint32_t i = 0; i < kernel->kept_count; i++)
		h = hash_u64(h, visit_number(visit, count, kernel->kept[i]));
	if (kernel->choice) {
		h = hash_u64(h, visit_number(visit, count, kernel->choice));
		h = hash_u64(h, (uint64_t)kernel->only[0] << 32 | kernel->only[1]);
	}
	for (uint32_t i = 0; i < kernel->out_count; i++)
		h = hash_u64(hash_u64(h, visit_number(visit, count, kernel->out[i])),
		             buffer_number(&m, kernel->to[i]));
	arena_reset(c->arena, mark);
	return h;
}

/* -- Text -------------------------------------------------------------------------------------- */

static const char *const kind_name[] = {
#define KERNEL(name, meaning) #name,
#include "kinds.def"
#undef KERNEL
};

static void print_buffer(const Kernels *k, BufferId id, Text *out)
{
	const Buffer *b = &k->buffer[id];
	switch (b->storage) {
	case STORED_ARENA:
		text_printf(out, "b%u", id);
		break;
	case STORED_STATE:
		text_printf(out, "$%s", k->state_name[b->slot]);
		break;
	case STORED_INPUT:
		text_printf(out, "$%s", k->input_name[b->slot]);
		break;
	case STORED_OUTPUT:
		text_printf(out, "out %s", k->output_name[b->slot]);
		break;
	case STORED_UNIT:
		text_printf(out, "private b%u", id);
		break;
	}
}

static void print_node(const Kernels *k, const Kernel *kernel, NodeId x, Text *out)
{
	const Node *n = node(k->graph, x);
	text_printf(out, "    %%%u = %s", x, op_info[n->op].name);
	if (n->op == OP_constant) {
		text_printf(out, " ");
		text_number(out, n->attr.value, n->type == DTYPE_f32);
	}
	for (int i = 0; i < n->count; i++) {
		text_printf(out, " ");
		if (kernel_computes(k, kernel, n->in[i]))
			text_printf(out, "%%%u", n->in[i]);
		else
			print_buffer(k, k->buffer_of[n->in[i]], out);
	}
	text_printf(out, " : %s%s\n", shape_text(k->graph->c->arena, n->type, n->shape),
	            x == kernel->core ? "   core" : "");
}

const char *kernel_kind(const Kernel *kernel)
{
	return kind_name[kernel->kind];
}

Span kernel_origin(const Kernels *k, const Kernel *kernel)
{
	return node(k->graph, kernel->core ? kernel->core : kernel->out[0])->origin;
}

/* Of a contraction: rows x columns x steps, and how many of them; else the shape that it makes. */
const char *kernel_text(const Kernels *k, const Kernel *kernel)
{
	Arena *a = k->graph->c->arena;
	const Node *out = node(k->graph, kernel->out[0]);
	if (kernel->loop)
		return arena_printf(a, "%lld steps of %u kernels", (long long)kernel->loop->region->length,
		                    kernel->loop->body->kernel_count);
	if (kernel->kind != KERNEL_contract) {
		const Node *core = kernel->core ? node(k->graph, node(k->graph, kernel->core)->in[0]) : out;
		return shape_text(a, core->type, core->shape);
	}
	ContractAxes r = contract_axes(k->graph, node(k->graph, kernel->core));
	int64_t count = r.batch_size * r.outer_size;
	const char *text = arena_printf(a, "%lld x %lld x %lld", (long long)r.rows, (long long)r.cols,
	                                (long long)r.steps);
	return count > 1 ? arena_printf(a, "%s, %lld of them", text, (long long)count) : text;
}

static const char *chain_text(const Kernels *k, const Chain *chain)
{
	return arena_printf(k->graph->c->arena,
	                    "  chain of %u, %lld units of %lld rows, %lld at a time", chain->count,
	                    (long long)chain->units, (long long)chain->rows, (long long)chain->block);
}

void kernels_print(const Kernels *k, Text *out)
{
	Compile *c = k->graph->c;
	text_printf(out, "kernels of %s: %u\n", k->graph->name, k->kernel_count);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Kernel *kernel = &k->kernel[i];
		text_printf(out, "  @%u %s%s%s", i, kind_name[kernel->kind], kernel->flat ? " flat" : "",
		            kernel->streams    ? " streams, unrolled"
		            : kernel->unrolled ? " unrolled"
		                               : "");
		for (int axis = 0; axis < MAX_RANK; axis++)
			if (kernel->unrolled >> axis & 1)
				text_printf(out, " %d", axis);
		text_printf(out, "  tiles %lld", (long long)kernel->tiles);
		if (kernel->kind == KERNEL_contract || kernel->loop)
			text_printf(out, "  %s", kernel_text(k, kernel));
		bool first = kernel->chain && !kernel->beside;
		text_printf(out, "  %.3g flops, %.3g bytes%s", kernel->flops, kernel->bytes,
		            kernel->chain && kernel->beside
		                ? kernel->adds ? "  in the chain, adds" : "  in the chain"
		            : kernel->beside ? "  beside the last"
		            : first          ? chain_text(k, kernel->chain)
		                             : "");
		static const char *const HIDES[] = {"", "columns", "steps", "rows", "ends of rows"};
		if (kernel->hidden)
			text_printf(out, "  hides %s", HIDES[kernel->hidden]);
		for (uint32_t n = 0; n < kernel->dues; n++)
			text_printf(out, "  %s b%u", kernel->due[n].holds ? "if" : "unless",
			            kernel->due[n].condition);
		if (kernel->choice)
			text_printf(out, "  by b%u", k->buffer_of[kernel->choice]);
		if (kernel->hash && kernel->same != i)
			text_printf(out, "  code of @%u", kernel->same);
		text_add(out, "\n", 1);
		for (uint32_t r = 0; r < kernel->kept_count; r++)
			text_printf(out, "    keeps the row of %%%u\n", kernel->kept[r]);
		if (kernel->contract)
			text_printf(out, "    plan: %s\n", contract_plan_text(c->arena, kernel));
		uint32_t count;
		const Visit *visit = kernel_walk(c, k, kernel, &count);
		for (uint32_t v = count; v > 0; v--)
			if (visit[v - 1].here)
				print_node(k, kernel, visit[v - 1].node, out);
		for (uint32_t o = 0; o < kernel->out_count; o++) {
			text_printf(out, "    store ");
			print_buffer(k, kernel->to[o], out);
			if (kernel->kind != KERNEL_copy) {
				text_printf(out, " = %%%u", kernel->out[o]);
				if ((kernel->only[0] | kernel->only[1]) >> o & 1)
					text_printf(out, "  %s b%u", kernel->only[1] >> o & 1 ? "if" : "unless",
					            k->buffer_of[kernel->choice]);
				text_printf(out, "\n");
				continue;
			}
			text_printf(out, " = ");
			print_buffer(k, kernel->from, out);
			text_printf(out, "\n");
		}
		if (kernel->loop) {
			kernels_print(kernel->loop->body, out);
			text_printf(out, "  end of the body of @%u\n", i);
		}
	}
}

NodeId kernels_input(const Kernels *k, uint32_t slot)
{
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (k->buffer[b].storage == STORED_INPUT && k->buffer[b].slot == slot)
			return k->buffer[b].node;
	BUG("%s has no input %u", k->graph->name, slot);
}
