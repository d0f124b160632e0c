/* test_encoded.c: what a frozen encoder says of a sample is found once: T.encode, then T.step.encoded, are T.step to the
 * last bit of the interpreter, whatever batch a sample came in; and what differs from epoch to epoch, or with the other
 * samples of the batch, is not kept. */
#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/program.h"
#include "bound.h"
#include "compiled.h"

enum { SAMPLES = 18, BATCH = 6, CLASSES = 3, MOST_FEEDS = 128 };

#define IMAGE                                                                                      \
	"\"encoder\": [\"with_channels\", \"conv(4, 3)\", \"batch_norm\", \"relu\", \"flatten\"]"
#define TOKENS                                                                                     \
	"\"encoder\": [\"token_embedding(7, 8)\", \"learned_positions\", \"transformer_block(2)\", "   \
	"\"layer_norm\"]"
#define LOSS(x) "cross_entropy(head(" x "), label)"

typedef struct Case {
	const char *encoder, *loss;
	bool of_tokens;
	int64_t samples; /* that the data is said to have */
	double epochs;
} Case;

static sslc_program *bound(const Case *of)
{
	char text[2048];
	(void)snprintf(text, sizeof text,
	               "{\"data\": \"npy('x.npy')\", %s, \"loss\": \"mean(encoder(x))\",\n"
	               "\"train\": {\"epochs\": 1, \"batch\": 2}, \"downstream\": {\"probe\": {\n"
	               "\"freeze\": [\"encoder\"], \"baselines\": [\"scratch\"], \"head\": "
	               "[\"flatten\", \"linear(3)\"],\n"
	               "\"loss\": \"%s\", \"train\": {\"epochs\": %g, \"batch\": %d}}}}",
	               of->encoder, of->loss, of->epochs ? of->epochs : 2, BATCH);
	sslc_data data = {
	    .field = {{"x", of->of_tokens ? "i32" : "u8", of->of_tokens ? 1 : 2, {5, 7}, 0},
	              {"label", "i32", 0, {0}, 0}},
	    .count = 2,
	    .train_count = of->samples ? of->samples : SAMPLES,
	    .test_count = 4,
	    .classes = CLASSES,
	    .vocab = 7,
	};
	return bound_text(text, &data, NULL);
}

/* -- The same step ----------------------------------------------------------------------------- */

typedef struct Feeds {
	Feed at[MOST_FEEDS];
	size_t count;
} Feeds;

static void feed(Feeds *f, const char *name, const double *at)
{
	CU_ASSERT_FATAL(f->count < MOST_FEEDS);
	f->at[f->count++] = (Feed){name, at};
}

/* Rows of all samples that a batch has. */
static double *gathered(Arena *a, const double *all, int64_t row, const int *sample)
{
	double *to = new_array(a, double, BATCH *row);
	for (int i = 0; i < BATCH; i++)
		memcpy(to + i * row, all + sample[i] * row, (size_t)row * sizeof *to);
	return to;
}

/* What each sample is: whole numbers, whose types hold them. */
static double *whole(Arena *a, int64_t count, unsigned below, uint64_t seed)
{
	double *to = new_array(a, double, count);
	for (int64_t i = 0; i < count; i++)
		to[i] = (double)(hash_u64(seed, (uint64_t)i) % below);
	return to;
}

static void feed_states(sslc_program *p, Feeds *f)
{
	static const double word[2] = {3, 4}, step[1] = {0};
	for (size_t i = 0; i < p->bundle->state_count; i++) {
		const State *s = &p->bundle->state[i];
		double *at = new_array(p->c.arena, double, shape_size(s->shape));
		const double *from =
		    test_numbers(&p->c, s->type, shape_size(s->shape), hash_text(3, s->name));
		for (int64_t k = 0; k < shape_size(s->shape); k++)
			at[k] = from[k] * from[k] + 0.125; /* variances and moments have no sign */
		feed(f, s->name, at);
	}
	feed(f, "seed", word);
	feed(f, "step", step);
}

static double **run(sslc_program *p, const Graph *g, const Feeds *f)
{
	return evaluate(p->c.arena, g, f->at, f->count);
}

/* T.encode of all samples, a batch after the other. */
static void encode(sslc_program *p, const double *x, int64_t row, const Feeds *states,
                   double **rows)
{
	const Graph *g = bundle_graph(p->bundle, "probe.encode");
	for (int b = 0; b < SAMPLES / BATCH; b++) {
		Feeds f = *states;
		feed(&f, "x", x + b * BATCH * row);
		double **value = run(p, g, &f);
		for (uint32_t i = 0; i < g->out_count; i++) {
			int64_t size = shape_size(node(g, g->out[i].value)->shape);
			if (!b)
				rows[i] = new_array(p->c.arena, double, size *(SAMPLES / BATCH));
			memcpy(rows[i] + b * size, value[g->out[i].value], (size_t)size * sizeof **rows);
		}
	}
}

static void compare(const Graph *g, double **got, const Graph *whole_step, double **want)
{
	CU_ASSERT_EQUAL_FATAL(g->out_count, whole_step->out_count);
	const double *loss = got[g->out[0].value], *same = want[whole_step->out[0].value];
	CU_ASSERT(*loss == *same && *loss != 0);
	for (uint32_t i = 0; i < whole_step->set_count; i++) {
		const Node *s = node(whole_step, whole_step->set[i].state);
		uint32_t k = 0;
		while (k < g->set_count && strcmp(node(g, g->set[k].state)->attr.name, s->attr.name) != 0)
			k++;
		CU_ASSERT_FATAL(k < g->set_count);
		CU_ASSERT(memcmp(got[g->set[k].value], want[whole_step->set[i].value],
		                 (size_t)shape_size(s->shape) * sizeof **got) == 0);
	}
}

