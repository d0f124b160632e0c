/* test_schedule.c: what the schedule promises of any graph: all is written before it is read, and
 * every graph has a schedule. */
#include <CUnit/CUnit.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../compiler/passes/passes.h"
#include "../../compiler/schedule/fuse.h"
#include "compiled.h"

/* Operands that are read at any place, and results as well. */
static void constants_everywhere(void)
{
	Compile *c = compile_open();
	Graph *g = graph_new(c, "constants");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(3, 35)), half = op_constant(g, DTYPE_f32, 0.5),
	       two = op_constant(g, DTYPE_i32, 2), count = op_iota(g, DTYPE_i32, SHAPE(35), 0);
	NodeId index = op_iota(g, DTYPE_f32, SHAPE(35, 6), 0), w = op_state(g, "w", DTYPE_f32, SCALAR),
	       v = op_state(g, "v", DTYPE_f32, SHAPE(35, 6));
	NodeId halves = op_like(g, index, 0.5), row = op_like(g, op_reshape(g, x, SHAPE(105)), 0.5);
	graph_output(g, "half", half);
	graph_output(g, "index", index);
	graph_output(g, "halves", halves);
	graph_output(g, "again", half);
	graph_output(g, "gathered index", op_gather(g, index, count, 0));
	graph_output(g, "gathered half", op_gather(g, halves, count, 1));
	graph_output(g, "scattered", op_scatter_add(g, row, two, half, 0));
	graph_output(g, "flat index", op_reshape(g, index, SHAPE(210)));
	graph_output(g, "products", op_dot(g, x, index, (DotAxes){.contract = 1, .x_contract = {1}}));
	graph_output(g, "sums", op_dot(g, x, halves, (DotAxes){.contract = 1, .x_contract = {1}}));
	graph_output(g, "with the old", op_mul(g, w, half));
	graph_set(g, w, half);
	graph_set(g, v, index);
	double numbers[210];
	for (int i = 0; i < 210; i++)
		numbers[i] = i % 16;
	Feed feed[] = {{"x", numbers}, {"w", (double[]){6}}, {"v", numbers}};
	CU_ASSERT(graph_agrees_always(c, g, feed, 3, 0));
	compile_close(c);
}

/* A number for each sample or row meets tensors: the axes behind it are one in the loops. */
static void axes_at_the_end(void)
{
	Shape shapes[] = {SHAPE(3, 5, 7, 3), SHAPE(2, 1, 33, 1), SHAPE(4, 16, 2, 16),
	                  SHAPE(1, 3, 5, 2)};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		for (int axis = 0; axis < 3; axis++) { /* the last that is told apart */
			Compile *c = compile_open();
			Graph *g = graph_new(c, arena_printf(c->arena, "ends %d", axis));
			Shape s = shapes[i], few = {.rank = 4};
			for (int j = 0; j < 4; j++)
				few.dim[j] = j <= axis ? s.dim[j] : 1;
			NodeId x = op_input(g, "x", DTYPE_f32, s), n = op_input(g, "n", DTYPE_f32, few);
			NodeId each = op_broadcast(g, n, s, (Axes){4, {0, 1, 2, 3}});
			NodeId place = op_cast(g, op_iota(g, DTYPE_i32, s, axis), DTYPE_f32);
			int64_t count = shape_size(few);
			NodeId once =
			    op_broadcast(g, op_reshape(g, n, SHAPE(count)), SHAPE(count, 6), (Axes){1, {0}});
			NodeId less = op_less(g, x, each);
			graph_output(g, "y", op_select(g, less, op_mul(g, x, each), op_add(g, x, place)));
			graph_output(g, "less", less);
			graph_output(g, "other", op_add(g, once, once));
			double numbers[2048], few_numbers[128];
			for (int j = 0; j < 2048; j++)
				numbers[j] = j * 37 % 64;
			for (int j = 0; j < 128; j++)
				few_numbers[j] = j * 11 % 64;
			Feed feed[] = {{"x", numbers}, {"n", few_numbers}};
			CU_ASSERT(graph_agrees_always(c, g, feed, 2, 0));
			compile_close(c);
		}
}

