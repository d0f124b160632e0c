/* elaborator.h: private to elaborate/: values of the model language, scopes, and the state of an elaboration. */
#ifndef SSLC_BUILDER_H
#define SSLC_BUILDER_H

#include "elaborate.h"

/* -- Values: what an expression means as it is elaborated -------------------------------------------- */

typedef enum ValueKind {
	VALUE_NONE, /* an error already reported */
	VALUE_NUMBER,
	VALUE_TENSOR,
	VALUE_LIST,
	VALUE_TEXT,
	VALUE_LAYER,
} ValueKind;

typedef struct Scope Scope;

/* A layer handed over unevaluated: an expression or a body, with the names that it sees. */
typedef struct Layer {
	const Expr *expr; /* NULL: body */
	const Body *body;
	const Scope *scope;
} Layer;

typedef struct Value Value;
struct Value {
	ValueKind kind;
	double number;
	NodeId node;
	Value *item;
	size_t count;
	const char *text;
	Layer layer;
	uint32_t state; /* VALUE_TENSOR that is a state: 1 + its index in the bundle */
	bool in_init;   /* bound while a first value was evaluated: a node of the init graph */
};

/* -- Names ------------------------------------------------------------------------------------- */

/* What a body sees: its parameters and named values, innermost first; `outer` is lexical. */
struct Scope {
	const Scope *outer;
	const char *name;
	Value value;
	uint32_t depth;            /* scopes from here on */
	Hash hash;                 /* of the name */
	const struct Branch *root; /* of a deep one: finds names without walking outwards */
};

/* Where in the model we are: the path to here names parameters, `use` keys random streams. */
typedef struct Used {
	struct Used *next;
	const char *name;
	unsigned count;
} Used;
typedef struct Frame {
	const struct Frame *outer; /* NULL: the path begins here */
	const char *component;     /* of the path; "": none */
	Hash use;
	Used *used;
} Frame;

/* A call being evaluated, for errors inside a definition. */
typedef struct Call {
	const struct Call *outer;
	Span span;
	const char *name;
} Call;

/* -- The elaboration --------------------------------------------------------------------------------- */

typedef struct Average {   /* a state that follows a parameter: ema() */
	uint32_t state, param; /* indices */
	NodeId momentum;
} Average;

/* of[x]: the axes of x are those of data, random numbers or indices. */
typedef struct Placed {
	const Graph *g;
	bool *of;
	NodeId count, capacity;
} Placed;

typedef struct View View;
typedef struct Monitored Monitored;

typedef struct LoopScope LoopScope; /* scan.c */
typedef struct Together Together;   /* together.c */
typedef struct Gradients Gradients; /* together.c */

typedef struct Elab {
	Compile *c;
	const Model *model;
	const Prelude *prelude;
	Bundle *bundle;
	Graph *g;                /* being built */
	Graph *init;             /* where states made now get their first values */
	const Graph *step_graph; /* g, while g is init */
	Frame *frame;
	const Call *call;
	const char *binding; /* name that the value being evaluated will get, or NULL */
	uint32_t depth, calls, scans;
	const LoopScope *loop; /* the innermost scan whose layer is being evaluated; NULL: none */
	bool stopped;          /* a limit was passed, and reported: nothing more is evaluated */
	bool training, in_init;
	bool sees_collected;    /* a metric of what was collected: no data */
	const BundleTask *task; /* NULL: pre-training */
	uint32_t owner;         /* State.task of states made now */
	const char *prefix;     /* of names of states made now: "" or "probe." */
	Value momentum;         /* VALUE_NONE: not inside ema() */
	bool *used;             /* [model->define.count] networks that were called */
	NodeId *pending;        /* [MAX_STATES] next values in this graph */
	bool *is_average;       /* [MAX_STATES] one of those below */
	Average *average;       /* of this graph */
	size_t averages;
	double steps, epoch_steps, batch;
	int64_t samples;            /* of the data that this graph sees; 0: none */
	NodeId grad_norm;           /* in an optimizer */
	NodeId due;                 /* in when(): where it is false, sets leave what was; 0: always */
	double period;              /* in every(): one step of `step` in steps; else 1 */
	Together *together;         /* in an optimizer */
	const Gradients *gradients; /* in with_gradient(): what they are there; NULL: the loss's own */
	const Body *loss_body;      /* of this graph; NULL: none yet */
	const Scope *loss_scope;    /* what is named in it, and what it sees */
	bool stand_ins;             /* some graph has nodes that stood for an answer */
	Placed placed[2];           /* of the graph being built, of the init graph */
	View *view; /* what was seen of the loss since views_begin; NULL: nobody looks */
	size_t views;
	Monitored *monitored; /* of the step that is being built; NULL: nobody looks */
} Elab;

