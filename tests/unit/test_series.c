/* test_series.c: rows of arrays as windows.
 *
 * Truth: row i holds i and -i. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"
#include "scratch.h"

static Data *open_series(const Scratch *s, const char *group, double window, double stride,
                         double share, char why[WHY])
{
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "label", .text = "y.npy"},
	                            {.name = "who", .text = "who.npy"},
	                            {.name = "group", .text = group},
	                            {.name = "window", .number = window},
	                            {.name = "stride", .number = stride},
	                            {.name = "test", .number = share}};
	return data_open(&(sslc_call){"npy", argument, 7}, s->folder, why);
}

/* 8 groups of 10 rows, two classes in each: of its 5 rows, windows of 3 begin at the first and the third. */
static void rows_of_arrays_become_windows(void)
{
	enum { ROWS = 80, WIDTH = 2 };
	Scratch s;
	char why[WHY] = "";
	float x[ROWS][WIDTH];
	int32_t y[ROWS], who[ROWS];
	scratch_open(&s);
	for (int i = 0; i < ROWS; i++) {
		x[i][0] = (float)i;
		x[i][1] = (float)-i;
		y[i] = i / 5 % 2;
		who[i] = 70 + i / 10;
	}
	CU_ASSERT_FATAL(
	    npy_write(scratch_path(&s, "x.npy"), "f32", 2, (int64_t[]){ROWS, WIDTH}, x, why));
	CU_ASSERT_FATAL(npy_write(scratch_path(&s, "y.npy"), "i32", 1, (int64_t[]){ROWS}, y, why));
	CU_ASSERT_FATAL(npy_write(scratch_path(&s, "who.npy"), "i32", 1, (int64_t[]){ROWS}, who, why));
	Data *d = open_series(&s, "who", 3, 2, 0.25, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	const sslc_data *shape = data_shape(d);
	CU_ASSERT_FATAL(shape->count == 3 && shape->train_count == 6 * 4 && shape->test_count == 2 * 4);
	CU_ASSERT(shape->field[0].rank == 2 && shape->field[0].dim[0] == 3 &&
	          shape->field[0].dim[1] == WIDTH);
	CU_ASSERT(shape->field[1].rank == 0 && shape->field[2].rank == 0 && shape->classes == 2);
	bool seen[2][8] = {{0}};
	for (int split = 0; split < 2; split++)
		for (int64_t i = 0; i < data_count(d, (Split)split); i++) {
			float window[3][WIDTH];
			int32_t label, group;
			CU_ASSERT(data_sample(d, (Split)split, i, (void *[]){window, &label, &group}, why));
			int at = (int)window[0][0];
			CU_ASSERT(at % 5 == 0 || at % 5 == 2);
			CU_ASSERT(label == y[at] && group == who[at] &&
			          memcmp(window, x[at], sizeof window) == 0);
			seen[split][group - 70] = true;
		}
	for (int g = 0; g < 8; g++)
		CU_ASSERT(seen[0][g] != seen[1][g]);
	data_close(d);
	/* however small a share is, a group is held out, and none if it is 0 */
	CU_ASSERT_PTR_NOT_NULL_FATAL(d = open_series(&s, "who", 3, 2, 0.01, why));
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 7 * 4 && data_count(d, SPLIT_TEST) == 4);
	data_close(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d = open_series(&s, "who", 3, 2, 0, why));
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 8 * 4 && data_count(d, SPLIT_TEST) == 0);
	data_close(d);
	/* without groups the end is held out; a stride of 0 is the window */
	sslc_argument argument[] = {
	    {.text = "x.npy"}, {.name = "window", .number = 10}, {.name = "test", .number = 0.2}};
	CU_ASSERT_PTR_NOT_NULL_FATAL(d = data_open(&(sslc_call){"npy", argument, 3}, s.folder, why));
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 6 && data_count(d, SPLIT_TEST) == 1);
	float window[10][WIDTH];
	CU_ASSERT(data_sample(d, SPLIT_TEST, 0, (void *[]){window}, why) && window[0][0] == 64);
	data_close(d);
	CU_ASSERT_PTR_NULL(open_series(&s, "who", 6, 1, 0, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no window of 6 rows fits into the train rows: at most 5"));
	CU_ASSERT_PTR_NULL(open_series(&s, "whom", 3, 1, 0, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no array is named 'whom'"));
	CU_ASSERT_PTR_NULL(open_series(&s, "x", 3, 1, 0, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'x' is no group"));
	CU_ASSERT_PTR_NULL(open_series(&s, "who", 0, 0, 0, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "say window, too"));
	CU_ASSERT_PTR_NULL(open_series(&s, "", 2.5, 0, 0, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "numbers of rows"));
	scratch_close(&s);
}

/* Of x.npy, a window at each row; all of them to train on. */
static Data *open_windows(const Scratch *s, int64_t window)
{
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "window", .number = (double)window},
	                            {.name = "stride", .number = 1},
	                            {.name = "test", .number = 0}};
	char why[WHY] = "";
	Data *d = data_open(&(sslc_call){"npy", argument, 4}, s->folder, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	return d;
}

/* Windows that overlap of rows [i, 1000 - i]: what is told apart of them is in range, the rest may be anything. */
static void windows_are_held_to_ranges(void)
{
	enum { ROWS = 12, WINDOW = 3 };
	static const struct {
		int64_t column, below;
		const char *says; /* NULL: all are in range */
	} cases[] = {{0, ROWS, NULL},
	             {0, ROWS - 1, "'x' at [2, 0] of sample 9 of the train data is 11, "},
	             {1, 1001, NULL},
	             {1, 1000, "'x' at [0, 1] of sample 0 of the train data is 1000, "}};
	int32_t whole[ROWS][2];
	float x[ROWS][2];
	for (int i = 0; i < 2 * ROWS; i++)
		x[i / 2][i % 2] = (float)(whole[i / 2][i % 2] = i % 2 ? 1000 - i / 2 : i / 2);
	for (int type = 0; type < 2; type++) {
		Scratch s;
		char why[WHY] = "";
		scratch_open(&s);
		CU_ASSERT_FATAL(npy_write(scratch_path(&s, "x.npy"), type ? "i32" : "f32", 2,
		                          (int64_t[]){ROWS, 2}, type ? (void *)whole : x, why));
		Data *d = open_windows(&s, WINDOW);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			sslc_range range = {.function = "step",
			                    .below = cases[i].below,
			                    .first = {0, cases[i].column},
			                    .step = {0, 1},
			                    .count = {0, 1}};
			const sslc_model model = {.range = &range, .range_count = 1};
			CU_ASSERT_EQUAL(data_in_ranges(d, &model, why), !cases[i].says);
			CU_ASSERT(!cases[i].says || strstr(why, cases[i].says));
		}
		data_close(d);
		scratch_close(&s);
	}
}

/* Arrays of NumPy's archives (tests/oracle/data/make.py), as samples and as rows. */
static void archives_are_read_whole(void)
{
	static const int32_t want[] = {2, 0, 1, 2};
	for (int window = 0; window < 2; window++) {
		sslc_argument argument[] = {{.text = "deflated.npz"},
		                            {.name = "label", .text = "label"},
		                            {.name = "boxes", .text = "boxes"},
		                            {.name = "test"},
		                            {.name = "window", .number = window}};
		char why[WHY] = "", folder[512];
		snprintf(folder, sizeof folder, "%s", oracle_path("data"));
		Data *d = data_open(&(sslc_call){"npz", argument, 5}, folder, why);
		if (!d)
			fprintf(stderr, "\n    %s\n", why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 4);
		CU_ASSERT_EQUAL(data_shape(d)->field[0].rank, 2 + window);
		for (int64_t i = 0; i < 4; i++) {
			float x[6], boxes[6];
			int32_t label;
			CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){x, &label, boxes}, why));
			CU_ASSERT(label == want[i]);
			for (int k = 0; k < 6; k++)
				CU_ASSERT(x[k] == (float)(6 * i + k) / 8 && boxes[k] == (float)(6 * i + k - 5));
		}
		data_close(d);
	}
}