/* A product has more users, each with a kernel of its own behind it, than a kernel has outs. */
static void many_users(void)
{
	enum { USERS = 40 };
	for (int kind = 0; kind < 3; kind++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, arena_printf(c->arena, "users %d", kind));
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(9, 9));
		NodeId y = kind == 0   ? op_dot(g, x, x, (DotAxes){.contract = 1})
		           : kind == 1 ? op_cos(g, x)
		                       : x;
		if (kind == 2) { /* a row kernel */
			NodeId row = op_sum(g, op_exp(g, x), (Axes){1, {1}});
			y = op_div(g, x, op_broadcast(g, row, SHAPE(9, 9), (Axes){1, {0}}));
		}
		NodeId user[USERS];
		for (int i = 0; i < USERS; i++)
			user[i] = op_tanh(g, op_add(g, y, op_like(g, y, i * 0.01)));
		for (int i = 0; i < USERS; i++)
			graph_output(g, arena_printf(c->arena, "out %d", i),
			             op_sum(g, user[i], (Axes){1, {0}}));
		double numbers[81];
		for (int i = 0; i < 81; i++)
			numbers[i] = i * 37 % 81 / 81.0;
		CU_ASSERT(graph_agrees(c, g, &(How){.hook = SERIAL}, &(Feed){"x", numbers}, 1, 1e-5));
		compile_close(c);
	}
}

static void random_schedules(void)
{
	for (uint32_t seed = 100; seed < 3100; seed++) {
		Compile *c = compile_open();
		c->chain_room = seed % 2;
		Kernels *k = schedule(c, pass_normalize(c, random_graph(c, seed)));
		kernels_verify(k);
		plan_verify(k, plan(c, k));
		compile_close(c);
	}
}

/* -- Axes of operands -------------------------------------------------------------------------- */

/* Operands that hold their index along the axis that a rule gives: the result holds its own. */
static void check_axes(Compile *c, const Graph *from, const Node *n)
{
	Graph *g = graph_new(c, "axes");
	for (int axis = 0; axis < n->shape.rank; axis++) {
		NodeId in[MAX_INS], y;
		int along = operand_axis(from, n, 0, axis);
		for (int i = 0; i < n->count; i++) {
			CU_ASSERT_EQUAL(operand_axis(from, n, i, axis), along);
			Shape s = node(from, n->in[i])->shape;
			in[i] = op_iota(g, DTYPE_f32, s, along < 0 ? 0 : (unsigned)along);
		}
		if (along < 0)
			continue;
		y = graph_add_node(g, n->op, in, n->count, DTYPE_f32, n->shape, n->attr);
		NodeId own = op_iota(g, DTYPE_f32, n->shape, (unsigned)axis);
		double **v = evaluate(c->arena, g, NULL, 0);
		for (int64_t i = 0; i < shape_size(n->shape); i++)
			CU_ASSERT(v[y][i] == v[own][i] || (n->op == OP_pad && v[y][i] == n->attr.pad.value));
	}
}

static void axes_of_operands(void)
{
	for (uint32_t seed = 0; seed < 30; seed++) {
		Compile *c = compile_open();
		Graph *g = random_graph(c, seed);
		for (NodeId x = 1; x < g->count; x++) {
			const Node *n = node(g, x);
			if (op_info[n->op].kind != VIEW)
				continue;
			check_axes(c, g, n);
			Shape s = node(g, n->in[0])->shape;
			int axis = (int)(x % (s.rank + 1u));
			if (axis < s.rank && s.dim[axis] > 2)
				check_axes(c, g, node(g, op_windows(g, n->in[0], axis, 2, 1, 2)));
		}
		compile_close(c);
	}
}

/* -- The verifiers find what is broken --------------------------------------------------------- */

static void break_nothing(Kernels *k, Plan *p)
{
	(void)k, (void)p;
}

static void break_order(Kernels *k, Plan *p)
{
	Kernel first = k->kernel[0];
	(void)p;
	k->kernel[0] = k->kernel[1], k->kernel[1] = first;
}

/* The product of the old state comes after its update. */
static void break_state(Kernels *k, Plan *p)
{
	Kernel last = k->kernel[k->kernel_count - 1];
	(void)p;
	for (uint32_t i = k->kernel_count - 1; i > 1; i--)
		k->kernel[i] = k->kernel[i - 1];
	k->kernel[1] = last;
}

static void break_wave(Kernels *k, Plan *p)
{
	(void)p;
	k->kernel[1].beside = true;
}

static void break_output(Kernels *k, Plan *p)
{
	(void)p;
	k->kernel[1].to[0] = k->kernel[0].to[0];
}

static void break_set(Kernels *k, Plan *p)
{
	(void)p;
	k->kernel_count--;
}

static Buffer *in_arena(Kernels *k, int which)
{
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (k->buffer[b].storage == STORED_ARENA && k->buffer[b].bytes && which-- == 0)
			return &k->buffer[b];
	BUG("the graph has few buffers");
}

