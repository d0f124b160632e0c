/* compiled.c: compiles a graph, runs it once over guarded memory, compares with the interpreter. */
#include "compiled.h"

#include "share.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../compiler/parse/parse.h"

/* -- Values in their types --------------------------------------------------------------------- */

static uint16_t bf16_bits(double x)
{
	float f = (float)x;
	uint32_t bits;
	memcpy(&bits, &f, sizeof bits);
	if (f != f)
		return 0x7FC0;
	uint32_t upper = bits >> 16, lower = bits & 0xFFFF;
	return (uint16_t)(upper + (lower > 0x8000 || (lower == 0x8000 && (upper & 1))));
}

static double bf16_value(uint16_t upper)
{
	uint32_t bits = (uint32_t)upper << 16;
	float f;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static void put(DType t, void *at, int64_t i, double x)
{
	switch (t) {
	case DTYPE_f32:
		((float *)at)[i] = (float)x;
		break;
	case DTYPE_f64:
		((double *)at)[i] = x;
		break;
	case DTYPE_bf16:
		((uint16_t *)at)[i] = bf16_bits(x);
		break;
	case DTYPE_i32:
		((int32_t *)at)[i] = (int32_t)x;
		break;
	default:
		((uint8_t *)at)[i] = (uint8_t)x;
	}
}

static double get(DType t, const void *at, int64_t i)
{
	switch (t) {
	case DTYPE_f32:
		return ((const float *)at)[i];
	case DTYPE_f64:
		return ((const double *)at)[i];
	case DTYPE_bf16:
		return bf16_value(((const uint16_t *)at)[i]);
	case DTYPE_i32:
		return ((const int32_t *)at)[i];
	default:
		return ((const uint8_t *)at)[i];
	}
}

double rounded(DType t, double x)
{
	double held;
	put(t, &held, 0, x);
	return get(t, &held, 0);
}

double *test_values(Arena *a, DType t, int64_t count, uint32_t turn)
{
	static const double FLOATS[] = {
	    NAN,  INFINITY, -INFINITY, 0.0,       -0.0, 1.0,  -1.0, 0.5,      -2.5, 3e9,
	    -3e9, 300.7,    0x1p-140,  -0x1p-149, 1e30, -7.0, 0.1,  16777217, 2.0,  -0x1.8p-126};
	static const double INTS[] = {0,  1,  -1, INT32_MIN, INT32_MAX, 31, 32, 33,    7,
	                              -7, 13, 2,  255,       256,       -2, 99, 65537, -65537};
	double *v = new_array(a, double, (size_t)count);
	uint32_t r = turn * 2654435761u + 1;
	for (int64_t i = 0; i < count; i++) {
		r = r * 1664525u + 1013904223u;
		size_t special = (size_t)i + turn;
		if (t == DTYPE_bool)
			v[i] = r >> 31;
		else if (t == DTYPE_u8)
			v[i] = i % 3 ? r >> 24 : (uint8_t)INTS[special % COUNT(INTS)];
		else if (t == DTYPE_i32)
			v[i] = special < 3 * COUNT(INTS) ? INTS[special % COUNT(INTS)] : (int32_t)r;
		else
			v[i] = special < 3 * COUNT(FLOATS) ? FLOATS[special % COUNT(FLOATS)]
			                                   : (int32_t)r * 0x1p-29;
		v[i] = rounded(t, v[i]);
	}
	return v;
}

/* -- Hooks ------------------------------------------------------------------------------------- */

static void backwards(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	(void)pool;
	for (int64_t i = tiles; i > 0; i--)
		task(args, i - 1, i);
}

enum { WORKERS = 3 };
typedef struct Work {
	StepTask task;
	void *args;
	int64_t begin, end;
} Work;

static void *work(void *given)
{
	Work *w = given;
	w->task(w->args, w->begin, w->end);
	return NULL;
}

static void threads(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	pthread_t thread[WORKERS];
	Work works[WORKERS];
	(void)pool;
	for (int i = 0; i < WORKERS; i++) {
		works[i] = (Work){task, args, tiles * i / WORKERS, tiles * (i + 1) / WORKERS};
		if (works[i].begin < works[i].end && pthread_create(&thread[i], NULL, work, &works[i]))
			abort();
	}
	for (int i = 0; i < WORKERS; i++)
		if (works[i].begin < works[i].end)
			pthread_join(thread[i], NULL);
}

static const StepParallel hooks[ALL_HOOKS] = {NULL, backwards, threads};

/* -- Running ----------------------------------------------------------------------------------- */

const double *test_numbers(Compile *c, DType t, int64_t count, uint64_t seed)
{
	double *at = new_array(c->arena, double, (size_t)count);
	for (int64_t i = 0; i < count; i++)
		at[i] = rounded(t, (double)(hash_u64((Hash)seed, (uint64_t)i) % 4001) / 1000 - 2);
	return at;
}

Compile *compile_open(void)
{
	Arena *arena = arena_open(0);
	Compile *c = new (arena, Compile);
	*c = (Compile){.arena = arena,
	               .diags = diags_open(arena),
	               .float_type = DTYPE_f32,
	               .machine = &machine_default};
	return c;
}

void compile_close(Compile *c)
{
	arena_close(c->arena);
}

Expr *expression_of(Compile *c, const char *text)
{
	const char *quoted = arena_printf(c->arena, "\"%s\"", text);
	uint32_t file = diags_file(c->diags, "case", quoted, strlen(quoted));
	Json json = {.kind = JSON_STRING, .span = {file, 0, (uint32_t)strlen(quoted)}, .text = text};
	return expr_parse(c, &json);
}

enum { GUARD = 128, GUARD_BYTE = 0xA5 };

typedef struct Fenced {
	unsigned char *pages, *at;
	size_t bytes; /* of all pages */
} Fenced;

/* `size` bytes of rubbish (numbers: NaN, which no sum hides), aligned to 64, between guards. */
static void *guarded(Arena *a, size_t size)
{
	unsigned char *block = new_array(a, unsigned char, size + 2 * GUARD + 64);
	block += (64 - (uintptr_t)block % 64) % 64;
	memset(block, GUARD_BYTE, size + 2 * GUARD);
	memset(block + GUARD, 0xFF, size);
	return block + GUARD;
}

/* An input: before it, or behind it, are pages that nobody may read. */
static Fenced fenced(size_t size, bool before)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), inside = (size + page - 1) / page * page;
	Fenced f = {.bytes = inside + 2 * page};
	f.pages = mmap(NULL, f.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f.pages == MAP_FAILED || mprotect(f.pages + page, inside, PROT_READ | PROT_WRITE) != 0)
		BUG("no memory for an input");
	f.at = f.pages + page + (before ? 0 : inside - size);
	return f;
}

