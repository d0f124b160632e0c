/* jit_contract.h: for tests and tools: a kernel around one dot, scheduled by hand and compiled.
 *
 * The graph: inputs x, y (axes of batch b, rows m, contracted k; b, k, columns n; in any order) and
 * bias [n]; out = dot(x, y), or something of it. As a model's, a matrix by a vector is a sum. */
#ifndef SSLC_TEST_JIT_CONTRACT_H
#define SSLC_TEST_JIT_CONTRACT_H

#include "../../compiler/passes/passes.h"
#include "../../compiler/schedule/fuse.h"
#include "jit.h"

typedef enum Epilogue { PLAIN, BIAS_RELU, LONG } Epilogue; /* LONG: exp(tanh(dot + bias)) */

typedef struct Product {
	int64_t b, m, n, k; /* b, m, n 0: there is no such axis */
	const char *x, *y;  /* order of axes, as in "bmk", "km" */
	DType type;
	Epilogue epilogue;
	bool doubled;       /* x + x instead of x: computed while it is packed */
	int64_t mc, nc, kc; /* mc 0: the tiles that schedule/tile.c gives */
	int64_t scratch;    /* bytes; 0: 1 MiB, or with mc 0 the schedule's; -1: none */
	/* Where scratch is, for tests; NULL: on the stack. */
	void *(*scratch_at)(int64_t bytes);
	const char *cpu;
	bool normalized; /* as the pass leaves it: of a matrix by a vector, a sum; nothing follows */
} Product;

typedef void (*ProductFunction)(const void *x, const void *y, const void *bias, void *out,
                                int64_t begin, int64_t end);

typedef struct CompiledProduct {
	Jit jit;
	Compile compile;
	Machine machine;
	ProductFunction f;
	int64_t tiles;
} CompiledProduct;

static inline int64_t product_size(const Product *p, char axis)
{
	return axis == 'b' ? p->b : axis == 'm' ? p->m : axis == 'n' ? p->n : p->k;
}

static inline NodeId product_input(Graph *g, const Product *p, const char *name, const char *axes)
{
	Shape shape = {.rank = (uint8_t)strlen(axes)};
	for (int i = 0; i < shape.rank; i++)
		shape.dim[i] = product_size(p, axes[i]);
	return op_input(g, name, p->type, shape);
}

/* out's node; fills in the dot, the inputs. */
static inline NodeId product_graph(Graph *g, const Product *p, NodeId in[3], NodeId *dot)
{
	in[0] = product_input(g, p, "x", p->x);
	in[1] = product_input(g, p, "y", p->y);
	DotAxes axes = {.batch = p->b > 0, .contract = 1};
	axes.x_contract[0] = (uint8_t)(strchr(p->x, 'k') - p->x);
	axes.y_contract[0] = (uint8_t)(strchr(p->y, 'k') - p->y);
	if (p->b > 0) {
		axes.x_batch[0] = (uint8_t)(strchr(p->x, 'b') - p->x);
		axes.y_batch[0] = (uint8_t)(strchr(p->y, 'b') - p->y);
	}
	NodeId x = p->doubled ? op_add(g, in[0], in[0]) : in[0];
	NodeId out = *dot = op_dot(g, x, in[1], axes);
	if (p->epilogue == PLAIN)
		return out;
	in[2] = op_input(g, "bias", node(g, out)->type, SHAPE(p->n));
	Shape shape = node(g, out)->shape;
	Axes last = {.count = 1, .at = {(uint8_t)(shape.rank - 1)}};
	out = op_add(g, out, op_broadcast(g, in[2], shape, last));
	return p->epilogue == LONG ? op_exp(g, op_tanh(g, out)) : op_max(g, out, op_like(g, out, 0));
}

/* The tiles of the kernel: those asked for, or the schedule's. */
static inline ContractTiling product_tiling(const Product *p, const Graph *g, NodeId dot)
{
	ContractAxes r = contract_axes(g, node(g, dot));
	int64_t mc = p->mc ? p->mc : 1, nc = p->mc ? p->nc : 1;
	int64_t rows = r.swapped ? nc : mc, cols = r.swapped ? mc : nc;
	ContractTiling t = {.tile_outer = 1, .outer_blocks = 1};
	t.tile_rows = rows < r.rows ? rows : r.rows, t.tile_cols = cols < r.cols ? cols : r.cols;
	t.row_blocks = (r.rows + t.tile_rows - 1) / t.tile_rows;
	t.col_blocks = (r.cols + t.tile_cols - 1) / t.tile_cols;
	return t;
}

