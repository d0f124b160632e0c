/* embed_header.c: the header of an object file, for C and C++. Its text about the functions that
 * every object has is runtime/embed/functions.def. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "embed.h"

static const struct {
	DType type;
	const char *safetensors, *c;
} types[] = {
    {DTYPE_f32, "F32", "float"},   {DTYPE_f64, "F64", "double"}, {DTYPE_bf16, "BF16", "uint16_t"},
    {DTYPE_i32, "I32", "int32_t"}, {DTYPE_u8, "U8", "uint8_t"},  {DTYPE_bool, "BOOL", "uint8_t"},
};

const char *embed_dtype(DType t)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == t)
			return types[i].safetensors;
	BUG("no such type");
}

static const char *c_type(const char *dtype)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(type_info[types[i].type].name, dtype) == 0)
			return types[i].c;
	BUG("no such type");
}

static const char *upper(sslc_program *p, const char *name)
{
	char *copy = arena_copy(p->c.arena, name, strlen(name));
	for (char *c = copy; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
	return copy;
}

/* "[64, 10]", "one number" */
static const char *dims_text(sslc_program *p, int rank, const int64_t *dim)
{
	Text t = {0};
	for (int i = 0; i < rank; i++)
		text_printf(&t, "%s%" PRId64, i ? ", " : "[", dim[i]);
	const char *copy = rank ? arena_printf(p->c.arena, "%s]", t.data) : "one number";
	text_close(&t);
	return copy;
}

static bool is_given(const sslc_tensor *t)
{
	return object_input_from(t->name) == EMBED_FROM_CALLER;
}

static int64_t elements(const sslc_tensor *t)
{
	int64_t count = 1;
	for (int i = 0; i < t->rank; i++)
		count *= t->dim[i];
	return count;
}

/* A name in C of what the model calls so. */
static const char *c_name(sslc_program *p, const char *begin, const char *name)
{
	char *copy = arena_printf(p->c.arena, "%s%s", begin, name);
	for (char *c = copy; *c; c++)
		*c = isalnum((unsigned char)*c) ? *c : '_';
	return copy;
}

/* The name, or the first of NAME_2, NAME_3, ... that is not taken yet. */
static const char *take(sslc_program *p, Names *taken, const char *name)
{
	const char *free = name;
	for (unsigned i = 2; names_add(taken, p->c.arena, free, 1); i++)
		free = arena_printf(p->c.arena, "%s_%u", name, i);
	return free;
}

/* What the header calls so whatever the model is. */
static void take_fixed(sslc_program *p, const char *shout, Names *taken)
{
	static const char *const fixed[] = {
	    "BLOCK_BYTES", "STATES_BYTES", "ARENA_BYTES", "HASH", "ALIGN", "ALIGNED", "TENSORS", "GOOD",
#define ERROR(name, code, text) "ERROR_" #name,
#include "../runtime/embed/errors.def"
#undef ERROR
	};
	for (size_t i = 0; i < COUNT(fixed); i++)
		(void)take(p, taken, arena_printf(p->c.arena, "%s_%s", shout, fixed[i]));
}

/* Defines how many elements it has, and returns the name of that. */
static const char *put_count(sslc_program *p, const char *prefix, const char *function,
                             const sslc_tensor *t, Names *taken, Text *out)
{
	const char *name = take(
	    p, taken,
	    arena_printf(p->c.arena, "%s_%s_%s_COUNT", prefix, upper(p, function), upper(p, t->name)));
	text_printf(out, "#define %s %" PRId64 " /* %s %s */\n", name, elements(t), c_type(t->dtype),
	            dims_text(p, t->rank, t->dim));
	return name;
}

static const char *purpose(const EmbeddedFunction *f)
{
	if (strcmp(f->graph->name, "features") == 0)
		return "The features of a batch; the states do not change.";
	if (strcmp(f->graph->name, "loss") == 0)
		return "The loss of a batch, as a step would report it; nothing changes.";
	if (embed_is_named(f->graph->name, "predict"))
		return "What the task's networks predict of a batch; nothing changes.";
	return f->counts ? "One step of training on a batch."
	                 : "A function of the model; the states do not change.";
}

/* Parameters begin with in_ and out_: what the model calls `int`, `block` or `EOF` is none in C.
 * They are arrays of their length, so that compilers warn of shorter ones. */
static void put_function(sslc_program *p, const Embedded *e, const EmbeddedFunction *f,
                         Names *taken, Text *out)
{
	const char *prefix = upper(p, e->prefix);
	const char *count[2 * EMBED_MOST_VALUES];
	size_t counts = 0, at = 0;
	Names params = {0};
	text_printf(out, "\n");
	for (size_t i = 0; i < f->code.input_count; i++)
		if (is_given(&f->code.input[i]))
			count[counts++] = put_count(p, prefix, f->name, &f->code.input[i], taken, out);
	for (size_t i = 0; i < f->code.output_count; i++)
		count[counts++] = put_count(p, prefix, f->name, &f->code.output[i], taken, out);
	text_printf(out, "/* %s%s */\n", purpose(f),
	            embed_is_sole(f->code.output_count, f->counts) ? ""
	                                                           : " What is NULL is not wanted.");
	text_printf(out, "int32_t %s_%s(void *block", e->prefix, f->name);
	for (size_t i = 0; i < f->code.input_count; i++) {
		const sslc_tensor *t = &f->code.input[i];
		if (is_given(t))
			text_printf(out, ", const %s %s[%s]", c_type(t->dtype),
			            take(p, &params, c_name(p, "in_", t->name)), count[at++]);
	}
	for (size_t i = 0; i < f->code.output_count; i++) {
		const sslc_tensor *t = &f->code.output[i];
		text_printf(out, ", %s %s[%s]", c_type(t->dtype),
		            take(p, &params, c_name(p, "out_", t->name)), count[at++]);
	}
	text_printf(out, ");\n");
}

