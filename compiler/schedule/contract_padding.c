/* contract_padding.c: which steps of a product over windows multiply nothing but a padding's zeros.
 *
 * In: the axes of a product. Out: for a sum, which of its values meet elements that are there, for each
 * place along an axis of the result: of a convolution's windows those that hang over the border, of its
 * gradient by weights the places where a weight does. Of 3 x 3 windows on 3 x 3 pixels 32 of 81 do.
 * Zeros that no loop ends at are multiplied, and no terms either: which those are is said for what leaves
 * them out of sums that are NaN (codegen/kernel_contract_edge.c). Only values of nodes are asked for,
 * not what is stored. */
#include "fuse.h"

#include <string.h>

/* Where an axis of a node is, seen from an operand: floor of (offset + the sum of by[i] times index i of the
 * operand's) / part. */
typedef struct Form {
	int64_t by[MAX_RANK], offset, part;
	bool lost; /* it is no such number */
} Form;

/* f times `by`, and `plus` */
static Form scaled(const Form *f, int64_t by, int64_t plus)
{
	Form to = {.offset = f->offset * by + plus * f->part, .part = f->part};
	to.lost = f->lost || (f->part > 1 && by != 1);
	for (int i = 0; i < MAX_RANK; i++)
		to.by[i] = f->by[i] * by;
	return to;
}

static bool is_zero(const Form *f)
{
	static const int64_t NONE[MAX_RANK];
	return !f->lost && f->offset == 0 && memcmp(f->by, NONE, sizeof NONE) == 0;
}

static Form both(const Form *f, const Form *h)
{
	if (is_zero(f) || is_zero(h))
		return is_zero(f) ? *h : *f;
	Form to = {.offset = f->offset + h->offset, .part = 1};
	to.lost = f->lost || h->lost || f->part > 1 || h->part > 1;
	for (int i = 0; i < MAX_RANK; i++)
		to.by[i] = f->by[i] + h->by[i];
	return to;
}

static Form part_of(Form f, int64_t part)
{
	f.part *= part;
	return f;
}

/* Axes [i, i_end) of a reshape's operand have the elements of axes [j, j_end) of its result, in their order:
 * their number among these is a form, so the first axis that is longer than 1 is, and of one alone it is all. */
static void through_group(Form *from, Shape s, int i, int i_end, const Form *form, Shape t, int j,
                          int j_end)
{
	Form number = {.part = 1};
	int64_t rest = 1;
	for (int at = j_end - 1; at >= j; rest *= t.dim[at--]) {
		Form one = scaled(&form[at], rest, 0);
		number = t.dim[at] > 1 ? both(&number, &one) : number;
	}
	for (bool first = true; i < i_end; i++) {
		rest /= s.dim[i];
		from[i] = first ? part_of(number, rest) : (Form){.part = 1, .lost = true};
		if (s.dim[i] == 1)
			from[i] = (Form){.part = 1};
		first &= s.dim[i] == 1;
	}
}

/* Axes come together, or become several, in groups of as many elements. */
static void through_reshape(Form *from, Shape s, const Form *form, Shape t)
{
	for (int i = 0, j = 0; i < s.rank || j < t.rank;) {
		int i_end = i, j_end = j;
		int64_t of_s = 1, of_t = 1;
		do {
			if (j_end == t.rank || (i_end < s.rank && of_s <= of_t))
				of_s *= s.dim[i_end++];
			else
				of_t *= t.dim[j_end++];
		} while (of_s != of_t);
		through_group(from, s, i, i_end, form, t, j, j_end);
		i = i_end, j = j_end;
	}
}

