/* options.c: reads the options of a command, and prints its help, from the two tables.
 *
 * In: the arguments behind the command. Out: Options, or an error with the nearest name and
 * EXIT_USAGE.
 * "--name value" and "--name=value" are the same; "--" ends the options; an option given twice is
 * an error, because one of the two would be ignored without a word. */
#include "command.h"
#include "commands.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/base/base.h"

typedef enum OptionKind { FLAG, TEXT, COUNT, NUMBER } OptionKind;

typedef struct Row {
	const char *name;
	size_t offset; /* in Options */
	OptionKind kind;
	const char *placeholder, *commands, *meaning;
} Row;

static const Row rows[] = {
#define OPTION(name, member, kind, placeholder, commands, meaning)                                 \
	{name, offsetof(Options, member), kind, placeholder, commands, meaning},
#include "options.def"
#undef OPTION
};
enum { ROWS = sizeof rows / sizeof *rows };

static const Command *find_command(char letter)
{
	const Command *c = commands;
	while (c->letter != letter)
		c++;
	return c;
}

static const Row *find_row(const char *name, size_t length)
{
	for (const Row *r = rows; r < rows + ROWS; r++)
		if (strlen(r->name) == length && memcmp(r->name, name, length) == 0)
			return r;
	return NULL;
}

static int unknown_option(const Command *c, const char *name)
{
	const char *known[ROWS];
	size_t count = 0;
	for (const Row *r = rows; r < rows + ROWS; r++)
		if (strchr(r->commands, c->letter))
			known[count++] = r->name;
	char what[64];
	snprintf(what, sizeof what, "option of sslc %s:", c->name);
	complain_unknown(what, name, known, count);
	advise("sslc %s --help lists its options", c->name);
	return EXIT_USAGE;
}

bool decimal_of(const char *text, double *value)
{
	char *end;
	errno = 0;
	*value = text_to_number(text, &end);
	return end != text && !*end && !errno && text[strspn(text, "+-.0123456789eE")] == 0;
}

bool share_of(const char *text, double *share)
{
	if (decimal_of(text, share) && *share >= 0 && *share < 1)
		return true;
	complain("--hold-out takes a share from 0 to below 1, such as 0.1, not '%s'", text);
	return false;
}

static bool store_number(Options *o, const Row *r, const char *value)
{
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	long long least = r->kind == COUNT ? 1 : 0;
	const long long most = (long long)1
	                       << 53; /* a model file's numbers are doubles: the same range here */
	if (*end || end == value || errno || number < least || number > most) {
		complain("--%s takes a whole number from %lld, not '%s'", r->name, least, value);
		return false;
	}
	*(int64_t *)((char *)o + r->offset) = r->kind == NUMBER ? number + 1 : number;
	return true;
}

static bool store(Options *o, const Row *r, const char *value)
{
	void *member = (char *)o + r->offset;
	if (r->kind == TEXT && strcmp(r->name, "out") == 0 && control_in(value, false)) {
		complain("--out takes a path without control characters, not '%s'", value);
		return false;
	}
	if (r->kind == FLAG)
		*(bool *)member = true;
	else if (r->kind == TEXT)
		*(const char **)member = value;
	else
		return store_number(o, r, value);
	return true;
}

/* Reads argument[*at], and the next one where that is its value. */
static int read_option(Options *o, const Command *c, int count, char **argument, int *at,
                       bool *seen)
{
	const char *name = strcmp(argument[*at], "-h") == 0   ? "--help"
	                   : strcmp(argument[*at], "-o") == 0 ? "--out"
	                                                      : argument[*at];
	name += strncmp(name, "--", 2) == 0 ? 2 : 0;
	const char *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const Row *r = find_row(name, length);
	if (!r || name == argument[*at] || !strchr(r->commands, c->letter)) {
		char unknown[128];
		snprintf(unknown, sizeof unknown, "%.*s", (int)(length < 100 ? length : 100), name);
		return unknown_option(c, unknown);
	}
	if (seen[r - rows]) {
		complain("--%s is given twice", r->name);
		return EXIT_USAGE;
	}
	seen[r - rows] = true;
	const char *value = equals ? equals + 1 : NULL;
	if (r->kind == FLAG && value) {
		complain("--%s takes no value, but '%s' is given", r->name, value);
		return EXIT_USAGE;
	}
	if (r->kind != FLAG && !value && ++*at < count)
		value = argument[*at];
	if (r->kind != FLAG && (!value || !*value)) {
		complain("--%s needs a value: --%s %s", r->name, r->name, r->placeholder);
		return EXIT_USAGE;
	}
	return store(o, r, value) ? EXIT_GOOD : EXIT_USAGE;
}

