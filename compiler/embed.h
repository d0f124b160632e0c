/* embed.h: private to embed.c, embed_header.c and program.c: what becomes an object file. */
#ifndef SSLC_COMPILER_EMBED_H
#define SSLC_COMPILER_EMBED_H

#include "../runtime/embed/embed.h"
#include "program.h"

typedef struct EmbeddedFunction {
	const Graph *graph;
	const char *name;  /* that C calls it by; NULL: it sets first values */
	bool counts;       /* a step */
	uint32_t training; /* 0: pre-training; i: the i-th task that has a step */
	sslc_code code;    /* its inputs and outputs */
	const Kernels *k;
	const Plan *p;
} EmbeddedFunction;

typedef struct Embedded {
	const char *name, *prefix;
	EmbeddedFunction *function;
	size_t count, shown; /* those that are called by others come first */
	ObjectTensor *tensor;
	size_t tensor_count;
	uint32_t tasks; /* that have a step */
	uint64_t hash, block_bytes, states_bytes, spare_bytes, arena_bytes, counts_at;
} Embedded;

/* False: reported. */
MUST_USE bool embed(sslc_program *p, const sslc_embedding *how, Embedded *to, Text *object,
                    Text *header);
/* Whether the graph is `last` of the model or of a task. */
bool embed_is_named(const char *graph, const char *last);
/* embed_header.c */
void embed_header(sslc_program *p, const Embedded *e, Text *out);
const char *embed_dtype(DType t); /* in the words of safetensors */

#endif
