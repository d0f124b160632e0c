/* test_kernels.c: generated code against the interpreter where it could go wrong: the exact meaning
 * of every operation at special values, every type and odd length; views in views; every choice of
 * reduced axes; states written in place; random graphs through the real and the naive schedule. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <string.h>

#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "share.h"

/* -- MAP: every row of ops.def ----------------------------------------------------------------- */

static bool takes(Op op, DType t)
{
	const char *types = op_info[op].types;
	bool is_float = type_info[t].is_float, is_int = type_info[t].is_int;
	return strcmp(types, "ANY") == 0 || (strcmp(types, "NUM") == 0 && (is_float || is_int)) ||
	       (strcmp(types, "FLOAT") == 0 && is_float) || (strcmp(types, "INT") == 0 && is_int) ||
	       (strcmp(types, "LOGIC") == 0 && !is_float) ||
	       (strcmp(types, "BOOL") == 0 && t == DTYPE_bool);
}

/* Approximated: test_math.c measures them. */
static bool is_exact(Op op)
{
	return op != OP_exp && op != OP_log && op != OP_log1p && op != OP_sin && op != OP_cos &&
	       op != OP_tanh && op != OP_erf && op != OP_pow;
}

static NodeId apply(Graph *g, Op op, DType to, const NodeId *in)
{
	Attr none;
	memset(&none, 0, sizeof none);
	NodeId with_condition[3] = {in[2], in[0], in[1]};
	if (op == OP_cast)
		return op_cast(g, in[0], to);
	return graph_add_node(g, op, op == OP_select ? with_condition : in, op_info[op].ins, DTYPE_none,
	                      SCALAR, none);
}

/* All operations that take type t, at one shape, as one graph. */
static bool all_maps(DType t, int64_t length, const char *cpu, bool exact)
{
	if (!case_runs())
		return true;
	Compile *c = compile_open();
	Graph *g =
	    graph_new(c, arena_printf(c->arena, "maps of %s[%d]", type_info[t].name, (int)length));
	NodeId in[3] = {op_input(g, "a", t, SHAPE(length)), op_input(g, "b", t, SHAPE(length)),
	                op_input(g, "c", DTYPE_bool, SHAPE(length))};
	uint32_t turn = (uint32_t)length;
	Feed feed[] = {{"a", test_values(c->arena, t, length, turn)},
	               {"b", test_values(c->arena, t, length, 5 * turn / 3)},
	               {"c", test_values(c->arena, DTYPE_bool, length, turn)}};
	for (Op op = 1; op < OP_COUNT; op++)
		for (DType to = DTYPE_f32; to < DTYPE_COUNT; to++)
			if (op_info[op].kind == MAP && takes(op, t) && is_exact(op) == exact && to != t &&
			    (op == OP_cast || to == (t == DTYPE_f32 ? DTYPE_f64 : DTYPE_f32)))
				graph_output(g, arena_printf(c->arena, "%s %d", op_info[op].name, to),
				             apply(g, op, to, in));
	bool good = true;
	if (!exact) /* within their domain; special values of them are math.c's tests */
		for (int64_t i = 0; i < length; i++)
			for (int j = 0; j < 2; j++) {
				double *x = (double *)&feed[j].at[i];
				*x = rounded(t, 0.1 + fabs(fmod(isfinite(*x) ? *x : 1, 4)));
			}
	How real = {.cpu = cpu, .hook = SERIAL}, naive = {.naive = true, .tile = 64, .cpu = cpu};
	double error = exact ? 0 : t == DTYPE_f32 ? 2e-6 : t == DTYPE_f64 ? 1e-14 : 0x1p-8;
	if (g->out_count) {
		good &= graph_agrees(c, g, &real, feed, COUNT(feed), error);
		good &= length != 17 || graph_agrees(c, g, &naive, feed, COUNT(feed), error);
	}
	compile_close(c);
	return good;
}

static void maps_on(const char *cpu)
{
	static const int64_t LENGTHS[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 100};
	static const DType TYPES[] = {DTYPE_f32, DTYPE_f64, DTYPE_bf16,
	                              DTYPE_i32, DTYPE_u8,  DTYPE_bool};
	for (size_t i = 0; i < COUNT(TYPES); i++)
		for (size_t j = 0; j < COUNT(LENGTHS); j++) {
			CU_ASSERT(all_maps(TYPES[i], LENGTHS[j], cpu, true));
			if (type_info[TYPES[i]].is_float && j % 4 == 0)
				CU_ASSERT(all_maps(TYPES[i], LENGTHS[j], cpu, false));
		}
}

