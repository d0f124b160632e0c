/* compile.c: sslc compile: an object file and its header, beside each other. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum { MOST_FUNCTIONS = 32, PATH = 1024 };

/* Cuts the list at its commas. False: reported. */
static bool split_list(char *list, const char **name, size_t *count)
{
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		if (*count == MOST_FUNCTIONS) {
			complain("--functions names more than %d", MOST_FUNCTIONS);
			return false;
		}
		name[(*count)++] = word;
	}
	return true;
}

/* The header's path: the object's with .h for what is behind its last dot. */
static bool header_path(const char *object, char path[PATH])
{
	const char *slash = strrchr(object, '/'), *dot = strrchr(object, '.');
	size_t stem = dot && (!slash || dot > slash + 1) ? (size_t)(dot - object) : strlen(object);
	snprintf(path, PATH, "%.*s.h", (int)stem, object);
	if (stem + 3 > PATH || strcmp(path, object) != 0)
		return stem + 3 <= PATH;
	complain("--out names the object, but '%s' is where its header goes", object);
	advise("--out %.*s.o", (int)stem, object);
	return false;
}

/* The states of pre-training with the weights of a file; all else as it is at the beginning. What
 * computes these runs here, whatever machine the object is for. */
static int load_weights(const Options *o, Engine *e, Session *here)
{
	int code = session_open(here, o, (sslc_options){.batch = o->batch, .freeze = o->freeze}, true);
	Failure f = {0};
	if (!code && (!engine_open(e, sslc_describe(here->program), 1, &f) ||
	              !states_begin(e, sslc_pretraining(here->program).seed, &f) ||
	              !weights_load(e, o->weights, true, &f)))
		code = session_failure(here, &f);
	return code;
}

static bool write_file(const char *path, const char *bytes, size_t size)
{
	char why[WHY];
	const void *part = bytes;
	if (bytes_write(path, &part, &size, 1, why))
		return true;
	complain("%s", why);
	return false;
}

static int write_object(const Options *o, Session *s, const sslc_embedding *how)
{
	char object[PATH], header[PATH];
	sslc_embedded e;
	snprintf(object, PATH, "%s%s", o->out ? o->out : sslc_name(s->program), o->out ? "" : ".o");
	if (!header_path(object, header))
		return EXIT_USAGE;
	if (!sslc_embed(s->program, how, &e))
		return session_errors(s);
	bool good = write_file(object, e.object, e.object_bytes) &&
	            write_file(header, e.header, e.header_bytes);
	if (good)
		printf("%s, %s: a block of %zu bytes, of it %zu of states and %zu of arena\n", object,
		       header, e.block_bytes, e.states_bytes, e.arena_bytes);
	sslc_embedded_free(&e);
	return good ? EXIT_GOOD : EXIT_SYSTEM;
}

int command_compile(const Options *o)
{
	if (o->only && o->functions) {
		complain("--only and --functions both say what is compiled");
		return EXIT_USAGE;
	}
	const char *name[MOST_FUNCTIONS];
	sslc_embedding how = {.prefix = o->prefix, .function = name};
	char *list = strdup(o->functions ? o->functions : o->only ? o->only : "");
	int code = !list ? EXIT_SYSTEM : !split_list(list, name, &how.count) ? EXIT_USAGE : EXIT_GOOD;
	Session s = {0}, here = {0};
	Engine e = {0};
	if (!code && o->weights)
		code = load_weights(o, &e, &here);
	how.weights = e.states;
	sslc_options options = {
	    .cpu = o->cpu, .target = o->target, .batch = o->batch, .freeze = o->freeze};
	if (!code)
		code = session_open(&s, o, options, true);
	if (!code)
		code = write_object(o, &s, &how);
	engine_close(&e);
	session_close(&here);
	session_close(&s);
	free(list);
	return code ? code : finish_output(EXIT_GOOD);
}
