/* moves.c: layers that move, join, take and sum elements, with every number of them drawn: axes,
 * orders, strides, gaps, places. A move is a text with $ for what it moves, so that it can be made
 * of numbers, of truth values and of whole numbers alike. */
#include "programs.h"

#include <stdlib.h>
#include <string.h>

typedef bool (*Move)(Draw *d, Form *f, Text *out);

static void put_axes(Text *out, const int *axis, int count)
{
	for (int i = 0; i < count; i++)
		text_printf(out, "%s%d", i ? ", " : "[", axis[i]);
	text_printf(out, "]");
}

/* A shape whose first axis is the batch, whatever it is where the text is used. */
static void put_shape(Text *out, const Form *f)
{
	text_printf(out, "[dim(x, 0)");
	for (int i = 1; i < f->rank; i++)
		text_printf(out, ", %lld", (long long)f->dim[i]);
	text_printf(out, "]");
}

static int some_axis(Draw *d, const Form *f)
{
	return 1 + (int)pick(d->t, (uint32_t)f->rank - 1);
}

static uint32_t below(Draw *d, int64_t n)
{
	return pick(d->t, (uint32_t)(n < 1 ? 1 : n));
}

static void shuffle(Draw *d, int *at, int count)
{
	for (int i = count - 1; i > 0; i--) {
		int j = i - (int)below(d, i + 1), kept = at[i];
		at[i] = at[j];
		at[j] = kept;
	}
}

static void insert_axis(Form *f, int at, int64_t length)
{
	memmove(f->dim + at + 1, f->dim + at, (size_t)(f->rank++ - at) * sizeof *f->dim);
	f->dim[at] = length;
}

static void drop_axis(Form *f, int at)
{
	memmove(f->dim + at, f->dim + at + 1, (size_t)(--f->rank - at) * sizeof *f->dim);
}

/* -- Parts ------------------------------------------------------------------------------------- */

static bool move_slice(Draw *d, Form *f, Text *out)
{
	static const int64_t STEPS[] = {1, 2, 3, -1, -2, 5};
	int axis = some_axis(d, f);
	int64_t n = f->dim[axis], step = STEPS[pick(d->t, COUNT(STEPS))], start = below(d, n), stop;
	if (step > 0) {
		stop = n - below(d, n - start);
		f->dim[axis] = (stop - start + step - 1) / step;
	} else {
		start = n - 1 - start;
		stop = (int64_t)below(d, start + 1) - 1;
		f->dim[axis] = (start - stop - step - 1) / -step;
		stop = stop < 0 ? -1 - n : stop;
	}
	text_printf(out, "slice($, %d, %lld, %lld", axis, (long long)start, (long long)stop);
	text_printf(out, step == 1 ? ")" : ", %lld)", (long long)step);
	return true;
}

static bool move_pad(Draw *d, Form *f, Text *out)
{
	int axis = some_axis(d, f), low = (int)pick(d->t, 4), high = (int)pick(d->t, 4);
	text_printf(out, "pad($, %d, %d, %d%s)", axis, low, high, chance(d->t, 1, 4) ? ", 1" : "");
	f->dim[axis] += low + high;
	return true;
}

static bool move_concat(Draw *d, Form *f, Text *out)
{
	int axis = some_axis(d, f), parts = 2 + (int)pick(d->t, 3);
	int64_t n = f->dim[axis], all = 0;
	text_printf(out, "concat([");
	for (int i = 0; i < parts; i++) {
		int64_t from = i ? below(d, n) : 0;
		text_printf(out, "%s", i ? ", " : "");
		if (from)
			text_printf(out, "slice($, %d, %lld, %lld)", axis, (long long)from, (long long)n);
		else
			text_printf(out, chance(d->t, 1, 4) ? "reverse($, %d)" : "$", axis);
		all += n - from;
	}
	text_printf(out, "], %d)", axis);
	f->dim[axis] = all;
	return true;
}

/* -- Views ------------------------------------------------------------------------------------- */

static bool move_transpose(Draw *d, Form *f, Text *out)
{
	int order[MAX_RANK];
	Form from = *f;
	for (int i = 0; i < f->rank; i++)
		order[i] = i;
	shuffle(d, order + 1, f->rank - 1);
	for (int i = 1; i < f->rank; i++)
		f->dim[i] = from.dim[order[i]];
	text_printf(out, "transpose($, ");
	put_axes(out, order, f->rank);
	text_printf(out, ")");
	return true;
}

static bool move_merge(Draw *d, Form *f, Text *out)
{
	if (f->rank < 3)
		return false;
	int axis = 1 + (int)pick(d->t, (uint32_t)f->rank - 2);
	f->dim[axis] *= f->dim[axis + 1];
	drop_axis(f, axis + 1);
	text_printf(out, "reshape($, ");
	put_shape(out, f);
	text_printf(out, ")");
	return true;
}

