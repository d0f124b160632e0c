/* samples.c: see samples.h. */
#include "samples.h"

#include <math.h>
#include <string.h>

static NodeId input(Graph *g, const char *prefix, const char *name, DType type, Shape shape)
{
	return op_input(g, arena_printf(g->c->arena, "%s%s", prefix, name), type, shape);
}

static Shape shape_of_variant(int variant)
{
	return variant == 0   ? SHAPE(3, 5)
	       : variant == 1 ? SHAPE(17)
	       : variant == 2 ? SHAPE(2, 3, 33)
	                      : SCALAR;
}

static DType map_type(Op op, DType type)
{
	if (strcmp(op_info[op].types, "INT") == 0)
		return DTYPE_i32;
	return strcmp(op_info[op].types, "LOGIC") == 0 ? DTYPE_i32 : type;
}

static NodeId sample_map(Graph *g, Op op, int variant, DType type, const char *p)
{
	Shape s = shape_of_variant(variant);
	DType t = map_type(op, type);
	NodeId in[3];
	Attr none;
	memset(&none, 0, sizeof none);
	if (op == OP_cast)
		return op_cast(g, input(g, p, "a", type, s),
		               variant == 1        ? DTYPE_i32
		               : variant == 2      ? DTYPE_u8
		               : type == DTYPE_f64 ? DTYPE_f32
		                                   : DTYPE_f64);
	for (int i = 0; i < op_info[op].ins; i++)
		in[i] = input(g, p,
		              i == 0   ? "a"
		              : i == 1 ? "b"
		                       : "c",
		              op == OP_select && i == 0 ? DTYPE_bool : t, s);
	return graph_add_node(g, op, in, op_info[op].ins, DTYPE_none, SCALAR, none);
}

static NodeId sample_view(Graph *g, Op op, int variant, DType type, const char *p)
{
	NodeId a = input(g, p, "a", type, SHAPE(3, 1, 5)), b = input(g, p, "b", type, SHAPE(3, 4, 5));
	NodeId wide = input(g, p, "c", type, SHAPE(7, 37));
	switch (op) {
	case OP_broadcast:
		return variant == 0   ? op_broadcast(g, a, SHAPE(3, 4, 5), (Axes){3, {0, 1, 2}})
		       : variant == 1 ? op_broadcast(g, a, SHAPE(3, 2, 1, 5, 6), (Axes){3, {0, 2, 3}})
		       : variant == 2 ? op_broadcast(g, wide, SHAPE(2, 7, 37), (Axes){2, {1, 2}})
		                      : 0;
	case OP_reshape:
		return variant == 0   ? op_reshape(g, b, SHAPE(5, 12))
		       : variant == 1 ? op_reshape(g, a, SHAPE(15))
		                      : 0;
	case OP_transpose:
		return variant == 0   ? op_transpose(g, b, (Axes){3, {2, 0, 1}})
		       : variant == 1 ? op_transpose(g, wide, (Axes){2, {1, 0}})
		                      : 0;
	case OP_slice:
		return variant == 0 ? op_slice(g, b, (int64_t[]){0, 1, 0}, (int64_t[]){3, 4, 5},
		                               (int64_t[]){2, 2, 1})
		       : variant == 1
		           ? op_slice(g, wide, (int64_t[]){1, 2}, (int64_t[]){7, 36}, (int64_t[]){3, 5})
		       : variant == 2 ? op_slice(g, b, (int64_t[]){2, 3, 4}, (int64_t[]){-1, 0, -1},
		                                 (int64_t[]){-1, -2, -1})
		                      : 0;
	case OP_windows:
		return variant == 0   ? op_windows(g, wide, 1, 3, 1, 1)
		       : variant == 1 ? op_windows(g, op_windows(g, b, 2, 2, 2, 2), 1, 3, 1, 1)
		       : variant == 2 ? op_windows(g, wide, 0, 2, 3, 2)
		                      : 0;
	case OP_pad:
		return variant == 0 ? op_pad(g, b, (int64_t[]){1, 0, 2}, (int64_t[]){0, 2, 1},
		                             (int64_t[]){0, 1, 0}, 0.5)
		       : variant == 1
		           ? op_pad(g, wide, (int64_t[]){0, 3}, (int64_t[]){2, 1}, (int64_t[]){1, 2}, -1)
		       : variant == 2
		           ? op_pad(g, wide, (int64_t[]){-1, -3}, (int64_t[]){-2, 4}, (int64_t[]){0, 0}, 0)
		       : variant == 3
		           ? op_pad(g, wide, (int64_t[]){-1, -4}, (int64_t[]){1, -2}, (int64_t[]){1, 2}, 0)
		           : 0;
	case OP_concat:
		return variant == 0 ? op_concat(g, (NodeId[]){b, a, b}, 3, 1)
		       : variant == 1
		           ? op_concat(g,
		                       (NodeId[]){wide, wide,
		                                  op_slice(g, wide, (int64_t[]){0, 0}, (int64_t[]){7, 3},
		                                           (int64_t[]){1, 1})},
		                       3, 1)
		           : 0;
	default:
		return 0;
	}
}

