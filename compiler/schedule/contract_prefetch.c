/* contract_prefetch.c: what of a product's operands is brought while others are multiplied.
 *
 * In: the register tile and blocks of a plan. Out: of each operand, what is brought, and in how
 * many register tiles. What lies across k is not foreseen by the machine: every step is on another
 * line. Its next block of k is brought by the register tiles of this one, each the lines of some
 * steps, one step after the other, for what is asked for in places far apart is forgotten; if lines
 * are whole they are copied on into panels (the copy of a line that is there costs nothing beside a
 * step's FMAs). Where nothing is packed: the rows of the next register tile, if they lie along k, or
 * what is read some steps later, if they lie across; in a chain, what the next unit reads; of windows
 * on what comes from afar, what the next outer index reads, the next lines of an image. */
#include "contract_plan.h"

static const OperandAxes *axes_of(const Planner *m, const OperandPlan *o)
{
	return o == &m->p->r ? &m->axes->r : &m->axes->l;
}

/* Whose address follows from the index alone, with neighbours along the axis. */
static bool follows(const Planner *m, const OperandAxes *o, int axis)
{
	return m->axes->outers == 0 && m->axes->sums == 1 && !m->p->pairs && o->free >= 0 &&
	       contract_is_plain(m, o->node) && contiguous_axis(m->k, o->node) == axis;
}

static bool lies_across(const Planner *m, const OperandPlan *o)
{
	return follows(m, axes_of(m, o), axes_of(m, o)->free);
}

/* Whether neighbours lie in memory as they are counted, and what follows lies behind. */
static bool lies_forward(const Planner *m, NodeId x)
{
	const Kernels *k = m->k;
	for (; k->buffer_of[x] == 0; x = node(k->graph, x)->in[0]) {
		const Node *n = node(k->graph, x);
		for (int i = 0; n->op == OP_slice && i < n->shape.rank; i++)
			if (n->attr.slice.step[i] != 1)
				return false;
	}
	return true;
}

enum {
	FEW_FMAS = 16, /* of a step: fewer leave no time for more, */
	SOME_FMAS = 8, /* nor for a few lines at every value of a sum */
	SOON = 16,     /* steps that memory has time for */
	AGAIN = 2,     /* steps after which what was brought is asked for again, lest it is forgotten */
	MOST_LINES = 32, /* for a value of a sum, */
	MANY_LINES = 64, /* if it is the one before k */
};

static void brings(OperandPlan *o, PrefetchKind what, const ContractPlan *p)
{
	bool blocks = what == PREFETCH_BLOCK || what == PREFETCH_COPY;
	o->prefetch = what;
	/* a copy follows what is brought by one */
	o->tiles = blocks ? blocks_of(p->block_k, o->share) + (what == PREFETCH_COPY) : 0;
	o->distance = what == PREFETCH_STEPS ? SOON : what == PREFETCH_COPY ? AGAIN : 0;
}

/* Whether lines are whole, and the smallest block has enough register tiles. */
static bool is_copied(const Planner *m, const OperandPlan *o)
{
	const ContractPlan *p = m->p;
	int64_t cols = contract_last(m->axes->cols, m->t->tile_cols), rows = p->block_rows;
	int64_t tiles = blocks_of(cols, p->wide * p->lanes) * (rows / p->high);
	bool whole = p->lanes % p->high == 0 && rows % p->lanes == 0 && rows == m->t->tile_rows &&
	             m->axes->rows % rows == 0 && p->block_cols == m->t->tile_cols;
	if (o == &p->l)
		whole &= m->axes->cols % p->lanes == 0 && p->block_cols % p->lanes == 0;
	return whole && lies_forward(m, axes_of(m, o)->node) && tiles > p->r.tiles + p->l.tiles;
}

/* What lies across k and is read where it is: every step is on another line, often another page. */
static bool is_asked_soon(const Planner *m, const OperandPlan *o)
{
	const ContractPlan *p = m->p;
	int64_t size = o == &p->r ? m->axes->rows : m->axes->cols;
	bool near = size * p->k * p->element_bytes <= cache_bytes(m->machine->l1_bytes);
	return !near && p->k > SOON && o->source == SOURCE_DIRECT && !o->prefetch &&
	       p->high * p->wide >= FEW_FMAS && lies_across(m, o);
}

/* Rows along k that are read where they are: each is a stream of its own, and a short one. */
static bool rows_follow(const Planner *m)
{
	const ContractPlan *p = m->p;
	bool far = m->axes->rows * p->k * p->element_bytes > machine_far_bytes(m->machine) &&
	           p->high * p->wide >= FEW_FMAS;
	return far && p->r.source == SOURCE_DIRECT && follows(m, &m->axes->r, m->axes->r.contract);
}

