/* bpe.c: trains byte-pair encoding (Sennrich et al. 2016, on bytes as Radford et al. 2019).
 *
 * Each different word is kept once, with its count. A merge is one pass over all words, which also
 * corrects the counts of the pairs beside it; the next pair is looked for among all. So training takes
 * merges x (letters of different words + different pairs). */
#include "text.h"

#include <stdlib.h>
#include <string.h>

typedef struct Word {
	size_t from, size; /* into `letters`; later, of ids */
	int64_t count;
	uint64_t hash;
} Word;

typedef struct Pair {
	int32_t left, right;
	int64_t count;
	bool used;
} Pair;

struct Bpe {
	Words *words;
	Word *word; /* a hash table: count 0 is empty */
	size_t slots, used;
	char *letters;
	size_t letter_count, letter_room;
	/* While merging: */
	int32_t *id; /* of all words; a word's are at `from` */
	Pair *pair;  /* a hash table */
	size_t pair_slots, pairs;
	bool starved; /* of memory */
};

Bpe *bpe_open(char why[WHY])
{
	Bpe *b = calloc(1, sizeof *b);
	if (!b) {
		because(why, "no memory to train a tokenizer");
		return NULL;
	}
	b->words = words_open(why);
	if (b->words)
		return b;
	bpe_close(b);
	return NULL;
}

void bpe_close(Bpe *b)
{
	if (!b)
		return;
	words_close(b->words);
	free(b->word);
	free(b->letters);
	free(b->id);
	free(b->pair);
	free(b);
}

/* -- Counting words ---------------------------------------------------------------------------- */

static uint64_t hash_of(const char *bytes, size_t size)
{
	uint64_t hash = bytes_hash(bytes, size);
	return hash ^ hash >> 32;
}

static Word *find_word(const Bpe *b, const char *bytes, size_t size, uint64_t hash)
{
	size_t at = (size_t)hash & (b->slots - 1);
	while (b->word[at].count && (b->word[at].hash != hash || b->word[at].size != size ||
	                             memcmp(b->letters + b->word[at].from, bytes, size) != 0))
		at = (at + 1) & (b->slots - 1);
	return &b->word[at];
}

static bool grow_words(Bpe *b)
{
	size_t slots = b->slots ? 2 * b->slots : 1024, before = b->slots;
	Word *old = b->word, *word = calloc(slots, sizeof *word);
	if (!word)
		return false;
	b->word = word;
	b->slots = slots;
	for (size_t i = 0; i < before; i++)
		if (old[i].count)
			*find_word(b, b->letters + old[i].from, old[i].size, old[i].hash) = old[i];
	free(old);
	return true;
}

static bool add_letters(Bpe *b, const char *bytes, size_t size)
{
	char *letters = memory_grow(b->letters, &b->letter_room, b->letter_count + size, 1);
	if (!letters)
		return false;
	b->letters = letters;
	memcpy(b->letters + b->letter_count, bytes, size);
	b->letter_count += size;
	return true;
}

static bool count_word(Bpe *b, const char *bytes, size_t size)
{
	if (2 * b->used >= b->slots && !grow_words(b))
		return false;
	uint64_t hash = hash_of(bytes, size);
	Word *w = find_word(b, bytes, size, hash);
	if (!w->count) {
		if (!add_letters(b, bytes, size))
			return false;
		*w = (Word){b->letter_count - size, size, 0, hash};
		b->used++;
	}
	w->count++;
	return true;
}

bool bpe_add(Bpe *b, const char *text, size_t size, char why[WHY])
{
	for (size_t from = 0, length; (length = words_next(b->words, text, size, from)); from += length)
		if (!count_word(b, text + from, length))
			return because(why, "no memory for the words of the text");
	return true;
}

/* -- Counting pairs ---------------------------------------------------------------------------- */

static Pair *find_pair(const Bpe *b, int32_t left, int32_t right)
{
	uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(key >> 32) & (b->pair_slots - 1);
	while (b->pair[at].used && (b->pair[at].left != left || b->pair[at].right != right))
		at = (at + 1) & (b->pair_slots - 1);
	return &b->pair[at];
}

static bool grow_pairs(Bpe *b)
{
	size_t slots = b->pair_slots ? 2 * b->pair_slots : 1024, before = b->pair_slots;
	Pair *old = b->pair, *pair = calloc(slots, sizeof *pair);
	if (!pair)
		return false;
	b->pair = pair;
	b->pair_slots = slots;
	b->pairs = 0;
	for (size_t i = 0; i < before; i++)
		if (old[i].used && old[i].count) { /* pairs that are gone make room */
			*find_pair(b, old[i].left, old[i].right) = old[i];
			b->pairs++;
		}
	free(old);
	return true;
}

static void count_pair(Bpe *b, int32_t left, int32_t right, int64_t count)
{
	if (2 * b->pairs >= b->pair_slots && !grow_pairs(b)) {
		b->starved = true;
		return;
	}
	Pair *p = find_pair(b, left, right);
	b->pairs += !p->used;
	*p = (Pair){left, right, p->count + count, true};
}

static const Pair *commonest(const Bpe *b)
{
	const Pair *best = NULL;
	for (size_t i = 0; i < b->pair_slots; i++) {
		const Pair *p = &b->pair[i];
		bool earlier =
		    best && (p->left < best->left || (p->left == best->left && p->right < best->right));
		if (p->count > 0 &&
		    (!best || p->count > best->count || (p->count == best->count && earlier)))
			best = p;
	}
	return best;
}

