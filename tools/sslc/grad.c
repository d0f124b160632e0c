/* grad.c: sslc grad: compares every parameter's gradient with central differences of the loss, in
 * double.
 *
 * The function "gradients" gives the loss and d loss / d parameter for one batch. A coordinate is
 * moved by +h and -h in the states and the loss is computed again. The error is signed and scaled,
 * (ours - difference) / scale, where the scale is the larger of both and of the parameter's largest
 * sampled gradient times 1e-3: so a wrong sign gives 2, a missing factor 2 gives 0.5, and
 * coordinates whose gradient is 0 do not divide by 0. Where a kink (relu at 0) lies within h the
 * two one-sided slopes differ, and the coordinate is left out and counted. */
#include "command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

static const double STEP = 1e-5, TOLERANCE = 1e-5;
enum { SAMPLES = 8 };

typedef struct Check {
	Engine engine;
	Call call;
	int64_t samples;
	double loss; /* where nothing is moved */
} Check;

static double loss_at(Check *c, double *coordinate, double value)
{
	*coordinate = value;
	call_run(&c->call);
	return call_scalar(&c->call, "loss");
}

typedef struct Sample {
	double ours, difference;
	bool is_kink;
} Sample;

static Sample sample(Check *c, double *coordinate, double ours)
{
	double at = *coordinate;
	double h = STEP * fmax(1, fabs(at));
	double above = loss_at(c, coordinate, at + h);
	double below = loss_at(c, coordinate, at - h);
	*coordinate = at;
	double right = (above - c->loss) / h, left = (c->loss - below) / h;
	/* a smooth loss has slopes that differ by h times its curvature, a kink by a jump that does not
	 * shrink with h */
	double half_right = (loss_at(c, coordinate, at + h / 2) - c->loss) / (h / 2);
	double half_left = (c->loss - loss_at(c, coordinate, at - h / 2)) / (h / 2);
	*coordinate = at;
	double jump = fabs(right - left), half_jump = fabs(half_right - half_left);
	double size = fmax(fabs(ours), fabs(right)) + 1e-12;
	return (Sample){
	    .ours = ours,
	    .difference = (above - below) / (2 * h),
	    .is_kink = jump > 1e-4 * size && half_jump > 0.75 * jump,
	};
}

typedef struct Row {
	int64_t checked, kinks;
	Sample worst;
	double error;
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

static Row check_parameter(Check *c, const sslc_state *state, const double *gradient, double *ours)
{
	double *value = engine_state(&c->engine, state);
	size_t elements = state->tensor.bytes / sizeof *value;
	int64_t count = (size_t)c->samples < elements ? c->samples : (int64_t)elements;
	double largest = 0;
	call_run(&c->call);
	c->loss = call_scalar(&c->call, "loss");
	for (int64_t i = 0; i < count; i++) {
		ours[i] = gradient[pick(i, c->samples, elements)];
		largest = fmax(largest, fabs(ours[i]));
	}
	Row row = {0};
	for (int64_t i = 0; i < count; i++) {
		Sample s = sample(c, &value[pick(i, c->samples, elements)], ours[i]);
		if (s.is_kink) {
			row.kinks++;
			continue;
		}
		/* the rounding of the loss, divided by 2 h, is noise that no gradient can be asked to match
		 */
		double noise = 4e-16 * fabs(c->loss) / STEP / TOLERANCE;
		double scale = fmax(fmax(fabs(s.ours), fabs(s.difference)), fmax(1e-3 * largest, noise));
		double error = scale > 0 ? (s.ours - s.difference) / scale : 0;
		bool is_worst = !(fabs(error) <= fabs(row.error)); /* NaN is the worst */
		if (row.checked++ == 0 || is_worst) {
			row.worst = s;
			row.error = error;
		}
	}
	return row;
}

static const double *gradient_of(const Check *c, const char *parameter)
{
	for (size_t i = 0; i < c->call.code->output_count; i++)
		if (strncmp(c->call.code->output[i].name, "d ", 2) == 0 &&
		    strcmp(c->call.code->output[i].name + 2, parameter) == 0)
			return c->call.output[i];
	return NULL;
}

/* True if all are good. */
static bool check_all(Check *c, const sslc_program *p)
{
	size_t count;
	const sslc_state *state = sslc_states(p, &count);
	double *ours = calloc((size_t)c->samples, sizeof *ours);
	bool good = ours != NULL;
	printf("%-34s %-18s %7s %6s %11s %14s %14s\n", "parameter", "shape", "checked", "kinks",
	       "worst error", "ours", "difference");
	for (size_t i = 0; ours && i < count; i++) {
		if (!state[i].is_param || state[i].task)
			continue;
		char shape[64];
		tensor_text(&state[i].tensor, shape);
		const double *gradient = gradient_of(c, state[i].tensor.name);
		if (!gradient) {
			printf("%-34s %-18s %7s\n", state[i].tensor.name, shape, "none");
			continue;
		}
		Row row = check_parameter(c, &state[i], gradient, ours);
		bool row_good = fabs(row.error) <= TOLERANCE;
		printf("%-34s %-18s %7" PRId64 " %6" PRId64 " %+11.1e %+14.6e %+14.6e%s\n",
		       state[i].tensor.name, shape, row.checked, row.kinks, row.error, row.worst.ours,
		       row.worst.difference, row_good ? "" : "  WRONG");
		good &= row_good;
	}
	free(ours);
	return good;
}

static bool prepare(Check *c, const Options *o, uint64_t seed, Failure *f)
{
	Call init;
	engine_seed(&c->engine, seed);
	bool good = call_open(&init, &c->engine, "init", f);
	if (good)
		call_run(&init);
	call_close(&init);
	return good && (!o->checkpoint || weights_load(&c->engine, o->checkpoint, true, f)) &&
	       call_open(&c->call, &c->engine, "gradients", f);
}

static int check_gradients(Session *s, const Options *o)
{
	Check c = {.samples = o->samples ? o->samples : SAMPLES};
	Failure f = {0};
	Feed feed = {0};
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
	bool good =
	    engine_open(&c.engine, s->program, o->threads ? (int)o->threads : default_threads(), &f) &&
	    prepare(&c, o, seed, &f) && feed_open(&feed, s->data, order, &f) &&
	    feed_next(&feed, &c.call, &f);
	int code = good ? EXIT_GOOD : session_failure(s, &f);
	if (good && !check_all(&c, s->program))
		code = EXIT_WRONG;
	if (good)
		printf("\n%s\n",
		       code ? "the gradients are wrong" : "the gradients agree with finite differences");
	feed_close(&feed);
	call_close(&c.call);
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
