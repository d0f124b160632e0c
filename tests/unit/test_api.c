/* test_api.c: the public API keeps its promises: each function of sslc.h called too early, twice,
 * after errors and with nonsense does what its comment says; and whatever the memory limit, passing
 * it is an error that leaks nothing (under LeakSanitizer, in debug). */
#include <stdlib.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "../../compiler/sslc.h"

static const char MODEL[] =
    "{\"name\": \"m\", \"data\": \"normal(8, 4)\", \"encoder\": [\"linear(2)\"],"
    "\"decoder\": [\"linear(4)\"], \"loss\": \"mse(decoder(encoder(x)), x)\","
    "\"train\": {\"epochs\": 2, \"batch\": 4}}";

static sslc_program *opened(size_t limit)
{
	return sslc_open_text("m.json", MODEL, strlen(MODEL), &(sslc_options){.memory_limit = limit});
}

static sslc_data good_data(void)
{
	return (sslc_data){.field = {{.name = "x", .dtype = "f32", .rank = 1, .dim = {4}}},
	                   .count = 1,
	                   .train_count = 8};
}

/* All that is printed of a program's errors. */
static bool says(const sslc_program *p, const char *what)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	sslc_print_errors(p, out, false);
	fclose(out);
	bool found = strstr(text, what) != NULL;
	if (!found)
		fprintf(stderr, "'%s' is not in: %s\n", what, text);
	free(text);
	return found;
}

static void has_nothing(const sslc_program *p)
{
	size_t count = 7;
	CU_ASSERT_FALSE(sslc_has_function(p, "step"));
	CU_ASSERT_PTR_NULL(sslc_describe(p));
	CU_ASSERT_PTR_NULL(sslc_states(p, &count));
	CU_ASSERT_EQUAL(count, 0);
	count = 7;
	CU_ASSERT_PTR_NULL(sslc_tasks(p, &count));
	CU_ASSERT_EQUAL(count, 0);
	count = 7;
	CU_ASSERT_PTR_NULL(sslc_ranges(p, &count));
	CU_ASSERT_EQUAL(count, 0);
	CU_ASSERT_PTR_NULL(sslc_ranges(p, NULL));
	CU_ASSERT_PTR_NULL(sslc_states(p, NULL));
	CU_ASSERT_PTR_NULL(sslc_tasks(p, NULL));
	CU_ASSERT_EQUAL(sslc_states_bytes(p), 0);
	CU_ASSERT_EQUAL(sslc_pretraining(p).steps, 0);
}

/* Everything that can be asked of a program, in an order that makes no sense, twice; nothing that
 * comes back is from a program that works. */
static void ask_all(sslc_program *p)
{
	FILE *nowhere = fopen("/dev/null", "w");
	for (int i = 0; i < 2; i++) {
		sslc_cost cost;
		sslc_time time[2];
		double flops;
		char *file;
		size_t size;
		CU_ASSERT_PTR_NULL(sslc_function(p, "step"));
		CU_ASSERT_PTR_NULL(sslc_function(p, NULL));
		CU_ASSERT_PTR_NULL(sslc_function_described(p, "step"));
		CU_ASSERT_PTR_NULL(sslc_function_described(p, NULL));
		CU_ASSERT_FALSE(sslc_has_function(p, NULL));
		sslc_compile(p, NULL, 3);
		sslc_compile(p, (const char *[]){"step", NULL, "nothing"}, 3);
		CU_ASSERT_FALSE(sslc_function_cost(p, "step", &cost));
		CU_ASSERT_FALSE(sslc_dump(p, "step", "elaborate", SSLC_TEXT, nowhere));
		CU_ASSERT_FALSE(sslc_dump(p, NULL, NULL, SSLC_TEXT, NULL));
		CU_ASSERT_PTR_NOT_NULL(sslc_name(p));
		CU_ASSERT_PTR_NOT_NULL(sslc_model_text(p, NULL));
		(void)sslc_reader(p);
		(void)sslc_note(p);
		(void)sslc_times(p, NULL, 5);
		(void)sslc_times(p, time, 2);
		(void)sslc_peak_task(p, &flops);
		(void)sslc_cpu(p);
		CU_ASSERT_FALSE(sslc_export_onnx(p, NULL, &file, &size));
		CU_ASSERT_FALSE(sslc_export_onnx(p, &(sslc_export){0}, &file, &size));
		CU_ASSERT_FALSE(sslc_export_onnx(p, &(sslc_export){.weights = ""}, &file, &size));
		CU_ASSERT_FALSE(sslc_export_onnx(p, &(sslc_export){.weights = ""}, NULL, NULL));
		CU_ASSERT_FALSE(sslc_embed(p, &(sslc_embedding){0}, &(sslc_embedded){0}));
		CU_ASSERT_FALSE(sslc_embed(p, NULL, NULL));
		CU_ASSERT_FALSE(sslc_bind(p, NULL));
		sslc_data_error(p, NULL);
		sslc_data_error(p, "the data is wrong");
		CU_ASSERT_FALSE(sslc_bind(p, &(sslc_data){0}));
		CU_ASSERT(sslc_error_count(p) > 0);
		sslc_print_errors(p, NULL, false);
		sslc_print_errors(p, nowhere, true);
	}
	fclose(nowhere);
}

