/* diff.h: what differs between two texts of dumps. */
#ifndef SSLC_DIFF_H
#define SSLC_DIFF_H

#include <stdbool.h>

/* Prints lines that are gone (-), new (+), or of other operands (< >), and how many. False: no
 * memory. */
bool diff_print(const char *before, const char *after, bool colour);

#endif
