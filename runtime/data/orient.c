/* orient.c: turns pictures upright, as EXIF says they were taken (CIPA DC-008, tag 274): cameras store rows as
 * the sensor lay. */
#include <stdlib.h>
#include <string.h>

#include "image.h"

static uint32_t number(const uint8_t *p, int bytes, bool little)
{
	uint32_t value = 0;
	for (int i = 0; i < bytes; i++)
		value = value << 8 | p[little ? bytes - 1 - i : i];
	return value;
}

int exif_orientation(const uint8_t *tiff, size_t size)
{
	if (size < 10 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0))
		return 1;
	bool little = tiff[0] == 'I';
	size_t at = number(tiff + 4, 4, little);
	if (at > size - 2)
		return 1;
	uint32_t entries = number(tiff + at, 2, little);
	at += 2;
	for (; entries && size - at >= 12; entries--, at += 12) {
		uint32_t tag = number(tiff + at, 2, little), type = number(tiff + at + 2, 2, little),
		         value = number(tiff + at + 8, 2, little);
		if (tag == 274)
			return type == 3 && value >= 1 && value <= 8 ? (int)value : 1;
	}
	return 1;
}

/* Which pixel of the stored picture stands at (y, x) of the upright one. */
static int64_t stored_at(const Image *from, int64_t y, int64_t x)
{
	int64_t h = from->height - 1, w = from->width - 1, row, column;
	switch (from->orientation) {
	case 2:
		row = y, column = w - x;
		break;
	case 3:
		row = h - y, column = w - x;
		break;
	case 4:
		row = h - y, column = x;
		break;
	case 5:
		row = x, column = y;
		break;
	case 6:
		row = h - x, column = y;
		break;
	case 7:
		row = h - x, column = w - y;
		break;
	case 8:
		row = x, column = w - y;
		break;
	default:
		row = y, column = x;
		break;
	}
	return row * from->width + column;
}

bool image_upright(Image *image, char why[WHY])
{
	Image from = *image, to;
	if (from.orientation < 2)
		return true;
	bool lies = from.orientation >= 5;
	if (!image_new(&to, (uint64_t)(lies ? from.width : from.height),
	               (uint64_t)(lies ? from.height : from.width), from.channels, why))
		return false;
	size_t c = (size_t)from.channels;
	uint8_t *at = to.at;
	for (int64_t y = 0; y < to.height; y++)
		for (int64_t x = 0; x < to.width; x++, at += c)
			memcpy(at, from.at + (size_t)stored_at(&from, y, x) * c, c);
	free(from.at);
	*image = to;
	return true;
}