static bool move_split(Draw *d, Form *f, Text *out)
{
	int axis = some_axis(d, f);
	int64_t n = f->dim[axis], parts = 1 + below(d, n);
	while (n % parts)
		parts--;
	insert_axis(f, axis, parts);
	f->dim[axis + 1] = n / parts;
	text_printf(out, "reshape($, ");
	put_shape(out, f);
	text_printf(out, ")");
	return true;
}

/* The same elements again along a new axis. */
static bool move_broadcast(Draw *d, Form *f, Text *out)
{
	int axis = 1 + (int)pick(d->t, (uint32_t)f->rank);
	insert_axis(f, axis, 1);
	text_printf(out, "broadcast_to(reshape($, ");
	put_shape(out, f);
	text_printf(out, "), ");
	f->dim[axis] = 1 + pick(d->t, 5);
	put_shape(out, f);
	text_printf(out, ")");
	return true;
}

static bool move_windows(Draw *d, Form *f, Text *out)
{
	int axis = some_axis(d, f), size = 1 + (int)pick(d->t, 4), stride = 1 + (int)pick(d->t, 3),
	    gap = 1 + (int)pick(d->t, 3), low = (int)pick(d->t, 3), high = (int)pick(d->t, 3);
	int64_t n = f->dim[axis] + low + high, reach = (int64_t)(size - 1) * gap + 1;
	if (n < reach)
		return false;
	text_printf(out, "windows(pad($, %d, %d, %d), %d, %d, stride=%d, dilation=%d)", axis, low, high,
	            axis, size, stride, gap);
	f->dim[axis] = (n - reach) / stride + 1;
	insert_axis(f, axis + 1, size);
	return true;
}

/* -- Places ------------------------------------------------------------------------------------ */

/* `count` places of an axis of n. */
static void places(Draw *d, int64_t count, int64_t n, Text *out)
{
	text_printf(out, "((iota([%lld]) * %u + %u) %% %lld)", (long long)count, 1 + pick(d->t, 5),
	            pick(d->t, 7), (long long)n);
}

static bool move_gather(Draw *d, Form *f, Text *out)
{
	int axis = some_axis(d, f);
	int64_t n = f->dim[axis], count = 1 + below(d, n + 2), rows = chance(d->t, 1, 4) ? 2 : 1;
	text_printf(out, "gather($, ");
	if (rows > 1)
		text_printf(out, "reshape(");
	places(d, count * rows, n, out);
	if (rows > 1)
		text_printf(out, ", [2, %lld])", (long long)count);
	text_printf(out, ", %d)", axis);
	f->dim[axis] = count;
	if (rows > 1)
		insert_axis(f, axis, rows);
	return true;
}

static bool move_scatter(Draw *d, Form *f, Text *out)
{
	int axis = some_axis(d, f), more = (int)pick(d->t, 3);
	int64_t n = f->dim[axis];
	text_printf(out, "scatter_add(pad($, %d, 0, %d), ", axis, more);
	f->dim[axis] += more;
	places(d, n, f->dim[axis], out);
	text_printf(out, ", $, %d)", axis);
	return true;
}

/* Samples in another order, each with what it had. */
static bool move_samples(Draw *d, Form *f, Text *out)
{
	static const char *const WAYS[] = {
	    "gather($, (iota([dim(x, 0)]) * 3 + 1) % dim(x, 0))",
	    "slice($, 0, -1, -1 - dim(x, 0), -1)",
	    "slice(concat([slice($, 0, 0, 1), reverse($, 0)], 0), 0, 0, dim(x, 0))",
	    "slice(concat([$, $], 0), 0, 0, 2 * dim(x, 0), 2)",
	    "gather($, random_index([dim(x, 0)], dim(x, 0)))",
	};
	(void)f;
	text_printf(out, "%s", WAYS[pick(d->t, COUNT(WAYS))]);
	return true;
}

/* -- Sums -------------------------------------------------------------------------------------- */

static bool move_reduce(Draw *d, Form *f, Text *out)
{
	int axis[MAX_RANK], count = 0;
	bool keep = chance(d->t, 1, 2);
	for (int i = 1; i < f->rank; i++)
		if (chance(d->t, 1, 2))
			axis[count++] = i;
	if (!count)
		axis[count++] = f->rank - 1;
	keep = keep || count == f->rank - 1;
	for (int i = count - 1; i >= 0; i--) {
		f->dim[axis[i]] = 1;
		if (!keep)
			drop_axis(f, axis[i]);
	}
	shuffle(d, axis, count);
	text_printf(out, "%s($, ", chance(d->t, 1, 2) ? "reduce_max" : "sum");
	put_axes(out, axis, count);
	text_printf(out, keep ? ", keep=1)" : ")");
	return true;
}

