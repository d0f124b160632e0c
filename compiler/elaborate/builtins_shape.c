/* builtins_shape.c: the builtins about shapes: they check what the user gave, then make views,
 * reductions and dots. */
#include "elaborator.h"

#include <math.h>
#include <string.h>

/* The tensor behind an argument; 0: reported. Numbers become scalars. */
static NodeId tensor(Elab *b, const Given *in, const char *what)
{
	NodeId x = value_to_tensor(b, &in->value, (DType)b->c->float_type);
	if (!x && in->value.kind != VALUE_NONE)
		elab_error(b, in->span, "%s is %s, but must be a tensor", what, value_text(b, &in->value));
	return x;
}

static Shape shape_at(const Elab *b, NodeId x)
{
	return node(b->g, x)->shape;
}

static Value shape_value(Elab *b, Shape s)
{
	Value item[MAX_RANK];
	for (int i = 0; i < s.rank; i++)
		item[i] = value_number((double)s.dim[i]);
	return value_list(b, item, s.rank);
}

Value builtin_shape(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of shape");
	(void)span;
	return x ? shape_value(b, shape_at(b, x)) : value_none();
}

Value builtin_dim(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of dim");
	int axis;
	(void)span;
	if (!x || !value_to_axis(b, in[1].span, &in[1].value, shape_at(b, x).rank, &axis))
		return value_none();
	return value_number((double)shape_at(b, x).dim[axis]);
}

Value builtin_rank(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of rank");
	(void)span;
	return x ? value_number(shape_at(b, x).rank) : value_none();
}

Value builtin_size(Elab *b, Span span, Given *in)
{
	(void)span;
	if (in[0].value.kind == VALUE_LIST)
		return value_number((double)in[0].value.count);
	NodeId x = tensor(b, &in[0], "'x' of size");
	return x ? value_number((double)shape_size(shape_at(b, x))) : value_none();
}

Value builtin_is_integer(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of is_integer");
	(void)span;
	return x ? value_number(type_info[node(b->g, x)->type].is_int) : value_none();
}

Value builtin_reshape(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of reshape");
	int64_t dim[MAX_RANK], known = 1, open = -1;
	size_t count;
	if (!x || !value_to_ints(b, in[1].span, "the shape", &in[1].value, dim, MAX_RANK, &count))
		return value_none();
	int64_t size = shape_size(shape_at(b, x));
	for (size_t i = 0; i < count; i++) {
		if (dim[i] == -1 && open < 0)
			open = (int64_t)i;
		else if (dim[i] < 1 || __builtin_mul_overflow(known, dim[i], &known) ||
		         known > MAX_ELEMENTS) {
			elab_error(b, in[1].span, "%lld is no length of an axis; one length may be -1",
			           (long long)dim[i]);
			return value_none();
		}
	}
	if (open >= 0)
		dim[open] = size / known;
	if ((open >= 0 && size % known != 0) || (open < 0 && size != known)) {
		elab_error(b, span,
		           open < 0 ? "%s has %lld elements, but the shape asked for has %lld"
		                    : "%s has %lld elements, which are no multiple of the %lld that "
		                      "the shape asked for has beside -1",
		           value_text(b, &in[0].value), (long long)size, (long long)known);
		return value_none();
	}
	return value_tensor(op_reshape(b->g, x, shape_of((int)count, dim)));
}

Value builtin_transpose(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of transpose");
	int64_t order[MAX_RANK];
	size_t count;
	if (!x || !value_to_ints(b, in[1].span, "the order", &in[1].value, order, MAX_RANK, &count))
		return value_none();
	Axes axes = {.count = (uint8_t)count};
	for (size_t i = 0; i < count; i++) {
		int64_t axis = order[i] < 0 ? order[i] + shape_at(b, x).rank : order[i];
		if (axis < 0 || axis >= shape_at(b, x).rank) {
			elab_error(b, in[1].span, "%s has no axis %lld", value_text(b, &in[0].value),
			           (long long)order[i]);
			return value_none();
		}
		axes.at[i] = (uint8_t)axis;
	}
	(void)span;
	return value_tensor(op_transpose(b->g, x, axes));
}

