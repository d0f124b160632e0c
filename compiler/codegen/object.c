/* object.c: several functions of a model as one object file for other programs.
 *
 * In: planned functions, the tensors of the states. Out: a module that holds them, the tables and
 * the functions of runtime/embed, which are bitcode that was made as sslc was built, and thin
 * functions by the model's name, the only ones that are seen from outside: all others have a dot in
 * their names, so that no name of a model is one of them. No global is written.
 *
 * The layout of a table is that of the C struct in runtime/embed/embed.h: LLVM lays out a struct of
 * pointers and integers as C does. */
#include <string.h>

#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>
#include <llvm-c/Object.h>

#include "../../runtime/embed/bitcode.h"
#include "../../runtime/embed/embed.h"
#include "module.h"

typedef struct ObjectEmit {
	Emit *e;
	Codegen *cg;
	const ObjectPlan *plan;
	V model; /* the table of all */
} ObjectEmit;

/* -- Tables ------------------------------------------------------------------------------------ */

/* A row of each table, as values of LLVM: from the same list as the struct of C. */
#define ROW(name, type, letter, meaning) V name;
#define TENSOR                           ROW
typedef struct TensorRow {
#include "../../runtime/embed/tables.def"
} TensorRow;
#undef TENSOR
#define VALUE ROW
typedef struct ValueRow {
#include "../../runtime/embed/tables.def"
} ValueRow;
#undef VALUE
#define FUNCTION ROW
typedef struct FunctionRow {
#include "../../runtime/embed/tables.def"
} FunctionRow;
#undef FUNCTION
#define MODEL ROW
typedef struct ModelRow {
#include "../../runtime/embed/tables.def"
} ModelRow;
#undef MODEL
#undef ROW

/* The constant struct of a row. */
#define STRUCTURE(e, row)                                                                          \
	LLVMConstStructInContext((e)->context, (V *)(row), sizeof *(row) / sizeof(V), false)

static V constant(Emit *e, const char *name, V value)
{
	V g = LLVMAddGlobal(e->module, LLVMTypeOf(value), name);
	LLVMSetInitializer(g, value);
	LLVMSetGlobalConstant(g, true);
	LLVMSetLinkage(g, LLVMPrivateLinkage);
	LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
	return g;
}

static V text(Emit *e, const char *bytes)
{
	return constant(e, "text", LLVMConstStringInContext2(e->context, bytes, strlen(bytes), false));
}

static V u32(Emit *e, uint64_t x)
{
	return LLVMConstInt(e->i32, x, false);
}

static V u64(Emit *e, uint64_t x)
{
	return LLVMConstInt(e->i64, x, false);
}

/* The address of an array of equal structs; NULL if it is empty. */
static V table(Emit *e, V *row, size_t count)
{
	return count ? constant(e, "table", LLVMConstArray2(LLVMTypeOf(row[0]), row, count))
	             : LLVMConstNull(e->ptr);
}

static V tensor_table(ObjectEmit *o)
{
	Emit *e = o->e;
	const ObjectPlan *p = o->plan;
	V *row = new_array(e->c->arena, V, p->tensor_count + 1);
	for (size_t i = 0; i < p->tensor_count; i++) {
		const ObjectTensor *t = &p->tensor[i];
		V dim[EMBED_MOST_RANK];
		for (int d = 0; d < EMBED_MOST_RANK; d++)
			dim[d] = u32(e, d < t->shape.rank ? (uint64_t)t->shape.dim[d] : 0);
		TensorRow r = {.name = text(e, t->name),
		               .dtype = text(e, t->dtype),
		               .offset = u64(e, t->offset),
		               .bytes = u64(e, t->bytes),
		               .rank = u32(e, (uint64_t)t->shape.rank),
		               .flags = u32(e, t->flags),
		               .dim = LLVMConstArray2(e->i32, dim, EMBED_MOST_RANK)};
		row[i] = STRUCTURE(e, &r);
	}
	return table(e, row, p->tensor_count);
}

unsigned object_input_from(const char *name)
{
	return strcmp(name, "seed") == 0   ? EMBED_FROM_SEED
	       : strcmp(name, "step") == 0 ? EMBED_FROM_STEP
	                                   : EMBED_FROM_CALLER;
}

/* from: of an output, 0. */
static V value_row(Emit *e, const Node *n, unsigned from)
{
	size_t size = type_info[n->type].size;
	ValueRow r = {.bytes = u64(e, (uint64_t)shape_size(n->shape) * size),
	              .align = u32(e, size),
	              .from = u32(e, from)};
	return STRUCTURE(e, &r);
}

