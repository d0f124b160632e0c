/* spectrum.h: what a batch of features says of itself. x is [rows, columns], each row a sample. */
#ifndef SSLC_SPECTRUM_H
#define SSLC_SPECTRUM_H

#include <stdbool.h>
#include <stddef.h>

/* a: [n, n] symmetric, overwritten. value: [n], rising; right to about 1e-14 of the largest. False:
 * no memory. */
bool eigenvalues(double *a, size_t n, double *value);
/* RankMe (Garrido et al. 2023): exp of the entropy of the singular values, divided by their sum: how
 * many dimensions the features use, from 1 to min(rows, columns). 0: all are 0; NaN: not finite. */
double rank_me(const float *x, size_t rows, size_t columns);
/* Of features of unit length: the standard deviation of a column over the rows, averaged and times
 * sqrt(columns): 0 where all samples are the same, about 1 where they lie on the sphere evenly
 * (Chen and He 2021). */
double feature_std(const float *x, size_t rows, size_t columns);
/* Of features of unit length: log of the mean over pairs of exp(-2 distance^2): 0 where all are the
 * same, the lower the more even (Wang and Isola 2020). */
double uniformity(const float *x, size_t rows, size_t columns);

#endif
