/* test_channels.c: lanes along pixels of few channels, of which all are loaded and stored together,
 * in order or gathered, folds of gathered columns, and matrices that are turned, against the interpreter. */
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

/* The last of more channels than a vector has lanes: nothing behind it is read. */
static void last_channel(void)
{
	How how = {.cpu = "x86-64"};
	for (int64_t channels = 4; channels <= 8; channels++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, arena_printf(c->arena, "the last of %d", (int)channels));
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(64, channels));
		NodeId y = op_slice(g, x, LIST(0, channels - 1), LIST(64, channels), LIST(1, 1));
		graph_output(g, "last", op_neg(g, y));
		Feed feed = {"x", test_values(c->arena, DTYPE_f32, 64 * channels, 61)};
		CU_ASSERT(graph_agrees(c, g, &how, &feed, 1, 0));
		compile_close(c);
	}
}

/* At places out of range, too, of images that end where nothing more may be read; computed behind. Places jump, or rise as
 * slowly as those of a resized image. */
static void gathered_of(DType t, int64_t pixels, int64_t channels, bool slowly)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "gather %d pixels of %d channels of %s",
	                                     (int)pixels, (int)channels, type_info[t].name));
	NodeId x = op_input(g, "x", t, SHAPE(1, pixels, channels)),
	       at = op_input(g, "at", DTYPE_i32, SHAPE(2, 45)),
	       row = op_reshape(g, x, SHAPE(pixels, channels)), y = op_gather(g, row, at, 0);
	NodeId half =
	    op_mul(g, op_cast(g, row, DTYPE_f32), op_full(g, DTYPE_f32, SHAPE(pixels, channels), 0.5));
	graph_output(g, "gathered", op_max(g, y, op_gather(g, row, op_neg(g, at), 0)));
	graph_output(g, "behind", op_gather(g, x, at, 1));
	graph_output(g, "half", op_gather(g, half, at, 0));
	double *v = test_values(c->arena, t, pixels * channels, 61), places[PIXELS];
	for (int i = 0; i < PIXELS; i++)
		places[i] = (double)(slowly ? i * (pixels + 3) / PIXELS - 1 : i * 7 % (pixels + 5) - 2);
	Feed feed[] = {{"x", v}, {"at", places}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 2, 0));
	compile_close(c);
}

static void gathers(void)
{
	static const DType TYPES[] = {DTYPE_f32, DTYPE_f64, DTYPE_bf16, DTYPE_i32, DTYPE_u8};
	for (size_t i = 0; i < COUNT(TYPES); i++)
		for (int64_t channels = 1; channels <= 5; channels++) {
			gathered_of(TYPES[i], 33, channels, false);
			gathered_of(TYPES[i], 33, channels, true);
			gathered_of(TYPES[i], 120, channels, true);
			gathered_of(TYPES[i], 1, channels, false);
		}
}

/* Two pixels whose places share a term: neighbours, one the other, apart; up to the last and beyond it. */
static void pairs_of(DType t, int64_t pixels, int64_t channels, int apart)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "%d pixels of %d channels of %s, %d apart",
	                                     (int)pixels, (int)channels, type_info[t].name, apart));
	NodeId x = op_input(g, "x", t, SHAPE(pixels, channels)),
	       row = op_input(g, "row", DTYPE_i32, SHAPE(2, 45)),
	       left = op_input(g, "left", DTYPE_i32, SHAPE(2, 45)),
	       right = op_input(g, "right", DTYPE_i32, SHAPE(2, 45));
	NodeId y = op_gather(g, x, op_add(g, row, left), 0),
	       z = op_gather(g, x, op_add(g, right, row), 0);
	NodeId share = op_broadcast(
	    g, op_cast(g, op_rem(g, left, op_full(g, DTYPE_i32, SHAPE(2, 45), 3)), DTYPE_f32),
	    SHAPE(2, 45, channels), (Axes){2, {0, 1}});
	y = op_mul(g, op_cast(g, y, DTYPE_f32), share);
	graph_output(g, "between", op_sub(g, y, op_cast(g, z, DTYPE_f32)));
	double rows[PIXELS], lefts[PIXELS], rights[PIXELS];
	for (int i = 0; i < PIXELS; i++) {
		rows[i] = (double)(i * 5 % (pixels + 4));
		lefts[i] = i * 3 % 7 - 2;
		rights[i] = lefts[i] + (apart > 1 ? (i * 7 % 3 - 1) * apart : apart * (i % 3 != 1));
	}
	Feed feed[] = {{"x", test_values(c->arena, t, pixels * channels, 61)},
	               {"row", rows},
	               {"left", lefts},
	               {"right", rights}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 4, 0));
	compile_close(c);
}

