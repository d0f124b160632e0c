/* screen.c: a training on a terminal: a few lines that are drawn anew in place: progress, the time that
 * is left, and each metric with its last value and its course since the run began, as a sparkline
 * (Tufte 2006).
 *
 * A course has room for 64 numbers: when it is full, each two become their mean, and from then on each
 * number is a mean of twice as many. So it always covers the whole run, and nothing is allocated. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "screen.h"

enum { COURSES = 16, ROOM = 64, NAME = 16, NARROW = 24, WIDE = 60, LINE = 512 };

typedef struct Course {
	char name[NAME];
	double mean[ROOM], last;
	double sum;    /* of the numbers since the last mean */
	int64_t count; /* of them */
	int64_t each;  /* that make a mean */
	size_t means;
} Course;

struct Screen {
	FILE *out;
	Course course[COURSES];
	size_t courses;
	int drawn; /* lines that are on the terminal */
	bool utf8;
};

static bool speaks_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

Screen *screen_open(FILE *out)
{
	Screen *s = calloc(1, sizeof *s);
	if (s)
		*s = (Screen){.out = out, .utf8 = speaks_utf8()};
	return s;
}

void screen_close(Screen *s)
{
	free(s);
}

static Course *course_of(Screen *s, const char *name)
{
	for (size_t i = 0; i < s->courses; i++)
		if (strncmp(s->course[i].name, name, NAME - 1) == 0)
			return &s->course[i];
	if (s->courses == COURSES)
		return NULL;
	Course *c = &s->course[s->courses++];
	c->each = 1;
	snprintf(c->name, NAME, "%s", name);
	return c;
}

void screen_metric(Screen *s, const char *name, double value)
{
	Course *c = course_of(s, name);
	if (!c)
		return;
	c->last = value;
	if (!isfinite(value))
		return;
	c->sum += value;
	if (++c->count < c->each)
		return;
	if (c->means == ROOM) {
		for (size_t i = 0; i < ROOM / 2; i++)
			c->mean[i] = (c->mean[2 * i] + c->mean[2 * i + 1]) / 2;
		c->means = ROOM / 2;
		c->each *= 2;
		if (c->count < c->each)
			return;
	}
	c->mean[c->means++] = c->sum / (double)c->count;
	c->sum = 0;
	c->count = 0;
}

/* The course in at most `width` columns, from its lowest to its highest number. */
static void spark(const Screen *s, const Course *c, int width, char text[LINE])
{
	static const char *const block[] = {"\u2581", "\u2582", "\u2583", "\u2584",
	                                    "\u2585", "\u2586", "\u2587", "\u2588"};
	static const char *const plain[] = {"_", ".", ",", "-", "~", "=", "+", "#"};
	double shown[ROOM], low = INFINITY, high = -INFINITY;
	size_t columns = c->means < (size_t)width ? c->means : (size_t)width, used = 0;
	for (size_t i = 0; i < columns; i++) {
		size_t from = i * c->means / columns, to = (i + 1) * c->means / columns;
		shown[i] = 0;
		for (size_t k = from; k < to; k++)
			shown[i] += c->mean[k] / (double)(to - from);
		low = fmin(low, shown[i]);
		high = fmax(high, shown[i]);
	}
	text[0] = 0;
	for (size_t i = 0; i < columns; i++) {
		int level = high > low ? (int)((shown[i] - low) / (high - low) * 7.999) : 3;
		used += (size_t)snprintf(text + used, LINE - used, "%s", (s->utf8 ? block : plain)[level]);
	}
}

int screen_width(FILE *out)
{
	struct winsize size;
	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void screen_draw(Screen *s, const char *const *head, int count)
{
	int width = screen_width(s->out) - 1;
	if (s->drawn)
		fprintf(s->out, "\033[%dA", s->drawn);
	for (int i = 0; i < count; i++)
		fprintf(s->out, "\r\033[K%.*s\n", width, head[i]);
	int room = width - 31 < WIDE ? width - 31 : WIDE;
	for (size_t i = 0; i < s->courses; i++) {
		char course[LINE];
		const Course *c = &s->course[i];
		spark(s, c, room < 0 ? 0 : room, course);
		if (width < NARROW)
			fprintf(s->out, "\r\033[K%.*s\n", width, c->name);
		else
			fprintf(s->out, "\r\033[K%-*s %-12.5g  %s\n", NAME - 1, c->name, c->last, course);
	}
	s->drawn = count + (int)s->courses;
	fflush(s->out);
}
