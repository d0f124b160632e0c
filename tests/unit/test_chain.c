/* test_chain.c: attention and its gradients as chains, through all passes and the real schedule,
 * against the interpreter: every unit at once, cut into blocks of rows, with and without a second
 * making of the scores. */
#include <CUnit/CUnit.h>

#include <math.h>
#include <string.h>

#include "../../compiler/autodiff/autodiff.h"
#include "../../compiler/passes/passes.h"
#include "compiled.h"
#include "share.h"

typedef struct Attention {
	int64_t batch, heads, rows, keys, width;
	bool causal;
	DType type;
	size_t room; /* of a block; 0: as measured */
	bool bf16;   /* products of rounded operands */
	double mask; /* what is behind it; 0: -1e9 */
	bool shows;  /* the probabilities are a result */
	const char *cpu;
} Attention;

static Axes last_axis(const Graph *g, NodeId x)
{
	return (Axes){.count = 1, .at = {(uint8_t)(node(g, x)->shape.rank - 1)}};
}

static NodeId along_rows(Graph *g, NodeId x, NodeId row)
{
	Axes front = {.count = node(g, row)->shape.rank};
	for (uint8_t i = 0; i < front.count; i++)
		front.at[i] = i;
	return op_broadcast(g, row, node(g, x)->shape, front);
}

static NodeId softmax(Graph *g, NodeId x)
{
	NodeId most = op_stop_gradient(g, op_reduce_max(g, x, last_axis(g, x)));
	NodeId e = op_exp(g, op_sub(g, x, along_rows(g, x, most)));
	return op_div(g, e, along_rows(g, x, op_sum(g, e, last_axis(g, x))));
}

/* [B,T,H,D] -> [B,H,T,D] */
static NodeId heads_of(Graph *g, NodeId x)
{
	return op_transpose(g, x, (Axes){.count = 4, .at = {0, 2, 1, 3}});
}

/* Vaswani et al. 2017: softmax(q k' / sqrt(d)) v, of x and its own keys. */
static NodeId attention(Graph *g, const Attention *a, NodeId q, NodeId k, NodeId v)
{
	DotAxes qk = {.batch = 2, .x_batch = {0, 1}, .y_batch = {0, 1}, .contract = 1};
	qk.x_contract[0] = qk.y_contract[0] = 3;
	NodeId scores = op_dot(g, heads_of(g, q), heads_of(g, k), qk);
	scores = op_mul(g, scores, op_like(g, scores, 0.5));
	if (a->causal) {
		Shape square = SHAPE(a->rows, a->keys);
		NodeId past =
		    op_less_equal(g, op_iota(g, DTYPE_i32, square, 1), op_iota(g, DTYPE_i32, square, 0));
		past = op_broadcast(g, past, node(g, scores)->shape, (Axes){.count = 2, .at = {2, 3}});
		scores = op_select(g, past, scores, op_like(g, scores, a->mask != 0 ? a->mask : -1e9));
	}
	DotAxes pv = qk;
	pv.y_contract[0] = 2;
	NodeId shares = softmax(g, scores);
	if (a->shows)
		graph_output(g, "shares", shares);
	return heads_of(g, op_dot(g, shares, heads_of(g, v), pv));
}

static Graph *attention_step(Compile *c, const Attention *a)
{
	Graph *g = graph_new(c, "attention");
	NodeId q = op_input(g, "q", a->type, SHAPE(a->batch, a->rows, a->heads, a->width)),
	       k = op_input(g, "k", a->type, SHAPE(a->batch, a->keys, a->heads, a->width)),
	       v = op_input(g, "v", a->type, SHAPE(a->batch, a->keys, a->heads, a->width)),
	       w = op_input(g, "w", a->type, SHAPE(a->batch, a->rows, a->heads, a->width));
	NodeId y = op_tanh(g, attention(g, a, q, k, v));
	NodeId loss = op_sum(g, op_mul(g, y, w), (Axes){.count = 4, .at = {0, 1, 2, 3}});
	graph_output(g, "y", y);
	graph_output(g, "dq", op_gradient(g, loss, q));
	graph_output(g, "dk", op_gradient(g, loss, k));
	graph_output(g, "dv", op_gradient(g, loss, v));
	return passes(c, autodiff(c, g), NULL);
}

