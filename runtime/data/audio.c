/* audio.c: the reader `audio`: a folder of recordings, or those that a CSV file lists, as windows
 * of equal length.
 *
 * Fields: x f32[samples], zeros behind the end; label, if asked for; length i32, the samples that
 * are of the recording. All windows of a recording are in the same split. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apart.h"
#include "listing.h"
#include "sound.h"

static const int64_t RESIDENT = INT64_C(1) << 30; /* bytes of a split that are kept in memory */
typedef struct Clip {
	char *path, *label; /* from the folder on; label NULL: none is asked for */
	int64_t windows;
} Clip;

typedef struct Clips {
	Clip *at;
	size_t count;
} Clips;

typedef struct Window {
	int64_t clip, first; /* sample at the rate that is asked for */
} Window;

/* What decodes a split. */
typedef struct Source {
	char folder[PATH];
	Clips clips;
	Window *window;
	int64_t windows, size; /* size: samples of a window */
	int rate;
} Source;

typedef struct Wishes {
	Asked asked;
	int rate;
	int64_t size, hop; /* samples; hop 0: one window of each recording */
	char path[PATH];   /* of the folder */
} Wishes;

/* -- Arguments --------------------------------------------------------------------------------- */

static bool is_sound(const char *name)
{
	static const char *const ENDS[] = {"wav",  "flac", "ogg", "oga", "opus", "mp3", "aif",
	                                   "aiff", "au",   "snd", "caf", "w64",  "rf64"};
	const char *end = strrchr(name, '.');
	for (size_t i = 0; end && i < sizeof ENDS / sizeof *ENDS; i++)
		if (strcasecmp(end + 1, ENDS[i]) == 0)
			return true;
	return false;
}

static bool read_wishes(const Arguments *a, Wishes *k, char why[WHY])
{
	double rate = argument_number(a, "rate"), seconds = argument_number(a, "seconds"),
	       hop = argument_number(a, "hop");
	k->asked = listing_asked(a, "audio", "sound (.wav, .flac, .ogg ...)");
	k->asked.labels = argument_text(a, "labels");
	k->asked.wanted = is_sound;
	if (!(rate >= 1 && rate <= 1e6 && rate == floor(rate)))
		return because(why, "rate=%g: samples a second are a whole number from 1 to 1000000", rate);
	if (!(seconds > 0 && seconds <= 3600 && llround(rate * seconds) >= 1))
		return because(why, "seconds=%g: a window lasts more than 0 and at most 3600 seconds",
		               seconds);
	if (!(hop == 0 || (hop > 0 && hop <= 3600 && llround(rate * hop) >= 1)))
		return because(why, "hop=%g: windows begin every so many seconds; 0: one of each recording",
		               hop);
	k->rate = (int)rate;
	k->size = llround(rate * seconds);
	k->hop = llround(rate * hop);
	return true;
}

/* -- Recordings -------------------------------------------------------------------------------- */

static void clips_close(Clips *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->at[i].path);
		free(c->at[i].label);
	}
	free(c->at);
	*c = (Clips){0};
}

/* The files of the folder or of the list, whose paths and labels become the clips'. */
static bool find_clips(const Arguments *a, Wishes *k, Clips *clips, Found *found, char why[WHY])
{
	Listing l;
	if (!listing_find(a, &k->asked, &l, why))
		return false;
	memcpy(k->path, l.folder, sizeof k->path);
	found->mark = listing_mark(&l);
	bool good = !*k->asked.labels || listing_labelled(&l, why);
	clips->at = good ? calloc((size_t)l.count, sizeof *clips->at) : NULL;
	if (good && !clips->at)
		good = because(why, "no memory for %lld recordings", (long long)l.count);
	for (int64_t i = 0; good && i < l.count; i++) {
		clips->at[clips->count++] = (Clip){.path = l.file[i].path, .label = l.file[i].label};
		l.file[i] = (Listed){0};
	}
	listing_close(&l);
	return good;
}

static bool count_windows(const Wishes *k, Clips *clips, char why[WHY])
{
	for (size_t i = 0; i < clips->count; i++) {
		char path[2 * PATH];
		int64_t samples;
		Clip *c = &clips->at[i];
		snprintf(path, sizeof path, "%s/%s", k->path, c->path);
		if (!sound_length(path, k->rate, &samples, why))
			return false;
		c->windows = k->hop ? (samples + k->hop - 1) / k->hop : 1;
	}
	return true;
}

/* -- Classes ----------------------------------------------------------------------------------- */

static bool name_classes(const Clips *clips, Found *found, char why[WHY])
{
	char **name = calloc(clips->count, sizeof *name);
	for (size_t i = 0; name && i < clips->count; i++)
		name[i] = clips->at[i].label;
	return found_classes(found, name, (int64_t)clips->count, why);
}

/* -- A split ----------------------------------------------------------------------------------- */

static bool read_source(Source *s, int64_t i, float *x, int32_t *length, char why[WHY])
{
	char path[2 * PATH];
	int64_t got;
	snprintf(path, sizeof path, "%s/%s", s->folder, s->clips.at[s->window[i].clip].path);
	if (!sound_window(path, s->rate, s->window[i].first, s->size, x, &got, why))
		return false;
	*length = (int32_t)got;
	return true;
}

/* Fields are x, label or none, length. */
static bool decode(void *source, int64_t i, void *const to[], char why[WHY])
{
	Source *s = source;
	return read_source(s, i, to[0], to[s->clips.at[0].label ? 2 : 1], why);
}

static void close_source(void *source)
{
	Source *s = source;
	clips_close(&s->clips);
	free(s->window);
	free(s);
}

