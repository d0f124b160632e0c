/* check.c: sslc check: builds every function of a model and prints what lives across steps, and what
 * each costs, takes and gives. No machine code is made. */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

static void print_states(const sslc_program *p)
{
	size_t count;
	const sslc_state *state = sslc_states(p, &count);
	printf("\n%-36s %-22s %12s  %s\n", "state", "shape", "bytes", "trained by");
	for (size_t i = 0; i < count; i++) {
		const sslc_tensor *t = &state[i].tensor;
		char shape[TENSOR_TEXT];
		tensor_text(t->dtype, t->rank, t->dim, shape);
		printf("%-36s %-22s %12zu  %s\n", t->name, shape, t->bytes,
		       !state[i].is_param ? "-"
		       : state[i].task    ? state[i].task
		                          : "pre-training");
	}
}

static bool print_cost(sslc_program *p, const char *name)
{
	sslc_cost c;
	if (!sslc_has_function(p, name))
		return true;
	if (!sslc_function_cost(p, name, &c))
		return false;
	char arena[24], least[24];
	printf("%-24s %7zu %8zu %12.4g %12.4g %12s %12s\n", name, c.nodes, c.kernels, c.flops, c.bytes,
	       bytes_text(c.arena_bytes, arena), bytes_text(c.arena_lower_bound, least));
	return true;
}

enum { MOST_SHOWN = 4 };

static void print_tensors(const sslc_tensor *t, size_t count)
{
	for (size_t i = 0; i < count && i < MOST_SHOWN; i++) {
		char shape[TENSOR_TEXT];
		tensor_text(t[i].dtype, t[i].rank, t[i].dim, shape);
		printf("%s%s %s", i ? ", " : "", t[i].name, shape);
	}
	if (count > MOST_SHOWN)
		printf(", %zu more", count - MOST_SHOWN);
	if (!count)
		printf("nothing");
}

static bool print_signature(sslc_program *p, const char *name)
{
	if (!sslc_has_function(p, name))
		return true;
	const sslc_code *f = sslc_function_described(p, name);
	if (!f)
		return false;
	printf("%-24s ", name);
	print_tensors(f->input, f->input_count);
	printf(" -> ");
	print_tensors(f->output, f->output_count);
	putchar('\n');
	return true;
}

/* Of each function that a model may have. */
static bool print_each(sslc_program *p, bool (*print)(sslc_program *p, const char *name))
{
	bool good = true;
	static const char *const own[] = {"init", "step", "features", "gradients"};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		good &= print(p, own[i]);
	size_t count;
	const sslc_task *task = sslc_tasks(p, &count);
	static const char *const of_task[] = {"init", "step",    "encode", "step.encoded",
	                                      "bank", "collect", "score",  "score.rest"};
	for (size_t i = 0; i < count; i++)
		for (size_t f = 0; f < sizeof of_task / sizeof *of_task; f++) {
			char name[256];
			snprintf(name, sizeof name, "%s.%s", task[i].name, of_task[f]);
			good &= print(p, name);
		}
	return good;
}

static bool has_cost(sslc_program *p, const char *name)
{
	sslc_cost cost;
	return !sslc_has_function(p, name) || sslc_function_cost(p, name, &cost);
}

static bool print_functions(sslc_program *p)
{
	printf("\n%-24s %7s %8s %12s %12s %12s %12s\n", "function", "nodes", "kernels", "FLOP",
	       "bytes moved", "arena", "least arena");
	if (!print_each(p, print_cost))
		return false;
	printf("\n%-24s %s\n", "function", "takes -> gives");
	return print_each(p, print_signature);
}

/* What makes their tensors only moves elements. */
static bool check_orders(const sslc_names *names)
{
	bool good = true;
	for (size_t i = 0; good && i < names->count; i++) {
		const sslc_tensor *t = &names->at[i].tensor;
		int64_t *order = names->at[i].is_moved ? malloc((t->bytes + 1) * sizeof *order) : NULL;
		good = !names->at[i].is_moved || (order && names->order(names->context, i, order));
		free(order);
	}
	return good;
}

/* Every table of names must be right, but only the one that was asked for is printed. */
static bool check_names(const Session *s, const Options *o)
{
	bool good = true;
	const char *table;
	for (size_t i = 0; (table = sslc_table(s->program, i)); i++)
		good &= sslc_named_by(s->program, table) != NULL;
	const sslc_names *names = NULL;
	if (good && o->names)
		good = (names = sslc_named_by(s->program, o->names)) && check_orders(names);
	if (!good || !names || o->json)
		return good;
	printf("\n%-46s %-22s %s\n", o->names, "shape", "state");
	for (size_t i = 0; i < names->count; i++) {
		const sslc_named *n = &names->at[i];
		char shape[TENSOR_TEXT];
		tensor_text(n->tensor.dtype, n->tensor.rank, n->tensor.dim, shape);
		printf("%-46s %-22s %s%s\n", n->tensor.name, shape,
		       n->is_number ? "" : n->state->tensor.name, n->is_moved ? ", moved" : "");
	}
	return true;
}

int command_check(const Options *o)
{
	Session s;
	int code = session_open(&s, o, (sslc_options){.cpu = o->cpu, .target = o->target}, true);
	if (!code && o->json) {
		if (!print_each(s.program, has_cost) || !check_names(&s, o))
			code = session_errors(&s);
	} else if (!code) {
		session_note(&s);
		session_print(&s);
		print_states(s.program);
		if (!print_functions(s.program) || !check_names(&s, o))
			code = session_errors(&s);
		if (o->time)
			session_times(&s);
	}
	session_close(&s);
	if (!code && !o->json)
		puts("\nno errors");
	return code ? code : finish_output(EXIT_GOOD);
}
