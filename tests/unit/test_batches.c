/* test_batches.c: from data to batches: the permutation, splits, normal(), the prefetcher.
 *
 * Truths: what a permutation, a split and a batch are; NumPy's numbers for normal()
 * (tests/oracle/data). */
#include <CUnit/CUnit.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../runtime/runtime.h"
#include "scratch.h"

/* -- order ------------------------------------------------------------------------------------- */

static bool permutes(int64_t n, uint64_t seed, uint64_t epoch)
{
	bool *seen = calloc((size_t)n, sizeof *seen), good = true;
	for (int64_t i = 0; i < n && good; i++) {
		int64_t at = order_at(i, n, seed, epoch);
		good = at >= 0 && at < n && !seen[at];
		if (good)
			seen[at] = true;
	}
	free(seen);
	return good;
}

/* Places where two orders agree: about one, whatever n is, if they have nothing to do with each
 * other; more than ten has a chance of 1e-8. */
static int64_t shared(int64_t n, uint64_t seed, uint64_t epoch, uint64_t seed2, uint64_t epoch2)
{
	int64_t count = 0;
	for (int64_t i = 0; i < n; i++)
		count += order_at(i, n, seed, epoch) == order_at(i, n, seed2, epoch2);
	return count;
}

static void the_order_is_a_permutation(void)
{
	static const int64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 1000, 1024, 1025, 60000};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CU_ASSERT(permutes(sizes[i], 0, 0));
		CU_ASSERT(permutes(sizes[i], UINT64_MAX, 7));
		CU_ASSERT(permutes(sizes[i], 1, UINT64_MAX));
	}
	/* 2^40 + 1 is too many to count: of some that lie close, none falls on another */
	enum { SOME = 200 };
	int64_t at[SOME], twice = 0, n = ((int64_t)1 << 40) + 1;
	for (int i = 0; i < SOME; i++) {
		at[i] = order_at(n - 1 - i, n, 3, 0);
		CU_ASSERT(at[i] >= 0 && at[i] < n);
		for (int j = 0; j < i; j++)
			twice += at[i] == at[j];
	}
	CU_ASSERT_EQUAL(twice, 0);
}

static void orders_differ_by_seed_and_epoch(void)
{
	CU_ASSERT_EQUAL(shared(1000, 5, 2, 5, 2), 1000);
	CU_ASSERT(shared(1000, 5, 0, 5, 1) <= 10);
	CU_ASSERT(shared(1000, 5, 0, 6, 0) <= 10);
	CU_ASSERT(shared(1000, 0, 0, (uint64_t)1 << 32, 0) <= 10);
	CU_ASSERT(shared(1000, 0, 0, 0, (uint64_t)1 << 32) <= 10);
	int64_t fixed = 0;
	for (int64_t i = 0; i < 1000; i++)
		fixed += order_at(i, 1000, 0, 0) == i;
	CU_ASSERT(fixed <= 10);
}

/* Of 6000 epochs over 3 samples, each of the 6 orders comes about 1000 times: within 5 standard
 * deviations of sqrt(6000 * 1/6 * 5/6) = 28.9. */
static void every_order_is_as_likely(void)
{
	int count[27] = {0}, kinds = 0;
	for (uint64_t epoch = 0; epoch < 6000; epoch++)
		count[order_at(0, 3, 1, epoch) + 3 * order_at(1, 3, 1, epoch) +
		      9 * order_at(2, 3, 1, epoch)]++;
	for (int i = 0; i < 27; i++) {
		kinds += count[i] > 0;
		CU_ASSERT(count[i] == 0 || abs(count[i] - 1000) <= 145);
	}
	CU_ASSERT_EQUAL(kinds, 6);
}

/* -- Data: splits ------------------------------------------------------------------------------ */

enum { CLASSES = 5 };

