/* module.c: one module of LLVM: opened, filled, then compiled by the JIT or printed. Owns nothing
 * that outlives it. */
#include "module.h"

#include <stdlib.h>
#include <string.h>

/* Handles that are open while code is emitted, which allocates from the arena. */
typedef struct Open {
	LLVMContextRef context;
	LLVMModuleRef module;
	LLVMTargetDataRef layout;
	LLVMBuilderRef b;
	bool given; /* context and module have another owner */
} Open;

static void open_close(void *what)
{
	Open *o = what;
	LLVMDisposeBuilder(o->b);
	LLVMDisposeTargetData(o->layout);
	if (o->given)
		return;
	LLVMDisposeModule(o->module);
	LLVMContextDispose(o->context);
}

void emit_is_for(Emit *e, const Machine *m)
{
	e->vector_bits = m->vector_bits;
	e->float_bits = m->float_bits;
	e->fma = m->fma;
	e->rounds = m->rounds;
}

void emit_open(Emit *e, Codegen *cg, const Kernels *k, const Plan *p, const char *name)
{
	Open *o = new (cg->c->arena, Open);
	LLVMContextRef context = LLVMContextCreate();
	*e = (Emit){.c = cg->c, .k = k, .plan = p, .context = context, .machine = cg->machine};
	emit_is_for(e, cg->target);
	LLVMContextSetDiscardValueNames(context, !e->names);
	e->module = LLVMModuleCreateWithNameInContext(name, context);
	e->layout = LLVMCreateTargetDataLayout(cg->machine);
	LLVMSetTarget(e->module, cg->target->triple);
	LLVMSetModuleDataLayout(e->module, e->layout);
	e->b = LLVMCreateBuilderInContext(context);
	*o = (Open){context, e->module, e->layout, e->b, false};
	e->open = o;
	arena_hold(cg->c->arena, open_close, o);
	e->ptr = LLVMPointerTypeInContext(context, 0);
	e->i1 = LLVMInt1TypeInContext(context);
	e->i8 = LLVMInt8TypeInContext(context);
	e->i16 = LLVMInt16TypeInContext(context);
	e->i32 = LLVMInt32TypeInContext(context);
	e->i64 = LLVMInt64TypeInContext(context);
	e->word = LLVMIntPtrTypeInContext(context, e->layout);
	e->word_bytes = LLVMPointerSize(e->layout);
	e->f32 = LLVMFloatTypeInContext(context);
	e->f64 = LLVMDoubleTypeInContext(context);
	e->bf16 = LLVMBFloatTypeInContext(context);
	e->voidt = LLVMVoidTypeInContext(context);
}

void emit_close(Emit *e)
{
	e->open->given = true;
	arena_release(e->c->arena);
	*e = (Emit){0};
}

static void close_all(void *what)
{
	Codegen *cg = what;
	shards_close(cg->shards);
	for (Unit *u = cg->unit; u; u = u->next)
		objects_close(&u->objects);
	if (cg->jit)
		(void)llvm_ok(cg->c, LLVMOrcDisposeLLJIT(cg->jit), "close its JIT");
	if (cg->machine)
		LLVMDisposeTargetMachine(cg->machine);
	cache_close(cg);
	free(cg);
}

Codegen *codegen_open(Compile *c)
{
	Codegen *cg = calloc(1, sizeof *cg);
	if (!cg) {
		diag_error(c->diags, (Span){0}, "no memory for the code generator");
		return NULL;
	}
	cg->c = c;
	cache_open(cg);
	arena_hold(c->arena, close_all, cg);
	if (target_open(cg)) {
		arena_keep(c->arena);
		return cg;
	}
	arena_release(c->arena);
	return NULL;
}

void codegen_close(Codegen *cg)
{
	if (cg)
		close_all(cg);
}

/* -- The JIT ----------------------------------------------------------------------------------- */

static bool jit_open(Codegen *cg)
{
	if (cg->jit)
		return true;
	if (!target_runs_here(cg))
		return false;
	char why[WHY_LLVM];
	LLVMTargetMachineRef machine = target_machine(cg, false, why);
	if (!machine) {
		diag_error(cg->c->diags, (Span){0}, "%s", why);
		return false;
	}
	LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
	/* each call consumes what it is given */
	LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(
	    builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine));
	if (!llvm_ok(cg->c, LLVMOrcCreateLLJIT(&cg->jit, builder), "open its JIT"))
		return false;
	LLVMOrcDefinitionGeneratorRef process = NULL; /* memcpy and memset */
	if (!llvm_ok(cg->c,
	             LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
	                 &process, LLVMOrcLLJITGetGlobalPrefix(cg->jit), NULL, NULL),
	             "search this process"))
		return false;
	LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(cg->jit), process);
	return true;
}

static bool add_object(Codegen *cg, const Text *object)
{
	LLVMMemoryBufferRef bytes =
	    LLVMCreateMemoryBufferWithMemoryRangeCopy(object->data, object->size, "kernels");
	LLVMOrcJITDylibRef main = LLVMOrcLLJITGetMainJITDylib(cg->jit);
	return llvm_ok(cg->c, LLVMOrcLLJITAddObjectFile(cg->jit, main, bytes), "take an object file");
}

/* The symbols of a function name its content, so that they clash with no other's; the same function
 * asked for again is there already. */
