/* expressions.c: layers that are expressions of the language: its builtins by rows, the operations
 * of ops.def by their table. */
#include "programs.h"

#include <string.h>

/* -- Builtins: a text of x, and what it makes of the form -------------------------------------- */

static void same(Form *f)
{
	(void)f;
}
static void twice_last(Form *f)
{
	f->dim[f->rank - 1] *= 2;
}
static void three_more(Form *f)
{
	f->dim[f->rank - 1] += 3;
}
static void every_other(Form *f)
{
	f->dim[f->rank - 1] = (f->dim[f->rank - 1] + 1) / 2;
}
static void one_less(Form *f) /* -1: does not fit */
{
	f->dim[f->rank - 1]--;
}
static void outer(Form *f)
{
	f->dim[f->rank] = f->dim[f->rank - 1];
	f->rank++;
}
static void pairs(Form *f)
{
	f->dim[f->rank - 1]--;
	f->dim[f->rank++] = 2;
}
static void no_last(Form *f)
{
	f->rank--;
}
static void one_last(Form *f)
{
	f->dim[f->rank - 1] = 1;
}
static void swapped(Form *f)
{
	int64_t last = f->dim[f->rank - 1];
	f->dim[f->rank - 1] = f->dim[f->rank - 2];
	f->dim[f->rank - 2] = last;
}
static void three_last(Form *f)
{
	f->dim[f->rank - 1] = 3;
}
static void eight_last(Form *f)
{
	f->dim[f->rank - 1] = 8;
}
static void no_middle(Form *f)
{
	f->dim[1] = f->dim[2];
	f->rank = 2;
}
static void two_last(Form *f)
{
	f->dim[f->rank++] = 2;
}

static void one_axis(Form *f)
{
	for (; f->rank > 2; f->rank--)
		f->dim[1] *= f->dim[f->rank - 1];
}

typedef struct Row {
	unsigned ranks;
	const char *text;
	void (*to)(Form *f);
} Row;

/* AREA: of rank 3 and 4, rows and columns of 3 or more. */
enum { R2 = 1 << 2, R3 = 1 << 3, R4 = 1 << 4, ALL = R2 | R3 | R4, AREA = 1 << 5 };

static bool row_fits(const Row *row, const Form *f)
{
	bool area = f->rank > 2 && f->dim[1] > 2 && f->dim[2] > 2;
	return (row->ranks >> f->rank & 1) || ((row->ranks & AREA) && area);
}

