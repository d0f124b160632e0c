/* generate.c: samples text from a causal model, a token at a time.
 *
 * "generate" of a model gives logits [1, places, vocab] of x: row i speaks of the token behind place i. The
 * last tokens that fit are its context, from place 0 on; what is behind them a causal model does not see.
 * Where the model has a "generate.next", it is asked for the last place alone, given what was found of those
 * before ("past.N" of both, see causal.h of the compiler); the whole context is computed again when its
 * first tokens leave it, since then each of the others has another place. The
 * number that chooses a token is the first word of Philox at counter {i, 0, 0, "gene"} under the seed, so
 * token i depends on the seed, the prompt and the weights alone. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../text/text.h"

typedef struct Choice {
	double weight;
	int32_t id;
} Choice;

/* The heavier is first, of equal ones the smaller id. */
static int by_weight(const void *a, const void *b)
{
	const Choice *x = a, *y = b;
	return x->weight != y->weight ? (x->weight < y->weight) - (x->weight > y->weight)
	                              : (x->id > y->id) - (x->id < y->id);
}

static double uniform_at(uint64_t seed, int64_t i)
{
	uint32_t counter[4] = {(uint32_t)i, (uint32_t)((uint64_t)i >> 32), 0, 0x67656e65u}, word[4];
	uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	philox4x32(counter, key, word);
	return (word[0] + 0.5) / 4294967296.0;
}

int32_t token_choose(const float *logit, int64_t count, double temperature, int64_t top_k,
                     uint64_t seed, int64_t step, void *room)
{
	Choice *choice = room;
	double largest = -INFINITY, sum = 0;
	for (int64_t i = 0; i < count; i++)
		largest = (double)logit[i] > largest ? (double)logit[i] : largest;
	for (int64_t i = 0; i < count; i++) {
		double behind = (double)logit[i] - largest;
		choice[i] = (Choice){temperature > 0 ? exp(behind / temperature) : (double)(behind == 0),
		                     (int32_t)i};
	}
	int64_t kept = temperature <= 0 ? 1 : top_k > 0 && top_k < count ? top_k : count;
	if (kept < count)
		qsort(choice, (size_t)count, sizeof *choice, by_weight);
	for (int64_t i = 0; i < kept; i++)
		sum += choice[i].weight;
	double left = sum * uniform_at(seed, step);
	int64_t at = 0;
	while (at + 1 < kept && (left -= choice[at].weight) >= 0)
		at++;
	return choice[at].id;
}

typedef struct Sampler {
	Call call; /* "generate"; what it has found of places lies where its outputs are */
	Call next; /* "generate.next", if has_next */
	bool has_next;
	const Tokenizer *tokenizer;
	const Sampling *how;
	Tokens tokens;
	int64_t places, inputs, ids; /* inputs: the places of x, of which a model may read fewer */
	int64_t from, known;         /* the first token of the context; places that are found already */
	int32_t *x, place;
	Visible held;
	void *room;
} Sampler;

static size_t output_at(const sslc_code *code, const char *name)
{
	size_t i = 0;
	while (i < code->output_count && strcmp(code->output[i].name, name) != 0)
		i++;
	return i;
}

static bool check_logits(Sampler *s, Failure *f)
{
	const sslc_code *code = s->call.code;
	const sslc_tensor *y = &code->output[output_at(code, "logits")];
	s->inputs = s->places = s->ids = 0;
	for (size_t i = 0; i < code->input_count; i++) {
		const sslc_tensor *t = &code->input[i];
		if (strcmp(t->name, "x") == 0 && t->rank == 2 && strcmp(t->dtype, "i32") == 0)
			s->inputs = t->dim[1];
		else if (!s->call.input[i])
			return fail(f, FAILURE_WRONG,
			            "\"generate\" of the model reads '%s', but there is only x", t->name);
	}
	if (s->inputs && y->rank == 3 && y->dim[1] <= s->inputs && strcmp(y->dtype, "f32") == 0) {
		s->places = y->dim[1];
		s->ids = y->dim[2];
	}
	if (s->places && s->ids >= s->tokenizer->count)
		return true;
	char text[TENSOR_TEXT];
	tensor_text(y->dtype, y->rank, y->dim, text);
	return fail(f, FAILURE_WRONG,
	            "\"generate\" of the model is %s, but must be logits of x: [1, places, vocab] with "
	            "vocab %d",
	            text, s->tokenizer->count);
}

/* -- The context ------------------------------------------------------------------------------- */

/* One place of what is remembered, to where the others are. */
static void keep_row(Sampler *s, size_t i)
{
	const sslc_tensor *row = &s->next.code->output[i];
	size_t to = output_at(s->call.code, row->name);
	const sslc_tensor *all = &s->call.code->output[to];
	int axis = 0;
	size_t outer = 1, places;
	while (axis < all->rank && all->dim[axis] == row->dim[axis])
		outer *= (size_t)all->dim[axis++];
	places = axis < all->rank ? (size_t)all->dim[axis] : 1;
	size_t bytes = row->bytes / outer;
	for (size_t k = 0; k < outer && (size_t)s->place < places; k++)
		memcpy((char *)s->call.output[to] + (k * places + (size_t)s->place) * bytes,
		       (const char *)s->next.output[i] + k * bytes, bytes);
}

