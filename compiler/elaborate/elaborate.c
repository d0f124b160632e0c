/* elaborate.c: a model's sections -> its graphs: init, step, features, gradients, and those of its
 * tasks (tasks.c). */
#include "elaborator.h"

#include <string.h>

#include "../causal/causal.h"

/* -- Graphs ------------------------------------------------------------------------------------ */

void add_graph(Elab *b, Graph *g)
{
	Bundle *bundle = b->bundle;
	if (bundle->graph_count == bundle->graph_capacity) {
		size_t capacity = bundle->graph_capacity ? 2 * bundle->graph_capacity : 16;
		Graph **more = new_array(b->c->arena, Graph *, capacity);
		if (bundle->graph_count)
			memcpy(more, bundle->graph, bundle->graph_count * sizeof *more);
		bundle->graph = more;
		bundle->graph_capacity = capacity;
	}
	bundle->graph[bundle->graph_count++] = g;
	(void)names_add(&bundle->graph_names, b->c->arena, g->name, (uint32_t)bundle->graph_count);
}

Graph *begin_graph(Elab *b, const char *name, bool training, int64_t batch)
{
	b->c->building = b->g = graph_new(b->c, name);
	b->training = training;
	b->batch = (double)batch;
	b->samples = 0;
	b->averages = 0;
	b->binding = NULL;
	b->loss_body = NULL;
	b->loss_scope = NULL;
	memset(b->pending, 0, b->bundle->state_count * sizeof *b->pending);
	memset(b->is_average, 0, b->bundle->state_count * sizeof *b->is_average);
	b->calls = 0;
	*b->frame = (Frame){.component = "", .use = hash_text(1, name)};
	add_graph(b, b->g);
	return b->g;
}

Graph *bundle_graph(const Bundle *b, const char *name)
{
	uint32_t number = names_find(&b->graph_names, name);
	return number ? b->graph[number - 1] : NULL;
}

const Scope *data_scope(Elab *b, int64_t batch)
{
	const Scope *scope = NULL;
	b->samples = batch;
	for (size_t i = 0; i < b->bundle->data.count; i++) {
		const DataField *f = &b->bundle->data.field[i];
		int64_t dim[MAX_RANK] = {batch};
		for (int j = 0; j < f->shape.rank; j++)
			dim[j + 1] = f->shape.dim[j];
		DType type = type_info[f->type].is_float ? (DType)b->c->float_type : f->type;
		NodeId x = op_input(b->g, f->name, type, shape_of(f->shape.rank + 1, dim));
		if (type == DTYPE_u8) {
			x = op_cast(b->g, x, (DType)b->c->float_type);
			x = op_mul(b->g, x, op_like(b->g, x, 1.0 / 255));
		}
		scope = scope_bind(b, scope, f->name, value_tensor(x));
	}
	return scope;
}

Value eval_section(Elab *b, const char *name, const Body *body, const Scope *scope)
{
	Frame *outer = b->frame,
	      frame = frame_below(b, arena_printf(b->c->arena, "%s%s", b->prefix, name));
	b->frame = &frame;
	b->g->origin = body->span;
	Value v = eval_body(b, body, scope, NULL);
	b->frame = outer;
	return v;
}

Value eval_loss(Elab *b, const Body *body, const Scope *scope)
{
	b->loss_body = body;
	b->loss_scope = scope;
	return eval_section(b, "loss", body, scope);
}

/* The names of "pretext", for the loss to see. */
static const Scope *pretext_scope(Elab *b, const Scope *scope)
{
	const Body *body = b->model->pretext;
	for (size_t i = 0; body && body->kind == BODY_NAMED && i < body->count; i++) {
		if (body->named[i].is_set) {
			elab_error(b, body->named[i].span, "a pretext has no states to set");
			diag_help(b->c->diags,
			          "a \"define\" or the \"loss\" can, as an object of named values");
			continue;
		}
		Frame *outer = b->frame, frame = frame_below(b, body->named[i].name);
		b->frame = &frame;
		Value v = eval_body(b, body->named[i].body, scope, NULL);
		b->frame = outer;
		view_note(b, body->named[i].name, &v, true);
		scope = scope_bind(b, scope, body->named[i].name, v);
	}
	return scope;
}