Unit *codegen_begin(Codegen *cg, const PlannedFunction *f)
{
	if (!cg || !f->k || !f->p)
		return NULL;
	CodeHash key = {{0}};
	bool known = code_hash(cg, f, &key);
	if (!known)
		key.word[0] = cg->functions++;
	Arena *a = cg->c->arena;
	const char *prefix = arena_printf(a, "s%016llx%016llx_", (unsigned long long)key.word[0],
	                                  (unsigned long long)key.word[1]);
	const char *name = arena_printf(a, "%sstep", prefix);
	for (Unit *u = cg->unit; u; u = u->next)
		if (strcmp(u->name, name) == 0)
			return u;
	Unit *u = new (a, Unit);
	*u = (Unit){.name = name, .prefix = prefix, .key = key, .known = known, .f = *f};
	u->next = cg->unit;
	cg->unit = u;
	u->cached = known && cache_load(cg, key, &u->objects);
	lap(&cg->c->laps, "cache");
	if (u->cached)
		return u;
	if (!cg->shards)
		cg->shards = shards_open(cg);
	shards_add(cg->shards, cg, u);
	lap(&cg->c->laps, "emit");
	return u;
}

static void *find_symbol(Codegen *cg, const char *name)
{
	LLVMOrcExecutorAddress address = 0;
	if (!llvm_ok(cg->c, LLVMOrcLLJITLookup(cg->jit, &address, name), "link a function"))
		return NULL;
	return (void *)(uintptr_t)address;
}

static bool link_unit(Codegen *cg, Unit *u)
{
	for (size_t i = 0; i < u->objects.count; i++)
		if (!add_object(cg, &u->objects.object[i]))
			return false;
	u->call = (StepFunction)find_symbol(cg, u->name);
	return u->call != NULL;
}

void codegen_finish(Codegen *cg)
{
	bool good = jit_open(cg);
	lap(&cg->c->laps, "link");
	if (cg->shards)
		shards_finish(cg->shards);
	shards_close(cg->shards);
	cg->shards = NULL;
	lap(&cg->c->laps, "llvm");
	for (Unit *u = cg->unit; u; u = u->next) {
		if (!u->objects.count)
			continue; /* finished before */
		good = good && (u->cached || shards_good(cg->c, u));
		if (good && u->known && !u->cached)
			cache_store(cg, u->key, &u->objects);
		lap(&cg->c->laps, "cache");
		good = good && link_unit(cg, u);
		objects_close(&u->objects);
		lap(&cg->c->laps, "link");
	}
}

bool codegen_runs_here(Codegen *cg)
{
	return target_runs_here(cg);
}

const char *codegen_note(const Codegen *cg)
{
	return cg->cache_note[0] ? cg->cache_note : NULL;
}

StepFunction codegen_call(const Unit *u)
{
	return u ? u->call : NULL;
}

StepFunction codegen_function(Codegen *cg, const PlannedFunction *f)
{
	Unit *u = codegen_begin(cg, f);
	if (u)
		codegen_finish(cg);
	return codegen_call(u);
}

StepTask codegen_load_peak(Codegen *cg, double *flops_per_tile)
{
	Text object = {0};
	const char *name = arena_printf(cg->c->arena, "peak%u", cg->functions++);
	bool good =
	    jit_open(cg) && codegen_peak(cg, name, flops_per_tile, &object) && add_object(cg, &object);
	text_close(&object);
	return good ? (StepTask)find_symbol(cg, name) : NULL;
}

/* -- Text -------------------------------------------------------------------------------------- */

bool write_code(LLVMTargetMachineRef machine, LLVMModuleRef module, LLVMCodeGenFileType type,
                Text *out, char why[WHY_LLVM])
{
	LLVMMemoryBufferRef bytes;
	char *message = NULL;
	if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, type, &message, &bytes)) {
		snprintf(why, WHY_LLVM, "%s", message);
		LLVMDisposeMessage(message);
		return false;
	}
	text_add(out, LLVMGetBufferStart(bytes), LLVMGetBufferSize(bytes));
	LLVMDisposeMemoryBuffer(bytes);
	return true;
}

bool write_module(Codegen *cg, LLVMModuleRef module, CodegenText what, Text *out)
{
	char why[WHY_LLVM];
	bool is_code = what == CODEGEN_ASM || what == CODEGEN_OBJECT,
	     good = what == CODEGEN_LLVM || optimize(cg->machine, module, why);
	if (good && is_code)
		good = write_code(cg->machine, module,
		                  what == CODEGEN_ASM ? LLVMAssemblyFile : LLVMObjectFile, out, why);
	if (!good) {
		diag_error(cg->c->diags, (Span){0}, "LLVM cannot compile: %s", why);
	} else if (!is_code) {
		char *text = LLVMPrintModuleToString(module);
		text_add(out, text, strlen(text));
		LLVMDisposeMessage(text);
	}
	return good;
}

bool codegen_text(Codegen *cg, const PlannedFunction *f, CodegenText what, Text *out)
{
	if (!cg || !f->k || !f->p)
		return false;
	const Kernels *k = f->k;
	Emit e;
	emit_open(&e, cg, k, f->p, k->graph->name);
	LLVMContextSetDiscardValueNames(e.context, false);
	e.names = true;
	e.state_offset = f->offset;
	e.states = f->states;
	bool *wanted = new_array(cg->c->arena, bool, k->kernel_count + 1);
	for (uint32_t i = 0; i < k->kernel_count; i++)
		wanted[i] = step_first_equal(k, i) == i;
	emit_kernels(&e, cg, "", wanted);
	emit_step(&e, cg, "", k->graph->name);
	verify_module(e.module, k->graph->name);
	bool good = write_module(cg, e.module, what, out);
	arena_release(cg->c->arena); /* all of it */
	return good;
}
