/* sound.c: recordings by libsndfile, at another rate by libsamplerate.
 *
 * A window is resampled from frames that begin where both rates meet (every rate / gcd frames), a
 * margin as wide as the filter before it: so its values do not depend on where it was cut. */
#include <inttypes.h>
#include <math.h>
#include <samplerate.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sound.h"

enum { MARGIN = 256, CHUNK = 4096, MOST_CHANNELS = 64, LOG = 16384 };

typedef struct Sound {
	SNDFILE *file;
	SF_INFO is;
} Sound;

/* -- Opening ----------------------------------------------------------------------------------- */

static int64_t bytes_of_number(int format)
{
	switch (format & SF_FORMAT_SUBMASK) {
	case SF_FORMAT_PCM_S8:
	case SF_FORMAT_PCM_U8:
	case SF_FORMAT_ULAW:
	case SF_FORMAT_ALAW:
		return 1;
	case SF_FORMAT_PCM_16:
		return 2;
	case SF_FORMAT_PCM_24:
		return 3;
	case SF_FORMAT_PCM_32:
	case SF_FORMAT_FLOAT:
		return 4;
	case SF_FORMAT_DOUBLE:
		return 8;
	}
	return 0; /* compressed */
}

/* Of CAF nothing is said of it: its "data" is a count of edits, 4 bytes, and the numbers. */
static bool caf_cut_off(const char *log, const SF_INFO *is)
{
	int64_t frame = bytes_of_number(is->format) * is->channels;
	const char *line = strstr(log, "\ndata : ");
	return (is->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_CAF && frame && line &&
	       strtoll(line + strlen("\ndata : "), NULL, 10) - 4 >= (is->frames + 1) * frame;
}

/* libsndfile shortens what a header promises to what the file holds, and says so in its log only.
 * All ones as a size is the custom of programs that write to a pipe: nobody knew. */
static bool cut_off(SNDFILE *file, const SF_INFO *is)
{
	static const char *const SIZES[] = {"data : ", " SSND : ", "  Data Size   : "};
	char log[LOG];
	int length = sf_command(file, SFC_GET_LOG_INFO, log, sizeof log);
	log[length > 0 && length < LOG ? length : LOG - 1] = 0;
	if (caf_cut_off(log, is))
		return true;
	for (const char *line = log; *line; line += strcspn(line, "\n"), line += *line != 0)
		for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
			size_t known = strlen(SIZES[i]);
			char *end;
			if (strncmp(line, SIZES[i], known) != 0)
				continue;
			long long says = strtoll(line + known, &end, 10), holds;
			if (sscanf(end, " (should be %lld", &holds) == 1 && says > holds && says < UINT32_MAX)
				return true;
		}
	return false;
}

/* False: why, beginning with a verb; the file is closed. */
static bool opened(Sound *s, int rate, char why[WHY])
{
	if (!s->file)
		return because(why, "cannot be read as sound: %.200s", sf_strerror(NULL));
	const SF_INFO *is = &s->is;
	bool good = true;
	if (is->frames < 1)
		good = because(why, "holds no samples; remove it, or leave it out by skip='its name'");
	else if (is->frames == SF_COUNT_MAX)
		good = because(why, "is cut off: its end, which says how long it is, is not there");
	else if (is->channels < 1 || is->channels > MOST_CHANNELS || is->frames >= INT64_C(1) << 40)
		good =
		    because(why, "has %d channels of %" PRId64 " samples; at most %d of 2^40 can be read",
		            is->channels, (int64_t)is->frames, MOST_CHANNELS);
	else if (is->samplerate < 1 || !src_is_valid_ratio((double)rate / is->samplerate))
		good = because(why, "has %d samples a second, of which %d cannot be made", is->samplerate,
		               rate);
	else if (cut_off(s->file, is))
		good = because(why, "is cut off: it holds fewer samples than its header says");
	if (!good)
		sf_close(s->file);
	return good;
}

static bool open_path(const char *path, int rate, Sound *s, char why[WHY])
{
	*s = (Sound){0};
	int fd = file_open(path, why);
	if (fd < 0)
		return false;
	char reason[WHY];
	if (lseek(fd, 0, SEEK_END) == 0) {
		close(fd);
		return because(why, "'%.250s' is empty; remove it, or leave it out by skip='its name'",
		               path);
	}
	(void)lseek(fd, 0, SEEK_SET);
	s->file = sf_open_fd(fd, SFM_READ, &s->is, 1);
	return opened(s, rate, reason) || because(why, "'%.250s' %.200s", path, reason);
}

static int64_t samples_at(const SF_INFO *is, int rate)
{
	int64_t samples = (int64_t)ceil((double)is->frames * rate / is->samplerate);
	return samples > 1 ? samples : 1;
}

/* -- Reading ----------------------------------------------------------------------------------- */