static bool untouched(const unsigned char *at, size_t size)
{
	for (size_t i = 0; i < GUARD; i++)
		if (at[size + i] != GUARD_BYTE || at[-1 - (ptrdiff_t)i] != GUARD_BYTE)
			return false;
	return true;
}

static size_t node_bytes(const Node *n)
{
	return (size_t)shape_size(n->shape) * type_info[n->type].size;
}

static const Node *leaf_named(const Graph *g, const char *name)
{
	for (NodeId x = 1; x < g->count; x++)
		if ((node(g, x)->op == OP_input || node(g, x)->op == OP_state) &&
		    strcmp(node(g, x)->attr.name, name) == 0)
			return node(g, x);
	BUG("no leaf '%s'", name);
}

static uint64_t offset_of(void *states, const char *name)
{
	const Graph *g = states;
	uint64_t offset = 0;
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		if (n->op == OP_state && strcmp(n->attr.name, name) == 0)
			return offset;
		if (n->op == OP_state)
			offset += (node_bytes(n) + 63) / 64 * 64;
	}
	return offset; /* no such name: the size of all */
}

static void fill(const Node *n, void *at, const Feed *feed, size_t feeds)
{
	for (size_t i = 0; i < feeds; i++)
		for (int64_t j = 0; strcmp(feed[i].name, n->attr.name) == 0 && j < shape_size(n->shape);
		     j++)
			put(n->type, at, j, feed[i].at[j]);
}

