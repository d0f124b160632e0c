/* cost.c: an estimate of a kernel's work: operations, and bytes read from and written to buffers,
 * each counted once. Operations are those of arithmetic, as the machine's roof is: an exp has as many
 * as its polynomial (the weights of ops.def). What multiplies a padding, or is behind a mask, and
 * is left out is none. A loop reads what
 * is the same at every step once, as long as a cache holds it: a step's roof is then that of its operations. */
#include "fuse.h"

static double folded_size(const Kernels *k, const Kernel *kernel, const Node *core)
{
	if (op_info[core->op].kind != CONTRACT)
		return (double)shape_size(
		    node(k->graph, core->in[core->op == OP_scatter_add ? 2 : 0])->shape);
	ContractAxes r = contract_axes(k->graph, core);
	double steps = (double)r.steps;
	for (int i = 0; kernel->contract && i < r.sums; i++)
		steps *= kernel->contract->bounded >> i & 1 ? r.bound[i].share : 1;
	return 2 * (double)shape_size(core->shape) * steps;
}

/* Views only say where elements are. */
double node_flops(const Node *n)
{
	bool computes = op_info[n->op].kind == MAP || n->op == OP_random;
	return computes ? (double)shape_size(n->shape) * op_info[n->op].weight : 0;
}

void kernel_cost(Compile *c, const Kernels *k, Kernel *kernel)
{
	const Graph *g = k->graph;
	ArenaMark mark = arena_mark(c->arena);
	uint32_t count;
	const Visit *visit = kernel_walk(c, k, kernel, &count);
	if (kernel->loop)
		kernel->flops = loop_cost(c, k, kernel->loop, &kernel->bytes);
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (k->buffer[kernel->to[i]].storage != STORED_UNIT)
			kernel->bytes += (double)k->buffer[kernel->to[i]].bytes;
	for (uint32_t i = 0; i < count; i++) {
		const Node *n = node(g, visit[i].node);
		double size = (double)shape_size(n->shape);
		bool private = k->buffer[k->buffer_of[visit[i].node]].storage == STORED_UNIT;
		if (!visit[i].here)
			kernel->bytes += private ? 0 : size * type_info[n->type].size;
		else if (kernel->loop)
			continue;
		else if (visit[i].node == kernel->core || op_info[n->op].kind == REDUCE)
			kernel->flops += folded_size(k, kernel, n);
		else
			kernel->flops += node_flops(n);
	}
	kernel->flops *= 1 - hidden_share(k, kernel);
	arena_reset(c->arena, mark);
}