static void maps_here(void)
{
	maps_on(NULL);
}
static void maps_avx2(void)
{
	maps_on("x86-64-v3");
}
static void maps_sse2(void)
{
	maps_on("x86-64");
}

/* -- VIEW -------------------------------------------------------------------------------------- */

#define LIST(...)                                                                                  \
	(const int64_t[])                                                                              \
	{                                                                                              \
		__VA_ARGS__                                                                                \
	}

typedef NodeId (*View)(Graph *g, NodeId x); /* of x: [5,3,18] */

static NodeId transpose_all(Graph *g, NodeId x)
{
	return op_transpose(g, x, (Axes){3, {2, 0, 1}});
}
static NodeId transpose_outer(Graph *g, NodeId x)
{
	return op_transpose(g, x, (Axes){3, {1, 0, 2}});
}
static NodeId slice_steps(Graph *g, NodeId x)
{
	return op_slice(g, x, LIST(1, 0, 2), LIST(5, 3, 18), LIST(2, 2, 3));
}
static NodeId slice_one(Graph *g, NodeId x)
{
	return op_slice(g, x, LIST(4, 2, 17), LIST(5, 3, 18), LIST(1, 1, 1));
}
static NodeId pad_around(Graph *g, NodeId x)
{
	return op_pad(g, x, LIST(1, 2, 3), LIST(2, 0, 15), LIST(0, 0, 0), -1.5);
}
static NodeId pad_inner(Graph *g, NodeId x)
{
	return op_pad(g, x, LIST(0, 1, 1), LIST(1, 0, 2), LIST(1, 0, 2), 3);
}
static NodeId pad_cut(Graph *g, NodeId x)
{
	return op_pad(g, x, LIST(-2, 1, -3), LIST(1, -2, -4), LIST(0, 0, 0), 2);
}
static NodeId pad_cut_inner(Graph *g, NodeId x)
{
	return op_pad(g, x, LIST(-3, 0, -2), LIST(4, -1, -5), LIST(2, 1, 1), 2);
}
static NodeId pad_of_view(Graph *g, NodeId x)
{
	return pad_around(g, op_neg(g, transpose_outer(g, slice_steps(g, pad_inner(g, x)))));
}
static NodeId slice_of_pad(Graph *g, NodeId x)
{
	return slice_steps(g, pad_cut(g, pad_around(g, x)));
}
static NodeId concat_last(Graph *g, NodeId x)
{
	return op_concat(g, (NodeId[]){x, op_neg(g, x), slice_steps(g, pad_inner(g, x)), x}, 2, 2);
}
static NodeId concat_first(Graph *g, NodeId x)
{
	NodeId one = op_slice(g, x, LIST(2, 0, 0), LIST(3, 3, 18), LIST(1, 1, 1));
	return op_concat(g, (NodeId[]){one, x, op_abs(g, one)}, 3, 0);
}
static NodeId concat_of_pads(Graph *g, NodeId x)
{
	return op_concat(g, (NodeId[]){pad_around(g, x), op_neg(g, pad_around(g, op_abs(g, x)))}, 2, 2);
}
static NodeId broadcast_middle(Graph *g, NodeId x)
{
	return op_broadcast(g, x, SHAPE(5, 2, 3, 18), (Axes){3, {0, 2, 3}});
}
static NodeId broadcast_last(Graph *g, NodeId x)
{
	return op_broadcast(g, x, SHAPE(5, 3, 18, 7), (Axes){3, {0, 1, 2}});
}
static NodeId broadcast_stretched(Graph *g, NodeId x)
{
	NodeId row = op_slice(g, x, LIST(1, 0, 3), LIST(2, 3, 4), LIST(1, 1, 1));
	return op_max(g, op_broadcast(g, row, SHAPE(5, 3, 18), (Axes){3, {0, 1, 2}}), x);
}
static NodeId reshape_merge(Graph *g, NodeId x)
{
	return op_reshape(g, op_neg(g, transpose_all(g, x)), SHAPE(30, 9));
}
static NodeId reshape_units(Graph *g, NodeId x)
{
	return op_add(g, op_reshape(g, op_neg(g, x), SHAPE(5, 1, 3, 18, 1)),
	              op_reshape(g, x, SHAPE(5, 1, 3, 18, 1)));
}
static NodeId short_rows(Graph *g, NodeId x)
{
	return op_transpose(g, slice_steps(g, pad_around(g, x)), (Axes){3, {2, 0, 1}});
}
/* Lanes run along the middle axis, a few elements apart. */
static NodeId channels(Graph *g, NodeId x)
{
	x = op_reshape(g, x, SHAPE(2, 45, 3));
	NodeId back = op_slice(g, x, LIST(0, 44, 0), LIST(2, -1, 3), LIST(1, -1, 1));
	return op_max(g, back, op_slice(g, x, LIST(0, 0, 2), LIST(2, 45, -1), LIST(1, 1, -1)));
}

