/* test_text.c: UTF-8, tokenizers, documents.
 *
 * Truth: Hugging Face's `tokenizers` (tests/oracle/text/tokens.py): the merges that it learns of two
 * texts, and its ids of them. The library reads tests/oracle/text/ours.json, which must be what is
 * printed here. For UTF-8: RFC 3629, section 4. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/text/text.h"
#include "scratch.h"

typedef struct Bytes {
	char *at;
	size_t size;
} Bytes;

static Bytes stored(const char *name)
{
	char path[128];
	Bytes b;
	snprintf(path, sizeof path, "text/%s", name);
	b.at = (char *)file_get(oracle_path(path), &b.size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b.at);
	return b;
}

static Tokenizer *parsed(const char *name)
{
	char why[WHY] = "";
	Bytes b = stored(name);
	Tokenizer *t = tokenizer_parse(b.at, b.size, why);
	if (!t)
		fprintf(stderr, "\n    %s %s\n", name, why);
	free(b.at);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

static bool same(const Tokenizer *a, const Tokenizer *b)
{
	return a->count == b->count && a->merges == b->merges && a->splits == b->splits &&
	       a->of_characters == b->of_characters &&
	       memcmp(a->start, b->start, ((size_t)a->count + 1) * sizeof *a->start) == 0 &&
	       memcmp(a->bytes, b->bytes, a->start[a->count]) == 0 &&
	       (!a->merges || memcmp(a->merge, b->merge, a->merges * sizeof *a->merge) == 0);
}

static bool decodes_to(const Tokenizer *t, const Tokens *tokens, const char *text, size_t size)
{
	size_t at = 0;
	for (size_t i = 0; i < tokens->count; i++) {
		size_t wide;
		const char *bytes = tokenizer_decode(t, tokens->at[i], &wide);
		if (wide > size - at || memcmp(bytes, text + at, wide) != 0)
			return false;
		at += wide;
	}
	return at == size;
}

/* -- UTF-8 ------------------------------------------------------------------------------------- */

static void utf8_is_checked(void)
{
	static const struct {
		const char *bytes;
		size_t size, good;
	} cases[] = {
	    {"", 0, 0},
	    {"a\0b", 3, 3},
	    {"\xc2\x80\xdf\xbf", 4, 4},
	    {"\xe0\xa0\x80\xef\xbf\xbf", 6, 6},
	    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, 8},
	    {"\xed\x9f\xbf\xee\x80\x80", 6, 6},
	    {"ab\x80", 3, 2},           /* a byte that goes on with nothing */
	    {"a\xc3", 2, 1},            /* cut */
	    {"\xe2\x82", 2, 0},         /* cut */
	    {"\xf0\x9f\x98", 3, 0},     /* cut */
	    {"\xc0\x80", 2, 0},         /* longer than it must be */
	    {"\xc1\xbf", 2, 0},         /* " */
	    {"\xe0\x9f\xbf", 3, 0},     /* " */
	    {"\xf0\x8f\xbf\xbf", 4, 0}, /* " */
	    {"\xed\xa0\x80", 3, 0},     /* half of a pair */
	    {"\xed\xbf\xbf", 3, 0},     /* " */
	    {"\xf4\x90\x80\x80", 4, 0}, /* beyond Unicode */
	    {"\xf5\x80\x80\x80", 4, 0}, /* " */
	    {"\xff", 1, 0},             /* no lead */
	    {"\xe2\x28\xa1", 3, 0},     /* does not go on */
	    {"caf\xe9", 4, 3},          /* Latin-1 */
	    {"\xe6\x97\xa5\xe6\x97", 5, 3},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CU_ASSERT_EQUAL(utf8_check(cases[i].bytes, cases[i].size), cases[i].good);
}

static void every_character_is_written_and_read(void)
{
	bool good = true;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char bytes[4];
		const char *at = bytes;
		if (c >= 0xd800 && c < 0xe000)
			continue;
		size_t size = (size_t)utf8_put(c, bytes);
		size_t want = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		good &= size == want && utf8_check(bytes, size) == size && utf8_next(&at) == c &&
		        at == bytes + size;
	}
	CU_ASSERT(good);
}

/* -- Byte-pair encoding ------------------------------------------------------------------------ */

