/* jpeg.c: JPEG by libjpeg-turbo: grey, colour, CMYK (printed on white paper), sequential and progressive.
 *
 * libjpeg reports errors by a callback that must not return: read_picture() alone is jumped to, and what it has
 * is in Reading. Damage is an error, where libjpeg only warns and makes pixels up. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image.h"

enum { MOST_SCANS = 100 }; /* of a progressive file; each can cost as much as all pixels */

typedef struct Reading {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	const uint8_t *bytes;
	size_t size;
	Image image;
	uint8_t *ink; /* a row of CMYK */
	char *why;
	jmp_buf back;
} Reading;

static void fail(j_common_ptr jpeg)
{
	char text[JMSG_LENGTH_MAX];
	Reading *r = jpeg->client_data;
	jpeg->err->format_message(jpeg, text);
	because(r->why, "is no whole JPEG: %.200s", text);
	longjmp(r->back, 1);
}

static bool is_harmless(int message)
{
	return message == JWRN_EXTRANEOUS_DATA || message == JWRN_ADOBE_XFORM ||
	       message == JWRN_JFIF_MAJOR || message == JWRN_TOO_MUCH_DATA;
}

static void warn(j_common_ptr jpeg, int level)
{
	if (level < 0 && !is_harmless(jpeg->err->msg_code))
		fail(jpeg);
}

static void say_nothing(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void count_scans(j_common_ptr jpeg)
{
	Reading *r = jpeg->client_data;
	if (jpeg->is_decompressor && r->jpeg.input_scan_number > MOST_SCANS) {
		because(r->why, "has more than %d scans, as no picture needs", MOST_SCANS);
		longjmp(r->back, 1);
	}
}

static void read_orientation(Reading *r)
{
	for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next)
		if (m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0) {
			r->image.orientation = exif_orientation(m->data + 6, m->data_length - 6);
			return;
		}
}

/* Ink on white, as Pillow converts it. Files hold the complement: Adobe's programs began it, and all who write
 * CMYK follow them, with or without Adobe's marker. */
static void print_ink(const Reading *r, uint8_t *to)
{
	const uint8_t *ink = r->ink;
	for (int64_t x = 0; x < r->image.width; x++, ink += 4)
		for (int c = 0; c < 3; c++) {
			int light = ink[3], product = (255 - ink[c]) * light + 128;
			int dark = (product + (product >> 8)) >> 8;
			*to++ = (uint8_t)(light - dark);
		}
}

static int ask_for_channels(Reading *r)
{
	int components = r->jpeg.num_components;
	r->jpeg.out_color_space = components == 1   ? JCS_GRAYSCALE
	                          : components == 3 ? JCS_RGB
	                                            : JCS_CMYK;
	return components == 1 ? 1 : 3;
}

static bool read_picture(Reading *r)
{
	if (setjmp(r->back))
		return false;
	jpeg_create_decompress(&r->jpeg);
	r->jpeg.progress = &r->progress;
	jpeg_save_markers(&r->jpeg, JPEG_APP0 + 1, 0xffff);
	jpeg_mem_src(&r->jpeg, r->bytes, r->size);
	jpeg_read_header(&r->jpeg, TRUE);
	if (!image_new(&r->image, r->jpeg.image_height, r->jpeg.image_width, ask_for_channels(r),
	               r->why))
		return false;
	read_orientation(r);
	jpeg_start_decompress(&r->jpeg);
	size_t width = (size_t)r->image.width, row = width * (size_t)r->image.channels;
	bool inked = r->jpeg.out_color_space == JCS_CMYK;
	if (inked && !(r->ink = malloc(4 * width)))
		return because(r->why, "needs more memory than there is");
	for (size_t y = 0; y < (size_t)r->image.height; y++) {
		uint8_t *to = r->image.at + row * y;
		jpeg_read_scanlines(&r->jpeg, inked ? &r->ink : &to, 1);
		if (inked)
			print_ink(r, to);
	}
	jpeg_finish_decompress(&r->jpeg);
	return true;
}

bool jpeg_decode(const void *bytes, size_t size, Image *out, char why[WHY])
{
	Reading *r = calloc(1, sizeof *r);
	if (!r)
		return because(why, "needs more memory than there is");
	r->bytes = bytes;
	r->size = size;
	r->why = why;
	r->jpeg.err = jpeg_std_error(&r->errors);
	r->jpeg.client_data = r;
	r->errors.error_exit = fail;
	r->errors.emit_message = warn;
	r->errors.output_message = say_nothing;
	r->progress.progress_monitor = count_scans;
	bool good = read_picture(r);
	jpeg_destroy_decompress(&r->jpeg);
	free(r->ink);
	if (!good)
		free(r->image.at);
	*out = good ? r->image : (Image){0};
	free(r);
	return good;
}
