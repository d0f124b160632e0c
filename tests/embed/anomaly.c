/* anomaly.c: what runs on a microcontroller beside a sensor: it learns to reconstruct windows of the
 * signal as they come, keeps none of them, learns how large an error is usual, and then flags what
 * it cannot reconstruct. No libc; says what it found by say().
 *
 *   sslc compile sensor.json --target cortex-m4f --out sensor.o
 *
 * Exit code 0: no usual window was flagged, and every odd one was. With -DBARE it stands on
 * tests/targets/bare.c. */
#ifndef BARE
#include <stdio.h>
#endif

#include "sensor.h"

enum { WINDOW = SENSOR_STEP_X_COUNT, TRAINED = 1500, WATCHED = 300, TRIED = 100 };

SENSOR_ALIGNED static unsigned char block[SENSOR_BLOCK_BYTES];

#ifdef BARE
void say(const char *text);
#else
static void say(const char *text)
{
	fputs(text, stdout);
}
#endif

/* -- The sensor: a hum of changing phase, with noise ------------------------------------------- */

static float re = 1, im = 0;
static uint32_t state = 1;

static float noise(void)
{
	state = state * 1664525u + 1013904223u;
	return (float)(int32_t)(state >> 8) * 0x1p-24f - 0.5f;
}

static float sample(void)
{
	const float c = 0.92106099f, s = 0.38941834f; /* a turn of 0.4 */
	float next = re * c - im * s, length;
	im = re * s + im * c;
	re = next;
	length = re * re + im * im; /* back to a circle, by a step of Newton's */
	re *= 1.5f - 0.5f * length;
	im *= 1.5f - 0.5f * length;
	return re + 0.05f * noise();
}

static void window(float *to, int odd)
{
	for (int i = 0; i < WINDOW; i++)
		to[i] = sample();
	if (odd) /* a bearing that knocks */
		for (int i = 4; i < 10; i++)
			to[i] += i % 2 ? 1.0f : -1.0f;
}

/* -- Learning and watching --------------------------------------------------------------------- */

static int flagged(float threshold, int odd)
{
	float x[WINDOW], loss = 0;
	int count = 0;
	for (int i = 0; i < TRIED; i++) {
		window(x, odd);
		if (sensor_loss(block, x, &loss))
			return -1;
		count += loss > threshold;
	}
	return count;
}

static void say_number(const char *what, int number)
{
	char text[] = "     \n";
	for (int i = 4; i >= 0 && (number || i == 4); i--, number /= 10)
		text[i] = (char)('0' + number % 10);
	say(what);
	say(text);
}

int main(void)
{
	float x[WINDOW], loss = 0, threshold = 0;
	if (sensor_init(block, sizeof block, 1, 0))
		return 1;
	for (int i = 0; i < TRAINED; i++) {
		window(x, 0);
		if (sensor_step(block, x, &loss))
			return 1;
	}
	for (int i = 0; i < WATCHED; i++) { /* twice the largest error that is usual */
		window(x, 0);
		if (sensor_loss(block, x, &loss))
			return 1;
		threshold = 2 * loss > threshold ? 2 * loss : threshold;
	}
	int usual = flagged(threshold, 0), odd = flagged(threshold, 1);
	say_number("usual windows flagged: ", usual);
	say_number("odd windows flagged:   ", odd);
	return usual != 0 || odd != TRIED;
}
