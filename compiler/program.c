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

/* -- 1 Compile --------------------------------------------------------------------------------- */

enum { MOST_EPOCHS = 1000000000 };
static const int64_t MOST_ELEMENTS = (int64_t)1 << 40; /* of a sample; samples */

static const char *own_copy(sslc_program *p, const char *text)
{
	return text ? arena_copy(p->c.arena, text, strlen(text)) : NULL;
}

static void check_count(sslc_program *p, const char *name, int64_t value)
{
	if (value < 0 || value > MOST_EPOCHS)
		diag_error(p->c.diags, (Span){0}, "the option '%s' is %lld, but must be 0 to %d", name,
		           (long long)value, MOST_EPOCHS);
}

static bool set_options(sslc_program *p, const sslc_options *o)
{
	GUARD(p, false);
	p->c.diags = diags_open(p->c.arena);
	p->c.cpu = own_copy(p, o->cpu);
	p->c.features = own_copy(p, o->features);
	p->c.target = own_copy(p, o->target);
	p->freeze = own_copy(p, o->freeze);
	check_count(p, "epochs", o->epochs);
	check_count(p, "batch", o->batch);
	return true;
}

static sslc_program *program_new(const sslc_options *options)
{
	sslc_options o = options ? *options : (sslc_options){0};
	sslc_program *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->limit = o.memory_limit ? o.memory_limit : MEMORY_LIMIT;
	p->epochs = o.epochs;
	p->batch = o.batch;
	p->c = (Compile){
	    .arena = arena_open(p->limit),
	    .float_type = o.f64 ? DTYPE_f64 : DTYPE_f32,
	    .profile = o.profile,
	    .proves = o.prove,
	    .flushes = true,
	};
	if (!p->c.arena) {
		free(p);
		return NULL;
	}
	(void)set_options(p, &o);
	return p;
}

static void set_batch(sslc_program *p)
{
	p->model->train.batch.value = (double)p->batch;
	if (!p->model->train.batch.span.file) /* it was asked for: too many are an error */
		p->model->train.batch.span = p->model->data->span;
}

/* The networks of the option `freeze`. */
static void freeze(sslc_program *p)
{
	Model *m = p->model;
	for (const char *at = p->freeze; at && *at; at += strspn(at, ",")) {
		size_t size = strcspn(at, ",");
		const char *name = arena_copy(p->c.arena, at, size);
		const Definition *d = definitions_find(&m->define, name);
		at += size;
		if (d && d->is_network) {
			(void)names_add(&m->frozen, p->c.arena, name, 1);
			continue;
		}
		diag_error(p->c.diags, (Span){0}, "the model has no network named '%s' to freeze", name);
	}
}

static void program_parse(sslc_program *p)
{
	p->prelude = prelude_parse(&p->c);
	p->model = parse(&p->c, p->file);
	if (p->model && !reader_read(p, p->model->data))
		p->model = NULL;
	if (p->model && strcmp(p->model->precision, "bf16") == 0)
		p->c.dot_type = DTYPE_bf16;
	if (p->model && p->epochs > 0)
		p->model->train.epochs.value = (double)p->epochs;
	if (p->model && p->batch > 0)
		set_batch(p);
	if (p->model)
		freeze(p);
}

static bool guarded_parse(sslc_program *p, const char *name)
{
	GUARD(p, false);
	p->file = diags_file(p->c.diags, own_copy(p, name), p->source.data, p->source.size);
	program_parse(p);
	lap(&p->c.laps, "parse");
	return true;
}

/* An error of the program as a whole. */
static void report(sslc_program *p, const char *what, const char *name, const char *why)
{
	GUARD(p, );
	diag_error(p->c.diags, (Span){0}, what, name, why);
}

