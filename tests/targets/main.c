/* main.c: trains a model for some steps, on numbers that are the same everywhere, and says each loss
 * in millionths; one that is negative, above 1000 or no number ends it with an error. The names of
 * its object begin with m_. With -DBARE it stands on bare.c (or run.mjs) alone; with -DTICKS it says
 * what bare.c's counter counted in each step instead. */
#ifndef BARE
#include <stdio.h>
#endif

#include "m.h"

#ifndef STEPS
#define STEPS 20
#endif

M_ALIGNED static unsigned char block[M_BLOCK_BYTES];
static float x[M_STEP_X_COUNT];

#ifdef BARE
void say(const char *text);
#else
static void say(const char *text)
{
	fputs(text, stdout);
}
#endif
#ifdef TICKS
uint32_t ticks(void);
#endif

static void say_number(uint32_t rest)
{
	char text[] = "0000000000\n";
	for (int i = 9; i >= 0; i--, rest /= 10)
		text[i] = (char)('0' + rest % 10);
	say(text);
}

#ifndef TICKS
static int say_loss(float loss)
{
	int good = loss >= 0 && loss <= 1000; /* not for NaN */
	if (good)
		say_number((uint32_t)(loss * 1e6f));
	else
		say("a loss is not finite, or not a loss\n");
	return good;
}
#endif

int main(void)
{
	uint32_t state = 1;
	if (m_init(block, sizeof block, 7, 0))
		return 1;
	for (int step = 0; step < STEPS; step++) {
		float loss = -1;
		for (int i = 0; i < M_STEP_X_COUNT; i++) {
			state = state * 1664525u + 1013904223u;
			x[i] = (float)(int32_t)(state >> 8) * 0x1p-24f - 0.5f;
		}
#ifdef TICKS
		uint32_t before = ticks();
		if (m_step(block, x, &loss))
			return 1;
		say_number((ticks() - before) & 0xffffff);
#else
		if (m_step(block, x, &loss) || !say_loss(loss))
			return 1;
#endif
	}
	return 0;
}
