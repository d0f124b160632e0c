/* rules_scan.c: the gradient of a loop is a loop the other way.
 *
 * It carries the adjoints of the carries. Its body is the forward one and the reverse sweep over it. Of
 * the forward part only what costs little is computed again: carries before a step are those after the
 * step before; products, reductions and the like become results of the forward loop, kept for all
 * steps, and so does a function such as tanh, if it is not larger than what a step is given. The
 * gradient of what is the same at every step is a sum over steps: a product's is one product behind the
 * loop, of what all steps kept, not one for each step; anything else is a carry that grows.
 * Chen et al. 2016, "Training deep nets with sublinear memory cost", in reverse: memory is there. */
#include "rules.h"

#include <string.h>

typedef enum Source { BEFORE, EACH, OF, ADJOINT, KEPT, CARRY } Source;

typedef struct Given { /* an input of the body */
	Source source;
	uint32_t number; /* of the carry, sequence, operand, output, carry of the loop back; */
	NodeId of;       /* ADJOINT: around the loop; KEPT: in the forward body */
	NodeId node;     /* in the draft */
} Given;

typedef struct Back {
	Rule *r;
	Graph *g;
	const Region *forward;
	Graph *draft; /* the body: its inputs are named by their number in given[] */
	Given *given;
	uint32_t givens, room;
	NodeId *map;    /* [forward body's count] to the draft */
	NodeId *behind; /* [top + 1] and back */
	NodeId top;     /* of the draft: the last node of the forward part */
	bool *varies;   /* [draft's count, after the sweep] from step to step */
	int64_t kept;   /* elements of the largest function that is kept */
	NodeId *adjoint;
	NodeId first[MOST_INS], next[MOST_INS]; /* of the carries, the first around the loop; */
	NodeId sum_of[MOST_INS];                /* what it adds up; 0: it is an adjoint */
	uint32_t carries;
	NodeId result[MOST_INS]; /* in the draft */
	uint32_t results;
	bool too_many;
	NodeId scan; /* the loop back; 0: it is being drafted */
} Back;

/* -- Inputs of the draft ----------------------------------------------------------------------- */

static NodeId give(Back *b, Source source, uint32_t number, NodeId of, DType type, Shape s)
{
	for (uint32_t i = 0; i < b->givens; i++)
		if (b->given[i].source == source && b->given[i].number == number && b->given[i].of == of)
			return b->given[i].node;
	if (b->givens == b->room) {
		Given *more = new_array(b->g->c->arena, Given, b->room = 2 * b->room + 64);
		if (b->givens)
			memcpy(more, b->given, b->givens * sizeof *more);
		b->given = more;
	}
	Given *to = &b->given[b->givens];
	*to = (Given){source, number, of, 0};
	to->node = op_input(b->draft, arena_printf(b->g->c->arena, "%u", b->givens), type, s);
	b->givens++;
	return to->node;
}

static const Given *given_at(const Back *b, NodeId x)
{
	for (uint32_t i = 0; i < b->givens; i++)
		if (b->given[i].node == x)
			return &b->given[i];
	return NULL;
}

static NodeId give_input(Back *b, const Node *n)
{
	const Region *f = b->forward;
	int i = region_operand(f, b->r->n->count, n->attr.name);
	uint32_t at = (uint32_t)i;
	Source source = at < f->carries ? BEFORE : at < f->carries + f->sequences ? EACH : OF;
	return give(b, source, at, 0, n->type, n->shape);
}

static void copy_forward(Back *b)
{
	const Graph *body = b->forward->body;
	b->map = new_array(b->g->c->arena, NodeId, body->count);
	for (NodeId x = 1; x < body->count; x++)
		b->map[x] = node(body, x)->op == OP_input ? give_input(b, node(body, x))
		                                          : graph_copy_node(b->draft, body, x, b->map);
	b->top = b->draft->count - 1;
	b->behind = new_array(b->g->c->arena, NodeId, b->top + 1);
	for (NodeId x = body->count - 1; x > 0; x--)
		b->behind[b->map[x]] = x;
}