static const View views[] = {
    transpose_all,    transpose_outer, slice_steps,   slice_one,           pad_around,
    channels,         pad_inner,       pad_cut,       pad_cut_inner,       pad_of_view,
    slice_of_pad,     concat_last,     concat_first,  concat_of_pads,      reshape_merge,
    broadcast_middle, broadcast_last,  reshape_units, broadcast_stretched, short_rows,
};

static void views_of(DType t)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "views of %s", type_info[t].name));
	NodeId x = op_input(g, "x", t, SHAPE(5, 3, 18));
	for (size_t i = 0; i < COUNT(views); i++) {
		NodeId view = views[i](g, x);
		graph_output(g, arena_printf(c->arena, "view %zu", i), view);
		if (t == DTYPE_f32)
			graph_output(g, arena_printf(c->arena, "after %zu", i), op_floor(g, view));
	}
	Feed feed = {"x", test_values(c->arena, t, 5 * 3 * 18, 3)};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, 0));
	compile_close(c);
}

static void all_views(void)
{
	views_of(DTYPE_f32);
	views_of(DTYPE_f64);
	views_of(DTYPE_bf16);
	views_of(DTYPE_i32);
	views_of(DTYPE_u8);
}

/* -- Leaves, GATHER, SCATTER ------------------------------------------------------------------- */

static void leaves(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "leaves");
	NodeId seed = op_input(g, "seed", DTYPE_i32, SHAPE(2)),
	       step = op_input(g, "step", DTYPE_i32, SCALAR);
	for (unsigned axis = 0; axis < 3; axis++) {
		graph_output(g, arena_printf(c->arena, "f32 %u", axis),
		             op_iota(g, DTYPE_f32, SHAPE(3, 5, 21), axis));
		graph_output(g, arena_printf(c->arena, "u8 %u", axis),
		             op_iota(g, DTYPE_u8, SHAPE(3, 300, 2), axis));
		graph_output(g, arena_printf(c->arena, "f64 %u", axis),
		             op_iota(g, DTYPE_f64, SHAPE(7, 2, 9), axis));
	}
	NodeId bits = op_random(g, seed, step, 99, SHAPE(6, 50));
	graph_output(g, "bits", bits);
	graph_output(g, "some", op_slice(g, bits, LIST(1, 3), LIST(6, 49), LIST(2, 3)));
	graph_output(g, "turned", op_transpose(g, bits, (Axes){2, {1, 0}}));
	graph_output(g, "one", op_random(g, seed, step, 98, SCALAR));
	graph_output(g, "full", op_full(g, DTYPE_bf16, SHAPE(3, 3), 1.5));
	graph_output(g, "true", op_full(g, DTYPE_bool, SHAPE(40), 1));
	graph_output(g, "minus", op_full(g, DTYPE_i32, SCALAR, -7));
	graph_output(g, "copied", seed);
	Feed feed[] = {{"seed", (double[]){-5, 77}}, {"step", (double[]){123456}}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 2, 0));
	compile_close(c);
}

