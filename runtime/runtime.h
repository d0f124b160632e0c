/* runtime.h: what training stands on: data, batches, threads, files. Knows compiled functions only
 * by step.h and model.h.
 *
 * 1 Files    whole or not at all     2 Data      readers, splits     3 Batches   order, prefetch
 * 4 Threads  the pool behind StepParallel      5 safetensors, npy     6 Metrics, progress, tables
 *
 * Functions that can fail return NULL or false and write one line into `why`: which file, what was
 * expected, what was found, what to do. */
#ifndef SSLC_RUNTIME_H
#define SSLC_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MUST_CHECK __attribute__((warn_unused_result))
enum { WHY = 512, DATA_WHY = WHY };

/* why: "text"; always false. */
bool because(char why[WHY], const char *format, ...) __attribute__((format(printf, 2, 3)));
double seconds_now(void); /* by a clock that never jumps */

/* memory.c: uninitialized, aligned to 64, of huge pages if it is large; free() gives it back. NULL:
 * there is not enough. */
MUST_CHECK void *memory_new(size_t bytes);
/* An array of *room elements of `size` bytes (at NULL: of none), made larger, at least twice, where `count` do not fit.
 * NULL: there is not enough, and `at` is as it was. */
MUST_CHECK void *memory_grow(void *at, size_t *room, size_t count, size_t size);

/* -- 1 Files: files.c -------------------------------------------------------------------------- */

/* Opens a regular file to be read; -1: it is none, or cannot be opened. */
MUST_CHECK int file_open(const char *path, char why[WHY]);
/* FNV-1a (Fowler, Noll and Vo), of 64 bits. */
uint64_t bytes_hash(const void *bytes, size_t size);
/* Reads a whole file of at most `limit` bytes into memory that the caller frees; one byte more is
 * 0. */
MUST_CHECK unsigned char *bytes_read(const char *path, size_t limit, size_t *size, char why[WHY]);
/* What the first `size` bytes of a file, or all, say of it: so many bytes it is to hold; 0: it is
 * refused. */
typedef struct FileHeader {
	size_t size;
	size_t (*whole)(const unsigned char *bytes, size_t size, char why[WHY]);
} FileHeader;

/* The same of what a file holds that is compressed by gzip (unpack.c); any other is as it is. A
 * little compressed data can become very much: with a header no more is unpacked than it says and
 * one byte, by which the caller sees that there is more. */
MUST_CHECK unsigned char *bytes_unpacked(const char *path, size_t limit, const FileHeader *header,
                                         size_t *size, char why[WHY]);
/* Writes beside, fsyncs, renames: the file is whole or untouched, and a link is replaced, not what
 * it points to. parts[i] of sizes[i], one after the other. Removes what a killed write of the same
 * file left. */
MUST_CHECK bool bytes_write(const char *path, const void *const *parts, const size_t *sizes,
                            size_t count, char why[WHY]);
/* The errno of a rename to `path`: "." and "/" are not busy, but folders. */
int rename_error(const char *path, int error);
bool file_missing(const char *path); /* there is nothing of that name */
/* A file that holds `begin`, written as above, and is then appended to. */
MUST_CHECK FILE *append_open(const char *path, const void *begin, size_t size, char why[WHY]);

/* -- 2 Data: data/ ----------------------------------------------------------------------------- */

typedef enum Split { SPLIT_TRAIN, SPLIT_TEST } Split;
typedef struct Data Data;

/* Opens what a model's "data" calls; paths are relative to `folder` (NULL: the working one). */
MUST_CHECK Data *data_open(const sslc_call *call, const char *folder, char why[WHY]);
void data_close(Data *d); /* NULL-safe */
/* Fields: "x" first; "label" (i32 or f32, always in memory) if there is one; types u8, i32, f32. */
const sslc_data *data_shape(const Data *d);
int64_t data_count(const Data *d, Split s);
/* Makes a share of the train samples the test split, the same ones every time; the test split that
 * the data had is not seen any more. What the reader knows to belong together is on one side: a share is about that then.
 * False: not so many that both splits have samples. */
MUST_CHECK bool data_hold_out(Data *d, double share, char why[WHY]);
/* What of a split belongs together, as the reader knows it, so that it is no evidence of its own (apart.c). */
typedef struct Groups {
	int64_t *at;    /* [values]: those of a group after those of another; NULL: nobody knows */
	int64_t *first; /* [count + 1]: where those of a group begin */
	int64_t count;
	bool of_one;    /* all samples are of one group: in it each is by itself */
	bool of_series; /* they follow each other: groups are stretches of one series */
} Groups;
/* Of values of `batch` samples each, the last one of what is left. Values with samples of the same group are of one.
 * False: no memory. groups_close in either case. */
