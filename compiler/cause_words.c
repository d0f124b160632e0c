/* cause_words.c: what an operation made of which numbers, where it stands in the model, what to do. */
#include "cause.h"

#include <math.h>
#include <string.h>

static const int64_t MOST_SHOWN = (int64_t)1 << 26; /* elements of what is looked at in numbers */

typedef struct Seen {
	double result, operand[2]; /* at the first place that is wrong; of what is no MAP the largest */
} Seen;

/* What was asked for, in the type of the step: f32, or f64. */
typedef struct Numbers {
	const void *at; /* NULL: none */
	bool is_f64;
	int64_t first, count;
} Numbers;

static double number(Numbers x, int64_t i)
{
	i += x.first;
	return x.is_f64 ? ((const double *)x.at)[i] : (double)((const float *)x.at)[i];
}

static bool is_good(Numbers x, int64_t i)
{
	return !x.at || isfinite(number(x, i));
}

static double largest(Numbers x)
{
	double most = 0;
	for (int64_t i = 0; i < x.count; i++)
		most = fmax(most, fabs(number(x, i)));
	return most;
}

/* The first place where the result is wrong, of a MAP rather where its operands are not; -1: none. */
static int64_t first_wrong(const Numbers value[3], bool is_map)
{
	int64_t first = -1;
	for (int64_t i = 0; value[0].at && i < value[0].count; i++) {
		if (is_good(value[0], i))
			continue;
		if (!is_map || (is_good(value[1], i) && is_good(value[2], i)))
			return i;
		first = first < 0 ? i : first;
	}
	return first;
}

/* The numbers of the operation; false: they are too many, or there is none. */
static bool look(const Search *s, Spot at, Seen *seen)
{
	const Graph *g = at.frame->g;
	const Node *n = node(g, at.node);
	NodeId shown[3] = {at.node};
	int64_t size[3], all = 0, steps = 1;
	DType type = s->p->c.float_type == DTYPE_f64 ? DTYPE_f64 : DTYPE_f32;
	int count = 1 + (n->count < 2 ? n->count : 2);
	for (int i = 0; i < count; i++) {
		shown[i] = i ? n->in[i - 1] : at.node;
		all += size[i] = shape_size(node(g, shown[i])->shape);
	}
	for (const Frame *f = at.frame; f->outer; f = f->outer)
		steps *= f->steps;
	if (all > MOST_SHOWN / steps)
		return false;
	Question q = cause_ask(s, at.frame, at.node);
	for (int i = 0; i < count; i++) {
		NodeId x = op_cast(q.inner, cause_asked(&q, shown[i]), type);
		x = op_reshape(q.inner, x, SHAPE(size[i]));
		if (!cause_answer(&q, (const char *const[]){"0", "1", "2"}[i], x))
			return false;
	}
	sslc_code code = {0};
	void *const *output = cause_run(s, q.g, &code);
	Numbers value[3] = {{0}};
	for (size_t i = 0; output && i < code.output_count; i++) {
		int k = code.output[i].name[0] - '0';
		value[k] = (Numbers){output[i], type == DTYPE_f64, step_of_all(at) * size[k], size[k]};
	}
	bool is_map = op_info[n->op].kind == MAP;
	int64_t wrong = first_wrong(value, is_map);
	if (wrong < 0)
		return false;
	seen->result = number(value[0], wrong);
	for (int i = 0; i < 2; i++)
		seen->operand[i] = !value[1 + i].at ? 0
		                   : is_map         ? number(value[1 + i], wrong)
		                                    : largest(value[1 + i]);
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

static void describe_operation(const Search *s, Spot at, Seen *seen, sslc_cause *to)
{
	const Node *n = node(at.frame->g, at.node);
	const char *name = op_info[n->op].name, *sign = sign_of(n->op);
	if (n->op == OP_input || n->op == OP_state)
		snprintf(to->what, sizeof to->what, "'%.128s' holds a number that is not finite",
		         n->attr.name);
	else if (op_info[n->op].kind == LOOP)
		snprintf(to->what, sizeof to->what, "a step of a scan gives %s",
		         found_at(at) == INFINITE ? "infinity" : "NaN");
	else if (!look(s, at, seen))
		snprintf(to->what, sizeof to->what, "a result of '%s' is %s", name,
		         found_at(at) == INFINITE ? "infinite" : "NaN");
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
static bool is_gradient(const Search *s, Spot spot)
{
	for (const Frame *f = spot.frame; f->outer; f = f->outer)
		spot.node = f->scan;
	const Graph *g = s->step->g;
	const Span at = node(g, spot.node)->origin;
	for (NodeId y = 1; y < g->count; y++) {
		const Span of = node(g, y)->origin;
		if (s->is_forward[y] && of.file == at.file && of.at == at.at && of.end == at.end)
			return !s->is_forward[spot.node];
	}
	return false;
}

static const char *help_of(const Search *s, Spot at, const Seen *seen)
{
	const Node *n = node(at.frame->g, at.node);
	bool backward = is_gradient(s, at);
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

/* Of what is in a scan at which of its steps, counted along time. */
static void add_step(Spot at, char *text, size_t size)
{
	size_t used = strlen(text);
	if (at.frame->outer)
		snprintf(text + used, size - used, " at step %lld of %lld of a scan",
		         (long long)at.step + 1, (long long)at.frame->steps);
}

void cause_describe(const Search *s, Spot at, sslc_cause *to)
{
	const Span origin = node(at.frame->g, at.node)->origin;
	Seen seen = {0};
	describe_operation(s, at, &seen, to);
	add_step(at, to->what, sizeof to->what);
	to->where = is_gradient(s, at) ? ", in the gradient" : "";
	to->help = help_of(s, at, &seen);
	if (!origin.file)
		return;
	uint32_t line, column;
	diags_place(s->p->c.diags, origin, &line, &column);
	to->file = diags_name(s->p->c.diags, origin.file);
	to->line = line, to->column = column;
}
