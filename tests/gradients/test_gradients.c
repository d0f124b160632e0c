/* test_gradients.c: every differentiable row of the op table against central differences, in
 * double, through the reference interpreter; signed, scaled. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../unit/samples.h"

enum { MAX_INPUTS = 8 };

typedef struct Problem {
	Compile c;
	Graph *forward;
	NodeId loss;
	Feed feed[MAX_INPUTS];
	NodeId input[MAX_INPUTS]; /* in forward */
	size_t inputs;
} Problem;

static void problem_open(Problem *p, const char *name)
{
	*p = (Problem){.c = {.arena = arena_open(0), .float_type = DTYPE_f64}};
	p->c.diags = diags_open(p->c.arena);
	p->forward = graph_new(&p->c, name);
}

static void problem_close(Problem *p)
{
	arena_close(p->c.arena);
}

/* Sum of y weighted by an input of its own, so that no two elements have the same adjoint. */
static NodeId weigh(Graph *g, NodeId y)
{
	Axes all = {.count = node(g, y)->shape.rank};
	for (uint8_t i = 0; i < all.count; i++)
		all.at[i] = i;
	NodeId product = op_mul(g, y, op_input(g, "weights", DTYPE_f64, node(g, y)->shape));
	return all.count ? op_sum(g, product, all) : product;
}

static void fill_feeds(Problem *p, Op op)
{
	for (NodeId x = 1; x < p->forward->count; x++) {
		const Node *n = node(p->forward, x);
		if (n->op != OP_input)
			continue;
		int64_t size = shape_size(n->shape);
		double *at = new_array(p->c.arena, double, (size_t)size);
		for (int64_t i = 0; i < size; i++)
			at[i] = sample_value(op, n->attr.name, n->type, i);
		p->feed[p->inputs] = (Feed){n->attr.name, at};
		p->input[p->inputs++] = x;
	}
}

static double loss_at(Problem *p)
{
	ArenaMark mark = arena_mark(p->c.arena);
	double loss = evaluate(p->c.arena, p->forward, p->feed, p->inputs)[p->loss][0];
	arena_reset(p->c.arena, mark);
	return loss;
}

/* The largest |analytic - numeric| / (1 + |numeric|) over all elements of all float inputs. `spoil`
 * damages the analytic gradient on purpose: 1 the sign, 2 a factor of 2, 3 the order. */
static double worst_error(Problem *p, int spoil)
{
	Graph *g = graph_new(&p->c, "gradients");
	NodeId *map = new_array(p->c.arena, NodeId, p->forward->count);
	for (NodeId x = 1; x < p->forward->count; x++)
		map[x] = graph_copy_node(g, p->forward, x, map);
	for (size_t i = 0; i < p->inputs; i++)
		if (type_info[node(p->forward, p->input[i])->type].is_float)
			graph_output(g, p->feed[i].name, op_gradient(g, map[p->loss], map[p->input[i]]));
	Graph *d = autodiff(&p->c, g);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	graph_verify(d, "autodiff");
	double **value = evaluate(p->c.arena, d, p->feed, p->inputs), worst = 0;
	for (size_t i = 0, o = 0; i < p->inputs; i++) {
		if (!type_info[node(p->forward, p->input[i])->type].is_float)
			continue;
		int64_t size = shape_size(node(p->forward, p->input[i])->shape);
		double *at = (double *)p->feed[i].at;
		const double *analytic = value[d->out[o++].value];
		for (int64_t k = 0; k < size; k++) {
			double kept = at[k], h = 1e-5;
			at[k] = kept + h;
			double above = loss_at(p);
			at[k] = kept - h;
			double below = loss_at(p);
			at[k] = kept;
			double numeric = (above - below) / (2 * h), a = analytic[spoil == 3 ? size - 1 - k : k];
			a = spoil == 1 ? -a : spoil == 2 ? 2 * a : a;
			double error = fabs(a - numeric) / (1 + fabs(numeric));
			worst = isnan(error) || error > worst ? error : worst;
			if (isnan(error))
				return INFINITY;
		}
	}
	return worst;
}

