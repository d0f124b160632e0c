/* csv_samples.c: rows of a table into splits and samples: a sample is a row, or of a series a window of rows that follow
 * each other. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "series.h"

/* -- Splits ------------------------------------------------------------------------------------ */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_of(const char *const *names, size_t count, const char *name)
{
	return count && bsearch(&name, names, count, sizeof *names, by_bytes);
}

/* The groups that hold_out names, sorted: *count of group[n], which has room for them. */
static bool named_groups(const Wishes *w, const char *const *all, size_t n, const char **group,
                         size_t *count, char why[WHY])
{
	const char *list = w->hold_out;
	size_t size;
	for (const char *at = listed_next(&list, &size); at; at = listed_next(&list, &size)) {
		size_t i = 0;
		while (i < n && (strlen(all[i]) != size || memcmp(all[i], at, size) != 0))
			i++;
		if (i == n)
			return because(why, "hold_out names '%.*s', which is no value of '%.60s'",
			               (int)(size < 60 ? size : 60), at, w->group);
		if (*count < n)
			group[(*count)++] = all[i];
	}
	return *count < n || because(why, "hold_out names every value of '%.60s'", w->group);
}

/* A share of the groups, at least one of several, the same in every run. */
static void some_groups(double share, const char *const *all, size_t n, const char **group,
                        size_t *count)
{
	size_t wanted = series_share(n, share);
	while (*count < wanted) {
		group[*count] = all[order_at((int64_t)*count, (int64_t)n, SPLIT_SEED, 0)];
		++*count;
	}
}

static bool split_groups(const Wishes *w, Work *k, char why[WHY])
{
	const Sheet *s = &k->sheet[0];
	size_t column = k->group.at[0], rows = s->table.rows, n = 0, groups = 0, held = 0;
	const char **all = malloc(rows * sizeof *all), **group = malloc(rows * sizeof *group);
	bool good = (all && group) || because(why, "no memory for %zu rows", rows);
	for (size_t row = 0; good && row < rows; row++)
		if (!s->left_out[row])
			all[n++] = table_text(&s->table, row, column);
	if (good && n)
		qsort(all, n, sizeof *all, by_bytes);
	for (size_t i = 0; good && i < n; i++)
		if (i == 0 || strcmp(all[i], all[groups - 1]) != 0)
			all[groups++] = all[i];
	if (good && *w->hold_out)
		good = named_groups(w, all, groups, group, &held, why);
	else if (good && groups)
		some_groups(w->test, all, groups, group, &held);
	if (good && held)
		qsort(group, held, sizeof *group, by_bytes);
	for (size_t row = 0; good && row < rows; row++)
		k->is_test[row] = is_of(group, held, table_text(&s->table, row, column));
	free(all);
	free(group);
	return good;
}

/* By groups, or the end of a series; what is neither is held out by the sample. */
bool csv_split(const Wishes *w, Work *k, Found *found, char why[WHY])
{
	size_t rows = k->sheet[0].table.rows, values = rows - k->sheet[0].header;
	k->is_test = calloc(rows, sizeof *k->is_test);
	if (!k->is_test)
		return because(why, "no memory for %zu rows", rows);
	if (*w->test_path)
		return true;
	if (k->group.count)
		return split_groups(w, k, why);
	if (!is_series(w))
		found->held_out = w->test;
	else
		for (size_t i = 0; i < (size_t)((double)values * w->test); i++)
			k->is_test[rows - 1 - i] = true;
	return true;
}

/* -- Samples ----------------------------------------------------------------------------------- */

static bool add_sample(Samples *s, size_t row, uint32_t stretch, char why[WHY])
{
	size_t *rows = memory_grow(s->row, &s->room, s->count + 1, sizeof *rows);
	s->row = rows ? rows : s->row;
	uint32_t *stretches =
	    memory_grow(s->stretch, &s->stretch_room, s->count + 1, sizeof *stretches);
	s->stretch = stretches ? stretches : s->stretch;
	if (!rows || !stretches)
		return because(why, "no memory for samples");
	rows[s->count] = row;
	stretches[s->count++] = stretch;
	return true;
}

static bool same(const Table *t, const Columns *c, size_t a, size_t b)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(table_text(t, a, c->at[i]), table_text(t, b, c->at[i])) != 0)
			return false;
	return true;
}

/* Rows that one window may hold: of one group, class and split. */
static bool belong(const Work *k, const Sheet *s, size_t a, size_t b)
{
	return same(&s->table, &k->group, a, b) && same(&s->table, &k->label, a, b) &&
	       (s != &k->sheet[0] || k->is_test[a] == k->is_test[b]);
}

static bool take_rows(const Work *k, const Sheet *s, Samples samples[2], char why[WHY])
{
	uint32_t stretch = 0;
	for (size_t row = 0; row < s->table.rows; row++) {
		if (s->left_out[row])
			continue;
		stretch += row > 0 && (s->left_out[row - 1] || !belong(k, s, row - 1, row));
		bool test = s == &k->sheet[1] || k->is_test[row];
		if (!add_sample(&samples[test], row, stretch, why))
			return false;
	}
	return true;
}

bool csv_samples(const Wishes *w, const Work *k, Samples samples[2], char why[WHY])
{
	static const char *const name[] = {"train", "test"};
	for (int i = 0; i < 2; i++) {
		samples[i].sheet = &k->sheet[i && *w->test_path];
		if (k->sheet[i].table.rows && !take_rows(k, &k->sheet[i], samples, why))
			return false;
	}
	for (int i = 0; i < 2; i++)
		if (!samples[i].count && (i == 0 || *w->test_path || *w->hold_out))
			return because(why, "every %s row of '%.200s' lacks a value", name[i],
			               samples[i].sheet->path);
	return true;
}
