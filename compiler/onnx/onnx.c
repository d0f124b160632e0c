/* onnx.c: a graph of primitives as an ONNX file (onnx/onnx.proto, IR version 8).
 *
 * In: a function, of which inputs and states are the leaves. Out: a model with one graph: its nodes
 * in the order of ours, the states as initializers under their own names. What the outputs do not
 * need is left out. Each operator says in its doc_string which place of the model file it is of. */
#include "writer.h"

#include <string.h>

/* Field numbers of onnx.proto. */
enum {
	MODEL_IR = 1,
	MODEL_PRODUCER = 2,
	MODEL_PRODUCER_VERSION = 3,
	MODEL_GRAPH = 7,
	MODEL_OPSET = 8,
	OPSET_VERSION = 2,
	GRAPH_NODE = 1,
	GRAPH_NAME = 2,
	GRAPH_INITIALIZER = 5,
	GRAPH_INPUT = 11,
	GRAPH_OUTPUT = 12,
	NODE_INPUT = 1,
	NODE_OUTPUT = 2,
	NODE_NAME = 3,
	NODE_OP = 4,
	NODE_ATTRIBUTE = 5,
	NODE_DOC = 6,
	ATTRIBUTE_NAME = 1,
	ATTRIBUTE_FLOAT = 2,
	ATTRIBUTE_INT = 3,
	ATTRIBUTE_TEXT = 4,
	ATTRIBUTE_GRAPH = 6,
	ATTRIBUTE_INTS = 8,
	ATTRIBUTE_TYPE = 20,
	TENSOR_DIM = 1,
	TENSOR_TYPE = 2,
	TENSOR_NAME = 8,
	TENSOR_BYTES = 9,
	VALUE_NAME = 1,
	VALUE_TYPE = 2,
	TYPE_TENSOR = 1,
	TENSOR_ELEMENT = 1,
	TENSOR_SHAPE = 2,
	SHAPE_DIM = 1,
	DIM_VALUE = 1,
	DIM_PARAM = 2,
};
enum {
	IS_FLOAT = 1,
	IS_INT = 2,
	IS_TEXT = 3,
	IS_GRAPH = 5,
	IS_INTS = 7
}; /* AttributeProto.AttributeType */
/* Protocol buffers count bytes in 31 bits. */
static const size_t MOST_BYTES = ((size_t)1 << 31) - 1;

int onnx_type(DType t)
{
	static const int types[DTYPE_COUNT] = {[DTYPE_f32] = ONNX_FLOAT,
	                                       [DTYPE_i32] = ONNX_INT32,
	                                       [DTYPE_u8] = ONNX_UINT8,
	                                       [DTYPE_bool] = ONNX_BOOL};
	return types[t];
}

void onnx_close(OnnxTexts *t)
{
	text_close(&t->node);
	text_close(&t->initializer);
	text_close(&t->attribute);
	text_close(&t->message);
	text_close(&t->head);
	text_close(&t->graph);
}

/* -- Operators --------------------------------------------------------------------------------- */

static void end_attribute(Onnx *o, const char *name, int type)
{
	proto_text(&o->t->message, ATTRIBUTE_NAME, name);
	proto_int(&o->t->message, ATTRIBUTE_TYPE, type);
	proto_message(&o->t->attribute, NODE_ATTRIBUTE, &o->t->message);
}

void attribute_int(Onnx *o, const char *name, int64_t value)
{
	proto_int(&o->t->message, ATTRIBUTE_INT, value);
	end_attribute(o, name, IS_INT);
}

void attribute_ints(Onnx *o, const char *name, const int64_t *value, int count)
{
	for (int i = 0; i < count; i++)
		proto_int(&o->t->message, ATTRIBUTE_INTS, value[i]);
	end_attribute(o, name, IS_INTS);
}

void attribute_float(Onnx *o, const char *name, double value)
{
	proto_float(&o->t->message, ATTRIBUTE_FLOAT, (float)value);
	end_attribute(o, name, IS_FLOAT);
}

void attribute_text(Onnx *o, const char *name, const char *text)
{
	proto_text(&o->t->message, ATTRIBUTE_TEXT, text);
	end_attribute(o, name, IS_TEXT);
}

