/* shrink.c: makes a tape of choices smaller while its program fails (MacIver and Donaldson 2020):
 * makes runs of choices 0, drops runs, makes single ones half or one less, until nothing helps. */
#include "programs.h"

#include <string.h>

enum { RUN_MOST = 64 };

typedef struct Shrink {
	Tape *best;
	Hash program; /* of the best */
	StillFails fails;
	void *of;
	double end;
} Shrink;

static Hash program_of(Tape *t)
{
	Program p;
	program_draw(t, &p);
	Hash h = hash_bytes(p.chain_room, p.model.data, p.model.size);
	h = hash_bytes(h, p.dim, sizeof p.dim);
	h = hash_text(h, p.cpu ? p.cpu : "");
	program_close(&p);
	return h;
}

/* Shorter, or as long and less in the first choice that differs. */
static bool is_less(const Tape *x, const Tape *y)
{
	if (x->count != y->count)
		return x->count < y->count;
	for (size_t i = 0; i < x->count; i++)
		if (x->choice[i] != y->choice[i])
			return x->choice[i] < y->choice[i];
	return false;
}

/* Takes the tape if it is less and fails. The same program needs no proof. */
static bool try(Shrink *s, Tape t)
{
	t.draws = false;
	if (seconds_now() > s->end)
		return false;
	Hash program = program_of(&t);
	while (t.count && !t.choice[t.count - 1])
		t.count--;
	if (!is_less(&t, s->best) || (program != s->program && !s->fails(s->of, &t)))
		return false;
	s->program = program;
	*s->best = t;
	return true;
}

static bool drop(Shrink *s, size_t at, size_t length)
{
	Tape t = *s->best;
	memmove(t.choice + at, t.choice + at + length, (t.count - at - length) * sizeof *t.choice);
	t.count -= length;
	return try(s, t);
}

static bool make_zero(Shrink *s, size_t at, size_t length)
{
	Tape t = *s->best;
	memset(t.choice + at, 0, length * sizeof *t.choice);
	return try(s, t);
}

static bool every_run(Shrink *s, bool (*less)(Shrink *, size_t, size_t), size_t length)
{
	bool any = false;
	for (size_t at = 0; at < s->best->count; at += length) {
		size_t left = s->best->count - at;
		any |= less(s, at, length < left ? length : left);
	}
	return any;
}

static bool make_less(Shrink *s, size_t at)
{
	uint32_t x = s->best->choice[at];
	const uint32_t to[] = {x / 2, x - 1};
	for (size_t i = 0; x && i < COUNT(to); i++) {
		Tape t = *s->best;
		t.choice[at] = to[i];
		if (try(s, t))
			return true;
	}
	return false;
}

void tape_shrink(Tape *t, StillFails fails, void *of, double seconds)
{
	Shrink s = {t, program_of(t), fails, of, seconds_now() + seconds};
	for (bool any = true; any && seconds_now() < s.end;) {
		any = false;
		for (size_t length = RUN_MOST; length; length /= 2)
			any |= every_run(&s, make_zero, length);
		for (size_t length = RUN_MOST; length; length /= 2)
			any |= every_run(&s, drop, length);
		for (size_t at = 0; at < t->count; at++)
			any |= make_less(&s, at);
	}
}
