/* chain.c: kernels that run together, a part of their batch at a time: attention above all.
 *
 * In: kernels in order, not yet tiled. Out: some of them in chains. The members of a chain agree on
 * leading axes, whose places are its units, and on the axis of rows that follows. For each unit,
 * and in it for a block of rows, all members run one after the other. What only they read is
 * private: it has room for one block in the scratch of the thread, and never exists as a whole. A
 * product that sums over the rows adds one block at a time to its result.
 * - What an earlier chain made, only a later one needs, and is large, is made again there: the
 * backward pass of attention computes its scores anew instead of storing them.
 * - No value and no order of a sum differs from those of the kernels alone; but that sums over many
 * rows (CONTRACT_RUN, in codegen) are cut at the chain's blocks.
 * Dao et al. 2022, "FlashAttention"; here rows are whole, so no softmax has to be corrected. */
#include "fuse.h"

#include <string.h>

enum {
	FEWEST_ROWS = 16,      /* of a block */
	MOST_ROWS = 256,       /* of a block: a sum over more would be cut */
	MOST_SUMMED = 1 << 16, /* rows: the totals of their blocks are a running sum */
	MOST_PASSED = 6,       /* kernels between members: they run after the chain */
	MOST_COPIES = 4,       /* kernels that a chain repeats of another */
};

typedef struct Draft { /* a chain in the making, of kernels of the old list */
	uint32_t first, end;
	int axes;                           /* leading axes; */
	Shape lead;                         /* they, and the rows */
	uint64_t row_bytes;                 /* of all that it writes, a row of it */
	bool whole;                         /* some member needs all rows of a unit: one block */
	bool exact;                         /* what members read of other drafts they read by rows */
	uint32_t copy[MOST_COPIES], copies; /* kernels of another that it repeats, in order */
	uint32_t copied_by;                 /* 1 + the draft that does so to this one */
} Draft;

typedef struct Reads {
	BufferId *buffer;
	uint32_t count;
} Reads;

typedef struct Chaining {
	Compile *c;
	Kernels *k;
	Draft *draft;
	uint32_t drafts;
	uint32_t *draft_of; /* [kernel_count] 1 + index; 0: none */
	bool *adds;         /* [kernel_count] sums over the rows of its chain */
	uint32_t *writer;   /* [buffer_count] 1 + kernel */
	uint32_t *readers;  /* [buffer_count] how many */
	Reads *reads;       /* [kernel_count] */
	bool *unit;         /* [buffer_count] will be private */
	bool *result, *set; /* [count] an output; the value of a set */
	int8_t *lead; /* [count] of the kernel at hand: leading axes of a node that are the kernel's */
} Chaining;

/* Bytes of a block's private buffers: half of the second cache, if the stack has room for it. */
static int64_t block_limit(const Chaining *ch)
{
	const Machine *m = ch->c->machine;
	int64_t most = m->l2_bytes / 2 < m->stack_bytes ? m->l2_bytes / 2 : m->stack_bytes;
	return ch->c->chain_room ? (int64_t)ch->c->chain_room : most;
}

/* Bytes that are rather made again than stored. */
static uint64_t repeat_limit(const Chaining *ch)
{
	return ch->c->chain_room ? 0 : (uint64_t)(2 * ch->c->machine->l2_bytes);
}

static int64_t units_of(const Draft *d)
{
	int64_t units = 1;
	for (int i = 0; i < d->axes; i++)
		units *= d->lead.dim[i];
	return units;
}

/* Of what a kernel writes. */
static uint64_t row_bytes_of(const Chaining *ch, const Kernel *kernel, const Draft *d)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		bytes += ch->k->buffer[kernel->to[i]].bytes;
	return bytes / (uint64_t)(units_of(d) * d->lead.dim[d->axes]);
}

/* Whether so much a row is surely not too much for the scratch of a block. */
static bool has_room(const Chaining *ch, const Draft *d, uint64_t row_bytes)
{
	int64_t rows = d->whole ? d->lead.dim[d->axes] : FEWEST_ROWS;
	return row_bytes <= (uint64_t)(ch->c->machine->stack_bytes / rows);
}

/* -- What a member reads of a unit ------------------------------------------------------------- */

static int least(int x, int y)
{
	return x < y ? x : y;
}

