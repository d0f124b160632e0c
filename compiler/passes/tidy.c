/* tidy.c: simplify and fold once more: what the passes before left behind. */
#include "passes.h"

Graph *pass_tidy(Compile *c, const Graph *in)
{
	return pass_simplify(c, pass_fold(c, in));
}