static void gather_scatter(DType t)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "gather %s", type_info[t].name));
	NodeId x = op_input(g, "x", t, SHAPE(4, 6, 35));
	NodeId at = op_input(g, "at", DTYPE_i32, SHAPE(2, 9)),
	       one = op_input(g, "one", DTYPE_i32, SCALAR);
	for (unsigned axis = 0; axis < 3; axis++) {
		NodeId y = op_gather(g, x, at, axis);
		graph_output(g, arena_printf(c->arena, "gather %u", axis), y);
		graph_output(g, arena_printf(c->arena, "scatter %u", axis),
		             op_scatter_add(g, x, at, y, axis));
		graph_output(g, arena_printf(c->arena, "one %u", axis),
		             op_gather(g, op_neg(g, x), one, axis));
		graph_output(g, arena_printf(c->arena, "turned %u", axis),
		             op_abs(g, op_transpose(g, y, (Axes){4, {3, 1, 0, 2}})));
	}
	double *v = new_array(c->arena, double, 4 * 6 * 35), places[18];
	for (int i = 0; i < 4 * 6 * 35; i++)
		v[i] = i % 16; /* sums are exact in every type */
	for (int i = 0; i < 18; i++)
		places[i] = i * 7 % 11 - 2;
	Feed feed[] = {{"x", v}, {"at", places}, {"one", (double[]){2147483647}}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 3, t == DTYPE_bf16 ? 0x1p-7 : 0));
	compile_close(c);
}

static void gathers_and_scatters(void)
{
	gather_scatter(DTYPE_f32);
	gather_scatter(DTYPE_f64);
	gather_scatter(DTYPE_bf16);
	gather_scatter(DTYPE_i32);
	gather_scatter(DTYPE_u8);
}

/* -- REDUCE ------------------------------------------------------------------------------------ */

/* Sum and maximum over every set of axes, of x itself and between maps. */
static void reduces_of(DType t, Shape s, double error)
{
	if (!case_runs())
		return;
	Compile *c = compile_open();
	Graph *g = graph_new(c, arena_printf(c->arena, "reduce %s", shape_text(c->arena, t, s)));
	NodeId x = op_input(g, "x", t, s), w = op_mul(g, op_abs(g, x), x);
	for (unsigned set = 1; set < 1u << s.rank; set++) {
		Axes axes = {0};
		for (uint8_t i = 0; i < s.rank; i++)
			if (set >> i & 1)
				axes.at[axes.count++] = i;
		NodeId sum = op_sum(g, x, axes), most = op_reduce_max(g, x, axes);
		graph_output(g, arena_printf(c->arena, "sum %u", set), sum);
		graph_output(g, arena_printf(c->arena, "max %u", set), most);
		graph_output(g, arena_printf(c->arena, "both %u", set),
		             op_neg(g, op_add(g, op_sum(g, w, axes), most)));
	}
	double *v = test_values(c->arena, t, shape_size(s), 61); /* past the special ones */
	Feed feed = {"x", v};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, error));
	compile_close(c);
}

static void reductions(void)
{
	static const int64_t LENGTHS[] = {1, 2, 7, 15, 16, 17, 63, 64, 65, 130};
	for (size_t i = 0; i < COUNT(LENGTHS); i++) {
		reduces_of(DTYPE_f32, SHAPE(3, LENGTHS[i]), 1e-4);
		reduces_of(DTYPE_i32, SHAPE(LENGTHS[i], 5), 0);
	}
	reduces_of(DTYPE_f64, SHAPE(4, 1, 9, 18), 1e-13);
	reduces_of(DTYPE_u8, SHAPE(19, 33), 0);
	reduces_of(DTYPE_bf16, SHAPE(6, 20), 0x1p-6);
}

/* So few rows are reduced; of more, the last are a row kernel's rest. */
static void special_maximum_of(int64_t rows)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "special maximum");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(rows, 40));
	graph_output(g, "rows", op_reduce_max(g, x, (Axes){1, {1}}));
	graph_output(g, "columns", op_reduce_max(g, x, (Axes){1, {0}}));
	graph_output(g, "sums", op_sum(g, x, (Axes){1, {1}}));
	double v[440];
	for (int i = 0; i < 40 * rows; i++)
		v[i] = i < 40 ? -INFINITY : i % 40 - 60;
	v[45] = NAN, v[119] = NAN, v[125] = INFINITY, v[170] = -INFINITY;
	v[40 * rows - 8] = NAN, v[40 * rows - 20] = INFINITY;
	Feed feed = {"x", v};
	CU_ASSERT(graph_agrees_always(c, g, &feed, 1, 0));
	compile_close(c);
}
static void maximum_of_special_values(void)
{
	special_maximum_of(5), special_maximum_of(11);
}

