/* listing.c: a folder, or a CSV file that names files in it -> files in an order that is the same on every machine,
 * with labels and splits. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "../tree.h"
#include "listing.h"
#include "table.h"

void listing_close(Listing *l)
{
	for (int64_t i = 0; i < l->count; i++) {
		free(l->file[i].path);
		free(l->file[i].label);
	}
	free(l->file);
	l->file = NULL;
	l->count = 0;
}

/* -- Words of the model file ------------------------------------------------------------------- */

Asked listing_asked(const Arguments *a, const char *reader, const char *what)
{
	return (Asked){.folder = argument_text(a, "path"),
	               .labels = "",
	               .only = argument_text(a, "only"),
	               .skip = argument_text(a, "skip"),
	               .hold_out = argument_text(a, "hold_out"),
	               .group = "",
	               .test = argument_number(a, "test"),
	               .reader = reader,
	               .what = what};
}

bool listing_names(const char *names, const char *path)
{
	size_t size;
	for (const char *at = listed_next(&names, &size); at; at = listed_next(&names, &size)) {
		while (size && at[size - 1] == '/')
			size--;
		for (const char *part = path; size && part; part = strchr(part, '/'), part += part != NULL)
			if (strncmp(part, at, size) == 0 && (part[size] == '/' || !part[size]))
				return true;
	}
	return false;
}

static bool fits(const char *patterns, const char *path)
{
	bool any = false;
	size_t size;
	char pattern[256];
	for (const char *at = listed_next(&patterns, &size); at; at = listed_next(&patterns, &size)) {
		any = true;
		snprintf(pattern, sizeof pattern, "%.*s", (int)(size < 255 ? size : 255), at);
		if (fnmatch(pattern, path, 0) == 0)
			return true;
	}
	return !any;
}

/* -- Files ------------------------------------------------------------------------------------- */

/* "a/dogs/1.png": "dogs" of its folder, "1" of its name; NULL: it lies in no folder. */
static char *label_of(const char *path, const char *labels)
{
	const char *end = strrchr(path, '/'), *from = end;
	if (strcmp(labels, "name") == 0) {
		from = end ? end + 1 : path;
		end = strrchr(from, '.');
		return end ? strndup(from, (size_t)(end - from)) : strdup(from);
	}
	while (from && from > path && from[-1] != '/')
		from--;
	return end ? strndup(from, (size_t)(end - from)) : NULL;
}

static bool find_all(const Asked *k, Listing *l, char why[WHY])
{
	Tree tree;
	const TreeSkip skip = {listing_names,
	                       k->skip}; /* so a folder that cannot be read can be left out */
	if (!tree_read(l->folder, k->wanted, &skip, &tree, why))
		return false;
	l->file = calloc(tree.count + 1, sizeof *l->file);
	bool good = l->file || because(why, "no memory for the names of %zu files", tree.count);
	for (size_t i = 0; good && i < tree.count; i++) {
		if (!fits(k->only, tree.path[i]))
			continue;
		Listed *f = &l->file[l->count++];
		f->path = tree.path[i];
		tree.path[i] = NULL;
		f->label = *k->labels ? label_of(f->path, k->labels) : NULL;
	}
	tree_close(&tree);
	return good;
}

/* A first line that names its columns is left out. */
static bool names_columns(const Table *t)
{
	const char *path = table_text(t, 0, 0);
	return (strcmp(path, "path") == 0 || strcmp(path, "name") == 0) &&
	       strcmp(table_text(t, 0, 1), "label") == 0;
}

/* "./a//b" as "a/b", which is the same file: a copy, or NULL. */
static char *plain_path(const char *path)
{
	char *plain = malloc(strlen(path) + 1), *to = plain;
	for (const char *from = path; plain && *from; from++) {
		bool begins = to == plain || to[-1] == '/';
		if (begins && from[0] == '.' && from[1] == '/')
			from += strspn(from + 1, "/");
		else if (*from != '/' || to == plain || !begins)
			*to++ = *from;
	}
	if (plain)
		*to = 0;
	return plain;
}

static bool add_rows(const char *csv, const Table *t, const Asked *k, Listing *l, char why[WHY])
{
	if (t->rows && t->columns != 2)
		return because(
		    why,
		    "'%.200s', line %u has %zu fields: a line is path,label, with quotes around a "
		    "path that holds a comma; more columns go with joined(%s('...', labels=''), "
		    "more=csv('...', key='path'))",
		    csv, t->line[0], t->columns, k->reader);
	l->file = calloc(t->rows + 1, sizeof *l->file);
	if (!l->file)
		return because(why, "no memory for the names of %zu files", t->rows);
	for (size_t row = t->rows && names_columns(t); row < t->rows; row++) {
		const char *label = table_text(t, row, 1);
		char *path = plain_path(table_text(t, row, 0));
		if (path && !*path) {
			free(path);
			return because(why, "'%.200s', line %u: a line is path,label", csv, t->line[row]);
		}
		if (path && (listing_names(k->skip, path) || !fits(k->only, path))) {
			free(path);
			continue;
		}
		Listed *f = &l->file[l->count++];
		f->path = path;
		f->label = strdup(label);
		if (!f->path || !f->label)
			return because(why, "no memory for labels");
	}
	return true;
}

