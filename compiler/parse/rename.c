/* rename.c: "names" of a model file: tables by which its weights get the names that another program
 * has for them.
 *
 * A rule replaces whole parts of a name, those between dots: "encoder.{i}.{j}" finds a place where
 * the second and the third part are numbers, and "layer{i}.{j+1}" is what stands there instead.
 * Rules are applied from the first to the last, each at most once to a name, and see what those
 * before have made. */
#include "sections.h"

#include <string.h>

enum { MOST_NUMBERS = 8, DIGITS = 9 };

typedef struct Numbers {
	char letter[MOST_NUMBERS];
	uint32_t value[MOST_NUMBERS];
	size_t count;
} Numbers;

/* -- Patterns ---------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "{i}" at the text: its letter; 0: it is no such thing. */
static char number_at(const char *text)
{
	bool good = text[0] == '{' && text[1] >= 'a' && text[1] <= 'z' && text[2] == '}';
	return good ? text[1] : 0;
}

/* Where in `name` the pattern ends that begins there; NULL: it does not fit. */
static const char *fits(const char *pattern, const char *name, Numbers *n)
{
	n->count = 0;
	while (*pattern) {
		char letter = number_at(pattern);
		if (letter) {
			size_t digits = strspn(name, "0123456789");
			if (!digits || digits > DIGITS || n->count == MOST_NUMBERS)
				return NULL;
			n->letter[n->count] = letter;
			n->value[n->count] = 0;
			for (; is_digit(*name); name++)
				n->value[n->count] = 10 * n->value[n->count] + (uint32_t)(*name - '0');
			n->count++;
			pattern += 3;
		} else if (*pattern++ != *name++) {
			return NULL;
		}
	}
	return *name == '.' || !*name ? name : NULL;
}

/* "{i}", "{i+1}", "{i-1}" at the text: how long it is, and its letter and what is added; 0: none. */
static size_t sum_at(const char *text, char *letter, long *added)
{
	*letter = number_at(text);
	*added = 0;
	if (*letter)
		return 3;
	bool begins = text[0] == '{' && text[1] >= 'a' && text[1] <= 'z' &&
	              (text[2] == '+' || text[2] == '-') && is_digit(text[3]);
	size_t at = 3;
	for (; begins && is_digit(text[at]) && at < 3 + DIGITS; at++)
		*added = 10 * *added + (text[at] - '0');
	if (!begins || text[at] != '}')
		return 0;
	*letter = text[1];
	*added = text[2] == '-' ? -*added : *added;
	return at + 1;
}

static const char *fill(Arena *a, const char *text, const Numbers *n)
{
	const char *made = "";
	while (*text) {
		char letter;
		long added;
		size_t length = sum_at(text, &letter, &added), plain = length ? 0 : 1;
		if (!length) {
			plain += strcspn(text + 1, "{");
			made = arena_printf(a, "%s%.*s", made, (int)plain, text);
		}
		for (size_t i = 0; length && i < n->count; i++)
			if (n->letter[i] == letter)
				made = arena_printf(a, "%s%ld", made, (long)n->value[i] + added);
		text += length + plain;
	}
	return made;
}

const char *rename_apply(Arena *a, const char *pattern, const char *replacement, const char *name)
{
	for (const char *from = name; from; from = strchr(from, '.') ? strchr(from, '.') + 1 : NULL) {
		Numbers n;
		const char *end = fits(pattern, from, &n);
		if (!end)
			continue;
		const char *made = fill(a, replacement, &n);
		size_t before = (size_t)(from - name);
		if (!*made && *end)
			end++; /* with its dot */
		else if (!*made && before)
			before--;
		return arena_printf(a, "%.*s%s%s", (int)before, name, made, end);
	}
	return NULL;
}

/* -- The section ------------------------------------------------------------------------------- */

static bool parts_are_whole(const char *text)
{
	return *text && *text != '.' && !strstr(text, "..") && text[strlen(text) - 1] != '.';
}

static bool check_pattern(Compile *c, const Json *rule)
{
	bool good = parts_are_whole(rule->key);
	for (const char *at = rule->key; good && (at = strpbrk(at, "{}")); at += 3)
		good = number_at(at) && (at == rule->key || at[-1] == '.') && (!at[3] || at[3] == '.');
	if (good)
		return true;
	diag_error(c->diags, rule->key_span, "'%s' is no part of a name", rule->key);
	diag_help(c->diags, "a rule begins with whole parts, such as \"encoder.{i}.conv\": {i} stands "
	                    "for a part that is a number");
	return false;
}

