/* tasks.c: downstream tasks: for each variant its init, step and score graphs.
 *
 * The variants of a task: itself, on the frozen networks (pre-trained, or random: the runtime
 * chooses what it loads); scratch, where nothing is frozen; raw, where the frozen networks are
 * replaced by flatten. Each has heads of its own. */
#include "elaborator.h"

#include <math.h>
#include <string.h>

/* accuracy(logits, label) for a loss cross_entropy(logits, label); else NULL. */
static const Body *accuracy_of(Elab *b, const Body *loss)
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

/* -- The metric of each sample ----------------------------------------------------------------- */

enum { MOST_TERMS = 64 }; /* of a metric that is taken apart */

/* [batch], whose mean is y, for a y that is linear in sums over the batch; 0: it is not. Such are
 * accuracy and all losses that are averaged; a root of a mean, a product of means is none. */
static NodeId of_each(Graph *g, NodeId y, int64_t batch, int *terms)
{
	const Node n = *node(g, y); /* a copy: nodes move as others are made */
	if (!type_info[n.type].is_float || --*terms < 0)
		return 0;
	if (n.op == OP_constant)
		return op_full(g, n.type, SHAPE(batch), n.attr.value);
	if (n.op == OP_cast)
		return op_cast(g, of_each(g, n.in[0], batch, terms), n.type);
	if (n.op == OP_neg)
		return op_neg(g, of_each(g, n.in[0], batch, terms));
	if (n.op == OP_add || n.op == OP_sub || n.op == OP_mul || n.op == OP_div) {
		bool linear = n.op == OP_add || n.op == OP_sub || node(g, n.in[1])->op == OP_constant ||
		              (n.op == OP_mul && node(g, n.in[0])->op == OP_constant);
		NodeId x = linear ? of_each(g, n.in[0], batch, terms) : 0;
		NodeId z = x ? of_each(g, n.in[1], batch, terms) : 0;
		return graph_add_node(g, n.op, (NodeId[]){x, z}, 2, n.type, SHAPE(batch), (Attr){0});
	}
	if (n.op != OP_sum || !n.attr.axes.count || n.attr.axes.at[0] != 0 ||
	    node(g, n.in[0])->shape.dim[0] != batch)
		return 0;
	Axes others = {.count = (uint8_t)(n.attr.axes.count - 1)};
	memcpy(others.at, n.attr.axes.at + 1, others.count);
	NodeId sum = others.count ? op_sum(g, n.in[0], others) : n.in[0];
	return op_mul(g, sum, op_like(g, sum, (double)batch));
}

/* -- What is kept of each sample --------------------------------------------------------------- */

/* The names that were kept, for the metric to see: inputs "bank.NAME". */
static const Scope *kept_scope(Elab *b, const char *key, const DataField *kept, const Scope *scope)
{
	for (const DataField *f = kept; f && f->name; f++) {
		const char *input = arena_printf(b->c->arena, "%s.%s", key, f->name);
		NodeId x = op_input(b->g, input, f->type, f->shape);
		scope = scope_bind(b, scope, f->name, value_tensor(x));
	}
	return scope;
}

/* What uses a task's networks has no weights of its own: no step would train them. */
static Value eval_use(Elab *b, const char *section, const Body *body, const Scope *scope)
{
	size_t before = b->bundle->state_count;
	Value v = eval_section(b, section, body, scope);
	if (b->bundle->state_count == before)
		return v;
	const Task *t = b->task->task;
	diag_error(b->c->diags, body->span,
	           t->loss ? "\"%s\" makes '%s', which the loss has not, so nothing trains it"
	                   : "\"%s\" makes '%s', which nothing trains: the task has no 'loss'",
	           section, b->bundle->state[before].name);
	if (!t->bank)
		diag_help(b->c->diags,
		          t->loss ? "make it a network of the task, and call that in both: \"head\": "
		                    "[\"linear(10)\"]"
		                  : "such as \"loss\": \"cross_entropy(head(encoder(x)), label)\"");
	return value_none();
}

/* T.bank or T.collect: an output for each named value, one row a sample, of which all `samples` are
 * inputs of T.score. A list has no rows: it is for the values behind it to see. NULL: an error. */
