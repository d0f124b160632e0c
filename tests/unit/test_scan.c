/* test_scan.c: scans in the model language: closed forms, what a step may see, recurrent layers of the
 * library with their gradients in generated code, and randomness from step to step. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "share.h"

/* After autodiff; states are fed by name below. NULL after an error, which is printed. */
static Graph *graph_of(Compile *c, const char *text, const DataField *field, size_t fields)
{
	Bundle *states;
	Graph *g =
	    build_expression(c, prelude_parse(c), NULL, expression_of(c, text), field, fields, &states);
	g = autodiff(c, g);
	diag_print(c->diags, stderr, false);
	return g;
}

static size_t feed_leaves(Compile *c, const Graph *g, Feed *feed)
{
	size_t count = 0;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		if (n->op != OP_input && n->op != OP_state)
			continue;
		Hash seed = hash_text(5, n->attr.name);
		double *at = new_array(c->arena, double, (size_t)shape_size(n->shape));
		memcpy(at, test_numbers(c, n->type, shape_size(n->shape), seed),
		       (size_t)shape_size(n->shape) * sizeof *at);
		for (int64_t i = 0; i < shape_size(n->shape); i++) /* weights are small */
			at[i] = rounded(n->type, n->op == OP_state ? at[i] / 4 : at[i]);
		feed[count++] = (Feed){n->attr.name, at};
	}
	return count;
}

/* -- Closed forms ------------------------------------------------------------------------------ */

typedef struct Known {
	const char *text;
	double want[12];
	int count;
} Known;

/* x is 1, 2, 3, 4 along the first axis, and ten times that beside it. */
static void closed_forms(void)
{
	static const Known ROWS[] = {
	    {"scan(x, zeros([2]), add)", {1, 10, 3, 30, 6, 60, 10, 100}, 8},
	    {"scan(x, zeros([2]), add, reverse=1)", {10, 100, 9, 90, 7, 70, 4, 40}, 8},
	    {"scan(x, ones([2]), mul)[-1]", {24, 240000}, 2},
	    {"scan(x, ones([2]), mul, reverse=1)[0]", {24, 240000}, 2},
	    {"scan(slice(x, 0, 0, 1), zeros([2]), sub)", {-1, -10}, 2},
	    {"scan(3, 1, exp)[0]", {2.718281828}, 1},
	    {"scan(slice(x, 0, 0, 2), x[3], max)", {4, 40, 4, 40}, 4},
	    {"grad(sum(scan(x, ones([2]), mul)[-1]), x)", {24, 24000, 12, 12000, 8, 8000, 6, 6000}, 8},
	    {"grad(sum(scan(x, zeros([2]), add)), x)", {4, 4, 3, 3, 2, 2, 1, 1}, 8},
	};
	static const double X[] = {1, 10, 2, 20, 3, 30, 4, 40};
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		Compile *c = compile_open();
		DataField field = {"x", DTYPE_f32, SHAPE(4, 2)};
		Graph *g = graph_of(c, ROWS[i].text, &field, 1);
		CU_ASSERT_FATAL(g != NULL);
		graph_verify(g, "autodiff");
		const double *got = evaluate(c->arena, g, &(Feed){"x", X}, 1)[g->out[0].value];
		CU_ASSERT_EQUAL(shape_size(node(g, g->out[0].value)->shape), ROWS[i].count);
		for (int k = 0; k < ROWS[i].count; k++)
			if (!(fabs(got[k] - ROWS[i].want[k]) <= 1e-6 * (1 + fabs(ROWS[i].want[k])))) {
				fprintf(stderr, "%s: element %d is %.9g, but should be %.9g\n", ROWS[i].text, k,
				        got[k], ROWS[i].want[k]);
				CU_FAIL("a closed form");
			}
		CU_ASSERT(graph_agrees_always(c, passes(c, g, NULL), &(Feed){"x", X}, 1, 1e-5));
		compile_close(c);
	}
}

/* -- Generated code ---------------------------------------------------------------------------- */

static const char *const LAYERS[] = {"gru(x, %d)", "lstm(x, %d, reverse=1)",
                                     "state_space(x, %d, states=3)", "bidirectional(x, gru(%d))",
                                     "gru(lstm(x, 3), %d, reverse=1)"};