/* `count` frames from `first` on, averaged over the channels. */
static bool read_mono(Sound *s, int64_t first, int64_t count, float *to, char why[WHY])
{
	int channels = s->is.channels;
	float frame[CHUNK * 4];
	int64_t most = channels <= 4 ? CHUNK : CHUNK * 4 / channels;
	if (first && sf_seek(s->file, first, SEEK_SET) != first)
		return because(why, "cannot be read from its sample %" PRId64 " on", first);
	for (int64_t done = 0; done < count;) {
		int64_t want = count - done < most ? count - done : most,
		        got = sf_readf_float(s->file, frame, want);
		for (int64_t i = 0; i < got; i++) {
			double sum = 0;
			for (int c = 0; c < channels; c++)
				sum += (double)frame[i * channels + c];
			to[done + i] = (float)(sum / channels);
			if (!isfinite(to[done + i]))
				return because(why, "holds NaN or infinity at its sample %" PRId64,
				               first + done + i);
		}
		done += got;
		if (got < want)
			return because(why, "is cut off or damaged at its sample %" PRId64 " of %" PRId64,
			               first + done, (int64_t)s->is.frames);
	}
	return true;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* The same at another rate: *from frames are read into memory of this call, and made `count`
 * samples. */
static bool read_resampled(Sound *s, int rate, int64_t first, int64_t count, float *to,
                           char why[WHY])
{
	int64_t own = s->is.samplerate, period = own / common_divisor(own, rate), back;
	double ratio = (double)rate / (double)own;
	int64_t margin = (int64_t)(MARGIN / fmin(ratio, 1)),
	        from = (int64_t)((double)first / ratio) - margin;
	from = from > 0 ? from / period * period : 0;
	back = first - (int64_t)llround((double)from * ratio);
	int64_t to_frame = (int64_t)((double)(first + count) / ratio) + margin + 1,
	        frames = (to_frame < s->is.frames ? to_frame : s->is.frames) - from;
	float *in = malloc((size_t)frames * sizeof *in),
	      *out = calloc((size_t)(back + count), sizeof *out);
	bool good = (in && out) || because(why, "takes more memory than there is");
	good = good && read_mono(s, from, frames, in, why);
	SRC_DATA data = {.data_in = in,
	                 .data_out = out,
	                 .input_frames = (long)frames,
	                 .output_frames = (long)(back + count),
	                 .src_ratio = ratio};
	int error = good ? src_simple(&data, SRC_SINC_MEDIUM_QUALITY, 1) : 0;
	if (error)
		good = because(why, "cannot be resampled: %s", src_strerror(error));
	if (good)
		memcpy(to, out + back, (size_t)count * sizeof *to);
	free(in);
	free(out);
	return good;
}

static bool read_window(Sound *s, int rate, int64_t first, int64_t count, float *to, int64_t *got,
                        char why[WHY])
{
	int64_t left = samples_at(&s->is, rate) - first;
	*got = left < count ? left : count;
	if (*got < 1)
		return because(why, "has become shorter since it was first read");
	memset(to + *got, 0, (size_t)(count - *got) * sizeof *to);
	return rate == s->is.samplerate ? read_mono(s, first, *got, to, why)
	                                : read_resampled(s, rate, first, *got, to, why);
}

/* -- The door ---------------------------------------------------------------------------------- */

bool sound_length(const char *path, int rate, int64_t *samples, char why[WHY])
{
	Sound s;
	if (!open_path(path, rate, &s, why))
		return false;
	*samples = samples_at(&s.is, rate);
	sf_close(s.file);
	return true;
}

bool sound_window(const char *path, int rate, int64_t first, int64_t count, float *to, int64_t *got,
                  char why[WHY])
{
	Sound s;
	char reason[WHY];
	if (!open_path(path, rate, &s, why))
		return false;
	bool good = read_window(&s, rate, first, count, to, got, reason);
	sf_close(s.file);
	return good || because(why, "'%.250s' %.200s", path, reason);
}

/* -- A file in memory -------------------------------------------------------------------------- */

typedef struct Memory {
	const unsigned char *bytes;
	sf_count_t size, at;
} Memory;

static sf_count_t memory_size(void *memory)
{
	return ((Memory *)memory)->size;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *memory)
{
	Memory *m = memory;
	sf_count_t to = (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->at : m->size) + offset;
	if (to < 0 || to > m->size)
		return -1;
	return m->at = to;
}

static sf_count_t memory_read(void *to, sf_count_t count, void *memory)
{
	Memory *m = memory;
	sf_count_t left = m->size - m->at, got = count < left ? count : left;
	memcpy(to, m->bytes + m->at, (size_t)got);
	m->at += got;
	return got;
}

static sf_count_t memory_write(const void *from, sf_count_t count, void *memory)
{
	(void)from, (void)count, (void)memory;
	return 0;
}

static sf_count_t memory_tell(void *memory)
{
	return ((Memory *)memory)->at;
}

bool sound_parse(const void *bytes, size_t size, int rate, int64_t count, float *to,
                 int64_t *samples, char why[WHY])
{
	Memory m = {bytes, (sf_count_t)size, 0};
	SF_VIRTUAL_IO io = {memory_size, memory_seek, memory_read, memory_write, memory_tell};
	Sound s = {0};
	int64_t got;
	s.file = sf_open_virtual(&io, SFM_READ, &s.is, &m);
	if (!opened(&s, rate, why))
		return false;
	*samples = samples_at(&s.is, rate);
	bool good = read_window(&s, rate, 0, count, to, &got, why);
	sf_close(s.file);
	return good;
}
