/* profile.c: where the time of a step goes, kernel by kernel, beside what this machine can do.
 *
 * In: a call whose function marks the end of each kernel. Out: a table, the slowest first, and the places
 * of the model file whose kernels take most above their bound, with what stands there and the worst of
 * them. The two ceilings are measured when the table is printed, by the same threads: multiply-adds in registers,
 * and reads of memory far larger than the caches. A kernel's bound is the larger of its operations
 * over the first and its bytes over the second; bytes are counted once a buffer, so that what stays
 * in cache can pass 100 %. The first step, in which the system finds the memory, counts only if it
 * is the only one. */
#include "train.h"

#include <stdlib.h>
#include <string.h>

struct Profile {
	Call *call;
	size_t count;
	double *seconds; /* [count] of all runs */
	double *least;   /* [count] of the shortest run: what disturbs only slows down */
	double *ran;     /* [count] runs that did not leave it out; */
	double *fails;   /* [count] of these, those in which its choice did not hold */
	double last;     /* when the kernel before ended, or the call began */
	double waited;   /* for the batch of a step; below 0: nobody says */
	int64_t runs;
	bool warm; /* the first run is over, and no longer counted */
};

static void mark(void *marks, int32_t kernel)
{
	Profile *p = marks;
	double now = seconds_now();
	bool left_out = kernel < 0, fails = kernel >= STEP_MARK_FAILS;
	kernel = left_out ? -1 - kernel : kernel % STEP_MARK_FAILS;
	if (p->runs == 1 && !p->warm) {
		memset(p->seconds, 0, p->count * sizeof *p->seconds);
		memset(p->ran, 0, p->count * sizeof *p->ran);
		memset(p->fails, 0, p->count * sizeof *p->fails);
		p->runs = 0;
		p->warm = true;
	}
	double took = now - (kernel ? p->last : p->call->began);
	p->seconds[kernel] += took;
	if (!left_out && (p->ran[kernel] == 0 || took < p->least[kernel]))
		p->least[kernel] = took;
	p->ran[kernel] += !left_out;
	p->fails[kernel] += fails;
	p->last = now;
	p->runs += (size_t)kernel + 1 == p->count;
}

Profile *profile_open(Call *c)
{
	Profile *p = calloc(1, sizeof *p);
	double *seconds = calloc(4 * (c->code->kernel_count + 1), sizeof *seconds);
	if (!p || !seconds) {
		free(p);
		free(seconds);
		return NULL;
	}
	*p = (Profile){.call = c, .count = c->code->kernel_count, .seconds = seconds, .waited = -1};
	p->least = seconds + p->count, p->ran = seconds + 2 * p->count;
	p->fails = seconds + 3 * p->count;
	c->block.mark = mark;
	c->block.marks = p;
	return p;
}

void profile_waited(Profile *p, double seconds)
{
	p->waited = seconds;
}

void profile_close(Profile *p)
{
	if (!p)
		return;
	p->call->block.marks = NULL; /* the call is over */
	free(p->seconds);
	free(p);
}

/* -- Ceilings ---------------------------------------------------------------------------------- */

typedef struct Ceilings {
	double flops, bytes; /* a second */
} Ceilings;

static void run_tiles(Engine *e, StepTask task, void *args, ptrdiff_t tiles)
{
	if (e->pool)
		pool_parallel(e->pool, task, args, tiles);
	else
		task(args, 0, tiles);
}

/* The best of some runs: what disturbs only slows down. */
static double best_seconds(Engine *e, StepTask task, void *args, ptrdiff_t tiles)
{
	double best = 1e30;
	for (int i = 0; i < 8; i++) {
		double began = seconds_now();
		run_tiles(e, task, args, tiles);
		double took = seconds_now() - began;
		best = took < best ? took : best;
	}
	return best;
}

enum { WORDS = 1 << 18, STREAMS = 64 }; /* 64 tiles of 2 MiB */

typedef struct Stream {
	const uint64_t *word;
	uint64_t sum[STREAMS];
} Stream;

