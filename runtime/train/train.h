/* train.h: runs the functions of a model (model.h): pre-training, features, downstream tasks.
 *
 * 1 Engine      states, arena and pool; calls of compiled functions
 * 2 Training    the loop, its checkpoints and its position
 * 3 Features    of every sample of a split
 * 4 Downstream  tasks in their variants, and what they show
 *
 * Functions that can fail return false and fill a Failure; the caller prints it and exits with its
 * code. */
#ifndef SSLC_TRAIN_H
#define SSLC_TRAIN_H

#include <pthread.h>
#include <signal.h>
#ifdef __cplusplus
#include <atomic>
using std::atomic_bool;
using std::atomic_int;
#else
#include <stdatomic.h>
#endif

#include "../runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are the exit codes of the command line. */
typedef enum FailureKind {
	FAILURE_NONE = 0,
	FAILURE_WRONG = 1,    /* the model, its data or a checkpoint is wrong */
	FAILURE_DIVERGED = 3, /* the loss became NaN or infinite */
	FAILURE_SYSTEM = 4,   /* files, memory, threads */
	FAILURE_SIGNAL = 128, /* + the signal: stopped as asked, all is saved */
} FailureKind;

typedef struct Failure {
	int kind;        /* FAILURE_SIGNAL + n for signal n */
	char text[1024]; /* empty if it is the maker of the model who has the errors */
	char help[512];  /* may be empty */
} Failure;

