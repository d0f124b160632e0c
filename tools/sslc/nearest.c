/* nearest.c: sslc nearest: words whose vectors are near those of others, by the weights of a
 * checkpoint. */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/text/text.h"
#include "session.h"

static int print_nearest(Session *s, const Options *o)
{
	char path[1024];
	snprintf(path, sizeof path, "runs/%s/checkpoint.safetensors", sslc_name(s->program));
	Engine engine = {0};
	Tokenizer *t = NULL;
	Failure f = {0};
	bool good = session_tokenizer(s, &t, &f) &&
	            engine_open(&engine, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), &f) &&
	            weights_load_tokens(&engine, s->data, o->checkpoint ? o->checkpoint : path, &f) &&
	            nearest_words(&engine, t, o->file, o->files, o->words ? o->words : 10, stdout, &f);
	session_note(s);
	engine_close(&engine);
	tokenizer_close(t);
	if (!good && !o->checkpoint && access(path, F_OK) != 0 && !f.help[0])
		fail_help(&f, "sslc run %s makes it; --checkpoint FILE names another one", o->model);
	return good ? EXIT_GOOD : session_failure(s, &f);
}

int command_nearest(const Options *o)
{
	if (!o->files) {
		complain("sslc nearest needs words");
		advise("for example: sslc nearest %s king, or king - man + woman", o->model);
		return EXIT_USAGE;
	}
	Session s;
	int code = session_open(&s, o, (sslc_options){.cpu = o->cpu}, true);
	if (!code && !sslc_has_function(s.program, "vectors")) {
		complain("the model has no vectors of words: no \"vectors\"");
		advise("\"vectors\": one row a token, such as \"encoder(iota([vocab]))\"");
		code = EXIT_WRONG;
	}
	if (!code)
		code = print_nearest(&s, o);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
