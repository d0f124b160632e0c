/* threads.c: the pool behind StepParallel. Workers spin for a short while between kernels, then
 * sleep.
 *
 * A job is a range of tiles. Each thread begins with the same share of every job, from its front: what
 * it wrote of one kernel's result it reads in the next, and lines need not come from another core's
 * cache, which takes three to six times as long. Whoever has none left takes the back half of another's.
 * So which thread does a tile is not fixed, but what a tile does is. The caller works, too, and waits
 * for tiles, not for workers: one that the system has put aside holds nobody up unless it has taken a
 * tile.
 *
 * A share is one word: the generation of its job, its next tile and its end. A worker reads the job's
 * fields, then takes tiles by compare-and-swap: if that succeeds, the job it read is still the present
 * one, since a job ends only when all its tiles are done. (Blumofe and Leiserson 1999, "Scheduling
 * multithreaded computations by work stealing".) */
#include "runtime.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SPINS = 4000, YIELD_AFTER = 2000, MAX_THREADS = 256 };
enum {
	PART = 4 /* of its share a thread takes one at a time: what it has not taken can be stolen */
};
#define TILE_BITS  20 /* of a share's next tile, and of its end; the generation has the others */
#define MOST_TILES ((uint64_t)1 << TILE_BITS)
#define TILE_MASK  (MOST_TILES - 1)

typedef struct Share {
	_Alignas(64) atomic_uint_least64_t word;
} Share;

typedef struct Tiles {
	uint64_t begin, end;
} Tiles;

struct Pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t worker[MAX_THREADS];
	int workers;
	/* the job */
	_Alignas(64) atomic_uint_least64_t generation; /* the last that is written */
	_Atomic(StepTask) task;
	_Atomic(void *) args;
	atomic_uint_least64_t tiles, grain;      /* of so many tiles are those of the shares */
	Share share[MAX_THREADS];                /* the caller's, then the workers' */
	_Alignas(64) atomic_uint_least64_t done; /* tiles of shares */
	_Alignas(64) atomic_int sleeping;
	atomic_int started; /* workers that have a number */
	atomic_bool closing;
};

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static uint64_t word_of(uint64_t generation, Tiles left)
{
	return generation << 2 * TILE_BITS | left.begin << TILE_BITS | left.end;
}

/* Of its own share a thread takes the first part, of another's the last half. */
static bool take(Share *s, uint64_t generation, bool own, Tiles *taken)
{
	uint64_t word = atomic_load_explicit(&s->word, memory_order_acquire);
	for (;;) {
		Tiles left = {word >> TILE_BITS & TILE_MASK, word & TILE_MASK}, rest = left;
		if (word >> 2 * TILE_BITS != generation || left.begin == left.end)
			return false;
		uint64_t count = left.end - left.begin;
		if (own)
			rest.begin += (count + PART - 1) / PART;
		else
			rest.end -= (count + 1) / 2;
		*taken = own ? (Tiles){left.begin, rest.begin} : (Tiles){rest.end, left.end};
		if (atomic_compare_exchange_weak_explicit(&s->word, &word, word_of(generation, rest),
		                                          memory_order_acq_rel, memory_order_acquire))
			return true;
	}
}

/* Does the tiles of a share; how many. */
static uint64_t work_off(Pool *p, Share *own, uint64_t generation)
{
	StepTask task = atomic_load_explicit(&p->task, memory_order_acquire);
	void *args = atomic_load_explicit(&p->args, memory_order_acquire);
	uint64_t tiles = atomic_load_explicit(&p->tiles, memory_order_acquire),
	         grain = atomic_load_explicit(&p->grain, memory_order_acquire), done = 0;
	for (Tiles t; take(own, generation, true, &t); done += t.end - t.begin) {
		uint64_t end = t.end * grain;
		task(args, (ptrdiff_t)(t.begin * grain), (ptrdiff_t)(end < tiles ? end : tiles));
	}
	return done;
}

/* Its own share, then what others have left, of the job of `generation`. What was stolen is a share
 * again, of which others may steal. */
static void work(Pool *p, int self, uint64_t generation)
{
	Share *own = &p->share[self];
	int threads = p->workers + 1;
	uint64_t done = work_off(p, own, generation);
	for (int i = 1; i < threads; i++) {
		Tiles stolen;
		if (!take(&p->share[(self + i) % threads], generation, false, &stolen))
			continue;
		atomic_store_explicit(&own->word, word_of(generation, stolen), memory_order_release);
		done += work_off(p, own, generation);
		i = 0;
	}
	if (done)
		atomic_fetch_add_explicit(&p->done, done, memory_order_release);
}

static uint64_t generation_of(const Pool *p)
{
	return atomic_load_explicit(&p->generation, memory_order_acquire);
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
	while ((now = atomic_load(&p->generation)) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->sleeping, 1);
	pthread_mutex_unlock(&p->lock);
	return now;
}

static void *worker_main(void *pool)
{
	Pool *p = pool;
	int self = 1 + atomic_fetch_add(&p->started, 1);
	uint64_t seen = 0;
	for (;;) {
		seen = wait_job(p, seen);
		if (atomic_load(&p->closing))
			return NULL;
		work(p, self, seen);
	}
}

static uint64_t next_generation(const Pool *p)
{
	return (generation_of(p) + 1) & (UINT64_MAX >> 2 * TILE_BITS);
}

static void publish(Pool *p, uint64_t generation)
{
	atomic_store(&p->generation, generation);
	if (atomic_load(&p->sleeping)) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->wake);
		pthread_mutex_unlock(&p->lock);
	}
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
	publish(p, next_generation(p));
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->workers; i++)
		pthread_join(p->worker[i], NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Tiles of the job before are all done, so all shares are empty, or of a job that nobody works at. */
static void share_out(Pool *p, uint64_t generation, uint64_t tiles)
{
	uint64_t threads = (uint64_t)p->workers + 1, begin = 0;
	for (uint64_t i = 0; i < threads; i++) {
		uint64_t end = ((i + 1) * tiles + threads - 1) / threads;
		atomic_store_explicit(&p->share[i].word, word_of(generation, (Tiles){begin, end}),
		                      memory_order_release);
		begin = end;
	}
}

void pool_parallel(void *pool, StepTask task, void *args, ptrdiff_t tiles)
{
	Pool *p = pool;
	if (p->workers == 0 || tiles <= 1) {
		task(args, 0, tiles);
		return;
	}
	uint64_t all = (uint64_t)tiles, grain = (all + MOST_TILES - 2) / (MOST_TILES - 1),
	         count = (all + grain - 1) / grain, generation = next_generation(p);
	atomic_store_explicit(&p->task, task, memory_order_release);
	atomic_store_explicit(&p->args, args, memory_order_release);
	atomic_store_explicit(&p->tiles, all, memory_order_release);
	atomic_store_explicit(&p->grain, grain, memory_order_release);
	atomic_store_explicit(&p->done, 0, memory_order_relaxed);
	share_out(p, generation, count);
	publish(p, generation);
	work(p, 0, generation);
	for (int i = 0; atomic_load_explicit(&p->done, memory_order_acquire) != count; i++) {
		relax();
		if (i > YIELD_AFTER)
			sched_yield(); /* whoever has the last tile may wait for this very core */
	}
}