NodeId loss_of(Elab *b, const Value *v, Span span, const char *what)
{
	if (v->kind == VALUE_NONE)
		return 0;
	const Node *n = v->kind == VALUE_TENSOR ? node(b->g, v->node) : NULL;
	if (!n || n->shape.rank != 0 || !type_info[n->type].is_float) {
		diag_error(b->c->diags, span,
		           "the %s is %s, but must be one number: a float tensor without axes", what,
		           value_text(b, v));
		diag_help(b->c->diags, "average it: mean(...)");
		return 0;
	}
	return v->node;
}

/* -- Sections ---------------------------------------------------------------------------------- */

static NodeId build_loss(Elab *b)
{
	const Scope *scope = pretext_scope(b, data_scope(b, b->bundle->batch));
	Value v = eval_loss(b, b->model->loss, scope);
	return loss_of(b, &v, b->model->loss->span, "loss");
}

static void build_step(Elab *b)
{
	size_t errors = diag_count(b->c->diags);
	begin_graph(b, "step", true, b->bundle->batch);
	monitor_begin(b);
	NodeId loss = build_loss(b);
	graph_output(b->g, "loss", loss);
	apply_optimizer(b, b->model->optimizer, loss, b->model->loss->span, &b->model->frozen);
	states_finish(b);
	Graph *monitor = diag_count(b->c->diags) == errors ? monitor_end(b) : NULL;
	b->monitored = NULL;
	if (monitor)
		add_graph(b, monitor);
}

/* The loss and its gradient by every parameter, for checks: the same numbers as step, nothing
 * changes; and what can be looked at. */
static void build_gradients(Elab *b)
{
	begin_graph(b, "gradients", true, b->bundle->batch);
	views_begin(b);
	NodeId loss = build_loss(b);
	graph_output(b->g, "loss", loss);
	uint32_t *index = new_array(b->c->arena, uint32_t, b->bundle->state_count + 1);
	NodeId *gradient = new_array(b->c->arena, NodeId, b->bundle->state_count + 1);
	size_t count = loss ? trained_states(b, loss, NULL, index, gradient) : 0;
	for (size_t i = 0; i < count; i++)
		graph_output(b->g, arena_printf(b->c->arena, "d %s", b->bundle->state[index[i]].name),
		             gradient[i]);
	Graph *views = views_end(b), *perturbed = new (b->c->arena, Graph),
	      *alone = new (b->c->arena, Graph);
	*perturbed = *alone = *b->g;
	perturbed->name = PERTURBED;
	alone->name = "loss";
	alone->out_count = alone->out_count > 0; /* without the gradients */
	add_graph(b, perturbed);
	add_graph(b, alone);
	if (views)
		add_graph(b, views);
}

/* encoder(x), for models that do not say what their features are; NULL: it wants more than x. */
static const Body *default_features(Elab *b)
{
	const Definition *d = definition_find(b, "encoder", (Span){0});
	bool more = false;
	for (size_t i = 0; d && i < d->count; i++)
		more |= !d->param[i].otherwise && strcmp(d->param[i].name, "x") != 0;
	if (!d || !d->is_network || more)
		return NULL;
	Body *chain = new (b->c->arena, Body), *link = new (b->c->arena, Body);
	Expr *e = new (b->c->arena, Expr);
	*e = (Expr){.kind = EXPR_NAME, .span = d->span, .text = "encoder"};
	*link = (Body){.kind = BODY_EXPR, .span = d->span, .expr = e};
	*chain = (Body){.kind = BODY_CHAIN,
	                .span = d->span,
	                .count = 1,
	                .layer = new_array(b->c->arena, Body *, 1)};
	chain->layer[0] = link;
	return chain;
}

