/* csv_fields.c: rows of a table as arrays. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "windows.h"

enum { TOKENS = 128 }; /* of a text, where no window is asked for */

/* An axis of columns where there are several, and of x. */
static bool add_numbers(const List *l, const Samples *s, Part *part, char why[WHY])
{
	const Sheet *sheet = s->sheet;
	Array *a = &part_add(part, l->name)->array;
	*a = (Array){.type = "f32", .rank = 1, .dim = {(int64_t)s->count}};
	if (l->count > 1 || l->is_x)
		a->dim[a->rank++] = (int64_t)l->count;
	float *to = a->at = malloc(s->count * l->count * sizeof *to);
	for (size_t i = 0; to && i < s->count; i++)
		memcpy(to + i * l->count, sheet->value + s->row[i] * sheet->width + l->first,
		       l->count * sizeof *to);
	return to || because(why, "no memory for %zu samples", s->count);
}

/* The texts, as windows of tokens. */
static bool add_texts(const Wishes *w, const Work *k, const Tokenizer *t, const Samples *s,
                      Part *part, char why[WHY])
{
	Windows *windows = windows_open(w->window > 0 ? window_size(w->window, why) : TOKENS, why);
	bool good = windows != NULL;
	for (size_t i = 0; good && i < s->count; i++)
		good =
		    windows_add(windows, t, table_field(&s->sheet->table, s->row[i], k->text.at[0]), why);
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
			label[s][i] = table_field(&samples[s].sheet->table, samples[s].row[i], k->label.at[0]);
	}
	good = good && labels_fill(found, (const Slice *const[]){label[0], label[1]},
	                           (size_t[]){samples[0].count, samples[1].count}, why);
	free(label[0]);
	free(label[1]);
	return good;
}

static bool name_samples(const Work *k, const Samples samples[2], Found *found, char why[WHY])
{
	bool good = true;
	for (int s = 0; good && s < 2; s++)
		for (size_t i = 0; good && i < samples[s].count; i++) {
			const Sheet *sheet = samples[s].sheet;
			size_t row = (size_t)samples[s].row[i];
			const char *key = table_text(&sheet->table, samples[s].row[i], k->key.at[0]);
			good =
			    *key ? found_key(found, (Split)s, (int64_t)i, key, false, why)
			         : because(why, "the line %u of '%.200s' has no key: leave it out, or name it",
			                   sheet->table.line[row], sheet->path);
		}
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

bool csv_fields(const Arguments *a, const Wishes *w, const Work *k, const Samples samples[2],
                Found *found, char why[WHY])
{
	const List *x = *w->text ? NULL : &k->list[k->lists - 1];
	size_t others = k->lists - (x != NULL);
	Tokenizer *t = x ? NULL : open_tokenizer(a, w, k, found, why);
	bool good = x || t;
	for (int s = 0; good && s < 2; s++)
		good = !samples[s].count || (x ? add_numbers(x, &samples[s], &found->part[s], why)
		                               : add_texts(w, k, t, &samples[s], &found->part[s], why));
	good = good && (!*w->label || add_labels(k, samples, found, why));
	for (int s = 0; good && s < 2; s++)
		for (size_t i = 0; good && samples[s].count && i < others; i++)
			good = add_numbers(&k->list[i], &samples[s], &found->part[s], why);
	if (good && a->keys && k->key.count)
		good = name_samples(k, samples, found, why);
	tokenizer_close(t);
	return good;
}
