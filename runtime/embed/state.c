/* state.c: the whole state of a block as bytes: to power down, to move to another machine, to go
 * back.
 *
 * Little-endian: 8 bytes of magic with the format's version, the model's hash (8), bytes of states
 * (8), the seed (8), steps done of pre-training (4), CRC-32 of all with zeros in its own place (4), the states. */
#include "inner.h"

#define SAVED_MAGIC UINT64_C(0x31564153434c5353) /* "SSLCSAV1" */
enum { HASH_AT = 8, SIZE_AT = 16, SEED_AT = 24, STEP_AT = 32, CRC_AT = 36, STATES_AT = 40 };

size_t embed_save_bytes(const EmbedModel *model)
{
	return model ? STATES_AT + (size_t)model->states_bytes : 0;
}

static uint32_t saved_crc(const unsigned char *saved, size_t bytes)
{
	static const unsigned char zeros[STATES_AT - CRC_AT] = {0};
	uint32_t crc = embed_crc(0, saved, CRC_AT);
	crc = embed_crc(crc, zeros, sizeof zeros);
	return embed_crc(crc, saved + STATES_AT, bytes - STATES_AT);
}

int32_t embed_save(const EmbedModel *model, const void *block, void *to, size_t bytes)
{
	int32_t wrong = embed_check(model, block);
	if (wrong)
		return wrong;
	const Head *head = block;
	unsigned char *out = to;
	size_t size = embed_save_bytes(model);
	if (!head->is_ready)
		return EMBED_EMPTY;
	if (!out)
		return EMBED_NULL;
	if (bytes < size)
		return EMBED_SMALL;
	embed_put64(out, SAVED_MAGIC);
	embed_put64(out + HASH_AT, model->hash);
	embed_put64(out + SIZE_AT, model->states_bytes);
	embed_put32(out + SEED_AT, head->seed[0]);
	embed_put32(out + SEED_AT + 4, head->seed[1]);
	embed_put32(out + STEP_AT, (uint32_t)head->step);
	embed_copy(out + STATES_AT, embed_states_const(block), (size_t)model->states_bytes);
	embed_put32(out + CRC_AT, saved_crc(out, size));
	return 0;
}

/* A number of steps is none below 0. */
static bool has_counts(const EmbedModel *model, const unsigned char *in)
{
	bool good = embed_get32(in + STEP_AT) <= INT32_MAX;
	for (uint32_t i = 0; i < model->tasks; i++)
		good &= embed_get32(in + STATES_AT + (size_t)model->counts_at + 4 * (size_t)i) <= INT32_MAX;
	return good;
}

static int32_t check_saved(const EmbedModel *model, const unsigned char *in, size_t bytes)
{
	if (!in)
		return EMBED_NULL;
	if (bytes < 8 || embed_get64(in) != SAVED_MAGIC)
		return EMBED_SAVED;
	if (bytes < STATES_AT)
		return EMBED_TRUNCATED;
	if (embed_get64(in + HASH_AT) != model->hash ||
	    embed_get64(in + SIZE_AT) != model->states_bytes)
		return EMBED_OTHER_MODEL;
	if (bytes != embed_save_bytes(model))
		return EMBED_TRUNCATED;
	return embed_get32(in + CRC_AT) == saved_crc(in, bytes) && has_counts(model, in)
	           ? 0
	           : EMBED_DAMAGED;
}

int32_t embed_restore(const EmbedModel *model, void *block, const void *from, size_t bytes)
{
	const unsigned char *in = from;
	int32_t wrong = embed_check(model, block);
	if (wrong || (wrong = check_saved(model, in, bytes)))
		return wrong;
	Head *head = block;
	head->seed[0] = embed_get32(in + SEED_AT);
	head->seed[1] = embed_get32(in + SEED_AT + 4);
	head->step = (int32_t)embed_get32(in + STEP_AT);
	head->is_ready = 1;
	embed_copy(embed_states(block), in + STATES_AT, (size_t)model->states_bytes);
	return 0;
}