/* Of operand i of n: how many leading axes are those of n, of which `lead` count. */
static int operand_lead(const Graph *g, const Node *n, int i, int lead, int axes, bool adds)
{
	const Node *o = node(g, n->in[i]);
	int most = least(lead, o->shape.rank), same = 0;
	while (same < most && o->shape.dim[same] == n->shape.dim[same])
		same++;
	if (op_info[n->op].kind == REDUCE)
		return least(lead, n->attr.axes.at[0]);
	if (op_info[n->op].kind == CONTRACT) {
		const DotAxes *d = &n->attr.dot;
		for (int j = 0; j < axes; j++)
			if ((i ? d->y_batch : d->x_batch)[j] != j)
				return 0;
		bool rows = adds ? (i ? d->y_contract : d->x_contract)[0] == axes
		                 : i == 0 && d->x_contract[0] != axes;
		return rows ? axes + 1 : axes;
	}
	for (int j = 0; j < same; j++)
		if (operand_axis(g, n, i, j) != j)
			return j;
	return same;
}

/* lead[] of the nodes of a kernel, which are [*count] visits, users first. */
static const Visit *find_leads(Chaining *ch, const Kernel *kernel, int axes, bool adds,
                               uint32_t *count)
{
	const Graph *g = ch->k->graph;
	const Visit *visit = kernel_walk(ch->c, ch->k, kernel, count);
	for (uint32_t i = 0; i < *count; i++)
		ch->lead[visit[i].node] = -1;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		ch->lead[kernel->out[i]] = (int8_t)(adds ? axes : axes + 1);
	for (uint32_t v = 0; v < *count; v++) {
		const Node *n = node(g, visit[v].node);
		for (int i = 0; visit[v].here && i < n->count; i++) {
			int lead = operand_lead(g, n, i, ch->lead[visit[v].node], axes, adds);
			int8_t *of = &ch->lead[n->in[i]];
			*of = (int8_t)(*of < 0 ? lead : least(*of, lead));
		}
	}
	return visit;
}

static void note_writer(Chaining *ch, uint32_t kernel)
{
	for (uint32_t o = 0; o < ch->k->kernel[kernel].out_count; o++)
		ch->writer[ch->k->kernel[kernel].to[o]] = kernel + 1;
}

/* -- Members ----------------------------------------------------------------------------------- */

static bool leads_with(Shape s, const Draft *d)
{
	for (int i = 0; i <= d->axes; i++)
		if (i >= s.rank || s.dim[i] != d->lead.dim[i])
			return false;
	return true;
}

/* A product whose batch axes are the unit's: of rows, or a sum over them. */
static bool is_product(const Chaining *ch, const Kernel *kernel, const Draft *d, bool adds)
{
	const Node *dot = node(ch->k->graph, kernel->core);
	ContractAxes r = contract_axes(ch->k->graph, dot);
	if (r.outers || r.row < 0 || r.col < 0 || r.batches != d->axes || dot->shape.rank > MAX_RANK)
		return false;
	for (int i = 0; i < d->axes; i++)
		if (r.batch[i] != i || dot->shape.dim[i] != d->lead.dim[i])
			return false;
	const DotAxes *a = &dot->attr.dot;
	bool over_rows = a->x_contract[0] == d->axes || a->y_contract[0] == d->axes;
	if (adds)
		return r.sums == 1 && over_rows && r.k == d->lead.dim[d->axes] && r.k <= MOST_SUMMED &&
		       kernel->out_count == 1 && kernel->out[0] == kernel->core;
	return !r.swapped && r.row == d->axes && dot->shape.dim[r.row] == d->lead.dim[d->axes];
}

static bool has_form(const Chaining *ch, const Kernel *kernel, const Draft *d, bool adds)
{
	const Graph *g = ch->k->graph;
	for (uint32_t i = 0; i < kernel->out_count; i++)
		if (ch->set[kernel->out[i]])
			return false; /* it may be written over a state that another block still reads */
	if (kernel->kind == KERNEL_contract)
		return is_product(ch, kernel, d, adds);
	if (adds)
		return false;
	if (kernel->kind == KERNEL_row) {
		Shape row = node(g, node(g, kernel->core)->in[0])->shape;
		return row.rank == d->axes + 2 && leads_with(row, d);
	}
	return kernel->kind == KERNEL_map && kernel->flat &&
	       leads_with(node(g, kernel->out[0])->shape, d);
}

