/* dump.c: sslc dump: prints one function of a model after one stage, or what differs between two
 * stages or two models. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diff.h"
#include "session.h"

static bool is_stage(const char *name)
{
	const char *const *stage = sslc_stages();
	while (*stage && strcmp(*stage, name) != 0)
		stage++;
	return *stage;
}

static bool stage_is_known(const char *stage)
{
	const char *const *stages = sslc_stages();
	size_t count = 0;
	while (stages[count])
		count++;
	if (is_stage(stage))
		return true;
	complain_unknown("stage", stage, stages, count);
	advise("sslc dump --help lists the stages");
	return false;
}

typedef struct Request {
	const char *function, *stage;
	sslc_format format;
} Request;

static int print_to(FILE *out, const Options *o, const Request *r)
{
	bool needs_data = strcmp(r->stage, "parse") != 0;
	Session s;
	int code = session_open(&s, o, (sslc_options){.cpu = o->cpu, .target = o->target}, needs_data);
	if (!code && needs_data)
		code = session_find(&s, r->function);
	if (!code && !sslc_dump(s.program, r->function, r->stage, r->format, out))
		code = session_errors(&s);
	session_close(&s);
	return code;
}

/* NULL: reported, `code` says how. */
static char *text_of(const Options *o, const char *model, const Request *r, int *code)
{
	Options one = *o;
	one.model = model;
	one.json = false;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	*code = out ? print_to(out, &one, r) : EXIT_SYSTEM;
	if (!out || fclose(out) != 0) {
		complain("no memory for the dump");
		*code = *code ? *code : EXIT_SYSTEM;
	}
	if (!*code)
		return text;
	free(text);
	return NULL;
}

/* Without the first line of a graph, which names its stage. */
static const char *lines_of(const char *text)
{
	const char *end = strchr(text, '\n');
	return strncmp(text, "graph ", 6) == 0 && end ? end + 1 : text;
}

/* --diff STAGE: from --stage to that one; --diff MODEL.json: from the model to that one. */
static int print_diff(const Options *o, Request from)
{
	Request to = from;
	bool stages = is_stage(o->diff);
	if (stages)
		to.stage = o->diff;
	else if (access(o->diff, R_OK) != 0 && !strchr(o->diff, '.') && !strchr(o->diff, '/'))
		return stage_is_known(o->diff) ? EXIT_GOOD : EXIT_USAGE;
	int code;
	char *before = text_of(o, o->model, &from, &code);
	char *after = before ? text_of(o, stages ? o->model : o->diff, &to, &code) : NULL;
	if (after) {
		printf("- %s of %s after %s\n+ %s of %s after %s\n", from.function, o->model, from.stage,
		       to.function, stages ? o->model : o->diff, to.stage);
		if (!diff_print(lines_of(before), lines_of(after),
		                isatty(STDOUT_FILENO) && !getenv("NO_COLOR"))) {
			complain("no memory to compare the dumps");
			code = EXIT_SYSTEM;
		}
	}
	free(before);
	free(after);
	return code;
}

int command_dump(const Options *o)
{
	Request r = {.function = o->function ? o->function : "step",
	             .stage = o->stage ? o->stage : "elaborate",
	             .format = o->dot    ? SSLC_DOT
	                       : o->json ? SSLC_JSON
	                                 : SSLC_TEXT};
	if (!stage_is_known(r.stage))
		return EXIT_USAGE;
	if (o->dot + o->json + (o->diff != NULL) > 1) {
		complain("--dot, --json and --diff are three ways to print: give one");
		return EXIT_USAGE;
	}
	Options plain = *o;
	plain.json = false; /* of the dump, not of errors */
	int code = o->diff ? print_diff(&plain, r) : print_to(stdout, &plain, &r);
	/* of a dump that could not be written nothing else is wrong */
	return code && !ferror(stdout) ? code : finish_output(EXIT_GOOD);
}
