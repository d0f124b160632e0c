/* cover.c: which names of the language some program has used: the library's, the builtins, the
 * operations. A definition of the library that a program uses uses what its text names,
 * defaults included. What a stored truth of PyTorch holds (tests/oracle) counts too, and
 * what the shipped models use. */
#include "programs.h"

#include <glob.h>
#include <string.h>

static void add_name(Cover *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->of[i].name, name) == 0)
			return;
	if (c->count == COUNT(c->of))
		BUG("there is no room for the name '%s'", name);
	snprintf(c->of[c->count++].name, sizeof c->of->name, "%s", name);
}

static void use_expr(Cover *c, const Prelude *prelude, const Expr *e);
static void use_body(Cover *c, const Prelude *prelude, const Body *body);

static void use(Cover *c, const Prelude *prelude, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->of[i].name, name) == 0) {
			if (c->of[i].used)
				return;
			c->of[i].used = true;
		}
	for (size_t i = 0; i < prelude->count; i++)
		if (strcmp(prelude->at[i].name, name) == 0) {
			const Definition *d = &prelude->at[i];
			for (size_t j = 0; j < d->count; j++)
				use_expr(c, prelude, d->param[j].otherwise);
			use_body(c, prelude, d->body);
		}
}

/* Operators that the tables spell otherwise. */
static const char *spelled(const char *operator)
{
	static const char *const ALIASES[][2] = {{"greater", "less"},
	                                         {"greater_equal", "less_equal"},
	                                         {"not_equal", "equal"},
	                                         {"mod", "rem"}};
	for (size_t i = 0; i < COUNT(ALIASES); i++)
		if (strcmp(operator, ALIASES[i][0]) == 0)
			return ALIASES[i][1];
	return operator;
}

static void use_expr(Cover *c, const Prelude *prelude, const Expr *e)
{
	if (!e)
		return;
	if (e->kind == EXPR_NAME)
		use(c, prelude, e->text);
	if (e->kind == EXPR_CALL && e->is_operator)
		use(c, prelude, spelled(e->text));
	use_expr(c, prelude, e->kind == EXPR_CALL && !e->is_operator ? e->callee : NULL);
	for (size_t i = 0; (e->kind == EXPR_CALL || e->kind == EXPR_LIST) && i < e->count; i++)
		use_expr(c, prelude, e->arg[i].value);
}

static void use_body(Cover *c, const Prelude *prelude, const Body *body)
{
	if (!body)
		return;
	if (body->kind == BODY_EXPR)
		use_expr(c, prelude, body->expr);
	for (size_t i = 0; body->kind == BODY_CHAIN && i < body->count; i++)
		use_body(c, prelude, body->layer[i]);
	for (size_t i = 0; body->kind == BODY_NAMED && i < body->count; i++)
		use_body(c, prelude, body->named[i].body);
}

void cover_open(Cover *c)
{
	*c = (Cover){0};
#define BUILTIN(name, params, meaning) add_name(c, #name);
#include "../../compiler/elaborate/builtins.def"
#undef BUILTIN
	for (Op op = 1; op < OP_COUNT; op++)
		if (op_info[op].kind == MAP)
			add_name(c, op_info[op].name);
}

static void parse_library(sslc_program *p)
{
	for (size_t i = 0; i < p->prelude->count; i++)
		(void)library_find(&p->c, p->prelude, p->prelude->at[i].name);
}

void cover_add(Cover *c, sslc_program *p)
{
	const Model *m = p->model;
	parse_library(p);
	for (size_t i = 0; i < p->prelude->count; i++)
		add_name(c, p->prelude->at[i].name);
	for (size_t i = 0; i < m->define.count; i++)
		use_body(c, p->prelude, m->define.at[i].body);
	use_body(c, p->prelude, m->pretext);
	use_body(c, p->prelude, m->loss);
	use_body(c, p->prelude, m->features);
	use_body(c, p->prelude, m->generate);
	use_body(c, p->prelude, m->vectors);
	use_expr(c, p->prelude, m->optimizer);
	for (size_t i = 0; i < m->task_count; i++) {
		use_body(c, p->prelude, m->task[i].loss);
		use_body(c, p->prelude, m->task[i].metric);
		use_body(c, p->prelude, m->task[i].predict);
		use_expr(c, p->prelude, m->task[i].optimizer);
	}
}

/* Every word of the file that is a name. */
static void use_words(Cover *c, const Prelude *prelude, const char *bytes)
{
	static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
	for (const char *at = bytes; *at; at += strspn(at, LETTERS)) {
		at += strcspn(at, LETTERS);
		char word[sizeof c->of->name];
		snprintf(word, sizeof word, "%.*s", (int)strspn(at, LETTERS), at);
		use(c, prelude, word);
	}
}

static bool use_file(Cover *c, const Prelude *prelude, const char *path)
{
	Text text = {0};
	char why[128];
	bool good = file_read(path, 16 << 20, &text, why) && text.data;
	if (good)
		use_words(c, prelude, text.data);
	else
		fprintf(stderr, "cannot read '%s': %s\n", path, why);
	text_close(&text);
	return good;
}

static bool use_models(Cover *c, const Prelude *prelude, const char *pattern)
{
	glob_t models;
	bool good = glob(pattern, 0, NULL, &models) == 0;
	for (size_t i = 0; good && i < models.gl_pathc; i++)
		good = use_file(c, prelude, models.gl_pathv[i]);
	globfree(&models);
	return good;
}

bool cover_stored(Cover *c)
{
	sslc_program *p = sslc_open_text("none", "{}", 2, NULL); /* for its library */
	parse_library(p);
	bool good = use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/vision/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/masks/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/einsum/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/optimizers/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/convolution/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/recurrent/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/text/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/speech/cases.def") &&
	            use_file(c, p->prelude, SSLC_SOURCE "/tests/oracle/detection/cases.def") &&
	            use_models(c, p->prelude, SSLC_SOURCE "/models/text/*.json") &&
	            use_models(c, p->prelude, SSLC_SOURCE "/models/vision/*.json") &&
	            use_models(c, p->prelude, SSLC_SOURCE "/models/speech/*.json") &&
	            use_models(c, p->prelude, SSLC_SOURCE "/models/series/*.json") &&
	            use_models(c, p->prelude, SSLC_SOURCE "/models/pairs/*.json");
	sslc_close(p);
	return good;
}

/* Networks that are too large for a program at random, whose parts are held, and transforms that
 * draw the arguments of others, which are held to stored truths. */
static const char *const ELSEWHERE[] = {
    "categorical",     "resnet_stem",  "resnet_stage", "resnet18",     "resnet50",
    "resized",         "color_jitter", "random_blur",  "random_turns", "sometimes",
    "random_rotation", "factor_of",    "mixup_with",   "random_cut"};

bool cover_report(Cover *c, FILE *out)
{
	bool all = true;
	for (size_t i = 0; i < COUNT(ELSEWHERE); i++)
		for (size_t j = 0; j < c->count; j++)
			c->of[j].used |= strcmp(c->of[j].name, ELSEWHERE[i]) == 0;
	for (size_t i = 0; i < c->count; i++)
		if (!c->of[i].used) {
			fprintf(out, "no program uses '%s'\n", c->of[i].name);
			all = false;
		}
	return all;
}
