/* embedded.c: the hand-written object of embedded.h. */
#include "embedded.h"

#include <stdlib.h>
#include <string.h>

/* Scratch is written to its last byte, so that what lies behind it would be seen to break. */
static EmbeddedStates *states_of(const StepBlock *b)
{
	if ((uintptr_t)b->states % 64 || (uintptr_t)b->arena % 64)
		abort();
	memset(b->arena, 0xa5, 100);
	return b->states;
}

static void init(const StepBlock *b)
{
	EmbeddedStates *s = states_of(b);
	const uint32_t *seed = b->inputs[0];
	for (int i = 0; i < 6; i++)
		s->w[i] = (float)(seed[0] + (uint32_t)i);
	for (int i = 0; i < 3; i++)
		s->b[i] = (float)seed[1];
}

static void add_tiles(void *args, ptrdiff_t begin, ptrdiff_t end)
{
	const StepBlock *b = args;
	EmbeddedStates *s = b->states;
	const float *x = b->inputs[1];
	for (ptrdiff_t i = begin; i < end; i++) {
		s->b[i] += x[i];
		s->m[i] += x[i];
	}
}

static void step(const StepBlock *b)
{
	EmbeddedStates *s = states_of(b);
	const int32_t *done = b->inputs[0];
	const float *x = b->inputs[1];
	if (b->outputs[0] == b->outputs[1]) /* not even where the caller wants neither */
		abort();
	if (b->parallel)
		b->parallel(b->pool, add_tiles, (void *)(uintptr_t)b, 3);
	else
		add_tiles((void *)(uintptr_t)b, 0, 3);
	s->count = *done + 1;
	*(float *)b->outputs[0] = x[0] + x[1] + x[2];
	memcpy(b->outputs[1], s->b, sizeof s->b);
}

static void encode(const StepBlock *b)
{
	const EmbeddedStates *s = states_of(b);
	const float *x = b->inputs[0];
	for (int i = 0; i < 3; i++)
		((float *)b->outputs[0])[i] = s->b[i] + x[i];
}

static const EmbedValue seed = {8, 4, EMBED_FROM_SEED};
static const EmbedValue step_inputs[] = {{4, 4, EMBED_FROM_STEP}, {12, 4, EMBED_FROM_CALLER}};
static const EmbedValue step_outputs[] = {{4, 4, 0}, {12, 4, 0}};
static const EmbedFunction init_function = {init, &seed, NULL, 1, 0, 0, 0};
const EmbedFunction embedded_step = {step, step_inputs, step_outputs, 2, 2, 1, 0};
const EmbedFunction embedded_encode = {encode, &step_inputs[1], &step_outputs[1], 1, 1, 0, 0};

#define AT(field) offsetof(EmbeddedStates, field), sizeof((EmbeddedStates *)NULL)->field
static const EmbedTensor tensors[TENSORS] = {
    {"encoder.0.w", "F32", AT(w), 2, EMBED_IS_PARAM, {2, 3}},
    {"encoder.0.b", "F32", AT(b), 1, EMBED_IS_PARAM, {3}},
    {"optimizer.count", "I32", AT(count), 0, EMBED_IS_OPTIMIZER, {0}},
    {"optimizer.m", "F32", AT(m), 1, EMBED_IS_OPTIMIZER, {3}},
    {"probe.w", "F64", AT(probe), 0, EMBED_IS_TASK | EMBED_IS_PARAM, {0}},
    {"mask", "U8", AT(mask), 1, 0, {2}},
};

const EmbedModel embedded = {
    .name = "by \"hand\"",
    .tensor = tensors,
    .init = &init_function,
    .hash = UINT64_C(0x0123456789abcdef),
    .states_bytes = sizeof(EmbeddedStates),
    .spare_bytes = 128,
    .arena_bytes = 100,
    .tensor_count = TENSORS,
};
_Static_assert(EMBEDDED_BYTES == EMBED_BLOCK_BYTES(sizeof(EmbeddedStates), 128, 100), "as is said");

void embedded_open(Embedded *e, uint32_t seed_low, uint32_t seed_high)
{
	memset(e, 0x5a, sizeof *e);
	if (embed_init(&embedded, e->block, sizeof e->block, seed_low, seed_high))
		abort();
}

EmbeddedStates *embedded_states(Embedded *e)
{
	return (EmbeddedStates *)(void *)(e->block + 64);
}

int32_t embedded_train(Embedded *e)
{
	static const float x[] = {1, 2, 3};
	return embed_call(&embedded, e->block, &embedded_step, (const void *const[]){x}, NULL);
}

int embedded_is_intact(const Embedded *e)
{
	for (size_t i = 0; i < sizeof e->before; i++)
		if (e->before[i] != 0x5a || e->behind[i] != 0x5a)
			return 0;
	return 1;
}