MUST_CHECK bool data_groups(const Data *d, Split s, int64_t batch, Groups *g, char why[WHY]);
void groups_close(Groups *g);
/* What the reader left out, for the user; "": nothing. */
const char *data_note(const Data *d);
/* tokenizer.json, by which text became the integers of x; NULL: they are of no text. */
const char *data_tokenizer(const Data *d);
/* A number that other samples would hardly have. */
uint32_t data_mark(const Data *d);
/* Where sample i of a split stands in its file. */
int64_t data_row(const Data *d, Split s, int64_t i);
/* False, too, where the data has no labels. */
bool data_has_label(const Data *d, Split s, int64_t i);
/* Every value that the model can be given is one that it tells apart; false names the first sample
 * that has another one, by its place in its file. */
MUST_CHECK bool data_in_ranges(const Data *d, const sslc_model *model, char why[WHY]);
/* leaked.c: how many samples of the test split have the x of one to train on; of much that is decoded when it is wanted
 * nobody looks: 0. */
int64_t data_leaked(const Data *d);
/* subset.c: `count` samples to train on with their labels, drawn by the seed: `per_class` of each class, or
 * (0) in proportion to the classes; the caller frees them. False: a class has not so many. */
MUST_CHECK bool data_choose(const Data *d, int64_t count, int64_t per_class, uint64_t seed,
                            int64_t **chosen, char why[WHY]);
/* The accuracy on a split of always saying the class that is commonest in the train split; 0: the
 * labels are no classes. */
double data_commonest(const Data *d, Split s);
/* The field of sample i of a split, where it is in memory; NULL: it is decoded when it is wanted. */
const void *data_value(const Data *d, Split s, size_t field, int64_t i);
/* Writes all fields of sample i to to[field], of the bytes that data_shape says; from any thread.
 * False: it cannot be read. */
MUST_CHECK bool data_sample(const Data *d, Split s, int64_t i, void *const to[], char why[WHY]);

/* An array as a file held it. type: "u8", "i32", "f32", "bool". */
typedef struct Array {
	const char *type;
	int rank;
	int64_t dim[SSLC_MAX_RANK];
	void *at; /* the owner frees it */
} Array;
int64_t array_size(const Array *a); /* elements */
size_t type_bytes(const char *type);
size_t array_row_bytes(const Array *a); /* of one index of the first axis */

enum { TENSOR_TEXT = 96 };
/* "f32[20,10]" */
void tensor_text(const char *type, int rank, const int64_t *dim, char text[TENSOR_TEXT]);

/* npy.c: NumPy's format 1 to 3 (numpy.lib.format): floats become f32, integers i32 or u8, bools bool. */
MUST_CHECK bool npy_read(const char *path, Array *out, char why[WHY]);
MUST_CHECK bool npy_parse(const void *bytes, size_t size, Array *out, char why[WHY]);
MUST_CHECK bool npy_write(const char *path, const char *type, int rank, const int64_t *dim,
                          const void *at, char why[WHY]);
/* npz.c: the array of that name in NumPy's archive. */
MUST_CHECK bool npz_read(const char *path, const char *name, Array *out, char why[WHY]);
MUST_CHECK bool npz_parse(const void *bytes, size_t size, const char *name, Array *out,
                          char why[WHY]);
/* idx.c: LeCun's IDX, plain or gzip. */
MUST_CHECK bool idx_read(const char *path, Array *out, char why[WHY]);
MUST_CHECK bool idx_parse(const void *bytes, size_t size, Array *out, char why[WHY]);

/* -- 3 Batches --------------------------------------------------------------------------------- */

/* philox.c: Philox 4x32-10 (Salmon et al. 2011). */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* order.c: place i of a permutation of [0, n) keyed by (seed, epoch): no memory, the same on every
 * machine. */
int64_t order_at(int64_t i, int64_t n, uint64_t seed, uint64_t epoch);

/* prefetch.c: a thread that gathers the next batch while this one is used. Batch of step s: samples
 * s batch ... of the permutation of its epoch (training drops the last partial batch of an epoch),
 * or of the split in order. */
