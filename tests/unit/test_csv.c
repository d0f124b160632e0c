/* test_csv.c: the reader `csv`: tables, series, texts.
 *
 * Truth: by hand, on tables of a few rows; numbers by Python (tests/oracle/tables/make.py). */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"
#include "refused.h"
#include "scratch.h"

/* `more` behind the path of a file with that text; "test.csv" holds `test`. */
static Data *open_two(const char *text, const char *test, const sslc_argument *more, size_t count,
                      char why[WHY])
{
	Scratch s;
	sslc_argument argument[12] = {{.text = "t.csv"}};
	scratch_open(&s);
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "t.csv"), text, strlen(text)));
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "test.csv"), test, strlen(test)));
	memcpy(argument + 1, more, count * sizeof *more);
	Data *d = data_open(&(sslc_call){"csv", argument, count + 1}, s.folder, why);
	scratch_close(&s);
	return d;
}

#define ARGUMENTS(...)                                                                             \
	(sslc_argument[]){__VA_ARGS__}, sizeof((sslc_argument[]){__VA_ARGS__}) / sizeof(sslc_argument)
#define OPEN(text, ...) open_two(text, "", ARGUMENTS(__VA_ARGS__), why)
#define N(name, number)                                                                            \
	{                                                                                              \
		name, NULL, number, NULL                                                                   \
	}
#define T(name, text)                                                                              \
	{                                                                                              \
		name, text, 0, NULL                                                                        \
	}

/* The fields of a sample: floats of all that are floats, in their order; `label`: of i32. */
typedef struct Sample {
	float x[64];
	int32_t label;
} Sample;

static Sample sample(const Data *d, Split s, int64_t i)
{
	Sample got = {.label = -1};
	const sslc_data *shape = data_shape(d);
	void *to[SSLC_MAX_FIELDS];
	size_t used = 0;
	char why[WHY];
	for (size_t f = 0; f < shape->count; f++) {
		bool is_class = strcmp(shape->field[f].dtype, "i32") == 0;
		to[f] = is_class ? (void *)&got.label : (void *)(got.x + used);
		used += is_class ? 0 : shape->field[f].bytes / sizeof(float);
	}
	CU_ASSERT_FATAL(used <= 64 && data_sample(d, s, i, to, why));
	return got;
}

#define X(...) (float[]){__VA_ARGS__}, sizeof((float[]){__VA_ARGS__})
static bool holds(const Data *d, Split s, int64_t i, int32_t label, const float *x, size_t bytes)
{
	Sample got = sample(d, s, i);
	return got.label == label && memcmp(got.x, x, bytes) == 0;
}

/* "x f32[2,3] label i32[]" */
static bool has_shape(const Data *d, const char *want)
{
	char text[256] = "";
	const sslc_data *shape = data_shape(d);
	for (size_t f = 0; f < shape->count; f++) {
		char one[TENSOR_TEXT];
		tensor_text(shape->field[f].dtype, shape->field[f].rank, shape->field[f].dim, one);
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %s", f ? " " : "",
		         shape->field[f].name, one);
	}
	if (strcmp(text, want) != 0)
		fprintf(stderr, "\n    %s\n", text);
	return strcmp(text, want) == 0;
}

static Data *opened(Data *d, const char *why)
{
	if (!d)
		fprintf(stderr, "\n    %s\n", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	return d;
}

/* -- Tables ------------------------------------------------------------------------------------ */

static void columns_are_features(void)
{
	char why[WHY] = "";
	Data *d = opened(
	    OPEN("a,b,kind\n1,2,red\n-3.5,4e2,blue\n0,.5,red\n", T("label", "kind"), N("test", 0)),
	    why);
	CU_ASSERT(has_shape(d, "x f32[2] label i32[]"));
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 3 && data_count(d, SPLIT_TEST) == 0);
	CU_ASSERT_FATAL(data_shape(d)->classes == 2 && data_shape(d)->class_name);
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[0], "blue");
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[1], "red");
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, 1, X(1, 2)) && holds(d, SPLIT_TRAIN, 1, 0, X(-3.5f, 400)));
	CU_ASSERT(holds(d, SPLIT_TRAIN, 2, 1, X(0, .5f)));
	CU_ASSERT_STRING_EQUAL(data_note(d), "");
	data_close(d);
	/* without a header; classes of whole numbers by value */
	d = opened(
	    OPEN("10;1;2\n9;3;4\n", N("header", 0), T("separator", ";"), T("label", "1"), N("test", 0)),
	    why);
	CU_ASSERT(has_shape(d, "x f32[2] label i32[]"));
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[0], "9");
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, 1, X(1, 2)) && holds(d, SPLIT_TRAIN, 1, 0, X(3, 4)));
	data_close(d);
}

