/* check.c: compiles a program, runs its functions as training would, and holds outputs and states
 * after every call against the interpreter. Every call begins with the states that the compiled one
 * before it left, so that errors do not add up.
 *
 * A call runs three times: by itself with scratch that is NaN, on two threads, and tile by tile
 * from the last with scratch of other bytes: the bits must be the same. */
#include "programs.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 256, STEPS_MOST = 3 };

typedef struct Run {
	const Program *of;
	sslc_program *program;
	Data *data;
	Pool *pool;
	Report *report;
	Counts *counts;
	const char *until;
	bool done; /* with the function `until` */
	Compile c; /* for what the reference makes */
	int32_t seed[2], step;
	unsigned char *states, *before, *after; /* [states_bytes], aligned to 64 */
	size_t states_bytes;
	unsigned char *arena;
	size_t arena_bytes;
	uint64_t random;
} Run;

static bool wrong(Run *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(r->report->verdict, VERDICT, format, args);
	va_end(args);
	return false;
}

/* -- Numbers ----------------------------------------------------------------------------------- */

static double number(const void *at, const char *type, int64_t i)
{
	if (strcmp(type, "f32") == 0)
		return (double)((const float *)at)[i];
	if (strcmp(type, "i32") == 0)
		return ((const int32_t *)at)[i];
	return ((const uint8_t *)at)[i];
}

static double *numbers(Arena *a, const void *at, const char *type, int64_t count)
{
	double *to = new_array(a, double, (size_t)count + 1);
	for (int64_t i = 0; i < count; i++)
		to[i] = number(at, type, i);
	return to;
}

static int64_t elements(const sslc_tensor *t)
{
	int64_t size = 1;
	for (int i = 0; i < t->rank; i++)
		size *= t->dim[i];
	return size;
}

/* -- Calls ------------------------------------------------------------------------------------- */

enum { INPUTS = SSLC_MAX_FIELDS + 2 };
typedef struct Call {
	const sslc_code *code;
	const void *input[INPUTS];
	void **output;
	unsigned char *storage; /* of the outputs, each aligned to 64 */
	size_t bytes;           /* of storage */
} Call;

static void call_input(Call *c, const char *name, const void *at)
{
	for (size_t i = 0; i < c->code->input_count; i++)
		if (strcmp(c->code->input[i].name, name) == 0)
			c->input[i] = at;
}

static bool call_open(Run *r, Call *c, const char *function)
{
	*c = (Call){.code = sslc_function(r->program, function)};
	if (!c->code)
		return false;
	for (size_t i = 0; i < c->code->output_count; i++)
		c->bytes += (c->code->output[i].bytes + 63) / 64 * 64;
	c->output = calloc(c->code->output_count + 1, sizeof *c->output);
	c->storage = memory_new(c->bytes + 1);
	if (!c->output || !c->storage)
		return false;
	for (size_t i = 0, at = 0; i < c->code->output_count; i++) {
		c->output[i] = c->storage + at;
		at += (c->code->output[i].bytes + 63) / 64 * 64;
	}
	call_input(c, "seed", r->seed);
	call_input(c, "step", &r->step);
	return true;
}

static void call_close(Call *c)
{
	free(c->output);
	free(c->storage);
}

static void no_mark(void *marks, int32_t kernel)
{
	(void)marks, (void)kernel;
}

/* -- Native ------------------------------------------------------------------------------------ */

static void backwards(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	(void)pool;
	for (int64_t i = tiles; i > 0; i--)
		task(args, i - 1, i);
}

/* False if bytes behind the scratch were touched. */
static bool run_once(Run *r, const Call *c, int fill, StepParallel parallel)
{
	size_t bytes = c->code->arena_bytes;
	memset(r->arena, fill, r->arena_bytes);
	memset(c->storage, fill, c->bytes);
	c->code->call(&(StepBlock){
	    .arena = r->arena,
	    .states = r->states,
	    .inputs = c->input,
	    .outputs = c->output,
	    .pool = r->pool,
	    .parallel = parallel,
	    .mark = no_mark,
	});
	for (size_t i = 0; i < GUARD; i++)
		if (r->arena[bytes + i] != (unsigned char)fill)
			return false;
	return true;
}

