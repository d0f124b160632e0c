/* test_codegen.c: generated code against the reference interpreter: every operation at odd shapes,
 * in f32 and f64, for this machine, AVX2 and SSE2, with and without a parallel hook; through the
 * whole way of schedule, plan and JIT. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/codegen/module.h"
#include "../../compiler/load/load.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "samples.h"

enum { MAX_INPUTS = 600, MAX_OUTPUTS = 300 };

static uint64_t no_states(void *states, const char *name)
{
	(void)states, (void)name;
	return 0;
}

/* Tiles backwards, one at a time: no order may be relied on. */
static void backwards(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	(void)pool;
	for (int64_t i = tiles; i > 0; i--)
		task(args, i - 1, i);
}

static void to_memory(DType t, const double *from, int64_t n, void *to)
{
	for (int64_t i = 0; i < n; i++) {
		if (t == DTYPE_f32)
			((float *)to)[i] = (float)from[i];
		else if (t == DTYPE_f64)
			((double *)to)[i] = from[i];
		else if (t == DTYPE_i32)
			((int32_t *)to)[i] = (int32_t)from[i];
		else
			((uint8_t *)to)[i] = (uint8_t)from[i];
	}
}

static double from_memory(DType t, const void *at, int64_t i)
{
	return t == DTYPE_f32   ? (double)((const float *)at)[i]
	       : t == DTYPE_f64 ? ((const double *)at)[i]
	       : t == DTYPE_i32 ? ((const int32_t *)at)[i]
	                        : ((const uint8_t *)at)[i];
}

static bool close_enough(DType t, double got, double want)
{
	if (isnan(want) || isinf(want))
		return isnan(want) ? isnan(got) : got == want;
	double tolerance = t == DTYPE_f32 ? 2e-5 : t == DTYPE_f64 ? 1e-11 : 0;
	return fabs(got - want) <= tolerance * (1 + fabs(want));
}

static Op op_of_output(const char *name)
{
	char word[64];
	snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "/"), name);
	return op_by_name(word);
}

/* Runs g and compares every output with the interpreter's; the number of wrong ones. */
static int compare(Compile *c, const Graph *g, StepParallel parallel)
{
	Feed feed[MAX_INPUTS];
	size_t feeds = 0;
	const void *inputs[MAX_INPUTS];
	void *outputs[MAX_OUTPUTS];
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		if (n->op != OP_input)
			continue;
		int64_t size = shape_size(n->shape);
		double *at = new_array(c->arena, double, (size_t)size);
		for (int64_t i = 0; i < size; i++) {
			at[i] = sample_value(op_of_output(n->attr.name), n->attr.name, n->type, i);
			at[i] = n->type == DTYPE_f32 ? (double)(float)at[i] : at[i];
		}
		feed[feeds++] = (Feed){n->attr.name, at};
	}
	double **want = evaluate(c->arena, g, feed, feeds);
	Kernels *k = schedule(c, g);
	kernels_verify(k);
	Plan *p = plan(c, k);
	Codegen *cg = codegen_open(c);
	Loader *loader = loader_open(c, cg);
	StepFunction f = load_function(loader, &(PlannedFunction){k, p, no_states, NULL});
	diag_print(c->diags, stderr, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (uint32_t i = 0; i < k->input_count; i++)
		for (NodeId x = 1; x < g->count; x++)
			if (node(g, x)->op == OP_input &&
			    strcmp(node(g, x)->attr.name, k->input_name[i]) == 0) {
				int64_t size = shape_size(node(g, x)->shape);
				void *at = arena_array(c->arena, (size_t)size, 8);
				to_memory(node(g, x)->type, want[x], size, at);
				inputs[i] = at;
			}
	for (uint32_t i = 0; i < g->out_count; i++)
		outputs[i] = arena_array(c->arena, (size_t)shape_size(node(g, g->out[i].value)->shape), 8);
	void *arena = aligned_alloc(64, p->arena_bytes + 64);
	f(&(StepBlock){.arena = arena, .inputs = inputs, .outputs = outputs, .parallel = parallel});
	int wrong = 0;
	for (uint32_t o = 0; o < g->out_count; o++) {
		const Node *n = node(g, g->out[o].value);
		for (int64_t i = 0; i < shape_size(n->shape); i++) {
			double got = from_memory(n->type, outputs[o], i);
			if (close_enough(n->type, got, want[g->out[o].value][i]))
				continue;
			fprintf(stderr, "%s on %s: element %lld is %.17g, but should be %.17g\n",
			        g->out[o].name, codegen_cpu(cg), (long long)i, got, want[g->out[o].value][i]);
			wrong++;
			break;
		}
	}
	free(arena);
	loader_close(loader);
	codegen_close(cg);
	return wrong;
}

