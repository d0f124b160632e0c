/* scan.c: the loop of a scan as a kernel.
 *
 * The body is a function: scheduled and planned as one, with inputs and outputs that are given as
 * addresses, and an arena, which lies in a buffer that the scan writes as if it were its result. So
 * nothing in it knows that it is a body. The loop moves the addresses: a sequence's and a result's by
 * one place a step; a carry is read where the step before wrote it. If all steps of a carry are wanted
 * it is never copied; else it goes to two places by turns, so that the last step writes where the last
 * is wanted. */
#include "fuse.h"

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

static uint64_t bytes_of(const Node *n)
{
	return (uint64_t)shape_size(n->shape) * type_info[n->type].size;
}

/* -- Operands ---------------------------------------------------------------------------------- */

/* A slice of whole rows, one after the other. */
static bool is_run_of_rows(const Graph *g, const Node *n)
{
	if (n->op != OP_slice || n->shape.rank == 0 || n->attr.slice.step[0] != 1)
		return false;
	Shape from = node(g, n->in[0])->shape;
	for (int i = 1; i < from.rank; i++)
		if (n->shape.dim[i] != from.dim[i] || n->attr.slice.step[i] != 1)
			return false;
	return true;
}

static bool is_seen_through(const Graph *g, const Node *n)
{
	bool moves = n->op == OP_reshape || is_run_of_rows(g, n);
	return moves && !node_is_filled(g, n->in[0]);
}

NodeId loop_base(const Graph *g, NodeId x)
{
	while (is_seen_through(g, node(g, x)))
		x = node(g, x)->in[0];
	return x;
}

LoopOperand loop_operand(const Kernels *k, const Node *scan, int i)
{
	const Graph *g = k->graph;
	const Region *r = scan->attr.region;
	LoopOperand to = {.node = scan->in[i]};
	const Node *n = node(g, to.node);
	bool each = i >= (int)r->carries && i < (int)(r->carries + r->sequences);
	to.stride = each ? (int64_t)bytes_of(n) / r->length : 0;
	while (!k->buffer_of[to.node]) {
		n = node(g, to.node);
		if (!is_seen_through(g, n))
			BUG("operand %d of a scan of %s is not stored", i, g->name);
		const Node *from = node(g, n->in[0]);
		if (n->op == OP_slice)
			to.offset += n->attr.slice.start[0] * ((int64_t)bytes_of(from) / from->shape.dim[0]);
		to.node = n->in[0];
	}
	return to;
}

/* -- The body ---------------------------------------------------------------------------------- */

static void place_outputs(const Kernels *k, const Kernel *kernel, LoopPlan *loop)
{
	const Graph *body = loop->region->body;
	uint64_t at = aligned(loop->plan->arena_bytes);
	for (uint32_t i = 0; i < kernel->out_count; i++) {
		const Node *n = node(k->graph, kernel->out[i]);
		if (n->op != OP_result)
			continue;
		LoopOutput *to = &loop->output[n->attr.result.index];
		*(n->attr.result.last ? &to->last : &to->all) = kernel->to[i];
	}
	for (uint32_t i = 0; i < body->out_count; i++) {
		LoopOutput *to = &loop->output[i];
		to->bytes = bytes_of(node(body, body->out[i].value));
		for (int turn = 0; turn < 2 && !to->all; turn++) {
			to->slot[turn] = at;
			at += aligned(to->bytes);
		}
	}
	loop->bytes = at ? at : ARENA_ALIGN;
}

bool kernel_loop(Compile *c, Kernels *k, Kernel *kernel)
{
	if (kernel->kind != KERNEL_scan)
		return true;
	const Node *scan = node(k->graph, kernel->core);
	LoopPlan *loop = new (c->arena, LoopPlan);
	loop->scan = scan;
	loop->region = scan->attr.region;
	Kernels *body = schedule(c, loop->region->body);
	loop->body = body;
	loop->plan = plan(c, body);
	if (!loop->plan)
		return false;
	loop->output = new_array(c->arena, LoopOutput, loop->region->body->out_count);
	place_outputs(k, kernel, loop);
	kernel->loop = loop;
	k->buffer[k->buffer_of[kernel->core]].bytes = loop->bytes;
	return true;
}

/* -- What it is worth, and its hash ------------------------------------------------------------ */

double loop_cost(Compile *c, const Kernels *k, const LoopPlan *loop, double *bytes)
{
	const Region *r = loop->region;
	double flops = 0, same = 0;
	int64_t cache =
	    c->machine->l3_bytes > c->machine->l2_bytes ? c->machine->l3_bytes : c->machine->l2_bytes;
	for (uint32_t i = 0; i < loop->body->kernel_count; i++)
		flops += loop->body->kernel[i].flops * (double)r->length;
	for (int i = (int)(r->carries + r->sequences); i < loop->scan->count; i++)
		same += (double)bytes_of(node(k->graph, loop->scan->in[i]));
	if (cache && same + (double)loop->bytes > (double)cache)
		*bytes += same * (double)(r->length - 1);
	return flops;
}

static Hash hash_kernel(Compile *c, const Kernels *k, const Kernel *kernel, Hash h)
{
	uint32_t reads = 0;
	const Read *read = kernel->kind == KERNEL_copy ? NULL : kernel_loads(c, k, kernel, &reads);
	h = hash_u64(hash_u64(h, kernel->hash), (uint64_t)kernel->tiles * 2 + kernel->beside);
	h = hash_u64(hash_u64(h, kernel->kind == KERNEL_copy ? kernel->from : 0), reads);
	for (uint32_t i = 0; i < reads; i++)
		h = hash_u64(h, k->buffer_of[read[i].node]);
	for (uint32_t i = 0; i < kernel->out_count; i++)
		h = hash_u64(h, kernel->to[i]);
	const Chain *chain = kernel->chain;
	h = hash_u64(h, chain ? chain->count * 2 + kernel->adds : 0);
	h = hash_u64(h, chain ? (uint64_t)chain->units : 0);
	return hash_u64(h, chain ? (uint64_t)chain->block : 0);
}

/* Of the body's kernels and where its buffers are, and of the loop around. */
Hash loop_hash(Compile *c, const LoopPlan *loop, Hash h)
{
	const Kernels *k = loop->body;
	const Region *r = loop->region;
	ArenaMark mark = arena_mark(c->arena);
	h = hash_u64(hash_u64(h, (uint64_t)r->length * 2 + r->reverse), r->carries);
	h = hash_u64(hash_u64(h, r->sequences), loop->bytes);
	for (uint32_t i = 0; i < r->body->out_count; i++) {
		const LoopOutput *o = &loop->output[i];
		h = hash_u64(hash_u64(h, (o->all != 0) * 2 + (o->last != 0)), o->bytes);
		h = hash_u64(hash_u64(h, o->slot[0]), o->slot[1]);
	}
	for (uint32_t i = 0; i < k->input_count; i++)
		h = hash_text(h, k->input_name[i]);
	for (BufferId b = 1; b < k->buffer_count; b++) {
		h = hash_u64(h, (uint64_t)k->buffer[b].storage);
		h = hash_u64(hash_u64(h, k->buffer[b].slot), k->buffer[b].bytes);
		h = hash_u64(h, k->buffer[b].storage == STORED_ARENA ? k->buffer[b].offset : 0);
	}
	for (uint32_t i = 0; i < k->kernel_count; i++)
		h = hash_kernel(c, k, &k->kernel[i], h);
	arena_reset(c->arena, mark);
	return h;
}
