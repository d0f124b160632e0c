/* make.c: constructors of the operations that need more than operands: leaves, views, reductions,
 * contractions, scans. */
#include "graph.h"

#include <string.h>

static Attr no_attr(void)
{
	Attr a;
	memset(&a, 0, sizeof a);
	return a;
}

static Attr with_axes(Axes axes)
{
	Attr a = no_attr();
	a.axes.count = axes.count;
	for (int i = 0; i < axes.count && i < MAX_RANK; i++)
		a.axes.at[i] = axes.at[i];
	return a;
}

static Attr with_axis(unsigned axis)
{
	Attr a = no_attr();
	a.axis = axis;
	return a;
}

NodeId op_cast(Graph *g, NodeId x, DType type)
{
	if (x && node(g, x)->type == type)
		return x;
	return graph_add_node(g, OP_cast, &x, 1, type, SCALAR, no_attr());
}

NodeId op_constant(Graph *g, DType type, double value)
{
	Attr a = no_attr();
	a.value = type == DTYPE_f32 ? (double)(float)value : value;
	return graph_add_node(g, OP_constant, NULL, 0, type, SCALAR, a);
}

NodeId op_full(Graph *g, DType type, Shape shape, double value)
{
	NodeId x = op_constant(g, type, value);
	return shape.rank ? op_broadcast(g, x, shape, (Axes){0}) : x;
}

NodeId op_like(Graph *g, NodeId x, double value)
{
	return x ? op_full(g, node(g, x)->type, node(g, x)->shape, value) : 0;
}

static NodeId named_leaf(Graph *g, Op op, const char *name, DType type, Shape shape)
{
	Attr a = no_attr();
	a.name = graph_name(g, name);
	return graph_add_node(g, op, NULL, 0, type, shape, a);
}

NodeId op_input(Graph *g, const char *name, DType type, Shape shape)
{
	return named_leaf(g, OP_input, name, type, shape);
}

NodeId op_state(Graph *g, const char *name, DType type, Shape shape)
{
	return named_leaf(g, OP_state, name, type, shape);
}

NodeId op_iota(Graph *g, DType type, Shape shape, unsigned axis)
{
	return graph_add_node(g, OP_iota, NULL, 0, type, shape, with_axis(axis));
}

NodeId op_random(Graph *g, NodeId seed, NodeId step, uint32_t key, Shape shape)
{
	Attr a = no_attr();
	a.key = key;
	return graph_add_node(g, OP_random, (NodeId[]){seed, step}, 2, DTYPE_i32, shape, a);
}

NodeId op_broadcast(Graph *g, NodeId x, Shape shape, Axes axes)
{
	return graph_add_node(g, OP_broadcast, &x, 1, DTYPE_none, shape, with_axes(axes));
}

NodeId op_reshape(Graph *g, NodeId x, Shape shape)
{
	return graph_add_node(g, OP_reshape, &x, 1, DTYPE_none, shape, no_attr());
}

NodeId op_transpose(Graph *g, NodeId x, Axes order)
{
	return graph_add_node(g, OP_transpose, &x, 1, DTYPE_none, SCALAR, with_axes(order));
}

NodeId op_slice(Graph *g, NodeId x, const int64_t *start, const int64_t *stop, const int64_t *step)
{
	if (!x)
		return 0;
	Attr a = no_attr();
	for (int i = 0; i < node(g, x)->shape.rank; i++) {
		a.slice.start[i] = start[i];
		a.slice.stop[i] = stop[i];
		a.slice.step[i] = step[i];
	}
	return graph_add_node(g, OP_slice, &x, 1, DTYPE_none, SCALAR, a);
}

