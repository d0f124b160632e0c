/* test_object_calls.c: what an object promises beside the JIT's bits (test_object.c): no state of its
 * own, the same bits in any order of tiles and on any threads, callers that compute as before, frozen
 * networks, batches of one, tasks, two models in one program, and blocks that are refused and left as
 * they were.
 *
 * Truths: a second model in which the optimizer leaves the weights alone; each sample of a batch by
 * itself; the object in another order; the file's own section headers. */
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "../../runtime/embed/embed.h"
#include "object.h"

enum { STEPS = 12, BATCH = 8, WIDTH = 16, FEATURES = 6 };

/* A denoising autoencoder: random numbers and dropout, so that the seed and the step matter. */
#define MODEL(optimizer, more)                                                                     \
	"{\"data\": \"normal(64, 16)\", \"encoder\": [\"linear(6)\", \"tanh\"], \"decoder\": "         \
	"[\"linear(16)\"], \"define\": {\"only_decoder(w, g)\": \"if(dim(w, -1) == 6, w, adam(w, g, "  \
	"lr=0.01))\"}, \"loss\": \"mse(decoder(encoder(x + 0.1 * normal(shape(x)))), x)\", "           \
	"\"optimizer\": \"" optimizer "\", \"train\": {\"batch\": 8}" more "}"
#define SMALL MODEL("adam(lr=0.01)", "")

/* Two tasks beside it, whose learning rates fall to zero. */
#define TASK(name, rate)                                                                           \
	"\"" name "\": {\"head\": [\"dropout(0.2)\", \"linear(16)\"], \"loss\": "                      \
	"\"mse(head(encoder(x)), x)\", \"optimizer\": \"adam(lr=cosine(" rate "))\", \"train\": "      \
	"{\"epochs\": 2, \"batch\": 8}}"
#define WITH_TASKS                                                                                 \
	MODEL("adam(lr=cosine(0.01))",                                                                 \
	      ", \"downstream\": {" TASK("one", "0.1") ", " TASK("two", "0.2") "}")

typedef struct Opened {
	sslc_program *program;
	Data *data;
	Object object;
} Opened;

static void open_model(Opened *o, const char *text, const sslc_options *options,
                       const sslc_embedding *how)
{
	char why[DATA_WHY];
	*o = (Opened){.program = sslc_open_text("model.json", text, strlen(text), options)};
	sslc_print_errors(o->program, stderr, false);
	o->data = data_open(sslc_reader(o->program), NULL, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o->data);
	sslc_data shape = *data_shape(o->data);
	shape.test_count = shape.test_count ? shape.test_count : BATCH; /* what tasks ask for */
	CU_ASSERT_TRUE_FATAL(sslc_bind(o->program, &shape));
	sslc_embedding embedding = how ? *how : (sslc_embedding){0};
	embedding.prefix = embedding.prefix ? embedding.prefix : "m";
	CU_ASSERT_TRUE_FATAL(object_open(&o->object, o->program, &embedding));
}

static void close_model(Opened *o)
{
	object_close(&o->object);
	data_close(o->data);
	sslc_close(o->program);
}

static void random_batch(float *x, size_t count, uint32_t *random)
{
	sslc_tensor t = {.dtype = "f32", .bytes = count * sizeof *x};
	tensor_fill(&t, x, random);
}

static int32_t init(const Object *o, void *block, uint32_t seed)
{
	return object_init(o, block, o->file.block_bytes, seed);
}

static int32_t parallel(const Object *o, void *block, void *pool, StepParallel run)
{
	int32_t (*set)(void *, void *, StepParallel) =
	    (int32_t(*)(void *, void *, StepParallel))(uintptr_t)object_symbol(o, "parallel");
	return set(block, pool, run);
}

