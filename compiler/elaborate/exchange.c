/* exchange.c: the weights of a model as another program names and lays them out.
 *
 * In: the states of a model and a table of "names". Out: their tensors, each made of one state by
 * views, which are text of the language. That views only move elements is not read off them but
 * tried: the interpreter applies them to the numbers of the elements, once from below and once from
 * above, and what comes out says for each element of theirs which of ours it is. So both directions
 * follow from one text. */
#include "elaborator.h"

#include <math.h>
#include <string.h>

/* A tensor on its way through the rules. */
typedef struct Item {
	Exchanged made;
	const Body **views; /* [count], applied one after the other */
	size_t count;
} Item;

typedef struct Items {
	Item *at;
	size_t count, capacity;
} Items;

static void item_add(Arena *a, Items *to, Item item)
{
	if (to->count == to->capacity) {
		to->capacity = to->capacity ? 2 * to->capacity : 64;
		Item *more = new_array(a, Item, to->capacity);
		if (to->count)
			memcpy(more, to->at, to->count * sizeof *more);
		to->at = more;
	}
	to->at[to->count++] = item;
}

static Item renamed(Arena *a, const Item *from, const RenamePart *part, const char *name)
{
	Item item = *from;
	item.made.name = name;
	item.made.span = part->span;
	item.made.is_number |= part->is_number;
	item.made.number = part->is_number ? part->number : from->made.number;
	if (!part->views)
		return item;
	item.views = new_array(a, const Body *, from->count + 1);
	if (from->count)
		memcpy(item.views, from->views, from->count * sizeof *item.views);
	item.views[item.count++] = part->views;
	return item;
}

/* False: the rule fits no name. */
static bool rule_apply(Arena *a, const Rename *rule, Items *items)
{
	Items next = {0};
	bool used = false;
	for (size_t i = 0; i < items->count; i++) {
		const Item *item = &items->at[i];
		if (!rename_apply(a, rule->pattern, "", item->made.name)) {
			item_add(a, &next, *item);
			continue;
		}
		used = true;
		for (size_t k = 0; k < rule->count; k++) {
			const RenamePart *part = &rule->part[k];
			const char *name = rename_apply(a, rule->pattern, part->name, item->made.name);
			if (!part->is_number || !item->made.is_number)
				item_add(a, &next, renamed(a, item, part, name));
		}
	}
	*items = next;
	return used;
}

static bool is_exchanged(const State *s)
{
	return !s->task && strncmp(s->name, "optimizer.", strlen("optimizer.")) != 0;
}

static Items items_of(Compile *c, const Bundle *whole, const Naming *table)
{
	Items items = {0};
	for (size_t i = 0; i < whole->state_count; i++) {
		const State *s = &whole->state[i];
		if (is_exchanged(s))
			item_add(c->arena, &items,
			         (Item){.made = {.name = s->name,
			                         .state = (uint32_t)i,
			                         .type = s->type,
			                         .shape = s->shape}});
	}
	for (size_t r = 0; r < table->count; r++)
		if (!rule_apply(c->arena, &table->rule[r], &items)) {
			diag_error(c->diags, table->rule[r].span, "no name has the parts '%s' here",
			           table->rule[r].pattern);
			diag_help(c->diags, "rules see what those before them have made; sslc check lists the "
			                    "names to begin with");
		}
	return items;
}