void attribute_graph(Onnx *o, const char *name, const char *bytes, size_t size)
{
	proto_bytes(&o->t->message, ATTRIBUTE_GRAPH, bytes, size);
	end_attribute(o, name, IS_GRAPH);
}

void emit_many(Onnx *o, const char *op, const char *const *in, int count, const char *const *out,
               int outs)
{
	Text *m = &o->t->message;
	for (int i = 0; i < count; i++)
		proto_text(m, NODE_INPUT, in[i]);
	for (int i = 0; i < outs; i++)
		proto_text(m, NODE_OUTPUT, out[i]);
	proto_text(m, NODE_NAME, out[0]);
	proto_text(m, NODE_OP, op);
	if (o->place.file) {
		uint32_t line, column;
		diags_place(o->c->diags, o->place, &line, &column);
		proto_text(m, NODE_DOC, arena_printf(o->c->arena, "%u:%u", line, column));
	}
	if (o->t->attribute.size)
		text_add(m, o->t->attribute.data, o->t->attribute.size);
	o->t->attribute.size = 0;
	proto_message(&o->t->node, GRAPH_NODE, m);
}

void emit_as(Onnx *o, const char *op, const char *const *in, int count, const char *name)
{
	emit_many(o, op, in, count, &name, 1);
}

const char *emit(Onnx *o, const char *op, const char *const *in, int count)
{
	for (int i = 0; i < count; i++)
		if (!in[i]) {
			o->t->attribute.size = 0;
			return NULL;
		}
	/* the slash: no input and no state has such a name */
	const char *name = arena_printf(o->c->arena, "/%s_%u", op, ++o->emitted);
	emit_as(o, op, in, count, name);
	return name;
}

/* -- Constants --------------------------------------------------------------------------------- */

static const char *add_tensor(Onnx *o, const char *name, int type, const int64_t *dim, int rank,
                              const void *bytes, size_t size)
{
	Text *m = &o->t->message;
	if (names_add(&o->constants, o->c->arena, name, 1))
		return name;
	for (int i = 0; i < rank; i++)
		proto_int(m, TENSOR_DIM, dim[i]);
	proto_int(m, TENSOR_TYPE, type);
	proto_text(m, TENSOR_NAME, name);
	/* not by way of the message: weights may be large */
	Text key = {0};
	proto_begin(&key, TENSOR_BYTES, size);
	proto_begin(&o->t->initializer, GRAPH_INITIALIZER, m->size + key.size + size);
	text_add(&o->t->initializer, m->data, m->size);
	text_add(&o->t->initializer, key.data, key.size);
	if (size)
		text_add(&o->t->initializer, bytes, size);
	text_close(&key);
	m->size = 0;
	return name;
}

const char *constant_table(Onnx *o, const char *name, DType type, const int64_t *dim, int rank,
                           const void *bytes)
{
	size_t size = type_info[type].size;
	for (int i = 0; i < rank; i++)
		size *= (size_t)dim[i];
	return add_tensor(o, name, onnx_type(type), dim, rank, bytes, size);
}

const char *constant(Onnx *o, DType type, double value)
{
	Text *name = &o->t->message; /* empty between operators */
	union {
		float f32;
		int32_t i32;
		uint8_t u8;
	} bytes = {0};
	text_printf(name, "%s(", type_info[type].name);
	text_number(name, value, type == DTYPE_f32);
	text_printf(name, ")");
	if (type == DTYPE_f32)
		bytes.f32 = (float)value;
	else if (type == DTYPE_i32)
		bytes.i32 = (int32_t)value;
	else
		bytes.u8 = (uint8_t)value;
	const char *copy = arena_copy(o->c->arena, name->data, name->size);
	name->size = 0;
	return constant_table(o, copy, type, NULL, 0, &bytes);
}