static DataField *build_kept(Elab *b, const char *key, const Body *body, const Scope *scope,
                             int64_t batch, int64_t samples)
{
	size_t errors = diag_count(b->c->diags), count = 0;
	bool good = true; /* an error that was reported before is not counted again */
	if (body->kind != BODY_NAMED)
		return NULL;
	DataField *kept = new_array(b->c->arena, DataField, body->count + 1);
	for (size_t i = 0; i < body->count; i++) {
		const Named *n = &body->named[i];
		Value v = eval_use(b, n->name, n->body, scope);
		scope = scope_bind(b, scope, n->name, v);
		good &= v.kind != VALUE_NONE;
		if (v.kind == VALUE_NONE || v.kind == VALUE_LIST)
			continue;
		const Node *row = v.kind == VALUE_TENSOR ? node(b->g, v.node) : NULL;
		if (!row || !row->shape.rank || row->shape.dim[0] != batch) {
			diag_error(b->c->diags, n->body->span,
			           "'%s' is %s, but a %s keeps a tensor with one row a sample", n->name,
			           value_text(b, &v), key);
			continue;
		}
		kept[count] = (DataField){n->name, row->type, row->shape};
		kept[count++].shape.dim[0] = samples;
		graph_output(b->g, n->name, v.node);
	}
	if (!count && good && diag_count(b->c->diags) == errors)
		diag_error(b->c->diags, body->span, "the %s keeps no tensor, so a metric sees nothing",
		           key);
	return good && diag_count(b->c->diags) == errors ? kept : NULL;
}

/* In the section of the loss where that is what it is made of: it has the same weights. */
static void build_score(Elab *b, const char *name, const Body *metric, int64_t batch)
{
	const char *section = b->task->task->metric ? "metric" : "loss";
	begin_graph(b, name, false, b->task->collected ? b->bundle->data.test_count : batch);
	const DataField *collected = b->task->collected;
	const Scope *scope = collected ? NULL : data_scope(b, batch);
	scope = kept_scope(b, "bank", b->task->bank, scope);
	scope = kept_scope(b, "collect", collected, scope);
	b->sees_collected = collected;
	Value v = eval_use(b, section, metric, scope);
	b->sees_collected = false;
	NodeId y = loss_of(b, &v, metric->span, "metric");
	graph_output(b->g, "metric", y);
	int terms = MOST_TERMS;
	if (y && !collected)
		graph_output(b->g, "samples", of_each(b->g, y, batch, &terms));
}

/* "accuracy" for accuracy(...): the name of what is called; NULL: something else. */
static const char *called(const Body *body)
{
	const Expr *e = body->kind == BODY_EXPR ? body->expr : NULL;
	return e && e->kind == EXPR_CALL && !e->is_operator && e->callee->kind == EXPR_NAME
	           ? e->callee->text
	           : NULL;
}

/* A loss of the library is the better the lower it is, by whatever name it is given. */
static bool is_loss(Elab *b, const Body *metric)
{
	const char *name = called(metric);
	const Definition *d = name ? definition_find(b, name, (Span){0}) : NULL;
	return d && strcmp(diags_name(b->c->diags, d->span.file), "lib/losses.json") == 0;
}

/* Of named values the last one, which is what they give. */
static const Body *result_of(const Body *body)
{
	return body->kind == BODY_NAMED && body->count ? result_of(body->named[body->count - 1].body)
	                                               : body;
}

/* Also what the library calls a loss elsewhere: detection_loss, token_loss. */
static bool names_loss(Elab *b, const Expr *e)
{
	const Body body = {.kind = BODY_EXPR, .expr = (Expr *)e};
	const char *name = called(&body);
	const Definition *d = name ? definition_find(b, name, (Span){0}) : NULL;
	size_t length = d ? strlen(name) : 0;
	bool named = length > 5 && strcmp(name + length - 5, "_loss") == 0;
	return is_loss(b, &body) ||
	       (named && strncmp(diags_name(b->c->diags, d->span.file), "lib/", 4) == 0);
}

/* What it rises with: x of exp(x), log(x), sqrt(x), its mean and sum, and of what the library asks for a `loss`:
 * bits_per_byte(x). NULL: nobody knows. */
