/* test_object.c: an emitted object does what the JIT does: from the same seed, on the same batches,
 * step for step to the same bits, for every shipped model; alone and with a pool of threads; saved
 * and restored half way. */
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "../../runtime/embed/x86.h"
#include "object.h"
#include "scratch.h"
#include "share.h"

enum { SEED = 7 };

/* Every state that the object has is the engine's, bit for bit. */
static void same_states(const Object *o, const Engine *e, const sslc_program *p, int at)
{
	size_t count, found = 0;
	const sslc_state *state = sslc_states(p, &count);
	for (size_t i = 0; i < count; i++) {
		int32_t number = object_find(o, state[i].tensor.name);
		if (number < 0)
			continue;
		unsigned char *copy = malloc(state[i].tensor.bytes + 1);
		CU_ASSERT_EQUAL(object_read(o, o->block, number, copy, state[i].tensor.bytes), 0);
		bool same = memcmp(copy, engine_state(e, &state[i]), state[i].tensor.bytes) == 0;
		CU_ASSERT_TRUE(same);
		if (!same)
			fprintf(stderr, "after %d steps: %s differs\n", at, state[i].tensor.name);
		free(copy);
		found++;
	}
	CU_ASSERT_EQUAL(found, o->file.tensors);
}

/* One call of both on the same new inputs; outputs have the same bits. */
static void call_both(Object *o, Call *call, const char *name, uint32_t *random)
{
	void *pointer[OBJECT_POINTERS] = {0}, *input[OBJECT_POINTERS] = {0};
	size_t given = 0, outputs = call->code->output_count;
	for (size_t i = 0; i < call->code->input_count; i++) {
		const sslc_tensor *t = &call->code->input[i];
		if (strcmp(t->name, "seed") == 0 || strcmp(t->name, "step") == 0)
			continue;
		input[given] = aligned_alloc(64, (t->bytes + 63) / 64 * 64);
		tensor_fill(t, input[given], random);
		call_input(call, t->name, input[given]);
		pointer[given] = input[given];
		given++;
	}
	for (size_t i = 0; i < outputs && given + i < OBJECT_POINTERS; i++)
		pointer[given + i] = malloc(call->code->output[i].bytes + 1);
	call_run(call);
	CU_ASSERT_EQUAL(object_call(o, name, o->block, pointer), 0);
	for (size_t i = 0; i < outputs && given + i < OBJECT_POINTERS; i++) {
		CU_ASSERT_EQUAL(memcmp(pointer[given + i], call->output[i], call->code->output[i].bytes),
		                0);
		free(pointer[given + i]);
	}
	for (size_t i = 0; i < given; i++)
		free(input[i]);
}

/* Saves, ruins the block, and restores. */
static void save_and_restore(Object *o)
{
	size_t (*bytes)(void) = (size_t(*)(void))(uintptr_t)object_symbol(o, "save_bytes");
	int32_t (*save)(const void *, void *, size_t) =
	    (int32_t(*)(const void *, void *, size_t))(uintptr_t)object_symbol(o, "save");
	int32_t (*restore)(void *, const void *, size_t) =
	    (int32_t(*)(void *, const void *, size_t))(uintptr_t)object_symbol(o, "restore");
	void *copy = malloc(bytes());
	CU_ASSERT_EQUAL(save(o->block, copy, bytes()), 0);
	memset(o->block, 0xff, o->file.block_bytes);
	CU_ASSERT_EQUAL(object_init(o, o->block, o->file.block_bytes, SEED + 1), 0);
	CU_ASSERT_EQUAL(restore(o->block, copy, bytes()), 0);
	free(copy);
}

/* A function of the graph: the name of it in C. */
static const char *name_in_c(const char *graph)
{
	static const char *const name[][2] = {
	    {"features", "encode"}, {"probe.step", "probe_step"}, {"probe.score", "probe_score"}};
	for (size_t i = 0; i < sizeof name / sizeof *name; i++)
		if (strcmp(graph, name[i][0]) == 0)
			return name[i][1];
	return graph;
}

/* Steps by the function `name` of both, from first values that `init` adds to those of "init", if
 * there is one; at the end `other`. */
static void train_both(Object *o, Engine *e, sslc_program *p, const char *const name[3], int steps)
{
	Failure f;
	Call init, step, other;
	uint32_t random = 1;
	CU_ASSERT_TRUE_FATAL(states_begin(e, SEED, &f));
	if (name[0]) {
		CU_ASSERT_TRUE_FATAL(call_open(&init, e, name[0], &f));
		call_run(&init);
		call_close(&init);
	}
	bool has_other = sslc_has_function(p, name[2]);
	CU_ASSERT_TRUE_FATAL(call_open(&step, e, name[1], &f));
	CU_ASSERT_TRUE_FATAL(!has_other || call_open(&other, e, name[2], &f));
	CU_ASSERT_EQUAL(object_init(o, o->block, o->file.block_bytes, SEED), 0);
	same_states(o, e, p, 0);
	for (int i = 0; i < steps; i++) {
		call_both(o, &step, name_in_c(name[1]), &random);
		e->step++;
		if (i == steps / 2)
			save_and_restore(o);
	}
	if (has_other)
		call_both(o, &other, name_in_c(name[2]), &random);
	same_states(o, e, p, steps);
	call_close(&step);
	if (has_other)
		call_close(&other);
}

