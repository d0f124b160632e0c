/* programs.h: whole programs at random: drawn from a tape of choices, compiled, run, held against
 * the interpreter, and, when they fail, made smaller.
 *
 * 1 Tape      what was chosen: a seed's, or one that is given
 * 2 Program   a model file and its data, by the choices of a tape
 * 3 Cover     which names of the language some program has used
 * 4 Check     every function of it, against the interpreter in double
 * 5 Shrink    a tape that still fails, and asks for less */
#ifndef SSLC_TEST_PROGRAMS_H
#define SSLC_TEST_PROGRAMS_H

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/program.h"
#include "../../compiler/sslc.h"
#include "../../runtime/runtime.h"

/* -- 1 Tape: tape.c ---------------------------------------------------------------------------- */

/* Choices in the order in which they are asked for. 0 is the simplest of each, so that zeros, and
 * the zeros beyond the end of a tape that is given, make a program smaller. */
enum { TAPE_MOST = 600 };
typedef struct Tape {
	uint32_t choice[TAPE_MOST];
	size_t count, used;
	uint64_t random;
	bool draws;     /* beyond the end: at random, not 0 */
	uint32_t large; /* of 16 programs so many are not tiny */
} Tape;

Tape tape_of_seed(uint64_t seed, uint32_t large);
uint32_t pick(Tape *t, uint32_t n); /* in [0, n) */
static inline bool chance(Tape *t, uint32_t of, uint32_t in)
{
	return pick(t, in) >= in - of;
}

/* -- 2 Program: model.c, losses.c, networks.c, expressions.c, moves.c, data.c ------------------ */

enum { SIDE_BELOW = 5 }; /* whole numbers of side are */
typedef struct Beside {  /* beside x, a row of it a sample */
	char type[8];        /* "": there is none */
	int rank;            /* with the samples */
	int64_t dim[3];      /* behind them */
} Beside;

typedef struct Program {
	Text model;     /* the model file */
	char data[16];  /* the reader */
	char type[8];   /* of x in its files: "f32", "u8", "i32"; "": none is written */
	int rank;       /* of x */
	int64_t dim[8]; /* of x: all samples first */
	Beside label, side;
	int64_t classes;   /* of label; 0: there is none */
	int64_t tokens;    /* i32: values are below it */
	uint64_t random;   /* of the data's values */
	bool bf16;         /* products take bf16 */
	bool gradients;    /* are compiled, too; in a step they are anyway */
	size_t chain_room; /* as Compile's */
	const char *cpu;   /* as Compile's */
} Program;

/* Writes the model; false: its data or sections did not fit and the tape is no program. */
void program_draw(Tape *t, Program *out);
void program_close(Program *p);
/* Its files in a folder: FOLDER/NAME.json and the arrays that it reads. */
MUST_USE bool program_write(const Program *p, const char *folder, const char *name, char why[WHY]);

/* What flows through a network while it is drawn. */
typedef struct Form {
	int rank;
	int64_t dim[MAX_RANK]; /* the batch first */
} Form;

typedef struct Draw {
	Tape *t;
	Text define; /* "f0(x)": "...", ... */
	int defines;
	int64_t left; /* operations that the interpreter may still be asked for in a step */
	int depth;    /* of layers in layers */
	bool tiny;    /* widths are */
} Draw;

/* False: it does not fit this form, and nothing was written. */
typedef bool (*Rule)(Draw *d, const char *text, Form *f, Text *out);

int64_t form_size(const Form *f);
int64_t some_width(Draw *d);
bool afford(Draw *d, int64_t operations);
/* One layer, as in a chain; networks.c. */
void draw_layer(Draw *d, Form *f, Text *out);
/* "a", "b": up to `most` of them. */
void draw_chain(Draw *d, Form *f, int most, Text *out);
/* A layer that is an expression of its own in "define"; expressions.c. */
bool draw_expression(Draw *d, const char *text, Form *f, Text *out);
/* Definitions that these expressions, and others, use. */
extern const char DEFINITIONS[];
/* A layer that moves or sums elements, by numbers that are drawn; moves.c. */
bool draw_move(Draw *d, const char *text, Form *f, Text *out);
/* A change of an image or another sample, that keeps its form: transforms of the library. */
void draw_transform(Draw *d, const Form *f, Text *out);
void draw_optimizer(Draw *d, Text *out);

/* -- 3 Cover: cover.c -------------------------------------------------------------------------- */

typedef struct Cover {
	size_t count;
	struct {
		char name[48];
		bool used;
	} of[1024];
} Cover;
void cover_open(Cover *c);
void cover_add(Cover *c, sslc_program *p);
/* Prints what no program used, one a line; true if that is nothing. */
bool cover_report(Cover *c, FILE *out);
/* What stored truths and shipped models use; false: reported. */
bool cover_stored(Cover *c);

/* -- 4 Check: check.c, reference.c ------------------------------------------------------------- */

typedef struct Counts {
	int64_t programs, refused, functions, tensors, unjudged, gradients, kinks;
	double compile_seconds, native_seconds, reference_seconds;
} Counts;

enum { VERDICT = 2048 };
typedef struct Report {
	Counts counts; /* of all programs until now */
	Cover cover;
	char function[128];    /* that is being checked */
	char verdict[VERDICT]; /* what is wrong; the part before the first ':' names the kind */
} Report;

/* Compiles and runs the model in FOLDER/NAME.json: all functions, or, with `until`, one after the
 * other up to that one ("": all). only_build: no function. False: it is wrong. */
bool program_check(const Program *p, const char *folder, const char *name, bool only_build,
                   const char *until, Report *report);

/* A function's graph and what rounding does to it: reference.c. */
typedef struct Reference {
	const Graph *graph; /* after autodiff: primitives alone */
	Arena *arena;       /* of the values */
	double **value;     /* [graph->count] exact, in double */
	double **weight;    /* of what sums products: the same of absolute values; else NULL */
	double *scale;      /* [graph->count] how far rounding moved the node, at most; -1: not asked */
	int runs;           /* with rounding */
	const Feed *feed;
	size_t feeds;
	uint64_t random;
	bool bf16;
} Reference;

/* Evaluates exactly, then `runs` times with each result rounded up or down at random. */
void reference_open(Reference *r, const Graph *g, const Feed *feed, size_t feeds, uint64_t random);
void reference_rounded(Reference *r, int runs);
void reference_close(Reference *r);
/* How far from the exact values a right program may be. */
double reference_bound(const Reference *r, NodeId x);
/* The bound is so wide that it says nothing. */
bool reference_is_vague(const Reference *r, NodeId x);

/* The gradients of the graph's outputs "d NAME", against differences of "loss" along a direction. */
typedef enum Slope { SLOPE_RIGHT, SLOPE_WRONG, SLOPE_KINK } Slope;
Slope reference_slope(Reference *r, double *ours, double *difference);

/* -- 5 Shrink: shrink.c ------------------------------------------------------------------------ */

/* True if the program of this tape still fails in the same way. */
typedef bool (*StillFails)(void *of, Tape *t);
/* Leaves in t the smallest tape that was found to fail, after so many seconds at most. */
void tape_shrink(Tape *t, StillFails fails, void *of, double seconds);

#endif
