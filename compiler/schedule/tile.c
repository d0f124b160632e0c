/* tile.c: how a kernel is cut into independent tiles, by shape alone, never by the number of
 * threads.
 *
 *   map, flat   tile = elements; tile t does elements [t tile, (t + 1) tile), the last one fewer
 *   map         tile = indices of the outermost axis that is a loop; rank 0: one tile
 *   reduce      tile = indices of the outermost axis of the result; rank 0: one tile
 *   row         tile = rows
 *   contract    ContractTiling (schedule.h): tile = 1
 *   scatter     one tile: additions to one place must stay in order; rows, where maps end it (scatter.c)
 *   copy        as map, flat
 *   in a chain  a contraction's rows are cut as the chain's blocks are; else tile = one row
 * A tile is worth about 10 us at least: less is not worth waking a thread for. */
#include "fuse.h"

enum {
	CONTRACT_WORK = 1 << 21, /* multiply-adds */
	MC = 192,                /* rows of a convolution, */
	DEEP = 192,              /* of a deep product, */
	TALL = 512,              /* of others */
	NC = 256,
	LINE = 16,        /* elements */
	PANEL = 3 * LINE, /* columns of the register tiles that read the fewest bytes a sum */
	TILES = 8,        /* of a product that is worth two threads, at least, if columns are not */
	DEEP_TILES = 6,   /* of a deep one, */
	FEW_TILES = 3,    /* if each has but pieces of L's rows, which many rows should use */
	FEW_COLS = 64,
	TURNED_TILES = 4,     /* of one that turns its columns first, */
	TURNED_COLS = 32,     /* for each tile anew: many rows for few columns */
	TILES_OF_SAMPLES = 4, /* each packs all columns */
	SAMPLES = 8,
	ROWS = 384,
	ACROSS_WORK = 1 << 26, /* of a tile of a gradient by weights, at most, unless there are TILES */
	LONG_SUM = 4096,       /* steps */
	KEPT = 96 << 10,       /* elements */
	STREAMS = 4,
	STREAM_ROWS = 16,       /* as few take as long as their columns need to come, */
	STREAM_COLS = 6 * LINE, /* of which a tile has long runs, */
	STREAM_BYTES = 1 << 18, /* and enough */
	SCRATCH = 1 << 20,
};

/* `count` iterations of `work` each, in tiles of a multiple of `step`. */
static void cut(Kernel *kernel, int64_t count, double work, int64_t step)
{
	double wanted = work > 0 ? TILE_WORK / work : (double)count;
	int64_t tile = wanted >= (double)count ? count : (int64_t)wanted;
	kernel->tile = tile < 1 ? step : round_up(tile, step);
	kernel->tile = kernel->tile > count ? count : kernel->tile;
	kernel->tiles = (count + kernel->tile - 1) / kernel->tile;
}

/* Operations an element of the loop, roughly: all nodes of the kernel that nobody stored. */
static double weight_of(const Kernels *k, NodeId x, NodeId core, int depth)
{
	const Node *n = node(k->graph, x);
	double weight = op_info[n->op].weight + 1;
	for (int i = 0; i < n->count && depth < 24; i++)
		if (!k->buffer_of[n->in[i]] && n->in[i] != core)
			weight += weight_of(k, n->in[i], core, depth + 1);
	return weight < 200 ? weight : 200;
}

static double outs_weight(const Kernels *k, const Kernel *kernel)
{
	double weight = 0;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		weight += weight_of(k, kernel->out[i], kernel->core, 0);
	return weight;
}

/* Blocks of equal size, at most `most`, a multiple of `step` if there is more than one. */
static int64_t even(int64_t count, int64_t most, int64_t step)
{
	if (most >= count)
		return count;
	int64_t size = blocks_of(count, blocks_of(count, most));
	return round_up(size, step) < count ? round_up(size, step) : count;
}

/* Rows of a tile in all: enough that the columns it packs are used often; few enough that a long
 * sum can keep them in scratch between its blocks. */
static int64_t outer_of(const ContractAxes *r, const ContractTiling *t)
{
	int64_t rows = r->steps < LONG_SUM ? ROWS : KEPT / t->tile_cols;
	int64_t outer = rows / t->tile_rows;
	return even(r->outer_size, outer < 1 ? 1 : outer, 1);
}

/* The largest divisor of count in [most / 2, most] that is a multiple of `step`; 0: there is none. */
static int64_t divisor(int64_t count, int64_t most, int64_t step)
{
	for (int64_t size = most / step * step; size >= most / 2; size -= step)
		if (count % size == 0)
			return size;
	return 0;
}

/* Blocks as even() makes them, but all equal if the count allows. */
static int64_t equal(int64_t count, int64_t most, int64_t step)
{
	if (most >= count)
		return count;
	int64_t size = divisor(count, most, step);
	return size ? size : even(count, most, step);
}

/* Rows and columns both come from afar, and are packed again for every tile: large ones, that have
 * whole rows of L if these are short. Whole lines, and as many rows in each, can be packed on the
 * way (contract_prefetch.c). */