static V function_row(ObjectEmit *o, const ObjectFunction *f, V call)
{
	Emit *e = o->e;
	const Kernels *k = f->k;
	V *in = new_array(e->c->arena, V, k->input_count + 1),
	  *out = new_array(e->c->arena, V, k->output_count + 1);
	for (uint32_t i = 0; i < k->input_count; i++)
		in[i] =
		    value_row(e, node(k->graph, kernels_input(k, i)), object_input_from(k->input_name[i]));
	for (uint32_t i = 0; i < k->output_count; i++)
		out[i] = value_row(e, node(k->graph, k->graph->out[i].value), 0);
	FunctionRow r = {.call = call,
	                 .input = table(e, in, k->input_count),
	                 .output = table(e, out, k->output_count),
	                 .input_count = u32(e, k->input_count),
	                 .output_count = u32(e, k->output_count),
	                 .is_step = u32(e, f->counts),
	                 .training = u32(e, f->training)};
	return STRUCTURE(e, &r);
}

/* -- Functions --------------------------------------------------------------------------------- */

/* A C function of our own calling convention's word: on some machines what is returned in 32 bits
 * must be extended by who returns it. */
static V exported(ObjectEmit *o, const char *suffix, T result, T *params, unsigned count)
{
	Emit *e = o->e;
	const char *name = arena_printf(e->c->arena, "%s_%s", o->plan->prefix, suffix);
	V f = LLVMAddFunction(e->module, name, LLVMFunctionType(result, params, count, false));
	target_attributes(o->cg, e, f);
	if (result == e->i32 && strncmp(o->cg->target->triple, "riscv64", 7) == 0) {
		unsigned kind = LLVMGetEnumAttributeKindForName("signext", 7);
		LLVMAddAttributeAtIndex(f, LLVMAttributeReturnIndex,
		                        LLVMCreateEnumAttribute(e->context, kind, 0));
	}
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	return f;
}

static V embedded(ObjectEmit *o, const char *name)
{
	V f = LLVMGetNamedFunction(o->e->module, arena_printf(o->e->c->arena, "own.embed_%s", name));
	if (!f)
		BUG("runtime/embed has no function '%s'", name);
	return f;
}

static V call(Emit *e, V f, V *args, unsigned count)
{
	return LLVMBuildCall2(e->b, LLVMGlobalGetValueType(f), f, args, count, "");
}

static T type_of_letter(Emit *e, char letter)
{
	return letter == 'p' ? e->ptr : letter == 'z' ? e->word : e->i32;
}

/* prefix_NAME(...): embed_NAME(model, ...), or the same without the model. */
static void forward(ObjectEmit *o, const char *name, const char *letters, bool plain)
{
	Emit *e = o->e;
	enum { MOST = 8 };
	T params[MOST];
	V args[MOST + 1] = {o->model};
	unsigned count = (unsigned)strlen(letters) - 1; /* the first one is of the result */
	for (unsigned i = 0; i < count; i++)
		params[i] = type_of_letter(e, letters[i + 1]);
	V f = exported(o, name, type_of_letter(e, letters[0]), params, count);
	for (unsigned i = 0; i < count; i++)
		args[i + 1] = LLVMGetParam(f, i);
	LLVMBuildRet(e->b, call(e, embedded(o, name), args + plain, count + !plain));
}

/* Of the rows of pointers that embed_call takes. */
static V row(Emit *e, V f, unsigned first, unsigned count)
{
	V at = LLVMBuildArrayAlloca(e->b, e->ptr, u32(e, count + 1), "");
	for (unsigned i = 0; i < count; i++)
		l_store(e, LLVMGetParam(f, first + i), l_at(e, e->ptr, at, u32(e, i)), e->word_bytes);
	return at;
}

/* prefix_NAME(block, inputs..., outputs...). */
static void export_function(ObjectEmit *o, const ObjectFunction *f, V table)
{
	Emit *e = o->e;
	unsigned given = 0, outputs = f->k->output_count;
	for (uint32_t i = 0; i < f->k->input_count; i++)
		given += object_input_from(f->k->input_name[i]) == EMBED_FROM_CALLER;
	T *params = new_array(e->c->arena, T, 1 + given + outputs);
	for (unsigned i = 0; i < 1 + given + outputs; i++)
		params[i] = e->ptr;
	V made = exported(o, f->name, e->i32, params, 1 + given + outputs);
	V args[] = {o->model, LLVMGetParam(made, 0), table, row(e, made, 1, given),
	            row(e, made, 1 + given, outputs)};
	LLVMBuildRet(e->b, call(e, embedded(o, "call"), args, COUNT(args)));
}

/* -- Variants ---------------------------------------------------------------------------------- */

/* What is emitted next is for this machine. */
static void object_is_for(ObjectEmit *o, const Machine *m)
{
	o->cg->target = o->cg->c->machine = m;
	emit_is_for(o->e, m);
}

/* -- The module -------------------------------------------------------------------------------- */

