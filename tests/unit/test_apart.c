/* test_apart.c: what is held out of the train samples is apart from those that stay; what of a split belongs together.
 *
 * Truth: by hand, on tables, texts and files whose values say what they belong to. */
#include <CUnit/CUnit.h>

#include <stdlib.h>
#include <string.h>

#include "../../compiler/sslc.h"
#include "../../runtime/runtime.h"
#include "scratch.h"

/* What "data" calls, in that folder. */
static Data *open_data(const char *call, const char *folder)
{
	char text[1024], why[WHY] = "";
	int size = snprintf(text, sizeof text,
	                    "{\"data\": \"%s\", \"encoder\": [\"linear(2)\"], \"loss\": \"0\"}", call);
	sslc_program *p = sslc_open_text("model.json", text, (size_t)size, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sslc_reader(p));
	Data *d = data_open(sslc_reader(p), folder, why);
	sslc_close(p);
	if (!d)
		fprintf(stderr, "\n    %s\n", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	return d;
}

static void hold_out(Data *d, double share, int64_t train, int64_t test)
{
	char why[WHY] = "";
	if (!data_hold_out(d, share, why))
		fprintf(stderr, "\n    %s\n", why);
	if (data_count(d, SPLIT_TRAIN) != train || data_count(d, SPLIT_TEST) != test)
		fprintf(stderr, "\n    %lld to train on, %lld held out\n",
		        (long long)data_count(d, SPLIT_TRAIN), (long long)data_count(d, SPLIT_TEST));
	CU_ASSERT_FATAL(data_count(d, SPLIT_TRAIN) == train && data_count(d, SPLIT_TEST) == test);
}

static void put(Scratch *s, const char *name, const char *text)
{
	CU_ASSERT_FATAL(file_put(scratch_path(s, name), text, strlen(text)));
}

enum { MOST = 4096 };
typedef struct Sample {
	union {
		float number[MOST / 4];
		int32_t token[MOST / 4];
		uint8_t byte[MOST];
	} x, more[3];
} Sample;

static Sample sample(const Data *d, Split s, int64_t i)
{
	Sample got = {0};
	char why[WHY] = "";
	CU_ASSERT_FATAL(
	    data_sample(d, s, i, (void *[]){&got.x, &got.more[0], &got.more[1], &got.more[2]}, why));
	return got;
}

/* Rows that say where they are, in 5 groups of 20 that come by turns of 10, with a class that changes each 10 rows. */
static void put_rows(Scratch *s)
{
	static char text[8192];
	size_t used = (size_t)sprintf(text, "at,who,kind\n");
	for (int i = 0; i < 100; i++)
		used += (size_t)sprintf(text + used, "%d,s%d,%s\n", i, i / 10 % 5, i / 10 % 2 ? "a" : "b");
	put(s, "rows.csv", text);
}

static void windows_of_a_group_are_on_one_side(void)
{
	Scratch s;
	scratch_open(&s);
	put_rows(&s);
	/* 10 stretches of 10 rows, windows of 4 at 0, 2, 4, 6: 8 of a group */
	Data *d = open_data("csv('rows.csv', group='who', columns='at', window=4, stride=2, test=0)",
	                    s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 40);
	hold_out(d, 0.5, 24, 16); /* of 20 that are wanted, two groups fit */
	bool seen[2][5] = {{0}};
	for (int split = 0; split < 2; split++)
		for (int64_t i = 0; i < data_count(d, (Split)split); i++)
			seen[split][(int)sample(d, (Split)split, i).x.number[0] / 10 % 5] = true;
	for (int g = 0; g < 5; g++)
		CU_ASSERT(seen[0][g] != seen[1][g]);
	CU_ASSERT_STRING_EQUAL(data_note(d), "16 of the 40 train samples are held out, and scored in "
	                                     "place of the test split");
	data_close(d);
	/* however small the share is, a group; beside a test split, too */
	d = open_data("csv('rows.csv', group='who', columns='at', window=4, stride=2, hold_out='s1')",
	              s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TEST), 8);
	hold_out(d, 0.05, 24, 8);
	for (int64_t i = 0; i < 24; i++)
		CU_ASSERT((int)sample(d, SPLIT_TRAIN, i).x.number[0] / 10 % 5 != 1);
	data_close(d);
	scratch_close(&s);
}

