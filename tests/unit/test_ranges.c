/* test_ranges.c: what a model is said to tell apart of a sample is what comes to its look-up: found by looking, the
 * interpreter gives each element its number and the indices are read. */
#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/sslc.h"
#include "compiled.h"

enum { BATCH = 4, ROWS = 3, COLUMNS = 4, ELEMENTS = ROWS * COLUMNS };

/* Indices into a table, of x i32[4,3,4]. exact: no other elements are held to its rows. */
static const struct {
	const char *text;
	bool exact;
} INDICES[] = {
    {"x", true},
    {"slice(x, 1, 1, 2)", true},
    {"slice(x, 2, 0, 4, 2)", true},
    {"slice(x, 2, 3, 0, -2)", true},
    {"slice(x, 2, 3, 2, -1)", true},
    {"reshape(slice(x, 2, 1, 2), [4, 3])", true},
    {"reshape(slice(x, 1, 0, 1), [4, 2, 2])", true},
    {"slice(reshape(x, [4, 12]), 1, 0, 5)", false},
    {"transpose(slice(x, 1, 2, 3), [2, 1, 0])", true},
    {"slice(concat([x, x % 1000 + 1], 2), 2, 1, 3)", true},
    {"slice(concat([x % 1000 + 1, x], 2), 2, 1, 5)", true},
    {"slice(concat([x % 1000 + 1, slice(x, 2, 0, 4, 2)], 2), 2, 0, 6, 5)", true},
    {"slice(concat([slice(x, 1, 0, 1), slice(x, 1, 2, 3)], 1), 1, 1, 2)", true},
    {"slice(pad(x, 1, 2, 1), 1, 1, 4)", true},
    {"slice(pad(x, 2, -1, 3), 2, 1, 6, 4)", true},
    {"slice(slice(x, 2, 1, 4), 2, 2, -4, -2)", true},
    {"slice(slice(x, 2, 3, -5, -1), 2, 1, 4, 2)", true},
    {"broadcast_to(slice(x, 1, 0, 1), [4, 3, 4])", true},
    {"windows(slice(x, 2, 0, 3), 2, 2)", true},
    {"slice(windows(x, 2, 2), 2, 0, 1)", false},
    {"cast(cast(slice(x, 1, 1, 3), 'float'), 'i32')", true},
    {"gather(slice(x, 1, 0, 2), iota([2]), 2)", false},
    {"slice(gather(x, iota([2]), 2), 1, 1, 2)", false},
    {"x[1]", true},
    {"stop_gradient(slice(x, 1, 1, 2))", true},
};

static void told(const char *text, bool is_told[ELEMENTS])
{
	char model[1024];
	size_t count;
	int size = snprintf(model, sizeof model,
	                    "{\"name\": \"m\", \"data\": \"npy('x.npy')\", \"loss\": "
	                    "\"sum(gather(param([50, 2], normal), "
	                    "%s))\", \"features\": \"x\", \"train\": {\"batch\": %d}}",
	                    text, BATCH);
	sslc_program *p = sslc_open_text("m.json", model, (size_t)size, NULL);
	sslc_data data = {.field = {{.name = "x", .dtype = "i32", .rank = 2, .dim = {ROWS, COLUMNS}}},
	                  .count = 1,
	                  .train_count = 2 * BATCH};
	bool bound = sslc_bind(p, &data);
	sslc_print_errors(p, stderr, false);
	CU_ASSERT_FATAL(bound);
	const sslc_range *r = sslc_ranges(p, &count);
	CU_ASSERT(count > 0);
	for (size_t i = 0; i < count; i++) {
		CU_ASSERT(r[i].field == 0 && r[i].below == 50);
		for (int e = 0; e < ELEMENTS; e++) {
			bool all = true;
			for (int a = 0, at[2] = {e / COLUMNS, e % COLUMNS}; a < 2; a++)
				for (int64_t k = 0, found = r[i].count[a] == 0; k <= r[i].count[a] && all; k++) {
					found |= k < r[i].count[a] && at[a] == r[i].first[a] + k * r[i].step[a];
					all = k < r[i].count[a] || found;
				}
			is_told[e] |= all;
		}
	}
	sslc_close(p);
}

static void read_by_looking(const char *text, bool is_read[ELEMENTS])
{
	Compile *c = compile_open();
	Bundle *states;
	DataField x = {"x", DTYPE_i32, SHAPE(BATCH, ROWS, COLUMNS)};
	Graph *g = build_expression(c, prelude_parse(c), NULL, expression_of(c, text), &x, 1, &states);
	diag_print(c->diags, stderr, false);
	CU_ASSERT_FATAL(g != NULL);
	double number[BATCH * ELEMENTS];
	for (int i = 0; i < BATCH * ELEMENTS; i++)
		number[i] = 1000 + i % ELEMENTS; /* what was computed is another number */
	double *at = evaluate(c->arena, g, &(Feed){"x", number}, 1)[g->out[0].value];
	for (int64_t i = 0; i < shape_size(node(g, g->out[0].value)->shape); i++)
		if (at[i] >= 1000)
			is_read[(int)at[i] - 1000] = true;
	compile_close(c);
}

static void elements_that_are_read(void)
{
	for (size_t i = 0; i < COUNT(INDICES); i++) {
		bool is_told[ELEMENTS] = {false}, is_read[ELEMENTS] = {false};
		told(INDICES[i].text, is_told);
		read_by_looking(INDICES[i].text, is_read);
		for (int e = 0; e < ELEMENTS; e++)
			if (is_read[e] ? !is_told[e] : is_told[e] && INDICES[i].exact) {
				fprintf(stderr, "%s: element %d is %s\n", INDICES[i].text, e,
				        is_read[e] ? "read, but may be anything" : "held to a range, but not read");
				CU_FAIL("an element");
			}
	}
}

CU_TestInfo test_ranges[] = {
    {"elements that are read are told", elements_that_are_read},
    CU_TEST_INFO_NULL,
};