/* -- States ------------------------------------------------------------------------------------ */

/* All sets happen at once: w is its own operand, read elsewhere by others, swapped, turned, copied. */
static void sets_at_once(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "sets");
	Shape s = SHAPE(7, 7);
	NodeId w = op_state(g, "w", DTYPE_f32, s), m = op_state(g, "m", DTYPE_f32, s),
	       a = op_state(g, "a", DTYPE_f32, s), b = op_state(g, "b", DTYPE_f32, s),
	       t = op_state(g, "t", DTYPE_f32, s), u = op_state(g, "u", DTYPE_f32, s),
	       n = op_state(g, "n", DTYPE_i32, SCALAR), x = op_input(g, "x", DTYPE_f32, s);
	NodeId half = op_full(g, DTYPE_f32, s, 0.5);
	NodeId next = op_add(g, op_mul(g, m, half), x);
	graph_set(g, m, next);
	graph_set(g, w, op_sub(g, w, op_mul(g, next, half)));
	graph_set(g, a, b);
	graph_set(g, b, a);
	graph_set(g, t, op_transpose(g, t, (Axes){2, {1, 0}}));
	graph_set(g, u, x);
	graph_set(g, n, op_add(g, n, op_constant(g, DTYPE_i32, 1)));
	graph_output(g, "old w", op_sum(g, w, (Axes){1, {0}}));
	graph_output(g, "turned m", op_transpose(g, m, (Axes){2, {1, 0}}));
	graph_output(g, "next", next);
	graph_output(g, "u", u);
	static const char *const NAMES[] = {"w", "m", "a", "b", "t", "u", "x"};
	Feed feed[8] = {{"n", (double[]){41}}};
	for (size_t i = 0; i < COUNT(NAMES); i++) {
		double *v = new_array(c->arena, double, 49);
		for (int j = 0; j < 49; j++)
			v[j] = (int)((i + 1) * 31 + (size_t)j * 17) % 64 - 20;
		feed[i + 1] = (Feed){NAMES[i], v};
	}
	CU_ASSERT(graph_agrees_always(c, g, feed, 8, 0));
	compile_close(c);
}

/* Large enough for many tiles of the real schedule, none of which is even. */
static void many_tiles(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "tiles");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(401, 333)),
	       w = op_state(g, "w", DTYPE_f32, SHAPE(401, 333));
	NodeId row = op_sum(g, x, (Axes){1, {0}}),
	       wide = op_broadcast(g, row, SHAPE(401, 333), (Axes){1, {1}});
	graph_output(g, "columns", row);
	graph_output(g, "rows", op_reduce_max(g, x, (Axes){1, {1}}));
	graph_output(g, "turned", op_transpose(g, op_sub(g, x, wide), (Axes){2, {1, 0}}));
	graph_output(g, "flat", op_abs(g, op_reshape(g, op_add(g, x, w), SHAPE(401 * 333))));
	graph_set(g, w, op_sub(g, w, x));
	double *v = new_array(c->arena, double, 401 * 333), *z = new_array(c->arena, double, 401 * 333);
	for (int i = 0; i < 401 * 333; i++)
		v[i] = i * 7919 % 1001 - 500, z[i] = i % 13;
	CU_ASSERT(graph_agrees_always(c, g, (Feed[]){{"x", v}, {"w", z}}, 2, 0));
	compile_close(c);
}

/* -- Random graphs ----------------------------------------------------------------------------- */