static void every_operation(void)
{
	for (Op op = 1; op < OP_COUNT; op++) {
		if (strcmp(op_info[op].gradient, "none") == 0)
			continue;
		int tried = 0;
		for (int variant = 0; variant < SAMPLES; variant++) {
			Problem p;
			problem_open(&p, op_info[op].name);
			NodeId y = sample_make(p.forward, op, variant, DTYPE_f64, "");
			if (y && node(p.forward, y)->type == DTYPE_f32)
				y = op_cast(p.forward, y, DTYPE_f64);
			if (y && type_info[node(p.forward, y)->type].is_float) {
				p.loss = weigh(p.forward, y);
				fill_feeds(&p, op);
				/* a step function is flat, but stop_gradient is not: it must give 0 whatever the
				 * slope */
				double error = op == OP_stop_gradient ? 0 : worst_error(&p, 0);
				if (!(error < 1e-7))
					fprintf(stderr, "gradient of %s, variant %d: error %g\n", op_info[op].name,
					        variant, error);
				CU_ASSERT(error < 1e-7);
				tried++;
			}
			problem_close(&p);
		}
		if (!tried)
			fprintf(stderr, "%s has no sample\n", op_info[op].name);
		CU_ASSERT(tried > 0);
	}
}

/* d/dx of sum(w f(x) df/dx): the gradient of a gradient. */
static void second_derivatives(void)
{
	static const Op ops[] = {OP_exp, OP_tanh, OP_mul, OP_div, OP_dot, OP_erf, OP_log, OP_scan};
	for (size_t i = 0; i < COUNT(ops); i++) {
		Problem p;
		problem_open(&p, op_info[ops[i]].name);
		NodeId y = sample_make(p.forward, ops[i], 0, DTYPE_f64, ""), a = 0;
		for (NodeId x = 1; x < p.forward->count; x++)
			if (node(p.forward, x)->op == OP_input &&
			    strcmp(node(p.forward, x)->attr.name, "a") == 0)
				a = x;
		NodeId slope = op_gradient(p.forward, weigh(p.forward, op_mul(p.forward, y, y)), a);
		NodeId sum = op_mul(p.forward, slope, slope);
		Axes all = {.count = node(p.forward, sum)->shape.rank, .at = {0, 1, 2}};
		graph_output(p.forward, "first", op_sum(p.forward, sum, all));
		Graph *primitives = autodiff(&p.c, p.forward);
		CU_ASSERT_PTR_NOT_NULL_FATAL(primitives);
		p.forward = primitives;
		p.loss = primitives->out[0].value;
		fill_feeds(&p, ops[i]);
		double error = worst_error(&p, 0);
		if (!(error < 1e-6))
			fprintf(stderr, "second derivative of %s: error %g\n", op_info[ops[i]].name, error);
		CU_ASSERT(error < 1e-6);
		problem_close(&p);
	}
}

/* The check itself must refuse a wrong sign, a missing factor and a wrong order. */
static void wrong_gradients_are_refused(void)
{
	for (int spoil = 1; spoil <= 3; spoil++) {
		Problem p;
		problem_open(&p, "spoiled");
		p.loss = weigh(p.forward, sample_make(p.forward, OP_dot, 0, DTYPE_f64, ""));
		fill_feeds(&p, OP_dot);
		CU_ASSERT(worst_error(&p, 0) < 1e-7);
		CU_ASSERT(worst_error(&p, spoil) > 1e-2);
		problem_close(&p);
	}
}

static void stop_gradient_stops(void)
{
	Problem p;
	problem_open(&p, "stop");
	Graph *g = p.forward;
	NodeId x = op_input(g, "x", DTYPE_f64, SCALAR);
	graph_output(g, "dx", op_gradient(g, op_mul(g, x, op_stop_gradient(g, x)), x));
	Graph *d = autodiff(&p.c, g);
	double at = 3;
	double **value = evaluate(p.c.arena, d, &(Feed){"x", &at}, 1);
	CU_ASSERT_DOUBLE_EQUAL(value[d->out[0].value][0], 3, 0); /* not 6 */
	problem_close(&p);
}

/* Where several elements are the largest, finite differences have no answer; PyTorch's amax shares alike. */
static void the_largest_share_their_gradient(void)
{
	Problem p;
	problem_open(&p, "ties");
	Graph *g = p.forward;
	NodeId x = op_input(g, "x", DTYPE_f64, SHAPE(4));
	NodeId most = op_reduce_max(g, x, (Axes){1, {0}});
	graph_output(g, "dx", op_gradient(g, op_mul(g, most, op_constant(g, DTYPE_f64, 6)), x));
	Graph *d = autodiff(&p.c, g);
	double at[] = {2, 1, 2, 2}, want[] = {2, 0, 2, 2};
	double **value = evaluate(p.c.arena, d, &(Feed){"x", at}, 1);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_DOUBLE_EQUAL(value[d->out[0].value][i], want[i], 1e-15);
	problem_close(&p);
}

CU_TestInfo test_gradients[] = {
    {"every operation", every_operation},
    {"second derivatives", second_derivatives},
    {"wrong gradients are refused", wrong_gradients_are_refused},
    {"stop_gradient stops", stop_gradient_stops},
    {"the largest share their gradient", the_largest_share_their_gradient},
    CU_TEST_INFO_NULL,
};
