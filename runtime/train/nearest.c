/* nearest.c: words whose vectors lie closest to that of a word, or of a sum of words.
 *
 * "vectors" of a model gives one row a token. All rows are made as long as 1, and so is what is looked for:
 * the sum and difference of words (Mikolov et al. 2013, "Linguistic regularities in continuous space word
 * representations": king - man + woman); how near a token is, is the cosine. Tokens of the words that were
 * given are left out. A word is the token of a space and it, or its own, or the mean of the vectors of the
 * tokens that it is cut into. Ties are in order of ids. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../text/text.h"

typedef struct Near {
	double cosine;
	int32_t id;
} Near;

typedef struct Search {
	Call call;
	const Tokenizer *tokenizer;
	int64_t ids, width;
	double *unit; /* [ids,width]: rows of length 1, or 0 */
	double *want; /* [width] */
	double *word; /* [width] */
	bool *given;  /* [ids] */
	Near *near;   /* [ids] */
} Search;

static int by_cosine(const void *a, const void *b)
{
	const Near *x = a, *y = b;
	return x->cosine != y->cosine ? (x->cosine < y->cosine) - (x->cosine > y->cosine)
	                              : (x->id > y->id) - (x->id < y->id);
}

static void make_unit(double *x, int64_t width)
{
	double squares = 0;
	for (int64_t i = 0; i < width; i++)
		squares += x[i] * x[i];
	for (int64_t i = 0; i < width; i++)
		x[i] = squares > 0 ? x[i] / sqrt(squares) : 0;
}

static bool read_vectors(Search *s, Failure *f)
{
	const sslc_tensor *t = &s->call.code->output[0];
	s->ids = t->dim[0];
	s->width = t->dim[1];
	size_t size = (size_t)(s->ids * s->width);
	if (s->ids < s->tokenizer->count)
		return fail(f, FAILURE_WRONG,
		            "\"vectors\" of the model has %lld rows, but there are %d tokens",
		            (long long)s->ids, s->tokenizer->count);
	s->unit = calloc(size, sizeof *s->unit);
	s->want = calloc((size_t)s->width, sizeof *s->want);
	s->word = calloc((size_t)s->width, sizeof *s->word);
	s->given = calloc((size_t)s->ids, sizeof *s->given);
	s->near = calloc((size_t)s->ids, sizeof *s->near);
	if (!s->unit || !s->want || !s->word || !s->given || !s->near)
		return fail(f, FAILURE_SYSTEM, "no memory for the vectors of %lld tokens",
		            (long long)s->ids);
	call_run(&s->call);
	const float *from = s->call.output[0];
	for (size_t i = 0; i < size; i++) {
		if (!isfinite(from[i]))
			return fail(f, FAILURE_WRONG,
			            "the vector of token %lld holds a number that is not finite",
			            (long long)i / s->width);
		s->unit[i] = (double)from[i];
	}
	return true;
}

/* -- Words ------------------------------------------------------------------------------------- */

/* The tokens of a word, as it stands in a text; false: it has none. */
static bool tokens_of(const Search *s, const char *word, Tokens *to, Failure *f)
{
	char why[WHY];
	size_t size = strlen(word);
	if (!size || utf8_check(word, size) < size)
		return fail(f, FAILURE_WRONG, size ? "a word is not UTF-8" : "a word is empty");
	char *spaced = malloc(size + 1);
	if (!spaced)
		return fail(f, FAILURE_SYSTEM, "no memory for a word");
	spaced[0] = ' ';
	memcpy(spaced + 1, word, size);
	Tokens alone = {0};
	bool has_spaced = tokenizer_encode(s->tokenizer, spaced, size + 1, to, why);
	bool has_alone = tokenizer_encode(s->tokenizer, word, size, &alone, why);
	bool prefers = alone.count == 1 || !s->tokenizer->merges; /* a space would be a token itself */
	free(spaced);
	if (has_alone && (!has_spaced || (to->count > 1 && prefers))) {
		free(to->at);
		*to = alone;
	} else {
		free(alone.at);
	}
	return has_spaced || has_alone || fail(f, FAILURE_WRONG, "'%s': %s", word, why);
}