/* Both return false, so that a failing function can end in one of them. */
bool fail(Failure *f, int kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool fail_help(Failure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -- watch.c: Ctrl-C --------------------------------------------------------------------------- */

/* From open to close SIGINT and SIGTERM are noted here instead of killing; a second one kills.
 * Threads that are made in between inherit this. */
typedef struct Watch {
	pthread_t thread;
	sigset_t before;
	atomic_int signal; /* 0, or the first one that came */
	atomic_bool closing;
	bool is_open;
} Watch;
MUST_CHECK bool watch_open(Watch *w, Failure *f);
void watch_close(Watch *w);
int watch_signal(Watch *w);

/* -- 1 Engine: engine.c ------------------------------------------------------------------------ */

typedef struct Engine {
	const sslc_model *model;
	Pool *pool;            /* NULL: functions run their tiles themselves */
	unsigned char *states; /* [states_bytes] aligned to 64; all states of the model */
	size_t states_bytes;
	void *arena; /* the largest that an open call needs */
	size_t arena_bytes;
	int32_t seed[2]; /* what "seed" and "step" of every call read */
	int32_t step;
} Engine;

MUST_CHECK bool engine_open(Engine *e, const sslc_model *model, int threads, Failure *f);
void engine_close(Engine *e);
void engine_seed(Engine *e, uint64_t seed);
/* Where a state lies in e->states. */
void *engine_state(const Engine *e, const sslc_state *state);
/* The first element that is NaN, or, of a parameter, infinite; -1: none. (Other states may well
 * hold an infinity, such as a smallest value so far.) */
int64_t state_bad_at(const Engine *e, const sslc_state *state);
/* The first state of pre-training (task NULL), or of a task, that has such an element; NULL: none. */
const sslc_state *engine_bad_state(const Engine *e, const char *task);

/* NULL: the model has no such function. Its code may not be there yet. */
const sslc_code *engine_function(const Engine *e, const char *name);

/* A function of the model and the pointers of its block. */
typedef struct Call {
	Engine *engine;
	const sslc_code *code;
	StepBlock block;
	const void **input; /* [code->input_count] */
	void **output;      /* [code->output_count], each its own part of `storage` */
	void *storage;
	double began; /* when the last run did */
} Call;

/* Of a function whose code is there. */
MUST_CHECK bool call_open_code(Call *c, Engine *e, const sslc_code *code, Failure *f);
/* Has the function prepared if it is not yet. */
MUST_CHECK bool call_open(Call *c, Engine *e, const char *function, Failure *f);
void call_close(Call *c);
/* Gives an input its bytes for the next runs; false if the function does not use it. */
bool call_input(Call *c, const char *name, const void *bytes);
void call_run(Call *c);
/* Element 0 of an output: of a scalar, its value. NaN if there is no such output. */
double call_scalar(const Call *c, const char *output);
/* The first `count` elements of an output; false: there is no such output. */
bool call_numbers(const Call *c, const char *output, double *to, int64_t count);
/* The samples in a batch of `call`: the leading dimension of its data; 0 if it reads no data. */
int64_t call_batch(const Call *c);

/* -- json.c: values of JSON into a file -------------------------------------------------------- */

void json_text(FILE *out, const char *text); /* bytes that are no UTF-8 become U+FFFD */
/* The shortest digits that read back to the same double; JSON has no NaN and no infinity: null. */
void json_value(FILE *out, double value);
void json_number(FILE *out, const char *key, double value); /* , "key": value */
/* Closes what open_memstream gave, and writes its text to a file, whole or not at all. */
MUST_CHECK bool json_finish(FILE *out, char **text, const size_t *size, const char *path,
                            Failure *f);

/* -- profile.c: where the time of a step goes; of functions that were compiled for it ---------- */

typedef struct Profile Profile;
/* Every run of the call from now on is measured. NULL: no memory. */
MUST_CHECK Profile *profile_open(Call *c);
/* How long a step waited for its batch, in the mean. */
void profile_waited(Profile *p, double seconds);
/* Time, share, GFLOP/s, GB/s and share of the roofline (Williams et al. 2009) of each kernel, against
 * what this machine is measured to do now, as a table; and as JSON into a file: "kernels" in the order
 * of the step, "places" of the model file, those with the most time above the roof first. Nothing if
 * the call did not run. */
MUST_CHECK bool profile_report(const Profile *p, FILE *out, const char *path, Failure *f);
/* The JSON of that file alone. False: nothing was run, or no memory. */
MUST_CHECK bool profile_json(const Profile *p, FILE *out);
void profile_close(Profile *p); /* NULL-safe */

/* -- feed.c: batches into calls ---------------------------------------------------------------- */

typedef struct Feed {
	const Data *data;
	Prefetch *prefetch;
	const void *const *field; /* of the last batch; NULL: none yet */
	double waited;            /* seconds, for all batches but the first */
	int64_t batches;          /* that were given */
} Feed;

/* False also if `call` reads what the data does not have, or has in another shape. */
MUST_CHECK bool feed_open(Feed *feed, const Call *call, const Data *data, PrefetchOrder order,
                          Failure *f);
/* Sets the inputs of `call` to the next batch, which stays valid until the next feed_next. */
MUST_CHECK bool feed_next(Feed *feed, Call *call, Failure *f);
/* The last batch once more, for another call. */
void feed_repeat(const Feed *feed, Call *call);
/* The batch that a prefetch handed out last, and the numbers of its samples. */
void feed_fields(Call *call, const Data *data, const Prefetch *p, const void *const *field);
void feed_close(Feed *feed);

/* -- 2 Training -------------------------------------------------------------------------------- */

/* What a file gave; of what it did not, the first name. */
typedef struct Loaded {
	size_t taken, wanted; /* states */
	size_t unused;        /* tensors of the file */
	size_t left_named;    /* of the states that it lacks, those that `left` has room for */
	char left[512];       /* "encoder.9.w, encoder.9.b" */
	char unused_name[128];
	int other_line; /* of the model's text, from which on the file is of another one; 0: of none */
} Loaded;

typedef struct TrainOptions {
	const char *directory;
	const char *init;        /* a safetensors file to begin with; NULL: only random weights */
	const sslc_names *names; /* of the tensors in it; NULL: the model's */
	Loaded *loaded;          /* what it gave; may be NULL */
	bool resume, quiet;
	bool live;                 /* on a terminal, a screen of the course of the training */
	bool tensorboard;          /* write EVENTS too */
	bool monitor;              /* look at the features, too */
	bool profile;              /* print where the time of a step went */
	bool has_seed, has_epochs; /* asked for: a checkpoint with others is refused, or goes on to so
	                              many epochs */
	uint64_t seed;
	int64_t epochs;
	int64_t steps;     /* stop after so many; 0: all */
	double save_every; /* seconds between checkpoints at the ends of epochs */
} TrainOptions;

/* Where training stands: what a checkpoint holds beside the states. */
typedef struct Position {
	int64_t step;  /* steps done */
	int64_t steps; /* in all */
	int64_t epoch_steps;
	uint64_t seed;
	double epoch_sum;  /* of the losses since the epoch began */
	double recent_sum; /* of the losses since the last line of metrics */
	double epoch_loss; /* mean of the last whole epoch; NaN before */
	double seconds;    /* of training in this run; not saved */
} Position;

/* -- folder.c: where a run keeps its files ----------------------------------------------------- */

#define CHECKPOINT        "checkpoint.safetensors"
#define CHECKPOINT_BEFORE "checkpoint.previous.safetensors" /* of the run that was there before */
#define FEATURES_FILE     "features.npy"
#define RESULTS_FILE      "results.json"
#define PROFILE           "profile.json"
#define RUN_FILE          "run.json"                 /* where the run came from */
#define EVENTS            "events.out.tfevents.sslc" /* TensorBoard looks for "tfevents" */
enum { RUN_PATH = 1024 };
/* DIRECTORY/FILE, or a failure: too long. */
MUST_CHECK bool run_path(const char *directory, const char *file, char path[RUN_PATH], Failure *f);
/* Held by the one run that writes into a folder. */
typedef struct FolderLock {
	bool is_held;
	int file;
	char path[RUN_PATH];
} FolderLock;
/* A failure that names the process if another run holds it. A folder that is not there yet is not
 * locked. A lock that is held stays. */
MUST_CHECK bool folder_lock(FolderLock *l, const char *directory, Failure *f);
void folder_unlock(FolderLock *l); /* does nothing if it is not held */
/* What a run finds at its end is removed: it would stand beside another run. */
MUST_CHECK bool folder_forget(const char *directory, Failure *f);
/* Makes the folder, locks it, and keeps the model's text there. A new run first moves an older
 * checkpoint to CHECKPOINT_BEFORE, says so in `moved`, and removes what that run found. */
MUST_CHECK bool folder_prepare(FolderLock *l, const Engine *e, const TrainOptions *o, bool *moved,
                               Failure *f);

/* save.c. The states and the position to begin with: random ones (then those of `init`), or those
 * of the checkpoint. */
MUST_CHECK bool train_begin(Engine *e, const Data *data, const TrainOptions *o, Position *at,
                            Failure *f);
/* What a checkpoint's metadata says; `path` is for errors. */
MUST_CHECK bool checkpoint_position(const SafeFile *file, const char *path, Position *at,
                                    uint64_t *train_count, Failure *f);
/* The epochs that the run in DIRECTORY was to take; 0 if it has no readable checkpoint. */
int64_t checkpoint_epochs(const char *directory);
/* Writes DIRECTORY/checkpoint.safetensors: whole or not at all. */
MUST_CHECK bool checkpoint_save(const Engine *e, const Data *data, const char *directory,
                                const Position *at, Failure *f);
/* The first states of a run: those that `init` sets from the seed. */
MUST_CHECK bool states_begin(Engine *e, uint64_t seed, Failure *f);
/* Takes states of pre-training, but for the optimizer's, from a file by name. Those that it lacks
 * are an error, or, unless `all`, stay as they are if at least one is there. `said` may be NULL. */
MUST_CHECK bool weights_load(Engine *e, const char *path, bool all, Loaded *said, Failure *f);

/* exchange.c: as weights_load, of a file in which another program has named the tensors. f16, bf16
 * and f64 become f32. */
MUST_CHECK bool weights_import(Engine *e, const char *path, const sslc_names *names, bool all,
                               Loaded *said, Failure *f);
/* The states as such a file, which PyTorch's safetensors.torch.load_file reads. */
MUST_CHECK bool weights_export(const Engine *e, const char *path, const sslc_names *names,
                               Failure *f);
/* Counts a state that the file should set; `taken`: it has. */
void loaded_count(Loaded *l, const char *state, bool taken);
/* "58 of 62 states from FILE; random: head.0.w, head.0.b and 2 more; of no use: fc.weight, ..." */
void loaded_text(const Loaded *l, const char *path, char text[1024]);

/* monitor.c: features while training; NaN before the first look. */
typedef struct Monitor {
	Call features;
	Call training;        /* the function "monitor": each output is a metric; if there is one */
	size_t rows, columns; /* that are looked at */
	double rank, std, uniformity; /* spectrum.h */
} Monitor;
/* To be closed after a failure too. */
MUST_CHECK bool monitor_open(Monitor *m, Engine *e, Failure *f);
/* Of the last batch of the feed, with the states as they are now. */
void monitor_look(Monitor *m, const Feed *feed);
/* Whether the last look showed a collapse: in words, with its likely cause. */
bool monitor_collapse(const Monitor *m, char text[512]);
void monitor_close(Monitor *m);

/* diverged.c: states that are good, of before a step. states NULL: they are too large to be there
 * twice, there is no memory, or nobody who could say why a step is not finite. */
typedef struct Kept {
	unsigned char *states;
	bool is_large;
	int64_t step;
} Kept;
void kept_open(Kept *k, const Engine *e, int64_t step);
void kept_take(Kept *k, const Engine *e, int64_t step);
void kept_close(Kept *k);
/* Adds to the failure which operation was first not finite, at a step up to `last` (the first is 0), and
 * what to do. `order` is that of the training; the states are those before that step then. */
void kept_explain(Kept *k, Engine *e, const Data *data, PrefetchOrder order, int64_t last,
                  Failure *f);

/* "the loss is not a number (NaN)" */
const char *loss_text(double loss);
/* "'encoder.0.w' (m.json:3:9) holds a number that is not finite" */
void bad_state_text(const sslc_state *bad, char text[512]);
/* Why the loss of the function (`state` NULL), what it makes of a state, or its gradient by one is not
 * finite, for the batch that the feed has laid down last and the states as they are; false: nobody knows. */
bool cause_of(Engine *e, const Feed *feed, const char *function, const char *state, sslc_cause *to);
/* Adds to the text ": log(0) is -infinity (m.json:3:9)". */
void cause_add(const sslc_cause *cause, char *text, size_t size);
/* The same for the loss of a function; adds nothing if nobody knows. */
void loss_explain(Engine *e, const Feed *feed, const char *function, char *text, size_t size);

/* loop.c: trains from where `at` stands to the end or to options->steps; all is saved then. */
MUST_CHECK bool train(Engine *e, const Data *data, const TrainOptions *o, Watch *w, Position *at,
                      Failure *f);

/* -- 3 Features: features.c -------------------------------------------------------------------- */

/* Row i of the NumPy file is the first output of "features" for sample i of the split. */
MUST_CHECK bool features_write(Engine *e, const Data *data, Split split, const char *path, Watch *w,
                               Failure *f);

/* Row i of rows[k] becomes output k of the call for sample i, of so many that the feed gives in
 * order; what pads the last batch is left out. */
MUST_CHECK bool rows_gather(Call *call, Feed *feed, int64_t samples, unsigned char *const *rows,
                            Watch *w, Failure *f);

/* bank.c: what a task keeps of samples: of those that it may learn from, in place of training, or of
 * those that it is scored on. */
typedef struct Bank {
	const sslc_code *code; /* T.bank or T.collect, whose outputs the rows are of */
	const char *key;       /* "bank", "collect" */
	unsigned char **rows;  /* [code->output_count], each of `samples` rows */
	int64_t samples;
} Bank;
typedef struct BankOrder {
	const char *task, *key; /* the function is TASK.KEY */
	Split split;
	const int64_t *chosen; /* the samples, in their order; NULL: all */
	int64_t samples;
	const Bank *other; /* that the function reads; may be NULL */
} BankOrder;
/* To be closed after a failure too. */
MUST_CHECK bool bank_fill(Bank *bank, Engine *e, const Data *data, const BankOrder *order, Watch *w,
                          Failure *f);
/* Gives a call what it reads as "bank.NAME" or "collect.NAME". */
void bank_inputs(const Bank *bank, Call *call);
/* Room for as many rows as `from` has. To be closed after a failure too. */
MUST_CHECK bool bank_like(Bank *bank, const Bank *from, Failure *f);
/* As many samples of `from` (Efron 1979), drawn with replacement, by whole groups where some are known: those of a round
 * are the same for every bank of so many samples. */
void bank_resample(Bank *bank, const Bank *from, const Groups *g, uint32_t round);
/* Row `from` of output i becomes row `to`. */
void bank_copy(const Bank *bank, int64_t to, const Bank *of, int64_t from, size_t i);
void bank_close(Bank *bank); /* safe after {0} */

/* encoded.c: rows that a task's training reads in place of making them again in every epoch. */
typedef struct Encoded {
	Bank all, batch; /* of each sample; of those of a batch */
	int32_t *row_of; /* [samples of the split] of those in `all`; NULL: each has its own number */
} Encoded;
/* Whether it has T.encode, and so T.step.encoded. */
bool task_encodes(const Engine *e, const sslc_task *task);
/* Runs T.encode on each sample. To be closed after a failure too. */
MUST_CHECK bool encoded_open(Encoded *n, Engine *e, const Data *data, const BankOrder *order,
                             Watch *w, Failure *f);
/* Tells a call where it reads the rows of its batch; */
void encoded_inputs(const Encoded *n, Call *call);
/* which are those of the samples that the feed gave last. Nothing if {0}. */
void encoded_batch(const Encoded *n, const Feed *feed);
void encoded_close(Encoded *n); /* safe after {0} */

/* -- generate.c: text from a causal model ------------------------------------------------------------------ */

typedef struct Sampling {
	const char *prompt; /* UTF-8; at least a token of the tokenizer */
	int64_t tokens;     /* how many follow it */
	double temperature; /* logits are divided by it; 0: the likeliest token */
	int64_t top_k;      /* only so many of the likeliest; 0: all */
	int64_t slide;      /* of a full context, so many tokens leave it at once; 0: one */
	bool anew;          /* all places are computed for each token */
	bool visible;       /* for a terminal: what would control it is spelled out */
	uint64_t seed;
} Sampling;
/* Writes the prompt and what the model's "generate" says after it. */
struct Tokenizer;
MUST_CHECK bool generate(Engine *e, const struct Tokenizer *tokenizer, const Sampling *how,
                         FILE *out, Failure *f);
/* nearest.c: prints, of each sum of words ("king - man + woman" is five of `word`), the `many` tokens
 * whose rows in the model's "vectors" are nearest. */
MUST_CHECK bool nearest_words(Engine *e, const struct Tokenizer *tokenizer, const char *const *word,
                              size_t count, int64_t many, FILE *out, Failure *f);
/* An id below count, by the softmax of its logits; token `step` of a text. room: 16 bytes an id. */
int32_t token_choose(const float *logit, int64_t count, double temperature, int64_t top_k,
                     uint64_t seed, int64_t step, void *room);
/* save.c: weights of a checkpoint as weights_load, if its tokens are those of the data. */
MUST_CHECK bool weights_load_tokens(Engine *e, const Data *data, const char *path, Loaded *said,
                                    Failure *f);

/* -- 4 Downstream: downstream.c, paired.c, seeds.c, verdict.c ------------------------------------------- */

/* paired.c: the mean of a - b, and where it lies with 95 % of certainty. */
typedef struct Interval {
	double mean, low, high;
} Interval;
/* a[i] and b[i] are of the same sample, or batch; the mean weighs it by weight[i] > 0. */
Interval paired_95(const double *a, const double *b, const double *weight, size_t n);
/* The same by Student's t alone; b NULL: of a. */
Interval mean_95(const double *a, const double *b, const double *weight, size_t n);
/* Of a gain whose standard error is the deviation of a - b (Efron 1979), Student's, where `drawn` samples or groups were
 * drawn again each time. */
Interval resampled_95(double gain, const double *a, const double *b, size_t n, int64_t drawn);
/* The values of a group become one, their weighted mean, in place: how many are left. */
int64_t pool_groups(double *value, double *weight, int64_t values, const Groups *g);
double student_95(double freedom);
void binomial_95(int64_t k, int64_t m, double *low, double *high);

typedef enum Variant { PRETRAINED, RANDOM, RAW, SCRATCH, VARIANTS } Variant;
extern const char *const variant_name[VARIANTS]; /* "pre-trained", "random weights", ... */

/* What of the samples belongs together. */
typedef struct Together {
	int64_t groups; /* 0: nothing, or nobody knows */
	bool of_series; /* groups are stretches of one series */
} Together;

typedef struct Score {
	const sslc_task *task;
	Variant variant;
	double score;      /* mean of the metric over all samples of the split; NaN if it diverged */
	double commonest;  /* data_commonest, where the metric is accuracy; else 0 */
	double train_loss; /* mean over the last epoch; NaN: of none, it diverged or trains nothing */
	double seconds;
	int64_t samples;
	bool diverged;
	bool unscored; /* it is the metric that was not finite, not the training */
	char why[704]; /* its training diverged: in words, of the first seed that did; else empty */
	/* What the score is the weighted mean of: the metric of each sample, or, where it is no mean
	 * over samples, of each batch, or of each group of these; or, if so many (samples or groups)
	 * were `drawn`, the metric of the whole split drawn again. */
	double *value, *weight; /* [values] */
	int64_t values;
	int64_t drawn;
	Together together;
} Score;

typedef struct Scores {
	Score *score;
	size_t count;
	Split split; /* scored on: test, or train if the data has no test samples */
	size_t runs; /* 0: of one run; else a score is a mean over so many, and values are theirs */
} Scores;

/* Trains and scores every task in every variant; `alone`: without baselines. The states of pre-training are the same
 * before and after. */
MUST_CHECK bool downstream(Engine *e, const Data *data, uint64_t seed, bool alone, Watch *w,
                           Scores *out, Failure *f);
void scores_close(Scores *s);
/* seeds.c: adds the scores of a run with another seed to those of all, which are at most `most`. */
MUST_CHECK bool scores_add(Scores *all, const Scores *run, size_t most, Failure *f);
/* The table of results and, for each task, one sentence that says whether pre-training helped. */
void scores_print(const Scores *s, FILE *out);
void verdict(const Scores *s, const char *task, char text[512]);
/* What `own` is better by than `other`, whichever direction of the metric is better. */
Interval score_gain(const Score *own, const Score *other);
MUST_CHECK bool scores_write(const Scores *s, const char *name, const char *path,
                             const Position *at, Failure *f);

#ifdef __cplusplus
}
#endif
#endif
