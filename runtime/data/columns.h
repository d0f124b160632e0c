/* columns.h: private to data/: columns of a table by their names, and numbers in them. */
#ifndef SSLC_COLUMNS_H
#define SSLC_COLUMNS_H

#include "table.h"

/* A file of rows. */
typedef struct Sheet {
	Table table;
	char path[PATH];
	bool header;  /* its first row names the columns */
	float *value; /* [table.rows, width]: the columns of numbers; NULL: there are none */
	size_t width;
	bool *left_out; /* [table.rows]: the header, and rows in which a value is missing */
} Sheet;

typedef struct Columns {
	size_t *at; /* from 0 on */
	size_t count, room;
} Columns;

MUST_CHECK bool sheet_read(const Arguments *a, const char *name, Layout how, bool header, Sheet *s,
                           char why[WHY]);
void sheet_close(Sheet *s);
/* Adds the columns that "age, 3, 5-9" names: by their names, else by their places from 1 on. */
MUST_CHECK bool columns_add(const Sheet *s, const char *names, Columns *c, char why[WHY]);
MUST_CHECK bool columns_put(Columns *c, size_t column, char why[WHY]);
bool columns_have(const Columns *c, size_t column);
void columns_close(Columns *c);

/* What becomes of rows in which a number is missing: they are an error, left out, or it is `fill`. */
typedef struct Missing {
	size_t
	    targets; /* the first columns: where one is missing, the row has no label (NaN), unless `fills` */
	bool skip, fills;
	float fill;
} Missing;
/* Reads the numbers of these columns, in this order. A number is missing where a field is empty, "?", or one of NA, N/A,
 * NaN, null, None in any case. */
MUST_CHECK bool sheet_numbers(Sheet *s, const Columns *c, const Missing *m, char why[WHY]);
/* "'d.csv', line 3, column 'age'" */
enum { CELL = 400 };
void sheet_cell(const Sheet *s, size_t row, size_t column, char text[CELL]);
/* A float; false: it is none. */
bool number_of(Slice text, float *x);

#endif
