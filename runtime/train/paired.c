/* paired.c: what two scores over the same samples tell of each other.
 *
 * Networks are scored on the same samples, so the difference is taken sample by sample, and what
 * the samples have in common drops out. Where all differences that are not 0 have one size, as of
 * right and wrong answers, the interval is exact: of the m samples that differ, k differ one way,
 * and k of m is binomial (McNemar 1947; the interval of Clopper and Pearson 1934). Else it is
 * Student's (1908), of the weighted mean. 0 lies outside of an interval of 95 % by chance in one
 * comparison of 20 at most, of networks that are equally good.
 *
 * Samples of one group are not independent. So a group is one value, the mean of its samples, which
 * weighs as much as they: the error is then the cluster-robust one, with G / (G - 1) and Student's
 * t of G - 1 for G groups (Cameron and Miller 2015, II and VI); where groups are drawn again, they
 * are drawn whole (Davison and Hinkley 1997, 3.8).
 *
 * Quantiles are found by halving in the incomplete beta function (DLMF 8.17). */
#include "train.h"

#include <math.h>

static const double TAIL = 0.025; /* on either side of an interval of 95 % */

/* The continued fraction of I_x(a, b), by Lentz's way (DLMF 8.17.22); quick for x < (a+1)/(a+b+2). */
static double beta_fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), value;
	d = 1 / (fabs(d) < tiny ? tiny : d);
	value = d;
	for (int m = 1; m < 100000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double factor = 1;
		for (int half = 0; half < 2; half++) {
			double term = half ? odd : even;
			d = 1 + term * d;
			c = 1 + term / c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = fabs(c) < tiny ? tiny : c;
			factor = c * d;
			value *= factor;
		}
		if (fabs(factor - 1) < 1e-15)
			break;
	}
	return value;
}

/* I_x(a, b): the share below x of the beta distribution. */
static double beta_share(double x, double a, double b)
{
	if (x <= 0 || x >= 1)
		return x > 0;
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(x, a, b) / a;
	return 1 - front * beta_fraction(1 - x, b, a) / b;
}

/* The x below which lies `share`. */
static double beta_quantile(double share, double a, double b)
{
	double low = 0, high = 1;
	for (int i = 0; i < 200 && low < high; i++) {
		double middle = low + (high - low) / 2;
		if (middle <= low || middle >= high)
			break;
		*(beta_share(middle, a, b) < share ? &low : &high) = middle;
	}
	return high;
}

/* The t that |T| exceeds in 5 % of cases, T of Student's distribution: I_{f/(f+t^2)}(f/2, 1/2). */
double student_95(double freedom)
{
	double x = beta_quantile(2 * TAIL, freedom / 2, 0.5);
	return sqrt(freedom * (1 - x) / x);
}

/* Of the probability of which k successes in m tries tell. */
void binomial_95(int64_t k, int64_t m, double *low, double *high)
{
	*low = k > 0 ? beta_quantile(TAIL, (double)k, (double)(m - k + 1)) : 0;
	*high = k < m ? beta_quantile(1 - TAIL, (double)(k + 1), (double)(m - k)) : 1;
}

typedef struct Signs {
	int64_t above, below; /* samples that differ, either way */
	double size;          /* of each difference; 0: of several sizes, or of weights that differ */
} Signs;

static Signs count_signs(const double *a, const double *b, const double *weight, size_t n)
{
	Signs s = {0};
	bool same = true;
	for (size_t i = 0; i < n; i++) {
		double d = a[i] - b[i], size = fabs(d);
		same &= weight[i] == weight[0];
		if (size == 0)
			continue;
		same &= s.above + s.below == 0 || fabs(size - s.size) <= 1e-6 * size;
		s.size = size;
		s.above += d > 0;
		s.below += d < 0;
	}
	s.size = same ? s.size : 0;
	return s;
}

static Interval exact(Signs s, size_t n)
{
	double share = s.size / (double)n, low, high, m = (double)(s.above + s.below);
	binomial_95(s.above, s.above + s.below, &low, &high);
	return (Interval){share * (double)(s.above - s.below), share * m * (2 * low - 1),
	                  share * m * (2 * high - 1)};
}

static double difference(const double *a, const double *b, size_t i)
{
	return b ? a[i] - b[i] : a[i];
}

Interval mean_95(const double *a, const double *b, const double *weight, size_t n)
{
	double all = 0, mean = 0, square = 0;
	for (size_t i = 0; i < n; i++)
		all += weight[i];
	for (size_t i = 0; i < n; i++)
		mean += weight[i] / all * difference(a, b, i);
	for (size_t i = 0; i < n; i++) {
		double off = weight[i] / all * (difference(a, b, i) - mean);
		square += off * off;
	}
	if (n < 2)
		return (Interval){mean, -INFINITY, INFINITY};
	double error = sqrt(square * (double)n / (double)(n - 1)), t = student_95((double)(n - 1));
	return (Interval){mean, mean - t * error, mean + t * error};
}

int64_t pool_groups(double *value, double *weight, int64_t values, const Groups *g)
{
	int64_t pooled = 0; /* at most the first value of the group: what is written was read */
	for (int64_t k = 0; k < g->count; k++) {
		double sum = 0, all = 0;
		for (int64_t i = g->first[k]; i < g->first[k + 1]; i++) {
			int64_t at = g->at[i];
			sum += at < values ? weight[at] * value[at] : 0;
			all += at < values ? weight[at] : 0;
		}
		if (all <= 0)
			continue;
		value[pooled] = sum / all;
		weight[pooled++] = all;
	}
	return g->at ? pooled : values;
}

Interval resampled_95(double gain, const double *a, const double *b, size_t n, int64_t drawn)
{
	double mean = 0, square = 0;
	for (size_t i = 0; i < n; i++)
		mean += (a[i] - b[i]) / (double)n;
	for (size_t i = 0; i < n; i++)
		square += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
	if (n < 2 || drawn < 2)
		return (Interval){gain, -INFINITY, INFINITY};
	double freedom = fmin((double)n, (double)drawn) - 1;
	double few = (double)drawn / (double)(drawn - 1); /* draws vary less than what is drawn */
	double half = student_95(freedom) * sqrt(few * square / (double)(n - 1));
	return (Interval){gain, gain - half, gain + half};
}

Interval paired_95(const double *a, const double *b, const double *weight, size_t n)
{
	Signs s = count_signs(a, b, weight, n);
	if (n < 2) /* one batch, or one sample: nobody knows what another would have shown */
		return mean_95(a, b, weight, n);
	if (s.above + s.below == 0)
		return (Interval){0, 0, 0};
	return s.size > 0 ? exact(s, n) : mean_95(a, b, weight, n);
}
