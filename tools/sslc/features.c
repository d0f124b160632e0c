/* features.c: sslc features: the features of every sample of a split, by the weights of a
 * checkpoint. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

/* The split that is asked for, or test if there is one. */
static int choose_split(const Session *s, const char *name, Split *split)
{
	bool has_test = data_count(s->data, SPLIT_TEST) > 0;
	*split = name       ? (strcmp(name, "test") == 0 ? SPLIT_TEST : SPLIT_TRAIN)
	         : has_test ? SPLIT_TEST
	                    : SPLIT_TRAIN;
	if (*split == SPLIT_TRAIN || has_test)
		return EXIT_GOOD;
	complain("the data has no test split");
	advise("use --split train");
	return EXIT_WRONG;
}

static int write_features(Session *s, const Options *o, Split split)
{
	char path[1024];
	const char *out = o->out ? o->out : "features.npy";
	snprintf(path, sizeof path, "runs/%s/checkpoint.safetensors", sslc_name(s->program));
	Engine engine = {0};
	Watch watch = {0}; /* not opened: Ctrl-C kills, since the file is whole or not there */
	Failure f = {0};
	Loaded loaded = {0};
	uint64_t seed = o->seed ? (uint64_t)(o->seed - 1) : sslc_pretraining(s->program).seed;
	const sslc_names *names;
	if (!session_names(s, o, &names))
		return EXIT_WRONG;
	const char *weights = o->checkpoint ? o->checkpoint : path;
	bool good = engine_open(&engine, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), &f);
	if (good) {
		engine_seed(&engine, seed);
		good = (o->random ? states_begin(&engine, seed, &f)
		        : names   ? weights_import(&engine, weights, names, true, NULL, &f)
		                  : weights_load(&engine, weights, true, &loaded, &f)) &&
		       features_write(&engine, s->data, split, out, &watch, &f);
	}
	session_note(s);
	session_note_weights(&loaded, weights);
	engine_close(&engine);
	if (!good && !o->checkpoint && !o->random && access(path, F_OK) != 0 && !f.help[0])
		fail_help(&f,
		          "sslc run %s makes it; --checkpoint FILE names another one; --random needs none",
		          o->model);
	if (!good)
		return session_failure(s, &f);
	printf("features of %" PRId64 " %s samples in %s\n", data_count(s->data, split),
	       split == SPLIT_TEST ? "test" : "train", out);
	return EXIT_GOOD;
}

int command_features(const Options *o)
{
	static const char *const splits[] = {"train", "test"};
	if (o->split && strcmp(o->split, "train") != 0 && strcmp(o->split, "test") != 0) {
		complain_unknown("split", o->split, splits, 2);
		return EXIT_USAGE;
	}
	if (o->random && o->checkpoint) {
		complain("--random and --checkpoint FILE are two choices of weights: give one");
		return EXIT_USAGE;
	}
	if (o->names && !o->checkpoint) {
		complain("--names TABLE is of the file of --checkpoint, which is not given");
		return EXIT_USAGE;
	}
	Session s;
	Split split;
	int code = session_open(&s, o, (sslc_options){.cpu = o->cpu}, true);
	if (!code)
		code = session_find(&s, "features");
	if (!code)
		code = choose_split(&s, o->split, &split);
	if (!code)
		code = write_features(&s, o, split);
	session_close(&s);
	return code ? code : finish_output(EXIT_GOOD);
}
