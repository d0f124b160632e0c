/* choice.c: what one truth value decides.
 *
 * A choice is a truth value of the whole step, by which a select takes one of its sides. What a step
 * need not compute follows from it: sides.c stores what ends a side, due.c finds the kernels that only
 * a side needs.
 *
 * Where a node is needed is a set of literals, two bits a choice: it holds, or does not. What is needed by one user
 * is needed where that is; by several, where the literals of all hold. */
#include "fuse.h"

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

bool choice_stays(const Graph *g, NodeId value, NodeId state, NodeId known, bool holds)
{
	const Node *n = node(g, value);
	int side = choice_side(g, n, known, holds);
	return side && n->in[side] == state;
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
