/* contract_plan.c: how a tile of a product is done, by shapes, the machine and scratch alone.
 *
 * In: a kernel whose core is a dot, with its tiles and lanes. Out: the register tile, where each
 * operand is read, the blocks that are packed at a time. Measured on a Zen 5 core (48 KB L1, 1 MB
 * L2, two vector FMAs a cycle): what lies along the right axis is best read where it is, until its
 * rows fall on the same lines of L1; packed panels of L may be as long as k = 1024, for they stream
 * from L2 faster than they are used. */
#include "contract_plan.h"

/* -- What the operands look like ----------------------------------------------------------- */

bool contract_is_plain(const Planner *m, NodeId x)
{
	const ContractPlan *p = m->p;
	const Kernels *k = m->k;
	for (const Node *n = node(k->graph, x); k->buffer_of[x] == 0; n = node(k->graph, x)) {
		bool moves = n->op == OP_transpose || n->op == OP_windows || n->op == OP_slice;
		if (n->op == OP_reshape)
			moves = k->buffer_of[n->in[0]] != 0 || reshape_is_unit(k->graph, n);
		if (!moves)
			break;
		x = n->in[0];
	}
	DType type = node(k->graph, x)->type;
	return k->buffer_of[x] != 0 && (type == DTYPE_bf16) == p->pairs;
}

enum {
	ROUND = 32,            /* FMAs in a round of the loop over k, */
	SMALL_ROUND = 8,       /* where code must be small, */
	STEP = 16,             /* blocks of k but the last are multiples: of any lanes, of a round */
	LONG_K = CONTRACT_RUN, /* of a block, when R is read where it is, along k; */
	SHORT_K = 512,         /* across k; */
	PACKED_K = 256,        /* and when it is packed */
	LONG_SUM = 2400,       /* steps of several sums in a block, at most; if cut, */
	SHORT_SUM = 1024,      /* to these; */
	ACROSS_SUM = 128,      /* to these, if R lies across them: its lines stay in L1 for all rows, */
	LONG_ACROSS = 512,     /* or these: many totals take more time than lines from L2 */
	SHORT_RUN = 64,        /* steps that are worth a total of their own */
	FEW_STEPS = 64,        /* they leave no time to bring the result's lines, */
	MANY_FMAS = 1024,      /* but where a register tile takes so many for them */
	MANY_BLOCKS = 64,      /* of k: their plain sum would lose more than they do */
	PACKED_ROWS = 192,
	MANY_ROWS = 128,
	FEW_PANELS = 4,    /* of rows: too few to pack columns for */
	FEW_VECTORS = 6,   /* columns of a block, in whole panels */
	MANY_VECTORS = 16, /* when R is packed for each of them */
	SAME_LINE = 4096,  /* addresses that far apart share lines of L1 */
};

/* -- The register tile --------------------------------------------------------------------- */

enum {
	BUSY = 16,     /* sums: two FMAs a cycle of latency 4 need half as many, none of which waits */
	MOST_WAYS = 4, /* of fewer, each has so many, */
	WORTH = 16,    /* if there are so many steps of k: in the end they are added */
};

/* A vector of L for each `wide`, and one element of R, are in registers beside them. */
static int64_t ways_of(const Planner *m, int64_t high, int64_t wide)
{
	int64_t ways = 1, free = (int64_t)m->machine->vector_registers - 2 - wide;
	while (!m->machine->bare && m->p->k >= WORTH && high * wide * ways < BUSY && ways < MOST_WAYS &&
	       2 * ways * high * wide <= free)
		ways *= 2;
	return ways;
}

#define L2_BYTES 24.0 /* a cycle, of many lines in a row */

/* Cycles in which a step of L comes from L2, if its panel is too long to stay in L1 for all rows. */
static double far_step(const Planner *m, int64_t wide)
{
	int64_t k = m->deep ? PACKED_K : LONG_K, steps = m->p->k < k ? m->p->k : k;
	int64_t bytes = wide * m->p->lanes * m->p->element_bytes;
	bool stays = bytes * steps <= cache_bytes(m->machine->l1_bytes) / 3 * 2;
	return stays ? 0 : (double)bytes / L2_BYTES;
}

