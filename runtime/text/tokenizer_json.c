/* tokenizer_json.c: tokenizer.json of Hugging Face's library `tokenizers`, with a "BPE" model: of bytes
 * (the pre-tokenizer "ByteLevel", of which GPT-2's files are) or of characters (none, and no merges).
 *
 * Bytes are written as characters that print, by GPT-2's alphabet: those that print stand for
 * themselves, the others are U+0100 and so on. What changes ids and is not ours (normalizers,
 * other pre-tokenizers, prefixes) is refused. "added_tokens" keep their ids, but are not looked for
 * in text. */
#include "text.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t LIMIT = (size_t)256 << 20;

/* -- GPT-2's alphabet -------------------------------------------------------------------------- */

static bool prints(uint32_t byte)
{
	return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) ||
	       (byte >= 174 && byte < 256);
}

static void alphabet(uint32_t character[256])
{
	uint32_t next = 256;
	for (uint32_t i = 0; i < 256; i++)
		character[i] = prints(i) ? i : next++;
}

/* -1: the character stands for no byte. */
static int byte_of(const uint32_t character[256], uint32_t c)
{
	for (int i = 0; i < 256; i++)
		if (character[i] == c)
			return i;
	return -1;
}

/* -- Printing ---------------------------------------------------------------------------------- */

typedef struct Out {
	char *at;
	size_t count, room;
	bool starved;
} Out;

static void put(Out *out, const char *bytes, size_t size)
{
	if (out->room - out->count < size + 1) {
		size_t room = 2 * out->room + size + 4096;
		char *at = out->starved ? NULL : realloc(out->at, room);
		if (!at) {
			out->starved = true;
			return;
		}
		out->at = at;
		out->room = room;
	}
	memcpy(out->at + out->count, bytes, size);
	out->count += size;
	out->at[out->count] = 0;
}

static void put_text(Out *out, const char *text)
{
	put(out, text, strlen(text));
}

static void put_character(Out *out, uint32_t c)
{
	char bytes[8];
	if (c == '"' || c == '\\')
		put(out, (char[]){'\\', (char)c}, 2);
	else if (c < 0x20)
		put(out, bytes, (size_t)snprintf(bytes, sizeof bytes, "\\u%04x", c));
	else
		put(out, bytes, (size_t)utf8_put(c, bytes));
}

static void put_token(Out *out, const Tokenizer *t, int32_t id, const uint32_t character[256])
{
	const char *at = t->bytes + t->start[id], *end = t->bytes + t->start[id + 1];
	put_text(out, "\"");
	while (at < end)
		put_character(out, t->of_characters ? utf8_next(&at) : character[(unsigned char)*at++]);
	put_text(out, "\"");
}

char *tokenizer_print(const Tokenizer *t, char why[WHY])
{
	Out out = {0};
	uint32_t character[256];
	char level[128] = "null";
	alphabet(character);
	if (!t->of_characters)
		snprintf(level, sizeof level,
		         "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, "
		         "\"use_regex\": %s}",
		         t->splits ? "true" : "false");
	put_text(&out, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n"
	               "  \"added_tokens\": [],\n  \"normalizer\": null,\n  \"pre_tokenizer\": ");
	put_text(&out, level);
	put_text(&out, ",\n  \"post_processor\": null,\n  \"decoder\": ");
	put_text(&out, t->of_characters ? "{\"type\": \"Fuse\"}" : level);
	put_text(&out,
	         ",\n  \"model\": {\n    \"type\": \"BPE\", \"dropout\": null, \"unk_token\": null,\n"
	         "    \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null,\n"
	         "    \"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false,\n"
	         "    \"vocab\": {");
	for (int32_t id = 0; id < t->count; id++) {
		char number[24];
		put_text(&out, id ? ",\n      " : "\n      ");
		put_token(&out, t, id, character);
		snprintf(number, sizeof number, ": %d", id);
		put_text(&out, number);
	}
	put_text(&out, "\n    },\n    \"merges\": [");
	for (size_t i = 0; i < t->merges; i++) {
		put_text(&out, i ? ",\n      [" : "\n      [");
		put_token(&out, t, t->merge[i].left, character);
		put_text(&out, ", ");
		put_token(&out, t, t->merge[i].right, character);
		put_text(&out, "]");
	}
	put_text(&out, t->merges ? "\n    ]\n  }\n}\n" : "]\n  }\n}\n");
	if (!out.starved)
		return out.at;
	free(out.at);
	because(why, "no memory to write a tokenizer");
	return NULL;
}

