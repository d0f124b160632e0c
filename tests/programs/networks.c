/* networks.c: layers, transforms and optimizers at random: rows of what the library has, each with
 * the forms that it takes and what it makes of them. */
#include "programs.h"

#include <string.h>

int64_t form_size(const Form *f)
{
	int64_t size = 1;
	for (int i = 0; i < f->rank; i++)
		size *= f->dim[i];
	return size;
}

int64_t some_width(Draw *d)
{
	static const int64_t WIDTHS[] = {1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 24, 31, 33, 48, 65};
	return WIDTHS[pick(d->t, d->tiny ? 5 : COUNT(WIDTHS))];
}

bool afford(Draw *d, int64_t operations)
{
	if (operations > d->left)
		return false;
	d->left -= operations;
	return true;
}

static int64_t *last(Form *f)
{
	return &f->dim[f->rank - 1];
}

/* -- Rules ------------------------------------------------------------------------------------- */

/* One of the alternatives of "relu|leaky_relu(0.2)", which keep the form. */
static bool keeps(Draw *d, const char *text, Form *f, Text *out)
{
	uint32_t count = 1;
	if (!afford(d, 8 * form_size(f)))
		return false;
	for (const char *at = text; (at = strchr(at, '|')); at++)
		count++;
	for (uint32_t skip = pick(d->t, count); skip; skip--)
		text = strchr(text, '|') + 1;
	text_add(out, text, strcspn(text, "|"));
	return true;
}

/* A word for an argument that is not the default. */
static const char *perhaps(Draw *d, const char *argument)
{
	return chance(d->t, 1, 3) ? argument : "";
}

static bool linear(Draw *d, const char *text, Form *f, Text *out)
{
	int64_t width = some_width(d);
	(void)text;
	if (!afford(d, form_size(f) * width))
		return false;
	text_printf(out, "linear(%lld%s)", (long long)width, perhaps(d, ", bias=0"));
	*last(f) = width;
	return true;
}

static bool embedding(Draw *d, const char *text, Form *f, Text *out)
{
	int64_t width = some_width(d);
	(void)text;
	if (f->rank + 1 > 4 || !afford(d, 4 * form_size(f) * width))
		return false;
	text_printf(out, "embedding_of(%lld, %lld)", (long long)some_width(d), (long long)width);
	f->dim[f->rank++] = width;
	return true;
}

static int64_t convolved(int64_t length, int64_t kernel, int64_t stride, int64_t padding)
{
	return length + 2 * padding < kernel ? 0 : (length + 2 * padding - kernel) / stride + 1;
}

static bool conv(Draw *d, const char *text, Form *f, Text *out)
{
	static const int64_t KERNELS[] = {1, 3, 2, 5, 4, 7};
	int64_t kernel = KERNELS[pick(d->t, COUNT(KERNELS))], stride = 1 + pick(d->t, 3);
	int64_t padding = chance(d->t, 1, 3) ? (int64_t)pick(d->t, 3) : -1, channels = some_width(d),
	        groups = 1, inputs = *last(f);
	(void)text;
	if (chance(d->t, 1, 4)) { /* depth-wise, or two groups, or groups of two */
		groups =
		    inputs % 2 == 0 && chance(d->t, 1, 2) ? chance(d->t, 1, 2) ? inputs / 2 : 2 : inputs;
		channels = groups * (1 + pick(d->t, 4));
	}
	int64_t p = padding < 0 ? (kernel - 1) / 2 : padding, reach = kernel * inputs / groups;
	Form to = *f;
	*last(&to) = channels;
	for (int i = 1; i + 1 < f->rank; i++) {
		to.dim[i] = convolved(f->dim[i], kernel, stride, p);
		if (!to.dim[i])
			return false;
	}
	for (int i = 3; i < f->rank; i++)
		reach *= kernel;
	if (!afford(d, form_size(&to) * reach))
		return false;
	text_printf(out, "conv(%lld, %lld", (long long)channels, (long long)kernel);
	if (stride > 1)
		text_printf(out, ", stride=%lld", (long long)stride);
	if (groups > 1)
		text_printf(out, ", groups=%lld", (long long)groups);
	if (padding >= 0)
		text_printf(out, ", padding=%lld", (long long)padding);
	text_printf(out, "%s)", perhaps(d, ", bias=0"));
	*f = to;
	return true;
}

