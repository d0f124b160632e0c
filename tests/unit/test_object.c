/* test_object.c: an emitted object does what the JIT does: from the same seed, on the same batches,
 * step for step to the same bits, for every shipped model; alone and with a pool of threads; saved
 * and restored half way. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "../../compiler/sslc.h"
#include "../../runtime/embed/x86.h"
#include "../../runtime/train/train.h"
#include "scratch.h"

enum { MOST_POINTERS = 8, SEED = 7 };

typedef struct Object { /* loaded into this process */
	void *handle;
	const char *prefix;
	unsigned char *block;
	sslc_embedded file;
} Object;

/* Whatever a function takes, more pointers than it wants do no harm to any calling convention that
 * we run the tests on. */
typedef int32_t (*Function)(void *block, void *, void *, void *, void *, void *, void *, void *);

static void *symbol(const Object *o, const char *name)
{
	char whole[256];
	snprintf(whole, sizeof whole, "%s_%s", o->prefix, name);
	return dlsym(o->handle, whole);
}

/* Linked by the system's compiler, as a user would. */
static bool object_open(Object *o, sslc_program *p, const sslc_embedding *how)
{
	Scratch s;
	char object[512], library[512], command[1200];
	*o = (Object){.prefix = how->prefix};
	if (!sslc_embed(p, how, &o->file))
		return false;
	scratch_open(&s);
	snprintf(object, sizeof object, "%s", scratch_path(&s, "m.o"));
	snprintf(library, sizeof library, "%s", scratch_path(&s, "m.so"));
	snprintf(command, sizeof command, "cc -shared -nostdlib -o %s %s", library, object);
	bool good = file_put(object, o->file.object, o->file.object_bytes) && system(command) == 0;
	o->handle = good ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : NULL;
	scratch_close(&s);
	o->block = aligned_alloc(64, (o->file.block_bytes + 63) / 64 * 64);
	return o->handle && o->block;
}

static void object_close(Object *o)
{
	if (o->handle)
		dlclose(o->handle);
	free(o->block);
	sslc_embedded_free(&o->file);
}

static int32_t object_init(Object *o, uint32_t seed)
{
	int32_t (*init)(void *, size_t, uint32_t, uint32_t) =
	    (int32_t(*)(void *, size_t, uint32_t, uint32_t))(uintptr_t)symbol(o, "init");
	return init(o->block, o->file.block_bytes, seed, 0);
}

/* Every state that the object has is the engine's, bit for bit. */
static void same_states(const Object *o, const Engine *e, const sslc_program *p, int at)
{
	int32_t (*find)(const char *) = (int32_t(*)(const char *))(uintptr_t)symbol(o, "find");
	int32_t (*read)(const void *, uint32_t, void *, size_t) =
	    (int32_t(*)(const void *, uint32_t, void *, size_t))(uintptr_t)symbol(o, "read");
	size_t count, found = 0;
	const sslc_state *state = sslc_states(p, &count);
	for (size_t i = 0; i < count; i++) {
		int32_t number = find(state[i].tensor.name);
		if (number < 0)
			continue;
		unsigned char *copy = malloc(state[i].tensor.bytes + 1);
		CU_ASSERT_EQUAL(read(o->block, (uint32_t)number, copy, state[i].tensor.bytes), 0);
		bool same = memcmp(copy, engine_state(e, &state[i]), state[i].tensor.bytes) == 0;
		CU_ASSERT_TRUE(same);
		if (!same)
			fprintf(stderr, "after %d steps: %s differs\n", at, state[i].tensor.name);
		free(copy);
		found++;
	}
	CU_ASSERT_EQUAL(found, o->file.tensors);
}

/* Numbers in [0, 1), or small whole ones. */
static void fill(const sslc_tensor *t, void *to, uint32_t *random)
{
	size_t size = strcmp(t->dtype, "u8") == 0 || strcmp(t->dtype, "bool") == 0 ? 1 : 4;
	for (size_t i = 0; i < t->bytes / size; i++) {
		*random = *random * 1664525u + 1013904223u;
		if (size == 1)
			((uint8_t *)to)[i] = (uint8_t)(*random >> 24);
		else if (strcmp(t->dtype, "i32") == 0)
			((int32_t *)to)[i] = (int32_t)(*random >> 30);
		else
			((float *)to)[i] = (float)(*random >> 8) / (float)(1 << 24);
	}
}

