/* columns.c: columns by their names or places, and the numbers in them. */
#include "columns.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- Files ------------------------------------------------------------------------------------- */

void sheet_close(Sheet *s)
{
	table_close(&s->table);
	free(s->value);
	free(s->left_out);
	s->value = NULL;
	s->left_out = NULL;
}

/* Every field of the first line is a number: it names no columns. */
static bool is_of_numbers(const Table *t)
{
	float x;
	size_t i = 0;
	while (i < t->columns && number_of(table_field(t, 0, i), &x))
		i++;
	return i == t->columns;
}

bool sheet_read(const Arguments *a, const char *name, Layout how, bool header, Sheet *s,
                char why[WHY])
{
	s->header = header;
	if (!arguments_path(a, name, s->path, why) || !table_read(s->path, how, &s->table, why))
		return false;
	if (s->table.rows <= header && how.before)
		return because(
		    why, "'%.300s' has no rows of values behind the %u line%s that before= passes over",
		    s->path, how.before, how.before == 1 ? "" : "s");
	if (s->table.rows <= header)
		return because(why, "'%.300s' has no rows of values", s->path);
	if (header && is_of_numbers(&s->table))
		return because(
		    why,
		    "the first line of '%.200s' is of numbers alone: say header=0 if it names no "
		    "columns",
		    s->path);
	s->left_out = calloc(s->table.rows, sizeof *s->left_out);
	if (!s->left_out)
		return because(why, "no memory for %zu rows", s->table.rows);
	s->left_out[0] = header;
	return true;
}

void sheet_cell(const Sheet *s, size_t row, size_t column, char text[CELL])
{
	const Table *t = &s->table;
	int used = snprintf(text, CELL, "'%.200s', line %u, column ", s->path, t->line[row]);
	if (s->header)
		snprintf(text + used, CELL - (size_t)used, "'%.60s'", table_text(t, 0, column));
	else
		snprintf(text + used, CELL - (size_t)used, "%zu", column + 1);
}

/* -- Columns ----------------------------------------------------------------------------------- */

bool columns_have(const Columns *c, size_t column)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->at[i] == column)
			return true;
	return false;
}

void columns_close(Columns *c)
{
	free(c->at);
	*c = (Columns){0};
}

bool columns_put(Columns *c, size_t column, char why[WHY])
{
	size_t *at = memory_grow(c->at, &c->room, c->count + 1, sizeof *at);
	if (!at)
		return because(why, "no memory for columns");
	c->at = at;
	at[c->count++] = column;
	return true;
}

/* How many columns have that name; the first of them. */
static size_t named(const Sheet *s, const char *name, size_t size, size_t *column)
{
	size_t count = 0;
	for (size_t i = 0; s->header && i < s->table.columns; i++) {
		Slice field = table_field(&s->table, 0, i);
		if (field.size == size && memcmp(field.at, name, size) == 0 && count++ == 0)
			*column = i;
	}
	return count;
}

static bool unknown(const Sheet *s, const char *name, size_t size, char why[WHY])
{
	char list[200] = "";
	for (size_t i = 0; s->header && i < s->table.columns && strlen(list) < 120; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.40s", i ? ", " : ": ",
		         table_text(&s->table, 0, i));
	}
	return because(why, "'%.120s' has no column '%.*s', but %zu%s", s->path,
	               (int)(size < 60 ? size : 60), name, s->table.columns, list);
}

/* "7" or "3-9", from 1 on. */
static bool add_places(const Sheet *s, const char *name, size_t size, Columns *c, char why[WHY])
{
	size_t digits = strspn(name, "0123456789"), first = strtoul(name, NULL, 10), last = first;
	const char *rest = name + digits;
	if (digits && digits < size && *rest == '-' && isdigit((unsigned char)rest[1])) {
		last = strtoul(rest + 1, NULL, 10);
		digits += 1 + strspn(rest + 1, "0123456789");
	}
	if (digits != size || first < 1 || last < first || last > s->table.columns)
		return unknown(s, name, size, why);
	for (size_t i = first; i <= last; i++)
		if (!columns_put(c, i - 1, why))
			return false;
	return true;
}

