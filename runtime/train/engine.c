/* engine.c: calls compiled functions: one block of states, one arena, one pool for all of them.
 *
 * In: a model. Out: Calls, whose inputs are set by name. The arena is as large as the
 * largest call that was opened, and a call reads its address when it runs, so calls may be opened
 * in any order; none allocates when it runs. */
#include "train.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool fail(Failure *f, int kind, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	f->kind = kind;
	f->help[0] = 0;
	vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
	return false;
}

bool fail_help(Failure *f, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(f->help, sizeof f->help, format, args);
	va_end(args);
	return false;
}

static bool no_memory(Failure *f, const char *what, size_t bytes)
{
	fail(f, FAILURE_SYSTEM, "no memory for %s: %zu bytes", what, bytes);
	return fail_help(f, "make \"batch\" or the networks smaller");
}

bool engine_open(Engine *e, const sslc_model *model, int threads, Failure *f)
{
	*e = (Engine){.model = model, .states_bytes = model->states_bytes};
	e->states = memory_new(e->states_bytes);
	if (!e->states)
		return no_memory(f, "the states", e->states_bytes);
	memset(e->states, 0, e->states_bytes);
	if (threads > 1)
		e->pool = pool_open(threads);
	if (threads > 1 && !e->pool)
		return fail(f, FAILURE_SYSTEM, "cannot start %d threads", threads);
	return true;
}

void engine_close(Engine *e)
{
	pool_close(e->pool);
	free(e->states);
	free(e->arena);
	*e = (Engine){0};
}