/* What clang knew of the machine does not hold: attributes that are text go, ours come. */
static void retarget(ObjectEmit *o, V f)
{
	unsigned at = (unsigned)LLVMAttributeFunctionIndex;
	unsigned count = LLVMGetAttributeCountAtIndex(f, at);
	LLVMAttributeRef *has = new_array(o->e->c->arena, LLVMAttributeRef, count + 1);
	LLVMGetAttributesAtIndex(f, at, has);
	for (unsigned i = 0; i < count; i++) {
		unsigned length;
		if (!LLVMIsStringAttribute(has[i]))
			continue;
		const char *name = LLVMGetStringAttributeKind(has[i], &length);
		if (strncmp(name, "no-builtin", 10) != 0)
			LLVMRemoveStringAttributeAtIndex(f, at, name, length);
	}
	target_attributes(o->cg, o->e, f);
}

/* Names that no model can have, whatever its prefix. */
static void rename_own(ObjectEmit *o, LLVMModuleRef module)
{
	for (V f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
		size_t length;
		const char *name = LLVMGetValueName2(f, &length);
		if (LLVMIsDeclaration(f))
			continue;
		name = arena_printf(o->e->c->arena, "own.%s", name);
		LLVMSetValueName2(f, name, strlen(name));
	}
}

static void link_embed(ObjectEmit *o)
{
	Emit *e = o->e;
	bool wide = e->word_bytes == 8;
	LLVMMemoryBufferRef bytes = LLVMCreateMemoryBufferWithMemoryRangeCopy(
	    (const char *)(wide ? embed_bitcode_64 : embed_bitcode_32),
	    wide ? embed_bitcode_64_bytes : embed_bitcode_32_bytes, "embed");
	LLVMModuleRef module;
	if (LLVMParseBitcodeInContext2(e->context, bytes, &module))
		BUG("the bitcode of runtime/embed is damaged");
	LLVMDisposeMemoryBuffer(bytes);
	rename_own(o, module);
	LLVMSetTarget(module, o->cg->target->triple);
	LLVMSetModuleDataLayout(module, e->layout);
	if (LLVMLinkModules2(e->module, module))
		BUG("the bitcode of runtime/embed cannot be linked");
	for (V f = LLVMGetFirstFunction(e->module); f; f = LLVMGetNextFunction(f))
		if (!LLVMIsDeclaration(f))
			retarget(o, f);
}

/* The step of a function of that variant, of the symbol that is returned. Functions of a variant
 * share kernels. */
static V emit_whole(ObjectEmit *o, size_t variant, const ObjectFunction *f)
{
	Emit *e = o->e;
	size_t number = (size_t)(f - o->plan->function);
	const char *prefix = arena_printf(e->c->arena, "f%zu.", number),
	           *name = arena_printf(e->c->arena, "%scall", prefix);
	e->k = f->k;
	e->plan = f->p;
	const char *of_variant = arena_printf(e->c->arena, "v%zu.", variant);
	uint32_t made =
	    emit_function(e, o->cg, prefix, name, kernel_contents(e->c, f->k, of_variant, name));
	o->cg->counts.compiled += made;
	o->cg->counts.reused += f->k->kernel_count - made;
	return LLVMGetNamedFunction(e->module, name);
}

/* The tables of a function, of all variants. */
static V emit_variants(ObjectEmit *o, size_t number)
{
	Emit *e = o->e;
	const ObjectPlan *p = o->plan;
	V *row = new_array(e->c->arena, V, p->variants);
	for (size_t v = 0; v < p->variants; v++) {
		const ObjectFunction *f = &p->function[v * p->count + number];
		object_is_for(o, p->machine[v]);
		row[v] = function_row(o, f, emit_whole(o, v, f));
	}
	return table(e, row, p->variants);
}

/* int32_t variant(void): the last one that this processor's level allows; -1: none. NULL: there is one,
 * which every processor can run. */
static V emit_choice(ObjectEmit *o)
{
	Emit *e = o->e;
	if (o->plan->variants == 1 && machine_x86_needs(o->plan->machine[0]) < 2)
		return LLVMConstNull(e->ptr);
	V f = LLVMAddFunction(e->module, "own.variant", LLVMFunctionType(e->i32, NULL, 0, false));
	target_attributes(o->cg, e, f);
	e->function = f;
	LLVMPositionBuilderAtEnd(e->b, l_block(e, "entry"));
	V level = call(e, embedded(o, "x86_level"), NULL, 0), choice = l_i32(e, -1);
	for (size_t v = 0; v < o->plan->variants; v++) {
		V least = u32(e, machine_x86_needs(o->plan->machine[v]));
		V good = LLVMBuildICmp(e->b, LLVMIntUGE, level, least, "");
		choice = l_select(e, good, u32(e, v), choice);
	}
	LLVMBuildRet(e->b, choice);
	return f;
}