typedef struct PrefetchOrder {
	Split split;
	int64_t batch;
	bool epochs;  /* the split again and again, without its last partial batch; as also: */
	bool shuffle; /* each epoch in an order of its own */
	uint64_t seed;
	int64_t first_step, last_step;
	int64_t offset; /* without both: the sample that step 0 begins with; past the end, sample 0
	                   repeats */
	bool f64;       /* floats as doubles */
	const int64_t *chosen; /* the samples to take in place of all; NULL: all */
	int64_t chosen_count;
} PrefetchOrder;
typedef struct Prefetch Prefetch;
MUST_CHECK Prefetch *prefetch_open(const Data *d, const PrefetchOrder *order, char why[WHY]);
/* One pointer a field, aligned to 64, valid until the next call; NULL after the last step, or where
 * a sample cannot be read. */
const void *const *prefetch_next(Prefetch *p, char why[WHY]);
/* The numbers of those samples in their split [batch], as long. */
const int32_t *prefetch_numbers(const Prefetch *p);
void prefetch_close(Prefetch *p); /* NULL-safe */

/* -- 4 Threads: threads.c ---------------------------------------------------------------------- */

typedef struct Pool Pool;
int threads_here(void);                  /* cores that this process may use */
MUST_CHECK Pool *pool_open(int threads); /* the caller counts as one */
void pool_close(Pool *p);                /* NULL-safe */
void pool_parallel(void *pool, StepTask task, void *args, ptrdiff_t tiles); /* a StepParallel */

/* -- 5 safetensors: train/safetensors.c -------------------------------------------------------- */

typedef struct SafeMeta {
	const char *key, *value;
} SafeMeta;
typedef struct SafeTensor {
	const char *name;
	const char *type; /* as in sslc_tensor: "f32", "f64", "i32", "u8", "bool", "bf16"; of files of
	                     others also "f16", "i64", ... */
	int rank;
	int64_t dim[SSLC_MAX_RANK];
	const void *at;
	size_t bytes;
} SafeTensor;
typedef struct SafeFile {
	SafeTensor *tensor;
	size_t count;
	SafeMeta *meta;
	size_t metas;
	void *bytes, *header; /* owned */
} SafeFile;

#define CHECKSUM "sslc_crc32"
/* Tensors in the order given; CHECKSUM, of the whole file, is added to the metadata. */
MUST_CHECK bool safe_write(const char *path, const SafeTensor *tensor, size_t count,
                           const SafeMeta *meta, size_t metas, char why[WHY]);
/* A file that states a checksum must have it; one of another program need not state one. */
MUST_CHECK bool safe_read(const char *path, SafeFile *out, char why[WHY]);
/* Takes `bytes` (from malloc) over, also on failure. */
MUST_CHECK bool safe_parse(void *bytes, size_t size, SafeFile *out, char why[WHY]);
void safe_close(SafeFile *f);
const char *safe_meta(const SafeFile *f, const char *key);          /* NULL: there is none */
const SafeTensor *safe_tensor(const SafeFile *f, const char *name); /* NULL: there is none */

/* -- 6 Metrics, progress, tables --------------------------------------------------------------- */

/* metrics.c: JSON lines; on resume, lines after `step` are cut off (-1: begin anew). */
typedef struct Metrics Metrics;
/* `missing`: a resumed run has no lines of before, since the file is gone. */
MUST_CHECK Metrics *metrics_open(const char *path, int64_t step, bool *missing, char why[WHY]);
void metrics_line(Metrics *m, int64_t step, int64_t epoch, const char *name, double value,
                  double seconds);
MUST_CHECK bool metrics_flush(Metrics *m);
void metrics_close(Metrics *m); /* NULL-safe */

/* events.c: the same for TensorBoard: records after `step` are cut off (-1: begin anew). */
typedef struct Events Events;
MUST_CHECK Events *events_open(const char *path, int64_t step, char why[WHY]);
void events_scalar(Events *e, int64_t step, const char *tag, double value);
MUST_CHECK bool events_flush(Events *e);
void events_close(Events *e); /* NULL-safe */

/* progress.c: a bar with the time left on a terminal, else a plain line an epoch (at most about
 * 20). */
typedef struct Progress Progress;
MUST_CHECK Progress *progress_open(FILE *out, int64_t first_step, int64_t steps,
                                   int64_t epoch_steps, int64_t batch);
/* On a terminal, instead of the bar a few lines with the course of each metric. False: no memory. */
MUST_CHECK bool progress_live(Progress *p);
void progress_metric(Progress *p, const char *name, double value); /* for those lines */
void progress_step(Progress *p, int64_t step, double loss);
void progress_note(Progress *p, const char *text); /* behind the loss from now on; NULL-safe */
void progress_close(Progress *p);                  /* NULL-safe; ends the bar's line */

#ifdef __cplusplus
}
#endif
#endif
