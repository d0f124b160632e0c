/* rebuild.c: the walk that passes share: visits what outputs and sets reach, in order, and makes a
 * new graph.
 *
 * So dead nodes vanish without a pass of their own, and equal ones merge by interning. Costs one
 * visit a node. */
#include "passes.h"

static bool *reached(Compile *c, const Graph *g)
{
	bool *live = new_array(c->arena, bool, g->count);
	for (uint32_t i = 0; i < g->out_count; i++)
		live[g->out[i].value] = true;
	for (uint32_t i = 0; i < g->set_count; i++)
		live[g->set[i].value] = live[g->set[i].state] = true;
	for (NodeId x = g->count - 1; x > 0; x--)
		for (int i = 0; live[x] && i < node(g, x)->count; i++)
			live[node(g, x)->in[i]] = true;
	return live;
}

static void keep_results(Graph *out, const Graph *in, const NodeId *map)
{
	for (uint32_t i = 0; i < in->out_count; i++)
		graph_output(out, in->out[i].name, map[in->out[i].value]);
	for (uint32_t i = 0; i < in->set_count; i++)
		graph_set(out, map[in->set[i].state], map[in->set[i].value]);
}

static Graph *walk(Compile *c, const Graph *in, Rewrite rewrite)
{
	const bool *live = reached(c, in);
	NodeId *map = new_array(c->arena, NodeId, in->count);
	Graph *out = graph_like(c, in);
	for (NodeId x = 1; x < in->count; x++) {
		if (!live[x])
			continue;
		out->origin = node(in, x)->origin;
		map[x] = rewrite ? rewrite(out, in, x, map) : 0;
		if (!map[x])
			map[x] = graph_copy_node(out, in, x, map);
		if (!map[x])
			return NULL; /* reported by the constructor */
	}
	keep_results(out, in, map);
	return out;
}

static bool all_reached(Compile *c, const Graph *g)
{
	const bool *live = reached(c, g);
	for (NodeId x = 1; x < g->count; x++)
		if (!live[x])
			return false;
	return true;
}

/* What a rewrite made on the way and nobody uses is swept by a second walk without rewrites. */
Graph *rebuild(Compile *c, const Graph *in, Rewrite rewrite)
{
	if (!in)
		return NULL;
	const Graph *out = rewrite ? walk(c, in, rewrite) : in;
	return !out || all_reached(c, out) ? (Graph *)out : walk(c, out, NULL);
}

Graph *rebuild_of(Compile *c, const Graph *in, Op op, Rewrite rewrite)
{
	bool some = false;
	for (NodeId x = 1; in && x < in->count && !some; x++)
		some = node(in, x)->op == op;
	return in && !some && all_reached(c, in) ? (Graph *)in : rebuild(c, in, rewrite);
}

Graph *rebuilt(Compile *c, Graph *out, const Graph *in, const NodeId *map)
{
	keep_results(out, in, map);
	return rebuild(c, out, NULL);
}

uint32_t *count_uses(Compile *c, const Graph *in)
{
	uint32_t *uses = new_array(c->arena, uint32_t, in->count);
	for (NodeId x = 1; x < in->count; x++)
		for (int i = 0; i < node(in, x)->count; i++)
			uses[node(in, x)->in[i]]++;
	return uses;
}
