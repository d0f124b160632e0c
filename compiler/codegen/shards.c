/* shards.c: kernels as object files, compiled on all cores.
 *
 * Emission is quick and uses the compiler's arena, so one thread does it, a module a shard; LLVM's
 * passes and its instruction selection take the time, and run on as many threads as there are
 * cores, each shard with a context and a target machine of its own. They begin with the first shard
 * of the first function, while the caller lowers and emits the next. What is in which shard depends
 * on the kernels alone. Of equal kernels, of this function and of those before, one is made. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../../runtime/step.h"
#include "module.h"

enum { MOST_SHARDS = 64, KERNELS_A_SHARD = 12, MOST_THREADS = 64 };

struct Shard {
	Shard *next;
	LLVMContextRef context;
	LLVMModuleRef module; /* what compile_shard is done with is NULL */
	Text object;
	bool good;
	bool once;  /* the code runs but once, over data; */
	bool calls; /* or calls what takes long, and does little else */
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
	return (s->calls || optimize(machine, s->module, s->why)) &&
	       write_code(machine, s->module, LLVMObjectFile, &s->object, s->why);
}

static void compile_shard(const Codegen *cg, Shard *s)
{
	LLVMTargetMachineRef machine = target_machine(cg, s->once || s->calls, s->why);
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

/* Kernels of a function, on their way into shards. */
typedef struct Sharing {
	Codegen *cg;
	FunctionCode *code;
	const char *const *symbol; /* [kernel_count] of its kernels; */
	Made **made;               /* [kernel_count] and whose code they run */
	bool *first;               /* [kernel_count] that code is made of this one */
	size_t own;                /* shards that have no kernel: the step function, chains */
	bool calls;                /* the step function only_calls() */
} Sharing;

/* Asks which kernels are there; how many must be made. */
static size_t find_made(Sharing *s)
{
	const Kernels *k = s->code->f.k;
	size_t count = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		s->made[i] = shared_kernel(s->cg->c->arena, &s->cg->shared, s->symbol[i]);
		s->first[i] = !s->made[i]->code;
		if (s->first[i])
			s->made[i]->code = s->code;
		if (s->cg->c->proves)
			prove_kernel(s->cg, &s->code->f, i, s->made[i]);
		count += s->first[i];
	}
	s->cg->counts.compiled += count;
	s->cg->counts.reused += k->kernel_count - count;
	return count;
}

/* Whether the step function itself is nothing beside its kernels, however slow its code: 10 ns of a
 * kernel's 5 us or more. */
static bool only_calls(const Kernels *k)
{
	enum { ENOUGH = 300000 /* operations and bytes of a kernel */ };
	double work = 0;
	for (uint32_t i = 0; i < k->kernel_count; i++)
		work += k->kernel[i].flops + k->kernel[i].bytes;
	return work >= ENOUGH * (double)k->kernel_count;
}

static bool has_chains(const Kernels *k)
{
	for (uint32_t i = 0; i < k->kernel_count; i++)
		if (k->kernel[i].chain)
			return true;
	return false;
}

/* Each into the shard that is least busy; not into a function's own, which have the step function and
 * its chains: others that need a kernel would link all that these call. */
static void assign(Sharing *s)
{
	unsigned load[MOST_SHARDS] = {0};
	for (uint32_t i = 0; i < s->code->f.k->kernel_count; i++) {
		if (!s->first[i])
			continue;
		size_t least = s->own;
		for (size_t j = least + 1; j < s->code->shards; j++)
			least = load[j] < load[least] ? j : least;
		s->made[i]->shard = &s->code->shard[least];
		load[least] += effort(&s->code->f.k->kernel[i]);
	}
}

static void need(FunctionCode *code, const Shard *s)
{
	for (size_t i = 0; i < code->need_count; i++)
		if (code->needs[i] == s)
			return;
	code->needs[code->need_count++] = s;
}

