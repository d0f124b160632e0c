/* sides.c: what is stored so that a step can leave it out (due.c).
 *
 * A select by one truth value takes one of its sides. Where a product, a long sum or a scan is needed for
 * a side alone, its condition is known before, and a side that ends such a thing is a kernel's, and the
 * choice another's: else every step would compute both. What something else needs, too, is computed all
 * the same, and stays with what follows. */
#include "fuse.h"

#include <string.h>

enum {
	WORTH_A_JUMP = 1 << 10, /* elements that a sum or a product goes over */
	DEEPEST = 8,            /* operations behind a side that are looked at */
};

typedef struct Sides {
	Fuse *f;
	Choices choices;
	uint64_t *need; /* [count] the literals without which a node is not needed */
} Sides;

static void find_needs(Sides *s)
{
	const Graph *g = s->f->g;
	memset(s->need, 0xff, g->count * sizeof *s->need);
	for (uint32_t i = 0; i < g->out_count; i++)
		s->need[g->out[i].value] = NEEDED_ALWAYS;
	for (uint32_t i = 0; i < g->set_count; i++)
		s->need[g->set[i].value] &=
		    choice_of_set(&s->choices, node(g, g->set[i].value), g->set[i].state);
	for (NodeId x = g->count - 1; x > 0; x--) {
		const Node *n = node(g, x);
		for (int i = 0; i < n->count; i++)
			s->need[n->in[i]] &= s->need[x] | choice_of_side(&s->choices, n, i);
	}
}

/* Whether x is made, by operations of a kernel, of what takes time and is needed for `side` alone. */
static bool takes_time(const Sides *s, NodeId x, uint64_t side, int depth)
{
	const Graph *g = s->f->g;
	const Node *n = node(g, x);
	Kind kind = op_info[n->op].kind;
	int64_t worth = s->f->c->chain_room ? 1 : WORTH_A_JUMP;
	if ((s->need[x] & side) != side)
		return false;
	if (kind != MAP && kind != VIEW)
		return kind == LOOP || (kind != LEAF && shape_size(node(g, n->in[0])->shape) >= worth);
	for (int i = 0; depth > 0 && i < n->count && n->op != OP_broadcast; i++)
		if (takes_time(s, n->in[i], side, depth - 1))
			return true;
	return false;
}

/* The choice, so that kernels can ask it once; and a side that a kernel of its own may leave out. */
static void store_sides(Sides *s, NodeId x)
{
	Fuse *f = s->f;
	const Node *n = node(f->g, x);
	NodeId choice = n->op == OP_select ? choice_of(f->g, n->in[0]) : 0;
	if (!choice || shape_size(n->shape) == 1 || node_is_leaf(node(f->g, choice)))
		return;
	f->must_store[choice] = f->chooses[choice] = true;
	for (int i = 1; i < 3; i++) {
		uint64_t side = choice_of_side(&s->choices, n, i);
		if (side != NEEDED_ALWAYS && op_info[node(f->g, n->in[i])->op].kind != VIEW &&
		    takes_time(s, n->in[i], side, DEEPEST))
			f->must_store[n->in[i]] = f->must_store[x] = f->apart[x] = true;
	}
}

void fuse_sides(Fuse *f)
{
	ArenaMark mark = arena_mark(f->c->arena);
	Sides s = {.f = f, .choices = {.g = f->g}};
	s.need = new_array(f->c->arena, uint64_t, f->g->count);
	find_needs(&s);
	for (NodeId x = 1; s.choices.count && x < f->g->count; x++)
		store_sides(&s, x);
	arena_reset(f->c->arena, mark);
}
