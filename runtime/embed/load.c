/* load.c: states from the bytes of a safetensors file.
 *
 * Nothing is kept of the header but where it is: it is read anew for every tensor, because there is
 * no memory to keep it in. All checks come first; then the bytes are copied. What is taken for a
 * file of sslc run is what runtime/train/safetensors.c writes, and the other way round. */
#include "inner.h"
#include "json.h"

enum { MOST_ENTRIES = 4096 }; /* more are read, but no model has so many: a bound on time */

typedef struct File {
	const unsigned char *header, *data;
	size_t header_bytes, data_bytes;
} File;

/* A tensor of the file. */
typedef struct Entry {
	JsonText name, dtype;
	size_t begin, end; /* in the data */
	size_t dim[EMBED_MOST_RANK];
	uint32_t rank; /* more than EMBED_MOST_RANK: too many */
} Entry;

typedef struct Cursor {
	Json json;
	bool is_first, has_metadata;
	bool has_checksum; /* in the metadata */
} Cursor;

static Cursor begin(const File *f)
{
	Cursor c;
	c.json.at = f->header;
	c.json.end = f->header + f->header_bytes;
	c.json.is_bad = false;
	c.is_first = true;
	c.has_metadata = c.has_checksum = false;
	embed_json_want(&c.json, '{');
	return c;
}

static void skip_metadata(Cursor *c)
{
	Json *j = &c->json;
	if (c->has_metadata)
		j->is_bad = true;
	c->has_metadata = true;
	embed_json_want(j, '{');
	for (bool first = true; embed_json_more(j, first, '}'); first = false) {
		if (embed_json_equal(embed_json_text(j), EMBED_CHECKSUM))
			c->has_checksum = true;
		embed_json_want(j, ':');
		embed_json_text(j);
	}
}

static void read_shape(Json *j, Entry *e)
{
	embed_json_want(j, '[');
	for (e->rank = 0; embed_json_more(j, e->rank == 0, ']'); e->rank++) {
		size_t dim = embed_json_number(j);
		if (e->rank < EMBED_MOST_RANK)
			e->dim[e->rank] = dim;
	}
}

static void read_offsets(Json *j, Entry *e)
{
	embed_json_want(j, '[');
	e->begin = embed_json_number(j);
	embed_json_want(j, ',');
	e->end = embed_json_number(j);
	embed_json_want(j, ']');
}

/* {"dtype": ..., "shape": ..., "data_offsets": ...}: each once, in any order. */
static void read_entry(Json *j, Entry *e)
{
	uint32_t seen = 0;
	embed_json_want(j, '{');
	for (bool first = true; embed_json_more(j, first, '}'); first = false) {
		JsonText key = embed_json_text(j);
		uint32_t is = embed_json_equal(key, "dtype")          ? 1
		              : embed_json_equal(key, "shape")        ? 2
		              : embed_json_equal(key, "data_offsets") ? 4
		                                                      : 0;
		embed_json_want(j, ':');
		if (is == 1)
			e->dtype = embed_json_text(j);
		else if (is == 2)
			read_shape(j, e);
		else if (is == 4)
			read_offsets(j, e);
		if (!is || seen & is)
			j->is_bad = true;
		seen |= is;
	}
	if (seen != 7)
		j->is_bad = true;
}

/* False behind the last entry, and when the header is bad. */
static bool next(Cursor *c, Entry *e)
{
	Json *j = &c->json;
	while (embed_json_more(j, c->is_first, '}')) {
		c->is_first = false;
		e->name = embed_json_text(j);
		embed_json_want(j, ':');
		if (!embed_json_equal(e->name, "__metadata__")) {
			read_entry(j, e);
			return !j->is_bad;
		}
		skip_metadata(c);
	}
	return false;
}

/* -- The file by itself ------------------------------------------------------------------------ */

static int32_t check_header(const File *f)
{
	Cursor c = begin(f);
	Entry e;
	size_t sum = 0, count = 0;
	int32_t wrong = 0;
	while (next(&c, &e)) {
		if (++count > MOST_ENTRIES)
			return EMBED_SAFETENSORS;
		if (e.begin > e.end || e.end > f->data_bytes || e.end - e.begin > f->data_bytes - sum)
			wrong = EMBED_OFFSETS;
		else
			sum += e.end - e.begin;
	}
	if (!embed_json_ended(&c.json))
		return EMBED_SAFETENSORS;
	return wrong ? wrong : sum == f->data_bytes ? 0 : EMBED_OFFSETS;
}

/* Finds the entry that begins at `at` and is not empty, from the cursor on, then from the start. */
static bool entry_at(const File *f, Cursor *c, size_t at, Entry *e)
{
	for (int pass = 0; pass < 2; pass++) {
		while (next(c, e))
			if (e->begin == at && e->end > at)
				return true;
		*c = begin(f);
	}
	return false;
}

/* That the tensors follow each other from the first byte to the last: since they have as many bytes
 * as there are, none of them overlap then. */
static int32_t check_cover(const File *f)
{
	Cursor c = begin(f);
	Entry e;
	for (size_t at = 0; at < f->data_bytes; at = e.end)
		if (!entry_at(f, &c, at, &e))
			return EMBED_OFFSETS;
	return 0;
}

static bool begins_with(const unsigned char *at, size_t bytes, const char *text)
{
	for (; *text; text++, at++, bytes--)
		if (!bytes || *at != (unsigned char)*text)
			return false;
	return true;
}

