/* model.c: sections -> Model. What cannot be read is reported and becomes BODY_BAD or EXPR_BAD, so
 * that the rest is still checked, here and by elaborate. */
#include "sections.h"

#include <math.h>
#include <string.h>

static const char *const sections[] = {
#define SECTION(key, ...) #key,
#include "sections.def"
#undef SECTION
};
static const char *const precisions[] = {
#define PRECISION(name) name,
#include "sections.def"
#undef PRECISION
};
static const char *const train_keys[] = {
#define TRAIN_KEY(key, ...) #key,
#include "sections.def"
#undef TRAIN_KEY
    "shuffle",
};

bool listed(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* "did you mean", or the whole list. */
void help_nearest(Compile *c, const char *name, const char *const *names, size_t count,
                  const char *what)
{
	if (!diag_is_kept(c->diags))
		return;
	const char *near = suggest(name, names, count);
	if (near) {
		diag_help(c->diags, "did you mean '%s'?", near);
		return;
	}
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = arena_printf(c->arena, "%s%s%s", all, i ? ", " : "", names[i]);
	diag_help(c->diags, "%s: %s", what, all);
}

const char *kind_words(const Json *j)
{
	static const char *const words[] = {"null",   "true or false", "a number",
	                                    "a text", "a list",        "an object"};
	return words[j->kind];
}

bool want_kind(Compile *c, const Json *j, JsonKind kind, const char *key, const char *what)
{
	if (j->kind == kind)
		return true;
	diag_error(c->diags, j->span, "'%s' is %s, but must be %s", key, kind_words(j), what);
	return false;
}

/* -- Bodies ------------------------------------------------------------------------------------ */

Body *body_new(Compile *c, BodyKind kind, Span span)
{
	Body *b = new (c->arena, Body);
	b->kind = kind;
	b->span = span;
	return b;
}

static Body *body_chain(Compile *c, const Json *j)
{
	Body *b = body_new(c, BODY_CHAIN, j->span);
	b->layer = new_array(c->arena, Body *, j->count + 1);
	for (const Json *item = j->first; item; item = item->next) {
		if (item->kind != JSON_STRING && item->kind != JSON_LIST) {
			diag_error(c->diags, item->span, "a layer is a text or a list of layers, not %s",
			           kind_words(item));
			b->layer[b->count++] = body_new(c, BODY_BAD, item->span);
			continue;
		}
		b->layer[b->count++] =
		    item->kind == JSON_LIST ? body_chain(c, item) : body_parse(c, item, "layer");
	}
	return b;
}

static bool named_key(Compile *c, const Json *member, Named *to)
{
	Lex l = lex_open_key(c, member);
	Token t = lex_next(&l);
	to->span = member->key_span;
	if (t.kind == TOKEN_NAME && strcmp(t.text, "set") == 0) {
		Token name = lex_next(&l);
		if (name.kind == TOKEN_NAME) {
			to->is_set = true;
			t = name;
		}
	}
	Token end = lex_next(&l);
	if (t.kind == TOKEN_NAME && end.kind == TOKEN_END) {
		to->name = t.text;
		return true;
	}
	if (t.kind != TOKEN_BAD && end.kind != TOKEN_BAD) {
		diag_error(c->diags, member->key_span, "'%s' is not a name", member->key);
		if (strchr(member->key, '('))
			diag_help(c->diags, "what takes parameters stands under \"define\"");
		else
			diag_help(c->diags, "a named value is \"name\": \"expression\"; the next value of a "
			                    "state is \"set name\": \"...\"");
	}
	return false;
}

static Body *body_named(Compile *c, const Json *j)
{
	Body *b = body_new(c, BODY_NAMED, j->span);
	b->named = new_array(c->arena, Named, j->count + 1);
	for (const Json *member = j->first; member; member = member->next) {
		Named *n = &b->named[b->count];
		bool good = named_key(c, member, n);
		n->body = body_parse(c, member, member->key);
		if (!good)
			b->kind = BODY_BAD;
		b->count++;
	}
	if (b->kind == BODY_BAD)
		return b;
	if (!j->count) {
		diag_error(c->diags, j->span, "an object of named values needs at least one");
		b->kind = BODY_BAD;
	}
	if (b->count && b->named[b->count - 1].is_set) {
		diag_error(c->diags, b->named[b->count - 1].span,
		           "the last named value is the result, and a 'set' has none");
		diag_help(c->diags, "move it up, and end with the value that this returns");
	}
	return b;
}

Body *body_parse(Compile *c, const Json *j, const char *key)
{
	if (j->kind == JSON_LIST)
		return body_chain(c, j);
	if (j->kind == JSON_OBJECT)
		return body_named(c, j);
	if (j->kind != JSON_STRING && j->kind != JSON_NUMBER) {
		diag_error(c->diags, j->span,
		           "'%s' is %s, but must be an expression in a text, a list or an object", key,
		           kind_words(j));
		return body_new(c, BODY_BAD, j->span);
	}
	Body *b = body_new(c, BODY_EXPR, j->span);
	if (j->kind == JSON_STRING) {
		b->expr = expr_parse(c, j);
	} else {
		b->expr = new (c->arena, Expr);
		*b->expr = (Expr){.kind = EXPR_NUMBER, .span = j->span, .number = j->number};
	}
	if (!b->expr)
		b->kind = BODY_BAD;
	return b;
}

/* A section that must be a text with an expression. */
Expr *want_expr(Compile *c, const Json *j, const char *key, const char *what)
{
	Expr *e = want_kind(c, j, JSON_STRING, key, what) ? expr_parse(c, j) : NULL;
	if (!e) {
		e = new (c->arena, Expr);
		*e = (Expr){.kind = EXPR_BAD, .span = j->span};
	}
	return e;
}

/* -- Train ------------------------------------------------------------------------------------- */

static void read_setting(Compile *c, const Json *j, Setting *to, double least, double most)
{
	if (j->kind == JSON_NUMBER && j->number >= least && j->number <= most &&
	    floor(j->number) == j->number) {
		*to = (Setting){j->number, j->span};
		return;
	}
	if (j->kind == JSON_NUMBER)
		diag_error(c->diags, j->span, "'%s' is %s, but must be a whole number from %.0f to %.0f",
		           j->key, j->text, least, most);
	else
		diag_error(c->diags, j->span, "'%s' is %s, but must be a whole number", j->key,
		           kind_words(j));
}

Train train_parse(Compile *c, const Json *j, double epochs)
{
	Train t = {.epochs = {epochs, {0}}, .batch = {256, {0}}, .seed = {0, {0}}, .shuffle = {1, {0}}};
	if (!j || !want_kind(c, j, JSON_OBJECT, "train", "an object"))
		return t;
	for (const Json *m = j->first; m; m = m->next) {
#define TRAIN_KEY(name, least, most, meaning)                                                      \
	if (strcmp(m->key, #name) == 0) {                                                              \
		read_setting(c, m, &t.name, least, most);                                                  \
	} else
#include "sections.def"
#undef TRAIN_KEY
		if (strcmp(m->key, "shuffle") == 0) {
			if (want_kind(c, m, JSON_BOOL, "shuffle", "true or false"))
				t.shuffle = (Setting){m->number, m->span};
		} else {
			diag_error(c->diags, m->key_span, "'train' has no key '%s'", m->key);
			help_nearest(c, m->key, train_keys, COUNT(train_keys), "its keys are");
		}
	}
	return t;
}

/* -- Definitions and networks ------------------------------------------------------------------ */

const Definition *definitions_find(const Definitions *d, const char *name)
{
	uint32_t number = names_find(&d->names, name);
	return number ? &d->at[number - 1] : NULL;
}

const Definition *library_find(Compile *c, const Prelude *p, const char *name)
{
	uint32_t number = names_find(&p->names, name);
	Definition *d = number ? &p->at[number - 1] : NULL;
	if (d && !d->body)
		d->body = body_parse(c, d->text, d->name);
	return d;
}

void add_definition(Compile *c, Definitions *to, const Definition *d)
{
	uint32_t twin = names_add(&to->names, c->arena, d->name, (uint32_t)to->count + 1);
	if (twin) {
		diag_error(c->diags, d->span, "'%s' is defined twice", d->name);
		diag_note(c->diags, to->at[twin - 1].span, "the first one is here");
		return;
	}
	to->at[to->count++] = *d;
}

/* "decoder(x, memory)": what it is given beside the value that flows. */
static bool network_params(Compile *c, const Json *m, Definition *d)
{
	if (!definition_parse(c, m, d))
		return false;
	d->is_network = true;
	for (size_t i = 0; i < d->count; i++)
		if (d->param[i].is_layer) {
			diag_error(c->diags, d->param[i].span,
			           "'%s' of the network '%s' is a layer, but a network takes values",
			           d->param[i].name, d->name);
			diag_help(c->diags,
			          "a definition may take layers: \"define\": {\"twice(x, f())\": ...}");
			return false;
		}
	if (!listed(d->name, sections, COUNT(sections)))
		return true;
	diag_error(c->diags, d->span, "'%s' is the name of a section", d->name);
	return false;
}

bool network_parse(Compile *c, const Json *m, Definition *d)
{
	Lex l = lex_open_key(c, m);
	Token name = lex_next(&l), end = name.kind == TOKEN_NAME ? lex_next(&l) : name;
	*d = (Definition){.name = m->key, .span = m->key_span, .is_network = true};
	if (name.kind == TOKEN_NAME && token_is(&end, "(")) {
		if (!network_params(c, m, d))
			return false;
	} else if (name.kind != TOKEN_NAME || end.kind != TOKEN_END) {
		if (name.kind != TOKEN_BAD && end.kind != TOKEN_BAD)
			diag_error(c->diags, m->key_span,
			           "'%s' is not a name for a network: use letters, digits and _", m->key);
		return false;
	}
	if (m->count == 0) {
		diag_error(c->diags, m->span, "the network '%s' has no layers", d->name);
		d->body = body_new(c, BODY_BAD, m->span);
		return true;
	}
	d->body = body_parse(c, m, d->name);
	return true;
}

/* False: not all names are known. */
static bool define_parse(Compile *c, const Json *j, Definitions *to, bool prelude)
{
	if (!want_kind(c, j, JSON_OBJECT, "define", "an object"))
		return false;
	bool whole = true;
	for (const Json *m = j->first; m; m = m->next) {
		Definition d;
		if (!definition_parse(c, m, &d)) {
			whole &= d.name != NULL;
			if (!d.name)
				continue;
			d.body = body_new(c, BODY_BAD, d.span); /* known, so that its uses are no errors */
		} else if (!prelude) {
			d.body = body_parse(c, d.text, d.name);
		}
		if (!prelude && listed(d.name, sections, COUNT(sections)))
			diag_error(c->diags, d.span, "'%s' is the name of a section", d.name);
		else
			add_definition(c, to, &d);
	}
	return whole;
}

static void section_precision(Compile *c, const Json *j, Model *model)
{
	if (!want_kind(c, j, JSON_STRING, "precision", "\"f32\" or \"bf16\""))
		return;
	if (!listed(j->text, precisions, COUNT(precisions))) {
		diag_error(c->diags, j->span, "no precision named '%s'", j->text);
		help_nearest(c, j->text, precisions, COUNT(precisions), "the precisions are");
		return;
	}
	model->precision = j->text;
}

/* -- The file ---------------------------------------------------------------------------------- */

/* Whether runs/NAME can be a folder of that name. */
static bool folder_name(Compile *c, Span span, const char *name)
{
	bool is_short = strlen(name) <= LONGEST_NAME;
	if (*name && *name != '.' && !strchr(name, '/') && !control_in(name, false) && is_short)
		return true;
	diag_error(c->diags, span, "the name '%.*s%s' cannot be the name of a folder", LONGEST_NAME,
	           name, is_short ? "" : "...");
	diag_help(c->diags, "\"name\": at most %d characters, no slash, no dot in front", LONGEST_NAME);
	return false;
}

/* -- One function a row of sections.def -------------------------------------------------------- */

static void section_name(Compile *c, const Json *m, Model *model)
{
	if (want_kind(c, m, JSON_STRING, "name", "a text") && folder_name(c, m->span, m->text))
		model->name = m->text;
}

static void section_about(Compile *c, const Json *m, Model *model)
{
	(void)model;
	if (m->kind != JSON_LIST)
		(void)want_kind(c, m, JSON_STRING, "about", "a text, or a list of texts");
	for (const Json *line = m->kind == JSON_LIST ? m->first : NULL; line; line = line->next)
		(void)want_kind(c, line, JSON_STRING, "about", "a text, or a list of texts");
}

static void section_data(Compile *c, const Json *m, Model *model)
{
	if (want_kind(c, m, JSON_STRING, "data",
	              "an expression in a text, such as \"npy('images.npy')\""))
		model->data = expr_parse(c, m);
}

static void section_define(Compile *c, const Json *m, Model *model)
{
	model->names_lost |= !define_parse(c, m, &model->define, false);
}

static void section_pretext(Compile *c, const Json *m, Model *model)
{
	if (want_kind(c, m, JSON_OBJECT, "pretext",
	              "an object of named values, such as {\"noisy\": \"dropout(x, 0.3)\"}"))
		model->pretext = body_parse(c, m, "pretext");
	model->names_lost |= !model->pretext || model->pretext->kind == BODY_BAD;
}

static void section_loss(Compile *c, const Json *m, Model *model)
{
	model->loss = body_parse(c, m, "loss");
}

static void section_features(Compile *c, const Json *m, Model *model)
{
	model->features = body_parse(c, m, "features");
}

static void section_generate(Compile *c, const Json *m, Model *model)
{
	model->generate = body_parse(c, m, "generate");
}

static void section_vectors(Compile *c, const Json *m, Model *model)
{
	model->vectors = body_parse(c, m, "vectors");
}

static void section_optimizer(Compile *c, const Json *m, Model *model)
{
	model->optimizer =
	    want_expr(c, m, "optimizer", "an expression in a text, such as \"adam(lr=0.001)\"");
}

static void section_freeze(Compile *c, const Json *m, Model *model)
{
	freeze_parse(c, m, &model->freeze, &model->frozen);
}

static void section_train(Compile *c, const Json *m, Model *model)
{
	model->train = train_parse(c, m, 10);
}

static void section_network(Compile *c, const Json *m, Model *model)
{
	Definition d;
	if (network_parse(c, m, &d))
		add_definition(c, &model->define, &d);
	else
		model->names_lost = true;
}

/* Perhaps "encoder": "relu". */
static void section_unknown(Compile *c, const Json *m, Model *model)
{
	model->names_lost = true;
	diag_error(c->diags, m->key_span, "no section named '%s'", m->key);
	help_nearest(c, m->key, sections, COUNT(sections),
	             "a network is a list of layers; the other sections are");
}

static void section_parse(Compile *c, const Json *m, Model *model)
{
	static void (*const of_section[])(Compile *, const Json *, Model *) = {
#define SECTION(key, ...) section_##key,
#include "sections.def"
#undef SECTION
	};
	for (size_t i = 0; i < COUNT(sections); i++)
		if (strcmp(m->key, sections[i]) == 0) {
			of_section[i](c, m, model);
			return;
		}
	(m->kind == JSON_LIST ? section_network : section_unknown)(c, m, model);
}

static void want_section(Compile *c, const Json *j, const char *key, const char *example)
{
	for (const Json *m = j->first; m; m = m->next)
		if (strcmp(m->key, key) == 0)
			return;
	diag_error(c->diags, (Span){j->span.file, j->span.at, j->span.at + 1}, "the model has no '%s'",
	           key);
	diag_help(c->diags, "such as %s", example);
}

static const char *name_of_file(Compile *c, uint32_t file)
{
	const char *name = diags_name(c->diags, file), *slash = strrchr(name, '/');
	name = slash ? slash + 1 : name;
	const char *dot = strrchr(name, '.');
	return arena_copy(c->arena, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static bool is_named(const Json *j)
{
	for (const Json *m = j->first; m; m = m->next)
		if (strcmp(m->key, "name") == 0)
			return true;
	return false;
}

static size_t definitions_at_most(const Json *j)
{
	size_t count = j->count;
	for (const Json *m = j->first; m; m = m->next)
		count += strcmp(m->key, "define") == 0 ? m->count : 0;
	return count + 1;
}

Model *parse(Compile *c, uint32_t file)
{
	const Json *j = json_parse(c, file);
	if (!j)
		return NULL;
	if (j->kind != JSON_OBJECT) {
		diag_error(c->diags, j->span, "a model is a JSON object, not %s", kind_words(j));
		return NULL;
	}
	Model *model = new (c->arena, Model);
	model->file = file;
	model->text = diags_bytes(c->diags, file, &model->text_size);
	model->name = name_of_file(c, file);
	model->precision = precisions[0];
	model->train = train_parse(c, NULL, 10);
	model->define.at = new_array(c->arena, Definition, definitions_at_most(j));
	for (const Json *m = j->first; m; m = m->next)
		section_parse(c, m, model);
	if (!is_named(j))
		(void)folder_name(c, (Span){file, j->span.at, j->span.at + 1}, model->name);
	want_section(c, j, "data", "\"data\": \"npy('images.npy')\" or \"data\": \"fashion_mnist()\"");
	want_section(c, j, "loss", "\"loss\": \"mse(decoder(encoder(x)), x)\"");
	check_freezes(c, model);
	if (!model->loss)
		model->loss = body_new(c, BODY_BAD, j->span);
	return model->data ? model : NULL;
}

static void mark_settings(const Json *names, Prelude *to)
{
	for (const Json *j = names->first; j; j = j->next) {
		uint32_t number = names_find(&to->names, j->text);
		if (number)
			to->at[number - 1].is_setting = true;
	}
}

void prelude_file_parse(Compile *c, uint32_t file, Prelude *to)
{
	const Json *j = json_parse(c, file);
	if (!j)
		return;
	for (const Json *m = j->first; m; m = m->next)
		if (strcmp(m->key, "define") == 0) {
			Definition *more = new_array(c->arena, Definition, to->count + m->count + 1);
			if (to->count)
				memcpy(more, to->at, to->count * sizeof *more);
			to->at = more;
			(void)define_parse(c, m, to, true);
		} else if (strcmp(m->key, "settings") == 0) { /* of what was defined before */
			mark_settings(m, to);
		}
}
