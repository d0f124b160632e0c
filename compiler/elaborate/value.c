/* value.c: values of the model language: conversions, broadcasting, arithmetic of plain numbers.
 *
 * Shapes stretch as NumPy's do, with one exception: only numbers, parameters and states, and what
 * is made of them, get axes that they lack. The axes of data, random numbers and indices mean
 * samples, places, channels, and no shape says which: [32, 1, 1] meant for the samples of [32, 32,
 * 32, 3] would be laid along its rows without a word. */
#include "elaborator.h"

#include <math.h>
#include <string.h>

Value value_number(double number)
{
	return (Value){.kind = VALUE_NUMBER, .number = number};
}

Value value_tensor(NodeId x)
{
	return x ? (Value){.kind = VALUE_TENSOR, .node = x} : value_none();
}

Value value_list(Elab *b, const Value *item, size_t count)
{
	Value v = {
	    .kind = VALUE_LIST, .count = count, .item = new_array(b->c->arena, Value, count + 1)};
	if (count)
		memcpy(v.item, item, count * sizeof *item);
	return v;
}

const char *value_text(Elab *b, const Value *v)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		return arena_printf(b->c->arena, "%g", v->number);
	case VALUE_TENSOR:
		return shape_text(b->c->arena, node(b->g, v->node)->type, node(b->g, v->node)->shape);
	case VALUE_LIST:
		return arena_printf(b->c->arena, "a list of %zu", v->count);
	case VALUE_TEXT:
		return arena_printf(b->c->arena, "the text '%s'", v->text);
	case VALUE_LAYER:
		return "a layer";
	case VALUE_NONE:
		break;
	}
	return "nothing";
}

/* -- Tensors ----------------------------------------------------------------------------------- */

NodeId value_to_tensor(Elab *b, const Value *v, DType type)
{
	if (v->kind == VALUE_NUMBER)
		return op_constant(b->g, type, v->number);
	return v->kind == VALUE_TENSOR ? v->node : 0;
}

NodeId stretch(Elab *b, NodeId x, Shape to)
{
	if (!x)
		return 0;
	Shape from = node(b->g, x)->shape;
	if (shape_equal(from, to))
		return x;
	Axes at = {.count = from.rank};
	for (int i = 0; i < from.rank; i++)
		at.at[i] = (uint8_t)(to.rank - from.rank + i);
	return op_broadcast(b->g, x, to, at);
}

/* A scalar has no axes, so what is made of scalars has none of data. */
static bool is_placed(Elab *b, NodeId x)
{
	Placed *p = &b->placed[b->g == b->init];
	if (p->g != b->g)
		*p = (Placed){.g = b->g};
	if (p->capacity < b->g->count) {
		bool *more = new_array(b->c->arena, bool, p->capacity = 2 * b->g->count);
		if (p->count)
			memcpy(more, p->of, p->count);
		p->of = more;
	}
	for (; p->count < b->g->count; p->count++) {
		const Node *n = node(b->g, p->count);
		bool placed = n->op == OP_input || n->op == OP_random || n->op == OP_iota;
		for (int i = 0; i < n->count; i++)
			placed |= p->of[n->in[i]];
		p->of[p->count] = placed && n->shape.rank > 0;
	}
	return p->of[x];
}

void value_is_of_state(Elab *b, NodeId x)
{
	(void)is_placed(b, x); /* all up to here are known now */
	b->placed[b->g == b->init].of[x] = false;
}

static const char *lengths_text(Elab *b, Shape s, int before, int after)
{
	const char *text = "";
	for (int i = -before; i < s.rank + after; i++)
		text = arena_printf(b->c->arena, "%s%s%lld", text, *text ? ", " : "",
		                    i < 0 || i >= s.rank ? 1 : (long long)s.dim[i]);
	return text;
}

