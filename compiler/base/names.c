/* names.c: names and their numbers: a hash table with open addressing, at most half full. */
#include "base.h"

#include <string.h>

enum { FIRST_ROOM = 16 };

/* The slot of the name, or the free one where it belongs. */
static NameSlot *slot_of(const Names *n, const char *name)
{
	uint32_t i = (uint32_t)hash_text(0, name) & (n->room - 1);
	while (n->slot[i].name && strcmp(n->slot[i].name, name) != 0)
		i = (i + 1) & (n->room - 1);
	return &n->slot[i];
}

uint32_t names_find(const Names *n, const char *name)
{
	return n->count ? slot_of(n, name)->number : 0;
}

static void grow(Names *n, Arena *a)
{
	Names more = {.room = n->room ? 2 * n->room : FIRST_ROOM, .count = n->count};
	more.slot = new_array(a, NameSlot, more.room);
	for (uint32_t i = 0; i < n->room; i++)
		if (n->slot[i].name)
			*slot_of(&more, n->slot[i].name) = n->slot[i];
	*n = more;
}

uint32_t names_add(Names *n, Arena *a, const char *name, uint32_t number)
{
	if (n->count >= n->room / 2)
		grow(n, a);
	NameSlot *slot = slot_of(n, name);
	if (slot->name)
		return slot->number;
	*slot = (NameSlot){name, number};
	n->count++;
	return 0;
}