static bool brings_unit(const ContractPlan *p, NodeId x)
{
	return (p->r.prefetch == PREFETCH_UNIT && p->axes.r.node == x) ||
	       (p->l.prefetch == PREFETCH_UNIT && p->axes.l.node == x);
}

/* Whether a member before this one, or its other operand, asks for the same. */
static bool is_brought(const Planner *m, NodeId x)
{
	bool found = brings_unit(m->p, x);
	for (const Kernel *k = m->kernel; !found && k > m->k->kernel; k--) {
		if (k[-1].chain != m->kernel->chain)
			break;
		found = k[-1].contract && brings_unit(k[-1].contract, x);
	}
	return found;
}

/* A unit's part of what all units read in turn is a stream too short for the machine to foresee. */
static bool unit_follows(const Planner *m, const OperandPlan *o)
{
	const Kernels *k = m->k;
	const OperandAxes *axes = axes_of(m, o);
	if (!m->kernel->chain || o->prefetch ||
	    !(follows(m, axes, axes->free) || follows(m, axes, axes->contract)) ||
	    is_brought(m, axes->node))
		return false;
	NodeId x = axes->node;
	while (k->buffer_of[x] == 0)
		x = node(k->graph, x)->in[0];
	const Buffer *b = &k->buffer[k->buffer_of[x]];
	return b->storage != STORED_UNIT && (int64_t)b->bytes > machine_far_bytes(m->machine);
}

/* Of a block, at one place along the outer axes. */
static int64_t register_tiles(const ContractPlan *p)
{
	return blocks_of(p->block_rows, p->high) * blocks_of(p->block_cols, p->wide * p->lanes);
}

/* Elements from the first to the last that are read of an operand along sum `at` and those in it, for
 * all rows or columns of a tile at one place along the outer axes. */
static int64_t span_of_sums(const Planner *m, const OperandAxes *axes, int at)
{
	const ContractAxes *all = m->axes;
	const ContractPlan *p = m->p;
	int64_t far = 1, free = axes == &all->r ? m->t->tile_rows : m->t->tile_cols;
	for (int i = at; i < all->sums; i++) {
		int64_t size = i == p->block_axis && p->k_blocks > 1 ? p->block_sum : p->sum_size[i];
		far += (size - 1) * axis_step(m->k, axes->node, axes->sum[i]);
	}
	return far + (free - 1) * axis_step(m->k, axes->node, axes->free);
}

/* The same behind a value of sum `at`, for all places of a tile. */
static int64_t span(const Planner *m, const OperandAxes *axes, int at)
{
	const ContractAxes *all = m->axes;
	Shape s = node(m->k->graph, axes->node)->shape;
	int64_t far = span_of_sums(m, axes, at + 1), tile = m->t->tile_outer;
	for (int i = all->outers - 1; i >= 0 && axes->axis[all->outer[i]] >= 0; i--) {
		int axis = axes->axis[all->outer[i]];
		int64_t size = s.dim[axis], there = tile < size && size % tile == 0 ? tile : size;
		far += (there - 1) * axis_step(m->k, axes->node, axis);
		tile = blocks_of(tile, size);
	}
	return far;
}

/* Blocks of several sums, of an operand that lies across them: a register tile brings its share of what
 * the next block reads while it goes through the values of this one, or of a sum in it, whose values a
 * stride of a convolution keeps apart: what lies between is another tile's. */
static void bring_values(const Planner *m, OperandPlan *o)
{
	ContractPlan *p = m->p;
	const OperandAxes *axes = axes_of(m, o);
	int64_t tiles = m->t->tile_outer * register_tiles(p), values = 1, fewest = MOST_LINES + 1;
	for (int i = p->block_axis; i + 1 < m->axes->sums; i++) {
		int64_t step = axis_step(m->k, axes->node, axes->sum[i]), far = span(m, axes, i);
		int64_t bytes = (far < step ? far : step) * p->element_bytes;
		int64_t lines = blocks_of(blocks_of(bytes, m->machine->line_bytes), tiles);
		values *= i > p->block_axis ? p->sum_size[i] : 1;
		if (step > 0 && values * lines < fewest)
			fewest = values * lines, o->lines = lines, o->value = i;
	}
	if (fewest <= MOST_LINES && contract_is_plain(m, axes->node))
		o->prefetch = PREFETCH_VALUE;
}

/* Blocks come from afar one after the other. */
static bool values_follow(const Planner *m)
{
	const ContractPlan *p = m->p;
	int64_t bytes =
	    m->axes->batch_size * (m->axes->rows + m->axes->cols) * m->steps * p->element_bytes;
	return contract_lies_across(m->k, m->axes) && p->k_blocks > 1 && !p->pairs &&
	       !m->kernel->chain && p->block_axis + 1 < m->axes->sums &&
	       p->high * p->wide >= SOME_FMAS && m->machine->line_bytes &&
	       bytes > machine_far_bytes(m->machine) / 2;
}

