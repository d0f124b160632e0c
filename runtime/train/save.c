/* save.c: what is kept of a run, and how a run begins: anew, with given weights, or where another
 * one stopped.
 *
 * A checkpoint is a safetensors file with every state of pre-training, and as metadata the position
 * and the text of the model. It depends on nothing else (no time, no number of threads), so equal
 * runs have equal files. Resuming asks for the same text of the model, because any change may
 * change what the states mean; taking only the weights (weights_load) asks for names and shapes. */
#include "train.h"

#include "../plain.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT   "sslc 2"
#define FORMAT_1 "sslc 1" /* the same, but that its checksum was of the data alone */
enum { NUMBER = 32, KEYS = 16 };

/* -- Saving ------------------------------------------------------------------------------------ */

typedef struct Metadata {
	SafeMeta entry[KEYS];
	char number[KEYS][NUMBER];
	size_t count;
} Metadata;

static void add_text(Metadata *m, const char *key, const char *text)
{
	m->entry[m->count++] = (SafeMeta){key, text};
}

static void add_whole(Metadata *m, const char *key, uint64_t value)
{
	snprintf(m->number[m->count], NUMBER, "%" PRIu64, value);
	add_text(m, key, m->number[m->count]);
}

/* In hexadecimal, so that it reads back to the same bits. */
static void add_double(Metadata *m, const char *key, double value)
{
	locale_t before = plain_begin();
	snprintf(m->number[m->count], NUMBER, "%a", value);
	plain_end(before);
	add_text(m, key, m->number[m->count]);
}

static void describe(Metadata *m, const Engine *e, const Data *data, const Position *at)
{
	*m = (Metadata){0};
	add_text(m, "format", FORMAT);
	add_text(m, "name", e->model->name);
	add_whole(m, "step", (uint64_t)at->step);
	add_whole(m, "steps", (uint64_t)at->steps);
	add_whole(m, "epochs", (uint64_t)(at->steps / at->epoch_steps));
	add_whole(m, "epoch", (uint64_t)(at->step / at->epoch_steps));
	add_whole(m, "seed", at->seed);
	add_whole(m, "train_count", (uint64_t)data_count(data, SPLIT_TRAIN));
	add_whole(m, "data", data_mark(data));
	add_double(m, "epoch_sum", at->epoch_sum);
	add_double(m, "recent_sum", at->recent_sum);
	add_double(m, "epoch_loss", at->epoch_loss);
	add_text(m, "model", e->model->text);
	if (data_tokenizer(data))
		add_text(m, "tokenizer", data_tokenizer(data));
}

bool checkpoint_save(const Engine *e, const Data *data, const char *directory, const Position *at,
                     Failure *f)
{
	size_t count = e->model->state_count, kept = 0;
	const sslc_state *state = e->model->state;
	SafeTensor *tensor = calloc(count + 1, sizeof *tensor);
	Metadata meta;
	char path[RUN_PATH], why[WHY];
	if (!tensor)
		return fail(f, FAILURE_SYSTEM, "no memory to save the checkpoint");
	for (size_t i = 0; i < count; i++) {
		const sslc_tensor *t = &state[i].tensor;
		if (state[i].task)
			continue;
		tensor[kept] =
		    (SafeTensor){t->name, t->dtype, t->rank, {0}, engine_state(e, &state[i]), t->bytes};
		memcpy(tensor[kept++].dim, t->dim, sizeof t->dim);
	}
	describe(&meta, e, data, at);
	bool good = run_path(directory, CHECKPOINT, path, f);
	if (good && !safe_write(path, tensor, kept, meta.entry, meta.count, why))
		good = fail(f, FAILURE_SYSTEM, "%s", why);
	free(tensor);
	return good;
}

/* -- Loading ----------------------------------------------------------------------------------- */

static bool same_shape(const SafeTensor *a, const sslc_tensor *b)
{
	return strcmp(a->type, b->dtype) == 0 && a->rank == b->rank &&
	       memcmp(a->dim, b->dim, (size_t)b->rank * sizeof *b->dim) == 0;
}

/* f32 in the file, f64 in the program (gradient checks), is widened. */
static bool copy_state(const SafeTensor *from, const sslc_tensor *to, void *at)
{
	sslc_tensor narrow = *to;
	narrow.dtype = "f32";
	if (same_shape(from, to)) {
		memcpy(at, from->at, to->bytes);
	} else if (strcmp(to->dtype, "f64") == 0 && same_shape(from, &narrow)) {
		const unsigned char *bytes = from->at;
		double *wide = at;
		for (size_t i = 0; i < to->bytes / sizeof *wide; i++) {
			float value;
			memcpy(&value, bytes + i * sizeof value, sizeof value);
			wide[i] = value;
		}
	} else {
		return false;
	}
	return true;
}

