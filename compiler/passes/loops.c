/* loops.c: scans do what is asked of them, and no more.
 *
 * Expects: the last pass. Promises: the same values. A carry or a result that nobody reads is no
 * output of the body any more, an operand that the body does not read is none. A constant is made in
 * the body, where it costs nothing; one that must be an operand, as the first value of a carry or a
 * number that differs from step to step, is given a node of its own, which can be stored. The last of
 * a carry of which all steps are there is a slice of them. Cost: one visit a node, of bodies, too. */
#include <string.h>

#include "passes.h"

typedef struct Used { /* of the results of a scan */
	bool all[MOST_RESULTS], last[MOST_RESULTS];
} Used;

typedef struct Loops {
	Compile *c;
	Graph *out;
	const Graph *in;
	NodeId *map;
	Used *used;                   /* [in's count] */
	uint32_t (*to)[MOST_RESULTS]; /* [in's count] of a scan: the new number of an output */
} Loops;

/* -- What a body needs ------------------------------------------------------------------------- */

static void reach(const Graph *body, const bool *keep, bool *live)
{
	for (uint32_t i = 0; i < body->out_count; i++)
		live[body->out[i].value] |= keep[i];
	for (NodeId x = body->count - 1; x > 0; x--)
		for (int i = 0; live[x] && i < node(body, x)->count; i++)
			live[node(body, x)->in[i]] = true;
}

/* keep[i]: output i is read, or by a carry that is. live[]: nodes of the body. */
static void find_needed(const Node *scan, const Used *used, bool *keep, bool *live)
{
	const Region *r = scan->attr.region;
	for (uint32_t i = 0; i < r->body->out_count; i++)
		keep[i] = used->all[i] || used->last[i];
	for (bool more = true; more;) {
		more = false;
		reach(r->body, keep, live);
		for (NodeId x = 1; x < r->body->count; x++) {
			const Node *n = node(r->body, x);
			int i =
			    live[x] && n->op == OP_input ? region_operand(r, scan->count, n->attr.name) : -1;
			if (i < 0 || i >= (int)r->carries || keep[i])
				continue;
			keep[i] = more = true;
		}
	}
}

/* -- Operands ---------------------------------------------------------------------------------- */

/* The constant that all elements of x are, 0 if they are none. */
static NodeId same_everywhere(const Graph *g, NodeId x)
{
	while (op_only_moves(node(g, x)->op))
		x = node(g, x)->in[0];
	return node(g, x)->op == OP_constant ? x : 0;
}

/* x, which is an operand: what has no kernel of its own gets one. */
static NodeId storable(Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	return n->op == OP_constant || n->op == OP_iota ? op_reshape(g, x, n->shape) : x;
}

typedef struct NewBody {
	Graph *body;
	NodeId in[3][MOST_INS]; /* carries, sequences, what is the same at every step */
	uint32_t count[3];
} NewBody;

/* What the body has in place of an input. */
static NodeId new_input(Loops *l, NewBody *b, const Node *scan, const Node *input,
                        const uint32_t *carry)
{
	static const char *const class[] = {"carry", "each", "of"};
	const Region *r = scan->attr.region;
	uint32_t i = (uint32_t)region_operand(r, scan->count, input->attr.name);
	int kind = i < r->carries ? 0 : i < r->carries + r->sequences ? 1 : 2;
	NodeId given = l->map[scan->in[i]], constant = kind ? same_everywhere(l->out, given) : 0;
	if (constant)
		return op_full(b->body, input->type, input->shape, node(l->out, constant)->attr.value);
	uint32_t number = kind ? b->count[kind] : carry[i];
	if (kind)
		b->in[kind][b->count[kind]++] = storable(l->out, given);
	return op_input(b->body, arena_printf(l->c->arena, "%s%u", class[kind], number), input->type,
	                input->shape);
}

