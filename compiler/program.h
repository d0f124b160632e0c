/* program.h: private to the files of compiler/ itself: what stands behind sslc.h. */
#ifndef SSLC_PROGRAM_H
#define SSLC_PROGRAM_H

#include "sslc.h"

#include "elaborate/elaborate.h"
#include "load/load.h"
#include "passes/passes.h"
#include "schedule/schedule.h"

struct sslc_program {
	Compile c;
	jmp_buf out_of_memory;
	bool exhausted; /* the memory limit was passed, or there is none: nothing more is compiled */
	size_t limit;
	int64_t epochs, batch; /* 0: the model's */
	const char *freeze;    /* names, apart by commas; NULL: none */
	Text source;
	uint32_t file; /* of the model, in diags; 0: unreadable */
	Prelude *prelude;
	Model *model;
	sslc_call reader;
	Bundle *bundle;
	bool bound;              /* the bundle and all below are whole */
	Codegen *codegen;        /* opened by what first needs machine code, or its text */
	Loader *loader;          /* opened by the first function that is to be called */
	sslc_code *code;         /* [bundle->graph_count]; call is NULL until compiled */
	struct Lowered *lowered; /* of each; plan is NULL until it is first asked for */
	sslc_model description;
};

/* For a program that is NULL or exhausted, or when it becomes so: returns `failure`. */
#define GUARD(p, failure)                                                                          \
	do {                                                                                           \
		if (!(p) || (p)->exhausted)                                                                \
			return failure;                                                                        \
		if (setjmp((p)->out_of_memory)) {                                                          \
			(p)->exhausted = true;                                                                 \
			return failure;                                                                        \
		}                                                                                          \
		arena_on_limit((p)->c.arena, &(p)->out_of_memory);                                         \
		laps_start(&(p)->c.laps);                                                                  \
	} while (0)

/* reader.c: fills p->reader by the expression of "data"; false: reported. */
bool reader_read(sslc_program *p, const Expr *e);

/* exhausted.c: where most of the largest function's operations are made. */
typedef struct Place {
	Span span;
	size_t operations, of; /* 0: no place */
	const char *function;
} Place;
Place exhausted_place(const sslc_program *p);
/* What the memory limit is, that place, what to do. */
void exhausted_print(const sslc_program *p, FILE *out, bool colour);

/* A function of the model on its way down; what a stage did not reach is NULL. */
typedef struct Lowered {
	const Graph *graph; /* of primitives */
	Kernels *kernels;
	Plan *plan;
} Lowered;

/* compile.c: the stages in order. `last` names a stage of graphs (elaborate, autodiff, a pass) to stop
 * after, or is NULL. */
Lowered lower(Compile *c, Graph *graph, const char *last);
/* Function number i of the bundle to the end, once, with p->code[i] but its call; no machine code is
 * made. plan is NULL: reported. */
Lowered describe_function(sslc_program *p, size_t i);
/* The same for a graph that may be another, each time. */
Lowered lower_described(sslc_program *p, const Graph *graph, sslc_code *code);
/* What codegen and load take of it. */
PlannedFunction planned(const sslc_program *p, Lowered l);
/* Finds the machine that code is made for, once; false: reported. */
bool open_machine(sslc_program *p);
/* Opens p->codegen once; false: reported. */
bool open_codegen(sslc_program *p);
/* And p->loader. */
bool open_loader(sslc_program *p);
/* Machine code for these graphs of the bundle, all together; code->call is NULL after an error. */
void compile_functions(sslc_program *p, const size_t *which, size_t count);
/* Text of one graph of the bundle after a stage; false: no such stage, or errors. */
bool compile_dump(sslc_program *p, Graph *graph, const char *stage, sslc_format format, Text *out);
bool stage_is_of_graphs(const char *stage);
/* cause.c: of `cause` in model.h. */
bool find_cause(sslc_program *p, const char *function, const char *state, const sslc_runner *runner,
                sslc_cause *to);
/* describe.c: fills p->description; the bundle and p->code are there. */
void describe_model(sslc_program *p);

#endif
