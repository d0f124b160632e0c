/* fuzz_graph.c: any bytes as the text of a graph; what reads must verify, print, read again, and
 * print the same. */
#include <stdlib.h>
#include <string.h>

#include "../../compiler/graph/graph.h"

static void forget_origins(Graph *g)
{
	for (NodeId x = 1; x < g->count; x++) {
		g->segment[x / SEGMENT][x % SEGMENT].origin = (Span){0};
		if (g->segment[x / SEGMENT][x % SEGMENT].op == OP_scan)
			forget_origins(g->segment[x / SEGMENT][x % SEGMENT].attr.region->body);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Compile c = {.arena = arena_open(0)};
	c.diags = diags_open(c.arena);
	Graph *g = graph_read(
	    &c, diags_file(c.diags, "graph", arena_copy(c.arena, (const char *)bytes, size), size));
	Text once = {0}, twice = {0};
	if (g) {
		graph_verify(g, "elaborate");
		forget_origins(g);
		graph_print(g, NULL, &once);
		Graph *again = graph_read(&c, diags_file(c.diags, "again", once.data, once.size));
		if (!again)
			abort();
		forget_origins(again);
		graph_print(again, NULL, &twice);
		if (strcmp(once.data, twice.data) != 0)
			abort();
	}
	text_close(&once);
	text_close(&twice);
	arena_close(c.arena);
	return 0;
}