static NodeId new_scan(Loops *l, NodeId x)
{
	const Node *n = node(l->in, x);
	const Region *r = n->attr.region;
	bool keep[MOST_RESULTS] = {false}, *live = new_array(l->c->arena, bool, r->body->count);
	NodeId *map = new_array(l->c->arena, NodeId, r->body->count), all[3 * MOST_INS];
	find_needed(n, &l->used[x], keep, live);
	NewBody b = {.body = graph_like(l->c, r->body)};
	uint32_t *to = l->to[x], outputs = 0, count = 0;
	for (uint32_t i = 0; i < r->body->out_count; i++)
		to[i] = keep[i] ? outputs++ : MOST_RESULTS;
	for (uint32_t i = 0; i < r->carries; i++)
		if (keep[i])
			b.in[0][b.count[0]++] = storable(l->out, l->map[n->in[i]]);
	for (NodeId y = 1; y < r->body->count; y++) {
		const Node *inner = node(r->body, y);
		b.body->origin = inner->origin;
		if (live[y])
			map[y] = inner->op == OP_input ? new_input(l, &b, n, inner, to)
			                               : graph_copy_node(b.body, r->body, y, map);
	}
	for (uint32_t i = 0; i < r->body->out_count; i++)
		if (keep[i])
			graph_output(b.body,
			             arena_printf(l->c->arena, i < r->carries ? "carry%u" : "result%u", to[i]),
			             map[r->body->out[i].value]);
	for (int kind = 0; kind < 3; kind++)
		for (uint32_t i = 0; i < b.count[kind]; i++)
			all[count++] = b.in[kind][i];
	if (!count) /* a scan has an operand, even if its body reads none */
		all[count++] = storable(l->out, op_constant(l->out, DTYPE_i32, 0));
	Region region = {b.body, r->length, b.count[0], b.count[1], r->reverse};
	return op_scan(l->out, all, (int)count, region);
}

static NodeId new_result(Loops *l, const Node *n)
{
	NodeId scan = n->in[0], to = l->map[scan];
	uint32_t index = n->attr.result.index, number = l->to[scan][index];
	if (!n->attr.result.last || !l->used[scan].all[index])
		return op_result(l->out, to, number, n->attr.result.last);
	const Region *r = node(l->in, scan)->attr.region;
	NodeId all = op_result(l->out, to, number, false);
	Shape s = node(l->out, all)->shape;
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < MAX_RANK; i++)
		stop[i] = s.dim[i], step[i] = 1;
	start[0] = r->reverse ? 0 : r->length - 1;
	stop[0] = start[0] + 1;
	return op_reshape(l->out, op_slice(l->out, all, start, stop, step), n->shape);
}

/* -- The pass ---------------------------------------------------------------------------------- */

static bool has_scans(const Graph *g)
{
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_scan)
			return true;
	return false;
}

Graph *pass_loops(Compile *c, const Graph *given)
{
	if (!given || !has_scans(given))
		return (Graph *)given;
	const Graph *in = rebuild(c, given, NULL); /* without results that nobody reads */
	Loops l = {.c = c, .in = in, .out = graph_like(c, in)};
	l.map = new_array(c->arena, NodeId, in->count);
	l.used = new_array(c->arena, Used, in->count);
	l.to = arena_array(c->arena, in->count, sizeof *l.to);
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		if (n->op == OP_result)
			(n->attr.result.last ? l.used[n->in[0]].last
			                     : l.used[n->in[0]].all)[n->attr.result.index] = true;
	}
	for (NodeId x = 1; x < in->count; x++) {
		const Node *n = node(in, x);
		l.out->origin = n->origin;
		l.map[x] = n->op == OP_scan     ? new_scan(&l, x)
		           : n->op == OP_result ? new_result(&l, n)
		                                : graph_copy_node(l.out, in, x, l.map);
		if (!l.map[x])
			return NULL;
	}
	for (uint32_t i = 0; i < in->out_count; i++)
		graph_output(l.out, in->out[i].name, l.map[in->out[i].value]);
	for (uint32_t i = 0; i < in->set_count; i++)
		graph_set(l.out, l.map[in->set[i].state], l.map[in->set[i].value]);
	return rebuild(c, l.out, NULL);
}
