/* gemm.c: generated matrix products beside OpenBLAS's, BLIS's and oneDNN's, on one thread, in one
 * run.
 *
 *     gemm [--as-is] [--cold] [--cpu=NAME] [--asm=FILE] [--rounds=N] [set or shape ...]
 *
 * A set is square, mlp, vit, gpt or tails; none: all. A shape is m,n,k, or b*m,n,k for a batch,
 * with t after m or n where that operand is stored transposed. First the results are compared, then
 * all take turns in rounds, with bare FMAs between, and the order rotates; medians. `ratio` is the
 * rate of sslc over that of the best peer; `least`, that of the shortest times. gemm_peers.c says
 * which libraries and which of their kernels; --as-is: those that they choose. What is multiplied
 * by one column is compiled as the pass normalize leaves it, a sum. --cold: operands are in memory,
 * not in caches, as they often are in a step. MC, NC in the environment: tiles of these sizes
 * instead of the schedule's. Built, after the release preset, by
 *
 *     cc -std=gnu17 -O2 -Wall -Wextra -Werror -Icompiler -Iruntime \
 *        -isystem $(llvm-config-19 --includedir) \
 *        tools/bench/gemm.c tools/bench/gemm_peers.c build/release/libsslc.a \
 *        build/release/libsslc_runtime.a \
 *        $(llvm-config-19 --ldflags --libs) -lcjson -lpthread -lm -ldl -o build/release/gemm */
#include <math.h>
#include <time.h>

#include "../../runtime/runtime.h"
#include "../../tests/unit/jit_contract.h"
#include "gemm_peers.h"

enum { MOST_ROUNDS = 999 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;
	return (a > b) - (a < b);
}

static double median(double *x, int count)
{
	qsort(x, (size_t)count, sizeof *x, by_value);
	return x[count / 2];
}

/* void f(out): 2^14 rounds of 24 independent vector FMAs, to know what the machine can give at this
 * moment. */
enum { PEAK_ROUNDS = 1 << 14, PEAK_SUMS = 24 };

static JitFunction peak_function(Jit *j, unsigned *lanes)
{
	jit_open(j, NULL);
	jit_function(j, "peak", 3, 0);
	Emit *e = &j->e;
	*lanes = e->vector_bits / 32;
	unsigned sums = e->vector_bits == 512 ? PEAK_SUMS : PEAK_SUMS / 2;
	T type = l_vector(e->f32, *lanes);
	V sum[PEAK_SUMS], x = l_load(e, type, LLVMGetParam(e->function, 0), 4);
	for (unsigned i = 0; i < sums; i++)
		sum[i] = l_float(e, type, i);
	Loop loop;
	loop_begin(e, &loop, "round", l_word(e, 0), l_word(e, PEAK_ROUNDS * (PEAK_SUMS / sums)),
	           l_word(e, 1), sum, sums);
	for (unsigned i = 0; i < sums; i++)
		sum[i] = l_fma(e, loop.carry[i], x, x);
	loop_end(e, &loop, sum);
	V total = loop.result[0];
	for (unsigned i = 1; i < sums; i++)
		total = l_fadd(e, total, loop.result[i]);
	l_store(e, total, LLVMGetParam(e->function, 1), 4);
	return (JitFunction)jit_finish(j);
}

static float *numbers(int64_t count, uint32_t seed)
{
	float *x = memory_new((size_t)count * sizeof *x);
	for (int64_t i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = (float)(seed >> 8) * 0x1p-23f - 1;
	}
	return x;
}

static double work_of(const Case *s)
{
	return 2.0 * (double)(s->b * s->m * s->n * s->k);
}

/* -- One shape ----------------------------------------------------------------------------- */

typedef struct Bench {
	Peer peer[MAX_PEERS];
	int peers, rounds;
	JitFunction peak;
	unsigned lanes;
	const char *cpu, *assembly;
	char *other; /* what pushes the operands out of the caches; NULL: they stay */
} Bench;

enum { OTHER_BYTES = 64 << 20, LINE = 64 };

enum { SSLC = MAX_PEERS, PEAK, CONTENDERS };

typedef struct Data {
	float *x, *y, *ours, *theirs;
} Data;

static void compile_case(CompiledProduct *c, const Case *s, const Bench *b)
{
	Product p = {.m = s->m, .n = s->n, .k = s->k, .type = DTYPE_f32, .cpu = b->cpu};
	p.b = s->b > 1 ? s->b : 0;
	p.x = s->x_transposed ? "bkm" : "bmk", p.y = s->y_transposed ? "bnk" : "bkn";
	p.x += s->b == 1, p.y += s->b == 1;
	if (s->n == 1 && s->b == 1)
		p.n = 0, p.y = "k", p.normalized = true;
	const char *mc = getenv("MC"), *nc = getenv("NC");
	if (mc || nc)
		p.mc = mc ? atoi(mc) : 192, p.nc = nc ? atoi(nc) : 256;
	product_compile(c, &p, b->assembly);
}

