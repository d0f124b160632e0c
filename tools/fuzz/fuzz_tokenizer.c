/* fuzz_tokenizer.c: any bytes as a tokenizer.json. What is read is printed and read again, and gives
 * ids below its count. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char text[] = "aab ab\n\xc3\xa9 the end, they'll say";
	char why[WHY] = "";
	Tokenizer *t = tokenizer_parse((const char *)bytes, size, why);
	if (!t) {
		if (!*why)
			abort();
		return 0;
	}
	Tokens tokens = {0};
	if (tokenizer_encode(t, text, sizeof text - 1, &tokens, why))
		for (size_t i = 0; i < tokens.count; i++)
			if (tokens.at[i] < 0 || tokens.at[i] >= t->count)
				abort();
	free(tokens.at);
	free(tokenizer_print(t, why));
	tokenizer_close(t);
	return 0;
}
