/* expr.c: tokens -> expressions, by precedence climbing. The grammar is in parse.h. */
#include "lex.h"

#include <string.h>

enum {
	MAX_NESTED = 200, /* brackets and signs in each other: the parser is recursive, */
	MAX_DEPTH = 1000, /* as are the walks over what it makes */
	MAX_ARGS = 256,
};

typedef struct Parser {
	Lex *l;
	Token t; /* the current token */
	int depth;
} Parser;

static Expr *parse_expr(Parser *p);

static void advance(Parser *p)
{
	p->t = lex_next(p->l);
}

static Span join(Span from, Span to)
{
	return (Span){from.file, from.at, to.end};
}

/* What other languages put between two values. */
static void help_word(Diags *d, const char *word)
{
	if (strcmp(word, "and") == 0 || strcmp(word, "or") == 0 || strcmp(word, "not") == 0)
		diag_help(d, "write and(x, y), or(x, y), not(x)");
	if (strcmp(word, "if") == 0)
		diag_help(d, "write select(condition, x, y), or if(condition, x, y) of numbers known now");
	if (strcmp(word, "for") == 0 || strcmp(word, "in") == 0)
		diag_help(d, "write repeat(x, n, f()), or scan(x, first, f()) along an axis");
}

/* A word right behind a text: the quote that was to be in the text has ended it. */
static void help_quote(Diags *d, Span at)
{
	size_t ignored;
	if (at.at && diags_bytes(d, at.file, &ignored)[at.at - 1] == '\'')
		diag_help(d, "a single quote in a text is written twice: 'Ann''s notes'");
}

/* What stands here, for "expected ... before": reported once, since TOKEN_BAD already was. */
static Expr *expected(Parser *p, const char *what)
{
	if (p->t.kind == TOKEN_END)
		diag_error(p->l->c->diags, p->t.span, "expected %s, but the expression ends", what);
	else if (p->t.kind != TOKEN_BAD) {
		diag_error(p->l->c->diags, p->t.span, "expected %s, not '%s'", what, p->t.text);
		help_word(p->l->c->diags, p->t.text);
		if (p->t.kind == TOKEN_NAME || p->t.kind == TOKEN_NUMBER)
			help_quote(p->l->c->diags, p->t.span);
	}
	return NULL;
}

static Expr *node_new(Parser *p, ExprKind kind, Span span)
{
	Expr *e = new (p->l->c->arena, Expr);
	e->kind = kind;
	e->span = span;
	return e;
}

/* e with its depth, now that its parts are known; NULL: it is too deep. */
static Expr *measured(Parser *p, Expr *e)
{
	uint32_t depth = e->callee ? e->callee->depth : 0;
	for (size_t i = 0; i < e->count; i++)
		depth = e->arg[i].value->depth > depth ? e->arg[i].value->depth : depth;
	e->depth = depth + 1;
	if (e->depth <= MAX_DEPTH)
		return e;
	diag_error(p->l->c->diags, e->name_span.file ? e->name_span : e->span,
	           "the expression is more than %d operations deep", MAX_DEPTH);
	diag_help(p->l->c->diags, "write an object of named values, each a part of it");
	return NULL;
}

static Expr *operator_new(Parser *p, const char *name, Span at, Span whole, Expr *const *operand,
                          size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!operand[i])
			return NULL;
	Expr *e = node_new(p, EXPR_CALL, whole);
	e->is_operator = true;
	e->text = name;
	e->name_span = at;
	e->count = count;
	e->arg = new_array(p->l->c->arena, Arg, count);
	for (size_t i = 0; i < count; i++)
		e->arg[i].value = operand[i];
	return measured(p, e);
}

/* Items up to `close`; the cursor stands behind the opening bracket, and ends behind the closing
 * one. */
static bool parse_items(Parser *p, const char *close, bool names, Expr *into, Span *end)
{
	Arg *item = NULL; /* [room]: on no stack, since items are nested */
	size_t count = 0, room = 0;
	while (!token_is(&p->t, close)) {
		if (count == MAX_ARGS) {
			diag_error(p->l->c->diags, p->t.span, "more than %d items", MAX_ARGS);
			return false;
		}
		if (count == room) {
			Arg *more = new_array(p->l->c->arena, Arg, room = room ? 4 * room : 4);
			if (count)
				memcpy(more, item, count * sizeof *item);
			item = more;
		}
		Lex ahead = *p->l;
		if (names && p->t.kind == TOKEN_NAME) {
			Token next = lex_next(&ahead);
			if (token_is(&next, "=")) {
				item[count].name = p->t.text;
				item[count].name_span = p->t.span;
				*p->l = ahead;
				advance(p);
			}
		}
		if (!(item[count++].value = parse_expr(p)))
			return false;
		if (token_is(&p->t, ","))
			advance(p);
		else if (!token_is(&p->t, close))
			return expected(p, close[0] == ')' ? "',' or ')'" : "',' or ']'") != NULL;
	}
	*end = p->t.span;
	advance(p);
	into->count = count;
	into->arg = item;
	return true;
}

static Expr *parse_atom(Parser *p)
{
	Token t = p->t;
	Expr *e = NULL;
	if (t.kind == TOKEN_NUMBER) {
		e = node_new(p, EXPR_NUMBER, t.span);
		e->number = t.number;
	} else if (t.kind == TOKEN_NAME || t.kind == TOKEN_TEXT) {
		e = node_new(p, t.kind == TOKEN_NAME ? EXPR_NAME : EXPR_TEXT, t.span);
		e->text = t.text;
	} else if (token_is(&t, "[")) {
		Span end;
		e = node_new(p, EXPR_LIST, t.span);
		advance(p);
		if (!parse_items(p, "]", false, e, &end))
			return NULL;
		e->span = join(t.span, end);
		return measured(p, e);
	} else if (token_is(&t, "(")) {
		advance(p);
		e = parse_expr(p);
		if (!e)
			return NULL;
		if (!token_is(&p->t, ")"))
			return expected(p, "')'");
	} else {
		return expected(p, "a value");
	}
	advance(p);
	return e;
}