static void find_varying(Back *b)
{
	b->varies = new_array(b->g->c->arena, bool, b->draft->count);
	for (uint32_t i = 0; i < b->givens; i++)
		b->varies[b->given[i].node] = b->given[i].source != OF;
	reach_nodes(b->draft, b->varies, b->draft->count - 1);
}

/* -- Around the loop --------------------------------------------------------------------------- */

static NodeId all_of(Back *b, NodeId scan, uint32_t index)
{
	return op_result(b->g, scan, index, false);
}

/* x[start, stop) along the first axis */
static NodeId steps_of(Graph *g, NodeId x, int64_t first, int64_t stop)
{
	int64_t start[MAX_RANK] = {0}, end[MAX_RANK], step[MAX_RANK];
	for (int i = 0; i < MAX_RANK; i++)
		end[i] = node(g, x)->shape.dim[i], step[i] = 1;
	start[0] = first, end[0] = stop;
	return op_slice(g, x, start, end, step);
}

/* A carry before each step: its first value, then what it was after the step before. */
static NodeId before_all(Back *b, uint32_t carry)
{
	Graph *g = b->g;
	const Region *f = b->forward;
	NodeId init = b->r->n->in[carry];
	NodeId first = op_reshape(g, init, shape_with_steps(1, node(g, init)->shape));
	if (f->length == 1)
		return first;
	NodeId all = all_of(b, b->r->y, carry);
	if (f->reverse)
		return op_concat(g, (NodeId[]){steps_of(g, all, 1, f->length), first}, 2, 0);
	return op_concat(g, (NodeId[]){first, steps_of(g, all, 0, f->length - 1)}, 2, 0);
}

/* What an input of the body is of all steps; of one that does not vary: what it is. */
static NodeId around(Back *b, const Given *given)
{
	switch (given->source) {
	case BEFORE:
		return before_all(b, given->number);
	case EACH:
	case OF:
		return b->r->n->in[given->number];
	case ADJOINT:
		return given->of;
	case KEPT:
		return all_of(b, b->r->y, region_result(b->g, b->r->y, given->of));
	case CARRY:
		return b->first[given->number];
	}
	BUG("no such source");
}

enum {
	FUNCTION = 16, /* instructions, or more */
	FEW_KEPT = MOST_RESULTS / 2,
};

/* One that is kept costs a store and a load; many would leave no results for what must be kept. */
static void choose_kept(Back *b)
{
	const Region *f = b->forward;
	uint32_t functions = f->body->out_count;
	for (NodeId x = 1; x <= b->top; x++)
		functions += op_info[node(b->draft, x)->op].weight >= FUNCTION;
	for (uint32_t i = 0; functions <= FEW_KEPT && i < f->carries + f->sequences; i++) {
		int64_t size = shape_size(node(b->g, b->r->n->in[i])->shape);
		size /= i < f->carries ? 1 : f->length;
		b->kept = size > b->kept ? size : b->kept;
	}
}

static bool is_output(const Graph *body, NodeId x)
{
	for (uint32_t i = 0; i < body->out_count; i++)
		if (body->out[i].value == x)
			return true;
	return false;
}

/* Part of the forward body that is kept, or there anyway, rather than computed again. */
static bool is_kept(const Back *b, NodeId x)
{
	const Node *n = node(b->draft, x);
	if (x > b->top || !b->varies[x] || !b->behind[x] || n->op == OP_scan || n->op == OP_input ||
	    n->shape.rank == MAX_RANK)
		return false;
	if (is_output(b->forward->body, b->behind[x]))
		return true;
	Kind kind = op_info[n->op].kind;
	bool function =
	    kind == MAP && op_info[n->op].weight >= FUNCTION && shape_size(n->shape) <= b->kept;
	return function || kind == REDUCE || kind == CONTRACT || kind == GATHER || kind == SCATTER ||
	       kind == LOOP || kind == META;
}

/* -- Results of the loop back ------------------------------------------------------------------ */

