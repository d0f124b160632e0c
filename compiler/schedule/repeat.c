/* repeat.c: what is computed again where it is needed, instead of being stored and loaded.
 *
 * Memory is slower than arithmetic: a value as large as a tensor costs a write and a read for each
 * use. If it follows from one stored tensor of that size by a few cheap operations (and from small
 * things: a mean, a scale, a bias), every user may load that tensor instead, at no more than the
 * load of the value itself. Chen et al. 2016, "Training deep nets with sublinear memory cost", in
 * the small. */
#include "fuse.h"

enum { MOST_WORK = 8, DEEPEST = 16 };

typedef struct Walk {
	const Fuse *f;
	int64_t size;
	unsigned work, depth;
	NodeId large; /* the one tensor of that size */
} Walk;

static bool large_enough(Walk *w, NodeId x)
{
	if (shape_size(node(w->f->g, x)->shape) < w->size)
		return true;
	bool first = w->large == 0 || w->large == x;
	w->large = x;
	return first;
}

static bool walk(Walk *w, NodeId x)
{
	const Fuse *f = w->f;
	const Node *n = node(f->g, x);
	if (node_is_leaf(n) || f->stored[x])
		return large_enough(w, x);
	bool small = shape_size(n->shape) < w->size;
	if (small && f->home[x])
		return true; /* stored when asked for */
	Kind kind = op_info[n->op].kind;
	bool view = n->op == OP_broadcast || (n->op == OP_reshape && reshape_is_unit(f->g, n));
	bool cheap = kind == MAP && node_weight(n) <= 4 && n->type != DTYPE_bool;
	if (!view && !cheap && n->op != OP_constant && n->op != OP_iota)
		return false;
	w->work += cheap && !small ? node_weight(n) : 0;
	if (w->work > MOST_WORK || w->depth == DEEPEST)
		return false;
	w->depth++;
	for (int i = 0; i < n->count; i++)
		if (!walk(w, n->in[i]))
			return false;
	w->depth--;
	return true;
}

bool fuse_repeats(const Fuse *f, NodeId x)
{
	Walk w = {.f = f, .size = shape_size(node(f->g, x)->shape)};
	return op_info[node(f->g, x)->op].kind == MAP && w.size > 64 && walk(&w, x) && w.large;
}