/* -- Settings ---------------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool is_none(const cJSON *j)
{
	return !j || cJSON_IsNull(j) || cJSON_IsFalse(j) ||
	       (cJSON_IsNumber(j) && j->valuedouble == 0) || (cJSON_IsString(j) && !*j->valuestring);
}

static bool has_type(const cJSON *j, const char *type)
{
	const cJSON *found = member(j, "type");
	return cJSON_IsString(found) && strcmp(found->valuestring, type) == 0;
}

/* What would make other ids of the same text. */
static bool read_settings(const cJSON *root, const cJSON *model, Tokenizer *t, char why[WHY])
{
	static const char *const of_file[] = {"truncation", "padding", "normalizer"};
	static const char *const of_model[] = {"dropout", "continuing_subword_prefix",
	                                       "end_of_word_suffix", "byte_fallback", "ignore_merges"};
	for (size_t i = 0; i < sizeof of_file / sizeof *of_file; i++)
		if (!is_none(member(root, of_file[i])))
			return because(why, "has a \"%s\", which sslc does not know", of_file[i]);
	for (size_t i = 0; i < sizeof of_model / sizeof *of_model; i++)
		if (!is_none(member(model, of_model[i])))
			return because(why, "has a \"%s\", which sslc does not know", of_model[i]);
	const cJSON *before = member(root, "pre_tokenizer"), *after = member(root, "post_processor");
	if (!is_none(after) && !has_type(after, "ByteLevel"))
		return because(why, "has a \"post_processor\" that sslc does not know");
	t->of_characters = is_none(before);
	if (t->of_characters)
		return true;
	if (!has_type(before, "ByteLevel") || !is_none(member(before, "add_prefix_space")))
		return because(why,
		               "has another \"pre_tokenizer\" than ByteLevel without add_prefix_space");
	const cJSON *regex = member(before, "use_regex");
	t->splits = !regex || cJSON_IsTrue(regex);
	return true;
}

/* -- The vocabulary ---------------------------------------------------------------------------- */

/* The bytes of a token as it is written, into `to`, which has room for strlen(text); -1: it is none. */
static long token_bytes(const Tokenizer *t, const char *text, char *to)
{
	uint32_t character[256];
	size_t count = 0;
	if (t->of_characters) {
		const char *end = text;
		if (!*text)
			return -1;
		(void)utf8_next(&end);
		memcpy(to, text, (size_t)(end - text));
		return *end ? -1 : end - text;
	}
	alphabet(character);
	while (*text) {
		int byte = byte_of(character, utf8_next(&text));
		if (byte < 0)
			return -1;
		to[count++] = (char)byte;
	}
	return count ? (long)count : -1;
}

static const char *added_text(const cJSON *added)
{
	const cJSON *content = member(added, "content");
	return cJSON_IsString(content) ? content->valuestring : NULL;
}

static int32_t id_of(const cJSON *number)
{
	bool good = cJSON_IsNumber(number) && number->valuedouble >= 0 &&
	            number->valuedouble < MOST_TOKENS &&
	            floor(number->valuedouble) == number->valuedouble;
	return good ? (int32_t)number->valuedouble : -1;
}

typedef struct Vocabulary {
	const char **text; /* by id, of cJSON; NULL: a hole */
	const bool *literal;
	int32_t count;
	size_t bytes;
} Vocabulary;