static uint32_t result(Back *b, NodeId x)
{
	for (uint32_t i = 0; i < b->results; i++)
		if (b->result[i] == x)
			return i;
	if (b->results == MOST_INS) {
		b->too_many = true;
		return 0;
	}
	b->result[b->results] = x;
	return b->results++;
}

/* x of the draft at all steps; 0 while it is drafted. */
static NodeId of_all_steps(Back *b, NodeId x)
{
	const Given *given = given_at(b, x);
	if (given && given->source != CARRY)
		return b->scan ? around(b, given) : 0;
	if (is_kept(b, x))
		return b->scan ? around(b, &(Given){KEPT, 0, b->behind[x], 0}) : 0;
	uint32_t index = result(b, x);
	return b->scan ? all_of(b, b->scan, b->carries + index) : 0;
}

static NodeId add_carry(Back *b, NodeId first)
{
	const Node *n = node(b->g, first);
	NodeId x = give(b, CARRY, b->carries, 0, n->type, n->shape);
	if (b->carries == MOST_INS - 1)
		b->too_many = true;
	else
		b->first[b->carries++] = first;
	return x;
}

/* The carry that adds x up. */
static NodeId total_of_carry(Back *b, NodeId x)
{
	for (uint32_t i = 0; i < b->carries; i++)
		if (b->sum_of[i] == x)
			return b->scan ? op_result(b->g, b->scan, i, true) : 0;
	NodeId zero = op_full(b->g, node(b->draft, x)->type, node(b->draft, x)->shape, 0);
	uint32_t number = b->carries;
	NodeId sum = add_carry(b, zero);
	b->sum_of[number] = x;
	b->next[number] = op_add(b->draft, sum, x);
	return 0;
}

static uint8_t shifted(uint8_t axis)
{
	return (uint8_t)(axis + 1);
}

static NodeId total_of_dot(Back *b, const Node *n)
{
	const DotAxes *d = &n->attr.dot;
	NodeId x = of_all_steps(b, n->in[0]), y = of_all_steps(b, n->in[1]);
	if (!b->scan)
		return 0;
	DotAxes to = {.batch = d->batch, .contract = (uint8_t)(d->contract + 1)};
	for (int i = 0; i < d->batch; i++) {
		to.x_batch[i] = shifted(d->x_batch[i]);
		to.y_batch[i] = shifted(d->y_batch[i]);
	}
	for (int i = 0; i < d->contract; i++) {
		to.x_contract[i + 1] = shifted(d->x_contract[i]);
		to.y_contract[i + 1] = shifted(d->y_contract[i]);
	}
	return op_dot(b->g, x, y, to);
}

static NodeId total_of_sum(Back *b, const Node *n)
{
	Axes axes = {.count = (uint8_t)(n->attr.axes.count + 1)};
	for (int i = 0; i < n->attr.axes.count; i++)
		axes.at[i + 1] = shifted(n->attr.axes.at[i]);
	NodeId x = of_all_steps(b, n->in[0]);
	return b->scan ? op_sum(b->g, x, axes) : 0;
}

static bool has_room(const Back *b, NodeId x)
{
	return node(b->draft, x)->shape.rank < MAX_RANK;
}

/* x of the draft, summed over the steps. Called twice: while the loop is drafted it notes what that
 * must give, then it makes the sum of that. */
static NodeId total(Back *b, NodeId x)
{
	Node n = *node(b->draft, x);
	bool two = n.count == 2 && b->varies[n.in[0]] && b->varies[n.in[1]] && has_room(b, n.in[0]) &&
	           has_room(b, n.in[1]);
	NodeId part, other;
	switch (n.op) {
	case OP_add:
		part = total(b, n.in[0]), other = total(b, n.in[1]);
		return b->scan ? op_add(b->g, part, other) : 0;
	case OP_transpose:
		part = total(b, n.in[0]);
		return b->scan ? op_transpose(b->g, part, n.attr.axes) : 0;
	case OP_reshape:
		part = total(b, n.in[0]);
		return b->scan ? op_reshape(b->g, part, n.shape) : 0;
	case OP_dot:
		return two ? total_of_dot(b, &n) : total_of_carry(b, x);
	case OP_sum:
		return b->varies[n.in[0]] && has_room(b, n.in[0]) ? total_of_sum(b, &n)
		                                                  : total_of_carry(b, x);
	default:
		return total_of_carry(b, x);
	}
}

