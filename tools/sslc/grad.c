/* grad.c: sslc grad: compares every parameter's gradient with central differences of the loss, in
 * double.
 *
 * The function "gradients" gives the loss and d loss / d parameter for one batch, "perturbed" the
 * loss with one coordinate moved and all held that differentiation holds (autodiff/perturb.c): it
 * has no kinks. Differences of steps h and h / 2 give the slope (Richardson 1911: their errors of
 * order h^2 cancel), and how far they are apart, beside the rounding of the loss, says how well it
 * is known: their noise. The error is what is left of ours - slope beyond the noise, signed and
 * scaled by the larger of both and of 1e-3 times the parameter's largest sampled gradient: a wrong
 * sign gives 2, a missing factor 2 gives 0.5, and coordinates whose gradient is 0 do not divide by
 * 0. What is not finite cannot be compared: it is no wrong rule but so at this point of the model, and
 * the first operation that makes it is named. */
#include "command.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

static const double STEP = 1e-4, TOLERANCE = 1e-5;
enum { SAMPLES = 8, AGAIN = 6 };

typedef struct Check {
	Engine engine;
	Call gradients, perturbed;
	int64_t samples;
	int32_t parameter, element; /* what `perturbed` moves, and by how much */
	double amount;
	const Feed *feed;
	/* parameters whose gradients are wrong, are not finite, near which the loss is not finite */
	int wrong, endless, unknown;
	const char *first; /* of the endless */
} Check;

static double loss_at(Check *c, double amount)
{
	c->amount = amount;
	call_run(&c->perturbed);
	return call_scalar(&c->perturbed, "loss");
}

typedef struct Sample {
	double ours, difference;
	double noise; /* of the difference: nothing closer can be asked of ours */
} Sample;

static double slope(Check *c, double h)
{
	return (loss_at(c, h) - loss_at(c, -h)) / (2 * h);
}

/* Near the edge of where the loss is finite, with a shorter step. */
static Sample sample(Check *c, double at, double ours)
{
	double h = STEP * fmax(1, fabs(at)), coarse = slope(c, h);
	for (int i = 0; i < 2 && !isfinite(coarse); i++) {
		h *= 1e-3;
		coarse = slope(c, h);
	}
	double fine = slope(c, h / 2);
	double rounding = 16 * DBL_EPSILON * fabs(loss_at(c, 0)) / h;
	return (Sample){
	    .ours = ours,
	    .difference = fine + (fine - coarse) / 3,
	    .noise = fabs(fine - coarse) + rounding,
	};
}

/* What looks wrong may be the rounding of large terms that a small loss is the difference of, of which
 * its own size says nothing: a slope that is there is there with every step, rounding is not. */
static Sample sample_again(Check *c, double at, Sample s)
{
	double low = s.difference, high = s.difference;
	for (int i = 1; i <= AGAIN && isfinite(s.noise); i++) {
		double value = slope(c, STEP * fmax(1, fabs(at)) / (1 + 0.37 * i));
		low = fmin(low, value);
		high = fmax(high, value);
		s.noise = fmax(s.noise, 4 * (high - low));
	}
	return s;
}

typedef struct Row {
	int64_t checked; /* coordinates where all is finite; of these: */
	Sample worst;
	double error;
	int64_t unknown; /* sampled where the loss beside it is not finite */
	size_t endless;  /* of all elements of the gradient: not finite */
	size_t elements;
} Row;

/* Coordinates are spread by a fixed rule (golden ratio), so that the same command checks the same
 * ones. */
static size_t pick(int64_t i, int64_t count, size_t elements)
{
	if ((size_t)count >= elements)
		return (size_t)i;
	double unused;
	return (size_t)(modf(((double)i + 0.5) * 0.6180339887498949, &unused) * (double)elements);
}

static double error_of(const Sample *s, double scale)
{
	double apart = s->ours - s->difference;
	double beyond = fmax(0, fabs(apart) - s->noise);
	return beyond == 0 ? 0 : copysign(beyond / scale, apart);
}