const char *constant_ints(Onnx *o, const int64_t *value, int count)
{
	const char *name = "i64[";
	for (int i = 0; i < count; i++)
		name = arena_printf(o->c->arena, "%s%s%lld", name, i ? "," : "", (long long)value[i]);
	int64_t dim = count;
	return add_tensor(o, arena_printf(o->c->arena, "%s]", name), ONNX_INT64, &dim, 1, value,
	                  (size_t)count * sizeof *value);
}

/* -- Shapes ------------------------------------------------------------------------------------ */

/* i64[1], of the first input that has it. */
static const char *batch_value(Onnx *o)
{
	for (NodeId x = 1; !o->batch && x < o->g->count; x++)
		if (o->needed[x] && node(o->g, x)->op == OP_input && node(o->g, x)->shape.rank &&
		    o->extent[x][0].each == 1 && o->extent[x][0].fixed == 0) {
			attribute_int(o, "start", 0);
			attribute_int(o, "end", 1);
			o->batch = EMIT(o, "Shape", node(o->g, x)->attr.name);
		}
	return o->batch;
}

const char *extent_value(Onnx *o, Extent e)
{
	if (!e.each)
		return constant_ints(o, &e.fixed, 1);
	const char *value = batch_value(o);
	if (e.each != 1)
		value = EMIT(o, "Mul", value, constant_ints(o, &e.each, 1));
	if (e.fixed)
		value = EMIT(o, "Add", value, constant_ints(o, &e.fixed, 1));
	return value;
}

const char *shape_value(Onnx *o, const Extent *e, int count)
{
	const char *part[MAX_RANK + 1];
	int64_t fixed[MAX_RANK + 1];
	int parts = 0;
	for (int i = 0; i < count;) {
		int run = 0;
		for (; i + run < count && !e[i + run].each; run++)
			fixed[run] = e[i + run].fixed;
		part[parts++] = run ? constant_ints(o, fixed, run) : extent_value(o, e[i]);
		i += run ? run : 1;
	}
	if (parts == 0)
		return constant_ints(o, fixed, 0);
	if (parts == 1)
		return part[0];
	attribute_int(o, "axis", 0);
	return emit(o, "Concat", part, parts);
}

const char *reshaped(Onnx *o, const char *name, const Extent *to, int rank)
{
	int64_t dim[2 * MAX_RANK];
	int open = 0;
	for (int i = 0; i < rank; i++) {
		open += to[i].each != 0;
		dim[i] = to[i].each ? -1 : to[i].fixed;
	}
	const char *shape = open > 1 ? shape_value(o, to, rank) : constant_ints(o, dim, rank);
	return EMIT(o, "Reshape", name, shape);
}

const char *transposed(Onnx *o, const char *name, const int64_t *order, int rank)
{
	bool moves = false;
	for (int i = 0; i < rank; i++)
		moves |= order[i] != i;
	if (!moves)
		return name;
	attribute_ints(o, "perm", order, rank);
	return EMIT(o, "Transpose", name);
}

const char *cast_to(Onnx *o, const char *name, int type)
{
	attribute_int(o, "to", type);
	return EMIT(o, "Cast", name);
}

const char *whole(Onnx *o, NodeId x)
{
	const Node *n = node(o->g, x);
	const Stored *s = &o->at[x];
	bool is_whole = s->rank == n->shape.rank;
	Extent to[MAX_RANK] = {0};
	for (int i = 0; i < n->shape.rank; i++) {
		bool stretches = (s->narrow >> i & 1) && !is_one(o->extent[x][i]);
		to[i] = stretches ? o->extent[x][i] : (Extent){1, 0}; /* Expand keeps what is longer */
		is_whole &= !stretches;
	}
	if (!o->whole[x])
		o->whole[x] = is_whole || !s->name
		                  ? s->name
		                  : EMIT(o, "Expand", s->name, shape_value(o, to, n->shape.rank));
	return o->whole[x];
}

Stored all_of(const Onnx *o, NodeId x, const char *name)
{
	return (Stored){name, node(o->g, x)->shape.rank, 0};
}

Stored as_operands(const Onnx *o, NodeId x, const char *name)
{
	const Node *n = node(o->g, x);
	Stored s = {name, 0, ~0u};
	for (int i = 0; i < n->count; i++) {
		s.narrow &= o->at[n->in[i]].narrow;
		s.rank = o->at[n->in[i]].rank > s.rank ? o->at[n->in[i]].rank : s.rank;
	}
	return s;
}