static bool same_lead(const Draft *a, const Draft *b)
{
	return a->axes == b->axes && leads_with(a->lead, b);
}

/* Whether kernel i can be a member: all that it reads of the chain is of its own block or unit. */
static bool takes(Chaining *ch, Draft *d, uint32_t i, bool adds)
{
	const Kernel *kernel = &ch->k->kernel[i];
	if (!has_form(ch, kernel, d, adds))
		return false;
	uint32_t count;
	const Visit *visit = find_leads(ch, kernel, d->axes, adds, &count);
	bool whole = d->whole, exact = d->exact;
	for (uint32_t v = 0; v < count; v++) {
		NodeId x = visit[v].node;
		if (visit[v].here)
			continue;
		uint32_t writer = ch->writer[ch->k->buffer_of[x]];
		if (writer > d->end)
			return false; /* of a kernel that the chain has passed over */
		if (!writer || !ch->draft_of[writer - 1])
			continue;
		bool rows = ch->lead[x] > d->axes && !ch->adds[writer - 1];
		if (writer - 1 < d->first) { /* of another chain: it is stored, or made again */
			exact &= rows;
			continue;
		}
		if (ch->lead[x] < d->axes || (ch->adds[writer - 1] && d->lead.dim[d->axes] > MOST_ROWS))
			return false;
		whole |= !rows;
	}
	Draft with = *d;
	with.whole = whole, with.exact = exact;
	with.row_bytes += row_bytes_of(ch, kernel, d);
	if ((whole && d->lead.dim[d->axes] > MOST_ROWS) || !has_room(ch, &with, with.row_bytes))
		return false;
	*d = with;
	return true;
}

/* Kernel `from` runs before those in [to, from): none of them reads what it writes, nor it theirs. */
static void move(Chaining *ch, uint32_t from, uint32_t to)
{
	Kernel kernel = ch->k->kernel[from];
	Reads reads = ch->reads[from];
	memmove(&ch->k->kernel[to + 1], &ch->k->kernel[to], (from - to) * sizeof kernel);
	memmove(&ch->reads[to + 1], &ch->reads[to], (from - to) * sizeof reads);
	ch->k->kernel[to] = kernel, ch->reads[to] = reads;
	for (uint32_t i = to; i <= from; i++)
		note_writer(ch, i);
}

/* Whether a asks for less than b. */
static bool narrower(const Draft *a, const Draft *b)
{
	return a->whole < b->whole || a->exact > b->exact;
}

/* Whether kernel i reads nothing of those in [d->first, i). */
static bool can_run_before(const Chaining *ch, const Draft *d, uint32_t i)
{
	for (uint32_t r = 0; r < ch->reads[i].count; r++)
		if (ch->writer[ch->reads[i].buffer[r]] > d->first)
			return false;
	return true;
}

/* Kernel i runs before the whole chain. */
static void move_before(Chaining *ch, Draft *d, uint32_t i)
{
	uint32_t members = d->end - d->first;
	move(ch, i, d->first);
	memmove(&ch->adds[d->first + 1], &ch->adds[d->first], members * sizeof *ch->adds);
	memmove(&ch->draft_of[d->first + 1], &ch->draft_of[d->first], members * sizeof *ch->draft_of);
	ch->adds[d->first] = false;
	ch->draft_of[d->first] = 0;
	d->first++, d->end++;
}

/* A chain begins with a product of rows; it goes on while kernels fit, past a few that do not: they
 * run before it, if they can, or after it. Returns the next kernel to look at. */
static uint32_t draft(Chaining *ch, uint32_t first)
{
	const Kernel *kernel = &ch->k->kernel[first];
	if (kernel->kind != KERNEL_contract)
		return first + 1;
	const Node *dot = node(ch->k->graph, kernel->core);
	Draft d = {.first = first, .end = first, .axes = dot->attr.dot.batch, .exact = true};
	d.lead = dot->shape;
	if (d.axes == 0 || dot->shape.rank < d.axes + 2 || !has_form(ch, kernel, &d, false))
		return first + 1;
	for (uint32_t i = first; i < ch->k->kernel_count && i <= d.end + MOST_PASSED; i++) {
		/* where rows and the axis summed over are as long, it may be either */
		Draft by_rows = d, by_sum = d;
		bool rows = takes(ch, &by_rows, i, false), sum = i > first && takes(ch, &by_sum, i, true);
		if (!rows && !sum) {
			if (d.end > d.first && d.first - first < MOST_PASSED && can_run_before(ch, &d, i))
				move_before(ch, &d, i);
			continue;
		}
		rows = rows && !(sum && narrower(&by_sum, &by_rows));
		d = rows ? by_rows : by_sum;
		move(ch, i, d.end);
		ch->adds[d.end] = !rows;
		ch->draft_of[d.end++] = ch->drafts + 1;
	}
	if (d.end < d.first + 2)
		ch->draft_of[d.first] = 0;
	else
		ch->draft[ch->drafts++] = d;
	return d.end > first ? d.end : first + 1;
}

