/* csv.c: the reader `csv`: tables of numbers, series (windows of rows), and texts with labels.
 *
 * Fields: x; label, if asked for; length, of texts; further columns by name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "series.h"

/* -- Arguments --------------------------------------------------------------------------------- */

static bool read_missing(const char *text, Missing *m, char why[WHY])
{
	*m = (Missing){.skip = strcmp(text, "skip") == 0};
	if (m->skip || strcmp(text, "refuse") == 0)
		return true;
	m->fills = number_of((Slice){text, strlen(text)}, &m->fill);
	return m->fills ||
	       because(why, "missing='%.60s': it is 'refuse', 'skip' or a number such as '0'", text);
}

/* What is said of tables, series and texts at once. */
static bool check_together(const Wishes *w, char why[WHY])
{
	if (*w->text && w->stride != 0)
		return because(why, "stride is of series, but text='%.60s' makes samples of text", w->text);
	if (*w->text && *w->columns)
		return because(why, "x is the text of '%.60s': give columns='%.60s' a name of its own",
		               w->text, w->columns);
	if (!*w->text && strcmp(w->tokenizer, "bytes") != 0)
		return because(why, "tokenizer='%.60s' is of text: say which column, as text='...'",
		               w->tokenizer);
	if (*w->label && *w->target)
		return because(why, "label names classes and target numbers: say one of them");
	if (*w->hold_out && !*w->group)
		return because(why, "hold_out='%.60s' names values of a column: say which, as group='...'",
		               w->hold_out);
	if (*w->test_path && *w->hold_out)
		return because(why, "hold_out and test_path both say what is held out: say one of them");
	return true;
}

static bool read_wishes(const Arguments *a, Wishes *w, char why[WHY])
{
	const char *separator = argument_text(a, "separator");
	double header = argument_number(a, "header"), before = argument_number(a, "before");
	*w = (Wishes){.path = argument_text(a, "path"),
	              .columns = argument_text(a, "columns"),
	              .label = argument_text(a, "label"),
	              .target = argument_text(a, "target"),
	              .skip = argument_text(a, "skip"),
	              .header = header != 0,
	              .how = {.separator = separator[0]},
	              .window = argument_number(a, "window"),
	              .stride = argument_number(a, "stride"),
	              .group = argument_text(a, "group"),
	              .hold_out = argument_text(a, "hold_out"),
	              .text = argument_text(a, "text"),
	              .tokenizer = argument_text(a, "tokenizer"),
	              .test_path = argument_text(a, "test_path"),
	              .test = argument_number(a, "test"),
	              .key = argument_text(a, "key")};
	if (!*w->path)
		return because(why, "the name of the table's file is empty");
	if (strcmp(separator, "tab") == 0)
		w->how.separator = '\t';
	else if (strlen(separator) != 1 || strchr("\"\r\n", w->how.separator))
		return because(why, "separator='%.20s': it is one character, such as ';', or 'tab'",
		               separator);
	if (!(before >= 0 && before <= 1e6 && before == floor(before)))
		return because(why, "before=%g: so many lines before the table, from 0 to 1000000", before);
	w->how.before = (uint32_t)before;
	if (header != 0 && header != 1)
		return because(
		    why, "header=%g: 1 where the first line is of names, 0 where it is of values", header);
	if (!split_share(w->test, why))
		return false;
	return check_together(w, why) && read_missing(argument_text(a, "missing"), &w->missing, why);
}

/* -- Columns ----------------------------------------------------------------------------------- */

static bool add_list(Work *k, const char *name, const char *columns, char why[WHY])
{
	List *l = &k->list[k->lists++];
	*l = (List){.name = name, .first = k->numbers.count};
	if (!columns_add(&k->sheet[0], columns, &k->numbers, why))
		return false;
	l->count = k->numbers.count - l->first;
	return l->count || because(why, "%.60s='%.60s' names no column", name, columns);
}

static bool one_column(const Sheet *s, const char *what, const char *name, Columns *c,
                       char why[WHY])
{
	return columns_add(s, name, c, why) &&
	       (c->count <= 1 ||
	        because(why, "%s='%.100s' names %zu columns, but is one", what, name, c->count));
}

/* x is what is asked for, or every column that nothing else takes. */
static bool add_x(const Wishes *w, Work *k, char why[WHY])
{
	List *x = &k->list[k->lists++];
	size_t taken = k->numbers.count;
	*x = (List){.name = "x", .first = taken, .is_x = true};
	if (!columns_add(&k->sheet[0], w->columns, &k->numbers, why))
		return false;
	for (size_t c = 0; !*w->columns && c < k->sheet[0].table.columns; c++)
		if (!columns_have(&k->label, c) && !columns_have(&k->group, c) &&
		    !columns_have(&k->skip, c) && !columns_have(&k->key, c) &&
		    !columns_have(&k->numbers, c) && !columns_put(&k->numbers, c, why))
			return false;
	x->count = k->numbers.count - taken;
	return x->count || because(why, "no column of '%.200s' is left for x%s", k->sheet[0].path,
	                           *w->key && *w->target
	                               ? ": where it is joined, its x may be the columns of target"
	                               : "");
}

