/* main.c: trains a model for some steps, on numbers that are the same everywhere, and says each loss
 * in millionths. The names of its object begin with m_. With -DBARE it stands on bare.c alone. */
#ifndef BARE
#include <stdio.h>
#endif

#include "m.h"

enum { STEPS = 20 };

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

static void say_loss(float loss)
{
	char text[] = "0000000000\n";
	uint32_t rest = (uint32_t)(loss * 1e6f);
	for (int i = 9; i >= 0; i--, rest /= 10)
		text[i] = (char)('0' + rest % 10);
	say(text);
}

int main(void)
{
	uint32_t state = 1;
	if (m_init(block, sizeof block, 7, 0))
		return 1;
	for (int step = 0; step < STEPS; step++) {
		float loss = 0;
		for (int i = 0; i < M_STEP_X_COUNT; i++) {
			state = state * 1664525u + 1013904223u;
			x[i] = (float)(int32_t)(state >> 8) * 0x1p-24f - 0.5f;
		}
		if (m_step(block, x, &loss))
			return 1;
		say_loss(loss);
	}
	return 0;
}
