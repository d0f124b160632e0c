/* graph.h: the language of tensors: nodes with static shapes in single-assignment order. */
#ifndef SSLC_GRAPH_H
#define SSLC_GRAPH_H

#include "../base/base.h"

/* -- Types and shapes -------------------------------------------------------------------------- */

typedef enum DType {
#define TYPE(name, bytes, class, numpy, safetensors, meaning) DTYPE_##name,
#include "types.def"
#undef TYPE
	DTYPE_COUNT
} DType;

enum {
	MAX_RANK = 8,
	MAX_INS = 8,       /* operands of a MANY operation; */
	MOST_INS = 64,     /* of a scan, and so of any */
	MOST_RESULTS = 30, /* of a scan */
	MOST_LOOPS = 4,    /* scans in scans */
	MAX_NODES = 1 << 19,
};
#define MAX_ELEMENTS ((int64_t)1 << 40)

typedef struct Shape {
	uint8_t rank, zero[7]; /* no padding: shapes are compared and hashed as bytes */
	int64_t dim[MAX_RANK]; /* each >= 1; zero beyond rank */
} Shape;

typedef struct Axes {
	uint8_t count;
	uint8_t at[MAX_RANK]; /* zero beyond count */
} Axes;

/* -- Operations -------------------------------------------------------------------------------- */

typedef enum Op {
	OP_NONE,
#define OP(name, ...) OP_##name,
#include "ops.def"
#undef OP
	OP_COUNT
} Op;

typedef enum Kind { LEAF, MAP, VIEW, REDUCE, CONTRACT, GATHER, SCATTER, LOOP, META } Kind;
typedef enum OpFlags { COMMUTES = 1, CHEAP = 2, EXACT = 4 } OpFlags;
enum { MANY = -1 };

/* The normal form that the schedule expects of a dot has one contracted pair, at most one free axis
 * on each side. */
typedef struct DotAxes {
	uint8_t batch, contract; /* counts */
	uint8_t x_batch[MAX_RANK], y_batch[MAX_RANK], x_contract[MAX_RANK], y_contract[MAX_RANK];
} DotAxes;

/* What a scan does again and again. Its operands are first values of the carries, then sequences,
 * whose first axis is time, then what is the same at every step. The body's inputs are carryN, a
 * carry before the step, eachN, a sequence at it, and ofN; an input that it does not read may lack.
 * Its outputs are the carries after the step, then other results of it. */
typedef struct Region {
	struct Graph *body;
	int64_t length; /* steps */
	uint32_t carries, sequences;
	bool reverse; /* from the last place of the sequences to the first */
} Region;

/* All unused bytes are zero: nodes are compared as bytes. */
typedef union Attr {
	double value;     /* constant; an i32, u8 or bool as its number */
	const char *name; /* input, state: interned in the graph, equal names are one pointer */
	uint32_t axis;
	uint32_t key; /* random: which stream */
	Axes axes;
	struct {
		int64_t start[MAX_RANK], stop[MAX_RANK], step[MAX_RANK];
	} slice;
	struct {
		int64_t low[MAX_RANK], high[MAX_RANK], inner[MAX_RANK]; /* low, high may be negative: cut */
		double value;
	} pad;
	DotAxes dot;
	struct { /* axis `axis` of x becomes two: position and place in the window */
		int64_t axis, size, stride, dilation,
		    length; /* length: overlap_add: of the axis it makes */
	} window;
	Region *region; /* scan: its own; two are never equal */
	struct {        /* result: of which output of the body; */
		uint32_t index;
		uint32_t last; /* 1: what a carry is in the end; 0: of all steps */
	} result;
} Attr;

typedef struct OpInfo {
	const char *name;
	int ins;              /* MANY: 1 to MAX_INS */
	const char *operands; /* names, separated by a space */
	Kind kind;
	unsigned flags, weight;
	const char *attr, *types, *meaning;
	const char *shape, *gradient; /* names of the rules */
} OpInfo;
extern const OpInfo op_info[OP_COUNT];
/* A view whose elements are all the operand's, found by their index alone. */
static inline bool op_only_moves(Op op)
{
	return op_info[op].kind == VIEW && op_info[op].weight == 0;
}

