/* session.c: opens a model and its data; errors of the reader are shown where the model file names
 * the data. */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../compiler/base/base.h"
#include "../../runtime/text/text.h"

static void print_message(const sslc_message *m)
{
	if (m->file) {
		fputs("\"file\":", stdout);
		json_text(stdout, m->file);
		printf(",\"line\":%u,\"column\":%u,\"bytes\":%u,", m->line, m->column, m->bytes);
	}
	fputs("\"text\":", stdout);
	json_text(stdout, m->text);
	if (m->section) {
		char anchor[SECTION_ANCHOR];
		section_anchor(m->section, anchor);
		fputs(",\"section\":", stdout);
		json_text(stdout, m->section);
		printf(",\"link\":\"models/README.md#%s\"", anchor);
	}
}

/* An error with its notes and helps is one line. */
static void print_json(const Session *s)
{
	enum { MOST = 256 };
	sslc_message message[MOST];
	size_t count = sslc_messages(s->program, message, MOST);
	for (size_t i = 0; i < count && i < MOST;) {
		fputs("{\"severity\":\"error\",", stdout);
		print_message(&message[i]);
		fputs(",\"remarks\":[", stdout);
		for (size_t first = ++i; i < count && i < MOST && strcmp(message[i].kind, "error") != 0;
		     i++) {
			printf("%s{\"kind\":\"%s\",", i == first ? "" : ",", message[i].kind);
			print_message(&message[i]);
			putchar('}');
		}
		puts("]}");
	}
}

int session_errors(const Session *s)
{
	int code = sslc_out_of_memory(s->program) ? EXIT_SYSTEM : EXIT_WRONG;
	if (s->json) {
		print_json(s);
		return finish_output(code);
	}
	fflush(stdout);
	sslc_print_errors(s->program, stderr, has_colour());
	return code;
}

int session_failure(const Session *s, const Failure *f)
{
	if (!f->text[0])
		return session_errors(s);
	complain("%s", f->text);
	if (f->help[0])
		advise("%s", f->help);
	return f->kind;
}

/* Every task finds as many labels of each class as it asks for. */
static bool check_labels(Session *s)
{
	size_t count;
	const sslc_task *task = sslc_tasks(s->program, &count);
	for (size_t i = 0; i < count; i++) {
		char why[DATA_WHY], text[2 * DATA_WHY];
		int64_t *chosen = NULL;
		if (!task[i].samples ||
		    data_choose(s->data, task[i].samples, task[i].per_class, 0, &chosen, why)) {
			free(chosen);
			continue;
		}
		snprintf(text, sizeof text, "'labels' of %s: %s", task[i].base, why);
		sslc_data_error(s->program, text);
		return false;
	}
	return true;
}

static bool bind_data(Session *s)
{
	char why[DATA_WHY];
	if (!sslc_bind(s->program, data_shape(s->data)))
		return false;
	if (!data_in_ranges(s->data, sslc_describe(s->program), why)) {
		sslc_data_error(s->program, why);
		return false;
	}
	return check_labels(s);
}

/* A file is not there: what lies beside the model may say how it is made, or where it is from. */
static void add_readme(const char *folder, char why[DATA_WHY])
{
	char path[1100];
	size_t used = strlen(why);
	snprintf(path, sizeof path, "%s%sREADME.md", folder, *folder ? "/" : "");
	if (strstr(why, strerror(ENOENT)) && access(path, F_OK) == 0)
		snprintf(why + used, DATA_WHY - used, "; see %.300s", path);
}

/* Paths in a model file are relative to that file. */
static bool open_data(Session *s, const char *model)
{
	char why[DATA_WHY], folder[1024];
	const char *slash = strrchr(model, '/');
	int length = slash ? (int)(slash - model) : 0;
	snprintf(folder, sizeof folder, "%.*s", slash == model ? 1 : length, model);
	s->data = data_open(sslc_reader(s->program), slash ? folder : NULL, why);
	if (s->data && (s->hold_out == 0 || data_hold_out(s->data, s->hold_out, why)))
		return bind_data(s);
	add_readme(folder, why);
	sslc_data_error(s->program, why);
	return false;
}

