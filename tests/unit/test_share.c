/* test_share.c: kernels of equal code are compiled once for all functions of a program; those that differ
 * in anything are not taken for each other; an object on disk has all that its function needs. Results
 * are closed forms. */
#include <CUnit/CUnit.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../compiler/load/load.h"
#include "../../compiler/program.h"
#include "../../runtime/data/data.h"
#include "compiled.h"
#include "share.h"

static uint64_t no_states(void *states, const char *name)
{
	(void)states, (void)name;
	return 0;
}

static PlannedFunction case_of(Compile *c, const char *lines)
{
	const char *text = arena_printf(c->arena, "graph f\n%s", lines);
	Graph *g = graph_read(c, diags_file(c->diags, "case", text, strlen(text)));
	diag_print(c->diags, stderr, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	Kernels *k = schedule(c, g);
	kernels_verify(k);
	return (PlannedFunction){k, plan(c, k), no_states, NULL};
}

/* -- Which are equal --------------------------------------------------------------------------- */

#define SQUARE "  %1 = input x : f32[20,20]\n  %2 = input y : f32[20,20]\n"

/* Functions of one kernel each. */
static const struct {
	bool shared;
	const char *why, *one, *other;
} PAIRS[] = {
    {true, "names", "  %1 = input x : f32[6,20]\n  %2 = mul %1 %1 : f32[6,20]\n  out y = %2\n",
     "  %1 = input of : f32[6,20]\n  %2 = mul %1 %1 : f32[6,20]\n  out to = %2\n"},
    {true, "numbers of nodes",
     "  %1 = input x : f32[6,20]\n  %2 = mul %1 %1 : f32[6,20]\n  out y = %2\n",
     "  %1 = input n : f32[]\n  %2 = input x : f32[6,20]\n  %3 = mul %2 %2 : f32[6,20]\n  out y = "
     "%3\n"},
    {true, "the shape of what is one loop",
     "  %1 = input x : f32[6,20]\n  %2 = exp %1 : f32[6,20]\n  out y = %2\n",
     "  %1 = input x : f32[120]\n  %2 = exp %1 : f32[120]\n  out y = %2\n"},
    {false, "a size", "  %1 = input x : f32[6,20]\n  %2 = exp %1 : f32[6,20]\n  out y = %2\n",
     "  %1 = input x : f32[6,21]\n  %2 = exp %1 : f32[6,21]\n  out y = %2\n"},
    {false, "an operation", SQUARE "  %3 = less %1 %2 : bool[20,20]\n  out z = %3\n",
     SQUARE "  %3 = less_equal %1 %2 : bool[20,20]\n  out z = %3\n"},
    {false, "a type", "  %1 = input x : f32[20]\n  %2 = cast %1 : i32[20]\n  out y = %2\n",
     "  %1 = input x : f32[20]\n  %2 = cast %1 : u8[20]\n  out y = %2\n"},
    {false, "a constant",
     "  %1 = input x : f32[20]\n  %2 = constant 0.5 : f32[]\n  %3 = broadcast %2 {axes} : f32[20]\n"
     "  %4 = mul %1 %3 : f32[20]\n  out y = %4\n",
     "  %1 = input x : f32[20]\n  %2 = constant 0.25 : f32[]\n  %3 = broadcast %2 {axes} : "
     "f32[20]\n"
     "  %4 = mul %1 %3 : f32[20]\n  out y = %4\n"},
    {false, "the sign of nothing",
     "  %1 = input x : f32[20]\n  %2 = constant 0 : f32[]\n  %3 = broadcast %2 {axes} : f32[20]\n"
     "  %4 = add %1 %3 : f32[20]\n  out y = %4\n",
     "  %1 = input x : f32[20]\n  %2 = constant -0 : f32[]\n  %3 = broadcast %2 {axes} : f32[20]\n"
     "  %4 = add %1 %3 : f32[20]\n  out y = %4\n"},
    {false, "one operand or two", SQUARE "  %3 = mul %1 %1 : f32[20,20]\n  out z = %3\n",
     SQUARE "  %3 = mul %1 %2 : f32[20,20]\n  out z = %3\n"},
    {false, "which operand is used again",
     SQUARE "  %3 = sub %1 %2 : f32[20,20]\n  %4 = mul %3 %1 : f32[20,20]\n  out z = %4\n",
     SQUARE "  %3 = sub %1 %2 : f32[20,20]\n  %4 = mul %3 %2 : f32[20,20]\n  out z = %4\n"},
    {false, "an axis", SQUARE "  %3 = sum %1 {axes 0} : f32[20]\n  out z = %3\n",
     SQUARE "  %3 = sum %1 {axes 1} : f32[20]\n  out z = %3\n"},
    {false, "the order of axes",
     SQUARE
     "  %3 = transpose %1 {axes 1 0} : f32[20,20]\n  %4 = add %3 %2 : f32[20,20]\n  out z = %4\n",
     SQUARE "  %3 = add %1 %2 : f32[20,20]\n  out z = %3\n"},
    {false, "where a slice begins",
     "  %1 = input x : f32[6,20]\n  %2 = slice %1 {start 0 0, stop 6 10, step 1 1} : f32[6,10]\n"
     "  %3 = exp %2 : f32[6,10]\n  out y = %3\n",
     "  %1 = input x : f32[6,20]\n  %2 = slice %1 {start 0 10, stop 6 20, step 1 1} : f32[6,10]\n"
     "  %3 = exp %2 : f32[6,10]\n  out y = %3\n"},
    {false, "a random stream",
     "  %1 = input seed : i32[2]\n  %2 = input step : i32[]\n  %3 = random %1 %2 {key 7} : "
     "i32[40]\n"
     "  out y = %3\n",
     "  %1 = input seed : i32[2]\n  %2 = input step : i32[]\n  %3 = random %1 %2 {key 8} : "
     "i32[40]\n"
     "  out y = %3\n"},
    {false, "what is contracted",
     SQUARE "  %3 = dot %1 %2 {contract 1 | 0} : f32[20,20]\n  out z = %3\n",
     SQUARE "  %3 = dot %1 %2 {contract 1 | 1} : f32[20,20]\n  out z = %3\n"},
    {false, "what is stored besides",
     SQUARE "  %3 = mul %1 %2 : f32[20,20]\n  %4 = exp %3 : f32[20,20]\n  out z = %4\n",
     SQUARE
     "  %3 = mul %1 %2 : f32[20,20]\n  %4 = exp %3 : f32[20,20]\n  out y = %3\n  out z = %4\n"},
    {true, "which output is which",
     SQUARE
     "  %3 = mul %1 %2 : f32[20,20]\n  %4 = exp %3 : f32[20,20]\n  out y = %3\n  out z = %4\n",
     SQUARE
     "  %3 = mul %1 %2 : f32[20,20]\n  %4 = exp %3 : f32[20,20]\n  out y = %4\n  out z = %3\n"},
};

static KernelCounts counts_of(Compile *c, PlannedFunction one, PlannedFunction other)
{
	c->proves = true;
	Codegen *cg = codegen_open(c);
	FunctionCode *code[] = {codegen_begin(cg, &one, "one"), codegen_begin(cg, &other, "other")};
	codegen_finish(cg);
	for (int i = 0; i < 2; i++) {
		Objects got = {0};
		CU_ASSERT(codegen_take(cg, code[i], &got));
		CU_ASSERT(got.count >= 2); /* the step function, and a kernel of it or of the other */
		objects_close(&got);
	}
	KernelCounts counts = codegen_counts(cg);
	codegen_close(cg);
	return counts; /* what was shared was the same text, else codegen_begin() had aborted */
}

static void pairs(void)
{
	for (size_t i = 0; i < COUNT(PAIRS); i++) {
		Compile *c = compile_open();
		KernelCounts n = counts_of(c, case_of(c, PAIRS[i].one), case_of(c, PAIRS[i].other));
		CU_ASSERT_EQUAL(n.compiled + n.reused, 2);
		if (n.reused != PAIRS[i].shared)
			fprintf(stderr, "functions that differ in %s share a kernel: %zu\n", PAIRS[i].why,
			        n.reused);
		CU_ASSERT_EQUAL(n.reused, PAIRS[i].shared);
		compile_close(c);
	}
}

/* What runs but once is made in another way. */
static void once(void)
{
	Compile *c = compile_open();
	PlannedFunction one = case_of(c, PAIRS[0].one), other = case_of(c, PAIRS[0].one);
	Kernels init = *other.k;
	init.once = true;
	other.k = &init;
	CU_ASSERT_EQUAL(counts_of(c, one, other).reused, 0);
	compile_close(c);
}

/* Every kernel of every function is emitted alone: those that share a symbol have the same text. No more
 * than emission is done, as no other thread compiles and nobody waits for it. */
static size_t proved(const char *path)
{
	char why[DATA_WHY];
	sslc_program *p = sslc_open(path, &(sslc_options){.prove = true});
	Data *data = data_open(sslc_reader(p), NULL, why);
	size_t reused = 0;
	if (data && sslc_bind(p, data_shape(data)) && open_codegen(p)) {
		p->c.threads = 1;
		for (size_t i = 0; i < p->bundle->graph_count; i++) {
			PlannedFunction f = planned(p, describe_function(p, i));
			CU_ASSERT_PTR_NOT_NULL(codegen_begin(p->codegen, &f, f.k->graph->name));
		}
		reused = codegen_counts(p->codegen).reused;
	} else {
		fprintf(stderr, "SKIPPED: %s: %s\n", path, why); /* its data is not here */
	}
	data_close(data);
	sslc_close(p);
	return reused;
}

static void shipped_models(void)
{
	glob_t files = {0};
	CU_ASSERT_EQUAL_FATAL(glob(SSLC_SOURCE "/models/*.json", 0, NULL, &files), 0);
	CU_ASSERT_EQUAL_FATAL(glob(SSLC_SOURCE "/models/*/*.json", GLOB_APPEND, NULL, &files), 0);
	size_t reused = 0;
	for (size_t i = 0; i < files.gl_pathc; i++)
		if (!strstr(files.gl_pathv[i], "/models/lib/") && case_runs())
			reused += proved(files.gl_pathv[i]);
	CU_ASSERT(reused > 0);
	globfree(&files);
}

/* -- On disk ----------------------------------------------------------------------------------- */

/* Both compute e^x; one sums it along each column, the other along each row. */
#define BOTH "  %1 = input x : f32[3,40]\n  %2 = exp %1 : f32[3,40]\n"
static const char *const TEXT[] = {
    BOTH "  out e = %2\n  %3 = transpose %2 {axes 1 0} : f32[40,3]\n"
         "  %4 = sum %3 {axes 1} : f32[40]\n  out y = %4\n",
    BOTH "  out e = %2\n  %3 = sum %2 {axes 1} : f32[3]\n  out y = %3\n",
};

/* Runs them, as far as they are there, on x = 0: e = 1, sums are lengths. */
static void run_both(Loader *l, const PlannedFunction *f, LoadedFunction *const *loaded)
{
	static const size_t SIZE[] = {40, 3};
	for (int i = 0; i < 2; i++) {
		if (!loaded[i])
			continue;
		float x[120] = {0}, e[120], y[40];
		const void *in[] = {x};
		void *out[] = {e, y}, *arena = aligned_alloc(64, f[i].p->arena_bytes + 64);
		load_finish(l);
		StepFunction call = load_call(loaded[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(call);
		call(&(StepBlock){.arena = arena, .inputs = in, .outputs = out});
		for (int j = 0; j < 120; j++)
			CU_ASSERT_EQUAL(e[j], 1);
		for (size_t j = 0; j < SIZE[i]; j++)
			CU_ASSERT_EQUAL(y[j], (float)(120 / SIZE[i]));
		free(arena);
	}
}

/* Functions `which` (bits) in a process of their own, so to speak; how many kernels were compiled. */
static size_t session(unsigned which)
{
	Compile *c = compile_open();
	PlannedFunction f[] = {case_of(c, TEXT[0]), case_of(c, TEXT[1])};
	Codegen *cg = codegen_open(c);
	Loader *l = loader_open(c, cg);
	LoadedFunction *loaded[2] = {0};
	for (unsigned i = 0; i < 2; i++)
		loaded[i] = which >> i & 1 ? load_begin(l, &f[i]) : NULL;
	run_both(l, f, loaded);
	diag_print(c->diags, stderr, false);
	size_t compiled = codegen_counts(cg).compiled;
	loader_close(l);
	codegen_close(cg);
	compile_close(c);
	return compiled;
}

static void remove_folder(const char *path)
{
	char command[256];
	snprintf(command, sizeof command, "rm -r '%s'", path);
	CU_ASSERT_EQUAL(system(command), 0);
}

/* Each from disk without the other; then both, each of which brings the kernel that they share. */
static void on_disk(void)
{
	char together[] = "/tmp/sslc-share-XXXXXX", apart[] = "/tmp/sslc-share-XXXXXX";
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(together));
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(apart));
	setenv("SSLC_CACHE", together, 1);
	size_t all = session(3);
	CU_ASSERT_EQUAL(session(2), 0);
	CU_ASSERT_EQUAL(session(1), 0);
	setenv("SSLC_CACHE", apart, 1);
	size_t one = session(1), other = session(2);
	CU_ASSERT_EQUAL(one + other, all + 1); /* all but e^x */
	CU_ASSERT_EQUAL(session(3), 0);
	setenv("SSLC_CACHE", "off", 1);
	remove_folder(together);
	remove_folder(apart);
}

CU_TestInfo test_share[] = {
    {"which kernels are equal", pairs},
    {"what runs once shares with its like", once},
    {"what shares code in shipped models is the same text", shipped_models},
    {"a function on disk needs no other", on_disk},
    CU_TEST_INFO_NULL,
};
