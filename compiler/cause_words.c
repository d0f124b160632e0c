/* cause_words.c: what an operation made of which numbers, where it stands in the model, what to do. */
#include "cause.h"

#include <math.h>
#include <string.h>

static const int64_t MOST_SHOWN = (int64_t)1 << 26; /* elements of what is looked at in numbers */

typedef struct Seen {
	double result, operand[2]; /* at the first place that is wrong; of what is no MAP the largest */
} Seen;

static double largest(const float *x, int64_t count)
{
	double most = 0;
	for (int64_t i = 0; i < count; i++)
		most = fmax(most, fabs((double)x[i]));
	return most;
}

/* The first place where the result is wrong, of a MAP rather where its operands are not; -1: none. */
static int64_t first_wrong(const float *const at[3], int64_t count, bool is_map)
{
	int64_t first = -1;
	for (int64_t i = 0; at[0] && i < count; i++) {
		if (isfinite(at[0][i]))
			continue;
		if (!is_map || ((!at[1] || isfinite(at[1][i])) && (!at[2] || isfinite(at[2][i]))))
			return i;
		first = first < 0 ? i : first;
	}
	return first;
}

/* The numbers of the operation; false: they are too many, or there is none. */
static bool look(const Search *s, NodeId x, Seen *seen)
{
	const Node *n = node(s->g, x);
	int64_t size[3] = {shape_size(n->shape)}, all = size[0];
	for (int i = 0; i < n->count && i < 2; i++)
		all += size[1 + i] = shape_size(node(s->g, n->in[i])->shape);
	if (all > MOST_SHOWN)
		return false;
	NodeId *map = new_array(s->p->c.arena, NodeId, s->g->count);
	Graph *f = cause_graph(s, x, map);
	graph_output(f, "0", op_cast(f, map[x], DTYPE_f32));
	for (int i = 0; i < n->count && i < 2; i++)
		graph_output(f, i ? "2" : "1", op_cast(f, map[n->in[i]], DTYPE_f32));
	sslc_code code = {0};
	void *const *output = cause_run(s, f, &code);
	const float *at[3] = {NULL, NULL, NULL};
	for (size_t i = 0; output && i < code.output_count; i++)
		at[code.output[i].name[0] - '0'] = output[i];
	int64_t wrong = first_wrong(at, size[0], op_info[n->op].kind == MAP);
	if (wrong < 0)
		return false;
	seen->result = (double)at[0][wrong];
	for (int i = 0; i < 2; i++)
		seen->operand[i] = !at[1 + i]                   ? 0
		                   : op_info[n->op].kind == MAP ? (double)at[1 + i][wrong]
		                                                : largest(at[1 + i], size[1 + i]);
	for (int i = 0; i < 2; i++)
		seen->operand[i] = isnan(seen->operand[i]) ? (double)NAN : seen->operand[i]; /* no sign */
	return true;
}

static const char *sign_of(Op op)
{
	return op == OP_add   ? "+"
	       : op == OP_sub ? "-"
	       : op == OP_mul ? "*"
	       : op == OP_div ? "/"
	       : op == OP_pow ? "^"
	                      : NULL;
}

static const char *result_text(double x)
{
	return isnan(x) ? "NaN" : x > 0 ? "infinity" : "-infinity";
}

static void describe_operation(const Search *s, NodeId x, Seen *seen, sslc_cause *to)
{
	const Node *n = node(s->g, x);
	const char *name = op_info[n->op].name, *sign = sign_of(n->op);
	if (n->op == OP_input || n->op == OP_state)
		snprintf(to->what, sizeof to->what, "'%.128s' holds a number that is not finite",
		         n->attr.name);
	else if (op_info[n->op].kind == LOOP)
		snprintf(to->what, sizeof to->what, "a step of a scan gives %s",
		         s->found[x] == INFINITE ? "infinity" : "NaN");
	else if (!look(s, x, seen))
		snprintf(to->what, sizeof to->what, "a result of '%s' is %s", name,
		         s->found[x] == INFINITE ? "infinite" : "NaN");
	else if (sign)
		snprintf(to->what, sizeof to->what, "%.6g %s %.6g is %s", seen->operand[0], sign,
		         seen->operand[1], result_text(seen->result));
	else if (op_info[n->op].kind == MAP && n->count == 1)
		snprintf(to->what, sizeof to->what, "%s(%.6g) is %s", name, seen->operand[0],
		         result_text(seen->result));
	else if (n->op == OP_dot)
		snprintf(to->what, sizeof to->what,
		         "a sum of products of numbers up to %.3g and %.3g is %s", seen->operand[0],
		         seen->operand[1], result_text(seen->result));
	else
		snprintf(to->what, sizeof to->what, "'%s' of numbers up to %.3g is %s", name,
		         seen->operand[0], result_text(seen->result));
}

/* A gradient has the place of what is differentiated; what else is behind the loss updates states. */
static bool is_gradient(const Search *s, NodeId x)
{
	const Span at = node(s->g, x)->origin;
	for (NodeId y = 1; y < s->g->count; y++) {
		const Span of = node(s->g, y)->origin;
		if (s->is_forward[y] && of.file == at.file && of.at == at.at && of.end == at.end)
			return !s->is_forward[x];
	}
	return false;
}

static const char *help_of(const Search *s, NodeId x, const Seen *seen)
{
	const Node *n = node(s->g, x);
	bool backward = is_gradient(s, x);
	if (!isfinite(seen->operand[0]) || !isfinite(seen->operand[1])) /* of no operation before it */
		return "a constant of the model is not finite: look for what makes it, such as log(0)";
	switch (n->op) {
	case OP_input:
		return "look for numbers that are not finite in the data";
	case OP_log:
	case OP_log1p:
		return "keep it from 0 and below: log(max(x, 1e-6)); of probabilities take log_softmax or "
		       "bce";
	case OP_exp:
		return "keep it below 88: subtract the largest, as log_softmax and log_sum_exp do, or "
		       "lower "
		       "the learning rate";
	case OP_sqrt:
		return "keep it from below 0: sqrt(max(x, 0))";
	case OP_pow:
		if (!backward)
			return "keep what is raised above 0: max(x, 1e-6)^y";
		/* fall through */
	case OP_div:
	case OP_rem:
		return backward ? "keep what is differentiated there from where its slope is infinite, as "
		                  "sqrt(x + 1e-12) and log(max(x, 1e-6)) do"
		                : "keep the divisor from 0: add a small number";
	default:
		return "numbers grew until they had no place in f32: lower the learning rate, or clip the "
		       "gradients: clipped(1, ...)";
	}
}

void cause_describe(const Search *s, NodeId x, sslc_cause *to)
{
	const Span origin = node(s->g, x)->origin;
	Seen seen = {0};
	describe_operation(s, x, &seen, to);
	to->where = is_gradient(s, x) ? ", in the gradient" : "";
	to->help = help_of(s, x, &seen);
	if (!origin.file)
		return;
	uint32_t line, column;
	diags_place(s->p->c.diags, origin, &line, &column);
	to->file = diags_name(s->p->c.diags, origin.file);
	to->line = line, to->column = column;
}
