/* images.c: the reader `images`: a folder of PNG and JPEG files, or those that a CSV file lists.
 *
 * Fields: x u8[height,width,channels]; label, if asked for. What fits into `memory` is decoded at once, by all cores;
 * else a sample is decoded when a batch wants it. Files are what their first bytes say. The order is that of the
 * paths' bytes, so a sample's number is the same on every machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apart.h"
#include "image.h"
#include "listing.h"

static const size_t FILE_LIMIT = (size_t)1 << 30;

/* What decodes a split: files [first, ...) of a listing, which the train split owns. */
typedef struct Source {
	Listing *listing;
	ImageShape shape;
	int64_t first;
	bool owns;
} Source;

/* What is found out about the files when they are opened. */
typedef struct Look {
	const Listing *listing;
	ImageShape shape;
	size_t bytes;     /* of a sample */
	uint8_t *samples; /* [count,bytes]; NULL: they do not fit */
	bool *bad;        /* [count] */
	uint64_t *hash;   /* [count], of samples */
	char note[WHY];   /* what was left out */
} Look;

typedef struct Wishes {
	Asked asked;
	ImageShape shape;
	bool skip_bad, drop_copies;
	double memory; /* MiB */
} Wishes;

/* -- Arguments --------------------------------------------------------------------------------- */

static bool is_one_of(const Arguments *a, const char *name, const char *one, const char *other,
                      bool *is_other, char why[WHY])
{
	const char *text = argument_text(a, name);
	*is_other = strcmp(text, other) == 0;
	return *is_other || strcmp(text, one) == 0 ||
	       because(why, "%s='%.100s': it is '%s' or '%s'", name, text, one, other);
}

static bool is_whole(double x, double least, double most)
{
	return x >= least && x <= most && x == floor(x);
}

static bool read_wishes(const Arguments *a, Wishes *w, char why[WHY])
{
	double size = argument_number(a, "size"), width = argument_number(a, "width"),
	       channels = argument_number(a, "channels"), background = argument_number(a, "background");
	w->asked = listing_asked(a, "images", "PNG or JPEG file");
	w->asked.labels = argument_text(a, "labels");
	w->asked.group = argument_text(a, "group");
	w->memory = argument_number(a, "memory");
	if (!is_whole(size, 1, 4096) || !is_whole(width, 0, 4096))
		return because(why,
		               "size=%g, width=%g: pixels of a side are a whole number from 1 to 4096; "
		               "width=0 is a square",
		               size, width);
	if (channels != 1 && channels != 3 && channels != 4)
		return because(why, "channels=%g: 1 is grey, 3 is colour, 4 is colour and alpha", channels);
	if (!is_whole(background, 0, 255))
		return because(why, "background=%g: a grey from 0 (black) to 255 (white)", background);
	if (!(w->memory >= 0 && w->memory <= 1e9))
		return because(why, "memory=%g: MiB that samples may take, from 0", w->memory);
	w->shape = (ImageShape){.height = (int64_t)size,
	                        .width = (int64_t)(width > 0 ? width : size),
	                        .channels = (int)channels,
	                        .background = (uint8_t)background};
	return is_one_of(a, "fit", "stretch", "crop", &w->shape.crop, why) &&
	       is_one_of(a, "corrupt", "refuse", "skip", &w->skip_bad, why) &&
	       is_one_of(a, "copies", "keep", "drop", &w->drop_copies, why);
}

/* -- Samples ----------------------------------------------------------------------------------- */

static bool read_sample(const Listing *l, int64_t i, const ImageShape *shape, uint8_t *to,
                        char why[WHY])
{
	char path[2 * PATH], reason[WHY] = "";
	size_t size;
	snprintf(path, sizeof path, "%s/%s", l->folder, l->file[i].path);
	unsigned char *bytes = bytes_read(path, FILE_LIMIT, &size, why);
	if (!bytes)
		return false;
	bool good = image_sample(bytes, size, shape, to, reason);
	free(bytes);
	return good || because(why, "'%.250s' %.250s", path, reason);
}

/* What a user can do about a damaged file. */
static bool refuse(const char *reason, char why[WHY])
{
	return because(why, "%.400s; corrupt='skip' leaves such files out", reason);
}

