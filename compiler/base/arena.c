/* arena.c: chunked bump allocation: memory with a lifetime, not an owner. A new chunk doubles;
 * nothing is freed singly. The largest chunk that a reset gives back is kept for the next: the
 * system takes long to give fresh pages. */
#include "base.h"

#include "../../runtime/plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, FIRST_CHUNK = 64 << 10, LARGEST_CHUNK = 16 << 20, MOST_HELD = 8 };

typedef struct Chunk Chunk;
struct Chunk {
	Chunk *before;
	size_t size, used, dirty; /* of bytes; those behind `dirty` are zero */
	_Alignas(ALIGN) char bytes[];
};

typedef struct Held {
	void (*close)(void *);
	void *what;
} Held;

struct Arena {
	Held held[MOST_HELD];
	size_t holds;
	Chunk *chunk, *spare; /* spare: NULL: none */
	size_t limit, total;  /* total: bytes of all chunks, also of arenas beside it */
	bool refused;         /* the system had none */
	jmp_buf *where;
	Arena *of; /* NULL, or this one is beside that */
};

void bug_at(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "sslc: internal error at %s:%d: ", file, line);
	vfprintf(stderr, format, args);
	fprintf(stderr,
	        "\nThis is a bug in sslc, not in your model. Please report it with the model file.\n");
	va_end(args);
	errno = 0; /* no lack of memory, which aborts with ENOMEM */
	abort();
}

static void close_held(void *room)
{
	arena_close(room);
}

Arena *arena_open(size_t limit)
{
	Arena *a = calloc(1, sizeof *a);
	if (a)
		a->limit = limit;
	return a;
}

static _Noreturn void refuse(Arena *a)
{
	a->refused = true;
	arena_exhausted(a);
}

Arena *arena_beside(Arena *a)
{
	Arena *room = arena_open(0);
	if (!room)
		refuse(a);
	room->of = a;
	arena_hold(a, close_held, room);
	return room;
}

void arena_close(Arena *a)
{
	if (!a)
		return;
	while (a->holds)
		arena_release(a);
	arena_reset(a, (ArenaMark){0});
	free(a->spare);
	free(a);
}

void arena_hold(Arena *a, void (*close)(void *), void *what)
{
	if (a->holds == MOST_HELD)
		BUG("an arena holds more than %d things", MOST_HELD);
	a->held[a->holds++] = (Held){close, what};
}

void arena_release(Arena *a)
{
	const Held *last = &a->held[--a->holds];
	last->close(last->what);
}

void arena_keep(Arena *a)
{
	a->holds--;
}

jmp_buf *arena_on_limit(Arena *a, jmp_buf *where)
{
	jmp_buf *before = a->where;
	a->where = where;
	return before;
}

void arena_exhausted(Arena *a)
{
	a = a->of ? a->of : a;
	if (a->where)
		longjmp(*a->where, 1);
	BUG("arena of %zu bytes cannot give more", a->total);
}

bool arena_refused(const Arena *a)
{
	return a->refused;
}

static bool has_left(const Arena *a, size_t size)
{
	return !a->limit || (a->total <= a->limit && size <= a->limit - a->total);
}

static Chunk *chunk_add(Arena *a, size_t size)
{
	Arena *whole = a->of ? a->of : a;
	size_t room = a->chunk ? 2 * a->chunk->size : FIRST_CHUNK;
	room = room > LARGEST_CHUNK ? LARGEST_CHUNK : room;
	room = room < size ? size : room;
	if (!has_left(whole, room))
		room = size;
	if (size > SIZE_MAX / 2 || !has_left(whole, room))
		arena_exhausted(a);
	bool spare = a->spare && a->spare->size == room;
	Chunk *c = spare ? a->spare : calloc(1, sizeof *c + room);
	if (!c)
		refuse(whole);
	if (spare)
		a->spare = NULL;
	*c = (Chunk){.before = a->chunk, .size = room, .dirty = c->dirty};
	whole->total += room;
	return a->chunk = c;
}

void *arena_array(Arena *a, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4)
		arena_exhausted(a);
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	Chunk *c = a->chunk;
	if (!c || bytes > c->size - c->used)
		c = chunk_add(a, bytes);
	char *p = c->bytes + c->used;
	if (c->used < c->dirty)
		memset(p, 0, c->used + bytes < c->dirty ? bytes : c->dirty - c->used);
	c->used += bytes;
	c->dirty = c->used > c->dirty ? c->used : c->dirty;
	return p;
}

char *arena_copy(Arena *a, const char *bytes, size_t size)
{
	char *copy = arena_array(a, size + 1, 1);
	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_vprintf(Arena *a, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	locale_t before = plain_begin();
	int size = vsnprintf(NULL, 0, format, args);
	plain_end(before); /* the arena may jump */
	char *text = arena_array(a, size < 0 ? 1 : (size_t)size + 1, 1);
	(void)plain_begin();
	if (size > 0)
		vsnprintf(text, (size_t)size + 1, format, again);
	plain_end(before);
	va_end(again);
	return text;
}

char *arena_printf(Arena *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = arena_vprintf(a, format, args);
	va_end(args);
	return text;
}

ArenaMark arena_mark(const Arena *a)
{
	return (ArenaMark){a->chunk, a->chunk ? a->chunk->used : 0};
}

void arena_reset(Arena *a, ArenaMark mark)
{
	Arena *whole = a->of ? a->of : a;
	while (a->chunk && a->chunk != mark.chunk) {
		Chunk *before = a->chunk->before;
		whole->total -= a->chunk->size;
		if (!a->spare || a->spare->size < a->chunk->size) {
			Chunk *smaller = a->spare;
			a->spare = a->chunk;
			a->chunk = smaller;
		}
		free(a->chunk);
		a->chunk = before;
	}
	if (a->chunk)
		a->chunk->used = mark.used;
}

size_t arena_used(const Arena *a)
{
	size_t used = 0;
	for (const Chunk *c = a->chunk; c; c = c->before)
		used += c->used;
	return used;
}