static int32_t check_sum(const File *f)
{
	Cursor c = begin(f);
	Entry e;
	while (next(&c, &e))
		;
	if (!c.has_checksum)
		return 0;
	if (!begins_with(f->header, f->header_bytes, EMBED_CHECKED) ||
	    8 + f->header_bytes < EMBED_DIGITS_AT + EMBED_DIGITS)
		return EMBED_DAMAGED;
	const unsigned char *file = f->header - 8;
	char digits[EMBED_DIGITS];
	embed_digits(file, 8 + f->header_bytes + f->data_bytes, digits);
	for (int i = 0; i < EMBED_DIGITS; i++)
		if (file[EMBED_DIGITS_AT + i] != (unsigned char)digits[i])
			return EMBED_DAMAGED;
	return 0;
}

static int32_t open_file(File *f, const unsigned char *file, size_t bytes)
{
	if (!file)
		return EMBED_NULL;
	if (bytes < 8)
		return EMBED_TRUNCATED;
	uint64_t header = embed_get64(file);
	if (header > bytes - 8)
		return EMBED_TRUNCATED;
	f->header = file + 8;
	f->header_bytes = (size_t)header;
	f->data = f->header + f->header_bytes;
	f->data_bytes = bytes - 8 - f->header_bytes;
	int32_t wrong = check_header(f);
	if (!wrong)
		wrong = check_sum(f);
	return wrong ? wrong : check_cover(f);
}

/* -- The file against the model ---------------------------------------------------------------- */

/* How often the file has the tensor, and its first entry. */
static int find(const File *f, const EmbedTensor *t, Entry *found)
{
	Cursor c = begin(f);
	Entry another;
	int count = 0;
	while (next(&c, count ? &another : found))
		count += embed_json_equal((count ? &another : found)->name, t->name);
	return count;
}

/* By the bits without the sign, in which infinity and then NaN are behind all others. */
static bool is_finite(const EmbedTensor *t, const unsigned char *at)
{
	const bool is_f64 = t->dtype[0] == 'F' && t->dtype[1] == '6';
	const bool is_f32 = t->dtype[0] == 'F' && t->dtype[1] == '3';
	const uint32_t least = t->flags & EMBED_IS_PARAM ? 0 : 1; /* of what is wrong, over infinity */
	for (size_t i = 0; is_f32 && i < t->bytes; i += 4)
		if ((embed_get32(at + i) & 0x7fffffff) >= 0x7f800000 + least)
			return false;
	for (size_t i = 0; is_f64 && i < t->bytes; i += 8)
		if ((embed_get64(at + i) & (UINT64_MAX >> 1)) >= (UINT64_C(0x7ff) << 52) + least)
			return false;
	return true;
}

static int32_t check_entry(const File *f, const EmbedTensor *t, const Entry *e)
{
	if (!embed_json_equal(e->dtype, t->dtype))
		return EMBED_TYPE;
	if (e->rank != t->rank)
		return EMBED_SHAPE;
	for (uint32_t i = 0; i < t->rank; i++)
		if (e->dim[i] != t->dim[i])
			return EMBED_SHAPE;
	if (e->end - e->begin != t->bytes)
		return EMBED_OFFSETS;
	return is_finite(t, f->data + e->begin) ? 0 : EMBED_NOT_FINITE;
}

static int32_t check_tensors(const EmbedModel *model, const File *f, uint32_t what)
{
	uint32_t taken = 0;
	for (uint32_t i = 0; i < model->tensor_count; i++) {
		const EmbedTensor *t = &model->tensor[i];
		Entry e;
		if (!embed_is_wanted(t, what))
			continue;
		int count = find(f, t, &e);
		if (count > 1)
			return EMBED_TWICE;
		if (!count && what & EMBED_NEED_ALL)
			return EMBED_MISSING;
		int32_t wrong = count ? check_entry(f, t, &e) : 0;
		if (wrong)
			return wrong;
		taken += count ? 1 : 0;
	}
	return taken ? 0 : EMBED_NOTHING;
}

static bool has_tensor(const EmbedModel *model, JsonText name)
{
	for (uint32_t i = 0; i < model->tensor_count; i++)
		if (embed_json_equal(name, model->tensor[i].name))
			return true;
	return false;
}

static int32_t check_others(const EmbedModel *model, const File *f)
{
	Cursor c = begin(f);
	Entry e;
	while (next(&c, &e))
		if (!has_tensor(model, e.name))
			return EMBED_FOREIGN;
	return 0;
}

int32_t embed_load(const EmbedModel *model, void *block, const void *file, size_t bytes,
                   uint32_t what)
{
	const uint32_t known =
	    EMBED_WITH_OPTIMIZER | EMBED_WITH_TASKS | EMBED_NEED_ALL | EMBED_NO_OTHERS;
	File f;
	int32_t wrong = embed_check(model, block);
	if (!wrong && what & ~known)
		wrong = EMBED_FLAGS;
	if (!wrong)
		wrong = open_file(&f, file, bytes);
	if (!wrong && what & EMBED_NO_OTHERS)
		wrong = check_others(model, &f);
	if (!wrong)
		wrong = check_tensors(model, &f, what);
	if (wrong)
		return wrong;
	for (uint32_t i = 0; i < model->tensor_count; i++) {
		const EmbedTensor *t = &model->tensor[i];
		Entry e;
		if (embed_is_wanted(t, what) && find(&f, t, &e))
			embed_copy(embed_states(block) + (size_t)t->offset, f.data + e.begin, (size_t)t->bytes);
	}
	Head *head = block;
	head->is_ready |= what & EMBED_NEED_ALL ? 1 : 0;
	return 0;
}