static Row check_parameter(Check *c, const sslc_state *state, const double *gradient, double *ours)
{
	const double *value = engine_state(&c->engine, state);
	size_t elements = state->tensor.bytes / sizeof *value;
	int64_t count = (size_t)c->samples < elements ? c->samples : (int64_t)elements;
	Row row = {.elements = elements};
	for (size_t i = 0; i < elements; i++)
		row.endless += !isfinite(gradient[i]);
	double largest = 0;
	for (int64_t i = 0; i < count; i++) {
		ours[i] = gradient[pick(i, c->samples, elements)];
		largest = isfinite(ours[i]) ? fmax(largest, fabs(ours[i])) : largest;
	}
	for (int64_t i = 0; i < count; i++) {
		if (!isfinite(ours[i]))
			continue;
		size_t at = pick(i, c->samples, elements);
		c->element = (int32_t)at;
		Sample s = sample(c, value[at], ours[i]);
		if (!isfinite(s.difference) || !isfinite(s.noise)) {
			row.unknown++;
			continue;
		}
		double scale = fmax(fmax(fabs(s.ours), fabs(s.difference)), 1e-3 * largest);
		double error = error_of(&s, scale);
		if (fabs(error) > TOLERANCE) {
			s = sample_again(c, value[at], s);
			error = error_of(&s, scale);
		}
		if (!row.checked++ || fabs(error) > fabs(row.error)) {
			row.worst = s;
			row.error = error;
		}
	}
	return row;
}

/* The output "d PARAMETER" of gradients, and its number among those. */
static const double *gradient_of(const Check *c, const char *parameter, int32_t *number)
{
	*number = 0;
	for (size_t i = 0; i < c->gradients.code->output_count; i++) {
		const char *name = c->gradients.code->output[i].name;
		if (strncmp(name, "d ", 2) != 0)
			continue;
		if (strcmp(name + 2, parameter) == 0)
			return c->gradients.output[i];
		++*number;
	}
	return NULL;
}

static void print_row(const sslc_tensor *t, const Row *row)
{
	char shape[TENSOR_TEXT];
	tensor_text(t->dtype, t->rank, t->dim, shape);
	printf("%-34s %-18s %7" PRId64, t->name, shape, row->checked);
	if (row->checked)
		printf(" %+11.1e %+14.6e %+14.6e %9.1e", row->error, row->worst.ours, row->worst.difference,
		       row->worst.noise);
	if (row->checked && fabs(row->error) > TOLERANCE)
		printf("  WRONG");
	if (row->endless)
		printf("  not finite: %zu of %zu", row->endless, row->elements);
	if (row->unknown)
		printf("  unknown: %" PRId64, row->unknown);
	putchar('\n');
}

/* Why the loss (`parameter` NULL) or a gradient is not finite, and what to do, as far as it is known. */
static void print_cause(Check *c, const char *text, const char *parameter)
{
	char said[1024];
	sslc_cause cause = {.help = ""};
	snprintf(said, sizeof said, "%.500s", text);
	if (cause_of(&c->engine, c->feed, "gradients", parameter, &cause))
		cause_add(&cause, said, sizeof said);
	printf("\n%s\n", said);
	if (*cause.help)
		printf("  help: %s\n", cause.help);
}

static void check_one(Check *c, const sslc_state *state, double *ours)
{
	const double *gradient = gradient_of(c, state->tensor.name, &c->parameter);
	char shape[TENSOR_TEXT];
	const sslc_tensor *t = &state->tensor;
	if (!gradient) {
		tensor_text(t->dtype, t->rank, t->dim, shape);
		printf("%-34s %-18s %7s\n", t->name, shape, "none");
		return;
	}
	Row row = check_parameter(c, state, gradient, ours);
	print_row(t, &row);
	c->wrong += row.checked && fabs(row.error) > TOLERANCE;
	c->unknown += row.unknown > 0;
	c->endless += row.endless > 0;
	if (row.endless && !c->first)
		c->first = t->name;
}