/* Steps on batches that depend on the seed alone, from the block's present state. */
static void train_steps(const Object *o, void *block, uint32_t seed, size_t count, int steps)
{
	float *x = malloc(count * sizeof *x), loss = 0;
	for (int i = 0; i < steps; i++) {
		random_batch(x, count, &seed);
		CU_ASSERT_EQUAL(object_call(o, "step", block, (void *[OBJECT_POINTERS]){x, &loss}), 0);
		CU_ASSERT(loss > 0 && loss < 100);
	}
	free(x);
}

static const unsigned char *states_of(const unsigned char *block)
{
	return block + EMBED_HEAD;
}

static bool same_states(const Object *o, const unsigned char *a, const unsigned char *b)
{
	return memcmp(states_of(a), states_of(b), o->file.states_bytes) == 0;
}

/* -- No state of its own ----------------------------------------------------------------------- */

/* What is allocated and written to in a program that holds the object: nothing but the addresses that
 * a loader puts into constant tables. */
static void nothing_is_written(void)
{
	Opened m;
	open_model(&m, SMALL, NULL, NULL);
	const char *file = m.object.file.object;
	Elf64_Ehdr head;
	memcpy(&head, file, sizeof head);
	CU_ASSERT_EQUAL_FATAL(head.e_ident[EI_CLASS], ELFCLASS64);
	size_t names = 0, seen = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < head.e_shnum; i++) {
			Elf64_Shdr s;
			memcpy(&s, file + head.e_shoff + i * head.e_shentsize, sizeof s);
			if (i == head.e_shstrndx)
				names = s.sh_offset;
			const char *name = file + names + s.sh_name;
			if (!pass || !(s.sh_flags & SHF_ALLOC) || !s.sh_size)
				continue;
			seen++;
			if ((s.sh_flags & SHF_WRITE) && strncmp(name, ".data.rel.ro", 12) != 0)
				CU_FAIL(name);
		}
	CU_ASSERT(seen >= 3);
	close_model(&m);
}

typedef struct Worker {
	const Object *object;
	unsigned char *block;
	pthread_barrier_t *together;
	uint32_t seed;
} Worker;

static void *work(void *worker)
{
	const Worker *w = worker;
	pthread_barrier_wait(w->together);
	train_steps(w->object, w->block, w->seed, BATCH * WIDTH, 20 * STEPS);
	return NULL;
}

/* Two threads, each with a block of its own, do what each does alone. */
static void threads_have_blocks_of_their_own(void)
{
	enum { THREADS = 2 };
	Opened m;
	Worker worker[THREADS];
	pthread_t thread[THREADS];
	pthread_barrier_t together;
	open_model(&m, SMALL, NULL, NULL);
	pthread_barrier_init(&together, NULL, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		worker[i] = (Worker){&m.object, object_block(&m.object), &together, 10 + i};
		CU_ASSERT_EQUAL(init(&m.object, worker[i].block, worker[i].seed), 0);
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CU_ASSERT_EQUAL(init(&m.object, m.object.block, worker[i].seed), 0);
		train_steps(&m.object, m.object.block, worker[i].seed, BATCH * WIDTH, 20 * STEPS);
		CU_ASSERT(same_states(&m.object, m.object.block, worker[i].block));
	}
	CU_ASSERT_FALSE(same_states(&m.object, worker[0].block, worker[1].block));
	for (int i = 0; i < THREADS; i++)
		free(worker[i].block);
	pthread_barrier_destroy(&together);
	close_model(&m);
}

/* -- The hook ---------------------------------------------------------------------------------- */

typedef struct Hook {
	int calls, with_many; /* kernels, and those of more than one tile */
	ptrdiff_t apart;      /* tiles of a range */
} Hook;

/* The last tiles first. */
static void backwards(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	Hook *h = pool;
	h->calls++;
	h->with_many += tiles > 1;
	for (ptrdiff_t end = tiles; end > 0; end -= h->apart)
		task(args, end > h->apart ? end - h->apart : 0, end);
}

