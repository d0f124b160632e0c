/* series.h: private to data/: windows of rows. */
#ifndef SSLC_SERIES_H
#define SSLC_SERIES_H

#include "data.h"

/* A reader's window=N and stride=N, in rows; a stride of 0 is a window. window=0: rows are samples. */
MUST_CHECK bool series_window(double window, double stride, Found *found, char why[WHY]);
/* Of arrays that were read: which rows follow each other, by the array of that name ("": all do) and by class, and, without
 * test files, which are of the test split: a share of the groups, or the end. */
MUST_CHECK bool series_rows(Found *found, const char *group, char why[WHY]);
/* So many of the groups are that share of them: at least one of several, never all. */
size_t series_share(size_t groups, double share);
/* Makes windows of the rows of every split, where the reader asked for them. */
MUST_CHECK bool series_cut(Found *found, char why[WHY]);

#endif
