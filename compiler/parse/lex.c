/* lex.c: tokens of the expression language, with spans in the model file.
 *
 * An expression stands in a JSON string, so a byte of it may be an escape of up to 12 bytes in the
 * file (a surrogate pair): map_escapes is the one place that knows. */
#include "lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* place[i] for every byte of the unescaped text, by walking the raw one from `raw` on. */
static void map_escapes(Lex *l, const char *file_text, uint32_t raw)
{
	for (uint32_t i = 0; i < l->size;) {
		uint32_t width = 1, bytes = 1;
		if (file_text[raw] == '\\' && file_text[raw + 1] == 'u') {
			unsigned code = (unsigned)strtoul((char[5]){file_text[raw + 2], file_text[raw + 3],
			                                            file_text[raw + 4], file_text[raw + 5], 0},
			                                  NULL, 16);
			bool pair = code >= 0xD800 && code < 0xDC00;
			width = pair ? 12 : 6;
			bytes = pair ? 4 : code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
		} else if (file_text[raw] == '\\') {
			width = 2;
		}
		for (uint32_t b = 0; b < bytes && i < l->size; b++)
			l->place[i++] = raw;
		raw += width;
	}
	l->place[l->size] = raw;
}

static Lex open_at(Compile *c, Span span, uint32_t raw, const char *text)
{
	size_t ignored;
	Lex l = {.c = c, .text = text, .size = (uint32_t)strlen(text), .file = span.file};
	l.place = new_array(c->arena, uint32_t, l.size + 1);
	map_escapes(&l, diags_bytes(c->diags, span.file, &ignored), raw);
	return l;
}

Lex lex_open(Compile *c, const Json *string)
{
	return open_at(c, string->span, string->span.at + 1, string->text);
}

Lex lex_open_key(Compile *c, const Json *member)
{
	return open_at(c, member->key_span, member->key_span.at, member->key);
}

static Token make(const Lex *l, TokenKind kind, uint32_t from)
{
	Span span = {l->file, l->place[from], l->place[l->at]};
	return (Token){
	    .kind = kind, .span = span, .text = arena_copy(l->c->arena, l->text + from, l->at - from)};
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}
static bool is_name_part(char c)
{
	return is_name_start(c) || isdigit((unsigned char)c);
}

static Token lex_number(Lex *l)
{
	uint32_t from = l->at;
	const char *t = l->text;
	while (isdigit((unsigned char)t[l->at]))
		l->at++;
	if (t[l->at] == '.')
		for (l->at++; isdigit((unsigned char)t[l->at]);)
			l->at++;
	if (t[l->at] == 'e' || t[l->at] == 'E') {
		uint32_t exponent = l->at + 1;
		if (t[exponent] == '+' || t[exponent] == '-')
			exponent++;
		if (isdigit((unsigned char)t[exponent]))
			for (l->at = exponent; isdigit((unsigned char)t[l->at]);)
				l->at++;
	}
	if (is_name_part(t[l->at])) {
		while (is_name_part(t[l->at]))
			l->at++;
		Token bad = make(l, TOKEN_BAD, from);
		diag_error(l->c->diags, bad.span, "'%s' is neither a number nor a name", bad.text);
		diag_help(l->c->diags, "a name starts with a letter; between a number and a name stands an "
		                       "operator, as in 2 * x");
		return bad;
	}
	Token number = make(l, TOKEN_NUMBER, from);
	number.number = text_to_number(number.text, NULL);
	if (number.number > 1.7976931348623157e308) {
		diag_error(l->c->diags, number.span, "'%s' is too large for a number", number.text);
		number.kind = TOKEN_BAD;
	}
	return number;
}

/* A quote in a text is doubled. */
static char *without_doubles(Arena *a, const char *text, size_t size)
{
	char *copy = arena_copy(a, text, size), *to = copy;
	for (const char *from = copy; *from; from += from[0] == '\'' ? 2 : 1)
		*to++ = *from;
	*to = 0;
	return copy;
}

static Token lex_text(Lex *l)
{
	uint32_t from = l->at++;
	while (l->at < l->size && (l->text[l->at] != '\'' || l->text[l->at + 1] == '\''))
		l->at += l->text[l->at] == '\'' ? 2 : 1;
	if (l->at == l->size) {
		Token bad = make(l, TOKEN_BAD, from);
		diag_error(l->c->diags, bad.span, "this text is not closed");
		diag_help(l->c->diags, "end it with a single quote");
		return bad;
	}
	l->at++;
	Token text = make(l, TOKEN_TEXT, from);
	text.text = without_doubles(l->c->arena, l->text + from + 1, l->at - from - 2);
	if (control_in(text.text, false)) {
		diag_error(l->c->diags, text.span, "a text must not hold a control character");
		text.kind = TOKEN_BAD;
	}
	return text;
}

static Token lex_bad(Lex *l)
{
	uint32_t from = l->at++;
	while ((l->text[l->at] & 0xC0) == 0x80)
		l->at++;
	Token bad = make(l, TOKEN_BAD, from);
	diag_error(l->c->diags, bad.span, "an expression cannot hold '%s'", bad.text);
	if (bad.text[0] == '"')
		diag_help(l->c->diags, "a text inside an expression stands in single quotes");
	if (bad.text[0] == '&' || bad.text[0] == '|' || bad.text[0] == '!')
		diag_help(l->c->diags, "write and(x, y), or(x, y), not(x)");
	if (bad.text[0] == ':')
		diag_help(l->c->diags,
		          "parts are slice(x, axis, start, stop); x[i] is the i-th along the first axis");
	if (bad.text[0] == '.')
		diag_help(l->c->diags, "write 0.5 for .5; there are no methods: f(x), not x.f()");
	return bad;
}

Token lex_next(Lex *l)
{
	while (l->at < l->size && isspace((unsigned char)l->text[l->at]))
		l->at++;
	uint32_t from = l->at;
	char c = l->text[l->at];
	if (l->at == l->size)
		return make(l, TOKEN_END, from);
	if (is_name_start(c)) {
		while (is_name_part(l->text[l->at]))
			l->at++;
		Token name = make(l, TOKEN_NAME, from);
		if (l->at - from > LONGEST_NAME) {
			diag_error(l->c->diags, name.span, "a name of %u characters; at most %d are allowed",
			           l->at - from, LONGEST_NAME);
			name.kind = TOKEN_BAD;
		}
		return name;
	}
	if (isdigit((unsigned char)c))
		return lex_number(l);
	if (c == '\'')
		return lex_text(l);
	if (strchr("<>=!", c) && l->text[l->at + 1] == '=') {
		l->at += 2;
		return make(l, TOKEN_PUNCT, from);
	}
	if (c == '*' && l->text[l->at + 1] == '*') {
		l->at += 2;
		Token bad = make(l, TOKEN_BAD, from);
		diag_error(l->c->diags, bad.span, "there is no operator '**'");
		diag_help(l->c->diags, "a power is written x^2");
		return bad;
	}
	if (strchr("+-*/%@^()[],=<>", c)) {
		l->at++;
		return make(l, TOKEN_PUNCT, from);
	}
	return lex_bad(l);
}