bool may_lack_axes(Elab *b, Span span, const char *what, NodeId x, int rank)
{
	Shape s = node(b->g, x)->shape;
	int lacks = rank - s.rank;
	if (s.rank == 0 || lacks <= 0 || !is_placed(b, x))
		return true;
	elab_error(b, span, "%s: %s lacks %d of %d axes, and it is not said which", what,
	           shape_text(b->c->arena, node(b->g, x)->type, s), lacks, rank);
	diag_help(b->c->diags,
	          "reshape it to [%s] if its axes are the first ones, to [%s] if the last; a reduction "
	          "leaves its axes in place with keep=1",
	          lengths_text(b, s, 0, lacks), lengths_text(b, s, lacks, 0));
	return false;
}

static bool broadcast_shape(Shape x, Shape y, Shape *to)
{
	*to = (Shape){.rank = x.rank > y.rank ? x.rank : y.rank};
	for (int i = 1; i <= to->rank; i++) {
		int64_t p = i <= x.rank ? x.dim[x.rank - i] : 1, q = i <= y.rank ? y.dim[y.rank - i] : 1;
		if (p != q && p != 1 && q != 1)
			return false;
		to->dim[to->rank - i] = p == 1 ? q : p;
	}
	return true;
}

/* Bool < integers < floats; u8 and i32 meet in i32. */
static DType promote(DType x, DType y)
{
	if (x == y)
		return x;
	if (type_info[x].is_float || type_info[y].is_float)
		return type_info[x].is_float ? x : y;
	return DTYPE_i32;
}

static DType common_type(Elab *b, const Value *in, int count)
{
	DType type = DTYPE_none;
	bool fraction = false;
	for (int i = 0; i < count; i++) {
		if (in[i].kind == VALUE_TENSOR)
			type = type == DTYPE_none ? node(b->g, in[i].node)->type
			                          : promote(type, node(b->g, in[i].node)->type);
		else
			fraction |= in[i].number != floor(in[i].number) || fabs(in[i].number) > 2147483647.0;
	}
	if (type == DTYPE_none || (fraction && !type_info[type].is_float))
		return (DType)b->c->float_type;
	/* a number beside bools makes them countable: training * mask */
	for (int i = 0; i < count && type == DTYPE_bool; i++)
		if (in[i].kind == VALUE_NUMBER)
			type = DTYPE_i32;
	return type;
}

bool values_unify(Elab *b, Span span, const char *what, const Value *in, int count, NodeId *out)
{
	for (int i = 0; i < count; i++) {
		if (in[i].kind == VALUE_NONE)
			return false;
		if (in[i].kind != VALUE_TENSOR && in[i].kind != VALUE_NUMBER) {
			elab_error(b, span, "%s takes tensors and numbers, not %s", what,
			           value_text(b, &in[i]));
			return false;
		}
	}
	DType type = common_type(b, in, count);
	Shape to = {0};
	int rank = 0, longest = 0;
	for (int i = 0; i < count; i++)
		if (in[i].kind == VALUE_TENSOR && node(b->g, in[i].node)->shape.rank > rank)
			rank = node(b->g, in[longest = i].node)->shape.rank;
	for (int i = 0; i < count; i++)
		if (in[i].kind == VALUE_TENSOR && node(b->g, in[i].node)->shape.rank < rank &&
		    !may_lack_axes(b, span,
		                   arena_printf(b->c->arena, "%s of %s and %s", what,
		                                value_text(b, &in[i < longest ? i : longest]),
		                                value_text(b, &in[i < longest ? longest : i])),
		                   in[i].node, rank))
			return false;
	for (int i = 0; i < count; i++) {
		out[i] = value_to_tensor(b, &in[i], type);
		Shape before = to;
		if (out[i] && !broadcast_shape(before, node(b->g, out[i])->shape, &to)) {
			elab_error(b, span, "%s of %s and %s: their shapes do not fit", what,
			           value_text(b, &in[0]), value_text(b, &in[i]));
			diag_help(
			    b->c->diags,
			    "axes are matched from the last one on; each pair must be equal, or one of them 1");
			return false;
		}
	}
	for (int i = 0; i < count; i++)
		out[i] = stretch(b, op_cast(b->g, out[i], type), to);
	return true;
}

