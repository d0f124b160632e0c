/* test_prelude.c: models/lib, through the interpreter, against PyTorch, torchvision, librosa and
 * published formulas: make.py in tests/oracle/prelude, vision and speech made what truth.safetensors
 * there holds. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/elaborate/elaborate.h"
#include "../../compiler/sslc.h"
#include "../../runtime/runtime.h"
#include "compiled.h"
#include "scratch.h"

typedef struct Case {
	const char *name;       /* in truth.safetensors */
	const char *expression; /* of its inputs */
	double error;           /* |got - want| / (1 + |want|); 0: 1e-9 */
} Case;

/* normalize, std and what is made of them have an epsilon of 1e-12 under the root. */
static const Case CASES[] = {
    {"relu", "relu(x)", 0},
    {"leaky_relu", "leaky_relu(x, 0.2)", 0},
    {"elu", "elu(x)", 0},
    {"sigmoid", "sigmoid(x)", 0},
    {"silu", "silu(x)", 0},
    {"gelu", "gelu(x)", 0},
    {"softplus", "softplus(x)", 0},
    {"log_sigmoid", "log_sigmoid(x)", 0},
    {"softmax", "softmax(x)", 0},
    {"softmax_0", "softmax(x, 0)", 0},
    {"log_softmax", "log_softmax(x)", 0},
    {"log_sum_exp", "log_sum_exp(x)", 0},
    {"mean", "mean(x)", 0},
    {"mean_axis", "mean(x, 1, keep=1)", 0},
    {"variance", "variance(x, 0)", 0},
    {"std", "std(x, 1)", 0},
    {"norm", "norm(x)", 0},
    {"normalize", "normalize(x)", 0},
    {"argmax", "argmax(x)", 0},
    {"one_hot", "one_hot(x, 6)", 0},
    {"accuracy", "accuracy(x, label)", 0},
    {"cosine_similarity", "cosine_similarity(x, y)", 0},
    {"mse", "mse(x, y)", 0},
    {"l1", "l1(x, y)", 0},
    {"huber", "huber(x, y, delta=0.7)", 0},
    {"bce", "bce(x, y)", 0},
    {"cross_entropy", "cross_entropy(x, label)", 0},
    {"nt_xent", "nt_xent(x, y, 0.3)", 0},
    {"info_nce", "info_nce(x, y)", 0},
    {"byol_loss", "byol_loss(x, y)", 0},
    {"barlow_twins", "barlow_twins(x, y, 0.01)", 0},
    {"vicreg", "vicreg(x, y)", 0},
    {"linear", "linear(x, 6)", 0},
    {"embedding", "embedding(x, 9, 4)", 0},
    {"layer_norm", "layer_norm(x)", 0},
    {"rms_norm", "rms_norm(x)", 0},
    {"batch_norm", "batch_norm(x, 0.2)", 0},
    {"attention", "attention(x, 2)", 0},
    {"attention_causal", "attention(x, heads=3, causal=1)", 0},
    {"mean_pool", "mean_pool(x)", 0},
    {"conv", "conv(x, 5, 3)", 0},
    {"conv_stride", "conv(x, 6, 3, stride=2)", 0},
    {"conv_groups", "conv(x, 9, 3, groups=3)", 0},
    {"conv_depthwise", "conv(x, 4, 3, groups=4)", 0},
    {"conv_line", "conv(x, 8, 10, stride=5, padding=0)", 0},
    {"conv_line_groups", "conv(x, 6, 4, stride=2, groups=2, padding=3)", 0},
    {"winograd", "winograd(x, w, 1)", 0},
    {"winograd_x", "grad(sum(winograd(x, w, 1)^2), x)", 0},
    {"winograd_w", "grad(sum(winograd(x, w, 1)^2), w)", 0},
    {"winograd_cut", "winograd(x, w, 1)", 0},
    {"winograd_cut_x", "grad(sum(winograd(x, w, 1)^2), x)", 0},
    {"winograd_cut_w", "grad(sum(winograd(x, w, 1)^2), w)", 0},
    {"winograd_unpadded", "winograd(x, w, 0)", 0},
    {"winograd_unpadded_x", "grad(sum(winograd(x, w, 0)^2), x)", 0},
    {"winograd_unpadded_w", "grad(sum(winograd(x, w, 0)^2), w)", 0},
    {"winograd_wide", "winograd(x, w, 2)", 0},
    {"winograd_wide_x", "grad(sum(winograd(x, w, 2)^2), x)", 0},
    {"winograd_wide_w", "grad(sum(winograd(x, w, 2)^2), w)", 0},
    {"winograd", "winograd(x, w, 1, 4)", 0},
    {"winograd_x", "grad(sum(winograd(x, w, 1, 4)^2), x)", 0},
    {"winograd_w", "grad(sum(winograd(x, w, 1, 4)^2), w)", 0},
    {"winograd_cut", "winograd(x, w, 1, 4)", 0},
    {"winograd_cut_x", "grad(sum(winograd(x, w, 1, 4)^2), x)", 0},
    {"winograd_cut_w", "grad(sum(winograd(x, w, 1, 4)^2), w)", 0},
    {"winograd_unpadded", "winograd(x, w, 0, 4)", 0},
    {"winograd_unpadded_x", "grad(sum(winograd(x, w, 0, 4)^2), x)", 0},
    {"winograd_unpadded_w", "grad(sum(winograd(x, w, 0, 4)^2), w)", 0},
    {"winograd_wide", "winograd(x, w, 2, 4)", 0},
    {"winograd_wide_x", "grad(sum(winograd(x, w, 2, 4)^2), x)", 0},
    {"winograd_wide_w", "grad(sum(winograd(x, w, 2, 4)^2), w)", 0},
    {"max_pool", "max_pool(x)", 0},
    {"max_pool_overlap", "max_pool(x, 3, 2)", 0},
    {"max_pool_line", "max_pool(x, 3)", 0},
    {"avg_pool", "avg_pool(x)", 0},
    {"sgd", "sgd(w, g, 0.1)", 0},
    {"sgd_momentum", "sgd(w, g, 0.1, momentum=0.9, weight_decay=0.01)", 0},
    {"sgd_nesterov", "sgd(w, g, 0.1, momentum=0.9, nesterov=1)", 0},
    {"adam", "adam(w, g, 0.1)", 0},
    {"adam_decay", "adam(w, g, 0.1, beta1=0.8, beta2=0.99, weight_decay=0.1)", 0},
    {"adamw", "adamw(w, g, 0.1, weight_decay=0.1)", 0},
    {"lion", "lion(w, g, 0.1, weight_decay=0.05)", 0},
};

