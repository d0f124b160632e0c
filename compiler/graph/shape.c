/* shape.c: one rule a kind of shape inference, named by ops.def. A rule checks its operands and
 * says the result's type and shape; a mismatch is reported at the graph's origin with both sides,
 * and is DTYPE_none. */
#include "graph.h"

#include <string.h>

/* What a rule is given; `type` and `shape` are the asked ones, for ops whose operands do not
 * determine them. */
typedef struct Ask {
	Graph *g;
	Op op;
	const Node *in[MOST_INS];
	int count;
	DType type;
	Shape shape;
	const Attr *attr;
} Ask;

typedef Inferred (*ShapeRule)(const Ask *a);

static const Inferred none = {DTYPE_none, {0}};

static const char *text_of(const Ask *a, const Node *n)
{
	return shape_text(a->g->c->arena, n->type, n->shape);
}

/* The name of operand i: a word of the row's list; of a MANY op, the word and the number. */
static const char *operand(const Ask *a, int i)
{
	Arena *arena = a->g->c->arena;
	if (op_info[a->op].ins == MANY)
		return arena_printf(arena, "%s%d", op_info[a->op].operands, i);
	const char *word = op_info[a->op].operands;
	for (; i; i--)
		word = strchr(word, ' ') + 1;
	return arena_copy(arena, word, strcspn(word, " "));
}

#define FAIL(a, ...) (diag_error((a)->g->c->diags, (a)->g->origin, __VA_ARGS__), none)

/* -- Types ------------------------------------------------------------------------------------- */

/* Asked of every node of every graph: the first letters of classes differ. */
static bool type_allowed(const char *class, DType t)
{
	switch (*class) {
	case 'N': /* NUM */
		return type_info[t].is_float || type_info[t].is_int;
	case 'F': /* FLOAT */
		return type_info[t].is_float;
	case 'I': /* INT */
		return type_info[t].is_int;
	case 'L': /* LOGIC */
		return t == DTYPE_bool || type_info[t].is_int;
	case 'B': /* BOOL */
		return t == DTYPE_bool;
	default: /* ANY */
		return t != DTYPE_none;
	}
}

static const char *class_words(const char *class)
{
	if (strcmp(class, "NUM") == 0)
		return "numbers";
	if (strcmp(class, "FLOAT") == 0)
		return "floats";
	if (strcmp(class, "INT") == 0)
		return "integers";
	if (strcmp(class, "LOGIC") == 0)
		return "bools or integers";
	return "bools";
}

/* Operands that carry indices, a condition or a random key have types of their own. */
static DType fixed_type(Op op, int i)
{
	if (op == OP_select && i == 0)
		return DTYPE_bool;
	if ((op == OP_gather || op == OP_scatter_add) && i == 1)
		return DTYPE_i32;
	if (op == OP_random)
		return DTYPE_i32;
	return DTYPE_none;
}

/* Sums of f64 take terms of f32 as they are. */
static bool is_widened(const Ask *a, int i)
{
	return a->op == OP_scatter_add && i == 2 && a->in[0]->type == DTYPE_f64 &&
	       a->in[2]->type == DTYPE_f32;
}

/* What a cast to t is written with. */
static const char *cast_name(DType t)
{
	return type_info[t].is_float ? "float" : type_info[t].name;
}

