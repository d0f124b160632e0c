/* compiled.h: for tests: a graph, compiled and run, held against the interpreter.
 *
 * In: a graph and the values of its inputs and states. Every output and set is compared with
 * evaluate()'s. */
#ifndef SSLC_TEST_COMPILED_H
#define SSLC_TEST_COMPILED_H

#include "../../compiler/load/load.h"

/* naive_schedule.c: one kernel a node, each stored: nothing fused, nothing in place. tile:
 * iterations of the outermost loop in a tile. */
Kernels *naive_schedule(Compile *c, const Graph *g, int64_t tile);

/* random_graph.c: a graph over inputs x, y (f32 [5,17]), at (i32 [6]) and state w ([17]). */
Graph *random_graph(Compile *c, uint32_t seed);

typedef enum Hook {
	SERIAL,    /* no hook: the function runs its tiles itself */
	BACKWARDS, /* tile by tile from the last */
	THREADS,   /* three threads at once */
	ALL_HOOKS  /* one after the other: the bits must be the same */
} Hook;

typedef struct How {
	bool naive;
	int64_t tile; /* naive: of naive_schedule() */
	const char *cpu;
	Hook hook;
	bool once; /* code for what runs but once */
} How;

typedef struct Ran { /* values as doubles, row-major */
	double **out;    /* [out_count] */
	double **set;    /* [set_count] the states after the step */
} Ran;

Compile *compile_open(void);
void compile_close(Compile *c);
/* Of the model language; NULL after an error. */
struct Expr *expression_of(Compile *c, const char *text);

/* `count` values of a type: the special ones first (NaN, infinities, zeros, subnormals; ends of
 * integers), then others; `turn` begins elsewhere in the list. */
double *test_values(Arena *a, DType t, int64_t count, uint32_t turn);
/* In [-2, 2], as the type holds them. */
const double *test_numbers(Compile *c, DType t, int64_t count, uint64_t seed);
/* A value as the type holds it. */
double rounded(DType t, double x);

/* NULL after an error, or when bytes beyond a result were touched. */
Ran *run_graph(Compile *c, const Graph *g, const How *how, const Feed *feed, size_t feeds);

/* error: the greatest allowed, of the largest finite number of the tensor (at least 1); 0: the very
 * value, with its sign, once rounded to its type. Prints the first difference to stderr. */
bool agrees(const Graph *g, NodeId x, const double *got, const double *want, double error);
/* Compiles, runs, compares every output and set. */
bool graph_agrees(Compile *c, const Graph *g, const How *how, const Feed *feed, size_t feeds,
                  double error);
/* The same in many ways (a share of them: share.h): both schedules, three processors, all hooks. */
bool graph_agrees_always(Compile *c, const Graph *g, const Feed *feed, size_t feeds, double error);

#endif
