/* exchange.c: weights in files of other programs, by a table of "names" that the compiler has worked
 * out (sslc_names): their names, shapes and layout against the states of the model.
 *
 * A state may be several tensors of theirs (query, key and value apart); then all of them or none
 * are in the file, and every element of the state is in exactly one. */
#include "train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- Numbers of files -------------------------------------------------------------------------- */

static float of_bits(uint32_t bits)
{
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

/* IEEE 754 binary16. */
static float of_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31, rest = h & 0x3ffu;
	if (exponent == 31)
		return of_bits(sign | 0x7f800000u | rest << 13);
	if (exponent)
		return of_bits(sign | (exponent + 112) << 23 | rest << 13);
	float small = ldexpf((float)rest, -24);
	return sign ? -small : small;
}

/* Element i of a tensor of floats, which may be at any address. */
static float float_at(const SafeTensor *t, int64_t i)
{
	const unsigned char *at = t->at;
	double wide;
	uint16_t half;
	uint32_t bits;
	if (strcmp(t->type, "f64") == 0) {
		memcpy(&wide, at + i * 8, 8);
		return (float)wide;
	}
	if (strcmp(t->type, "f32") == 0) {
		memcpy(&bits, at + i * 4, 4);
		return of_bits(bits);
	}
	memcpy(&half, at + i * 2, 2);
	return strcmp(t->type, "bf16") == 0 ? of_bits((uint32_t)half << 16) : of_half(half);
}

static bool is_float(const char *type)
{
	return strcmp(type, "f32") == 0 || strcmp(type, "f64") == 0 || strcmp(type, "bf16") == 0 ||
	       strcmp(type, "f16") == 0;
}

static int64_t elements(const sslc_tensor *t)
{
	int64_t n = 1;
	for (int i = 0; i < t->rank; i++)
		n *= t->dim[i];
	return n;
}

/* -- Reading ----------------------------------------------------------------------------------- */

static bool fits(const SafeTensor *from, const sslc_tensor *to)
{
	bool same_type = strcmp(from->type, to->dtype) == 0 ||
	                 (strcmp(to->dtype, "f32") == 0 && is_float(from->type));
	return same_type && from->rank == to->rank &&
	       memcmp(from->dim, to->dim, (size_t)to->rank * sizeof *to->dim) == 0;
}

static bool no_memory(Failure *f)
{
	return fail(f, FAILURE_SYSTEM, "no memory to lay out the weights");
}

/* The order of item i: NULL and true where it is that of the state. */
static bool order_of(const sslc_names *n, size_t i, int64_t **order, Failure *f)
{
	const sslc_named *item = &n->at[i];
	*order = NULL;
	if (!item->is_moved)
		return true;
	*order = malloc(((size_t)elements(&item->tensor) + 1) * sizeof **order);
	if (!*order)
		return no_memory(f);
	if (n->order(n->context, i, *order))
		return true;
	free(*order);
	*order = NULL;
	*f = (Failure){.kind = FAILURE_WRONG};
	return false;
}

typedef struct Import {
	Engine *engine;
	const SafeFile *file;
	const char *path;
	const sslc_names *names;
	bool *used; /* [file->count] */
	Failure *failure;
} Import;

static const SafeTensor *tensor_of(const Import *m, size_t i)
{
	return safe_tensor(m->file, m->names->at[i].tensor.name);
}

static bool wrong_shape(const Import *m, size_t i, const SafeTensor *from)
{
	char theirs[TENSOR_TEXT], ours[TENSOR_TEXT];
	const sslc_named *item = &m->names->at[i];
	tensor_text(from->type, from->rank, from->dim, theirs);
	tensor_text(item->tensor.dtype, item->tensor.rank, item->tensor.dim, ours);
	fail(m->failure, FAILURE_WRONG, "'%s' is %s in %s, but '%s' of the model makes it %s",
	     item->tensor.name, theirs, m->path, item->state->tensor.name, ours);
	return fail_help(m->failure,
	                 "the networks must have the same layers; sslc check --names %s "
	                 "lists both shapes",
	                 m->names->table);
}

