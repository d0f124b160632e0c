/* json_files.c: what a run wrote of itself (metrics.jsonl, results.json, run.json), as JSON of the
 * page. */
#include "report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 64 };
static const size_t LIMIT = (size_t)1 << 30;

typedef struct Curve {
	char name[128];
	double *step, *value;
	size_t count, capacity;
} Curve;

typedef struct Curves {
	Curve at[CURVES];
	size_t count;
	bool too_many;
} Curves;

static Curve *curve_of(Curves *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strncmp(c->at[i].name, name, sizeof c->at[i].name - 1) == 0)
			return &c->at[i];
	if (c->count == CURVES) {
		c->too_many = true;
		return NULL;
	}
	Curve *more = &c->at[c->count++];
	snprintf(more->name, sizeof more->name, "%s", name);
	return more;
}

static bool add_point(Curve *c, double step, double value)
{
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? 2 * c->capacity : 64;
		double *steps = realloc(c->step, capacity * sizeof *steps);
		c->step = steps ? steps : c->step;
		double *values = realloc(c->value, capacity * sizeof *values);
		c->value = values ? values : c->value;
		if (!steps || !values)
			return false;
		c->capacity = capacity;
	}
	c->step[c->count] = step;
	c->value[c->count++] = value;
	return true;
}

/* Every number of a line but where it stands. */
static bool add_line(Curves *c, const cJSON *line, const char *path, size_t number, char why[WHY])
{
	const cJSON *step = cJSON_GetObjectItemCaseSensitive(line, "step"), *item;
	if (!cJSON_IsObject(line) || !cJSON_IsNumber(step))
		return because(why, "'%s', line %zu, is no JSON object with a \"step\"", path, number);
	cJSON_ArrayForEach(item, line)
	{
		bool is_place = strcmp(item->string, "step") == 0 || strcmp(item->string, "epoch") == 0 ||
		                strcmp(item->string, "seconds") == 0;
		if (is_place || (!cJSON_IsNumber(item) && !cJSON_IsNull(item)))
			continue;
		Curve *to = curve_of(c, item->string);
		double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
		if (to && !add_point(to, step->valuedouble, value))
			return because(why, "no memory for the curves");
	}
	return true;
}

/* What a stopped run left of its last line is none. */
static bool read_lines(Curves *c, const char *path, const char *text, char why[WHY])
{
	size_t number = 1;
	for (const char *end; (end = strchr(text, '\n')); text = end + 1, number++) {
		cJSON *line = cJSON_ParseWithLength(text, (size_t)(end - text));
		bool good = add_line(c, line, path, number, why);
		cJSON_Delete(line);
		if (!good)
			return false;
	}
	return !c->too_many || because(why, "'%s' has more than %d curves", path, CURVES);
}

/* Every so many-th point, and the last. */
static void write_curve(const Curve *c, size_t most, FILE *out)
{
	size_t every = (c->count + most - 1) / (most ? most : 1);
	every = every ? every : 1;
	json_text(out, c->name);
	for (int which = 0; which < 2; which++) {
		const double *from = which ? c->value : c->step;
		fputs(which ? "],\"value\":[" : ":{\"step\":[", out);
		for (size_t i = (c->count - 1) % every; i < c->count; i += every) {
			fputs(i >= every ? "," : "", out);
			json_value(out, from[i]);
		}
	}
	fprintf(out, "],\"every\":%zu}", every);
}

bool metrics_to_json(const char *path, size_t most, FILE *out, char why[WHY])
{
	size_t size;
	because(why, "no memory for '%s'", path);
	Curves *c = calloc(1, sizeof *c);
	unsigned char *text = c ? bytes_read(path, LIMIT, &size, why) : NULL;
	bool good = text && read_lines(c, path, (const char *)text, why);
	if (good)
		fputc('{', out);
	for (size_t i = 0; good && i < c->count; i++) {
		fputs(i ? "," : "", out);
		write_curve(&c->at[i], most, out);
	}
	if (good)
		fputc('}', out);
	for (size_t i = 0; c && i < c->count; i++) {
		free(c->at[i].step);
		free(c->at[i].value);
	}
	free(c);
	free(text);
	return good;
}

static cJSON *read_object(const char *path, char why[WHY])
{
	size_t size;
	unsigned char *text = bytes_read(path, LIMIT, &size, why);
	if (!text)
		return NULL;
	cJSON *json = cJSON_ParseWithLength((const char *)text, size);
	free(text);
	if (cJSON_IsObject(json))
		return json;
	cJSON_Delete(json);
	because(why, "'%s' does not hold a JSON object", path);
	return NULL;
}

