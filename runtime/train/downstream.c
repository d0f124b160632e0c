/* downstream.c: trains and scores each downstream task in its variants.
 *
 * In: an engine whose states are pre-trained. Out: one Score a variant. A variant is a choice of
 * networks (kept, or drawn again by "init" with another seed) and of functions (T, T.raw,
 * T.scratch); the networks are put back before each one, so neither the order of tasks nor the
 * number of variants changes a result. */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const variant_name[VARIANTS] = {
    [PRETRAINED] = "pre-trained",
    [RANDOM] = "random weights",
    [RAW] = "raw input",
    [SCRATCH] = "from scratch",
};

typedef struct Stage {
	Engine *engine;
	const Data *data;
	uint64_t seed;
	Watch *watch;
	Failure *failure;
	unsigned char *kept;  /* [states_bytes]: after pre-training */
	Bank bank, collected; /* of the variant that is scored */
	Encoded encoded;      /* of the one that is trained */
	bool alone;           /* without baselines */
} Stage;

static bool stopped(const Stage *s)
{
	int signal = watch_signal(s->watch);
	if (signal)
		fail(s->failure, FAILURE_SIGNAL + signal, "interrupted while scoring downstream tasks");
	return signal != 0;
}

static bool run_init(const Stage *s, const char *function, uint64_t seed)
{
	Call init;
	engine_seed(s->engine, seed);
	s->engine->step = 0;
	bool good = call_open(&init, s->engine, function, s->failure);
	if (good)
		call_run(&init);
	call_close(&init);
	return good;
}

/* The networks that the variant begins with, then the task's own states. */
static bool prepare(const Stage *s, const Score *score)
{
	memcpy(s->engine->states, s->kept, s->engine->states_bytes);
	bool keeps = score->variant == PRETRAINED || score->variant == RAW;
	if (!keeps && !run_init(s, "init", s->seed + 1))
		return false;
	char name[256];
	snprintf(name, sizeof name, "%s.init", score->task->name);
	return run_init(s, name, s->seed); /* the same head, batches and transforms for every variant */
}

/* The samples that the task may learn from; NULL: all. */
static bool choose(const Stage *s, const Score *score, int64_t **chosen)
{
	char why[WHY];
	return data_choose(s->data, score->task->samples, score->task->per_class, s->seed, chosen,
	                   why) ||
	       fail(s->failure, FAILURE_WRONG, "%s", why);
}

/* Makes the same steps again up to `last`, whose loss was not finite, and asks why. The states
 * before it are not kept: those of a task are soon made again. */
static void explain(const Stage *s, Score *score, Call *step, PrefetchOrder order, int64_t last)
{
	char name[256];
	Feed feed = {0};
	Failure unsaid = {0};
	Stage again = *s;
	again.failure = &unsaid;
	snprintf(name, sizeof name, "%s.step", score->task->name);
	bool good = prepare(&again, score) && feed_open(&feed, step, s->data, order, &unsaid);
	for (int64_t i = 0; good && i <= last; i++) {
		good = !watch_signal(s->watch) && feed_next(&feed, step, &unsaid);
		if (good)
			encoded_batch(&s->encoded, &feed);
		s->engine->step = (int32_t)i;
		if (good && i < last)
			call_run(step);
	}
	if (good)
		loss_explain(s->engine, &feed, name, score->why, sizeof score->why);
	feed_close(&feed);
}

static bool train_steps(const Stage *s, Score *score, Call *step, const int64_t *chosen)
{
	const sslc_training *t = &score->task->training;
	Feed feed;
	PrefetchOrder order = {
	    .split = SPLIT_TRAIN,
	    .batch = t->batch,
	    .epochs = true,
	    .shuffle = t->shuffle,
	    .seed = s->seed,
	    .last_step = t->steps,
	    .chosen = chosen,
	    .chosen_count = score->task->samples,
	};
	bool opened = feed_open(&feed, step, s->data, order, s->failure), good = opened;
	double sum = 0;
	int64_t wrong = 0;
	for (int64_t i = 0; good && i < t->steps && !score->diverged; i++) {
		good = !stopped(s) && feed_next(&feed, step, s->failure);
		if (!good)
			break;
		encoded_batch(&s->encoded, &feed);
		s->engine->step = (int32_t)i;
		call_run(step);
		double loss = call_scalar(step, "loss");
		score->diverged = !isfinite(loss);
		if (score->diverged)
			snprintf(score->why, sizeof score->why, "%s at step %lld of %lld", loss_text(loss),
			         (long long)(wrong = i) + 1, (long long)t->steps);
		sum += i >= t->steps - t->epoch_steps ? loss : 0;
	}
	score->train_loss = score->diverged ? NAN : sum / (double)t->epoch_steps;
	if (opened)
		feed_close(&feed);
	if (good && score->diverged)
		explain(s, score, step, order, wrong);
	return good;
}