typedef enum What { ALL, NOT_OPTIMIZER } What;

/* "optimizer" is a section of model files, so no network has that name. */
static bool is_wanted(const sslc_state *state, What what)
{
	return !state->task &&
	       (what == ALL || strncmp(state->tensor.name, "optimizer.", strlen("optimizer.")) != 0);
}

/* Of the moving average NAME.ema, which the file lacks, what it follows: NAME. */
static const SafeTensor *followed(const SafeFile *file, const char *name)
{
	size_t size = strlen(name), end = strlen(".ema");
	char stem[1024];
	if (size <= end || size - end >= sizeof stem || strcmp(name + size - end, ".ema") != 0)
		return NULL;
	memcpy(stem, name, size - end);
	stem[size - end] = 0;
	return safe_tensor(file, stem);
}

static bool copy_states(Engine *e, const SafeFile *file, const char *path, What what, bool all,
                        Loaded *said, Failure *f)
{
	const sslc_state *state = e->model->state;
	for (size_t i = 0; i < e->model->state_count; i++) {
		const sslc_tensor *t = &state[i].tensor;
		bool wanted = is_wanted(&state[i], what);
		const SafeTensor *from = wanted ? safe_tensor(file, t->name) : NULL;
		if (!from && all && wanted) {
			fail(f, FAILURE_WRONG, "%s has no '%s', which the model has", path, t->name);
			return fail_help(f, "it belongs to another model, or to another version of this one");
		}
		if (wanted && !from && !all)
			from = followed(file, t->name);
		if (wanted)
			loaded_count(said, t->name, from != NULL);
		if (!from)
			continue;
		if (!copy_state(from, t, engine_state(e, &state[i]))) {
			char theirs[TENSOR_TEXT], ours[TENSOR_TEXT];
			tensor_text(from->type, from->rank, from->dim, theirs);
			tensor_text(t->dtype, t->rank, t->dim, ours);
			fail(f, FAILURE_WRONG, "'%s' is %s in %s, but %s in the model", t->name, theirs, path,
			     ours);
			return fail_help(
			    f, "the networks must have the same layers; sslc check lists their shapes");
		}
		int64_t bad = state_bad_at(e, &state[i]);
		if (bad >= 0) {
			fail(f, FAILURE_WRONG,
			     "'%s' in %s holds a number that is not finite, at index %" PRId64, t->name, path,
			     bad);
			return fail_help(f, "these are the weights of a training that diverged");
		}
	}
	if (said->taken)
		return true;
	fail(f, FAILURE_WRONG, "%s has no tensor that the model has", path);
	return fail_help(f, "names must be equal: sslc check lists those of the model");
}

static bool is_format(const SafeFile *file, const char *format)
{
	const char *found = safe_meta(file, "format");
	return found && strcmp(found, format) == 0;
}

static bool open_file(SafeFile *file, const char *path, Failure *f)
{
	char why[WHY];
	if (!safe_read(path, file, why))
		return fail(f, FAILURE_WRONG, "%s", why);
	return !is_format(file, FORMAT) || safe_meta(file, CHECKSUM) ||
	       fail(f, FAILURE_WRONG, "'%s' is damaged: it has no checksum", path);
}

/* -- The text of the model --------------------------------------------------------------------- */

typedef struct LineOf {
	const char *at;
	int length;
} LineOf;

static LineOf next_line(const char **text)
{
	const char *end = strchrnul(*text, '\n');
	LineOf line = {*text, (int)(end - *text)};
	*text = *end ? end + 1 : end;
	return line;
}

/* The number of the first line that differs, and that line of both; 0: they are equal. */
static int other_line(const char *then, const char *now, LineOf *a, LineOf *b)
{
	int number = 0;
	if (strcmp(then, now) == 0)
		return 0;
	do {
		number++;
		*a = next_line(&then);
		*b = next_line(&now);
	} while (a->length == b->length && memcmp(a->at, b->at, (size_t)a->length) == 0 &&
	         (*then || *now));
	return number;
}

