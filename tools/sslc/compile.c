/* compile.c: sslc compile: an object file, or a shared library of it, and its header beside it. */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

enum { MOST_FUNCTIONS = 32, PATH = 1024 };

/* Cuts the list at its commas. False: reported. */
static bool split_list(const char *option, char *list, const char **name, size_t *count)
{
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (*count == MOST_FUNCTIONS) {
			complain("--%s names more than %d", option, MOST_FUNCTIONS);
			return false;
		}
		name[(*count)++] = word;
	}
	return true;
}

/* The header's path: the object's with .h for what is behind its last dot. */
static bool header_path(const char *object, char path[PATH])
{
	const char *slash = strrchr(object, '/'), *dot = strrchr(object, '.');
	size_t stem = dot && (!slash || dot > slash + 1) ? (size_t)(dot - object) : strlen(object);
	snprintf(path, PATH, "%.*s.h", (int)stem, object);
	if (stem + 3 > PATH || strcmp(path, object) != 0)
		return stem + 3 <= PATH;
	complain("--out names the object, but '%s' is where its header goes", object);
	advise("--out %.*s.o", (int)stem, object);
	return false;
}

/* The first states of tasks, as sslc run makes them. */
static bool begin_tasks(Engine *e, Failure *f)
{
	bool good = true;
	for (size_t i = 0; good && i < e->model->task_count; i++) {
		char name[256];
		Call init;
		snprintf(name, sizeof name, "%s.init", e->model->task[i].name);
		good = call_open(&init, e, name, f);
		if (good)
			call_run(&init);
		call_close(&init);
	}
	return good;
}

/* The states of pre-training with the weights of a file; all else as it is at the beginning. What
 * computes these runs here, whatever machine the object is for. */
static int load_weights(const Options *o, Engine *e, Session *here)
{
	int code = session_open(here, o, (sslc_options){.batch = o->batch, .freeze = o->freeze}, true);
	Failure f = {0};
	Loaded loaded = {0};
	if (!code && (!engine_open(e, sslc_describe(here->program), 1, &f) ||
	              !states_begin(e, sslc_pretraining(here->program).seed, &f) ||
	              !begin_tasks(e, &f) || !weights_load(e, o->weights, true, &loaded, &f)))
		code = session_failure(here, &f);
	session_note_weights(&loaded, o->weights);
	return code;
}

static bool write_file(const char *path, const char *bytes, size_t size)
{
	char why[WHY];
	const void *part = bytes;
	if (bytes_write(path, &part, &size, 1, why))
		return true;
	complain("%s", why);
	return false;
}

/* -- A shared library -------------------------------------------------------------------------- */

extern char **environ;

enum { WORDS = 64 };

/* `cc`, or the words of CC, which are cut there. False: reported. */
static bool split_compiler(char *words, const char *argv[WORDS], size_t *count)
{
	argv[0] = "cc";
	*count = 0;
	for (char *word = strtok(words, " \t"); word; word = strtok(NULL, " \t")) {
		if (*count == WORDS) {
			complain("CC has more than %d words", WORDS);
			return false;
		}
		argv[(*count)++] = word;
	}
	*count += *count == 0;
	return true;
}

/* Runs the compiler on the object; the library appears whole or not at all. */
static bool link_shared(const char *object, const char *library)
{
	char beside[PATH + 16];
	snprintf(beside, sizeof beside, "%s.%ld", library, (long)getpid());
	const char *cc = getenv("CC"), *argv[WORDS + 6] = {0};
	char *words = strdup(cc ? cc : "");
	size_t count = 0;
	if (!words)
		complain("there is no memory for the words of CC");
	if (!words || !split_compiler(words, argv, &count)) {
		free(words);
		return false;
	}
	const char *const more[] = {"-shared", "-nostdlib", "-o", beside, object};
	memcpy(argv + count, more, sizeof more);
	pid_t child;
	int status = -1, error = posix_spawnp(&child, argv[0], NULL, NULL, (char **)argv, environ);
	bool good = !error && waitpid(child, &status, 0) == child && status == 0;
	if (error) {
		complain("cannot run '%s', which links a shared library: %s", argv[0], strerror(error));
		advise("install gcc or clang, or set CC");
	} else if (!good) {
		complain("'%s' could not link '%s'", argv[0], library);
	} else if (rename(beside, library) != 0) {
		complain("cannot write '%s': %s", library, strerror(rename_error(library, errno)));
		good = false;
	}
	if (!good)
		(void)unlink(beside);
	free(words);
	return good;
}

static bool write_shared(const char *library, const sslc_embedded *e)
{
	char object[PATH + 32];
	const char *here = *library == '-' ? "./" : ""; /* no option of the compiler */
	snprintf(object, sizeof object, "%s%s.%ld.o", here, library, (long)getpid());
	bool good = write_file(object, e->object, e->object_bytes) && link_shared(object, library);
	(void)unlink(object);
	return good;
}

/* -- What is in it ----------------------------------------------------------------------------- */

