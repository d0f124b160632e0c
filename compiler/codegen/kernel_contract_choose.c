/* kernel_contract_choose.c: how a matrix product is cut and read, by shape and target alone.
 *
 * In: operands, tile sizes, bytes of scratch. Out: the register tile, where each operand is read,
 * the blocks that are packed at a time. Measured on a Zen 5 core (48 KB L1, 1 MB L2, two vector
 * FMAs a cycle): what lies along the right axis is best read where it is, until its rows fall on
 * the same lines of L1; packed panels of L may be as long as k = 1024, for they stream from L2
 * faster than they are used. */
#include "contract.h"

/* -- What the operands look like ----------------------------------------------------------- */

bool contract_is_plain(const Contract *c, NodeId x)
{
	const Kernels *k = c->e->k;
	for (const Node *n = node(k->graph, x); k->buffer_of[x] == 0; n = node(k->graph, x)) {
		bool moves = n->op == OP_transpose || n->op == OP_windows || n->op == OP_slice;
		if (n->op == OP_reshape)
			moves = k->buffer_of[n->in[0]] != 0 || reshape_is_unit(k->graph, n);
		if (!moves)
			break;
		x = n->in[0];
	}
	DType type = node(k->graph, x)->type;
	return k->buffer_of[x] != 0 && (type == DTYPE_bf16) == c->pairs;
}

static Operand operand(const OperandAxes *o)
{
	return (Operand){
	    .node = o->node, .axis = o->axis, .sum = o->sum, .free = o->free, .contract = o->contract};
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
	return (double)c->axes.steps * (step + 0.1 * h + 0.03 * w * w) + 2 * h * w + 12;
}

