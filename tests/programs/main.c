/* main.c: sslc_programs: whole programs at random, seed after seed.
 *
 *   sslc_programs [--seed=S] [--count=N] [--seconds=T] [--failures=F] [--shrink=T] [--keep=FOLDER]
 *                 [--large=L] [--cover] [--print] [--verbose]
 *
 * Seeds S, S + 1, ... until N programs or T seconds are done, or F have failed. A failure is
 * printed with its seed, made smaller for T seconds, and left in FOLDER with the data that it
 * reads. Of 16 programs L (8) are not tiny: a seed is another program with another L. With --cover
 * programs are but built, and every name of the language must be used by one. --print shows the
 * program of the seed S.
 *
 * Programs run in a child, so that one that kills it is a failure as any other; all that is known
 * of them is in memory that both share. */
#include "programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Shared {
	uint64_t seed; /* that is being checked */
	bool checking;
	Report all, last; /* last: of a program that is made smaller */
} Shared;

typedef struct Options {
	uint64_t seed;
	uint32_t large;
	int64_t count, failures;
	double seconds, shrink;
	const char *keep;
	bool cover, print, verbose;
} Options;

typedef struct Session {
	const Options *o;
	Shared *shared;
	char folder[256];
	double end;
	const char *kind, *until; /* of the failure that is made smaller */
} Session;

enum { PATIENCE = 60 }; /* seconds of one core for a program */

/* -- In the child ------------------------------------------------------------------------------ */

static bool check_tape(Session *s, Tape *t, const char *until, Report *report)
{
	char why[WHY];
	Program p;
	program_draw(t, &p);
	setitimer(ITIMER_PROF, &(struct itimerval){.it_value = {.tv_sec = PATIENCE}}, NULL);
	bool good = program_write(&p, s->folder, "program", why);
	if (!good)
		snprintf(report->verdict, VERDICT, "not written: %s", why);
	good = good && program_check(&p, s->folder, "program", s->o->cover, until, report);
	setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
	program_close(&p);
	return good;
}

static _Noreturn void work(Session *s, int64_t count)
{
	Shared *h = s->shared;
	for (int64_t i = 0; i < count && seconds_now() < s->end; i++, h->seed++) {
		Tape t = tape_of_seed(h->seed, s->o->large);
		h->checking = true;
		if (s->o->verbose)
			fprintf(stderr, "seed %llu\n", (unsigned long long)h->seed);
		if (!check_tape(s, &t, NULL, &h->all))
			_exit(1);
		h->checking = false;
	}
	_exit(0);
}

/* -- In the parent ----------------------------------------------------------------------------- */

