/* readers.c: the readers of readers.def: files or formulas -> arrays of a train and a test split. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series.h"

/* -- normal ------------------------------------------------------------------------------------ */

/* Value i of the row-major array: Box-Muller of Philox words at counter {i / 2, 0, 0, "norm"} under
 * the seed, in double: u = (w0 + 1/2) / 2^32, v = (w1 + 1/2) / 2^32, r = sqrt(-2 ln u); r cos(2 pi
 * v) for even i, r sin(2 pi v) for odd. */
static float normal_at(int64_t i, uint64_t seed)
{
	uint32_t counter[4] = {(uint32_t)(i / 2), (uint32_t)((uint64_t)(i / 2) >> 32), 0, 0x6e6f726du},
	         word[4];
	uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	philox4x32(counter, key, word);
	double u = (word[0] + 0.5) / 4294967296.0, v = (word[1] + 0.5) / 4294967296.0,
	       r = sqrt(-2 * log(u));
	return (float)(i % 2 ? r * sin(2 * 3.14159265358979323846 * v)
	                     : r * cos(2 * 3.14159265358979323846 * v));
}

static bool whole(double x, double most)
{
	return x >= 1 && x <= most && x == floor(x);
}

bool read_normal(const Arguments *a, Found *found, char why[WHY])
{
	double n = argument_number(a, "n"), d = argument_number(a, "d"),
	       seed = argument_number(a, "seed");
	if (!whole(n, 1e9) || !whole(d, 1e6) || n * d > 1e9 || seed < 0 || seed >= 0x1p64 ||
	    seed != floor(seed))
		return because(
		    why,
		    "normal(%g, %g, seed=%g): n and d are whole numbers from 1, the seed one from 0 "
		    "to 2^64 - 1",
		    n, d, seed);
	Array *x = &part_add(&found->part[SPLIT_TRAIN], "x")->array;
	*x = (Array){.type = "f32", .rank = 2, .dim = {(int64_t)n, (int64_t)d}};
	x->at = malloc((size_t)(n * d) * sizeof(float));
	if (!x->at)
		return because(why, "no memory for %g values", n * d);
	for (int64_t i = 0; i < (int64_t)(n * d); i++)
		((float *)x->at)[i] = normal_at(i, (uint64_t)seed);
	return true;
}

/* -- Files ------------------------------------------------------------------------------------- */

typedef bool (*FileReader)(const char *path, Array *out, char why[WHY]);

/* "" is not given. */
static bool add_file(const Arguments *a, const char *name, FileReader reader, Part *part,
                     const char *field, char why[WHY])
{
	char path[PATH];
	return !name || !*name ||
	       (arguments_path(a, name, path, why) && reader(path, &part_add(part, field)->array, why));
}

/* What a reader of arrays is asked for: an array by its file, or by its name in an archive. */
typedef struct Wanted {
	FileReader file;         /* NULL: of archives */
	const char *word[2];     /* the reader's own for x and label */
	const char *archive[2];  /* by Split */
	const char *array[2][2]; /* x and label, by Split */
	double held_out, window, stride;
	const char *group;
	Part *part; /* by Split: where they go */
} Wanted;

static bool given(const char *path)
{
	return path && *path;
}

static bool is_of_test(const char *name)
{
	return strncmp(name, "test_", 5) == 0;
}

/* The file of the array `name` in the test split; NULL: it is not given. */
static const char *test_file(const Arguments *a, const char *name)
{
	for (size_t i = 0; i < a->more_count; i++)
		if (is_of_test(a->more[i].name) && strcmp(a->more[i].name + 5, name) == 0)
			return a->more[i].text;
	return NULL;
}

/* Names that would be taken for what they are not. */
static bool check_name(const Arguments *a, const char *name, const Wanted *w, char why[WHY])
{
	static const char *const spelled[] = {"x", "image", "images", "label", "labels"};
	for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++)
		if (strcmp(name + (is_of_test(name) ? 5 : 0), spelled[i]) == 0)
			return because(why, "'%s' is called '%s%s' here", name, is_of_test(name) ? "test_" : "",
			               w->word[i >= 3]);
	if (!is_of_test(name))
		return true;
	for (size_t i = 0; i < a->more_count; i++)
		if (strcmp(a->more[i].name, name + 5) == 0)
			return true;
	return because(why, "'%.60s' is given, but no '%.60s'", name, name + 5);
}

static bool has_test(const Wanted *w)
{
	return given(w->array[SPLIT_TEST][0]);
}

/* Reads an array, of a split, into a field of that name. */
static bool add_array(const Arguments *a, const Wanted *w, Split s, const char *array,
                      const char *field, char why[WHY])
{
	char path[PATH];
	if (w->file)
		return add_file(a, array, w->file, &w->part[s], field, why);
	return arguments_path(a, w->archive[s], path, why) &&
	       npz_read(path, array, &part_add(&w->part[s], field)->array, why);
}

