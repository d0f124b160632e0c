/* dump.c: sslc dump: prints one function of a model after one stage. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "session.h"

static bool stage_is_known(const char *stage)
{
	const char *const *stages = sslc_stages();
	size_t count = 0;
	for (; stages[count]; count++)
		if (strcmp(stages[count], stage) == 0)
			return true;
	complain_unknown("stage", stage, stages, count);
	advise("sslc dump --help lists the stages");
	return false;
}

int command_dump(const Options *o)
{
	const char *stage = o->stage ? o->stage : "elaborate";
	const char *function = o->function ? o->function : "step";
	if (!stage_is_known(stage))
		return EXIT_USAGE;
	if (o->dot && !sslc_stage_has_dot(stage)) {
		complain("stage '%s' has no drawing", stage);
		advise("leave out --dot, or ask for a stage before machine code");
		return EXIT_USAGE;
	}
	bool needs_data = strcmp(stage, "parse") != 0;
	Session s;
	int code = session_open(&s, o, (sslc_options){.cpu = o->cpu, .target = o->target}, needs_data);
	if (!code && needs_data)
		code = session_find(&s, function);
	if (!code && !sslc_dump(s.program, function, stage, o->dot ? SSLC_DOT : SSLC_TEXT, stdout))
		code = session_errors(&s);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
