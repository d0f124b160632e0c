/* sweep.c: sslc sweep: a model with several values of what it leaves open, a run each, and a table.
 *
 * A run is `sslc run` in a process of its own, of a model file that is written into its folder, so
 * one that fails, or is killed, is a line of the table. What is to be run follows from the model's
 * text, the search and its seed alone: going on is to plan the same again and to leave out what has
 * an outcome already. Halving is that of Jamieson and Talwalkar 2016: all with few epochs, the
 * better third with three times as many, and so on; each is a whole run of so many epochs. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/report/report.h"
#include "sweep.h"

enum { KEEP = 3, DRAWS = 9 }; /* halving keeps one of three */

/* -- What is run ------------------------------------------------------------------------------- */

/* In [0, 1): number `k` of combination `i`. */
static double uniform(uint64_t seed, size_t i, size_t k)
{
	uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), (uint32_t)k, 0x73776570u}, out[4];
	philox4x32(counter, (uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32)}, out);
	return out[0] * 0x1p-32;
}

static bool same_values(const Plan *p, const char *const *a, const char *const *b)
{
	bool same = true;
	for (size_t v = 0; v < p->sweeps->count; v++)
		same &= strcmp(a[v], b[v]) == 0;
	return same;
}

static bool is_new(const Plan *p, const char *const *chosen)
{
	for (size_t i = 0; i < p->count; i++)
		if (same_values(p, p->chosen[i], chosen))
			return false;
	return true;
}

/* The last variable changes first. */
static void plan_grid(Plan *p, size_t all)
{
	const Sweeps *s = p->sweeps;
	p->chosen = new_array(p->c.arena, const char **, all + 1);
	for (size_t i = 0; i < all; i++) {
		p->chosen[p->count++] = new_array(p->c.arena, const char *, s->count + 1);
		size_t rest = i;
		for (size_t v = s->count; v-- > 0;) {
			size_t n = sweep_count(&s->at[v]);
			p->chosen[i][v] = sweep_value(p->c.arena, &s->at[v], rest % n);
			rest /= n;
		}
	}
}

/* No combination twice; fewer than asked for where there are no more. */
static void plan_random(Plan *p, size_t draws, uint64_t seed)
{
	const Sweeps *s = p->sweeps;
	p->chosen = new_array(p->c.arena, const char **, draws + 1);
	for (size_t i = 0; p->count < draws && i < 100 * draws; i++) {
		const char **chosen = new_array(p->c.arena, const char *, s->count + 1);
		for (size_t v = 0; v < s->count; v++)
			chosen[v] = sweep_draw(p->c.arena, &s->at[v], uniform(seed, i, v));
		if (is_new(p, chosen))
			p->chosen[p->count++] = chosen;
	}
}

/* All combinations; 0: there is no such number, `open` is a range without a count. */
static size_t combinations(const Sweeps *s, const Sweep **open)
{
	size_t all = 1;
	*open = NULL;
	for (size_t v = 0; v < s->count; v++) {
		size_t n = sweep_count(&s->at[v]);
		if (!n)
			*open = &s->at[v];
		all = all > MOST_PLANNED ? all : all * n;
	}
	return *open ? 0 : all;
}

static int make_plan(Plan *p, const Options *o)
{
	const Sweep *open;
	size_t all = combinations(p->sweeps, &open);
	size_t draws = o->draws ? (size_t)o->draws : all && all < DRAWS ? all : DRAWS;
	if (p->search == SEARCH_GRID && open) {
		complain("a grid has no place for '%s', any number from %g to %g", open->label, open->from,
		         open->to);
		advise("give it count=N in the model file, or take --search random");
		return EXIT_WRONG;
	}
	if (p->search == SEARCH_GRID && o->draws) {
		complain("--runs is of a random or a halving search; a grid has %zu", all);
		return EXIT_USAGE;
	}
	if ((p->search == SEARCH_GRID ? all : draws) > MOST_PLANNED) {
		complain("these are more than %d runs", MOST_PLANNED);
		advise("--search random --runs N takes N of them");
		return EXIT_WRONG;
	}
	if (p->search == SEARCH_GRID)
		plan_grid(p, all);
	else
		plan_random(p, draws, o->seed ? (uint64_t)(o->seed - 1) : 0);
	return EXIT_GOOD;
}

/* -- A run ------------------------------------------------------------------------------------- */

static bool make_folder(const char *path)
{
	char part[RUN_PATH];
	snprintf(part, sizeof part, "%s", path);
	for (char *at = part + 1; *at; at++)
		if (*at == '/') {
			*at = 0;
			(void)mkdir(part, 0777); /* the last one says what is wrong */
			*at = '/';
		}
	if (mkdir(part, 0777) == 0 || errno == EEXIST)
		return true;
	complain("cannot make the folder '%s': %s", path, strerror(errno));
	return false;
}

