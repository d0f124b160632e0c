/* run.c: sslc run: the whole experiment: pre-train, save, features, downstream tasks, and what they
 * show.
 *
 * Everything that can be refused is refused before the first step: the model, the data, the
 * checkpoint to resume, the weights to begin with, the folder, which no other run may write into.
 * Then the files of an older run in that folder make room. */
#include "command.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/report/report.h"
#include "session.h"

typedef struct Run {
	Session session;
	Engine engine;
	Watch watch;
	Position at;
	TrainOptions options;
	Failure failure;
	Loaded loaded;         /* by --init */
	FolderLock lock, each; /* of `whole`; with --seeds also of `directory` */
	int threads;
	bool looked_for_leaks; /* in the test split */
	char whole[512];       /* the folder of all */
	char directory[576];   /* of the experiment that runs: the same, or with --seeds one in it */
} Run;

static void say(const Run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const Run *r, const char *format, ...)
{
	if (r->options.quiet)
		return;
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

static void print_header(const Run *r)
{
	if (r->options.quiet)
		return;
	sslc_program *p = r->session.program;
	const Position *at = &r->at;
	const sslc_code *step = sslc_function(p, "step");
	char states[24], arena[24], least[24];
	session_print(&r->session);
	printf("compute     %d threads, %s\n", r->threads, sslc_cpu(p));
	printf("memory      %s of states, %s of scratch (no plan of a step needs less than %s)\n",
	       bytes_text(r->engine.states_bytes, states), bytes_text(r->engine.arena_bytes, arena),
	       bytes_text(step ? step->arena_least : 0, least));
	printf("steps       %" PRId64 " in %" PRId64 " epochs, batch %" PRId64 ", seed %" PRIu64 "\n",
	       at->steps, at->steps / at->epoch_steps, sslc_pretraining(p).batch, at->seed);
	if (r->loaded.wanted) {
		char text[1024];
		loaded_text(&r->loaded, r->options.init, text);
		printf("init        %s\n", text);
	}
	if (at->step)
		printf("resumed     at step %" PRId64 " of %s\n", at->step, r->directory);
	fflush(stdout);
	session_note(&r->session);
}

static bool set_directory(Run *r, const Options *o)
{
	const char *name = o->out ? o->out : sslc_name(r->session.program);
	int length = snprintf(r->whole, sizeof r->whole, "%s%s", o->out ? "" : "runs/", name);
	memcpy(r->directory, r->whole, sizeof r->whole);
	if (length < (int)sizeof r->whole - 64)
		return true;
	return fail(&r->failure, FAILURE_SYSTEM, "the name of the folder is too long: '%s'", r->whole);
}

/* Several experiments have a folder each. */
static void set_seed(Run *r, const Options *o, uint64_t seed)
{
	r->options.seed = seed;
	if (o->seeds)
		snprintf(r->directory, sizeof r->directory, "%s/seed-%" PRIu64, r->whole, seed);
}

/* The number of epochs is part of what is compiled (schedules of learning rates), so a resumed run
 * must be compiled for the number that its checkpoint was made with. */
static int open_session(Run *r, const Options *o)
{
	sslc_options options = {.cpu = o->cpu, .epochs = o->epochs, .profile = o->profile};
	int code = session_open(&r->session, o, options, true);
	if (code)
		return code;
	if (!set_directory(r, o) || !folder_lock(&r->lock, r->directory, &r->failure))
		return session_failure(&r->session, &r->failure);
	options.epochs = o->resume && !o->epochs ? checkpoint_epochs(r->directory) : 0;
	if (!options.epochs || options.epochs == sslc_pretraining(r->session.program).epochs)
		return EXIT_GOOD;
	session_close(&r->session);
	return session_open(&r->session, o, options, true);
}

static void set_options(Run *r, const Options *o)
{
	sslc_training t = sslc_pretraining(r->session.program);
	r->options = (TrainOptions){
	    .directory = r->directory,
	    .init = o->init,
	    .loaded = &r->loaded,
	    .resume = o->resume,
	    .epochs = t.epochs,
	    .steps = o->steps,
	    .seed = o->seed ? (uint64_t)(o->seed - 1) : t.seed,
	    .has_seed = o->seed != 0,
	    .has_epochs = o->epochs != 0,
	    .save_every = o->save_every ? (double)(o->save_every - 1) : 2,
	    .quiet = o->quiet,
	    .live = o->live,
	    .profile = o->profile,
	    .tensorboard = o->tensorboard,
	    .monitor = o->monitor,
	};
	set_seed(r, o, r->options.seed);
	r->threads = o->threads ? (int)o->threads : threads_here();
}

/* Where the model file was: paths of its data start there, and `sslc report` looks for them. */
static bool write_source(Run *r, const Options *o)
{
	char path[RUN_PATH], why[WHY], *text = NULL, *model = realpath(o->model, NULL);
	char *of_data = o->data ? realpath(o->data, NULL) : NULL;
	const char *name = strrchr(o->model, '/') ? strrchr(o->model, '/') + 1 : o->model;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (out) {
		char *from = NULL; /* a model file of that name, as if it were there */
		if (of_data && asprintf(&from, "%s/%s", of_data, name) < 0)
			from = NULL;
		fputs("{\"sslc\": \"" SSLC_VERSION "\", \"model\": ", out);
		json_text(out, from ? from : model ? model : o->model);
		free(from);
		fputs("}\n", out);
	}
	free(of_data);
	bool good = (out && fclose(out) == 0) ||
	            fail(&r->failure, FAILURE_SYSTEM, "no memory for the name of the model");
	good = good && run_path(r->directory, RUN_FILE, path, &r->failure) &&
	       (bytes_write(path, (const void *[]){text}, &size, 1, why) ||
	        fail(&r->failure, FAILURE_SYSTEM, "%s", why));
	free(text);
	free(model);
	return good;
}

static void say_replaced(const Run *r, const char *directory)
{
	say(r,
	    "note        the run that was in %s is replaced; its last checkpoint is kept as\n"
	    "            checkpoint.previous.safetensors\n",
	    directory);
}

/* Several experiments have one table of results: a single run's other files beside it would not be what it is of. */
static bool clear_whole(Run *r)
{
	static const char *const old[] = {"metrics.jsonl", "model.json", RUN_FILE, EVENTS};
	char from[RUN_PATH], to[RUN_PATH];
	Failure unsaid = {0};
	if (!run_path(r->whole, CHECKPOINT, from, &unsaid) ||
	    !run_path(r->whole, CHECKPOINT_BEFORE, to, &unsaid) || rename(from, to) != 0)
		return folder_forget(r->whole, &r->failure);
	for (size_t i = 0; i < sizeof old / sizeof *old; i++)
		if (run_path(r->whole, old[i], from, &unsaid))
			(void)unlink(from);
	say_replaced(r, r->whole);
	return folder_forget(r->whole, &r->failure);
}

/* Makes room for the files of an experiment. */
static bool prepare_folder(Run *r, const Options *o)
{
	bool moved = false;
	FolderLock *lock = o->seeds ? &r->each : &r->lock;
	if (o->seeds && !clear_whole(r))
		return false;
	if (!folder_prepare(lock, &r->engine, &r->options, &moved, &r->failure) ||
	    !folder_lock(&r->lock, r->whole, &r->failure) || !write_source(r, o))
		return false;
	if (moved)
		say_replaced(r, r->directory);
	return true;
}

/* Opens all that training needs; the watch first, so that every thread is made under its mask. */
static bool prepare(Run *r, const Options *o)
{
	Failure *f = &r->failure;
	Call step = {0};
	set_options(r, o);
	*f = (Failure){.kind = FAILURE_WRONG}; /* of the program, if it has errors */
	if (o->names && !(r->options.names = sslc_named_by(r->session.program, o->names)))
		return false;
	const char *const names[] = {"init", "step"};
	if (!watch_open(&r->watch, f))
		return false;
	sslc_compile(r->session.program, names + o->resume, (size_t)(2 - o->resume));
	if (!engine_open(&r->engine, sslc_describe(r->session.program), r->threads, f) ||
	    !train_begin(&r->engine, r->session.data, &r->options, &r->at, f))
		return false;
	bool good = call_open(&step, &r->engine, "step",
	                      f); /* compiled before anything of an older run is touched */
	call_close(&step);
	if (!good)
		return false;
	print_header(r);
	return prepare_folder(r, o);
}

/* What is left to compile after the training, all together. */
static void compile_rest(Run *r, const Options *o)
{
	static const char *const of_task[] = {"init", "encode", "step", "bank", "collect", "score"};
	enum { ROOM = 96, OF_TASK = sizeof of_task / sizeof *of_task };
	const char *names[ROOM + OF_TASK] = {"features"};
	char text[ROOM + OF_TASK][256];
	size_t count = 1, tasks;
	const sslc_task *task = sslc_tasks(r->session.program, &tasks);
	for (size_t i = 0; !o->no_downstream && i < tasks && count < ROOM; i++)
		for (size_t k = 0; k < OF_TASK; k++, count++) {
			const char *function = of_task[k];
			if (strcmp(function, "step") == 0 && task_encodes(&r->engine, &task[i]))
				function = "step.encoded";
			snprintf(text[count], sizeof text[count], "%s.%s", task[i].name, function);
			names[count] = text[count];
		}
	sslc_compile(r->session.program, names, count);
}

static bool write_features(Run *r)
{
	char path[640];
	snprintf(path, sizeof path, "%s/" FEATURES_FILE, r->directory);
	Split split = data_count(r->session.data, SPLIT_TEST) ? SPLIT_TEST : SPLIT_TRAIN;
	return !sslc_has_function(r->session.program, "features") ||
	       features_write(&r->engine, r->session.data, split, path, &r->watch, &r->failure);
}

static bool score_tasks(Run *r, const Options *o, Scores *scores)
{
	size_t tasks;
	sslc_tasks(r->session.program, &tasks);
	if (tasks && !o->no_downstream && !r->looked_for_leaks) {
		int64_t leaked = data_leaked(r->session.data);
		if (leaked)
			inform(
			    "%" PRId64 " of %" PRId64
			    " test samples are equal to samples that are trained on: memory alone scores them",
			    leaked, data_count(r->session.data, SPLIT_TEST));
		r->looked_for_leaks = true;
	}
	return !tasks || o->no_downstream ||
	       downstream(&r->engine, r->session.data, r->at.seed, o->no_baselines, &r->watch, scores,
	                  &r->failure);
}

static bool write_scores(Run *r, const Scores *scores, const char *directory, bool print)
{
	char path[RUN_PATH];
	if (print && scores->count && !r->options.quiet)
		scores_print(scores, stdout);
	return run_path(directory, RESULTS_FILE, path, &r->failure) &&
	       scores_write(scores, sslc_name(r->session.program), path, &r->at, &r->failure);
}

static bool run_once(Run *r, const Options *o)
{
	if (r->at.step < r->at.steps) {
		say(r, "stopped at step %" PRId64 " of %" PRId64 " as asked; --resume goes on from here\n",
		    r->at.step, r->at.steps);
		return true;
	}
	compile_rest(r, o);
	Scores scores = {0};
	bool good = write_features(r) && score_tasks(r, o, &scores) &&
	            write_scores(r, &scores, r->directory, true);
	scores_close(&scores);
	if (good)
		say(r, "\nin %s: checkpoint.safetensors, metrics.jsonl, results.json%s\n", r->directory,
		    sslc_has_function(r->session.program, "features") ? ", features.npy" : "");
	return good;
}

/* The whole experiment once more, with the next seed. */
static bool next_seed(Run *r, const Options *o)
{
	folder_unlock(&r->each);
	set_seed(r, o, r->options.seed + 1);
	return train_begin(&r->engine, r->session.data, &r->options, &r->at, &r->failure) &&
	       prepare_folder(r, o) &&
	       train(&r->engine, r->session.data, &r->options, &r->watch, &r->at, &r->failure);
}

/* Folders of seeds from an earlier run lie beside those that the results are of. */
static void say_other_seeds(const Run *r, uint64_t first, uint64_t last)
{
	uint64_t least = 0;
	size_t others = 0;
	DIR *all = opendir(r->whole);
	for (struct dirent *d; all && (d = readdir(all));) {
		char *end = d->d_name;
		uint64_t seed = strncmp(end, "seed-", 5) == 0 ? strtoull(end + 5, &end, 10) : 0;
		if (end == d->d_name || *end || (seed >= first && seed <= last))
			continue;
		least = others++ == 0 || seed < least ? seed : least;
	}
	if (all)
		closedir(all);
	char more[64] = "";
	if (others > 1)
		snprintf(more, sizeof more, " and %zu more such folder%s", others - 1,
		         others > 2 ? "s" : "");
	if (others)
		say(r, "note        %s/seed-%" PRIu64 "%s: of an earlier run, no part of these results\n",
		    r->whole, least, more);
}

/* Experiments with seeds that follow each other: what differs between their scores is chance. One seed alone shows none: its
 * scores are those of a run. */
static bool run_seeds(Run *r, const Options *o)
{
	Scores all = {0};
	compile_rest(r, o);
	bool good = true;
	for (int64_t i = 0; good && i < o->seeds; i++) {
		Scores one = {0};
		good = (i == 0 || next_seed(r, o)) && write_features(r) && score_tasks(r, o, &one) &&
		       write_scores(r, &one, r->directory, false) &&
		       (o->seeds > 1 ? scores_add(&all, &one, (size_t)o->seeds, &r->failure)
		                     : write_scores(r, &one, r->whole, true));
		scores_close(&one);
	}
	good = good && (o->seeds == 1 || write_scores(r, &all, r->whole, true));
	scores_close(&all);
	if (good)
		say(r, "\nin %s: results.json, and a folder a seed\n", r->whole);
	if (good)
		say_other_seeds(r, r->options.seed + 1 - (uint64_t)o->seeds, r->options.seed);
	return good;
}

static bool run(Run *r, const Options *o)
{
	return prepare(r, o) &&
	       train(&r->engine, r->session.data, &r->options, &r->watch, &r->at, &r->failure) &&
	       (o->seeds ? run_seeds(r, o) : run_once(r, o));
}

int command_run(const Options *o)
{
	if (o->seeds && (o->resume || o->steps)) {
		complain("--seeds runs whole experiments, and takes no --%s",
		         o->resume ? "resume" : "steps");
		return EXIT_USAGE;
	}
	if (o->names && !o->init) {
		complain("--names TABLE is of the file of --init, which is not given");
		return EXIT_USAGE;
	}
	Run r = {0};
	int code = open_session(&r, o);
	if (!code && !run(&r, o))
		code = session_failure(&r.session, &r.failure);
	if (!code && o->time)
		session_times(&r.session);
	folder_unlock(&r.each);
	folder_unlock(&r.lock);
	engine_close(&r.engine);
	watch_close(&r.watch);
	session_close(&r.session);
	return code ? code : finish_output(EXIT_GOOD);
}