static bool types_agree(const Ask *a)
{
	const char *class = op_info[a->op].types;
	int first = -1;
	if (op_info[a->op].kind == LOOP)
		return true; /* their rules look at each operand */
	for (int i = 0; i < a->count; i++) {
		DType t = a->in[i]->type, fixed = fixed_type(a->op, i);
		if (fixed != DTYPE_none && t != fixed) {
			(void)FAIL(a, "'%s' of %s is %s, but must be %s", operand(a, i), op_info[a->op].name,
			           text_of(a, a->in[i]), type_info[fixed].name);
			diag_help(a->g->c->diags, "cast(%s, '%s') makes it one", operand(a, i),
			          type_info[fixed].name);
			return false;
		}
		if (fixed != DTYPE_none)
			continue;
		if (!type_allowed(class, t)) {
			(void)FAIL(a, "'%s' of %s is %s, but %s takes %s", operand(a, i), op_info[a->op].name,
			           text_of(a, a->in[i]), op_info[a->op].name, class_words(class));
			return false;
		}
		if (first >= 0 && t != a->in[first]->type && !is_widened(a, i)) {
			(void)FAIL(a, "'%s' of %s is %s, but '%s' is %s", operand(a, i), op_info[a->op].name,
			           text_of(a, a->in[i]), operand(a, first), text_of(a, a->in[first]));
			diag_help(a->g->c->diags, "cast one of them: cast(%s, '%s') or cast(%s, '%s')",
			          operand(a, i), cast_name(a->in[first]->type), operand(a, first),
			          cast_name(t));
			return false;
		}
		first = first < 0 ? i : first;
	}
	return true;
}

/* -- Rules ------------------------------------------------------------------------------------- */

static Inferred shape_leaf(const Ask *a)
{
	return (Inferred){a->type, a->shape};
}

static Inferred shape_random(const Ask *a)
{
	if (a->in[0]->shape.rank != 1 || a->in[0]->shape.dim[0] != 2 || a->in[1]->shape.rank != 0)
		return FAIL(a, "random takes a seed i32[2] and a step i32[], not %s and %s",
		            text_of(a, a->in[0]), text_of(a, a->in[1]));
	return (Inferred){DTYPE_i32, a->shape};
}

static bool shapes_agree(const Ask *a)
{
	for (int i = 1; i < a->count; i++)
		if (!shape_equal(a->in[i]->shape, a->in[0]->shape)) {
			(void)FAIL(a, "'%s' of %s is %s, but '%s' is %s", operand(a, i), op_info[a->op].name,
			           text_of(a, a->in[i]), operand(a, 0), text_of(a, a->in[0]));
			return false;
		}
	return true;
}

static Inferred shape_same(const Ask *a)
{
	return shapes_agree(a) ? (Inferred){a->in[0]->type, a->in[0]->shape} : none;
}

static Inferred shape_compare(const Ask *a)
{
	return shapes_agree(a) ? (Inferred){DTYPE_bool, a->in[0]->shape} : none;
}

static Inferred shape_select(const Ask *a)
{
	return shapes_agree(a) ? (Inferred){a->in[1]->type, a->in[1]->shape} : none;
}

static Inferred shape_cast(const Ask *a)
{
	return (Inferred){a->type, a->in[0]->shape};
}

