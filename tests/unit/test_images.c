/* test_images.c: PNG and JPEG, decoded, turned, of other channels and sizes.
 *
 * Truth: tests/oracle/images: files that pypng and Pillow wrote, and what Pillow makes of them. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/data/image.h"
#include "scratch.h"

static unsigned char *picture(const char *name, size_t *size)
{
	char path[160];
	snprintf(path, sizeof path, "images/%s", name);
	return file_get(oracle_path(path), size);
}

/* What a case of the truth says, by the same way as a reader; "none": as it stands. */
static uint8_t *sample(const SafeTensor *t, char why[WHY])
{
	char name[64], how[16];
	ImageShape shape = {.background = 255};
	long long height, width;
	size_t size;
	if (sscanf(t->name, "%63s %d %lld %lld %15s", name, &shape.channels, &height, &width, how) != 5)
		return NULL;
	shape.height = t->dim[0];
	shape.width = t->dim[1];
	shape.crop = strcmp(how, "crop") == 0;
	unsigned char *bytes = picture(name, &size);
	uint8_t *out = malloc(t->bytes);
	Image image;
	bool good = bytes != NULL;
	if (good && strcmp(how, "none") == 0) {
		good = image_parse(bytes, size, &image, why) &&
		       image_convert(&image, shape.channels, shape.background, why) &&
		       image.height == t->dim[0] && image.width == t->dim[1];
		if (good)
			memcpy(out, image.at, t->bytes);
		free(image.at);
	} else if (good) {
		good = image_sample(bytes, size, &shape, out, why);
	}
	free(bytes);
	if (good)
		return out;
	free(out);
	return NULL;
}

/* Decoders of JPEG may differ by a unit or two; the rest is exact. */
static int allowed(const char *name)
{
	return strstr(name, ".jpg ") && !strstr(name, "lies") ? 2 : 0;
}

static void pictures_are_what_pillow_reads(void)
{
	SafeFile truth;
	char why[WHY] = "";
	CU_ASSERT_FATAL(safe_read(oracle_path("images/truth.safetensors"), &truth, why));
	CU_ASSERT(truth.count >= 150);
	for (size_t i = 0; i < truth.count; i++) {
		const SafeTensor *t = &truth.tensor[i];
		uint8_t *got = sample(t, why);
		int worst = 0;
		for (size_t j = 0; got && j < t->bytes; j++) {
			int difference = abs(got[j] - ((const uint8_t *)t->at)[j]);
			worst = difference > worst ? difference : worst;
		}
		if (!got || worst > allowed(t->name))
			fprintf(stderr, "\n    %s: %s %d\n", t->name, got ? "differs by" : why, worst);
		CU_ASSERT(got && worst <= allowed(t->name));
		free(got);
	}
	safe_close(&truth);
}

static void check_broken(const char *name, const char *word)
{
	char path[128], why[WHY] = "";
	size_t size;
	Image image;
	snprintf(path, sizeof path, "broken/%s", name);
	unsigned char *bytes = picture(path, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_FALSE(image_parse(bytes, size, &image, why));
	CU_ASSERT_PTR_NULL(image.at);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, word));
	if (!strstr(why, word))
		fprintf(stderr, "\n    %s: %s\n", name, why);
	free(bytes);
}

static void broken_pictures_say_why(void)
{
	check_broken("bomb.png", "60000 x 60000 pixels");
	check_broken("bomb.jpg", "65500 x 65500 pixels");
	check_broken("short.png", "is no whole PNG: Not enough image data");
	check_broken("crc.png", "is no whole PNG: IDAT: ");
	check_broken("cut.png", "is no whole PNG: it ends too early");
	check_broken("cut.jpg", "is no whole JPEG: ");
	check_broken("gif.png", "is neither PNG nor JPEG");
}

