/* json.h: as much JSON as the header of a safetensors file has: objects, texts, lists of whole
 * numbers. A cursor over bytes, which fails once and for all. */
#ifndef SSLC_EMBED_JSON_H
#define SSLC_EMBED_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Json {
	const unsigned char *at, *end;
	bool is_bad;
} Json;

/* A text, from behind its first quote to its last one: escapes as they stand. */
typedef struct JsonText {
	const unsigned char *at, *end;
} JsonText;

/* Whether `letter` comes next; if so, and there is no error, takes it. */
bool embed_json_is(Json *j, char letter);
/* Takes `letter`, or fails. */
void embed_json_want(Json *j, char letter);
/* Whether a list or an object that `close` ends has one more element; takes what is before it. */
bool embed_json_more(Json *j, bool is_first, char close);
JsonText embed_json_text(Json *j);
/* A whole number that is no more than memory has, without fraction or exponent. */
size_t embed_json_number(Json *j);
/* Nothing but white space is left. */
bool embed_json_ended(Json *j);

/* Whether a text says what these ASCII characters say. */
bool embed_json_equal(JsonText text, const char *ascii);
#endif