/* Every number that it uses is in the pattern. */
static bool check_replacement(Compile *c, Span span, const char *pattern, const char *text)
{
	bool good = !*text || parts_are_whole(text);
	for (const char *at = text; good && (at = strpbrk(at, "{}"));) {
		char letter, place[4];
		long added;
		size_t length = sum_at(at, &letter, &added);
		snprintf(place, sizeof place, "{%c}", letter);
		good = length && strstr(pattern, place);
		at += length;
	}
	if (good)
		return true;
	diag_error(c->diags, span, "'%s' cannot stand for '%s'", text, pattern);
	diag_help(c->diags, "it is whole parts with numbers of the pattern, as {i} or {i+1}; or \"\", "
	                    "and those parts are left out");
	return false;
}

static bool views_parse(Compile *c, const Json *list, RenamePart *to)
{
	if (!list->count)
		return true;
	to->views = body_parse(c, list, "names");
	return to->views->kind != BODY_BAD;
}

/* One of several tensors of theirs: "name": [views], or a number. */
static bool part_parse(Compile *c, const Json *m, const char *pattern, RenamePart *to)
{
	*to = (RenamePart){.name = m->key, .span = m->key_span};
	if (!check_replacement(c, m->key_span, pattern, m->key))
		return false;
	if (m->kind == JSON_LIST)
		return views_parse(c, m, to);
	to->is_number = m->kind == JSON_NUMBER;
	to->number = m->number;
	if (to->is_number && m->number >= 0 && m->number <= 9007199254740992.0 &&
	    m->number == (double)(int64_t)m->number)
		return true;
	diag_error(c->diags, m->span,
	           "'%s' must be a list of layers that make it of ours, or a whole "
	           "number, not %s",
	           m->key, m->kind == JSON_NUMBER ? m->text : kind_words(m));
	return false;
}

/* "w": ["weight", "transpose([1, 0])"]. */
static bool list_parse(Compile *c, const Json *m, RenamePart *to)
{
	const Json *name = m->first;
	if (!name || name->kind != JSON_STRING) {
		diag_error(c->diags, m->span,
		           "'%s' needs their name first, then layers that make theirs "
		           "of ours",
		           m->key);
		return false;
	}
	Json views = {
	    .kind = JSON_LIST,
	    .span = {m->span.file, name->next ? name->next->span.at : m->span.at, m->span.end},
	    .first = name->next,
	    .count = m->count - 1};
	*to = (RenamePart){.name = name->text, .span = name->span};
	return check_replacement(c, name->span, m->key, name->text) && views_parse(c, &views, to);
}

static bool rule_parse(Compile *c, const Json *m, Rename *to)
{
	*to = (Rename){.pattern = m->key, .span = m->key_span};
	if (!check_pattern(c, m))
		return false;
	to->part = new_array(c->arena, RenamePart, m->count + 1);
	to->count = 1;
	switch (m->kind) {
	case JSON_NULL:
		to->count = 0;
		return true;
	case JSON_STRING:
		to->part[0] = (RenamePart){.name = m->text, .span = m->span};
		return check_replacement(c, m->span, m->key, m->text);
	case JSON_LIST:
		return list_parse(c, m, &to->part[0]);
	case JSON_OBJECT: {
		bool good = m->count > 0;
		if (!good)
			diag_error(c->diags, m->span, "'%s' becomes nothing: write null for that", m->key);
		to->count = 0;
		for (const Json *part = m->first; part; part = part->next)
			good &= part_parse(c, part, m->key, &to->part[to->count++]);
		return good;
	}
	default:
		diag_error(c->diags, m->span,
		           "'%s' is %s, but must be their name, a list, an object or "
		           "null",
		           m->key, kind_words(m));
		return false;
	}
}

void section_names(Compile *c, const Json *j, Model *model)
{
	if (!want_kind(c, j, JSON_OBJECT, "names", "an object of tables"))
		return;
	model->naming = new_array(c->arena, Naming, j->count + 1);
	for (const Json *m = j->first; m; m = m->next) {
		Naming *n = &model->naming[model->naming_count];
		*n = (Naming){.name = m->key, .span = m->key_span};
		if (!want_kind(c, m, JSON_OBJECT, m->key, "an object of rules"))
			continue;
		model->naming_count++;
		n->rule = new_array(c->arena, Rename, m->count + 1);
		for (const Json *rule = m->first; rule; rule = rule->next)
			n->count += rule_parse(c, rule, &n->rule[n->count]);
	}
}