/* Rows 0 to 59 in x.npy, each ten of whom w.npy says. */
static void put_arrays(Scratch *s)
{
	enum { ROWS = 60 };
	char why[WHY];
	float x[ROWS];
	int32_t who[ROWS];
	for (int i = 0; i < ROWS; i++) {
		x[i] = (float)i;
		who[i] = i / 10;
	}
	CU_ASSERT_FATAL(npy_write(scratch_path(s, "x.npy"), "f32", 1, (int64_t[]){ROWS}, x, why));
	CU_ASSERT_FATAL(npy_write(scratch_path(s, "w.npy"), "i32", 1, (int64_t[]){ROWS}, who, why));
}

/* NumPy's rows have groups by the numbers of an array. */
static void groups_of_arrays_are_kept(void)
{
	Scratch s;
	scratch_open(&s);
	put_arrays(&s);
	Data *d =
	    open_data("npy('x.npy', who='w.npy', group='who', window=5, stride=1, test=0)", s.folder);
	hold_out(d, 0.4, 24, 12);
	bool seen[2][6] = {{0}};
	for (int split = 0; split < 2; split++)
		for (int64_t i = 0; i < data_count(d, (Split)split); i++)
			seen[split][sample(d, (Split)split, i).more[0].token[0]] = true;
	for (int g = 0; g < 6; g++)
		CU_ASSERT(seen[0][g] != seen[1][g]);
	data_close(d);
	scratch_close(&s);
}

/* Without groups the end is held out, and no row is on both sides. */
static void the_end_of_a_series_is_held_out(void)
{
	Scratch s;
	scratch_open(&s);
	put_rows(&s);
	/* windows at 0, 3, ... 90: 31; 6 of them are held out, from 75 on; 66, 69, 72 reach beyond 74 */
	Data *d = open_data("csv('rows.csv', columns='at', window=10, stride=3, test=0)", s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 31);
	hold_out(d, 0.2, 22, 6);
	for (int64_t i = 0; i < 22; i++)
		CU_ASSERT(sample(d, SPLIT_TRAIN, i).x.number[0] == (float)(3 * i));
	for (int64_t i = 0; i < 6; i++)
		CU_ASSERT(sample(d, SPLIT_TEST, i).x.number[0] == (float)(75 + 3 * i));
	CU_ASSERT_PTR_NOT_NULL(strstr(data_note(d), "; 3 are left out, as they belong with these"));
	data_close(d);
	/* nor of a single group */
	put(&s, "one.csv", "at,who\n0,a\n1,a\n2,a\n3,a\n4,a\n5,a\n");
	d = open_data("csv('one.csv', group='who', window=2, stride=1, test=0)", s.folder);
	hold_out(d, 0.4, 2, 2);
	CU_ASSERT(sample(d, SPLIT_TRAIN, 1).x.number[1] == 2);
	CU_ASSERT(sample(d, SPLIT_TEST, 0).x.number[0] == 3);
	data_close(d);
	scratch_close(&s);
}

