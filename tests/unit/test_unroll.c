/* test_unroll.c: concatenations of parts of length 1: transforms by small matrices, in one kernel
 * each; the library's Winograd convolution first of all. */
#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"

/* -- Winograd ---------------------------------------------------------------------------------- */

/* The interpreter's values before and after all passes. */
static bool passes_keep(Compile *c, const Graph *raw, const Graph *low, const Feed *feed,
                        size_t feeds)
{
	NodeId x = raw->out[0].value, y = low->out[0].value;
	const double *before = evaluate(c->arena, raw, feed, feeds)[x],
	             *after = evaluate(c->arena, low, feed, feeds)[y];
	return agrees(low, y, after, before, 1e-12);
}

/* y, or a gradient of it, of the library's text, compiled in many ways, against the interpreter,
 * which tests/oracle holds against PyTorch. */
static bool winograd_agrees(const char *text, Shape x, Shape w, size_t room)
{
	Compile *c = compile_open();
	c->chain_room = room;
	DataField inputs[] = {{"x", DTYPE_f32, x}, {"w", DTYPE_f32, w}};
	Graph *raw = autodiff(
	    c, build_expression(c, prelude_parse(c), NULL, expression_of(c, text), inputs, 2, NULL));
	diag_print(c->diags, stderr, false);
	Feed feed[] = {{"x", test_numbers(c, DTYPE_f32, shape_size(x), 1)},
	               {"w", test_numbers(c, DTYPE_f32, shape_size(w), 2)}};
	Graph *low = passes(c, raw, NULL);
	bool good =
	    low && passes_keep(c, raw, low, feed, 2) && graph_agrees_always(c, low, feed, 2, 2e-5);
	if (!good)
		fprintf(stderr, "%s\n", text);
	compile_close(c);
	return good;
}

static void winograd(void)
{
	static const char *const TEXTS[] = {"winograd(x, w, 1, 4)",
	                                    "grad(sum(winograd(x, w, 1, 4)^2), x)",
	                                    "grad(sum(winograd(x, w, 1, 4)^2), w)"},
	                         *const SMALL[] = {"winograd(x, w, 1, 2)",
	                                           "grad(sum(winograd(x, w, 1, 2)^2), x)",
	                                           "grad(sum(winograd(x, w, 1, 2)^2), w)"};
	for (size_t i = 0; i < COUNT(SMALL); i++) {
		CU_ASSERT(winograd_agrees(SMALL[i], SHAPE(2, 4, 3, 17), SHAPE(3, 3, 17, 16), 0));
		/* of one channel lanes run along an axis of places */
		CU_ASSERT(winograd_agrees(SMALL[i], SHAPE(2, 8, 8, 3), SHAPE(3, 3, 3, 1), 0));
		CU_ASSERT(winograd_agrees(SMALL[i], SHAPE(2, 8, 8, 1), SHAPE(3, 3, 1, 4), 0));
		/* and of one tile of an image, in parts of it */
		for (size_t room = 0; room < 2; room++) {
			CU_ASSERT(winograd_agrees(SMALL[i], SHAPE(4, 2, 2, 1), SHAPE(3, 3, 1, 5), room));
			CU_ASSERT(winograd_agrees(SMALL[i], SHAPE(4, 2, 2, 3), SHAPE(3, 3, 3, 1), room));
		}
	}
	CU_ASSERT(winograd_agrees(TEXTS[0], SHAPE(1, 4, 4, 32), SHAPE(3, 3, 32, 5), 0));
	for (size_t i = 0; i < COUNT(TEXTS); i++)
		for (size_t room = 0; room < 2; room++)
			CU_ASSERT(winograd_agrees(TEXTS[i], SHAPE(3, 8, 5, 17), SHAPE(3, 3, 17, 16), room));
}

/* Image after image: what the transforms hand on exists for one of them only. */
static void transforms_run_together(void)
{
	Compile *c = compile_open();
	DataField inputs[] = {{"x", DTYPE_f32, SHAPE(64, 32, 32, 32)},
	                      {"w", DTYPE_f32, SHAPE(3, 3, 32, 32)}};
	struct Expr *text = expression_of(c, "grad(sum(winograd(relu(x), w, 1, 4)^2), x)");
	Graph *raw = autodiff(c, build_expression(c, prelude_parse(c), NULL, text, inputs, 2, NULL));
	Kernels *k = schedule(c, passes(c, raw, NULL));
	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	uint32_t members = 0, hidden = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		members += k->kernel[i].chain != NULL;
	for (BufferId b = 1; b < k->buffer_count; b++)
		hidden += k->buffer[b].storage == STORED_UNIT;
	CU_ASSERT(members >= 4);
	CU_ASSERT(hidden >= 2);
	compile_close(c);
}