/* Copies item i into its state; `seen` counts how often each element of the state was set. */
static bool copy_item(Import *m, size_t i, unsigned char *seen)
{
	const sslc_named *item = &m->names->at[i];
	const SafeTensor *from = tensor_of(m, i);
	unsigned char *to = engine_state(m->engine, item->state);
	int64_t *order;
	m->used[from - m->file->tensor] = true;
	if (!fits(from, &item->tensor))
		return wrong_shape(m, i, from);
	if (!order_of(m->names, i, &order, m->failure))
		return false;
	int64_t count = elements(&item->tensor);
	size_t size = count ? item->tensor.bytes / (size_t)count : 0;
	bool converts = strcmp(item->tensor.dtype, "f32") == 0;
	for (int64_t k = 0; k < count; k++) {
		int64_t at = order ? order[k] : k;
		float x = converts ? float_at(from, k) : 0;
		memcpy(to + (size_t)at * size,
		       converts ? (const void *)&x : (const unsigned char *)from->at + (size_t)k * size,
		       size);
		seen[at] += seen[at] < 2;
	}
	free(order);
	return true;
}

static bool whole(Import *m, const sslc_state *state, const unsigned char *seen)
{
	int64_t count = elements(&state->tensor), none = 0, twice = 0;
	for (int64_t k = 0; k < count; k++) {
		none += seen[k] == 0;
		twice += seen[k] == 2;
	}
	if (!none && !twice) {
		int64_t bad = state_bad_at(m->engine, state);
		if (bad < 0)
			return true;
		fail(m->failure, FAILURE_WRONG,
		     "'%s' from %s holds a number that is not finite, at index %" PRId64,
		     state->tensor.name, m->path, bad);
		return fail_help(m->failure, "these are the weights of a training that diverged");
	}
	fail(m->failure, FAILURE_WRONG, "of the %" PRId64 " elements of '%s', %" PRId64 " are in %s",
	     count, state->tensor.name, none ? none : twice,
	     none ? "no tensor of theirs" : "more than one tensor of theirs");
	return fail_help(m->failure, "mend the rules of \"%s\" in \"names\"", m->names->table);
}

/* The items first to end - 1 are of one state. `taken`: they are in the file. */
static bool take_state(Import *m, size_t first, size_t end, bool *taken)
{
	const sslc_state *state = m->names->at[first].state;
	size_t parts = 0, there = 0, missing = first;
	for (size_t i = first; i < end; i++) {
		const SafeTensor *t = tensor_of(m, i);
		if (m->names->at[i].is_number) {
			if (t)
				m->used[t - m->file->tensor] = true;
			continue;
		}
		parts++;
		there += t != NULL;
		missing = t ? missing : i;
	}
	*taken = parts && there == parts;
	if (there && there < parts)
		return fail(m->failure, FAILURE_WRONG, "%s has no '%s', but others of '%s'", m->path,
		            m->names->at[missing].tensor.name, state->tensor.name);
	if (!*taken)
		return true;
	unsigned char *seen = calloc((size_t)elements(&state->tensor) + 1, 1);
	bool good = seen || no_memory(m->failure);
	for (size_t i = first; good && i < end; i++)
		good = m->names->at[i].is_number || copy_item(m, i, seen);
	good = good && whole(m, state, seen);
	free(seen);
	return good;
}

static size_t end_of_state(const sslc_names *n, size_t first)
{
	size_t end = first;
	while (end < n->count && n->at[end].state == n->at[first].state)
		end++;
	return end;
}

static bool lacking(const Import *m, size_t i)
{
	fail(m->failure, FAILURE_WRONG, "%s has no '%s', which is '%s' of the model", m->path,
	     m->names->at[i].tensor.name, m->names->at[i].state->tensor.name);
	return fail_help(m->failure, "sslc check --names %s lists all that are looked for",
	                 m->names->table);
}

/* A moving average goes on from what it follows, unless the file has it, too: states follow their own. */
static void begin_average(const Import *m, const sslc_state *of)
{
	const sslc_model *model = m->engine->model;
	size_t size = strlen(of->tensor.name);
	for (size_t i = 0; i < model->state_count; i++) {
		const sslc_state *s = &model->state[i];
		if (strncmp(s->tensor.name, of->tensor.name, size) == 0 &&
		    strcmp(s->tensor.name + size, ".ema") == 0)
			memcpy(engine_state(m->engine, s), engine_state(m->engine, of), of->tensor.bytes);
	}
}

