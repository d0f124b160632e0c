/* dot.c: Model -> Graphviz: sections, bodies and expressions as a tree, a box a part. */
#include "parse.h"

#include <string.h>

typedef struct Drawing {
	Text *out;
	unsigned count;
} Drawing;

/* A box below `parent` (0: the root); the edge says what part of it that is ("": nothing). */
static unsigned box(Drawing *d, unsigned parent, const char *part, const char *label)
{
	unsigned number = ++d->count;
	text_printf(d->out, "  p%u [label=", number);
	text_dot(d->out, label);
	text_printf(d->out, "];\n");
	if (parent) {
		text_printf(d->out, "  p%u -> p%u [label=", parent, number);
		text_dot(d->out, part);
		text_printf(d->out, "];\n");
	}
	return number;
}

static unsigned box_number(Drawing *d, unsigned parent, const char *part, double value)
{
	Text label = {0};
	text_number(&label, value, false);
	unsigned number = box(d, parent, part, label.data);
	text_close(&label);
	return number;
}

static void draw_expr(Drawing *d, unsigned parent, const char *part, const Expr *e)
{
	bool is_name = e->kind == EXPR_NAME || e->kind == EXPR_TEXT;
	bool is_plain = e->kind == EXPR_CALL && !e->is_operator && e->callee->kind == EXPR_NAME;
	const char *label = is_name || (e->kind == EXPR_CALL && e->is_operator) ? e->text
	                    : is_plain                                          ? e->callee->text
	                    : e->kind == EXPR_CALL                              ? "call"
	                    : e->kind == EXPR_LIST                              ? "list"
	                                                                        : "?";
	unsigned number = e->kind == EXPR_NUMBER ? box_number(d, parent, part, e->number)
	                                         : box(d, parent, part, label);
	if (e->kind != EXPR_CALL && e->kind != EXPR_LIST)
		return;
	if (e->kind == EXPR_CALL && !e->is_operator && !is_plain)
		draw_expr(d, number, "callee", e->callee);
	for (size_t i = 0; i < e->count; i++)
		draw_expr(d, number, e->arg[i].name ? e->arg[i].name : "", e->arg[i].value);
}

static void draw_body(Drawing *d, unsigned parent, const char *part, const Body *b)
{
	if (!b)
		return;
	if (b->kind == BODY_EXPR) {
		draw_expr(d, parent, part, b->expr);
		return;
	}
	unsigned number = box(d, parent, part, b->kind == BODY_CHAIN ? "chain" : "values");
	for (size_t i = 0; i < b->count; i++) {
		Text name = {0};
		if (b->kind == BODY_CHAIN)
			text_printf(&name, "%zu", i);
		else
			text_printf(&name, "%s%s", b->named[i].is_set ? "set " : "", b->named[i].name);
		draw_body(d, number, name.data, b->kind == BODY_CHAIN ? b->layer[i] : b->named[i].body);
		text_close(&name);
	}
}

static void draw_definitions(Drawing *d, unsigned parent, const Definitions *all, bool networks)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->at[i].is_network != networks)
			continue;
		Text signature = {0};
		definition_print(&all->at[i], &signature);
		draw_body(d, parent, signature.data, all->at[i].body);
		text_close(&signature);
	}
}

static void draw_freeze(Drawing *d, unsigned parent, const Freeze *f)
{
	unsigned number = f->count ? box(d, parent, "freeze", "list") : 0;
	for (size_t i = 0; i < f->count; i++)
		box(d, number, "", f->name[i]);
}

static void draw_train(Drawing *d, unsigned parent, const Train *t)
{
	unsigned number = box(d, parent, "train", "settings");
	box_number(d, number, "epochs", t->epochs.value);
	box_number(d, number, "batch", t->batch.value);
	box_number(d, number, "seed", t->seed.value);
	box(d, number, "shuffle", t->shuffle.value != 0 ? "true" : "false");
}

static void draw_task(Drawing *d, unsigned parent, const Task *t)
{
	unsigned number = box(d, parent, t->name, "task");
	draw_freeze(d, number, &t->freeze);
	draw_definitions(d, number, &t->network, true);
	draw_body(d, number, "loss", t->loss);
	draw_body(d, number, "bank", t->bank);
	draw_body(d, number, "collect", t->collect);
	draw_body(d, number, "metric", t->metric);
	draw_body(d, number, "predict", t->predict);
	if (t->optimizer)
		draw_expr(d, number, "optimizer", t->optimizer);
	if (t->labels.span.file)
		box_number(d, number, "labels", t->labels.value);
	draw_train(d, number, &t->train);
}

static void draw_naming(Drawing *d, unsigned parent, const Naming *n)
{
	unsigned number = box(d, parent, n->name, "names");
	for (size_t r = 0; r < n->count; r++) {
		const Rename *rule = &n->rule[r];
		unsigned ours = box(d, number, "", rule->pattern);
		for (size_t i = 0; i < rule->count; i++) {
			const RenamePart *part = &rule->part[i];
			if (part->is_number)
				box_number(d, ours, part->name, part->number);
			else if (part->views)
				draw_body(d, ours, part->name, part->views);
			else
				box(d, ours, "", part->name);
		}
	}
}

void model_dot(const Model *m, Text *out)
{
	Drawing d = {.out = out};
	text_printf(out, "digraph model {\n  node [shape=box, fontname=monospace];\n");
	unsigned root = box(&d, 0, "", m->name), part;
	draw_expr(&d, root, "data", m->data);
	size_t definitions = 0;
	for (size_t i = 0; i < m->define.count; i++)
		definitions += !m->define.at[i].is_network;
	if (definitions) {
		part = box(&d, root, "define", "definitions");
		draw_definitions(&d, part, &m->define, false);
	}
	draw_body(&d, root, "pretext", m->pretext);
	draw_definitions(&d, root, &m->define, true);
	draw_body(&d, root, "loss", m->loss);
	draw_body(&d, root, "features", m->features);
	draw_body(&d, root, "generate", m->generate);
	draw_body(&d, root, "vectors", m->vectors);
	if (m->optimizer)
		draw_expr(&d, root, "optimizer", m->optimizer);
	draw_freeze(&d, root, &m->freeze);
	if (strcmp(m->precision, "f32") != 0)
		box(&d, root, "precision", m->precision);
	for (size_t i = 0; i < m->naming_count; i++)
		draw_naming(&d, root, &m->naming[i]);
	draw_train(&d, root, &m->train);
	part = m->task_count ? box(&d, root, "downstream", "tasks") : 0;
	for (size_t i = 0; i < m->task_count; i++)
		draw_task(&d, part, &m->task[i]);
	text_printf(out, "}\n");
}
