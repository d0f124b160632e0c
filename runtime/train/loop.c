/* loop.c: pre-training: steps, metrics, checkpoints, and a clean end whatever happens.
 *
 * In: states and a position, fresh from begin or from a checkpoint. Out: the same, later. All that
 * a step depends on is the states, the step number, the seed and the batch, and the batch depends
 * on the step number and the seed: so a run that stops anywhere and goes on is the same run.
 * Nothing is allocated between the first step and the last. A checkpoint is saved at the end of an
 * epoch if `save_every` seconds have passed since the one before, inside an epoch if a minute has,
 * and at the end, however it comes, unless the loss or a state is no number any more. */
#include "train.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_STEPS = 100, /* the states are checked, and inside an epoch a line of metrics is written,
	                     each so many steps */
	LONG_EPOCH = 60,  /* seconds without a checkpoint, after which one is saved inside an epoch */
};

typedef struct Loop {
	Engine *engine;
	const Data *data;
	const TrainOptions *options;
	Position *at;
	Failure *failure;
	Metrics *metrics;
	Events *events; /* NULL: not asked for */
	Progress *progress;
	Monitor *monitor; /* NULL: not asked for */
	Kept kept;
	const Feed *feed;
	double began, saved; /* by the clock */
	int64_t saved_step;  /* of the last checkpoint; -1: none */
	int64_t wrong_step;  /* that was found not to be finite, from 1 on */
} Loop;

/* step: from 1 on, as in metrics.jsonl */
static bool diverged(Loop *l, const char *what, int64_t step)
{
	l->wrong_step = step;
	fail(l->failure, FAILURE_DIVERGED, "%s at step %lld (epoch %lld)", what, (long long)step,
	     (long long)((step - 1) / l->at->epoch_steps) + 1);
	if (l->saved_step >= 0)
		return fail_help(l->failure,
		                 "lower the learning rate; the last good checkpoint, of step %lld, is "
		                 "%s/checkpoint.safetensors",
		                 (long long)l->saved_step, l->options->directory);
	return fail_help(l->failure,
	                 "lower the learning rate, or look in the loss for a division by 0 and for the "
	                 "logarithm or root of numbers that can be 0 or negative");
}

/* A gradient that is no number leaves the loss as it is where the loss does not depend on the
 * weight any more, or not on its sign: relu, max, a mask. */
static bool check_states(Loop *l)
{
	const sslc_state *bad = engine_bad_state(l->engine, NULL);
	if (!bad)
		return true;
	char what[512];
	bad_state_text(bad, what);
	return diverged(l, what, l->at->step);
}

static bool save_now(Loop *l)
{
	if (l->saved_step == l->at->step)
		return true;
	if (!check_states(l))
		return false;
	const char *bad = NULL;
	if (!metrics_flush(l->metrics))
		bad = "metrics.jsonl";
	else if (l->events && !events_flush(l->events))
		bad = EVENTS;
	int error = errno;
	if (!checkpoint_save(l->engine, l->data, l->options->directory, l->at, l->failure))
		return false;
	l->saved = seconds_now();
	l->saved_step = l->at->step;
	return !bad || fail(l->failure, FAILURE_SYSTEM, "cannot write '%s/%s': %s",
	                    l->options->directory, bad, strerror(error));
}

static void write_line(const Loop *l, const char *name, double value)
{
	const Position *at = l->at;
	metrics_line(l->metrics, at->step, at->step / at->epoch_steps, name, value,
	             seconds_now() - l->began);
	if (l->events)
		events_scalar(l->events, at->step, name, value);
	progress_metric(l->progress, name, value);
}

static void write_monitor(const Loop *l)
{
	if (!l->monitor)
		return;
	char text[64];
	monitor_look(l->monitor, l->feed);
	write_line(l, "feature_rank", l->monitor->rank);
	write_line(l, "feature_std", l->monitor->std);
	write_line(l, "uniformity", l->monitor->uniformity);
	const sslc_code *training = l->monitor->training.code;
	for (size_t i = 0; training && i < training->output_count; i++)
		write_line(l, training->output[i].name,
		           call_scalar(&l->monitor->training, training->output[i].name));
	snprintf(text, sizeof text, "rank %.1f  spread %.2f", l->monitor->rank, l->monitor->std);
	progress_note(l->progress, text);
}

/* A line at the end of an epoch with its mean loss, and inside long epochs with the mean since the
 * line before. */
static void write_metrics(Loop *l)
{
	Position *at = l->at;
	int64_t in_epoch = at->step % at->epoch_steps;
	int64_t recent = (in_epoch ? in_epoch : at->epoch_steps) % LINE_STEPS;
	if (in_epoch == 0) {
		at->epoch_loss = at->epoch_sum / (double)at->epoch_steps;
		at->epoch_sum = at->recent_sum = 0;
		write_line(l, "loss", at->epoch_loss);
		write_monitor(l);
	} else if (recent == 0) {
		write_line(l, "recent_loss", at->recent_sum / LINE_STEPS);
		at->recent_sum = 0;
		write_monitor(l);
	}
}

