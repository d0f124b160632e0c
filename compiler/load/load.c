/* load.c: functions by their symbols: begun, then linked and callable. Which are on disk, and what to
 * make of those that are not, is decided here. */
#include "load.h"

#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "link.h"

struct LoadedFunction {
	LoadedFunction *next;
	const char *symbol;
	CodeHash key;
	bool has_key;
	FunctionCode *code; /* NULL: its objects are from disk; or it is finished */
	Objects objects;    /* from disk, or taken, until they are linked */
	StepFunction call;  /* NULL until finished */
};

struct Loader {
	Compile *c;
	Codegen *cg;
	Linker *linker;            /* opened by the first function */
	unsigned unnamed;          /* symbols made so far for what has no hash */
	LoadedFunction *functions; /* the last one first */
	Cache cache;
};

void loader_close(Loader *l)
{
	if (!l)
		return;
	for (LoadedFunction *f = l->functions; f; f = f->next)
		objects_close(&f->objects);
	linker_close(l->linker);
	cache_close(&l->cache);
	free(l);
}

Loader *loader_open(Compile *c, Codegen *cg)
{
	Loader *l = calloc(1, sizeof *l);
	if (!l) {
		diag_error(c->diags, (Span){0}, "no memory to load functions");
		return NULL;
	}
	l->c = c;
	l->cg = cg;
	cache_open(&l->cache);
	return l;
}

static bool open_linker(Loader *l)
{
	if (!l->linker && codegen_runs_here(l->cg))
		l->linker = linker_open(l->c);
	return l->linker != NULL;
}

/* Symbols name the content, so that they clash with no other's; the same function asked for again is
 * there already. */
LoadedFunction *load_begin(Loader *l, const PlannedFunction *planned)
{
	if (!l || !planned->k || !planned->p)
		return NULL;
	CodeHash key = {{0}};
	bool has_key = codegen_hash(l->cg, planned, &key);
	if (!has_key)
		key.word[0] = l->unnamed++;
	const char *symbol =
	    arena_printf(l->c->arena, "s%016llx%016llx", (unsigned long long)key.word[0],
	                 (unsigned long long)key.word[1]);
	for (LoadedFunction *f = l->functions; f; f = f->next)
		if (strcmp(f->symbol, symbol) == 0)
			return f;
	LoadedFunction *f = new (l->c->arena, LoadedFunction);
	*f = (LoadedFunction){.next = l->functions, .symbol = symbol, .key = key, .has_key = has_key};
	l->functions = f;
	bool kept = has_key && cache_load(&l->cache, key, &f->objects);
	lap(&l->c->laps, "cache");
	if (!kept)
		f->code = codegen_begin(l->cg, planned, symbol);
	return f;
}

static bool link_function(Loader *l, LoadedFunction *f)
{
	for (size_t i = 0; i < f->objects.count; i++)
		if (!linker_add(l->linker, &f->objects.object[i]))
			return false;
	f->call = (StepFunction)linker_find(l->linker, f->symbol);
	return f->call != NULL;
}

void load_finish(Loader *l)
{
	bool good = open_linker(l);
	lap(&l->c->laps, "link");
	codegen_finish(l->cg);
	for (LoadedFunction *f = l->functions; f; f = f->next) {
		if (!f->code && !f->objects.count)
			continue; /* finished before */
		good = good && (!f->code || codegen_take(l->cg, f->code, &f->objects));
		if (good && f->code && f->has_key)
			cache_store(&l->cache, f->key, &f->objects);
		lap(&l->c->laps, "cache");
		good = good && link_function(l, f);
		objects_close(&f->objects);
		f->code = NULL;
		lap(&l->c->laps, "link");
	}
}

StepFunction load_call(const LoadedFunction *f)
{
	return f ? f->call : NULL;
}

StepFunction load_function(Loader *l, const PlannedFunction *planned)
{
	LoadedFunction *f = load_begin(l, planned);
	if (f)
		load_finish(l);
	return load_call(f);
}

StepTask load_peak(Loader *l, double *flops_per_tile)
{
	Text object = {0};
	const char *symbol = arena_printf(l->c->arena, "peak%u", l->unnamed++);
	bool good = open_linker(l) && codegen_peak(l->cg, symbol, flops_per_tile, &object) &&
	            linker_add(l->linker, &object);
	text_close(&object);
	return good ? (StepTask)linker_find(l->linker, symbol) : NULL;
}

const char *load_note(const Loader *l)
{
	return l->cache.note[0] ? l->cache.note : NULL;
}
