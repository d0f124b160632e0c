/* report.c: sslc report: one HTML page of runs, side by side.
 *
 * In: folders of runs. What is in their files (metrics.jsonl, results.json, model.json) is shown as
 * it stands; what is not, views, features and times, is computed anew from model.json, the data and
 * the weights of checkpoint.safetensors. A part that cannot be made says why, and the others are
 * shown; only a folder without model.json is an error. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

enum {
	SAMPLES = 1000,
	LEAST_SAMPLES = 4,
	MOST_SAMPLES = 4000,  /* of all runs together thrice as many */
	POINTS = 24000,       /* of curves, of all runs together */
	PICTURES = 800 << 10, /* bytes of all maps' pictures */
	KERNELS = 60,
	LINE = 256, /* numbers of a sample that is no picture */
	MODEL_TEXT = 100 << 10,
};

typedef struct Shared {
	Atlas atlas[MOST_RUNS];
	size_t atlases;
	int64_t samples;
	const Options *options;
} Shared;

/* A failure of a part, as a sentence of the page. */
static void write_note(FILE *out, const char *key, const char *format, ...)
{
	char text[2 * WHY];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(out, ",\"%s\":", key);
	json_text(out, text);
}

/* -- Curves, results, the model's text --------------------------------------------------------- */

/* A file of the run, by its own name, or null and why. */
static bool write_file(FILE *out, const char *folder, const char *file, const char *key,
                       const char *missing,
                       bool (*copy)(const char *path, size_t most, FILE *out, char why[WHY]),
                       size_t most)
{
	char path[RUN_PATH], why[WHY], no[32];
	Failure f;
	fprintf(out, ",\"%s\":", key);
	bool has_path = run_path(folder, file, path, &f);
	if (has_path && copy(path, most, out, why))
		return true;
	fputs("null", out);
	snprintf(no, sizeof no, "no_%s", key);
	write_note(out, no, "%s", !has_path ? f.text : file_missing(path) ? missing : why);
	return false;
}

static void write_files(FILE *out, const char *folder, const char *of_results, int runs)
{
	(void)write_file(out, folder, "metrics.jsonl", "curves",
	                 "There is no metrics.jsonl in this run's folder.", metrics_to_json,
	                 (size_t)(POINTS / runs / 4));
	(void)write_file(out, of_results, "results.json", "results",
	                 "There is no results.json: the run has not ended, or was stopped.", json_copy,
	                 0);
	(void)write_file(out, folder, PROFILE, "profile",
	                 "There is no profile.json: sslc run --profile writes one.", profile_to_json,
	                 KERNELS);
}

static void write_model(FILE *out, const char *text, int runs)
{
	size_t size = strlen(text), most = (size_t)(MODEL_TEXT / runs);
	char *part = strndup(text, size < most ? size : most);
	fputs(",\"model\":", out);
	json_text(out, part ? part : "");
	free(part);
}

/* -- Pictures ---------------------------------------------------------------------------------- */

static void range(const float *x, int64_t count, double *low, double *high)
{
	*low = INFINITY, *high = -INFINITY;
	for (int64_t i = 0; i < count; i++) {
		*low = x[i] < *low ? x[i] : *low;
		*high = x[i] > *high ? x[i] : *high;
	}
	if (!isfinite(*low) || !isfinite(*high))
		*low = 0, *high = 1;
}

static int64_t sample_size(const View *v)
{
	int64_t size = 1;
	for (int i = 0; i < v->rank; i++)
		size *= v->dim[i];
	return size;
}

/* What lies between 0 and 1, nearly, is shown so; what does not, such as logits, from its least to its
 * largest. */
static void view_range(const View *v, int64_t shown, double *low, double *high)
{
	range(v->at, shown * sample_size(v), low, high);
	if (*low >= -0.5 && *high <= 1.5 && *high > 0.1)
		*low = 0, *high = 1;
}

