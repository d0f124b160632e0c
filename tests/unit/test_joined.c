/* test_joined.c: the reader `joined`: samples of several readers by a key.
 *
 * Truth: by hand, on tables of a few rows; of files, what the reader says of the same file by itself. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../compiler/sslc.h"
#include "../../runtime/runtime.h"
#include "refused.h"
#include "scratch.h"

/* What "data" calls, in a folder with tables a.csv and b.csv. */
static Data *open_data(const char *call, const char *a, const char *b, char why[WHY])
{
	Scratch s;
	char text[2048];
	int size = snprintf(
	    text, sizeof text,
	    "{\"data\": \"%s\", \"encoder\": [\"linear(2)\"], \"loss\": \"mean(encoder(x))\"}", call);
	scratch_open(&s);
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "a.csv"), a, strlen(a)));
	CU_ASSERT_FATAL(file_put(scratch_path(&s, "b.csv"), b, strlen(b)));
	sslc_program *p = sslc_open_text("model.json", text, (size_t)size, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sslc_reader(p));
	Data *d = data_open(sslc_reader(p), s.folder, why);
	sslc_close(p);
	scratch_close(&s);
	return d;
}

static Data *opened(Data *d, const char *why)
{
	if (!d)
		fprintf(stderr, "\n    %s\n", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	return d;
}

static bool has_shape(const Data *d, const char *want)
{
	const sslc_data *shape = data_shape(d);
	char got[512] = "";
	for (size_t f = 0; f < shape->count; f++) {
		char tensor[TENSOR_TEXT];
		const sslc_tensor *t = &shape->field[f];
		tensor_text(t->dtype, t->rank, t->dim, tensor);
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s %s", f ? ", " : "", t->name,
		         tensor);
	}
	if (strcmp(got, want) != 0)
		fprintf(stderr, "\n    %s\n", got);
	return strcmp(got, want) == 0;
}

static void rows_of_a_key_are_one_sample(void)
{
	char why[WHY] = "";
	Data *d = opened(
	    open_data("joined(csv('a.csv', key='id', label='k', test=0), b=csv('b.csv', key='name', "
	              "label='c', m='n, l', test=0.5))",
	              "id,k,v\nq,no,1\nr,yes,2\ns,no,3\nt,yes,4\n",
	              "c,name,n,w,l\n5,t,10,20,30\n7,q,11,21,31\n5,s,12,22,32\n7,z,13,23,33\n", why),
	    why);
	CU_ASSERT(has_shape(d, "x f32[1], label i32[], b f32[1], b_label i32[], b_m f32[2]"));
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 3 && data_count(d, SPLIT_TEST) == 0);
	CU_ASSERT_STRING_EQUAL(
	    data_note(d), "1 of 4 samples of x are left out, as another reader has none of their key");
	CU_ASSERT_EQUAL_FATAL(data_shape(d)->classes, 2);
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[1], "yes");
	static const float want[3][4] = {{1, 21, 11, 31}, {3, 22, 12, 32}, {4, 20, 10, 30}};
	static const int32_t own[3] = {0, 0, 1}, other[3] = {1, 0, 0};
	for (int64_t i = 0; i < 3; i++) {
		float x, b, m[2];
		int32_t label, b_label;
		CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){&x, &label, &b, &b_label, m}, why));
		CU_ASSERT(x == want[i][0] && b == want[i][1] && m[0] == want[i][2] && m[1] == want[i][3]);
		CU_ASSERT(label == own[i] && b_label == other[i]);
		CU_ASSERT(*(const int32_t *)data_value(d, SPLIT_TRAIN, 1, i) == own[i]);
	}
	/* The labels of either reader are classes that a head of two knows, and one of one does not. */
	for (size_t field = 1; field <= 3; field += 2)
		for (int64_t knows = 1; knows <= 2; knows++) {
			sslc_range range = {.field = field, .function = "step", .below = knows};
			sslc_model model = {.range = &range, .range_count = 1};
			CU_ASSERT_EQUAL(data_in_ranges(d, &model, why), knows == 2);
		}
	/* So are numbers of tables, which are copied: b is at most 22. */
	for (int64_t knows = 22; knows <= 23; knows++) {
		sslc_range range = {.field = 2, .function = "step", .below = knows};
		sslc_model model = {.range = &range, .range_count = 1};
		CU_ASSERT_EQUAL(data_in_ranges(d, &model, why), knows == 23);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "'b' of sample 1 of the train data is 22, "));
	data_close(d);
}

