/* sound.h: private to data/: windows of a recording, as one channel of f32 at the rate that is
 * asked for. */
#ifndef SSLC_SOUND_H
#define SSLC_SOUND_H

#include "../runtime.h"

/* Whatever libsndfile reads: WAV, FLAC, Ogg, MP3, AIFF, AU, CAF ... Channels are averaged; integers
 * become [-1, 1), 8-bit ones too; floats stay. Other rates are resampled by libsamplerate
 * (SRC_SINC_MEDIUM_QUALITY). */

/* Samples that a file has at `rate`, at least 1. False: it is no sound, empty, or cut off. */
MUST_CHECK bool sound_length(const char *path, int rate, int64_t *samples, char why[WHY]);
/* Samples [first, first + count) to `to`, zeros behind the end; *got: those that are of the file.
 * The same place of a file gives the same values, up to rounding, whatever the window. */
MUST_CHECK bool sound_window(const char *path, int rate, int64_t first, int64_t count, float *to,
                             int64_t *got, char why[WHY]);
/* Both, of a file in memory: the samples that it has, and its first `count`. */
MUST_CHECK bool sound_parse(const void *bytes, size_t size, int rate, int64_t count, float *to,
                            int64_t *samples, char why[WHY]);

#endif
