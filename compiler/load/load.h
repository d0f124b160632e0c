/* load.h: planned functions -> functions of this process. Their objects come from codegen, or from
 * disk where they were made before, are kept there, and are linked into memory. */
#ifndef SSLC_LOAD_H
#define SSLC_LOAD_H

#include "../../runtime/step.h"
#include "../codegen/codegen.h"

/* One serves many functions. */
typedef struct Loader Loader;
MUST_USE Loader *loader_open(Compile *c, Codegen *cg); /* cg outlives it; NULL: reported */
void loader_close(Loader *l);                          /* NULL-safe; its functions end */

/* Begins to make a function, on other threads than the caller's; NULL if it has no kernels or no
 * plan. load_finish then makes all that was begun; load_call is NULL before, and after an error. */
typedef struct LoadedFunction LoadedFunction;
LoadedFunction *load_begin(Loader *l, const PlannedFunction *f);
void load_finish(Loader *l);
StepFunction load_call(const LoadedFunction *f);
/* The same for one. */
StepFunction load_function(Loader *l, const PlannedFunction *f);

StepTask load_peak(Loader *l, double *flops_per_tile); /* of codegen_peak; NULL: reported */
/* Why objects are not kept on disk; NULL: nothing that the user should know. */
const char *load_note(const Loader *l);

#endif
