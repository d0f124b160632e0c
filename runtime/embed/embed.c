/* embed.c: the block: initialise it, run functions in it, read and write its tensors. */
#include "inner.h"

const char *embed_message(int32_t code)
{
	switch (code) {
	case 0:
		return "done";
#define ERROR(name, code, text)                                                                    \
	case code:                                                                                     \
		return text;
#include "errors.def"
#undef ERROR
	default:
		return "not an error of this version";
	}
}

/* -- The block --------------------------------------------------------------------------------- */

static int32_t check_pointers(const EmbedModel *model, const void *block)
{
	if (!model || !block)
		return EMBED_NULL;
	return (uintptr_t)block & (EMBED_ALIGNED - 1) ? EMBED_ALIGN : 0;
}

int32_t embed_check(const EmbedModel *model, const void *block)
{
	const Head *head = block;
	int32_t wrong = check_pointers(model, block);
	if (wrong)
		return wrong;
	if (head->magic != EMBED_MAGIC)
		return EMBED_NOT_OPEN;
	return head->hash == model->hash ? 0 : EMBED_OTHER_MODEL;
}

unsigned char *embed_states(void *block)
{
	return (unsigned char *)block + EMBED_HEAD;
}

const unsigned char *embed_states_const(const void *block)
{
	return (const unsigned char *)block + EMBED_HEAD;
}

static unsigned char *spare_of(const EmbedModel *model, void *block)
{
	return embed_states(block) + EMBED_ROUND(model->states_bytes);
}

size_t embed_block_bytes(const EmbedModel *model)
{
	return model ? (size_t)EMBED_BLOCK_BYTES(model->states_bytes, model->spare_bytes,
	                                         model->arena_bytes)
	             : 0;
}