Stored refuse(Onnx *o, NodeId x, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *why = arena_vprintf(o->c->arena, format, args);
	va_end(args);
	diag_error(o->c->diags, node(o->g, x)->origin, "'%s' cannot be written as ONNX: %s",
	           op_info[node(o->g, x)->op].name, why);
	return (Stored){0};
}

/* -- The table --------------------------------------------------------------------------------- */

typedef struct Row {
	Rule *rule;
	const char *op;
} Row;
#define ONNX(op, rule, operator) static const Row row_##op = {onnx_##rule, operator};
#include "table.def"
#undef ONNX
static const Row *const rows[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = &row_##name,
#include "../graph/ops.def"
#undef OP
};

/* -- The file ---------------------------------------------------------------------------------- */

static void put_length(Text *shape, Extent e)
{
	Text dim = {0};
	char name[64];
	snprintf(name, sizeof name, "%lld*batch", (long long)e.each);
	if (e.fixed)
		snprintf(name, sizeof name, "%lld*batch+%lld", (long long)e.each, (long long)e.fixed);
	if (!e.each)
		proto_int(&dim, DIM_VALUE, e.fixed);
	else
		proto_text(&dim, DIM_PARAM, e.each == 1 && !e.fixed ? "batch" : name);
	proto_message(shape, SHAPE_DIM, &dim);
	text_close(&dim);
}

static void put_value(Onnx *o, unsigned field, const char *name, NodeId x)
{
	const Node *n = node(o->g, x);
	Text shape = {0}, tensor = {0}, type = {0}, value = {0};
	for (int i = 0; i < n->shape.rank; i++)
		put_length(&shape, o->extent[x][i]);
	proto_int(&tensor, TENSOR_ELEMENT, onnx_type(n->type));
	proto_message(&tensor, TENSOR_SHAPE, &shape);
	proto_message(&type, TYPE_TENSOR, &tensor);
	proto_text(&value, VALUE_NAME, name);
	proto_message(&value, VALUE_TYPE, &type);
	proto_message(&o->t->graph, field, &value);
	text_close(&shape);
	text_close(&tensor);
	text_close(&type);
	text_close(&value);
}

void put_graph_name(Onnx *o, const char *name)
{
	proto_text(&o->t->graph, GRAPH_NAME, name);
}

/* Of a graph inside another one: its type follows from what is around it. */
void put_value_name(Onnx *o, bool is_input, const char *name)
{
	proto_text(&o->t->message, VALUE_NAME, name);
	proto_message(&o->t->graph, is_input ? GRAPH_INPUT : GRAPH_OUTPUT, &o->t->message);
}

/* Which nodes the outputs are made of. */
static void find_reached(Onnx *o)
{
	for (uint32_t i = 0; i < o->g->out_count; i++)
		o->reached[o->g->out[i].value] = true;
	for (NodeId x = o->g->count - 1; x > 0; x--)
		for (int i = 0; o->reached[x] && i < node(o->g, x)->count; i++)
			o->reached[node(o->g, x)->in[i]] = true;
}

/* Which are written: not those for which a pattern stands alone. */
static void find_needed(Onnx *o)
{
	for (uint32_t i = 0; i < o->g->out_count; i++)
		o->needed[o->g->out[i].value] = true;
	for (NodeId x = o->g->count - 1; x > 0; x--) {
		if (!o->needed[x])
			continue;
		const Node *n = node(o->g, x);
		const Match *m = o->match[x] = find_pattern(o, x);
		for (int i = 0; i < (m ? m->count : n->count); i++)
			o->needed[m ? m->in[i] : n->in[i]] = true;
	}
}

/* All that cannot be written is reported, not the first alone. */
static bool write_nodes(Onnx *o)
{
	bool good = true;
	for (NodeId x = 1; x < o->g->count; x++) {
		if (!o->needed[x])
			continue;
		const Row *row = rows[node(o->g, x)->op];
		o->place = node(o->g, x)->origin;
		o->at[x] =
		    o->match[x] ? o->match[x]->pattern->write(o, x, o->match[x]) : row->rule(o, x, row->op);
		good &= o->at[x].name != NULL;
	}
	return good;
}

