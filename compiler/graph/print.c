/* print.c: the text form of a graph; read.c reads it back.
 *
 *   graph autoencoder.step after simplify        # 41 nodes
 *     %1 = input x : f32[100,20]                 # 3:12
 *     %3 = dot %1 %2 {contract 1 0} : f32[100,10]
 *     out loss = %19
 *     set %2 = %38
 *
 * A scan is followed by its body, further in, up to "end". A node prints as op, operands, attributes in braces, and
 * its type. Ids are renumbered in order; origins are comments. */
#include "graph.h"

static void print_numbers(Text *out, const int64_t *at, int count)
{
	for (int i = 0; i < count; i++)
		text_printf(out, " %lld", (long long)at[i]);
}

static void print_part(const AttrPart *p, Text *out)
{
	switch (p->kind) {
	case PART_NUMBER:
		text_printf(out, " ");
		text_number(out, p->number, p->is_float);
		break;
	case PART_TEXT:
		text_printf(out, " %s", p->text);
		break;
	case PART_WHOLE:
		text_printf(out, " %lld", (long long)p->whole);
		break;
	case PART_LIST:
		print_numbers(out, p->at[0], p->count);
		break;
	case PART_PAIR:
		print_numbers(out, p->at[0], p->count);
		text_printf(out, " |");
		print_numbers(out, p->at[1], p->count);
		break;
	case PART_FLAG:
		break;
	}
}

/* A lone value or name stands bare; pairs of no axes and flags that are off are left out. */
static void print_attr(const Graph *g, const Node *n, Text *out)
{
	AttrPart part[ATTR_PARTS];
	int count = attr_parts(g, n, part);
	bool is_bare = count == 1 && (part->kind == PART_NUMBER || part->kind == PART_TEXT);
	const char *before = "";
	if (is_bare)
		print_part(part, out);
	if (is_bare || !count)
		return;
	text_printf(out, " {");
	for (const AttrPart *p = part; p < part + count; p++) {
		if ((p->kind == PART_PAIR && !p->count) || (p->kind == PART_FLAG && !p->whole))
			continue;
		text_printf(out, "%s%s", before, p->name);
		print_part(p, out);
		before = ", ";
	}
	text_printf(out, "}");
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
