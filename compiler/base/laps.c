/* laps.c: a stop watch for the stages of a compilation: each lap is charged to the stage that ends
 * it, so that laps add up to the whole. */
#include "base.h"

#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void laps_start(Laps *l)
{
	l->since = now();
}

void lap(Laps *l, const char *stage)
{
	double time = now();
	size_t i = 0;
	while (i < l->count && strcmp(l->lap[i].stage, stage) != 0)
		i++;
	if (i == COUNT(l->lap))
		BUG("more than %zu stages have a time", i);
	l->count = i == l->count ? i + 1 : l->count;
	l->lap[i].stage = stage;
	l->lap[i].seconds += time - l->since;
	l->lap[i].times++;
	l->since = time;
}
