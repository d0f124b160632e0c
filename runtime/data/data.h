/* data.h: private to data/: what a reader fills. */
#ifndef SSLC_DATA_H
#define SSLC_DATA_H

#include "../runtime.h"

/* Arguments of a reader, matched to its parameters. */
typedef struct Arguments {
	const char *text[8]; /* NULL: a number */
	double number[8];
	const char *folder;
} Arguments;

/* Arrays of a split: x, and label or nothing (at NULL). */
typedef struct Part {
	Array x, label;
} Part;

typedef bool (*Reader)(const Arguments *a, Part *train, Part *test, double *held_out,
                       char why[WHY]);
#define READER(name, parameters, meaning)                                                          \
	bool read_##name(const Arguments *a, Part *train, Part *test, double *held_out, char why[WHY]);
#include "readers.def"
#undef READER

#endif
