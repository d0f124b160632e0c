/* tree.c: walks a folder, its folders, and so on. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree.h"

enum { DEEPEST = 32, LONGEST = 4096 };

typedef struct Walk {
	const char *folder;
	bool (*wanted)(const char *name);
	Tree *tree;
	size_t room;
	char *why;
} Walk;

static bool keep(Walk *w, const char *path)
{
	Tree *t = w->tree;
	char **more = memory_grow(t->path, &w->room, t->count + 1, sizeof *more);
	if (!more)
		return because(w->why, "no memory for the names of %zu files", t->count + 1);
	t->path = more;
	t->path[t->count] = strdup(path);
	return t->path[t->count++] || because(w->why, "no memory for the name of a file");
}

static bool walk(Walk *w, const char *inside, int depth);

/* One entry of the folder `inside`, which ends in / unless it is the first. */
static bool visit(Walk *w, const char *inside, const char *name, int depth)
{
	char path[LONGEST], full[2 * LONGEST];
	struct stat is;
	if (name[0] == '.')
		return true;
	if (snprintf(path, sizeof path, "%s%s", inside, name) >= LONGEST - 1)
		return because(w->why, "a path in '%.200s' is too long", w->folder);
	snprintf(full, sizeof full, "%.4000s/%s", w->folder, path);
	if (stat(full, &is) != 0 && (errno == ENOENT || errno == ELOOP))
		return !w->wanted(name) || keep(w, path);
	if (stat(full, &is) != 0)
		return because(w->why, "cannot read '%.250s': %s", full, strerror(errno));
	if (S_ISREG(is.st_mode))
		return !w->wanted(name) || keep(w, path);
	if (!S_ISDIR(is.st_mode))
		return true;
	if (depth == DEEPEST)
		return because(w->why, "'%.250s' is %d folders deep: does a link lead back?", full, depth);
	strcat(path, "/");
	return walk(w, path, depth + 1);
}

static bool walk(Walk *w, const char *inside, int depth)
{
	char full[2 * LONGEST];
	snprintf(full, sizeof full, "%.4000s/%s", w->folder, inside);
	DIR *folder = opendir(full);
	if (!folder)
		return because(w->why, "cannot read the folder '%.250s': %s", full, strerror(errno));
	bool good = true;
	for (const struct dirent *e; good && (e = readdir(folder));)
		good = visit(w, inside, e->d_name, depth);
	closedir(folder);
	return good;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool tree_read(const char *folder, bool (*wanted)(const char *name), Tree *tree, char why[WHY])
{
	*tree = (Tree){0};
	Walk w = {.folder = folder, .wanted = wanted, .tree = tree, .why = why};
	if (!walk(&w, "", 0)) {
		tree_close(tree);
		return false;
	}
	if (tree->count)
		qsort(tree->path, tree->count, sizeof *tree->path, by_bytes);
	return true;
}

void tree_close(Tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free(tree->path[i]);
	free(tree->path);
	*tree = (Tree){0};
}
