/* test_embed_bitcode.c: what goes into emitted objects asks nothing of the machine that a bare one
 * has not: no function of a library, no floating point, no vector, no division, and, of 32 bits, no
 * product and no shift that is a call there. Read from the bitcode itself, by LLVM. */
#include <CUnit/CUnit.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <llvm-c/BitReader.h>
#include <llvm-c/Core.h>

#include "../../runtime/embed/bitcode.h"

typedef struct Bitcode {
	LLVMContextRef context;
	LLVMModuleRef module;
	bool is_32;
} Bitcode;

static void bitcode_open(Bitcode *b, bool is_32)
{
	*b = (Bitcode){.context = LLVMContextCreate(), .is_32 = is_32};
	const unsigned char *bytes = is_32 ? embed_bitcode_32 : embed_bitcode_64;
	size_t size = is_32 ? embed_bitcode_32_bytes : embed_bitcode_64_bytes;
	LLVMMemoryBufferRef memory =
	    LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)bytes, size, "embed");
	CU_ASSERT_EQUAL_FATAL(LLVMParseBitcodeInContext2(b->context, memory, &b->module), 0);
	LLVMDisposeMemoryBuffer(memory);
}

static void bitcode_close(Bitcode *b)
{
	LLVMDisposeModule(b->module);
	LLVMContextDispose(b->context);
}

static const char *name_of(LLVMValueRef value)
{
	size_t length;
	return LLVMGetValueName2(value, &length);
}

static void breach(LLVMValueRef at)
{
	char *text = LLVMPrintValueToString(at), line[400];
	snprintf(line, sizeof line, "%s", text);
	LLVMDisposeMessage(text);
	CU_FAIL(line);
	fprintf(stderr, "\n%s\n", line);
}

/* -- Names ------------------------------------------------------------------------------------- */

static void the_door_is_there(void)
{
	static const char *const names[] = {
	    "embed_message", "embed_init",       "embed_call",   "embed_parallel",     "embed_steps",
	    "embed_find",    "embed_read",       "embed_write",  "embed_save",         "embed_load",
	    "embed_restore", "embed_save_bytes", "embed_export", "embed_export_bytes",
	};
	for (int is_32 = 0; is_32 < 2; is_32++) {
		Bitcode b;
		bitcode_open(&b, is_32);
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			LLVMValueRef f = LLVMGetNamedFunction(b.module, names[i]);
			if (!f || LLVMIsDeclaration(f))
				CU_FAIL(names[i]);
		}
		bitcode_close(&b);
	}
}

/* Intrinsics that are no code are all that may be missing. */
static void nothing_is_left_to_link(void)
{
	for (int is_32 = 0; is_32 < 2; is_32++) {
		Bitcode b;
		bitcode_open(&b, is_32);
		for (LLVMValueRef f = LLVMGetFirstFunction(b.module); f; f = LLVMGetNextFunction(f))
			if (LLVMIsDeclaration(f) &&
			    (strncmp(name_of(f), "llvm.", 5) != 0 || strncmp(name_of(f), "llvm.mem", 8) == 0))
				breach(f);
		for (LLVMValueRef g = LLVMGetFirstGlobal(b.module); g; g = LLVMGetNextGlobal(g))
			if (LLVMIsDeclaration(g) || !LLVMIsGlobalConstant(g))
				breach(g);
		bitcode_close(&b);
	}
}

/* -- Instructions ------------------------------------------------------------------------------ */

static bool is_wide(LLVMValueRef value)
{
	LLVMTypeRef type = LLVMTypeOf(value);
	return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) > 32;
}

static bool is_bare(const Bitcode *b, LLVMValueRef i)
{
	switch (LLVMGetTypeKind(LLVMTypeOf(i))) {
	case LLVMVoidTypeKind:
	case LLVMIntegerTypeKind:
	case LLVMPointerTypeKind:
	case LLVMStructTypeKind: /* two words, of a text */
	case LLVMArrayTypeKind:
		break;
	default:
		return false;
	}
	switch (LLVMGetInstructionOpcode(i)) {
	case LLVMUDiv:
	case LLVMSDiv:
	case LLVMURem:
	case LLVMSRem:
		return false;
	case LLVMMul:
		return !b->is_32 || !is_wide(i);
	case LLVMShl:
	case LLVMLShr:
	case LLVMAShr:
		return !b->is_32 || !is_wide(i) || LLVMIsAConstantInt(LLVMGetOperand(i, 1));
	default:
		return true;
	}
}

static void instructions_are_of_a_bare_machine(void)
{
	for (int is_32 = 0; is_32 < 2; is_32++) {
		Bitcode b;
		bitcode_open(&b, is_32);
		for (LLVMValueRef f = LLVMGetFirstFunction(b.module); f; f = LLVMGetNextFunction(f))
			for (LLVMBasicBlockRef k = LLVMGetFirstBasicBlock(f); k; k = LLVMGetNextBasicBlock(k))
				for (LLVMValueRef i = LLVMGetFirstInstruction(k); i; i = LLVMGetNextInstruction(i))
					if (!is_bare(&b, i))
						breach(i);
		bitcode_close(&b);
	}
}

/* -- Stack ------------------------------------------------------------------------------------- */

enum { MOST = 100 };

/* Calls that f makes, by their places in `all`. */
static int depth_of(LLVMValueRef f, LLVMValueRef const *all, const int *depth, int count)
{
	int deepest = 0;
	for (LLVMBasicBlockRef k = LLVMGetFirstBasicBlock(f); k; k = LLVMGetNextBasicBlock(k))
		for (LLVMValueRef i = LLVMGetFirstInstruction(k); i; i = LLVMGetNextInstruction(i)) {
			LLVMValueRef called = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;
			for (int n = 0; n < count; n++)
				if (all[n] == called && depth[n] > deepest)
					deepest = depth[n];
		}
	return deepest + 1;
}

/* So the stack has a bound: depths of calls settle, which they never do where one leads back. */
static void no_function_calls_itself(void)
{
	Bitcode b;
	bitcode_open(&b, true);
	LLVMValueRef all[MOST];
	int depth[MOST] = {0}, count = 0;
	for (LLVMValueRef f = LLVMGetFirstFunction(b.module); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f) && count < MOST)
			all[count++] = f;
	bool settled = false;
	for (int round = 0; round <= count && !settled; round++) {
		settled = true;
		for (int n = 0; n < count; n++) {
			int now = depth_of(all[n], all, depth, count);
			settled = settled && now == depth[n];
			depth[n] = now;
		}
	}
	CU_ASSERT(settled && count > 14 && count < MOST);
	bitcode_close(&b);
}

CU_TestInfo test_embed_bitcode[] = {
    {"the door is there", the_door_is_there},
    {"nothing is left to link", nothing_is_left_to_link},
    {"instructions are of a bare machine", instructions_are_of_a_bare_machine},
    {"no function calls itself", no_function_calls_itself},
    CU_TEST_INFO_NULL,
};
