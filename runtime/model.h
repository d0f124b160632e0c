/* model.h: a model as the runtime sees it: the data that it reads, its functions, the states that
 * live across steps, its training and its tasks. Plain types; no compiler, no LLVM behind them. */
#ifndef SSLC_MODEL_H
#define SSLC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "step.h"

enum { SSLC_MAX_RANK = 8, SSLC_MAX_FIELDS = 8 };

/* A tensor's type and shape; dtype by its name in the graph: "f32", "i32", "u8". */
typedef struct sslc_tensor {
	const char *name;
	const char *dtype;
	int rank;
	int64_t dim[SSLC_MAX_RANK];
	size_t bytes;
} sslc_tensor;

/* -- Data: what it asks for, what it gets ------------------------------------------------------ */

/* "data": "idx('a.idx', labels='b.idx')" as written: the reader's name and its arguments. */
typedef struct sslc_argument {
	const char *name; /* NULL: positional */
	const char *text; /* NULL: a number, or a call */
	double number;
	const struct sslc_call *call; /* of another reader; NULL: none */
} sslc_argument;
typedef struct sslc_call {
	const char *name;
	const sslc_argument *argument;
	size_t count;
} sslc_call;

/* What the reader found; shapes are of one sample. */
typedef struct sslc_data {
	sslc_tensor field[SSLC_MAX_FIELDS]; /* "x", perhaps "label" and others; bytes are not read */
	size_t count;
	int64_t train_count, test_count;
	int64_t unlabelled; /* of the samples to train on: they have no label, and no task sees them */
	int64_t classes;    /* above the largest "label"; 0: there are none */
	const char *const *class_name; /* [classes], of the classes; NULL: they have none */
	int64_t vocab; /* above the largest integer of "x"; 0: it has none, or nobody knows */
} sslc_data;

/* -- Functions --------------------------------------------------------------------------------- */

/* One kernel of a function, for profiles. */
typedef struct sslc_kernel {
	size_t number;  /* in the dump of the stage `schedule`; of a chain, its first kernel's */
	size_t code_of; /* the kernel whose code it runs: an equal one before it, or it itself */
	const char *kind, *what; /* "contract", "64 x 32 x 288, 2048 of them" */
	double flops, bytes;     /* an estimate: exp is as many as make it; each buffer counted once */
	/* Of these, at steps alone where its choice does not hold, and where it does. */
	double only_flops[2], only_bytes[2];
	const char *file; /* the place in the model that it came from; NULL: none */
	unsigned line, column;
	const char *words; /* what is written there; NULL: nothing that can be shown */
} sslc_kernel;

/* A function; call is NULL until it is compiled. inputs and outputs are in the order of the pointers in the block; "seed" is
 * i32[2], "step" i32[] (steps done); "x", "label" and "sample_number" (i32, in its split) hold one batch. */
typedef struct sslc_code {
	const char *name;
	StepFunction call;
	size_t arena_bytes; /* scratch that a call needs, aligned to 64 */
	size_t arena_least; /* what is alive at once at most: no plan needs less */
	const sslc_tensor *input, *output;
	size_t input_count, output_count;
	const sslc_kernel *kernel; /* in the order in which they run */
	size_t kernel_count;
} sslc_code;

/* -- States, training, tasks ------------------------------------------------------------------- */

typedef struct sslc_state {
	sslc_tensor tensor;
	size_t offset; /* into the block of states */
	bool is_param;
	const char *task; /* NULL: of pre-training; else the task that owns it */
	const char *file; /* the place in the model that it came from; NULL: none */
	unsigned line, column;
} sslc_state;

typedef struct sslc_training {
	int64_t epochs, batch, steps, epoch_steps;
	uint64_t seed;
	bool shuffle;
} sslc_training;

