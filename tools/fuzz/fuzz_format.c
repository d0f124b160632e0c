/* fuzz_format.c: any bytes as a model file that is formatted: what comes out is a model file, which
 * formats to itself, and has as many values of each kind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/parse/parse.h"

typedef struct Counts {
	size_t of[JSON_OBJECT + 1], bytes;
} Counts;

static void count(const Json *j, Counts *to)
{
	to->of[j->kind]++;
	to->bytes += (j->key ? strlen(j->key) : 0) + (j->kind == JSON_NUMBER ? strlen(j->text) : 0);
	for (const Json *m = j->first; m; m = m->next)
		count(m, to);
}

static bool format(const char *bytes, size_t size, Text *out, Counts *counts)
{
	Compile c = {.arena = arena_open(0)};
	c.diags = diags_open(c.arena);
	uint32_t file = diags_file(c.diags, "m.json", bytes, size);
	bool good = model_format(&c, file, out);
	*counts = (Counts){0};
	if (good)
		count(json_parse(&c, file), counts);
	arena_close(c.arena);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	Text once = {0}, twice = {0}, given = {0};
	Counts before, after;
	text_add(&given, (const char *)bytes, size); /* with a NUL behind */
	if (format(given.data, size, &once, &before) &&
	    (!format(once.data, once.size, &twice, &after) || once.size != twice.size ||
	     memcmp(once.data, twice.data, once.size) != 0 ||
	     memcmp(&before, &after, sizeof before) != 0))
		abort();
	text_close(&given);
	text_close(&once);
	text_close(&twice);
	return 0;
}