/* The whole transform of the image is one kernel, and so is that of the products. */
static void transforms_are_one_kernel_each(const char *text)
{
	Compile *c = compile_open();
	DataField inputs[] = {{"x", DTYPE_f32, SHAPE(3, 8, 8, 32)},
	                      {"w", DTYPE_f32, SHAPE(3, 3, 32, 32)}};
	Graph *raw =
	    build_expression(c, prelude_parse(c), NULL, expression_of(c, text), inputs, 2, NULL);
	Kernels *k = schedule(c, passes(c, raw, NULL));
	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	uint32_t unrolled = 0, maps = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		maps += k->kernel[i].kind == KERNEL_map && !k->kernel[i].flat;
		unrolled += k->kernel[i].unrolled != 0;
	}
	CU_ASSERT_EQUAL(maps, 3); /* of the image, the weights, the products */
	CU_ASSERT_EQUAL(unrolled, 3);
	compile_close(c);
}

static void transforms_are_joined(void)
{
	transforms_are_one_kernel_each("winograd(x, w, 1, 2)");
	transforms_are_one_kernel_each("winograd(x, w, 1, 4)");
}

/* An image of 16 MiB: what is private has to have room on a thread's stack. */
static void large_images_are_stored(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "large");
	NodeId x = op_exp(g, op_input(g, "x", DTYPE_f32, SHAPE(8, 512, 512, 16)));
	int64_t around[] = {0, 1, 0, 0}, none[] = {0, 0, 0, 0}, one[] = {1, 1, 1, 1};
	NodeId padded = op_pad(g, x, around, around, none, 0);
	NodeId a = op_slice(g, padded, none, (int64_t[]){8, 512, 512, 16}, one),
	       b = op_slice(g, padded, around, (int64_t[]){8, 513, 512, 16}, one);
	graph_output(g, "sum", op_add(g, a, op_mul(g, b, b)));
	Kernels *k = schedule(c, g);
	CU_ASSERT(k->kernel_count == 2 && k->kernel[0].chain != NULL);
	for (BufferId i = 1; i < k->buffer_count; i++)
		CU_ASSERT(k->buffer[i].storage != STORED_UNIT);
	compile_close(c);
}

/* -- By hand ----------------------------------------------------------------------------------- */

static NodeId place(Graph *g, NodeId x, int axis, int64_t at)
{
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < node(g, x)->shape.rank; i++)
		stop[i] = node(g, x)->shape.dim[i], step[i] = 1;
	start[axis] = at, stop[axis] = at + 1;
	return op_slice(g, x, start, stop, step);
}

/* Sums and differences of the two places of an axis. */
static NodeId haar(Graph *g, NodeId x, int axis)
{
	NodeId a = place(g, x, axis, 0), b = place(g, x, axis, 1);
	NodeId sum = op_add(g, a, b), parts[] = {op_mul(g, sum, sum), op_sub(g, sum, b)};
	return op_concat(g, parts, 2, (unsigned)axis);
}

/* Along one, two and three axes, wherever these are: also first, where tiles are cut, and with a
 * first stage that somebody else needs, too. */
static void stages(void)
{
	for (int variant = 0; variant < 6; variant++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, "haar");
		Shape s = variant % 2 ? SHAPE(2, 2, 70, 2, 19) : SHAPE(7, 2, 2, 2, 33);
		NodeId x = op_input(g, "x", DTYPE_f32, s), first = haar(g, x, 1), y = first;
		if (variant >= 2)
			y = haar(g, y, 3);
		if (variant >= 4)
			y = haar(g, y, variant % 2 ? 0 : 2);
		y = op_transpose(g, y, (Axes){.count = 5, .at = {3, 1, 0, 2, 4}});
		graph_output(g, "y", op_neg(g, y));
		if (variant == 3)
			graph_output(g, "first", op_exp(g, op_neg(g, op_mul(g, first, first))));
		Feed feed = {"x", test_numbers(c, DTYPE_f32, shape_size(s), 1)};
		CU_ASSERT(graph_agrees_always(c, passes(c, g, NULL), &feed, 1, 1e-6));
		compile_close(c);
	}
}

/* Results of over 4 MiB are written past the caches, and yet other threads see them. */
static void large_results(void)
{
	static const How HOW[] = {{.hook = ALL_HOOKS}, {.cpu = "x86-64-v3", .hook = THREADS}};
	for (size_t i = 0; i < COUNT(HOW); i++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, "large");
		Shape s = SHAPE(40, 2, 110, 2, 64);
		NodeId x = op_input(g, "x", DTYPE_f32, s), y = haar(g, haar(g, x, 1), 3);
		y = op_transpose(g, y, (Axes){.count = 5, .at = {1, 3, 0, 2, 4}});
		y = op_reshape(g, y, SHAPE(4, 4400, 64));
		graph_output(g, "sums", op_sum(g, y, (Axes){.count = 1, .at = {1}}));
		Feed feed = {"x", test_numbers(c, DTYPE_f32, shape_size(s), 1)};
		CU_ASSERT(graph_agrees(c, passes(c, g, NULL), &HOW[i], &feed, 1, 1e-5));
		compile_close(c);
	}
}

/* An output is where the caller wants it, perhaps in the middle of a line: the same transform is
 * not the same code. */
