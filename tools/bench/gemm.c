/* gemm.c: generated matrix products beside OpenBLAS, on one thread, in one run.
 *
 *     gemm [--as-is] [--cpu=NAME] [--asm=FILE] [shape ...]
 *
 * A shape is m,n,k with t after m or n where that operand is stored transposed. Rounds of both
 * alternate; medians and their ratio are printed, and the rate of bare FMAs measured between them.
 * OpenBLAS is linked here only. Old versions of it take new machines for AVX2 ones: where there is
 * AVX-512 its kernels for that are asked for, unless --as-is comes first. MC, NC, KC in the
 * environment: the tiles that a schedule would give; default 192, 256, 256. */
#include <cblas.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/unit/jit_contract.h"

enum { ROUNDS = 21 };

extern void openblas_set_num_threads(int);
extern char *openblas_get_corename(void);

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
	loop_begin(e, &loop, "round", l_i64(e, 0), l_i64(e, PEAK_ROUNDS * (PEAK_SUMS / sums)),
	           l_i64(e, 1), sum, sums);
	for (unsigned i = 0; i < sums; i++)
		sum[i] = l_fma(e, loop.carry[i], x, x);
	loop_end(e, &loop, sum);
	V total = loop.result[0];
	for (unsigned i = 1; i < sums; i++)
		total = l_fadd(e, total, loop.result[i]);
	l_store(e, total, LLVMGetParam(e->function, 1), 4);
	return (JitFunction)jit_finish(j);
}

typedef struct Case {
	int64_t m, n, k;
	bool x_transposed, y_transposed;
} Case;

static float *numbers(int64_t count, uint32_t seed)
{
	float *x = aligned_alloc(64, (size_t)(count * 4 + 63) / 64 * 64);
	for (int64_t i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = (float)(seed >> 8) * 0x1p-23f - 1;
	}
	return x;
}

static double rate(double seconds, const Case *s)
{
	return 2.0 * (double)(s->m * s->n * s->k) / seconds * 1e-9;
}

static void blas(const Case *s, const float *x, const float *y, float *out)
{
	int m = (int)s->m, n = (int)s->n, k = (int)s->k;
	cblas_sgemm(CblasRowMajor, s->x_transposed ? CblasTrans : CblasNoTrans,
	            s->y_transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, x, s->x_transposed ? m : k,
	            y, s->y_transposed ? k : n, 0, out, n);
}

static void compare(const Case *s, JitFunction peak, unsigned lanes, const char *cpu,
                    const char *assembly)
{
	Product p = {.m = s->m, .n = s->n, .k = s->k, .type = DTYPE_f32, .cpu = cpu};
	p.x = s->x_transposed ? "km" : "mk", p.y = s->y_transposed ? "nk" : "kn";
	const char *mc = getenv("MC"), *nc = getenv("NC"), *kc = getenv("KC");
	p.mc = mc ? atoi(mc) : 192, p.nc = nc ? atoi(nc) : 256, p.kc = kc ? atoi(kc) : 256;
	CompiledProduct c;
	double start = now();
	product_compile(&c, &p, assembly);
	double compiled = now() - start;
	float *x = numbers(s->m * s->k, 1), *y = numbers(s->n * s->k, 2);
	float *ours = numbers(s->m * s->n, 3), *theirs = numbers(s->m * s->n, 4);
	blas(s, x, y, theirs), c.f(x, y, NULL, ours, 0, c.tiles);
	double worst = 0, scale = sqrt((double)s->k);
	for (int64_t i = 0; i < s->m * s->n; i++)
		worst = fmax(worst, fabs((double)ours[i] - theirs[i]) / scale);
	int repeat = (int)(4e7 / (2.0 * (double)(s->m * s->n * s->k))) + 1;
	double t_ours[ROUNDS], t_theirs[ROUNDS], t_peak[ROUNDS];
	static float unit[64], sink[64];
	for (int r = 0; r < ROUNDS; r++) {
		double t0 = now();
		for (int i = 0; i < repeat; i++)
			c.f(x, y, NULL, ours, 0, c.tiles);
		double t1 = now();
		for (int i = 0; i < repeat; i++)
			blas(s, x, y, theirs);
		double t2 = now();
		peak(unit, sink, NULL);
		t_peak[r] = now() - t2;
		t_ours[r] = (t1 - t0) / repeat, t_theirs[r] = (t2 - t1) / repeat;
	}
	double a = rate(median(t_ours, ROUNDS), s), b = rate(median(t_theirs, ROUNDS), s);
	double top = 2.0 * PEAK_ROUNDS * PEAK_SUMS * lanes / median(t_peak, ROUNDS) * 1e-9;
	printf("%5ld%s x %5ld%s x %5ld  sslc %7.1f  OpenBLAS %7.1f  ratio %5.2f  FMA %6.1f GFLOP/s  "
	       "compile %4.0f ms%s\n",
	       (long)s->m, s->x_transposed ? "t" : " ", (long)s->n, s->y_transposed ? "t" : " ",
	       (long)s->k, a, b, a / b, top, compiled * 1e3, worst < 1e-5 ? "" : "  WRONG");
	fflush(stdout);
	product_close(&c);
	free(x), free(y), free(ours), free(theirs);
}

