/* verdict.c: says what the scores show: a table, a sentence for each task, and the same as JSON.
 *
 * Self-supervision helped if the pre-trained networks beat both the same networks with random
 * weights and the raw input, on the same task; where a task has neither, the same networks trained
 * from scratch. Whatever the metric, a difference counts where 0
 * lies outside of its interval of 95 % over the samples, which are the same ones for all
 * (paired.c), or over their groups. An accuracy that always saying the commonest class has too shows no help. */
#include "train.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const Score *find(const Scores *s, const char *task, Variant v)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->score[i].variant == v && strcmp(s->score[i].task->base, task) == 0)
			return &s->score[i];
	return NULL;
}

Interval score_gain(const Score *own, const Score *other)
{
	bool higher = own->task->higher_is_better;
	if (own->diverged || other->diverged || own->values != other->values)
		return (Interval){0, -INFINITY, INFINITY};
	if (own->drawn && other->drawn)
		return resampled_95(higher ? own->score - other->score : other->score - own->score,
		                    own->value, other->value, (size_t)own->values, own->drawn);
	return paired_95(higher ? own->value : other->value, higher ? other->value : own->value,
	                 own->weight, (size_t)own->values);
}

/* 1: `a` is better, -1: `b` is, 0: no difference that the samples could show. */
static int compare(const Score *a, const Score *b)
{
	if (a->diverged || b->diverged)
		return a->diverged && b->diverged ? 0 : b->diverged ? 1 : -1;
	Interval gain = score_gain(a, b);
	return gain.low > 0 ? 1 : gain.high < 0 ? -1 : 0;
}

static bool is_percent(const Score *s)
{
	return strcmp(s->task->metric, "accuracy") == 0;
}

static void number_text(const Score *s, double value, bool is_metric, char text[32])
{
	if (!isfinite(value))
		snprintf(text, 32, "%s", is_metric && s->unscored ? "not finite" : "diverged");
	else if (is_metric && is_percent(s))
		snprintf(text, 32, "%.2f %%", 100 * value);
	else
		snprintf(text, 32, "%.5g", value);
}

typedef struct Line {
	char *text;
	size_t size, used;
} Line;