enum {
	MAX_STATES = 1 << 18,
	MAX_CALLS = 1 << 19, /* of a graph */
	MAX_DEPTH = 10000,   /* calls in calls */
};

/* value.c */
Value value_number(double number);
Value value_tensor(NodeId x);
Value value_list(Elab *b, const Value *item, size_t count);
static inline Value value_none(void)
{
	return (Value){.kind = VALUE_NONE};
}
const char *value_text(Elab *b, const Value *v); /* "f32[3]", "2", "a list of 3" */
/* The operands as tensors of one type and shape: numbers become constants, integers floats, shapes
 * stretch. */
bool values_unify(Elab *b, Span span, const char *what, const Value *in, int count, NodeId *out);
NodeId value_to_tensor(Elab *b, const Value *v,
                       DType type); /* a number as a scalar of the type; 0: reported */
/* NumPy's rules; the shapes are known to fit. */
NodeId stretch(Elab *b, NodeId x, Shape to);
/* x is what a state has become: its axes are those of the state, whatever it is made of. */
void value_is_of_state(Elab *b, NodeId x);
/* Whether x may stretch over axes that it lacks, up to `rank` of them; false: reported. */
bool may_lack_axes(Elab *b, Span span, const char *what, NodeId x, int rank);
bool value_to_ints(Elab *b, Span span, const char *what, const Value *v, int64_t *out, size_t most,
                   size_t *count);
bool value_to_axis(Elab *b, Span span, const Value *v, int rank,
                   int *axis); /* negative: from the end */
bool value_to_shape(Elab *b, Span span, const char *what, const Value *v, Shape *to);
Value fold_numbers(const char *op, const double *x,
                   int count); /* VALUE_NONE: not of numbers alone */

/* scope.c */
const Value *scope_find(const Scope *s, const char *name);
Scope *scope_bind(Elab *b, const Scope *outer, const char *name, Value value);
/* What `name` means in text at `from`: in the library's own, what the library means by it. */
const Definition *definition_find(const Elab *b, const char *name, Span from);
/* "linear", then "linear_1", ...: a new place below the frame. */
const char *frame_component(Elab *b, const char *name);
Frame frame_below(Elab *b, const char *component);
Frame frame_network(Elab *b, const char *name); /* a network's own path, wherever it is used */
const char *frame_path(Elab *b, const char *component);
/* Errors at the innermost place in the user's file, with a note on the definition it happened in. */
void elab_error_from(Elab *b, const char *from, Span span, const char *format, ...) PRINTF(4, 5);
#define elab_error(b, ...) elab_error_from((b), __FILE__, __VA_ARGS__)
Span user_span(const Elab *b, Span span);
/* Whether a call may be made, and an expression evaluated: else a limit is passed, and reported. */
bool may_call(Elab *b, Span span, const char *name);
bool has_room(Elab *b, Span span);
void unknown_name(Elab *b, Span span, const char *name, const Scope *scope, const char *what);

/* eval.c */
Value eval(Elab *b, const Expr *e, const Scope *scope);
Value eval_body(Elab *b, const Body *body, const Scope *scope, const Value *flow);
/* e as a layer: a name or a call that gets the flow as first arguments. */
Value eval_layer(Elab *b, const Expr *e, const Scope *scope, const Value *flow, size_t flows);
Value layer_apply(Elab *b, const Layer *l, const char *component, const Value *flow, size_t flows);

/* call.c */
typedef struct Invoke { /* what a call is made of */
	Span span;
	Span name_span;
	const char *name;
	const Arg *arg; /* unevaluated, in `scope` */
	size_t count;
	const Scope *scope;
	const Value *flow; /* given first */
	size_t flows;
	bool direct; /* the frame is the call's own: a link of a chain */
} Invoke;
Value invoke(Elab *b, const Invoke *call);

