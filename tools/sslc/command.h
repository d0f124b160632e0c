/* command.h: what the commands of sslc share: their options, exit codes and ways to speak. */
#ifndef SSLC_COMMAND_H
#define SSLC_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "../../compiler/sslc.h"

typedef enum Exit {
	EXIT_GOOD = 0,
	EXIT_WRONG = 1, /* the model, its data or a checkpoint is wrong, or a check failed */
	EXIT_USAGE = 2,
	EXIT_DIVERGED = 3, /* the loss, or a gradient of it, is NaN or infinite */
	EXIT_SYSTEM = 4,   /* files, memory */
	EXIT_INTERNAL = 5, /* a bug in sslc: what it compiled is not what it promises */
	EXIT_SIGNAL = 128, /* + the signal that interrupted: 130, 143 */
} Exit;
#define EXIT_MEANINGS                                                                              \
	"0 good, 1 the model, data or checkpoint is wrong or a check failed, 2 usage,\n"               \
	"3 the training diverged (grad: the loss or a gradient is not finite),\n"                      \
	"4 system error (files, memory), 5 a bug in sslc, to be reported\n"                            \
	"(what is compiled is verified before it runs), 130 or 143 interrupted"

enum { MOST_RUNS = 12 };

/* One member an option of options.def; zero is "not given". Texts are of argv. */
typedef struct Options {
	const char *model; /* the operand; of `help`: the command; of `report`: the first of */
	const char *run[MOST_RUNS];
	int runs;
	const char *const *file; /* the operands, where there may be several files */
	size_t files;
	const char *data, *out, *init, *stage, *function, *checkpoint, *split, *cpu, *target, *weights,
	    *functions, *only, *freeze, *prefix, *prompt, *temperature, *names;
	const char *hold_out, *search, *score; /* of sweep; hold_out of run, too */
	const char *diff;
	int64_t draws;
	bool no_baselines, check;
	int64_t epochs, steps, seeds, samples, threads, batch, tokens, top_k, slide, words, size,
	    memory;
	int64_t seed, save_every; /* 1 + the number, so that 0 is "not given" here too */
	bool resume, live, json, no_downstream, tensorboard, monitor, quiet, profile, time, dot, shared,
	    report, no_profile, list, random, no_cache, raw, help;
} Options;

/* options.c */
int options_read(Options *o, char letter, int count,
                 char **argument); /* EXIT_GOOD or EXIT_USAGE, reported */
void options_help(char letter);
/* A decimal number that a double holds, as in a model file; false: it is none, or is out of its range. */
bool decimal_of(const char *text, double *value);
/* The value of --hold-out; false: it is no share, reported. */
bool share_of(const char *text, double *share);

/* say.c: to stderr, with colour only where a person sees it */
bool has_colour(void);
/* On a terminal also which section of which README explains it, by the file that says so
 * (explained.def): behind the advice that follows, or with said_all(). */
#define complain(...) complain_from(__FILE__, __VA_ARGS__)
void complain_from(const char *from, const char *format, ...) __attribute__((format(printf, 2, 3)));
void said_all(void); /* no advice follows: at the end, and before other output */
void advise(const char *format, ...) __attribute__((format(printf, 1, 2)));
void inform(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a note */
/* `name` is not one of `candidates`: complains about the "unknown `what`", and suggests the
 * nearest. */
#define complain_unknown(...) complain_unknown_from(__FILE__, __VA_ARGS__)
void complain_unknown_from(const char *from, const char *what, const char *name,
                           const char *const *candidates, size_t count);
/* Finishes stdout: EXIT_SYSTEM if not all that was printed could be written, else `code`. */
int finish_output(int code);

/* One file a command. Each returns an Exit. */
#define COMMAND(name, ...) int command_##name(const Options *o);
#include "commands.def"
#undef COMMAND

#endif
