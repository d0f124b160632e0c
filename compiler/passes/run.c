/* run.c: runs the passes in the order of passes.def. */
#include "passes.h"

#include <string.h>

const Pass pass_list[] = {
#define PASS(name, level, meaning) {#name, level, pass_##name, meaning},
#include "passes.def"
#undef PASS
    {0},
};

Graph *passes(Compile *c, const Graph *in, const char *last)
{
	const Graph *g = in;
	for (const Pass *pass = pass_list; g && pass->name; pass++) {
		g = pass->run(c, g);
		lap(&c->laps, pass->name);
		if (g)
			graph_verify(g, pass->name);
		lap(&c->laps, "verify");
		if (last && strcmp(pass->name, last) == 0)
			break;
	}
	return (Graph *)g;
}