/* Lines of a table that are no series; what of a group has no label is not trained on, either. */
static void lines_of_a_group_are_on_one_side(void)
{
	Scratch s;
	char why[WHY], text[1024] = "v,who,kind\n";
	for (int i = 0; i < 40; i++)
		sprintf(text + strlen(text), "%d,%c,%s\n", i, 'a' + i % 8, i < 24 ? i % 3 ? "x" : "y" : "");
	scratch_open(&s);
	put(&s, "t.csv", text);
	Data *d = open_data("csv('t.csv', group='who', label='kind', test=0)", s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 40);
	hold_out(d, 0.25, 30, 6); /* two groups of 3 with and 2 without a label */
	CU_ASSERT_EQUAL(data_shape(d)->unlabelled, 12);
	bool held[8] = {0};
	for (int64_t i = 0; i < 6; i++) {
		Sample got = sample(d, SPLIT_TEST, i);
		held[(int)got.x.number[0] % 8] = true;
		CU_ASSERT(got.more[0].token[0] >= 0);
	}
	for (int64_t i = 0; i < 30; i++)
		CU_ASSERT(!held[(int)sample(d, SPLIT_TRAIN, i).x.number[0] % 8]);
	for (int64_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(data_has_label(d, SPLIT_TRAIN, i), i < 18);
	data_close(d);
	put(&s, "t.csv", "v,who\n1,a\n2,a\n3,a\n4,a\n");
	d = open_data("csv('t.csv', group='who', test=0)", s.folder);
	CU_ASSERT_FALSE(data_hold_out(d, 0.5, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "are of one group"));
	data_close(d);
	scratch_close(&s);
}

/* Windows of texts, of which each has a letter of its own. */
static void documents_are_on_one_side(void)
{
	Scratch s;
	scratch_open(&s);
	put(&s, "t.txt", "aaaaaaaaaaaa|bbbbbbbbbbbb|cccccccccccc|dddddddddddd|eeeeeeeeeeee");
	Data *d = open_data("text('t.txt', window=3, separator='|', test=0)", s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 20);
	hold_out(d, 0.3, 16, 4);
	bool seen[2][256] = {{0}};
	for (int split = 0; split < 2; split++)
		for (int64_t i = 0; i < data_count(d, (Split)split); i++)
			seen[split][sample(d, (Split)split, i).x.token[0]] = true;
	for (int c = 'a'; c <= 'e'; c++)
		CU_ASSERT(seen[0][c] != seen[1][c]);
	data_close(d);
	/* of a single one, the end */
	put(&s, "t.txt", "abcdefghijklmnopqrst");
	d = open_data("text('t.txt', window=4, overlap=2, test=0)", s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 9);
	hold_out(d, 0.34, 5, 3);
	CU_ASSERT(sample(d, SPLIT_TRAIN, 4).x.token[3] == 'l');
	CU_ASSERT(sample(d, SPLIT_TEST, 0).x.token[0] == 'm');
	data_close(d);
	scratch_close(&s);
}

/* What is called the same, or of a group of x. */
static void joined_samples_of_a_key_are_on_one_side(void)
{
	Scratch s;
	char a[1024] = "id,who,v\n", b[256] = "id,w\n";
	for (int i = 0; i < 40; i++)
		sprintf(a + strlen(a), "k%d,g%d,%d\n", i % 10, i % 5, i);
	for (int i = 0; i < 10; i++)
		sprintf(b + strlen(b), "k%d,%d\n", i, i);
	scratch_open(&s);
	put(&s, "a.csv", a);
	put(&s, "b.csv", b);
	for (int group = 0; group < 2; group++) {
		Data *d =
		    open_data(group ? "joined(csv('a.csv', key='id', group='who', columns='v', test=0), "
		                      "b=csv('b.csv', key='id'))"
		                    : "joined(csv('a.csv', key='id', columns='v', test=0), b=csv('b.csv', "
		                      "key='id'))",
		              s.folder);
		hold_out(d, 0.4, 24, 16);
		int units = group ? 5 : 10;
		bool seen[2][10] = {{0}};
		for (int split = 0; split < 2; split++)
			for (int64_t i = 0; i < data_count(d, (Split)split); i++)
				seen[split][(int)sample(d, (Split)split, i).x.number[0] % units] = true;
		for (int k = 0; k < units; k++)
			CU_ASSERT(seen[0][k] != seen[1][k]);
		data_close(d);
	}
	scratch_close(&s);
}

/* The windows of a recording: those of the two voices differ in loudness (test_audio.c), those of words in number. */
static void windows_of_a_recording_are_on_one_side(void)
{
	char folder[512];
	snprintf(folder, sizeof folder, "%s", oracle_path("."));
	Data *d =
	    open_data("audio('sound/words', seconds=0.05, hop=0.025, labels='name', test=0)", folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TRAIN), 2 * (4 + 6 + 10));
	char why[WHY];
	CU_ASSERT_FATAL(data_hold_out(d, 0.34, why));
	int64_t count = data_count(d, SPLIT_TEST);
	CU_ASSERT(count >= 4 && count <= 13 && data_count(d, SPLIT_TRAIN) == 40 - count);
	int held[3][2] = {{0}}, all[3] = {10, 4, 6}; /* maybe, no, yes */
	for (int64_t i = 0; i < count; i++) {
		Sample got = sample(d, SPLIT_TEST, i);
		float most = 0;
		for (int k = 0; k < 400; k++)
			most = got.x.number[k] > most ? got.x.number[k] : most;
		held[got.more[0].token[0]][most < 0.3f]++;
	}
	for (int word = 0; word < 3; word++)
		for (int voice = 0; voice < 2; voice++)
			CU_ASSERT(held[word][voice] == 0 || held[word][voice] == all[word]);
	data_close(d);
}

