/* parse.h: text -> description. JSON sections hold strings, strings hold expressions; no tensors
 * here. */
#ifndef SSLC_PARSE_H
#define SSLC_PARSE_H

#include "../base/base.h"

/* -- json.c: cJSON's tree with positions; the only file that includes cJSON.h ------------------ */

enum { LONGEST_NAME = 100 }; /* characters: names become parts of names of files and functions */

typedef enum JsonKind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_LIST,
	JSON_OBJECT
} JsonKind;

typedef struct Json Json;
struct Json {
	JsonKind kind;
	Span span;        /* of the value; of a string: with its quotes */
	const char *key;  /* in an object, else NULL */
	Span key_span;    /* the key between its quotes */
	const char *text; /* JSON_STRING: unescaped; JSON_NUMBER: as written */
	double number;    /* JSON_NUMBER, JSON_BOOL */
	Json *first, *next;
	size_t count; /* members of a list or an object */
};

enum { JSON_DEPTH = 64 }; /* of lists and objects in each other */

/* Refuses duplicate keys, NUL in strings, bad UTF-8, nesting over 64, trailing text. NULL after an
 * error. */
Json *json_parse(Compile *c, uint32_t file);

/* syntax.c: one error that says what is wrong with a text that is not JSON, at which cJSON stopped
 * somewhere; it is UTF-8, and not nested deeper than JSON_DEPTH. */
void json_explain(Compile *c, uint32_t file, const char *text, uint32_t size, uint32_t stopped);

/* -- expr.c (and lex.c): strings -> expressions ------------------------------------------------ */

typedef enum ExprKind {
	EXPR_NUMBER, /* 3, 1e-3 */
	EXPR_TEXT,   /* 'images.npy' */
	EXPR_NAME,   /* encoder */
	EXPR_LIST,   /* [0.3, 1] */
	EXPR_CALL,   /* f(x, lr=3); an operator is a call of its function with `is_operator` */
	EXPR_BAD,    /* an error was reported here */
} ExprKind;

typedef struct Expr Expr;
typedef struct Arg {
	const char *name; /* NULL: positional */
	Span name_span;
	Expr *value;
} Arg;
struct Expr {
	ExprKind kind;
	Span span;      /* whole expression */
	Span name_span; /* EXPR_CALL: the callee or the operator */
	const char
	    *text; /* NAME, TEXT; of an operator call: the name of its function: add sub mul div mod
	            * neg pow matmul less less_equal greater greater_equal equal not_equal index */
	double number;
	bool is_operator;
	Expr *
	    callee; /* EXPR_CALL that is no operator: f in f(x), itself ema(f, 0.9) in ema(f, 0.9)(x) */
	Arg *arg;   /* CALL: arguments; LIST: items (names NULL) */
	size_t count;
	uint32_t depth; /* of the tree below: 0 without parts */
};

/* Grammar (models/README.md has it with examples), loosest first:
 *   expr    = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
 *   sum     = product { ("+" | "-") product }
 *   product = unary { ("*" | "/" | "%" | "@") unary }
 *   unary   = "-" unary | power
 *   power   = postfix [ "^" unary ]
 *   postfix = atom { "(" [ arg { "," arg } ] ")" | "[" expr { "," expr } "]" }
 *   atom    = number | name | "'" text "'" | "[" [ expr { "," expr } ] "]" | "(" expr ")"
 *   arg     = [ name "=" ] expr
 * `json` is the string that holds it: spans are mapped through its escapes. NULL after an error. */
Expr *expr_parse(Compile *c, const Json *json);

/* -- model.c: sections -> Model ---------------------------------------------------------------- */

typedef enum BodyKind {
	BODY_BAD,   /* an error was reported here: a value that builds to nothing, in silence */
	BODY_EXPR,  /* "max(x, 0)": the value */
	BODY_CHAIN, /* ["linear(10)", "relu"]: a value flows through the layers */
	BODY_NAMED, /* {"m": "mean(x)", "set r": "m", "y": "x - m"}: named values in order, the last one
	               is the result */
} BodyKind;

