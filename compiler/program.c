/* program.c: the public API (sslc.h) over the stages (compile.c).
 *
 * Running out of the memory limit is the compiler's one longjmp: every entry that compiles says
 * where to land (GUARD). No LLVM frame is jumped over, since LLVM calls nothing of ours that
 * allocates from the arena. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

enum { MODEL_LIMIT = 16 << 20 };
static const size_t MEMORY_LIMIT = (size_t)2 << 30;

#define GUARD(p, failure)                                                                          \
	do {                                                                                           \
		if ((p)->exhausted)                                                                        \
			return failure;                                                                        \
		if (setjmp((p)->out_of_memory)) {                                                          \
			(p)->exhausted = true;                                                                 \
			return failure;                                                                        \
		}                                                                                          \
		arena_on_limit((p)->c.arena, &(p)->out_of_memory);                                         \
		laps_start(&(p)->c.laps);                                                                  \
	} while (0)

/* -- 1 Compile
 * ---------------------------------------------------------------------------------------- */

static sslc_program *program_new(const sslc_options *options)
{
	sslc_options o = options ? *options : (sslc_options){0};
	sslc_program *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->limit = o.memory_limit ? o.memory_limit : MEMORY_LIMIT;
	p->epochs = o.epochs;
	p->c = (Compile){
	    .arena = arena_open(p->limit),
	    .float_type = o.f64 ? DTYPE_f64 : DTYPE_f32,
	    .profile = o.profile,
	    .cpu = o.cpu,
	    .features = o.features,
	};
	if (!p->c.arena) {
		free(p);
		return NULL;
	}
	p->c.diags = diags_open(p->c.arena);
	return p;
}

static sslc_argument to_argument(const Arg *arg)
{
	const Expr *e = arg->value;
	double sign = 1;
	if (e->kind == EXPR_CALL && e->is_operator && strcmp(e->text, "neg") == 0) {
		sign = -1;
		e = e->arg[0].value;
	}
	return (sslc_argument){
	    .name = arg->name,
	    .text = e->kind == EXPR_TEXT ? e->text : NULL,
	    .number = e->kind == EXPR_NUMBER ? sign * e->number : 0,
	};
}

/* "data" as a call of a reader with plain arguments, or an error. */
static bool read_call(sslc_program *p, const Expr *e)
{
	bool is_call = e->kind == EXPR_CALL && !e->is_operator && e->callee->kind == EXPR_NAME;
	if (!is_call && e->kind != EXPR_NAME) {
		diag_error(p->c.diags, e->span, "'data' is not a call of a reader");
		diag_help(p->c.diags,
		          "write a reader and its arguments, such as fashion_mnist() or npy('images.npy')");
		return false;
	}
	p->reader.name = is_call ? e->callee->text : e->text;
	sslc_argument *argument = new_array(p->c.arena, sslc_argument, e->count + 1);
	for (size_t i = 0; is_call && i < e->count; i++) {
		const Expr *value = e->arg[i].value;
		argument[i] = to_argument(&e->arg[i]);
		bool negative = value->kind == EXPR_CALL && value->is_operator &&
		                strcmp(value->text, "neg") == 0 && value->arg[0].value->kind == EXPR_NUMBER;
		if (value->kind != EXPR_NUMBER && value->kind != EXPR_TEXT && !negative) {
			diag_error(p->c.diags, value->span,
			           "an argument of a reader is a number or a text in single quotes");
			return false;
		}
	}
	p->reader.argument = argument;
	p->reader.count = is_call ? e->count : 0;
	return true;
}

static void program_parse(sslc_program *p)
{
	p->prelude = prelude_parse(&p->c);
	p->model = parse(&p->c, p->file);
	if (p->model && !read_call(p, p->model->data))
		p->model = NULL;
	if (p->model && strcmp(p->model->precision, "bf16") == 0)
		p->c.dot_type = DTYPE_bf16;
	if (p->model && p->epochs > 0)
		p->model->train.epochs.value = (double)p->epochs;
}