static void break_places(Kernels *k, Plan *p)
{
	(void)p;
	in_arena(k, 1)->offset = in_arena(k, 0)->offset;
}

static void break_alignment(Kernels *k, Plan *p)
{
	p->arena_bytes += 64;
	in_arena(k, 0)->offset += 4;
}

static void break_size(Kernels *k, Plan *p)
{
	(void)k;
	p->arena_bytes -= 64;
}

static void break_life(Kernels *k, Plan *p)
{
	(void)p;
	in_arena(k, 0)->last--;
}

/* A state w, two values of another size that live at once, an output, and the next state. */
/* A plan of the first product that can be changed. */
static ContractPlan *own_plan(Kernels *k)
{
	Kernel *kernel = &k->kernel[0];
	ContractPlan *p = new (k->graph->c->arena, ContractPlan);
	*p = *kernel->contract;
	kernel->contract = p;
	return p;
}

static void break_no_plan(Kernels *k, Plan *p)
{
	(void)p;
	k->kernel[0].contract = NULL;
}

static void break_registers(Kernels *k, Plan *p)
{
	(void)p;
	own_plan(k)->high = 32;
}

static void break_scratch(Kernels *k, Plan *p)
{
	(void)p;
	own_plan(k)->partial_bytes = 1 << 30;
}

static void break_rounds(Kernels *k, Plan *p)
{
	(void)p;
	own_plan(k)->unroll = 5; /* of 32 steps */
}

static void break_copies(Kernels *k, Plan *p)
{
	(void)p;
	own_plan(k)->r.prefetch = PREFETCH_COPY; /* of one block of k */
}

static Kernels *kernels_to_break(Compile *c)
{
	Graph *g = graph_new(c, "broken");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(32, 32)),
	       w = op_state(g, "w", DTYPE_f32, SHAPE(32, 32));
	DotAxes axes = {.contract = 1};
	NodeId first = op_dot(g, x, x, axes), second = op_dot(g, first, w, axes);
	NodeId third = op_dot(g, second, first, axes);
	graph_output(g, "third", op_sum(g, third, (Axes){2, {0, 1}}));
	graph_set(g, w, op_dot(g, third, second, axes));
	return schedule(c, g);
}

/* At every third step a product, which is the next state then; the condition is the first kernel, the
 * product the second. */
static Kernels *kernels_left_out(Compile *c)
{
	Graph *g = graph_new(c, "left out");
	NodeId step = op_input(g, "step", DTYPE_i32, SCALAR),
	       x = op_input(g, "x", DTYPE_f32, SHAPE(64, 32)),
	       q = op_state(g, "q", DTYPE_f32, SHAPE(32, 32)),
	       at = op_rem(g, step, op_constant(g, DTYPE_i32, 3)),
	       due = op_equal(g, at, op_constant(g, DTYPE_i32, 2)),
	       product = op_dot(g, x, x, (DotAxes){.contract = 1}),
	       all = op_broadcast(g, due, SHAPE(32, 32), (Axes){0}),
	       next = op_select(g, all, op_tanh(g, product), q);
	graph_output(g, "sum", op_sum(g, next, (Axes){2, {0, 1}}));
	graph_set(g, q, next);
	return schedule(c, g);
}

static void break_due_of_result(Kernels *k, Plan *p)
{
	Kernel *last = &k->kernel[k->kernel_count - 1];
	(void)p;
	last->due[0] = k->kernel[1].due[0], last->dues = 1;
}

static void break_due_turned(Kernels *k, Plan *p)
{
	(void)p;
	k->kernel[1].due[0].holds ^= true;
}

static void break_due_unknown(Kernels *k, Plan *p)
{
	(void)p;
	k->kernel[0].due[0] = k->kernel[1].due[0], k->kernel[0].dues = 1;
}

static void break_due_gone(Kernels *k, Plan *p)
{
	(void)p;
	k->buffer[k->kernel[1].due[0].condition].last = 0;
}