typedef struct TypeInfo {
	const char *name;
	unsigned size;
	bool is_float, is_int;
	const char *numpy, *safetensors;
} TypeInfo;
extern const TypeInfo type_info[DTYPE_COUNT];

/* -- Graph ------------------------------------------------------------------------------------- */

typedef uint32_t NodeId; /* 0: none, or an error already reported */

typedef struct Node {
	Op op;
	DType type;
	uint8_t count; /* operands */
	bool is_set;   /* of a state: it has a next value */
	Shape shape;
	const NodeId *in; /* [count] smaller than the node's own id */
	Attr attr;
	Span origin; /* as is_set, not part of equality: of equal nodes the first is kept */
} Node;

typedef struct Output {
	const char *name;
	NodeId value;
} Output;

typedef struct Set { /* at the end of the step, all at once: state = value */
	NodeId state, value;
} Set;

enum { SEGMENT = 256 };
typedef struct Slot {
	uint32_t hash; /* of the node: see node_hash */
	NodeId node;   /* 0: the slot is free */
} Slot;

typedef struct Graph {
	Compile *c;
	const char *name;
	Node **segment; /* of SEGMENT nodes, which stay where they are; see node() */
	uint32_t count, capacity, segment_capacity;
	Output *out;
	uint32_t out_count, out_capacity;
	Set *set;
	uint32_t set_count, set_capacity;
	Slot *table;     /* interning: open addressing */
	uint32_t *names; /* the same over the nodes that have a name, by that name */
	uint32_t table_size;
	Span origin; /* given to the nodes that are made next */
} Graph;

/* graph.c */
Graph *graph_new(Compile *c, const char *name);
/* An empty one of the name of `in`, with room for as many nodes. */
Graph *graph_like(Compile *c, const Graph *in);
/* The one constructor: interns, infers the shape, checks. `type` and `shape` are read where the
 * operands do not determine them (leaf, cast, broadcast, reshape, random's shape). Any operand 0:
 * returns 0. A mismatch is reported at g->origin with both sides: 0. Operands of COMMUTES ops are
 * put in id order. */
NodeId graph_add_node(Graph *g, Op op, const NodeId *in, int count, DType type, Shape shape,
                      Attr attr);
void graph_output(Graph *g, const char *name, NodeId value); /* value 0 is dropped */
void graph_set(Graph *g, NodeId state, NodeId value); /* the same type and shape; once a state */
static inline const Node *node(const Graph *g, NodeId x)
{
	return &g->segment[x / SEGMENT][x % SEGMENT];
}
const char *graph_name(Graph *g, const char *name); /* the interned copy */
/* Copies one node of `from` whose operands are already copied (map[old] = new); keeps the origin. */
NodeId graph_copy_node(Graph *g, const Graph *from, NodeId x, const NodeId *map);
Graph *graph_copy(Compile *c, const Graph *from); /* all of it, in c's arena; NULL gives NULL */
Graph *graph_live(Compile *c, const Graph *from); /* what its outputs and sets reach */

int64_t shape_size(Shape s); /* elements; 1 for rank 0 */
bool shape_equal(Shape a, Shape b);
int shape_long_axis(Shape s); /* the last one that is longer than 1; else the first */
bool reshape_is_unit(const Graph *g, const Node *n); /* only axes of length 1 come or go */
/* Each element of the last axis several times in a row: a reshape of a broadcast along a new last axis. */
bool reshape_is_spread(const Graph *g, const Node *n);
/* What lies under windows, seen through what only renames or cuts axes; x where there are none. */
NodeId under_windows(const Graph *g, NodeId x);
bool sums_windows(const Graph *g,
                  const Node *n); /* a sum of products, of which one side is windows */
