/* json.c: cJSON's tree with positions. In: a file of Diags. Out: Json values, each with the span of
 * its text.
 *
 * cJSON gives no positions: a cursor walks the text in step with the tree, which is sound because
 * the text is known to be valid by then. Numbers keep their text (cJSON's are doubles); bytes up to
 * 32 are space, as cJSON counts them. */
#include "parse.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

typedef struct Walk {
	Compile *c;
	uint32_t file;
	const char *text;
	uint32_t size, at;
	bool failed;
} Walk;

static Span span(const Walk *w, uint32_t from)
{
	return (Span){w->file, from, w->at};
}

static void skip_space(Walk *w)
{
	while (w->at < w->size && (unsigned char)w->text[w->at] <= ' ')
		w->at++;
}

/* cJSON ends a text at \u0000, and takes \u12G4 for that. */
static void refuse_escape(Walk *w, uint32_t from)
{
	const char *digits = w->text + from + 2;
	if (strspn(digits, "0123456789abcdefABCDEF") < 4)
		diag_error(w->c->diags, (Span){w->file, from, from + 2},
		           "\\u is followed by four hexadecimal digits");
	else if (memcmp(digits, "0000", 4) == 0)
		diag_error(w->c->diags, (Span){w->file, from, from + 6},
		           "a text must not hold the character \\u0000");
	else
		return;
	w->failed = true;
}

/* RFC 8259, 7: characters below 32 are escaped. cJSON takes them as they are. */
static void refuse_raw(Walk *w, unsigned char c)
{
	Span place = {w->file, w->at, w->at + 1};
	if (c == '\n' || c == '\r')
		diag_error(w->c->diags, place,
		           "a text ends on the line that it begins on; a line break in it is written \\n");
	else
		diag_error(w->c->diags, place, "in a text this character is written \\u%04x", c);
	w->failed = true;
}

/* Past the string that starts at the cursor, quotes included. */
static void skip_string(Walk *w)
{
	bool raw = false; /* one is enough */
	for (w->at++; w->text[w->at] != '"'; w->at++) {
		unsigned char c = (unsigned char)w->text[w->at];
		if (c < ' ' && !raw) {
			refuse_raw(w, c);
			raw = true;
		}
		if (c != '\\')
			continue;
		if (w->text[w->at + 1] == 'u')
			refuse_escape(w, w->at);
		w->at++;
	}
	w->at++;
}

static Json *walk_value(Walk *w, const cJSON *item, int depth);

/* The keys of an object: each with the number of its member. */
typedef struct Keys {
	Names names;
	const Json **member; /* [count] */
} Keys;

static void refuse_twin(Walk *w, Keys *keys, const Json *member, uint32_t number)
{
	uint32_t twin = names_add(&keys->names, w->c->arena, member->key, number);
	keys->member[number - 1] = member;
	if (!twin)
		return;
	diag_error(w->c->diags, member->key_span, "'%s' is given twice", member->key);
	diag_note(w->c->diags, keys->member[twin - 1]->key_span, "the first one is here");
	w->failed = true;
}

/* Texts end in names of files and on terminals. */
static void refuse_control(Walk *w, Span place, const char *text, bool space)
{
	const char *at = control_in(text, space);
	if (!at)
		return;
	diag_error(w->c->diags, place, "%s must not hold the control character %02x",
	           space ? "a text" : "a name",
	           (unsigned char)*at == 0xC2 ? (unsigned char)at[1] : (unsigned char)*at);
	w->failed = true;
}

/* Members of a list or an object: the cursor stands on the bracket. */
static void walk_members(Walk *w, Json *value, const cJSON *item, int depth)
{
	Json **end = &value->first;
	Keys keys = {.member = NULL};
	if (item->type == cJSON_Object)
		keys.member = new_array(w->c->arena, const Json *, (size_t)cJSON_GetArraySize(item) + 1);
	w->at++;
	for (const cJSON *child = item->child; child; child = child->next) {
		skip_space(w);
		Span key = {0};
		if (item->type == cJSON_Object) {
			uint32_t from = w->at;
			skip_string(w);
			key = (Span){w->file, from + 1, w->at - 1};
			skip_space(w);
			w->at++; /* the colon */
			skip_space(w);
		}
		Json *member = walk_value(w, child, depth + 1);
		if (!member)
			return;
		*end = member;
		end = &member->next;
		value->count++;
		if (item->type == cJSON_Object) {
			member->key = arena_copy(w->c->arena, child->string, strlen(child->string));
			member->key_span = key;
			refuse_control(w, key, member->key, false);
			refuse_twin(w, &keys, member, (uint32_t)value->count);
		}
		skip_space(w);
		w->at++; /* the comma, or the closing bracket */
	}
	if (!item->child) {
		skip_space(w);
		w->at++;
	}
}

