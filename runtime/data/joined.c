/* joined.c: the reader `joined`: what several readers call by the same key becomes one sample.
 *
 * Fields: those of x under their own names, then those of NAME=reader: its x is NAME, its others are NAME_length and so
 * on. The order and the splits are those of x; what has no partner in every reader is left out. A share that is held out
 * is of keys, so that what several samples share is in one split. */
#include <stdlib.h>
#include <string.h>

#include "series.h"

/* Where a sample of a reader lies. */
typedef struct Row {
	Split split;
	int64_t at;
} Row;

/* What decodes a split: sample i is row[i * readers + r] of each reader r. */
typedef struct Source {
	Found *found; /* [readers]; those of the train split own them */
	size_t readers;
	Row *row;
	int64_t count, room;
	bool owns;
} Source;

/* A key of a reader, for the search. */
typedef struct Key {
	const char *name;
	Row row;
} Key;

typedef struct Keys {
	Key *at; /* sorted by name */
	size_t count;
} Keys;

/* -- Keys -------------------------------------------------------------------------------------- */

static int64_t samples(const Found *f, int s)
{
	return f->part[s].count ? f->part[s].field[0].array.dim[0] : 0;
}

static int by_name(const void *a, const void *b)
{
	const Key *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order                          ? order
	       : x->row.split != y->row.split ? (int)x->row.split - (int)y->row.split
	                                      : (x->row.at > y->row.at) - (x->row.at < y->row.at);
}

static bool sort_keys(const Found *f, Keys *k, char why[WHY])
{
	k->at = malloc((size_t)(samples(f, 0) + samples(f, 1) + 1) * sizeof *k->at);
	if (!k->at)
		return because(why, "no memory for keys");
	for (int s = 0; s < 2; s++)
		for (int64_t i = 0; i < samples(f, s); i++)
			k->at[k->count++] = (Key){f->key[s][i], {(Split)s, i}};
	qsort(k->at, k->count, sizeof *k->at, by_name);
	return true;
}

