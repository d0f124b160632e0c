/* must_store.c: what must be stored whatever the kernels are: results, and operands that codegen
 * reads at will.
 *
 * A reshape can be seen through only if its operand is stored, the row-major order is all that
 * matters, or it spreads what windows go over (reshape_is_spread); a gather and a scatter jump about
 * in their operand; a dot packs its operands, perhaps more than once; a fold over windows reads what
 * lies under them again and again. What a dot takes in bf16 is stored so, half as large as the f32 that
 * it is made of, but for inputs and states, which are rounded while they are packed.
 *
 * A constant is made wherever it is used, even if it is a result as well: one node may be the half
 * of a mean and that of an optimizer, whose kernels come in any order. */
#include "fuse.h"

#include <string.h>

bool node_is_leaf(const Node *n)
{
	return n->op == OP_input || n->op == OP_state;
}

bool node_is_constant(const Node *n)
{
	return n->op == OP_constant || n->op == OP_iota;
}

bool node_is_filled(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	while (n->op == OP_broadcast)
		n = node(g, n->in[0]);
	return node_is_constant(n);
}

bool node_is_one_number(const Graph *g, NodeId x)
{
	while (node(g, x)->op == OP_broadcast)
		x = node(g, x)->in[0];
	return node(g, x)->op == OP_constant;
}

/* Cheap to compute while packing, perhaps twice: views and casts of what is stored. */
static bool packs_well(const Graph *g, NodeId x)
{
	for (int depth = 0; depth < 8; depth++) {
		const Node *n = node(g, x);
		if (node_is_leaf(n))
			return true;
		if (n->op == OP_reshape && !reshape_is_unit(g, n))
			return true; /* its operand must be stored */
		if (!op_only_moves(n->op) && n->op != OP_cast)
			return false;
		x = n->in[0];
	}
	return false;
}

/* Views of something that is no view: store what is at their end. */
static void store_behind_views(Fuse *f, NodeId x)
{
	while (op_only_moves(node(f->g, x)->op) && !packs_well(f->g, x))
		x = node(f->g, x)->in[0];
	f->must_store[x] |= !node_is_constant(node(f->g, x));
}

static void store_bf16(Fuse *f, NodeId x)
{
	bool windows = false; /* read in place, many times */
	const Node *n = node(f->g, x);
	for (; op_only_moves(n->op); n = node(f->g, x)) {
		windows |= n->op == OP_windows;
		x = n->in[0];
	}
	bool packs = n->op == OP_cast && node_is_leaf(node(f->g, n->in[0])) && !windows;
	f->must_store[x] |= !packs && !node_is_leaf(n) && !node_is_constant(n);
}

NodeId result_of(const Graph *g, NodeId x)
{
	NodeId at = x;
	while (node(g, at)->op == OP_reshape)
		at = node(g, at)->in[0];
	return node_is_leaf(node(g, at)) || node_is_filled(g, at) ? x : at;
}

static void store_result(Fuse *f, NodeId x)
{
	f->must_store[x] |= !node_is_filled(f->g, x); /* it is made where it belongs: buffers.c */
}

/* Between windows x and what lies under them: what spreads elements of that; 0: nothing. */
static NodeId find_spread(const Graph *g, NodeId x, NodeId base)
{
	for (; x != base; x = node(g, x)->in[0])
		if (reshape_is_spread(g, node(g, x)))
			return x;
	return 0;
}

/* A fold over windows that overlap reads each element often (a depth-wise convolution): what it
 * reads is stored with the padding in place, so that no step of the fold asks where the border is. */
static void store_under_windows(Fuse *f, NodeId x, int depth)
{
	const Graph *g = f->g;
	const Node *n = node(g, x);
	NodeId base = under_windows(g, x);
	if (base != x) {
		NodeId spread = find_spread(g, x, base);
		f->in_place[spread] = true;
		bool often = spread || 2 * shape_size(n->shape) >= 3 * shape_size(node(g, base)->shape);
		f->must_store[base] |= often && !node_is_leaf(node(g, base)) && !node_is_filled(g, base);
		return;
	}
	for (int i = 0; op_info[n->op].kind == MAP && depth > 0 && i < n->count; i++)
		store_under_windows(f, n->in[i], depth - 1);
}