static void columns_are_chosen(void)
{
	static const char text[] = "id,a,b,c,2,\"d, e\"\nx,1,2,3,4,5\ny,6,7,8,9,10\n";
	char why[WHY] = "";
	Data *d = opened(OPEN(text, T("columns", "c, a"), N("test", 0)), why);
	CU_ASSERT(has_shape(d, "x f32[2]") && holds(d, SPLIT_TRAIN, 1, -1, X(8, 6)));
	data_close(d);
	d = opened(OPEN(text, T("columns", "3-5, 2, 6"), N("test", 0)), why); /* "2" is a name here */
	CU_ASSERT(has_shape(d, "x f32[5]") && holds(d, SPLIT_TRAIN, 0, -1, X(2, 3, 4, 4, 5)));
	data_close(d);
	d = opened(OPEN(text, T("skip", "id, b"), N("test", 0)), why);
	CU_ASSERT(has_shape(d, "x f32[4]") && holds(d, SPLIT_TRAIN, 0, -1, X(1, 3, 4, 5)));
	data_close(d);
	d = opened(OPEN(text, T("skip", "id"), T("target", "c"), T("place", "a, b"), T("one", "6"),
	                N("test", 0)),
	           why);
	CU_ASSERT(has_shape(d, "x f32[1] label f32[] place f32[2] one f32[]"));
	CU_ASSERT(holds(d, SPLIT_TRAIN, 1, -1, X(9, 8, 6, 7, 10)) && data_shape(d)->classes == 0);
	data_close(d);
}

static void missing_values_are_told_of(void)
{
	static const char text[] = "a,b,k\n1,,u\n2,NaN,v\n3, n/a ,\n4,5,u\n6,7,\n";
	char why[WHY] = "";
	Data *d = opened(OPEN(text, T("label", "k"), T("missing", "skip"), N("test", 0)), why);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 2);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, 0, X(4, 5)) && holds(d, SPLIT_TRAIN, 1, -1, X(6, 7)));
	CU_ASSERT_STRING_EQUAL(data_note(d), "3 rows were left out, as a value is missing; "
	                                     "1 of 2 samples have no label: tasks leave them out");
	CU_ASSERT(data_shape(d)->classes == 1 && data_shape(d)->unlabelled == 1);
	data_close(d);
	d = opened(
	    OPEN("a,k\n1,2\n3,?\n5,10\n7,\n", T("label", "k"), T("unlabelled", "?"), N("test", 0)),
	    why);
	CU_ASSERT(data_shape(d)->classes == 2 && data_shape(d)->unlabelled == 2);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 1, -1, X(3)) && holds(d, SPLIT_TRAIN, 2, 1, X(5)));
	CU_ASSERT(holds(d, SPLIT_TRAIN, 3, -1, X(7)));
	data_close(d);
	refused(OPEN("a,k\n1,u\n2,none\n3,\n", T("label", "k"), T("unlabelled", "nnoe")), why,
	        "unlabelled='nnoe' is no label of the data; one of them is 'none'");
	/* Of numbers NaN; a window's is that of its last row. */
	d = opened(OPEN("a,t,u\n1,2,3\n4,,5\n6,7,nan\n8,9,0\n", T("target", "t, u"), N("test", 0)),
	           why);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 4 && data_shape(d)->unlabelled == 2);
	CU_ASSERT(data_has_label(d, SPLIT_TRAIN, 0) && !data_has_label(d, SPLIT_TRAIN, 1));
	CU_ASSERT(!data_has_label(d, SPLIT_TRAIN, 2) && data_has_label(d, SPLIT_TRAIN, 3));
	int64_t *chosen;
	CU_ASSERT_FATAL(data_choose(d, 2, 0, 1, &chosen, why) && chosen);
	CU_ASSERT(chosen[0] == 0 && chosen[1] == 3);
	free(chosen);
	CU_ASSERT_FATAL(data_choose(d, 1, 0, 1, &chosen, why) && chosen);
	CU_ASSERT(chosen[0] == 0 || chosen[0] == 3);
	free(chosen);
	data_close(d);
	d = opened(OPEN("a,t\n1,2\n3,\n4,5\n6,9\n", T("target", "t"), N("window", 2), N("test", 0)),
	           why);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 2 && data_shape(d)->unlabelled == 1);
	data_close(d);
	d = opened(OPEN(text, T("skip", "k"), T("missing", "-1.5"), N("test", 0)), why);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 5);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, -1, X(1, -1.5f)) &&
	          holds(d, SPLIT_TRAIN, 2, -1, X(3, -1.5f)));
	data_close(d);
}