/* n samples of `width` floats, 1000 i + j; labels i % 5; as files x.npy and y.npy. */
static bool put_samples(Scratch *s, int64_t n, int64_t width)
{
	char why[WHY];
	float *x = malloc((size_t)(n * width) * sizeof *x);
	int32_t *y = malloc((size_t)n * sizeof *y);
	for (int64_t i = 0; i < n * width; i++)
		x[i] = (float)(1000 * (i / width) + i % width);
	for (int64_t i = 0; i < n; i++)
		y[i] = (int32_t)(i % CLASSES);
	bool good = npy_write(scratch_path(s, "x.npy"), "f32", 2, (int64_t[]){n, width}, x, why) &&
	            npy_write(scratch_path(s, "y.npy"), "i32", 1, &n, y, why);
	free(x);
	free(y);
	return good;
}

static Data *open_share(const Scratch *s, double share, char why[WHY])
{
	sslc_argument argument[] = {
	    {.text = "x.npy"}, {.name = "label", .text = "y.npy"}, {.name = "test", .number = share}};
	return data_open(&(sslc_call){"npy", argument, 3}, s->folder, why);
}

static Data *open_samples(Scratch *s, int64_t n, int64_t width, double share)
{
	char why[WHY] = "the samples were not written";
	scratch_open(s);
	Data *d = put_samples(s, n, width) ? open_share(s, share, why) : NULL;
	if (!d)
		CU_FAIL_FATAL(why);
	return d;
}

/* Which sample lies at `place`; -1 if that is none of put_samples. */
static int64_t sample_at(const void *x, const void *label, int64_t place, int64_t width, bool f64)
{
	int64_t sample = -1;
	for (int64_t j = 0; j < width; j++) {
		int64_t i = place * width + j;
		double value = f64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
		if (j == 0)
			sample = (int64_t)value / 1000;
		if (value != (double)(1000 * sample + j))
			return -1;
	}
	return ((const int32_t *)label)[place] == sample % CLASSES ? sample : -1;
}

/* Every sample is in one split, with its own label, and `held` are in the test split. */
static bool splits(int64_t n, double share, int64_t held)
{
	Scratch s;
	Data *d = open_samples(&s, n, 3, share);
	bool good = data_count(d, SPLIT_TRAIN) == n - held && data_count(d, SPLIT_TEST) == held;
	int *seen = calloc((size_t)n, sizeof *seen);
	for (int split = 0; split < 2 && good; split++)
		for (int64_t i = 0; i < data_count(d, (Split)split) && good; i++) {
			int64_t at = sample_at(data_value(d, (Split)split, 0, i),
			                       data_value(d, (Split)split, 1, i), 0, 3, false);
			good = at >= 0 && at < n && seen[at]++ == 0;
		}
	free(seen);
	data_close(d);
	scratch_close(&s);
	return good;
}

static void a_share_is_held_out(void)
{
	CU_ASSERT(splits(10, 0.3, 3));
	CU_ASSERT(splits(100, 0.1, 10));
	CU_ASSERT(splits(100, 0.5, 50));
	CU_ASSERT(splits(25, 0.1, 2));
	CU_ASSERT(splits(9, 0.1, 0));
	CU_ASSERT(splits(7, 0, 0));
	CU_ASSERT(splits(2, 0.99, 1));
}