/* One call of both on the same new inputs; outputs have the same bits. */
static void call_both(Object *o, Call *call, const char *name, uint32_t *random)
{
	void *pointer[MOST_POINTERS] = {0}, *input[MOST_POINTERS] = {0};
	size_t given = 0, outputs = call->code->output_count;
	for (size_t i = 0; i < call->code->input_count; i++) {
		const sslc_tensor *t = &call->code->input[i];
		if (strcmp(t->name, "seed") == 0 || strcmp(t->name, "step") == 0)
			continue;
		input[given] = aligned_alloc(64, (t->bytes + 63) / 64 * 64);
		fill(t, input[given], random);
		call_input(call, t->name, input[given]);
		pointer[given] = input[given];
		given++;
	}
	for (size_t i = 0; i < outputs && given + i < MOST_POINTERS - 1; i++)
		pointer[given + i] = malloc(call->code->output[i].bytes + 1);
	call_run(call);
	Function f = (Function)(uintptr_t)symbol(o, name);
	CU_ASSERT_EQUAL(f(o->block, pointer[0], pointer[1], pointer[2], pointer[3], pointer[4],
	                  pointer[5], pointer[6]),
	                0);
	for (size_t i = 0; i < outputs && given + i < MOST_POINTERS - 1; i++) {
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
	size_t (*bytes)(void) = (size_t(*)(void))(uintptr_t)symbol(o, "save_bytes");
	int32_t (*save)(const void *, void *, size_t) =
	    (int32_t(*)(const void *, void *, size_t))(uintptr_t)symbol(o, "save");
	int32_t (*restore)(void *, const void *, size_t) =
	    (int32_t(*)(void *, const void *, size_t))(uintptr_t)symbol(o, "restore");
	void *copy = malloc(bytes());
	CU_ASSERT_EQUAL(save(o->block, copy, bytes()), 0);
	memset(o->block, 0xff, o->file.block_bytes);
	CU_ASSERT_EQUAL(object_init(o, SEED + 1), 0);
	CU_ASSERT_EQUAL(restore(o->block, copy, bytes()), 0);
	free(copy);
}

/* The functions `step` and `other` of both, in turn. */
static void train_both(Object *o, Engine *e, sslc_program *p, const char *other, int steps)
{
	Failure f;
	Call step, second;
	uint32_t random = 1;
	bool has_other = sslc_has_function(p, other);
	CU_ASSERT_TRUE_FATAL(states_begin(e, SEED, &f));
	CU_ASSERT_TRUE_FATAL(call_open(&step, e, "step", &f));
	CU_ASSERT_TRUE_FATAL(!has_other || call_open(&second, e, other, &f));
	CU_ASSERT_EQUAL(object_init(o, SEED), 0);
	same_states(o, e, p, 0);
	for (int i = 0; i < steps; i++) {
		call_both(o, &step, "step", &random);
		e->step++;
		if (i == steps / 2)
			save_and_restore(o);
	}
	if (has_other)
		call_both(o, &second, strcmp(other, "features") == 0 ? "encode" : other, &random);
	same_states(o, e, p, steps);
	call_close(&step);
	if (has_other)
		call_close(&second);
}

static sslc_program *model_open(const char *name, Data **data)
{
	char path[512], why[DATA_WHY];
	snprintf(path, sizeof path, "%s/models/%s", SSLC_SOURCE, name);
	sslc_program *p = sslc_open(path, NULL);
	*data = data_open(sslc_reader(p), NULL, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*data);
	CU_ASSERT_TRUE_FATAL(sslc_bind(p, data_shape(*data)));
	return p;
}

static void shipped(const char *name, const char *other, int steps, int threads)
{
	Data *data;
	Object o;
	Engine e;
	Failure f;
	sslc_program *p = model_open(name, &data);
	CU_ASSERT_TRUE_FATAL(object_open(&o, p, &(sslc_embedding){.prefix = "m"}));
	CU_ASSERT_TRUE_FATAL(engine_open(&e, sslc_describe(p), threads, &f));
	train_both(&o, &e, p, other, steps);
	engine_close(&e);
	object_close(&o);
	data_close(data);
	sslc_close(p);
}

static void shipped_models(void)
{
	shipped("autoencoder.json", "features", 100, 1);
	shipped("autoencoder.json", "loss", 10, 2);
	static const char *const VISION[] = {"byol-fashion.json", "denoise-fashion.json",
	                                     "masked-fashion.json", "simclr-fashion.json",
	                                     "vicreg-fashion.json"};
	for (size_t i = 0; i < sizeof VISION / sizeof *VISION; i++) {
		char path[128];
		snprintf(path, sizeof path, "vision/%s", VISION[i]);
		shipped(path, i % 2 ? "loss" : "features", 3, 1 + (int)(i % 2));
	}
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
	int32_t (*find)(const char *) = (int32_t(*)(const char *))(uintptr_t)symbol(o, "find");
	int32_t (*move)(void *, uint32_t, void *, size_t) =
	    (int32_t(*)(void *, uint32_t, void *, size_t))(uintptr_t)symbol(
	        o, direction == TAKE ? "write" : "read");
	for (size_t i = 0; i < driven->model.state_count; i++) {
		const sslc_state *s = &driven->model.state[i];
		int32_t number = find(s->tensor.name);
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
	const uint32_t *seed = input_of(b, &driven->code[0], "seed");
	CU_ASSERT_EQUAL(object_init(&driven->object, seed[0]), 0);
	move_states(b->states, GIVE);
}

static void driven_call(const StepBlock *b, const sslc_code *code, const char *name)
{
	Function f = (Function)(uintptr_t)symbol(&driven->object, name);
	void *x = (void *)(uintptr_t)input_of(b, code, "x");
	move_states(b->states, TAKE);
	CU_ASSERT_EQUAL(f(driven->object.block, x, b->outputs[0], NULL, NULL, NULL, NULL, NULL), 0);
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
	sslc_program *p = model_open("autoencoder.json", &data);
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
	return __builtin_cpu_supports("x86-64-v4")   ? 4
	       : __builtin_cpu_supports("x86-64-v3") ? 3
	       : __builtin_cpu_supports("x86-64-v2") ? 2
	                                             : 1;
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
	train_both(&o, &e, p, "features", 20);
	engine_close(&e);
	object_close(&o);
	sslc_close(all);
	sslc_close(p);
	data_close(data);
}

CU_TestInfo test_object[] = {
    {"shipped models are trained alike", shipped_models},
    {"the runtime drives objects", runtime_drives_objects},
    {"the best variant is chosen", best_variant},
    CU_TEST_INFO_NULL,
};