static void pictures_have_their_sentences(void)
{
	char why[WHY] = "", call[1024];
	snprintf(call, sizeof call,
	         "joined(csv('a.csv', key='file', text='says', window=4, test=0), picture="
	         "images('%s', size=4, labels='', only='rgb.png, grey8.png, wide.jpg', test=0.4))",
	         oracle_path("images"));
	Data *d = opened(open_data(call, "file,says\nwide,ab\nnone,x\nrgb,cdefg\n", "", why), why);
	snprintf(call, sizeof call, "images('%s', size=4, labels='', only='rgb.png, wide.jpg', test=0)",
	         oracle_path("images"));
	Data *alone = opened(open_data(call, "", "", why), why);
	CU_ASSERT(has_shape(d, "x i32[4], length i32[], picture u8[4,4,3]"));
	CU_ASSERT(data_shape(d)->vocab == 256 && data_tokenizer(d));
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 2);
	for (int64_t i = 0; i < 2; i++) {
		int32_t x[4], length;
		uint8_t picture[48], want[48];
		CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){x, &length, picture}, why));
		CU_ASSERT(data_sample(alone, SPLIT_TRAIN, 1 - i, (void *[]){want}, why)); /* by path */
		CU_ASSERT(x[0] == (i ? 'c' : 'a') && length == (i ? 4 : 2));
		CU_ASSERT(memcmp(picture, want, sizeof want) == 0);
	}
	data_close(d);
	data_close(alone);
	snprintf(call, sizeof call,
	         "joined(images('%s', size=4, labels='', only='rgb.png, wide.jpg', test=0), "
	         "said=csv('a.csv', key='file', text='says', window=4))",
	         oracle_path("images"));
	d = opened(open_data(call, "file,says\nwide,ab\nrgb,cdefg\n", "", why), why);
	CU_ASSERT(has_shape(d, "x u8[4,4,3], said i32[4], said_length i32[]"));
	CU_ASSERT(data_shape(d)->vocab == 256 && data_tokenizer(d));
	data_close(d);
}

/* Of x splits and repetitions: what several samples share is held out with all of them. */
static void splits_are_those_of_x(void)
{
	char why[WHY] = "", a[512] = "id,v\n", b[512] = "id,w\n";
	for (int i = 0; i < 40; i++)
		snprintf(a + strlen(a), sizeof a - strlen(a), "k%d,%d\n", i % 10, i);
	for (int i = 0; i < 10; i++)
		snprintf(b + strlen(b), sizeof b - strlen(b), "k%d,%d\n", 9 - i, 9 - i);
	Data *d = opened(
	    open_data("joined(csv('a.csv', key='id', test=0.3), b=csv('b.csv', key='id'))", a, b, why),
	    why);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 28 && data_count(d, SPLIT_TEST) == 12);
	bool seen[2][10] = {{0}};
	for (int s = 0; s < 2; s++)
		for (int64_t i = 0; i < data_count(d, (Split)s); i++) {
			float x = -1, w = -1;
			CU_ASSERT(data_sample(d, (Split)s, i, (void *[]){&x, &w}, why));
			CU_ASSERT_FATAL(w == (float)((int)x % 10));
			seen[s][(int)w] = true;
		}
	for (int k = 0; k < 10; k++)
		CU_ASSERT(seen[0][k] != seen[1][k]);
	data_close(d);
	d = opened(open_data("joined(csv('a.csv', key='id', group='id', hold_out='k3'), b=csv('b.csv', "
	                     "key='id', test=0.5))",
	                     a, b, why),
	           why);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 36 && data_count(d, SPLIT_TEST) == 4);
	data_close(d);
}