/* x at a shape that was asked for. */
static Value stretch_to(Elab *b, Span span, NodeId x, Shape to)
{
	Shape from = shape_at(b, x);
	const char *x_text = shape_text(b->c->arena, node(b->g, x)->type, from),
	           *to_text = shape_text(b->c->arena, node(b->g, x)->type, to);
	bool fits = from.rank <= to.rank;
	for (int i = 1; fits && i <= from.rank; i++)
		fits = from.dim[from.rank - i] == 1 || from.dim[from.rank - i] == to.dim[to.rank - i];
	if (!fits) {
		elab_error(b, span, "%s does not stretch to %s", x_text, to_text);
		return value_none();
	}
	const char *what = arena_printf(b->c->arena, "%s stretched to %s", x_text, to_text);
	return may_lack_axes(b, span, what, x, to.rank) ? value_tensor(stretch(b, x, to))
	                                                : value_none();
}

Value builtin_broadcast_to(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of broadcast_to");
	Shape to;
	if (!x || !value_to_shape(b, in[1].span, "the shape", &in[1].value, &to))
		return value_none();
	return stretch_to(b, span, x, to);
}

/* -- Slices ------------------------------------------------------------------------------------ */

static NodeId slice_axis(Elab *b, NodeId x, int axis, int64_t from, int64_t to, int64_t by)
{
	Shape s = shape_at(b, x);
	int64_t start[MAX_RANK] = {0}, step[MAX_RANK];
	for (int i = 0; i < s.rank; i++)
		step[i] = 1;
	int64_t *stop = s.dim;
	start[axis] = from;
	stop[axis] = to;
	step[axis] = by;
	return op_slice(b->g, x, start, stop, step);
}

/* Of a list: its items, the axis is 0. */
Value builtin_slice(Elab *b, Span span, Given *in)
{
	bool is_list = in[0].value.kind == VALUE_LIST;
	NodeId x = is_list ? 0 : tensor(b, &in[0], "'x' of slice");
	int axis = 0;
	int64_t at[3] = {0, 0, 1};
	size_t one;
	if (!(x || is_list) ||
	    !value_to_axis(b, in[1].span, &in[1].value, is_list ? 1 : shape_at(b, x).rank, &axis))
		return value_none();
	for (int i = 0; i < 3; i++)
		if (in[i + 2].value.kind != VALUE_NONE &&
		    !value_to_ints(b, in[i + 2].span, "a bound of a slice", &in[i + 2].value, &at[i], 1,
		                   &one))
			return value_none();
	if (at[2] == 0) {
		elab_error(b, in[4].span,
		           "the step of a slice is 0: it is 1 or more, or below 0 to run back");
		return value_none();
	}
	int64_t length = is_list ? (int64_t)in[0].value.count : shape_at(b, x).dim[axis];
	for (int i = 0; i < 2; i++)
		at[i] = at[i] < 0 ? at[i] + length : at[i];
	if (!(at[2] > 0 ? at[0] >= 0 && at[0] < at[1] && at[1] <= length
	                : at[2] < 0 && at[2] > -INT32_MAX && at[0] < length && at[0] > at[1] &&
	                      at[1] >= -1)) {
		elab_error(b, span, "no elements from %lld %s to %lld in axis %d of %s", (long long)at[0],
		           at[2] < 0 ? "down" : "up", (long long)at[1], axis, value_text(b, &in[0].value));
		if (at[2] < 0 && at[0] < length && at[0] >= 0)
			diag_help(b->c->diags,
			          "to take the first one too, stop before it: -1 - its length, here %lld",
			          -1 - (long long)length);
		return value_none();
	}
	if (!is_list)
		return value_tensor(slice_axis(b, x, axis, at[0], at[1], at[2]));
	Value *item = new_array(b->c->arena, Value, in[0].value.count);
	size_t count = 0;
	for (int64_t i = at[0]; at[2] > 0 ? i < at[1] : i > at[1]; i += at[2])
		item[count++] = in[0].value.item[i];
	return value_list(b, item, count);
}

static bool index_of(Elab *b, const Given *in, int64_t length, int64_t *at)
{
	size_t one;
	if (!value_to_ints(b, in->span, "an index", &in->value, at, 1, &one) || one != 1)
		return false;
	if (*at < -length || *at >= length) {
		elab_error(b, in->span, "index %lld is outside 0 to %lld", (long long)*at,
		           (long long)length - 1);
		return false;
	}
	*at = *at < 0 ? *at + length : *at;
	return true;
}

