/* test_precision.c: products in bf16 from the pass to machine code: a network and its gradients,
 * against the interpreter, on three processors; and what is stored for them.
 *
 * Where a rounded value was computed, the interpreter may round it the other way: it sums in
 * double. One such element is 2^-8 of itself off; the bound is for that, and for sums of few. */
#include <CUnit/CUnit.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"

#define BOUND 0x1p-7

typedef struct Net {
	int64_t batch, inputs, hidden, outputs;
} Net;

static NodeId matmul(Graph *g, NodeId x, NodeId w)
{
	return op_dot(g, x, w, (DotAxes){.contract = 1, .x_contract = {1}, .y_contract = {0}});
}

/* sum(weights tanh(relu(x w1 + b) w2)), its gradients, and the next w1. */
static Graph *network(Compile *c, const Net *v)
{
	Graph *g = graph_new(c, "network");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(v->batch, v->inputs));
	NodeId w1 = op_state(g, "w1", DTYPE_f32, SHAPE(v->inputs, v->hidden));
	NodeId b = op_input(g, "b", DTYPE_f32, SHAPE(v->hidden));
	NodeId w2 = op_input(g, "w2", DTYPE_f32, SHAPE(v->hidden, v->outputs));
	NodeId weights = op_input(g, "weights", DTYPE_f32, SHAPE(v->batch, v->outputs));
	NodeId h = matmul(g, x, w1);
	h = op_add(g, h, op_broadcast(g, b, node(g, h)->shape, (Axes){1, {1}}));
	h = op_select(g, op_less(g, op_like(g, h, 0), h), h, op_like(g, h, 0));
	NodeId y = op_tanh(g, matmul(g, h, w2));
	NodeId loss = op_sum(g, op_mul(g, y, weights), (Axes){2, {0, 1}});
	graph_output(g, "y", y);
	graph_output(g, "dx", op_gradient(g, loss, x));
	graph_output(g, "dw2", op_gradient(g, loss, w2));
	NodeId step = op_gradient(g, loss, w1);
	graph_set(g, w1, op_sub(g, w1, op_mul(g, step, op_like(g, step, 0.125))));
	return passes(c, autodiff(c, g), NULL);
}

static const double *samples(Arena *a, int64_t count, uint64_t from)
{
	double *x = new_array(a, double, (size_t)count);
	for (int64_t i = 0; i < count; i++)
		x[i] = (double)(int64_t)(hash_u64(3, from + (uint64_t)i) % 2049) / 2048 - 0.5;
	return x;
}

static bool network_is_right(const Net *v)
{
	Compile *c = compile_open();
	c->dot_type = DTYPE_bf16;
	Graph *g = network(c, v);
	Arena *a = c->arena;
	Feed feed[] = {{"x", samples(a, v->batch * v->inputs, 0)},
	               {"w1", samples(a, v->inputs * v->hidden, 100000)},
	               {"b", samples(a, v->hidden, 200000)},
	               {"w2", samples(a, v->hidden * v->outputs, 300000)},
	               {"weights", samples(a, v->batch * v->outputs, 400000)}};
	bool good = graph_agrees_always(c, g, feed, COUNT(feed), BOUND);
	How wide = {.cpu = "x86-64-v4", .hook = SERIAL}; /* 512 bits, and no pairs */
	if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq"))
		good &= graph_agrees(c, g, &wide, feed, COUNT(feed), BOUND);
	compile_close(c);
	return good;
}

static void networks(void)
{
	static const Net NETS[] = {{1, 1, 1, 1},    {2, 3, 5, 7},     {17, 16, 15, 33},
	                           {7, 31, 64, 13}, {32, 97, 48, 16}, {301, 37, 21, 3}};
	for (size_t i = 0; i < COUNT(NETS); i++)
		CU_ASSERT(network_is_right(&NETS[i]));
}

/* Six products of bf16; of the hidden layer nothing is kept in f32. */
static void half_is_stored(void)
{
	Compile *c = compile_open();
	c->dot_type = DTYPE_bf16;
	Graph *g = network(c, &(Net){64, 100, 80, 60});
	Kernels *k = schedule(c, g);
	int products = 0, wide = 0;
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_dot) {
			products++;
			CU_ASSERT_EQUAL(node(g, x)->type, DTYPE_f32);
			CU_ASSERT_EQUAL(node(g, node(g, x)->in[0])->type, DTYPE_bf16);
			CU_ASSERT_EQUAL(node(g, node(g, x)->in[1])->type, DTYPE_bf16);
		}
	for (uint32_t i = 0; i < k->kernel_count; i++)
		for (uint32_t o = 0; o < k->kernel[i].out_count; o++) {
			const Node *n = node(g, k->kernel[i].out[o]);
			wide += n->type == DTYPE_f32 && shape_equal(n->shape, SHAPE(64, 80));
		}
	CU_ASSERT_EQUAL(products, 6);
	CU_ASSERT_EQUAL(wide, 0);
	compile_close(c);
}

/* Products that are of bf16 before they are differentiated: their adjoints are rounded, too. */
static void differentiated(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "differentiated");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(5, 7)),
	       w = op_input(g, "w", DTYPE_f32, SHAPE(7, 19));
	NodeId weights = op_input(g, "weights", DTYPE_f32, SHAPE(5, 19));
	NodeId y = matmul(g, op_cast(g, x, DTYPE_bf16), op_cast(g, w, DTYPE_bf16));
	NodeId loss = op_sum(g, op_mul(g, op_mul(g, y, y), weights), (Axes){2, {0, 1}});
	graph_output(g, "y", y);
	graph_output(g, "dx", op_gradient(g, loss, x));
	graph_output(g, "dw", op_gradient(g, loss, w));
	Graph *low = passes(c, autodiff(c, g), NULL);
	for (NodeId n = 1; n < low->count; n++)
		if (node(low, n)->op == OP_dot) {
			CU_ASSERT_EQUAL(node(low, n)->type, DTYPE_f32);
			CU_ASSERT_EQUAL(node(low, node(low, n)->in[0])->type, DTYPE_bf16);
		}
	Arena *a = c->arena;
	Feed feed[] = {
	    {"x", samples(a, 35, 0)}, {"w", samples(a, 133, 99)}, {"weights", samples(a, 95, 7)}};
	CU_ASSERT(graph_agrees_always(c, low, feed, COUNT(feed), BOUND));
	compile_close(c);
}

static void nothing_unless_asked(void)
{
	Compile *c = compile_open();
	Graph *g = network(c, &(Net){8, 8, 8, 8});
	for (NodeId x = 1; x < g->count; x++)
		CU_ASSERT_NOT_EQUAL(node(g, x)->type, DTYPE_bf16);
	compile_close(c);
}

CU_TestInfo test_precision[] = {
    {"networks and their gradients", networks},
    {"half is stored", half_is_stored},
    {"products of bf16 are differentiated", differentiated},
    {"nothing unless asked", nothing_unless_asked},
    CU_TEST_INFO_NULL,
};