bool columns_add(const Sheet *s, const char *names, Columns *c, char why[WHY])
{
	size_t size, column = 0;
	for (const char *at = listed_next(&names, &size); at; at = listed_next(&names, &size)) {
		size_t count = named(s, at, size, &column);
		if (count > 1)
			return because(why, "'%.200s' has %zu columns named '%.*s': say its place, from 1 on",
			               s->path, count, (int)(size < 60 ? size : 60), at);
		if (!(count ? columns_put(c, column, why) : add_places(s, at, size, c, why)))
			return false;
	}
	return true;
}

/* -- Numbers ----------------------------------------------------------------------------------- */

static Slice trimmed(Slice s)
{
	while (s.size && (*s.at == ' ' || *s.at == '\t'))
		s = (Slice){s.at + 1, s.size - 1};
	while (s.size && (s.at[s.size - 1] == ' ' || s.at[s.size - 1] == '\t'))
		s.size--;
	return s;
}

static bool is_missing(Slice text)
{
	static const char *const words[] = {"?", "na", "n/a", "nan", "null", "none"};
	Slice s = trimmed(text);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (s.size == strlen(words[i]) && strncasecmp(s.at, words[i], s.size) == 0)
			return true;
	return s.size == 0;
}

/* As in C, but for hexadecimal digits, infinity and NaN. */
bool number_of(Slice text, float *x)
{
	Slice s = trimmed(text);
	char *end;
	if (s.size == 0 || strspn(s.at, "+-.0123456789eE") < s.size)
		return false;
	*x = strtof(s.at, &end);
	return end == s.at + s.size && isfinite(*x);
}

/* "0,5": of a spreadsheet whose language writes numbers so. */
static bool has_comma(Slice text)
{
	char copy[40], *comma;
	float x;
	if (text.size >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.size);
	copy[text.size] = 0;
	if (!(comma = strchr(copy, ',')))
		return false;
	*comma = '.';
	return number_of((Slice){copy, text.size}, &x);
}

static bool read_cell(const Sheet *s, size_t row, size_t column, const Missing *m, bool target,
                      float *x, bool *left_out, char why[WHY])
{
	Slice field = table_field(&s->table, row, column);
	char cell[CELL];
	if (number_of(field, x))
		return true;
	if (is_missing(field) && target && !m->fills) {
		*x = NAN;
		return true;
	}
	if (is_missing(field) && (m->skip || m->fills)) {
		*x = m->fill;
		*left_out |= m->skip;
		return true;
	}
	sheet_cell(s, row, column, cell);
	if (is_missing(field))
		return because(why,
		               "%s: the value is missing; missing='skip' leaves such rows out, missing='0' "
		               "takes that number",
		               cell);
	const char *other = s->table.columns == 1 ? strpbrk(field.at, ";\t|") : NULL;
	if (other)
		return because(why, "%s: '%.40s' is no number; is it several? separator='%.*s'", cell,
		               field.at, *other == '\t' ? 3 : 1, *other == '\t' ? "tab" : other);
	if (has_comma(field))
		return because(
		    why,
		    "%s: '%.40s' is no number: decimals stand behind a point (where the file has "
		    "no other commas: sed 's/,/./g')",
		    cell, field.at);
	return because(why, "%s: '%.40s' is no number; leave the column out with skip='...'", cell,
	               field.at);
}

bool sheet_numbers(Sheet *s, const Columns *c, const Missing *m, char why[WHY])
{
	size_t rows = s->table.rows;
	s->width = c->count;
	s->value = c->count ? calloc(rows * c->count, sizeof *s->value) : NULL;
	if (c->count && !s->value)
		return because(why, "no memory for %zu numbers", rows * c->count);
	for (size_t row = s->header; row < rows; row++)
		for (size_t i = 0; i < c->count; i++)
			if (!read_cell(s, row, c->at[i], m, i < m->targets, &s->value[row * c->count + i],
			               &s->left_out[row], why))
				return false;
	return true;
}