/* Samples that are put together when a batch wants them, as doubles: no thread uses another's room for floats. */
static void windows_become_doubles(void)
{
	enum { STEPS = 60, WINDOW = 2000, BATCH = 64, ROWS = STEPS * BATCH + WINDOW - 1 };
	Scratch s;
	char why[WHY] = "";
	float *x = malloc(ROWS * sizeof *x);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	for (int i = 0; i < ROWS; i++)
		x[i] = (float)i;
	scratch_open(&s);
	CU_ASSERT_FATAL(npy_write(scratch_path(&s, "x.npy"), "f32", 1, (int64_t[]){ROWS}, x, why));
	Data *d = open_windows(&s, WINDOW);
	PrefetchOrder order = {.batch = BATCH, .f64 = true, .last_step = STEPS};
	Prefetch *p = prefetch_open(d, &order, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	int64_t wrong = 0;
	for (int64_t step = 0; step < order.last_step; step++) {
		const void *const *field = prefetch_next(p, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(field);
		for (int64_t i = 0; i < BATCH * WINDOW; i++)
			wrong +=
			    ((const double *)field[0])[i] != (double)(step * BATCH + i / WINDOW + i % WINDOW);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	prefetch_close(p);
	data_close(d);
	scratch_close(&s);
	free(x);
}

CU_TestInfo test_series[] = {
    {"windows become doubles", windows_become_doubles},
    {"windows are held to ranges", windows_are_held_to_ranges},
    {"archives are read whole", archives_are_read_whole},
    {"rows of arrays become windows", rows_of_arrays_become_windows},
    CU_TEST_INFO_NULL,
};