static bool reserve(Run *r, size_t bytes)
{
	if (r->arena && bytes + GUARD <= r->arena_bytes)
		return true;
	free(r->arena);
	r->arena_bytes = bytes + GUARD;
	r->arena = memory_new(r->arena_bytes);
	return r->arena != NULL;
}

/* Three times; the states and outputs are those of the first. */
static bool run_native(Run *r, const Call *c)
{
	static const struct {
		int fill;
		StepParallel parallel;
		const char *how;
	} WAYS[] = {{0xFF, NULL, "by itself"},
	            {0x00, pool_parallel, "two threads"},
	            {0x5A, backwards, "tiles from the last"}};
	size_t states = r->states_bytes, outputs = c->bytes;
	const char *name = c->code->name;
	if (!reserve(r, c->code->arena_bytes))
		return wrong(r, "no memory: for the arena");
	memcpy(r->before, r->states, states);
	unsigned char *kept = malloc(outputs + 1);
	bool good = kept != NULL;
	for (size_t way = 0; good && way < COUNT(WAYS); way++) {
		memcpy(r->states, r->before, states);
		if (!run_once(r, c, WAYS[way].fill, WAYS[way].parallel)) {
			good = wrong(r, "bytes behind the arena: written by %s, %s", name, WAYS[way].how);
			break;
		}
		/* padding between outputs is not theirs */
		for (size_t i = 0, at = 0; i < c->code->output_count; i++) {
			size_t bytes = c->code->output[i].bytes, whole = (bytes + 63) / 64 * 64;
			for (size_t j = bytes; good && j < whole; j++)
				if (c->storage[at + j] != (unsigned char)WAYS[way].fill)
					good = wrong(r, "bytes behind an output: '%s' of %s", c->code->output[i].name,
					             name);
			memset(c->storage + at + bytes, 0, whole - bytes);
			at += whole;
		}
		if (way == 0) {
			memcpy(kept, c->storage, outputs);
			memcpy(r->after, r->states, states);
		} else if (good && (memcmp(kept, c->storage, outputs) != 0 ||
		                    memcmp(r->after, r->states, states) != 0)) {
			good = wrong(r, "other bits: %s, %s", name, WAYS[way].how);
		}
	}
	if (good) {
		memcpy(c->storage, kept, outputs);
		memcpy(r->states, r->after, states);
	}
	free(kept);
	return good;
}

/* -- Comparison -------------------------------------------------------------------------------- */

/* The first element that is too far off, or -1. */
static int64_t first_wrong(const Reference *ref, NodeId x, const void *got, const char *type)
{
	double bound = reference_bound(ref, x);
	int64_t size = shape_size(node(ref->graph, x)->shape);
	for (int64_t i = 0; i < size; i++) {
		double a = number(got, type, i), b = ref->value[x][i];
		bool same = a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= bound || bound == INFINITY;
		if (!same)
			return i;
	}
	return -1;
}

/* What rounding does is asked more often before a difference counts. */
static bool compare(Run *r, Reference *ref, const char *function, int64_t step, const char *name,
                    NodeId x, const void *got, const char *type)
{
	int64_t at = first_wrong(ref, x, got, type);
	while (at >= 0 && ref->runs < 24) {
		reference_rounded(ref, 4);
		at = first_wrong(ref, x, got, type);
	}
	r->counts->tensors++;
	r->counts->unjudged += reference_is_vague(ref, x);
	if (at < 0)
		return true;
	return wrong(
	    r, "value: '%s' of %s, step %lld, element %lld is %.9g, but should be %.9g within %.2g",
	    name, function, (long long)step, (long long)at, number(got, type, at), ref->value[x][at],
	    reference_bound(ref, x));
}

static NodeId set_of(const Graph *g, const char *state)
{
	for (uint32_t i = 0; i < g->set_count; i++)
		if (strcmp(node(g, g->set[i].state)->attr.name, state) == 0)
			return g->set[i].value;
	return 0;
}

static NodeId output_of(const Graph *g, const char *name)
{
	for (uint32_t i = 0; i < g->out_count; i++)
		if (strcmp(g->out[i].name, name) == 0)
			return g->out[i].value;
	return 0;
}

