/* tokenizer.c: text to ids and back. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* -- Making ------------------------------------------------------------------------------------ */

Tokenizer *tokenizer_new(int32_t count, size_t size, char why[WHY])
{
	Tokenizer *t = calloc(1, sizeof *t);
	if (t) {
		t->count = count;
		t->bytes = malloc(size + 1);
		t->start = calloc((size_t)count + 1, sizeof *t->start);
	}
	if (t && t->bytes && t->start)
		return t;
	because(why, "no memory for a tokenizer of %d tokens", count);
	tokenizer_close(t);
	return NULL;
}

void tokenizer_close(Tokenizer *t)
{
	if (!t)
		return;
	words_close(t->words);
	free(t->bytes);
	free(t->start);
	free(t->merge);
	free(t->slot);
	free(t->character);
	free(t->character_id);
	free(t);
}

static size_t first_slot(const Tokenizer *t, int32_t left, int32_t right)
{
	uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
	return (size_t)(key >> 32) & (t->slots - 1);
}

/* The place of a pair in `merge`; merges: it is none. */
static size_t merge_of(const Tokenizer *t, int32_t left, int32_t right)
{
	if (!t->slots)
		return t->merges;
	for (size_t i = first_slot(t, left, right); t->slot[i]; i = (i + 1) & (t->slots - 1)) {
		const Merge *m = &t->merge[t->slot[i] - 1];
		if (m->left == left && m->right == right)
			return t->slot[i] - 1;
	}
	return t->merges;
}

/* A pair that is there twice merges by its last place, as in Hugging Face's library. */
static bool index_merges(Tokenizer *t)
{
	if (!t->merges)
		return true;
	for (t->slots = 16; t->slots < 2 * t->merges;)
		t->slots *= 2;
	t->slot = calloc(t->slots, sizeof *t->slot);
	for (size_t i = 0; t->slot && i < t->merges; i++) {
		const Merge *m = &t->merge[i];
		size_t at = first_slot(t, m->left, m->right);
		while (t->slot[at] && (t->merge[t->slot[at] - 1].left != m->left ||
		                       t->merge[t->slot[at] - 1].right != m->right))
			at = (at + 1) & (t->slots - 1);
		t->slot[at] = (uint32_t)i + 1;
	}
	return t->slot != NULL;
}

typedef struct Known {
	uint32_t character;
	int32_t id;
} Known;

static int by_character(const void *a, const void *b)
{
	uint32_t x = ((const Known *)a)->character, y = ((const Known *)b)->character;
	return (x > y) - (x < y);
}

static bool index_characters(Tokenizer *t)
{
	size_t room = (size_t)t->count + 1;
	Known *known = calloc(room, sizeof *known);
	t->character = calloc(room, sizeof *t->character);
	t->character_id = calloc(room, sizeof *t->character_id);
	bool good = known && t->character && t->character_id;
	for (int32_t id = 0; good && id < t->count; id++) {
		const char *at = t->bytes + t->start[id];
		if (t->start[id] < t->start[id + 1])
			known[t->characters++] = (Known){utf8_next(&at), id};
	}
	if (good)
		qsort(known, t->characters, sizeof *known, by_character);
	for (size_t i = 0; good && i < t->characters; i++) {
		t->character[i] = known[i].character;
		t->character_id[i] = known[i].id;
	}
	free(known);
	return good;
}

static void index_bytes(Tokenizer *t)
{
	for (int i = 0; i < 256; i++)
		t->byte_id[i] = -1;
	for (int32_t id = t->count - 1; id >= 0; id--)
		if (t->start[id + 1] - t->start[id] == 1)
			t->byte_id[(unsigned char)t->bytes[t->start[id]]] = id;
}

bool tokenizer_finish(Tokenizer *t, char why[WHY])
{
	if (t->of_characters)
		return index_characters(t) || because(why, "no memory for the characters of a tokenizer");
	index_bytes(t);
	if (!index_merges(t))
		return because(why, "no memory for %zu merges", t->merges);
	return !t->splits || (t->words = words_open(why)) != NULL;
}

static Tokenizer *finished(Tokenizer *t, char why[WHY])
{
	if (t && tokenizer_finish(t, why))
		return t;
	tokenizer_close(t);
	return NULL;
}