/* The function whose name is NULL is the one that sets the states; it is called by others only. */
static void emit_all(ObjectEmit *o)
{
	Emit *e = o->e;
	const ObjectPlan *p = o->plan;
	V *tables = new_array(e->c->arena, V, p->count + 1), init = LLVMConstNull(e->ptr);
	object_is_for(o, p->common);
	link_embed(o);
	for (size_t i = 0; i < p->count; i++) {
		tables[i] = emit_variants(o, i);
		init = p->function[i].name ? init : tables[i];
	}
	object_is_for(o, p->common);
	V weights = LLVMConstNull(e->ptr);
	if (p->weights) {
		weights = constant(
		    e, "weights", LLVMConstStringInContext2(e->context, p->weights, p->states_bytes, true));
		LLVMSetAlignment(weights, 64);
	}
	ModelRow r = {.name = text(e, p->name),
	              .tensor = tensor_table(o),
	              .init = init,
	              .weights = weights,
	              .hash = u64(e, p->hash),
	              .states_bytes = u64(e, p->states_bytes),
	              .spare_bytes = u64(e, p->spare_bytes),
	              .arena_bytes = u64(e, p->arena_bytes),
	              .counts_at = u64(e, p->counts_at),
	              .variant = emit_choice(o),
	              .tensor_count = u32(e, p->tensor_count),
	              .tasks = u32(e, p->tasks)};
	o->model = constant(e, "model", STRUCTURE(e, &r));
#define EMBED(name, letters, result, params, meaning) forward(o, #name, letters, false);
#define PLAIN(name, letters, result, params, meaning) forward(o, #name, letters, true);
#include "../../runtime/embed/functions.def"
#undef EMBED
#undef PLAIN
	for (size_t i = 0; i < p->count; i++)
		if (p->function[i].name)
			export_function(o, &p->function[i], tables[i]);
	object_is_for(o, p->machine[0]);
}

/* What has a dot in its name is this module's own. Each function has a section, so that a linker
 * can leave out what a program does not call. */
static void hide(ObjectEmit *o)
{
	for (V f = LLVMGetFirstFunction(o->e->module); f; f = LLVMGetNextFunction(f)) {
		size_t length;
		const char *name = LLVMGetValueName2(f, &length);
		if (!LLVMIsDeclaration(f) && strchr(name, '.'))
			LLVMSetLinkage(f, LLVMInternalLinkage);
		if (!LLVMIsDeclaration(f) && strncmp(o->cg->target->triple, "wasm", 4) != 0)
			LLVMSetSection(f, arena_printf(o->e->c->arena, ".text.%s", name));
	}
}

bool codegen_object(Codegen *cg, const ObjectPlan *plan, CodegenText what, Text *out)
{
	Emit e;
	emit_open(&e, cg, plan->function[0].k, plan->function[0].p, plan->name);
	e.state_offset = plan->offset;
	e.states = plan->states;
	ObjectEmit o = {.e = &e, .cg = cg, .plan = plan};
	emit_all(&o);
	hide(&o);
	verify_module(e.module, plan->name);
	bool good = write_module(cg, e.module, what, out);
	arena_release(cg->c->arena); /* all of it */
	return good;
}

/* What a linker puts into memory: sections of code, and of constants, tables among them. */
static void add_section(ObjectSizes *to, const char *name, size_t bytes)
{
	if (!name)
		return;
	if (strncmp(name, ".text", 5) == 0 || strcmp(name, "CODE") == 0)
		to->code += bytes;
	else if (strncmp(name, ".rodata", 7) == 0 || strncmp(name, ".data", 5) == 0 ||
	         strcmp(name, "DATA") == 0)
		to->constants += bytes;
}

bool codegen_object_sizes(Codegen *cg, const Text *object, ObjectSizes *to)
{
	char *message = NULL;
	*to = (ObjectSizes){0};
	LLVMMemoryBufferRef bytes =
	    LLVMCreateMemoryBufferWithMemoryRange(object->data, object->size, "object", false);
	LLVMBinaryRef binary = LLVMCreateBinary(bytes, NULL, &message);
	if (!binary) {
		diag_error(cg->c->diags, (Span){0}, "LLVM cannot read its object: %s", message);
		LLVMDisposeMessage(message);
		LLVMDisposeMemoryBuffer(bytes);
		return false;
	}
	LLVMSectionIteratorRef at = LLVMObjectFileCopySectionIterator(binary);
	for (; !LLVMObjectFileIsSectionIteratorAtEnd(binary, at); LLVMMoveToNextSection(at))
		add_section(to, LLVMGetSectionName(at), LLVMGetSectionSize(at));
	LLVMDisposeSectionIterator(at);
	LLVMDisposeBinary(binary);
	LLVMDisposeMemoryBuffer(bytes);
	return true;
}