static const Case VISION[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/vision/cases.def"
#undef CASE
};

static const Case RECURRENT[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/recurrent/cases.def"
#undef CASE
};

static const Case TEXT[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/text/cases.def"
#undef CASE
};

static const Case SPEECH[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/speech/cases.def"
#undef CASE
};

static const Case CONVOLUTION[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/convolution/cases.def"
#undef CASE
};

static const Case MASKS[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/masks/cases.def"
#undef CASE
};

static const Case EINSUM[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/einsum/cases.def"
#undef CASE
};

static const Case DETECTION[] = {
#define CASE(name, expression, error) {name, expression, error},
#include "../oracle/detection/cases.def"
#undef CASE
};

/* -- The truth --------------------------------------------------------------------------------- */

static const struct {
	const char *file;
	const Case *at;
	size_t count;
} ORACLES[] = {
    {"prelude/truth.safetensors", CASES, COUNT(CASES)},
    {"vision/truth.safetensors", VISION, COUNT(VISION)},
    {"convolution/truth.safetensors", CONVOLUTION, COUNT(CONVOLUTION)},
    {"masks/truth.safetensors", MASKS, COUNT(MASKS)},
    {"recurrent/truth.safetensors", RECURRENT, COUNT(RECURRENT)},
    {"text/truth.safetensors", TEXT, COUNT(TEXT)},
    {"speech/truth.safetensors", SPEECH, COUNT(SPEECH)},
    {"detection/truth.safetensors", DETECTION, COUNT(DETECTION)},
    {"einsum/truth.safetensors", EINSUM, COUNT(EINSUM)},
};

static SafeFile truth;

