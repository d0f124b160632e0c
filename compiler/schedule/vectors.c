/* vectors.c: how a kernel is done in vectors, and what scratch that takes. */
#include "fuse.h"

/* As many of the widest elements that are computed as a register holds. What is as wide and only read,
 * to be rounded, takes two registers for a while. */
static unsigned lanes_of(const Kernels *k, const Kernel *kernel)
{
	Compile *c = k->graph->c;
	ArenaMark mark = arena_mark(c->arena);
	uint32_t count;
	const Visit *visit = kernel_walk(c, k, kernel, &count);
	unsigned size = 4;
	for (uint32_t i = 0; i < count; i++) {
		const Node *n = node(k->graph, visit[i].node);
		bool read = !visit[i].here || op_info[n->op].kind == VIEW || op_info[n->op].kind == LEAF ||
		            (n->op == OP_scatter_add && !scatter_is_stored(kernel));
		size = n->type == DTYPE_f64 && !read ? 8 : size;
	}
	arena_reset(c->arena, mark);
	unsigned lanes = c->machine->vector_bits / 8 / size;
	return lanes ? lanes : 1;
}

static uint64_t kept_bytes(const Kernels *k, const Kernel *kernel)
{
	Shape row = node(k->graph, node(k->graph, kernel->core)->in[0])->shape;
	return kernel->kept_count * (uint64_t)row_kept_bytes(row.dim[row.rank - 1]);
}

/* Of the scratch that it might have, a kernel gets what it uses: the stack of a program that embeds it
 * may be small. */
void kernel_vectors(const Kernels *k, Kernel *kernel)
{
	kernel->lanes = lanes_of(k, kernel);
	if (kernel->kind == KERNEL_row) {
		row_keep(k, kernel);
		kernel->scratch = kept_bytes(k, kernel);
	}
	if (kernel->kind == KERNEL_contract) {
		kernel->contract = contract_plan(k, kernel);
		kernel->scratch = (uint64_t)contract_bytes(kernel->contract);
	}
}
