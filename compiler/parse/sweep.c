/* sweep.c: sweep(...) in a model file: what a model leaves open, and the text of a model where it is
 * chosen.
 *
 * In: a model file. Out: variables, each with its values or its range, and the places of the text
 * where they stand. A sweep is no value of the language: its text is replaced before the model is
 * parsed, so what runs is an ordinary model file. Places with the same `name` have one value. */
#include "sections.h"

#include <math.h>
#include <string.h>

typedef struct Find {
	Compile *c;
	const char *file; /* bytes */
	Sweeps *to;
	const char *key; /* of the JSON string that is looked into */
	bool plain;      /* its value is a number, not an expression: "train", "labels" */
} Find;

enum { MOST_SWEEPS = 64, MOST_VALUES = 10000 };

static const char *text_of(Find *f, Span span)
{
	return arena_copy(f->c->arena, f->file + span.at, span.end - span.at);
}

/* -- The arguments ----------------------------------------------------------------------------- */

static bool number_of(const Expr *e, double *x)
{
	double sign = 1;
	if (e->kind == EXPR_CALL && e->is_operator && strcmp(e->text, "neg") == 0) {
		sign = -1;
		e = e->arg[0].value;
	}
	*x = sign * e->number;
	return e->kind == EXPR_NUMBER;
}

static bool range_argument(Find *f, const Arg *arg, Sweep *s)
{
	static const char *const names[] = {"from", "to", "count", "log", "whole", "name"};
	double *const to[] = {&s->from, &s->to, &s->count, &s->log, &s->whole};
	if (strcmp(arg->name, "name") == 0 && arg->value->kind == EXPR_TEXT) {
		s->name = arg->value->text;
		return true;
	}
	for (size_t i = 0; i < COUNT(to); i++)
		if (strcmp(arg->name, names[i]) == 0 && number_of(arg->value, to[i])) {
			s->is_range |= i < 2;
			return true;
		}
	bool known = listed(arg->name, names, COUNT(names));
	diag_error(f->c->diags, known ? arg->value->span : arg->name_span,
	           known ? "'%s' of sweep must be %s" : "sweep has no argument '%s'%s", arg->name,
	           !known                           ? ""
	           : strcmp(arg->name, "name") == 0 ? "a text in single quotes"
	                                            : "a number");
	if (!known)
		help_nearest(f->c, arg->name, names, COUNT(names), "it has");
	return false;
}

static bool check_range(Find *f, const Expr *e, const Sweep *s)
{
	const char *wrong = NULL;
	if (s->is_range && s->values)
		wrong = "has values or a range, not both";
	else if (!s->is_range && s->values < 1)
		wrong = "needs values, or from= and to=";
	else if (s->is_range && !(s->from < s->to && isfinite(s->to - s->from)))
		wrong = "goes from a number to a larger one";
	else if (s->is_range && s->log != 0 && s->from <= 0)
		wrong = "with log=1 must begin above 0";
	else if (s->count != floor(s->count) || s->count < 0 || s->count > MOST_VALUES ||
	         s->count == 1 || (!s->is_range && s->count != 0))
		wrong = "has a count of 2 or more values between from and to";
	if (wrong)
		diag_error(f->c->diags, e->span, "a sweep %s", wrong);
	if (wrong)
		diag_help(f->c->diags, "sweep(0.1, 0.03), or sweep(from=1e-4, to=0.1, count=4, log=1)");
	return !wrong;
}

static bool is_same(const Sweep *a, const Sweep *b)
{
	if (a->values != b->values || a->from != b->from || a->to != b->to || a->count != b->count ||
	    a->log != b->log || a->whole != b->whole)
		return false;
	for (size_t i = 0; i < a->values; i++)
		if (strcmp(a->value[i], b->value[i]) != 0)
			return false;
	return true;
}

static void sweep_add(Find *f, Sweep *s, const Expr *e, const char *label, const Json *string)
{
	Sweeps *to = f->to;
	bool alone = e->span.at == string->span.at + 1 && e->span.end + 1 == string->span.end;
	s->label = s->name ? s->name : label;
	size_t which = 0;
	while (which < to->count &&
	       (!s->name || !to->at[which].name || strcmp(to->at[which].name, s->name) != 0))
		which++;
	if (which < to->count && !is_same(&to->at[which], s)) {
		diag_error(f->c->diags, e->span, "the sweep '%s' has other values here", s->name);
		diag_note(f->c->diags, to->at[which].span, "than here");
		return;
	}
	size_t twins = 0;
	for (size_t i = 0; i < to->count; i++)
		twins += strcmp(to->at[i].first_label, s->label) == 0;
	s->first_label = s->label;
	if (twins)
		s->label = arena_printf(f->c->arena, "%s_%zu", s->label, twins + 1);
	if (which == to->count && to->count < MOST_SWEEPS)
		to->at[to->count++] = *s;
	if (to->places == MOST_SWEEPS || which == MOST_SWEEPS) {
		diag_error(f->c->diags, e->span, "a model has at most %d sweeps", MOST_SWEEPS);
		return;
	}
	to->place[to->places++] = (SweepPlace){
	    .which = which,
	    .span = alone && f->plain ? string->span : e->span,
	    .is_text = alone && strcmp(f->key, "precision") == 0,
	};
}

