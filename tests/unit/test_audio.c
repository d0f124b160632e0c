/* test_audio.c: recordings as windows of one channel at one rate.
 *
 * Truth: tests/oracle/sound/make.py, whose recordings are x[i] = sin(2 pi 440 i / rate) / 2. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/data/data.h"
#include "../../runtime/data/sound.h"
#include "scratch.h"

static const char *sound_path(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "sound/%s", name);
	return oracle_path(path);
}

static double wave(int64_t i, int rate)
{
	return 0.5 * sin(2 * 3.14159265358979323846 * 440 * (double)i / rate);
}

/* -- One recording ----------------------------------------------------------------------------- */

static void every_format(void)
{
	static const struct {
		const char *name;
		int64_t samples;
		double scale, error; /* of quantization, or of the codec */
	} rows[] = {
	    {"good/u8.wav", 800, 1, 1.0 / 128},      {"good/s16.wav", 800, 1, 1.0 / 32768},
	    {"good/s24.wav", 800, 1, 1.0 / 8388608}, {"good/s32.wav", 800, 1, 6e-8},
	    {"good/f32.wav", 800, 1, 6e-8},          {"good/stereo.wav", 800, 0.25, 1.0 / 32768},
	    {"good/piped.wav", 800, 1, 1.0 / 32768}, {"good/x.flac", 800, 1, 1.0 / 32768},
	    {"good/x.ogg", 4000, 1, 0.02},           {"good/x.caf", 800, 1, 1.0 / 32768},
	};
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		int64_t samples, got;
		float x[700];
		char why[WHY] = "";
		bool good = sound_length(sound_path(rows[r].name), 8000, &samples, why) &&
		            sound_window(sound_path(rows[r].name), 8000, 60, 700, x, &got, why);
		if (!good)
			fprintf(stderr, "\n    %s\n", why);
		CU_ASSERT_FATAL(good);
		CU_ASSERT(samples == rows[r].samples && got == 700);
		double worst = 0;
		for (int i = 0; i < 700; i++)
			worst = fmax(worst, fabs((double)x[i] - rows[r].scale * wave(60 + i, 8000)));
		if (worst > rows[r].error)
			fprintf(stderr, "\n    %s is off by %g\n", rows[r].name, worst);
		CU_ASSERT(worst <= rows[r].error);
	}
}

/* A window behind the end: what is there, then zeros. */
static void behind_the_end(void)
{
	float x[200];
	int64_t got;
	char why[WHY];
	CU_ASSERT(sound_window(sound_path("good/f32.wav"), 8000, 700, 200, x, &got, why));
	CU_ASSERT_EQUAL(got, 100);
	for (int i = 0; i < 200; i++)
		CU_ASSERT(fabs((double)x[i] - (i < 100 ? wave(700 + i, 8000) : 0)) < 1e-7);
	CU_ASSERT(!sound_window(sound_path("good/f32.wav"), 8000, 900, 200, x, &got, why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "has become shorter"));
}

/* Away from where the recording begins and ends, a resampled sine is the sine. */
static void other_rates(void)
{
	static const struct {
		const char *name;
		int rate;
		int64_t samples;
	} rows[] = {{"good/fast.wav", 8000, 1600},
	            {"good/fast.wav", 22050, 4410},
	            {"good/fast.wav", 11127, 2226},
	            {"good/slow.wav", 8000, 2903},
	            {"good/slow.wav", 44100, 15999}};
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		int64_t samples, got;
		char why[WHY] = "";
		float x[400], shifted[400];
		const char *path = sound_path(rows[r].name);
		CU_ASSERT_FATAL(sound_length(path, rows[r].rate, &samples, why));
		CU_ASSERT_EQUAL(samples, rows[r].samples);
		int64_t middle = samples / 2 - 200;
		CU_ASSERT_FATAL(sound_window(path, rows[r].rate, middle, 400, x, &got, why));
		CU_ASSERT_FATAL(sound_window(path, rows[r].rate, middle + 37, 300, shifted, &got, why));
		for (int i = 0; i < 400; i++)
			CU_ASSERT(fabs((double)x[i] - wave(middle + i, rows[r].rate)) < 1e-3);
		for (int i = 0; i < 300; i++)
			CU_ASSERT(fabs((double)shifted[i] - (double)x[i + 37]) < 1e-5);
	}
}