static void read_tiles(void *args, ptrdiff_t begin, ptrdiff_t end)
{
	Stream *s = args;
	for (int64_t t = begin; t < end; t++) {
		const uint64_t *at = s->word + t * WORDS;
		uint64_t a = 0, b = 0, c = 0, d = 0;
		for (int64_t i = 0; i < WORDS; i += 8) {
			a += at[i] ^ at[i + 4];
			b += at[i + 1] ^ at[i + 5];
			c += at[i + 2] ^ at[i + 6];
			d += at[i + 3] ^ at[i + 7];
		}
		s->sum[t] = a + b + c + d;
	}
}

static double measure_bytes(Engine *e)
{
	uint64_t *word = malloc((size_t)WORDS * STREAMS * sizeof *word);
	if (!word)
		return 0;
	memset(word, 1, (size_t)WORDS * STREAMS * sizeof *word);
	Stream s = {.word = word};
	double seconds = best_seconds(e, read_tiles, &s, STREAMS);
	free(word);
	return (double)WORDS * STREAMS * sizeof *word / seconds;
}

static Ceilings measure(Engine *e)
{
	const sslc_model *m = e->model;
	double flops;
	_Alignas(64) double scratch[64] = {0};
	StepTask task = m->peak ? m->peak(m->context, &flops) : NULL;
	Ceilings c = {.bytes = measure_bytes(e)};
	enum { TILES = 64 };
	if (task)
		c.flops = flops * TILES / best_seconds(e, task, scratch, TILES);
	return c;
}

/* -- What was measured ------------------------------------------------------------------------- */

typedef struct Line {
	const sslc_kernel *kernel;
	double seconds, least;
	double share;        /* of the steps: in the others it was left out */
	double flops, bytes; /* of such a step, on average */
	double roof;         /* seconds that they take at the ceilings, in that share */
} Line;

/* A place of the model file, and what its kernels take above their roofs. */
typedef struct Place {
	Line worst; /* of its kernels, that which takes most above its roof */
	double seconds, above;
} Place;

typedef struct Table {
	Line *line; /* [count] in the order of the step */
	size_t count;
	Place *place; /* [places] the most first */
	size_t places;
	Ceilings ceilings;
	size_t compiled; /* kernels; the others run the code of an equal one before them */
	double seconds, flops;
	double waited;     /* for data, beside `seconds` */
	double efficiency; /* the share of the time that the roofs ask for */
} Table;

static bool same_place(const sslc_kernel *a, const sslc_kernel *b)
{
	return a->line == b->line && a->column == b->column &&
	       (a->file == b->file || (a->file && b->file && strcmp(a->file, b->file) == 0));
}

static double above_roof(const Line *l)
{
	return l->seconds > l->roof ? l->seconds - l->roof : 0;
}

static void add_to_place(Table *t, const Line *l)
{
	size_t i = 0;
	while (i < t->places && !same_place(t->place[i].worst.kernel, l->kernel))
		i++;
	if (i == t->places)
		t->place[t->places++] = (Place){.worst = *l};
	Place *p = &t->place[i];
	p->seconds += l->seconds;
	p->above += above_roof(l);
	p->worst = above_roof(l) > above_roof(&p->worst) ? *l : p->worst;
}

static int most_first(const void *a, const void *b)
{
	const Place *p = a, *q = b;
	if (p->above != q->above)
		return p->above < q->above ? 1 : -1;
	return p->worst.kernel < q->worst.kernel ? -1 : 1;
}

static double roof_of(const Line *l, const Ceilings *c)
{
	double flops = c->flops > 0 ? l->flops / c->flops : 0;
	double bytes = c->bytes > 0 ? l->bytes / c->bytes : 0;
	return l->share * (flops > bytes ? flops : bytes);
}

/* What kernel i did in a step that ran it, on average: `all`, but what its choice left out. */
static double done(const Profile *p, size_t i, double all, const double only[2])
{
	double fails = p->ran[i] ? p->fails[i] / p->ran[i] : 0;
	return all - only[1] * fails - only[0] * (1 - fails);
}

/* Of what ran at least once. A kernel that is above its roof, in cache, does not make up for another.
 * False: no memory. */
