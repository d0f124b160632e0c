/* threads.c: the pool behind StepParallel. Workers spin for a short while between kernels, then
 * sleep.
 *
 * A job is a range of tiles; whoever is free takes the next one, so which thread does a tile is not
 * fixed, but what a tile does is. The caller works, too, and waits for tiles, not for workers: one
 * that the system has put aside holds nobody up unless it has taken a tile.
 *
 * One word holds the generation of the job and its next tile. A worker reads the job's fields, then
 * takes a tile by compare-and-swap: if that succeeds, the job it read is still the present one,
 * since a job ends only when all its tiles are done. */
#include "runtime.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SPINS = 4000, YIELD_AFTER = 2000, MAX_THREADS = 256 };
#define TILE_BITS 40 /* of the word; the generation has the others */
#define TILE_MASK (((uint64_t)1 << TILE_BITS) - 1)

struct Pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t worker[MAX_THREADS];
	int workers;
	/* the job */
	_Atomic(StepTask) task;
	_Atomic(void *) args;
	_Alignas(64) atomic_uint_least64_t word; /* generation, and the tile that nobody has taken */
	atomic_uint_least64_t tiles;
	_Alignas(64) atomic_uint_least64_t done; /* tiles */
	_Alignas(64) atomic_int sleeping;
	atomic_bool closing;
};

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Takes tiles of the job of `generation` until none is left or another job has come. */
static void work(Pool *p, uint64_t generation)
{
	StepTask task = atomic_load_explicit(&p->task, memory_order_acquire);
	void *args = atomic_load_explicit(&p->args, memory_order_acquire);
	uint64_t tiles = atomic_load_explicit(&p->tiles, memory_order_acquire);
	uint64_t word = atomic_load_explicit(&p->word, memory_order_acquire);
	while (word >> TILE_BITS == generation && (word & TILE_MASK) < tiles) {
		if (!atomic_compare_exchange_weak_explicit(&p->word, &word, word + 1, memory_order_acq_rel,
		                                           memory_order_acquire))
			continue;
		int64_t tile = (int64_t)(word & TILE_MASK);
		task(args, tile, tile + 1);
		atomic_fetch_add_explicit(&p->done, 1, memory_order_release);
		word = atomic_load_explicit(&p->word, memory_order_acquire);
	}
}

static uint64_t generation_of(const Pool *p)
{
	return atomic_load_explicit(&p->word, memory_order_acquire) >> TILE_BITS;
}

/* Waits until the generation is not `seen` any more: spinning first. */
static uint64_t wait_job(Pool *p, uint64_t seen)
{
	uint64_t now;
	for (int i = 0; i < SPINS; i++) {
		if ((now = generation_of(p)) != seen)
			return now;
		relax();
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->sleeping, 1);
	while ((now = atomic_load(&p->word) >> TILE_BITS) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->sleeping, 1);
	pthread_mutex_unlock(&p->lock);
	return now;
}

static void *worker_main(void *pool)
{
	Pool *p = pool;
	uint64_t seen = 0;
	for (;;) {
		seen = wait_job(p, seen);
		if (atomic_load(&p->closing))
			return NULL;
		work(p, seen);
	}
}

/* The next generation, at tile 0; its number. */
static uint64_t publish(Pool *p)
{
	uint64_t generation = (generation_of(p) + 1) & (UINT64_MAX >> TILE_BITS);
	atomic_store(&p->word, generation << TILE_BITS);
	if (atomic_load(&p->sleeping)) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->wake);
		pthread_mutex_unlock(&p->lock);
	}
	return generation;
}

int threads_here(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return count > 0 ? count : 1;
}

static bool add_worker(Pool *p)
{
	pthread_attr_t stack; /* not what `ulimit -s` leaves */
	pthread_attr_init(&stack);
	pthread_attr_setstacksize(&stack, STEP_STACK);
	bool good = pthread_create(&p->worker[p->workers], &stack, worker_main, p) == 0;
	pthread_attr_destroy(&stack);
	p->workers += good;
	return good;
}

Pool *pool_open(int threads)
{
	Pool *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);
	if (!p)
		return NULL;
	memset(p, 0, sizeof *p);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	for (int i = 1; i < threads && i < MAX_THREADS; i++) {
		if (!add_worker(p)) {
			pool_close(p);
			return NULL;
		}
	}
	return p;
}

void pool_close(Pool *p)
{
	if (!p)
		return;
	atomic_store(&p->closing, true);
	(void)publish(p);
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->workers; i++)
		pthread_join(p->worker[i], NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pool_parallel(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	Pool *p = pool;
	if (p->workers == 0 || tiles == 1) {
		task(args, 0, tiles);
		return;
	}
	/* closed first: whoever sees a field of the new job sees no tile of the old one any more */
	atomic_fetch_or(&p->word, TILE_MASK);
	atomic_store_explicit(&p->task, task, memory_order_release);
	atomic_store_explicit(&p->args, args, memory_order_release);
	atomic_store_explicit(&p->tiles, (uint64_t)tiles, memory_order_release);
	atomic_store_explicit(&p->done, 0, memory_order_relaxed);
	work(p, publish(p));
	for (int i = 0; atomic_load_explicit(&p->done, memory_order_acquire) != (uint64_t)tiles; i++) {
		relax();
		if (i > YIELD_AFTER)
			sched_yield(); /* whoever has the last tile may wait for this very core */
	}
}