static bool agrees_with_interpreter(const Attention *a, bool always)
{
	if (!case_runs())
		return true;
	Compile *c = compile_open();
	c->chain_room = a->room;
	c->float_type = a->type;
	c->dot_type = a->bf16 ? DTYPE_bf16 : 0;
	Graph *g = attention_step(c, a);
	int64_t rows = a->batch * a->rows * a->heads * a->width,
	        keys = a->batch * a->keys * a->heads * a->width;
	Feed feed[] = {{.name = "q", .at = test_numbers(c, a->type, rows, 1)},
	               {.name = "k", .at = test_numbers(c, a->type, keys, 2)},
	               {.name = "v", .at = test_numbers(c, a->type, keys, 3)},
	               {.name = "w", .at = test_numbers(c, a->type, rows, 4)}};
	/* where sums differ a little, a rounding to 8 bits may go the other way */
	double error = a->bf16 ? 1e-2 : a->type == DTYPE_f64 ? 1e-12 : 2e-5;
	How all = {.hook = ALL_HOOKS, .cpu = a->cpu};
	bool good = g && (always ? graph_agrees_always(c, g, feed, COUNT(feed), error)
	                         : graph_agrees(c, g, &all, feed, COUNT(feed), error));
	if (!good)
		fprintf(stderr, "attention %lld x %lld, %lld rows of %lld keys, %lld wide, room %zu\n",
		        (long long)a->batch, (long long)a->heads, (long long)a->rows, (long long)a->keys,
		        (long long)a->width, a->room);
	compile_close(c);
	return good;
}

static void whole_units(void)
{
	static const int64_t LENGTHS[] = {1, 2, 15, 16, 17, 33, 64};
	for (size_t i = 0; i < COUNT(LENGTHS); i++) {
		Attention a = {2,         3, LENGTHS[i], LENGTHS[i], 8,     i % 2 == 0,
		               DTYPE_f32, 0, false,      0,          false, NULL};
		CU_ASSERT(agrees_with_interpreter(&a, i % 3 == 2));
	}
	CU_ASSERT(agrees_with_interpreter(
	    &(Attention){1, 2, 13, 37, 5, false, DTYPE_f64, 0, false, 0, false, NULL}, true));
}

/* Little room: blocks of 16 rows, the last one shorter, sums added block by block, and the scores
 * made again for the gradients. */
static void blocks_of_rows(void)
{
	static const int64_t LENGTHS[] = {31, 32, 33, 50, 80};
	for (size_t i = 0; i < COUNT(LENGTHS); i++) {
		Attention a = {2,         2, LENGTHS[i], LENGTHS[i], 8,     i % 2 == 0,
		               DTYPE_f32, 1, false,      0,          false, NULL};
		CU_ASSERT(agrees_with_interpreter(&a, i % 2 == 0));
	}
	CU_ASSERT(agrees_with_interpreter(
	    &(Attention){1, 3, 41, 29, 7, false, DTYPE_f64, 1, false, 0, false, NULL}, true));
	CU_ASSERT(agrees_with_interpreter(
	    &(Attention){1, 1, 40, 65, 19, false, DTYPE_f32, 1, false, 0, false, NULL}, true));
}

static void bf16_operands(void)
{
	static const int64_t LENGTHS[] = {16, 33, 48, 51};
	for (size_t i = 0; i < COUNT(LENGTHS); i++)
		for (size_t room = 0; room < 2; room++)
			CU_ASSERT(agrees_with_interpreter(&(Attention){2, 2, LENGTHS[i], LENGTHS[i], 9, true,
			                                               DTYPE_f32, room, true, 0, false, NULL},
			                                  room));
}

