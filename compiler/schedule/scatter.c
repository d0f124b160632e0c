/* scatter.c: a scatter that ends in maps of its shape, as the gradient of a table of rows ends in its update. The result
 * is nowhere: a tile of rows lists the terms of each row first, in their order, then sums them where the row is needed. */
#include "fuse.h"

/* Where the terms of each row begin, and of what is in no tile, in whole lines; the terms by rows. */
int64_t scatter_order_at(const Node *n)
{
	enum { LINE = 16 };
	return round_up(n->shape.dim[0] + 2, LINE);
}

int64_t scatter_list_bytes(const Graph *g, const Node *n)
{
	return 4 * (scatter_order_at(n) + shape_size(node(g, n->in[1])->shape));
}

/* Of a table of rows that begins with one number, much longer than the list of the terms, which each share of the tiles
 * makes again. */
bool scatter_ends_in_maps(const Graph *g, const Node *n)
{
	enum { MOST_LIST = 512 * 1024, FEW = 16 };
	const Machine *m = g->c->machine;
	int64_t places = shape_size(node(g, n->in[1])->shape), bytes = scatter_list_bytes(g, n);
	return n->shape.rank == 2 && n->attr.axis == 0 && node_is_one_number(g, n->in[0]) &&
	       node(g, n->in[1])->op != OP_constant && node(g, n->in[2])->op != OP_constant &&
	       places <= shape_size(n->shape) / FEW && bytes <= MOST_LIST && bytes <= m->stack_bytes &&
	       !m->bare;
}

bool scatter_is_stored(const Kernel *kernel)
{
	return kernel->out_count == 1 && kernel->out[0] == kernel->core;
}
