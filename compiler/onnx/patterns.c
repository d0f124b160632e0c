/* patterns.c: what stands for more than one node, so that a file says Conv, MaxPool or Relu where a
 * person would. A pattern gives the same numbers; the first that fits is taken. */
#include "writer.h"

#include <string.h>

Match *match_new(Onnx *o, int count, const NodeId *in, const void *detail)
{
	Match *m = new (o->c->arena, Match);
	*m = (Match){.count = count, .detail = detail};
	memcpy(m->in, in, (size_t)count * sizeof *in);
	return m;
}

/* -- Looking at nodes -------------------------------------------------------------------------- */

/* Behind what repeats, renames or holds it. */
static NodeId behind(const Graph *g, NodeId x)
{
	for (;;) {
		const Node *n = node(g, x);
		bool unit = n->op == OP_reshape && reshape_is_unit(g, n);
		if (n->op != OP_broadcast && n->op != OP_stop_gradient && !unit)
			return x;
		x = n->in[0];
	}
}

static bool is_number(const Graph *g, NodeId x, double value)
{
	x = behind(g, x);
	return node(g, x)->op == OP_constant && node(g, x)->attr.value == value;
}

static bool number_of(const Graph *g, NodeId x, double *value)
{
	x = behind(g, x);
	*value = node(g, x)->attr.value;
	return node(g, x)->op == OP_constant;
}

/* x is op(a, b); operands of add and mul stand in any order, so `a` is the one that fits. */
static bool is_op(const Graph *g, NodeId x, Op op, NodeId *a, NodeId *b)
{
	const Node *n = node(g, x);
	*a = n->in[0];
	*b = n->in[1];
	return n->op == op;
}

static bool has_operand(const Graph *g, NodeId x, Op op, NodeId known, NodeId *other)
{
	NodeId a, b;
	if (!is_op(g, x, op, &a, &b) || (a != known && b != known))
		return false;
	*other = a == known ? b : a;
	return true;
}

static bool has_number(const Graph *g, NodeId x, Op op, double *number, NodeId *other)
{
	NodeId a, b;
	if (!is_op(g, x, op, &a, &b))
		return false;
	*other = number_of(g, a, number) ? b : a;
	return *other == b || number_of(g, b, number);
}

/* -- Means, and reductions that keep their axes ------------------------------------------------- */

typedef struct Fold {
	NodeId of;
	bool keeps; /* reduced axes stay, with length 1 */
	Axes axes;
} Fold;

/* x is a reduction, or a reshape of it that gives its axes back. */
static bool is_fold(const Graph *g, NodeId x, Op op, Fold *f)
{
	const Node *n = node(g, x), *r = n->op == OP_reshape ? node(g, n->in[0]) : n;
	if (r->op != op)
		return false;
	Shape kept = node(g, r->in[0])->shape;
	for (int i = 0; i < r->attr.axes.count; i++)
		kept.dim[r->attr.axes.at[i]] = 1;
	*f = (Fold){r->in[0], r != n, r->attr.axes};
	return r == n || shape_equal(kept, n->shape);
}

static bool is_mean(Onnx *o, NodeId x, Fold *f)
{
	double by, count = 1;
	NodeId sum;
	if (node(o->g, x)->type != DTYPE_f32 || !has_number(o->g, x, OP_mul, &by, &sum) ||
	    !is_fold(o->g, sum, OP_sum, f))
		return false;
	for (int i = 0; i < f->axes.count; i++) {
		Extent e = o->extent[f->of][f->axes.at[i]];
		count *= e.each ? 0 : (double)e.fixed;
	}
	return count > 0 && (float)by == (float)(1 / count);
}

static const char *fold(Onnx *o, const char *op, const Fold *f)
{
	int64_t axis[MAX_RANK];
	for (int i = 0; i < f->axes.count; i++)
		axis[i] = f->axes.at[i];
	const char *of = whole(o, f->of);
	attribute_int(o, "keepdims", f->keeps);
	if (strcmp(op, "ReduceSum") == 0)
		return EMIT(o, op, of, constant_ints(o, axis, f->axes.count));
	attribute_ints(o, "axes", axis, f->axes.count);
	return EMIT(o, op, of);
}

