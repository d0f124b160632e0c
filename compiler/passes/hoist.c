/* hoist.c: moves reshapes from the results of element-wise operations to their operands.
 *
 * Expects: a simplified graph. Promises: the same values, bit for bit; no operation is computed
 * twice. A reshape of something stored costs nothing, a reshape in the middle of a chain would
 * break its kernel in two. So reshape(f(x, y)) becomes f(reshape(x), reshape(y)) where f has no
 * other use. Of several views with an order of their own (paddings, cuts) each would have to be
 * stored for its reshape: then it stays where it is. Where only products and gathers read it, it stays, unless
 * it meets a reshape back on the way: then f is computed where that product left its operand. */
#include "passes.h"

enum { DEEPEST = 64 };

typedef struct Hoist {
	Graph *out;
	const Graph *in;
	const NodeId *map;
	const uint32_t *uses;
	Shape to;
} Hoist;

/* Whether the reshape, moved up to the operands of x, meets its inverse. */
static bool meets_inverse(const Hoist *h, NodeId x, int depth)
{
	const Node *n = node(h->in, x);
	if (n->op == OP_reshape)
		return shape_equal(node(h->in, n->in[0])->shape, h->to);
	if (op_info[n->op].kind != MAP || h->uses[x] != 1 || depth == DEEPEST)
		return false;
	for (int i = 0; i < n->count; i++)
		if (meets_inverse(h, n->in[i], depth + 1))
			return true;
	return false;
}

/* Operands, as far up as the reshape would move, that have no row-major order to be seen in. */
static int ragged_operands(const Hoist *h, NodeId x, int depth)
{
	const Node *n = node(h->in, x);
	if (op_info[n->op].kind != MAP || h->uses[x] != 1 || depth == DEEPEST)
		return n->op == OP_gather ||
		       (op_info[n->op].kind == VIEW && n->op != OP_reshape && n->op != OP_broadcast);
	int count = 0;
	for (int i = 0; i < n->count; i++)
		count += ragged_operands(h, n->in[i], depth + 1);
	return count;
}

static NodeId push(const Hoist *h, NodeId x, int depth)
{
	const Node *n = node(h->in, x);
	bool scalar = n->op == OP_broadcast && node(h->in, n->in[0])->shape.rank == 0;
	if (scalar && h->to.rank)
		return op_broadcast(h->out, h->map[n->in[0]], h->to, (Axes){0});
	NodeId stretched = n->op == OP_broadcast ? broadcast_as(h->out, h->in, n, h->map, h->to) : 0;
	if (stretched)
		return stretched;
	if (op_info[n->op].kind != MAP || h->uses[x] != 1 || depth == DEEPEST)
		return op_reshape(h->out, h->map[x], h->to);
	NodeId in[MAX_INS];
	for (int i = 0; i < n->count; i++)
		in[i] = push(h, n->in[i], depth + 1);
	h->out->origin = n->origin;
	return graph_add_node(h->out, n->op, in, n->count, n->type, SCALAR, n->attr);
}

/* A product reads what is stored, and so does a gather: there a reshape costs nothing. */
static bool reads_stored(const Node *n, int i)
{
	return op_info[n->op].kind == CONTRACT || (n->op == OP_gather && i == 0);
}

Graph *pass_hoist(Compile *c, const Graph *in)
{
	if (!in)
		return NULL;
	uint32_t *uses = count_uses(c, in);
	NodeId *map = new_array(c->arena, NodeId, in->count);
	Graph *out = graph_like(c, in);
	bool *mapped = new_array(c->arena, bool, in->count); /* read by more than these */
	for (NodeId x = 1; x < in->count; x++)
		for (int i = 0; i < node(in, x)->count; i++)
			mapped[node(in, x)->in[i]] |= !reads_stored(node(in, x), i);
	for (uint32_t i = 0; i < in->out_count; i++)
		uses[in->out[i].value] += 2, mapped[in->out[i].value] = true; /* stored anyway */
	for (uint32_t i = 0; i < in->set_count; i++)
		uses[in->set[i].value] += 2, mapped[in->set[i].value] = true;
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		Hoist h = {out, in, map, uses, n->shape};
		bool moves = n->op == OP_reshape && (mapped[x] || meets_inverse(&h, n->in[0], 0)) &&
		             ragged_operands(&h, n->in[0], 0) < 2;
		map[x] = moves ? push(&h, n->in[0], 0) : graph_copy_node(out, in, x, map);
		if (!map[x])
			return NULL;
	}
	return rebuilt(c, out, in, map);
}
