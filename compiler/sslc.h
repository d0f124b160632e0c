/* sslc.h: the public API: from a model file to functions that train it.
 *
 * 1 Compile     sslc_open, sslc_bind, sslc_function, sslc_embed, sslc_export_onnx
 * 2 Inspect     sslc_describe, states, tasks, functions, settings, sslc_dump
 * 3 Errors      sslc_error_count, sslc_print_errors
 *
 * The plain types, of tensors, states, functions, tasks, are in model.h.
 *
 *   sslc_program *p = sslc_open("model.json", NULL);
 *   ... open the data that sslc_reader(p) names ...
 *   if (sslc_bind(p, &data)) {
 *       const sslc_code *step = sslc_function(p, "step");
 *       step->call(&block);
 *   }
 *   sslc_print_errors(p, stderr, false);
 *   sslc_close(p);
 *
 * Every function takes whatever it is given: a NULL program, a name that is NULL or not known, a
 * call before sslc_bind or after an error. What it then returns is said at each; nothing of that
 * aborts. When the memory limit is passed, that is an error, and from then on functions that
 * compile fail at once.
 *
 * A program is used by one thread at a time; the functions that it makes may be called by any.
 *
 * Every stage is verified. What breaks a promise is a bug in sslc: it is told on stderr, to be
 * reported, and abort() follows, so that no wrong code runs; a handler of SIGABRT may end the
 * process in its own way, as the command does with exit code 5. */
#ifndef SSLC_H
#define SSLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SSLC_API __attribute__((visibility("default")))

/* -- 1 Compile --------------------------------------------------------------------------------- */

typedef struct sslc_program sslc_program;

/* Zero is the default of every field. */
typedef struct sslc_options {
	bool f64;     /* compute in double: gradient checks */
	bool profile; /* functions call block->mark after each kernel */
	bool prove;   /* compares all kernels that run one code as text, and aborts if two are none: for
	                 tests of the compiler */
	const char *cpu; /* LLVM's CPU name; NULL: this machine. Code for another one can be dumped,
	                    not run: sslc_function is an error then */
	const char *features; /* "+avx2,-avx512f"; NULL: all that the CPU has */
	const char *target;   /* "aarch64", "cortex-m4f" (sslc_targets): another kind of machine, with
	                         a CPU of its own; NULL: this kind */
	size_t memory_limit;  /* bytes that the compiler may use; 0: 2 GiB */
	int64_t epochs;       /* of pre-training, instead of the model's; 0: the model's */
	int64_t batch;        /* the same */
	const char *freeze;   /* networks that pre-training leaves as they are: "encoder,decoder" */
} sslc_options;

/* Reads and parses a model file: a regular one of at most 16 MiB. NULL only when there is no
 * memory; all else is in sslc_error_count, also a path that is NULL, options that are out of range,
 * and a memory limit that is too small. The options and their texts are copied. */
SSLC_API sslc_program *sslc_open(const char *path, const sslc_options *options);
/* The same from memory; `name` is what errors show (NULL: "model"). The text is copied; NULL is an
 * error unless size is 0. */
SSLC_API sslc_program *sslc_open_text(const char *name, const char *text, size_t size,
                                      const sslc_options *options);
SSLC_API void sslc_close(sslc_program *p); /* frees its functions too; NULL-safe */

/* What the model asks of its data; NULL if the model could not be read. It is there after other
 * errors too: sslc_bind then finds what else is wrong. */
SSLC_API const sslc_call *sslc_reader(const sslc_program *p);
/* Reports `text` (an error of the reader, say; NULL: that it cannot be read) at the place of "data"
 * in the model file. */
SSLC_API void sslc_data_error(sslc_program *p, const char *text);

/* Builds every graph of the model for this data, once. False if there are errors, of the file or of
 * its meaning: all of them are reported together. It is one to bind a program that is bound, to
 * give no data, more than SSLC_MAX_FIELDS fields, a field without name, with the name of another, named seed or step,
 * of an unknown type, of a rank from SSLC_MAX_RANK on (the batch is an axis too), of a dimension
 * below 1 or more than 2^40 elements, no samples for training, or negative numbers. */
SSLC_API bool sslc_bind(sslc_program *p, const sslc_data *data);