static bool compare_all(Run *r, Reference *ref, const Call *c, int64_t step)
{
	size_t count;
	const sslc_state *state = sslc_states(r->program, &count);
	const char *function = c->code->name;
	for (size_t i = 0; i < c->code->output_count; i++) {
		const sslc_tensor *t = &c->code->output[i];
		if (!compare(r, ref, function, step, t->name, output_of(ref->graph, t->name), c->output[i],
		             t->dtype))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		const sslc_tensor *t = &state[i].tensor;
		NodeId set = set_of(ref->graph, t->name);
		const unsigned char *now = r->states + state[i].offset;
		if (set && !compare(r, ref, function, step, t->name, set, now, t->dtype))
			return false;
		if (!set && memcmp(now, r->before + state[i].offset, t->bytes) != 0)
			return wrong(r, "a state changed: '%s' by %s, step %lld", t->name, function,
			             (long long)step);
	}
	return true;
}

static bool check_slope(Run *r, Reference *ref, const char *function)
{
	double ours, difference;
	Slope slope = reference_slope(ref, &ours, &difference);
	r->counts->gradients++;
	r->counts->kinks += slope == SLOPE_KINK;
	return slope != SLOPE_WRONG ||
	       wrong(r, "slope: of %s is %.9g, but differences give %.9g", function, ours, difference);
}

/* -- Functions --------------------------------------------------------------------------------- */

typedef struct Batches {
	const char *function;
	Split split;
	int64_t batch, steps, offset;
	bool shuffle;
} Batches;

/* Inputs and states, as they are before the call. */
static size_t collect(Run *r, Arena *a, const void *const *field, int64_t batch, Feed *feed)
{
	const sslc_data *shape = data_shape(r->data);
	size_t count, used = 0;
	const sslc_state *state = sslc_states(r->program, &count);
	for (size_t i = 0; field && i < shape->count; i++)
		feed[used++] = (Feed){shape->field[i].name, numbers(a, field[i], shape->field[i].dtype,
		                                                    batch * elements(&shape->field[i]))};
	feed[used++] = (Feed){"seed", numbers(a, r->seed, "i32", 2)};
	feed[used++] = (Feed){"step", numbers(a, &r->step, "i32", 1)};
	for (size_t i = 0; i < count; i++)
		feed[used++] = (Feed){state[i].tensor.name,
		                      numbers(a, r->states + state[i].offset, state[i].tensor.dtype,
		                              elements(&state[i].tensor))};
	return used;
}

/* What no data gives: what a bank keeps, what was collected, places of a text. */
static size_t invent(Run *r, Arena *a, Call *c, Feed *feed)
{
	size_t used = 0;
	for (size_t i = 0; i < c->code->input_count; i++) {
		const sslc_tensor *t = &c->code->input[i];
		if (c->input[i])
			continue;
		int64_t count = elements(t), below = r->of->tokens ? r->of->tokens : 2;
		if (r->of->classes && r->of->classes < below)
			below = r->of->classes;
		unsigned char *at = new_array(a, unsigned char, t->bytes + 64);
		for (int64_t j = 0; j < count; j++) {
			uint64_t any = hash_u64(r->of->random + i, (uint64_t)j);
			if (strcmp(t->dtype, "f32") == 0)
				((float *)at)[j] = (float)((double)(any >> 40) / 0x1p23 - 1);
			else if (strcmp(t->dtype, "i32") == 0)
				((int32_t *)at)[j] = (int32_t)(any % (uint64_t)below);
			else
				at[j] = (unsigned char)(strcmp(t->dtype, "bool") == 0 ? any & 1 : any & 255);
		}
		c->input[i] = at;
		feed[used++] = (Feed){t->name, numbers(a, at, t->dtype, count)};
	}
	return used;
}

/* What the graph names and the compiled function, which has no use for it, does not take. */
static size_t unused(Arena *a, const Graph *g, Feed *feed, size_t feeds)
{
	size_t used = 0;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		bool given = n->op != OP_input;
		for (size_t i = 0; i < feeds && !given; i++)
			given = strcmp(feed[i].name, n->attr.name) == 0;
		if (!given)
			feed[feeds + used++] =
			    (Feed){n->attr.name, new_array(a, double, (size_t)shape_size(n->shape))};
	}
	return used;
}

