/* optimize.c: one string of LLVM passes. We emit vectors and the loops that we want, so only
 * cleaning up is left: common addresses, loads that loops do not change, dead code. */
#include "module.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>

static const char *const pass_string =
    "function(early-cse<memssa>,loop-mssa(licm<no-allowspeculation>),instcombine<no-verify-"
    "fixpoint>,early-cse,simplifycfg),globaldce";

bool optimize(LLVMTargetMachineRef machine, LLVMModuleRef module, char why[WHY_LLVM])
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(module, pass_string, machine, options);
	LLVMDisposePassBuilderOptions(options);
	if (!error)
		return true;
	char *message = LLVMGetErrorMessage(error);
	snprintf(why, WHY_LLVM, "%s", message);
	LLVMDisposeErrorMessage(message);
	return false;
}

void verify_module(LLVMModuleRef module, const char *name)
{
	char *message = NULL;
	if (LLVMVerifyModule(module, LLVMReturnStatusAction, &message))
		BUG("%s is no valid module: %s", name, message);
	LLVMDisposeMessage(message);
}
