/* csv.h: private to the reader `csv`: what it is asked for, and what it has before fields are made. */
#ifndef SSLC_DATA_CSV_H
#define SSLC_DATA_CSV_H

#include "columns.h"

typedef struct Wishes {
	const char *path, *test_path, *columns, *label, *target, *skip, *group, *hold_out, *text,
	    *tokenizer;
	bool header;
	char separator;
	Missing missing;
	int64_t window, stride; /* window 0: no series */
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
	Columns label, group, text, numbers, skip;
	List list[SSLC_MAX_FIELDS];
	size_t lists;
	bool *is_test; /* [rows of sheet[0]] */
} Work;

/* The first rows of samples. */
typedef struct Samples {
	const Sheet *sheet;
	size_t *first, count, room;
	bool given; /* they are the series' now */
} Samples;

/* csv_samples.c: which rows are of the test split, and where samples begin, by Split. */
MUST_CHECK bool csv_split(const Wishes *w, Work *k, Found *found, char why[WHY]);
MUST_CHECK bool csv_samples(const Wishes *w, const Work *k, Samples samples[2], char why[WHY]);
/* csv_fields.c: fields in their order: x, label, others. Series take their numbers over from the work. */
MUST_CHECK bool csv_fields(const Arguments *a, const Wishes *w, Work *k, Samples samples[2],
                           Found *found, char why[WHY]);

#endif
