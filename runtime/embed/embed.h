/* embed.h: the part of an emitted object that is not kernels: one block of memory, and what can be
 * done with the states in it.
 *
 * 1 Tables    what the compiler writes of a model       2 Block    initialise, call, count
 * 3 Tensors   read, write, find                         4 Files    save, restore, load, export
 *
 * Freestanding: no libc, no allocation, no globals but constants, no floating point. Functions
 * return 0, or an error of errors.def, which is negative. Whatever is wrong is found before
 * anything is changed. A block is used by one thread at a time; different blocks by any. */
#ifndef SSLC_EMBED_H
#define SSLC_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "../step.h"

/* -- 1 Tables ---------------------------------------------------------------------------------- */

enum {
	EMBED_ALIGNED = 64,     /* the block, and each part of it */
	EMBED_MOST_VALUES = 16, /* inputs, or outputs, of a function */
	EMBED_MOST_RANK = 8,
};

/* Where an input of a function comes from. */
enum {
	EMBED_FROM_CALLER, /* the next of the caller's pointers */
	EMBED_FROM_SEED,   /* uint32[2] */
	EMBED_FROM_STEP,   /* int32: steps done of its training */
};

/* What a tensor is. */
enum {
	EMBED_IS_OPTIMIZER = 1, /* not needed to use the model */
	EMBED_IS_TASK = 2,      /* of a downstream task, not of pre-training */
	EMBED_IS_PARAM = 4,     /* trained: infinite is as wrong as NaN */
};

typedef uint32_t EmbedDims[EMBED_MOST_RANK];

/* Functions may be there in variants, for processors of several kinds: a table of each, one after
 * the other, of which one is chosen as a block is initialised. */
typedef int32_t (*EmbedVariant)(void);

#define ROW(name, type, letter, meaning) type name;
#define TENSOR                           ROW
typedef struct EmbedTensor {
#include "tables.def"
} EmbedTensor;
#undef TENSOR
#define VALUE ROW
typedef struct EmbedValue {
#include "tables.def"
} EmbedValue;
#undef VALUE
#define FUNCTION ROW
typedef struct EmbedFunction {
#include "tables.def"
} EmbedFunction;
#undef FUNCTION
#define MODEL ROW
typedef struct EmbedModel {
#include "tables.def"
} EmbedModel;
#undef MODEL
#undef ROW

#define ERROR(name, code, text) EMBED_##name = (code),
enum {
#include "errors.def"
};
#undef ERROR
/* What an error means, in English; of 0, "done". Never NULL. */
const char *embed_message(int32_t code);

/* -- 2 Block ----------------------------------------------------------------------------------- */

/* The block is its head, the states, the spare outputs, the arena. */
#define EMBED_HEAD UINT64_C(64)
#define EMBED_ROUND(size)                                                                          \
	(((uint64_t)(size) + (EMBED_ALIGNED - 1)) & ~(uint64_t)(EMBED_ALIGNED - 1))
#define EMBED_BLOCK_BYTES(states, spare, arena)                                                    \
	(EMBED_HEAD + EMBED_ROUND(states) + EMBED_ROUND(spare) + EMBED_ROUND(arena))

size_t embed_block_bytes(const EmbedModel *model);
/* Makes a block of `bytes`, whatever was in it, and the states: the embedded weights, or random
 * ones. NULL, ALIGN, SMALL. A model with neither is EMPTY to calls until states are loaded. */
int32_t embed_init(const EmbedModel *model, void *block, size_t bytes, uint32_t seed_low,
                   uint32_t seed_high);
/* Whether a function is called for its only output, which needs no spare room then. */
static inline int embed_is_sole(size_t outputs, uint32_t is_step)
{
	return outputs == 1 && !is_step;
}
/* Runs a function: given[i] is its i-th input that is FROM_CALLER, results[i] its i-th output; a
 * result that is NULL is not wanted, as are all if `results` is, unless it is the sole one of a
 * function that is no step. Inputs and results must not overlap. NULL, ALIGN, EMPTY, STEPS. */
int32_t embed_call(const EmbedModel *model, void *block, const EmbedFunction *function,
                   const void *const *given, void *const *results);
/* From now on tiles run by `parallel` with `pool`; NULL: in order, as after embed_init. */
int32_t embed_parallel(const EmbedModel *model, void *block, void *pool, StepParallel parallel);
/* Steps of training done; negative: an error. */
int32_t embed_steps(const EmbedModel *model, const void *block);

/* -- 3 Tensors --------------------------------------------------------------------------------- */

/* The number of the tensor with this name; negative: an error. */
int32_t embed_find(const EmbedModel *model, const char *name);
/* 0: there is none of that number. */
size_t embed_tensor_bytes(const EmbedModel *model, uint32_t tensor);
/* Copies a tensor out or in, as little-endian words in row-major order. `bytes` must be the
 * tensor's. Any alignment. TENSOR, BYTES. */
int32_t embed_read(const EmbedModel *model, const void *block, uint32_t tensor, void *to,
                   size_t bytes);
int32_t embed_write(const EmbedModel *model, void *block, uint32_t tensor, const void *from,
                    size_t bytes);

/* -- 4 Files ----------------------------------------------------------------------------------- */

/* The whole state: what a block needs to go on as if nothing had happened. */
size_t embed_save_bytes(const EmbedModel *model);
int32_t embed_save(const EmbedModel *model, const void *block, void *to, size_t bytes);
/* Into a block that was initialised. SAVED, OTHER_MODEL, TRUNCATED, DAMAGED: nothing is changed. */
int32_t embed_restore(const EmbedModel *model, void *block, const void *from, size_t bytes);

/* A safetensors file (huggingface/safetensors, format.md), of a run of sslc or of any program: its
 * tensors that the model has become states; those of the optimizer and of tasks only if `what` says
 * so. All of the file is checked first: TRUNCATED, SAFETENSORS, OFFSETS, DAMAGED (if it has sslc's
 * checksum), TWICE, TYPE, SHAPE, NOT_FINITE, NOTHING (of it is the model's). Steps and seed stay. */
enum {
	EMBED_WITH_OPTIMIZER = EMBED_IS_OPTIMIZER,
	EMBED_WITH_TASKS = EMBED_IS_TASK,
	EMBED_NEED_ALL = 4,  /* a tensor that the file lacks is MISSING; else it stays as it is */
	EMBED_NO_OTHERS = 8, /* a tensor that the model lacks is FOREIGN; else it is passed over */
};
int32_t embed_load(const EmbedModel *model, void *block, const void *file, size_t bytes,
                   uint32_t what);
/* Writes the states as such a file, which `sslc run --init` takes too; what: EMBED_WITH_... The
 * bytes that it takes depend on the model and `what` alone; 0: an argument is wrong. */
size_t embed_export_bytes(const EmbedModel *model, uint32_t what);
int32_t embed_export(const EmbedModel *model, const void *block, void *to, size_t bytes,
                     uint32_t what);

#endif
