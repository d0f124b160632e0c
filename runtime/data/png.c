/* png.c: PNG by libpng: any depth, palettes, interlaced. 16 bits are rounded to 8, alpha stays straight; gamma
 * and profiles are left aside, as other readers of training data do.
 *
 * libpng reports errors by longjmp: read_picture() alone is jumped to, and what it has is in Reading. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image.h"

typedef struct Reading {
	const uint8_t *bytes;
	size_t size, used;
	png_structp png;
	png_infop about;
	Image image;
	char *why;
	jmp_buf back;
} Reading;

static void fail(png_structp png, png_const_charp text)
{
	Reading *r = png_get_error_ptr(png);
	if (text)
		because(r->why, "is no whole PNG: %.120s", text);
	longjmp(r->back, 1);
}

static void ignore(png_structp png, png_const_charp text)
{
	(void)png, (void)text;
}

static void feed(png_structp png, png_bytep to, size_t count)
{
	Reading *r = png_get_io_ptr(png);
	if (count > r->size - r->used)
		png_error(png, "it ends too early");
	memcpy(to, r->bytes + r->used, count);
	r->used += count;
}

/* Of each row 8-bit samples, with alpha where the file says what is transparent. */
static int ask_for_bytes(Reading *r)
{
	png_set_expand(r->png);
	png_set_scale_16(r->png);
	int passes = png_set_interlace_handling(r->png);
	png_read_update_info(r->png, r->about);
	return passes;
}

static void read_orientation(Reading *r)
{
	png_bytep tiff;
	png_uint_32 size;
	if (png_get_eXIf_1(r->png, r->about, &size, &tiff))
		r->image.orientation = exif_orientation(tiff, size);
}

static bool read_picture(Reading *r)
{
	if (setjmp(r->back))
		return false;
	png_set_read_fn(r->png, r, feed);
	png_read_info(r->png, r->about);
	int passes = ask_for_bytes(r);
	if (!image_new(&r->image, png_get_image_height(r->png, r->about),
	               png_get_image_width(r->png, r->about), png_get_channels(r->png, r->about),
	               r->why))
		return false;
	size_t row = (size_t)r->image.width * (size_t)r->image.channels;
	if (png_get_rowbytes(r->png, r->about) != row)
		png_error(r->png, "its rows are of a strange length");
	for (int pass = 0; pass < passes; pass++)
		for (int64_t y = 0; y < r->image.height; y++)
			png_read_row(r->png, r->image.at + row * (size_t)y, NULL);
	png_read_end(r->png, r->about);
	read_orientation(r);
	return true;
}

bool png_decode(const void *bytes, size_t size, Image *out, char why[WHY])
{
	Reading r = {.bytes = bytes, .size = size, .why = why};
	because(why, "needs more memory than there is");
	r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, fail, ignore);
	r.about = r.png ? png_create_info_struct(r.png) : NULL;
	bool good = r.about && read_picture(&r);
	png_destroy_read_struct(&r.png, &r.about, NULL);
	if (!good)
		free(r.image.at);
	*out = good ? r.image : (Image){0};
	return good;
}
