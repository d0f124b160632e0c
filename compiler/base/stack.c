/* stack.c: a long stack, and how much of it is left.
 *
 * A model may call definitions thousands of levels deep, and the caller's stack may be short (1 MiB
 * under `ulimit -s 1024`). So what recurses over the user's text runs in a thread of its own, whose
 * stack is only as large as it was used; the caller waits. It watches its stack, since no count of
 * levels says how large their frames are. */
#include "base.h"

#include <stdlib.h>

static const size_t STACK = (size_t)256 << 20, LEFT = (size_t)256 << 10;
static const size_t CALLERS = (size_t)512
                              << 10; /* of the caller's stack, where there is no thread */

typedef struct Job {
	Compile *c;
	void (*run)(void *);
	void *argument;
	size_t room;
	bool exhausted; /* the arena's limit was reached: its longjmp cannot leave the thread */
} Job;

static uintptr_t here(void)
{
	return (uintptr_t)__builtin_frame_address(0);
}

static void *run_job(void *argument)
{
	Job *job = argument;
	jmp_buf out_of_memory;
	jmp_buf *before = arena_on_limit(job->c->arena, &out_of_memory);
	job->c->stack_end = here() - job->room;
	if (setjmp(out_of_memory))
		job->exhausted = true;
	else
		job->run(job->argument);
	job->c->stack_end = 0;
	arena_on_limit(job->c->arena, before);
	return NULL;
}

bool stack_thread(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes; /* not what `ulimit -s` leaves */
	if (pthread_attr_init(&attributes) != 0)
		return false;
	bool made = pthread_attr_setstacksize(&attributes, stack) == 0 &&
	            pthread_create(thread, &attributes, run, argument) == 0;
	pthread_attr_destroy(&attributes);
	return made;
}

void stack_run(Compile *c, void (*run)(void *), void *argument)
{
	Job job = {.c = c, .run = run, .argument = argument, .room = STACK - LEFT};
	pthread_t thread;
	if (stack_thread(&thread, STACK, run_job, &job)) {
		pthread_join(thread, NULL);
	} else {
		job.room = CALLERS;
		run_job(&job);
	}
	if (job.exhausted)
		arena_exhausted(c->arena);
}

bool stack_is_low(const Compile *c)
{
	return here() < c->stack_end;
}