/* Of an image whose channels become a third axis and fewer channels. */
static bool volume(Draw *d, const char *text, Form *f, Text *out)
{
	int64_t parts = 2 + pick(d->t, 4);
	size_t before = out->size;
	Form to = *f;
	if (*last(f) % parts != 0)
		return false;
	*last(&to) = parts;
	to.dim[to.rank++] = *last(f) / parts;
	text_printf(out, "split_last(%lld)\", \"", (long long)parts);
	if (!conv(d, text, &to, out)) {
		out->data[out->size = before] = 0;
		return false;
	}
	text_printf(out, "\", \"join_last");
	to.dim[3] *= to.dim[4];
	to.rank--;
	*f = to;
	return true;
}

/* 3 x 3 at stride 1 by minimal filtering, whatever the channels. */
static bool winograd(Draw *d, const char *text, Form *f, Text *out)
{
	int64_t channels = 1 + pick(d->t, 5), padding = pick(d->t, 3);
	(void)text;
	Form to = *f;
	for (int i = 1; i < 3; i++)
		to.dim[i] = f->dim[i] + 2 * padding - 2;
	*last(&to) = channels;
	if (to.dim[1] < 1 || to.dim[2] < 1 || !afford(d, 40 * form_size(&to) * *last(f)))
		return false;
	text_printf(&d->define,
	            "\t\t\"f%d(x)\": {\"w\": \"param([3, 3, dim(x, -1), %lld], kaiming_normal)\", "
	            "\"y\": \"winograd(x, w, %lld)\"},\n",
	            d->defines, (long long)channels, (long long)padding);
	text_printf(out, "f%d", d->defines++);
	*f = to;
	return true;
}

static bool pool(Draw *d, const char *text, Form *f, Text *out)
{
	int64_t size = 1 + pick(d->t, 3), stride = chance(d->t, 1, 2) ? 1 + (int64_t)pick(d->t, 2) : 0;
	Form to = *f;
	for (int i = 1; i + 1 < f->rank; i++) {
		to.dim[i] = convolved(f->dim[i], size, stride ? stride : size, 0);
		if (!to.dim[i])
			return false;
	}
	if (!afford(d, form_size(&to) * size * size))
		return false;
	text_printf(out, "%s(%lld", text, (long long)size);
	if (stride)
		text_printf(out, ", %lld", (long long)stride);
	text_printf(out, ")");
	*f = to;
	return true;
}

static bool mean_pool(Draw *d, const char *text, Form *f, Text *out)
{
	if (!afford(d, form_size(f)))
		return false;
	text_printf(out, "%s", text);
	f->dim[1] = *last(f);
	f->rank = 2;
	return true;
}

static bool flatten(Draw *d, const char *text, Form *f, Text *out)
{
	(void)d;
	text_printf(out, "%s", text);
	f->dim[1] = form_size(f) / f->dim[0];
	f->rank = 2;
	return true;
}

static bool attention(Draw *d, const char *text, Form *f, Text *out)
{
	int64_t heads = 1 + pick(d->t, 3), width = *last(f);
	if (width % heads != 0 || !afford(d, form_size(f) * (4 * width + 4 * f->dim[1])))
		return false;
	text_printf(out, "%s(%lld%s)", text, (long long)heads, perhaps(d, ", causal=1"));
	return true;
}

