/* compile.c: the stages in order, and what can be looked at between them.
 *
 *   once a program (program.c):       model file --parse--> Model --elaborate--> Bundle of graphs
 *   once a function, when it is       graph --autodiff--> primitives --passes--> optimized
 *   first asked for (here):           --schedule--> kernels --plan--> offsets --codegen--> code
 *
 * A stage that is given NULL gives NULL, because the error was reported where it arose: lower() has
 * no branches but for stopping early. */
#include "program.h"

#include <string.h>

#include "autodiff/autodiff.h"

/* The graph of primitives after the stage `last` (NULL: after all passes). */
static Graph *simpler(Compile *c, const Graph *graph, const char *last)
{
	Compile room = *c; /* for the gradients, which end with the first pass */
	room.arena = arena_beside(c->arena);
	Graph *g = autodiff(&room, graph);
	if (strcmp(graph->name, PERTURBED) == 0)
		g = perturb(&room, g);
	lap(&c->laps, "autodiff");
	if (g)
		graph_verify(g, "autodiff");
	lap(&c->laps, "verify");
	g = last && strcmp(last, "autodiff") == 0 ? graph_copy(c, g) : passes(c, g, last);
	arena_release(c->arena);
	return g;
}

Lowered lower(Compile *c, Graph *graph, const char *last)
{
	Lowered l = {.graph = graph};
	if (last && strcmp(last, "elaborate") == 0)
		return l;
	l.graph = simpler(c, l.graph, last);
	if (last)
		return l;
	l.kernels = schedule(c, l.graph);
	lap(&c->laps, "schedule");
	l.plan = plan(c, l.kernels);
	lap(&c->laps, "plan");
	if (l.plan) {
		kernels_verify(l.kernels);
		plan_verify(l.kernels, l.plan);
	}
	lap(&c->laps, "verify");
	return l;
}

static uint64_t state_offset(void *bundle, const char *name)
{
	const Bundle *b = bundle;
	uint32_t number = names_find(&b->state_names, name);
	if (!number)
		BUG("no state named '%s'", name);
	return b->state[number - 1].offset;
}

bool open_machine(sslc_program *p)
{
	return p->c.machine || codegen_machine(&p->c);
}

bool open_codegen(sslc_program *p)
{
	if (!p->codegen) {
		p->codegen = codegen_open(&p->c);
		lap(&p->c.laps, "target");
	}
	return p->codegen != NULL;
}

bool open_loader(sslc_program *p)
{
	if (!p->loader && open_codegen(p))
		p->loader = loader_open(&p->c, p->codegen);
	return p->loader != NULL;
}

/* The tensors behind a list of input or output names, in the order of the kernels' slots. */
static sslc_tensor *describe(sslc_program *p, const Kernels *k, const char **name, uint32_t count,
                             bool inputs)
{
	sslc_tensor *tensor = new_array(p->c.arena, sslc_tensor, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		NodeId x = inputs ? kernels_input(k, i) : k->graph->out[i].value;
		const Node *n = node(k->graph, x);
		tensor[i] =
		    (sslc_tensor){.name = name[i], .dtype = type_info[n->type].name, .rank = n->shape.rank};
		memcpy(tensor[i].dim, n->shape.dim, sizeof n->shape.dim);
		tensor[i].bytes = (size_t)shape_size(n->shape) * type_info[n->type].size;
	}
	return tensor;
}

/* The kernel whose code all of a chain from `at` on runs; `at` if one was compiled for it. */
static uint32_t code_of(const Kernels *k, uint32_t at)
{
	for (uint32_t i = at; i < chain_end(k, at); i++)
		if (k->kernel[i].same == i)
			return at;
	return k->kernel[at].same;
}

/* A chain is one kernel to the world. */
static void describe_kernels(sslc_program *p, const Kernels *k, sslc_code *code)
{
	sslc_kernel *to = new_array(p->c.arena, sslc_kernel, k->kernel_count + 1);
	size_t count = 0;
	for (uint32_t at = 0; at < k->kernel_count; at = chain_end(k, at)) {
		const Kernel *kernel = &k->kernel[at];
		Span origin = kernel_origin(k, kernel);
		size_t i = count++;
		to[i] = (sslc_kernel){.number = at,
		                      .code_of = code_of(k, at),
		                      .kind = kernel->chain ? "chain" : kernel_kind(kernel),
		                      .what = kernel_text(k, kernel)};
		for (uint32_t j = at; j < chain_end(k, at); j++)
			to[i].flops += k->kernel[j].flops, to[i].bytes += k->kernel[j].bytes;
		memcpy(to[i].only_flops, kernel->only_flops, sizeof to[i].only_flops);
		memcpy(to[i].only_bytes, kernel->only_bytes, sizeof to[i].only_bytes);
		if (!origin.file)
			continue;
		uint32_t line, column;
		diags_place(p->c.diags, origin, &line, &column);
		to[i].file = diags_name(p->c.diags, origin.file);
		to[i].line = line, to[i].column = column;
		to[i].words = diags_words(p->c.diags, p->c.arena, origin);
	}
	code->kernel = to;
	code->kernel_count = count;
}

