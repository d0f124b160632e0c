/* prove.c: that kernels of one symbol are one code.
 *
 * share.c takes the hash of a kernel's structure for its code. Here each is emitted alone, and its text must
 * be that of the first of its symbol: else the hash leaves out what the code depends on, or met another's by
 * accident, and one of the two would compute what the other says. It takes as long as emission, so it is for
 * those who ask (sslc_options.prove): tests and random programs do. */
#include "module.h"

void prove_kernel(Codegen *cg, const PlannedFunction *f, uint32_t number, Made *made)
{
	Emit e;
	emit_open(&e, cg, f->k, f->p, "alone");
	e.state_offset = f->offset;
	e.states = f->states;
	emit_kernel(&e, cg, number, made->symbol);
	char *text = LLVMPrintModuleToString(e.module);
	Hash hash = hash_text(1, text);
	LLVMDisposeMessage(text);
	arena_release(cg->c->arena); /* all of it */
	if (made->text && made->text != hash)
		BUG("kernel @%u of %s would run the code of another: symbol %s", number, f->k->graph->name,
		    made->symbol);
	made->text = hash;
}