/* True if the child ended well. What kills it is a verdict, too. */
static bool wait_for(pid_t child, char verdict[VERDICT])
{
	int status;
	if (child < 0 || waitpid(child, &status, 0) != child)
		BUG("no child");
	if (WIFSIGNALED(status))
		snprintf(verdict, VERDICT, "%s: signal %d",
		         WTERMSIG(status) == SIGPROF ? "endless" : "killed", WTERMSIG(status));
	else if (WEXITSTATUS(status) > 1)
		snprintf(verdict, VERDICT, "killed: exit status %d", WEXITSTATUS(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void be_quiet(void)
{
	if (!freopen("/dev/null", "w", stderr))
		_exit(2);
}

static bool is_kind(const char *verdict, const char *kind)
{
	size_t size = strcspn(kind, ":");
	return strncmp(verdict, kind, size) == 0 && verdict[size] == ':';
}

/* In a child of its own. */
static bool still_fails(void *of, Tape *t)
{
	Session *s = of;
	Report *last = &s->shared->last;
	last->verdict[0] = 0;
	pid_t child = fork();
	if (child == 0) {
		be_quiet();
		_exit(check_tape(s, t, s->until, last) ? 0 : 1);
	}
	return !wait_for(child, last->verdict) && is_kind(last->verdict, s->kind);
}

static void say_options(const Program *p)
{
	fprintf(stderr, "  compiled with cpu %s, chain_room %zu\n", p->cpu ? p->cpu : "native",
	        p->chain_room);
}

static void keep(Session *s, Tape *t, unsigned long long seed)
{
	char folder[512], why[WHY];
	Program p;
	snprintf(folder, sizeof folder, "%s/seed-%llu", s->o->keep, seed);
	program_draw(t, &p);
	if ((mkdir(s->o->keep, 0777) && errno != EEXIST) || (mkdir(folder, 0777) && errno != EEXIST))
		fprintf(stderr, "  not kept in %s: %s\n", folder, strerror(errno));
	else if (!program_write(&p, folder, "program", why))
		fprintf(stderr, "  not kept: %s\n", why);
	else
		fprintf(stderr, "  the model: %s/program.json\n", folder);
	say_options(&p);
	program_close(&p);
}

static void report(Session *s)
{
	Shared *h = s->shared;
	char kind[VERDICT], until[sizeof h->last.function];
	Tape t = tape_of_seed(h->seed, s->o->large);
	fprintf(stderr, "seed %llu: %s\n", (unsigned long long)h->seed, h->all.verdict);
	snprintf(kind, sizeof kind, "%s", h->all.verdict);
	s->kind = kind;
	s->until = ""; /* function by function, up to the one that fails */
	if (s->o->shrink > 0 && still_fails(s, &t)) {
		snprintf(until, sizeof until, "%s", h->last.function);
		s->until = until;
		tape_shrink(&t, still_fails, s, s->o->shrink);
		if (still_fails(s, &t))
			fprintf(stderr, "  made smaller: %s in %s\n", h->last.verdict, until);
	}
	keep(s, &t, h->seed);
}

static double cpu_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Not judged: a tensor whose bound says little, a slope at a kink. */
static void say_counts(const Counts *c, int64_t failures, FILE *out)
{
	fprintf(out,
	        "%lld programs, %lld functions, %lld tensors, %lld unjudged (%.2f %%), %lld slopes, "
	        "%lld kinks, %lld failures; compiling %.1f s, running %.1f s, interpreting %.1f s; "
	        "%.1f s of one core\n",
	        (long long)c->programs, (long long)c->functions, (long long)c->tensors,
	        (long long)c->unjudged,
	        c->tensors ? 100.0 * (double)c->unjudged / (double)c->tensors : 0.0,
	        (long long)c->gradients, (long long)c->kinks, (long long)failures, c->compile_seconds,
	        c->native_seconds, c->reference_seconds, cpu_seconds());
}

static bool run(Session *s)
{
	Shared *h = s->shared;
	int64_t failures = 0, done = 0;
	h->seed = s->o->seed;
	while (done < s->o->count && failures < s->o->failures && seconds_now() < s->end) {
		uint64_t first = h->seed;
		pid_t child = fork();
		if (child == 0)
			work(s, s->o->count - done);
		bool good = wait_for(child, h->all.verdict);
		done += (int64_t)(h->seed - first);
		if (good)
			break;
		if (!h->checking)
			BUG("the child ended between two programs: %s", h->all.verdict);
		failures++;
		report(s);
		h->seed++;
		done++;
	}
	bool covered =
	    !s->o->cover || (cover_stored(&h->all.cover) && cover_report(&h->all.cover, stderr));
	if (s->o->verbose || s->o->seconds > 0 || failures)
		say_counts(&h->all.counts, failures, stderr);
	return !failures && covered;
}

/* -- The command ------------------------------------------------------------------------------- */

static bool option(const char *argument, const char *name, const char **value)
{
	size_t size = strlen(name);
	*value = argument + size;
	return strncmp(argument, name, size) == 0;
}

static bool read_options(int argc, char **argv, Options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *v;
		if (option(argv[i], "--seed=", &v))
			o->seed = strtoull(v, NULL, 10);
		else if (option(argv[i], "--count=", &v))
			o->count = strtoll(v, NULL, 10);
		else if (option(argv[i], "--large=", &v))
			o->large = (uint32_t)strtoul(v, NULL, 10);
		else if (option(argv[i], "--seconds=", &v))
			o->seconds = strtod(v, NULL);
		else if (option(argv[i], "--shrink=", &v))
			o->shrink = strtod(v, NULL);
		else if (option(argv[i], "--failures=", &v))
			o->failures = strtoll(v, NULL, 10);
		else if (option(argv[i], "--keep=", &v))
			o->keep = v;
		else if (strcmp(argv[i], "--cover") == 0)
			o->cover = true;
		else if (strcmp(argv[i], "--print") == 0)
			o->print = true;
		else if (strcmp(argv[i], "--verbose") == 0)
			o->verbose = true;
		else
			return false;
	}
	return true;
}

static int print_program(const Options *o)
{
	Tape t = tape_of_seed(o->seed, o->large);
	Program p;
	program_draw(&t, &p);
	printf("%s", p.model.data);
	say_options(&p);
	program_close(&p);
	return 0;
}

static void remove_files(const char *folder)
{
	static const char *const FILES[] = {"program.json", "x.npy",     "label.npy",
	                                    "x.idx",        "label.idx", "side.npy"};
	char path[512];
	for (size_t i = 0; i < COUNT(FILES); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, FILES[i]);
		unlink(path);
	}
	rmdir(folder);
}

int main(int argc, char **argv)
{
	Options o = {
	    .seed = 1, .large = 8, .count = INT64_MAX, .failures = 1, .shrink = 60, .keep = "found"};
	if (!read_options(argc, argv, &o)) {
		fprintf(stderr,
		        "usage: sslc_programs [--seed=S] [--count=N] [--seconds=T] [--failures=F] "
		        "[--shrink=T] [--keep=FOLDER] [--large=L] [--cover] [--print] [--verbose]\n");
		return 2;
	}
	if (o.print)
		return print_program(&o);
	setenv("SSLC_CACHE", "off", 1); /* what is compiled is compiled now */
	Session s = {.o = &o, .end = o.seconds > 0 ? seconds_now() + o.seconds : 1e300};
	snprintf(s.folder, sizeof s.folder, "/tmp/sslc_programs.XXXXXX");
	s.shared =
	    mmap(NULL, sizeof *s.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.shared == MAP_FAILED || !mkdtemp(s.folder)) {
		fprintf(stderr, "no memory or folder to work in\n");
		return 2;
	}
	cover_open(&s.shared->all.cover);
	cover_open(&s.shared->last.cover);
	bool good = run(&s);
	remove_files(s.folder);
	return !good;
}
