/* read.c: the text form of print.c, read back. In: a file of Diags. Out: the graph, or NULL and
 * errors with their place.
 *
 * Lines are read one by one, words from left to right; "#" begins a comment. Ids may be any
 * numbers, each defined before its first use. */
#include "graph.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
	Compile *c;
	Graph *g;
	const char *text;
	uint32_t file, at, end; /* of the present line */
	uint32_t size;          /* of the text */
	NodeId *id;             /* [MAX_IDS] the text's number -> node */
	int depth;              /* of a body: scans around it */
	bool failed, ended;     /* ended: by a line "end" */
} Reader;

enum { MAX_IDS = 1 << 16 };

static bool wrong(Reader *r, uint32_t from, const char *what)
{
	if (!r->failed)
		diag_error(r->c->diags, (Span){r->file, from, r->at > from ? r->at : from + 1},
		           "expected %s", what);
	r->failed = true;
	return false;
}

static void skip(Reader *r)
{
	while (r->at < r->end && (r->text[r->at] == ' ' || r->text[r->at] == '\t'))
		r->at++;
	if (r->at < r->end && r->text[r->at] == '#')
		r->at = r->end;
}

/* Steps over `what` if it stands here. */
static bool take(Reader *r, const char *what)
{
	skip(r);
	size_t size = strlen(what);
	if (r->end - r->at < size || memcmp(r->text + r->at, what, size) != 0)
		return false;
	r->at += (uint32_t)size;
	return true;
}

static bool want(Reader *r, const char *what)
{
	return take(r, what) || wrong(r, r->at, what);
}

/* A name, up to a space or one of ",:{}". */
static const char *word(Reader *r)
{
	skip(r);
	uint32_t from = r->at;
	while (r->at < r->end && !isspace((unsigned char)r->text[r->at]) &&
	       !strchr(",:{}[]", r->text[r->at]))
		r->at++;
	if (r->at == from)
		wrong(r, from, "a word");
	return arena_copy(r->c->arena, r->text + from, r->at - from);
}

static bool at_number(Reader *r)
{
	skip(r);
	return r->at < r->end && (isdigit((unsigned char)r->text[r->at]) || r->text[r->at] == '-');
}

static int64_t whole(Reader *r)
{
	skip(r);
	uint32_t from = r->at;
	const char *text = word(r);
	char *end;
	long long value = strtoll(text, &end, 10);
	if (!*text || *end || value > MAX_ELEMENTS || value < -MAX_ELEMENTS)
		wrong(r, from, "a whole number");
	return r->failed ? 0 : value;
}

static double number(Reader *r)
{
	skip(r);
	uint32_t from = r->at;
	const char *text = word(r);
	char *end;
	double value = text_to_number(text, &end);
	if (!*text || *end)
		wrong(r, from, "a number");
	return value;
}

static NodeId node_of(Reader *r)
{
	skip(r);
	uint32_t from = r->at;
	if (!want(r, "%"))
		return 0;
	int64_t id = whole(r);
	if (!r->failed && (id < 1 || id >= MAX_IDS || !r->id[id]))
		wrong(r, from, "a node that was defined before");
	return r->failed ? 0 : r->id[id];
}

/* f32[20,10] */
static DType type_and_shape(Reader *r, Shape *shape)
{
	skip(r);
	uint32_t from = r->at;
	DType type = type_by_name(word(r));
	*shape = (Shape){0};
	if (type == DTYPE_none)
		wrong(r, from, "a type, such as f32[20,10]");
	want(r, "[");
	while (!r->failed && !take(r, "]")) {
		if (shape->rank && !want(r, ","))
			break;
		if (shape->rank == MAX_RANK)
			wrong(r, r->at, "no more axes");
		else
			shape->dim[shape->rank++] = whole(r);
	}
	return type;
}

/* -- Attributes -------------------------------------------------------------------------------- */

static int bytes(Reader *r, uint8_t *to)
{
	int count = 0;
	for (; !r->failed && at_number(r); count++) {
		int64_t value = whole(r);
		if (count == MAX_RANK || value < 0 || value >= MAX_RANK)
			wrong(r, r->at, "an axis");
		else
			to[count] = (uint8_t)value;
	}
	return count;
}

static void numbers(Reader *r, int64_t *to)
{
	for (int count = 0; !r->failed && at_number(r); count++) {
		if (count == MAX_RANK)
			wrong(r, r->at, "no more numbers");
		else
			to[count] = whole(r);
	}
}