/* The one sample of that key; NULL: there is none. */
static const Key *find_key(const Keys *k, const char *name)
{
	size_t low = 0, high = k->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(k->at[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < k->count && strcmp(k->at[low].name, name) == 0 ? &k->at[low] : NULL;
}

static bool check_unique(const Keys *k, const char *reader, char why[WHY])
{
	for (size_t i = 1; i < k->count; i++)
		if (strcmp(k->at[i - 1].name, k->at[i].name) == 0)
			return because(why,
			               "two samples of '%.60s' have the key '%.200s'; of one that may repeat, "
			               "make x, the first argument",
			               reader, k->at[i].name);
	return true;
}

/* -- Samples ----------------------------------------------------------------------------------- */

static bool take(Source *s, const Row *row, char why[WHY])
{
	if (s->count == s->room) {
		int64_t room = 2 * s->room + 64;
		Row *more = realloc(s->row, (size_t)room * s->readers * sizeof *more);
		if (!more)
			return because(why, "no memory for samples");
		s->row = more;
		s->room = room;
	}
	memcpy(s->row + s->count++ * (int64_t)s->readers, row, s->readers * sizeof *row);
	return true;
}

/* Samples of x with a partner in every other reader, by their split. */
static bool match(const Keys *keys, Source *const part[2], char why[WHY])
{
	const Found *x = &part[0]->found[0];
	Row row[SSLC_MAX_FIELDS];
	for (int s = 0; s < 2; s++)
		for (int64_t i = 0; i < samples(x, s); i++) {
			const Key *partner = NULL;
			row[0] = (Row){(Split)s, i};
			for (size_t r = 1; r < part[0]->readers; r++) {
				if (!(partner = find_key(&keys[r], x->key[s][i])))
					break;
				row[r] = partner->row;
			}
			if (partner && !take(part[s], row, why))
				return false;
		}
	return true;
}

/* The samples of a split by their keys; their places are those in the split. */
static bool sort_samples(const Source *s, Keys *k, char why[WHY])
{
	k->at = malloc((size_t)(s->count + 1) * sizeof *k->at);
	for (int64_t i = 0; k->at && i < s->count; i++) {
		const Row *row = s->row + i * (int64_t)s->readers;
		k->at[k->count++] = (Key){s->found[0].key[row->split][row->at], {SPLIT_TRAIN, i}};
	}
	if (k->at)
		qsort(k->at, k->count, sizeof *k->at, by_name);
	return k->at || because(why, "no memory for keys");
}

/* Which samples a share of the keys has. */
static bool choose(const Keys *k, double share, bool *held, char why[WHY])
{
	int64_t keys = 0;
	int64_t *number = calloc(k->count + 1, sizeof *number); /* of the key, along k */
	bool *chosen = calloc(k->count + 1, sizeof *chosen);
	for (size_t i = 0; number && i < k->count; i++) {
		keys += i == 0 || strcmp(k->at[i - 1].name, k->at[i].name) != 0;
		number[i] = keys - 1;
	}
	int64_t wanted = (int64_t)series_share((size_t)keys, share);
	for (int64_t w = 0; chosen && w < wanted; w++)
		chosen[order_at(w, keys, SPLIT_SEED, 0)] = true;
	bool good = number && chosen;
	for (size_t i = 0; good && i < k->count; i++)
		held[k->at[i].row.at] = chosen[number[i]];
	free(number);
	free(chosen);
	return good || because(why, "no memory for keys");
}

/* Moves the samples of a share of the keys to the test split. */
static bool hold_out(double share, Source *const part[2], char why[WHY])
{
	Source *train = part[0];
	Keys k = {0};
	bool *held = calloc((size_t)train->count + 1, sizeof *held);
	bool good = (held || because(why, "no memory for keys")) && sort_samples(train, &k, why) &&
	            choose(&k, share, held, why);
	int64_t kept = 0;
	for (int64_t i = 0; good && i < train->count; i++) {
		const Row *row = train->row + i * (int64_t)train->readers;
		if (held[i])
			good = take(part[1], row, why);
		else
			memmove(train->row + kept++ * (int64_t)train->readers, row,
			        train->readers * sizeof *row);
	}
	if (good)
		train->count = kept;
	free(k.at);
	free(held);
	return good;
}

/* -- A split ----------------------------------------------------------------------------------- */

static void copy_fields(const Part *part, int64_t at, void *const to[])
{
	for (size_t f = 0; f < part->count; f++) {
		const Array *a = &part->field[f].array;
		size_t bytes = array_row_bytes(a);
		if (a->at && to[f])
			memcpy(to[f], (const unsigned char *)a->at + bytes * (size_t)at, bytes);
	}
}

static void copy(void *source, int64_t i, void *const to[])
{
	const Source *s = source;
	const Row *row = s->row + i * (int64_t)s->readers;
	for (size_t r = 0; r < s->readers; r++) {
		const Part *part = &s->found[r].part[row[r].split];
		copy_fields(part, row[r].at, to);
		to += part->count;
	}
}

static bool decode(void *source, int64_t i, void *const to[], char why[WHY])
{
	const Source *s = source;
	const Row *row = s->row + i * (int64_t)s->readers;
	for (size_t r = 0; r < s->readers; r++) {
		const Part *part = &s->found[r].part[row[r].split];
		copy_fields(part, row[r].at, to);
		if (part->decode && !part->decode(part->source, row[r].at, to, why))
			return false;
		to += part->count;
	}
	return true;
}

static void close_source(void *source)
{
	Source *s = source;
	for (size_t r = 0; s->owns && r < s->readers; r++)
		found_close(&s->found[r]);
	if (s->owns)
		free(s->found);
	free(s->row);
	free(s);
}

/* Labels, of reader r, are looked at before any batch is made. */
static bool copy_label(const Source *s, size_t r, const Field *from, size_t f, Array *to,
                       char why[WHY])
{
	size_t bytes = array_row_bytes(&from->array);
	unsigned char *at = to->at = malloc((size_t)s->count * bytes + 1);
	for (int64_t i = 0; at && i < s->count; i++) {
		const Row *row = s->row + i * (int64_t)s->readers + r;
		const unsigned char *own = s->found[r].part[row->split].field[f].array.at;
		memcpy(at + bytes * (size_t)i, own + bytes * (size_t)row->at, bytes);
	}
	return at || because(why, "no memory for %lld labels", (long long)s->count);
}

/* Above all integers of a field in both splits; 0: nobody knows. */
static int64_t below_both(const Found *f, size_t field)
{
	int64_t a = f->part[0].field[field].below, b = f->part[1].field[field].below;
	if (!f->part[1].count)
		return a;
	return a && b ? (a > b ? a : b) : 0;
}

/* Gives the fields of every reader to a split, by the names of the joined ones. */
static bool fill_part(Source *s, const char *const name[SSLC_MAX_FIELDS], Part *part, char why[WHY])
{
	part->decode = decode;
	part->copy = copy;
	for (size_t r = 0; r < s->readers; r++)
		for (size_t f = 0; f < s->found[r].part[0].count; f++) {
			const Field *from = &s->found[r].part[0].field[f];
			Field *to = part_add(part, name[part->count]);
			to->array = from->array;
			to->array.dim[0] = s->count;
			to->array.at = NULL;
			to->copied = from->array.at != NULL;
			to->below = below_both(&s->found[r], f);
			to->is_label = strcmp(from->name, "label") == 0;
			if (to->is_label && !copy_label(s, r, from, f, &to->array, why))
				return false;
		}
	return true;
}

/* -- Readers ----------------------------------------------------------------------------------- */

/* `as`: what the model file calls it; NULL: x. */
static bool open_reader(const Arguments *a, const sslc_call *call, const char *as, Found *found,
                        char why[WHY])
{
	char reason[WHY];
	int64_t classes;
	if (!found_open(call, a->folder, true, found, reason) || !found_check(found, &classes, reason))
		return because(why, "%.60s: %.440s", as ? as : "x", reason);
	if (found->window)
		return because(why, "%s is a series: its windows have no key each", as ? as : "x");
	if (found->key[SPLIT_TRAIN])
		return true;
	return because(
	    why,
	    "'%.60s' does not say what its samples are called: images, audio and text do (the "
	    "path of a file without its end), csv with key='column', lines with keys=1",
	    call->name);
}

static bool is_taken(const char *const *name, size_t count, const char *own)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name[i], own) == 0)
			return true;
	return false;
}

