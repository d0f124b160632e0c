/* test_schedule.c: what the schedule promises of any graph: all is written before it is read, and
 * every graph has a schedule. */
#include <CUnit/CUnit.h>

#include "../../compiler/passes/passes.h"
#include "compiled.h"

/* Operands that are read at any place, and results as well. */
static void constants_everywhere(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "constants");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(3, 35)), half = op_constant(g, DTYPE_f32, 0.5),
	       two = op_constant(g, DTYPE_i32, 2), count = op_iota(g, DTYPE_i32, SHAPE(35), 0);
	NodeId index = op_iota(g, DTYPE_f32, SHAPE(35, 6), 0), w = op_state(g, "w", DTYPE_f32, SCALAR),
	       v = op_state(g, "v", DTYPE_f32, SHAPE(35, 6));
	NodeId halves = op_like(g, index, 0.5), row = op_like(g, op_reshape(g, x, SHAPE(105)), 0.5);
	graph_output(g, "half", half);
	graph_output(g, "index", index);
	graph_output(g, "halves", halves);
	graph_output(g, "again", half);
	graph_output(g, "gathered index", op_gather(g, index, count, 0));
	graph_output(g, "gathered half", op_gather(g, halves, count, 1));
	graph_output(g, "scattered", op_scatter_add(g, row, two, half, 0));
	graph_output(g, "flat index", op_reshape(g, index, SHAPE(210)));
	graph_output(g, "products", op_dot(g, x, index, (DotAxes){.contract = 1, .x_contract = {1}}));
	graph_output(g, "sums", op_dot(g, x, halves, (DotAxes){.contract = 1, .x_contract = {1}}));
	graph_output(g, "with the old", op_mul(g, w, half));
	graph_set(g, w, half);
	graph_set(g, v, index);
	double numbers[210];
	for (int i = 0; i < 210; i++)
		numbers[i] = i % 16;
	Feed feed[] = {{"x", numbers}, {"w", (double[]){6}}, {"v", numbers}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 3, 0));
	compile_close(c);
}

/* A product has more users, each with a kernel of its own behind it, than a kernel has outs. */
static void many_users(void)
{
	enum { USERS = 40 };
	for (int kind = 0; kind < 3; kind++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, arena_printf(c->arena, "users %d", kind));
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(9, 9));
		NodeId y = kind == 0   ? op_dot(g, x, x, (DotAxes){.contract = 1})
		           : kind == 1 ? op_cos(g, x)
		                       : x;
		if (kind == 2) { /* a row kernel */
			NodeId row = op_sum(g, op_exp(g, x), (Axes){1, {1}});
			y = op_div(g, x, op_broadcast(g, row, SHAPE(9, 9), (Axes){1, {0}}));
		}
		NodeId user[USERS];
		for (int i = 0; i < USERS; i++)
			user[i] = op_tanh(g, op_add(g, y, op_like(g, y, i * 0.01)));
		for (int i = 0; i < USERS; i++)
			graph_output(g, arena_printf(c->arena, "out %d", i),
			             op_sum(g, user[i], (Axes){1, {0}}));
		double numbers[81];
		for (int i = 0; i < 81; i++)
			numbers[i] = i * 37 % 81 / 81.0;
		CU_ASSERT(graph_agrees(c, g, &(How){.hook = SERIAL}, &(Feed){"x", numbers}, 1, 1e-5));
		compile_close(c);
	}
}

static void random_schedules(void)
{
	for (uint32_t seed = 100; seed < 3100; seed++) {
		Compile *c = compile_open();
		c->chain_room = seed % 2;
		Kernels *k = schedule(c, pass_normalize(c, random_graph(c, seed)));
		kernels_verify(k);
		plan(c, k);
		compile_close(c);
	}
}

CU_TestInfo test_schedule[] = {
    {"constants everywhere", constants_everywhere},
    {"many users", many_users},
    {"random schedules", random_schedules},
    CU_TEST_INFO_NULL,
};
