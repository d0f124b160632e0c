/* words.c: text in the words within which merges stay. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text.h"

#include <pcre2.h>
#include <stdlib.h>

/* GPT-2's encoder.py, with U+0085, which is white space in Unicode but not to this library. */
#define SPACE "\\s\\x{85}"
static const char PATTERN[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SPACE
                              "\\p{L}\\p{N}]+|[" SPACE "]+(?![^" SPACE "])|[" SPACE "]+";

struct Words {
	pcre2_code *code;
	pcre2_match_data *match;
};

Words *words_open(char why[WHY])
{
	Words *w = calloc(1, sizeof *w);
	int error;
	PCRE2_SIZE at;
	if (w)
		w->code = pcre2_compile((PCRE2_SPTR)PATTERN, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP,
		                        &error, &at, NULL);
	if (w && w->code)
		w->match = pcre2_match_data_create(1, NULL);
	if (w && w->match) {
		(void)pcre2_jit_compile(w->code, PCRE2_JIT_COMPLETE); /* else it is interpreted */
		return w;
	}
	words_close(w);
	because(why, "no memory to split text into words");
	return NULL;
}

void words_close(Words *w)
{
	if (!w)
		return;
	pcre2_match_data_free(w->match);
	pcre2_code_free(w->code);
	free(w);
}

size_t words_next(const Words *w, const char *text, size_t size, size_t from)
{
	if (from >= size)
		return 0;
	uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED;
	int found = pcre2_match(w->code, (PCRE2_SPTR)text, size, from, options, w->match, NULL);
	/* The alternatives hold every character, so there is a match, unless the library gives up on a
	 * word of megabytes: the rest is one then. */
	return found > 0 ? pcre2_get_ovector_pointer(w->match)[1] - from : size - from;
}
