/* cost.c: an estimate of a kernel's work: operations, and bytes read from and written to buffers,
 * each counted once. */
#include "fuse.h"

static double folded_size(const Kernels *k, const Node *core)
{
	if (op_info[core->op].kind != CONTRACT)
		return (double)shape_size(node(k->graph, core->in[0])->shape);
	return 2 * (double)shape_size(core->shape) * (double)contract_roles(k->graph, core).steps;
}

void kernel_cost(Compile *c, const Kernels *k, Kernel *kernel)
{
	const Graph *g = k->graph;
	ArenaMark mark = arena_mark(c->arena);
	Read *read = new_array(c->arena, Read, g->count);
	uint32_t reads = kernel_reads(c, k, kernel, read);
	for (uint32_t i = 0; i < reads; i++)
		if (k->buffer[k->buffer_of[read[i].node]].place != PLACE_UNIT)
			kernel->bytes += (double)shape_size(node(g, read[i].node)->shape) *
			                 type_info[node(g, read[i].node)->type].size;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (k->buffer[kernel->to[i]].place != PLACE_UNIT)
			kernel->bytes += (double)k->buffer[kernel->to[i]].bytes;
	bool *seen = new_array(c->arena, bool, g->count);
	for (uint32_t i = 0; i < kernel->out_count && kernel->kind != KERNEL_copy; i++)
		seen[kernel->out[i]] = true;
	for (NodeId x = g->count - 1; x > 0; x--) {
		if (!seen[x])
			continue;
		const Node *n = node(g, x);
		kernel->flops += x == kernel->core || op_info[n->op].kind == REDUCE
		                     ? folded_size(k, n)
		                     : (double)(op_info[n->op].kind == MAP) * (double)shape_size(n->shape);
		for (int i = 0; i < n->count; i++)
			seen[n->in[i]] |= k->buffer_of[n->in[i]] == 0 || n->in[i] == kernel->core;
	}
	arena_reset(c->arena, mark);
}
