/* test_verdict.c: whether a difference of scores is more than noise.
 *
 * Truths: published tables of Student's t and of Clopper and Pearson's intervals, closed forms of
 * small cases, NumPy's sums of cluster-robust variances, and simulations with fixed seeds in which it is known what is true. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/train/train.h"

static bool is_near(double a, double b)
{
	return fabs(a - b) <= 6e-5 * fmax(1, fabs(b));
}

static void quantiles_are_those_of_the_tables(void)
{
	CU_ASSERT(is_near(student_95(1), 12.7062));
	CU_ASSERT(is_near(student_95(2), 4.3027));
	CU_ASSERT(is_near(student_95(4), 2.7764));
	CU_ASSERT(is_near(student_95(30), 2.0423));
	CU_ASSERT(is_near(student_95(120), 1.9799));
	CU_ASSERT(is_near(student_95(1e6), 1.95997));
	double low, high;
	binomial_95(8, 10, &low, &high);
	CU_ASSERT(is_near(low, 0.4439) && is_near(high, 0.9748));
	binomial_95(0, 10, &low, &high); /* 1 - 0.025^(1/10) */
	CU_ASSERT(low == 0 && is_near(high, 0.30850));
	binomial_95(10, 10, &low, &high);
	CU_ASSERT(is_near(low, 0.69150) && high == 1);
	binomial_95(5000, 10000, &low, &high);
	CU_ASSERT(is_near(low, 0.49015) && is_near(high, 0.50985));
}

static const double ones[1000] = {[0 ... 999] = 1};

static void small_cases_follow_the_closed_form(void)
{
	static const double a[] = {3, 5, 7, 9}, b[] = {2, 3, 4, 9}, weight[] = {1, 1, 1, 3};
	Interval i = paired_95(a, b, ones, 3); /* 1, 2, 3: mean 2, deviation 1 */
	CU_ASSERT(is_near(i.mean, 2) && is_near(i.high - 2, 4.30265 / sqrt(3)));
	CU_ASSERT(is_near(i.low + i.high, 4));
	i = paired_95(a, b, weight, 4); /* 1, 2, 3, and 0 thrice: the error is sqrt(4/3 * 14/36) */
	CU_ASSERT(is_near(i.mean, 1) && is_near(i.high - 1, 3.18245 * sqrt(4. / 3 * 14. / 36)));
	i = paired_95(a, b, ones, 1);
	CU_ASSERT(i.mean == 1 && i.low == -INFINITY &&
	          i.high == INFINITY); /* one sample shows nothing */
	i = paired_95(a, a, ones, 1);
	CU_ASSERT(i.mean == 0 && i.low == -INFINITY && i.high == INFINITY);
	i = paired_95(a, a, ones, 4);
	CU_ASSERT(i.mean == 0 && i.low == 0 && i.high == 0);
}

/* `above` samples differ one way, `below` the other, of n. */
static Interval of_signs(int above, int below, int n, double size)
{
	double a[1000] = {0}, b[1000] = {0};
	for (int i = 0; i < above; i++)
		a[i] = size;
	for (int i = above; i < above + below; i++)
		b[i] = size;
	return paired_95(a, b, ones, (size_t)n);
}

/* McNemar's exact test: 5 of 5 has p = 2 / 2^5 = 0.0625, 6 of 6 has 0.03125; 1 of 8: 0.0703, 1 of
 * 9: 0.0391. */
static void right_and_wrong_are_tested_exactly(void)
{
	CU_ASSERT(of_signs(4, 2, 51, 1).low < 0);
	CU_ASSERT(of_signs(5, 0, 51, 1).low < 0);
	CU_ASSERT(of_signs(6, 0, 51, 1).low > 0);
	CU_ASSERT(of_signs(6, 0, 1000, 100).low > 0);
	CU_ASSERT(of_signs(0, 6, 51, 1).high < 0);
	CU_ASSERT(of_signs(7, 1, 51, 1).low < 0);
	CU_ASSERT(of_signs(8, 1, 51, 1).low > 0);
	Interval i = of_signs(8, 2, 100, 1); /* 10 / 100 (2 p - 1), p in [0.4439, 0.9748] */
	CU_ASSERT(is_near(i.mean, 0.06) && is_near(i.low, -0.01122) && is_near(i.high, 0.09496));
	CU_ASSERT(of_signs(300, 200, 1000, 1).low > 0);
	CU_ASSERT(of_signs(260, 240, 1000, 1).low < 0);
}

