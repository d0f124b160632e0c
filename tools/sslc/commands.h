/* commands.h: the rows of commands.def, for who reads options and who prints pages of them. */
#ifndef SSLC_COMMANDS_H
#define SSLC_COMMANDS_H

#include <stdbool.h>
#include <string.h>

typedef struct Command {
	const char *name;
	char letter;
	const char
	    *operand; /* "MODEL.json", "RUN...", "FILE..."; in [] where it may be left out; "": none */
	const char *meaning, *details, *example;
} Command;

/* Whether the operand is a model file. */
static inline bool takes_model(const Command *c)
{
	return strncmp(c->operand, "MODEL.json", strlen("MODEL.json")) == 0;
}

/* Whether words follow it. */
static inline bool takes_words(const Command *c)
{
	return strcmp(c->operand, "MODEL.json WORD...") == 0;
}

/* Whether it is folders of runs. */
static inline bool takes_runs(const Command *c)
{
	return strcmp(c->operand, "RUN...") == 0;
}

/* Whether it is one file or more, of any kind. */
static inline bool takes_files(const Command *c)
{
	return strcmp(c->operand, "FILE...") == 0;
}

static const Command commands[] = {
#define COMMAND(name, letter, operand, meaning, details, example)                                  \
	{#name, letter, operand, meaning, details, example},
#include "commands.def"
#undef COMMAND
};

#endif
