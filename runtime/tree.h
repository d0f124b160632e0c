/* tree.h: private to runtime/: the files under a folder. */
#ifndef SSLC_TREE_H
#define SSLC_TREE_H

#include "runtime.h"

/* Paths from the folder on, sorted by bytes. */
typedef struct Tree {
	char **path;
	size_t count;
} Tree;

/* What is not looked at, nor into: where names(of, path from the folder on) is true. */
typedef struct TreeSkip {
	bool (*names)(const char *of, const char *path);
	const char *of;
} TreeSkip;

/* Regular files under `folder`, at any depth, that `wanted` (NULL: all) takes by their name, but for those that
 * `skip` (NULL: none) leaves out. Links are followed (where they lead nowhere, what opens them says so); names
 * that begin with a dot are left out. False: a folder cannot be read, or a link leads back to one that holds it; what
 * was found is freed. */
MUST_CHECK bool tree_read(const char *folder, bool (*wanted)(const char *name),
                          const TreeSkip *skip, Tree *tree, char why[WHY]);
void tree_close(Tree *tree);
bool tree_is_folder(const char *path); /* or a link to one */

#endif
