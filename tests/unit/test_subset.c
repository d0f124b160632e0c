/* test_subset.c: which samples a task with few labels learns from.
 *
 * Truths: shares that were computed by hand, counts, and how often each sample should be drawn. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"
#include "scratch.h"

enum { N = 10, CLASSES = 3 };
static const int32_t label_of[N] = {0, 1, 0, 0, 2, 0, 0, 1, 0, 0}; /* 7, 2 and 1 of a class */

typedef struct Fixture {
	Scratch scratch;
	Data *data;
} Fixture;

/* Sample i is the number i. */
static void open_fixture(Fixture *f)
{
	char why[WHY];
	float x[N];
	for (int i = 0; i < N; i++)
		x[i] = (float)i;
	scratch_open(&f->scratch);
	int64_t n = N;
	sslc_argument argument[] = {
	    {.text = "x.npy"}, {.name = "label", .text = "y.npy"}, {.name = "test"}};
	bool written = npy_write(scratch_path(&f->scratch, "x.npy"), "f32", 1, &n, x, why) &&
	               npy_write(scratch_path(&f->scratch, "y.npy"), "i32", 1, &n, label_of, why);
	f->data = written ? data_open(&(sslc_call){"npy", argument, 3}, f->scratch.folder, why) : NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->data);
}

static void close_fixture(Fixture *f)
{
	data_close(f->data);
	scratch_close(&f->scratch);
}

/* The choice has a, b, c samples of the classes, and no sample twice. */
static bool chooses(const Data *d, int64_t count, int64_t per_class, uint64_t seed, int a, int b,
                    int c)
{
	char why[WHY];
	int64_t *chosen;
	int of[CLASSES] = {0}, seen[N] = {0};
	bool good = data_choose(d, count, per_class, seed, &chosen, why);
	for (int64_t i = 0; good && i < count; i++) {
		good = chosen[i] >= 0 && chosen[i] < N && seen[chosen[i]]++ == 0;
		if (good)
			of[label_of[chosen[i]]]++;
	}
	free(chosen);
	return good && of[0] == a && of[1] == b && of[2] == c;
}

static void the_commonest_class_is_counted(void)
{
	Fixture f;
	open_fixture(&f);
	CU_ASSERT_DOUBLE_EQUAL(data_commonest(f.data, SPLIT_TRAIN), 0.7, 1e-12);
	CU_ASSERT(data_commonest(f.data, SPLIT_TEST) == 0); /* it has no samples */
	/* Class 0 is the commonest of the train split, class 1 of these. */
	char why[WHY];
	static const int32_t other[] = {1, 0, 1, 2, 1};
	static const float x[] = {0, 1, 2, 3, 4};
	CU_ASSERT(npy_write(scratch_path(&f.scratch, "u.npy"), "f32", 1, (int64_t[]){5}, x, why));
	CU_ASSERT(npy_write(scratch_path(&f.scratch, "v.npy"), "i32", 1, (int64_t[]){5}, other, why));
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "label", .text = "y.npy"},
	                            {.name = "test_x", .text = "u.npy"},
	                            {.name = "test_label", .text = "v.npy"}};
	Data *d = data_open(&(sslc_call){"npy", argument, 4}, f.scratch.folder, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_DOUBLE_EQUAL(data_commonest(d, SPLIT_TEST), 0.2, 1e-12);
	data_close(d);
	close_fixture(&f);
}

static void classes_have_their_shares(void)
{
	Fixture f;
	open_fixture(&f);
	for (uint64_t seed = 0; seed < 5; seed++) {
		CU_ASSERT(chooses(f.data, 1, 0, seed, 1, 0, 0)); /* 0.7 0.2 0.1 */
		CU_ASSERT(chooses(f.data, 3, 0, seed, 2, 1, 0)); /* 2.1 0.6 0.3 */
		CU_ASSERT(chooses(f.data, 5, 0, seed, 4, 1, 0)); /* 3.5 1.0 0.5: of a tie the first */
		CU_ASSERT(chooses(f.data, 8, 0, seed, 6, 1,
		                  1)); /* 5.6 1.6 0.8: two are left, of a tie the first */
		CU_ASSERT(chooses(f.data, 9, 0, seed, 6, 2, 1)); /* 6.3 1.8 0.9 */
		CU_ASSERT(chooses(f.data, 3, 1, seed, 1, 1, 1));
	}
	close_fixture(&f);
}

