/* views.c: views, reductions, gather and scatter as ONNX operators. */
#include "writer.h"

#include <string.h>

static NodeId in(const Onnx *o, NodeId x, int i)
{
	return node(o->g, x)->in[i];
}

/* One number everywhere: moving elements changes nothing. */
static bool is_scalar(const Onnx *o, NodeId x)
{
	return o->at[x].name && o->at[x].rank == 0;
}

static Stored scalar(const Onnx *o, NodeId x)
{
	return (Stored){o->at[x].name, 0, ~0u};
}

/* -- Views ------------------------------------------------------------------------------------- */

/* Only the axes of length 1 between its own are written: Expand, where it is needed, does the rest. */
Stored onnx_broadcast(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	const Node *n = node(o->g, x), *from = node(o->g, n->in[0]);
	Stored s = o->at[n->in[0]];
	if (is_scalar(o, n->in[0]) || !s.name)
		return scalar(o, n->in[0]);
	unsigned absent = from->shape.rank - s.rank, first = n->attr.axes.at[absent];
	unsigned rank = n->shape.rank - first;
	Stored to = {s.name, rank, ~0u};
	Extent e[MAX_RANK];
	for (unsigned i = 0; i < rank; i++)
		e[i] = (Extent){1, 0};
	for (unsigned i = absent; i < from->shape.rank; i++) {
		unsigned axis = n->attr.axes.at[i];
		if ((s.narrow >> i & 1) || is_one(o->extent[n->in[0]][i]))
			continue;
		e[axis - first] = o->extent[n->in[0]][i];
		to.narrow &= ~(1u << axis);
	}
	if (rank != s.rank)
		to.name = reshaped(o, s.name, e, (int)rank);
	return to;
}

Stored onnx_reshape(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	NodeId from = in(o, x, 0);
	if (is_scalar(o, from))
		return scalar(o, from);
	const char *name = whole(o, from);
	return all_of(o, x, name ? reshaped(o, name, o->extent[x], node(o->g, x)->shape.rank) : NULL);
}

Stored onnx_transpose(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	const Node *n = node(o->g, x);
	int64_t order[MAX_RANK];
	if (is_scalar(o, n->in[0]))
		return scalar(o, n->in[0]);
	for (int i = 0; i < n->shape.rank; i++)
		order[i] = n->attr.axes.at[i];
	return all_of(o, x, transposed(o, whole(o, n->in[0]), order, n->shape.rank));
}

/* Axes that stay as they are are not named; what is taken up to the end, whatever that is, says so. */
Stored onnx_slice(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x), *from = node(o->g, n->in[0]);
	int64_t start[MAX_RANK], stop[MAX_RANK], axis[MAX_RANK], step[MAX_RANK];
	int count = 0;
	if (is_scalar(o, n->in[0]))
		return scalar(o, n->in[0]);
	for (int i = 0; i < n->shape.rank; i++) {
		int64_t dim = from->shape.dim[i], by = n->attr.slice.step[i];
		if (by == 1 && n->attr.slice.start[i] == 0 && n->attr.slice.stop[i] == dim)
			continue;
		if (by < 0 && o->extent[n->in[0]][i].each)
			return refuse(o, x, "it runs back over an axis of free length");
		start[count] = n->attr.slice.start[i];
		stop[count] = n->attr.slice.stop[i];
		if (by > 0 && stop[count] == dim)
			stop[count] = INT64_MAX;
		if (by < 0 && stop[count] < 0) /* a negative index would count from the end */
			stop[count] = INT64_MIN;
		axis[count] = i;
		step[count++] = by;
	}
	const char *name = whole(o, n->in[0]);
	if (!count)
		return all_of(o, x, name);
	return all_of(o, x,
	              EMIT(o, op, name, constant_ints(o, start, count), constant_ints(o, stop, count),
	                   constant_ints(o, axis, count), constant_ints(o, step, count)));
}

static const char *padded(Onnx *o, const char *name, const char *op, const int64_t *low,
                          const int64_t *high, int rank, const char *value)
{
	int64_t pads[2 * MAX_RANK];
	bool any = false;
	for (int i = 0; i < rank; i++) {
		pads[i] = low[i];
		pads[rank + i] = high[i];
		any |= low[i] || high[i];
	}
	return any ? EMIT(o, op, name, constant_ints(o, pads, 2 * rank), value) : name;
}