/* -- Groups ------------------------------------------------------------------------------------ */

enum { MOST_VALUES = 60 };

/* The groups of values, by letters from 'a' on. */
typedef struct Lettered {
	int64_t at[MOST_VALUES], first[MOST_VALUES + 1];
	Groups groups;
} Lettered;

static void letters(const char *letter, Lettered *l)
{
	int64_t n = 0;
	l->groups = (Groups){.at = l->at, .first = l->first};
	for (char c = 'a'; strchr(letter, c) && n < MOST_VALUES; c++) {
		l->first[l->groups.count++] = n;
		for (int64_t i = 0; letter[i]; i++)
			if (letter[i] == c)
				l->at[n++] = i;
	}
	l->first[l->groups.count] = n;
}

static Interval of_groups(const char *letter, const double *from, const double *other)
{
	double a[MOST_VALUES], b[MOST_VALUES], weight[MOST_VALUES], again[MOST_VALUES];
	Lettered l;
	int64_t n = (int64_t)strlen(letter);
	letters(letter, &l);
	for (int64_t i = 0; i < n; i++)
		a[i] = from[i], b[i] = other[i], weight[i] = again[i] = 1;
	int64_t left = pool_groups(a, weight, n, &l.groups);
	CU_ASSERT(pool_groups(b, again, n, &l.groups) == left && left == l.groups.count);
	return paired_95(a, b, weight, (size_t)left);
}

static bool same_interval(Interval a, Interval b)
{
	return is_near(a.mean, b.mean) && is_near(a.low, b.low) && is_near(a.high, b.high);
}

/* Where all samples of a group are equal, the groups are the samples. */
static void copies_tell_no_more(void)
{
	static const double a[] = {3, 5, 7, 9, 4, 6}, b[] = {2, 3, 4, 9, 4, 5},
	                    right[] = {1, 1, 1, 1, 1, 1}, wrong[] = {0, 0, 0, 0, 0, 1};
	double many[4][24];
	for (int i = 0; i < 24; i++) {
		many[0][i] = a[i % 6];
		many[1][i] = b[i % 6];
		many[2][i] = right[i % 6];
		many[3][i] = wrong[i % 6];
	}
	const char *const letter = "abcdefabcdefabcdefabcdef";
	CU_ASSERT(same_interval(of_groups(letter, many[0], many[1]), paired_95(a, b, ones, 6)));
	/* McNemar's exact interval, too: 5 of 5 groups, not 20 of 20 samples */
	Interval exact = of_groups(letter, many[2], many[3]);
	CU_ASSERT(same_interval(exact, paired_95(right, wrong, ones, 6)) && exact.low < 0);
	CU_ASSERT(paired_95(many[2], many[3], ones, 24).low > 0);
	CU_ASSERT(isinf(of_groups("aaaaaa", a, b).high)); /* one group shows nothing of another */
	double value[] = {1, 2, 3, 4, 5}, weight[] = {16, 16, 16, 16, 3};
	Lettered l;
	letters("abab", &l); /* nothing is known of the last value, and that of none is 0 */
	CU_ASSERT(pool_groups(value, weight, 3, &l.groups) == 2);
	CU_ASSERT(value[0] == 2 && value[1] == 2 && weight[0] == 32 && weight[1] == 16);
	CU_ASSERT(pool_groups(value, weight, 5, &(Groups){0}) == 5);
}