static const Expr *rises_with(Elab *b, const Expr *e)
{
	static const char *const rising[] = {"exp", "log", "sqrt", "mean", "sum"};
	const Body body = {.kind = BODY_EXPR, .expr = (Expr *)e};
	const char *name = called(&body);
	if (!name || !e->count || e->arg[0].name)
		return NULL;
	for (size_t i = 0; i < COUNT(rising); i++)
		if (strcmp(name, rising[i]) == 0)
			return e->arg[0].value;
	const Definition *d = definition_find(b, name, (Span){0});
	bool asks = d && d->count && strcmp(d->param[0].name, "loss") == 0 &&
	            strncmp(diags_name(b->c->diags, d->span.file), "lib/", 4) == 0;
	return asks ? e->arg[0].value : NULL;
}

/* What the library finds the better, the higher it is. */
static bool names_score(Elab *b, const Expr *e)
{
	static const char *const score[] = {"accuracy", "masked_accuracy", "recall_at",
	                                    "mean_reciprocal_rank", "average_precision"};
	const Body body = {.kind = BODY_EXPR, .expr = (Expr *)e};
	const char *name = called(&body);
	const Definition *d = name ? definition_find(b, name, (Span){0}) : NULL;
	for (size_t i = 0; d && i < COUNT(score); i++)
		if (strcmp(name, score[i]) == 0)
			return strncmp(diags_name(b->c->diags, d->span.file), "lib/", 4) == 0;
	return false;
}

enum { LOWER = -1, UNKNOWN = 0, HIGHER = 1 }; /* is better */

/* Named values, and which way each of the first `count` is better. */
typedef struct Ways {
	const Named *named;
	size_t count;
	int *way;
} Ways;

static bool is_call_of(const Expr *e, const char *function)
{
	return e->kind == EXPR_CALL && e->is_operator && strcmp(e->text, function) == 0;
}

/* -1 of a number below 0; what is not known now is taken for above. */
static int sign_of(const Expr *e)
{
	bool negated = is_call_of(e, "neg");
	const Expr *number = negated ? e->arg[0].value : e;
	return number->kind == EXPR_NUMBER && (number->number < 0) != negated ? -1 : 1;
}

static int both_ways(int x, int y)
{
	return x == UNKNOWN || x == y ? y : y == UNKNOWN ? x : UNKNOWN;
}

static int way_of(Elab *b, const Expr *e, const Ways *w)
{
	size_t i = w->count;
	if (e->kind == EXPR_NAME) {
		while (i && strcmp(w->named[i - 1].name, e->text) != 0)
			i--;
		return i ? w->way[i - 1] : UNKNOWN;
	}
	if (names_loss(b, e))
		return LOWER;
	if (names_score(b, e))
		return HIGHER;
	if (e->kind != EXPR_CALL || !e->is_operator) {
		const Expr *of = rises_with(b, e);
		return of ? way_of(b, of, w) : UNKNOWN;
	}
	if (is_call_of(e, "neg"))
		return -way_of(b, e->arg[0].value, w);
	if (is_call_of(e, "pow"))
		return sign_of(e->arg[1].value) * way_of(b, e->arg[0].value, w);
	bool add = is_call_of(e, "add"), sub = is_call_of(e, "sub"), mul = is_call_of(e, "mul"),
	     div = is_call_of(e, "div");
	if (!add && !sub && !mul && !div)
		return UNKNOWN;
	const Expr *x = e->arg[0].value, *y = e->arg[1].value;
	int of_x = way_of(b, x, w), of_y = way_of(b, y, w);
	if (mul || div) {
		of_x *= sign_of(y);
		of_y *= sign_of(x);
	}
	return both_ways(of_x, sub || div ? -of_y : of_y);
}

/* Of named values the last one; a name among them is what it was given. */
static bool lower_is_better(Elab *b, const Body *metric)
{
	bool named = metric->kind == BODY_NAMED;
	size_t count = named ? metric->count : 1;
	Ways w = {.named = metric->named, .way = new_array(b->c->arena, int, count + 1)};
	for (size_t i = 0; i < count; i++) {
		const Body *last = result_of(named ? metric->named[i].body : metric);
		w.way[i] = last->kind == BODY_EXPR && last->expr ? way_of(b, last->expr, &w) : UNKNOWN;
		w.count = named ? i + 1 : 0;
	}
	return count && w.way[count - 1] == LOWER;
}

