/* verify.c: what must hold of a graph between any two stages. A breach is ours, not the user's:
 * BUG. */
#include "graph.h"

#include <string.h>

void graph_verify(const Graph *g, const char *stage)
{
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		const OpInfo *info = &op_info[n->op];
		if (n->op == OP_NONE || n->op >= OP_COUNT)
			BUG("%s: %%%u of %s is no operation", stage, x, g->name);
		if (info->ins == MANY ? n->count < 1 : n->count != info->ins)
			BUG("%s: %%%u of %s: %s with %d operands", stage, x, g->name, info->name, n->count);
		for (int i = 0; i < n->count; i++)
			if (n->in[i] == 0 || n->in[i] >= x)
				BUG("%s: %%%u of %s: operand %%%u is not before it", stage, x, g->name, n->in[i]);
		if (n->op == OP_gradient && strcmp(stage, "elaborate") != 0)
			BUG("%s: %%%u of %s: %s is left", stage, x, g->name, info->name);
		if (n->op == OP_scan)
			graph_verify(n->attr.region->body, stage);
		size_t errors = diag_count(g->c->diags);
		Inferred s = shape_infer((Graph *)g, n->op, n->in, n->count, n->type, n->shape, &n->attr);
		if (diag_count(g->c->diags) != errors || s.type != n->type ||
		    !shape_equal(s.shape, n->shape))
			BUG("%s: %%%u of %s: %s infers another type than %s", stage, x, g->name, info->name,
			    shape_text(g->c->arena, n->type, n->shape));
	}
	for (uint32_t i = 0; i < g->out_count; i++)
		if (!g->out[i].value || g->out[i].value >= g->count)
			BUG("%s: output %s of %s has no value", stage, g->out[i].name, g->name);
	for (uint32_t i = 0; i < g->set_count; i++) {
		const Set *s = &g->set[i];
		if (!s->state || s->state >= g->count || !s->value || s->value >= g->count ||
		    node(g, s->state)->op != OP_state)
			BUG("%s: set %u of %s is not of a state", stage, i, g->name);
		const Node *a = node(g, s->state), *b = node(g, s->value);
		if (a->type != b->type || !shape_equal(a->shape, b->shape))
			BUG("%s: set of %s in %s changes its type", stage, a->attr.name, g->name);
	}
}
