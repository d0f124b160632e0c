/* proto.h: the wire format of protocol buffers, as far as a writer needs it. */
#ifndef SSLC_ONNX_PROTO_H
#define SSLC_ONNX_PROTO_H

#include "../base/base.h"

/* Each adds one field to a message. */
void proto_int(Text *to, unsigned field, int64_t value);
void proto_float(Text *to, unsigned field, float value);
void proto_bytes(Text *to, unsigned field, const void *bytes, size_t size);
void proto_text(Text *to, unsigned field, const char *text);
/* The field's key and length alone; `size` bytes of it follow. */
void proto_begin(Text *to, unsigned field, size_t size);
/* A message as a field of another; it is empty afterwards, for the next one. */
void proto_message(Text *to, unsigned field, Text *message);

#endif