/* inner: each element gets an axis of its own, which is padded behind it; what the last one got is
 * cut again. */
static const char *spread(Onnx *o, NodeId x, const char *name, const char *op, const char *value)
{
	const Node *n = node(o->g, x);
	const int64_t none[2 * MAX_RANK] = {0};
	for (int i = 0; i < n->shape.rank; i++) {
		int64_t inner = n->attr.pad.inner[i], high[MAX_RANK + 1] = {0};
		Extent to[MAX_RANK + 1];
		if (!inner)
			continue;
		for (int j = 0, k = 0; j < n->shape.rank; j++) {
			Extent e = o->extent[n->in[0]][j];
			int64_t by = j < i ? n->attr.pad.inner[j] : 0; /* those before are spread already */
			to[k++] = (Extent){e.fixed * (by + 1) - by, e.each * (by + 1)};
			if (j == i)
				to[k++] = (Extent){1, 0};
		}
		high[i + 1] = inner;
		name = reshaped(o, name, to, n->shape.rank + 1);
		name = padded(o, name, op, none, high, n->shape.rank + 1, value);
		Extent joined[MAX_RANK];
		for (int j = 0; j < n->shape.rank; j++)
			joined[j] = to[j > i ? j + 1 : j];
		joined[i] = (Extent){to[i].fixed * (inner + 1), to[i].each * (inner + 1)};
		name = reshaped(o, name, joined, n->shape.rank);
		const int64_t cut[MAX_RANK] = {[0] = 0};
		int64_t back[MAX_RANK] = {0};
		back[i] = -inner;
		name = padded(o, name, op, cut, back, n->shape.rank, value);
	}
	return name;
}

Stored onnx_pad(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	const char *name = whole(o, n->in[0]);
	const char *value = constant(o, n->type == DTYPE_bool ? DTYPE_u8 : n->type, n->attr.pad.value);
	if (n->type == DTYPE_bool)
		name = cast_to(o, name, ONNX_UINT8);
	name = spread(o, x, name, op, value);
	name = padded(o, name, op, n->attr.pad.low, n->attr.pad.high, n->shape.rank, value);
	return all_of(o, x, n->type == DTYPE_bool ? cast_to(o, name, ONNX_BOOL) : name);
}

Stored onnx_concat(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	const char *name[MAX_INS];
	for (int i = 0; i < n->count; i++)
		name[i] = whole(o, n->in[i]);
	attribute_int(o, "axis", n->attr.axis);
	return all_of(o, x, emit(o, op, name, n->count));
}

/* Where the places of all windows are: [positions, size]. */
static const char *window_places(Onnx *o, NodeId x)
{
	const Node *n = node(o->g, x);
	int axis = (int)n->attr.window.axis;
	int64_t dim[2] = {n->shape.dim[axis], n->shape.dim[axis + 1]};
	int32_t *at = new_array(o->c->arena, int32_t, (size_t)(dim[0] * dim[1]));
	for (int64_t p = 0; p < dim[0]; p++)
		for (int64_t k = 0; k < dim[1]; k++)
			at[p * dim[1] + k] = (int32_t)(p * n->attr.window.stride + k * n->attr.window.dilation);
	const char *name = arena_printf(o->c->arena, "windows(%lldx%lld,%lld,%lld)", (long long)dim[0],
	                                (long long)dim[1], (long long)n->attr.window.stride,
	                                (long long)n->attr.window.dilation);
	return constant_table(o, name, DTYPE_i32, dim, 2, at);
}

Stored onnx_windows(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	if (is_scalar(o, n->in[0]))
		return scalar(o, n->in[0]);
	if (o->extent[n->in[0]][n->attr.window.axis].each)
		return refuse(o, x, "its axis has a free length");
	attribute_int(o, "axis", n->attr.window.axis);
	return all_of(o, x, EMIT(o, op, whole(o, n->in[0]), window_places(o, x)));
}

/* -- Reductions -------------------------------------------------------------------------------- */

