/* windows.h: private to data/: samples of tokens, and labels that are texts. */
#ifndef SSLC_WINDOWS_H
#define SSLC_WINDOWS_H

#include "../text/text.h"
#include "data.h"
#include "slice.h"

/* -- windows.c --------------------------------------------------------------------------------- */

typedef struct Window {
	size_t from;     /* into the tokens */
	int32_t count;   /* at most as many as a window has */
	size_t document; /* which of the reader's it is of */
} Window;

/* Samples of a split: x i32[size] of a window's tokens, then zeros; length i32[]: how many are its own. */
typedef struct Windows {
	Tokens tokens;
	Window *at;
	size_t count, room;
	int32_t size;
} Windows;

/* A reader's window=N; 0: it is none. */
int32_t window_size(double window, char why[WHY]);
/* 'bytes', 'chars' (those of `text`), or a file of the folder that the arguments name. */
MUST_CHECK Tokenizer *tokenizer_named(const Arguments *a, const char *name, Slice text,
                                      char why[WHY]);
MUST_CHECK Windows *windows_open(int32_t size, char why[WHY]);
void windows_close(void *windows); /* NULL-safe */
/* All tokens from `from` on, every `stride` of them a window; the last may be shorter. The first `overlap`
 * of a window are the last ones of that before. whole: a shorter last one is left out. */
MUST_CHECK bool windows_cut(Windows *w, size_t from, int32_t overlap, bool whole, char why[WHY]);
/* A sample of the first tokens of a text. */
MUST_CHECK bool windows_add(Windows *w, const Tokenizer *t, Slice text, char why[WHY]);
/* The part takes the windows over, also on failure. `ids` are those of the tokenizer. */
void windows_fill(Windows *w, int32_t ids, Part *part);

/* -- labels.c ---------------------------------------------------------------------------------- */

/* Adds "label" to both parts: classes are the different texts in their order, those of whole numbers by
 * value. label[s] of count[s] samples of a split. */
MUST_CHECK bool labels_fill(Found *found, const Slice *const label[2], const size_t count[2],
                            char why[WHY]);

#endif