/* A model that is large enough to be cut into tiles: convolutions, statistics of a batch, products. */
#define TILED                                                                                      \
	"{\"data\": \"normal(64, 1024)\", \"define\": {\"image(x)\": \"reshape(x, [batch, 32, 32, "    \
	"1])\"}, "                                                                                     \
	"\"encoder\": [\"image\", \"conv(8, 3, stride=2)\", \"batch_norm\", \"relu\", \"conv(16, 3, "  \
	"stride=2)\", \"gelu\", \"flatten\", \"linear(64)\"], \"decoder\": [\"linear(1024)\"], "       \
	"\"loss\": \"mse(decoder(encoder(x + 0.1 * normal(shape(x)))), x)\", \"optimizer\": "          \
	"\"adamw(lr=0.001)\", \"train\": {\"batch\": 32}}"

static void any_order_of_tiles(void)
{
	enum { TILED_STEPS = 3, TILED_BATCH = 32 * 1024 };
	Opened m;
	open_model(&m, TILED, NULL, NULL);
	const Object *o = &m.object;
	unsigned char *other = object_block(o);
	CU_ASSERT_EQUAL(init(o, o->block, 5), 0);
	train_steps(o, o->block, 5, TILED_BATCH, TILED_STEPS);
	for (ptrdiff_t apart = 1; apart <= 3; apart += 2) {
		Hook h = {.apart = apart};
		CU_ASSERT_EQUAL(init(o, other, 5), 0);
		CU_ASSERT_EQUAL(parallel(o, other, &h, backwards), 0);
		train_steps(o, other, 5, TILED_BATCH, TILED_STEPS);
		CU_ASSERT(same_states(o, o->block, other));
		CU_ASSERT(h.calls >= TILED_STEPS && h.with_many >= TILED_STEPS);
	}
	for (int threads = 1; threads <= 3; threads++) {
		Pool *pool = pool_open(threads);
		CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
		CU_ASSERT_EQUAL(init(o, other, 5), 0);
		CU_ASSERT_EQUAL(parallel(o, other, pool, pool_parallel), 0);
		train_steps(o, other, 5, TILED_BATCH, TILED_STEPS);
		CU_ASSERT(same_states(o, o->block, other));
		pool_close(pool);
	}
	free(other);
	close_model(&m);
}

/* Numbers whose product no normal number is near, in several tiles. */
#define TINY                                                                                       \
	"{\"data\": \"normal(1024, 256)\", \"define\": {\"tiny(x)\": \"(x - x + 1e-30) * 1e-10\"}, "   \
	"\"encoder\": [\"tiny\"], \"decoder\": [\"linear(256)\"], \"loss\": "                          \
	"\"mse(decoder(encoder(x)), x)\", \"train\": {\"batch\": 1024}}"

typedef struct Mode {
	volatile float x, y;
	StepTask task; /* NULL: no more */
	void *args;
	ptrdiff_t tiles;
	pthread_barrier_t turn;
	int jobs, kept; /* after which the product is as it was before */
} Mode;

static bool keeps_subnormals(const Mode *m)
{
	return m->x * m->y > 0;
}

/* Another thread, which does all tiles. */
static void *helper(void *mode)
{
	Mode *m = mode;
	while (pthread_barrier_wait(&m->turn), m->task) {
		m->task(m->args, 0, m->tiles);
		m->jobs++;
		m->kept += keeps_subnormals(m);
		pthread_barrier_wait(&m->turn);
	}
	return NULL;
}

static void elsewhere(void *mode, StepTask task, void *args, ptrdiff_t tiles)
{
	Mode *m = mode;
	m->task = task, m->args = args, m->tiles = tiles;
	pthread_barrier_wait(&m->turn);
	pthread_barrier_wait(&m->turn);
}