/* The second place is read at the first, with which it shares a term. */
static void chained_of(int64_t channels)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "a chain of %d channels", (int)channels));
	Shape s = SHAPE(2, 45);
	NodeId x = op_input(g, "x", DTYPE_u8, SHAPE(200, channels)),
	       row = op_input(g, "row", DTYPE_i32, s), left = op_input(g, "left", DTYPE_i32, s);
	NodeId y = op_cast(g, op_gather(g, x, op_add(g, row, left), 0), DTYPE_i32);
	NodeId next = op_add(g, row, op_reshape(g, channel(g, y, 0), s));
	graph_output(g, "chained", op_cast(g, op_gather(g, x, next, 0), DTYPE_f32));
	double rows[PIXELS], lefts[PIXELS];
	for (int i = 0; i < PIXELS; i++)
		rows[i] = i * 7 % 150, lefts[i] = i % 5;
	Feed feed[] = {
	    {"x", test_values(c->arena, DTYPE_u8, 200 * channels, 61)}, {"row", rows}, {"left", lefts}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 3, 0));
	compile_close(c);
}

static void pairs(void)
{
	for (int64_t channels = 2; channels <= 4; channels++)
		chained_of(channels);
	for (int64_t channels = 1; channels <= 5; channels++)
		for (int apart = -1; apart <= 2; apart++) {
			pairs_of(DTYPE_u8, 200, channels, apart);
			pairs_of(DTYPE_u8, 3, channels, apart);
		}
	pairs_of(DTYPE_f32, 200, 3, 1);
}

/* The places of a row of elements, the same in all rows of an image: near each other, in an order of their
 * own, or anywhere, as many as are and are not whole vectors and rounds of rows. */
static void rows_of(DType t, int64_t rows, int64_t from, int64_t to, int64_t apart)
{
	Compile *c = compile_open();
	Graph *g =
	    graph_new(c, arena_printf(c->arena, "%d rows of %d elements from %d, %d apart, of %s",
	                              (int)rows, (int)to, (int)from, (int)apart, type_info[t].name));
	Shape s = SHAPE(2, rows, to);
	NodeId x = op_input(g, "x", t, SHAPE(2, rows, from)),
	       at = op_input(g, "at", DTYPE_i32, SHAPE(2, to)), many[3];
	int64_t numbers[] = {0, from - 1, rows};
	for (int i = 0; i < 3; i++)
		many[i] = op_full(g, DTYPE_i32, SHAPE(2, to), (double)numbers[i]);
	NodeId inside = op_min(g, op_max(g, at, many[0]), many[1]);
	NodeId row =
	    op_add(g, op_mul(g, op_iota(g, DTYPE_i32, s, 0), op_full(g, DTYPE_i32, s, (double)rows)),
	           op_iota(g, DTYPE_i32, s, 1));
	row = op_mul(g, row, op_full(g, DTYPE_i32, s, (double)from));
	NodeId list = op_reshape(g, op_neg(g, x), SHAPE(2 * rows * from));
	NodeId y = op_gather(g, list, op_add(g, row, op_broadcast(g, inside, s, (Axes){2, {0, 2}})), 0);
	NodeId z = op_gather(
	    g, list,
	    op_add(g, op_broadcast(g, op_neg(g, op_neg(g, inside)), s, (Axes){2, {0, 2}}), row), 0);
	graph_output(g, "gathered", op_max(g, y, op_neg(g, z)));
	double *places = new_array(c->arena, double, 2 * to);
	for (int64_t i = 0; i < 2 * to; i++)
		places[i] = (double)(i % to / 3 * apart + 2 - i % 3 - 1);
	Feed feed[] = {{"x", test_values(c->arena, t, 2 * rows * from, 61)}, {"at", places}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 2, 0));
	compile_close(c);
}

