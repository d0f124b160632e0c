/* test_found.c: samples that are decoded when they are wanted.
 *
 * Truth: sample i of the source below is i, i + 1/4, ... and its label i % 3. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/data/data.h"

enum { N = 30, WIDTH = 4096, BROKEN = 17, NOT_FINITE = 23 };

typedef struct Source {
	bool breaks;
	int *closed;
} Source;

static bool decode(void *source, int64_t i, void *const to[], char why[WHY])
{
	const Source *s = source;
	float *x = to[0];
	for (int k = 0; k < WIDTH; k++)
		x[k] = (float)i + (float)k / 4;
	*(int32_t *)to[2] = (int32_t)i + 1;
	if (s->breaks && i == NOT_FINITE)
		x[WIDTH - 1] = NAN;
	return !s->breaks || i != BROKEN || because(why, "sample %d is torn", BROKEN);
}

static void close_source(void *source)
{
	++*((Source *)source)->closed;
	free(source);
}

/* x f32[WIDTH] and length i32[] are decoded, the label between them is in memory. */
static Data *open_decoded(bool breaks, double held_out, int64_t below, int *closed)
{
	char why[WHY];
	Found found = {.held_out = held_out};
	Part *part = &found.part[SPLIT_TRAIN];
	Source *source = malloc(sizeof *source);
	*source = (Source){breaks, closed};
	part_add(part, "x")->array = (Array){.type = "f32", .rank = 2, .dim = {N, WIDTH}};
	int32_t *label = malloc(N * sizeof *label);
	for (int i = 0; i < N; i++)
		label[i] = i % 3;
	part_add(part, "label")->array = (Array){"i32", 1, {N}, label};
	Field *length = part_add(part, "length");
	length->array = (Array){.type = "i32", .rank = 1, .dim = {N}};
	length->below = below;
	part->decode = decode;
	part->close = close_source;
	part->source = source;
	return data_new(&found, why);
}

static bool is_sample(const float *x, int32_t label, int32_t length)
{
	int i = (int)x[0];
	return x[WIDTH - 1] == (float)i + (WIDTH - 1) / 4.0f && label == i % 3 && length == i + 1;
}

static void batches_are_decoded(void)
{
	for (int f64 = 0; f64 < 2; f64++) {
		int closed = 0, seen[N] = {0};
		char why[WHY];
		Data *d = open_decoded(false, 0, N + 1, &closed);
		PrefetchOrder o = {.batch = 5, .epochs = true, .shuffle = true, .last_step = 6, .f64 = f64};
		CU_ASSERT_FATAL(d && data_shape(d)->count == 3 && data_shape(d)->classes == 3);
		CU_ASSERT_PTR_NULL(data_value(d, SPLIT_TRAIN, 0, 0));
		Prefetch *p = prefetch_open(d, &o, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int step = 0; step < 6; step++) {
			const void *const *field = prefetch_next(p, why);
			CU_ASSERT_PTR_NOT_NULL_FATAL(field);
			for (int i = 0; i < 5; i++) {
				float x[WIDTH];
				for (int k = 0; k < WIDTH; k++)
					x[k] = f64 ? (float)((const double *)field[0])[i * WIDTH + k]
					           : ((const float *)field[0])[i * WIDTH + k];
				CU_ASSERT(
				    is_sample(x, ((const int32_t *)field[1])[i], ((const int32_t *)field[2])[i]));
				seen[(int)x[0]]++;
			}
		}
		for (int i = 0; i < N; i++)
			CU_ASSERT_EQUAL(seen[i], 1);
		prefetch_close(p);
		data_close(d);
		CU_ASSERT_EQUAL(closed, 1);
	}
}

static void a_share_of_decoded_samples_is_held_out(void)
{
	int closed = 0, seen[N] = {0};
	char why[WHY];
	Data *d = open_decoded(false, 0.2, N + 1, &closed);
	CU_ASSERT_FATAL(d && data_count(d, SPLIT_TRAIN) == 24 && data_count(d, SPLIT_TEST) == 6);
	for (int s = 0; s < 2; s++)
		for (int64_t i = 0; i < data_count(d, (Split)s); i++) {
			float x[WIDTH];
			int32_t label, length;
			CU_ASSERT(data_sample(d, (Split)s, i, (void *[]){x, &label, &length}, why));
			CU_ASSERT(is_sample(x, label, length) && (int64_t)x[0] == data_row(d, (Split)s, i));
			CU_ASSERT_EQUAL(*(const int32_t *)data_value(d, (Split)s, 1, i), label);
			seen[(int)x[0]]++;
		}
	for (int i = 0; i < N; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	data_close(d);
}

/* The batches before are there; then the reason, as often as one asks. */
static void what_cannot_be_decoded_ends_the_batches(void)
{
	static const struct {
		int64_t offset;
		const char *word;
	} cases[] = {{10, "sample 17 is torn"}, {18, "'x' of sample 23 holds NaN"}};
	for (int c = 0; c < 2; c++) {
		int closed = 0;
		char why[WHY] = "";
		Data *d = open_decoded(true, 0, N + 1, &closed);
		PrefetchOrder o = {.batch = 5, .offset = cases[c].offset, .last_step = 3};
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		Prefetch *p = prefetch_open(d, &o, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_PTR_NOT_NULL(prefetch_next(p, why));
		for (int again = 0; again < 2; again++) {
			why[0] = 0;
			CU_ASSERT_PTR_NULL(prefetch_next(p, why));
			CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[c].word));
		}
		prefetch_close(p);
		data_close(d);
		CU_ASSERT_EQUAL(closed, 1);
	}
}

/* Nobody reads all samples to look: the reader's word counts, and must be there. */
static void ranges_of_decoded_integers_are_the_readers_word(void)
{
	static const struct {
		int64_t below, knows;
		bool good;
	} cases[] = {{31, 31, true}, {31, 40, true}, {31, 30, false}, {0, 31, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int closed = 0;
		char why[WHY] = "";
		Data *d = open_decoded(false, 0, cases[i].below, &closed);
		sslc_range range = {.field = 2, .function = "step", .below = cases[i].knows};
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT_EQUAL(data_in_ranges(d, &(sslc_model){.range = &range, .range_count = 1}, why),
		                cases[i].good);
		CU_ASSERT(cases[i].good || strstr(why, "'length' goes up to"));
		data_close(d);
	}
}

CU_TestInfo test_found[] = {
    {"batches are decoded", batches_are_decoded},
    {"a share of decoded samples is held out", a_share_of_decoded_samples_is_held_out},
    {"what cannot be decoded ends the batches", what_cannot_be_decoded_ends_the_batches},
    {"ranges of decoded integers are the reader's word",
     ranges_of_decoded_integers_are_the_readers_word},
    CU_TEST_INFO_NULL,
};
