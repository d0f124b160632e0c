/* codegen.c: the code generator of a target: opened and closed; functions as text. */
#include "module.h"

#include <stdlib.h>
#include <string.h>

static void close_all(void *what)
{
	Codegen *cg = what;
	shards_close(cg->shards);
	for (FunctionCode *code = cg->code; code; code = code->next)
		shards_free(code);
	if (cg->machine)
		LLVMDisposeTargetMachine(cg->machine);
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
	emit_function(&e, cg, "", k->graph->name, kernel_numbers(cg->c, k, ""));
	verify_module(e.module, k->graph->name);
	bool good = write_module(cg, e.module, what, out);
	arena_release(cg->c->arena); /* all of it */
	return good;
}

bool codegen_flow(Codegen *cg, const PlannedFunction *f, CodegenText what, Text *out)
{
	Text text = {0};
	bool good = cg && f->k, structured = good && strncmp(cg->target->triple, "wasm", 4) == 0;
	if (structured && what == CODEGEN_ASM) {
		diag_error(cg->c->diags, (Span){0}, "the assembly of WebAssembly has no jumps to draw");
		diag_help(cg->c->diags, "draw the stage llvm-optimized");
		return false;
	}
	if (good && (good = codegen_text(cg, f, what, &text)))
		flow_dot(cg->c->arena, f->k->graph->name, text.data, what == CODEGEN_ASM, out);
	text_close(&text);
	return good;
}