static bool take_states(Import *m, bool all, Loaded *said)
{
	const sslc_names *n = m->names;
	for (size_t i = 0, end; i < n->count; i = end) {
		bool taken;
		end = end_of_state(n, i);
		if (!take_state(m, i, end, &taken) || (!taken && all && !lacking(m, i)))
			return false;
		if (taken && !all)
			begin_average(m, n->at[i].state);
		loaded_count(said, n->at[i].state->tensor.name, taken);
	}
	for (size_t i = 0; i < m->file->count; i++)
		if (!m->used[i] && !said->unused++)
			snprintf(said->unused_name, sizeof said->unused_name, "%s", m->file->tensor[i].name);
	if (said->taken)
		return true;
	fail(m->failure, FAILURE_WRONG, "%s has no tensor that the names of '%s' look for", m->path,
	     n->table);
	return fail_help(m->failure, "sslc check --names %s lists them", n->table);
}

bool weights_import(Engine *e, const char *path, const sslc_names *names, bool all, Loaded *said,
                    Failure *f)
{
	SafeFile file = {0};
	char why[WHY];
	Loaded unused;
	said = said ? said : &unused;
	*said = (Loaded){0};
	if (!safe_read(path, &file, why))
		return fail(f, FAILURE_WRONG, "%s", why);
	Import m = {e, &file, path, names, calloc(file.count + 1, sizeof(bool)), f};
	bool good = m.used ? take_states(&m, all, said) : no_memory(f);
	free(m.used);
	safe_close(&file);
	return good;
}

void loaded_count(Loaded *l, const char *state, bool taken)
{
	bool all_named = l->left_named == l->wanted - l->taken;
	size_t used = strlen(l->left), room = sizeof l->left - used;
	l->wanted++;
	l->taken += taken;
	if (taken || !all_named)
		return;
	if (snprintf(l->left + used, room, "%s%s", used ? ", " : "", state) < (int)room)
		l->left_named++;
	else
		l->left[used] = 0;
}

void loaded_text(const Loaded *l, const char *path, char text[1024])
{
	int used = snprintf(text, 1024, "%zu of %zu states from %.300s", l->taken, l->wanted, path);
	size_t left = l->wanted - l->taken;
	if (left)
		used += snprintf(text + used, 1024 - (size_t)used, "; random: %s", l->left);
	if (left > l->left_named && l->left_named)
		used += snprintf(text + used, 1024 - (size_t)used, " and %zu more", left - l->left_named);
	else if (left > l->left_named)
		used += snprintf(text + used, 1024 - (size_t)used, "%zu with long names", left);
	if (l->unused)
		snprintf(text + used, 1024 - (size_t)used, "; of no use: %s%s", l->unused_name,
		         l->unused > 1 ? ", ..." : "");
}

/* -- Writing ----------------------------------------------------------------------------------- */

/* Their tensor in memory of its own. */
static void *make_tensor(const Engine *e, const sslc_names *names, size_t i, Failure *f)
{
	const sslc_named *item = &names->at[i];
	unsigned char *made = malloc(item->tensor.bytes + 1);
	if (!made) {
		no_memory(f);
		return NULL;
	}
	if (item->is_number) {
		memcpy(made, &item->number, sizeof item->number);
		return made;
	}
	const unsigned char *state = engine_state(e, item->state);
	int64_t *order, count = elements(&item->tensor);
	size_t size = count ? item->tensor.bytes / (size_t)count : 0;
	if (!order_of(names, i, &order, f)) {
		free(made);
		return NULL;
	}
	for (int64_t k = 0; k < count; k++)
		memcpy(made + (size_t)k * size, state + (size_t)(order ? order[k] : k) * size, size);
	free(order);
	return made;
}

bool weights_export(const Engine *e, const char *path, const sslc_names *names, Failure *f)
{
	static const SafeMeta meta[] = {{"format", "pt"}};
	char why[WHY];
	SafeTensor *tensor = calloc(names->count + 1, sizeof *tensor);
	bool good = tensor || no_memory(f);
	for (size_t i = 0; good && i < names->count; i++) {
		const sslc_tensor *t = &names->at[i].tensor;
		void *made = make_tensor(e, names, i, f);
		tensor[i] = (SafeTensor){t->name, t->dtype, t->rank, {0}, made, t->bytes};
		memcpy(tensor[i].dim, t->dim, sizeof t->dim);
		good = made != NULL;
	}
	if (good && !safe_write(path, tensor, names->count, meta, 1, why))
		good = fail(f, FAILURE_SYSTEM, "%s", why);
	for (size_t i = 0; tensor && i < names->count; i++)
		free((void *)(uintptr_t)tensor[i].at);
	free(tensor);
	return good;
}
