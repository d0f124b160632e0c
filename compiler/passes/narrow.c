/* narrow.c: a gather reads elements as they are given, and computes what is asked of them behind.
 *
 * Expects: a simplified graph. Promises: the same values, bit for bit. What a gather
 * reads must be stored, as it jumps about there: images of bytes, cast and scaled, would be, four
 * times as large. So gather(f(x)) becomes f(gather(x)) where x is an input, or a reshape of one, of
 * smaller elements, and f computes little. */
#include "passes.h"

enum { DEEPEST = 8, MOST_WEIGHT = 8 };

typedef struct Narrow {
	Graph *out;
	const Graph *in;
	const NodeId *map;
	NodeId from, gathered; /* x, and what was gathered of it */
} Narrow;

static bool is_scalar(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	return n->op == OP_broadcast && node(g, n->in[0])->shape.rank == 0;
}

/* The one operand that is no repeated number; -1: there are none, or several. */
static int varying(const Graph *g, const Node *n)
{
	int found = -1;
	for (int i = 0; i < n->count; i++) {
		if (is_scalar(g, n->in[i]))
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

/* What f(x) is computed of; 0: of too much, or of nothing smaller. */
static NodeId narrower(const Graph *g, NodeId x)
{
	size_t size = type_info[node(g, x)->type].size;
	unsigned weight = 0;
	for (int depth = 0; depth < DEEPEST; depth++) {
		const Node *n = node(g, x);
		bool given =
		    n->op == OP_input || (n->op == OP_reshape && node(g, n->in[0])->op == OP_input);
		if (given)
			return type_info[n->type].size < size ? x : 0;
		int i = op_info[n->op].kind == MAP ? varying(g, n) : -1;
		weight += op_info[n->op].weight;
		if (i < 0 || weight > MOST_WEIGHT)
			return 0;
		x = n->in[i];
	}
	return 0;
}

static NodeId computed(const Narrow *w, NodeId x)
{
	const Node *n = node(w->in, x);
	Shape s = node(w->out, w->gathered)->shape;
	NodeId in[MAX_INS];
	if (x == w->from)
		return w->gathered;
	for (int i = 0; i < n->count; i++) {
		const Node *o = node(w->in, n->in[i]);
		in[i] = is_scalar(w->in, n->in[i]) ? op_broadcast(w->out, w->map[o->in[0]], s, (Axes){0})
		                                   : computed(w, n->in[i]);
	}
	return graph_add_node(w->out, n->op, in, n->count, n->type, SCALAR, n->attr);
}

static NodeId narrow(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	if (n->op != OP_gather)
		return 0;
	NodeId read = n->in[0],
	       behind = node(in, read)->op == OP_reshape ? node(in, read)->in[0] : read;
	NodeId from = narrower(in, behind);
	if (!from)
		return 0;
	Narrow w = {out, in, map, from, 0};
	NodeId given = behind == read ? map[from] : op_reshape(out, map[from], node(in, read)->shape);
	w.gathered = op_gather(out, given, map[n->in[1]], n->attr.axis);
	return computed(&w, behind);
}

Graph *pass_narrow(Compile *c, const Graph *in)
{
	return rebuild_of(c, in, OP_gather, narrow);
}