static void dot_axes(Reader *r, DotAxes *d)
{
	want(r, "{");
	if (take(r, "batch")) {
		d->batch = (uint8_t)bytes(r, d->x_batch);
		want(r, "|");
		if (bytes(r, d->y_batch) != d->batch)
			wrong(r, r->at, "as many batch axes on both sides");
		(void)take(r, ",");
	}
	if (take(r, "contract")) {
		d->contract = (uint8_t)bytes(r, d->x_contract);
		want(r, "|");
		if (bytes(r, d->y_contract) != d->contract)
			wrong(r, r->at, "as many contracted axes on both sides");
	}
	want(r, "}");
}

static int64_t small(Reader *r)
{
	int64_t value = whole(r);
	return value < 0 || value > MOST_INS ? MOST_INS + 1 : value;
}

/* Its body follows the line. */
static Region *region(Reader *r)
{
	Region *to = new (r->c->arena, Region);
	if (want(r, "{") && want(r, "carries"))
		to->carries = (uint32_t)small(r);
	if (want(r, ",") && want(r, "sequences"))
		to->sequences = (uint32_t)small(r);
	if (want(r, ",") && want(r, "length"))
		to->length = whole(r);
	to->reverse = take(r, ",") && want(r, "reverse");
	want(r, "}");
	return to;
}

static void attribute(Reader *r, Op op, Attr *a)
{
	const char *kind = op_info[op].attr;
	if (strcmp(kind, "value") == 0) {
		a->value = number(r);
	} else if (strcmp(kind, "name") == 0) {
		a->name = graph_name(r->g, word(r));
	} else if (strcmp(kind, "dot") == 0) {
		dot_axes(r, &a->dot);
	} else if (strcmp(kind, "region") == 0) {
		a->region = region(r);
	} else if (strcmp(kind, "none") != 0 && want(r, "{")) {
		if (strcmp(kind, "axis") == 0 && want(r, "axis")) {
			int64_t axis = whole(r);
			a->axis = axis < 0 || axis >= MAX_RANK ? MAX_RANK : (uint32_t)axis;
		} else if (strcmp(kind, "key") == 0 && want(r, "key")) {
			a->key = (uint32_t)whole(r);
		} else if (strcmp(kind, "axes") == 0 && want(r, "axes")) {
			a->axes.count = (uint8_t)bytes(r, a->axes.at);
		} else if (strcmp(kind, "slice") == 0 && want(r, "start")) {
			numbers(r, a->slice.start);
			if (want(r, ",") && want(r, "stop"))
				numbers(r, a->slice.stop);
			if (want(r, ",") && want(r, "step"))
				numbers(r, a->slice.step);
		} else if (strcmp(kind, "pad") == 0 && want(r, "low")) {
			numbers(r, a->pad.low);
			if (want(r, ",") && want(r, "high"))
				numbers(r, a->pad.high);
			if (want(r, ",") && want(r, "inner"))
				numbers(r, a->pad.inner);
			if (want(r, ",") && want(r, "value"))
				a->pad.value = number(r);
		} else if (strcmp(kind, "result") == 0 && (take(r, "last") || want(r, "all"))) {
			a->result.last = r->text[r->at - 1] == 't';
			a->result.index = (uint32_t)small(r);
		} else if (strcmp(kind, "window") == 0 && want(r, "axis")) {
			a->window.axis = whole(r);
			if (want(r, ",") && want(r, op == OP_overlap_add ? "length" : "size"))
				*(op == OP_overlap_add ? &a->window.length : &a->window.size) = whole(r);
			if (want(r, ",") && want(r, "stride"))
				a->window.stride = whole(r);
			if (want(r, ",") && want(r, "dilation"))
				a->window.dilation = whole(r);
		}
		want(r, "}");
	}
}

/* -- Lines ------------------------------------------------------------------------------------- */

/* What shapes cannot say and constructors take for granted. */
static bool sane(Reader *r, Op op, const Attr *a, const NodeId *in, Shape shape, uint32_t from)
{
	if (op == OP_broadcast) {
		bool good = a->axes.count == node(r->g, in[0])->shape.rank;
		for (int i = 0; i < a->axes.count; i++)
			good &= a->axes.at[i] < shape.rank && (i == 0 || a->axes.at[i] > a->axes.at[i - 1]);
		return good || wrong(r, from, "increasing axes, one for each axis of the operand");
	}
	return true;
}

static void read_lines(Reader *r);