static void all_samples_need_no_choice(void)
{
	Fixture f;
	open_fixture(&f);
	char why[WHY];
	int64_t *chosen;
	CU_ASSERT(data_choose(f.data, N, 0, 0, &chosen, why) && !chosen);
	close_fixture(&f);
}

static void a_class_may_have_too_few(void)
{
	Fixture f;
	open_fixture(&f);
	char why[WHY];
	int64_t *chosen;
	CU_ASSERT(!data_choose(f.data, 6, 2, 0, &chosen, why) && !chosen);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "2 samples of each class are asked for, but class 2 has 1"));
	close_fixture(&f);
}

/* One sample of 7, 700 times: each about 100 times, within 4 deviations of 9.3. */
static void every_sample_is_as_likely(void)
{
	Fixture f;
	open_fixture(&f);
	char why[WHY];
	int64_t *chosen;
	int count[N] = {0};
	for (uint64_t seed = 0; seed < 700; seed++) {
		CU_ASSERT_FATAL(data_choose(f.data, 1, 0, seed, &chosen, why));
		count[chosen[0]]++;
		free(chosen);
	}
	for (int i = 0; i < N; i++)
		CU_ASSERT(label_of[i] ? count[i] == 0 : abs(count[i] - 100) < 37);
	close_fixture(&f);
}

/* Of a choice, an epoch has each sample once and no other. */
static void batches_come_from_the_choice(void)
{
	Fixture f;
	open_fixture(&f);
	char why[WHY];
	int64_t chosen[] = {7, 2, 9, 4};
	for (int shuffle = 0; shuffle < 2; shuffle++) {
		PrefetchOrder o = {.batch = 2,
		                   .epochs = true,
		                   .shuffle = shuffle,
		                   .last_step = 6,
		                   .chosen = chosen,
		                   .chosen_count = 4};
		Prefetch *p = prefetch_open(f.data, &o, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int epoch = 0; epoch < 3; epoch++) {
			int seen[N] = {0};
			for (int step = 0; step < 2; step++) {
				const void *const *field = prefetch_next(p, why);
				for (int i = 0; i < 2; i++) {
					int at = (int)((const float *)field[0])[i];
					CU_ASSERT_EQUAL(((const int32_t *)field[1])[i], label_of[at]);
					seen[at]++;
				}
			}
			for (int i = 0; i < 4; i++)
				CU_ASSERT_EQUAL(seen[chosen[i]], 1);
		}
		prefetch_close(p);
	}
	close_fixture(&f);
}

/* Floats, or several integers a sample: any samples, none twice; there are no classes to ask for. */
static void labels_that_are_no_classes(void)
{
	static const char *const types[] = {"f32", "u8", "i32"};
	for (int t = 0; t < 3; t++) {
		Scratch s;
		char why[WHY] = "";
		float numbers[2 * N] = {-1.5f, 2};
		scratch_open(&s);
		CU_ASSERT(npy_write(scratch_path(&s, "x.npy"), "f32", 1, (int64_t[]){N}, numbers, why));
		CU_ASSERT(
		    npy_write(scratch_path(&s, "y.npy"), types[t], 2, (int64_t[]){N, 2}, numbers, why));
		sslc_argument argument[] = {
		    {.text = "x.npy"}, {.name = "label", .text = "y.npy"}, {.name = "test"}};
		Data *d = data_open(&(sslc_call){"npy", argument, 3}, s.folder, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT_EQUAL(data_shape(d)->classes, 0);
		CU_ASSERT_STRING_EQUAL(data_shape(d)->field[1].dtype, t == 0 ? "f32" : "i32");
		CU_ASSERT_EQUAL(data_shape(d)->field[1].bytes, 8);
		int seen[N] = {0};
		int64_t *chosen;
		CU_ASSERT_FATAL(data_choose(d, 7, 0, 1, &chosen, why));
		for (int i = 0; i < 7; i++)
			CU_ASSERT(chosen[i] >= 0 && chosen[i] < N && seen[chosen[i]]++ == 0);
		free(chosen);
		CU_ASSERT_FALSE(data_choose(d, 2, 2, 1, &chosen, why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "no classes"));
		data_close(d);
		scratch_close(&s);
	}
}

/* -- Samples without a label ------------------------------------------------------------------- */

enum { PARTLY = 40 };

/* Sample i is the number i; of every three two have no label: -1. */
static Data *open_partly(Scratch *s, const char *none, double share, char why[WHY])
{
	float x[PARTLY];
	int32_t label[PARTLY];
	for (int i = 0; i < PARTLY; i++) {
		x[i] = (float)i;
		label[i] = i % 3 ? -1 : i / 3 % 2;
	}
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "label", .text = "y.npy"},
	                            {.name = "test", .number = share},
	                            {.name = "unlabelled", .text = none}};
	CU_ASSERT_FATAL(npy_write(scratch_path(s, "x.npy"), "f32", 1, (int64_t[]){PARTLY}, x, why) &&
	                npy_write(scratch_path(s, "y.npy"), "i32", 1, (int64_t[]){PARTLY}, label, why));
	return data_open(&(sslc_call){"npy", argument, 4}, s->folder, why);
}

