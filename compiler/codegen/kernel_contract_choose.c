/* kernel_contract_choose.c: how a matrix product is cut and read, by shape and target alone.
 *
 * In: operands, tile sizes, bytes of scratch. Out: the register tile, where each operand is read,
 * the blocks that are packed at a time. Measured on a Zen 5 core (48 KB L1, 1 MB L2, two vector
 * FMAs a cycle): what lies along the right axis is best read where it is, until its rows fall on
 * the same lines of L1; packed panels of L may be as long as k = 1024, for they stream from L2
 * faster than they are used. */
#include "contract.h"

#include <string.h>

/* -- What the operands look like ----------------------------------------------------------- */

/* The axis of x whose neighbours are neighbours in memory, as far as views and element-wise ops
 * show; -1: none. */
static int contiguous_axis(const Kernels *k, NodeId x)
{
	int back[MAX_RANK]; /* axis of the present node -> axis of x */
	for (int i = 0; i < MAX_RANK; i++)
		back[i] = i;
	for (;;) {
		const Node *n = node(k->graph, x);
		NodeId next = 0;
		if (k->buffer_of[x] == 0 && n->count > 0) {
			next = n->in[0];
			int from[MAX_RANK];
			memcpy(from, back, sizeof from);
			if (n->op == OP_transpose) {
				for (int i = 0; i < n->shape.rank; i++)
					back[n->attr.axes.at[i]] = from[i];
			} else if (n->op == OP_broadcast) {
				for (int i = 0; i < n->attr.axes.count; i++)
					back[i] = from[n->attr.axes.at[i]];
			} else if (op_info[n->op].kind == MAP) {
				for (int i = 0; i < n->count; i++)
					if (node(k->graph, n->in[i])->op != OP_broadcast) {
						next = n->in[i];
						break;
					}
			} else if (n->op != OP_slice && n->op != OP_pad && n->op != OP_concat) {
				next = 0;
			}
		}
		if (!next) {
			for (int i = n->shape.rank - 1; i >= 0; i--)
				if (n->shape.dim[i] > 1)
					return back[i];
			return -1;
		}
		x = next;
	}
}

/* Nothing is computed when it is read. */
static bool is_plain(const Kernels *k, NodeId x)
{
	while (k->buffer_of[x] == 0 && node(k->graph, x)->op == OP_transpose)
		x = node(k->graph, x)->in[0];
	DType type = node(k->graph, x)->type;
	return k->buffer_of[x] != 0 && (type == DTYPE_f32 || type == DTYPE_f64);
}

static Operand operand(const Node *dot, const Graph *g, int side)
{
	const DotAxes *a = &dot->attr.dot;
	Operand o = {
	    .node = dot->in[side], .free = -1, .contract = side ? a->y_contract[0] : a->x_contract[0]};
	const uint8_t *batch = side ? a->y_batch : a->x_batch;
	unsigned taken = 1u << o.contract;
	for (int i = 0; i < a->batch; i++) {
		o.batch[i] = batch[i];
		taken |= 1u << batch[i];
	}
	const Shape *shape = &node(g, o.node)->shape;
	for (int i = 0; i < shape->rank; i++)
		if (!(taken & 1u << i)) {
			if (o.free >= 0)
				BUG("a dot with two free axes on a side is not in normal form");
			o.free = i;
		}
	if (a->contract != 1)
		BUG("a dot over %d axes is not in normal form", a->contract);
	return o;
}

/* -- The register tile --------------------------------------------------------------------- */

/* Cycles of a machine with two vector FMAs and two loads a cycle, latency 4. Rows of R may meet on
 * a line of L1, vectors of L come from L2: few of both. */
static double register_tile_cost(const Contract *c, int64_t high, int64_t wide)
{
	double h = (double)high, w = (double)wide;
	double step = h * w / 2, loads = (h + w) / 2;
	step = step > loads ? step : loads;
	step = step > 4 ? step : 4;
	return (double)c->k * (step + 0.1 * h + 0.03 * w * w) + 2 * h * w + 12;
}

static double tile_cost(const Contract *c, int64_t high, int64_t wide)
{
	int64_t vectors = blocks_of(c->tile_cols, c->lanes);
	int64_t rows[2] = {c->tile_rows / high, c->tile_rows % high != 0},
	        row_size[2] = {high, c->tile_rows % high};
	int64_t cols[2] = {vectors / wide, vectors % wide != 0}, col_size[2] = {wide, vectors % wide};
	double sum = 0;
	for (int i = 0; i < 4; i++)
		if (rows[i / 2] && cols[i % 2])
			sum += (double)(rows[i / 2] * cols[i % 2]) *
			       register_tile_cost(c, row_size[i / 2], col_size[i % 2]);
	return sum;
}

