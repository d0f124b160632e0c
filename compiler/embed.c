/* embed.c: a program as an object file and a header, for other programs to link.
 *
 * In: a bound program, and which of its functions are wanted. Out: planned functions with those
 * states alone that they read or set, packed anew; the functions that set the first values are cut
 * down to these. codegen/object.c makes the module of it, embed_header.c the text for C. */
#include "embed.h"

#include <ctype.h>
#include <string.h>

enum { LAYOUT = 1 /* of states in a block: another number, another fingerprint */ };

typedef struct Embedding {
	sslc_program *p;
	const sslc_embedding *how;
	Embedded *to;
	bool *needed;     /* [state_count] */
	uint64_t *offset; /* [state_count] of the needed ones */
	uint64_t align;   /* of a state */
} Embedding;

static uint64_t round_up(uint64_t x, uint64_t to)
{
	return (x + to - 1) / to * to;
}

/* -- Which functions --------------------------------------------------------------------------- */

/* A name that C can have: other characters become '_', and a digit does not lead. */
static const char *identifier(Arena *a, const char *name)
{
	char *copy = arena_printf(a, "%s%s", isdigit((unsigned char)*name) ? "_" : "", name);
	for (char *c = copy; *c; c++)
		if (!isalnum((unsigned char)*c) || (unsigned char)*c >= 128)
			*c = '_';
	return *copy ? copy : "model";
}

/* Functions of a task are TASK.step, TASK.init. */
bool embed_is_named(const char *graph, const char *last)
{
	const char *dot = strrchr(graph, '.');
	return strcmp(dot ? dot + 1 : graph, last) == 0;
}

static bool add(Embedding *e, const char *graph, const char *name)
{
	const Graph *g = bundle_graph(e->p->bundle, graph);
	if (!g)
		return false;
	for (size_t i = 0; i < e->to->count; i++)
		if (e->to->function[i].graph == g)
			return true;
	EmbeddedFunction *f = &e->to->function[e->to->count++];
	*f = (EmbeddedFunction){
	    .graph = g, .counts = embed_is_named(graph, "step") || embed_is_named(graph, "encoded")};
	f->name = identifier(e->p->c.arena, name ? name : graph);
	return true;
}

/* What a task's name stands for. */
static bool add_task(Embedding *e, const char *task)
{
	Arena *a = e->p->c.arena;
	bool found = add(e, arena_printf(a, "%s.step", task), NULL);
	found |= add(e, arena_printf(a, "%s.collect", task), NULL);
	found |= add(e, arena_printf(a, "%s.score", task), NULL);
	return add(e, arena_printf(a, "%s.predict", task), NULL) || found;
}

static bool unknown(Embedding *e, const char *name)
{
	sslc_program *p = e->p;
	const Bundle *b = p->bundle;
	const char **names = new_array(p->c.arena, const char *, b->graph_count + b->task_count + 2);
	size_t count = 0;
	names[count++] = "encode";
	for (size_t i = 0; i < b->graph_count; i++)
		if (!embed_is_named(b->graph[i]->name, "init"))
			names[count++] = b->graph[i]->name;
	for (size_t i = 0; i < b->task_count; i++)
		names[count++] = b->task[i].name;
	const char *near = suggest(name, names, count);
	diag_error(p->c.diags, (Span){0}, "the model has no function '%s' to compile", name);
	if (embed_is_named(name, "init"))
		diag_help(p->c.diags, "first values come along with whatever is compiled");
	else if (near)
		diag_help(p->c.diags, "did you mean '%s'?", near);
	else
		diag_help(p->c.diags, "there are: step, encode, loss, and the names of downstream tasks");
	return false;
}

/* A name that is NULL is one that no function has. */
static const char *chosen(const sslc_embedding *how, size_t i)
{
	return how->function && how->function[i] ? how->function[i] : "";
}

static bool choose(Embedding *e)
{
	const Bundle *b = e->p->bundle;
	e->to->function =
	    new_array(e->p->c.arena, EmbeddedFunction, b->graph_count + b->task_count + 1);
	if (!e->how->count) {
		(void)add(e, "step", NULL);
		(void)add(e, "features", "encode");
		(void)add(e, "loss", NULL);
	}
	for (size_t i = 0; i < e->how->count; i++) {
		const char *name = chosen(e->how, i);
		bool encode = strcmp(name, "encode") == 0 || strcmp(name, "features") == 0;
		if (embed_is_named(name, "init") ||
		    (encode ? !add(e, "features", "encode") : !add_task(e, name) && !add(e, name, NULL)))
			return unknown(e, name);
	}
	return true;
}

