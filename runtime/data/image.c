/* image.c: the bytes of a picture file -> a sample: its format told by its first bytes, decoded, upright, of the
 * channels and the size that are asked for. */
#include <stdlib.h>
#include <string.h>

#include "image.h"

static const struct {
	const char *called, *magic;
	bool (*decode)(const void *bytes, size_t size, Image *out, char why[WHY]);
} formats[] = {
#define IMAGE(name, called, magic) {called, magic, name##_decode},
#include "image.def"
#undef IMAGE
};
enum { FORMATS = sizeof formats / sizeof *formats };

static int find_format(const void *bytes, size_t size)
{
	for (int i = 0; i < FORMATS; i++) {
		size_t length = strlen(formats[i].magic);
		if (size >= length && memcmp(bytes, formats[i].magic, length) == 0)
			return i;
	}
	return -1;
}

const char *image_format(const void *bytes, size_t size)
{
	int format = find_format(bytes, size);
	return format < 0 ? NULL : formats[format].called;
}

bool image_new(Image *out, uint64_t height, uint64_t width, int channels, char why[WHY])
{
	*out = (Image){.channels = channels, .orientation = 1};
	if (height < 1 || width < 1 || height > IMAGE_MOST_PIXELS / width)
		return because(why, "says that it has %llu x %llu pixels: at most %d in all are read",
		               (unsigned long long)width, (unsigned long long)height, IMAGE_MOST_PIXELS);
	out->height = (int64_t)height;
	out->width = (int64_t)width;
	out->at = malloc(height * width * (size_t)channels);
	return out->at || because(why, "needs more memory than there is");
}

bool image_parse(const void *bytes, size_t size, Image *out, char why[WHY])
{
	int format = find_format(bytes, size);
	*out = (Image){0};
	if (size == 0)
		return because(why, "is empty");
	if (format < 0)
		return because(why, "is neither PNG nor JPEG");
	if (!formats[format].decode(bytes, size, out, why))
		return false;
	if (image_upright(out, why))
		return true;
	free(out->at);
	*out = (Image){0};
	return false;
}

/* -- Channels ---------------------------------------------------------------------------------- */

/* Rounded x / 255 for x up to 255 * 255. */
static int over_255(int x)
{
	x += 128;
	return (x + (x >> 8)) >> 8;
}

/* A pixel as red, green, blue, alpha. */
static void widen(const uint8_t *p, int channels, int to[4])
{
	bool grey = channels < 3;
	to[0] = p[0];
	to[1] = grey ? p[0] : p[1];
	to[2] = grey ? p[0] : p[2];
	to[3] = channels == 2 ? p[1] : channels == 4 ? p[3] : 255;
}

static void narrow(const int p[4], int channels, int background, uint8_t *to)
{
	int seen[3];
	for (int c = 0; c < 3; c++)
		seen[c] = channels == 4 ? p[c] : over_255(p[c] * p[3] + background * (255 - p[3]));
	if (channels == 1) {
		*to = (uint8_t)((seen[0] * 19595 + seen[1] * 38470 + seen[2] * 7471 + 0x8000) >> 16);
		return;
	}
	for (int c = 0; c < channels; c++)
		to[c] = (uint8_t)(c < 3 ? seen[c] : p[3]);
}

bool image_convert(Image *image, int channels, uint8_t background, char why[WHY])
{
	Image to;
	if (image->channels == channels)
		return true;
	if (!image_new(&to, (uint64_t)image->height, (uint64_t)image->width, channels, why))
		return false;
	int64_t pixels = image->height * image->width;
	const uint8_t *from = image->at;
	for (uint8_t *at = to.at; pixels--; from += image->channels, at += channels) {
		int pixel[4];
		widen(from, image->channels, pixel);
		narrow(pixel, channels, background, at);
	}
	free(image->at);
	*image = to;
	return true;
}

bool image_sample(const void *bytes, size_t size, const ImageShape *shape, uint8_t *out,
                  char why[WHY])
{
	Image image;
	bool good = image_parse(bytes, size, &image, why) &&
	            image_convert(&image, shape->channels, shape->background, why) &&
	            image_resize(&image, shape, out, why);
	free(image.at);
	return good;
}
