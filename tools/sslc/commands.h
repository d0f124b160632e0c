/* commands.h: the rows of commands.def, for who reads options and who prints pages of them. */
#ifndef SSLC_COMMANDS_H
#define SSLC_COMMANDS_H

typedef struct Command {
	const char *name;
	char letter;
	int operands;
	const char *meaning, *details, *example;
} Command;

static const Command commands[] = {
#define COMMAND(name, letter, operands, meaning, details, example)                                 \
	{#name, letter, operands, meaning, details, example},
#include "commands.def"
#undef COMMAND
};

#endif