/* What is too small to be normal is zero on x86-64, with and without a hook, and only inside. */
static void small_results_are_flushed(void)
{
	enum { COUNT_OF = 1024 * 256 };
	Opened m;
	Mode mode = {.x = 1e-30F, .y = 1e-10F};
	pthread_t thread;
	float *x = calloc(COUNT_OF, sizeof *x), *out = malloc(COUNT_OF * sizeof *out), want = 1e-40F;
#ifdef __x86_64__
	want = 0;
#endif
	open_model(&m, TINY, NULL, NULL);
	const Object *o = &m.object;
	CU_ASSERT_EQUAL(init(o, o->block, 1), 0);
	pthread_barrier_init(&mode.turn, NULL, 2);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, helper, &mode), 0);
	for (int hooked = 0; hooked < 2; hooked++) {
		if (hooked)
			CU_ASSERT_EQUAL(parallel(o, o->block, &mode, elsewhere), 0);
		memset(out, 0xff, COUNT_OF * sizeof *out);
		CU_ASSERT_EQUAL(object_call(o, "encode", o->block, (void *[OBJECT_POINTERS]){x, out}), 0);
		int wrong = 0;
		for (int i = 0; i < COUNT_OF; i++)
			wrong += !(out[i] == want);
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT(keeps_subnormals(&mode));
	}
	mode.task = NULL;
	pthread_barrier_wait(&mode.turn);
	pthread_join(thread, NULL);
	CU_ASSERT(mode.jobs > 0);
	CU_ASSERT_EQUAL(mode.kept, mode.jobs);
	pthread_barrier_destroy(&mode.turn);
	free(x);
	free(out);
	close_model(&m);
}

/* -- Options ----------------------------------------------------------------------------------- */

/* The number of the tensor, and its elements. */
static int32_t tensor(const Object *o, const unsigned char *block, const char *name, float *to,
                      size_t count)
{
	int32_t number = object_find(o, name);
	if (number >= 0)
		CU_ASSERT_EQUAL(object_read(o, block, number, to, count * sizeof *to), 0);
	return number;
}

/* A call of both, as the next step of a training that began with the engine's step 0. */
static void step_both(Opened *m, Engine *e, const char *graph, const char *in_c, uint32_t *random)
{
	Failure f;
	Call call;
	float x[BATCH * WIDTH], loss = 0;
	random_batch(x, BATCH * WIDTH, random);
	CU_ASSERT_TRUE_FATAL(call_open(&call, e, graph, &f));
	CU_ASSERT_TRUE(call_input(&call, "x", x));
	call_run(&call);
	void *pointer[OBJECT_POINTERS] = {x, &loss};
	CU_ASSERT_EQUAL(object_call(&m->object, in_c, m->object.block, pointer), 0);
	CU_ASSERT_EQUAL((double)loss, call_scalar(&call, "loss"));
	call_close(&call);
	e->step++;
}

/* Pre-training and each task count their own steps, as in sslc run: what a learning rate, Adam and
 * random numbers depend on. Turn about, and after a block was restored. */
