/* tree.c: walks a folder, its folders, and so on. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree.h"

typedef struct Walk {
	const char *folder;
	bool (*wanted)(const char *name); /* NULL: all */
	const TreeSkip *skip;             /* NULL: nothing */
	Tree *tree;
	size_t room;
	char *why;
} Walk;

/* From the folder on. */
static const char *path_inside(const Walk *w, const FTSENT *at)
{
	const char *inside = at->fts_path + strlen(w->folder);
	return inside + strspn(inside, "/");
}

static bool keep(Walk *w, const FTSENT *at)
{
	Tree *t = w->tree;
	if (w->wanted && !w->wanted(at->fts_name))
		return true;
	char **more = memory_grow(t->path, &w->room, t->count + 1, sizeof *more);
	if (!more)
		return because(w->why, "no memory for the names of %zu files", t->count + 1);
	t->path = more;
	t->path[t->count] = strdup(path_inside(w, at));
	return t->path[t->count++] || because(w->why, "no memory for the name of a file");
}

static bool visit(Walk *w, FTS *tree, FTSENT *at)
{
	bool is_folder = at->fts_info == FTS_D || at->fts_info == FTS_DP;
	if (at->fts_info == FTS_DNR || (at->fts_level == 0 && !is_folder))
		return because(w->why, "cannot read the folder '%.250s': %s", at->fts_path,
		               strerror(at->fts_errno ? at->fts_errno : ENOTDIR));
	bool skips = w->skip && w->skip->names(w->skip->of, path_inside(w, at));
	if (at->fts_level > 0 && (at->fts_name[0] == '.' || skips)) {
		(void)fts_set(tree, at, FTS_SKIP);
		return true;
	}
	if (at->fts_info == FTS_F || at->fts_info == FTS_SLNONE)
		return keep(w, at);
	if (at->fts_info == FTS_DC)
		return because(w->why, "the folder '%.250s' holds itself, by a link", at->fts_path);
	if (at->fts_info == FTS_ERR || at->fts_info == FTS_NS)
		return because(w->why, "cannot read '%.250s': %s", at->fts_path, strerror(at->fts_errno));
	return true; /* folders, devices */
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool tree_read(const char *folder, bool (*wanted)(const char *name), const TreeSkip *skip,
               Tree *tree, char why[WHY])
{
	*tree = (Tree){0};
	Walk w = {.folder = folder, .wanted = wanted, .skip = skip, .tree = tree, .why = why};
	FTS *all = fts_open((char *[]){(char *)folder, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	bool good = all || because(why, "cannot open '%.250s': %s", folder, strerror(errno));
	for (FTSENT *at; good && (at = fts_read(all));)
		good = visit(&w, all, at);
	if (all)
		(void)fts_close(all);
	if (!good)
		tree_close(tree);
	else if (tree->count)
		qsort(tree->path, tree->count, sizeof *tree->path, by_bytes);
	return good;
}

void tree_close(Tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->path[i]);
	free(tree->path);
	*tree = (Tree){0};
}

bool tree_is_folder(const char *path)
{
	struct stat is;
	return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}
