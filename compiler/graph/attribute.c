/* attribute.c: what the attribute of a node says, part by part; print.c and json.c only spell it. */
#include "graph.h"

#include <string.h>

static AttrPart whole(const char *name, int64_t value)
{
	return (AttrPart){.name = name, .kind = PART_WHOLE, .whole = value};
}

static AttrPart number(const char *name, double value, bool is_float)
{
	return (AttrPart){.name = name, .kind = PART_NUMBER, .number = value, .is_float = is_float};
}

static AttrPart list(const char *name, const int64_t *at, int count)
{
	AttrPart part = {.name = name, .kind = PART_LIST, .count = count};
	for (int i = 0; i < count; i++)
		part.at[0][i] = at[i];
	return part;
}

/* Axes of x and of y; y may be NULL: a list. */
static AttrPart axes(const char *name, const uint8_t *x, const uint8_t *y, int count)
{
	AttrPart part = {.name = name, .kind = y ? PART_PAIR : PART_LIST, .count = count};
	for (int i = 0; i < count; i++) {
		part.at[0][i] = x[i];
		part.at[1][i] = y ? y[i] : 0;
	}
	return part;
}

int attr_parts(const Graph *g, const Node *n, AttrPart to[ATTR_PARTS])
{
	const char *kind = op_info[n->op].attr;
	const Attr *a = &n->attr;
	int rank = n->count ? node(g, n->in[0])->shape.rank : 0, count = 0;
	if (strcmp(kind, "value") == 0) {
		to[count++] = number("value", a->value, n->type == DTYPE_f32);
	} else if (strcmp(kind, "name") == 0) {
		to[count++] = (AttrPart){.name = "name", .kind = PART_TEXT, .text = a->name};
	} else if (strcmp(kind, "axis") == 0) {
		to[count++] = whole("axis", a->axis);
	} else if (strcmp(kind, "key") == 0) {
		to[count++] = whole("key", a->key);
	} else if (strcmp(kind, "axes") == 0) {
		to[count++] = axes("axes", a->axes.at, NULL, a->axes.count);
	} else if (strcmp(kind, "slice") == 0) {
		to[count++] = list("start", a->slice.start, rank);
		to[count++] = list("stop", a->slice.stop, rank);
		to[count++] = list("step", a->slice.step, rank);
	} else if (strcmp(kind, "pad") == 0) {
		to[count++] = list("low", a->pad.low, rank);
		to[count++] = list("high", a->pad.high, rank);
		to[count++] = list("inner", a->pad.inner, rank);
		to[count++] = number("value", a->pad.value, false);
	} else if (strcmp(kind, "window") == 0) {
		bool adds = n->op == OP_overlap_add;
		to[count++] = whole("axis", a->window.axis);
		to[count++] = adds ? whole("length", a->window.length) : whole("size", a->window.size);
		to[count++] = whole("stride", a->window.stride);
		to[count++] = whole("dilation", a->window.dilation);
	} else if (strcmp(kind, "dot") == 0) {
		const DotAxes *d = &a->dot;
		to[count++] = axes("batch", d->x_batch, d->y_batch, d->batch);
		to[count++] = axes("contract", d->x_contract, d->y_contract, d->contract);
	} else if (strcmp(kind, "region") == 0) {
		to[count++] = whole("carries", a->region->carries);
		to[count++] = whole("sequences", a->region->sequences);
		to[count++] = whole("length", a->region->length);
		to[count++] = (AttrPart){.name = "reverse", .kind = PART_FLAG, .whole = a->region->reverse};
	} else if (strcmp(kind, "result") == 0) {
		to[count++] = whole(a->result.last ? "last" : "all", a->result.index);
	}
	return count;
}