/* A matrix by few rows is read but once: its lines come from the second cache, or from beyond it, and
 * each row of a panel is a run of them that has to be found anew. Measured as the rest is: panels of one
 * line get 85 GB/s of 130 from the second cache, 36 of 110 from the third; of six, 130 and 95. */
#define NEAR_LINE 2.0 /* cycles of a line of a run, */
#define NEAR_RUN  1.2 /* and of each run; */
#define FAR_LINE  2.7 /* from beyond the second cache */
#define FAR_RUN   4.5

enum { STREAM_ROWS = 16 /* more take longer to multiply than lines to come */ };

/* L is read along its rows, and R along the sum: not the gradient of a weight, of which blocks are brought. */
static bool is_stream(const Planner *m)
{
	const ContractAxes *axes = m->axes;
	return m->t->tile_rows <= STREAM_ROWS && axes->sums == 1 && !axes->outers &&
	       contiguous_axis(m->k, axes->l.node) != axes->l.contract &&
	       contiguous_axis(m->k, axes->r.node) == axes->r.contract && !m->machine->bare;
}

/* Cycles in which a step of L comes that nothing has read before. */
static double fresh_step(const Planner *m, int64_t wide)
{
	int64_t bytes = m->steps * m->axes->cols * m->p->element_bytes;
	double lines = (double)(wide * m->p->lanes * m->p->element_bytes) / 64;
	if (bytes <= cache_bytes(m->machine->l1_bytes) / 3 * 2)
		return 0;
	if (bytes <= cache_bytes(m->machine->l2_bytes) / 3 * 2)
		return lines * NEAR_LINE + NEAR_RUN;
	return lines * FAR_LINE + FAR_RUN;
}

/* Cycles of a machine with two vector FMAs and two loads a cycle, latency 4. Rows of R may meet on
 * a line of L1, vectors of L come from L2: few of both. */
static double register_tile_cost(const Planner *m, int64_t high, int64_t wide, int64_t ways,
                                 bool fresh)
{
	double h = (double)high, w = (double)wide;
	double step = h * w / 2, loads = (h + w) / 2, waits = 4.0 / (double)ways;
	step = step > loads ? step : loads;
	step = step > waits ? step : waits;
	double far = fresh ? fresh_step(m, wide) : far_step(m, wide);
	step = step > far ? step : far;
	return (double)m->steps * (step + 0.1 * h + 0.03 * w * w) + 2 * h * w + 12;
}

/* Of code for a row or column of tiles of another size, where code must be small, in parts of what
 * all takes: measured on Cortex-M4 and M55, a tenth less code of odd sizes for a twentieth more
 * instructions. */
#define MORE_CODE 0.5

static double tile_cost(const Planner *m, int64_t high, int64_t wide)
{
	const ContractPlan *p = m->p;
	int64_t vectors = blocks_of(m->t->tile_cols, p->lanes);
	int64_t rows[2] = {m->t->tile_rows / high, m->t->tile_rows % high != 0},
	        row_size[2] = {high, m->t->tile_rows % high};
	int64_t cols[2] = {vectors / wide, vectors % wide != 0}, col_size[2] = {wide, vectors % wide};
	int64_t ways = ways_of(m, high, wide);
	double sum = 0, bodies = 0;
	for (int i = 0; i < 4; i++)
		if (rows[i / 2] && cols[i % 2]) {
			bool fresh = i / 2 == 0 && m->streams;
			double again = register_tile_cost(m, row_size[i / 2], col_size[i % 2], ways, false);
			double first = register_tile_cost(m, row_size[i / 2], col_size[i % 2], ways, fresh);
			sum += (double)cols[i % 2] * (first + (double)(rows[i / 2] - 1) * again);
			bodies++;
		}
	return m->machine->bare ? sum * (1 + MORE_CODE * (bodies - 1)) : sum;
}

enum { SMALL_TILE = 11 /* registers, where code must be small: 4 x 2 sums */ };