static Match *match_fold(Onnx *o, const Fold *f)
{
	Fold *kept = new (o->c->arena, Fold);
	*kept = *f;
	return match_new(o, 1, &f->of, kept);
}

static Match *match_mean(Onnx *o, NodeId x)
{
	Fold f;
	return is_mean(o, x, &f) && f.axes.count ? match_fold(o, &f) : NULL;
}

static Stored write_mean(Onnx *o, NodeId x, const Match *m)
{
	return all_of(o, x, fold(o, "ReduceMean", m->detail));
}

static Match *match_kept(Onnx *o, NodeId x, Op op)
{
	Fold f;
	return node(o->g, x)->type == DTYPE_f32 && is_fold(o->g, x, op, &f) && f.keeps
	           ? match_fold(o, &f)
	           : NULL;
}

static Match *match_kept_sum(Onnx *o, NodeId x)
{
	return match_kept(o, x, OP_sum);
}

static Stored write_kept_sum(Onnx *o, NodeId x, const Match *m)
{
	return all_of(o, x, fold(o, "ReduceSum", m->detail));
}

static Match *match_kept_max(Onnx *o, NodeId x)
{
	return match_kept(o, x, OP_reduce_max);
}

static Stored write_kept_max(Onnx *o, NodeId x, const Match *m)
{
	return all_of(o, x, fold(o, "ReduceMax", m->detail));
}

/* -- Activations ------------------------------------------------------------------------------- */

/* select(x <= 0, 0, x) */
static Match *match_relu(Onnx *o, NodeId x)
{
	const Node *n = node(o->g, x);
	if (n->op != OP_select || n->type != DTYPE_f32)
		return NULL;
	const Node *c = node(o->g, n->in[0]);
	if (c->op != OP_less_equal || c->in[0] != n->in[2] || !is_number(o->g, c->in[1], 0) ||
	    !is_number(o->g, n->in[1], 0))
		return NULL;
	return match_new(o, 1, &n->in[2], "Relu");
}

/* The operator that the match names, of its one operand. */
static Stored write_unary(Onnx *o, NodeId x, const Match *m)
{
	Stored s = o->at[m->in[0]];
	(void)x;
	s.name = EMIT(o, m->detail, s.name);
	return s;
}

/* With e = exp(-|x|): select(x < 0, e, 1) / (e + 1) */
static Match *match_sigmoid(Onnx *o, NodeId x)
{
	const Graph *g = o->g;
	NodeId top, below, e;
	double one;
	if (!is_op(g, x, OP_div, &top, &below) || !has_number(g, below, OP_add, &one, &e) || one != 1)
		return NULL;
	const Node *t = node(g, top), *exp = node(g, e), *c, *a;
	if (t->op != OP_select || t->in[1] != e || !is_number(g, t->in[2], 1) || exp->op != OP_exp)
		return NULL;
	c = node(g, t->in[0]);
	a = node(g, exp->in[0]); /* select(x < 0, x, -x) */
	if (c->op != OP_less || !is_number(g, c->in[1], 0) || a->op != OP_select ||
	    a->in[0] != t->in[0] || a->in[1] != c->in[0] || node(g, a->in[2])->op != OP_neg ||
	    node(g, a->in[2])->in[0] != c->in[0])
		return NULL;
	return match_new(o, 1, &c->in[0], "Sigmoid");
}

