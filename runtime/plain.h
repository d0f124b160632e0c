/* plain.h: numbers are written with a point, also in a program whose locale has a comma.
 *
 * A program that shows windows calls setlocale(LC_ALL, ""); strtod then reads 0.01 as 0, and printf writes 0,01. */
#ifndef SSLC_PLAIN_H
#define SSLC_PLAIN_H

#include <locale.h>

/* From here on this thread is in the locale "C", which is always there and takes nothing; gives the one before. */
static inline locale_t plain_begin(void)
{
	return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static inline void plain_end(locale_t before)
{
	uselocale(before);
}

#endif
