/* choice.c: what one truth value decides.
 *
 * A choice is a truth value of the whole step, by which a select takes one of its sides. What a step need not compute
 * follows from it in three places: sides.c stores what ends a side, due.c finds the kernels that only a side needs, and
 * a kernel that is needed on both, but not all of it, has code for each (kernel_choice()): so updates that end the
 * product that makes their gradient wait for their step, without a load, a store or an operation.
 *
 * Where a node is needed is a set of literals, two bits a choice: it holds, or does not. What is needed by one user
 * is needed where that is; by several, where the literals of all hold. */
#include "fuse.h"

#include <string.h>

NodeId choice_of(const Graph *g, NodeId condition)
{
	const Node *n = node(g, condition);
	for (; n->op == OP_broadcast || n->op == OP_reshape; n = node(g, condition))
		condition = n->in[0];
	bool one = n->type == DTYPE_bool && shape_size(n->shape) == 1;
	return one && n->op != OP_constant ? condition : 0;
}

enum {
	DEEPEST = 8 /* conditions of a condition that are looked at: of two each, along every path */
};

static Decided truth(const Graph *g, NodeId x, NodeId known, bool holds, int depth)
{
	x = choice_of(g, x);
	const Node *n = x ? node(g, x) : NULL;
	if (!n)
		return NOT_KNOWN;
	if (x == known)
		return holds ? IS_TRUE : IS_FALSE;
	if ((n->op != OP_not && n->op != OP_and && n->op != OP_or) || depth == 0)
		return NOT_KNOWN;
	Decided a = truth(g, n->in[0], known, holds, depth - 1),
	        b = n->op == OP_not ? a : truth(g, n->in[1], known, holds, depth - 1);
	if (n->op == OP_not)
		return a == NOT_KNOWN ? a : a == IS_TRUE ? IS_FALSE : IS_TRUE;
	Decided decides = n->op == OP_and ? IS_FALSE : IS_TRUE;
	return a == decides || b == decides ? decides : a == b ? a : NOT_KNOWN;
}

Decided choice_truth(const Graph *g, NodeId x, NodeId known, bool holds)
{
	return truth(g, x, known, holds, DEEPEST);
}

int choice_side(const Graph *g, const Node *n, NodeId known, bool holds)
{
	Decided t = n->op == OP_select ? choice_truth(g, n->in[0], known, holds) : NOT_KNOWN;
	return t == NOT_KNOWN ? 0 : t == IS_TRUE ? 1 : 2;
}

bool choice_stays(const Kernels *k, const Kernel *kernel, uint32_t o, NodeId known, bool holds)
{
	const Buffer *b = &k->buffer[kernel->to[o]];
	const Node *n = node(k->graph, kernel->out[o]);
	int side = choice_side(k->graph, n, known, holds);
	return b->storage == STORED_STATE && side && n->in[side] == b->node;
}

/* -- Literals ---------------------------------------------------------------------------------- */

static bool is_known(const Choices *s, NodeId x)
{
	return !s->k ||
	       (s->k->buffer_of[x] && s->k->buffer[s->k->buffer_of[x]].storage == STORED_ARENA);
}

static uint64_t literal_of(Choices *s, NodeId x, bool holds)
{
	uint32_t at = 0;
	while (at < s->count && s->of[at] != x)
		at++;
	if (at == MOST_CHOICES || !is_known(s, x))
		return NEEDED_ALWAYS;
	s->of[at] = x;
	s->count += at == s->count;
	return UINT64_C(1) << (2 * at + holds);
}

static uint64_t literals(Choices *s, NodeId x, bool holds, int depth)
{
	x = choice_of(s->g, x);
	if (!x)
		return NEEDED_ALWAYS;
	const Node *n = node(s->g, x);
	uint64_t own = literal_of(s, x, holds);
	if (depth > 0 && n->op == OP_not)
		own |= literals(s, n->in[0], !holds, depth - 1);
	if (depth > 0 && n->op == (holds ? OP_and : OP_or))
		own |= literals(s, n->in[0], holds, depth - 1) | literals(s, n->in[1], holds, depth - 1);
	return own;
}

uint64_t choice_literals(Choices *s, NodeId x, bool holds)
{
	return literals(s, x, holds, DEEPEST);
}

uint64_t choice_of_side(Choices *s, const Node *n, int operand)
{
	return n->op == OP_select && operand > 0 ? choice_literals(s, n->in[0], operand == 1)
	                                         : NEEDED_ALWAYS;
}

uint64_t choice_of_set(Choices *s, const Node *value, NodeId state)
{
	if (value->op != OP_select)
		return NEEDED_ALWAYS;
	return value->in[2] == state   ? choice_literals(s, value->in[0], true)
	       : value->in[1] == state ? choice_literals(s, value->in[0], false)
	                               : NEEDED_ALWAYS;
}

bool takes_any_bits(const Node *n, int operand)
{
	bool whole = !type_info[n->type].is_float && (n->op == OP_div || n->op == OP_rem);
	bool index = (n->op == OP_gather || n->op == OP_scatter_add) && operand == 1;
	return !whole && !index && op_info[n->op].kind != LOOP;
}

