/* address.c: addresses as sums: what changes in an inner loop is added last, a constant after all.
 *
 * An index comes as it was thought: ((row + 3) * 192 + column) ... Written down like that, each of a
 * tile's elements has an address of its own, and LLVM takes long to find what they share. Here the
 * index is multiplied out and its terms are put in the order of the loops that they depend on, so that
 * neighbours differ by a constant alone, and what an inner loop does not change is a value outside of
 * it. What a block has made is found again. Overflow, or too many terms: it is left as it came. */
#include "emit.h"

enum { MOST_TERMS = 12, MOST_MADE = 512, DEEP = 12, FEW_DEEP = 6 };

typedef struct Term { /* by * of, which depends on so many of the open loops */
	V of;
	int64_t by;
	unsigned depth;
} Term;

typedef struct Terms {
	Term term[MOST_TERMS];
	unsigned count;
	int64_t constant;
} Terms;

/* An instruction of the present block: its operands, and what it is. */
typedef struct MadeHere {
	V x, y, v;
	T type;
	int64_t by;
} MadeHere;

struct Addresses {
	LLVMBasicBlockRef block;
	unsigned count;
	MadeHere made[MOST_MADE];
};

Addresses *addresses_open(Arena *a)
{
	return new (a, Addresses);
}

/* -- Which loops a value depends on ------------------------------------------------------------ */

/* Blocks are in the order in which they were begun, and loops are nested: the last head before it. */
static unsigned depth_of_block(const Emit *e, LLVMBasicBlockRef block)
{
	for (; block; block = LLVMGetPreviousBasicBlock(block)) {
		unsigned depth = e->depth;
		for (const Loop *l = e->loop; l; l = l->outer, depth--)
			if (l->head == block)
				return depth;
	}
	return 0;
}

static bool is_pure(V v)
{
	LLVMOpcode op = LLVMGetInstructionOpcode(v);
	return op != LLVMPHI && op != LLVMLoad && op != LLVMCall;
}

static unsigned depth_of(const Emit *e, V v, unsigned deep)
{
	if (!LLVMIsAInstruction(v))
		return 0;
	if (!is_pure(v) || deep == FEW_DEEP)
		return depth_of_block(e, LLVMGetInstructionParent(v));
	unsigned depth = 0;
	for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(v); i++) {
		unsigned of = depth_of(e, LLVMGetOperand(v, i), deep + 1);
		depth = of > depth ? of : depth;
	}
	return depth;
}

/* -- Sums -------------------------------------------------------------------------------------- */

static bool add_term(const Emit *e, Terms *s, V v, int64_t by)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->term[i].of == v)
			return !__builtin_add_overflow(s->term[i].by, by, &s->term[i].by);
	if (s->count == MOST_TERMS)
		return false;
	s->term[s->count++] = (Term){v, by, depth_of(e, v, 0)};
	return true;
}

/* Adds v * by, multiplied out. */
static bool multiply_out(const Emit *e, Terms *s, V v, int64_t by, unsigned deep)
{
	int64_t product;
	if (LLVMIsAConstantInt(v))
		return !__builtin_mul_overflow(LLVMConstIntGetSExtValue(v), by, &product) &&
		       !__builtin_add_overflow(s->constant, product, &s->constant);
	if (!LLVMIsAInstruction(v) || deep == DEEP)
		return add_term(e, s, v, by);
	LLVMOpcode op = LLVMGetInstructionOpcode(v);
	if (op == LLVMAdd)
		return multiply_out(e, s, LLVMGetOperand(v, 0), by, deep + 1) &&
		       multiply_out(e, s, LLVMGetOperand(v, 1), by, deep + 1);
	if (op == LLVMSub)
		return multiply_out(e, s, LLVMGetOperand(v, 0), by, deep + 1) &&
		       multiply_out(e, s, LLVMGetOperand(v, 1), -by, deep + 1);
	if (op == LLVMMul && LLVMIsAConstantInt(LLVMGetOperand(v, 1)))
		return !__builtin_mul_overflow(LLVMConstIntGetSExtValue(LLVMGetOperand(v, 1)), by,
		                               &product) &&
		       multiply_out(e, s, LLVMGetOperand(v, 0), product, deep + 1);
	return add_term(e, s, v, by);
}

/* -- What a block has made ---------------------------------------------------------------------- */

/* `of` scaled, plus `x`; as an address, that of element `of` behind x. */
static V make(Emit *e, T type, V x, V of, int64_t by)
{
	if (type)
		return LLVMBuildGEP2(e->b, type, x, &of, 1, "");
	V scaled = by == 1 ? of : LLVMBuildMul(e->b, of, l_word(e, by), "");
	return x ? LLVMBuildAdd(e->b, x, scaled, "") : scaled;
}

static V made(Emit *e, T type, V x, V of, int64_t by)
{
	Addresses *all = e->addresses;
	LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
	if (all->block != here)
		all->block = here, all->count = 0;
	for (unsigned i = all->count; i > 0; i--) {
		const MadeHere *m = &all->made[i - 1];
		if (m->x == x && m->y == of && m->by == by && m->type == type)
			return m->v;
	}
	V v = make(e, type, x, of, by);
	if (all->count < MOST_MADE)
		all->made[all->count++] = (MadeHere){.x = x, .y = of, .v = v, .type = type, .by = by};
	return v;
}

/* -- Addresses --------------------------------------------------------------------------------- */

V l_address(Emit *e, T element, V base, V index)
{
	Terms s = {.count = 0};
	if (LLVMTypeOf(index) != e->word || !multiply_out(e, &s, index, 1, 0))
		return LLVMBuildGEP2(e->b, element, base, &index, 1, "");
	V at = base;
	for (unsigned depth = 0; depth <= e->depth; depth++) {
		V sum = NULL;
		for (unsigned i = 0; i < s.count; i++)
			if (s.term[i].depth == depth && s.term[i].by)
				sum = made(e, NULL, sum, s.term[i].of, s.term[i].by);
		if (sum)
			at = made(e, element, at, sum, 1);
	}
	return s.constant ? made(e, element, at, l_word(e, s.constant), 1) : at;
}