static void same_step(const Case *of)
{
	sslc_program *p = bound(of);
	Arena *a = p->c.arena;
	const Graph *encoder = bundle_graph(p->bundle, "probe.encode");
	CU_ASSERT_PTR_NOT_NULL(encoder);
	CU_ASSERT_FALSE(sslc_has_function(p, "probe.scratch.encode")); /* nothing is frozen there */
	if (encoder) {
		const Graph *step = autodiff(&p->c, bundle_graph(p->bundle, "probe.step"));
		const Graph *encoded = autodiff(&p->c, bundle_graph(p->bundle, "probe.step.encoded"));
		static const int sample[BATCH] = {11, 2, 17, 0, 6, 12};
		int64_t row = of->of_tokens ? 5 : 35;
		double *x = whole(a, SAMPLES * row, of->of_tokens ? 7 : 256, 1),
		       *label = gathered(a, whole(a, SAMPLES, CLASSES, 2), 1, sample),
		       **rows = new_array(a, double *, encoder->out_count);
		Feeds states = {.count = 0};
		feed_states(p, &states);
		encode(p, x, row, &states, rows);
		Feeds own = states, other = states;
		feed(&own, "x", gathered(a, x, row, sample));
		feed(&own, "label", label);
		feed(&other, "label", label);
		for (uint32_t i = 0; i < encoder->out_count; i++) {
			int64_t size = shape_size(node(encoder, encoder->out[i].value)->shape) / BATCH;
			feed(&other, arena_printf(a, "encode.%s", encoder->out[i].name),
			     gathered(a, rows[i], size, sample));
		}
		compare(encoded, run(p, encoded, &other), step, run(p, step, &own));
		for (NodeId n = 1; n < encoded->count; n++)
			CU_ASSERT(node(encoded, n)->op != OP_input ||
			          strcmp(node(encoded, n)->attr.name, "x") != 0);
	}
	sslc_close(p);
}

static void what_is_of_a_sample(void)
{
	same_step(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(x)")});
	same_step(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(reverse(x, 1)) / 2")});
	same_step(&(Case){.encoder = IMAGE, .loss = LOSS("batch_norm(encoder(x))")});
	same_step(&(Case){.encoder = IMAGE, .loss = LOSS("dropout(encoder(x), 0.5)")});
	same_step(
	    &(Case){.encoder = IMAGE, .loss = LOSS("encoder(x) + 0.1 * normal([dim(x, 0), 140])")});
	same_step(
	    &(Case){.encoder = IMAGE, .loss = LOSS("concat([encoder(x), encoder(reverse(x, 2))], 1)")});
	same_step(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(x) - mean(encoder(x), 0, keep=1)")});
	same_step(&(Case){.encoder = IMAGE,
	                  .loss = "mse(head(encoder(x)), one_hot(label, 3)) + mean(encoder(x)^2)"});
	same_step(&(Case){.encoder = TOKENS, .loss = LOSS("encoder(x)"), .of_tokens = true});
	same_step(
	    &(Case){.encoder = TOKENS, .loss = LOSS("reduce_max(encoder(x), 1)"), .of_tokens = true});
}

/* -- What is not kept -------------------------------------------------------------------------- */

static void not_kept(const Case *of)
{
	sslc_program *p = bound(of);
	CU_ASSERT_FALSE(sslc_has_function(p, "probe.encode"));
	CU_ASSERT_FALSE(sslc_has_function(p, "probe.step.encoded"));
	CU_ASSERT_TRUE(sslc_has_function(p, "probe.step"));
	if (sslc_has_function(p, "probe.encode"))
		fprintf(stderr, "keeps %s\n", of->loss);
	sslc_close(p);
}

static void what_is_not(void)
{
	not_kept(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(random_flip(x))")});
	not_kept(
	    &(Case){.encoder = IMAGE, .loss = LOSS("encoder(x * (1 + 0.1 * cast(step, 'float')))")});
	not_kept(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(x - mean(x, 0, keep=1))")});
	not_kept(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(reverse(x, 0))")});
	not_kept(
	    &(Case){.encoder = IMAGE, .loss = LOSS("encoder(x * cast(iota(shape(x), 0), 'float'))")});
	not_kept(&(Case){.encoder = IMAGE,
	                 .loss = LOSS("encoder(pad(slice(x, 0, 1, dim(x, 0)), 0, 0, 1))")});
	not_kept(&(Case){.encoder = IMAGE, .loss = LOSS("x")});
	not_kept(&(Case){.encoder = IMAGE,
	                 .loss = LOSS("encoder(x)") " + mean(grad(mean(head(encoder(x))), x)^2)"});
	not_kept(&(Case){.encoder = IMAGE, .loss = LOSS("encoder(x)"), .epochs = 1});
	not_kept(&(Case){
	    .encoder = IMAGE, .loss = LOSS("encoder(x)"), .samples = (256 << 20) / (4 * 140) + 1});
}

CU_TestInfo test_encoded[] = {
    {"what a frozen encoder says of a sample is found once", what_is_of_a_sample},
    {"what differs by epoch or batch is found anew", what_is_not},
    CU_TEST_INFO_NULL,
};