/* A layer and, as sets cannot be asked for, its gradient by x: at odd sizes. */
static void layers_agree(void)
{
	static const int64_t SIZES[][4] = {{1, 1, 1, 1}, {2, 7, 3, 5}, {17, 1, 5, 13}, {17, 3, 2, 8}};
	for (size_t l = 0; l < COUNT(LAYERS); l++)
		for (size_t s = 0; s < COUNT(SIZES); s++) {
			if (!case_runs())
				continue;
			Compile *c = compile_open();
			int64_t steps = SIZES[s][0], batch = SIZES[s][1];
			DataField field = {"x", DTYPE_f32, SHAPE(batch, steps, SIZES[s][2])};
			const char *layer = arena_printf(c->arena, LAYERS[l], (int)SIZES[s][3]);
			const char *text = arena_printf(
			    c->arena, "concat([reshape(%s, [-1]), reshape(grad(sum(%s^2), x), [-1])])", layer,
			    layer);
			Graph *g = graph_of(c, text, &field, 1);
			CU_ASSERT_FATAL(g != NULL);
			Feed feed[64];
			size_t feeds = feed_leaves(c, g, feed);
			Graph *low = passes(c, g, NULL);
			CU_ASSERT_FATAL(low != NULL);
			CU_ASSERT(graph_agrees_always(c, low, feed, feeds, 2e-5));
			compile_close(c);
		}
}

/* -- Randomness -------------------------------------------------------------------------------- */

/* Every step drops other places, and the loop back the same ones: the loss is linear in x, step by
 * step, so its slope is a difference. */
static void steps_draw_anew(void)
{
	enum { STEPS = 5, WIDTH = 64 };
	const char *y = "scan(x, zeros([64]), [add, dropout(0.5)])";
	Compile *c = compile_open();
	DataField field = {"x", DTYPE_f32, SHAPE(STEPS, WIDTH)};
	double x[STEPS * WIDTH];
	Feed feed[] = {{"x", x}, {"seed", (double[]){3, 4}}, {"step", (double[]){7}}};
	Graph *g =
	    graph_of(c, arena_printf(c->arena, "concat([%s, grad(sum(%s), x)])", y, y), &field, 1);
	CU_ASSERT_FATAL(g != NULL);
	/* each use has a stream of its own: only the second is that of the gradient */
	Graph *sum = graph_of(c, "scan(x, zeros([64]), [add, dropout(0.5)])", &field, 1);
	for (int i = 0; i < STEPS * WIDTH; i++)
		x[i] = 1;
	const double *all = evaluate(c->arena, sum, feed, COUNT(feed))[sum->out[0].value];
	for (int a = 0; a < STEPS; a++)
		for (int b = 0; b < a; b++) {
			int same = 0;
			for (int i = 0; i < WIDTH; i++)
				same += (all[a * WIDTH + i] == 0) == (all[b * WIDTH + i] == 0);
			CU_ASSERT(same > WIDTH / 5 && same < WIDTH * 4 / 5);
		}
	CU_ASSERT(graph_agrees_always(c, passes(c, g, NULL), feed, COUNT(feed), 1e-5));
	compile_close(c);
}

/* sum(y(x) + grad(y)) with one y: its gradient is the difference of its values. */
static void dropped_places_have_no_slope(void)
{
	enum { STEPS = 4, WIDTH = 9 };
	Compile *c = compile_open();
	DataField field = {"x", DTYPE_f32, SHAPE(STEPS, WIDTH)};
	double x[STEPS * WIDTH];
	Feed feed[] = {{"x", x}, {"seed", (double[]){3, 4}}, {"step", (double[]){7}}};
	Graph *plain = build_expression(
	    c, prelude_parse(c), NULL,
	    expression_of(c, "sum(scan(x, zeros([9]), [add, dropout(0.4)])^2)"), &field, 1, NULL);
	CU_ASSERT_FATAL(plain != NULL);
	NodeId loss = plain->out[0].value, at = 0;
	for (NodeId i = 1; i < plain->count; i++)
		if (node(plain, i)->op == OP_input && strcmp(node(plain, i)->attr.name, "x") == 0)
			at = i;
	graph_output(plain, "dx", op_gradient(plain, loss, at));
	Graph *g = autodiff(c, plain);
	CU_ASSERT_FATAL(g != NULL);
	for (int i = 0; i < STEPS * WIDTH; i++)
		x[i] = 0.1 * (i % 7) - 0.3;
	const double *slope = evaluate(c->arena, g, feed, COUNT(feed))[g->out[1].value];
	for (int i = 0; i < STEPS * WIDTH; i++) {
		double kept = x[i], value[2];
		for (int side = 0; side < 2; side++) {
			x[i] = kept + (side ? 1e-4 : -1e-4);
			value[side] = evaluate(c->arena, g, feed, COUNT(feed))[g->out[0].value][0];
		}
		x[i] = kept;
		CU_ASSERT_DOUBLE_EQUAL(slope[i], (value[1] - value[0]) / 2e-4, 1e-6);
	}
	compile_close(c);
}

