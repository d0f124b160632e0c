/* fuse.c: groups nodes into kernels.
 *
 * In: an optimized graph. Out: kernels, in the order in which they run; every stored node is an out
 * of exactly one.
 * - A reduction, a dot and a scatter are cores: each has a kernel of its own, its home.
 * - A MAP joins the home of an operand if all else that it reads is there when that kernel runs:
 * kernels run in the order of their homes.
 * - Reductions over the last axis share a row kernel, with what is made of them and of the row
 * (rows.c).
 * - A MAP that is stored and joins none opens a map kernel, or shares one of the same shape that
 * loads the same things.
 * - What is not stored is computed where it is used; a node with several users is stored unless it
 * is cheap. Greedy, in node order: the same graph gives the same kernels. Ragan-Kelley et al. 2013
 * for the trade of recomputation against locality. */
#include "fuse.h"

#include <string.h>

enum { CHEAP_TO_REPEAT = 4, DEAR = 4, HEAVIEST = 4096 };

/* The size of a kernel's code. Emission is recursive over its nodes, LLVM's time is more than
 * linear in them, and what is unstored is walked along every path: a longer chain is stored in
 * between. An epilogue is emitted for each kind of tile. */
enum { MOST_EPILOGUE = 96 };

uint32_t node_body(const Node *n)
{
	return 1 + op_info[n->op].weight / 8;
}

/* The kernel that is built around such a node; KERNEL_map: it is no core. */
static KernelKind kernel_around(const Node *n)
{
	switch (op_info[n->op].kind) {
	case REDUCE:
		return KERNEL_reduce;
	case CONTRACT:
		return KERNEL_contract;
	case SCATTER:
		return KERNEL_scatter;
	case LEAF:
	case MAP:
	case VIEW:
	case GATHER:
	case LOOP:
		return n->op == OP_scan ? KERNEL_scan : KERNEL_map;
	case META:
		break; /* another kind is to be named here */
	}
	return KERNEL_map;
}

static bool is_core(const Node *n)
{
	return kernel_around(n) != KERNEL_map;
}

/* -- What a node reads when it is computed in place -------------------------------------------- */

static bool flat_operand(const Fuse *f, NodeId x)
{
	return f->stored[x] || f->flat[x];
}

static bool is_flat(const Fuse *f, const Node *n)
{
	if (n->op == OP_constant || n->op == OP_random)
		return true;
	if (n->op == OP_broadcast)
		return node(f->g, n->in[0])->shape.rank == 0;
	if (n->op == OP_reshape)
		return flat_operand(f, n->in[0]);
	if (op_info[n->op].kind != MAP)
		return false;
	for (int i = 0; i < n->count; i++)
		if (!flat_operand(f, n->in[i]))
			return false;
	return true;
}

/* Parts of rows, as the gates of a recurrent step: neighbours in x are neighbours in what it reads. */
static bool is_even(const Fuse *f, const Node *n)
{
	bool cut = n->op == OP_slice, spread = n->op == OP_broadcast;
	if (n->op == OP_constant)
		return true;
	if (op_info[n->op].kind != MAP && !cut && !spread)
		return false;
	for (int i = 0; cut && i < n->shape.rank; i++)
		if (n->attr.slice.step[i] != 1)
			return false;
	for (int i = 0; i < n->count; i++)
		if (!f->stored[n->in[i]] && !f->even[n->in[i]])
			return false;
	return true;
}

/* Whether a loop over the last axis fills its vectors, as one over all elements does. */
static bool has_full_rows(const Fuse *f, Shape s)
{
	int64_t lanes = f->c->machine->vector_bits / 32, length = s.rank ? s.dim[s.rank - 1] : 1;
	return 3 * length >= 2 * round_up(length, lanes);
}

/* latest, weight and flatness of x from its operands. */
static void measure(Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	unsigned weight = op_info[n->op].weight, body = node_body(n);
	f->latest[x] = 0;
	for (int i = 0; i < n->count; i++) {
		NodeId o = n->in[i];
		if (node_is_leaf(node(f->g, o)))
			continue;
		bool loaded = f->stored[o] || (f->home[o] && !f->repeats[o]);
		uint32_t latest = loaded ? f->home[o] : f->latest[o];
		f->latest[x] = latest > f->latest[x] ? latest : f->latest[x];
		weight += f->stored[o] ? 0 : f->weight[o];
		/* places are bounded by unroll.c, what is computed once counts once, where that is */
		body += f->stored[o] || f->stage[o] || f->once[o] ? 0 : f->body[o];
	}
	body += f->inside[x];
	f->body[x] = (uint16_t)(body < HEAVIEST ? body : HEAVIEST);
	f->weight[x] = (uint16_t)(weight < HEAVIEST ? weight : HEAVIEST);
	f->flat[x] = is_flat(f, n);
	f->even[x] = is_even(f, n);
}