static double tile_cost(const Contract *c, int64_t high, int64_t wide)
{
	int64_t vectors = blocks_of(c->t.tile_cols, c->lanes);
	int64_t rows[2] = {c->t.tile_rows / high, c->t.tile_rows % high != 0},
	        row_size[2] = {high, c->t.tile_rows % high};
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
	unsigned registers = c->e->c->machine->vector_registers - 1;
	/* Panels of R are written by whole lines, if a vector is one: rows that share them. */
	bool lines = c->deep && c->lanes * c->size == 64;
	double best = 0;
	for (unsigned wide = 1; wide <= 8; wide++)
		for (unsigned high = 1; high * wide + wide + 1 <= registers; high++) {
			if (lines && c->lanes % high != 0)
				continue;
			if (high > c->t.tile_rows || wide > blocks_of(c->t.tile_cols, c->lanes))
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
	ROUND = 32,            /* FMAs in a round of the loop over k */
	STEP = 16,             /* blocks of k but the last are multiples: of any lanes, of a round */
	LONG_K = CONTRACT_RUN, /* of a block, when R is read where it is, along k; */
	SHORT_K = 512,         /* across k; */
	PACKED_K = 256,        /* and when it is packed */
	LONG_SUM = 2400,       /* steps of several sums in a block, at most; if cut, */
	SHORT_SUM = 1024,      /* to these */
	SHORT_RUN = 64,        /* steps that are worth a total of their own */
	MANY_BLOCKS = 64,      /* of k: their plain sum would lose more than they do */
	PACKED_ROWS = 192,
	MANY_ROWS = 128,
	FEW_VECTORS = 6,        /* columns of a block, in whole panels */
	MANY_VECTORS = 16,      /* when R is packed for each of them */
	SMALL = 1 << 18,        /* bytes of L that are read where they are, however they lie */
	ROWS_BYTES = 768 << 10, /* of R in a block: it stays in L2 for all column panels */
	SAME_LINE = 4096,       /* addresses that far apart share lines of L1 */
};

/* Bytes of the three parts of scratch, each a multiple of 64. */
int64_t contract_row_bytes(const Contract *c)
{
	if (c->r.source == DIRECT)
		return 0;
	int64_t lines = c->r.source == ALONG_K ? c->block_rows : blocks_of(c->block_rows, c->r.group);
	int64_t bytes = round_up(lines * c->r.stride * c->size, 64);
	return c->r.ahead == COPIED ? 2 * bytes : bytes;
}

int64_t contract_col_bytes(const Contract *c)
{
	if (c->l.source == DIRECT)
		return 0;
	int64_t bytes = round_up(blocks_of(c->block_cols, c->l.group) * c->l.stride * c->size, 64);
	return c->l.ahead == COPIED ? 2 * bytes : bytes;
}

int64_t contract_row_panels(const Contract *c)
{
	return blocks_of(c->block_rows, c->high);
}

int64_t contract_col_panels(const Contract *c)
{
	return blocks_of(c->block_cols, c->wide * c->lanes);
}

int64_t contract_partial_bytes(const Contract *c)
{
	if (c->k_blocks == 1 && !c->long_epilogue)
		return 0;
	int64_t tile = c->high * c->wide * c->lanes * c->size;
	if (c->k_blocks == 1)
		return tile;
	tile *= c->keeps_lost ? 2 : 1;
	return c->t.tile_outer * contract_row_panels(c) * contract_col_panels(c) * tile;
}

/* More than a product of two matrices: a convolution. */
static bool several(const Contract *c)
{
	return c->axes.outers > 0 || c->axes.sums > 1;
}

static void choose_sources(Contract *c)
{
	const Kernels *k = c->e->k;
	bool rows_along_k = contiguous_axis(k, c->r.node) == c->r.contract;
	bool cols_along_k = contiguous_axis(k, c->l.node) == c->l.contract;
	bool meet = !rows_along_k && c->rows * c->size % SAME_LINE == 0 && c->k > PACKED_K;
	c->r.source = rows_along_k ? ALONG_K : ALONG_IT;
	bool whole = !c->pairs || (rows_along_k && c->k_elements % 2 == 0); /* pairs lie as they are */
	if (contract_is_plain(c, c->r.node) && !meet && !c->deep && whole)
		c->r.source = DIRECT;
	bool small = c->t.tile_outer * c->t.tile_rows <= 2 * c->high ||
	             c->axes.steps * c->cols * c->size <= SMALL;
	bool spread = !several(c) && c->cols * c->size % SAME_LINE != 0;
	c->l.source = cols_along_k ? ALONG_K : ALONG_IT;
	bool direct = contract_is_plain(c, c->l.node) && !cols_along_k && !c->pairs;
	/* Of many batches each from memory, for many rows: it is read but once, and along its lines. */
	bool fresh = c->axes.batch_size * c->axes.steps * c->cols * c->size >
	                 machine_far_bytes(c->e->c->machine) &&
	             c->axes.batch_size > 1 && c->t.tile_rows >= MANY_ROWS &&
	             c->cols > c->wide * c->lanes && !c->ke->kernel->chain && !several(c);
	if (direct && (small || spread) && !fresh)
		c->l.source = DIRECT;
	if (several(c)) { /* the schedule has stored R; one panel of columns is read as it lies */
		c->r.source = DIRECT;
		if (direct && c->cols <= c->wide * c->lanes)
			c->l.source = DIRECT;
	}
	c->l_source = c->l.source;
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
		c->block_cols = c->t.tile_cols;
	c->block_rows = c->t.tile_rows;
	if (packed || c->k > c->block_k || c->block_rows * c->block_k * c->size > ROWS_BYTES)
		c->block_rows = c->high < PACKED_ROWS ? PACKED_ROWS / c->high * c->high : c->high;
	c->block_sum = c->sum_size[0];
	if (several(c))
		c->block_rows = c->t.tile_rows;
	if (c->axes.sums > 1) {
		c->block_k = c->k;
		int64_t inner = c->axes.steps / c->sum_size[0];
		if (c->axes.steps > LONG_SUM)
			c->block_sum = inner < SHORT_SUM ? SHORT_SUM / inner : 1;
	}
}

/* Cuts k into equal blocks, and lays out what is packed. */
static void lay_out(Contract *c)
{
	c->block_rows = c->block_rows < c->t.tile_rows ? c->block_rows : c->t.tile_rows;
	c->block_cols = c->block_cols < c->t.tile_cols ? c->block_cols : c->t.tile_cols;
	c->k_blocks = blocks_of(c->k, c->block_k);
	if (c->axes.sums > 1) {
		c->k_blocks = blocks_of(c->sum_size[0], c->block_sum);
		c->block_sum = blocks_of(c->sum_size[0], c->k_blocks);
		c->k_blocks = blocks_of(c->sum_size[0], c->block_sum);
	} else if (c->k_blocks > 1) {
		c->block_k = round_up(blocks_of(c->k, c->k_blocks), STEP);
		c->k_blocks = blocks_of(c->k, c->block_k);
	}
	c->keeps_lost = c->k_blocks > MANY_BLOCKS;
	/* A round of the loop over k: about 32 FMAs; longer ones are not faster, only longer to
	 * compile. */
	int64_t panel = c->wide * c->lanes;
	c->unroll = c->high * c->wide < ROUND ? ROUND / (c->high * c->wide) : 1;
	while (c->k % c->unroll || c->k_rest % c->unroll ||
	       (c->k_blocks > 1 && c->axes.sums == 1 && STEP % c->unroll))
		c->unroll--;
	/* One vector more than a row or panel, so that they do not fall on the same lines of L1, and
	 * for what is written past the end. */
	c->r.group = c->lanes % c->high ? c->high : c->lanes;
	int64_t inner = c->r.source == ALONG_K ? c->block_k : c->block_k * c->r.group;
	c->r.stride = round_up(inner, c->lanes) + c->lanes;
	c->block_steps = c->block_k;
	if (c->axes.sums > 1)
		c->block_steps = c->axes.steps / c->sum_size[0] * c->block_sum;
	c->l.source = c->l_source;
	contract_choose_ahead(c);
	if (c->l.ahead == COPIED)
		c->l.source = ALONG_IT;
	c->l.group = c->l.ahead == COPIED ? c->lanes : panel;
	c->l.stride = c->block_steps * c->l.group + c->lanes;
}

/* Of several sums that are long together: the innermost whose values are worth totals. */
static int cut_of(const Contract *c)
{
	int64_t steps = c->k;
	if (c->axes.sums == 1 || c->block_steps <= LONG_SUM)
		return -1;
	for (int i = c->axes.sums - 2; i >= 0; i--) {
		if (steps >= SHORT_RUN)
			return i;
		steps *= c->sum_size[i];
	}
	return -1;
}

static bool fits(const Contract *c)
{
	int64_t packed = contract_row_bytes(c) + contract_col_bytes(c);
	return packed + contract_partial_bytes(c) <= (int64_t)c->ke->kernel->scratch;
}

/* Smaller blocks until they fit; in the end nothing is packed. */
static void fit_scratch(Contract *c)
{
	bool packs = true;
	for (lay_out(c); !fits(c); lay_out(c)) {
		if (packs && c->axes.sums > 1 && c->block_sum > 1 && c->l.source != DIRECT) {
			c->block_sum = (c->block_sum + 1) / 2;
		} else if (packs && !several(c) && c->block_rows > 4 * c->high) {
			c->block_rows = round_up(c->block_rows / 2, c->high);
		} else if (packs && c->block_cols > c->wide * c->lanes) {
			c->block_cols = c->wide * c->lanes;
		} else if (packs && c->axes.sums == 1 && c->block_k > STEP) {
			c->block_k = round_up(c->block_k / 2, STEP);
		} else if (packs) {
			packs = false;
			c->l_source = c->l.source = c->r.source = DIRECT, c->block_k = c->k,
			c->block_sum = c->sum_size[0];
		} else {
			c->long_epilogue = false;
		}
	}
}

/* -- All together -------------------------------------------------------------------------- */

/* From here on a step of k is a pair, if it can be. */
static void choose_steps(Contract *c)
{
	DType type = node(c->e->k->graph, c->r.node)->type;
	c->k_elements = c->axes.k;
	c->pairs = c->e->bf16_pairs && type == DTYPE_bf16 && c->lanes == 16 && c->axes.k > 1;
	if (!c->pairs)
		return;
	c->axes.k = blocks_of(c->k_elements, 2);
	c->axes.steps = c->axes.steps / c->k_elements * c->axes.k;
}

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
		quick |= n->op == OP_min || n->op == OP_select || n->op == OP_neg;
		quick |= n->op == OP_less || n->op == OP_less_equal || n->op == OP_constant;
		quick |= n->op == OP_cast || kind == VIEW;
		ops += !quick ? 5 : kind == MAP;
		for (int i = 0; i < n->count && depth < 64; i++)
			stack[depth++] = n->in[i];
	}
	return ops > 4;
}