/* exif1.jpg to exif8.jpg are one group by the text "f", and one picture turned: all or none of them. */
static void pictures_of_a_group_are_on_one_side(void)
{
	char folder[512];
	snprintf(folder, sizeof folder, "%s", oracle_path("."));
	const char *const one = "images('images', size=2, labels='', only='exif?.jpg', test=0)";
	const char *const all = "images('images', size=2, labels='', only='exif?.jpg, grey?.png, "
	                        "rgb*.png', group='%s', test=0)";
	char call[256];
	snprintf(call, sizeof call, all, "if");
	Data *d = open_data(one, folder);
	int64_t turned = data_count(d, SPLIT_TRAIN);
	CU_ASSERT_EQUAL_FATAL(turned, 8);
	Sample first = sample(d, SPLIT_TRAIN, 0);
	data_close(d);
	d = open_data(call, folder);
	int64_t rest = data_count(d, SPLIT_TRAIN) - turned; /* each a group of its own */
	CU_ASSERT_EQUAL_FATAL(rest, 7);
	hold_out(d, 0.5, turned, rest);
	bool found = false;
	for (int64_t i = 0; i < rest; i++)
		found |= memcmp(sample(d, SPLIT_TEST, i).x.byte, first.x.byte, 12) == 0;
	CU_ASSERT_FALSE(found);
	data_close(d);
}

/* -- Groups ------------------------------------------------------------------------------------ */

static const char *const LETTER = "abcdefghijklmnopqrstuvwxyzABCDEF";

/* want: a letter a value, the same where they are of one group; NULL: nobody knows of groups. */
static void grouped(const Data *d, Split s, int64_t batch, const char *want)
{
	char got[MOST] = "", why[WHY] = "";
	Groups g;
	CU_ASSERT_FATAL(data_groups(d, s, batch, &g, why));
	for (int64_t k = 0; k < g.count; k++)
		for (int64_t i = g.first[k]; i < g.first[k + 1]; i++) {
			CU_ASSERT(i == g.first[k] || g.at[i - 1] < g.at[i]);
			got[g.at[i]] = LETTER[k];
		}
	if (strcmp(got, want ? want : "") != 0 || (g.at != NULL) != (want != NULL))
		fprintf(stderr, "\n    groups are %s, not %s\n", got, want);
	CU_ASSERT(strcmp(got, want ? want : "") == 0 && (g.at != NULL) == (want != NULL));
	groups_close(&g);
}

