/* share.h: which cases of a test run. Most tests go over sizes, types, processors; each case is
 * compiled by LLVM, which takes the time.
 *
 * SSLC_TESTS=all runs all of them (tests/nights.sh). Otherwise one in a few does, in a sanitized
 * build one in more: the first of every test always, so that every path is taken. */
#ifndef SSLC_TEST_SHARE_H
#define SSLC_TEST_SHARE_H

#include <stdbool.h>

bool every_case_runs(void); /* SSLC_TESTS=all */
/* Asked once a case, in a fixed order. */
bool case_runs(void);
/* The same where each case is another subject, a model say, and not another size of one: all run, but
 * one in 14 in a sanitized build. */
bool subject_runs(void);
/* Of `ways` to check the same case, whether this one does. Which do changes with the cases. */
bool way_runs(int way, int ways);

#endif
