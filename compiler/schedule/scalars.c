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
	bool *behind;     /* something wanted follows from it */
	uint32_t *body;   /* of what is not stored: the size of its code */
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
	for (NodeId x = f->g->count - 1; x > 0; x--) {
		const Node *n = node(f->g, x);
		if (!s->weight[x])
			continue;
		s->wanted[x] = f->chooses[x]      ? true
		               : f->must_store[x] ? s->behind[x]
		                                  : s->needed[x] && s->weight[x] > WORTH_STORING;
		for (int i = 0; i < n->count; i++)
			s->behind[n->in[i]] |= s->behind[x] || s->wanted[x];
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

/* Whether what x is made of is so long that it is stored in between, wherever it is computed. */
static bool is_long(Scalars *s, NodeId x)
{
	const Node *n = node(s->f->g, x);
	s->body[x] = node_is_leaf(n) ? 0 : node_body(n);
	for (int i = 0; i < n->count; i++)
		s->body[x] += s->f->stored[n->in[i]] ? 0 : s->body[n->in[i]];
	s->body[x] = s->body[x] < HEAVIEST ? s->body[x] : HEAVIEST;
	return s->weight[x] && s->body[x] > MOST_BODY;
}

void fuse_scalars(Fuse *f)
{
	const Graph *g = f->g;
	ArenaMark mark = arena_mark(f->c->arena);
	Scalars s = {.f = f};
	s.weight = new_array(f->c->arena, uint16_t, g->count);
	s.needed = new_array(f->c->arena, bool, g->count);
	s.wanted = new_array(f->c->arena, bool, g->count);
	s.behind = new_array(f->c->arena, bool, g->count);
	s.late = new_array(f->c->arena, bool, g->count);
	s.body = new_array(f->c->arena, uint32_t, g->count);
	find_scalars(&s);
	find_wanted(&s);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		for (int i = 0; i < n->count; i++)
			s.late[x] |= s.late[n->in[i]];
		bool long_one = is_long(&s, x), wants = s.wanted[x] || (long_one && s.behind[x]);
		bool taken = wants && !s.late[x] && take(f, x);
		s.late[x] |= s.weight[x] && (long_one || f->must_store[x]) && !taken;
	}
	arena_reset(f->c->arena, mark);
}
