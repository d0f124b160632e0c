/* fuzz_options.c: any lines as the arguments of a command, which the first byte chooses. What is
 * accepted is complete and within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../sslc/command.h"

static const struct {
	char letter;
	const char *operand; /* "": none; in [] where it may be left out */
} commands[] = {
#define COMMAND(name, letter, operand, ...) {letter, operand},
#include "../sslc/commands.def"
#undef COMMAND
};
enum { COMMANDS = sizeof commands / sizeof *commands };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum { MOST = 32 };
	char *argument[MOST], *text = malloc(size + 1), *rest = text;
	int count = 0;
	if (!size || !text) {
		free(text);
		return 0;
	}
	memcpy(text, bytes + 1, size - 1);
	text[size - 1] = 0;
	size_t command = bytes[0] % COMMANDS;
	const char *operand = commands[command].operand;
	bool needs = *operand && *operand != '[';
	for (char *line; count < MOST && (line = strsep(&rest, "\n"));)
		argument[count++] = line;
	Options o = {0};
	int code = options_read(&o, commands[command].letter, count, argument);
	if (code != EXIT_GOOD && code != EXIT_USAGE)
		abort();
	const int64_t most = (int64_t)1 << 53;
	bool bounded = o.epochs >= 0 && o.epochs <= most && o.steps >= 0 && o.steps <= most &&
	               o.samples >= 0 && o.threads >= 0 && o.seed >= 0 && o.seed <= most + 1 &&
	               o.save_every >= 0;
	if (code == EXIT_GOOD && (!bounded || (needs && !o.model && !o.files && !o.help)))
		abort();
	free(text);
	return 0;
}