static bool add_entry(const char **text, int32_t id, const char *token, Vocabulary *v,
                      char why[WHY])
{
	if (!token || id < 0)
		return because(why, "has a token without an id from 0 to %d", MOST_TOKENS - 1);
	if (text[id])
		return because(why, "gives the id %d to two tokens", id);
	text[id] = token;
	v->count = id >= v->count ? id + 1 : v->count;
	v->bytes += strlen(token);
	return true;
}

static bool list_tokens(const cJSON *root, const cJSON *vocab, const char **text, bool *literal,
                        Vocabulary *v, char why[WHY])
{
	const cJSON *entry;
	cJSON_ArrayForEach(
	    entry, vocab) if (!add_entry(text, id_of(entry), entry->string, v, why)) return false;
	cJSON_ArrayForEach(entry, member(root, "added_tokens"))
	{
		int32_t id = id_of(member(entry, "id"));
		const char *token = added_text(entry);
		if (id >= 0 && token && text[id] && strcmp(text[id], token) == 0) {
			literal[id] = true; /* it is in both */
			continue;
		}
		if (!add_entry(text, id, token, v, why))
			return false;
		literal[id] = true;
	}
	return v->count > 0 || because(why, "has no tokens");
}

static bool fill_tokens(Tokenizer *t, const Vocabulary *v, char why[WHY])
{
	for (int32_t id = 0; id < v->count; id++) {
		const char *text = v->text[id];
		char *to = t->bytes + t->start[id];
		long size = text ? v->literal[id] ? (long)strlen(text) : token_bytes(t, text, to) : 0;
		if (size < 0)
			return because(why,
			               t->of_characters
			                   ? "has the token '%.40s', which is not one character"
			                   : "has the token '%.40s', which is not in GPT-2's alphabet of bytes",
			               text);
		if (text && v->literal[id])
			memcpy(to, text, (size_t)size);
		t->start[id + 1] = t->start[id] + (size_t)size;
	}
	return true;
}

/* -- Merges ------------------------------------------------------------------------------------ */

typedef struct Piece {
	const char *bytes;
	size_t size;
	int32_t id;
} Piece;

static int by_bytes(const void *a, const void *b)
{
	const Piece *x = a, *y = b;
	int order = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);
	return order ? order : (x->size > y->size) - (x->size < y->size);
}

static int32_t find_piece(const Piece *piece, const Tokenizer *t, const char *bytes, size_t size)
{
	Piece key = {bytes, size, 0};
	const Piece *found = bsearch(&key, piece, (size_t)t->count, sizeof *piece, by_bytes);
	return found ? found->id : -1;
}

/* "left right", or ["left", "right"]. */
static bool split_merge(const cJSON *j, char *room, const char **left, const char **right)
{
	if (cJSON_IsArray(j)) {
		const cJSON *first = j->child, *second = first ? first->next : NULL;
		bool good = cJSON_IsString(first) && cJSON_IsString(second) && !second->next;
		*left = good ? first->valuestring : NULL;
		*right = good ? second->valuestring : NULL;
		return good;
	}
	if (!cJSON_IsString(j))
		return false;
	char *space = strchr(strcpy(room, j->valuestring), ' ');
	if (!space)
		return false;
	*space = 0;
	*left = room;
	*right = space + 1;
	return true;
}

static size_t longest_merge(const cJSON *merges)
{
	size_t longest = 0;
	const cJSON *j;
	cJSON_ArrayForEach(j, merges)
	{
		size_t size = cJSON_IsString(j) ? strlen(j->valuestring) : 0;
		for (const cJSON *part = cJSON_IsArray(j) ? j->child : NULL; part; part = part->next)
			size += cJSON_IsString(part) ? strlen(part->valuestring) : 0;
		longest = size > longest ? size : longest;
	}
	return longest + 1;
}