static Graph *read_body(Reader *r)
{
	Reader body = *r;
	if (r->depth == MOST_LOOPS) {
		wrong(r, r->at, "no more scans in scans");
		return NULL;
	}
	body.g = graph_new(r->c, "body");
	body.id = new_array(r->c->arena, NodeId, MAX_IDS);
	body.depth++;
	body.ended = false;
	read_lines(&body);
	r->at = body.at, r->end = body.end;
	r->failed = body.failed;
	if (!body.ended)
		wrong(r, r->at, "'end', behind the body of a scan");
	return r->failed ? NULL : body.g;
}

static void read_node(Reader *r)
{
	uint32_t from = r->at;
	int64_t id = (want(r, "%"), whole(r));
	if (r->failed || id < 1 || id >= MAX_IDS || r->id[id]) {
		wrong(r, from, "a new number for the node");
		return;
	}
	want(r, "=");
	skip(r);
	uint32_t name_at = r->at;
	Op op = op_by_name(word(r));
	if (op == OP_NONE) {
		wrong(r, name_at, "an operation (sslc ops lists them)");
		return;
	}
	NodeId in[MOST_INS];
	int count = 0, most = op == OP_scan ? MOST_INS : MAX_INS;
	Attr a;
	memset(&a, 0, sizeof a);
	for (skip(r); !r->failed && r->at < r->end && r->text[r->at] == '%'; skip(r)) {
		if (count == most) {
			wrong(r, r->at, "no more operands");
			return;
		}
		in[count++] = node_of(r);
	}
	if (!r->failed && (op_info[op].ins == MANY ? count < 1 : count != op_info[op].ins))
		wrong(r, name_at, "another number of operands");
	attribute(r, op, &a);
	want(r, ":");
	Shape shape;
	DType type = type_and_shape(r, &shape);
	if (r->failed || !sane(r, op, &a, in, shape, name_at))
		return;
	r->g->origin = (Span){r->file, from, r->at};
	if (op == OP_scan && !(a.region->body = read_body(r)))
		return;
	NodeId x = graph_add_node(r->g, op, in, count, type, shape, a);
	if (x && (node(r->g, x)->type != type || !shape_equal(node(r->g, x)->shape, shape)))
		wrong(r, from, "the type that the operands give");
	r->failed |= x == 0;
	r->id[id] = x;
}

static void read_line(Reader *r)
{
	skip(r);
	if (r->at == r->end)
		return;
	if (take(r, "graph ")) {
		r->at = r->end;
	} else if (r->depth && take(r, "end")) {
		r->ended = true;
	} else if (take(r, "out ")) {
		const char *name = word(r);
		want(r, "=");
		graph_output(r->g, name, node_of(r));
	} else if (take(r, "set ")) {
		uint32_t from = r->at;
		NodeId state = node_of(r);
		want(r, "=");
		NodeId value = node_of(r);
		if (!r->failed && node(r->g, state)->op != OP_state)
			wrong(r, from, "a state to set");
		if (!r->failed)
			graph_set(r->g, state, value);
	} else {
		read_node(r);
	}
	skip(r);
	if (!r->failed && r->at < r->end)
		wrong(r, r->at, "the end of the line");
}

/* From the end of the present line on. */
static void read_lines(Reader *r)
{
	for (uint32_t start; (start = r->end + 1) < r->size && !r->failed && !r->ended;) {
		const char *end = memchr(r->text + start, '\n', r->size - start);
		r->at = start;
		r->end = end ? (uint32_t)(end - r->text) : r->size;
		read_line(r);
	}
}

/* The name in the first line, or "graph". */
static const char *name_of(Compile *c, const char *text, size_t size)
{
	const char *line = size > 6 ? memmem(text, size, "graph ", 6) : NULL;
	if (!line)
		return "graph";
	line += 6;
	size_t length = 0;
	while (line + length < text + size && !isspace((unsigned char)line[length]))
		length++;
	return arena_copy(c->arena, line, length);
}

Graph *graph_read(Compile *c, uint32_t file)
{
	size_t size, errors = diag_count(c->diags);
	Reader r = {.c = c, .file = file};
	r.text = diags_bytes(c->diags, file, &size);
	r.g = graph_new(c, name_of(c, r.text, size));
	r.id = new_array(c->arena, NodeId, MAX_IDS);
	r.size = (uint32_t)size;
	r.end = UINT32_MAX; /* the first line begins behind it, at 0 */
	read_lines(&r);
	return diag_count(c->diags) == errors && !r.failed ? r.g : NULL;
}