/* Long sequences: nothing of rows x keys is in the plan, forward or backward, nor in the arena's
 * peak. */
static void no_square_is_stored(void)
{
	Compile *c = compile_open();
	Attention a = {2, 4, 1024, 1024, 32, true, DTYPE_f32, 0, false, 0, false, NULL};
	Kernels *k = schedule(c, attention_step(c, &a));
	kernels_verify(k);
	uint64_t square = (uint64_t)(a.batch * a.heads * a.rows * a.keys) * sizeof(float);
	unsigned private = 0;
	for (BufferId b = 1; b < k->buffer_count; b++) {
		CU_ASSERT(k->buffer[b].bytes < square || k->buffer[b].storage == STORED_UNIT);
		private += k->buffer[b].storage == STORED_UNIT && k->buffer[b].bytes == square;
	}
	CU_ASSERT(private >= 4);
	CU_ASSERT(plan(c, k)->arena_bytes < square);
	compile_close(c);
}

/* Kernels of a step that leave out what is behind a mask. */
static unsigned hiding_kernels(const Attention *a)
{
	unsigned count = 0;
	Compile *c = compile_open();
	c->chain_room = a->room;
	c->dot_type = a->bf16 ? DTYPE_bf16 : 0;
	const Kernels *k = schedule(c, attention_step(c, a));
	for (uint32_t i = 0; i < k->kernel_count; i++)
		count += k->kernel[i].hidden != HIDDEN_NOTHING;
	compile_close(c);
	return count;
}

/* Rows of which no two blocks end alike, of several units, so that scratch has numbers of others; a sum in blocks. */
static void what_a_mask_hides(void)
{
	static const Attention LONG[] = {
	    {2, 2, 300, 300, 8, true, DTYPE_f32, 1, false, -INFINITY, false, NULL},
	    {2, 2, 256, 256, 6, true, DTYPE_f32, 1, false, -INFINITY, false, NULL},
	    {2, 1, 300, 450, 7, true, DTYPE_f32, 1, false, -INFINITY, false, NULL},
	    {2, 1, 450, 300, 7, true, DTYPE_f32, 1, false, -INFINITY, false, "x86-64-v3"},
	    {1, 3, 449, 449, 5, true, DTYPE_f32, 0, false, -INFINITY, false, NULL},
	    {1, 1, 1100, 1100, 4, true, DTYPE_f32, 1, false, -INFINITY, false, NULL},
	    {1, 2, 257, 257, 70, true, DTYPE_f32, 0, false, -INFINITY, false, "x86-64-v3"},
	    {2, 2, 130, 130, 12, true, DTYPE_f64, 1, false, -INFINITY, false, "x86-64-v3"},
	    {3, 1, 141, 141, 24, true, DTYPE_f32, 1, false, -INFINITY, false, "x86-64"},
	    {1, 2, 300, 300, 8, true, DTYPE_f32, 1, true, -INFINITY, false, NULL},
	    {1, 2, 300, 300, 8, true, DTYPE_f32, 1, false, -INFINITY, true, NULL},
	    {1, 1, 300, 300, 8, true, DTYPE_f32, 1, false, -2, false, NULL},
	};
	for (size_t i = 0; i < COUNT(LONG); i++)
		CU_ASSERT(agrees_with_interpreter(&LONG[i], i == 0));
	Attention a = LONG[0];
	CU_ASSERT_EQUAL(hiding_kernels(&a), 10);
	a.keys = 450; /* but not of gradients of keys that no row sees: those are 0 */
	CU_ASSERT_EQUAL(hiding_kernels(&a), 3);
	a.keys = 300, a.shows = true; /* all of it is to be seen: forward nothing is left out */
	CU_ASSERT_EQUAL(hiding_kernels(&a), 7);
	a.shows = false, a.mask = -1e9; /* the exponential of which is 0 only beside larger scores */
	CU_ASSERT(hiding_kernels(&a) == 0);
	a.mask = -INFINITY, a.causal = false;
	CU_ASSERT(hiding_kernels(&a) == 0);
	a.causal = true, a.rows = a.keys = 64; /* in registers */
	CU_ASSERT(hiding_kernels(&a) == 0);
}