/* Rows that say in which line they are; s1 and s3 are of windows 10-19, 30-39, 60-69, 80-89. */
static void samples_of_a_group_belong_together(void)
{
	Scratch s;
	Groups g;
	char why[WHY], text[1024] = "v,who\n";
	scratch_open(&s);
	for (int i = 0; i < 24; i++)
		sprintf(text + strlen(text), "%d,%c\n", i, 'a' + i % 4);
	put(&s, "t.csv", text);
	put_rows(&s);
	Data *d = open_data("csv('t.csv', group='who', hold_out='b, d')", s.folder);
	grouped(d, SPLIT_TEST, 1, "abababababab");
	grouped(d, SPLIT_TRAIN, 1, "abababababab");
	grouped(d, SPLIT_TEST, 5, "aaa");
	data_close(d);
	d = open_data("csv('t.csv', group='who', hold_out='b')", s.folder);
	grouped(d, SPLIT_TEST, 1, "abcdef");
	CU_ASSERT(data_groups(d, SPLIT_TEST, 1, &g, why) && g.of_one && !g.of_series);
	groups_close(&g);
	data_close(d);
	d = open_data("csv('t.csv', test_path='t.csv', columns='v', group='who')", s.folder);
	grouped(d, SPLIT_TEST, 1, "abcdabcdabcdabcdabcdabcd");
	data_close(d);
	d = open_data("csv('rows.csv', group='who', columns='at', window=4, stride=2, hold_out='s1, "
	              "s3')",
	              s.folder);
	grouped(d, SPLIT_TEST, 1, "aaaabbbbaaaabbbb");
	grouped(d, SPLIT_TEST, 4, "abab");
	grouped(d, SPLIT_TEST, 2, "aabbaabb");
	grouped(d, SPLIT_TEST, 6, "aaa"); /* 4 of s1 and 2 of s3, 2 of s3 and 4 of s1 */
	data_close(d);
	d = open_data("csv('rows.csv', columns='at', test=0.2)", s.folder);
	grouped(d, SPLIT_TEST, 1, NULL);
	hold_out(d, 0.1, 72, 8);
	grouped(d, SPLIT_TEST, 1, NULL);
	data_close(d);
	/* of what is held out later, in another order */
	d = open_data("csv('t.csv', group='who', columns='v', test=0)", s.folder);
	hold_out(d, 0.5, 12, 12);
	int first = (int)sample(d, SPLIT_TEST, 0).x.number[0] % 4;
	char want[13] = "";
	for (int64_t i = 0; i < 12; i++)
		want[i] = "ab"[(int)sample(d, SPLIT_TEST, i).x.number[0] % 4 != first];
	grouped(d, SPLIT_TEST, 1, want);
	data_close(d);
	scratch_close(&s);
}

/* Where nothing else is known: stretches, of four windows apart from each other at least, 30 at most. */
static void stretches_of_a_series_belong_together(void)
{
	static char text[8192];
	Scratch s;
	Groups g;
	char why[WHY];
	scratch_open(&s);
	put_rows(&s);
	Data *d = open_data("csv('rows.csv', columns='at', window=2, stride=1, test=0.35)", s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TEST), 34);
	grouped(d, SPLIT_TEST, 1, "aaaaaaaaabbbbbbbbcccccccccdddddddd"); /* of 8 at least */
	grouped(d, SPLIT_TEST, 3, "aaabbbcccddd");                       /* 8 are 3 batches */
	grouped(d, SPLIT_TEST, 10, "abcd");
	CU_ASSERT(data_groups(d, SPLIT_TEST, 1, &g, why) && g.of_series && !g.of_one);
	groups_close(&g);
	data_close(d);
	d = open_data("csv('rows.csv', columns='at', window=2, stride=1, test=0.05)", s.folder);
	grouped(d, SPLIT_TEST, 1, "aaaa");
	data_close(d);
	size_t used = (size_t)sprintf(text, "at,who\n");
	for (int i = 0; i < 240; i++)
		used += (size_t)sprintf(text + used, "%d,%d\n", i, i / 180);
	put(&s, "long.csv", text);
	d = open_data("csv('long.csv', columns='at', window=1, test=0.75)", s.folder);
	CU_ASSERT(data_groups(d, SPLIT_TEST, 1, &g, why) && g.count == 30 && g.first[1] == 6);
	groups_close(&g);
	data_close(d);
	/* a group alone is no more than a series */
	d = open_data("csv('long.csv', group='who', columns='at', window=10, hold_out='0')", s.folder);
	grouped(d, SPLIT_TEST, 1, "aaaaabbbbcccccdddd");
	data_close(d);
	put(&s, "t.txt", "abcdefghijklmnopqrstuvwxyz");
	d = open_data("text('t.txt', window=2, test=0.7)", s.folder);
	CU_ASSERT_EQUAL_FATAL(data_count(d, SPLIT_TEST), 9);
	grouped(d, SPLIT_TEST, 1, "aaaaabbbb");
	data_close(d);
	scratch_close(&s);
}