static void tile_deep(const ContractAxes *r, ContractTiling *t)
{
	/* Rows that share lines with the next step's are all in a tile; it has half of the columns. */
	int64_t half = equal(r->cols, (r->cols + 1) / 2, LINE);
	if (r->rows % LINE && r->rows <= DEEP && r->cols <= DEEP && r->cols - half >= half / 2) {
		t->tile_rows = r->rows, t->tile_cols = half;
		return;
	}
	t->tile_cols = equal(r->cols, DEEP, LINE);
	int64_t least = t->tile_cols < r->cols ? FEW_TILES : DEEP_TILES;
	for (int64_t rows = DEEP; rows >= DEEP / 4; rows /= 2) {
		t->tile_rows = equal(r->rows, rows, LINE);
		if (blocks_of(r->rows, t->tile_rows) * blocks_of(r->cols, t->tile_cols) >= least)
			break;
	}
}

/* Of a gradient by weights: the columns of few register tiles for all positions, which share lines of
 * R and what is packed of L. */
static void tile_across(const ContractAxes *r, ContractTiling *t)
{
	t->tile_cols = equal(r->cols, FEW_COLS, LINE);
	t->tile_rows = even(r->rows, MC, LINE);
	int64_t rows = KEPT / t->tile_cols / t->tile_rows;
	t->tile_outer = even(r->outer_size, rows < 1 ? 1 : rows, 1);
}

/* Rows are samples: all places of an image for a few of them, which stay in the second cache. */
static void tile_samples(const Kernels *k, const ContractAxes *r, ContractTiling *t)
{
	const Node *images = node(k->graph, under_windows(k->graph, r->r.node));
	int64_t bytes = shape_size(images->shape) / r->rows * type_info[images->type].size;
	int64_t most = k->graph->c->machine->l2_bytes / 2 / bytes,
	        rows = blocks_of(r->rows, TILES_OF_SAMPLES);
	t->tile_outer = r->outer_size;
	t->tile_rows = even(r->rows, rows < most ? rows : most < SAMPLES ? SAMPLES : most, SAMPLES);
}

/* Columns of a tile at first: whole panels if they can be. */
static int64_t columns_of(int64_t cols)
{
	if (cols <= NC)
		return cols;
	int64_t size = divisor(cols, NC, PANEL);
	return size ? size : NC;
}

static int64_t halved(int64_t cols)
{
	return round_up(cols / 2, cols % PANEL || cols == PANEL ? 2 * LINE : PANEL);
}

/* Columns along k, which are turned while they are packed. */
static bool turns_columns(const Kernels *k, const ContractAxes *r)
{
	return r->outers == 0 && r->sums == 1 && contiguous_axis(k, r->l.node) == r->l.contract;
}

/* A matrix by few rows, from the second cache or beyond: each thread keeps its columns, step after step. */
static void tile_stream(const Kernels *k, const ContractAxes *r, ContractTiling *t)
{
	int64_t bytes = r->steps * r->cols * (int64_t)sizeof(float),
	        tiles = r->cols / STREAM_COLS < STREAMS ? r->cols / STREAM_COLS : STREAMS;
	const Machine *m = k->graph->c->machine;
	if (r->rows > STREAM_ROWS || r->sums != 1 || r->outers || r->batch_size > 1 || m->bare ||
	    bytes <= m->l2_bytes / 4)
		return;
	while (tiles > 1 && bytes / tiles < STREAM_BYTES)
		tiles--;
	t->tile_cols = tiles > 1 ? round_up(blocks_of(r->cols, tiles), LINE) : t->tile_cols;
}

/* What a kernel may have of the scratch that it would like: with less it packs less, or nothing,
 * and keeps fewer rows. */
static uint64_t scratch_of(const Kernels *k, int64_t bytes)
{
	int64_t most = k->graph->c->machine->stack_bytes;
	return (uint64_t)(bytes < most ? bytes : most);
}