Lowered lower_described(sslc_program *p, const Graph *graph, sslc_code *code)
{
	Lowered l = lower(&p->c, (Graph *)graph, NULL);
	if (!l.plan)
		return l;
	l.kernels->once = strcmp(graph->name, "init") == 0;
	code->name = graph->name;
	code->arena_bytes = (size_t)l.plan->arena_bytes;
	code->arena_least = (size_t)l.plan->lower_bound;
	code->input = describe(p, l.kernels, l.kernels->input_name, l.kernels->input_count, true);
	code->input_count = l.kernels->input_count;
	code->output = describe(p, l.kernels, l.kernels->output_name, l.kernels->output_count, false);
	code->output_count = l.kernels->output_count;
	describe_kernels(p, l.kernels, code);
	return l;
}

Lowered describe_function(sslc_program *p, size_t i)
{
	if (!p->lowered[i].plan && open_machine(p))
		p->lowered[i] = lower_described(p, p->bundle->graph[i], &p->code[i]);
	return p->lowered[i];
}

PlannedFunction planned(const sslc_program *p, Lowered l)
{
	return (PlannedFunction){l.kernels, l.plan, state_offset, p->bundle};
}

static LoadedFunction *begin(sslc_program *p, size_t i)
{
	PlannedFunction f = planned(p, describe_function(p, i));
	return load_begin(p->loader, &f);
}

void compile_functions(sslc_program *p, const size_t *which, size_t count)
{
	if (!open_loader(p) || !codegen_runs_here(p->codegen))
		return;
	LoadedFunction **f = new_array(p->c.arena, LoadedFunction *, count + 1);
	for (size_t i = 0; i < count; i++)
		f[i] = begin(p, which[i]);
	load_finish(p->loader);
	for (size_t i = 0; i < count; i++)
		p->code[which[i]].call = load_call(f[i]);
}

bool stage_is_of_graphs(const char *stage)
{
	if (strcmp(stage, "elaborate") == 0 || strcmp(stage, "autodiff") == 0)
		return true;
	for (const Pass *pass = pass_list; pass->name; pass++)
		if (strcmp(pass->name, stage) == 0)
			return true;
	return false;
}

static CodegenText text_of_stage(const char *stage)
{
	return strcmp(stage, "asm") == 0              ? CODEGEN_ASM
	       : strcmp(stage, "llvm-optimized") == 0 ? CODEGEN_LLVM_OPTIMIZED
	                                              : CODEGEN_LLVM;
}

/* LLVM's text and assembly have a form of their own: here line by line. */
static bool code_json(sslc_program *p, PlannedFunction f, const char *name, const char *stage,
                      Text *out)
{
	Text code = {0};
	bool good = codegen_text(p->codegen, &f, text_of_stage(stage), &code);
	text_printf(out, "{\"graph\": ");
	text_json(out, name);
	text_printf(out, ", \"stage\": \"%s\", \"lines\": [", stage);
	char *line = code.data;
	for (char *end; good && line && (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		text_printf(out, line == code.data ? "\n  " : ",\n  ");
		text_json(out, line);
	}
	text_printf(out, "]}\n");
	text_close(&code);
	return good;
}

static bool dump_code(sslc_program *p, PlannedFunction f, const char *stage, bool dot, Text *out)
{
	CodegenText what = text_of_stage(stage);
	return dot ? codegen_flow(p->codegen, &f, what, out) : codegen_text(p->codegen, &f, what, out);
}

bool compile_dump(sslc_program *p, Graph *graph, const char *stage, sslc_format format, Text *out)
{
	bool of_graphs = stage_is_of_graphs(stage);
	if (!open_machine(p))
		return false;
	Lowered l = lower(&p->c, graph, of_graphs ? stage : NULL);
	if (!l.graph || (!of_graphs && !l.plan))
		return false;
	bool dot = format == SSLC_DOT, json = format == SSLC_JSON;
	if (of_graphs && dot)
		graph_dot(l.graph, out);
	else if (of_graphs && json)
		graph_json(l.graph, stage, out);
	else if (of_graphs)
		graph_print(l.graph, stage, out);
	else if (strcmp(stage, "schedule") == 0 && dot)
		kernels_dot(l.kernels, out);
	else if (strcmp(stage, "schedule") == 0 && json)
		kernels_json(l.kernels, out);
	else if (strcmp(stage, "schedule") == 0)
		kernels_print(l.kernels, out);
	else if (strcmp(stage, "plan") == 0 && dot)
		plan_dot(l.kernels, l.plan, out);
	else if (strcmp(stage, "plan") == 0 && json)
		plan_json(l.kernels, l.plan, out);
	else if (strcmp(stage, "plan") == 0)
		plan_print(l.kernels, l.plan, out);
	else if (!open_codegen(p))
		return false;
	else if (json)
		return code_json(p, planned(p, l), l.graph->name, stage, out);
	else
		return dump_code(p, planned(p, l), stage, dot, out);
	return true;
}
