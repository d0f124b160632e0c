/* monitor.c: what of the training can be watched: the function "monitor".
 *
 * In: the step while it is built: calls of networks, the gradient of each parameter, what its
 * optimizer was given as `lr`. Out: a function with one number each:
 *   gradient_norm, gradient_norm.NETWORK    the norm of all gradients, of those of one network
 *   learning_rate, learning_rate.NETWORK    the largest `lr`; of networks, where they differ
 *   alignment                               of two views by one network (Wang and Isola 2020)
 * It is the graph of the step with other outputs: no more is elaborated for it, and a step that
 * nobody watches stays as it is. */
#include "elaborator.h"

#include <string.h>

enum { MAX_SEEN = 64 };

typedef struct Seen { /* a call of a network outside of scans */
	const char *network;
	NodeId x, y;
	bool is_average; /* inside ema() */
} Seen;

typedef struct Moved { /* a parameter */
	const char *network;
	NodeId gradient, rate; /* rate 0: its optimizer has no lr */
} Moved;

struct Monitored {
	Seen seen[MAX_SEEN];
	size_t calls;
	Moved *moved; /* [states] */
	size_t count;
};

void monitor_begin(Elab *b)
{
	b->monitored = new (b->c->arena, Monitored);
}

void monitor_call(Elab *b, const char *network, const Value *x, const Value *y)
{
	Monitored *m = b->monitored;
	if (!m || m->calls == MAX_SEEN || b->loop || b->in_init || !x || x->kind != VALUE_TENSOR ||
	    y->kind != VALUE_TENSOR || !x->node || !y->node)
		return;
	m->seen[m->calls++] = (Seen){network, x->node, y->node, b->momentum.kind != VALUE_NONE};
}

void monitor_parameters(Elab *b)
{
	if (b->monitored)
		b->monitored->count = 0;
}

void monitor_parameter(Elab *b, const char *name, NodeId gradient)
{
	Monitored *m = b->monitored;
	if (!m)
		return;
	if (!m->moved)
		m->moved = new_array(b->c->arena, Moved, b->bundle->state_count + 1);
	m->moved[m->count++] = (Moved){arena_copy(b->c->arena, name, strcspn(name, ".")), gradient, 0};
}

/* An optimizer hands its rate on: the innermost call has the one that counts. */
void monitor_argument(Elab *b, const char *name, const Value *v)
{
	Monitored *m = b->monitored;
	if (!m || !m->count || b->in_init || b->loop || strcmp(name, "lr") != 0)
		return;
	Moved *to = &m->moved[m->count - 1];
	if (v->kind == VALUE_NUMBER)
		to->rate = op_constant(b->g, (DType)b->c->float_type, v->number);
	else if (v->kind == VALUE_TENSOR && node(b->g, v->node)->shape.rank == 0)
		to->rate = op_cast(b->g, v->node, (DType)b->c->float_type);
}

/* -- Outputs ----------------------------------------------------------------------------------- */

/* Of the parameters of one network (NULL: all). */
static NodeId norm_of(Elab *b, const char *network)
{
	const Monitored *m = b->monitored;
	NodeId *gradient = new_array(b->c->arena, NodeId, m->count + 1);
	size_t count = 0;
	for (size_t i = 0; i < m->count; i++)
		if (!network || strcmp(m->moved[i].network, network) == 0)
			gradient[count++] = m->moved[i].gradient;
	return global_norm(b, gradient, count);
}

static NodeId rate_of(Elab *b, const char *network)
{
	const Monitored *m = b->monitored;
	NodeId most = 0;
	for (size_t i = 0; i < m->count; i++) {
		NodeId rate = m->moved[i].rate;
		if (rate && (!network || strcmp(m->moved[i].network, network) == 0))
			most = !most || most == rate ? rate : op_max(b->g, most, rate);
	}
	return most;
}