/* Their tensor as a graph of x, our state. */
static void apply_views(Elab *b, Item *item)
{
	Exchanged *e = &item->made;
	const State *s = &b->bundle->state[e->state];
	size_t states = b->bundle->state_count;
	Graph *g = begin_graph(b, e->name, false, 1);
	Value v = value_tensor(op_input(g, "x", s->type, s->shape));
	for (size_t i = 0; i < item->count && v.kind != VALUE_NONE; i++)
		v = eval_body(b, item->views[i], NULL, &v);
	if (v.kind == VALUE_NONE)
		return;
	bool alone = v.kind == VALUE_TENSOR && b->bundle->state_count == states && !b->scans &&
	             node(g, v.node)->type == s->type;
	for (NodeId n = 1; alone && n < g->count; n++)
		alone = node(g, n)->op != OP_state &&
		        (node(g, n)->op != OP_input || strcmp(node(g, n)->attr.name, "x") == 0);
	if (!alone) {
		elab_error(b, e->span, "'%s' is not made of '%s' alone", e->name, s->name);
		return;
	}
	graph_output(g, "y", v.node);
	e->views = g;
	e->shape = node(g, v.node)->shape;
}

static void check_twins(Compile *c, const Bundle *whole, const Items *items)
{
	Names names = {0};
	for (size_t i = 0; i < items->count; i++) {
		const Exchanged *e = &items->at[i].made;
		uint32_t twin = names_add(&names, c->arena, e->name, (uint32_t)i + 1);
		if (!twin)
			continue;
		diag_error(c->diags, e->span, "'%s' and '%s' both become '%s'",
		           whole->state[items->at[twin - 1].made.state].name, whole->state[e->state].name,
		           e->name);
		return;
	}
}

typedef struct NamesRequest {
	Compile *c;
	const Bundle *whole;
	const Prelude *prelude;
	const Naming *table;
	Exchange *made;
} NamesRequest;

static void run_names_request(void *request)
{
	NamesRequest *r = request;
	Arena *a = r->c->arena;
	size_t errors = diag_count(r->c->diags);
	Frame frame = {.component = ""};
	Elab b = elab_anew(r->c, r->whole, r->prelude, &frame, 1);
	Items items = items_of(r->c, r->whole, r->table);
	r->made = new (a, Exchange);
	r->made->at = new_array(a, Exchanged, items.count + 1);
	for (size_t i = 0; i < items.count && diag_count(r->c->diags) == errors; i++) {
		if (items.at[i].count && !items.at[i].made.is_number)
			apply_views(&b, &items.at[i]);
		r->made->at[r->made->count++] = items.at[i].made;
	}
	if (diag_count(r->c->diags) == errors)
		check_twins(r->c, r->whole, &items);
	if (diag_count(r->c->diags) != errors)
		r->made = NULL;
}

const Exchange *exchange_names(Compile *c, const Bundle *whole, const Prelude *prelude,
                               const Naming *table)
{
	NamesRequest r = {c, whole, prelude, table, NULL};
	stack_run(c, run_names_request, &r);
	return r.made;
}

/* -- Which element is which -------------------------------------------------------------------- */

bool exchange_order(Compile *c, const Bundle *whole, const Exchanged *e, int64_t *from)
{
	const State *s = &whole->state[e->state];
	int64_t ours = shape_size(s->shape), theirs = shape_size(e->shape);
	Arena *scratch = arena_beside(c->arena);
	double *number = new_array(scratch, double, (size_t)ours);
	Feed feed = {"x", number};
	bool good = true;
	for (int turn = 0; turn < 2; turn++) { /* f(i) and f(last - i) */
		for (int64_t i = 0; i < ours; i++)
			number[i] = (double)(turn ? ours - 1 - i : i);
		const double *made = evaluate(scratch, e->views, &feed, 1)[e->views->out[0].value];
		for (int64_t i = 0; i < theirs; i++) {
			bool is_one = made[i] >= 0 && made[i] < (double)ours && floor(made[i]) == made[i];
			good &= is_one && (!turn || (int64_t)made[i] == ours - 1 - from[i]);
			if (!turn)
				from[i] = is_one ? (int64_t)made[i] : 0;
		}
	}
	arena_release(c->arena); /* scratch */
	if (!good) {
		diag_error(c->diags, e->span, "what makes '%s' of '%s' does more than move its elements",
		           e->name, s->name);
		diag_help(c->diags, "such as transpose, reshape, slice: numbers stay as they are");
	}
	return good;
}
