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