/* -- The final body ---------------------------------------------------------------------------- */

typedef struct Final { /* the loop's operands */
	NodeId each[MOST_INS], of[MOST_INS];
	uint32_t sequences, whole;
	bool too_many;
} Final;

static uint32_t list(Final *f, NodeId *of, uint32_t *count, NodeId x)
{
	if (*count == MOST_INS - 1) {
		f->too_many = true;
		return 0;
	}
	of[*count] = x;
	return (*count)++;
}

static NodeId final_input(Back *b, Final *f, Graph *body, const Node *n, const Given *given)
{
	Arena *a = b->g->c->arena;
	const char *name;
	if (given->source == CARRY)
		name = arena_printf(a, "carry%u", given->number);
	else if (given->source == OF)
		name = arena_printf(a, "of%u", list(f, f->of, &f->whole, around(b, given)));
	else
		name = arena_printf(a, "each%u", list(f, f->each, &f->sequences, around(b, given)));
	return op_input(body, name, n->type, n->shape);
}

static bool *find_live(const Back *b)
{
	bool *live = new_array(b->g->c->arena, bool, b->draft->count);
	for (uint32_t i = 0; i < b->carries; i++)
		live[b->next[i]] = true;
	for (uint32_t i = 0; i < b->results; i++)
		live[b->result[i]] = true;
	for (NodeId x = b->draft->count - 1; x > 0; x--)
		for (int i = 0; live[x] && !is_kept(b, x) && i < node(b->draft, x)->count; i++)
			live[node(b->draft, x)->in[i]] = true;
	return live;
}

static Graph *final_body(Back *b, Final *f)
{
	Graph *body = graph_new(b->g->c, "body");
	const bool *live = find_live(b);
	NodeId *map = new_array(b->g->c->arena, NodeId, b->draft->count);
	for (NodeId x = 1; x < b->draft->count; x++) {
		const Node *n = node(b->draft, x);
		if (!live[x])
			continue;
		body->origin = n->origin;
		Given kept = {KEPT, 0, x <= b->top ? b->behind[x] : 0, 0};
		if (n->op == OP_input)
			map[x] = final_input(b, f, body, n, given_at(b, x));
		else if (is_kept(b, x))
			map[x] = final_input(b, f, body, n, &kept);
		else
			map[x] = graph_copy_node(body, b->draft, x, map);
	}
	for (uint32_t i = 0; i < b->carries; i++)
		graph_output(body, arena_printf(b->g->c->arena, "carry%u", i), map[b->next[i]]);
	for (uint32_t i = 0; i < b->results; i++)
		graph_output(body, arena_printf(b->g->c->arena, "result%u", b->carries + i),
		             map[b->result[i]]);
	return body;
}

static void make_scan(Back *b)
{
	Final f = {0};
	NodeId in[3 * MOST_INS];
	Graph *body = final_body(b, &f);
	uint32_t count = 0, results = b->carries + b->results;
	for (uint32_t i = 0; i < b->carries; i++)
		in[count++] = b->first[i];
	for (uint32_t i = 0; i < f.sequences; i++)
		in[count++] = f.each[i];
	for (uint32_t i = 0; i < f.whole; i++)
		in[count++] = f.of[i];
	bool kept_too_many = b->forward->body->out_count > MOST_RESULTS;
	if (b->too_many || f.too_many || count > MOST_INS || results > MOST_RESULTS || kept_too_many) {
		diag_error(b->g->c->diags, b->r->n->origin,
		           "the gradient of this scan needs %u operands and %u results, and its steps keep "
		           "%u, but a scan has at most %d and %d",
		           count, results, b->forward->body->out_count, MOST_INS, MOST_RESULTS);
		diag_help(b->g->c->diags,
		          "put weights that a step adds or multiplies alike side by side in "
		          "one, as the library's lstm does");
		return;
	}
	b->scan =
	    op_scan(b->g, in, (int)count,
	            (Region){body, b->forward->length, b->carries, f.sequences, !b->forward->reverse});
}