static const Row ROWS[] = {
    {ALL, "concat([x, -x], rank(x) - 1)", twice_last},
    {ALL, "pad(x, rank(x) - 1, 1, 2)", three_more},
    {ALL, "pad(x, rank(x) - 1, 2, 1, 0.5)", three_more},
    {ALL, "slice(x, rank(x) - 1, 0, dim(x, -1), 2)", every_other},
    {ALL, "slice(x, rank(x) - 1, -1, -1 - dim(x, -1), -2)", every_other},
    {ALL, "slice(x, 0, -1, -1 - dim(x, 0), -1)", same},
    {ALL, "slice(x, rank(x) - 1, -1, -1 - dim(x, -1), -1)", same},
    {ALL, "slice(x, rank(x) - 1, 1, dim(x, -1))", one_less},
    {ALL, "slice(x, rank(x) - 1, 0, dim(x, -1) - 1)", one_less},
    {ALL, "reverse(x, rank(x) - 1)", same},
    {ALL, "gather(x, (iota([dim(x, -1)]) * 3) % dim(x, -1), rank(x) - 1)", same},
    {ALL, "gather(x, (iota([dim(x, 0)]) + 1) % dim(x, 0))", same},
    {ALL, "scatter_add(full(shape(x), 0.5), (iota([dim(x, 0)]) * 2) % dim(x, 0), x)", same},
    {ALL, "scatter_add(x, iota([dim(x, -1)]) % 2, tanh(x), rank(x) - 1)", same},
    {ALL, "windows(x, rank(x) - 1, 2)", pairs},
    {ALL, "sum(windows(pad(x, rank(x) - 1, 1, 1), rank(x) - 1, 3), rank(x))", same},
    {R2, "einsum('bi,bj->bij', x, x)", outer},
    {R2, "einsum('bi,bj,bj,bk->bik', x, x, tanh(x), x) / dim(x, 1)", outer},
    {R2, "x * per_sample(x, einsum('bii->b', einsum('bi,bj->bij', x, tanh(x))))", same},
    {R2, "einsum('bi,bi,bj,ck->bi', x, tanh(x), x, x) / size(x)", same},
    {R2, "(x @ transpose(x, [1, 0])) @ x / size(x)", same},
    {R3, "einsum('bij,bkj->bik', x, tanh(x)) / dim(x, 2) @ x", same},
    {R3, "einsum('bij,bkj,bkl->bil', x, tanh(x), x) / size(x)", same},
    {R3, "einsum('bij,bkj,bk,ckl->bij', x, x, sum(x, 2), x) / size(x)", same},
    {R3, "transpose(x, [0, 2, 1])", swapped},
    {R3, "x @ (transpose(x, [0, 2, 1]) @ x) / size(x)", same},
    {R3 | R4, "sum(x, rank(x) - 1) / dim(x, -1)", no_last},
    {R3 | R4, "reduce_max(x, rank(x) - 1)", no_last},
    {R3 | R4, "reduce_min(x)", no_last},
    {R3 | R4, "norm(x + 1)", no_last},
    {ALL, "x - mean(x, rank(x) - 1, keep=1)", same},
    {ALL, "x / (1 + norm(x, rank(x) - 1, keep=1))", same},
    {ALL, "x - log_sum_exp(x)", same},
    {ALL, "x / (0.5 + std(x, rank(x) - 1, keep=1))", same},
    {ALL, "x / (1 + variance(x))", same},
    {ALL, "x + sum(x, 0, keep=1) / dim(x, 0)", same},
    {ALL, "one_hot(argmax(x), dim(x, -1)) + x", same},
    {ALL, "x + broadcast_to(reduce_max(x, rank(x) - 1, keep=1), shape(x))", same},
    {ALL, "x * cast(iota(shape(x), 1) % 2 == 0, 'float')", same},
    {ALL, "x + cast(random_bits(shape(x)) % 7, 'float') * 0.01", same},
    {ALL, "select(x > mean(x), x, bernoulli(shape(x), 0.5))", same},
    {ALL, "x * cast(cast(tanh(x) * 100 + 120, 'u8'), 'float') * 0.01", same},
    {ALL, "stop_gradient(x) + sigmoid(x) * x", same},
    {ALL, "if(training, x * 1.5, x)", same},
    {ALL, "if(rank(x) > 2, x, x + 1)", same},
    {ALL, "x * ones(shape(x)) + zeros(shape(x))", same},
    {ALL, "x + grad(sum(tanh(x)^2), x)", same},
    {ALL, "x * cosine_similarity(reshape(x, [1, -1]), reshape(tanh(x), [1, -1]))[0]", same},
    {ALL, "x + (step + 1) / (steps + epoch_steps + batch) * 0.1", same},
    {R2, "concat([reshape(x, concat([shape(x), [1]])), reshape(x^2, [dim(x, 0), -1, 1])], 2)",
     two_last},
    {R2, "(eye(dim(x, 0)) * 0.5) @ x", same},
    {ALL, "mean(x, rank(x) - 1, keep=1)", one_last},
    {ALL, "mean_of(x, tanh)", same},
    {ALL, "x + masked_mean(x, cast(x > 0, 'float'))", same},
    {ALL, "first_token(with_tokens(learned_positions(reshape(x, [dim(x, 0), 1, -1]))))", one_axis},
    {ALL, "cumsum(x) / dim(x, -1)", same},
    {ALL, "sort(x)", same},
    {ALL, "take_along(x, top_k(x, 1))", one_last},
    {ALL, "take_along(x, random_order(shape(x)))", same},
    {ALL, "x + 0.1 * cast(ranks(x), 'float')", same},
    {ALL, "x * (1 + mean(entropy(softmax(x))))", same},
    {ALL, "centered(x)", same},
    {ALL, "expm1(0.3 * tanh(x))", same},
    {ALL, "x - per_channel(x, running_center(x))", same},
    {ALL, "drop_path(x, 0.3)", same},
    {ALL, "mlp(x, 2)", same},
    {ALL, "when(step < 1, paced(x), 0.5 * x)", same},
    {ALL, "every(2, paced(x), x)", same},
    {ALL, "when(step < 1, x, when(step > 1, paced(x), paced(tanh(x))))", same},
    {ALL, "every(2, every(2, paced(x), 0.5 * x), paced(x))", same},
    {ALL, "ticked(x)", same},
    {ALL, "kept_rows(x)", same},
    {ALL, "x * cast(reduce_max(cast(9 * tanh(x), 'i32'), 0, keep=1) % 3, 'float')", same},
    {ALL, "x + 0.1 * cast(sum(cast(x > 0, 'i32'), rank(x) - 1, keep=1), 'float')", same},
    {ALL, "select(and(gather(x > 0, (iota([dim(x, 0)]) + 1) % dim(x, 0)), x < 1), x, tanh(x))",
     same},
    {ALL, "x * cast(slice(concat([slice(x, 0, 0, 1) > 0.5, x > 0], 0), 0, 0, dim(x, 0)), 'float')",
     same},
    {ALL,
     "x + cast(scatter_add(iota(shape(x)), iota([dim(x, 0)]) * 0, cast(x > 0, 'i32')), "
     "'float') * 0.1",
     same},
    {R2, "sum(log_softmax(pad(x, 1, 0, 4100)), 1, keep=1) * 0.0001 + x", same},
    {R2,
     "x + mean(softmax(reshape(gather(x, iota([5003]) % dim(x, 1), 1), [dim(x, 0), -1])), 1, "
     "keep=1)",
     same},
    {ALL, "x * (1 + mean(cast(iota([70001]) % 7, 'float')) * 0.01)", same},
    {ALL, "require(rank(x) > 1, 'never', x)", same},
    {ALL, "scan(x, zeros(shape(x[0])), leaky)", same},
    {ALL, "scan(x, zeros(shape(x[0])), leaky, reverse=1)", same},
    {ALL, "x + grad(sum(scan(tanh(x), zeros(shape(x[0])), leaky)^2), x) * 0.1", same},
    {ALL, "scan([x, tanh(x)], [zeros(shape(x[0])), ones(shape(x[0]))], both)[2]", same},
    {ALL, "scan([x, tanh(x)], [x[0], x[0]], both, reverse=1)[1] - 0.5 * x", same},
    {ALL,
     "x + broadcast_to(reshape(scan(x, x[-1], weighed)[-1], concat([[1], shape(x[0])])), shape(x))",
     same},
    {ALL, "x + 0.1 * cast(scan(x, iota(shape(x[0])), counted), 'float')", same},
    {ALL, "x - scan(x, zeros(shape(x[0])), noisy)", same},
    {ALL, "scan(x, zeros(shape(x[0])), smooth) + x", same},
    {ALL, "scan(x, zeros(shape(x[0])), placed)", same},
    {ALL, "0.1 * scan(x, x[0], through(tanh(x), iota([dim(x, 0)])))", same},
    {ALL, "x + 0.1 * scan(3, x, turned)[-1]", same},
    {ALL, "scan(5, 0.5 * x, turned, reverse=1)[1]", same},
    {R3, "through_time(x, zeros([dim(x, 0), dim(x, 2)]), weighed)", same},
    {R3, "through_time(x, zeros([dim(x, 0), dim(x, 2)]), smooth, reverse=1)", same},
    {R2, "sinkhorn(0.2 * tanh(x)) + x", same},
    {R2, "x + select(diagonal(dim(x, 0)), 0.5, 0.1) @ x", same},
    {R2, "mlp_head(x, 4, 3)", three_last},
    {R2, "rolled(x, random_index([dim(x, 0)], dim(x, 1)))", same},
    {R2, "random_gain(x)", same},
    {R2, "with_noise(x, normal(shape(x)), full([dim(x, 0)], 12))", same},
    {R2, "nearest(x, tanh(x))", same},
    {R3, "through_time(x, zeros([dim(x, 0), dim(x, 2)]), leaky)", same},
    {R3, "through_time(x, zeros([dim(x, 0), dim(x, 2)]), nested, reverse=1)", same},
    {R3, "patch_normalize(x)", same},
    {R3, "transformer_block(x, 1, 2)", same},
    {R3, "causal_block(x, 1)", same},
    {R3, "token_block(x, bernoulli([dim(x, 0), dim(x, 1)], 0.7), 1)", same},
    {R3, "attend(x, tanh(x), x, 1)", same},
    {R3, "x + mask_tokens(x, dim(x, 1))", same},
    {R3, "hide(x, random_spans(x, 0.3, 2))", same},
    {R3, "masked_pool(x, cast(bernoulli([dim(x, 0), dim(x, 1)], 0.5), 'float'))", no_middle},
    {R3, "quantizer(x, 1, 3)[0]", same},
    {R3, "spec_augment(x, 1, 1, 1, 1)", same},
    {R3 | R4, "group_norm(x, 1)", same},
    {R3 | R4, "instance_norm(x)", same},
    {R4, "convnext_block(x, 0.2, 0.1)", same},
    {R4, "basic_block(x, dim(x, -1))", same},
    {R4, "bottleneck(x, 2)", eight_last},
    {R4, "conv_norm(x, 3)", three_last},
    {AREA, "blur(x, full([dim(x, 0)], 0.8))", same},
    {AREA, "rotated(x, full([dim(x, 0)], 20))", same},
    {AREA, "random_resized_crop(x)", same},
    {AREA, "solarize(x)", same},
    {AREA, "adjust_brightness(x, uniform([dim(x, 0)], 0.5, 1.5))", same},
    {AREA, "adjust_contrast(x, uniform([dim(x, 0)], 0.5, 1.5))", same},
    {ALL, "x + 0.1 * per_sample(x, sum(reshape(tanh(x), [dim(x, 0), -1]), 1) / size(x))", same},
};

