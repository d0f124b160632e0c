/* convolution.c: products and maxima over windows as Conv and MaxPool.
 *
 * A convolution is a dot of windows(windows(pad(x))) with weights, which contracts the places in the
 * windows and one axis of channels; groups are a batch axis of the dot. Images are channels last
 * here and channels first in ONNX, so Transposes stand around; engines cancel those that meet. */
#include "writer.h"

#include <string.h>

enum { MOST_SPACES = 3 };

/* Windows over windows over padding, seen as one view of `base`. */
typedef struct Space {         /* an axis of base that has windows */
	int axis, position, place; /* of base; of the view */
	int64_t size, stride, dilation, low, high;
} Space;
typedef struct View {
	NodeId base;
	int spaces;
	Space space[MOST_SPACES];  /* in the order of their axes */
	int rank, plain[MAX_RANK]; /* of the view: the axis of base that an axis is, -1: of windows */
} View;

/* Padding by `value` of axes that have windows; false: of another kind. */
static bool see_pad(const Graph *g, View *v, double value)
{
	const Node *n = node(g, v->base);
	if (n->attr.pad.value != value)
		return false;
	for (int i = 0; i < n->shape.rank; i++) {
		bool is_space = false;
		for (int s = 0; s < v->spaces; s++)
			is_space |= v->space[s].axis == i;
		if (n->attr.pad.inner[i] || n->attr.pad.low[i] < 0 || n->attr.pad.high[i] < 0 ||
		    (!is_space && (n->attr.pad.low[i] || n->attr.pad.high[i])))
			return false;
	}
	for (int s = 0; s < v->spaces; s++) {
		v->space[s].low += n->attr.pad.low[v->space[s].axis];
		v->space[s].high += n->attr.pad.high[v->space[s].axis];
	}
	v->base = n->in[0];
	return true;
}

/* From the innermost view outwards, so that axes are those of what is below. */
static bool see(const Onnx *o, NodeId x, double padding, View *v)
{
	const Graph *g = o->g;
	NodeId chain[MOST_SPACES];
	*v = (View){.base = x};
	while (v->spaces < MOST_SPACES && node(g, v->base)->op == OP_windows) {
		chain[v->spaces++] = v->base;
		v->base = node(g, v->base)->in[0];
	}
	v->rank = node(g, v->base)->shape.rank;
	for (int i = 0; i < v->rank; i++)
		v->plain[i] = i;
	for (int s = v->spaces - 1; s >= 0; s--) {
		const Node *w = node(g, chain[s]);
		int at = (int)w->attr.window.axis;
		if (v->plain[at] < 0 || o->extent[w->in[0]][at].each)
			return false; /* windows over windows of one axis, or over the batch */
		v->space[s].axis = v->plain[at];
		v->space[s].size = w->attr.window.size;
		v->space[s].stride = w->attr.window.stride;
		v->space[s].dilation = w->attr.window.dilation;
		for (int i = v->rank; i > at + 1; i--)
			v->plain[i] = v->plain[i - 1];
		v->rank++;
		v->plain[at] = v->plain[at + 1] = -1;
		for (int t = s + 1; t < v->spaces; t++) {
			v->space[t].position += v->space[t].position > at;
			v->space[t].place += v->space[t].place > at;
		}
		v->space[s].position = at;
		v->space[s].place = at + 1;
	}
	for (int s = 1; s < v->spaces; s++)
		for (int t = s; t > 0 && v->space[t].axis < v->space[t - 1].axis; t--) {
			Space other = v->space[t];
			v->space[t] = v->space[t - 1];
			v->space[t - 1] = other;
		}
	while (v->spaces && node(g, v->base)->op == OP_pad && see_pad(g, v, padding))
		;
	return v->spaces > 0;
}

static int find(const uint8_t *axis, int count, int of)
{
	for (int i = 0; i < count; i++)
		if (axis[i] == of)
			return i;
	return -1;
}

