/* print.c: Model -> text, which parses to an equal Model (sslc dump --stage=parse). */
#include "parse.h"

#include <string.h>

/* -- Expressions: fewest parentheses that read back the same ----------------------------------- */

enum { LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY, LEVEL_POWER, LEVEL_ATOM };

typedef struct Sign {
	const char *name, *punct;
	int level;
} Sign;

static const Sign signs[] = {
    {"less", "<", LEVEL_COMPARE},
    {"less_equal", "<=", LEVEL_COMPARE},
    {"greater", ">", LEVEL_COMPARE},
    {"equal", "==", LEVEL_COMPARE},
    {"greater_equal", ">=", LEVEL_COMPARE},
    {"not_equal", "!=", LEVEL_COMPARE},
    {"add", "+", LEVEL_SUM},
    {"sub", "-", LEVEL_SUM},
    {"mul", "*", LEVEL_PRODUCT},
    {"div", "/", LEVEL_PRODUCT},
    {"mod", "%", LEVEL_PRODUCT},
    {"matmul", "@", LEVEL_PRODUCT},
    {"neg", "-", LEVEL_UNARY},
    {"pow", "^", LEVEL_POWER},
};

static const Sign *sign_of(const Expr *e)
{
	for (size_t i = 0; i < COUNT(signs); i++)
		if (strcmp(signs[i].name, e->text) == 0)
			return &signs[i];
	return NULL; /* index */
}

static int level_of(const Expr *e)
{
	const Sign *s = e->kind == EXPR_CALL && e->is_operator ? sign_of(e) : NULL;
	return s ? s->level : LEVEL_ATOM;
}

static void print_at(const Expr *e, int level, Text *out);

static void print_args(const Expr *e, size_t from, Text *out)
{
	for (size_t i = from; i < e->count; i++) {
		if (i > from)
			text_printf(out, ", ");
		if (e->arg[i].name)
			text_printf(out, "%s=", e->arg[i].name);
		print_at(e->arg[i].value, LEVEL_COMPARE, out);
	}
}

static void print_operator(const Expr *e, Text *out)
{
	const Sign *s = sign_of(e);
	if (!s) {
		print_at(e->arg[0].value, LEVEL_ATOM, out);
		text_printf(out, "[");
		print_args(e, 1, out);
		text_printf(out, "]");
	} else if (s->level == LEVEL_UNARY) {
		text_printf(out, "-");
		print_at(e->arg[0].value, LEVEL_UNARY, out);
	} else if (s->level == LEVEL_POWER) {
		print_at(e->arg[0].value, LEVEL_ATOM, out);
		text_printf(out, "^");
		print_at(e->arg[1].value, LEVEL_UNARY, out);
	} else {
		print_at(e->arg[0].value, s->level == LEVEL_COMPARE ? LEVEL_SUM : s->level, out);
		text_printf(out, " %s ", s->punct);
		print_at(e->arg[1].value, s->level + 1, out);
	}
}

/* As lex.c reads it: a quote in it is doubled. */
static void print_text(const char *text, Text *out)
{
	text_printf(out, "'");
	for (; *text; text++)
		text_printf(out, "%s%c", *text == '\'' ? "'" : "", *text);
	text_printf(out, "'");
}

static void print_at(const Expr *e, int level, Text *out)
{
	bool wrapped = level_of(e) < level;
	if (wrapped)
		text_printf(out, "(");
	switch (e->kind) {
	case EXPR_NUMBER:
		text_number(out, e->number, false);
		break;
	case EXPR_TEXT:
		print_text(e->text, out);
		break;
	case EXPR_NAME:
		text_printf(out, "%s", e->text);
		break;
	case EXPR_BAD:
		text_printf(out, "?");
		break;
	case EXPR_LIST:
		text_printf(out, "[");
		print_args(e, 0, out);
		text_printf(out, "]");
		break;
	case EXPR_CALL:
		if (e->is_operator) {
			print_operator(e, out);
			break;
		}
		print_at(e->callee, LEVEL_ATOM, out);
		text_printf(out, "(");
		print_args(e, 0, out);
		text_printf(out, ")");
		break;
	}
	if (wrapped)
		text_printf(out, ")");
}

