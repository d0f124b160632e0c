/* shards.c: a function's kernels as object files, compiled on all cores.
 *
 * Emission is quick and uses the compiler's arena, so one thread does it, a module a shard; LLVM's
 * passes and its instruction selection take the time, and run on as many threads as there are
 * cores, each with a context and a target machine of its own. What is in which shard depends on the
 * kernels alone; equal kernels are made once. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "unit.h"

enum { MOST_SHARDS = COUNT(((Objects *)0)->object), KERNELS_A_SHARD = 6, MOST_THREADS = 64 };

typedef struct Shard {
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMTargetMachineRef machine;
	Text *object;
	bool good;
	char why[WHY_LLVM];
} Shard;

typedef struct Work {
	Shard *shard;
	size_t count;
	atomic_size_t next;
} Work;

static void compile_shard(Shard *s)
{
	LLVMMemoryBufferRef bytes;
	char *message = NULL;
	if (!optimize(s->machine, s->module, s->why))
		return;
	if (LLVMTargetMachineEmitToMemoryBuffer(s->machine, s->module, LLVMObjectFile, &message,
	                                        &bytes)) {
		snprintf(s->why, sizeof s->why, "%s", message);
		LLVMDisposeMessage(message);
		return;
	}
	text_add(s->object, LLVMGetBufferStart(bytes), LLVMGetBufferSize(bytes));
	LLVMDisposeMemoryBuffer(bytes);
	s->good = true;
}

static void *work(void *argument)
{
	Work *w = argument;
	for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->count;)
		compile_shard(&w->shard[i]);
	return NULL;
}

static size_t threads_of(const Compile *c, size_t shards)
{
	cpu_set_t set;
	size_t count = c->threads;
	if (!count)
		count = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
	count = count < shards ? count : shards;
	return count < MOST_THREADS ? count : MOST_THREADS;
}

/* The calling thread is one of them; threads that do not start leave their work to the others. */
static void run(const Compile *c, Work *w)
{
	pthread_t thread[MOST_THREADS];
	size_t wanted = threads_of(c, w->count), started = 0;
	while (started + 1 < wanted && pthread_create(&thread[started], NULL, work, w) == 0)
		started++;
	work(w);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
}

/* Roughly what it takes to compile: contractions come in many variants of tails. */
static unsigned effort(const Kernel *kernel)
{
	return kernel->kind == KERNEL_contract ? 12 : 4 + kernel->out_count;
}

/* shard[i] of kernel i, the least busy first; equal kernels follow the one that is made. */
static size_t *assign(Compile *c, const Kernels *k, size_t shards)
{
	size_t *shard = new_array(c->arena, size_t, k->kernel_count + 1);
	unsigned load[MOST_SHARDS] = {0};
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		uint32_t first = step_first_equal(k, i);
		shard[i] = shard[first];
		if (first != i)
			continue;
		size_t least = 0;
		for (size_t s = 1; s < shards; s++)
			least = load[s] < load[least] ? s : least;
		shard[i] = least;
		load[least] += effort(&k->kernel[i]);
	}
	return shard;
}

static void emit_shard(Codegen *cg, const Kernels *k, const Plan *p, Shard *s, size_t number,
                       const size_t *shard_of, const char *prefix, const char *name,
                       StateOffset offset, void *states)
{
	Emit e;
	s->context = LLVMContextCreate();
	emit_open(&e, cg, s->context, k, p, name);
	e.state_offset = offset;
	e.states = states;
	e.once = k->once;
	bool *wanted = new_array(cg->c->arena, bool, k->kernel_count + 1);
	for (uint32_t i = 0; i < k->kernel_count; i++)
		wanted[i] = shard_of[i] == number && step_first_equal(k, i) == i;
	emit_kernels(&e, cg, prefix, wanted);
	if (number == 0)
		emit_step(&e, cg, prefix, name);
	verify_module(cg->c, e.module, name);
	s->module = e.module;
	s->machine = target_machine(cg, e.once);
	emit_close(&e);
}

bool shards_compile(Codegen *cg, const Kernels *k, const Plan *p, StateOffset offset, void *states,
                    const char *prefix, const char *name, Objects *out)
{
	Compile *c = cg->c;
	size_t count = (k->kernel_count + KERNELS_A_SHARD - 1) / KERNELS_A_SHARD;
	count = count < 1 ? 1 : count > MOST_SHARDS ? MOST_SHARDS : count;
	const size_t *shard_of = assign(c, k, count);
	Shard *shard = new_array(c->arena, Shard, count);
	Work w = {.shard = shard, .count = count};
	bool good = true;
	out->count = count;
	for (size_t i = 0; i < count; i++) {
		shard[i].object = &out->object[i];
		emit_shard(cg, k, p, &shard[i], i, shard_of, prefix, name, offset, states);
		good = good && shard[i].machine;
	}
	lap(&c->laps, "emit");
	if (good)
		run(c, &w);
	for (size_t i = 0; i < count; i++) {
		if (good && !shard[i].good) {
			diag_error(c->diags, (Span){0}, "LLVM cannot compile: %s", shard[i].why);
			good = false;
		}
		LLVMDisposeModule(shard[i].module);
		if (shard[i].machine)
			LLVMDisposeTargetMachine(shard[i].machine);
		LLVMContextDispose(shard[i].context);
	}
	lap(&c->laps, "llvm");
	return good;
}

void objects_close(Objects *o)
{
	for (size_t i = 0; i < o->count; i++)
		text_close(&o->object[i]);
	o->count = 0;
}