static void put_window(Onnx *o, const View *v)
{
	int64_t pads[2 * MOST_SPACES], size[MOST_SPACES], stride[MOST_SPACES], dilation[MOST_SPACES];
	for (int s = 0; s < v->spaces; s++) {
		size[s] = v->space[s].size;
		stride[s] = v->space[s].stride;
		dilation[s] = v->space[s].dilation;
		pads[s] = v->space[s].low;
		pads[v->spaces + s] = v->space[s].high;
	}
	attribute_ints(o, "kernel_shape", size, v->spaces);
	attribute_ints(o, "strides", stride, v->spaces);
	attribute_ints(o, "dilations", dilation, v->spaces);
	attribute_ints(o, "pads", pads, 2 * v->spaces);
}

/* -- Convolution ------------------------------------------------------------------------------- */

typedef struct Convolution {
	View v;
	int batch, channel, group; /* axes of base; group -1: none */
	/* of the weights */
	int w_channel, w_group, w_out; /* w_out -1: none, one channel of results a group */
	int w_place[MOST_SPACES];
} Convolution;

Match *match_convolution(Onnx *o, NodeId x)
{
	const Node *n = node(o->g, x);
	const DotAxes *d = &n->attr.dot;
	Convolution c = {
	    .batch = -1, .channel = -1, .group = -1, .w_channel = -1, .w_group = -1, .w_out = -1};
	if (n->op != OP_dot || n->type != DTYPE_f32 || !see(o, n->in[0], 0, &c.v) || d->batch > 1 ||
	    node(o->g, n->in[0])->type != DTYPE_f32)
		return NULL;
	for (int s = 0; s < c.v.spaces; s++) {
		int i = find(d->x_contract, d->contract, c.v.space[s].place);
		if (i < 0 || find(d->x_contract, d->contract, c.v.space[s].position) >= 0 ||
		    find(d->x_batch, d->batch, c.v.space[s].position) >= 0)
			return NULL;
		c.w_place[s] = d->y_contract[i];
	}
	for (int i = 0; i < c.v.rank; i++) {
		int at = c.v.plain[i], contracted = find(d->x_contract, d->contract, i);
		if (at < 0)
			continue;
		if (contracted >= 0 && c.channel < 0)
			c.channel = at, c.w_channel = d->y_contract[contracted];
		else if (find(d->x_batch, d->batch, i) >= 0)
			c.group = at, c.w_group = d->y_batch[0];
		else if (contracted < 0 && c.batch < 0)
			c.batch = at;
		else
			return NULL;
	}
	int w_rank = node(o->g, n->in[1])->shape.rank, out = w_rank - d->contract - d->batch;
	if (c.batch < 0 || c.channel < 0 || out > 1 || (c.group < 0) != !d->batch)
		return NULL;
	for (int i = 0; i < w_rank; i++)
		if (find(d->y_contract, d->contract, i) < 0 && find(d->y_batch, d->batch, i) < 0)
			c.w_out = i;
	for (int i = 0; i < w_rank; i++)
		if (o->extent[n->in[1]][i].each)
			return NULL;
	Convolution *kept = new (o->c->arena, Convolution);
	*kept = c;
	return match_new(o, 2, (NodeId[]){c.v.base, n->in[1]}, kept);
}

/* [batch, groups * channels, spaces...] */
static const char *channels_first(Onnx *o, const Convolution *c)
{
	const Extent *e = o->extent[c->v.base];
	int64_t order[MAX_RANK];
	Extent to[MAX_RANK];
	int k = 0, rank = 2 + c->v.spaces;
	order[k++] = c->batch;
	if (c->group >= 0)
		order[k++] = c->group;
	order[k++] = c->channel;
	for (int s = 0; s < c->v.spaces; s++)
		order[k++] = c->v.space[s].axis;
	const char *name = transposed(o, whole(o, c->v.base), order, k);
	if (c->group < 0)
		return name;
	to[0] = e[c->batch];
	to[1] = (Extent){e[c->group].fixed * e[c->channel].fixed, 0};
	for (int s = 0; s < c->v.spaces; s++)
		to[2 + s] = e[c->v.space[s].axis];
	return reshaped(o, name, to, rank);
}