static void open_truth(size_t oracle)
{
	char why[WHY];
	bool good = safe_read(oracle_path(ORACLES[oracle].file), &truth, why);
	if (!good)
		fprintf(stderr, "%s\n", why);
	CU_ASSERT_FATAL(good);
}

static double *as_doubles(Arena *a, const SafeTensor *t)
{
	size_t count = t->bytes / type_bytes(t->type);
	double *to = new_array(a, double, count + 1);
	for (size_t i = 0; i < count; i++)
		to[i] =
		    strcmp(t->type, "i32") == 0 ? ((const int32_t *)t->at)[i] : ((const double *)t->at)[i];
	return to;
}

static const SafeTensor *find(Arena *a, const char *name, const char *part, const char *what)
{
	return safe_tensor(&truth, arena_printf(a, "%s/%s%s", name, part, what));
}

/* -- One case ---------------------------------------------------------------------------------- */

typedef struct Check {
	Compile c;
	const Case *of;
	const char *part; /* of the truth: "want", or "grad/x" */
	Graph *g;
	Feed feed[64];
	size_t feeds;
	DataField input[16];
	size_t inputs;
} Check;

/* Inputs are the tensors without a dot in their name; the others are states. The gradient of an
 * optimizer has its steps along axis 0. */
static void read_inputs(Check *k)
{
	size_t prefix = strlen(k->of->name) + 4;
	const char *own = arena_printf(k->c.arena, "%s/in/", k->of->name);
	for (size_t i = 0; i < truth.count; i++) {
		const SafeTensor *t = &truth.tensor[i];
		if (strncmp(t->name, own, prefix) != 0)
			continue;
		const char *name = t->name + prefix;
		k->feed[k->feeds++] = (Feed){name, as_doubles(k->c.arena, t)};
		if (strchr(name, '.'))
			continue;
		int steps = strcmp(name, "g") == 0;
		DType type = strcmp(t->type, "i32") == 0 ? DTYPE_i32 : DTYPE_f64;
		k->input[k->inputs++] = (DataField){name, type, shape_of(t->rank - steps, t->dim + steps)};
	}
}

/* States that the truth does not give begin with zeros: an optimizer's. */
static void feed_states(Check *k, double step)
{
	double *numbers = new_array(k->c.arena, double, 4);
	numbers[0] = step;
	k->feed[k->feeds++] = (Feed){"step", numbers};
	k->feed[k->feeds++] = (Feed){"seed", numbers + 2};
	for (NodeId x = 1; x < k->g->count; x++) {
		const Node *n = node(k->g, x);
		bool given = n->op != OP_state;
		for (size_t i = 0; i < k->feeds; i++)
			given |= n->op == OP_state && strcmp(k->feed[i].name, n->attr.name) == 0;
		if (!given)
			k->feed[k->feeds++] =
			    (Feed){n->attr.name, new_array(k->c.arena, double, (size_t)shape_size(n->shape))};
	}
}

static bool near(const Case *of, const char *what, const double *got, const double *want,
                 int64_t count)
{
	double error = of->error > 0 ? of->error : 1e-9;
	for (int64_t i = 0; i < count; i++)
		if (!(fabs(got[i] - want[i]) <= error * (1 + fabs(want[i])))) {
			fprintf(stderr, "%s, %s: element %lld is %.12g, but should be %.12g\n", of->name, what,
			        (long long)i, got[i], want[i]);
			return false;
		}
	return true;
}

static Feed *feed_of(Check *k, const char *name)
{
	for (size_t i = 0; i < k->feeds; i++)
		if (strcmp(k->feed[i].name, name) == 0)
			return &k->feed[i];
	return NULL;
}

static bool sets_agree(Check *k, double **value)
{
	bool good = true;
	for (uint32_t i = 0; i < k->g->set_count; i++) {
		const char *name = node(k->g, k->g->set[i].state)->attr.name;
		const SafeTensor *want = find(k->c.arena, k->of->name, "set/", name);
		if (want)
			good &= near(k->of, name, value[k->g->set[i].value], as_doubles(k->c.arena, want),
			             shape_size(node(k->g, k->g->set[i].value)->shape));
	}
	return good;
}