/* The further arrays, by their names. */
static bool add_named(const Arguments *a, const Wanted *w, Found *found, char why[WHY])
{
	for (size_t i = 0; i < a->more_count; i++) {
		const char *name = a->more[i].name, *test = test_file(a, name);
		if (!check_name(a, name, w, why))
			return false;
		if (is_of_test(name))
			continue;
		if (!given(a->more[i].text))
			return because(why, "the name of the file of '%.60s' is empty", name);
		if (given(test) && !has_test(w))
			return because(why, "'test_%.60s' is given, but no 'test_%s'", name, w->word[0]);
		if (!given(test) && w->archive[SPLIT_TEST] != w->archive[SPLIT_TRAIN])
			test = a->more[i].text;
		if (has_test(w) && !given(test))
			return because(why, "'%.60s' must be given for the test %s, too: test_%.60s='%s'", name,
			               w->file ? "files" : "samples", name, w->file ? "file" : "array");
		const char *own = found_name(found, 1 + given(w->array[SPLIT_TRAIN][1]), name, why);
		if (!own || !add_array(a, w, SPLIT_TRAIN, a->more[i].text, own, why) ||
		    (has_test(w) && !add_array(a, w, SPLIT_TEST, test, own, why)))
			return false;
	}
	return true;
}

static bool read_arrays(const Arguments *a, Wanted *w, Found *found, char why[WHY])
{
	static const char *const name[] = {"x", "label"};
	w->part = found->part;
	found->held_out = w->held_out;
	if (!given(w->array[SPLIT_TRAIN][0]))
		return because(why, "the name of the data's file is empty");
	if (!split_share(w->held_out, why))
		return false;
	if (given(w->array[SPLIT_TEST][1]) != (has_test(w) && given(w->array[SPLIT_TRAIN][1])))
		return because(
		    why, "labels must be given for both the train and the test files, or for neither");
	for (int s = 0; s < 2; s++)
		for (int i = 0; i < 2; i++)
			if (given(w->array[s][i]) && !add_array(a, w, (Split)s, w->array[s][i], name[i], why))
				return false;
	return add_named(a, w, found, why) && series_window(w->window, w->stride, found, why) &&
	       series_rows(found, w->group, why);
}

static const char *test_text(const Arguments *a, const char *word)
{
	char name[32];
	snprintf(name, sizeof name, "test_%s", word);
	return argument_text(a, name);
}

/* By the reader's own words for x and label, and by those with "test_" before them. */
static Wanted wanted_by(const Arguments *a, const char *x, const char *label)
{
	return (Wanted){.word = {x, label},
	                .array = {{argument_text(a, x), argument_text(a, label)},
	                          {test_text(a, x), test_text(a, label)}},
	                .held_out = argument_number(a, "test"),
	                .window = argument_number(a, "window"),
	                .stride = argument_number(a, "stride"),
	                .group = argument_text(a, "group")};
}

bool read_idx(const Arguments *a, Found *found, char why[WHY])
{
	Wanted w = wanted_by(a, "images", "labels");
	w.file = idx_read;
	return read_arrays(a, &w, found, why);
}

bool read_npy(const Arguments *a, Found *found, char why[WHY])
{
	Wanted w = wanted_by(a, "x", "label");
	w.file = npy_read;
	return read_arrays(a, &w, found, why);
}

bool read_npz(const Arguments *a, Found *found, char why[WHY])
{
	Wanted w = wanted_by(a, "x", "label");
	const char *path = argument_text(a, "path"), *of_test = argument_text(a, "test_path");
	bool other = given(of_test); /* names are the same in an archive of its own */
	w.archive[SPLIT_TRAIN] = path;
	w.archive[SPLIT_TEST] = other ? of_test : path;
	for (int i = 0; other && i < 2; i++)
		if (!given(w.array[SPLIT_TEST][i]))
			w.array[SPLIT_TEST][i] = w.array[SPLIT_TRAIN][i];
	if (!given(path))
		return because(why, "the name of the data's file is empty");
	return read_arrays(a, &w, found, why);
}

bool read_fashion_mnist(const Arguments *a, Found *found, char why[WHY])
{
	static const char *const names[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
	                                    "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
	for (int i = 0; i < 4; i++) {
		char path[PATH], reason[WHY] = "";
		snprintf(path, sizeof path, "%s/%s", argument_text(a, "path"), names[i]);
		if (!add_file(a, path, idx_read, &found->part[i / 2], i % 2 ? "label" : "x", reason))
			return because(why,
			               "%.350s; install Debian's dataset-fashion-mnist, or say path='folder'",
			               reason);
	}
	return true;
}
