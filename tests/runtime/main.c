/* main.c: the runtime without the compiler: a program that links it alone trains a model that was
 * written by hand (diagonal.h), stops, goes on, writes features and scores the task, all against
 * the closed form in double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/train/train.h"
#include "../unit/scratch.h"
#include "diagonal.h"

static int failures;

#define CHECK(condition)                                                                           \
	do {                                                                                           \
		if (!(condition)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
			failures++;                                                                            \
		}                                                                                          \
	} while (0)

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-5 * fmax(1, fabs(b));
}

/* -- The closed form --------------------------------------------------------------------------- */

/* The mean of x_i^2 over the batch of a step. */
static double mean_square(const Data *data, uint64_t seed, int64_t s, int i)
{
	const float *x = data_value(data, SPLIT_TRAIN, 0, 0); /* [SAMPLES, D] */
	double sum = 0;
	for (int n = 0; n < BATCH; n++) {
		int64_t row =
		    order_at(s % EPOCH_STEPS * BATCH + n, SAMPLES, seed, (uint64_t)(s / EPOCH_STEPS));
		sum += (double)x[row * D + i] * (double)x[row * D + i];
	}
	return sum / BATCH;
}

/* w_i after so many steps. */
static double weight(const Data *data, uint64_t seed, int64_t steps, int i)
{
	double off = (double)first_weight(i, seed) - 1;
	for (int64_t s = 0; s < steps; s++)
		off *= 1 - 2 * RATE / D * mean_square(data, seed, s, i);
	return 1 + off;
}

/* The score of the task on networks with these weights. */
static double task_score(const Data *data, uint64_t seed, const double w[D])
{
	const float *x = data_value(data, SPLIT_TRAIN, 0, 0);
	double sum = 0;
	for (int i = 0; i < D; i++) {
		double off = -1, square = 0;
		for (int64_t s = 0; s < TASK_STEPS; s++)
			off *= 1 - 2 * TASK_RATE / D * w[i] * w[i] * mean_square(data, seed, s, i);
		for (int n = 0; n < SAMPLES; n++)
			square += (double)x[n * D + i] * (double)x[n * D + i];
		sum += off * off * square / (SAMPLES * D);
	}
	return sum;
}

/* -- A run ------------------------------------------------------------------------------------- */

typedef struct Run {
	Scratch folder;
	Data *data;
	Engine engine;
	FolderLock lock;
	Watch watch; /* not opened: nothing is interrupted */
	Position at;
	Failure failure;
} Run;

enum { SEED = 5 };

static Data *normal_data(int width)
{
	sslc_argument argument[] = {
	    {.number = SAMPLES}, {.number = width}, {.name = "seed", .number = 2}};
	char why[WHY];
	return data_open(&(sslc_call){"normal", argument, 3}, NULL, why);
}

static void run_open(Run *r)
{
	*r = (Run){.data = normal_data(D)};
	scratch_open(&r->folder);
	CHECK(r->data);
}

/* Trains to `steps` (0: the end) as a process of its own would. */
static bool run_train(Run *r, const sslc_model *model, int threads, int64_t steps, bool resume)
{
	TrainOptions o = {
	    .directory = r->folder.folder,
	    .resume = resume,
	    .quiet = true,
	    .seed = SEED,
	    .epochs = EPOCHS,
	    .steps = steps,
	};
	bool moved;
	engine_close(&r->engine);
	return engine_open(&r->engine, model, threads, &r->failure) &&
	       train_begin(&r->engine, r->data, &o, &r->at, &r->failure) &&
	       folder_prepare(&r->lock, &r->engine, &o, &moved, &r->failure) &&
	       train(&r->engine, r->data, &o, &r->watch, &r->at, &r->failure);
}

static const Diagonal *states(const Run *r)
{
	return (const Diagonal *)r->engine.states;
}

static void run_close(Run *r)
{
	folder_unlock(&r->lock);
	engine_close(&r->engine);
	data_close(r->data);
	scratch_close(&r->folder);
}

/* -- Tests ------------------------------------------------------------------------------------- */

static void trains_to_the_closed_form(int threads)
{
	Run r;
	run_open(&r);
	CHECK(run_train(&r, &diagonal, threads, 0, false));
	CHECK(r.at.step == STEPS && states(&r)->taken == STEPS);
	for (int i = 0; i < D; i++) {
		CHECK(near((double)states(&r)->w[i], weight(r.data, SEED, STEPS, i)));
		CHECK(states(&r)->head[i] == 0);
	}
	run_close(&r);
}

/* However a run is cut, and whoever has the functions, its checkpoint has the same bytes. */
static void resumes_to_the_same_bits(void)
{
	Run whole, cut;
	OnDemand lazy;
	on_demand(&lazy);
	run_open(&whole);
	run_open(&cut);
	CHECK(run_train(&whole, &diagonal, 2, 0, false));
	CHECK(run_train(&cut, &lazy.model, 1, 5, false));
	CHECK(cut.at.step == 5 && lazy.prepared == 2);
	CHECK(near((double)states(&cut)->w[0], weight(cut.data, SEED, 5, 0)));
	CHECK(run_train(&cut, &diagonal, 2, 0, true));
	size_t size = 0;
	unsigned char *bytes = file_get(scratch_path(&whole.folder, CHECKPOINT), &size);
	CHECK(bytes && size > 0);
	CHECK(bytes && file_holds(scratch_path(&cut.folder, CHECKPOINT), bytes, size));
	CHECK(
	    file_holds(scratch_path(&cut.folder, "model.json"), diagonal.text, strlen(diagonal.text)));
	free(bytes);

	sslc_model other = diagonal;
	other.text = "{\"name\": \"other\"}\n";
	CHECK(!run_train(&cut, &other, 1, 0, true));
	CHECK(cut.failure.kind == FAILURE_WRONG);
	CHECK(strstr(cut.failure.text, "differs from line 1"));
	run_close(&whole);
	run_close(&cut);
}

