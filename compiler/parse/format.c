/* format.c: a model file in the one form that `sslc fmt` gives it.
 *
 * In: a file of JSON. Out: the same tree, with its keys in the same order and its texts and numbers
 * as they were written, but for the spaces between the tokens of expressions. An object or a list
 * stays open, a line a member, where its author opened it, and where it does not fit into WIDTH
 * columns; else it is one line. One empty line between members stays. The result formats to itself. */
#include "sections.h"

#include <string.h>

enum { WIDTH = 128, INDENT = 2 };

typedef struct Format {
	Compile *c;
	const char *file; /* its bytes */
	Text *out;
	size_t line;   /* where in `out` the line begins */
	Compile quiet; /* of expressions: a text that is none is no error here */
	uint32_t quiet_file;
} Format;

/* -- Expressions ------------------------------------------------------------------------------- */

static bool is_one_of(const Token *t, const char *const *puncts)
{
	for (; t->kind == TOKEN_PUNCT && *puncts; puncts++)
		if (strcmp(t->text, *puncts) == 0)
			return true;
	return false;
}

static bool is_punct(const Token *t, const char *punct)
{
	return t->kind == TOKEN_PUNCT && strcmp(t->text, punct) == 0;
}

static bool is_binary(const Token *t)
{
	return is_one_of(t, (const char *const[]){"+", "-", "*", "/", "%", "@", "<", "<=", ">",
	                                          ">=", "==", "!=", "^", NULL});
}

/* Whether a minus behind this token has nothing on its left. */
static bool begins_operand(const Token *t)
{
	return t->kind == TOKEN_END || is_binary(t) ||
	       is_one_of(t, (const char *const[]){"(", "[", ",", "=", NULL});
}

/* Whether a space stands between two tokens; `before` is the one before the first. */
static bool is_spaced(const Token *before, const Token *a, const Token *b)
{
	if (a->kind == TOKEN_END || is_one_of(a, (const char *const[]){"(", "[", "=", "^", NULL}) ||
	    is_one_of(b, (const char *const[]){")", "]", ",", "=", "^", NULL}))
		return false;
	if (is_punct(a, "-") && begins_operand(before))
		return false;
	if (is_punct(a, ",") || is_binary(a))
		return true;
	return !is_punct(b, "(") && !is_punct(b, "[");
}

/* The text of an expression with the usual spaces; false: it is none, and stays as it is. */
static bool format_expression(Format *f, const Json *j)
{
	Token before = {.kind = TOKEN_END}, a = before;
	Json copy = *j;
	copy.span.file = f->quiet_file;
	if (memchr(f->file + j->span.at, '\\', j->span.end - j->span.at) ||
	    !expr_parse(&f->quiet, &copy))
		return false;
	Lex l = lex_open(&f->quiet, &copy);
	text_add(f->out, "\"", 1);
	for (Token b = lex_next(&l); b.kind != TOKEN_END; b = lex_next(&l)) {
		text_add(f->out, " ", is_spaced(&before, &a, &b));
		text_add(f->out, f->file + b.span.at, b.span.end - b.span.at);
		before = a;
		a = b;
	}
	text_add(f->out, "\"", 1);
	return true;
}

/* -- JSON -------------------------------------------------------------------------------------- */

/* Keys whose texts are no expressions. */
static bool is_plain(const char *key)
{
	static const char *const keys[] = {"name",   "about",     "precision", "names",
	                                   "freeze", "baselines", "$schema"};
	return key && listed(key, keys, COUNT(keys));
}

static void print_value(Format *f, const Json *j, bool plain, size_t depth, bool flat);

static void print_raw(Format *f, Span span)
{
	text_add(f->out, f->file + span.at, span.end - span.at);
}

static void print_member(Format *f, const Json *m, bool plain, size_t depth, bool flat)
{
	if (m->key) {
		text_add(f->out, "\"", 1);
		print_raw(f, m->key_span);
		text_add(f->out, "\": ", 3);
	}
	print_value(f, m, plain || is_plain(m->key), depth, flat);
}

static void print_flat(Format *f, const Json *j, bool plain, size_t depth)
{
	text_add(f->out, j->kind == JSON_LIST ? "[" : "{", 1);
	for (const Json *m = j->first; m; m = m->next) {
		text_add(f->out, ", ", m == j->first ? 0 : 2);
		print_member(f, m, plain, depth, true);
	}
	text_add(f->out, j->kind == JSON_LIST ? "]" : "}", 1);
}

/* Where a member begins: with its key. */
static uint32_t begin_of(const Json *m)
{
	return m->key ? m->key_span.at - 1 : m->span.at;
}

static size_t newlines(const Format *f, uint32_t from, uint32_t to)
{
	size_t count = 0;
	for (; from < to; from++)
		count += f->file[from] == '\n';
	return count;
}

static void new_line(Format *f, size_t depth)
{
	text_add(f->out, "\n", 1);
	f->line = f->out->size;
	text_printf(f->out, "%*s", (int)(INDENT * depth), "");
}

static void print_open(Format *f, const Json *j, bool plain, size_t depth)
{
	uint32_t end = 0;
	text_add(f->out, j->kind == JSON_LIST ? "[" : "{", 1);
	for (const Json *m = j->first; m; m = m->next) {
		text_add(f->out, ",", m == j->first ? 0 : 1);
		if (end && newlines(f, end, begin_of(m)) > 1)
			text_add(f->out, "\n", 1);
		new_line(f, depth + 1);
		print_member(f, m, plain, depth + 1, false);
		end = m->span.end;
	}
	new_line(f, depth);
	text_add(f->out, j->kind == JSON_LIST ? "]" : "}", 1);
}

/* Whether it is open where the author wrote it, or anything in it is. */
static bool was_open(const Format *f, const Json *j)
{
	if (j->kind != JSON_LIST && j->kind != JSON_OBJECT)
		return false;
	if (j->first && newlines(f, j->span.at, begin_of(j->first)))
		return true;
	for (const Json *m = j->first; m; m = m->next)
		if (was_open(f, m))
			return true;
	return false;
}

static void print_value(Format *f, const Json *j, bool plain, size_t depth, bool flat)
{
	if (j->kind == JSON_STRING && !plain && format_expression(f, j))
		return;
	if (j->kind != JSON_LIST && j->kind != JSON_OBJECT) {
		print_raw(f, j->span);
		return;
	}
	size_t begin = f->out->size;
	if (flat || !j->first || (depth && !was_open(f, j))) {
		print_flat(f, j, plain, depth);
		bool fits = f->out->size - f->line + (j->next ? 1 : 0) <= WIDTH;
		if (flat || fits || !j->first)
			return;
		f->out->size = begin;
	}
	print_open(f, j, plain, depth);
}

bool model_format(Compile *c, uint32_t file, Text *out)
{
	size_t size;
	const Json *j = json_parse(c, file);
	Format f = {.c = c, .out = out};
	if (!j)
		return false;
	f.file = diags_bytes(c->diags, file, &size);
	f.quiet = *c;
	f.quiet.diags = diags_open(c->arena);
	f.quiet_file = diags_file(f.quiet.diags, "", f.file, size);
	print_value(&f, j, false, 0, false);
	text_add(out, "\n", 1);
	return true;
}