/* The names of all fields: "caption" of its x, "caption_length" of its length. */
static bool name_fields(const Source *s, const Arguments *a, Found *found,
                        const char *name[SSLC_MAX_FIELDS], char why[WHY])
{
	size_t count = 0, own = s->found[0].part[0].count;
	for (size_t r = 0; r < s->readers; r++)
		for (size_t f = 0; f < s->found[r].part[0].count; f++) {
			const char *field = s->found[r].part[0].field[f].name;
			char text[PATH];
			snprintf(text, sizeof text, "%s%s%s", r ? a->more[r - 1].name : field,
			         r && f ? "_" : "", r && f ? field : "");
			if (is_taken(name, count, text))
				return because(why, "two arrays are called '%.60s': give a reader another name",
				               text);
			name[count] = r ? found_name(found, own, text, why) : field;
			if (!name[count++])
				return false;
		}
	return true;
}

static void name_classes(Found *found, Found *x)
{
	found->class_name = x->class_name;
	found->class_count = x->class_count;
	x->class_name = NULL;
	x->class_count = 0;
}

/* Tokens are those of x, else of the first reader that has some. */
static void name_tokens(Found *found, const Source *s)
{
	size_t first = 0;
	for (size_t r = 0; r < s->readers && !found->tokenizer; r++) {
		found->tokenizer = s->found[r].tokenizer;
		found->tokens = found->tokenizer ? first : 0;
		s->found[r].tokenizer = NULL;
		first += s->found[r].part[0].count;
	}
}

/* What belongs together in x, or what is called the same there. */
static bool number_units(const Source *s, uint64_t **units, char why[WHY])
{
	const Found *x = &s->found[0];
	uint64_t *unit = *units = malloc((size_t)(s->count + 1) * sizeof *unit);
	for (int64_t i = 0; unit && i < s->count; i++) {
		const Row *row = s->row + i * (int64_t)s->readers;
		const char *key = x->key[row->split][row->at];
		unit[i] = x->unit[row->split] ? x->unit[row->split][row->at] : bytes_hash(key, strlen(key));
	}
	return unit || because(why, "no memory for %lld samples", (long long)s->count);
}

