/* gemm_peers.c: OpenBLAS, BLIS and oneDNN behind one function.
 *
 * They are loaded by name when gemm runs, so that neither the build nor the tests need them, and
 * that newer ones than the system's can be named: OPENBLAS=FILE, BLIS=FILE, DNNL=FILE. Versions
 * that do not know this machine take it for one without AVX-512; theirs for that are asked for
 * before they are loaded. oneDNN runs twice: its sgemm,
 * and from version 3 on its matmul, whose batches are one call. */
#define _GNU_SOURCE
#include "gemm_peers.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library(const char *variable, const char *const *names)
{
	const char *file = getenv(variable);
	if (file)
		return *file ? dlopen(file, RTLD_NOW | RTLD_LOCAL) : NULL;
	void *found = NULL;
	for (int i = 0; names[i] && !found; i++)
		found = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return found;
}

/* The symbol, or the one that Python's package of OpenBLAS has. */
static void *symbol(void *from, const char *name)
{
	char prefixed[80];
	void *plain = dlsym(from, name);
	snprintf(prefixed, sizeof prefixed, "scipy_%s", name);
	return plain ? plain : dlsym(from, prefixed);
}

/* -- BLAS ---------------------------------------------------------------------------------- */

enum { ROW_MAJOR = 101, PLAIN_ORDER = 111, TRANSPOSED = 112 };

typedef void (*CblasSgemm)(int, int, int, int, int, int, float, const float *, int, const float *,
                           int, float, float *, int);

static bool always(Peer *p, const Case *s, float *x, float *y, float *out)
{
	(void)p, (void)s, (void)x, (void)y, (void)out;
	return true;
}

static void blas(const Peer *p, const Case *s, const float *x, const float *y, float *out)
{
	int m = (int)s->m, n = (int)s->n, k = (int)s->k;
	for (int64_t i = 0; i < s->b; i++)
		((CblasSgemm)p->function)(ROW_MAJOR, s->x_transposed ? TRANSPOSED : PLAIN_ORDER,
		                          s->y_transposed ? TRANSPOSED : PLAIN_ORDER, m, n, k, 1,
		                          x + i * s->m * s->k, s->x_transposed ? m : k, y + i * s->k * s->n,
		                          s->y_transposed ? k : n, 0, out + i * s->m * s->n, n);
}

static bool open_openblas(Peer *p, bool as_is)
{
	if (!as_is && __builtin_cpu_supports("avx512f"))
		setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
	if (!as_is)
		unsetenv("OPENBLAS_L2_SIZE");
	void *from = library("OPENBLAS", (const char *[]){"libopenblas.so.0", NULL});
	if (!from)
		return false;
	((void (*)(int))symbol(from, "openblas_set_num_threads"))(1);
	char *(*core)(void) = (char *(*)(void))symbol(from, "openblas_get_corename");
	char *(*version)(void) = (char *(*)(void))symbol(from, "openblas_get_config");
	*p = (Peer){.name = "OpenBLAS", .prepare = always, .multiply = blas};
	p->function = symbol(from, "cblas_sgemm");
	snprintf(p->about, sizeof p->about, "%.*s, kernels of %s",
	         (int)(strcspn(version() + 9, " ") + 9), version(), core());
	return p->function;
}

static bool open_blis(Peer *p, bool as_is)
{
	void *from = library("BLIS", (const char *[]){"libblis.so.4", "libblis.so", NULL});
	if (!from)
		return false;
	const char *(*name)(int) = (const char *(*)(int))dlsym(from, "bli_arch_string");
	/* asked for by number, which is another one in every version */
	for (int i = 0; !as_is && __builtin_cpu_supports("avx512f") && i < 16; i++)
		if (strcmp(name(i), "skx") == 0) {
			char number[16];
			snprintf(number, sizeof number, "%d", i);
			setenv("BLIS_ARCH_TYPE", number, 1);
			break;
		}
	((void (*)(int64_t))dlsym(from, "bli_thread_set_num_threads"))(1);
	int (*arch)(void) = (int (*)(void))dlsym(from, "bli_arch_query_id");
	const char *(*version)(void) = (const char *(*)(void))dlsym(from, "bli_info_get_version_str");
	*p = (Peer){.name = "BLIS", .prepare = always, .multiply = blas};
	p->function = dlsym(from, "cblas_sgemm");
	snprintf(p->about, sizeof p->about, "BLIS %s, kernels of %s", version(), name(arch()));
	return p->function;
}

/* -- oneDNN -------------------------------------------------------------------------------- */

enum { F32 = 3, CPU = 1, SOURCE = 1, WEIGHTS = 33, TARGET = 17 };

typedef struct Argument {
	int role;
	void *memory;
} Argument;

struct Dnnl {
	void *engine, *stream;
	int (*describe)(void **, int, const int64_t *, int, const int64_t *);
	int (*plan)(void **, void *, void *, void *, void *, void *, void *);
	int (*build)(void **, void *);
	int (*memory)(void **, void *, void *, void *);
	int (*execute)(void *, void *, int, const Argument *);
	int (*wait)(void *);
};