/* With e = exp(x - max(x)): e * (1 / sum(e)) */
static Match *match_softmax(Onnx *o, NodeId x)
{
	const Graph *g = o->g;
	NodeId e, rate, one, all, from, most;
	Fold sum, max;
	if (!is_op(g, x, OP_mul, &e, &rate))
		return NULL;
	for (int i = 0; i < 2 && node(g, e)->op != OP_exp; i++) {
		NodeId other = e;
		e = rate, rate = other;
	}
	if (node(g, e)->op != OP_exp || !is_op(g, behind(g, rate), OP_div, &one, &all) ||
	    !is_number(g, one, 1) || !is_fold(g, all, OP_sum, &sum) || sum.of != e || !sum.keeps ||
	    sum.axes.count != 1 || !is_op(g, node(g, e)->in[0], OP_sub, &from, &most))
		return NULL;
	while (node(g, most)->op == OP_broadcast || node(g, most)->op == OP_stop_gradient)
		most = node(g, most)->in[0];
	if (!is_fold(g, most, OP_reduce_max, &max) || max.of != from || !max.keeps ||
	    memcmp(&max.axes, &sum.axes, sizeof max.axes) != 0)
		return NULL;
	sum.of = from;
	return match_fold(o, &sum);
}

static Stored write_softmax(Onnx *o, NodeId x, const Match *m)
{
	const Fold *f = m->detail;
	const char *from = whole(o, f->of);
	attribute_int(o, "axis", f->axes.at[0]);
	return all_of(o, x, EMIT(o, "Softmax", from));
}

/* -- Norms ------------------------------------------------------------------------------------- */

/* y * scale + shift, both vectors along the last axis. */
static bool is_affine(const Graph *g, NodeId x, NodeId *y, NodeId *scale, NodeId *shift)
{
	NodeId a, b, p, q;
	if (!is_op(g, x, OP_add, &a, &b))
		return false;
	NodeId product = node(g, a)->op == OP_mul ? a : b;
	*shift = behind(g, product == a ? b : a);
	if (!is_op(g, product, OP_mul, &p, &q))
		return false;
	bool first = node(g, behind(g, p))->shape.rank == 1;
	*scale = behind(g, first ? p : q);
	*y = first ? q : p;
	Shape last = {.rank = 1, .dim = {node(g, x)->shape.dim[node(g, x)->shape.rank - 1]}};
	return node(g, x)->shape.rank > 0 && shape_equal(node(g, *scale)->shape, last) &&
	       shape_equal(node(g, *shift)->shape, last);
}

/* x is 1 / sqrt(of + eps), behind what repeats it. */
static bool is_rate(const Graph *g, NodeId x, NodeId *top, NodeId *of, double *eps)
{
	NodeId root;
	x = behind(g, x);
	if (!is_op(g, x, OP_div, top, &root))
		return false;
	root = behind(g, root);
	return node(g, root)->op == OP_sqrt && has_number(g, node(g, root)->in[0], OP_add, eps, of);
}

typedef struct Norm {
	double eps;
} Norm;

static Norm *norm_new(Onnx *o, double eps)
{
	Norm *n = new (o->c->arena, Norm);
	n->eps = eps;
	return n;
}

/* x - mean(x) along the last axis. */
static bool is_centered(Onnx *o, NodeId x, NodeId *of)
{
	NodeId mean;
	Fold f;
	if (!is_op(o->g, x, OP_sub, of, &mean))
		return false;
	while (node(o->g, mean)->op == OP_broadcast || node(o->g, mean)->op == OP_stop_gradient)
		mean = node(o->g, mean)->in[0];
	return is_mean(o, mean, &f) && f.keeps && f.of == *of && f.axes.count == 1 &&
	       f.axes.at[0] + 1 == node(o->g, x)->shape.rank;
}