static void all_samples(DType type, const char *cpu, StepParallel parallel)
{
	Compile c = {
	    .arena = arena_open(0), .machine = &machine_default, .float_type = type, .cpu = cpu};
	c.diags = diags_open(c.arena);
	Graph *g = graph_new(&c, "samples");
	for (Op op = 1; op < OP_COUNT; op++) {
		int made = 0;
		for (int variant = 0; variant < SAMPLES; variant++) {
			const char *name = arena_printf(c.arena, "%s/%d/", op_info[op].name, variant);
			NodeId y = sample_make(g, op, variant, type, name);
			graph_output(g, name, y);
			made += y != 0;
		}
		CU_ASSERT(made > 0 || op_info[op].kind == META || op == OP_input || op == OP_state);
	}
	Graph *low = pass_normalize(&c, pass_overlap(&c, g));
	CU_ASSERT_PTR_NOT_NULL_FATAL(low);
	CU_ASSERT_EQUAL(compare(&c, low, parallel), 0);
	Graph *optimized = passes(&c, g, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(optimized);
	CU_ASSERT_EQUAL(compare(&c, optimized, parallel), 0);
	arena_close(c.arena);
}

static void this_machine(void)
{
	all_samples(DTYPE_f32, NULL, NULL);
	all_samples(DTYPE_f64, NULL, backwards);
}

static void avx2(void)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		all_samples(DTYPE_f32, "x86-64-v3", backwards);
}

static void sse2(void)
{
	all_samples(DTYPE_f32, "x86-64", NULL);
}

/* Chains through several kernels, with many tiles: softmax of a product, its loss and column sums. */
static void chain(void)
{
	static const int64_t sizes[] = {1, 2, 15, 16, 17, 97, 300};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		Compile c = {.arena = arena_open(0), .machine = &machine_default, .float_type = DTYPE_f32};
		c.diags = diags_open(c.arena);
		Graph *g = graph_new(&c, "chain");
		int64_t n = sizes[i];
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(n, 33)),
		       w = op_input(g, "w", DTYPE_f32, SHAPE(33, n + 1));
		NodeId b = op_input(g, "b", DTYPE_f32, SHAPE(n + 1));
		NodeId h = op_dot(g, x, w, (DotAxes){.contract = 1, .x_contract = {1}, .y_contract = {0}});
		h = op_tanh(g, op_add(g, h, op_broadcast(g, b, SHAPE(n, n + 1), (Axes){1, {1}})));
		NodeId m =
		    op_broadcast(g, op_reduce_max(g, h, (Axes){1, {1}}), SHAPE(n, n + 1), (Axes){1, {0}});
		NodeId e = op_exp(g, op_sub(g, h, m));
		NodeId s = op_broadcast(g, op_sum(g, e, (Axes){1, {1}}), SHAPE(n, n + 1), (Axes){1, {0}});
		NodeId softmax = op_div(g, e, s);
		graph_output(g, "softmax", softmax);
		graph_output(g, "columns", op_sum(g, softmax, (Axes){1, {0}}));
		graph_output(g, "all", op_sum(g, op_mul(g, softmax, h), (Axes){2, {0, 1}}));
		graph_output(g, "transposed", op_transpose(g, softmax, (Axes){2, {1, 0}}));
		CU_ASSERT_EQUAL(compare(&c, passes(&c, g, NULL), backwards), 0);
		arena_close(c.arena);
	}
}

/* A portion times what is left of the tiles over the portions, and an offset, in words of 32 bits. */
static void portions_fit_words(void)
{
	for (uint32_t tiles = 1; tiles < 1u << 30; tiles = tiles * 3 + 1) {
		Kernel kernel[] = {{.tiles = tiles}, {.tiles = 1}};
		Kernels k = {.kernel = kernel, .kernel_count = 2};
		int64_t portions = wave_portions(&k, 0, 2);
		CU_ASSERT(portions > 0 && portions * (portions - 1) + portions <= INT32_MAX);
	}
}

/* Of the places in a tile of a product, all but the first of an operand are a constant behind another:
 * what LLVM would take long to find out. */
static void tiles_share_addresses(void)
{
	Compile *c = compile_open();
	c->cpu = "x86-64-v3";
	Codegen *cg = codegen_open(c);
	Graph *g = graph_new(c, "product");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(96, 192)),
	       y = op_input(g, "y", DTYPE_f32, SHAPE(192, 64));
	graph_output(g, "z",
	             op_dot(g, x, y, (DotAxes){.contract = 1, .x_contract = {1}, .y_contract = {0}}));
	Kernels *k = schedule(c, g);
	PlannedFunction f = {k, plan(c, k), no_states, NULL};
	Text text = {0};
	CU_ASSERT(codegen_text(cg, &f, CODEGEN_LLVM, &text));
	CU_ASSERT_PTR_NOT_NULL_FATAL(text.data);
	unsigned places = 0, found = 0;
	for (const char *at = text.data; (at = strstr(at, "getelementptr float, ptr")); at++, places++)
		found += strstr(at, ", i64 %") && strstr(at, ", i64 %") < strchr(at, '\n');
	CU_ASSERT(places >= 12); /* at least a register tile of z */
	CU_ASSERT(found > 0 && 4 * found <= places);
	text_close(&text);
	codegen_close(cg);
	compile_close(c);
}

CU_TestInfo test_codegen[] = {
    {"every operation on this machine", this_machine},
    {"every operation with AVX2", avx2},
    {"every operation with SSE2", sse2},
    {"a chain of kernels", chain},
    {"portions fit words of 32 bits", portions_fit_words},
    {"tiles share addresses", tiles_share_addresses},
    CU_TEST_INFO_NULL,
};