/* The cheapest tile that leaves registers for a row of L and one element of R. */
static void choose_register_tile(Planner *m)
{
	ContractPlan *p = m->p;
	unsigned registers = m->machine->vector_registers - 1;
	if (m->machine->bare && registers > SMALL_TILE)
		registers = SMALL_TILE;
	/* Panels of R are written by whole lines, if a vector is one: rows that share them. */
	bool lines = m->deep && p->lanes * p->element_bytes == 64 && m->t->tile_rows % p->lanes == 0 &&
	             m->axes->rows % m->t->tile_rows == 0;
	double best = 0;
	for (unsigned wide = 1; wide <= 8; wide++)
		for (unsigned high = 1; high * wide + wide + 1 <= registers; high++) {
			if (lines && p->lanes % high != 0)
				continue;
			if (high > m->t->tile_rows || wide > blocks_of(m->t->tile_cols, p->lanes))
				continue;
			double cost = tile_cost(m, high, wide);
			if (best == 0 || cost <= best)
				best = cost, p->high = high, p->wide = wide;
		}
}

/* -- Blocks -------------------------------------------------------------------------------- */

#define FEW_THERE 0.9 /* of the steps of a sum: the others are worth more than longer rounds */

/* More than a product of two matrices: a convolution. */
static bool several(const Planner *m)
{
	return m->axes->outers > 0 || m->axes->sums > 1;
}

/* Blocks are of the last sum. */
static bool cuts_k(const Planner *m)
{
	return m->p->block_axis + 1 == m->axes->sums;
}

static void choose_sources(Planner *m)
{
	ContractPlan *p = m->p;
	const Kernels *k = m->k;
	bool rows_along_k = contiguous_axis(k, m->axes->r.node) == m->axes->r.contract;
	bool cols_along_k = contiguous_axis(k, m->axes->l.node) == m->axes->l.contract;
	bool meet =
	    !rows_along_k && m->axes->rows * p->element_bytes % SAME_LINE == 0 && p->k > PACKED_K;
	p->r.source = rows_along_k ? SOURCE_ALONG_K : SOURCE_ALONG_FREE;
	bool whole = !p->pairs || (rows_along_k && m->axes->k % 2 == 0); /* pairs lie as they are */
	/* A panel of parts of lines is as long to read as the lines are, where a vector is one. */
	bool packs = m->deep && (m->axes->rows % p->lanes == 0 || p->lanes * p->element_bytes < 64);
	if (contract_is_plain(m, m->axes->r.node) && !meet && !packs && whole)
		p->r.source = SOURCE_DIRECT;
	bool small =
	    m->t->tile_outer * m->t->tile_rows <= 2 * p->high ||
	    m->steps * m->axes->cols * p->element_bytes <= cache_bytes(m->machine->l2_bytes) / 4;
	bool spread = !several(m) && m->axes->cols * p->element_bytes % SAME_LINE != 0;
	p->l.source = cols_along_k ? SOURCE_ALONG_K : SOURCE_ALONG_FREE;
	bool direct = contract_is_plain(m, m->axes->l.node) && !cols_along_k && !p->pairs;
	/* Of many batches each from memory, for many rows: it is read but once, and along its lines. */
	bool fresh = m->axes->batch_size * m->steps * m->axes->cols * p->element_bytes >
	                 machine_far_bytes(m->machine) &&
	             m->axes->batch_size > 1 && m->t->tile_rows >= MANY_ROWS &&
	             m->axes->cols > p->wide * p->lanes && !m->kernel->chain && !several(m);
	if (direct && (small || spread) && !fresh)
		p->l.source = SOURCE_DIRECT;
	if (several(m)) { /* the schedule has stored R; one panel of columns is read as it lies */
		bool few_rows = contract_lies_across(k, m->axes) &&
		                m->t->tile_outer * m->t->tile_rows <= FEW_PANELS * p->high;
		p->r.source = SOURCE_DIRECT;
		if (direct && (few_rows || m->axes->cols <= p->wide * p->lanes))
			p->l.source = SOURCE_DIRECT;
	}
	m->l_source = p->l.source;
}

/* Blocks of several sums are values of the first, or of one after it if R lies across them. */
static void cut_sums(Planner *m)
{
	ContractPlan *p = m->p;
	bool across = contract_lies_across(m->k, m->axes);
	int64_t most = SHORT_SUM, inner = m->steps / p->sum_size[0];
	if (across)
		most = m->steps > MANY_BLOCKS * ACROSS_SUM ? LONG_ACROSS : ACROSS_SUM;
	p->block_k = p->k;
	p->block_sum = p->sum_size[0];
	if (m->steps <= (across ? 2 * most : LONG_SUM))
		return;
	while (across && inner > most && p->block_axis + 1 < m->axes->sums)
		inner /= p->sum_size[++p->block_axis];
	p->block_sum = inner < most ? most / inner : 1;
	if (cuts_k(m))
		p->block_k = most;
}

