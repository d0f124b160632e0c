/* shards.c: kernels as object files, compiled on all cores.
 *
 * Emission is quick and uses the compiler's arena, so one thread does it, a module a shard; LLVM's
 * passes and its instruction selection take the time, and run on as many threads as there are
 * cores, each shard with a context and a target machine of its own. They begin with the first shard
 * of the first function, while the caller lowers and emits the next. What is in which shard depends
 * on the kernels alone; equal kernels of a function are made once. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/step.h"
#include "module.h"

enum { MOST_SHARDS = COUNT(((Objects *)0)->object), KERNELS_A_SHARD = 6, MOST_THREADS = 64 };

struct Shard {
	Shard *next;
	LLVMContextRef context;
	LLVMModuleRef module; /* what compile_shard is done with is NULL */
	Text *object;
	bool good;
	bool once; /* the code runs but once */
	char why[WHY_LLVM];
};

struct Shards {
	const Codegen *cg;
	pthread_mutex_t lock;
	pthread_cond_t more;
	Shard *waiting, *last; /* the next one to take; the last one of all */
	bool ended;            /* no more will come */
	size_t threads, most;  /* started; that may be, beside the caller */
	pthread_t thread[MOST_THREADS];
};

static void dispose(Shard *s)
{
	if (s->module)
		LLVMDisposeModule(s->module);
	if (s->context)
		LLVMContextDispose(s->context);
	s->module = NULL, s->context = NULL;
}

static bool make_object(Shard *s, LLVMTargetMachineRef machine)
{
	return optimize(machine, s->module, s->why) &&
	       write_code(machine, s->module, LLVMObjectFile, s->object, s->why);
}

static void compile_shard(const Codegen *cg, Shard *s)
{
	LLVMTargetMachineRef machine = target_machine(cg, s->once, s->why);
	s->good = machine && make_object(s, machine);
	dispose(s);
	if (machine)
		LLVMDisposeTargetMachine(machine);
}

/* NULL: none is left, and none will come. */
static Shard *take(Shards *all)
{
	pthread_mutex_lock(&all->lock);
	while (!all->waiting && !all->ended)
		pthread_cond_wait(&all->more, &all->lock);
	Shard *s = all->waiting;
	if (s)
		all->waiting = s->next;
	pthread_mutex_unlock(&all->lock);
	return s;
}

static void *work(void *argument)
{
	Shards *all = argument;
	for (Shard *s; (s = take(all));)
		compile_shard(all->cg, s);
	return NULL;
}

static size_t cores(const Compile *c)
{
	cpu_set_t set;
	size_t count = c->threads;
	if (!count)
		count = sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
	return count < MOST_THREADS ? count : MOST_THREADS;
}

static void give(Shards *all, Shard *s)
{
	pthread_mutex_lock(&all->lock);
	if (all->waiting)
		all->last->next = s;
	else
		all->waiting = s;
	all->last = s;
	pthread_cond_signal(&all->more);
	pthread_mutex_unlock(&all->lock);
	if (all->threads == all->most)
		return;
	all->threads += stack_thread(&all->thread[all->threads], STEP_STACK, work, all);
}

static Shards *open_all(const Codegen *cg)
{
	Shards *all = calloc(1, sizeof *all);
	if (!all)
		BUG("out of memory");
	all->cg = cg;
	all->most = cores(cg->c) - 1;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->more, NULL);
	return all;
}

static void end(Shards *all)
{
	pthread_mutex_lock(&all->lock);
	all->ended = true;
	pthread_cond_broadcast(&all->more);
	pthread_mutex_unlock(&all->lock);
}

void shards_close(Shards *all)
{
	if (!all)
		return;
	end(all);
	pthread_mutex_lock(&all->lock); /* what nobody took, after an error */
	for (Shard *s = all->waiting; s; s = s->next)
		dispose(s);
	all->waiting = NULL;
	pthread_mutex_unlock(&all->lock);
	for (size_t i = 0; i < all->threads; i++)
		pthread_join(all->thread[i], NULL);
	pthread_cond_destroy(&all->more);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* Roughly what it takes to compile: contractions come in many variants of tails. */
static unsigned effort(const Kernel *kernel)
{
	unsigned sum = 4;
	for (uint32_t i = 0; kernel->loop && i < kernel->loop->body->kernel_count; i++)
		sum += effort(&kernel->loop->body->kernel[i]);
	if (kernel->loop)
		return sum;
	return kernel->kind == KERNEL_contract ? 12 : 4 + kernel->out_count;
}

/* By the kernels that are made. */
static size_t shards_of(const Kernels *k)
{
	size_t made = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		made += step_first_equal(k, i) == i;
	size_t count = (made + KERNELS_A_SHARD - 1) / KERNELS_A_SHARD;
	return count < 1 ? 1 : count > MOST_SHARDS ? MOST_SHARDS : count;
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

static void emit_shard(Codegen *cg, const FunctionCode *code, Shard *s, size_t number,
                       const size_t *shard_of)
{
	Emit e;
	s->once = code->f.k->once;
	emit_open(&e, cg, code->f.k, code->f.p, code->symbol);
	e.state_offset = code->f.offset;
	e.states = code->f.states;
	bool *wanted = new_array(cg->c->arena, bool, code->f.k->kernel_count + 1);
	for (uint32_t i = 0; i < code->f.k->kernel_count; i++)
		wanted[i] = shard_of[i] == number && step_first_equal(code->f.k, i) == i;
	const char *prefix = arena_printf(cg->c->arena, "%s_", code->symbol);
	emit_kernels(&e, cg, prefix, wanted);
	if (number == 0)
		emit_step(&e, cg, prefix, code->symbol);
	lap(&cg->c->laps, "emit");
	verify_module(e.module, code->symbol);
	lap(&cg->c->laps, "verify");
	s->context = e.context;
	s->module = e.module;
	emit_close(&e);
}

FunctionCode *codegen_begin(Codegen *cg, const PlannedFunction *f, const char *symbol)
{
	if (!cg || !f->k || !f->p)
		return NULL;
	if (!cg->shards)
		cg->shards = open_all(cg);
	size_t count = shards_of(f->k);
	const size_t *shard_of = assign(cg->c, f->k, count);
	FunctionCode *code = new (cg->c->arena, FunctionCode);
	*code = (FunctionCode){.next = cg->code, .symbol = symbol, .f = *f};
	code->shard = new_array(cg->c->arena, Shard, count);
	code->objects.count = count;
	cg->code = code;
	for (size_t i = 0; i < count; i++) {
		code->shard[i].object = &code->objects.object[i];
		emit_shard(cg, code, &code->shard[i], i, shard_of);
		give(cg->shards, &code->shard[i]);
	}
	lap(&cg->c->laps, "emit");
	return code;
}

void codegen_finish(Codegen *cg)
{
	if (cg->shards) {
		end(cg->shards);
		work(cg->shards); /* the calling thread is one of them */
	}
	shards_close(cg->shards);
	cg->shards = NULL;
	lap(&cg->c->laps, "llvm");
}

bool codegen_take(Codegen *cg, FunctionCode *code, Objects *out)
{
	for (size_t i = 0; i < code->objects.count; i++)
		if (!code->shard[i].good) {
			diag_error(cg->c->diags, (Span){0}, "LLVM cannot compile: %s", code->shard[i].why);
			return false;
		}
	*out = code->objects;
	code->objects.count = 0;
	return true;
}

void objects_close(Objects *o)
{
	for (size_t i = 0; i < o->count; i++)
		text_close(&o->object[i]);
	o->count = 0;
}
