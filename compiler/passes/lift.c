/* lift.c: what is the same at every step of a scan is made before it.
 *
 * Expects: dots in normal form. Promises: the same values, and no step that computes them anew: an
 * operation of what does not move is an operand of the scan, be it a weight that is rounded to bf16 or the
 * product of two. So is a matrix that a product reads along its sum: turned once, its rows are vectors at
 * every step, where each would turn all of it (not where there is little memory). Rows that lie pages apart
 * meet on few lines of the first caches, which forget what was asked for ahead: with a line more they do
 * not. Of element-wise operations those stay in the body that would only be larger than what they read;
 * views stay, too, and so does what varies. */
#include <string.h>

#include "../machine/machine.h"
#include "passes.h"

typedef struct Lift {
	Compile *c;
	const Machine *machine; /* NULL: of none in particular, as a graph that is exported */
	Graph *out, *body;
	const Graph *from; /* the body as it was */
	bool *still;       /* [from's count] the same at every step, */
	int64_t *read; /* elements of the largest operand of the scan in it; 0: of constants alone */
	bool *lifts, *wants; /* an operand of its own; made outside, for one that is */
	NodeId *outside, *map;
	NodeId in[MOST_INS]; /* the scan's */
	int count, before;   /* of which so many are carries and sequences */
	int64_t length;
} Lift;

/* -- What does not move ------------------------------------------------------------------------ */

static void find_still(Lift *l, const Region *r, int operands)
{
	for (NodeId x = 1; x < l->from->count; x++) {
		const Node *n = node(l->from, x);
		if (n->op == OP_input && region_operand(r, operands, n->attr.name) >= l->before) {
			l->still[x] = true, l->read[x] = shape_size(n->shape);
			continue;
		}
		l->still[x] = n->op == OP_constant || n->op == OP_iota || (n->count && n->op != OP_scan);
		l->still[x] &= n->op != OP_random && n->op != OP_result;
		for (int i = 0; i < n->count; i++) {
			l->still[x] &= l->still[n->in[i]];
			l->read[x] = l->read[n->in[i]] > l->read[x] ? l->read[n->in[i]] : l->read[x];
		}
	}
}

static bool is_work(const Lift *l, NodeId x)
{
	const Node *n = node(l->from, x);
	Kind kind = op_info[n->op].kind;
	bool works = kind == REDUCE || kind == CONTRACT || kind == GATHER || kind == SCATTER ||
	             (kind == MAP && shape_size(n->shape) <= l->read[x]);
	return works && l->still[x] && l->read[x];
}

/* Work whose readers are none that is lifted itself. */
static void find_lifted(Lift *l)
{
	for (NodeId x = 1; x < l->from->count; x++)
		for (int i = 0; !is_work(l, x) && i < node(l->from, x)->count; i++)
			l->lifts[node(l->from, x)->in[i]] |= is_work(l, node(l->from, x)->in[i]);
	for (uint32_t i = 0; i < l->from->out_count; i++)
		l->lifts[l->from->out[i].value] |= is_work(l, l->from->out[i].value);
}

/* -- Products ---------------------------------------------------------------------------------- */

static int64_t free_size(const Node *operand, const uint8_t *batch, int batches, int contract)
{
	int64_t size = shape_size(operand->shape) / operand->shape.dim[contract];
	for (int i = 0; i < batches; i++)
		size /= operand->shape.dim[batch[i]];
	return size;
}

enum {
	PAGE = 4096,     /* bytes: lines that far apart share their places in the first caches */
	FEW_ROWS = 16,   /* that do not make up for waiting; */
	MANY_STEPS = 16, /* that make up for a copy */
};

typedef struct Layout { /* of an operand that does not move */
	int side;           /* of the dot; -1: none */
	bool turns, spreads;
} Layout;