static void report_memory(const sslc_embedded *e)
{
	printf("\n%10s %10s  %s\n", "at", "bytes", "of the block");
	printf("%10d %10zu  head: seed, steps, hook\n", 0, (size_t)64);
	for (size_t i = 0; i < e->tensors; i++) {
		const sslc_tensor *t = &e->state[i].tensor;
		char shape[TENSOR_TEXT];
		tensor_text(t->dtype, t->rank, t->dim, shape);
		printf("%10zu %10zu  %s %s\n", e->state[i].offset, t->bytes, t->name, shape);
	}
	if (e->counts)
		printf("%10zu %10zu  steps done of tasks i32[%zu]\n", e->counts_at, 4 * e->counts,
		       e->counts);
	printf("%10zu %10zu  outputs that a caller does not want\n", 64 + e->states_bytes,
	       e->spare_bytes);
	printf("%10zu %10zu  arena: scratch\n", e->block_bytes - e->arena_bytes, e->arena_bytes);
}

static void report_function(const sslc_code *f)
{
	double flops = 0, bytes = 0;
	printf("\n%-10s %12s %12s  %s\n", f->name, "FLOP", "bytes moved", "kernel");
	for (size_t i = 0; i < f->kernel_count; i++) {
		const sslc_kernel *k = &f->kernel[i];
		printf("%10zu %12.4g %12.4g  %s %s\n", k->number, k->flops, k->bytes, k->kind, k->what);
		flops += k->flops, bytes += k->bytes;
	}
	printf("%10s %12.4g %12.4g  %zu kernels, %zu bytes of arena\n", "", flops, bytes,
	       f->kernel_count, f->arena_bytes);
}

static void report(const sslc_embedded *e)
{
	report_memory(e);
	for (size_t i = 0; i < e->functions; i++)
		report_function(&e->function[i]);
}

/* A task's weights are in no checkpoint. */
static void note_tasks(const Options *o, const sslc_embedded *e)
{
	for (size_t i = 0; o->weights && i < e->tensors; i++) {
		if (!e->state[i].task || !e->state[i].is_param)
			continue;
		inform(
		    "%s is of the task '%s', which no checkpoint of pre-training holds: it begins random",
		    e->state[i].tensor.name, e->state[i].task);
		break;
	}
}

/* -- The command ------------------------------------------------------------------------------- */

static int write_object(const Options *o, Session *s, const sslc_embedding *how)
{
	char out[PATH], header[PATH];
	sslc_embedded e;
	snprintf(out, PATH, "%s%s", o->out ? o->out : sslc_name(s->program),
	         o->out      ? ""
	         : o->shared ? ".so"
	                     : ".o");
	if (!header_path(out, header))
		return EXIT_USAGE;
	if (!sslc_embed(s->program, how, &e))
		return session_errors(s);
	bool good = (o->shared ? write_shared(out, &e) : write_file(out, e.object, e.object_bytes)) &&
	            write_file(header, e.header, e.header_bytes);
	sslc_kernel_counts kernels = sslc_count_kernels(s->program);
	if (good)
		printf("%s, %s: %zu bytes of code, %zu of constants; a block of %zu bytes, of it %zu of "
		       "states and %zu of arena; %zu kernels compiled, %zu reused\n",
		       out, header, e.code_bytes, e.constant_bytes, e.block_bytes, e.states_bytes,
		       e.arena_bytes, kernels.compiled, kernels.reused);
	note_tasks(o, &e);
	if (good && o->report)
		report(&e);
	sslc_embedded_free(&e);
	return good ? EXIT_GOOD : EXIT_SYSTEM;
}

int command_compile(const Options *o)
{
	if (o->only && o->functions) {
		complain("--only and --functions both say what is compiled");
		return EXIT_USAGE;
	}
	if (o->shared && o->target) {
		complain("--shared links for this machine, but --target is '%s'", o->target);
		advise("leave out --shared, and link the object with the tools of that machine");
		return EXIT_USAGE;
	}
	const char *name[MOST_FUNCTIONS], *cpu[MOST_FUNCTIONS];
	size_t cpus = 0;
	sslc_embedding how = {.prefix = o->prefix, .function = name, .cpu = cpu + 1};
	char *list = strdup(o->functions ? o->functions : o->only ? o->only : "");
	char *levels = strdup(o->cpu ? o->cpu : "");
	const char *what = o->only ? "only" : "functions";
	int code = list && levels ? EXIT_GOOD : EXIT_SYSTEM;
	if (!code &&
	    (!split_list(what, list, name, &how.count) || !split_list("cpu", levels, cpu, &cpus)))
		code = EXIT_USAGE;
	how.cpus = cpus ? cpus - 1 : 0;
	Session s = {0}, here = {0};
	Engine e = {0};
	if (!code && o->weights)
		code = load_weights(o, &e, &here);
	how.weights = e.states;
	sslc_options options = {
	    .cpu = cpus ? cpu[0] : NULL, .target = o->target, .batch = o->batch, .freeze = o->freeze};
	if (!code)
		code = session_open(&s, o, options, true);
	if (!code)
		code = write_object(o, &s, &how);
	engine_close(&e);
	session_close(&here);
	session_close(&s);
	free(list);
	free(levels);
	return code ? code : finish_output(EXIT_GOOD);
}
