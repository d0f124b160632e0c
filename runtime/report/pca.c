/* pca.c: principal components by subspace iteration (Golub and Van Loan, 8.2.4) on the smaller of
 * the two products of the centred rows: covariances of columns, or of rows.
 *
 * A few columns more than are asked for are iterated, so that what is asked for converges by the gap
 * to the first that is not. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MORE = 6, STEPS = 500 };

typedef struct Space {
	double *c;     /* [m,m] symmetric */
	double *v, *w; /* [p,m] */
	int64_t m;
	int p;
} Space;

static double dot(const double *a, const double *b, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Makes the rows of v orthonormal; one that depends on others becomes 0. */
static void orthonormal(double *v, int p, int64_t m)
{
	for (int i = 0; i < p; i++) {
		double *a = v + i * m, before = sqrt(dot(a, a, m));
		for (int round = 0; round < 2; round++)
			for (int j = 0; j < i; j++) {
				double along = dot(a, v + j * m, m);
				for (int64_t k = 0; k < m; k++)
					a[k] -= along * v[j * m + k];
			}
		double length = sqrt(dot(a, a, m));
		for (int64_t k = 0; k < m; k++)
			a[k] = length > 1e-10 * before ? a[k] / length : 0;
	}
}

static void multiply(const Space *s)
{
	for (int i = 0; i < s->p; i++)
		for (int64_t k = 0; k < s->m; k++)
			s->w[i * s->m + k] = dot(s->c + k * s->m, s->v + i * s->m, s->m);
}

/* The eigenvectors of the small a [p,p] as rows of q, by Jacobi's rotations. */
static void jacobi(double *a, double *q, int p)
{
	for (int i = 0; i < p * p; i++)
		q[i] = i % (p + 1) == 0;
	for (int round = 0; round < 60; round++)
		for (int i = 0; i < p; i++)
			for (int j = i + 1; j < p; j++) {
				double off = a[i * p + j];
				if (off == 0)
					continue;
				double angle = 0.5 * atan2(2 * off, a[i * p + i] - a[j * p + j]);
				double cosine = cos(angle), sine = sin(angle);
				for (int k = 0; k < p; k++) {
					double x = a[i * p + k], y = a[j * p + k];
					a[i * p + k] = cosine * x + sine * y;
					a[j * p + k] = cosine * y - sine * x;
					x = q[i * p + k], y = q[j * p + k];
					q[i * p + k] = cosine * x + sine * y;
					q[j * p + k] = cosine * y - sine * x;
				}
				for (int k = 0; k < p; k++) {
					double x = a[k * p + i], y = a[k * p + j];
					a[k * p + i] = cosine * x + sine * y;
					a[k * p + j] = cosine * y - sine * x;
				}
			}
}

/* Turns v to the eigenvectors within its space, the largest first; value [p]. w = v c. */
static bool ritz(Space *s, double *value)
{
	int p = s->p;
	double *a = calloc((size_t)p * (size_t)p * 2, sizeof *a), *q = a ? a + p * p : NULL;
	double *turned = calloc((size_t)p * (size_t)s->m, sizeof *turned);
	for (int i = 0; a && i < p; i++)
		for (int j = 0; j < p; j++)
			a[i * p + j] = dot(s->v + i * s->m, s->w + j * s->m, s->m);
	if (a && turned) {
		jacobi(a, q, p);
		for (int i = 0; i < p; i++) {
			int rank = 0; /* of a[i,i] among the others */
			for (int j = 0; j < p; j++)
				rank += a[j * p + j] > a[i * p + i] || (a[j * p + j] == a[i * p + i] && j < i);
			value[rank] = a[i * p + i];
			for (int j = 0; j < p; j++)
				for (int64_t k = 0; k < s->m; k++)
					turned[rank * s->m + k] += q[i * p + j] * s->v[j * s->m + k];
		}
		memcpy(s->v, turned, (size_t)p * (size_t)s->m * sizeof *turned);
	}
	bool good = a && turned;
	free(a);
	free(turned);
	return good;
}

static bool iterate(Space *s, double *value)
{
	const uint32_t key[2] = {1, 2};
	for (int64_t i = 0; i < s->p * s->m; i++) {
		uint32_t bits[4];
		philox4x32((uint32_t[]){(uint32_t)i, 0, 0, 0}, key, bits);
		s->v[i] = bits[0] / 4294967296.0 - 0.5;
	}
	orthonormal(s->v, s->p, s->m);
	double before = -1;
	for (int step = 0; step < STEPS; step++) {
		multiply(s);
		double sum = 0;
		for (int i = 0; i < s->p; i++)
			sum += dot(s->w + i * s->m, s->w + i * s->m, s->m);
		if (step > 20 && fabs(sum - before) <= 1e-14 * sum)
			break;
		before = sum;
		memcpy(s->v, s->w, (size_t)s->p * (size_t)s->m * sizeof *s->v);
		orthonormal(s->v, s->p, s->m);
	}
	multiply(s);
	return ritz(s, value);
}

/* x [n,d] without the mean of each column, and transposed if rows are fewer; its rows are dotted. */
static double *centred(const float *x, int64_t n, int64_t d, bool of_rows)
{
	double *y = malloc((size_t)(n * d + 1) * sizeof *y);
	for (int64_t j = 0; y && j < d; j++) {
		double mean = 0;
		for (int64_t i = 0; i < n; i++)
			mean += x[i * d + j] / (double)n;
		for (int64_t i = 0; i < n; i++)
			y[of_rows ? i * d + j : j * n + i] = x[i * d + j] - mean;
	}
	return y;
}

/* The component's scores: those of the rows themselves, or of columns by which they are made. */
static void place(const double *y, int64_t n, int64_t d, const double *v, double value,
                  bool of_rows, double *score, int k)
{
	int64_t most = 0;
	for (int64_t i = 0; i < n; i++) {
		double at = of_rows ? v[i] * sqrt(value > 0 ? value : 0) : 0;
		for (int64_t j = 0; !of_rows && j < d; j++)
			at += y[j * n + i] * v[j];
		score[i * k] = at;
		most = fabs(at) > fabs(score[most * k]) ? i : most;
	}
	double sign = score[most * k] < 0 ? -1 : 1;
	for (int64_t i = 0; i < n; i++)
		score[i * k] *= sign;
}

bool pca(const float *x, int64_t n, int64_t d, int k, double *score, double *share)
{
	bool of_rows = n < d;
	int64_t m = of_rows ? n : d, length = of_rows ? d : n;
	Space s = {.m = m, .p = k + MORE < m ? k + MORE : (int)m};
	double *y = centred(x, n, d, of_rows), *value = calloc((size_t)s.p + 1, sizeof *value);
	s.c = malloc((size_t)(m * m + 1) * sizeof *s.c);
	s.v = malloc((size_t)(s.p * m + 1) * sizeof *s.v);
	s.w = malloc((size_t)(s.p * m + 1) * sizeof *s.w);
	bool good = y && value && s.c && s.v && s.w;
	double total = 0;
	for (int64_t i = 0; good && i < m; i++)
		for (int64_t j = 0; j <= i; j++)
			s.c[i * m + j] = s.c[j * m + i] = dot(y + i * length, y + j * length, length);
	for (int64_t i = 0; good && i < m; i++)
		total += s.c[i * m + i];
	good = good && iterate(&s, value);
	for (int i = 0; good && i < k; i++) {
		share[i] = i < s.p && total > 0 && value[i] > 0 ? value[i] / total : 0;
		if (i < s.p)
			place(y, n, d, s.v + i * m, value[i], of_rows, score + i, k);
		else
			for (int64_t j = 0; j < n; j++)
				score[j * k + i] = 0;
	}
	free(y);
	free(value);
	free(s.c);
	free(s.v);
	free(s.w);
	return good;
}
