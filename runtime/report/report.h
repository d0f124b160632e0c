/* report.h: what a report of runs is made of: numbers, pictures, and the page that shows them.
 *
 * 1 Maps      pca.c, tsne.c: features as places on a plane
 * 2 Pictures  pictures.c: samples as PNG in the page
 * 3 Files     json_files.c: what a run wrote of itself
 * 4 Page      page.c: one HTML file, with its own style and script and no other reference
 *
 * Functions that can fail return false and say why, or that there is no memory. */
#ifndef SSLC_REPORT_H
#define SSLC_REPORT_H

#include "../train/train.h"

/* -- 1 Maps ------------------------------------------------------------------------------------ */

/* The first k principal components of x [n,d]: score [n,k] is where each row lies along them, share
 * [k] the part of the variance that each holds (0 where there is none). Of each component the largest
 * score is positive. False: no memory. */
MUST_CHECK bool pca(const float *x, int64_t n, int64_t d, int k, double *score, double *share);

/* t-SNE (van der Maaten and Hinton 2008), exact: n^2 numbers of memory and n^2 work a step. */
/* p [n,n]: symmetric affinities of the rows of x [n,d] that sum up to 1; around each row the width is
 * such that the entropy of its neighbours is log(perplexity). */
MUST_CHECK bool tsne_affinities(const float *x, int64_t n, int64_t d, double perplexity, double *p);
/* KL(p || q), where q are the affinities of the places y [n,2]; its gradient [n,2] by y, in which p counts
 * `exaggeration` times. */
double tsne_divergence(const double *p, const double *y, int64_t n);
void tsne_gradient(const double *p, const double *y, int64_t n, double exaggeration,
                   double *gradient);
/* From y [n,2], which it moves; returns KL(p || q) at the end, NaN: no memory. */
double tsne(const double *p, int64_t n, int steps, double *y);

/* -- 2 Pictures -------------------------------------------------------------------------------- */

typedef struct Picture {
	int width, height, channels; /* 1: grey, 3: red, green, blue */
	unsigned char *at;           /* [height,width,channels], the owner frees it */
} Picture;
/* How a sample of this shape is drawn: [h,w], [h,w,1], [h,w,3], with at least 4 pixels each way. False: not as a picture. */
bool picture_of_shape(int rank, const int64_t *dim, Picture *size);
/* The size of at most `side` pixels each way; then a sample in a smaller size, by averaging. */
Picture picture_fit(Picture sample, int side);
void picture_shrink(const float *x, Picture sample, Picture small, float *to);
/* `count` samples in cells of this size, in rows of `columns`. Values from low to high become black to
 * white. False: no memory. */
MUST_CHECK bool picture_sheet(const float *x, int64_t count, Picture sample, double low,
                              double high, int columns, Picture cell, Picture *sheet);
/* "data:image/png;base64,..."; returns how many bytes the PNG has, 0: no memory. */
size_t picture_write(const Picture *p, FILE *out);

/* -- 3 Files ----------------------------------------------------------------------------------- */

/* The lines of metrics.jsonl as {"loss": {"step": [...], "value": [...], "every": 1}, ...}, of each
 * curve every so many-th point, at most `most`. */
MUST_CHECK bool metrics_to_json(const char *path, size_t most, FILE *out, char why[WHY]);
/* profile.json with the `most` slowest kernels, their "count" and the seconds of the "others". */
MUST_CHECK bool profile_to_json(const char *path, size_t most, FILE *out, char why[WHY]);
/* A file that holds one JSON object, in one line. */
MUST_CHECK bool json_copy(const char *path, size_t unused, FILE *out, char why[WHY]);
/* What results.json says of a run: of a task (NULL: of its first) the score of the pre-trained
 * networks. A score is NaN where there is none. */
typedef struct RunScore {
	char task[128], metric[128];
	double score, loss, seconds,
	    seed; /* loss, seconds, seed: of pre-training, of several the last */
	bool higher_is_better;
	int64_t samples;
} RunScore;
MUST_CHECK bool results_read(const char *path, const char *task, RunScore *to, char why[WHY]);
/* A number of a JSON file's top object; NaN: there is none. */
double json_number_of(const char *path, const char *key);
/* A text of a JSON file's top object; the caller frees it; NULL: there is none. */
char *json_text_of(const char *path, const char *key);

/* -- 4 Page ------------------------------------------------------------------------------------ */

/* JSON, as it stands in the page; a NaN is null. */
void json_numbers(FILE *out, const double *value, int64_t count, int64_t stride, int digits);
typedef enum PageKind { PAGE_REPORT, PAGE_EXPLAIN } PageKind;
/* The page around `data`, a JSON object: whole or not at all. */
MUST_CHECK bool page_write(PageKind kind, const char *path, const char *title, const char *data,
                           size_t size, size_t *written, char why[WHY]);

#endif
