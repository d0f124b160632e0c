/* extents.c: what of each shape is the batch.
 *
 * In: a function elaborated for two batches, primes that no model is likely to have as a length.
 * Out: each length as fixed + each * batch. Elaboration is deterministic, so the two graphs are
 * node for node the same, but for lengths, unless the function depends on how many samples there
 * are in another way: that is an error at the first node that shows it. */
#include "writer.h"

#include <string.h>

static void depends(Onnx *o, NodeId x, const char *how)
{
	Diags *d = o->c->diags;
	const Node *n = node(o->g, x);
	diag_error(d, n->origin,
	           "the batch cannot be free: %s of a '%s' here depends on how many samples it has",
	           how, op_info[n->op].name);
	diag_help(d, "--batch N writes it for batches of N samples alone");
}

static bool line_through(const Onnx *o, int64_t here, int64_t there, Extent *e)
{
	int64_t apart = o->from->batch - o->from->other_batch;
	if (here == there) {
		*e = (Extent){here, 0};
		return true;
	}
	e->each = (here - there) / apart;
	e->fixed = here - e->each * o->from->batch;
	return (here - there) % apart == 0 && e->each > 0 && e->fixed >= 0;
}

static bool find_lengths(Onnx *o, NodeId x)
{
	const Node *a = node(o->g, x), *b = o->from->other ? node(o->from->other, x) : a;
	for (int i = 0; i < a->shape.rank; i++)
		if (!line_through(o, a->shape.dim[i], b->shape.dim[i], &o->extent[x][i])) {
			depends(o, x, "the length");
			return false;
		}
	return true;
}

/* Of a slice, what is cut may follow from the length alone; all else is the same for any batch. */
static bool same_slice(const Graph *g, const Node *a, const Node *b)
{
	const Shape *from = &node(g, a->in[0])->shape;
	for (int i = 0; i < from->rank; i++) {
		bool same = a->attr.slice.stop[i] == b->attr.slice.stop[i];
		bool all = a->attr.slice.stop[i] == from->dim[i] && a->attr.slice.step[i] > 0;
		if (a->attr.slice.start[i] != b->attr.slice.start[i] ||
		    a->attr.slice.step[i] != b->attr.slice.step[i] || (!same && !all))
			return false;
	}
	return true;
}

static bool same_attribute(const Onnx *o, const Node *a, const Node *b)
{
	Attr of_b = b->attr;
	if (a->op == OP_input || a->op == OP_state)
		return strcmp(a->attr.name, b->attr.name) == 0;
	if (a->op == OP_slice)
		return same_slice(o->g, a, b);
	if (a->op == OP_scan) {
		const Region *r = a->attr.region, *q = b->attr.region;
		return r->carries == q->carries && r->sequences == q->sequences &&
		       r->reverse == q->reverse && (r->sequences || r->length == q->length);
	}
	if (a->op == OP_overlap_add)
		of_b.window.length = a->attr.window.length;
	return memcmp(&a->attr, &of_b, sizeof of_b) == 0;
}

static bool same_node(Onnx *o, NodeId x)
{
	const Graph *other = o->from->other;
	const Node *a = node(o->g, x), *b = other && x < other->count ? node(other, x) : NULL;
	if (!other)
		return true;
	bool same = b && a->op == b->op && a->type == b->type && a->count == b->count &&
	            a->shape.rank == b->shape.rank &&
	            (!a->count || memcmp(a->in, b->in, (size_t)a->count * sizeof *a->in) == 0);
	if (!same)
		depends(o, x, "the place");
	else if (!same_attribute(o, a, b))
		depends(o, x, a->op == OP_constant ? "the value" : "the attribute");
	else
		return true;
	return false;
}

bool extents_find(Onnx *o)
{
	for (NodeId x = 1; x < o->g->count; x++)
		if (o->reached[x] && (!same_node(o, x) || !find_lengths(o, x)))
			return false;
	return true;
}

bool extents_known(Onnx *o)
{
	NodeId of = 0;
	for (NodeId x = 1; x < o->g->count; x++) {
		if (!o->needed[x])
			continue;
		if (node(o->g, x)->op == OP_input)
			return true;
		for (int i = 0; i < node(o->g, x)->shape.rank; i++)
			of = o->extent[x][i].each ? x : of;
	}
	if (!of)
		return true;
	diag_error(o->c->diags, node(o->g, of)->origin,
	           "the batch cannot be free: '%s' reads nothing of the data, which would say how many "
	           "samples there are",
	           o->g->name);
	diag_help(o->c->diags, "--batch N writes it for batches of N samples alone");
	return false;
}