static bool guarded_parse(sslc_program *p, const char *name)
{
	GUARD(p, false);
	p->file = diags_file(p->c.diags, arena_copy(p->c.arena, name, strlen(name)), p->source.data,
	                     p->source.size);
	program_parse(p);
	lap(&p->c.laps, "parse");
	return true;
}

sslc_program *sslc_open_text(const char *name, const char *text, size_t size,
                             const sslc_options *options)
{
	sslc_program *p = program_new(options);
	if (!p)
		return NULL;
	text_add(&p->source, text, size);
	(void)guarded_parse(p, name);
	return p;
}

sslc_program *sslc_open(const char *path, const sslc_options *options)
{
	sslc_program *p = program_new(options);
	if (!p)
		return NULL;
	char why[128];
	if (!file_read(path, MODEL_LIMIT, &p->source, why)) {
		diag_error(p->c.diags, (Span){0}, "cannot read the model file '%s': %s", path, why);
		return p;
	}
	text_add(&p->source, "", 0);
	(void)guarded_parse(p, path);
	return p;
}

void sslc_close(sslc_program *p)
{
	if (!p)
		return;
	codegen_close(p->codegen);
	text_close(&p->source);
	arena_close(p->c.arena);
	free(p);
}

const sslc_call *sslc_reader(const sslc_program *p)
{
	return p->model ? &p->reader : NULL;
}

void sslc_data_error(sslc_program *p, const char *text)
{
	GUARD(p, );
	diag_error(p->c.diags, p->model ? p->model->data->span : (Span){0}, "%s", text);
}

static bool to_data_shape(sslc_program *p, const sslc_data *data, DataShape *out)
{
	*out = (DataShape){
	    .count = data->count,
	    .train_count = data->train_count,
	    .test_count = data->test_count,
	    .classes = data->classes,
	};
	for (size_t i = 0; i < data->count && i < MAX_FIELDS; i++) {
		const sslc_tensor *f = &data->field[i];
		DType type = type_by_name(f->dtype);
		if (type == DTYPE_none || f->rank < 0 || f->rank >= MAX_RANK) {
			diag_error(p->c.diags, p->model->data->span,
			           "field '%s' of the data has no usable type or rank", f->name);
			return false;
		}
		out->field[i] = (DataField){arena_copy(p->c.arena, f->name, strlen(f->name)), type,
		                            shape_of(f->rank, f->dim)};
	}
	return true;
}

/* The file's name; NULL: no place. */
static const char *place(const sslc_program *p, Span at, unsigned *line, unsigned *column)
{
	if (!at.file)
		return NULL;
	diags_place(p->c.diags, at, line, column);
	return diags_name(p->c.diags, at.file);
}

static void describe_states(sslc_program *p)
{
	const Bundle *b = p->bundle;
	p->state = new_array(p->c.arena, sslc_state, b->state_count + 1);
	for (size_t i = 0; i < b->state_count; i++) {
		const State *s = &b->state[i];
		sslc_state *to = &p->state[i];
		*to = (sslc_state){
		    .tensor = {.name = s->name, .dtype = type_info[s->type].name, .rank = s->shape.rank},
		    .offset = (size_t)s->offset,
		    .is_param = s->is_param,
		    .task = s->task ? b->task[s->task - 1].name : NULL,
		};
		memcpy(to->tensor.dim, s->shape.dim, sizeof s->shape.dim);
		to->tensor.bytes = (size_t)shape_size(s->shape) * type_info[s->type].size;
		to->file = place(p, s->origin, &to->line, &to->column);
	}
}

static void describe_ranges(sslc_program *p)
{
	const Bundle *b = p->bundle;
	find_ranges(p->bundle);
	p->range = new_array(p->c.arena, sslc_range, b->range_count + 1);
	for (size_t i = 0; i < b->range_count; i++) {
		const Range *r = &b->range[i];
		sslc_range *to = &p->range[i];
		*to = (sslc_range){.field = r->field, .function = r->graph, .below = r->below};
		to->file = place(p, r->origin, &to->line, &to->column);
	}
}