static bool spreads(const Lift *l, const Node *y, int last, int64_t rows, int64_t steps)
{
	int64_t bytes = y->shape.dim[last] * (int64_t)type_info[y->type].size;
	return l->machine->line_bytes && bytes % PAGE == 0 && rows <= FEW_ROWS && steps >= FEW_ROWS &&
	       l->length >= MANY_STEPS;
}

/* Along the free axis of one operand of a dot vectors run. If it does not move it is turned where its sum is
 * along the last axis, and its rows are spread where they are pages apart. */
static Layout layout_of(const Lift *l, const Node *n)
{
	Layout to = {.side = -1};
	if (n->op != OP_dot || n->attr.dot.contract != 1 || !l->machine || l->machine->bare)
		return to;
	const DotAxes *d = &n->attr.dot;
	const Node *x = node(l->from, n->in[0]), *y = node(l->from, n->in[1]);
	int64_t rows = free_size(x, d->x_batch, d->batch, d->x_contract[0]),
	        cols = free_size(y, d->y_batch, d->batch, d->y_contract[0]);
	bool second = cols > 1;
	const Node *side = second ? y : x;
	int contract = second ? d->y_contract[0] : d->x_contract[0], last = side->shape.rank - 1;
	if (!l->still[n->in[second]] || !l->read[n->in[second]] || last != d->batch + 1 ||
	    (second ? cols : rows) == 1 || side->shape.dim[contract] == 1)
		return to;
	bool batch = memchr(second ? d->y_batch : d->x_batch, last, d->batch) != NULL;
	to.turns = contract == last;
	int free = to.turns ? last - 1 : last; /* of a matrix */
	to.spreads = !batch && d->batch == 0 &&
	             spreads(l, side, free, second ? rows : 1, side->shape.dim[contract]);
	to.side = to.turns || to.spreads ? second : -1;
	return to;
}

/* The order in which the free axis of a turned side comes last: d has the axes as they are then. */
static Axes turned_order(int rank, uint8_t *batch, int batches, uint8_t *contract)
{
	Axes order = {0};
	uint8_t free = 0, place[MAX_RANK];
	while (free == *contract || memchr(batch, free, (size_t)batches))
		free++;
	for (int i = 0; i < rank; i++)
		if (i != free && i != *contract)
			order.at[order.count++] = (uint8_t)i;
	order.at[order.count++] = *contract, order.at[order.count++] = free;
	for (uint8_t i = 0; i < order.count; i++)
		place[order.at[i]] = i;
	for (int i = 0; i < batches; i++)
		batch[i] = place[batch[i]];
	*contract = place[*contract];
	return order;
}

/* -- The new body ------------------------------------------------------------------------------ */

/* What x of the graph around is called in the body; 0: there is no room for one more. */
static NodeId operand(Lift *l, NodeId x)
{
	int i = l->before;
	while (i < l->count && l->in[i] != x)
		i++;
	if (i == MOST_INS)
		return 0;
	if (i == l->count)
		l->in[l->count++] = x;
	const Node *n = node(l->out, x);
	return op_input(l->body, arena_printf(l->c->arena, "of%d", i - l->before), n->type, n->shape);
}

/* A line more for each row: neighbours along the sum are on other places of the caches. */
static NodeId spread(Graph *g, NodeId x, int64_t line)
{
	const Node *n = node(g, x);
	int64_t none[MAX_RANK] = {0}, high[MAX_RANK] = {0};
	high[n->shape.rank - 1] = line / (int64_t)type_info[n->type].size;
	return op_pad(g, x, none, high, none, 0);
}

/* x without what was added to its rows. */
static NodeId without(Graph *g, NodeId x, int64_t length)
{
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	Shape s = node(g, x)->shape;
	for (int i = 0; i < MAX_RANK; i++)
		stop[i] = i + 1 == s.rank ? length : s.dim[i], step[i] = 1;
	return op_slice(g, x, start, stop, step);
}