/* -- Merging ----------------------------------------------------------------------------------- */

/* Counts of pairs: those of the word go, and those that it has after the merge come. */
static void merge_word(Bpe *b, Word *w, Merge m)
{
	int32_t *id = b->id + w->from;
	bool has = false;
	for (size_t i = 0; i + 1 < w->size && !has; i++)
		has = id[i] == m.left && id[i + 1] == m.right;
	if (!has)
		return;
	for (size_t i = 0; i + 1 < w->size; i++)
		count_pair(b, id[i], id[i + 1], -w->count);
	size_t to = 0;
	for (size_t i = 0; i < w->size; to++) {
		bool is_pair = i + 1 < w->size && id[i] == m.left && id[i + 1] == m.right;
		id[to] = is_pair ? m.result : id[i];
		i += is_pair ? 2 : 1;
	}
	w->size = to;
	for (size_t i = 0; i + 1 < w->size; i++)
		count_pair(b, id[i], id[i + 1], w->count);
}

static bool begin_merging(Bpe *b, const Tokenizer *t)
{
	free(b->id);
	free(b->pair);
	b->pair = NULL;
	b->pair_slots = b->pairs = 0;
	b->id = malloc((b->letter_count + 1) * sizeof *b->id);
	if (!b->id || !grow_pairs(b))
		return false;
	for (size_t i = 0; i < b->letter_count; i++)
		b->id[i] = t->byte_id[(unsigned char)b->letters[i]];
	for (size_t i = 0; i < b->slots; i++) {
		const Word *w = &b->word[i];
		for (size_t k = 0; w->count && k + 1 < w->size; k++)
			count_pair(b, b->id[w->from + k], b->id[w->from + k + 1], w->count);
	}
	return !b->starved;
}

/* The bytes of both parts, as those of id `count`. */
static bool add_token(Tokenizer *t, int32_t left, int32_t right, size_t *room)
{
	size_t of_left = t->start[left + 1] - t->start[left],
	       of_right = t->start[right + 1] - t->start[right], used = t->start[t->count];
	char *bytes = memory_grow(t->bytes, room, used + of_left + of_right, 1);
	if (!bytes)
		return false;
	t->bytes = bytes;
	memcpy(t->bytes + used, t->bytes + t->start[left], of_left);
	memcpy(t->bytes + used + of_left, t->bytes + t->start[right], of_right);
	t->start[++t->count] = used + of_left + of_right;
	return true;
}

/* The id whose bytes are the same as the last one's: two ways to merge give one token. */
static int32_t twin_of_last(const Tokenizer *t)
{
	int32_t last = t->count - 1, id = 256;
	size_t size = t->start[last + 1] - t->start[last];
	while (t->start[id + 1] - t->start[id] != size ||
	       memcmp(t->bytes + t->start[id], t->bytes + t->start[last], size) != 0)
		id++;
	return id;
}

/* Bytes in the order of GPT-2's alphabet, so that ids are Hugging Face's: those that print come
 * first. */
static void order_bytes(Tokenizer *t)
{
	int32_t id = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 256; i++) {
			bool prints = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
			if (prints == (pass == 0)) {
				t->bytes[id] = (char)i;
				t->start[id + 1] = (size_t)id + 1;
				t->byte_id[i] = id;
				id++;
			}
		}
}

/* Where two ways lead to one token, there are more merges than new tokens. */
static bool add_merge(Tokenizer *t, Merge m, size_t *room)
{
	Merge *merge = memory_grow(t->merge, room, t->merges + 1, sizeof *merge);
	if (!merge)
		return false;
	t->merge = merge;
	t->merge[t->merges++] = m;
	return true;
}

static bool merge_all(Bpe *b, Tokenizer *t, int32_t count, char why[WHY])
{
	size_t room = 256, merge_room = (size_t)count;
	const Pair *best;
	while (t->count < count && (best = commonest(b)) && best->count > 1) {
		Merge m = {best->left, best->right, 0};
		if (!add_token(t, m.left, m.right, &room))
			return because(why, "no memory for %d tokens", count);
		m.result = twin_of_last(t);
		if (m.result < t->count - 1)
			t->count--;
		if (!add_merge(t, m, &merge_room))
			return because(why, "no memory for %zu merges", t->merges);
		for (size_t i = 0; i < b->slots; i++)
			if (b->word[i].count)
				merge_word(b, &b->word[i], m);
		if (b->starved)
			return because(why, "no memory for the pairs of the text");
	}
	return true;
}

Tokenizer *bpe_train(Bpe *b, int32_t count, char why[WHY])
{
	if (count < 256 || count > MOST_TOKENS) {
		because(why, "a tokenizer has 256 tokens, those of bytes, to %d; not %d", MOST_TOKENS,
		        count);
		return NULL;
	}
	Tokenizer *t = tokenizer_new(count, 256, why);
	if (!t)
		return NULL;
	t->count = 256;
	t->splits = true;
	order_bytes(t);
	t->merge = malloc((size_t)count * sizeof *t->merge);
	bool good = (t->merge && begin_merging(b, t)) || because(why, "no memory to merge pairs");
	if (good && merge_all(b, t, count, why) && tokenizer_finish(t, why))
		return t;
	tokenizer_close(t);
	return NULL;
}