static double time_one(const Bench *b, int who, const Case *s, const CompiledProduct *c,
                       const Data *d)
{
	static float unit[64], sink[64];
	int repeat = who == PEAK || b->other ? 1 : (int)(4e7 / work_of(s)) + 1;
	for (size_t i = 0; b->other && i < OTHER_BYTES; i += LINE)
		b->other[i]++;
	double start = now();
	for (int i = 0; i < repeat; i++) {
		if (who == PEAK)
			b->peak(unit, sink, NULL);
		else if (who == SSLC)
			c->f(d->x, d->y, NULL, d->ours, 0, c->tiles);
		else
			b->peer[who].multiply(&b->peer[who], s, d->x, d->y, d->theirs);
	}
	return (now() - start) / repeat;
}

/* Readies the peers; false: some result is not like the others. */
static bool agree(Bench *b, const Case *s, const CompiledProduct *c, const Data *d)
{
	double worst = 0, scale = sqrt((double)s->k);
	c->f(d->x, d->y, NULL, d->ours, 0, c->tiles);
	for (int i = 0; i < b->peers; i++) {
		Peer *p = &b->peer[i];
		memset(d->theirs, 0, (size_t)(s->b * s->m * s->n) * sizeof *d->theirs);
		if (!p->prepare(p, s, d->x, d->y, d->theirs))
			return false;
		p->multiply(p, s, d->x, d->y, d->theirs);
		for (int64_t j = 0; j < s->b * s->m * s->n; j++)
			worst = fmax(worst, fabs((double)d->ours[j] - d->theirs[j]) / scale);
	}
	return worst < 1e-5;
}

static void print_row(const Bench *b, const Case *s, double time[][MOST_ROUNDS])
{
	double best = 0, least = 0, ours = 0, ours_least = 0;
	char shape[112], batch[24] = "";
	if (s->b > 1)
		snprintf(batch, sizeof batch, "%ld*", (long)s->b);
	snprintf(shape, sizeof shape, "%s%ld%s,%ld%s,%ld", batch, (long)s->m,
	         s->x_transposed ? "t" : "", (long)s->n, s->y_transposed ? "t" : "", (long)s->k);
	printf("| %-16s |", shape);
	for (int turn = -1; turn < b->peers; turn++) {
		int i = turn < 0 ? SSLC : turn;
		double speed = work_of(s) / median(time[i], b->rounds) * 1e-9;
		double most = work_of(s) / time[i][0] * 1e-9; /* sorted now */
		if (i == SSLC)
			ours = speed, ours_least = most;
		else
			best = fmax(best, speed), least = fmax(least, most);
		printf(" %*.1f |", i == SSLC ? 6 : (int)strlen(b->peer[i].name), speed);
	}
	double bare = 2.0 * PEAK_ROUNDS * PEAK_SUMS * b->lanes / median(time[PEAK], b->rounds) * 1e-9;
	printf(" %5.2f | %5.2f | %5.0f | %4.0f%% |\n", ours / best, ours_least / least, bare,
	       100 * ours / bare);
	fflush(stdout);
}

static void compare(Bench *b, const Case *s)
{
	static double time[CONTENDERS][MOST_ROUNDS];
	CompiledProduct c;
	compile_case(&c, s, b);
	Data d = {.x = numbers(s->b * s->m * s->k, 1), .y = numbers(s->b * s->n * s->k, 2)};
	d.ours = numbers(s->b * s->m * s->n, 3), d.theirs = numbers(s->b * s->m * s->n, 4);
	if (agree(b, s, &c, &d)) {
		int all = b->peers + 2;
		for (int r = 0; r < b->rounds; r++)
			for (int i = 0; i < all; i++) {
				int turn = (i + r) % all, who = turn < b->peers ? turn : SSLC + turn - b->peers;
				time[who][r] = time_one(b, who, s, &c, &d);
			}
		print_row(b, s, time);
	} else {
		printf("WRONG\n");
	}
	product_close(&c);
	free(d.x), free(d.y), free(d.ours), free(d.theirs);
}

/* -- Sets of shapes ------------------------------------------------------------------------ */

/* A layer of a model: `rows` tokens or samples from `in` to `out` numbers; or attention, `batch`
 * heads of `rows` tokens and `in` numbers. Each gives the products of the forward pass and of both
 * gradients. */
typedef struct Layer {
	const char *set;
	int64_t batch, rows, in, out;
} Layer;

static const Layer LAYER[] = {
    {"mlp", 1, 256, 784, 512},  {"mlp", 1, 256, 512, 128},  {"mlp", 1, 256, 128, 512},
    {"mlp", 1, 256, 512, 784},  {"vit", 1, 1024, 192, 576}, {"vit", 1, 1024, 192, 192},
    {"vit", 1, 1024, 192, 768}, {"vit", 1, 1024, 768, 192}, {"vit", 1, 4096, 192, 576},
    {"vit", 1, 4096, 192, 192}, {"vit", 1, 4096, 192, 768}, {"vit", 1, 4096, 768, 192},
    {"vit", 192, 16, 64, 0},    {"vit", 192, 64, 64, 0},    {"gpt", 1, 768, 128, 384},
    {"gpt", 1, 768, 128, 128},  {"gpt", 1, 768, 128, 512},  {"gpt", 1, 768, 512, 128},
    {"gpt", 1, 768, 128, 65},   {"gpt", 48, 64, 32, 0},
};