/* The cheapest tile that leaves registers for a row of L and one element of R. */
static void choose_register_tile(Contract *c)
{
	unsigned registers = c->e->vector_bits == 512 ? 31 : 15;
	double best = 0;
	for (unsigned wide = 1; wide <= 8; wide++)
		for (unsigned high = 1; high * wide + wide + 1 <= registers; high++) {
			if (high > c->tile_rows || wide > blocks_of(c->tile_cols, c->lanes))
				continue;
			double cost = tile_cost(c, high, wide);
			if (best == 0 || cost <= best)
				best = cost, c->high = high, c->wide = wide;
		}
}

static int64_t round_up(int64_t x, int64_t to)
{
	return blocks_of(x, to) * to;
}

/* -- Blocks -------------------------------------------------------------------------------- */

enum {
	ROUND = 32,     /* FMAs in a round of the loop over k */
	STEP = 16,      /* blocks of k but the last are multiples: of any lanes, of a round */
	LONG_K = 1024,  /* of a block, when R is read where it is, along k; */
	SHORT_K = 512,  /* across k; */
	PACKED_K = 256, /* and when it is packed */
	PACKED_ROWS = 192,
	FEW_VECTORS = 6,   /* columns of a block, in whole panels */
	MANY_VECTORS = 16, /* when R is packed for each of them */
	SMALL = 1 << 18,   /* bytes of L that are read where they are */
	SAME_LINE = 4096,  /* addresses that far apart share lines of L1 */
};

/* Bytes of the three parts of scratch, each a multiple of 64. */
int64_t contract_row_bytes(const Contract *c)
{
	if (c->r.source == DIRECT)
		return 0;
	return round_up((c->r.source == ALONG_K ? c->block_rows : c->block_k) * c->r.stride * c->size,
	                64);
}

int64_t contract_col_bytes(const Contract *c)
{
	if (c->l.source == DIRECT)
		return 0;
	return round_up(blocks_of(c->block_cols, c->wide * c->lanes) * c->l.stride * c->size, 64);
}

static int64_t partial_bytes(const Contract *c)
{
	if (c->k_blocks == 1 && !c->long_epilogue)
		return 0;
	return (c->k_blocks == 1 ? c->high : c->block_rows) * c->partial_stride * c->size;
}

static void choose_sources(Contract *c)
{
	const Kernels *k = c->e->k;
	bool rows_along_k = contiguous_axis(k, c->r.node) == c->r.contract;
	bool cols_along_k = contiguous_axis(k, c->l.node) == c->l.contract;
	bool meet = !rows_along_k && c->rows * c->size % SAME_LINE == 0 && c->k > PACKED_K;
	c->r.source = rows_along_k ? ALONG_K : ALONG_IT;
	if (is_plain(k, c->r.node) && !meet)
		c->r.source = DIRECT;
	bool small = c->tile_rows <= 2 * c->high || c->k * c->cols * c->size <= SMALL;
	c->l.source = cols_along_k ? ALONG_K : ALONG_IT;
	if (is_plain(k, c->l.node) && !cols_along_k && small)
		c->l.source = DIRECT;
}

static void choose_blocks(Contract *c)
{
	bool packed = c->r.source != DIRECT;
	bool along_k = contiguous_axis(c->e->k, c->r.node) == c->r.contract;
	int64_t most_k = packed ? PACKED_K : along_k ? LONG_K : SHORT_K;
	c->block_k = c->k < most_k ? c->k : most_k;
	int64_t vectors = packed ? MANY_VECTORS : FEW_VECTORS, panel = c->wide * c->lanes;
	c->block_cols = vectors > c->wide ? vectors / c->wide * panel : panel;
	if (c->l.source == DIRECT && !packed && c->k == c->block_k)
		c->block_cols = c->tile_cols;
	c->block_rows = c->tile_rows;
	if (packed || c->k > c->block_k)
		c->block_rows = c->high < PACKED_ROWS ? PACKED_ROWS / c->high * c->high : c->high;
}

