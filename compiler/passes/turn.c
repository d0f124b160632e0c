/* turn.c: a product whose only reader turns its last axis away is computed the other way round.
 *
 * Expects: dots in normal form. Promises: keeps types and values; sums run in the same order; no
 * product is computed twice. transpose(dot(x, y)), where y's free axis is to come before x's,
 * becomes transpose'(dot(y, x)), whose last axis stays: whole rows move, or nothing does. So the
 * gradient of attention's keys is stored by rows, as the keys are. */
#include "passes.h"

#include <string.h>

/* Whether t moves the last axis of a product x before the one that precedes it. */
static bool turns(const Graph *g, const Node *t)
{
	if (t->op != OP_transpose)
		return false;
	const Node *x = node(g, t->in[0]);
	if (x->op != OP_dot || x->shape.rank != x->attr.dot.batch + 2)
		return false;
	const uint8_t *order = t->attr.axes.at, rank = x->shape.rank;
	bool free_each = node(g, x->in[0])->shape.rank == rank - 1 + x->attr.dot.contract;
	return free_each && memchr(order, rank - 1, rank) < memchr(order, rank - 2, rank);
}

static NodeId turned(Graph *out, const Graph *in, const Node *t, const NodeId *map)
{
	const Node *x = node(in, t->in[0]);
	const DotAxes *d = &x->attr.dot;
	DotAxes to = {.batch = d->batch, .contract = d->contract};
	memcpy(to.x_batch, d->y_batch, sizeof to.x_batch);
	memcpy(to.y_batch, d->x_batch, sizeof to.y_batch);
	memcpy(to.x_contract, d->y_contract, sizeof to.x_contract);
	memcpy(to.y_contract, d->x_contract, sizeof to.y_contract);
	Axes order = t->attr.axes;
	uint8_t last = (uint8_t)(x->shape.rank - 1), before = (uint8_t)(last - 1);
	bool moves = false;
	for (int i = 0; i < order.count; i++) {
		uint8_t at = order.at[i];
		order.at[i] = at == last ? before : at == before ? last : at;
		moves |= order.at[i] != i;
	}
	NodeId y = op_dot(out, map[x->in[1]], map[x->in[0]], to);
	return moves ? op_transpose(out, y, order) : y;
}

Graph *pass_turn(Compile *c, const Graph *in)
{
	if (!in)
		return NULL;
	uint32_t *uses = count_uses(c, in);
	NodeId *map = new_array(c->arena, NodeId, in->count);
	Graph *out = graph_like(c, in);
	for (uint32_t i = 0; i < in->out_count; i++)
		uses[in->out[i].value]++;
	for (uint32_t i = 0; i < in->set_count; i++)
		uses[in->set[i].value]++;
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		out->origin = n->origin;
		map[x] = turns(in, n) && uses[n->in[0]] == 1 ? turned(out, in, n, map)
		                                             : graph_copy_node(out, in, x, map);
		if (!map[x])
			return NULL;
	}
	return rebuilt(c, out, in, map);
}
