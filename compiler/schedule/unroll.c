/* unroll.c: axes of a map kernel along which it is known what is computed.
 *
 * A concatenation of parts of length 1 computes another expression at every place along its axis:
 * a transform by a small matrix, written out (Winograd's). A loop over that axis would ask at every
 * element which part it is in, and compute again what the parts share. Such axes are unrolled,
 * innermost: their indices are constants, and all places together are one straight line of code.
 *
 * A transform along two axes is two such concatenations, the second of slices of the first. The
 * first, and all between, are stages of the second: computed in its kernel, where every place of
 * them is made once and found again. */
#include "fuse.h"

enum {
	MOST_PLACES = 64,
	MOST_PARTS = 8,
	DEEPEST = 32,
	MOST_CODE = 4096, /* places times operations at one of them */
	LANES = 16,       /* of the longest vector */
};

typedef struct Unroll {
	const Kernels *k;
	const Visit *visit; /* what the kernel computes and loads */
	uint32_t count;
	bool *seen; /* [1 + count] by visit_number */
	uint32_t axes;
} Unroll;

bool concat_is_places(const Graph *g, const Node *n)
{
	bool lanes = (int)n->attr.axis == n->shape.rank - 1; /* they run along the last axis */
	if (n->op != OP_concat || n->count < 2 || n->count > MOST_PARTS || lanes)
		return false;
	for (int i = 0; i < n->count; i++)
		if (node(g, n->in[i])->shape.dim[n->attr.axis] != 1)
			return false;
	return true;
}

/* -- Stages --------------------------------------------------------------------------------- */

/* The axis of which the slice takes one place, all of every other; -1: it is not so. */
static int place_axis(const Graph *g, const Node *slice)
{
	Shape from = node(g, slice->in[0])->shape;
	int axis = -1;
	for (int i = 0; i < from.rank; i++) {
		if (slice->shape.dim[i] == from.dim[i] && slice->attr.slice.step[i] > 0)
			continue;
		if (slice->shape.dim[i] != 1 || axis >= 0)
			return -1;
		axis = i;
	}
	return axis;
}

/* The concatenation that all users of a node end in, by way of operations on elements and slices of
 * one place along its axis. */
typedef struct End {
	NodeId concat; /* 0: there is none, or there are several */
	int axis;
	int64_t places; /* of it, and of what it is a stage of */
	bool used;
} End;

static bool is_stage(const Graph *g, const Node *n, const End *end)
{
	if (!end->concat)
		return false;
	if (concat_is_places(g, n))
		return end->axis != (int)n->attr.axis && end->places * n->count <= MOST_PLACES;
	return n->op == OP_slice ? place_axis(g, n) == end->axis : op_info[n->op].kind == MAP;
}

/* As operand i of n. */
static End end_of(const Fuse *f, const Node *n, NodeId x, int i, const End *ends)
{
	const Graph *g = f->g;
	const End *own = &ends[x];
	if (n->op == OP_slice)
		return is_stage(g, n, own) ? *own : (End){0};
	if (node(g, n->in[i])->op == OP_concat) /* only slices keep it a stage */
		return (End){0};
	if (concat_is_places(g, n)) {
		int64_t places = n->count * (f->stage[x] ? own->places : 1);
		return (End){f->stage[x] ? own->concat : x, (int)n->attr.axis, places, true};
	}
	return op_info[n->op].kind == MAP ? *own : (End){0};
}

void fuse_stages(Fuse *f)
{
	const Graph *g = f->g;
	End *ends = new_array(f->c->arena, End, g->count);
	for (NodeId x = g->count - 1; x > 0; x--) {
		const Node *n = node(g, x);
		f->stage[x] = !f->must_store[x] && is_stage(g, n, &ends[x]);
		for (int i = 0; i < n->count; i++) {
			End *of = &ends[n->in[i]], end = end_of(f, n, x, i, ends);
			bool same = !of->used || (of->concat == end.concat && of->axis == end.axis);
			*of = same ? end : (End){0};
			of->used = true;
		}
	}
}

/* -- Axes ----------------------------------------------------------------------------------- */

/* Where the axes of n's operands are in the loops; false: not to be followed. from, to: the loop's
 * axis for each axis of n and of an operand, -1: none. */