static sslc_training to_training(const Train *t, int64_t batch, int64_t steps)
{
	int64_t epochs = (int64_t)t->epochs.value;
	return (sslc_training){
	    .epochs = epochs,
	    .batch = batch,
	    .steps = steps,
	    .epoch_steps = steps / epochs,
	    .seed = (uint64_t)t->seed.value,
	    .shuffle = t->shuffle.value != 0,
	};
}

static void describe_tasks(sslc_program *p)
{
	const Bundle *b = p->bundle;
	p->task = new_array(p->c.arena, sslc_task, b->task_count + 1);
	for (size_t i = 0; i < b->task_count; i++) {
		const BundleTask *t = &b->task[i];
		p->task[i] = (sslc_task){
		    .name = t->name,
		    .base = t->task->name,
		    .metric = t->metric,
		    .training = to_training(&t->task->train, t->batch, t->steps),
		    .is_raw = t->is_raw,
		    .is_scratch = !t->freezes && !t->is_raw && strcmp(t->name, t->task->name) != 0,
		    .with_random = t->task->baseline_random,
		    .higher_is_better = t->higher_is_better,
		};
	}
}

bool sslc_bind(sslc_program *p, const sslc_data *data)
{
	GUARD(p, false);
	DataShape shape;
	if (!p->model || p->bundle || !to_data_shape(p, data, &shape))
		return false;
	p->bundle = build(&p->c, p->model, p->prelude, &shape);
	lap(&p->c.laps, "build");
	if (!p->bundle || diag_count(p->c.diags)) {
		p->bundle = NULL;
		return false;
	}
	p->code = new_array(p->c.arena, sslc_code, p->bundle->graph_count + 1);
	for (size_t i = 0; i < p->bundle->graph_count; i++) {
		p->code[i].name = p->bundle->graph[i]->name;
		graph_verify(p->bundle->graph[i], "build");
	}
	lap(&p->c.laps, "verify");
	describe_states(p);
	describe_tasks(p);
	describe_ranges(p);
	return true;
}

static size_t find_function(const sslc_program *p, const char *name)
{
	uint32_t number = p->bundle ? names_find(&p->bundle->graph_names, name) : 0;
	return number ? number - 1 : SIZE_MAX;
}

bool sslc_has_function(const sslc_program *p, const char *name)
{
	return find_function(p, name) != SIZE_MAX;
}

const sslc_code *sslc_function(sslc_program *p, const char *name)
{
	GUARD(p, NULL);
	size_t i = find_function(p, name);
	if (i == SIZE_MAX)
		return NULL;
	if (!p->code[i].call)
		compile_functions(p, &i, 1);
	return p->code[i].call ? &p->code[i] : NULL;
}

void sslc_compile(sslc_program *p, const char *const *names, size_t count)
{
	GUARD(p, );
	size_t *which = new_array(p->c.arena, size_t, count + 1), found = 0;
	for (size_t n = 0; n < count; n++) {
		size_t i = find_function(p, names[n]);
		if (i != SIZE_MAX && !p->code[i].call)
			which[found++] = i;
	}
	if (found)
		compile_functions(p, which, found);
}

/* -- 2 Inspect
 * ---------------------------------------------------------------------------------------- */

const sslc_state *sslc_states(const sslc_program *p, size_t *count)
{
	*count = p->bundle ? p->bundle->state_count : 0;
	return p->state;
}

size_t sslc_states_bytes(const sslc_program *p)
{
	return p->bundle ? (size_t)p->bundle->state_bytes : 0;
}

sslc_training sslc_pretraining(const sslc_program *p)
{
	return p->bundle ? to_training(&p->model->train, p->bundle->batch, p->bundle->steps)
	                 : (sslc_training){0};
}

const sslc_task *sslc_tasks(const sslc_program *p, size_t *count)
{
	*count = p->bundle ? p->bundle->task_count : 0;
	return p->task;
}