/* -- Definitions ------------------------------------------------------------------------------- */

const char DEFINITIONS[] =
    "\t\t\"embedding_of(x, count, width)\": \"embedding(cast((tanh(x) + 1) * (0.5 * count), "
    "'i32'), count, width)\",\n"
    "\t\t\"image(x)\": \"reshape(x, concat([shape(x), [1]]))\",\n"
    "\t\t\"signed(w, g, lr)\": \"w - lr * select(g > 0, 1, -1)\",\n"
    "\t\t\"layered(w, g, lr)\": \"adamw(w, g, lr * 0.8 ^ (layers(w) - 1 - layer_of(w)))\",\n"
    "\t\t\"alternating(w, g, lr)\": \"when(step < 1, adam(w, g, lr), if(is_named(w, '*.b'), w, w - "
    "lr * "
    "g))\",\n"
    "\t\t\"huber_at(x, y)\": \"huber(x, y, delta=0.3)\",\n"
    "\t\t\"leaky(h, e)\": \"0.5 * h + tanh(e)\",\n"
    "\t\t\"nested(h, e)\": \"tanh(0.5 * h + 0.1 * scan(e, zeros(shape(e[0])), leaky))\",\n"
    "\t\t\"beside(x, side)\": \"x + 0.1 * per_sample(x, mean(reshape(if(is_integer(side), "
    "one_hot(side, 5) * cast(iota(concat([shape(side), 5]), -1), 'float'), side), [dim(x, 0), "
    "-1]), 1))\",\n"
    "\t\t\"both(h, c, a, b)\": \"[tanh(0.5 * h + a), 0.5 * c + b * h, h * c - a]\",\n"
    "\t\t\"weighed(h, e)\": {\"w\": \"param([dim(h, -1), dim(h, -1)], xavier_uniform)\", "
    "\"rows\": \"reshape(h, [-1, dim(h, -1)])\", \"y\": \"tanh(reshape(rows @ w, shape(h)) + "
    "e)\"},\n"
    "\t\t\"counted(n, e)\": \"n + cast(e > 0, 'i32')\",\n"
    "\t\t\"noisy(h, e)\": \"0.5 * h + e * uniform(shape(e))\",\n"
    "\t\t\"smooth(h, e)\": \"softmax(0.5 * h + e) - mean(e)\",\n"
    "\t\t\"placed(h, e)\": \"0.5 * scatter_add(tanh(h), iota([dim(h, 0)]) / 2, reverse(e, 0))\",\n"
    "\t\t\"through(h, e, all, at)\": \"tanh(h) + gather(all, (at + 1) % size(at))[0] - e\",\n"
    "\t\t\"turned(x)\": \"0.5 * x + tanh(reverse(x, rank(x) - 1))\",\n"
    "\t\t\"ticked(x)\": {\"n\": \"state([3], iota)\", \"set n\": \"n * 2 + 1\", \"y\": \"x * (1 + "
    "0.01 * "
    "sum(cast(n, 'float')))\"},\n"
    "\t\t\"kept_rows(x)\": {\"bank\": \"state([sample_count, 3], normal(0, 1))\", \"mine\": "
    "\"gather(bank, sample_number)\", \"set bank\": \"scatter_add(bank, sample_number, 0.5 * "
    "(tanh(stop_gradient(mean(reshape(x, [dim(x, 0), -1]), 1, keep=1))) - mine))\", \"y\": \"x + "
    "0.1 * "
    "per_sample(x, mean(mine, 1))\"},\n"
    "\t\t\"each_its_own(w, g, lr)\": \"if(is_named(w, 'encoder.*'), adamw(w, g, lr), sgd(w, g, lr, "
    "0.9))\",\n"
    "\t\t\"slow(w, g, lr)\": {\"s\": \"state(shape(w), zeros)\", \"next\": \"0.9 * s + g / (1e-6 + "
    "reduce_max(abs(g), []))\", \"set s\": \"if(rank(w) > 1, next, next * 0.5)\", \"y\": \"w - lr "
    "* next\"},\n"
    "\t\t\"polyak(w, g, lr)\": \"w - lr * min(1, loss_at(w - 0.01 * g) / (1 + total(sum(g^2)))) * "
    "g\",\n"
    "\t\t\"paced_by(w, g, lr)\": \"w - lr * (1 + tanh(mean(cast(of_loss('x'), 'float')))) * g\",\n"
    "\t\t\"paced(x)\": {\"r\": \"state([dim(x, -1)], zeros)\", \"set r\": \"0.5 * r + mean(x, "
    "leading_axes(x))\", \"y\": \"x - per_channel(x, r)\"},\n"
    "\t\t\"half_held(x)\": \"0.5 * (x + stop_gradient(tanh(x)))\",\n"
    "\t\t\"meets(x, memory)\": {\"w\": \"param([dim(memory, 1), dim(x, 1)], xavier_uniform)\", "
    "\"y\": \"x * tanh(memory @ w)\"},\n"
    "\t\t\"mean_of(x, f())\": \"0.5 * (x + f(x))\"\n";