static void trainings_count_their_own_steps(void)
{
	static const char *const chosen[] = {"step", "one", "two"},
	                         *const graph[] = {"step", "one.step", "two.step"},
	                         *const in_c[] = {"step", "one_step", "two_step"};
	enum { TRAININGS = 3, EACH = 5 };
	Opened m;
	Engine e;
	Failure f;
	uint32_t random = 1;
	int32_t done[TRAININGS] = {0};
	open_model(&m, WITH_TASKS, NULL, &(sslc_embedding){.function = chosen, .count = TRAININGS});
	const Object *o = &m.object;
	CU_ASSERT_TRUE_FATAL(engine_open(&e, sslc_describe(m.program), 1, &f));
	CU_ASSERT_TRUE_FATAL(states_begin(&e, 1, &f));
	for (int t = 1; t < TRAININGS; t++) {
		Call first;
		CU_ASSERT_TRUE_FATAL(call_open(&first, &e, t == 1 ? "one.init" : "two.init", &f));
		call_run(&first);
		call_close(&first);
	}
	CU_ASSERT_EQUAL(init(o, o->block, 1), 0);
	size_t (*bytes)(void) = (size_t(*)(void))(uintptr_t)object_symbol(o, "save_bytes");
	int32_t (*save)(void *, void *, size_t) =
	    (int32_t(*)(void *, void *, size_t))(uintptr_t)object_symbol(o, "save");
	int32_t (*restore)(void *, void *, size_t) =
	    (int32_t(*)(void *, void *, size_t))(uintptr_t)object_symbol(o, "restore");
	int32_t (*steps)(void *) = (int32_t(*)(void *))(uintptr_t)object_symbol(o, "steps");
	void *saved = malloc(bytes());
	for (int i = 0; i < EACH * TRAININGS; i++) {
		int t = i % 7 % TRAININGS;
		e.step = done[t]++;
		step_both(&m, &e, graph[t], in_c[t], &random);
		CU_ASSERT_EQUAL(steps(o->block), i + 1);
		if (i % 4 == 0) {
			CU_ASSERT_EQUAL(save(o->block, saved, bytes()), 0);
			CU_ASSERT_EQUAL(init(o, o->block, 2), 0);
			CU_ASSERT_EQUAL(steps(o->block), 0);
			CU_ASSERT_EQUAL(restore(o->block, saved, bytes()), 0);
		}
	}
	free(saved);
	engine_close(&e);
	close_model(&m);
}

/* A frozen network keeps its bits, and the others get those of a model whose optimizer passes the
 * frozen one over. */
static void frozen_networks_stay(void)
{
	enum { WEIGHTS = WIDTH * FEATURES };
	static const char *const name[] = {"encoder.0.w", "decoder.0.w"};
	Opened frozen, skipped;
	open_model(&frozen, SMALL, &(sslc_options){.freeze = "encoder"}, NULL);
	open_model(&skipped, MODEL("only_decoder", ""), NULL, NULL);
	float first[2][WEIGHTS], last[2][WEIGHTS], other[2][WEIGHTS];
	CU_ASSERT_EQUAL(init(&frozen.object, frozen.object.block, 3), 0);
	CU_ASSERT_EQUAL(init(&skipped.object, skipped.object.block, 3), 0);
	for (int i = 0; i < 2; i++)
		CU_ASSERT(tensor(&frozen.object, frozen.object.block, name[i], first[i], WEIGHTS) >= 0);
	train_steps(&frozen.object, frozen.object.block, 9, BATCH * WIDTH, STEPS);
	train_steps(&skipped.object, skipped.object.block, 9, BATCH * WIDTH, STEPS);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT(tensor(&frozen.object, frozen.object.block, name[i], last[i], WEIGHTS) >= 0);
		CU_ASSERT(tensor(&skipped.object, skipped.object.block, name[i], other[i], WEIGHTS) >= 0);
	}
	CU_ASSERT_EQUAL(memcmp(first[0], last[0], sizeof *first), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first[1], last[1], sizeof *first), 0);
	CU_ASSERT_EQUAL(memcmp(last, other, sizeof last), 0);
	/* and nothing is kept to train it with */
	CU_ASSERT(object_find(&frozen.object, "optimizer.encoder.0.w.m") < 0);
	CU_ASSERT(frozen.object.file.states_bytes < 4 * 4 * WEIGHTS + 2048);
	close_model(&frozen);
	close_model(&skipped);
}