static void look(Find *f, const Expr *e, const char *label, const Json *string);

static void sweep_read(Find *f, const Expr *e, const char *label, const Json *string)
{
	Sweep s = {.value = new_array(f->c->arena, const char *, e->count + 1), .span = e->span};
	for (size_t i = 0; i < e->count; i++) {
		size_t before = f->to->places;
		if (e->arg[i].name && !range_argument(f, &e->arg[i], &s))
			return;
		if (e->arg[i].name)
			continue;
		look(f, e->arg[i].value, label, string);
		if (f->to->places != before) {
			diag_error(f->c->diags, e->arg[i].value->span, "a sweep is not part of another one");
			return;
		}
		s.value[s.values++] = text_of(f, e->arg[i].value->span);
	}
	if (check_range(f, e, &s))
		sweep_add(f, &s, e, label, string);
}

/* Expressions are at most as deep as the parser lets them be. */
static void look(Find *f, const Expr *e, const char *label, const Json *string)
{
	bool is_call = e->kind == EXPR_CALL && !e->is_operator;
	if (is_call && e->callee->kind == EXPR_NAME && strcmp(e->callee->text, "sweep") == 0) {
		sweep_read(f, e, label, string);
		return;
	}
	if (is_call)
		look(f, e->callee, label, string);
	for (size_t i = 0; i < e->count; i++)
		look(f, e->arg[i].value, e->arg[i].name ? e->arg[i].name : label, string);
}

/* -- The file ---------------------------------------------------------------------------------- */

static void look_json(Find *f, const Json *j, bool plain)
{
	if (j->key)
		f->key = j->key;
	const char *key = f->key ? f->key : "";
	plain |= strcmp(key, "train") == 0 || strcmp(key, "labels") == 0;
	if (strcmp(key, "about") == 0 || strcmp(key, "name") == 0 || strcmp(key, "names") == 0)
		return;
	for (const Json *m = j->first; m; m = m->next) {
		look_json(f, m, plain);
		f->key = key;
	}
	if (j->kind != JSON_STRING || !strstr(j->text, "sweep"))
		return;
	f->plain = plain;
	const Expr *e = expr_parse(f->c, j);
	if (e)
		look(f, e, key, j);
}

const Sweeps *sweeps_find(Compile *c, uint32_t file)
{
	size_t size, errors = diag_count(c->diags);
	const Json *j = json_parse(c, file);
	Sweeps *to = new (c->arena, Sweeps);
	to->at = new_array(c->arena, Sweep, MOST_SWEEPS + 1);
	to->place = new_array(c->arena, SweepPlace, MOST_SWEEPS + 1);
	Find f = {.c = c, .file = diags_bytes(c->diags, file, &size), .to = to, .key = ""};
	if (j)
		look_json(&f, j, false);
	if (diag_count(c->diags) == errors && !to->count) {
		diag_error(c->diags, (Span){file, j->span.at, j->span.at + 1}, "the model has no sweep");
		diag_help(c->diags, "such as \"optimizer\": \"adam(lr=sweep(0.01, 0.003, 0.001))\"");
	}
	return diag_count(c->diags) == errors ? to : NULL;
}

/* -- Values ------------------------------------------------------------------------------------ */

/* Where `part` of the way from the beginning to the end is. */
static const char *between(Arena *a, const Sweep *s, double part)
{
	double x = s->log != 0 ? exp(log(s->from) + part * (log(s->to) - log(s->from)))
	                       : s->from + part * (s->to - s->from);
	x = part <= 0 ? s->from : part >= 1 ? s->to : x;
	return arena_printf(a, s->whole != 0 ? "%.0f" : "%.6g", s->whole != 0 ? rint(x) : x);
}

size_t sweep_count(const Sweep *s)
{
	return s->is_range ? (size_t)s->count : s->values;
}

const char *sweep_value(Arena *a, const Sweep *s, size_t i)
{
	return s->is_range ? between(a, s, (double)i / (s->count - 1)) : s->value[i];
}

const char *sweep_draw(Arena *a, const Sweep *s, double u)
{
	size_t count = sweep_count(s);
	return count ? sweep_value(a, s, (size_t)(u * (double)count)) : between(a, s, u);
}

void sweeps_fill(const Sweeps *s, const char *text, size_t size, const char *const *chosen,
                 Text *out)
{
	size_t from = 0;
	for (size_t i = 0; i < s->places; i++) {
		const SweepPlace *p = &s->place[i];
		const char *value = chosen[p->which];
		size_t length = strlen(value);
		text_add(out, text + from, p->span.at - from);
		if (p->is_text && length > 1 && value[0] == '\'')
			text_add(out, value + 1, length - 2);
		else
			text_add(out, value, length);
		from = p->span.end;
	}
	text_add(out, text + from, size - from);
}
