/* encoded.c: what the training step of a task finds of each sample anew in every epoch, as a function of its own.
 *
 * In: T.step. Out: T.encode, which gives those values, one row a sample, and T.step.encoded, the same step that reads
 * them; or neither. A value is such a one if it follows from the sample's own row of the data and from states that the
 * step leaves as they are, without random numbers: features of a frozen encoder. Of these the last ones count whose making
 * sums anything; what only widens them is left to the step. Values that are found to be of a row are; others may be too
 * (those of scans). What a gradient is taken by is none: it flows through all that is made of it. One visit a node. */
#include "elaborator.h"

#include <string.h>

/* Bytes of the rows of all samples that a task may learn from, at most. */
static const int64_t MOST_BYTES = (int64_t)256 << 20;

typedef struct Rows {
	const Graph *g;
	int64_t batch;
	int8_t *axis;      /* [count] its place i is sample i's; NOWHERE: of no data; MIXED: neither */
	uint8_t *constant; /* [count] of what is of no data: bit a: the same at all places along a */
	bool *moves;       /* [count] a state that the step changes, or what a gradient is taken by */
	bool *sums;        /* [count] its making sums */
	bool *cut;         /* [count] it is kept */
} Rows;

/* -- Which values are of one sample ------------------------------------------------------------ */

static bool is_in(const uint8_t *axes, int count, int axis)
{
	return count && memchr(axes, axis, (size_t)count);
}

/* Of n's operand i the axis that is the result's `axis`, where it is among those that are not folded. */
static int unfolded(const Node *n, int rank, int axis)
{
	for (int a = 0; a < rank; a++)
		if (!is_in(n->attr.axes.at, n->attr.axes.count, a) && axis-- == 0)
			return a;
	return MIXED;
}

static int along_dot(const Rows *r, const Node *n, int i, int axis)
{
	const DotAxes *d = &n->attr.dot;
	if (axis < d->batch)
		return (i ? d->y_batch : d->x_batch)[axis];
	axis -= d->batch;
	for (int side = 0; side < 2; side++)
		for (int a = 0; a < node(r->g, n->in[side])->shape.rank; a++) {
			bool folds = is_in(side ? d->y_batch : d->x_batch, d->batch, a) ||
			             is_in(side ? d->y_contract : d->x_contract, d->contract, a);
			if (!folds && axis-- == 0)
				return side == i ? a : NOWHERE;
		}
	return MIXED;
}

/* operand_axis, for sums and products too. */
static int along(const Rows *r, const Node *n, int i, int axis)
{
	if (n->op == OP_dot)
		return along_dot(r, n, i, axis);
	if (op_info[n->op].kind == REDUCE)
		return unfolded(n, node(r->g, n->in[0])->shape.rank, axis);
	return operand_axis(r->g, n, i, axis);
}

/* Places along `axis` of n read what is the same for all of them of operand i. What a gather reads is chosen by its
 * indices alone. */
static bool is_constant(const Rows *r, const Node *n, int i, int axis)
{
	int a = along(r, n, i, axis);
	bool chosen = n->op == OP_gather && i == 0;
	return a == NOWHERE || (a == MIXED && chosen) || (a >= 0 && (r->constant[n->in[i]] >> a & 1));
}

static void find_leaf(Rows *r, NodeId x)
{
	const Node *n = node(r->g, x);
	bool is_drawn = n->op == OP_random ||
	                (n->op == OP_input && strcmp(n->attr.name, "seed") == 0) ||
	                (n->op == OP_input && strcmp(n->attr.name, "step") == 0);
	bool has_rows = n->op == OP_input && n->shape.rank && n->shape.dim[0] == r->batch;
	bool is_fixed = !is_drawn && !r->moves[x];
	r->axis[x] = !is_fixed ? MIXED : has_rows ? 0 : n->op == OP_input ? MIXED : NOWHERE;
	if (n->op == OP_iota)
		r->constant[x] = (uint8_t) ~(1u << n->attr.axis);
}

/* Whether place i along the axis is sample i's, by each operand. */
static bool is_axis(const Rows *r, const Node *n, int axis)
{
	for (int i = 0; i < n->count; i++) {
		int8_t of = r->axis[n->in[i]];
		if (of == NOWHERE ? !is_constant(r, n, i, axis) : along(r, n, i, axis) != of)
			return false;
	}
	return true;
}

static void find_rows(Rows *r, NodeId x)
{
	const Node *n = node(r->g, x);
	bool of_data = false, fixed = op_info[n->op].kind != META && op_info[n->op].kind != LOOP;
	r->sums[x] = op_info[n->op].kind == CONTRACT || op_info[n->op].kind == REDUCE;
	for (int i = 0; i < n->count; i++) {
		fixed &= r->axis[n->in[i]] != MIXED;
		of_data |= r->axis[n->in[i]] != NOWHERE;
		r->sums[x] |= r->axis[n->in[i]] >= 0 && r->sums[n->in[i]];
	}
	fixed &= !r->moves[x];
	r->axis[x] = fixed && !of_data ? NOWHERE : MIXED;
	for (int a = 0; a < n->shape.rank && fixed; a++) {
		if (of_data && r->axis[x] == MIXED && n->shape.dim[a] == r->batch && is_axis(r, n, a))
			r->axis[x] = (int8_t)a;
		bool constant = !of_data;
		for (int i = 0; i < n->count && constant; i++)
			constant = is_constant(r, n, i, a);
		r->constant[x] |= (uint8_t)(constant << a);
	}
}

