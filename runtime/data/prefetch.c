/* prefetch.c: a thread that gathers the next batch while this one is used: two buffers, handed over
 * in turn. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime.h"

enum { BUFFERS = 2 };

struct Prefetch {
	const Data *data;
	PrefetchOrder order;
	void *buffer[BUFFERS][SSLC_MAX_FIELDS];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t filled, used; /* steps: of the thread, and of those given back */
	int64_t given;        /* the step that was handed out last */
	bool closing, threaded;
};

static bool widens(const Prefetch *p, size_t field)
{
	return p->order.f64 && strcmp(data_shape(p->data)->field[field].dtype, "f32") == 0;
}

static void copy_sample(const Prefetch *p, size_t field, int64_t from, void *to, int64_t place)
{
	size_t bytes = data_sample_bytes(p->data, field);
	const char *source =
	    (const char *)data_field(p->data, p->order.split, field) + bytes * (size_t)from;
	if (!widens(p, field)) {
		memcpy((char *)to + bytes * (size_t)place, source, bytes);
		return;
	}
	size_t count = bytes / sizeof(float);
	for (size_t i = 0; i < count; i++)
		((double *)to)[count * (size_t)place + i] = ((const float *)(const void *)source)[i];
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

static void fill(Prefetch *p, int64_t step)
{
	for (int64_t place = 0; place < p->order.batch; place++) {
		int64_t from = sample_of(p, step, place);
		for (size_t field = 0; field < data_shape(p->data)->count; field++)
			copy_sample(p, field, from, p->buffer[step % BUFFERS][field], place);
	}
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
		fill(p, step);
		pthread_mutex_lock(&p->lock);
		p->filled = step + 1;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

/* A batch that is all of the data, in order, never changes: no thread is worth it. */
static bool is_tiny(const Prefetch *p)
{
	size_t bytes = 0;
	for (size_t i = 0; i < data_shape(p->data)->count; i++)
		bytes += data_sample_bytes(p->data, i) * (size_t)p->order.batch;
	return bytes <= 1 << 14;
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
	for (int b = 0; b < BUFFERS; b++)
		for (size_t i = 0; i < data_shape(d)->count; i++) {
			size_t bytes = data_sample_bytes(d, i) * (size_t)order->batch * (widens(p, i) ? 2 : 1);
			if (!(p->buffer[b][i] = memory_new(bytes))) {
				prefetch_close(p);
				return NULL;
			}
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

const void *const *prefetch_next(Prefetch *p)
{
	if (p->given >= p->order.last_step)
		return NULL;
	if (p->threaded) {
		pthread_mutex_lock(&p->lock);
		p->used = p->given; /* what was handed out before may be overwritten */
		pthread_cond_broadcast(&p->changed);
		while (p->filled <= p->given)
			pthread_cond_wait(&p->changed, &p->lock);
		pthread_mutex_unlock(&p->lock);
	} else {
		fill(p, p->given);
	}
	return (const void *const *)p->buffer[p->given++ % BUFFERS];
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
	for (int b = 0; b < BUFFERS; b++)
		for (int i = 0; i < SSLC_MAX_FIELDS; i++)
			free(p->buffer[b][i]);
	free(p);
}