static int by_place(const void *a, const void *b)
{
	const Listed *x = a, *y = b;
	return x->test != y->test ? (int)x->test - (int)y->test : strcmp(x->path, y->path);
}

static bool find_listed(const Arguments *a, const Asked *k, Listing *l, char why[WHY])
{
	char path[PATH];
	Table table;
	if (!arguments_path(a, k->labels, path, why) ||
	    !table_read(path, (Layout){',', 0}, &table, why))
		return false;
	bool good = add_rows(path, &table, k, l, why);
	table_close(&table);
	if (!good)
		return false;
	qsort(l->file, (size_t)l->count, sizeof *l->file, by_place);
	for (int64_t i = 1; i < l->count; i++)
		if (strcmp(l->file[i].path, l->file[i - 1].path) == 0)
			return because(why, "'%.200s' lists '%.200s' twice", path, l->file[i].path);
	return true;
}

/* -- Splits ------------------------------------------------------------------------------------ */

/* In [0, 1) by what the group is called alone (FNV-1a, mixed by Philox): so files that are added later move no
 * other file to another split. */
static double fold_of(const char *name, size_t size)
{
	uint64_t hash = bytes_hash(name, size);
	uint32_t counter[4] = {(uint32_t)hash, (uint32_t)(hash >> 32)}, key[2] = {SPLIT_SEED}, word[4];
	philox4x32(counter, key, word);
	return word[0] / 4294967296.0;
}

/* The name of the group that a file is of, up to *size. */
static const char *group_of(const Asked *k, const char *path, size_t *size)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *end = strstr(name, k->group), *dot = strrchr(name, '.');
	*size = end ? (size_t)(end - name) : dot ? (size_t)(dot - name) : strlen(name);
	return name;
}

uint64_t listing_unit(const Asked *k, const char *path)
{
	size_t size;
	const char *name = group_of(k, path, &size);
	return bytes_hash(name, size);
}

static bool is_test(const Asked *k, const char *path)
{
	size_t size;
	if (*k->hold_out)
		return listing_names(k->hold_out, path);
	if (!*k->group)
		return false;
	const char *name = group_of(k, path, &size);
	return fold_of(name, size) < k->test;
}

static bool split(const Asked *k, Listing *l, char why[WHY])
{
	int64_t tests = 0;
	for (int64_t i = 0; i < l->count; i++)
		tests += l->file[i].test = is_test(k, l->file[i].path);
	qsort(l->file, (size_t)l->count, sizeof *l->file, by_place);
	if (*k->hold_out && (tests == 0 || tests == l->count))
		return because(why,
		               "hold_out='%.100s' leaves %lld files to train on and %lld to test; it names "
		               "folders or files in '%.200s', with commas between",
		               k->hold_out, (long long)(l->count - tests), (long long)tests, l->folder);
	if (tests == l->count)
		return because(why,
		               "all %lld files are of the test split: a smaller share than %g leaves "
		               "some to train on",
		               (long long)tests, k->test);
	return true;
}

bool listing_find(const Arguments *a, const Asked *k, Listing *l, char why[WHY])
{
	*l = (Listing){0};
	l->listed = *k->labels && strcmp(k->labels, "folder") != 0 && strcmp(k->labels, "name") != 0;
	if (!*k->folder)
		return because(why, "the name of the folder is empty");
	if (!split_share(k->test, why))
		return false;
	bool good = arguments_path(a, k->folder, l->folder, why) &&
	            (l->listed ? find_listed(a, k, l, why) : find_all(k, l, why));
	if (good && l->count)
		return true;
	if (good)
		because(why, "no %s in '%.300s'%s", k->what, l->listed ? k->labels : l->folder,
		        *k->only && *k->skip ? " that 'only' and 'skip' leave"
		        : *k->only           ? " that 'only' takes"
		        : *k->skip           ? " that 'skip' leaves"
		                             : "");
	listing_close(l);
	return false;
}

bool listing_open(const Arguments *a, const Asked *k, Listing *l, char why[WHY])
{
	if (!listing_find(a, k, l, why))
		return false;
	if (split(k, l, why))
		return true;
	listing_close(l);
	return false;
}

/* -- Classes ----------------------------------------------------------------------------------- */

bool listing_labelled(const Listing *l, char why[WHY])
{
	for (int64_t i = 0; i < l->count; i++)
		if (!l->file[i].label)
			return because(why,
			               "'%.200s' lies in no folder of '%.200s' that could name its class; say "
			               "labels='' if there are none",
			               l->file[i].path, l->folder);
	return true;
}

bool listing_classes(const Listing *l, Found *found, int32_t **labels, char why[WHY])
{
	if (!listing_labelled(l, why))
		return false;
	int32_t *label = *labels = malloc((size_t)l->count * sizeof *label);
	if (!label)
		return because(why, "no memory for %lld labels", (long long)l->count);
	char **name = malloc((size_t)l->count * sizeof *name);
	for (int64_t i = 0; name && i < l->count; i++)
		name[i] = l->file[i].label;
	if (!found_classes(found, name, l->count, why))
		return false;
	for (int64_t i = 0; i < l->count; i++)
		label[i] = found_class(found, l->file[i].label);
	return true;
}
