/* image.h: private to data/: pictures in memory: decoded, turned, of the channels and the size asked for. */
#ifndef SSLC_IMAGE_H
#define SSLC_IMAGE_H

#include "../runtime.h"

enum { IMAGE_MOST_PIXELS = 1 << 26, IMAGE_MAGIC = 8 };

/* channels: 1 grey, 2 grey and alpha, 3 red green blue, 4 and alpha; alpha is straight, not
 * multiplied in. */
typedef struct Image {
	uint8_t *at; /* [height,width,channels]; the owner frees it */
	int64_t height, width;
	int channels;
	int orientation; /* of EXIF: how it must be turned to be upright, 1 to 8; 1: it is */
} Image;

/* How a picture becomes a sample. */
typedef struct ImageShape {
	int64_t height, width;
	int channels; /* 1, 3, 4 */
	bool crop;    /* the shorter side becomes its own, the middle is cut out; else stretched */
	uint8_t background; /* grey that alpha is laid over where the sample has none */
} ImageShape;

/* image.c: the name of the format that begins so, as people write it; NULL: none that is read. */
const char *image_format(const void *bytes, size_t size);
/* Bytes of a whole file as they stand, upright. False: `why` begins with a verb, for the caller to
 * name the file. */
MUST_CHECK bool image_parse(const void *bytes, size_t size, Image *out, char why[WHY]);
/* Grey is Pillow's "L": (19595 R + 38470 G + 7471 B + 2^15) / 2^16. */
MUST_CHECK bool image_convert(Image *image, int channels, uint8_t background, char why[WHY]);
/* All of it: out is [height,width,channels]. */
MUST_CHECK bool image_sample(const void *bytes, size_t size, const ImageShape *shape, uint8_t *out,
                             char why[WHY]);

/* orient.c: the EXIF orientation of a TIFF block (after "Exif\0\0"); 1 if it states none. */
int exif_orientation(const uint8_t *tiff, size_t size);
MUST_CHECK bool image_upright(Image *image, char why[WHY]);

/* resize.c: antialiased triangle filter, as Pillow 11's Image.resize(BILINEAR), to the bit. */
MUST_CHECK bool image_resize(const Image *image, const ImageShape *shape, uint8_t *out,
                             char why[WHY]);

/* The pixels of a picture that is within the limits, to be filled; false: it is not. */
MUST_CHECK bool image_new(Image *out, uint64_t height, uint64_t width, int channels, char why[WHY]);

/* png.c, jpeg.c: as image_parse(), not yet turned. */
#define IMAGE(name, called, magic)                                                                 \
	MUST_CHECK bool name##_decode(const void *bytes, size_t size, Image *out, char why[WHY]);
#include "image.def"
#undef IMAGE

#endif
