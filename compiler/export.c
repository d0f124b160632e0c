/* export.c: a function as an ONNX file. Elaborates it anew, with products as they are meant
 * (`exported` of the language), for two batches, so that onnx/extents.c sees what the batch is. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "autodiff/autodiff.h"
#include "onnx/onnx.h"

/* Primes that no model is likely to have as a length. */
enum { BATCH = 97, OTHER_BATCH = 89 };

typedef struct Export {
	sslc_program *p;
	const char *weights;
} Export;

static const void *value_of(void *context, const Node *n)
{
	Export *e = context;
	const Bundle *b = e->p->bundle;
	uint32_t number = names_find(&b->state_names, n->attr.name);
	if (number)
		return e->weights + b->state[number - 1].offset;
	diag_error(e->p->c.diags, n->origin, "'%s' is no state of the trained model", n->attr.name);
	return NULL;
}

/* Of primitives; NULL: reported, with what to do where it is the batch that does not fit. */
static Graph *primitives(sslc_program *p, const char *function, int64_t batch, bool is_free)
{
	Compile exported = p->c;
	exported.exported = true;
	exported.dot_type = DTYPE_none;
	size_t errors = diag_count(p->c.diags);
	Graph *g = elaborate_function(&exported, p->bundle, p->prelude, function, batch);
	if (!g && is_free && diag_count(p->c.diags) > errors)
		diag_help(p->c.diags,
		          "this is for a batch of %lld: dim(x, 0), or -1 in one place of a shape, is any; "
		          "--batch N writes it for N samples alone",
		          (long long)batch);
	if (g)
		g = autodiff(&exported, g);
	p->c.laps = exported.laps;
	if (g)
		graph_verify(g, "autodiff");
	return g;
}

static const char *function_of(sslc_program *p, const sslc_export *how)
{
	const char *name = how->function ? how->function : "features";
	name = strcmp(name, "encode") == 0 ? "features" : name;
	bool known = strcmp(name, "features") == 0 || strcmp(name, "loss") == 0;
	if (known && bundle_graph(p->bundle, name))
		return name;
	if (known)
		diag_error(p->c.diags, (Span){0}, "the model has no function '%s'", name);
	else
		diag_error(p->c.diags, (Span){0}, "'%s' is no function that can be exported", name);
	diag_help(p->c.diags,
	          "there are: features (or encode), and loss where it draws no random numbers");
	return NULL;
}

static bool guarded_export(sslc_program *p, const sslc_export *how, OnnxTexts *t)
{
	GUARD(p, false);
	const char *name = how->weights && p->bound ? function_of(p, how) : NULL;
	if (!name)
		return false;
	if (how->batch < 0) {
		diag_error(p->c.diags, (Span){0},
		           "the batch is %lld, but must be at least 1, or 0 where it is free",
		           (long long)how->batch);
		return false;
	}
	Export e = {p, how->weights};
	OnnxSource from = {.state = value_of, .context = &e, .batch = how->batch ? how->batch : BATCH};
	from.graph = primitives(p, name, from.batch, !how->batch);
	if (from.graph && !how->batch)
		from.other = primitives(p, name, from.other_batch = OTHER_BATCH, true);
	bool good = from.graph && (how->batch || from.other) && onnx_write(&p->c, &from, t);
	lap(&p->c.laps, "onnx");
	return good;
}

bool sslc_export_onnx(sslc_program *p, const sslc_export *how, char **bytes, size_t *size)
{
	OnnxTexts t = {0};
	if (!p || !how || !bytes || !size)
		return false;
	bool good = guarded_export(p, how, &t);
	if (good) {
		text_add(&t.head, t.graph.data, t.graph.size);
		*bytes = t.head.data;
		*size = t.head.size;
		t.head = (Text){0};
	}
	onnx_close(&t);
	return good;
}