/* Through time, from either end or both. */
static bool recurrent(Draw *d, const char *text, Form *f, Text *out)
{
	static const char *const NAMES[] = {"gru", "lstm", "state_space"};
	int64_t width = some_width(d), steps = f->dim[1];
	bool both = chance(d->t, 1, 4);
	(void)text;
	if (steps > 24 || !afford(d, 8 * (both + 1) * form_size(f) / *last(f) * width * (width + 8)))
		return false;
	const char *name = NAMES[pick(d->t, COUNT(NAMES))];
	const char *states = strcmp(name, "state_space") == 0 ? ", states=3" : "";
	if (both)
		text_printf(out, "bidirectional(%s(%lld%s))", name, (long long)width, states);
	else
		text_printf(out, "%s(%lld%s%s)", name, (long long)width, states, perhaps(d, ", reverse=1"));
	*last(f) = width * (both + 1);
	return true;
}

/* [B, d] as a sequence or an image, where it divides. */
static bool fold_axis(Draw *d, const char *text, Form *f, Text *out)
{
	(void)text;
	int64_t width = *last(f), parts = 2 + pick(d->t, 4);
	if (f->rank > 3 || width % parts != 0)
		return false;
	text_printf(out, "split_last(%lld)", (long long)parts);
	*last(f) = parts;
	f->dim[f->rank++] = width / parts;
	return true;
}

static bool join_axis(Draw *d, const char *text, Form *f, Text *out)
{
	(void)d;
	text_printf(out, "%s", text);
	f->dim[f->rank - 2] *= *last(f);
	f->rank--;
	return true;
}

static bool inner(Draw *d, const char *text, Form *f, Text *out)
{
	Form at = *f;
	Text body = {0};
	if (d->depth > 1)
		return false;
	d->depth++;
	int64_t left = d->left;
	draw_chain(d, &at, 3, &body);
	d->depth--;
	bool repeats = strncmp(text, "repeat", 6) == 0;
	int64_t times = repeats ? 1 + (int64_t)pick(d->t, 3) : 1;
	bool fits = at.rank == f->rank &&
	            memcmp(at.dim, f->dim, (size_t)f->rank * sizeof *f->dim) == 0 &&
	            afford(d, (times - 1) * (left - d->left));
	/* quotes of the chain's links go: it stands inside an expression */
	for (size_t i = 0, n = 0; fits && body.size && i <= body.size; i++)
		if (body.data[i] != '"')
			body.data[n++] = body.data[i];
	if (fits && repeats)
		text_printf(out, "repeat(%lld, [%s])", (long long)times, body.data ? body.data : "");
	else if (fits)
		text_printf(out, "%s([%s])", text, body.data ? body.data : "");
	text_close(&body);
	return fits;
}

/* A layer of the model's own: parameters of every first value that the library has. */
static bool own_product(Draw *d, const char *text, Form *f, Text *out)
{
	static const char *const FIRST[] = {"xavier_uniform", "kaiming_normal",      "normal(0, 0.3)",
	                                    "ones",           "uniform(-0.5, 0.25)", "0.125"};
	int64_t width = some_width(d);
	(void)text;
	if (!afford(d, form_size(f) * width))
		return false;
	text_printf(&d->define,
	            "\t\t\"f%d(x)\": {\"w\": \"param([dim(x, -1), %lld], %s)\", \"y\": \"%s\"},\n",
	            d->defines, (long long)width, FIRST[pick(d->t, COUNT(FIRST))],
	            chance(d->t, 1, 3) ? "normalize(x) @ normalize(w, 0)" : "x @ w");
	text_printf(out, "f%d", d->defines++);
	*last(f) = width;
	return true;
}

/* A running average, with its next value. */
static bool own_state(Draw *d, const char *text, Form *f, Text *out)
{
	(void)text;
	if (!afford(d, 4 * form_size(f)))
		return false;
	text_printf(
	    &d->define,
	    "\t\t\"f%d(x)\": {\"r\": \"state([dim(x, -1)], %s)\", \"next\": \"0.9 * r + 0.1 * "
	    "mean(x, leading_axes(x))\", \"set r\": \"next\", \"y\": \"x - per_channel(x, %s)\"},\n",
	    d->defines, chance(d->t, 1, 2) ? "uniform(-0.1, 0.1)" : "zeros",
	    chance(d->t, 1, 2) ? "next" : "r");
	text_printf(out, "f%d", d->defines++);
	return true;
}