/* Evaluates once, or, for an optimizer, step after step: w becomes y, states their next values. */
static bool run_steps(Check *k)
{
	const SafeTensor *want = find(k->c.arena, k->of->name, k->part, "");
	NodeId y = k->g->out[0].value;
	int64_t size = shape_size(node(k->g, y)->shape);
	int64_t steps = (int64_t)(want->bytes / type_bytes(want->type)) / size;
	const double *all = as_doubles(k->c.arena, want);
	bool good = steps >= 1;
	for (int64_t s = 0; s < steps; s++) {
		((double *)feed_of(k, "step")->at)[0] = (double)s;
		double **value = evaluate(k->c.arena, k->g, k->feed, k->feeds);
		good &= near(k->of, "value", value[y], all + s * size, size) &&
		        (steps > 1 || sets_agree(k, value));
		if (steps == 1)
			break;
		feed_of(k, "w")->at = value[y];
		feed_of(k, "g")->at += size;
		for (uint32_t i = 0; i < k->g->set_count; i++)
			feed_of(k, node(k->g, k->g->set[i].state)->attr.name)->at = value[k->g->set[i].value];
	}
	return good;
}

static bool case_agrees(const Case *of, const char *part)
{
	Check k = {.c = {.arena = arena_open(0), .float_type = DTYPE_f64}, .of = of, .part = part};
	k.c.diags = diags_open(k.c.arena);
	Prelude *prelude = prelude_parse(&k.c);
	read_inputs(&k);
	Bundle *states;
	k.g = build_expression(&k.c, prelude, NULL, expression_of(&k.c, of->expression), k.input,
	                       k.inputs, &states);
	k.g = autodiff(&k.c, k.g);
	diag_print(k.c.diags, stderr, false);
	bool good = k.g && find(k.c.arena, of->name, part, "");
	if (good) {
		feed_states(&k, 0);
		good = run_steps(&k);
	}
	if (!good)
		fprintf(stderr, "%s: %s\n", of->name, of->expression);
	arena_close(k.c.arena);
	return good;
}

/* The gradients that the truth has of a case. */
static bool gradients_agree(const Case *of)
{
	bool good = true;
	Arena *a = arena_open(0);
	const char *own = arena_printf(a, "%s/grad/", of->name);
	for (size_t i = 0; i < truth.count; i++) {
		const char *name = truth.tensor[i].name;
		if (strncmp(name, own, strlen(own)) != 0)
			continue;
		Case gradient = *of;
		gradient.expression = arena_printf(a, "grad(%s, %s)", of->expression, name + strlen(own));
		good &= case_agrees(&gradient, name + strlen(of->name) + 1);
	}
	arena_close(a);
	return good;
}

static void every_case(void)
{
	for (size_t o = 0; o < COUNT(ORACLES); o++) {
		open_truth(o);
		for (size_t i = 0; i < ORACLES[o].count; i++)
			CU_ASSERT(case_agrees(&ORACLES[o].at[i], "want") && gradients_agree(&ORACLES[o].at[i]));
		safe_close(&truth);
	}
}

/* Nothing that the scripts wrote is left out. */
static void every_truth_has_a_case(void)
{
	for (size_t o = 0; o < COUNT(ORACLES); o++) {
		open_truth(o);
		for (size_t i = 0; i < truth.count; i++) {
			const char *name = truth.tensor[i].name, *end = strstr(name, "/want");
			bool found = !end;
			for (size_t k = 0; end && k < ORACLES[o].count; k++)
				found |= strlen(ORACLES[o].at[k].name) == (size_t)(end - name) &&
				         memcmp(ORACLES[o].at[k].name, name, (size_t)(end - name)) == 0;
			if (!found)
				fprintf(stderr, "no case for %s\n", name);
			CU_ASSERT(found);
		}
		safe_close(&truth);
	}
}