/* The model file of a run, which stays as it is where it is there already. */
static int write_model(Plan *p, const Trial *t, const Options *o)
{
	Text text = {0};
	char path[RUN_PATH + 16], why[WHY];
	size_t there = 0;
	snprintf(path, sizeof path, "%s/model.json", t->folder);
	sweeps_fill(p->sweeps, p->text, p->size, p->chosen[t->which], &text);
	unsigned char *old = file_missing(path) ? NULL : bytes_read(path, 16 << 20, &there, why);
	bool same = old && there == text.size && memcmp(old, text.data, there) == 0;
	int code = EXIT_GOOD;
	if (old && !same && o->resume) {
		complain("'%s' is of another sweep: another text of the model, or another search", path);
		advise("leave out --resume and name another folder with --out");
		code = EXIT_WRONG;
	} else if (!make_folder(t->folder)) {
		code = EXIT_SYSTEM;
	} else if (!same && !bytes_write(path, (const void *[]){text.data}, &text.size, 1, why)) {
		complain("%s", why);
		code = EXIT_SYSTEM;
	}
	free(old);
	text_close(&text);
	return code;
}

/* In a process of its own: what it says goes to its log. */
_Noreturn static void run_here(const Plan *p, const Trial *t, const Options *o, bool resume)
{
	char model[RUN_PATH + 16], log[RUN_PATH + 16];
	snprintf(model, sizeof model, "%s/model.json", t->folder);
	snprintf(log, sizeof log, "%s/log.txt", t->folder);
	int file = open(log, O_WRONLY | O_CREAT | O_CLOEXEC | (resume ? O_APPEND : O_TRUNC), 0666);
	if (file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0)
		_exit(EXIT_SYSTEM);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	Options run = {
	    .model = model,
	    .out = t->folder,
	    .data = p->data,
	    .hold_out = p->hold_out,
	    .no_downstream = !p->task,
	    .no_baselines = true,
	    .epochs = t->epochs,
	    .threads = o->threads,
	    .cpu = o->cpu,
	    .resume = resume,
	};
	int code = command_run(&run);
	fflush(NULL);
	_exit(code);
}

static bool has_file(const Trial *t, const char *name)
{
	char path[RUN_PATH + 64];
	snprintf(path, sizeof path, "%s/%s", t->folder, name);
	return !file_missing(path);
}