/* -- Numbers ----------------------------------------------------------------------------------- */

bool value_to_ints(Elab *b, Span span, const char *what, const Value *v, int64_t *out, size_t most,
                   size_t *count)
{
	const Value *item = v->kind == VALUE_LIST ? v->item : v;
	*count = v->kind == VALUE_LIST ? v->count : 1;
	if (v->kind == VALUE_NONE)
		return false;
	if (*count > most) {
		elab_error(b, span, "%s is %s, but at most %zu fit", what, value_text(b, v), most);
		return false;
	}
	for (size_t i = 0; i < *count; i++) {
		if (item[i].kind == VALUE_NONE)
			return false;
		if (item[i].kind != VALUE_NUMBER || item[i].number != floor(item[i].number) ||
		    fabs(item[i].number) > 1e12) {
			elab_error(b, span, "%s must be made of whole numbers, not %s", what,
			           value_text(b, &item[i]));
			return false;
		}
		out[i] = (int64_t)item[i].number;
	}
	return true;
}

bool value_to_axis(Elab *b, Span span, const Value *v, int rank, int *axis)
{
	int64_t at;
	size_t count;
	if (!value_to_ints(b, span, "the axis", v, &at, 1, &count))
		return false;
	if (count != 1 || at < -rank || at >= rank) {
		elab_error(b, span, "no axis %s: what flows here has %d", value_text(b, v), rank);
		return false;
	}
	*axis = (int)(at < 0 ? at + rank : at);
	return true;
}

bool value_to_shape(Elab *b, Span span, const char *what, const Value *v, Shape *to)
{
	int64_t dim[MAX_RANK];
	size_t count;
	if (!value_to_ints(b, span, what, v, dim, MAX_RANK, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (dim[i] < 1) {
			elab_error(b, span, "%s has length %lld at axis %zu", what, (long long)dim[i], i);
			return false;
		}
	*to = shape_of((int)count, dim);
	return true;
}

Value fold_numbers(const char *op, const double *x, int count)
{
	static const struct {
		const char *name;
		double (*call)(double);
	} unary[] = {{"exp", exp}, {"log", log},   {"log1p", log1p}, {"sqrt", sqrt},   {"sin", sin},
	             {"cos", cos}, {"tanh", tanh}, {"erf", erf},     {"floor", floor}, {"abs", fabs}};
	for (size_t i = 0; count == 1 && i < COUNT(unary); i++)
		if (strcmp(op, unary[i].name) == 0)
			return value_number(unary[i].call(x[0]));
	static const struct {
		const char *name;
		double (*call)(double, double);
	} binary[] = {{"pow", pow}, {"max", fmax}, {"min", fmin}, {"rem", fmod}, {"mod", fmod}};
	for (size_t i = 0; count == 2 && i < COUNT(binary); i++)
		if (strcmp(op, binary[i].name) == 0)
			return value_number(binary[i].call(x[0], x[1]));
	if (count == 1 && strcmp(op, "neg") == 0)
		return value_number(-x[0]);
	if (count == 1 && strcmp(op, "not") == 0)
		return value_number(x[0] == 0);
	if (count == 1 && strcmp(op, "stop_gradient") == 0)
		return value_number(x[0]);
	if (count != 2)
		return value_none();
	double a = x[0], b = x[1];
	const struct {
		const char *name;
		double value;
	} results[] = {{"add", a + b},
	               {"sub", a - b},
	               {"mul", a * b},
	               {"div", a / b},
	               {"less", a < b},
	               {"less_equal", a <= b},
	               {"greater", a > b},
	               {"greater_equal", a >= b},
	               {"equal", a == b},
	               {"not_equal", a != b},
	               {"and", a != 0 && b != 0},
	               {"or", a != 0 || b != 0}};
	for (size_t i = 0; i < COUNT(results); i++)
		if (strcmp(op, results[i].name) == 0)
			return value_number(results[i].value);
	return value_none();
}