static void choose_blocks(Planner *m)
{
	ContractPlan *p = m->p;
	bool packed = p->r.source != SOURCE_DIRECT;
	bool along_k = contiguous_axis(m->k, m->axes->r.node) == m->axes->r.contract;
	int64_t most_k = packed ? PACKED_K : along_k ? LONG_K : SHORT_K;
	if (m->deep && !packed)
		most_k = ACROSS_SUM; /* lines stay in L1, as those of a convolution */
	p->block_k = p->k < most_k ? p->k : most_k;
	int64_t vectors = packed ? MANY_VECTORS : FEW_VECTORS, panel = p->wide * p->lanes;
	p->block_cols = vectors > p->wide ? vectors / p->wide * panel : panel;
	if (p->l.source == SOURCE_DIRECT && !packed && p->k == p->block_k)
		p->block_cols = m->t->tile_cols;
	p->block_rows = m->t->tile_rows;
	/* R's part of a block stays in the second cache for all column panels. */
	int64_t most = cache_bytes(m->machine->l2_bytes) / 4 * 3;
	if (packed || p->k > p->block_k || p->block_rows * p->block_k * p->element_bytes > most)
		p->block_rows = p->high < PACKED_ROWS ? PACKED_ROWS / p->high * p->high : p->high;
	if (several(m))
		p->block_rows = m->t->tile_rows;
	if (m->axes->sums > 1)
		cut_sums(m);
}

/* Bytes of the three parts of scratch, each a multiple of 64. */
static void measure(Planner *m)
{
	ContractPlan *p = m->p;
	OperandPlan *r = &p->r, *l = &p->l;
	int64_t rows = r->source == SOURCE_ALONG_K ? p->block_rows : blocks_of(p->block_rows, r->group),
	        cols = blocks_of(p->block_cols, l->group);
	r->bytes = r->source == SOURCE_DIRECT ? 0 : round_up(rows * r->stride * p->element_bytes, 64);
	l->bytes = l->source == SOURCE_DIRECT ? 0 : round_up(cols * l->stride * p->element_bytes, 64);
	r->bytes *= r->prefetch == PREFETCH_COPY ? 2 : 1;
	l->bytes *= l->prefetch == PREFETCH_COPY ? 2 : 1;
	p->row_panels = blocks_of(p->block_rows, p->high);
	p->col_panels = blocks_of(p->block_cols, p->wide * p->lanes);
	int64_t tile = p->high * p->wide * p->lanes * p->element_bytes,
	        tiles = m->t->tile_outer * p->row_panels * p->col_panels;
	p->partial_bytes = p->k_blocks > 1    ? tiles * tile * (p->keeps_lost ? 2 : 1)
	                   : p->long_epilogue ? tile
	                                      : 0;
	p->edge_bytes = p->edges[0] || p->edges[1] ? round_up(tile, 64) : 0;
}

