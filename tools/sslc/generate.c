/* generate.c: sslc generate: text that a causal model continues, by the weights of a checkpoint. */
#include "command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/text/text.h"
#include "session.h"

static bool read_temperature(const char *text, double *value)
{
	char *end;
	*value = text ? strtod(text, &end) : 1;
	if (!text || (end != text && !*end && isfinite(*value) && *value >= 0))
		return true;
	complain("--temperature takes a number from 0, not '%s'", text);
	return false;
}

static int write_text(Session *s, const Options *o, double temperature)
{
	char path[1024];
	snprintf(path, sizeof path, "runs/%s/checkpoint.safetensors", sslc_name(s->program));
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
	Engine engine = {0};
	Tokenizer *t = NULL;
	Failure f = {0};
	bool good = session_tokenizer(s, &t, &f) &&
	            engine_open(&engine, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), &f) &&
	            weights_load_tokens(&engine, s->data, o->checkpoint ? o->checkpoint : path, &f) &&
	            generate(&engine, t, &how, stdout, &f);
	session_note(s);
	engine_close(&engine);
	tokenizer_close(t);
	if (!good && !o->checkpoint && access(path, F_OK) != 0 && !f.help[0])
		fail_help(&f, "sslc run %s makes it; --checkpoint FILE names another one", o->model);
	if (!good)
		return session_failure(s, &f);
	putchar('\n');
	return EXIT_GOOD;
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
		code = write_text(&s, o, temperature);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
