/* print.c: the text form of a graph; read.c reads it back.
 *
 *   graph autoencoder.step after simplify        # 41 nodes
 *     %1 = input x : f32[100,20]                 # 3:12
 *     %3 = dot %1 %2 {contract 1 0} : f32[100,10]
 *     out loss = %19
 *     set %2 = %38
 *
 * A scan is followed by its body, further in, up to "end". A node prints as op, operands, attributes in braces, and its type. Ids are renumbered in order;
 * origins are comments. */
#include "graph.h"

#include <string.h>

static void print_numbers(Text *out, const int64_t *at, int count)
{
	for (int i = 0; i < count; i++)
		text_printf(out, " %lld", (long long)at[i]);
}

static void print_bytes(Text *out, const uint8_t *at, int count)
{
	for (int i = 0; i < count; i++)
		text_printf(out, " %u", at[i]);
}

static void print_dot_axes(const DotAxes *d, Text *out)
{
	text_printf(out, " {");
	if (d->batch) {
		text_printf(out, "batch");
		print_bytes(out, d->x_batch, d->batch);
		text_printf(out, " |");
		print_bytes(out, d->y_batch, d->batch);
		text_printf(out, d->contract ? ", " : "");
	}
	if (d->contract) {
		text_printf(out, "contract");
		print_bytes(out, d->x_contract, d->contract);
		text_printf(out, " |");
		print_bytes(out, d->y_contract, d->contract);
	}
	text_printf(out, "}");
}

static void print_attr(const Graph *g, const Node *n, Text *out)
{
	const char *attr = op_info[n->op].attr;
	int rank = n->count ? node(g, n->in[0])->shape.rank : 0;
	if (strcmp(attr, "value") == 0) {
		text_printf(out, " ");
		text_number(out, n->attr.value, n->type == DTYPE_f32);
	} else if (strcmp(attr, "name") == 0) {
		text_printf(out, " %s", n->attr.name);
	} else if (strcmp(attr, "axis") == 0) {
		text_printf(out, " {axis %u}", n->attr.axis);
	} else if (strcmp(attr, "key") == 0) {
		text_printf(out, " {key %u}", n->attr.key);
	} else if (strcmp(attr, "axes") == 0) {
		text_printf(out, " {axes");
		print_bytes(out, n->attr.axes.at, n->attr.axes.count);
		text_printf(out, "}");
	} else if (strcmp(attr, "slice") == 0) {
		text_printf(out, " {start");
		print_numbers(out, n->attr.slice.start, rank);
		text_printf(out, ", stop");
		print_numbers(out, n->attr.slice.stop, rank);
		text_printf(out, ", step");
		print_numbers(out, n->attr.slice.step, rank);
		text_printf(out, "}");
	} else if (strcmp(attr, "pad") == 0) {
		text_printf(out, " {low");
		print_numbers(out, n->attr.pad.low, rank);
		text_printf(out, ", high");
		print_numbers(out, n->attr.pad.high, rank);
		text_printf(out, ", inner");
		print_numbers(out, n->attr.pad.inner, rank);
		text_printf(out, ", value ");
		text_number(out, n->attr.pad.value, false);
		text_printf(out, "}");
	} else if (strcmp(attr, "window") == 0) {
		text_printf(out, " {axis %lld, ", (long long)n->attr.window.axis);
		bool adds = n->op == OP_overlap_add;
		text_printf(out, adds ? "length %lld" : "size %lld",
		            (long long)(adds ? n->attr.window.length : n->attr.window.size));
		text_printf(out, ", stride %lld, dilation %lld}", (long long)n->attr.window.stride,
		            (long long)n->attr.window.dilation);
	} else if (strcmp(attr, "dot") == 0) {
		print_dot_axes(&n->attr.dot, out);
	} else if (strcmp(attr, "region") == 0) {
		const Region *r = n->attr.region;
		text_printf(out, " {carries %u, sequences %u, length %lld%s}", r->carries, r->sequences,
		            (long long)r->length, r->reverse ? ", reverse" : "");
	} else if (strcmp(attr, "result") == 0) {
		text_printf(out, " {%s %u}", n->attr.result.last ? "last" : "all", n->attr.result.index);
	}
}

static void print_origin(const Graph *g, Span origin, size_t line, Text *out)
{
	if (!origin.file)
		return;
	uint32_t row, column;
	diags_place(g->c->diags, origin, &row, &column);
	size_t width = out->size - line;
	text_printf(out, "%*s# %s:%u:%u", width < 60 ? (int)(60 - width) : 1, "",
	            diags_name(g->c->diags, origin.file), row, column);
}

static void print_lines(const Graph *g, int indent, Text *out)
{
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		size_t line = out->size;
		text_printf(out, "%*s%%%u = %s", indent, "", x, op_info[n->op].name);
		for (int i = 0; i < n->count; i++)
			text_printf(out, " %%%u", n->in[i]);
		print_attr(g, n, out);
		text_printf(out, " : %s", shape_text(g->c->arena, n->type, n->shape));
		print_origin(g, n->origin, line, out);
		text_printf(out, "\n");
		if (n->op == OP_scan) {
			print_lines(n->attr.region->body, indent + 2, out);
			text_printf(out, "%*send\n", indent, "");
		}
	}
	for (uint32_t i = 0; i < g->out_count; i++)
		text_printf(out, "%*sout %s = %%%u\n", indent, "", g->out[i].name, g->out[i].value);
	for (uint32_t i = 0; i < g->set_count; i++)
		text_printf(out, "%*sset %%%u = %%%u\n", indent, "", g->set[i].state, g->set[i].value);
}

void graph_print(const Graph *g, const char *stage, Text *out)
{
	text_printf(out, "graph %s%s%s\n", g->name, stage ? " after " : "", stage ? stage : "");
	print_lines(g, 2, out);
}
