/* csv_fields.c: samples of a table as arrays. Those of a table lie in memory; of a series only its rows do, and a window
 * is copied out of them when a batch wants it. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "windows.h"

enum { TOKENS = 128 }; /* of a text, where no window is asked for */

/* -- Series ------------------------------------------------------------------------------------ */

/* Windows of a split, by field. */
typedef struct Series {
	float *value; /* [rows, width] */
	size_t width, window, *first;
	List list[SSLC_MAX_FIELDS]; /* count 0: the field is in memory */
	size_t fields;
	bool owns; /* the values, which the splits of one file share */
} Series;

static void copy_rows(const float *value, size_t width, size_t row, size_t rows, const List *l,
                      float *to)
{
	for (size_t i = 0; i < rows; i++)
		memcpy(to + i * l->count, value + (row + i) * width + l->first, l->count * sizeof *to);
}

static bool decode(void *source, int64_t i, void *const to[], char why[WHY])
{
	const Series *s = source;
	(void)why;
	for (size_t f = 0; f < s->fields; f++)
		if (s->list[f].count)
			copy_rows(s->value, s->width, s->first[i], s->window, &s->list[f], to[f]);
	return true;
}

static void close_series(void *source)
{
	Series *s = source;
	if (s->owns)
		free(s->value);
	free(s->first);
	free(s);
}

static bool is_target(const List *l)
{
	return strcmp(l->name, "label") == 0;
}

/* The array of a list: an axis of rows in series, one of columns where there are several. */
static Array shape_of(const Wishes *w, const List *l, size_t samples)
{
	Array a = {.type = "f32", .rank = 1, .dim = {(int64_t)samples}};
	if (is_series(w) && !is_target(l))
		a.dim[a.rank++] = w->window;
	if (l->count > 1 || l->is_x)
		a.dim[a.rank++] = (int64_t)l->count;
	return a;
}

/* A row of each sample: its only one, or its last. */
static bool fill_array(const Wishes *w, const Samples *s, const List *l, Array *a, char why[WHY])
{
	size_t last = is_series(w) ? (size_t)w->window - 1 : 0;
	float *to = a->at = malloc((s->count * l->count + 1) * sizeof *to);
	for (size_t i = 0; to && i < s->count; i++)
		copy_rows(s->sheet->value, s->sheet->width, s->first[i] + last, 1, l, to + i * l->count);
	return to || because(why, "no memory for %zu samples", s->count);
}

static bool add_numbers(const Wishes *w, const List *l, const Samples *s, Part *part, char why[WHY])
{
	Series *series = part->source;
	size_t f = part->count;
	Field *field = part_add(part, l->name);
	field->array = shape_of(w, l, s->count);
	if (!is_series(w) || is_target(l))
		return fill_array(w, s, l, &field->array, why);
	series->list[f] = *l;
	series->fields = f + 1;
	return true;
}

static bool open_series(const Wishes *w, Samples *s, Part *part, char why[WHY])
{
	Series *series = calloc(1, sizeof *series);
	if (!series)
		return because(why, "no memory");
	*series = (Series){.value = s->sheet->value,
	                   .width = s->sheet->width,
	                   .window = (size_t)w->window,
	                   .first = s->first};
	s->given = true;
	part->source = series;
	part->close = close_series;
	part->decode = decode;
	return true;
}

/* The texts, as windows of tokens. */
static bool add_texts(const Wishes *w, const Work *k, const Tokenizer *t, const Samples *s,
                      Part *part, char why[WHY])
{
	Windows *windows = windows_open(w->window ? (int32_t)w->window : TOKENS, why);
	bool good = windows != NULL;
	for (size_t i = 0; good && i < s->count; i++)
		good =
		    windows_add(windows, t, table_field(&s->sheet->table, s->first[i], k->text.at[0]), why);
	if (windows)
		windows_fill(windows, t->count, part);
	return good;
}

static bool add_labels(const Work *k, const Samples samples[2], Found *found, char why[WHY])
{
	Slice *label[2] = {NULL, NULL};
	bool good = true;
	for (int s = 0; good && s < 2; s++) {
		label[s] = malloc((samples[s].count + 1) * sizeof *label[s]);
		good = label[s] || because(why, "no memory for labels");
		for (size_t i = 0; good && i < samples[s].count; i++)
			label[s][i] =
			    table_field(&samples[s].sheet->table, samples[s].first[i], k->label.at[0]);
	}
	good = good && labels_fill(found, (const Slice *const[]){label[0], label[1]},
	                           (size_t[]){samples[0].count, samples[1].count}, why);
	free(label[0]);
	free(label[1]);
	return good;
}

/* All texts of the column, for a tokenizer that is made of their characters. */
static Tokenizer *open_tokenizer(const Arguments *a, const Wishes *w, const Work *k, Found *found,
                                 char why[WHY])
{
	const Table *t = &k->sheet[0].table;
	Tokenizer *tokenizer = NULL;
	char *all = malloc(t->size + k->sheet[1].table.size + 1);
	size_t size = 0;
	if (!all)
		because(why, "no memory for the texts");
	for (int i = 0; all && i < 2; i++)
		for (size_t row = k->sheet[i].header; row < k->sheet[i].table.rows; row++) {
			Slice field = table_field(&k->sheet[i].table, row, k->text.at[0]);
			memcpy(all + size, field.at, field.size);
			size += field.size;
		}
	if (all)
		tokenizer = tokenizer_named(a, w->tokenizer, (Slice){all, size}, why);
	if (tokenizer && !(found->tokenizer = tokenizer_print(tokenizer, why))) {
		tokenizer_close(tokenizer);
		tokenizer = NULL;
	}
	free(all);
	return tokenizer;
}

/* Fields in their order: x, label, others. */
static bool add_fields(const Arguments *a, const Wishes *w, Work *k, Samples samples[2],
                       Found *found, char why[WHY])
{
	Tokenizer *t = *w->text ? open_tokenizer(a, w, k, found, why) : NULL;
	bool good = t || !*w->text;
	const List *x = *w->text ? NULL : &k->list[k->lists - 1];
	for (int s = 0; good && s < 2; s++) {
		size_t count = samples[s].count;
		Part *part = &found->part[s];
		good = !count || ((!is_series(w) || open_series(w, &samples[s], part, why)) &&
		                  (x ? add_numbers(w, x, &samples[s], part, why)
		                     : add_texts(w, k, t, &samples[s], part, why)));
	}
	good = good && (!*w->label || add_labels(k, samples, found, why));
	for (int s = 0; good && s < 2; s++)
		for (size_t i = 0; samples[s].count && good && &k->list[i] != (x ? x : k->list + k->lists);
		     i++)
			good = add_numbers(w, &k->list[i], &samples[s], &found->part[s], why);
	tokenizer_close(t);
	return good;
}

/* The series of the splits keep the numbers. */
static void give_values(Work *k, Found *found)
{
	for (int s = 0; s < 2; s++) {
		Series *series = found->part[s].source;
		for (int i = 0; series && i < 2; i++)
			if (k->sheet[i].value && series->value == k->sheet[i].value) {
				series->owns = true;
				k->sheet[i].value = NULL;
			}
	}
}

bool csv_fields(const Arguments *a, const Wishes *w, Work *k, Samples samples[2], Found *found,
                char why[WHY])
{
	if (!add_fields(a, w, k, samples, found, why))
		return false;
	if (is_series(w))
		give_values(k, found);
	return true;
}
