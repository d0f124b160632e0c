/* einsum.c: einsum('bqd,bkd->bqk', x, y): sums of products by names of axes, of one to seven tensors.
 *
 * NumPy's notation (numpy.einsum) with its result: a letter that the result has not is summed over,
 * one that stands twice in an operand is its diagonal. Operands meet two at a time, in the order
 * that takes the fewest multiplications (of all: dynamic programming over sets of operands); letters
 * that only these two have are summed over as they do. */
#include "elaborator.h"

#include <math.h>
#include <string.h>

enum { OPERANDS = MAX_BUILTIN_ARGS - 1, SETS = 1 << OPERANDS };

typedef struct Letters {
	char at[MAX_RANK];
	int count;
} Letters;

typedef struct Term { /* an operand, or what some of them have become */
	NodeId x;
	Letters of; /* its axes, each once */
} Term;

typedef struct Einsum {
	Elab *b;
	Span span; /* of the text */
	const char *text;
	Letters side[OPERANDS], result;
	Term operand[OPERANDS];
	int count;
	int64_t length[128]; /* of each letter; 0: nobody has it */
	int split[SETS];     /* of a set of operands: those on one side of its last product */
	double cost[SETS];
} Einsum;

static bool has(const Letters *l, char letter)
{
	return memchr(l->at, letter, (size_t)l->count);
}

static int place_of(const Letters *l, char letter)
{
	const char *at = memchr(l->at, letter, (size_t)l->count);
	return at ? (int)(at - l->at) : -1;
}

/* -- The text ---------------------------------------------------------------------------------- */

static bool wrong(const Einsum *e, const char *text)
{
	elab_error(e->b, e->span, "%s", text);
	diag_help(e->b->c->diags, "one letter an axis, such as 'bqd,bkd->bqk': letters that the result "
	                          "has not are summed over");
	return false;
}

static bool letters(const Einsum *e, const char **at, Letters *to)
{
	const char *p = *at;
	for (; *p && *p != ',' && strncmp(p, "->", 2) != 0; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
		if (*p == ' ')
			continue;
		if (*p == '.')
			return wrong(e, "'...' stands for axes without a name, and each needs a letter here");
		if (!letter)
			return wrong(e, "this is no description of a product");
		if (to->count == MAX_RANK)
			return wrong(e, "this names more axes than a tensor has, which are at most 8");
		to->at[to->count++] = *p;
	}
	*at = p;
	return true;
}

static bool parse_text(Einsum *e)
{
	const char *at = e->text;
	int sides = 0;
	for (bool more = true; more; sides++) {
		Letters none = {.count = 0};
		if (!letters(e, &at, sides < OPERANDS ? &e->side[sides] : &none))
			return false;
		more = *at == ',';
		at += more;
	}
	if (!*at)
		return wrong(e, "the result is not said: '->' and its letters stand at the end");
	at += 2;
	if (!letters(e, &at, &e->result))
		return false;
	if (*at)
		return wrong(e, "behind '->' stands one result");
	for (int i = 0; i < e->result.count; i++)
		if (memchr(e->result.at, e->result.at[i], (size_t)i))
			return wrong(e, "the result has a letter twice");
	if (sides == e->count)
		return true;
	elab_error(e->b, e->span, "'%s' is of %d operand%s, and %d %s given", e->text, sides,
	           sides == 1 ? "" : "s", e->count, e->count == 1 ? "is" : "are");
	return false;
}

/* -- Operands ---------------------------------------------------------------------------------- */

/* A letter has one length wherever it stands. */
static bool lengths_agree(Einsum *e, int operand, const Given *in)
{
	Shape s = node(e->b->g, e->operand[operand].x)->shape;
	const Letters *l = &e->side[operand];
	if (s.rank != l->count) {
		elab_error(e->b, in->span, "%s has %d axes, but '%s' names %d",
		           value_text(e->b, &in->value), s.rank, e->text, l->count);
		return false;
	}
	for (int i = 0; i < l->count; i++) {
		int64_t *length = &e->length[(int)l->at[i]];
		if (*length && *length != s.dim[i]) {
			elab_error(e->b, in->span, "'%c' of '%s' is %lld here, in %s, and %lld before",
			           l->at[i], e->text, (long long)s.dim[i], value_text(e->b, &in->value),
			           (long long)*length);
			return false;
		}
		*length = s.dim[i];
	}
	return true;
}

static NodeId with_order(Graph *g, NodeId x, Axes order)
{
	bool same = true;
	for (int i = 0; i < order.count; i++)
		same &= order.at[i] == i;
	return same ? x : op_transpose(g, x, order);
}