static void no_program(void)
{
	has_nothing(NULL);
	ask_all(NULL);
	CU_ASSERT_EQUAL(sslc_error_count(NULL), 1);
	CU_ASSERT(sslc_out_of_memory(NULL));
	CU_ASSERT(says(NULL, "no memory"));
	CU_ASSERT_STRING_EQUAL(sslc_name(NULL), "");
	CU_ASSERT_PTR_NULL(sslc_reader(NULL));
	CU_ASSERT_PTR_NULL(sslc_cpu(NULL));
	CU_ASSERT_PTR_NULL(sslc_peak_task(NULL, NULL));
	sslc_close(NULL);
}

/* A program that could not be opened answers all questions. */
static void refused(sslc_program *p, const char *why)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(sslc_error_count(p) > 0);
	CU_ASSERT(says(p, why));
	has_nothing(p);
	ask_all(p);
	CU_ASSERT(says(p, why));
	sslc_close(p);
}

static void not_opened(void)
{
	refused(sslc_open(NULL, NULL), "its path is NULL");
	refused(sslc_open("/nowhere/model.json", NULL), "No such file");
	refused(sslc_open("/dev/zero", NULL), "no regular file");
	refused(sslc_open_text(NULL, NULL, 5, NULL), "its text is NULL");
	refused(sslc_open_text(NULL, NULL, 0, NULL), "model:1:1");
	refused(sslc_open_text("m.json", MODEL, (size_t)1 << 40, NULL), "too large");
	refused(sslc_open_text("m.json", "{", 1, NULL), "m.json:1");
	refused(sslc_open_text("m.json", MODEL, strlen(MODEL), &(sslc_options){.epochs = -1}),
	        "'epochs' is -1");
	refused(sslc_open_text("m.json", MODEL, strlen(MODEL), &(sslc_options){.epochs = INT64_MAX}),
	        "'epochs' is");
	refused(opened(1), "more than 1 bytes");
}

