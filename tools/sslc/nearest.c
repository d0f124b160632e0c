/* nearest.c: sslc nearest: words whose vectors are near those of others, by the weights of a
 * checkpoint. */
#include "command.h"

#include <stdio.h>

#include "../../runtime/text/text.h"
#include "session.h"

static bool print_nearest(Engine *e, const Tokenizer *t, const void *what, Failure *f)
{
	const Options *o = what;
	return nearest_words(e, t, o->file, o->files, o->words ? o->words : 10, stdout, f);
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
		code = session_with_weights(&s, o, print_nearest, o);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
