/* test_report.c: the numbers and pictures of a report.
 *
 * Truths: scikit-learn (tests/oracle/report), the entropy that a perplexity means, central
 * differences, groups that are known, and libpng's reader. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/report/report.h"
#include "scratch.h"

/* -- Maps -------------------------------------------------------------------------------------- */

static Array stored(const char *name)
{
	char path[96], why[WHY];
	Array a = {0};
	snprintf(path, sizeof path, "report/%s.npy", name);
	CU_ASSERT_FATAL(npy_read(oracle_path(path), &a, why));
	return a;
}

/* The same directions, of which one may point the other way, and the same shares. */
static void agrees_with_scikit(const char *name)
{
	char text[64];
	enum { K = 3 };
	Array x = stored(name);
	snprintf(text, sizeof text, "%s_pca", name);
	Array scores = stored(text);
	snprintf(text, sizeof text, "%s_share", name);
	Array shares = stored(text);
	int64_t n = x.dim[0];
	double *score = calloc((size_t)(n * K), sizeof *score), share[K];
	CU_ASSERT_FATAL(score && pca(x.at, n, x.dim[1], K, score, share));
	for (int k = 0; k < K; k++) {
		const float *theirs = scores.at;
		double dot = 0, worst = 0, largest = 0;
		for (int64_t i = 0; i < n; i++)
			dot += score[i * K + k] * theirs[i * K + k];
		for (int64_t i = 0; i < n; i++) {
			double ours = score[i * K + k];
			worst = fmax(worst, fabs(ours - copysign(1, dot) * theirs[i * K + k]));
			largest = fabs(ours) > fabs(largest) ? ours : largest;
		}
		CU_ASSERT(worst < 1e-4);
		CU_ASSERT(largest > 0);
		CU_ASSERT_DOUBLE_EQUAL(share[k], ((const float *)shares.at)[k], 1e-6);
	}
	free(score);
	free(x.at);
	free(scores.at);
	free(shares.at);
}

static void components_are_scikits(void)
{
	agrees_with_scikit("tall");
	agrees_with_scikit("wide");
}

/* One sample, one column, columns that do not vary: places, and no share of nothing. */
static void components_at_the_edges(void)
{
	double score[8], share[2];
	CU_ASSERT(pca((float[]){3, 4}, 1, 2, 2, score, share));
	CU_ASSERT(score[0] == 0 && score[1] == 0 && share[0] == 0);
	CU_ASSERT(pca((float[]){1, 2, 6}, 3, 1, 2, score, share));
	CU_ASSERT_DOUBLE_EQUAL(score[0], -2, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(score[4], 3, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(share[0], 1, 1e-12);
	CU_ASSERT(score[1] == 0 && share[1] == 0);
	CU_ASSERT(pca((float[]){5, 5, 5, 5}, 2, 2, 2, score, share));
	CU_ASSERT(score[0] == 0 && score[3] == 0 && share[0] == 0);
}

static void affinities_are_scikits(void)
{
	static const char *const name[] = {"tall", "wide"};
	for (int f = 0; f < 2; f++) {
		char text[64];
		snprintf(text, sizeof text, "%s_affinities", name[f]);
		Array x = stored(name[f]), theirs = stored(text);
		int64_t n = x.dim[0];
		double *p = calloc((size_t)(n * n), sizeof *p), sum = 0, worst = 0;
		CU_ASSERT_FATAL(p && tsne_affinities(x.at, n, x.dim[1], 8, p));
		for (int64_t i = 0; i < n * n; i++) {
			sum += p[i];
			worst = fmax(worst, fabs(p[i] - ((const float *)theirs.at)[i]));
		}
		CU_ASSERT_DOUBLE_EQUAL(sum, 1, 1e-12);
		CU_ASSERT(worst < 1e-6);
		free(p);
		free(x.at);
		free(theirs.at);
	}
}

/* Samples that are all alike have all others as neighbours; with others, no number is lost. */
static void alike_samples_have_affinities(void)
{
	enum { N = 5 };
	double p[N * N];
	CU_ASSERT(tsne_affinities((float[N]){7, 7, 7, 7, 7}, N, 1, 2, p));
	for (int i = 0; i < N * N; i++)
		CU_ASSERT_DOUBLE_EQUAL(p[i], i % (N + 1) ? 1.0 / (N * (N - 1)) : 0, 1e-12);
	CU_ASSERT(tsne_affinities((float[N]){7, 7, 7, 7, 1e30f}, N, 1, 2, p));
	for (int i = 0; i < N * N; i++)
		CU_ASSERT(isfinite(p[i]));
}

static void gradient_is_that_of_the_divergence(void)
{
	enum { N = 60 };
	Array x = stored("tall");
	double p[N * N], y[2 * N], gradient[2 * N], worst = 0;
	CU_ASSERT_FATAL(x.dim[0] == N && tsne_affinities(x.at, N, x.dim[1], 8, p));
	for (int i = 0; i < 2 * N; i++)
		y[i] = sin(3.7 * i) * (1 + i % 5);
	tsne_gradient(p, y, N, 1, gradient);
	for (int i = 0; i < 2 * N; i++) {
		const double h = 1e-5, at = y[i];
		y[i] = at + h;
		double above = tsne_divergence(p, y, N);
		y[i] = at - h;
		double below = tsne_divergence(p, y, N);
		y[i] = at;
		worst = fmax(worst, fabs((above - below) / (2 * h) - gradient[i]));
	}
	CU_ASSERT(worst < 1e-8);
	free(x.at);
}

/* Three groups, far from each other in ten dimensions: no sample is nearer to one of another. */
static void groups_stay_apart(void)
{
	enum { N = 90, D = 10 };
	static float x[N * D];
	static double p[N * N], y[2 * N];
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < D; k++)
			x[i * D + k] = (float)(sin(i * 12.9898 + k * 78.233) + 20 * (i % 3 == k));
		y[2 * i] = 1e-4 * sin(i * 7.1);
		y[2 * i + 1] = 1e-4 * cos(i * 3.3);
	}
	CU_ASSERT_FATAL(tsne_affinities(x, N, D, 20, p));
	double before = tsne_divergence(p, y, N), after = tsne(p, N, 500, y);
	CU_ASSERT(after < before / 2);
	for (int i = 0; i < N; i++) {
		int nearest = -1;
		double least = INFINITY;
		for (int j = 0; j < N; j++) {
			double d = hypot(y[2 * i] - y[2 * j], y[2 * i + 1] - y[2 * j + 1]);
			if (j != i && d < least)
				least = d, nearest = j;
		}
		CU_ASSERT(nearest % 3 == i % 3);
	}
}