static bool decode(void *source, int64_t i, void *const to[], char why[WHY])
{
	const Source *s = source;
	char reason[WHY];
	return read_sample(s->listing, s->first + i, &s->shape, to[0], reason) || refuse(reason, why);
}

static void close_source(void *source)
{
	Source *s = source;
	if (s->owns) {
		listing_close(s->listing);
		free(s->listing);
	}
	free(s);
}

/* -- Files of other kinds ---------------------------------------------------------------------- */

static void drop(Listing *l, int64_t i)
{
	free(l->file[i].path);
	free(l->file[i].label);
	l->file[i] = (Listed){0};
}

static bool is_called_picture(const char *path)
{
	static const char *const ends[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif"};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return true;
	return false;
}

/* A file without a first byte (empty, or not to be opened) that is called a picture is one that is damaged. */
static bool is_other(const Listing *l, int64_t i)
{
	char path[2 * PATH];
	unsigned char head[IMAGE_MAGIC];
	snprintf(path, sizeof path, "%s/%s", l->folder, l->file[i].path);
	FILE *f = fopen(path, "rb");
	size_t size = f ? fread(head, 1, sizeof head, f) : 0;
	if (f)
		fclose(f);
	return size > 0 ? !image_format(head, size) : !is_called_picture(path);
}

/* Without files of other formats, which folders hold, too. */
static bool keep_pictures(Listing *l, Look *look, char why[WHY])
{
	int64_t kept = 0, all = l->count;
	for (int64_t i = 0; i < all; i++) {
		if (is_other(l, i)) {
			drop(l, i);
			continue;
		}
		Listed file = l->file[i];
		l->file[i] = (Listed){0};
		l->file[kept++] = file;
	}
	l->count = kept;
	if (kept < all)
		snprintf(look->note, sizeof look->note, "%lld %s neither PNG nor JPEG",
		         (long long)(all - kept), all - kept == 1 ? "file is" : "files are");
	return kept || because(why, "no PNG or JPEG file in '%.300s', but %lld others", l->folder,
	                       (long long)all);
}

/* -- A look at every file ---------------------------------------------------------------------- */

static void look_at(void *args, ptrdiff_t from, ptrdiff_t to)
{
	Look *k = args;
	for (ptrdiff_t i = from; i < to; i++) {
		char why[WHY];
		uint8_t *own = k->samples ? NULL : malloc(k->bytes);
		uint8_t *sample = k->samples ? k->samples + k->bytes * (size_t)i : own;
		k->bad[i] = !sample || !read_sample(k->listing, i, &k->shape, sample, why);
		k->hash[i] = k->bad[i] ? 0 : bytes_hash(sample, k->bytes);
		free(own);
	}
}

static bool look_at_all(Look *k, char why[WHY])
{
	int64_t n = k->listing->count;
	Pool *pool = pool_open(threads_here());
	k->bad = calloc((size_t)n, sizeof *k->bad);
	k->hash = calloc((size_t)n, sizeof *k->hash);
	if (!pool || !k->bad || !k->hash) {
		pool_close(pool);
		return because(why, "no memory for %lld files", (long long)n);
	}
	pool_parallel(pool, look_at, k, n);
	pool_close(pool);
	return true;
}

/* False: the sample cannot be read again. */
static bool is_copy(const Look *k, int64_t a, int64_t b, uint8_t *two)
{
	char why[WHY];
	const uint8_t *x = k->samples ? k->samples + k->bytes * (size_t)a : two,
	              *y = k->samples ? k->samples + k->bytes * (size_t)b : two + k->bytes;
	if (!k->samples && (!read_sample(k->listing, a, &k->shape, two, why) ||
	                    !read_sample(k->listing, b, &k->shape, two + k->bytes, why)))
		return false;
	return memcmp(x, y, k->bytes) == 0;
}

typedef struct Place {
	uint64_t hash;
	int64_t at;
} Place;

static int by_hash(const void *a, const void *b)
{
	const Place *x = a, *y = b;
	return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (x->at > y->at) - (x->at < y->at);
}

/* Whether an equal sample comes before that of place i, and is kept; room for two samples. */
static bool is_kept_before(const Look *k, const Place *place, int64_t i, const bool *copy,
                           uint8_t *two)
{
	for (int64_t j = i - 1; j >= 0 && place[j].hash == place[i].hash; j--)
		if (!k->bad[place[j].at] && !copy[place[j].at] && is_copy(k, place[j].at, place[i].at, two))
			return true;
	return false;
}

/* Of equal samples the first is kept: one of the train split, if there is one. */
static bool find_copies(const Look *k, bool *copy, char why[WHY])
{
	int64_t n = k->listing->count;
	Place *place = malloc((size_t)n * sizeof *place);
	uint8_t *two = malloc(2 * k->bytes);
	for (int64_t i = 0; place && i < n; i++)
		place[i] = (Place){k->hash[i], i};
	if (place && two) {
		qsort(place, (size_t)n, sizeof *place, by_hash);
		for (int64_t i = 1; i < n; i++)
			copy[place[i].at] = !k->bad[place[i].at] && is_kept_before(k, place, i, copy, two);
	}
	free(two);
	bool good = place && two;
	free(place);
	return good || because(why, "no memory to find copies among %lld samples", (long long)n);
}

/* The first damaged file, and how many there are. */
static int64_t first_bad(const Look *k, int64_t *count, char why[WHY])
{
	int64_t first = -1;
	*count = 0;
	for (int64_t i = k->listing->count - 1; i >= 0; i--)
		if (k->bad[i]) {
			first = i;
			++*count;
		}
	uint8_t *sample = first >= 0 ? malloc(k->bytes) : NULL;
	if (sample && read_sample(k->listing, first, &k->shape, sample, why))
		because(why, "'%.300s' changes while it is read", k->listing->file[first].path);
	free(sample);
	return first;
}

static void add_note(Look *k, const char *format, long long count, const char *more)
{
	size_t used = strlen(k->note);
	used += (size_t)snprintf(k->note + used, sizeof k->note - used, "%s", used ? "; " : "");
	if (used < sizeof k->note)
		snprintf(k->note + used, sizeof k->note - used, format, count, more);
}

/* Moves what stays together. */
static void leave_out(Listing *l, Look *k, const bool *copy)
{
	int64_t kept = 0, copies = 0;
	for (int64_t i = 0; i < l->count; i++) {
		copies += copy[i] && !k->bad[i];
		if (copy[i] || k->bad[i]) {
			drop(l, i);
			continue;
		}
		Listed file = l->file[i];
		l->file[i] = (Listed){0};
		l->file[kept] = file;
		if (k->samples)
			memmove(k->samples + k->bytes * (size_t)kept, k->samples + k->bytes * (size_t)i,
			        k->bytes);
		kept++;
	}
	l->count = kept;
	if (copies)
		add_note(k, "%lld copies of other samples are left out%s", copies, "");
}

static bool choose(const Wishes *w, Listing *l, Look *k, char why[WHY])
{
	int64_t bad;
	char reason[WHY] = "";
	if (first_bad(k, &bad, reason) >= 0) {
		if (!w->skip_bad)
			return refuse(reason, why);
		add_note(k, "%lld damaged files are left out, as %.300s", bad, reason);
	}
	bool *copy = calloc((size_t)l->count, sizeof *copy);
	bool good = copy || because(why, "no memory for %lld files", (long long)l->count);
	if (good && w->drop_copies)
		good = find_copies(k, copy, why);
	if (good)
		leave_out(l, k, copy);
	free(copy);
	return good &&
	       (l->count || because(why, "no file in '%.300s' is whole: %.150s", l->folder, reason));
}

/* Decodes what fits. What does not is looked at only where something may have to be left out. */
static bool look(const Wishes *w, Listing *l, Look *k, char why[WHY])
{
	*k = (Look){.listing = l, .shape = w->shape};
	k->bytes = (size_t)(w->shape.height * w->shape.width * w->shape.channels);
	if (!l->listed && !keep_pictures(l, k, why))
		return false;
	if ((double)l->count * (double)k->bytes <= w->memory * (1 << 20) &&
	    !(k->samples = malloc((size_t)l->count * k->bytes)))
		return because(why, "no memory for %lld samples; memory=0 reads them when they are wanted",
		               (long long)l->count);
	return (!k->samples && !w->skip_bad && !w->drop_copies) ||
	       (look_at_all(k, why) && choose(w, l, k, why));
}

/* -- Splits ------------------------------------------------------------------------------------ */

/* The train split, which comes last, takes the memory of all samples over. */
static uint8_t *samples_of(Look *k, int64_t first, int64_t count)
{
	size_t bytes = (size_t)count * k->bytes;
	uint8_t *at = first ? malloc(bytes) : realloc(k->samples, bytes);
	if (at && first)
		memcpy(at, k->samples + k->bytes * (size_t)first, bytes);
	else if (at)
		k->samples = NULL;
	return at;
}

static bool fill_part(Listing *l, int64_t first, int64_t count, Look *k, const int32_t *labels,
                      Part *part, char why[WHY])
{
	Array *x = &part_add(part, "x")->array;
	*x = (Array){"u8", 4, {count, k->shape.height, k->shape.width, k->shape.channels}, NULL};
	if (labels) {
		Array *label = &part_add(part, "label")->array;
		*label = (Array){"i32", 1, {count}, malloc((size_t)count * sizeof *labels)};
		if (!label->at)
			return because(why, "no memory for %lld labels", (long long)count);
		memcpy(label->at, labels + first, (size_t)count * sizeof *labels);
	}
	if (k->samples) {
		x->at = samples_of(k, first, count);
		return x->at || because(why, "no memory for %lld samples", (long long)count);
	}
	Source *s = part->source = malloc(sizeof *s);
	if (!s)
		return because(why, "no memory");
	*s = (Source){.listing = l, .shape = k->shape, .first = first};
	part->decode = decode;
	part->close = close_source;
	return true;
}

static bool name_samples(const Listing *l, int64_t train, Found *found, char why[WHY])
{
	bool good = true;
	for (int64_t i = 0; good && i < l->count; i++)
		good = found_key(found, i < train ? SPLIT_TRAIN : SPLIT_TEST, i < train ? i : i - train,
		                 l->file[i].path, true, why);
	return good;
}

static bool fill(Listing *l, Look *k, const int32_t *labels, bool keys, Found *found, char why[WHY])
{
	int64_t train = 0;
	while (train < l->count && !l->file[train].test)
		train++;
	if (!train)
		return because(why, "no whole file is left to train on");
	return (train == l->count ||
	        fill_part(l, train, l->count - train, k, labels, &found->part[SPLIT_TEST], why)) &&
	       fill_part(l, 0, train, k, labels, &found->part[SPLIT_TRAIN], why) &&
	       (!keys || name_samples(l, train, found, why));
}

/* Samples by their group. */
static bool number_units(const Asked *k, const Listing *l, Found *found, char why[WHY])
{
	const Listed *file = l->file;
	for (int s = 0; s < 2 && *k->group && found->part[s].count; s++) {
		int64_t n = found->part[s].field[0].array.dim[0];
		uint64_t *unit = found->unit[s] = malloc((size_t)n * sizeof *unit);
		if (!unit)
			return because(why, "no memory for %lld files", (long long)n);
		for (int64_t i = 0; i < n; i++)
			unit[i] = listing_unit(k, (file++)->path);
	}
	return true;
}

bool read_images(const Arguments *a, Found *found, char why[WHY])
{
	Wishes w;
	Look k = {0};
	int32_t *labels = NULL;
	if (!read_wishes(a, &w, why))
		return false;
	Listing *l = calloc(1, sizeof *l);
	if (!l)
		return because(why, "no memory");
	bool good = listing_open(a, &w.asked, l, why) && look(&w, l, &k, why) &&
	            (!*w.asked.labels || listing_classes(l, found, &labels, why)) &&
	            fill(l, &k, labels, a->keys, found, why) && number_units(&w.asked, l, found, why);
	bool split = *w.asked.hold_out || *w.asked.group;
	found->mark = good ? listing_mark(l) : 0;
	found->held_out = split ? 0 : w.asked.test;
	memcpy(found->note, k.note, sizeof found->note);
	Source *s = found->part[SPLIT_TRAIN].source;
	if (s)
		s->owns = true;
	else {
		listing_close(l);
		free(l);
	}
	free(labels);
	free(k.samples);
	free(k.bad);
	free(k.hash);
	return good;
}
