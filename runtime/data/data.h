/* data.h: private to data/: what a reader is given, and what it fills. */
#ifndef SSLC_DATA_H
#define SSLC_DATA_H

#include "../runtime.h"

/* -- Arguments: arguments.c -------------------------------------------------------------------- */

enum { MOST_ARGUMENTS = 24 };

/* "name=otherwise" of readers.def. */
typedef struct Parameter {
	char name[32];
	char otherwise[128]; /* "": required */
} Parameter;

/* Arguments of a reader, each at the place of its parameter. */
typedef struct Arguments {
	int count;
	const char *text[MOST_ARGUMENTS]; /* NULL: a number, or a call */
	double number[MOST_ARGUMENTS];
	const sslc_call *call[MOST_ARGUMENTS];
	sslc_argument more
	    [MOST_ARGUMENTS]; /* of a reader whose parameters end in "..." (texts of other names) or "...()" (calls) */
	size_t more_count;
	bool keys;                           /* the reader is to say what its samples are called */
	const char *folder;                  /* where relative paths begin; NULL: the working one */
	Parameter parameter[MOST_ARGUMENTS]; /* owns the texts of defaults */
} Arguments;

/* False: an argument has no place, is missing, or is of the wrong kind. */
MUST_CHECK bool arguments_match(const sslc_call *call, const char *parameters, Arguments *a,
                                char why[WHY]);
/* The value of a parameter of the reader's row in readers.def. */
const char *argument_text(const Arguments *a, const char *name);
double argument_number(const Arguments *a, const char *name);
/* The reader has a parameter of that name. */
bool arguments_have(const Arguments *a, const char *name);
/* A path as the model file wrote it, from the folder on. */
enum { PATH = 4096 };
MUST_CHECK bool arguments_path(const Arguments *a, const char *name, char path[PATH],
                               char why[WHY]);

/* The next of "a, b c, d", without the spaces around it, and *list behind it; NULL: there is none. */
const char *listed_next(const char **list, size_t *size);

/* Which samples, groups or documents are held out: the same ones in every run. */
enum { SPLIT_SEED = 0x5e1f };
/* found.c: whether a reader's test=share is one. */
MUST_CHECK bool split_share(double share, char why[WHY]);

/* -- What a reader found ----------------------------------------------------------------------- */

/* A named array of a split. dim[0] counts the samples, the other axes are those of one. */
typedef struct Field {
	const char *name; /* lives as long as the data */
	Array array;   /* at NULL: not in memory, decoded sample by sample; a "label" is always there */
	bool copied;   /* at NULL, but no more than a copy of what is in memory */
	int64_t below; /* of integers: all are in [0, below); 0: nobody knows */
	bool is_label; /* of a joined reader: -1 or NaN says that its sample has none */
} Field;

/* The samples of a split: the fields of one are at the same place of every array. */
typedef struct Part {
	Field field[SSLC_MAX_FIELDS]; /* "x" first */
	size_t count;                 /* of fields */
	/* Writes those fields of a sample that are not in memory to to[field]. Called by any thread, by
	 * several at once; the same sample is always the same bits. */
	bool (*decode)(void *source, int64_t sample, void *const to[], char why[WHY]);
	/* Those of these fields that are `copied`, where to[field] is not NULL: cheap. NULL: none is. */
	void (*copy)(void *source, int64_t sample, void *const to[]);
	void (*close)(void *source);
	void *source; /* NULL: nothing to close */
} Part;