/* Nobody wrote it: where all was right so far, its errors stand at layers that are right elsewhere. */
static void help_default(Elab *b, size_t errors)
{
	if (!b->model->features && !errors && diag_count(b->c->diags))
		diag_help(b->c->diags,
		          "this is of the features, which are encoder(x) as the model does not say; "
		          "say what they are, as in \"features\": \"encoder(f(x))\"");
}

static void build_features(Elab *b)
{
	const Body *body = b->model->features ? b->model->features : default_features(b);
	if (!body)
		return;
	size_t errors = diag_count(b->c->diags);
	begin_graph(b, "features", false, b->bundle->batch);
	Value v = eval_section(b, "features", body, data_scope(b, b->bundle->batch));
	const Node *n = v.kind == VALUE_TENSOR ? node(b->g, v.node) : NULL;
	if (v.kind != VALUE_NONE && (!n || n->shape.rank == 0 || n->shape.dim[0] != b->bundle->batch))
		diag_error(b->c->diags, body->span,
		           "the features are %s, but must be a tensor with one row a sample",
		           value_text(b, &v));
	help_default(b, errors);
	if (diag_count(b->c->diags) > errors)
		return;
	graph_output(b->g, "features", op_cast(b->g, v.node, (DType)b->c->float_type));
}

/* Reads no data. */
static void build_vectors(Elab *b)
{
	const Body *body = b->model->vectors;
	if (!body)
		return;
	begin_graph(b, "vectors", false, 1);
	Value v = eval_section(b, "vectors", body, NULL);
	if (v.kind == VALUE_NONE)
		return;
	const Node *n = v.kind == VALUE_TENSOR ? node(b->g, v.node) : NULL;
	if (!n || n->shape.rank != 2 || !type_info[n->type].is_float) {
		diag_error(b->c->diags, body->span,
		           "the vectors are %s, but must be one row a token: [vocab, width]",
		           value_text(b, &v));
		return;
	}
	graph_output(b->g, "vectors", v.node);
}

/* Of one sample; it reads what the runtime gives: x. */
static void build_generate(Elab *b)
{
	const Body *body = b->model->generate;
	if (!body)
		return;
	begin_graph(b, "generate", false, 1);
	Value v = eval_section(b, "generate", body, data_scope(b, 1));
	if (v.kind == VALUE_NONE)
		return;
	const Node *n = v.kind == VALUE_TENSOR ? node(b->g, v.node) : NULL;
	if (!n || n->shape.rank != 3 || n->shape.dim[0] != 1 || !type_info[n->type].is_float) {
		diag_error(b->c->diags, body->span,
		           "what generates is %s, but must be logits [1, places, vocab] of x",
		           value_text(b, &v));
		return;
	}
	graph_output(b->g, "logits", v.node);
}

/* The same, one place at a time, if no place looks ahead. */
static void build_next(Elab *b)
{
	Graph *g = bundle_graph(b->bundle, "generate");
	Graph *next = g ? next_place(b->c, g, "generate.next", "x") : NULL;
	if (next)
		add_graph(b, next);
}

/* A default of the language, as if it stood in a file of its own. */
static Expr *parse_text(Elab *b, const char *quoted)
{
	uint32_t file = diags_file(b->c->diags, "default", quoted, strlen(quoted));
	Json json = {.kind = JSON_STRING, .span = {file, 0, (uint32_t)strlen(quoted)}};
	json.text = arena_copy(b->c->arena, quoted + 1, strlen(quoted) - 2);
	return expr_parse(b->c, &json);
}

/* A batch that is asked for must fit; the default one shrinks to the data. */
static bool fit_batch(Elab *b, Train *t, int64_t *batch, int64_t *epoch_steps)
{
	int64_t samples = b->bundle->data.train_count;
	*batch = (int64_t)t->batch.value;
	if (*batch > samples && t->batch.span.file) {
		diag_error(b->c->diags, t->batch.span,
		           "'batch' is %lld, but the data has only %lld sample%s to train on",
		           (long long)*batch, (long long)samples, samples == 1 ? "" : "s");
		return false;
	}
	*batch = *batch > samples ? samples : *batch;
	*epoch_steps = *batch ? samples / *batch : 0;
	return *batch > 0;
}