/* tests/oracle/intervals/make.py: by the sum over all pairs of samples of a group. */
static void groups_are_as_numpy_has_them(void)
{
	static const struct {
		const char *letter;
		double a[MOST_VALUES], b[MOST_VALUES];
		Interval want;
	} cases[] = {
#define GROUPED(letter, a, b, mean, low, high) {letter, a, b, {mean, low, high}},
#define VALUES(...)                                                                                \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}
#include "../oracle/intervals/cases.def"
#undef VALUES
#undef GROUPED
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		Interval got = of_groups(cases[i].letter, cases[i].a, cases[i].b);
		CU_ASSERT(fabs(got.mean - cases[i].want.mean) < 1e-12);
		CU_ASSERT(fabs(got.low - cases[i].want.low) < 1e-9);
		CU_ASSERT(fabs(got.high - cases[i].want.high) < 1e-9);
	}
}

/* -- Simulations ------------------------------------------------------------------------------- */

static double uniform(uint32_t trial, uint32_t at)
{
	uint32_t word[4];
	philox4x32((uint32_t[]){at, trial, 0, 0}, (uint32_t[]){13, 13}, word);
	return (word[0] + 0.5) / 0x1p32;
}

typedef double (*Draw)(double u); /* a score of one sample */
static double is_right(double u)
{
	return u < 0.3;
}
static double exponential(double u) /* the losses of samples are skewed */
{
	return -log(u);
}

enum { TRIALS = 1000, SAMPLES = 51 };

/* In how many of the trials network `a`, whose scores are higher by `gain`, is seen to be another
 * than b. A sample is as hard for both of them: that is a part of the scores. */
static int seen(Draw draw, double gain)
{
	int count = 0;
	for (uint32_t trial = 0; trial < TRIALS; trial++) {
		double a[SAMPLES], b[SAMPLES];
		for (uint32_t i = 0; i < SAMPLES; i++) {
			double common = draw == is_right ? 0 : 3 * draw(uniform(trial, 3 * i));
			a[i] = common + draw(uniform(trial, 3 * i + 1) * (draw == is_right ? 1 - gain : 1));
			a[i] += draw == is_right ? 0 : gain;
			b[i] = common + draw(uniform(trial, 3 * i + 2));
		}
		Interval difference = paired_95(a, b, ones, SAMPLES);
		count += difference.low > 0 || difference.high < 0;
	}
	return count;
}

/* 5 % of 1000 with three standard deviations of a binomial: 50 + 21. */
static void noise_is_rarely_seen_as_a_difference(void)
{
	int right = seen(is_right, 0), loss = seen(exponential, 0);
	CU_ASSERT(right <= 71);
	CU_ASSERT(loss <= 71);
	CU_ASSERT(loss >= 20); /* and no interval is so wide that nothing is ever seen */
}

/* 12 groups of 5, that differ by noise of their own: taken as 60 samples, it is seen as a difference. */
static void noise_of_groups_is_rarely_seen_as_a_difference(void)
{
	const char *const letter = "abcdefghijklabcdefghijklabcdefghijklabcdefghijklabcdefghijkl";
	int pooled = 0, apart = 0;
	for (uint32_t trial = 0; trial < TRIALS; trial++) {
		double a[MOST_VALUES], b[MOST_VALUES];
		for (uint32_t i = 0; i < MOST_VALUES; i++) {
			a[i] = uniform(trial, i) + 3 * uniform(trial, 1000 + i % 12);
			b[i] = uniform(trial, 100 + i) + 3 * uniform(trial, 2000 + i % 12);
		}
		Interval one = of_groups(letter, a, b), other = paired_95(a, b, ones, MOST_VALUES);
		pooled += one.low > 0 || one.high < 0;
		apart += other.low > 0 || other.high < 0;
	}
	CU_ASSERT(pooled <= 71 && pooled >= 20);
	CU_ASSERT(apart > 300);
}

static void a_clear_difference_is_seen(void)
{
	CU_ASSERT(seen(is_right, 0.6) > 900); /* 0.75 beside 0.3 of 51 */
	CU_ASSERT(seen(exponential, 1) > 900);
}