/* As Python rounds the same texts to 32 bits. */
static void numbers_are_those_of_python(void)
{
	size_t size, count;
	char why[WHY] = "", path[600];
	unsigned char *want = file_get(oracle_path("tables/numbers.f32"), &size);
	snprintf(path, sizeof path, "%s", oracle_path("tables/numbers.csv"));
	sslc_argument argument[] = {{.text = path}, {.name = "test"}};
	Data *d = opened(data_open(&(sslc_call){"csv", argument, 2}, NULL, why), why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(want);
	count = size / sizeof(float);
	CU_ASSERT_FATAL(count >= 400 && (int64_t)count == data_count(d, SPLIT_TRAIN));
	for (size_t i = 0; i < count; i++)
		CU_ASSERT(memcmp(data_value(d, SPLIT_TRAIN, 0, (int64_t)i), want + 4 * i, 4) == 0);
	free(want);
	data_close(d);
}

/* -- Series ------------------------------------------------------------------------------------ */

static void windows_stay_in_their_group(void)
{
	static const char text[] =
	    "who,a,b\np,0,10\np,1,11\np,2,12\np,3,13\np,4,14\nq,5,15\nq,6,16\np,7,17\np,8,18\np,9,19\n";
	static const int first[] = {0, 2, 7};
	char why[WHY] = "";
	Data *d =
	    opened(OPEN(text, T("group", "who"), N("window", 3), N("stride", 2), N("test", 0)), why);
	CU_ASSERT(has_shape(d, "x f32[3,2]"));
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 3);
	for (int i = 0; i < 3; i++) {
		float f = (float)first[i];
		CU_ASSERT(holds(d, SPLIT_TRAIN, i, -1, X(f, f + 10, f + 1, f + 11, f + 2, f + 12)));
	}
	data_close(d);
	/* stride 0 is the window; further columns have an axis of rows, too; a target is the last row's */
	d = opened(OPEN(text, T("columns", "a"), T("target", "b"), T("again", "a, b"), N("window", 4),
	                N("test", 0)),
	           why);
	CU_ASSERT(has_shape(d, "x f32[4,1] label f32[] again f32[4,2]"));
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 2);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 1, -1, X(4, 5, 6, 7, 17, 4, 14, 5, 15, 6, 16, 7, 17)));
	data_close(d);
}

static void classes_and_gaps_are_borders(void)
{
	static const char text[] = "a,k\n0,u\n1,u\n2,u\n3,v\n4,v\n,v\n6,v\n7,v\n8,v\n";
	static const struct {
		float first;
		int32_t label;
	} want[] = {{0, 0}, {1, 0}, {3, 1}, {6, 1}, {7, 1}};
	char why[WHY] = "";
	Data *d = opened(OPEN(text, T("label", "k"), N("window", 2), N("stride", 1),
	                      T("missing", "skip"), N("test", 0)),
	                 why);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 5);
	for (int i = 0; i < 5; i++)
		CU_ASSERT(holds(d, SPLIT_TRAIN, i, want[i].label, X(want[i].first, want[i].first + 1)));
	data_close(d);
}

