/* test_spectrum.c: eigenvalues and what features say of themselves. Truths: closed forms, and NumPy
 * (numpy.linalg.svd and the formulas of the papers, in double). */
#include <CUnit/CUnit.h>

#include <math.h>

#include "../../runtime/train/spectrum.h"

enum { MOST = 40 };

/* 2 - 2 cos(k pi / (n + 1)): of the second difference (1, 2, ..., n). */
static void differences_have_their_closed_form(void)
{
	for (int n = 1; n <= MOST; n++) {
		double a[MOST * MOST] = {0}, value[MOST];
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				a[i * n + j] = i == j ? 2 : i - j == 1 || j - i == 1 ? -1 : 0;
		CU_ASSERT(eigenvalues(a, (size_t)n, value));
		for (int k = 0; k < n; k++)
			CU_ASSERT(fabs(value[k] - (2 - 2 * cos((k + 1) * 3.14159265358979 / (n + 1)))) < 1e-12);
	}
}

/* 1 / n + 1 / n ... : the matrix of ones has n, and 0 n - 1 times. */
static void full_matrices_have_theirs(void)
{
	double a[MOST * MOST], value[MOST];
	for (int i = 0; i < MOST * MOST; i++)
		a[i] = 1;
	CU_ASSERT(eigenvalues(a, MOST, value));
	for (int k = 0; k < MOST; k++)
		CU_ASSERT(fabs(value[k] - (k + 1 == MOST ? MOST : 0)) < 1e-12);
	for (int i = 0; i < 9; i++)
		a[i] = (double[]){2, 1, 1, 1, 3, 2, 1, 2, 5}[i];
	CU_ASSERT(eigenvalues(a, 3, value)); /* their sum, squares' sum and product */
	CU_ASSERT(fabs(value[0] + value[1] + value[2] - 10) < 1e-12);
	CU_ASSERT(fabs(value[0] * value[1] * value[2] - 18) < 1e-11);
	CU_ASSERT(fabs(value[0] * value[0] + value[1] * value[1] + value[2] * value[2] - 50) < 1e-11);
}

static void features_are_as_numpy_says(void)
{
	static const struct {
		int rows, columns;
		double rank, std, uniformity;
	} want[] = {
	    {7, 5, 2.9198936331, 0.6661304848, -1.3548684439},
	    {5, 9, 2.5526915855, 0.3379585830, -0.7042703377},
	    {40, 13, 10.3713469528, 0.9403479360, -2.8077925956},
	    {2, 1, 1.0000000000, 1.0000000000, -8.0000000000},
	    {31, 33, 25.1204756060, 0.9459364509, -3.5030202565},
	};
	for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
		float x[40 * 33];
		int rows = want[k].rows, columns = want[k].columns;
		for (int i = 0; i < rows; i++)
			for (int j = 0; j < columns; j++)
				x[i * columns + j] =
				    (float)((i * 7919 + j * 104729 + i * j * 31) % 1009 / 1009. - 0.4);
		CU_ASSERT(fabs(rank_me(x, (size_t)rows, (size_t)columns) - want[k].rank) < 1e-6);
		CU_ASSERT(fabs(feature_std(x, (size_t)rows, (size_t)columns) - want[k].std) < 1e-6);
		CU_ASSERT(fabs(uniformity(x, (size_t)rows, (size_t)columns) - want[k].uniformity) < 1e-6);
	}
}

static void collapse_shows(void)
{
	float same[6 * 4], none[6 * 4] = {0};
	for (int i = 0; i < 24; i++)
		same[i] = (float)(1 + i % 4);
	CU_ASSERT(fabs(rank_me(same, 6, 4) - 1) < 1e-6);
	CU_ASSERT(feature_std(same, 6, 4) < 1e-7);
	CU_ASSERT(fabs(uniformity(same, 6, 4)) < 1e-12);
	CU_ASSERT(rank_me(none, 6, 4) == 0 && feature_std(none, 6, 4) == 0);
	none[3] = NAN;
	CU_ASSERT(isnan(rank_me(none, 6, 4)));
}

CU_TestInfo test_spectrum[] = {
    {"second differences have their closed form", differences_have_their_closed_form},
    {"full matrices have theirs", full_matrices_have_theirs},
    {"features are as NumPy says", features_are_as_numpy_says},
    {"collapse shows", collapse_shows},
    CU_TEST_INFO_NULL,
};
