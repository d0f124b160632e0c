/* reference.c: what a function should give, in double, and how far from it rounding may lead.
 *
 * The scale of a tensor is not assumed but measured: the interpreter runs again, rounding each
 * result to f32, up or down at random, and, where terms are summed, adding what their rounding
 * might make of the sum (Vignes 1993, discrete stochastic arithmetic). What is exact stays exact. */
#include "programs.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double ROUNDING = 0x1p-24, /* of f32 */
    SUMMING = 4 * 0x1p-24,              /* of a sum of many terms, which are all alike at worst */
    WIDE = 16,                          /* times the scale is allowed */
    VAGUE = 0x1p-6;                     /* a bound of so much of the largest value says little */

static bool is_float(const Graph *g, NodeId x)
{
	return type_info[node(g, x)->type].is_float;
}

static bool sums(Op op)
{
	return op == OP_sum || op == OP_dot || op == OP_scatter_add || op == OP_overlap_add;
}

/* -- Weights: of sums, the same of absolute values --------------------------------------------- */

/* How much more a product errs than a sum by pairs: its steps are added one after the other, and where the terms are all
 * alike each addition rounds the same way. */
static double runs_on(const Graph *g, const Node *n)
{
	enum { FEW = 64, MOST = 1024 }; /* codegen begins another total */
	int64_t steps = 1;
	for (int i = 0; n->op == OP_dot && i < n->attr.dot.contract; i++)
		steps *= node(g, n->in[0])->shape.dim[n->attr.dot.x_contract[i]];
	return fmax(1, fmin((double)steps, MOST) / FEW);
}

static double *weigh(Reference *r, NodeId x, double **value)
{
	static const char *const NAMES[] = {"x", "y", "z"};
	const Node *n = node(r->graph, x);
	Graph *one = graph_new(r->graph->c, "weight");
	NodeId in[MAX_INS] = {0};
	Feed feed[3];
	for (int i = 0; i < n->count; i++) {
		const Node *from = node(r->graph, n->in[i]);
		int64_t size = shape_size(from->shape);
		double *at = new_array(r->arena, double, (size_t)size);
		for (int64_t j = 0; j < size; j++)
			at[j] = fabs(value[n->in[i]][j]);
		in[i] = op_input(one, NAMES[i], from->type, from->shape);
		feed[i] = (Feed){NAMES[i], at};
	}
	NodeId y = graph_add_node(one, n->op, in, n->count, n->type, n->shape, n->attr);
	double *weight = evaluate(r->arena, one, feed, n->count)[y];
	for (int64_t i = 0; i < shape_size(n->shape); i++)
		weight[i] *= runs_on(r->graph, n);
	return weight;
}

/* What a scan gives has the errors of the sums in all its steps, which are not weighed one by one. */
static double *weigh_steps(Reference *r, NodeId x, double **value)
{
	const Node *n = node(r->graph, x), *scan = node(r->graph, n->in[0]);
	int64_t size = shape_size(n->shape);
	double *weight = new_array(r->arena, double, (size_t)size), most = 0;
	for (int64_t i = 0; i < size; i++)
		most = fmax(most, isfinite(value[x][i]) ? fabs(value[x][i]) : 0);
	for (int64_t i = 0; i < size; i++)
		weight[i] = most * (double)(1 + scan->attr.region->length);
	return weight;
}

static void then_weigh(void *of, const Graph *g, NodeId x, double **value)
{
	Reference *r = of;
	if (g != r->graph)
		return;
	if (sums(node(r->graph, x)->op) && is_float(r->graph, x))
		r->weight[x] = weigh(r, x, value);
	if (node(r->graph, x)->op == OP_result && is_float(r->graph, x))
		r->weight[x] = weigh_steps(r, x, value);
}

/* -- Rounding ---------------------------------------------------------------------------------- */

static double next(Reference *r) /* in [-1, 1) */
{
	r->random = r->random * 6364136223846793005u + 1442695040888963407u;
	return (double)((int64_t)r->random >> 11) / 0x1p52;
}