sslc_program *sslc_open_text(const char *name, const char *text, size_t size,
                             const sslc_options *options)
{
	sslc_program *p = program_new(options);
	if (!p)
		return NULL;
	name = name ? name : "model";
	if ((!text && size) || size > MODEL_LIMIT) {
		report(p, "cannot read the model '%s': %s", name,
		       text ? "it is too large" : "its text is NULL");
		return p;
	}
	text_add(&p->source, text, size);
	(void)guarded_parse(p, name);
	return p;
}

sslc_program *sslc_open(const char *path, const sslc_options *options)
{
	sslc_program *p = program_new(options);
	if (!p)
		return NULL;
	char why[128] = "its path is NULL";
	if (!path || !file_read(path, MODEL_LIMIT, &p->source, why)) {
		report(p, "cannot read the model file '%s': %s", path ? path : "", why);
		return p;
	}
	(void)guarded_parse(p, path);
	return p;
}

void sslc_close(sslc_program *p)
{
	if (!p)
		return;
	loader_close(p->loader);
	codegen_close(p->codegen);
	text_close(&p->source);
	arena_close(p->c.arena);
	free(p);
}

const sslc_call *sslc_reader(const sslc_program *p)
{
	return p && p->model ? &p->reader : NULL;
}

void sslc_data_error(sslc_program *p, const char *text)
{
	GUARD(p, );
	const char *from =
	    arena_printf(p->c.arena, DATA_OF_MODEL " %s", p->model ? p->reader.name : "");
	diag_error_from(p->c.diags, from, p->model ? p->model->data->span : (Span){0}, "%s",
	                text ? text : "the data cannot be read");
}

/* What is wrong with field i; NULL: nothing. */
static const char *bad_field(const Model *m, const sslc_data *data, size_t i)
{
	const sslc_tensor *f = &data->field[i];
	if (!f->name || !*f->name || strlen(f->name) > LONGEST_NAME || control_in(f->name, false))
		return "has no usable name";
	if (strcmp(f->name, "seed") == 0 || strcmp(f->name, "step") == 0)
		return "has the name of what every step is given";
	if (constant_named(f->name))
		return "has the name of a constant of the model language: it needs another";
	const Definition *same = definitions_find(&m->define, f->name);
	if (same && same->is_network)
		return "has the name of a network: one of the two needs another";
	if (!f->dtype || type_by_name(f->dtype) == DTYPE_none)
		return "has no usable type";
	if (f->rank < 0 || f->rank >= MAX_RANK)
		return "has no usable rank";
	int64_t size = 1;
	for (int d = 0; d < f->rank; d++)
		if (f->dim[d] < 1 || __builtin_mul_overflow(size, f->dim[d], &size) || size > MOST_ELEMENTS)
			return "has no usable shape";
	for (size_t j = 0; j < i; j++)
		if (strcmp(data->field[j].name, f->name) == 0)
			return "is there twice";
	return NULL;
}

static bool to_data_shape(sslc_program *p, const sslc_data *data, DataShape *out)
{
	Span place = p->model->data->span;
	if (!data || data->count > SSLC_MAX_FIELDS || data->train_count < 1 ||
	    data->train_count > MOST_ELEMENTS || data->test_count < 0 || data->unlabelled < 0 ||
	    data->unlabelled >= data->train_count || data->test_count > MOST_ELEMENTS ||
	    data->classes < 0 || data->classes > INT32_MAX || data->vocab < 0 ||
	    data->vocab > (int64_t)INT32_MAX + 1) {
		diag_error(p->c.diags, place, "the data is described by impossible numbers");
		return false;
	}
	*out = (DataShape){
	    .count = data->count,
	    .train_count = data->train_count,
	    .test_count = data->test_count,
	    .unlabelled = data->unlabelled,
	    .classes = data->classes,
	    .vocab = data->vocab,
	};
	for (size_t i = 0; i < data->count; i++) {
		const sslc_tensor *f = &data->field[i];
		const char *bad = bad_field(p->model, data, i);
		if (bad) {
			diag_error(p->c.diags, place, "field %zu of the data, '%s', %s", i,
			           f->name ? f->name : "", bad);
			return false;
		}
		out->field[i] =
		    (DataField){own_copy(p, f->name), type_by_name(f->dtype), shape_of(f->rank, f->dim)};
	}
	return true;
}