static bool follow(const Graph *g, const Node *n, const int *from, int *to)
{
	for (int a = 0; a < MAX_RANK; a++)
		to[a] = -1;
	if (op_info[n->op].kind == MAP || n->op == OP_slice || n->op == OP_concat) {
		for (int a = 0; a < n->shape.rank; a++) {
			bool cut = n->op == OP_slice && n->attr.slice.step[a] < 1;
			to[a] = cut ? -1 : from[a];
		}
		return true;
	}
	if (n->op == OP_transpose) {
		for (int a = 0; a < n->shape.rank; a++)
			to[n->attr.axes.at[a]] = from[a];
		return true;
	}
	if (n->op != OP_reshape || !reshape_is_unit(g, n))
		return false;
	int behind[MAX_RANK];
	reshape_unit_axes(g, n, behind);
	for (int a = 0; a < node(g, n->in[0])->shape.rank; a++)
		to[a] = behind[a] < 0 ? -1 : from[behind[a]];
	return true;
}

static void find(Unroll *u, NodeId x, const int *axis, int depth)
{
	const Graph *g = u->k->graph;
	const Node *n = node(g, x);
	u->seen[visit_number(u->visit, u->count, x)] = true;
	if (concat_is_places(g, n) && axis[n->attr.axis] >= 0)
		u->axes |= 1u << axis[n->attr.axis];
	int to[MAX_RANK];
	if (depth == DEEPEST || !follow(g, n, axis, to))
		return;
	for (int i = 0; i < n->count; i++)
		if (!u->seen[visit_number(u->visit, u->count, n->in[i])] && !u->k->buffer_of[n->in[i]])
			find(u, n->in[i], to, depth + 1);
}

/* Of all that is computed in the kernel at a place. */
static int64_t body_weight(const Unroll *u)
{
	int64_t weight = 0;
	for (uint32_t i = 0; i < u->count; i++)
		weight += u->visit[i].here ? op_info[node(u->k->graph, u->visit[i].node)->op].weight : 0;
	return weight;
}

static uint32_t unrolled(Compile *c, const Kernels *k, const Kernel *kernel, Shape s)
{
	Unroll u = {.k = k};
	u.visit = kernel_walk(c, k, kernel, &u.count);
	u.seen = new_array(c->arena, bool, u.count + 1);
	int axis[MAX_RANK];
	for (int i = 0; i < MAX_RANK; i++)
		axis[i] = i < s.rank ? i : -1;
	find(&u, kernel->out[0], axis, 0);
	u.axes &= ~(1u << shape_long_axis(s)); /* lanes run there */
	if (!u.axes)
		return 0;
	int64_t places = 1;
	bool loops = false; /* a loop for tiles is left */
	for (int i = 0; i + 1 < s.rank; i++) {
		places *= u.axes >> i & 1 ? s.dim[i] : 1;
		loops |= !(u.axes >> i & 1) && s.dim[i] > 1;
	}
	bool fits = places <= MOST_PLACES && places * body_weight(&u) <= MOST_CODE;
	return loops && fits ? u.axes : 0;
}

/* As many streams as places fill no cache but memory: each line would be read before it is written.
 * Buffers of the arena begin with a line; vectors that are as long as one, or a part of it, share
 * none, unless the parts of a concatenation begin somewhere else. */
void kernel_unroll(Compile *c, const Kernels *k, Kernel *kernel)
{
	if (kernel->kind != KERNEL_map || kernel->flat || kernel->out_count != 1)
		return;
	const Node *out = node(k->graph, kernel->out[0]);
	const Buffer *to = &k->buffer[kernel->to[0]];
	Shape s = out->shape;
	if (s.rank < 2)
		return;
	ArenaMark mark = arena_mark(c->arena);
	kernel->unrolled = unrolled(c, k, kernel, s);
	arena_reset(c->arena, mark);
	bool parts = out->op == OP_concat && !(kernel->unrolled >> out->attr.axis & 1);
	kernel->streams = kernel->unrolled && !parts && to->storage == STORED_ARENA &&
	                  c->machine->l3_bytes && to->bytes >= (uint64_t)c->machine->l3_bytes &&
	                  s.dim[s.rank - 1] % LANES == 0;
}
