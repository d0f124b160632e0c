/* diff.c: what differs between two dumps, by lines.
 *
 * Nodes, kernels and buffers are renumbered by every pass, so lines are compared without their
 * numbers and places: those that are alone in both texts match first, in order (patience), and what
 * is between them by the longest common subsequence. Then numbers count again: two lines that
 * match say which numbers stand for each other, and a line of which an operand does not is shown as
 * changed. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

enum { MOST_CELLS = 1 << 24 }; /* of the table of a longest common subsequence */

typedef struct Line {
	const char *at;
	size_t size;     /* without what follows '#' and spaces before it */
	size_t whole;    /* with it */
	uint64_t key;    /* of its text without numbers of nodes, kernels, buffers */
	size_t twin;     /* the line of the other text; SIZE_MAX: none */
	bool is_changed; /* it has a twin, but other operands */
} Line;

typedef struct Side {
	Line *line;
	size_t count;
} Side;

/* -- Lines ------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

/* The digits behind "%", "@", or "b" where a word begins: how many; 0: none. */
static size_t number_behind(const Line *l, size_t i)
{
	char sigil = l->at[i];
	if (sigil != '%' && sigil != '@' && !(sigil == 'b' && (i == 0 || !is_word(l->at[i - 1]))))
		return 0;
	size_t n = 0;
	while (i + 1 + n < l->size && is_digit(l->at[i + 1 + n]))
		n++;
	return i + 1 + n < l->size && is_word(l->at[i + 1 + n]) ? 0 : n;
}

static void make_key(Line *l)
{
	l->key = 1469598103934665603u; /* FNV-1a */
	for (size_t i = 0; i < l->size; i++) {
		l->key = (l->key ^ (unsigned char)l->at[i]) * 1099511628211u;
		i += number_behind(l, i);
	}
}

static bool side_open(Side *s, const char *text)
{
	size_t lines = 1;
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	*s = (Side){.line = calloc(lines + 1, sizeof *s->line)};
	for (const char *at = text; s->line && *at;) {
		Line *l = &s->line[s->count++];
		l->at = at;
		l->whole = strcspn(at, "\n");
		l->size = l->whole;
		for (size_t i = 0; i + 2 < l->whole; i++)
			if (strncmp(at + i, " # ", 3) == 0)
				l->size = i;
		while (l->size && at[l->size - 1] == ' ')
			l->size--;
		l->twin = SIZE_MAX;
		make_key(l);
		at += l->whole + (at[l->whole] == '\n');
	}
	return s->line;
}

/* -- Matching ---------------------------------------------------------------------------------- */

typedef struct Range {
	size_t a, a_end, b, b_end;
} Range;

static void match(Side *a, Side *b, size_t i, size_t k)
{
	a->line[i].twin = k;
	b->line[k].twin = i;
}

/* Table [n + 1, m + 1] of the lengths of what is common behind (i, k). */
static bool match_longest(Side *a, Side *b, Range r)
{
	size_t n = r.a_end - r.a, m = r.b_end - r.b, w = m + 1;
	if (!n || !m || n * m > MOST_CELLS)
		return true; /* too much in which nothing is alone: all of it is another text */
	uint32_t *common = calloc((n + 1) * w, sizeof *common);
	if (!common)
		return false;
	for (size_t i = n; i-- > 0;)
		for (size_t k = m; k-- > 0;) {
			uint32_t down = common[(i + 1) * w + k], right = common[i * w + k + 1];
			bool same = a->line[r.a + i].key == b->line[r.b + k].key;
			common[i * w + k] = same           ? common[(i + 1) * w + k + 1] + 1
			                    : down > right ? down
			                                   : right;
		}
	for (size_t i = 0, k = 0; i < n && k < m;)
		if (a->line[r.a + i].key == b->line[r.b + k].key) {
			match(a, b, r.a + i, r.b + k);
			i++, k++;
		} else if (common[(i + 1) * w + k] >= common[i * w + k + 1]) {
			i++;
		} else {
			k++;
		}
	free(common);
	return true;
}

typedef struct Keyed {
	uint64_t key;
	size_t at;
} Keyed;

