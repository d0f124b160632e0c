/* known.c: what was emitted before and still holds: values in the present straight line of code,
 * those pinned for a whole row, and rows kept in scratch. */
#include "emit.h"

#include <string.h>

typedef struct Known {
	NodeId node;
	Index index;
	V v;
	uint32_t before; /* 1 + the one of the same node before it; 0: none */
} Known;

struct Values {
	Known *known;
	uint32_t *last; /* [graph->count] 1 + the last of a node; 0: none */
	uint32_t count, capacity;
};

static bool same_index(const KernelEmit *ke, NodeId x, const Index *a, const Index *b)
{
	int rank = a->flat ? 1 : node(ke->e->k->graph, x)->shape.rank;
	if (a->flat != b->flat || a->lane_axis != b->lane_axis)
		return false;
	if (a->lane_axis >= 0 && a->mask != b->mask)
		return false;
	if (a->lane_axis >= 0 && a->lane_step != b->lane_step)
		return false;
	for (int i = 0; i < rank; i++)
		if (a->at[i] != b->at[i])
			return false;
	return true;
}

V value_known(const KernelEmit *ke, NodeId x, const Index *index)
{
	const Values *values = ke->known;
	for (uint32_t i = values ? values->last[x] : 0; i > 0; i = values->known[i - 1].before)
		if (same_index(ke, x, &values->known[i - 1].index, index))
			return values->known[i - 1].v;
	return NULL;
}

void value_define(KernelEmit *ke, NodeId x, const Index *index, V v)
{
	Arena *a = ke->e->c->arena;
	if (!ke->known) {
		ke->known = new (a, Values);
		ke->known->last = new_array(a, uint32_t, ke->e->k->graph->count);
	}
	Values *values = ke->known;
	if (values->count == values->capacity) {
		uint32_t capacity = values->capacity ? 2 * values->capacity : 64;
		Known *more = new_array(a, Known, capacity);
		if (values->count)
			memcpy(more, values->known, values->count * sizeof *more);
		values->known = more;
		values->capacity = capacity;
	}
	values->known[values->count++] = (Known){x, *index, v, values->last[x]};
	values->last[x] = values->count;
}

void value_forget(KernelEmit *ke)
{
	Values *values = ke->known;
	while (values && values->count > ke->pinned) {
		const Known *gone = &values->known[--values->count];
		values->last[gone->node] = gone->before;
	}
	ke->stretch.count = 0;
}

void value_pin(KernelEmit *ke)
{
	ke->pinned = ke->known ? ke->known->count : 0;
}

void value_unpin(KernelEmit *ke)
{
	ke->pinned = 0;
	value_forget(ke);
}

/* -- Rows in scratch --------------------------------------------------------------------------- */

static V kept_place(KernelEmit *ke, const Kept *kept, const Index *index)
{
	const Node *n = node(ke->e->k->graph, kept->node);
	return l_at(ke->e, l_type(ke->e, n->type), kept->base, index->at[n->shape.rank - 1]);
}

/* Scratch has room for whole vectors, so masks do not matter. */
V value_kept(KernelEmit *ke, NodeId x, const Index *index)
{
	const Node *n = node(ke->e->k->graph, x);
	for (uint32_t i = 0; i < ke->kepts; i++) {
		const Kept *kept = &ke->kept[i];
		if (kept->node == x && kept->done && index->lane_axis == n->shape.rank - 1)
			return l_load(ke->e, l_vector(l_type(ke->e, n->type), ke->lanes),
			              kept_place(ke, kept, index), type_info[n->type].size);
	}
	return NULL;
}

void value_keep(KernelEmit *ke, const Index *index)
{
	for (uint32_t i = 0; i < ke->kepts; i++) {
		Kept *kept = &ke->kept[i];
		V v = kept->done ? NULL : value_known(ke, kept->node, index);
		if (!v)
			continue;
		kept->seen = true;
		l_store(ke->e, l_splat(ke->e, v, ke->lanes), kept_place(ke, kept, index),
		        type_info[node(ke->e->k->graph, kept->node)->type].size);
	}
}