/* -- Sampling ---------------------------------------------------------------------------------- */

/* Places come as often as their probability says, 4 standard deviations about; a hard sample is one
 * of them, and its slope that of the soft one. */
static void samples_have_their_odds(void)
{
	enum { ROWS = 4096, PLACES = 3 };
	static const double P[PLACES] = {0.6, 0.3, 0.1};
	Compile *c = compile_open();
	DataField field = {"x", DTYPE_f32, SHAPE(ROWS, PLACES)};
	double *x = new_array(c->arena, double, (size_t)ROWS *PLACES), count[2][PLACES] = {{0}};
	for (int i = 0; i < ROWS * PLACES; i++)
		x[i] = log(P[i % PLACES]);
	Feed feed[] = {{"x", x}, {"seed", (double[]){3, 4}}, {"step", (double[]){7}}};
	Graph *at = graph_of(c, "categorical(x)", &field, 1),
	      *hard = graph_of(c, "gumbel_softmax(x, 0.5, hard=1)", &field, 1);
	CU_ASSERT_FATAL(at != NULL && hard != NULL);
	const double *place = evaluate(c->arena, at, feed, COUNT(feed))[at->out[0].value],
	             *one = evaluate(c->arena, hard, feed, COUNT(feed))[hard->out[0].value];
	for (int i = 0; i < ROWS; i++) {
		count[0][(int)place[i]]++;
		for (int j = 0; j < PLACES; j++) {
			double y = one[i * PLACES + j];
			CU_ASSERT_FATAL(fabs(y) < 1e-12 || fabs(y - 1) < 1e-12);
			count[1][j] += y;
		}
	}
	for (int j = 0; j < PLACES; j++)
		for (int which = 0; which < 2; which++)
			CU_ASSERT_DOUBLE_EQUAL(count[which][j], ROWS * P[j],
			                       4 * sqrt(ROWS * P[j] * (1 - P[j])));
	compile_close(c);
}

/* Two halves, each among zeros, are added: a pass makes them one. */
static Graph *halves(Compile *c)
{
	const int64_t zero[MAX_RANK] = {0}, one[MAX_RANK] = {1}, two[MAX_RANK] = {2};
	Graph *body = graph_new(c, "body");
	NodeId x = op_input(body, "carry0", DTYPE_f32, SHAPE(2));
	NodeId left = op_slice(body, x, zero, one, one), right = op_slice(body, x, one, two, one);
	NodeId sum = op_add(body, op_pad(body, left, zero, one, zero, 0),
	                    op_pad(body, right, one, zero, zero, 0));
	graph_output(body, "carry0", sum);
	return body;
}

/* A graph is its caller's, and so are the bodies in it, also where a pass changes nothing but those. */
static void passes_change_nothing_given(void)
{
	Compile *c = compile_open();
	Text before = {0}, after = {0};
	Graph *g = graph_new(c, "given");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(2));
	Region region = {.body = halves(c), .length = 3, .carries = 1};
	graph_output(g, "y", op_result(g, op_scan(g, &x, 1, region), 0, true));
	graph_print(g, NULL, &before);
	CU_ASSERT(passes(c, g, NULL) != NULL);
	graph_print(g, NULL, &after);
	CU_ASSERT_STRING_EQUAL(after.data, before.data);
	text_close(&before), text_close(&after);
	compile_close(c);
}

CU_TestInfo test_scan[] = {
    {"closed forms", closed_forms},
    {"layers agree", layers_agree},
    {"steps draw anew", steps_draw_anew},
    {"samples have their odds", samples_have_their_odds},
    {"dropped places have no slope", dropped_places_have_no_slope},
    {"passes change nothing given", passes_change_nothing_given},
    CU_TEST_INFO_NULL,
};