static void random_graphs(void)
{
	static const char *const CPUS[] = {NULL, "x86-64-v3", "x86-64"};
	double v[2][85], w[17], at[6] = {3, -1, 0, 2, 2, 9};
	for (int i = 0; i < 85; i++)
		v[0][i] = (float)sin(i * 1.7), v[1][i] = (float)cos(i * 2.3), w[i % 17] = (float)sin(i);
	Feed feed[] = {{"x", v[0]}, {"y", v[1]}, {"w", w}, {"v", v[1]}, {"n", v[0]}, {"at", at}};
	for (uint32_t seed = 0; seed < 60; seed++) {
		if (!case_runs())
			continue;
		Compile *c = compile_open();
		c->chain_room = seed / 9 % 2; /* what can run together does, however small */
		Graph *g = pass_normalize(c, random_graph(c, seed)); /* drops what nobody uses */
		How real = {.cpu = CPUS[seed % 3], .hook = ALL_HOOKS};
		How once = {.cpu = CPUS[seed % 3], .hook = SERIAL, .once = true};
		How naive = {
		    .naive = true, .tile = 1 + seed % 20, .cpu = CPUS[seed / 3 % 3], .hook = BACKWARDS};
		CU_ASSERT(graph_agrees(c, g, &real, feed, COUNT(feed), 1e-4));
		CU_ASSERT(graph_agrees(c, g, &once, feed, COUNT(feed), 1e-4));
		CU_ASSERT(graph_agrees(c, g, &naive, feed, COUNT(feed), 1e-4));
		compile_close(c);
	}
}

/* -- Long sums over slices -------------------------------------------------------------------- */

/* Every step-th element of an axis that is `length` of them long, from its end if step < 0. */
static NodeId strided(Graph *g, NodeId x, int axis, int64_t length, int64_t step)
{
	int64_t start[] = {0, 0}, stop[2], steps[] = {1, 1};
	for (int i = 0; i < 2; i++)
		stop[i] = node(g, x)->shape.dim[i];
	start[axis] = step < 0 ? length * -step - 1 : 0;
	stop[axis] = step < 0 ? -1 : length * step;
	steps[axis] = step;
	return op_slice(g, x, start, stop, steps);
}

/* What lies across a long sum is copied line by line, but not where lines are no neighbours. */
static void long_sums_over_slices(void)
{
	enum { ROWS = 48, COLS = 192, STEPS = 2800 };
	static const int64_t STEP[][4] = {{1, 2, 1, 1}, {1, -1, 1, 1}, {-1, 1, 1, 1}, {2, 1, 1, 1},
	                                  {1, 1, 1, 2}, {1, 1, 1, -1}, {1, 1, -1, 1}, {1, 1, 2, 1}};
	for (size_t i = 0; i < COUNT(STEP); i++) {
		if (!case_runs())
			continue;
		const int64_t *s = STEP[i];
		Compile *c = compile_open();
		Graph *g = graph_new(c, "slices");
		NodeId in[2];
		Feed feed[] = {{.name = "x"}, {.name = "y"}};
		for (int j = 0; j < 2; j++) {
			int64_t k = s[2 * j], f = s[2 * j + 1], width = j ? 2 * COLS : ROWS;
			Shape shape = SHAPE(STEPS * (k < 0 ? -k : k), width * (f < 0 ? -f : f));
			in[j] = op_input(g, feed[j].name, DTYPE_f32, shape);
			feed[j].at = test_numbers(c, DTYPE_f32, shape_size(shape), (uint64_t)j);
			in[j] = k == 1 ? in[j] : strided(g, in[j], 0, STEPS, k);
			in[j] = f == 1 ? in[j] : strided(g, in[j], 1, width, f);
		}
		graph_output(g, "z", op_dot(g, in[0], in[1], (DotAxes){.contract = 1}));
		CU_ASSERT(graph_agrees(c, g, &(How){.hook = SERIAL}, feed, 2, 1e-4));
		compile_close(c);
	}
}

/* -- Targets and text -------------------------------------------------------------------------- */

static void targets(void)
{
	static const struct {
		const char *cpu, *features;
		unsigned lanes;
	} CASES[] = {
	    {"x86-64", NULL, 4},         {"x86-64-v3", NULL, 8},    {"znver4", NULL, 16},
	    {"x86-64", "+avx2,+fma", 8}, {"x86-64-v3", "-avx2", 4}, {"x86-64-v4", "-avx512vl", 8},
	    {"skylake-avx512", "", 16},  {"haswell", "+bmi2", 8},   {"x86-64-v2", NULL, 4}};
	for (size_t i = 0; i < COUNT(CASES); i++) {
		Compile *c = compile_open();
		c->cpu = CASES[i].cpu;
		c->features = CASES[i].features;
		Codegen *cg = codegen_open(c);
		CU_ASSERT_PTR_NOT_NULL_FATAL(cg);
		CU_ASSERT_STRING_EQUAL(codegen_cpu(cg), CASES[i].cpu);
		CU_ASSERT_EQUAL(codegen_lanes(cg), CASES[i].lanes);
		codegen_close(cg);
		compile_close(c);
	}
	Compile *c = compile_open();
	c->cpu = "x86-46-v3";
	CU_ASSERT_PTR_NULL(codegen_open(c));
	CU_ASSERT_EQUAL(diag_count(c->diags), 1);
	codegen_close(NULL);
	compile_close(c);
}

