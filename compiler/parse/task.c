/* task.c: "downstream" -> Tasks. */
#include "sections.h"

#include <math.h>
#include <string.h>

static const char *const task_keys[] = {
#define TASK_KEY(key, ...) #key,
#include "sections.def"
#undef TASK_KEY
};
static const char *const baseline_names[] = {
#define BASELINE(name) name,
#include "sections.def"
#undef BASELINE
};

void freeze_parse(Compile *c, const Json *j, Freeze *f, Names *frozen)
{
	if (!want_kind(c, j, JSON_LIST, "freeze", "a list of networks, such as [\"encoder\"]"))
		return;
	f->name = new_array(c->arena, const char *, j->count + 1);
	f->span = new_array(c->arena, Span, j->count + 1);
	for (const Json *item = j->first; item; item = item->next) {
		if (!want_kind(c, item, JSON_STRING, "freeze", "a list of names of networks"))
			continue;
		f->span[f->count] = item->span;
		f->name[f->count++] = item->text;
		(void)names_add(frozen, c->arena, item->text, (uint32_t)f->count);
	}
}

static void baselines_parse(Compile *c, const Json *j, Task *t)
{
	t->baseline_random = t->baseline_scratch = t->baseline_raw = false;
	if (!want_kind(c, j, JSON_LIST, "baselines", "a list"))
		return;
	for (const Json *item = j->first; item; item = item->next) {
		if (!want_kind(c, item, JSON_STRING, "baselines", "a list of names"))
			continue;
		t->baseline_random |= strcmp(item->text, "random") == 0;
		t->baseline_scratch |= strcmp(item->text, "scratch") == 0;
		t->baseline_raw |= strcmp(item->text, "raw") == 0;
		if (!listed(item->text, baseline_names, COUNT(baseline_names))) {
			diag_error(c->diags, item->span, "no baseline named '%s'", item->text);
			help_nearest(c, item->text, baseline_names, COUNT(baseline_names), "the baselines are");
		}
	}
}

/* "labels": 0.01 or 60. That so many are there is known once the data is (data_choose). */
static void labels_parse(Compile *c, const Json *j, Task *t)
{
	double n = j->number;
	if (j->kind == JSON_NUMBER && n > 0 && (n < 1 || (floor(n) == n && n <= 1e9))) {
		t->labels = (Setting){n, j->span};
		return;
	}
	diag_error(c->diags, j->span,
	           "'labels' is %s, but must be a share between 0 and 1, or a whole number",
	           j->kind == JSON_NUMBER ? j->text : kind_words(j));
	diag_help(c->diags, "0.01: a hundredth of the samples to train on; 60: so many of each class");
}

/* "bank" and "collect". */
static Body *kept_parse(Compile *c, const Json *m)
{
	if (!want_kind(c, m, JSON_OBJECT, m->key,
	               "an object of named values, such as {\"features\": \"encoder(x)\"}"))
		return body_new(c, BODY_BAD, m->span);
	Body *kept = body_parse(c, m, m->key);
	for (size_t i = 0; kept->kind == BODY_NAMED && i < kept->count; i++)
		if (kept->named[i].is_set)
			diag_error(c->diags, kept->named[i].span, "a '%s' has no states to set", m->key);
	return kept;
}

static void task_key(Compile *c, const Json *m, Task *t, Model *model)
{
	if (strcmp(m->key, "freeze") == 0) {
		freeze_parse(c, m, &t->freeze, &t->frozen);
	} else if (strcmp(m->key, "loss") == 0) {
		t->loss = body_parse(c, m, "loss");
	} else if (strcmp(m->key, "bank") == 0) {
		t->bank = kept_parse(c, m);
	} else if (strcmp(m->key, "collect") == 0) {
		t->collect = kept_parse(c, m);
	} else if (strcmp(m->key, "metric") == 0) {
		t->metric = body_parse(c, m, "metric");
	} else if (strcmp(m->key, "predict") == 0) {
		t->predict = body_parse(c, m, "predict");
	} else if (strcmp(m->key, "optimizer") == 0) {
		t->optimizer =
		    want_expr(c, m, "optimizer", "an expression in a text, such as \"adam(lr=0.001)\"");
	} else if (strcmp(m->key, "train") == 0) {
		t->train = train_parse(c, m, 5);
	} else if (strcmp(m->key, "baselines") == 0) {
		baselines_parse(c, m, t);
	} else if (strcmp(m->key, "labels") == 0) {
		labels_parse(c, m, t);
	} else if (m->kind == JSON_LIST) {
		Definition d;
		if (network_parse(c, m, &d))
			add_definition(c, &t->network, &d);
		else
			model->names_lost = true;
	} else {
		model->names_lost = true;
		diag_error(c->diags, m->key_span, "a downstream task has no key '%s'", m->key);
		help_nearest(c, m->key, task_keys, COUNT(task_keys), "its keys, beside its networks, are");
	}
}

