/* hidden.c: columns that a causal mask hides from the rows of a chain.
 *
 * In: kernels in chains, planned. Out: of a chain whose rows and columns are places of one sequence, each kernel's part in
 * leaving out the columns behind the last row of a block (Hidden in schedule.h). Half of attention's scores are behind a
 * mask: where that is -infinity before the exponential, it is 0 behind it, and what sums over columns adds nothing. So
 * scores, probabilities and their gradients are neither made nor read from some column on; no sum of finite numbers
 * changes a bit. All members must agree: none may read what another has left out, and none of it is stored outside of
 * the chain. What is not finite there would be NaN times 0: it is left out as well. */
#include "fuse.h"

#include <math.h>
#include <string.h>

/* What an element is where its column is behind its row. */
typedef enum Behind { BEHIND_ASKED = 1, BEHIND_ANY, BEHIND_ZERO, BEHIND_LEAST } Behind;

typedef struct Hide {
	Compile *c;
	Kernels *k;
	const Graph *g;
	Shape pair;      /* leading axes, rows, columns */
	int row, col;    /* the last two */
	uint8_t *behind; /* [count] Behind; 0: not asked yet */
} Hide;

/* The axis along which x is the index; -1: it is none. */
static int index_axis(const Graph *g, NodeId x)
{
	const Node *n = node(g, x);
	if (n->op == OP_iota)
		return (int)n->attr.axis;
	if (n->op == OP_cast && n->type == DTYPE_f32)
		return index_axis(g, n->in[0]);
	int axis = n->op == OP_broadcast ? index_axis(g, n->in[0]) : -1;
	return axis < 0 ? -1 : n->attr.axes.at[axis];
}

/* The axis of what x repeats that is x's `axis`; -1: along it x is the same. */
static int axis_behind(const Graph *g, const Node *x, int axis)
{
	for (int i = 0; i < x->attr.axes.count; i++)
		if (x->attr.axes.at[i] == axis && node(g, x->in[0])->shape.dim[i] == x->shape.dim[axis])
			return i;
	return -1;
}

/* Whether the condition x is `truth` wherever the place along `col` is behind that along `row`. */
static bool holds_behind(const Graph *g, NodeId x, bool truth, int row, int col)
{
	const Node *n = node(g, x);
	if (row < 0 || col < 0)
		return false;
	if (n->op == OP_broadcast)
		return holds_behind(g, n->in[0], truth, axis_behind(g, n, row), axis_behind(g, n, col));
	if (n->op == OP_not)
		return holds_behind(g, n->in[0], !truth, row, col);
	if (n->op == (truth ? OP_or : OP_and))
		return holds_behind(g, n->in[0], truth, row, col) ||
		       holds_behind(g, n->in[1], truth, row, col);
	if (n->op != (truth ? OP_less : OP_less_equal)) /* the row's own column is not hidden */
		return false;
	int less = index_axis(g, n->in[0]), more = index_axis(g, n->in[1]);
	return truth ? less == row && more == col : less == col && more == row;
}

static bool is_pair(const Hide *h, NodeId x)
{
	return shape_equal(node(h->g, x)->shape, h->pair);
}

/* One number for all columns of a row. */
static bool is_of_row(const Hide *h, NodeId x)
{
	const Node *n = node(h->g, x);
	return n->op == OP_broadcast && axis_behind(h->g, n, h->col) < 0;
}

static Behind behind(Hide *h, NodeId x);

/* A product or quotient with a number above 0, which leaves -infinity. */
static Behind scaled(Hide *h, const Node *n)
{
	for (int i = n->op == OP_div; i < 2; i++) {
		const Node *by = node(h->g, n->in[i]);
		by = by->op == OP_broadcast ? node(h->g, by->in[0]) : by;
		if (by->op == OP_constant && by->attr.value > 0 && isfinite(by->attr.value) &&
		    behind(h, n->in[!i]) == BEHIND_LEAST)
			return BEHIND_LEAST;
	}
	return BEHIND_ANY;
}

