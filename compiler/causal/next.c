/* next.c: the function of one place, from what past.c shows.
 *
 * A node is needed in two ways: at the place alone, along one of its axes (its row), or whole. Needs go
 * from the output back; then nodes are made in order. A row is the operation on rows; where the
 * operation mixes places (attention's product with all keys, a window), it is that of whole operands. A
 * whole node that varies is remembered: an input, with its new row put in. Views are seen through, so
 * that what is remembered is stored once. Of a loop, the body is computed once, from what it carried
 * before. Costs one visit a node. */
#include "causal.h"

#include <string.h>

typedef struct Next {
	Compile *c;
	Graph *in, *g;
	const Past *past;
	NodeId place;           /* i32[1] */
	bool *whole;            /* [in->count]: needed so; */
	uint8_t *row;           /* so: a bit for each axis */
	bool *kept;             /* remembered */
	NodeId *all;            /* of what is needed whole */
	NodeId (*at)[MAX_RANK]; /* of what is needed at the place */
	NodeId **of_body;       /* of a loop: the values of its body's nodes */
	bool impossible;
} Next;

/* -- What is needed ---------------------------------------------------------------------------- */

static bool is_result_of_all(const Node *n)
{
	return n->op == OP_result && !n->attr.result.last;
}

static void need_row(Next *t, NodeId x, int axis)
{
	const Past *p = &t->past[x];
	bool other = p->axis != NOWHERE && p->axis != axis;
	t->impossible |= p->lost || (p->varies && (p->lag < 0 || other));
	t->row[x] |= (uint8_t)(1u << axis);
}

static void need_all(Next *t, const Node *n)
{
	for (int i = 0; i < n->count; i++)
		t->whole[n->in[i]] = true;
}

/* The axis of a reduction's operand that is this one of its result. */
static int reduced_axis(const Node *n, int axis)
{
	for (int i = 0; i < n->attr.axes.count; i++)
		axis += n->attr.axes.at[i] <= axis;
	return axis;
}

/* The axis of operand `i` of a dot that is `axis` of the result; NOWHERE: it has not that one. */
static int dot_axis(const Graph *g, const Node *n, int i, int axis)
{
	const DotAxes *a = &n->attr.dot;
	const uint8_t *batch = i ? a->y_batch : a->x_batch,
	              *contract = i ? a->y_contract : a->x_contract;
	int next = a->batch;
	if (axis < a->batch)
		return batch[axis];
	if (i)
		next += node(g, n->in[0])->shape.rank - a->batch - a->contract;
	for (int j = 0; j < node(g, n->in[i])->shape.rank; j++)
		if (!memchr(batch, j, a->batch) && !memchr(contract, j, a->contract) && next++ == axis)
			return j;
	return NOWHERE;
}

static bool is_prefix(const Node *n, int axis)
{
	return n->op == OP_slice && n->attr.slice.start[axis] == 0 && n->attr.slice.step[axis] == 1;
}

/* The axis of operand i, needed as a row; NOWHERE: all of the operand is the same to each place; MIXED:
 * the row is cut out of the operation on all of its operands. */
static int axis_of(const Graph *g, const Node *n, int i, int axis)
{
	switch (op_info[n->op].kind) {
	case MAP:
		return axis;
	case VIEW:
		return is_prefix(n, axis) ? axis : operand_axis(g, n, i, axis);
	case REDUCE:
		return reduced_axis(n, axis);
	case CONTRACT:
		return dot_axis(g, n, i, axis);
	case GATHER: {
		int from = (int)n->attr.axis, rank = node(g, n->in[1])->shape.rank;
		if (axis >= from && axis < from + rank)
			return i ? axis - from : NOWHERE;
		return i ? NOWHERE : axis < from ? axis : axis - rank + 1;
	}
	case LEAF:
	case SCATTER:
	case LOOP:
	case META:
		break;
	}
	return MIXED;
}

static bool is_mixed(const Graph *g, const Node *n, int axis)
{
	bool mixed = false;
	for (int i = 0; i < n->count; i++)
		mixed |= axis_of(g, n, i, axis) == MIXED;
	return mixed;
}

/* Views whose operand is as well remembered. */
static bool is_seen_through(const Node *n)
{
	return n->op == OP_reshape || n->op == OP_transpose || n->op == OP_pad || n->op == OP_windows;
}

/* Whether place i of x reads a place beyond i of what is remembered. With lag, that place knows no more of the input than
 * place i may, but it is not made yet. */
static bool reads_ahead(const Next *t, NodeId x)
{
	const Node *n = node(t->in, x);
	bool ahead = false;
	for (int i = 0; i < n->count; i++) {
		NodeId from = n->in[i];
		while (is_seen_through(node(t->in, from)))
			from = node(t->in, from)->in[0];
		ahead |= t->past[from].varies && t->past[from].lag > t->past[x].lag;
	}
	return ahead;
}

static void need_scan(Next *t, NodeId x)
{
	const Node *n = node(t->in, x);
	const Region *r = n->attr.region;
	for (int i = 0; i < n->count; i++) {
		uint32_t k = (uint32_t)i;
		if (k >= r->carries && k < r->carries + r->sequences)
			need_row(t, n->in[i], 0);
		else
			t->whole[n->in[i]] = true;
	}
}