/* Of such a one: the result's axis for each of the operand's; -1: of length 1. */
void reshape_unit_axes(const Graph *g, const Node *n, int axis[MAX_RANK]);
Shape shape_of(int rank, const int64_t *dim);
#define SHAPE(...)                                                                                 \
	shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
#define SCALAR ((Shape){0})
const char *shape_text(Arena *a, DType t, Shape s); /* "f32[256,128]" */
Op op_by_name(const char *name);                    /* OP_NONE */
DType type_by_name(const char *name);               /* DTYPE_none */

/* Constructors of MAP ops, from the table: op_exp(g, x), op_add(g, x, y), op_select(g, c, x, y).
 * Operands must agree in shape: broadcasting is explicit in the graph. cast has its own. */
#define DECLARE_0(name)
#define DECLARE_1(name) NodeId op_##name(Graph *g, NodeId x);
#define DECLARE_2(name) NodeId op_##name(Graph *g, NodeId x, NodeId y);
#define DECLARE_3(name) NodeId op_##name(Graph *g, NodeId x, NodeId y, NodeId z);
#define DECLARE_LEAF(name, ins)
#define DECLARE_MAP(name, ins) DECLARE_##ins(name)
#define DECLARE_VIEW(name, ins)
#define DECLARE_REDUCE(name, ins)
#define DECLARE_CONTRACT(name, ins)
#define DECLARE_GATHER(name, ins)
#define DECLARE_SCATTER(name, ins)
#define DECLARE_LOOP(name, ins)
#define DECLARE_META(name, ins)
#define op_cast                            op_cast_unused
#define OP(name, ins, operands, kind, ...) DECLARE_##kind(name, ins)
#include "ops.def"
#undef OP
#undef op_cast
NodeId op_cast(Graph *g, NodeId x, DType type); /* x itself if it has the type */
NodeId op_constant(Graph *g, DType type, double value);
NodeId op_full(Graph *g, DType type, Shape shape, double value); /* broadcast of a constant */
NodeId op_like(Graph *g, NodeId x, double value);                /* full of x's type and shape */
NodeId op_input(Graph *g, const char *name, DType type, Shape shape);
NodeId op_state(Graph *g, const char *name, DType type, Shape shape);
NodeId op_iota(Graph *g, DType type, Shape shape, unsigned axis);
NodeId op_random(Graph *g, NodeId seed, NodeId step, uint32_t key,
                 Shape shape); /* seed i32[2], step i32[] */
NodeId op_broadcast(Graph *g, NodeId x, Shape shape, Axes axes);
NodeId op_reshape(Graph *g, NodeId x, Shape shape);
NodeId op_transpose(Graph *g, NodeId x, Axes order);
NodeId op_slice(Graph *g, NodeId x, const int64_t *start, const int64_t *stop, const int64_t *step);
NodeId op_pad(Graph *g, NodeId x, const int64_t *low, const int64_t *high, const int64_t *inner,
              double value);
NodeId op_concat(Graph *g, const NodeId *x, int count, unsigned axis);
NodeId op_sum(Graph *g, NodeId x, Axes axes);
NodeId op_reduce_max(Graph *g, NodeId x, Axes axes);
NodeId op_dot(Graph *g, NodeId x, NodeId y, DotAxes axes);
NodeId op_gather(Graph *g, NodeId x, NodeId at, unsigned axis);
NodeId op_scatter_add(Graph *g, NodeId x, NodeId at, NodeId y, unsigned axis);
/* Element (.., p, k, ..) is x's (.., p stride + k dilation, ..); window k has `size` places. */
NodeId op_windows(Graph *g, NodeId x, int axis, int64_t size, int64_t stride, int64_t dilation);
/* The adjoint of windows: axes `axis` (positions) and axis + 1 (places) become one of `length`. */
NodeId op_overlap_add(Graph *g, NodeId x, int axis, int64_t stride, int64_t dilation,
                      int64_t length);
NodeId op_gradient(Graph *g, NodeId y, NodeId x);
NodeId op_scan(Graph *g, const NodeId *in, int count, Region region); /* takes the body over */
NodeId op_result(Graph *g, NodeId scan, uint32_t index, bool last);

