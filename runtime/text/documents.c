/* documents.c: text files as documents: a file, or all files in a folder in the order of their names. */
#include "text.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

static const size_t LIMIT = (size_t)2 << 30; /* of all text: ids are counted in 32 bits */

static bool reserve(Documents *d, size_t size, char why[WHY])
{
	if (size > LIMIT - d->size)
		return because(why, "the text is larger than %zu bytes", LIMIT);
	char *text = memory_grow(d->text, &d->room, d->size + size + 1, 1);
	d->text = text ? text : d->text;
	Document *at = memory_grow(d->at, &d->capacity, d->count + 1, sizeof *at);
	d->at = at ? at : d->at;
	if (!text || !at)
		return because(why, "no memory for the text");
	return true;
}

static bool add_document(Documents *d, const char *bytes, size_t size, char why[WHY])
{
	if (!size)
		return true;
	if (!reserve(d, size, why))
		return false;
	memcpy(d->text + d->size, bytes, size);
	d->at[d->count++] = (Document){d->size, d->size + size, d->files - 1};
	d->size += size;
	return true;
}

bool documents_parse(Documents *d, const char *name, const char *bytes, size_t size,
                     const char *separator, char why[WHY])
{
	char **file = memory_grow(d->file, &d->file_room, d->files + 1, sizeof *file);
	d->file = file ? file : d->file;
	if (!text_check(name, bytes, size, why))
		return false;
	if (!file || !(file[d->files] = strdup(name)))
		return because(why, "no memory for the names of files");
	d->files++;
	const char *at = bytes, *end = bytes + size;
	size_t wide = strlen(separator);
	at += text_mark(bytes, size);
	for (const char *next; wide && (next = memmem(at, (size_t)(end - at), separator, wide));
	     at = next + wide)
		if (!add_document(d, at, (size_t)(next - at), why))
			return false;
	return add_document(d, at, (size_t)(end - at), why);
}

static bool add_file(Documents *d, const char *path, const char *separator, char why[WHY])
{
	size_t size;
	unsigned char *bytes = bytes_unpacked(path, LIMIT, &size, why);
	bool good = bytes && documents_parse(d, path, (const char *)bytes, size, separator, why);
	free(bytes);
	return good;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool visit(Documents *d, FTS *tree, FTSENT *at, const char *separator, char why[WHY])
{
	if (at->fts_level > 0 && at->fts_name[0] == '.') {
		(void)fts_set(tree, at, FTS_SKIP);
		return true;
	}
	if (at->fts_info == FTS_F)
		return add_file(d, at->fts_accpath, separator, why);
	if (at->fts_info == FTS_DNR || at->fts_info == FTS_ERR || at->fts_info == FTS_NS)
		return because(why, "cannot read '%.300s': %s", at->fts_path, strerror(at->fts_errno));
	if (at->fts_info == FTS_DC)
		return because(why, "the folder '%.300s' holds itself, by a link", at->fts_path);
	return true; /* folders, links to nothing, devices */
}

bool documents_add(Documents *d, const char *path, const char *separator, char why[WHY])
{
	char *paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	if (!tree)
		return because(why, "cannot open '%.300s': %s", path, strerror(errno));
	bool good = true;
	FTSENT *at;
	while (good && (at = fts_read(tree))) {
		bool is_other = at->fts_level == 0 && at->fts_info != FTS_D && at->fts_info != FTS_DP &&
		                at->fts_info != FTS_F;
		/* What was named itself is a file or a folder, or an error that says what it is. */
		good = is_other ? add_file(d, path, separator, why) : visit(d, tree, at, separator, why);
	}
	(void)fts_close(tree);
	return good;
}

void documents_close(Documents *d)
{
	free(d->text);
	free(d->at);
	for (size_t i = 0; i < d->files; i++)
		free(d->file[i]);
	free(d->file);
	*d = (Documents){0};
}