static void what_is_held_out_stays_the_same(void)
{
	Scratch s;
	char why[WHY];
	Data *d = open_samples(&s, 50, 3, 0.2), *again = open_share(&s, 0.2, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	for (int64_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(memcmp(data_value(d, SPLIT_TEST, 0, i), data_value(again, SPLIT_TEST, 0, i),
		                       3 * sizeof(float)),
		                0);
	const sslc_data *shape = data_shape(d);
	CU_ASSERT_EQUAL(shape->count, 2);
	CU_ASSERT_EQUAL(shape->classes, CLASSES);
	CU_ASSERT_STRING_EQUAL(shape->field[0].name, "x");
	CU_ASSERT_STRING_EQUAL(shape->field[0].dtype, "f32");
	CU_ASSERT(shape->field[0].rank == 1 && shape->field[0].dim[0] == 3);
	CU_ASSERT_STRING_EQUAL(shape->field[1].name, "label");
	CU_ASSERT_STRING_EQUAL(shape->field[1].dtype, "i32");
	CU_ASSERT_EQUAL(shape->field[1].rank, 0);
	CU_ASSERT(shape->field[0].bytes == 12 && shape->field[1].bytes == 4);
	data_close(d);
	data_close(again);
	/* test files of its own: nothing is held out */
	sslc_argument argument[] = {{.name = "x", .text = "x.npy"},
	                            {.name = "test_x", .text = "x.npy"}};
	d = data_open(&(sslc_call){"npy", argument, 2}, s.folder, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 50 && data_count(d, SPLIT_TEST) == 50);
	CU_ASSERT_EQUAL(data_shape(d)->count, 1);
	data_close(d);
	scratch_close(&s);
}

/* x, and an array of that name; of both splits if `test`. */
static Data *open_named(const Scratch *s, const char *name, bool test, char why[WHY])
{
	char of_test[64];
	snprintf(of_test, sizeof of_test, "test_%s", name);
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = name, .text = "y.npy"},
	                            {.name = "test_x", .text = "x.npy"},
	                            {.name = of_test, .text = "y.npy"}};
	return data_open(&(sslc_call){"npy", argument, test ? 4 : 2}, s->folder, why);
}

/* As many arrays as one likes, of any type and rank; each sample has its own row of all. */
static void further_arrays_have_names(void)
{
	enum { COUNT = 30 };
	Scratch s;
	char why[WHY] = "";
	float boxes[COUNT][2][5];
	int32_t length[COUNT];
	scratch_open(&s);
	for (int i = 0; i < COUNT; i++) {
		length[i] = 7 * i - 3;
		for (int k = 0; k < 10; k++)
			boxes[i][k / 5][k % 5] = (float)(100 * i + k);
	}
	CU_ASSERT_FATAL(put_samples(&s, COUNT, 3));
	CU_ASSERT_FATAL(
	    npy_write(scratch_path(&s, "boxes.npy"), "f32", 3, (int64_t[]){COUNT, 2, 5}, boxes, why));
	CU_ASSERT_FATAL(
	    npy_write(scratch_path(&s, "n.npy"), "i32", 2, (int64_t[]){COUNT, 1}, length, why));
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "boxes", .text = "boxes.npy"},
	                            {.name = "label", .text = "y.npy"},
	                            {.name = "n", .text = "n.npy"},
	                            {.name = "test", .number = 0.2}};
	char *name = strdup("boxes");
	argument[1].name = name;
	Data *d = data_open(&(sslc_call){"npy", argument, 5}, s.folder, why);
	memset(name, '?', 5); /* names are kept, whatever becomes of the call's */
	free(name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	const sslc_data *shape = data_shape(d);
	CU_ASSERT_FATAL(shape->count == 4 && shape->train_count == 24 && shape->test_count == 6);
	CU_ASSERT_STRING_EQUAL(shape->field[1].name, "label");
	CU_ASSERT_STRING_EQUAL(shape->field[2].name, "boxes");
	CU_ASSERT_STRING_EQUAL(shape->field[3].name, "n");
	CU_ASSERT(shape->field[2].rank == 2 && shape->field[2].dim[0] == 2 &&
	          shape->field[2].dim[1] == 5 && shape->field[2].bytes == 40);
	CU_ASSERT(shape->field[3].rank == 1 && strcmp(shape->field[3].dtype, "i32") == 0);
	for (int split = 0; split < 2; split++)
		for (int64_t i = 0; i < data_count(d, (Split)split); i++) {
			float x[3], box[2][5];
			int32_t label, n;
			CU_ASSERT(data_sample(d, (Split)split, i, (void *[]){x, &label, box, &n}, why));
			int at = (int)x[0] / 1000;
			CU_ASSERT(label == at % CLASSES && n == length[at] &&
			          memcmp(box, boxes[at], sizeof box) == 0);
		}
	data_close(d);
	/* with test files, each array has one */
	CU_ASSERT_PTR_NOT_NULL_FATAL(d = open_named(&s, "classes", true, why));
	CU_ASSERT(data_count(d, SPLIT_TEST) == COUNT && data_shape(d)->count == 2);
	CU_ASSERT_EQUAL(data_shape(d)->classes, 0);
	data_close(d);
	scratch_close(&s);
}