/* Bit for bit what the kernels alone give: the same sums in the same order. */
static void same_bits_in_blocks_of_any_size(void)
{
	Attention a = {1, 2, 50, 50, 16, true, DTYPE_f32, 0, false, 0, false, NULL};
	static const size_t ROOMS[] = {0, 1, 32 * 50 * 4 * 5};
	double *first[4] = {NULL};
	Compile *opened[COUNT(ROOMS)];
	for (size_t i = 0; i < COUNT(ROOMS); i++) {
		Compile *c = opened[i] = compile_open();
		c->chain_room = ROOMS[i];
		Graph *g = attention_step(c, &a);
		int64_t size = a.rows * a.heads * a.width;
		Feed feed[] = {{.name = "q", .at = test_numbers(c, a.type, size, 1)},
		               {.name = "k", .at = test_numbers(c, a.type, size, 2)},
		               {.name = "v", .at = test_numbers(c, a.type, size, 3)},
		               {.name = "w", .at = test_numbers(c, a.type, size, 4)}};
		Ran *ran = run_graph(c, g, &(How){.hook = ALL_HOOKS}, feed, COUNT(feed));
		CU_ASSERT_FATAL(ran != NULL);
		for (int o = 0; o < 4; o++) {
			if (i > 0)
				CU_ASSERT(memcmp(first[o], ran->out[o], (size_t)size * sizeof **ran->out) == 0);
			first[o] = i > 0 ? first[o] : ran->out[o];
		}
	}
	for (size_t i = 0; i < COUNT(ROOMS); i++)
		compile_close(opened[i]);
}

/* -- Other shapes of programs: each takes x and y [B,T,D] and w [B,T,T] ------------------------ */

typedef NodeId (*Program)(Graph *g, NodeId x, NodeId y, NodeId w);

static NodeId product(Graph *g, NodeId x, NodeId y, uint8_t x_axis, uint8_t y_axis)
{
	DotAxes d = {.batch = 1, .x_batch = {0}, .y_batch = {0}, .contract = 1};
	d.x_contract[0] = x_axis, d.y_contract[0] = y_axis;
	return op_dot(g, x, y, d);
}

/* No softmax between the products. */
static NodeId two_products(Graph *g, NodeId x, NodeId y, NodeId w)
{
	return product(g, op_add(g, product(g, x, y, 2, 2), w), y, 2, 1);
}

/* Rows of the second product are columns of the first: all of a unit is needed at once. */
static NodeId transposed_scores(Graph *g, NodeId x, NodeId y, NodeId w)
{
	NodeId scores = op_mul(g, product(g, x, y, 2, 2), w);
	return product(g, softmax(g, scores), x, 1, 1);
}

static NodeId transposed_twice(Graph *g, NodeId x, NodeId y, NodeId w)
{
	NodeId scores = softmax(g, op_mul(g, product(g, x, y, 2, 2), w));
	NodeId turned = op_transpose(g, scores, (Axes){.count = 3, .at = {0, 2, 1}});
	return product(g, op_exp(g, op_neg(g, turned)), x, 2, 1);
}

/* The scores are read by two products, and once more behind a fold over all units. */
static NodeId scores_of_many(Graph *g, NodeId x, NodeId y, NodeId w)
{
	NodeId scores = softmax(g, op_mul(g, product(g, x, y, 2, 2), w));
	NodeId both = op_add(g, product(g, scores, y, 2, 1), product(g, scores, x, 2, 1));
	NodeId mean = op_sum(g, op_mul(g, scores, scores), (Axes){.count = 3, .at = {0, 1, 2}});
	return op_mul(g, both, op_broadcast(g, mean, node(g, both)->shape, (Axes){0}));
}

