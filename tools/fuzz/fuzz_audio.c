/* fuzz_audio.c: any bytes as a recording, at a rate of theirs or another. */
#include <math.h>
#include <stdlib.h>

#include "../../runtime/data/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static float x[4000];
	static const int RATES[] = {8000, 44100, 11127};
	char why[WHY] = "";
	int64_t samples = 0;
	for (int i = 0; i < 3; i++)
		if (sound_parse(bytes, size, RATES[i], 4000, x, &samples, why)) {
			if (samples < 1)
				abort();
			for (int k = 0; k < 4000; k++)
				if (!isfinite(x[k]))
					abort();
		} else if (!*why) {
			abort();
		}
	return 0;
}

/* Of a malformed Ogg, libsndfile 1.2 forgets what libvorbis has allocated. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:vorbis_info_init\n";
}
