/* run.c: runs the passes in the order of passes.def.
 *
 * Each reads the graph of the one before and makes its own, or hands that on, so two arenas are taken by
 * turns: at most two of the graphs exist at a time, however many passes there are. A scan's body is a graph as
 * any other: it passes the same passes, right after the graph that it is in. */
#include "passes.h"

#include <string.h>

const Pass pass_list[] = {
#define PASS(name, level, meaning) {#name, level, pass_##name, meaning},
#include "passes.def"
#undef PASS
    {0},
};

/* False: reported. */
static bool run_on_bodies(Compile *own, const Pass *pass, Graph *g)
{
	for (NodeId x = 1; x < g->count; x++) {
		if (node(g, x)->op != OP_scan)
			continue;
		Region *r = node(g, x)->attr.region;
		Graph *body = pass->run(own, r->body);
		if (!body || !run_on_bodies(own, pass, body))
			return false;
		r->body = graph_copy(g->c, body); /* where g is */
	}
	return true;
}

Graph *passes(Compile *c, const Graph *in, const char *last)
{
	const Graph *g = in;
	Compile room[2] = {*c, *c};
	for (int i = 0; i < 2; i++)
		room[i].arena = arena_beside(c->arena);
	for (const Pass *pass = pass_list; g && pass->name; pass++) {
		Compile *own = &room[g->c == &room[0]];
		arena_reset(own->arena, (ArenaMark){0});
		g = pass->run(own, g);
		g = g == in ? graph_copy(own, in) : g; /* its bodies are the caller's */
		g = g && run_on_bodies(own, pass, (Graph *)g) ? g : NULL;
		lap(&c->laps, pass->name);
		if (g)
			graph_verify(g, pass->name);
		lap(&c->laps, "verify");
		if (last && strcmp(pass->name, last) == 0)
			break;
	}
	Graph *last_one = graph_copy(c, g);
	arena_release(c->arena), arena_release(c->arena);
	return last_one;
}
