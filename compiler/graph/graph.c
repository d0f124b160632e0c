/* graph.c: nodes, interning of equal nodes, and the constructors.
 *
 * Invariant: operands have smaller ids than their users, so the array is in topological order;
 * equal nodes are one node (all ops are pure: random bits take their key as an attribute). */
#include "graph.h"

#include <string.h>

const OpInfo op_info[OP_COUNT] = {
#define OP(name, ins, operands, kind, shape, gradient, types, attr, flags, weight, along, meaning) \
	[OP_##name] = {#name, ins,    operands, kind,   flags,    weight,                              \
	               #attr, #types, meaning,  #shape, #gradient},
#include "ops.def"
#undef OP
};

enum { CLASS_NONE, CLASS_FLOAT, CLASS_INT, CLASS_BOOL };
const TypeInfo type_info[DTYPE_COUNT] = {
#define TYPE(name, bytes, class, numpy, safetensors, meaning)                                      \
	[DTYPE_##name] = {#name, bytes,      CLASS_##class == CLASS_FLOAT, CLASS_##class == CLASS_INT, \
	                  numpy, safetensors},
#include "types.def"
#undef TYPE
};

Op op_by_name(const char *name)
{
	for (Op op = 1; op < OP_COUNT; op++)
		if (strcmp(op_info[op].name, name) == 0)
			return op;
	return OP_NONE;
}

DType type_by_name(const char *name)
{
	for (DType t = 1; t < DTYPE_COUNT; t++)
		if (strcmp(type_info[t].name, name) == 0)
			return t;
	return DTYPE_none;
}

/* -- Shapes ------------------------------------------------------------------------------------ */

int64_t shape_size(Shape s)
{
	int64_t size = 1;
	for (int i = 0; i < s.rank; i++)
		size *= s.dim[i];
	return size;
}

bool shape_equal(Shape a, Shape b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

int shape_long_axis(Shape s)
{
	int axis = s.rank - 1;
	while (axis > 0 && s.dim[axis] == 1)
		axis--;
	return axis;
}

Shape shape_of(int rank, const int64_t *dim)
{
	if (rank < 0 || rank > MAX_RANK)
		BUG("a shape of rank %d", rank);
	Shape s = {.rank = (uint8_t)rank};
	for (int i = 0; i < rank; i++)
		s.dim[i] = dim[i];
	return s;
}

/* Shapes equal but for axes of length 1. */
bool reshape_is_unit(const Graph *g, const Node *n)
{
	Shape a = node(g, n->in[0])->shape, b = n->shape;
	int64_t p[MAX_RANK], q[MAX_RANK];
	int ps = 0, qs = 0;
	for (int i = 0; i < a.rank; i++)
		if (a.dim[i] != 1)
			p[ps++] = a.dim[i];
	for (int i = 0; i < b.rank; i++)
		if (b.dim[i] != 1)
			q[qs++] = b.dim[i];
	return ps == qs && memcmp(p, q, (size_t)ps * sizeof *p) == 0;
}

bool reshape_is_spread(const Graph *g, const Node *n)
{
	if (n->op != OP_reshape || node(g, n->in[0])->op != OP_broadcast)
		return false;
	const Node *b = node(g, n->in[0]);
	Shape x = node(g, b->in[0])->shape;
	int last = n->shape.rank - 1;
	if (last < 0 || b->shape.rank != last + 2)
		return false;
	for (int i = 0; i <= last; i++)
		if (x.rank != last + 1 || b->attr.axes.at[i] != i || b->shape.dim[i] != x.dim[i] ||
		    (i < last && n->shape.dim[i] != x.dim[i]))
			return false;
	return true;
}

NodeId under_windows(const Graph *g, NodeId x)
{
	bool windows = false;
	NodeId at = x;
	for (;;) {
		const Node *n = node(g, at);
		windows |= n->op == OP_windows;
		if (windows && reshape_is_spread(g, n))
			n = node(g, n->in[0]);
		else if (n->op != OP_windows && n->op != OP_transpose && n->op != OP_slice &&
		         !(n->op == OP_reshape && reshape_is_unit(g, n)))
			return windows ? at : x;
		at = n->in[0];
	}
}

bool sums_windows(const Graph *g, const Node *n)
{
	if (n->op != OP_sum)
		return false;
	const Node *product = node(g, n->in[0]);
	bool windows = false;
	for (int i = 0; product->op == OP_mul && i < product->count; i++)
		windows |= under_windows(g, product->in[i]) != product->in[i];
	return windows;
}

void reshape_unit_axes(const Graph *g, const Node *n, int axis[MAX_RANK])
{
	Shape from = node(g, n->in[0])->shape;
	for (int i = 0, j = 0; i < from.rank; i++) {
		axis[i] = -1;
		if (from.dim[i] == 1)
			continue;
		while (n->shape.dim[j] == 1)
			j++;
		axis[i] = j++;
	}
}

const char *shape_text(Arena *a, DType t, Shape s)
{
	char text[256];
	size_t size = (size_t)snprintf(text, sizeof text, "%s[", type_info[t].name);
	for (int i = 0; i < s.rank; i++)
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%lld", i ? "," : "",
		                         (long long)s.dim[i]);
	size += (size_t)snprintf(text + size, sizeof text - size, "]");
	return arena_copy(a, text, size);
}

/* -- Nodes and interning ----------------------------------------------------------------------- */

static Node *own_node(Graph *g, NodeId x)
{
	return &g->segment[x / SEGMENT][x % SEGMENT];
}

static void add_segment(Graph *g, Node *segment)
{
	uint32_t count = g->capacity / SEGMENT;
	if (count == g->segment_capacity) {
		Node **more = new_array(g->c->arena, Node *, g->segment_capacity *= 2);
		memcpy(more, g->segment, count * sizeof *more);
		g->segment = more;
	}
	g->segment[count] = segment;
	g->capacity += SEGMENT;
}

static Graph *with_room(Compile *c, const char *name, uint32_t nodes)
{
	Graph *g = new (c->arena, Graph);
	g->c = c;
	g->segment_capacity = nodes / SEGMENT + 1;
	g->segment = new_array(c->arena, Node *, g->segment_capacity);
	if (nodes < SEGMENT) { /* a small graph takes no more than it needs */
		g->capacity = nodes;
		g->segment[0] = new_array(c->arena, Node, nodes);
	}
	while (g->capacity < nodes)
		add_segment(g, new_array(c->arena, Node, SEGMENT));
	g->count = 1;
	g->table_size = 256;
	while (g->table_size < 2 * nodes)
		g->table_size *= 2;
	g->table = new_array(c->arena, Slot, g->table_size);
	g->names = new_array(c->arena, uint32_t, g->table_size);
	g->name = arena_copy(c->arena, name, strlen(name));
	return g;
}

Graph *graph_new(Compile *c, const char *name)
{
	return with_room(c, name, 64);
}

Graph *graph_like(Compile *c, const Graph *in)
{
	return with_room(c, in->name, in->count + 64);
}

/* Of what is used: the rest is 0, as are the attributes of element-wise operations. */
static uint32_t node_hash(const Node *n)
{
	Hash h = hash_u64((Hash)n->op * 64 + (Hash)n->type, n->count);
	h = hash_bytes(h, n->shape.dim, n->shape.rank * sizeof *n->shape.dim);
	h = hash_bytes(h, n->in, n->count * sizeof *n->in);
	return (uint32_t)(op_info[n->op].kind == MAP ? h : hash_bytes(h, &n->attr, sizeof n->attr));
}

static bool node_equal(const Node *a, const Node *b)
{
	return a->op == b->op && a->type == b->type && a->count == b->count &&
	       memcmp(&a->shape, &b->shape, sizeof a->shape) == 0 &&
	       (!a->count || memcmp(a->in, b->in, a->count * sizeof *a->in) == 0) &&
	       memcmp(&a->attr, &b->attr, sizeof a->attr) == 0;
}

/* The slot to be asked `tries` after the first. Nodes come in the order of their operands, so the
 * first ones are near to those of the node before, and in a cache; what many read goes further. */
static uint32_t slot_at(const Graph *g, const Node *n, uint32_t hash, uint32_t tries)
{
	enum { NEAR = 16 };
	NodeId last = 0;
	for (int i = 0; i < n->count; i++)
		last = n->in[i] > last ? n->in[i] : last;
	uint32_t at = last && tries < NEAR ? 2 * last + hash % NEAR : hash;
	return (at + tries) & (g->table_size - 1);
}

static void put(Graph *g, Slot slot)
{
	const Node *n = node(g, slot.node);
	uint32_t tries = 0, i = slot_at(g, n, slot.hash, 0);
	while (g->table[i].node)
		i = slot_at(g, n, slot.hash, ++tries);
	g->table[i] = slot;
	if (n->op != OP_input && n->op != OP_state)
		return;
	i = (uint32_t)hash_text(0, n->attr.name) & (g->table_size - 1);
	while (g->names[i])
		i = (i + 1) & (g->table_size - 1);
	g->names[i] = slot.node;
}

static void grow(Graph *g)
{
	if (g->count == g->capacity) {
		uint32_t few = g->capacity < SEGMENT ? g->capacity : 0; /* in a first one that is short */
		Node *more = new_array(g->c->arena, Node, SEGMENT);
		if (few)
			memcpy(more, g->segment[0], few * sizeof *more);
		g->capacity -= few;
		add_segment(g, more);
	}
	if (g->count * 2 > g->table_size) {
		const Slot *slot = g->table;
		uint32_t slots = g->table_size;
		g->table_size *= 2;
		g->table = new_array(g->c->arena, Slot, g->table_size);
		g->names = new_array(g->c->arena, uint32_t, g->table_size);
		for (uint32_t i = 0; i < slots; i++)
			if (slot[i].node)
				put(g, slot[i]);
	}
}

static NodeId intern(Graph *g, const Node *n)
{
	uint32_t hash = node_hash(n), tries = 0, i = slot_at(g, n, hash, 0);
	for (; g->table[i].node; i = slot_at(g, n, hash, ++tries))
		if (g->table[i].hash == hash && node_equal(node(g, g->table[i].node), n))
			return g->table[i].node;
	if (g->count == MAX_NODES) {
		diag_error(g->c->diags, g->origin, "the graph '%s' has more than %d nodes", g->name,
		           MAX_NODES);
		diag_help(g->c->diags, "use fewer layers or steps: calls in calls and repeats in repeats "
		                       "multiply");
		return 0;
	}
	grow(g);
	NodeId x = g->count++, *in = new_array(g->c->arena, NodeId, n->count);
	for (int k = 0; k < n->count; k++)
		in[k] = n->in[k];
	*own_node(g, x) = *n;
	own_node(g, x)->in = in;
	put(g, (Slot){hash, x});
	return x;
}

const char *graph_name(Graph *g, const char *name)
{
	uint32_t i = (uint32_t)hash_text(0, name) & (g->table_size - 1);
	for (; g->names[i]; i = (i + 1) & (g->table_size - 1))
		if (strcmp(node(g, g->names[i])->attr.name, name) == 0)
			return node(g, g->names[i])->attr.name;
	return arena_copy(g->c->arena, name, strlen(name));
}

static NodeId add_inferred(Graph *g, Op op, const NodeId *in, int count, DType type, Shape shape,
                           Attr attr)
{
	NodeId swapped[2];
	Node n;
	memset(&n, 0, sizeof n);
	n.op = op;
	n.type = type;
	n.shape = shape;
	n.count = (uint8_t)count;
	n.attr = attr;
	n.origin = g->origin;
	n.in = in;
	if ((op_info[op].flags & COMMUTES) && in[0] > in[1]) {
		swapped[0] = in[1];
		swapped[1] = in[0];
		n.in = swapped;
	}
	return intern(g, &n);
}

NodeId graph_add_node(Graph *g, Op op, const NodeId *in, int count, DType type, Shape shape,
                      Attr attr)
{
	int most = op == OP_scan ? MOST_INS : MAX_INS;
	if (count < 0 || count > most || (op_info[op].ins != MANY && op_info[op].ins != count))
		BUG("%s of %d operands", op_info[op].name, count);
	for (int i = 0; i < count; i++) {
		if (in[i] == 0)
			return 0;
		if (in[i] >= g->count)
			BUG("operand %u of %s does not exist yet", in[i], op_info[op].name);
	}
	Inferred inferred = shape_infer(g, op, in, count, type, shape, &attr);
	if (inferred.type == DTYPE_none)
		return 0;
	return add_inferred(g, op, in, count, inferred.type, inferred.shape, attr);
}

static void *grown(Arena *a, void *old, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return old;
	*capacity = *capacity ? 2 * *capacity : 16;
	void *more = arena_array(a, *capacity, size);
	if (count)
		memcpy(more, old, count * size);
	return more;
}

void graph_output(Graph *g, const char *name, NodeId value)
{
	if (!value)
		return;
	g->out = grown(g->c->arena, g->out, g->out_count, &g->out_capacity, sizeof *g->out);
	g->out[g->out_count++] = (Output){arena_copy(g->c->arena, name, strlen(name)), value};
}

void graph_set(Graph *g, NodeId state, NodeId value)
{
	if (!state || !value)
		return;
	const Node *s = node(g, state), *v = node(g, value);
	if (s->op != OP_state)
		BUG("set of a node that is no state");
	if (s->type != v->type || !shape_equal(s->shape, v->shape)) {
		diag_error(g->c->diags, g->origin, "the next value of '%s' is %s, but '%s' is %s",
		           s->attr.name, shape_text(g->c->arena, v->type, v->shape), s->attr.name,
		           shape_text(g->c->arena, s->type, s->shape));
		return;
	}
	if (s->is_set) {
		diag_error(g->c->diags, g->origin, "'%s' is set twice in one step", s->attr.name);
		return;
	}
	own_node(g, state)->is_set = true;
	g->set = grown(g->c->arena, g->set, g->set_count, &g->set_capacity, sizeof *g->set);
	g->set[g->set_count++] = (Set){state, value};
}

NodeId graph_copy_node(Graph *g, const Graph *from, NodeId x, const NodeId *map)
{
	const Node *n = node(from, x);
	NodeId in[MOST_INS];
	bool alike = n->op != OP_scan; /* operands are, and so is what follows from them */
	for (int i = 0; i < n->count; i++) {
		const Node *old = node(from, n->in[i]), *now = node(g, in[i] = map[n->in[i]]);
		alike &= in[i] && old->type == now->type && shape_equal(old->shape, now->shape);
	}
	Attr attr = n->attr;
	if (n->op == OP_input || n->op == OP_state)
		attr.name = graph_name(g, n->attr.name);
	if (n->op == OP_scan)
		attr.region = region_copy(g->c, n->attr.region);
	Span kept = g->origin;
	g->origin = n->origin;
	NodeId copy = alike ? add_inferred(g, n->op, in, n->count, n->type, n->shape, attr)
	                    : graph_add_node(g, n->op, in, n->count, n->type, n->shape, attr);
	g->origin = kept;
	return copy;
}

static Graph *copy_some(Compile *c, const Graph *from, const bool *some)
{
	NodeId *map = new_array(from->c->arena, NodeId, from->count);
	Graph *g = graph_like(c, from);
	for (NodeId x = 1; x < from->count; x++)
		if (!some || some[x])
			map[x] = graph_copy_node(g, from, x, map);
	for (uint32_t i = 0; i < from->out_count; i++)
		graph_output(g, from->out[i].name, map[from->out[i].value]);
	for (uint32_t i = 0; i < from->set_count; i++)
		graph_set(g, map[from->set[i].state], map[from->set[i].value]);
	return g;
}

Graph *graph_copy(Compile *c, const Graph *from)
{
	return from ? copy_some(c, from, NULL) : NULL;
}

Graph *graph_live(Compile *c, const Graph *from)
{
	bool *live = new_array(from->c->arena, bool, from->count);
	for (uint32_t i = 0; i < from->out_count; i++)
		live[from->out[i].value] = true;
	for (uint32_t i = 0; i < from->set_count; i++)
		live[from->set[i].value] = live[from->set[i].state] = true;
	for (NodeId x = from->count - 1; x > 0; x--)
		for (int i = 0; live[x] && i < node(from, x)->count; i++)
			live[node(from, x)->in[i]] = true;
	return copy_some(c, from, live);
}

/* -- Constructors ------------------------------------------------------------------------------ */

static Attr no_attr(void)
{
	Attr a;
	memset(&a, 0, sizeof a);
	return a;
}

#define DEFINE_0(name)
#define DEFINE_1(name)                                                                             \
	NodeId op_##name(Graph *g, NodeId x)                                                           \
	{                                                                                              \
		return graph_add_node(g, OP_##name, &x, 1, DTYPE_none, SCALAR, no_attr());                 \
	}
#define DEFINE_2(name)                                                                             \
	NodeId op_##name(Graph *g, NodeId x, NodeId y)                                                 \
	{                                                                                              \
		return graph_add_node(g, OP_##name, (NodeId[]){x, y}, 2, DTYPE_none, SCALAR, no_attr());   \
	}
#define DEFINE_3(name)                                                                             \
	NodeId op_##name(Graph *g, NodeId x, NodeId y, NodeId z)                                       \
	{                                                                                              \
		return graph_add_node(g, OP_##name, (NodeId[]){x, y, z}, 3, DTYPE_none, SCALAR,            \
		                      no_attr());                                                          \
	}
#define DEFINE_LEAF(name, ins)
#define DEFINE_MAP(name, ins) DEFINE_##ins(name)
#define DEFINE_VIEW(name, ins)
#define DEFINE_REDUCE(name, ins)
#define DEFINE_CONTRACT(name, ins)
#define DEFINE_GATHER(name, ins)
#define DEFINE_SCATTER(name, ins)
#define DEFINE_LOOP(name, ins)
#define DEFINE_META(name, ins)
#define op_cast                            op_cast_unused /* cast also needs a type: below */
#define OP(name, ins, operands, kind, ...) DEFINE_##kind(name, ins)
#include "ops.def"
#undef OP
#undef op_cast