/* The first line of the log that is an error. */
static void find_error(Trial *t)
{
	char path[RUN_PATH + 16], line[512];
	snprintf(path, sizeof path, "%s/log.txt", t->folder);
	FILE *log = fopen(path, "r");
	while (log && !*t->error && fgets(line, sizeof line, log)) {
		const char *at = strstr(line, "error: ");
		if (at)
			snprintf(t->error, sizeof t->error, "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	}
	if (log)
		fclose(log);
	if (!*t->error)
		snprintf(t->error, sizeof t->error, "it ended with code %d", t->code);
}

static void read_outcome(Plan *p, Trial *t)
{
	char path[RUN_PATH + 32], why[WHY];
	snprintf(path, sizeof path, "%s/results.json", t->folder);
	if (t->code)
		find_error(t);
	else if (!results_read(path, p->task, &t->result, why))
		snprintf(t->error, sizeof t->error, "%.150s", why);
	else if (p->task && !isfinite(t->result.score))
		snprintf(t->error, sizeof t->error, "the score is no number");
	else if (!p->task)
		t->result.score = t->result.loss;
	t->failed = *t->error != 0;
}

static bool write_outcome(const Trial *t)
{
	char path[RUN_PATH + 32], text[64], why[WHY];
	snprintf(path, sizeof path, "%s/outcome.json", t->folder);
	snprintf(text, sizeof text, "{\"exit\": %d}\n", t->code);
	size_t size = strlen(text);
	if (bytes_write(path, (const void *[]){text}, &size, 1, why))
		return true;
	complain("%s", why);
	return false;
}

/* Whether it ran to an end before, for which nothing speaks to try again: no file or memory lacked. */
static bool is_done(Trial *t)
{
	char path[RUN_PATH + 32];
	snprintf(path, sizeof path, "%s/outcome.json", t->folder);
	double code = file_missing(path) ? (double)NAN : json_number_of(path, "exit");
	t->code = code >= 0 && code < 256 ? (int)code : EXIT_SYSTEM;
	return t->code == EXIT_GOOD || t->code == EXIT_WRONG || t->code == EXIT_DIVERGED;
}

static int wait_for(pid_t child)
{
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_SYSTEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

static bool was_stopped(int code)
{
	return code == EXIT_SIGNAL + SIGINT || code == EXIT_SIGNAL + SIGTERM;
}

/* EXIT_GOOD also where the run failed: that is a result. */
static int run_trial(Plan *p, Trial *t, const Options *o)
{
	int code = write_model(p, t, o);
	if (code || (o->resume && is_done(t))) {
		read_outcome(p, t);
		return code;
	}
	fflush(NULL);
	pid_t child = fork();
	if (child < 0) {
		complain("cannot start a process: %s", strerror(errno));
		return EXIT_SYSTEM;
	}
	if (child == 0)
		run_here(p, t, o, o->resume && has_file(t, CHECKPOINT));
	t->code = wait_for(child);
	if (was_stopped(t->code)) {
		complain("stopped; --resume goes on");
		return t->code;
	}
	read_outcome(p, t);
	return write_outcome(t) ? EXIT_GOOD : EXIT_SYSTEM;
}

/* -- The search -------------------------------------------------------------------------------- */

/* The better of two runs first; failed ones last. */
static bool is_better(const Trial *a, const Trial *b)
{
	if (a->failed || b->failed)
		return !a->failed && b->failed;
	return a->result.higher_is_better ? a->result.score > b->result.score
	                                  : a->result.score < b->result.score;
}

static void sort_trials(const Plan *p, size_t *order, size_t count)
{
	for (size_t i = 1; i < count; i++) /* stable */
		for (size_t k = i; k > 0 && is_better(&p->trial[order[k]], &p->trial[order[k - 1]]); k--) {
			size_t kept = order[k];
			order[k] = order[k - 1];
			order[k - 1] = kept;
		}
}

static int run_round(Plan *p, const size_t *which, size_t count, int64_t epochs, const Options *o)
{
	for (size_t i = 0; i < count; i++) {
		Trial *t = &p->trial[p->trials];
		*t = (Trial){.which = which[i], .epochs = epochs, .round = p->rounds};
		if (p->search == SEARCH_HALVING)
			snprintf(t->folder, sizeof t->folder, "%s/%03zu-epochs-%" PRId64, p->folder,
			         which[i] + 1, epochs);
		else
			snprintf(t->folder, sizeof t->folder, "%s/%03zu", p->folder, which[i] + 1);
		int code = run_trial(p, t, o);
		if (code)
			return code;
		p->trials++;
		if (!o->quiet)
			sweep_line(p, t);
	}
	p->rounds++;
	return EXIT_GOOD;
}

static int run_search(Plan *p, const Options *o)
{
	size_t count = p->count, *which = new_array(p->c.arena, size_t, count + 1), rounds = 1;
	int64_t epochs = o->epochs ? o->epochs : p->epochs, first = epochs;
	p->trial = new_array(p->c.arena, Trial, 2 * count + 64);
	for (size_t i = 0; i < count; i++)
		which[i] = i;
	for (size_t n = count; p->search == SEARCH_HALVING && n > 1 && first >= KEEP; rounds++) {
		n = (n + KEEP - 1) / KEEP;
		first /= KEEP;
	}
	for (size_t r = 0; r < rounds; r++) {
		size_t *order = new_array(p->c.arena, size_t, count + 1), begin = p->trials, kept = 0;
		int64_t now = r + 1 == rounds ? epochs : first;
		int code = run_round(p, which, count, p->search == SEARCH_HALVING ? now : o->epochs, o);
		if (code)
			return code;
		for (size_t i = 0; i < count; i++)
			order[i] = begin + i;
		sort_trials(p, order, count);
		for (size_t i = 0; i < (count + KEEP - 1) / KEEP; i++)
			if (!p->trial[order[i]].failed)
				which[kept++] = p->trial[order[i]].which;
		count = kept;
		first *= KEEP;
	}
	return EXIT_GOOD;
}

/* -- The command ------------------------------------------------------------------------------- */

static int find_search(Plan *p, const Options *o)
{
	static const char *const names[] = {"grid", "random", "halving"};
	p->search = SEARCH_GRID;
	while (o->search && p->search <= SEARCH_HALVING && strcmp(names[p->search], o->search) != 0)
		p->search++;
	if (p->search <= SEARCH_HALVING)
		return EXIT_GOOD;
	complain("unknown search '%s'", o->search);
	advise("there are grid, random, halving");
	return EXIT_USAGE;
}

/* Its tasks, and that it can be read at all. */
static int look_at_model(Plan *p, const Options *o)
{
	Text text = {0};
	sweeps_fill(p->sweeps, p->text, p->size, p->chosen[0], &text);
	char *bytes = arena_copy(p->c.arena, text.data, text.size);
	uint32_t file = diags_file(p->c.diags, o->model, bytes, text.size);
	text_close(&text);
	const Model *m = parse(&p->c, file);
	if (!m || diag_count(p->c.diags))
		return EXIT_WRONG;
	const char **names = new_array(p->c.arena, const char *, m->task_count + 2);
	for (size_t i = 0; i < m->task_count; i++)
		names[i] = m->task[i].name;
	names[m->task_count] = "loss";
	p->epochs = (int64_t)m->train.epochs.value;
	p->task = m->task_count ? names[0] : NULL;
	for (size_t i = 0; o->score && i <= m->task_count; i++)
		if (strcmp(o->score, names[i]) == 0) {
			p->task = i < m->task_count ? names[i] : NULL;
			break;
		} else if (i == m->task_count) {
			complain_unknown("task", o->score, names, m->task_count + 1);
			advise("--score takes the name of a downstream task, or loss");
			return EXIT_WRONG;
		}
	p->asked_epochs = o->epochs;
	p->hold_out = !p->task ? NULL : o->hold_out ? o->hold_out : "0.1";
	p->folder = o->out ? o->out : arena_printf(p->c.arena, "runs/%s-sweep", m->name);
	return EXIT_GOOD;
}

static int check_folder(Plan *p, const Options *o)
{
	char first[RUN_PATH];
	if (o->hold_out && !p->hold_out) {
		complain("--hold-out is for scores of tasks, but the score is the training loss");
		advise("leave it out, or score a task of \"downstream\"");
		return EXIT_USAGE;
	}
	if (p->hold_out && !share_of(p->hold_out, &p->share))
		return EXIT_USAGE;
	if (strlen(p->folder) > RUN_PATH - 128) {
		complain("the name of the folder is too long: '%s'", p->folder);
		return EXIT_SYSTEM;
	}
	struct stat info;
	snprintf(first, sizeof first, "%s/sweep.json", p->folder);
	bool there = stat(first, &info) == 0;
	bool same = there && json_number_of(first, "held_out") == p->share &&
	            json_number_of(first, "epochs") == (double)o->epochs;
	if (!there || (o->resume && same))
		return EXIT_GOOD;
	if (o->resume) {
		complain("'%s' has a sweep with another --hold-out or --epochs", p->folder);
		advise("give those that it was begun with, or another folder with --out");
		return EXIT_WRONG;
	}
	complain("'%s' has a sweep already", p->folder);
	advise("--resume goes on with it, --out names another folder");
	return EXIT_WRONG;
}

static int with_sweeps(Plan *p, const Options *o)
{
	int code = find_search(p, o);
	if (!code)
		code = make_plan(p, o);
	if (!code)
		code = look_at_model(p, o);
	if (!code)
		code = check_folder(p, o);
	if (!code && !make_folder(p->folder))
		code = EXIT_SYSTEM;
	if (!code && !sweep_write(p)) /* the folder is this sweep's from now on */
		code = EXIT_SYSTEM;
	if (code)
		return code;
	(void)signal(SIGINT, SIG_IGN); /* of the run: it saves, and ends */
	(void)signal(SIGTERM, SIG_IGN);
	code = run_search(p, o);
	if (!code && !sweep_write(p))
		code = EXIT_SYSTEM;
	if (!code)
		code = sweep_table(p, o->quiet);
	return code;
}

int command_sweep(const Options *o)
{
	Plan p = {.c = {.arena = arena_open(0)}};
	Text text = {0};
	char why[128];
	if (!p.c.arena) {
		complain("no memory for the sweep");
		return EXIT_SYSTEM;
	}
	p.c.diags = diags_open(p.c.arena);
	int code = EXIT_WRONG;
	if (!file_read(o->model, 16 << 20, &text, why)) {
		complain("cannot read the model file '%s': %s", o->model, why);
	} else {
		const char *slash = strrchr(o->model, '/');
		p.text = text.data;
		p.size = text.size;
		p.data = !slash              ? "."
		         : slash == o->model ? "/"
		                             : arena_copy(p.c.arena, o->model, (size_t)(slash - o->model));
		p.sweeps = sweeps_find(&p.c, diags_file(p.c.diags, o->model, text.data, text.size));
		if (p.sweeps)
			code = with_sweeps(&p, o);
		diag_print(p.c.diags, stderr, has_colour());
	}
	text_close(&text);
	arena_close(p.c.arena);
	return code ? code : finish_output(EXIT_GOOD);
}