/* Three runs, of which each row has one score: 0.8 0.7 0.9 beside 0.7 0.5 0.8, gains 0.1 0.2 0.1. */
static void seeds_are_paired(void)
{
	static const double own[] = {0.8, 0.7, 0.9}, other[] = {0.7, 0.5, 0.8};
	sslc_task task = {.name = "t", .base = "t", .metric = "accuracy", .higher_is_better = true};
	Scores all = {0};
	Failure f = {0};
	for (int i = 0; i < 3; i++) {
		Score row[] = {
		    {.task = &task, .score = own[i], .train_loss = i, .seconds = 2, .samples = 5},
		    {.task = &task, .variant = RANDOM, .score = other[i], .samples = 5}};
		CU_ASSERT(scores_add(&all, &(Scores){.score = row, .count = 2}, 3, &f));
	}
	CU_ASSERT(all.runs == 3 && all.count == 2 && all.score[1].variant == RANDOM);
	CU_ASSERT(is_near(all.score[0].score, 0.8) && is_near(all.score[1].score, 2. / 3));
	CU_ASSERT(is_near(all.score[0].train_loss, 1) && is_near(all.score[0].seconds, 2));
	CU_ASSERT(all.score[0].samples == 5);
	Interval gain = score_gain(&all.score[0], &all.score[1]);
	CU_ASSERT(is_near(gain.mean, 0.4 / 3)); /* deviation 0.1 / sqrt(3), of the mean 0.1 / 3 */
	CU_ASSERT(is_near(gain.high - gain.mean, 4.30265 / 30));
	Interval mean = mean_95(all.score[0].value, NULL, all.score[0].weight, 3);
	CU_ASSERT(is_near(mean.mean, 0.8) && is_near(mean.high - 0.8, 4.30265 * 0.1 / sqrt(3)));
	char text[512];
	verdict(&all, "t", text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "80.00 % (mean of 3 seeds), no different from"));
	scores_close(&all);
}

/* What is right about every sample that another is right about is not worse than that. */
static void equal_scores_are_no_difference(void)
{
	static double right[] = {1, 0, 1, 1}, weight[] = {1, 1, 1, 1};
	sslc_task task = {.name = "t", .base = "t", .metric = "accuracy", .higher_is_better = true};
	Score row[2];
	for (int i = 0; i < 2; i++)
		row[i] = (Score){.task = &task,
		                 .variant = i ? RANDOM : PRETRAINED,
		                 .score = 0.75,
		                 .samples = 4,
		                 .values = 4,
		                 .value = right,
		                 .weight = weight};
	char text[512];
	verdict(&(Scores){.score = row, .count = 2}, "t", text);
	CU_ASSERT_STRING_EQUAL(text, "t: no clear help from self-supervision: pre-trained has accuracy "
	                             "75.00 %, no different from the same networks with random "
	                             "weights (75.00 %)");
}

/* Only where no seed's training diverged is it the metric that is not finite. */
static void a_seed_may_have_no_score(void)
{
	sslc_task task = {.name = "t", .base = "t", .metric = "m", .higher_is_better = true};
	Failure f = {0};
	for (int which = 0; which < 3; which++) {
		Scores all = {0};
		for (int i = 0; i < 3; i++) {
			Score row = {.task = &task,
			             .score = i == 1 ? 0.9 : NAN,
			             .diverged = i != 1,
			             .unscored = i != 1 && i != 2 * which};
			CU_ASSERT(scores_add(&all, &(Scores){.score = &row, .count = 1}, 3, &f));
		}
		CU_ASSERT(all.score[0].diverged && all.score[0].unscored == (which == 2));
		scores_close(&all);
	}
}