static void need_operands(Next *t, NodeId x, int axis)
{
	const Node *n = node(t->in, x);
	if (is_result_of_all(n) && t->past[x].varies) {
		t->impossible |= axis != 0;
		t->row[n->in[0]] = 1;
	} else if (n->op == OP_scan) {
		need_scan(t, x);
	} else if (is_mixed(t->in, n, axis)) {
		t->impossible |= reads_ahead(t, x);
		need_all(t, n);
	} else {
		for (int i = 0; i < n->count; i++) {
			int of = axis_of(t->in, n, i, axis);
			if (of >= 0)
				need_row(t, n->in[i], of);
			else
				t->whole[n->in[i]] = true;
		}
	}
}

static void need_whole(Next *t, NodeId x)
{
	const Past *p = &t->past[x];
	if (!p->varies || (is_seen_through(node(t->in, x)) && !p->lost)) {
		t->impossible |= reads_ahead(t, x);
		need_all(t, node(t->in, x));
		return;
	}
	t->impossible |= p->lost || p->axis == NOWHERE;
	t->kept[x] = true;
	if (!t->impossible)
		need_row(t, x, p->axis);
}

/* Whether it is a carry of a loop after each of its steps: add_carries made one for each. */
static bool is_carry(const Next *t, NodeId x)
{
	const Node *n = node(t->in, x);
	return t->past[x].varies && is_result_of_all(n) &&
	       n->attr.result.index < node(t->in, n->in[0])->attr.region->carries;
}

static void find_needs(Next *t, NodeId y)
{
	for (NodeId x = 1; x < t->in->count; x++)
		if (is_carry(t, x)) {
			t->kept[x] = true;
			need_row(t, x, 0);
		}
	need_row(t, y, 1);
	for (NodeId x = t->in->count - 1; x > 0 && !t->impossible; x--) {
		if (t->whole[x])
			need_whole(t, x);
		for (int axis = 0; axis < MAX_RANK && !t->impossible; axis++)
			if (t->row[x] & 1u << axis)
				need_operands(t, x, axis);
	}
}

/* -- How it is made ---------------------------------------------------------------------------- */

static Shape with_one(Shape s, int axis)
{
	s.dim[axis] = 1;
	return s;
}

static NodeId leaf_row(Next *t, NodeId x, int axis)
{
	const Node *n = node(t->in, x);
	Graph *g = t->g;
	Shape s = with_one(n->shape, axis);
	if (t->past[x].varies)
		return op_input(g, n->attr.name, n->type, s);
	if (n->op == OP_iota && (int)n->attr.axis == axis)
		return op_broadcast(g, op_cast(g, t->place, n->type), s, (Axes){1, {(uint8_t)axis}});
	if (n->op == OP_iota)
		return op_iota(g, n->type, s, n->attr.axis);
	return op_gather(g, graph_copy_node(g, t->in, x, t->all), t->place, (unsigned)axis);
}

static NodeId view_row(Next *t, const Node *n, int axis, const NodeId *in)
{
	Graph *g = t->g;
	Attr a = n->attr;
	if (n->op == OP_slice) {
		a.slice.start[axis] = 0;
		a.slice.stop[axis] = a.slice.step[axis] = 1;
	}
	if (n->op == OP_pad)
		a.pad.low[axis] = a.pad.high[axis] = 0;
	return graph_add_node(g, n->op, in, n->count, n->type, with_one(n->shape, axis), a);
}

static NodeId result_row(Next *t, const Node *n)
{
	const Region *r = node(t->in, n->in[0])->attr.region;
	NodeId v = t->of_body[n->in[0]][r->body->out[n->attr.result.index].value];
	return op_reshape(t->g, v, shape_with_steps(1, node(t->g, v)->shape));
}

static NodeId make_row(Next *t, NodeId x, int axis)
{
	const Node *n = node(t->in, x);
	NodeId in[MOST_INS];
	if (is_result_of_all(n) && t->past[x].varies)
		return result_row(t, n);
	if (op_info[n->op].kind == LEAF)
		return leaf_row(t, x, axis);
	if (is_mixed(t->in, n, axis))
		return op_gather(t->g, graph_copy_node(t->g, t->in, x, t->all), t->place, (unsigned)axis);
	for (int i = 0; i < n->count; i++) {
		int of = axis_of(t->in, n, i, axis);
		in[i] = of >= 0 ? t->at[n->in[i]][of] : t->all[n->in[i]];
	}
	if (op_info[n->op].kind == VIEW)
		return view_row(t, n, axis, in);
	return graph_add_node(t->g, n->op, in, n->count, n->type, n->shape, n->attr);
}

static const char *past_name(const Next *t, NodeId x)
{
	return arena_printf(t->c->arena, "past.%u", x);
}

static NodeId old(Next *t, NodeId x)
{
	const Node *n = node(t->in, x);
	return op_input(t->g, past_name(t, x), n->type, n->shape);
}