static void write_view(FILE *out, const Seen *s, const View *v)
{
	Picture cell, sheet = {0};
	double low, high;
	view_range(v, s->shown, &low, &high);
	fputs("{\"name\":", out);
	json_text(out, v->name);
	char shape[TENSOR_TEXT];
	tensor_text("", v->rank, v->dim, shape);
	fprintf(out, ",\"shape\":\"%s\",\"low\":", shape);
	json_value(out, low);
	fputs(",\"high\":", out);
	json_value(out, high);
	if (picture_of_shape(v->rank, v->dim, &cell) &&
	    picture_sheet(v->at, s->shown, cell, low, high, (int)s->shown, picture_fit(cell, 96),
	                  &sheet)) {
		fprintf(out, ",\"width\":%d,\"height\":%d,\"png\":\"", sheet.width, sheet.height);
		(void)picture_write(&sheet, out);
		fputc('"', out);
		free(sheet.at);
	} else {
		int64_t size = sample_size(v), most = size < LINE ? size : LINE;
		fprintf(out, ",\"of\":%" PRId64 ",\"lines\":[", size);
		for (int64_t i = 0; i < s->shown; i++) {
			double line[LINE];
			for (int64_t k = 0; k < most; k++)
				line[k] = v->at[i * size + k];
			fputs(i ? "," : "", out);
			json_numbers(out, line, most, 1, 4);
		}
		fputc(']', out);
	}
	fputc('}', out);
}

static void write_views(FILE *out, const Seen *s)
{
	fputs(",\"views\":[", out);
	for (size_t i = 0; i < s->views; i++) {
		fputs(i ? "," : "", out);
		write_view(out, s, &s->view[i]);
	}
	fputs("]", out);
	if (s->no_views[0])
		write_note(out, "views_note", "%s", s->no_views);
}

/* The atlas that shows these samples; -1: they are no pictures. Takes the thumbnails over. */
static int find_atlas(Shared *shared, Seen *s)
{
	if (!s->thumb)
		return -1;
	Atlas new = {s->cell, s->thumb, s->samples, strcmp(s->shape.dtype, "u8") == 0};
	size_t bytes = (size_t)s->samples *
	               (size_t)(s->cell.width * s->cell.height * s->cell.channels) * sizeof *s->thumb;
	for (size_t i = 0; i < shared->atlases; i++) {
		const Atlas *a = &shared->atlas[i];
		if (a->cell.width == new.cell.width && a->cell.height == new.cell.height &&
		    a->cell.channels == new.cell.channels &&
		    a->count == new.count &&memcmp(a->thumb, new.thumb, bytes) == 0)
			return (int)i;
	}
	s->thumb = NULL;
	shared->atlas[shared->atlases] = new;
	return (int)shared->atlases++;
}

/* Smaller and smaller, until it takes no more than its part of the page. */
static void write_atlas(FILE *out, const Atlas *a, size_t most)
{
	double low = 0, high = 1;
	int columns = 1;
	while ((int64_t)columns * columns < a->count)
		columns++;
	if (!a->unit)
		range(a->thumb, a->count * a->cell.width * a->cell.height * a->cell.channels, &low, &high);
	for (int side = MAP_SIDE; side > 1; side = side * 3 / 4) {
		char *text = NULL;
		size_t size = 0, png = 0;
		Picture cell = picture_fit(a->cell, side), sheet;
		FILE *to = open_memstream(&text, &size);
		if (to && picture_sheet(a->thumb, a->count, a->cell, low, high, columns, cell, &sheet)) {
			png = picture_write(&sheet, to);
			free(sheet.at);
		}
		if (to)
			fclose(to);
		bool fits = png <= most;
		if (fits)
			fprintf(out, "{\"columns\":%d,\"width\":%d,\"height\":%d,\"png\":\"%s\"}", columns,
			        cell.width, cell.height, png ? text : "");
		free(text);
		if (fits)
			return;
	}
	fputs("null", out);
}