void expr_print(const Expr *e, Text *out)
{
	print_at(e, LEVEL_COMPARE, out);
}

/* -- JSON -------------------------------------------------------------------------------------- */

static void print_json_expr(const Expr *e, Text *out)
{
	Text plain = {0};
	expr_print(e, &plain);
	text_json(out, plain.data);
	text_close(&plain);
}

static void print_body(const Body *b, int indent, Text *out)
{
	if (b->kind == BODY_EXPR) {
		print_json_expr(b->expr, out);
		return;
	}
	if (b->kind == BODY_BAD) {
		text_printf(out, "\"?\"");
		return;
	}
	text_printf(out, b->kind == BODY_CHAIN ? "[" : "{");
	for (size_t i = 0; i < b->count; i++) {
		text_printf(out, "%s\n%*s", i ? "," : "", indent + 2, "");
		if (b->kind == BODY_NAMED)
			text_printf(out, "\"%s%s\": ", b->named[i].is_set ? "set " : "", b->named[i].name);
		print_body(b->kind == BODY_CHAIN ? b->layer[i] : b->named[i].body, indent + 2, out);
	}
	text_printf(out, "\n%*s%s", indent, "", b->kind == BODY_CHAIN ? "]" : "}");
}

void definition_print(const Definition *d, Text *out)
{
	text_printf(out, "%s", d->name);
	for (size_t i = 0; i < d->count; i++) {
		text_printf(out, "%s%s%s", i ? ", " : "(", d->param[i].name,
		            d->param[i].is_layer ? "()" : "");
		if (d->param[i].otherwise) {
			text_printf(out, "=");
			expr_print(d->param[i].otherwise, out);
		}
	}
	if (d->count)
		text_printf(out, ")");
}

static void print_signature(const Definition *d, Text *out)
{
	Text key = {0};
	definition_print(d, &key);
	text_json(out, key.data);
	text_close(&key);
}

static void print_train(const Train *t, int indent, Text *out)
{
	text_printf(
	    out,
	    ",\n%*s\"train\": {\"epochs\": %.0f, \"batch\": %.0f, \"seed\": %.0f, \"shuffle\": %s}",
	    indent, "", t->epochs.value, t->batch.value, t->seed.value,
	    t->shuffle.value != 0 ? "true" : "false");
}

static void print_entry(const char *key, const Body *b, int indent, Text *out)
{
	if (!b)
		return;
	text_printf(out, ",\n%*s\"%s\": ", indent, "", key);
	print_body(b, indent, out);
}

static void print_definitions(const Definitions *d, bool networks, int indent, Text *out)
{
	for (size_t i = 0, printed = 0; i < d->count; i++) {
		if (d->at[i].is_network != networks)
			continue;
		text_printf(out, "%s\n%*s", networks || printed++ ? "," : "", indent, "");
		print_signature(&d->at[i], out);
		text_printf(out, ": ");
		print_body(d->at[i].body, indent, out);
	}
}

static void print_freeze(const Freeze *f, Text *out)
{
	text_printf(out, "\"freeze\": [");
	for (size_t i = 0; i < f->count; i++) {
		text_printf(out, i ? ", " : "");
		text_json(out, f->name[i]);
	}
	text_printf(out, "]");
}

