/* export.c: sslc export: a function of a model as an ONNX file, with the weights of a checkpoint; or
 * with --names the weights alone, as another program names them. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

enum { PATH = 1024 };

static int write_onnx(Session *s, const Options *o, const Engine *engine)
{
	char out[PATH], why[WHY], *bytes;
	size_t size;
	sslc_export how = {.function = o->function, .weights = engine->states, .batch = o->batch};
	snprintf(out, sizeof out, "%s%s", o->out ? o->out : sslc_name(s->program),
	         o->out ? "" : ".onnx");
	if (!sslc_export_onnx(s->program, &how, &bytes, &size))
		return session_errors(s);
	const void *part = bytes;
	bool good = bytes_write(out, &part, &size, 1, why);
	free(bytes);
	if (!good) {
		complain("%s", why);
		return EXIT_SYSTEM;
	}
	char text[24];
	printf("%s of %s in %s, %s\n", o->function ? o->function : "features", sslc_name(s->program),
	       out, bytes_text(size, text));
	return EXIT_GOOD;
}

static int write_weights(Session *s, const Options *o, const Engine *engine,
                         const sslc_names *names)
{
	char out[PATH];
	Failure f = {0};
	snprintf(out, sizeof out, "%s%s%s%s", o->out ? o->out : sslc_name(s->program),
	         o->out ? "" : "-", o->out ? "" : names->table, o->out ? "" : ".safetensors");
	if (!weights_export(engine, out, names, &f))
		return session_failure(s, &f);
	printf("%zu tensors of %s by the names of %s in %s\n", names->count, sslc_name(s->program),
	       names->table, out);
	return EXIT_GOOD;
}

static int with_weights(Session *s, const Options *o, Engine *engine)
{
	char path[PATH];
	Failure f = {0};
	Loaded loaded = {0};
	const sslc_names *names;
	const char *file = o->weights ? o->weights : o->checkpoint;
	if (!session_names(s, o, &names))
		return EXIT_WRONG;
	snprintf(path, sizeof path, "runs/%s/checkpoint.safetensors", sslc_name(s->program));
	bool good = engine_open(engine, sslc_describe(s->program), 1, &f) &&
	            weights_load(engine, file ? file : path, true, &loaded, &f);
	session_note_weights(&loaded, file ? file : path);
	if (good)
		return names ? write_weights(s, o, engine, names) : write_onnx(s, o, engine);
	if (!file && access(path, F_OK) != 0 && !f.help[0])
		fail_help(&f, "sslc run %s makes it; --checkpoint FILE names another one", o->model);
	return session_failure(s, &f);
}

int command_export(const Options *o)
{
	Session s;
	Engine engine = {0};
	if (o->names && (o->function || o->batch)) {
		complain("--names TABLE writes weights, and takes no --%s",
		         o->function ? "function" : "batch");
		return EXIT_USAGE;
	}
	if (o->weights && o->checkpoint) {
		complain("--weights and --checkpoint both name a file of weights: give one");
		return EXIT_USAGE;
	}
	int code = session_open(&s, o, (sslc_options){0}, true);
	if (!code)
		code = with_weights(&s, o, &engine);
	engine_close(&engine);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
