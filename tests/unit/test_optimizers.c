/* test_optimizers.c: optimizers that ask something of all parameters, or of the loss at other weights, through the
 * interpreter in double, step by step against the packages that published them (tests/oracle/optimizers/make.py): the
 * loss, the weights and batch norm's running statistics. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/program.h"
#include "../../runtime/runtime.h"
#include "bound.h"
#include "scratch.h"

enum { STEPS = 6, BATCH = 8, MOST_FEEDS = 128 };

static const struct {
	const char *name, *optimizer, *loss; /* loss NULL: the mean squared error */
} CASES[] = {
#define CASE(name, optimizer, loss) {name, optimizer, loss},
#include "../oracle/optimizers/cases.def"
#undef CASE
};

static SafeFile truth;

static const double *stored(const char *name, const char *part, size_t *bytes)
{
	char path[256];
	snprintf(path, sizeof path, "%s%s%s", name, *part ? "/" : "", part);
	const SafeTensor *t = safe_tensor(&truth, path);
	if (!t)
		fprintf(stderr, "there is no %s\n", path);
	CU_ASSERT_FATAL(t && strcmp(t->type, "f64") == 0);
	*bytes = t->bytes;
	return (const double *)t->at;
}

static sslc_program *bound(const char *optimizer, const char *loss)
{
	char text[2048];
	(void)snprintf(
	    text, sizeof text,
	    "{\"data\": \"npy('x.npy')\", \"encoder\": [\"linear(4)\", \"tanh\", "
	    "\"batch_norm\", \"linear(3)\"],\n\"loss\": %s, "
	    "\"define\": {\"polyak(w, g)\": \"w - loss_at(w) / total(sum(g^2)) * g\", "
	    "\"curved(w, g)\": \"w - 0.1 * g - 0.05 * grad(total(sum(g * stop_gradient(cos(5 * w)))), "
	    "w)\", \"ahead(w, g)\": \"w - 0.1 * grad(loss_at(w - 0.2 * g), w)\", "
	    "\"curved_ahead(w, g)\": \"w - 0.1 * g - 0.05 * grad(total(sum(gradient_at(w - 0.2 * g) * "
	    "stop_gradient(cos(5 * w)))), w)\"},\n"
	    "\"optimizer\": \"%s\", \"train\": {\"epochs\": 1, \"batch\": %d}}",
	    loss ? loss : "\"mse(encoder(x), target)\"", optimizer, BATCH);
	sslc_data data = {.field = {{"x", "f32", 1, {5}, 0}, {"target", "f32", 1, {3}, 0}},
	                  .count = 2,
	                  .train_count = STEPS * BATCH};
	return bound_text(text, &data, &(sslc_options){.f64 = true});
}

/* -- One step after the other ------------------------------------------------------------------ */

typedef struct Feeds {
	Feed at[MOST_FEEDS];
	size_t count;
} Feeds;

static Feed *feed(Feeds *f, const char *name, const double *at)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->at[i].name, name) == 0) {
			f->at[i].at = at;
			return &f->at[i];
		}
	CU_ASSERT_FATAL(f->count < MOST_FEEDS);
	f->at[f->count] = (Feed){name, at};
	return &f->at[f->count++];
}

/* What init says, but for the weights, which are the truth's. */
static void first_values(sslc_program *p, Feeds *f)
{
	static const double seed[2] = {3, 4};
	const Graph *init = bundle_graph(p->bundle, "init");
	feed(f, "seed", seed);
	for (size_t i = 0; i < p->bundle->state_count; i++) /* init has them, as what it sets */
		feed(f, p->bundle->state[i].name,
		     new_array(p->c.arena, double, (size_t)shape_size(p->bundle->state[i].shape)));
	double **value = evaluate(p->c.arena, init, f->at, f->count);
	for (uint32_t i = 0; i < init->set_count; i++)
		feed(f, node(init, init->set[i].state)->attr.name, value[init->set[i].value]);
	for (size_t i = 0; i < p->bundle->state_count; i++) {
		const State *s = &p->bundle->state[i];
		size_t bytes;
		if (!s->is_param)
			continue;
		const double *start = stored("start", s->name, &bytes);
		CU_ASSERT_EQUAL_FATAL(bytes, (size_t)shape_size(s->shape) * sizeof *start);
		feed(f, s->name, start);
	}
}

static bool near(const char *name, const char *what, int step, const double *got,
                 const double *want, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs(got[i] - want[i]) <= 1e-9 * (1 + fabs(want[i])))) {
			fprintf(stderr, "%s, step %d: %s[%zu] is %.12g, but should be %.12g\n", name, step,
			        what, i, got[i], want[i]);
			return false;
		}
	return true;
}

/* Of what the truth has of a case all after this step, of `compared` tensors. */
static bool step_agrees(const char *name, const Graph *g, double **value, int step, int *compared)
{
	size_t bytes;
	bool good =
	    near(name, "loss", step, value[g->out[0].value], stored(name, "loss", &bytes) + step, 1);
	for (uint32_t i = 0; i < g->set_count; i++) {
		const char *state = node(g, g->set[i].state)->attr.name;
		if (strncmp(state, "encoder.", 8) != 0)
			continue;
		const double *want = stored(name, state, &bytes);
		size_t count = bytes / sizeof *want / STEPS;
		CU_ASSERT_EQUAL_FATAL((int64_t)count, shape_size(node(g, g->set[i].state)->shape));
		good &= near(name, state, step, value[g->set[i].value], want + (size_t)step * count, count);
		++*compared;
	}
	return good;
}

static bool case_agrees(const char *name, const char *optimizer, const char *loss)
{
	sslc_program *p = bound(optimizer, loss);
	const Graph *g = autodiff(&p->c, bundle_graph(p->bundle, "step"));
	Feeds f = {.count = 0};
	size_t bytes;
	bool good = true;
	int compared = 0;
	first_values(p, &f);
	for (int s = 0; s < STEPS; s++) {
		double *step = new_array(p->c.arena, double, 1);
		*step = s;
		feed(&f, "step", step);
		feed(&f, "x", stored("x", "", &bytes) + (size_t)s * BATCH * 5);
		feed(&f, "target", stored("target", "", &bytes) + (size_t)s * BATCH * 3);
		double **value = evaluate(p->c.arena, g, f.at, f.count);
		good &= step_agrees(name, g, value, s, &compared);
		for (uint32_t i = 0; i < g->set_count; i++)
			feed(&f, node(g, g->set[i].state)->attr.name, value[g->set[i].value]);
	}
	CU_ASSERT_EQUAL(compared, STEPS * 8); /* six weights, two statistics */
	sslc_close(p);
	return good;
}

static void every_case(void)
{
	char why[WHY];
	CU_ASSERT_TRUE_FATAL(safe_read(oracle_path("optimizers/truth.safetensors"), &truth, why));
	for (size_t i = 0; i < COUNT(CASES); i++)
		CU_ASSERT(case_agrees(CASES[i].name, CASES[i].optimizer, CASES[i].loss));
	safe_close(&truth);
}

CU_TestInfo test_optimizers[] = {
    {"steps agree with the packages that published them", every_case},
    CU_TEST_INFO_NULL,
};