static bool after_step(Loop *l, double loss)
{
	Position *at = l->at;
	if (!isfinite(loss))
		return diverged(l, loss_text(loss), at->step + 1);
	at->step++;
	at->epoch_sum += loss;
	at->recent_sum += loss;
	write_metrics(l);
	if (at->step % LINE_STEPS == 0 && !check_states(l))
		return false;
	if (at->step % LINE_STEPS == 0)
		kept_take(&l->kept, l->engine, at->step);
	double now = seconds_now();
	bool epoch_ended = at->step % at->epoch_steps == 0;
	if (l->progress)
		progress_step(l->progress, at->step, isnan(at->epoch_loss) ? loss : at->epoch_loss);
	if (now - l->saved >= (epoch_ended ? l->options->save_every : LONG_EPOCH))
		return save_now(l);
	return true;
}

static bool run_steps(Loop *l, Call *step, Feed *feed, Watch *w, int64_t last)
{
	while (l->at->step < last && !watch_signal(w)) {
		if (!feed_next(feed, step, l->failure))
			return false;
		l->engine->step = (int32_t)l->at->step;
		call_run(step);
		if (!after_step(l, call_scalar(step, "loss")))
			return false;
	}
	return true;
}

static bool interrupted(const Loop *l, int signal)
{
	fail(l->failure, FAILURE_SIGNAL + signal, "interrupted at step %lld of %lld; all is saved",
	     (long long)l->at->step, (long long)l->at->steps);
	return fail_help(l->failure, "the same command with --resume goes on from here");
}

/* After the last step or an interruption: saves, and says what happened. */
static bool end(Loop *l, int signal)
{
	l->at->seconds = seconds_now() - l->began;
	if (!save_now(l))
		return false;
	return l->at->step == l->at->steps || !signal || interrupted(l, signal);
}

static bool run_loop(Loop *l, Watch *w, int64_t last)
{
	const sslc_training *t = &l->engine->model->pretraining;
	PrefetchOrder order = {
	    .split = SPLIT_TRAIN,
	    .batch = t->batch,
	    .epochs = true,
	    .shuffle = t->shuffle,
	    .seed = l->at->seed,
	    .first_step = l->at->step,
	    .last_step = last,
	};
	Call step;
	Feed feed = {0};
	Profile *profile = NULL;
	bool good = call_open(&step, l->engine, "step", l->failure);
	if (good && l->options->profile && !(profile = profile_open(&step)))
		good = fail(l->failure, FAILURE_SYSTEM, "no memory for the profile");
	Monitor monitor = {0};
	l->feed = &feed;
	if (good && l->options->monitor) {
		l->monitor = &monitor;
		good = monitor_open(&monitor, l->engine, l->failure);
	}
	kept_open(&l->kept, l->engine, l->at->step);
	good = good && feed_open(&feed, &step, l->data, order, l->failure) &&
	       run_steps(l, &step, &feed, w, last);
	if (profile && feed.batches > 1)
		profile_waited(profile, feed.waited / (double)(feed.batches - 1));
	feed_close(&feed);
	progress_close(l->progress);
	l->progress = NULL;
	char path[RUN_PATH];
	good = good && (!profile || (run_path(l->options->directory, PROFILE, path, l->failure) &&
	                             profile_report(profile, stdout, path, l->failure)));
	profile_close(profile);
	char text[512];
	if (good && l->monitor && !l->options->quiet && monitor_collapse(&monitor, text))
		printf("note        %s\n", text);
	monitor_close(&monitor);
	good = good && end(l, watch_signal(w));
	if (!good && l->failure->kind == FAILURE_DIVERGED)
		kept_explain(&l->kept, l->engine, l->data, order, l->wrong_step - 1, l->failure);
	call_close(&step);
	kept_close(&l->kept);
	return good;
}

/* The events of an older run would be shown as if they were of this one. */
static bool open_events(Loop *l)
{
	const TrainOptions *o = l->options;
	char path[RUN_PATH], why[WHY];
	if (!run_path(o->directory, EVENTS, path, l->failure))
		return false;
	if (o->tensorboard)
		return (l->events = events_open(path, o->resume ? l->at->step : -1, why)) ||
		       fail(l->failure, FAILURE_SYSTEM, "%s", why);
	return o->resume || unlink(path) == 0 || errno == ENOENT ||
	       fail(l->failure, FAILURE_SYSTEM, "cannot remove '%s': %s", path, strerror(errno));
}

bool train(Engine *e, const Data *data, const TrainOptions *o, Watch *w, Position *at, Failure *f)
{
	int64_t last = o->steps && o->steps < at->steps ? o->steps : at->steps;
	double now = seconds_now();
	Loop l = {
	    .engine = e,
	    .data = data,
	    .options = o,
	    .at = at,
	    .failure = f,
	    .began = now,
	    .saved = now,
	    .saved_step = o->resume ? at->step : -1,
	};
	char path[RUN_PATH], why[WHY];
	bool missing;
	if (!run_path(o->directory, "metrics.jsonl", path, f))
		return false;
	l.metrics = metrics_open(path, o->resume ? at->step : -1, &missing, why);
	if (!l.metrics)
		return fail(f, FAILURE_SYSTEM, "%s", why);
	if (missing && !o->quiet)
		printf("note        %s was not there; it begins anew after step %lld\n", path,
		       (long long)at->step);
	bool good = open_events(&l);
	if (good && !o->quiet && at->step < last)
		l.progress = progress_open(stdout, at->step, at->steps, at->epoch_steps,
		                           e->model->pretraining.batch);
	if (good && o->live && !progress_live(l.progress))
		good = fail(f, FAILURE_SYSTEM, "no memory for the screen");
	good = good && (at->step >= last || run_loop(&l, w, last));
	metrics_close(l.metrics);
	events_close(l.events);
	return good;
}
