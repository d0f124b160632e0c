/* watch.c: notes the first SIGINT or SIGTERM, lets the second kill.
 *
 * A thread waits for the signals, so there is no handler and no global: the mask of the process
 * keeps them from every other thread. SIGUSR1 with `closing` set ends the wait. */
#include "train.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGUSR1);
}

static void *watch_run(void *argument)
{
	Watch *w = argument;
	sigset_t set;
	watched_signals(&set);
	for (;;) {
		int got = 0;
		if (sigwait(&set, &got) != 0)
			continue;
		if (got == SIGUSR1) {
			if (atomic_load(&w->closing))
				return NULL;
			continue;
		}
		int none = 0;
		if (!atomic_compare_exchange_strong(&w->signal, &none, got)) {
			pthread_sigmask(SIG_UNBLOCK, &set, NULL);
			raise(got);
		}
	}
}

bool watch_open(Watch *w, Failure *f)
{
	*w = (Watch){0};
	atomic_init(&w->signal, 0);
	atomic_init(&w->closing, false);
	sigset_t set;
	watched_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, &w->before);
	int error = pthread_create(&w->thread, NULL, watch_run, w);
	if (error) {
		pthread_sigmask(SIG_SETMASK, &w->before, NULL);
		return fail(f, FAILURE_SYSTEM, "cannot start a thread: %s", strerror(error));
	}
	w->is_open = true;
	return true;
}

void watch_close(Watch *w)
{
	if (!w->is_open)
		return;
	atomic_store(&w->closing, true);
	pthread_kill(w->thread, SIGUSR1);
	pthread_join(w->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &w->before, NULL);
	w->is_open = false;
}

int watch_signal(Watch *w)
{
	return atomic_load_explicit(&w->signal, memory_order_relaxed);
}
