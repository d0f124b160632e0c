/* test_save.c: checkpoints of a program's states: what is wrong in one is refused before it is
 * used.
 *
 * Truth: a good checkpoint, and each bit of it turned over, or a number in it that is none. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/sslc.h"
#include "../../runtime/train/train.h"
#include "scratch.h"

static const char model[] = "{\n  \"name\": \"small\",\n  \"data\": \"normal(8, 2)\",\n"
                            "  \"encoder\": [\"linear(1)\"],\n  \"decoder\": [\"linear(2)\"],\n"
                            "  \"loss\": \"mse(decoder(encoder(x)), x)\",\n"
                            "  \"optimizer\": \"adam(lr=0.1)\",\n"
                            "  \"train\": {\"epochs\": 3, \"batch\": 4}\n}\n";

/* A program whose states hold 1, 2, 3, ..., saved at step 4 with seed 7. */
typedef struct Saved {
	sslc_program *program;
	Data *data;
	Engine engine;
	Scratch scratch;
	TrainOptions resume;
	char path[600];
} Saved;

static void fill(const Engine *e)
{
	for (size_t i = 0; i < e->states_bytes / sizeof(float); i++)
		((float *)e->states)[i] = (float)(i + 1);
}

static bool save(Saved *s)
{
	Failure f;
	return checkpoint_save(&s->engine, s->data, s->scratch.folder,
	                       &(Position){.step = 4, .steps = 6, .epoch_steps = 2, .seed = 7}, &f);
}

static bool saved_open(Saved *s)
{
	char why[WHY];
	Failure f;
	*s = (Saved){.program = sslc_open_text("small.json", model, sizeof model - 1, NULL)};
	s->data = data_open(sslc_reader(s->program), NULL, why);
	scratch_open(&s->scratch);
	snprintf(s->path, sizeof s->path, "%s/" CHECKPOINT, s->scratch.folder);
	s->resume = (TrainOptions){.directory = s->scratch.folder, .resume = true, .epochs = 3};
	if (!s->data || !sslc_bind(s->program, data_shape(s->data)) ||
	    !engine_open(&s->engine, sslc_describe(s->program), 1, &f))
		return false;
	fill(&s->engine);
	return save(s);
}

static void saved_close(Saved *s)
{
	engine_close(&s->engine);
	data_close(s->data);
	sslc_close(s->program);
	scratch_close(&s->scratch);
}

static void a_checkpoint_is_taken_as_it_was(void)
{
	Saved s;
	Failure f;
	Position at;
	CU_ASSERT_FATAL(saved_open(&s));
	unsigned char *before = malloc(s.engine.states_bytes);
	memcpy(before, s.engine.states, s.engine.states_bytes);
	size_t count;
	const sslc_state *state = sslc_states(s.program, &count);
	memset(s.engine.states, 0, s.engine.states_bytes);
	CU_ASSERT(train_begin(&s.engine, s.data, &s.resume, &at, &f));
	CU_ASSERT(at.step == 4 && at.steps == 6 && at.seed == 7);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(memcmp(engine_state(&s.engine, &state[i]), before + state[i].offset,
		                       state[i].tensor.bytes),
		                0);
	free(before);
	saved_close(&s);
}

/* Whether it is resumed or only its weights are taken: "step", "seed", "shape" or a weight, no bit
 * of it may be another. */