/* Rows and the sum over them are as long: which is which shows only in the axes. */
static NodeId gram(Graph *g, NodeId x, NodeId y, NodeId w)
{
	NodeId scores = op_tanh(g, op_mul(g, product(g, x, y, 2, 2), w));
	NodeId square = product(g, scores, scores, 1, 1); /* T x T, over rows */
	return product(g, square, product(g, scores, y, 2, 1), 2, 1);
}

/* Masks that are drawn, as dropout does. */
static NodeId with_random(Graph *g, NodeId x, NodeId y, NodeId w)
{
	NodeId scores = softmax(g, product(g, x, y, 2, 2));
	NodeId kept = op_less(g, op_like(g, w, 0.1), w);
	return product(g, op_select(g, kept, scores, op_like(g, scores, 0)), y, 2, 1);
}

/* Rows of tanh(x) at places that w says, of sample first + by * its number. */
static NodeId rows_of_sample(Graph *g, NodeId x, NodeId w, double first, double by)
{
	Shape s = node(g, x)->shape, places = node(g, w)->shape;
	NodeId list = op_reshape(g, op_tanh(g, x), SHAPE(s.dim[0] * s.dim[1], s.dim[2]));
	NodeId low = op_max(g, op_mul(g, w, op_like(g, w, 9)), op_like(g, w, 0));
	NodeId place = op_cast(g, op_min(g, low, op_like(g, w, (double)s.dim[1] - 1)), DTYPE_i32);
	NodeId sample = op_mul(g, op_iota(g, DTYPE_i32, places, 0), op_like(g, place, by));
	sample = op_add(g, sample, op_like(g, place, first));
	NodeId at = op_add(g, op_mul(g, sample, op_like(g, place, (double)s.dim[1])), place);
	return op_reshape(g, op_gather(g, list, at, 0),
	                  SHAPE(s.dim[0], places.dim[1] * places.dim[2], s.dim[2]));
}

/* One head under a mask that is added, whose keys and values are made of y: what follows their gradients. */
static NodeId made_keys(Graph *g, NodeId x, NodeId y, NodeId w)
{
	Shape pairs = node(g, w)->shape;
	NodeId past =
	    op_less_equal(g, op_iota(g, DTYPE_i32, pairs, 2), op_iota(g, DTYPE_i32, pairs, 1));
	NodeId mask = op_select(g, past, op_like(g, w, 0), op_like(g, w, -INFINITY));
	NodeId scores = op_add(g, product(g, x, op_tanh(g, y), 2, 2), mask);
	scores = op_div(g, scores, op_like(g, scores, 3));
	return product(g, softmax(g, scores), op_mul(g, y, op_like(g, y, 0.7)), 2, 1);
}

static NodeId gathered(Graph *g, NodeId x, NodeId y, NodeId w)
{
	return op_exp(g, op_mul(g, rows_of_sample(g, x, w, 0, 1), rows_of_sample(g, y, w, 0, 1)));
}

static NodeId gathered_from_others(Graph *g, NodeId x, NodeId y, NodeId w)
{
	double last = (double)node(g, x)->shape.dim[0] - 1;
	return op_exp(g,
	              op_mul(g, rows_of_sample(g, x, w, last, -1), rows_of_sample(g, y, w, last, -1)));
}

