/* memory.c: memory for tensors, and arrays that grow.
 *
 * Large blocks ask for huge pages: a step walks through all of its memory, and with pages of 4 KiB
 * it waits for page faults the first time and for the translation of addresses every time. Where
 * the system has none, or does not want to, the block is as any other. */
#include "runtime.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE = 2 << 20, LARGE = 2 * HUGE };

void *memory_new(size_t bytes)
{
	size_t unit = bytes >= LARGE ? HUGE : LINE;
	if (bytes > SIZE_MAX - unit)
		return NULL;
	size_t rounded = bytes ? (bytes + unit - 1) / unit * unit : unit;
	void *at = aligned_alloc(unit, rounded);
#ifdef MADV_HUGEPAGE
	if (at && unit == HUGE)
		(void)madvise(at, rounded, MADV_HUGEPAGE);
#endif
	return at;
}

void *memory_grow(void *at, size_t *room, size_t count, size_t size)
{
	if (at && count <= *room)
		return at;
	size_t twice = *room < SIZE_MAX / 2 ? 2 * *room : SIZE_MAX,
	       more = count > twice ? count : twice;
	more = more < 64 ? 64 : more;
	void *larger = more <= SIZE_MAX / size ? realloc(at, more * size) : NULL;
	if (larger)
		*room = more;
	return larger;
}