/* builtins.c */
typedef struct Given { /* arguments of a builtin, in the order of its parameters; VALUE_NONE where
	                      not given */
	Value value;
	Span span;
} Given;
typedef Value (*Builtin)(Elab *b, Span span, Given *in);
enum { MAX_BUILTIN_ARGS = 8 };
typedef struct BuiltinInfo {
	const char *name, *params, *meaning;
	Builtin run;
} BuiltinInfo;
extern const BuiltinInfo builtin_info[];
const BuiltinInfo *builtin_find(const char *name);
#define BUILTIN(name, params, meaning) Value builtin_##name(Elab *b, Span span, Given *in);
#include "builtins.def"
#undef BUILTIN
/* if(condition, f(), g()) as a layer: the flow goes to the one that is chosen. */
Value eval_choice(Elab *b, const Invoke *call);
/* A MAP op of the table called by name, or an operator; VALUE_NONE after an error. */
Value call_map(Elab *b, Span span, const char *name, const Value *in, int count);
bool is_map(const char *name, int *ins);

/* constants.c: false: there is none of that name. VALUE_NONE: it has no value here, reported. */
bool constant_find(Elab *b, const char *name, Value *v);

/* conditional.c: the next value of a state, where sets are due. */
NodeId when_due(Elab *b, NodeId next, NodeId otherwise);

/* state.c */
Value state_make(Elab *b, Span span, const Value *shape, const Layer *init, bool is_param);
Value random_bits_of(Elab *b, Shape shape);
void states_finish(Elab *b); /* averages, then all pending next values become sets */
NodeId state_node(Elab *b, uint32_t index);
/* What a node of the step's graph is at first, in the init graph; 0: it depends on more than states. */
NodeId state_first(Elab *b, NodeId x);

/* scan.c: the number that random streams differ by from step to step: of a scan's, too. */
NodeId random_step(Elab *b);

/* elaborate.c */
/* One more elaboration of a model whose graphs are made: it adds none to them, nor a state. */
Elab elab_anew(Compile *c, const Bundle *whole, const Prelude *prelude, Frame *frame,
               int64_t batch);
void add_graph(Elab *b, Graph *g);
Graph *begin_graph(Elab *b, const char *name, bool training, int64_t batch);
const Scope *data_scope(Elab *b, int64_t batch);
Value eval_section(Elab *b, const char *name, const Body *body, const Scope *scope);
/* The loss of this graph: of_loss() sees its names from then on. */
Value eval_loss(Elab *b, const Body *body, const Scope *scope);
NodeId loss_of(Elab *b, const Value *v, Span span, const char *what);

/* optimizer.c */
/* The states that this loss trains: how many of index[], and their gradients. */
size_t trained_states(Elab *b, NodeId loss, const Names *frozen, uint32_t *index, NodeId *gradient);
/* The root of the sum of all squares; 0: of none. */
NodeId global_norm(Elab *b, const NodeId *gradient, size_t count);
/* [y + 1]: what y depends on, without crossing stop_gradient. */
bool *depended_on(const Graph *g, NodeId y);
/* frozen: names of networks that are not trained; NULL: none */
void apply_optimizer(Elab *b, const Expr *optimizer, NodeId loss, Span of_loss,
                     const Names *frozen);

/* together.c: while an optimizer is applied, what it asks of all parameters: states index[count]. Each
 * round it is evaluated for every one, whose turn it is; together_again() answers what was asked, and says
 * whether there is to be one more round, to which the next values of states are as they were at first. */
void together_open(Elab *b, NodeId loss, const uint32_t *index, size_t count);
void together_turn(Elab *b, size_t parameter);
bool together_again(Elab *b);
void together_close(Elab *b);
/* Whether the optimizer has made x, so that nothing of the loss depends on it. */
bool together_made(const Elab *b, NodeId x);

/* views.c: while they are noted, values of the loss by name; then the function that gives them, or NULL. */
void views_begin(Elab *b);
void view_note(Elab *b, const char *name, const Value *v, bool any_shape);
Graph *views_end(Elab *b);

/* monitor.c: what "monitor" gives is noted while the step is built; NULL: there is nothing. */
void monitor_begin(Elab *b);
void monitor_call(Elab *b, const char *network, const Value *x, const Value *y);
void monitor_parameters(Elab *b); /* from the first one on, again */
void monitor_parameter(Elab *b, const char *name, NodeId gradient); /* its optimizer comes next */
void monitor_argument(Elab *b, const char *name, const Value *v);   /* of an optimizer */
Graph *monitor_end(Elab *b);

/* tasks.c */
void build_tasks(Elab *b);

/* encoded.c: T.encode and T.step.encoded, of T.step, which was just built: where that makes anything of a
 * sample in every epoch again that is the same, and there is room for it. */
void build_encoded(Elab *b, const BundleTask *to);

#endif