bool sslc_bind(sslc_program *p, const sslc_data *data)
{
	GUARD(p, false);
	DataShape shape;
	if (p->bundle) {
		diag_error(p->c.diags, (Span){0}, "the program is bound to its data already");
		return false;
	}
	if (!p->model || !to_data_shape(p, data, &shape))
		return false;
	p->bundle = elaborate(&p->c, p->model, p->prelude, &shape);
	lap(&p->c.laps, "elaborate");
	if (!p->bundle || diag_count(p->c.diags)) {
		p->bundle = NULL;
		return false;
	}
	p->code = new_array(p->c.arena, sslc_code, p->bundle->graph_count + 1);
	p->lowered = new_array(p->c.arena, Lowered, p->bundle->graph_count + 1);
	for (size_t i = 0; i < p->bundle->graph_count; i++) {
		const Graph *g = p->bundle->graph[i];
		p->code[i].name = g->name;
		if (strcmp(g->name, PERTURBED) != 0) /* the nodes of gradients */
			graph_verify(g, "elaborate");
	}
	lap(&p->c.laps, "verify");
	describe_model(p);
	return p->bound = true;
}

static size_t find_function(const sslc_program *p, const char *name)
{
	uint32_t number = p && p->bound && name ? names_find(&p->bundle->graph_names, name) : 0;
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

const sslc_code *sslc_function_described(sslc_program *p, const char *name)
{
	GUARD(p, NULL);
	size_t i = find_function(p, name);
	return i != SIZE_MAX && describe_function(p, i).plan ? &p->code[i] : NULL;
}

void sslc_compile(sslc_program *p, const char *const *names, size_t count)
{
	GUARD(p, );
	if (!names)
		return;
	size_t *which = new_array(p->c.arena, size_t, count + 1), found = 0;
	for (size_t n = 0; n < count; n++) {
		size_t i = find_function(p, names[n]);
		if (i != SIZE_MAX && !p->code[i].call)
			which[found++] = i;
	}
	if (found)
		compile_functions(p, which, found);
}

/* -- 2 Inspect --------------------------------------------------------------------------------- */

const char *sslc_name(const sslc_program *p)
{
	return p && p->model ? p->model->name : "";
}

const char *sslc_model_text(const sslc_program *p, size_t *size)
{
	if (size)
		*size = p ? p->source.size : 0;
	return p && p->source.data ? p->source.data : "";
}

const char *sslc_cpu(sslc_program *p)
{
	GUARD(p, NULL);
	return open_codegen(p) ? codegen_cpu(p->codegen) : NULL;
}

const char *const *sslc_targets(void)
{
	return machine_targets();
}

const char *sslc_note(const sslc_program *p)
{
	return p && p->loader ? load_note(p->loader) : NULL;
}

StepTask sslc_peak_task(sslc_program *p, double *flops_per_tile)
{
	double unused;
	GUARD(p, NULL);
	return open_loader(p) ? load_peak(p->loader, flops_per_tile ? flops_per_tile : &unused) : NULL;
}

static const char *const stages[] = {
#define STAGE(name) name,
#include "stages.def"
#undef STAGE
    NULL,
};

const char *const *sslc_stages(void)
{
	return stages;
}

static bool is_stage(const char *stage)
{
	for (const char *const *known = stages; stage && *known; known++)
		if (strcmp(*known, stage) == 0)
			return true;
	return false;
}

static bool guarded_dump(sslc_program *p, const char *function, const char *stage,
                         sslc_format format, Text *out)
{
	GUARD(p, false);
	if (!is_stage(stage))
		return false;
	if (strcmp(stage, "parse") == 0) {
		if (p->model && format == SSLC_DOT)
			model_dot(p->model, out);
		else if (p->model)
			model_print(p->model, out);
		return p->model != NULL;
	}
	size_t i = find_function(p, function);
	return i != SIZE_MAX && compile_dump(p, p->bundle->graph[i], stage, format, out);
}

bool sslc_dump(sslc_program *p, const char *function, const char *stage, sslc_format format,
               FILE *out)
{
	Text text = {0};
	bool good = out && guarded_dump(p, function, stage, format, &text);
	if (good && text.size)
		good = fwrite(text.data, 1, text.size, out) == text.size;
	text_close(&text);
	return good;
}

bool sslc_function_cost(sslc_program *p, const char *name, sslc_cost *cost)
{
	GUARD(p, false);
	size_t i = find_function(p, name);
	if (i == SIZE_MAX || !cost)
		return false;
	Lowered l = describe_function(p, i);
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
	if (!p)
		return 0;
	const Laps *l = &p->c.laps;
	for (size_t i = 0; out && i < l->count && i < room; i++)
		out[i] = (sslc_time){l->lap[i].stage, l->lap[i].seconds, l->lap[i].times};
	return l->count;
}

sslc_kernel_counts sslc_count_kernels(const sslc_program *p)
{
	KernelCounts n = codegen_counts(p ? p->codegen : NULL);
	return (sslc_kernel_counts){n.compiled, n.reused};
}

/* -- 3 Errors ---------------------------------------------------------------------------------- */

size_t sslc_error_count(const sslc_program *p)
{
	return p ? (p->c.diags ? diag_count(p->c.diags) : 0) + p->exhausted : 1;
}

bool sslc_out_of_memory(const sslc_program *p)
{
	return !p || (p->exhausted && arena_refused(p->c.arena));
}

void sslc_print_errors(const sslc_program *p, FILE *out, bool colour)
{
	if (!out)
		return;
	if (!p) {
		fprintf(out, "error: there is no memory to open a model\n");
		return;
	}
	if (p->c.diags)
		diag_print(p->c.diags, out, colour);
	if (p->exhausted)
		exhausted_print(p, out, colour);
}

size_t sslc_messages(const sslc_program *p, sslc_message *out, size_t room)
{
	static const char *const kind[] = {
	    [DIAG_ERROR] = "error", [DIAG_NOTE] = "note", [DIAG_HELP] = "help"};
	enum { MOST = 256 };
	DiagLine line[MOST];
	size_t count = 0, lines = p && p->c.diags ? diag_lines(p->c.diags, line, MOST) : 0;
	lines = lines < MOST ? lines : MOST;
	for (; count < lines; count++) {
		if (!out || count >= room)
			continue;
		uint32_t at = 0, column = 0;
		const DiagLine *l = &line[count];
		if (l->span.file)
			diags_place(p->c.diags, l->span, &at, &column);
		out[count] = (sslc_message){
		    .kind = kind[l->kind],
		    .file = l->span.file ? diags_name(p->c.diags, l->span.file) : NULL,
		    .line = at,
		    .column = column,
		    .bytes = l->span.end > l->span.at ? l->span.end - l->span.at : 0,
		    .text = l->text,
		    .section = l->section,
		};
	}
	if (!p || p->exhausted) {
		Place place = p ? exhausted_place(p) : (Place){.operations = 0};
		uint32_t at = 0, column = 0;
		if (place.operations)
			diags_place(p->c.diags, place.span, &at, &column);
		if (count++ < room && out)
			out[count - 1] =
			    (sslc_message){.kind = "error",
			                   .file = place.operations ? diags_name(p->c.diags, p->file) : NULL,
			                   .line = at,
			                   .column = column,
			                   .text = sslc_out_of_memory(p)
			                               ? "the system has no memory for compiling this model"
			                               : "compiling this model takes more memory than it may"};
	}
	return count;
}