/* What lies in memory for a gather of x: behind a reshape it lies in the same order, but a constant is
 * made where it is used. */
static NodeId gathered(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	return n->op == OP_reshape && !node_is_filled(g, n->in[0]) ? n->in[0] : x;
}

/* A number for each sample, drawn or exponentiated, would be so again for each element of it. */
static void note_spread(Fuse *f, const Node *broadcast)
{
	enum { MUCH = 16 };
	int64_t from = shape_size(node(f->g, broadcast->in[0])->shape);
	f->spread[broadcast->in[0]] |= from > 1 && shape_size(broadcast->shape) / MUCH >= from;
}

/* Products over the rows of pairs of places, as are the gradients of attention's keys and values: in a chain they add up
 * a block of rows at a time (chain.c), and nothing can be computed of them before the last. What follows in another
 * kernel costs less than to store all pairs. */
static void store_sums_of_pairs(Fuse *f)
{
	const Graph *g = f->g;
	bool *is_pair = new_array(f->c->arena, bool, g->count);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		for (int i = 0; op_info[n->op].kind == MAP && i < n->count; i++)
			is_pair[x] |= is_pair[n->in[i]] && shape_equal(n->shape, node(g, n->in[i])->shape);
		if (n->op != OP_dot)
			continue;
		const DotAxes *d = &n->attr.dot;
		is_pair[x] = d->batch > 0 && n->shape.rank == d->batch + 2;
		for (int i = 0; is_pair[x] && d->contract == 1 && i < 2; i++) {
			bool rows = (i ? d->y_contract : d->x_contract)[0] == d->batch;
			bool more = shape_size(node(g, n->in[i])->shape) > shape_size(n->shape);
			f->alone[x] |= is_pair[n->in[i]] && rows && more;
		}
		f->must_store[x] |= f->alone[x];
	}
}

void fuse_must_store(Fuse *f)
{
	const Graph *g = f->g;
	fuse_sides(f);
	if (!f->c->machine->bare)
		store_sums_of_pairs(f);
	for (uint32_t i = 0; i < g->out_count; i++)
		store_result(f, result_of(g, g->out[i].value));
	for (uint32_t i = 0; i < g->set_count; i++)
		store_result(f, g->set[i].value);
	for (NodeId x = 1; x < g->count; x++)
		if (op_info[node(g, x)->op].kind == REDUCE &&
		    !f->c->machine->bare) /* there memory is dear */
			store_under_windows(f, node(g, x)->in[0], 8);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		for (int i = 0; i < n->count; i++)
			f->uses[n->in[i]]++;
		if (n->op == OP_broadcast)
			note_spread(f, n);
		if (n->op == OP_reshape && !reshape_is_unit(g, n) && !f->in_place[x])
			f->must_store[n->in[0]] = true;
		if (n->op == OP_gather)
			f->must_store[gathered(g, n->in[0])] = true;
		for (int i = 0; n->op == OP_scatter_add && i < n->count; i++)
			f->must_store[n->in[i]] |=
			    !(i == 0 ? node_is_one_number(g, n->in[i]) : node(g, n->in[i])->op == OP_constant);
		f->must_store[x] |= op_info[n->op].kind == LOOP;
		for (int i = 0; n->op == OP_scan && i < n->count; i++)
			f->must_store[loop_base(g, n->in[i])] = true;
		for (int i = 0; n->op == OP_dot && i < 2; i++)
			if (node(g, n->in[i])->type == DTYPE_bf16)
				store_bf16(f, n->in[i]);
			else if (!packs_well(g, n->in[i]))
				store_behind_views(f, n->in[i]);
	}
}
