/* json.c: the cursor over JSON: see json.h. After RFC 8259. */
#include "json.h"

static int next_of(const Json *j)
{
	return j->at < j->end ? *j->at : -1;
}

static void skip_space(Json *j)
{
	for (int c = next_of(j); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = next_of(j))
		j->at++;
}

static void fail(Json *j)
{
	j->is_bad = true;
	j->at = j->end;
}

bool embed_json_is(Json *j, char letter)
{
	skip_space(j);
	if (next_of(j) != letter)
		return false;
	j->at++;
	return true;
}

void embed_json_want(Json *j, char letter)
{
	if (!embed_json_is(j, letter))
		fail(j);
}

bool embed_json_more(Json *j, bool is_first, char close)
{
	if (j->is_bad || embed_json_is(j, close))
		return false;
	if (!is_first)
		embed_json_want(j, ',');
	return !j->is_bad;
}

bool embed_json_ended(Json *j)
{
	skip_space(j);
	return !j->is_bad && j->at == j->end;
}

size_t embed_json_number(Json *j)
{
	size_t value = 0;
	skip_space(j);
	const unsigned char *first = j->at;
	for (int c = next_of(j); c >= '0' && c <= '9'; c = next_of(j)) {
		size_t digit = (size_t)(c - '0');
		if (value > SIZE_MAX / 10 || value * 10 > SIZE_MAX - digit)
			fail(j);
		else
			value = value * 10 + digit, j->at++;
	}
	int after = next_of(j);
	if (j->at == first || (*first == '0' && j->at > first + 1) || after == '.' || after == 'e' ||
	    after == 'E')
		fail(j);
	return j->is_bad ? 0 : value;
}

/* -- Texts ------------------------------------------------------------------------------------- */

static int hex_of(int c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* What the letter behind a backslash stands for; 'u' itself, -1 if it may not be there. */
static int escape_of(int c)
{
	static const char from[] = "\"\\/bfnrtu", to[] = "\"\\/\b\f\n\r\tu";
	for (int i = 0; from[i]; i++)
		if (from[i] == c)
			return to[i];
	return -1;
}

static void skip_escape(Json *j)
{
	int kind = escape_of(next_of(j));
	if (kind < 0) {
		fail(j);
		return;
	}
	j->at++;
	for (int i = 0; kind == 'u' && i < 4; i++)
		if (hex_of(next_of(j)) < 0)
			fail(j);
		else
			j->at++;
}

JsonText embed_json_text(Json *j)
{
	embed_json_want(j, '"');
	JsonText text = {j->at, j->at};
	while (!j->is_bad) {
		int c = next_of(j);
		text.end = j->at;
		if (c < ' ') {
			fail(j);
			break;
		}
		j->at++;
		if (c == '"')
			break;
		if (c == '\\')
			skip_escape(j);
	}
	return text;
}

/* The next character of a text that embed_json_text has taken: a byte, or, where it is escaped by
 * number, that number of UTF-16; -1 at the end. */
static int next_char(JsonText *t)
{
	if (t->at == t->end)
		return -1;
	int c = *t->at++;
	if (c != '\\')
		return c;
	int letter = *t->at++, code = escape_of(letter);
	if (letter != 'u')
		return code;
	code = 0;
	for (int i = 0; i < 4; i++)
		code = code << 4 | hex_of(*t->at++);
	return code;
}

bool embed_json_equal(JsonText text, const char *ascii)
{
	for (; *ascii; ascii++)
		if (next_char(&text) != (unsigned char)*ascii)
			return false;
	return text.at == text.end;
}
