/* sweep.h: what sweep.c has run, for the table of it. */
#ifndef SSLC_SWEEP_H
#define SSLC_SWEEP_H

#include "../../compiler/parse/parse.h"
#include "../../runtime/report/report.h"
#include "command.h"

typedef enum Search { SEARCH_GRID, SEARCH_RANDOM, SEARCH_HALVING } Search;

enum { MOST_PLANNED = 9999 };

/* A run of a combination. */
typedef struct Trial {
	size_t which;   /* of Plan.chosen */
	size_t round;   /* of a halving search */
	int64_t epochs; /* 0: the model's */
	char folder[RUN_PATH];
	int code;        /* its Exit */
	bool failed;     /* it has no score: */
	char error[160]; /* why */
	RunScore result;
} Trial;

typedef struct Plan {
	Compile c;
	const Sweeps *sweeps;
	const char *text; /* of the model file */
	size_t size;
	const char *data, *folder, *hold_out;
	double share;     /* of hold_out; 0: of none */
	const char *task; /* whose score counts; NULL: the training loss */
	Search search;
	int64_t epochs;       /* of the model */
	int64_t asked_epochs; /* by --epochs; 0: the model's */
	const char ***chosen; /* [count][sweeps->count] the text of each value */
	size_t count;
	Trial *trial; /* [trials], in the order in which they ran */
	size_t trials, rounds;
} Plan;

/* sweep_table.c: a line when a run has ended; the table at the end, which returns an Exit; the same as
 * FOLDER/sweep.json, false: complained about. */
void sweep_line(const Plan *p, const Trial *t);
int sweep_table(const Plan *p, bool quiet);
bool sweep_write(const Plan *p);

#endif