/* -- The rows ---------------------------------------------------------------------------------- */

enum { R2 = 1 << 2, R3 = 1 << 3, R4 = 1 << 4, ALL = R2 | R3 | R4 };
typedef struct Row {
	unsigned ranks;
	Rule rule;
	const char *text;
} Row;

static const Row LAYERS[] = {
    {ALL, linear, ""},
    {ALL, keeps, "relu|leaky_relu|leaky_relu(0.2)|relu|relu"},
    {ALL, keeps, "elu|elu(0.5)|sigmoid|silu|gelu|softplus|log_sigmoid|tanh"},
    {ALL, keeps, "softmax|log_softmax|log_softmax(1)|softmax(1)"},
    {ALL, keeps, "batch_norm|layer_norm|rms_norm|batch_norm(0.3)"},
    {ALL, keeps,
     "dropout|dropout(0.2)|gaussian_noise(0.1)|mask(0.3)|gumbel_softmax|gumbel_softmax(2)"},
    {ALL, keeps, "normalize|normalize(1)|standardize"},
    {R3 | R4, conv, ""},
    {R3 | R4, conv, ""},
    {R4, winograd, ""},
    {R4, volume, "of one group"},
    {R3 | R4, pool, "max_pool"},
    {R3 | R4, pool, "avg_pool"},
    {R3 | R4, mean_pool, "mean_pool"},
    {R3, attention, "attention"},
    {R3, recurrent, ""},
    {R3, recurrent, ""},
    {R3 | R4, join_axis, "join_last"},
    {ALL, fold_axis, ""},
    {ALL, flatten, "flatten"},
    {ALL, inner, "residual"},
    {ALL, inner, "repeat"},
    {ALL, own_product, ""},
    {ALL, own_state, ""},
    {ALL, embedding, ""},
    {ALL, draw_expression, ""},
    {ALL, draw_expression, ""},
    {ALL, draw_expression, ""},
    {ALL, draw_expression, ""},
    {ALL, draw_expression, ""},
    {ALL, draw_expression, ""},
    {ALL, draw_move, ""},
    {ALL, draw_move, ""},
    {ALL, draw_move, ""},
    {ALL, draw_move, ""},
    {ALL, draw_move, ""},
};

void draw_layer(Draw *d, Form *f, Text *out)
{
	for (int tries = 0; tries < 12; tries++) {
		const Row *row = &LAYERS[pick(d->t, COUNT(LAYERS))];
		if ((row->ranks >> f->rank & 1) && row->rule(d, row->text, f, out))
			return;
	}
	text_printf(out, "tanh");
}

void draw_chain(Draw *d, Form *f, int most, Text *out)
{
	for (int i = 0; i < most && chance(d->t, 4, 5); i++) {
		text_printf(out, "%s\"", i ? ", " : "");
		draw_layer(d, f, out);
		text_printf(out, "\"");
	}
	if (!out->size)
		text_printf(out, "\"tanh\"");
}

/* -- Transforms -------------------------------------------------------------------------------- */

void draw_transform(Draw *d, const Form *f, Text *out)
{
	bool image = f->rank == 3;
	int64_t h = image ? f->dim[1] : 0, w = image ? f->dim[2] : 0, least = h < w ? h : w;
	switch (pick(d->t, image ? 9 : 2)) {
	case 0:
		text_printf(out, "gaussian_noise%s", perhaps(d, "(0.3)"));
		break;
	case 1:
		text_printf(out, "mask%s", perhaps(d, "(0.25)"));
		break;
	case 2:
		text_printf(out, "random_flip");
		break;
	case 3:
		text_printf(out, "brightness%s", perhaps(d, "(0.5)"));
		break;
	case 4:
		text_printf(out, "jitter%s", perhaps(d, "(0.4)"));
		break;
	case 5:
		text_printf(out, "random_erase(%lld)",
		            (long long)(1 + pick(d->t, (uint32_t)(least > 1 ? least - 1 : 1))));
		break;
	case 6:
		text_printf(out, "random_shift(%lld)", (long long)(1 + pick(d->t, 3)));
		break;
	case 7: {
		int64_t size = h % 2 == 0 && w % 2 == 0 ? 2 : h == w ? h : 1;
		text_printf(out, "mask_patches(%lld%s)", (long long)size, perhaps(d, ", 0.3"));
		break;
	}
	default:
		text_printf(out, "reverse(%d)", 1 + (int)pick(d->t, 2));
	}
}