/* Schedules, by their formulas: 100 steps in all. */
static void schedules(void)
{
	static const struct {
		const char *expression;
		double at[5]; /* steps 0, 4, 10, 50, 99 */
	} ROWS[] = {
	    {"warmup(2, 0.1) + 0 * x", {0.2, 1.0, 2, 2, 2}},
	    {"stepped(2, 0.1, 0.5) + 0 * x", {2, 2, 1, 1, 1}},
	    {"rising(0.9) + 0 * x", {0.9, 0.90039426493, 0.90244717418, 0.95, 0.99997532801}},
	    {"linear_decay(2) + 0 * x", {2, 1.92, 1.8, 1, 0.02}},
	    {"cosine(2, 0) + 0 * x",
	     {2, 1.9921147013144779, 1.9510565162951536, 1, 0.0004934396342684000}},
	    /* a warmup that ends between two steps */
	    {"cosine(2, 0.1001) + 0 * x",
	     {2 * 1 / 10.01, 2 * 5 / 10.01, 2, 1.1738391749308563, 0.0006093083614919781}},
	    {"cosine(2, 0.1, 0.5) + 0 * x",
	     {0.2, 1.0, 2, 1.586824088833465, 0.5 * 2 + 2 * 0.5 * 0.5 * (1 - 0.99939082701909576)}},
	};
	static const double STEPS[] = {0, 4, 10, 50, 99};
	for (size_t r = 0; r < COUNT(ROWS); r++) {
		Compile c = {.arena = arena_open(0), .float_type = DTYPE_f64};
		c.diags = diags_open(c.arena);
		DataField x = {"x", DTYPE_f64, SCALAR};
		Graph *g = build_expression(&c, prelude_parse(&c), NULL,
		                            expression_of(&c, ROWS[r].expression), &x, 1, NULL);
		diag_print(c.diags, stderr, false);
		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		for (size_t i = 0; i < COUNT(STEPS); i++) {
			Feed feed[] = {{"x", (double[]){0}}, {"step", &STEPS[i]}};
			double got = evaluate(c.arena, g, feed, 2)[g->out[0].value][0];
			if (fabs(got - ROWS[r].at[i]) > 1e-6)
				fprintf(stderr, "%s at %g: %.9g, but should be %.9g\n", ROWS[r].expression,
				        STEPS[i], got, ROWS[r].at[i]);
			CU_ASSERT(fabs(got - ROWS[r].at[i]) <= 1e-6);
		}
		arena_close(c.arena);
	}
}

/* Many channels, 3 x 3, few places wasted, products in f32 or better. */
static void when_winograd_pays(void)
{
	static const struct {
		const char *x, *w, *rest;
		bool bf16, pays;
	} ROWS[] = {
	    {"[2, 8, 8, 128]", "[3, 3, 128, 256]", "1, 1", false, true},
	    {"[2, 8, 8, 128]", "[3, 3, 128, 256]", "1, 1", true, false},
	    {"[2, 8, 8, 128]", "[3, 3, 128, 256]", "2, 1", false, false},
	    {"[2, 8, 8, 128]", "[5, 5, 128, 256]", "1, 2", false, false},
	    {"[2, 8, 8, 128]", "[3, 3, 128, 16]", "1, 1", false, false},
	    {"[2, 7, 7, 128]", "[3, 3, 128, 128]", "1, 1", false, true},
	    {"[2, 3, 3, 128]", "[3, 3, 128, 128]", "1, 1", false, false},
	    {"[2, 2, 2, 128]", "[3, 3, 128, 128]", "1, 0", false, false},
	};
	for (size_t r = 0; r < COUNT(ROWS); r++) {
		Compile c = {.arena = arena_open(0), .float_type = DTYPE_f32};
		c.dot_type = ROWS[r].bf16 ? DTYPE_bf16 : 0;
		c.diags = diags_open(c.arena);
		const char *text =
		    arena_printf(c.arena, "full([1], winograd_pays(full(%s, 0), full(%s, 0), %s))",
		                 ROWS[r].x, ROWS[r].w, ROWS[r].rest);
		Graph *g =
		    build_expression(&c, prelude_parse(&c), NULL, expression_of(&c, text), NULL, 0, NULL);
		diag_print(c.diags, stderr, false);
		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		double got = evaluate(c.arena, g, NULL, 0)[g->out[0].value][0];
		if (got != ROWS[r].pays)
			fprintf(stderr, "%s is %g\n", text, got);
		CU_ASSERT(got == ROWS[r].pays);
		arena_close(c.arena);
	}
}