static bool fit_training(Elab *b)
{
	Bundle *bundle = b->bundle;
	Train train = b->model->train;
	if (!fit_batch(b, &train, &bundle->batch, &bundle->epoch_steps))
		return false;
	if (__builtin_mul_overflow((int64_t)train.epochs.value, bundle->epoch_steps, &bundle->steps)) {
		diag_error(b->c->diags, b->model->data->span, "%.0f epochs of %lld steps are too many",
		           train.epochs.value, (long long)bundle->epoch_steps);
		return false;
	}
	b->steps = (double)bundle->steps;
	b->epoch_steps = (double)bundle->epoch_steps;
	return true;
}

static void complete(Elab *b)
{
	Model *m = new (b->c->arena, Model);
	*m = *b->model;
	Expr *adam = parse_text(b, "\"adam(lr=0.001)\"");
	if (!m->optimizer)
		m->optimizer = adam;
	Task *task = new_array(b->c->arena, Task, m->task_count + 1);
	for (size_t i = 0; i < m->task_count; i++) {
		task[i] = m->task[i];
		if (!task[i].optimizer)
			task[i].optimizer = adam;
	}
	m->task = task;
	b->model = b->bundle->model = m;
}

/* A call of what flows, such as decoder(x, memory). */
static const char *example_call(Elab *b, const Definition *d)
{
	const char *call = arena_printf(b->c->arena, "%s(x", d->name);
	for (size_t i = 0; i < d->count; i++)
		if (!d->param[i].otherwise && strcmp(d->param[i].name, "x") != 0)
			call = arena_printf(b->c->arena, "%s, %s", call, d->param[i].name);
	return arena_printf(b->c->arena, "%s)", call);
}

static void check_used(Elab *b)
{
	for (size_t i = 0; i < b->model->define.count && !diag_count(b->c->diags); i++) {
		const Definition *d = &b->model->define.at[i];
		if (!d->is_network || b->used[i])
			continue;
		diag_error(b->c->diags, d->span, "the network '%s' is never used", d->name);
		diag_help(b->c->diags, "call it in the loss, such as %s, or take it out",
		          example_call(b, d));
	}
}

/* A constant is found first, so a definition of its name would never be seen. */
static void check_names(Elab *b, const Definitions *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const Definition *d = &all->at[i];
		if (!constant_named(d->name))
			continue;
		diag_error(b->c->diags, d->span, "'%s' is a constant of the model language", d->name);
		diag_help(b->c->diags, "give the %s another name",
		          d->is_network ? "network" : "definition");
	}
}

/* Room for what is known of each state and definition. */
static void elab_states(Elab *b)
{
	b->pending = new_array(b->c->arena, NodeId, MAX_STATES);
	b->is_average = new_array(b->c->arena, bool, MAX_STATES);
	b->average = new_array(b->c->arena, Average, MAX_STATES);
	b->used = new_array(b->c->arena, bool, b->model ? b->model->define.count + 1 : 1);
}

typedef struct Request { /* what elaborate() is given, and gives */
	Compile *c;
	const Model *model;
	const Prelude *prelude;
	const DataShape *data;
	Bundle *bundle;
} Request;

static Bundle *build_all(Compile *c, const Model *model, const Prelude *prelude,
                         const DataShape *data)
{
	size_t errors = diag_count(c->diags);
	Frame frame = {.component = ""};
	Elab b = {.c = c,
	          .model = model,
	          .prelude = prelude,
	          .frame = &frame,
	          .prefix = "",
	          .period = 1,
	          .bundle = new (c->arena, Bundle)};
	b.bundle->data = *data;
	elab_states(&b);
	complete(&b);
	check_names(&b, &model->define);
	for (size_t i = 0; i < model->task_count; i++)
		check_names(&b, &model->task[i].network);
	if (!fit_training(&b))
		return NULL;
	b.init = begin_graph(&b, "init", false, b.bundle->batch);
	build_step(&b);
	if (diag_count(c->diags) == errors)
		build_gradients(&b);
	build_features(&b);
	build_generate(&b);
	build_vectors(&b);
	build_tasks(&b);
	check_used(&b);
	for (size_t i = 0; (b.scans || b.stand_ins) && i < b.bundle->graph_count; i++)
		b.bundle->graph[i] =
		    graph_live(c, b.bundle->graph[i]); /* without what stood for slices, answers */
	if (diag_count(c->diags) == errors)
		build_next(&b);
	return diag_count(c->diags) == errors ? b.bundle : NULL;
}