/* Up where way > 0, else down. */
static double round_to(double x, double way)
{
	float near = (float)x;
	if ((double)near == x || !isfinite(near) || (x < (double)near) == (way > 0))
		return near;
	return nextafterf(near, way > 0 ? INFINITY : -INFINITY);
}

/* Every second run errs the same way all over a tensor, as equal elements do. A sum whose terms overflow
 * together may meet both infinities on its way. */
static void then_round(void *of, const Graph *g, NodeId x, double **value)
{
	Reference *r = of;
	const double *weight = g == r->graph ? r->weight[x] : NULL;
	if (!is_float(g, x) || node(g, x)->type == DTYPE_bf16)
		return;
	int64_t size = shape_size(node(g, x)->shape);
	double way = next(r);
	for (int64_t i = 0; i < size; i++) {
		way = r->runs % 2 ? way : next(r);
		double noise = weight ? weight[i] * SUMMING * way : 0;
		value[x][i] = weight && weight[i] > (double)FLT_MAX ? (double)NAN
		                                                    : round_to(value[x][i] + noise, way);
	}
}

static double largest(const double *x, int64_t size)
{
	double most = 0;
	for (int64_t i = 0; i < size; i++)
		most = isfinite(x[i]) && fabs(x[i]) > most ? fabs(x[i]) : most;
	return most;
}

/* -- The whole --------------------------------------------------------------------------------- */

void reference_open(Reference *r, const Graph *g, const Feed *feed, size_t feeds, uint64_t random)
{
	*r = (Reference){.graph = g, .feed = feed, .feeds = feeds, .random = random};
	r->arena = arena_open(0);
	r->weight = new_array(r->arena, double *, g->count);
	r->scale = new_array(r->arena, double, g->count);
	r->value = evaluate_each(r->arena, g, feed, feeds, then_weigh, r);
	for (NodeId x = 1; x < g->count; x++)
		r->scale[x] = ROUNDING * largest(r->value[x], shape_size(node(g, x)->shape));
}

void reference_rounded(Reference *r, int runs)
{
	for (; runs > 0; runs--, r->runs++) {
		ArenaMark mark = arena_mark(r->arena);
		double **value = evaluate_each(r->arena, r->graph, r->feed, r->feeds, then_round, r);
		for (NodeId x = 1; x < r->graph->count; x++)
			for (int64_t i = 0; i < shape_size(node(r->graph, x)->shape); i++) {
				double a = value[x][i], b = r->value[x][i];
				if (a == b || (isnan(a) && isnan(b)))
					continue;
				double moved = fabs(a - b);
				r->scale[x] = isfinite(moved) ? fmax(r->scale[x], moved) : INFINITY;
			}
		arena_reset(r->arena, mark);
	}
}

void reference_close(Reference *r)
{
	arena_close(r->arena);
	*r = (Reference){0};
}

double reference_bound(const Reference *r, NodeId x)
{
	return WIDE * r->scale[x] + (is_float(r->graph, x) ? 4 * (double)FLT_MIN : 0);
}

bool reference_is_vague(const Reference *r, NodeId x)
{
	double most = largest(r->value[x], shape_size(node(r->graph, x)->shape));
	return !(reference_bound(r, x) <= fmax(VAGUE * most, 8 * (double)FLT_MIN));
}

/* -- Slopes: a direction in all parameters at once --------------------------------------------- */

typedef struct Held { /* what stop_gradient holds */
	const Graph *graph;
	double *const *value;
} Held;

static void then_hold(void *of, const Graph *g, NodeId x, double **value)
{
	const Held *h = of;
	if (g == h->graph && node(g, x)->op == OP_stop_gradient)
		memcpy(value[x], h->value[x], (size_t)shape_size(node(g, x)->shape) * sizeof **value);
}

static double direction(NodeId x, int64_t i, uint64_t way)
{
	return (double)(int64_t)hash_u64(x, (uint64_t)i + (way << 40)) / 0x1p63;
}

static NodeId output(const Graph *g, const char *name)
{
	for (uint32_t i = 0; i < g->out_count; i++)
		if (strcmp(g->out[i].name, name) == 0)
			return g->out[i].value;
	return 0;
}

