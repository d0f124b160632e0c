/* report.h: what sslc report gathers of a run by running its functions. */
#ifndef SSLC_COMMAND_REPORT_H
#define SSLC_COMMAND_REPORT_H

#include "../../runtime/report/report.h"
#include "command.h"
#include "session.h"

enum { SHOWN = 8, VIEWS = 16, MAP_SIDE = 32 };

/* A view of the samples that are shown: x itself, one of "pretext", what a network makes of them. */
typedef struct View {
	const char *name;
	int rank;
	int64_t dim[SSLC_MAX_RANK]; /* of one sample */
	float *at;                  /* [SHOWN,dim...] */
} View;

typedef struct Seen {
	int64_t samples, width; /* rows of features, and numbers in each */
	int64_t *row;           /* [samples] of the split */
	Split split;
	float *feature;    /* [samples,width]; NULL: why is in no_features */
	sslc_tensor shape; /* of one x */
	float *x;          /* [shown,dim...] as the model sees them: u8 from 0 to 1 */
	float *spare;      /* [dim...] */
	Picture cell;      /* if they are pictures: their size on a map; width 0: they are none */
	float *thumb;      /* [samples,cell...] */
	int32_t *label;    /* [samples]; NULL: there are none */
	View view[VIEWS];
	size_t views;
	int64_t shown; /* at most SHOWN */
	char no_features[WHY], no_views[WHY];
} Seen;

/* Runs "features" and "views" on `samples` of the data, which are the same ones for runs of the same
 * data. False: no memory. What the model does not have is said in no_features, no_views. */
bool seen_open(Seen *s, Session *session, Engine *e, int64_t samples, Failure *f);
void seen_close(Seen *s);

/* One map of samples: what they look like, shared by all runs on the same data. */
typedef struct Atlas {
	Picture cell;
	float *thumb; /* [count,cell...] */
	int64_t count;
	bool unit; /* its values are from 0 to 1 */
} Atlas;

#endif