static const Move MOVES[] = {move_slice,     move_pad,     move_concat, move_transpose,
                             move_merge,     move_split,   move_gather, move_broadcast,
                             move_windows,   move_scatter, move_reduce, move_samples,
                             move_transpose, move_windows, move_slice};

/* -- What only numbers do ---------------------------------------------------------------------- */

/* A product by names of axes with weights of its own: of x's each is in the weights or not, in the
 * result or not, and the weights have up to two more. The batch stays the first. */
static bool move_product(Draw *d, Form *f, Text *out)
{
	Form to = {.rank = 1, .dim = {f->dim[0]}};
	char x[8] = "b", w[8] = "", y[8] = "b";
	int own[8], new = 1 + (int)pick(d->t, 2), weights = 0;
	int64_t length[8], operations = form_size(f), wide[8];
	for (int i = 1; i < f->rank; i++) {
		char letter = (char)('b' + i);
		bool in_w = chance(d->t, 2, 3);
		x[i] = letter;
		x[i + 1] = 0;
		if (in_w)
			own[weights] = letter, length[weights++] = f->dim[i];
		if (!in_w || chance(d->t, 1, 4)) {
			y[to.rank] = letter;
			to.dim[to.rank++] = f->dim[i];
		}
	}
	for (int i = 0; i < new &&to.rank < 4 && weights < MAX_RANK; i++) {
		own[weights] = 'm' + i;
		length[weights] = some_width(d);
		y[to.rank] = (char)own[weights];
		to.dim[to.rank++] = length[weights];
		operations *= length[weights++];
	}
	if (!weights || operations > 60000 || !afford(d, operations))
		return false;
	int order[8] = {0}, places[8] = {0};
	for (int i = 0; i < weights; i++)
		order[i] = i;
	shuffle(d, order, weights);
	for (int i = 0; i < weights; i++)
		w[i] = (char)own[order[i]], wide[i] = length[order[i]];
	for (int i = 1; i < to.rank; i++)
		places[i] = i;
	shuffle(d, places + 1, to.rank - 1);
	Form from = to;
	char text[8];
	memcpy(text, y, sizeof text);
	for (int i = 1; i < to.rank; i++)
		y[i] = text[places[i]], to.dim[i] = from.dim[places[i]];
	text_printf(out, "einsum('%s,%s->%s', $, param([", x, w, y);
	for (int i = 0; i < weights; i++)
		text_printf(out, "%s%lld", i ? ", " : "", (long long)wide[i]);
	text_printf(out, "], uniform(-0.5, 0.5)))");
	*f = to;
	return true;
}

/* A convolution of one or two axes, each with padding, stride and gaps of its own; of all channels,
 * of each alone, or the largest. */
static bool move_convolution(Draw *d, Form *f, Text *out)
{
	bool flat = f->rank == 3;
	int axes = f->rank - 2, size[2], low[2], high[2], stride[2], gap[2];
	uint32_t kind = pick(d->t, 4);
	int64_t channels = f->dim[f->rank - 1], made = kind ? channels : some_width(d), taps = 1;
	if (f->rank < 3 || f->rank > 4)
		return false;
	Form to = *f;
	for (int i = 0; i < axes; i++) {
		size[i] = 1 + (int)pick(d->t, 4), stride[i] = 1 + (int)pick(d->t, 3);
		gap[i] = 1 + (int)pick(d->t, 3), low[i] = (int)pick(d->t, 4), high[i] = (int)pick(d->t, 4);
		int64_t n = f->dim[i + 1] + low[i] + high[i], reach = (int64_t)(size[i] - 1) * gap[i] + 1;
		if (n < reach)
			return false;
		to.dim[i + 1] = (n - reach) / stride[i] + 1;
		taps *= size[i];
	}
	to.dim[f->rank - 1] = made;
	int64_t operations = form_size(&to) * taps * (kind ? 1 : channels);
	if (operations > 100000 || !afford(d, operations))
		return false;
	Text v = {0};
	text_printf(&v, "$");
	for (int i = 0; i < axes; i++) {
		Text more = {0};
		text_printf(&more, "windows(pad(%s, %d, %d, %d), %d, %d, stride=%d, dilation=%d)", v.data,
		            1 + 2 * i, low[i], high[i], 1 + 2 * i, size[i], stride[i], gap[i]);
		text_close(&v);
		v = more;
	}
	if (kind < 2) {
		text_printf(out, "einsum('%s,%sc%s->%s%s', %s, param([%d", flat ? "blkc" : "bhiwjc",
		            flat ? "k" : "ij", kind ? "" : "n", flat ? "bl" : "bhw", kind ? "c" : "n",
		            v.data, size[0]);
		if (!flat)
			text_printf(out, ", %d", size[1]);
		text_printf(out, ", %lld", (long long)channels);
		if (!kind)
			text_printf(out, ", %lld", (long long)made);
		text_printf(out, "], kaiming_normal))");
	} else {
		text_printf(out, "%s(%s, %s)", kind == 2 ? "reduce_max" : "mean", v.data,
		            flat ? "[2]" : "[2, 4]");
	}
	text_close(&v);
	*f = to;
	return true;
}