/* The samples of both splits are so many, each once; none to test on lacks a label, of those to train on `lack`. */
static void holds(const Data *d, int64_t train, int64_t test, int64_t lack)
{
	char why[WHY];
	int seen[PARTLY] = {0};
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == train && data_count(d, SPLIT_TEST) == test);
	CU_ASSERT(data_shape(d)->unlabelled == lack && data_shape(d)->classes == 2);
	for (int s = 0; s < 2; s++)
		for (int64_t i = 0; i < data_count(d, (Split)s); i++) {
			float x;
			int32_t label;
			CU_ASSERT_FATAL(data_sample(d, (Split)s, i, (void *[]){&x, &label}, why));
			int k = (int)x;
			CU_ASSERT(seen[k]++ == 0 && data_row(d, (Split)s, i) == k);
			CU_ASSERT(label == (k % 3 ? -1 : k / 3 % 2));
			CU_ASSERT(*(const int32_t *)data_value(d, (Split)s, 1, i) == label);
			CU_ASSERT(s == SPLIT_TRAIN || label >= 0);
			lack -= label < 0;
		}
	CU_ASSERT(lack == 0);
}

/* `count` samples of the train split, each once, all with a label. */
static void chooses_labelled(const Data *d, int64_t count, int64_t per_class)
{
	char why[WHY];
	int64_t *chosen;
	int seen[PARTLY] = {0};
	CU_ASSERT_FATAL(data_choose(d, count, per_class, 3, &chosen, why) && chosen);
	for (int64_t i = 0; i < count; i++) {
		CU_ASSERT_FATAL(chosen[i] >= 0 && chosen[i] < data_count(d, SPLIT_TRAIN));
		CU_ASSERT(seen[chosen[i]]++ == 0);
		CU_ASSERT(*(const int32_t *)data_value(d, SPLIT_TRAIN, 1, chosen[i]) >= 0);
	}
	free(chosen);
}