/* The model's name, which cannot end the comment that it stands in. */
static const char *harmless(sslc_program *p, const char *name)
{
	char *copy = arena_copy(p->c.arena, name, strlen(name));
	for (char *c = copy; *c; c++)
		*c = *c == '/' || *c == '\\' || *c == '?' ? ' ' : *c;
	return copy;
}

static void put_head(sslc_program *p, const Embedded *e, Text *out)
{
	const Machine *m = p->c.machine;
	const char *shout = upper(p, e->prefix);
	text_printf(
	    out,
	    "/* %s.h: the model '%s', for %s (%s). Made by sslc %s; do not edit.\n"
	    " *\n"
	    " * All that changes is in one block of memory, which is the caller's:\n"
	    " *\n"
	    " *     %s_ALIGNED static unsigned char block[%s_BLOCK_BYTES];\n"
	    " *     int32_t error = %s_init(block, sizeof block, 1, 0);\n"
	    " *     if (error)\n"
	    " *         puts(%s_message(error));\n"
	    " *\n"
	    " * Functions return 0 or an error below 0, allocate nothing and call nothing outside of\n"
	    " * this object. A block is used by one thread at a time; different blocks by any.\n"
	    " * Wherever its memory is from, it is aligned to %s_ALIGN. No address of it is kept, in\n"
	    " * it or elsewhere: between calls it may be moved, and a copy is a second instance.\n"
	    " *\n"
	    " * Batches are the caller's, too: arrays in row-major order, aligned to their elements,\n"
	    " * that overlap neither each other nor the block, and are read in place: once a call has\n"
	    " * returned nothing looks at them. */\n"
	    "#ifndef SSLC_MODEL_%s_H\n#define SSLC_MODEL_%s_H\n\n"
	    "#include <stddef.h>\n#include <stdint.h>\n\n"
	    "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
	    e->prefix, harmless(p, e->name), m->triple, m->cpu, SSLC_VERSION, shout, shout, e->prefix,
	    e->prefix, shout, shout, shout);
	text_printf(out, "/* -- Sizes, in bytes ------------------------------------------- */\n\n");
	text_printf(out, "#define %s_BLOCK_BYTES %" PRIu64 "u /* states, arena and all */\n", shout,
	            e->block_bytes);
	text_printf(out, "#define %s_STATES_BYTES %" PRIu64 "u /* of it: weights, optimizer */\n",
	            shout, e->states_bytes);
	text_printf(out, "#define %s_ARENA_BYTES %" PRIu64 "u /* of it: scratch */\n", shout,
	            e->arena_bytes);
	text_printf(out, "#define %s_HASH 0x%016" PRIx64 "ull /* of the states' layout */\n", shout,
	            e->hash);
	text_printf(out, "#define %s_ALIGN 64\n", shout);
	text_printf(out,
	            "#if defined(__cplusplus)\n#define %s_ALIGNED alignas(%s_ALIGN)\n"
	            "#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n"
	            "#define %s_ALIGNED _Alignas(%s_ALIGN)\n"
	            "#else\n#define %s_ALIGNED __attribute__((aligned(%s_ALIGN)))\n#endif\n",
	            shout, shout, shout, shout, shout, shout);
}

static void put_tensors(sslc_program *p, const Embedded *e, Names *taken, Text *out)
{
	const char *shout = upper(p, e->prefix);
	text_printf(out,
	            "\n/* -- Tensors: their numbers --------------------------------------- */\n\n");
	text_printf(out, "enum %s_tensor {\n", e->prefix);
	for (size_t i = 0; i < e->tensor_count; i++) {
		const ObjectTensor *t = &e->tensor[i];
		const char *name = c_name(p, arena_printf(p->c.arena, "%s_", shout), t->name);
		text_printf(out, "\t%s = %zu, /* %s %s %s */\n", take(p, taken, name), i, t->name, t->dtype,
		            dims_text(p, t->shape.rank, t->shape.dim));
	}
	text_printf(out, "\t%s_TENSORS = %zu\n};\n", shout, e->tensor_count);
}

static void put_common(const Embedded *e, Text *out)
{
	text_printf(out,
	            "\n/* -- What every model has ------------------------------------------ */\n");
#define EMBED(name, letters, result, params, meaning)                                              \
	text_printf(out, "\n/* %s */\n%s%s_%s%s;\n", meaning, result, e->prefix, #name, params);
#define PLAIN EMBED
#include "../runtime/embed/functions.def"
#undef EMBED
#undef PLAIN
}

static void put_errors(sslc_program *p, const Embedded *e, Text *out)
{
	const char *shout = upper(p, e->prefix);
	text_printf(out,
	            "\n/* -- Errors ------------------------------------------------------ */\n\n");
	text_printf(out, "enum %s_error {\n",
	            e->prefix); /* bindgen 0.60 takes no enum without a name */
#define ERROR(name, code, text)                                                                    \
	text_printf(out, "\t%s_ERROR_%s = %d, /* %s */\n", shout, #name, code, text);
#include "../runtime/embed/errors.def"
#undef ERROR
	text_printf(out, "\t%s_GOOD = 0\n};\n", shout);
}

void embed_header(sslc_program *p, const Embedded *e, Text *out)
{
	Names taken = {0};
	take_fixed(p, upper(p, e->prefix), &taken);
	put_head(p, e, out);
	put_errors(p, e, out);
	put_tensors(p, e, &taken, out);
	text_printf(out, "\n/* -- The model's functions ---------------------------------------- */\n");
	for (size_t i = 0; i < e->shown; i++)
		put_function(p, e, &e->function[i], &taken, out);
	put_common(e, out);
	text_printf(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}
