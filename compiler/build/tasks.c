/* tasks.c: downstream tasks: for each variant its init, step and score graphs.
 *
 * The variants of a task: itself, on the frozen networks (pre-trained, or random: the runtime
 * chooses what it loads); scratch, where nothing is frozen; raw, where the frozen networks are
 * replaced by flatten. Each has heads of its own. */
#include "builder.h"

#include <string.h>

/* accuracy(logits, label) for a loss cross_entropy(logits, label); else NULL. */
static const Body *accuracy_of(Build *b, const Body *loss)
{
	const Expr *e = loss->kind == BODY_EXPR ? loss->expr : NULL;
	if (!e || e->kind != EXPR_CALL || e->is_operator || e->callee->kind != EXPR_NAME ||
	    e->count < 2 || strcmp(e->callee->text, "cross_entropy") != 0 || e->arg[0].name ||
	    e->arg[1].name)
		return NULL;
	Expr *callee = new (b->c->arena, Expr), *call = new (b->c->arena, Expr);
	*callee = *e->callee;
	callee->text = "accuracy";
	*call = *e;
	call->callee = callee;
	call->count = 2;
	Body *body = new (b->c->arena, Body);
	*body = (Body){.kind = BODY_EXPR, .span = loss->span, .expr = call};
	return body;
}

static void build_score(Build *b, const char *name, const Body *metric, int64_t batch)
{
	begin_graph(b, name, false, batch);
	Value v = eval_section(b, "metric", metric, data_scope(b, batch));
	graph_output(b->g, "metric", loss_of(b, &v, metric->span, "metric"));
}

static void build_variant(Build *b, BundleTask *to, const char *suffix)
{
	const Task *t = to->task;
	Arena *a = b->c->arena;
	to->name = arena_printf(a, "%s%s", t->name, suffix);
	b->task = to;
	b->owner = (uint32_t)b->bundle->task_count;
	b->prefix = arena_printf(a, "%s.", to->name);
	b->steps = (double)to->steps;
	b->epoch_steps = (double)to->steps / t->train.epochs.value;
	b->init = begin_graph(b, arena_printf(a, "%s.init", to->name), false, to->batch);
	begin_graph(b, arena_printf(a, "%s.step", to->name), true, to->batch);
	Value v = eval_section(b, "loss", t->loss, data_scope(b, to->batch));
	NodeId loss = loss_of(b, &v, t->loss->span, "loss");
	graph_output(b->g, "loss", loss);
	if (loss)
		apply_optimizer(b, t->optimizer, loss, t->freeze, to->freezes ? t->freeze_count : 0);
	states_finish(b);
	const Body *accuracy = accuracy_of(b, t->loss), *metric = t->metric  ? t->metric
	                                                          : accuracy ? accuracy
	                                                                     : t->loss;
	to->metric = t->metric ? "metric" : accuracy ? "accuracy" : "loss";
	to->higher_is_better = metric != t->loss;
	int64_t test = b->bundle->data.test_count, batch = to->batch < test ? to->batch : test;
	if (!loss)
		return;
	build_score(b, arena_printf(a, "%s.score", to->name), metric, batch);
	if (test % batch)
		build_score(b, arena_printf(a, "%s.score.rest", to->name), metric, test % batch);
}

static bool fit_task(Build *b, const Task *t, int64_t *batch, int64_t *steps)
{
	int64_t samples = b->bundle->data.train_count;
	*batch = (int64_t)t->train.batch.value;
	if (*batch > samples && t->train.batch.span.file) {
		diag_error(b->c->diags, t->train.batch.span,
		           "'batch' is %lld, but the data has only %lld samples to train on",
		           (long long)*batch, (long long)samples);
		return false;
	}
	if (b->bundle->data.test_count == 0) {
		diag_error(b->c->diags, t->span, "the data has no test samples to score '%s' on", t->name);
		diag_help(b->c->diags, "give test files to the reader, or a share of the data: test=0.1");
		return false;
	}
	*batch = *batch > samples ? samples : *batch;
	*steps = (int64_t)t->train.epochs.value * (samples / *batch);
	return true;
}

void build_tasks(Build *b)
{
	const Model *m = b->model;
	b->bundle->task = new_array(b->c->arena, BundleTask, 3 * m->task_count + 1);
	for (size_t i = 0; i < m->task_count; i++) {
		const Task *t = &m->task[i];
		BundleTask base = {.task = t};
		size_t errors = diag_count(b->c->diags);
		if (!fit_task(b, t, &base.batch, &base.steps))
			continue;
		for (int variant = 0; variant < 3 && diag_count(b->c->diags) == errors; variant++) {
			bool asked[3] = {true, t->baseline_scratch, t->baseline_raw && t->freeze_count};
			static const char *const suffix[3] = {"", ".scratch", ".raw"};
			if (!asked[variant])
				continue;
			BundleTask *to = &b->bundle->task[b->bundle->task_count++];
			*to = base;
			to->freezes = variant != 1;
			to->is_raw = variant == 2;
			build_variant(b, to, suffix[variant]);
		}
	}
	b->task = NULL;
}
