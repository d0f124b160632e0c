/* json.c: a graph as JSON, for other programs: what print.c says of it, as data.
 *
 *   {"graph": "step", "stage": "fold", "nodes": [{"id": 3, "op": "dot", "in": [1, 2], "attributes":
 *    {"contract": [[1], [0]]}, "type": "f32", "shape": [100, 10], "place": ["m.json", 4, 16]}, ...],
 *    "outputs": [{"name": "loss", "node": 19}], "sets": [{"state": 2, "node": 38}]} */
#include "graph.h"

static void json_list(Text *out, const int64_t *at, int count)
{
	text_printf(out, "[");
	for (int i = 0; i < count; i++)
		text_printf(out, "%s%lld", i ? ", " : "", (long long)at[i]);
	text_printf(out, "]");
}

/* Numbers that JSON has not are texts: "inf", "-inf", "nan". */
static void json_value(Text *out, double value, bool is_float)
{
	bool finite = value - value == 0;
	text_printf(out, finite ? "" : "\"");
	text_number(out, value, is_float);
	text_printf(out, finite ? "" : "\"");
}

static void json_part(const AttrPart *p, Text *out)
{
	text_printf(out, "\"%s\": ", p->name);
	switch (p->kind) {
	case PART_NUMBER:
		json_value(out, p->number, p->is_float);
		break;
	case PART_TEXT:
		text_json(out, p->text);
		break;
	case PART_WHOLE:
		text_printf(out, "%lld", (long long)p->whole);
		break;
	case PART_LIST:
		json_list(out, p->at[0], p->count);
		break;
	case PART_PAIR:
		text_printf(out, "[");
		json_list(out, p->at[0], p->count);
		text_printf(out, ", ");
		json_list(out, p->at[1], p->count);
		text_printf(out, "]");
		break;
	case PART_FLAG:
		text_printf(out, p->whole ? "true" : "false");
		break;
	}
}

static void json_attr(const Graph *g, const Node *n, Text *out)
{
	AttrPart part[ATTR_PARTS];
	int count = attr_parts(g, n, part);
	for (int i = 0; i < count; i++) {
		text_printf(out, i ? ", " : "");
		json_part(&part[i], out);
	}
}

static void json_place(const Graph *g, Span origin, Text *out)
{
	uint32_t row, column;
	if (!origin.file)
		return;
	diags_place(g->c->diags, origin, &row, &column);
	text_printf(out, ", \"place\": [");
	text_json(out, diags_name(g->c->diags, origin.file));
	text_printf(out, ", %u, %u]", row, column);
}

static void json_body(const Graph *g, int indent, Text *out)
{
	text_printf(out, "\"nodes\": [");
	for (NodeId x = 1; x < g->count; x++) {
		const Node *n = node(g, x);
		text_printf(out, "%s\n%*s{\"id\": %u, \"op\": \"%s\", \"in\": [", x > 1 ? "," : "", indent,
		            "", x, op_info[n->op].name);
		for (int i = 0; i < n->count; i++)
			text_printf(out, "%s%u", i ? ", " : "", n->in[i]);
		text_printf(out, "], \"attributes\": {");
		json_attr(g, n, out);
		text_printf(out, "}, \"type\": \"%s\", \"shape\": ", type_info[n->type].name);
		json_list(out, n->shape.dim, n->shape.rank);
		json_place(g, n->origin, out);
		if (n->op == OP_scan) {
			text_printf(out, ", \"body\": {");
			json_body(n->attr.region->body, indent + 2, out);
			text_printf(out, "}");
		}
		text_printf(out, "}");
	}
	text_printf(out, "],\n%*s\"outputs\": [", indent, "");
	for (uint32_t i = 0; i < g->out_count; i++) {
		text_printf(out, i ? ", {\"name\": " : "{\"name\": ");
		text_json(out, g->out[i].name);
		text_printf(out, ", \"node\": %u}", g->out[i].value);
	}
	text_printf(out, "],\n%*s\"sets\": [", indent, "");
	for (uint32_t i = 0; i < g->set_count; i++)
		text_printf(out, "%s{\"state\": %u, \"node\": %u}", i ? ", " : "", g->set[i].state,
		            g->set[i].value);
	text_printf(out, "]");
}

void graph_json(const Graph *g, const char *stage, Text *out)
{
	text_printf(out, "{\"graph\": ");
	text_json(out, g->name);
	text_printf(out, ", \"stage\": \"%s\", ", stage);
	json_body(g, 2, out);
	text_printf(out, "}\n");
}
