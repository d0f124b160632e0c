/* fuzz_dump.c: any bytes as a model file: what is dumped of its step, as built and as
 * differentiated, reads back and prints the same but for the comments. */
#include <stdlib.h>
#include <string.h>

#include "../../compiler/graph/graph.h"
#include "../../compiler/sslc.h"

/* Without comments and the spaces before them. */
static void strip(char *text)
{
	char *to = text;
	for (char *line = text; *line;) {
		size_t size = strcspn(line, "\n"), kept = 0;
		for (size_t i = 0; i < size && line[i] != '#'; i++)
			kept = line[i] == ' ' ? kept : i + 1;
		bool ends = line[size] == '\n';
		memmove(to, line, kept);
		to += kept;
		line += size + ends;
		if (ends)
			*to++ = '\n';
	}
	*to = 0;
}

static void check(char *text, size_t size, const char *stage)
{
	Compile c = {.arena = arena_open(0)};
	c.diags = diags_open(c.arena);
	Text again = {0};
	Graph *g = graph_read(&c, diags_file(c.diags, "dump", arena_copy(c.arena, text, size), size));
	if (!g) {
		diag_print(c.diags, stderr, false);
		abort();
	}
	graph_verify(g, stage);
	for (NodeId x = 1; x < g->count; x++)
		g->segment[x / SEGMENT][x % SEGMENT].origin = (Span){0};
	graph_print(g, stage, &again);
	strip(text);
	strip(again.data);
	if (strcmp(text, again.data) != 0) {
		fprintf(stderr, "%s\n--- reads back as\n%s\n", text, again.data);
		abort();
	}
	text_close(&again);
	arena_close(c.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const stages[] = {"elaborate", "autodiff"};
	sslc_options options = {.memory_limit = (size_t)256 << 20};
	sslc_program *p = sslc_open_text("model.json", (const char *)bytes, size, &options);
	sslc_data data = {.count = 2, .train_count = 300, .test_count = 50, .classes = 10};
	data.field[0] = (sslc_tensor){.name = "x", .dtype = "f32", .rank = 1, .dim = {20}};
	data.field[1] = (sslc_tensor){.name = "label", .dtype = "i32"};
	bool good = sslc_bind(p, &data);
	for (int i = 0; good && i < 2; i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);
		bool dumped = sslc_dump(p, "step", stages[i], SSLC_TEXT, out);
		fclose(out);
		if (dumped && length < 1 << 20)
			check(text, length, stages[i]);
		free(text);
	}
	sslc_close(p);
	return 0;
}