/* scan.c: the regions of scans */
/* The name of the body's input for operand i; the operand of an input of that name, or -1. */
const char *region_input(Arena *a, const Region *r, int i);
int region_operand(const Region *r, int count, const char *name);
/* The shape of the body's input for an operand of that shape. */
Shape region_input_shape(const Region *r, int i, Shape operand);
Region *region_copy(Compile *c, const Region *r);
/* A new or an old output of a scan's body: its number. Others keep theirs. */
uint32_t region_result(Graph *g, NodeId scan, NodeId of_body);
Shape shape_with_steps(int64_t steps, Shape s); /* one axis more, the first; rank 255: too many */

/* shape.c: shape_<rule>s named by ops.def; used by graph_add_node and verify */
typedef struct Inferred {
	DType type; /* DTYPE_none: mismatch, reported */
	Shape shape;
} Inferred;
Inferred shape_infer(Graph *g, Op op, const NodeId *in, int count, DType type, Shape shape,
                     const Attr *attr);

/* axes.c: the axis of n's operand i that lies as `axis` of n does: as long, and each place where it
 * was; or NOWHERE: all places read the same, MIXED: any may be read. These two stay what they are. */
enum { NOWHERE = -1, MIXED = -2 };
int operand_axis(const Graph *g, const Node *n, int i, int axis);

/* random: element i (row-major) is word (i / 16) % 4 of Philox 4x32-10 at counter {(i / 64) * 16 +
 * i % 16, attr.key, step, 0} under key {seed[0], seed[1]}: any vector of up to 16 elements reads
 * one word of consecutive blocks. */
void philox(const uint32_t counter[4], const uint32_t key[2],
            uint32_t out[4]); /* philox.c; Salmon et al. 2011 */

/* evaluate.c: the reference interpreter, in double; slow and obviously right */
typedef struct Feed { /* the value of an input or a state, as doubles in row-major order */
	const char *name;
	const double *at;
} Feed;
/* Values of all nodes, [count] pointers, in arena a; of a scan those of its outputs, of all steps, one
 * after the other. Floats are not rounded to their type
 * but by a cast to bf16; ints wrap as theirs. A missing feed is a BUG. gradient nodes are a BUG. */
double **evaluate(Arena *a, const Graph *g, const Feed *feed, size_t feed_count);
/* The same; `then`, if there is one, may change each value of g before others read it: of a scan's body,
 * which is a graph of its own, those of each step. */
typedef void (*Evaluated)(void *of, const Graph *g, NodeId x, double **value);
double **evaluate_each(Arena *a, const Graph *g, const Feed *feed, size_t feed_count,
                       Evaluated then, void *of);

/* verify.c: what must hold between any two stages. Breaks: BUG naming the stage and the node. */
void graph_verify(const Graph *g, const char *stage);

/* attribute.c: a part of an attribute, under its name in the text form and in JSON. */
enum { ATTR_PARTS = 4 };
typedef struct AttrPart {
	const char *name;
	enum { PART_NUMBER, PART_TEXT, PART_WHOLE, PART_LIST, PART_PAIR, PART_FLAG } kind;
	double number;
	bool is_float; /* of the number: float precision is enough */
	const char *text;
	int64_t whole; /* also 1 or 0 of a flag */
	int count;     /* of a list, and of each list of a pair */
	int64_t at[2][MAX_RANK];
} AttrPart;
/* Returns how many it has, in order; 0: the operation has no attribute. */
int attr_parts(const Graph *g, const Node *n, AttrPart to[ATTR_PARTS]);

/* print.c, json.c, read.c, dot.c: see compiler/README.md for the text form */
void graph_print(const Graph *g, const char *stage, Text *out); /* stage may be NULL */
Graph *graph_read(Compile *c, uint32_t file);                   /* errors in diags, NULL */
void graph_dot(const Graph *g, Text *out);                      /* Graphviz */
void graph_json(const Graph *g, const char *stage, Text *out);

#endif
