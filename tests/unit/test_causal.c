/* test_causal.c: functions of a sequence one place at a time: attention, recurrences and convolutions of
 * the model language give what the whole sequence gives; what looks ahead is not taken for one that
 * does not. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/causal/causal.h"
#include "../../compiler/elaborate/elaborate.h"
#include "compiled.h"

enum { PLACES = 7, MOST_PAST = 16 };

#define EMBEDDED  "token_embedding(x, 11, 6, std=1)"
#define SCORES(e) "(" e " @ transpose(" e ", [0, 2, 1]))"

/* x is i32[1,7]. */
static const char *const CAUSAL[] = {
    EMBEDDED,
    "linear(layer_norm(learned_positions(" EMBEDDED ")), 5)",
    "attention(" EMBEDDED ", 2, causal=1)",
    "linear(repeat(learned_positions(" EMBEDDED "), 2, causal_block(3)), 5)",
    "attention(slice(" EMBEDDED ", 1, 0, 5), 2, causal=1)",
    "softmax(" SCORES(EMBEDDED) " + select(past(" SCORES(EMBEDDED) "), 0, -infinity)) @ " EMBEDDED,
    "select(iota([1, 7, 7], 1) >= iota([1, 7, 7], 2), " SCORES(EMBEDDED) ", 0) @ " EMBEDDED,
    "softmax(select(iota([1, 7, 7], 1) < iota([1, 7, 7], 2), -infinity, " SCORES(
        EMBEDDED) ")) @ " EMBEDDED,
    "softmax(select(and(past(" SCORES(EMBEDDED) "), iota([1, 7, 7], 1) - iota([1, 7, 7], 2) < "
                                                "3), " SCORES(EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "softmax(select(iota([1, 7, 7], 1) - iota([1, 7, 7], 2) > -1, " SCORES(
        EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "softmax(select(cast(iota([1, 7, 7], 2), 'float') - cast(iota([1, 7, 7], 1), 'float') <= "
    "0, " SCORES(EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "gru(" EMBEDDED ", 5)",
    "linear(lstm(gru(" EMBEDDED ", 4), 3), 5)",
    "state_space(" EMBEDDED ", 5, 4)",
    "gru(attention(gru(" EMBEDDED ", 4), 2, causal=1), 3)",
    "steps_first(scan(steps_first(" EMBEDDED "), zeros([1, 6]), add))",
    "reshape(windows(pad(" EMBEDDED ", 1, 2, 0), 1, 3), [1, 7, 18])",
    "reshape(windows(pad(tanh(reshape(windows(pad(" EMBEDDED ", 1, 4, 0), 1, 3, dilation=2), "
    "[1, 7, 18])), 1, 1, 0), 1, 2), [1, 7, 36])",
    "concat([zeros([1, 1, 6]), slice(" EMBEDDED ", 1, 0, 6)], 1) + " EMBEDDED,
    "cast(reshape(x, [1, 7, 1]), 'float') * param([3], ones)",
};

static const char *const AHEAD[] = {
    "attention(" EMBEDDED ", 2)",
    EMBEDDED " - mean(" EMBEDDED ", 1, keep=1)",
    "conv(" EMBEDDED ", 4, 3)",
    "gru(" EMBEDDED ", 5, reverse=1)",
    "bidirectional(" EMBEDDED ", gru(3))",
    "slice(" EMBEDDED ", 1, 1, 7)",
    "reverse(" EMBEDDED ", 1)",
    "slice(" EMBEDDED ", 1, 0, 7, 2)",
    "softmax(select(iota([1, 7, 7], 1) <= iota([1, 7, 7], 2), " SCORES(
        EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "softmax(select(iota([1, 7, 7], 2) <= iota([1, 7, 7], 1) + 1, " SCORES(
        EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "softmax(select(iota([1, 7, 7], 1) - iota([1, 7, 7], 2) >= -1, " SCORES(
        EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "softmax(select(iota([1, 7, 7], 2) - iota([1, 7, 7], 1) <= cast(cast(-1, 'u8'), "
    "'i32'), " SCORES(EMBEDDED) ", -infinity)) @ " EMBEDDED,
    "softmax(select(past(" SCORES(EMBEDDED) "), " SCORES(EMBEDDED) ", -1)) @ " EMBEDDED,
    "exp(select(past(" SCORES(EMBEDDED) "), " SCORES(EMBEDDED) ", 0)) @ " EMBEDDED,
    "select(past(" SCORES(EMBEDDED) "), " SCORES(EMBEDDED) ", 0) @ reverse(" EMBEDDED ", 1)",
    EMBEDDED " + reshape(gru(" EMBEDDED ", 6)[0][6], [1, 1, 6])",
    "reshape(windows(pad(" EMBEDDED ", 1, 1, 1), 1, 3), [1, 7, 18])",
    "pad(slice(" EMBEDDED ", 1, 1, 7), 1, 0, 1)",
    "pad(slice(" EMBEDDED " + pad(slice(" EMBEDDED ", 1, 0, 6), 1, 1, 0), 1, 1, 7), 1, 0, 1)",
    "pad(slice(pad(slice(" EMBEDDED ", 1, 0, 6), 1, 1, 0) + " EMBEDDED ", 1, 1, 7), 1, 0, 1)",
    "gather(" EMBEDDED ", (iota([7]) + 1) % 7, 1)",
    EMBEDDED " * uniform([1, 7, 6])",
    "zeros([1, 7, 3])",
};

static Graph *graph_of(Compile *c, const char *text)
{
	Bundle *states;
	DataField x = {"x", DTYPE_i32, SHAPE(1, PLACES)};
	Graph *g = build_expression(c, prelude_parse(c), NULL, expression_of(c, text), &x, 1, &states);
	diag_print(c->diags, stderr, false);
	return g ? graph_live(c, g) : NULL;
}

typedef struct Memory { /* "past.N" */
	const char *name;
	double *at;
	int64_t outer, places, inner;
} Memory;

typedef struct Feeds {
	Feed at[256];
	size_t count;
} Feeds;

static void feed(Feeds *f, const char *name, const double *at)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->at[i].name, name) == 0)
			return;
	CU_ASSERT_FATAL(f->count < COUNT(f->at));
	f->at[f->count++] = (Feed){name, at};
}

static void feed_states(Compile *c, const Graph *g, Feeds *f)
{
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_state)
			feed(f, node(g, x)->attr.name,
			     test_numbers(c, DTYPE_f32, shape_size(node(g, x)->shape),
			                  hash_text(3, node(g, x)->attr.name)));
}

static const double *output(const Graph *g, double **value, const char *name)
{
	for (uint32_t i = 0; i < g->out_count; i++)
		if (strcmp(g->out[i].name, name) == 0)
			return value[g->out[i].value];
	return NULL;
}

/* What is remembered; nothing was given yet. */
static size_t open_memory(Compile *c, const Graph *whole, const Graph *next, Memory *m)
{
	size_t count = 0;
	for (uint32_t i = 0; i < whole->out_count; i++) {
		if (strncmp(whole->out[i].name, "past.", 5) != 0)
			continue;
		CU_ASSERT_FATAL(count < MOST_PAST);
		const Node *all = node(whole, whole->out[i].value), *one = NULL;
		for (uint32_t k = 0; k < next->out_count; k++)
			if (strcmp(next->out[k].name, whole->out[i].name) == 0)
				one = node(next, next->out[k].value);
		CU_ASSERT_FATAL(one != NULL && one->shape.rank == all->shape.rank);
		Memory *to = &m[count++];
		*to = (Memory){whole->out[i].name, NULL, 1, 1, 1};
		int axis = 0;
		while (axis < all->shape.rank && all->shape.dim[axis] == one->shape.dim[axis])
			to->outer *= all->shape.dim[axis++];
		CU_ASSERT_FATAL(axis < all->shape.rank && one->shape.dim[axis] == 1);
		to->places = all->shape.dim[axis];
		for (int k = axis + 1; k < all->shape.rank; k++)
			to->inner *= all->shape.dim[k];
		int64_t size = shape_size(all->shape);
		to->at = new_array(c->arena, double, (size_t)size);
		for (int64_t k = 0; k < size; k++)
			to->at[k] = 1000 + (double)k;
	}
	return count;
}

static void keep(Memory *m, const double *row, int64_t place)
{
	for (int64_t i = 0; place < m->places && i < m->outer; i++)
		memcpy(m->at + (i * m->places + place) * m->inner, row + i * m->inner,
		       (size_t)m->inner * sizeof *row);
}

static bool near(const double *a, const double *b, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (a[i] != b[i] && !(fabs(a[i] - b[i]) <= 1e-12 * (1 + fabs(b[i]))))
			return false;
	return true;
}

static void check_places(Compile *c, const char *text, const Graph *whole, const Graph *next)
{
	static const double TOKENS[PLACES] = {3, 10, 0, 7, 7, 1, 4};
	Memory m[MOST_PAST];
	Feeds f = {0};
	size_t count = open_memory(c, whole, next, m);
	feed(&f, "x", TOKENS);
	feed_states(c, whole, &f);
	double **want = evaluate(c->arena, whole, f.at, f.count);
	const Shape s = node(whole, whole->out[0].value)->shape;
	const double *y = want[whole->out[0].value];
	int64_t width = shape_size(s) / s.dim[1];
	for (int64_t p = 0; p < s.dim[1]; p++) {
		double place = (double)p;
		Feeds of = {0};
		feed(&of, "x", &TOKENS[p]);
		feed(&of, "place", &place);
		for (size_t i = 0; i < count; i++)
			feed(&of, m[i].name, m[i].at);
		feed_states(c, next, &of);
		double **got = evaluate(c->arena, next, of.at, of.count);
		if (!near(output(next, got, whole->out[0].name), y + p * width, width)) {
			fprintf(stderr, "%s: place %d is another\n", text, (int)p);
			CU_FAIL("a place");
			return;
		}
		for (size_t i = 0; i < count; i++)
			keep(&m[i], output(next, got, m[i].name), p);
	}
	for (size_t i = 0; i < count; i++) /* what the whole function hands over */
		for (int64_t k = 0; k < m[i].outer; k++)
			CU_ASSERT(near(m[i].at + k * m[i].places * m[i].inner,
			               output(whole, want, m[i].name) + k * m[i].places * m[i].inner,
			               (s.dim[1] < m[i].places ? s.dim[1] : m[i].places) * m[i].inner));
}

static void place_by_place(void)
{
	for (size_t i = 0; i < COUNT(CAUSAL); i++) {
		Compile *c = compile_open();
		Graph *whole = graph_of(c, CAUSAL[i]);
		CU_ASSERT_FATAL(whole != NULL);
		Graph *next = next_place(c, whole, "next", "x");
		if (next) {
			graph_verify(whole, "next");
			graph_verify(next, "next");
			check_places(c, CAUSAL[i], whole, next);
		} else {
			fprintf(stderr, "%s: it is not seen that nothing looks ahead\n", CAUSAL[i]);
			CU_FAIL("a causal function");
		}
		compile_close(c);
	}
}

static void looks_ahead(void)
{
	for (size_t i = 0; i < COUNT(AHEAD); i++) {
		Compile *c = compile_open();
		Graph *whole = graph_of(c, AHEAD[i]);
		CU_ASSERT_FATAL(whole != NULL);
		uint32_t nodes = whole->count;
		if (next_place(c, whole, "next", "x")) {
			fprintf(stderr, "%s: it looks ahead\n", AHEAD[i]);
			CU_FAIL("a function that looks ahead");
		}
		CU_ASSERT(whole->count == nodes && whole->out_count == 1);
		compile_close(c);
	}
}

/* Of places of width 6; $ is what flows. */
static const char *const PIECES[] = {
    "linear($, 6)",
    "pad(slice($, 1, 0, 6), 1, 1, 0)",
    "pad(slice($, 1, 0, 5), 1, 2, 0)",
    "pad(slice($, 1, 1, 7), 1, 0, 1)",
    "slice(pad($, 1, 2, 0), 1, 1, 8)",
    "slice(pad($, 1, 3, 0), 1, 0, 7)",
    "reduce_max(windows(pad($, 1, 2, 0), 1, 3), 2)",
    "reduce_max(windows(pad($, 1, 0, 2), 1, 3), 2)",
    "slice(reduce_max(windows(pad($, 1, 4, 0), 1, 3), 2), 1, 2, 9)",
    "slice(reduce_max(windows(pad($, 1, 2, 2), 1, 3), 2), 1, 0, 7)",
    "concat([full([1, 1, 6], 2), slice($, 1, 0, 6)], 1)",
    "transpose(tanh(transpose($, [0, 2, 1])), [0, 2, 1])",
    "attention($, 2, causal=1)",
    "gru($, 6)",
};

/* `text` with `flows` in place of each $. */
static const char *put_in(Compile *c, const char *text, const char *flows)
{
	const char *at = strchr(text, '$');
	return at ? arena_printf(c->arena, "%.*s%s%s", (int)(at - text), text, flows,
	                         put_in(c, at + 1, flows))
	          : text;
}

/* Shifts to and fro: a place of one may be known before it is made. */
static void chains_place_by_place(void)
{
	int shown = 0;
	for (uint32_t seed = 1; seed <= 300; seed++) {
		Compile *c = compile_open();
		const char *text = EMBEDDED;
		uint32_t draw = seed * 2654435761u;
		for (uint32_t depth = 1 + seed % 5; depth > 0; depth--) {
			draw = draw * 1664525u + 1013904223u;
			text = put_in(c, PIECES[(draw >> 16) % COUNT(PIECES)], text);
		}
		Graph *whole = graph_of(c, text);
		CU_ASSERT_FATAL(whole != NULL);
		Graph *next = next_place(c, whole, "next", "x");
		if (next)
			check_places(c, text, whole, next);
		shown += next != NULL;
		compile_close(c);
	}
	CU_ASSERT(shown > 100);
}

/* Attention remembers keys and values; a recurrence only what it carries, a convolution its inputs. */
static void what_is_remembered(void)
{
	static const struct {
		const char *text;
		size_t count;
	} ROWS[] = {
	    {EMBEDDED, 0},
	    {"attention(" EMBEDDED ", 2, causal=1)", 2},
	    {"gru(" EMBEDDED ", 5)", 1},
	    {"lstm(" EMBEDDED ", 5)", 2},
	    {"reshape(windows(pad(" EMBEDDED ", 1, 2, 0), 1, 3), [1, 7, 18])", 1},
	};
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		Compile *c = compile_open();
		Graph *whole = graph_of(c, ROWS[i].text);
		CU_ASSERT_FATAL(whole != NULL && next_place(c, whole, "next", "x") != NULL);
		CU_ASSERT_EQUAL(whole->out_count, 1 + ROWS[i].count);
		compile_close(c);
	}
}

/* -- What is claimed of random graphs ---------------------------------------------------------- */

/* The places of element e of a node, along one of its axes. */
static int64_t place_along(Shape s, int64_t e, int axis)
{
	for (int i = s.rank - 1; i > axis; i--)
		e /= s.dim[i];
	return e % s.dim[axis];
}

/* Up to which place of the input element e depends on it; INT64_MAX: any. */
static int64_t last_place(const Past *p, Shape s, int64_t e)
{
	if (!p->varies)
		return -1;
	if (p->lost)
		return INT64_MAX;
	if (p->axis != NOWHERE)
		return place_along(s, e, p->axis) - p->lag;
	if (p->pair[0] == NOWHERE)
		return INT64_MAX;
	int64_t a = place_along(s, e, p->pair[0]), b = place_along(s, e, p->pair[1]);
	return (a > b ? a : b) - p->lag;
}

typedef struct Claims {
	int64_t held, broken;
} Claims;

/* Elements that should not know of the places from `changed` on. */
static void compare(const Graph *g, const Past *past, double **was, double **is, int64_t changed,
                    Claims *claims)
{
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		if (op_info[n->op].kind == LOOP)
			continue;
		for (int64_t e = 0; e < shape_size(n->shape); e++) {
			if (last_place(&past[x], n->shape, e) >= changed || isnan(was[x][e]) || isnan(is[x][e]))
				continue;
			bool same = was[x][e] == is[x][e];
			claims->held += same && past[x].varies;
			claims->broken += !same;
		}
	}
}