static NodeId sample_reduce(Graph *g, Op op, int variant, DType type, const char *p)
{
	NodeId a = input(g, p, "a", type, SHAPE(3, 7, 37));
	static const Axes axes[SAMPLES] = {{1, {2}}, {1, {0}}, {2, {0, 2}}, {3, {0, 1, 2}}};
	return op == OP_sum ? op_sum(g, a, axes[variant]) : op_reduce_max(g, a, axes[variant]);
}

static NodeId sample_dot(Graph *g, int variant, DType type, const char *p)
{
	if (variant == 0) /* x @ y */
		return op_dot(g, input(g, p, "a", type, SHAPE(5, 7)), input(g, p, "b", type, SHAPE(7, 19)),
		              (DotAxes){.contract = 1, .x_contract = {1}, .y_contract = {0}});
	if (variant == 1) /* batch axes, both contracted axes not last */
		return op_dot(g, input(g, p, "a", type, SHAPE(2, 6, 3)),
		              input(g, p, "b", type, SHAPE(6, 2, 5)),
		              (DotAxes){.batch = 1,
		                        .contract = 1,
		                        .x_batch = {0},
		                        .y_batch = {1},
		                        .x_contract = {1},
		                        .y_contract = {0}});
	if (variant == 2) /* two contracted, two free axes */
		return op_dot(g, input(g, p, "a", type, SHAPE(2, 3, 4, 5)),
		              input(g, p, "b", type, SHAPE(5, 3, 6)),
		              (DotAxes){.contract = 2, .x_contract = {1, 3}, .y_contract = {1, 0}});
	return op_dot(g, input(g, p, "a", type, SHAPE(4)), input(g, p, "b", type, SHAPE(3)),
	              (DotAxes){0}); /* outer product */
}

/* -- Scans ------------------------------------------------------------------------------------- */

static NodeId sigmoid(Graph *g, NodeId x)
{
	NodeId one = op_like(g, x, 1);
	return op_div(g, one, op_add(g, one, op_exp(g, op_neg(g, x))));
}

static NodeId matmul(Graph *g, NodeId x, NodeId y)
{
	return op_dot(g, x, y, (DotAxes){.contract = 1, .x_contract = {1}, .y_contract = {0}});
}

/* h' = tanh(x w + h u + b): a plain recurrent net; of all steps. */
static NodeId sample_recurrent(Graph *g, DType type, const char *p, bool reverse)
{
	Graph *body = graph_new(g->c, "body");
	NodeId h = op_input(body, "carry0", type, SHAPE(3, 7)),
	       x = op_input(body, "each0", type, SHAPE(3, 5)),
	       w = op_input(body, "of0", type, SHAPE(5, 7)),
	       u = op_input(body, "of1", type, SHAPE(7, 7)), b = op_input(body, "of2", type, SHAPE(7));
	NodeId sum = op_add(body, matmul(body, x, w), matmul(body, h, u));
	sum = op_add(body, sum, op_broadcast(body, b, SHAPE(3, 7), (Axes){1, {1}}));
	graph_output(body, "carry0", op_tanh(body, sum));
	NodeId in[] = {input(g, p, "a", type, SHAPE(3, 7)), input(g, p, "b", type, SHAPE(6, 3, 5)),
	               input(g, p, "c", type, SHAPE(5, 7)), input(g, p, "d", type, SHAPE(7, 7)),
	               input(g, p, "e", type, SHAPE(7))};
	NodeId scan = op_scan(g, in, 5, (Region){body, 6, 1, 1, reverse});
	return op_result(g, scan, 0, false);
}

/* Two carries and a result of its own; the last of one carry and the result, of all steps, together. */
static NodeId sample_gated(Graph *g, DType type, const char *p, bool reverse)
{
	Graph *body = graph_new(g->c, "body");
	NodeId h = op_input(body, "carry0", type, SHAPE(4)),
	       c = op_input(body, "carry1", type, SHAPE(4)),
	       x = op_input(body, "each0", type, SHAPE(4)), w = op_input(body, "of0", type, SHAPE(4));
	NodeId gate = sigmoid(body, op_add(body, op_mul(body, h, w), x));
	NodeId next = op_add(body, op_mul(body, gate, c), op_mul(body, w, x));
	graph_output(body, "carry0", op_mul(body, gate, op_tanh(body, next)));
	graph_output(body, "carry1", next);
	graph_output(body, "result2", op_mul(body, op_sub(body, h, x), next));
	NodeId in[] = {input(g, p, "a", type, SHAPE(4)), input(g, p, "b", type, SHAPE(4)),
	               input(g, p, "c", type, SHAPE(5, 4)), input(g, p, "d", type, SHAPE(4))};
	NodeId scan = op_scan(g, in, 4, (Region){body, 5, 2, 1, reverse});
	NodeId last = op_broadcast(g, op_result(g, scan, 1, true), SHAPE(5, 4), (Axes){1, {1}});
	return op_add(g, last, op_result(g, scan, 2, false));
}