/* -- What is private --------------------------------------------------------------------------- */

static unsigned times_read(const Chaining *ch, BufferId b, const Draft *d)
{
	unsigned times = 0;
	for (uint32_t i = d->first; i < d->end; i++)
		for (uint32_t r = 0; r < ch->reads[i].count; r++)
			times += ch->reads[i].buffer[r] == b;
	return times;
}

/* Written by rows in d, and read only there or in `other`, if there is one. */
static bool can_be_private(const Chaining *ch, BufferId b, const Draft *d, const Draft *other)
{
	const Buffer *buffer = &ch->k->buffer[b];
	uint32_t writer = ch->writer[b];
	if (buffer->storage != STORED_ARENA || writer <= d->first || writer > d->end)
		return false;
	if (ch->adds[writer - 1] || ch->result[buffer->node] ||
	    !leads_with(node(ch->k->graph, buffer->node)->shape, d))
		return false;
	unsigned inside = times_read(ch, b, d) + (other ? times_read(ch, b, other) : 0);
	return inside == ch->readers[b];
}

static bool copies(const Draft *d, uint32_t kernel)
{
	for (uint32_t i = 0; d && i < d->copies; i++)
		if (d->copy[i] == kernel)
			return true;
	return false;
}

static bool is_private(const Chaining *ch, BufferId b, const Draft *d)
{
	const Draft *again = d->copied_by ? &ch->draft[d->copied_by - 1] : NULL;
	return can_be_private(ch, b, d, NULL) ||
	       (copies(again, ch->writer[b] - 1) && can_be_private(ch, b, d, again));
}

/* Bytes of what d needs of `from` and could be private; their writers, and what those need, in
 * wanted[], of which those of `from` are set. */
static uint64_t find_wanted(const Chaining *ch, const Draft *d, const Draft *from, bool *wanted)
{
	uint64_t bytes = 0;
	memset(&wanted[from->first], 0, from->end - from->first);
	for (uint32_t i = from->first; i < from->end; i++)
		for (uint32_t o = 0; o < ch->k->kernel[i].out_count; o++) {
			BufferId b = ch->k->kernel[i].to[o];
			if (!times_read(ch, b, d) || !can_be_private(ch, b, from, d))
				continue;
			bytes += ch->k->buffer[b].bytes;
			wanted[i] = true;
		}
	for (uint32_t i = from->end; i-- > from->first;)
		for (uint32_t r = 0; wanted[i] && r < ch->reads[i].count; r++) {
			BufferId b = ch->reads[i].buffer[r];
			if (can_be_private(ch, b, from, NULL) || can_be_private(ch, b, from, d))
				wanted[ch->writer[b] - 1] = true;
		}
	return bytes;
}

/* read_by[i]: the last chain that is known to read what chain i writes, from 1. */
static void note_read_chains(const Chaining *ch, const Draft *d, uint32_t *read_by)
{
	for (uint32_t i = d->first; i < d->end; i++)
		for (uint32_t r = 0; r < ch->reads[i].count; r++) {
			uint32_t writer = ch->writer[ch->reads[i].buffer[r]];
			uint32_t of = writer ? ch->draft_of[writer - 1] : 0;
			if (of)
				read_by[of - 1] = (uint32_t)(d - ch->draft) + 1;
		}
}