/* Of 40 samples 14 have a label, 26 have none. */
static void tasks_see_what_has_a_label(void)
{
	Scratch s;
	char why[WHY];
	scratch_open(&s);
	Data *d = open_partly(&s, "-1", 0.25, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_STRING_EQUAL(data_note(d), "26 of 40 samples have no label: tasks leave them out");
	holds(d, 37, 3, 26);
	chooses_labelled(d, 11, 0);
	chooses_labelled(d, 5, 0);
	chooses_labelled(d, 4, 2);
	double commonest = data_commonest(d, SPLIT_TEST) * 3;
	CU_ASSERT(commonest >= 0 && commonest == (int)commonest);
	data_close(d);

	d = open_partly(&s, "-1", 0, why); /* in the order of the file */
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	holds(d, 40, 0, 26);
	for (int64_t i = 0; i < PARTLY; i++)
		CU_ASSERT(data_row(d, SPLIT_TRAIN, i) == i);
	chooses_labelled(d, 14, 0);
	CU_ASSERT_FATAL(data_hold_out(d, 0.5, why));
	holds(d, 33, 7, 26);
	chooses_labelled(d, 7, 0);
	data_close(d);

	/* What data_hold_out leaves of a share that was held out. */
	d = open_partly(&s, "-1", 0.25, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_FATAL(data_hold_out(d, 0.3, why));
	holds(d, 34, 3, 26);
	chooses_labelled(d, 8, 0);
	data_close(d);
	scratch_close(&s);
}

static void what_stands_for_no_label_is_said(void)
{
	static const struct {
		const char *none, *said;
	} wrong[] = {
	    {"", "label 1 is -1; labels are integers from 0, and unlabelled='-1' says that"},
	    {"0", "label 1 is -1; labels are integers from 0"},
	    {"none", "unlabelled='none': it is the integer of those without a label"},
	};
	Scratch s;
	char why[WHY];
	scratch_open(&s);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		CU_ASSERT_PTR_NULL(open_partly(&s, wrong[i].none, 0, why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why, wrong[i].said));
	}
	scratch_close(&s);
}

/* -- Samples of both splits -------------------------------------------------------------------- */

/* Whatever the label is; -0 is another number than 0. */
static void test_samples_that_are_trained_on_are_counted(void)
{
	static const float x[] = {1, 2, 3, 4, 0, 6, 1, 2, 3, 3},
	                   u[] = {3, 4, 1, 3, -0.0f, 6, 3, 4, 2, 3};
	static const int32_t y[5] = {0, 1, 0, 1, 0}, v[5] = {1, 1, 1, 1, 1};
	Scratch s;
	char why[WHY];
	scratch_open(&s);
	CU_ASSERT_FATAL(npy_write(scratch_path(&s, "x.npy"), "f32", 2, (int64_t[]){5, 2}, x, why) &&
	                npy_write(scratch_path(&s, "y.npy"), "i32", 1, (int64_t[]){5}, y, why) &&
	                npy_write(scratch_path(&s, "u.npy"), "f32", 2, (int64_t[]){5, 2}, u, why) &&
	                npy_write(scratch_path(&s, "v.npy"), "i32", 1, (int64_t[]){5}, v, why));
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "label", .text = "y.npy"},
	                            {.name = "test_x", .text = "u.npy"},
	                            {.name = "test_label", .text = "v.npy"},
	                            {.name = "window"}};
	/* rows 12 34 06 12 33, to test on 34 13 -06 34 23; of one row alone windows are the rows */
	for (int window = 0; window < 2; window++) {
		argument[4].number = window;
		Data *d = data_open(&(sslc_call){"npy", argument, 5}, s.folder, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT_EQUAL(data_leaked(d), 2);
		data_close(d);
	}
	/* of a share that is held out of rows that are all equal: every one */
	CU_ASSERT_FATAL(
	    npy_write(scratch_path(&s, "x.npy"), "f32", 2, (int64_t[]){5, 2}, (float[10]){0}, why));
	Data *d = data_open(&(sslc_call){"npy", argument, 2}, s.folder, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(data_leaked(d), 0); /* a tenth of 5 samples is none */
	CU_ASSERT_FATAL(data_hold_out(d, 0.4, why));
	CU_ASSERT_EQUAL(data_leaked(d), 2);
	data_close(d);
	scratch_close(&s);
}

CU_TestInfo test_subset[] = {
    {"test samples that are trained on are counted", test_samples_that_are_trained_on_are_counted},
    {"tasks see what has a label", tasks_see_what_has_a_label},
    {"what stands for no label is said", what_stands_for_no_label_is_said},
    {"the commonest class is counted", the_commonest_class_is_counted},
    {"classes have their shares", classes_have_their_shares},
    {"all samples need no choice", all_samples_need_no_choice},
    {"a class may have too few", a_class_may_have_too_few},
    {"every sample is as likely", every_sample_is_as_likely},
    {"batches come from the choice", batches_come_from_the_choice},
    {"labels that are no classes", labels_that_are_no_classes},
    CU_TEST_INFO_NULL,
};