static void wrong_further_arrays_are_refused(void)
{
	enum { COUNT = 30 };
	Scratch s;
	char why[WHY] = "";
	float wide[COUNT] = {[COUNT - 1] = NAN};
	int32_t short_one[COUNT - 1] = {0};
	scratch_open(&s);
	CU_ASSERT_FATAL(put_samples(&s, COUNT, 3));
	CU_ASSERT_FATAL(
	    npy_write(scratch_path(&s, "wide.npy"), "f32", 1, (int64_t[]){COUNT}, wide, why));
	CU_ASSERT_FATAL(
	    npy_write(scratch_path(&s, "y.npy"), "i32", 1, (int64_t[]){COUNT - 1}, short_one, why));
	CU_ASSERT_PTR_NULL(open_named(&s, "boxes", false, why));
	CU_ASSERT_STRING_EQUAL(why, "there are 30 samples but 29 rows of 'boxes'");
	CU_ASSERT_PTR_NULL(open_named(&s, "labels", false, why));
	CU_ASSERT_STRING_EQUAL(why,
	                       "'npy' has no parameter 'labels': is 'label' meant? A further array "
	                       "takes a name less like it");
	CU_ASSERT_PTR_NULL(open_named(&s, "test_boxes", false, why));
	CU_ASSERT_STRING_EQUAL(why, "'test_boxes' is given, but no 'boxes'");
	sslc_argument argument[] = {{.text = "x.npy"},
	                            {.name = "wide", .text = "wide.npy"},
	                            {.name = "wide", .text = "wide.npy"}};
	CU_ASSERT_PTR_NULL(data_open(&(sslc_call){"npy", argument, 3}, s.folder, why));
	CU_ASSERT_STRING_EQUAL(why, "'npy' is given 'wide' twice");
	CU_ASSERT_PTR_NULL(data_open(&(sslc_call){"npy", argument, 2}, s.folder, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'wide' of the data holds NaN at index 29"));
	scratch_close(&s);
}

/* x and y of these types and shapes are refused, with `word` in the reason. */
static bool data_refused(const Array *x, const Array *y, const char *word)
{
	Scratch s;
	char why[WHY] = "";
	scratch_open(&s);
	sslc_argument argument[] = {{.text = "x.npy"}, {.text = "y.npy"}};
	bool good = npy_write(scratch_path(&s, "x.npy"), x->type, x->rank, x->dim, x->at, why) &&
	            npy_write(scratch_path(&s, "y.npy"), y->type, y->rank, y->dim, y->at, why);
	Data *d = data_open(&(sslc_call){"npy", argument, 2}, s.folder, why);
	good = good && !d && strstr(why, word);
	if (!good)
		fprintf(stderr, "\n    not for '%s': %s\n", word, why);
	data_close(d);
	scratch_close(&s);
	return good;
}

/* [n, 1]: of integers the classes of n samples; numbers stay what they are, for a loss of [n, 1]. */
static void a_column_of_labels(void)
{
	Scratch s;
	char why[WHY] = "";
	float x[] = {1, 2, 3, 4}, y[] = {5, 6, 7, 8};
	int32_t class[] = {0, 1, 2, 3};
	scratch_open(&s);
	CU_ASSERT(npy_write(scratch_path(&s, "x.npy"), "f32", 2, (int64_t[]){4, 1}, x, why));
	CU_ASSERT(npy_write(scratch_path(&s, "y.npy"), "f32", 2, (int64_t[]){4, 1}, y, why));
	Data *d = open_share(&s, 0, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_shape(d)->field[1].rank == 1 && data_shape(d)->field[1].dim[0] == 1);
	data_close(d);
	CU_ASSERT(npy_write(scratch_path(&s, "y.npy"), "i32", 2, (int64_t[]){4, 1}, class, why));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d = open_share(&s, 0, why));
	CU_ASSERT(data_shape(d)->field[1].rank == 0 && data_shape(d)->classes == 4);
	data_close(d);
	scratch_close(&s);
}

static void wrong_data_is_refused(void)
{
	float fine[] = {1, 2}, nan[] = {1, NAN}, none[] = {NAN, NAN}, endless[] = {-INFINITY, 1};
	int32_t y[] = {0, 1, 2}, negative[] = {0, -1}, most[] = {0, INT32_MAX};
	const Array x = {"f32", 2, {2, 1}, fine}, label = {"i32", 1, {2}, y};
	Data *d;
	char why[WHY];
	CU_ASSERT(data_refused(&(Array){"f32", 2, {2, 1}, nan}, &label, "NaN at index 1"));
	CU_ASSERT(data_refused(&(Array){"f32", 2, {2, 1}, endless}, &label, "infinity at index 0"));
	CU_ASSERT(data_refused(&x, &(Array){"i32", 1, {3}, y}, "2 samples but 3 labels"));
	CU_ASSERT(
	    data_refused(&x, &(Array){"f32", 1, {2}, none},
	                 "no train sample has a label: give some of them one, or read no labels"));
	CU_ASSERT(data_refused(&x, &(Array){"f32", 1, {2}, endless}, "infinity at index 0"));
	CU_ASSERT(data_refused(&x, &(Array){"f32", 2, {1, 2}, fine}, "2 samples but 1 labels"));
	CU_ASSERT(data_refused(&x, &(Array){"i32", 1, {2}, negative}, "label 1 is -1"));
	CU_ASSERT(data_refused(&x, &(Array){"i32", 0, {0}, y}, "labels"));
	CU_ASSERT(data_refused(&(Array){"f32", 0, {0}, fine}, &label, "single number"));
	/* the largest label has a class above it */
	Scratch s;
	scratch_open(&s);
	CU_ASSERT(npy_write(scratch_path(&s, "x.npy"), "f32", 2, (int64_t[]){2, 1}, fine, why));
	CU_ASSERT(npy_write(scratch_path(&s, "y.npy"), "i32", 1, (int64_t[]){2}, most, why));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d = open_share(&s, 0, why));
	CU_ASSERT_EQUAL(data_shape(d)->classes, (int64_t)1 << 31);
	data_close(d);
	/* a single number is no set of samples */
	CU_ASSERT(npy_write(scratch_path(&s, "x.npy"), "f32", 0, NULL, fine, why));
	sslc_argument only[] = {{.text = "x.npy"}};
	CU_ASSERT_PTR_NULL(data_open(&(sslc_call){"npy", only, 1}, s.folder, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "single number"));
	only[0].text = "";
	CU_ASSERT_PTR_NULL(data_open(&(sslc_call){"npy", only, 1}, s.folder, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "empty"));
	scratch_close(&s);
}