/* -- Homes ------------------------------------------------------------------------------------- */

uint32_t fuse_open(Fuse *f, KernelKind kind, NodeId x)
{
	Home *h = &f->homes[f->home_count++];
	const Node *n = node(f->g, x);
	*h = (Home){.kind = kind,
	            .core = kind == KERNEL_map ? 0 : x,
	            .shape = n->shape,
	            .flat = f->flat[x],
	            .even = f->even[x]};
	h->body = kind == KERNEL_contract ? 1 : f->body[x]; /* operands are packed, or read */
	return f->home_count;
}

/* Whether o can be read, or computed, in that kernel. */
static bool available(const Fuse *f, NodeId o, uint32_t home)
{
	if (node_is_leaf(node(f->g, o)) || f->home[o] == home)
		return true;
	if (f->stored[o] || (f->home[o] && !f->repeats[o]))
		return f->home[o] < home; /* it is, or will be, stored by a kernel that runs before */
	return f->latest[o] < home;
}

/* Whether the kernel can store so many more that are not its core, which keeps an out, as its
 * folds do. */
static bool has_room(const Home *h, uint32_t more)
{
	uint32_t kept = h->kind == KERNEL_row ? MAX_FOLDS : h->core != 0;
	return h->outs + more + kept <= MAX_KERNEL_OUTS;
}

/* Of x in a home, beside what is computed there already. */
static uint32_t added_body(const Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	uint32_t body = node_body(n);
	for (int i = 0; i < n->count; i++)
		body +=
		    f->stored[n->in[i]] || f->stage[n->in[i]] || f->home[n->in[i]] ? 0 : f->body[n->in[i]];
	return body;
}

/* A map kernel takes what keeps it one loop over all elements, or over rows that fill vectors. */
static bool keeps_order(const Fuse *f, NodeId x, const Home *h)
{
	return (h->flat && f->flat[x]) || (h->even && f->even[x] && has_full_rows(f, h->shape));
}

/* Other kernels end in any MAP of their shape. */
static bool can_join(const Fuse *f, NodeId x, uint32_t home)
{
	const Node *n = node(f->g, x);
	const Home *h = &f->homes[home - 1];
	uint32_t most = h->kind == KERNEL_contract ? MOST_EPILOGUE : f->stage[x] ? HEAVIEST : MOST_BODY;
	if (!has_room(h, 2) || h->body + added_body(f, x) > most || f->alone[h->core])
		return false;
	if (h->kind == KERNEL_row)
		return row_takes(f, x, home);
	if (!shape_equal(n->shape, h->shape) || h->kind == KERNEL_scan ||
	    (h->kind == KERNEL_scatter && f->stored[h->core]))
		return false;
	if (h->kind == KERNEL_map && !keeps_order(f, x, h))
		return false;
	for (int i = 0; i < n->count; i++)
		if (!available(f, n->in[i], home))
			return false;
	return true;
}

static void join(Fuse *f, uint32_t home, NodeId x)
{
	Home *h = &f->homes[home - 1];
	h->body += added_body(f, x);
	h->flat &= f->flat[x], h->even &= f->even[x];
}

static void store(Fuse *f, NodeId x)
{
	if (f->stored[x] || node_is_leaf(node(f->g, x)))
		return;
	f->stored[x] = true;
	Home *h = &f->homes[f->home[x] - 1];
	if (h->outs == MAX_KERNEL_OUTS)
		BUG("more than %d outs in a kernel of %s", MAX_KERNEL_OUTS, f->g->name);
	h->out[h->outs++] = x;
}

/* The home that a MAP can join: of its unstored operands first, then of its stored ones; the latest
 * wins. */
static uint32_t choose_home(const Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	uint32_t best = 0;
	if (op_info[n->op].kind != MAP)
		return 0;
	for (int pass = 0; pass < 2 && !best; pass++)
		for (int i = 0; i < n->count; i++) {
			uint32_t home = f->home[n->in[i]];
			home = home ? home : row_home_behind(f, n->in[i]);
			if (home && f->stored[n->in[i]] == (pass == 1) && can_join(f, x, home) && home > best)
				best = home;
		}
	return best;
}

/* -- Company for a new map kernel -------------------------------------------------------------- */

static void note_load(Home *h, NodeId x)
{
	for (uint32_t i = 0; i < h->loads; i++)
		if (h->load[i] == x)
			return;
	if (h->loads < MAX_SHARED)
		h->load[h->loads++] = x;
}