/* What a reader found. */
typedef struct Found {
	Part part[2];    /* by Split; without test samples: of no fields */
	double held_out; /* this share of the train samples becomes the test split; 0: none */
	/* Of series: rows of a window (0: a row is a sample), and from one to the next; rows that follow each other are of one
	 * stretch [rows of a split], and no window goes beyond it. A window's label and group are its last row's. */
	int64_t window, stride;
	uint32_t *stretch[2]; /* by Split */
	const char *group;    /* the name of a field; NULL: of none */
	/* What belongs together (apart.c): units, by Split, numbers [samples; of a series: rows] that are equal where samples
	 * do (NULL: none do), and whether samples of one unit follow each other, each with something of the `overlap` behind
	 * it. */
	uint64_t *unit[2];
	bool in_order;
	int64_t overlap;
	const char
	    *unlabelled;   /* what stands as a label where there is none, as nothing does; NULL: "" */
	bool names_none;   /* a label of the data is that text */
	bool lacks_labels; /* a label of -1, or with NaN, says that there is none */
	/* Names of the classes, one allocation each and one for the list; NULL: they have none. */
	char **class_name;
	int64_t class_count;
	char *field_name[SSLC_MAX_FIELDS]; /* those that the model file gave */
	size_t names;
	char **key
	    [2]; /* what the samples of a split are called, one allocation each; NULL: nothing asked */
	char note[WHY];  /* for the user, what was left out; "": nothing */
	char *tokenizer; /* tokenizer.json, of which the integers of x are ids; NULL: of none */
	size_t tokens;   /* the field that is said to be x here */
	uint32_t mark;   /* of the files that samples are decoded from; 0: they are not */
} Found;

/* Adds a field to a part, for the caller to fill. */
Field *part_add(Part *part, const char *name);
/* A copy, which `found` keeps, of the name that the model file gives to a field; `others`: fields that have no such name.
 * NULL: there are too many. */
const char *found_name(Found *found, size_t others, const char *name, char why[WHY]);

/* False: why; what was found until then is in `found`, and the caller frees it. */
typedef bool (*Reader)(const Arguments *a, Found *found, char why[WHY]);
#define READER(name, parameters, meaning)                                                          \
	bool read_##name(const Arguments *a, Found *found, char why[WHY]);
#include "readers.def"
#undef READER

/* -- Samples: dataset.c ------------------------------------------------------------------------ */

/* Where the samples of a split stand: both splits in one part, if data_is_shared. */
const Part *data_part(const Data *d, Split s);
const Found *data_found(const Data *d);
bool data_is_shared(const Data *d);

/* -- NumPy: npy.c ------------------------------------------------------------------------------ */

enum { NPY_BEGIN = 12 };
/* How many bytes a .npy file has that begins with these, NPY_BEGIN at least: its header alone, as long as that is not
 * all there, then all of it. */
MUST_CHECK bool npy_extent(const void *begin, size_t size, size_t *whole, char why[WHY]);

/* -- Checks and splits: found.c ---------------------------------------------------------------- */

/* Every field fits the others; labels become i32 of one axis. classes: above the largest label. */
MUST_CHECK bool found_check(Found *found, int64_t *classes, char why[WHY]);
void found_close(Found *found);
/* mark.c: a number that other samples would hardly have. */
uint32_t found_mark(const Found *found);
/* Sets the key of sample i of a split; a path loses its end. */
MUST_CHECK bool found_key(Found *found, Split s, int64_t i, const char *name, bool is_path,
                          char why[WHY]);
/* The classes are the labels of all samples, sorted by bytes, each once, but for those that
 * say that there is none. Takes the list over (NULL:
 * there was no memory for it), but not the texts in it, of which it keeps copies. */
MUST_CHECK bool found_classes(Found *found, char **label, int64_t count, char why[WHY]);
/* The number of the class that is named by one of these labels; -1: it says that there is none. */
int32_t found_class(Found *found, const char *label);
/* The sample has a label: of i32 or f32, as found_check leaves them. */
bool found_has_label(const Array *label, int64_t row);
/* The label says that there is none. */
bool found_unlabelled(const Found *found, const char *label, size_t size);

/* dataset.c: finds the reader of a call, and calls it. False: why, and nothing is left in `found`. */
MUST_CHECK bool found_open(const sslc_call *call, const char *folder, bool keys, Found *found,
                           char why[WHY]);
/* Takes what was found, or frees it. NULL: it does not fit together. */
MUST_CHECK Data *data_new(Found *found, char why[WHY]);

#endif