void contract_choose(KernelEmit *ke, Contract *c)
{
	Emit *e = ke->e;
	const Graph *g = e->k->graph;
	const Node *dot = node(g, ke->kernel->core);
	*c = (Contract){.ke = ke, .e = e, .dot = dot, .t = ke->kernel->tiling, .lanes = ke->lanes};
	c->axes = contract_axes(g, dot);
	c->deep = contract_is_deep(e->k, dot);
	c->r = operand(&c->axes.r), c->l = operand(&c->axes.l);
	choose_steps(c);
	c->rows = c->axes.rows, c->cols = c->axes.cols, c->k = c->axes.k;
	c->k_rest = c->k;
	if (c->t.k_parts) {
		c->adds = true;
		c->k = c->pairs ? c->t.k_part / 2 : c->t.k_part; /* parts are even */
		c->k_rest = contract_last(c->axes.k, c->k);
	}
	for (int i = 0; i + 1 < c->axes.sums; i++)
		c->sum_size[i] = node(g, c->r.node)->shape.dim[c->r.sum[i]];
	c->sum_size[c->axes.sums - 1] = c->k;
	c->element = dot->type == DTYPE_f64 ? e->f64 : e->f32;
	c->size = dot->type == DTYPE_f64 ? 8 : 4;
	c->vector = l_vector(c->element, c->lanes);
	c->long_epilogue = has_long_epilogue(e->k, ke->kernel);
	choose_register_tile(c);
	choose_sources(c);
	choose_blocks(c);
	fit_scratch(c);
	c->cut_sum = cut_of(c);
	c->runs_on = c->adds && c->axes.k <= CONTRACT_RUN;
	if (c->adds && c->k_blocks > 1)
		BUG("blocks of k in a part of k");
}
