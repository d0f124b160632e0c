/* text.c: text files: windows of documents, and lines with labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tree.h"
#include "listing.h"
#include "windows.h"

/* The documents of the files of a folder that are asked for, those that are held out last. */
static bool add_folder(const Arguments *a, const Asked *k, const char *separator, Documents *d,
                       size_t *train, char why[WHY])
{
	Listing l;
	if (!listing_open(a, k, &l, why))
		return false;
	bool good = true;
	for (int64_t i = 0; good && i < l.count; i++) {
		char *path = NULL;
		good = asprintf(&path, "%s/%s", l.folder, l.file[i].path) >= 0 ||
		       because(why, "no memory for the names of files");
		good = good && documents_add(d, path, separator, why);
		*train = l.file[i].test ? *train : d->count;
		free(path);
	}
	listing_close(&l);
	return good;
}

static bool is_folder(const Arguments *a, const char *path)
{
	char full[PATH], unused[WHY];
	return arguments_path(a, path, full, unused) && tree_is_folder(full);
}

/* The documents of a file or folder; *train: how many are before those that are held out. */
static bool add_path(const Arguments *a, const Asked *k, const char *separator, Documents *d,
                     size_t *train, char why[WHY])
{
	char full[PATH];
	if (is_folder(a, k->folder))
		return add_folder(a, k, separator, d, train, why);
	if (!arguments_path(a, k->folder, full, why) || !documents_add(d, full, separator, why))
		return false;
	*train = d->count;
	return true;
}

/* The documents of the path, and behind them those of the test split, if files say which they are;
 * *train: how many are before those. */
static bool read_documents(const Arguments *a, const char *separator, Documents *d, size_t *train,
                           char why[WHY])
{
	const char *test_path = argument_text(a, "test_path");
	Asked k = listing_asked(a, "text", "file of text");
	size_t unused = 0;
	if (!*k.folder)
		return because(why, "the name of the text is empty");
	if (*test_path && *k.hold_out)
		return because(why, "hold_out and test_path both say what is held out: say one of them");
	if ((*k.only || *k.skip || *k.hold_out) && !is_folder(a, k.folder))
		return because(why, "'only', 'skip' and 'hold_out' are of a folder, but '%.300s' is none",
		               k.folder);
	if (!add_path(a, &k, separator, d, train, why))
		return false;
	if (!*train || (*k.hold_out && d->count == *train))
		return because(why, "'%.300s' is empty", *train ? k.hold_out : k.folder);
	if (!*test_path)
		return true;
	k.folder = test_path;
	return add_path(a, &k, separator, d, &unused, why) &&
	       (d->count > *train || because(why, "'%.300s' is empty", test_path));
}

static char *print_tokenizer(const Tokenizer *t, Found *found, char why[WHY])
{
	return found->tokenizer = tokenizer_print(t, why);
}

/* -- text -------------------------------------------------------------------------------------- */

typedef struct Settings {
	int32_t window, overlap;
	bool straddle;
} Settings;

