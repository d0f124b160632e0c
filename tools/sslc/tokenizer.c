/* tokenizer.c: sslc tokenizer: byte-pair encoding, trained on text files. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/text/text.h"

static bool add_files(const Options *o, Bpe *b, size_t *size, char why[WHY])
{
	Documents d = {0};
	bool good = true;
	for (size_t i = 0; good && i < o->files; i++)
		good = documents_add(&d, o->file[i], "", why);
	if (good && !d.count)
		good = because(why, "the text is empty");
	for (size_t i = 0; good && i < d.count; i++)
		good = bpe_add(b, d.text + d.at[i].from, d.at[i].to - d.at[i].from, why);
	*size = d.size;
	documents_close(&d);
	return good;
}

static bool write_json(const Tokenizer *t, const char *path, char why[WHY])
{
	char *json = tokenizer_print(t, why);
	bool good = json && bytes_write(path, (const void *[]){json}, (size_t[]){strlen(json)}, 1, why);
	free(json);
	return good;
}

int command_tokenizer(const Options *o)
{
	const char *path = o->out ? o->out : "tokens.json";
	char why[WHY];
	size_t size = 0;
	if (o->size && (o->size < 256 || o->size > MOST_TOKENS)) {
		complain("--size is %lld, but a tokenizer has 256 tokens, those of bytes, to %d",
		         (long long)o->size, MOST_TOKENS);
		return EXIT_USAGE;
	}
	Bpe *b = bpe_open(why);
	Tokenizer *t = b && add_files(o, b, &size, why)
	                   ? bpe_train(b, o->size ? (int32_t)o->size : 1024, why)
	                   : NULL;
	bpe_close(b);
	int code = !t ? EXIT_WRONG : write_json(t, path, why) ? EXIT_GOOD : EXIT_SYSTEM;
	if (code)
		complain("%s", why);
	else
		printf("%d tokens of %zu bytes of text in %s\n", t->count, size, path);
	tokenizer_close(t);
	return code ? code : finish_output(EXIT_GOOD);
}
