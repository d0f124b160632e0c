/* session.h: a model with its data, opened for one command. */
#ifndef SSLC_SESSION_H
#define SSLC_SESSION_H

#include "../../compiler/sslc.h"
#include "../../runtime/train/train.h"
#include "command.h"

typedef struct Session {
	sslc_program *program;
	Data *data;
	double hold_out; /* this share of the train samples in place of the test split; 0: none */
	bool json;       /* errors go to stdout, as a JSON object a line */
} Session;

/* Opens the model, and its data if asked for, and builds the graphs for it. Returns an Exit; errors
 * are printed. */
int session_open(Session *s, const Options *o, sslc_options options, bool with_data);
/* The same of a model file whose data is looked for from `folder`; errors stay in the program, or,
 * where the data itself cannot be opened, in `why`. */
bool session_open_at(Session *s, const char *model, const char *folder, sslc_options options,
                     char why[WHY]);
void session_close(Session *s); /* NULL-safe members; may follow a failed open */
/* The tokenizer of its data; false: that is no text. */
struct Tokenizer;
bool session_tokenizer(const Session *s, struct Tokenizer **t, Failure *f);
/* What is done with the trained weights of a model of text; `what` is the caller's. */
typedef bool TokenWork(Engine *e, const struct Tokenizer *t, const void *what, Failure *f);
/* Does it by the weights of --checkpoint, or else of the model's run. Returns an Exit; errors are
 * printed. */
int session_with_weights(Session *s, const Options *o, TokenWork *work, const void *what);
/* Prints the errors of the program; returns their Exit. */
int session_errors(const Session *s);
/* Prints a failure of the runtime (or the program's errors, if it is theirs); returns its Exit. */
int session_failure(const Session *s, const Failure *f);
/* EXIT_GOOD if the model has the function, else says which it has. */
int session_find(const Session *s, const char *function);
/* The table of --names, if it is given (else NULL). False: printed. */
bool session_names(const Session *s, const Options *o, const sslc_names **names);
/* Model, data, parameters: the first lines of a report. */
void session_print(const Session *s);

/* What the user should know, but need not act on; to stderr. */
void session_note(const Session *s);
/* That the weights are of a run of another text of the model, if they are; to stderr. */
void session_note_weights(const Loaded *l, const char *path);
/* What each stage of the compiler took. */
void session_times(const Session *s);

char *bytes_text(size_t bytes, char text[24]); /* "1.5 MiB"; returns text */

#endif
