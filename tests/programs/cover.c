/* cover.c: which names of the language some program has used: the library's, the builtins, the
 * operations. A definition of the library that a program uses uses what its text names,
 * defaults included. */
#include "programs.h"

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

void cover_add(Cover *c, const sslc_program *p)
{
	const Model *m = p->model;
	for (size_t i = 0; i < p->prelude->count; i++)
		add_name(c, p->prelude->at[i].name);
	for (size_t i = 0; i < m->define.count; i++)
		use_body(c, p->prelude, m->define.at[i].body);
	use_body(c, p->prelude, m->pretext);
	use_body(c, p->prelude, m->loss);
	use_body(c, p->prelude, m->features);
	use_expr(c, p->prelude, m->optimizer);
	for (size_t i = 0; i < m->task_count; i++) {
		use_body(c, p->prelude, m->task[i].loss);
		use_body(c, p->prelude, m->task[i].metric);
		use_expr(c, p->prelude, m->task[i].optimizer);
	}
}

bool cover_report(const Cover *c, FILE *out)
{
	bool all = true;
	for (size_t i = 0; i < c->count; i++)
		if (!c->of[i].used) {
			fprintf(out, "no program uses '%s'\n", c->of[i].name);
			all = false;
		}
	return all;
}
