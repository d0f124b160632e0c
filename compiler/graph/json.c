/* json.c: a graph as JSON, for other programs: what print.c says of it, as data.
 *
 *   {"graph": "step", "stage": "fold", "nodes": [{"id": 3, "op": "dot", "in": [1, 2], "attributes":
 *    {"contract": [[1], [0]]}, "type": "f32", "shape": [100, 10], "place": ["m.json", 4, 16]}, ...],
 *    "outputs": [{"name": "loss", "node": 19}], "sets": [{"state": 2, "node": 38}]} */
#include "graph.h"

#include <string.h>

static void json_list(Text *out, const int64_t *at, int count)
{
	text_printf(out, "[");
	for (int i = 0; i < count; i++)
		text_printf(out, "%s%lld", i ? ", " : "", (long long)at[i]);
	text_printf(out, "]");
}

static void json_axes(Text *out, const uint8_t *at, int count)
{
	int64_t wide[MAX_RANK] = {0};
	for (int i = 0; i < count; i++)
		wide[i] = at[i];
	json_list(out, wide, count);
}

/* The same axes of x and of y. */
static void json_pair(Text *out, const char *name, const uint8_t *x, const uint8_t *y, int count)
{
	text_printf(out, "\"%s\": [", name);
	json_axes(out, x, count);
	text_printf(out, ", ");
	json_axes(out, y, count);
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

static void json_attr(const Graph *g, const Node *n, Text *out)
{
	const char *attr = op_info[n->op].attr;
	int rank = n->count ? node(g, n->in[0])->shape.rank : 0;
	if (strcmp(attr, "value") == 0) {
		text_printf(out, "\"value\": ");
		json_value(out, n->attr.value, n->type == DTYPE_f32);
	} else if (strcmp(attr, "name") == 0) {
		text_printf(out, "\"name\": ");
		text_json(out, n->attr.name);
	} else if (strcmp(attr, "axis") == 0) {
		text_printf(out, "\"axis\": %u", n->attr.axis);
	} else if (strcmp(attr, "key") == 0) {
		text_printf(out, "\"key\": %u", n->attr.key);
	} else if (strcmp(attr, "axes") == 0) {
		text_printf(out, "\"axes\": ");
		json_axes(out, n->attr.axes.at, n->attr.axes.count);
	} else if (strcmp(attr, "slice") == 0) {
		text_printf(out, "\"start\": ");
		json_list(out, n->attr.slice.start, rank);
		text_printf(out, ", \"stop\": ");
		json_list(out, n->attr.slice.stop, rank);
		text_printf(out, ", \"step\": ");
		json_list(out, n->attr.slice.step, rank);
	} else if (strcmp(attr, "pad") == 0) {
		text_printf(out, "\"low\": ");
		json_list(out, n->attr.pad.low, rank);
		text_printf(out, ", \"high\": ");
		json_list(out, n->attr.pad.high, rank);
		text_printf(out, ", \"inner\": ");
		json_list(out, n->attr.pad.inner, rank);
		text_printf(out, ", \"value\": ");
		json_value(out, n->attr.pad.value, false);
	} else if (strcmp(attr, "window") == 0) {
		bool adds = n->op == OP_overlap_add;
		text_printf(out, "\"axis\": %lld, \"%s\": %lld, \"stride\": %lld, \"dilation\": %lld",
		            (long long)n->attr.window.axis, adds ? "length" : "size",
		            (long long)(adds ? n->attr.window.length : n->attr.window.size),
		            (long long)n->attr.window.stride, (long long)n->attr.window.dilation);
	} else if (strcmp(attr, "dot") == 0) {
		const DotAxes *d = &n->attr.dot;
		json_pair(out, "batch", d->x_batch, d->y_batch, d->batch);
		text_printf(out, ", ");
		json_pair(out, "contract", d->x_contract, d->y_contract, d->contract);
	} else if (strcmp(attr, "region") == 0) {
		const Region *r = n->attr.region;
		text_printf(out, "\"carries\": %u, \"sequences\": %u, \"length\": %lld, \"reverse\": %s",
		            r->carries, r->sequences, (long long)r->length, r->reverse ? "true" : "false");
	} else if (strcmp(attr, "result") == 0) {
		text_printf(out, "\"%s\": %u", n->attr.result.last ? "last" : "all", n->attr.result.index);
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