/* -- Data: normal ------------------------------------------------------------------------------ */

static Data *open_normal(double n, double width, double seed, char why[WHY])
{
	sslc_argument argument[] = {{.number = n}, {.number = width}, {.name = "seed", .number = seed}};
	return data_open(&(sslc_call){"normal", argument, 3}, NULL, why);
}

static void normal_numbers_are_those_of_numpy(void)
{
	enum { COUNT = 120, HEADER = 128 };
	static const double seeds[] = {5, 1099511627783}; /* 2^40 + 7 */
	char why[WHY];
	size_t size;
	unsigned char *file = file_get(oracle_path("data/normal.npy"), &size);
	CU_ASSERT_FATAL(file && size == HEADER + 2 * COUNT * sizeof(double));
	for (int which = 0; which < 2; which++) {
		double want[COUNT];
		memcpy(want, file + HEADER + which * sizeof want, sizeof want);
		Data *d = open_normal(40, 3, seeds[which], why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d);
		CU_ASSERT(data_count(d, SPLIT_TRAIN) == 40 && data_count(d, SPLIT_TEST) == 0);
		const float *x = data_value(d, SPLIT_TRAIN, 0, 0);
		for (int i = 0; i < COUNT; i++)
			CU_ASSERT_DOUBLE_EQUAL((double)x[i], want[i], (double)FLT_EPSILON * fabs(want[i]));
		data_close(d);
	}
	free(file);
}