/* A task's name is part of the names of its functions, and a word of the report. */
static bool task_name(Compile *c, const Json *m)
{
	size_t size = strlen(m->key);
	if (size && size <= LONGEST_NAME && !strpbrk(m->key, "./\"\\"))
		return true;
	diag_error(c->diags, m->key_span, "'%.*s%s' cannot be the name of a task", LONGEST_NAME, m->key,
	           size > LONGEST_NAME ? "..." : "");
	diag_help(c->diags, "at most %d characters, no dot, slash, backslash or quote", LONGEST_NAME);
	return false;
}

/* With a bank, or without a loss, nothing is trained: what would say how is an error, and there is no scratch. */
static void check_untrained(Compile *c, const Json *task, Task *t)
{
	const char *what = t->bank ? "with a 'bank'" : "without a 'loss'";
	for (const Json *m = task->first; m; m = m->next)
		if (strcmp(m->key, "loss") == 0 || strcmp(m->key, "optimizer") == 0)
			diag_error(c->diags, m->key_span, "a task %s trains nothing, so it has no '%s'", what,
			           m->key);
	if (t->train.epochs.span.file && t->train.epochs.value != 1)
		diag_error(c->diags, t->train.epochs.span,
		           "a task %s trains nothing: it sees each sample once", what);
	if (!t->bank && t->labels.span.file)
		diag_error(c->diags, t->labels.span,
		           "'labels' leaves a task few samples to learn from, but '%s' has neither a "
		           "'loss' nor a 'bank'",
		           t->name);
	if (t->bank && !t->metric) {
		t->metric = body_new(c, BODY_BAD, task->span);
		diag_error(c->diags, task->key_span, "the task '%s' has a 'bank', but no 'metric'",
		           t->name);
		diag_help(c->diags, "such as \"metric\": \"accuracy(knn(encoder(x), features, labels), "
		                    "label)\"");
	}
	t->loss = NULL;
	t->train.epochs.value = 1;
	t->baseline_scratch = false;
}

void section_downstream(Compile *c, const Json *j, Model *model)
{
	if (!want_kind(c, j, JSON_OBJECT, "downstream", "an object of tasks"))
		return;
	model->task = new_array(c->arena, Task, j->count + 1);
	for (const Json *m = j->first; m; m = m->next) {
		if (!want_kind(c, m, JSON_OBJECT, m->key, "an object: a downstream task") ||
		    !task_name(c, m))
			continue;
		Task *t = &model->task[model->task_count++];
		*t = (Task){.name = m->key,
		            .span = m->key_span,
		            .baseline_random = true,
		            .baseline_scratch = true,
		            .baseline_raw = true};
		t->train = train_parse(c, NULL, 5);
		t->network.at = new_array(c->arena, Definition, m->count + 1);
		size_t errors = diag_count(c->diags);
		for (const Json *key = m->first; key; key = key->next)
			task_key(c, key, t, model);
		if (t->bank || (!t->loss && (t->collect || t->metric))) {
			check_untrained(c, m, t);
		} else if (!t->loss) {
			t->loss = body_new(c, BODY_BAD, m->span);
			if (diag_count(c->diags) != errors)
				continue;
			diag_error(c->diags, m->key_span, "the downstream task '%s' has no 'loss'", m->key);
			diag_help(c->diags, "such as \"loss\": \"cross_entropy(head(encoder(x)), label)\"");
		}
		if (t->collect && !t->metric) {
			t->metric = body_new(c, BODY_BAD, m->span);
			diag_error(c->diags, m->key_span,
			           "the task '%s' has a 'collect', but no 'metric' that sees what it keeps",
			           t->name);
		}
	}
}

static void check_freeze(Compile *c, const Freeze *f, const Definitions *define,
                         const char *const *names, size_t count)
{
	for (size_t i = 0; i < f->count; i++) {
		const Definition *d = definitions_find(define, f->name[i]);
		if (d && d->is_network)
			continue;
		diag_error(c->diags, f->span[i], "no network named '%s' to freeze", f->name[i]);
		if (count)
			help_nearest(c, f->name[i], names, count, "the networks are");
	}
}

void check_freezes(Compile *c, const Model *m)
{
	const char **names = new_array(c->arena, const char *, m->define.count + 1);
	size_t count = 0;
	for (size_t i = 0; i < m->define.count; i++)
		if (m->define.at[i].is_network)
			names[count++] = m->define.at[i].name;
	check_freeze(c, &m->freeze, &m->define, names, count);
	for (size_t t = 0; t < m->task_count; t++)
		check_freeze(c, &m->task[t].freeze, &m->define, names, count);
}
