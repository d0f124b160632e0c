/* syntax.c: says what is wrong with a text that cJSON refused, and where. In: the text. Out: one Diag.
 *
 * cJSON says only about where it stopped. So the text is read again, by the grammar of RFC 8259 as
 * cJSON takes it, up to the first character that does not fit; what stands there says what was meant. */
#include "parse.h"

#include <string.h>

typedef struct Scan {
	Diags *d;
	uint32_t file;
	const char *text;
	uint32_t size, at;
	uint32_t open[JSON_DEPTH + 1]; /* where the lists and objects around begin */
	int depth;
} Scan;

static char here(const Scan *s)
{
	return s->at < s->size ? s->text[s->at] : 0;
}

static void skip_space(Scan *s)
{
	while (s->at < s->size && (unsigned char)s->text[s->at] <= ' ')
		s->at++;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Four digits of \uXXXX stand there. */
static bool is_hex(const Scan *s, uint32_t from)
{
	uint32_t at = from;
	while (at < s->size && at < from + 4 && s->text[at] &&
	       strchr("0123456789abcdefABCDEF", s->text[at]))
		at++;
	return at == from + 4;
}

/* A name, a number, or a character of UTF-8. */
static uint32_t word_end(const Scan *s)
{
	uint32_t end = s->at;
	while (end < s->size && (is_letter(s->text[end]) || is_digit(s->text[end])))
		end++;
	if (end == s->at)
		end += (uint32_t)utf8_bytes(s->text + end, s->size - end);
	return end;
}

static bool begins(const Scan *s, const char *with)
{
	size_t length = strlen(with);
	return s->size - s->at >= length && memcmp(s->text + s->at, with, length) == 0;
}

/* "“", "”", "‘", "’": what word processors make of quotes. */
static bool is_curly(const Scan *s)
{
	return begins(s, "\xe2\x80\x98") || begins(s, "\xe2\x80\x99") || begins(s, "\xe2\x80\x9c") ||
	       begins(s, "\xe2\x80\x9d");
}

static bool ends_too_early(Scan *s)
{
	uint32_t last = s->size;
	while (last && (unsigned char)s->text[last - 1] <= ' ')
		last--;
	Span end = {s->file, last, last};
	if (!s->depth) {
		diag_error(s->d, end, "the file is empty");
		diag_help(s->d, "sslc new --list shows the models to begin with");
		return false;
	}
	uint32_t open = s->open[s->depth - 1];
	diag_error(s->d, end, "the file ends too early: '%c' is missing",
	           s->text[open] == '{' ? '}' : ']');
	diag_note(s->d, (Span){s->file, open, open + 1}, "it would close this '%c'", s->text[open]);
	return false;
}

/* What stands here in place of what was expected. */
static bool wrong(Scan *s, const char *expected)
{
	if (s->at >= s->size)
		return ends_too_early(s);
	Diags *d = s->d;
	uint32_t end = word_end(s);
	Span place = {s->file, s->at, end};
	int length = (int)(end - s->at < 40 ? end - s->at : 40);
	const char *word = s->text + s->at;
	if (here(s) == '/' || here(s) == '#') {
		diag_error(d, place, "JSON has no comments");
		diag_help(d, "say it in \"about\": \"...\"");
	} else if (here(s) == '\'') {
		diag_error(d, place, "JSON texts stand in double quotes");
		diag_help(d, "write \"...\"; single quotes are for texts inside an expression");
	} else if (is_curly(s)) {
		diag_error(d, place, "JSON texts stand in straight double quotes, not in %.*s", length,
		           word);
		diag_help(d, "write \"...\"");
	} else {
		diag_error(d, place, "expected %s, not '%.*s'", expected, length, word);
		if (s->at && word[-1] == '"' && is_letter(*word))
			diag_help(d, "a text before it lacks its closing quote");
	}
	return false;
}

/* The cursor stands on the quote. A line that ends within a text is what a forgotten quote looks like. */
static bool scan_text(Scan *s)
{
	uint32_t from = s->at;
	for (s->at++; s->at < s->size && here(s) != '"' && here(s) != '\n'; s->at++) {
		if (here(s) != '\\')
			continue;
		s->at++;
		if (here(s) && strchr("\"\\/bfnrt", here(s)))
			continue;
		if (here(s) == 'u' && is_hex(s, s->at + 1))
			continue;
		diag_error(s->d, (Span){s->file, s->at - 1, s->at}, "this text holds a bad escape");
		diag_help(s->d, "escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
		return false;
	}
	if (here(s) == '"')
		return s->at++, true;
	diag_error(s->d, (Span){s->file, from, s->at}, "this text is not closed");
	diag_help(s->d, "it ends in a double quote, on the line that it begins on");
	return false;
}

static bool scan_number(Scan *s)
{
	uint32_t from = s->at;
	s->at += here(s) == '-';
	bool good = is_digit(here(s));
	while (here(s) && strchr("0123456789+-eE.", here(s)))
		s->at++;
	if (good)
		return true;
	diag_error(s->d, (Span){s->file, from, s->at},
	           "a number of JSON begins with a digit, or - and a digit");
	return false;
}

static bool scan_word(Scan *s)
{
	static const struct {
		const char *word, *other;
	} table[] = {{"true", NULL},     {"false", NULL},  {"null", NULL},     {"True", "true"},
	             {"False", "false"}, {"TRUE", "true"}, {"FALSE", "false"}, {"None", "null"},
	             {"yes", "true"},    {"no", "false"}};
	uint32_t from = s->at, end = word_end(s);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strlen(table[i].word) != end - from || !begins(s, table[i].word))
			continue;
		s->at = end;
		if (!table[i].other)
			return true;
		diag_error(s->d, (Span){s->file, from, end}, "JSON says '%s', not '%s'", table[i].other,
		           table[i].word);
		return false;
	}
	wrong(s, "a value: a text in double quotes, a number, a list or an object");
	diag_help(s->d, "texts, so expressions too, stand in double quotes");
	return false;
}