int32_t embed_init(const EmbedModel *model, void *block, size_t bytes, uint32_t seed_low,
                   uint32_t seed_high)
{
	int32_t wrong = check_pointers(model, block);
	if (wrong)
		return wrong;
	if (bytes < EMBED_BLOCK_BYTES(model->states_bytes, model->spare_bytes, model->arena_bytes))
		return EMBED_SMALL;
	int32_t variant = model->variant ? model->variant() : 0;
	if (variant < 0)
		return EMBED_PROCESSOR;
	Head *head = block;
	head->hash = model->hash;
	head->magic = EMBED_MAGIC;
	head->step = 0;
	head->seed[0] = seed_low;
	head->seed[1] = seed_high;
	head->is_ready = model->weights || model->init || !model->tensor_count;
	head->variant = (uint32_t)variant;
	head->pool = NULL;
	head->parallel = NULL;
	size_t size = (size_t)model->states_bytes;
	unsigned char *states = embed_states(block);
	if (model->weights) {
		embed_copy(states, model->weights, size);
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		states[i] = 0;
	return model->init ? embed_call(model, block, model->init, NULL, NULL) : 0;
}

int32_t embed_parallel(const EmbedModel *model, void *block, void *pool, StepParallel parallel)
{
	int32_t wrong = embed_check(model, block);
	Head *head = block;
	if (wrong)
		return wrong;
	head->pool = pool;
	head->parallel = parallel;
	return 0;
}

int32_t embed_steps(const EmbedModel *model, const void *block)
{
	int32_t wrong = embed_check(model, block);
	if (wrong)
		return wrong;
	int32_t all = ((const Head *)block)->step;
	const void *counts = embed_states_const(block) + (size_t)model->counts_at;
	for (uint32_t i = 0; i < model->tasks; i++) {
		int32_t more = ((const int32_t *)counts)[i];
		all = more > INT32_MAX - all ? INT32_MAX : all + more;
	}
	return all;
}

/* -- Calls ------------------------------------------------------------------------------------- */

/* Steps done of the training that the function belongs to. */
static int32_t *steps_of(const EmbedModel *model, void *block, const EmbedFunction *function)
{
	void *counts = embed_states(block) + (size_t)model->counts_at;
	return function->training ? (int32_t *)counts + (function->training - 1)
	                          : &((Head *)block)->step;
}

static int32_t check_value(const EmbedValue *value, const void *at)
{
	if (!at)
		return EMBED_NULL;
	return (uintptr_t)at & (value->align - 1) ? EMBED_ALIGN : 0;
}

static int32_t set_inputs(const EmbedFunction *function, const Head *head, const int32_t *steps,
                          const void *const *given, const void **input)
{
	for (uint32_t i = 0; i < function->input_count; i++) {
		const EmbedValue *value = &function->input[i];
		int32_t wrong = 0;
		if (value->from == EMBED_FROM_SEED)
			input[i] = head->seed;
		else if (value->from == EMBED_FROM_STEP)
			input[i] = steps;
		else if (!given)
			wrong = EMBED_NULL;
		else
			wrong = check_value(value, input[i] = *given++);
		if (wrong)
			return wrong;
	}
	return 0;
}

/* Outputs that are not wanted are written all the same: kernels may read them again. What a function
 * is called for alone, it must have room for. */
static int32_t set_outputs(const EmbedFunction *function, void *const *results,
                           unsigned char *spare, void **output)
{
	for (uint32_t i = 0; i < function->output_count; i++) {
		const EmbedValue *value = &function->output[i];
		bool is_wanted = results && results[i];
		if (!is_wanted && embed_is_sole(function->output_count, function->is_step))
			return EMBED_NULL;
		output[i] = is_wanted ? results[i] : spare;
		spare += is_wanted ? 0 : (size_t)EMBED_ROUND(value->bytes);
		int32_t wrong = check_value(value, output[i]);
		if (wrong)
			return wrong;
	}
	return 0;
}

int32_t embed_call(const EmbedModel *model, void *block, const EmbedFunction *function,
                   const void *const *given, void *const *results)
{
	int32_t wrong = embed_check(model, block);
	if (wrong)
		return wrong;
	if (!function)
		return EMBED_NULL;
	Head *head = block;
	if (!head->is_ready)
		return EMBED_EMPTY;
	int32_t *steps = steps_of(model, block, function);
	if (function->is_step && *steps == INT32_MAX)
		return EMBED_STEPS;
	const void *input[EMBED_MOST_VALUES];
	void *output[EMBED_MOST_VALUES];
	unsigned char *spare = spare_of(model, block);
	if ((wrong = set_inputs(function, head, steps, given, input)) ||
	    (wrong = set_outputs(function, results, spare, output)))
		return wrong;
	StepBlock step = {
	    .arena = spare + EMBED_ROUND(model->spare_bytes),
	    .states = embed_states(block),
	    .inputs = input,
	    .outputs = output,
	    .pool = head->pool,
	    .parallel = head->parallel,
	};
	function[head->variant].call(&step);
	*steps += function->is_step ? 1 : 0;
	return 0;
}

/* -- Tensors ----------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

int32_t embed_find(const EmbedModel *model, const char *name)
{
	if (!model || !name)
		return EMBED_NULL;
	for (uint32_t i = 0; i < model->tensor_count; i++)
		if (same_text(model->tensor[i].name, name))
			return (int32_t)i;
	return EMBED_TENSOR;
}

size_t embed_tensor_bytes(const EmbedModel *model, uint32_t tensor)
{
	return model && tensor < model->tensor_count ? (size_t)model->tensor[tensor].bytes : 0;
}

static int32_t check_tensor(const EmbedModel *model, const void *block, uint32_t tensor,
                            const void *other, size_t bytes)
{
	int32_t wrong = embed_check(model, block);
	if (wrong)
		return wrong;
	if (tensor >= model->tensor_count)
		return EMBED_TENSOR;
	if (bytes != model->tensor[tensor].bytes)
		return EMBED_BYTES;
	return other ? 0 : EMBED_NULL;
}

int32_t embed_read(const EmbedModel *model, const void *block, uint32_t tensor, void *to,
                   size_t bytes)
{
	int32_t wrong = check_tensor(model, block, tensor, to, bytes);
	if (!wrong)
		embed_copy(to, embed_states_const(block) + (size_t)model->tensor[tensor].offset, bytes);
	return wrong;
}

int32_t embed_write(const EmbedModel *model, void *block, uint32_t tensor, const void *from,
                    size_t bytes)
{
	int32_t wrong = check_tensor(model, block, tensor, from, bytes);
	if (!wrong)
		embed_copy(embed_states(block) + (size_t)model->tensor[tensor].offset, from, bytes);
	return wrong;
}