/* Windows on what comes from afar: at each value of the sum before k a register tile brings its share of
 * what the next outer index reads and this one does not, as the next lines of an image: as streams of
 * rows these are too short, and too many, for the machine to foresee. */
static void bring_outer(const Planner *m, OperandPlan *o)
{
	ContractPlan *p = m->p;
	const ContractAxes *all = m->axes;
	NodeId x = all->r.node;
	int last = all->sums - 2;
	if (last < p->block_axis || p->k < SOON || all->outers == 0 || all->samples || p->pairs ||
	    m->kernel->chain || p->r.source != SOURCE_DIRECT || !m->machine->line_bytes ||
	    !contract_is_plain(m, x) || p->high * p->wide < SOME_FMAS ||
	    contiguous_axis(m->k, x) != all->r.contract)
		return;
	while (m->k->buffer_of[x] == 0)
		x = node(m->k->graph, x)->in[0];
	int64_t step = axis_step(m->k, all->r.node, all->r.axis[all->outer[all->outers - 1]]),
	        far = span_of_sums(m, &all->r, p->block_axis),
	        bytes = (far < step ? far : step) * p->element_bytes, shares = register_tiles(p);
	for (int i = p->block_axis; i <= last; i++)
		shares *= i == p->block_axis && p->k_blocks > 1 ? p->block_sum : p->sum_size[i];
	int64_t lines = blocks_of(blocks_of(bytes, m->machine->line_bytes), shares);
	bool is_far = (int64_t)m->k->buffer[m->k->buffer_of[x]].bytes > machine_far_bytes(m->machine);
	if (!is_far || step <= 0 || lines > MANY_LINES || p->k * p->high * p->wide < lines * FEW_FMAS)
		return;
	o->prefetch = PREFETCH_OUTER, o->lines = lines, o->value = last;
	o->distance = far > step ? far : step;
}

/* Where blocks are many, and a register tile can bring a step. */
static PrefetchKind of_next_block(const Planner *m, OperandPlan *o, int64_t size, bool packed)
{
	const ContractPlan *p = m->p;
	o->lines = blocks_of(size, p->lanes);
	o->share = p->block_k / (o->lines * p->every);
	bool brought = packed && p->k_blocks > 1 && o->share > 0 && lies_across(m, o);
	return brought ? PREFETCH_BLOCK : PREFETCH_NONE;
}

/* R lies across its panels. L is as well read where it is, but for pieces of its rows. */
static void choose(Planner *m)
{
	ContractPlan *p = m->p;
	OperandPlan *r = &p->r, *l = &p->l;
	bool l_packed = m->deep || l->source == SOURCE_ALONG_FREE;
	brings(r, of_next_block(m, r, p->block_rows, m->deep || r->source == SOURCE_ALONG_FREE), p);
	brings(l, of_next_block(m, l, p->block_cols, l_packed), p);
	if (r->prefetch && is_copied(m, r))
		brings(r, PREFETCH_COPY, p);
	if (r->prefetch == PREFETCH_COPY && l->prefetch && m->axes->cols > m->t->tile_cols &&
	    is_copied(m, l))
		brings(l, PREFETCH_COPY, p);
	if (!r->prefetch && !l->prefetch && rows_follow(m))
		brings(r, PREFETCH_ROWS, p);
	if (values_follow(m))
		bring_values(m, r), bring_values(m, l);
	if (!r->prefetch && !l->prefetch)
		bring_outer(m, r);
	if (unit_follows(m, r))
		brings(r, PREFETCH_UNIT, p);
	if (unit_follows(m, l))
		brings(l, PREFETCH_UNIT, p);
	if (!is_asked_soon(m, r))
		return;
	brings(r, PREFETCH_STEPS, p);
	if (is_asked_soon(m, l))
		brings(l, PREFETCH_STEPS, p);
}

/* Lines that are copied in every second step, if there are tiles enough, leave the caches time. */
void contract_choose_prefetch(Planner *m)
{
	ContractPlan *p = m->p;
	p->every = 1;
	choose(m);
	if (p->r.prefetch != PREFETCH_COPY || p->unroll > 1 || p->k % 2)
		return;
	PrefetchKind l = p->l.prefetch;
	p->every = p->unroll = 2;
	choose(m);
	if (p->r.prefetch == PREFETCH_COPY && p->l.prefetch == l)
		return;
	p->every = p->unroll = 1;
	choose(m);
}