typedef struct Body Body;
typedef struct Named {
	const char *name;
	Span span;
	bool is_set; /* "set r": the next value of the state r */
	Body *body;
} Named;
struct Body {
	BodyKind kind;
	Span span;
	Expr *expr;   /* BODY_EXPR */
	Body **layer; /* BODY_CHAIN: each is BODY_EXPR, or a nested BODY_CHAIN */
	Named *named; /* BODY_NAMED */
	size_t count; /* of layer or named */
};

/* `name(x, units, bias=1, f())`: default NULL: required; `f()`: a layer, handed over unevaluated. */
typedef struct Param {
	const char *name;
	Span span;
	Expr *otherwise;
	bool is_layer;
} Param;

typedef struct Definition {
	const char *name;
	Span span;
	Param *param;
	size_t count;
	/* A definition whose body is a chain takes the value that flows as a hidden first parameter,
	 * named `x` inside; other bodies declare all their parameters. */
	Body *body;       /* of the library: NULL until it is asked for */
	const Json *text; /* that the body is parsed from */
	bool is_network;  /* a section of its own: shares its weights over all uses */
	bool is_setting;  /* of the library: a model's of the same name counts in its text, too */
} Definition;

typedef struct Definitions {
	Definition *at; /* [count] */
	size_t count;
	Names names; /* name: 1 + index */
} Definitions;
const Definition *definitions_find(const Definitions *d, const char *name); /* NULL: none */

typedef struct Setting { /* one key of "train" */
	double value;
	Span span; /* file 0: not given, the default */
} Setting;

typedef struct Train {
	Setting epochs;  /* 10 */
	Setting batch;   /* 256 */
	Setting seed;    /* 0 */
	Setting shuffle; /* true */
} Train;

typedef struct Freeze { /* "freeze": names of networks */
	const char **name;
	Span *span;
	size_t count;
} Freeze;

typedef struct Task { /* one key of "downstream" */
	const char *name;
	Span span;
	Freeze freeze;
	Names frozen;        /* the same names */
	Definitions network; /* its own networks: "head" and any other list */
	Body *loss;          /* NULL: nothing is trained */
	Body *bank;          /* BODY_NAMED: values kept of each sample to train on; NULL: none are */
	Body *collect; /* BODY_NAMED: values kept of each test sample; NULL: a metric of batches */
	Body *
	    metric; /* required without a loss; default: accuracy of cross_entropy(a, b), else the loss */
	Body *predict;   /* default: the first argument of the loss, a call of the library */
	Expr *optimizer; /* default: adam(lr=1e-3) */
	Train train;     /* default: epochs 5, batch 256 */
	Setting labels;  /* below 1 a share of the train samples, else so many a class; 0: all */
	bool baseline_random, baseline_scratch,
	    baseline_raw; /* "baselines": ["random", "scratch", "raw"]; default all */
} Task;

/* "names": how another program calls the weights, and how they lie there. */
typedef struct RenamePart {
	const char *name; /* with numbers of the pattern: "layer{i}.{j+1}" */
	Span span;
	Body *views; /* BODY_CHAIN: their tensor made of ours, x; NULL: as it is */
	bool is_number;
	double number; /* in place of a tensor: a whole number that they keep */
} RenamePart;
typedef struct Rename {
	const char *pattern; /* whole parts of a name, "encoder.{i}.{j}"; {i} is a number */
	Span span;
	RenamePart *part; /* of one tensor of ours; none: they have no such tensor */
	size_t count;
} Rename;
typedef struct Naming {
	const char *name;
	Span span;
	Rename *rule; /* each is applied once to every name, from the first to the last */
	size_t count;
} Naming;

