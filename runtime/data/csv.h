/* csv.h: private to the reader `csv`: what it is asked for, and what it has before fields are made. */
#ifndef SSLC_DATA_CSV_H
#define SSLC_DATA_CSV_H

#include "columns.h"

typedef struct Wishes {
	const char *path, *test_path, *columns, *label, *target, *skip, *group, *hold_out, *text,
	    *tokenizer, *key;
	bool header;
	Layout how;
	Missing missing;
	double window, stride; /* of rows, or of tokens */
	double test;
} Wishes;

/* Its samples are windows of rows. */
static inline bool is_series(const Wishes *w)
{
	return !*w->text && w->window > 0;
}

/* Columns [first, first + count) of the numbers, as one array. */
typedef struct List {
	const char *name;
	size_t first, count;
	bool is_x; /* its axis stays where it is of one column */
} List;

/* All that is read before samples are made. */
typedef struct Work {
	Sheet sheet[2]; /* the file, and that of the test split */
	Columns label, group, text, numbers, skip, key;
	List list[SSLC_MAX_FIELDS];
	size_t lists;
	bool *is_test; /* [rows of sheet[0]] */
} Work;

/* The rows that are samples, or, of a series, are cut into such. */
typedef struct Samples {
	const Sheet *sheet;
	size_t *row, count, room;
	uint32_t *stretch; /* [count]: those of a stretch follow each other */
	size_t stretch_room;
} Samples;

/* csv_samples.c: which rows are of the test split, and which rows are left, by Split. */
MUST_CHECK bool csv_split(const Wishes *w, Work *k, Found *found, char why[WHY]);
MUST_CHECK bool csv_samples(const Wishes *w, const Work *k, Samples samples[2], char why[WHY]);
/* csv_fields.c: fields in their order: x, label, others. */
MUST_CHECK bool csv_fields(const Arguments *a, const Wishes *w, const Work *k,
                           const Samples samples[2], Found *found, char why[WHY]);

#endif
