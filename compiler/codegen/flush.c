/* flush.c: while compiled code runs, a result too small to be a normal number is zero.
 *
 * A multiplication whose result is subnormal takes many times as long on x86-64. In training they
 * come of themselves and stay: the moments of a parameter that gets no gradient any more halve down
 * to them, and so do the tails of sigmoids and softmaxes. Code says it for itself, and puts back what
 * was, so that it computes the same bits whoever calls it, and its caller computes as before. Other
 * machines are left as they are. */
#include "module.h"

enum { FLUSH_TO_ZERO = 1 << 15 /* of MXCSR */ };

static void call(Emit *e, const char *intrinsic, V at)
{
	(void)l_call(e, intrinsic, e->voidt, NULL, 0, &at, 1);
}

V flush_begin(Emit *e)
{
	if (!e->c->flushes || !machine_is_x86(e->c->machine))
		return NULL;
	V was = LLVMBuildAlloca(e->b, e->i32, "was"), now = LLVMBuildAlloca(e->b, e->i32, "now");
	call(e, "llvm.x86.sse.stmxcsr", was);
	V bits = LLVMBuildOr(e->b, l_load(e, e->i32, was, 4), l_i32(e, FLUSH_TO_ZERO), "");
	l_store(e, bits, now, 4);
	call(e, "llvm.x86.sse.ldmxcsr", now);
	return was;
}

void flush_end(Emit *e, V was)
{
	if (was)
		call(e, "llvm.x86.sse.ldmxcsr", was);
}