/* Scores of draws 0.7 0.6 0.8 beside 0.5 0.5 0.5: the gain is that of the scores, 0.25; the deviation of 0.2 0.1 0.3 is 0.1. */
static void draws_tell_the_error(void)
{
	double own[] = {0.7, 0.6, 0.8}, other[] = {0.5, 0.5, 0.5};
	sslc_task task = {.name = "t", .base = "t", .metric = "metric", .higher_is_better = true};
	Score row[] = {{.task = &task, .score = 0.75, .value = own},
	               {.task = &task, .variant = RANDOM, .score = 0.5, .value = other}};
	for (int i = 0; i < 2; i++) {
		row[i].weight = (double *)ones;
		row[i].values = 3;
		row[i].drawn = 1000;
	}
	Interval gain = score_gain(&row[0], &row[1]);
	double half = 4.30265 * 0.1 * sqrt(1000. / 999);
	CU_ASSERT(is_near(gain.mean, 0.25) && is_near(gain.high, 0.25 + half));
	CU_ASSERT(is_near(gain.low, 0.25 - half));
	task.higher_is_better = false;
	gain = score_gain(&row[0], &row[1]);
	CU_ASSERT(is_near(gain.mean, -0.25) && is_near(gain.high, -0.25 + half));
	/* of two groups there is one degree of freedom, and draws of 2 show half of their variance */
	gain = resampled_95(0.25, own, other, 3, 2);
	CU_ASSERT(is_near(gain.high, 0.25 + 12.7062 * 0.1 * sqrt(2)));
	CU_ASSERT(isinf(resampled_95(1, own, other, 1, 9).high));
	CU_ASSERT(isinf(resampled_95(1, own, other, 3, 1).high));
}

/* One run that diverged is not averaged away. */
static void a_seed_may_diverge(void)
{
	sslc_task task = {.name = "t", .base = "t", .metric = "accuracy", .higher_is_better = true};
	Scores all = {0};
	Failure f = {0};
	for (int i = 0; i < 2; i++) {
		Score row = {.task = &task, .score = i ? NAN : 0.9, .diverged = i};
		CU_ASSERT(scores_add(&all, &(Scores){.score = &row, .count = 1}, 2, &f));
	}
	CU_ASSERT(all.score[0].diverged && !all.score[0].unscored && isnan(all.score[0].score));
	scores_close(&all);
}

/* 0.7 is more than 0.5 of other networks, but 0.75 of the samples are of one class. */
static void the_commonest_class_is_no_help(void)
{
	sslc_task task = {.name = "t", .base = "t", .metric = "accuracy", .higher_is_better = true};
	double own[1000], other[1000];
	for (int i = 0; i < 1000; i++)
		own[i] = i < 700, other[i] = i < 500;
	Score row[] = {{.task = &task, .score = 0.7, .value = own},
	               {.task = &task, .variant = RANDOM, .score = 0.5, .value = other}};
	char text[512];
	for (int i = 0; i < 2; i++) {
		row[i].weight = (double *)ones;
		row[i].values = 1000;
	}
	verdict(&(Scores){.score = row, .count = 2}, "t", text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "t: self-supervision helped"));
	CU_ASSERT_PTR_NULL(strstr(text, "commonest"));
	row[0].commonest = row[1].commonest = 0.69;
	verdict(&(Scores){.score = row, .count = 2}, "t", text);
	CU_ASSERT_PTR_NULL(strstr(text, "commonest"));
	row[0].commonest = row[1].commonest = 0.75;
	verdict(&(Scores){.score = row, .count = 2}, "t", text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "t: no clear help from self-supervision"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "; no better than always saying the commonest class (75.00 %)"));
}

CU_TestInfo test_verdict[] = {
    {"quantiles are those of the tables", quantiles_are_those_of_the_tables},
    {"small cases follow the closed form", small_cases_follow_the_closed_form},
    {"right and wrong are tested exactly", right_and_wrong_are_tested_exactly},
    {"noise is rarely seen as a difference", noise_is_rarely_seen_as_a_difference},
    {"a clear difference is seen", a_clear_difference_is_seen},
    {"copies tell no more", copies_tell_no_more},
    {"groups are as NumPy has them", groups_are_as_numpy_has_them},
    {"noise of groups is rarely seen as a difference",
     noise_of_groups_is_rarely_seen_as_a_difference},
    {"draws tell the error", draws_tell_the_error},
    {"equal scores are no difference", equal_scores_are_no_difference},
    {"seeds are paired", seeds_are_paired},
    {"a seed may diverge", a_seed_may_diverge},
    {"a seed may have no score", a_seed_may_have_no_score},
    {"the commonest class is no help", the_commonest_class_is_no_help},
    CU_TEST_INFO_NULL,
};
