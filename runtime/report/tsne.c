/* tsne.c: t-SNE (van der Maaten and Hinton 2008), exact, in double, one thread: the same map for the
 * same features. Early exaggeration, momentum and gains are theirs; the step length is max(n / 48,
 * 50), of Belkina et al. 2019. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double distance(const float *a, const float *b, int64_t d)
{
	double sum = 0;
	for (int64_t i = 0; i < d; i++) {
		double by = (double)a[i] - b[i];
		sum += by * by;
	}
	return sum;
}

/* Row i: squared distances become affinities whose entropy is `entropy`, by bisection of the
 * precision. They are taken from the nearest, so that the nearest never vanishes. */
static void calibrate(double *row, int64_t n, int64_t i, double entropy)
{
	double nearest = INFINITY, mean = 0;
	for (int64_t j = 0; j < n; j++)
		if (j != i) {
			nearest = row[j] < nearest ? row[j] : nearest;
			mean += row[j] / (double)n;
		}
	double low = 0, high = INFINITY, precision = mean > nearest ? 1 / (mean - nearest) : 1;
	double sum = 1;
	for (int round = 0; round < 100; round++) {
		double weighed = 0;
		sum = 0;
		for (int64_t j = 0; j < n; j++) {
			double by = row[j] - nearest, p = j == i ? 0 : exp(-precision * by);
			sum += p;
			weighed += j == i ? 0 : p * by;
		}
		double off = log(sum) + precision * weighed / sum - entropy;
		if (fabs(off) < 1e-8 || precision > 1e300)
			break;
		if (off > 0)
			low = precision;
		else
			high = precision;
		precision = isinf(high) ? 2 * precision : (low + high) / 2;
	}
	for (int64_t j = 0; j < n; j++)
		row[j] = j == i ? 0 : exp(-precision * (row[j] - nearest)) / sum;
}

bool tsne_affinities(const float *x, int64_t n, int64_t d, double perplexity, double *p)
{
	if (n < 2)
		return false;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j <= i; j++)
			p[i * n + j] = p[j * n + i] = i == j ? 0 : distance(x + i * d, x + j * d, d);
	double entropy = log(perplexity < 1 ? 1 : perplexity);
	for (int64_t i = 0; i < n; i++)
		calibrate(p + i * n, n, i, entropy);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < i; j++)
			p[i * n + j] = p[j * n + i] = (p[i * n + j] + p[j * n + i]) / (2 * (double)n);
	return true;
}

/* The sum over pairs of Student's weights 1 / (1 + distance^2). */
static double weights(const double *y, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < i; j++) {
			double a = y[2 * i] - y[2 * j], b = y[2 * i + 1] - y[2 * j + 1];
			sum += 2 / (1 + a * a + b * b);
		}
	return sum;
}

double tsne_divergence(const double *p, const double *y, int64_t n)
{
	double sum = weights(y, n), divergence = 0;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < i; j++) {
			double a = y[2 * i] - y[2 * j], b = y[2 * i + 1] - y[2 * j + 1];
			double own = p[i * n + j], q = 1 / (1 + a * a + b * b) / sum;
			divergence += own > 0 ? 2 * own * log(own / q) : 0;
		}
	return divergence;
}

void tsne_gradient(const double *p, const double *y, int64_t n, double exaggeration,
                   double *gradient)
{
	double sum = weights(y, n);
	memset(gradient, 0, (size_t)(2 * n) * sizeof *gradient);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < i; j++) {
			double a = y[2 * i] - y[2 * j], b = y[2 * i + 1] - y[2 * j + 1];
			double w = 1 / (1 + a * a + b * b);
			double pull = 4 * (exaggeration * p[i * n + j] - w / sum) * w;
			gradient[2 * i] += pull * a;
			gradient[2 * i + 1] += pull * b;
			gradient[2 * j] -= pull * a;
			gradient[2 * j + 1] -= pull * b;
		}
}

double tsne(const double *p, int64_t n, int steps, double *y)
{
	enum { EARLY = 250 };
	double *moved = calloc((size_t)(6 * n), sizeof *moved), *gain = moved + 2 * n,
	       *gradient = moved + 4 * n;
	if (!moved)
		return NAN;
	for (int64_t i = 0; i < 2 * n; i++)
		gain[i] = 1;
	double length = (double)n / 48 < 50 ? 50 : (double)n / 48;
	for (int step = 0; step < steps; step++) {
		bool early = step < EARLY && step < steps / 2;
		tsne_gradient(p, y, n, early ? 12 : 1, gradient);
		double middle[2] = {0};
		for (int64_t i = 0; i < 2 * n; i++) {
			gain[i] = (gradient[i] > 0) != (moved[i] > 0) ? gain[i] + 0.2 : gain[i] * 0.8;
			gain[i] = gain[i] < 0.01 ? 0.01 : gain[i];
			moved[i] = (early ? 0.5 : 0.8) * moved[i] - length * gain[i] * gradient[i];
			y[i] += moved[i];
			middle[i % 2] += y[i] / (double)n;
		}
		for (int64_t i = 0; i < 2 * n; i++)
			y[i] -= middle[i % 2];
	}
	free(moved);
	return tsne_divergence(p, y, n);
}