static const float *place_alone(Sampler *s)
{
	size_t logits = output_at(s->next.code, "logits");
	s->x[0] = s->tokens.at[s->tokens.count - 1];
	s->place = (int32_t)s->known++;
	call_run(&s->next);
	for (size_t i = 0; i < s->next.code->output_count; i++)
		if (i != logits)
			keep_row(s, i);
	return s->next.output[logits];
}

static const float *all_places(Sampler *s)
{
	size_t seen = s->tokens.count - (size_t)s->from;
	memset(s->x, 0, (size_t)s->inputs * sizeof *s->x);
	memcpy(s->x, s->tokens.at + s->from, seen * sizeof *s->x);
	call_run(&s->call);
	s->known = (int64_t)seen;
	return (const float *)s->call.output[output_at(s->call.code, "logits")] +
	       ((int64_t)seen - 1) * s->ids;
}

/* Logits of the token behind the last one. */
static const float *look(Sampler *s)
{
	int64_t count = (int64_t)s->tokens.count;
	if (count - s->from > s->places) {
		int64_t least = count - s->places, slide = s->from + (s->how->slide ? s->how->slide : 1);
		s->from = slide > least ? slide : least;
		s->from = s->from < count ? s->from : count - 1;
		s->known = 0;
	}
	bool is_next = s->has_next && s->known && s->known == count - s->from - 1;
	return is_next ? place_alone(s) : all_places(s);
}

/* Places of rows whose numbers are not finite cannot be sampled from. */
static bool next_token(Sampler *s, int64_t step, Failure *f)
{
	const float *logit = look(s);
	for (int32_t i = 0; i < s->tokenizer->count; i++)
		if (!isfinite(logit[i]) && !(logit[i] < 0 && isinf(logit[i])))
			return fail(f, FAILURE_WRONG, "the model gives a logit that is not finite");
	const Sampling *how = s->how;
	int32_t id = token_choose(logit, s->tokenizer->count, how->temperature, how->top_k, how->seed,
	                          step, s->room);
	return tokens_add(&s->tokens, id) || fail(f, FAILURE_SYSTEM, "no memory for the text");
}

/* -- The text ---------------------------------------------------------------------------------- */

static bool put_tokens(Sampler *s, size_t from, FILE *out, Failure *f)
{
	for (size_t i = from; i < s->tokens.count; i++) {
		size_t size;
		const char *bytes = tokenizer_decode(s->tokenizer, s->tokens.at[i], &size);
		if (s->how->visible)
			visible_put(&s->held, bytes, size, out);
		else
			fwrite(bytes, 1, size, out);
	}
	return (fflush(out) == 0 && !ferror(out)) ||
	       fail(f, FAILURE_SYSTEM, "cannot write the text that is generated");
}

static bool begin(Sampler *s, Failure *f)
{
	char why[WHY];
	const char *prompt = s->how->prompt;
	size_t size = strlen(prompt);
	if (utf8_check(prompt, size) < size)
		return fail(f, FAILURE_WRONG, "the prompt is not UTF-8");
	if (!tokenizer_encode(s->tokenizer, prompt, size, &s->tokens, why))
		return fail(f, FAILURE_WRONG, "the prompt: %s", why);
	if (!s->tokens.count)
		return fail(f, FAILURE_WRONG, "the prompt is empty");
	s->x = calloc((size_t)s->inputs, sizeof *s->x);
	s->room = calloc((size_t)s->ids, sizeof(Choice));
	return (s->x && s->room && call_input(&s->call, "x", s->x)) ||
	       fail(f, FAILURE_SYSTEM, "no memory to generate text");
}

/* After begin: it reads what "generate" has found. */
static bool open_next(Sampler *s, Failure *f)
{
	s->has_next = !s->how->anew && engine_function(s->call.engine, "generate.next");
	if (!s->has_next)
		return true;
	if (!call_open(&s->next, s->call.engine, "generate.next", f))
		return false;
	(void)call_input(&s->next, "x", s->x);
	(void)call_input(&s->next, "place", &s->place);
	for (size_t i = 0; i < s->call.code->output_count; i++)
		(void)call_input(&s->next, s->call.code->output[i].name, s->call.output[i]);
	return true;
}

bool generate(Engine *e, const Tokenizer *tokenizer, const Sampling *how, FILE *out, Failure *f)
{
	Sampler s = {.tokenizer = tokenizer, .how = how};
	bool good = call_open(&s.call, e, "generate", f) && check_logits(&s, f) && begin(&s, f) &&
	            open_next(&s, f) && put_tokens(&s, 0, out, f);
	for (int64_t i = 0; good && i < how->tokens; i++)
		good = next_token(&s, i, f) && put_tokens(&s, s.tokens.count - 1, out, f);
	if (good)
		visible_end(&s.held, out);
	call_close(&s.next);
	call_close(&s.call);
	free(s.tokens.at);
	free(s.room);
	free(s.x);
	return good;
}
