/* samples.h: for every operation of the table some small graphs that use it, at odd shapes; the
 * tests of gradients and of generated code run over them, so an operation without a sample fails by
 * name. */
#ifndef SSLC_TEST_SAMPLES_H
#define SSLC_TEST_SAMPLES_H

#include "../../compiler/graph/graph.h"

enum { SAMPLES = 4 }; /* variants at most */

/* The result of variant `variant` of `op`; inputs are named a, b, c. Floats have `type`. 0: no such
 * variant. */
NodeId sample_make(Graph *g, Op op, int variant, DType type, const char *prefix);
/* A value for element i of an input; inside the op's domain and away from its kinks. */
double sample_value(Op op, const char *input, DType type, int64_t i);

#endif
