/* waves.c: which kernels run at the same time.
 *
 * In: kernels in order. Out: Kernel.beside. Consecutive kernels of which none touches what another
 * writes are a wave: their tiles are handed out together, and waited for once. So the updates of
 * all parameters are one parallel loop however small each is, and a layer's two gradients fill each
 * other's gaps. A chain is a wave of its own, and so is a scan. The order of the kernels, and so their results, stay
 * as they are. (Horizontal fusion: Li et al. 2022, "Automatic Horizontal Fusion for GPU Kernels".) */
#include "fuse.h"

typedef struct Wave {
	Compile *c;
	const Kernels *k;
	Read *read;
	uint32_t *reader, *writer; /* [buffer_count] the last wave that does, counted from 1 */
	uint32_t number;
} Wave;

static uint32_t reads_of(const Wave *w, const Kernel *kernel)
{
	return kernel_reads(w->c, w->k, kernel, w->read);
}

static bool fits(const Wave *w, const Kernel *kernel, uint32_t reads)
{
	if (kernel->chain || kernel->kind == KERNEL_scan)
		return false;
	for (uint32_t r = 0; r < reads; r++)
		if (w->writer[w->k->buffer_of[w->read[r].node]] == w->number)
			return false;
	if (kernel->kind == KERNEL_copy && w->writer[kernel->from] == w->number)
		return false;
	for (uint32_t o = 0; o < kernel->out_count; o++)
		if (w->writer[kernel->to[o]] == w->number || w->reader[kernel->to[o]] == w->number)
			return false;
	return true;
}

static void join(Wave *w, const Kernel *kernel, uint32_t reads)
{
	for (uint32_t r = 0; r < reads; r++)
		w->reader[w->k->buffer_of[w->read[r].node]] = w->number;
	if (kernel->kind == KERNEL_copy)
		w->reader[kernel->from] = w->number;
	for (uint32_t o = 0; o < kernel->out_count; o++)
		w->writer[kernel->to[o]] = w->number;
}

static Wave begin(Compile *c, const Kernels *k)
{
	return (Wave){.c = c,
	              .k = k,
	              .read = new_array(c->arena, Read, k->graph->count),
	              .reader = new_array(c->arena, uint32_t, k->buffer_count),
	              .writer = new_array(c->arena, uint32_t, k->buffer_count)};
}

enum {
	MOST_MEMBERS = 256, /* the code that begins a wave is a straight line */
	HANDED = 16000 /* cycles of a wave that is worth handing to other threads: four times of that */
};

/* Of one core, roughly: two thirds of its products, which are two operations, and half of its other
 * operations; bytes from its second cache, or from farther away. */
static double cycles_of(const Machine *m, const Kernel *kernel, bool far)
{
	double lanes = m->vector_bits < 64 ? 1 : m->vector_bits / 32.0;
	double work = kernel->flops / (kernel->kind == KERNEL_contract ? 2 * lanes : lanes);
	double bytes = kernel->bytes / (far ? 8 : 32);
	return work > bytes ? work : bytes;
}

void kernels_wave(Compile *c, Kernels *k)
{
	ArenaMark mark = arena_mark(c->arena);
	Wave w = begin(c, k);
	k->wake = HANDED;
	uint32_t members = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		uint32_t reads = reads_of(&w, &k->kernel[i]);
		const Chain *chain = k->kernel[i].chain, *before = i > 0 ? k->kernel[i - 1].chain : NULL;
		bool alone = i > 0 && k->kernel[i - 1].kind == KERNEL_scan;
		bool joins = i > 0 && !before && !alone && members < MOST_MEMBERS &&
		             same_dues(&k->kernel[i], &k->kernel[i - 1]) && fits(&w, &k->kernel[i], reads);
		members = joins ? members + 1 : 1;
		k->kernel[i].beside = joins || (chain && chain == before);
		w.number += !k->kernel[i].beside;
		join(&w, &k->kernel[i], reads);
	}
	arena_reset(c->arena, mark);
}

void waves_verify(const Kernels *k)
{
	Compile *c = k->graph->c;
	ArenaMark mark = arena_mark(c->arena);
	Wave w = begin(c, k);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		uint32_t reads = reads_of(&w, &k->kernel[i]);
		w.number += !k->kernel[i].beside;
		if (k->kernel[i].beside && !k->kernel[i].chain &&
		    (i == 0 || !fits(&w, &k->kernel[i], reads)))
			BUG("kernel @%u of %s runs beside one that it depends on", i, k->graph->name);
		join(&w, &k->kernel[i], reads);
	}
	arena_reset(c->arena, mark);
}

uint32_t wave_end(const Kernels *k, uint32_t first)
{
	uint32_t end = first + 1;
	while (end < k->kernel_count && k->kernel[end].beside)
		end++;
	return end;
}

bool wave_is_parallel(const Kernels *k, uint32_t first, uint32_t end)
{
	bool several = k->kernel[first].chain ? chain_tiles(k, first) > 1 : end > first + 1;
	const Machine *m = k->graph->c->machine;
	double cycles = 0, bytes = 0;
	for (uint32_t i = first; i < end; i++)
		bytes += k->kernel[i].bytes;
	bool far = bytes > (double)machine_far_bytes(m);
	for (uint32_t i = first; i < end; i++) {
		several |= !k->kernel[first].chain && k->kernel[i].tiles > 1;
		cycles += cycles_of(m, &k->kernel[i], far);
	}
	/* what lies in one core's cache has to come to another's */
	return several && (k->wake == 0 || cycles > k->wake + (far ? 0 : bytes / 4));
}
