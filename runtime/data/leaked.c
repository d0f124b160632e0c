/* leaked.c: samples of the test split that are samples to train on, too: their score is no sign of what is learned.
 *
 * Samples are equal where x is, to the last bit. They are found by their CRC-32, and compared. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "data.h"

enum { MOST_DECODED = 1 << 28 }; /* bytes of x that are decoded for this alone */

typedef struct Place {
	uint32_t hash;
	int64_t at;
} Place;

/* What a sample is decoded into, a buffer a field, where it is not in memory. */
typedef struct Sample {
	void *to[SSLC_MAX_FIELDS];
	unsigned char *room;
} Sample;

static bool sample_open(Sample *s, const sslc_data *shape)
{
	enum { ALIGN = 64 };
	size_t bytes = 0, used = 0;
	for (size_t f = 0; f < shape->count; f++)
		bytes += shape->field[f].bytes + ALIGN;
	s->room = aligned_alloc(ALIGN, (bytes + ALIGN) / ALIGN * ALIGN);
	for (size_t f = 0; s->room && f < shape->count; f++) {
		s->to[f] = s->room + used;
		used += (shape->field[f].bytes + ALIGN - 1) / ALIGN * ALIGN;
	}
	return s->room != NULL;
}

/* x of a sample; NULL: it cannot be read. */
static const void *x_of(const Data *d, Split split, int64_t i, Sample *s)
{
	char why[WHY];
	const void *x = data_value(d, split, 0, i);
	if (x)
		return x;
	return data_sample(d, split, i, s->to, why) ? s->to[0] : NULL;
}

static int by_hash(const void *a, const void *b)
{
	const Place *x = a, *y = b;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* One of the n places has these bytes. */
static bool is_there(const Data *d, const Place *place, int64_t n, const void *x, size_t bytes,
                     Sample *s)
{
	uint32_t hash = (uint32_t)crc32_z(0, x, bytes);
	int64_t low = 0, high = n;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (place[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && place[low].hash == hash; low++) {
		const void *other = x_of(d, SPLIT_TRAIN, place[low].at, s);
		if (other && memcmp(other, x, bytes) == 0)
			return true;
	}
	return false;
}

static int64_t count_leaked(const Data *d, Place *place, int64_t n, Sample s[2])
{
	size_t bytes = data_shape(d)->field[0].bytes;
	int64_t leaked = 0;
	for (int64_t i = 0; i < n; i++) {
		const void *x = x_of(d, SPLIT_TRAIN, i, &s[0]);
		place[i] = (Place){x ? (uint32_t)crc32_z(0, x, bytes) : 0, i};
	}
	qsort(place, (size_t)n, sizeof *place, by_hash);
	for (int64_t i = 0; i < data_count(d, SPLIT_TEST); i++) {
		const void *x = x_of(d, SPLIT_TEST, i, &s[0]);
		leaked += x && is_there(d, place, n, x, bytes, &s[1]);
	}
	return leaked;
}

int64_t data_leaked(const Data *d)
{
	int64_t n = data_count(d, SPLIT_TRAIN), all = n + data_count(d, SPLIT_TEST);
	size_t bytes = data_shape(d)->field[0].bytes;
	if (all == n || (!data_value(d, SPLIT_TRAIN, 0, 0) && bytes * (size_t)all > MOST_DECODED))
		return 0;
	Sample s[2] = {{.room = NULL}, {.room = NULL}};
	Place *place = malloc((size_t)n * sizeof *place);
	bool good = place && sample_open(&s[0], data_shape(d)) && sample_open(&s[1], data_shape(d));
	int64_t leaked = good ? count_leaked(d, place, n, s) : 0;
	free(s[0].room);
	free(s[1].room);
	free(place);
	return leaked;
}