/* Cuts k into equal blocks, and lays out what is packed. */
static void lay_out(Planner *m)
{
	ContractPlan *p = m->p;
	p->block_rows = p->block_rows < m->t->tile_rows ? p->block_rows : m->t->tile_rows;
	p->block_cols = p->block_cols < m->t->tile_cols ? p->block_cols : m->t->tile_cols;
	p->k_blocks = blocks_of(p->k, p->block_k);
	if (!cuts_k(m)) {
		int64_t size = p->sum_size[p->block_axis];
		p->block_sum = blocks_of(size, blocks_of(size, p->block_sum));
		p->k_blocks = blocks_of(size, p->block_sum);
	} else if (p->k_blocks > 1) {
		p->block_k = round_up(blocks_of(p->k, p->k_blocks), STEP);
		p->k_blocks = blocks_of(p->k, p->block_k);
	}
	for (int i = 0; i < p->block_axis; i++)
		p->k_blocks *= p->sum_size[i];
	p->keeps_lost = p->k_blocks > MANY_BLOCKS;
	/* A round of the loop over k: about 32 FMAs; longer ones are not faster, only longer to
	 * compile. */
	int64_t panel = p->wide * p->lanes;
	unsigned round = m->machine->bare ? SMALL_ROUND : ROUND;
	p->unroll = p->high * p->wide < round ? round / (p->high * p->wide) : 1;
	double there = m->axes->bound[m->axes->sums - 1].share; /* of k: its bounds are any numbers */
	if (there > 0 && there < FEW_THERE && p->high * p->wide >= SMALL_ROUND)
		p->unroll = 1;
	while (p->k % p->unroll || p->k_rest % p->unroll ||
	       (p->k_blocks > 1 && cuts_k(m) && STEP % p->unroll))
		p->unroll--;
	p->ways = (unsigned)ways_of(m, p->high, p->wide);
	while (p->unroll % p->ways)
		p->ways /= 2;
	/* One vector more than a row or panel, so that they do not fall on the same lines of L1, and
	 * for what is written past the end. */
	p->r.group = p->lanes % p->high ? p->high : p->lanes;
	int64_t inner = p->r.source == SOURCE_ALONG_K ? p->block_k : p->block_k * p->r.group;
	p->r.stride = round_up(inner, p->lanes) + p->lanes;
	p->block_steps = cuts_k(m) ? p->block_k : p->block_sum;
	for (int i = p->block_axis + 1; i < m->axes->sums; i++)
		p->block_steps *= p->sum_size[i];
	p->l.source = m->l_source;
	contract_choose_prefetch(m);
	if (p->l.prefetch == PREFETCH_COPY)
		p->l.source = SOURCE_ALONG_FREE;
	p->l.group = p->l.prefetch == PREFETCH_COPY ? p->lanes : panel;
	p->l.stride = p->block_steps * p->l.group + p->lanes;
	measure(m);
}

/* Of several sums that are long together: the innermost whose values are worth totals. */
static int cut_of(const Planner *m)
{
	const ContractPlan *p = m->p;
	int64_t steps = p->k;
	if (m->axes->sums == 1 || p->block_steps <= LONG_SUM)
		return -1;
	for (int i = m->axes->sums - 2; i >= 0; i--) {
		if (steps >= SHORT_RUN)
			return i;
		steps *= p->sum_size[i];
	}
	return -1;
}

static bool fits(const Planner *m)
{
	const ContractPlan *p = m->p;
	return contract_bytes(p) <= (int64_t)m->kernel->scratch;
}

/* Smaller blocks until they fit; in the end nothing is packed. */
static void fit_scratch(Planner *m)
{
	ContractPlan *p = m->p;
	bool packs = true;
	for (lay_out(m); !fits(m); lay_out(m)) {
		if (packs && !cuts_k(m) && p->block_sum > 1 && p->l.source != SOURCE_DIRECT) {
			p->block_sum = (p->block_sum + 1) / 2;
		} else if (packs && !several(m) && p->block_rows > 4 * p->high) {
			p->block_rows = round_up(p->block_rows / 2, p->high);
		} else if (packs && p->block_cols > p->wide * p->lanes) {
			p->block_cols = p->wide * p->lanes;
		} else if (packs && cuts_k(m) && p->block_k > STEP) {
			p->block_k = round_up(p->block_k / 2, STEP);
		} else if (packs) {
			packs = false;
			m->l_source = p->l.source = p->r.source = SOURCE_DIRECT, p->block_k = p->k,
			p->block_axis = 0, p->block_sum = p->sum_size[0];
		} else {
			p->long_epilogue = false;
		}
	}
}

/* -- All together -------------------------------------------------------------------------- */