static const struct {
	const char *set;
	Case shape;
} OTHER[] = {
    {"square", {1, 1024, 1024, 1024, 0, 0}}, {"square", {1, 1024, 1024, 1024, 0, 1}},
    {"square", {1, 1024, 1024, 1024, 1, 0}}, {"square", {1, 512, 512, 512, 0, 0}},
    {"square", {1, 256, 256, 256, 0, 0}},    {"square", {1, 64, 64, 64, 0, 0}},
    {"tails", {1, 1000, 1000, 1000, 0, 0}},  {"tails", {1, 97, 61, 33, 0, 0}},
    {"tails", {1, 97, 61, 33, 0, 1}},        {"tails", {1, 97, 61, 33, 1, 0}},
    {"tails", {1, 513, 511, 257, 0, 0}},     {"tails", {1, 256, 10, 128, 0, 0}},
    {"tails", {1, 100, 10, 20, 0, 0}},       {"tails", {1, 100, 20, 10, 0, 0}},
    {"tails", {1, 1, 512, 512, 0, 0}},       {"tails", {1, 512, 1, 512, 0, 0}},
};

/* NULL: all of them. */
static int compare_set(Bench *b, const char *set)
{
	int found = 0;
	for (size_t i = 0; i < COUNT(OTHER); i++)
		if (!set || strcmp(set, OTHER[i].set) == 0)
			compare(b, &OTHER[i].shape), found++;
	for (size_t i = 0; i < COUNT(LAYER); i++) {
		const Layer *l = &LAYER[i];
		if (set && strcmp(set, l->set) != 0)
			continue;
		int64_t n = l->batch > 1 ? l->rows : l->out;
		/* scores and d values; or what is after the layer; then both gradients */
		compare(b, &(Case){l->batch, l->rows, n, l->in, 0, l->batch > 1});
		compare(b, &(Case){l->batch, l->rows, l->in, n, 0, l->batch == 1});
		if (l->batch > 1)
			compare(b, &(Case){l->batch, l->rows, l->in, l->rows, 1, 0});
		else
			compare(b, &(Case){1, l->in, n, l->rows, 1, 0});
		found += 3;
	}
	return found;
}

static Case parse_case(char *text)
{
	Case s = {.b = 1};
	char *end = strchr(text, '*');
	if (end)
		s.b = strtol(text, NULL, 10), text = end + 1;
	s.m = strtol(text, &end, 10);
	if ((s.x_transposed = *end == 't'))
		end++;
	s.n = strtol(end + 1, &end, 10);
	if ((s.y_transposed = *end == 't'))
		end++;
	s.k = strtol(end + 1, &end, 10);
	return s;
}

static void print_head(const Bench *b)
{
	for (int i = 0; i < b->peers; i++)
		printf("%s: %s\n", b->peer[i].name, b->peer[i].about);
	printf("GFLOP/s on one thread, medians of %d rounds\n\n| m,n,k            |   sslc |",
	       b->rounds);
	for (int i = 0; i < b->peers; i++)
		printf(" %s |", b->peer[i].name);
	printf(" ratio | least |   FMA |  of it |\n|---|--:|");
	for (int i = 0; i < b->peers; i++)
		printf("--:|");
	printf("--:|--:|--:|--:|\n");
}

int main(int argc, char **argv)
{
	Bench b = {.rounds = 21};
	bool as_is = false;
	int at = 1;
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
		const char *o = argv[at];
		as_is |= strcmp(o, "--as-is") == 0;
		if (strcmp(o, "--cold") == 0)
			b.other = memory_new(OTHER_BYTES);
		b.cpu = strncmp(o, "--cpu=", 6) == 0 ? o + 6 : b.cpu;
		b.assembly = strncmp(o, "--asm=", 6) == 0 ? o + 6 : b.assembly;
		b.rounds = strncmp(o, "--rounds=", 9) == 0 ? atoi(o + 9) : b.rounds;
	}
	b.rounds = b.rounds < 1 ? 1 : b.rounds > MOST_ROUNDS ? MOST_ROUNDS : b.rounds;
	b.peers = peers_open(b.peer, as_is);
	Jit j;
	b.peak = peak_function(&j, &b.lanes);
	print_head(&b);
	for (int i = at; i < argc; i++) {
		if (strchr(argv[i], ',')) {
			Case s = parse_case(argv[i]);
			compare(&b, &s);
		} else if (!compare_set(&b, argv[i])) {
			fprintf(stderr, "gemm: no set '%s'\n", argv[i]);
		}
	}
	if (at == argc)
		compare_set(&b, NULL);
	jit_close(&j);
	return 0;
}