/* A scan in a scan: the inner one starts from the outer carry; no sequences outside. */
static NodeId sample_nested(Graph *g, DType type, const char *p)
{
	Graph *inner = graph_new(g->c, "body"), *body = graph_new(g->c, "body");
	NodeId h = op_input(inner, "carry0", type, SHAPE(3)),
	       x = op_input(inner, "each0", type, SHAPE(3)), w = op_input(inner, "of0", type, SCALAR);
	NodeId mixed = op_mul(inner, op_broadcast(inner, w, SHAPE(3), (Axes){0}), h);
	graph_output(inner, "carry0", op_sin(inner, op_add(inner, mixed, x)));
	NodeId outer = op_input(body, "carry0", type, SHAPE(3)),
	       y = op_input(body, "of0", type, SHAPE(4, 3)), s = op_input(body, "of1", type, SCALAR);
	NodeId scan = op_scan(body, (NodeId[]){outer, y, s}, 3, (Region){inner, 4, 1, 1, false});
	NodeId all = op_sum(body, op_result(body, scan, 0, false), (Axes){1, {0}});
	graph_output(body, "carry0", op_mul(body, all, op_result(body, scan, 0, true)));
	NodeId in[] = {input(g, p, "a", type, SHAPE(3)), input(g, p, "b", type, SHAPE(4, 3)),
	               input(g, p, "c", type, SCALAR)};
	return op_result(g, op_scan(g, in, 3, (Region){body, 3, 1, 0, false}), 0, false);
}

static NodeId sample_loop(Graph *g, Op op, int variant, DType type, const char *p)
{
	if (op == OP_result)
		return variant < 2 ? sample_gated(g, type, p, variant) : 0;
	return variant < 2    ? sample_recurrent(g, type, p, variant)
	       : variant == 2 ? sample_nested(g, type, p)
	                      : 0;
}

NodeId sample_make(Graph *g, Op op, int variant, DType type, const char *p)
{
	NodeId at = input(g, p, "at", DTYPE_i32, variant == 0 ? SHAPE(4) : SHAPE(2, 3));
	Shape rows = variant == 0 ? SHAPE(6, 5) : SHAPE(3, 6, 21);
	unsigned axis = variant == 0 ? 0 : 1;
	switch (op_info[op].kind) {
	case MAP:
		return sample_map(g, op, variant, type, p);
	case VIEW:
		return sample_view(g, op, variant, type, p);
	case REDUCE:
		return sample_reduce(g, op, variant, type, p);
	case CONTRACT:
		return sample_dot(g, variant, type, p);
	case GATHER:
		return variant < 2 ? op_gather(g, input(g, p, "a", type, rows), at, axis) : 0;
	case SCATTER:
		return variant == 0   ? op_scatter_add(g, input(g, p, "a", type, rows), at,
		                                       input(g, p, "b", type, SHAPE(4, 5)), 0)
		       : variant == 1 ? op_scatter_add(g, input(g, p, "a", type, rows), at,
		                                       input(g, p, "b", type, SHAPE(3, 2, 3, 21)), 1)
		                      : 0;
	case LEAF:
		if (op == OP_iota)
			return variant < 2
			           ? op_iota(g, variant ? type : DTYPE_i32, SHAPE(5, 19), (unsigned)variant)
			           : 0;
		if (op == OP_random)
			return variant < 2 ? op_random(g, input(g, p, "seed", DTYPE_i32, SHAPE(2)),
			                               input(g, p, "step", DTYPE_i32, SCALAR), 77,
			                               variant ? SHAPE(3, 45) : SHAPE(200))
			                   : 0;
		return op == OP_constant && variant == 0 ? op_full(g, type, SHAPE(3, 5), 1.25) : 0;
	case LOOP:
		return sample_loop(g, op, variant, type, p);
	case META:
		if (op != OP_overlap_add)
			break;
		return variant == 0
		           ? op_overlap_add(g, input(g, p, "a", type, SHAPE(3, 35, 3)), 1, 1, 1, 37)
		       : variant == 1
		           ? op_overlap_add(g, input(g, p, "a", type, SHAPE(4, 3, 5)), 0, 2, 3, 14)
		           : 0;
	}
	return 0;
}

double sample_value(Op op, const char *name, DType type, int64_t i)
{
	uint64_t h = hash_u64(hash_text((Hash)op, name), (uint64_t)i);
	double u = (double)(h >> 11) / 9007199254740992.0; /* [0, 1) */
	if (type == DTYPE_bool)
		return (double)(h & 1);
	if (type == DTYPE_i32 && strstr(name, "at"))
		return (double)(int64_t)(h % 8) - 1; /* some out of range: clamped */
	if (type == DTYPE_i32 || type == DTYPE_u8)
		return (double)(int64_t)(h % 201) - (type == DTYPE_i32 ? 100 : 0);
	if (op == OP_log || op == OP_sqrt || op == OP_pow || op == OP_log1p || op == OP_div ||
	    op == OP_rem)
		return 0.4 + 1.8 * u;
	return -2 + 4 * u;
}
