/* documents.c: text files as documents: a file, or all files in a folder in the order of their
 * paths' bytes. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "../tree.h"

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
	unsigned char *bytes = bytes_unpacked(path, LIMIT, NULL, &size, why);
	bool good = bytes && documents_parse(d, path, (const char *)bytes, size, separator, why);
	free(bytes);
	return good;
}

bool documents_add(Documents *d, const char *path, const char *separator, char why[WHY])
{
	if (!tree_is_folder(path))
		return add_file(d, path, separator, why);
	Tree tree;
	bool good = tree_read(path, NULL, NULL, &tree, why);
	for (size_t i = 0; good && i < tree.count; i++) {
		char *file = NULL;
		good = asprintf(&file, "%s/%s", path, tree.path[i]) >= 0 ||
		       because(why, "no memory for the names of files");
		good = good && add_file(d, file, separator, why);
		free(file);
	}
	tree_close(&tree);
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