static void add(Line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(Line *l, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int more = vsnprintf(l->text + l->used, l->size - l->used, format, args);
	l->used = more < 0 || (size_t)more >= l->size - l->used ? l->size - 1 : l->used + (size_t)more;
	va_end(args);
}

static const char *relation(const Score *own, const Score *other)
{
	int c = compare(own, other);
	bool known = own->diverged || other->diverged || isfinite(score_gain(own, other).low);
	return c > 0   ? "better than"
	       : c < 0 ? "worse than"
	       : known ? "no different from"
	               : "by one value not told from";
}

void verdict(const Scores *s, const char *task, char text[512])
{
	static const char *const what[VARIANTS] = {
	    [RANDOM] = "the same networks with random weights",
	    [RAW] = "the raw input",
	    [SCRATCH] = "training from scratch on the labels",
	};
	Line l = {text, 512, 0};
	text[0] = 0;
	const Score *own = find(s, task, PRETRAINED);
	bool helped = own && !own->diverged, hurt = own && own->diverged && !own->unscored;
	int compared = 0;
	bool alone = !find(s, task, RANDOM) && !find(s, task, RAW);
	for (Variant v = RANDOM; own && v < VARIANTS; v++) {
		const Score *other = find(s, task, v);
		if (!other || (v == SCRATCH && !alone))
			continue;
		compared++;
		helped &= compare(own, other) > 0;
		hurt |= compare(own, other) < 0;
	}
	if (!own)
		return;
	bool is_blind = !own->diverged && own->commonest > 0 && own->score <= own->commonest;
	helped &= !is_blind;
	char number[32];
	number_text(own, own->score, true, number);
	add(&l, "%s: ", task);
	if (compared)
		add(&l, "%s: ",
		    helped ? "self-supervision helped"
		    : hurt ? "self-supervision did not help"
		           : "no clear help from self-supervision");
	if (own->unscored)
		add(&l, "the metric is not finite on the pre-trained networks");
	else if (own->diverged)
		add(&l, "the task diverged on the pre-trained networks");
	else
		add(&l, "pre-trained has %s %s", own->task->metric, number);
	if (s->runs && !own->diverged)
		add(&l, " (mean of %zu seeds)", s->runs);
	for (Variant v = RANDOM; v < VARIANTS; v++) {
		const Score *other = find(s, task, v);
		if (!other)
			continue;
		number_text(other, other->score, true, number);
		add(&l, ", %s %s (%s)", relation(own, other), what[v], number);
	}
	if (!is_blind)
		return;
	number_text(own, own->commonest, true, number);
	add(&l, "; no better than always saying the commonest class (%s)", number);
}

/* "8.05 to 9.59 %"; empty for the pre-trained networks themselves. */
static void gain_text(const Score *own, const Score *other, char text[48])
{
	text[0] = 0;
	if (!own || own == other)
		return;
	Interval gain = score_gain(own, other);
	double scale = is_percent(own) ? 100 : 1;
	if (!isfinite(gain.low))
		snprintf(text, 48, "not known");
	else
		snprintf(text, 48, is_percent(own) ? "%.2f to %.2f %%" : "%.3g to %.3g", scale * gain.low,
		         scale * gain.high);
}

/* "84.09 %"; of several runs "84.09 +- 0.31 %": where their mean lies with 95 % of certainty. */
static void score_text(const Scores *all, const Score *s, char text[48])
{
	number_text(s, s->score, true, text);
	if (!all->runs || s->diverged)
		return;
	Interval i = mean_95(s->value, NULL, s->weight, all->runs);
	double scale = is_percent(s) ? 100 : 1, half = scale * (i.high - i.mean);
	if (isfinite(half))
		snprintf(text, 48, is_percent(s) ? "%.2f +- %.2f %%" : "%.5g +- %.2g", scale * s->score,
		         half);
}

static void print_row(const Scores *all, const Score *s, FILE *out)
{
	char score[48], loss[32], gain[48];
	score_text(all, s, score);
	if (!s->task->trains || isnan(s->train_loss))
		snprintf(loss, sizeof loss, "-");
	else
		number_text(s, s->train_loss, false, loss);
	gain_text(find(all, s->task->base, PRETRAINED), s, gain);
	fprintf(out, "  %-16s %17s  %22s %12s %9.1f s\n", variant_name[s->variant], score, gain, loss,
	        s->seconds);
}

/* " in 20 groups", " in 30 stretches of a series", " of one group". */
static void print_together(const Together *t, FILE *out)
{
	const char *many = t->of_series ? "stretches of a series" : "groups";
	if (t->groups == 1)
		fprintf(out, " of one %s", t->of_series ? "stretch of a series" : "group");
	else if (t->groups)
		fprintf(out, " in %lld %s", (long long)t->groups, many);
}

/* Why variants of the task have no score. */
static void print_diverged(const Scores *all, const char *task, FILE *out)
{
	for (const Score *s = all->score; s < all->score + all->count; s++)
		if (s->diverged && s->why[0] && strcmp(s->task->base, task) == 0)
			fprintf(out, "%s diverged (%s): %s\n", task, variant_name[s->variant], s->why);
}

void scores_print(const Scores *s, FILE *out)
{
	const char *task = NULL;
	for (size_t i = 0; i < s->count; i++) {
		const Score *row = &s->score[i];
		if (!task || strcmp(task, row->task->base) != 0) {
			task = row->task->base;
			fprintf(out, "\n%s: %s over %lld %s samples", task, row->task->metric,
			        (long long)row->samples, s->split == SPLIT_TEST ? "test" : "train");
			print_together(&row->together, out);
			if (row->task->samples)
				fprintf(out, ", %s %lld", row->task->has_bank ? "with a bank of" : "trained on",
				        (long long)row->task->samples);
			fprintf(out, s->runs ? ", with %zu seeds\n" : "\n", s->runs);
			fprintf(out, "  %-16s %17s  %22s %12s %11s\n", "networks", row->task->metric,
			        "gain of pre-training", "train loss", "time");
		}
		print_row(s, row, out);
		if (i + 1 == s->count || strcmp(task, s->score[i + 1].task->base) != 0) {
			char text[512];
			print_diverged(s, task, out);
			verdict(s, task, text);
			fprintf(out, "%s\n", text);
		}
	}
}

/* -- results.json ------------------------------------------------------------------------------ */

/* The scores of the runs, in the order of their seeds. */
static void json_runs(FILE *out, const Scores *all, const Score *s)
{
	for (size_t i = 0; i < all->runs; i++) {
		fputs(i ? ", " : ", \"scores\": [", out);
		json_value(out, s->value[i]);
	}
	fputs(all->runs ? "]" : "", out);
}

static void json_score(FILE *out, const Scores *all, const Score *s)
{
	const Score *own = find(all, s->task->base, PRETRAINED);
	fputs("    {\"task\": ", out);
	json_text(out, s->task->base);
	fputs(", \"networks\": ", out);
	json_text(out, variant_name[s->variant]);
	fputs(", \"metric\": ", out);
	json_text(out, s->task->metric);
	json_number(out, "score", s->diverged ? NAN : s->score);
	if (s->diverged && s->why[0]) {
		fputs(", \"diverged\": ", out);
		json_text(out, s->why);
	}
	if (s->unscored)
		fputs(", \"not_finite\": true", out);
	fprintf(out, ", \"higher_is_better\": %s", s->task->higher_is_better ? "true" : "false");
	if (s->commonest > 0)
		json_number(out, "commonest_class", s->commonest);
	json_runs(out, all, s);
	if (own && own != s) {
		Interval gain = score_gain(own, s);
		json_number(out, "gain_low", gain.low);
		json_number(out, "gain_high", gain.high);
	}
	json_number(out, "train_loss", s->train_loss);
	json_number(out, "seconds", s->seconds);
	if (s->together.groups)
		fprintf(out, ", \"groups\": %lld", (long long)s->together.groups);
	fprintf(out, ", \"samples\": %lld, \"trained_on\": %lld, \"steps\": %lld}",
	        (long long)s->samples, (long long)s->task->samples, (long long)s->task->training.steps);
}

static void json_results(FILE *out, const Scores *s, const char *name, const Position *at)
{
	fputs("{\n  \"model\": ", out);
	json_text(out, name);
	fprintf(out, ",\n  \"pretraining\": {\"steps\": %lld, \"seed\": %llu", (long long)at->step,
	        (unsigned long long)at->seed);
	json_number(out, "loss", at->epoch_loss);
	json_number(out, "seconds", at->seconds);
	fprintf(out, "},\n  \"scored_on\": \"%s\",\n  \"downstream\": [",
	        s->split == SPLIT_TEST ? "test" : "train");
	for (size_t i = 0; i < s->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		json_score(out, s, &s->score[i]);
	}
	fputs("\n  ],\n  \"verdicts\": [", out);
	size_t written = 0;
	for (size_t i = 0; i < s->count; i++) {
		char text[512];
		if (s->score[i].variant != PRETRAINED)
			continue;
		verdict(s, s->score[i].task->base, text);
		fputs(written++ ? ",\n    " : "\n    ", out);
		json_text(out, text);
	}
	fputs("\n  ]\n}\n", out);
}

bool scores_write(const Scores *s, const char *name, const char *path, const Position *at,
                  Failure *f)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return fail(f, FAILURE_SYSTEM, "no memory for the results");
	json_results(out, s, name, at);
	return json_finish(out, &text, &size, path, f);
}