static bool add_word(Search *s, const char *word, double sign, Failure *f)
{
	Tokens t = {0};
	bool good = tokens_of(s, word, &t, f);
	memset(s->word, 0, (size_t)s->width * sizeof *s->word);
	const float *vectors = s->call.output[0];
	for (size_t k = 0; good && k < t.count; k++) {
		s->given[t.at[k]] = true;
		for (int64_t i = 0; i < s->width; i++)
			s->word[i] += (double)vectors[t.at[k] * s->width + i];
	}
	make_unit(s->word, s->width);
	for (int64_t i = 0; i < s->width; i++)
		s->want[i] += sign * s->word[i];
	free(t.at);
	return good;
}

/* On one line. */
static void print_token(const Search *s, int32_t id, FILE *out)
{
	Visible v = {.count = 0};
	size_t size;
	const char *bytes = tokenizer_decode(s->tokenizer, id, &size);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] == '\n' || bytes[i] == '\t')
			fprintf(out, "\\x%02x", (unsigned)bytes[i]);
		else
			visible_put(&v, bytes + i, 1, out);
	visible_end(&v, out);
}

static void print_near(Search *s, int64_t many, FILE *out)
{
	int64_t count = 0;
	make_unit(s->want, s->width);
	for (int32_t id = 0; id < s->tokenizer->count; id++) {
		double cosine = 0;
		for (int64_t i = 0; i < s->width; i++)
			cosine += s->want[i] * s->unit[id * s->width + i];
		if (!s->given[id])
			s->near[count++] = (Near){cosine, id};
	}
	qsort(s->near, (size_t)count, sizeof *s->near, by_cosine);
	for (int64_t i = 0; i < count && i < many; i++) {
		fprintf(out, "%9.4f  '", s->near[i].cosine);
		print_token(s, s->near[i].id, out);
		fputs("'\n", out);
	}
}

/* -- Sums of words ----------------------------------------------------------------------------- */

static double sign_of(const char *word)
{
	return strcmp(word, "+") == 0 ? 1 : strcmp(word, "-") == 0 ? -1 : 0;
}

/* One sum: a word, then signs and words; where the next one begins, or 0 after an error. */
static size_t search(Search *s, const char *const *word, size_t at, size_t count, int64_t many,
                     FILE *out, Failure *f)
{
	memset(s->want, 0, (size_t)s->width * sizeof *s->want);
	memset(s->given, 0, (size_t)s->ids * sizeof *s->given);
	size_t from = at;
	double sign = 1;
	do {
		if (at == count || sign_of(word[at]) != 0) {
			fail(f, FAILURE_WRONG, "a word is missing %s '%s'", at > from ? "behind" : "before",
			     word[at > from ? at - 1 : at]);
			return 0;
		}
		if (!add_word(s, word[at++], sign, f))
			return 0;
		sign = at < count ? sign_of(word[at]) : 0;
	} while (sign != 0 && ++at);
	for (size_t i = from; i < at; i++)
		fprintf(out, "%s%s", i > from ? " " : "", word[i]);
	fputc('\n', out);
	print_near(s, many, out);
	return at;
}

bool nearest_words(Engine *e, const Tokenizer *tokenizer, const char *const *word, size_t count,
                   int64_t many, FILE *out, Failure *f)
{
	Search s = {.tokenizer = tokenizer};
	bool good = call_open(&s.call, e, "vectors", f) && read_vectors(&s, f);
	for (int64_t i = 0; good && i < s.ids; i++)
		make_unit(s.unit + i * s.width, s.width);
	for (size_t at = 0; good && at < count;)
		good = (at = search(&s, word, at, count, many, out, f)) > 0;
	call_close(&s.call);
	free(s.unit);
	free(s.want);
	free(s.word);
	free(s.given);
	free(s.near);
	return good;
}
