/* tile.c: how a kernel is cut into independent tiles, by shape alone, never by the number of
 * threads.
 *
 *   map, flat   tile = elements; tile t does elements [t tile, (t + 1) tile), the last one fewer
 *   map         tile = indices of the outermost axis; rank 0: one tile
 *   reduce      tile = indices of the outermost axis of the result; rank 0: one tile
 *   contract    ContractTiling (schedule.h): tile = 1
 *   scatter     one tile: additions to one place must stay in order
 *   copy        as map, flat
 * A tile is worth about 10 us at least: less is not worth waking a thread for. */
#include "fuse.h"

#include <string.h>

enum {
	TILE_WORK = 1 << 16,     /* element operations */
	CONTRACT_WORK = 1 << 21, /* multiply-adds */
	MC = 192,
	NC = 256,
	KC = 384,
	SCRATCH = 1 << 20,
};

static int64_t round_up(int64_t x, int64_t to)
{
	return (x + to - 1) / to * to;
}

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
	double weight = node_weight(n) + 1;
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

static void tile_contract(const Kernels *k, Kernel *kernel)
{
	const Node *dot = node(k->graph, kernel->core);
	const DotAxes *d = &dot->attr.dot;
	Shape x = node(k->graph, dot->in[0])->shape, y = node(k->graph, dot->in[1])->shape;
	ContractTiling t = {.m = 1, .n = 1, .k = x.dim[d->x_contract[0]]};
	if (d->contract != 1)
		BUG("a dot that is not in normal form");
	for (uint8_t i = 0; i < x.rank; i++)
		if (!memchr(d->x_batch, i, d->batch) && i != d->x_contract[0])
			t.m = x.dim[i];
	for (uint8_t i = 0; i < y.rank; i++)
		if (!memchr(d->y_batch, i, d->batch) && i != d->y_contract[0])
			t.n = y.dim[i];
	int64_t batches = 1;
	for (int i = 0; i < d->batch; i++)
		batches *= x.dim[d->x_batch[i]];
	bool small = (double)t.m * (double)t.n * (double)t.k * (double)batches < CONTRACT_WORK;
	t.mc = small || t.m < MC ? t.m : MC;
	t.nc = small || t.n < NC ? t.n : NC;
	/* at least 8 tiles for a product that is worth two threads */
	while (!small && batches * ((t.m + t.mc - 1) / t.mc) * ((t.n + t.nc - 1) / t.nc) < 8 &&
	       (t.mc > 48 || t.nc > 64)) {
		if (t.mc >= t.nc && t.mc > 48)
			t.mc = round_up(t.mc / 2, 12);
		else if (t.nc > 64)
			t.nc = round_up(t.nc / 2, 32);
		else
			t.mc = round_up(t.mc / 2, 12);
	}
	if (small && t.mc * t.nc > 1 << 18)
		t.mc = MC < t.m ? MC : t.m;
	t.nc = t.nc > 1024 ? 1024 : t.nc;
	t.mc = t.mc > 1024 ? 1024 : t.mc;
	t.kc = t.k < KC ? t.k : KC;
	t.m_blocks = (t.m + t.mc - 1) / t.mc;
	t.n_blocks = (t.n + t.nc - 1) / t.nc;
	kernel->tiling = t;
	kernel->tile = 1;
	kernel->tiles = small ? batches * t.m_blocks * t.n_blocks : batches * t.m_blocks * t.n_blocks;
	kernel->scratch = SCRATCH;
}

void kernel_tile(const Kernels *k, Kernel *kernel)
{
	Shape s = node(k->graph, kernel->out[0])->shape;
	int64_t size = shape_size(s), outer = s.rank ? s.dim[0] : 1;
	switch (kernel->kind) {
	case KERNEL_map:
		if (kernel->flat)
			cut(kernel, size, outs_weight(k, kernel), 64);
		else
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
	case KERNEL_contract:
		tile_contract(k, kernel);
		break;
	case KERNEL_scatter:
		kernel->tile = kernel->tiles = 1;
		break;
	case KERNEL_copy:
		cut(kernel, size, 1, 64);
		break;
	case KERNEL_COUNT:
		BUG("no kind of kernel");
	}
}
