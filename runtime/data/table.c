/* table.c: CSV (RFC 4180), by libcsv, which is given a line at a time so that errors can say where. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "../text/text.h"

static const size_t LIMIT = (size_t)1 << 30; /* places in it are of 32 bits */

typedef struct Reading {
	Table *table;
	const char *name;
	uint32_t line, row_line; /* the one that is read; where its row begins */
	size_t columns;          /* of this row, so far */
	bool in_row;             /* a row has begun and not ended */
	char separator;
	bool good;
	char *why;
} Reading;

static void no_memory(Reading *r)
{
	r->good = because(r->why, "no memory for '%.200s'", r->name);
}

static void fail(Reading *r, const char *text)
{
	r->good = because(r->why, "'%.200s', line %u, column %zu: %s", r->name, r->line, r->columns + 1,
	                  text);
}

static void take_field(void *bytes, size_t size, void *reading)
{
	Reading *r = reading;
	Table *t = r->table;
	if (!r->good)
		return;
	char *text = memory_grow(t->text, &t->room, t->size + size + 1, 1);
	t->text = text ? text : t->text;
	uint32_t *from = memory_grow(t->from, &t->field_room, t->fields + 2, sizeof *from);
	t->from = from ? from : t->from;
	if (!text || !from) {
		no_memory(r);
		return;
	}
	if (size)
		memcpy(text + t->size, bytes, size);
	text[t->size + size] = 0;
	from[t->fields++] = (uint32_t)t->size;
	t->size += size + 1;
	from[t->fields] = (uint32_t)t->size;
	r->columns++;
}

/* Another character that may part the fields of a text, as a question; "": there is none. */
static const char *other_separator(const char *text, char asked)
{
	static const struct {
		char separator;
		const char *says;
	} known[] = {{';', "; is ';' its separator?"},
	             {'\t', "; is the tab its separator?"},
	             {'|', "; is '|' its separator?"},
	             {',', "; is ',' its separator?"}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].separator != asked && strchr(text, known[i].separator))
			return known[i].says;
	return "";
}

static void end_row(int end, void *reading)
{
	Reading *r = reading;
	Table *t = r->table;
	(void)end;
	if (!r->good)
		return;
	if (t->rows == 0)
		t->columns = r->columns;
	if (r->columns != t->columns) {
		const char *other = t->columns == 1 ? other_separator(t->text, r->separator) : "";
		r->good =
		    because(r->why, "'%.200s', line %u has %zu field%s, but line %u has %zu%s", r->name,
		            r->row_line, r->columns, r->columns == 1 ? "" : "s", t->line[0], t->columns,
		            *other ? other : "; a field that holds the separator must be quoted: \"a, b\"");
		return;
	}
	uint32_t *line = memory_grow(t->line, &t->row_room, t->rows + 1, sizeof *line);
	if (!line) {
		no_memory(r);
		return;
	}
	t->line = line;
	line[t->rows++] = r->row_line;
	r->columns = 0;
	r->in_row = false;
}

/* The byte behind the quote may be what parts the fields. */
static void fail_behind(Reading *r, char wrong)
{
	char text[128];
	snprintf(text, sizeof text, "text stands behind the quote that ends the field%s",
	         other_separator((char[]){wrong, 0}, r->separator));
	fail(r, text);
}

/* Of the next line, with its end. */
static size_t line_size(const char *at, size_t size)
{
	size_t i = 0;
	while (i < size && at[i] != '\n' && at[i] != '\r')
		i++;
	if (i < size)
		i += at[i] == '\r' && i + 1 < size && at[i + 1] == '\n' ? 2 : 1;
	return i;
}

static void parse_lines(struct csv_parser *p, const char *at, size_t size, Reading *r)
{
	for (const char *end = at + size; at < end && r->good; r->line++) {
		size_t line = line_size(at, (size_t)(end - at));
		if (!r->in_row)
			r->row_line = r->line;
		r->in_row = r->in_row || (*at != '\n' && *at != '\r');
		size_t done = csv_parse(p, at, line, take_field, end_row, r);
		if (done < line && r->good && csv_error(p) != CSV_EPARSE)
			no_memory(r);
		else if (done < line && r->good && at[done] == '"')
			fail(r, "a quote stands in a field that does not begin with one; quote the field and "
			        "double the quote: \"a \"\"b\"\"\"");
		else if (done < line && r->good)
			fail_behind(r, at[done]);
		at += line;
	}
	if (r->good && csv_fini(p, take_field, end_row, r) != 0) {
		r->line = r->row_line;
		fail(r, "a quote begins that does not end");
	}
}

/* Spaces are of the field. */
static int is_space(unsigned char byte)
{
	(void)byte;
	return 0;
}

/* Moves behind lines that are none of the table. */
static bool skip_lines(const char **at, size_t *size, Layout how, Reading *r)
{
	for (; r->line <= how.before; r->line++) {
		size_t line = line_size(*at, *size);
		if (!line)
			return r->good = because(
			           r->why, "'%.200s' has %u line%s, of which before=%u are none of the table",
			           r->name, r->line - 1, r->line == 2 ? "" : "s", how.before);
		*at += line;
		*size -= line;
	}
	return true;
}

bool table_parse(const char *name, const void *bytes, size_t size, Layout how, Table *t,
                 char why[WHY])
{
	size_t mark = text_mark(bytes, size), rest = size - mark;
	const char *at = (const char *)bytes + mark;
	struct csv_parser p;
	*t = (Table){0};
	Reading r = {
	    .table = t, .name = name, .line = 1, .good = true, .why = why, .separator = how.separator};
	if (!text_check(name, bytes, size, why))
		return false;
	if (size > LIMIT)
		return because(why, "'%.300s' is larger than %zu bytes", name, LIMIT);
	if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return because(why, "no memory for '%.200s'", name);
	csv_set_delim(&p, (unsigned char)how.separator);
	csv_set_space_func(&p, is_space);
	if (skip_lines(&at, &rest, how, &r))
		parse_lines(&p, at, rest, &r);
	csv_free(&p);
	if (!r.good)
		table_close(t);
	return r.good;
}

bool table_read(const char *path, Layout how, Table *t, char why[WHY])
{
	size_t size;
	*t = (Table){0};
	unsigned char *bytes = bytes_unpacked(path, LIMIT, NULL, &size, why);
	bool good = bytes && table_parse(path, bytes, size, how, t, why);
	free(bytes);
	return good;
}

void table_close(Table *t)
{
	free(t->text);
	free(t->from);
	free(t->line);
	*t = (Table){0};
}

Slice table_field(const Table *t, size_t row, size_t column)
{
	const uint32_t *from = t->from + row * t->columns + column;
	return (Slice){t->text + from[0], from[1] - from[0] - 1};
}

const char *table_text(const Table *t, size_t row, size_t column)
{
	return table_field(t, row, column).at;
}