typedef struct Model {
	uint32_t file;
	const char *name; /* "name", or the file's without .json */
	const char *text; /* the file's bytes, for checkpoints */
	size_t text_size;
	Expr *data;      /* required: a call of a reader */
	Body *pretext;   /* BODY_NAMED whose names the loss sees; may be NULL */
	Body *loss;      /* required unless is_prelude */
	Body *vectors;   /* of words: one row a token; NULL: there are none */
	Body *generate;  /* logits of the next token, for x of one sample; NULL: it generates nothing */
	Body *features;  /* default: encoder(x) if there is an encoder, else NULL */
	Expr *optimizer; /* default: adam(lr=1e-3) */
	const char *precision; /* of the operands of products: "f32" (default) or "bf16" */
	Train train;
	Definitions define; /* "define" and, with is_network, the networks, in file order */
	Freeze freeze;
	Names frozen; /* networks that pre-training leaves as they are: of the file and of the caller */
	Task *task;
	size_t task_count;
	Naming *naming;
	size_t naming_count;
	bool names_lost; /* an error hid a name: that a name is unknown means nothing then */
} Model;

/* Sections are the rows of sections.def; every other key must be a list: a network. After errors the
 * model is returned too, as far as it could be read (broken bodies are BODY_BAD), so that building it
 * finds the errors that are left; NULL: not even that. */
Model *parse(Compile *c, uint32_t file);

/* -- rename.c: what the rules of "names" make of a name ------------------------------------------- */

/* `name` with the first place where `pattern` fits replaced; NULL: it fits nowhere. */
const char *rename_apply(Arena *a, const char *pattern, const char *replacement, const char *name);

/* -- sweep.c: sweep(...), what a model file leaves open ---------------------------------------- */

typedef struct Sweep { /* a variable */
	const char *name;  /* name='lr': places of one name have one value; NULL: not given */
	const char
	    *label; /* the name, or the argument or key where it stands; the second "lr" is "lr_2" */
	const char *first_label; /* without the number */
	Span span;
	const char **value; /* [values] as written */
	size_t values;
	bool is_range;
	double from, to, count, log, whole; /* of a range; count 0: any value between */
} Sweep;
typedef struct SweepPlace {
	size_t which;
	Span span;    /* of the text that the value replaces */
	bool is_text; /* a value in single quotes stands there without them */
} SweepPlace;
typedef struct Sweeps {
	Sweep *at; /* [count] */
	size_t count;
	SweepPlace *place; /* [places], in the order of the file */
	size_t places;
} Sweeps;
/* NULL after an error; a file without any is one. */
const Sweeps *sweeps_find(Compile *c, uint32_t file);
size_t sweep_count(const Sweep *s); /* of values; 0: a range without a count */
const char *sweep_value(Arena *a, const Sweep *s, size_t i);
const char *sweep_draw(Arena *a, const Sweep *s, double u); /* u in [0, 1) */
/* The model file with a value for each variable. */
void sweeps_fill(const Sweeps *s, const char *text, size_t size, const char *const *chosen,
                 Text *out);

/* -- format.c: a model file in its usual form; false after an error ----------------------------- */

bool model_format(Compile *c, uint32_t file, Text *out);

/* -- prelude.c: models/lib, compiled in -------------------------------------------------------- */

typedef Definitions Prelude;
/* Files of the prelude have a section "define", and may have "about", a text, and "settings", a list of
 * names: what a model may define for the library's own text. */
Prelude *prelude_parse(Compile *c);
/* A definition of it, whose body is parsed when it is first asked for: few of them are. NULL: none. */
const Definition *library_find(Compile *c, const Prelude *p, const char *name);
/* The embedded files (name, bytes), in order; ended by a NULL name. Made by the build from
 * models/lib. */
typedef struct PreludeFile {
	const char *name, *bytes;
	size_t size;
} PreludeFile;
extern const PreludeFile prelude_files[];

/* -- print.c: Model -> text, which parses to the same Model (sslc dump --stage=parse) ---------- */

void model_print(const Model *m, Text *out);
void model_dot(const Model *m, Text *out);             /* dot.c */
void definition_print(const Definition *d, Text *out); /* "name(x, units=1, f())" */
void expr_print(const Expr *e, Text *out); /* fewest parentheses that read back the same */

#endif