/* Padding has no places: nothing is read before the first element of all, nor behind the last. */
static void rows_with_padding(int64_t low, int64_t high)
{
	Compile *c = compile_open();
	Graph *g =
	    graph_new(c, arena_printf(c->arena, "rows padded by %d and %d", (int)low, (int)high));
	Shape s = SHAPE(5, 37);
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(5 * 37)), row = op_iota(g, DTYPE_i32, s, 0);
	row = op_mul(g, row, op_full(g, DTYPE_i32, s, 37));
	NodeId y = op_gather(g, x, op_add(g, row, op_iota(g, DTYPE_i32, s, 1)), 0);
	graph_output(g, "padded", op_pad(g, y, LIST(0, low), LIST(0, high), LIST(0, 0), 2));
	Feed feed = {"x", test_values(c->arena, DTYPE_f32, 5 * 37, 61)};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, 0));
	compile_close(c);
}

static void rows_of_the_same_places(void)
{
	rows_with_padding(3, 2);
	rows_with_padding(19, 24);
	static const DType TYPES[] = {DTYPE_f32, DTYPE_i32, DTYPE_f64, DTYPE_u8};
	static const int64_t ROWS[] = {1, 7, 8, 15}, LENGTHS[] = {5, 16, 47},
	                     APART[] = {0, 2, 5, 9, 40};
	for (size_t i = 0; i < COUNT(TYPES); i++)
		for (size_t r = 0; r < COUNT(ROWS); r++)
			for (size_t a = 0; a < COUNT(APART); a++)
				rows_of(TYPES[i], ROWS[r], 3 + 13 * APART[a] % 97,
				        LENGTHS[(r + a) % COUNT(LENGTHS)], APART[a]);
}

/* Where the places are the same for all that is summed, each lane has an address from before the loop. */
static void sums_of_gathered(void)
{
	for (int64_t places = 1; places <= 33; places += 4) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, arena_printf(c->arena, "sums of %d columns", (int)places));
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(5, 40)),
		       at = op_input(g, "at", DTYPE_i32, SHAPE(places)), y = op_gather(g, x, at, 1);
		graph_output(g, "largest", op_reduce_max(g, y, (Axes){1, {0}}));
		double numbers[33];
		for (int i = 0; i < places; i++)
			numbers[i] = (i * 7) % 45 - 2;
		Feed feed[] = {{"x", test_values(c->arena, DTYPE_f32, 200, 61)}, {"at", numbers}};
		CU_ASSERT(graph_agrees_always(c, g, feed, 2, 0));
		compile_close(c);
	}
}

/* Matrices that are turned: lines are shared by rows, of which tiles and vectors leave a rest. */
static void turned_of(DType t, Shape s, Axes order)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "turned %s", shape_text(c->arena, t, s)));
	NodeId x = op_input(g, "x", t, s), turned = op_transpose(g, x, order);
	graph_output(g, "turned", turned);
	graph_output(g, "more", op_max(g, turned, op_add(g, turned, turned)));
	Feed feed = {"x", test_values(c->arena, t, shape_size(s), 5)};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, 0));
	compile_close(c);
}

static void turned_matrices(void)
{
	static const DType OTHERS[] = {DTYPE_f64, DTYPE_bf16, DTYPE_u8};
	for (size_t i = 0; i < COUNT(OTHERS); i++)
		turned_of(OTHERS[i], SHAPE(33, 17), (Axes){2, {1, 0}});
	turned_of(DTYPE_f32, SHAPE(16, 16), (Axes){2, {1, 0}});
	turned_of(DTYPE_f32, SHAPE(19, 47), (Axes){2, {1, 0}});
	turned_of(DTYPE_f32, SHAPE(301, 700), (Axes){2, {1, 0}});
	turned_of(DTYPE_f32, SHAPE(3, 37, 50), (Axes){3, {0, 2, 1}});
	turned_of(DTYPE_f32, SHAPE(37, 3, 50), (Axes){3, {2, 1, 0}});
}

CU_TestInfo test_channels[] = {
    {"pixels", pixels},
    {"the last channel", last_channel},
    {"gathers", gathers},
    {"pairs", pairs},
    {"rows of the same places", rows_of_the_same_places},
    {"sums of what is gathered", sums_of_gathered},
    {"turned matrices", turned_matrices},
    CU_TEST_INFO_NULL,
};
