/* cause.h: private to cause.c and cause_words.c: a search for what was not finite. */
#ifndef SSLC_CAUSE_H
#define SSLC_CAUSE_H

#include "program.h"

typedef enum Found { UNKNOWN, FINITE, INFINITE, NOT_A_NUMBER } Found;

typedef struct Search {
	sslc_program *p;
	const Graph *g;
	const sslc_runner *runner;
	Found *found;     /* [count] */
	bool *varies;     /* [count] it is made of an input or a state */
	bool *is_forward; /* [count] the loss depends on it */
} Search;

/* cause.c: a graph of the step up to node `top`, without outputs. */
Graph *cause_graph(const Search *s, NodeId top, NodeId *map);
/* Runs it; its outputs by number, NULL: it could not be made. */
void *const *cause_run(const Search *s, Graph *g, sslc_code *code);

/* cause_words.c: the operation, in numbers and words, and its place. */
void cause_describe(const Search *s, NodeId x, sslc_cause *to);

#endif