static bool scan_value(Scan *s);

/* The cursor stands behind the bracket. */
static bool scan_members(Scan *s, bool named)
{
	const char close = named ? '}' : ']';
	for (skip_space(s); here(s) != close; skip_space(s)) {
		if (named) {
			if (here(s) != '"')
				return wrong(s, "a name in double quotes");
			if (!scan_text(s))
				return false;
			skip_space(s);
			if (here(s) != ':')
				return wrong(s, "':' behind a name");
			s->at++;
		}
		if (!scan_value(s))
			return false;
		skip_space(s);
		if (here(s) == close)
			break;
		if (here(s) != ',')
			return wrong(s, named ? "',' or '}'" : "',' or ']'");
		s->at++;
		skip_space(s);
		if (here(s) != '}' && here(s) != ']')
			continue;
		diag_error(s->d, (Span){s->file, s->at, s->at + 1}, "a comma stands before this '%c'",
		           here(s));
		diag_help(s->d, "JSON has no comma after the last member: remove it");
		return false;
	}
	s->at++;
	return true;
}

static bool scan_value(Scan *s)
{
	skip_space(s);
	char c = here(s);
	if (c == '"')
		return scan_text(s);
	if (c == '-' || c == '+' || c == '.' || is_digit(c))
		return scan_number(s);
	if (is_letter(c))
		return scan_word(s);
	if (c != '{' && c != '[')
		return wrong(s, "a value: a text in double quotes, a number, a list or an object");
	s->open[s->depth++] = s->at++;
	bool good = scan_members(s, c == '{');
	s->depth -= good;
	return good;
}

void json_explain(Compile *c, uint32_t file, const char *text, uint32_t size, uint32_t stopped)
{
	Scan s = {.d = c->diags, .file = file, .text = text, .size = size};
	if (begins(&s, "\xef\xbb\xbf"))
		s.at = 3;
	if (scan_value(&s))
		diag_error(c->diags, (Span){file, stopped, stopped + 1},
		           "this is not JSON: a bad escape, or a number that is none");
}