static uint64_t nowhere(void *states, const char *name)
{
	(void)states, (void)name;
	return 0;
}

static void texts(void)
{
	Compile *c = compile_open();
	c->cpu = "x86-64-v3";
	Graph *g = graph_new(c, "texts");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(64));
	graph_output(g, "y", op_add(g, x, x));
	Kernels *k = schedule(c, g);
	Plan *p = plan(c, k);
	PlannedFunction f = {k, p, nowhere, NULL};
	Codegen *cg = codegen_open(c);
	Text text[3] = {{0}};
	CU_ASSERT(codegen_text(cg, &f, CODEGEN_LLVM, &text[0]));
	CU_ASSERT(codegen_text(cg, &f, CODEGEN_LLVM_OPTIMIZED, &text[1]));
	CU_ASSERT(codegen_text(cg, &f, CODEGEN_ASM, &text[2]));
	CU_ASSERT_PTR_NOT_NULL_FATAL(text[0].data);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text[2].data);
	CU_ASSERT_PTR_NOT_NULL(strstr(text[0].data, "fadd <8 x float>"));
	CU_ASSERT(text[1].size < text[0].size);
	CU_ASSERT_PTR_NOT_NULL(strstr(text[2].data, "vaddps"));
	CU_ASSERT_FALSE(codegen_text(NULL, &f, CODEGEN_ASM, &text[2]));
	for (int i = 0; i < 3; i++)
		text_close(&text[i]);
	codegen_close(cg);
	compile_close(c);
}

/* Objects of a machine that this one is not: nothing of them can be loaded here. The words at 0 and 18
 * of an ELF file are its magic and its machine: 183 is AArch64. */
static void objects(void)
{
	Compile *c = compile_open();
	c->target = "aarch64";
	c->machine = NULL;
	CU_ASSERT_FATAL(codegen_machine(c));
	Graph *g = graph_new(c, "objects");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(64));
	graph_output(g, "y", op_add(g, x, x));
	Kernels *k = schedule(c, g);
	Codegen *cg = codegen_open(c);
	Objects got = {0};
	FunctionCode *code =
	    codegen_begin(cg, &(PlannedFunction){k, plan(c, k), nowhere, NULL}, "doubled");
	codegen_finish(cg);
	CU_ASSERT_FATAL(codegen_take(cg, code, &got));
	CU_ASSERT_EQUAL_FATAL(got.count, 2); /* the step function, and its kernel */
	CU_ASSERT_FATAL(got.object[0].size > 64);
	CU_ASSERT(memcmp(got.object[0].data, "\177ELF", 4) == 0);
	CU_ASSERT_EQUAL(got.object[0].data[18] & 255, 183);
	CU_ASSERT_PTR_NOT_NULL(memmem(got.object[0].data, got.object[0].size, "\0doubled\0", 9));
	objects_close(&got);
	CU_ASSERT_PTR_NULL(codegen_begin(cg, &(PlannedFunction){0}, "nothing"));
	CU_ASSERT_EQUAL(diag_count(c->diags), 0);
	codegen_close(cg);
	compile_close(c);
}

CU_TestInfo test_kernels[] = {
    {"maps are exact on this machine", maps_here},
    {"maps are exact with AVX2", maps_avx2},
    {"maps are exact with SSE2", maps_sse2},
    {"views", all_views},
    {"leaves", leaves},
    {"gathers and scatters", gathers_and_scatters},
    {"reductions", reductions},
    {"maximum of special values", maximum_of_special_values},
    {"sets happen at once", sets_at_once},
    {"many tiles", many_tiles},
    {"random graphs", random_graphs},
    {"long sums over slices", long_sums_over_slices},
    {"targets", targets},
    {"texts", texts},
    {"objects of another machine need no loader", objects},
    CU_TEST_INFO_NULL,
};
