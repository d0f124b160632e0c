/* cause.h: private to cause.c and cause_words.c: a search for what was not finite. */
#ifndef SSLC_CAUSE_H
#define SSLC_CAUSE_H

#include "program.h"

typedef enum Found { UNKNOWN, FINITE, INFINITE, NOT_A_NUMBER } Found;

/* What is walked through: the graph of the step, or the body of a scan in another frame. */
typedef struct Frame {
	const struct Frame *outer; /* NULL: the step */
	NodeId scan;               /* in the outer one's graph; */
	int64_t during;            /* entered at this step of the outer one */
	const Graph *g;
	int64_t steps;        /* of the scan; 1 */
	unsigned char *found; /* [count][steps] each a Found */
	bool *varies;         /* [count] it is made of an input or a state */
} Frame;

/* What a node holds at a step of its frame. */
typedef struct Spot {
	Frame *frame;
	NodeId node; /* 0: nothing */
	int64_t step;
} Spot;

typedef struct Search {
	sslc_program *p;
	Frame *step;
	const sslc_runner *runner;
	bool *is_forward; /* [count] of the step's nodes: the loss depends on it */
} Search;

/* A graph of the step up to some node, on its way to a function that answers. */
typedef struct Question {
	Graph *g;
	const Frame *frame; /* that is asked about */
	NodeId *map;        /* [count] of the step's nodes: where each is in g */
	Graph *inner;       /* that the frame's graph is in it: g, or the body of a scan of it */
} Question;

/* cause.c: up to node `top` of a frame. */
Question cause_ask(const Search *s, const Frame *frame, NodeId top);
NodeId cause_asked(const Question *q, NodeId x); /* where a node of the frame is in q->inner */
/* Of a vector [n] of q->inner the values at all steps of all frames around, outermost first, become output
 * `name`; false: a scan has as many results as it may. */
bool cause_answer(Question *q, const char *name, NodeId vector);
/* Runs it; its outputs by number, NULL: it could not be made. */
void *const *cause_run(const Search *s, Graph *g, sslc_code *code);

/* cause_words.c: the operation, in numbers and words, and its place. */
void cause_describe(const Search *s, Spot at, sslc_cause *to);

static inline Found found_at(Spot at)
{
	return (Found)at.frame->found[(int64_t)at.node * at.frame->steps + at.step];
}
/* The number of the frame's step among those of all frames around, as cause_answer orders them. */
static inline int64_t step_of_all(Spot at)
{
	int64_t step = at.step, steps = at.frame->steps;
	for (const Frame *f = at.frame; f->outer; f = f->outer) {
		step += f->during * steps;
		steps *= f->outer->steps;
	}
	return step;
}

#endif