/* Takes over the kernels of an earlier chain whose results are better made again. */
static void choose_copies(Chaining *ch, Draft *d, bool *wanted, uint32_t *read_by)
{
	note_read_chains(ch, d, read_by);
	for (Draft *from = ch->draft; from < d && d->exact; from++) {
		if (read_by[from - ch->draft] != d - ch->draft + 1 || !same_lead(from, d) ||
		    from->copied_by || from->copies)
			continue;
		if (find_wanted(ch, d, from, wanted) <= repeat_limit(ch))
			continue;
		uint32_t count = 0;
		uint64_t row_bytes = d->row_bytes;
		for (uint32_t i = from->first; i < from->end; i++) {
			count += wanted[i];
			row_bytes += wanted[i] ? row_bytes_of(ch, &ch->k->kernel[i], d) : 0;
		}
		if (count > MOST_COPIES || !has_room(ch, d, row_bytes))
			continue;
		for (uint32_t i = from->first; i < from->end; i++)
			if (wanted[i])
				d->copy[d->copies++] = i;
		d->row_bytes = row_bytes;
		from->copied_by = (uint32_t)(d - ch->draft) + 1;
		return;
	}
}

/* -- The new list ------------------------------------------------------------------------------ */

/* Bytes of a row of all that is private in d. */
static uint64_t private_bytes(const Chaining *ch, const Draft *d)
{
	uint64_t bytes = 0;
	for (BufferId b = 1; b < ch->k->buffer_count; b++) {
		uint32_t writer = ch->writer[b];
		bool here = writer > d->first && writer <= d->end;
		if (ch->k->buffer[b].storage == STORED_UNIT && (here || (writer && copies(d, writer - 1))))
			bytes += ch->k->buffer[b].bytes / (uint64_t)(units_of(d) * d->lead.dim[d->axes]);
	}
	return bytes;
}

static Chain *make_chain(const Chaining *ch, const Draft *d)
{
	uint64_t bytes = private_bytes(ch, d);
	if (!bytes)
		return NULL;
	Chain *chain = new (ch->c->arena, Chain);
	int64_t rows = d->lead.dim[d->axes], fit = (int64_t)(block_limit(ch) / bytes);
	fit = fit > MOST_ROWS ? MOST_ROWS : fit / FEWEST_ROWS * FEWEST_ROWS;
	fit = fit < FEWEST_ROWS ? FEWEST_ROWS : fit;
	chain->count = d->copies + d->end - d->first;
	chain->units = units_of(d);
	chain->rows = rows;
	chain->block = d->whole || fit > rows ? rows : fit;
	return chain;
}

/* Kernel i, as it is made again: only what is private, and only the folds that this needs. */
static Kernel copy_of(const Chaining *ch, uint32_t i)
{
	Kernel copy = ch->k->kernel[i];
	copy.out = new_array(ch->c->arena, NodeId, copy.out_count);
	copy.to = new_array(ch->c->arena, BufferId, copy.out_count);
	copy.fold = new_array(ch->c->arena, NodeId, copy.fold_count + 1);
	uint32_t outs = copy.out_count, folds = copy.fold_count;
	copy.out_count = copy.fold_count = 0;
	for (uint32_t o = 0; o < outs; o++) {
		BufferId to = ch->k->kernel[i].to[o];
		if (ch->k->buffer[to].storage != STORED_UNIT)
			continue;
		copy.out[copy.out_count] = ch->k->kernel[i].out[o];
		copy.to[copy.out_count++] = to;
	}
	for (uint32_t o = 0; o < folds; o++) {
		BufferId at = ch->k->buffer_of[ch->k->kernel[i].fold[o]];
		if (!at || ch->k->buffer[at].storage == STORED_UNIT)
			copy.fold[copy.fold_count++] = ch->k->kernel[i].fold[o];
	}
	if (copy.fold_count)
		copy.core = copy.fold[0];
	else
		memcpy(copy.fold, ch->k->kernel[i].fold, (copy.fold_count = folds) * sizeof *copy.fold);
	return copy;
}

static void rebuild(Chaining *ch)
{
	Kernels *k = ch->k;
	Kernel *old = new_array(ch->c->arena, Kernel, k->kernel_count + 1);
	memcpy(old, k->kernel, k->kernel_count * sizeof *old);
	uint32_t count = 0, copies = 0;
	for (uint32_t i = 0; i < ch->drafts; i++)
		copies += ch->draft[i].copies;
	Kernel *to = new_array(ch->c->arena, Kernel, k->kernel_count + copies + 1);
	const Chain *chain = NULL;
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		const Draft *d = ch->draft_of[i] ? &ch->draft[ch->draft_of[i] - 1] : NULL;
		if (d && d->first == i) {
			chain = make_chain(ch, d);
			for (uint32_t j = 0; chain && j < d->copies; j++) {
				to[count] = copy_of(ch, d->copy[j]);
				to[count++].chain = chain;
			}
		}
		to[count] = k->kernel[i];
		to[count].chain = d ? chain : NULL;
		to[count].adds = d && chain && ch->adds[i] && chain->block < chain->rows;
		count++;
	}
	memcpy(k->kernel, to, count * sizeof *to);
	k->kernel_count = count;
}

