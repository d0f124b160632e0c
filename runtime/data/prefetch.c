/* prefetch.c: a thread that gathers the next batch while this one is used: two buffers, handed over
 * in turn. Where samples are decoded, all cores help it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime.h"

enum { BUFFERS = 2 };

struct Prefetch {
	const Data *data;
	PrefetchOrder order;
	void *buffer[BUFFERS][SSLC_MAX_FIELDS];
	int32_t *number[BUFFERS];       /* [batch] of each sample in its split */
	float *narrow[SSLC_MAX_FIELDS]; /* a sample of a field that is widened; NULL: it is not */
	Pool *pool;                     /* decodes; NULL: there is nothing to decode */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t filled, used; /* steps: of the thread, and of those given back */
	int64_t given;        /* the step that was handed out last */
	bool closing, threaded;
	bool failed; /* a sample of the batch after `filled` cannot be read: */
	char why[WHY];
	pthread_mutex_t fail_lock;
	int64_t fail_place; /* the first in its batch that could not be read; the batch: none */
};

static bool widens(const Prefetch *p, size_t field)
{
	return p->order.f64 && strcmp(data_shape(p->data)->field[field].dtype, "f32") == 0;
}

/* Where sample `place` of a batch begins, field by field, in the types of the data. */
static void find_places(const Prefetch *p, void *const *buffer, int64_t place, void **to)
{
	const sslc_data *shape = data_shape(p->data);
	for (size_t f = 0; f < shape->count; f++)
		to[f] = p->narrow[f] ? (void *)p->narrow[f]
		                     : (char *)buffer[f] + shape->field[f].bytes * (size_t)place;
}

static void widen(const Prefetch *p, void *const *buffer, int64_t place)
{
	const sslc_data *shape = data_shape(p->data);
	for (size_t f = 0; f < shape->count; f++) {
		size_t count = shape->field[f].bytes / sizeof(float);
		for (size_t i = 0; p->narrow[f] && i < count; i++)
			((double *)buffer[f])[count * (size_t)place + i] = p->narrow[f][i];
	}
}

/* In [0, n): of n samples. */
static int64_t place_of(const PrefetchOrder *o, int64_t n, int64_t step, int64_t place)
{
	if (!o->epochs && !o->shuffle) {
		int64_t i = o->offset + step * o->batch + place;
		return i < n ? i : 0;
	}
	int64_t epoch_steps = n / o->batch, i = step % epoch_steps * o->batch + place;
	return o->shuffle ? order_at(i, n, o->seed, (uint64_t)(step / epoch_steps)) : i;
}

static int64_t sample_of(const Prefetch *p, int64_t step, int64_t place)
{
	const PrefetchOrder *o = &p->order;
	int64_t n = o->chosen ? o->chosen_count : data_count(p->data, o->split);
	int64_t i = place_of(o, n, step, place);
	return o->chosen ? o->chosen[i] : i;
}

typedef struct Filling {
	Prefetch *p;
	int64_t step;
} Filling;

/* Of several failures that of the first place counts, whichever thread comes first. */
static void note_failure(Prefetch *p, int64_t place, const char *why)
{
	pthread_mutex_lock(&p->fail_lock);
	if (place < p->fail_place) {
		p->fail_place = place;
		because(p->why, "%s", why);
	}
	pthread_mutex_unlock(&p->fail_lock);
}

static void fill_places(void *args, ptrdiff_t from, ptrdiff_t to)
{
	const Filling *f = args;
	Prefetch *p = f->p;
	void *const *buffer = p->buffer[f->step % BUFFERS], *at[SSLC_MAX_FIELDS];
	char why[WHY];
	for (ptrdiff_t place = from; place < to; place++) {
		int64_t number = sample_of(p, f->step, place);
		find_places(p, buffer, place, at);
		p->number[f->step % BUFFERS][place] = (int32_t)number;
		if (data_sample(p->data, p->order.split, number, at, why))
			widen(p, buffer, place);
		else
			note_failure(p, place, why);
	}
}

static bool fill(Prefetch *p, int64_t step)
{
	Filling filling = {p, step};
	p->fail_place = p->order.batch;
	if (p->pool)
		pool_parallel(p->pool, fill_places, &filling, p->order.batch);
	else
		fill_places(&filling, 0, p->order.batch);
	return p->fail_place == p->order.batch;
}