static NodeId new_dot(Lift *l, const Node *n, Layout to)
{
	DotAxes d = n->attr.dot;
	NodeId y = l->outside[n->in[to.side]];
	Shape s = node(l->from, n->in[to.side])->shape;
	Axes order = turned_order(s.rank, to.side ? d.y_batch : d.x_batch, d.batch,
	                          to.side ? d.y_contract : d.x_contract);
	int64_t length = s.dim[order.at[s.rank - 1]];
	y = to.turns ? op_transpose(l->out, y, order) : y;
	y = operand(l, to.spreads ? spread(l->out, y, l->machine->line_bytes) : y);
	if (!y)
		return 0;
	y = to.spreads ? without(l->body, y, length) : y;
	return to.side ? op_dot(l->body, l->map[n->in[0]], y, d)
	               : op_dot(l->body, y, l->map[n->in[1]], d);
}

/* All that is to be made outside, there. */
static void make_outside(Lift *l, const Region *r, int operands)
{
	for (NodeId x = 1; x < l->from->count; x++) {
		Layout to = layout_of(l, node(l->from, x));
		l->wants[x] |= l->lifts[x];
		if (to.side >= 0)
			l->wants[node(l->from, x)->in[to.side]] = true;
	}
	for (NodeId x = l->from->count - 1; x > 0; x--)
		for (int i = 0; l->wants[x] && i < node(l->from, x)->count; i++)
			l->wants[node(l->from, x)->in[i]] = true;
	for (NodeId x = 1; x < l->from->count; x++) {
		const Node *n = node(l->from, x);
		if (n->op == OP_input && l->still[x])
			l->outside[x] = l->in[region_operand(r, operands, n->attr.name)];
		else if (l->wants[x])
			l->outside[x] = graph_copy_node(l->out, l->from, x, l->outside);
	}
}

static NodeId new_scan(Compile *c, Graph *out, const Node *n, const NodeId *map)
{
	const Region *r = n->attr.region;
	Lift l = {.c = c, .machine = c->machine, .out = out, .from = pass_lift(c, r->body)};
	uint32_t size = l.from->count;
	l.still = new_array(c->arena, bool, size), l.lifts = new_array(c->arena, bool, size);
	l.wants = new_array(c->arena, bool, size), l.read = new_array(c->arena, int64_t, size);
	l.outside = new_array(c->arena, NodeId, size), l.map = new_array(c->arena, NodeId, size);
	l.count = n->count, l.before = (int)(r->carries + r->sequences), l.length = r->length;
	for (int i = 0; i < n->count; i++)
		l.in[i] = map[n->in[i]];
	l.body = graph_like(c, l.from);
	if (r->length > 1) {
		find_still(&l, r, n->count);
		find_lifted(&l);
	}
	make_outside(&l, r, n->count);
	for (NodeId x = 1; x < size; x++) {
		const Node *inner = node(l.from, x);
		Layout to = layout_of(&l, inner);
		l.body->origin = inner->origin;
		if (l.lifts[x])
			l.map[x] = operand(&l, l.outside[x]);
		else if (to.side >= 0)
			l.map[x] = new_dot(&l, inner, to);
		if (!l.map[x])
			l.map[x] = graph_copy_node(l.body, l.from, x, l.map);
	}
	for (uint32_t i = 0; i < l.from->out_count; i++)
		graph_output(l.body, l.from->out[i].name, l.map[l.from->out[i].value]);
	Region region = {rebuild(c, l.body, NULL), r->length, r->carries, r->sequences, r->reverse};
	return op_scan(out, l.in, l.count, region);
}

static NodeId rewrite(Graph *out, const Graph *in, NodeId x, const NodeId *map)
{
	const Node *n = node(in, x);
	return n->op == OP_scan ? new_scan(out->c, out, n, map) : 0;
}

Graph *pass_lift(Compile *c, const Graph *in)
{
	return rebuild_of(c, in, OP_scan, rewrite);
}