static void emit_shard(Sharing *s, Shard *to)
{
	Codegen *cg = s->cg;
	const PlannedFunction *f = &s->code->f;
	Emit e;
	to->once = f->k->once;
	to->calls = to == s->code->shard && s->calls;
	emit_open(&e, cg, f->k, f->p, s->code->symbol);
	e.state_offset = f->offset;
	e.states = f->states;
	for (uint32_t i = 0; i < f->k->kernel_count; i++) {
		if (!s->first[i] || s->made[i]->shard != to)
			continue;
		emit_kernel(&e, cg, i, s->symbol[i]);
		LLVMSetLinkage(LLVMGetNamedFunction(e.module, s->symbol[i]), LLVMWeakODRLinkage);
	}
	const char *prefix = arena_printf(cg->c->arena, "%s_", s->code->symbol);
	if (to == s->code->shard)
		emit_step(&e, cg, prefix, s->code->symbol, s->symbol, s->own == 1);
	else if (to < s->code->shard + s->own)
		emit_chains(&e, cg, prefix, s->symbol);
	lap(&cg->c->laps, "emit");
	verify_module(e.module, s->code->symbol);
	lap(&cg->c->laps, "verify");
	to->context = e.context;
	to->module = e.module;
	emit_close(&e);
}

FunctionCode *codegen_begin(Codegen *cg, const PlannedFunction *f, const char *symbol)
{
	if (!cg || !f->k || !f->p)
		return NULL;
	if (!cg->shards)
		cg->shards = open_all(cg);
	Arena *a = cg->c->arena;
	FunctionCode *code = new (a, FunctionCode);
	*code = (FunctionCode){.next = cg->code, .symbol = symbol, .f = *f};
	Sharing s = {.cg = cg, .code = code, .symbol = kernel_contents(cg->c, f->k, "", symbol)};
	s.made = new_array(a, Made *, f->k->kernel_count + 1);
	s.first = new_array(a, bool, f->k->kernel_count + 1);
	s.calls = only_calls(f->k);
	s.own = s.calls && has_chains(f->k) ? 2 : 1;
	code->shards = s.own + (find_made(&s) + KERNELS_A_SHARD - 1) / KERNELS_A_SHARD;
	code->shards = code->shards > MOST_SHARDS ? MOST_SHARDS : code->shards;
	code->shard = new_array(a, Shard, code->shards);
	code->needs = new_array(a, const Shard *, code->shards + f->k->kernel_count);
	assign(&s);
	for (size_t i = 0; i < code->shards; i++)
		need(code, &code->shard[i]);
	for (uint32_t i = 0; i < f->k->kernel_count; i++)
		need(code, s.made[i]->shard);
	cg->code = code;
	for (size_t i = 0; i < code->shards; i++) {
		emit_shard(&s, &code->shard[i]);
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

bool codegen_take(Codegen *cg, const FunctionCode *code, Objects *out)
{
	for (size_t i = 0; i < code->need_count; i++) {
		const Shard *s = code->needs[i];
		if (!s->good) {
			diag_error(cg->c->diags, (Span){0}, "LLVM cannot compile: %s", s->why);
			return false;
		}
		objects_add(out, s->object.data, s->object.size);
	}
	return true;
}

void shards_free(FunctionCode *code)
{
	for (size_t i = 0; i < code->shards; i++)
		text_close(&code->shard[i].object);
	code->shards = 0;
}

KernelCounts codegen_counts(const Codegen *cg)
{
	return cg ? cg->counts : (KernelCounts){0};
}

void objects_add(Objects *o, const char *bytes, size_t size)
{
	if ((o->count & (o->count - 1)) == 0) { /* it has room for a power of two */
		o->object = realloc(o->object, (o->count ? 2 * o->count : 1) * sizeof *o->object);
		if (!o->object)
			BUG("out of memory");
	}
	o->object[o->count] = (Text){0};
	text_add(&o->object[o->count++], bytes, size);
}

void objects_close(Objects *o)
{
	for (size_t i = 0; i < o->count; i++)
		text_close(&o->object[i]);
	free(o->object);
	*o = (Objects){0};
}