bool weights_load(Engine *e, const char *path, bool all, Loaded *said, Failure *f)
{
	SafeFile file = {0};
	Loaded unsaid;
	LineOf a, b;
	said = said ? said : &unsaid;
	*said = (Loaded){0};
	bool good =
	    open_file(&file, path, f) && copy_states(e, &file, path, NOT_OPTIMIZER, all, said, f);
	const char *text = good ? safe_meta(&file, "model") : NULL;
	if (text && e->model->text)
		said->other_line = other_line(text, e->model->text, &a, &b);
	safe_close(&file);
	return good;
}

/* -- Resuming ---------------------------------------------------------------------------------- */

enum { SHOWN = 120, BEFORE = 40 };

/* What is shown of a line that differs at a place behind its beginning: that place, and some of what is before it. */
static LineOf shown_of(LineOf line, int place)
{
	int from = place > SHOWN - BEFORE ? place - BEFORE : 0;
	while (from > 0 && ((unsigned char)line.at[from] & 0xc0) == 0x80) /* within a character */
		from--;
	line.at += from, line.length -= from;
	line.length = line.length < SHOWN ? line.length : SHOWN;
	return line;
}

/* True if both are equal, else a failure that shows the first line that differs. */
static bool same_model(const char *then, const char *now, const char *path, Failure *f)
{
	LineOf a, b;
	int number = other_line(then, now, &a, &b);
	if (!number)
		return true;
	int place = 0;
	while (place < a.length && place < b.length && a.at[place] == b.at[place])
		place++;
	const char *cut = shown_of(a, place).at > a.at ? "... " : "";
	a = shown_of(a, place), b = shown_of(b, place);
	fail(f, FAILURE_WRONG,
	     "%s is of another text of this model, which differs from line %d on:\n    then: %s%.*s\n  "
	     "  "
	     "now:  %s%.*s",
	     path, number, cut, a.length, a.at, cut, b.length, b.at);
	return fail_help(
	    f, "put the line back, or take only the weights into a new run: --init %s --out ANOTHER",
	    path);
}

static bool number_of(const SafeFile *file, const char *key, double *value)
{
	const char *text = safe_meta(file, key);
	char *end;
	if (!text)
		return false;
	locale_t before = plain_begin();
	*value = strtod(text, &end);
	plain_end(before);
	return end != text && !*end;
}

static bool whole_of(const SafeFile *file, const char *key, uint64_t *value)
{
	const char *text = safe_meta(file, key);
	char *end;
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !*end && !errno;
}

bool checkpoint_position(const SafeFile *file, const char *path, Position *at,
                         uint64_t *train_count, Failure *f)
{
	uint64_t step, steps;
	const uint64_t most = INT32_MAX; /* compiled functions count steps in 32 bits */
	if ((!is_format(file, FORMAT) && !is_format(file, FORMAT_1)) || !safe_meta(file, "model") ||
	    !whole_of(file, "step", &step) || !whole_of(file, "steps", &steps) ||
	    !whole_of(file, "seed", &at->seed) || !whole_of(file, "train_count", train_count) ||
	    !number_of(file, "epoch_sum", &at->epoch_sum) ||
	    !number_of(file, "recent_sum", &at->recent_sum) ||
	    !number_of(file, "epoch_loss", &at->epoch_loss) || step > steps || steps > most) {
		fail(f, FAILURE_WRONG, "%s is no checkpoint that sslc run has written", path);
		return fail_help(f, "to begin with its weights: --init %s", path);
	}
	at->step = (int64_t)step;
	at->steps = (int64_t)steps;
	return true;
}

int64_t checkpoint_epochs(const char *directory)
{
	char path[RUN_PATH];
	Failure unused;
	SafeFile file = {0};
	uint64_t epochs = 0;
	if (!run_path(directory, CHECKPOINT, path, &unused))
		return 0;
	if (!open_file(&file, path, &unused) || !whole_of(&file, "epochs", &epochs) ||
	    epochs > INT32_MAX)
		epochs = 0;
	safe_close(&file);
	return (int64_t)epochs;
}

static bool same_tokens(const Data *data, const SafeFile *file, const char *path, Failure *f)
{
	const char *then = safe_meta(file, "tokenizer"), *now = data_tokenizer(data);
	if ((!then && !now) || (then && now && strcmp(then, now) == 0))
		return true;
	fail(f, FAILURE_WRONG, "%s is of a run with other tokens than the data has now", path);
	return fail_help(f, "the text, or the tokenizer's file, is another one");
}