static bool table_open(Table *t, const Profile *p)
{
	*t = (Table){.line = calloc(p->count + 1, sizeof *t->line),
	             .place = calloc(p->count + 1, sizeof *t->place),
	             .count = p->count};
	if (!t->line || !t->place)
		return false;
	t->ceilings = measure(p->call->engine);
	double asked = 0;
	for (size_t i = 0; i < p->count; i++) {
		const sslc_kernel *k = &p->call->code->kernel[i];
		Line *l = &t->line[i];
		*l = (Line){.kernel = k,
		            .seconds = p->seconds[i] / (double)p->runs,
		            .least = p->least[i],
		            .share = p->ran[i] / (double)p->runs,
		            .flops = done(p, i, k->flops, k->only_flops),
		            .bytes = done(p, i, k->bytes, k->only_bytes)};
		l->roof = roof_of(l, &t->ceilings);
		asked += l->roof < l->seconds ? l->roof : l->seconds;
		t->seconds += l->seconds;
		t->flops += l->share * l->flops;
		t->compiled += k->code_of == k->number;
		if (k->file)
			add_to_place(t, l);
	}
	t->efficiency = asked / t->seconds;
	t->waited = p->waited;
	qsort(t->place, t->places, sizeof *t->place, most_first);
	return true;
}

static void table_close(Table *t)
{
	free(t->line);
	free(t->place);
}

/* -- As text ----------------------------------------------------------------------------------- */

static int slower_first(const void *a, const void *b)
{
	const Line *p = a, *q = b;
	if (p->seconds != q->seconds)
		return p->seconds < q->seconds ? 1 : -1;
	return p->kernel < q->kernel ? -1 : 1;
}

static void print_line(const Line *l, double total, FILE *out)
{
	const sslc_kernel *k = l->kernel;
	fprintf(out, "@%-4zu %-8s %-32s %9.1f %5.1f%% %8.2f %8.2f %6.0f%%", k->number, k->kind, k->what,
	        l->seconds * 1e6, 100 * l->seconds / total, l->share * l->flops / l->seconds * 1e-9,
	        l->share * l->bytes / l->seconds * 1e-9, 100 * l->roof / l->seconds);
	if (k->file)
		fprintf(out, "  %s:%u:%u", k->file, k->line, k->column);
	if (l->share < 1)
		fprintf(out, ", in %.3g%% of the steps", 100 * l->share);
	fputc('\n', out);
}

static void print_places(const Table *t, FILE *out)
{
	enum { SHOWN = 3 };
	fprintf(out, "\nefficiency %.0f%%: at this machine's roof the step would take %.1f us\n",
	        100 * t->efficiency, t->seconds * t->efficiency * 1e6);
	if (t->places)
		fputs("most of the time above the roof goes to\n", out);
	for (size_t i = 0; i < t->places && i < SHOWN; i++) {
		const Place *p = &t->place[i];
		const sslc_kernel *k = p->worst.kernel;
		fprintf(out, "%9.1f us %5.1f%%  %s:%u:%u", p->above * 1e6, 100 * p->above / t->seconds,
		        k->file, k->line, k->column);
		if (k->words)
			fprintf(out, "  %s", k->words);
		fputc('\n', out);
		fprintf(out, "%12s of its %.1f us, most in @%zu %s %s: %.0f%% of its roof\n", "",
		        p->seconds * 1e6, k->number, k->kind, k->what,
		        100 * p->worst.roof / p->worst.seconds);
	}
}

