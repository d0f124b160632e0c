/* new.c: sslc new: a model that is shipped, as a file of one's own to change; sslc models: which
 * there are. The files of models/ are compiled in, as the library is. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "../../compiler/parse/parse.h"
#include "../../runtime/runtime.h"

extern const PreludeFile model_files[]; /* made by the build from models; ended by a NULL name */

enum { MOST = 256, NAME = 64 };

/* "simclr" of "vision/simclr-fashion.json" */
static void method_of(const PreludeFile *f, char name[NAME])
{
	const char *slash = strrchr(f->name, '/');
	snprintf(name, NAME, "%s", slash ? slash + 1 : f->name);
	char *end = strstr(name, "-fashion.json");
	end = end ? end : strstr(name, ".json");
	if (end)
		*end = 0;
}

static const Json *member(const Json *j, const char *key)
{
	const Json *m = j ? j->first : NULL;
	while (m && strcmp(m->key, key) != 0)
		m = m->next;
	return m;
}

static const char *about_of(const Json *model)
{
	const Json *about = member(model, "about");
	return about && about->kind == JSON_STRING ? about->text : "A model of sslc.";
}

/* Reads a file of the table; `c` is new for each. */
static const Json *read_model(Compile *c, const PreludeFile *f)
{
	*c = (Compile){.arena = arena_open(0)};
	if (!c->arena)
		return NULL;
	c->diags = diags_open(c->arena);
	return json_parse(c, diags_file(c->diags, f->name, f->bytes, f->size));
}

int command_models(const Options *o)
{
	(void)o;
	char name[NAME];
	size_t widest = 0;
	for (const PreludeFile *f = model_files; f->name; f++) {
		method_of(f, name);
		widest = strlen(name) > widest ? strlen(name) : widest;
	}
	for (const PreludeFile *f = model_files; f->name; f++) {
		Compile c;
		method_of(f, name);
		printf("%-*s %s\n", (int)widest, name, about_of(read_model(&c, f)));
		if (c.arena)
			arena_close(c.arena);
	}
	return finish_output(EXIT_GOOD);
}

static const PreludeFile *find(const char *method)
{
	char name[MOST][NAME];
	const char *known[MOST];
	size_t count = 0;
	for (const PreludeFile *f = model_files; f->name && count < MOST; f++) {
		method_of(f, name[count]);
		if (strcmp(name[count], method) == 0)
			return f;
		known[count] = name[count];
		count++;
	}
	complain_unknown("method", method, known, count);
	advise("sslc new --list has them all");
	return NULL;
}

/* -- The comment ------------------------------------------------------------------------------- */

static void put_text(Text *out, const char *text)
{
	text_printf(out, "\"");
	for (; *text; text++)
		text_printf(out, strchr("\"\\", *text) ? "\\%c" : "%c", *text);
	text_printf(out, "\"");
}

/* "about": what the method is, and a line for each section that the file has. */
static void put_about(Text *out, const Json *model)
{
	static const struct {
		const char *key, *meaning;
	} section[] = {
#define SECTION(key, shape, meaning) {#key, meaning},
#include "../../compiler/parse/sections.def"
#undef SECTION
	};
	text_printf(out, "  \"about\": [\n    ");
	put_text(out, about_of(model));
	for (const Json *m = model->first; m; m = m->next) {
		char line[512];
		const char *meaning = m->kind == JSON_LIST ? "a network: layers in a row" : NULL;
		for (size_t i = 0; i < COUNT(section) && !meaning; i++)
			if (strcmp(section[i].key, m->key) == 0)
				meaning = section[i].meaning;
		if (!meaning || strcmp(m->key, "name") == 0 || strcmp(m->key, "about") == 0)
			continue;
		snprintf(line, sizeof line, "%s: %s", m->key, meaning);
		text_printf(out, ",\n    ");
		put_text(out, line);
	}
	text_printf(out, ",\n    \"Your own data: images('folder'), text('folder'), audio('folder'), "
	                 "csv('table.csv', label='class') or npy('x.npy', label='y.npy'); they lie "
	                 "beside this file.\"\n  ],\n");
}

/* The file without its name, which is that of the new file, and with more of a comment. */
static void put_model(Text *out, const PreludeFile *f, const Json *model)
{
	for (const char *line = f->bytes, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		if (strncmp(line, "  \"name\":", 9) == 0)
			continue;
		bool is_about = strncmp(line, "  \"about\":", 10) == 0;
		if (!is_about)
			text_add(out, line, (size_t)(end - line));
		if (is_about || (line == f->bytes && !member(model, "about")))
			put_about(out, model);
	}
}

static int write_new(const char *path, const Text *text)
{
	char why[WHY];
	if (!file_missing(path)) {
		complain("'%s' is there already", path);
		advise("--out FILE writes another one");
		return EXIT_WRONG;
	}
	if (!bytes_write(path, (const void *[]){text->data}, &text->size, 1, why)) {
		complain("%s", why);
		return EXIT_SYSTEM;
	}
	printf("%s; begin with:\n  sslc check %s\n  sslc run %s\n", path, path, path);
	return finish_output(EXIT_GOOD);
}

int command_new(const Options *o)
{
	if (o->list)
		return command_models(o);
	if (!o->model) {
		complain("sslc new needs a method");
		advise("sslc new --list has them; for example: sslc new simclr");
		return EXIT_USAGE;
	}
	const PreludeFile *f = find(o->model);
	if (!f)
		return EXIT_USAGE;
	Compile c;
	Text text = {0};
	char path[NAME + 8];
	const Json *model = read_model(&c, f);
	if (!model) {
		complain("no memory for the model");
		return EXIT_SYSTEM;
	}
	put_model(&text, f, model);
	snprintf(path, sizeof path, "%s.json", o->model);
	int code = write_new(o->out ? o->out : path, &text);
	text_close(&text);
	arena_close(c.arena);
	return code;
}
