/* repeat.c: what is computed again where it is needed, instead of being stored and loaded.
 *
 * Memory is slower than arithmetic: a value as large as a tensor costs a write and a read for each
 * use. If it follows from one stored tensor of that size by a few cheap operations (and from small
 * things: a mean, a scale, a bias), every user may load that tensor instead, at no more than the
 * load of the value itself. Chen et al. 2016, "Training deep nets with sublinear memory cost", in
 * the small. */
#include "fuse.h"

enum { MOST_WORK = 8, MOST_WORK_LATE = 40, DEEPEST = 16 };

typedef struct Walk {
	const Fuse *f;
	int64_t size;
	unsigned work, most, depth;
	bool late;    /* nothing more is stored when asked for */
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

/* What lies in memory under something that only moves elements of it. */
static NodeId behind_views(const Fuse *f, NodeId x)
{
	while (!f->stored[x] && op_only_moves(node(f->g, x)->op))
		x = node(f->g, x)->in[0];
	return x;
}

static bool walk(Walk *w, NodeId x)
{
	const Fuse *f = w->f;
	const Node *n = node(f->g, x);
	if (node_is_leaf(n) || f->stored[x])
		return large_enough(w, x);
	bool small = shape_size(n->shape) < w->size;
	if (small && f->home[x] && !w->late)
		return true; /* stored when asked for */
	Kind kind = op_info[n->op].kind;
	bool view = n->op == OP_broadcast || (n->op == OP_reshape && reshape_is_unit(f->g, n));
	if (small && op_only_moves(n->op) && !view) /* a few elements of a tensor of any size */
		return f->stored[behind_views(f, x)];
	bool cheap = kind == MAP && (w->late || op_info[n->op].weight <= 4) && n->type != DTYPE_bool;
	if (!view && !cheap && n->op != OP_constant && n->op != OP_iota)
		return false;
	w->work += cheap && !small ? op_info[n->op].weight : 0;
	if (w->work > w->most || w->depth == DEEPEST)
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
	Walk w = {.f = f, .size = shape_size(node(f->g, x)->shape), .most = MOST_WORK};
	return op_info[node(f->g, x)->op].kind == MAP && w.size > 64 && walk(&w, x) && w.large;
}

/* -- When all is decided ----------------------------------------------------------------------- */

static void unstore(Fuse *f, NodeId x)
{
	Home *h = &f->homes[f->home[x] - 1];
	uint32_t kept = 0;
	for (uint32_t i = 0; i < h->outs; i++)
		if (h->out[i] != x)
			h->out[kept++] = h->out[i];
	h->outs = kept;
	f->stored[x] = false;
	f->repeats[x] = true;
}

/* The backward pass reads much that the forward one could as well have left to it: what one other
 * kernel alone needs, and follows from one tensor that is stored for others, too. More work is
 * allowed than above: it is done once more, not many times, as where it is stretched. */
void fuse_repeat_late(Fuse *f)
{
	uint32_t *outside = new_array(f->c->arena, uint32_t, f->g->count);
	for (NodeId x = 1; x < f->g->count; x++)
		for (int i = 0; i < node(f->g, x)->count; i++) {
			NodeId o = node(f->g, x)->in[i];
			outside[o] += f->home[o] != f->home[x];
		}
	for (NodeId x = f->g->count - 1; x > 0; x--) {
		const Node *n = node(f->g, x);
		bool may = f->stored[x] && f->home[x] && !f->must_store[x] && op_info[n->op].kind == MAP &&
		           !f->spread[x];
		if (!may || outside[x] != 1 || f->homes[f->home[x] - 1].outs < 2)
			continue;
		Walk w = {.f = f, .size = shape_size(n->shape), .most = MOST_WORK_LATE, .late = true};
		bool good = w.size > 64 && f->flat[x] && n->type != DTYPE_bool;
		f->stored[x] = false;
		good = good && walk(&w, x) && w.large;
		f->stored[x] = true;
		if (good)
			unstore(f, x);
	}
}