static Json *walk_value(Walk *w, const cJSON *item, int depth)
{
	Json *value = new (w->c->arena, Json);
	uint32_t from = w->at;
	if (depth > JSON_DEPTH) {
		diag_error(w->c->diags, (Span){w->file, from, from + 1},
		           "lists and objects are nested more than %d deep", JSON_DEPTH);
		w->failed = true;
		return NULL;
	}
	if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
		value->kind = cJSON_IsArray(item) ? JSON_LIST : JSON_OBJECT;
		walk_members(w, value, item, depth);
	} else if (cJSON_IsString(item)) {
		value->kind = JSON_STRING;
		skip_string(w);
		value->text = arena_copy(w->c->arena, item->valuestring, strlen(item->valuestring));
		refuse_control(w, span(w, from), value->text, true);
	} else {
		while (w->at < w->size && !strchr(",]} \t\r\n", w->text[w->at]) &&
		       (unsigned char)w->text[w->at] > ' ')
			w->at++;
		value->kind = cJSON_IsNumber(item) ? JSON_NUMBER
		              : cJSON_IsBool(item) ? JSON_BOOL
		                                   : JSON_NULL;
		value->number = cJSON_IsNumber(item) ? item->valuedouble : cJSON_IsTrue(item);
		value->text = arena_copy(w->c->arena, w->text + from, w->at - from);
		if (value->kind == JSON_NUMBER && !isfinite(value->number)) {
			diag_error(w->c->diags, span(w, from), "'%s' is too large for a number", value->text);
			w->failed = true;
		}
	}
	value->span = span(w, from);
	return w->failed && depth == 0 ? NULL : value;
}

/* -- Reading -------------------------------------------------------------------------------------- */

static bool good_utf8(Walk *w)
{
	for (uint32_t i = 0; i < w->size;) {
		uint32_t bytes = (uint32_t)utf8_bytes(w->text + i, w->size - i);
		if (!bytes || w->text[i] == 0) {
			diag_error(w->c->diags, (Span){w->file, i, i + 1},
			           w->text[i] == 0 ? "the file holds a zero byte: it is not a text"
			                           : "this byte is not UTF-8");
			return false;
		}
		i += bytes;
	}
	return true;
}

/* Nesting that would be too deep for cJSON is found before cJSON sees it. */
static bool shallow(Walk *w)
{
	int depth = 0;
	bool in_text = false;
	for (uint32_t i = 0; i < w->size; i++) {
		char c = w->text[i];
		if (in_text && c == '\\') {
			i++;
			continue;
		}
		if (c == '"')
			in_text = !in_text;
		if (in_text)
			continue;
		depth += (c == '[' || c == '{') - (c == ']' || c == '}');
		if (depth > JSON_DEPTH) {
			diag_error(w->c->diags, (Span){w->file, i, i + 1},
			           "lists and objects are nested more than %d deep", JSON_DEPTH);
			return false;
		}
	}
	return true;
}

static void close_tree(void *tree)
{
	cJSON_Delete(tree);
}

Json *json_parse(Compile *c, uint32_t file)
{
	size_t size;
	Walk w = {.c = c, .file = file, .text = diags_bytes(c->diags, file, &size)};
	w.size = (uint32_t)size;
	if (!good_utf8(&w) || !shallow(&w))
		return NULL;
	const char *end = NULL;
	cJSON *tree = cJSON_ParseWithLengthOpts(w.text, size, &end, false);
	if (!tree) {
		json_explain(c, file, w.text, w.size, end ? (uint32_t)(end - w.text) : 0);
		return NULL;
	}
	arena_hold(c->arena, close_tree, tree);
	uint32_t stop = (uint32_t)(end - w.text);
	while (stop < w.size && (unsigned char)w.text[stop] <= ' ')
		stop++;
	Json *json = NULL;
	if (stop < w.size) {
		diag_error(c->diags, (Span){file, stop, stop + 1},
		           "the value ended before this: nothing may follow it");
	} else {
		w.at =
		    size >= 3 && memcmp(w.text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* cJSON passes it over */
		skip_space(&w);
		json = walk_value(&w, tree, 0);
	}
	arena_release(c->arena);
	return json;
}
