/* early.c: numbers that are known when the step begins: learning rates, bias corrections.
 *
 * What follows from leaves and constants alone, is one number, and takes some work is computed
 * once, by the first kernel, however late in the graph it stands. Elsewhere every kernel that
 * updates a parameter would compute it again. */
#include "fuse.h"

enum { WORTH_STORING = 5, HEAVIEST = 4096 };

typedef struct Early {
	Fuse *f;
	uint16_t *weight; /* [count] of all behind a node that is early; 0: it is not */
	bool *needed;     /* by a node that is not early */
	bool *wanted;     /* in the first kernel */
	bool *late;       /* reads a result that is not */
} Early;

static void find_early(Early *e)
{
	const Graph *g = e->f->g;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		bool early = op_info[n->op].kind == MAP && shape_size(n->shape) == 1;
		unsigned sum = op_info[n->op].weight + 1;
		for (int i = 0; early && i < n->count; i++) {
			NodeId o = n->in[i];
			early = e->weight[o] || node_is_leaf(node(g, o)) || node(g, o)->op == OP_constant;
			sum += e->weight[o];
		}
		e->weight[x] = (uint16_t)(!early ? 0 : sum < HEAVIEST ? sum : HEAVIEST);
		for (int i = 0; !early && i < n->count; i++)
			e->needed[n->in[i]] = true;
	}
}

/* A result that something wanted follows from is stored anyway: by the first kernel, too, which
 * would else read it before it is written. */
static void find_wanted(Early *e)
{
	const Fuse *f = e->f;
	bool *behind = new_array(f->c->arena, bool, f->g->count);
	for (NodeId x = f->g->count - 1; x > 0; x--) {
		const Node *n = node(f->g, x);
		if (!e->weight[x])
			continue;
		e->wanted[x] = f->forced[x] ? behind[x] : e->needed[x] && e->weight[x] > WORTH_STORING;
		for (int i = 0; i < n->count; i++)
			behind[n->in[i]] |= behind[x] || e->wanted[x];
	}
}

/* The first home is there if it is needed. */
static bool take(Fuse *f, NodeId x)
{
	if (!f->home_count) {
		f->flat[x] = true;
		fuse_open(f, KERNEL_map, x);
	}
	Home *h = &f->homes[0];
	if (!shape_equal(node(f->g, x)->shape, h->shape) || h->outs + 2 > MAX_KERNEL_OUTS)
		return false;
	h->out[h->outs++] = x;
	f->home[x] = 1;
	f->stored[x] = f->flat[x] = true;
	return true;
}

void fuse_early(Fuse *f)
{
	const Graph *g = f->g;
	ArenaMark mark = arena_mark(f->c->arena);
	Early e = {.f = f};
	e.weight = new_array(f->c->arena, uint16_t, g->count);
	e.needed = new_array(f->c->arena, bool, g->count);
	e.wanted = new_array(f->c->arena, bool, g->count);
	e.late = new_array(f->c->arena, bool, g->count);
	find_early(&e);
	find_wanted(&e);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		for (int i = 0; i < n->count; i++)
			e.late[x] |= e.late[n->in[i]];
		bool taken = e.wanted[x] && !e.late[x] && take(f, x);
		e.late[x] |= e.weight[x] && f->forced[x] && !taken;
	}
	arena_reset(f->c->arena, mark);
}
