/* fmt.c: sslc fmt: model files in one form. A file is rewritten whole or not at all, and only where
 * its form is another one. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../compiler/parse/parse.h"
#include "../../runtime/runtime.h"

/* Where a link leads, with the permissions that are there. */
static bool replace(const char *path, const Text *text, char why[WHY])
{
	struct stat about;
	char *real = realpath(path, NULL);
	bool good = real && stat(real, &about) == 0;
	if (!good)
		(void)because(why, "cannot write '%s': %s", path, strerror(errno));
	else
		good = bytes_write(real, (const void *[]){text->data}, &text->size, 1, why);
	if (good && chmod(real, about.st_mode & 0777) != 0)
		good = because(why, "'%s' is written, but not with its permissions: %s", path,
		               strerror(errno));
	free(real);
	return good;
}

/* `differs`: its form was another one. */
static int format_file(const char *path, bool only_check, bool *differs)
{
	Compile c = {.arena = arena_open(0)};
	Text text = {0}, out = {0};
	char why[WHY];
	int code = EXIT_WRONG;
	if (!c.arena) {
		complain("no memory to format '%s'", path);
		return EXIT_SYSTEM;
	}
	c.diags = diags_open(c.arena);
	if (!file_read(path, 16 << 20, &text, why)) {
		complain("cannot read the model file '%s': %s", path, why);
	} else if (!model_format(&c, diags_file(c.diags, path, text.data, text.size), &out)) {
		diag_print(c.diags, stderr, has_colour());
	} else {
		*differs = text.size != out.size || memcmp(text.data, out.data, out.size) != 0;
		code = EXIT_GOOD;
		if (*differs && !only_check && !replace(path, &out, why)) {
			complain("%s", why);
			code = EXIT_SYSTEM;
		}
	}
	text_close(&text);
	text_close(&out);
	arena_close(c.arena);
	return code;
}

int command_fmt(const Options *o)
{
	int worst = EXIT_GOOD;
	size_t changed = 0;
	for (size_t i = 0; i < o->files; i++) {
		bool differs = false;
		int code = format_file(o->file[i], o->check, &differs);
		worst = code > worst ? code : worst;
		if (differs)
			printf("%s\n", o->file[i]);
		changed += differs;
	}
	if (o->check && changed) {
		fflush(stdout);
		complain("%zu of %zu files are in another form", changed, o->files);
		advise("sslc fmt without --check writes them anew");
		worst = worst ? worst : EXIT_WRONG;
	}
	return worst ? worst : finish_output(EXIT_GOOD);
}