static bool place_windows(Source *s, int64_t hop, char why[WHY])
{
	for (size_t i = 0; i < s->clips.count; i++)
		s->windows += s->clips.at[i].windows;
	s->window = calloc((size_t)s->windows, sizeof *s->window);
	if (!s->window)
		return because(why, "no memory for %" PRId64 " windows", s->windows);
	int64_t n = 0;
	for (size_t i = 0; i < s->clips.count; i++)
		for (int64_t k = 0; k < s->clips.at[i].windows; k++)
			s->window[n++] = (Window){(int64_t)i, k * hop};
	return true;
}

static bool add_labels(const Source *s, Found *found, Part *part, char why[WHY])
{
	int32_t *label = malloc((size_t)s->windows * sizeof *label);
	part_add(part, "label")->array = (Array){"i32", 1, {s->windows}, label};
	if (!label)
		return because(why, "no memory for %" PRId64 " labels", s->windows);
	for (int64_t i = 0; i < s->windows; i++)
		label[i] = found_class(found, s->clips.at[s->window[i].clip].label);
	return true;
}

/* Few windows are read now; many, when they are wanted. */
static bool make_resident(Source *s, Array *x, Array *length, char why[WHY])
{
	if (s->windows > RESIDENT / (int64_t)sizeof(float) / s->size)
		return true;
	float *sample = x->at = malloc((size_t)(s->windows * s->size) * sizeof *sample);
	int32_t *own = length->at = malloc((size_t)s->windows * sizeof *own);
	if (!sample || !own)
		return because(why, "no memory for %" PRId64 " windows", s->windows);
	for (int64_t i = 0; i < s->windows; i++)
		if (!read_source(s, i, sample + i * s->size, own + i, why))
			return false;
	return true;
}

static bool name_samples(const Source *s, Split split, Found *found, char why[WHY])
{
	bool good = true;
	for (int64_t i = 0; good && i < s->windows; i++)
		good = found_key(found, split, i, s->clips.at[s->window[i].clip].path, true, why);
	return good;
}

/* A recording is a unit. */
static bool number_units(const Wishes *k, const Source *s, Split split, Found *found, char why[WHY])
{
	if (!k->hop)
		return true;
	found->in_order = true;
	found->overlap = (k->size - 1) / k->hop;
	uint64_t *unit = found->unit[split] = malloc((size_t)(s->windows + 1) * sizeof *unit);
	for (int64_t i = 0; unit && i < s->windows; i++)
		unit[i] = (uint64_t)s->window[i].clip;
	return unit || because(why, "no memory for %" PRId64 " windows", s->windows);
}

/* Takes the clips over. */
static bool fill_part(const Wishes *k, Clips *clips, bool keys, Found *found, Split split,
                      char why[WHY])
{
	Part *part = &found->part[split];
	Source *s = calloc(1, sizeof *s);
	if (!s)
		return because(why, "no memory");
	*s = (Source){.clips = *clips, .size = k->size, .rate = k->rate};
	*clips = (Clips){0};
	memcpy(s->folder, k->path, sizeof s->folder);
	part->source = s;
	part->close = close_source;
	part->decode = decode;
	if (!place_windows(s, k->hop, why))
		return false;
	if (!number_units(k, s, split, found, why))
		return false;
	Field *x = part_add(part, "x");
	x->array = (Array){.type = "f32", .rank = 2, .dim = {s->windows, k->size}};
	if (*k->asked.labels && !add_labels(s, found, part, why))
		return false;
	Field *length = part_add(part, "length");
	length->array = (Array){.type = "i32", .rank = 1, .dim = {s->windows}};
	length->below = k->size + 1;
	if (!make_resident(s, &x->array, &length->array, why) ||
	    (keys && !name_samples(s, split, found, why)))
		return false;
	if (x->array.at)
		part->decode = NULL;
	return true;
}

/* -- Splits ------------------------------------------------------------------------------------ */

static bool split(const Wishes *k, Clips *all, Clips part[2], char why[WHY])
{
	int64_t n = (int64_t)all->count, share = (int64_t)((double)n * k->asked.test);
	part[0].at = calloc(all->count, sizeof(Clip));
	part[1].at = calloc(all->count, sizeof(Clip));
	bool *test = calloc(all->count, sizeof *test);
	bool good = (part[0].at && part[1].at && test) || because(why, "no memory for splits");
	for (int64_t i = 0; good && i < n; i++)
		if (*k->asked.hold_out)
			test[i] = listing_names(k->asked.hold_out, all->at[i].path);
		else if (i >= n - share)
			test[order_at(i, n, SPLIT_SEED, 0)] = true;
	for (int64_t i = 0; good && i < n; i++) {
		Clips *to = &part[test[i]];
		to->at[to->count++] = all->at[i];
	}
	if (good) { /* they have moved */
		free(all->at);
		*all = (Clips){0};
	}
	free(test);
	if (good && *k->asked.hold_out && (!part[0].count || !part[1].count))
		return because(why,
		               "hold_out='%.100s' leaves %zu recordings to train on and %zu to test; it "
		               "names folders in '%.200s', with commas between",
		               k->asked.hold_out, part[0].count, part[1].count, k->path);
	return good;
}

bool read_audio(const Arguments *a, Found *found, char why[WHY])
{
	Wishes k = {0};
	Clips all = {0}, part[2] = {{0}, {0}};
	if (!read_wishes(a, &k, why))
		return false;
	bool good = find_clips(a, &k, &all, found, why) && count_windows(&k, &all, why) &&
	            (!*k.asked.labels || name_classes(&all, found, why)) && split(&k, &all, part, why);
	for (int s = 0; good && s < 2; s++)
		good = !part[s].count || fill_part(&k, &part[s], a->keys, found, (Split)s, why);
	clips_close(&all);
	clips_close(&part[0]);
	clips_close(&part[1]);
	return good;
}