/* c * (1 / sqrt(mean(c^2) + eps)) * scale + shift, with c centered twice. */
static Match *match_layer_norm(Onnx *o, NodeId x)
{
	const Graph *g = o->g;
	NodeId y, scale, shift, c, rate, one, of, once, from;
	double eps;
	Fold f;
	if (!is_affine(g, x, &y, &scale, &shift) || !is_op(g, y, OP_mul, &c, &rate))
		return NULL;
	if (node(g, c)->op != OP_sub) {
		NodeId other = c;
		c = rate, rate = other;
	}
	if (!is_rate(g, rate, &one, &of, &eps) || !is_number(g, one, 1) || !is_mean(o, of, &f) ||
	    node(g, f.of)->op != OP_mul || node(g, f.of)->in[0] != c || node(g, f.of)->in[1] != c ||
	    f.axes.count != 1 || f.axes.at[0] + 1 != node(g, x)->shape.rank ||
	    !is_centered(o, c, &once) || !is_centered(o, once, &from))
		return NULL;
	return match_new(o, 3, (NodeId[]){from, scale, shift}, norm_new(o, eps));
}

static Stored write_layer_norm(Onnx *o, NodeId x, const Match *m)
{
	const Norm *n = m->detail;
	const char *from = whole(o, m->in[0]), *scale = whole(o, m->in[1]), *shift = whole(o, m->in[2]);
	attribute_int(o, "axis", -1);
	attribute_float(o, "epsilon", n->eps);
	return all_of(o, x, EMIT(o, "LayerNormalization", from, scale, shift));
}

/* (x - mean) * (scale / sqrt(var + eps)) + (shift - 0 * rate): batch_norm of the library as it is
 * after training. */
static Match *match_batch_norm(Onnx *o, NodeId x)
{
	const Graph *g = o->g;
	NodeId y, rate, moved, from, mean, scale, var, shift, rest, zero;
	double eps;
	int rank = node(g, x)->shape.rank;
	if (rank < 2 || !is_affine(g, x, &y, &rate, &moved) || !is_op(g, y, OP_sub, &from, &mean) ||
	    !is_rate(g, rate, &scale, &var, &eps) || !is_op(g, moved, OP_sub, &shift, &rest) ||
	    !has_operand(g, rest, OP_mul, rate, &zero) || !is_number(g, zero, 0))
		return NULL;
	mean = behind(g, mean);
	Shape last = node(g, rate)->shape;
	if (!shape_equal(node(g, mean)->shape, last) || !shape_equal(node(g, var)->shape, last) ||
	    !shape_equal(node(g, scale)->shape, last) || !shape_equal(node(g, shift)->shape, last))
		return NULL;
	return match_new(o, 5, (NodeId[]){from, scale, shift, mean, var}, norm_new(o, eps));
}

static Stored write_batch_norm(Onnx *o, NodeId x, const Match *m)
{
	const Norm *n = m->detail;
	const char *name[5];
	int rank = node(o->g, x)->shape.rank;
	int64_t first[MAX_RANK] = {0, rank - 1}, last[MAX_RANK] = {0};
	for (int i = 2; i < rank; i++)
		first[i] = i - 1;
	for (int i = 0; i < rank; i++)
		last[first[i]] = i;
	for (int i = 0; i < 5; i++)
		name[i] = whole(o, m->in[i]);
	name[0] = transposed(o, name[0], first, rank);
	attribute_float(o, "epsilon", n->eps);
	return all_of(o, x, transposed(o, emit(o, "BatchNormalization", name, 5), last, rank));
}

/* -- The list ---------------------------------------------------------------------------------- */

static const Pattern patterns[] = {
    {"relu", match_relu, write_unary},
    {"sigmoid", match_sigmoid, write_unary},
    {"softmax", match_softmax, write_softmax},
    {"layer_norm", match_layer_norm, write_layer_norm},
    {"batch_norm", match_batch_norm, write_batch_norm},
    {"mean", match_mean, write_mean},
    {"kept_sum", match_kept_sum, write_kept_sum},
    {"kept_max", match_kept_max, write_kept_max},
    {"convolution", match_convolution, write_convolution},
    {"max_pool", match_max_pool, write_max_pool},
};

const Match *find_pattern(Onnx *o, NodeId x)
{
	for (size_t i = 0; i < COUNT(patterns); i++) {
		Match *m = patterns[i].match(o, x);
		if (m) {
			m->pattern = &patterns[i];
			return m;
		}
	}
	return NULL;
}