/* -- Which of them are kept -------------------------------------------------------------------- */

/* It is made of something smaller, or as large and only in another order. */
static bool may_wait(const Graph *g, const Node *n)
{
	int64_t most = 0, size = shape_size(n->shape);
	for (int i = 0; i < n->count; i++)
		most = shape_size(node(g, n->in[i])->shape) > most ? shape_size(node(g, n->in[i])->shape)
		                                                   : most;
	bool sums = op_info[n->op].kind == CONTRACT || op_info[n->op].kind == REDUCE;
	return !sums && (size > most || (size == most && op_only_moves(n->op)));
}

/* x is of a row, and something reads it that is not: it is kept, or what it is made of. */
static void keep(Rows *r, NodeId x, bool *asked)
{
	const Node *n = node(r->g, x);
	bool fits = r->axis[x] == 0 && n->type != DTYPE_bool && n->type != DTYPE_bf16;
	if (r->axis[x] < 0 || !r->sums[x])
		return;
	if (fits && !may_wait(r->g, n)) {
		r->cut[x] = true;
		return;
	}
	for (int i = 0; i < n->count; i++)
		asked[n->in[i]] = true;
}

/* Those that are kept; bytes of a row of all of them. */
static int64_t choose(Rows *r, bool *asked)
{
	const Graph *g = r->g;
	int64_t bytes = 0;
	for (NodeId x = 1; x < g->count; x++)
		for (int i = 0; i < node(g, x)->count && r->axis[x] < 0; i++)
			asked[node(g, x)->in[i]] = true;
	for (uint32_t i = 0; i < g->out_count; i++)
		asked[g->out[i].value] = true;
	for (uint32_t i = 0; i < g->set_count; i++)
		asked[g->set[i].value] = true;
	for (NodeId x = g->count - 1; x > 0; x--) {
		if (asked[x])
			keep(r, x, asked);
		if (r->cut[x])
			bytes += shape_size(node(g, x)->shape) / r->batch * type_info[node(g, x)->type].size;
	}
	return bytes;
}

/* -- The two functions ------------------------------------------------------------------------- */

static void build_encode(Elab *b, const Rows *r, const char *task)
{
	Graph names = {.c = b->c}, *g = new (b->c->arena, Graph);
	for (NodeId x = 1, count = 0; x < r->g->count; x++)
		if (r->cut[x])
			graph_output(&names, arena_printf(b->c->arena, "%u", count++), x);
	*g = *r->g;
	g->name = arena_printf(b->c->arena, "%s.encode", task);
	g->out = names.out;
	g->out_count = names.out_count;
	g->set_count = 0;
	add_graph(b, graph_live(b->c, g));
}

static void build_encoded_step(Elab *b, const Rows *r, const char *task)
{
	const Graph *from = r->g;
	Graph *g = graph_new(b->c, arena_printf(b->c->arena, "%s.step.encoded", task));
	NodeId *map = new_array(b->c->arena, NodeId, from->count);
	for (NodeId x = 1, count = 0; x < from->count; x++) {
		const Node *n = node(from, x);
		const char *name = arena_printf(b->c->arena, "encode.%u", count);
		count += r->cut[x];
		g->origin = n->origin;
		map[x] =
		    r->cut[x] ? op_input(g, name, n->type, n->shape) : graph_copy_node(g, from, x, map);
	}
	for (uint32_t i = 0; i < from->out_count; i++)
		graph_output(g, from->out[i].name, map[from->out[i].value]);
	for (uint32_t i = 0; i < from->set_count; i++)
		graph_set(g, map[from->set[i].state], map[from->set[i].value]);
	add_graph(b, graph_live(b->c, g));
}

void build_encoded(Elab *b, const BundleTask *to)
{
	if (to->steps * to->batch <= to->samples)
		return; /* each sample is seen once */
	const Graph *g = graph_live(b->c, b->g);
	Rows r = {.g = g,
	          .batch = to->batch,
	          .axis = new_array(b->c->arena, int8_t, g->count),
	          .constant = new_array(b->c->arena, uint8_t, g->count),
	          .moves = new_array(b->c->arena, bool, g->count),
	          .sums = new_array(b->c->arena, bool, g->count),
	          .cut = new_array(b->c->arena, bool, g->count)};
	for (uint32_t i = 0; i < g->set_count; i++)
		r.moves[g->set[i].state] = g->set[i].value != g->set[i].state;
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_gradient)
			r.moves[node(g, x)->in[1]] = true;
	for (NodeId x = 1; x < g->count; x++)
		if (op_info[node(g, x)->op].kind == LEAF)
			find_leaf(&r, x);
		else
			find_rows(&r, x);
	int64_t bytes = choose(&r, new_array(b->c->arena, bool, g->count)), all;
	if (!bytes || __builtin_mul_overflow(bytes, to->samples, &all) || all > MOST_BYTES)
		return;
	build_encode(b, &r, to->name);
	build_encoded_step(b, &r, to->name);
}
