/* windows.c: samples of tokens. All tokens of a split lie in memory, one after the other; a sample is
 * copied out of them when it is wanted. */
#include "windows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WINDOW = 1 << 20 };

int32_t window_size(double window, char why[WHY])
{
	if (window >= 1 && window <= MOST_WINDOW && floor(window) == window)
		return (int32_t)window;
	because(why, "window=%g: a window is of 1 to %d tokens", window, MOST_WINDOW);
	return 0;
}

Tokenizer *tokenizer_named(const Arguments *a, const char *name, Slice text, char why[WHY])
{
	char path[PATH];
	if (strcmp(name, "bytes") == 0)
		return tokenizer_bytes(why);
	if (strcmp(name, "chars") == 0)
		return tokenizer_characters(text.at, text.size, why);
	if (!strchr(name, '.') && !strchr(name, '/')) {
		because(why,
		        "no tokenizer named '%.100s'; there are 'bytes', 'chars', and files that sslc "
		        "tokenizer makes, such as 'tokens.json'",
		        name);
		return NULL;
	}
	return arguments_path(a, name, path, why) ? tokenizer_read(path, why) : NULL;
}

Windows *windows_open(int32_t size, char why[WHY])
{
	Windows *w = calloc(1, sizeof *w);
	if (w)
		w->size = size;
	else
		because(why, "no memory for tokens");
	return w;
}

void windows_close(void *windows)
{
	Windows *w = windows;
	if (!w)
		return;
	free(w->tokens.at);
	free(w->at);
	free(w);
}

static bool add_window(Windows *w, size_t from, int32_t count, char why[WHY])
{
	Window *at = memory_grow(w->at, &w->room, w->count + 1, sizeof *at);
	if (!at)
		return because(why, "no memory for %zu windows", w->count + 1);
	w->at = at;
	w->at[w->count++] = (Window){from, count, 0};
	return true;
}

bool windows_cut(Windows *w, size_t from, int32_t overlap, bool whole, char why[WHY])
{
	size_t end = w->tokens.count, size = (size_t)w->size;
	for (bool first = true; end - from > (first ? 0 : (size_t)overlap); first = false) {
		size_t count = end - from < size ? end - from : size;
		if (whole && count < size)
			return true;
		if (!add_window(w, from, (int32_t)count, why))
			return false;
		if (count < size)
			return true;
		from += size - (size_t)overlap;
	}
	return true;
}

bool windows_add(Windows *w, const Tokenizer *t, Slice text, char why[WHY])
{
	size_t from = w->tokens.count;
	if (!tokenizer_encode(t, text.at, text.size, &w->tokens, why))
		return false;
	size_t count = w->tokens.count - from, size = (size_t)w->size;
	w->tokens.count = from + (count < size ? count : size);
	return add_window(w, from, (int32_t)(w->tokens.count - from), why);
}

static bool decode(void *source, int64_t sample, void *const to[], char why[WHY])
{
	const Windows *w = source;
	const Window *at = &w->at[sample];
	size_t size = (size_t)w->size, count = (size_t)at->count;
	int32_t *x = to[0];
	(void)why;
	memcpy(x, w->tokens.at + at->from, count * sizeof *x);
	memset(x + count, 0, (size - count) * sizeof *x);
	*(int32_t *)to[1] = at->count;
	return true;
}

void windows_fill(Windows *w, int32_t ids, Part *part)
{
	Field *x = part_add(part, "x"), *length = part_add(part, "length");
	int64_t count = (int64_t)w->count;
	x->array = (Array){.type = "i32", .rank = 2, .dim = {count, w->size}};
	x->below = ids;
	length->array = (Array){.type = "i32", .rank = 1, .dim = {count}};
	length->below = w->size + 1;
	part->decode = decode;
	part->close = windows_close;
	part->source = w;
}
