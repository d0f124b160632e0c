/* map.c: leaves and element-wise ops as ONNX operators. What ONNX leaves open, such as x / 0 of
 * integers or a float that no integer holds, is written out, so that it is what ops.def says. */
#include "writer.h"

#include <string.h>

/* -- Leaves ------------------------------------------------------------------------------------ */

Stored onnx_constant(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	const Node *n = node(o->g, x);
	return all_of(o, x, constant(o, n->type, n->attr.value));
}

Stored onnx_input(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	return all_of(o, x, o->input ? o->input[x] : node(o->g, x)->attr.name);
}

Stored onnx_state(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	const Node *n = node(o->g, x);
	const void *bytes = o->from->state(o->from->context, n);
	if (!bytes)
		return (Stored){0};
	return all_of(o, x,
	              constant_table(o, n->attr.name, n->type, n->shape.dim, n->shape.rank, bytes));
}

/* The indices stand along their axis; all others repeat them. */
Stored onnx_iota(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	unsigned axis = n->attr.axis;
	Extent e = o->extent[x][axis], to[MAX_RANK] = {e};
	const int64_t scalar = 0;
	const char *one = EMIT(o, "Reshape", extent_value(o, e), constant_ints(o, &scalar, 0));
	int type = onnx_type(n->type);
	const char *count = cast_to(o, one, ONNX_INT32);
	const char *name = EMIT(o, op, constant(o, DTYPE_i32, 0), count, constant(o, DTYPE_i32, 1));
	unsigned rank = n->shape.rank - axis;
	for (unsigned i = 1; i < rank; i++)
		to[i] = (Extent){1, 0};
	if (type != ONNX_INT32)
		name = cast_to(o, name, type);
	return (Stored){rank > 1 ? reshaped(o, name, to, (int)rank) : name, rank, ~(1u << axis)};
}

Stored onnx_refused(Onnx *o, NodeId x, const char *why)
{
	return refuse(o, x, "%s", why);
}

/* -- Element-wise ------------------------------------------------------------------------------ */

static NodeId in(const Onnx *o, NodeId x, int i)
{
	return node(o->g, x)->in[i];
}

static const char *operand(const Onnx *o, NodeId x, int i)
{
	return o->at[in(o, x, i)].name;
}

static DType type_of(const Onnx *o, NodeId x)
{
	return node(o->g, x)->type;
}

/* Inference engines compute with i32 and f32, few with bytes: these are widened, and wrap. */
Stored onnx_map(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	const char *name[MAX_INS];
	bool bytes = n->count && type_of(o, n->in[0]) == DTYPE_u8;
	for (int i = 0; i < n->count; i++) {
		name[i] = operand(o, x, i);
		if (bytes || (strcmp(op, "Equal") == 0 && type_of(o, n->in[i]) == DTYPE_bool))
			name[i] = cast_to(o, name[i], ONNX_INT32);
	}
	const char *y = emit(o, op, name, n->count);
	return as_operands(o, x, n->type == DTYPE_u8 ? cast_to(o, y, ONNX_UINT8) : y);
}

Stored onnx_same(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	return o->at[in(o, x, 0)];
}

/* With u = 1 + x: log(u) x / (u - 1) has the error of u taken out again (Kahan; Goldberg 1991,
 * theorem 4); x itself where u is 1, log(u) where that is infinite. */
Stored onnx_log1p(Onnx *o, NodeId x, const char *op)
{
	const char *v = operand(o, x, 0), *one = constant(o, DTYPE_f32, 1);
	const char *u = EMIT(o, "Add", v, one), *log = EMIT(o, op, u);
	const char *exact = EMIT(o, "Mul", log, EMIT(o, "Div", v, EMIT(o, "Sub", u, one)));
	const char *finite = EMIT(o, "Where", EMIT(o, "Equal", u, one), v, exact);
	return as_operands(o, x, EMIT(o, "Where", EMIT(o, "IsInf", u), log, finite));
}

Stored onnx_logic(Onnx *o, NodeId x, const char *op)
{
	const Node *n = node(o->g, x);
	if (n->type != DTYPE_bool)
		return refuse(o, x, "opset %d has no bits of %s", ONNX_OPSET, type_info[n->type].name);
	const char *name[2] = {operand(o, x, 0), n->count > 1 ? operand(o, x, 1) : NULL};
	return as_operands(o, x, emit(o, op, name, n->count));
}

