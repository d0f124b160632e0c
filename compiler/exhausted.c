/* exhausted.c: what a model is told that takes more memory than the compiler may, or than there is: which place of
 * its file makes the most operations of its largest function. Nothing more can be taken from the arena. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

static int by_place(const void *x, const void *y)
{
	const Span *a = x, *b = y;
	return a->at != b->at ? (a->at < b->at ? -1 : 1) : (a->end > b->end) - (a->end < b->end);
}

/* The most frequent; count 0: none. Sorts them. */
static Place most_frequent(Span *span, size_t count)
{
	Place best = {.operations = 0};
	if (count)
		qsort(span, count, sizeof *span, by_place);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && by_place(&span[from], &span[to]) == 0;)
			to++;
		if (to - from > best.operations)
			best = (Place){.span = span[from], .operations = to - from};
	}
	return best;
}

static const Graph *largest(const sslc_program *p)
{
	const Graph *most = p->bundle ? NULL : p->c.building;
	for (size_t i = 0; p->bundle && i < p->bundle->graph_count; i++)
		if (!most || p->bundle->graph[i]->count > most->count)
			most = p->bundle->graph[i];
	return most;
}

Place exhausted_place(const sslc_program *p)
{
	const Graph *g = largest(p);
	Span *span = g ? malloc(g->count * sizeof *span) : NULL;
	size_t count = 0;
	for (NodeId x = 1; span && x < g->count; x++)
		if (node(g, x)->origin.file == p->file)
			span[count++] = node(g, x)->origin;
	Place place = most_frequent(span, count);
	free(span);
	if (g) {
		place.function = g->name;
		place.of = g->count - 1;
	}
	return place;
}

void exhausted_print(const sslc_program *p, FILE *out, bool colour)
{
	bool small = p->limit < (size_t)1 << 20, refused = arena_refused(p->c.arena);
	Place place = exhausted_place(p);
	uint32_t line, column;
	if (place.operations) {
		diags_place(p->c.diags, place.span, &line, &column);
		fprintf(out, "%s:%u:%u: ", diags_name(p->c.diags, p->file), line, column);
	}
	if (refused)
		fprintf(out, "error: the system has no memory for compiling this model\n");
	else
		fprintf(out, "error: compiling this model takes more than %zu %s\n",
		        small ? p->limit : p->limit >> 20, small ? "bytes" : "MiB");
	if (place.operations)
		fprintf(out, "  note: here %zu of %zu operations of the function '%s' are made\n",
		        place.operations, place.of, place.function);
	fprintf(out, "  help: repeat less, make the model smaller, or %s\n",
	        refused ? "let it have more (ulimit -v)"
	                : "raise --memory (memory_limit of sslc_options)");
	if (colour)
		fprintf(out, "  \033[34msee:\033[0m  models/README.md#layers-and-chains\n");
}
