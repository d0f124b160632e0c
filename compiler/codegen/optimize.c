/* optimize.c: one string of LLVM passes. We emit vectors and the loops that we want, so only
 * cleaning up is left: common addresses, loads that loops do not change, dead code. */
#include "unit.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>

static const char *const pass_string =
    "function(early-cse<memssa>,loop-mssa(licm<no-allowspeculation>),instcombine<no-verify-"
    "fixpoint>,early-cse,simplifycfg),globaldce";

bool llvm_ok(Compile *c, LLVMErrorRef error, const char *what)
{
	if (!error)
		return true;
	char *message = LLVMGetErrorMessage(error);
	diag_error(c->diags, (Span){0}, "LLVM cannot %s: %s", what, message);
	LLVMDisposeErrorMessage(message);
	return false;
}

bool optimize(Codegen *cg, Emit *e)
{
	char *message = NULL;
	if (cg->c->verify && LLVMVerifyModule(e->module, LLVMReturnStatusAction, &message))
		BUG("%s is no valid module: %s", e->k->graph->name, message);
	LLVMDisposeMessage(message);
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(e->module, pass_string, cg->machine, options);
	LLVMDisposePassBuilderOptions(options);
	return llvm_ok(cg->c, error, "optimize");
}
