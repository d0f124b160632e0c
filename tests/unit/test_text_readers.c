/* test_text_readers.c: text() and lines(): windows, splits, labels.
 *
 * Truth: by hand, on texts of a few bytes; a byte is its own token. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../runtime/runtime.h"
#include "refused.h"
#include "scratch.h"

enum { WIDEST = 16 };

typedef struct Sample {
	int32_t x[WIDEST], length, label;
} Sample;

/* `more` behind the path, of a folder with a file of that text and another one. */
static Data *open_text(const char *path, const char *reader, const char *text,
                       const sslc_argument *more, size_t count, char why[WHY])
{
	Scratch s;
	sslc_argument argument[8] = {{.text = path}};
	scratch_open(&s);
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "text.txt"), text, strlen(text)));
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "test.txt"), "b\tzz\n", 5));
	memcpy(argument + 1, more, count * sizeof *more);
	sslc_call call = {reader, argument, count + 1};
	Data *d = data_open(&call, s.folder, why);
	scratch_close(&s);
	return d;
}

static Sample sample(const Data *d, Split s, int64_t i)
{
	char why[WHY];
	Sample got = {0};
	void *to[] = {got.x, &got.length, &got.label};
	CU_ASSERT_FATAL(data_sample(d, s, i, to, why));
	return got;
}

static bool holds(const Data *d, Split s, int64_t i, const char *text)
{
	Sample got = sample(d, s, i);
	int64_t size = data_shape(d)->field[0].dim[0];
	bool good = got.length == (int32_t)strlen(text);
	for (int64_t k = 0; k < size; k++)
		good &= got.x[k] == (k < got.length ? (unsigned char)text[k] : 0);
	return good;
}

#define OPEN_AT(path, reader, text, ...)                                                           \
	open_text(path, reader, text, (sslc_argument[]){__VA_ARGS__},                                  \
	          sizeof((sslc_argument[]){__VA_ARGS__}) / sizeof(sslc_argument), why)
#define OPEN(reader, text, ...) OPEN_AT("text.txt", reader, text, __VA_ARGS__)
#define N(name, number)                                                                            \
	{                                                                                              \
		name, NULL, number, NULL                                                                   \
	}
#define T(name, text)                                                                              \
	{                                                                                              \
		name, text, 0, NULL                                                                        \
	}

static void windows_stay_within_documents(void)
{
	char why[WHY] = "";
	Data *d = OPEN("text", "abcdefg|h|ijkl", N("window", 3), T("separator", "|"), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	static const char *const want[] = {"abc", "def", "g", "h", "ijk", "l"};
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 6);
	for (int i = 0; i < 6; i++)
		CU_ASSERT(holds(d, SPLIT_TRAIN, i, want[i]));
	CU_ASSERT_EQUAL(data_shape(d)->vocab, 256);
	CU_ASSERT_PTR_NOT_NULL(data_tokenizer(d));
	data_close(d);
	d = OPEN("text", "abcdefg|h|ijkl", N("window", 3), T("separator", "|"), N("test", 0),
	         N("straddle", 1));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	static const char *const joined[] = {"abc", "def", "ghi", "jkl"};
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 4);
	for (int i = 0; i < 4; i++)
		CU_ASSERT(holds(d, SPLIT_TRAIN, i, joined[i]));
	data_close(d);
}

/* Every token but the first of a document is once behind another one. */
static void windows_overlap_where_asked(void)
{
	char why[WHY] = "";
	Data *d = OPEN("text", "abcdefgh", N("window", 4), N("overlap", 1), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 3);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, "abcd") && holds(d, SPLIT_TRAIN, 1, "defg"));
	CU_ASSERT(holds(d, SPLIT_TRAIN, 2, "gh"));
	data_close(d);
	d = OPEN("text", "abcdefg", N("window", 4), N("overlap", 1), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(data_count(d, SPLIT_TRAIN), 2);
	data_close(d);
}

static void documents_are_held_out_whole(void)
{
	char why[WHY] = "";
	Data *d = OPEN("text", "aaaa,bbbb,cccc,dddd,eeee", N("window", 2), T("separator", ","),
	               N("test", 0.4));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 6 && data_count(d, SPLIT_TEST) == 4);
	bool in_train[256] = {0}, apart = true;
	for (int i = 0; i < 6; i++)
		in_train[sample(d, SPLIT_TRAIN, i).x[0]] = true;
	for (int i = 0; i < 4; i++)
		apart &= !in_train[sample(d, SPLIT_TEST, i).x[0]];
	CU_ASSERT(apart);
	data_close(d);
	/* One document is cut, between two characters. */
	d = OPEN("text",
	         "abcd\xc3\xa9"
	         "fg",
	         N("window", 4), N("test", 0.4));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TEST), 1);
	CU_ASSERT(holds(d, SPLIT_TEST, 0, "fg") || holds(d, SPLIT_TEST, 0,
	                                                 "\xc3\xa9"
	                                                 "fg"));
	data_close(d);
}