/* Compiles on first use: "init", "step", "monitor" (norms of gradients, the learning rate, alignment),
 * "features", "views" (those of the pretext, reconstructions), "loss", "gradients", "perturbed", and
 * of task T: "T.init", "T.step", "T.encode", "T.step.encoded", "T.score", "T.score.rest",
 * "T.predict". perturbed gives the loss where one element of a parameter is larger by "moved amount":
 * "moved element" (i32, row-major) of the parameter of the "moved parameter"-th (i32) output "d NAME"
 * of gradients. All that differentiation holds constant is held, such as the branch of a relu: it is made for finite
 * differences. NULL after an error, before sslc_bind, and, without an error, if the model has no
 * such function. */
SSLC_API const sslc_code *sslc_function(sslc_program *p, const char *name);
/* Compiles those of the functions that the model has, together: quicker than one after the other.
 * sslc_function then gives them, or NULL after an error. Names may be NULL, alone or all. */
SSLC_API void sslc_compile(sslc_program *p, const char *const *names, size_t count);
SSLC_API bool sslc_has_function(const sslc_program *p,
                                const char *name); /* before sslc_bind: false */

/* An object file and a header for C, by which other programs train and use the model without sslc
 * or LLVM behind them. */
typedef struct sslc_embedding {
	const char *prefix; /* of all names; NULL: the model's name */
	/* "step", "encode", "loss", a task's name (its step, collect, score and predict) or any of sslc_function
	 * but init; the first values come along. */
	const char *const *function;
	const char *const *cpu; /* [cpus] beside the program's own, rising levels of x86-64: code */
	size_t cpus;            /* for each is there, and the best is chosen at run time */
	size_t count;           /* 0: step, encode and loss, as far as there are */
	const void *weights;    /* a block of states as sslc_states describes it; NULL: random */
} sslc_embedding;
typedef struct sslc_embedded {
	char *object, *header; /* of malloc, freed by sslc_embedded_free */
	size_t object_bytes, header_bytes;
	size_t code_bytes, constant_bytes; /* of the object, which programs carry */
	size_t block_bytes, states_bytes, spare_bytes, arena_bytes;
	const sslc_code *function; /* [functions] their names in C; until sslc_close, as is `state` */
	size_t functions;
	const sslc_state *state; /* [tensors] offsets are into the block */
	size_t tensors;
	size_t counts_at, counts; /* into the block: steps done of tasks, int32 each; how many */
} sslc_embedded;
/* For the machine that the options name. False: an error, and nothing to free. */
SSLC_API bool sslc_embed(sslc_program *p, const sslc_embedding *how, sslc_embedded *out);
SSLC_API void sslc_embedded_free(sslc_embedded *e);

/* A function as an ONNX file: "features" or "loss", as long as it draws no random numbers. Its
 * inputs are the fields of the data as they are in files (bytes are seen as numbers in [0, 1] by the
 * graph itself), the states it reads are constants of the file. */
typedef struct sslc_export {
	const char *function; /* NULL: "features"; "encode" is another name of it */
	const void *weights;  /* a block of states as sslc_states describes it */
	int64_t batch;        /* samples; 0: the first axis is free, "batch" */
} sslc_export;
/* The file is `bytes`, of malloc, to be freed by free(). False, and nothing to free: an error, or,
 * without one, before sslc_bind, or NULL for the weights or what is to be filled. */
SSLC_API bool sslc_export_onnx(sslc_program *p, const sslc_export *how, char **bytes, size_t *size);

/* -- 2 Inspect --------------------------------------------------------------------------------- */

/* The whole model as the runtime takes it, until sslc_close: its `prepare` is sslc_compile. NULL
 * before sslc_bind. */
SSLC_API const sslc_model *sslc_describe(const sslc_program *p);

/* Before sslc_bind, here and below: NULL, 0, or all zero. `count` may be NULL. */
SSLC_API const sslc_state *sslc_states(const sslc_program *p, size_t *count);
SSLC_API size_t sslc_states_bytes(const sslc_program *p);
SSLC_API sslc_training sslc_pretraining(const sslc_program *p);
SSLC_API const sslc_task *sslc_tasks(const sslc_program *p, size_t *count);
SSLC_API const sslc_range *sslc_ranges(const sslc_program *p, size_t *count);

/* The weights as another program names and lays them out, by a table of the model's "names"; valid
 * until sslc_close. NULL: there is no such table, or its rules are wrong, both reported. */