static void note(const Source *const part[2], Found *found)
{
	const Found *x = &part[0]->found[0];
	int64_t kept = part[0]->count + part[1]->count, all = samples(x, 0) + samples(x, 1);
	size_t used = 0;
	for (size_t r = 0; r < part[0]->readers && used < WHY; r++)
		if (*part[0]->found[r].note)
			used += (size_t)snprintf(found->note + used, WHY - used, "%s%s", used ? "; " : "",
			                         part[0]->found[r].note);
	if (kept < all && used < WHY)
		snprintf(
		    found->note + used, WHY - used,
		    "%s%lld of %lld samples of x are left out, as another reader has none of their key",
		    used ? "; " : "", (long long)(all - kept), (long long)all);
}

/* One of the keys of `other`, a file's name with its end, is one of `keys` without it. */
static bool has_ends(const Keys *keys, const Keys *other)
{
	const char *name = other->count ? other->at[0].name : "", *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < keys->count; i++)
		if (strncmp(keys->at[i].name, name, (size_t)(dot - name)) == 0 &&
		    !keys->at[i].name[dot - name])
			return true;
	return false;
}

static bool check_matched(const Arguments *a, const Keys *keys, const Source *const part[2],
                          char why[WHY])
{
	if (part[0]->count)
		return true;
	if (part[1]->count)
		return because(why, "no sample is left to train on");
	char said[WHY];
	bool ends = false;
	snprintf(said, WHY, "no key is in every reader: one of x is '%.80s'", keys[0].at[0].name);
	for (size_t r = 1; r < part[0]->readers; r++) {
		size_t used = strlen(said);
		snprintf(said + used, WHY - used, ", one of %.40s '%.80s'", a->more[r - 1].name,
		         keys[r].at[0].name);
		ends |= has_ends(&keys[0], &keys[r]) || has_ends(&keys[r], &keys[0]);
	}
	return because(why, "%s%s", said,
	               ends ? "; the key of a file is its path without its end" : "");
}

static bool join(const Arguments *a, Keys *keys, Source *const part[2], Found *found, char why[WHY])
{
	Found *of = part[0]->found;
	for (size_t r = 0; r < part[0]->readers; r++) {
		const char *as = r ? a->more[r - 1].name : NULL;
		if (!open_reader(a, r ? a->more[r - 1].call : a->call[0], as, &of[r], why) ||
		    !sort_keys(&of[r], &keys[r], why) || (r && !check_unique(&keys[r], as, why)))
			return false;
	}
	const char *name[SSLC_MAX_FIELDS] = {NULL};
	if (!name_fields(part[0], a, found, name, why) || !match(keys, part, why) ||
	    !check_matched(a, keys, (const Source *const *)part, why) ||
	    (!samples(of, 1) && of->held_out > 0 && !hold_out(of->held_out, part, why)))
		return false;
	note((const Source *const *)part, found);
	for (size_t r = 0; r < part[0]->readers; r++)
		found->mark = 31 * found->mark + (found_mark(&of[r]) | 1);
	for (int s = 0; s < 2; s++)
		if (part[s]->count && (!fill_part(part[s], name, &found->part[s], why) ||
		                       !number_units(part[s], &found->unit[s], why)))
			return false;
	found->in_order = of->in_order;
	found->overlap = of->overlap;
	name_classes(found, of);
	found->lacks_labels = of->lacks_labels;
	name_tokens(found, part[0]);
	return true;
}

bool read_joined(const Arguments *a, Found *found, char why[WHY])
{
	size_t readers = 1 + a->more_count;
	if (readers == 1)
		return because(why,
		               "joined(x, NAME=reader) needs a second reader, to which you give a name");
	if (readers > SSLC_MAX_FIELDS)
		return because(why, "at most %d readers are joined", SSLC_MAX_FIELDS);
	Keys keys[SSLC_MAX_FIELDS] = {{0}};
	Source *part[2] = {calloc(1, sizeof *part[0]), calloc(1, sizeof *part[1])};
	Found *of = calloc(readers, sizeof *of);
	bool good = (part[0] && part[1] && of) || because(why, "no memory");
	if (good) {
		for (int s = 0; s < 2; s++) {
			*part[s] = (Source){.found = of, .readers = readers, .owns = s == SPLIT_TRAIN};
			found->part[s].source = part[s];
			found->part[s].close = close_source;
		}
		good = join(a, keys, part, found, why);
	} else {
		free(part[0]);
		free(part[1]);
		free(of);
	}
	for (size_t r = 0; r < readers; r++)
		free(keys[r].at);
	return good;
}
