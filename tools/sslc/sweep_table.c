/* sweep_table.c: what a sweep has found, as lines, as a table and as sweep.json. */
#include "sweep.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *run_name(const Trial *t)
{
	const char *slash = strrchr(t->folder, '/');
	return slash ? slash + 1 : t->folder;
}

static bool is_percent(const Plan *p, const Trial *t)
{
	return p->task && strcmp(t->result.metric, "accuracy") == 0;
}

static void score_text(const Plan *p, const Trial *t, char text[32])
{
	if (is_percent(p, t))
		snprintf(text, 32, "%.2f %%", 100 * t->result.score);
	else
		snprintf(text, 32, "%.5g", t->result.score);
}

void sweep_line(const Plan *p, const Trial *t)
{
	char score[32];
	printf("%s ", run_name(t));
	for (size_t v = 0; v < p->sweeps->count; v++)
		printf(" %s=%s", p->sweeps->at[v].label, p->chosen[t->which][v]);
	score_text(p, t, score);
	printf("  %s%s\n", t->failed ? "failed: " : "", t->failed ? t->error : score);
	fflush(stdout);
}

/* What the scores are, in words. */
static void meaning(const Plan *p, const Trial *best, char text[256])
{
	if (!p->task)
		snprintf(text, 256, "the mean training loss of the last epoch");
	else if (p->share > 0)
		snprintf(text, 256,
		         "%.80s of '%.60s' on %" PRId64
		         " held-out train samples; the test split was not used",
		         best->result.metric, p->task, best->result.samples);
	else
		snprintf(text, 256, "%.80s of '%.60s' on the %" PRId64 " samples of the test split",
		         best->result.metric, p->task, best->result.samples);
}

/* Runs of the last round first, in it the best first, those that failed last. */
static bool before(const Trial *a, const Trial *b)
{
	if (a->round != b->round)
		return a->round > b->round;
	if (a->failed || b->failed)
		return !a->failed && b->failed;
	return a->result.higher_is_better ? a->result.score > b->result.score
	                                  : a->result.score < b->result.score;
}

static const Trial **sorted(const Plan *p)
{
	const Trial **t = calloc(p->trials + 1, sizeof *t);
	for (size_t i = 0; t && i < p->trials; i++) {
		size_t k = i;
		for (; k > 0 && before(&p->trial[i], t[k - 1]); k--)
			t[k] = t[k - 1];
		t[k] = &p->trial[i];
	}
	return t;
}

static int width_of(const Plan *p, size_t v)
{
	size_t width = strlen(p->sweeps->at[v].label);
	for (size_t i = 0; i < p->count; i++)
		width = strlen(p->chosen[i][v]) > width ? strlen(p->chosen[i][v]) : width;
	return (int)width;
}

static void print_row(const Plan *p, const Trial *t, int run)
{
	char score[32];
	printf("  %-*s", run, run_name(t));
	for (size_t v = 0; v < p->sweeps->count; v++)
		printf("  %*s", width_of(p, v), p->chosen[t->which][v]);
	score_text(p, t, score);
	if (t->failed)
		printf("  failed: %s\n", t->error);
	else
		printf("  %12s  %12.5g  %8.1f s\n", score, t->result.loss, t->result.seconds);
}

int sweep_table(const Plan *p, bool quiet)
{
	const Trial **t = sorted(p);
	if (!t) {
		complain("no memory for the table");
		return EXIT_SYSTEM;
	}
	bool good = p->trials && !t[0]->failed;
	char text[256];
	int run = 3;
	for (size_t i = 0; i < p->trials; i++)
		run = (int)strlen(run_name(t[i])) > run ? (int)strlen(run_name(t[i])) : run;
	if (!quiet && good) {
		meaning(p, t[0], text);
		printf("\nscore: %s\n  %-*s", text, run, "run");
		for (size_t v = 0; v < p->sweeps->count; v++)
			printf("  %*s", width_of(p, v), p->sweeps->at[v].label);
		printf("  %12s  %12s  %10s\n", "score", "train loss", "time");
		for (size_t i = 0; i < p->trials; i++)
			print_row(p, t[i], run);
		printf("\nbest: %s/model.json\n", t[0]->folder);
	}
	if (!good) {
		complain("all runs failed; the first: %s", p->trials ? p->trial[0].error : "none");
		advise("%s/log.txt has all that it said", p->trials ? p->trial[0].folder : p->folder);
	}
	free(t);
	return good ? EXIT_GOOD : EXIT_WRONG;
}

static void json_trial(FILE *out, const Plan *p, const Trial *t)
{
	fputs("    {\"run\": ", out);
	json_text(out, run_name(t));
	fputs(", \"values\": {", out);
	for (size_t v = 0; v < p->sweeps->count; v++) {
		fputs(v ? ", " : "", out);
		json_text(out, p->sweeps->at[v].label);
		fputs(": ", out);
		json_text(out, p->chosen[t->which][v]);
	}
	fputs("}", out);
	if (t->epochs)
		fprintf(out, ", \"epochs\": %" PRId64, t->epochs);
	json_number(out, "score", t->failed ? (double)NAN : t->result.score);
	json_number(out, "loss", t->result.loss);
	json_number(out, "seconds", t->result.seconds);
	if (t->failed) {
		fputs(", \"error\": ", out);
		json_text(out, t->error);
	}
	fputs("}", out);
}

bool sweep_write(const Plan *p)
{
	char path[RUN_PATH], *text = NULL, what[256] = "";
	size_t size;
	Failure f;
	const Trial **t = sorted(p);
	FILE *out = t ? open_memstream(&text, &size) : NULL;
	if (!out) {
		free(t);
		complain("no memory for the table");
		return false;
	}
	if (p->trials)
		meaning(p, t[0], what);
	fputs("{\n  \"score\": ", out);
	json_text(out, what);
	fputs(",\n  \"held_out\": ", out);
	json_value(out, p->share);
	fprintf(out, ",\n  \"epochs\": %" PRId64 ",\n  \"runs\": [", p->asked_epochs);
	for (size_t i = 0; i < p->trials; i++) {
		fputs(i ? ",\n" : "\n", out);
		json_trial(out, p, t[i]);
	}
	fputs("\n  ]\n}\n", out);
	free(t);
	if (run_path(p->folder, "sweep.json", path, &f) && json_finish(out, &text, &size, path, &f))
		return true;
	complain("%s", f.text);
	return false;
}