static void print_task(const Task *t, Text *out)
{
	text_printf(out, "    ");
	text_json(out, t->name);
	text_printf(out, ": {\n      ");
	print_freeze(&t->freeze, out);
	text_printf(out, ",\n      \"baselines\": [");
	const char *names[3];
	size_t count = 0;
	if (t->baseline_random)
		names[count++] = "random";
	if (t->baseline_scratch)
		names[count++] = "scratch";
	if (t->baseline_raw)
		names[count++] = "raw";
	for (size_t i = 0; i < count; i++)
		text_printf(out, "%s\"%s\"", i ? ", " : "", names[i]);
	text_printf(out, "]");
	print_definitions(&t->network, true, 6, out);
	print_entry("loss", t->loss, 6, out);
	print_entry("bank", t->bank, 6, out);
	print_entry("collect", t->collect, 6, out);
	print_entry("metric", t->metric, 6, out);
	print_entry("predict", t->predict, 6, out);
	if (t->optimizer) {
		text_printf(out, ",\n      \"optimizer\": ");
		print_json_expr(t->optimizer, out);
	}
	if (t->labels.span.file) {
		text_printf(out, ",\n      \"labels\": ");
		text_number(out, t->labels.value, false);
	}
	print_train(&t->train, 6, out);
	text_printf(out, "\n    }");
}

/* Every rule in its longest form: an object of parts. */
static void print_rule(const Rename *r, Text *out)
{
	text_printf(out, "\n      ");
	text_json(out, r->pattern);
	text_printf(out, r->count ? ": {" : ": null");
	for (size_t i = 0; i < r->count; i++) {
		const RenamePart *part = &r->part[i];
		text_printf(out, i ? ", " : "");
		text_json(out, part->name);
		text_printf(out, ": ");
		if (part->is_number)
			text_number(out, part->number, false);
		else if (part->views)
			print_body(part->views, 6, out);
		else
			text_printf(out, "[]");
	}
	text_printf(out, r->count ? "}" : "");
}

static void print_namings(const Model *m, Text *out)
{
	for (size_t i = 0; i < m->naming_count; i++) {
		const Naming *n = &m->naming[i];
		text_printf(out, i ? ",\n    " : ",\n  \"names\": {\n    ");
		text_json(out, n->name);
		text_printf(out, ": {");
		for (size_t r = 0; r < n->count; r++) {
			text_printf(out, r ? "," : "");
			print_rule(&n->rule[r], out);
		}
		text_printf(out, "\n    }");
	}
	text_printf(out, m->naming_count ? "\n  }" : "");
}

void model_print(const Model *m, Text *out)
{
	text_printf(out, "{\n  \"name\": ");
	text_json(out, m->name);
	text_printf(out, ",\n  \"data\": ");
	print_json_expr(m->data, out);
	size_t definitions = 0;
	for (size_t i = 0; i < m->define.count; i++)
		definitions += !m->define.at[i].is_network;
	if (definitions) {
		text_printf(out, ",\n  \"define\": {");
		print_definitions(&m->define, false, 4, out);
		text_printf(out, "\n  }");
	}
	print_entry("pretext", m->pretext, 2, out);
	print_definitions(&m->define, true, 2, out);
	print_entry("loss", m->loss, 2, out);
	print_entry("features", m->features, 2, out);
	print_entry("generate", m->generate, 2, out);
	print_entry("vectors", m->vectors, 2, out);
	if (m->optimizer) {
		text_printf(out, ",\n  \"optimizer\": ");
		print_json_expr(m->optimizer, out);
	}
	if (m->freeze.count) {
		text_printf(out, ",\n  ");
		print_freeze(&m->freeze, out);
	}
	if (strcmp(m->precision, "f32") != 0) {
		text_printf(out, ",\n  \"precision\": ");
		text_json(out, m->precision);
	}
	print_namings(m, out);
	print_train(&m->train, 2, out);
	if (m->task_count)
		text_printf(out, ",\n  \"downstream\": {\n");
	for (size_t i = 0; i < m->task_count; i++) {
		print_task(&m->task[i], out);
		text_printf(out, i + 1 < m->task_count ? ",\n" : "\n  }");
	}
	text_printf(out, "\n}\n");
}
