/* kernel_move.c: scatter: a copy of x, then additions in index order (one tile, so that their order
 * is fixed); copy: one buffer to another. An x that is one number has no buffer: the result is filled. */
#include "nest.h"

static V base_of(KernelEmit *ke, NodeId x)
{
	return ke->pointer[ke->e->k->buffer_of[x]];
}

static V element_load(KernelEmit *ke, const Node *n, V base, V at, V mask)
{
	Emit *e = ke->e;
	T element = l_memory_type(e, n->type), vector = l_vector(element, ke->lanes);
	V address = l_address(e, element, base, at);
	return mask ? l_load_masked(e, vector, address, type_info[n->type].size, mask,
	                            LLVMConstNull(vector))
	            : l_load(e, vector, address, type_info[n->type].size);
}

static void element_store(KernelEmit *ke, const Node *n, V base, V at, V mask, V v)
{
	Emit *e = ke->e;
	V address = l_address(e, l_memory_type(e, n->type), base, at);
	if (mask)
		l_store_masked(e, v, address, type_info[n->type].size, mask);
	else
		l_store(e, v, address, type_info[n->type].size);
}

enum { AT_ONCE = 4 /* vectors that are copied */ };

typedef struct Scatter {
	const Node *n, *term; /* the result, y */
	V x, y, out;
	V same;     /* NULL, or y is this constant, which has no buffer */
	V filled;   /* the same of x */
	V from, to; /* row-major places of the row that is added, in y and in the result */
} Scatter;

static void copy_body(KernelEmit *ke, void *context, V at, V mask)
{
	Scatter *s = context;
	V v = s->filled ? l_splat(ke->e, l_to_memory(ke->e, s->n->type, s->filled), ke->lanes)
	                : element_load(ke, s->n, s->x, at, mask);
	element_store(ke, s->n, s->out, at, mask, v);
}

static void add_body(KernelEmit *ke, void *context, V at, V mask)
{
	Scatter *s = context;
	Emit *e = ke->e;
	Node two = *s->n;
	two.op = OP_add;
	two.count = 2;
	V to = LLVMBuildNSWAdd(e->b, s->to, at, ""), from = LLVMBuildNSWAdd(e->b, s->from, at, "");
	V in[2] = {l_from_memory(e, s->n->type, element_load(ke, s->n, s->out, to, mask))};
	in[1] = s->same ? l_splat(e, s->same, ke->lanes)
	                : l_from_memory(e, s->term->type, element_load(ke, s->term, s->y, from, mask));
	if (s->term->type != s->n->type)
		in[1] = LLVMBuildFPExt(e->b, in[1], LLVMTypeOf(in[0]), "");
	V sum = emit_map(e, &two, s->n->type, in);
	element_store(ke, s->n, s->out, to, mask, l_to_memory(e, s->n->type, sum));
}

/* NULL: it has a buffer. */
static V constant_of(KernelEmit *ke, NodeId x)
{
	return ke->e->k->buffer_of[x] ? NULL : value_at(ke, x, &(Index){.lane_axis = -1});
}

static V mul_add(Emit *e, V x, int64_t by, V y)
{
	return LLVMBuildNSWAdd(e->b, LLVMBuildNSWMul(e->b, x, l_word(e, by), ""), y, "");
}

void kernel_scatter(KernelEmit *ke, V begin, V end, V scratch)
{
	Emit *e = ke->e;
	const Graph *g = e->k->graph;
	const Node *n = node(g, ke->kernel->core);
	if (!scatter_is_stored(ke->kernel)) {
		scatter_rows(ke, begin, end, scratch);
		return;
	}
	Shape shape = n->shape;
	int64_t outer = 1, inner = 1, length = shape.dim[n->attr.axis],
	        places = shape_size(node(g, n->in[1])->shape);
	for (unsigned i = 0; i < n->attr.axis; i++)
		outer *= shape.dim[i];
	for (int i = (int)n->attr.axis + 1; i < shape.rank; i++)
		inner *= shape.dim[i];
	Scatter s = {.n = n,
	             .term = node(g, n->in[2]),
	             .x = base_of(ke, n->in[0]),
	             .y = base_of(ke, n->in[2]),
	             .same = constant_of(ke, n->in[2]),
	             .filled = constant_of(ke, n->in[0]),
	             .out = ke->pointer[ke->kernel->to[0]]};
	V zero = l_word(e, 0), one = l_word(e, 1);
	vector_loop(ke, zero, l_word(e, shape_size(shape)), 1, shape_size(shape) % ke->lanes == 0,
	            copy_body, &s);
	Loop rows, at;
	loop_begin(e, &rows, "outer", zero, l_word(e, outer), one, NULL, 0);
	loop_begin(e, &at, "place", zero, l_word(e, places), one, NULL, 0);
	V place = constant_of(ke, n->in[1]);
	place = place ? place : l_load(e, e->i32, l_at(e, e->i32, base_of(ke, n->in[1]), at.index), 4);
	place = l_binary(e, "llvm.smin", l_binary(e, "llvm.smax", place, l_i32(e, 0)),
	                 l_i32(e, (int32_t)length - 1));
	place = LLVMBuildSExt(e->b, place, e->word, "");
	s.to = LLVMBuildNSWMul(e->b, mul_add(e, rows.index, length, place), l_word(e, inner), "");
	s.from = LLVMBuildNSWMul(e->b, mul_add(e, rows.index, places, at.index), l_word(e, inner), "");
	unsigned lanes = ke->lanes;
	ke->lanes = inner < lanes / 2 ? 1 : lanes;
	vector_loop(ke, zero, l_word(e, inner), 1, inner % ke->lanes == 0, add_body, &s);
	ke->lanes = lanes;
	loop_end(e, &at, NULL);
	loop_end(e, &rows, NULL);
	value_forget(ke);
}

void kernel_copy(KernelEmit *ke, V begin, V end, V scratch)
{
	const Node *n = node(ke->e->k->graph, ke->kernel->out[0]);
	Scatter s = {.n = n, .x = ke->pointer[ke->kernel->from], .out = ke->pointer[ke->kernel->to[0]]};
	int64_t size = shape_size(n->shape), tile = ke->kernel->tiles == 1 ? size : ke->kernel->tile;
	unsigned unroll = ke->lanes > 1 ? AT_ONCE : 1, round = unroll * ke->lanes;
	V from, to;
	(void)scratch;
	tile_range(ke, begin, end, size, &from, &to);
	vector_loop(ke, from, to, unroll, size % round == 0 && tile % round == 0, copy_body, &s);
}
