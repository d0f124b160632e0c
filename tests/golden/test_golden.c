/* test_golden.c: tests/golden/<stage>/<case>.ir: what the case shows (#), a graph, "=== after
 * <stage>", the expected text. SSLC_BLESS=1 rewrites the expected part, to be reviewed before it is
 * committed. */
#include <CUnit/CUnit.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/passes/passes.h"
#include "../../compiler/schedule/schedule.h"

static void forget_origins(Graph *g)
{
	for (NodeId x = 1; g && x < g->count; x++) {
		g->segment[x / SEGMENT][x % SEGMENT].origin = (Span){0};
		if (g->segment[x / SEGMENT][x % SEGMENT].op == OP_scan)
			forget_origins(g->segment[x / SEGMENT][x % SEGMENT].attr.region->body);
	}
}

/* The text after one stage alone; "" after errors. */
static void run_stage(Compile *c, Graph *g, const char *stage, Text *out)
{
	graph_verify(g, "elaborate");
	forget_origins(g);
	if (strcmp(stage, "schedule") == 0 || strcmp(stage, "plan") == 0) {
		Kernels *k = schedule(c, g);
		kernels_verify(k);
		Plan *p = plan(c, k);
		plan_verify(k, p);
		if (strcmp(stage, "plan") == 0)
			plan_print(k, p, out);
		else
			kernels_print(k, out);
		return;
	}
	Graph *after = NULL;
	if (strcmp(stage, "autodiff") == 0)
		after = autodiff(c, g);
	for (const Pass *pass = pass_list; pass->name; pass++)
		if (strcmp(pass->name, stage) == 0)
			after = pass->run(c, g);
	forget_origins(after);
	if (after)
		graph_verify(after, stage);
	if (after)
		graph_print(after, stage, out);
	/* what is printed reads back to the same text */
	Graph *again =
	    after ? graph_read(c, diags_file(c->diags, "again", out->data, out->size)) : NULL;
	Text twice = {0};
	forget_origins(again);
	if (again)
		graph_print(again, stage, &twice);
	CU_ASSERT_FATAL(again != NULL);
	CU_ASSERT_STRING_EQUAL(twice.data, out->data);
	text_close(&twice);
}

static bool run_case(const char *path)
{
	char why[128], stage[64];
	Text file = {0}, got = {0};
	Compile c = {.arena = arena_open(0),
	             .machine = &machine_default,
	             .float_type = DTYPE_f32,
	             .dot_type = DTYPE_bf16};
	c.diags = diags_open(c.arena);
	CU_ASSERT_FATAL(file_read(path, 1 << 20, &file, why));
	const char *cut = strstr(file.data, "=== after ");
	CU_ASSERT_FATAL(cut != NULL && sscanf(cut, "=== after %63s", stage) == 1);
	const char *expected = strchr(cut, '\n') + 1;
	Graph *g = graph_read(&c, diags_file(c.diags, path, file.data, (size_t)(cut - file.data)));
	diag_print(c.diags, stderr, false);
	CU_ASSERT_FATAL(g != NULL);
	run_stage(&c, g, stage, &got);
	diag_print(c.diags, stderr, false);
	CU_ASSERT_EQUAL(diag_count(c.diags), 0); /* a rule that fails leaves its node as it is */
	bool same = strcmp(expected, got.data) == 0;
	if (!same && getenv("SSLC_BLESS")) {
		Text all = {0};
		text_add(&all, file.data, (size_t)(expected - file.data));
		text_add(&all, got.data, got.size);
		same = file_write(path, all.data, all.size, why);
		text_close(&all);
	}
	if (!same)
		fprintf(stderr, "--- %s\n%s+++ got\n%s", path, expected, got.data);
	text_close(&got);
	text_close(&file);
	arena_close(c.arena);
	return same;
}

static void all_cases(void)
{
	glob_t found;
	CU_ASSERT_FATAL(glob(SSLC_SOURCE "/tests/golden/*/*.ir", 0, NULL, &found) == 0);
	CU_ASSERT(found.gl_pathc > 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		CU_ASSERT(run_case(found.gl_pathv[i]));
	globfree(&found);
}

CU_TestInfo test_golden[] = {
    {"every case", all_cases},
    CU_TEST_INFO_NULL,
};