Value builtin_index(Elab *b, Span span, Given *in)
{
	int64_t at;
	if (in[0].value.kind == VALUE_LIST)
		return index_of(b, &in[1], (int64_t)in[0].value.count, &at) ? in[0].value.item[at]
		                                                            : value_none();
	NodeId x = tensor(b, &in[0], "what is indexed");
	Shape left = x ? shape_at(b, x) : SCALAR;
	int picked = 0;
	for (; x && picked < 6 && in[picked + 1].value.kind != VALUE_NONE; picked++) {
		if (picked >= left.rank) {
			elab_error(b, span, "%s has no axis %d", value_text(b, &in[0].value), picked);
			return value_none();
		}
		if (!index_of(b, &in[picked + 1], left.dim[picked], &at))
			return value_none();
		x = slice_axis(b, x, picked, at, at + 1, 1);
	}
	return value_tensor(x ? op_reshape(b->g, x, shape_of(left.rank - picked, left.dim + picked))
	                      : 0);
}

Value builtin_windows(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of windows");
	static const char *const what[] = {"the size of a window", "the stride", "the dilation"};
	int64_t number[3] = {1, 1, 1};
	size_t one;
	int axis;
	if (!x || !value_to_axis(b, in[1].span, &in[1].value, shape_at(b, x).rank, &axis))
		return value_none();
	for (int i = 0; i < 3; i++) {
		const Given *given = &in[i + 2];
		if (given->value.kind == VALUE_NONE)
			continue;
		if (!value_to_ints(b, given->span, what[i], &given->value, &number[i], 1, &one))
			return value_none();
		if (number[i] < 1 || number[i] > MAX_ELEMENTS) {
			elab_error(b, given->span, "%s is %lld, but must be at least 1", what[i],
			           (long long)number[i]);
			return value_none();
		}
	}
	if (number[0] > 1 && (number[0] - 1) > (shape_at(b, x).dim[axis] - 1) / number[2]) {
		elab_error(b, span, "a window of %lld places, %lld apart, is wider than axis %d of %s",
		           (long long)number[0], (long long)number[2], axis, value_text(b, &in[0].value));
		return value_none();
	}
	return value_tensor(op_windows(b->g, x, axis, number[0], number[1], number[2]));
}

/* A number is one of type's; of floats any is, rounded. */
static bool value_fits(DType type, double x)
{
	double least = type == DTYPE_i32 ? INT32_MIN : 0, most = type == DTYPE_i32  ? INT32_MAX
	                                                         : type == DTYPE_u8 ? UINT8_MAX
	                                                                            : 1;
	return type_info[type].is_float || (x == floor(x) && x >= least && x <= most);
}

Value builtin_pad(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of pad");
	int axis;
	int64_t low[MAX_RANK] = {0}, high[MAX_RANK] = {0}, inner[MAX_RANK] = {0};
	size_t one;
	(void)span;
	if (!x || !value_to_axis(b, in[1].span, &in[1].value, shape_at(b, x).rank, &axis) ||
	    !value_to_ints(b, in[2].span, "'low' of pad", &in[2].value, &low[axis], 1, &one) ||
	    !value_to_ints(b, in[3].span, "'high' of pad", &in[3].value, &high[axis], 1, &one))
		return value_none();
	if (in[4].value.kind != VALUE_NONE && in[4].value.kind != VALUE_NUMBER) {
		elab_error(b, in[4].span, "'value' of pad is %s, but must be a number",
		           value_text(b, &in[4].value));
		return value_none();
	}
	double value = in[4].value.number;
	DType type = node(b->g, x)->type;
	bool pads = low[axis] > 0 || high[axis] > 0;
	if (pads && !value_fits(type, value)) {
		elab_error(b, in[4].span, "'value' of pad is %s, which is no %s",
		           value_text(b, &in[4].value), type_info[type].name);
		diag_help(b->c->diags, "pad cast(x, 'float') to pad with any number");
		return value_none();
	}
	return value_tensor(op_pad(b->g, x, low, high, inner, value));
}

Value builtin_concat(Elab *b, Span span, Given *in)
{
	const Value *list = &in[0].value;
	int axis = 0;
	if (list->kind != VALUE_LIST || list->count == 0) {
		elab_error(b, in[0].span, "concat takes a list: concat([x, y])");
		return value_none();
	}
	if (list->item[0].kind == VALUE_LIST ||
	    list->item[0].kind == VALUE_NUMBER) { /* lists: shapes */
		Value item[64];
		size_t count = 0;
		for (size_t i = 0; i < list->count; i++)
			for (size_t j = 0;
			     j < (list->item[i].kind == VALUE_LIST ? list->item[i].count : 1) && count < 64;
			     j++)
				item[count++] =
				    list->item[i].kind == VALUE_LIST ? list->item[i].item[j] : list->item[i];
		return value_list(b, item, count);
	}
	NodeId x[MAX_INS], sum = 0;
	if (list->item[0].kind != VALUE_TENSOR ||
	    (in[1].value.kind != VALUE_NONE &&
	     !value_to_axis(b, in[1].span, &in[1].value, shape_at(b, list->item[0].node).rank, &axis)))
		return value_none();
	for (size_t i = 0; i < list->count;) {
		int count = 0;
		if (sum)
			x[count++] = sum;
		for (; i < list->count && count < MAX_INS; i++) {
			x[count++] = value_to_tensor(b, &list->item[i], DTYPE_f32);
			if (!x[count - 1]) {
				elab_error(b, span, "concat of %s", value_text(b, &list->item[i]));
				return value_none();
			}
		}
		if (!(sum = op_concat(b->g, x, count, (unsigned)axis)))
			return value_none();
	}
	return value_tensor(sum);
}

