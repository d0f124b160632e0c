/* sum.c: sums of many terms, whose error does not grow with their number.
 *
 * A running sum of n equal terms rounds n times at about its final size. Here blocks of a few terms
 * are summed from zero, and their totals added with what rounding takes from the sum carried along
 * (Kahan 1965): the error is that of one block, at a few operations a block. */
#include "emit.h"

void sum_add(Emit *e, Sum *s, V block)
{
	V y = l_fadd(e, block, s->lost), total = l_fadd(e, s->total, y);
	V lost = l_fsub(e, y, l_fsub(e, total, s->total));
	/* a sum that has become infinite or NaN stays so: nothing is lost of it */
	V none = l_fsub(e, lost, lost);
	V finite = LLVMBuildFCmp(e->b, LLVMRealORD, none, none, "");
	s->lost = l_select(e, finite, lost, LLVMConstNull(LLVMTypeOf(lost)));
	s->total = total;
}
