/* listing.c: a folder, or a CSV file that names files in it -> files in an order that is the same on every machine,
 * with labels and splits. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "tree.h"

enum { CSV_LIMIT = 1 << 28, GROUP_SEED = 0x5e1f };

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

/* The next of "a, b/c/, d", without a slash at its end; *size 0: there is none. */
static const char *next_word(const char *at, size_t *size)
{
	at += strspn(at, ", ");
	*size = strcspn(at, ",");
	while (*size && (at[*size - 1] == ' ' || at[*size - 1] == '/'))
		--*size;
	return at;
}

/* One of the names is that of the file or of folders that hold it. */
static bool is_named(const char *names, const char *path)
{
	size_t size;
	for (const char *at = next_word(names, &size); size;
	     at = next_word(at + strcspn(at, ","), &size))
		for (const char *part = path; part; part = strchr(part, '/'), part += part != NULL)
			if (strncmp(part, at, size) == 0 && (part[size] == '/' || !part[size]))
				return true;
	return false;
}

static bool fits(const char *patterns, const char *path)
{
	size_t size;
	char pattern[256];
	for (const char *at = next_word(patterns, &size); size;
	     at = next_word(at + strcspn(at, ","), &size)) {
		snprintf(pattern, sizeof pattern, "%.*s", (int)(size < 255 ? size : 255), at);
		if (fnmatch(pattern, path, 0) == 0)
			return true;
	}
	return !*patterns;
}

/* -- Files ------------------------------------------------------------------------------------- */

static bool any_name(const char *name)
{
	return *name != 0;
}

/* "a/dogs/1.png": "dogs"; NULL: it lies in no folder. */
static char *folder_of(const char *path)
{
	const char *end = strrchr(path, '/'), *from = end;
	while (from && from > path && from[-1] != '/')
		from--;
	return end ? strndup(from, (size_t)(end - from)) : NULL;
}

static bool find_all(const Asked *k, Listing *l, char why[WHY])
{
	Tree tree;
	if (!tree_read(l->folder, any_name, &tree, why))
		return false;
	l->file = calloc(tree.count + 1, sizeof *l->file);
	bool good = l->file || because(why, "no memory for the names of %zu files", tree.count);
	for (size_t i = 0; good && i < tree.count; i++) {
		if (is_named(k->skip, tree.path[i]) || !fits(k->only, tree.path[i]))
			continue;
		Listed *f = &l->file[l->count++];
		f->path = tree.path[i];
		tree.path[i] = NULL;
		f->label = *k->labels ? folder_of(f->path) : NULL;
	}
	tree_close(&tree);
	return good;
}

/* A line path,label; the path may hold commas. */
static bool add_line(char *line, Listing *l)
{
	char *comma = strrchr(line, ',');
	if (!comma || comma == line || !comma[1])
		return false;
	*comma = 0;
	Listed *f = &l->file[l->count++];
	f->path = strdup(line);
	f->label = strdup(comma + 1);
	return true;
}

/* A first line that names its columns is left out. */
static bool parse_csv(const char *csv, char *text, const Asked *k, Listing *l, char why[WHY])
{
	size_t lines = 1;
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	l->file = calloc(lines, sizeof *l->file);
	if (!l->file)
		return because(why, "no memory for the names of %zu files", lines);
	char *next = text;
	for (size_t number = 1; *next; number++) {
		char *line = next;
		next += strcspn(line, "\n");
		next += *next ? (*next = 0, 1) : 0;
		line[strcspn(line, "\r")] = 0;
		if (!*line ||
		    (number == 1 && (strcmp(line, "path,label") == 0 || strcmp(line, "name,label") == 0)))
			continue;
		if (!add_line(line, l))
			return because(why, "'%.200s', line %zu: a line is path,label", csv, number);
		Listed *f = &l->file[l->count - 1];
		if (!f->path || !f->label)
			return because(why, "no memory for labels");
		if (is_named(k->skip, f->path) || !fits(k->only, f->path)) {
			free(f->path);
			free(f->label);
			*f = (Listed){0};
			l->count--;
		}
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
	size_t size;
	if (!arguments_path(a, k->labels, path, why))
		return false;
	char *text = (char *)bytes_read(path, CSV_LIMIT, &size, why);
	if (!text)
		return false;
	bool good = memchr(text, 0, size) ? because(why, "'%.300s' is no text", path)
	                                  : parse_csv(path, text, k, l, why);
	free(text);
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
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3u;
	uint32_t counter[4] = {(uint32_t)hash, (uint32_t)(hash >> 32)}, key[2] = {GROUP_SEED}, word[4];
	philox4x32(counter, key, word);
	return word[0] / 4294967296.0;
}

static bool is_test(const Asked *k, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	if (*k->hold_out)
		return is_named(k->hold_out, path);
	if (!*k->group)
		return false;
	const char *end = strstr(name, k->group), *dot = strrchr(name, '.');
	end = end ? end : dot ? dot : name + strlen(name);
	return fold_of(name, (size_t)(end - name)) < k->test;
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

bool listing_open(const Arguments *a, const Asked *k, Listing *l, char why[WHY])
{
	*l = (Listing){0};
	l->listed = *k->labels && strcmp(k->labels, "folder") != 0;
	if (!*k->folder)
		return because(why, "the name of the folder is empty");
	if (!(k->test >= 0 && k->test < 1))
		return because(why, "test=%g: the share that is held out must be at least 0 and below 1",
		               k->test);
	bool good = arguments_path(a, k->folder, l->folder, why) &&
	            (l->listed ? find_listed(a, k, l, why) : find_all(k, l, why));
	if (good && !l->count)
		good = because(why, "no %s in '%.300s'%s", k->what, l->listed ? k->labels : l->folder,
		               *k->only || *k->skip ? " that 'only' and 'skip' leave" : "");
	if (good && split(k, l, why))
		return true;
	listing_close(l);
	return false;
}

/* -- Classes ----------------------------------------------------------------------------------- */

bool listing_classes(const Listing *l, Found *found, int32_t **labels, char why[WHY])
{
	for (int64_t i = 0; i < l->count; i++)
		if (!l->file[i].label)
			return because(why,
			               "'%.200s' lies in no folder of '%.200s' that could name its class; say "
			               "labels='' if there are none",
			               l->file[i].path, l->folder);
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