int options_read(Options *o, char letter, int count, char **argument)
{
	const Command *c = find_command(letter);
	bool seen[ROWS] = {0};
	bool only_operands = false;
	for (int i = 0; i < count; i++) {
		const char *a = argument[i];
		if (!only_operands && strcmp(a, "--") == 0) {
			only_operands = true;
		} else if (!only_operands && a[0] == '-' && a[1]) {
			int code = read_option(o, c, count, argument, &i, seen);
			if (code)
				return code;
		} else if (takes_runs(c) && o->runs < MOST_RUNS) {
			o->model = o->runs ? o->model : a;
			o->run[o->runs++] = a;
		} else if (takes_runs(c)) {
			complain("sslc %s takes at most %d folders of runs", c->name, MOST_RUNS);
			return EXIT_USAGE;
		} else if (takes_files(c) || (takes_words(c) && o->model)) {
			argument[o->files++] = argument[i]; /* where it was read before */
			o->file = (const char *const *)argument;
		} else if (o->model || !*c->operand) {
			complain("sslc %s takes %s, but '%s' is given too", c->name,
			         takes_model(c) ? "one model file"
			         : *c->operand  ? "one name"
			                        : "no operand",
			         a);
			return EXIT_USAGE;
		} else {
			o->model = a;
		}
	}
	bool needs = takes_model(c) || takes_runs(c) || takes_files(c);
	if (needs && !o->model && !o->files && !o->help) {
		complain("sslc %s needs a %s", c->name,
		         takes_runs(c)    ? "folder of a run"
		         : takes_files(c) ? "file"
		                          : "model file");
		advise("for example: %s", c->example);
		return EXIT_USAGE;
	}
	return EXIT_GOOD;
}

static void print_option(const Row *r)
{
	char left[40];
	snprintf(left, sizeof left, "--%s %s", r->name, r->placeholder);
	printf("  %-18s %s\n", left, r->meaning);
}

void options_help(char letter)
{
	const Command *c = find_command(letter);
	printf("usage: sslc %s [options]%s%s\n\n%s.\n\n", c->name, *c->operand ? " " : "", c->operand,
	       c->meaning);
	puts(c->details);
	if (letter == 'd') {
		for (const char *const *stage = sslc_stages(); *stage; stage++)
			printf("  %s\n", *stage);
	}
	puts("\noptions:");
	for (const Row *r = rows; r < rows + ROWS; r++)
		if (strchr(r->commands, letter))
			print_option(r);
	printf("\nexample:\n  %s\n\n", c->example);
	puts("exit codes: " EXIT_MEANINGS);
}

int command_help(const Options *o)
{
	const char *names[sizeof commands / sizeof *commands];
	size_t count = 0;
	for (const Command *c = commands; c < commands + sizeof commands / sizeof *commands; c++) {
		if (o->model && strcmp(c->name, o->model) == 0) {
			options_help(c->letter);
			return finish_output(EXIT_GOOD);
		}
		names[count++] = c->name;
	}
	if (o->model) {
		complain_unknown("command", o->model, names, count);
		return EXIT_USAGE;
	}
	puts("sslc: a compiler for self-supervised learning\n\nusage: sslc COMMAND [options] "
	     "MODEL.json\n");
	for (size_t i = 0; i < count; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].meaning);
	puts("\nsslc COMMAND --help has its options and an example. Begin with:\n"
	     "  sslc run models/autoencoder.json");
	return finish_output(EXIT_GOOD);
}
