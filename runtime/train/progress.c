/* progress.c: on a terminal a bar that is drawn anew a few times a second; else plain lines, at
 * most about 20. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../runtime.h"
#include "screen.h"

enum { WIDTH = 28, LEAST = 4, LINES = 20 };

struct Progress {
	FILE *out;
	bool terminal;
	int drawn; /* characters of the line that stands there */
	int64_t first, steps, epoch_steps, batch, next_line;
	double began, last;
	Screen *screen; /* NULL: one line */
	char note[64];
};

Progress *progress_open(FILE *out, int64_t first_step, int64_t steps, int64_t epoch_steps,
                        int64_t batch)
{
	Progress *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	*p = (Progress){.out = out,
	                .first = first_step,
	                .steps = steps,
	                .epoch_steps = epoch_steps,
	                .batch = batch};
	p->terminal = isatty(fileno(out));
	p->began = p->last = seconds_now();
	return p;
}

static void print_time(char text[16], double seconds)
{
	if (seconds < 60)
		snprintf(text, 16, "%.0f s", seconds);
	else
		snprintf(text, 16, "%d:%02d min", (int)seconds / 60 % 100000, (int)seconds % 60);
}

bool progress_live(Progress *p)
{
	if (!p || !p->terminal)
		return true;
	p->screen = screen_open(p->out);
	return p->screen != NULL;
}

void progress_metric(Progress *p, const char *name, double value)
{
	if (p && p->screen)
		screen_metric(p->screen, name, value);
}

static void fill_bar(char bar[WIDTH + 1], int width, double done)
{
	int full = (int)(done * width);
	memset(bar, '.', (size_t)width);
	memset(bar, '#', (size_t)(full > width ? width : full));
	bar[width] = 0;
}

/* In one row: a line that the terminal breaks is not where it is drawn the next time. */
static void draw_line(Progress *p, double done, const char *text)
{
	char bar[WIDTH + 1], line[WIDTH + 300];
	int width = screen_width(p->out) - 1, room = width - (int)strlen(text) - 3;
	if (room >= LEAST) {
		fill_bar(bar, room < WIDTH ? room : WIDTH, done);
		snprintf(line, sizeof line, "[%s] %s", bar, text);
	} else {
		snprintf(line, sizeof line, "%s", text + strspn(text, " "));
	}
	int before = p->drawn < width ? p->drawn : width;
	fprintf(p->out, "\r%-*.*s", before, width, line);
	fflush(p->out);
	p->drawn = (int)strlen(line);
}

static void draw(Progress *p, int64_t step, double loss, double now)
{
	double done = (double)step / (double)p->steps,
	       rate = (double)(step - p->first) / (now - p->began + 1e-9);
	char bar[WIDTH + 1], left[16];
	fill_bar(bar, WIDTH, done);
	print_time(left, (double)(p->steps - step) / (rate + 1e-9));
	if (p->screen) {
		char first[128], second[128];
		snprintf(first, sizeof first, "[%s] %3.0f%%  %s left", bar, 100 * done, left);
		snprintf(second, sizeof second, "epoch %lld of %lld  step %lld of %lld  %.0f samples/s",
		         (long long)((step - 1) / p->epoch_steps) + 1,
		         (long long)(p->steps / p->epoch_steps), (long long)step, (long long)p->steps,
		         rate * (double)p->batch);
		screen_draw(p->screen, (const char *const[]){first, second}, 2);
		return;
	}
	char text[256];
	snprintf(text, sizeof text, "%3.0f%%  epoch %lld  loss %-10.5g%s %8.0f samples/s  %s left",
	         100 * done, (long long)((step - 1) / p->epoch_steps) + 1, loss, p->note,
	         rate * (double)p->batch, left);
	draw_line(p, done, text);
}

static void print_line(Progress *p, int64_t step, double loss, double now)
{
	double rate = (double)(step - p->first) / (now - p->began + 1e-9);
	fprintf(p->out, "epoch %lld  step %lld of %lld  loss %.5g%s  %.0f samples/s\n",
	        (long long)((step - 1) / p->epoch_steps) + 1, (long long)step, (long long)p->steps,
	        loss, p->note, rate * (double)p->batch);
	fflush(p->out);
	int64_t epochs = p->steps / p->epoch_steps, every = (epochs + LINES - 1) / LINES;
	p->next_line = step + every * p->epoch_steps;
}

void progress_note(Progress *p, const char *text)
{
	if (p)
		snprintf(p->note, sizeof p->note, "%s%s", *text ? "  " : "", text);
}

void progress_step(Progress *p, int64_t step, double loss)
{
	if (!p)
		return;
	bool last = step == p->steps;
	if (p->terminal) {
		double now = seconds_now();
		if (!last && now - p->last < 0.1)
			return;
		p->last = now;
		draw(p, step, loss, now);
	} else if (last || (step % p->epoch_steps == 0 && step >= p->next_line)) {
		print_line(p, step, loss, seconds_now());
	}
}

void progress_close(Progress *p)
{
	if (p && p->drawn)
		fputc('\n', p->out);
	if (p)
		screen_close(p->screen);
	free(p);
}