/* -- Maps -------------------------------------------------------------------------------------- */

static void write_plane(FILE *out, const char *name, const double *place, int64_t n)
{
	fprintf(out, ",\"%s\":{\"x\":", name);
	json_numbers(out, place, n, 2, 4);
	fputs(",\"y\":", out);
	json_numbers(out, place + 1, n, 2, 4);
}

/* From the first two components, whose spread is made small. */
static void write_neighbours(FILE *out, const Seen *s, double *place)
{
	int64_t n = s->samples;
	double perplexity = (double)(n - 1) / 3 < 30 ? (double)(n - 1) / 3 : 30, spread = 0;
	for (int64_t i = 0; i < n; i++)
		spread += place[2 * i] * place[2 * i] / (double)n;
	for (int64_t i = 0; i < 2 * n; i++)
		place[i] *= spread > 0 ? 1e-4 / sqrt(spread) : 0;
	double *p = malloc((size_t)(n * n) * sizeof *p);
	double divergence = p && spread > 0 && tsne_affinities(s->feature, n, s->width, perplexity, p)
	                        ? tsne(p, n, 750, place)
	                        : NAN;
	free(p);
	if (!isfinite(divergence)) {
		write_note(out, "no_tsne",
		           spread > 0 ? "There was no memory for this map." : "All features are the same.");
		return;
	}
	write_plane(out, "tsne", place, n);
	fprintf(out, ",\"perplexity\":%.4g,\"divergence\":%.4g}", perplexity, divergence);
}

static void write_map(FILE *out, Shared *shared, Seen *s)
{
	int64_t n = s->samples, wrong = 0;
	fprintf(out, ",\"map\":{\"split\":\"%s\",\"width\":%" PRId64 ",\"atlas\":%d,\"rows\":[",
	        s->split == SPLIT_TEST ? "test" : "train", s->width, find_atlas(shared, s));
	for (int64_t i = 0; i < n; i++)
		fprintf(out, "%s%" PRId64, i ? "," : "", s->row[i]);
	fputs("]", out);
	for (int64_t i = 0; s->label && i < n; i++)
		fprintf(out, "%s%d", i ? "," : ",\"labels\":[", s->label[i]);
	fputs(s->label ? "]" : "", out);
	for (int64_t i = 0; i < n * s->width; i++)
		wrong += !isfinite(s->feature[i]);
	double *place = malloc((size_t)(2 * n) * sizeof *place), share[2];
	if (wrong)
		write_note(out, "no_map", "The features hold numbers that are not finite.");
	else if (n < LEAST_SAMPLES)
		write_note(out, "no_map", "There are too few samples for a map.");
	else if (!place || !pca(s->feature, n, s->width, 2, place, share))
		write_note(out, "no_map", "There was no memory for the map.");
	else {
		write_plane(out, "pca", place, n);
		fprintf(out, ",\"share\":[%.4g,%.4g]}", share[0], share[1]);
		write_neighbours(out, s, place);
	}
	free(place);
	fputc('}', out);
}

/* -- A run ------------------------------------------------------------------------------------- */

/* All that comes of running the model. Nothing is written for what failed. */
static bool write_seen(FILE *out, Shared *shared, Session *s, Engine *e, const char *folder,
                       Failure *f)
{
	char path[RUN_PATH];
	Seen seen = {0};
	engine_seed(e, sslc_pretraining(s->program).seed);
	bool good = run_path(folder, CHECKPOINT, path, f) && weights_load(e, path, true, NULL, f) &&
	            seen_open(&seen, s, e, shared->samples, f);
	if (good) {
		write_views(out, &seen);
		if (seen.feature)
			write_map(out, shared, &seen);
		else
			write_note(out, "no_map", "%s", seen.no_features);
	}
	seen_close(&seen);
	return good;
}