/* On the rows of T.encode, if the task has it: those of its samples, made once. */
static bool train_on(Stage *s, Score *score, const int64_t *chosen)
{
	char name[256];
	Call step = {0};
	BankOrder order = {.task = score->task->name,
	                   .key = "encode",
	                   .split = SPLIT_TRAIN,
	                   .chosen = chosen,
	                   .samples = score->task->samples};
	bool encodes = task_encodes(s->engine, score->task);
	snprintf(name, sizeof name, "%s.step%s", score->task->name, encodes ? ".encoded" : "");
	bool good =
	    !encodes || encoded_open(&s->encoded, s->engine, s->data, &order, s->watch, s->failure);
	good = good && call_open(&step, s->engine, name, s->failure);
	if (good)
		encoded_inputs(&s->encoded, &step);
	good = good && train_steps(s, score, &step, chosen);
	call_close(&step);
	return good;
}

static bool train_task(Stage *s, Score *score)
{
	int64_t *chosen;
	bool good = choose(s, score, &chosen) && train_on(s, score, chosen);
	free(chosen);
	encoded_close(&s->encoded);
	const sslc_state *bad = good && !score->diverged ? engine_bad_state(s->engine, NULL) : NULL;
	if (good && !score->diverged && !bad)
		bad = engine_bad_state(s->engine, score->task->name);
	if (bad)
		bad_state_text(bad, score->why);
	score->diverged |= bad != NULL;
	return good;
}

static bool fill_bank(Stage *s, Score *score)
{
	int64_t *chosen;
	bool good = choose(s, score, &chosen);
	BankOrder order = {.task = score->task->name,
	                   .key = "bank",
	                   .split = SPLIT_TRAIN,
	                   .chosen = chosen,
	                   .samples = score->task->samples};
	good = good && bank_fill(&s->bank, s->engine, s->data, &order, s->watch, s->failure);
	free(chosen);
	return good;
}

/* The metric of the batch that was just run: of each sample, or one number that weighs as many. */
static void keep_values(Score *score, const Call *call, int64_t batch)
{
	bool each = call_numbers(call, "samples", score->value + score->values, batch);
	int64_t count = each ? batch : 1;
	if (!each)
		score->value[score->values] = call_scalar(call, "metric");
	for (int64_t i = 0; i < count; i++)
		score->weight[score->values++] = each ? 1 : (double)batch;
}

/* Adds the metric of `count` batches, each weighed by its samples. */
static bool score_batches(const Stage *s, Score *score, const char *function, PrefetchOrder order,
                          double *total)
{
	Call call;
	Feed feed = {0};
	bool good = call_open(&call, s->engine, function, s->failure);
	if (good)
		bank_inputs(&s->bank, &call);
	good = good && feed_open(&feed, &call, s->data, order, s->failure);
	for (int64_t i = order.first_step; good && i < order.last_step; i++) {
		good = !stopped(s) && feed_next(&feed, &call, s->failure);
		if (!good)
			break;
		s->engine->step = (int32_t)i;
		call_run(&call);
		*total += (double)order.batch * call_scalar(&call, "metric");
		score->samples += order.batch;
		keep_values(score, &call, order.batch);
	}
	feed_close(&feed);
	call_close(&call);
	return good;
}

typedef struct Cut {
	int64_t batch, full, rest; /* samples a full batch, full batches, samples in the last one */
} Cut;

static bool cut_split(const Stage *s, const char *function, int64_t samples, Cut *cut)
{
	Call call;
	bool good = call_open(&call, s->engine, function, s->failure);
	if (good) {
		cut->batch = call_batch(&call);
		cut->full = cut->batch ? samples / cut->batch : 0;
		cut->rest = cut->batch ? samples % cut->batch : 0;
	}
	call_close(&call);
	return good;
}