static Tokenizer *trained(int32_t count)
{
	char why[WHY];
	Bpe *b = bpe_open(why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	static const char *const names[] = {"corpus.txt", "hard.txt"};
	for (int i = 0; i < 2; i++) {
		Bytes text = stored(names[i]);
		CU_ASSERT_FATAL(bpe_add(b, text.at, text.size, why));
		free(text.at);
	}
	Tokenizer *t = bpe_train(b, count, why);
	bpe_close(b);
	return t;
}

static void merges_are_those_of_the_library(void)
{
	Tokenizer *ours = trained(700), *theirs = parsed("bpe.json"), *older = parsed("older.json");
	CU_ASSERT_PTR_NOT_NULL_FATAL(ours);
	CU_ASSERT(same(ours, theirs));
	CU_ASSERT(same(older, theirs));
	/* Fewer tokens are the first of them. */
	Tokenizer *few = trained(300);
	CU_ASSERT_PTR_NOT_NULL_FATAL(few);
	CU_ASSERT_EQUAL(few->count, 300);
	CU_ASSERT(few->merges == 44 && memcmp(few->merge, theirs->merge, 44 * sizeof(Merge)) == 0);
	tokenizer_close(few);
	tokenizer_close(ours);
	tokenizer_close(theirs);
	tokenizer_close(older);
}

static void ids_are_those_of_the_library(void)
{
	static const char *const names[] = {"corpus", "hard"};
	Tokenizer *t = parsed("bpe.json");
	for (int i = 0; i < 2; i++) {
		char name[64], why[WHY];
		Tokens tokens = {0};
		Array want;
		snprintf(name, sizeof name, "%s.txt", names[i]);
		Bytes text = stored(name);
		snprintf(name, sizeof name, "text/%s.npy", names[i]);
		CU_ASSERT_FATAL(npy_read(oracle_path(name), &want, why));
		CU_ASSERT_FATAL(tokenizer_encode(t, text.at, text.size, &tokens, why));
		CU_ASSERT_EQUAL_FATAL(tokens.count, (size_t)want.dim[0]);
		CU_ASSERT(memcmp(tokens.at, want.at, tokens.count * sizeof *tokens.at) == 0);
		CU_ASSERT(decodes_to(t, &tokens, text.at, text.size));
		free(tokens.at);
		free(want.at);
		free(text.at);
	}
	tokenizer_close(t);
}

static void what_is_printed_is_what_the_library_reads(void)
{
	char why[WHY];
	Tokenizer *t = trained(700);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	char *text = tokenizer_print(t, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	if (getenv("SSLC_BLESS"))
		CU_ASSERT(file_put(oracle_path("text/ours.json"), text, strlen(text)));
	CU_ASSERT(file_holds(oracle_path("text/ours.json"), text, strlen(text)));
	Tokenizer *again = tokenizer_parse(text, strlen(text), why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT(same(t, again));
	tokenizer_close(again);
	tokenizer_close(t);
	free(text);
}

/* By hand: "abab abab abab": (a b) occurs 6 times, then (ab ab) 3 times, then with the space twice. */
static void training_by_hand(void)
{
	char why[WHY];
	Bpe *b = bpe_open(why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_FATAL(bpe_add(b, "abab abab abab", 14, why));
	Tokenizer *t = bpe_train(b, 1000, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->count, 259);
	CU_ASSERT(t->start[259] - t->start[256] == 2 + 4 + 5);
	CU_ASSERT(memcmp(t->bytes + t->start[256], "ababab abab", 11) == 0);
	tokenizer_close(t);
	CU_ASSERT_PTR_NULL(bpe_train(b, 255, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "256"));
	bpe_close(b);
}

/* -- Bytes and characters ---------------------------------------------------------------------- */

static void bytes_are_their_own_ids(void)
{
	char why[WHY];
	Tokenizer *t = tokenizer_bytes(why);
	Tokens tokens = {0};
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_FATAL(tokenizer_encode(t, "a\xc3\xa9\n", 4, &tokens, why));
	CU_ASSERT(tokens.count == 4 && tokens.at[0] == 97 && tokens.at[1] == 0xc3 &&
	          tokens.at[3] == 10);
	char *text = tokenizer_print(t, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	Tokenizer *again = tokenizer_parse(text, strlen(text), why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT(same(t, again));
	tokenizer_close(again);
	tokenizer_close(t);
	free(text);
	free(tokens.at);
}

static void characters_are_in_their_order(void)
{
	static const char text[] = "b\"\\\n\xc3\xa9"
	                           "a\xf0\x9f\x98\x80"
	                           "a";
	char why[WHY];
	Tokens tokens = {0};
	Tokenizer *t = tokenizer_characters(text, sizeof text - 1, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	char *json = tokenizer_print(t, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	Tokenizer *again = tokenizer_parse(json, strlen(json), why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT(same(t, again));
	/* \n " \ a b e-acute smile */
	static const int32_t want[] = {4, 1, 2, 0, 5, 3, 6, 3};
	CU_ASSERT_FATAL(tokenizer_encode(again, text, sizeof text - 1, &tokens, why));
	CU_ASSERT(tokens.count == 8 && memcmp(tokens.at, want, sizeof want) == 0);
	CU_ASSERT(decodes_to(again, &tokens, text, sizeof text - 1));
	CU_ASSERT_FALSE(tokenizer_encode(t, "ab\xc3\xa8", 4, &tokens, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "U+00E8"));
	free(json);
	free(tokens.at);
	tokenizer_close(again);
	tokenizer_close(t);
}

/* -- Files that are wrong ---------------------------------------------------------------------- */

#define BEFORE "{\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}, "

static void wrong_tokenizers_are_refused(void)
{
	static const struct {
		const char *json, *word;
	} cases[] = {
	    {"", "JSON"},
	    {"{\"model\": ", "JSON"},
	    {"\xff", "UTF-8"},
	    {"[]", "BPE"},
	    {"{\"model\": {\"type\": \"WordPiece\", \"vocab\": {}}}", "BPE"},
	    {"{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}", "no tokens"},
	    {"{\"normalizer\": {\"type\": \"NFC\"}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": "
	     "[]}}",
	     "normalizer"},
	    {"{\"post_processor\": {\"type\": \"BertProcessing\"}, \"model\": {\"vocab\": {\"a\": 0}, "
	     "\"merges\": []}}",
	     "post_processor"},
	    {"{\"pre_tokenizer\": {\"type\": \"Whitespace\"}, \"model\": {\"vocab\": {\"a\": 0}, "
	     "\"merges\": []}}",
	     "pre_tokenizer"},
	    {"{\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true}, \"model\": "
	     "{\"vocab\": {\"a\": 0}, \"merges\": []}}",
	     "add_prefix_space"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}}", "two tokens"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": -1}, \"merges\": []}}", "id"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 1e9}, \"merges\": []}}", "id"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": \"0\"}, \"merges\": []}}", "id"},
	    {BEFORE "\"model\": {\"vocab\": {\"a b\": 0}, \"merges\": []}}", "alphabet"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 0}}}", "merges"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"ab\"]}}", "number 0"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]}}", "number 0"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [3]}}", "number 0"},
	    {BEFORE "\"model\": {\"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": [\"a b\"]}}", "result"},
	    {BEFORE "\"model\": {\"dropout\": 0.1, \"vocab\": {\"a\": 0}, \"merges\": []}}", "dropout"},
	    {"{\"model\": {\"vocab\": {\"ab\": 0}, \"merges\": []}}", "one character"},
	    {"{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": [\"a a\"]}}", "ByteLevel"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char why[WHY] = "";
		Tokenizer *t = tokenizer_parse(cases[i].json, strlen(cases[i].json), why);
		if (t || !strstr(why, cases[i].word))
			fprintf(stderr, "\n    %s: %s\n", cases[i].json, t ? "accepted" : why);
		CU_ASSERT(!t && strstr(why, cases[i].word));
		tokenizer_close(t);
	}
}

static void tokens_that_were_added_keep_their_ids(void)
{
	static const char json[] = BEFORE
	    "\"added_tokens\": [{\"id\": 3, \"content\": \"<|end of text|>\", \"special\": true}], "
	    "\"model\": {\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"a b\"]}}";
	char why[WHY];
	size_t size;
	Tokens tokens = {0};
	Tokenizer *t = tokenizer_parse(json, sizeof json - 1, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->count, 4);
	CU_ASSERT(memcmp(tokenizer_decode(t, 3, &size), "<|end of text|>", 15) == 0 && size == 15);
	CU_ASSERT(tokenizer_encode(t, "aabab", 5, &tokens, why));
	CU_ASSERT(tokens.count == 3 && tokens.at[0] == 0 && tokens.at[1] == 2 && tokens.at[2] == 2);
	CU_ASSERT_FALSE(tokenizer_encode(t, "c", 1, &tokens, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "0x63"));
	free(tokens.at);
	tokenizer_close(t);
}

/* -- Documents --------------------------------------------------------------------------------- */

static bool document_is(const Documents *d, size_t i, const char *text)
{
	return i < d->count && d->at[i].to - d->at[i].from == strlen(text) &&
	       memcmp(d->text + d->at[i].from, text, strlen(text)) == 0;
}

static void documents_are_split_where_asked(void)
{
	char why[WHY];
	Documents d = {0};
	CU_ASSERT(documents_parse(&d, "a", "\xef\xbb\xbfone\n\ntwo\n", 12, "", why));
	CU_ASSERT(documents_parse(&d, "b", "", 0, "", why));
	CU_ASSERT(documents_parse(&d, "c", "\n\none\n\n\n\ntwo\n", 13, "\n\n", why));
	CU_ASSERT_EQUAL(d.count, 3);
	CU_ASSERT(document_is(&d, 0, "one\n\ntwo\n") && document_is(&d, 1, "one"));
	CU_ASSERT(document_is(&d, 2, "two\n"));
	documents_close(&d);
}

static void other_encodings_are_refused(void)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *word;
	} cases[] = {
	    {"one\ncaf\xe9\n", 9, "offset 7, in line 2, is 0xe9"},
	    {"\xff\xfe"
	     "a\0",
	     4, "UTF-16"},
	    {"\xfe\xff\0a", 4, "UTF-16"},
	    {"ab\0c", 4, "offset 2 is 0"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char why[WHY] = "";
		Documents d = {0};
		CU_ASSERT_FALSE(documents_parse(&d, "name", cases[i].bytes, cases[i].size, "", why));
		CU_ASSERT(strstr(why, cases[i].word) && strstr(why, "name"));
		documents_close(&d);
	}
}

static void folders_are_read_by_name(void)
{
	char why[WHY];
	Scratch s;
	Documents d = {0};
	scratch_open(&s);
	CU_ASSERT(file_put(scratch_path(&s, "b.txt"), "second", 6));
	CU_ASSERT(file_put(scratch_path(&s, "a"), "first", 5));
	CU_ASSERT(file_put(scratch_path(&s, ".hidden"), "\xff", 1));
	CU_ASSERT(file_put(scratch_path(&s, "c"), "", 0));
	CU_ASSERT(documents_add(&d, s.folder, "", why));
	CU_ASSERT(d.count == 2 && document_is(&d, 0, "first") && document_is(&d, 1, "second"));
	CU_ASSERT(documents_add(&d, scratch_path(&s, ".hidden/../a"), "", why) == false);
	CU_ASSERT(documents_add(&d, scratch_path(&s, "a"), "", why));
	CU_ASSERT_EQUAL(d.count, 3);
	CU_ASSERT_FALSE(documents_add(&d, scratch_path(&s, "none"), "", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "none"));
	CU_ASSERT_FALSE(documents_add(&d, "/dev/null", "", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "regular"));
	documents_close(&d);
	CU_ASSERT(symlink("nowhere", scratch_path(&s, "link")) == 0);
	CU_ASSERT_FALSE(documents_add(&d, s.folder, "", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "link': No such file"));
	documents_close(&d);
	CU_ASSERT(unlink(scratch_path(&s, "link")) == 0);
	scratch_close(&s);
}

/* However the bytes come. */
static void terminals_are_not_controlled(void)
{
	static const struct {
		const char *text, *want;
	} ROWS[] = {
	    {"plain\ttext\n", "plain\ttext\n"},
	    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
	    {"\033[31mred\r", "\\x1b[31mred\\x0d"},
	    {"\x7f\a\b", "\\x7f\\x07\\x08"},
	    {"\xc2\x9b"
	     "31m\xc2\xa0",
	     "\\xc2\\x9b31m\xc2\xa0"},
	    {"a\xe2\x80\xae"
	     "b",
	     "a\\xe2\\x80\\xaeb"},
	    {"\xff\xc3(\xc0\x80", "\\xff\\xc3(\\xc0\\x80"},
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	    {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
	    {"\xf0\x9f\033", "\\xf0\\x9f\\x1b"},
	};
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		size_t size = strlen(ROWS[i].text);
		for (size_t cut = 0; cut <= size; cut++) {
			Visible v = {.count = 0};
			char *got = NULL;
			size_t length;
			FILE *out = open_memstream(&got, &length);
			CU_ASSERT_FATAL(out != NULL);
			visible_put(&v, ROWS[i].text, cut, out);
			visible_put(&v, ROWS[i].text + cut, size - cut, out);
			visible_end(&v, out);
			fclose(out);
			CU_ASSERT_STRING_EQUAL(got, ROWS[i].want);
			free(got);
		}
	}
}

CU_TestInfo test_text[] = {
    {"terminals are not controlled", terminals_are_not_controlled},
    {"utf8 is checked", utf8_is_checked},
    {"every character is written and read", every_character_is_written_and_read},
    {"merges are those of the library", merges_are_those_of_the_library},
    {"ids are those of the library", ids_are_those_of_the_library},
    {"what is printed is what the library reads", what_is_printed_is_what_the_library_reads},
    {"training by hand", training_by_hand},
    {"bytes are their own ids", bytes_are_their_own_ids},
    {"characters are in their order", characters_are_in_their_order},
    {"wrong tokenizers are refused", wrong_tokenizers_are_refused},
    {"tokens that were added keep their ids", tokens_that_were_added_keep_their_ids},
    {"documents are split where asked", documents_are_split_where_asked},
    {"other encodings are refused", other_encodings_are_refused},
    {"folders are read by name", folders_are_read_by_name},
    CU_TEST_INFO_NULL,
};
