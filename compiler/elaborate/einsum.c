/* einsum.c: einsum('bqd,bkd->bqk', x, y): a product of two tensors by names of axes.
 *
 * A letter of both that the result has is a batch axis, one that it has not is summed over; letters
 * of one operand only are free, and the result must have them. NumPy's notation (numpy.einsum),
 * two operands. */
#include "elaborator.h"

#include <string.h>

enum { LETTERS = 52 };

typedef struct Subscripts {
	char letter[MAX_RANK];
	int count;
} Subscripts;

/* The letters up to `end`; moves *at behind it. */
static bool subscripts(const char **at, const char *end, Subscripts *to)
{
	const char *p = *at;
	for (; *p && (!*end || strncmp(p, end, strlen(end)) != 0); p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
		if (*p == ' ')
			continue;
		if (!letter || to->count == MAX_RANK || memchr(to->letter, *p, (size_t)to->count))
			return false;
		to->letter[to->count++] = *p;
	}
	if (strncmp(p, end, strlen(end)) != 0)
		return false;
	*at = p + strlen(end);
	return true;
}

static bool parse_spec(const char *text, Subscripts *x, Subscripts *y, Subscripts *to)
{
	return subscripts(&text, ",", x) && subscripts(&text, "->", y) && subscripts(&text, "", to);
}

static int place_of(const Subscripts *s, char letter)
{
	const char *at = memchr(s->letter, letter, (size_t)s->count);
	return at ? (int)(at - s->letter) : -1;
}

/* The result of the dot has batch axes, then x's free ones, then y's: its letters in that order. */
static bool dot_axes(const Subscripts *x, const Subscripts *y, const Subscripts *to, DotAxes *d,
                     Subscripts *made)
{
	for (int i = 0; i < x->count; i++) {
		int other = place_of(y, x->letter[i]);
		if (other < 0)
			continue;
		if (place_of(to, x->letter[i]) < 0) {
			d->x_contract[d->contract] = (uint8_t)i;
			d->y_contract[d->contract++] = (uint8_t)other;
		} else {
			d->x_batch[d->batch] = (uint8_t)i;
			d->y_batch[d->batch++] = (uint8_t)other;
			made->letter[made->count++] = x->letter[i];
		}
	}
	for (int side = 0; side < 2; side++) {
		const Subscripts *s = side ? y : x, *other = side ? x : y;
		for (int i = 0; i < s->count; i++) {
			if (place_of(other, s->letter[i]) >= 0)
				continue;
			if (place_of(to, s->letter[i]) < 0 || made->count == MAX_RANK)
				return false;
			made->letter[made->count++] = s->letter[i];
		}
	}
	return made->count == to->count;
}

static Value wrong(Elab *b, const Given *in, const char *text)
{
	elab_error(b, in->span, "%s", text);
	diag_help(b->c->diags, "one letter an axis, such as 'bqd,bkd->bqk'; letters that the result "
	                       "has not stand in both operands and are summed over");
	return value_none();
}

Value builtin_einsum(Elab *b, Span span, Given *in)
{
	Subscripts side[2] = {{.count = 0}}, to = {.count = 0}, made = {.count = 0};
	DotAxes d = {0};
	NodeId x[2];
	if (in[0].value.kind != VALUE_TEXT || !parse_spec(in[0].value.text, &side[0], &side[1], &to))
		return wrong(b, &in[0], "this is no description of a product");
	for (int i = 0; i < 2; i++) {
		x[i] = value_to_tensor(b, &in[i + 1].value, (DType)b->c->float_type);
		if (!x[i])
			return value_none();
		int rank = node(b->g, x[i])->shape.rank;
		if (rank == side[i].count)
			continue;
		elab_error(b, in[i + 1].span, "%s has %d axes, but '%s' names %d",
		           value_text(b, &in[i + 1].value), rank, in[0].value.text, side[i].count);
		return value_none();
	}
	if (!dot_axes(&side[0], &side[1], &to, &d, &made))
		return wrong(b, &in[0], "the letters of the result do not fit those of the operands");
	if (!type_info[node(b->g, x[0])->type].is_float) {
		elab_error(b, span, "a product of tensors needs floats, and this is %s",
		           value_text(b, &in[1].value));
		return value_none();
	}
	NodeId y = op_dot(b->g, x[0], x[1], d);
	Axes order = {.count = (uint8_t)to.count};
	bool same = true;
	for (int i = 0; i < to.count; i++) {
		int at = place_of(&made, to.letter[i]);
		if (at < 0)
			return wrong(b, &in[0], "the result has a letter that no operand has");
		order.at[i] = (uint8_t)at;
		same &= at == i;
	}
	return value_tensor(y && !same ? op_transpose(b->g, y, order) : y);
}
