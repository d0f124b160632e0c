/* hoist.c: moves reshapes from the results of element-wise operations to their operands.
 *
 * Expects: a simplified graph. Promises: the same values, bit for bit; no operation is computed
 * twice. A reshape of something stored costs nothing, a reshape in the middle of a chain would
 * break its kernel in two. So reshape(f(x, y)) becomes f(reshape(x), reshape(y)) where f has no
 * other use. */
#include "passes.h"

enum { DEEPEST = 64 };

typedef struct Hoist {
	Graph *out;
	const Graph *in;
	const NodeId *map;
	const uint32_t *uses;
	Shape to;
} Hoist;

static NodeId push(const Hoist *h, NodeId x, int depth)
{
	const Node *n = node(h->in, x);
	bool scalar = n->op == OP_broadcast && node(h->in, n->in[0])->shape.rank == 0;
	if (scalar && h->to.rank)
		return op_broadcast(h->out, h->map[n->in[0]], h->to, (Axes){0});
	if (op_info[n->op].kind != MAP || h->uses[x] != 1 || depth == DEEPEST)
		return op_reshape(h->out, h->map[x], h->to);
	NodeId in[MAX_INS];
	for (int i = 0; i < n->count; i++)
		in[i] = push(h, n->in[i], depth + 1);
	h->out->origin = n->origin;
	return graph_add_node(h->out, n->op, in, n->count, n->type, SCALAR, n->attr);
}

Graph *pass_hoist(Compile *c, const Graph *in)
{
	if (!in)
		return NULL;
	uint32_t *uses = new_array(c->arena, uint32_t, in->count);
	NodeId *map = new_array(c->arena, NodeId, in->count);
	Graph *out = graph_new(c, in->name);
	for (NodeId x = 1; x < in->count; x++)
		for (int i = 0; i < node(in, x)->count; i++)
			uses[node(in, x)->in[i]]++;
	for (uint32_t i = 0; i < in->out_count; i++)
		uses[in->out[i].value] += 2; /* stored anyway */
	for (uint32_t i = 0; i < in->set_count; i++)
		uses[in->set[i].value] += 2;
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		Hoist h = {out, in, map, uses, n->shape};
		map[x] = n->op == OP_reshape ? push(&h, n->in[0], 0) : graph_copy_node(out, in, x, map);
		if (!map[x])
			return NULL;
	}
	for (uint32_t i = 0; i < in->out_count; i++)
		graph_output(out, in->out[i].name, map[in->out[i].value]);
	for (uint32_t i = 0; i < in->set_count; i++)
		graph_set(out, map[in->set[i].state], map[in->set[i].value]);
	return rebuild(c, out, NULL);
}