/* [groups * out, channels, places...] */
static const char *weights_first(Onnx *o, const Convolution *c, NodeId w)
{
	const Extent *e = o->extent[w];
	int64_t order[MAX_RANK], out = 1;
	Extent to[MAX_RANK];
	int k = 0, rank = 2 + c->v.spaces;
	if (c->group >= 0)
		order[k++] = c->w_group, out *= e[c->w_group].fixed;
	if (c->w_out >= 0)
		order[k++] = c->w_out, out *= e[c->w_out].fixed;
	order[k++] = c->w_channel;
	for (int s = 0; s < c->v.spaces; s++)
		order[k++] = c->w_place[s];
	const char *name = transposed(o, whole(o, w), order, k);
	if (k == rank && c->group < 0)
		return name;
	to[0] = (Extent){out, 0};
	to[1] = e[c->w_channel];
	for (int s = 0; s < c->v.spaces; s++)
		to[2 + s] = (Extent){c->v.space[s].size, 0};
	return reshaped(o, name, to, rank);
}

/* From [batch, groups * out, spaces...] to the dot's axes: group, those of x that are free, out. */
static const char *channels_last(Onnx *o, NodeId x, const Convolution *c, const char *name)
{
	const Node *n = node(o->g, x);
	bool grouped = c->group >= 0, has_out = c->w_out >= 0;
	Extent e[MAX_RANK];
	int64_t order[MAX_RANK];
	int k = 0, rank = 0, space = 1 + grouped + has_out;
	const Extent *to = o->extent[x];
	if (grouped)
		order[k++] = 1;
	for (int i = 0; i < c->v.rank; i++) { /* batch and positions, as they stand in the view */
		if (c->v.plain[i] == c->batch)
			order[k++] = 0;
		for (int s = 0; s < c->v.spaces; s++)
			if (c->v.space[s].position == i)
				order[k++] = space + s;
	}
	if (has_out)
		order[k++] = 1 + grouped;
	if (grouped == has_out) { /* the second axis is two of the dot's, or none */
		rank = n->shape.rank;
		for (int i = 0; i < rank; i++)
			e[order[i]] = to[i];
		name = reshaped(o, name, e, rank);
	}
	return transposed(o, name, order, k);
}

Stored write_convolution(Onnx *o, NodeId x, const Match *m)
{
	const Convolution *c = m->detail;
	const char *from = channels_first(o, c), *w = weights_first(o, c, m->in[1]);
	if (c->group >= 0)
		attribute_int(o, "group", o->extent[c->v.base][c->group].fixed);
	put_window(o, &c->v);
	return all_of(o, x, channels_last(o, x, c, EMIT(o, "Conv", from, w)));
}

/* -- The largest of windows -------------------------------------------------------------------- */

/* Channels are what is left but the first axis. */
Match *match_max_pool(Onnx *o, NodeId x)
{
	const Node *n = node(o->g, x);
	View v;
	if (n->op != OP_reduce_max || n->type != DTYPE_f32 || !see(o, n->in[0], -__builtin_inf(), &v) ||
	    n->attr.axes.count != v.spaces || node(o->g, v.base)->shape.rank != v.spaces + 2)
		return NULL;
	for (int s = 0; s < v.spaces; s++)
		if (find(n->attr.axes.at, n->attr.axes.count, v.space[s].place) < 0 ||
		    v.space[s].low >= v.space[s].size || v.space[s].high >= v.space[s].size)
			return NULL;
	View *kept = new (o->c->arena, View);
	*kept = v;
	return match_new(o, 1, &v.base, kept);
}

Stored write_max_pool(Onnx *o, NodeId x, const Match *m)
{
	const View *v = m->detail;
	int64_t order[MAX_RANK], back[MAX_RANK];
	int k = 0, rank = v->spaces + 2;
	for (int i = 0; i < rank; i++) {
		bool is_space = false;
		for (int s = 0; s < v->spaces; s++)
			is_space |= v->space[s].axis == i;
		if (!is_space)
			order[k++] = i;
	}
	for (int s = 0; s < v->spaces; s++)
		order[k++] = v->space[s].axis;
	for (int i = 0; i < rank; i++)
		back[order[i]] = i;
	const char *from = transposed(o, whole(o, v->base), order, rank);
	put_window(o, v);
	return all_of(o, x, transposed(o, EMIT(o, "MaxPool", from), back, rank));
}
