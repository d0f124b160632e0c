/* generate.c: sslc generate: text that a causal model continues, by the weights of a checkpoint. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../runtime/text/text.h"
#include "session.h"

static bool read_temperature(const char *text, double *value)
{
	*value = 1;
	if (!text || (decimal_of(text, value) && *value >= 0))
		return true;
	complain("--temperature takes a number from 0, not '%s'", text);
	return false;
}

static bool write_text(Engine *e, const Tokenizer *t, const void *how, Failure *f)
{
	return generate(e, t, how, stdout, f);
}

static int generate_text(Session *s, const Options *o, double temperature)
{
	Sampling how = {
	    .prompt = o->prompt ? o->prompt : "\n",
	    .tokens = o->tokens ? o->tokens : 200,
	    .temperature = temperature,
	    .top_k = o->top_k,
	    .slide = o->slide,
	    .anew = o->no_cache,
	    .visible = isatty(STDOUT_FILENO) && !o->raw,
	    .seed = o->seed ? (uint64_t)(o->seed - 1) : sslc_pretraining(s->program).seed,
	};
	int code = session_with_weights(s, o, write_text, &how);
	if (!code)
		putchar('\n');
	return code;
}

int command_generate(const Options *o)
{
	double temperature;
	if (!read_temperature(o->temperature, &temperature))
		return EXIT_USAGE;
	Session s;
	int code = session_open(&s, o, (sslc_options){.cpu = o->cpu}, true);
	if (!code && !sslc_has_function(s.program, "generate")) {
		complain("the model generates no text: it has no \"generate\"");
		advise("\"generate\": logits [1, places, vocab] of x, such as \"model(x)\"");
		code = EXIT_WRONG;
	}
	if (!code)
		code = generate_text(&s, o, temperature);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
