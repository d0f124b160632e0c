/* scan.c: a scan as ONNX's Scan: its body is a graph of its own, written by the same rules, whose
 * operators come between two marks of the texts and are taken out again.
 *
 * Carries are Scan's state variables, sequences its inputs; what is the same at every step the body
 * reads from the graph around it, as it may. The body gives each carry as the next state, and what
 * somebody reads of all steps once more. A scan without sequences counts along one of zeros. */
#include "writer.h"

#include <stdio.h>
#include <string.h>

typedef struct Body {
	const char *base; /* of all names of this scan */
	const Region *region;
	const Node *scan;
	const bool *all; /* [outputs] somebody reads all steps of it */
	const char *bytes;
	size_t size;
} Body;

static const char *named(Onnx *o, const Body *b, const char *what, unsigned i)
{
	return arena_printf(o->c->arena, "%s/%s%u", b->base, what, i);
}

/* The name of an input of the body: its place, or that of what is around it. */
static const char *input_of(Onnx *o, const Body *b, const char *name)
{
	unsigned i, sequences = b->region->sequences, carries = b->region->carries;
	if (sscanf(name, "carry%u", &i) == 1)
		return named(o, b, "carry", i);
	if (sscanf(name, "each%u", &i) == 1)
		return named(o, b, "each", i);
	if (sscanf(name, "of%u", &i) == 1)
		return whole(o, b->scan->in[carries + sequences + i]);
	BUG("a scan has the input '%s'", name);
}

static bool write_body(Onnx *o, Body *b, const Graph *other)
{
	const Graph *g = b->region->body;
	OnnxTexts *t = o->t;
	size_t nodes = t->node.size, graph = t->graph.size;
	OnnxSource from = *o->from;
	from.graph = g;
	from.other = other;
	Onnx inner;
	writer_open(&inner, o->c, &from, t);
	inner.constants = o->constants;
	inner.emitted = o->emitted;
	inner.batch = o->batch;
	inner.input = new_array(o->c->arena, const char *, g->count);
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_input && !(inner.input[x] = input_of(o, b, node(g, x)->attr.name)))
			return false;
	inner.constants = o->constants; /* with what `whole` has written */
	inner.emitted = o->emitted;
	nodes = t->node.size;
	if (!writer_nodes(&inner))
		return false;
	for (uint32_t i = 0; i < g->out_count; i++) {
		const char *made = whole(&inner, g->out[i].value);
		if (i < b->region->carries)
			emit_as(&inner, "Identity", &made, 1, named(o, b, "next", i));
		if (b->all[i])
			emit_as(&inner, "Identity", &made, 1, named(o, b, "step", i));
	}
	o->constants = inner.constants;
	o->emitted = inner.emitted;
	text_add(&t->graph, t->node.data + nodes, t->node.size - nodes);
	t->node.size = nodes;
	put_graph_name(o, b->base);
	for (uint32_t i = 0; i < b->region->carries; i++)
		put_value_name(o, true, named(o, b, "carry", i));
	for (uint32_t i = 0; i < b->region->sequences || i < 1; i++)
		put_value_name(o, true, named(o, b, "each", i));
	for (uint32_t i = 0; i < b->region->carries; i++)
		put_value_name(o, false, named(o, b, "next", i));
	for (uint32_t i = 0; i < g->out_count; i++)
		if (b->all[i])
			put_value_name(o, false, named(o, b, "step", i));
	b->size = t->graph.size - graph;
	b->bytes = arena_copy(o->c->arena, t->graph.data + graph, b->size);
	t->graph.size = graph;
	return true;
}

/* Which outputs of the body somebody wants of all steps. */
static const bool *wanted(const Onnx *o, NodeId scan, uint32_t outputs)
{
	bool *all = new_array(o->c->arena, bool, outputs + 1);
	for (NodeId x = scan + 1; x < o->g->count; x++) {
		const Node *n = node(o->g, x);
		if (o->needed[x] && n->op == OP_result && n->in[0] == scan && !n->attr.result.last)
			all[n->attr.result.index] = true;
	}
	return all;
}

Stored onnx_scan(Onnx *o, NodeId x, const char *op)
{
	enum { MOST = 512 };
	const Node *n = node(o->g, x);
	const Region *r = n->attr.region;
	const Graph *other = o->from->other ? node(o->from->other, x)->attr.region->body : NULL;
	Body b = {
	    .base = arena_printf(o->c->arena, "/%s_%u", op, ++o->emitted), .region = r, .scan = n};
	const char *in[MOST], *out[MOST];
	int64_t backwards[MOST];
	int ins = 0, outs = 0, given = r->sequences ? (int)r->sequences : 1, all = 0;
	if (r->carries + r->sequences + 1 > MOST || r->body->out_count + r->carries > MOST)
		return refuse(o, x, "it has more than %d inputs or outputs", MOST);
	b.all = wanted(o, x, r->body->out_count);
	if (other)
		(void)extent_value(o, (Extent){0, 1}); /* so that the body finds it written */
	for (uint32_t i = 0; i < r->carries + r->sequences; i++)
		if (!(in[ins++] = whole(o, n->in[i])))
			return (Stored){0};
	if (!r->sequences) {
		const int32_t *zeros = new_array(o->c->arena, int32_t, (size_t)r->length);
		in[ins++] =
		    constant_table(o, arena_printf(o->c->arena, "zeros[%lld]", (long long)r->length),
		                   DTYPE_i32, &r->length, 1, zeros);
	}
	if (!write_body(o, &b, other))
		return (Stored){0};
	for (uint32_t i = 0; i < r->carries; i++)
		out[outs++] = named(o, &b, "last", i);
	for (uint32_t i = 0; i < r->body->out_count; i++)
		if (b.all[i])
			out[outs++] = named(o, &b, "all", i), all++;
	for (int i = 0; i < MOST; i++)
		backwards[i] = 1;
	attribute_graph(o, "body", b.bytes, b.size);
	attribute_int(o, "num_scan_inputs", given);
	if (r->reverse)
		attribute_ints(o, "scan_input_directions", backwards, given);
	if (r->reverse && all)
		attribute_ints(o, "scan_output_directions", backwards, all);
	emit_many(o, op, in, ins, out, outs);
	return (Stored){b.base, 0, 0};
}

Stored onnx_result(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	const Node *n = node(o->g, x);
	const char *base = o->at[n->in[0]].name;
	if (!base)
		return (Stored){0};
	return all_of(o, x,
	              arena_printf(o->c->arena, "%s/%s%u", base, n->attr.result.last ? "last" : "all",
	                           n->attr.result.index));
}