static int conclude(Check *c)
{
	if (c->wrong)
		printf("\nthe gradients are wrong\n");
	if (c->unknown)
		printf("\nof %d parameter%s not all is known: beside this point the loss is not finite\n",
		       c->unknown, c->unknown > 1 ? "s" : "");
	if (c->endless) {
		char text[512];
		snprintf(text, sizeof text, "at this point the gradient by '%.128s' is not finite",
		         c->first);
		print_cause(c, text, c->first);
	}
	if (c->wrong)
		return EXIT_WRONG;
	if (c->unknown || c->endless)
		return EXIT_DIVERGED;
	printf("\nthe gradients agree with finite differences\n");
	return EXIT_GOOD;
}

/* An exit code. */
static int check_all(Check *c, const sslc_program *p)
{
	size_t count;
	const sslc_state *state = sslc_states(p, &count);
	double *ours = calloc((size_t)c->samples, sizeof *ours);
	if (!ours) {
		complain("no memory for %" PRId64 " samples", c->samples);
		return EXIT_SYSTEM;
	}
	call_run(&c->gradients);
	double loss = call_scalar(&c->gradients, "loss");
	if (!isfinite(loss)) {
		char text[512];
		snprintf(text, sizeof text, "%s at this point, so it has no gradient", loss_text(loss));
		print_cause(c, text, NULL);
		free(ours);
		return EXIT_DIVERGED;
	}
	printf("%-34s %-18s %7s %11s %14s %14s %9s\n", "parameter", "shape", "checked", "worst error",
	       "ours", "difference", "noise");
	for (size_t i = 0; i < count; i++)
		if (state[i].is_param && !state[i].task)
			check_one(c, &state[i], ours);
	free(ours);
	return conclude(c);
}

static bool prepare(Check *c, const Options *o, uint64_t seed, Failure *f)
{
	Call init;
	engine_seed(&c->engine, seed);
	bool good = call_open(&init, &c->engine, "init", f);
	if (good)
		call_run(&init);
	call_close(&init);
	return good && (!o->checkpoint || weights_load(&c->engine, o->checkpoint, true, NULL, f)) &&
	       call_open(&c->gradients, &c->engine, "gradients", f) &&
	       call_open(&c->perturbed, &c->engine, "perturbed", f);
}

/* The same batch for both, and what is moved; a loss that no parameter moves has no such input. */
static void share_inputs(Check *c)
{
	const sslc_code *code = c->gradients.code;
	for (size_t i = 0; i < code->input_count; i++)
		(void)call_input(&c->perturbed, code->input[i].name, c->gradients.input[i]);
	(void)call_input(&c->perturbed, "moved parameter", &c->parameter);
	(void)call_input(&c->perturbed, "moved element", &c->element);
	(void)call_input(&c->perturbed, "moved amount", &c->amount);
}

static int check_gradients(Session *s, const Options *o)
{
	Check c = {.samples = o->samples ? o->samples : SAMPLES};
	Failure f = {0};
	Feed feed = {0};
	c.feed = &feed;
	sslc_training t = sslc_pretraining(s->program);
	uint64_t seed = o->seed ? (uint64_t)(o->seed - 1) : t.seed;
	PrefetchOrder order = {
	    .split = SPLIT_TRAIN,
	    .batch = t.batch,
	    .shuffle = t.shuffle,
	    .seed = seed,
	    .last_step = 1,
	    .f64 = true,
	};
	bool good = engine_open(&c.engine, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), &f) &&
	            prepare(&c, o, seed, &f) && feed_open(&feed, &c.gradients, s->data, order, &f) &&
	            feed_next(&feed, &c.gradients, &f);
	if (good)
		share_inputs(&c);
	session_note(s);
	int code = good ? EXIT_GOOD : session_failure(s, &f);
	if (good)
		code = check_all(&c, s->program);
	feed_close(&feed);
	call_close(&c.gradients);
	call_close(&c.perturbed);
	engine_close(&c.engine);
	return code;
}

int command_grad(const Options *o)
{
	Session s;
	int code = session_open(&s, o, (sslc_options){.f64 = true, .cpu = o->cpu}, true);
	if (!code)
		code = session_find(&s, "gradients");
	if (!code)
		code = check_gradients(&s, o);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
