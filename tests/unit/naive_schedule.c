/* naive_schedule.c: the plainest schedule that is right: every node is stored, in a buffer of its
 * own, by a kernel of its own. Its code shares nothing with schedule/fuse.c and buffers.c, so that a
 * graph that gives other values through the real schedule shows a fault of fusion.
 *
 * All sets happen at once, at the end: their values are copied aside first. */
#include <string.h>

#include "../../compiler/schedule/fuse.h"
#include "compiled.h"

static BufferId new_buffer(Kernels *k, NodeId x, Storage storage, uint32_t slot)
{
	const Node *n = node(k->graph, x);
	uint64_t bytes = (uint64_t)shape_size(n->shape) * type_info[n->type].size;
	k->buffer[k->buffer_count] =
	    (Buffer){.node = x, .storage = storage, .slot = slot, .bytes = bytes};
	return k->buffer_count++;
}

static void cut(Kernel *kernel, int64_t count, int64_t tile)
{
	kernel->tile = tile < count ? tile : count;
	kernel->tiles = (count + kernel->tile - 1) / kernel->tile;
}

static Kernel *new_kernel(Compile *c, Kernels *k, KernelKind kind, NodeId out, BufferId to)
{
	Kernel *kernel = &k->kernel[k->kernel_count++];
	*kernel = (Kernel){.kind = kind, .out_count = 1, .tile = 1, .tiles = 1};
	kernel->out = new (c->arena, NodeId);
	kernel->to = new (c->arena, BufferId);
	kernel->out[0] = out;
	kernel->to[0] = to;
	return kernel;
}

static void copy(Compile *c, Kernels *k, NodeId x, BufferId from, BufferId to, int64_t tile)
{
	Kernel *kernel = new_kernel(c, k, KERNEL_copy, x, to);
	kernel->from = from;
	cut(kernel, shape_size(node(k->graph, x)->shape), tile);
	kernel_vectors(k, kernel);
}

static void compute(Compile *c, Kernels *k, NodeId x, int64_t tile)
{
	const Node *n = node(k->graph, x);
	Kind kind = op_info[n->op].kind;
	int64_t outer = n->shape.rank ? n->shape.dim[0] : 1;
	k->buffer_of[x] = new_buffer(k, x, STORED_ARENA, 0);
	KernelKind as = kind == REDUCE     ? KERNEL_reduce
	                : kind == CONTRACT ? KERNEL_contract
	                : kind == SCATTER  ? KERNEL_scatter
	                                   : KERNEL_map;
	Kernel *kernel = new_kernel(c, k, as, x, k->buffer_of[x]);
	kernel->core = as == KERNEL_map ? 0 : x;
	kernel->flat = kind == MAP || n->op == OP_reshape || n->op == OP_random;
	if (as == KERNEL_contract)
		kernel_tile(k, kernel);
	else if (as != KERNEL_scatter && n->shape.rank)
		cut(kernel, kernel->flat ? shape_size(n->shape) : outer, tile);
	kernel_vectors(k, kernel);
}

/* With all of its results; its body is scheduled as ever. */
static void compute_scan(Compile *c, Kernels *k, NodeId x)
{
	k->buffer_of[x] = new_buffer(k, x, STORED_ARENA, 0);
	Kernel *kernel = new_kernel(c, k, KERNEL_scan, x, k->buffer_of[x]);
	kernel->core = x;
	kernel->out = new_array(c->arena, NodeId, k->graph->count);
	kernel->to = new_array(c->arena, BufferId, k->graph->count);
	kernel->out[0] = x, kernel->to[0] = k->buffer_of[x];
	for (NodeId y = x + 1; y < k->graph->count; y++)
		if (node(k->graph, y)->op == OP_result && node(k->graph, y)->in[0] == x) {
			k->buffer_of[y] = new_buffer(k, y, STORED_ARENA, 0);
			kernel->out[kernel->out_count] = y;
			kernel->to[kernel->out_count++] = k->buffer_of[y];
		}
	if (!kernel_loop(c, k, kernel))
		BUG("no body");
	kernel_vectors(k, kernel);
}

static void place_leaf(Kernels *k, NodeId x)
{
	const Node *n = node(k->graph, x);
	if (n->op == OP_input) {
		k->input_name[k->input_count] = n->attr.name;
		k->buffer_of[x] = new_buffer(k, x, STORED_INPUT, k->input_count++);
	} else {
		k->state_name[k->state_count] = n->attr.name;
		k->buffer_of[x] = new_buffer(k, x, STORED_STATE, k->state_count++);
	}
}

Kernels *naive_schedule(Compile *c, const Graph *g, int64_t tile)
{
	Kernels *k = new (c->arena, Kernels);
	size_t most = g->count + g->out_count + 2 * (size_t)g->set_count + 1;
	k->graph = g;
	k->buffer_of = new_array(c->arena, BufferId, g->count);
	k->buffer = new_array(c->arena, Buffer, most);
	k->kernel = new_array(c->arena, Kernel, most);
	k->buffer_count = 1;
	k->input_name = new_array(c->arena, const char *, g->count);
	k->state_name = new_array(c->arena, const char *, g->count);
	k->output_name = new_array(c->arena, const char *, g->out_count + 1);
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_input || node(g, x)->op == OP_state)
			place_leaf(k, x);
		else if (node(g, x)->op == OP_scan)
			compute_scan(c, k, x);
		else if (node(g, x)->op != OP_result)
			compute(c, k, x, tile);
	for (uint32_t i = 0; i < g->out_count; i++) {
		NodeId x = g->out[i].value;
		k->output_name[k->output_count++] = g->out[i].name;
		copy(c, k, x, k->buffer_of[x], new_buffer(k, x, STORED_OUTPUT, i), tile);
	}
	BufferId *aside = new_array(c->arena, BufferId, g->set_count + 1);
	for (uint32_t i = 0; i < g->set_count; i++) {
		NodeId x = g->set[i].value;
		aside[i] = new_buffer(k, x, STORED_ARENA, 0);
		copy(c, k, x, k->buffer_of[x], aside[i], tile);
	}
	for (uint32_t i = 0; i < g->set_count; i++)
		copy(c, k, g->set[i].value, aside[i], k->buffer_of[g->set[i].state], tile);
	return k;
}