const sslc_range *sslc_ranges(const sslc_program *p, size_t *count)
{
	*count = p->bundle ? p->bundle->range_count : 0;
	return p->range;
}

const char *sslc_name(const sslc_program *p)
{
	return p->model ? p->model->name : "";
}

const char *sslc_model_text(const sslc_program *p, size_t *size)
{
	*size = p->source.size;
	return p->source.data;
}

const char *sslc_cpu(sslc_program *p)
{
	GUARD(p, NULL);
	if (!p->codegen)
		p->codegen = codegen_open(&p->c);
	return p->codegen ? codegen_cpu(p->codegen) : NULL;
}

const char *sslc_note(const sslc_program *p)
{
	return p->codegen ? codegen_note(p->codegen) : NULL;
}

StepTask sslc_peak_task(sslc_program *p, double *flops_per_tile)
{
	return sslc_cpu(p) ? codegen_peak(p->codegen, flops_per_tile) : NULL;
}

static const char *const stages[] = {
    "parse",    "build", "autodiff",
#define PASS(name, level, meaning) #name,
#include "passes/passes.def"
#undef PASS
    "schedule", "plan",  "llvm",     "llvm-optimized", "asm", NULL,
};

const char *const *sslc_stages(void)
{
	return stages;
}

bool sslc_stage_has_dot(const char *stage)
{
	return stage_is_of_graphs(stage) || strcmp(stage, "schedule") == 0;
}

static bool guarded_dump(sslc_program *p, const char *function, const char *stage, bool dot,
                         Text *out)
{
	GUARD(p, false);
	if (strcmp(stage, "parse") == 0) {
		if (p->model)
			model_print(p->model, out);
		return p->model != NULL;
	}
	size_t i = find_function(p, function);
	return i != SIZE_MAX && compile_dump(p, p->bundle->graph[i], stage, dot, out);
}

bool sslc_dump(sslc_program *p, const char *function, const char *stage, sslc_format format,
               FILE *out)
{
	Text text = {0};
	bool good = guarded_dump(p, function, stage, format == SSLC_DOT, &text);
	if (good && text.size)
		good = fwrite(text.data, 1, text.size, out) == text.size;
	text_close(&text);
	return good;
}

bool sslc_function_cost(sslc_program *p, const char *name, sslc_cost *cost)
{
	GUARD(p, false);
	size_t i = find_function(p, name);
	if (i == SIZE_MAX)
		return false;
	Lowered l = lower(&p->c, p->bundle->graph[i], NULL);
	if (!l.plan)
		return false;
	*cost = (sslc_cost){
	    .nodes = l.graph->count - 1,
	    .kernels = l.kernels->kernel_count,
	    .arena_bytes = (size_t)l.plan->arena_bytes,
	    .arena_lower_bound = (size_t)l.plan->lower_bound,
	};
	for (uint32_t k = 0; k < l.kernels->kernel_count; k++) {
		cost->flops += l.kernels->kernel[k].flops;
		cost->bytes += l.kernels->kernel[k].bytes;
	}
	return true;
}

size_t sslc_times(const sslc_program *p, sslc_time *out, size_t room)
{
	const Laps *l = &p->c.laps;
	for (size_t i = 0; i < l->count && i < room; i++)
		out[i] = (sslc_time){l->lap[i].stage, l->lap[i].seconds, l->lap[i].times};
	return l->count;
}

/* -- 3 Errors
 * ----------------------------------------------------------------------------------------- */

size_t sslc_error_count(const sslc_program *p)
{
	return diag_count(p->c.diags) + p->exhausted;
}

void sslc_print_errors(const sslc_program *p, FILE *out, bool colour)
{
	diag_print(p->c.diags, out, colour);
	if (p->exhausted) {
		fprintf(out, "error: compiling this model takes more than %zu MiB\n", p->limit >> 20);
		fprintf(out, "  help: make the model smaller, or raise memory_limit\n");
	}
}
