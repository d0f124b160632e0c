/* rows.c: what belongs into a kernel that works a row at a time: softmax, layer norm, the loss of a
 * classifier, and their gradients.
 *
 * A row kernel has folds (reductions over the last axis of one shape), numbers of a row, and values
 * as long as the row. Each of them may read what is stored before the kernel runs, and anything of
 * its own row: so memory is read once, and the row stays in L1 between the folds. A value as long as
 * the row that is dear, and that more than one of its loops needs, is kept in scratch. */
#include "fuse.h"

enum { LONGEST_ROW = 4096, FEWEST_ROWS = 8 };

bool row_is_fold(const Fuse *f, NodeId x)
{
	const Node *n = node(f->g, x);
	if (op_info[n->op].kind != REDUCE || n->attr.axes.count != 1 || !type_info[n->type].is_float)
		return false;
	Shape from = node(f->g, n->in[0])->shape;
	return n->attr.axes.at[0] + 1 == from.rank && n->shape.rank > 0 &&
	       from.dim[from.rank - 1] > 1 && from.dim[from.rank - 1] <= LONGEST_ROW &&
	       shape_size(n->shape) >= FEWEST_ROWS;
}

/* s without its last axis. */
static Shape one_a_row(Shape s)
{
	s.dim[--s.rank] = 0;
	return s;
}

static bool is_one_a_row(Shape s, Shape row)
{
	if (s.rank > 0 && s.rank == row.rank && s.dim[s.rank - 1] == 1)
		s = one_a_row(s);
	return shape_equal(s, one_a_row(row));
}

/* A view that leads from a row to the same row. */
static bool keeps_row(const Fuse *f, const Node *n, Shape row)
{
	Shape from = node(f->g, n->in[0])->shape;
	if (n->op == OP_reshape)
		return is_one_a_row(from, row) && is_one_a_row(n->shape, row);
	if (n->op != OP_broadcast || !is_one_a_row(from, row))
		return false;
	for (int i = 0; i < n->attr.axes.count; i++)
		if (n->attr.axes.at[i] != i)
			return false;
	return shape_equal(n->shape, row) || is_one_a_row(n->shape, row);
}

/* Whether x can be read in the kernel; same: only at the row being computed. */
static bool reads(const Fuse *f, NodeId x, uint32_t home, bool same, int depth)
{
	const Home *h = &f->homes[home - 1];
	const Node *n = node(f->g, x);
	if (node_is_leaf(n))
		return true;
	if (f->home[x] == home)
		return same;
	if (f->stored[x] || (f->home[x] && !f->repeats[x]))
		return f->home[x] < home;
	if (depth == 0)
		return false;
	if (op_info[n->op].kind == VIEW && n->count == 1)
		same = same && keeps_row(f, n, h->shape);
	else if (op_info[n->op].kind != MAP)
		same = false;
	for (int i = 0; i < n->count; i++)
		if (!reads(f, n->in[i], home, same, depth - 1))
			return false;
	return true;
}

bool row_takes(const Fuse *f, NodeId x, uint32_t home)
{
	enum { DEEPEST = 24 };
	const Home *h = &f->homes[home - 1];
	const Node *n = node(f->g, x);
	bool fold = row_is_fold(f, x);
	Shape s = fold ? node(f->g, n->in[0])->shape : n->shape;
	bool fits = shape_equal(s, h->shape) || (!fold && is_one_a_row(s, h->shape));
	if (!fits || h->outs + 2 > MAX_KERNEL_OUTS || (fold && h->folds == MAX_FOLDS))
		return false;
	for (int i = 0; i < n->count; i++)
		if (!reads(f, n->in[i], home, true, DEEPEST))
			return false;
	return true;
}

uint32_t row_home_behind(const Fuse *f, NodeId x)
{
	for (;;) {
		const Node *n = node(f->g, x);
		if (f->home[x])
			return f->homes[f->home[x] - 1].kind == KERNEL_row ? f->home[x] : 0;
		if (op_info[n->op].kind != VIEW || n->count != 1)
			return 0;
		x = n->in[0];
	}
}

/* -- What is kept ------------------------------------------------------------------------------ */

enum { DEAR = 4 /* as a division is */ };

typedef struct Keeping {
	const Kernels *k;
	const Kernel *kernel;
	const Visit *visit; /* [count] in decreasing order */
	uint32_t count;
	uint8_t *loops, *last; /* [count] of a node: loops that compute it, the last of them */
} Keeping;

static bool is_fold(const Kernel *kernel, NodeId x)
{
	for (uint32_t i = 0; i < kernel->fold_count; i++)
		if (kernel->fold[i] == x)
			return true;
	return false;
}

/* Counts, for every node that a loop computes, the loops that do. */
static void count_loops(Keeping *m, NodeId x, uint8_t loop)
{
	uint32_t v = m->count - visit_number(m->visit, m->count, x);
	if (!m->visit[v].here || is_fold(m->kernel, x) || m->last[v] == loop)
		return;
	m->last[v] = loop;
	m->loops[v]++;
	const Node *n = node(m->k->graph, x);
	for (int i = 0; i < n->count; i++)
		count_loops(m, n->in[i], loop);
}

/* Of a chain of dear values the last that several loops need is enough. */
void row_keep(const Kernels *k, Kernel *kernel)
{
	const Graph *g = k->graph;
	Arena *a = g->c->arena;
	Shape row = node(g, node(g, kernel->core)->in[0])->shape;
	kernel->kept = new_array(a, NodeId, MAX_KEPT_ROWS);
	ArenaMark mark = arena_mark(a);
	Keeping m = {.k = k, .kernel = kernel};
	m.visit = kernel_walk(g->c, k, kernel, &m.count);
	m.loops = new_array(a, uint8_t, m.count);
	m.last = new_array(a, uint8_t, m.count);
	for (uint32_t i = 0; i < kernel->fold_count; i++)
		count_loops(&m, node(g, kernel->fold[i])->in[0], (uint8_t)(i + 1));
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (shape_equal(node(g, kernel->out[i])->shape, row))
			count_loops(&m, kernel->out[i], MAX_FOLDS + 1);
	uint32_t most = (uint32_t)((int64_t)kernel->scratch / row_kept_bytes(row.dim[row.rank - 1]));
	for (uint32_t v = 0; v < m.count && kernel->kept_count < most; v++) {
		const Node *n = node(g, m.visit[v].node);
		if (m.loops[v] > 1 && shape_equal(n->shape, row) &&
		    (n->type == DTYPE_f32 || n->type == DTYPE_f64) && op_info[n->op].kind == MAP &&
		    op_info[n->op].weight >= DEAR)
			kernel->kept[kernel->kept_count++] = m.visit[v].node;
	}
	arena_reset(a, mark);
}
