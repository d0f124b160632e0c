/* listing.h: private to data/: the files that a reader takes, with their labels and splits. */
#ifndef SSLC_LISTING_H
#define SSLC_LISTING_H

#include "data.h"

typedef struct Listed {
	char *path;  /* from the folder on */
	char *label; /* NULL: none is asked for, or nothing says it */
	bool test;
} Listed;

typedef struct Listing {
	char folder[PATH];
	Listed *file; /* sorted by bytes of their paths, those of the train split first */
	int64_t count;
	bool listed; /* by a CSV file: each of them is wanted */
} Listing;

/* What a call asks for, in words of the model file. */
typedef struct Asked {
	const char *folder;
	/* "": none; "folder": the name of the folder that a file lies in; "name": its own without its end; else a CSV file
	 * of path,label, which says as well which files are taken. */
	const char *labels;
	const char *only;     /* patterns of paths, as the shell's, with commas between; "": all */
	const char *skip;     /* names of folders and files, with commas between */
	const char *hold_out; /* the same: they are the test split */
	const char
	    *group;       /* files whose names begin alike up to this text are in one split; "": none */
	double test;      /* share of the groups in the test split */
	const char *what; /* kind of file, in errors */
	const char *reader;               /* that is called */
	bool (*wanted)(const char *name); /* by the name of a file; NULL: all */
} Asked;

/* What readers of folders have in common: path, only, skip, hold_out and test; no labels and no groups. */
Asked listing_asked(const Arguments *a, const char *reader, const char *what);

/* False: nothing is there, or not as asked for; what was found is freed. */
MUST_CHECK bool listing_open(const Arguments *a, const Asked *asked, Listing *l, char why[WHY]);
/* The same without splits: sorted by paths alone. */
MUST_CHECK bool listing_find(const Arguments *a, const Asked *asked, Listing *l, char why[WHY]);
void listing_close(Listing *l);
/* mark.c: a number that other files, by their names and sizes, would hardly have; not 0. */
uint32_t listing_mark(const Listing *l);
/* Every file has a label. */
MUST_CHECK bool listing_labelled(const Listing *l, char why[WHY]);
/* The classes are the labels, sorted by bytes; their names go to `found`. labels: a number a file. */
MUST_CHECK bool listing_classes(const Listing *l, Found *found, int32_t **labels, char why[WHY]);
/* The group of a file, as a number. */
uint64_t listing_unit(const Asked *asked, const char *path);
/* One of the names, "a, b/c", is that of the file or of folders that hold it. */
bool listing_names(const char *names, const char *path);

#endif
