/* export.c: the states as a safetensors file: 8 bytes of header length, a JSON header, the tensors
 * without holes, in the order of the table. The header is written twice by the same text: first to
 * count its bytes. */
#include "inner.h"

bool embed_is_wanted(const EmbedTensor *tensor, uint32_t what)
{
	return !(tensor->flags & ~what & (EMBED_IS_OPTIMIZER | EMBED_IS_TASK));
}

typedef struct Out {
	unsigned char *at; /* NULL: only counts */
	size_t used;
} Out;

static void put(Out *o, char letter)
{
	if (o->at)
		o->at[o->used] = (unsigned char)letter;
	o->used++;
}

static void put_text(Out *o, const char *text)
{
	while (*text)
		put(o, *text++);
}

/* As a JSON text; the bytes of UTF-8 stand for themselves. */
static void put_quoted(Out *o, const char *text)
{
	put(o, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < ' ') {
			put_text(o, "\\u00");
			put(o, "01"[c >> 4]);
			put(o, "0123456789abcdef"[c & 15]);
			continue;
		}
		if (c == '"' || c == '\\')
			put(o, '\\');
		put(o, (char)c);
	}
	put(o, '"');
}

/* In at least `digits`. By subtraction: a machine of 32 bits has no division of 64, and a small one
 * none at all. */
static void put_number(Out *o, uint64_t value, int digits)
{
	static const uint64_t power[] = {
	    UINT64_C(10000000000000000000),
	    UINT64_C(1000000000000000000),
	    UINT64_C(100000000000000000),
	    UINT64_C(10000000000000000),
	    UINT64_C(1000000000000000),
	    UINT64_C(100000000000000),
	    UINT64_C(10000000000000),
	    UINT64_C(1000000000000),
	    UINT64_C(100000000000),
	    UINT64_C(10000000000),
	    1000000000,
	    100000000,
	    10000000,
	    1000000,
	    100000,
	    10000,
	    1000,
	    100,
	    10,
	    1,
	};
	enum { POWERS = sizeof power / sizeof *power };
	bool began = false;
	for (int i = 0; i < POWERS; i++) {
		char digit = '0';
		for (; value >= power[i]; digit++)
			value -= power[i];
		began = began || digit > '0' || POWERS - i <= digits;
		if (began)
			put(o, digit);
	}
}

static void put_tensor(Out *o, const EmbedTensor *t, uint64_t offset)
{
	put(o, ',');
	put_quoted(o, t->name);
	put_text(o, ":{\"dtype\":");
	put_quoted(o, t->dtype);
	put_text(o, ",\"shape\":[");
	for (uint32_t i = 0; i < t->rank; i++) {
		if (i)
			put(o, ',');
		put_number(o, t->dim[i], 1);
	}
	put_text(o, "],\"data_offsets\":[");
	put_number(o, offset, 1);
	put(o, ',');
	put_number(o, offset + t->bytes, 1);
	put_text(o, "]}");
}

/* Steps are of a fixed width, so that the length depends on nothing but the model and `what`. */
static void put_header(Out *o, const EmbedModel *model, uint32_t what, int32_t step)
{
	uint64_t offset = 0;
	put_text(o, EMBED_CHECKED "00000000\",\"name\":");
	put_quoted(o, model->name);
	put_text(o, ",\"step\":\"");
	put_number(o, (uint64_t)step, 10);
	put_text(o, "\"}");
	for (uint32_t i = 0; i < model->tensor_count; i++) {
		const EmbedTensor *t = &model->tensor[i];
		if (!embed_is_wanted(t, what))
			continue;
		put_tensor(o, t, offset);
		offset += t->bytes;
	}
	put(o, '}');
	while (o->used & 7)
		put(o, ' ');
}

static size_t header_bytes(const EmbedModel *model, uint32_t what)
{
	Out count;
	count.at = NULL;
	count.used = 0;
	put_header(&count, model, what, 0);
	return count.used;
}

static bool is_known(uint32_t what)
{
	return !(what & ~(uint32_t)(EMBED_WITH_OPTIMIZER | EMBED_WITH_TASKS));
}

size_t embed_export_bytes(const EmbedModel *model, uint32_t what)
{
	if (!model || !is_known(what))
		return 0;
	size_t bytes = 8 + header_bytes(model, what);
	for (uint32_t i = 0; i < model->tensor_count; i++)
		if (embed_is_wanted(&model->tensor[i], what))
			bytes += (size_t)model->tensor[i].bytes;
	return bytes;
}

int32_t embed_export(const EmbedModel *model, const void *block, void *to, size_t bytes,
                     uint32_t what)
{
	int32_t wrong = embed_check(model, block);
	if (wrong)
		return wrong;
	const Head *head = block;
	unsigned char *file = to;
	size_t size = embed_export_bytes(model, what);
	if (!head->is_ready)
		return EMBED_EMPTY;
	if (!file)
		return EMBED_NULL;
	if (!size)
		return EMBED_FLAGS;
	if (bytes < size)
		return EMBED_SMALL;
	Out out = {file + 8, 0};
	put_header(&out, model, what, head->step);
	embed_put64(file, out.used);
	unsigned char *data = file + 8 + out.used;
	for (uint32_t i = 0; i < model->tensor_count; i++) {
		const EmbedTensor *t = &model->tensor[i];
		if (!embed_is_wanted(t, what))
			continue;
		embed_copy(data, embed_states_const(block) + (size_t)t->offset, (size_t)t->bytes);
		data += (size_t)t->bytes;
	}
	char digits[EMBED_DIGITS];
	embed_digits(file, size, digits);
	embed_copy(file + EMBED_DIGITS_AT, digits, EMBED_DIGITS);
	return 0;
}
