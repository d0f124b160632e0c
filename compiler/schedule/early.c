/* early.c: numbers that are known when the step begins: learning rates, bias corrections.
 *
 * What follows from leaves and constants alone, is one number, and takes some work is computed
 * once, by the first kernel, however late in the graph it stands. Elsewhere every kernel that
 * updates a parameter would compute it again. */
#include "fuse.h"

enum { WORTH_STORING = 5, HEAVIEST = 4096 };

/* Adds the nodes to the first home, which is there if it is needed. */
void fuse_early(Fuse *f)
{
	const Graph *g = f->g;
	ArenaMark mark = arena_mark(f->c->arena);
	uint16_t *weight = new_array(f->c->arena, uint16_t, g->count); /* 0: not early */
	bool *needed = new_array(f->c->arena, bool, g->count);         /* by a node that is not early */
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		bool early = op_info[n->op].kind == MAP && shape_size(n->shape) == 1;
		unsigned sum = node_weight(n) + 1;
		for (int i = 0; early && i < n->count; i++) {
			NodeId o = n->in[i];
			early = weight[o] || node_is_leaf(node(g, o)) || node(g, o)->op == OP_constant;
			sum += weight[o];
		}
		weight[x] = (uint16_t)(!early ? 0 : sum < HEAVIEST ? sum : HEAVIEST);
		for (int i = 0; !early && i < n->count; i++)
			needed[n->in[i]] = true;
	}
	for (NodeId x = 1; x < g->count; x++) {
		if (!needed[x] || weight[x] <= WORTH_STORING || f->forced[x])
			continue;
		if (!f->home_count) {
			f->flat[x] = true;
			fuse_open(f, KERNEL_map, x);
		}
		Home *h = &f->homes[0];
		if (!shape_equal(node(g, x)->shape, h->shape) || h->outs + 2 > MAX_KERNEL_OUTS)
			continue;
		h->out[h->outs++] = x;
		f->home[x] = 1;
		f->stored[x] = f->flat[x] = true;
	}
	arena_reset(f->c->arena, mark);
}
