/* suggest.c: the nearest known name, for "did you mean": the same in another spelling (ReLU, Conv2d,
 * MSELoss), else by optimal string alignment distance (Damerau 1964). */
#include "base.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t smaller(size_t x, size_t y)
{
	return x < y ? x : y;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn x into y; both at most
 * LONGEST. */
static size_t distance(const char *x, size_t xs, const char *y, size_t ys)
{
	size_t row[3][LONGEST + 1];
	size_t *before = row[0], *last = row[1], *now = row[2];
	for (size_t j = 0; j <= ys; j++)
		last[j] = j;
	for (size_t i = 1; i <= xs; i++) {
		now[0] = i;
		for (size_t j = 1; j <= ys; j++) {
			now[j] =
			    smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + (x[i - 1] != y[j - 1]));
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
				now[j] = smaller(now[j], before[j - 2] + 1);
		}
		size_t *free_row = before;
		before = last, last = now, now = free_row;
	}
	return last[ys];
}

/* What all spellings have in common: small letters and digits, without "1d" to "3d" and "loss" at the end. */
static size_t plain(const char *name, char to[LONGEST + 1])
{
	static const char *const ends[] = {"loss", "1d", "2d", "3d"};
	size_t size = 0;
	for (; *name && size < LONGEST; name++)
		if (isalnum((unsigned char)*name))
			to[size++] = (char)tolower((unsigned char)*name);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t length = strlen(ends[i]);
		if (size > length && memcmp(to + size - length, ends[i], length) == 0)
			size -= length;
	}
	to[size] = 0;
	return size;
}

static const char *same_plain(const char *name, const char *const *candidates, size_t count)
{
	char own[LONGEST + 1], other[LONGEST + 1];
	size_t size = plain(name, own);
	for (size_t i = 0; size > 1 && i < count; i++)
		if (plain(candidates[i], other) == size && memcmp(own, other, size) == 0)
			return candidates[i];
	return NULL;
}

const char *suggest(const char *name, const char *const *candidates, size_t count)
{
	size_t size = strlen(name);
	if (!size || size > LONGEST)
		return NULL;
	const char *same = same_plain(name, candidates, count);
	if (same)
		return same;
	size_t most = size / 3 > 1 ? size / 3 : 1;
	const char *best = NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(candidates[i]);
		if (other > LONGEST || other > size + most || size > other + most)
			continue;
		size_t d = distance(name, size, candidates[i], other);
		/* A one-letter name is near to every other: only a real overlap counts. */
		if (d <= most && d < size && d < other && (!best || d < most)) {
			best = candidates[i];
			if (d < most)
				most = d;
		}
	}
	return best;
}