void engine_seed(Engine *e, uint64_t seed)
{
	uint32_t word[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	memcpy(e->seed, word, sizeof word);
}

void *engine_state(const Engine *e, const sslc_state *state)
{
	return e->states + state->offset;
}

/* Whether any of `count` numbers is above `most` by the bits without the sign, in which infinity
 * and then NaN are behind all others. Without a branch, so that it takes as long as reading them. */
#define ANY_ABOVE(type, at, count, most)                                                           \
	__extension__({                                                                                \
		const type *bits = (at);                                                                   \
		type found = 0;                                                                            \
		for (size_t k = 0; k < (count); k++)                                                       \
			found |= (type)((bits[k] & (type)-1 >> 1) > (most));                                   \
		found != 0;                                                                                \
	})

static bool any_bad(const void *at, size_t count, size_t size, bool is_param)
{
	return size == 8 ? ANY_ABOVE(uint64_t, at, count, 0x7ff0000000000000u - is_param)
	                 : ANY_ABOVE(uint32_t, at, count, 0x7f800000u - is_param);
}

int64_t state_bad_at(const Engine *e, const sslc_state *state)
{
	size_t size = strcmp(state->tensor.dtype, "f64") == 0   ? 8
	              : strcmp(state->tensor.dtype, "f32") == 0 ? 4
	                                                        : 0;
	const unsigned char *at = engine_state(e, state);
	if (!size || !any_bad(at, state->tensor.bytes / size, size, state->is_param))
		return -1;
	int64_t i = 0;
	while (!any_bad(at + (size_t)i * size, 1, size, state->is_param))
		i++;
	return i;
}

const sslc_state *engine_bad_state(const Engine *e, const char *task)
{
	const sslc_state *state = e->model->state;
	for (size_t i = 0; i < e->model->state_count; i++) {
		bool asked = task ? state[i].task && strcmp(state[i].task, task) == 0 : !state[i].task;
		if (asked && state_bad_at(e, &state[i]) >= 0)
			return &state[i];
	}
	return NULL;
}

/* -- Calls ------------------------------------------------------------------------------------- */

const sslc_code *engine_function(const Engine *e, const char *name)
{
	for (size_t i = 0; i < e->model->code_count; i++)
		if (strcmp(e->model->code[i].name, name) == 0)
			return &e->model->code[i];
	return NULL;
}

static bool call_outputs(Call *c, Failure *f)
{
	size_t bytes = 0;
	for (size_t i = 0; i < c->code->output_count; i++)
		bytes += (c->code->output[i].bytes + 63) / 64 * 64;
	c->output = calloc(c->code->output_count + 1, sizeof *c->output);
	c->storage = memory_new(bytes);
	if (!c->output || !c->storage)
		return no_memory(f, "the outputs", bytes);
	unsigned char *at = c->storage;
	for (size_t i = 0; i < c->code->output_count; i++) {
		c->output[i] = at;
		at += (c->code->output[i].bytes + 63) / 64 * 64;
	}
	return true;
}

static bool engine_reserve(Engine *e, size_t bytes, Failure *f)
{
	if (e->arena && bytes <= e->arena_bytes)
		return true;
	free(e->arena);
	e->arena = memory_new(bytes);
	e->arena_bytes = bytes;
	return e->arena ? true : no_memory(f, "the arena", bytes);
}

static void no_mark(void *marks, int32_t kernel)
{
	(void)marks, (void)kernel;
}

bool call_open(Call *c, Engine *e, const char *function, Failure *f)
{
	const sslc_model *m = e->model;
	*c = (Call){.engine = e, .code = engine_function(e, function)};
	if (!c->code || (!c->code->call && !m->prepare))
		return fail(f, FAILURE_WRONG, "the model has no function '%s'", function);
	if (!c->code->call)
		m->prepare(m->context, &function, 1);
	if (!c->code->call) {
		*f = (Failure){.kind = FAILURE_WRONG};
		return false;
	}
	return call_open_code(c, e, c->code, f);
}

bool call_open_code(Call *c, Engine *e, const sslc_code *code, Failure *f)
{
	*c = (Call){.engine = e, .code = code};
	c->input = calloc(c->code->input_count + 1, sizeof *c->input);
	if (!c->input)
		return no_memory(f, "the inputs", c->code->input_count * sizeof *c->input);
	if (!engine_reserve(e, c->code->arena_bytes, f) || !call_outputs(c, f))
		return false;
	c->block = (StepBlock){
	    .states = e->states,
	    .inputs = c->input,
	    .outputs = c->output,
	    .pool = e->pool,
	    .parallel = e->pool ? pool_parallel : NULL,
	    .mark = no_mark,
	};
	call_input(c, "seed", e->seed);
	call_input(c, "step", &e->step);
	return true;
}

void call_close(Call *c)
{
	free(c->input);
	free(c->output);
	free(c->storage);
	*c = (Call){0};
}

bool call_input(Call *c, const char *name, const void *bytes)
{
	for (size_t i = 0; i < c->code->input_count; i++)
		if (strcmp(c->code->input[i].name, name) == 0) {
			c->input[i] = bytes;
			return true;
		}
	return false;
}

void call_run(Call *c)
{
	c->block.arena = c->engine->arena;
	c->block.inputs = c->input;
	c->began = c->block.marks ? seconds_now() : 0;
	c->code->call(&c->block);
}

static double number_at(const Call *c, size_t output, int64_t i)
{
	return strcmp(c->code->output[output].dtype, "f64") == 0
	           ? ((const double *)c->output[output])[i]
	           : ((const float *)c->output[output])[i];
}

double call_scalar(const Call *c, const char *output)
{
	double value = NAN;
	(void)call_numbers(c, output, &value, 1);
	return value;
}

bool call_numbers(const Call *c, const char *output, double *to, int64_t count)
{
	for (size_t i = 0; i < c->code->output_count; i++) {
		if (strcmp(c->code->output[i].name, output) != 0)
			continue;
		for (int64_t k = 0; k < count; k++)
			to[k] = number_at(c, i, k);
		return true;
	}
	return false;
}

int64_t call_batch(const Call *c)
{
	for (size_t i = 0; i < c->code->input_count; i++) {
		const sslc_tensor *t = &c->code->input[i];
		if (strcmp(t->name, "seed") != 0 && strcmp(t->name, "step") != 0 && t->rank > 0)
			return t->dim[0];
	}
	return 0;
}