static void normal_refuses_what_is_no_count(void)
{
	static const double wrong[][3] = {{0, 3, 0},    {2.5, 3, 0},      {4, 0, 0},   {4, -1, 0},
	                                  {4, 3, -1},   {4, 3, 0.5},      {1e9, 2, 0}, {NAN, 3, 0},
	                                  {4, 3, 1e30}, {4, 3, INFINITY}, {4, 3, NAN}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char why[WHY] = "";
		Data *d = open_normal(wrong[i][0], wrong[i][1], wrong[i][2], why);
		CU_ASSERT_PTR_NULL(d);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "whole numbers"));
		data_close(d);
	}
}

/* -- prefetch ---------------------------------------------------------------------------------- */

/* Every batch that `order` gives is the samples `want` says; then there are no more. `slow` lets
 * the thread run ahead before a batch is read. */
static bool gives(const Data *d, const PrefetchOrder *order, int64_t width,
                  int64_t (*want)(const PrefetchOrder *o, int64_t n, int64_t step, int64_t place),
                  bool slow)
{
	char why[WHY];
	Prefetch *p = prefetch_open(d, order, why);
	bool good = p != NULL;
	int64_t n = data_count(d, order->split);
	for (int64_t step = order->first_step; step < order->last_step && good; step++) {
		const void *const *field = prefetch_next(p, why);
		good = field && (uintptr_t)field[0] % 64 == 0 && (uintptr_t)field[1] % 64 == 0;
		if (slow)
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
		for (int64_t i = 0; i < order->batch && good; i++)
			good = sample_at(field[0], field[1], i, width, order->f64) == want(order, n, step, i);
	}
	good = good && !prefetch_next(p, why) && !prefetch_next(p, why);
	prefetch_close(p);
	return good;
}

static int64_t in_order(const PrefetchOrder *o, int64_t n, int64_t step, int64_t place)
{
	int64_t i = o->offset + step * o->batch + place;
	return i < n ? i : 0;
}

/* An epoch has n / batch steps: the last partial batch is dropped. */
static int64_t shuffled(const PrefetchOrder *o, int64_t n, int64_t step, int64_t place)
{
	int64_t steps = n / o->batch;
	return order_at(step % steps * o->batch + place, n, o->seed, (uint64_t)(step / steps));
}

static int64_t again(const PrefetchOrder *o, int64_t n, int64_t step, int64_t place)
{
	return step % (n / o->batch) * o->batch + place;
}

/* Both below and above the size from which on a thread gathers. */
static void batches_come_in_order(void)
{
	static const int64_t widths[] = {3, 800};
	for (int i = 0; i < 2; i++)
		for (int wide = 0; wide < 2; wide++) {
			Scratch s;
			Data *d = open_samples(&s, 23, widths[i], 0);
			PrefetchOrder o = {.batch = 10, .last_step = 4, .f64 = wide};
			CU_ASSERT(gives(d, &o, widths[i], in_order, false));
			CU_ASSERT(gives(d, &o, widths[i], in_order, true));
			o.first_step = 1, o.last_step = 3;
			CU_ASSERT(gives(d, &o, widths[i], in_order, false));
			o.offset = 7;
			CU_ASSERT(gives(d, &o, widths[i], in_order, true));
			o.last_step = 1;
			CU_ASSERT(gives(d, &o, widths[i], in_order, false));
			data_close(d);
			scratch_close(&s);
		}
}