/* The further arrays first, so that x can have the rest. */
static bool choose_columns(const Arguments *a, const Wishes *w, Work *k, Found *found,
                           char why[WHY])
{
	const Sheet *s = &k->sheet[0];
	if (!one_column(s, "label", w->label, &k->label, why) ||
	    !one_column(s, "text", w->text, &k->text, why) ||
	    !one_column(s, "key", w->key, &k->key, why) || !columns_add(s, w->group, &k->group, why) ||
	    !columns_add(s, w->skip, &k->skip, why))
		return false;
	if (*w->target && !add_list(k, "label", w->target, why))
		return false;
	for (size_t i = 0; i < a->more_count; i++) {
		const char *name = a->more[i].name;
		if (strcmp(name, "x") == 0 || strcmp(name, "length") == 0 || strcmp(name, "labels") == 0)
			return because(why, "'%s' cannot name further columns: x are 'columns', labels 'label'",
			               name);
		const char *own =
		    found_name(found, 1 + (*w->text != 0) + (*w->label || *w->target), name, why);
		if (!own || !add_list(k, own, a->more[i].text, why))
			return false;
	}
	return *w->text || add_x(w, k, why);
}

static bool same_columns(const Sheet *a, const Sheet *b, char why[WHY])
{
	if (a->table.columns != b->table.columns)
		return because(why, "'%.150s' has %zu columns, but '%.150s' has %zu", a->path,
		               a->table.columns, b->path, b->table.columns);
	for (size_t c = 0; a->header && c < a->table.columns; c++)
		if (strcmp(table_text(&a->table, 0, c), table_text(&b->table, 0, c)) != 0)
			return because(why, "column %zu is '%.40s' in '%.120s', but '%.40s' in '%.120s'", c + 1,
			               table_text(&a->table, 0, c), a->path, table_text(&b->table, 0, c),
			               b->path);
	return true;
}

/* Numbers with fractions are no classes. */
static bool check_classes(const Found *found, const Work *k, const Sheet *s, char why[WHY])
{
	const char *fraction = NULL;
	float x;
	for (size_t row = s->header; k->label.count && row < s->table.rows; row++) {
		Slice field = table_field(&s->table, row, k->label.at[0]);
		if (s->left_out[row] || found_unlabelled(found, field.at, field.size))
			continue;
		if (!number_of(field, &x))
			return true;
		fraction = x != floorf(x) ? field.at : fraction;
	}
	return !fraction || because(why,
	                            "the labels are numbers such as %.40s, not classes: say target in "
	                            "place of label to have them as numbers",
	                            fraction);
}

static bool read_sheets(const Arguments *a, const Wishes *w, Work *k, Found *found, char why[WHY])
{
	if (!sheet_read(a, w->path, w->how, w->header, &k->sheet[0], why) ||
	    !choose_columns(a, w, k, found, why))
		return false;
	Missing missing = w->missing;
	missing.targets = *w->target ? k->list[0].count : 0;
	if (*w->test_path && (!sheet_read(a, w->test_path, w->how, w->header, &k->sheet[1], why) ||
	                      !same_columns(&k->sheet[0], &k->sheet[1], why)))
		return false;
	for (int i = 0; i < 1 + (*w->test_path != 0); i++)
		if (!sheet_numbers(&k->sheet[i], &k->numbers, &missing, why) ||
		    !check_classes(found, k, &k->sheet[i], why))
			return false;
	return true;
}

/* -- The reader -------------------------------------------------------------------------------- */

static void note(const Work *k, Found *found)
{
	size_t left_out = 0;
	for (int i = 0; i < 2; i++)
		for (size_t row = k->sheet[i].header; row < k->sheet[i].table.rows; row++)
			left_out += k->sheet[i].left_out[row];
	if (left_out)
		snprintf(found->note, WHY, "%zu rows were left out, as a value is missing", left_out);
}

/* What is of one value of the first group column is a unit. */
static bool number_units(const Work *k, const Samples *samples, uint64_t **units, char why[WHY])
{
	if (!k->group.count)
		return true;
	uint64_t *unit = *units = malloc((samples->count + 1) * sizeof *unit);
	for (size_t i = 0; unit && i < samples->count; i++) {
		const char *group = table_text(&samples->sheet->table, samples->row[i], k->group.at[0]);
		unit[i] = bytes_hash(group, strlen(group));
	}
	return unit || because(why, "no memory for %zu rows", samples->count);
}

bool read_csv(const Arguments *a, Found *found, char why[WHY])
{
	Wishes w;
	Work *k = calloc(1, sizeof *k);
	Samples samples[2] = {{0}, {0}};
	if (!k)
		return because(why, "no memory");
	bool good = read_wishes(a, &w, why) &&
	            (*w.text || series_window(w.window, w.stride, found, why)) &&
	            read_sheets(a, &w, k, found, why) && csv_split(&w, k, found, why) &&
	            csv_samples(&w, k, samples, why) && csv_fields(a, &w, k, samples, found, why);
	if (good)
		note(k, found);
	for (int s = 0; s < 2; s++)
		good = good && number_units(k, &samples[s], &found->unit[s], why);
	for (int s = 0; s < 2; s++) {
		sheet_close(&k->sheet[s]);
		free(samples[s].row);
		if (good && found->window)
			found->stretch[s] = samples[s].stretch;
		else
			free(samples[s].stretch);
	}
	Columns *const columns[] = {&k->label, &k->group, &k->text, &k->numbers, &k->skip, &k->key};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		columns_close(columns[i]);
	free(k->is_test);
	free(k);
	return good;
}