static void note_reads(Chaining *ch)
{
	Kernels *k = ch->k;
	Read *read = new_array(ch->c->arena, Read, k->graph->count);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		uint32_t count = kernel_reads(ch->c, k, &k->kernel[i], read);
		ch->reads[i] = (Reads){new_array(ch->c->arena, BufferId, count + 1), count};
		for (uint32_t r = 0; r < count; r++) {
			ch->reads[i].buffer[r] = k->buffer_of[read[r].node];
			ch->readers[k->buffer_of[read[r].node]]++;
		}
		note_writer(ch, i);
	}
}

static void note_results(Chaining *ch)
{
	const Graph *g = ch->k->graph;
	for (uint32_t i = 0; i < g->out_count; i++)
		ch->result[result_of(g, g->out[i].value)] = true;
	for (uint32_t i = 0; i < g->set_count; i++)
		ch->set[g->set[i].value] = true;
}

size_t kernels_at_most(uint32_t count)
{
	return (size_t)count * (MOST_COPIES + 1);
}

void kernels_chain(Compile *c, Kernels *k)
{
	Chaining ch = {.c = c, .k = k};
	if (!block_limit(&ch))
		return; /* without caches, memory is as near as scratch */
	ch.draft = new_array(c->arena, Draft, k->kernel_count + 1);
	ch.draft_of = new_array(c->arena, uint32_t, k->kernel_count + 1);
	ch.adds = new_array(c->arena, bool, k->kernel_count + 1);
	ch.reads = new_array(c->arena, Reads, k->kernel_count + 1);
	ch.writer = new_array(c->arena, uint32_t, k->buffer_count);
	ch.readers = new_array(c->arena, uint32_t, k->buffer_count);
	ch.result = new_array(c->arena, bool, k->graph->count);
	ch.set = new_array(c->arena, bool, k->graph->count);
	ch.lead = new_array(c->arena, int8_t, k->graph->count);
	ch.unit = new_array(c->arena, bool, k->buffer_count);
	note_reads(&ch);
	note_results(&ch);
	for (uint32_t i = 0; i < k->kernel_count;)
		i = draft(&ch, i);
	if (!ch.drafts)
		return;
	bool *wanted = new_array(c->arena, bool, k->kernel_count);
	uint32_t *read_by = new_array(c->arena, uint32_t, ch.drafts);
	for (uint32_t i = 1; i < ch.drafts; i++)
		choose_copies(&ch, &ch.draft[i], wanted, read_by);
	for (BufferId b = 1; b < k->buffer_count; b++) {
		uint32_t writer = ch.writer[b], of = writer ? ch.draft_of[writer - 1] : 0;
		ch.unit[b] = of && is_private(&ch, b, &ch.draft[of - 1]);
	}
	for (BufferId b = 1; b < k->buffer_count; b++)
		if (ch.unit[b])
			k->buffer[b].storage = STORED_UNIT;
	rebuild(&ch);
}

/* -- What others ask --------------------------------------------------------------------------- */

uint32_t chain_end(const Kernels *k, uint32_t first)
{
	return k->kernel[first].chain ? first + k->kernel[first].chain->count : first + 1;
}

int64_t chain_blocks(const Chain *chain)
{
	return (chain->rows + chain->block - 1) / chain->block;
}

bool chain_adds(const Kernels *k, uint32_t first)
{
	for (uint32_t i = first; i < chain_end(k, first); i++)
		if (k->kernel[i].adds)
			return true;
	return false;
}

int64_t chain_tiles(const Kernels *k, uint32_t first)
{
	const Chain *chain = k->kernel[first].chain;
	return chain_adds(k, first) ? chain->units : chain->units * chain_blocks(chain);
}

uint64_t chain_row_bytes(const Kernels *k, const Chain *chain, BufferId b)
{
	return k->buffer[b].bytes / (uint64_t)(chain->units * chain->rows);
}
