/* table.h: private to data/: rows of texts, as a CSV file has them. */
#ifndef SSLC_TABLE_H
#define SSLC_TABLE_H

#include "data.h"
#include "slice.h"

/* Fields lie one after the other in `text`, each with a 0 behind it. */
typedef struct Table {
	char *text;
	uint32_t *from; /* [rows * columns + 1]: where field i begins */
	uint32_t *line; /* [rows]: where a row begins, from 1 on */
	size_t rows, columns;
	size_t size, room, fields, field_room, row_room; /* of the above, while they grow */
} Table;

/* How a file holds a table. */
typedef struct Layout {
	char separator;
	uint32_t before; /* lines that are none of it */
} Layout;

/* RFC 4180 in UTF-8: fields with `separator` between, quoted or not, of which nothing is trimmed; lines end in LF, CRLF
 * or CR; a byte order mark and empty lines are left out. False: quotes that do not fit, or rows of unequal numbers of
 * fields; `name` is that of the file. What was read is freed. */
MUST_CHECK bool table_parse(const char *name, const void *bytes, size_t size, Layout how, Table *t,
                            char why[WHY]);
/* Of a file, or of what is in one of gzip. */
MUST_CHECK bool table_read(const char *path, Layout how, Table *t, char why[WHY]);
void table_close(Table *t);

/* The caller sees to it that row and column are there. */
Slice table_field(const Table *t, size_t row, size_t column);
/* The same, as a text. */
const char *table_text(const Table *t, size_t row, size_t column);

#endif