static bool is_of(const char *graph, const BundleTask *task)
{
	size_t length = strlen(task->name);
	return strncmp(graph, task->name, length) == 0 && graph[length] == '.';
}

/* Tasks that have a step count theirs. */
static void number_trainings(Embedded *to, const Bundle *b)
{
	for (size_t t = 0; t < b->task_count; t++) {
		bool trains = false;
		for (size_t i = 0; i < to->count; i++)
			trains |= to->function[i].counts && is_of(to->function[i].graph->name, &b->task[t]);
		to->tasks += trains;
		for (size_t i = 0; trains && i < to->count; i++)
			if (is_of(to->function[i].graph->name, &b->task[t]))
				to->function[i].training = to->tasks;
	}
}

/* -- Which states ------------------------------------------------------------------------------ */

static void need(Embedding *e, const Kernels *k)
{
	for (uint32_t i = 0; i < k->state_count; i++)
		e->needed[names_find(&e->p->bundle->state_names, k->state_name[i]) - 1] = true;
}

static unsigned flags_of(const State *s)
{
	bool is_optimizer = strncmp(s->name, "optimizer.", 10) == 0 || strstr(s->name, ".optimizer.");
	return (s->is_param ? EMBED_IS_PARAM : 0) | (is_optimizer ? EMBED_IS_OPTIMIZER : 0) |
	       (s->task ? EMBED_IS_TASK : 0);
}

static void place_states(Embedding *e)
{
	const Bundle *b = e->p->bundle;
	e->offset = new_array(e->p->c.arena, uint64_t, b->state_count + 1);
	e->to->tensor = new_array(e->p->c.arena, ObjectTensor, b->state_count + 1);
	for (size_t i = 0; i < b->state_count; i++) {
		const State *s = &b->state[i];
		uint64_t bytes = (uint64_t)shape_size(s->shape) * type_info[s->type].size;
		if (!e->needed[i])
			continue;
		e->offset[i] = e->to->states_bytes;
		e->to->states_bytes = round_up(e->offset[i] + bytes, e->align);
		e->to->tensor[e->to->tensor_count++] = (ObjectTensor){
		    .name = s->name,
		    .dtype = embed_dtype(s->type),
		    .shape = s->shape,
		    .offset = e->offset[i],
		    .bytes = bytes,
		    .flags = flags_of(s),
		};
	}
	e->to->counts_at = e->to->states_bytes;
	e->to->states_bytes = round_up(e->to->states_bytes + 4 * (uint64_t)e->to->tasks, 64);
}

static uint64_t offset_of(void *embedding, const char *name)
{
	const Embedding *e = embedding;
	return e->offset[names_find(&e->p->bundle->state_names, name) - 1];
}

static bool is_needed(const Embedding *e, const Graph *g, NodeId state)
{
	uint32_t number = names_find(&e->p->bundle->state_names, node(g, state)->attr.name);
	return number && e->needed[number - 1];
}

/* Adds to `to` what sets needed states in `from`. */
static void add_sets(const Embedding *e, Graph *to, const Graph *from)
{
	NodeId *map = new_array(e->p->c.arena, NodeId, from->count);
	for (NodeId x = 1; x < from->count; x++)
		map[x] = graph_copy_node(to, from, x, map);
	for (uint32_t i = 0; i < from->set_count; i++)
		if (is_needed(e, from, from->set[i].state))
			graph_set(to, map[from->set[i].state], map[from->set[i].value]);
}

/* One function that sets the first values of the needed states, of pre-training and of tasks. */
static void add_init(Embedding *e)
{
	const Bundle *b = e->p->bundle;
	Graph *all = graph_new(&e->p->c, "init");
	for (size_t i = 0; i < b->graph_count; i++)
		if (embed_is_named(b->graph[i]->name, "init"))
			add_sets(e, all, b->graph[i]);
	if (all->set_count)
		e->to->function[e->to->count++] = (EmbeddedFunction){.graph = all};
}

/* -- Sizes ------------------------------------------------------------------------------------- */