static Graph *program_step(Compile *c, Program program, int64_t units, int64_t rows, int64_t width)
{
	Graph *g = graph_new(c, "program");
	Shape tall = SHAPE(units, rows, width);
	NodeId x = op_input(g, "x", DTYPE_f32, tall), y = op_state(g, "y", DTYPE_f32, tall);
	NodeId w = op_input(g, "w", DTYPE_f32, SHAPE(units, rows, rows));
	NodeId out = program(g, x, y, w);
	NodeId loss = op_sum(g, op_mul(g, out, out), (Axes){.count = 3, .at = {0, 1, 2}});
	graph_output(g, "out", out);
	graph_output(g, "dw", op_gradient(g, loss, w));
	graph_output(g, "dx", op_gradient(g, loss, x));
	NodeId dy = op_gradient(g, loss, y);
	graph_set(g, y, op_sub(g, y, op_mul(g, dy, op_like(g, dy, 0.01)))); /* while others read y */
	return passes(c, autodiff(c, g), NULL);
}

/* Kernels that leave out what is behind the mask, where no pairs are in memory, but for an output; else 0. */
static unsigned hides_pairs(Program program, int64_t units, int64_t rows, int64_t width)
{
	unsigned hides = 0, stored = 0;
	uint64_t pairs = (uint64_t)(units * rows * rows) * sizeof(float);
	Compile *c = compile_open();
	c->chain_room = 1;
	const Kernels *k = schedule(c, program_step(c, program, units, rows, width));
	for (uint32_t i = 0; i < k->kernel_count; i++)
		hides += k->kernel[i].hidden != HIDDEN_NOTHING;
	for (BufferId b = 1; b < k->buffer_count; b++)
		stored += k->buffer[b].storage == STORED_ARENA && k->buffer[b].bytes >= pairs;
	compile_close(c);
	return stored ? 0 : hides;
}

static bool program_agrees(Program program, int64_t units, int64_t rows, int64_t width, size_t room)
{
	if (!case_runs())
		return true;
	Compile *c = compile_open();
	c->chain_room = room;
	Graph *g = program_step(c, program, units, rows, width);
	Feed feed[] = {{.name = "x", .at = test_numbers(c, DTYPE_f32, units * rows * width, 1)},
	               {.name = "y", .at = test_numbers(c, DTYPE_f32, units * rows * width, 2)},
	               {.name = "w", .at = test_numbers(c, DTYPE_f32, units * rows * rows, 3)}};
	bool good = g && graph_agrees(c, g, &(How){.hook = ALL_HOOKS}, feed, COUNT(feed), 5e-5);
	if (!good)
		fprintf(stderr, "%lld units of %lld rows, %lld wide, room %zu\n", (long long)units,
		        (long long)rows, (long long)width, room);
	compile_close(c);
	return good;
}

static void other_programs(void)
{
	static const Program PROGRAMS[] = {
	    two_products, transposed_scores, transposed_twice, scores_of_many,      gram,
	    with_random,  made_keys,         gathered,         gathered_from_others};
	for (size_t i = 0; i < COUNT(PROGRAMS); i++)
		for (size_t room = 0; room < 2; room++) {
			CU_ASSERT(program_agrees(PROGRAMS[i], 3, 33, 8, room));
			CU_ASSERT(program_agrees(PROGRAMS[i], 8, 20, 20, room));
			CU_ASSERT(program_agrees(PROGRAMS[i], 1, 48, 5, room));
		}
	/* too many rows for one block where a whole unit is needed */
	CU_ASSERT(program_agrees(transposed_scores, 2, 270, 4, 0));
	CU_ASSERT(program_agrees(two_products, 2, 270, 4, 1));
	CU_ASSERT(program_agrees(made_keys, 2, 300, 8, 1));
	CU_ASSERT(hides_pairs(made_keys, 2, 300, 8) >= 8);
}

CU_TestInfo test_chain[] = {
    {"whole units", whole_units},
    {"blocks of rows", blocks_of_rows},
    {"bf16 operands", bf16_operands},
    {"other programs", other_programs},
    {"what a mask hides", what_a_mask_hides},
    {"no square is stored", no_square_is_stored},
    {"same bits in blocks of any size", same_bits_in_blocks_of_any_size},
    CU_TEST_INFO_NULL,
};