/* x: [n, ...]. Rows of unit length: [n, d]; zero stays zero. */
static NodeId unit_rows(Graph *g, NodeId x)
{
	Shape s = node(g, x)->shape, flat = SHAPE(s.dim[0], shape_size(s) / s.dim[0]);
	NodeId rows = op_reshape(g, x, flat);
	NodeId square = op_sum(g, op_mul(g, rows, rows), (Axes){.count = 1, .at = {1}});
	NodeId tiny = op_like(g, square, 1e-24), norm = op_sqrt(g, op_max(g, square, tiny));
	return op_div(g, rows, op_broadcast(g, norm, flat, (Axes){.count = 1, .at = {0}}));
}

/* The mean over samples of |u - v|^2, where u and v are of unit length. */
static NodeId alignment(Graph *g, NodeId x, NodeId y)
{
	NodeId apart = op_sub(g, unit_rows(g, x), unit_rows(g, y));
	NodeId sum = op_sum(g, op_mul(g, apart, apart), (Axes){.count = 2, .at = {0, 1}});
	return op_mul(g, sum, op_like(g, sum, 1 / (double)node(g, x)->shape.dim[0]));
}

static bool is_pair(Elab *b, const Seen *one, const Seen *two)
{
	const Node *y = node(b->g, one->y), *z = node(b->g, two->y);
	return strcmp(one->network, two->network) == 0 && one->x != two->x && one->y != two->y &&
	       !one->is_average && shape_equal(y->shape, z->shape) && y->shape.rank > 1 &&
	       (double)y->shape.dim[0] == b->batch && type_info[y->type].is_float;
}

/* Whether `one` and `two` are views of what is looked for: of the encoder or of any network, the second as it
 * is or as a moving average. */
static bool is_wanted(Elab *b, const Seen *one, const Seen *two, bool encoder, bool average)
{
	if (encoder && strcmp(one->network, "encoder") != 0)
		return false;
	return two->is_average == average && (one < two || average) && is_pair(b, one, two);
}

/* The first two views that the encoder, or else the first network with two, is called on, the second
 * rather as it is than as a moving average; false: there are none. */
static bool find_pair(Elab *b, NodeId pair[2])
{
	const Seen *seen = b->monitored->seen, *end = seen + b->monitored->calls;
	for (int choice = 0; choice < 4; choice++)
		for (const Seen *two = seen; two < end; two++)
			for (const Seen *one = seen; one < end; one++) {
				if (!is_wanted(b, one, two, choice < 2, choice % 2))
					continue;
				pair[0] = one->y, pair[1] = two->y;
				return true;
			}
	return false;
}

static void add_networks(Elab *b, Graph *g)
{
	const Monitored *m = b->monitored;
	for (size_t i = 0; i < m->count; i++) {
		const char *network = m->moved[i].network;
		bool is_first = true;
		for (size_t j = 0; j < i; j++)
			is_first &= strcmp(m->moved[j].network, network) != 0;
		if (!is_first)
			continue;
		NodeId norm = norm_of(b, network), rate = rate_of(b, network);
		graph_output(g, arena_printf(b->c->arena, "gradient_norm.%s", network), norm);
		if (rate && rate != rate_of(b, NULL))
			graph_output(g, arena_printf(b->c->arena, "learning_rate.%s", network), rate);
	}
}

Graph *monitor_end(Elab *b)
{
	Graph *g = new (b->c->arena, Graph), names = {.c = b->c};
	NodeId pair[2], rate = rate_of(b, NULL);
	if (b->monitored->count)
		graph_output(&names, "gradient_norm", norm_of(b, NULL));
	add_networks(b, &names);
	if (rate)
		graph_output(&names, "learning_rate", rate);
	if (find_pair(b, pair))
		graph_output(&names, "alignment", alignment(b->g, pair[0], pair[1]));
	b->monitored = NULL;
	*g = *b->g;
	g->name = "monitor";
	g->out = names.out;
	g->out_count = names.out_count;
	g->set_count = 0;
	return g->out_count ? graph_live(b->c, g) : NULL;
}