/* -- Pictures ---------------------------------------------------------------------------------- */

static void shapes_that_are_pictures(void)
{
	Picture p;
	CU_ASSERT(picture_of_shape(2, (int64_t[]){28, 20}, &p) && p.height == 28 && p.width == 20 &&
	          p.channels == 1);
	CU_ASSERT(picture_of_shape(3, (int64_t[]){8, 9, 3}, &p) && p.channels == 3);
	CU_ASSERT(picture_of_shape(3, (int64_t[]){8, 9, 1}, &p) && p.channels == 1);
	CU_ASSERT(!picture_of_shape(3, (int64_t[]){3, 8, 9}, &p));
	CU_ASSERT(!picture_of_shape(1, (int64_t[]){784}, &p));
	CU_ASSERT(!picture_of_shape(0, NULL, &p));
	CU_ASSERT(!picture_of_shape(2, (int64_t[]){3, 100}, &p));
	CU_ASSERT(!picture_of_shape(2, (int64_t[]){4, 1 << 20}, &p));
}

static void shrinking_takes_means(void)
{
	Picture small = picture_fit((Picture){.width = 6, .height = 4, .channels = 1}, 3);
	float x[24], to[6];
	CU_ASSERT_FATAL(small.width == 3 && small.height == 2);
	for (int i = 0; i < 24; i++)
		x[i] = (float)i;
	picture_shrink(x, (Picture){.width = 6, .height = 4, .channels = 1}, small, to);
	CU_ASSERT_DOUBLE_EQUAL(to[0], (0 + 1 + 6 + 7) / 4.0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(to[5], (16 + 17 + 22 + 23) / 4.0, 1e-6);
	small = picture_fit((Picture){.width = 1000, .height = 4, .channels = 3}, 32);
	CU_ASSERT(small.width == 32 && small.height == 1 && small.channels == 3);
}

/* The bytes of "data:image/png;base64,..." */
static size_t from_base64(const char *text, unsigned char *to)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t size = 0;
	uint32_t word = 0;
	int bits = 0;
	for (text = strchr(text, ',') + 1; *text && *text != '='; text++) {
		word = word << 6 | (uint32_t)(strchr(digit, *text) - digit);
		if ((bits += 6) >= 8) {
			to[size++] = (unsigned char)(word >> (bits - 8));
			bits -= 8;
		}
	}
	return size;
}