static bool read_merge(const cJSON *j, const Piece *piece, Tokenizer *t, char *room, char *bytes,
                       char why[WHY])
{
	const char *left, *right;
	if (!split_merge(j, room, &left, &right))
		return because(why, "has a merge, number %zu, that is not of two tokens", t->merges);
	long a = token_bytes(t, left, bytes), b = a < 0 ? -1 : token_bytes(t, right, bytes + a);
	Merge m = {-1, -1, -1};
	if (b > 0) {
		m.left = find_piece(piece, t, bytes, (size_t)a);
		m.right = find_piece(piece, t, bytes + a, (size_t)b);
		m.result = find_piece(piece, t, bytes, (size_t)(a + b));
	}
	if (m.left < 0 || m.right < 0 || m.result < 0)
		return because(why, "merges '%.40s' and '%.40s', but both and the result must be tokens",
		               left, right);
	t->merge[t->merges++] = m;
	return true;
}

static bool read_merges(const cJSON *merges, Tokenizer *t, char why[WHY])
{
	int count = cJSON_GetArraySize(merges);
	if (!cJSON_IsArray(merges))
		return because(why, "has no \"merges\"");
	if (count && t->of_characters)
		return because(why, "merges characters; only bytes can be merged (ByteLevel)");
	size_t longest = longest_merge(merges);
	Piece *piece = calloc((size_t)t->count + 1, sizeof *piece);
	char *room = malloc(longest), *bytes = malloc(longest);
	t->merge = calloc((size_t)count + 1, sizeof *t->merge);
	bool good =
	    (piece && room && bytes && t->merge) || because(why, "no memory for %d merges", count);
	for (int32_t id = 0; good && id < t->count; id++)
		piece[id] = (Piece){t->bytes + t->start[id], t->start[id + 1] - t->start[id], id};
	if (good)
		qsort(piece, (size_t)t->count, sizeof *piece, by_bytes);
	const cJSON *j;
	cJSON_ArrayForEach(j, merges) good = good && read_merge(j, piece, t, room, bytes, why);
	free(piece);
	free(room);
	free(bytes);
	return good;
}

/* -- Reading ----------------------------------------------------------------------------------- */

static Tokenizer *from_root(const cJSON *root, char why[WHY])
{
	const cJSON *model = member(root, "model"), *vocab = member(model, "vocab");
	const cJSON *type = member(model, "type");
	if (!cJSON_IsObject(model) || !cJSON_IsObject(vocab) || (type && !has_type(model, "BPE"))) {
		because(why, "has no \"model\" of type BPE");
		return NULL;
	}
	const char **text = calloc(MOST_TOKENS, sizeof *text);
	bool *literal = calloc(MOST_TOKENS, sizeof *literal);
	Vocabulary v = {text, literal, 0, 0};
	Tokenizer *t = NULL;
	because(why, "no memory for a tokenizer");
	bool good = text && literal && list_tokens(root, vocab, text, literal, &v, why) &&
	            (t = tokenizer_new(v.count, v.bytes, why)) && read_settings(root, model, t, why) &&
	            fill_tokens(t, &v, why) && read_merges(member(model, "merges"), t, why) &&
	            tokenizer_finish(t, why);
	free(text);
	free(literal);
	if (good)
		return t;
	tokenizer_close(t);
	return NULL;
}

Tokenizer *tokenizer_parse(const char *json, size_t size, char why[WHY])
{
	if (utf8_check(json, size) < size) {
		because(why, "is not UTF-8, as JSON must be");
		return NULL;
	}
	cJSON *root = cJSON_ParseWithLength(json, size);
	if (!root) {
		because(why, "is not JSON");
		return NULL;
	}
	Tokenizer *t = from_root(root, why);
	cJSON_Delete(root);
	return t;
}

Tokenizer *tokenizer_read(const char *path, char why[WHY])
{
	size_t size;
	char reason[WHY];
	unsigned char *bytes = bytes_read(path, LIMIT, &size, why);
	if (!bytes)
		return NULL;
	Tokenizer *t = tokenizer_parse((const char *)bytes, size, reason);
	free(bytes);
	if (!t)
		because(why, "'%.200s' %.250s", path, reason);
	return t;
}