/* -- The rule ---------------------------------------------------------------------------------- */

/* The adjoint of output `index`, of all steps or the last; 0: none. */
static NodeId adjoint_of(const Rule *r, uint32_t index, uint32_t last)
{
	for (NodeId x = r->y + 1; x <= r->top; x++) {
		const Node *n = node(r->g, x);
		if (n->op == OP_result && n->in[0] == r->y && n->attr.result.index == index &&
		    n->attr.result.last == last)
			return r->adjoint[x];
	}
	return 0;
}

/* A carry's adjoint comes from the step behind, and from those that read the result of all steps. */
static void seed(Back *b)
{
	const Region *f = b->forward;
	for (uint32_t i = 0; i < f->body->out_count; i++) {
		NodeId y = b->map[f->body->out[i].value], all = adjoint_of(b->r, i, 0);
		const Node *n = node(f->body, f->body->out[i].value);
		if (!type_info[n->type].is_float)
			continue;
		if (i < f->carries) {
			NodeId last = adjoint_of(b->r, i, 1);
			last = last ? last : op_full(b->g, n->type, n->shape, 0);
			add_adjoint(b->draft, b->adjoint, y, add_carry(b, last));
		}
		if (all)
			add_adjoint(b->draft, b->adjoint, y, give(b, ADJOINT, i, all, n->type, n->shape));
	}
}

static NodeId adjoint_of_operand(const Back *b, uint32_t i)
{
	for (uint32_t at = 0; at < b->givens; at++)
		if (b->given[at].number == i && b->given[at].source <= OF)
			return b->adjoint[b->given[at].node];
	return 0;
}

void grad_scan(Rule *r)
{
	Back b = {.r = r, .g = r->g, .forward = r->n->attr.region};
	const Region *f = b.forward;
	uint32_t outer = f->carries + f->sequences, of_carry[MOST_INS] = {0}, of_each[MOST_INS] = {0};
	b.draft = graph_new(r->g->c, "body");
	copy_forward(&b);
	b.adjoint = new_array(r->g->c->arena, NodeId, b.top + 1);
	bool *reached = new_array(r->g->c->arena, bool, b.top + 1);
	for (uint32_t i = 0; i < b.givens; i++)
		reached[b.given[i].node] = b.given[i].source == BEFORE || r->needed[b.given[i].number];
	reach_nodes(b.draft, reached, b.top);
	seed(&b);
	sweep_nodes(b.draft, b.adjoint, reached, b.top);
	find_varying(&b);
	choose_kept(&b);
	for (uint32_t i = 0, to = 0; i < f->carries; i++) {
		DType type = node(f->body, f->body->out[i].value)->type;
		NodeId dx = adjoint_of_operand(&b, i);
		if (!type_info[type].is_float)
			continue;
		of_carry[i] = to;
		b.next[to++] = dx ? dx : op_full(b.draft, type, node(r->g, r->n->in[i])->shape, 0);
	}
	for (uint32_t i = f->carries; i < outer; i++) {
		NodeId dx = r->needed[i] ? adjoint_of_operand(&b, i) : 0;
		of_each[i] = dx ? 1 + result(&b, dx) : 0;
	}
	for (uint32_t i = outer; i < r->n->count; i++)
		if (r->needed[i] && adjoint_of_operand(&b, i))
			(void)total(&b, adjoint_of_operand(&b, i));
	if (b.carries + b.results == 0)
		return;
	make_scan(&b);
	for (uint32_t i = 0; b.scan && i < r->n->count; i++) {
		NodeId dx = r->needed[i] ? adjoint_of_operand(&b, i) : 0;
		if (r->needed[i] && i < f->carries)
			r->dx[i] = op_result(r->g, b.scan, of_carry[i], true);
		else if (dx && i < outer)
			r->dx[i] = all_of(&b, b.scan, b.carries + of_each[i] - 1);
		else if (dx)
			r->dx[i] = total(&b, dx);
	}
}