/* Axes i and j become one, their diagonal: both last, as one axis, of which every n + 1st is taken. */
static Term diagonal(Graph *g, const Term *t, int i, int j)
{
	Shape s = node(g, t->x)->shape, flat = {0};
	Axes order = {.count = s.rank};
	Term made = {.of = {.count = 0}};
	for (int k = 0; k < s.rank; k++) {
		if (k == i || k == j)
			continue;
		order.at[made.of.count] = (uint8_t)k;
		flat.dim[made.of.count] = s.dim[k];
		made.of.at[made.of.count++] = t->of.at[k];
	}
	int last = made.of.count;
	int64_t n = s.dim[i], start[MAX_RANK] = {0}, stop[MAX_RANK], step[MAX_RANK];
	order.at[last] = (uint8_t)i;
	order.at[last + 1] = (uint8_t)j;
	flat.rank = (uint8_t)(last + 1);
	flat.dim[last] = n * n;
	for (int k = 0; k <= last; k++) {
		stop[k] = flat.dim[k];
		step[k] = k == last ? n + 1 : 1;
	}
	made.of.at[made.of.count++] = t->of.at[i];
	made.x = op_slice(g, op_reshape(g, with_order(g, t->x, order), flat), start, stop, step);
	return made;
}

/* Without what nobody else needs: diagonals, and letters that no other operand has, nor the result. */
static void simplify(Einsum *e, int operand)
{
	Term *t = &e->operand[operand];
	t->of = e->side[operand];
	for (int i = 0; i < t->of.count; i++)
		for (int j = i + 1; j < t->of.count; j++)
			if (t->of.at[i] == t->of.at[j]) {
				*t = diagonal(e->b->g, t, i, j);
				i = -1;
				break;
			}
	Axes over = {.count = 0};
	Letters left = {.count = 0};
	for (int i = 0; i < t->of.count; i++) {
		bool needed = has(&e->result, t->of.at[i]);
		for (int k = 0; k < e->count; k++)
			needed |= k != operand && has(&e->side[k], t->of.at[i]);
		if (needed)
			left.at[left.count++] = t->of.at[i];
		else
			over.at[over.count++] = (uint8_t)i;
	}
	t->of = left;
	if (over.count)
		t->x = op_sum(e->b->g, t->x, over);
}

static bool take_operands(Einsum *e, const Given *in)
{
	for (int i = 0; i < e->count; i++) {
		const Value *v = &in[i + 1].value;
		NodeId x = e->operand[i].x = value_to_tensor(e->b, v, (DType)e->b->c->float_type);
		if (!x || !type_info[node(e->b->g, x)->type].is_float) {
			elab_error(e->b, in[i + 1].span, "a product of tensors needs floats, and this is %s",
			           value_text(e->b, v));
			return false;
		}
		if (!lengths_agree(e, i, &in[i + 1]))
			return false;
	}
	for (int i = 0; i < e->result.count; i++)
		if (!e->length[(int)e->result.at[i]])
			return wrong(e, "the result has a letter that no operand has");
	for (int i = 0; i < e->count; i++)
		simplify(e, i);
	return true;
}

/* -- The order --------------------------------------------------------------------------------- */

/* Whether what the operands of a set become has a letter: one of them has it, and something else
 * needs it. */
static bool set_has(const Einsum *e, int set, char letter)
{
	bool in = false, out = has(&e->result, letter);
	for (int i = 0; i < e->count; i++) {
		bool own = has(&e->operand[i].of, letter);
		in |= own && (set >> i & 1);
		out |= own && !(set >> i & 1);
	}
	return in && out;
}

/* Multiplications of the last product of a set that is made of two, and what its result stores. */
static double product_cost(const Einsum *e, int one, int two)
{
	double all = 1, stored = 1;
	int rank = 0;
	for (char l = 'A'; l <= 'z'; l++) {
		bool kept = set_has(e, one | two, l);
		if (set_has(e, one, l) || set_has(e, two, l))
			all *= (double)e->length[(int)l];
		stored *= kept ? (double)e->length[(int)l] : 1;
		rank += kept;
	}
	return rank > MAX_RANK ? INFINITY : 2 * all + stored;
}

