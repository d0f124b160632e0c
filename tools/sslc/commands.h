/* commands.h: the rows of commands.def, for who reads options and who prints pages of them. */
#ifndef SSLC_COMMANDS_H
#define SSLC_COMMANDS_H

typedef struct Command {
	const char *name;
	char letter;
	int operands; /* 0: none, 1: a model file, 2: folders of runs */
	const char *meaning, *details, *example;
} Command;

enum { NO_OPERAND, MODEL_FILE, RUN_FOLDERS };

static const Command commands[] = {
#define COMMAND(name, letter, operands, meaning, details, example)                                 \
	{#name, letter, operands, meaning, details, example},
#include "commands.def"
#undef COMMAND
};

/* What stands behind the name of the command in its usage. */
static inline const char *operand_text(const Command *c)
{
	return c->operands == MODEL_FILE    ? "MODEL.json"
	       : c->operands == RUN_FOLDERS ? "RUN..."
	       : c->letter == 'h'           ? "[COMMAND]"
	                                    : "";
}

#endif