static void write_shape(FILE *out, const Session *s)
{
	const sslc_data *d = data_shape(s->data);
	fprintf(out, ",\"data\":{\"train\":%" PRId64 ",\"test\":%" PRId64 ",\"fields\":[",
	        d->train_count, d->test_count);
	for (size_t i = 0; i < d->count; i++) {
		char text[TENSOR_TEXT];
		tensor_text(d->field[i].dtype, d->field[i].rank, d->field[i].dim, text);
		fprintf(out, "%s\"%s %s\"", i ? "," : "", d->field[i].name, text);
	}
	fputs("]}", out);
}

/* The first error of the program, in one line. */
static void program_error(const Session *s, char why[WHY])
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	if (to) {
		sslc_print_errors(s->program, to, false);
		fclose(to);
		snprintf(why, WHY, "%.*s", (int)strcspn(text, "\n"), text);
	}
	free(text);
}

static void write_live(FILE *out, Shared *shared, Session *s, const char *folder, const char *from)
{
	char model[RUN_PATH], why[WHY];
	Failure f = {0};
	Engine e = {0};
	const Options *o = shared->options;
	if (!run_path(folder, "model.json", model, &f) ||
	    !session_open_at(s, model, from, (sslc_options){0}, why)) {
		if (!why[0])
			program_error(s, why);
		write_note(out, "stopped", "Views and maps are missing: %s", why);
		return;
	}
	write_shape(out, s);
	const char *const names[] = {"features", "views"};
	sslc_compile(s->program, names, 2);
	bool good = engine_open(&e, sslc_describe(s->program),
	                        o->threads ? (int)o->threads : threads_here(), &f) &&
	            write_seen(out, shared, s, &e, folder, &f);
	if (!good && !f.text[0])
		program_error(s, f.text);
	if (!good)
		write_note(out, "stopped", "Views or maps are missing: %s", f.text);
	engine_close(&e);
}

/* The folder of the model file that was run, from which its data was found; NULL: not known. */
static char *source_of(const char *folder)
{
	char path[RUN_PATH];
	Failure f;
	char *model = run_path(folder, RUN_FILE, path, &f) ? json_text_of(path, "model") : NULL;
	char *slash = model ? strrchr(model, '/') : NULL;
	if (slash)
		slash[slash == model] = 0;
	return model;
}

/* The folder of the last seed that the results are of; what lies beside it may be of other experiments. */
static bool find_last_seed(const char *folder, char last[RUN_PATH])
{
	char path[RUN_PATH], why[WHY];
	RunScore score;
	return snprintf(path, sizeof path, "%s/" RESULTS_FILE, folder) < RUN_PATH &&
	       results_read(path, NULL, &score, why) && isfinite(score.seed) &&
	       snprintf(last, RUN_PATH, "%s/seed-%.0f", folder, score.seed) < RUN_PATH &&
	       !file_missing(last);
}

/* Of several seeds, the folder of the one that is looked into: the first, where there are no results. */
static bool find_seed(const char *folder, char first[RUN_PATH])
{
	if (find_last_seed(folder, first))
		return true;
	DIR *all = opendir(folder);
	unsigned long long least = ~0ull;
	for (struct dirent *d; all && (d = readdir(all));) {
		char *end;
		unsigned long long seed =
		    strncmp(d->d_name, "seed-", 5) == 0 ? strtoull(d->d_name + 5, &end, 10) : ~0ull;
		least = seed < least ? seed : least;
	}
	if (all)
		closedir(all);
	return least != ~0ull && snprintf(first, RUN_PATH, "%s/seed-%llu", folder, least) < RUN_PATH;
}

