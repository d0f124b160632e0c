/* step.h: the interface between compiled functions and whoever calls them. No compiler, no LLVM
 * behind it. */
#ifndef SSLC_STEP_H
#define SSLC_STEP_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of stack that a thread needs which compiles, or runs tiles: kernels keep up to 1 MiB there. */
#define STEP_STACK ((size_t)8 << 20)

/* Runs tiles [begin, end) of a kernel. */
typedef void (*StepTask)(void *args, ptrdiff_t begin, ptrdiff_t end);
/* Runs all tiles [0, tiles) by calls of `task` on disjoint ranges, on any threads, and returns when
 * all are done. The result does not depend on how the range is cut. */
typedef void (*StepParallel)(void *pool, StepTask task, void *args, ptrdiff_t tiles);

/* Kernel number `kernel` of the function is done: see `mark`. */
typedef void (*StepMark)(void *marks, int32_t kernel);
enum { STEP_MARK_FAILS = 1 << 30 };

typedef struct StepBlock {
#define FIELD(name, type, letter, meaning) type name;
#include "step.def"
#undef FIELD
} StepBlock;

typedef void (*StepFunction)(const StepBlock *block);

#endif
