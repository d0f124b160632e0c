/* repeat.c: what is computed again where it is needed, instead of being stored and loaded.
 *
 * Memory is slower than arithmetic: a value as large as a tensor costs a write and a read for each
 * use. If it follows from one stored tensor of that size by a few cheap operations (and from small
 * things: a mean, a scale, a bias), every user may load that tensor instead, at no more than the
 * load of the value itself. Chen et al. 2016, "Training deep nets with sublinear memory cost", in
 * the small. */
#include "fuse.h"

enum { MOST_WORK = 8, MOST_WORK_LATE = 40, DEEPEST = 16, EASY = 4 };

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

/* Whether kernel `home` loads o: an operand of what it computes. */
static bool is_loaded(Fuse *f, NodeId x, NodeId o, int depth)
{
	const Node *n = node(f->g, x);
	if (f->seen[x] == f->walks || depth == 0)
		return false;
	f->seen[x] = f->walks;
	for (int i = 0; i < n->count; i++)
		if (n->in[i] == o || (!f->stored[n->in[i]] && is_loaded(f, n->in[i], o, depth - 1)))
			return true;
	return false;
}

/* Whether kernel `home`, which reads x, loads all that x is made of as well. */
static bool has_operands(Fuse *f, NodeId x, uint32_t home)
{
	const Node *n = node(f->g, x);
	for (int i = 0; i < n->count; i++) {
		NodeId o = n->in[i];
		bool loads = shape_size(node(f->g, o)->shape) == 1 && node(f->g, o)->op == OP_constant;
		if (!loads && !f->stored[o])
			return false;
		f->walks++;
		for (NodeId y = o + 1; !loads && y < f->g->count; y++)
			loads = f->home[y] == home && y != x && is_loaded(f, y, o, DEEPEST);
		if (!loads)
			return false;
	}
	return true;
}

/* A product's epilogue multiplies by what is there, for a fold of rows that reads both factors as well:
 * the fold does it as soon, and nothing is stored. */
static void leave_to_rows(Fuse *f, NodeId x, uint32_t user)
{
	const Node *n = node(f->g, x);
	const Home *to = &f->homes[user - 1];
	if (to->kind == KERNEL_row && shape_equal(n->shape, to->shape) &&
	    op_info[n->op].weight <= EASY && has_operands(f, x, user))
		unstore(f, x);
}

/* The backward pass reads much that the forward one could as well have left to it: what one other
 * kernel alone needs, and follows from one tensor that is stored for others, too. More work is
 * allowed than above: it is done once more, not many times, as where it is stretched. */
void fuse_repeat_late(Fuse *f)
{
	uint32_t *outside = new_array(f->c->arena, uint32_t, f->g->count),
	         *user = new_array(f->c->arena, uint32_t, f->g->count);
	for (NodeId x = 1; x < f->g->count; x++)
		for (int i = 0; i < node(f->g, x)->count; i++) {
			NodeId o = node(f->g, x)->in[i];
			outside[o] += f->home[o] != f->home[x];
			user[o] = f->home[o] != f->home[x] ? f->home[x] : user[o];
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
		else if (user[x])
			leave_to_rows(f, x, user[x]);
	}
}
