/* readers.c: the readers of readers.def: files or formulas -> arrays of a train and a test split. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

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
	double n = a->number[0], d = a->number[1], seed = a->number[2];
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

/* A reader of single arrays, and its own words for x and label. */
typedef struct Format {
	FileReader read;
	const char *x, *label;
} Format;

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
static bool check_name(const Arguments *a, const char *name, const Format *format, char why[WHY])
{
	static const char *const spelled[] = {"x", "image", "images", "label", "labels"};
	for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++)
		if (strcmp(name + (is_of_test(name) ? 5 : 0), spelled[i]) == 0)
			return because(why, "'%s' is called '%s%s' here", name, is_of_test(name) ? "test_" : "",
			               i < 3 ? format->x : format->label);
	if (!is_of_test(name))
		return true;
	for (size_t i = 0; i < a->more_count; i++)
		if (strcmp(a->more[i].name, name + 5) == 0)
			return true;
	return because(why, "'%.60s' is given, but no '%.60s'", name, name + 5);
}

/* The further arrays, by their names. */
static bool add_named(const Arguments *a, const Format *format, bool has_test, Found *found,
                      char why[WHY])
{
	for (size_t i = 0; i < a->more_count; i++) {
		const char *name = a->more[i].name, *test = test_file(a, name);
		char path[PATH];
		if (!check_name(a, name, format, why))
			return false;
		if (is_of_test(name))
			continue;
		if (!given(a->more[i].text))
			return because(why, "the name of the file of '%.60s' is empty", name);
		if (given(test) && !has_test)
			return because(why, "'test_%.60s' is given, but no 'test_%s'", name, format->x);
		if (has_test && !given(test))
			return because(why, "'%.60s' must be given for the test files, too: test_%.60s='file'",
			               name, name);
		Field *field = found_add(found, name, why);
		if (!field || !arguments_path(a, a->more[i].text, path, why) ||
		    !format->read(path, &field->array, why) ||
		    (has_test &&
		     !add_file(a, test, format->read, &found->part[SPLIT_TEST], field->name, why)))
			return false;
	}
	return true;
}

static bool read_arrays(const Arguments *a, const Format *format, Found *found, char why[WHY])
{
	Part *train = &found->part[SPLIT_TRAIN], *test = &found->part[SPLIT_TEST];
	bool has_label = given(a->text[1]), has_test = given(a->text[2]);
	double share = found->held_out = a->number[4];
	if (!given(a->text[0]))
		return because(why, "the name of the data's file is empty");
	if (share < 0 || share >= 1)
		return because(why, "test=%g: the share that is held out must be at least 0 and below 1",
		               share);
	if (has_test ? has_label != given(a->text[3]) : given(a->text[3]))
		return because(
		    why, "labels must be given for both the train and the test files, or for neither");
	return add_file(a, a->text[0], format->read, train, "x", why) &&
	       add_file(a, a->text[1], format->read, train, "label", why) &&
	       add_file(a, a->text[2], format->read, test, "x", why) &&
	       add_file(a, a->text[3], format->read, test, "label", why) &&
	       add_named(a, format, has_test, found, why);
}

bool read_idx(const Arguments *a, Found *found, char why[WHY])
{
	return read_arrays(a, &(Format){idx_read, "images", "labels"}, found, why);
}

bool read_npy(const Arguments *a, Found *found, char why[WHY])
{
	return read_arrays(a, &(Format){npy_read, "x", "label"}, found, why);
}

bool read_fashion_mnist(const Arguments *a, Found *found, char why[WHY])
{
	static const char *const names[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
	                                    "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
	for (int i = 0; i < 4; i++) {
		char path[PATH], reason[WHY] = "";
		snprintf(path, sizeof path, "%s/%s", a->text[0], names[i]);
		if (!add_file(a, path, idx_read, &found->part[i / 2], i % 2 ? "label" : "x", reason))
			return because(why,
			               "%.350s; install Debian's dataset-fashion-mnist, or say path='folder'",
			               reason);
	}
	return true;
}