static bool check_call(Run *r, Call *c, const Graph *g, const void *const *field, int64_t batch,
                       int64_t step)
{
	const sslc_data *shape = data_shape(r->data);
	size_t states;
	sslc_states(r->program, &states);
	Arena *a = arena_open(0);
	Feed *feed = new_array(a, Feed, states + shape->count + 2 + c->code->input_count + g->count);
	r->step = (int32_t)step;
	for (size_t i = 0; field && i < shape->count; i++)
		call_input(c, shape->field[i].name, field[i]);
	size_t feeds = collect(r, a, field, batch, feed);
	feeds += invent(r, a, c, feed + feeds);
	feeds += unused(a, g, feed, feeds);
	double began = seconds_now();
	bool good = run_native(r, c);
	double ran = seconds_now();
	Reference ref;
	if (good) {
		reference_open(&ref, g, feed, feeds, r->random++);
		reference_rounded(&ref, 2);
		good = compare_all(r, &ref, c, step);
		if (good && strcmp(c->code->name, "gradients") == 0 && !r->of->bf16)
			good = check_slope(r, &ref, c->code->name);
		reference_close(&ref);
	}
	r->counts->native_seconds += ran - began;
	r->counts->reference_seconds += seconds_now() - ran;
	arena_close(a);
	return good;
}

/* The graph that the interpreter runs: as built, differentiated; and where products take bf16, as
 * the passes round their operands. */
static const Graph *reference_graph(Run *r, const char *function)
{
	Graph *g = autodiff(&r->c, bundle_graph(r->program->bundle, function));
	return r->of->bf16 ? passes(&r->c, g, "precision") : g;
}

static bool check_function(Run *r, Batches b)
{
	Call c;
	char why[WHY];
	if (r->done || !sslc_has_function(r->program, b.function))
		return true;
	snprintf(r->report->function, sizeof r->report->function, "%s", b.function);
	double began = seconds_now();
	if (!call_open(r, &c, b.function))
		return wrong(r, "not compiled: %s", b.function);
	r->counts->compile_seconds += seconds_now() - began;
	r->counts->functions++;
	const Graph *g = reference_graph(r, b.function);
	bool good = g != NULL || wrong(r, "no graph: %s", b.function);
	if (!b.batch) {
		good = good && check_call(r, &c, g, NULL, 0, 0);
	} else {
		PrefetchOrder order = {.split = b.split,
		                       .batch = b.batch,
		                       .shuffle = b.shuffle,
		                       .seed = 7,
		                       .last_step = b.steps,
		                       .offset = b.offset};
		Prefetch *prefetch = prefetch_open(r->data, &order, why);
		good = good && (prefetch || wrong(r, "no batches: %s", why));
		for (int64_t i = 0; good && i < b.steps; i++) {
			const void *const *field = prefetch_next(prefetch, why);
			good = field ? check_call(r, &c, g, field, b.batch, i) : wrong(r, "no batch: %s", why);
		}
		prefetch_close(prefetch);
	}
	call_close(&c);
	r->done = r->until && strcmp(r->until, b.function) == 0;
	return good;
}

static bool check_task(Run *r, const sslc_task *task)
{
	char init[128], step[128], encode[128], encoded[128], score[128], rest[128], predict[128],
	    bank[128], collected[128];
	snprintf(init, sizeof init, "%s.init", task->name);
	snprintf(encode, sizeof encode, "%s.encode", task->name);
	snprintf(encoded, sizeof encoded, "%s.step.encoded", task->name);
	snprintf(step, sizeof step, "%s.step", task->name);
	snprintf(score, sizeof score, "%s.score", task->name);
	snprintf(rest, sizeof rest, "%s.score.rest", task->name);
	snprintf(predict, sizeof predict, "%s.predict", task->name);
	snprintf(bank, sizeof bank, "%s.bank", task->name);
	snprintf(collected, sizeof collected, "%s.collect", task->name);
	int64_t test = data_count(r->data, SPLIT_TEST), train = task->training.batch,
	        batch = train < test ? train : test, steps = task->training.steps;
	return check_function(r, (Batches){.function = init}) &&
	       check_function(r, (Batches){.function = step,
	                                   .batch = train,
	                                   .steps = steps < 2 ? steps : 2,
	                                   .shuffle = task->training.shuffle}) &&
	       check_function(r, (Batches){.function = encode, .batch = train, .steps = 1}) &&
	       check_function(r, (Batches){.function = encoded, .batch = train, .steps = 1}) &&
	       check_function(r, (Batches){.function = bank, .batch = train, .steps = 1}) &&
	       check_function(
	           r,
	           (Batches){.function = collected, .split = SPLIT_TEST, .batch = batch, .steps = 1}) &&
	       check_function(
	           r, (Batches){.function = score, .split = SPLIT_TEST, .batch = batch, .steps = 1}) &&
	       check_function(r, (Batches){.function = rest,
	                                   .split = SPLIT_TEST,
	                                   .batch = test % batch,
	                                   .steps = 1,
	                                   .offset = test - test % batch}) &&
	       check_function(r, (Batches){.function = predict,
	                                   .batch = sslc_pretraining(r->program).batch,
	                                   .steps = 1});
}

