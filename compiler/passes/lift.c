/* lift.c: what is the same at every step of a scan is made before it.
 *
 * Expects: dots in normal form. Promises: the same values, and no step that computes them anew: an
 * operation of what does not move is an operand of the scan, be it a weight that is rounded to bf16 or the
 * product of two. So is a matrix that a product reads along its sum: turned once, its rows are vectors at
 * every step, where each would turn all of it (not where there is little memory). Of element-wise operations those stay in the body that
 * would only be larger than what they read; views stay, too, and so does what varies. */
#include <string.h>

#include "../machine/machine.h"
#include "passes.h"

typedef struct Lift {
	Compile *c;
	Graph *out, *body;
	const Graph *from; /* the body as it was */
	bool *still;       /* [from's count] the same at every step, */
	int64_t *read; /* elements of the largest operand of the scan in it; 0: of constants alone */
	bool *lifts, *wants; /* an operand of its own; made outside, for one that is */
	NodeId *outside, *map;
	NodeId in[MOST_INS]; /* the scan's */
	int count, before;   /* of which so many are carries and sequences */
} Lift;

static Graph *lift_scans(Compile *c, const Graph *in);

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

/* The operand of the dot along whose free axis vectors run, if its sum is along the last axis, and it
 * does not move; -1: neither. */
static int turned_side(const Lift *l, const Node *n)
{
	if (n->op != OP_dot || n->attr.dot.contract != 1)
		return -1;
	const DotAxes *d = &n->attr.dot;
	const Node *x = node(l->from, n->in[0]), *y = node(l->from, n->in[1]);
	bool second = free_size(y, d->y_batch, d->batch, d->y_contract[0]) > 1;
	const Node *side = second ? y : x;
	int contract = second ? d->y_contract[0] : d->x_contract[0];
	bool bare = l->c->machine && l->c->machine->bare; /* dump asks for none before the schedule */
	bool turns = contract == side->shape.rank - 1 && !bare && side->shape.rank == d->batch + 2 &&
	             side->shape.dim[contract] > 1 &&
	             (second || free_size(x, d->x_batch, d->batch, contract) > 1);
	return turns && l->still[n->in[second]] && l->read[n->in[second]] ? second : -1;
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

static NodeId turned_dot(Lift *l, const Node *n, int side)
{
	DotAxes d = n->attr.dot;
	const Node *y = node(l->from, n->in[side]);
	Axes order = turned_order(y->shape.rank, side ? d.y_batch : d.x_batch, d.batch,
	                          side ? d.y_contract : d.x_contract);
	NodeId given = operand(l, op_transpose(l->out, l->outside[n->in[side]], order));
	if (!given)
		return 0;
	return side ? op_dot(l->body, l->map[n->in[0]], given, d)
	            : op_dot(l->body, given, l->map[n->in[1]], d);
}

/* All that is to be made outside, there. */
static void make_outside(Lift *l, const Region *r, int operands)
{
	for (NodeId x = 1; x < l->from->count; x++) {
		int side = turned_side(l, node(l->from, x));
		l->wants[x] |= l->lifts[x];
		if (side >= 0)
			l->wants[node(l->from, x)->in[side]] = true;
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
	Lift l = {.c = c, .out = out, .from = lift_scans(c, r->body)};
	uint32_t size = l.from->count;
	l.still = new_array(c->arena, bool, size), l.lifts = new_array(c->arena, bool, size);
	l.wants = new_array(c->arena, bool, size), l.read = new_array(c->arena, int64_t, size);
	l.outside = new_array(c->arena, NodeId, size), l.map = new_array(c->arena, NodeId, size);
	l.count = n->count, l.before = (int)(r->carries + r->sequences);
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
		int side = turned_side(&l, inner);
		l.body->origin = inner->origin;
		if (l.lifts[x])
			l.map[x] = operand(&l, l.outside[x]);
		else if (side >= 0)
			l.map[x] = turned_dot(&l, inner, side);
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

static Graph *lift_scans(Compile *c, const Graph *in)
{
	return rebuild(c, in, rewrite);
}

Graph *pass_lift(Compile *c, const Graph *in)
{
	return lift_scans(c, in);
}