SSLC_API const sslc_names *sslc_named_by(sslc_program *p, const char *table);
/* The tables that the model has, by number; NULL: no more. */
SSLC_API const char *sslc_table(const sslc_program *p, size_t i);

/* "" if the model could not be read; its text is there after other errors. `size` may be NULL. */
SSLC_API const char *sslc_name(const sslc_program *p);
SSLC_API const char *sslc_model_text(const sslc_program *p, size_t *size);
/* "znver4"; NULL after an error: the option `cpu` names none. */
SSLC_API const char *sslc_cpu(sslc_program *p);

/* The names that the option `target` may have, ended by NULL. */
SSLC_API const char *const *sslc_targets(void);

/* Why compiled code is not kept on disk (the folder is not this user's alone, say), once something
 * was compiled; NULL: nothing to say. */
SSLC_API const char *sslc_note(const sslc_program *p);

typedef enum sslc_format { SSLC_TEXT, SSLC_DOT, SSLC_JSON } sslc_format;
/* Writes one function after one stage: parse, elaborate, autodiff, a pass, schedule, plan, llvm, asm
 * (the list: sslc_stages, ended by NULL). parse needs no data and no function. False: unknown stage
 * or function, assembly of WebAssembly as a drawing, NULL for `out`, or errors. */
SSLC_API bool sslc_dump(sslc_program *p, const char *function, const char *stage,
                        sslc_format format, FILE *out);
SSLC_API const char *const *sslc_stages(void);

/* What sslc_function gives, but for `call`, which is NULL until it is compiled: inputs, outputs, arena
 * and kernels, from the schedule and the plan. No machine code is made, so it may be for a machine
 * that this one is not. NULL as there. */
SSLC_API const sslc_code *sslc_function_described(sslc_program *p, const char *name);

/* A function's cost, likewise without machine code. False: no such function, NULL for `cost`, or
 * errors. */
typedef struct sslc_cost {
	size_t nodes, kernels;
	double flops, bytes;
	size_t arena_bytes, arena_lower_bound;
} sslc_cost;
SSLC_API bool sslc_function_cost(sslc_program *p, const char *name, sslc_cost *cost);

/* What a stage of the compiler took until now, for all functions together. */
typedef struct sslc_time {
	const char *stage; /* "parse", "autodiff", "emit" */
	double seconds;
	size_t times; /* that it ran */
} sslc_time;
/* Writes as many as there is room for, in the order of the stages (`out` NULL: none); returns how
 * many there are. */
SSLC_API size_t sslc_times(const sslc_program *p, sslc_time *out, size_t room);

/* Kernels of all functions that code was made for until now: those that were compiled, and those that
 * run the code of an equal one of any function. What came from the cache is in neither. */
typedef struct sslc_kernel_counts {
	size_t compiled, reused;
} sslc_kernel_counts;
SSLC_API sslc_kernel_counts sslc_count_kernels(const sslc_program *p);

/* A StepTask (args: 64 doubles of scratch) that does nothing but fused multiply-adds in registers,
 * so many a tile: what the machine can do at most. NULL after an error. `flops_per_tile` may be
 * NULL. */
SSLC_API StepTask sslc_peak_task(sslc_program *p, double *flops_per_tile);

/* -- 3 Errors ---------------------------------------------------------------------------------- */

/* 0: none; what is wrong in one place may count more than once. Of a NULL program it is 1: there
 * was no memory for it. */
SSLC_API size_t sslc_error_count(const sslc_program *p);
/* Prints all errors, in the order of the file, with the line and a caret. */
SSLC_API void sslc_print_errors(const sslc_program *p, FILE *out, bool colour);
/* An error is that the system has no memory for compiling it, whatever the limit. */
SSLC_API bool sslc_out_of_memory(const sslc_program *p);
/* The same as data: each error, then its notes and helps. At most 20 errors are told apart. */
typedef struct sslc_message {
	const char *kind;             /* "error", "note", "help" */
	const char *file;             /* NULL: no place */
	unsigned line, column, bytes; /* 1-based, in characters; bytes of the text that is meant */
	const char *text;
	const char
	    *section; /* of an error: the heading of models/README.md that explains it; NULL: none */
} sslc_message;
/* Writes as many as there is room for (`out` NULL: none), until sslc_close; returns how many there
 * are. */
SSLC_API size_t sslc_messages(const sslc_program *p, sslc_message *out, size_t room);

#ifdef __cplusplus
}
#endif
#endif
