/* exchange.c: a table of "names" for the runtime: plain descriptions of the tensors of another
 * program, and where the elements of each come from. */
#include "program.h"

#include <string.h>

typedef struct Table { /* the context of sslc_names.order */
	sslc_program *p;
	const Exchange *made;
} Table;

static bool order(void *context, size_t i, int64_t *from)
{
	Table *t = context;
	GUARD(t->p, false);
	return exchange_order(&t->p->c, t->p->bundle, &t->made->at[i], from);
}

static const Naming *find_naming(sslc_program *p, const char *table)
{
	const Model *m = p->model;
	const char **known = new_array(p->c.arena, const char *, m->naming_count + 1);
	const char *all = "";
	for (size_t i = 0; i < m->naming_count; i++) {
		if (strcmp(m->naming[i].name, table) == 0)
			return &m->naming[i];
		known[i] = m->naming[i].name;
		all = arena_printf(p->c.arena, "%s%s%s", all, i ? ", " : "", known[i]);
	}
	diag_error(p->c.diags, (Span){0}, "the model has no table of names '%s'", table);
	const char *near = suggest(table, known, m->naming_count);
	if (near)
		diag_help(p->c.diags, "did you mean '%s'?", near);
	else if (*all)
		diag_help(p->c.diags, "\"names\" has: %s", all);
	else
		diag_help(p->c.diags, "it needs \"names\": {\"%s\": {...}}; models/README.md says how",
		          table);
	return NULL;
}

static void describe_tensor(const sslc_program *p, const Exchanged *e, sslc_named *to)
{
	Shape shape = e->is_number ? (Shape){0} : e->shape;
	*to = (sslc_named){
	    .tensor = {.name = e->name,
	               .dtype = e->is_number ? "i64" : type_info[e->type].name,
	               .rank = shape.rank},
	    .state = &p->description.state[e->state],
	    .is_moved = e->views && !e->is_number,
	    .is_number = e->is_number,
	    .number = (int64_t)e->number,
	};
	memcpy(to->tensor.dim, shape.dim, sizeof shape.dim);
	to->tensor.bytes =
	    e->is_number ? sizeof(int64_t) : (size_t)shape_size(shape) * type_info[e->type].size;
}

const sslc_names *sslc_named_by(sslc_program *p, const char *table)
{
	GUARD(p, NULL);
	const Naming *n = p->bound && table ? find_naming(p, table) : NULL;
	const Exchange *made = n ? exchange_names(&p->c, p->bundle, p->prelude, n) : NULL;
	if (!made)
		return NULL;
	sslc_named *at = new_array(p->c.arena, sslc_named, made->count + 1);
	for (size_t i = 0; i < made->count; i++)
		describe_tensor(p, &made->at[i], &at[i]);
	Table *context = new (p->c.arena, Table);
	*context = (Table){p, made};
	sslc_names *names = new (p->c.arena, sslc_names);
	*names = (sslc_names){n->name, at, made->count, order, context};
	return names;
}

const char *sslc_table(const sslc_program *p, size_t i)
{
	return p && p->model && i < p->model->naming_count ? p->model->naming[i].name : NULL;
}