/* One document: its last share is the test split, from a character on. */
static size_t cut_document(const Documents *d, double share)
{
	size_t at = d->size - (size_t)((double)d->size * share);
	while (at < d->size && ((unsigned char)d->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static bool add_text(Windows *w, const Tokenizer *t, Slice text, size_t *from, const Settings *s,
                     char why[WHY])
{
	*from = w->tokens.count;
	if (!tokenizer_encode(t, text.at, text.size, &w->tokens, why))
		return false;
	return s->straddle || windows_cut(w, *from, s->overlap, false, why);
}

/* Which documents: all in order, or those of [from, to) of the permutation that holds some out. */
typedef struct Choice {
	size_t from, to, shuffled; /* shuffled: of so many; 0: in order */
} Choice;

static bool add_documents(Windows *w, const Tokenizer *t, const Documents *d, Choice c,
                          const Settings *s, char why[WHY])
{
	size_t from;
	for (size_t i = c.from; i < c.to; i++) {
		size_t k =
		    c.shuffled ? (size_t)order_at((int64_t)i, (int64_t)c.shuffled, SPLIT_SEED, 0) : i;
		Slice text = {d->text + d->at[k].from, d->at[k].to - d->at[k].from};
		size_t first = w->count;
		if (!add_text(w, t, text, &from, s, why))
			return false;
		for (; first < w->count; first++)
			w->at[first].document = k;
	}
	return !s->straddle || windows_cut(w, 0, s->overlap, true, why);
}

static bool fill_splits(const Documents *d, size_t train, double share, const Tokenizer *t,
                        Windows *const w[2], const Settings *s, char why[WHY])
{
	size_t held = (size_t)((double)train * share), from;
	held += held == 0 && share > 0 && train > 1; /* a document, if there are two */
	if (d->count > train)                        /* test files */
		return add_documents(w[0], t, d, (Choice){0, train, 0}, s, why) &&
		       add_documents(w[1], t, d, (Choice){train, d->count, 0}, s, why);
	if (train > 1)
		return add_documents(w[0], t, d, (Choice){0, train - held, held ? train : 0}, s, why) &&
		       add_documents(w[1], t, d, (Choice){train - held, train, train}, s, why);
	size_t cut = cut_document(d, share);
	return add_text(w[0], t, (Slice){d->text, cut}, &from, s, why) &&
	       (!s->straddle || windows_cut(w[0], 0, s->overlap, true, why)) &&
	       add_text(w[1], t, (Slice){d->text + cut, d->size - cut}, &from, s, why) &&
	       (!s->straddle || windows_cut(w[1], 0, s->overlap, true, why));
}

/* A document is a unit, where its windows are its own. */
static bool number_units(const Settings *s, Windows *const w[2], Found *found, char why[WHY])
{
	found->in_order = true;
	found->overlap = (s->window - 1) / (s->window - s->overlap);
	for (int split = 0; split < 2 && !s->straddle; split++) {
		size_t count = w[split]->count;
		uint64_t *unit = found->unit[split] = malloc((count + 1) * sizeof *unit);
		if (!unit)
			return because(why, "no memory for %zu windows", count);
		for (size_t i = 0; i < count; i++)
			unit[i] = w[split]->at[i].document;
	}
	return true;
}

/* Takes both windows. */
static bool to_parts(Windows *const w[2], int32_t ids, Found *found, char why[WHY])
{
	windows_fill(w[0], ids, &found->part[SPLIT_TRAIN]);
	if (w[1]->count)
		windows_fill(w[1], ids, &found->part[SPLIT_TEST]);
	else
		windows_close(w[1]);
	return found->part[SPLIT_TRAIN].field[0].array.dim[0] > 0 ||
	       because(why, "the text has no window: it is shorter than one, or all of it is held out");
}

/* A sample is called as its file: by its path from the folder on. */
static bool name_windows(const Arguments *a, const Settings *s, const Documents *d, size_t train,
                         const Windows *const w[2], Found *found, char why[WHY])
{
	if (s->straddle || *argument_text(a, "separator"))
		return because(why, "windows of text have no key each where they straddle documents, or "
		                    "where a 'separator' parts those of a file");
	if (d->count == 1 && found->part[SPLIT_TEST].count)
		return because(why, "both splits would be of one text, whose key is one: test=0");
	for (int part = 0; part < 2; part++)
		for (size_t i = 0; found->part[part].count && i < w[part]->count; i++) {
			size_t document = w[part]->at[i].document;
			bool in_path = document < train || *argument_text(a, "hold_out");
			char root[PATH];
			if (!arguments_path(a, argument_text(a, in_path ? "path" : "test_path"), root, why))
				return false;
			const char *file = d->file[d->at[document].file], *last = strrchr(file, '/');
			size_t size = strlen(root);
			bool inside = strncmp(file, root, size) == 0 && file[size];
			const char *name = inside ? file + size : last ? last + 1 : file;
			if (!found_key(found, (Split)part, (int64_t)i, name + strspn(name, "/"), true, why))
				return false;
		}
	return true;
}

bool read_text(const Arguments *a, Found *found, char why[WHY])
{
	double share = argument_number(a, "test"), overlap = argument_number(a, "overlap");
	Settings s = {.straddle = argument_number(a, "straddle") != 0};
	if (!(s.window = window_size(argument_number(a, "window"), why)) || !split_share(share, why))
		return false;
	if (overlap < 0 || overlap >= s.window || floor(overlap) != overlap)
		return because(why, "overlap=%g: windows of %d tokens overlap by 0 to %d", overlap,
		               s.window, s.window - 1);
	s.overlap = (int32_t)overlap;
	Documents d = {0};
	size_t train = 0;
	Tokenizer *t = NULL;
	Windows *w[2] = {NULL, NULL};
	bool good =
	    read_documents(a, argument_text(a, "separator"), &d, &train, why) &&
	    (t = tokenizer_named(a, argument_text(a, "tokenizer"), (Slice){d.text, d.size}, why)) &&
	    print_tokenizer(t, found, why) && (w[0] = windows_open(s.window, why)) &&
	    (w[1] = windows_open(s.window, why)) && fill_splits(&d, train, share, t, w, &s, why) &&
	    number_units(&s, w, found, why);
	if (good) {
		good = to_parts(w, t->count, found, why) &&
		       (!a->keys || name_windows(a, &s, &d, train, (const Windows *const *)w, found, why));
	} else {
		windows_close(w[0]);
		windows_close(w[1]);
	}
	tokenizer_close(t);
	documents_close(&d);
	return good;
}

/* -- lines ------------------------------------------------------------------------------------- */

/* The samples of a split. */
typedef struct Lines {
	Slice *text, *label, *key;
	size_t count, text_room, label_room, key_room;
} Lines;

/* What is before the text of a line, each with a tab behind it. */
typedef struct Before {
	bool key, label;
} Before;

static bool reserve_line(Lines *l)
{
	Slice *text = memory_grow(l->text, &l->text_room, l->count + 1, sizeof *text);
	l->text = text ? text : l->text;
	Slice *label = memory_grow(l->label, &l->label_room, l->count + 1, sizeof *label);
	l->label = label ? label : l->label;
	Slice *key = memory_grow(l->key, &l->key_room, l->count + 1, sizeof *key);
	l->key = key ? key : l->key;
	return text && label && key;
}

/* Takes what is before the next tab. */
static bool take_field(Slice *line, Slice *field)
{
	const char *tab = memchr(line->at, '\t', line->size);
	if (!tab)
		return false;
	*field = (Slice){line->at, (size_t)(tab - line->at)};
	*line = (Slice){tab + 1, line->size - field->size - 1};
	return true;
}

/* Documents are files here; `number`: the line in its file, for errors. */
static bool add_line(Lines *l, Slice line, const char *file, size_t number, Before before,
                     char why[WHY])
{
	if (line.size && line.at[line.size - 1] == '\r')
		line.size--;
	if (!line.size)
		return true;
	if (!reserve_line(l))
		return because(why, "no memory for the lines");
	Slice rest = line, *key = &l->key[l->count], *label = &l->label[l->count];
	*key = *label = (Slice){line.at, 0};
	if ((before.key && !take_field(&rest, key)) || (before.label && !take_field(&rest, label)))
		return because(why, "'%.200s', line %zu has %s: a line is %s%sits text%s: '%.*s'", file,
		               number, before.key && before.label ? "fewer than two tabs" : "no tab",
		               before.key ? "its key, a tab, " : "",
		               before.label ? "its label, a tab, " : "",
		               before.label ? "; labels=0 if there are none" : "",
		               (int)(line.size < 40 ? line.size : 40), line.at);
	if (before.key && !key->size)
		return because(why, "'%.200s', line %zu has no key before its first tab", file, number);
	l->text[l->count++] = rest;
	return true;
}

static bool split_lines(Lines *l, Slice text, const char *file, Before before, char why[WHY])
{
	const char *at = text.at, *end = text.at + text.size;
	for (size_t number = 1; at < end; number++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next : end;
		if (!add_line(l, (Slice){at, (size_t)(next - at)}, file, number, before, why))
			return false;
		at = next + 1;
	}
	return true;
}

static bool fill_lines(const Lines *l, const Tokenizer *t, int32_t window, Part *part,
                       char why[WHY])
{
	Windows *w = windows_open(window, why);
	bool good = w != NULL;
	for (size_t i = 0; good && i < l->count; i++)
		good = windows_add(w, t, l->text[i], why);
	if (w)
		windows_fill(w, t->count, part);
	return good;
}

/* By files: those of the test path are the second split. */
static bool gather_lines(const Documents *d, size_t train, Lines line[2], Before before,
                         char why[WHY])
{
	for (size_t i = 0; i < d->count; i++) {
		Slice text = {d->text + d->at[i].from, d->at[i].to - d->at[i].from};
		if (!split_lines(&line[i >= train], text, d->file[d->at[i].file], before, why))
			return false;
	}
	if (!line[0].count || (d->count > train && !line[1].count))
		return because(why, "the text has no line that is not empty");
	return true;
}

static bool name_lines(const Lines line[2], Found *found, char why[WHY])
{
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < line[s].count; i++) {
			char *key = strndup(line[s].key[i].at, line[s].key[i].size);
			bool good = key ? found_key(found, (Split)s, (int64_t)i, key, false, why)
			                : because(why, "no memory for keys");
			free(key);
			if (!good)
				return false;
		}
	return true;
}

bool read_lines(const Arguments *a, Found *found, char why[WHY])
{
	int32_t window = window_size(argument_number(a, "window"), why);
	double share = argument_number(a, "test");
	Before before = {.key = argument_number(a, "keys") != 0,
	                 .label = argument_number(a, "labels") != 0};
	if (!window || !split_share(share, why))
		return false;
	Documents d = {0};
	size_t train = 0;
	Lines line[2] = {0};
	Tokenizer *t = NULL;
	bool good =
	    read_documents(a, "", &d, &train, why) && gather_lines(&d, train, line, before, why) &&
	    (t = tokenizer_named(a, argument_text(a, "tokenizer"), (Slice){d.text, d.size}, why)) &&
	    print_tokenizer(t, found, why) &&
	    fill_lines(&line[0], t, window, &found->part[SPLIT_TRAIN], why) &&
	    (!line[1].count || fill_lines(&line[1], t, window, &found->part[SPLIT_TEST], why));
	if (good && a->keys && before.key)
		good = name_lines(line, found, why);
	if (good && before.label)
		good = labels_fill(found, (const Slice *const[]){line[0].label, line[1].label},
		                   (size_t[]){line[0].count, line[1].count}, why);
	found->held_out = line[1].count ? 0 : share;
	for (int s = 0; s < 2; s++) {
		free(line[s].text);
		free(line[s].label);
		free(line[s].key);
	}
	tokenizer_close(t);
	documents_close(&d);
	return good;
}