/* What the pass makes of out, and of the inputs. */
static inline Graph *product_normalized(Graph *g, NodeId in[2], NodeId *out)
{
	graph_output(g, "out", *out);
	g = pass_normalize(g->c, g);
	*out = g->out[0].value;
	while (node(g, *out)->op == OP_reshape) /* the same numbers in the same order */
		*out = node(g, *out)->in[0];
	in[0] = in[1] = 0;
	for (NodeId x = 1; x < g->count; x++)
		if (node(g, x)->op == OP_input)
			in[in[0] != 0] = x;
	return g;
}

static inline void product_compile(CompiledProduct *o, const Product *p, const char *assembly)
{
	o->machine = jit_machine(p->cpu);
	o->compile = (Compile){.arena = arena_open(0), .machine = &o->machine};
	o->compile.diags = diags_open(o->compile.arena);
	Graph *g = graph_new(&o->compile, "product");
	NodeId in[3] = {0}, dot, out = product_graph(g, p, in, &dot);
	if (!out)
		abort();
	if (p->normalized) {
		g = product_normalized(g, in, &out);
		dot = out;
	}
	bool sums = node(g, out)->op == OP_sum;
	BufferId *buffer_of = new_array(o->compile.arena, BufferId, g->count);
	Buffer buffer[5] = {{0}};
	for (uint32_t i = 0; i < 4; i++) {
		NodeId held = i < 3 ? in[i] : out;
		buffer_of[held] = held ? i + 1 : 0;
		buffer[i + 1] = (Buffer){.node = held, .storage = i < 3 ? STORED_INPUT : STORED_OUTPUT};
	}
	Kernels kernels = {.graph = g, .buffer_of = buffer_of, .buffer = buffer, .buffer_count = 5};
	ContractTiling t = sums ? (ContractTiling){0} : product_tiling(p, g, dot);
	int64_t bytes = p->scratch < 0 ? 0 : p->scratch ? p->scratch : 1 << 20;
	Kernel kernel = {.kind = sums ? KERNEL_reduce : KERNEL_contract,
	                 .core = dot,
	                 .out = &out,
	                 .to = (BufferId[]){4},
	                 .out_count = 1,
	                 .tiles = (p->b ? p->b : 1) * t.row_blocks * t.col_blocks,
	                 .scratch = (uint64_t)bytes,
	                 .tiling = t};
	if (p->mc == 0 || sums)
		kernel_tile(&kernels, &kernel), bytes = (int64_t)kernel.scratch;
	kernel_vectors(&kernels, &kernel);
	o->tiles = kernel.tiles;
	jit_open(&o->jit, p->cpu);
	Emit *e = &o->jit.e;
	e->c = &o->compile, e->k = &kernels;
	jit_function(&o->jit, "product", 4, 2);
	V pointer[5] = {NULL};
	for (unsigned i = 0; i < 4; i++)
		pointer[i + 1] = LLVMGetParam(e->function, i);
	V scratch = NULL;
	if (bytes && p->scratch_at) {
		V at = l_word(e, (int64_t)(intptr_t)p->scratch_at(bytes));
		scratch = LLVMBuildIntToPtr(e->b, at, e->ptr, "");
	} else if (bytes) {
		scratch = LLVMBuildArrayAlloca(e->b, e->i8, l_word(e, bytes), "");
		LLVMSetAlignment(scratch, 64);
	}
	KernelEmit ke = {.e = e, .kernel = &kernel, .pointer = pointer, .lanes = kernel.lanes};
	(sums ? kernel_reduce : kernel_contract)(&ke, LLVMGetParam(e->function, 4),
	                                         LLVMGetParam(e->function, 5), scratch);
	jit_optimize(&o->jit, JIT_PASSES);
	if (assembly)
		jit_assembly(&o->jit, assembly);
	o->f = (ProductFunction)jit_compile(&o->jit);
}

static inline void product_close(CompiledProduct *o)
{
	jit_close(&o->jit);
	arena_close(o->compile.arena);
}

#endif
