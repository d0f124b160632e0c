/* memo.c: what was emitted before and still holds: values in the present straight line of code,
 * those pinned for a whole row, and rows kept in scratch. */
#include "emit.h"

#include <string.h>

typedef struct Entry {
	NodeId node;
	Index index;
	V v;
	uint32_t before; /* 1 + the one of the same node before it; 0: none */
} Entry;

struct Memo {
	Entry *entry;
	uint32_t *last; /* [graph->count] 1 + the last of a node; 0: none */
	uint32_t count, capacity;
};

static bool same_index(const KernelEmit *ke, NodeId x, const Index *a, const Index *b)
{
	Shape s = node(ke->e->k->graph, x)->shape;
	int rank = a->flat ? 1 : s.rank;
	if (a->flat != b->flat || a->lane_axis != b->lane_axis)
		return false;
	if (a->lane_axis >= 0 && a->mask != b->mask)
		return false;
	if (a->lane_axis >= 0 && a->lane_step != b->lane_step)
		return false;
	for (int i = 0; i < rank; i++)
		if (a->at[i] != b->at[i] && (a->flat || s.dim[i] != 1)) /* else both are 0 */
			return false;
	return true;
}

V value_memo(const KernelEmit *ke, NodeId x, const Index *index)
{
	const Memo *memo = ke->memo;
	for (uint32_t i = memo ? memo->last[x] : 0; i > 0; i = memo->entry[i - 1].before)
		if (same_index(ke, x, &memo->entry[i - 1].index, index))
			return memo->entry[i - 1].v;
	return NULL;
}

void value_define(KernelEmit *ke, NodeId x, const Index *index, V v)
{
	Arena *a = ke->e->c->arena;
	if (!ke->memo) {
		ke->memo = new (a, Memo);
		ke->memo->last = new_array(a, uint32_t, ke->e->k->graph->count);
	}
	Memo *memo = ke->memo;
	if (memo->count == memo->capacity) {
		uint32_t capacity = memo->capacity ? 2 * memo->capacity : 64;
		Entry *more = new_array(a, Entry, capacity);
		if (memo->count)
			memcpy(more, memo->entry, memo->count * sizeof *more);
		memo->entry = more;
		memo->capacity = capacity;
	}
	memo->entry[memo->count++] = (Entry){x, *index, v, memo->last[x]};
	memo->last[x] = memo->count;
}

static void forget_from(KernelEmit *ke, uint32_t count)
{
	Memo *memo = ke->memo;
	while (memo && memo->count > count) {
		const Entry *gone = &memo->entry[--memo->count];
		memo->last[gone->node] = gone->before;
	}
}

void value_forget(KernelEmit *ke)
{
	forget_from(ke, ke->pinned);
	ke->stretch.count = 0;
}

Known value_known(const KernelEmit *ke)
{
	return (Known){ke->memo ? ke->memo->count : 0, ke->stretch.count};
}

void value_forget_since(KernelEmit *ke, Known known)
{
	forget_from(ke, known.values);
	ke->stretch.count = known.words;
}

void value_pin(KernelEmit *ke)
{
	ke->pinned = ke->memo ? ke->memo->count : 0;
}

void value_unpin(KernelEmit *ke)
{
	ke->pinned = 0;
	value_forget(ke);
}

/* -- Rows in scratch --------------------------------------------------------------------------- */

static V kept_address(KernelEmit *ke, const Kept *kept, const Index *index)
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
			              kept_address(ke, kept, index), type_info[n->type].size);
	}
	return NULL;
}

void value_keep(KernelEmit *ke, const Index *index)
{
	for (uint32_t i = 0; i < ke->kepts; i++) {
		Kept *kept = &ke->kept[i];
		V v = kept->done ? NULL : value_memo(ke, kept->node, index);
		if (!v)
			continue;
		kept->seen = true;
		l_store(ke->e, l_splat(ke->e, v, ke->lanes), kept_address(ke, kept, index),
		        type_info[node(ke->e->k->graph, kept->node)->type].size);
	}
}
