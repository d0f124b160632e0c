/* test_verify.c: what verify.c of graph/ promises: a graph that no stage may hand on ends the process. Those of kernels
 * and plans are in test_schedule.c.
 *
 * Truth: a good graph, and each promise broken by hand. */
#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../compiler/graph/graph.h"
#include "compiled.h"

/* Where what is broken stands in graph_to_break(). */
static NodeId x, w, product, sum, scan;

static Graph *graph_to_break(Compile *c)
{
	Graph *g = graph_new(c, "g"), *body = graph_new(c, "body");
	NodeId carry = op_input(body, "carry0", DTYPE_f32, SCALAR);
	graph_output(body, "carry0", op_add(body, carry, carry));
	x = op_input(g, "x", DTYPE_f32, SHAPE(2, 3));
	w = op_state(g, "w", DTYPE_f32, SHAPE(2, 3));
	product = op_mul(g, x, w);
	sum = op_sum(g, product, (Axes){2, {0, 1}});
	scan = op_scan(g, (NodeId[]){sum}, 1, (Region){.body = body, .length = 3, .carries = 1});
	graph_output(g, "y", op_result(g, scan, 0, true));
	graph_set(g, w, product);
	return g;
}

static Node *own(const Graph *g, NodeId n)
{
	return (Node *)node(g, n);
}

static void set_operand(const Graph *g, NodeId n, int i, NodeId to)
{
	((NodeId *)node(g, n)->in)[i] = to;
}

static void break_nothing(Graph *g)
{
	(void)g;
}

static void break_op(Graph *g)
{
	own(g, product)->op = OP_NONE;
}

static void break_count(Graph *g)
{
	own(g, product)->count = 1;
}

static void break_order(Graph *g)
{
	set_operand(g, product, 1, product);
}

static void break_operand(Graph *g)
{
	set_operand(g, product, 0, 0);
}

static void break_gradient(Graph *g)
{
	graph_output(g, "slope", op_gradient(g, sum, w));
}

static void break_type(Graph *g)
{
	own(g, product)->type = DTYPE_i32;
}

static void break_shape(Graph *g)
{
	own(g, sum)->shape = SHAPE(1);
}

static void break_body(Graph *g)
{
	Graph *body = node(g, scan)->attr.region->body;
	set_operand(body, body->out[0].value, 0, body->out[0].value);
}

static void break_output(Graph *g)
{
	g->out[0].value = g->count;
}

static void break_state(Graph *g)
{
	g->set[0].state = x;
}

static void break_value(Graph *g)
{
	g->set[0].value = sum;
}

/* How the process ends that verifies what was broken: 0, or the signal. */
static int signal_after(void (*change)(Graph *))
{
	pid_t child = fork();
	if (child == 0) {
		FILE *nowhere = freopen("/dev/null", "w", stderr);
		Graph *g = graph_to_break(compile_open());
		change(g);
		graph_verify(g, "autodiff");
		_exit(nowhere ? 0 : 1);
	}
	int status = 0;
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void broken_graphs_are_found(void)
{
	void (*const changes[])(Graph *) = {break_op,    break_count,    break_order, break_operand,
	                                    break_type,  break_gradient, break_shape, break_body,
	                                    break_state, break_output,   break_value};
	CU_ASSERT_EQUAL(signal_after(break_nothing), 0);
	for (size_t i = 0; i < COUNT(changes); i++)
		CU_ASSERT_EQUAL(signal_after(changes[i]), SIGABRT);
}

CU_TestInfo test_verify[] = {
    {"broken graphs are found", broken_graphs_are_found},
    CU_TEST_INFO_NULL,
};