/* 100, or as many as take so many operations; all nights all. */
enum { MOST_STEPS = 100, LEAST_STEPS = 2 };
#define MOST_FLOPS 20e9

static int steps_of(sslc_program *p)
{
	sslc_cost cost = {0};
	CU_ASSERT_TRUE(sslc_function_cost(p, "step", &cost));
	double steps = cost.flops > 0 && !every_case_runs() ? MOST_FLOPS / cost.flops : MOST_STEPS;
	return steps > MOST_STEPS ? MOST_STEPS : steps < LEAST_STEPS ? LEAST_STEPS : (int)steps;
}

static void shipped(sslc_program *p, Data *data, const char *other, int threads)
{
	Object o;
	Engine e;
	Failure f;
	const char *const function[] = {"step", strcmp(other, "features") ? other : "encode"};
	const char *const compiled[] = {"init", "step", other};
	sslc_embedding how = {.prefix = "m", .function = function, .count = 2};
	CU_ASSERT_TRUE_FATAL(object_open(&o, p, &how));
	sslc_compile(p, compiled, 3);
	CU_ASSERT_TRUE_FATAL(engine_open(&e, sslc_describe(p), threads, &f));
	train_both(&o, &e, p, (const char *const[]){NULL, "step", other}, steps_of(p));
	engine_close(&e);
	object_close(&o);
	data_close(data);
	sslc_close(p);
}

/* Some models read what a package installs or a script makes: that they are left out is said. */
static sslc_program *open_where_data(const char *path, Data **data)
{
	char whole[512], why[DATA_WHY];
	snprintf(whole, sizeof whole, "%s/%s", SSLC_SOURCE, path);
	sslc_program *p = sslc_open(whole, NULL);
	*data = data_open(sslc_reader(p), NULL, why);
	if (*data) {
		CU_ASSERT_TRUE_FATAL(sslc_bind(p, data_shape(*data)));
		return p;
	}
	fprintf(stderr, "SKIPPED: %s: %s\n", path, why);
	sslc_close(p);
	return NULL;
}

