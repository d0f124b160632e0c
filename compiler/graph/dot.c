/* dot.c: Graphviz: a box a node, coloured by kind; `dot -Tsvg` draws it. */
#include "graph.h"

static const char *const colours[] = {
    [LEAF] = "#d9ead3",    [MAP] = "#ffffff",      [VIEW] = "#eeeeee",
    [REDUCE] = "#fff2cc",  [CONTRACT] = "#f4cccc", [GATHER] = "#d0e0f0",
    [SCATTER] = "#d0e0f0", [META] = "#ead1dc",     [LOOP] = "#d9d2e9",
};

void graph_dot(const Graph *g, Text *out)
{
	text_printf(out, "digraph \"%s\" {\n  node [shape=box, style=filled, fontname=monospace];\n",
	            g->name);
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		text_printf(out, "  n%u [label=\"%s", x, op_info[n->op].name);
		if (n->op == OP_input || n->op == OP_state)
			text_printf(out, " %s", n->attr.name);
		if (n->op == OP_constant) {
			text_printf(out, " ");
			text_number(out, n->attr.value, n->type == DTYPE_f32);
		}
		text_printf(out, "\\n%s\", fillcolor=\"%s\"];\n",
		            shape_text(g->c->arena, n->type, n->shape), colours[op_info[n->op].kind]);
		for (int i = 0; i < n->count; i++)
			text_printf(out, "  n%u -> n%u;\n", n->in[i], x);
	}
	for (uint32_t i = 0; i < g->out_count; i++)
		text_printf(out, "  out%u [label=\"%s\", shape=ellipse];\n  n%u -> out%u;\n", i,
		            g->out[i].name, g->out[i].value, i);
	for (uint32_t i = 0; i < g->set_count; i++)
		text_printf(out, "  n%u -> n%u [style=dashed, constraint=false, label=set];\n",
		            g->set[i].value, g->set[i].state);
	text_printf(out, "}\n");
}