static void print_table(const Table *t, const char *function, FILE *out)
{
	fprintf(
	    out,
	    "\na step of %s: %.1f us in %zu kernels, %zu of them compiled, %zu reused; %.1f GFLOP/s\n",
	    function, t->seconds * 1e6, t->count, t->compiled, t->count - t->compiled,
	    t->flops / t->seconds * 1e-9);
	fprintf(out, "this machine: ");
	if (t->ceilings.flops > 0)
		fprintf(out, "%.0f GFLOP/s in registers, ", t->ceilings.flops * 1e-9);
	fprintf(out, "%.1f GB/s from memory\n", t->ceilings.bytes * 1e-9);
	if (t->waited >= 0)
		fprintf(out, "it waited %.1f us for its batch: %.1f%% of the time\n", t->waited * 1e6,
		        100 * t->waited / (t->seconds + t->waited));
	fprintf(out, "%-5s %-8s %-32s %9s %6s %8s %8s %7s  %s\n", "", "kernel", "shape", "us", "share",
	        "GFLOP/s", "GB/s", "of roof", "from");
	for (size_t i = 0; i < t->count; i++)
		print_line(&t->line[i], t->seconds, out);
	print_places(t, out);
}

/* -- As JSON ----------------------------------------------------------------------------------- */

static void json_place(const sslc_kernel *k, FILE *out)
{
	if (!k->file)
		return;
	fputs(", \"file\": ", out);
	json_text(out, k->file);
	fprintf(out, ", \"line\": %u, \"column\": %u", k->line, k->column);
	if (!k->words)
		return;
	fputs(", \"words\": ", out);
	json_text(out, k->words);
}

static void json_kernel(const Line *l, FILE *out)
{
	fprintf(out, "    {\"number\": %zu, \"code_of\": %zu, \"kind\": ", l->kernel->number,
	        l->kernel->code_of);
	json_text(out, l->kernel->kind);
	fputs(", \"shape\": ", out);
	json_text(out, l->kernel->what);
	json_number(out, "seconds", l->seconds);
	json_number(out, "least_seconds", l->least);
	json_number(out, "share_of_steps", l->share);
	json_number(out, "roof_seconds", l->roof);
	json_number(out, "flops", l->flops);
	json_number(out, "bytes", l->bytes);
	json_place(l->kernel, out);
	fputc('}', out);
}

static void json_table(const Table *t, const char *function, FILE *out)
{
	fputs("{\n  \"function\": ", out);
	json_text(out, function);
	json_number(out, "seconds", t->seconds);
	if (t->waited >= 0)
		json_number(out, "waited_seconds", t->waited);
	json_number(out, "efficiency", t->efficiency);
	json_number(out, "kernels_compiled", (double)t->compiled);
	json_number(out, "kernels_reused", (double)(t->count - t->compiled));
	json_number(out, "flops_per_second", t->ceilings.flops);
	json_number(out, "bytes_per_second", t->ceilings.bytes);
	fputs(",\n  \"places\": [", out);
	for (size_t i = 0; i < t->places; i++) {
		fputs(i ? ",\n    {\"seconds_above\": " : "\n    {\"seconds_above\": ", out);
		json_value(out, t->place[i].above);
		json_number(out, "seconds", t->place[i].seconds);
		json_number(out, "worst", (double)t->place[i].worst.kernel->number);
		json_place(t->place[i].worst.kernel, out);
		fputc('}', out);
	}
	fputs("\n  ],\n  \"kernels\": [", out);
	for (size_t i = 0; i < t->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		json_kernel(&t->line[i], out);
	}
	fputs("\n  ]\n}\n", out);
}

static bool write_table(const Table *t, const char *function, const char *path, Failure *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return fail(f, FAILURE_SYSTEM, "no memory for '%s'", path);
	json_table(t, function, out);
	return json_finish(out, &text, &size, path, f);
}

bool profile_json(const Profile *p, FILE *out)
{
	Table t;
	if (!p->runs || !table_open(&t, p))
		return false;
	json_table(&t, p->call->code->name, out);
	table_close(&t);
	return true;
}

bool profile_report(const Profile *p, FILE *out, const char *path, Failure *f)
{
	Table t;
	bool good = true;
	if (p->runs && !table_open(&t, p)) {
		good = fail(f, FAILURE_SYSTEM, "no memory for the profile");
	} else if (p->runs) {
		good = write_table(&t, p->call->code->name, path, f);
		qsort(t.line, t.count, sizeof *t.line, slower_first);
		print_table(&t, p->call->code->name, out);
	}
	if (p->runs)
		table_close(&t);
	return good;
}