/* Cuts k into equal blocks, and lays out what is packed. */
static void lay_out(Contract *c)
{
	c->block_rows = c->block_rows < c->tile_rows ? c->block_rows : c->tile_rows;
	c->block_cols = c->block_cols < c->tile_cols ? c->block_cols : c->tile_cols;
	c->k_blocks = blocks_of(c->k, c->block_k);
	if (c->k_blocks > 1) {
		c->block_k = round_up(blocks_of(c->k, c->k_blocks), STEP);
		c->k_blocks = blocks_of(c->k, c->block_k);
	}
	/* A round of the loop over k: about 32 FMAs; longer ones are not faster, only longer to
	 * compile. */
	int64_t panel = c->wide * c->lanes;
	c->unroll = c->high * c->wide < ROUND ? ROUND / (c->high * c->wide) : 1;
	while (c->k % c->unroll || (c->k_blocks > 1 && STEP % c->unroll))
		c->unroll--;
	/* One vector more than a row or panel, so that rows do not fall on the same lines of L1. */
	int64_t inner = c->r.source == ALONG_K ? c->block_k : c->block_rows;
	c->r.stride = round_up(inner, c->lanes) + c->lanes;
	c->l.stride = c->block_k * panel + c->lanes;
	c->partial_stride = c->k_blocks == 1 ? panel : round_up(c->block_cols, panel);
}

static bool fits(const Contract *c)
{
	int64_t packed = contract_row_bytes(c) + contract_col_bytes(c);
	return packed + partial_bytes(c) <= (int64_t)c->ke->kernel->scratch;
}

/* Smaller blocks until they fit; in the end nothing is packed. */
static void fit_scratch(Contract *c)
{
	bool packs = true;
	for (lay_out(c); !fits(c); lay_out(c)) {
		if (packs && c->block_rows > 4 * c->high) {
			c->block_rows = round_up(c->block_rows / 2, c->high);
		} else if (packs && c->block_cols > c->wide * c->lanes) {
			c->block_cols = c->wide * c->lanes;
		} else if (packs && c->block_k > STEP) {
			c->block_k = round_up(c->block_k / 2, STEP);
		} else if (packs) {
			packs = false;
			c->l.source = c->r.source = DIRECT, c->block_k = c->k;
		} else {
			c->long_epilogue = false;
		}
	}
}

/* -- All together -------------------------------------------------------------------------- */

/* More than a few cheap ops after the product are emitted once, in a loop over rows. */
static bool has_long_epilogue(const Kernels *k, const Kernel *kernel)
{
	NodeId stack[64];
	int depth = 0, ops = 0;
	for (uint32_t i = 0; i < kernel->out_count && depth < 32; i++)
		stack[depth++] = kernel->out[i];
	while (depth > 0 && ops <= 4) {
		NodeId x = stack[--depth];
		const Node *n = node(k->graph, x);
		bool out = false;
		for (uint32_t i = 0; i < kernel->out_count; i++)
			out |= kernel->out[i] == x;
		if (x == kernel->core || (k->buffer_of[x] != 0 && !out))
			continue;
		Kind kind = op_info[n->op].kind;
		bool quick = n->op == OP_add || n->op == OP_sub || n->op == OP_mul || n->op == OP_max;
		quick |= n->op == OP_min || n->op == OP_less || n->op == OP_select || n->op == OP_neg;
		quick |= n->op == OP_constant || n->op == OP_cast || kind == VIEW;
		ops += !quick ? 5 : kind == MAP;
		for (int i = 0; i < n->count && depth < 64; i++)
			stack[depth++] = n->in[i];
	}
	return ops > 4;
}

Contract contract_choose(KernelEmit *ke)
{
	Emit *e = ke->e;
	const Graph *g = e->k->graph;
	const Node *dot = node(g, ke->kernel->core);
	ContractTiling t = ke->kernel->tiling;
	Contract c = {.ke = ke, .e = e, .dot = dot, .k = t.k, .lanes = ke->lanes};
	Operand x = operand(dot, g, 0), y = operand(dot, g, 1);
	c.batches = dot->attr.dot.batch;
	int x_axis = x.free >= 0 ? c.batches : -1,
	    y_axis = y.free >= 0 ? c.batches + (x.free >= 0) : -1;
	c.swapped = t.n == 1 && t.m > 1;
	c.r = c.swapped ? y : x, c.l = c.swapped ? x : y;
	c.row_axis = c.swapped ? y_axis : x_axis, c.col_axis = c.swapped ? x_axis : y_axis;
	c.rows = c.swapped ? t.n : t.m, c.cols = c.swapped ? t.m : t.n;
	c.tile_rows = c.swapped ? t.nc : t.mc, c.tile_cols = c.swapped ? t.mc : t.nc;
	c.row_blocks = c.swapped ? t.n_blocks : t.m_blocks,
	c.col_blocks = c.swapped ? t.m_blocks : t.n_blocks;
	c.element = dot->type == DTYPE_f64 ? e->f64 : e->f32;
	c.size = dot->type == DTYPE_f64 ? 8 : 4;
	c.vector = l_vector(c.element, c.lanes);
	c.long_epilogue = has_long_epilogue(e->k, ke->kernel);
	choose_register_tile(&c);
	choose_sources(&c);
	choose_blocks(&c);
	fit_scratch(&c);
	return c;
}