static bool check_functions(Run *r)
{
	sslc_training t = sslc_pretraining(r->program);
	size_t tasks;
	const sslc_task *task = sslc_tasks(r->program, &tasks);
	Batches pre = {.batch = t.batch, .steps = 1, .shuffle = t.shuffle}, step = pre, features = pre,
	        gradients = pre;
	step.function = "step";
	step.steps = t.steps < STEPS_MOST ? t.steps : STEPS_MOST;
	gradients.function = "gradients";
	features.function = "features";
	bool good = check_function(r, (Batches){.function = "init"}) && check_function(r, step) &&
	            (!r->of->gradients || check_function(r, gradients)) && check_function(r, features);
	for (size_t i = 0; good && i < tasks; i++)
		good = check_task(r, &task[i]);
	return good;
}

static void compile_all(Run *r)
{
	const Bundle *b = r->program->bundle;
	const char **names = malloc((b->graph_count + 1) * sizeof *names);
	size_t count = 0;
	for (size_t i = 0; i < b->graph_count; i++)
		if (r->of->gradients || strcmp(b->graph[i]->name, "gradients") != 0)
			names[count++] = b->graph[i]->name;
	double began = seconds_now();
	sslc_compile(r->program, names, count);
	r->counts->compile_seconds += seconds_now() - began;
	free(names);
}

/* -- The whole --------------------------------------------------------------------------------- */

static bool open_program(Run *r, const char *folder)
{
	char why[WHY];
	const sslc_call *reader = sslc_reader(r->program);
	if (reader && !(r->data = data_open(reader, folder, why)))
		return wrong(r, "no data: %s", why);
	if (reader && sslc_bind(r->program, data_shape(r->data)) && !sslc_error_count(r->program))
		return true;
	r->counts->refused++;
	FILE *text = fmemopen(r->report->verdict, VERDICT, "w");
	fprintf(text, "refused: ");
	sslc_print_errors(r->program, text, false);
	fclose(text);
	return false;
}

static bool check_program(Run *r)
{
	r->program->c.chain_room = r->of->chain_room;
	r->c = r->program->c;
	r->c.arena = arena_open(0);
	r->pool = pool_open(2);
	r->states_bytes = sslc_states_bytes(r->program);
	r->states = memory_new(r->states_bytes + 1);
	r->before = memory_new(r->states_bytes + 1);
	r->after = memory_new(r->states_bytes + 1);
	if (!r->c.arena || !r->pool || !r->states || !r->before || !r->after)
		return wrong(r, "no memory: for the states");
	memset(r->states, 0, r->states_bytes);
	r->seed[0] = 1 + (int32_t)r->of->random;
	r->report->function[0] = 0;
	if (!r->until)
		compile_all(r);
	r->counts->programs++;
	return check_functions(r);
}

bool program_check(const Program *program, const char *folder, const char *name, bool only_build,
                   const char *until, Report *report)
{
	char path[4096];
	Run r = {.of = program,
	         .report = report,
	         .counts = &report->counts,
	         .until = until,
	         .random = program->random};
	snprintf(path, sizeof path, "%s/%s.json", folder, name);
	report->verdict[0] = 0;
	r.program = sslc_open(path, &(sslc_options){.cpu = program->cpu, .prove = true});
	bool good = open_program(&r, folder);
	if (good && only_build)
		cover_add(&report->cover, r.program);
	good = good && (only_build || check_program(&r));
	pool_close(r.pool);
	free(r.states);
	free(r.before);
	free(r.after);
	free(r.arena);
	arena_close(r.c.arena);
	data_close(r.data);
	sslc_close(r.program);
	return good;
}
