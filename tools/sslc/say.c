/* say.c: errors and advice of the commands themselves, in the form that the compiler's diagnostics
 * have. */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../compiler/base/base.h"

bool has_colour(void)
{
	const char *no = getenv("NO_COLOR");
	return isatty(STDERR_FILENO) && !(no && *no);
}

static const char SET_IN[] = "\n    ";

/* One line, and such that are set in below it, without what could steer a terminal: texts of files
 * and arguments are in it. */
static void say(const char *head, const char *format, va_list args)
{
	char *text;
	fflush(stdout);
	fputs(head, stderr);
	if (vasprintf(&text, format, args) >= 0) {
		char *line = text;
		for (char *end; (end = strstr(line, SET_IN)); line = end + strlen(SET_IN)) {
			*end = 0;
			put_shown(stderr, line);
			fputs(SET_IN, stderr);
		}
		put_shown(stderr, line);
		free(text);
	}
	fputc('\n', stderr);
}

static const struct {
	const char *file, *part, *page, *section;
} explained[] = {
#define EXPLAINED(file, part, page, section) {file, part, page, section},
#include "explained.def"
#undef EXPLAINED
};

/* Where the last error is explained: shown behind the advice, if there is some. */
static size_t pointed = SIZE_MAX;

static size_t row_of(const char *from, const char *text)
{
	const char *slash = strrchr(from, '/');
	size_t i = 0;
	while (!strstr(slash ? slash : from, explained[i].file) || !strstr(text, explained[i].part))
		i++; /* the last row fits all */
	return i;
}

void said_all(void)
{
	if (pointed == SIZE_MAX)
		return;
	char anchor[SECTION_ANCHOR];
	section_anchor(explained[pointed].section, anchor);
	fprintf(stderr, "  \033[34msee:\033[0m  %s#%s\n", explained[pointed].page, anchor);
	pointed = SIZE_MAX;
}

void complain_from(const char *from, const char *format, ...)
{
	bool colour = has_colour();
	char *text = NULL;
	said_all();
	va_list args;
	va_start(args, format);
	say(colour ? "sslc: \033[1;31merror:\033[0m " : "sslc: error: ", format, args);
	va_end(args);
	va_start(args, format);
	if (colour && vasprintf(&text, format, args) >= 0) {
		pointed = row_of(from, text);
		free(text);
	}
	va_end(args);
}

void advise(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("  help: ", format, args);
	va_end(args);
}

void inform(const char *format, ...)
{
	va_list args;
	said_all();
	va_start(args, format);
	say("sslc: note: ", format, args);
	va_end(args);
}

void complain_unknown_from(const char *from, const char *what, const char *name,
                           const char *const *candidates, size_t count)
{
	complain_from(from, "unknown %s '%s'", what, name);
	const char *near = suggest(name, candidates, count);
	if (near)
		advise("did you mean '%s'?", near);
}

int finish_output(int code)
{
	bool earlier = ferror(stdout) != 0;
	errno = 0;
	if (earlier) { /* why is no longer known: one byte more meets the same */
		clearerr(stdout);
		putchar('\n');
	}
	if (fflush(stdout) == 0 && !earlier)
		return code;
	complain("cannot write the output: %s", errno ? strerror(errno) : "not all of it was written");
	return EXIT_SYSTEM;
}
