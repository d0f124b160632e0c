/* refused.h: what the tests of readers ask of data that is wrong. */
#ifndef SSLC_TEST_REFUSED_H
#define SSLC_TEST_REFUSED_H

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

#include "../../runtime/data/data.h"

/* The reader has opened nothing, and says why with this word in it. */
static inline void refused(Data *d, const char *why, const char *word)
{
	if (d || !strstr(why, word))
		fprintf(stderr, "\n    %s: %s\n", word, d ? "accepted" : why);
	CU_ASSERT(!d && strstr(why, word));
	data_close(d);
}

#endif