bool session_open_at(Session *s, const char *model, const char *folder, sslc_options options,
                     char why[WHY])
{
	why[0] = 0;
	*s = (Session){.program = sslc_open(model, &options)};
	if (!s->program)
		return because(why, "no memory to open the model");
	if (sslc_error_count(s->program) || !sslc_reader(s->program))
		return false;
	s->data = data_open(sslc_reader(s->program), folder, why);
	return s->data && bind_data(s) && !sslc_error_count(s->program);
}

int session_open(Session *s, const Options *o, sslc_options options, bool with_data)
{
	int64_t most = (int64_t)1 << 24; /* MiB: 16 TiB, more than there is */
	options.memory_limit = (size_t)(o->memory < most ? o->memory : most) << 20;
	*s = (Session){.program = sslc_open(o->model, &options), .json = o->json};
	if (!s->program) {
		complain("no memory to open the model");
		return EXIT_SYSTEM;
	}
	if ((o->cpu || o->target) && !sslc_error_count(s->program))
		(void)sslc_cpu(s->program); /* an unknown one is an error, also where nothing is compiled */
	char inside[1040] = "";
	if (o->data && !o->runs)
		snprintf(inside, sizeof inside, "%.1024s/", o->data);
	if (o->hold_out && !share_of(o->hold_out, &s->hold_out))
		return EXIT_USAGE;
	bool bound = with_data && sslc_reader(s->program) && open_data(s, *inside ? inside : o->model);
	if (sslc_error_count(s->program) || (with_data && !bound))
		return session_errors(s);
	return EXIT_GOOD;
}

void session_close(Session *s)
{
	data_close(s->data);
	sslc_close(s->program);
	*s = (Session){0};
}

static void add_name(const char **names, size_t *count, size_t room, const sslc_program *p,
                     const char *name)
{
	if (*count < room && sslc_has_function(p, name))
		names[(*count)++] = name;
}

int session_find(const Session *s, const char *function)
{
	if (sslc_has_function(s->program, function))
		return EXIT_GOOD;
	static const char *const own[] = {"init",      "step",     "monitor",       "features",
	                                  "views",     "generate", "generate.next", "vectors",
	                                  "gradients", "perturbed"};
	static const char *const of_task[] = {"init",         "step",  "encode",
	                                      "step.encoded", "score", "score.rest"};
	enum { ROOM = 256 };
	const char *names[ROOM];
	char text[ROOM][128];
	size_t count = 0, tasks;
	for (size_t i = 0; i < COUNT(own); i++)
		add_name(names, &count, ROOM, s->program, own[i]);
	const sslc_task *task = sslc_tasks(s->program, &tasks);
	for (size_t i = 0; i < tasks; i++)
		for (size_t k = 0; k < COUNT(of_task) && count < ROOM; k++) {
			snprintf(text[count], sizeof text[count], "%s.%s", task[i].name, of_task[k]);
			add_name(names, &count, ROOM, s->program, text[count]);
		}
	complain_unknown("function", function, names, count);
	fputs("  help: the model has:", stderr);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, " %s", names[i]);
	fputc('\n', stderr);
	return EXIT_WRONG;
}

bool session_names(const Session *s, const Options *o, const sslc_names **names)
{
	*names = o->names ? sslc_named_by(s->program, o->names) : NULL;
	if (*names || !o->names)
		return true;
	(void)session_errors(s);
	return false;
}

bool session_tokenizer(const Session *s, Tokenizer **t, Failure *f)
{
	char why[WHY];
	const char *json = data_tokenizer(s->data);
	if (!json) {
		fail(f, FAILURE_WRONG, "the data of the model is not text");
		return fail_help(f, "text() and lines() read text");
	}
	*t = tokenizer_parse(json, strlen(json), why);
	return *t || fail(f, FAILURE_WRONG, "the tokenizer %s", why);
}