/* The fan of a kernel [3, 3, 16, 8] is 144 in, 72 out: as torch.nn.init counts it. */
static void first_values(void)
{
	static const struct {
		const char *expression;
		double low, high;
	} ROWS[] = {
	    {"mean(kaiming_normal([3, 3, 16, 8])^2)", 0.9 * 2 / 144, 1.1 * 2 / 144},
	    {"reduce_max(abs(xavier_uniform([3, 3, 16, 8])))", 0.99 / 6, 1.0 / 6},
	    {"reduce_max(abs(xavier_uniform([20, 34])))", 0.99 / 3, 1.0 / 3},
	};
	for (size_t r = 0; r < COUNT(ROWS); r++) {
		Compile c = {.arena = arena_open(0), .float_type = DTYPE_f64};
		c.diags = diags_open(c.arena);
		Graph *g = build_expression(&c, prelude_parse(&c), NULL,
		                            expression_of(&c, ROWS[r].expression), NULL, 0, NULL);
		diag_print(c.diags, stderr, false);
		CU_ASSERT_PTR_NOT_NULL_FATAL(g);
		Feed feed[] = {{"seed", (double[]){1, 2}}, {"step", (double[]){0}}};
		double got = evaluate(c.arena, g, feed, 2)[g->out[0].value][0];
		CU_ASSERT(got > ROWS[r].low && got < ROWS[r].high);
		arena_close(c.arena);
	}
}

/* The step of a model with such a "define", as text; to be freed. */
static char *step_with(const char *define)
{
	char model[1024], *text = NULL;
	size_t size;
	snprintf(model, sizeof model,
	         "{\"data\": \"normal(40, 4)\", \"encoder\": [\"linear(3)\"], "
	         "\"loss\": \"vicreg(encoder(x), encoder(2 * x))\", \"train\": {\"batch\": 20}, "
	         "\"define\": {%s}}",
	         define);
	sslc_program *p = sslc_open_text("model", model, strlen(model), NULL);
	Data *data = data_open(sslc_reader(p), ".", (char[WHY]){0});
	FILE *out = open_memstream(&text, &size);
	CU_ASSERT_TRUE(sslc_bind(p, data_shape(data)) &&
	               sslc_dump(p, "step", "elaborate", SSLC_TEXT, out));
	sslc_print_errors(p, stderr, false);
	fclose(out);
	data_close(data);
	sslc_close(p);
	return text;
}

/* Bodies are parsed when they are asked for: here all of them. */
static void every_body(void)
{
	Compile c = {.arena = arena_open(0)};
	c.diags = diags_open(c.arena);
	const Prelude *p = prelude_parse(&c);
	for (size_t i = 0; i < p->count; i++) {
		const Definition *d = library_find(&c, p, p->at[i].name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT(d->body && d->body->kind != BODY_BAD);
	}
	CU_ASSERT(p->count > 300);
	CU_ASSERT_EQUAL(diag_count(c.diags), 0);
	diag_print(c.diags, stderr, false);
	arena_close(c.arena);
}

/* What a model defines changes nothing in the library's own text, whose helpers have names, too. */
static void names_of_a_model(void)
{
	static const char *const DEFINES[] = {
	    "\"spread(x)\": \"sum(x)\"", "\"sum(x)\": \"x\"", "\"mean_along(x, axis)\": \"x\"",
	    "\"sqrt(x)\": \"x\", \"max(x, y)\": \"x\", \"variance\": [\"relu\"]"};
	char *plain = step_with("\"own(x)\": \"x\"");
	for (size_t i = 0; i < COUNT(DEFINES); i++) {
		char *other = step_with(DEFINES[i]);
		CU_ASSERT_STRING_EQUAL(plain, other);
		free(other);
	}
	char *own = step_with("\"vicreg(x, y)\": \"mean(x - y)\"");
	CU_ASSERT_STRING_NOT_EQUAL(plain, own);
	free(own);
	free(plain);
}

CU_TestInfo test_prelude[] = {
    {"every body", every_body},
    {"every case", every_case},
    {"every truth has a case", every_truth_has_a_case},
    {"schedules", schedules},
    {"when Winograd pays", when_winograd_pays},
    {"first values", first_values},
    {"names of a model", names_of_a_model},
    CU_TEST_INFO_NULL,
};