static void writes_features(void)
{
	Run r;
	Array rows = {0};
	char why[WHY];
	run_open(&r);
	CHECK(run_train(&r, &diagonal, 1, 0, false));
	const char *path = scratch_path(&r.folder, "features.npy");
	CHECK(features_write(&r.engine, r.data, SPLIT_TRAIN, path, &r.watch, &r.failure));
	CHECK(npy_read(path, &rows, why));
	CHECK(rows.rank == 2 && rows.dim[0] == SAMPLES && rows.dim[1] == D);
	const float *x = data_value(r.data, SPLIT_TRAIN, 0, 0);
	for (int64_t k = 0; rows.at && k < SAMPLES * D; k++)
		CHECK(((const float *)rows.at)[k] == states(&r)->w[k % D] * x[k]);
	free(rows.at);
	run_close(&r);
}

/* On the pre-trained weights, and on those of another init. */
static void scores_the_task(void)
{
	Run r;
	Scores s = {0};
	run_open(&r);
	CHECK(run_train(&r, &diagonal, 1, 0, false));
	Diagonal before = *states(&r);
	CHECK(downstream(&r.engine, r.data, SEED, false, &r.watch, &s, &r.failure));
	CHECK(memcmp(&before, states(&r), sizeof before) == 0);
	CHECK(s.count == 2);
	for (size_t v = 0; v < s.count; v++) {
		bool trained = s.score[v].variant == PRETRAINED;
		double w[D];
		for (int i = 0; i < D; i++)
			w[i] = trained ? weight(r.data, SEED, STEPS, i) : (double)first_weight(i, SEED + 1);
		CHECK(s.score[v].samples == SAMPLES && s.score[v].values == SAMPLES);
		CHECK(near(s.score[v].score, task_score(r.data, SEED, w)));
	}
	scores_close(&s);
	run_close(&r);
}

/* A function that the model does not have is told by name; of one that could not be prepared its
 * maker has the errors. */
static void says_what_is_missing(void)
{
	Run r;
	Call call;
	OnDemand lazy;
	on_demand(&lazy);
	lazy.is_broken = true;
	run_open(&r);
	CHECK(engine_open(&r.engine, &lazy.model, 1, &r.failure));
	CHECK(!call_open(&call, &r.engine, "gradients", &r.failure));
	CHECK(strcmp(r.failure.text, "the model has no function 'gradients'") == 0);
	call_close(&call);
	CHECK(!call_open(&call, &r.engine, "step", &r.failure));
	CHECK(r.failure.kind == FAILURE_WRONG && !r.failure.text[0]);
	call_close(&call);
	lazy.model.prepare = NULL;
	CHECK(!call_open(&call, &r.engine, "step", &r.failure));
	CHECK(strcmp(r.failure.text, "the model has no function 'step'") == 0);
	call_close(&call);
	run_close(&r);
}

static bool is_refused(const sslc_model *model, int width, const char *text)
{
	Run r;
	run_open(&r);
	data_close(r.data);
	r.data = normal_data(width);
	CHECK(!run_train(&r, model, 1, 0, false));
	bool same = r.failure.kind == FAILURE_WRONG && strcmp(r.failure.text, text) == 0;
	if (!same)
		fprintf(stderr, "'%s' is not '%s'\n", r.failure.text, text);
	run_close(&r);
	return same;
}

/* A model that was written down is held to what it says that it reads. */
static void refuses_other_data(void)
{
	OnDemand o;
	on_demand(&o);
	CHECK(is_refused(&diagonal, D + 1,
	                 "'step' reads 'x' as f32[4,3], but a batch of the data is f32[4,4]"));
	o.model.pretraining.batch = 2;
	CHECK(is_refused(&o.model, D,
	                 "'step' reads 'x' as f32[4,3], but a batch of the data is f32[2,3]"));
	sslc_tensor input = {.name = "label", .dtype = "i32", .rank = 1, .dim = {BATCH}, .bytes = 16};
	for (size_t k = 0; k < o.model.code_count; k++)
		if (strcmp(o.code[k].name, "step") == 0)
			o.code[k].input = &input;
	CHECK(is_refused(&o.model, D, "'step' reads 'label', which the data does not have"));
}

/* The task asks for a choice by labels, of data that has none. */
static void refuses_a_choice_without_labels(void)
{
	Run r;
	Scores s = {0};
	sslc_model model = diagonal;
	sslc_task task = diagonal.task[0];
	task.samples = SAMPLES - 1;
	model.task = &task;
	run_open(&r);
	CHECK(run_train(&r, &model, 1, 0, false));
	CHECK(!downstream(&r.engine, r.data, SEED, false, &r.watch, &s, &r.failure));
	CHECK(r.failure.kind == FAILURE_WRONG);
	CHECK(strcmp(r.failure.text, "a task learns from 13 samples with labels, but the data has 0") ==
	      0);
	scores_close(&s);
	run_close(&r);
}

int main(void)
{
	trains_to_the_closed_form(1);
	trains_to_the_closed_form(2);
	resumes_to_the_same_bits();
	writes_features();
	scores_the_task();
	says_what_is_missing();
	refuses_other_data();
	refuses_a_choice_without_labels();
	return failures != 0;
}