static void run_request(void *request)
{
	Request *r = request;
	r->bundle = build_all(r->c, r->model, r->prelude, r->data);
}

Bundle *elaborate(Compile *c, const Model *model, const Prelude *prelude, const DataShape *data)
{
	if (!model || !prelude)
		return NULL;
	Request r = {c, model, prelude, data, NULL};
	stack_run(c, run_request, &r);
	return r.bundle;
}

Elab elab_anew(Compile *c, const Bundle *whole, const Prelude *prelude, Frame *frame, int64_t batch)
{
	Elab b = {.c = c,
	          .model = whole->model,
	          .prelude = prelude,
	          .frame = frame,
	          .prefix = "",
	          .steps = (double)whole->steps,
	          .epoch_steps = (double)whole->epoch_steps,
	          .period = 1,
	          .bundle = new (c->arena, Bundle)};
	*b.bundle = *whole;
	b.bundle->batch = batch;
	b.bundle->graph_count = b.bundle->graph_capacity = 0;
	b.bundle->graph_names = (Names){0};
	elab_states(&b);
	b.init = begin_graph(&b, "init", false, batch);
	return b;
}

typedef struct FunctionRequest {
	Compile *c;
	const Bundle *whole;
	const Prelude *prelude;
	const char *name;
	int64_t batch;
	Graph *graph;
} FunctionRequest;

static void run_function_request(void *request)
{
	FunctionRequest *r = request;
	size_t errors = diag_count(r->c->diags);
	Frame frame = {.component = ""};
	Elab b = elab_anew(r->c, r->whole, r->prelude, &frame, r->batch);
	if (strcmp(r->name, "features") == 0) {
		build_features(&b);
	} else if (strcmp(r->name, "loss") == 0) {
		begin_graph(&b, "loss", true, r->batch);
		graph_output(b.g, "loss", build_loss(&b));
	}
	if (diag_count(r->c->diags) == errors)
		r->graph = bundle_graph(b.bundle, r->name);
}

Graph *elaborate_function(Compile *c, const Bundle *whole, const Prelude *prelude, const char *name,
                          int64_t batch)
{
	FunctionRequest r = {c, whole, prelude, name, batch, NULL};
	stack_run(c, run_function_request, &r);
	return r.graph;
}

Graph *build_expression(Compile *c, const Prelude *prelude, const Model *definitions, Expr *e,
                        const DataField *inputs, size_t count, Bundle **states)
{
	Frame frame = {.component = ""};
	Elab b = {.c = c,
	          .model = definitions,
	          .prelude = prelude,
	          .frame = &frame,
	          .prefix = "",
	          .period = 1,
	          .training = true,
	          .bundle = new (c->arena, Bundle)};
	elab_states(&b);
	b.init = begin_graph(&b, "init", false, 1);
	Graph *g = begin_graph(&b, "expression", true, 1);
	const Scope *scope = NULL;
	for (size_t i = 0; i < count; i++)
		scope =
		    scope_bind(&b, scope, inputs[i].name,
		               value_tensor(op_input(g, inputs[i].name, inputs[i].type, inputs[i].shape)));
	b.steps = 100;
	Value v = e ? eval(&b, e, scope) : value_none();
	NodeId y = v.kind == VALUE_NONE ? 0 : value_to_tensor(&b, &v, (DType)c->float_type);
	graph_output(g, "y", y);
	states_finish(&b);
	if (states)
		*states = b.bundle;
	g = b.scans ? graph_live(c, g) : g;
	return y ? g : NULL;
}