static bool score_memory(const Stage *s, Score *score, int64_t values)
{
	score->value = calloc((size_t)values + 1, sizeof *score->value);
	score->weight = calloc((size_t)values + 1, sizeof *score->weight);
	return (score->value && score->weight) ||
	       fail(s->failure, FAILURE_SYSTEM, "no memory for the scores of %lld samples",
	            (long long)values);
}

/* Of values of `batch` samples each; groups_close in either case. */
static bool find_groups(const Stage *s, Score *score, Split split, int64_t batch, Groups *g)
{
	char why[WHY];
	if (!data_groups(s->data, split, batch, g, why))
		return fail(s->failure, FAILURE_SYSTEM, "%s", why);
	bool apart = g->at && g->first[g->count] == g->count && !g->of_one;
	score->together = (Together){apart ? 0 : g->of_one ? 1 : g->count, g->of_series};
	return true;
}

/* Samples that belong together are one value. */
static bool pool(const Stage *s, Score *score, Split split, int64_t batch)
{
	Groups g;
	bool good = find_groups(s, score, split, score->values < score->samples ? batch : 1, &g);
	if (good)
		score->values = pool_groups(score->value, score->weight, score->values, &g);
	groups_close(&g);
	return good;
}

enum { RESAMPLES = 50 }; /* enough for a standard error (Efron and Tibshirani 1993, 6.4) */

/* What another choice of samples might have given: of one number there are no differences. */
static bool score_again(const Stage *s, Score *score, Call *call, Split split)
{
	Bank again = {0};
	Groups g;
	bool good = find_groups(s, score, split, 1, &g) && bank_like(&again, &s->collected, s->failure);
	score->drawn = g.at ? g.count : score->samples;
	score->values = 0;
	while (good && score->values < RESAMPLES && !stopped(s)) {
		bank_resample(&again, &s->collected, &g, (uint32_t)score->values);
		bank_inputs(&again, call);
		call_run(call);
		keep_values(score, call, 1);
	}
	good = good && score->values == RESAMPLES;
	bank_close(&again);
	groups_close(&g);
	return good;
}

/* One number of what was kept of all samples of the split. */
static bool score_collected(Stage *s, Score *score, Split split)
{
	char name[256];
	Call call;
	BankOrder order = {.task = score->task->name,
	                   .key = "collect",
	                   .split = split,
	                   .samples = data_count(s->data, split),
	                   .other = &s->bank};
	snprintf(name, sizeof name, "%s.score", score->task->name);
	if (!score_memory(s, score, RESAMPLES) ||
	    !bank_fill(&s->collected, s->engine, s->data, &order, s->watch, s->failure))
		return false;
	bool good = call_open(&call, s->engine, name, s->failure);
	if (good) {
		bank_inputs(&s->bank, &call);
		bank_inputs(&s->collected, &call);
		s->engine->step = 0;
		call_run(&call);
		score->samples = order.samples;
		keep_values(score, &call, order.samples);
		score->score = score->value[0];
		score->diverged = score->unscored = !isfinite(score->score);
		if (!score->diverged && !s->alone && score->samples > 1)
			good = score_again(s, score, &call, split);
	}
	call_close(&call);
	return good;
}

/* Every sample of the split once: full batches, then what is left. */
static bool score_task(const Stage *s, Score *score, Split split)
{
	char name[256], rest[256];
	snprintf(name, sizeof name, "%s.score", score->task->name);
	snprintf(rest, sizeof rest, "%s.score.rest", score->task->name);
	Cut cut = {0};
	double total = 0;
	int64_t samples = data_count(s->data, split);
	if (!score_memory(s, score, samples))
		return false;
	if (!cut_split(s, name, samples, &cut))
		return false;
	PrefetchOrder order = {
	    .split = split, .batch = cut.batch, .seed = s->seed, .last_step = cut.full};
	if (cut.full && !score_batches(s, score, name, order, &total))
		return false;
	if (cut.rest && engine_function(s->engine, rest)) {
		order.offset = cut.full * cut.batch;
		order.batch = cut.rest;
		order.last_step = 1;
		if (!score_batches(s, score, rest, order, &total))
			return false;
	}
	score->score = total / (double)score->samples;
	score->diverged = score->unscored = !isfinite(score->score);
	return pool(s, score, split, cut.batch);
}