/* Numbers to the same double, which cJSON's own printer does not promise. */
static void print_item(const cJSON *item, FILE *out)
{
	bool is_object = cJSON_IsObject(item);
	if (!is_object && !cJSON_IsArray(item)) {
		if (cJSON_IsString(item))
			json_text(out, item->valuestring);
		else if (cJSON_IsNumber(item))
			json_value(out, item->valuedouble);
		else
			fputs(cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null", out);
		return;
	}
	fputc(is_object ? '{' : '[', out);
	for (const cJSON *part = item->child; part; part = part->next) {
		fputs(part == item->child ? "" : ",", out);
		if (is_object) {
			json_text(out, part->string);
			fputc(':', out);
		}
		print_item(part, out); /* as deep as CJSON_NESTING_LIMIT */
	}
	fputc(is_object ? '}' : ']', out);
}

static void print(cJSON *json, FILE *out)
{
	print_item(json, out);
	cJSON_Delete(json);
}

bool json_copy(const char *path, size_t unused, FILE *out, char why[WHY])
{
	(void)unused;
	cJSON *json = read_object(path, why);
	if (json)
		print(json, out);
	return json != NULL;
}

static double seconds_of(const cJSON *kernel)
{
	const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(kernel, "seconds");
	return cJSON_IsNumber(seconds) ? seconds->valuedouble : 0;
}

static int slower_first(const void *a, const void *b)
{
	double p = seconds_of(*(cJSON *const *)a), q = seconds_of(*(cJSON *const *)b);
	return p < q ? 1 : p > q ? -1 : 0;
}

bool profile_to_json(const char *path, size_t most, FILE *out, char why[WHY])
{
	cJSON *json = read_object(path, why);
	cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(json, "kernels"), *slowest;
	int count = cJSON_GetArraySize(list);
	cJSON **kernel = json ? calloc((size_t)count + 1, sizeof(cJSON *)) : NULL;
	double others = 0;
	if (!kernel || !(slowest = cJSON_AddArrayToObject(json, "kernels"))) {
		if (json)
			because(why, "no memory for '%s'", path);
		cJSON_Delete(list);
		cJSON_Delete(json);
		free(kernel);
		return false;
	}
	for (int i = 0; i < count; i++)
		kernel[i] = cJSON_DetachItemFromArray(list, 0);
	qsort(kernel, (size_t)count, sizeof *kernel, slower_first);
	for (int i = 0; i < count; i++)
		if ((size_t)i < most) {
			cJSON_AddItemToArray(slowest, kernel[i]);
		} else {
			others += seconds_of(kernel[i]);
			cJSON_Delete(kernel[i]);
		}
	cJSON_AddNumberToObject(json, "count", count);
	cJSON_AddNumberToObject(json, "others", others);
	cJSON_Delete(list);
	free(kernel);
	print(json, out);
	return true;
}

char *json_text_of(const char *path, const char *key)
{
	char why[WHY];
	cJSON *json = read_object(path, why);
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
	char *copy = text ? strdup(text) : NULL;
	cJSON_Delete(json);
	return copy;
}

static double number_in(const cJSON *object, const char *key)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsNumber(n) ? n->valuedouble : (double)NAN;
}

static const char *text_in(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	return text ? text : "";
}

double json_number_of(const char *path, const char *key)
{
	char why[WHY];
	cJSON *json = read_object(path, why);
	double value = number_in(json, key);
	cJSON_Delete(json);
	return value;
}

static void read_score(const cJSON *score, const char *task, RunScore *to)
{
	bool asked = !*to->task && (!task || strcmp(text_in(score, "task"), task) == 0) &&
	             strcmp(text_in(score, "networks"), variant_name[PRETRAINED]) == 0;
	double samples = number_in(score, "samples");
	if (!asked)
		return;
	snprintf(to->task, sizeof to->task, "%s", text_in(score, "task"));
	snprintf(to->metric, sizeof to->metric, "%s", text_in(score, "metric"));
	to->score = number_in(score, "score");
	to->samples = samples > 0 && samples < 9e15 ? (int64_t)samples : 0;
	to->higher_is_better =
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(score, "higher_is_better"));
}

bool results_read(const char *path, const char *task, RunScore *to, char why[WHY])
{
	cJSON *json = read_object(path, why), *score;
	*to = (RunScore){.score = NAN, .loss = NAN, .seconds = NAN, .seed = NAN};
	if (!json)
		return false;
	const cJSON *training = cJSON_GetObjectItemCaseSensitive(json, "pretraining");
	to->loss = number_in(training, "loss");
	to->seconds = number_in(training, "seconds");
	to->seed = number_in(training, "seed");
	cJSON_ArrayForEach(score, cJSON_GetObjectItemCaseSensitive(json, "downstream"))
	{
		read_score(score, task, to);
	}
	cJSON_Delete(json);
	return true;
}