static void remember(Next *t, NodeId x, int axis)
{
	Graph *g = t->g;
	const Node *n = node(t->in, x);
	Axes along = {1, {(uint8_t)axis}}, all = {.count = n->shape.rank};
	for (int i = 0; i < n->shape.rank; i++)
		all.at[i] = (uint8_t)i;
	NodeId here = op_equal(g, op_iota(g, DTYPE_i32, n->shape, (unsigned)axis),
	                       op_broadcast(g, t->place, n->shape, along));
	t->all[x] = op_select(g, here, op_broadcast(g, t->at[x][axis], n->shape, all), old(t, x));
	graph_output(t->in, past_name(t, x), x);
	graph_output(g, past_name(t, x), t->at[x][axis]);
}

/* What a loop carries into this place: what it carried out of the one before. */
static NodeId carried(Next *t, const Node *n, uint32_t carry, NodeId scan)
{
	Graph *g = t->g;
	NodeId all = op_result(t->in, scan, carry, false), first = t->all[n->in[carry]];
	NodeId one = op_constant(g, DTYPE_i32, 1);
	NodeId before = op_sub(g, t->place, op_broadcast(g, one, SHAPE(1), (Axes){0}));
	NodeId last = op_reshape(g, op_gather(g, old(t, all), before, 0), node(g, first)->shape);
	NodeId starts = op_equal(g, op_reshape(g, t->place, SCALAR), op_constant(g, DTYPE_i32, 0));
	return op_select(g, op_broadcast(g, starts, node(g, first)->shape, (Axes){0}), first, last);
}

static void make_body(Next *t, NodeId x)
{
	const Node *n = node(t->in, x);
	const Region *r = n->attr.region;
	const Graph *body = r->body;
	NodeId *map = t->of_body[x] = new_array(t->c->arena, NodeId, body->count);
	for (NodeId k = 1; k < body->count; k++) {
		const Node *b = node(body, k);
		if (b->op != OP_input) {
			map[k] = graph_copy_node(t->g, body, k, map);
			continue;
		}
		uint32_t i = (uint32_t)region_operand(r, n->count, b->attr.name);
		NodeId operand = n->in[i];
		if (i < r->carries)
			map[k] = carried(t, n, i, x);
		else if (i < r->carries + r->sequences)
			map[k] = op_reshape(t->g, t->at[operand][0], b->shape);
		else
			map[k] = t->all[operand];
	}
}

static void make(Next *t)
{
	for (NodeId x = 1; x < t->in->count; x++) {
		t->g->origin = node(t->in, x)->origin;
		if (node(t->in, x)->op == OP_scan && t->past[x].varies) {
			make_body(t, x);
			continue;
		}
		for (int axis = 0; axis < MAX_RANK; axis++)
			if (t->row[x] & 1u << axis)
				t->at[x][axis] = make_row(t, x, axis);
		if (t->kept[x])
			remember(t, x, t->past[x].axis);
		else if (t->whole[x])
			t->all[x] = graph_copy_node(t->g, t->in, x, t->all);
	}
}

/* What is carried is an output of its loop. */
static void add_carries(Graph *g)
{
	uint32_t count = g->count;
	for (NodeId x = 1; x < count; x++) {
		if (node(g, x)->op != OP_scan)
			continue;
		uint32_t carries = node(g, x)->attr.region->carries;
		for (uint32_t i = 0; i < carries; i++)
			(void)op_result(g, x, i, false);
	}
}

static bool is_shown(const Graph *g, const Past *past, const char *input)
{
	if (g->out_count != 1)
		return false;
	const Past *p = &past[g->out[0].value];
	Shape s = node(g, g->out[0].value)->shape;
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_input && strcmp(node(g, x)->attr.name, input) == 0)
			return p->varies && !p->lost && p->axis == 1 && p->lag >= 0 && s.dim[1] > 1 &&
			       s.dim[1] <= node(g, x)->shape.dim[1];
	return false;
}

Graph *next_place(Compile *c, Graph *whole, const char *name, const char *input)
{
	Graph *in = graph_live(c, whole);
	add_carries(in);
	Next t = {.c = c, .in = in, .past = past_of(c, in, input)};
	if (!is_shown(in, t.past, input))
		return NULL;
	t.whole = new_array(c->arena, bool, in->count);
	t.row = new_array(c->arena, uint8_t, in->count);
	t.kept = new_array(c->arena, bool, in->count);
	NodeId y = in->out[0].value;
	find_needs(&t, y);
	if (t.impossible)
		return NULL;
	t.g = graph_new(c, name);
	t.place = op_reshape(t.g, op_input(t.g, "place", DTYPE_i32, SCALAR), SHAPE(1));
	t.all = new_array(c->arena, NodeId, in->count);
	t.at = arena_array(c->arena, in->count, sizeof *t.at);
	t.of_body = new_array(c->arena, NodeId *, in->count);
	make(&t);
	if (!t.at[y][1])
		return NULL; /* too many nodes, which was reported */
	graph_output(t.g, in->out[0].name, t.at[y][1]);
	*whole = *in;
	return graph_live(c, t.g);
}
