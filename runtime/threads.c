/* threads.c: the pool behind StepParallel. Workers spin for a short while between kernels, then
 * sleep.
 *
 * A job is a range of tiles; whoever is free takes the next one, so which thread does a tile is not
 * fixed, but what a tile does is. The caller works, too. A job is published by its generation
 * number, whose release orders the job's fields. */
#include "runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 4000, MAX_THREADS = 256 };

struct Pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t worker[MAX_THREADS];
	int workers;
	/* the job */
	StepTask task;
	void *args;
	int64_t tiles;
	atomic_long next;       /* tile that nobody has taken */
	atomic_int busy;        /* workers that have not left this job */
	atomic_uint generation; /* of the job */
	atomic_int sleeping;
	atomic_bool closing;
};

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void work(Pool *p)
{
	for (;;) {
		long tile = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
		if (tile >= p->tiles)
			return;
		p->task(p->args, tile, tile + 1);
	}
}

/* Waits until the generation is not `seen` any more: spinning first. */
static unsigned wait_job(Pool *p, unsigned seen)
{
	unsigned now;
	for (int i = 0; i < SPINS; i++) {
		if ((now = atomic_load_explicit(&p->generation, memory_order_acquire)) != seen)
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
	unsigned seen = 0;
	for (;;) {
		seen = wait_job(p, seen);
		if (atomic_load(&p->closing))
			return NULL;
		work(p);
		atomic_fetch_sub_explicit(&p->busy, 1, memory_order_release);
	}
}

static void publish(Pool *p)
{
	atomic_fetch_add(&p->generation, 1);
	if (atomic_load(&p->sleeping)) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->wake);
		pthread_mutex_unlock(&p->lock);
	}
}

Pool *pool_open(int threads)
{
	Pool *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	for (int i = 1; i < threads && i < MAX_THREADS; i++) {
		if (pthread_create(&p->worker[p->workers], NULL, worker_main, p) != 0) {
			pool_close(p);
			return NULL;
		}
		p->workers++;
	}
	return p;
}

void pool_close(Pool *p)
{
	if (!p)
		return;
	atomic_store(&p->closing, true);
	publish(p);
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->workers; i++)
		pthread_join(p->worker[i], NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pool_parallel(void *pool, StepTask task, void *args, int64_t tiles)
{
	Pool *p = pool;
	if (p->workers == 0 || tiles == 1) {
		task(args, 0, tiles);
		return;
	}
	p->task = task;
	p->args = args;
	p->tiles = tiles;
	atomic_store_explicit(&p->next, 0, memory_order_relaxed);
	atomic_store_explicit(&p->busy, p->workers, memory_order_relaxed);
	publish(p);
	work(p);
	while (atomic_load_explicit(&p->busy, memory_order_acquire))
		relax();
}