static void outputs_do_not_stream(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "output");
	Shape s = SHAPE(40, 2, 110, 2, 64);
	NodeId x = op_input(g, "x", DTYPE_f32, s), z = op_input(g, "z", DTYPE_f32, s);
	graph_output(g, "y", haar(g, haar(g, x, 1), 3));
	NodeId inner = op_reshape(g, haar(g, haar(g, z, 1), 3), SHAPE(4, 4400, 64));
	graph_output(g, "sums", op_sum(g, inner, (Axes){.count = 1, .at = {1}}));
	Kernels *k = schedule(c, passes(c, g, NULL));
	const Kernel *plain = NULL, *streams = NULL;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (k->kernel[i].unrolled)
			*(k->kernel[i].streams ? &streams : &plain) = &k->kernel[i];
	CU_ASSERT_FATAL(plain && streams);
	CU_ASSERT_NOT_EQUAL(plain->hash, streams->hash);
	compile_close(c);
}

/* Parts of another concatenation, along the lanes, begin in the middle of a line: no vector of them
 * is written as if it began one. */
static void parts_that_share_lines(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "lines");
	Shape s = SHAPE(1100, 8, 1, 32);
	NodeId x = op_input(g, "x", DTYPE_f32, s), part[2];
	for (int i = 0; i < 2; i++) {
		int64_t start[] = {0, 0, 0, i ? 8 : 0}, stop[] = {1100, 8, 1, i ? 32 : 8};
		NodeId v = op_slice(g, x, start, stop, (const int64_t[]){1, 1, 1, 1});
		NodeId parts[] = {v, op_add(g, v, v), op_neg(g, v), op_mul(g, v, v)};
		part[i] = op_concat(g, parts, 4, 2);
	}
	NodeId y = op_reshape(g, op_concat(g, part, 2, 3), SHAPE(1100, 1024));
	graph_output(g, "sums", op_sum(g, y, (Axes){.count = 1, .at = {0}}));
	Feed feed = {"x", test_numbers(c, DTYPE_f32, shape_size(s), 1)};
	CU_ASSERT(graph_agrees(c, passes(c, g, NULL), &(How){.hook = SERIAL}, &feed, 1, 1e-5));
	compile_close(c);
}

/* What is dear at every place is a loop, not 64 copies. */
static void much_code_is_a_loop(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "much");
	Shape s = SHAPE(5, 2, 7, 2, 16);
	NodeId x = op_input(g, "x", DTYPE_f32, s), y = x;
	for (int i = 0; i < 70; i++)
		y = op_tanh(g, y);
	graph_output(g, "y", op_add(g, y, haar(g, haar(g, x, 1), 3)));
	Kernels *k = schedule(c, passes(c, g, NULL));
	for (uint32_t i = 0; i < k->kernel_count; i++)
		CU_ASSERT_EQUAL(k->kernel[i].unrolled, 0);
	compile_close(c);
}

/* A part may be as it lies, and lanes may run along the axis. */
static void parts_as_they_lie(void)
{
	for (unsigned axis = 0; axis < 3; axis++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, "parts");
		Shape s = SHAPE(9, 4, 20);
		s.dim[axis] = 1;
		NodeId x = op_input(g, "x", DTYPE_f32, s), y = op_input(g, "y", DTYPE_f32, s);
		NodeId parts[] = {x, op_add(g, x, y), op_mul(g, x, y), y, op_sub(g, x, y)};
		graph_output(g, "z", op_concat(g, parts, 5, axis));
		Feed feed[] = {{"x", test_numbers(c, DTYPE_f32, shape_size(s), 1)},
		               {"y", test_numbers(c, DTYPE_f32, shape_size(s), 2)}};
		CU_ASSERT(graph_agrees_always(c, passes(c, g, NULL), feed, 2, 1e-6));
		compile_close(c);
	}
}

/* Each value twice in the next: paths double with every one. */
static void shared_values_end(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "shared");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(3, 1, 16)), y = x;
	for (int i = 0; i < 60; i++)
		y = op_mul(g, op_add(g, y, y), op_like(g, y, i % 2 ? 0.25 : 1));
	NodeId parts[] = {y, op_neg(g, y)};
	graph_output(g, "y", op_concat(g, parts, 2, 1));
	Feed feed = {"x", test_numbers(c, DTYPE_f32, 48, 1)};
	CU_ASSERT(graph_agrees_always(c, passes(c, g, NULL), &feed, 1, 1e-6));
	compile_close(c);
}

CU_TestInfo test_unroll[] = {
    {"Winograd", winograd},
    {"transforms run together", transforms_run_together},
    {"large images are stored", large_images_are_stored},
    {"transforms are one kernel each", transforms_are_joined},
    {"stages", stages},
    {"large results", large_results},
    {"outputs do not stream", outputs_do_not_stream},
    {"parts that share lines", parts_that_share_lines},
    {"much code is a loop", much_code_is_a_loop},
    {"parts as they lie", parts_as_they_lie},
    {"shared values end", shared_values_end},
    CU_TEST_INFO_NULL,
};
