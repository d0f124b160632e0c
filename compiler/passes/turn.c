/* turn.c: a product whose readers turn its last axis away is computed the other way round.
 *
 * Expects: dots in normal form. Promises: keeps types and values; sums run in the same order; no
 * product is computed twice. transpose(dot(x, y)), where y's free axis is to come before x's,
 * becomes transpose'(dot(y, x)), whose last axis stays: whole rows move, or nothing does. So the
 * gradient of attention's keys is stored by rows, as the keys are. */
#include "passes.h"

#include <string.h>

/* A product with one free axis of each operand. */
static bool can_turn(const Graph *g, const Node *x)
{
	return x->op == OP_dot && x->shape.rank == x->attr.dot.batch + 2 &&
	       node(g, x->in[0])->shape.rank == x->shape.rank - 1 + x->attr.dot.contract;
}

/* Whether t moves the last axis of the product x before the one that precedes it. */
static bool turns(const Node *x, const Node *t)
{
	const uint8_t *order = t->attr.axes.at, rank = x->shape.rank;
	return memchr(order, rank - 1, rank) < memchr(order, rank - 2, rank);
}

/* The products that transposes alone read, and at least half of them turn. */
static bool *find_turned(Compile *c, const Graph *g)
{
	uint32_t *others = count_uses(c, g);
	int *balance = new_array(c->arena, int, g->count);
	bool *found = new_array(c->arena, bool, g->count);
	for (uint32_t i = 0; i < g->out_count; i++)
		others[g->out[i].value]++;
	for (uint32_t i = 0; i < g->set_count; i++)
		others[g->set[i].value]++;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *t = node(g, x);
		if (t->op == OP_transpose && can_turn(g, node(g, t->in[0]))) {
			others[t->in[0]]--;
			balance[t->in[0]] += turns(node(g, t->in[0]), t) ? 1 : -1;
		}
	}
	for (NodeId x = 1; x < g->count; x++)
		found[x] = can_turn(g, node(g, x)) && others[x] == 0 && balance[x] >= 0;
	return found;
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
	bool *is_turned = find_turned(c, in);
	NodeId *map = new_array(c->arena, NodeId, in->count);
	Graph *out = graph_like(c, in);
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		out->origin = n->origin;
		map[x] = n->op == OP_transpose && is_turned[n->in[0]] ? turned(out, in, n, map)
		                                                      : graph_copy_node(out, in, x, map);
		if (!map[x])
			return NULL;
	}
	return rebuilt(c, out, in, map);
}