/* A step of k is a pair, if it can be. */
static void choose_steps(Planner *m)
{
	ContractPlan *p = m->p;
	const ContractAxes *axes = m->axes;
	const Node *r = node(m->k->graph, axes->r.node);
	p->pairs = m->machine->bf16_pairs && r->type == DTYPE_bf16 && p->lanes == 16 && axes->k > 1;
	int64_t step = p->pairs ? 2 : 1; /* parts of k are even */
	p->k_all = blocks_of(axes->k, step);
	m->steps = axes->steps / axes->k * p->k_all;
	p->k = m->t->k_parts ? m->t->k_part / step : p->k_all;
	p->k_rest = contract_last(p->k_all, p->k);
	for (int i = 0; i + 1 < axes->sums; i++)
		p->sum_size[i] = r->shape.dim[axes->r.sum[i]];
	p->sum_size[axes->sums - 1] = p->k;
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

enum { FEW_ROWS = 8 /* whose addresses fit into registers */ };

/* What is the emitter's to know, and follows from the blocks. */
static void choose_rest(Planner *m, const Node *dot)
{
	ContractPlan *p = m->p;
	bool adds = m->t->k_parts > 0;
	NodeId r = m->axes->r.node;
	if (p->r.source == SOURCE_DIRECT && p->high > FEW_ROWS && !p->pairs && m->axes->r.free >= 0 &&
	    contract_is_plain(m, r))
		p->row_step = axis_step(m->k, r, m->axes->r.free);
	p->cut_sum = cut_of(m);
	p->runs_on = adds && p->k_all <= CONTRACT_RUN;
	bool brings = p->l.tiles || p->r.tiles || p->r.prefetch == PREFETCH_ROWS;
	p->run =
	    p->block_k <= CONTRACT_RUN || brings ? p->block_k : CONTRACT_RUN / p->unroll * p->unroll;
	contract_choose_bounds(p, m->t, dot->shape);
	contract_find_edges(m->k->graph, p, m->t);
	p->edge_bytes = p->edges[0] || p->edges[1] ? p->edge_bytes : 0;
	bool cut = p->block_rows < m->t->tile_rows || p->block_cols < m->t->tile_cols;
	p->next_tile = !cut && !m->axes->outers && p->k % p->block_k == 0;
	/* Stores of a whole tile at once would wait for lines that are far. */
	p->brings_result = shape_size(dot->shape) * p->element_bytes > machine_far_bytes(m->machine) &&
	                   !adds && (p->k >= FEW_STEPS || p->k * p->high * p->wide >= MANY_FMAS);
}

const ContractPlan *contract_plan(const Kernels *k, const Kernel *kernel)
{
	Compile *c = k->graph->c;
	const Node *dot = node(k->graph, kernel->core);
	ContractPlan *p = new (c->arena, ContractPlan);
	Planner m = {.k = k, .kernel = kernel, .machine = c->machine, .t = &kernel->tiling, .p = p};
	p->axes = contract_axes(k->graph, dot);
	m.axes = &p->axes;
	m.deep = contract_is_deep(k, dot);
	m.streams = is_stream(&m);
	p->lanes = kernel->lanes;
	p->element_bytes = dot->type == DTYPE_f64 ? 8 : 4;
	p->long_epilogue = has_long_epilogue(k, kernel);
	choose_steps(&m);
	contract_find_edges(k->graph, p, m.t);
	choose_register_tile(&m);
	choose_sources(&m);
	choose_blocks(&m);
	fit_scratch(&m);
	choose_rest(&m, dot);
	return p;
}

/* -- Text -------------------------------------------------------------------------------------- */

static const char *operand_text(Arena *a, const OperandPlan *o, const char *axis)
{
	const char *from = o->source == SOURCE_DIRECT    ? "in place"
	                   : o->source == SOURCE_ALONG_K ? "packed along k"
	                                                 : arena_printf(a, "packed along %s", axis);
	const char *brings =
	    o->prefetch == PREFETCH_BLOCK  ? ", next block prefetched"
	    : o->prefetch == PREFETCH_COPY ? ", next block copied"
	    : o->prefetch == PREFETCH_ROWS ? ", next rows prefetched"
	    : o->prefetch == PREFETCH_UNIT ? ", next unit prefetched"
	    : o->prefetch == PREFETCH_VALUE
	        ? arena_printf(a, ", next block prefetched, %lld lines a tile at each value of sum %d",
	                       (long long)o->lines, o->value)
	        : "";
	if (o->prefetch == PREFETCH_OUTER)
		brings =
		    arena_printf(a, ", next outer index prefetched, %lld lines at each value of sum %d",
		                 (long long)o->lines, o->value);
	if (o->prefetch == PREFETCH_STEPS)
		brings = arena_printf(a, ", prefetched %lld steps before", (long long)o->distance);
	return arena_printf(a, "%s%s", from, brings);
}

/* How sums are cut into totals. */
static const char *sums_text(Arena *a, const ContractPlan *p, const ContractTiling *t)
{
	const char *parts = "", *blocks = "", *runs = "", *values = "";
	if (t->k_parts)
		parts = arena_printf(a, "; adds %lld steps%s", (long long)p->k,
		                     p->runs_on ? " to the sum so far" : "");
	if (p->k_blocks > 1)
		blocks = arena_printf(a, "; %lld totals%s", (long long)p->k_blocks,
		                      p->keeps_lost ? ", with what rounding takes" : "");
	if (p->run < p->block_k)
		runs = arena_printf(a, "; a total of %lld steps", (long long)p->run);
	if (p->cut_sum >= 0)
		values = arena_printf(a, "; a total of each value of sum %d", p->cut_sum);
	return arena_printf(a, "%s%s%s%s", parts, blocks, runs, values);
}

/* Which steps of padding are left out. */
static const char *bounds_text(Arena *a, const ContractPlan *p)
{
	const char *text = "";
	for (int i = 0; i < p->axes.sums; i++) {
		const SumBound *b = &p->axes.bound[i];
		if (p->bounded >> i & 1)
			text = arena_printf(a, "%s; sum %d where %lld <= %lld at + %lld of axis %d < %lld",
			                    text, i, (long long)b->low, (long long)b->by_sum,
			                    (long long)b->by_axis, b->axis, (long long)b->high);
	}
	return text;
}

/* Where zeros of a padding are multiplied. */
static const char *edges_text(Arena *a, const ContractPlan *p, int side)
{
	const char *text = "";
	for (unsigned i = 0; i < p->edges[side]; i++) {
		const Edge *e = &p->edge[side][i];
		text = arena_printf(a, "%s; %s are there where %lld <=", text, side ? "columns" : "rows",
		                    (long long)e->low);
		const char *plus = "";
		for (int j = 0; j < MAX_RANK; j++)
			if (e->by[j]) {
				text = arena_printf(a, "%s%s %lld of axis %d", text, plus, (long long)e->by[j], j);
				plus = " +";
			}
		text = arena_printf(a, "%s < %lld", text, (long long)e->high);
		if (e->every > 1)
			text = arena_printf(a, "%s, every %lld", text, (long long)e->every);
	}
	return text;
}

/* All that is decided, and nothing that follows from it: the hash of a kernel is of this text. */
const char *contract_plan_text(Arena *a, const Kernel *kernel)
{
	const ContractPlan *p = kernel->contract;
	const ContractTiling *t = &kernel->tiling;
	bool swapped = p->axes.swapped, sums = p->axes.sums > 1;
	const char *outer = "", *sum = "", *every = "", *ways = "";
	if (p->axes.outers)
		outer = arena_printf(a, "%lld x ", (long long)t->tile_outer);
	if (sums)
		sum = arena_printf(a, "%s%lld x ",
		                   p->block_axis ? arena_printf(a, "sum %d: ", p->block_axis) : "",
		                   (long long)p->block_sum);
	if (p->every > 1)
		every = arena_printf(a, ", a line every %u", p->every);
	if (p->ways > 1)
		ways = arena_printf(a, ", %u sums a place", p->ways);
	bool next = p->next_tile && (p->r.tiles || p->l.tiles);
	return arena_printf(
	    a,
	    "tile %s%lld x %lld, %u x %u vectors of %u%s, %u steps a round%s%s; blocks %lld x %lld x "
	    "%s%lld; rows %s %s; columns %s %s%s%s%s%s%s%s%s; scratch %lld",
	    outer, (long long)t->tile_rows, (long long)t->tile_cols, p->high, p->wide, p->lanes,
	    p->pairs ? " pairs" : "", p->unroll, ways, every, (long long)p->block_rows,
	    (long long)p->block_cols, sum, (long long)p->block_k, swapped ? "y" : "x",
	    operand_text(a, &p->r, "rows"), swapped ? "x" : "y", operand_text(a, &p->l, "columns"),
	    next ? "; on into the next tile" : "", sums_text(a, p, t), bounds_text(a, p),
	    edges_text(a, p, 0), edges_text(a, p, 1),
	    p->long_epilogue ? "; epilogue in a loop over rows" : "",
	    p->brings_result ? "; result prefetched" : "", (long long)contract_bytes(p));
}