static void what_is_no_sound(void)
{
	static const struct {
		const char *name, *word;
	} rows[] = {{"bad/cut.wav", "is cut off"},
	            {"bad/none.wav", "holds no samples"},
	            {"bad/nothing.wav", "is empty"},
	            {"bad/text.wav", "cannot be read as sound"},
	            {"bad/nan.wav", "holds NaN or infinity at its sample 100"},
	            {"bad/cut.flac", "is cut off or damaged at its sample 0 of 800"},
	            {"bad/cut.ogg", "is cut off"},
	            {"bad/cut.caf", "is cut off"},
	            {"bad", "bad"}};
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		int64_t got;
		float x[800];
		char why[WHY] = "";
		CU_ASSERT(!sound_window(sound_path(rows[r].name), 8000, 0, 800, x, &got, why));
		if (!strstr(why, rows[r].word))
			fprintf(stderr, "\n    %s: %s\n", rows[r].name, why);
		CU_ASSERT(strstr(why, rows[r].word) && strstr(why, rows[r].name));
	}
	for (int i = 0; i < 3000; i++) { /* files that cannot be read are closed, too */
		int64_t samples;
		char why[WHY] = "";
		const char *path = sound_path(i % 2 ? "bad/text.wav" : "bad/none.wav");
		CU_ASSERT_FATAL(!sound_length(path, 8000, &samples, why) && !strstr(why, "open"));
	}
}

