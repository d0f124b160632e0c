/* screen.h: private to progress.c: the lines of `sslc run --live`. */
#ifndef SSLC_SCREEN_H
#define SSLC_SCREEN_H

#include "../runtime.h"

typedef struct Screen Screen;
MUST_CHECK Screen *screen_open(FILE *out);
void screen_close(Screen *s); /* NULL-safe */
/* The next value of a metric; others than the first 16 are not shown. */
void screen_metric(Screen *s, const char *name, double value);
/* Of the terminal, in characters; 80 where it does not say. */
int screen_width(FILE *out);
/* Draws the screen anew: `count` lines of `head`, then one a metric, each no wider than the terminal. */
void screen_draw(Screen *s, const char *const *head, int count);

#endif