/* A variant of a downstream task. */
typedef struct sslc_task {
	const char *name;   /* "probe.raw": also the prefix of its functions */
	const char *base;   /* "probe" */
	const char *metric; /* "accuracy", "loss", another function's name, or "metric" */
	sslc_training training;
	int64_t samples;   /* to learn from: all, or as many as "labels" says, 0: of none, */
	int64_t per_class; /* so many of each class; 0: in proportion to the classes */
	bool trains;       /* by T.step */
	bool has_bank;     /* T.bank keeps values of the samples that it may learn from */
	bool has_collect;  /* T.collect keeps values of every test sample: T.score sees those alone */
	bool is_raw,
	    is_scratch; /* neither: on frozen networks, pre-trained or (if with_random) random */
	bool with_random;
	bool higher_is_better;
} sslc_task;

/* A place where a function tells apart only the values 0 to below - 1 of a field, or of some elements of its samples:
 * one_hot, gather. Samples with others would be no error, but another thing than was meant. */
typedef struct sslc_range {
	size_t field; /* of sslc_data */
	const char *function;
	int64_t below;
	const char *file; /* the place in the model; NULL: none */
	unsigned line, column;
	/* of the sample's axis a: first[a], first[a] + step[a], ..., count[a] places; count 0: all */
	int64_t first[SSLC_MAX_RANK], step[SSLC_MAX_RANK], count[SSLC_MAX_RANK];
} sslc_range;

/* -- Names of another program ------------------------------------------------------------------ */

/* A tensor that another program has in place of a state, or a part of one. */
typedef struct sslc_named {
	sslc_tensor tensor; /* theirs */
	const sslc_state *state;
	bool is_moved; /* its elements lie elsewhere than in the state: order() says where */
	bool is_number;
	int64_t number; /* no part of the state: a whole number that they keep, "i64" */
} sslc_named;
/* A table of "names" of the model, worked out: every state of pre-training that the table has. */
typedef struct sslc_names {
	const char *table;
	const sslc_named *at;
	size_t count;
	/* from[i]: which element of the state is element i of theirs, both row-major. False: its maker
	 * has the errors. */
	bool (*order)(void *context, size_t i, int64_t *from);
	void *context;
} sslc_names;

/* -- Why a step is not finite ------------------------------------------------------------------ */

/* Runs a function on the states, the batch and the step number of the step in question; its outputs,
 * which stay until the next run, or NULL: it could not. */
typedef struct sslc_runner {
	void *const *(*run)(void *of, const sslc_code *code);
	void *of;
} sslc_runner;

/* The first operation whose result is not finite though its operands are. */
typedef struct sslc_cause {
	char what[256];    /* "log(0) is -infinity" */
	const char *where; /* ", in the gradient" */
	const char *help;  /* what to do; may be empty */
	const char *file;  /* the place in the model; NULL: none */
	unsigned line, column;
} sslc_cause;

/* -- A model ----------------------------------------------------------------------------------- */

/* Made by the compiler (sslc_describe), or written down beside an object. What it points to stays
 * where it is, and as it is but for what prepare does, as long as it is used. */
typedef struct sslc_model {
	const char *name;
	const char *text; /* of the model file: a checkpoint goes on only with the same one */
	const sslc_state *state;
	size_t state_count;
	size_t states_bytes; /* of the block that holds them, aligned to 64 */
	const sslc_code *code;
	size_t code_count;
	sslc_training pretraining;
	const sslc_task *task;
	size_t task_count;
	const sslc_range *range;
	size_t range_count;
	/* Code may be made on demand: only its name is there, and `call` is NULL, until prepare is given
	 * that name. Names of no function are passed over; after an error, which its maker has, `call`
	 * stays NULL. NULL: all functions can be called. */
	void (*prepare)(void *context, const char *const *names, size_t count);
	/* For profiles: a task (args: 64 doubles of scratch, aligned to 64) that does nothing but fused
	 * multiply-adds in registers, so many a tile. NULL, or gives NULL: there is none. */
	StepTask (*peak)(void *context, double *flops_per_tile);
	/* Why the loss of a step (`state` NULL), or what it makes of a state, is not finite; `function`:
	 * "step" or "probe.step". False: nobody knows. NULL: as if it were always false. */
	bool (*cause)(void *context, const char *function, const char *state, const sslc_runner *runner,
	              sslc_cause *to);
	void *context; /* first argument of all three */
} sslc_model;

#endif
