/* rules_map.c: gradients of element-wise operations: dx = dy f'(x), each with its formula. */
#include "rules.h"

static NodeId scale(Rule *r, double factor, NodeId x)
{
	return op_mul(r->g, op_like(r->g, x, factor), x);
}
static NodeId x_of(const Rule *r)
{
	return r->n->in[0];
}
static NodeId y_of(const Rule *r)
{
	return r->n->in[1];
}

void grad_zero(Rule *r)
{
	(void)r;
}

void grad_neg(Rule *r)
{
	r->dx[0] = op_neg(r->g, r->dy);
}

/* dy sign(x), with sign(0) = 0; dy where x is NaN */
void grad_abs(Rule *r)
{
	NodeId x = x_of(r), zero = op_like(r->g, x, 0);
	NodeId positive = op_select(r->g, op_equal(r->g, x, zero), zero, r->dy);
	r->dx[0] = op_select(r->g, op_less(r->g, x, zero), op_neg(r->g, r->dy), positive);
}

void grad_exp(Rule *r)
{
	r->dx[0] = op_mul(r->g, r->dy, r->y);
}
void grad_log(Rule *r)
{
	r->dx[0] = op_div(r->g, r->dy, x_of(r));
}
void grad_log1p(Rule *r)
{
	r->dx[0] = op_div(r->g, r->dy, op_add(r->g, op_like(r->g, r->dy, 1), x_of(r)));
}
/* dy / (2 sqrt(x)) */
void grad_sqrt(Rule *r)
{
	r->dx[0] = op_div(r->g, scale(r, 0.5, r->dy), r->y);
}
void grad_sin(Rule *r)
{
	r->dx[0] = op_mul(r->g, r->dy, op_cos(r->g, x_of(r)));
}
void grad_cos(Rule *r)
{
	r->dx[0] = op_neg(r->g, op_mul(r->g, r->dy, op_sin(r->g, x_of(r))));
}

/* dy (1 - tanh(x)^2) */
void grad_tanh(Rule *r)
{
	NodeId square = op_mul(r->g, r->y, r->y);
	r->dx[0] = op_mul(r->g, r->dy, op_sub(r->g, op_like(r->g, square, 1), square));
}

/* dy 2 / sqrt(pi) e^(-x^2) */
void grad_erf(Rule *r)
{
	NodeId x = x_of(r);
	NodeId bell = op_exp(r->g, op_neg(r->g, op_mul(r->g, x, x)));
	r->dx[0] = op_mul(r->g, r->dy, scale(r, 1.12837916709551257390, bell));
}

/* To and from floats only: an integer or a bool carries no gradient. */
void grad_cast(Rule *r)
{
	if (type_info[r->n->type].is_float)
		r->dx[0] = op_cast(r->g, r->dy, node(r->g, x_of(r))->type);
}

void grad_add(Rule *r)
{
	r->dx[0] = r->dx[1] = r->dy;
}

void grad_sub(Rule *r)
{
	r->dx[0] = r->dy;
	if (r->needed[1])
		r->dx[1] = op_neg(r->g, r->dy);
}

void grad_mul(Rule *r)
{
	if (r->needed[0])
		r->dx[0] = op_mul(r->g, r->dy, y_of(r));
	if (r->needed[1])
		r->dx[1] = op_mul(r->g, r->dy, x_of(r));
#ifdef SSLC_BREAK_grad_mul /* tests/broken_rule.sh: the gradient tests must find this */
	r->dx[0] = r->needed[0] ? op_neg(r->g, r->dx[0]) : 0;
#endif
}

/* dy / y;  -dy x / y^2 = -(dy (x / y)) / y */
void grad_div(Rule *r)
{
	if (r->needed[0])
		r->dx[0] = op_div(r->g, r->dy, y_of(r));
	if (r->needed[1])
		r->dx[1] = op_neg(r->g, op_div(r->g, op_mul(r->g, r->dy, r->y), y_of(r)));
}

/* x - y trunc(x / y): dy;  -dy trunc(x / y). trunc(q) is floor(|q|) with q's sign. */
void grad_rem(Rule *r)
{
	Graph *g = r->g;
	r->dx[0] = r->dy;
	if (!r->needed[1])
		return;
	NodeId q = op_div(g, x_of(r), y_of(r)), down = op_floor(g, op_abs(g, q));
	NodeId whole = op_select(g, op_less(g, q, op_like(g, q, 0)), op_neg(g, down), down);
	r->dx[1] = op_neg(g, op_mul(g, r->dy, whole));
}

/* dy y x^(y - 1);  dy x^y log x, and 0 where x^y is, and at 0^0: the limits of 0^y for y > 0 and of
 * inf^y for y < 0 */
void grad_pow(Rule *r)
{
	Graph *g = r->g;
	NodeId x = x_of(r), y = y_of(r), zero = op_like(g, x, 0), one = op_like(g, x, 1);
	if (r->needed[0]) {
		/* y = 0 is flat, also at x = 0, where x^-1 is not finite */
		NodeId slope = op_mul(g, y, op_pow(g, x, op_sub(g, y, one)));
		r->dx[0] = op_mul(g, r->dy, op_select(g, op_equal(g, y, zero), zero, slope));
	}
	if (r->needed[1]) {
		NodeId both_zero = op_and(g, op_equal(g, x, zero), op_equal(g, y, zero));
		NodeId flat = op_or(g, op_equal(g, r->y, zero), both_zero);
		NodeId log_x = op_log(g, op_select(g, flat, one, x));
		r->dx[1] = op_mul(g, r->dy, op_mul(g, r->y, log_x));
	}
}

/* 0 where the other is chosen, half of dy where both are equal, else dy: also where one is NaN, and
 * so the result. */
static void grad_choice(Rule *r, NodeId x_loses, NodeId y_loses)
{
	Graph *g = r->g;
	NodeId zero = op_like(g, r->dy, 0), half = scale(r, 0.5, r->dy);
	NodeId kept = op_select(g, op_equal(g, x_of(r), y_of(r)), half, r->dy);
	if (r->needed[0])
		r->dx[0] = op_select(g, x_loses, zero, kept);
	if (r->needed[1])
		r->dx[1] = op_select(g, y_loses, zero, kept);
}

void grad_max(Rule *r)
{
	grad_choice(r, op_less(r->g, x_of(r), y_of(r)), op_less(r->g, y_of(r), x_of(r)));
}

void grad_min(Rule *r)
{
	grad_choice(r, op_less(r->g, y_of(r), x_of(r)), op_less(r->g, x_of(r), y_of(r)));
}

void grad_select(Rule *r)
{
	NodeId zero = op_like(r->g, r->dy, 0);
	if (r->needed[1])
		r->dx[1] = op_select(r->g, r->n->in[0], r->dy, zero);
	if (r->needed[2])
		r->dx[2] = op_select(r->g, r->n->in[0], zero, r->dy);
}
