/* writer.h: private to onnx/: the file being made, and what the rules of table.def are written with. */
#ifndef SSLC_ONNX_WRITER_H
#define SSLC_ONNX_WRITER_H

#include "onnx.h"
#include "proto.h"

/* A length: fixed + each * the batch. */
typedef struct Extent {
	int64_t fixed, each;
} Extent;

/* A node as it is written: ONNX's operators repeat axes of length 1, and leading ones that lack, so
 * what only repeats (broadcast) is written when somebody needs all of it. */
typedef struct Stored {
	const char *name; /* NULL: an error was reported */
	unsigned rank;    /* of its last axes, so many are there */
	unsigned narrow;  /* bit i: axis i of the node has length 1 here, or is not there */
} Stored;

typedef struct Onnx Onnx;

/* What is written in one piece for a node and some of those that it is made of. */
typedef struct Pattern {
	const char *name;
	struct Match *(*match)(Onnx *o, NodeId x); /* NULL: node x is not of its kind */
	Stored (*write)(Onnx *o, NodeId x, const struct Match *m);
} Pattern;

enum { MOST_LEAVES = 5 };
typedef struct Match {
	const Pattern *pattern;
	NodeId in[MOST_LEAVES]; /* what it reads */
	int count;
	const void *detail; /* of the pattern */
} Match;

struct Onnx {
	Compile *c;
	const OnnxSource *from;
	const Graph *g;
	Extent (*extent)[MAX_RANK]; /* [count] */
	Stored *at;                 /* [count] */
	const char **whole;         /* [count] once all of it was needed */
	bool *reached, *needed;     /* [count] what the outputs are made of; what of it is written */
	const char **input;  /* [count] of the body of a scan: what its inputs are called; else NULL */
	const Match **match; /* [count] NULL: written by its row of table.def */
	Names constants;     /* those that were written */
	const char *batch;   /* i64[1], how many samples; NULL: not written yet */
	unsigned emitted;
	Span place; /* of the node being written */
	OnnxTexts *t;
};

/* ONNX's numbers of types, and of the field `type` of attributes. */
enum {
	ONNX_FLOAT = 1,
	ONNX_UINT8 = 2,
	ONNX_INT32 = 6,
	ONNX_INT64 = 7,
	ONNX_BOOL = 9,
	ONNX_UINT32 = 12
};
int onnx_type(DType t); /* 0: ONNX is not given it */

/* extents.c: what of each shape is the batch; false: reported. */
bool extents_find(Onnx *o);
/* Whether something that is needed says how many samples there are, if it matters; false: reported. */
bool extents_known(Onnx *o);
static inline bool is_one(Extent e)
{
	return e.fixed == 1 && !e.each;
}

/* -- onnx.c ------------------------------------------------------------------------------------ */

/* Attributes of the next operator. */
void attribute_int(Onnx *o, const char *name, int64_t value);
void attribute_ints(Onnx *o, const char *name, const int64_t *value, int count);
void attribute_float(Onnx *o, const char *name, double value);
void attribute_text(Onnx *o, const char *name, const char *text);
/* Writes an operator; its result's name. An operand that is NULL: nothing is written, NULL. */
const char *emit(Onnx *o, const char *op, const char *const *in, int count);
#define EMIT(o, op, ...)                                                                           \
	emit(o, op, (const char *[]){__VA_ARGS__},                                                     \
	     (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)))
/* The same with a name that is given; with several results, of these names. */
void emit_as(Onnx *o, const char *op, const char *const *in, int count, const char *name);
void emit_many(Onnx *o, const char *op, const char *const *in, int count, const char *const *out,
               int outs);
void attribute_graph(Onnx *o, const char *name, const char *bytes, size_t size);
/* Of the graph being made, after its operators: its name, and an input or an output. */
void put_graph_name(Onnx *o, const char *name);
void put_value_name(Onnx *o, bool is_input, const char *name);
/* A graph of its own; its nodes, into t->node. False: reported. */
void writer_open(Onnx *o, Compile *c, const OnnxSource *from, OnnxTexts *t);
bool writer_nodes(Onnx *o);
/* Constants, each once in the file. */
const char *constant(Onnx *o, DType type, double value);             /* a scalar */
const char *constant_ints(Onnx *o, const int64_t *value, int count); /* i64[count] */
const char *constant_table(Onnx *o, const char *name, DType type, const int64_t *dim, int rank,
                           const void *bytes);
/* A length, and a shape, as i64[1] and i64[count]. */
const char *extent_value(Onnx *o, Extent e);
const char *shape_value(Onnx *o, const Extent *e, int count);
const char *reshaped(Onnx *o, const char *name, const Extent *to, int rank);
const char *transposed(Onnx *o, const char *name, const int64_t *order, int rank);
const char *cast_to(Onnx *o, const char *name, int type);

const char *whole(Onnx *o, NodeId x); /* all of it; NULL: reported */
/* What a rule gives: all of node x, or as much as its operands have. */
Stored all_of(const Onnx *o, NodeId x, const char *name);
Stored as_operands(const Onnx *o, NodeId x, const char *name);
/* An error at the node's place. */
Stored refuse(Onnx *o, NodeId x, const char *format, ...) PRINTF(3, 4);

/* A rule: writes node x by way of `op`. */
typedef Stored Rule(Onnx *o, NodeId x, const char *op);
#define ONNX(op, rule, operator) Rule onnx_##rule;
#include "table.def"
#undef ONNX

/* patterns.c */
const Match *find_pattern(Onnx *o, NodeId x);
Match *match_new(Onnx *o, int count, const NodeId *in, const void *detail);

/* convolution.c */
Match *match_convolution(Onnx *o, NodeId x);
Stored write_convolution(Onnx *o, NodeId x, const Match *m);
Match *match_max_pool(Onnx *o, NodeId x);
Stored write_max_pool(Onnx *o, NodeId x, const Match *m);

#endif