/* No prefix of a file is a picture, but for what stands behind its end. */
static void check_prefixes(const char *name, size_t spare)
{
	size_t size;
	unsigned char *bytes = picture(name, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (size_t n = 0; n <= size; n++) {
		unsigned char *tight = malloc(n ? n : 1); /* for ASan to see its end */
		char why[WHY] = "";
		Image image;
		memcpy(tight, bytes, n);
		bool taken = image_parse(tight, n, &image, why);
		CU_ASSERT(taken == (n + spare >= size));
		CU_ASSERT(taken || *why);
		free(image.at);
		free(tight);
	}
	free(bytes);
}

static void cut_pictures_are_refused(void)
{
	check_prefixes("rgba.png", 0);
	check_prefixes("interlaced.png", 0);
	check_prefixes("palette_alpha.png", 0);
	check_prefixes("grey.jpg", 0);
	check_prefixes("cmyk.jpg", 0);
	check_prefixes("exif6.jpg", 0);
}

static void formats_are_told_by_their_bytes(void)
{
	CU_ASSERT_PTR_NULL(image_format("", 0));
	CU_ASSERT_PTR_NULL(image_format("\x89PNG\r\n\x1a", 7));
	CU_ASSERT_PTR_NULL(image_format("GIF89a", 6));
	CU_ASSERT_STRING_EQUAL(image_format("\x89PNG\r\n\x1a\n", 8), "PNG");
	CU_ASSERT_STRING_EQUAL(image_format("\xff\xd8\xff\xe0", 4), "JPEG");
}

/* -- The reader -------------------------------------------------------------------------------- */

static Data *open_folder(const char *folder, double memory, char why[WHY])
{
	const sslc_argument argument[] = {
	    {.text = folder},
	    {.name = "size", .number = 8},
	    {.name = "labels", .text = ""},
	    {.name = "only", .text = "*.png, *.jpg"},
	    {.name = "skip", .text = "broken"},
	    {.name = "memory", .number = memory},
	    {.name = "test", .number = 0},
	};
	return data_open(&(sslc_call){"images", argument, sizeof argument / sizeof *argument}, NULL,
	                 why);
}

/* Samples come in the order of their names' bytes, and are what image_sample() makes of each file; in memory or
 * not. */
static void check_reader(double memory)
{
	static const char *const some[] = {"cmyk.jpg", "cmyk_plain.jpg", "colour.jpg", "exif1.jpg"};
	char why[WHY] = "";
	Data *d = open_folder(oracle_path("images"), memory, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(data_shape(d)->count, 1);
	CU_ASSERT_EQUAL(data_shape(d)->field[0].bytes, 8 * 8 * 3);
	CU_ASSERT_EQUAL(data_shape(d)->classes, 0);
	CU_ASSERT_EQUAL(data_value(d, SPLIT_TRAIN, 0, 0) == NULL, memory == 0);
	for (int i = 0; i < 4; i++) {
		uint8_t got[8 * 8 * 3], want[8 * 8 * 3];
		ImageShape shape = {.height = 8, .width = 8, .channels = 3, .background = 255};
		size_t size;
		unsigned char *bytes = picture(some[i], &size);
		CU_ASSERT(image_sample(bytes, size, &shape, want, why));
		CU_ASSERT(data_sample(d, SPLIT_TRAIN, i, (void *[]){got}, why));
		CU_ASSERT(memcmp(got, want, sizeof got) == 0);
		free(bytes);
	}
	data_close(d);
}

static void folders_are_read_in_order(void)
{
	check_reader(1);
	check_reader(0);
}

/* A directory of one entry, of as many bytes as it needs (TIFF 6.0, section 2). */
static void orientation_is_read_of_exif(void)
{
	uint8_t little[] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
	uint8_t big[] = {'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0};
	CU_ASSERT_EQUAL(exif_orientation(little, sizeof little), 6);
	CU_ASSERT_EQUAL(exif_orientation(big, sizeof big), 8);
	for (size_t size = 0; size < sizeof little; size++)
		CU_ASSERT_EQUAL(exif_orientation(little, size), 1);
	little[18] = 9; /* none of the eight */
	CU_ASSERT_EQUAL(exif_orientation(little, sizeof little), 1);
	little[18] = 6, little[12] = 4; /* a long, not a short */
	CU_ASSERT_EQUAL(exif_orientation(little, sizeof little), 1);
	big[7] = 21; /* the directory begins behind the end */
	CU_ASSERT_EQUAL(exif_orientation(big, sizeof big), 1);
}

/* Every colour under every alpha, at its own size: colours are multiplied by alpha / 255 and rounded, then
 * divided by it again and cut off. */
static void colours_are_weighted_by_alpha(void)
{
	enum { SIDE = 256 };
	char why[WHY];
	Image image;
	ImageShape shape = {.height = SIDE, .width = SIDE, .channels = 4};
	CU_ASSERT_FATAL(image_new(&image, SIDE, SIDE, 4, why));
	uint8_t *out = malloc((size_t)4 * SIDE * SIDE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	for (int i = 0; i < 4 * SIDE * SIDE; i++)
		image.at[i] = (uint8_t)(i % 4 < 3 ? i / 4 % SIDE : i / 4 / SIDE);
	CU_ASSERT_FATAL(image_resize(&image, &shape, out, why));
	int wrong = 0;
	for (int i = 0; i < SIDE * SIDE; i++) {
		int colour = i % SIDE, alpha = i / SIDE;
		int light = (int)lround(colour * alpha / 255.0), back = alpha ? 255 * light / alpha : light;
		back = back > 255 ? 255 : back;
		wrong += out[4 * i] != back || out[4 * i + 2] != back || out[4 * i + 3] != alpha;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	free(out);
	free(image.at);
}

CU_TestInfo test_images[] = {
    {"pictures are what Pillow reads", pictures_are_what_pillow_reads},
    {"orientation is read of EXIF", orientation_is_read_of_exif},
    {"colours are weighted by alpha", colours_are_weighted_by_alpha},
    {"broken pictures say why", broken_pictures_say_why},
    {"cut pictures are refused", cut_pictures_are_refused},
    {"formats are told by their bytes", formats_are_told_by_their_bytes},
    {"folders are read in order", folders_are_read_in_order},
    CU_TEST_INFO_NULL,
};