static int axes_of(const Node *n, int64_t axis[MAX_RANK])
{
	for (int i = 0; i < n->attr.axes.count; i++)
		axis[i] = n->attr.axes.at[i];
	return n->attr.axes.count;
}

/* Bytes add up as i32, and wrap. */
Stored onnx_sum(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	int64_t axis[MAX_RANK];
	int count = axes_of(n, axis);
	const char *name = whole(o, n->in[0]);
	if (!count)
		return all_of(o, x, name);
	if (n->type == DTYPE_u8)
		name = cast_to(o, name, ONNX_INT32);
	attribute_int(o, "keepdims", 0);
	name = EMIT(o, op, name, constant_ints(o, axis, count));
	return all_of(o, x, n->type == DTYPE_u8 ? cast_to(o, name, ONNX_UINT8) : name);
}

/* Until opset 18 the axes are an attribute. */
Stored onnx_largest(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	int64_t axis[MAX_RANK];
	int count = axes_of(n, axis);
	if (!count)
		return all_of(o, x, whole(o, n->in[0]));
	attribute_ints(o, "axes", axis, count);
	attribute_int(o, "keepdims", 0);
	return all_of(o, x, EMIT(o, op, whole(o, n->in[0])));
}

/* -- By index ---------------------------------------------------------------------------------- */

/* Into range, as ops.def says; ONNX calls all else an error. */
static const char *clamped(Onnx *o, const char *at, Extent length)
{
	const char *last;
	if (!length.each) {
		last = constant(o, DTYPE_i32, (double)length.fixed - 1);
	} else {
		const int64_t scalar = 0;
		const char *n = EMIT(o, "Reshape", extent_value(o, length), constant_ints(o, &scalar, 0));
		last = EMIT(o, "Sub", cast_to(o, n, ONNX_INT32), constant(o, DTYPE_i32, 1));
	}
	return EMIT(o, "Clip", at, constant(o, DTYPE_i32, 0), last);
}

Stored onnx_gather(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	const char *at = clamped(o, whole(o, n->in[1]), o->extent[n->in[0]][n->attr.axis]);
	const char *from = whole(o, n->in[0]);
	attribute_int(o, "axis", n->attr.axis);
	return all_of(o, x, EMIT(o, op, from, at));
}

/* The axis comes first, and the axes of `at` become one. */
Stored onnx_scatter(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x), *at = node(o->g, n->in[1]), *y = node(o->g, n->in[2]);
	int axis = (int)n->attr.axis, rank = n->shape.rank, places = at->shape.rank, k = 0;
	int64_t front[MAX_RANK], back[MAX_RANK], of_y[MAX_RANK];
	Extent list[2] = {{-1, 0}, {1, 0}}, rows[MAX_RANK] = {{-1, 0}};
	front[k++] = axis;
	for (int i = 0; i < rank; i++)
		if (i != axis)
			rows[k] = o->extent[x][i], front[k++] = i;
	for (int i = 0; i < rank; i++)
		back[front[i]] = i;
	k = 0;
	for (int i = 0; i < places; i++)
		of_y[k++] = axis + i;
	for (int i = 0; i < y->shape.rank; i++)
		if (i < axis || i >= axis + places)
			of_y[k++] = i;
	bool open = false;
	for (int i = 0; i < places; i++)
		open |= o->extent[n->in[1]][i].each != 0;
	for (int i = 1; i < rank; i++) {
		if (rows[i].each && open)
			return refuse(o, x, "the indices and the rows both have free lengths");
		if (rows[i].each)
			rows[0] = (Extent){shape_size(at->shape), 0};
	}
	const char *where = clamped(o, whole(o, n->in[1]), o->extent[x][axis]);
	where = reshaped(o, cast_to(o, where, ONNX_INT64), list, 2);
	const char *added = transposed(o, whole(o, n->in[2]), of_y, y->shape.rank);
	added = reshaped(o, added, rows, rank);
	const char *to = transposed(o, whole(o, n->in[0]), front, rank);
	attribute_text(o, "reduction", "add");
	return all_of(o, x, transposed(o, EMIT(o, op, to, where, added), back, rank));
}