/* How the process ends that verifies what was broken: 0, or the signal. */
static int signal_after(Kernels *(*make)(Compile *), void (*change)(Kernels *, Plan *))
{
	pid_t child = fork();
	if (child == 0) {
		FILE *nowhere = freopen("/dev/null", "w", stderr);
		Compile *c = compile_open();
		Kernels *k = make(c);
		Plan *p = plan(c, k);
		change(k, p);
		kernels_verify(k);
		plan_verify(k, p);
		_exit(nowhere ? 0 : 1);
	}
	int status = 0;
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void broken_ones_are_found(void)
{
	void (*const changes[])(Kernels *, Plan *) = {
	    break_order,     break_state,     break_wave,   break_output, break_set,
	    break_places,    break_alignment, break_size,   break_life,   break_no_plan,
	    break_registers, break_scratch,   break_rounds, break_copies};
	CU_ASSERT_EQUAL(signal_after(kernels_to_break, break_nothing), 0);
	for (size_t i = 0; i < COUNT(changes); i++)
		CU_ASSERT_EQUAL(signal_after(kernels_to_break, changes[i]), SIGABRT);
	void (*const of_dues[])(Kernels *, Plan *) = {break_due_of_result, break_due_turned,
	                                              break_due_unknown, break_due_gone};
	CU_ASSERT_EQUAL(signal_after(kernels_left_out, break_nothing), 0);
	for (size_t i = 0; i < COUNT(of_dues); i++)
		CU_ASSERT_EQUAL(signal_after(kernels_left_out, of_dues[i]), SIGABRT);
}

/* -- What pointers reach ----------------------------------------------------------------------- */

/* Whether a sum over rows x 1024 numbers has a plan for pointers of so many bytes. */
static bool has_plan(unsigned pointer_bytes, int64_t rows)
{
	Compile *c = compile_open();
	Machine machine = machine_default;
	machine.pointer_bytes = pointer_bytes;
	c->machine = &machine;
	Graph *g = graph_new(c, "large");
	NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(rows, 1024));
	graph_output(g, "out", op_sum(g, x, (Axes){2, {0, 1}}));
	bool planned = plan(c, schedule(c, g)) != NULL;
	CU_ASSERT_EQUAL(planned, diag_count(c->diags) == 0);
	compile_close(c);
	return planned;
}

static void large_tensors(void)
{
	CU_ASSERT(has_plan(4, (1 << 19) - 1));
	CU_ASSERT_FALSE(has_plan(4, 1 << 19)); /* 2 GiB */
	CU_ASSERT(has_plan(8, 1 << 19));
}

/* However many passes there are, one graph is left of them; and what a schedule takes is of the
 * graph's size, not of its square: twice the depth, about twice the memory. */
static void memory_is_of_the_graphs_size(void)
{
	size_t taken[2];
	for (int deep = 0; deep < 2; deep++) {
		Compile *c = compile_open();
		Graph *g = graph_new(c, "deep");
		NodeId x = op_input(g, "x", DTYPE_f32, SHAPE(6, 7));
		for (int i = 0; i < (deep ? 2000 : 1000); i++)
			x = i % 2 ? op_transpose(g, x, (Axes){2, {1, 0}}) : op_sin(g, op_neg(g, x));
		graph_output(g, "y", x);
		size_t before = arena_used(c->arena);
		Graph *low = passes(c, g, NULL);
		CU_ASSERT(arena_used(c->arena) - before < 2 * low->count * sizeof(Node));
		before = arena_used(c->arena);
		(void)schedule(c, low);
		taken[deep] = arena_used(c->arena) - before;
		compile_close(c);
	}
	CU_ASSERT(taken[1] < 3 * taken[0]);
}

/* Two products that are done in other ways are not the same code. */
static void hashes_cover_plans(void)
{
	Compile *c = compile_open();
	Kernels *k = kernels_to_break(c);
	Kernel *kernel = &k->kernel[0];
	ContractPlan *p = own_plan(k);
	const ContractPlan made = *p;
	CU_ASSERT_EQUAL(kernel_hash(c, k, kernel), kernel->hash);
	for (int i = 0; i < 10; i++) {
		*p = made;
		p->high += i == 0, p->wide += i == 1, p->unroll += i == 2, p->block_k += i == 3;
		p->block_rows += i == 4, p->block_cols += i == 5, p->pairs ^= i == 6;
		p->r.source += i == 7, p->l.prefetch += i == 8, p->long_epilogue ^= i == 9;
		CU_ASSERT_NOT_EQUAL(kernel_hash(c, k, kernel), kernel->hash);
	}
	compile_close(c);
}

CU_TestInfo test_schedule[] = {
    {"axes at the end that are one", axes_at_the_end},
    {"constants everywhere", constants_everywhere},
    {"many users", many_users},
    {"random schedules", random_schedules},
    {"axes of operands", axes_of_operands},
    {"broken ones are found", broken_ones_are_found},
    {"large tensors", large_tensors},
    {"memory", memory_is_of_the_graphs_size},
    {"hashes cover plans", hashes_cover_plans},
    CU_TEST_INFO_NULL,
};
