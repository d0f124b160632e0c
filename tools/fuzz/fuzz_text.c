/* fuzz_text.c: any bytes as a text file: documents, whose tokens of each kind decode to them. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/text/text.h"

/* Takes the tokenizer. */
static void check(Tokenizer *t, const Documents *d)
{
	char why[WHY];
	Tokens tokens = {0};
	size_t at = 0;
	if (!t || !tokenizer_encode(t, d->text, d->size, &tokens, why))
		abort();
	for (size_t i = 0; i < tokens.count; i++) {
		size_t wide;
		const char *part = tokenizer_decode(t, tokens.at[i], &wide);
		if (wide > d->size - at || memcmp(part, d->text + at, wide) != 0)
			abort();
		at += wide;
	}
	if (at != d->size)
		abort();
	free(tokens.at);
	tokenizer_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char why[WHY];
	Documents d = {0};
	if (size < 1 ||
	    !documents_parse(&d, "text", (const char *)bytes + 1, size - 1, bytes[0] % 2 ? "\n" : "",
	                     why) ||
	    !d.count) {
		documents_close(&d);
		return 0;
	}
	check(tokenizer_bytes(why), &d);
	check(tokenizer_characters(d.text, d.size, why), &d);
	Bpe *b = bpe_open(why);
	for (size_t i = 0; i < d.count; i++)
		if (!bpe_add(b, d.text + d.at[i].from, d.at[i].to - d.at[i].from, why))
			abort();
	Tokenizer *t = bpe_train(b, 256 + bytes[0], why);
	bpe_close(b);
	check(t, &d);
	documents_close(&d);
	return 0;
}