int session_with_weights(Session *s, const Options *o, TokenWork *work, const void *what)
{
	char path[1024];
	snprintf(path, sizeof path, "runs/%s/checkpoint.safetensors", sslc_name(s->program));
	Engine engine = {0};
	Tokenizer *t = NULL;
	Failure f = {0};
	Loaded loaded = {0};
	const char *weights = o->checkpoint ? o->checkpoint : path;
	bool good = session_tokenizer(s, &t, &f) &&
	            engine_open(&engine, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), &f) &&
	            weights_load_tokens(&engine, s->data, weights, &loaded, &f);
	session_note_weights(&loaded, weights);
	good = good && work(&engine, t, what, &f);
	session_note(s);
	engine_close(&engine);
	tokenizer_close(t);
	if (!good && !o->checkpoint && access(path, F_OK) != 0 && !f.help[0])
		fail_help(&f, "sslc run %s makes it; --checkpoint FILE names another one", o->model);
	return good ? EXIT_GOOD : session_failure(s, &f);
}

/* -- What a report begins with ----------------------------------------------------------------- */

char *bytes_text(size_t bytes, char text[24])
{
	static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t at = 0;
	double value = (double)bytes;
	for (; value >= 1024 && at + 1 < COUNT(unit); at++)
		value /= 1024;
	snprintf(text, 24, at ? "%.1f %s" : "%.0f %s", value, unit[at]);
	return text;
}

void session_print(const Session *s)
{
	const sslc_data *d = data_shape(s->data);
	printf("model       %s\n", sslc_name(s->program));
	printf("data        %" PRId64 " train", d->train_count);
	if (d->unlabelled)
		printf(" (%" PRId64 " without a label)", d->unlabelled);
	printf(", %" PRId64 " test:", d->test_count);
	for (size_t i = 0; i < d->count; i++) {
		const sslc_tensor *t = &d->field[i];
		char shape[TENSOR_TEXT];
		tensor_text(t->dtype, t->rank, t->dim, shape);
		printf(" %s %s", t->name, shape);
	}
	if (d->classes)
		printf(", %" PRId64 " classes", d->classes);
	size_t count, parameters = 0;
	const sslc_state *state = sslc_states(s->program, &count);
	for (size_t i = 0; i < count; i++) {
		size_t elements = 1;
		for (int k = 0; k < state[i].tensor.rank; k++)
			elements *= (size_t)state[i].tensor.dim[k];
		parameters += state[i].is_param && !state[i].task ? elements : 0;
	}
	printf("\nparameters  %zu\n", parameters);
}

void session_note(const Session *s)
{
	const char *note = sslc_note(s->program);
	if (note)
		inform("%s", note);
	if (s->data && *data_note(s->data))
		inform("%s", data_note(s->data));
}

void session_note_weights(const Loaded *l, const char *path)
{
	if (l->other_line)
		inform("the weights of %s are of another text of this model, which differs from line %d on",
		       path, l->other_line);
}

void session_times(const Session *s)
{
	enum { ROOM = 32 };
	sslc_time time[ROOM];
	size_t count = sslc_times(s->program, time, ROOM);
	double whole = 0;
	puts("\nstage              ms   times");
	for (size_t i = 0; i < count && i < ROOM; i++) {
		whole += time[i].seconds;
		printf("%-12s %8.2f %7zu\n", time[i].stage, 1e3 * time[i].seconds, time[i].times);
	}
	printf("%-12s %8.2f\n", "all", 1e3 * whole);
	sslc_kernel_counts kernels = sslc_count_kernels(s->program);
	if (kernels.compiled + kernels.reused)
		printf("kernels      %zu compiled, %zu reused\n", kernels.compiled, kernels.reused);
}
