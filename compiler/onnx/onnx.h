/* onnx.h: a graph of primitives -> ONNX, the exchange format of inference engines.
 *
 * table.def says how each op of graph/ops.def is written. proto.c writes the wire format, extents.c
 * finds what of the shapes is the batch, onnx.c puts the file together. */
#ifndef SSLC_ONNX_H
#define SSLC_ONNX_H

#include "../graph/graph.h"

/* Opset 17 of June 2022 and its IR 8: all that is written exists there, and every reader since then
 * knows it. */
enum { ONNX_OPSET = 17, ONNX_IR = 8 };

typedef struct OnnxSource {
	const Graph *graph; /* of primitives, for a batch of so many samples: */
	int64_t batch;
	const Graph *other; /* the same function for another batch; NULL: the batch is not free */
	int64_t other_batch;
	/* The value of a state, in row-major order; NULL: reported. */
	const void *(*state)(void *context, const Node *n);
	void *context;
} OnnxSource;

/* What is open while a file is made; zero-initialised, closed after success and failure alike. */
typedef struct OnnxTexts {
	Text node, initializer, attribute, message, head, graph;
} OnnxTexts;
void onnx_close(OnnxTexts *t);

/* The file is t->head, then t->graph. False: reported, with the op and its place in the model. */
MUST_USE bool onnx_write(Compile *c, const OnnxSource *from, OnnxTexts *t);

#endif