static void batches_come_shuffled(void)
{
	static const int64_t widths[] = {3, 800};
	for (int i = 0; i < 2; i++) {
		Scratch s;
		Data *d = open_samples(&s, 47, widths[i], 0);
		PrefetchOrder o = {.batch = 10, .shuffle = true, .seed = 11, .last_step = 20};
		CU_ASSERT(gives(d, &o, widths[i], shuffled, false));
		o.first_step = 3, o.last_step = 9, o.f64 = true; /* in the middle of an epoch */
		CU_ASSERT(gives(d, &o, widths[i], shuffled, true));
		o.batch = 47, o.first_step = 0, o.last_step = 3; /* an epoch is one batch */
		CU_ASSERT(gives(d, &o, widths[i], shuffled, false));
		data_close(d);
		scratch_close(&s);
	}
}

/* Training without shuffling sees the same batches in every epoch, not one sample from then on. */
static void epochs_come_in_order(void)
{
	Scratch s;
	Data *d = open_samples(&s, 23, 3, 0);
	PrefetchOrder o = {.batch = 10, .epochs = true, .last_step = 7};
	CU_ASSERT(gives(d, &o, 3, again, false));
	o.first_step = 3;
	CU_ASSERT(gives(d, &o, 3, again, false));
	data_close(d);
	scratch_close(&s);
}

/* In an epoch no sample comes twice, and the next epoch has another order. */
static void an_epoch_has_each_sample_once(void)
{
	Scratch s;
	Data *d = open_samples(&s, 47, 800, 0);
	char why[WHY];
	PrefetchOrder o = {.batch = 10, .shuffle = true, .seed = 1, .last_step = 12};
	Prefetch *p = prefetch_open(d, &o, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	int64_t at[3][40], same = 0;
	for (int64_t step = 0; step < 12; step++) {
		const void *const *field = prefetch_next(p, why);
		for (int64_t i = 0; i < 10; i++)
			at[step / 4][step % 4 * 10 + i] = sample_at(field[0], field[1], i, 800, false);
	}
	prefetch_close(p);
	for (int epoch = 0; epoch < 3; epoch++) {
		int seen[47] = {0};
		for (int i = 0; i < 40; i++) {
			CU_ASSERT_FATAL(at[epoch][i] >= 0 && at[epoch][i] < 47);
			CU_ASSERT_EQUAL(seen[at[epoch][i]]++, 0);
			same += epoch && at[epoch][i] == at[epoch - 1][i];
		}
	}
	CU_ASSERT(same <= 10);
	data_close(d);
	scratch_close(&s);
}

/* Closed at any time: before the first batch, in the middle, after the last. */
static void a_prefetch_may_be_closed_early(void)
{
	Scratch s;
	Data *d = open_samples(&s, 23, 800, 0);
	PrefetchOrder o = {.batch = 10, .last_step = 1000};
	char why[WHY];
	for (int taken = 0; taken < 30; taken++) {
		Prefetch *p = prefetch_open(d, &o, why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int i = 0; i < taken; i++)
			CU_ASSERT_PTR_NOT_NULL(prefetch_next(p, why));
		prefetch_close(p);
	}
	prefetch_close(NULL);
	data_close(d);
	data_close(NULL);
	scratch_close(&s);
}

CU_TestInfo test_batches[] = {
    {"the order is a permutation", the_order_is_a_permutation},
    {"orders differ by seed and epoch", orders_differ_by_seed_and_epoch},
    {"every order is as likely", every_order_is_as_likely},
    {"a share is held out", a_share_is_held_out},
    {"what is held out stays the same", what_is_held_out_stays_the_same},
    {"further arrays have names", further_arrays_have_names},
    {"wrong further arrays are refused", wrong_further_arrays_are_refused},
    {"wrong data is refused", wrong_data_is_refused},
    {"a column of labels", a_column_of_labels},
    {"normal numbers are those of NumPy", normal_numbers_are_those_of_numpy},
    {"normal refuses what is no count", normal_refuses_what_is_no_count},
    {"batches come in order", batches_come_in_order},
    {"batches come shuffled", batches_come_shuffled},
    {"epochs come in order", epochs_come_in_order},
    {"an epoch has each sample once", an_epoch_has_each_sample_once},
    {"a prefetch may be closed early", a_prefetch_may_be_closed_early},
    CU_TEST_INFO_NULL,
};