/* -- Optimizers -------------------------------------------------------------------------------- */

static void draw_rate(Draw *d, const char *lr, Text *out)
{
	static const char *const SCHEDULES[] = {"%s",
	                                        "warmup(%s, 0.5)",
	                                        "cosine(%s, 0.4)",
	                                        "cosine(%s, 0.1, 0.2)",
	                                        "linear_decay(%s)",
	                                        "exponential(%s, 0.7)",
	                                        "%s * exp(-0.1 * step)",
	                                        "stepped(%s, 0.5)",
	                                        "warmup(cosine(%s))"};
	const char *form = SCHEDULES[pick(d->t, COUNT(SCHEDULES))], *at = strstr(form, "%s");
	text_add(out, form, (size_t)(at - form));
	text_printf(out, "%s%s", lr, at + 2);
}

void draw_optimizer(Draw *d, Text *out)
{
	static const struct {
		const char *before, *lr, *after;
	} ROWS[] = {
	    {"sgd(", "0.05", ")"},
	    {"sgd(", "0.05", ", momentum=0.9)"},
	    {"sgd(", "0.05", ", momentum=0.9, nesterov=1, weight_decay=0.01)"},
	    {"adam(", "0.01", ")"},
	    {"adam(", "0.001", ", beta2=0.99)"},
	    {"adam(lr=", "0.003", ", beta1=0.8, weight_decay=0.1)"},
	    {"adamw(", "0.01", ", weight_decay=0.05)"},
	    {"lion(", "0.001", ", weight_decay=0.1)"},
	    {"signed(", "0.001", ")"},
	    {"layered(", "0.01", ")"},
	    {"alternating(", "0.01", ")"},
	    {"accumulate(2, adam(", "0.01", "))"},
	    {"accumulate(3, sgd(", "0.1", ", momentum=0.5))"},
	    {"accumulate(2, accumulate(2, sgd(", "0.1", ", momentum=0.9)))"},
	    {"each_its_own(", "0.01", ")"},
	    {"slow(", "0.01", ")"},
	    {"lars(", "0.1", ")"},
	    {"lamb(", "0.01", ")"},
	    {"muon(", "0.02", ")"},
	    {"sam(0.05, sgd(", "0.05", "))"},
	    {"asam(0.1, accumulate(2, adam(", "0.01", ")))"},
	    {"gsam(0.05, 0.3, sgd(", "0.05", ", momentum=0.9))"},
	    {"averaged(0.8, adam(", "0.01", "))"},
	    {"schedule_free(", "0.01", ", weight_decay=0.1)"},
	    {"schedule_free_sgd(", "0.1", ", batches=2)"},
	    {"prodigy(", "1", ", d0=0.001)"},
	    {"sam(0.05, averaged(0.8, adam(", "0.01", ")))"},
	    {"polyak(", "1", ")"},
	    {"paced_by(", "0.02", ")"},
	};
	uint32_t row = pick(d->t, COUNT(ROWS));
	bool clips = chance(d->t, 1, 4);
	text_printf(out, "%s%s", clips ? "clipped(1, " : "", ROWS[row].before);
	draw_rate(d, ROWS[row].lr, out);
	text_printf(out, "%s%s", ROWS[row].after, clips ? ")" : "");
}
