/* pages.c: a program of the build: prints the manual page of sslc, or its completions for a shell,
 * from commands.def, options.def and the table of readers.
 * usage: sslc_pages man|bash|zsh|fish */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "commands.h"

typedef struct Option {
	const char *name, *kind, *placeholder, *commands, *meaning;
} Option;

static const Option options[] = {
#define OPTION(name, member, kind, placeholder, commands, meaning)                                 \
	{name, #kind, placeholder, commands, meaning},
#include "options.def"
#undef OPTION
};
enum { OPTIONS = sizeof options / sizeof *options };

enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct Reader {
	const char *name, *parameters, *meaning;
} readers[] = {
#define READER(name, parameters, meaning) {#name, parameters, meaning},
#include "../../runtime/data/readers.def"
#undef READER
};

#define EACH_COMMAND(c) for (const Command *c = commands; c < commands + COMMANDS; c++)
#define EACH_OPTION(o)  for (const Option *o = options; o < options + OPTIONS; o++)

static bool takes(const Command *c, const Option *o)
{
	return strchr(o->commands, c->letter) != NULL;
}

static bool is_flag(const Option *o)
{
	return strcmp(o->kind, "FLAG") == 0;
}

static bool is_file(const Option *o)
{
	return strcmp(o->placeholder, "FILE") == 0 || strcmp(o->placeholder, "PATH") == 0;
}

#define STAGE(name) name " "
static const char stages[] =
#include "../../compiler/stages.def"
    ;
#undef STAGE

/* The values that the option can have; NULL: they are not known. */
static const char *values(const Option *o)
{
	return strcmp(o->placeholder, "STAGE") == 0   ? stages
	       : strcmp(o->placeholder, "SPLIT") == 0 ? "train test"
	                                              : NULL;
}

/* `text`, with `escape` before each character of `special`. */
static void put(const char *text, const char *special, const char *escape)
{
	for (; *text; text++)
		printf("%s%c", strchr(special, *text) ? escape : "", *text);
}

/* -- man(7) ------------------------------------------------------------------------------------ */

/* A hyphen that is typed is "\-"; a line that begins with a dot or a quote would be a request. */
static void put_roff(const char *text)
{
	for (bool begins = true; *text; begins = *text++ == '\n') {
		if (begins && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		fputs(*text == '-' ? "\\-" : *text == '\\' ? "\\e" : (const char[]){*text, 0}, stdout);
	}
}

static void man_option(const Option *o)
{
	fputs(".TP\n\\fB\\-\\-", stdout);
	put_roff(o->name);
	printf("\\fR%s\\fI%s\\fR\n", is_flag(o) ? "" : " ", o->placeholder);
	put_roff(o->meaning);
	puts("");
}

static void man_command(const Command *c)
{
	printf(".SS sslc %s\n", c->name);
	put_roff(c->meaning);
	fputs(".\n.PP\n", stdout);
	put_roff(c->details);
	puts("");
	if (c->letter == 'd') {
		put_roff(stages);
		puts("");
	}
	EACH_OPTION(o)
	if (takes(c, o))
		man_option(o);
	fputs(".PP\nExample:\n.PP\n.nf\n.RS\n", stdout);
	put_roff(c->example);
	puts("\n.RE\n.fi");
}

static void man_reader(const struct Reader *r)
{
	fputs(".TP\n\\fB", stdout);
	put_roff(r->name);
	fputs("\\fR(", stdout);
	put_roff(r->parameters);
	fputs(")\n", stdout);
	put_roff(r->meaning);
	puts("");
}

static void print_man(void)
{
	puts(".TH SSLC 1 \"\" \"sslc " SSLC_VERSION "\" \"User Commands\"\n"
	     ".SH NAME\nsslc \\- a compiler and runtime for self\\-supervised learning\n"
	     ".SH SYNOPSIS\n.nf");
	EACH_COMMAND(c)
	printf("\\fBsslc %s\\fR [\\fIoptions\\fR]%s\\fI%s\\fR\n", c->name, *c->operand ? " " : "",
	       c->operand);
	puts(
	    ".fi\n.SH DESCRIPTION\n"
	    "A model file describes networks, a pretext task, a loss and an optimizer. sslc compiles\n"
	    "its whole training step to native code, trains it on real data, saves the representation\n"
	    "and says in a table whether pre\\-training helped.\n.SH COMMANDS");
	EACH_COMMAND(c)
	man_command(c);
	puts(".SH DATA\nWhat \\(dqdata\\(dq of a model file can call:");
	for (const struct Reader *r = readers; r < readers + sizeof readers / sizeof *readers; r++)
		man_reader(r);
	puts(".SH FILES\n.TP\n\\&../share/doc/sslc/README.md\n"
	     "from the command's folder: the language of model files; beside it, in lib, its library");
	puts(".SH EXIT STATUS");
	put_roff(EXIT_MEANINGS);
	puts(".");
}

/* -- Shells ------------------------------------------------------------------------------------ */

static void put_commands(void)
{
	EACH_COMMAND(c)
	printf("%s%s", c == commands ? "" : " ", c->name);
}

static void bash_option(const Option *o)
{
	if (is_flag(o))
		return;
	printf("\t--%s) ", o->name);
	if (is_file(o))
		puts("mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); compopt -o filenames 2>/dev/null; "
		     "return ;;");
	else if (values(o))
		printf("mapfile -t COMPREPLY < <(compgen -W \"%s\" -- \"$word\"); return ;;\n", values(o));
	else
		puts("return ;;");
}

static void print_bash(void)
{
	fputs("# Completions of sslc for bash, made from its tables of commands and options.\n"
	      "_sslc() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options= "
	      "model= run=\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" = 1 ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"",
	      stdout);
	put_commands();
	puts("\" -- \"$word\")\n\t\treturn\n\tfi\n"
	     "\t[ \"$word\" != = ] || word=\n" /* bash splits --name=value at the = */
	     "\t[ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}\n"
	     "\tcase $before in");
	EACH_OPTION(o)
	bash_option(o);
	puts("\tesac\n\tcase ${COMP_WORDS[1]} in");
	EACH_COMMAND(c)
	{
		printf("\t%s) options=\"", c->name);
		EACH_OPTION(o)
		if (takes(c, o))
			printf("--%s ", o->name);
		printf("\"%s ;;\n", takes_model(c) ? " model=1" : takes_runs(c) ? " run=1" : "");
	}
	fputs("\tesac\n\tif [ \"${COMP_WORDS[1]}\" = help ]; then options+=\"", stdout);
	put_commands();
	puts("\"; fi\n"
	     "\tmapfile -t COMPREPLY < <(\n"
	     "\t\tcompgen -W \"$options\" -- \"$word\"\n"
	     "\t\t[ -z \"$model\" ] || compgen -f -X '!*.json' -- \"$word\"\n"
	     "\t\t[ -z \"$model$run\" ] || compgen -d -- \"$word\")\n"
	     "\tcompopt -o filenames 2>/dev/null\n"
	     "}\ncomplete -F _sslc sslc");
}

static void zsh_option(const Option *o)
{
	printf("\t\t\t'--%s%s[", o->name, is_flag(o) ? "" : "=");
	for (const char *at = o->meaning; *at; at++)
		if (*at == '\'')
			fputs("'\\''", stdout);
		else
			printf("%s%c", strchr("[]:\\", *at) ? "\\" : "", *at);
	printf("]");
	if (is_file(o))
		printf(":%s:_files", o->placeholder);
	else if (values(o))
		printf(":%s:(%s)", o->placeholder, values(o));
	else if (!is_flag(o))
		printf(":%s: ", o->placeholder);
	puts("' \\");
}

static void print_zsh(void)
{
	puts("#compdef sslc\n"
	     "# Completions of sslc for zsh, made from its tables of commands and options.\n"
	     "_sslc() {\n\tlocal -a commands\n\tcommands=(");
	EACH_COMMAND(c)
	printf("\t\t'%s:%s'\n", c->name, c->meaning);
	puts("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
	     "\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in");
	EACH_COMMAND(c)
	{
		printf("\t%s)\n\t\t_arguments \\\n", c->name);
		EACH_OPTION(o)
		if (takes(c, o))
			zsh_option(o);
		puts(takes_model(c)     ? "\t\t\t'*:model:_files -g \"*.json\"' ;;"
		     : takes_runs(c)    ? "\t\t\t'*:run:_files -/' ;;"
		     : takes_files(c)   ? "\t\t\t'*:file:_files' ;;"
		     : c->letter == 'h' ? "\t\t\t'1:command:{_describe command commands}' ;;"
		                        : "\t\t\t;;");
	}
	puts("\tesac\n}\n_sslc \"$@\"");
}

static void fish_option(const Command *c, const Option *o)
{
	printf("complete -c sslc -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
	if (is_file(o))
		fputs(" -r -F", stdout);
	else if (values(o))
		printf(" -x -a '%s'", values(o));
	else if (!is_flag(o))
		fputs(" -x", stdout);
	fputs(" -d '", stdout);
	put(o->meaning, "'\\", "\\");
	puts("'");
}

static void print_fish(void)
{
	puts("# Completions of sslc for fish, made from its tables of commands and options.\n"
	     "complete -c sslc -f");
	EACH_COMMAND(c)
	{
		printf("complete -c sslc -n __fish_use_subcommand -a %s -d '", c->name);
		put(c->meaning, "'\\", "\\");
		puts("'");
		EACH_OPTION(o)
		if (takes(c, o))
			fish_option(c, o);
		if (takes_files(c))
			printf("complete -c sslc -n '__fish_seen_subcommand_from %s' -F\n", c->name);
		if (takes_runs(c))
			printf("complete -c sslc -n '__fish_seen_subcommand_from %s' -k -a "
			       "'(__fish_complete_directories)'\n",
			       c->name);
		if (takes_model(c))
			printf("complete -c sslc -n '__fish_seen_subcommand_from %s' -k -a "
			       "'(__fish_complete_suffix .json)'\n",
			       c->name);
	}
}

int main(int count, char **argument)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} pages[] = {
	    {"man", print_man}, {"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
	for (size_t i = 0; count == 2 && i < sizeof pages / sizeof *pages; i++)
		if (strcmp(argument[1], pages[i].name) == 0) {
			pages[i].print();
			return fflush(stdout) || ferror(stdout);
		}
	fputs("usage: sslc_pages man|bash|zsh|fish\n", stderr);
	return 2;
}