static const Case DEFAULT[] = {
    {1024, 1024, 1024, 0, 0}, {1024, 1024, 1024, 0, 1}, {1024, 1024, 1024, 1, 0},
    {512, 512, 512, 0, 0},    {256, 512, 784, 0, 0},    {256, 784, 512, 0, 1},
    {784, 512, 256, 1, 0},    {256, 128, 512, 0, 0},    {512, 128, 256, 1, 0},
    {768, 768, 4096, 1, 0},   {64, 64, 64, 0, 0},       {256, 10, 128, 0, 0},
    {100, 10, 20, 0, 0},      {100, 20, 10, 0, 0},      {1, 512, 512, 0, 0},
    {512, 1, 512, 0, 0},
};

int main(int argc, char **argv)
{
	bool as_is = argc > 1 && strcmp(argv[1], "--as-is") == 0;
	const char *kernels = getenv("OPENBLAS_CORETYPE");
	if (__builtin_cpu_supports("avx512f") && !as_is &&
	    (!kernels || strcmp(kernels, "SkylakeX") != 0)) {
		setenv("OPENBLAS_CORETYPE", "SkylakeX", 1); /* read when the library is loaded */
		execv("/proc/self/exe", argv);
	}
	openblas_set_num_threads(1);
	printf("OpenBLAS: kernels of %s; one thread; medians of %d rounds\n", openblas_get_corename(),
	       ROUNDS);
	Jit j;
	unsigned lanes;
	JitFunction peak = peak_function(&j, &lanes);
	const char *assembly = NULL, *cpu = NULL;
	int shapes = 0;
	for (int i = 1; i < argc; i++) {
		Case s = {0};
		char *end = argv[i];
		if (strcmp(end, "--as-is") == 0)
			continue;
		if (strncmp(end, "--cpu=", 6) == 0) {
			cpu = end + 6;
			continue;
		}
		if (strncmp(end, "--asm=", 6) == 0) {
			assembly = end + 6;
			continue;
		}
		s.m = strtol(end, &end, 10);
		if ((s.x_transposed = *end == 't'))
			end++;
		s.n = strtol(end + 1, &end, 10);
		if ((s.y_transposed = *end == 't'))
			end++;
		s.k = strtol(end + 1, &end, 10);
		compare(&s, peak, lanes, cpu, assembly);
		shapes++;
	}
	for (size_t i = 0; shapes == 0 && i < COUNT(DEFAULT); i++)
		compare(&DEFAULT[i], peak, lanes, cpu, assembly);
	jit_close(&j);
	return 0;
}