/* -- Operations, each in its domain ------------------------------------------------------------ */

/* A text of x that calls the operation; false: it has no MAP. */
static bool call_operation(Op op, Text *out)
{
	const OpInfo *o = &op_info[op];
	bool logic = strcmp(o->types, "LOGIC") == 0, bits = strcmp(o->types, "INT") == 0;
	bool compares = strcmp(o->shape, "compare") == 0;
	if (o->kind != MAP || op == OP_cast || op == OP_select)
		return false;
	const char *x = bits    ? "cast(9 * tanh(x), 'i32')"
	                : logic ? "(x > 0.1)"
	                        : "(1.5 + tanh(x))",
	           *y = bits    ? "3"
	                : logic ? "(x < 0.7)"
	                        : "(1.25 + 0.5 * sin(x))";
	Text call = {0};
	text_printf(&call, o->ins == 1 ? "%s(%s)" : "%s(%s, %s)", o->name, x, y);
	if (compares || logic)
		text_printf(out, "select(%s, x, 0.5 * x)", call.data);
	else if (bits)
		text_printf(out, "x + 0.1 * cast(%s, 'float')", call.data);
	else
		text_printf(out, "%s - 0.5 * x", call.data);
	text_close(&call);
	return true;
}

bool draw_expression(Draw *d, const char *text, Form *f, Text *out)
{
	Form to = *f;
	Text body = {0};
	(void)text;
	bool fits = afford(d, 10 * form_size(f));
	if (fits && chance(d->t, 1, 2)) {
		Op op = 1 + pick(d->t, OP_COUNT - 1);
		while (op_info[op].kind != MAP) /* the next one that is */
			op = op % (OP_COUNT - 1) + 1;
		fits = call_operation(op, &body);
	} else if (fits) {
		uint32_t at = pick(d->t, COUNT(ROWS));
		for (size_t i = 0; i < COUNT(ROWS) && !row_fits(&ROWS[at], f); i++)
			at = (at + 1) % COUNT(ROWS); /* the next one that fits */
		const Row *row = &ROWS[at];
		fits = row_fits(row, f);
		if (fits) {
			row->to(&to);
			text_printf(&body, "%s", row->text);
		}
		fits = fits && to.rank <= 4 && form_size(&to) > 0 && form_size(&to) <= 20000 &&
		       afford(d, form_size(&to) * (form_size(&to) / to.dim[0] < 64 ? 16 : 64));
	}
	if (fits) {
		text_printf(&d->define, "\t\t\"f%d(x)\": \"%s\",\n", d->defines, body.data);
		text_printf(out, "f%d", d->defines++);
		*f = to;
	}
	text_close(&body);
	return fits;
}