static void lines_begin_with_their_keys(void)
{
	char why[WHY] = "";
	Data *d = opened(open_data("joined(lines('a.csv', keys=1, window=3, test=0), b=csv('b.csv', "
	                           "key='name'))",
	                           "p\tyes\tab\nz\tno\tf\n\nq 2\tno\tc\tdef\r\n",
	                           "name,v\nq 2,1\np,2\n", why),
	                 why);
	CU_ASSERT(has_shape(d, "x i32[3], length i32[], label i32[], b f32[1]"));
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 2);
	static const int32_t x[2][3] = {{'a', 'b', 0}, {'c', '\t', 'd'}}, length[2] = {2, 3},
	                     label[2] = {1, 0};
	static const float b[2] = {2, 1};
	for (int64_t i = 0; i < 2; i++) {
		int32_t own[3], count, class;
		float other;
		CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){own, &count, &class, &other}, why));
		CU_ASSERT(memcmp(own, x[i], sizeof own) == 0 && count == length[i]);
		CU_ASSERT(class == label[i] && other == b[i]);
	}
	data_close(d);
}

/* Every file of a folder is a text: a.csv and b.csv themselves. */
static void texts_are_called_as_their_files(void)
{
	static const char a[] = "file,v\nb,1\na,2\n", b[] = "some text of b";
	static const char *const call[] = {
	    "joined(csv('a.csv', key='file', test=0), t=text('.', window=32))",
	    "joined(csv('a.csv', key='file', test=0), t=text('b.csv', window=32, test=0))",
	    "joined(text('.', window=5, test=0), t=csv('a.csv', key='file', test=0.5))",
	    "joined(csv('a.csv', key='file', test=0), t=text('a.csv', window=32, test_path='b.csv'))"};
	static const int64_t count[] = {2, 1, 3 + 3, 2}; /* windows of 5 bytes, of 15 and 14 */
	char why[WHY] = "";
	for (size_t c = 0; c < sizeof call / sizeof *call; c++) {
		Data *d = opened(open_data(call[c], a, b, why), why);
		CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), count[c]);
		for (int64_t i = 0; i < count[c]; i++) {
			float v;
			int32_t text[32], length;
			bool first = c == 2;
			void *to[3] = {first ? (void *)text : &v, first ? (void *)&length : text,
			               first ? (void *)&v : &length};
			CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, to, why));
			const char *own = v == 1 ? b : a;
			size_t from = first ? 5 * (size_t)(i % 3) : 0;
			CU_ASSERT(length ==
			          (int32_t)(strlen(own) - from < 5 || !first ? strlen(own) - from : 5));
			for (int32_t k = 0; k < length; k++)
				CU_ASSERT_EQUAL(text[k], own[from + (size_t)k]);
		}
		data_close(d);
	}
}