/* Not that of an input: in a file each name is of one value. */
static const char *output_name(const Onnx *o, const char *name)
{
	for (NodeId x = 1; x < o->g->count; x++)
		if (o->needed[x] && node(o->g, x)->op == OP_input &&
		    strcmp(node(o->g, x)->attr.name, name) == 0)
			return arena_printf(o->c->arena, "/%s", name);
	return name;
}

static void put_outputs(Onnx *o)
{
	for (uint32_t i = 0; i < o->g->out_count; i++) {
		const Output *out = &o->g->out[i];
		Text *m = &o->t->message;
		o->place = node(o->g, out->value)->origin;
		const char *name = whole(o, out->value);
		proto_text(m, NODE_INPUT, name);
		proto_text(m, NODE_OUTPUT, output_name(o, out->name));
		proto_text(m, NODE_NAME, output_name(o, out->name));
		proto_text(m, NODE_OP, "Identity");
		proto_message(&o->t->node, GRAPH_NODE, m);
	}
}

/* A message of many nodes is made part by part: fields of one message may come in any order. */
static bool put_file(Onnx *o)
{
	OnnxTexts *t = o->t;
	text_add(&t->graph, t->node.data, t->node.size);
	proto_text(&t->graph, GRAPH_NAME, o->g->name);
	for (NodeId x = 1; x < o->g->count; x++)
		if (o->needed[x] && node(o->g, x)->op == OP_input)
			put_value(o, GRAPH_INPUT, node(o->g, x)->attr.name, x);
	for (uint32_t i = 0; i < o->g->out_count; i++)
		put_value(o, GRAPH_OUTPUT, output_name(o, o->g->out[i].name), o->g->out[i].value);
	if (t->graph.size + t->initializer.size > MOST_BYTES) {
		diag_error(o->c->diags, (Span){0},
		           "the weights are more than the 2 GiB that an ONNX file can have");
		return false;
	}
	text_add(&t->graph, t->initializer.data, t->initializer.size);
	proto_int(&t->head, MODEL_IR, ONNX_IR);
	proto_text(&t->head, MODEL_PRODUCER, "sslc");
	proto_text(&t->head, MODEL_PRODUCER_VERSION, SSLC_VERSION);
	proto_int(&t->message, OPSET_VERSION, ONNX_OPSET);
	proto_message(&t->head, MODEL_OPSET, &t->message);
	proto_begin(&t->head, MODEL_GRAPH, t->graph.size);
	return true;
}

void writer_open(Onnx *o, Compile *c, const OnnxSource *from, OnnxTexts *t)
{
	const Graph *g = from->graph;
	*o = (Onnx){.c = c, .from = from, .g = g, .t = t};
	o->extent = (Extent(*)[MAX_RANK])arena_array(c->arena, g->count, sizeof *o->extent);
	o->at = new_array(c->arena, Stored, g->count);
	o->whole = new_array(c->arena, const char *, g->count);
	o->reached = new_array(c->arena, bool, g->count);
	o->needed = new_array(c->arena, bool, g->count);
	o->match = new_array(c->arena, const Match *, g->count);
}

bool writer_nodes(Onnx *o)
{
	find_reached(o);
	if (!extents_find(o))
		return false;
	find_needed(o);
	return (o->input || extents_known(o)) && write_nodes(o); /* a body is told from around it */
}

bool onnx_write(Compile *c, const OnnxSource *from, OnnxTexts *t)
{
	const Graph *g = from->graph;
	Onnx o;
	writer_open(&o, c, from, t);
	if (g->set_count) {
		diag_error(c->diags, node(g, g->set[0].state)->origin,
		           "'%s' sets states, such as '%s', but what ONNX describes changes nothing",
		           g->name, node(g, g->set[0].state)->attr.name);
		return false;
	}
	if (!writer_nodes(&o))
		return false;
	put_outputs(&o);
	return put_file(&o);
}