/* The gradient by state x, where it is asked for. */
static NodeId gradient_of(const Graph *g, NodeId x)
{
	char name[512];
	if (node(g, x)->op != OP_state)
		return 0;
	snprintf(name, sizeof name, "d %s", node(g, x)->attr.name);
	return output(g, name);
}

/* What the graph is fed, with each state that has a gradient h along a direction from its value. */
static Feed *moved(const Reference *r, double *const *value, double h, uint64_t way)
{
	const Graph *g = r->graph;
	Feed *feed = new_array(r->arena, Feed, r->feeds);
	memcpy(feed, r->feed, r->feeds * sizeof *feed);
	for (NodeId x = 1; x < g->count; x++) {
		if (!gradient_of(g, x))
			continue;
		int64_t size = shape_size(node(g, x)->shape);
		double *at = new_array(r->arena, double, (size_t)size);
		for (int64_t i = 0; i < size; i++)
			at[i] = value[x][i] + h * direction(x, i, way);
		for (size_t i = 0; i < r->feeds; i++)
			if (strcmp(feed[i].name, node(g, x)->attr.name) == 0)
				feed[i].at = at;
	}
	return feed;
}

static double loss_at(Reference *r, double *const *value, double h)
{
	const Graph *g = r->graph;
	ArenaMark mark = arena_mark(r->arena);
	Held held = {g, value};
	const Feed *feed = moved(r, value, h, 0);
	double loss =
	    evaluate_each(r->arena, g, feed, r->feeds, then_hold, &held)[output(g, "loss")][0];
	arena_reset(r->arena, mark);
	return loss;
}

/* value: of the graph, [graph->count], where the slope is asked for. */
static Slope slope_at(Reference *r, double *const *value, double *ours, double *difference)
{
	const Graph *g = r->graph;
	const double h = 1e-5;
	double sum = 0, size = 0;
	for (NodeId x = 1; x < g->count; x++) {
		NodeId d = gradient_of(g, x);
		for (int64_t i = 0; d && i < shape_size(node(g, x)->shape); i++) {
			sum += value[d][i] * direction(x, i, 0);
			size += fabs(value[d][i] * direction(x, i, 0));
		}
	}
	double at = value[output(g, "loss")][0];
	double up = loss_at(r, value, h), down = loss_at(r, value, -h);
	double half_up = loss_at(r, value, h / 2), half_down = loss_at(r, value, -h / 2);
	double jump = fabs((up - at) - (at - down)) / h,
	       half_jump = fabs((half_up - at) - (at - half_down)) / (h / 2);
	double noise = 1e-13 * (1 + fabs(at)) / h;
	*ours = sum;
	*difference = (half_up - half_down) / h;
	double error = fabs(*ours - *difference);
	if (error <= 1e-4 * size + noise)
		return SLOPE_RIGHT;
	double coarse = fabs((up - down) / (2 * h) - *difference);
	/* curvature makes jumps that halve with h, a kink at the very point some that stay: relu of a
	   constant column's 0. Between the slopes of its two sides any is right. */
	double stays = 2 * half_jump - jump;
	bool kink = (jump > 1e-3 * size + noise && half_jump > 0.6 * jump) || coarse > 0.05 * error ||
	            error <= stays - 4 * noise || !isfinite(error);
	return kink ? SLOPE_KINK : SLOPE_WRONG;
}

/* Many elements may be at a kink at once and their jumps cancel, not their errors: elu behind a
 * batch norm of masked columns. Such a point is a rare one; a wrong gradient is wrong beside it, too. */
Slope reference_slope(Reference *r, double *ours, double *difference)
{
	Slope here = slope_at(r, r->value, ours, difference);
	if (here != SLOPE_WRONG)
		return here;
	ArenaMark mark = arena_mark(r->arena);
	const Feed *feed = moved(r, r->value, 1e-3, 1);
	double **value = evaluate(r->arena, r->graph, feed, r->feeds);
	Slope beside = slope_at(r, value, ours, difference);
	arena_reset(r->arena, mark);
	return beside == SLOPE_WRONG ? SLOPE_WRONG : SLOPE_KINK;
}
