/* sections.h: the sections of a model file while it is drawn. */
#ifndef SSLC_TEST_SECTIONS_H
#define SSLC_TEST_SECTIONS_H

#include "programs.h"

/* What label is: a class, a class for each of some places, numbers. */
typedef enum Labels { CLASS, TAGS, NUMBERS, LABELS } Labels;

typedef struct Sections { /* of a model while it is drawn */
	Draw d;
	Tape *t;
	Program *p;
	Text pretext, networks, loss;
	Form x;    /* a batch */
	Form code; /* of encoder(x): [B, width] */
	int64_t batch, train, test, steps, epochs;
	const char *target; /* x as floats without axes but the batch's */
	bool again;         /* x is read twice, the second time under that name */
	bool views;         /* a and b are there */
	bool mixed;         /* and c, made of them */
	bool trains_more;   /* than the encoder */
	bool tiny;          /* a batch of few samples, a layer or two, no tasks */
	bool longs;         /* x has an axis of thousands */
	Labels labels;
} Sections;

/* -- Chains: model.c --------------------------------------------------------------------------- */

/* One more layer of a chain. */
void add_layer(Text *chain, const char *layer);
void add_linear(Text *chain, int64_t width);
/* Up to `most` layers, drawn. */
void add_chain(Draw *d, Form *f, int most, Text *chain);
/* What makes rows of numbers of any form. */
void add_rows(Form *f, bool pools, Text *chain);
/* A network from rows to rows of `width`; 0: any. Gives the width. */
int64_t draw_head(Sections *s, const char *name, int64_t from, int64_t width);

/* -- Losses: losses.c -------------------------------------------------------------------------- */

void draw_loss(Sections *s);
/* A loss of labels with %s for a guess, and of how many numbers the guess is. */
const char *label_loss(Sections *s, int64_t *width);
/* The form with the guess in it. */
void add_loss(Text *out, const char *form, const char *guess);

#endif
