/* scalars.c: numbers that are known when a step begins: learning rates, bias corrections.
 *
 * What follows from leaves and constants alone, is one number, and takes some work is computed
 * once, by the first kernel, however late in the graph it stands. Elsewhere every kernel that
 * updates a parameter would compute it again. */
#include "fuse.h"

enum { WORTH_STORING = 5, HEAVIEST = 4096 };

typedef struct Scalars {
	Fuse *f;
	uint16_t *weight; /* [count] of all behind a scalar; 0: it is none */
	bool *needed;     /* by a node that is none */
	bool *wanted;     /* in the first kernel */
	bool *late;       /* reads a result that is not */
} Scalars;

static void find_scalars(Scalars *s)
{
	const Graph *g = s->f->g;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		bool scalar = op_info[n->op].kind == MAP && shape_size(n->shape) == 1;
		unsigned sum = op_info[n->op].weight + 1;
		for (int i = 0; scalar && i < n->count; i++) {
			NodeId o = n->in[i];
			scalar = s->weight[o] || node_is_leaf(node(g, o)) || node(g, o)->op == OP_constant;
			sum += s->weight[o];
		}
		s->weight[x] = (uint16_t)(!scalar ? 0 : sum < HEAVIEST ? sum : HEAVIEST);
		for (int i = 0; !scalar && i < n->count; i++)
			s->needed[n->in[i]] = true;
	}
}

/* A result that something wanted follows from is stored anyway: by the first kernel, too, which
 * would else read it before it is written. */
static void find_wanted(Scalars *s)
{
	const Fuse *f = s->f;
	bool *behind = new_array(f->c->arena, bool, f->g->count);
	for (NodeId x = f->g->count - 1; x > 0; x--) {
		const Node *n = node(f->g, x);
		if (!s->weight[x])
			continue;
		s->wanted[x] = f->chooses[x]      ? true
		               : f->must_store[x] ? behind[x]
		                                  : s->needed[x] && s->weight[x] > WORTH_STORING;
		for (int i = 0; i < n->count; i++)
			behind[n->in[i]] |= behind[x] || s->wanted[x];
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

void fuse_scalars(Fuse *f)
{
	const Graph *g = f->g;
	ArenaMark mark = arena_mark(f->c->arena);
	Scalars s = {.f = f};
	s.weight = new_array(f->c->arena, uint16_t, g->count);
	s.needed = new_array(f->c->arena, bool, g->count);
	s.wanted = new_array(f->c->arena, bool, g->count);
	s.late = new_array(f->c->arena, bool, g->count);
	find_scalars(&s);
	find_wanted(&s);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		for (int i = 0; i < n->count; i++)
			s.late[x] |= s.late[n->in[i]];
		bool taken = s.wanted[x] && !s.late[x] && take(f, x);
		s.late[x] |= s.weight[x] && f->must_store[x] && !taken;
	}
	arena_reset(f->c->arena, mark);
}