/* Checkpoints of sslc before have no mark. */
static bool same_data(const Data *data, const SafeFile *file, const char *path, Failure *f)
{
	uint64_t then;
	if (!safe_meta(file, "data") || (whole_of(file, "data", &then) && then == data_mark(data)))
		return true;
	fail(f, FAILURE_WRONG, "%s is of a run on other samples than the data has now", path);
	return fail_help(f,
	                 "files have been changed, renamed or put in place of others; to begin anew "
	                 "with its weights: --init %s",
	                 path);
}

/* What was asked for on the command line against what the checkpoint says. */
static bool agree(const Engine *e, const Data *data, const TrainOptions *o, const SafeFile *file,
                  const char *path, uint64_t train_count, Position *at, Failure *f)
{
	if (!same_model(safe_meta(file, "model"), e->model->text, path, f))
		return false;
	if (train_count != (uint64_t)data_count(data, SPLIT_TRAIN))
		return fail(f, FAILURE_WRONG,
		            "%s is of a run on %" PRIu64 " samples, but the data has %" PRId64 " now", path,
		            train_count, data_count(data, SPLIT_TRAIN));
	if (!same_tokens(data, file, path, f) || !same_data(data, file, path, f))
		return false;
	if (o->has_seed && o->seed != at->seed)
		return fail(f, FAILURE_WRONG,
		            "%s is of a run with seed %" PRIu64 ", but --seed %" PRIu64 " is given", path,
		            at->seed, o->seed);
	if (o->has_epochs && o->epochs * at->epoch_steps < at->step)
		return fail(f, FAILURE_WRONG,
		            "%s is of epoch %" PRId64 " already, but --epochs %" PRId64 " is given", path,
		            at->step / at->epoch_steps, o->epochs);
	if (o->has_epochs)
		at->steps = o->epochs * at->epoch_steps;
	return true;
}

static bool resume(Engine *e, const Data *data, const TrainOptions *o, Position *at, Failure *f)
{
	char path[RUN_PATH];
	SafeFile file = {0};
	uint64_t train_count = 0;
	if (!run_path(o->directory, CHECKPOINT, path, f))
		return false;
	struct stat info;
	if (stat(path, &info) != 0) {
		fail(f, FAILURE_WRONG, "nothing to resume: %s: %s", path, strerror(errno));
		return fail_help(f,
		                 "leave out --resume to begin anew, or name the run's folder with --out");
	}
	if (!open_file(&file, path, f)) {
		safe_close(&file);
		if (run_path(o->directory, CHECKPOINT_BEFORE, path, f) && stat(path, &info) == 0)
			return fail_help(f, "%s has the weights of the run before, for --init", path);
		return fail_help(f, "leave out --resume to begin anew");
	}
	bool good = checkpoint_position(&file, path, at, &train_count, f) &&
	            agree(e, data, o, &file, path, train_count, at, f) &&
	            copy_states(e, &file, path, ALL, true, &(Loaded){0}, f);
	safe_close(&file);
	return good;
}

bool weights_load_tokens(Engine *e, const Data *data, const char *path, Loaded *said, Failure *f)
{
	SafeFile file = {0};
	bool good = open_file(&file, path, f) && same_tokens(data, &file, path, f);
	safe_close(&file);
	return good && weights_load(e, path, true, said, f);
}

/* -- Beginning --------------------------------------------------------------------------------- */

bool states_begin(Engine *e, uint64_t seed, Failure *f)
{
	Call init;
	engine_seed(e, seed);
	e->step = 0;
	bool good = call_open(&init, e, "init", f);
	if (good)
		call_run(&init);
	call_close(&init);
	return good;
}

bool train_begin(Engine *e, const Data *data, const TrainOptions *o, Position *at, Failure *f)
{
	int64_t epoch_steps = e->model->pretraining.epoch_steps;
	*at = (Position){.epoch_steps = epoch_steps,
	                 .steps = o->epochs * epoch_steps,
	                 .seed = o->seed,
	                 .epoch_loss = NAN};
	if (o->resume && !resume(e, data, o, at, f))
		return false;
	if (at->steps > INT32_MAX)
		return fail(f, FAILURE_WRONG, "%" PRId64 " steps are more than 2147483647", at->steps);
	if (!o->resume && !states_begin(e, at->seed, f))
		return false;
	if (!o->resume && o->init &&
	    !(o->names ? weights_import(e, o->init, o->names, false, o->loaded, f)
	               : weights_load(e, o->init, false, o->loaded, f)))
		return false;
	engine_seed(e, at->seed);
	return true;
}