/* Whether o has been met in the present walk: each node once, not along every path. */
static bool is_met(Fuse *f, NodeId o)
{
	bool met = f->seen[o] == f->walks;
	f->seen[o] = f->walks;
	return met;
}

/* What x's unstored part loads (of its full shape). */
static void note_behind(Fuse *f, Home *h, NodeId x, int depth)
{
	const Node *n = node(f->g, x);
	for (int i = 0; i < n->count; i++) {
		NodeId o = n->in[i];
		if (node_is_leaf(node(f->g, o)) || f->stored[o]) {
			int64_t size = shape_size(node(f->g, o)->shape);
			if (size == shape_size(h->shape) || (size > shape_size(h->shape) && f->even[x]))
				note_load(h, o);
		} else if (depth < 16 && !is_met(f, o)) {
			note_behind(f, h, o, depth + 1);
		}
	}
}

static void note_loads(Fuse *f, Home *h, NodeId x)
{
	f->walks++;
	note_behind(f, h, x, 0);
}

/* The same of a kernel, which those who load the same will find. */
static void note_home_loads(Fuse *f, uint32_t home, NodeId x)
{
	Home *h = &f->homes[home - 1];
	uint32_t before = h->loads;
	note_loads(f, h, x);
	for (uint32_t i = before; h->kind == KERNEL_map && i < h->loads; i++) {
		Loader *l = new (f->c->arena, Loader);
		*l = (Loader){home, f->loader[h->load[i]]};
		f->loader[h->load[i]] = l;
	}
}

/* The latest map kernel that loads what x does, and takes it. */
static uint32_t find_company(Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	Home mine = {.shape = n->shape};
	uint32_t best = 0;
	if (op_info[n->op].kind != MAP || n->shape.rank == 0)
		return 0;
	note_loads(f, &mine, x);
	for (uint32_t i = 0; i < mine.loads; i++)
		for (const Loader *l = f->loader[mine.load[i]]; l; l = l->next)
			if (l->home > best && can_join(f, x, l->home))
				best = l->home;
	return best;
}

/* -- The walk ---------------------------------------------------------------------------------- */

/* Whether x, which lives in a kernel, is made again by others. */
static bool is_made_again(const Fuse *f, NodeId x)
{
	const Home *h = &f->homes[f->home[x] - 1];
	return fuse_repeats(f, x) || (!is_core(node(f->g, x)) && !has_room(h, 1));
}

/* o is read by kernel `home`: what lives in another kernel must be stored by it, or, where it is to
 * be computed again, what that reads. */
static void store_behind(Fuse *f, NodeId o, uint32_t home)
{
	const Node *n = node(f->g, o);
	if (f->stored[o] || node_is_leaf(n) || (home && f->home[o] == home) || is_met(f, o))
		return;
	if (f->home[o] && !f->repeats[o] && !(f->repeats[o] = is_made_again(f, o))) {
		store(f, o);
		return;
	}
	for (int i = 0; i < n->count; i++)
		store_behind(f, n->in[i], home);
}

/* Operands that live in another kernel must be stored by it. */
static void store_strangers(Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	f->walks++;
	for (int i = 0; i < n->count; i++)
		store_behind(f, n->in[i], f->home[x]);
}

/* The latest row kernel that its operand, or something behind it, is in. */
static uint32_t row_home_of(const Fuse *f, NodeId x, int depth)
{
	uint32_t best = row_home_behind(f, x);
	const Node *n = node(f->g, x);
	bool through = !f->home[x] && !f->stored[x] && !node_is_leaf(n) && depth > 0;
	for (int i = 0; through && i < n->count; i++) {
		uint32_t home = row_home_of(f, n->in[i], depth - 1);
		best = home > best ? home : best;
	}
	return best;
}

static void visit_fold(Fuse *f, NodeId x)
{
	enum { DEEPEST = 8 };
	const Node *n = node(f->g, x);
	uint32_t home = row_home_of(f, n->in[0], DEEPEST);
	uint32_t more = added_body(f, x);
	if (!home || f->homes[home - 1].body + more > MOST_BODY || !row_takes(f, x, home)) {
		home = fuse_open(f, KERNEL_row, x);
		f->homes[home - 1].shape = node(f->g, n->in[0])->shape;
	}
	f->home[x] = home;
	Home *h = &f->homes[home - 1];
	h->body += more;
	h->fold[h->folds++] = x;
	store_strangers(f, x);
	measure(f, x);
	if (f->must_store[x] || f->uses[x] != 1)
		store(f, x);
}