static Expr *parse_postfix(Parser *p)
{
	Expr *e = parse_atom(p);
	while (e && (token_is(&p->t, "(") || token_is(&p->t, "["))) {
		bool is_call = token_is(&p->t, "(");
		if (is_call && (e->kind == EXPR_NUMBER || e->kind == EXPR_LIST || e->kind == EXPR_TEXT)) {
			diag_error(p->l->c->diags, e->span, "only a name can be called");
			return NULL;
		}
		Span at = p->t.span, end;
		Expr *call = node_new(p, EXPR_CALL, e->span);
		advance(p);
		if (!parse_items(p, is_call ? ")" : "]", is_call, call, &end))
			return NULL;
		call->span = join(e->span, end);
		call->name_span = e->span;
		if (is_call) {
			call->callee = e;
		} else {
			if (call->count == 0) {
				diag_error(p->l->c->diags, join(at, end), "expected an index between the brackets");
				return NULL;
			}
			Arg *arg = new_array(p->l->c->arena, Arg, call->count + 1);
			memcpy(arg + 1, call->arg, call->count * sizeof *arg);
			arg[0].value = e;
			*call = (Expr){.kind = EXPR_CALL,
			               .span = call->span,
			               .name_span = join(at, end),
			               .text = "index",
			               .is_operator = true,
			               .arg = arg,
			               .count = call->count + 1};
		}
		e = measured(p, call);
	}
	return e;
}

static Expr *parse_unary(Parser *p);

static Expr *parse_power(Parser *p)
{
	Expr *x = parse_postfix(p);
	if (!x || !token_is(&p->t, "^"))
		return x;
	Span at = p->t.span;
	advance(p);
	Expr *y = parse_unary(p);
	return y ? operator_new(p, "pow", at, join(x->span, y->span), (Expr *[]){x, y}, 2) : NULL;
}

static Expr *parse_unary(Parser *p)
{
	if (++p->depth > MAX_NESTED) {
		diag_error(p->l->c->diags, p->t.span, "the expression is nested more than %d deep",
		           MAX_NESTED);
		diag_help(p->l->c->diags, "write an object of named values, each a part of it");
		return NULL;
	}
	Expr *e;
	if (token_is(&p->t, "-")) {
		Span at = p->t.span;
		advance(p);
		Expr *x = parse_unary(p);
		e = x ? operator_new(p, "neg", at, join(at, x->span), &x, 1) : NULL;
	} else {
		e = parse_power(p);
	}
	p->depth--;
	return e;
}

/* -- Operators of two operands, loosest first -------------------------------------------------- */

typedef struct Operator {
	const char *punct, *name;
	int level;
} Operator;

enum { COMPARE, SUM, PRODUCT };

static const Operator operators[] = {
    {"<", "less", COMPARE},    {"<=", "less_equal", COMPARE},
    {">", "greater", COMPARE}, {">=", "greater_equal", COMPARE},
    {"==", "equal", COMPARE},  {"!=", "not_equal", COMPARE},
    {"+", "add", SUM},         {"-", "sub", SUM},
    {"*", "mul", PRODUCT},     {"/", "div", PRODUCT},
    {"%", "mod", PRODUCT},     {"@", "matmul", PRODUCT},
};

static const Operator *operator_at(const Token *t, int level)
{
	for (size_t i = 0; i < COUNT(operators); i++)
		if (operators[i].level == level && t->kind == TOKEN_PUNCT &&
		    strcmp(t->text, operators[i].punct) == 0)
			return &operators[i];
	return NULL;
}

static Expr *parse_level(Parser *p, int level)
{
	Expr *x = level == PRODUCT ? parse_unary(p) : parse_level(p, level + 1);
	const Operator *o;
	for (int chained = 0; x && (o = operator_at(&p->t, level)); chained++) {
		Span at = p->t.span;
		if (chained == 1 && level == COMPARE) {
			diag_error(p->l->c->diags, at, "comparisons cannot be chained");
			diag_help(p->l->c->diags, "write and(a < b, b < c)");
			return NULL;
		}
		advance(p);
		Expr *y = level == PRODUCT ? parse_unary(p) : parse_level(p, level + 1);
		x = y ? operator_new(p, o->name, at, join(x->span, y->span), (Expr *[]){x, y}, 2) : NULL;
	}
	return x;
}

static Expr *parse_expr(Parser *p)
{
	return parse_level(p, COMPARE);
}

Expr *expr_parse_tokens(Lex *l, Token *token)
{
	Parser p = {.l = l, .t = *token};
	Expr *e = parse_expr(&p);
	*token = p.t;
	return e;
}

Expr *expr_parse(Compile *c, const Json *json)
{
	Lex l = lex_open(c, json);
	Token t = lex_next(&l);
	if (t.kind == TOKEN_END) {
		diag_error(c->diags, json->span, "expected an expression, but the text is empty");
		return NULL;
	}
	Expr *e = expr_parse_tokens(&l, &t);
	if (!e || t.kind == TOKEN_END)
		return e;
	if (token_is(&t, "="))
		diag_error(c->diags, t.span, "'=' names an argument of a call; compare with '=='");
	else if (t.kind != TOKEN_BAD) {
		diag_error(c->diags, t.span, "expected an operator or the end of the expression, not '%s'",
		           t.text);
		help_word(c->diags, t.text);
	}
	return NULL;
}
