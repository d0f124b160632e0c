/* module.c: one module of LLVM: opened, to be filled, and written as bytes or text. */
#include "module.h"

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
	e->scales = m->scales;
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
	e->addresses = addresses_open(cg->c->arena);
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
