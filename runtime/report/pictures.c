/* pictures.c: samples as pictures: several on a sheet, a sheet as PNG (libpng), a PNG as text. */
#include "report.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 4, MOST_PIXELS = 4096 };

bool picture_of_shape(int rank, const int64_t *dim, Picture *size)
{
	bool has_channels = rank == 3 && (dim[2] == 1 || dim[2] == 3);
	if (rank != 2 && !has_channels)
		return false;
	if (dim[0] < LEAST || dim[1] < LEAST || dim[0] > MOST_PIXELS || dim[1] > MOST_PIXELS)
		return false;
	*size = (Picture){
	    .height = (int)dim[0], .width = (int)dim[1], .channels = has_channels ? (int)dim[2] : 1};
	return true;
}

Picture picture_fit(Picture sample, int side)
{
	int longest = sample.width > sample.height ? sample.width : sample.height;
	if (longest > side) {
		sample.width = sample.width * side / longest > 0 ? sample.width * side / longest : 1;
		sample.height = sample.height * side / longest > 0 ? sample.height * side / longest : 1;
	}
	return sample;
}

/* The mean of channel c over the box of the sample that becomes pixel (row, column). */
static double box(const float *x, Picture s, Picture to, int row, int column, int c)
{
	int top = row * s.height / to.height, left = column * s.width / to.width;
	int bottom = (row + 1) * s.height / to.height, right = (column + 1) * s.width / to.width;
	double sum = 0;
	for (int i = top; i < bottom; i++)
		for (int j = left; j < right; j++)
			sum += x[((int64_t)i * s.width + j) * s.channels + c];
	return sum / ((double)(bottom - top) * (right - left));
}

void picture_shrink(const float *x, Picture sample, Picture small, float *to)
{
	for (int i = 0; i < small.height; i++)
		for (int j = 0; j < small.width; j++)
			for (int c = 0; c < small.channels; c++)
				*to++ = (float)box(x, sample, small, i, j, c);
}

static unsigned char grey(double value, double low, double high)
{
	double at = high > low ? (value - low) / (high - low) : 0.5;
	return (unsigned char)(at >= 1 ? 255 : at > 0 ? 255 * at + 0.5 : 0);
}

bool picture_sheet(const float *x, int64_t count, Picture sample, double low, double high,
                   int columns, Picture cell, Picture *sheet)
{
	int64_t rows = (count + columns - 1) / columns;
	int64_t size = (int64_t)sample.width * sample.height * sample.channels;
	int length = cell.width * cell.channels; /* of a row of a cell */
	*sheet = (Picture){columns * cell.width, (int)rows * cell.height, cell.channels, NULL};
	sheet->at = calloc((size_t)(sheet->width + 1) * (size_t)sheet->height, (size_t)cell.channels);
	float *small = malloc((size_t)length * (size_t)cell.height * sizeof *small);
	for (int64_t i = 0; sheet->at && small && i < count; i++) {
		picture_shrink(x + i * size, sample, cell, small);
		unsigned char *corner =
		    sheet->at + (i / columns * cell.height * columns + i % columns) * length;
		for (int at = 0; at < length * cell.height; at++)
			corner[at / length * columns * length + at % length] = grey(small[at], low, high);
	}
	bool good = sheet->at && small;
	free(small);
	if (!good)
		free(sheet->at);
	return good;
}

/* RFC 4648. */
static void write_base64(const unsigned char *bytes, size_t size, FILE *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		uint32_t word = (uint32_t)bytes[i] << 16;
		word |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
		word |= i + 2 < size ? bytes[i + 2] : 0;
		fputc(digit[word >> 18], out);
		fputc(digit[word >> 12 & 63], out);
		fputc(i + 1 < size ? digit[word >> 6 & 63] : '=', out);
		fputc(i + 2 < size ? digit[word & 63] : '=', out);
	}
}

size_t picture_write(const Picture *p, FILE *out)
{
	png_image image = {.version = PNG_IMAGE_VERSION,
	                   .width = (png_uint_32)p->width,
	                   .height = (png_uint_32)p->height};
	image.format = p->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	unsigned char *bytes = malloc(size);
	bool good = bytes && png_image_write_to_memory(&image, bytes, &size, 0, p->at, 0, NULL);
	if (good) {
		fputs("data:image/png;base64,", out);
		write_base64(bytes, size, out);
	}
	png_image_free(&image);
	free(bytes);
	return good ? size : 0;
}