static double *read_all(Arena *a, const Node *n, const void *at)
{
	double *v = new_array(a, double, (size_t)shape_size(n->shape));
	for (int64_t i = 0; i < shape_size(n->shape); i++)
		v[i] = get(n->type, at, i);
	return v;
}

typedef struct Memory {
	unsigned char *arena, *states;
	size_t arena_bytes, states_bytes;
	Fenced *fence;
	const void **inputs;
	void **outputs;
} Memory;

static Memory memory_for(Compile *c, const Kernels *k, const Plan *p, const Feed *feed,
                         size_t feeds, bool before)
{
	const Graph *g = k->graph;
	Memory m = {.arena_bytes = p->arena_bytes, .states_bytes = offset_of((void *)g, "")};
	m.arena = guarded(c->arena, m.arena_bytes);
	m.states = guarded(c->arena, m.states_bytes);
	m.fence = new_array(c->arena, Fenced, k->input_count + 1);
	m.inputs = new_array(c->arena, const void *, k->input_count + 1);
	m.outputs = new_array(c->arena, void *, k->output_count + 1);
	for (uint32_t i = 0; i < k->input_count; i++) {
		const Node *n = leaf_named(g, k->input_name[i]);
		m.fence[i] = fenced(node_bytes(n), before);
		fill(n, m.fence[i].at, feed, feeds);
		m.inputs[i] = m.fence[i].at;
	}
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_state)
			fill(node(g, x), m.states + offset_of((void *)g, node(g, x)->attr.name), feed, feeds);
	for (uint32_t i = 0; i < g->out_count; i++)
		m.outputs[i] = guarded(c->arena, node_bytes(node(g, g->out[i].value)));
	return m;
}

static Ran *collect(Compile *c, const Graph *g, const Memory *m)
{
	Ran *ran = new (c->arena, Ran);
	bool good = untouched(m->arena, m->arena_bytes) && untouched(m->states, m->states_bytes);
	ran->out = new_array(c->arena, double *, g->out_count + 1);
	ran->set = new_array(c->arena, double *, g->set_count + 1);
	for (uint32_t i = 0; i < g->out_count; i++) {
		const Node *n = node(g, g->out[i].value);
		ran->out[i] = read_all(c->arena, n, m->outputs[i]);
		good &= untouched(m->outputs[i], node_bytes(n));
	}
	for (uint32_t i = 0; i < g->set_count; i++) {
		const Node *n = node(g, g->set[i].state);
		uint64_t offset = offset_of((void *)g, n->attr.name);
		ran->set[i] = read_all(c->arena, n, m->states + offset);
	}
	if (!good)
		fprintf(stderr, "%s: wrote outside of its memory\n", g->name);
	return good ? ran : NULL;
}

static bool same(double got, double want)
{
	return (isnan(got) && isnan(want)) || (got == want && signbit(got) == signbit(want));
}

static bool same_bits(const Graph *g, const Ran *a, const Ran *b)
{
	bool good = a && b;
	for (uint32_t i = 0; good && i < g->out_count; i++)
		for (int64_t j = 0; j < shape_size(node(g, g->out[i].value)->shape); j++)
			good &= same(a->out[i][j], b->out[i][j]);
	for (uint32_t i = 0; good && i < g->set_count; i++)
		for (int64_t j = 0; j < shape_size(node(g, g->set[i].value)->shape); j++)
			good &= same(a->set[i][j], b->set[i][j]);
	return good;
}

static Ran *run_once(Compile *c, const Kernels *k, const Plan *p, StepFunction f, Hook hook,
                     const Feed *feed, size_t feeds)
{
	Memory m = memory_for(c, k, p, feed, feeds, hook == BACKWARDS);
	StepBlock block = {.arena = m.arena,
	                   .states = m.states,
	                   .inputs = m.inputs,
	                   .outputs = m.outputs,
	                   .parallel = hooks[hook]};
	f(&block);
	for (uint32_t i = 0; i < k->input_count; i++)
		munmap(m.fence[i].pages, m.fence[i].bytes);
	return collect(c, k->graph, &m);
}

