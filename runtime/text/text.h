/* text.h: text as numbers: UTF-8, tokenizers, documents. Knows files, and nothing of samples.
 *
 * A token is an id from 0 on. A tokenizer of bytes has merges (byte-pair encoding, Sennrich et al.
 * 2016) or none; one of characters has an id for each character of the text that it was made of.
 * All are kept as tokenizer.json of Hugging Face's library, which reads what is written here. */
#ifndef SSLC_TEXT_H
#define SSLC_TEXT_H

#include "../runtime.h"

/* -- UTF-8: utf8.c ----------------------------------------------------------------------------- */

/* Where the first byte stands that is not UTF-8 (RFC 3629: shortest form, no surrogates); `size`:
 * all is. */
size_t utf8_check(const char *bytes, size_t size);
/* Bytes of the character that `size` bytes begin with; 0: they begin with none. */
size_t utf8_length(const char *bytes, size_t size);
/* Whether these, at least one, are the beginning of a character, and not all of it. */
bool utf8_begins(const char *bytes, size_t size);
/* False: the bytes are no text in UTF-8; says of the file `name` where, and what to do. */
MUST_CHECK bool text_check(const char *name, const char *bytes, size_t size, char why[WHY]);
/* The size of the byte order mark that the bytes begin with; 0: there is none. */
size_t text_mark(const char *bytes, size_t size);
/* The character at *at, of valid text, and *at behind it. */
uint32_t utf8_next(const char **at);
/* Bytes written, 1 to 4. */
int utf8_put(uint32_t character, char bytes[4]);

/* -- For a terminal: visible.c ---------------------------------------------------------------- */

/* Bytes that come one after the other; the beginning of a character waits for its end. */
typedef struct Visible {
	char held[4];
	size_t count;
} Visible;
/* Writes text as it is, but \xHH for each byte of what controls a terminal or is no UTF-8. */
void visible_put(Visible *v, const char *bytes, size_t size, FILE *out);
void visible_end(Visible *v, FILE *out); /* what waits will not end */

/* -- Words: words.c ---------------------------------------------------------------------------- */

/* Splits text as GPT-2 does (Radford et al. 2019): a word with the space before it, a number, a run
 * of other signs. Merges never cross words. */
typedef struct Words Words;
MUST_CHECK Words *words_open(char why[WHY]);
void words_close(Words *w); /* NULL-safe */
/* The length of the word that begins at `from`; 0: at the end. */
size_t words_next(const Words *w, const char *text, size_t size, size_t from);

/* -- Tokenizers: tokenizer.c ------------------------------------------------------------------- */

enum { MOST_TOKENS = 1 << 20 };

typedef struct Merge {
	int32_t left, right, result; /* ids; earlier merges come first */
} Merge;

typedef struct Tokenizer {
	bool of_characters; /* else of bytes */
	bool splits;        /* merges stay within words */
	int32_t count;      /* ids are 0 to count - 1 */
	char *bytes;        /* what ids stand for, one after the other: id i is */
	size_t *start;      /* [count + 1]: bytes[start[i]] to bytes[start[i + 1]] */
	int32_t byte_id[256];
	Merge *merge;
	size_t merges;
	/* The rest follows from these: tokenizer_finish. */
	uint32_t *slot; /* a hash table of merges by their pair: 1 + index */
	size_t slots;
	uint32_t *character; /* [count]: sorted, with their ids */
	int32_t *character_id;
	size_t characters;
	Words *words;
} Tokenizer;

typedef struct Tokens {
	int32_t *at;
	size_t count, room;
} Tokens;

/* 256 ids, each its byte. */
MUST_CHECK Tokenizer *tokenizer_bytes(char why[WHY]);
/* An id for each character of valid text, in their order. */
MUST_CHECK Tokenizer *tokenizer_characters(const char *text, size_t size, char why[WHY]);
void tokenizer_close(Tokenizer *t); /* NULL-safe */
/* Adds the ids of valid text to `to`, whose memory the caller frees. False: no memory, or a character
 * that the tokenizer does not know. */
MUST_CHECK bool tokenizer_encode(const Tokenizer *t, const char *text, size_t size, Tokens *to,
                                 char why[WHY]);
/* The bytes of an id below count; not ended by 0. */
const char *tokenizer_decode(const Tokenizer *t, int32_t id, size_t *size);
bool tokens_add(Tokens *to, int32_t id); /* false: no memory */

/* Private to text/: an empty one for `count` ids whose bytes are `size` in all; then, when they and
 * the merges are there, what follows from them. */
Tokenizer *tokenizer_new(int32_t count, size_t size, char why[WHY]);
bool tokenizer_finish(Tokenizer *t, char why[WHY]);

/* -- Training: bpe.c --------------------------------------------------------------------------- */

/* Counts words, then merges the commonest pair again and again until there are `count` tokens, the 256
 * bytes included, or no pair occurs twice. Of equally common pairs the one whose ids are smaller,
 * left before right, is first: as Hugging Face's trainer. */
typedef struct Bpe Bpe;
MUST_CHECK Bpe *bpe_open(char why[WHY]);
MUST_CHECK bool bpe_add(Bpe *b, const char *text, size_t size, char why[WHY]); /* a document */
MUST_CHECK Tokenizer *bpe_train(Bpe *b, int32_t count, char why[WHY]);
void bpe_close(Bpe *b); /* NULL-safe */

/* -- Files: tokenizer_json.c, documents.c ------------------------------------------------------ */

/* tokenizer.json with a "BPE" model. What it has beyond ours is refused, not ignored. */
MUST_CHECK Tokenizer *tokenizer_parse(const char *json, size_t size, char why[WHY]);
MUST_CHECK Tokenizer *tokenizer_read(const char *path, char why[WHY]);
/* The caller frees it. */
MUST_CHECK char *tokenizer_print(const Tokenizer *t, char why[WHY]);

/* Text files: whole, checked, one after the other in `text`. */
typedef struct Document {
	size_t from, to, file;
} Document;
typedef struct Documents {
	char *text;
	size_t size, room;
	Document *at;
	size_t count, capacity;
	char **file; /* names of the files that documents are of */
	size_t files, file_room;
} Documents;
/* Adds a file, or every file in a folder and those in it, by their paths, but for hidden ones. A file is a
 * document, or, with a `separator` that is not "", what stands between two of them; documents of no
 * bytes are left out, as is a byte order mark. False: not UTF-8, or a NUL byte is in it. */
MUST_CHECK bool documents_add(Documents *d, const char *path, const char *separator, char why[WHY]);
/* The same of bytes in memory, for `name`. */
MUST_CHECK bool documents_parse(Documents *d, const char *name, const char *bytes, size_t size,
                                const char *separator, char why[WHY]);
void documents_close(Documents *d);

#endif
