/* resize.c: pictures of any size -> the size of a sample: bilinear with antialiasing, which is a triangle filter as
 * wide as the source's pixels are many, first along rows, then along columns.
 *
 * Weights are integers of 22 bits and rounding is that of Pillow 11 (src/libImaging/Resample.c), so that results
 * are equal to the bit to what it makes, on every machine. Where alpha is kept, colours are weighted by it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

enum { BITS = 22 };

/* Of one axis: place i of the result is a sum over `count[i]` places of the source from `first[i]`. */
typedef struct Weights {
	int64_t *first, *count; /* [places] */
	int32_t *weight;        /* [places,most] */
	int64_t most;
} Weights;

static void weights_close(Weights *w)
{
	free(w->first);
	free(w->count);
	free(w->weight);
}

static double triangle(double x)
{
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

/* Places [from, from + places) of an axis of `source` that is made `target` long. */
static bool weights_open(Weights *w, int64_t source, int64_t target, int64_t from, int64_t places)
{
	double scale = (double)source / (double)target, wide = scale < 1 ? 1 : scale;
	w->most = (int64_t)ceil(wide) * 2 + 1;
	w->first = malloc((size_t)places * sizeof *w->first);
	w->count = malloc((size_t)places * sizeof *w->count);
	w->weight = malloc((size_t)places * (size_t)w->most * sizeof *w->weight);
	double *share = malloc((size_t)w->most * sizeof *share);
	bool good = w->first && w->count && w->weight && share;
	for (int64_t i = 0; good && i < places; i++) {
		double center = ((double)(i + from) + 0.5) * scale, sum = 0;
		int64_t first = (int64_t)(center - wide + 0.5), end = (int64_t)(center + wide + 0.5);
		first = first < 0 ? 0 : first;
		end = end > source ? source : end;
		for (int64_t j = first; j < end; j++)
			sum += share[j - first] = triangle(((double)j - center + 0.5) * (1 / wide));
		for (int64_t j = first; j < end; j++)
			w->weight[i * w->most + j - first] =
			    (int32_t)(0.5 + share[j - first] / sum * (1 << BITS));
		w->first[i] = first;
		w->count[i] = end - first;
	}
	free(share);
	return good;
}

static uint8_t rounded(int64_t sum)
{
	sum >>= BITS;
	return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* A row [width,c] -> [places,c]. */
static void along_row(const Weights *w, const uint8_t *row, int c, int64_t places, uint8_t *to)
{
	for (int64_t i = 0; i < places; i++) {
		const int32_t *weight = w->weight + i * w->most;
		int32_t sum[4] = {1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)};
		const uint8_t *p = row + w->first[i] * c;
		for (int64_t j = 0; j < w->count[i]; j++, p += c)
			for (int k = 0; k < c; k++)
				sum[k] += p[k] * weight[j];
		for (int k = 0; k < c; k++)
			*to++ = rounded(sum[k]);
	}
}

/* Rows [count,length] -> one. */
static void along_column(const int32_t *weight, const uint8_t *rows, int64_t count, int64_t length,
                         uint8_t *to)
{
	for (int64_t x = 0; x < length; x++) {
		int32_t sum = 1 << (BITS - 1);
		for (int64_t j = 0; j < count; j++)
			sum += rows[j * length + x] * weight[j];
		to[x] = rounded(sum);
	}
}

/* -- Alpha ------------------------------------------------------------------------------------- */

static void multiply_in(uint8_t *p, int64_t pixels)
{
	for (; pixels--; p += 4)
		for (int c = 0; c < 3; c++) {
			int x = p[c] * p[3] + 128;
			p[c] = (uint8_t)((x + (x >> 8)) >> 8);
		}
}

static void divide_out(uint8_t *p, int64_t pixels)
{
	for (; pixels--; p += 4)
		for (int c = 0; c < 3 && p[3] != 0 && p[3] != 255; c++) {
			int x = 255 * p[c] / p[3];
			p[c] = (uint8_t)(x > 255 ? 255 : x);
		}
}

/* -- Both axes --------------------------------------------------------------------------------- */

/* Half of the difference, a half to even, as torchvision's center_crop. */
static int64_t middle(int64_t whole, int64_t part)
{
	return (int64_t)nearbyint((double)(whole - part) / 2);
}

/* The size that the whole picture becomes: what is asked for, or so much that the shorter side (against what
 * is asked for) fits. */
static void whole_size(const Image *image, const ImageShape *shape, int64_t *height, int64_t *width)
{
	int64_t h = image->height, w = image->width;
	*height = shape->height;
	*width = shape->width;
	if (shape->crop && w * shape->height > h * shape->width)
		*width = shape->height * w / h;
	else if (shape->crop)
		*height = shape->width * h / w;
}

bool image_resize(const Image *image, const ImageShape *shape, uint8_t *out, char why[WHY])
{
	int64_t height, width, wide = image->width * image->channels,
	                       narrow = shape->width * image->channels;
	Weights rows = {0}, columns = {0};
	uint8_t *between = NULL, *premultiplied = NULL, *from = image->at;
	whole_size(image, shape, &height, &width);
	bool good =
	    weights_open(&columns, image->width, width, middle(width, shape->width), shape->width) &&
	    weights_open(&rows, image->height, height, middle(height, shape->height), shape->height);
	if (good && image->channels == 4) {
		from = premultiplied = malloc((size_t)(image->height * wide));
		if (from) {
			memcpy(from, image->at, (size_t)(image->height * wide));
			multiply_in(from, image->height * image->width);
		}
	}
	between = good && from ? malloc((size_t)(image->height * narrow)) : NULL;
	if (between) {
		int64_t first = rows.first[0],
		        end = rows.first[shape->height - 1] + rows.count[shape->height - 1];
		for (int64_t y = first; y < end; y++)
			along_row(&columns, from + y * wide, image->channels, shape->width,
			          between + y * narrow);
		for (int64_t y = 0; y < shape->height; y++)
			along_column(rows.weight + y * rows.most, between + rows.first[y] * narrow,
			             rows.count[y], narrow, out + y * narrow);
		if (image->channels == 4)
			divide_out(out, shape->height * shape->width);
	}
	good = between || because(why, "needs more memory than there is");
	free(between);
	free(premultiplied);
	weights_close(&rows);
	weights_close(&columns);
	return good;
}
