/* proto.c: the wire format of protocol buffers (protobuf.dev/programming-guides/encoding): a field
 * is a key (its number and a wire type) and a value: a varint, 4 bytes, or a length and as many
 * bytes. A message is its fields, in any order.
 *
 * Written here because that is all there is to it: libprotobuf-c would want the schema, a compiler
 * of it in the build, and every weight once more in memory. */
#include "proto.h"

#include <string.h>

typedef enum Wire { VARINT = 0, LENGTH = 2, FOUR_BYTES = 5 } Wire;

static void varint(Text *to, uint64_t value)
{
	char bytes[10];
	size_t count = 0;
	do {
		bytes[count++] = (char)((value & 127) | (value > 127 ? 128 : 0));
		value >>= 7;
	} while (value);
	text_add(to, bytes, count);
}

static void key(Text *to, unsigned field, Wire wire)
{
	varint(to, field << 3 | wire);
}

void proto_int(Text *to, unsigned field, int64_t value)
{
	key(to, field, VARINT);
	varint(to, (uint64_t)value);
}

void proto_float(Text *to, unsigned field, float value)
{
	key(to, field, FOUR_BYTES);
	text_add(to, (const char *)&value, sizeof value); /* little-endian, like every machine here */
}

void proto_begin(Text *to, unsigned field, size_t size)
{
	key(to, field, LENGTH);
	varint(to, size);
}

void proto_bytes(Text *to, unsigned field, const void *bytes, size_t size)
{
	proto_begin(to, field, size);
	if (size)
		text_add(to, bytes, size);
}

void proto_text(Text *to, unsigned field, const char *text)
{
	proto_bytes(to, field, text, strlen(text));
}

void proto_message(Text *to, unsigned field, Text *message)
{
	proto_bytes(to, field, message->data, message->size);
	message->size = 0;
}