static Inferred shape_broadcast(const Ask *a)
{
	const Axes *axes = &a->attr->axes;
	Shape from = a->in[0]->shape, to = a->shape;
	if (axes->count != from.rank)
		BUG("broadcast of rank %d with %d axes", from.rank, axes->count);
	for (int i = 0; i < axes->count; i++) {
		if (axes->at[i] >= to.rank || (i && axes->at[i] <= axes->at[i - 1]))
			BUG("broadcast with axis %d at %d", axes->at[i], i);
		if (from.dim[i] != 1 && from.dim[i] != to.dim[axes->at[i]])
			return FAIL(a, "%s does not stretch to %s", text_of(a, a->in[0]),
			            shape_text(a->g->c->arena, a->in[0]->type, to));
	}
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_reshape(const Ask *a)
{
	if (shape_size(a->in[0]->shape) != shape_size(a->shape))
		return FAIL(a, "%s has %lld elements, so it cannot become %s with %lld",
		            text_of(a, a->in[0]), (long long)shape_size(a->in[0]->shape),
		            shape_text(a->g->c->arena, a->in[0]->type, a->shape),
		            (long long)shape_size(a->shape));
	return (Inferred){a->in[0]->type, a->shape};
}

static Inferred shape_transpose(const Ask *a)
{
	const Axes *order = &a->attr->axes;
	Shape from = a->in[0]->shape, to = {.rank = from.rank};
	unsigned seen = 0;
	for (int i = 0; i < order->count; i++)
		seen |= 1u << order->at[i];
	if (order->count != from.rank || seen != (1u << from.rank) - 1)
		return FAIL(a, "the order of a transpose of %s must name each of its %d axes once",
		            text_of(a, a->in[0]), from.rank);
	for (int i = 0; i < from.rank; i++)
		to.dim[i] = from.dim[order->at[i]];
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_slice(const Ask *a)
{
	Shape from = a->in[0]->shape, to = {.rank = from.rank};
	for (int i = 0; i < from.rank; i++) {
		int64_t start = a->attr->slice.start[i], stop = a->attr->slice.stop[i],
		        step = a->attr->slice.step[i];
		bool forth = step > 0 && start >= 0 && start < stop && stop <= from.dim[i];
		bool back =
		    step < 0 && step > -MAX_ELEMENTS && start < from.dim[i] && start > stop && stop >= -1;
		if (!forth && !back)
			return FAIL(a, "a slice from %lld to %lld by %lld does not lie in axis %d of %s",
			            (long long)start, (long long)stop, (long long)step, i,
			            text_of(a, a->in[0]));
		to.dim[i] = (stop - start + step + (forth ? -1 : 1)) / step;
	}
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_pad(const Ask *a)
{
	Shape from = a->in[0]->shape, to = {.rank = from.rank};
	for (int i = 0; i < from.rank; i++) {
		int64_t low = a->attr->pad.low[i], high = a->attr->pad.high[i],
		        inner = a->attr->pad.inner[i];
		bool sane = inner >= 0 && inner < MAX_ELEMENTS && low > -MAX_ELEMENTS &&
		            low < MAX_ELEMENTS && high > -MAX_ELEMENTS && high < MAX_ELEMENTS;
		int64_t spread = 0;
		if (sane && !__builtin_mul_overflow(from.dim[i] - 1, inner, &spread))
			to.dim[i] = low + high + from.dim[i] + spread;
		if (!sane || to.dim[i] < 1)
			return FAIL(a, "padding %lld before and %lld after leaves nothing of axis %d of %s",
			            (long long)low, (long long)high, i, text_of(a, a->in[0]));
	}
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_concat(const Ask *a)
{
	Shape to = a->in[0]->shape;
	unsigned axis = a->attr->axis;
	if (axis >= to.rank)
		return FAIL(a, "%s has no axis %u to concatenate along", text_of(a, a->in[0]), axis);
	for (int i = 1; i < a->count; i++) {
		Shape other = a->in[i]->shape;
		for (int j = 0; j < MAX_RANK; j++)
			if (other.rank != to.rank || (j != (int)axis && other.dim[j] != to.dim[j]))
				return FAIL(a, "'%s' of concat is %s, but '%s' is %s: they differ beside axis %u",
				            operand(a, i), text_of(a, a->in[i]), operand(a, 0),
				            text_of(a, a->in[0]), axis);
		to.dim[axis] += other.dim[axis];
	}
	return (Inferred){a->in[0]->type, to};
}

/* How many windows fit; 0: none, or no sane numbers. */
static int64_t windows_in(int64_t length, int64_t size, int64_t stride, int64_t dilation)
{
	int64_t reach;
	if (size < 1 || stride < 1 || dilation < 1 ||
	    __builtin_mul_overflow(size - 1, dilation, &reach) || reach >= length)
		return 0;
	return (length - reach - 1) / stride + 1;
}

static Inferred shape_windows(const Ask *a)
{
	Shape from = a->in[0]->shape, to = {.rank = (uint8_t)(from.rank + 1)};
	int64_t axis = a->attr->window.axis, size = a->attr->window.size;
	if (axis < 0 || axis >= from.rank || to.rank > MAX_RANK)
		return FAIL(a, "windows along axis %lld of %s: no such axis, or more than %d axes",
		            (long long)axis, text_of(a, a->in[0]), MAX_RANK);
	int64_t count =
	    windows_in(from.dim[axis], size, a->attr->window.stride, a->attr->window.dilation);
	if (!count)
		return FAIL(a, "no window of %lld, stride %lld, dilation %lld fits in axis %lld of %s",
		            (long long)size, (long long)a->attr->window.stride,
		            (long long)a->attr->window.dilation, (long long)axis, text_of(a, a->in[0]));
	for (int i = 0; i < to.rank; i++)
		to.dim[i] = i < axis        ? from.dim[i]
		            : i == axis     ? count
		            : i == axis + 1 ? size
		                            : from.dim[i - 1];
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_overlap(const Ask *a)
{
	Shape from = a->in[0]->shape, to = {.rank = (uint8_t)(from.rank - 1)};
	int64_t axis = a->attr->window.axis, length = a->attr->window.length;
	if (axis < 0 || axis + 1 >= from.rank)
		return FAIL(a, "%s has no axes %lld and %lld to add up", text_of(a, a->in[0]),
		            (long long)axis, (long long)axis + 1);
	int64_t count =
	    windows_in(length, from.dim[axis + 1], a->attr->window.stride, a->attr->window.dilation);
	if (count != from.dim[axis])
		return FAIL(a, "%lld windows of %s do not come from an axis of %lld",
		            (long long)from.dim[axis], text_of(a, a->in[0]), (long long)length);
	for (int i = 0; i < to.rank; i++)
		to.dim[i] = i < axis ? from.dim[i] : i == axis ? length : from.dim[i + 1];
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_reduce(const Ask *a)
{
	const Axes *axes = &a->attr->axes;
	Shape from = a->in[0]->shape, to = {0};
	unsigned gone = 0;
	for (int i = 0; i < axes->count; i++) {
		if (axes->at[i] >= from.rank || (i && axes->at[i] <= axes->at[i - 1]))
			return FAIL(a, "%s has no axis %d to reduce", text_of(a, a->in[0]), axes->at[i]);
		gone |= 1u << axes->at[i];
	}
	for (int i = 0; i < from.rank; i++)
		if (!(gone >> i & 1))
			to.dim[to.rank++] = from.dim[i];
	return (Inferred){a->in[0]->type, to};
}

/* Appends the axes of s that are in neither list; false: a list names an axis twice or one that is
 * not there. */
static bool append_free(Shape *to, Shape s, const uint8_t *batch, int batches,
                        const uint8_t *contract, int contracts)
{
	unsigned used = 0;
	for (int i = 0; i < batches + contracts; i++) {
		int axis = i < batches ? batch[i] : contract[i - batches];
		if (axis >= s.rank || (used >> axis & 1))
			return false;
		used |= 1u << axis;
	}
	for (int i = 0; i < s.rank; i++) {
		if (used >> i & 1)
			continue;
		if (to->rank == MAX_RANK)
			return false;
		to->dim[to->rank++] = s.dim[i];
	}
	return true;
}

static Inferred shape_dot(const Ask *a)
{
	const DotAxes *d = &a->attr->dot;
	Shape x = a->in[0]->shape, y = a->in[1]->shape, to = {0};
	for (int i = 0; i < d->batch; i++)
		if (d->x_batch[i] < x.rank)
			to.dim[to.rank++] = x.dim[d->x_batch[i]];
	if (!append_free(&to, x, d->x_batch, d->batch, d->x_contract, d->contract) ||
	    !append_free(&to, y, d->y_batch, d->batch, d->y_contract, d->contract))
		return FAIL(a, "dot of %s and %s: its axes do not fit, or the result has more than %d",
		            text_of(a, a->in[0]), text_of(a, a->in[1]), MAX_RANK);
	for (int i = 0; i < d->batch + d->contract; i++) {
		int p = i < d->batch ? d->x_batch[i] : d->x_contract[i - d->batch];
		int q = i < d->batch ? d->y_batch[i] : d->y_contract[i - d->batch];
		if (x.dim[p] != y.dim[q])
			return FAIL(
			    a, "'y' of dot is %s, but 'x' is %s: axis %d of y is not as long as axis %d of x",
			    text_of(a, a->in[1]), text_of(a, a->in[0]), q, p);
	}
	/* products of bf16 are exact in f32, and summed there */
	return (Inferred){a->in[0]->type == DTYPE_bf16 ? DTYPE_f32 : a->in[0]->type, to};
}

/* x's shape with the axis replaced by the shape of `at`; rank over MAX_RANK or no such axis: rank
 * 255. */
static Shape gathered(Shape x, Shape at, unsigned axis)
{
	Shape to = {0};
	if (axis >= x.rank || x.rank - 1 + at.rank > MAX_RANK)
		return (Shape){.rank = UINT8_MAX};
	for (unsigned i = 0; i < axis; i++)
		to.dim[to.rank++] = x.dim[i];
	for (int i = 0; i < at.rank; i++)
		to.dim[to.rank++] = at.dim[i];
	for (unsigned i = axis + 1; i < x.rank; i++)
		to.dim[to.rank++] = x.dim[i];
	return to;
}

static Inferred shape_gather(const Ask *a)
{
	Shape to = gathered(a->in[0]->shape, a->in[1]->shape, a->attr->axis);
	if (to.rank > MAX_RANK)
		return FAIL(a, "gather from axis %u of %s at %s: no such axis, or more than %d axes",
		            a->attr->axis, text_of(a, a->in[0]), text_of(a, a->in[1]), MAX_RANK);
	return (Inferred){a->in[0]->type, to};
}

static Inferred shape_scatter(const Ask *a)
{
	Shape want = gathered(a->in[0]->shape, a->in[1]->shape, a->attr->axis);
	if (want.rank > MAX_RANK || !shape_equal(want, a->in[2]->shape))
		return FAIL(a,
		            "'y' of scatter_add is %s, which is not what gathering from %s at %s along "
		            "axis %u gives",
		            text_of(a, a->in[2]), text_of(a, a->in[0]), text_of(a, a->in[1]),
		            a->attr->axis);
	return (Inferred){a->in[0]->type, a->in[0]->shape};
}

static Inferred shape_gradient(const Ask *a)
{
	if (a->in[0]->shape.rank != 0)
		return FAIL(a, "only a scalar can be differentiated, and this is %s", text_of(a, a->in[0]));
	return (Inferred){a->in[1]->type, a->in[1]->shape};
}

/* An input of the body stands for an operand of its type. */
static bool input_fits(const Ask *a, const Node *input)
{
	const Region *r = a->attr->region;
	int i = region_operand(r, a->count, input->attr.name);
	if (i < 0) {
		(void)FAIL(a, "the body of scan reads '%s', which none of its operands is",
		           input->attr.name);
		return false;
	}
	Shape s = region_input_shape(r, i, a->in[i]->shape);
	if (input->type == a->in[i]->type && shape_equal(input->shape, s))
		return true;
	(void)FAIL(a, "'%s' of scan is %s, which gives its body %s, but there '%s' is %s",
	           operand(a, i), text_of(a, a->in[i]), shape_text(a->g->c->arena, a->in[i]->type, s),
	           input->attr.name, text_of(a, input));
	return false;
}

static Inferred shape_scan(const Ask *a)
{
	const Region *r = a->attr->region;
	const Graph *body = r->body;
	if (r->length < 1 || r->length > INT32_MAX)
		return FAIL(a, "scan of %lld steps", (long long)r->length);
	if (r->carries + r->sequences > (uint32_t)a->count || body->out_count < r->carries ||
	    body->out_count < 1 || body->out_count > MOST_RESULTS || body->set_count)
		return FAIL(a, "scan of %d operands with %u carries, %u sequences and %u results", a->count,
		            r->carries, r->sequences, body->out_count);
	for (uint32_t i = r->carries; i < r->carries + r->sequences; i++)
		if (a->in[i]->shape.rank < 1 || a->in[i]->shape.dim[0] != r->length)
			return FAIL(a,
			            "'%s' of scan is %s, but its first axis must have %lld places, for so "
			            "many steps",
			            operand(a, (int)i), text_of(a, a->in[i]), (long long)r->length);
	for (NodeId x = 1; x < body->count; x++) {
		const Node *n = node(body, x);
		if (n->op == OP_input && !input_fits(a, n))
			return none;
		if (n->op == OP_state || n->op == OP_gradient)
			return FAIL(a, "the body of scan has a %s", op_info[n->op].name);
	}
	for (uint32_t i = 0; i < body->out_count; i++) {
		const Node *next = node(body, body->out[i].value);
		if (shape_with_steps(r->length, next->shape).rank > MAX_RANK)
			return FAIL(a, "result %u of scan is %s at a step: no axis for steps is left", i,
			            text_of(a, next));
		if (i < r->carries &&
		    (next->type != a->in[i]->type || !shape_equal(next->shape, a->in[i]->shape)))
			return FAIL(a, "carry %u of scan is %s first, and %s after a step", i,
			            text_of(a, a->in[i]), text_of(a, next));
	}
	return (Inferred){DTYPE_i32, SCALAR};
}

static Inferred shape_result(const Ask *a)
{
	if (a->in[0]->op != OP_scan)
		return FAIL(a, "result of %s, which is no scan", op_info[a->in[0]->op].name);
	const Region *r = a->in[0]->attr.region;
	uint32_t index = a->attr->result.index;
	if (index >= (a->attr->result.last ? r->carries : r->body->out_count))
		return FAIL(a, "scan has no %s %u", a->attr->result.last ? "carry" : "result", index);
	const Node *n = node(r->body, r->body->out[index].value);
	return (Inferred){n->type,
	                  a->attr->result.last ? n->shape : shape_with_steps(r->length, n->shape)};
}

static const ShapeRule rule_of[OP_COUNT] = {
#define OP(name, ins, operands, kind, shape, ...) [OP_##name] = shape_##shape,
#include "ops.def"
#undef OP
};

/* A shape is usable: no axis below 1, not more elements than can be addressed. */
static bool shape_sane(const Ask *a, Shape s)
{
	int64_t size = 1;
	if (s.rank > MAX_RANK)
		BUG("%s of rank %d", op_info[a->op].name, s.rank);
	for (int i = 0; i < s.rank; i++) {
		if (s.dim[i] < 1) {
			(void)FAIL(a, "%s would have axis %d of length %lld", op_info[a->op].name, i,
			           (long long)s.dim[i]);
			return false;
		}
		if (__builtin_mul_overflow(size, s.dim[i], &size) || size > MAX_ELEMENTS) {
			(void)FAIL(a, "%s would have more than %lld elements", op_info[a->op].name,
			           (long long)MAX_ELEMENTS);
			return false;
		}
	}
	return true;
}

Inferred shape_infer(Graph *g, Op op, const NodeId *in, int count, DType type, Shape shape,
                     const Attr *attr)
{
	Ask a; /* operands that there are not stay as they are: to clear them took longer than most rules */
	a.g = g, a.op = op, a.count = count, a.type = type, a.shape = shape, a.attr = attr;
	for (int i = 0; i < count; i++)
		a.in[i] = node(g, in[i]);
	if (!types_agree(&a) || !shape_sane(&a, shape))
		return none;
	Inferred result = rule_of[op](&a);
	if (op == OP_iota && (attr->axis >= shape.rank || !type_allowed("NUM", type)))
		return FAIL(&a, "iota along axis %u of %s", attr->axis,
		            shape_text(g->c->arena, type, shape));
	return result.type != DTYPE_none && shape_sane(&a, result.shape) ? result : none;
}