static Behind find_behind(Hide *h, NodeId x)
{
	const Node *n = node(h->g, x), *of = n->count ? node(h->g, n->in[0]) : n;
	if (n->op == OP_broadcast && of->op == OP_constant)
		return of->attr.value == 0           ? BEHIND_ZERO
		       : of->attr.value == -INFINITY ? BEHIND_LEAST
		                                     : BEHIND_ANY;
	if (op_info[n->op].kind != MAP || !is_pair(h, x))
		return BEHIND_ANY;
	if (n->op == OP_select && holds_behind(h->g, n->in[0], true, h->row, h->col))
		return behind(h, n->in[1]);
	if (n->op == OP_select && holds_behind(h->g, n->in[0], false, h->row, h->col))
		return behind(h, n->in[2]);
	Behind a = behind(h, n->in[n->op == OP_select]),
	       b = n->count > 1 ? behind(h, n->in[n->count - 1]) : a;
	switch (n->op) {
	case OP_exp:
		return a == BEHIND_LEAST ? BEHIND_ZERO : BEHIND_ANY;
	case OP_sub:
		return a == BEHIND_LEAST && is_of_row(h, n->in[1]) ? BEHIND_LEAST
		       : a == BEHIND_ZERO && b == BEHIND_ZERO      ? BEHIND_ZERO
		                                                   : BEHIND_ANY;
	case OP_mul:
		return a == BEHIND_ZERO || b == BEHIND_ZERO ? BEHIND_ZERO : scaled(h, n);
	case OP_div:
		return a == BEHIND_ZERO ? a : scaled(h, n);
	case OP_neg:
		return a == BEHIND_ZERO ? BEHIND_ZERO : BEHIND_ANY;
	case OP_cast:
	case OP_stop_gradient:
		return a;
	case OP_add:
		if (a == BEHIND_LEAST || b == BEHIND_LEAST)
			return BEHIND_LEAST;
		return a == b ? a : BEHIND_ANY;
	case OP_select:
		return a == b ? a : BEHIND_ANY;
	default:
		return BEHIND_ANY;
	}
}

static Behind behind(Hide *h, NodeId x)
{
	if (h->behind[x] == 0) {
		h->behind[x] = BEHIND_ASKED;
		h->behind[x] = (uint8_t)find_behind(h, x);
	}
	return (Behind)h->behind[x];
}

/* -- A kernel's part ----------------------------------------------------------------------------- */

/* Whether a fold of n over the columns is the same without those behind. */
static bool folds_well(Hide *h, const Node *n)
{
	if (n->attr.axes.count != 1 || n->attr.axes.at[0] != h->col)
		return false;
	return behind(h, n->in[0]) == (n->op == OP_sum ? BEHIND_ZERO : BEHIND_LEAST);
}

static Hidden part_of_product(Hide *h, const Kernel *kernel, bool *good)
{
	const Node *dot = node(h->g, kernel->core);
	ContractAxes r = contract_axes(h->g, dot);
	bool rows = is_pair(h, r.r.node), cols = is_pair(h, r.l.node);
	*good = true;
	if (is_pair(h, kernel->core) && !rows && !cols && !kernel->adds && r.row == h->row &&
	    r.col == h->col)
		return HIDDEN_COLS;
	if (!rows && !cols && !is_pair(h, kernel->core))
		return HIDDEN_NOTHING;
	*good = rows && !cols && r.sums == 1 && behind(h, r.r.node) == BEHIND_ZERO &&
	        r.r.contract == (kernel->adds ? h->row : h->col);
	return kernel->adds ? HIDDEN_ROWS : HIDDEN_SUM;
}

/* Whether each node of the kernel reads what has all columns element by element, or in its part. */
static bool reads_well(Hide *h, const Kernel *kernel, Hidden part)
{
	uint32_t count;
	const Visit *visit = kernel_walk(h->c, h->k, kernel, &count);
	for (uint32_t v = 0; v < count; v++) {
		const Node *n = node(h->g, visit[v].node);
		Kind kind = op_info[n->op].kind;
		for (int i = 0; visit[v].here && i < n->count; i++) {
			if (!is_pair(h, n->in[i]))
				continue;
			bool good = kind == MAP      ? is_pair(h, visit[v].node)
			            : kind == REDUCE ? part == HIDDEN_ROW && folds_well(h, n)
			                             : visit[v].node == kernel->core && part != HIDDEN_COLS;
			if (!good)
				return false;
		}
	}
	return true;
}

/* What the kernel leaves out; false: it can't. */
static bool find_part(Hide *h, const Kernel *kernel, Hidden *part)
{
	bool good = true;
	*part = HIDDEN_NOTHING;
	if (kernel->kind == KERNEL_contract)
		*part = part_of_product(h, kernel, &good);
	else if (kernel->kind == KERNEL_row && is_pair(h, node(h->g, kernel->core)->in[0]))
		*part = HIDDEN_ROW;
	else if (kernel->kind != KERNEL_map && kernel->kind != KERNEL_row)
		return false;
	for (uint32_t o = 0; o < kernel->out_count; o++)
		good &= !is_pair(h, kernel->out[o]) || h->k->buffer[kernel->to[o]].storage == STORED_UNIT;
	return good && reads_well(h, kernel, *part);
}