/* -- Reductions -------------------------------------------------------------------------------- */

static Value reduce(Elab *b, Given *in, bool is_sum)
{
	NodeId x = tensor(b, &in[0], "'x' of a reduction");
	if (!x)
		return value_none();
	Shape from = shape_at(b, x), kept = from;
	bool gone[MAX_RANK] = {0};
	Axes axes = {0};
	for (int i = 0; i < from.rank && in[1].value.kind == VALUE_NONE; i++)
		gone[i] = true;
	const Value *item = in[1].value.kind == VALUE_LIST ? in[1].value.item : &in[1].value;
	size_t count =
	    in[1].value.kind == VALUE_LIST ? in[1].value.count : in[1].value.kind != VALUE_NONE;
	for (size_t i = 0; i < count; i++) {
		int axis;
		if (!value_to_axis(b, in[1].span, &item[i], from.rank, &axis))
			return value_none();
		gone[axis] = true;
	}
	for (int i = 0; i < from.rank; i++)
		if (gone[i]) {
			axes.at[axes.count++] = (uint8_t)i;
			kept.dim[i] = 1;
		}
	if (node(b->g, x)->type == DTYPE_bool)
		x = op_cast(b->g, x, DTYPE_i32);
	NodeId y = axes.count == 0 ? x : is_sum ? op_sum(b->g, x, axes) : op_reduce_max(b->g, x, axes);
	bool keep = in[2].value.kind == VALUE_NUMBER && in[2].value.number != 0;
	return value_tensor(keep ? op_reshape(b->g, y, kept) : y);
}

Value builtin_sum(Elab *b, Span span, Given *in)
{
	(void)span;
	return reduce(b, in, true);
}

Value builtin_reduce_max(Elab *b, Span span, Given *in)
{
	(void)span;
	return reduce(b, in, false);
}

/* x [.., m, k] @ y [k, n] or [.., k, n]: leading axes of y are batch axes and must be x's. */
Value builtin_matmul(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "the left side of @"),
	       y = tensor(b, &in[1], "the right side of @");
	if (!x || !y)
		return value_none();
	Shape p = shape_at(b, x), q = shape_at(b, y);
	DotAxes axes = {.contract = 1};
	bool fits = p.rank >= 1 && q.rank >= 2 && p.rank >= q.rank - (q.rank == 2) &&
	            p.dim[p.rank - 1] == q.dim[q.rank - 2] && type_info[node(b->g, x)->type].is_float;
	for (int i = 0; fits && i < q.rank - 2; i++) {
		fits = p.dim[i] == q.dim[i];
		axes.x_batch[i] = axes.y_batch[i] = (uint8_t)i;
		axes.batch++;
	}
	if (!fits) {
		elab_error(b, span, "%s @ %s does not fit", value_text(b, &in[0].value),
		           value_text(b, &in[1].value));
		diag_help(b->c->diags, "the last axis of x is multiplied with the one before the last of "
		                       "y; y's leading axes are x's");
		return value_none();
	}
	axes.x_contract[0] = (uint8_t)(p.rank - 1);
	axes.y_contract[0] = (uint8_t)(q.rank - 2);
	return value_tensor(op_dot(b->g, x, y, axes));
}

/* -- Gather, scatter, fill --------------------------------------------------------------------- */

static NodeId indices(Elab *b, const Given *in)
{
	NodeId at = value_to_tensor(b, &in->value, DTYPE_i32);
	if (!at)
		elab_error(b, in->span, "the indices are %s, but must be an i32 tensor",
		           value_text(b, &in->value));
	else if (type_info[node(b->g, at)->type].is_int)
		at = op_cast(b->g, at, DTYPE_i32);
	return at;
}

/* A whole number that every element of x has. */
static bool is_number(const Graph *g, NodeId x, int64_t *value)
{
	while (node(g, x)->op == OP_broadcast)
		x = node(g, x)->in[0];
	*value = node(g, x)->op == OP_constant ? (int64_t)node(g, x)->attr.value : 0;
	return node(g, x)->op == OP_constant;
}