static int by_key(const void *p, const void *q)
{
	const Keyed *a = p, *b = q;
	return a->key < b->key ? -1 : a->key > b->key ? 1 : a->at < b->at ? -1 : a->at > b->at;
}

static size_t alone(const Side *s, size_t from, size_t to, Keyed *out)
{
	size_t kept = 0;
	for (size_t i = from; i < to; i++)
		out[i - from] = (Keyed){s->line[i].key, i};
	qsort(out, to - from, sizeof *out, by_key);
	uint64_t before = 0;
	for (size_t i = 0; i < to - from; i++) {
		uint64_t key = out[i].key;
		if ((i == 0 || before != key) && (i + 1 == to - from || out[i + 1].key != key))
			out[kept++] = out[i];
		before = key;
	}
	return kept;
}

/* Lines that are alone on both sides, in the order of a: their places in b. Of these the longest
 * rising sequence matches (patience sorting; Bespamyatnikh and Segal 2000). */
static bool match_alone(Side *a, Side *b, Range r)
{
	size_t n = r.a_end - r.a, m = r.b_end - r.b, pairs = 0, piles = 0;
	Keyed *of_a = calloc(n + 1, sizeof *of_a), *of_b = calloc(m + 1, sizeof *of_b);
	size_t *in_b = malloc((n + 1) * sizeof *in_b), *top = calloc(n + 1, sizeof *top),
	       *before = calloc(n + 1, sizeof *before);
	bool good = of_a && of_b && in_b && top && before;
	if (good) {
		size_t as = alone(a, r.a, r.a_end, of_a), bs = alone(b, r.b, r.b_end, of_b);
		for (size_t i = 0; i < n; i++)
			in_b[i] = SIZE_MAX;
		for (size_t i = 0, k = 0; i < as && k < bs;)
			if (of_a[i].key == of_b[k].key) {
				in_b[of_a[i++].at - r.a] = of_b[k++].at;
				pairs++;
			} else if (of_a[i].key < of_b[k].key) {
				i++;
			} else {
				k++;
			}
	}
	for (size_t i = 0; good && pairs && i < n; i++) {
		if (in_b[i] == SIZE_MAX)
			continue;
		size_t low = 0, high = piles;
		while (low < high) {
			size_t middle = (low + high) / 2;
			if (in_b[top[middle]] < in_b[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? top[low - 1] + 1 : 0;
		top[low] = i;
		piles += low == piles;
	}
	for (size_t i = piles ? top[piles - 1] + 1 : 0; i; i = before[i - 1])
		match(a, b, r.a + i - 1, in_b[i - 1]);
	free(of_a), free(of_b), free(in_b), free(top), free(before);
	return good;
}

/* Between lines that match already. */
static bool match_between(Side *a, Side *b)
{
	size_t from_a = 0, from_b = 0;
	bool good = true;
	for (size_t i = 0; good && i <= a->count; i++) {
		bool end = i == a->count;
		if (!end && a->line[i].twin == SIZE_MAX)
			continue;
		size_t to_b = end ? b->count : a->line[i].twin;
		good = match_longest(a, b, (Range){from_a, i, from_b, to_b});
		from_a = i + 1, from_b = to_b + 1;
	}
	return good;
}

/* -- Numbers ----------------------------------------------------------------------------------- */

/* Which number of b stands for one of a: by how far in the line is, and by what precedes it. */
typedef struct Alias {
	size_t depth;
	char sigil;
	unsigned long a, b;
} Alias;

typedef struct Aliases {
	Alias *at;
	size_t count;
} Aliases;

static int by_a(const void *p, const void *q)
{
	const Alias *a = p, *b = q;
	if (a->depth != b->depth)
		return a->depth < b->depth ? -1 : 1;
	if (a->sigil != b->sigil)
		return a->sigil < b->sigil ? -1 : 1;
	return a->a < b->a ? -1 : a->a > b->a;
}

/* The next number at or behind *at; false: none. */
static bool next_number(const Line *l, size_t *at, char *sigil, unsigned long *number)
{
	for (; *at < l->size; ++*at) {
		size_t digits = number_behind(l, *at);
		if (!digits)
			continue;
		*sigil = l->at[*at];
		*number = strtoul(l->at + *at + 1, NULL, 10);
		*at += digits + 1;
		return true;
	}
	return false;
}

static size_t depth_of(const Line *l)
{
	return strspn(l->at, " ");
}

/* What lines that match begin with stands for each other. */
static void find_aliases(const Side *a, const Side *b, Aliases *to)
{
	for (size_t i = 0; i < a->count; i++) {
		const Line *l = &a->line[i];
		if (l->twin == SIZE_MAX)
			continue;
		const Line *other = &b->line[l->twin];
		size_t x = 0, y = 0;
		Alias *alias = &to->at[to->count];
		alias->depth = depth_of(l);
		to->count += next_number(l, &x, &alias->sigil, &alias->a) &&
		             next_number(other, &y, &alias->sigil, &alias->b);
	}
	qsort(to->at, to->count, sizeof *to->at, by_a);
}

static bool stands_for(const Aliases *all, Alias wanted)
{
	const Alias *found = bsearch(&wanted, all->at, all->count, sizeof *all->at, by_a);
	return found && found->b == wanted.b;
}

static void find_changed(Side *a, Side *b, const Aliases *all)
{
	for (size_t i = 0; i < a->count; i++) {
		Line *l = &a->line[i];
		if (l->twin == SIZE_MAX)
			continue;
		Line *other = &b->line[l->twin];
		size_t x = 0, y = 0;
		Alias one = {.depth = depth_of(l)};
		while (next_number(l, &x, &one.sigil, &one.a) && next_number(other, &y, &one.sigil, &one.b))
			l->is_changed |= !stands_for(all, one);
		other->is_changed = l->is_changed;
	}
}

/* -- Printing ---------------------------------------------------------------------------------- */

static void print_line(char sign, const Line *l, bool colour)
{
	const char *paint = sign == '-' ? "\033[31m" : sign == '+' ? "\033[32m" : "\033[33m";
	printf("%s%c %.*s%s\n", colour ? paint : "", sign, (int)l->whole, l->at,
	       colour ? "\033[0m" : "");
}

/* Gaps between what is shown are one line. */
static void print_sides(const Side *a, const Side *b, bool colour)
{
	size_t i = 0, k = 0, same = 0;
	while (i < a->count || k < b->count) {
		bool gone = i < a->count && a->line[i].twin == SIZE_MAX;
		bool made = !gone && k < b->count && b->line[k].twin == SIZE_MAX;
		bool changed = !gone && !made && i < a->count && a->line[i].is_changed;
		if (!gone && !made && !changed) {
			same++, i++, k++;
			continue;
		}
		if (same)
			printf("  ... %zu the same\n", same);
		same = 0;
		if (gone || changed)
			print_line(changed ? '<' : '-', &a->line[i++], colour);
		if (made || changed)
			print_line(changed ? '>' : '+', &b->line[k++], colour);
	}
	if (same)
		printf("  ... %zu the same\n", same);
}

static size_t lone(const Side *s)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += s->line[i].twin == SIZE_MAX;
	return count;
}

bool diff_print(const char *before, const char *after, bool colour)
{
	Side a = {0}, b = {0};
	Aliases all = {0};
	bool good = side_open(&a, before) && side_open(&b, after) &&
	            match_alone(&a, &b, (Range){0, a.count, 0, b.count}) && match_between(&a, &b) &&
	            (all.at = calloc(a.count + 1, sizeof *all.at));
	if (good) {
		find_aliases(&a, &b, &all);
		find_changed(&a, &b, &all);
		print_sides(&a, &b, colour);
		size_t changed = 0;
		for (size_t i = 0; i < a.count; i++)
			changed += a.line[i].is_changed;
		printf("%zu gone, %zu new, %zu with other operands, %zu the same\n", lone(&a), lone(&b),
		       changed, a.count - lone(&a) - changed);
	}
	free(a.line);
	free(b.line);
	free(all.at);
	return good;
}