static bool lower_one(Embedding *e, EmbeddedFunction *f)
{
	Lowered l = lower_described(e->p, f->graph, &f->code);
	f->k = l.kernels;
	f->p = l.plan;
	if (!l.plan)
		return false;
	if (f->code.input_count > EMBED_MOST_VALUES || f->code.output_count > EMBED_MOST_VALUES) {
		diag_error(e->p->c.diags, (Span){0}, "'%s' has more than %d inputs or outputs",
		           f->graph->name, EMBED_MOST_VALUES);
		return false;
	}
	uint64_t spare = 0;
	bool sole = embed_is_sole(f->code.output_count, f->counts);
	for (size_t i = 0; i < f->code.output_count && !sole; i++)
		spare += round_up(f->code.output[i].bytes, 64);
	e->to->spare_bytes = spare > e->to->spare_bytes ? spare : e->to->spare_bytes;
	if (f->code.arena_bytes > e->to->arena_bytes)
		e->to->arena_bytes = f->code.arena_bytes;
	return true;
}

/* What a state that was saved elsewhere must agree with. */
static uint64_t fingerprint(const Embedding *e)
{
	Hash h = hash_text(LAYOUT, sslc_name(e->p));
	for (size_t i = 0; i < e->to->tensor_count; i++) {
		const ObjectTensor *t = &e->to->tensor[i];
		h = hash_text(hash_text(h, t->name), t->dtype);
		h = hash_bytes(h, t->shape.dim, sizeof *t->shape.dim * (size_t)t->shape.rank);
		h = hash_u64(h, t->offset);
	}
	for (size_t i = 0; i < e->to->count; i++)
		if (e->to->function[i].training)
			h = hash_u64(hash_text(h, e->to->function[i].graph->name), e->to->function[i].training);
	return h;
}

static bool plan_all(Embedding *e)
{
	e->needed = new_array(e->p->c.arena, bool, e->p->bundle->state_count + 1);
	for (size_t i = 0; i < e->to->count; i++) {
		if (!lower_one(e, &e->to->function[i]))
			return false;
		need(e, e->to->function[i].k);
	}
	size_t shown = e->to->count;
	if (!e->how->weights)
		add_init(e);
	for (size_t i = shown; i < e->to->count; i++)
		if (!lower_one(e, &e->to->function[i]))
			return false;
	place_states(e);
	e->to->shown = shown;
	e->to->hash = fingerprint(e);
	return true;
}

/* The first values, packed as the object's states are. */
static const char *weights_image(const Embedding *e)
{
	const Bundle *b = e->p->bundle;
	if (!e->how->weights)
		return NULL;
	char *image = new_array(e->p->c.arena, char, e->to->states_bytes + 1);
	for (size_t i = 0; i < b->state_count; i++)
		if (e->needed[i])
			memcpy(image + e->offset[i], (const char *)e->how->weights + b->state[i].offset,
			       (size_t)shape_size(b->state[i].shape) * type_info[b->state[i].type].size);
	return image;
}

/* -- Variants ---------------------------------------------------------------------------------- */

/* The machines of the program and of how->cpu, then one that all of these are; false: reported. */
static bool choose_machines(const Embedding *e, const Machine **machine)
{
	Compile *c = &e->p->c;
	const char *own = c->cpu;
	bool good = true;
	machine[0] = c->machine;
	for (size_t v = 1; good && v <= e->how->cpus; v++) {
		c->cpu = e->how->cpu ? e->how->cpu[v - 1] : NULL;
		good = codegen_machine(c);
		machine[v] = c->machine;
		if (good && (!machine_x86_level(machine[v - 1]) ||
		             machine_x86_level(machine[v]) <= machine_x86_level(machine[v - 1]))) {
			diag_error(c->diags, (Span){0}, "'%s' and '%s' are no rising levels of x86-64",
			           machine[v - 1]->cpu, machine[v]->cpu);
			diag_help(c->diags, "write for example --cpu x86-64-v2,x86-64-v3,x86-64-v4");
			good = false;
		}
	}
	machine[1 + e->how->cpus] = machine[0];
	if (good && machine_is_x86(machine[0])) {
		c->cpu = "x86-64";
		good = codegen_machine(c);
		machine[1 + e->how->cpus] = c->machine;
	}
	c->cpu = own;
	c->machine = machine[0];
	return good;
}

/* Function i of variant v is at [v count + i]; NULL after an error. */
static const ObjectFunction *all_variants(Embedding *e, const Machine *const *machine)
{
	Embedded *to = e->to;
	Compile *c = &e->p->c;
	ObjectFunction *all = new_array(c->arena, ObjectFunction, (1 + e->how->cpus) * to->count + 1);
	bool good = true;
	for (size_t v = 0; v <= e->how->cpus; v++) {
		c->machine = machine[v];
		for (size_t i = 0; good && i < to->count; i++) {
			EmbeddedFunction f = to->function[i];
			good = !v || lower_one(e, &f);
			all[v * to->count + i] = (ObjectFunction){f.k, f.p, f.name, f.counts, f.training};
		}
	}
	c->machine = machine[0];
	return good ? all : NULL;
}