static void dnnl_sgemm(const Peer *p, const Case *s, const float *x, const float *y, float *out)
{
	int (*f)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *,
	         int64_t, float, float *, int64_t) =
	    (int (*)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
	             const float *, int64_t, float, float *, int64_t))p->function;
	for (int64_t i = 0; i < s->b; i++)
		f(s->x_transposed ? 'T' : 'N', s->y_transposed ? 'T' : 'N', s->m, s->n, s->k, 1,
		  x + i * s->m * s->k, s->x_transposed ? s->m : s->k, y + i * s->k * s->n,
		  s->y_transposed ? s->k : s->n, 0, out + i * s->m * s->n, s->n);
}

static void *described(const struct Dnnl *d, int64_t b, int64_t rows, int64_t cols, bool transposed)
{
	int64_t size[3] = {b, rows, cols}, step[3] = {rows * cols, cols, 1};
	if (transposed)
		step[1] = 1, step[2] = rows;
	void *o = NULL;
	int skip = b == 1;
	return d->describe(&o, 3 - skip, size + skip, F32, step + skip) ? NULL : o;
}

/* What it builds for a shape is not given back: a run has few. */
static bool prepare_matmul(Peer *p, const Case *s, float *x, float *y, float *out)
{
	const struct Dnnl *d = p->api;
	void *from = described(d, s->b, s->m, s->k, s->x_transposed), *plan = NULL;
	void *by = described(d, s->b, s->k, s->n, s->y_transposed);
	void *to = described(d, s->b, s->m, s->n, false);
	Argument *a = p->at = calloc(3, sizeof *a);
	a[0].role = SOURCE, a[1].role = WEIGHTS, a[2].role = TARGET;
	return a && from && by && to && d->plan(&plan, d->engine, from, by, NULL, to, NULL) == 0 &&
	       d->build(&p->primitive, plan) == 0 && d->memory(&a[0].memory, from, d->engine, x) == 0 &&
	       d->memory(&a[1].memory, by, d->engine, y) == 0 &&
	       d->memory(&a[2].memory, to, d->engine, out) == 0;
}

static void matmul(const Peer *p, const Case *s, const float *x, const float *y, float *out)
{
	(void)s, (void)x, (void)y, (void)out;
	p->api->execute(p->primitive, p->api->stream, 3, p->at);
	p->api->wait(p->api->stream);
}

static const struct Dnnl *open_matmul(void *from)
{
	struct Dnnl *d = calloc(1, sizeof *d);
	int (*engine)(void **, int, size_t) =
	    (int (*)(void **, int, size_t))dlsym(from, "dnnl_engine_create");
	int (*stream)(void **, void *, unsigned) =
	    (int (*)(void **, void *, unsigned))dlsym(from, "dnnl_stream_create");
	*(void **)&d->describe = dlsym(from, "dnnl_memory_desc_create_with_strides");
	*(void **)&d->plan = dlsym(from, "dnnl_matmul_primitive_desc_create");
	*(void **)&d->build = dlsym(from, "dnnl_primitive_create");
	*(void **)&d->memory = dlsym(from, "dnnl_memory_create");
	*(void **)&d->execute = dlsym(from, "dnnl_primitive_execute");
	*(void **)&d->wait = dlsym(from, "dnnl_stream_wait");
	if (!d->plan || engine(&d->engine, CPU, 0) || stream(&d->stream, d->engine, 1))
		return free(d), NULL; /* older than version 3 */
	return d;
}

/* The first numbers of dnnl_version_t. */
typedef struct DnnlVersion {
	int major, minor, patch;
} DnnlVersion;

static int open_dnnl(Peer *p)
{
	setenv("OMP_NUM_THREADS", "1", 1);
	void *from = library("DNNL", (const char *[]){"libdnnl.so.3", "libdnnl.so.2", NULL});
	if (!from)
		return 0;
	const DnnlVersion *(*version)(void) = (const DnnlVersion *(*)(void))dlsym(from, "dnnl_version");
	int (*isa)(void) = (int (*)(void))dlsym(from, "dnnl_get_effective_cpu_isa");
	const DnnlVersion *v = version();
	*p = (Peer){.name = "oneDNN sgemm", .prepare = always, .multiply = dnnl_sgemm};
	p->function = dlsym(from, "dnnl_sgemm");
	snprintf(p->about, sizeof p->about, "oneDNN %d.%d.%d, %s", v->major, v->minor, v->patch,
	         isa() >= 0x27 ? "AVX-512" : "not AVX-512");
	const struct Dnnl *d = v->major >= 3 ? open_matmul(from) : NULL;
	if (!d)
		return 1;
	p[1] = (Peer){.name = "matmul", .prepare = prepare_matmul, .multiply = matmul, .api = d};
	snprintf(p[1].about, sizeof p[1].about, "that of the same oneDNN");
	return 2;
}

int peers_open(Peer peer[MAX_PEERS], bool as_is)
{
	int count = 0;
	count += open_openblas(peer + count, as_is);
	count += open_blis(peer + count, as_is);
	count += open_dnnl(peer + count);
	return count;
}
