/* test_threads.c: the pool: every tile once, and nobody sleeps through a job.
 *
 * Truth: counters that each tile raises once. A lost wake-up hangs; run under TSan, this suite
 * also finds what is not ordered. */
#include <CUnit/CUnit.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../../runtime/runtime.h"

enum { MOST_TILES = (1 << 20) + 1 };

typedef struct Job {
	int tile[MOST_TILES]; /* plain: two threads on one tile are a race that TSan sees */
	int64_t tiles;
	atomic_bool outside; /* of [0, tiles), or backwards */
	atomic_long sum;     /* relaxed, lest the test brings the order that the pool owes */
	long pause;          /* nanoseconds that a tile takes */
} Job;

static void raise_tiles(void *args, ptrdiff_t begin, ptrdiff_t end)
{
	Job *j = args;
	if (begin < 0 || end > j->tiles || begin > end) {
		atomic_store_explicit(&j->outside, true, memory_order_relaxed);
		return;
	}
	for (int64_t i = begin; i < end; i++) {
		j->tile[i]++;
		atomic_fetch_add_explicit(&j->sum, i, memory_order_relaxed);
	}
	if (j->pause)
		nanosleep(&(struct timespec){.tv_nsec = j->pause}, NULL);
}

/* Every tile is raised once a job, and is done when pool_parallel returns. */
static bool each_once(Pool *p, int64_t tiles, int jobs, long pause)
{
	Job *j = calloc(1, sizeof *j);
	bool good = true;
	j->tiles = tiles;
	j->pause = pause;
	for (int job = 1; job <= jobs && good; job++) {
		pool_parallel(p, raise_tiles, j, tiles);
		good =
		    !atomic_load_explicit(&j->outside, memory_order_relaxed) &&
		    atomic_load_explicit(&j->sum, memory_order_relaxed) == job * (tiles * (tiles - 1) / 2);
		for (int64_t i = 0; i < tiles && good; i++)
			good = j->tile[i] == job;
	}
	free(j);
	return good;
}

static void every_tile_runs_once(void)
{
	static const int64_t tiles[] = {0, 1, 2, 7, 1000};
	for (int threads = 1; threads <= 9; threads++) {
		Pool *p = pool_open(threads);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
			CU_ASSERT(each_once(p, tiles[i], 5, 0));
		pool_close(p);
	}
}

/* More tiles than a share's word has bits for go by several at a time. */
static void a_million_tiles_run_once(void)
{
	Pool *p = pool_open(3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	for (int64_t tiles = MOST_TILES - 2; tiles <= MOST_TILES; tiles++)
		CU_ASSERT(each_once(p, tiles, 1, 0));
	pool_close(p);
}

static void many_jobs_run_in_a_row(void)
{
	static const int threads[] = {2, 3};
	for (int i = 0; i < 2; i++) {
		Pool *p = pool_open(threads[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT(each_once(p, 7, 10000, 0));
		pool_close(p);
	}
}

/* Between jobs the workers fall asleep: the pauses go from none to past their spinning. */
static void sleepers_wake_for_every_job(void)
{
	Pool *p = pool_open(4);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	for (long pause = 0; pause < 400; pause++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000 * pause}, NULL);
		CU_ASSERT(each_once(p, 9, 1, 0));
	}
	pool_close(p);
}

typedef struct Meeting {
	pthread_mutex_t lock;
	pthread_cond_t all;
	int here, wanted;
} Meeting;

static void meet(void *args, ptrdiff_t begin, ptrdiff_t end)
{
	Meeting *m = args;
	(void)begin, (void)end;
	pthread_mutex_lock(&m->lock);
	m->here++;
	pthread_cond_broadcast(&m->all);
	while (m->here < m->wanted)
		pthread_cond_wait(&m->all, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

/* As many tiles as threads, each of which waits for all others: a worker that stays away hangs. */
static void all_threads_work_at_once(void)
{
	for (int threads = 2; threads <= 9; threads++) {
		Pool *p = pool_open(threads);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		for (int job = 0; job < 20; job++) {
			Meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, threads};
			pool_parallel(p, meet, &m, threads);
			CU_ASSERT_EQUAL(m.here, threads);
		}
		pool_close(p);
	}
}

/* Slow tiles: pool_parallel returns only after the last one. */
static void the_caller_waits_for_the_last_tile(void)
{
	Pool *p = pool_open(4);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT(each_once(p, 5, 10, 1000000));
	pool_close(p);
}

static void pools_open_and_close(void)
{
	for (int i = 0; i < 100; i++) {
		Pool *p = pool_open(i % 9 + 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		if (i % 2)
			CU_ASSERT(each_once(p, 3, 1, 0));
		pool_close(p);
	}
	pool_close(NULL);
}

CU_TestInfo test_threads[] = {
    {"every tile runs once", every_tile_runs_once},
    {"a million tiles run once", a_million_tiles_run_once},
    {"many jobs run in a row", many_jobs_run_in_a_row},
    {"sleepers wake for every job", sleepers_wake_for_every_job},
    {"all threads work at once", all_threads_work_at_once},
    {"the caller waits for the last tile", the_caller_waits_for_the_last_tile},
    {"pools open and close", pools_open_and_close},
    CU_TEST_INFO_NULL,
};
