/* optimize.c: one string of LLVM passes. We emit vectors and the loops that we want, so only
 * cleaning up is left: common addresses, loads that loops do not change, dead code. Then addresses
 * are cut where loops begin. */
#include "module.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Transforms/PassBuilder.h>

static const char *const pass_string =
    "function(early-cse<memssa>,loop-mssa(licm<no-allowspeculation>),instcombine<no-verify-"
    "fixpoint>,early-cse,simplifycfg),globaldce";

/* -- Addresses --------------------------------------------------------------------------------- */

enum { FEW = 4 }; /* registers for addresses, in a loop */
static const char LAUNDER[] = "llvm.launder.invariant.group"; /* gives what it takes, as no code */

/* Addresses from before a block that it goes on from. */
typedef struct Bases {
	V base[FEW + 1];
	unsigned count;
} Bases;

static bool goes_on_from_outside(V v, LLVMBasicBlockRef block, V *base)
{
	if (LLVMGetInstructionOpcode(v) != LLVMGetElementPtr)
		return false;
	*base = LLVMGetOperand(v, 0);
	bool is_one = LLVMGetTypeKind(LLVMTypeOf(*base)) == LLVMPointerTypeKind; /* not of each lane */
	return is_one && LLVMIsAInstruction(*base) &&
	       LLVMGetInstructionOpcode(*base) == LLVMGetElementPtr &&
	       LLVMGetInstructionParent(*base) != block;
}

static Bases bases_of(LLVMBasicBlockRef block)
{
	Bases s = {.count = 0};
	V base;
	for (V v = LLVMGetFirstInstruction(block); v && s.count <= FEW; v = LLVMGetNextInstruction(v)) {
		if (!goes_on_from_outside(v, block, &base))
			continue;
		unsigned i = 0;
		while (i < s.count && s.base[i] != base)
			i++;
		if (i == s.count)
			s.base[s.count++] = base;
	}
	return s;
}

/* What LLVM does not look through; one of each address. */
static V opaque(LLVMBuilderRef b, LLVMModuleRef module, V base)
{
	T type = LLVMTypeOf(base);
	unsigned id = LLVMLookupIntrinsicID(LAUNDER, sizeof LAUNDER - 1);
	V f = LLVMGetIntrinsicDeclaration(module, id, &type, 1), behind = LLVMGetNextInstruction(base);
	if (LLVMIsACallInst(behind) && LLVMGetCalledValue(behind) == f &&
	    LLVMGetOperand(behind, 0) == base)
		return behind;
	LLVMPositionBuilderBefore(b, behind);
	return LLVMBuildCall2(b, LLVMGlobalGetValueType(f), f, &base, 1, "");
}

static void cut(LLVMBuilderRef b, LLVMModuleRef module, LLVMBasicBlockRef block)
{
	Bases s = bases_of(block);
	V base;
	if (s.count == 0 || s.count > FEW)
		return;
	for (V v = LLVMGetFirstInstruction(block); v; v = LLVMGetNextInstruction(v))
		if (goes_on_from_outside(v, block, &base))
			LLVMSetOperand(v, 0, opaque(b, module, base));
}

/* LLVM's loop strength reduction tries all ways to divide an address into what the loop changes and what
 * it does not: of five terms, which are in order already (address.c), many thousands. An address from
 * before the loop is one to it. */
static void cut_addresses(LLVMModuleRef module)
{
	LLVMBuilderRef b = LLVMCreateBuilderInContext(LLVMGetModuleContext(module));
	for (V f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
		for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(f); block;
		     block = LLVMGetNextBasicBlock(block))
			cut(b, module, block);
	LLVMDisposeBuilder(b);
}

bool optimize(LLVMTargetMachineRef machine, LLVMModuleRef module, char why[WHY_LLVM])
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef error = LLVMRunPasses(module, pass_string, machine, options);
	LLVMDisposePassBuilderOptions(options);
	if (!error) {
		cut_addresses(module);
		verify_module(module, "what was optimized");
		return true;
	}
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
