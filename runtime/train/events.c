/* events.c: TensorBoard's event files: the numbers of metrics.jsonl, where TensorBoard looks for
 * them.
 *
 * A file is TFRecords (TensorFlow, tsl/lib/io/record_writer.h): u64 length, masked CRC of these
 * bytes, the data, its masked CRC; little-endian. The data is an Event (tensorboard/compat/proto/
 * event.proto): 1 wall_time double, 2 step int64, 3 file_version string, 5 summary {1 value {1 tag
 * string, 2 simple_value float}}. On resume, records after the resumed step are cut off, as the
 * lines of metrics.jsonl are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../runtime.h"

static const size_t LIMIT = (size_t)4 << 30;

struct Events {
	FILE *file;
};

enum { HEAD = 12, FOOT = 4, MOST = 512 }; /* bytes around the data of a record, and in it */

typedef struct Bytes {
	unsigned char at[MOST];
	size_t count;
} Bytes;

static void put(Bytes *b, const void *from, size_t count)
{
	memcpy(b->at + b->count, from, count);
	b->count += count;
}

static void put_little(Bytes *b, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		b->at[b->count++] = (unsigned char)(value >> 8 * i);
}

/* CRC-32C (Castagnoli), as RFC 3720 has it, masked as TFRecord does. */
static uint32_t masked_crc(const unsigned char *at, size_t count)
{
	uint32_t crc = ~(uint32_t)0;
	for (size_t i = 0; i < count; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	return (crc >> 15 | crc << 17) + 0xa282ead8;
}

/* -- Protocol buffers: a key is the number of a field and the kind of its value ---------------- */

typedef enum Wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 } Wire;

static void put_key(Bytes *b, int field, Wire wire)
{
	put_little(b, (uint64_t)(field << 3 | (int)wire), 1);
}

static void put_varint(Bytes *b, uint64_t value)
{
	for (; value >= 128; value >>= 7)
		put_little(b, (value & 127) | 128, 1);
	put_little(b, value, 1);
}

static void put_bytes(Bytes *b, int field, const void *from, size_t count)
{
	put_key(b, field, BYTES);
	put_varint(b, count);
	put(b, from, count);
}

static void begin_event(Bytes *b)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
	uint64_t bits;
	memcpy(&bits, &seconds, sizeof bits);
	put_key(b, 1, FIXED64);
	put_little(b, bits, 8);
}

/* -- Records ----------------------------------------------------------------------------------- */

static void write_record(Events *e, const Bytes *data)
{
	Bytes head = {0}, foot = {0};
	put_little(&head, data->count, 8);
	put_little(&head, masked_crc(head.at, 8), 4);
	put_little(&foot, masked_crc(data->at, data->count), 4);
	fwrite(head.at, 1, head.count, e->file);
	fwrite(data->at, 1, data->count, e->file);
	fwrite(foot.at, 1, foot.count, e->file);
}

static uint64_t get_little(const unsigned char *at, int bytes)
{
	uint64_t value = 0;
	for (int i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

/* The step of an event as we write it: behind wall_time; 0 where there is none. */
static uint64_t step_of(const unsigned char *data, size_t count)
{
	uint64_t step = 0;
	if (count < 10 || data[9] != (2 << 3 | VARINT))
		return 0;
	for (size_t i = 10; i < count && i < 20; i++) {
		step |= (uint64_t)(data[i] & 127) << 7 * (i - 10);
		if (data[i] < 128)
			break;
	}
	return step;
}

/* Bytes of the whole records up to `step`. */
static size_t kept_bytes(const unsigned char *at, size_t size, int64_t step)
{
	size_t keep = 0;
	while (size - keep >= HEAD + FOOT) {
		const unsigned char *record = at + keep;
		uint64_t count = get_little(record, 8);
		if (count > size - keep - HEAD - FOOT || step_of(record + HEAD, count) > (uint64_t)step ||
		    get_little(record + 8, 4) != masked_crc(record, 8) ||
		    get_little(record + HEAD + count, FOOT) != masked_crc(record + HEAD, count))
			break;
		keep += HEAD + count + FOOT;
	}
	return keep;
}

Events *events_open(const char *path, int64_t step, char why[WHY])
{
	size_t size = 0;
	unsigned char *before = NULL;
	if (step >= 0 && !file_missing(path) && !(before = bytes_read(path, LIMIT, &size, why)))
		return NULL;
	size_t keep = before ? kept_bytes(before, size, step) : 0;
	Events *e = calloc(1, sizeof *e);
	if (!e)
		because(why, "no memory for '%s'", path);
	else if (!(e->file = append_open(path, before, keep, why))) {
		free(e);
		e = NULL;
	} else if (!keep) {
		Bytes b = {0};
		begin_event(&b);
		put_bytes(&b, 3, "brain.Event:2", 13);
		write_record(e, &b);
	}
	free(before);
	return e;
}

void events_scalar(Events *e, int64_t step, const char *tag, double value)
{
	Bytes event = {0}, summary = {0}, inner = {0};
	float single = (float)value;
	uint32_t bits;
	memcpy(&bits, &single, sizeof bits);
	put_bytes(&inner, 1, tag, strnlen(tag, MOST / 4));
	put_key(&inner, 2, FIXED32);
	put_little(&inner, bits, 4);
	put_bytes(&summary, 1, inner.at, inner.count);
	begin_event(&event);
	put_key(&event, 2, VARINT);
	put_varint(&event, (uint64_t)step);
	put_bytes(&event, 5, summary.at, summary.count);
	write_record(e, &event);
}

bool events_flush(Events *e)
{
	return fflush(e->file) == 0 && !ferror(e->file);
}

void events_close(Events *e)
{
	if (e)
		fclose(e->file);
	free(e);
}