static void groups_are_held_out_whole(void)
{
	char text[4096] = "who,a\n", why[WHY] = "";
	for (int i = 0; i < 120; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "s%d,%d\n", i / 6 % 10, i);
	for (int window = 0; window < 4; window += 3) {
		bool seen[2][10] = {{0}};
		Data *d = opened(OPEN(text, T("group", "who"), N("window", window), N("test", 0.3)), why);
		int64_t each = window ? 2 : 6; /* of 6 rows */
		CU_ASSERT(data_count(d, SPLIT_TRAIN) == 14 * each && data_count(d, SPLIT_TEST) == 6 * each);
		for (int s = 0; s < 2; s++)
			for (int64_t i = 0; i < data_count(d, (Split)s); i++)
				seen[s][(int)sample(d, (Split)s, i).x[0] / 6 % 10] = true;
		for (int g = 0; g < 10; g++)
			CU_ASSERT(seen[0][g] != seen[1][g]);
		data_close(d);
		d = opened(OPEN(text, T("group", "who"), N("window", window), T("hold_out", "s3, s7")),
		           why);
		CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TEST), 4 * each);
		for (int64_t i = 0; i < 4 * each; i++) {
			int g = (int)sample(d, SPLIT_TEST, i).x[0] / 6 % 10;
			CU_ASSERT(g == 3 || g == 7);
		}
		data_close(d);
	}
	/* of a series without groups, its end */
	Data *d =
	    opened(OPEN(text, T("columns", "a"), N("window", 5), N("stride", 1), N("test", 0.1)), why);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 108 - 4 && data_count(d, SPLIT_TEST) == 12 - 4);
	CU_ASSERT_EQUAL(sample(d, SPLIT_TRAIN, 103).x[4], 107);
	CU_ASSERT_EQUAL(sample(d, SPLIT_TEST, 0).x[0], 108);
	data_close(d);
}

static void another_file_is_the_test_split(void)
{
	char why[WHY] = "";
	Data *d = opened(
	    open_two("a,k\n1,u\n2,w\n3,u\n", "a,k\n7,v\n8,v\n9,v\n",
	             ARGUMENTS(T("label", "k"), T("test_path", "test.csv"), N("window", 1)), why),
	    why);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 3 && data_count(d, SPLIT_TEST) == 3);
	CU_ASSERT_EQUAL(data_shape(d)->classes, 3);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 1, 2, X(2)) && holds(d, SPLIT_TEST, 2, 1, X(9)));
	data_close(d);
	CU_ASSERT_PTR_NULL(open_two("a,k\n1,u\n", "k,a\nv,7\n",
	                            ARGUMENTS(T("label", "k"), T("test_path", "test.csv")), why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "column 1 is 'a' in"));
}

/* -- Texts ------------------------------------------------------------------------------------- */

static void a_column_is_text(void)
{
	char why[WHY] = "";
	Data *d = opened(OPEN("k,say,n\ngood,\"ab, c\",1\nbad,,2\ngood,\"d\ne\",3\n", T("text", "say"),
	                      T("label", "k"), T("n", "n"), N("window", 4), N("test", 0)),
	                 why);
	struct {
		int32_t x[4], length, label;
		float n;
	} s;
	static const char *const text[] = {"ab, ", "", "d\ne"};
	CU_ASSERT(has_shape(d, "x i32[4] length i32[] label i32[] n f32[]"));
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 3);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){s.x, &s.length, &s.label, &s.n}, why));
		CU_ASSERT(s.length == (int32_t)strlen(text[i]) && s.label == (i != 1) &&
		          s.n == (float)(i + 1));
		for (int k = 0; k < 4; k++)
			CU_ASSERT_EQUAL(s.x[k], k < s.length ? (unsigned char)text[i][k] : 0);
	}
	CU_ASSERT(data_shape(d)->vocab == 256 && data_tokenizer(d));
	data_close(d);
	d = opened(OPEN("say\nba\nc\n", T("text", "say"), T("tokenizer", "chars"), N("test", 0)), why);
	CU_ASSERT(has_shape(d, "x i32[128] length i32[]") && data_shape(d)->vocab == 3);
	data_close(d);
}

/* -- Errors ------------------------------------------------------------------------------------ */

