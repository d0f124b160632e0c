/* rules_reduce.c: gradients of reductions: the adjoint spreads over the axes that disappeared. */
#include "rules.h"

NodeId spread_over(Graph *g, NodeId x, Shape from, Axes gone)
{
	Axes kept = {0};
	for (int i = 0, next = 0; i < from.rank; i++) {
		if (next < gone.count && gone.at[next] == i)
			next++;
		else
			kept.at[kept.count++] = (uint8_t)i;
	}
	return op_broadcast(g, x, from, kept);
}

/* x, of the reduced shape, over the shape of the operand. */
static NodeId spread(Rule *r, NodeId x)
{
	return spread_over(r->g, x, node(r->g, r->n->in[0])->shape, r->n->attr.axes);
}

void grad_sum(Rule *r)
{
	r->dx[0] = spread(r, r->dy);
}

/* dy, shared equally by all elements that are the largest; where that is NaN by all there are. */
void grad_reduce_max(Rule *r)
{
	Graph *g = r->g;
	NodeId x = r->n->in[0], zero = op_like(g, x, 0);
	NodeId loses = op_less(g, x, spread(r, r->y));
	NodeId winners = op_sum(g, op_select(g, loses, zero, op_like(g, x, 1)), r->n->attr.axes);
	r->dx[0] = op_select(g, loses, zero, spread(r, op_div(g, r->dy, winners)));
}
