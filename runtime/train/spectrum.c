/* spectrum.c: the eigenvalues of a small symmetric matrix, and what they say of features.
 *
 * Householder's reflections make the matrix tridiagonal (Golub and Van Loan 2013, 8.3.1), Sturm's
 * sequences count eigenvalues below a number (8.4.1), bisection finds each: it always converges. */
#include "spectrum.h"

#include <math.h>
#include <stdlib.h>

/* a: [n, n] symmetric, overwritten; d: [n] the diagonal, e: [n] what is beside it, e[n - 1] unused.
 * v, w: [n] each. */
static void tridiagonal(double *a, size_t n, double *d, double *e, double *v, double *w)
{
	for (size_t k = 0; k + 2 < n; k++) {
		double square = 0, vw = 0, vv = 0;
		for (size_t i = k + 1; i < n; i++) {
			v[i] = a[i * n + k];
			square += v[i] * v[i];
		}
		e[k] = v[k + 1] > 0 ? -sqrt(square) : sqrt(square);
		v[k + 1] -= e[k];
		for (size_t i = k + 1; i < n; i++)
			vv += v[i] * v[i];
		if (vv == 0)
			continue;
		for (size_t i = k + 1; i < n; i++) {
			double sum = 0;
			for (size_t j = k + 1; j < n; j++)
				sum += a[i * n + j] * v[j];
			w[i] = 2 / vv * sum;
			vw += v[i] * w[i];
		}
		for (size_t i = k + 1; i < n; i++)
			w[i] -= vw / vv * v[i];
		for (size_t i = k + 1; i < n; i++)
			for (size_t j = k + 1; j < n; j++)
				a[i * n + j] -= v[i] * w[j] + w[i] * v[j];
	}
	if (n > 1)
		e[n - 2] = a[(n - 1) * n + n - 2];
	for (size_t i = 0; i < n; i++)
		d[i] = a[i * n + i];
}

static size_t below(const double *d, const double *e, size_t n, double x)
{
	size_t count = 0;
	double q = 1;
	for (size_t i = 0; i < n; i++) {
		double beside = i ? e[i - 1] * e[i - 1] : 0;
		q = d[i] - x - (beside > 0 ? beside / (q == 0 ? 1e-300 : q) : 0);
		count += q < 0;
	}
	return count;
}

bool eigenvalues(double *a, size_t n, double *value)
{
	double *d = calloc(4 * n + 1, sizeof *d), *e = d + n, low = 0, high = 0;
	if (!d)
		return false;
	tridiagonal(a, n, d, e, d + 2 * n, d + 3 * n);
	for (size_t i = 0; i < n; i++) { /* Gershgorin's circles */
		double beside = (i ? fabs(e[i - 1]) : 0) + (i + 1 < n ? fabs(e[i]) : 0);
		low = fmin(low, d[i] - beside);
		high = fmax(high, d[i] + beside);
	}
	for (size_t k = 0; k < n; k++) {
		double from = low, to = high;
		for (int round = 0; round < 100 && to - from > 1e-15 * (high - low); round++) {
			double middle = 0.5 * (from + to);
			if (below(d, e, n, middle) > k)
				to = middle;
			else
				from = middle;
		}
		value[k] = 0.5 * (from + to);
	}
	free(d);
	return true;
}

/* The smaller of x x' and x' x: [n, n], n = min(rows, columns); both have the squares of the
 * singular values. */
static void gram(const float *x, size_t rows, size_t columns, double *to)
{
	bool wide = columns > rows;
	size_t n = wide ? rows : columns, along = wide ? columns : rows;
	size_t own = wide ? columns : 1, next = wide ? 1 : columns;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = 0;
			for (size_t k = 0; k < along; k++)
				sum += (double)x[i * own + k * next] * (double)x[j * own + k * next];
			to[i * n + j] = to[j * n + i] = sum;
		}
}

double rank_me(const float *x, size_t rows, size_t columns)
{
	size_t n = rows < columns ? rows : columns;
	double *a = calloc(n * n + n + 1, sizeof *a), *value = a + n * n, sum = 0, entropy = 0;
	if (!a)
		return NAN;
	gram(x, rows, columns, a);
	for (size_t i = 0; i < n; i++)
		sum += a[i * n + i];
	if (!isfinite(sum) || !eigenvalues(a, n, value)) {
		free(a);
		return NAN;
	}
	sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += value[i] = sqrt(fmax(value[i], 0));
	for (size_t i = 0; i < n && sum > 0; i++) {
		double p = value[i] / sum;
		entropy -= p > 0 ? p * log(p) : 0;
	}
	free(a);
	return sum > 0 ? exp(entropy) : 0;
}

/* x[i] of unit length; of zeros: zeros. */
static double scale_of(const float *x, size_t columns)
{
	double square = 0;
	for (size_t k = 0; k < columns; k++)
		square += (double)x[k] * (double)x[k];
	return square > 0 ? 1 / sqrt(square) : 0;
}

double feature_std(const float *x, size_t rows, size_t columns)
{
	double variance = 0;
	double *mean = calloc(2 * columns + 1, sizeof *mean), *square = mean + columns;
	if (!mean)
		return NAN;
	for (size_t i = 0; i < rows; i++) {
		double scale = scale_of(x + i * columns, columns);
		for (size_t k = 0; k < columns; k++) {
			double z = scale * (double)x[i * columns + k];
			mean[k] += z / (double)rows;
			square[k] += z * z / (double)rows;
		}
	}
	for (size_t k = 0; k < columns; k++)
		variance += sqrt(fmax(0, square[k] - mean[k] * mean[k]));
	free(mean);
	return variance / sqrt((double)columns);
}

double uniformity(const float *x, size_t rows, size_t columns)
{
	double sum = 0;
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < i; j++) {
			const float *y = x + i * columns, *z = x + j * columns;
			double a = scale_of(y, columns), b = scale_of(z, columns), far = 0;
			for (size_t k = 0; k < columns; k++) {
				double d = a * (double)y[k] - b * (double)z[k];
				far += d * d;
			}
			sum += exp(-2 * far);
		}
	return log(2 * sum / ((double)rows * (double)(rows - 1)));
}
