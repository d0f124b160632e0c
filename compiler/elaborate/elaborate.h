/* elaborate.h: description -> graphs. Evaluates the expressions of a model file into tensors, shapes
 * and state. */
#ifndef SSLC_BUILD_H
#define SSLC_BUILD_H

#include "../graph/graph.h"
#include "../parse/parse.h"

enum { MAX_FIELDS = 8 };

/* What the reader of the data says about it; shapes are of one sample. */
typedef struct DataField {
	const char *name; /* "x", "label" */
	DType type;       /* u8 is seen by the model as float in [0, 1] */
	Shape shape;
} DataField;

typedef struct DataShape {
	DataField field[MAX_FIELDS];
	size_t count;
	int64_t train_count, test_count; /* samples; test_count may be 0 */
	int64_t unlabelled;              /* of those to train on: tasks leave them out */
	int64_t classes;                 /* of "label", or 0: `classes` in the model language */
	int64_t vocab;                   /* integers of "x" are below, or 0: `vocab` there */
} DataShape;

/* Whether the model language has a constant of that name: `batch`, `pi`. */
bool constant_named(const char *name);

/* A tensor that lives across steps. Graphs refer to it by a `state` node of the same name. */
typedef struct State {
	const char *name; /* "encoder.0.w", "optimizer.encoder.0.w.m", "probe.head.0.w" */
	DType type;
	Shape shape;
	bool is_param; /* trained by the optimizer of its owner */
	uint32_t task; /* 0: pre-training; else 1 + index into Bundle.task: the task that owns it */
	Span origin;
	uint64_t offset; /* bytes into the states block, a multiple of 64 */
} State;

/* One variant of a downstream task: "probe" (pre-trained and random share it), "probe.scratch",
 * "probe.raw". */
typedef struct BundleTask {
	const char *name;
	const Task *task;
	bool freezes;                  /* its frozen networks are not trained */
	bool is_raw;                   /* frozen networks are replaced by flatten */
	int64_t batch, steps, samples; /* samples: those to train on */
	bool higher_is_better;         /* of the metric: not of a loss */
	DataField *bank;               /* of a task with a bank: each value, [samples, ...] */
	DataField *collected;          /* of a task with a collect: each value, [test samples, ...] */
	const char *metric;            /* "accuracy", "loss", the name of what is called, or "metric" */
} BundleTask;

/* Of a sample's axes: first, first + step, ..., count places; count 0: all. */
typedef struct RangePart {
	int64_t first[MAX_RANK], step[MAX_RANK], count[MAX_RANK];
} RangePart;

/* Where a graph tells apart only the values 0 to below - 1 of elements of a field, as they are or cast to integers. */
typedef struct Range {
	size_t field; /* into DataShape.field */
	const char *graph;
	int64_t below;
	Span origin;
	RangePart part;
} Range;

/* All graphs of a model; they share the states.
 *   init            sets every state of pre-training       inputs seed
 *   step            out loss; sets parameters, optimizer   inputs x (label), seed, step
 *   gradients       out loss, and "d NAME" for each parameter; changes nothing   inputs as step
 *   loss            out loss alone                         inputs as step
 *   perturbed       the same graph, of which autodiff/perturb.c makes the loss with one element of
 *                   a parameter moved     inputs also those that say which
 *   views           out what can be looked at beside the data, [batch, ...] each (views.c); changes
 *                   nothing   inputs as step; absent where there is none
 *   monitor         out gradient_norm, learning_rate, alignment of the step, one number each
 *                   (monitor.c); changes nothing   inputs as step
 *   features        out features [batch, ...]              inputs x
 *   generate        out logits [1, places, vocab]          inputs x of one sample
 *                   and, if no place of it looks ahead, past.N: see causal.h
 *   generate.next   the same at one place, given what generate found of those before
 *   vectors         out vectors [vocab, width]             of tokens; reads no data
 *   T.init  T.step  as above, for task T (states with that task)
 *   T.encode        out what T.step makes of a sample that is the same whenever it is seen, as that of a
 *                   frozen encoder, one row a sample; absent where there is none (encoded.c)   inputs x
 *   T.step.encoded  T.step, which reads those rows as encode.N
 *   T.bank          in place of T.step, for a task that trains nothing: out each value of its bank
 *   T.score         out metric: its mean over the batch    inputs x, label, seed, step, bank.NAME (as used)
 *                   out samples [batch]: of each sample, where the metric is their mean
 *   T.collect       of a task that collects: out each value, one row a sample    inputs as T.score else
 *                   has; then T.score reads all test samples' as collect.NAME, and there is no rest
 *   T.score.rest    the same for the last, smaller batch of the test set, if there is one
 *   T.predict       out prediction [batch of pre-training, ...], where it is known   inputs x
 * Inputs that a graph does not use are absent from it. seed is i32[2], step i32[] (steps done). */
typedef struct Bundle {
	const Model *model;
	DataShape data;
	State *state;
	size_t state_count, state_capacity;
	Names state_names; /* name: 1 + index; */
	Names graph_names; /* the same of graphs */
	uint64_t state_bytes;
	Graph **graph;
	size_t graph_count, graph_capacity;
	BundleTask *task;
	size_t task_count;
	Range *range; /* of the same elements, each is narrower than the one before */
	size_t range_count, range_capacity;
	int64_t batch, steps,
	    epoch_steps; /* pre-training: samples a step, steps in all, steps an epoch */
} Bundle;

#define PERTURBED "perturbed"

/* NULL after errors (all that could be found are reported). */
Bundle *elaborate(Compile *c, const Model *model, const Prelude *prelude, const DataShape *data);
/* One function of it anew, for another batch: features or loss, with the states of `whole`; NULL:
 * there is none, or errors. */
Graph *elaborate_function(Compile *c, const Bundle *whole, const Prelude *prelude, const char *name,
                          int64_t batch);
/* exchange.c: a tensor of another program, by a table of "names". */
typedef struct Exchanged {
	const char *name; /* theirs */
	uint32_t state;   /* index into Bundle.state: what it is made of */
	DType type;
	Shape shape;
	Graph *views; /* input x, the state; out y, theirs; NULL: as it is */
	bool is_number;
	double number; /* in place of a tensor: a whole number that they keep */
	Span span;     /* the rule that named it last; file 0: none did */
} Exchanged;
typedef struct Exchange {
	Exchanged *at;
	size_t count;
} Exchange;
/* Every state but those of optimizers and of tasks, by the rules of the table. NULL after errors. */
const Exchange *exchange_names(Compile *c, const Bundle *whole, const Prelude *prelude,
                               const Naming *table);
/* from[i]: which element of the state (row-major) is element i of theirs. False: it is made of
 * something else than elements of the state, which is reported. */
MUST_USE bool exchange_order(Compile *c, const Bundle *whole, const Exchanged *e, int64_t *from);

/* ranges.c: fills `range`. */
void find_ranges(Bundle *b);
Graph *bundle_graph(const Bundle *b, const char *name); /* NULL: there is none */
/* A model without data: the expression `check` of unit tests. Evaluates one expression given named
 * inputs (DataShape fields, without a batch axis) as graph output "y"; parameters become states
 * whose init graph is `*init`. */
Graph *build_expression(Compile *c, const Prelude *prelude, const Model *definitions, Expr *e,
                        const DataField *inputs, size_t count, Bundle **states);

#endif