/* Through one view; false: it is none that tells where its elements are, or one that computes. */
static bool look_through(const Graph *g, const Node *n, Form form[MAX_RANK])
{
	Form from[MAX_RANK] = {0}, place;
	Shape s = node(g, n->in[0])->shape;
	int w = (int)n->attr.window.axis;
	switch (n->op) {
	case OP_cast:
		return true;
	case OP_transpose:
		for (int i = 0; i < s.rank; i++)
			from[n->attr.axes.at[i]] = form[i];
		break;
	case OP_slice:
		for (int i = 0; i < s.rank; i++)
			from[i] = scaled(&form[i], n->attr.slice.step[i], n->attr.slice.start[i]);
		break;
	case OP_windows:
		for (int i = 0; i < s.rank; i++)
			from[i] = form[i <= w ? i : i + 1];
		from[w] = scaled(&form[w], n->attr.window.stride, 0);
		place = scaled(&form[w + 1], n->attr.window.dilation, 0);
		from[w] = both(&from[w], &place);
		break;
	case OP_reshape:
		through_reshape(from, s, form, n->shape);
		break;
	default:
		return false;
	}
	memcpy(form, from, sizeof from);
	return true;
}

/* The padding with zeros that x is a view of, and where its axes are; NULL: none. */
static const Node *find_padding(const Graph *g, NodeId x, Form form[MAX_RANK])
{
	memset(form, 0, MAX_RANK * sizeof *form);
	for (int i = 0; i < MAX_RANK; i++)
		form[i].by[i] = form[i].part = 1;
	for (;; x = node(g, x)->in[0]) {
		const Node *n = node(g, x);
		if (n->op == OP_pad)
			return n->attr.pad.value == 0 ? n : NULL;
		if (n->count == 0 || !look_through(g, n, form))
			return NULL;
		if (reshape_is_spread(g, n)) /* the broadcast behind it has one axis more, the last */
			x = n->in[0];
	}
}

static int64_t up(int64_t x, int64_t by)
{
	return x > 0 ? blocks_of(x, by) : -(-x / by);
}

void sum_values(const SumBound *b, int64_t place, int64_t size, int64_t *from, int64_t *to)
{
	int64_t past = b->by_axis * place;
	*from = up(b->low - past, b->by_sum), *to = up(b->high - past, b->by_sum);
	*from = *from < 0 ? 0 : *from;
	*to = *to > size ? size : *to;
}

/* The part of the values that are left. */
static double share_of(const SumBound *b, int64_t size, int64_t places)
{
	int64_t left = 0, from, to;
	for (int64_t i = 0; i < places; i++) {
		sum_values(b, i, size, &from, &to);
		left += to > from ? to - from : 0;
	}
	return (double)left / (double)(size * places);
}

#define WORTH (31 / 32.0) /* the loop's bounds are numbers then, and no constants */

/* Along axis `at` of the padding: by which sum and which axis of the result it is gone through. */
static void find_bound(ContractAxes *r, const Node *dot, const OperandAxes *o, Shape operand,
                       const Node *pad, Shape inside, int at, const Form *f)
{
	int64_t low = pad->attr.pad.low[at], high = low + inside.dim[at], size = 0;
	SumBound b = {.axis = -1};
	int sum = -1, sums = 0, axes = 0;
	for (int i = 0; i < r->sums; i++)
		if (f->by[o->sum[i]] && operand.dim[o->sum[i]] > 1)
			sum = i, sums++, b.by_sum = f->by[o->sum[i]], size = operand.dim[o->sum[i]];
	for (int i = 0; i < dot->shape.rank; i++)
		if (o->axis[i] >= 0 && f->by[o->axis[i]] && dot->shape.dim[i] > 1)
			b.axis = i, axes++, b.by_axis = f->by[o->axis[i]];
	if (sums != 1 || axes > 1 || b.by_sum < 1 || pad->attr.pad.inner[at] || f->lost || f->part > 1)
		return;
	b.low = low - f->offset, b.high = high - f->offset;
	b.share = share_of(&b, size, b.axis < 0 ? 1 : dot->shape.dim[b.axis]);
	bool better = r->bound[sum].share == 0 || b.share < r->bound[sum].share;
	if (b.share > 0 && b.share < WORTH && better)
		r->bound[sum] = b;
}

void contract_find_bounds(const Graph *g, const Node *dot, ContractAxes *r)
{
	const OperandAxes *operand[2] = {&r->r, &r->l};
	bool asks = r->sums > 1 && !g->c->machine->bare; /* where code must be small */
	for (int side = 0; asks && side < 2; side++) {
		Form form[MAX_RANK];
		const Node *pad = find_padding(g, operand[side]->node, form);
		for (int i = 0; pad && i < pad->shape.rank; i++)
			find_bound(r, dot, operand[side], node(g, operand[side]->node)->shape, pad,
			           node(g, pad->in[0])->shape, i, &form[i]);
	}
}

