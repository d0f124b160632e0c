/* fuzz_events.c: any bytes as the event file of a run that goes on at a step, which the first two
 * bytes are. What is kept is the beginning of the file, or else it begins anew; opened again, all of
 * that stays. */
#include "beside.h"

static unsigned char *open_and_read(int64_t step, size_t *size)
{
	char why[WHY];
	Events *e = events_open(path, step, why);
	if (!e || !events_flush(e))
		wrong();
	events_close(e);
	return read_again(size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum { NEW_FILE = 40 }; /* bytes of a file of no scalars */
	int64_t step = file_of(&bytes, &size);
	if (step < 0)
		return 0;
	size_t once, twice;
	unsigned char *a = open_and_read(step, &once), *b = open_and_read(step, &twice);
	bool begun_anew = once == NEW_FILE && a[0] == 24;
	if (!begun_anew && (once > size || memcmp(a, bytes, once) != 0))
		wrong();
	if (twice != once || memcmp(a, b, once) != 0)
		wrong();
	free(a);
	free(b);
	return 0;
}