static void what_cannot_be_joined_is_refused(void)
{
	static const char a[] = "id,v\np,1\nq,2\n", b[] = "id,w\nq,3\np,4\n";
	static const struct {
		const char *call, *word;
	} wrong[] = {
	    {"joined(csv('a.csv', key='id'))", "needs a second reader"},
	    {"joined('a.csv', b=csv('b.csv', key='id'))", "'x' of joined must be a reader"},
	    {"joined(csv('a.csv', key='id'), csv('b.csv', key='id'))",
	     "must be told the name of argument 2: NAME=reader"},
	    {"joined(csv('a.csv', key='id'), b='b.csv')", "'b' of joined must be a reader"},
	    {"joined(csv('a.csv'), b=csv('b.csv', key='id'))",
	     "a.csv', line 2, column 'id': 'p' is no number"},
	    {"joined(csv('a.csv', skip='id'), b=csv('b.csv', key='id'))", "'csv' does not say what"},
	    {"joined(csv('a.csv', key='id'), b=normal(4, 2))", "'normal' does not say what"},
	    {"joined(csv('a.csv', key='id'), b=csv('b.csv', key='id', window=1))", "b is a series"},
	    {"joined(csv('a.csv', key='id'), b=csv('b.csv', key='name'))",
	     "b.csv' has no column 'name', but 2: id, w"},
	    {"joined(csv('a.csv', key='id'), b=csv('b.csv', key='w', text='id'))",
	     "no key is in every reader: one of x is 'p', one of b '3'"},
	    {"joined(csv('a.csv', key='id'), one=csv('b.csv', key='id'), other=csv('b.csv', key='w', "
	     "text='id'))",
	     "no key is in every reader: one of x is 'p', one of one 'p', one of other '3'"},
	    {"joined(csv('a.csv', key='id'), x=csv('b.csv', key='id'))", "'joined' has no place for x"},
	    {"joined(csv('a.csv', key='id', b='v', columns='v'), b=csv('b.csv', key='id'))",
	     "two arrays are called 'b'"},
	    {"joined(csv('a.csv', key='id'), b=joined(csv('b.csv', key='id'), c=csv('b.csv', "
	     "key='id')))",
	     "'joined' does not say what"},
	    {"joined(csv('a.csv', key='id'), b=cvs('b.csv'))", "b: no reader named 'cvs'"},
	    {"csv(csv('a.csv'))", "'path' of csv must be a text in single quotes"},
	    {"normal(4, csv('a.csv'))", "'d' of normal must be a number"},
	    {"npy('a.npy', more=csv('a.csv'))", "'npy' has no place for more"},
	};
	char why[WHY] = "";
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(open_data(wrong[i].call, a, b, why), why, wrong[i].word);
	refused(open_data("joined(csv('a.csv', key='id'), b=csv('b.csv', key='id'))", a,
	                  "id,w\nq,3\np,4\nq,5\n", why),
	        why, "two samples of 'b' have the key 'q'");
	refused(open_data("joined(csv('a.csv', key='id'), b=csv('b.csv', key='id'))", a,
	                  "id,w\nq,3\n,4\n", why),
	        why, "has no key: leave it out, or name it");
	static const struct {
		const char *reader, *word;
	} text[] = {
	    {"lines('b.csv')", "b: '"},
	    {"lines('b.csv', labels=0)", "'lines' does not say what its samples are called"},
	    {"lines('b.csv', labels=0, keys=1)",
	     "b.csv', line 1 has no tab: a line is its key, a tab, its text"},
	    {"lines('b.csv', keys=1)",
	     "line 1 has fewer than two tabs: a line is its key, a tab, its label, a tab"},
	    {"text('.', window=2, test=0)", "two samples of 'b' have the key 'a'"},
	    {"text('.', straddle=1, window=2)", "windows of text have no key each"},
	    {"text('.', separator=',')", "windows of text have no key each"},
	    {"text('b.csv', window=4)", "both splits would be of one text"},
	};
	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		char call[256];
		snprintf(call, sizeof call, "joined(csv('a.csv', key='id'), b=%s)", text[i].reader);
		refused(open_data(call, a, b, why), why, text[i].word);
	}
	refused(open_data("joined(csv('a.csv', key='id'), b=lines('b.csv', keys=1, labels=0))", a,
	                  "p\tx\n\ty\n", why),
	        why, "b.csv', line 2 has no key before its first tab");
}

CU_TestInfo test_joined[] = {
    {"rows of a key are one sample", rows_of_a_key_are_one_sample},
    {"pictures have their sentences", pictures_have_their_sentences},
    {"splits are those of x", splits_are_those_of_x},
    {"lines begin with their keys", lines_begin_with_their_keys},
    {"texts are called as their files", texts_are_called_as_their_files},
    {"what cannot be joined is refused", what_cannot_be_joined_is_refused},
    CU_TEST_INFO_NULL,
};