static void visit_core(Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	if (row_is_fold(f, x)) {
		visit_fold(f, x);
		return;
	}
	KernelKind kind = kernel_around(n);
	store_strangers(f, x);
	measure(f, x);
	f->home[x] = fuse_open(f, kind, x);
	if (f->must_store[x] || f->uses[x] != 1 || kind == KERNEL_scan ||
	    (kind == KERNEL_scatter && !scatter_ends_in_maps(f->g, n)))
		store(f, x);
}

/* Its scan stores it. */
static void visit_result(Fuse *f, NodeId x)
{
	measure(f, x);
	f->home[x] = f->home[node(f->g, x)->in[0]];
	store(f, x);
}

static void visit(Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	measure(f, x);
	uint32_t home = f->apart[x] ? 0 : choose_home(f, x);
	f->home[x] = home;
	store_strangers(f, x);
	measure(f, x);
	if (home) {
		join(f, home, x);
		f->repeats[x] = !f->must_store[x] && f->uses[x] != 1 && fuse_repeats(f, x);
		if (f->must_store[x] || (f->uses[x] != 1 && !f->repeats[x]))
			store(f, x);
		note_home_loads(f, home, x);
		return;
	}
	bool repeats =
	    f->uses[x] > 1 && !f->once[x] && !node_is_constant(n) && shape_size(n->shape) > 1;
	bool view_of_stored =
	    op_info[n->op].kind == VIEW && n->op != OP_concat && f->weight[x] <= CHEAP_TO_REPEAT;
	bool stage = f->stage[x] && f->weight[x] < HEAVIEST && /* more is not seen through in time */
	             f->body[x] < HEAVIEST;
	bool is_long = !f->stage[x] && f->body[x] > MOST_BODY;
	bool dear = f->spread[x] && f->weight[x] >= DEAR;
	/* each lane would ask which part it is in, each time */
	bool joined = repeats && n->op == OP_concat && n->attr.axis + 2 >= (uint32_t)n->shape.rank;
	if (stage ||
	    (!f->must_store[x] && !is_long && !dear && !joined &&
	     !(repeats && f->weight[x] > CHEAP_TO_REPEAT && !view_of_stored && !fuse_repeats(f, x)))) {
		f->inside[f->end[x]] += f->once[x] ? f->body[x] : 0;
		return;
	}
	home = f->apart[x] ? 0 : find_company(f, x);
	if (home)
		join(f, home, x);
	f->home[x] = home ? home : fuse_open(f, KERNEL_map, x);
	note_home_loads(f, f->home[x], x);
	store(f, x);
}

Kernels *schedule(Compile *c, const Graph *g)
{
	if (!g)
		return NULL;
	Compile room = *c; /* for what is gone with the last decision */
	room.arena = arena_beside(c->arena);
	Fuse f = {.c = &room, .g = g};
	f.uses = new_array(room.arena, uint32_t, g->count);
	f.must_store = new_array(room.arena, bool, g->count);
	f.in_place = new_array(room.arena, bool, g->count);
	f.chooses = new_array(room.arena, bool, g->count);
	f.apart = new_array(room.arena, bool, g->count);
	f.alone = new_array(room.arena, bool, g->count);
	f.spread = new_array(room.arena, bool, g->count);
	f.stored = new_array(room.arena, bool, g->count);
	f.stage = new_array(room.arena, bool, g->count);
	f.flat = new_array(room.arena, bool, g->count);
	f.even = new_array(room.arena, bool, g->count);
	f.repeats = new_array(room.arena, bool, g->count);
	f.home = new_array(room.arena, uint32_t, g->count);
	f.loader = new_array(room.arena, const Loader *, g->count);
	f.latest = new_array(room.arena, uint32_t, g->count);
	f.weight = new_array(room.arena, uint16_t, g->count);
	f.body = new_array(room.arena, uint16_t, g->count);
	f.homes = new_array(room.arena, Home, g->count);
	f.once = new_array(room.arena, bool, g->count);
	f.end = new_array(room.arena, NodeId, g->count);
	f.inside = new_array(room.arena, uint32_t, g->count);
	f.seen = new_array(room.arena, uint32_t, g->count);
	fuse_must_store(&f);
	fuse_once(&f);
	fuse_stages(&f);
	fuse_scalars(&f);
	for (NodeId x = 1; x < g->count; x++) {
		if (node_is_leaf(node(g, x)))
			f.stored[x] = f.flat[x] = true;
		else if (is_core(node(g, x)))
			visit_core(&f, x);
		else if (node(g, x)->op == OP_result)
			visit_result(&f, x);
		else if (!f.home[x])
			visit(&f, x);
	}
	fuse_repeat_late(&f);
	Kernels *k = fuse_buffers(&f, c);
	arena_release(c->arena);
	return k;
}
