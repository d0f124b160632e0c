/* share.c: kernels by what they are: those of equal code have one symbol, in all functions of a target, and
 * are compiled once.
 *
 * A kernel's code is a function of addresses, so what it depends on is its structure alone, of which the
 * hashes of schedule/kernel.c are; and on whether its function runs but once, which is made quickly. */
#include "module.h"

#include <string.h>

/* Whether kernel i runs the code of one before it. */
static bool is_like_another(const Kernels *k, uint32_t i)
{
	return k->kernel[i].hash && k->kernel[i].same < i;
}

const char *const *kernel_numbers(Compile *c, const Kernels *k, const char *prefix)
{
	const char **symbol = new_array(c->arena, const char *, k->kernel_count + 1);
	for (uint32_t i = 0; i < k->kernel_count; i++)
		symbol[i] = is_like_another(k, i) ? symbol[k->kernel[i].same]
		                                  : arena_printf(c->arena, "%sk%u", prefix, i);
	return symbol;
}

const char *const *kernel_contents(Compile *c, const Kernels *k, const char *prefix,
                                   const char *own)
{
	const char **symbol = new_array(c->arena, const char *, k->kernel_count + 1);
	for (uint32_t i = 0; i < k->kernel_count; i++) {
		unsigned long long hash = k->kernel[i].hash;
		symbol[i] =
		    is_like_another(k, i) ? symbol[k->kernel[i].same]
		    : hash ? arena_printf(c->arena, "%sk%016llx%s", prefix, hash, k->once ? "_once" : "")
		           : arena_printf(c->arena, "%s_k%u", own, i);
	}
	return symbol;
}

/* Where it is, or a free place. */
static Made **place_of(Made **made, size_t size, const char *symbol)
{
	size_t i = (size_t)hash_text(0, symbol) & (size - 1);
	while (made[i] && strcmp(made[i]->symbol, symbol) != 0)
		i = (i + 1) & (size - 1);
	return &made[i];
}

static void grow(Arena *a, Shared *all)
{
	size_t size = all->size ? 2 * all->size : 256;
	Made **made = new_array(a, Made *, size);
	for (size_t i = 0; i < all->size; i++)
		if (all->made[i])
			*place_of(made, size, all->made[i]->symbol) = all->made[i];
	all->made = made, all->size = size;
}

Made *shared_kernel(Arena *a, Shared *all, const char *symbol)
{
	if (2 * all->count >= all->size)
		grow(a, all);
	Made **place = place_of(all->made, all->size, symbol);
	if (*place)
		return *place;
	*place = new (a, Made);
	(*place)->symbol = symbol;
	all->count++;
	return *place;
}