static void tile_contract(const Kernels *k, Kernel *kernel)
{
	const Node *dot = node(k->graph, kernel->core);
	ContractAxes r = contract_axes(k->graph, dot);
	ContractTiling t = {0};
	double work =
	    (double)(r.batch_size * r.outer_size) * (double)(r.rows * r.cols) * (double)r.steps;
	bool small = work < CONTRACT_WORK;
	int64_t most_rows = r.outer_size > 1 || r.sums > 1 ? MC : TALL;
	t.tile_rows = small || r.rows < most_rows ? r.rows : most_rows;
	t.tile_cols = small ? r.cols : columns_of(r.cols);
	if (small && t.tile_rows * t.tile_cols > 1 << 18)
		t.tile_rows = r.rows < MC ? r.rows : MC;
	t.tile_cols = t.tile_cols > 1024 ? 1024 : t.tile_cols;
	t.tile_rows = t.tile_rows > 1024 ? 1024 : t.tile_rows;
	t.tile_outer = small && r.steps < LONG_SUM ? r.outer_size : outer_of(&r, &t);
	if (small)
		tile_stream(k, &r, &t);
	bool deep = contract_is_deep(k, dot) && !small;
	bool across = contract_lies_across(k, &r) && !small;
	if (deep)
		tile_deep(&r, &t);
	bool samples = r.samples && !small;
	if (across)
		tile_across(&r, &t);
	if (samples)
		tile_samples(k, &r, &t);
	/* at least TILES for a product that is worth two threads; tall ones, for what is packed of
	 * the columns is used by all rows */
	bool turns = turns_columns(k, &r);
	int64_t least = turns ? TURNED_TILES : TILES, few_cols = turns ? TURNED_COLS : FEW_COLS;
	if (across)
		least = work / ACROSS_WORK < FEW_TILES ? FEW_TILES : (int64_t)(work / ACROSS_WORK);
	if (least > TILES)
		least = TILES;
	while (!small && !deep && !samples &&
	       r.batch_size * blocks_of(r.outer_size, t.tile_outer) * blocks_of(r.rows, t.tile_rows) *
	               blocks_of(r.cols, t.tile_cols) <
	           least) {
		if (t.tile_outer > 1)
			t.tile_outer = even(r.outer_size, t.tile_outer / 2, 1);
		else if (t.tile_cols > few_cols)
			t.tile_cols = halved(t.tile_cols);
		else if (t.tile_rows > 48)
			t.tile_rows = round_up(t.tile_rows / 2, 12);
		else
			break;
	}
	if (kernel->chain && kernel->chain->block < kernel->chain->rows) {
		if (kernel->adds)
			t.k_part = kernel->chain->block, t.k_parts = chain_blocks(kernel->chain);
		else
			t.tile_rows = kernel->chain->block, t.tile_outer = 1;
		if (kernel->hidden == HIDDEN_ROWS)
			t.tile_rows = kernel->grain;
	}
	t.outer_blocks = blocks_of(r.outer_size, t.tile_outer);
	t.row_blocks = blocks_of(r.rows, t.tile_rows);
	t.col_blocks = blocks_of(r.cols, t.tile_cols);
	kernel->tiling = t;
	kernel->tile = 1;
	kernel->tiles = r.batch_size * t.outer_blocks * t.row_blocks * t.col_blocks;
	kernel->tiles *= t.k_parts ? t.k_parts : 1;
	kernel->scratch = scratch_of(k, SCRATCH);
}

/* The first axis that is a loop, but for the lanes' if there is another. */
int map_tile_axis(const Kernel *kernel, Shape s)
{
	int first = 0;
	while (kernel->unrolled >> first & 1)
		first++;
	for (int i = first; i + 1 < s.rank; i++)
		if (s.dim[i] > 1 && !(kernel->unrolled >> i & 1))
			return i;
	return first;
}

void kernel_tile(const Kernels *k, Kernel *kernel)
{
	Shape s = node(k->graph, kernel->out[0])->shape;
	int64_t size = shape_size(s), outer = s.rank ? s.dim[0] : 1;
	switch (kernel->kind) {
	case KERNEL_map:
		if (kernel->flat) {
			cut(kernel, size, outs_weight(k, kernel), 64);
			break;
		}
		kernel->tile_axis = map_tile_axis(kernel, s);
		outer = s.rank ? s.dim[kernel->tile_axis] : 1;
		cut(kernel, outer, outs_weight(k, kernel) * (double)(size / outer), 1);
		break;
	case KERNEL_reduce: {
		const Node *core = node(k->graph, kernel->core);
		double folded = (double)shape_size(node(k->graph, core->in[0])->shape) / (double)size;
		double inner = (1 + weight_of(k, kernel->core, 0, 0)) * folded + outs_weight(k, kernel);
		/* along an only axis the lanes run: tiles of whole vectors */
		cut(kernel, outer, inner * (double)(size / outer), s.rank == 1 ? 64 : 1);
		break;
	}
	case KERNEL_row: {
		Shape row = node(k->graph, node(k->graph, kernel->core)->in[0])->shape;
		int64_t length = row.dim[row.rank - 1];
		double weight = outs_weight(k, kernel) + kernel->fold_count;
		cut(kernel, shape_size(row) / length, weight * (double)length, 1);
		kernel->scratch = scratch_of(k, row_kept_bytes(length) * MAX_KEPT_ROWS);
		break;
	}
	case KERNEL_contract:
		tile_contract(k, kernel);
		break;
	case KERNEL_scatter:
		if (!scatter_is_stored(kernel)) {
			cut(kernel, outer, outs_weight(k, kernel) * (double)(size / outer), 1);
			kernel->scratch = (uint64_t)scatter_list_bytes(k->graph, node(k->graph, kernel->core));
			break;
		}
		/* fall through */
	case KERNEL_scan:
		kernel->tile = kernel->tiles = 1;
		break;
	case KERNEL_copy:
		cut(kernel, size, 1, 64);
		break;
	case KERNEL_COUNT:
		BUG("no kind of kernel");
	}
	if (kernel->chain && kernel->kind != KERNEL_contract) {
		kernel->tiles = kernel->chain->units * kernel->chain->rows;
		kernel->tile = kernel->kind == KERNEL_map && kernel->flat ? size / kernel->tiles : 1;
	}
}
