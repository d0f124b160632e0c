/* profile.c: where the time of a step goes, kernel by kernel, beside what this machine can do.
 *
 * In: a call whose function marks the end of each kernel. Out: a table, the slowest first. The two
 * ceilings are measured when the table is printed, by the same threads: multiply-adds in registers,
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
	double last;     /* when the kernel before ended, or the call began */
	int64_t runs;
	bool warm; /* the first run is over, and no longer counted */
};

static void mark(void *marks, int32_t kernel)
{
	Profile *p = marks;
	double now = seconds_now();
	if (p->runs == 1 && !p->warm) {
		memset(p->seconds, 0, p->count * sizeof *p->seconds);
		p->runs = 0;
		p->warm = true;
	}
	p->seconds[kernel] += now - (kernel ? p->last : p->call->began);
	p->last = now;
	p->runs += (size_t)kernel + 1 == p->count;
}

Profile *profile_open(Call *c)
{
	Profile *p = calloc(1, sizeof *p);
	double *seconds = calloc(c->code->kernel_count + 1, sizeof *seconds);
	if (!p || !seconds) {
		free(p);
		free(seconds);
		return NULL;
	}
	*p = (Profile){.call = c, .count = c->code->kernel_count, .seconds = seconds};
	c->block.mark = mark;
	c->block.marks = p;
	return p;
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

/* -- The table --------------------------------------------------------------------------------- */

typedef struct Line {
	size_t kernel;
	double seconds;
} Line;

static int slower_first(const void *a, const void *b)
{
	const Line *p = a, *q = b;
	if (p->seconds != q->seconds)
		return p->seconds < q->seconds ? 1 : -1;
	return p->kernel < q->kernel ? -1 : 1;
}

static void print_line(const Profile *p, const Line *l, double total, const Ceilings *c, FILE *out)
{
	const sslc_kernel *k = &p->call->code->kernel[l->kernel];
	double bound = 0;
	if (c->flops > 0)
		bound = k->flops / c->flops;
	if (c->bytes > 0 && k->bytes / c->bytes > bound)
		bound = k->bytes / c->bytes;
	fprintf(out, "@%-4zu %-8s %-32s %9.1f %5.1f%% %8.2f %8.2f %6.0f%%", k->number, k->kind, k->what,
	        l->seconds * 1e6, 100 * l->seconds / total, k->flops / l->seconds * 1e-9,
	        k->bytes / l->seconds * 1e-9, 100 * bound / l->seconds);
	if (k->file)
		fprintf(out, "  %s:%u:%u", k->file, k->line, k->column);
	fputc('\n', out);
}

void profile_print(Profile *p, FILE *out)
{
	Line *line = calloc(p->count + 1, sizeof *line);
	double total = 0, flops = 0;
	if (!line || !p->runs) {
		free(line);
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		line[i] = (Line){i, p->seconds[i] / (double)p->runs};
		total += line[i].seconds;
		flops += p->call->code->kernel[i].flops;
	}
	qsort(line, p->count, sizeof *line, slower_first);
	Ceilings c = measure(p->call->engine);
	fprintf(out, "\na step of %s: %.1f us in %zu kernels, %.1f GFLOP/s\n", p->call->code->name,
	        total * 1e6, p->count, flops / total * 1e-9);
	fprintf(out, "this machine: ");
	if (c.flops > 0)
		fprintf(out, "%.0f GFLOP/s in registers, ", c.flops * 1e-9);
	fprintf(out, "%.1f GB/s from memory\n", c.bytes * 1e-9);
	fprintf(out, "%-5s %-8s %-32s %9s %6s %8s %8s %7s  %s\n", "", "kernel", "shape", "us", "share",
	        "GFLOP/s", "GB/s", "of roof", "from");
	for (size_t i = 0; i < p->count; i++)
		print_line(p, &line[i], total, &c, out);
	free(line);
}