/* Whether its plan can end after so many columns: at a whole panel, or round of steps. */
static bool can_end(const Kernel *kernel, Hidden part, int64_t grain)
{
	const ContractPlan *p = kernel->contract;
	enum { ROUND = 4 /* vectors of a long row (codegen/kernel_reduce.c) */ };
	if (part == HIDDEN_NOTHING || part == HIDDEN_ROW)
		return part == HIDDEN_NOTHING || grain % (ROUND * kernel->lanes) == 0;
	bool copies = p->r.prefetch == PREFETCH_COPY || p->l.prefetch == PREFETCH_COPY;
	unsigned whole = part == HIDDEN_COLS ? p->wide * p->lanes : part == HIDDEN_SUM ? p->unroll : 1;
	bool one = p->k_blocks == 1 || (part == HIDDEN_SUM && p->block_k % whole == 0);
	bool pairs = p->pairs && part != HIDDEN_COLS; /* whose steps are two columns, or rows */
	return one && !copies && !pairs && grain % whole == 0;
}

static void hide(Hide *h, uint32_t first)
{
	enum { MOST_MEMBERS = 16, FEWEST_COLUMNS = 128, GRAIN = 64, WIDE_GRAIN = 192 };
	enum { LEAST_OF_LOOPS = 256 /* columns that are worth it to loop over rows of few vectors */ };
	Kernels *k = h->k;
	Kernel *kernel = &k->kernel[first];
	const Chain *chain = kernel->chain;
	const Node *dot = node(h->g, kernel->core ? kernel->core : kernel->out[0]);
	Hidden part[MOST_MEMBERS];
	int64_t grain = GRAIN;
	if (kernel->kind != KERNEL_contract || dot->shape.rank < 2 || chain->count > MOST_MEMBERS)
		return;
	h->pair = dot->shape, h->row = dot->shape.rank - 2, h->col = dot->shape.rank - 1;
	if (h->pair.dim[h->row] != chain->rows || chain->rows <= chain->block ||
	    h->pair.dim[h->col] < FEWEST_COLUMNS)
		return;
	memset(h->behind, 0, h->g->count);
	bool some = false, adds = false;
	for (uint32_t i = 0; i < chain->count; i++) {
		const Kernel *member = &k->kernel[first + i];
		bool in_registers =
		    row_is_short(h->pair, member->lanes) && h->pair.dim[h->col] < LEAST_OF_LOOPS;
		if (!find_part(h, member, &part[i]) || (part[i] == HIDDEN_ROW && in_registers))
			return;
		grain = can_end(member, part[i], grain)        ? grain
		        : can_end(member, part[i], WIDE_GRAIN) ? WIDE_GRAIN
		                                               : 0;
		if (!grain)
			return;
		some |= part[i] == HIDDEN_SUM || part[i] == HIDDEN_ROW || part[i] == HIDDEN_ROWS;
		adds |= part[i] == HIDDEN_ROWS;
	}
	/* columns that are behind all rows: nobody would make their sums over the rows */
	if (adds && blocks_of(chain_blocks(chain) * chain->block, grain) * grain < h->pair.dim[h->col])
		return;
	for (uint32_t i = 0; some && i < chain->count; i++) {
		Kernel *member = &k->kernel[first + i];
		member->hidden = part[i], member->grain = grain;
		if (part[i] != HIDDEN_ROWS)
			continue;
		kernel_tile(k, member); /* whose tiles end at a grain */
		kernel_vectors(k, member);
	}
}

void kernels_hide(Compile *c, Kernels *k)
{
	Hide h = {.c = c, .k = k, .g = k->graph};
	if (c->machine->bare || k->once)
		return;
	h.behind = new_array(c->arena, uint8_t, k->graph->count);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		if (!k->kernel[i].chain)
			continue;
		hide(&h, i);
		i = chain_end(k, i) - 1;
	}
}

int64_t hidden_columns(Hidden part, const ContractAxes *r)
{
	return part == HIDDEN_ROWS ? r->rows : part == HIDDEN_SUM ? r->k : r->cols;
}

double hidden_share(const Kernels *k, const Kernel *kernel)
{
	const Chain *chain = kernel->chain;
	double sum = 0;
	if (!kernel->hidden)
		return 0;
	const Node *core = node(k->graph, kernel->core), *of = node(k->graph, core->in[0]);
	ContractAxes r = kernel->contract ? contract_axes(k->graph, core) : (ContractAxes){0};
	int64_t columns = kernel->hidden == HIDDEN_ROW ? of->shape.dim[of->shape.rank - 1]
	                                               : hidden_columns(kernel->hidden, &r);
	for (int64_t first = 0; first < chain->rows; first += chain->block) {
		int64_t rows = chain->rows - first < chain->block ? chain->rows - first : chain->block;
		int64_t end = blocks_of(first + chain->block, kernel->grain) * kernel->grain;
		sum += (double)rows * (double)(end < columns ? columns - end : 0);
	}
	return sum / (double)chain->rows / (double)columns;
}