/* Of integers, x / 0 and x rem 0 are 0, and the smallest number by -1 wraps: ONNX promises neither. */
Stored onnx_divide(Onnx *o, NodeId x, const char *op)
{
	bool is_rem = strcmp(op, "Mod") == 0;
	const Node *n = node(o->g, x);
	const char *a = operand(o, x, 0), *b = operand(o, x, 1);
	if (type_info[n->type].is_float) {
		if (is_rem)
			attribute_int(o, "fmod", 1);
		return as_operands(o, x, EMIT(o, op, a, b));
	}
	if (n->type == DTYPE_u8) {
		a = cast_to(o, a, ONNX_INT32);
		b = cast_to(o, b, ONNX_INT32);
	}
	const char *zero = constant(o, DTYPE_i32, 0), *one = constant(o, DTYPE_i32, 1);
	const char *by_zero = EMIT(o, "Equal", b, zero);
	const char *by_minus = EMIT(o, "Equal", b, constant(o, DTYPE_i32, -1));
	const char *safe = EMIT(o, "Where", EMIT(o, "Or", by_zero, by_minus), one, b);
	if (is_rem)
		attribute_int(o, "fmod", 1);
	const char *y = EMIT(o, op, a, safe);
	y = EMIT(o, "Where", by_minus, is_rem ? zero : EMIT(o, "Neg", a), y);
	y = EMIT(o, "Where", by_zero, zero, y);
	return as_operands(o, x, n->type == DTYPE_u8 ? cast_to(o, y, ONNX_UINT8) : y);
}

/* ONNX shifts what has no sign. */
Stored onnx_shift(Onnx *o, NodeId x, const char *direction)
{
	if (type_of(o, x) != DTYPE_u8)
		return refuse(o, x, "opset %d shifts no bits of i32", ONNX_OPSET);
	const char *by = cast_to(o, operand(o, x, 1), ONNX_INT32);
	by = cast_to(o, EMIT(o, "Mod", by, constant(o, DTYPE_i32, 8)), ONNX_UINT8);
	attribute_text(o, "direction", direction);
	return as_operands(o, x, EMIT(o, "BitShift", operand(o, x, 0), by));
}

/* Towards 0, and what is beyond the type is its nearest number; NaN is 0. */
static const char *to_integer(Onnx *o, const char *v, DType to)
{
	const double low = to == DTYPE_u8 ? 0 : INT32_MIN, high = to == DTYPE_u8 ? 255 : INT32_MAX;
	const double inside = to == DTYPE_u8 ? 255 : 2147483520; /* the largest f32 in i32 */
	const char *zero = constant(o, DTYPE_f32, 0);
	const char *number = EMIT(o, "Where", EMIT(o, "IsNaN", v), zero, v);
	const char *cut =
	    EMIT(o, "Clip", number, constant(o, DTYPE_f32, low), constant(o, DTYPE_f32, inside));
	const char *y = cast_to(o, cut, onnx_type(to));
	if (to == DTYPE_u8)
		return y;
	const char *above = EMIT(o, "Less", constant(o, DTYPE_f32, inside), v);
	return EMIT(o, "Where", above, constant(o, DTYPE_i32, high), y);
}

Stored onnx_cast(Onnx *o, NodeId x, const char *op)
{
	(void)op;
	DType from = type_of(o, in(o, x, 0)), to = type_of(o, x);
	const char *v = operand(o, x, 0);
	if (!onnx_type(from) || !onnx_type(to))
		return refuse(o, x, "%s is not one of its types here",
		              type_info[onnx_type(from) ? to : from].name);
	bool to_int = type_info[to].is_int && type_info[from].is_float;
	return as_operands(o, x, to_int ? to_integer(o, v, to) : cast_to(o, v, onnx_type(to)));
}

Stored onnx_select(Onnx *o, NodeId x, const char *op)
{
	const char *c = operand(o, x, 0), *y = operand(o, x, 1), *z = operand(o, x, 2);
	if (type_of(o, x) != DTYPE_bool)
		return as_operands(o, x, EMIT(o, op, c, y, z));
	const char *first = EMIT(o, "And", c, y), *second = EMIT(o, "And", EMIT(o, "Not", c), z);
	return as_operands(o, x, EMIT(o, "Or", first, second));
}