NodeId op_pad(Graph *g, NodeId x, const int64_t *low, const int64_t *high, const int64_t *inner,
              double value)
{
	if (!x)
		return 0;
	Attr a = no_attr();
	for (int i = 0; i < node(g, x)->shape.rank; i++) {
		a.pad.low[i] = low[i];
		a.pad.high[i] = high[i];
		a.pad.inner[i] = inner[i];
	}
	a.pad.value = value;
	return graph_add_node(g, OP_pad, &x, 1, DTYPE_none, SCALAR, a);
}

NodeId op_concat(Graph *g, const NodeId *x, int count, unsigned axis)
{
	return graph_add_node(g, OP_concat, x, count, DTYPE_none, SCALAR, with_axis(axis));
}

NodeId op_sum(Graph *g, NodeId x, Axes axes)
{
	return graph_add_node(g, OP_sum, &x, 1, DTYPE_none, SCALAR, with_axes(axes));
}

NodeId op_reduce_max(Graph *g, NodeId x, Axes axes)
{
	return graph_add_node(g, OP_reduce_max, &x, 1, DTYPE_none, SCALAR, with_axes(axes));
}

NodeId op_dot(Graph *g, NodeId x, NodeId y, DotAxes axes)
{
	Attr a = no_attr();
	a.dot.batch = axes.batch;
	a.dot.contract = axes.contract;
	for (int i = 0; i < axes.batch && i < MAX_RANK; i++) {
		a.dot.x_batch[i] = axes.x_batch[i];
		a.dot.y_batch[i] = axes.y_batch[i];
	}
	for (int i = 0; i < axes.contract && i < MAX_RANK; i++) {
		a.dot.x_contract[i] = axes.x_contract[i];
		a.dot.y_contract[i] = axes.y_contract[i];
	}
	return graph_add_node(g, OP_dot, (NodeId[]){x, y}, 2, DTYPE_none, SCALAR, a);
}

NodeId op_gather(Graph *g, NodeId x, NodeId at, unsigned axis)
{
	return graph_add_node(g, OP_gather, (NodeId[]){x, at}, 2, DTYPE_none, SCALAR, with_axis(axis));
}

NodeId op_scatter_add(Graph *g, NodeId x, NodeId at, NodeId y, unsigned axis)
{
	return graph_add_node(g, OP_scatter_add, (NodeId[]){x, at, y}, 3, DTYPE_none, SCALAR,
	                      with_axis(axis));
}

static NodeId windowed(Graph *g, Op op, NodeId x, Attr a)
{
	return x ? graph_add_node(g, op, &x, 1, DTYPE_none, SCALAR, a) : 0;
}

NodeId op_windows(Graph *g, NodeId x, int axis, int64_t size, int64_t stride, int64_t dilation)
{
	Attr a = no_attr();
	a.window.axis = axis;
	a.window.size = size;
	a.window.stride = stride;
	a.window.dilation = dilation;
	return windowed(g, OP_windows, x, a);
}

NodeId op_overlap_add(Graph *g, NodeId x, int axis, int64_t stride, int64_t dilation,
                      int64_t length)
{
	Attr a = no_attr();
	a.window.axis = axis;
	a.window.stride = stride;
	a.window.dilation = dilation;
	a.window.length = length;
	return windowed(g, OP_overlap_add, x, a);
}

NodeId op_gradient(Graph *g, NodeId y, NodeId x)
{
	return graph_add_node(g, OP_gradient, (NodeId[]){y, x}, 2, DTYPE_none, SCALAR, no_attr());
}

NodeId op_scan(Graph *g, const NodeId *in, int count, Region region)
{
	Attr a = no_attr();
	if (!region.body)
		return 0;
	a.region = new (g->c->arena, Region);
	*a.region = region;
	return graph_add_node(g, OP_scan, in, count, DTYPE_none, SCALAR, a);
}

NodeId op_result(Graph *g, NodeId scan, uint32_t index, bool last)
{
	Attr a = no_attr();
	a.result.index = index;
	a.result.last = last;
	return graph_add_node(g, OP_result, &scan, 1, DTYPE_none, SCALAR, a);
}