/* -- What is multiplied nevertheless ----------------------------------------------------------- */

unsigned padding_edges(const Graph *g, NodeId x, Edge edge[MAX_RANK])
{
	Form form[MAX_RANK];
	unsigned edges = 0;
	const Node *pad = find_padding(g, x, form);
	for (int i = 0; pad && i < pad->shape.rank; i++) {
		int64_t length = node(g, pad->in[0])->shape.dim[i], first = 0, last = 0;
		const Form *f = &form[i];
		Edge e = {.low = pad->attr.pad.low[i] * f->part - f->offset,
		          .every = pad->attr.pad.inner[i] + 1};
		e.high = e.low + ((length - 1) * e.every + 1) * f->part;
		memcpy(e.by, f->by, sizeof e.by);
		for (int j = 0; j < node(g, x)->shape.rank; j++) {
			int64_t end = e.by[j] * (node(g, x)->shape.dim[j] - 1);
			*(end < 0 ? &first : &last) += end;
		}
		bool told = !f->lost && (e.every == 1 || f->part == 1);
		if (told && (first < e.low || last >= e.high || e.every > 1))
			edge[edges++] = e;
	}
	return edges;
}

/* Whether the loop over a sum ends where an operand's elements do. */
static bool ends_there(const ContractPlan *p, const OperandAxes *o, const Edge *e)
{
	for (int i = 0; i < p->axes.sums; i++) {
		const SumBound *b = &p->axes.bound[i];
		int64_t by_axis = b->axis < 0 || o->axis[b->axis] < 0 ? 0 : e->by[o->axis[b->axis]];
		if ((p->bounded >> i & 1) && e->by[o->sum[i]] == b->by_sum && by_axis == b->by_axis &&
		    e->low == b->low && e->high == b->high)
			return true;
	}
	return false;
}

static bool is_windows(const Graph *g, NodeId x)
{
	return under_windows(g, x) != x;
}

void contract_find_edges(const Graph *g, ContractPlan *p, const ContractTiling *t)
{
	const OperandAxes *operand[2] = {&p->axes.r, &p->axes.l};
	bool asks = !t->k_parts && !g->c->machine->bare &&
	            (is_windows(g, p->axes.r.node) || is_windows(g, p->axes.l.node));
	for (int side = 0; side < 2; side++) {
		const OperandAxes *o = operand[side];
		Edge edge[MAX_RANK];
		unsigned edges = asks ? padding_edges(g, o->node, edge) : 0;
		p->edges[side] = 0;
		for (unsigned i = 0; i < edges; i++) {
			if (!ends_there(p, o, &edge[i]))
				p->edge[side][p->edges[side]++] = edge[i];
		}
	}
}

/* Of the sums that a plan goes through in loops of its own: which are bounded, and whether a loop may
 * have nothing to do. k has but one loop, that is never empty. */
void contract_choose_bounds(ContractPlan *p, const ContractTiling *t, Shape result)
{
	for (int i = 0; i < p->axes.sums; i++) {
		const SumBound *b = &p->axes.bound[i];
		bool is_k = i + 1 == p->axes.sums, cut = i == p->block_axis && p->k_blocks > 1;
		int64_t from, to, size = p->sum_size[i];
		if (b->share == 0 || i < p->block_axis || t->k_parts || p->pairs)
			continue;
		p->bounded |= 1u << i;
		p->may_be_empty |= cut ? 1u << i : 0;
		for (int64_t place = 0; place < (b->axis < 0 ? 1 : result.dim[b->axis]); place++) {
			sum_values(b, place, size, &from, &to);
			p->may_be_empty |= from >= to ? 1u << i : 0;
		}
		bool steps = p->unroll == 1 && p->run >= p->block_k && !(p->may_be_empty >> i & 1);
		if (is_k && !steps)
			p->bounded &= ~(1u << i);
	}
	p->may_be_empty &= p->bounded;
}