static void characters_are_numbered_in_their_order(void)
{
	char why[WHY] = "";
	Data *d = OPEN("text", "cab\xc3\xa9", N("window", 4), T("tokenizer", "chars"), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	Sample got = sample(d, SPLIT_TRAIN, 0);
	CU_ASSERT(got.x[0] == 2 && got.x[1] == 0 && got.x[2] == 1 && got.x[3] == 3);
	CU_ASSERT(got.length == 4 && data_shape(d)->vocab == 4);
	data_close(d);
}

static void lines_have_labels(void)
{
	char why[WHY] = "";
	Data *d =
	    OPEN("lines", "plant\ta tree\r\n\nanimal\ta cat\nplant\t\n", N("window", 5), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 3);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, "a tre") && holds(d, SPLIT_TRAIN, 1, "a cat"));
	CU_ASSERT(holds(d, SPLIT_TRAIN, 2, ""));
	CU_ASSERT_EQUAL_FATAL(data_shape(d)->classes, 2);
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[0], "animal");
	CU_ASSERT(sample(d, SPLIT_TRAIN, 0).label == 1 && sample(d, SPLIT_TRAIN, 1).label == 0);
	data_close(d);
	d = OPEN("lines", "\tx\n9\ty\n10\tz\n", N("window", 4), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_shape(d)->unlabelled == 1 && data_shape(d)->classes == 2);
	CU_ASSERT(sample(d, SPLIT_TRAIN, 0).label == -1 && sample(d, SPLIT_TRAIN, 2).label == 1);
	data_close(d);
	d = OPEN("lines", "10\tx\n9\ty\n", N("window", 4), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[0], "9");
	data_close(d);
	d = OPEN("lines", "one\ttwo\nthree", N("window", 8), N("labels", 0), N("test", 0));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(holds(d, SPLIT_TRAIN, 0, "one\ttwo") && data_shape(d)->classes == 0);
	data_close(d);
}

static void test_lines_share_the_classes(void)
{
	char why[WHY] = "";
	Data *d = OPEN("lines", "a\tx\nc\ty\n", N("window", 2), T("test_path", "test.txt"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 2 && data_count(d, SPLIT_TEST) == 1);
	CU_ASSERT_EQUAL(data_shape(d)->classes, 3);
	CU_ASSERT(holds(d, SPLIT_TEST, 0, "zz") && sample(d, SPLIT_TEST, 0).label == 1);
	CU_ASSERT_EQUAL(sample(d, SPLIT_TRAIN, 1).label, 2);
	data_close(d);
}

static void what_cannot_be_read_is_refused(void)
{
	char why[WHY] = "";
	refused(OPEN("text", "", N("window", 4)), why, "is empty");
	refused(OPEN("text", "abc", N("window", 0)), why, "1 to");
	refused(OPEN("text", "abc", N("window", 2.5)), why, "1 to");
	refused(OPEN("text", "abc", N("window", 4), N("overlap", 4)), why, "0 to 3");
	refused(OPEN("text", "abc", N("test", 1)), why, "below 1");
	refused(OPEN("text", "abc", T("tokenizer", "words")), why, "no tokenizer named 'words'");
	refused(OPEN("text", "abc", T("tokenizer", "none.json")), why, "none.json");
	refused(OPEN("text", "abc", N("window", 9), N("straddle", 1)), why, "no window");
	refused(OPEN("text", "caf\xe9", N("window", 4)), why, "UTF-8");
	refused(OPEN("lines", "a\tb\nno label\n", N("window", 4)), why, "text.txt', line 2 has no tab");
	refused(OPEN("lines", "\n\n", N("window", 4)), why, "no line");
}

/* Of text.txt and test.txt. */
static void files_of_a_folder_are_chosen(void)
{
	char why[WHY] = "";
	Data *d = OPEN_AT(".", "text", "aaa", N("window", 8), T("hold_out", "test.txt"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 1 && holds(d, SPLIT_TRAIN, 0, "aaa"));
	CU_ASSERT(data_count(d, SPLIT_TEST) == 1 && holds(d, SPLIT_TEST, 0, "b\tzz\n"));
	data_close(d);
	d = OPEN_AT(".", "text", "aaa", N("window", 8), N("test", 0), T("skip", "text.txt"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 1 && holds(d, SPLIT_TRAIN, 0, "b\tzz\n"));
	data_close(d);
	d = OPEN_AT(".", "text", "aaa", N("window", 8), T("only", "tex*"), T("test_path", "test.txt"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 1 && holds(d, SPLIT_TRAIN, 0, "aaa"));
	CU_ASSERT(data_count(d, SPLIT_TEST) == 1 && holds(d, SPLIT_TEST, 0, "b\tzz\n"));
	data_close(d);
	d = OPEN_AT(".", "lines", "a\tx\n", N("window", 2), T("hold_out", "test.txt"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 1 && holds(d, SPLIT_TRAIN, 0, "x"));
	CU_ASSERT(data_count(d, SPLIT_TEST) == 1 && holds(d, SPLIT_TEST, 0, "zz"));
	data_close(d);
	refused(OPEN_AT(".", "text", "a", T("only", "*.md")), why, "that 'only' takes");
	refused(OPEN_AT(".", "text", "a", T("hold_out", "none.txt")), why,
	        "leaves 2 files to train on");
	refused(OPEN_AT(".", "text", "", T("hold_out", "text.txt")), why, "'text.txt' is empty");
	refused(OPEN("text", "a", T("only", "*.txt")), why, "are of a folder");
	refused(OPEN_AT(".", "lines", "a\tx\n", T("hold_out", "a"), T("test_path", "b")), why,
	        "one of them");
}

CU_TestInfo test_text_readers[] = {
    {"windows stay within documents", windows_stay_within_documents},
    {"windows overlap where asked", windows_overlap_where_asked},
    {"documents are held out whole", documents_are_held_out_whole},
    {"characters are numbered in their order", characters_are_numbered_in_their_order},
    {"lines have labels", lines_have_labels},
    {"test lines share the classes", test_lines_share_the_classes},
    {"files of a folder are chosen", files_of_a_folder_are_chosen},
    {"what cannot be read is refused", what_cannot_be_read_is_refused},
    CU_TEST_INFO_NULL,
};