/* -- Kernels with code for each side ------------------------------------------------------------- */

enum { WORTH = 4 /* operations and bytes that one side saves for each element */ };

typedef struct Sided { /* a kernel, as one choice cuts it */
	const Kernels *k;
	const Kernel *kernel;
	const Visit *visit;
	uint32_t count;
	uint8_t *
	    needed; /* [count] of each visit: bit 0: where the choice does not hold, bit 1: where it does */
	Kernel *cut; /* what is found */
} Sided;

static uint8_t *needed_of(const Sided *s, NodeId x)
{
	return &s->needed[s->count - visit_number(s->visit, s->count, x)];
}

static void find_needed(const Sided *s, NodeId choice)
{
	const Graph *g = s->k->graph;
	memset(s->needed, 0, s->count);
	for (uint32_t o = 0; o < s->kernel->out_count; o++)
		for (unsigned holds = 0; holds < 2; holds++)
			*needed_of(s, s->kernel->out[o]) |= !choice_stays(s->k, s->kernel, o, choice, holds)
			                                    << holds;
	if (s->kernel->core)
		*needed_of(s, s->kernel->core) = 3;
	for (uint32_t v = 0; v < s->count; v++) {
		const Node *n = node(g, s->visit[v].node);
		for (unsigned holds = 0; s->visit[v].here && holds < 2; holds++) {
			int side = choice_side(g, n, choice, holds);
			for (int i = 0; s->needed[v] >> holds & 1 && i < n->count; i++)
				if (!side || i == side)
					*needed_of(s, n->in[i]) |= 1 << holds;
		}
	}
}

static double choice_saves(const Kernel *cut)
{
	return cut->only_flops[0] + cut->only_flops[1] + cut->only_bytes[0] + cut->only_bytes[1];
}

/* What is done on one side alone, and which outs are stored there alone; false: it is not worth it, or the kernel
 * does nothing on the other side, and is left out there as a whole. */
static bool cut_by(const Sided *s, NodeId choice)
{
	const Graph *g = s->k->graph;
	Kernel *cut = s->cut;
	*cut = (Kernel){.choice = choice};
	find_needed(s, choice);
	for (uint32_t v = 0; v < s->count; v++) {
		const Node *n = node(g, s->visit[v].node);
		bool one = s->needed[v] == 1 || s->needed[v] == 2, holds = s->needed[v] == 2;
		double bytes = (double)shape_size(n->shape) * type_info[n->type].size;
		cut->only_flops[holds] += one && s->visit[v].here ? node_flops(n) : 0;
		cut->only_bytes[holds] += one && !s->visit[v].here ? bytes : 0;
	}
	for (uint32_t o = 0; o < s->kernel->out_count; o++) {
		bool stays[2] = {choice_stays(s->k, s->kernel, o, choice, false),
		                 choice_stays(s->k, s->kernel, o, choice, true)};
		if (stays[0] == stays[1])
			continue;
		cut->only[stays[0]] |= UINT32_C(1) << o;
		cut->only_bytes[stays[0]] += (double)s->k->buffer[s->kernel->to[o]].bytes;
	}
	uint32_t all = (uint32_t)((UINT64_C(1) << s->kernel->out_count) - 1);
	double size = (double)shape_size(node(g, s->kernel->out[0])->shape);
	return choice_saves(cut) >= WORTH * size && cut->only[0] != all && cut->only[1] != all;
}

/* Whether the kernel loads the choice of a select that is no single number. */
static NodeId loaded_choice(const Sided *s, const Node *n)
{
	NodeId x =
	    n->op == OP_select && shape_size(n->shape) > 1 ? choice_of(s->k->graph, n->in[0]) : 0;
	if (!x)
		return 0;
	const Visit *v = &s->visit[s->count - visit_number(s->visit, s->count, x)];
	return v->node == x && !v->here ? x : 0;
}

void kernel_choice(Compile *c, const Kernels *k, Kernel *kernel)
{
	bool in_order = kernel->kind == KERNEL_map || kernel->kind == KERNEL_contract ||
	                kernel->kind == KERNEL_reduce || kernel->kind == KERNEL_scatter;
	if (!in_order || kernel->chain)
		return;
	ArenaMark mark = arena_mark(c->arena);
	Kernel cut;
	Sided s = {.k = k, .kernel = kernel, .cut = &cut};
	s.visit = kernel_walk(c, k, kernel, &s.count);
	s.needed = new_array(c->arena, uint8_t, s.count);
	NodeId last = 0;
	for (uint32_t v = 0; v < s.count; v++) {
		NodeId choice = s.visit[v].here ? loaded_choice(&s, node(k->graph, s.visit[v].node)) : 0;
		if (!choice || choice == last || !cut_by(&s, last = choice) ||
		    choice_saves(&cut) <= choice_saves(kernel))
			continue;
		kernel->choice = choice;
		memcpy(kernel->only, cut.only, sizeof cut.only);
		memcpy(kernel->only_flops, cut.only_flops, sizeof cut.only_flops);
		memcpy(kernel->only_bytes, cut.only_bytes, sizeof cut.only_bytes);
	}
	arena_reset(c->arena, mark);
}