static void a_checkpoint_with_any_bit_turned_is_refused(void)
{
	Saved s;
	Failure f;
	Position at;
	size_t size, taken = 0;
	CU_ASSERT_FATAL(saved_open(&s));
	unsigned char *bytes = file_get(s.path, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (size_t i = 0; i < size; i++) {
		unsigned char good = bytes[i];
		bytes[i] ^= (unsigned char)(1 << i % 8);
		CU_ASSERT(file_put(s.path, bytes, size));
		taken += train_begin(&s.engine, s.data, &s.resume, &at, &f);
		taken += weights_load(&s.engine, s.path, false, NULL, &f);
		bytes[i] = good;
	}
	CU_ASSERT_EQUAL(taken, 0);
	free(bytes);
	saved_close(&s);
}

/* In each state, at its last element. */
static void numbers_that_are_none_are_refused_by_name(void)
{
	static const float none[] = {NAN, -NAN, INFINITY, -INFINITY};
	Saved s;
	Failure f;
	Position at;
	size_t count;
	CU_ASSERT_FATAL(saved_open(&s));
	const sslc_state *state = sslc_states(s.program, &count);
	CU_ASSERT_PTR_NULL(engine_bad_state(&s.engine, NULL));
	for (size_t i = 0; i < 4 * count; i++) {
		const sslc_state *bad = &state[i / 4];
		const char *name = bad->tensor.name;
		size_t last = bad->tensor.bytes / sizeof(float) - 1;
		bool refused = bad->is_param || i % 4 < 2, is_weight = strncmp(name, "optimizer.", 10);
		fill(&s.engine);
		((float *)engine_state(&s.engine, bad))[last] = none[i % 4];
		CU_ASSERT_EQUAL(state_bad_at(&s.engine, bad), refused ? (int64_t)last : -1);
		CU_ASSERT_PTR_EQUAL(engine_bad_state(&s.engine, NULL), refused ? bad : NULL);
		CU_ASSERT_FATAL(save(&s));
		CU_ASSERT_EQUAL(train_begin(&s.engine, s.data, &s.resume, &at, &f), !refused);
		CU_ASSERT(!refused || (strstr(f.text, name) && strstr(f.text, s.path)));
		CU_ASSERT_EQUAL(weights_load(&s.engine, s.path, true, NULL, &f), !refused || !is_weight);
	}
	saved_close(&s);
}

/* Saved after two epochs of two steps. */
static void a_run_may_end_where_it_stands_not_before(void)
{
	Saved s;
	Failure f;
	Position at;
	CU_ASSERT_FATAL(saved_open(&s));
	s.resume.has_epochs = true;
	s.resume.epochs = 2;
	CU_ASSERT(train_begin(&s.engine, s.data, &s.resume, &at, &f) && at.step == 4 && at.steps == 4);
	s.resume.epochs = 1;
	CU_ASSERT_FALSE(train_begin(&s.engine, s.data, &s.resume, &at, &f));
	CU_ASSERT_PTR_NOT_NULL(strstr(f.text, "is of epoch 2 already"));
	saved_close(&s);
}

static bool has_position(SafeMeta *meta, size_t metas, const char *key, const char *value)
{
	Failure f;
	Position at;
	uint64_t samples;
	SafeMeta kept = {0}, *changed = NULL;
	for (size_t i = 0; i < metas && key; i++)
		if (strcmp(meta[i].key, key) == 0)
			changed = &meta[i], kept = meta[i];
	if (changed)
		*changed = value ? (SafeMeta){key, value} : (SafeMeta){"other", "0"};
	bool good =
	    checkpoint_position(&(SafeFile){.meta = meta, .metas = metas}, "p", &at, &samples, &f);
	if (changed)
		*changed = kept;
	return good;
}

static void positions_that_cannot_be_are_refused(void)
{
	static const char *const whole[] = {"step", "steps", "seed", "train_count"}, *const sums[] = {
	                                                                                 "epoch_sum",
	                                                                                 "recent_sum",
	                                                                                 "epoch_loss"};
	SafeMeta meta[] = {{"format", "sslc 2"},    {"model", "{}"},
	                   {"step", "4"},           {"steps", "6"},
	                   {"seed", "7"},           {"train_count", "8"},
	                   {"epoch_sum", "0x1p+1"}, {"recent_sum", "0x0p+0"},
	                   {"epoch_loss", "nan"}};
	size_t metas = sizeof meta / sizeof *meta;
	CU_ASSERT(has_position(meta, metas, NULL, NULL));
	CU_ASSERT(has_position(meta, metas, "step", "6"));
	CU_ASSERT_FALSE(has_position(meta, metas, "step", "7")); /* of 6 */
	CU_ASSERT_FALSE(has_position(meta, metas, "steps", "2147483648"));
	CU_ASSERT_FALSE(has_position(meta, metas, "format", "sslc 3"));
	CU_ASSERT_FALSE(has_position(meta, metas, "model", NULL));
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		static const char *const wrong[] = {NULL, "", "-1", "4x", " 4", "18446744073709551616"};
		for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
			CU_ASSERT_FALSE(has_position(meta, metas, whole[i], wrong[k]));
	}
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		CU_ASSERT_FALSE(has_position(meta, metas, sums[i], NULL));
		CU_ASSERT_FALSE(has_position(meta, metas, sums[i], "1 2"));
	}
}

static void states_know_their_place_in_the_model(void)
{
	Saved s;
	size_t count;
	CU_ASSERT_FATAL(saved_open(&s));
	const sslc_state *state = sslc_states(s.program, &count);
	for (size_t i = 0; i < count; i++)
		if (strncmp(state[i].tensor.name, "decoder.", 8) == 0) {
			CU_ASSERT_STRING_EQUAL(state[i].file, "small.json");
			CU_ASSERT_EQUAL(state[i].line, 5);
		}
	saved_close(&s);
}

CU_TestInfo test_save[] = {
    {"a checkpoint is taken as it was", a_checkpoint_is_taken_as_it_was},
    {"a checkpoint with any bit turned is refused", a_checkpoint_with_any_bit_turned_is_refused},
    {"numbers that are none are refused by name", numbers_that_are_none_are_refused_by_name},
    {"a run may end where it stands, not before", a_run_may_end_where_it_stands_not_before},
    {"positions that cannot be are refused", positions_that_cannot_be_are_refused},
    {"states know their place in the model", states_know_their_place_in_the_model},
    CU_TEST_INFO_NULL,
};
