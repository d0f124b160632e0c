/* test_channels.c: lanes along pixels of few channels, of which all are loaded and stored together,
 * against the interpreter. */
#include <CUnit/CUnit.h>

#include "compiled.h"

enum { PIXELS = 2 * 45 }; /* whole vectors and a rest */

#define LIST(...)                                                                                  \
	(const int64_t[])                                                                              \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}

static NodeId channel(Graph *g, NodeId x, int64_t at)
{
	return op_slice(g, x, LIST(0, 0, at), LIST(2, 45, at + 1), LIST(1, 1, 1));
}

/* Backwards along pixels, along channels; a channel for all; channels of several. */
static void channels_of(DType t, int64_t channels)
{
	Compile *c = compile_open();
	Graph *g =
	    graph_new(c, arena_printf(c->arena, "%d channels of %s", (int)channels, type_info[t].name));
	Shape s = SHAPE(2, 45, channels);
	NodeId x = op_input(g, "x", t, s), last = channel(g, x, channels - 1), part[3];
	NodeId back = op_slice(g, x, LIST(0, 44, 0), LIST(2, -1, channels), LIST(1, -1, 1));
	NodeId turned = op_slice(g, x, LIST(0, 0, channels - 1), LIST(2, 45, -1), LIST(1, 1, -1));
	graph_output(g, "backwards", op_max(g, back, op_min(g, turned, x)));
	graph_output(g, "in bytes", op_cast(g, op_max(g, back, turned), DTYPE_u8));
	graph_output(g, "spread", op_max(g, op_broadcast(g, last, s, (Axes){3, {0, 1, 2}}), x));
	for (int64_t i = 0; i < 3; i++)
		part[i] = op_max(g, channel(g, back, i % channels), last);
	graph_output(g, "joined", op_concat(g, part, 3, 2));
	graph_output(g, "more", op_concat(g, (NodeId[]){part[0], part[2], last, part[1]}, 4, 2));
	graph_output(g, "too many", op_concat(g, (NodeId[]){x, turned}, 2, 2));
	Feed feed = {"x", test_values(c->arena, t, PIXELS * channels, 61)};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, 0));
	compile_close(c);
}

static void pixels(void)
{
	static const DType TYPES[] = {DTYPE_f32, DTYPE_f64, DTYPE_bf16, DTYPE_i32, DTYPE_u8};
	for (size_t i = 0; i < COUNT(TYPES); i++)
		for (int64_t channels = 2; channels <= 5; channels++)
			channels_of(TYPES[i], channels);
}

CU_TestInfo test_channels[] = {
    {"pixels", pixels},
    CU_TEST_INFO_NULL,
};