static void *gather(void *prefetch)
{
	Prefetch *p = prefetch;
	for (int64_t step = p->order.first_step; step < p->order.last_step; step++) {
		pthread_mutex_lock(&p->lock);
		while (!p->closing && step - p->used >= BUFFERS)
			pthread_cond_wait(&p->changed, &p->lock);
		bool closing = p->closing;
		pthread_mutex_unlock(&p->lock);
		if (closing)
			break;
		bool good = fill(p, step);
		pthread_mutex_lock(&p->lock);
		p->filled += good;
		p->failed = !good;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		if (!good)
			break;
	}
	return NULL;
}

/* A batch that is all of the data, in order, never changes: no thread is worth it. */
static bool is_tiny(const Prefetch *p)
{
	size_t bytes = 0;
	for (size_t i = 0; i < data_shape(p->data)->count; i++)
		bytes += data_shape(p->data)->field[i].bytes * (size_t)p->order.batch;
	return bytes <= 1 << 14;
}

/* Samples are decoded by all cores, in any order: each is a function of its number. Widened fields share a sample's
 * memory, and so do not. */
static bool open_pool(Prefetch *p)
{
	const sslc_data *shape = data_shape(p->data);
	bool decodes = false, shares = false;
	for (size_t f = 0; f < shape->count; f++) {
		decodes |= !data_value(p->data, p->order.split, f, 0);
		shares |= p->narrow[f] != NULL;
	}
	return !decodes || shares || (p->pool = pool_open(threads_here())) != NULL;
}

static bool make_buffers(Prefetch *p)
{
	const sslc_data *shape = data_shape(p->data);
	for (int b = 0; b < BUFFERS; b++)
		if (!(p->number[b] = memory_new((size_t)p->order.batch * sizeof *p->number[b])))
			return false;
	for (size_t f = 0; f < shape->count; f++) {
		size_t sample = shape->field[f].bytes, bytes = sample * (size_t)p->order.batch;
		if (widens(p, f) && !(p->narrow[f] = memory_new(sample)))
			return false;
		for (int b = 0; b < BUFFERS; b++)
			if (!(p->buffer[b][f] = memory_new(widens(p, f) ? 2 * bytes : bytes)))
				return false;
	}
	return true;
}

Prefetch *prefetch_open(const Data *d, const PrefetchOrder *order, char why[WHY])
{
	Prefetch *p = calloc(1, sizeof *p);
	because(why, "no memory for batches");
	if (!p)
		return NULL;
	p->data = d;
	p->order = *order;
	p->filled = p->used = p->given = order->first_step;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	pthread_mutex_init(&p->fail_lock, NULL);
	if (!make_buffers(p) || !open_pool(p)) {
		prefetch_close(p);
		return NULL;
	}
	if (is_tiny(p))
		return p;
	p->threaded = pthread_create(&p->thread, NULL, gather, p) == 0;
	if (p->threaded)
		return p;
	because(why, "cannot start a thread");
	prefetch_close(p);
	return NULL;
}

/* The batch of step `given` is there. */
static bool wait_for_batch(Prefetch *p)
{
	if (!p->threaded)
		return fill(p, p->given);
	pthread_mutex_lock(&p->lock);
	p->used = p->given; /* what was handed out before may be overwritten */
	pthread_cond_broadcast(&p->changed);
	while (p->filled <= p->given && !p->failed)
		pthread_cond_wait(&p->changed, &p->lock);
	bool good = p->filled > p->given;
	pthread_mutex_unlock(&p->lock);
	return good;
}

const void *const *prefetch_next(Prefetch *p, char why[WHY])
{
	if (p->given >= p->order.last_step) {
		because(why, "there are no more batches");
		return NULL;
	}
	if (!wait_for_batch(p)) {
		because(why, "%s", p->why);
		return NULL;
	}
	return (const void *const *)p->buffer[p->given++ % BUFFERS];
}

const int32_t *prefetch_numbers(const Prefetch *p)
{
	return p->number[(p->given - 1) % BUFFERS];
}

void prefetch_close(Prefetch *p)
{
	if (!p)
		return;
	if (p->threaded) {
		pthread_mutex_lock(&p->lock);
		p->closing = true;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->fail_lock);
	pool_close(p->pool);
	for (int b = 0; b < BUFFERS; b++)
		free(p->number[b]);
	for (int f = 0; f < SSLC_MAX_FIELDS; f++) {
		free(p->narrow[f]);
		for (int b = 0; b < BUFFERS; b++)
			free(p->buffer[b][f]);
	}
	free(p);
}