Tokenizer *tokenizer_bytes(char why[WHY])
{
	Tokenizer *t = tokenizer_new(256, 256, why);
	for (int i = 0; t && i < 256; i++) {
		t->bytes[i] = (char)i;
		t->start[i + 1] = (size_t)i + 1;
	}
	return finished(t, why);
}

Tokenizer *tokenizer_characters(const char *text, size_t size, char why[WHY])
{
	enum { CHARACTERS = 0x110000 };
	bool *seen = calloc(CHARACTERS, sizeof *seen);
	int32_t count = 0;
	if (!seen) {
		because(why, "no memory to list the characters of a text");
		return NULL;
	}
	for (const char *at = text; at < text + size;) {
		uint32_t character = utf8_next(&at);
		count += !seen[character];
		seen[character] = true;
	}
	Tokenizer *t = tokenizer_new(count, 4 * (size_t)count, why);
	int32_t id = 0;
	for (uint32_t c = 0; t && c < CHARACTERS; c++)
		if (seen[c]) {
			t->start[id + 1] = t->start[id] + (size_t)utf8_put(c, t->bytes + t->start[id]);
			id++;
		}
	free(seen);
	if (t)
		t->of_characters = true;
	return finished(t, why);
}

/* -- Encoding ---------------------------------------------------------------------------------- */

static bool tokens_reserve(Tokens *to, size_t more)
{
	int32_t *at = memory_grow(to->at, &to->room, to->count + more, sizeof *at);
	to->at = at ? at : to->at;
	return at != NULL;
}

bool tokens_add(Tokens *to, int32_t id)
{
	if (!tokens_reserve(to, 1))
		return false;
	to->at[to->count++] = id;
	return true;
}

/* The first merge that two neighbours have; merges: none. */
static size_t first_merge(const Tokenizer *t, const int32_t *id, size_t count)
{
	size_t first = t->merges;
	for (size_t i = 0; i + 1 < count; i++) {
		size_t merge = merge_of(t, id[i], id[i + 1]);
		first = merge < first ? merge : first;
	}
	return first;
}

/* Every pair of that merge becomes one, from the left; how many are left. */
static size_t apply_merge(const Merge *m, int32_t *id, size_t count)
{
	size_t to = 0;
	for (size_t i = 0; i < count; to++) {
		bool is_pair = i + 1 < count && id[i] == m->left && id[i + 1] == m->right;
		id[to] = is_pair ? m->result : id[i];
		i += is_pair ? 2 : 1;
	}
	return to;
}

static bool encode_word(const Tokenizer *t, const char *word, size_t size, Tokens *to,
                        char why[WHY])
{
	int32_t *id = to->at + to->count; /* there is room */
	for (size_t i = 0; i < size; i++)
		if ((id[i] = t->byte_id[(unsigned char)word[i]]) < 0)
			return because(why, "the tokenizer has no token for the byte 0x%02x",
			               (unsigned char)word[i]);
	size_t count = size, merge;
	while ((merge = first_merge(t, id, count)) < t->merges)
		count = apply_merge(&t->merge[merge], id, count);
	to->count += count;
	return true;
}

static bool encode_characters(const Tokenizer *t, const char *text, size_t size, Tokens *to,
                              char why[WHY])
{
	for (const char *at = text; at < text + size;) {
		uint32_t character = utf8_next(&at);
		size_t low = 0, high = t->characters;
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (t->character[middle] < character)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == t->characters || t->character[low] != character)
			return because(why, "the tokenizer has no token for the character U+%04X", character);
		to->at[to->count++] = t->character_id[low];
	}
	return true;
}

bool tokenizer_encode(const Tokenizer *t, const char *text, size_t size, Tokens *to, char why[WHY])
{
	if (!tokens_reserve(to, size))
		return because(why, "no memory for the tokens of %zu bytes", size);
	if (t->of_characters)
		return encode_characters(t, text, size, to, why);
	if (!t->splits)
		return encode_word(t, text, size, to, why);
	for (size_t from = 0, length; (length = words_next(t->words, text, size, from)); from += length)
		if (!encode_word(t, text + from, length, to, why))
			return false;
	return true;
}

const char *tokenizer_decode(const Tokenizer *t, int32_t id, size_t *size)
{
	*size = t->start[id + 1] - t->start[id];
	return t->bytes + t->start[id];
}