/* An object for batches of one: each sample has the features that it has in a batch. */
static void batches_of_one(void)
{
	Opened one, many;
	uint32_t random = 4;
	float x[BATCH][WIDTH], together[BATCH][FEATURES], alone[FEATURES];
	open_model(&one, SMALL, &(sslc_options){.batch = 1}, NULL);
	open_model(&many, SMALL, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(one.object.file.header, "M_STEP_X_COUNT 16 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(many.object.file.header, "M_STEP_X_COUNT 128 "));
	CU_ASSERT(one.object.file.block_bytes < many.object.file.block_bytes);
	CU_ASSERT_EQUAL(init(&one.object, one.object.block, 6), 0);
	CU_ASSERT_EQUAL(init(&many.object, many.object.block, 6), 0);
	random_batch(*x, BATCH * WIDTH, &random);
	CU_ASSERT_EQUAL(object_call(&many.object, "encode", many.object.block,
	                            (void *[OBJECT_POINTERS]){x, together}),
	                0);
	for (int i = 0; i < BATCH; i++) {
		CU_ASSERT_EQUAL(object_call(&one.object, "encode", one.object.block,
		                            (void *[OBJECT_POINTERS]){x[i], alone}),
		                0);
		for (int k = 0; k < FEATURES; k++)
			CU_ASSERT_DOUBLE_EQUAL(alone[k], together[i][k], 1e-6);
	}
	train_steps(&one.object, one.object.block, 8, WIDTH, 50);
	close_model(&one);
	close_model(&many);
}

/* -- Two models in one program ----------------------------------------------------------------- */

/* Objects of other prefixes have no symbol in common, so both fit into one program: linked together
 * they train to the bits that each has alone. */
static void two_models_in_one_program(void)
{
	Opened model[2];
	static const char *const text[] = {SMALL, TILED}, *const prefix[] = {"a", "b"};
	static const size_t count[] = {BATCH * WIDTH, 32 * 1024};
	for (int i = 0; i < 2; i++)
		open_model(&model[i], text[i], NULL, &(sslc_embedding){.prefix = prefix[i]});
	void *handle = object_link(
	    (const sslc_embedded *const[]){&model[0].object.file, &model[1].object.file}, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(handle);
	for (int i = 0; i < 2; i++) {
		const Object *alone = &model[i].object;
		Object both = {.handle = handle, .prefix = prefix[i], .file = alone->file};
		both.block = object_block(alone);
		CU_ASSERT_EQUAL(init(alone, alone->block, 2), 0);
		CU_ASSERT_EQUAL(init(&both, both.block, 2), 0);
		train_steps(alone, alone->block, 1, count[i], 2);
		train_steps(&both, both.block, 1, count[i], 2);
		CU_ASSERT(same_states(alone, alone->block, both.block));
		free(both.block);
	}
	dlclose(handle);
	for (int i = 0; i < 2; i++)
		close_model(&model[i]);
}

/* -- What is refused --------------------------------------------------------------------------- */

enum { OTHERS = 10 };

/* What each function that takes a block says of this one. */
static void all_say(const Object *o, void *block, int32_t code)
{
	typedef int32_t (*Function)(void *, void *, void *, void *, void *);
	static const char *const name[OTHERS] = {"step", "encode",  "loss", "parallel", "steps",
	                                         "save", "restore", "load", "export",   "read"};
	float x[BATCH * WIDTH] = {0}, out[BATCH * WIDTH];
	for (int i = 0; i < OTHERS; i++) {
		Function f = (Function)(uintptr_t)object_symbol(o, name[i]);
		if (f(block, x, out, NULL, NULL) != code)
			CU_FAIL(name[i]);
	}
}

/* A block that is NULL, not aligned, not made, or another model's is refused by every function and
 * stays as it is; one that is too small by init. */
static void wrong_blocks_are_refused(void)
{
	Opened m, other;
	open_model(&m, SMALL, NULL, NULL);
	open_model(&other, SMALL, &(sslc_options){.freeze = "encoder"}, NULL);
	const Object *o = &m.object;
	size_t bytes = o->file.block_bytes;
	unsigned char *before = malloc(bytes + 64), *block = aligned_alloc(64, bytes + 64);
	CU_ASSERT_PTR_NOT_NULL_FATAL(block);
	memset(block, 0x5a, bytes + 64);
	memcpy(before, block, bytes + 64);
	all_say(o, NULL, EMBED_NULL);
	all_say(o, block + 4, EMBED_ALIGN);
	all_say(o, block, EMBED_NOT_OPEN);
	CU_ASSERT_EQUAL(object_init(o, NULL, bytes, 1), EMBED_NULL);
	CU_ASSERT_EQUAL(object_init(o, block + 32, bytes, 1), EMBED_ALIGN);
	CU_ASSERT_EQUAL(object_init(o, block, bytes - 1, 1), EMBED_SMALL);
	CU_ASSERT_EQUAL(object_init(o, block, 0, 1), EMBED_SMALL);
	CU_ASSERT_EQUAL(memcmp(block, before, bytes + 64), 0);
	CU_ASSERT_EQUAL(init(o, block, 1), 0);
	CU_ASSERT_EQUAL(memcmp(block + bytes, before + bytes, 64), 0); /* not a byte more */
	memcpy(before, block, bytes + 64);
	all_say(&other.object, block, EMBED_OTHER_MODEL);
	all_say(o, block + 4, EMBED_ALIGN);
	CU_ASSERT_EQUAL(memcmp(block, before, bytes + 64), 0);
	free(before);
	free(block);
	close_model(&m);
	close_model(&other);
}

/* Inputs and outputs likewise; what is not wanted may be NULL, but not all that there is. */
static void wrong_values_are_refused(void)
{
	Opened m;
	open_model(&m, SMALL, NULL, NULL);
	const Object *o = &m.object;
	size_t bytes = o->file.block_bytes;
	unsigned char *before = malloc(bytes);
	float x[BATCH * WIDTH + 1] = {0}, out[2] = {7, 7};
	CU_ASSERT_EQUAL(init(o, o->block, 1), 0);
	memcpy(before, o->block, bytes);
#define STEP(x, loss)                                                                              \
	object_call(o, "step", o->block, (void *[OBJECT_POINTERS]){(void *)(x), (void *)(loss)})
	CU_ASSERT_EQUAL(STEP(NULL, out), EMBED_NULL);
	CU_ASSERT_EQUAL(STEP((char *)x + 2, out), EMBED_ALIGN);
	CU_ASSERT_EQUAL(STEP(x, (char *)out + 1), EMBED_ALIGN);
	/* features are all that encode is called for: no memory is kept for them */
	CU_ASSERT_EQUAL(object_call(o, "encode", o->block, (void *[OBJECT_POINTERS]){x, NULL}),
	                EMBED_NULL);
	CU_ASSERT_EQUAL(o->file.spare_bytes, 64); /* a step's loss */
	CU_ASSERT_EQUAL(memcmp(o->block, before, bytes), 0);
	CU_ASSERT(out[0] == 7 && out[1] == 7);
	CU_ASSERT_EQUAL(STEP(x + 1, NULL), 0); /* aligned to an element is enough */
	CU_ASSERT_EQUAL(STEP(x, out), 0);
	CU_ASSERT(out[0] != 7 && out[1] == 7);
#undef STEP
	free(before);
	close_model(&m);
}

CU_TestInfo test_object_calls[] = {
    {"nothing of an object is written", nothing_is_written},
    {"threads have blocks of their own", threads_have_blocks_of_their_own},
    {"any order of tiles gives the same bits", any_order_of_tiles},
    {"small results are flushed", small_results_are_flushed},
    {"frozen networks stay", frozen_networks_stay},
    {"batches of one", batches_of_one},
    {"two models in one program", two_models_in_one_program},
    {"wrong blocks are refused", wrong_blocks_are_refused},
    {"trainings count their own steps", trainings_count_their_own_steps},
    {"wrong values are refused", wrong_values_are_refused},
    CU_TEST_INFO_NULL,
};