/* Before it is bound a program has no functions, which is no error. */
static void not_bound(void)
{
	sslc_program *p = opened(0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_PTR_NULL(sslc_function(p, "step"));
	sslc_compile(p, (const char *[]){"step"}, 1);
	has_nothing(p);
	CU_ASSERT_STRING_EQUAL(sslc_reader(p)->name, "normal");
	CU_ASSERT_STRING_EQUAL(sslc_name(p), "m");
	CU_ASSERT_EQUAL(sslc_error_count(p), 0);
	ask_all(p);
	sslc_close(p);
}

static void bad_data(void)
{
	sslc_data d[18];
	for (size_t i = 0; i < 18; i++)
		d[i] = good_data();
	size_t n = 0;
	d[n++].count = 9;
	d[n++].count = SIZE_MAX;
	d[n++].train_count = 0;
	d[n++].train_count = INT64_MAX;
	d[n++].test_count = -1;
	d[n++].classes = INT64_MIN;
	d[n++].field[0].name = NULL;
	d[n++].field[0].dtype = NULL;
	d[n++].field[0].dtype = "f16";
	d[n++].field[0].rank = -1;
	d[n++].field[0].rank = SSLC_MAX_RANK;
	d[n++].field[0].dim[0] = 0;
	d[n++].field[0].dim[0] = INT64_MAX;
	d[n].count = 2, d[n].field[1] = d[n].field[0], n++; /* "x" twice */
	d[n++].field[0].name = "a\x1b[2J";
	d[n++].field[0].name = "seed";
	d[n++].field[0].name = "step";
	d[n++].count = 0; /* no "x" */
	for (size_t i = 0; i < n; i++) {
		sslc_program *p = opened(0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_FALSE(sslc_bind(p, &d[i]));
		CU_ASSERT(sslc_error_count(p) > 0);
		CU_ASSERT(says(p, "m.json:1:"));
		has_nothing(p);
		ask_all(p);
		sslc_close(p);
	}
}

/* What works goes on to work after questions that have no answer. */
static void bound(void)
{
	sslc_program *p = opened(0);
	sslc_data data = good_data();
	FILE *nowhere = fopen("/dev/null", "w");
	CU_ASSERT_FATAL(p && sslc_bind(p, &data));
	CU_ASSERT_PTR_NULL(sslc_function(p, "nothing"));
	CU_ASSERT_PTR_NULL(sslc_function(p, NULL));
	CU_ASSERT_FALSE(sslc_function_cost(p, "step", NULL));
	CU_ASSERT_FALSE(sslc_function_cost(p, "nothing", &(sslc_cost){0}));
	CU_ASSERT_FALSE(sslc_dump(p, "step", "nothing", SSLC_TEXT, nowhere));
	CU_ASSERT_FALSE(sslc_dump(p, "step", NULL, SSLC_TEXT, nowhere));
	CU_ASSERT_FALSE(sslc_dump(p, "nothing", "elaborate", SSLC_TEXT, nowhere));
	CU_ASSERT_FALSE(sslc_dump(p, NULL, "elaborate", SSLC_TEXT, nowhere));
	CU_ASSERT_FALSE(sslc_dump(p, "nothing", "asm", SSLC_DOT, nowhere));
	CU_ASSERT_FALSE(sslc_dump(p, "step", "elaborate", SSLC_TEXT, NULL));
	CU_ASSERT_TRUE(sslc_dump(p, NULL, "parse", SSLC_TEXT, nowhere));
	sslc_compile(p, NULL, 2);
	CU_ASSERT_EQUAL(sslc_error_count(p), 0);
	const sslc_code *step = sslc_function(p, "step");
	CU_ASSERT_FATAL(step && step->call);
	sslc_compile(p, (const char *[]){"step", "step", NULL, "nothing", "init", "init"}, 6);
	CU_ASSERT_PTR_EQUAL(sslc_function(p, "step"), step);
	CU_ASSERT_PTR_NOT_NULL(sslc_function(p, "init"));
	CU_ASSERT_PTR_NOT_NULL(sslc_peak_task(p, NULL));
	CU_ASSERT_FALSE(sslc_bind(p, &data));
	CU_ASSERT(says(p, "bound to its data already"));
	CU_ASSERT_EQUAL(sslc_error_count(p), 1);
	CU_ASSERT_PTR_EQUAL(sslc_function(p, "step"), step);
	sslc_close(p);
	fclose(nowhere);
}

/* An object, or a file, of what there is not: an error, and nothing to free. */
static void embeds_nothing_else(void)
{
	static const char *const none[] = {NULL}, *const init[] = {"step", "init"},
	                         *const first[] = {"init"};
	static const struct {
		sslc_embedding how;
		const char *why;
	} wrong[] = {
	    {{.function = none, .count = 1}, "the model has no function '' to compile"},
	    {{.count = 1}, "the model has no function '' to compile"},
	    {{.function = init, .count = 2}, "the model has no function 'init' to compile"},
	    {{.function = first, .count = 1}, "first values come along with whatever is compiled"},
	    {{.cpu = none, .cpus = 1}, "are no rising levels of x86-64"},
	    {{.cpus = 2}, "are no rising levels of x86-64"},
	};
	sslc_data data = good_data();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		sslc_embedded e = {.object_bytes = 1};
		sslc_program *p = opened(0);
		CU_ASSERT_FATAL(p && sslc_bind(p, &data));
		CU_ASSERT_FALSE(sslc_embed(p, NULL, &e));
		CU_ASSERT_EQUAL(sslc_error_count(p), 0);
		CU_ASSERT_FALSE(sslc_embed(p, &wrong[i].how, &e));
		CU_ASSERT(says(p, wrong[i].why));
		CU_ASSERT(!e.object && !e.header && e.object_bytes == 0);
		sslc_embedded_free(&e);
		sslc_close(p);
	}
	sslc_program *p = opened(0);
	char *file = NULL, *weights = NULL;
	size_t size = 0;
	CU_ASSERT_FATAL(p && sslc_bind(p, &data));
	weights = calloc(1, sslc_states_bytes(p) + 1);
	CU_ASSERT_FALSE(
	    sslc_export_onnx(p, &(sslc_export){.weights = weights, .batch = -3}, &file, &size));
	CU_ASSERT(says(p, "the batch is -3, but must be at least 1"));
	free(weights);
	sslc_close(p);
}

static const sslc_code *listed(const sslc_model *m, const char *name)
{
	for (size_t i = 0; i < m->code_count; i++)
		if (strcmp(m->code[i].name, name) == 0)
			return &m->code[i];
	return NULL;
}

/* The plain description is of the same model, and its functions are compiled when it is asked to. */
static void described(void)
{
	sslc_program *p = opened(0);
	sslc_data data = good_data();
	CU_ASSERT_FATAL(p && sslc_bind(p, &data));
	const sslc_model *m = sslc_describe(p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_STRING_EQUAL(m->name, "m");
	CU_ASSERT_STRING_EQUAL(m->text, MODEL);
	size_t count;
	CU_ASSERT_PTR_EQUAL(m->state, sslc_states(p, &count));
	CU_ASSERT_EQUAL(m->state_count, count);
	CU_ASSERT_EQUAL(m->states_bytes, sslc_states_bytes(p));
	CU_ASSERT_EQUAL(m->pretraining.steps, 4); /* 8 samples, batch 4, 2 epochs */
	CU_ASSERT_PTR_NULL(listed(m, "nothing"));
	const sslc_code *init = listed(m, "init"), *step = listed(m, "step");
	CU_ASSERT_FATAL(init && step && !init->call && !step->call);
	m->prepare(m->context, (const char *[]){"nothing", "step", NULL}, 3);
	CU_ASSERT_FATAL(step->call && !init->call);
	CU_ASSERT_STRING_EQUAL(step->output[0].name, "loss");
	CU_ASSERT_PTR_EQUAL(sslc_function(p, "step"), step);
	double flops = 0;
	CU_ASSERT(m->peak(m->context, &flops) && flops > 0);
	CU_ASSERT_EQUAL(sslc_error_count(p), 0);
	sslc_close(p);
}

/* The stages that make machine code, or look for it. */
static bool makes_code(const sslc_program *p)
{
	sslc_time time[64];
	size_t count = sslc_times(p, time, 64);
	for (size_t i = 0; i < count; i++)
		for (const char *const *s =
		         (const char *[]){"target", "cache", "emit", "llvm", "link", NULL};
		     *s; s++)
			if (strcmp(time[i].stage, *s) == 0)
				return true;
	return false;
}

/* To describe a function is not to compile it: also for a machine that this one is not. */
static void described_function(void)
{
	sslc_options o = {.target = "cortex-m4f"};
	sslc_data data = good_data();
	for (int here = 0; here < 2; here++) {
		sslc_program *p = sslc_open_text("m.json", MODEL, strlen(MODEL), here ? NULL : &o);
		CU_ASSERT_FATAL(p && sslc_bind(p, &data));
		const sslc_code *step = sslc_function_described(p, "step");
		CU_ASSERT_FATAL(step && !step->call);
		CU_ASSERT(step->output_count >= 1 && strcmp(step->output[0].name, "loss") == 0);
		CU_ASSERT(step->input_count >= 1 && step->kernel_count >= 1);
		CU_ASSERT(step->arena_bytes >= step->arena_least);
		sslc_cost cost;
		CU_ASSERT(sslc_function_cost(p, "step", &cost));
		CU_ASSERT_EQUAL(cost.arena_bytes, step->arena_bytes);
		CU_ASSERT_PTR_EQUAL(sslc_function_described(p, "step"), step);
		CU_ASSERT_PTR_NULL(sslc_function_described(p, "nothing"));
		CU_ASSERT_FALSE(makes_code(p));
		CU_ASSERT_EQUAL(sslc_error_count(p), 0);
		CU_ASSERT_EQUAL(sslc_function(p, "step") == step, here);
		CU_ASSERT_EQUAL(step->call != NULL, here);
		CU_ASSERT_EQUAL(makes_code(p), true);
		sslc_close(p);
	}
}

/* The texts of the options may go once the program is open. */
static void options_are_copied(void)
{
	char cpu[] = "no-such-cpu";
	sslc_program *p = sslc_open_text("m.json", MODEL, strlen(MODEL), &(sslc_options){.cpu = cpu});
	memset(cpu, 'x', sizeof cpu - 1);
	CU_ASSERT_PTR_NULL(sslc_cpu(p));
	CU_ASSERT(says(p, "no-such-cpu"));
	sslc_close(p);
}

/* With weights of zero. */
static bool exports(sslc_program *p, const char *function)
{
	char *file = NULL, *weights = calloc(1, sslc_states_bytes(p) + 1);
	size_t size = 0;
	sslc_export how = {.function = function, .weights = weights};
	bool good = sslc_export_onnx(p, &how, &file, &size);
	CU_ASSERT_EQUAL(good, file && size > 100);
	free(file);
	free(weights);
	return good;
}

/* False: the limit was passed somewhere. */
static bool whole_way(size_t limit)
{
	static const char *const names[] = {"init", "step", "features", "gradients", "perturbed"};
	sslc_program *p = opened(limit);
	sslc_data data = good_data();
	FILE *nowhere = fopen("/dev/null", "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	bool good = sslc_bind(p, &data);
	good = sslc_dump(p, "step", "llvm", SSLC_TEXT, nowhere) && good;
	good = exports(p, NULL) && good;
	sslc_compile(p, names, 5);
	for (int i = 0; i < 5; i++)
		good = sslc_function(p, names[i]) && good;
	good = sslc_peak_task(p, NULL) && good;
	CU_ASSERT_EQUAL(good, sslc_error_count(p) == 0);
	CU_ASSERT_FALSE(sslc_out_of_memory(p)); /* there is memory, beyond the limit */
	if (!good)
		ask_all(p);
	sslc_close(p);
	fclose(nowhere);
	return good;
}

/* Every limit from 1 byte to what the model needs, in steps that are dense where little was made. */
static void any_memory_limit(void)
{
	size_t limit = 1, least = 0;
	for (; limit < (size_t)64 << 20; limit += limit / 6 + 1) {
		if (!whole_way(limit))
			continue;
		least = least ? least : limit;
		if (limit > 2 * least)
			break;
	}
	CU_ASSERT(least > 1 << 16);
	CU_ASSERT(limit < (size_t)64 << 20);
}

CU_TestInfo test_api[] = {
    {"a NULL program answers everything", no_program},
    {"a program that could not be opened answers everything", not_opened},
    {"a program that is not bound has no functions", not_bound},
    {"data that cannot be is refused", bad_data},
    {"a bound program survives nonsense", bound},
    {"an object of what there is not is refused", embeds_nothing_else},
    {"a bound program is described", described},
    {"a function is described without its code", described_function},
    {"options are copied", options_are_copied},
    {"passing any memory limit is an error", any_memory_limit},
    CU_TEST_INFO_NULL,
};