/* Of equal ones that of the text: from the left on. */
static void find_order(Einsum *e)
{
	for (int set = 1; set < 1 << e->count; set++) {
		if (!(set & (set - 1)))
			continue;
		int highest = 1 << (31 - __builtin_clz((unsigned)set)), low = set & -set;
		e->split[set] = set ^ highest;
		e->cost[set] = e->cost[set ^ highest] + product_cost(e, set ^ highest, highest);
		for (int one = (set - 1) & set; one; one = (one - 1) & set) {
			if (!(one & low))
				continue;
			double cost = e->cost[one] + e->cost[set ^ one] + product_cost(e, one, set ^ one);
			if (cost < e->cost[set]) {
				e->cost[set] = cost;
				e->split[set] = one;
			}
		}
	}
}

/* -- Products ---------------------------------------------------------------------------------- */

/* The axes of t in the order of `to`, which has those of t and others: broadcast over these. */
static NodeId aligned(const Einsum *e, const Term *t, const Letters *to)
{
	Shape shape = {.rank = (uint8_t)to->count};
	Axes order = {.count = 0}, at = {.count = 0};
	for (int i = 0; i < to->count; i++) {
		shape.dim[i] = e->length[(int)to->at[i]];
		int place = place_of(&t->of, to->at[i]);
		if (place < 0)
			continue;
		order.at[order.count++] = (uint8_t)place;
		at.at[at.count++] = (uint8_t)i;
	}
	NodeId x = with_order(e->b->g, t->x, order);
	return at.count == to->count ? x : op_broadcast(e->b->g, x, shape, at);
}

/* Batch axes, then x's free ones, then y's: how a dot has them. */
static Term dot_of(const Einsum *e, const Term *x, const Term *y, int set)
{
	DotAxes d = {0};
	Term made = {.of = {.count = 0}};
	for (int i = 0; i < x->of.count; i++) {
		int other = place_of(&y->of, x->of.at[i]);
		if (other < 0)
			continue;
		if (!set_has(e, set, x->of.at[i])) {
			d.x_contract[d.contract] = (uint8_t)i;
			d.y_contract[d.contract++] = (uint8_t)other;
		} else {
			d.x_batch[d.batch] = (uint8_t)i;
			d.y_batch[d.batch++] = (uint8_t)other;
			made.of.at[made.of.count++] = x->of.at[i];
		}
	}
	for (int side = 0; side < 2; side++) {
		const Letters *own = side ? &y->of : &x->of, *other = side ? &x->of : &y->of;
		for (int i = 0; i < own->count; i++)
			if (!has(other, own->at[i]))
				made.of.at[made.of.count++] = own->at[i];
	}
	made.x = op_dot(e->b->g, x->x, y->x, d);
	return made;
}

/* What nothing is summed over in: element by element. */
static Term product_of(const Einsum *e, const Term *x, const Term *y, int set)
{
	Letters all = x->of;
	for (int i = 0; i < y->of.count; i++)
		if (!has(&x->of, y->of.at[i]))
			all.at[all.count++] = y->of.at[i];
	if (set == (1 << e->count) - 1)
		all = e->result;
	return (Term){op_mul(e->b->g, aligned(e, x, &all), aligned(e, y, &all)), all};
}

static Term term_of(const Einsum *e, int set)
{
	if (!(set & (set - 1)))
		return e->operand[__builtin_ctz((unsigned)set)];
	Term x = term_of(e, e->split[set]), y = term_of(e, set ^ e->split[set]);
	bool sums = false;
	for (int i = 0; i < x.of.count; i++)
		sums |= !set_has(e, set, x.of.at[i]);
	return sums ? dot_of(e, &x, &y, set) : product_of(e, &x, &y, set);
}

Value builtin_einsum(Elab *b, Span span, Given *in)
{
	Einsum *e = new (b->c->arena, Einsum);
	*e = (Einsum){.b = b, .span = in[0].span, .text = in[0].value.text};
	while (e->count < OPERANDS && in[e->count + 1].value.kind != VALUE_NONE)
		e->count++;
	if (in[0].value.kind != VALUE_TEXT) {
		(void)wrong(e, "this is no description of a product");
		return value_none();
	}
	for (int i = e->count; i < OPERANDS; i++)
		if (in[i + 1].value.kind != VALUE_NONE) {
			elab_error(b, in[i + 1].span, "an operand is given, and one before it is not");
			return value_none();
		}
	if (!parse_text(e) || !take_operands(e, in))
		return value_none();
	find_order(e);
	int all = (1 << e->count) - 1;
	if (!isfinite(e->cost[all])) {
		elab_error(b, span, "every order of these products has a tensor of more than %d axes",
		           MAX_RANK);
		return value_none();
	}
	Term made = term_of(e, all);
	return value_tensor(made.x ? aligned(e, &made, &e->result) : 0);
}