static void a_file_in_memory(void)
{
	size_t size;
	char why[WHY];
	int64_t samples;
	float x[100];
	unsigned char *bytes = bytes_read(sound_path("good/s16.wav"), 1 << 20, &size, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT(sound_parse(bytes, size, 8000, 100, x, &samples, why) && samples == 800);
	for (int i = 0; i < 100; i++)
		CU_ASSERT(fabs((double)x[i] - wave(i, 8000)) < 1.0 / 32768);
	CU_ASSERT(!sound_parse(bytes, 30, 8000, 100, x, &samples, why));
	free(bytes);
}

/* -- A folder ---------------------------------------------------------------------------------- */

static Data *open_words(const sslc_argument *more, size_t count, char why[WHY])
{
	sslc_argument argument[8] = {{.text = "sound/words"}};
	memcpy(argument + 1, more, count * sizeof *more);
	char root[512];
	snprintf(root, sizeof root, "%s", oracle_path("."));
	return data_open(&(sslc_call){.name = "audio", .argument = argument, .count = count + 1}, root,
	                 why);
}

typedef struct Sample {
	float x[2400];
	int32_t label, length;
} Sample;

/* The recordings are told apart by their loudness and length. */
static bool is_word(const Sample *s, int64_t size, double scale, int length)
{
	bool good = s->length == length;
	for (int i = 0; i < size; i++)
		good &= fabs((double)s->x[i] - (i < length ? scale * wave(i, 8000) : 0)) < 1.0 / 32768;
	return good;
}

static void a_folder_of_words(void)
{
	char why[WHY] = "";
	Sample s;
	Data *d = open_words((sslc_argument[]){{.name = "seconds", .number = 0.2},
	                                       {.name = "labels", .text = "name"},
	                                       {.name = "hold_out", .text = "bob"}},
	                     3, why);
	if (!d)
		fprintf(stderr, "\n    %s\n", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	const sslc_data *shape = data_shape(d);
	CU_ASSERT_FATAL(shape->count == 3 && shape->train_count == 3 && shape->test_count == 3);
	CU_ASSERT_STRING_EQUAL(shape->field[2].name, "length");
	CU_ASSERT_FATAL(shape->classes == 3 && shape->class_name);
	CU_ASSERT_STRING_EQUAL(shape->class_name[0], "maybe");
	CU_ASSERT_STRING_EQUAL(shape->class_name[2], "yes");
	static const int length[] = {800, 1200, 1600}; /* no, yes, maybe: by path; windows are 1600 */
	static const int32_t label[] = {1, 2, 0};
	for (int split = 0; split < 2; split++)
		for (int i = 0; i < 3; i++) {
			CU_ASSERT(data_sample(d, (Split)split, i, (void *[]){s.x, &s.label, &s.length}, why));
			CU_ASSERT(is_word(&s, 1600, split ? 0.5 : 1, length[i]) && s.label == label[i]);
		}
	data_close(d);
}

static void labels_by_folder_and_list(void)
{
	char why[WHY] = "";
	Sample s;
	Data *d = open_words((sslc_argument[]){{.name = "labels", .text = "folder"},
	                                       {.name = "test", .number = 0},
	                                       {.name = "skip", .text = "ada/sure, yes.wav"},
	                                       {.name = "seconds", .number = 0.3}},
	                     4, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 3 && data_shape(d)->classes == 2);
	CU_ASSERT(data_sample(d, SPLIT_TRAIN, 1, (void *[]){s.x, &s.label, &s.length}, why));
	CU_ASSERT(is_word(&s, 2400, 0.5, 800) && s.label == 0);
	data_close(d);
	d = open_words((sslc_argument[]){{.name = "labels", .text = "folder"},
	                                 {.name = "test", .number = 0},
	                                 {.name = "only", .text = "ada/*, */yes.wav"},
	                                 {.name = "seconds", .number = 0.3}},
	               4, why);
	CU_ASSERT(d && data_count(d, SPLIT_TRAIN) == 4);
	data_close(d);
	d = open_words((sslc_argument[]){{.name = "labels", .text = "sound/words.csv"},
	                                 {.name = "test", .number = 0},
	                                 {.name = "seconds", .number = 0.3}},
	               3, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_count(d, SPLIT_TRAIN) == 3 && data_shape(d)->classes == 2);
	CU_ASSERT_STRING_EQUAL(data_shape(d)->class_name[1], "refused");
	CU_ASSERT(data_sample(d, SPLIT_TRAIN, 0, (void *[]){s.x, &s.label, &s.length}, why));
	CU_ASSERT(is_word(&s, 2400, 1, 800) && s.label == 1);
	data_close(d);
	d = open_words((sslc_argument[]){{.name = "labels", .text = "sound/words.csv"},
	                                 {.name = "test", .number = 0},
	                                 {.name = "unlabelled", .text = "refused"},
	                                 {.name = "seconds", .number = 0.3}},
	               4, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT(data_shape(d)->unlabelled == 1 && data_shape(d)->classes == 1);
	CU_ASSERT(data_sample(d, SPLIT_TRAIN, 0, (void *[]){s.x, &s.label, &s.length}, why));
	CU_ASSERT(is_word(&s, 2400, 1, 800) && s.label == -1);
	data_close(d);
}

/* Windows begin every 25 ms; those of a recording are in one split, whatever is held out. */
static void windows_of_a_recording_stay_together(void)
{
	char why[WHY] = "";
	Sample s;
	Data *d = open_words((sslc_argument[]){{.name = "seconds", .number = 0.05},
	                                       {.name = "hop", .number = 0.025},
	                                       {.name = "labels", .text = "name"},
	                                       {.name = "test", .number = 0.34}},
	                     4, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	int64_t of[2] = {data_count(d, SPLIT_TRAIN), data_count(d, SPLIT_TEST)};
	CU_ASSERT_EQUAL(of[0] + of[1], 2 * (4 + 6 + 10)); /* 100, 150, 250 ms, by two voices */
	int splits[3][2][2] = {{{0}}};                    /* by word, voice, split */
	for (int split = 0; split < 2; split++)
		for (int64_t i = 0; i < of[split]; i++) {
			CU_ASSERT(data_sample(d, (Split)split, i, (void *[]){s.x, &s.label, &s.length}, why));
			float most = 0;
			for (int k = 0; k < s.length; k++)
				most = fmaxf(most, s.x[k]);
			splits[s.label][most < 0.3f][split]++;
			CU_ASSERT(s.length == 400 || s.length == 200);
		}
	int tested = 0;
	for (int word = 0; word < 3; word++)
		for (int voice = 0; voice < 2; voice++) {
			CU_ASSERT(!splits[word][voice][0] || !splits[word][voice][1]);
			tested += splits[word][voice][1] > 0;
		}
	CU_ASSERT_EQUAL(tested, 2);
	data_close(d);
}

CU_TestInfo test_audio[] = {
    {"every format", every_format},
    {"behind the end", behind_the_end},
    {"other rates", other_rates},
    {"what is no sound", what_is_no_sound},
    {"a file in memory", a_file_in_memory},
    {"a folder of words", a_folder_of_words},
    {"labels by folder and list", labels_by_folder_and_list},
    {"windows of a recording stay together", windows_of_a_recording_stay_together},
    CU_TEST_INFO_NULL,
};
