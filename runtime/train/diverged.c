/* diverged.c: finds the step that was not finite, and asks the maker of the model why.
 *
 * The states are kept every so many steps, when they are known to be good. A step depends on states,
 * batch and number alone, so from there the same steps lead to the same number; before each the
 * states are kept once more, until one gives a loss or a state that is not finite. Large states are
 * not kept: a training should not need twice their memory for what may never be asked. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MIB = 256 };

void kept_open(Kept *k, const Engine *e, int64_t step)
{
	*k = (Kept){.is_large = e->states_bytes > (size_t)KEPT_MIB << 20};
	if (e->model->cause && !k->is_large)
		k->states = memory_new(e->states_bytes);
	kept_take(k, e, step);
}

void kept_take(Kept *k, const Engine *e, int64_t step)
{
	if (k->states)
		memcpy(k->states, e->states, e->states_bytes);
	k->step = step;
}

void kept_close(Kept *k)
{
	free(k->states);
	*k = (Kept){0};
}

/* -- The functions that answer ----------------------------------------------------------------- */

typedef struct Witness {
	Engine *engine;
	const Feed *feed;
	Call call;
	Failure *failure;
} Witness;

static void *const *run(void *of, const sslc_code *code)
{
	Witness *w = of;
	call_close(&w->call);
	if (!call_open_code(&w->call, w->engine, code, w->failure))
		return NULL;
	feed_repeat(w->feed, &w->call);
	call_run(&w->call);
	return w->call.output;
}

bool cause_of(Engine *e, const Feed *feed, const char *function, const char *state, sslc_cause *to)
{
	Failure unsaid = {0};
	Witness w = {.engine = e, .feed = feed, .failure = &unsaid};
	bool found = e->model->cause &&
	             e->model->cause(e->model->context, function, state, &(sslc_runner){run, &w}, to);
	call_close(&w.call);
	return found;
}

/* -- In words ---------------------------------------------------------------------------------- */

const char *loss_text(double loss)
{
	return isnan(loss) ? "the loss is not a number (NaN)" : "the loss is infinite";
}

static void place_text(const char *file, unsigned line, unsigned column, char text[320])
{
	text[0] = 0;
	if (file)
		snprintf(text, 320, " (%.256s:%u:%u)", file, line, column);
}

void bad_state_text(const sslc_state *bad, char text[512])
{
	char place[320];
	place_text(bad->file, bad->line, bad->column, place);
	snprintf(text, 512, "'%.128s'%s holds a number that is not finite", bad->tensor.name, place);
}

void cause_add(const sslc_cause *cause, char *text, size_t size)
{
	char place[320];
	size_t used = strlen(text);
	place_text(cause->file, cause->line, cause->column, place);
	snprintf(text + used, size - used, ": %s%s%s", cause->what, cause->where, place);
}

void loss_explain(Engine *e, const Feed *feed, const char *function, char *text, size_t size)
{
	sslc_cause cause;
	if (cause_of(e, feed, function, NULL, &cause))
		cause_add(&cause, text, size);
}

/* -- Of pre-training --------------------------------------------------------------------------- */

/* From the kept states on; false: no step up to `last` was wrong, or nobody knows why. */
static bool search(Kept *k, Engine *e, Call *step, Feed *feed, int64_t last, sslc_cause *to)
{
	Failure unsaid = {0};
	memcpy(e->states, k->states, e->states_bytes);
	while (k->step <= last && feed_next(feed, step, &unsaid)) {
		kept_take(k, e, k->step);
		e->step = (int32_t)k->step;
		call_run(step);
		bool loss_is_good = isfinite(call_scalar(step, "loss"));
		const sslc_state *bad = loss_is_good ? engine_bad_state(e, NULL) : NULL;
		if (bad || !loss_is_good) {
			memcpy(e->states, k->states, e->states_bytes);
			return cause_of(e, feed, "step", bad ? bad->tensor.name : NULL, to);
		}
		k->step++;
	}
	return false;
}

void kept_explain(Kept *k, Engine *e, const Data *data, PrefetchOrder order, int64_t last,
                  Failure *f)
{
	Feed feed = {0};
	Call step = {0};
	sslc_cause cause;
	Failure unsaid = {0};
	char help[sizeof f->help];
	order.first_step = k->step;
	if (k->is_large && e->model->cause) {
		snprintf(help, sizeof help, "%s", f->help);
		fail_help(f,
		          "%s; which operation it was is not known: states of more than %d MiB are not "
		          "kept to make the steps again",
		          help, KEPT_MIB);
	}
	if (!k->states)
		return;
	int64_t most = last < order.last_step ? last : order.last_step - 1;
	bool found = call_open(&step, e, "step", &unsaid) &&
	             feed_open(&feed, &step, data, order, &unsaid) &&
	             search(k, e, &step, &feed, most, &cause);
	feed_close(&feed);
	call_close(&step);
	if (!found)
		return;
	size_t used = strlen(f->text);
	if (k->step != last)
		snprintf(f->text + used, sizeof f->text - used, "; first, at step %lld",
		         (long long)k->step + 1);
	cause_add(&cause, f->text, sizeof f->text);
	snprintf(help, sizeof help, "%s", f->help);
	const char *checkpoint = strstr(help, "the last good checkpoint");
	fail_help(f, "%s%s%.300s", cause.help, *cause.help && checkpoint ? "; " : "",
	          checkpoint ? checkpoint : "");
}