static bool write_run(FILE *out, Shared *shared, const char *folder, Failure *f)
{
	char path[RUN_PATH], first[RUN_PATH], why[WHY];
	const char *in = folder;
	if (!run_path(folder, "model.json", path, f))
		return false;
	if (file_missing(path) && find_seed(folder, first)) {
		in = first;
		if (!run_path(in, "model.json", path, f))
			return false;
	}
	size_t size;
	if (file_missing(path)) {
		fail(f, FAILURE_WRONG, "'%s' is no folder of a run: it has no model.json", folder);
		if (run_path(folder, "sweep.json", path, f) && !file_missing(path))
			return fail_help(f, "it is of a sweep, whose runs are the folders in it: %s/001",
			                 folder);
		return fail_help(f, "sslc run MODEL.json makes one: runs/NAME");
	}
	unsigned char *text = bytes_read(path, 16 << 20, &size, why);
	if (!text)
		return fail(f, FAILURE_SYSTEM, "%s", why);
	char *from = source_of(in);
	Session s = {0};
	fputs("{\"folder\":", out);
	json_text(out, folder);
	if (in != folder)
		write_note(out, "seeds_note",
		           "Results are of all seeds; curves, views, map and times are of %s.",
		           strrchr(in, '/') + 1);
	write_files(out, in, folder, shared->options->runs);
	write_model(out, (const char *)text, shared->options->runs);
	write_live(out, shared, &s, in, shared->options->data ? shared->options->data : from);
	fputs(",\"name\":", out);
	json_text(out, *sslc_name(s.program) ? sslc_name(s.program) : folder);
	sslc_training t = sslc_pretraining(s.program);
	fprintf(out, ",\"epoch_steps\":%" PRId64 "}", t.epoch_steps);
	session_close(&s);
	free(from);
	free(text);
	return true;
}

/* -- The page ---------------------------------------------------------------------------------- */

static bool write_data(FILE *out, Shared *shared, Failure *f)
{
	const Options *o = shared->options;
	bool good = true;
	fprintf(out, "{\"sslc\":\"%s\",\"runs\":[", SSLC_VERSION);
	for (int i = 0; good && i < o->runs; i++) {
		fputs(i ? "," : "", out);
		good = write_run(out, shared, o->run[i], f);
	}
	fputs("],\"atlases\":[", out);
	for (size_t i = 0; i < shared->atlases; i++) {
		fputs(i ? "," : "", out);
		write_atlas(out, &shared->atlas[i], PICTURES / shared->atlases);
	}
	fputs("]}", out);
	return good;
}

static bool report(Shared *shared, const char *path, size_t *size, Failure *f)
{
	char *data = NULL, why[WHY], title[256];
	size_t length = 0;
	FILE *out = open_memstream(&data, &length);
	bool good = out && write_data(out, shared, f);
	if (!out || fclose(out) != 0)
		good = fail(f, FAILURE_SYSTEM, "no memory for the report");
	snprintf(title, sizeof title, "sslc report: %d run%s", shared->options->runs,
	         shared->options->runs > 1 ? "s" : "");
	good = good && (page_write(PAGE_REPORT, path, title, data, length, size, why) ||
	                fail(f, FAILURE_SYSTEM, "%s", why));
	free(data);
	return good;
}

int command_report(const Options *o)
{
	const char *path = o->out ? o->out : "report.html";
	Shared shared = {.options = o};
	Failure f = {0};
	size_t size;
	shared.samples = o->samples ? o->samples : SAMPLES;
	if (shared.samples > MOST_SAMPLES || shared.samples * o->runs > 3 * MOST_SAMPLES) {
		complain("--samples %" PRId64
		         " for %d runs is too many: a page holds %d of one run, %d of all",
		         shared.samples, o->runs, MOST_SAMPLES, 3 * MOST_SAMPLES);
		return EXIT_USAGE;
	}
	bool good = report(&shared, path, &size, &f);
	for (size_t i = 0; i < shared.atlases; i++)
		free(shared.atlas[i].thumb);
	if (!good) {
		complain("%s", f.text);
		if (f.help[0])
			advise("%s", f.help);
		return f.kind;
	}
	char text[24];
	printf("report of %d run%s in %s (%s)\n", o->runs, o->runs > 1 ? "s" : "", path,
	       bytes_text(size, text));
	return finish_output(EXIT_GOOD);
}