/* Indices that count evenly, as start + step i: iota, and numbers added to it or less it. */
static bool counts_evenly(const Graph *g, NodeId at, int64_t *start, int64_t *step)
{
	const Node *n = node(g, at);
	int64_t by;
	*start = 0, *step = 1;
	if (n->op == OP_iota && n->shape.rank == 1)
		return true;
	if (n->op == OP_sub && is_number(g, n->in[0], &by)) {
		bool even = counts_evenly(g, n->in[1], start, step);
		*start = by - *start, *step = -*step;
		return even;
	}
	if ((n->op == OP_sub || n->op == OP_add) && is_number(g, n->in[1], &by)) {
		bool even = counts_evenly(g, n->in[0], start, step);
		*start += n->op == OP_add ? by : -by;
		return even;
	}
	return false;
}

/* The same as a slice, which reads in vectors, and whose adjoint is a pad; 0: it is none. */
static NodeId gather_evenly(Graph *g, NodeId x, NodeId at, int axis)
{
	Shape from = node(g, x)->shape;
	int64_t start[MAX_RANK] = {0}, stop[MAX_RANK], by[MAX_RANK], count;
	for (int i = 0; i < from.rank; i++)
		stop[i] = from.dim[i], by[i] = 1;
	if (!counts_evenly(g, at, &start[axis], &by[axis]))
		return 0;
	count = node(g, at)->shape.dim[0];
	stop[axis] = start[axis] + by[axis] * count;
	int64_t last = stop[axis] - by[axis];
	bool inside =
	    start[axis] >= 0 && start[axis] < from.dim[axis] && last >= 0 && last < from.dim[axis];
	return inside ? op_slice(g, x, start, stop, by) : 0;
}

Value builtin_gather(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of gather"), at = indices(b, &in[1]);
	int axis = 0;
	(void)span;
	if (!x || !at ||
	    (in[2].value.kind != VALUE_NONE &&
	     !value_to_axis(b, in[2].span, &in[2].value, shape_at(b, x).rank, &axis)))
		return value_none();
	NodeId even = gather_evenly(b->g, x, at, axis);
	return value_tensor(even ? even : op_gather(b->g, x, at, (unsigned)axis));
}

Value builtin_scatter_add(Elab *b, Span span, Given *in)
{
	NodeId x = tensor(b, &in[0], "'x' of scatter_add"), at = indices(b, &in[1]),
	       y = tensor(b, &in[2], "'y' of scatter_add");
	int axis = 0;
	(void)span;
	if (!x || !at || !y ||
	    (in[3].value.kind != VALUE_NONE &&
	     !value_to_axis(b, in[3].span, &in[3].value, shape_at(b, x).rank, &axis)))
		return value_none();
	return value_tensor(op_scatter_add(b->g, x, at, y, (unsigned)axis));
}

Value builtin_iota(Elab *b, Span span, Given *in)
{
	Shape shape;
	int axis = 0;
	(void)span;
	if (!value_to_shape(b, in[0].span, "the shape", &in[0].value, &shape) ||
	    (in[1].value.kind != VALUE_NONE &&
	     !value_to_axis(b, in[1].span, &in[1].value, shape.rank, &axis)))
		return value_none();
	return value_tensor(op_iota(b->g, DTYPE_i32, shape, (unsigned)axis));
}

Value builtin_full(Elab *b, Span span, Given *in)
{
	Shape shape;
	if (!value_to_shape(b, in[0].span, "the shape", &in[0].value, &shape))
		return value_none();
	NodeId x = tensor(b, &in[1], "the value");
	return x ? stretch_to(b, span, x, shape) : value_none();
}

Value builtin_cast(Elab *b, Span span, Given *in)
{
	const char *name = in[1].value.kind == VALUE_TEXT ? in[1].value.text : "";
	DType type = strcmp(name, "float") == 0 ? (DType)b->c->float_type : type_by_name(name);
	(void)span;
	if (type == DTYPE_none || (type != (DType)b->c->float_type && type_info[type].is_float)) {
		elab_error(b, in[1].span, "no type named %s", value_text(b, &in[1].value));
		diag_help(b->c->diags, "the types are 'float', 'i32', 'u8' and 'bool', in single quotes");
		return value_none();
	}
	NodeId x = tensor(b, &in[0], "'x' of cast");
	return value_tensor(x ? op_cast(b->g, x, type) : 0);
}