static void claims_hold(void)
{
	Claims claims = {0, 0};
	for (uint32_t seed = 1; seed <= 300; seed++) {
		Compile *c = compile_open();
		Graph *g = random_graph(c, seed);
		Past *past = past_of(c, g, "x");
		Feeds f = {0};
		const double *x = NULL;
		int64_t rows = 0, places = 0;
		for (NodeId i = 1; i < g->count; i++) {
			const Node *n = node(g, i);
			if (n->op != OP_input && n->op != OP_state)
				continue;
			bool is_x = strcmp(n->attr.name, "x") == 0;
			const double *at =
			    test_numbers(c, n->type, shape_size(n->shape), hash_text(7, n->attr.name));
			feed(&f, n->attr.name, at);
			if (is_x)
				x = at, rows = n->shape.dim[0], places = n->shape.dim[1];
		}
		CU_ASSERT_FATAL(x != NULL);
		double **was = evaluate(c->arena, g, f.at, f.count);
		for (int64_t from = 0; from < places; from += 1 + places / 3) {
			double *other = new_array(c->arena, double, (size_t)(rows * places));
			for (int64_t e = 0; e < rows * places; e++)
				other[e] = e % places >= from ? 1.25 - x[e] : x[e];
			for (size_t i = 0; i < f.count; i++)
				f.at[i].at = strcmp(f.at[i].name, "x") == 0 ? other : f.at[i].at;
			compare(g, past, was, evaluate(c->arena, g, f.at, f.count), from, &claims);
		}
		if (claims.broken) {
			fprintf(stderr, "random graph %u: a place knows of a later one\n", seed);
			CU_FAIL("what is said of places");
			compile_close(c);
			return;
		}
		compile_close(c);
	}
	CU_ASSERT(claims.held > 10000); /* it says something */
}

CU_TestInfo test_causal[] = {
    {"what is said of places holds", claims_hold},
    {"one place at a time is the whole", place_by_place},
    {"chains of shifts, place by place", chains_place_by_place},
    {"what looks ahead is refused", looks_ahead},
    {"no more is remembered than needed", what_is_remembered},
    CU_TEST_INFO_NULL,
};