/* Along any axis what is mostly taken along the last. */
static bool move_along(Draw *d, Form *f, Text *out)
{
	static const char *const ALONG[] = {
	    "softmax($, %d)",
	    "log_softmax($, %d)",
	    "cumsum($, %d)",
	    "normalize($, %d)",
	    "centered($, %d)",
	    "$ - mean($, %d, keep=1)",
	    "$ / (1 + norm($, %d, keep=1))",
	    "$ - log_sum_exp($, %d)",
	    "$ * (1 + variance($, %d, keep=1))",
	    "$ - reduce_max($, [0, %d], keep=1)",
	    "$ + mean($, [0, %d], keep=1)",
	    "transpose(cumsum(transpose($, [%d, 0]), 1), [1, 0])",
	};
	int axis = some_axis(d, f);
	uint32_t way = pick(d->t, COUNT(ALONG) - (f->rank > 2));
	text_printf(out, ALONG[way], axis, axis);
	return true;
}

/* Samples and an axis are one while it works on the last. */
static bool move_merged(Draw *d, Form *f, Text *out)
{
	static const char *const WORK[] = {"softmax", "normalize",  "cumsum",
	                                   "sort",    "layer_norm", "linear"};
	Form rows = *f;
	if (f->rank < 3)
		return false;
	drop_axis(&rows, 1);
	const char *work = WORK[pick(d->t, COUNT(WORK))];
	text_printf(out, "reshape(%s(reshape($, [-1", work);
	for (int i = 1; i < rows.rank; i++)
		text_printf(out, ", %lld", (long long)rows.dim[i]);
	text_printf(out, "])");
	if (strcmp(work, "linear") == 0) {
		f->dim[f->rank - 1] = some_width(d);
		text_printf(out, ", %lld", (long long)f->dim[f->rank - 1]);
	}
	text_printf(out, "), ");
	put_shape(out, f);
	text_printf(out, ")");
	return true;
}

static const Move NUMBERS[] = {move_product, move_convolution, move_along,
                               move_product, move_convolution, move_merged};

/* -- The layer --------------------------------------------------------------------------------- */

static void put(Text *out, const char *move, const char *what)
{
	for (; *move; move++)
		if (*move == '$')
			text_printf(out, "%s", what);
		else
			text_add(out, move, 1);
}

/* The move of what a type is made of x, back as numbers. */
static void typed(Draw *d, const char *move, Text *out)
{
	switch (pick(d->t, 8)) {
	case 0:
		text_printf(out, "select(");
		put(out, move, "(x > 0.1)");
		text_printf(out, ", ");
		put(out, move, "x");
		text_printf(out, ", 0.5)");
		break;
	case 1:
		put(out, move, "x");
		text_printf(out, " + 0.3 * cast(");
		put(out, move, "cast(9 * tanh(x), 'i32')");
		text_printf(out, ", 'float')");
		break;
	case 2:
		put(out, move, "tanh(x)");
		text_printf(out, " * 0.5 + 0.01 * cast(");
		put(out, move, "cast(20 + 10 * tanh(x), 'u8')");
		text_printf(out, ", 'float')");
		break;
	case 3:
		text_printf(out, "tanh(");
		put(out, move, "x");
		text_printf(out, ") * ");
		put(out, move, "stop_gradient(x)");
		break;
	default:
		put(out, move, "x");
	}
}

bool draw_move(Draw *d, const char *text, Form *f, Text *out)
{
	Form to = *f;
	Text move = {0}, body = {0};
	(void)text;
	bool any = chance(d->t, 3, 5);
	Move of = any ? MOVES[pick(d->t, COUNT(MOVES))] : NUMBERS[pick(d->t, COUNT(NUMBERS))];
	bool reduces = of == move_reduce || of == move_scatter;
	bool fits = of(d, &to, &move) && to.rank >= 2 && to.rank <= 4 && form_size(&to) <= 20000 &&
	            afford(d, 16 * (form_size(f) + form_size(&to)));
	if (fits && any && !reduces)
		typed(d, move.data, &body);
	else if (fits)
		put(&body, move.data, chance(d->t, 1, 4) ? "tanh(x)" : "x");
	if (fits) {
		text_printf(&d->define, "\t\t\"f%d(x)\": \"%s\",\n", d->defines, body.data);
		text_printf(out, "f%d", d->defines++);
		*f = to;
	}
	text_close(&move);
	text_close(&body);
	return fits;
}
