/* rules.h: private to autodiff/: what a gradient rule is given. */
#ifndef SSLC_RULES_H
#define SSLC_RULES_H

#include "autodiff.h"

/* Writes to dx[i] what operand i's adjoint gains, given the adjoint dy of node n; 0: nothing.
 * Operands that no wanted variable reaches may be skipped (needed[i] false): their dx is not read. */
typedef struct Rule {
	Graph *g;
	const Node *n;
	NodeId y; /* n's own id, for rules that reuse the result */
	NodeId dy;
	bool needed[MOST_INS];
	NodeId dx[MOST_INS];
	const NodeId *adjoint; /* [top + 1] of a scan: so far, of its results, too */
	NodeId top;
} Rule;

/* autodiff.c: visits the nodes up to `top` that have an adjoint and are reached, the last one first. */
void sweep_nodes(Graph *g, NodeId *adjoint, const bool *reached, NodeId top);
/* adjoint[x] gains dx, if x is of floats. */
void add_adjoint(Graph *g, NodeId *adjoint, NodeId x, NodeId dx);
/* reached[x] of all up to top that depend on what is reached already. */
void reach_nodes(const Graph *g, bool *reached, NodeId top);

/* rules_reduce.c: x over the shape `from`, of which a reduction took the axes `gone`. */
NodeId spread_over(Graph *g, NodeId x, Shape from, Axes gone);

typedef void (*GradientRule)(Rule *r);

/* rules_*.c: grad_<rule> as in ops.def's gradient column */
void grad_zero(Rule *r);
void grad_neg(Rule *r);
void grad_abs(Rule *r);
void grad_exp(Rule *r);
void grad_log(Rule *r);
void grad_log1p(Rule *r);
void grad_sqrt(Rule *r);
void grad_sin(Rule *r);
void grad_cos(Rule *r);
void grad_tanh(Rule *r);
void grad_erf(Rule *r);
void grad_cast(Rule *r);
void grad_add(Rule *r);
void grad_sub(Rule *r);
void grad_mul(Rule *r);
void grad_div(Rule *r);
void grad_rem(Rule *r);
void grad_pow(Rule *r);
void grad_max(Rule *r);
void grad_min(Rule *r);
void grad_select(Rule *r);
void grad_broadcast(Rule *r);
void grad_reshape(Rule *r);
void grad_transpose(Rule *r);
void grad_slice(Rule *r);
void grad_windows(Rule *r);
void grad_overlap_add(Rule *r);
void grad_pad(Rule *r);
void grad_concat(Rule *r);
void grad_gather(Rule *r);
void grad_scatter_add(Rule *r);
void grad_sum(Rule *r);
void grad_reduce_max(Rule *r);
void grad_dot(Rule *r);
void grad_scan(Rule *r);

#endif