static void readers_know_what_belongs_together(void)
{
	Scratch s;
	char a[1024] = "id,v\n", b[256] = "id,w\n", folder[512], why[WHY];
	scratch_open(&s);
	put_arrays(&s);
	Data *d =
	    open_data("npy('x.npy', who='w.npy', group='who', window=5, stride=1, test=0.4)", s.folder);
	grouped(d, SPLIT_TEST, 1, "aaaaaabbbbbb");
	data_close(d);
	d = open_data("npy('x.npy', who='w.npy', test_x='x.npy', test_who='w.npy', group='who', "
	              "window=10)",
	              s.folder);
	grouped(d, SPLIT_TEST, 1, "abcdef");
	data_close(d);
	put(&s, "t.txt", "aaaaaaaaaaaa|bbbbbbbbbbbb|cccccccccccc|dddddddddddd|eeeeeeeeeeee");
	d = open_data("text('t.txt', window=3, separator='|', test=0.4)", s.folder);
	grouped(d, SPLIT_TEST, 1, "aaaabbbb");
	data_close(d);
	for (int i = 0; i < 40; i++)
		sprintf(a + strlen(a), "k%d,%d\n", i % 10, i);
	for (int i = 0; i < 10; i++)
		sprintf(b + strlen(b), "k%d,%d\n", i, i);
	put(&s, "a.csv", a);
	put(&s, "b.csv", b);
	d = open_data("joined(csv('a.csv', key='id', columns='v', test=0.2), b=csv('b.csv', key='id'))",
	              s.folder);
	grouped(d, SPLIT_TEST, 1, "abababab");
	data_close(d);
	scratch_close(&s);
	/* 4 windows of each no.wav, 6 of each yes.wav, of two voices, by their paths */
	snprintf(folder, sizeof folder, "%s", oracle_path("."));
	d = open_data("audio('sound/words', seconds=0.05, hop=0.025, labels='name', hold_out='no.wav, "
	              "yes.wav')",
	              folder);
	grouped(d, SPLIT_TEST, 1, "aaaabbbbbbccccdddddd");
	data_close(d);
	d = open_data("audio('sound/words', seconds=0.05, test=0.5)", folder);
	grouped(d, SPLIT_TEST, 1, NULL);
	data_close(d);
	const char *const pictures = "images('images', size=2, labels='', only='exif?.jpg, grey?.png, "
	                             "rgb*.png', group='if', test=%s)";
	char call[256];
	snprintf(call, sizeof call, pictures, "0");
	d = open_data(call, folder);
	grouped(d, SPLIT_TRAIN, 1, "aaaaaaaabcdefgh");
	data_close(d);
	snprintf(call, sizeof call, pictures, "0.7");
	d = open_data(call, folder);
	Groups g[2];
	for (int split = 0; split < 2; split++)
		CU_ASSERT_FATAL(data_groups(d, (Split)split, 1, &g[split], why));
	CU_ASSERT(data_count(d, SPLIT_TEST) > 0 && g[0].count + g[1].count == 8);
	groups_close(&g[0]);
	groups_close(&g[1]);
	data_close(d);
}

CU_TestInfo test_apart[] = {
    {"windows of a group are on one side", windows_of_a_group_are_on_one_side},
    {"groups of arrays are kept", groups_of_arrays_are_kept},
    {"the end of a series is held out", the_end_of_a_series_is_held_out},
    {"lines of a group are on one side", lines_of_a_group_are_on_one_side},
    {"documents are on one side", documents_are_on_one_side},
    {"joined samples of a key are on one side", joined_samples_of_a_key_are_on_one_side},
    {"windows of a recording are on one side", windows_of_a_recording_are_on_one_side},
    {"pictures of a group are on one side", pictures_of_a_group_are_on_one_side},
    {"samples of a group belong together", samples_of_a_group_belong_together},
    {"stretches of a series belong together", stretches_of_a_series_belong_together},
    {"readers know what belongs together", readers_know_what_belongs_together},
    CU_TEST_INFO_NULL,
};