/* Three samples of colours in two columns, read back by libpng. */
static void sheets_read_back(void)
{
	enum { H = 4, W = 5, C = 3, N = 3 };
	float x[N * H * W * C];
	Picture sample = {.height = H, .width = W, .channels = C}, sheet;
	for (int i = 0; i < N * H * W * C; i++)
		x[i] = (float)(i % 256) / 255;
	CU_ASSERT_FATAL(picture_sheet(x, N, sample, 0, 1, 2, sample, &sheet));
	CU_ASSERT_FATAL(sheet.width == 2 * W && sheet.height == 2 * H);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	size_t bytes = picture_write(&sheet, out);
	fclose(out);
	CU_ASSERT(strncmp(text, "data:image/png;base64,", 22) == 0);
	unsigned char *png = malloc(size), read[2 * H][2 * W][C];
	CU_ASSERT_FATAL(png != NULL && from_base64(text, png) == bytes);
	png_image image = {.version = PNG_IMAGE_VERSION};
	CU_ASSERT_FATAL(png_image_begin_read_from_memory(&image, png, bytes) && image.width == 2 * W &&
	                image.height == 2 * H);
	image.format = PNG_FORMAT_RGB;
	CU_ASSERT_FATAL(png_image_finish_read(&image, NULL, read, 0, NULL));
	int wrong = 0;
	for (int i = 0; i < N * H * W * C; i++) {
		int n = i / (H * W * C), h = i / (W * C) % H, w = i / C % W;
		wrong += read[n / 2 * H + h][n % 2 * W + w][i % C] != i % 256;
	}
	CU_ASSERT(wrong == 0);
	CU_ASSERT(read[H][W][0] == 0); /* there is no fourth */
	free(png);
	free(text);
	free(sheet.at);
}

/* -- Files ------------------------------------------------------------------------------------- */

static char *curves_of(const char *lines, size_t most, char why[WHY])
{
	Scratch s;
	char *text = NULL;
	size_t size;
	scratch_open(&s);
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "metrics.jsonl"), lines, strlen(lines)));
	FILE *out = open_memstream(&text, &size);
	bool good = metrics_to_json(scratch_path(&s, "metrics.jsonl"), most, out, why);
	fclose(out);
	scratch_close(&s);
	if (good)
		return text;
	free(text);
	return NULL;
}

static void lines_become_curves(void)
{
	char why[WHY];
	char *text = curves_of("{\"step\": 1, \"epoch\": 0, \"a<b\": 0.25, \"seconds\": 1}\n"
	                       "{\"step\": 2, \"a<b\": null, \"loss\": 3}\n{\"step\": 3, \"lo",
	                       10, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_STRING_EQUAL(text, "{\"a<b\":{\"step\":[1,2],\"value\":[0.25,null],\"every\":1},"
	                             "\"loss\":{\"step\":[2],\"value\":[3],\"every\":1}}");
	free(text);
	text = curves_of("{\"step\": 1, \"a\": 1}\n{\"step\": 2, \"a\": 2}\n{\"step\": 3, \"a\": 3}\n"
	                 "{\"step\": 4, \"a\": 4}\n{\"step\": 5, \"a\": 5}\n",
	                 2, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_STRING_EQUAL(text, "{\"a\":{\"step\":[2,5],\"value\":[2,5],\"every\":3}}");
	free(text);
	text = curves_of("", 2, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_STRING_EQUAL(text, "{}");
	free(text);
	CU_ASSERT_PTR_NULL(curves_of("{\"step\": 1, \"a\": 1}\n[2]\n", 2, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "line 2, is no JSON object"));
}

CU_TestInfo test_report[] = {
    {"components are scikit-learn's", components_are_scikits},
    {"components at the edges", components_at_the_edges},
    {"affinities are scikit-learn's", affinities_are_scikits},
    {"samples that are alike have affinities", alike_samples_have_affinities},
    {"the gradient is that of the divergence", gradient_is_that_of_the_divergence},
    {"groups stay apart", groups_stay_apart},
    {"which shapes are pictures", shapes_that_are_pictures},
    {"shrinking takes means", shrinking_takes_means},
    {"sheets read back", sheets_read_back},
    {"lines become curves", lines_become_curves},
    CU_TEST_INFO_NULL,
};