static void what_cannot_be_read_is_refused(void)
{
	static const char text[] = "a,b,k\n1,2,u\n3,4,v\n";
	char why[WHY] = "";
	refused(OPEN("a,b\n1,2\n3,x\n", N("test", 0)), why,
	        "t.csv', line 3, column 'b': 'x' is no number");
	refused(OPEN("1,2\n3,0x10\n", N("header", 0)), why,
	        "t.csv', line 2, column 2: '0x10' is no number");
	refused(OPEN("a,b\n1,2\n\n3,inf\n", N("test", 0)), why,
	        "line 4, column 'b': 'inf' is no number");
	refused(OPEN("a,b\n1,1e39\n", N("test", 0)), why, "'1e39' is no number");
	refused(OPEN("a,b\n1,2\n3,\n", N("test", 0)), why, "line 3, column 'b': the value is missing");
	refused(OPEN("a,k\n1,\n2,\n", T("label", "k")), why,
	        "no train sample has a label: give some of them one, or read no labels");
	refused(OPEN("1,2\n3,4\n", N("test", 0)), why, "say header=0");
	refused(OPEN("a,b\n", N("test", 0)), why, "has no rows of values");
	refused(OPEN("title\nby us\n", N("test", 0), N("before", 2)), why,
	        "has no rows of values behind the 2 lines that before= passes over");
	refused(OPEN("title\na,b\n", N("test", 0), N("before", 1)), why,
	        "has no rows of values behind the 1 line that before= passes over");
	refused(OPEN("", N("test", 0)), why, "has no rows of values");
	refused(OPEN(text, T("label", "q")), why, "has no column 'q', but 3: a, b, k");
	refused(OPEN(text, T("columns", "a, 4")), why, "has no column '4', but 3");
	refused(OPEN(text, T("columns", "2-1")), why, "has no column '2-1'");
	refused(OPEN("a,a\n1,2\n", T("columns", "a")), why, "has 2 columns named 'a'");
	refused(OPEN(text, T("label", "a, k")), why, "names 2 columns, but is one");
	refused(OPEN("k\nu\n", T("label", "k")), why, "is left for x");
	refused(OPEN("a,k\n1,0.5\n2,1\n", T("label", "k")), why, "say target in place of label");
	refused(OPEN(text, T("label", "k"), T("target", "a")), why, "say one of them");
	refused(OPEN(text, T("separator", "::")), why, "it is one character");
	refused(OPEN(text, T("missing", "mean")), why, "it is 'refuse', 'skip' or a number");
	refused(OPEN(text, T("hold_out", "u")), why, "say which, as group");
	refused(OPEN(text, T("group", "k"), T("hold_out", "w")), why,
	        "hold_out names 'w', which is no value of 'k'");
	refused(OPEN(text, T("group", "k"), T("hold_out", "u, v")), why, "every value");
	refused(OPEN(text, T("skip", "k"), N("window", 3), N("test", 0)), why,
	        "no window of 3 rows fits into the train rows");
	refused(OPEN(text, T("skip", "k"), N("stride", 2)), why, "say window, too");
	refused(OPEN(text, T("skip", "k"), N("window", 1.5)), why, "numbers of rows");
	refused(OPEN(text, T("text", "k"), T("columns", "a")), why, "a name of its own");
	refused(OPEN(text, T("skip", "k"), T("tokenizer", "chars")), why, "say which column");
	refused(OPEN(text, T("text", "k"), N("stride", 2)), why, "stride is of series");
	refused(OPEN(text, T("skip", "k"), T("x", "a")), why, "cannot name further columns");
	refused(OPEN(text, T("skip", "k"), N("test", 1)), why, "below 1");
	refused(OPEN("a\n?\n", T("missing", "skip")), why, "every train row of");
	refused(OPEN("a,b\n1,\"2\n", N("test", 0)), why, "line 2, column 2: a quote begins");
}

CU_TestInfo test_csv[] = {
    {"columns are features", columns_are_features},
    {"columns are chosen", columns_are_chosen},
    {"missing values are told of", missing_values_are_told_of},
    {"numbers are those of Python", numbers_are_those_of_python},
    {"windows stay in their group", windows_stay_in_their_group},
    {"classes and gaps are borders", classes_and_gaps_are_borders},
    {"groups are held out whole", groups_are_held_out_whole},
    {"another file is the test split", another_file_is_the_test_split},
    {"a column is text", a_column_is_text},
    {"what cannot be read is refused", what_cannot_be_read_is_refused},
    CU_TEST_INFO_NULL,
};