/* T.step. 0: the loss is none, which was reported. */
static NodeId build_training(Elab *b, const BundleTask *to)
{
	const Task *t = to->task;
	begin_graph(b, arena_printf(b->c->arena, "%s.step", to->name), true, to->batch);
	Value v = eval_loss(b, t->loss, data_scope(b, to->batch));
	NodeId loss = loss_of(b, &v, t->loss->span, "loss");
	graph_output(b->g, "loss", loss);
	if (loss)
		apply_optimizer(b, t->optimizer, loss, t->loss->span, to->freezes ? &t->frozen : NULL);
	states_finish(b);
	if (loss)
		build_encoded(b, to);
	return loss;
}

static bool build_bank(Elab *b, BundleTask *to)
{
	begin_graph(b, arena_printf(b->c->arena, "%s.bank", to->name), false, to->batch);
	to->bank =
	    build_kept(b, "bank", to->task->bank, data_scope(b, to->batch), to->batch, to->samples);
	return to->bank;
}

/* The scores of a task that collects are one, of all test samples. */
static bool build_collect(Elab *b, BundleTask *to, int64_t batch)
{
	begin_graph(b, arena_printf(b->c->arena, "%s.collect", to->name), false, batch);
	const Scope *scope = kept_scope(b, "bank", to->bank, data_scope(b, batch));
	to->collected =
	    build_kept(b, "collect", to->task->collect, scope, batch, b->bundle->data.test_count);
	return to->collected;
}

/* -- What it predicts -------------------------------------------------------------------------- */

/* Of a loss of the library its first argument, as in cross_entropy(logits, label); else NULL. */
static const Body *prediction_of(Elab *b, const Body *loss)
{
	if (!is_loss(b, loss) || !loss->expr->count || loss->expr->arg[0].name)
		return NULL;
	Body *body = new (b->c->arena, Body);
	*body = (Body){.kind = BODY_EXPR, .span = loss->span, .expr = loss->expr->arg[0].value};
	return body;
}

/* Of batches of pre-training, as features are: to use a model is not to train it. */
static void build_predict(Elab *b, const BundleTask *to)
{
	const Task *t = to->task;
	int64_t batch = b->bundle->batch;
	const Body *body = t->predict ? t->predict : t->loss ? prediction_of(b, t->loss) : NULL;
	if (!body)
		return;
	begin_graph(b, arena_printf(b->c->arena, "%s.predict", to->name), false, batch);
	Value v = eval_use(b, t->predict ? "predict" : "loss", body, data_scope(b, batch));
	const Node *n = v.kind == VALUE_TENSOR ? node(b->g, v.node) : NULL;
	if (n && (!t->predict || (n->shape.rank && n->shape.dim[0] == batch))) {
		graph_output(b->g, "prediction", v.node);
	} else if (t->predict && v.kind != VALUE_NONE) {
		diag_error(b->c->diags, body->span,
		           "the prediction is %s, but must be a tensor with one row a sample",
		           value_text(b, &v));
		diag_help(b->c->diags, "say in \"predict\" what the task finds out: head(encoder(x))");
	}
}

static void build_variant(Elab *b, BundleTask *to, const char *suffix)
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
	if ((t->bank && !build_bank(b, to)) || (t->loss && !build_training(b, to)))
		return;
	const Body *accuracy = t->loss ? accuracy_of(b, t->loss) : NULL;
	const Body *metric = t->metric ? t->metric : accuracy ? accuracy : t->loss;
	const char *name = t->metric ? called(result_of(t->metric)) : NULL;
	to->metric = name && definition_find(b, name, (Span){0}) ? name
	             : t->metric                                 ? "metric"
	             : accuracy                                  ? "accuracy"
	                                                         : "loss";
	to->higher_is_better = metric != t->loss && !lower_is_better(b, metric);
	int64_t test = b->bundle->data.test_count, batch = to->batch < test ? to->batch : test;
	if (t->collect && !build_collect(b, to, batch))
		return;
	build_score(b, arena_printf(a, "%s.score", to->name), metric, batch);
	if (test % batch && !t->collect)
		build_score(b, arena_printf(a, "%s.score.rest", to->name), metric, test % batch);
	build_predict(b, to);
}