/* So that the time of a variant is that of its steps: functions are prepared once, by whoever comes
 * first. */
static void prepare_task(const Stage *s, const sslc_task *task)
{
	bool encodes = task_encodes(s->engine, task);
	const char *const function[] = {
	    "init",      encodes ? "step.encoded" : "step", "encode", "bank", "collect", "score",
	    "score.rest"};
	enum { FUNCTIONS = sizeof function / sizeof *function };
	const sslc_model *m = s->engine->model;
	char text[FUNCTIONS][256];
	const char *name[FUNCTIONS];
	for (size_t i = 0; i < FUNCTIONS; i++) {
		snprintf(text[i], sizeof text[i], "%s.%s", task->name, function[i]);
		name[i] = text[i];
	}
	if (m->prepare)
		m->prepare(m->context, name, FUNCTIONS);
}

static bool run_variant(Stage *s, Score *score, Split split)
{
	const sslc_task *task = score->task;
	prepare_task(s, task);
	double began = seconds_now();
	score->train_loss = NAN;
	bool good = prepare(s, score) && (!task->has_bank || fill_bank(s, score)) &&
	            (!task->trains || train_task(s, score));
	if (good && score->diverged)
		score->score = NAN;
	else
		good = good && (score->task->has_collect ? score_collected(s, score, split)
		                                         : score_task(s, score, split));
	bank_close(&s->bank);
	bank_close(&s->collected);
	score->seconds = seconds_now() - began;
	return good;
}

static void add(Scores *out, const sslc_task *task, Variant variant)
{
	out->score[out->count++] = (Score){.task = task, .variant = variant};
}

/* Rows in the order of Variant within a task, tasks in the order of the model. */
static void list_variants(const sslc_task *task, size_t count, Scores *out)
{
	for (size_t base = 0; base < count; base++) {
		if (task[base].is_raw || task[base].is_scratch)
			continue;
		add(out, &task[base], PRETRAINED);
		if (task[base].with_random)
			add(out, &task[base], RANDOM);
		for (size_t i = 0; i < count; i++)
			if (task[i].is_raw && strcmp(task[i].base, task[base].base) == 0)
				add(out, &task[i], RAW);
		for (size_t i = 0; i < count; i++)
			if (task[i].is_scratch && strcmp(task[i].base, task[base].base) == 0)
				add(out, &task[i], SCRATCH);
	}
}

/* The pre-trained networks without those that they are compared with. */
static void drop_baselines(Scores *out)
{
	size_t kept = 0;
	for (size_t i = 0; i < out->count; i++)
		if (out->score[i].variant == PRETRAINED)
			out->score[kept++] = out->score[i];
	out->count = kept;
}

bool downstream(Engine *e, const Data *data, uint64_t seed, bool alone, Watch *w, Scores *out,
                Failure *f)
{
	size_t count = e->model->task_count;
	*out = (Scores){.split = data_count(data, SPLIT_TEST) ? SPLIT_TEST : SPLIT_TRAIN};
	Stage s = {.engine = e,
	           .data = data,
	           .seed = seed,
	           .watch = w,
	           .failure = f,
	           .kept = malloc(e->states_bytes + 1),
	           .alone = alone};
	out->score = calloc(2 * count + 1, sizeof *out->score);
	bool good = s.kept && out->score;
	if (!good)
		fail(f, FAILURE_SYSTEM, "no memory for a second copy of the states");
	if (good) {
		memcpy(s.kept, e->states, e->states_bytes);
		list_variants(e->model->task, count, out);
		if (alone)
			drop_baselines(out);
	}
	double commonest = data_commonest(data, out->split);
	for (size_t i = 0; good && i < out->count; i++) {
		bool is_accuracy = strcmp(out->score[i].task->metric, "accuracy") == 0;
		out->score[i].commonest = is_accuracy ? commonest : 0;
		good = run_variant(&s, &out->score[i], out->split);
	}
	if (s.kept)
		memcpy(e->states, s.kept, e->states_bytes);
	free(s.kept);
	return good;
}

void scores_close(Scores *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->score[i].value);
		free(s->score[i].weight);
	}
	free(s->score);
	*s = (Scores){0};
}