bool embed(sslc_program *p, const sslc_embedding *how, Embedded *to, Text *object, Text *header)
{
	Embedding e = {.p = p, .how = how, .to = to};
	if (!open_codegen(p))
		return false;
	e.align = p->c.machine->bare ? 16 : 64;
	to->name = sslc_name(p);
	to->prefix = identifier(p->c.arena, how->prefix && *how->prefix ? how->prefix : to->name);
	const Machine **machine = new_array(p->c.arena, const Machine *, 2 + how->cpus);
	if (!choose_machines(&e, machine) || !choose(&e))
		return false;
	number_trainings(to, p->bundle);
	if (!plan_all(&e))
		return false;
	const ObjectFunction *function = all_variants(&e, machine);
	if (!function)
		return false;
	to->block_bytes = EMBED_BLOCK_BYTES(to->states_bytes, to->spare_bytes, to->arena_bytes);
	ObjectPlan plan = {
	    .name = to->name,
	    .prefix = to->prefix,
	    .function = function,
	    .count = to->count,
	    .machine = machine,
	    .variants = 1 + how->cpus,
	    .common = machine[1 + how->cpus],
	    .tensor = to->tensor,
	    .tensor_count = to->tensor_count,
	    .hash = to->hash,
	    .states_bytes = to->states_bytes,
	    .arena_bytes = to->arena_bytes,
	    .spare_bytes = to->spare_bytes,
	    .counts_at = to->counts_at,
	    .tasks = to->tasks,
	    .weights = weights_image(&e),
	    .offset = offset_of,
	    .states = &e,
	};
	embed_header(p, to, header);
	return codegen_object(p->codegen, &plan, CODEGEN_OBJECT, object);
}

/* -- The public function ----------------------------------------------------------------------- */

static const sslc_code *codes_of(sslc_program *p, const Embedded *e)
{
	sslc_code *code = new_array(p->c.arena, sslc_code, e->count + 1);
	for (size_t i = 0; i < e->count; i++) {
		code[i] = e->function[i].code;
		code[i].name = e->function[i].name ? e->function[i].name : "init";
	}
	return code;
}

static const sslc_state *states_of(sslc_program *p, const Embedded *e)
{
	sslc_state *state = new_array(p->c.arena, sslc_state, e->tensor_count + 1);
	for (size_t i = 0; i < e->tensor_count; i++) {
		const ObjectTensor *t = &e->tensor[i];
		uint32_t number = names_find(&p->bundle->state_names, t->name);
		state[i] = sslc_states(p, NULL)[number - 1];
		state[i].offset = (size_t)(EMBED_HEAD + t->offset);
	}
	return state;
}

static bool guarded_embed(sslc_program *p, const sslc_embedding *how, sslc_embedded *out,
                          Text *object, Text *header)
{
	GUARD(p, false);
	Embedded e = {0};
	ObjectSizes sizes;
	if (!how || !p->bound || !embed(p, how, &e, object, header) ||
	    !codegen_object_sizes(p->codegen, object, &sizes))
		return false;
	*out = (sslc_embedded){
	    .code_bytes = sizes.code,
	    .constant_bytes = sizes.constants,
	    .block_bytes = (size_t)e.block_bytes,
	    .states_bytes = (size_t)e.states_bytes,
	    .spare_bytes = (size_t)e.spare_bytes,
	    .arena_bytes = (size_t)e.arena_bytes,
	    .function = codes_of(p, &e),
	    .functions = e.count,
	    .state = states_of(p, &e),
	    .tensors = e.tensor_count,
	    .counts_at = (size_t)(EMBED_HEAD + e.counts_at),
	    .counts = e.tasks,
	};
	return true;
}

bool sslc_embed(sslc_program *p, const sslc_embedding *how, sslc_embedded *out)
{
	Text object = {0}, header = {0};
	if (!out)
		return false;
	*out = (sslc_embedded){0};
	if (!guarded_embed(p, how, out, &object, &header)) {
		text_close(&object);
		text_close(&header);
		return false;
	}
	out->object = object.data;
	out->object_bytes = object.size;
	out->header = header.data;
	out->header_bytes = header.size;
	return true;
}

void sslc_embedded_free(sslc_embedded *e)
{
	if (!e)
		return;
	text_close(&(Text){.data = e->object});
	text_close(&(Text){.data = e->header});
	*e = (sslc_embedded){0};
}