static bool has_labels(const DataShape *data)
{
	for (size_t i = 0; i < data->count; i++)
		if (strcmp(data->field[i].name, "label") == 0)
			return true;
	return false;
}

/* How many samples a task is trained on; 0: an error. */
static int64_t samples_of(Elab *b, const Task *t)
{
	const DataShape *data = &b->bundle->data;
	double labels = t->labels.value;
	int64_t labelled = data->train_count - data->unlabelled;
	if (!t->labels.span.file)
		return labelled;
	if (data->classes == 0 && labels >= 1 && has_labels(data)) {
		diag_error(b->c->diags, t->labels.span,
		           "the labels are no classes, of which each could have so many");
		diag_help(b->c->diags, "a share of all samples is a number below 1");
		return 0;
	}
	if (!has_labels(data)) {
		diag_error(b->c->diags, t->labels.span, "the data has no labels to choose samples by");
		diag_help(b->c->diags, "leave out 'labels', or give labels to the reader");
		return 0;
	}
	double wanted =
	    labels < 1 ? floor(labels * (double)labelled + 0.5) : labels * (double)data->classes;
	if (wanted >= 1 && wanted <= (double)labelled)
		return (int64_t)wanted;
	diag_error(b->c->diags, t->labels.span,
	           "'labels' asks for %.0f of the %lld samples to train on", wanted,
	           (long long)labelled);
	return 0;
}

/* Of few samples a tenth is none. */
static void suggest_share(Elab *b)
{
	int64_t n = b->bundle->data.train_count - b->bundle->data.unlabelled;
	if (n == 1)
		diag_help(b->c->diags, "give test files to the reader");
	else
		diag_help(b->c->diags, "give test files to the reader, or a share of the data: test=%.2g",
		          n < 10 ? ceil(100.0 / (double)n) / 100 : 0.1);
}

static bool fit_task(Elab *b, const Task *t, BundleTask *to)
{
	int64_t samples = samples_of(b, t), *batch = &to->batch;
	if (!samples)
		return false;
	*batch = (int64_t)t->train.batch.value;
	if (*batch > samples && t->train.batch.span.file) {
		diag_error(b->c->diags, t->train.batch.span,
		           "'batch' is %lld, but %s only %lld samples to train on", (long long)*batch,
		           t->labels.span.file          ? "'labels' leaves"
		           : b->bundle->data.unlabelled ? "of those with a label the data has"
		                                        : "the data has",
		           (long long)samples);
		return false;
	}
	if (b->bundle->data.test_count == 0) {
		diag_error(b->c->diags, t->span, "the data has no test samples to score '%s' on", t->name);
		suggest_share(b);
		return false;
	}
	*batch = *batch > samples ? samples : *batch;
	to->samples = t->loss || t->bank ? samples : 0; /* a task that only collects learns of none */
	to->steps = (int64_t)t->train.epochs.value * (to->samples / *batch);
	return true;
}

void build_tasks(Elab *b)
{
	const Model *m = b->model;
	b->bundle->task = new_array(b->c->arena, BundleTask, 3 * m->task_count + 1);
	for (size_t i = 0; i < m->task_count; i++) {
		const Task *t = &m->task[i];
		BundleTask base = {.task = t};
		size_t errors = diag_count(b->c->diags);
		if (!fit_task(b, t, &base))
			continue;
		for (int variant = 0; variant < 3 && diag_count(b->c->diags) == errors; variant++) {
			bool asked[3] = {true, t->baseline_scratch, t->baseline_raw && t->freeze.count};
			static const char *const suffix[3] = {"", ".scratch", ".raw"};
			if (!asked[variant])
				continue;
			BundleTask *to = &b->bundle->task[b->bundle->task_count++];
			*to = base;
			to->freezes = variant != 1;
			to->is_raw = variant == 2;
			build_variant(b, to, suffix[variant]);
			if (variant && diag_count(b->c->diags) != errors)
				diag_note(b->c->diags, t->span,
				          variant == 1
				              ? "in the baseline 'scratch' of '%s', where nothing is frozen; "
				                "\"baselines\" can leave it out"
				              : "in the baseline 'raw' of '%s', where frozen networks are "
				                "'flatten'; \"baselines\" can leave it out",
				          t->name);
		}
	}
	b->task = NULL;
}