static void shipped_models(void)
{
	glob_t files = {0};
	size_t root = strlen(SSLC_SOURCE) + 1, found = 0;
	CU_ASSERT_EQUAL_FATAL(glob(SSLC_SOURCE "/models/*.json", 0, NULL, &files), 0);
	CU_ASSERT_EQUAL_FATAL(glob(SSLC_SOURCE "/models/*/*.json", GLOB_APPEND, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *path = files.gl_pathv[i] + root;
		if (strncmp(path, "models/lib/", 11) == 0 || !subject_runs())
			continue;
		Data *data;
		sslc_program *p = open_where_data(path, &data);
		if (!p)
			continue;
		shipped(p, data, found % 2 ? "loss" : "features", 1 + (int)(found % 2));
		found++;
	}
	CU_ASSERT(found >= 1);
	globfree(&files);
	Data *data;
	sslc_program *seed = model_open("models/autoencoder.json", &data, NULL);
	shipped(seed, data, "loss", 2);
}

/* What the task's head predicts of a batch: the features times its weights, and the answers that the
 * score calls right. */
static void predictions_are_the_heads(const Object *o)
{
	enum { BATCH = 256, PIXELS = 784, FEATURES = 256, CLASSES = 10 };
	uint8_t *x = malloc(BATCH * PIXELS);
	float *h = malloc(sizeof *h * BATCH * FEATURES), *y = malloc(sizeof *y * BATCH * CLASSES);
	float *w = malloc(sizeof *w * FEATURES * CLASSES), b[CLASSES], metric, right[BATCH];
	int32_t label[BATCH];
	uint32_t random = 9, wrong = 0, count = 0;
	tensor_fill(&(sslc_tensor){.dtype = "u8", .bytes = BATCH * PIXELS}, x, &random);
	for (int i = 0; i < BATCH; i++)
		label[i] = i % CLASSES;
#define CALL(name, ...) object_call(o, name, o->block, (void *[OBJECT_POINTERS]){__VA_ARGS__})
	CU_ASSERT_EQUAL(CALL("encode", x, h), 0);
	CU_ASSERT_EQUAL(CALL("probe_predict", x, y), 0);
	CU_ASSERT_EQUAL(CALL("probe_score", x, label, &metric, right), 0);
#undef CALL
	CU_ASSERT_EQUAL(object_read(o, o->block, object_find(o, "probe.head.0.w"), w,
	                            sizeof *w * FEATURES * CLASSES),
	                0);
	CU_ASSERT_EQUAL(object_read(o, o->block, object_find(o, "probe.head.0.b"), b, sizeof b), 0);
	for (int i = 0; i < BATCH; i++) {
		int best = 0;
		for (int k = 0; k < CLASSES; k++) {
			double sum = b[k];
			for (int f = 0; f < FEATURES; f++)
				sum += (double)h[i * FEATURES + f] * w[f * CLASSES + k];
			wrong += fabs(sum - y[i * CLASSES + k]) > 1e-4 * (1 + fabs(sum));
			best = y[i * CLASSES + k] > y[i * CLASSES + best] ? k : best;
		}
		wrong += (best == label[i]) != (right[i] == 1);
		count += best == label[i];
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_DOUBLE_EQUAL(metric, count / (double)BATCH, 1e-6);
	free(x);
	free(h);
	free(y);
	free(w);
}

/* A task's functions, on networks that are frozen. */
static void tasks_are_trained(void)
{
	static const char *const task[] = {"probe", "encode"};
	static const char *const name[] = {"probe.init", "probe.step", "probe.score"};
	Data *data;
	Object o;
	Engine e;
	Failure f;
	sslc_program *p = model_open("models/vision/denoise-fashion.json", &data, NULL);
	sslc_embedding how = {.prefix = "m", .function = task, .count = 2};
	CU_ASSERT_TRUE_FATAL(object_open(&o, p, &how));
	CU_ASSERT_TRUE_FATAL(engine_open(&e, sslc_describe(p), 1, &f));
	train_both(&o, &e, p, name, 10);
	predictions_are_the_heads(&o);
	CU_ASSERT(object_find(&o, "encoder.1.w") >= 0 && object_find(&o, "decoder.0.w") < 0);
	CU_ASSERT(object_find(&o, "probe.head.0.w") >= 0);
	engine_close(&e);
	object_close(&o);
	data_close(data);
	sslc_close(p);
}

/* -- The runtime over an object ---------------------------------------------------------------- */

/* A model whose functions are an object's: the tables of the program, and C functions that take the
 * engine's states into the block and back. */
typedef struct Driven {
	Object object;
	sslc_model model;
	sslc_code code[3];
} Driven;
static Driven *driven; /* a StepFunction has no other way to know it */

enum { TAKE, GIVE };

static void move_states(unsigned char *states, int direction)
{
	const Object *o = &driven->object;
	int32_t (*move)(void *, uint32_t, void *, size_t) =
	    (int32_t(*)(void *, uint32_t, void *, size_t))(uintptr_t)object_symbol(
	        o, direction == TAKE ? "write" : "read");
	for (size_t i = 0; i < driven->model.state_count; i++) {
		const sslc_state *s = &driven->model.state[i];
		int32_t number = object_find(o, s->tensor.name);
		if (number >= 0)
			CU_ASSERT_EQUAL(move(o->block, (uint32_t)number, states + s->offset, s->tensor.bytes),
			                0);
	}
}

static const void *input_of(const StepBlock *b, const sslc_code *code, const char *name)
{
	for (size_t i = 0; i < code->input_count; i++)
		if (strcmp(code->input[i].name, name) == 0)
			return b->inputs[i];
	return NULL;
}

static void driven_init(const StepBlock *b)
{
	const Object *o = &driven->object;
	const uint32_t *seed = input_of(b, &driven->code[0], "seed");
	CU_ASSERT_EQUAL(object_init(o, o->block, o->file.block_bytes, seed[0]), 0);
	move_states(b->states, GIVE);
}

static void driven_call(const StepBlock *b, const sslc_code *code, const char *name)
{
	void *x = (void *)(uintptr_t)input_of(b, code, "x");
	move_states(b->states, TAKE);
	CU_ASSERT_EQUAL(object_call(&driven->object, name, driven->object.block,
	                            (void *[OBJECT_POINTERS]){x, b->outputs[0]}),
	                0);
	move_states(b->states, GIVE);
}

static void driven_step(const StepBlock *b)
{
	driven_call(b, &driven->code[1], "step");
}

static void driven_features(const StepBlock *b)
{
	driven_call(b, &driven->code[2], "encode");
}

static void drive(Driven *d, sslc_program *p)
{
	static const char *const name[] = {"init", "step", "features"};
	static const StepFunction call[] = {driven_init, driven_step, driven_features};
	*d = (Driven){.model = *sslc_describe(p)};
	CU_ASSERT_TRUE_FATAL(object_open(&d->object, p, &(sslc_embedding){.prefix = "m"}));
	for (int i = 0; i < 3; i++) {
		d->code[i] = *sslc_function(p, name[i]); /* for its inputs and outputs */
		d->code[i].call = call[i];
	}
	d->model.code = d->code;
	d->model.code_count = 3;
	d->model.prepare = NULL;
	driven = d;
}

/* Trains in a folder to `steps` (0: the end), from its checkpoint if there is one, and writes
 * features. */
static void train_in(Scratch *folder, const sslc_model *model, const Data *data, int64_t steps,
                     bool resume)
{
	TrainOptions o = {.directory = folder->folder, .resume = resume, .quiet = true, .seed = SEED};
	Engine e;
	Position at;
	Failure f = {0};
	Watch watch = {0};
	o.epochs = model->pretraining.epochs;
	o.steps = steps;
	o.save_every = 1e9; /* at the end only */
	CU_ASSERT_TRUE_FATAL(engine_open(&e, model, 1, &f));
	CU_ASSERT_TRUE_FATAL(train_begin(&e, data, &o, &at, &f));
	CU_ASSERT_TRUE(train(&e, data, &o, &watch, &at, &f));
	CU_ASSERT_TRUE(
	    features_write(&e, data, SPLIT_TRAIN, scratch_path(folder, "features.npy"), &watch, &f));
	engine_close(&e);
}

static void same_file(Scratch *a, Scratch *b, const char *name)
{
	size_t size = 0;
	unsigned char *bytes = file_get(scratch_path(a, name), &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_TRUE(file_holds(scratch_path(b, name), bytes, size));
	free(bytes);
}

/* The loop, checkpoints and features of the runtime over an object and over the JIT: files of the
 * same bytes, and the JIT goes on from a checkpoint of the object. */
static void runtime_drives_objects(void)
{
	Data *data;
	Driven d;
	Scratch jit, object, both;
	sslc_program *p = model_open("models/autoencoder.json", &data, NULL);
	drive(&d, p);
	scratch_open(&jit);
	scratch_open(&object);
	scratch_open(&both);
	train_in(&jit, sslc_describe(p), data, 0, false);
	train_in(&object, &d.model, data, 0, false);
	train_in(&both, &d.model, data, 40, false);
	train_in(&both, sslc_describe(p), data, 0, true);
	same_file(&jit, &object, CHECKPOINT);
	same_file(&jit, &object, "features.npy");
	same_file(&jit, &both, CHECKPOINT);
	same_file(&jit, &both, "features.npy");
	scratch_close(&jit);
	scratch_close(&object);
	scratch_close(&both);
	object_close(&d.object);
	data_close(data);
	sslc_close(p);
}

/* -- Variants ---------------------------------------------------------------------------------- */

/* The level that the compiler of the tests finds. */
static unsigned level_here(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl"))
		return 4;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
	    __builtin_cpu_supports("fma"))
		return 3;
	return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt") ? 2 : 1;
#else
	return 0;
#endif
}

/* Of an object for all levels, the code of this processor's is chosen: its bits are those of the
 * JIT's for it. */
static void best_variant(void)
{
	static const char *const LEVEL[] = {"x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
	Data *data;
	Object o;
	Engine e;
	Failure f;
	char why[DATA_WHY], path[512];
	unsigned level = level_here();
	if (!level)
		return;
	CU_ASSERT_EQUAL(embed_x86_level(), level);
	snprintf(path, sizeof path, "%s/models/autoencoder.json", SSLC_SOURCE);
	sslc_program *p = sslc_open(path, &(sslc_options){.cpu = LEVEL[level - 1]}),
	             *all = sslc_open(path, &(sslc_options){.cpu = LEVEL[0]});
	data = data_open(sslc_reader(p), NULL, why);
	CU_ASSERT_TRUE_FATAL(sslc_bind(p, data_shape(data)) && sslc_bind(all, data_shape(data)));
	sslc_embedding how = {.prefix = "m", .cpu = LEVEL + 1, .cpus = 3};
	CU_ASSERT_TRUE_FATAL(object_open(&o, all, &how));
	CU_ASSERT_TRUE_FATAL(engine_open(&e, sslc_describe(p), 1, &f));
	train_both(&o, &e, p, (const char *const[]){NULL, "step", "features"}, 20);
	engine_close(&e);
	object_close(&o);
	sslc_close(all);
	sslc_close(p);
	data_close(data);
}

CU_TestInfo test_object[] = {
    {"shipped models are trained alike", shipped_models},
    {"tasks are trained alike", tasks_are_trained},
    {"the runtime drives objects", runtime_drives_objects},
    {"the best variant is chosen", best_variant},
    CU_TEST_INFO_NULL,
};