Ran *run_graph(Compile *c, const Graph *g, const How *how, const Feed *feed, size_t feeds)
{
	Ran *ran = NULL;
	c->cpu = how->cpu;
	if (!codegen_machine(c))
		BUG("no machine");
	Kernels *k = how->naive ? naive_schedule(c, g, how->tile) : schedule(c, g);
	kernels_verify(k);
	k->once = how->once;
	k->wake = 0; /* small as they are, kernels that may run at once do */
	Plan *p = plan(c, k);
	plan_verify(k, p);
	Codegen *cg = codegen_open(c);
	Loader *loader = loader_open(c, cg);
	StepFunction f = load_function(loader, &(PlannedFunction){k, p, offset_of, (void *)g});
	if (!f)
		diag_print(c->diags, stderr, false);
	Hook first = how->hook == ALL_HOOKS ? SERIAL : how->hook;
	if (f)
		ran = run_once(c, k, p, f, first, feed, feeds);
	for (Hook other = BACKWARDS; how->hook == ALL_HOOKS && ran && other < ALL_HOOKS; other++)
		if (!same_bits(g, ran, run_once(c, k, p, f, other, feed, feeds))) {
			fprintf(stderr, "%s: hook %d gives other bits\n", g->name, other);
			ran = NULL;
		}
	loader_close(loader);
	codegen_close(cg);
	return ran;
}

/* -- Comparing --------------------------------------------------------------------------------- */

bool agrees(const Graph *g, NodeId x, const double *got, const double *want, double error)
{
	const Node *n = node(g, x);
	double largest = 1;
	for (int64_t i = 0; i < shape_size(n->shape); i++)
		if (isfinite(want[i]) && fabs(want[i]) > largest)
			largest = fabs(want[i]);
	for (int64_t i = 0; i < shape_size(n->shape); i++) {
		double exact = rounded(n->type, want[i]);
		if (same(got[i], exact) || fabs(got[i] - want[i]) <= error * largest)
			continue;
		fprintf(stderr, "%s: element %lld of %%%u = %s %s is %.17g, should be %.17g\n", g->name,
		        (long long)i, x, op_info[n->op].name, shape_text(g->c->arena, n->type, n->shape),
		        got[i], exact);
		return false;
	}
	return true;
}

static bool all_agree(const Graph *g, const Ran *ran, double **values, double error)
{
	bool good = ran != NULL;
	for (uint32_t i = 0; ran && i < g->out_count; i++)
		good &= agrees(g, g->out[i].value, ran->out[i], values[g->out[i].value], error);
	for (uint32_t i = 0; ran && i < g->set_count; i++)
		good &= agrees(g, g->set[i].value, ran->set[i], values[g->set[i].value], error);
	return good;
}

bool graph_agrees(Compile *c, const Graph *g, const How *how, const Feed *feed, size_t feeds,
                  double error)
{
	if (diag_count(c->diags)) {
		diag_print(c->diags, stderr, false);
		return false;
	}
	double **values = evaluate(c->arena, g, feed, feeds);
	bool good = all_agree(g, run_graph(c, g, how, feed, feeds), values, error);
	if (!good)
		fprintf(stderr, "%s: %s schedule, %s, hook %d\n", g->name, how->naive ? "naive" : "real",
		        how->cpu ? how->cpu : "this cpu", how->hook);
	return good;
}

bool graph_agrees_always(Compile *c, const Graph *g, const Feed *feed, size_t feeds, double error)
{
	static const char *const CPUS[] = {NULL, "x86-64-v3", "x86-64"};
	bool good = true;
	enum { WAYS = 2 * COUNT(CPUS) };
	for (int way = 0; way < WAYS && good; way++) {
		How how = {.cpu = CPUS[way / 2], .hook = ALL_HOOKS};
		if (way % 2)
			how.naive = true, how.tile = 5;
		if (way_runs(way, WAYS))
			good &= graph_agrees(c, g, &how, feed, feeds, error);
	}
	return good;
}
